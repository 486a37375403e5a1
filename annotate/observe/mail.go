package observe

// FTP, SMTP, POP3 and IMAP speak in lines: commands of the client, replies of
// the server, which speaks first. FTP and SMTP share the numbers of their
// replies, FTP and POP3 the command USER: these are told apart by words in the
// greeting or by what the other end sent.

const (
	reasonFTPGreeting  = "greeting that names FTP"
	reasonFTPReply     = "reply of an FTP server"
	reasonFTPCommand   = "FTP command"
	reasonSMTPGreeting = "greeting that names SMTP"
	reasonSMTPReply    = "reply of an SMTP server"
	reasonSMTPCommand  = "SMTP command"
	reasonReply        = "numbered reply, as servers of several protocols greet"
	reasonUser         = "USER command, as clients of several protocols begin"
	reasonPOP3Greeting = "POP3 greeting"
	reasonPOP3Reply    = "reply of a POP3 server"
	reasonPOP3Command  = "POP3 command"
	reasonIMAPGreeting = "IMAP greeting"
	reasonIMAPReply    = "untagged reply, as IMAP servers send"
	reasonIMAPCommand  = "tagged IMAP command and its arguments"
)

// reply gives the number of a reply line (RFC 959 section 4.2, RFC 5321
// section 4.2): three digits, then a space or a hyphen.
func reply(b []byte) (code int, ok bool) {
	if len(b) < 4 || !isDigit(b[0]) || !isDigit(b[1]) || !isDigit(b[2]) || b[3] != ' ' && b[3] != '-' && b[3] != '\r' {
		return 0, false
	}
	return int(b[0]-'0')*100 + int(b[1]-'0')*10 + int(b[2]-'0'), true
}

// containsFold reports whether s, in upper case, is in b in either case.
func containsFold(b []byte, s string) bool {
	for ; len(b) >= len(s); b = b[1:] {
		if c := b[0]; (c == s[0] || c == s[0]|0x20) && hasPrefixFold(b, s) {
			return true
		}
	}
	return false
}

// command reports whether b begins with a command of a line: the word, then a
// space or the end of the line.
func command(b []byte, word string) bool {
	if !hasPrefixFold(b, word) || len(b) == len(word) {
		return false
	}
	c := b[len(word)]
	return c == ' ' || c == '\r' || c == '\n'
}

// commandLine reports whether a line of b is the command s, in upper case.
func commandLine(b []byte, s string) bool {
	for len(b) > 0 {
		l, next, _ := line(b)
		if len(l) == len(s) && hasPrefixFold(l, s) {
			return true
		}
		b = b[next:]
	}
	return false
}

// findFTP recognises the control connection (RFC 959).
func findFTP(m *message) match {
	b := m.b
	if isDigit(b[0]) {
		return ftpReply(m)
	}
	found := match{protocol: FTP, sender: client, strength: Full, reason: reasonFTPCommand}
	switch {
	case command(b, "USER"):
		l, _, whole := line(b)
		// IRC's has four parameters.
		if !whole || !printable(l) || containsFold(l, " :") {
			return match{}
		}
		found.strength, found.reason = Likely, reasonUser
	case command(b, "AUTH"): // RFC 4217
		if !hasPrefixFold(b, "AUTH TLS\r") && !hasPrefixFold(b, "AUTH SSL\r") && !hasPrefixFold(b, "AUTH TLS-") && !hasPrefixFold(b, "AUTH GSSAPI\r") {
			return match{}
		}
		found.upgrade = hasPrefixFold(b, "AUTH TLS") || hasPrefixFold(b, "AUTH SSL")
		return found
	case hasPrefixFold(b, "PASV\r\n"), hasPrefixFold(b, "EPSV"), hasPrefixFold(b, "SYST\r\n"), hasPrefixFold(b, "FEAT\r\n"),
		hasPrefixFold(b, "TYPE I\r\n"), hasPrefixFold(b, "TYPE A\r\n"), hasPrefixFold(b, "EPRT |"), hasPrefixFold(b, "OPTS UTF8"), ftpPort(b):
	case ftpWord(b):
		found.strength = Likely
	default:
		return match{}
	}
	found.upgrade = commandLine(b, "AUTH TLS") || commandLine(b, "AUTH SSL")
	return found
}

// ftpWord reports a command that says little, for other protocols have it too, or
// it is short (RFC 959 section 4.1, RFC 3659).
func ftpWord(b []byte) bool {
	for _, word := range [...]string{"CWD", "PWD", "LIST", "NLST", "MLSD", "RETR", "STOR", "PASS", "QUIT", "SIZE", "STAT", "NOOP", "DELE", "CDUP", "MDTM", "REST", "MKD", "RMD", "RNFR", "RNTO", "ABOR"} {
		if command(b, word) {
			return true
		}
	}
	return false
}

