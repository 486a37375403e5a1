package decode

import "github.com/portannot/portannot/capture/packet"

// IP protocol numbers, IPv6 extension headers among them
// (https://www.iana.org/assignments/protocol-numbers).
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoIPv4     = 4
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoESP      = 50
	protoAH       = 51
	protoICMPv6   = 58
	protoNoNext   = 59
	protoDestOpts = 60
	protoEtherIP  = 97
	protoPIM      = 103
	protoL2TP     = 115
	protoMPLS     = 137
	protoMobility = 135
	protoHIP      = 139
	protoShim6    = 140
	protoEthernet = 143
)

// ipHeader is what the layers above need of an IP header.
type ipHeader struct {
	src, dst [16]byte
	version  uint8
	length   uint32 // of the whole datagram, header included
	ipID     uint16 // of IPv4
	context  *packet.Context
	// more is set for the first fragment of several: id then tells the
	// datagram from others.
	more bool
	id   uint32
	// fragProtocol is the protocol of the fragmented datagram as the headers
	// before the cut name it: part of the key for IPv4, 0 for IPv6.
	fragProtocol uint8
}

// ip decodes an IP datagram by its version, whatever the layer below said.
func (d *Decoder) ip(o layerData) Result {
	if len(o.b) == 0 {
		return o.short(1)
	}
	if !d.enter() {
		return TooDeep
	}
	switch o.b[0] >> 4 {
	case 4:
		return d.ipv4(o)
	case 6:
		return d.ipv6(o)
	}
	return Malformed
}

// readIPv4 reads an IPv4 header.
func (d *Decoder) readIPv4(h *ipHeader, o layerData) (rest layerData, r Result) {
	if len(o.b) < 20 {
		return o, o.short(20)
	}
	d.ip4 = d.headers.decodeIPv4(o.b)
	hlen := d.ip4.length
	total := int(be16(o.b[2:]))
	if total == 0 { // the network card is to cut the segment (TSO)
		total = o.n
	}
	if hlen < 20 || total < hlen {
		return o, Malformed
	}
	copy(h.src[:4], d.ip4.src[:])
	copy(h.dst[:4], d.ip4.dst[:])
	h.version, h.ipID = 4, d.ip4.id
	h.length = uint32(total)
	if hlen > len(o.b) {
		return o, o.short(hlen)
	}
	rest = o.upTo(total).from(hlen)
	rest.n = total - hlen // the header's word, even where the frame was said to be shorter
	return rest, Decoded
}

func (d *Decoder) ipv4(o layerData) Result {
	var h ipHeader
	rest, r := d.readIPv4(&h, o)
	if r != Decoded {
		return r
	}
	h.context = d.context()
	proto, offset := d.ip4.protocol, d.ip4.offset
	if offset != 0 {
		h.id, h.fragProtocol = uint32(d.ip4.id), proto
		if proto != protoAH && !hasPorts(proto) {
			return NoPorts
		}
		return d.laterFragment(&h, uint32(offset)*8, rest)
	}
	if d.ip4.more {
		h.more, h.id, h.fragProtocol = true, uint32(d.ip4.id), proto
	}
	return d.upper(&h, proto, rest)
}

// readIPv6 reads the fixed IPv6 header. jumbo says that the length stands in
// a hop-by-hop option (RFC 2675), or nowhere, as it does when the network card
// is to cut the segment.
func (d *Decoder) readIPv6(h *ipHeader, o layerData) (rest layerData, jumbo bool, r Result) {
	if len(o.b) < 40 {
		return o, false, o.short(40)
	}
	d.ip6 = d.headers.decodeIPv6(o.b)
	h.src, h.dst, h.version = d.ip6.src, d.ip6.dst, 6
	if d.ip6.payload == 0 {
		h.length = uint32(o.n)
		return o.from(40), true, Decoded
	}
	n := int(d.ip6.payload)
	h.length = 40 + uint32(n)
	rest = o.from(40).upTo(n)
	rest.n = n
	return rest, false, Decoded
}

