package observe

// GTP: one header for the tunnels of user data (3GPP TS 29.281 section 5) and
// for the control of versions 1 (TS 29.060 section 6) and 2 (TS 29.274 section
// 5); GTP' carries charging records (TS 32.295 section 6). PFCP has that of
// version 2 (TS 29.244 section 7).
const (
	gtpExtension  = 0x04 // flags of version 1
	gtpSequence   = 0x02
	gtpNPDU       = 0x01
	gtpPiggyback  = 0x10 // flags of version 2
	gtpTEID       = 0x08
	gtpPriority   = 0x04
	gtpEchoAsk    = 1
	gtpEchoAnswer = 2
	gtpErrorInd   = 26
	gtpHeaders    = 31
	gtpEndMarker  = 254
	gtpGPDU       = 255
	gtpRecovery   = 14
)

const (
	reasonGTPU     = "GTP-U packet: length and inner packet fit"
	reasonGTPPath  = "GTP version 1 echo: length fits"
	reasonGTPC1    = "GTP version 1 control message: length and elements fit"
	reasonGTPC2    = "GTP version 2 control message: length and elements fit"
	reasonGTPPrime = "GTP' message: length and elements fit"
	reasonPFCP     = "PFCP message: length and elements fit"
)

// findGTP recognises all of GTP.
func findGTP(m *message) match {
	b := m.b
	switch b[0] >> 4 {
	case 3:
		if b[0]&8 != 0 || be16(b[2:]) != m.n-8 {
			return match{}
		}
		return gtp1(b, m.n)
	case 4, 5:
		if b[0]&0xef != 0x4e { // as GTP' has it
			return gtp2(b, m.n)
		}
	}
	return gtpPrime(b, m.n)
}

func gtp1(b []byte, n int) match {
	at := 8
	if b[0]&(gtpExtension|gtpSequence|gtpNPDU) != 0 {
		at = 12
	}
	if n < at {
		return match{}
	}
	switch b[1] {
	case gtpGPDU:
		if b[0]&gtpExtension != 0 {
			// Each header: its length in units of four bytes, and the next
			// one's type last.
			if len(b) < 12 {
				return match{}
			}
			next := b[11]
			for i := 0; next != 0; i++ {
				if i == 4 || len(b) <= at || b[at] == 0 {
					return match{}
				}
				size := 4 * int(b[at])
				if at+size > n || at+size > len(b) {
					return match{}
				}
				next = b[at+size-1]
				at += size
			}
		}
		if !innerIP(b[min(at, len(b)):], n-at, true) {
			return match{}
		}
		return match{protocol: GTPU, strength: Full, reason: reasonGTPU}
	case gtpEndMarker:
		if n != at || be32(b[4:]) == 0 {
			return match{}
		}
		return match{protocol: GTPU, strength: Likely, reason: reasonGTPU}
	case gtpEchoAsk, gtpEchoAnswer:
		// The same on the user and control paths, but that the user plane's
		// restart counter is always zero (TS 29.281 section 8.2).
		if b[0]&gtpSequence == 0 || be32(b[4:]) != 0 {
			return match{}
		}
		found := match{protocol: GTPU, strength: Likely, reason: reasonGTPPath}
		if n == 14 && len(b) == 14 {
			if b[12] != gtpRecovery {
				return match{}
			}
			if b[13] != 0 {
				found.protocol, found.strength = GTPC, Full
			}
		} else if n != 12 && !gtpElements(b, at, n) {
			return match{}
		}
		return found
	case gtpErrorInd, gtpHeaders:
		if !gtpElements(b, at, n) {
			return match{}
		}
		return match{protocol: GTPU, strength: Full, reason: reasonGTPU}
	}
	// Control messages always have a sequence number.
	if b[0]&gtpSequence == 0 || b[0]&gtpExtension != 0 || b[1] < 3 || b[1] > 129 || b[1] >= 4 && b[1] < 16 {
		return match{}
	}
	found := match{protocol: GTPC, strength: Full, reason: reasonGTPC1}
	if n == at {
		found.strength = Likely
	} else if !gtpElements(b, at, n) {
		return match{}
	}
	return found
}

