package observe

// DICOM: the upper layer's units of a type and a length (NEMA PS3.8 section 9.3).
const (
	dicomHeader  = 6
	dicomRequest = 74 // an association's bytes before its items
	dicomContext = "1.2.840.10008.3.1.1.1"

	reasonDICOM     = "DICOM association: version, names and context fit"
	reasonDICOMData = "DICOM data: lengths and context fit"
	reasonDICOMEnd  = "DICOM release, abort or rejection"
)

// findDICOM recognises the association's request and acceptance, and data.
func findDICOM(m *message) match {
	b := m.b
	size := int(be32(b[2:]))
	if b[1] != 0 || size < 4 || size > 1<<28 {
		return match{}
	}
	found := match{protocol: DICOM, strength: Full, reason: reasonDICOM}
	switch b[0] {
	case 1, 2:
		// Version 1, two names of 16 characters, 32 bytes that are reserved, and
		// the application context.
		found.sender = client
		if b[0] == 2 {
			found.sender = server
		}
		if size < dicomRequest-dicomHeader || len(b) < 42 || be16(b[6:]) != 1 || !printable(b[10:42]) || b[10] == ' ' && b[26] == ' ' {
			return match{}
		}
		if len(b) < dicomRequest+4 {
			found.strength = Likely
			return found
		}
		if b[dicomRequest] != 0x10 || b[dicomRequest+1] != 0 || !hasPrefix(b[dicomRequest+4:], dicomContext[:min(len(b)-dicomRequest-4, len(dicomContext))]) {
			return match{}
		}
	case 3, 5, 6, 7: // rejection, release and its answer, abort: four bytes
		found.reason, found.strength = reasonDICOMEnd, Likely
		if size != 4 || !m.ends(dicomHeader+4) || len(b) < 10 || b[6] != 0 || b[7] > 2 || b[8] > 3 || (b[0] == 5 || b[0] == 6) && be32(b[6:]) != 0 {
			return match{}
		}
		switch b[0] {
		case 3:
			found.sender = server
		case 5:
			found.sender = client
		}
	case 4: // length of a value, an odd context, whether it is a command, and the last part
		found.reason = reasonDICOMData
		value := be32(b[6:])
		if len(b) < 12 || value < 2 || int(value) > size-4 || b[10]&1 == 0 || b[11] > 3 {
			return match{}
		}
		if int(value) != size-4 && size-4-int(value) < 6 {
			return match{}
		}
		// A command begins with its length, which is an element of group 0.
		if b[11]&1 == 0 || len(b) < 20 || be64(b[12:]) != 0x0000000004000000 {
			found.strength = Likely
		}
	default:
		return match{}
	}
	return found
}

// HL7: a message of segments, between a vertical tab and a file separator (HL7
// Version 2.9 section 2.5; "Transport Specification: MLLP, Release 1").
const (
	reasonHL7    = "HL7 message header behind MLLP's start"
	reasonHL7Ack = "MLLP acknowledgement without a message"
)

// findHL7 recognises a message, a batch or a file, by the header and its
// separators. One that acknowledges another comes from the server.
func findHL7(m *message) match {
	b := m.b
	if len(b) == 4 && m.ends(4) && (b[1] == 0x06 || b[1] == 0x15) && b[2] == 0x1c && b[3] == '\r' {
		return match{protocol: HL7, strength: Likely, sender: server, reason: reasonHL7Ack}
	}
	if len(b) < 10 || !hasPrefix(b[1:], "MSH") && !hasPrefix(b[1:], "BHS") && !hasPrefix(b[1:], "FHS") {
		return match{}
	}
	// The separator of fields, then those of their parts, of which there are three
	// to five.
	separator, end := b[4], 5
	for end < len(b) && end < 11 && b[end] > ' ' && b[end] <= '~' && b[end] != separator && !isAlpha(b[end]) && !isDigit(b[end]) {
		end++
	}
	if isAlpha(separator) || isDigit(separator) || separator <= ' ' || separator > '~' || end < 8 || end > 10 || end == len(b) || b[end] != separator {
		return match{}
	}
	found := match{protocol: HL7, strength: Full, sender: client, reason: reasonHL7}
	if containsFold(b, "\rMSA") || containsFold(b, "|ACK|") || containsFold(b, "|ACK^") {
		found.sender = server
	}
	return found
}
