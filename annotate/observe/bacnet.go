package observe

// BACnet/IP: a header of type, function and length (ASHRAE 135 annex J.2), then
// for most functions a network header (clause 6.2) and an application message
// (clause 20.1).
const (
	bacnetType       = 0x81
	bacnetResult     = 0x00
	bacnetForwarded  = 0x04
	bacnetRegister   = 0x05
	bacnetDistribute = 0x09
	bacnetUnicast    = 0x0a
	bacnetBroadcast  = 0x0b

	bacnetNetworkMessage = 0x80 // of the network header's control byte
	bacnetDestination    = 0x20
	bacnetSource         = 0x08

	reasonBACnet  = "BACnet message: function, length and network header fit"
	reasonBACnet0 = "BACnet result or registration: function and length fit"
)

// findBACnet recognises BACnet/IP messages over UDP.
func findBACnet(m *message) match {
	b := m.b
	if b[0] != bacnetType || be16(b[2:]) != m.n {
		return match{}
	}
	at := 4
	switch b[1] {
	case bacnetResult, bacnetRegister:
		if m.n != 6 || len(b) < 6 || b[1] == bacnetResult && (b[4] != 0 || b[5]&0xf != 0 || b[5] > 0x60) {
			return match{}
		}
		return match{protocol: BACnet, strength: Likely, reason: reasonBACnet0}
	case bacnetForwarded: // the original sender's address and port
		at = 10
	case bacnetDistribute, bacnetUnicast, bacnetBroadcast:
	default:
		return match{}
	}
	if len(b) < at+3 || b[at] != 1 || b[at+1]&0x50 != 0 {
		return match{}
	}
	control := b[at+1]
	at += 2
	if control&bacnetDestination != 0 {
		if len(b) < at+3 || be16(b[at:]) == 0 {
			return match{}
		}
		at += 3 + int(b[at+2])
	}
	if control&bacnetSource != 0 {
		if len(b) < at+3 || be16(b[at:]) == 0 || be16(b[at:]) == 0xffff || b[at+2] == 0 {
			return match{}
		}
		at += 3 + int(b[at+2])
	}
	if control&bacnetDestination != 0 {
		at++ // hop count
	}
	if at >= m.n {
		return match{}
	}
	found := match{protocol: BACnet, strength: Full, reason: reasonBACnet}
	if at+1 >= len(b) {
		return found
	}
	if control&bacnetNetworkMessage != 0 {
		if b[at] > 0x13 && b[at] < 0x80 {
			return match{}
		}
		return found
	}
	switch b[at] >> 4 {
	case 0: // confirmed request; the reply to one comes from whom it was sent to
		if b[at]&1 != 0 {
			return match{}
		}
		found.sender = client
	case 1: // unconfirmed request
		if b[at] != 0x10 || b[at+1] > 12 {
			return match{}
		}
	case 2, 3, 5, 6: // simple and complex acknowledgement, error, reject
		if b[at]&0xf != 0 && b[at]>>4 != 3 || b[at]>>4 == 3 && b[at]&3 != 0 {
			return match{}
		}
		found.sender = server
	case 4: // acknowledgement of a segment
		if b[at]&0xc != 0 {
			return match{}
		}
	case 7: // abort
		if b[at]&0xe != 0 {
			return match{}
		}
	default:
		return match{}
	}
	return found
}
