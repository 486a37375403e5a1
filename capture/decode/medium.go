package decode

import "github.com/portannot/portannot/capture"

// Media other than Ethernet and 802.11.

// tokenRing decodes IEEE 802.5: access and frame control, two addresses, and
// a routing field where the source address has the group bit.
func (d *Decoder) tokenRing(o layerData) Result {
	if len(o.b) < 16 {
		return o.short(16)
	}
	if o.b[1]>>6 != 1 {
		return NotIP // a MAC frame
	}
	k := 14
	if o.b[8]&0x80 != 0 {
		k += int(o.b[14] & 0x1f)
	}
	return d.logicalLink(o.from(k))
}

// fddi decodes a frame control byte and two addresses.
func (d *Decoder) fddi(o layerData) Result {
	if len(o.b) < 13 {
		return o.short(13)
	}
	if o.b[0]&0xf0 != 0x50 {
		return NotIP // not an asynchronous LLC frame
	}
	return d.logicalLink(o.from(13))
}

// juniper decodes Juniper's header: "MGC", flags, and extensions when flag
// 0x80 is set. Flag 2 says that there is no link header behind it, but four
// bytes and then IP.
func (d *Decoder) juniper(t capture.LinkType, o layerData) Result {
	if len(o.b) < 6 {
		return o.short(6)
	}
	if o.b[0] != 'M' || o.b[1] != 'G' || o.b[2] != 'C' {
		return Malformed
	}
	flags, k := o.b[3], 4
	if flags&0x80 != 0 {
		k += 2 + int(be16(o.b[4:]))
	}
	o = o.from(k)
	if flags&2 != 0 {
		return d.ip(o.from(4))
	}
	switch t {
	case linkJuniperPPP:
		return d.pppHDLC(o)
	case linkJuniperFR:
		return d.frameRelay(o)
	case linkJuniperCHDLC:
		return d.ciscoHDLC(o)
	case linkJuniperATM1, linkJuniperATM2:
		k := 4 // a cookie of the interface
		if t == linkJuniperATM2 {
			k = 8
		}
		if o = o.from(k); len(o.b) < 3 {
			return o.short(3)
		}
		switch v := be24(o.b); {
		case v == 0xaaaa03 || v == 0xfefe03:
			return d.logicalLink(o)
		case o.b[0]>>4 == 4 || o.b[0]>>4 == 6:
			return d.ip(o)
		}
		return d.pppHDLC(o)
	}
	return d.ethernet(o)
}

// ax25 decodes packet radio: addresses of seven bytes, the last of which ends
// in an odd one, a control byte, and a protocol identifier.
func (d *Decoder) ax25(o layerData) Result {
	k := 14
	for ; ; k += 7 {
		if len(o.b) < k+2 {
			return o.short(k + 2)
		}
		if o.b[k-1]&1 != 0 {
			break
		}
		if k > 14+8*7 {
			return Malformed
		}
	}
	if o.b[k+1] != 0xcc { // IP
		return NotIP
	}
	return d.ip(o.from(k + 2))
}

// sunATM decodes the header of SunATM: flags with the kind of traffic in the
// lower half, and the virtual path and channel.
func (d *Decoder) sunATM(o layerData) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	switch kind := o.b[0] & 0xf; kind {
	case 1: // LAN emulation: a client identifier before the frame
		return d.ethernet(o.from(6))
	case 2:
		return d.logicalLink(o.from(4))
	}
	return NotIP
}

// arcnet decodes ARCNET behind k bytes of addresses: RFC 1051's IP follows
// its type at once, RFC 1201's behind a split flag and a sequence number.
func (d *Decoder) arcnet(o layerData, k int) Result {
	if len(o.b) < k+4 {
		return o.short(k + 4)
	}
	switch t := o.b[k]; t {
	case 0xf0:
		return d.ip(o.from(k + 1))
	case 0xd4, 0xc4: // IPv4, IPv6 (RFC 2497)
		o = o.from(k + 1)
		if o.b[0] == 0xff { // an exception frame has the same header once more
			if len(o.b) < 5 {
				return o.short(5)
			}
			o = o.from(4)
		}
		return d.ip(o.from(3))
	}
	return NotIP
}

// docsis decodes a packet PDU of a cable modem network: frame control, a
// parameter or the length of an extended header, a length, a checksum.
func (d *Decoder) docsis(o layerData) Result {
	if len(o.b) < 6 {
		return o.short(6)
	}
	if o.b[0]>>6 != 0 {
		return NotIP
	}
	k := 6
	if o.b[0]&1 != 0 {
		k += int(o.b[1])
	}
	return d.ethernet(o.from(k))
}

// erf decodes Endace's record header: 16 bytes, extensions of eight while
// the highest bit of the type says so, and for Ethernet two of padding.
func (d *Decoder) erf(o layerData) Result {
	if len(o.b) < 16 {
		return o.short(16)
	}
	t := o.b[8]
	o = o.from(16)
	for more := t&0x80 != 0; more; {
		if len(o.b) < 8 {
			return o.short(8)
		}
		more = o.b[0]&0x80 != 0
		o = o.from(8)
	}
	switch t & 0x7f {
	case 1: // packet over SONET
		return d.pppHDLC(o)
	case 2, 11, 16, 20: // Ethernet, with colours
		return d.ethernet(o.from(2))
	case 21:
		return d.infiniband(o)
	case 22, 23:
		return d.ip(o)
	}
	return NotIP
}

// infiniband decodes a local route header, which says whether a global one
// follows, the base transport header, and for unreliable datagrams, which
// carry IP (RFC 4391), another of eight bytes and an EtherType in four.
func (d *Decoder) infiniband(o layerData) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	k := 8
	switch o.b[1] & 3 {
	case 2:
	case 3:
		k += 40
	default:
		return NotIP
	}
	if len(o.b) < k+24 {
		return o.short(k + 24)
	}
	if o.b[k] != 0x64 { // unreliable datagram, send only
		return NotIP
	}
	return d.etherType(be16(o.b[k+20:]), o.from(k+24))
}

// ipoib decodes IP over InfiniBand: a route header, then an EtherType in four
// bytes (RFC 4391).
func (d *Decoder) ipoib(o layerData) Result {
	if len(o.b) < 44 {
		return o.short(44)
	}
	return d.etherType(be16(o.b[40:]), o.from(44))
}
