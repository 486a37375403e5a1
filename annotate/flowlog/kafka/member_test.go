package kafka

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/portannot/portannot/annotate/flowlog"
)

// messages keeps what a member reports.
type messages struct {
	mu   sync.Mutex
	text strings.Builder
}

func (m *messages) report(s string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.text.WriteString(s + "\n")
}

func (m *messages) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

// cluster makes one with topics "flows", "annotated" and "dead", the last two
// of which have another number of partitions.
func cluster(t testing.TB, opts ...kfake.Opt) (*kfake.Cluster, Config, *messages) {
	t.Helper()
	opts = append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(2, "flows"), kfake.SeedTopics(3, "annotated", "dead"), kfake.GroupMinSessionTimeout(100 * time.Millisecond)}, opts...)
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	m := new(messages)
	seeds := c.ListenAddrs()
	return c, Config{From: Address{seeds, "flows"}, To: Address{seeds, "annotated"}, Group: "g", Enrich: enrichOptions(), CommitInterval: 20 * time.Millisecond, Report: m.report}, m
}

// put writes records as they are.
func put(t testing.TB, c *kfake.Cluster, records ...*kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(900_000))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// get reads n records of a topic.
func get(t testing.TB, c *kfake.Cluster, topic string, n int) (records []*kgo.Record) {
	t.Helper()
	output(t, c.ListenAddrs(), topic, 20*time.Second, func(r *kgo.Record) { records = append(records, r) }, func() bool { return len(records) >= n })
	return records
}

// finish stops a member in good order.
func finish(t testing.TB, m *member) {
	t.Helper()
	m.stop()
	select {
	case err := <-m.result:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("member does not stop")
	}
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// TestRecords: what becomes of each kind of record, with both deliveries.
func TestRecords(t *testing.T) {
	several := []byte(string(flowJSON(1)) + "\n" + string(flowJSON(2)) + "\n")
	big := []byte(`{"src_addr":"192.0.2.1","dst_addr":"192.0.2.2","src_port":50000,"dst_port":22,"proto":"TCP","pad":"` + strings.Repeat("x", 19_500) + `"}`)
	for _, delivery := range []Delivery{ExactlyOnce, AtLeastOnce} {
		for _, dead := range []string{"", "dead"} {
			t.Run(delivery.String()+" "+dead, func(t *testing.T) {
				c, config, _ := cluster(t)
				config.Delivery, config.DeadLetter = delivery, dead
				setConfig(t, c, "annotated", "max.message.bytes", "20000")
				at := time.UnixMilli(1789376400123)
				put(t, c,
					&kgo.Record{Topic: "flows", Key: []byte("a"), Value: flowJSON(0), Timestamp: at, Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}, {Key: "h", Value: []byte("2")}}},
					&kgo.Record{Topic: "flows", Key: []byte("b"), Value: several},
					&kgo.Record{Topic: "flows", Key: []byte("c"), Value: []byte("no flow"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("3")}}},
					&kgo.Record{Topic: "flows", Key: []byte("d")}, // a tombstone
					&kgo.Record{Topic: "flows", Key: []byte("e"), Value: []byte{}},
					&kgo.Record{Topic: "flows", Key: []byte("f"), Value: big},
					&kgo.Record{Topic: "flows", Key: []byte("g"), Value: flowJSON(7)},
				)
				m := start(t, config)
				letters := 0
				if dead != "" {
					letters = 1
				}
				byKey := map[string]*kgo.Record{}
				all := get(t, c, "annotated", 7-letters)
				if t.Failed() {
					t.FailNow()
				}
				for _, r := range all {
					byKey[string(r.Key)] = r
				}
				if dead != "" {
					for _, r := range get(t, c, "dead", letters) {
						if header(r, TopicHeader) != "flows" || header(r, PartitionHeader) != "0" || header(r, OffsetHeader) != "2" || string(r.Key) != "c" {
							t.Errorf("headers of dead letter %q: %v", r.Key, r.Headers)
						}
						byKey[string(r.Key)] = r
					}
				}
				finish(t, m)
				r := byKey["a"]
				if !bytes.Contains(r.Value, []byte(`"name":"https"`)) || !r.Timestamp.Equal(at) || len(r.Headers) != 2 || string(r.Headers[0].Value)+string(r.Headers[1].Value) != "12" {
					t.Errorf("record a: %v %v %s", r.Timestamp, r.Headers, r.Value)
				}
				if v := byKey["b"].Value; bytes.Count(v, []byte(`"portannot":`)) != 2 || bytes.Count(v, []byte("\n")) != 2 || len(byKey["b"].Headers) > 0 {
					t.Errorf("record b: %s", v)
				}
				if r := byKey["c"]; string(r.Value) != "no flow" || header(r, ErrorHeader) == "" || header(r, "h") != "3" {
					t.Errorf("record c: %v %s", r.Headers, r.Value)
				}
				if r := byKey["d"]; r.Value != nil || len(r.Headers) != 0 {
					t.Errorf("record d: %v %q", r.Headers, r.Value)
				}
				if r := byKey["e"]; r.Value == nil || len(r.Value) != 0 || len(r.Headers) != 0 {
					t.Errorf("record e: %v %q", r.Headers, r.Value)
				}
				if r := byKey["f"]; !bytes.Equal(r.Value, big) || !strings.Contains(header(r, ErrorHeader), "20000 bytes") {
					t.Errorf("record f: %v", r.Headers)
				}
				if !bytes.Contains(byKey["g"].Value, []byte(`"sequence_num":7`)) {
					t.Errorf("record g: %s", byKey["g"].Value)
				}
				n := m.Counts()
				bad := NotUnderstood
				if dead != "" {
					bad = DeadLettered
				}
				if n.Records[Annotated] != 3 || n.Records[Unchanged] != 2 || n.Records[bad] != 1 || n.Records[Refused] != 1 || n.Flows.Flows != 5 {
					t.Errorf("counts %+v", n)
				}
				for p, commit := range c.GroupInfo("g").Commits["flows"] {
					if end := c.PartitionInfo("flows", p).HighWatermark; commit.Offset != end {
						t.Errorf("partition %d: committed %d of %d", p, commit.Offset, end)
					}
				}
			})
		}
	}
}

