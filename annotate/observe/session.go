package observe

// SOCKS: version 4 and its extension for names (Y. Lee, "SOCKS" and "SOCKS
// 4A"), version 5 (RFC 1928 sections 3 and 4).
const (
	reasonSOCKS4  = "SOCKS 4 request: command and user fit"
	reasonSOCKS4A = "SOCKS 4A request: command, user and name fit"
	reasonSOCKS4R = "SOCKS 4 reply"
	reasonSOCKS5  = "SOCKS 5 methods: number fits"
	reasonSOCKS5C = "SOCKS 5 methods and request"
	reasonSOCKS5R = "SOCKS 5 choice of a method"
)

// findSOCKS recognises the first message of each end.
func findSOCKS(m *message) match {
	b := m.b
	switch b[0] {
	case 0: // a reply of version 4, which has eight bytes
		if p := m.peer.b; len(b) < 8 || b[1] < 90 || b[1] > 93 || len(p) < 9 || p[0] != 4 || p[1] != 1 && p[1] != 2 {
			return match{}
		}
		return match{protocol: SOCKS, strength: Likely, sender: server, reason: reasonSOCKS4R}
	case 4:
		return socks4(m)
	case 5:
	default:
		return match{}
	}
	if p := m.peer.b; len(p) >= 3 && p[0] == 5 && p[1] > 0 && p[1] <= 16 && (b[1] == 0xff || b[1] == 0 || b[1] == 2 && m.n == 2) {
		// The server's choice, and an answer if the client did not authenticate.
		if m.n != 2 && (b[1] != 0 || len(b) < 6 || b[2] != 5 || b[3] > 8 || b[4] != 0 || !socksAddress(b[5])) {
			return match{}
		}
		return match{protocol: SOCKS, strength: Likely, sender: server, reason: reasonSOCKS5R}
	}
	end := 2 + int(b[1])
	if b[1] == 0 || b[1] > 16 || len(b) < end {
		return match{}
	}
	for _, method := range b[2:end] {
		if method > 9 && method < 0x80 {
			return match{}
		}
	}
	found := match{protocol: SOCKS, strength: Likely, sender: client, reason: reasonSOCKS5}
	if len(b) > end && b[end] != 5 && b[end] != 1 {
		return match{}
	}
	if len(b) >= end+4 && b[end] == 5 {
		if b[end+1] < 1 || b[end+1] > 3 || b[end+2] != 0 || !socksAddress(b[end+3]) {
			return match{}
		}
		found.strength, found.reason = Full, reasonSOCKS5C
	}
	return found
}

// socksAddress reports the kinds IPv4, name and IPv6.
func socksAddress(kind byte) bool { return kind == 1 || kind == 3 || kind == 4 }

func socks4(m *message) match {
	b := m.b
	if len(b) < 9 || b[1] != 1 && b[1] != 2 || be16(b[2:]) == 0 {
		return match{}
	}
	end := 8
	for end < len(b) && b[end] != 0 {
		if end-8 == 64 || b[end] < ' ' || b[end] > '~' {
			return match{}
		}
		end++
	}
	if end == len(b) {
		return match{}
	}
	end++
	found := match{protocol: SOCKS, strength: Likely, sender: client, reason: reasonSOCKS4}
	if b[4] == 0 && b[5] == 0 && b[6] == 0 && b[7] != 0 {
		start := end
		for end < len(b) && b[end] != 0 {
			if end-start == 255 || b[end] <= ' ' || b[end] > '~' {
				return match{}
			}
			end++
		}
		if end == len(b) || end-start < 4 {
			return match{}
		}
		found.strength, found.reason = Full, reasonSOCKS4A
		return found
	}
	// Nothing follows before the reply, of which bytes are said to be ignored
	// and the first is zero.
	if p := m.peer; b[4] == 0 || m.n > end && p.n == 0 || len(p.b) > 1 && (p.b[0] != 0 || p.b[1] < 90 || p.b[1] > 93) {
		return match{}
	}
	return found
}

// X11: the connection setup, in the client's order of bytes (X.Org, "X Window
// System Protocol" section 8).
const (
	x11Major = 11

	reasonX11Setup  = "X11 connection setup: version and authorization fit"
	reasonX11Answer = "X11 connection accepted: version and formats fit"
)

// findX11 recognises the setup, and the answer that accepts it.
func findX11(m *message) match {
	b := m.b
	if len(b) < 12 {
		return match{}
	}
	read16 := le16
	switch {
	case b[0] == 'B', b[0] == 1 && b[2] == 0:
		read16 = be16
	case b[0] != 'l' && b[0] != 1:
		return match{}
	}
	if read16(b[2:]) != x11Major || read16(b[4:]) != 0 {
		return match{}
	}
	if b[0] == 1 {
		if len(b) < 36 || read16(b[24:]) > 256 || b[28] == 0 || b[29] == 0 || b[30] > 1 || b[31] > 1 || b[32] != 8 && b[32] != 16 && b[32] != 32 {
			return match{}
		}
		return match{protocol: X11, strength: Full, sender: server, reason: reasonX11Answer}
	}
	name, data := read16(b[6:]), read16(b[8:])
	if name > 64 || data > 1024 || (name == 0) != (data == 0) || !printable(b[12:min(len(b), 12+name)]) {
		return match{}
	}
	found := match{protocol: X11, strength: Likely, sender: client, reason: reasonX11Setup}
	// The name of the way to authorize, or nothing at all, and then the answer
	// is waited for.
	if name >= 8 && len(b) >= 12+name && isAlpha(b[12]) || name == 0 && m.ends(12) {
		found.strength = Full
	}
	return found
}
