package observe

// RMCP: management of hardware (DMTF DSP0136 "Alert Standard Format" section
// 3.2, Intel "IPMI v2.0" section 13): version, reserved byte, sequence number
// and class.
const (
	rmcpVersion = 6
	rmcpASF     = 6
	rmcpIPMI    = 7
	asfNumber   = 4542 // IANA enterprise number
	asfPing     = 0x80
	asfPong     = 0x40
	ipmi2       = 6 // format of RMCP+

	reasonASF  = "RMCP message of the Alert Standard Format"
	reasonIPMI = "RMCP message of IPMI: lengths and check sum fit"
)

// findRMCP recognises ASF presence messages and IPMI.
func findRMCP(m *message) match {
	b := m.b
	if b[0] != rmcpVersion || b[1] != 0 || len(b) < 12 {
		return match{}
	}
	found := match{protocol: RMCP, strength: Full, reason: reasonASF}
	switch b[3] {
	case rmcpASF:
		if be32(b[4:]) != asfNumber || b[10] != 0 || !m.ends(12+int(b[11])) {
			return match{}
		}
		switch b[8] {
		case asfPing:
			found.sender = client
		case asfPong:
			found.sender = server
		}
		return found
	case rmcpIPMI:
		found.reason = reasonIPMI
		if b[4] == ipmi2 {
			// Payload type, session, sequence number, length. Inside a session a
			// trailer follows.
			if len(b) < 16 || b[5]&0x3f > 0x22 || b[5]&0x3f == 2 {
				return match{}
			}
			size := le16(b[14:])
			if size == 0 || b[5]&0x40 == 0 && !m.ends(16+size) || b[5]&0x40 != 0 && m.n < 16+size+2 {
				return match{}
			}
			switch b[5] {
			case 0x10, 0x12, 0x14: // open session, RAKP 1 and 3
				found.sender = client
			case 0x11, 0x13, 0x15:
				found.sender = server
			}
			return found
		}
		at := 13
		if b[4] != 0 {
			at += 16
		}
		if b[4] == 3 || b[4] > 5 || len(b) < at+4 {
			return match{}
		}
		// An even network function is a request's. Some messages have a byte
		// of padding.
		size := int(b[at])
		if size < 7 || m.n != at+1+size && m.n != at+2+size || b[at+1]+b[at+2]+b[at+3] != 0 {
			return match{}
		}
		found.sender = client
		if b[at+2]>>2&1 != 0 {
			found.sender = server
		}
		return found
	}
	return match{}
}

// CoAP: a header of four bytes, a token, options and a payload (RFC 7252
// section 3).
const (
	coapMarker = 0xff

	coapURIHost  = 3
	coapURIPath  = 11
	coapURIQuery = 15

	reasonCoAP = "CoAP message: code, options and their texts fit"
)

// findCoAP recognises a message by its options, which must be known ones. A
// short message has little of its own.
func findCoAP(m *message) match {
	b := m.b
	token, code := int(b[0]&0xf), b[1]
	if b[0]>>6 != 1 || token > 8 || m.cut() {
		return match{}
	}
	found := match{protocol: CoAP, strength: Likely, reason: reasonCoAP}
	switch code >> 5 {
	case 0:
		if code == 0 || code > 7 {
			return match{}
		}
		found.sender = client
	case 2:
		if c := code & 0x1f; c == 0 || c > 5 && c != 31 {
			return match{}
		}
		found.sender = server
	case 4:
		if c := code & 0x1f; c > 9 && c != 12 && c != 13 && c != 15 && c != 22 && c != 29 {
			return match{}
		}
		found.sender = server
	case 5:
		if code&0x1f > 8 {
			return match{}
		}
		found.sender = server
	default:
		return match{}
	}
	at, option, text := 4+token, 0, 0
	options := 0
	for at < len(b) && b[at] != coapMarker {
		delta, size := int(b[at]>>4), int(b[at]&0xf)
		at++
		for _, v := range [...]*int{&delta, &size} {
			switch *v {
			case 13:
				if at == len(b) {
					return match{}
				}
				*v = 13 + int(b[at])
				at++
			case 14:
				if at+2 > len(b) {
					return match{}
				}
				*v = 269 + be16(b[at:])
				at += 2
			case 15:
				return match{}
			}
		}
		option += delta
		if at+size > len(b) || !coapOption(option, size) {
			return match{}
		}
		if option == coapURIHost || option == coapURIPath || option == coapURIQuery {
			if !printable(b[at : at+size]) {
				return match{}
			}
			text += size
		}
		at += size
		options++
	}
	if at > len(b) || at == len(b)-1 || options == 0 {
		return match{}
	}
	// With two and a half bits in each character to match by chance, sixteen
	// are enough together with the rest.
	if text >= 16 {
		found.strength = Full
	}
	return found
}

// coapOption reports whether there is an option of that number and length (RFC
// 7252 section 5.10; 7641, 7959, 7967, 8613, 9175).
func coapOption(option, size int) bool {
	limit := 0
	switch option {
	case 5: // If-None-Match
	case 7, 12, 17: // Uri-Port, Content-Format, Accept
		limit = 2
	case 6, 23, 27: // Observe, Block2, Block1
		limit = 3
	case 14, 28, 60: // Max-Age, Size2, Size1
		limit = 4
	case 1, 4, 292: // If-Match, ETag, Request-Tag
		limit = 8
	case 258: // No-Response
		limit = 1
	case coapURIHost, 8, coapURIPath, coapURIQuery, 20, 39, 9, 252: // Location-Path and -Query, Proxy-Scheme, OSCORE, Echo
		limit = 255
	case 35: // Proxy-Uri
		limit = 1034
	default:
		return false
	}
	return size <= limit
}

// GSMTAP: a header of 16 bytes before frames of radio networks (libosmocore,
// "gsmtap.h").
const (
	gsmtapVersion  = 2
	gsmtapWords    = 4
	gsmtapTypes    = 0x20
	gsmtapUm       = 1
	gsmtapBlock    = 23
	gsmtapMaxFrame = 2715648 // of the frame number (3GPP TS 45.002 section 4.3.3)

	reasonGSMTAP = "GSMTAP header: version, type and frame number fit"
)

// findGSMTAP recognises the header.
func findGSMTAP(m *message) match {
	b := m.b
	if b[0] != gsmtapVersion || b[1] != gsmtapWords || b[2] == 0 || b[2] > gsmtapTypes || b[3] > 7 || be32(b[8:]) >= gsmtapMaxFrame || b[15] != 0 || m.n <= 16 {
		return match{}
	}
	found := match{protocol: GSMTAP, strength: Likely, sender: client, reason: reasonGSMTAP}
	// A block of a GSM channel has 23 bytes, and the kind of channel is known.
	if b[2] == gsmtapUm && m.ends(16+gsmtapBlock) && b[12]&0x7f >= 1 && b[12]&0x7f <= 16 && b[4]|b[5] != 0 {
		found.strength = Full
	}
	return found
}