func setConfig(t testing.TB, c *kfake.Cluster, topic, name, value string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	rc := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	rc.Name, rc.Value = name, &value
	r.Configs = append(r.Configs, rc)
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(context.Background(), cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.Resources[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDeliveryChosen: exactly once where the cluster allows it, at least once
// and the reason where it does not, and an error for those who insist.
func TestDeliveryChosen(t *testing.T) {
	denied := func(c *kfake.Cluster) {
		c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.TransactionalIDAuthorizationFailed, Count: -1, TopLevel: true})
	}
	for _, c := range []struct {
		name     string
		opts     []kfake.Opt
		prepare  func(*kfake.Cluster)
		insist   bool
		delivery Delivery
		says     string
	}{
		{"allowed", nil, nil, false, ExactlyOnce, "exactly once: in transactions"},
		{"allowed and insisted on", nil, nil, true, ExactlyOnce, "exactly once: in transactions"},
		{"old brokers", []kfake.Opt{kfake.MaxVersions(kversion.V2_4_0())}, nil, false, AtLeastOnce, "at least once: the brokers are older than Kafka 2.5"},
		{"old brokers, insisted on", []kfake.Opt{kfake.MaxVersions(kversion.V2_4_0())}, nil, true, 0, "older than Kafka 2.5"},
		{"denied", nil, denied, false, AtLeastOnce, "at least once: begin as transactional ID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			kc, config, said := cluster(t, c.opts...)
			if c.prepare != nil {
				c.prepare(kc)
			}
			if c.insist {
				config.Delivery = ExactlyOnce
			}
			m, err := connected(context.Background(), config)
			if c.delivery == 0 {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if m.Delivery() != c.delivery || !strings.Contains(said.String(), c.says) {
				t.Errorf("%v: %s", m.Delivery(), said)
			}
		})
	}
}

// TestTwoClusters: no transaction spans clusters, so it is at least once.
func TestTwoClusters(t *testing.T) {
	c, config, said := cluster(t)
	other, otherConfig, _ := cluster(t, kfake.ClusterID("other"))
	config.To = otherConfig.To
	put(t, c, &kgo.Record{Topic: "flows", Key: []byte("a"), Value: flowJSON(0)})
	m := start(t, config)
	r := get(t, other, "annotated", 1)[0]
	finish(t, m)
	if !bytes.Contains(r.Value, []byte("https")) || m.Delivery() != AtLeastOnce || !strings.Contains(said.String(), "two clusters") {
		t.Errorf("%s %s", r.Value, said)
	}
}

// TestOrder: keys decide the partition as Kafka's own clients do, where the
// topics differ in partitions; records without a key keep their order.
func TestOrder(t *testing.T) {
	c, config, _ := cluster(t)
	var in []*kgo.Record
	for i := range 200 {
		r := &kgo.Record{Topic: "flows", Partition: int32(i % 2), Value: flowJSON(i)}
		if i%4 < 2 {
			r.Key = []byte{'k', byte('0' + i%7)}
		}
		in = append(in, r)
	}
	put(t, c, in...)
	m := start(t, config)
	p := kgo.StickyKeyPartitioner(nil).ForTopic("annotated")
	for _, r := range get(t, c, "annotated", len(in)) {
		if want := p.Partition(r, 3); r.Key != nil && want != int(r.Partition) {
			t.Fatalf("key %s in partition %d, want %d", r.Key, r.Partition, want)
		}
		if r.Key == nil && r.Partition > 1 {
			t.Fatalf("no key, in partition %d", r.Partition)
		}
	}
	finish(t, m)
}

// TestSelection: what is not selected is read and not written.
func TestSelection(t *testing.T) {
	c, config, _ := cluster(t)
	config.Enrich.Selector.Unexpected = true
	put(t, c, &kgo.Record{Topic: "flows", Value: flowJSON(0)},
		&kgo.Record{Topic: "flows", Value: []byte(`{"src_addr":"192.0.2.1","dst_addr":"192.0.2.2","src_port":50000,"dst_port":4,"proto":"TCP"}`)})
	m := start(t, config)
	r := get(t, c, "annotated", 1)[0]
	finish(t, m)
	if !bytes.Contains(r.Value, []byte(`"dst_port":4,`)) || m.Counts().Records[Dropped] != 1 {
		t.Errorf("%s", r.Value)
	}
}

// TestStartErrors: what is wrong is said at the start.
func TestStartErrors(t *testing.T) {
	_, good, _ := cluster(t)
	for _, c := range []struct {
		name string
		set  func(*Config)
		want string
	}{
		{"no such topic", func(c *Config) { c.From.Topic = "nothing" }, "there is no such topic"},
		{"no such dead-letter topic", func(c *Config) { c.DeadLetter = "nothing" }, "there is no such topic"},
		{"a circle", func(c *Config) { c.To.Topic = "flows" }, "would never end"},
		{"a circle by way of dead letters", func(c *Config) { c.DeadLetter = "flows" }, "would never end"},
		{"no group", func(c *Config) { c.Group = "" }, "no consumer group"},
		{"compression", func(c *Config) { c.Compression = "brotli" }, "want none, gzip"},
		{"header format", func(c *Config) { c.Enrich.Format = "zeek" }, "header lines"},
		{"no secret", func(c *Config) { c.Security = Security{Mechanism: "plain", User: "u"} }, "no secret"},
		{"no CA", func(c *Config) { c.Security = Security{TLS: true, CAFile: "/nonexistent"} }, "read certificates"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := good
			c.set(&config)
			if _, err := connected(context.Background(), config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestSecurity: TLS with a certificate of one's own, and each mechanism that
// kfake has. What is reported never holds the secret.
func TestSecurity(t *testing.T) {
	cert, caFile := certificate(t)
	const secret = "s3cret-of-the-test"
	secretFile := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secretFile, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mechanism, method := range map[string]string{"plain": "PLAIN", "scram-sha-256": "SCRAM-SHA-256", "scram-sha-512": "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			_, config, said := cluster(t, kfake.EnableSASL(), kfake.Superuser(method, "u", secret), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
			config.Security = Security{TLS: true, CAFile: caFile, Mechanism: mechanism, User: "u", Secret: SecretFile(secretFile)}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if _, err := connected(ctx, config); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PORTANNOT_TEST_SECRET", "wrong-"+secret)
			config.Security.Secret = SecretEnv("PORTANNOT_TEST_SECRET")
			// A broker that refuses is asked again, since its users may change.
			short, stop := context.WithTimeout(ctx, 2*time.Second)
			defer stop()
			_, err := connected(short, config)
			if err == nil || strings.Contains(err.Error()+said.String(), secret) {
				t.Errorf("wrong secret: error %v; said %s", err, said)
			}
			config.Security.CAFile = ""
			config.Security.Secret = SecretFile(secretFile)
			ctx, cancel = context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			if _, err := connected(ctx, config); err == nil {
				t.Error("a certificate of an unknown authority was accepted")
			}
		})
	}
}

// certificate makes one for 127.0.0.1 that vouches for itself.
func certificate(t testing.TB) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// TestCounts: what was done is counted, and health follows the work.
func TestCounts(t *testing.T) {
	c, config, _ := cluster(t)
	put(t, c, &kgo.Record{Topic: "flows", Value: flowJSON(0)}, &kgo.Record{Topic: "flows", Partition: 1, Value: []byte("no flow")})
	idle, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := idle.Healthy(); err == nil || err.Error() != "not started" {
		t.Errorf("before the start: %v", err)
	}
	m := start(t, config)
	get(t, c, "annotated", 2)
	await(t, func() bool { return m.Counts().Commits > 0 })
	if err := m.Healthy(); err != nil {
		t.Errorf("at work: %v", err)
	}
	finish(t, m)
	n := m.Counts()
	if n.Records[Annotated] != 1 || n.Records[NotUnderstood] != 1 || n.Flows.Flows != 1 || len(n.Lag) != 0 || n.Delivery != ExactlyOnce || n.LastCommit.IsZero() {
		t.Errorf("%+v", n)
	}
	upTo, count, sum := n.Commit.Sums()
	if count == 0 || sum <= 0 || upTo[300] != count {
		t.Errorf("commits: %v, %d, %f", upTo, count, sum)
	}
	m.metrics.update(func(c *Counts) { c.lastCycle = c.lastCycle.Add(-3 * time.Minute) })
	if err := m.Healthy(); err == nil || !strings.Contains(err.Error(), "no progress") {
		t.Errorf("stalled: %v", err)
	}
}

func TestParseAddress(t *testing.T) {
	for in, want := range map[string]string{
		"kafka://a/t":                     "kafka://a:9092/t",
		"kafka://a:1,b:2,[2001:db8::1]/t": "kafka://a:1,b:2,[2001:db8::1]:9092/t",
		"kafka://[2001:db8::1]:9/x.y_z-1": "kafka://[2001:db8::1]:9/x.y_z-1",
		"kafka://a":                       "",
		"kafka:///t":                      "",
		"kafka://a,/t":                    "",
		"kafka://a:0/t":                   "",
		"kafka://a:70000/t":               "",
		"kafka://a/":                      "",
		"kafka://a/..":                    "",
		"kafka://a/t/u":                   "",
		"kafka://u:secret@a/t":            "",
		"kafka://a/t?password=secret":     "",
		"http://a/t":                      "",
	} {
		a, err := ParseAddress(in)
		if want == "" {
			if err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v, error %v", in, a, err)
			}
			continue
		}
		if err != nil || a.String() != want {
			t.Errorf("%s: %v, error %v, want %s", in, a, err, want)
		}
	}
}

// TestRooms: values stay as they are until they are written, in whatever order,
// and their memory is used again then, but not before.
func TestRooms(t *testing.T) {
	a, err := newAnnotator(enrichOptions())
	if err != nil {
		t.Fatal(err)
	}
	type sent struct {
		i     int
		value []byte
		in    *room
	}
	var failed firstError
	var waiting []sent
	write := func(n int, err error) { // n of those that wait, from all over
		for range n {
			at := len(waiting) * 7 / 11
			s := waiting[at]
			if !bytes.HasPrefix(s.value, flowJSON(s.i)[:len(flowJSON(s.i))-1]) || !bytes.HasSuffix(s.value, []byte("}}")) {
				t.Fatalf("value %d: %s", s.i, s.value)
			}
			waiting[at] = waiting[len(waiting)-1]
			waiting = waiting[:len(waiting)-1]
			s.in.done(nil, err)
		}
	}
	used := map[*room]bool{}
	const records, most = 50_000, 2000
	for i := range records {
		if i%10_000 == 0 { // a batch ends
			write(len(waiting), nil)
			a.rooms.begin(&failed)
		}
		v, _, err := a.annotate(flowJSON(i))
		if err != nil {
			t.Fatal(err)
		}
		used[a.in] = true
		a.in.held.Add(1)
		waiting = append(waiting, sent{i, v, a.in})
		if len(waiting) == most {
			write(most/2, nil)
		}
	}
	size := len(waiting[0].value)
	if n := len(used); n < most*size/2/roomSize || n > records*size/roomSize/2 {
		t.Errorf("%d rooms for %d values of %d bytes, %d of which at once", n, records, size, most)
	}
	if failed.get() != nil {
		t.Error(failed.get())
	}
	write(1, kerr.MessageTooLarge)
	write(len(waiting), nil)
	if failed.get() != kerr.MessageTooLarge {
		t.Errorf("error %v of one that was not written", failed.get())
	}
	a.rooms.begin(&failed)
	if free := a.rooms.free; len(free) != min(len(used), maxFree) {
		t.Errorf("%d of %d rooms are free", len(free), len(used))
	}

	// One too long for what was reckoned with lies elsewhere, and holds none.
	long := fmt.Appendf(nil, `{"proto":"TCP","src_addr":"192.0.2.1","dst_addr":"192.0.2.2","src_port":40000,"dst_port":443,"x":%q}`, strings.Repeat("x", 3*roomSize))
	v, kind, err := a.annotate(long)
	if err != nil || kind != flowlog.Flow || len(v) <= len(long) {
		t.Fatalf("%d bytes, %v, error %v", len(v), kind, err)
	}
	a.rooms.begin(&failed)
	if len(a.rooms.free) != min(len(used), maxFree) {
		t.Errorf("%d rooms are free: one of another length is kept", len(a.rooms.free))
	}
}
