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
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultPort is that of NetFlow by custom; the registry has 4739 for
	// IPFIX, over UDP and TCP.
	DefaultPort = "2055"
	ipfixPort   = "4739"

	// DefaultConnections bounds exporters that are connected over TCP.
	DefaultConnections = 256

	receiveBuffer = 8 << 20 // bytes, asked of the system, which may give less
	queued        = 256     // messages between the sockets and the decoder
	longest       = 65535   // bytes of a message
)

// Listener is an open socket that exporters send to.
type Listener struct {
	packets net.PacketConn // UDP
	streams net.Listener   // TCP
}

// Listen opens udp://ADDRESS:PORT, for all versions, or tcp://ADDRESS:PORT, for
// IPFIX. Without a scheme UDP is meant; without an address, all of the
// machine's; without a port, 2055 for UDP and 4739 for TCP.
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
			c.SetReadBuffer(receiveBuffer) // a wish; losses show in sequence numbers
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

// Addr gives the address that is listened on.
func (l *Listener) Addr() net.Addr {
	if l.packets != nil {
		return l.packets.LocalAddr()
	}
	return l.streams.Addr()
}

// Close closes the socket.
func (l *Listener) Close() error {
	if l.packets != nil {
		return l.packets.Close()
	}
	return l.streams.Close()
}

// message is one on its way from a socket to the decoder, or an event.
type message struct {
	buf    *[]byte // from server.free; nil for events
	n      int
	from   Source
	event  event
	reason string
}

type event uint8

const (
	arrived event = iota // a message
	ended                // a connection ended
	broken               // a connection was closed for what came over it
	refused              // a connection beyond the limit was closed
)

// server takes messages from sockets.
type server struct {
	ctx      context.Context
	cancel   context.CancelCauseFunc
	queue    chan message
	free     sync.Pool // of *[]byte, longest bytes each
	readers  sync.WaitGroup
	slots    chan struct{} // one taken for each connection
	sessions atomic.Uint64
}

// Serve takes messages from the listeners until ctx ends, writes what they say,
// and closes the listeners. The end of ctx is no error. One goroutine decodes,
// so that records are written in the order of their arrival.
func (c *Collector) Serve(ctx context.Context, listeners ...*Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	connections := c.opt.Connections
	if connections <= 0 {
		connections = DefaultConnections
	}
	s := &server{ctx: ctx, cancel: cancel, queue: make(chan message, queued), slots: make(chan struct{}, connections)}
	s.free.New = func() any { b := make([]byte, longest); return &b }
	s.sessions.Store(c.session)
	for _, l := range listeners {
		stop := context.AfterFunc(ctx, func() { l.Close() })
		defer stop()
		s.readers.Go(func() {
			if l.packets != nil {
				s.datagrams(l.packets)
			} else {
				s.accept(l.streams)
			}
		})
	}
	go func() {
		s.readers.Wait()
		close(s.queue)
	}()
	var failed error
	for m := range s.queue {
		if failed != nil {
			continue // until the readers have noticed
		}
		c.take(&m)
		if m.buf != nil {
			s.free.Put(m.buf)
		}
		if len(s.queue) == 0 {
			c.flush()
		}
		if failed = c.err; failed != nil {
			cancel(failed)
		}
	}
	c.flush()
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

// take does what a message or an event asks for.
func (c *Collector) take(m *message) {
	d := c.decoder
	d.source = m.from
	switch m.event {
	case arrived:
		d.Message((*m.buf)[:m.n], m.from)
	case ended:
		d.End(m.from.Session)
	case broken:
		d.badMessage(m.reason)
		d.End(m.from.Session)
	case refused:
		d.stats.Refused++
		d.fault("too many connections")
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

// datagrams reads messages from a UDP socket. One datagram is one message.
func (s *server) datagrams(conn net.PacketConn) {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		s.cancel(&readError{conn.LocalAddr(), errors.New("not a UDP socket")})
		return
	}
	names := make(map[netip.Addr]string) // texts of exporters' addresses
	failures := 0
	for {
		buf := s.free.Get().(*[]byte)
		n, from, err := udp.ReadFromUDPAddrPort(*buf)
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
		a := from.Addr().Unmap()
		name, ok := names[a]
		if !ok {
			if len(names) >= maxNames {
				clear(names)
			}
			name = a.String()
			names[a] = name
		}
		s.queue <- message{buf: buf, n: n, from: Source{Name: name, Address: netip.AddrPortFrom(a, from.Port()), Offset: -1}}
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
			from.Address = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
			from.Name = from.Address.String()
		}
		select {
		case s.slots <- struct{}{}:
		default:
			conn.Close()
			s.queue <- message{from: from, event: refused}
			continue
		}
		s.readers.Go(func() {
			defer func() { <-s.slots }()
			stop := context.AfterFunc(s.ctx, func() { conn.Close() })
			defer stop()
			defer conn.Close()
			s.stream(conn, from)
		})
	}
}

// stream reads IPFIX messages from a connection, one behind the other. After
// one that cannot be right no other can be found, so the connection is closed
// (RFC 7011 section 9.1).
func (s *server) stream(conn io.Reader, from Source) {
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		head, err := r.Peek(4)
		if err != nil {
			if len(head) > 0 && s.ctx.Err() == nil {
				s.queue <- message{from: from, event: broken, reason: "connection ended inside a message"}
				return
			}
			s.queue <- message{from: from, event: ended}
			return
		}
		v, n := Version(binary.BigEndian.Uint16(head)), int(binary.BigEndian.Uint16(head[2:]))
		if v != IPFIX || n < ipfixHeader {
			s.queue <- message{from: from, event: broken, reason: fmt.Sprintf("no IPFIX message: version %d, %d bytes; connection closed", v, n)}
			return
		}
		buf := s.free.Get().(*[]byte)
		if _, err := io.ReadFull(r, (*buf)[:n]); err != nil {
			e := message{from: from, event: broken, reason: "connection ended inside a message"}
			if s.ctx.Err() != nil {
				e.event = ended
			}
			s.queue <- e
			return
		}
		s.queue <- message{buf: buf, n: n, from: from}
	}
}
