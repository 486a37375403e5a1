// Package decode turns the bytes of a captured packet into summaries of the
// transport headers in it.
//
// A packet is a stack of headers. The link type says how the outermost one
// begins; each header names the next. On the way to the ports there may be
// VLAN tags, MPLS labels, PPP, IPv6 extension headers, and tunnels, which put
// a whole packet with headers of its own into the payload of another. One
// captured packet can so hold several transport headers, each of which belongs
// to a flow: the outer UDP of a VXLAN packet is one, the inner TCP another.
// [Decoder.Decode] gives one summary for each, outermost first.
//
// Three things are often confused, and kept apart here. The captured bytes
// are what the capture holds, which a snap length may have cut anywhere. The
// length on the wire is what the packet had when it was sent. The length in
// the IP header is what the datagram had; an Ethernet frame may pad it.
//
// Packets come from anywhere and may be forged to hurt their reader. All
// lengths are checked against what is there, tunnels nest to a bounded depth,
// the memory for fragments is bounded, and a packet that gives no flow is
// counted under a [Result] that says why.
//
// The layers of gopacket do the reading where they exist and accept what is
// usable; they are called one by one on values that a Decoder keeps. The walk
// from layer to layer is our own: gopacket's decides by port names, refuses
// headers that a snap length cut behind the ports, and allocates.
package decode

import (
	"encoding/binary"

	"github.com/google/gopacket/layers"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

// Tunnels says which headers of a tunnelled packet give summaries.
type Tunnels uint8

// The choices.
const (
	Both  Tunnels = iota // the packet that carries and the one carried
	Outer                // do not look into tunnels that IP carries
	Inner                // leave out a header that carries another
)

// Options are the choices of a Decoder. The zero value is the usual one.
type Options struct {
	// MaxDepth bounds how many tunnels are followed into each other; 0 is
	// packet.MaxDepth, which is also the most.
	MaxDepth int
	Tunnels  Tunnels
	Ignore   Ignore // what is left out of the contexts
	// MaxFragments bounds how many fragmented datagrams are remembered at a
	// time, and how many fragments wait for their first; 0 is 8192. Each costs
	// about 300 bytes.
	MaxFragments int
}

// Decoder decodes packets. It is not safe for concurrent use: have one for
// each goroutine. Fragments of a datagram find each other only within one.
type Decoder struct {
	front
	opt    Options
	frags  fragments
	counts Counts

	// The packet at hand.
	p      *capture.Packet
	out    []packet.Summary
	layers int // headers seen, to bound the walk

	eth  layers.Ethernet
	tag  layers.Dot1Q
	llc  layers.LLC
	snap layers.SNAP
	ip4  layers.IPv4
	ip6  layers.IPv6
	tcp  layers.TCP
	udp  layers.UDP
	vx   layers.VXLAN
	ic4  layers.ICMPv4
	ic6  layers.ICMPv6
}

// New returns a Decoder.
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

// Decode appends to dst a Summary for each transport header in p, outermost
// first, and says what became of the packet. Payloads point into p.Data.
//
// A first fragment releases the later ones that came before it: their
// summaries follow its own, with the numbers and times of their packets.
func (d *Decoder) Decode(dst []packet.Summary, p *capture.Packet) ([]packet.Summary, Result) {
	if out, n := d.run(dst, []capture.Packet{*p}); n == 1 {
		d.Count(1)
		return out, Decoded
	}
	return d.decodeLayers(dst, p)
}

// DecodeAll decodes packets one after the other and appends their summaries to
// dst. It calls other for each that the hand-written path did not take.
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

// Counts says how many packets a Decoder has read, by what became of them.
// Its sum is the number of calls of Decode.
func (d *Decoder) Counts() Counts { return d.counts }

// Count adds n packets that a Front has decoded to Counts.
func (d *Decoder) Count(n int) { d.counts[Decoded] += uint64(n) }

// Pending says how many later fragments wait for their first. Their packets
// stand under NoFirst in Counts, and move to Decoded when it comes.
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
