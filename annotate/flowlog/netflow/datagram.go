package netflow

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/portannot/portannot/annotate/flowlog"
)

// Datagram is the payload of a UDP datagram that was captured.
type Datagram struct {
	Payload []byte // what was captured of it
	// Length is its length on the wire in bytes. It is more than len(Payload) if the
	// capture cut the packet.
	Length      int
	Source      netip.AddrPort
	Destination netip.AddrPort
	Time        int64  // nanoseconds since the Unix epoch; 0 if not known
	Packet      uint64 // number of the packet, from 1, for faults
}

// route is the way that messages take.
type route struct{ from, to netip.AddrPort }

// maxRoutes bounds the routes that are kept.
const maxRoutes = 4096

// Datagram decodes a datagram of a capture, if it is a message, and reports whether it
// is. The ports do not tell, since exporters use any. A message is what has the
// structure of one from its beginning to its end, or what begins as one if the capture
// cut it. Once an exporter has sent a message to a collector, all that it sends there
// is taken for one, so that a damaged message is counted.
//
// The time of the capture is that of Datagram.Time. The last datagram is followed by a
// call of EndDatagrams.
func (c *Collector) Datagram(g *Datagram) (message bool, err error) {
	way := route{g.Source, g.Destination}
	_, known := c.routes[way]
	if !known {
		if !isMessage(g.Payload, g.Length) {
			return false, c.err
		}
		if c.routes == nil {
			c.routes = make(map[route]string)
		}
		if len(c.routes) < maxRoutes {
			c.routes[way] = g.Source.Addr().String()
		}
	}
	d := c.decoder
	if now := time.Unix(0, g.Time); g.Time != 0 && now.Sub(d.exporters.now) >= time.Second {
		d.Tick(now)
	}
	from := Source{Name: c.routes[way], Address: g.Source, Offset: -1, Packet: g.Packet, Time: g.Time}
	if from.Name == "" {
		from.Name = g.Source.Addr().String()
	}
	if ok := d.Message(g.Payload, from); !ok && c.opt.Strict && c.err == nil {
		return true, fmt.Errorf("%w: %w", d.last, flowlog.ErrStrict)
	}
	return true, c.err
}

// EndDatagrams gives up what waits for a template, and writes what is held back.
func (c *Collector) EndDatagrams() error {
	c.decoder.Flush()
	c.flush()
	return c.err
}

// isMessage reports whether a datagram of length bytes, of which b was captured, is a
// message.
func isMessage(b []byte, length int) bool {
	if isSFlow(b) {
		return isSFlowDatagram(b, length)
	}
	if len(b) < ipfixHeader || !plausible(b) && !headerOnly(b, length) {
		return false
	}
	count := int(binary.BigEndian.Uint16(b[2:]))
	switch Version(binary.BigEndian.Uint16(b)) {
	case V5:
		return endsAt(b, length, v5Header+count*v5Record)
	case V9:
		return wholeSets(b, length, v9Header)
	default:
		return count <= length && endsAt(b, length, count) && wholeSets(b[:min(count, len(b))], count, ipfixHeader)
	}
}

// headerOnly reports whether b is an IPFIX message of no sets, which says that the
// exporter is there.
func headerOnly(b []byte, length int) bool {
	return length == ipfixHeader && Version(binary.BigEndian.Uint16(b)) == IPFIX && binary.BigEndian.Uint16(b[2:]) == ipfixHeader
}

// endsAt reports whether a datagram has no more than n bytes, but for padding.
func endsAt(b []byte, length, n int) bool {
	if length < n {
		return false
	}
	for _, c := range b[min(n, len(b)):] {
		if c != 0 {
			return false
		}
	}
	return true
}

// wholeSets reports whether sets fill a message to its end.
func wholeSets(b []byte, length, at int) bool {
	for at+setHeader <= length {
		if at+setHeader > len(b) {
			return true // the rest was not captured
		}
		n := int(binary.BigEndian.Uint16(b[at+2:]))
		if n == 0 {
			break
		}
		if n < setHeader || n > length-at {
			return false
		}
		at += n
	}
	return endsAt(b, length, at)
}

// isSFlowDatagram is isMessage for sFlow. Its header has so many bytes that are nearly
// always zero that the first sample alone is looked at.
func isSFlowDatagram(b []byte, length int) bool {
	w := words{b: b[4:]}
	if _, ok := w.address(); !ok {
		return false
	}
	w.bytes(12) // sub-agent, sequence number, uptime
	samples := w.next()
	switch {
	case w.short || uint64(samples)*8 > uint64(length):
		return false
	case samples == 0:
		return endsAt(w.b, len(w.b), 0)
	}
	w.next() // kind
	n := w.next()
	return !w.short && n%4 == 0 && uint64(n) <= uint64(len(w.b)+length-len(b))
}
