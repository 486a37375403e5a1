package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/flowlog"
)

const partitionsEach = 8

func enrichOptions() flowlog.EnrichOptions {
	return flowlog.EnrichOptions{Annotator: annotate.New(annotate.Options{})}
}

// cut is the network of one member, which can be taken away.
type cut struct {
	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

func (c *cut) dial(ctx context.Context, network, host string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return nil, errors.New("cut off")
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, host)
	if err == nil {
		c.conns = append(c.conns, conn)
	}
	return conn, err
}

// kill takes the network away at once: nothing is said to the group, and
// nothing committed.
func (c *cut) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	for _, conn := range c.conns {
		conn.Close()
	}
}

// drop closes the connections to one broker, as its end does. kfake leaves
// those to a removed node open.
func (c *cut) drop(addr string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		if conn.RemoteAddr().String() == addr {
			conn.Close()
		}
	}
}

// fill writes n flows of goflow2 to a topic, a third of them without a key, and
// takes at least a time for it.
func fill(t testing.TB, network *cut, seeds []string, topic string, n int, over time.Duration) {
	cl, err := kgo.NewClient(kgo.Dialer(network.dial), kgo.SeedBrokers(seeds...), kgo.DefaultProduceTopic(topic), kgo.MaxBufferedRecords(50_000))
	if err != nil {
		t.Error(err)
		return
	}
	defer cl.Close()
	var failed firstError
	base := time.UnixMilli(1789376400000)
	for i := range n {
		if i%max(n/100, 1) == 0 {
			time.Sleep(over / 100)
		}
		r := &kgo.Record{Value: flowJSON(i), Timestamp: base.Add(time.Duration(i) * time.Millisecond), Headers: []kgo.RecordHeader{{Key: "n", Value: []byte(strconv.Itoa(i))}}}
		if i%3 != 0 {
			r.Key = []byte("exporter-" + strconv.Itoa(i%97))
		}
		cl.Produce(context.Background(), r, failed.done)
	}
	if err := cl.Flush(context.Background()); err != nil || failed.get() != nil {
		t.Error(err, failed.get())
	}
}

func flowJSON(i int) []byte {
	return fmt.Appendf(nil, `{"type":"IPFIX","time_received_ns":1789376410000000000,"sequence_num":%d,"src_addr":"192.0.2.%d","dst_addr":"198.51.100.20","proto":"TCP","src_port":%d,"dst_port":443,"tcp_flags":27}`, i, i%250, 49152+i%10000)
}

// reporter logs what members report, with the time since it was made.
func reporter(t testing.TB) func(string) {
	began := time.Now()
	var over atomic.Bool // for a member that was killed reports what it likes
	t.Cleanup(func() { over.Store(true) })
	return func(s string) {
		if !over.Load() {
			t.Logf("%.2f s: %s", time.Since(began).Seconds(), s)
		}
	}
}

// member is a Member at work.
type member struct {
	*Member
	stop   context.CancelFunc
	net    cut
	result chan error
}

func (m *member) records() uint64 { return m.Counts().Records[Annotated] }

// connected makes a Member that has asked the cluster.
func connected(ctx context.Context, c Config) (*Member, error) {
	m, err := New(c)
	if err != nil {
		return nil, err
	}
	return m, m.Connect(ctx)
}

// start starts a member.
func start(t testing.TB, c Config) *member {
	t.Helper()
	m := &member{result: make(chan error, 1)}
	c.Client = append(c.Client, kgo.Dialer(m.net.dial))
	var ctx context.Context
	ctx, m.stop = context.WithCancel(context.Background())
	t.Cleanup(m.stop)
	var err error
	if m.Member, err = connected(ctx, c); err != nil {
		t.Fatal(err)
	}
	go func() { m.result <- m.Run(ctx) }()
	return m
}

// output reads a topic with read_committed until until says that it is enough.
func output(t testing.TB, seeds []string, topic string, limit time.Duration, each func(*kgo.Record), until func() bool) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for !until() {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Errorf("%s: not all came in %v", topic, limit)
			return
		}
		fetches.EachRecord(each)
	}
}

// seen is what arrived.
type seen struct {
	t     testing.TB
	times []uint8 // each record
	count int     // different ones
	again int
	last  [64]int // by partition
	order int     // records that came before an earlier one of their partition
}

func newSeen(t testing.TB, n int) *seen {
	s := &seen{t: t, times: make([]uint8, n)}
	for i := range s.last {
		s.last[i] = -1
	}
	return s
}

func (s *seen) all() bool { return s.count == len(s.times) }

