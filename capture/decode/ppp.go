package decode

import "github.com/portannot/portannot/capture/packet"

// pppHDLC decodes PPP with or without the address and control bytes of HDLC
// framing (RFC 1662), and Cisco's HDLC, which the same serial lines carry.
func (d *Decoder) pppHDLC(o layerData) Result {
	if len(o.b) < 2 {
		return o.short(2)
	}
	switch {
	case o.b[0] == 0x0f || o.b[0] == 0x8f:
		return d.ciscoHDLC(o)
	case o.b[1] == 0x03 && (o.b[0] == 0xff || o.b[0] <= 1): // pppd puts the direction in the address
		return d.ppp(o.from(2))
	}
	return d.ppp(o)
}

// ppp decodes the protocol field, of one byte when that is odd (RFC 1661
// section 2), and what follows.
func (d *Decoder) ppp(o layerData) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) >= 2 && o.b[0] == 0xff && o.b[1] == 0x03 {
		o = o.from(2)
	}
	if len(o.b) < 2 {
		return o.short(2)
	}
	proto, k := uint16(o.b[0]), 1
	if proto&1 == 0 {
		proto, k = be16(o.b), 2
	}
	o = o.from(k)
	switch proto {
	case 0x0021, 0x0057:
		return d.ip(o)
	case 0x0031: // bridging: flags, the kind of network, a frame (RFC 3518)
		if len(o.b) < 2 {
			return o.short(2)
		}
		if o.b[1] == 1 {
			return d.ethernet(o.from(2))
		}
	case 0x003d: // multilink (RFC 1990): begin and end flags, a sequence number
		if len(o.b) < 4 {
			return o.short(4)
		}
		if o.b[0]>>6 == 3 { // whole
			return d.ppp(o.from(4))
		}
	case 0x0281, 0x0283:
		return d.mpls(o)
	case 0x0053, 0x0055:
		return Encrypted
	}
	return NotIP
}

// pppoe decodes a PPPoE header (RFC 2516 section 4). The session identifier
// is the same in both directions.
func (d *Decoder) pppoe(o layerData) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 6 {
		return o.short(6)
	}
	if o.b[1] != 0 {
		return NotIP // discovery
	}
	if !d.pushTunnel(packet.PPPoE, uint32(be16(o.b[2:]))) {
		return TooDeep
	}
	n := int(be16(o.b[4:]))
	return d.ppp(o.from(6).upTo(n))
}

// ciscoHDLC decodes an address, a control byte, and an EtherType.
func (d *Decoder) ciscoHDLC(o layerData) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	if be16(o.b[2:]) < 0x600 {
		return NotIP
	}
	return d.typeAt(o, 2)
}

// frameRelay decodes a Q.922 address and RFC 2427's encapsulation, or an
// EtherType as Cisco puts it there.
func (d *Decoder) frameRelay(o layerData) Result {
	k := 0
	for { // the last byte of the address is odd
		if len(o.b) <= k {
			return o.short(k + 1)
		}
		k++
		if o.b[k-1]&1 != 0 {
			break
		}
		if k == 4 {
			return Malformed
		}
	}
	o = o.from(k)
	if len(o.b) < 2 {
		return o.short(2)
	}
	if o.b[0] != 3 {
		return d.typeAt(o, 0)
	}
	o = o.from(1)
	if o.b[0] == 0 { // padding
		o = o.from(1)
	}
	return d.nlpid(o)
}

// nlpid decodes behind a network layer protocol identifier (ISO/IEC 9577).
func (d *Decoder) nlpid(o layerData) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 1 {
		return o.short(1)
	}
	switch o.b[0] {
	case 0x80:
		return d.subnetwork(o.from(1))
	case 0x8e, 0xcc:
		return d.ip(o.from(1))
	case 0xcf:
		return d.ppp(o.from(1))
	}
	return NotIP
}
