package observe

// Telnet, IRC, XMPP and VNC: sessions of people.

const (
	reasonTelnet       = "Telnet option negotiation"
	reasonTelnetSingle = "one Telnet command"
	reasonIRCCommand   = "IRC commands of a client"
	reasonIRCServer    = "IRC message with prefix and command"
	reasonIRCNotice    = "IRC notice before registration"
	reasonXMPPStream   = "XMPP stream header"
	reasonXMPPStanza   = "XMPP stanza"
	reasonRFB          = "RFB protocol version"
)

// findTelnet recognises the negotiation of options (RFC 854, RFC 855), with
// which most sessions begin.
func findTelnet(m *message) match {
	b := m.b
	commands, at := 0, 0
	var sender role
	for commands < 8 && at+2 < len(b) && b[at] == 255 { // IAC
		verb, option := b[at+1], b[at+2]
		if option > 49 && option < 138 || option > 140 && option < 255 {
			return match{} // IANA's list of options has these
		}
		switch verb {
		case 251, 252, 253, 254: // WILL, WONT, DO, DONT
			at += 3
			if sender == either {
				sender = telnetRole(verb, option)
			}
		case 250: // SB … IAC SE
			end := at + 3
			for end+1 < len(b) && !(b[end] == 255 && b[end+1] == 240) {
				end++
			}
			at = end + 2
		default:
			return match{}
		}
		commands++
	}
	switch {
	case commands == 0:
		return match{}
	case commands == 1:
		return match{protocol: Telnet, strength: Likely, sender: sender, reason: reasonTelnetSingle}
	}
	return match{protocol: Telnet, strength: Full, sender: sender, reason: reasonTelnet}
}

// telnetRole tells the ends by options that belong to one: the client has the
// terminal, its size and speed and the environment, the server echoes.
func telnetRole(verb, option byte) role {
	offer, ask := client, server
	switch option {
	case 24, 31, 32, 35, 39:
	case 1:
		offer, ask = server, client
	default:
		return either
	}
	switch verb {
	case 251:
		return offer
	case 253:
		return ask
	}
	return either
}

// findIRC recognises a client's registration and a server's messages (RFC 2812
// sections 2.3 and 3.1, IRCv3 capability negotiation).
func findIRC(m *message) match {
	b := m.b
	l, next, whole := line(b)
	found := match{protocol: IRC, sender: client, strength: Full, reason: reasonIRCCommand}
	if b[0] == ':' {
		return ircServer(l)
	}
	switch {
	case command(l, "CAP LS"), command(l, "CAP REQ"), hasPrefix(l, "CAP LS"), hasPrefix(l, "CAP REQ :"):
	case hasPrefixFold(l, "USER ") && ircUser(l):
	case command(l, "NICK"):
		if !whole || !printable(l) || len(l) < 6 {
			return match{}
		}
		if r := b[next:]; !hasPrefixFold(r, "USER ") && !hasPrefixFold(r, "PASS ") {
			found.strength = Likely
		}
	case command(l, "PASS"):
		if r := b[next:]; !hasPrefixFold(r, "NICK ") && !hasPrefixFold(r, "CAP ") {
			return match{}
		}
	case hasPrefix(l, "JOIN #"), hasPrefix(l, "JOIN &"), hasPrefix(l, "PRIVMSG "):
	case hasPrefix(l, "NOTICE AUTH :"), hasPrefix(l, "NOTICE * :"):
		found.sender, found.reason = server, reasonIRCNotice
	case hasPrefix(l, "PING :"), hasPrefix(l, "ERROR :"):
		found.sender, found.strength, found.reason = server, Likely, reasonIRCNotice
	case hasPrefix(l, "PONG :"), hasPrefix(l, "PONG "):
		found.strength = Likely
	default:
		return match{}
	}
	found.upgrade = commandLine(b, "STARTTLS")
	return found
}

// ircUser reports USER with its four parameters, of which the last may hold
// spaces behind a colon.
func ircUser(l []byte) bool {
	words := 0
	for i := 5; i < len(l); i++ {
		if l[i-1] == ' ' && l[i] != ' ' {
			words++
			if words >= 4 {
				return printable(l)
			}
		}
	}
	return false
}

// ircServer recognises ":prefix COMMAND params".
func ircServer(l []byte) match {
	at := 1
	for at < len(l) && at < 128 && l[at] > ' ' && l[at] < 0x7f {
		at++
	}
	if at < 3 || at+4 >= len(l) || l[at] != ' ' {
		return match{}
	}
	found := match{protocol: IRC, strength: Full, sender: server, reason: reasonIRCServer}
	c := l[at+1:]
	switch {
	case isDigit(c[0]) && isDigit(c[1]) && isDigit(c[2]) && c[3] == ' ':
	case command(c, "NOTICE"), command(c, "PRIVMSG"), command(c, "JOIN"), command(c, "MODE"), command(c, "CAP"), command(c, "PING"):
	default:
		return match{}
	}
	return found
}

// findXMPP recognises a stream's header (RFC 6120 section 4.2). The one that
// answers has an identifier, the one that opens must not (section 4.7.3).
func findXMPP(m *message) match {
	b := m.b
	found := match{protocol: XMPP, strength: Full, reason: reasonXMPPStream}
	found.upgrade = containsFold(b, "<STARTTLS XMLNS") && !containsFold(b, "FEATURES>") && !containsFold(b, "<FEATURES")
	switch {
	case hasPrefix(b, "<?xml "), hasPrefix(b, "<stream:stream"):
		at := -1
		for i := range b {
			if b[i] == '<' && hasPrefix(b[i:], "<stream:stream") {
				at = i
				break
			}
		}
		if at < 0 {
			return match{}
		}
		h := b[at:]
		closed := false
		for i, c := range h {
			if c == '>' {
				h, closed = h[:i], true
				break
			}
		}
		switch {
		case containsFold(h, " ID="):
			found.sender = server
		case closed:
			found.sender = client
		}
	case hasPrefix(b, "<stream:features"), hasPrefix(b, "<proceed xmlns="):
		found.sender = server
	case hasPrefix(b, "<starttls xmlns="), hasPrefix(b, "<auth xmlns="):
		found.sender = client
	case hasPrefix(b, "<iq "), hasPrefix(b, "<message "), hasPrefix(b, "<presence"):
		found.strength, found.reason = Likely, reasonXMPPStanza
	default:
		return match{}
	}
	return found
}

// findVNC recognises the version that both ends send first (RFC 6143 section
// 7.1.1). The server's comes before the client's and is not less.
func findVNC(m *message) match {
	b := m.b
	if !hasPrefix(b, "RFB 00") || !isDigit(b[6]) || b[7] != '.' || !isDigit(b[8]) || !isDigit(b[9]) || !isDigit(b[10]) || b[11] != '\n' {
		return match{}
	}
	found := match{protocol: VNC, strength: Full, reason: reasonRFB}
	if p := m.peer.b; len(p) >= 12 && hasPrefix(p, "RFB 00") {
		switch mine, other := string(b[4:11]), string(p[4:11]); {
		case mine > other:
			found.sender = server
		case mine < other:
			found.sender = client
		}
	}
	return found
}
