package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// padded is a flow with n bytes of padding.
func padded(n int) []byte {
	return fmt.Appendf(nil, `{"src_addr":"192.0.2.1","dst_addr":"192.0.2.2","src_port":50000,"dst_port":22,"proto":"TCP","pad":"%s"}`, strings.Repeat("x", n))
}

// putLarge writes records one by one, compressed, whatever they are long.
func putLarge(t testing.TB, c *kfake.Cluster, codec kgo.CompressionCodec, records ...*kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec),
		kgo.ProducerBatchMaxBytes(1<<30), kgo.BrokerMaxWriteBytes(1<<30))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for _, r := range records {
		if err := cl.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// committed waits until a group has read a topic to its end.
func committed(t testing.TB, c *kfake.Cluster, topic string) {
	t.Helper()
	await(t, func() bool {
		for _, p := range c.PartitionInfos(topic) {
			if p.HighWatermark == 0 {
				continue
			}
			if info := c.GroupInfo("g"); info == nil || info.Commits[topic][p.Partition].Offset != p.HighWatermark {
				return false
			}
		}
		return true
	})
}

// both runs a test with both deliveries, with a dead-letter topic and without.
func both(t *testing.T, f func(t *testing.T, delivery Delivery, dead string)) {
	for _, delivery := range []Delivery{ExactlyOnce, AtLeastOnce} {
		for _, dead := range []string{"", "dead"} {
			t.Run(strings.TrimSpace(delivery.String()+" "+dead), func(t *testing.T) {
				t.Parallel()
				f(t, delivery, dead)
			})
		}
	}
}

// TestTooLarge: a record that is too large once annotated, one that is too large
// as it is, one that is so for the dead letters too, and one with a batch that
// takes more than memory allows when it is decompressed. What comes behind each
// arrives, and all is committed.
func TestTooLarge(t *testing.T) {
	both(t, func(t *testing.T, delivery Delivery, dead string) {
		c, config, said := cluster(t)
		config.Delivery, config.DeadLetter = delivery, dead
		setConfig(t, c, "annotated", "max.message.bytes", "20000")
		setConfig(t, c, "dead", "max.message.bytes", "50000")
		var in []*kgo.Record
		for i, n := range []int{0, 19_500, 30_000, 3 << 20, 0, maxBatchBytes + 1, 0} {
			in = append(in, &kgo.Record{Topic: "flows", Key: []byte(strconv.Itoa(i)), Value: padded(n), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{'0' + byte(i)}}}})
		}
		putLarge(t, c, kgo.ZstdCompression(), in...)
		m := start(t, config)
		got := map[string]*kgo.Record{}
		for _, r := range get(t, c, "annotated", 4) {
			got[string(r.Key)] = r
		}
		committed(t, c, "flows")
		finish(t, m)
		for _, i := range []string{"0", "4", "6"} {
			if r := got[i]; r == nil || !bytes.Contains(r.Value, []byte(`"name":"ssh"`)) || header(r, ErrorHeader) != "" {
				t.Errorf("record %s: %v", i, r)
			}
		}
		if r := got["1"]; r == nil || !bytes.Equal(r.Value, in[1].Value) || header(r, ErrorHeader) != "annotated record of more than the topic's 20000 bytes" {
			t.Errorf("record 1: %v", r)
		}
		n := m.Counts()
		want := [NumResults]uint64{Annotated: 3, Refused: 1, Skipped: 3}
		if dead != "" {
			want = [NumResults]uint64{Annotated: 3, Refused: 1, DeadLettered: 3}
		}
		if n.Records != want {
			t.Errorf("results %v, want %v", n.Records, want)
		}
		if !strings.Contains(said.String(), "left out") && dead == "" {
			t.Errorf("nothing is said of what is left out: %s", said)
		}
		if dead == "" {
			return
		}
		letters := map[string]*kgo.Record{}
		for _, r := range get(t, c, "dead", 3) {
			if header(r, TopicHeader) != "flows" || header(r, PartitionHeader) != "0" || header(r, ErrorHeader) == "" {
				t.Errorf("headers %v", r.Headers)
			}
			letters[header(r, OffsetHeader)] = r
		}
		if r := letters["2"]; r == nil || !bytes.Equal(r.Value, in[2].Value) || string(r.Key) != "2" || header(r, "h") != "2" {
			t.Errorf("letter 2: %v", r)
		}
		if r := letters["3"]; r == nil || len(r.Value) != 0 || r.Key != nil || header(r, "h") != "" || !strings.Contains(header(r, ErrorHeader), "left out") {
			t.Errorf("letter 3: %v", r)
		}
		if r := letters["5"]; r == nil || len(r.Value) != 0 || !strings.Contains(header(r, ErrorHeader), "decompressed") {
			t.Errorf("letter 5: %v", r)
		}
	})
}

