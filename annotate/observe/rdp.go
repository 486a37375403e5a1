package observe

const (
	reasonRDPCookie    = "RDP connection request with a cookie"
	reasonRDPRequest   = "RDP connection request with its negotiation"
	reasonRDPConfirm   = "RDP connection confirm with its negotiation"
	reasonRDPPlain     = "X.224 connection request without parameters, as old RDP clients send"
	reasonRDPPlainBack = "X.224 connection confirm without parameters, as old RDP servers send"
)

// findRDP recognises the opening of RDP (MS-RDPBCGR sections 2.2.1.1 and
// 2.2.1.2): TPKT (RFC 1006 section 6) and an X.224 connection request. Others
// open like this too, but give parameters where RDP has a cookie or its own.
func findRDP(m *message) match {
	b := m.b
	size := be16(b[2:])
	if b[1] != 0 || size < 11 || size > 512 || int(b[4]) != size-5 || b[10] != 0 {
		return match{}
	}
	var found match
	switch b[5] & 0xf0 {
	case 0xe0:
		if be16(b[6:]) != 0 {
			return match{}
		}
		found = match{protocol: RDP, sender: client, strength: Likely, reason: reasonRDPPlain}
	case 0xd0:
		found = match{protocol: RDP, sender: server, strength: Likely, reason: reasonRDPPlainBack}
	default:
		return match{}
	}
	data := b[11:min(len(b), size)]
	if size == 11 {
		return found
	}
	if found.sender == client && (hasPrefix(data, "Cookie: mstshash=") || hasPrefix(data, "Cookie: msts=")) {
		found.strength, found.reason = Full, reasonRDPCookie
		l, next, _ := line(data)
		found.name = span{11 + 8, len(l) - 8}
		found.upgrade = rdpSecurity(data[next:], 1)
		return found
	}
	if len(data) < 8 || le16(data[2:]) != 8 {
		return match{}
	}
	switch {
	case found.sender == client && data[0] == 1 && size-11 <= 8+36: // RDP_NEG_REQ, correlation info
		found.reason = reasonRDPRequest
		found.upgrade = rdpSecurity(data, 1)
	case found.sender == server && (data[0] == 2 || data[0] == 3) && size == 19: // RDP_NEG_RSP, RDP_NEG_FAILURE
		found.reason = reasonRDPConfirm
		found.upgrade = rdpSecurity(data, 2)
	default:
		return match{}
	}
	if le32(data[4:]) > 31 {
		return match{}
	}
	found.strength = Full
	return found
}

// rdpSecurity reports whether a negotiation of that type has TLS in it.
func rdpSecurity(b []byte, kind byte) bool {
	return len(b) >= 8 && b[0] == kind && le16(b[2:]) == 8 && le32(b[4:]) != 0
}
