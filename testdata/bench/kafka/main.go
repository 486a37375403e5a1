// Command kafka measures a member of a consumer group that annotates beside
// what franz-go needs to consume and produce the same records.
//
//	kafka broker               a broker of kfake; prints its address
//	kafka plain ADDR [EOS]     consume and produce, and nothing else
//	kafka keyed ADDR [EOS]     the same with franz-go's own partitioner, by keys
//	kafka enlarge ADDR [EOS]   as plain, but what is produced are values annotated beforehand
//	kafka portannot ADDR [EOS] consume, annotate and produce, with annotate/flowlog/kafka
//
// The broker answers every fetch with one canned batch and forgets what is
// written, so that little of what is measured is the broker's. The records are
// flows as goflow2 writes them in JSON. EOS is "eos" for transactions, else it
// is at least once. What is printed is records, seconds, and records a second,
// and the seconds of CPU that the process took; run.sh puts the pairs together.
package main

import (
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/flowlog/kafka"
)

const (
	partitions  = 8
	batch       = 500 // records in the canned batch
	interval    = 500 * time.Millisecond
	warm        = 2 * time.Second
	defaultTime = 5 * time.Second
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: kafka broker | plain ADDR [eos] | keyed ADDR [eos] | enlarge ADDR [eos] | portannot ADDR [eos]"))
	}
	eos := len(os.Args) > 3 && os.Args[3] == "eos"
	var err error
	switch os.Args[1] {
	case "broker":
		err = broker()
	case "plain":
		err = plain(os.Args[2], eos, nil, kgo.ManualPartitioner()) // as a member, into the partition that it was read from
	case "keyed":
		err = plain(os.Args[2], eos, nil, kgo.StickyKeyPartitioner(nil))
	case "enlarge":
		var values [][]byte
		if values, err = annotated(); err == nil {
			err = plain(os.Args[2], eos, values, kgo.ManualPartitioner())
		}
	case "portannot":
		err = portannot(os.Args[2], eos)
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "kafka:", err)
	os.Exit(1)
}

func broker() error {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "flows", "annotated"), kfake.BlackholeProduce(),
		kfake.SyntheticFetch(kfake.SyntheticBatch{Batch: canned()}))
	if err != nil {
		return err
	}
	fmt.Println(c.ListenAddrs()[0])
	select {}
}

