package observe

// WireGuard: four kinds of messages, each with three reserved bytes after its
// type, the first three of fixed length (J. Donenfeld, "WireGuard: Next
// Generation Kernel Network Tunnel", section 5.4).
const (
	wgInitiation     = 1
	wgResponse       = 2
	wgCookie         = 3
	wgTransport      = 4
	wgInitiationSize = 148
	wgResponseSize   = 92
	wgCookieSize     = 64
	wgMAC            = 16
)

const (
	reasonWireGuardHandshake = "WireGuard handshake: length, reserved bytes and empty MAC fit"
	reasonWireGuardLength    = "WireGuard message: type and length fit"
)

// findWireGuard recognises the handshake, the second MAC of which is zero
// unless a peer is under load (section 5.4.4). Either peer may begin one.
func findWireGuard(m *message) match {
	b := m.b
	if b[1] != 0 || b[2] != 0 || b[3] != 0 {
		return match{}
	}
	size := 0
	switch b[0] {
	case wgInitiation:
		size = wgInitiationSize
	case wgResponse:
		size = wgResponseSize
	case wgCookie:
		size = wgCookieSize
	case wgTransport:
		// 16 bytes of tag after a multiple of 16; a counter that is not yet
		// large.
		if len(b) < 16 || m.n < 32 || m.n%16 != 0 || le64(b[8:]) >= 1<<40 || be32(b[4:]) == 0 {
			return match{}
		}
		return match{protocol: WireGuard, strength: Likely, reason: reasonWireGuardLength}
	}
	if !m.ends(size) {
		return match{}
	}
	found := match{protocol: WireGuard, strength: Likely, reason: reasonWireGuardLength}
	if b[0] != wgCookie && len(b) == size && allZero(b[size-wgMAC:]) && !allZero(b[4:size-2*wgMAC]) {
		found.strength, found.reason = Full, reasonWireGuardHandshake
	}
	return found
}

// OpenVPN: an operation and a key number in the first byte, then a session
// identifier (OpenVPN, "OpenVPN's Wire Protocol"; source documentation,
// "Network protocol"). Over TCP two bytes of length come first.
const (
	ovpnControl      = 4
	ovpnResetClient2 = 7
	ovpnResetServer2 = 8
	ovpnResetClient3 = 10
	ovpnMaxReplay    = 32 // first packets have small numbers
	ovpnCryptTag     = 32
	ovpnEarly        = 0x0f000000 // where numbers begin for who negotiates early
)

const (
	reasonOpenVPNReset   = "OpenVPN reset: packet numbers and length fit"
	reasonOpenVPNAuth    = "OpenVPN reset under tls-auth: packet numbers and length fit"
	reasonOpenVPNCrypt   = "OpenVPN reset under tls-crypt: replay number and length fit"
	reasonOpenVPNControl = "OpenVPN control packet that carries a TLS record"
)

// findOpenVPN recognises the reset that each end begins with, plain or under
// tls-auth or tls-crypt, and a plain control packet. Data packets have nothing
// that others lack.
func findOpenVPN(m *message) match { return openvpn(m.b, m.n) }

// findOpenVPNStream recognises it over TCP.
func findOpenVPNStream(m *message) match {
	b, size := m.b, be16(m.b)
	if size < 14 || size > 2048 || m.n < 2+size || len(b) > 2+size && (len(b) < 2+size+3 || be16(b[2+size:]) < 14) {
		return match{}
	}
	return openvpn(b[2:min(len(b), 2+size)], size)
}

// openvpn looks at b, which are the first bytes of a packet of n.
func openvpn(b []byte, n int) match {
	if len(b) < 14 || b[0]&7 != 0 && b[0]>>3 != ovpnControl || allZero(b[1:9]) {
		return match{}
	}
	switch b[0] >> 3 {
	case ovpnResetClient2:
		return ovpnReset(b, n, 5, client)
	case ovpnResetServer2:
		if found := ovpnReset(b, n, 17, server); found.strength != None {
			return found
		}
		return ovpnReset(b, n, 5, server) // the client's was acknowledged before
	case ovpnResetClient3:
		// tls-crypt-v2: the client's wrapped key follows, its own length last.
		if !ovpnReplay(b[9:]) || n < 54+2 || len(b) < n || be16(b[n-2:]) != n-54 {
			return match{}
		}
		return match{protocol: OpenVPN, strength: Full, sender: client, reason: reasonOpenVPNCrypt}
	case ovpnControl:
		at, acks := 10, int(b[9])
		if acks > 8 {
			return match{}
		}
		if acks > 0 {
			at += 4*acks + 8
		}
		at += 4
		if len(b) < at+5 || b[at] != tlsHandshake || !tlsVersion(b[at+1:]) || be16(b[at+3:]) > tlsMaxRecord || be32(b[at-4:]) > 1<<16 {
			return match{}
		}
		return match{protocol: OpenVPN, strength: Full, reason: reasonOpenVPNControl}
	}
	return match{}
}

