package observe

const (
	reasonTFTPRequest = "TFTP request: file name and mode"
	reasonTFTPError   = "TFTP error: code and text"
	reasonTFTPOptions = "TFTP option acknowledgement"
	reasonTFTPData    = "first block of a TFTP transfer"
	reasonTFTPAck     = "TFTP acknowledgement of the request or the first block"
)

// findTFTP recognises the packets of RFC 1350 section 5 and RFC 2347. Data and
// acknowledgements run between ports chosen for the transfer, and say little
// each; they are certain when one answers the other.
func findTFTP(m *message) match {
	b := m.b
	switch b[1] {
	case 1, 2: // read, write
		name, rest, ok := zeroEnded(b[2:])
		if !ok || len(name) == 0 || !printable(name) {
			return match{}
		}
		mode, _, ok := zeroEnded(rest)
		if !ok || !(len(mode) == 8 && hasPrefixFold(mode, "NETASCII") || len(mode) == 5 && hasPrefixFold(mode, "OCTET") || len(mode) == 4 && hasPrefixFold(mode, "MAIL")) {
			return match{}
		}
		return match{protocol: TFTP, strength: Full, sender: client, reason: reasonTFTPRequest}
	case 3:
		// A block of the usual size, or one that the other end acknowledges.
		if be16(b[2:]) != 1 || m.n != 4+512 && !hasPrefix(m.peer.b, "\x00\x04\x00") {
			return match{}
		}
		return match{protocol: TFTP, strength: Likely, reason: reasonTFTPData}
	case 4:
		if m.n != 4 || be16(b[2:]) > 1 {
			return match{}
		}
		return match{protocol: TFTP, strength: Likely, reason: reasonTFTPAck}
	case 5:
		text, _, ok := zeroEnded(b[4:])
		if be16(b[2:]) > 8 || !ok || len(text) < 4 || !printable(text) || m.n != 5+len(text) {
			return match{}
		}
		return match{protocol: TFTP, strength: Full, reason: reasonTFTPError}
	case 6:
		rest, options := b[2:], 0
		for len(rest) > 0 {
			name, r, ok := zeroEnded(rest)
			if !ok || len(name) == 0 || !printable(name) {
				return match{}
			}
			value, r, ok := zeroEnded(r)
			if !ok || !printable(value) {
				return match{}
			}
			rest = r
			options++
		}
		if options == 0 || m.cut() {
			return match{}
		}
		return match{protocol: TFTP, strength: Full, sender: server, reason: reasonTFTPOptions}
	}
	return match{}
}

// zeroEnded gives the bytes before the first zero, and those after it.
func zeroEnded(b []byte) (s, rest []byte, ok bool) {
	for i, c := range b {
		if c == 0 {
			return b[:i], b[i+1:], true
		}
	}
	return nil, nil, false
}
