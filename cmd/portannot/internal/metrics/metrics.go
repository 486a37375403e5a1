// Package metrics shows what a long run is doing: counters and gauges for
// Prometheus at /metrics, and whether the run is well at /healthz.
//
// Each source of metrics is a function that reads a copy, or atomic variables,
// of what the run counts. It is called for each request, by a goroutine of its
// own, and must not wait for the run. What it gives is made into text in memory
// before any of that is sent, so a client that reads slowly keeps neither the
// run waiting nor other clients.
package metrics

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds on clients. Requests are small, and answers some 20 KB.
const (
	maxConnections = 64
	headerTime     = 5 * time.Second // for a request to be whole
	gatherTime     = 5 * time.Second // for an answer to be made
	writeTime      = 10 * time.Second
	idleTime       = time.Minute
	maxHeader      = 16 << 10 // bytes
)

// Server answers on one address.
type Server struct {
	listener net.Listener
	http     http.Server
	registry *prometheus.Registry
	done     chan struct{}

	mu     sync.Mutex
	health func() error
}

// Listen opens the address "[HOST]:PORT", which is this machine's own when the
// host is left out: what a run does is not for everyone to see. Requests wait
// until Start.
func Listen(address string) (*Server, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &Server{
		listener: newestFirst(l, maxConnections), registry: prometheus.NewRegistry(), done: make(chan struct{}),
		health: func() error { return fmt.Errorf("not started") },
	}
	// Of the runtime: its memory, collections and goroutines.
	s.registry.MustRegister(collectors.NewGoCollector())
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, CoalesceGather: true,
		Timeout: gatherTime, // it makes the whole answer before it sends any
	}))
	mux.HandleFunc("GET /healthz", s.healthz)
	s.http = http.Server{
		Handler: mux, ReadHeaderTimeout: headerTime, ReadTimeout: headerTime, WriteTimeout: writeTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
	}
	return s, nil
}

// Addr gives the address that is listened on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Start begins to answer.
func (s *Server) Start() {
	go func() {
		defer close(s.done)
		s.http.Serve(s.listener) // ends with ErrServerClosed
	}()
}

// Close ends what Start began. Answers under way are cut short.
func (s *Server) Close() {
	s.http.Close()
	<-s.done
}

// SetHealth sets what /healthz asks. An error makes the status 503, and its text
// the answer. Until then it is "not started".
func (s *Server) SetHealth(f func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health = f
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	f := s.health
	s.mu.Unlock()
	if err := f(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	io.WriteString(w, "ok\n")
}

// Add adds a source of metrics. Each name has one source, one help text and one
// list of labels. Sources may be called by several goroutines at once.
func (s *Server) Add(source func(*Writer)) { s.registry.MustRegister(&collector{source}) }

// collector calls a source. What that gives is not known before.
type collector struct{ source func(*Writer) }

func (*collector) Describe(chan<- *prometheus.Desc) {}

func (c *collector) Collect(ch chan<- prometheus.Metric) { c.source(&Writer{ch}) }

// Writer takes the values of a source. Labels are pairs of a name and a value.
type Writer struct{ ch chan<- prometheus.Metric }

// Counter gives something that only grows. Names of counters end in "_total".
func (w *Writer) Counter(name, help string, value uint64, labels ...string) {
	w.value(prometheus.CounterValue, name, help, float64(value), labels)
}

// Gauge gives something that goes up and down.
func (w *Writer) Gauge(name, help string, value float64, labels ...string) {
	w.value(prometheus.GaugeValue, name, help, value, labels)
}

// Histogram gives how often values up to each bound were seen, in all that many,
// and their sum.
func (w *Writer) Histogram(name, help string, upTo map[float64]uint64, count uint64, sum float64) {
	w.send(prometheus.NewConstHistogram(prometheus.NewDesc(name, help, nil, nil), count, sum, upTo))
}

func (w *Writer) value(kind prometheus.ValueType, name, help string, value float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	w.send(prometheus.NewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...))
}

func (w *Writer) send(m prometheus.Metric, err error) {
	if err != nil {
		m = prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
	}
	w.ch <- m
}
