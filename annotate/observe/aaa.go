package observe

const (
	reasonRADIUS      = "RADIUS packet: code, length and attributes fit"
	reasonRADIUSEmpty = "RADIUS packet without attributes: code and length fit"
	reasonRADIUSOdd   = "RADIUS packet: code, length and the first attributes fit"
	reasonDiameter    = "Diameter message: header and first attribute fit"
)

// radiusNumbers has a bit for each type of attribute that is an address or a
// number of 4 bytes (RFC 2865 section 5, RFC 2866 section 5).
const radiusNumbers uint64 = 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<12 | 1<<13 | 1<<14 | 1<<15 | 1<<16 | 1<<23 | 1<<27 | 1<<28 | 1<<29 |
	1<<37 | 1<<38 | 1<<40 | 1<<41 | 1<<42 | 1<<43 | 1<<45 | 1<<46 | 1<<47 | 1<<48 | 1<<49 | 1<<51 | 1<<52 | 1<<53 | 1<<55 | 1<<61 | 1<<62

// findRADIUS recognises packets whose attributes fill them (RFC 2865 sections
// 3 and 5, RFC 2866, RFC 5176).
func findRADIUS(m *message) match {
	b := m.b
	found := match{protocol: RADIUS, strength: Full, reason: reasonRADIUS}
	switch b[0] {
	case 1, 4, 12, 40, 43: // access, accounting, status-server, disconnect, change of authorization
		found.sender = client
	case 2, 3, 5, 11, 13, 41, 42, 44, 45: // their answers
		found.sender = server
	default:
		return match{}
	}
	size := be16(b[2:])
	if size < 20 || size > 4096 || !m.fits(size) {
		return match{}
	}
	if size == 20 {
		found.strength, found.reason = Likely, reasonRADIUSEmpty
		return found
	}
	attributes, fixed, odd := 0, 0, false // fixed: whose form leaves little to chance
	for at := 20; at < size; attributes++ {
		if at+2 > len(b) && m.cut() && attributes >= 4 {
			break
		}
		if at+2 > min(size, len(b)) {
			odd = true
			break
		}
		kind, length := b[at], int(b[at+1])
		if kind == 0 || kind > 246 || length < 2 || at+length > size { // 247 to 255 are reserved (RFC 6929 section 10)
			odd = true
			break
		}
		switch {
		case kind == 26: // vendor-specific: the vendor's number has 24 bits
			if length >= 7 && at+2 < len(b) && b[at+2] == 0 {
				fixed++
			} else {
				odd = true
			}
		case kind < 64 && radiusNumbers>>kind&1 != 0:
			if length == 6 {
				fixed++
			} else {
				odd = true
			}
		}
		at += length
	}
	switch {
	case odd && attributes >= 2 && fixed >= 1 && m.group == noGroup:
		found.strength, found.reason = Likely, reasonRADIUSOdd
	case odd || attributes == 0:
		return match{}
	}
	return found
}

// findDiameter recognises a message by its header and first attribute (RFC
// 6733 sections 3 and 4.1). Requests go both ways; only the first, with which
// the end that connected offers its capabilities, tells who that was.
func findDiameter(m *message) match {
	b := m.b
	size, flags, code := be24(b[1:]), b[4], be24(b[5:])
	if size < 28 || size%4 != 0 || flags&0x0f != 0 || flags&0xa0 == 0xa0 || code < 257 || !m.holds(size) {
		return match{}
	}
	attribute, kind, length := be32(b[20:]), b[24], be24(b[25:])
	if attribute == 0 || kind&0x1f != 0 || length < 8 || 20+(length+3)&^3 > size || attribute > 1<<16 {
		return match{}
	}
	found := match{protocol: Diameter, strength: Full, reason: reasonDiameter}
	if code == 257 {
		found.sender = server
		if flags&0x80 != 0 {
			found.sender = client
		}
	}
	return found
}

// TACACS+: a header of twelve bytes; the client's packets have odd numbers, the
// server's even ones (RFC 8907 section 4.1).
const (
	tacacsHeader  = 12
	tacacsMax     = 1 << 16
	reasonTACACS  = "TACACS+ packet: version, type, flags and length fit"
	reasonTACACSN = "TACACS+ header: version, type and flags fit"
)

// findTACACS recognises a packet. A single connection may carry many sessions, all
// opened by the client.
func findTACACS(m *message) match {
	b := m.b
	size := int(be32(b[8:]))
	if b[0]&^1 != 0xc0 || b[1] < 1 || b[1] > 3 || b[2] == 0 || b[3]&^5 != 0 || be32(b[4:]) == 0 || size < 5 || size > tacacsMax || b[1] > 1 && b[2] > 2 {
		return match{}
	}
	found := match{protocol: TACACS, strength: Full, sender: onlyClient, reason: reasonTACACS}
	if b[2]%2 == 0 {
		found.sender = onlyServer
	}
	if !m.ends(tacacsHeader+size) && (len(b) < tacacsHeader+size+2 || b[tacacsHeader+size]&^1 != 0xc0) {
		found.strength, found.reason = Likely, reasonTACACSN
	}
	return found
}
