// Command kafka runs members of portannot enrich on a cluster of Apache Kafka, takes
// members and a broker away while they work, and compares what they wrote with what was
// there to read.
//
//	kafka [-portannot PROGRAM] [-records N] [-exactly-once=false] [-sasl MECHANISM]
//	kafka -calm [-copy]
//	kafka -poison
//
// With -calm there is one member and nothing is taken away; with -copy it is a plain copy
// with the same guarantee, by franz-go. With -poison a member reads records that are not
// understood, too large or refused.
//
// cluster.sh, beside it, starts the cluster and must have installed it. The result is a
// line of figures, and exit status 1 if a record was lost, was there twice, or came out
// of its order where that is promised.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const partitions = 8

var brokers = []string{"127.0.0.1:19091", "127.0.0.1:19092", "127.0.0.1:19093"}

var (
	program = flag.String("portannot", "portannot", "the program")
	records = flag.Int("records", 200_000, "records to annotate")
	once    = flag.Bool("exactly-once", true, "members write in transactions; else at least once")
	calm    = flag.Bool("calm", false, "one member, and nothing is taken away")
	plain   = flag.Bool("copy", false, "with -calm, in place of the member a plain copy")
	copies  = flag.Bool("copying", false, "be that copy; for the program itself")
	poisons = flag.Bool("poison", false, "records that stop a careless member")
	secure  = flag.String("sasl", "", "members connect with TLS and this SASL mechanism: plain, scram-sha-256, scram-sha-512")
)

func main() {
	flag.Parse()
	if *copies {
		copyAll()
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kafka:", err)
		os.Exit(1)
	}
}

func cluster(args ...string) error {
	_, file, _, _ := runtime.Caller(0)
	cmd := exec.Command(filepath.Join(filepath.Dir(file), "cluster.sh"), args...)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

func run() error {
	if err := cluster("clean"); err != nil {
		return err
	}
	defer cluster("clean")
	for n := 1; n <= 3; n++ {
		if err := cluster("start", strconv.Itoa(n)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.SnappyCompression()))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := createTopics(ctx, cl); err != nil {
		return err
	}
	if *poisons {
		return tryPoison(ctx, cl)
	}
	if err := produce(ctx, cl); err != nil {
		return err
	}

	var members []*exec.Cmd
	defer func() {
		for _, m := range members {
			m.Process.Kill()
		}
	}()
	start := func() error {
		m := member()
		if *plain {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			m = exec.Command(self, "-copying")
			m.Stderr = new(bytes.Buffer)
		}
		members = append(members, m)
		return m.Start()
	}
	began := time.Now()
	count := 3
	if *calm {
		count = 1
	}
	for range count {
		if err := start(); err != nil {
			return err
		}
	}
	// What happens while they work, at a share of the records.
	events := []struct {
		at   int
		name string
		do   func() error
	}{
		{*records / 5, "a member killed", func() error { return members[0].Process.Kill() }},
		{*records * 2 / 5, "a member joined", start},
		{*records * 3 / 5, "broker 2 killed", func() error { return cluster("kill", "2") }},
		{*records * 7 / 10, "broker 2 back", func() error { return cluster("start", "2") }},
	}
	if *calm {
		events = nil
	}
	seen, took, err := consume(ctx, began, func(n int) error {
		for len(events) > 0 && n >= events[0].at {
			fmt.Printf("%6.1f s, %d records: %s\n", time.Since(began).Seconds(), n, events[0].name)
			if err := events[0].do(); err != nil {
				return err
			}
			events = events[1:]
		}
		return nil
	})
	fmt.Printf("%d records in %.2f s, the first after %.2f: %d lost, %d twice, %d out of order, %d not annotated\n", *records, took.Seconds(), seen.first.Sub(began).Seconds(), seen.lost, seen.twice, seen.disorder, seen.bare)
	for i, m := range members {
		if i == 0 && !*calm {
			continue // it was killed
		}
		m.Process.Signal(os.Interrupt)
		if err := m.Wait(); err != nil {
			fmt.Fprintf(os.Stderr, "member: %v: %s\n", err, m.Stderr)
		}
		if *calm {
			fmt.Fprint(os.Stderr, m.Stderr)
			fmt.Printf("%.2f s of CPU\n", (m.ProcessState.UserTime() + m.ProcessState.SystemTime()).Seconds())
		}
	}
	switch {
	case err != nil:
		return err
	case seen.lost > 0, seen.bare > 0, *once && seen.twice+seen.disorder > 0:
		return errors.New("not what is promised")
	}
	return nil
}

func createTopics(ctx context.Context, cl *kgo.Client) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 30_000
	for _, name := range []string{"flows", "annotated", "dead"} {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, 3
		req.Topics = append(req.Topics, t)
	}
	for ctx.Err() == nil { // until the cluster is there, with all brokers
		resp, err := req.RequestWith(ctx, cl)
		if err == nil {
			err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
		}
		if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
			return nil
		}
		time.Sleep(time.Second)
	}
	return ctx.Err()
}

