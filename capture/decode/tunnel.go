package decode

import (
	"github.com/google/gopacket"
	"github.com/portannot/portannot/capture/packet"
)

// ipTunnel decodes what an IP header carries that is no transport.
func (d *Decoder) ipTunnel(h *ipHeader, proto uint8, o octets) Result {
	if d.opt.Tunnels == Outer {
		return NoPorts
	}
	switch proto {
	case protoIPv4, protoIPv6:
		return d.ipInIP(h, o)
	case protoGRE:
		return d.greTunnel(h, o)
	case protoEtherIP: // RFC 3378: a version of 3 and twelve bits of 0
		if !d.pushEnds(packet.EtherIP, h) {
			return TooDeep
		}
		return d.ethernet(o.from(2))
	case protoEthernet: // RFC 8986
		if !d.pushEnds(packet.EtherIP, h) {
			return TooDeep
		}
		return d.ethernet(o)
	case protoMPLS:
		return d.mpls(o)
	case protoPIM:
		return d.pimRegister(h, o)
	case protoL2TP:
		return d.l2tpv3(h, o)
	}
	return NoPorts
}

// ipInIP enters a tunnel of IP in IP (RFC 2003, 2473, 4213).
func (d *Decoder) ipInIP(h *ipHeader, o octets) Result {
	ok := false
	if h.version == 4 && is6to4(o.b) {
		// The way back may go by another relay (RFC 3056), and the inner
		// addresses are unique in the world.
		ok = d.pushTunnel(packet.IPIP, 0)
	} else {
		ok = d.pushEnds(packet.IPIP, h)
	}
	if !ok {
		return TooDeep
	}
	return d.ip(o)
}

// is6to4 says whether an IPv6 header has an address of 2002::/16.
func is6to4(b []byte) bool {
	return len(b) >= 40 && b[0]>>4 == 6 && (be16(b[8:]) == 0x2002 || be16(b[24:]) == 0x2002)
}

// pimRegister decodes a multicast packet on its way to the rendezvous point
// (RFC 7761 section 4.9.3). A null register has no payload of its own.
func (d *Decoder) pimRegister(h *ipHeader, o octets) Result {
	if len(o.b) < 8 {
		return NoPorts
	}
	if o.b[0] != 0x21 || o.b[4]&0x40 != 0 {
		return NoPorts
	}
	if !d.pushEnds(packet.PIM, h) {
		return TooDeep
	}
	return d.ip(o.from(8))
}

// UDP ports of tunnels.
const (
	portGTPv0     = 3386
	portL2TP      = 1701
	portGTPU      = 2152
	portTeredo    = 3544
	portLISP      = 4341
	portLISPCtl   = 4342
	portGREinUDP  = 4754
	portVXLAN     = 4789
	portVXLANGPE  = 4790
	portAYIYA     = 5072
	portCAPWAP    = 5247
	portGENEVE    = 6081
	portMPLSinUDP = 6635
	portVXLANOld  = 8472 // Linux's before there was an assignment; OTV has the same header
	portSCTP      = 9899
	portTZSP      = 37008
)

// inUDP looks into a UDP datagram for a tunnel, by its ports: the destination's
// before the source's, since some tunnels hash flows into their source port.
// d.out[at] is the datagram's own summary.
func (d *Decoder) inUDP(h *ipHeader, at int, src, dst uint16, o octets) {
	if d.opt.Tunnels == Outer || len(o.b) == 0 {
		return
	}
	port := dst
	if !tunnelPort(dst) {
		if port = src; !tunnelPort(src) {
			return
		}
	}
	before := len(d.out)
	switch port {
	case portVXLAN, portVXLANOld:
		d.vxlan(o)
	case portVXLANGPE:
		d.vxlanGPE(o)
	case portGENEVE:
		d.geneve(o)
	case portGTPU, portGTPv0:
		d.gtpu(h, o)
	case portTeredo:
		d.teredo(o)
	case portL2TP:
		d.l2tp(h, o)
	case portSCTP:
		d.sctpOverUDP(h, o)
	case portMPLSinUDP:
		d.mpls(o)
	case portGREinUDP:
		d.greTunnel(h, o)
	case portLISP:
		d.lisp(h, o)
	case portLISPCtl:
		d.lispControl(h, o)
	case portAYIYA:
		d.ayiya(h, o)
	case portCAPWAP:
		d.capwap(h, o)
	case portTZSP:
		if d.pushTunnel(packet.TZSP, 0) {
			d.tzsp(o)
		}
	}
	if d.opt.Tunnels == Inner && len(d.out) > before {
		d.out = append(d.out[:at], d.out[at+1:]...)
	}
}

