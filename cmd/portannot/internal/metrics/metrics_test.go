package metrics

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func start(t *testing.T) *Server {
	t.Helper()
	s, err := Listen(":0")
	if err != nil {
		t.Skipf("no loopback: %v", err)
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func ask(t *testing.T, s *Server, path string) (int, string) {
	t.Helper()
	c := http.Client{Timeout: 20 * time.Second}
	defer c.CloseIdleConnections()
	resp, err := c.Get("http://" + s.Addr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestMetrics(t *testing.T) {
	s := start(t)
	if host, _, _ := net.SplitHostPort(s.Addr().String()); host != "127.0.0.1" {
		t.Errorf("listens on %s", host)
	}
	var packets atomic.Uint64
	s.Add(func(w *Writer) {
		w.Counter("portannot_packets_total", "Packets.", packets.Load())
		w.Counter("portannot_errors_total", "Errors, by kind.", 2, "kind", `a"b`)
		w.Counter("portannot_errors_total", "Errors, by kind.", 3, "kind", "c")
	})
	s.Add(func(w *Writer) {
		w.Gauge("portannot_age_seconds", "Age.", 1.5)
		w.Histogram("portannot_wait_seconds", "Wait.", map[float64]uint64{0.1: 1, 1: 3}, 4, 7.5)
	})
	packets.Store(1 << 40)
	_, text := ask(t, s, "/metrics")
	for _, want := range []string{
		"# TYPE portannot_packets_total counter\nportannot_packets_total 1.099511627776e+12\n",
		"# HELP portannot_errors_total Errors, by kind.\n", `portannot_errors_total{kind="a\"b"} 2`, `portannot_errors_total{kind="c"} 3`,
		"# TYPE portannot_age_seconds gauge\nportannot_age_seconds 1.5\n",
		`portannot_wait_seconds_bucket{le="1"} 3`, `portannot_wait_seconds_bucket{le="+Inf"} 4`, "portannot_wait_seconds_sum 7.5", "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestHealth(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		health func() error
		code   int
		body   string
	}{
		{nil, 503, "not started\n"},
		{func() error { return errors.New("no broker") }, 503, "no broker\n"},
		{func() error { return nil }, 200, "ok\n"},
	} {
		if c.health != nil {
			s.SetHealth(c.health)
		}
		if code, body := ask(t, s, "/healthz"); code != c.code || body != c.body {
			t.Errorf("%d %q, want %d %q", code, body, c.code, c.body)
		}
	}
	if code, _ := ask(t, s, "/"); code != 404 {
		t.Errorf("another path: %d", code)
	}
}

// TestSlowClients: clients that ask and do not read, and others that connect and
// say nothing, more of them than there may be, keep no scrape waiting.
func TestSlowClients(t *testing.T) {
	s := start(t)
	var calls atomic.Uint64
	s.Add(func(w *Writer) { w.Counter("portannot_calls_total", "Calls.", calls.Add(1)) })
	var silent net.Conn
	for i := range 2 * maxConnections {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i == 0 {
			silent = c
			continue
		}
		if i%2 == 0 {
			continue
		}
		c.(*net.TCPConn).SetReadBuffer(2048)
		c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		for range 1000 {
			if _, err := io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				break
			}
		}
	}
	for range 3 {
		began := time.Now()
		if code, text := ask(t, s, "/metrics"); code != 200 || !strings.Contains(text, "portannot_calls_total") {
			t.Fatalf("%d %s", code, text)
		}
		if d := time.Since(began); d > 3*time.Second {
			t.Errorf("a scrape took %v", d)
		}
	}
	silent.SetReadDeadline(time.Now().Add(3 * time.Second))
	if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the oldest connection is open: %v", err)
	}
}
