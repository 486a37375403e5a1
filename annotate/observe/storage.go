package observe

// iSCSI: a header of 48 bytes, in a login then text of keys and values (RFC 7143
// section 11).
const (
	iscsiHeader = 48

	reasonISCSILogin = "iSCSI login: reserved bytes and keys fit"
	reasonISCSI      = "iSCSI header: operation, flags and reserved bytes fit"
)

// iscsiOperation is what is fixed in the header of an operation.
type iscsiOperation struct {
	code   byte   // without the immediate bit, which only requests have
	flags  byte   // bits that may be set in the second byte
	always byte   // bits that are
	zero   string // pairs of where bytes are reserved, and how many
	data   bool   // data must follow
	sender role
}

var iscsiOperations = [...]iscsiOperation{
	{0x00, 0x80, 0x80, "\x02\x03\x20\x10", false, client},                 // NOP-Out
	{0x01, 0xe7, 0x00, "\x02\x02", false, client},                         // SCSI command
	{0x02, 0xff, 0x80, "\x02\x03\x28\x08", false, client},                 // task management
	{0x04, 0xc0, 0x00, "\x02\x03\x20\x10", true, client},                  // text
	{0x05, 0x80, 0x00, "\x02\x03\x18\x04\x20\x04\x2c\x04", true, client},  // data out
	{0x06, 0x83, 0x80, "\x02\x03\x08\x08\x16\x02\x20\x10", false, client}, // logout
	{0x20, 0x80, 0x80, "\x02\x03\x24\x0c", false, server},                 // NOP-In
	{0x21, 0x9e, 0x80, "\x04\x01\x08\x08", false, server},                 // SCSI response
	{0x22, 0x80, 0x80, "\x03\x02\x08\x08\x14\x04\x24\x0c", false, server}, // task management response
	{0x24, 0xc0, 0x00, "\x02\x03\x24\x0c", false, server},                 // text response
	{0x25, 0xc7, 0x00, "\x02\x01\x04\x01", true, server},                  // data in
	{0x26, 0x80, 0x80, "\x03\x02\x08\x08\x14\x04\x24\x04", false, server}, // logout response
	{0x31, 0x80, 0x80, "\x02\x06", false, server},                         // ready to transfer
	{0x3f, 0x80, 0x80, "\x03\x02\x08\x08\x14\x04\x28\x08", true, server},  // reject
}

// findISCSI recognises a login, with which every connection begins, and the
// operations that follow it by the bytes that are reserved in each.
func findISCSI(m *message) match {
	b := m.b
	size := be24(b[5:])
	code := b[0] &^ 0x40
	if b[0]&0x80 != 0 || size > 1<<24-4 || b[0]&0x40 != 0 && code >= 0x20 {
		return match{}
	}
	if code == 0x03 && b[0]&0x40 != 0 || code == 0x23 {
		return iscsiLogin(m, code)
	}
	for i := range iscsiOperations {
		if o := &iscsiOperations[i]; o.code == code {
			return o.judge(m, size)
		}
	}
	return match{}
}

func (o *iscsiOperation) judge(m *message, size int) match {
	b := m.b
	if b[1]&^o.flags != 0 || b[1]&o.always != o.always || o.data && size == 0 {
		return match{}
	}
	for z := o.zero; z != ""; z = z[2:] {
		if at := int(z[0]); !allZero(b[at : at+int(z[1])]) {
			return match{}
		}
	}
	switch o.code {
	case 0x01: // a command's block, and zeros behind it; what is read or written has a length
		n := [8]int{6, 10, 10, 0, 16, 12, 0, 0}[b[32]>>5]
		if n == 0 || b[1]&7 > 4 || b[4] > 8 || b[1]&0x60 == 0 && be32(b[20:]) != 0 || !allZero(b[32+n:48]) {
			return match{}
		}
	case 0x21: // a response, and a status of SCSI
		if b[2] > 1 && b[2] < 0x80 || b[3]&^0x7a != 0 {
			return match{}
		}
	case 0x25: // a status only with its bit
		if b[1]&1 == 0 && (b[3] != 0 || be32(b[44:]) != 0) || b[3]&^0x7a != 0 || be32(b[16:]) == 0xffffffff {
			return match{}
		}
	case 0x31: // nothing follows, and something is asked for
		if size != 0 || be32(b[44:]) == 0 || be32(b[20:]) == 0xffffffff {
			return match{}
		}
	}
	// The stream ends with the data and their digests, or goes on with a header.
	found := match{protocol: ISCSI, strength: Likely, sender: o.sender, reason: reasonISCSI}
	at := iscsiHeader + 4*int(b[4]) + (size+3)&^3
	if m.ends(at) || m.ends(at+4) || m.ends(at+8) || len(b) >= at+iscsiHeader && iscsiFollows(b[at:]) {
		found.strength = Full
	}
	return found
}

// iscsiFollows reports whether b may go on with a header.
func iscsiFollows(b []byte) bool {
	for i := range iscsiOperations {
		if o := &iscsiOperations[i]; o.code == b[0]&^0x40 {
			return b[1]&^o.flags == 0 && b[1]&o.always == o.always
		}
	}
	return false
}

func iscsiLogin(m *message, code byte) match {
	b := m.b
	size := be24(b[5:])
	if b[1]&0x30 != 0 || b[2] > 1 || b[3] > 1 || b[4] != 0 || size > 1<<16 || b[1]&0xc0 == 0xc0 {
		return match{}
	}
	found := match{protocol: ISCSI, strength: Full, sender: client, reason: reasonISCSILogin}
	switch code {
	case 0x03:
		if !allZero(b[22:24]) || !allZero(b[32:48]) {
			return match{}
		}
	case 0x23:
		found.sender = server
		if b[36] > 3 || !allZero(b[38:48]) {
			return match{}
		}
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
// header has 16 bytes (Apple, "AppleTalk Filing Protocol": Data Stream
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
		// An option of four bytes: the attention quantum from the client, the
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
