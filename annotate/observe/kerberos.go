package observe

const reasonKerberos = "Kerberos message: application tag, version 5 and message type agree"

// findKerberos recognises messages to and from a key distribution centre (RFC
// 4120 sections 5.4 and 5.9): the application tag, the protocol version and
// the message type say the same twice.
func findKerberos(m *message) match {
	return kerberosIn(m.b, m.n)
}

// findKerberosOverTCP has a length of four bytes before (section 7.2.2).
func findKerberosOverTCP(m *message) match {
	size := be32(m.b)
	if size < 12 || size > 1<<20 {
		return match{}
	}
	return kerberosIn(m.b[4:], int(size))
}

func kerberosIn(b []byte, n int) match {
	w := ber{b: b, end: n}
	tag, size, ok := w.header()
	if !ok || tag < 0x6a || w.at+size != n {
		return match{}
	}
	found := match{protocol: Kerberos, strength: Full, reason: reasonKerberos}
	kind := int(tag & 0x1f)
	version := byte(0xa0) // context tag of the version; that of the type follows
	switch kind {
	case 10, 12: // AS-REQ, TGS-REQ
		found.sender, version = client, 0xa1
	case 14: // AP-REQ
		found.sender = client
	case 11, 13, 15, 30: // AS-REP, TGS-REP, AP-REP, KRB-ERROR
		found.sender = server
	default:
		return match{}
	}
	if _, ok := w.expect(berSequence); !ok {
		return match{}
	}
	for i, want := range [2]int{5, kind} {
		if _, ok := w.expect(version + byte(i)); !ok {
			return match{}
		}
		if v, ok := w.integer(berInteger); !ok || v != want {
			return match{}
		}
	}
	return found
}
