package decode

import "github.com/portannot/portannot/capture/packet"

// A port is no proof: any host may use a tunnel's port as its own end of
// another conversation. So each of these decoders checks what it can before it
// enters a tunnel; where the format has no mark of its own, that the lengths
// of the inner header fit the datagram.

// vxlan decodes RFC 7348 section 5. The I flag must be set for the identifier
// to be valid; other traffic on the port rarely has it.
func (d *Decoder) vxlan(o layerData) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	id, ok := d.headers.decodeVXLAN(o.b)
	if !ok {
		return Malformed
	}
	if !d.pushTunnel(packet.VXLAN, id) {
		return TooDeep
	}
	return d.ethernet(o.from(8))
}

// vxlanGPE decodes the generic extension of VXLAN: flag P says that the last
// byte of the first word names what follows.
func (d *Decoder) vxlanGPE(o layerData) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	if o.b[0]&8 == 0 {
		return Malformed
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
func (d *Decoder) geneve(o layerData) Result {
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
func (d *Decoder) gtpu(h *ipHeader, o layerData) Result {
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
			// A length in words, and in its last byte the next one's type.
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
func (d *Decoder) teredo(o layerData) Result {
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
	if !looksIPv6(o) {
		return NotIP
	}
	if !d.pushTunnel(packet.Teredo, 0) {
		return TooDeep
	}
	return d.ip(o)
}

// l2tp decodes L2TP over UDP: version 2 (RFC 2661 section 3.1), whose data
// messages carry PPP, and version 3. Identifiers differ by direction.
func (d *Decoder) l2tp(h *ipHeader, o layerData) Result {
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

// looksSCTP says whether a chunk that RFC 9260 or an extension defines stands
// behind a common header, and fits.
func looksSCTP(o layerData) bool {
	if o = o.from(12); len(o.b) < 4 {
		return false
	}
	t, n := o.b[0], int(be16(o.b[2:]))
	return (t <= 15 || t == chunkIData || t >= 128 && t <= 132 || t >= 192 && t <= 194) && n >= 4 && n <= o.n
}

// sctpOverUDP decodes RFC 6951: the SCTP association is between the same two
// addresses.
func (d *Decoder) sctpOverUDP(h *ipHeader, o layerData) Result {
	if !looksSCTP(o) {
		return NotIP
	}
	if !d.pushTunnel(packet.SCTPoverUDP, 0) {
		return TooDeep
	}
	inner := *h
	inner.more = false // the fragments are those of the UDP datagram
	inner.context = d.context()
	return d.transportSCTP(&inner, o)
}

// lisp decodes RFC 9300 section 5.1: eight bytes and an IP packet.
func (d *Decoder) lisp(h *ipHeader, o layerData) Result {
	if o = o.from(8); !looksIP(o) {
		return NotIP
	}
	if !d.pushEnds(packet.LISP, h) {
		return TooDeep
	}
	return d.ip(o)
}

// lispControl decodes an encapsulated control message (RFC 9301 section 5.8):
// type 8 in the first four bits of four bytes, then an IP packet.
func (d *Decoder) lispControl(h *ipHeader, o layerData) Result {
	if len(o.b) < 5 {
		return o.short(5)
	}
	if o.b[0]>>4 != 8 || !looksIP(o.from(4)) {
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
func (d *Decoder) ayiya(h *ipHeader, o layerData) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	if o.b[2]&0xf != 1 { // the operation is not to forward
		return NotIP
	}
	if o = o.from(8 + 1<<(o.b[0]>>4) + int(o.b[1]>>4)*4); !looksIP(o) {
		return NotIP
	}
	if !d.pushEnds(packet.AYIYA, h) {
		return TooDeep
	}
	return d.ip(o)
}

// capwap decodes RFC 5415 section 4.3: a preamble, a header length in words,
// and an 802.3 or, with flag T, an 802.11 frame.
func (d *Decoder) capwap(h *ipHeader, o layerData) Result {
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
		return d.wlanEither(o.from(n))
	}
	return d.ethernet(o.from(n))
}

// lwapp decodes CAPWAP's forerunner (RFC 5412 section 3): flags, a fragment
// number, a length and two measures of the signal, then an 802.11 frame.
func (d *Decoder) lwapp(h *ipHeader, o layerData) Result {
	if len(o.b) < 6 {
		return o.short(6)
	}
	if o.b[0]&0xc0 != 0 || o.b[0]&4 != 0 || o.b[1] != 0 && o.b[0]&2 != 0 {
		return NotIP // another version, control, or a later fragment
	}
	if !d.pushEnds(packet.CAPWAP, h) {
		return TooDeep
	}
	return d.wlanEither(o.from(6))
}

// amt decodes a multicast packet on its way to a gateway (RFC 7450 section
// 5.1.6): version 0 and type 6 in the first byte.
func (d *Decoder) amt(h *ipHeader, o layerData) Result {
	if len(o.b) < 3 {
		return o.short(3)
	}
	if o.b[0] != 6 || !looksIP(o.from(2)) {
		return NotIP
	}
	if !d.pushEnds(packet.AMT, h) {
		return TooDeep
	}
	return d.ip(o.from(2))
}

// mobileIP decodes RFC 3519 section 3.2: a message of type 4 carries what its
// next byte names.
func (d *Decoder) mobileIP(h *ipHeader, o layerData) Result {
	if len(o.b) < 5 {
		return o.short(5)
	}
	if o.b[0] != 4 {
		return NotIP
	}
	switch o.b[1] {
	case protoIPv4, protoIPv6:
		if looksIP(o.from(4)) {
			return d.ipInIP(h, o.from(4))
		}
	case protoGRE:
		return d.greTunnel(h, o.from(4))
	}
	return NotIP
}

// tzsp decodes TaZmen sniffer protocol: version, type, what is carried, then
// tags until one of type 1.
func (d *Decoder) tzsp(o layerData) Result {
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
