package observe

const reasonSSHBanner = "SSH identification string"

// findSSH recognises the identification string (RFC 4253 section 4.2):
// "SSH-protoversion-softwareversion", the first line that each end sends. A
// client's looks like a server's; which came first does not tell them apart,
// since neither waits.
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
	l, next, whole := line(b)
	if len(l) > 253 || !printable(l) {
		return match{}
	}
	found := match{protocol: SSH, strength: Full, reason: reasonSSHBanner}
	if whole {
		found.name = span{at + 1, len(l) - at - 1}
		found.sender = sshRole(l[at+1:], b[next:])
	}
	return found
}

// sshRole tells the ends by what only one of them says: names of libraries and
// programs that have no server, and the markers that clients and servers put
// into the list of their first key exchange (RFC 8308 section 2.1, OpenSSH's
// PROTOCOL section 1.10).
func sshRole(software, next []byte) role {
	for _, only := range [...]string{"PuTTY", "WinSCP", "libssh2", "JSCH"} {
		if hasPrefix(software, only) {
			return client
		}
	}
	// packet length, padding length, SSH_MSG_KEXINIT, cookie (RFC 4253
	// sections 6 and 7.1), then the list of key exchange methods.
	const list = 4 + 1 + 1 + 16
	if len(next) < list+4 || next[5] != 20 {
		return either
	}
	methods := next[list+4:]
	if n := be32(next[list:]); n < uint32(len(methods)) {
		methods = methods[:n]
	}
	for i := range methods {
		switch m := methods[i:]; {
		case hasPrefix(m, "ext-info-c"), hasPrefix(m, "kex-strict-c-"):
			return client
		case hasPrefix(m, "ext-info-s"), hasPrefix(m, "kex-strict-s-"):
			return server
		}
	}
	return either
}
