package observe

const (
	reasonBGP = "BGP header: marker, length and type fit"
	reasonLDP = "LDP header and first message fit"
	reasonBFD = "BFD control packet: version, state, length and intervals fit"
)

// findBGP recognises a message header (RFC 4271 section 4.1). Either end may
// have connected.
func findBGP(m *message) match {
	b := m.b
	if be64(b) != 1<<64-1 || be64(b[8:]) != 1<<64-1 {
		return match{}
	}
	size, kind := be16(b[16:]), b[18]
	switch {
	case kind < 1 || kind > 5 || size < 19:
		return match{}
	case kind == 1 && (size < 29 || len(b) > 19 && b[19] != 4): // OPEN
		return match{}
	case kind == 4 && size != 19: // KEEPALIVE
		return match{}
	}
	return match{protocol: BGP, strength: Full, reason: reasonBGP}
}

// findLDP recognises a protocol data unit with a first message (RFC 5036
// sections 3.1 and 3.5).
func findLDP(m *message) match {
	b := m.b
	size := be16(b[2:])
	if b[1] != 1 || size < 14 || !m.holds(4+size) || !m.stream && m.n != 4+size {
		return match{}
	}
	kind, length := be16(b[10:])&0x7fff, be16(b[12:])
	if length < 4 || length > size-10 {
		return match{}
	}
	switch kind {
	case 0x0001, 0x0100, 0x0200, 0x0201, 0x0202, 0x0300, 0x0301, 0x0400, 0x0401, 0x0402, 0x0403, 0x0404:
	default:
		return match{}
	}
	return match{protocol: LDP, strength: Full, reason: reasonLDP}
}

// findBFD recognises a control packet (RFC 5880 section 4.1).
func findBFD(m *message) match {
	b := m.b
	version, diagnostic := b[0]>>5, b[0]&31
	state, flags, detect, size := b[1]>>6, b[1]&0x3f, b[2], int(b[3])
	auth := flags&4 != 0
	if version != 1 || diagnostic > 9 || flags&1 != 0 || detect == 0 || m.n != size {
		return match{}
	}
	if !auth && size != 24 || auth && (size < 26 || size > 60 || len(b) > 25 && (b[24] < 1 || b[24] > 5 || int(b[25]) != size-24)) {
		return match{}
	}
	mine, yours := be32(b[4:]), be32(b[8:])
	if mine == 0 || yours == 0 && state > 1 { // only down and admin down know no peer
		return match{}
	}
	// Intervals are in microseconds: a minute is long.
	for _, at := range [3]int{12, 16, 20} {
		if be32(b[at:]) > 60e6 {
			return match{}
		}
	}
	return match{protocol: BFD, strength: Full, reason: reasonBFD}
}
