package netflow

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestInboxTurns: an exporter with many messages waits for one with few, not the
// other way round, and its own stay in order.
func TestInboxTurns(t *testing.T) {
	in, bufs := newInbox(), new(buffers)
	put := func(i, n, size int) (kept int) {
		for j := range n {
			m := message{buf: bufs.get(size), n: j, from: sender(i, 1)}
			if in.put(m, false) {
				kept++
			}
		}
		return kept
	}
	many := put(1, 100_000, shortMessage)
	if size := in.waiting(); many == 100_000 || size > queueSize || size < queueSize*9/10 {
		t.Fatalf("%d messages of %d bytes wait", many, size)
	}
	if n := put(2, 10, shortMessage); n != 10 {
		t.Errorf("%d of 10 messages of another exporter", n)
	}
	// Many that send as much as they can leave a place for one more.
	for i := 3; i < 15; i++ {
		put(i, 1000, longest)
	}
	if n := put(100, 1, shortMessage); n != 1 {
		t.Error("a last exporter has no place for one message")
	}
	if in.waiting() > inboxSize {
		t.Errorf("%d bytes wait", in.waiting())
	}
	next := map[int]int{}
	seen, last2 := 0, 0
	for {
		m, ok := in.take()
		if !ok {
			break
		}
		seen++
		i := int(m.from.Address.Addr().As4()[3])
		if m.n < next[i] || next[i] == 0 && m.n != 0 {
			t.Fatalf("exporter %d: message %d, want %d or later", i, m.n, next[i])
		}
		next[i] = m.n + 1
		if i == 2 {
			last2 = seen
		}
	}
	if next[1] != many || next[2] != 10 || last2 > 2*turnCount {
		t.Errorf("%d of %d and %d of 10 messages; the last of the small exporter came as number %d", next[1], many, next[2], last2)
	}
	if in.waiting() != 0 || len(in.queues) != 0 || len(in.turns) != 0 {
		t.Errorf("%d bytes left", in.waiting())
	}
}

// TestInboxWaits: over TCP, a full queue makes its sender wait.
func TestInboxWaits(t *testing.T) {
	in := newInbox()
	m := message{buf: new(buffers).get(longest), n: 1, from: sender(1, 1)}
	for in.put(m, false) {
	}
	done := make(chan bool)
	go func() { done <- in.put(m, true) }()
	select {
	case <-done:
		t.Fatal("did not wait")
	case <-time.After(20 * time.Millisecond):
	}
	in.take()
	if !<-done {
		t.Error("there was room")
	}
	if !in.put(message{from: sender(1, 1), event: true}, false) {
		t.Error("no room for an event")
	}
}

// blocked is a writer whose reader is not there until open is closed.
type blocked struct {
	open chan struct{}
	bytes.Buffer
}

func (b *blocked) Write(p []byte) (int, error) {
	<-b.open
	return b.Buffer.Write(p)
}

// TestSlowOutput: while the reader of the output is slow, memory is bounded, what
// is dropped is counted and shown, and a small exporter loses nothing.
func TestSlowOutput(t *testing.T) {
	out := &blocked{open: make(chan struct{})}
	c, addr, stop := serveTo(t, out, "udp", Options{})
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	many := make([][]byte, 29)
	for i := range many {
		many[i] = recordV5("192.0.2.1", "192.0.2.2", 40000, 25, 6, 2, 1, 1, 0, 0)
	}
	sent := uint32(0)
	for end := time.Now().Add(20 * time.Second); c.Account().Stats.Left[QueueFull] == 0; {
		if time.Now().After(end) {
			t.Fatalf("no drops are shown: %+v", c.Account().Stats)
		}
		for range 100 {
			conn.Write(messageV5(sent*29, 0, many...))
			sent++
		}
		time.Sleep(time.Millisecond)
	}
	if st := c.Account().Stats; st.Last[QueueFull].Name != "127.0.0.1" || st.Queued > queueSize {
		t.Errorf("%+v", st)
	}
	close(out.open)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	st := c.Stats()
	if read := st.Messages[0] + st.Left[QueueFull] + st.Left[SocketDropped]; read != uint64(sent) {
		t.Errorf("%d datagrams sent; %d read, %d dropped from the queue, %d by the system", sent, st.Messages[0], st.Left[QueueFull], st.Left[SocketDropped])
	}
	if lines := bytes.Count(out.Bytes(), []byte("\n")); uint64(lines) != st.Records || st.Records != 29*st.Messages[0] {
		t.Errorf("%d lines, %d records of %d messages", lines, st.Records, st.Messages[0])
	}
}

