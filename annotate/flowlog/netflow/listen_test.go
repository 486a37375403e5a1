package netflow

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/flowlog"
)

// recorder collects what is written, and tells when enough lines are there.
type recorder struct {
	mu    sync.Mutex
	b     bytes.Buffer
	lines chan int
}

func (o *recorder) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b.Write(b)
	o.lines <- bytes.Count(b, []byte("\n"))
	return len(b), nil
}

// serving is a Collector that listens on the loopback.
type serving struct {
	c    *Collector
	out  *recorder
	addr string
	stop func() error
}

func serve(t *testing.T, scheme string, opt Options) *serving {
	t.Helper()
	l, err := Listen(context.Background(), scheme+"://127.0.0.1:0")
	if err != nil {
		t.Skipf("no loopback: %v", err)
	}
	s := &serving{out: &recorder{lines: make(chan int, 10000)}, addr: l.Addr().String()}
	opt.Annotator = testAnnotator(t)
	s.c = NewCollector(s.out, opt)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.c.Serve(ctx, l) }()
	s.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { s.stop() })
	return s
}

// wait waits for so many lines.
func (s *serving) wait(t *testing.T, n int) {
	t.Helper()
	for limit := time.After(20 * time.Second); n > 0; {
		select {
		case m := <-s.out.lines:
			n -= m
		case <-limit:
			t.Fatalf("%d lines did not come", n)
		}
	}
}

func (s *serving) dial(t *testing.T, network string) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestListenUDP: all versions, mixed, from two ports of one address, which are
// two IPFIX exporters but one of version 9.
func TestListenUDP(t *testing.T) {
	s := serve(t, "udp", Options{})
	a, b := s.dial(t, "udp"), s.dial(t, "udp")
	for _, m := range [][]byte{
		messageV9(0, 0, 1, set(0, true, templateRecord(256, templateA...))),
		messageIPFIX(0, 0, set(2, false, templateRecord(256, templateA...)), set(256, false, dataA)),
		messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 40000, 25, 6, 2, 1, 1, 0, 0)),
	} {
		a.Write(m)
	}
	s.wait(t, 2)
	b.Write([]byte("hello"))
	b.Write(messageIPFIX(0, 0, set(256, false, dataA)))
	b.Write(messageV9(1, 0, 1, set(256, true, dataA)))
	s.wait(t, 1)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	st := s.c.Stats()
	if st.Records != 3 || st.Left[NoTemplate] != 1 || st.Left[UnknownVersion] != 1 || st.Messages != [4]uint64{1, 2, 2, 0} {
		t.Errorf("%+v", st)
	}
	for _, m := range lines(t, s.out.b.Bytes()) {
		if at(m, "observer.ip") != "127.0.0.1" {
			t.Errorf("observer %q", at(m, "observer.ip"))
		}
	}
}

func TestListenTCP(t *testing.T) {
	s := serve(t, "tcp", Options{Limits: Limits{ExporterConnections: 2}})
	a, b := s.dial(t, "tcp"), s.dial(t, "tcp")
	tmpl := messageIPFIX(0, 0, set(2, false, templateRecord(256, templateA...)))
	data := messageIPFIX(0, 0, set(256, false, dataA))
	stream := join(tmpl, data, data)
	for _, part := range [][]byte{stream[:3], stream[3:50], stream[50:]} { // messages keep no borders
		a.Write(part)
	}
	s.wait(t, 2)
	b.Write(join(tmpl, data))
	s.wait(t, 1)

	c := s.dial(t, "tcp") // one too many
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes from a connection beyond the limit", n)
	}
	b.Write([]byte("GET / HTTP/1.1\r\n")) // no IPFIX: the connection is closed
	if n, err := b.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes from a connection that sent no IPFIX", n)
	}
	a.Write(data) // the others go on
	s.wait(t, 1)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	st := s.c.Stats()
	if st.Records != 4 || st.Left[Refused] != 1 || st.Left[BadMessage] != 1 || s.c.decoder.exporters.domains != 0 {
		t.Errorf("%+v, %d domains", st, s.c.decoder.exporters.domains)
	}
}