// canned makes a batch of records, compressed with snappy.
func canned() []byte {
	var records []byte
	for i := range batch {
		r := kmsg.Record{TimestampDelta64: int64(i), OffsetDelta: int32(i), Key: []byte("exporter-" + strconv.Itoa(i%97)), Value: flow(i)}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // a Length of 0 is one octet
		records = r.AppendTo(records)
	}
	const snappy = 2
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: snappy, LastOffsetDelta: batch - 1,
		FirstTimestamp: 1789376400000, MaxTimestamp: 1789376400000 + batch - 1,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: batch,
		Records: s2.EncodeSnappy(nil, records),
	}
	b.Length = int32(len(b.AppendTo(nil)) - 12) // behind itself
	const crcEnd = 21
	b.CRC = int32(crc32.Checksum(b.AppendTo(nil)[crcEnd:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil)
}

// flow is one record of goflow2, with the client's port and the service's from
// a mix such as an edge router sees.
func flow(i int) []byte {
	ports := [...]int{443, 443, 443, 443, 53, 53, 80, 123, 22, 25, 993, 3389, 5060, 8080, 11434, 51820}
	return fmt.Appendf(nil, `{"type":"NETFLOW_V9","time_received_ns":1789376410000000000,"sequence_num":%d,"sampling_rate":1,"sampler_address":"192.0.2.1","time_flow_start_ns":1789376400000000000,"time_flow_end_ns":1789376409000000000,"bytes":1836,"packets":12,"src_addr":"192.0.2.%d","dst_addr":"198.51.100.%d","etype":"IPv4","proto":"TCP","src_port":%d,"dst_port":%d,"in_if":1,"out_if":2,"ip_tos":0,"forwarding_status":64,"ip_ttl":64,"ip_flags":0,"tcp_flags":27,"icmp_type":0,"icmp_code":0,"fragment_id":0}`,
		i, i%250, i%199, 32768+i*37%28000, ports[i%len(ports)])
}

// group is one of this process alone, which need not wait until the broker
// misses the member that was before.
func group(name string) string { return fmt.Sprint(name, "-", os.Getpid()) }

// measure prints what count grows by in a while.
func measure(count func() uint64) {
	for count() == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(warm)
	n, t, u := count(), time.Now(), cpu()
	time.Sleep(defaultTime)
	records, wall, used := count()-n, time.Since(t).Seconds(), cpu()-u
	fmt.Printf("%d records, %.2f s, %.0f records/s, %.2f s of CPU, %.0f records/s of CPU\n", records, wall, float64(records)/wall, used, float64(records)/used)
}

// cpu gives the seconds of CPU that the process took so far.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		fail(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// annotated gives the values of the canned batch as a member writes them.
func annotated() ([][]byte, error) {
	m, err := flowlog.NewMessages(flowlog.EnrichOptions{Annotator: annotate.New(annotate.Options{})})
	if err != nil {
		return nil, err
	}
	values := make([][]byte, batch)
	for i := range values {
		var problem *flowlog.Problem
		if values[i], _, problem = m.Append(nil, flow(i)); problem != nil {
			return nil, problem
		}
	}
	return values, nil
}

// plain is the least that a program with the same guarantees does. With values,
// those are written in place of what was read, without making or copying any:
// what of a member's work is due to the length of its output alone.
func plain(addr string, eos bool, values [][]byte, to kgo.Partitioner) error {
	var n atomic.Uint64
	opts := []kgo.Opt{
		kgo.SeedBrokers(addr), kgo.ConsumerGroup(group("plain")), kgo.ConsumeTopics("flows"), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(32 << 20), kgo.MaxBufferedRecords(20_000), kgo.MaxBufferedBytes(64 << 20),
		kgo.ProducerBatchMaxBytes(1_048_588),
		kgo.RecordPartitioner(to),
		kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()),
	}
	failed := func(_ *kgo.Record, err error) {
		if err != nil {
			fail(err)
		}
	}
	copyAll := func(cl *kgo.Client, fetches kgo.Fetches) {
		fetches.EachRecord(func(r *kgo.Record) {
			r.Topic = "annotated"
			if values != nil {
				r.Value = values[r.Offset%batch]
			}
			cl.Produce(context.Background(), r, failed)
		})
		n.Add(uint64(fetches.NumRecords()))
	}
	go func() {
		if eos {
			s, err := kgo.NewGroupTransactSession(append(opts, kgo.TransactionalID("plain"))...)
			if err != nil {
				fail(err)
			}
			for {
				fetches := s.PollRecords(context.Background(), 10_000)
				if err := s.Begin(); err != nil {
					fail(err)
				}
				for until := time.Now().Add(interval); ; {
					copyAll(s.Client(), fetches)
					if time.Now().After(until) {
						break
					}
					fetches = s.PollRecords(context.Background(), 10_000)
				}
				if _, err := s.End(context.Background(), kgo.TryCommit); err != nil {
					fail(err)
				}
			}
		}
		cl, err := kgo.NewClient(append(opts, kgo.BlockRebalanceOnPoll())...)
		if err != nil {
			fail(err)
		}
		for {
			for until := time.Now().Add(interval); time.Now().Before(until); {
				copyAll(cl, cl.PollRecords(context.Background(), 10_000))
			}
			if err := cl.Flush(context.Background()); err != nil {
				fail(err)
			}
			if err := cl.CommitUncommittedOffsets(context.Background()); err != nil {
				fail(err)
			}
			cl.AllowRebalance()
		}
	}()
	measure(n.Load)
	return nil
}

func portannot(addr string, eos bool) error {
	c := kafka.Config{
		From: kafka.Address{Brokers: []string{addr}, Topic: "flows"}, To: kafka.Address{Brokers: []string{addr}, Topic: "annotated"},
		Group: group("portannot"), Delivery: kafka.AtLeastOnce, CommitInterval: interval,
		Enrich: flowlog.EnrichOptions{Annotator: annotate.New(annotate.Options{})},
	}
	if eos {
		c.Delivery = kafka.ExactlyOnce
	}
	m, err := kafka.New(c)
	if err != nil {
		return err
	}
	go func() {
		if err := m.Run(context.Background()); err != nil {
			fail(err)
		}
	}()
	measure(func() uint64 { return m.Counts().Records[kafka.Annotated] })
	return nil
}
