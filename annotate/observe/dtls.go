package observe

// DTLS: records with an epoch, a sequence number and a length (RFC 6347
// section 4.1), one or more to a datagram.
const (
	dtlsHeader = 13

	dtlsHelloVerifyRequest = 3
)

const (
	reasonDTLSClientHello = "DTLS ClientHello: record, fragment and lists fit"
	reasonDTLSServerHello = "DTLS ServerHello or HelloVerifyRequest: record and fragment fit"
	reasonDTLSRecords     = "DTLS records fill the datagram"
	reasonDTLSRecord      = "header of a DTLS record"
)

// dtlsVersion reports the versions DTLS 1.0 to 1.2 as a record has them, and
// the one that OpenSSL used before the standard.
func dtlsVersion(b []byte) bool {
	return b[0] == 0xfe && (b[1] == 0xff || b[1] == 0xfd) || b[0] == 1 && b[1] == 0
}

// findDTLS recognises datagrams that records of DTLS up to 1.2 fill. The
// hellos of DTLS 1.3 look like these (RFC 9147 section 4); its other records
// have too little in clear.
func findDTLS(m *message) match {
	b := m.b
	at := 0
	for records := 0; ; records++ {
		if len(b) < at+dtlsHeader {
			if at == m.n {
				break
			}
			if at >= len(b) && m.cut() || at < len(b) && m.cut() && records > 0 {
				// The capture ends here: one record says little, two enough.
				if records < 2 {
					found := match{protocol: DTLS, strength: Likely, reason: reasonDTLSRecord}
					return dtlsHello(b, found)
				}
				break
			}
			return match{}
		}
		kind, size := b[at], be16(b[at+11:])
		if kind < 20 || kind > 26 || !dtlsVersion(b[at+1:]) || size == 0 || size > tlsMaxRecord {
			return match{}
		}
		at += dtlsHeader + size
		if at > m.n {
			return match{}
		}
	}
	return dtlsHello(b, match{protocol: DTLS, strength: Full, reason: reasonDTLSRecords})
}

// dtlsHello adds to what was found the role, where the first record opens a
// handshake (RFC 6347 section 4.2).
func dtlsHello(b []byte, found match) match {
	if len(b) < 25+2 || b[0] != tlsHandshake || be16(b[3:]) != 0 {
		return found // not a handshake message in clear
	}
	length, offset, fragment := be24(b[14:]), be24(b[19:]), be24(b[22:])
	if offset+fragment > length || fragment+12 > be16(b[11:]) {
		return found
	}
	switch b[13] {
	case tlsClientHello:
		found.sender, found.reason = client, reasonDTLSClientHello
		found.strength = Full
		if offset == 0 && fragment == length && dtlsVersion(b[25:]) {
			clientHello(b, 25, 25+length, &found, true)
		}
	case tlsServerHello, dtlsHelloVerifyRequest:
		found.sender, found.reason = server, reasonDTLSServerHello
		found.strength = Full
	}
	return found
}
