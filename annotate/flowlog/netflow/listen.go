package netflow

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultPort is the customary port of NetFlow, which has no registered one.
	// IPFIX has: 4739, for UDP and TCP.
	DefaultPort = "2055"
	ipfixPort   = "4739"

	receiveBuffer = 8 << 20 // bytes, asked of the system, which may give less
	longest       = 65535   // bytes of a message

	// drainTime is how long what lies in the sockets is read after the end.
	drainTime = 50 * time.Millisecond

	// messageTime is how long a message may take over TCP from its first byte
	// to its last, and a new connection to its first message.
	messageTime = 30 * time.Second
)

// Listener is an open socket for exporters to send to.
type Listener struct {
	packets net.PacketConn // UDP
	streams net.Listener   // TCP
	dropped uint32         // datagrams that the system dropped, as last seen
}

// Listen opens a socket. The address is udp://ADDRESS:PORT, for all versions, or
// tcp://ADDRESS:PORT, for IPFIX. The default scheme is UDP, the default port 2055
// for UDP and 4739 for TCP. Without an address, it listens on all addresses of the
// machine.
func Listen(ctx context.Context, address string) (*Listener, error) {
	network, rest, ok := strings.Cut(address, "://")
	if !ok {
		network, rest = "udp", address
	}
	port := DefaultPort
	switch network {
	case "udp":
	case "tcp":
		port = ipfixPort
	default:
		return nil, fmt.Errorf("listen %s: unknown scheme: want udp:// or tcp://", address)
	}
	rest = withPort(rest, port)
	var lc net.ListenConfig
	l := new(Listener)
	var err error
	if network == "udp" {
		l.packets, err = lc.ListenPacket(ctx, network, rest)
		if c, ok := l.packets.(*net.UDPConn); ok && err == nil {
			growBuffer(c, receiveBuffer)
		}
	} else {
		l.streams, err = lc.Listen(ctx, network, rest)
	}
	if err != nil {
		return nil, err // it says what was to be done
	}
	return l, nil
}

// withPort adds the port to an address that has none.
func withPort(address, port string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), port)
}

// Addr returns the local address.
func (l *Listener) Addr() net.Addr {
	if l.packets != nil {
		return l.packets.LocalAddr()
	}
	return l.streams.Addr()
}

// newDrops gives how many datagrams the system has dropped since it was last
// called.
func (l *Listener) newDrops() uint64 {
	conn, ok := l.packets.(*net.UDPConn)
	if !ok {
		return 0
	}
	n, ok := socketDrops(conn)
	if !ok {
		return 0
	}
	new := n - l.dropped // it wraps
	l.dropped = n
	return uint64(new)
}

// Close closes the socket.
func (l *Listener) Close() error {
	if l.packets != nil {
		return l.packets.Close()
	}
	return l.streams.Close()
}

// server takes messages from sockets.
type server struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	limits   Limits
	allow    []netip.Prefix
	inbox    *inbox
	buffers  buffers
	readers  sync.WaitGroup
	conns    *connections
	sessions atomic.Uint64

	mu   sync.Mutex
	left Stats // what was left out before it came to the decoder
}

