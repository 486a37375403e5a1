package observe

// NNTP and whois speak in lines. NNTP shares the numbers of many replies with FTP
// and SMTP; whois has no form but a question and an answer.

const (
	reasonNNTPGreeting = "greeting that names NNTP"
	reasonNNTPReply    = "reply of an NNTP server"
	reasonNNTPArticle  = "NNTP reply with its numbers and names"
	reasonNNTPCommand  = "NNTP command"
	reasonWhois        = "whois question, and an answer about what it asks for"
	reasonWhoisAnswer  = "answer of a whois server"
)

// findNNTP recognises commands and replies (RFC 3977, RFC 4643, RFC 4644).
func findNNTP(m *message) match {
	b := m.b
	if isDigit(b[0]) {
		return nntpReply(m)
	}
	found := match{protocol: NNTP, sender: client, strength: Full, reason: reasonNNTPCommand}
	switch {
	case hasPrefixFold(b, "MODE READER\r\n"), hasPrefixFold(b, "MODE STREAM\r\n"), hasPrefixFold(b, "AUTHINFO USER "), hasPrefixFold(b, "AUTHINFO PASS "),
		hasPrefixFold(b, "AUTHINFO SASL "), hasPrefixFold(b, "LIST ACTIVE"), hasPrefixFold(b, "LIST NEWSGROUPS"), hasPrefixFold(b, "LIST OVERVIEW.FMT"):
	case messageID(b, "ARTICLE "), messageID(b, "HEAD "), messageID(b, "BODY "), messageID(b, "STAT "), messageID(b, "IHAVE "), messageID(b, "CHECK "), messageID(b, "TAKETHIS "):
	case numbered(b, "XOVER "), numbered(b, "OVER "), numbered(b, "NEWGROUPS "), numbered(b, "ARTICLE "), numbered(b, "BODY "), numbered(b, "HEAD "),
		hasPrefixFold(b, "CAPABILITIES\r\n"), command(b, "LISTGROUP"), hasPrefixFold(b, "POST\r\n"), hasPrefixFold(b, "XHDR "), hasPrefixFold(b, "DATE\r\n"):
		found.strength = Likely
	case hasPrefixFold(b, "GROUP "):
		l, _, whole := line(b[6:])
		if !whole || len(l) < 3 || indexByte(l, '.') < 0 || indexByte(l, ' ') >= 0 || !printable(l) {
			return match{}
		}
		found.strength = Likely
	default:
		return match{}
	}
	found.upgrade = commandLine(b, "STARTTLS")
	return found
}

// messageID reports a command with a message's identifier, in angle brackets.
func messageID(b []byte, word string) bool {
	if !hasPrefixFold(b, word) {
		return false
	}
	l, _, whole := line(b[len(word):])
	return whole && len(l) > 4 && l[0] == '<' && l[len(l)-1] == '>' && indexByte(l, '@') >= 0
}

// numbered reports a command with a number.
func numbered(b []byte, word string) bool {
	return hasPrefixFold(b, word) && len(b) > len(word) && isDigit(b[len(word)])
}

func nntpReply(m *message) match {
	code, ok := reply(m.b)
	if !ok || m.b[3] != ' ' {
		return match{}
	}
	l, _, _ := line(m.b[4:])
	found := match{protocol: NNTP, sender: server, strength: Likely, reason: reasonNNTPReply}
	switch code {
	case 200, 201:
		if containsFold(l, "NNTP") || containsFold(l, "NNRP") || containsFold(l, "INTERNETNEWS") || containsFold(l, "POSTING") {
			found.strength, found.reason = Full, reasonNNTPGreeting
		}
	case 211: // how many articles, the first, the last, and the group
		rest := l
		for range 3 {
			n := 0
			for n < len(rest) && isDigit(rest[n]) {
				n++
			}
			if n == 0 || n == len(rest) || rest[n] != ' ' {
				return match{}
			}
			rest = rest[n+1:]
		}
		found.strength, found.reason = Full, reasonNNTPArticle
	case 220, 221, 222, 223: // an article's number and identifier
		n := 0
		for n < len(l) && isDigit(l[n]) {
			n++
		}
		if n == 0 || n+1 >= len(l) || l[n] != ' ' || l[n+1] != '<' {
			return match{}
		}
		found.strength, found.reason = Full, reasonNNTPArticle
	case 101, 111, 205, 215, 224, 225, 231, 235, 239, 240, 281, 335, 340, 381, 411, 412, 420, 423, 430, 435, 436, 437, 438, 480, 481, 482, 483, 500, 501, 502, 503:
	default:
		return match{}
	}
	return found
}