// gtpFixed gives for each type of information element below 30 how many bytes
// its value has (TS 29.060 section 7.7); 0xff where there is no such type.
const gtpFixed = "\xff\x01\x08\x06\x04\x04\xff\xff\x01\x1c\xff\x01\x03\x01\x01\x01\x04\x04\x05\x01\x01\x01\x09\x01\x01\x02\x02\x02\x02\x01"

// gtpElements walks the elements of versions 0 and 1, which end at n, as far as
// they are there.
func gtpElements(b []byte, at, n int) bool {
	for at < n {
		if at >= len(b) {
			return true
		}
		kind := b[at]
		switch {
		case int(kind) < len(gtpFixed):
			if gtpFixed[kind] == 0xff {
				return false
			}
			at += 1 + int(gtpFixed[kind])
		case kind == 126: // Packet Transfer Command
			at += 2
		case kind == 127: // Charging ID
			at += 5
		case kind < 127:
			return false
		default:
			if at+3 > len(b) {
				return at+3 <= n
			}
			at += 3 + be16(b[at+1:])
		}
	}
	return at == n
}

func gtp2(b []byte, n int) match {
	size := 4 + be16(b[2:])
	at := 8
	if b[0]&gtpTEID != 0 {
		at = 12
	}
	if b[0]&3 != 0 || b[1] == 0 || size < at || size != n && (b[0]&gtpPiggyback == 0 || size > n) || len(b) < at {
		return match{}
	}
	// The last byte is spare, or half of it the priority.
	if b[0]&gtpPriority == 0 && b[at-1] != 0 || b[at-1]&0xf != 0 || b[0]&gtpTEID == 0 && b[1] > 3 {
		return match{}
	}
	found := match{protocol: GTPC, strength: Full, reason: reasonGTPC2}
	if at == size {
		found.strength = Likely
	}
	for at < size {
		if at+4 > len(b) {
			if at+4 > size {
				return match{}
			}
			break
		}
		if b[at] == 0 || b[at+3]&0xf0 != 0 {
			return match{}
		}
		at += 4 + be16(b[at+1:])
	}
	if at > size {
		return match{}
	}
	return found
}

// gtpPrime recognises the protocol of charging gateways. In version 0 the
// header may have 20 bytes, as that of GTP had.
func gtpPrime(b []byte, n int) match {
	if b[0]&0x1e != 0x0e || b[0]>>5 > 2 {
		return match{}
	}
	at := 6
	if b[0] == 0x0e {
		at = 20
	}
	if be16(b[2:]) != n-at || b[1] != 240 && b[1] != 241 || n == at {
		return match{}
	}
	if !gtpElements(b, at, n) || len(b) > at && b[1] == 240 && b[at] != 126 || len(b) > at && b[1] == 241 && b[at] != 1 {
		return match{}
	}
	return match{protocol: GTPPrime, strength: Full, reason: reasonGTPPrime}
}

// findPFCP recognises node messages, which have no session identifier, and
// session messages, which have one.
func findPFCP(m *message) match {
	b := m.b
	session := b[0]&1 != 0
	if b[0]&0xf8 != 0x20 || session != (b[1] >= 50) || b[1] == 0 || b[1] > 57 || b[1] > 15 && b[1] < 50 {
		return match{}
	}
	at := 8
	if session {
		at = 16
	}
	size := 4 + be16(b[2:])
	if size < at || size != m.n && (b[0]&4 == 0 || size > m.n) || len(b) < at || b[at-1]&0xf != 0 || b[0]&2 == 0 && b[at-1] != 0 {
		return match{}
	}
	found := match{protocol: PFCP, strength: Full, reason: reasonPFCP}
	if at == size {
		found.strength = Likely
	}
	for at < size {
		if at+4 > len(b) {
			if at+4 > size {
				return match{}
			}
			break
		}
		if kind := be16(b[at:]); kind == 0 || kind > 511 && kind < 0x8000 {
			return match{}
		}
		at += 4 + be16(b[at+2:])
	}
	if at > size {
		return match{}
	}
	return found
}
