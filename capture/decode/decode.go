// Package decode finds the transport headers in captured packets.
//
// A packet is a stack of headers. The link type says what the outermost header is, and
// each header says what the next one is. Before the ports there may be VLAN tags, MPLS
// labels, PPP, IPv6 extension headers and tunnels. A tunnel carries a whole packet,
// with headers of its own, as its payload. So one captured packet can have several
// transport headers, and each is of another flow: the outer UDP of VXLAN is of one flow,
// the TCP inside of another. [Decoder.Decode] returns a [packet.Summary] for each.
//
// Three lengths must not be confused. The captured length is how many bytes of the
// packet the capture has: a snap length may have cut it anywhere. The length on the wire
// is how many bytes were sent. The length in the IP header is that of the datagram, which
// an Ethernet frame may pad.
//
// A packet may be made to harm its reader. Every length is checked against the bytes that
// are there. The number of headers, of tunnels in tunnels and of fragments held is
// bounded. Each packet without a flow is counted under the [Result] that says why.
package decode

import (
	"encoding/binary"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

// Tunnels says which transport headers of a packet in a tunnel are decoded.
type Tunnels uint8

// The choices.
const (
	Both  Tunnels = iota // that of the tunnel and that of the packet inside
	Outer                // that of the tunnel
	Inner                // that of the packet inside
)

// Options configure a Decoder.
type Options struct {
	// MaxDepth is the most nested tunnels that are decoded; 0: packet.MaxDepth, which
	// is also the greatest value.
	MaxDepth int
	Tunnels  Tunnels
	Ignore   Ignore // what to leave out of packet.Summary.Context
	// MaxFragments is the most fragmented datagrams to remember, and the most fragments
	// to hold until the first one of their datagram comes; 0: 8192. Each takes about
	// 400 bytes.
	MaxFragments int
}

// Decoder decodes the packets of a capture in their order, because later fragments need
// the ports of the first one. It must not be used by several goroutines at once.
type Decoder struct {
	front
	opt    Options
	frags  fragments
	counts Counts

	// The packet at hand.
	p      *capture.Packet
	out    []packet.Summary
	layers int // headers seen, to bound the walk

	headers headers
	ip4     ipv4Header // the one that was read last
	ip6     ipv6Header // likewise
}

// New returns a Decoder for one capture.
func New(opt Options) *Decoder {
	if opt.MaxDepth <= 0 || opt.MaxDepth > packet.MaxDepth {
		opt.MaxDepth = packet.MaxDepth
	}
	if opt.MaxFragments <= 0 {
		opt.MaxFragments = 8192
	}
	d := &Decoder{front: front{ignore: opt.Ignore}, opt: opt}
	d.frags.init(opt.MaxFragments)
	return d
}

// Decode appends a Summary for each transport header of p to dst, the outermost first.
// The payloads point into p.Data.
//
// If p is the first fragment of a datagram, the summaries of later fragments that came
// before it follow its own. They have the numbers and times of their packets.
func (d *Decoder) Decode(dst []packet.Summary, p *capture.Packet) ([]packet.Summary, Result) {
	if out, n := d.run(dst, []capture.Packet{*p}); n == 1 {
		d.Count(1)
		return out, Decoded
	}
	return d.decodeLayers(dst, p)
}

// DecodeAll decodes packets as Decode does, and appends the summaries of all to dst. It
// calls other for each packet that a Front would not decode, with its result. All other
// packets have the result Decoded.
func (d *Decoder) DecodeAll(dst []packet.Summary, packets []capture.Packet, other func(p *capture.Packet, r Result)) []packet.Summary {
	for len(packets) > 0 {
		var n int
		dst, n = d.run(dst, packets)
		d.Count(n)
		packets = packets[n:]
		if len(packets) > 0 {
			var r Result
			dst, r = d.decodeLayers(dst, &packets[0])
			other(&packets[0], r)
			packets = packets[1:]
		}
	}
	return dst
}

// decodeLayers walks all layers with gopacket's help.
func (d *Decoder) decodeLayers(dst []packet.Summary, p *capture.Packet) ([]packet.Summary, Result) {
	d.p, d.out = p, dst
	if d.ctx.NumVLANs|d.ctx.Depth|d.ctx.OuterVersion != 0 {
		d.ctx = packet.Context{}
	}
	d.layers = 0
	r := d.guarded()
	if r != Panicked {
		for i := len(dst); i < len(d.out); i++ {
			if d.out[i].Number == p.Number && d.out[i].Kind != packet.Quoted {
				r = Decoded
				break
			}
		}
	} else {
		d.out = d.out[:len(dst)]
	}
	dst, d.out, d.p = d.out, nil, nil
	d.count(r)
	return dst, r
}

// guarded decodes the packet and turns a panic, which would be a fault of
// this package or of gopacket, into a Result.
func (d *Decoder) guarded() (r Result) {
	defer func() {
		if recover() != nil {
			r = Panicked
		}
	}()
	n := int(d.p.Length)
	if n < len(d.p.Data) {
		n = len(d.p.Data)
	}
	if d.p.VLAN != 0 {
		d.pushVLAN(uint16(d.p.VLAN))
		n = max(n-4, len(d.p.Data)) // Length counts the tag, which is not in Data
	}
	return d.link(d.p.Link, layerData{d.p.Data, n})
}

// Counts returns the number of packets by their results, including those given to
// Count.
func (d *Decoder) Counts() Counts { return d.counts }

// Count adds n, the packets that a Front decoded, to Counts as Decoded.
func (d *Decoder) Count(n int) { d.counts[Decoded] += uint64(n) }

// Pending returns how many later fragments are held until the first one of their
// datagram comes. Counts has them as NoFirst until the first one comes, then as
// Decoded.
func (d *Decoder) Pending() int { return d.frags.numHeld }

// maxLayers bounds the headers of one packet, whatever their kind, so that
// many small ones cannot make a packet slow. Real packets have under twenty;
// test suites chain a hundred IPv6 extension headers.
const maxLayers = 256

// enter counts a header, and says whether there were too many.
func (d *Decoder) enter() bool {
	d.layers++
	return d.layers <= maxLayers
}

// layerData is what was captured of a layer and all behind it.
type layerData struct {
	b []byte
	n int // length on the wire, so far as known; a capture may hold less
}

// from gives what follows the first k bytes.
func (o layerData) from(k int) layerData {
	o.n = max(o.n-k, 0)
	if k >= len(o.b) {
		o.b = nil
	} else {
		o.b = o.b[k:]
	}
	return o
}

// upTo cuts padding and trailers off: a layer says that it ends after n.
func (o layerData) upTo(n int) layerData {
	o.n = min(o.n, n)
	if len(o.b) > n {
		o.b = o.b[:n]
	}
	return o
}

// short says why a header of k bytes is not there: the capture cut it, or
// the packet never had it.
func (o layerData) short(k int) Result {
	if o.n >= k {
		return Truncated
	}
	return Malformed
}

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
func be24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }
