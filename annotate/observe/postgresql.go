package observe

// PostgreSQL: frontend and backend messages of a type, four bytes of length
// that count themselves, and a body; the first one of the frontend has no type
// (PostgreSQL documentation, "Message Formats").
const (
	pgCancelRequest = 80877102 // codes in place of a version
	pgSSLRequest    = 80877103
	pgGSSENCRequest = 80877104
	pgMaxStartup    = 10000
)

const (
	reasonPGStartup  = "PostgreSQL startup message: version 3 and parameters fit"
	reasonPGRequest  = "PostgreSQL request for encryption"
	reasonPGCancel   = "PostgreSQL cancel request"
	reasonPGAnswer   = "PostgreSQL answer to a request for encryption"
	reasonPGAuth     = "PostgreSQL authentication message: type and length fit"
	reasonPGError    = "PostgreSQL error or notice: fields fit"
	reasonPGQuery    = "PostgreSQL query message with SQL text"
	reasonPGMessages = "PostgreSQL messages follow each other"
)

// findPostgreSQL recognises the messages that begin a connection
// ("StartupMessage", "SSLRequest", "AuthenticationOk" and so on,
// "ErrorResponse"), and in the middle of one a query or several messages.
func findPostgreSQL(m *message) match {
	b := m.b
	if b[0] == 0 {
		return pgStartup(m)
	}
	if p := m.peer.b; len(p) >= 8 && be32(p) == 8 {
		if code := be32(p[4:]); code == pgSSLRequest && (b[0] == 'S' || b[0] == 'N') || code == pgGSSENCRequest && (b[0] == 'G' || b[0] == 'N') {
			return match{protocol: PostgreSQL, strength: Full, sender: server, upgrade: b[0] != 'N', reason: reasonPGAnswer}
		}
	}
	if len(b) < 5 {
		return match{}
	}
	size := be32(b[1:])
	if size < 4 || size > 1<<30 {
		return match{}
	}
	switch b[0] {
	case 'R':
		if found := pgAuthentication(m, size); found.strength != None {
			return found
		}
	case 'E', 'N':
		if found := pgFields(b, int(size)); found.strength != None {
			return found
		}
	case 'Q':
		if size > 6 && sqlText(b[5:min(len(b), int(size))]) && (len(b) <= int(size) || b[size] == 0) {
			return match{protocol: PostgreSQL, strength: Full, sender: client, reason: reasonPGQuery}
		}
	}
	return pgMessages(b)
}

func pgStartup(m *message) match {
	b := m.b
	if len(b) < 8 {
		return match{}
	}
	size, code := int(be32(b)), be32(b[4:])
	if size < 8 || size > pgMaxStartup {
		return match{}
	}
	switch {
	case code == pgSSLRequest && size == 8, code == pgGSSENCRequest && size == 8:
		return match{protocol: PostgreSQL, strength: Full, sender: client, upgrade: true, reason: reasonPGRequest}
	case code == pgCancelRequest && size >= 16 && size <= 12+256:
		return match{protocol: PostgreSQL, strength: Full, sender: client, reason: reasonPGCancel}
	case code>>16 != 3 || code&0xffff > 9999 || size < 9:
		return match{}
	}
	// Names and values, each ended by a zero byte, and a zero byte. There is
	// always the name "user".
	end := min(len(b), size)
	at, name, user := 8, true, false
	first := 0 // how long the first name is
	for at < end {
		if at == size-1 {
			if b[at] != 0 || !name || !user {
				return match{}
			}
			break
		}
		start := at
		for at < end && b[at] != 0 {
			if b[at] < ' ' || name && !isAlpha(b[at]) && b[at] != '_' && b[at] != '.' {
				return match{}
			}
			at++
		}
		if name && at == start {
			return match{}
		}
		if start == 8 && at < end {
			first = at - start
		}
		user = user || name && string(b[start:at]) == "user"
		at++
		name = !name
	}
	found := match{protocol: PostgreSQL, strength: Likely, sender: client, reason: reasonPGStartup}
	if first >= 4 {
		found.strength = Full
	}
	return found
}

func pgAuthentication(m *message, size uint32) match {
	b := m.b
	if len(b) < 9 {
		return match{}
	}
	code := be32(b[5:])
	ok := false
	switch code {
	case 0, 2, 3, 6, 7, 9: // Ok, KerberosV5, CleartextPassword, SCMCredential, GSS, SSPI
		ok = size == 8
	case 5: // MD5Password
		ok = size == 12
	case 8, 11, 12: // GSSContinue, SASLContinue, SASLFinal
		ok = size > 8 && size < 1<<16
	case 10: // SASL: names of mechanisms
		ok = size > 10 && size < 1024 && (len(b) < 10 || isAlpha(b[9]))
	}
	if !ok {
		return match{}
	}
	return match{protocol: PostgreSQL, strength: Full, sender: server, reason: reasonPGAuth}
}

// pgFields recognises an ErrorResponse or NoticeResponse ("Error and Notice
// Message Fields"): the severity first, then others, each a letter and a text.
func pgFields(b []byte, size int) match {
	if size < 12 || size > 1<<16 || len(b) < 8 || b[5] != 'S' {
		return match{}
	}
	fields := 0
	for at := 5; at < min(len(b), size); fields++ {
		if !isAlpha(b[at]) {
			return match{}
		}
		at++
		start := at
		for at < len(b) && at <= size && b[at] != 0 {
			if b[at] < ' ' && b[at] != '\n' && b[at] != '\t' {
				return match{}
			}
			at++
		}
		if at == len(b) {
			break
		}
		if at > size || at == start {
			return match{}
		}
		at++
	}
	if fields < 2 {
		return match{}
	}
	return match{protocol: PostgreSQL, strength: Full, sender: server, reason: reasonPGError}
}

// Types of messages that only one end sends, and those that either may.
const (
	pgFrontend = "BFPQXfp"
	pgBackend  = "123AGIKNRTVWZntsv"
	pgEither   = "CDEHScd"
)

// pgMessages recognises three messages that follow each other.
func pgMessages(b []byte) match {
	sender, at := either, 0
	for n := 0; ; n++ {
		if len(b) < at+5 {
			return match{}
		}
		size := be32(b[at+1:])
		if size < 4 || size > 1<<16 || !pgLength(b[at], size) {
			return match{}
		}
		switch {
		case contains(pgFrontend, b[at]):
			if sender == server {
				return match{}
			}
			sender = client
		case contains(pgBackend, b[at]):
			if sender == client {
				return match{}
			}
			sender = server
		case !contains(pgEither, b[at]):
			return match{}
		}
		if n == 2 {
			break
		}
		at += 1 + int(size)
	}
	if sender == either {
		return match{}
	}
	return match{protocol: PostgreSQL, strength: Full, sender: sender, reason: reasonPGMessages}
}

// pgLength reports whether a message of the type may have that length.
func pgLength(kind byte, size uint32) bool {
	switch kind {
	case '1', '2', '3', 'I', 'X', 'c', 'n', 's': // ParseComplete and others without a body
		return size == 4
	case 'Z': // ReadyForQuery
		return size == 5
	}
	return true
}
