package observe

// Modbus/TCP: a header of transaction, protocol 0, length and unit, then a
// function and its data (MODBUS Messaging on TCP/IP Implementation Guide V1.0b
// section 3.1.3; MODBUS Application Protocol Specification V1.1b3 section 6).
const (
	modbusHeader  = 7
	modbusMaxSize = 254 // unit, function and data
)

const (
	reasonModbusRequest  = "Modbus request: function and its data fit"
	reasonModbusResponse = "Modbus response: function and its data fit"
	reasonModbusEither   = "Modbus message: function and its data fit"
	reasonModbusChain    = "Modbus headers follow each other"
)

// findModbus recognises a message whose data have the length that its function
// asks for; in a stream, the payload must end with it or go on with another.
func findModbus(m *message) match {
	b := m.b
	size := be16(b[4:])
	if be16(b[2:]) != 0 || size < 2 || size > modbusMaxSize || !m.holds(6+size) && m.n < 6+size || berLong(b) {
		return match{}
	}
	sender, ok := modbusFunction(b[7:min(len(b), 6+size)], size-1)
	if !ok {
		return modbusChain(m)
	}
	found := match{protocol: Modbus, strength: Likely, sender: sender, reason: reasonModbusEither}
	switch sender {
	case client:
		found.reason = reasonModbusRequest
	case server:
		found.reason = reasonModbusResponse
	}
	switch end := 6 + size; {
	case m.ends(end):
		found.strength = Full
	case !m.stream:
		return match{}
	case len(b) >= end+8:
		next := b[end:]
		if be16(next[2:]) != 0 || be16(next[4:]) < 2 || be16(next[4:]) > modbusMaxSize {
			return match{}
		}
		if _, ok := modbusFunction(next[7:min(len(next), 6+be16(next[4:]))], be16(next[4:])-1); !ok {
			return match{}
		}
		found.strength = Full
	case m.n < end:
		return match{} // a message that small is sent whole
	}
	return found
}

// berLong reports a SEQUENCE whose length takes four bytes, and an INTEGER in it,
// as Active Directory begins each LDAP message: a transaction, protocol 0, a
// length and a unit.
func berLong(b []byte) bool {
	return b[0] == berSequence && b[1] == 0x84 && b[6] == berInteger
}

// modbusChain recognises messages by their headers, where their data are not
// what their functions ask for: three that follow each other, all to one unit,
// or two and nothing else.
func modbusChain(m *message) match {
	b := m.b
	if b[6] == 0 {
		return match{}
	}
	at := 0
	for i := range 3 {
		if i == 2 && m.ends(at) {
			break
		}
		if len(b) < at+8 || be16(b[at+2:]) != 0 || be16(b[at+4:]) < 3 || be16(b[at+4:]) > modbusMaxSize || b[at+6] != b[6] {
			return match{}
		}
		if f := b[at+7] & 0x7f; f == 0 || f > 24 && f != 43 {
			return match{}
		}
		at += 6 + be16(b[at+4:])
	}
	return match{protocol: Modbus, strength: Full, reason: reasonModbusChain}
}

// modbusFunction checks n bytes of function and data, of which p may lack
// some, and says who sends them.
func modbusFunction(p []byte, n int) (sender role, ok bool) {
	if len(p) < 2 {
		return either, false
	}
	function := p[0]
	if function&0x80 != 0 { // exception
		return server, n == 2 && (function < 0x99 || function == 0xab) && function > 0x80 && p[1] > 0 && p[1] <= 11
	}
	quantity := 0
	if len(p) >= 5 {
		quantity = be16(p[3:])
	}
	switch function {
	case 1, 2, 3, 4: // read bits or registers
		limit := 2000
		if function >= 3 {
			limit = 125
		}
		request := n == 5 && quantity > 0 && quantity <= limit
		response := n == 2+int(p[1]) && p[1] > 0 && (function < 3 || p[1]%2 == 0)
		switch {
		case request && response:
			return either, true
		case request:
			return client, true
		}
		return server, response
	case 5: // write a bit
		return either, n == 5 && (len(p) < 5 || p[4] == 0 && (p[3] == 0 || p[3] == 0xff))
	case 6: // write a register: the answer repeats the request
		return either, n == 5
	case 7, 11, 12, 17:
		// Requests without data are too short to check.
		return server, function == 17 && n == 2+int(p[1]) && p[1] > 1
	case 8: // diagnostics
		return either, n == 5 && len(p) >= 3 && p[1] == 0 && p[2] <= 20
	case 15, 16: // write bits or registers
		if n == 5 {
			return server, quantity > 0 && quantity <= 1968
		}
		if len(p) < 6 || n != 6+int(p[5]) || quantity == 0 {
			return client, false
		}
		want := 2 * quantity
		if function == 15 {
			want = (quantity + 7) / 8
		}
		return client, int(p[5]) == want
	case 20, 21: // files
		return either, n == 2+int(p[1]) && p[1] >= 7 && len(p) > 2 && (p[2] == 6 || function == 20)
	case 22: // mask a register
		return either, n == 7
	case 23: // read and write registers
		if n == 2+int(p[1]) && p[1] > 0 && p[1]%2 == 0 {
			return server, true
		}
		return client, len(p) >= 10 && n == 10+int(p[9]) && be16(p[3:]) <= 125 && 2*be16(p[7:]) == int(p[9])
	case 43: // device identification
		if n == 4 {
			return client, len(p) >= 4 && p[1] == 14 && p[2] >= 1 && p[2] <= 4
		}
		return server, n >= 8 && len(p) >= 3 && p[1] == 14 && p[2] >= 1 && p[2] <= 4
	}
	return either, false
}

