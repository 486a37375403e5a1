package observe

// TDS: packets with a header of eight bytes ([MS-TDS] section 2.2.3.1): type,
// status, length with the header, SPID, packet number and window.
const (
	tdsBatch     = 1
	tdsLogin     = 2 // before version 7
	tdsRPC       = 3
	tdsResponse  = 4
	tdsLogin7    = 16
	tdsPreLogin  = 18
	tdsHeader    = 8
	tdsEndOfMsg  = 1
	tdsMaxPacket = 1 << 15
)

const (
	reasonTDSPreLogin = "TDS pre-login: option list fits"
	reasonTDSTLS      = "TDS pre-login packet that carries a TLS record"
	reasonTDSLogin7   = "TDS login: lengths and version fit"
	reasonTDSLogin    = "TDS login of a version before 7: padded names fit"
	reasonTDSRequest  = "TDS request with its headers"
	reasonTDSText     = "TDS batch of UTF-16 text"
	reasonTDSTokens   = "TDS response: tokens follow each other"
	reasonTDSToken    = "TDS response that begins with a known token"
)

// findTDS recognises SQL Server's protocol, and that of Sybase where it is the
// same.
func findTDS(m *message) match {
	b := m.b
	size := be16(b[2:])
	if size <= tdsHeader || size > tdsMaxPacket || b[1] > 0x1f || b[7] != 0 {
		return match{}
	}
	switch b[0] {
	case tdsPreLogin:
		return tdsOptions(b, size, client)
	case tdsLogin7:
		// [MS-TDS] section 2.2.6.4: the login's own length, then the version.
		if len(b) < 16 {
			return match{}
		}
		length := int(le32(b[8:]))
		if length < 36 || length > 1<<17-1 || b[1]&tdsEndOfMsg != 0 && length != size-tdsHeader || length < size-tdsHeader ||
			b[15] < 0x70 || b[15] > 0x74 {
			return match{}
		}
		return match{protocol: TDS, strength: Full, sender: client, reason: reasonTDSLogin7}
	case tdsLogin:
		return tdsOldLogin(b)
	case tdsBatch, tdsRPC:
		return tdsRequest(b)
	case tdsResponse:
		if found := tdsOptions(b, size, server); found.strength != None {
			return found
		}
		return tdsTokens(m, size)
	}
	return match{}
}

// tdsOptions recognises the PRELOGIN message (section 2.2.6.5): options of a
// type, an offset and a length, VERSION first, then their values in the same
// order without gaps. The TLS handshake goes on in packets of the same type.
func tdsOptions(b []byte, size int, sender role) match {
	if len(b) >= 13 && b[8] == tlsHandshake && tlsVersion(b[9:]) && be16(b[11:]) <= size-13 {
		return match{protocol: TDS, strength: Full, sender: sender, upgrade: true, reason: reasonTDSTLS}
	}
	if len(b) < 13 || b[8] != 0 || be16(b[11:]) != 6 {
		return match{}
	}
	first := be16(b[9:])
	if first%5 != 1 || first > 64 || first+6 > size-tdsHeader {
		return match{}
	}
	value := first
	for i := 0; i < first/5; i++ {
		at := tdsHeader + 5*i
		if len(b) < at+5 {
			return match{protocol: TDS, strength: Full, sender: sender, reason: reasonTDSPreLogin}
		}
		if b[at] > 15 || be16(b[at+1:]) != value {
			return match{}
		}
		value += be16(b[at+3:])
	}
	if value > size-tdsHeader || len(b) > tdsHeader+first-1 && b[tdsHeader+first-1] != 0xff {
		return match{}
	}
	return match{protocol: TDS, strength: Full, sender: sender, reason: reasonTDSPreLogin}
}

// tdsOldLogin recognises the login of TDS 4 and 5 (Sybase, "TDS 5.0 Functional
// Specification", LOGINREC): names in fields of 30 bytes, padded with zeros,
// each followed by its length.
func tdsOldLogin(b []byte) match {
	if len(b) < tdsHeader+3*31 {
		return match{}
	}
	for i := range 3 { // host, user, password
		field := b[tdsHeader+31*i:][:31]
		n := int(field[30])
		if n > 30 || i < 2 && n == 0 || !printable(field[:n]) || !allZero(field[n:30]) {
			return match{}
		}
	}
	return match{protocol: TDS, strength: Full, sender: client, reason: reasonTDSLogin}
}

// tdsRequest recognises a batch or procedure call: from version 7.2 with
// ALL_HEADERS (section 2.2.5.3), of which the transaction descriptor is
// required; before that a batch is UTF-16 text from the start.
func tdsRequest(b []byte) match {
	if len(b) < 18 {
		return match{}
	}
	total, header, kind := le32(b[8:]), le32(b[12:]), le16(b[16:])
	if total >= 22 && total <= 4096 && header >= 18 && header <= total-4 && (kind == 2 && header == 18 || kind == 1 || kind == 3) {
		return match{protocol: TDS, strength: Full, sender: client, reason: reasonTDSRequest}
	}
	if b[0] == tdsBatch {
		for i := 8; i < 18; i += 2 {
			if b[i] < ' ' || b[i] > '~' || b[i+1] != 0 {
				return match{}
			}
		}
		return match{protocol: TDS, strength: Full, sender: client, reason: reasonTDSText}
	}
	return match{}
}

