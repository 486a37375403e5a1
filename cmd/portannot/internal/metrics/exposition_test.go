package metrics

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// official gives what Prometheus's own library answers.
func official(t *testing.T, cs ...prometheus.Collector) string {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(cs...)
	var w recorder
	req, err := http.NewRequest("GET", "/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	promhttp.HandlerFor(r, promhttp.HandlerOpts{}).ServeHTTP(&w, req)
	return w.String()
}

type recorder struct{ bytes.Buffer }

func (*recorder) Header() http.Header { return http.Header{} }
func (*recorder) WriteHeader(int)     {}

type collector struct {
	collect func(chan<- prometheus.Metric)
}

func (collector) Describe(chan<- *prometheus.Desc)      {}
func (c collector) Collect(ch chan<- prometheus.Metric) { c.collect(ch) }

// What is written is what Prometheus's own library writes, byte for byte.
func TestExposition(t *testing.T) {
	texts := []string{"", "a", `a"b\c`, "line\nend", "eth0é", "\x1b\u202e", "{},=# ", "1"}
	values := []float64{0, 1, -1, 0.1, 1e21, 1e20, 123456789, 1 << 40, math.MaxUint64, math.Inf(1), math.Inf(-1), math.NaN(), math.SmallestNonzeroFloat64}
	w := &Writer{families: map[string]*family{}}
	var want []prometheus.Metric
	for i, v := range values {
		labels := []string{"zone", texts[i%len(texts)], "kind", texts[i*3%len(texts)], "a", string(rune('a' + i*7%26))}
		w.Gauge("portannot_gauge", "Help with \\ and\na line, \"quoted\".", v, labels...)
		desc := prometheus.NewDesc("portannot_gauge", "Help with \\ and\na line, \"quoted\".", []string{"zone", "kind", "a"}, nil)
		want = append(want, prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels[1], labels[3], labels[5]))
	}
	for i, v := range []uint64{5, 1 << 53, math.MaxUint64} {
		name := "portannot_" + string(rune('a'+i)) + "_total"
		w.Counter(name, "Counted.", v)
		want = append(want, prometheus.MustNewConstMetric(prometheus.NewDesc(name, "Counted.", nil, nil), prometheus.CounterValue, float64(v)))
	}
	bounds := map[float64]uint64{0.005: 1, 0.1: 2, 10: 7, 1e6: 8}
	w.Histogram("portannot_wait_seconds", "Wait.", bounds, 9, 12.25)
	want = append(want, prometheus.MustNewConstHistogram(prometheus.NewDesc("portannot_wait_seconds", "Wait.", nil, nil), 9, 12.25, bounds))
	w.summary("portannot_pause_seconds", "Pause.", []float64{1, 2, 3, 4, 5}, 6, 7)
	want = append(want, prometheus.MustNewConstSummary(prometheus.NewDesc("portannot_pause_seconds", "Pause.", nil, nil), 6, 7,
		map[float64]float64{0: 1, 0.25: 2, 0.5: 3, 0.75: 4, 1: 5}))

	theirs := official(t, collector{func(ch chan<- prometheus.Metric) {
		for _, m := range want {
			ch <- m
		}
	}})
	if got := string(w.text()); got != theirs {
		t.Errorf("got\n%s\nwant\n%s", got, theirs)
	}
}

// A name with the same labels twice, or bytes that are no text, would make Prometheus
// refuse the whole answer.
func TestExpositionRefused(t *testing.T) {
	w := &Writer{families: map[string]*family{}}
	w.Counter("portannot_errors_total", "Errors.", 1, "kind", "a", "end", "b")
	w.Counter("portannot_errors_total", "Errors.", 2, "kind", "a\xff")
	w.Counter("portannot_errors_total", "Errors.", 3, "end", "b", "kind", "a")
	const want = "# HELP portannot_errors_total Errors.\n# TYPE portannot_errors_total counter\n" +
		"portannot_errors_total{kind=\"a\uFFFD\"} 2\nportannot_errors_total{end=\"b\",kind=\"a\"} 1\n"
	if got := string(w.text()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What the runtime tells has the names, types and labels that dashboards know.
func TestGoRuntime(t *testing.T) {
	w := &Writer{families: map[string]*family{}}
	goRuntime(w)
	help, number := regexp.MustCompile("(?m)^# HELP.*\n"), regexp.MustCompile(`(?m) [^ ]*$`)
	shape := func(text string) string {
		var b strings.Builder
		for line := range strings.Lines(help.ReplaceAllString(text, "")) {
			if !strings.HasPrefix(line, "#") {
				line = number.ReplaceAllString(strings.TrimSpace(line), "\n")
			}
			b.WriteString(line)
		}
		return b.String()
	}
	text := string(w.text())
	if got, want := shape(text), shape(official(t, collectors.NewGoCollector())); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, name := range []string{"go_goroutines", "go_threads", "go_memstats_heap_objects", "go_memstats_mallocs_total", "go_memstats_sys_bytes", "go_memstats_stack_sys_bytes"} {
		if strings.Contains(text, "\n"+name+" 0\n") || !strings.Contains(text, "\n"+name+" ") {
			t.Errorf("%s is 0, or not there", name)
		}
	}
}

func TestTakesGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"": false, "gzip": true, "deflate, GZIP;q=0.5": true, "gzip; q = 0": false, "gzip;q=0.000": false, "identity": false,
		"zstd;q=1.0,gzip;q=0.1": true, "gzip;q=x": false, "gzipped": false,
	} {
		if got := takesGzip(header); got != want {
			t.Errorf("%q: %v", header, got)
		}
	}
}

// Who takes gzip gets the same, compressed.
func TestMetricsGzip(t *testing.T) {
	s := start(t)
	s.Add(func(w *Writer) { w.Counter("portannot_packets_total", "Packets.", 7) })
	req, err := http.NewRequest("GET", "http://"+s.Addr().String()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	z, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || !strings.Contains(string(b), "portannot_packets_total 7\n") {
		t.Errorf("%v: %s", err, b)
	}
	if h := resp.Header; h.Get("Content-Encoding") != "gzip" || h.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("%v", h)
	}
}

// While a source hangs, all requests wait for one answer, and are told so in time.
func TestHangingSource(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for an answer as long as a client does")
	}
	s := start(t)
	var calls atomic.Int64
	hang := make(chan struct{})
	s.Add(func(w *Writer) {
		if calls.Add(1) == 1 {
			<-hang
		}
		w.Gauge("portannot_calls", "Calls.", float64(calls.Load()))
	})
	codes := make(chan int, 3)
	for range cap(codes) {
		go func() {
			code, _ := ask(t, s, "/metrics")
			codes <- code
		}()
	}
	began := time.Now()
	for range cap(codes) {
		if code := <-codes; code != http.StatusServiceUnavailable {
			t.Errorf("status %d", code)
		}
	}
	if d := time.Since(began); d < gatherTime/2 || calls.Load() != 1 {
		t.Errorf("%d calls, after %v", calls.Load(), d)
	}
	close(hang)
	for deadline := time.Now().Add(10 * time.Second); ; {
		code, text := ask(t, s, "/metrics")
		if code == 200 && strings.Contains(text, "portannot_calls 2\n") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d %s", code, text)
		}
	}
}
