package observe

const (
	reasonSyslog5424  = "syslog message with priority and version"
	reasonSyslog3164  = "syslog message with priority and time"
	reasonSyslogPlain = "text behind a syslog priority"
	reasonSyslogCount = "syslog message behind its length"
)

// findSyslog recognises messages that begin with a priority in angle brackets
// (RFC 5424 section 6.2.1, RFC 3164 section 4.1.1), in datagrams, by lines, or
// behind a length (RFC 6587 section 3.4.1).
func findSyslog(m *message) match {
	b := m.b
	if b[0] == '<' {
		return syslogIn(b)
	}
	// MSG-LEN SP: digits without leading zeros.
	at, size := 0, 0
	for at < len(b) && at < 6 && isDigit(b[at]) {
		size = size*10 + int(b[at]-'0')
		at++
	}
	if b[0] == '0' || at+2 > len(b) || b[at] != ' ' || size < 5 {
		return match{}
	}
	if found := syslogIn(b[at+1:]); found.strength == Full {
		found.reason = reasonSyslogCount
		return found
	}
	return match{}
}

func syslogIn(b []byte) match {
	at, priority := 1, 0
	for at < len(b) && at < 5 && isDigit(b[at]) {
		priority = priority*10 + int(b[at]-'0')
		at++
	}
	if len(b) < 5 || b[0] != '<' || at < 2 || at > 4 || at+2 > len(b) || b[at] != '>' || priority > 191 || at > 2 && b[1] == '0' {
		return match{}
	}
	rest := b[at+1:]
	found := match{protocol: Syslog, sender: client, strength: Full}
	switch {
	case hasPrefix(rest, "1 ") && len(rest) > 6 && (rest[2] == '-' && rest[3] == ' ' || isDigit(rest[2]) && isDigit(rest[5]) && rest[6] == '-'):
		found.reason = reasonSyslog5424
		return found
	case bsdTime(rest):
		found.reason = reasonSyslog3164
		return found
	}
	if len(rest) > 32 {
		rest = rest[:32]
	}
	if l, _, _ := line(rest); len(l) < 3 || !syslogText(l) {
		return match{}
	}
	found.strength, found.reason = Likely, reasonSyslogPlain
	return found
}

// syslogText is printable, with UTF-8 and a closing NUL allowed.
func syslogText(b []byte) bool {
	for i, c := range b {
		if c < ' ' && c != '\t' && !(c == 0 && i == len(b)-1) || c == 0x7f {
			return false
		}
	}
	return true
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// bsdTime reports a time as RFC 3164 section 4.1.2 has it: "Jan  2 15:04".
func bsdTime(b []byte) bool {
	if len(b) < 12 || b[3] != ' ' || b[6] != ' ' || b[9] != ':' || !isDigit(b[5]) || b[4] != ' ' && !isDigit(b[4]) || !isDigit(b[7]) || !isDigit(b[8]) {
		return false
	}
	for i := 0; i < len(months); i += 3 {
		if string(b[:3]) == months[i:i+3] {
			return true
		}
	}
	return false
}
