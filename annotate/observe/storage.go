package observe

// iSCSI: a header of 48 octets, then in a login text of keys and values (RFC
// 7143 sections 11.12 and 11.13).
const (
	iscsiHeader   = 48
	iscsiLogin    = 0x43 // with the immediate bit, which it always has
	iscsiResponse = 0x23

	reasonISCSI = "iSCSI login: reserved octets and keys fit"
)

// findISCSI recognises the login, with which every connection begins.
func findISCSI(m *message) match {
	b := m.b
	size := be24(b[5:])
	if b[1]&0x30 != 0 || b[2] > 1 || b[3] > 1 || b[4] != 0 || size > 1<<16 || b[1]&0xc0 == 0xc0 {
		return match{}
	}
	found := match{protocol: ISCSI, strength: Full, sender: client, reason: reasonISCSI}
	switch b[0] {
	case iscsiLogin:
		if !allZero(b[22:24]) || !allZero(b[32:48]) {
			return match{}
		}
	case iscsiResponse:
		found.sender = server
		if b[36] > 3 || !allZero(b[38:48]) {
			return match{}
		}
	default:
		return match{}
	}
	// The first key, a word and an equals sign.
	text := b[iscsiHeader:min(len(b), iscsiHeader+size)]
	i := 0
	for i < len(text) && (isAlpha(text[i]) || isDigit(text[i]) || text[i] == '-' || text[i] == '.') {
		i++
	}
	switch {
	case i < len(text) && (i < 4 || text[i] != '='), size == 0 && found.sender == client:
		return match{}
	case i == len(text):
		found.strength = Likely // a login that goes on without keys, or one cut short
	}
	return found
}

// AFP: Apple's file service, in requests of the data stream interface, whose
// header has 16 octets (Apple, "AppleTalk Filing Protocol": Data Stream
// Interface).
const (
	dsiHeader    = 16
	dsiGetStatus = 3
	dsiOpen      = 4
	dsiCommand   = 2

	reasonAFP       = "DSI session opening: lengths and option fit"
	reasonAFPStatus = "DSI request for status"
)

// findAFP recognises what connections begin with: a request for the server's
// status, or the opening of a session.
func findAFP(m *message) match {
	b := m.b
	size := be32(b[8:])
	if be32(b[4:]) != 0 || be32(b[12:]) != 0 || size > 1<<16 || b[0] > 1 {
		return match{}
	}
	found := match{protocol: AFP, strength: Full, sender: client, reason: reasonAFP}
	if b[0] == 1 {
		found.sender = server
	}
	body := b[dsiHeader:]
	switch b[1] {
	case dsiOpen:
		// An option of four octets: the attention quantum from the client, the
		// request quantum from the server; more may follow.
		if size < 6 || size > 64 || len(body) < 6 || body[0] > 2 || body[1] != 4 {
			return match{}
		}
	case dsiGetStatus:
		found.reason = reasonAFPStatus
		if b[0] == 0 {
			if size != 0 || !m.ends(dsiHeader) {
				return match{}
			}
			found.strength = Likely
			return found
		}
		// Offsets of the machine's type, versions, authentication methods and
		// icon, flags, and the server's name.
		if size < 24 || len(body) < 11 || be16(body) < 11 || be16(body) >= int(size) || be16(body[2:]) <= be16(body) || be16(body[2:]) >= int(size) ||
			be16(body[4:]) <= be16(body[2:]) || be16(body[4:]) >= int(size) {
			return match{}
		}
	default:
		return match{}
	}
	return found
}

// rsync and git: text with which their daemons begin (rsync, "rsync.h" and
// "clientserver.c"; git, "gitprotocol-pack" and "gitprotocol-common").
const (
	reasonRsync    = "rsync greeting with a version"
	reasonGitAsk   = "git request line: length and service fit"
	reasonGitRefs  = "git line with an object's name: length fits"
	reasonGitV2    = "git version 2 answer"
	gitNameLength  = 40
	gitName256     = 64
	gitMaxLine     = 65520
	gitLengthChars = 4
)

// findRsync recognises the greeting, which both ends send.
func findRsync(m *message) match {
	b := m.b
	if len(b) < 12 || !hasPrefix(b, "@RSYNCD: ") || !isDigit(b[9]) || !isDigit(b[10]) || b[11] != '.' && b[11] != '\n' {
		return match{}
	}
	return match{protocol: Rsync, strength: Full, reason: reasonRsync}
}

// findGit recognises the lines that begin a connection to a daemon: four
// hexadecimal digits of length, and text.
func findGit(m *message) match {
	b := m.b
	size := 0
	for _, c := range b[:gitLengthChars] {
		switch {
		case isDigit(c):
			size = size<<4 | int(c-'0')
		case 'a' <= c && c <= 'f':
			size = size<<4 | int(c-'a'+10)
		default:
			return match{}
		}
	}
	if size <= gitLengthChars || size > gitMaxLine || m.n < size {
		return match{}
	}
	text := b[gitLengthChars:min(len(b), size)]
	for _, s := range [...]string{"git-upload-pack /", "git-receive-pack /", "git-upload-archive /"} {
		if hasPrefix(text, s) {
			return match{protocol: Git, strength: Full, sender: client, reason: reasonGitAsk}
		}
	}
	if string(text) == "version 2\n" || string(text) == "version 1\n" {
		return match{protocol: Git, strength: Full, sender: server, reason: reasonGitV2}
	}
	n := 0
	for n < len(text) && n <= gitName256 && (isDigit(text[n]) || 'a' <= text[n] && text[n] <= 'f') {
		n++
	}
	if n != gitNameLength && n != gitName256 || n == len(text) || text[n] != ' ' {
		return match{}
	}
	return match{protocol: Git, strength: Full, sender: server, reason: reasonGitRefs}
}
