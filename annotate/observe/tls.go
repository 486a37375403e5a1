package observe

// TLS: records (RFC 8446 section 5.1, RFC 5246 section 6.2.1) that begin with
// content type, version and length.
const (
	tlsChangeCipherSpec = 20
	tlsAlert            = 21
	tlsHandshake        = 22
	tlsApplicationData  = 23

	tlsMaxRecord = 1<<14 + 2048 // RFC 5246 section 6.2.3; TLS 1.3 allows less

	tlsClientHello = 1
	tlsServerHello = 2
)

const (
	reasonClientHello = "TLS ClientHello: record, lengths and lists fit"
	reasonServerHello = "TLS ServerHello: record, version and lengths fit"
	reasonSSL2Hello   = "SSL 2 CLIENT-HELLO: lengths fit"
	reasonTLSRecords  = "TLS records follow each other"
	reasonTLSRecord   = "header of a TLS record"
)

// tlsVersion reports the versions SSL 3.0 to TLS 1.3 as a record has them.
func tlsVersion(b []byte) bool { return b[0] == 3 && b[1] <= 4 }

// findTLS recognises a ClientHello or ServerHello, or a stream that begins
// with other records, as a capture from its middle does.
func findTLS(m *message) match {
	b := m.b
	if b[0] == 0x80 {
		return findSSL2(m)
	}
	size := be16(b[3:])
	if !tlsVersion(b[1:]) || size == 0 || size > tlsMaxRecord {
		return match{}
	}
	found := tlsChain(b)
	if b[0] == tlsHandshake && len(b) > 5 && (b[5] == tlsClientHello || b[5] == tlsServerHello) {
		if hello := tlsHello(m, size); hello.strength != None || found.strength != Full {
			return hello
		}
	}
	return found
}

// tlsHello recognises the handshake messages that open a connection. An
// encrypted handshake message has any first byte.
func tlsHello(m *message, size int) match {
	b := m.b
	if len(b) < 11 || size < 4 {
		return match{}
	}
	length := be24(b[6:])
	switch b[5] {
	case tlsClientHello:
		found := match{protocol: TLS, sender: client, reason: reasonClientHello}
		if !tlsVersion(b[9:]) || length < 38 {
			return match{}
		}
		ok, whole := clientHello(b, 9, 9+length, &found, false)
		if !ok {
			return match{}
		}
		found.strength = Likely
		if whole || len(b) >= 44 {
			// Type, version, message type, three bytes of length that agree
			// with the record's, and the inner version.
			if length+4 <= size || length+4 > tlsMaxRecord-2048 || size == 1<<14 {
				found.strength = Full
			}
		}
		return found
	case tlsServerHello:
		if !tlsVersion(b[9:]) || length < 38 || length > size-4 && length > 1<<14 {
			return match{}
		}
		found := match{protocol: TLS, sender: server, reason: reasonServerHello, strength: Likely}
		if len(b) < 44 {
			return found
		}
		sid := int(b[43])
		if sid > 32 || 38+sid > length {
			return match{}
		}
		at := 44 + sid
		if len(b) >= at+3 {
			if b[at+2] != 0 && b[at+2] != 1 && b[at+2] != 64 { // compression: null, DEFLATE, LZS
				return match{}
			}
			found.strength = Full
			if len(b) >= at+5 && length > 38+sid {
				extensions(b, at+3, 9+length, &found, true)
			}
		}
		return found
	}
	return match{}
}