func (s *seen) record(r *kgo.Record) {
	n, err := strconv.Atoi(string(r.Headers[0].Value))
	if err != nil || len(r.Headers) != 1 {
		s.t.Fatalf("headers %v", r.Headers)
	}
	if s.times[n]++; s.times[n] == 1 {
		s.count++
	} else {
		s.again++
	}
	if n <= s.last[r.Partition] {
		s.order++
	}
	s.last[r.Partition] = n
	if n%1000 != 0 && len(s.times) > 1000 {
		return
	}
	var v struct {
		N         int `json:"sequence_num"`
		Portannot struct{ Registered struct{ Name string } }
	}
	if err := json.Unmarshal(r.Value, &v); err != nil || v.N != n || v.Portannot.Registered.Name != "https" {
		s.t.Fatalf("record %d: %v: %s", n, err, r.Value)
	}
	key := ""
	if n%3 != 0 {
		key = "exporter-" + strconv.Itoa(n%97)
	}
	if string(r.Key) != key || r.Timestamp.UnixMilli() != 1789376400000+int64(n) {
		s.t.Fatalf("record %d: key %q, time %v", n, r.Key, r.Timestamp)
	}
}

// TestFailures: three members, one of which is killed and one of which joins
// midway, a broker that goes and comes back, and writes that fail. Exactly once
// holds each record once and in order within its partition; at least once loses
// none.
func TestFailures(t *testing.T) {
	n := 200_000
	if testing.Short() {
		n = 20_000
	}
	for _, delivery := range []Delivery{ExactlyOnce, AtLeastOnce} {
		t.Run(delivery.String(), func(t *testing.T) {
			t.Parallel()
			c, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(partitionsEach, "flows", "annotated"), kfake.GroupMinSessionTimeout(100*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			answerEpochs(c)
			seeds := c.ListenAddrs()
			var filler cut
			filled := make(chan struct{})
			go func() {
				defer close(filled)
				fill(t, &filler, seeds, "flows", n, 4*time.Second)
			}()
			config := Config{
				From: Address{seeds, "flows"}, To: Address{seeds, "annotated"}, Group: "g", Delivery: delivery, Enrich: enrichOptions(),
				CommitInterval: 50 * time.Millisecond, SessionTimeout: time.Second, TransactionTimeout: 2 * time.Second,
				Report: reporter(t),
				// How long the others wait for a member that is dead.
				Client: []kgo.Opt{kgo.RebalanceTimeout(2 * time.Second)},
			}
			a, b := start(t, config), start(t, config)
			await(t, func() bool { return a.records() > uint64(n/10) && b.records() > uint64(n/10) })

			a.net.kill()
			atKill := a.Counts()
			a.stop() // it may go on only as far as it gets without a network
			third := start(t, config)
			faults := []*kfake.FaultHandle{
				c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "annotated", Err: kerr.NotEnoughReplicas, Count: 5}),
				// The broker did it and says that it did not.
				c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "annotated", Err: kerr.NotEnoughReplicasAfterAppend, Count: 3}),
				// The client library does not try again after this one.
				c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "annotated", Err: kerr.UnknownServerError, Count: 2}),
			}
			await(t, func() bool { return third.records() > uint64(n/20) })

			info := c.PartitionInfo("annotated", 0)
			addr := seeds[info.Leader]
			port := portOf(t, addr)
			if err := c.RemoveNode(info.Leader); err != nil {
				t.Fatal(err)
			}
			for _, n := range []*cut{&b.net, &third.net, &filler} {
				n.drop(addr)
			}
			time.Sleep(300 * time.Millisecond)
			if _, _, err := c.AddNode(info.Leader, port); err != nil {
				t.Fatal(err)
			}

			<-filled
			s := newSeen(t, n)
			output(t, seeds, "annotated", time.Minute, s.record, s.all)
			// With at least once a member may be at records then that another wrote before:
			// the group comes to the end of these too.
			committed(t, c, "flows")
			for i, m := range []*member{b, third} {
				m.stop()
				// A group that goes on without a member, since that was slow to
				// join, takes no commit of it; with at least once another reads
				// these records again, and the member says so.
				if err := <-m.result; err != nil && !(delivery == AtLeastOnce && errors.Is(err, errUnfinished)) {
					t.Errorf("member %d: %v", i+1, err)
				}
			}
			for i, f := range faults {
				if f.Hits() == 0 {
					t.Errorf("fault %d met no request", i)
				}
			}
			// What a member commits last must show too: read to the very end.
			if delivery == ExactlyOnce {
				s = newSeen(t, n)
				total := endOf(t, c, "annotated")
				output(t, seeds, "annotated", time.Minute, s.record, func() bool { return s.count+s.again >= total && s.all() })
				if s.again != 0 || s.order != 0 {
					t.Errorf("%d records again, %d out of order", s.again, s.order)
				}
			}
			committed(t, c, "flows") // still: nobody set it back
			cb, ct := b.Counts(), third.Counts()
			t.Logf("%d records, %d of them again; killed after %d records and %d commits; others: %d and %d commits, %d and %d undone",
				s.count, s.again, atKill.Records[Annotated], atKill.Commits, cb.Commits, ct.Commits, cb.Aborts, ct.Aborts)
		})
	}
}