func tunnelPort(p uint16) bool {
	switch p {
	case portGTPv0, portL2TP, portGTPU, portTeredo, portLISP, portLISPCtl, portGREinUDP, portVXLAN, portVXLANGPE, portAYIYA,
		portCAPWAP, portGENEVE, portMPLSinUDP, portVXLANOld, portSCTP, portTZSP:
		return true
	}
	return false
}

// vxlan decodes RFC 7348 section 5. The I flag must be set for the identifier
// to be valid; other traffic on the port rarely has it.
func (d *Decoder) vxlan(o octets) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	_ = d.vx.DecodeFromBytes(o.b, gopacket.NilDecodeFeedback)
	if !d.vx.ValidIDFlag {
		return Malformed
	}
	if !d.pushTunnel(packet.VXLAN, d.vx.VNI) {
		return TooDeep
	}
	return d.ethernet(o.from(8))
}

// vxlanGPE decodes the generic extension of VXLAN: flag P says that the last
// octet of the first word names what follows.
func (d *Decoder) vxlanGPE(o octets) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	if !d.pushTunnel(packet.VXLAN, be24(o.b[4:])) {
		return TooDeep
	}
	if o.b[0]&4 == 0 {
		return d.ethernet(o.from(8))
	}
	return d.nextProtocol(o.b[3], o.from(8))
}

// geneve decodes RFC 8926 section 3.4: gopacket allocates for its options.
func (d *Decoder) geneve(o octets) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	if o.b[0]>>6 != 0 {
		return Malformed
	}
	if !d.pushTunnel(packet.GENEVE, be24(o.b[4:])) {
		return TooDeep
	}
	return d.etherType(be16(o.b[2:]), o.from(8+int(o.b[0]&0x3f)*4))
}

// gtpu decodes user packets of mobile networks (3GPP TS 29.281): version 1,
// and version 0 of TS 09.60. The tunnel endpoint identifier differs by
// direction. gopacket's prints to the standard output.
func (d *Decoder) gtpu(h *ipHeader, o octets) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	flags := o.b[0]
	if flags&0x10 == 0 || o.b[1] != 0xff { // GTP', or no user packet
		return NotIP
	}
	switch flags >> 5 {
	case 0:
		o = o.from(20)
	case 1:
		if flags&7 == 0 {
			o = o.from(8)
			break
		}
		if len(o.b) < 12 {
			return o.short(12)
		}
		next := o.b[11]
		if flags&4 == 0 {
			next = 0
		}
		for o = o.from(12); next != 0; {
			// A length in words, and in its last octet the next one's type.
			if len(o.b) == 0 || o.b[0] == 0 {
				return Malformed
			}
			n := int(o.b[0]) * 4
			if len(o.b) < n {
				return o.short(n)
			}
			next, o = o.b[n-1], o.from(n)
		}
	default:
		return NotIP
	}
	if len(o.b) == 0 {
		return o.short(1)
	}
	if !d.pushEnds(packet.GTPU, h) {
		return TooDeep
	}
	switch o.b[0] >> 4 {
	case 4, 6:
		return d.ip(o)
	}
	return d.ppp(o)
}

// teredo decodes RFC 4380 section 5.1.1: an authentication and an origin
// indication may come before the IPv6 packet, whose addresses are unique in
// the world; the relays of the two directions need not be the same.
func (d *Decoder) teredo(o octets) Result {
	for len(o.b) >= 8 && o.b[0] == 0 {
		switch o.b[1] {
		case 0:
			o = o.from(8)
		case 1:
			o = o.from(13 + int(o.b[2]) + int(o.b[3]))
		default:
			return NotIP
		}
	}
	if len(o.b) < 40 || o.b[0]>>4 != 6 {
		return NotIP
	}
	if !d.pushTunnel(packet.Teredo, 0) {
		return TooDeep
	}
	return d.ip(o)
}

// l2tp decodes L2TP over UDP: version 2 (RFC 2661 section 3.1), whose data
// messages carry PPP, and version 3. Identifiers differ by direction.
func (d *Decoder) l2tp(h *ipHeader, o octets) Result {
	if len(o.b) < 6 {
		return o.short(6)
	}
	flags := be16(o.b)
	if flags&0x8000 != 0 {
		return NotIP // control
	}
	switch flags & 0xf {
	case 2:
		n := 6
		if flags&0x4000 != 0 {
			n += 2 // a length
		}
		if flags&0x0800 != 0 {
			n += 4 // sequence numbers
		}
		if flags&0x0200 != 0 { // an offset
			if len(o.b) < n+2 {
				return o.short(n + 2)
			}
			n += 2 + int(be16(o.b[n:]))
		}
		if !d.pushEnds(packet.L2TP, h) {
			return TooDeep
		}
		return d.ppp(o.from(n))
	case 3:
		return d.l2tpv3(h, o.from(4))
	}
	return Malformed
}