// Serve takes messages from the listeners and writes their records until ctx is
// done, and closes the listeners. Messages that arrived before are still written,
// and the error is nil. The records of one exporter are written in the order in
// which its messages arrived.
func (c *Collector) Serve(ctx context.Context, listeners ...*Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &server{ctx: ctx, cancel: cancel, limits: c.opt.Limits.withDefaults(), allow: c.opt.Allow, inbox: newInbox()}
	s.conns = newConnections(s.limits)
	s.sessions.Store(c.session)
	for _, l := range listeners {
		s.readers.Go(func() {
			if l.packets != nil {
				s.datagrams(l.packets)
			} else {
				s.accept(l.streams)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		s.readers.Wait()
		close(done)
	}()
	c.serve(s, listeners, done)
	c.session = s.sessions.Load()
	var stopped *readError
	switch {
	case c.err != nil:
		return c.err
	case errors.As(context.Cause(ctx), &stopped):
		return stopped
	}
	return nil
}

// serve decodes what comes in, until the readers are done and all is written.
func (c *Collector) serve(s *server, listeners []*Listener, done <-chan struct{}) {
	out := newOutput(c.w)
	defer out.close()
	c.serving = true
	defer func() { c.serving = false }()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	stop := s.ctx.Done()
	var drained <-chan time.Time
	c.tick(s, listeners, time.Now())
	for {
		c.turn(s)
		waiting := s.inbox.waiting() > 0
		if done == nil && !waiting {
			c.decoder.Flush()
		}
		if c.err != nil {
			c.buf = c.buf[:0]
			s.cancel(c.err)
		}
		if !out.busy && len(c.buf) > 0 {
			c.buf = out.write(c.buf)
		}
		if done == nil && !waiting && !out.busy {
			break
		}
		wake := s.inbox.wake
		switch {
		case len(c.buf) >= writeSize:
			wake = nil // the output comes first
		case waiting:
			wake = always
		}
		select {
		case now := <-second.C:
			c.tick(s, listeners, now)
		case <-stop:
			stop = nil
			drained = time.After(drainTime)
		case <-drained:
			c.tick(s, listeners, time.Now())
			for _, l := range listeners {
				l.Close()
			}
			listeners = nil
		case <-done:
			done = nil
		case r := <-out.written:
			c.wrote(out.done(r))
		case <-wake:
		}
	}
	c.tick(s, nil, time.Now())
}

// turn decodes some of the messages that wait, unless what they say would have
// to wait to be written.
func (c *Collector) turn(s *server) {
	for n := 0; n < turnCount && len(c.buf) < writeSize; n++ {
		m, ok := s.inbox.take()
		if !ok {
			return
		}
		if c.err == nil {
			c.take(&m)
		}
		if m.buf != nil {
			s.buffers.put(m.buf)
		}
	}
}

// always is a channel that can be received from at any time.
var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// tick is done once a second: what the system and the readers left out is
// counted, and the state shown to others.
func (c *Collector) tick(s *server, listeners []*Listener, now time.Time) {
	d := c.decoder
	for _, l := range listeners {
		if n := l.newDrops(); n > 0 {
			d.source = Source{Name: "udp " + l.Addr().String(), Offset: -1}
			d.faults(SocketDropped, n, fmt.Sprintf("%d datagrams dropped from the full socket buffer", n))
		}
	}
	s.mu.Lock()
	left := s.left
	s.left = Stats{}
	s.mu.Unlock()
	for k, n := range left.Left {
		if f := left.Last[k]; n > 0 {
			d.source = Source{Name: f.Name, Offset: -1}
			d.faults(Kind(k), n, f.Reason)
		}
	}
	d.Tick(now)
	d.stats.Connections, d.stats.Queued = s.conns.count(), s.inbox.waiting()
	c.publish()
}

// leave counts something that is left out before it came to the decoder.
func (s *server) leave(k Kind, name, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left.Left[k]++
	if s.left.Last[k] == nil {
		s.left.Last[k] = &Fault{Kind: k, Name: name, Offset: -1, Reason: reason}
	}
}

// take does what a message or an event asks for.
func (c *Collector) take(m *message) {
	d := c.decoder
	if !m.event {
		d.Message((*m.buf)[:m.n], m.from)
		return
	}
	d.End(m.from)
	if m.reason != "" {
		d.source = m.from
		d.fault(m.kind, m.reason)
	}
}

// readError is a failure of a socket that was listened on.
type readError struct {
	addr net.Addr
	err  error
}

func (e *readError) Error() string {
	return fmt.Sprintf("listen %s %s: %v", e.addr.Network(), e.addr, e.err)
}

func (e *readError) Unwrap() error { return e.err }

// allowed reports whether messages of a sender are taken.
func (s *server) allowed(a netip.Addr) bool {
	if len(s.allow) == 0 {
		return true
	}
	for _, p := range s.allow {
		if p.Contains(a) {
			return true
		}
	}
	s.leave(NotAllowed, a.String(), "not among the allowed exporters")
	return false
}

// datagrams reads messages from a UDP socket. One datagram is one message.
func (s *server) datagrams(conn net.PacketConn) {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		s.cancel(&readError{conn.LocalAddr(), errors.New("not a UDP socket")})
		return
	}
	names := make(map[netip.Addr]string) // texts of exporters' addresses
	room := make([]byte, longest)
	failures := 0
	for {
		n, from, err := udp.ReadFromUDPAddrPort(room)
		if err != nil {
			// Some systems report here what became of packets that were sent,
			// so one failure is not the end.
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if failures++; failures > 100 {
				s.cancel(&readError{conn.LocalAddr(), err})
				return
			}
			continue
		}
		failures = 0
		a := from.Addr().Unmap().WithZone("")
		if !s.allowed(a) {
			continue
		}
		name, ok := names[a]
		if !ok {
			if len(names) >= maxNames {
				clear(names)
			}
			name = a.String()
			names[a] = name
		}
		buf := s.buffers.get(n)
		copy(*buf, room[:n])
		m := message{buf: buf, n: n, from: Source{Name: name, Address: netip.AddrPortFrom(a, from.Port()), Offset: -1, Time: time.Now().UnixNano()}}
		if !s.inbox.put(m, false) {
			s.buffers.put(buf)
			s.leave(QueueFull, name, "its datagrams arrive faster than records can be written")
		}
	}
}

// maxNames bounds the texts that are kept.
const maxNames = 4096

// accept takes connections until the listener is closed.
func (s *server) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of descriptors, most likely; connections that end free some.
			select {
			case <-time.After(100 * time.Millisecond):
				continue
			case <-s.ctx.Done():
				return
			}
		}
		from := Source{Offset: -1, Session: s.sessions.Add(1)}
		if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
			ap := a.AddrPort()
			from.Address = netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
			from.Name = from.Address.String()
		}
		c := &connection{Conn: conn, exporter: from.Address.Addr()}
		switch {
		case !s.allowed(c.exporter):
			conn.Close()
			continue
		case !s.conns.admit(c):
			conn.Close()
			s.leave(Refused, from.Name, fmt.Sprintf("a connection refused: more than %d of one exporter, or %d in all", s.limits.ExporterConnections, s.limits.Connections))
			continue
		}
		s.readers.Go(func() {
			stop := context.AfterFunc(s.ctx, func() { time.AfterFunc(drainTime, func() { conn.Close() }) })
			defer stop()
			kind, reason := s.stream(c, from)
			switch {
			case s.conns.ended(c):
				kind, reason = Idle, "a connection without a message closed for a newer one"
			case s.ctx.Err() != nil:
				reason = ""
			}
			s.inbox.put(message{from: from, event: true, kind: kind, reason: reason}, true)
			conn.Close()
		})
	}
}

