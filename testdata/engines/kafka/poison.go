package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The limits of the topics, in bytes of a batch: those of the dead letters lie between
// those of what is read and of what is written.
const (
	annotatedMax = 20_000
	deadMax      = 50_000
	flowsMax     = 8 << 20
)

// poison are records that stop a careless member, by their keys. Each is followed by a
// good one in its partition.
var poison = []struct {
	key    string
	value  []byte
	time   time.Time // zero: now
	codec  kgo.CompressionCodec
	result string // where it has to come out: as it is, dead, or bare, which is dead without its value
	why    string // in the header
}{
	{"tombstone", nil, time.Time{}, kgo.NoCompression(), "as it is", ""},
	{"empty", []byte{}, time.Time{}, kgo.NoCompression(), "as it is", ""},
	{"no JSON", []byte("\xff\xfe\x00{"), time.Time{}, kgo.NoCompression(), "dead", "not recognised"},
	{"half JSON", []byte(`{"src_addr":"192.0.2.1","dst_port":44`), time.Time{}, kgo.NoCompression(), "dead", "ends in the middle"},
	{"too large once annotated", padded(19_500), time.Time{}, kgo.ZstdCompression(), "as it is", "annotated record of more than"},
	{"too large as it is", padded(30_000), time.Time{}, kgo.ZstdCompression(), "dead", "20000"},
	{"too large for all", padded(3 << 20), time.Time{}, kgo.ZstdCompression(), "bare", "left out"},
	{"65 MiB, compressed", padded(65 << 20), time.Time{}, kgo.ZstdCompression(), "bare", "decompressed"},
	{"65 MiB, gzip", padded(65 << 20), time.Time{}, kgo.GzipCompression(), "bare", "decompressed"},
	{"from the future", flow(1), time.Now().Add(1000 * time.Hour), kgo.NoCompression(), "dead", "INVALID_TIMESTAMP"},
}

func flow(n int) []byte {
	return fmt.Appendf(nil, `{"type":"NETFLOW_V9","sequence_num":%d,"bytes":1836,"packets":12,"src_addr":"192.0.2.1","dst_addr":"198.51.100.1","proto":"TCP","src_port":%d,"dst_port":443}`, n, 32768+n)
}

// padded is a flow with a long field, so that the value has n bytes.
func padded(n int) []byte {
	head, tail := `{"pad":"`, `",`+string(flow(0)[1:])
	return []byte(head + strings.Repeat("x", n-len(head)-len(tail)) + tail)
}

// tryPoison has a member read each of these, and compares where they came out.
func tryPoison(ctx context.Context, cl *kgo.Client) error {
	if err := limit(ctx, cl); err != nil {
		return err
	}
	for i, p := range poison {
		r := &kgo.Record{Topic: "flows", Partition: int32(i % partitions), Key: []byte(p.key), Value: p.value, Timestamp: p.time}
		if err := produceLarge(ctx, p.codec, r); err != nil {
			return fmt.Errorf("produce %q: %w", p.key, err)
		}
		if err := produceLarge(ctx, kgo.NoCompression(), &kgo.Record{Topic: "flows", Partition: r.Partition, Key: []byte("good " + p.key), Value: flow(i)}); err != nil {
			return err
		}
	}
	m := member("--dead-letter", "dead", "--format", "auto")
	if err := m.Start(); err != nil {
		return err
	}
	defer m.Process.Kill()
	reader, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("annotated", "dead"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return err
	}
	defer reader.Close()
	at := map[string][]*kgo.Record{} // by key, or for one that lost it by its place
	all := func() bool {
		for i, p := range poison {
			if len(at[p.key])+len(at[place(i)]) == 0 || len(at["good "+p.key]) == 0 {
				return false
			}
		}
		return true
	}
	for until := time.Now().Add(90 * time.Second); !all() && time.Now().Before(until) && ctx.Err() == nil; {
		poll, cancel := context.WithTimeout(ctx, time.Second)
		fetches := reader.PollFetches(poll)
		cancel()
		fetches.EachRecord(func(r *kgo.Record) {
			key := string(r.Key)
			if r.Key == nil {
				key = header(r, "portannot-partition") + ":" + header(r, "portannot-offset")
			}
			at[key] = append(at[key], r)
		})
	}
	m.Process.Signal(os.Interrupt)
	ended := m.Wait()
	wrong := 0
	for i, p := range poison {
		found := slices.Concat(at[p.key], at[place(i)])
		result, why := "nowhere", ""
		if len(found) == 1 || len(found) > 1 && !*once {
			r := found[0]
			why = header(r, "portannot-error")
			switch {
			case r.Topic == "annotated" && bytes.Equal(r.Value, p.value):
				result = "as it is"
			case r.Topic == "dead" && bytes.Equal(r.Value, p.value) && header(r, "portannot-offset") == strconv.Itoa(i/partitions*2):
				result = "dead"
			case r.Topic == "dead" && len(r.Value) == 0:
				result = "bare"
			default:
				result = "changed"
			}
		} else if len(found) > 1 {
			result = "more than once"
		}
		behind := "annotated"
		if g := at["good "+p.key]; len(g) == 0 || len(g) > 1 && *once || g[0].Topic != "annotated" || !bytes.Contains(g[0].Value, []byte(`"name":"https"`)) {
			behind = "MISSING"
		}
		ok := "ok"
		if result != p.result || !strings.Contains(why, p.why) || behind != "annotated" {
			wrong++
			ok = "WRONG"
		}
		fmt.Printf("| %s | %s | %s | %s | %s |\n", p.key, result, why, behind, ok)
	}
	fmt.Fprintf(os.Stderr, "member: %v\n%s", ended, m.Stderr)
	if wrong > 0 || ended != nil {
		return errors.New("not what is promised")
	}
	return nil
}

// place is where the n-th of them is read: partition and offset, as two records of each
// turn lie in a partition.
func place(n int) string { return fmt.Sprintf("%d:%d", n%partitions, n/partitions*2) }

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// limit sets what the topics take.
func limit(ctx context.Context, cl *kgo.Client) error {
	for topic, configs := range map[string]map[string]string{
		"flows":     {"max.message.bytes": strconv.Itoa(flowsMax), "message.timestamp.after.max.ms": strconv.Itoa(1 << 40)},
		"annotated": {"max.message.bytes": strconv.Itoa(annotatedMax)},
		"dead":      {"max.message.bytes": strconv.Itoa(deadMax)},
	} {
		req := kmsg.NewPtrIncrementalAlterConfigsRequest()
		res := kmsg.NewIncrementalAlterConfigsRequestResource()
		res.ResourceType, res.ResourceName = kmsg.ConfigResourceTypeTopic, topic
		for name, value := range configs {
			c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
			c.Name, c.Value = name, &value
			res.Configs = append(res.Configs, c)
		}
		req.Resources = append(req.Resources, res)
		resp, err := req.RequestWith(ctx, cl)
		if err == nil {
			err = kerr.ErrorForCode(resp.Resources[0].ErrorCode)
		}
		if err != nil {
			return fmt.Errorf("limit %s: %w", topic, err)
		}
	}
	return nil
}

// produceLarge writes one record in a batch of its own, which may be large before it is
// compressed.
func produceLarge(ctx context.Context, codec kgo.CompressionCodec, r *kgo.Record) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec),
		kgo.ProducerBatchMaxBytes(90<<20), kgo.MaxBufferedBytes(0))
	if err != nil {
		return err
	}
	defer cl.Close()
	return cl.ProduceSync(ctx, r).FirstErr()
}
