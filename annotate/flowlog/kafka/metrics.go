package kafka

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/iana"
)

// Counts account for what a member did. What is done again after a failure is
// counted again.
type Counts struct {
	Records     [NumResults]uint64
	Read, Wrote uint64 // bytes of keys and values, not compressed
	Commits     uint64
	Aborts      uint64 // commits that failed or were undone; their records are read again
	FetchErrors uint64
	WriteErrors uint64 // of commits, for records that could not be written
	Restarts    uint64 // of the client, after an error that it could not survive
	Flows       flowlog.Stats
	lag         map[int32]int64 // records behind the end, by partition
	annotate    histogram       // seconds for what was taken at once
	commit      histogram       // seconds for the end of a batch
	age         histogram       // seconds since the timestamp of the oldest record of what was taken
	lastCommit  time.Time
	lastCycle   time.Time
	failing     bool // the last commit did not succeed
	delivery    Delivery
}

// metrics are the counts, for one that writes and those that look.
type metrics struct {
	mu sync.Mutex
	c  Counts
}

func (m *metrics) update(f func(c *Counts)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.c)
}

// histogram has cumulative buckets, as Prometheus has them.
type histogram struct {
	counts [len(bounds) + 1]uint64
	sum    float64
}

// bounds are the buckets' upper bounds, in seconds.
var bounds = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300}

func (h *histogram) observe(d time.Duration) {
	s := max(d.Seconds(), 0)
	i, _ := slices.BinarySearch(bounds[:], s)
	h.counts[i]++
	h.sum += s
}

// stalled is how long a member may be at one batch and still count as healthy:
// longer than any wait for brokers that ends well.
const stalled = 2 * time.Minute

// healthy says what is wrong, nil if nothing is.
func (c *Counts) healthy(now time.Time) error {
	switch {
	case c.lastCycle.IsZero():
		return fmt.Errorf("not started")
	case c.failing:
		return fmt.Errorf("the last commit failed")
	case now.Sub(c.lastCycle) > stalled:
		return fmt.Errorf("no progress for %v", now.Sub(c.lastCycle).Round(time.Second))
	}
	return nil
}

// Handler serves /metrics in the text format of Prometheus, version 0.0.4, and
// /healthz: 200 when the member works, 503 and the reason when it does not.
func (m *Member) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		m.metrics.update(func(c *Counts) { w.Write(c.appendText(nil)) })
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		var err error
		m.metrics.update(func(c *Counts) { err = c.healthy(time.Now()) })
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, "ok\n")
	})
	return mux
}

// appendText appends the counts in Prometheus' text format.
func (c *Counts) appendText(dst []byte) []byte {
	head := func(name, kind, help string) {
		dst = fmt.Appendf(dst, "# HELP %s %s\n# TYPE %[1]s %[3]s\n", name, help, kind)
	}
	value := func(name, label, of string, v any) {
		if label != "" {
			name = fmt.Sprintf("%s{%s=%q}", name, label, of)
		}
		dst = fmt.Appendf(dst, "%s %v\n", name, v)
	}
	const p = "portannot_kafka_"
	head(p+"records_total", "counter", "Records read, by what became of them. Those read again after a failure count again.")
	for r := range c.Records {
		value(p+"records_total", "result", Result(r).String(), c.Records[r])
	}
	head(p+"bytes_total", "counter", "Octets of keys and values, not compressed.")
	value(p+"bytes_total", "direction", "read", c.Read)
	value(p+"bytes_total", "direction", "written", c.Wrote)
	head("portannot_flows_total", "counter", "Flows, by the registry's status of the service port, or why there is none.")
	for s := range iana.NumStatuses {
		value("portannot_flows_total", "status", iana.Status(s).String(), c.Flows.Statuses[s])
	}
	value("portannot_flows_total", "status", "no_side", c.Flows.NoSide)
	value("portannot_flows_total", "status", "port_not_reported", c.Flows.NoPort)
	value("portannot_flows_total", "status", "no_ports", c.Flows.NoPorts)
	head(p+"lag_records", "gauge", "Records behind the end of a partition, when it was last read.")
	for _, partition := range slices.Sorted(maps.Keys(c.lag)) {
		value(p+"lag_records", "partition", strconv.Itoa(int(partition)), c.lag[partition])
	}
	head(p+"partitions", "gauge", "Partitions that this member reads.")
	value(p+"partitions", "", "", len(c.lag))
	head(p+"commits_total", "counter", "Commits that succeeded.")
	value(p+"commits_total", "", "", c.Commits)
	head(p+"errors_total", "counter", "Failures, by kind.")
	value(p+"errors_total", "kind", "fetch", c.FetchErrors)
	value(p+"errors_total", "kind", "write", c.WriteErrors)
	value(p+"errors_total", "kind", "abort", c.Aborts)
	value(p+"errors_total", "kind", "restart", c.Restarts)
	head(p+"exactly_once", "gauge", "1 when the member writes in transactions.")
	value(p+"exactly_once", "", "", map[bool]int{true: 1}[c.delivery == ExactlyOnce])
	head(p+"last_commit_timestamp_seconds", "gauge", "When the last commit succeeded; 0 before the first.")
	last := 0.0
	if !c.lastCommit.IsZero() {
		last = float64(c.lastCommit.UnixMilli()) / 1000
	}
	value(p+"last_commit_timestamp_seconds", "", "", strconv.FormatFloat(last, 'f', 3, 64))
	for _, h := range []struct {
		name, help string
		h          *histogram
	}{
		{p + "annotate_seconds", "Time to annotate and hand over the records taken at once.", &c.annotate},
		{p + "commit_seconds", "Time to write out and commit a batch.", &c.commit},
		{p + "record_age_seconds", "Age by its timestamp of the first record taken, when it is annotated.", &c.age},
	} {
		head(h.name, "histogram", h.help)
		n := uint64(0)
		for i, bound := range bounds {
			n += h.h.counts[i]
			value(h.name+"_bucket", "le", strconv.FormatFloat(bound, 'g', -1, 64), n)
		}
		n += h.h.counts[len(bounds)]
		value(h.name+"_bucket", "le", "+Inf", n)
		value(h.name+"_sum", "", "", h.h.sum)
		value(h.name+"_count", "", "", n)
	}
	return dst
}