// answerEpochs answers where an epoch of a partition's leader ended. A broker
// gives the log's end for one that no later record follows; this version of
// kfake says that it does not know it, and the client then reads all again from
// the start, as after a loss. Nothing is lost here, so any end will do that
// lies behind what was read.
func answerEpochs(c *kfake.Cluster) {
	c.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		req := kreq.(*kmsg.OffsetForLeaderEpochRequest)
		resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
		for _, t := range req.Topics {
			rt := kmsg.NewOffsetForLeaderEpochResponseTopic()
			rt.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
				rp.Partition, rp.LeaderEpoch, rp.EndOffset = p.Partition, p.LeaderEpoch, 1<<62
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
}

// endOf counts committed records of a topic, from what the cluster holds.
func endOf(t testing.TB, c *kfake.Cluster, topic string) (n int) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	left := map[int32]bool{}
	for _, p := range c.PartitionInfos(topic) {
		if p.HighWatermark > 0 {
			left[p.Partition] = true
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for len(left) > 0 && ctx.Err() == nil {
		cl.PollFetches(ctx).EachPartition(func(p kgo.FetchTopicPartition) {
			for _, r := range p.Records {
				if !r.Attrs.IsControl() {
					n++
				}
				if r.Offset == p.HighWatermark-1 {
					delete(left, p.Partition)
				}
			}
		})
	}
	if len(left) > 0 {
		t.Fatalf("end of partitions %v not reached", left)
	}
	return n
}

func await(t testing.TB, f func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come to that in 2 minutes")
		}
	}
}

func portOf(t testing.TB, addr string) int {
	t.Helper()
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(p)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRealBroker does the plain part of it against the cluster that
// PORTANNOT_KAFKA names, as host:port[,…]. It makes two topics and deletes them.
func TestRealBroker(t *testing.T) {
	names := os.Getenv("PORTANNOT_KAFKA")
	if names == "" {
		t.Skip("PORTANNOT_KAFKA names no broker")
	}
	seeds := strings.Split(names, ",")
	suffix := strconv.FormatInt(time.Now().UnixNano(), 36)
	from, to := "portannot-test-flows-"+suffix, "portannot-test-annotated-"+suffix
	createTopics(t, seeds, from, to)
	n := 200_000
	if testing.Short() {
		n = 20_000
	}
	go fill(t, new(cut), seeds, from, n, 5*time.Second)
	config := Config{
		From: Address{seeds, from}, To: Address{seeds, to}, Group: "portannot-test-" + suffix, Delivery: ExactlyOnce, Enrich: enrichOptions(),
		CommitInterval: 100 * time.Millisecond, SessionTimeout: 6 * time.Second, TransactionTimeout: 5 * time.Second,
		Report: reporter(t),
	}
	a, b := start(t, config), start(t, config)
	await(t, func() bool { return a.records() > uint64(n/10) && b.records() > uint64(n/10) })
	a.net.kill()
	third := start(t, config)
	s := newSeen(t, n)
	output(t, seeds, to, 2*time.Minute, s.record, s.all)
	for _, m := range []*member{b, third} {
		m.stop()
		if err := <-m.result; err != nil {
			t.Error(err)
		}
	}
	if s.again != 0 || s.order != 0 {
		t.Errorf("%d records again, %d out of order", s.again, s.order)
	}
}

func createTopics(t testing.TB, seeds []string, topics ...string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(seeds...))
	if err != nil {
		t.Fatal(err)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 10_000
	for _, topic := range topics {
		rt := kmsg.NewCreateTopicsRequestTopic()
		rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, partitionsEach, -1
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(context.Background(), cl)
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range resp.Topics {
		if err := kerr.ErrorForCode(rt.ErrorCode); err != nil {
			t.Fatal(rt.Topic, err)
		}
	}
	t.Cleanup(func() {
		defer cl.Close()
		req := kmsg.NewPtrDeleteTopicsRequest()
		req.TopicNames, req.TimeoutMillis = topics, 10_000
		for _, topic := range topics {
			rt := kmsg.NewDeleteTopicsRequestTopic()
			rt.Topic = kmsg.StringPtr(topic)
			req.Topics = append(req.Topics, rt)
		}
		req.RequestWith(context.Background(), cl)
	})
}