// ovpnReset recognises a reset whose last part, of size bytes, is the list of
// acknowledged packets (none, or number 0 and the other end's session) and the
// packet's own number, 0. With tls-auth an HMAC, a replay number and a time
// come before that part; with tls-crypt they do too, and the part is encrypted.
func ovpnReset(b []byte, n, size int, sender role) match {
	found := match{protocol: OpenVPN, strength: Full, sender: sender}
	if n == 9+size {
		if !ovpnFirst(b, 9, size) {
			return match{}
		}
		found.reason = reasonOpenVPNReset
		return found
	}
	for _, hmac := range [...]int{16, 20, 28, 32, 48, 64} {
		if n != 9+hmac+8+size {
			continue
		}
		if at := 9 + hmac; len(b) >= at+8+size && ovpnReplay(b[at:]) && ovpnFirst(b, at+8, size) {
			found.reason = reasonOpenVPNAuth
			return found
		}
	}
	// Encrypted, a server's may hold six bytes more: flags of an early
	// negotiation.
	if (n == 9+8+ovpnCryptTag+size || n == 9+8+ovpnCryptTag+size+6 && sender == server) && len(b) >= 17 && ovpnReplay(b[9:]) {
		found.reason = reasonOpenVPNCrypt
		return found
	}
	return match{}
}

// ovpnFirst checks the last part of a reset, all of which must be there.
func ovpnFirst(b []byte, at, size int) bool {
	if len(b) < at+size || be32(b[at+size-4:]) != 0 {
		return false
	}
	if size == 5 {
		return b[at] == 0
	}
	return b[at] == 1 && be32(b[at+1:]) == 0 && !allZero(b[at+5:at+13])
}

// ovpnReplay checks a replay number and the time after it, which is after 1987
// and before 2038.
func ovpnReplay(b []byte) bool {
	number := be32(b)
	if number&^0xff == ovpnEarly {
		number &= 0xff
	}
	return number > 0 && number <= ovpnMaxReplay && b[4] >= 0x20 && b[4] < 0x80
}

// L2TP: control messages of a header and attribute-value pairs, data messages
// of a header and PPP (RFC 2661 sections 3.1 and 4.1, RFC 3931 section 4.1.2).
const (
	l2tpControl2 = 0xc802 // type, length and sequence bits, version
	l2tpControl3 = 0xc803
	l2tpData     = 0x0002
	l2tpFirstAVP = 0x8008 // mandatory, eight bytes
)

const (
	reasonL2TPControl = "L2TP control message: length and message type fit"
	reasonL2TPAck     = "L2TP control message without a body"
	reasonL2TPData    = "L2TP data message that carries PPP"
)

// findL2TP recognises control messages of versions 2 and 3 over UDP, and
// version 2's data.
func findL2TP(m *message) match {
	b := m.b
	switch flags := be16(b); {
	case flags == l2tpControl2 || flags == l2tpControl3:
		if be16(b[2:]) != m.n {
			return match{}
		}
		if m.n == 12 {
			return match{protocol: L2TP, strength: Likely, reason: reasonL2TPAck}
		}
		// The message type is the first pair.
		if len(b) < 20 || be16(b[12:]) != l2tpFirstAVP || be32(b[14:]) != 0 || b[18] != 0 || b[19] == 0 || b[19] > 28 {
			return match{}
		}
		found := match{protocol: L2TP, strength: Full, reason: reasonL2TPControl}
		switch b[19] {
		case 1: // SCCRQ
			found.sender = client
		case 2: // SCCRP
			found.sender = server
		}
		return found
	case flags&^0x4a00 == l2tpData:
		at := 6
		if flags&0x4000 != 0 { // length
			if be16(b[2:]) != m.n {
				return match{}
			}
			at += 2
		}
		if flags&0x0800 != 0 { // sequence numbers
			at += 4
		}
		if flags&0x0200 != 0 { // offset
			if len(b) < at+2 {
				return match{}
			}
			at += 2 + be16(b[at:])
		}
		if len(b) < at+4 || b[at] != 0xff || b[at+1] != 0x03 {
			return match{}
		}
		switch be16(b[at+2:]) {
		case 0xc021, 0xc023, 0xc223, 0x8021, 0x8057, 0x80fd, 0x0021, 0x0057: // LCP, PAP, CHAP, IPCP, IPv6CP, CCP, IPv4, IPv6
			return match{protocol: L2TP, strength: Full, reason: reasonL2TPData}
		}
	}
	return match{}
}

// PPTP: control messages with a magic cookie (RFC 2637 section 2).
const (
	pptpCookie = 0x1a2b3c4d

	reasonPPTP = "PPTP control message: cookie and type fit"
)

// findPPTP recognises the control connection.
func findPPTP(m *message) match {
	b := m.b
	kind := be16(b[8:])
	if be16(b[2:]) != 1 || be32(b[4:]) != pptpCookie || kind == 0 || kind > 15 || b[10] != 0 || b[11] != 0 || be16(b) < 12 {
		return match{}
	}
	found := match{protocol: PPTP, strength: Full, reason: reasonPPTP}
	switch kind {
	case 1, 7: // Start-Control-Connection-Request, Outgoing-Call-Request
		found.sender = client
	case 2, 8:
		found.sender = server
	}
	return found
}
