package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestEnrichKafka: records of one topic come out of the other; the metrics
// answer on loopback; the end of the context is success and commits.
func TestEnrichKafka(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "flows", "annotated"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	at := "kafka://" + strings.Join(c.ListenAddrs(), ",") + "/"
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("annotated"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for _, value := range []string{`{"src_addr":"192.0.2.1","dst_addr":"192.0.2.2","src_port":50000,"dst_port":22,"proto":"TCP"}`, "no flow"} {
		if err := cl.ProduceSync(context.Background(), &kgo.Record{Topic: "flows", Key: []byte("k"), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var out, messages lines
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"enrich", "--registry", "embedded", "--from", at + "flows", "--to", at + "annotated", "--group", "g", "--metrics", ":0"}, nil, &out, &messages)
	}()
	wait, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	got := ""
	for n := 0; n < 2 && wait.Err() == nil; {
		cl.PollFetches(wait).EachRecord(func(r *kgo.Record) { n++; got += string(r.Value) + "\n" })
	}
	if !strings.Contains(got, `"name":"ssh"`) || !strings.Contains(got, "no flow\n") {
		t.Errorf("records:\n%s", got)
	}
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/metrics`).FindString(messages.String())
	resp, err := http.Get(address)
	if err != nil {
		t.Fatalf("%v: %s", err, messages.String())
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !strings.Contains(string(body), `portannot_kafka_records_total{result="annotated"} 1`) {
		t.Errorf("metrics:\n%s", body)
	}
	cancel()
	if got := <-code; got != exitDone || out.String() != "" {
		t.Errorf("exit code %d, output %q", got, out.String())
	}
	for _, want := range []string{"each record exactly once", "read 2 records in ", "1 annotated, 0 unchanged, 0 not selected, 1 not understood", "1 flow: service port 1 assigned"} {
		if !strings.Contains(messages.String(), want) {
			t.Errorf("no %q in\n%s", want, messages.String())
		}
	}
	var committed int64
	for _, commit := range c.GroupInfo("g").Commits["flows"] {
		committed += commit.Offset
	}
	if committed != 2 {
		t.Errorf("%d records committed", committed)
	}
}
