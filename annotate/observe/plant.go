package observe

// S7comm: Siemens' protocol inside ISO transport packets, which RFC 1006 puts
// into TCP (TPKT, section 6; COTP, ISO 8073 and RFC 905 section 13). Siemens
// has not published it; the header is the one that open implementations agree
// on.
const (
	tpktVersion  = 3
	tpktHeader   = 4
	cotpConnect  = 0xe0
	cotpConfirm  = 0xd0
	cotpData     = 0xf0
	cotpSource   = 0xc1 // parameters: the calling and the called selector
	cotpTarget   = 0xc2
	cotpPDUSize  = 0xc0
	s7Protocol   = 0x32
	s7PlusID     = 0x72
	s7Job        = 1
	s7Ack        = 2
	s7AckData    = 3
	s7UserData   = 7
	s7JobHeader  = 10
	s7DataHeader = 12
)

const (
	reasonS7        = "S7 message: header and lengths fit"
	reasonS7Plus    = "S7 message of the newer protocol: lengths fit"
	reasonS7Connect = "ISO connection with the selectors of an S7 controller"
)

// findS7comm recognises the messages, and the connection request whose
// selectors have the form that S7 controllers give them.
func findS7comm(m *message) match {
	b := m.b
	size := be16(b[2:])
	if b[0] != tpktVersion || b[1] != 0 || size < 7 || !m.stream && size != m.n {
		return match{}
	}
	switch b[5] & 0xf0 {
	case cotpConnect, cotpConfirm:
		return s7Connection(b, size)
	case cotpData:
		if b[4] != 2 || len(b) < 9 {
			return match{}
		}
	default:
		return match{}
	}
	p, n := b[7:], size-7
	switch p[0] {
	case s7Protocol:
		header := s7JobHeader
		if p[1] == s7Ack || p[1] == s7AckData {
			header = s7DataHeader
		}
		if n < header || len(p) < header || p[2] != 0 || p[3] != 0 || header+be16(p[6:])+be16(p[8:]) != n {
			return match{}
		}
		found := match{protocol: S7comm, strength: Full, reason: reasonS7}
		switch p[1] {
		case s7Job:
			found.sender = client
		case s7Ack, s7AckData:
			found.sender = server
		case s7UserData:
		default:
			return match{}
		}
		return found
	case s7PlusID:
		// Version, then the length of what follows, and four bytes at the end
		// that repeat the header.
		if len(p) < 4 || p[1] == 0 || p[1] > 3 && p[1] < 0xfd || be16(p[2:])+4 != n && be16(p[2:])+8 != n {
			return match{}
		}
		return match{protocol: S7comm, strength: Full, reason: reasonS7Plus}
	}
	return match{}
}

// s7Connection recognises a connection request or confirmation of class 0 with
// two selectors of two bytes: the kind of connection, and rack and slot.
func s7Connection(b []byte, size int) match {
	if int(b[4]) != size-5 || size < 11+4 || len(b) < size || b[10] != 0 {
		return match{}
	}
	source, target, named := false, false, false
	for at := 11; at < size; {
		if at+2 > size || at+2+int(b[at+1]) > size {
			return match{}
		}
		n := int(b[at+1])
		value := b[at+2 : at+2+n]
		switch b[at] {
		case cotpPDUSize:
			if n != 1 || value[0] < 7 || value[0] > 13 {
				return match{}
			}
		case cotpSource:
			source = n == 2
		case cotpTarget:
			named = hasPrefix(value, "SIMATIC-ROOT-")
			target = named || n == 2 && (value[0] >= 1 && value[0] <= 3 || value[0] == 0x10)
		default:
			return match{}
		}
		at += 2 + n
	}
	if !source || !target {
		return match{}
	}
	found := match{protocol: S7comm, strength: Likely, sender: client, reason: reasonS7Connect}
	if b[5]&0xf0 == cotpConfirm {
		found.sender = server
	}
	if named {
		found.strength = Full
	}
	return found
}

// IEC 60870-5-104: frames of a start byte, a length, four bytes of control
// (section 5), and in I-format a data unit (IEC 60870-5-101 section 7).
const (
	iecStart  = 0x68
	iecMaxLen = 253
)

const (
	reasonIECControl = "IEC 104 frame that starts or tests the transfer"
	reasonIECHeader  = "IEC 104 frame with the header of a data unit"
	reasonIECData    = "IEC 104 data unit: type, number of objects and length fit"
)

// findIEC104 recognises a frame that starts, stops or tests the transfer, and
// a data unit whose objects take up the frame.
func findIEC104(m *message) match {
	b := m.b
	size := int(b[1])
	if b[0] != iecStart || size < 4 || size > iecMaxLen || m.n < 2+size || m.n > 2+size && len(b) > 2+size && b[2+size] != iecStart {
		return match{}
	}
	if b[2]&1 == 0 {
		return iecUnit(m, size)
	}
	if size != 4 {
		return match{}
	}
	found := match{protocol: IEC104, strength: Full, reason: reasonIECControl}
	if b[2] == 1 { // S-format: it counts what was received
		if b[3] != 0 || b[4]&1 != 0 || !m.ends(6) {
			return match{}
		}
		found.strength = Likely
		return found
	}
	if !allZero(b[3:6]) {
		return match{}
	}
	switch b[2] {
	case 0x07, 0x13: // STARTDT and STOPDT activation, from the controlling station
		found.sender = client
	case 0x0b, 0x23:
		found.sender = server
	case 0x43, 0x83: // TESTFR
	default:
		return match{}
	}
	return found
}