// TestBombs: many small batches that become large, with each codec, take a
// bounded amount of memory.
func TestBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("long: not with -short")
	}
	for name, codec := range map[string]kgo.CompressionCodec{"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		t.Run(name, func(t *testing.T) {
			c, config, _ := cluster(t)
			const bombs = 40
			value := padded(40 << 20)
			setConfig(t, c, "flows", "max.message.bytes", "10000000") // snappy makes 40 MiB no shorter than 2
			var in []*kgo.Record
			for i := range bombs {
				in = append(in, &kgo.Record{Topic: "flows", Partition: int32(i % 2), Value: value})
			}
			putLarge(t, c, codec, in...)
			putLarge(t, c, codec, &kgo.Record{Topic: "flows", Value: flowJSON(0)}, &kgo.Record{Topic: "flows", Partition: 1, Value: flowJSON(1)})
			in, value = nil, nil
			runtime.GC()
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			m := start(t, config)
			most := uint64(0)
			await(t, func() bool {
				runtime.GC() // what is in use counts, not what is not collected yet
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
				n := m.Counts().Records
				return n[Skipped] == bombs && n[Annotated] == 2
			})
			committed(t, c, "flows")
			finish(t, m)
			t.Logf("%d MiB decompressed, %d MiB of memory at most", bombs*40, most>>20)
			if most > 600<<20 {
				t.Errorf("%d MiB of memory", most>>20)
			}
		})
	}
}

// TestRefused: a record that a topic refuses for what is in it stops no other,
// and goes where it is taken.
func TestRefused(t *testing.T) {
	both(t, func(t *testing.T, delivery Delivery, dead string) {
		c, config, said := cluster(t)
		config.Delivery, config.DeadLetter, config.Compression = delivery, dead, "none"
		const total = 3000
		bad := map[int]bool{7: true, 1500: true, total - 1: true}
		old := time.UnixMilli(1)
		var in []*kgo.Record
		for i := range total {
			r := &kgo.Record{Topic: "flows", Partition: int32(i % 2), Value: flowJSON(i), Timestamp: time.UnixMilli(1789376400000 + int64(i))}
			if bad[i] {
				r.Timestamp = old
			}
			in = append(in, r)
		}
		put(t, c, in...)
		f := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "annotated", Err: kerr.InvalidTimestamp, Count: -1, When: func(req kmsg.Request) bool {
			for _, topic := range req.(*kmsg.ProduceRequest).Topics {
				for _, p := range topic.Partitions {
					for i := range bad {
						if bytes.Contains(p.Records, fmt.Appendf(nil, `"sequence_num":%d,`, i)) {
							return true
						}
					}
				}
			}
			return false
		}})
		m := start(t, config)
		seen := map[string]int{}
		good := total - len(bad)
		output(t, c.ListenAddrs(), "annotated", 20*time.Second, func(r *kgo.Record) {
			n := bytes.Index(r.Value, []byte(`,"src_addr"`))
			seen[string(r.Value[:n])]++
		}, func() bool { return len(seen) >= good })
		committed(t, c, "flows")
		finish(t, m)
		if f.Hits() == 0 {
			t.Error("nothing was refused")
		}
		if delivery == ExactlyOnce {
			if end := endOf(t, c, "annotated"); end != good {
				t.Errorf("%d records are written, want %d", end, good)
			}
		}
		for i := range total {
			if _, ok := seen[string(flowJSON(i)[:bytes.Index(flowJSON(i), []byte(`,"src_addr"`))])]; ok == bad[i] {
				t.Errorf("record %d: written %v", i, ok)
			}
		}
		if !strings.Contains(said.String(), "is refused: INVALID_TIMESTAMP") {
			t.Errorf("said: %s", said)
		}
		if dead != "" {
			offsets := map[string]bool{}
			for _, r := range get(t, c, "dead", len(bad)) {
				offsets[header(r, PartitionHeader)+":"+header(r, OffsetHeader)] = true
				if !strings.Contains(header(r, ErrorHeader), "INVALID_TIMESTAMP") || !bytes.Contains(r.Value, []byte(`"dst_port":443`)) || time.Since(r.Timestamp) > time.Hour {
					t.Errorf("letter %v %v %s", r.Timestamp, r.Headers, r.Value)
				}
			}
			if !offsets["1:3"] || !offsets["0:750"] || !offsets[fmt.Sprintf("1:%d", (total-1)/2)] {
				t.Errorf("letters of %v", offsets)
			}
		}
		t.Logf("%d commits, %d undone", m.Counts().Commits, m.Counts().Aborts)
	})
}