// stream reads IPFIX messages from a connection, one behind the other, until its
// end, and says what was wrong about that. After a message that cannot be right
// no other can be found, so that is the end too (RFC 7011 section 9.1).
func (s *server) stream(c *connection, from Source) (kind Kind, reason string) {
	r := bufio.NewReaderSize(c, 8<<10)
	for first := true; ; first = false {
		wait := s.limits.Idle
		if first {
			wait = min(wait, messageTime)
		}
		c.SetReadDeadline(time.Now().Add(wait))
		if _, err := r.Peek(1); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return Idle, fmt.Sprintf("a connection closed: no message for %v", wait)
			}
			return 0, ""
		}
		c.SetReadDeadline(time.Now().Add(messageTime))
		head, err := r.Peek(4)
		if err != nil {
			return cutShort(err)
		}
		v, n := Version(binary.BigEndian.Uint16(head)), int(binary.BigEndian.Uint16(head[2:]))
		if v != IPFIX || n < ipfixHeader {
			return BadMessage, fmt.Sprintf("no IPFIX message: version %d, %d bytes; connection closed", v, n)
		}
		buf := s.buffers.get(n)
		if _, err := io.ReadFull(r, (*buf)[:n]); err != nil {
			s.buffers.put(buf)
			return cutShort(err)
		}
		s.conns.established(c)
		s.inbox.put(message{buf: buf, n: n, from: from}, true)
	}
}

// cutShort says how a connection ended inside a message.
func cutShort(err error) (Kind, string) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return BadMessage, fmt.Sprintf("a message not whole after %v; connection closed", messageTime)
	}
	return BadMessage, "connection ended inside a message"
}