// l2tpv3 decodes a data message of L2TP version 3 from its session identifier
// on (RFC 3931 section 4.1). Only the two ends know whether a cookie of four
// or eight octets and a sublayer of four follow, and what is carried. So the
// place is taken where a frame or a packet looks right.
func (d *Decoder) l2tpv3(h *ipHeader, o octets) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	if be32(o.b) == 0 {
		return NoPorts // control
	}
	for _, k := range [...]int{4, 8, 12, 16} {
		at := o.from(k)
		eth, ip := looksEthernet(at), looksIPv4(at) || looksIPv6(at)
		if !eth && !ip {
			continue
		}
		if !d.pushEnds(packet.L2TP, h) {
			return TooDeep
		}
		if ip {
			return d.ip(at)
		}
		return d.ethernet(at)
	}
	return NoPorts
}

// sctpOverUDP decodes RFC 6951: the SCTP association is between the same two
// addresses.
func (d *Decoder) sctpOverUDP(h *ipHeader, o octets) Result {
	if len(o.b) < 12 || !d.pushTunnel(packet.SCTPoverUDP, 0) {
		return NotIP
	}
	inner := *h
	inner.more = false // the fragments are those of the UDP datagram
	inner.context = d.context()
	return d.transportSCTP(&inner, o)
}

// lisp decodes RFC 9300 section 5.1: eight octets and an IP packet.
func (d *Decoder) lisp(h *ipHeader, o octets) Result {
	if len(o.b) < 9 {
		return o.short(9)
	}
	if v := o.b[8] >> 4; v != 4 && v != 6 {
		return NotIP
	}
	if !d.pushEnds(packet.LISP, h) {
		return TooDeep
	}
	return d.ip(o.from(8))
}

// lispControl decodes an encapsulated control message (RFC 9301 section 5.8):
// type 8 in the first four bits of four octets, then an IP packet.
func (d *Decoder) lispControl(h *ipHeader, o octets) Result {
	if len(o.b) < 5 {
		return o.short(5)
	}
	if o.b[0]>>4 != 8 {
		return NotIP
	}
	if !d.pushEnds(packet.LISP, h) {
		return TooDeep
	}
	return d.ip(o.from(4))
}

// ayiya decodes an IPv6 tunnel of SixXS: four bits each of identity length
// (a power of two), kind, signature length (words), hash, authentication and
// operation, the next header, and a time; then identity and signature.
func (d *Decoder) ayiya(h *ipHeader, o octets) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	if o.b[2]&0xf != 1 { // the operation is not to forward
		return NotIP
	}
	if !d.pushEnds(packet.AYIYA, h) {
		return TooDeep
	}
	next := o.b[3]
	o = o.from(8 + 1<<(o.b[0]>>4) + int(o.b[1]>>4)*4)
	switch next {
	case protoIPv4, protoIPv6:
		return d.ip(o)
	}
	return NotIP
}

// capwap decodes RFC 5415 section 4.3: a preamble, a header length in words,
// and an 802.3 or, with flag T, an 802.11 frame.
func (d *Decoder) capwap(h *ipHeader, o octets) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	if o.b[0]&0xf != 0 {
		return Encrypted // DTLS
	}
	n := int(o.b[1]>>3) * 4
	if n < 8 {
		return Malformed
	}
	native, fragment, control := o.b[2]&1 != 0, o.b[3]&0x80 != 0, o.b[3]&8 != 0
	if control || fragment && be16(o.b[6:])>>3 != 0 {
		return NotIP // keep-alive, or a later fragment
	}
	if !d.pushEnds(packet.CAPWAP, h) {
		return TooDeep
	}
	if native {
		return d.wlan(o.from(n), false)
	}
	return d.ethernet(o.from(n))
}

// tzsp decodes TaZmen sniffer protocol: version, type, what is carried, then
// tags until one of type 1.
func (d *Decoder) tzsp(o octets) Result {
	if len(o.b) < 5 {
		return o.short(5)
	}
	if o.b[0] != 1 || o.b[1] > 1 {
		return NotIP
	}
	kind := be16(o.b[2:])
	for o = o.from(4); ; {
		if len(o.b) < 2 {
			return o.short(2)
		}
		t := o.b[0]
		switch t {
		case 0, 1: // padding, end
			o = o.from(1)
		default:
			o = o.from(2 + int(o.b[1]))
		}
		if t == 1 {
			break
		}
	}
	switch kind {
	case 1:
		return d.ethernet(o)
	case 0x12:
		return d.wlan(o, false)
	}
	return NotIP
}