// ftpPort reports PORT with its six numbers.
func ftpPort(b []byte) bool {
	if !hasPrefixFold(b, "PORT ") {
		return false
	}
	commas := 0
	for _, c := range b[5:] {
		switch {
		case c == ',':
			commas++
		case !isDigit(c):
			return commas == 5
		}
	}
	return false
}

func ftpReply(m *message) match {
	code, ok := reply(m.b)
	if !ok {
		return match{}
	}
	found := match{protocol: FTP, sender: server, strength: Likely, reason: reasonFTPReply}
	switch code {
	case 120, 220, 421, 530, 500, 502:
		// A greeting of several lines may name the protocol late.
		switch {
		case containsFold(m.b, "SMTP"):
			return match{}
		case containsFold(m.b, "FTP"):
			found.strength, found.reason = Full, reasonFTPGreeting
		default:
			found.reason = reasonReply
		}
	case 227, 229: // entering passive mode
		if !containsFold(m.b, "PASSIVE") {
			return match{}
		}
		found.strength = Full
	case 110, 125, 150, 200, 202, 211, 212, 213, 214, 215, 221, 225, 226, 230, 232, 234, 235, 250, 257, 331, 332, 334, 335, 350,
		425, 426, 431, 450, 451, 452, 501, 503, 504, 522, 532, 533, 534, 535, 536, 537, 550, 551, 552, 553:
		// Those of RFC 959, RFC 2228 and RFC 4217; SMTP has many of them too.
	default:
		return match{}
	}
	return found
}

// findSMTP recognises SMTP and LMTP (RFC 5321, RFC 2033).
func findSMTP(m *message) match {
	b := m.b
	if isDigit(b[0]) {
		return smtpReply(m)
	}
	found := match{protocol: SMTP, sender: client, strength: Full, reason: reasonSMTPCommand}
	switch {
	case command(b, "EHLO"), command(b, "HELO"), command(b, "LHLO"):
		if l, _, whole := line(b); !whole && len(l) < 8 || !printable(l) {
			return match{}
		}
	case hasPrefixFold(b, "MAIL FROM:"), hasPrefixFold(b, "RCPT TO:"):
	case hasPrefixFold(b, "STARTTLS\r\n"), hasPrefixFold(b, "AUTH LOGIN"), hasPrefixFold(b, "AUTH PLAIN"), command(b, "RSET"), command(b, "NOOP"), command(b, "QUIT"):
		found.strength = Likely
	default:
		return match{}
	}
	found.upgrade = commandLine(b, "STARTTLS")
	return found
}

func smtpReply(m *message) match {
	code, ok := reply(m.b)
	if !ok {
		return match{}
	}
	found := match{protocol: SMTP, sender: server, strength: Likely, reason: reasonSMTPReply}
	switch code {
	case 220, 421, 500, 502, 554:
		switch {
		case containsFold(m.b, "SMTP"):
			found.strength, found.reason = Full, reasonSMTPGreeting
		case containsFold(m.b, "FTP"):
			return match{}
		default:
			found.reason = reasonReply
		}
	case 250:
		if containsFold(m.b, "250-SIZE") || containsFold(m.b, "250-PIPELINING") || containsFold(m.b, "250-8BITMIME") || containsFold(m.b, "250-STARTTLS") {
			found.strength = Full
		}
	case 211, 214, 221, 235, 251, 252, 334, 354, 450, 451, 452, 454, 455, 501, 503, 504, 530, 534, 535, 538, 550, 551, 552, 553, 555:
		// Those of RFC 5321, RFC 3207 and RFC 4954.
	default:
		return match{}
	}
	return found
}

// findPOP3 recognises POP3 (RFC 1939, RFC 2449, RFC 2595). Redis also answers
// "+OK", but says no more.
func findPOP3(m *message) match {
	b := m.b
	found := match{protocol: POP3, sender: server, strength: Likely, reason: reasonPOP3Reply}
	switch {
	case hasPrefix(b, "+OK "):
		l, _, _ := line(b)
		if containsFold(l, "POP") || len(l) > 8 && l[len(l)-1] == '>' && containsFold(l, "@") { // a time stamp for APOP
			found.strength, found.reason = Full, reasonPOP3Greeting
		}
		return found
	case hasPrefix(b, "+OK\r\n"), hasPrefix(b, "-ERR "):
		if peer := pop3Command(m.peer.b); peer.strength != None {
			return found
		}
		return match{}
	}
	return pop3Command(b)
}