// TestUnreadAgain: a batch that cannot be read is the first of its partition, and what
// was written with its dead letter is undone: the letter is written again.
func TestUnreadAgain(t *testing.T) {
	for _, delivery := range []Delivery{ExactlyOnce, AtLeastOnce} {
		t.Run(delivery.String(), func(t *testing.T) {
			c, config, _ := cluster(t)
			config.Delivery, config.DeadLetter = delivery, "dead"
			putLarge(t, c, kgo.ZstdCompression(), &kgo.Record{Topic: "flows", Value: padded(maxBatchBytes + 1)})
			f := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "dead", Err: kerr.InvalidRecord, Count: 1})
			m := start(t, config)
			await(t, func() bool { return f.Hits() > 0 && m.Counts().Aborts > 0 })
			// What comes next does not touch the partition, and is undone as well.
			again := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "annotated", Err: kerr.InvalidRecord, Count: 1})
			put(t, c, &kgo.Record{Topic: "flows", Partition: 1, Value: flowJSON(1)})
			get(t, c, "annotated", 1)
			r := get(t, c, "dead", 1)[0]
			if header(r, PartitionHeader) != "0" || header(r, OffsetHeader) != "0" || !strings.Contains(header(r, ErrorHeader), "decompressed") {
				t.Errorf("letter %v", r.Headers)
			}
			committed(t, c, "flows")
			finish(t, m)
			if again.Hits() == 0 {
				t.Error("the second fault met no request")
			}
			if end := endOf(t, c, "dead"); end != 1 {
				t.Errorf("%d letters", end)
			}
		})
	}
}

// TestLimitUnknown: a topic takes less than its cluster says, or says nothing of
// it, or comes to take less while the member is at work. Batches become smaller,
// and every record arrives.
func TestLimitUnknown(t *testing.T) {
	deny := func(c *kfake.Cluster) {
		c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.ClusterAuthorizationFailed, Count: -1})
	}
	for _, c := range []struct {
		name    string
		prepare func(*kfake.Cluster)
		limit   int
		records int
	}{
		{"not said", deny, 40_000, 3000},
		{"not said, and far less than usual", deny, 5000, 200},
		{"lowered", nil, 5000, 3000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			kc, config, said := cluster(t)
			config.Compression = "none"
			if c.prepare != nil {
				c.prepare(kc)
			}
			m := start(t, config)
			var in []*kgo.Record
			for i := range c.records {
				in = append(in, &kgo.Record{Topic: "flows", Partition: int32(i % 2), Value: flowJSON(i)})
			}
			put(t, kc, in[:1]...)
			get(t, kc, "annotated", 1)
			setConfig(t, kc, "annotated", "max.message.bytes", strconv.Itoa(c.limit))
			put(t, kc, in[1:]...)
			got := get(t, kc, "annotated", c.records)
			committed(t, kc, "flows")
			finish(t, m)
			n := m.Counts()
			if len(got) != c.records || n.Records[Refused]+n.Records[Skipped] != 0 {
				t.Errorf("%d of %d records, %v: %s", len(got), c.records, n.Records, said)
			}
			t.Logf("%d commits, %d undone: %s", n.Commits, n.Aborts, said)
		})
	}
}