// tdsOtherTokens are those that follow others, of columns, rows, values and
// states.
const tdsOtherTokens = "\x78\x79\x81\x88\xa4\xa5\xa9\xac\xae\xd1\xd2\xd3\xe4\xed\xee"

// tdsTokens recognises a response by its tokens (section 2.2.7).
func tdsTokens(m *message, size int) match {
	b := m.b
	at, tokens := tdsHeader, 0
	for at < size && tokens < 2 {
		if len(b) < at+3 {
			break
		}
		switch b[at] {
		case 0xaa, 0xab, 0xad, 0xe3, 0xe5: // ERROR, INFO, LOGINACK, ENVCHANGE, EED of Sybase
			length := le16(b[at+1:])
			if length == 0 || at+3+length > size {
				return match{}
			}
			at += 3 + length
		case 0xfd, 0xfe, 0xff: // DONE, DONEPROC, DONEINPROC; the count has eight bytes since 7.2
			if b[at+1]&^0x37 != 0 || b[at+2]&^1 != 0 {
				return match{}
			}
			if size-at == 9 {
				at += 9
			} else {
				at += 13
			}
			if at > size {
				return match{}
			}
		default:
			if tokens == 0 || !contains(tdsOtherTokens, b[at]) {
				return match{}
			}
		}
		tokens++
	}
	switch {
	case tokens >= 2 || tokens == 1 && at == size && m.ends(size):
		return match{protocol: TDS, strength: Full, sender: server, reason: reasonTDSTokens}
	case tokens == 1:
		return match{protocol: TDS, strength: Likely, sender: server, reason: reasonTDSToken}
	}
	return match{}
}

// TNS, Oracle's transport: packets with a header of eight bytes, of which the
// checksums have long been zero. Oracle has not published it; the fields are
// those that its trace files name and that Wireshark's users see.
const (
	tnsConnect  = 1
	tnsAccept   = 2
	tnsRefuse   = 4
	tnsRedirect = 5
	tnsData     = 6
	tnsResend   = 11
)

const (
	reasonTNSConnect  = "TNS connect: versions, offset and length fit"
	reasonTNSAccept   = "TNS accept: version and offset fit"
	reasonTNSRefuse   = "TNS refusal or redirection with its text"
	reasonTNSResend   = "TNS request to send again"
	reasonTNSData     = "header of a TNS data packet"
	tnsOldest         = 300
	tnsNewest         = 399
	tnsConnectHeader  = 34
	tnsRefuseHeader   = 12
	tnsRedirectHeader = 10
)

// findTNS recognises the packets that open a connection; a data packet has
// little of its own.
func findTNS(m *message) match {
	b := m.b
	size := be16(b)
	if size < 8 || b[2] != 0 || b[3] != 0 || b[6] != 0 || b[7] != 0 {
		return match{}
	}
	switch b[4] {
	case tnsConnect:
		if size < tnsConnectHeader || len(b) < tnsConnectHeader {
			return match{}
		}
		version, oldest := be16(b[8:]), be16(b[10:])
		length, offset := be16(b[24:]), be16(b[26:])
		if version < tnsOldest || version > tnsNewest || oldest < tnsOldest-50 || oldest > version || !tnsOne(b[22:]) ||
			offset < tnsConnectHeader || offset > 100 || offset+length != size && offset != size {
			return match{}
		}
		if offset < size && offset < len(b) && b[offset] != '(' {
			return match{}
		}
		return match{protocol: TNS, strength: Full, sender: client, reason: reasonTNSConnect}
	case tnsAccept:
		if size < 24 || len(b) < 24 {
			return match{}
		}
		version, length, offset := be16(b[8:]), be16(b[18:]), be16(b[20:])
		if version < tnsOldest || version > tnsNewest || !tnsOne(b[16:]) || offset < 24 || offset+length > size {
			return match{}
		}
		return match{protocol: TNS, strength: Full, sender: server, reason: reasonTNSAccept}
	case tnsRefuse:
		if len(b) <= tnsRefuseHeader || tnsRefuseHeader+be16(b[10:]) != size || b[tnsRefuseHeader] != '(' {
			return match{}
		}
		return match{protocol: TNS, strength: Full, sender: server, reason: reasonTNSRefuse}
	case tnsRedirect:
		if len(b) <= tnsRedirectHeader || tnsRedirectHeader+be16(b[8:]) != size || b[tnsRedirectHeader] != '(' {
			return match{}
		}
		return match{protocol: TNS, strength: Full, sender: server, reason: reasonTNSRefuse}
	case tnsResend:
		if size != 8 || m.n < 8 || b[5]&^4 != 0 {
			return match{}
		}
		found := match{protocol: TNS, strength: Likely, sender: server, reason: reasonTNSResend}
		if next := b[8:]; m.ends(8) || len(next) >= 8 && be16(next) >= 8 && allZero(next[2:4]) && next[4] >= tnsAccept && next[4] <= tnsResend && allZero(next[6:8]) {
			found.strength = Full
		}
		return found
	case tnsData:
		if size < 11 || b[5]&^6 != 0 || len(b) < 10 || b[8] != 0 || b[9]&^0x60 != 0 {
			return match{}
		}
		return match{protocol: TNS, strength: Likely, reason: reasonTNSData}
	}
	return match{}
}

// tnsOne reports the number 1 in the sender's own order of bytes.
func tnsOne(b []byte) bool { return b[0] == 0 && b[1] == 1 || b[0] == 1 && b[1] == 0 }