func pop3Command(b []byte) match {
	found := match{protocol: POP3, sender: client, strength: Full, reason: reasonPOP3Command}
	switch {
	case hasPrefixFold(b, "CAPA\r\n"), hasPrefixFold(b, "STLS\r\n"):
	case command(b, "APOP"):
		l, _, whole := line(b)
		if !whole || len(l) < 32+7 || l[len(l)-33] != ' ' { // ends in a digest of MD5
			return match{}
		}
	case command(b, "USER"):
		l, _, whole := line(b)
		if !whole || !printable(l) || containsFold(l, " :") {
			return match{}
		}
		found.strength, found.reason = Likely, reasonUser
	case hasPrefixFold(b, "AUTH\r\n"), hasPrefixFold(b, "AUTH PLAIN"), hasPrefixFold(b, "AUTH LOGIN"), hasPrefixFold(b, "AUTH NTLM"),
		command(b, "STAT"), command(b, "UIDL"), command(b, "QUIT"), command(b, "LIST"), command(b, "RETR"), command(b, "PASS"), command(b, "NOOP"):
		found.strength = Likely
	default:
		return match{}
	}
	found.upgrade = commandLine(b, "STLS")
	return found
}

// findIMAP recognises IMAP (RFC 9051): untagged replies of the server, tagged
// commands of the client.
func findIMAP(m *message) match {
	b := m.b
	if b[0] == '*' {
		found := match{protocol: IMAP, sender: server, strength: Likely, reason: reasonIMAPReply}
		switch {
		case hasPrefixFold(b, "* OK "), hasPrefixFold(b, "* PREAUTH "), hasPrefixFold(b, "* BYE "), hasPrefixFold(b, "* OK["):
			if containsFold(b, "IMAP") {
				found.strength, found.reason = Full, reasonIMAPGreeting
			}
		case hasPrefixFold(b, "* CAPABILITY IMAP4"), hasPrefixFold(b, "* LIST ("), hasPrefixFold(b, "* FLAGS ("):
			found.strength = Full
		default:
			return match{}
		}
		return found
	}
	// A tag: letters and digits, as a rule with at least one digit; people
	// write a single dot.
	at, digits := 0, 0
	for at < len(b) && at < 20 && (isAlpha(b[at]) || isDigit(b[at]) || b[at] == '.') {
		if isDigit(b[at]) {
			digits++
		}
		at++
	}
	if at == 0 || digits == 0 && !(at == 1 && b[0] == '.') || at >= len(b) || b[at] != ' ' {
		return match{}
	}
	if digits == 3 && at == 3 && b[0] >= '1' && b[0] <= '5' {
		return match{} // the number of a reply, and prose: "230 Login successful."
	}
	c := b[at+1:]
	found := match{protocol: IMAP, sender: client, strength: Full, reason: reasonIMAPCommand}
	switch {
	case imapLine(c, "CAPABILITY", 0), imapLine(c, "STARTTLS", 0), imapLine(c, "LOGOUT", 0), imapLine(c, "NAMESPACE", 0), imapLine(c, "LOGIN", 2),
		imapLine(c, "SELECT", 1), imapLine(c, "EXAMINE", 1), imapLine(c, "AUTHENTICATE", 1), imapLine(c, "AUTHENTICATE", 2),
		hasPrefixFold(c, "UID FETCH ") && len(c) > 10 && isDigit(c[10]), hasPrefixFold(c, "ID ("):
	case imapLine(c, "NOOP", 0), imapLine(c, "IDLE", 0), imapLine(c, "LIST", 2), imapLine(c, "LSUB", 2), hasPrefixFold(c, "STATUS ") && containsFold(c, " ("),
		hasPrefixFold(c, "FETCH ") && len(c) > 6 && isDigit(c[6]), hasPrefixFold(c, "ID NIL"):
		found.strength = Likely
	case hasPrefixFold(c, "OK "), hasPrefixFold(c, "NO "), hasPrefixFold(c, "BAD "):
		if digits == at {
			return match{} // "220 OK " is no tag
		}
		return match{protocol: IMAP, sender: server, strength: Likely, reason: reasonIMAPReply}
	default:
		return match{}
	}
	for len(b) > 0 && !found.upgrade {
		l, next, whole := line(b)
		found.upgrade = whole && len(l) > 9 && hasPrefixFold(l[len(l)-9:], " STARTTLS")
		b = b[next:]
	}
	return found
}

// imapLine reports whether b is a command with that many arguments: words, texts
// in quotes, or the length of a literal that follows. A line that has not ended
// may have fewer.
func imapLine(b []byte, word string, arguments int) bool {
	if !hasPrefixFold(b, word) {
		return false
	}
	l, _, whole := line(b)
	rest, n := l[len(word):], 0
	for len(rest) > 1 && rest[0] == ' ' && rest[1] != ' ' {
		end := 1
		if rest[1] == '"' {
			for end++; end < len(rest) && rest[end] != '"'; end++ {
			}
			if end == len(rest) {
				break // it goes on beyond what there is
			}
			end++
		} else {
			for end < len(rest) && rest[end] != ' ' {
				end++
			}
			if rest[end-1] == '}' && end == len(rest) {
				return n < arguments && rest[1] == '{' // the rest follows the literal
			}
		}
		rest, n = rest[end:], n+1
	}
	if !whole {
		return n <= arguments && (n > 0 || len(rest) == 0)
	}
	return n == arguments && len(rest) == 0
}