// TestNoBrokerYet: a broker that is not there is waited for, and the member says
// so; one that refuses the password is not.
func TestNoBrokerYet(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	addr := l.Addr().String()
	l.Close()
	said := new(messages)
	m, err := New(Config{From: Address{[]string{addr}, "flows"}, To: Address{[]string{addr}, "annotated"}, Group: "g", Enrich: enrichOptions(), CommitInterval: 20 * time.Millisecond, Report: said.report})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- m.Run(ctx) }()
	await(t, func() bool {
		err := m.Healthy()
		return err != nil && strings.Contains(err.Error(), "waiting for brokers: ")
	})
	time.Sleep(2 * firstPause)
	if n := strings.Count(said.String(), "waiting for brokers"); n != 1 {
		t.Errorf("said %d times in a second: %s", n, said)
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(portOf(t, addr)), kfake.SeedTopics(1, "flows", "annotated"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	put(t, c, &kgo.Record{Topic: "flows", Value: flowJSON(0)})
	get(t, c, "annotated", 1)
	await(t, func() bool { return m.Healthy() == nil })
	cancel()
	if err := <-result; err != nil {
		t.Error(err)
	}

	// The end of the context ends the waiting, too.
	ctx, cancel = context.WithCancel(context.Background())
	m, err = New(Config{From: Address{[]string{"127.0.0.1:1"}, "flows"}, To: Address{[]string{"127.0.0.1:1"}, "annotated"}, Group: "g", Enrich: enrichOptions()})
	if err != nil {
		t.Fatal(err)
	}
	go func() { result <- m.Run(ctx) }()
	await(t, func() bool { return m.Counts().FetchErrors > 0 })
	cancel()
	if err := <-result; err != nil {
		t.Error(err)
	}
}

// TestErrors: which errors pass.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		away bool
	}{
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		{context.DeadlineExceeded, true},
		{kerr.SaslAuthenticationFailed, false},
		{fmt.Errorf("x: %w", kerr.TopicAuthorizationFailed), false},
	} {
		if away := errors.As(asked(c.err), new(*awayError)); away != c.away || !errors.Is(asked(c.err), c.err) {
			t.Errorf("%v: away %v", c.err, away)
		}
	}
	if asked(nil) != nil {
		t.Error("no error became one")
	}
}

// TestPoisonTogether: records of all these kinds in one topic, and what is behind each
// of them, arrive.
func TestPoisonTogether(t *testing.T) {
	for _, delivery := range []Delivery{ExactlyOnce, AtLeastOnce} {
		const parts = 8
		t.Run(delivery.String(), func(t *testing.T) {
			c, config, said := cluster(t, kfake.NumBrokers(3), kfake.SeedTopics(parts, "many"))
			config.From.Topic, config.Delivery, config.DeadLetter, config.Compression = "many", delivery, "dead", "none"
			setConfig(t, c, "annotated", "max.message.bytes", "20000")
			setConfig(t, c, "dead", "max.message.bytes", "50000")
			poison := [][]byte{nil, {}, []byte("\xff{"), []byte(`{"src_addr":"192.0.2.1"`), padded(19_500), padded(30_000), padded(3 << 20), padded(maxBatchBytes + 1), padded(maxBatchBytes + 2), flowJSON(1)}
			refused := len(poison) - 1
			for i, value := range poison {
				r := &kgo.Record{Topic: "many", Partition: int32(i % parts), Key: []byte(strconv.Itoa(i)), Value: value}
				putLarge(t, c, kgo.ZstdCompression(), r, &kgo.Record{Topic: "many", Partition: r.Partition, Key: []byte("good " + strconv.Itoa(i)), Value: flowJSON(100 + i)})
			}
			c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "annotated", Err: kerr.InvalidTimestamp, Count: -1, When: func(req kmsg.Request) bool {
				for _, topic := range req.(*kmsg.ProduceRequest).Topics {
					for _, p := range topic.Partitions {
						if bytes.Contains(p.Records, []byte(`"sequence_num":1,`)) {
							return true
						}
					}
				}
				return false
			}})
			m := start(t, config)
			committed(t, c, "many")
			finish(t, m)
			keys, letters := map[string]int{}, map[string]int{}
			output(t, c.ListenAddrs(), "annotated", 20*time.Second, func(r *kgo.Record) { keys[string(r.Key)]++ }, func() bool { return len(keys) >= len(poison)+3 })
			output(t, c.ListenAddrs(), "dead", 20*time.Second, func(r *kgo.Record) { letters[header(r, PartitionHeader)+":"+header(r, OffsetHeader)]++ }, func() bool { return len(letters) >= len(poison)-3 })
			for i := range poison {
				place := fmt.Sprintf("%d:%d", i%parts, i/parts*2)
				dead := i == refused || i == 2 || i == 3 || i > 4
				if keys["good "+strconv.Itoa(i)] == 0 || dead && letters[place] == 0 || !dead && keys[strconv.Itoa(i)] == 0 {
					t.Errorf("record %d, at %s: %v %v", i, place, keys, letters)
				}
			}
			t.Logf("%d commits, %d undone; said: %s", m.Counts().Commits, m.Counts().Aborts, said)
		})
	}
}
