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
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
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
	done     chan struct{}

	mu      sync.Mutex
	health  func() error
	sources []func(*Writer)
	answer  *answer // that is being made
}

// answer is what /metrics says. It is there once done is closed.
type answer struct {
	done chan struct{}
	text []byte
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
		listener: newestFirst(l, maxConnections), done: make(chan struct{}),
		health: func() error { return fmt.Errorf("not started") },
	}
	s.Add(goRuntime)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.metrics)
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
func (s *Server) Add(source func(*Writer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sources = append(s.sources, source)
}

// metrics sends an answer that is whole. Where a source hangs, all requests wait for
// the same answer, and each for so long only.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	a := s.gather()
	select {
	case <-a.done:
	case <-r.Context().Done():
		return
	case <-time.After(gatherTime):
		http.Error(w, "the run does not answer", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	h.Set("Vary", "Accept-Encoding")
	if takesGzip(strings.Join(r.Header.Values("Accept-Encoding"), ",")) {
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(a.text)
		z.Close()
		return
	}
	w.Write(a.text)
}

// gather asks all sources, unless somebody does so already.
func (s *Server) gather() *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answer != nil {
		return s.answer
	}
	a := &answer{done: make(chan struct{})}
	s.answer = a
	sources := s.sources
	go func() {
		w := &Writer{families: map[string]*family{}}
		for _, source := range sources {
			source(w)
		}
		a.text = w.text()
		s.mu.Lock()
		s.answer = nil
		s.mu.Unlock()
		close(a.done)
	}()
	return a
}

// takesGzip reads the header Accept-Encoding (RFC 9110, section 12.5.3).
func takesGzip(header string) bool {
	for coding := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		_, weight, ok := strings.Cut(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !ok || err == nil && q > 0
	}
	return false
}
