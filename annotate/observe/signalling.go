package observe

// Signalling over SCTP. The payload protocol identifier of each DATA chunk
// says what the sender means it to be; the first bytes say whether it can be.
//
// The protocols of radio and core networks share one shape, ASN.1 in aligned
// packed encoding (3GPP TS 36.413, 38.413, 36.423, 38.423, 38.473, 37.483 and
// others, section 9; ITU-T X.691): a choice of initiating message, successful
// and unsuccessful outcome, a procedure's number, a criticality, and a length
// that covers the rest. Only the identifier tells them apart.
//
// The adaptation layers of SS7 and ISDN share another (RFC 4666 section 3.1,
// RFC 3331, RFC 3868, RFC 4165, RFC 4233): version, class, type and length.
const (
	aperInitiating   = 0x00
	aperSuccessful   = 0x20
	aperUnsuccessful = 0x40

	s1Setup = 17 // procedures (TS 36.413 section 9.3.7)
	ngSetup = 21 // TS 38.413 section 9.4.7
	x2Setup = 6  // TS 36.423 section 9.3.7
	f1Setup = 1  // TS 38.473 section 9.4.7

	uaHeader = 8
)

const (
	reasonAPER   = "payload protocol identifier and procedure agree"
	reasonSetup  = "setup procedure of a radio network, by its first element"
	reasonUA     = "adaptation layer message: class, type and length fit"
	reasonPPID   = "payload protocol identifier"
	reasonH248   = "H.248 text message"
	reasonSGsAP  = "SGsAP message: type and elements fit"
	sgsMaxLength = 8192
)

// aperProtocol gives the protocol of an identifier that means one of the ASN.1
// protocols.
func aperProtocol(ppid uint32) Protocol {
	switch ppid {
	case 18:
		return S1AP
	case 19:
		return RUA
	case 20:
		return HNBAP
	case 24:
		return SBcAP
	case 27:
		return X2AP
	case 29:
		return LCSAP
	case 43:
		return M2AP
	case 44:
		return M3AP
	case 58:
		return XwAP
	case 60:
		return NGAP
	case 61:
		return XnAP
	case 62:
		return F1AP
	case 64:
		return E1AP
	case 70, 71, 72:
		return E2AP
	case 73:
		return W1AP
	}
	return Unknown
}

// findAPER recognises the ASN.1 protocols.
func findAPER(m *message) match {
	p := aperProtocol(m.ppid)
	if p == Unknown {
		p = aperProtocol(m.ppid>>24 | m.ppid>>8&0xff00 | m.ppid<<8&0xff0000 | m.ppid<<24) // some send the other order of bytes
	}
	b := m.b
	if p == Unknown && m.ppid != 0 || b[0]&^(aperSuccessful|aperUnsuccessful) != 0 || b[0] == aperSuccessful|aperUnsuccessful || b[2]&0x3f != 0 || b[2] == 0xc0 {
		return match{}
	}
	size, at := 0, 4
	switch {
	case b[3] < 0x80:
		size = at + int(b[3])
	case b[3] < 0xc0:
		at = 5
		size = at + be16(b[3:])&0x3fff
	default: // in fragments of 16384 bytes
		if b[3] > 0xc4 || m.n < 16384 {
			return match{}
		}
		size = m.n
	}
	if !m.chunk(size) || size < at+3 || len(b) < at+3 || !aperElements(b[at:], size-at) {
		return match{}
	}
	if p == Unknown && len(b) >= at+5 {
		p = aperSetup(b[0], b[1], be16(b[at+3:]))
	}
	if p == Unknown {
		return match{}
	}
	found := match{protocol: p, strength: Full, reason: reasonAPER}
	if m.ppid == 0 {
		found.reason = reasonSetup
	}
	if setup := p == S1AP && b[1] == s1Setup || p == NGAP && b[1] == ngSetup || p == F1AP && b[1] == f1Setup; setup {
		found.sender = server
		if b[0] == aperInitiating {
			found.sender = client
		}
	}
	return found
}

// aperElements reports whether b may begin the n bytes of a message: a
// sequence of information elements, each with an identifier and a criticality.
func aperElements(b []byte, n int) bool {
	count := be16(b[1:])
	if b[0]&^0x40 != 0 || count > 511 || (count == 0) != (n == 3) {
		return false
	}
	if count == 0 {
		return true
	}
	return n >= 7 && len(b) >= 7 && be16(b[3:]) < 1024 && b[5]&0x3f == 0 && b[5] != 0xc0 && (b[6] >= 0x80 || 7+int(b[6]) <= n)
}

