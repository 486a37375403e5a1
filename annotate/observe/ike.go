package observe

// IKE: a header of 28 bytes that both versions share (RFC 2408 section 3.1,
// RFC 7296 section 3.1), then payloads that each name the next one's type. On
// the port of NAT traversal four bytes of zero come first, where ESP has its
// SPI (RFC 3948 section 2.2).
const (
	ikeHeader    = 28
	ikeVersion1  = 0x10
	ikeVersion2  = 0x20
	ikeEncrypted = 1    // version 1
	ikeInitiator = 0x08 // version 2
	ikeResponse  = 0x20
)

const (
	reasonIKE1    = "IKE version 1: exchange, length and payloads fit"
	reasonIKE2    = "IKE version 2: exchange, length and payloads fit"
	reasonIKENATT = "IKE after a non-ESP marker: exchange, length and payloads fit"
	reasonIKETCP  = "IKE stream prefix"
)

// findIKE recognises IKE over UDP, and IPsec NAT traversal by the IKE message
// that it begins with.
func findIKE(m *message) match {
	if be32(m.b) != 0 {
		return ike(m.b, m.n)
	}
	if len(m.b) < 4+ikeHeader {
		return match{}
	}
	found := ike(m.b[4:], m.n-4)
	if found.strength != None {
		found.protocol, found.reason = NATTraversal, reasonIKENATT
	}
	return found
}

// findIKEStream recognises the prefix of IKE and ESP over TCP (RFC 9329
// section 4), which the originator sends.
func findIKEStream(m *message) match {
	if !hasPrefix(m.b, "IKETCP") {
		return match{}
	}
	return match{protocol: NATTraversal, strength: Full, sender: client, reason: reasonIKETCP}
}

func ike(b []byte, n int) match {
	next, version, exchange, flags := b[16], b[17], b[18], b[19]
	if int(be32(b[24:])) != n || be64(b) == 0 || be64(b) == 1<<64-1 {
		return match{}
	}
	found := match{protocol: IKE, strength: Full, reason: reasonIKE1}
	switch version {
	case ikeVersion1:
		if flags > 7 || exchange == 0 || exchange > 6 && (exchange < 32 || exchange > 34) || !ikePayload1(next) {
			return match{}
		}
		if flags&ikeEncrypted == 0 && !ikeChain(b, n, next, ikePayload1, true) {
			return match{}
		}
		// Without the responder's cookie: the initiator's first message.
		if be64(b[8:]) == 0 && exchange != 5 {
			found.sender = client
		}
	case ikeVersion2:
		if flags&^(ikeInitiator|0x10|ikeResponse) != 0 || exchange < 34 || exchange > 44 || next != 0 && !ikePayload2(next) {
			return match{}
		}
		if !ikeChain(b, n, next, ikePayload2, false) {
			return match{}
		}
		// Who began with IKE_SA_INIT; both may send requests later.
		found.reason, found.sender = reasonIKE2, server
		if flags&ikeInitiator != 0 {
			found.sender = client
		}
		if be64(b[8:]) == 0 && flags&ikeInitiator == 0 && flags&ikeResponse == 0 {
			return match{}
		}
	default:
		return match{}
	}
	return found
}

// ikeChain walks the payloads' headers (RFC 7296 section 3.2) as far as they
// are there. Bytes may follow the last one where the message may be padded
// (RFC 2408 section 3.1 leaves that open, and many version 1 senders do).
func ikeChain(b []byte, n int, next byte, known func(byte) bool, padded bool) bool {
	at := ikeHeader
	for payloads := 0; next != 0; payloads++ {
		if at+4 > n || payloads == 64 {
			return false
		}
		if at+4 > len(b) {
			return true
		}
		size := be16(b[at+2:])
		if !known(next) || size < 4 || at+size > n || b[at+1]&0x7f != 0 {
			return false
		}
		if next == 46 || next == 53 { // Encrypted: what is in it comes next
			return at+size == n
		}
		next = b[at]
		at += size
	}
	return at == n || padded && at < n
}

func ikePayload1(t byte) bool { return t >= 1 && t <= 24 || t >= 128 && t <= 137 }
func ikePayload2(t byte) bool { return t >= 33 && t <= 54 }
