package observe

const (
	reasonSNMP  = "SNMP message: version, community and PDU fit"
	reasonSNMP3 = "SNMP version 3 message: header fields fit"
)

// findSNMP recognises messages of version 1 and 2c (RFC 1157 section 4, RFC
// 1901 section 3) and 3 (RFC 3412 section 6).
func findSNMP(m *message) match {
	w := ber{b: m.b, end: m.n}
	if m.stream {
		w.end = 1 << 30
	}
	size, ok := w.expect(berSequence)
	if !ok || !m.fits(w.at+size) {
		return match{}
	}
	w.end = w.at + size
	version, ok := w.integer(berInteger)
	if !ok {
		return match{}
	}
	switch version {
	case 0, 1:
		return snmpCommunity(&w, version)
	case 3:
		return snmpV3(&w)
	}
	return match{}
}

func snmpCommunity(w *ber, version int) match {
	size, ok := w.expect(berOctetString)
	if !ok || size > 255 {
		return match{}
	}
	w.at += size
	found := match{protocol: SNMP, strength: Likely, reason: reasonSNMP}
	tag, _, ok := w.header()
	if !ok {
		if w.bad || w.at < len(w.b) && w.at+2 <= len(w.b) {
			return match{}
		}
		return found
	}
	switch tag {
	case 0xa0, 0xa1, 0xa3: // get, get-next, set
		found.sender = client
	case 0xa2: // response
		found.sender = server
	case 0xa4: // trap of version 1: to the manager's port 162
		if version != 0 {
			return match{}
		}
		found.sender = client
	case 0xa5, 0xa6, 0xa7, 0xa8: // get-bulk, inform, trap, report
		if version == 0 {
			return match{}
		}
		found.sender = client
		if tag == 0xa8 {
			found.sender = server
		}
	default:
		return match{}
	}
	if tag == 0xa4 {
		if !w.skip(berOID) && w.bad {
			return match{}
		}
	} else if _, ok := w.integer(berInteger); !ok && w.bad {
		return match{}
	}
	found.strength = Full
	return found
}

// snmpV3 reads msgGlobalData: identifier, largest size, flags, security model.
func snmpV3(w *ber) match {
	if _, ok := w.expect(berSequence); !ok {
		return match{}
	}
	if _, ok := w.integer(berInteger); !ok {
		return match{}
	}
	largest, ok := w.integer(berInteger)
	if !ok || largest < 484 {
		return match{}
	}
	if size, ok := w.expect(berOctetString); !ok || size != 1 || w.at >= len(w.b) {
		return match{}
	}
	flags := w.b[w.at]
	w.at++
	model, ok := w.integer(berInteger)
	if !ok || model < 1 || flags > 7 || flags&3 == 2 {
		return match{}
	}
	found := match{protocol: SNMP, strength: Full, reason: reasonSNMP3}
	// Requests are to be reported on, responses and traps are not.
	if flags&4 != 0 {
		found.sender = client
	}
	return found
}
