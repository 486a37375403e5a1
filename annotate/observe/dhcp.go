package observe

const (
	reasonDHCP       = "BOOTP message with DHCP's cookie and options"
	reasonBOOTP      = "BOOTP message: hardware type, lengths and padding fit"
	reasonDHCPv6     = "DHCPv6 message: options fill the datagram"
	reasonDHCPv6Less = "DHCPv6 message with one option, or no identifier"
)

const dhcpCookie = 0x63825363 // RFC 2131 section 3

// findDHCP recognises BOOTP messages (RFC 951 section 3), which DHCP has kept
// (RFC 2131 section 2): request from the client, reply from the server.
func findDHCP(m *message) match {
	b := m.b
	// op, hardware type, address length, hops
	if b[0] != 1 && b[0] != 2 || b[1] == 0 || b[1] > 40 || b[2] > 16 || b[3] > 16 || m.n < 236 {
		return match{}
	}
	if b[1] == 1 && b[2] != 6 {
		return match{}
	}
	found := match{protocol: DHCP, strength: Likely, sender: onlyClient, reason: reasonBOOTP}
	if b[0] == 2 {
		found.sender = onlyServer
	}
	// What the hardware address leaves of its field is zero.
	if len(b) >= 44 {
		for _, c := range b[28+int(b[2]) : 44] {
			if c != 0 {
				return match{}
			}
		}
	}
	if len(b) >= 240 {
		if be32(b[236:]) == dhcpCookie {
			found.strength, found.reason = Full, reasonDHCP
			if hasPrefix(b[240:], "\x35\x01\x09") { // the server asks to renew (RFC 3203)
				found.sender = onlyServer
			}
		} else if b[1] != 1 || m.n != 300 { // BOOTP's own size
			return match{}
		}
	} else if !m.cut() || len(b) < 44 || b[1] != 1 {
		return match{}
	}
	return found
}

// findDHCPv6 recognises messages between client and server, and those that
// relays wrap around them (RFC 8415 sections 8, 9 and 21.1).
func findDHCPv6(m *message) match {
	b := m.b
	at := 4
	found := match{protocol: DHCPv6}
	switch b[0] {
	case 1, 3, 4, 5, 6, 8, 9, 11: // solicit to information-request
		found.sender = onlyClient
	case 2, 7, 10: // advertise, reply, reconfigure
		found.sender = onlyServer
	case 12, 13: // relay-forward, relay-reply
		at = 34
		if b[1] > 32 { // hop count; RFC 8415 section 7.6 has a limit of 8
			return match{}
		}
		found.sender = onlyClient
		if b[0] == 13 {
			found.sender = onlyServer
		}
	case 14: // lease query
		found.sender = client
	case 15, 16, 17: // its replies
		found.sender = server
	default:
		return match{}
	}
	options, named := 0, false
	for at < m.n {
		if at+4 > m.n {
			return match{}
		}
		if at+4 > len(b) {
			if !m.cut() {
				return match{}
			}
			break
		}
		code := be16(b[at:])
		if code == 0 || code > 255 {
			return match{}
		}
		// Client and server identifier, relayed message: one of them is in
		// all messages but a request for information (RFC 8415 appendix B).
		named = named || code == 1 || code == 2 || code == 9
		at += 4 + be16(b[at+2:])
		options++
	}
	if at > m.n || options == 0 || at < m.n && options < 2 {
		return match{}
	}
	found.strength, found.reason = Full, reasonDHCPv6
	if options == 1 || !named {
		found.strength, found.reason = Likely, reasonDHCPv6Less
	}
	return found
}
