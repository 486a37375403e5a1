package observe

// MySQL and MariaDB: packets of three bytes of length, a sequence number and
// a body (MySQL Source Code Documentation, "MySQL Packets").
const (
	mysqlProtocol10   = 10
	mysqlError        = 0xff
	mysqlQuery        = 3
	mysqlProtocol41   = 1 << 9  // capability flags: CLIENT_PROTOCOL_41,
	mysqlSSL          = 1 << 11 // CLIENT_SSL
	mysqlSSLSize      = 32
	mysqlMaxGreeting  = 1024
	mysqlVersionLimit = 100
)

const (
	reasonMySQLGreeting = "MySQL greeting: protocol 10, version text and reserved bytes fit"
	reasonMySQLError    = "MySQL error packet instead of a greeting"
	reasonMySQLResponse = "MySQL handshake response: flags, reserved bytes and user fit"
	reasonMySQLSSL      = "MySQL SSL request: length, flags and reserved bytes fit"
	reasonMySQLQuery    = "MySQL query command with SQL text"
	reasonMySQLColumns  = "MySQL result set: column count and first definition fit"
)

// findMySQL recognises the connection phase, which the server begins
// ("Protocol::HandshakeV10", "Protocol::HandshakeResponse41",
// "Protocol::SSLRequest"), and in the middle of a connection a query and a
// result set ("COM_QUERY").
func findMySQL(m *message) match {
	b := m.b
	size := le24(b)
	switch b[3] {
	case 0:
		switch b[4] {
		case mysqlProtocol10:
			return mysqlGreeting(b, size)
		case mysqlError:
			return mysqlRefusal(m, size)
		case mysqlQuery:
			return mysqlCommand(m, size)
		}
	case 1:
		if size == 1 {
			return mysqlResult(b)
		}
		return mysqlResponse(m, size)
	}
	return match{}
}

func mysqlGreeting(b []byte, size int) match {
	if size < 18 || size > mysqlMaxGreeting {
		return match{}
	}
	at, dots := 5, 0
	for at < len(b) && b[at] != 0 {
		if b[at] < ' ' || b[at] > '~' || at == 5+mysqlVersionLimit {
			return match{}
		}
		if b[at] == '.' {
			dots++
		}
		at++
	}
	if len(b) > 5 && !isDigit(b[5]) {
		return match{}
	}
	found := match{protocol: MySQL, strength: Likely, sender: server, reason: reasonMySQLGreeting}
	if at == len(b) {
		if dots == 0 {
			return match{}
		}
		return found
	}
	if dots == 0 || at+1+15 > 4+size {
		return match{}
	}
	found.name = span{5, at - 5}
	at++ // now at the connection identifier
	if len(b) > at+12 && b[at+12] != 0 {
		return match{}
	}
	// Ten reserved bytes, of which MariaDB uses the last four.
	if at+21+6 <= 4+size && len(b) >= at+27 && !allZero(b[at+21:at+27]) {
		return match{}
	}
	found.strength = Full
	return found
}

// mysqlRefusal recognises the ERR packet that a server sends instead of a
// greeting, to a host that may not connect or when it is too busy.
func mysqlRefusal(m *message, size int) match {
	b := m.b
	if size < 12 || size > mysqlMaxGreeting || m.n < 4+size && !m.stream || m.n > 4+size {
		return match{}
	}
	code := le16(b[5:])
	text := b[7:min(len(b), 4+size)]
	if code < 1000 || code > 4999 || len(text) < 8 || !printable(text) {
		return match{}
	}
	return match{protocol: MySQL, strength: Full, sender: server, reason: reasonMySQLError}
}

func mysqlResponse(m *message, size int) match {
	b := m.b
	if size < mysqlSSLSize || size > 1<<16 || len(b) < 4+mysqlSSLSize {
		return match{}
	}
	flags := le32(b[4:])
	if flags&mysqlProtocol41 == 0 || !allZero(b[13:32]) {
		return match{}
	}
	if size == mysqlSSLSize {
		if flags&mysqlSSL == 0 {
			return match{}
		}
		return match{protocol: MySQL, strength: Full, sender: client, upgrade: true, reason: reasonMySQLSSL}
	}
	for i := 36; i < len(b) && b[i] != 0; i++ {
		if i == 4+size || b[i] < ' ' {
			return match{}
		}
	}
	return match{protocol: MySQL, strength: Full, sender: client, reason: reasonMySQLResponse}
}

func mysqlCommand(m *message, size int) match {
	b := m.b
	if size < 6 || len(b) < 10 {
		return match{}
	}
	// With CLIENT_QUERY_ATTRIBUTES, no parameters in one set of them.
	at := 5
	if b[5] == 0 && b[6] == 1 {
		at = 7
	}
	if !sqlText(b[at:min(len(b), 4+size)]) {
		return match{}
	}
	return match{protocol: MySQL, strength: Full, sender: client, reason: reasonMySQLQuery}
}

// mysqlResult recognises a column count of one packet and the first column's
// definition, whose catalogue is always "def".
func mysqlResult(b []byte) match {
	if len(b) < 13 || b[4] == 0 || b[4] > 250 || b[8] != 2 || le24(b[5:]) < 20 || string(b[9:13]) != "\x03def" {
		return match{}
	}
	return match{protocol: MySQL, strength: Full, sender: server, reason: reasonMySQLColumns}
}

// sqlText reports whether b begins with a word that begins SQL statements, and
// is text.
func sqlText(b []byte) bool {
	for _, verb := range [...]string{
		"SELECT ", "INSERT ", "UPDATE ", "DELETE ", "SET ", "SHOW ", "BEGIN", "COMMIT", "ROLLBACK", "CREATE ",
		"DROP ", "ALTER ", "USE ", "REPLACE ", "CALL ", "START ", "TRUNCATE ", "EXPLAIN ", "WITH ",
	} {
		if hasPrefixFold(b, verb) {
			for _, c := range b {
				if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
					return false
				}
			}
			return true
		}
	}
	return false
}