// clientHello walks a ClientHello's body (RFC 8446 section 4.1.2), which lies
// in b from at to end, as far as b goes. DTLS has a cookie after the session
// identifier (RFC 6347 section 4.2.1). ok is false where a length does not
// fit; whole says that all of it was there.
func clientHello(b []byte, at, end int, found *match, dtls bool) (ok, whole bool) {
	at += 2 + 32
	next := func(width, limit int) bool { // skips a vector with a length of width bytes
		if at+width > end {
			ok = false
			return false
		}
		if at+width > len(b) {
			return false
		}
		n := int(b[at])
		if width == 2 {
			n = be16(b[at:])
		}
		if n > limit || at+width+n > end {
			ok = false
			return false
		}
		at += width + n
		return true
	}
	ok = true
	if !next(1, 32) {
		return ok, false
	}
	if dtls && !next(1, 255) {
		return ok, false
	}
	ciphers := at
	if !next(2, 1<<16-2) {
		return ok, false
	}
	if n := at - ciphers - 2; n == 0 || n%2 != 0 {
		return false, false
	}
	if !next(1, 255) {
		return ok, false
	}
	if at == end {
		return true, true // no extensions: SSL 3.0, TLS 1.0
	}
	return extensions(b, at, end, found, false)
}

// extensions walks the extensions of a hello (RFC 8446 section 4.2) and keeps
// the server's name (RFC 6066 section 3) and the first application protocol
// (RFC 7301 section 3.1).
func extensions(b []byte, at, end int, found *match, fromServer bool) (ok, whole bool) {
	if at+2 > end {
		return false, false
	}
	if at+2 > len(b) {
		return true, false
	}
	if at+2+be16(b[at:]) != end {
		return false, false
	}
	at += 2
	for at < end {
		if at+4 > end {
			return false, false
		}
		if at+4 > len(b) {
			return true, false
		}
		kind, size := be16(b[at:]), be16(b[at+2:])
		at += 4
		if at+size > end {
			return false, false
		}
		if at+size > len(b) {
			return true, false
		}
		body := b[at : at+size]
		switch kind {
		case 0: // server_name
			if !fromServer && size >= 5 && body[2] == 0 {
				if n := be16(body[3:]); n > 0 && 5+n <= size {
					found.name = span{at + 5, n}
				}
			}
		case 16: // application_layer_protocol_negotiation
			if size >= 3 {
				if n := int(body[2]); n > 0 && 3+n <= size {
					found.alpn = span{at + 3, n}
				}
			}
		}
		at += size
	}
	return true, true
}

// findSSL2 recognises the hello that old clients send to servers of any
// version (RFC 5246 appendix E.2). SSL 2.0 itself counts as well.
func findSSL2(m *message) match {
	b := m.b
	if len(b) < 11 || b[2] != 1 {
		return match{}
	}
	size := int(b[1])
	if !(tlsVersion(b[3:]) || b[3] == 0 && b[4] == 2) {
		return match{}
	}
	ciphers, session, challenge := be16(b[5:]), be16(b[7:]), be16(b[9:])
	if ciphers == 0 || ciphers%3 != 0 || session != 0 && session != 16 || challenge < 16 || challenge > 32 ||
		9+ciphers+session+challenge != size {
		return match{}
	}
	return match{protocol: TLS, strength: Full, sender: client, reason: reasonSSL2Hello}
}

// tlsChain recognises records by their headers. One header alone leaves more
// than one chance in 2^24; a second that stands where the first says is
// certain enough.
func tlsChain(b []byte) match {
	found := match{protocol: TLS, strength: Likely, reason: reasonTLSRecord}
	at := 0
	for records := 0; ; records++ {
		if records == 2 {
			found.strength, found.reason = Full, reasonTLSRecords
			return found
		}
		if len(b) < at+5 {
			break
		}
		size := be16(b[at+3:])
		if b[at] < tlsChangeCipherSpec || b[at] > tlsApplicationData || !tlsVersion(b[at+1:]) || size == 0 || size > tlsMaxRecord {
			return match{}
		}
		switch b[at] {
		case tlsChangeCipherSpec:
			if size != 1 || at+5 < len(b) && b[at+5] != 1 {
				return match{}
			}
		case tlsAlert:
			if size == 2 && at+6 < len(b) && (b[at+5] < 1 || b[at+5] > 2) {
				return match{}
			}
		}
		at += 5 + size
	}
	return found
}
