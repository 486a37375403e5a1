package observe

const (
	reasonBGP = "BGP header: marker, length and type fit"
	reasonLDP = "LDP header and first message fit"
	reasonBFD = "BFD control packet: version, state, length and intervals fit"
	ldpMaxPDU = 4096 // as long as no more is agreed on (RFC 5036 section 3.5.3)
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
	if b[1] != 1 || size < 14 || size > ldpMaxPDU || !m.fits(4+size) {
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
	found := match{protocol: LDP, strength: Full, reason: reasonLDP}
	if !m.follows(4+size, 0) || be16(b[8:]) != 0 { // the label space of a whole platform
		found.strength = Likely
	}
	return found
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

const (
	reasonRIP       = "RIP message: command, version and routes fit"
	reasonRIPAll    = "RIP request for all routes"
	reasonHSRP      = "HSRP message: state, times and authentication fit"
	reasonHSRPState = "HSRP advertisement of an interface's state"
	reasonHSRP2     = "HSRP version 2 message: group state element fits"
	ripHeader       = 4
	ripRoute        = 20
	ripMaxRoutes    = 26 // 25, and an authentication's data behind them (RFC 4822 section 2.1)
	ripInfinity     = 16
	ripAuthenticate = 0xffff
	hsrpHeader      = 20
	hsrpMD5         = 30 // type, length, and 28 bytes
)

// findRIP recognises versions 1 and 2 (RFC 1058 section 3.1, RFC 2453 section 4):
// a command, a version, and routes whose unused fields are zero.
func findRIP(m *message) match {
	b := m.b
	routes := (m.n - ripHeader) / ripRoute
	if b[0] != 1 && b[0] != 2 || b[1] != 1 && b[1] != 2 || b[2]|b[3] != 0 || (m.n-ripHeader)%ripRoute != 0 || routes < 1 || routes > ripMaxRoutes {
		return match{}
	}
	found := match{protocol: RIP, strength: Full, reason: reasonRIP}
	whole := 0
	for at := ripHeader; at+ripRoute <= len(b); at += ripRoute {
		family, metric := be16(b[at:]), be32(b[at+16:])
		switch {
		case family == 2 && metric <= ripInfinity && (b[1] == 2 || be16(b[at+2:]) == 0 && be64(b[at+8:]) == 0):
			whole++
		case family == 0 && b[0] == 1 && routes == 1 && metric == ripInfinity && be64(b[at+2:])|be64(b[at+8:]) == 0:
			// RIPng asks the same way, to its own group (RFC 2080 section 2.4.1).
			found.strength, found.reason = Likely, reasonRIPAll
			whole++
		case family == ripAuthenticate && b[1] == 2 && (at == ripHeader || whole > 0) && be16(b[at+2:]) <= 3: // RFC 2453 section 4.1, RFC 4822 section 2.1
		default:
			return match{}
		}
	}
	if whole == 0 {
		return match{}
	}
	return found
}

// findHSRP recognises version 1 (RFC 2281 section 5), with an authentication of
// eight characters and perhaps a digest, and version 2, a list of elements of which
// the first is a group's state (Cisco, "HSRP Version 2"). Routers send it to each
// other.
func findHSRP(m *message) match {
	b := m.b
	if b[0] == 1 && b[1] == 40 { // the element's type and length
		if m.n < 42 || len(b) < 42 || b[2] != 2 || b[3] > 3 || b[4] > 6 || b[5] != 4 && b[5] != 6 || be16(b[6:]) > 4095 {
			return match{}
		}
		hello, hold := be32(b[18:]), be32(b[22:])
		if hello == 0 || hold < hello || hold > 1<<22 { // milliseconds
			return match{}
		}
		return match{protocol: HSRP, strength: Full, reason: reasonHSRP2}
	}
	if b[0] == 2 && b[1] == 4 { // the element of an interface's state, alone: how many groups are active and passive
		if m.n != 6 || be16(b[2:]) > 255 || be16(b[4:]) > 255 {
			return match{}
		}
		return match{protocol: HSRP, strength: Likely, reason: reasonHSRPState}
	}
	if len(b) < 16 {
		return match{}
	}
	if b[0] == 0 && b[1] == 3 { // an interface's state, and how many groups are active and passive
		if m.n != 16 || be16(b[2:]) != 1 || be16(b[4:]) != 14 && be16(b[4:]) != 10 || b[6] < 1 || b[6] > 3 || b[7] != 0 {
			return match{}
		}
		return match{protocol: HSRP, strength: Full, reason: reasonHSRPState}
	}
	if len(b) < hsrpHeader || b[0] != 0 || b[1] > 2 || b[2] > 16 || b[2]&(b[2]-1) != 0 || b[7] != 0 || m.n != hsrpHeader && m.n != hsrpHeader+hsrpMD5 {
		return match{}
	}
	// The hold time is more than the hello time; text, and zeros behind it.
	n := 8
	for n < 16 && b[n] >= ' ' && b[n] <= '~' {
		n++
	}
	if b[3] == 0 || b[4] < b[3] || !allZero(b[n:16]) || m.n == hsrpHeader && n == 8 || be32(b[16:]) == 0 && b[2] == 16 {
		return match{}
	}
	return match{protocol: HSRP, strength: Full, reason: reasonHSRP}
}
