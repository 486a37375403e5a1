package decode

// mpls decodes a label stack (RFC 3032). Nothing in it says what follows, so
// the first bytes behind it must: RFC 4385 keeps 4 and 6 for IP and gives
// pseudowires a control word that begins with 0 or, for control, 1. Labels
// differ by direction, and the last router but one takes them off (RFC 3031
// section 3.16), so they are no part of the context.
func (d *Decoder) mpls(o layerData) Result {
	for {
		if !d.enter() {
			return TooDeep
		}
		if len(o.b) < 4 {
			return o.short(4)
		}
		bottom := o.b[2]&1 != 0
		o = o.from(4)
		if bottom {
			break
		}
	}
	if len(o.b) < 4 {
		return o.short(4)
	}
	switch o.b[0] >> 4 {
	case 4:
		if !looksEthernet(o) || looksIPv4(o) && headerSum(o.b) == 0xffff {
			return d.ip(o)
		}
	case 6:
		if !looksEthernet(o) || looksIPv6(o) {
			return d.ip(o)
		}
	case 0:
		if looksEthernet(o.from(4)) || !looksEthernet(o) {
			return d.ethernet(o.from(4))
		}
	case 1:
		switch be16(o.b[2:]) { // the channel's type (RFC 4385 section 6, RFC 5586)
		case 0x0021, 0x0057:
			return d.ip(o.from(4))
		}
	}
	if looksEthernet(o) { // a pseudowire without a control word (RFC 4448)
		return d.ethernet(o)
	}
	return NotIP
}

// looksIPv4 says whether the lengths of an IPv4 header are possible.
func looksIPv4(o layerData) bool {
	if len(o.b) < 20 || o.b[0]>>4 != 4 {
		return false
	}
	hlen, total := int(o.b[0]&0xf)*4, int(be16(o.b[2:]))
	return hlen >= 20 && total >= hlen && total <= o.n
}

// headerSum is the one's complement sum over an IPv4 header, 0xffff when its
// checksum is right.
func headerSum(b []byte) uint32 {
	var sum uint32
	for b = b[:min(int(b[0]&0xf)*4, len(b))]; len(b) >= 2; b = b[2:] {
		sum += uint32(be16(b))
	}
	return sum&0xffff + sum>>16
}

// looksIPv6 says whether an IPv6 packet would end where the data does, but for
// what a link may add.
func looksIPv6(o layerData) bool {
	if len(o.b) < 40 || o.b[0]>>4 != 6 {
		return false
	}
	rest := o.n - 40 - int(be16(o.b[4:]))
	return rest >= 0 && rest <= 8
}

// looksIP says whether a datagram of either version may begin here.
func looksIP(o layerData) bool { return looksIPv4(o) || looksIPv6(o) }