func TestListenAddress(t *testing.T) {
	for in, want := range map[string]string{"": ":2055", "192.0.2.1": "192.0.2.1:2055", "::1": "[::1]:2055", "[::1]": "[::1]:2055", "[::1]:99": "[::1]:99", ":99": ":99", "host": "host:2055"} {
		if got := withPort(in, DefaultPort); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
	if _, err := Listen(context.Background(), "sctp://127.0.0.1"); err == nil || !strings.Contains(err.Error(), "udp:// or tcp://") {
		t.Errorf("error %v", err)
	}
}

func TestServeWriteError(t *testing.T) {
	l, err := Listen(context.Background(), "udp://127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	conn, err := net.Dial("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write(messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 40000, 25, 6, 2, 1, 1, 0, 0)))
	c := NewCollector(brokenWriter{}, Options{Annotator: testAnnotator(t)})
	if err := c.Serve(context.Background(), l); err == nil || !strings.Contains(err.Error(), flowlog.ErrWrite.Error()) {
		t.Errorf("error %v", err)
	}
}

// TestSoftflowd: a real exporter over the loopback. The service end, its port
// and its registration are those that the capture itself gives, wherever both
// see the flow and the exporter reports ports: softflowd does not for SCTP.
func TestSoftflowd(t *testing.T) {
	softflowd, err := exec.LookPath("softflowd")
	if err != nil {
		t.Skip("softflowd is not installed")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	root := "../../.."
	capture := filepath.Join(root, "testdata/captures/demo.pcap")
	text, err := exec.Command(goTool, "run", root+"/cmd/portannot", "-r", capture, "-o", "json", "--registry", "embedded", "-q", "--observe", "off").Output()
	if err != nil {
		t.Fatal(err)
	}
	type service struct{ ip, port, status, name, reason string }
	serviceOf := func(m map[string]any) service {
		ip := at(m, "server.ip") // of equal ports, none
		return service{ip, at(m, "portannot.service.port"), at(m, "portannot.registered.status"), at(m, "portannot.registered.name"), at(m, "portannot.service.reason")}
	}
	want := map[string]service{}
	for _, m := range lines(t, text) {
		want[at(m, "network.community_id")] = serviceOf(m)
	}
	for _, c := range []struct {
		scheme string
		args   []string
	}{
		{"udp", []string{"-v", "5", "-a"}}, {"udp", []string{"-v", "9", "-a"}}, {"udp", []string{"-v", "10", "-a"}},
		{"udp", []string{"-v", "10", "-b", "-A", "milli"}}, {"tcp", []string{"-v", "10", "-P", "tcp"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			s := serve(t, c.scheme, Options{})
			dir := t.TempDir()
			args := append([]string{"-r", capture, "-n", s.addr, "-d", "-6", "-c", "none", "-p", filepath.Join(dir, "pid")}, c.args...)
			if out, err := exec.Command(softflowd, args...).CombinedOutput(); err != nil {
				t.Skipf("softflowd: %v: %s", err, out)
			}
			s.wait(t, 1)
			for quiet := false; !quiet; { // it has ended; what it sent is on the loopback
				select {
				case <-s.out.lines:
				case <-time.After(500 * time.Millisecond):
					quiet = true
				}
			}
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
			if st := s.c.Stats(); st.FaultCount != 0 || st.Left[Missing] != 0 {
				t.Errorf("stats %+v", st)
			}
			same, weaker, noPort := 0, 0, 0
			for _, m := range lines(t, s.out.b.Bytes()) {
				id := at(m, "network.community_id")
				if id == "" {
					noPort++
					if at(m, "portannot.note") == "" {
						t.Errorf("no port, and no note: %v", m)
					}
					continue
				}
				w, ok := want[id]
				if !ok {
					t.Errorf("the capture has no flow %s: %v", id, m)
					continue
				}
				g := serviceOf(m)
				if g.reason != w.reason && w.reason == annotate.Handshake.String() {
					// Flags are ORed, so the opening does not show; the ports
					// must say the same.
					weaker++
					g.reason = w.reason
				}
				if g != w {
					t.Errorf("%s: %+v, the capture gives %+v", id, g, w)
					continue
				}
				same++
			}
			if same < 15 {
				t.Errorf("%d records compared", same)
			}
			t.Logf("%d records agree, %d of them by a weaker reason; %d without ports", same, weaker, noPort)
		})
	}
}