func (d *Decoder) ipv6(o layerData) Result {
	var h ipHeader
	rest, jumbo, r := d.readIPv6(&h, o)
	if r != Decoded {
		return r
	}
	h.context = d.context()
	next := d.ip6.next
	if jumbo && next == protoHopByHop {
		if n := jumboLength(rest.b); n > 0 {
			h.length = 40 + uint32(n)
			rest = rest.upTo(n)
			rest.n = n
		}
	}
	return d.upper(&h, next, rest)
}

// jumboLength gives the length in the Jumbo Payload option of a hop-by-hop
// options header (RFC 2675 section 2), or 0.
func jumboLength(b []byte) int {
	if len(b) < 8 {
		return 0
	}
	b = b[2:min(len(b), int(b[1])*8+8)]
	for len(b) >= 2 {
		switch {
		case b[0] == 0: // Pad1
			b = b[1:]
			continue
		case b[0] == 0xc2 && b[1] == 4 && len(b) >= 6:
			if n := be32(b[2:]); n > 65535 && n < 1<<31 {
				return int(n)
			}
			return 0
		}
		if n := 2 + int(b[1]); n < len(b) {
			b = b[n:]
		} else {
			return 0
		}
	}
	return 0
}

// hasPorts says whether a protocol makes flows.
func hasPorts(proto uint8) bool {
	switch proto {
	case packet.TCP, packet.UDP, packet.DCCP, packet.SCTP, packet.UDPLite:
		return true
	}
	return false
}

// upper decodes what an IP header carries: extension headers, then a
// transport, a tunnel, or something without ports. Extension headers are
// accepted behind IPv4 too, where AH is common and the others are not.
func (d *Decoder) upper(h *ipHeader, proto uint8, o layerData) Result {
	r := d.walkUpper(h, proto, o)
	if h.more && r != Truncated && r != Malformed {
		// A first fragment, and no transport has taken its ports: the later
		// ones have none to wait for. What a tunnel in it carries is another
		// datagram.
		d.firstFragmentNoPorts(h)
	}
	return r
}

func (d *Decoder) walkUpper(h *ipHeader, proto uint8, o layerData) Result {
	for {
		switch proto {
		case packet.TCP:
			return d.transportTCP(h, o)
		case packet.UDP:
			return d.transportUDP(h, o)
		case packet.UDPLite:
			return d.transportUDPLite(h, o)
		case packet.SCTP:
			return d.transportSCTP(h, o)
		case packet.DCCP:
			return d.transportDCCP(h, o)
		case protoHopByHop, protoRouting, protoDestOpts, protoMobility, protoHIP, protoShim6, protoAH, protoFragment:
			if !d.enter() {
				return TooDeep
			}
			if len(o.b) < 8 {
				return o.short(8)
			}
			next := o.b[0]
			n := int(o.b[1])*8 + 8
			switch proto {
			case protoAH: // counted in units of 4 bytes, less 2 (RFC 4302 section 2.2)
				n = int(o.b[1])*4 + 8
				if !d.pushTunnel(packet.AH, 0) {
					return TooDeep
				}
				h.context = d.context()
			case protoFragment:
				n = 8
				offset, more := be16(o.b[2:])>>3, o.b[3]&1 != 0
				if offset != 0 {
					h.id = be32(o.b[4:])
					return d.laterFragment(h, uint32(offset)*8, o.from(8))
				}
				if more {
					h.more, h.id = true, be32(o.b[4:])
				}
				// Neither: an atomic fragment (RFC 6946), which is whole.
			}
			if o.n < n {
				return Malformed
			}
			if len(o.b) < n {
				return Truncated
			}
			proto, o = next, o.from(n)
		case protoICMP:
			return d.icmpv4(h, o)
		case protoICMPv6:
			return d.icmpv6(h, o)
		case protoESP:
			return Encrypted
		default:
			return d.ipTunnel(h, proto, o)
		}
	}
}
