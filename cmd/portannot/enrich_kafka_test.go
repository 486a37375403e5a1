package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestEnrichKafka: records of one topic come out of the other; the metrics
// answer on loopback; the end that is asked for is success and commits.
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
	p := startProgram(t, "enrich", "-v", "--registry", "embedded", "--from", at+"flows", "--to", at+"annotated", "--group", "g", "--metrics", ":0")
	wait, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	got := ""
	for n := 0; n < 2 && wait.Err() == nil; {
		cl.PollFetches(wait).EachRecord(func(r *kgo.Record) { n++; got += string(r.Value) + "\n" })
	}
	if !strings.Contains(got, `"name":"ssh"`) || !strings.Contains(got, "no flow\n") {
		t.Errorf("records:\n%s", got)
	}
	if accountSignal != nil {
		p.cmd.Process.Signal(accountSignal)
		p.find(`so far: read (2) records in `)
	}
	if code, body := p.get("/healthz"); code != 200 {
		t.Errorf("health: %d %q", code, body)
	}
	_, body := p.get("/metrics")
	for _, want := range []string{
		`portannot_kafka_records_total{result="annotated"} 1`, `portannot_kafka_records_total{result="not_understood"} 1`, `portannot_kafka_records_total{result="skipped"} 0`,
		`portannot_flows_total{status="assigned"} 1`, `portannot_kafka_partitions 1`, "portannot_kafka_exactly_once 1",
		`portannot_kafka_commit_seconds_bucket{le="+Inf"} `, `portannot_kafka_errors_total{kind="fetch"} 0`, `registry_edition="2026-08-17"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if got := p.end(); got != exitDone || p.stdout.String() != "" {
		t.Errorf("exit code %d, output %q", got, p.stdout.String())
	}
	for _, want := range []string{"each record exactly once", "read 2 records in ", "1 annotated, 0 unchanged, 0 not selected, 1 not understood", "1 flow: service port 1 assigned"} {
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("no %q in\n%s", want, p.stderr.String())
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

// TestEnrichKafkaNoBroker: before there is a broker, the program waits, and says
// so at /healthz.
func TestEnrichKafkaNoBroker(t *testing.T) {
	p := startProgram(t, "enrich", "--registry", "embedded", "--from", "kafka://127.0.0.1:1/a", "--to", "kafka://127.0.0.1:1/b", "--group", "g", "--metrics", ":0")
	p.find("waiting for brokers: look up kafka://127.0.0.1:1/a: ")
	if code, body := p.get("/healthz"); code != 503 || !strings.HasPrefix(body, "waiting for brokers: ") {
		t.Errorf("health: %d %q", code, body)
	}
	if code, body := p.get("/metrics"); code != 200 || !strings.Contains(body, "portannot_registry_age_seconds ") || !strings.Contains(body, "portannot_kafka_partitions 0") {
		t.Errorf("metrics: %d %s", code, body)
	}
	if code := p.end(); code != exitDone {
		t.Errorf("exit code %d: %s", code, p.stderr.String())
	}
}
