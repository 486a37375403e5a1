package observe

// VXLAN (RFC 7348 section 5) and GENEVE (RFC 8926 section 3.4): a header of
// eight bytes, in GENEVE with options, and the tunnelled frame.
const (
	vxlanFlags = 0x08 // the network identifier is valid
	vxlanGPE   = 0x0c // and the next protocol is (draft-ietf-nvo3-vxlan-gpe section 3)
	vxlanGBP   = 0x88 // with a group policy (draft-smith-vxlan-group-policy section 2)
	vxlanSize  = 8

	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
	etherARP  = 0x0806
	etherVLAN = 0x8100
	etherQinQ = 0x88a8
	etherLLDP = 0x88cc
	etherMPLS = 0x8847
	etherTEB  = 0x6558 // transparent Ethernet bridging: an Ethernet frame
	etherNSH  = 0x894f
	etherMax  = 1500 // larger is a type, not a length
)

const (
	reasonVXLAN  = "VXLAN header: flags, reserved bytes and inner frame fit"
	reasonGENEVE = "GENEVE header: options, reserved bytes and inner frame fit"
	reasonFlags  = "tunnel header whose inner frame is not known"
)

// findVXLAN recognises the header and what is in the tunnel.
func findVXLAN(m *message) match {
	b := m.b
	inner, size := b[vxlanSize:], m.n-vxlanSize
	ok := false
	switch b[0] {
	case vxlanFlags:
		// Receivers ignore what is reserved, and some senders use it.
		if b[7] != 0 {
			return match{}
		}
		ok = innerEthernet(inner, size)
	case vxlanGBP:
		ok = b[1]&^0x48 == 0 && b[7] == 0 && innerEthernet(inner, size)
	case vxlanGPE:
		if b[1] != 0 || b[2] != 0 || b[7] != 0 {
			return match{}
		}
		switch b[3] {
		case 1, 2:
			ok = innerIP(inner, size, true)
		case 3:
			ok = innerEthernet(inner, size)
		case 4:
			ok = innerNSH(inner, size)
		}
	}
	if ok {
		return match{protocol: VXLAN, strength: Full, reason: reasonVXLAN}
	}
	if b[0] == vxlanFlags && b[1] == 0 && b[2] == 0 && b[3] == 0 && size >= 14 {
		return match{protocol: VXLAN, strength: Likely, reason: reasonFlags}
	}
	return match{}
}

// findGENEVE recognises the header and what is in the tunnel.
func findGENEVE(m *message) match {
	b := m.b
	end := 8 + 4*int(b[0]&0x3f)
	if b[0]>>6 != 0 || b[1]&0x3f != 0 || b[7] != 0 || end > m.n || end > len(b) {
		return match{}
	}
	for at := 8; at < end; {
		if b[at+3]&0xe0 != 0 {
			return match{}
		}
		at += 4 + 4*int(b[at+3]&0x1f)
		if at > end {
			return match{}
		}
	}
	inner, size := b[end:], m.n-end
	ok := false
	switch be16(b[2:]) {
	case etherTEB:
		ok = innerEthernet(inner, size)
	case etherIPv4, etherIPv6:
		ok = innerIP(inner, size, true)
	case etherNSH:
		ok = innerNSH(inner, size)
	}
	if !ok {
		if be16(b[2:]) == etherTEB && size >= 14 {
			return match{protocol: GENEVE, strength: Likely, reason: reasonFlags}
		}
		return match{}
	}
	return match{protocol: GENEVE, strength: Full, reason: reasonGENEVE}
}

// innerEthernet reports whether b begins an Ethernet frame of n bytes whose
// payload fits.
func innerEthernet(b []byte, n int) bool {
	if len(b) < 14 {
		return false
	}
	at := 12
	for range 3 {
		kind := be16(b[at:])
		at += 2
		rest := n - at
		switch kind {
		case etherVLAN, etherQinQ:
			if len(b) < at+4 {
				return false
			}
			at += 2
			continue
		case etherIPv4, etherIPv6:
			return innerIP(b[at:], rest, false) && len(b) > at && (kind == etherIPv4) == (b[at]>>4 == 4)
		case etherARP:
			return len(b) >= at+8 && be16(b[at:]) == 1 && be16(b[at+2:]) == etherIPv4 && b[at+4] == 6 && b[at+5] == 4
		case etherLLDP:
			return len(b) >= at+3 && b[at] == 2 && int(b[at+1])+2 < rest // the chassis' identifier comes first
		case etherMPLS:
			return len(b) >= at+9 && b[at+2]&1 == 1 && b[at+3] != 0 && innerIP(b[at+4:], rest-4, false)
		}
		// A length, and LLC: spanning tree and the like.
		return kind >= 3 && kind <= etherMax && kind <= rest && len(b) >= at+3 && b[at] == b[at+1] && (b[at] == 0x42 || b[at] == 0xaa || b[at] == 0xfe) && b[at+2] == 3
	}
	return false
}

// innerIP reports whether b begins an IP packet of n bytes, or of fewer where
// the frame may be padded.
func innerIP(b []byte, n int, exact bool) bool {
	if len(b) < 8 {
		return false
	}
	size := 0
	switch b[0] >> 4 {
	case 4:
		size = be16(b[2:])
		if b[0] < 0x45 || size < 4*int(b[0]&0xf) || b[6]&0x80 != 0 || len(b) > 8 && b[8] == 0 {
			return false
		}
	case 6:
		size = 40 + be16(b[4:])
		if len(b) < 40 || size == 40 && b[6] != 59 && b[6] != 58 && b[6] != 0 {
			return false
		}
	default:
		return false
	}
	return size == n || !exact && size < n
}

// innerNSH reports whether b begins a network service header (RFC 8300 section
// 2.2) and a frame.
func innerNSH(b []byte, n int) bool {
	if len(b) < 8 || b[0]&0xd0 != 0 {
		return false
	}
	end := 4 * int(b[1]&0x3f)
	if end < 8 || end > n || end > len(b) || b[2]&0xf0 != 0 || b[2] > 2 {
		return false
	}
	switch b[3] {
	case 1, 2:
		return innerIP(b[end:], n-end, false)
	case 3:
		return innerEthernet(b[end:], n-end)
	}
	return false
}