// DNP3: link frames that begin with two fixed bytes, with a check sequence
// over the header's first eight bytes (IEEE 1815-2012 section 9.2).
const (
	reasonDNP3 = "DNP3 link frame: start and check sequence fit"
)

// findDNP3 recognises a link frame over TCP or UDP. Its direction says which end
// is the master, and not which one listens: an outstation may dial its master
// (IEEE 1815-2012 section 13.2, dual end points).
func findDNP3(m *message) match {
	b := m.b
	if b[0] != 0x05 || b[1] != 0x64 || b[2] < 5 || dnp3CRC(b[:8]) != uint16(le16(b[8:])) {
		return match{}
	}
	return match{protocol: DNP3, strength: Full, reason: reasonDNP3}
}

// dnp3CRC computes the check sequence of IEEE 1815-2012 annex E: polynomial
// 0x3d65, least significant bit first, complemented.
func dnp3CRC(b []byte) uint16 {
	crc := uint16(0)
	for _, c := range b {
		crc ^= uint16(c)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xa6bc
			} else {
				crc >>= 1
			}
		}
	}
	return ^crc
}

// EtherNet/IP: an encapsulation header of 24 bytes, little-endian (ODVA, "The
// CIP Networks Library" volume 2 section 2-3).
const (
	enipHeader     = 24
	enipNOP        = 0x00
	enipServices   = 0x04
	enipIdentity   = 0x63
	enipInterfaces = 0x64
	enipRegister   = 0x65
	enipUnregister = 0x66
	enipRRData     = 0x6f
	enipUnitData   = 0x70

	reasonENIP     = "EtherNet/IP encapsulation: command, length and body fit"
	reasonENIPList = "EtherNet/IP list command without a body"
)

// findENIP recognises the commands of the encapsulation.
func findENIP(m *message) match {
	b := m.b
	size, session, status := le16(b[2:]), le32(b[4:]), le32(b[8:])
	if b[1] != 0 || le32(b[20:]) != 0 || status > 0x69 || !m.holds(enipHeader+size) {
		return match{}
	}
	body := b[enipHeader:]
	found := match{protocol: EtherNetIP, strength: Full, reason: reasonENIP}
	switch b[0] {
	case enipServices, enipIdentity, enipInterfaces:
		if size == 0 {
			if session != 0 || status != 0 || !m.ends(enipHeader) {
				return match{}
			}
			found.strength, found.sender, found.reason = Likely, client, reasonENIPList
			return found
		}
		// A list of items: count, then type and length of each.
		found.sender = server
		if size < 8 || len(body) < 8 || le16(body) == 0 || le16(body) > 16 || 6+le16(body[4:]) > size {
			return match{}
		}
		// A service and an identity begin with protocol version 1.
		switch kind := le16(body[2:]); {
		case b[0] == enipServices && kind == 0x100 && le16(body[6:]) == 1, b[0] == enipIdentity && kind == 0x0c && le16(body[6:]) == 1:
		case b[0] == enipInterfaces:
			found.strength = Likely
		default:
			return match{}
		}
	case enipRegister:
		// Protocol version 1, no options; without a session it is the request.
		if size != 4 || len(body) < 4 || le32(body) != 1 {
			return match{}
		}
		found.sender = server
		if session == 0 && status == 0 {
			found.sender = client
		}
	case enipUnregister:
		if size != 0 || session == 0 || status != 0 || !m.ends(enipHeader) {
			return match{}
		}
		found.strength = Likely
	case enipRRData, enipUnitData:
		// Interface 0, a time-out, items of which the first is an address.
		if session == 0 || size == 0 && status == 0 {
			return match{}
		}
		if size == 0 {
			found.strength = Likely
			return found
		}
		if size < 16 || len(body) < 16 || le32(body) != 0 || le16(body[6:]) == 0 || le16(body[6:]) > 8 {
			return match{}
		}
		switch first, length := le16(body[8:]), le16(body[10:]); {
		case first == 0 && length == 0, first == 0xa1 && length == 4, first >= 0x8000 && first <= 0x8002:
		default:
			return match{}
		}
	default:
		return match{}
	}
	return found
}