// findWhois recognises a question and its answer (RFC 3912): one line that asks
// for a name, an address or a number, and text about it. Each alone may be
// anything.
func findWhois(m *message) match {
	if asked := whoisQuestion(m); asked != nil {
		if whoisAnswer(m.peer.b, asked) {
			return match{protocol: Whois, strength: Full, sender: client, reason: reasonWhois}
		}
		return match{}
	}
	if asked := whoisQuestion(m.peer); asked != nil && whoisAnswer(m.b, asked) {
		return match{protocol: Whois, strength: Full, sender: server, reason: reasonWhois}
	}
	if (m.b[0] == '%' || m.b[0] == '#') && containsFold(m.b, "WHOIS") && printableLines(m.b[:min(len(m.b), 64)]) {
		return match{protocol: Whois, strength: Likely, sender: server, reason: reasonWhoisAnswer}
	}
	return match{}
}

// whoisQuestion gives what a message asks for: the last word of its one line. It
// has a dot, a colon or a digit, as names, addresses and numbers of networks have,
// or an option stands before it.
func whoisQuestion(m *message) []byte {
	if m.n < 4 || m.n > 130 || m.cut() || m.b[m.n-1] != '\n' {
		return nil
	}
	l, next, whole := line(m.b)
	if !whole || !m.ends(next) || len(l) < 3 || l[0] == '/' {
		return nil
	}
	for len(l) > 0 && l[len(l)-1] == ' ' {
		l = l[:len(l)-1]
	}
	mark, at := len(l) > 0 && l[0] == '-', 0
	for i, c := range l {
		switch {
		case c == ' ':
			at = i + 1
		case c == '=' && at == i:
			at = i + 1 // of names that are longer, the one that is this
		case c == '.' || c == ':' || isDigit(c):
			mark = true
		case !isAlpha(c) && c != '-' && c != '/' && c != '_' && c != '+' && c != ',' && c != '=':
			return nil
		}
	}
	if w := l[at:]; mark && len(w) >= 3 && w[len(w)-1] != ':' && w[0] != ':' && (l[0] == '-' || indexByte(l[:at], ':') < 0) {
		return w
	}
	return nil
}

// whoisAnswer reports text with lines of a key and a value, in one of three forms:
// a comment first; what was asked for in it; or values that stand in one column
// (RFC 2622 section 2).
func whoisAnswer(b, asked []byte) bool {
	b = b[:min(len(b), 256)]
	if len(b) < 16 {
		return false
	}
	whois := containsFold(b, "WHOIS")
	comment := b[0] == '%' && (b[1] == ' ' || b[1] == '\r' || b[1] == '\n') || b[0] == '#' && whois
	none := whois || containsFold(b, "NO MATCH") || containsFold(b, "NOT FOUND") || containsFold(b, "NO ENTRIES")
	keys, columns, lines, named := 0, 0, 0, false
	for len(b) > 0 {
		l, next, whole := line(b)
		if !syslogText(l) {
			return false
		}
		b = b[next:]
		for i := 0; i+len(asked) <= len(l) && !named; i++ {
			named = equalFold(l[i:i+len(asked)], asked)
		}
		if len(l) == 0 || l[0] == '%' || l[0] == '#' || l[0] == ' ' && keys > 0 {
			continue
		}
		if whole {
			lines++
		}
		if l[0] == '[' && indexByte(l, ']') > 1 { // as JPRS writes keys
			keys++
		}
		if c := indexByte(l, ':'); c > 0 && c < 32 && c+2 < len(l) && l[c+1] == ' ' {
			keys++
			if l[c+2] == ' ' && l[0] != ' ' {
				columns++
			}
		}
	}
	return comment || named && (keys > 0 || none) || columns >= 2 && columns >= lines
}
