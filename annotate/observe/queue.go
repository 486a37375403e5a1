package observe

// STOMP: frames of a command's line, header lines, an empty line, a body and a
// zero (STOMP Protocol Specification 1.2, "STOMP Frames").
const (
	reasonSTOMP      = "STOMP frame: command and headers fit"
	reasonSTOMPShort = "STOMP command"
)

var (
	stompClient  = [...]string{"CONNECT", "STOMP", "SEND", "SUBSCRIBE", "UNSUBSCRIBE", "BEGIN", "COMMIT", "ABORT", "ACK", "NACK", "DISCONNECT"}
	stompServer  = [...]string{"CONNECTED", "MESSAGE", "RECEIPT", "ERROR"}
	stompHeaders = [...]string{"ACCEPT-VERSION:", "HOST:", "LOGIN:", "PASSCODE:", "HEART-BEAT:", "VERSION:", "SESSION:", "SERVER:", "DESTINATION:", "ID:", "ACK:",
		"RECEIPT:", "RECEIPT-ID:", "TRANSACTION:", "SUBSCRIPTION:", "MESSAGE-ID:", "CONTENT-LENGTH:", "CONTENT-TYPE:", "MESSAGE:"}
)

// findSTOMP recognises a frame; line ends before it keep the connection alive.
func findSTOMP(m *message) match {
	b := m.b
	for len(b) > 0 && (b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	word, next, whole := line(b)
	if !whole {
		return match{}
	}
	found := match{protocol: STOMP, strength: Likely, reason: reasonSTOMPShort}
	for _, s := range stompClient {
		if string(word) == s {
			found.sender = client
		}
	}
	for _, s := range stompServer {
		if string(word) == s {
			found.sender = server
		}
	}
	if found.sender == either {
		return match{}
	}
	for b = b[next:]; ; b = b[next:] {
		var l []byte
		l, next, whole = line(b)
		if len(l) == 0 {
			break
		}
		if indexByte(l, ':') < 1 && whole || !syslogText(l) {
			return match{}
		}
		for _, s := range stompHeaders {
			if hasPrefixFold(l, s) {
				found.strength, found.reason = Full, reasonSTOMP
			}
		}
		if !whole {
			break
		}
	}
	if found.strength != Full && (!whole || indexByte(b, 0) != next) {
		return match{} // without headers, the zero follows the empty line
	}
	return found
}

// ZMTP: a greeting of a signature, a version and a security mechanism, which both
// ends send (RFC 23/ZMTP 3.0 and RFC 37/ZMTP 3.1, "Version Negotiation"; RFC
// 15/ZMTP 2.0).
const (
	zmtpSignature = 10
	zmtpNull      = 12 // where the mechanism's name stands
	zmtpServer    = 32

	reasonZMTP = "ZMTP greeting: signature and version fit"
)

// findZMTP recognises the greeting, as far as it was sent at once.
func findZMTP(m *message) match {
	b := m.b
	if be64(b[1:]) > 255 || b[9] != 0x7f {
		return match{}
	}
	if len(b) > zmtpSignature && (b[10] == 0 || b[10] > 3) {
		return match{}
	}
	if len(b) > zmtpServer && b[10] == 3 {
		n := zmtpNull
		for n < zmtpServer && b[n] > ' ' && b[n] < 0x7f {
			n++
		}
		if n == zmtpNull || !allZero(b[n:zmtpServer]) || b[zmtpServer] > 1 {
			return match{}
		}
	}
	return match{protocol: ZMTP, strength: Full, reason: reasonZMTP}
}

// Lumberjack: frames of a version, a kind and numbers, from those that ship logs
// (Elastic, "lumberjack PROTOCOL", version 1, and go-lumber's version 2).
const (
	lumberFrame  = 6 // version, kind, a number
	lumberWindow = 1 << 20
	lumberMax    = 1 << 28

	reasonLumber       = "Lumberjack frame: kind and lengths fit"
	reasonLumberWindow = "Lumberjack window size or acknowledgement"
)

// findLumberjack recognises a window, which opens each batch, with what follows
// it, or one of the other frames.
func findLumberjack(m *message) match {
	b := m.b
	if len(b) < lumberFrame {
		return match{}
	}
	found := match{protocol: Lumberjack, strength: Likely, sender: client, reason: reasonLumberWindow}
	switch n := be32(b[2:]); b[1] {
	case 'W':
		if n == 0 || n > lumberWindow {
			return match{}
		}
		if m.ends(lumberFrame) {
			return found
		}
		b = b[lumberFrame:]
		if len(b) < lumberFrame+5 || b[0] != m.b[0] || !lumberData(b) {
			return match{}
		}
	case 'A':
		if n > lumberMax || !m.ends(lumberFrame) && (len(b) < lumberFrame+2 || b[lumberFrame] != b[0] || b[lumberFrame+1] != 'A') {
			return match{}
		}
		found.sender = server
		return found
	default:
		if len(b) < lumberFrame+5 || !lumberData(b) {
			return match{}
		}
	}
	found.strength, found.reason = Full, reasonLumber
	return found
}

// lumberData reports a frame with events: compressed, as JSON, or as pairs.
func lumberData(b []byte) bool {
	switch n := be32(b[2:]); b[1] {
	case 'C': // RFC 1950 section 2.2
		return n > 2 && n < lumberMax && b[6]&0xf == 8 && be16(b[6:])%31 == 0
	case 'J':
		return b[0] == '2' && n > 0 && n <= lumberWindow && be32(b[6:]) < lumberMax && b[10] == '{'
	case 'D':
		pairs := be32(b[6:])
		return b[0] == '1' && n > 0 && n <= lumberMax && pairs > 0 && pairs < 256 && b[10] == 0
	}
	return false
}