// TestSocketDrops: what the system drops is counted.
func TestSocketDrops(t *testing.T) {
	l, err := Listen(context.Background(), "udp://127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	udp := l.packets.(*net.UDPConn)
	if _, ok := socketDrops(udp); !ok {
		t.Skip("this system does not say")
	}
	udp.SetReadBuffer(4096)
	conn, err := net.Dial("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const sent = 200
	for range sent {
		conn.Write(make([]byte, 1000))
	}
	dropped := l.newDrops()
	if again := l.newDrops(); dropped == 0 || again != 0 {
		t.Fatalf("%d dropped, then %d more", dropped, again)
	}
	read := uint64(0)
	udp.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	for b := make([]byte, longest); ; read++ {
		if _, _, err := udp.ReadFromUDPAddrPort(b); err != nil {
			break
		}
	}
	if read+dropped != sent {
		t.Errorf("%d sent, %d read, %d dropped", sent, read, dropped)
	}
}

// TestConnectionLimits: connections that say nothing keep no exporter out, not
// even one of their own address; those that have sent messages stay.
func TestConnectionLimits(t *testing.T) {
	out := &recorder{lines: make(chan int, 100)}
	c, addr, stop := serveTo(t, out, "tcp", Options{Limits: Limits{ExporterConnections: 4, Connections: 6}})
	good := dial(t, addr)
	good.Write(bothA)
	<-out.lines
	var silent []net.Conn
	for range 20 {
		conn := dial(t, addr)
		conn.Write([]byte{0})
		silent = append(silent, conn)
	}
	late := dial(t, addr)
	late.Write(bothA)
	<-out.lines
	good.Write(dataOf(1))
	<-out.lines
	for _, conn := range silent[:17] {
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "timeout") {
			t.Errorf("a silent connection is open: %v", err)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if st := c.Stats(); st.Records != 3 || st.Left[Idle] < 17 || st.Left[Refused] != 0 {
		t.Errorf("%+v", st)
	}
}

// TestRefused: when all connections of an exporter are at work, one more is
// refused, and another exporter is not.
func TestRefused(t *testing.T) {
	cs := newConnections(Limits{Connections: 3, ExporterConnections: 2})
	admit := func(i int) (*connection, bool) {
		a, b := net.Pipe()
		t.Cleanup(func() { a.Close(); b.Close() })
		c := &connection{Conn: a, exporter: sender(i, 1).Address.Addr()}
		return c, cs.admit(c)
	}
	a, _ := admit(1)
	b, _ := admit(1)
	cs.established(a)
	cs.established(b)
	if _, ok := admit(1); ok {
		t.Error("a third connection of one exporter")
	}
	c, ok := admit(2)
	if !ok {
		t.Error("another exporter was refused")
	}
	cs.established(c)
	if _, ok := admit(3); ok {
		t.Error("a fourth connection")
	}
	cs.ended(a)
	d, ok := admit(3)
	if !ok || cs.count() != 3 {
		t.Errorf("no room after an end: %d connections", cs.count())
	}
	if _, ok := admit(4); !ok || !d.outdone || cs.count() != 3 {
		t.Errorf("the silent one stays: %d connections", cs.count())
	}
	if !cs.ended(d) || cs.count() != 3 {
		t.Errorf("counted twice: %d connections", cs.count())
	}
}

// TestIdle: connections on which nothing comes are closed, before the first
// message and after it.
func TestIdle(t *testing.T) {
	out := &recorder{lines: make(chan int, 100)}
	c, addr, stop := serveTo(t, out, "tcp", Options{Limits: Limits{Idle: 100 * time.Millisecond}})
	silent, good := dial(t, addr), dial(t, addr)
	good.Write(bothA)
	<-out.lines
	for _, conn := range []net.Conn{silent, good} {
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the connection is open: %v", err)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if st := c.Stats(); st.Left[Idle] != 2 || st.Lost() != 0 || !strings.Contains(st.Last[Idle].Reason, "no message for 100ms") {
		t.Errorf("%+v", st)
	}
}

// TestAllow: of others nothing is taken, and that is counted.
func TestAllow(t *testing.T) {
	for _, scheme := range []string{"udp", "tcp"} {
		for _, c := range []struct {
			allow   string
			records uint64
		}{{"127.0.0.0/8", 1}, {"192.0.2.0/24", 0}} {
			t.Run(scheme+" "+c.allow, func(t *testing.T) {
				out := &recorder{lines: make(chan int, 100)}
				col, addr, stop := serveTo(t, out, scheme, Options{Allow: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix(c.allow)}})
				conn, err := net.Dial(scheme, addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				conn.Write(bothA)
				for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
					st := col.Account().Stats
					if st.Records+st.Left[NotAllowed] > 0 || time.Now().After(end) {
						break
					}
				}
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				st := col.Stats()
				if st.Records != c.records || st.Left[NotAllowed] != 1-c.records || st.Lost() != 0 {
					t.Errorf("%+v", st)
				}
			})
		}
	}
}

// serveTo makes a Collector that listens on the loopback and writes to w.
func serveTo(t *testing.T, w io.Writer, scheme string, opt Options) (c *Collector, addr string, stop func() error) {
	t.Helper()
	l, err := Listen(context.Background(), scheme+"://127.0.0.1:0")
	if err != nil {
		t.Skipf("no loopback: %v", err)
	}
	opt.Annotator = testAnnotator(t)
	c = NewCollector(w, opt)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, l) }()
	t.Cleanup(cancel)
	return c, l.Addr().String(), func() error { cancel(); return <-done }
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