// produce writes the records. Each says its partition and its number in that.
func produce(ctx context.Context, cl *kgo.Client) error {
	var mu sync.Mutex
	var first error
	for i := range *records {
		value := fmt.Appendf(nil, `{"type":"NETFLOW_V9","sequence_num":%d,"bytes":1836,"packets":12,"src_addr":"192.0.2.%d","dst_addr":"198.51.100.%d","proto":"TCP","src_port":%d,"dst_port":443}`,
			i/partitions, i%250, i%199, 32768+i%28000)
		cl.Produce(ctx, &kgo.Record{Topic: "flows", Partition: int32(i % partitions), Value: value}, func(_ *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			first = errors.Join(first, err)
		})
	}
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	return first
}

func member(more ...string) *exec.Cmd {
	at, args := strings.Join(brokers, ","), []string{"enrich", "--user", "", "--registry", "embedded", "--group", "portannot"}
	if *secure != "" {
		at = "127.0.0.1:29091,127.0.0.1:29092,127.0.0.1:29093"
		dir := os.Getenv("DIR")
		if dir == "" {
			dir = "/tmp/portannot-kafka"
		}
		args = append(args, "--tls", "--tls-ca", filepath.Join(dir, "ca.pem"), "--sasl", *secure)
	}
	if !*once {
		args = append(args, "--exactly-once=false")
	}
	cmd := exec.Command(*program, append(append(args, more...), "--from", "kafka://"+at+"/flows", "--to", "kafka://"+at+"/annotated")...)
	cmd.Stderr = new(bytes.Buffer)
	cmd.Env = append(os.Environ(), "PORTANNOT_KAFKA_USER=test", "PORTANNOT_KAFKA_PASSWORD=secret")
	return cmd
}

type account struct {
	lost, twice, disorder, bare int
	first                       time.Time
}

// consume reads what is committed until all records were there, and a while longer, in
// which others would come a second time.
func consume(ctx context.Context, began time.Time, progress func(n int) error) (a account, took time.Duration, err error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:19091", "127.0.0.1:19093"), kgo.ConsumeTopics("annotated"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		return a, 0, err
	}
	defer cl.Close()
	var times [partitions][]int
	for p := range times {
		times[p] = make([]int, (*records+partitions-1-p)/partitions)
	}
	last := [partitions]int{}
	for p := range last {
		last[p] = -1
	}
	distinct := 0
	var done time.Time // when all had been there
	for done.IsZero() || time.Since(done) < 5*time.Second {
		poll, cancel := context.WithTimeout(ctx, time.Second)
		fetches := cl.PollFetches(poll)
		cancel()
		if ctx.Err() != nil {
			err = fmt.Errorf("%d of %d records after 8 minutes", distinct, *records)
			break
		}
		if a.first.IsZero() && fetches.NumRecords() > 0 {
			a.first = time.Now()
		}
		fetches.EachRecord(func(r *kgo.Record) {
			_, rest, _ := bytes.Cut(r.Value, []byte(`"sequence_num":`))
			text, _, _ := bytes.Cut(rest, []byte(","))
			n, convErr := strconv.Atoi(string(text))
			if convErr != nil || n >= len(times[r.Partition]) || !*plain && !bytes.Contains(r.Value, []byte(`"name":"https"`)) {
				a.bare++
				return
			}
			if times[r.Partition][n]++; times[r.Partition][n] == 1 {
				distinct++
			} else {
				a.twice++
			}
			if n < last[r.Partition] {
				a.disorder++
			}
			last[r.Partition] = n
		})
		if err := progress(distinct); err != nil {
			return a, 0, err
		}
		if distinct == *records && done.IsZero() {
			done = time.Now()
			took = done.Sub(began)
		}
	}
	a.lost = *records - distinct
	return a, took, err
}

// copyAll is the least that a member with the same guarantee does.
func copyAll() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	opts := []kgo.Opt{kgo.SeedBrokers(brokers...), kgo.ConsumerGroup("copy"), kgo.ConsumeTopics("flows"),
		kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.SnappyCompression()), kgo.TransactionalID("copy")}
	s, err := kgo.NewGroupTransactSession(opts...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kafka: copy:", err)
		return
	}
	defer s.Close()
	for ctx.Err() == nil {
		fetches := s.PollRecords(ctx, 10_000)
		if err := s.Begin(); err != nil {
			fmt.Fprintln(os.Stderr, "kafka: copy:", err)
			return
		}
		for until := time.Now().Add(500 * time.Millisecond); ; {
			fetches.EachRecord(func(r *kgo.Record) {
				r.Topic = "annotated"
				s.Produce(ctx, r, nil)
			})
			if time.Now().After(until) {
				break
			}
			poll, cancel := context.WithDeadline(ctx, until)
			fetches = s.PollRecords(poll, 10_000)
			cancel()
		}
		if _, err := s.End(ctx, kgo.TryCommit); err != nil {
			fmt.Fprintln(os.Stderr, "kafka: copy:", err)
		}
	}
}