// aperSetup gives the protocol of the procedure that a node begins with, by its
// number and by the first element, where the identifier was left out: the
// eNB's or gNB's own identifier in the request, and in the answer a name or
// what it serves.
func aperSetup(choice, procedure byte, element int) Protocol {
	request, answer := choice == aperInitiating, choice == aperSuccessful
	switch {
	case procedure == s1Setup && (request && element == 59 || answer && (element == 61 || element == 105)):
		return S1AP
	case procedure == ngSetup && (request && element == 27 || answer && element == 1):
		return NGAP
	case procedure == x2Setup && (request || answer) && element == 21:
		return X2AP
	}
	return Unknown
}

// uaProtocol gives the protocol of an identifier that means an adaptation
// layer.
func uaProtocol(ppid uint32) Protocol {
	switch ppid {
	case 1:
		return IUA
	case 2:
		return M2UA
	case 3:
		return M3UA
	case 4:
		return SUA
	case 5:
		return M2PA
	}
	return Unknown
}

// findUA recognises the adaptation layers. Without an identifier, the classes
// that only one of them has tell which it is.
func findUA(m *message) match {
	b := m.b
	size := int(be32(b[4:]))
	if b[0] != 1 || b[1] != 0 || b[3] > 12 || size < uaHeader || !m.chunk(size) && !m.chunk((size+3)&^3) {
		return match{}
	}
	class, of := b[2], Unknown
	switch class {
	case 0, 3, 4, 9: // management, state and traffic of application servers, routing keys
		if b[3] > 6 || class != 0 && b[3] == 0 {
			return match{}
		}
		of = uaProtocol(m.ppid)
		if of == M2PA {
			return match{}
		}
	case 1, 2: // transfer and state of SS7 networks
		of = M3UA
		if class == 2 && m.ppid == 4 {
			of = SUA
		}
	case 5:
		of = IUA
	case 6:
		of = M2UA
	case 7, 8:
		of = SUA
	case 11:
		of = M2PA
		if b[3] > 2 || size < 16 || len(b) < 16 || b[8] != 0 || b[12] != 0 {
			return match{}
		}
	}
	if of == Unknown || class != 0 && b[3] == 0 || m.ppid != 0 && of != uaProtocol(m.ppid) {
		return match{}
	}
	if of != M2PA && size > uaHeader {
		// The first parameter: a tag and its length.
		if size < uaHeader+4 || len(b) >= uaHeader+4 && (be16(b[10:]) < 4 || uaHeader+be16(b[10:]) > size) {
			return match{}
		}
	}
	return match{protocol: of, strength: Full, reason: reasonUA}
}

// findH248 recognises the text encoding of H.248, also called Megaco (ITU-T
// H.248.1 annex B, RFC 3525), over any transport.
func findH248(m *message) match {
	b := m.b
	at := 0
	switch {
	case hasPrefix(b, "MEGACO/"):
		at = 7
	case hasPrefix(b, "!/"):
		at = 2
	default:
		return match{}
	}
	if len(b) < at+3 || !isDigit(b[at]) || b[at] == '0' {
		return match{}
	}
	for at++; at < len(b) && (b[at] == ' ' || b[at] == '\r' || b[at] == '\n' || b[at] == '\t' || isDigit(b[at])); at++ {
	}
	// Who sends it: an address in brackets, a name in angle brackets, or in the
	// long form a device's name.
	if at == len(b) {
		return match{}
	}
	closing := byte(']')
	switch {
	case b[at] == '[':
	case b[at] == '<':
		closing = '>'
	case b[0] == '!' || !isAlpha(b[at]):
		return match{}
	default:
		closing = 0
	}
	for i := at + 1; closing != 0; i++ {
		if i == len(b) || i > at+64 || b[i] <= ' ' || b[i] > '~' {
			return match{}
		}
		if b[i] == closing {
			if i < at+4 {
				return match{}
			}
			break
		}
	}
	return match{protocol: H248, strength: Full, reason: reasonH248}
}

// findSGsAP recognises the messages between MME and VLR (3GPP TS 29.118
// sections 8 and 9), which have no identifier of their own: a type, then
// elements of a type, a length and a value.
func findSGsAP(m *message) match {
	b := m.b
	if m.ppid != 0 || b[0] == 0 || b[0] > 0x1f || m.n > sgsMaxLength {
		return match{}
	}
	// The IMSI comes first, or in a message about a node its name.
	if b[1] != 1 && b[1] != 2 && b[1] != 9 || b[1] == 1 && (b[2] < 4 || b[2] > 8) {
		return match{}
	}
	at, elements := 1, 0
	for at < m.n && (at < len(b) || elements == 0) {
		if at+2 > len(b) {
			if at+2 > m.n {
				return match{}
			}
			break
		}
		if b[at] == 0 || b[at] > 0x3f {
			return match{}
		}
		at += 2 + int(b[at+1])
		elements++
	}
	if at > m.n || elements == 0 {
		return match{}
	}
	return match{protocol: SGsAP, strength: Likely, reason: reasonSGsAP}
}
