package observe

const reasonSSHBanner = "SSH identification string"

// findSSH recognises the identification string (RFC 4253 section 4.2):
// "SSH-protoversion-softwareversion", the first line that each end sends. A
// client's looks like a server's; which came first does not tell them apart,
// since neither waits. Only the client may not send other lines before it.
func findSSH(m *message) match {
	b := m.b
	if !hasPrefix(b, "SSH-") {
		return match{}
	}
	// protoversion is 2.0, 1.99 or, of old, 1.x.
	at := 4
	for at < len(b) && (isDigit(b[at]) || b[at] == '.') {
		at++
	}
	if len(b) == at {
		if m.cut() || m.stream {
			return match{protocol: SSH, strength: Likely, reason: reasonSSHBanner}
		}
		return match{}
	}
	if b[at] != '-' || at < 7 || b[4] != '1' && b[4] != '2' || b[5] != '.' {
		return match{}
	}
	l, _, whole := line(b)
	if len(l) > 253 || !printable(l) {
		return match{}
	}
	found := match{protocol: SSH, strength: Full, reason: reasonSSHBanner}
	if whole {
		found.name = span{at + 1, len(l) - at - 1}
	}
	return found
}