// iecSizes gives for each type identification how many bytes the
// elements of one object take, the object's address not counted; 0 where there
// is no such type (IEC 60870-5-101 section 7.3, IEC 60870-5-104 section 8).
var iecSizes = [...]byte{
	1: 1, 3: 1, 5: 2, 7: 5, 9: 3, 11: 3, 13: 5, 15: 5, 20: 5, 21: 2, 30: 8, 31: 8, 32: 9, 33: 12, 34: 10, 35: 10, 36: 12, 37: 12,
	38: 10, 39: 11, 40: 11, 45: 1, 46: 1, 47: 1, 48: 3, 49: 3, 50: 5, 51: 4, 58: 8, 59: 8, 60: 8, 61: 10, 62: 10, 63: 12, 64: 11,
	70: 1, 100: 1, 101: 1, 102: 0, 103: 7, 104: 2, 105: 1, 106: 2, 107: 9, 110: 3, 111: 3, 112: 5, 113: 1,
	120: 6, 121: 7, 122: 4, 123: 5, 124: 4, 126: 13, 127: 16,
}

func iecUnit(m *message, size int) match {
	b := m.b
	if size < 4+6+3 || len(b) < 12 || b[4]&1 != 0 {
		return match{}
	}
	kind, number, cause := int(b[6]), int(b[7]&0x7f), b[8]&0x3f
	if kind >= len(iecSizes) || iecSizes[kind] == 0 && kind != 102 || number == 0 || cause == 0 || cause > 47 || cause > 16 && cause < 20 {
		return match{}
	}
	found := match{protocol: IEC104, strength: Full, reason: reasonIECData}
	element, objects := int(iecSizes[kind]), size-4-6
	want := number * (3 + element)
	if b[7]&0x80 != 0 { // one address, and elements in sequence
		want = 3 + number*element
	}
	if objects != want {
		// Scanners send some that do not fit.
		if !m.ends(2 + size) {
			return match{}
		}
		found.strength, found.reason = Likely, reasonIECHeader
	} else if (b[8]&0x80 != 0 || b[9] != 0) && len(b) < 2+size+6 {
		// A test, or another originator than the usual one, and no second frame.
		found.strength = Likely
	}
	switch {
	case found.strength != Full: // scanners send what stations do not
	case kind < 45 || kind == 70, cause == 7, cause == 9, cause == 10, cause >= 44:
		found.sender = server // it monitors, confirms, ends, or refuses
	case cause == 6, cause == 8:
		found.sender = client // it activates or deactivates
	}
	return found
}

// OPC UA: messages of a type, a chunk's kind, a length (OPC 10000-6 section
// 7.1.2).
const (
	opcHeader  = 8
	opcMaxSize = 1 << 26

	reasonOPCUAHello = "OPC UA hello or acknowledgement: buffers fit"
	reasonOPCUAOpen  = "OPC UA secure channel: policy's name fits"
	reasonOPCUA      = "OPC UA message: type, chunk and length fit"
	opcPolicy        = "http://opcfoundation.org/UA/SecurityPolicy#"
)

// findOPCUA recognises the messages of the binary protocol over TCP.
func findOPCUA(m *message) match {
	b := m.b
	size := int(le32(b[4:]))
	if size < opcHeader+4 || size > opcMaxSize || b[3] != 'F' && b[3] != 'C' && b[3] != 'A' {
		return match{}
	}
	found := match{protocol: OPCUA, strength: Full, reason: reasonOPCUAHello}
	switch string(b[:3]) {
	case "HEL": // version, two buffers, two limits, the endpoint's address
		found.sender = client
		if b[3] != 'F' || size < 32 || size > 32+4096 || len(b) >= 32 && le32(b[28:]) != 0xffffffff && int(le32(b[28:])) != size-32 {
			return match{}
		}
	case "ACK":
		found.sender = server
		if b[3] != 'F' || size != 28 {
			return match{}
		}
	case "RHE": // a server asks the client to connect
		found.sender = server
		if b[3] != 'F' || size > 16+2*4096 {
			return match{}
		}
	case "ERR":
		found.sender = server
		if b[3] != 'F' || size < 16 || size > 16+4096 || len(b) >= 12 && b[11] != 0x80 {
			return match{}
		}
	case "OPN": // channel, then the policy's name
		found.reason = reasonOPCUAOpen
		if len(b) < 16 || le32(b[12:]) < uint32(len(opcPolicy)) || le32(b[12:]) > 255 || !hasPrefix(b[16:], opcPolicy[:min(len(b)-16, len(opcPolicy))]) {
			return match{}
		}
		if le32(b[8:]) == 0 {
			found.sender = client // it has no channel yet
		}
	case "MSG", "CLO":
		found.reason = reasonOPCUA
		if size < 24 || len(b) < 12 || le32(b[8:]) == 0 {
			return match{}
		}
	default:
		return match{}
	}
	return found
}
