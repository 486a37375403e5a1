package decode

import "github.com/portannot/portannot/capture/packet"

// icmpv4 looks for errors (RFC 792): destination unreachable, source quench,
// time exceeded and parameter problem quote the start of the datagram that
// they are about. So does redirect, which is advice and no error.
func (d *Decoder) icmpv4(h *ipHeader, o layerData) Result {
	if len(o.b) < 8 {
		return NoPorts
	}
	switch typ, code := d.headers.decodeICMPv4(o.b); typ {
	case 3, 4, 11, 12:
		d.quote(h, typ, code, o.from(8))
		return ICMPError
	}
	return NoPorts
}

// icmpv6 looks for errors (RFC 4443 section 2.1): types below 128.
func (d *Decoder) icmpv6(h *ipHeader, o layerData) Result {
	if len(o.b) < 8 {
		return NoPorts
	}
	switch typ, code := d.headers.decodeICMPv6(o.b); typ {
	case 1, 2, 3, 4:
		d.quote(h, typ, code, o.from(8))
		return ICMPError
	}
	return NoPorts
}

// quote emits the flow of a quoted datagram, if its ports are in the quote.
// Only its first eight bytes behind the IP header need be there (RFC 792);
// its lengths are those of the datagram, most of which is not here.
func (d *Decoder) quote(outer *ipHeader, typ, code uint8, o layerData) {
	var q ipHeader
	var proto uint8
	var r Result
	if len(o.b) == 0 {
		return
	}
	switch o.b[0] >> 4 {
	case 4:
		if o, r = d.readIPv4(&q, o); r != Decoded || d.ip4.offset != 0 {
			return
		}
		proto = d.ip4.protocol
	case 6:
		if o, _, r = d.readIPv6(&q, o); r != Decoded {
			return
		}
		proto = d.ip6.next
	default:
		return
	}
	for !hasPorts(proto) {
		var n int
		switch proto {
		case protoHopByHop, protoRouting, protoDestOpts, protoMobility, protoHIP, protoShim6, protoFragment, protoAH:
		default:
			return
		}
		if len(o.b) < 8 {
			return
		}
		switch proto {
		case protoAH:
			n = int(o.b[1])*4 + 8
		case protoFragment:
			if n = 8; be16(o.b[2:])>>3 != 0 {
				return
			}
		default:
			n = int(o.b[1])*8 + 8
		}
		proto, o = o.b[0], o.from(n)
	}
	if len(o.b) < 4 {
		return
	}
	if q.version != outer.version || q.src != outer.dst {
		return // an error goes to the source of what it quotes (RFC 1122 section 3.2.2)
	}
	q.context = outer.context
	s := d.emit(&q, proto, o)
	s.Kind, s.ICMPType, s.ICMPCode = packet.Quoted, typ, code
	if proto == packet.TCP && len(o.b) >= 8 {
		s.Sequence = be32(o.b[4:])
	}
}
