package observe

const (
	reasonLDAPBind     = "LDAP bind request: version, name and method fit"
	reasonLDAPSearch   = "LDAP search request: base, scope and limits fit"
	reasonLDAPExtended = "LDAP extended request"
	reasonLDAPOther    = "LDAP request"
	reasonLDAPResult   = "LDAP response: result code and names fit"
	reasonLDAPEntry    = "LDAP search result entry"
	reasonLDAPReferral = "LDAP search result reference: its addresses are of LDAP"
	reasonLDAPPartial  = "LDAP intermediate response: its name fits"
)

const ldapStartTLS = "1.3.6.1.4.1.1466.20037" // RFC 4511 section 4.14.1

// findLDAP recognises an LDAPMessage (RFC 4511 section 4.1.1): an identifier
// and an operation with an application tag. In datagrams it is CLDAP.
func findLDAP(m *message) match {
	w := ber{b: m.b, end: m.n}
	if m.stream {
		w.end = 1 << 30
	}
	size, ok := w.expect(berSequence)
	if !ok || !m.holds(w.at+size) {
		return match{}
	}
	w.end = w.at + size
	id, ok := w.integer(berInteger)
	if !ok || id < 0 || id > 1<<31-1 {
		return match{}
	}
	op, size, ok := w.header()
	if !ok {
		return match{}
	}
	w.end = w.at + size
	found := match{protocol: LDAP, strength: Full, sender: client}
	switch op {
	case 0x60: // bind
		found.reason = reasonLDAPBind
		if v, ok := w.integer(berInteger); !ok || v < 1 || v > 3 || !w.skip(berOctetString) {
			return match{}
		}
		if tag, _, ok := w.header(); ok && tag != 0x80 && tag != 0xa3 && tag != 0x8a && tag != 0x89 && tag != 0x8b { // simple, SASL, Microsoft's
			return match{}
		}
	case 0x63: // search
		found.reason = reasonLDAPSearch
		if !w.skip(berOctetString) {
			return match{}
		}
		if v, ok := w.integer(berEnumerated); ok && (v < 0 || v > 3) {
			return match{}
		}
		if v, ok := w.integer(berEnumerated); ok && (v < 0 || v > 3) {
			return match{}
		}
		w.skip(berInteger)
		w.skip(berInteger)
		if w.bad {
			return match{}
		}
	case 0x77: // extended
		found.reason = reasonLDAPExtended
		size, ok := w.expect(0x80)
		if !ok || w.at+size > len(w.b) || size < 3 || !dotted(w.b[w.at:w.at+size]) {
			return match{}
		}
		found.upgrade = string(w.b[w.at:w.at+size]) == ldapStartTLS
	case 0x66, 0x68, 0x6c, 0x6e: // modify, add, modify name, compare
		found.reason = reasonLDAPOther
		if !w.skip(berOctetString) {
			return match{}
		}
		if tag, _, ok := w.header(); !ok || tag != berSequence && tag != berOctetString {
			return match{}
		}
		found.strength = Likely
	case 0x42: // unbind
		if size != 0 {
			return match{}
		}
		found.reason, found.strength = reasonLDAPOther, Full
	case 0x61, 0x65, 0x67, 0x69, 0x6b, 0x6d, 0x6f, 0x78: // results
		found.sender, found.reason = server, reasonLDAPResult
		if v, ok := w.integer(berEnumerated); !ok || v < 0 || v > 123 && v != 4096 || !w.skip(berOctetString) {
			return match{}
		}
	case 0x4a: // delete: a name
		found.reason, found.strength = reasonLDAPOther, Likely
		if size < 3 || indexByte(w.b[w.at:min(len(w.b), w.at+size)], '=') < 0 {
			return match{}
		}
	case 0x50: // abandon: the number of a request
		found.reason, found.strength = reasonLDAPOther, Likely
		if size < 1 || size > 4 {
			return match{}
		}
	case 0x73: // reference: addresses to go on searching at
		found.sender, found.reason = server, reasonLDAPReferral
		if size, ok := w.expect(berOctetString); !ok || size < 7 || !hasPrefixFold(w.b[w.at:], "LDAP") {
			return match{}
		}
	case 0x79: // intermediate response: a name in digits and dots, then perhaps a value
		found.sender, found.reason = server, reasonLDAPPartial
		size, ok := w.expect(0x80)
		if !ok || w.at+size > len(w.b) || size < 3 || !dotted(w.b[w.at:w.at+size]) {
			return match{}
		}
	case 0x64: // entry
		found.sender, found.reason = server, reasonLDAPEntry
		if !w.skip(berOctetString) {
			return match{}
		}
		if _, ok := w.expect(berSequence); !ok && w.bad {
			return match{}
		}
	default:
		return match{}
	}
	return found
}

// dotted reports digits and dots, as an object identifier is written.
func dotted(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) && c != '.' {
			return false
		}
	}
	return true
}
