package observe

// NetBIOS over TCP/UDP (RFC 1002) and SMB, which is carried by the session
// service or, without NetBIOS, by its header alone (MS-SMB2 section 2.1).

const (
	reasonNetBIOSDatagram = "NetBIOS datagram: type, lengths and encoded name fit"
	reasonNetBIOSDamaged  = "NetBIOS datagram: type and lengths fit, the name has wrong letters"
	reasonNetBIOSRequest  = "NetBIOS session request with two encoded names"
	reasonNetBIOSAnswer   = "NetBIOS session response"
	reasonSMB1            = "SMB 1 header behind a session message"
	reasonSMB2            = "SMB 2 or 3 header behind a session message"
	reasonSMBEncrypted    = "SMB 3 header of an encrypted or compressed message"
)

// findNetBIOSDatagram recognises datagrams with names (RFC 1002 section
// 4.4.2): direct to one name, to a group, or to all.
func findNetBIOSDatagram(m *message) match {
	b := m.b
	switch b[0] {
	case 0x10, 0x11, 0x12:
		if size := be16(b[10:]); b[1]&0xf0 != 0 || b[14] != 32 || size+14 > m.n {
			return match{}
		}
		letters := netbiosLetters(b[15:47])
		if letters < 28 {
			return match{}
		}
		if letters < 32 {
			return match{protocol: NetBIOSDatagram, strength: Likely, reason: reasonNetBIOSDamaged}
		}
	case 0x14, 0x15, 0x16: // query request and responses
		if b[1]&0xf0 != 0 || !netbiosName(b[10:]) {
			return match{}
		}
	default:
		return match{}
	}
	return match{protocol: NetBIOSDatagram, strength: Full, reason: reasonNetBIOSDatagram}
}

// Session message types (RFC 1002 section 4.3.1).
const (
	sessionMessage  = 0x00
	sessionRequest  = 0x81
	sessionPositive = 0x82
	sessionNegative = 0x83
)

// findSMB recognises SMB in its first message, also behind the opening of a
// NetBIOS session, and such an opening when no SMB is seen.
func findSMB(m *message) match {
	found, opening := smbIn(m.b)
	if found.strength != None || !opening {
		return found
	}
	// The opening alone: the other end may have gone on.
	if other, _ := smbIn(m.peer.b); other.strength == Full {
		found = match{protocol: SMB, strength: Likely}
	} else {
		found = match{protocol: NetBIOSSession, strength: Likely}
	}
	switch m.b[0] {
	case sessionRequest:
		found.sender, found.reason, found.strength = client, reasonNetBIOSRequest, Full
	default:
		found.sender, found.reason = server, reasonNetBIOSAnswer
	}
	return found
}

// smbIn looks for the first SMB header in a stream; opening reports that the
// stream begins with a valid opening of a NetBIOS session.
func smbIn(b []byte) (found match, opening bool) {
	if len(b) < 4 {
		return match{}, false
	}
	switch b[0] {
	case sessionRequest:
		if be24(b[1:]) != 68 || !netbiosName(b[4:]) || len(b) > 38 && !netbiosName(b[38:]) && len(b) >= 38+33 {
			return match{}, false
		}
		if len(b) < 72 {
			return match{}, true
		}
		b = b[72:]
	case sessionPositive:
		if be24(b[1:]) != 0 {
			return match{}, false
		}
		b = b[4:]
	case sessionNegative:
		return match{}, be24(b[1:]) == 1 && len(b) >= 5 && b[4] >= 0x80 && b[4] <= 0x8f // RFC 1002 section 4.3.4
	case sessionMessage:
		return smbMessage(b), false
	default:
		return match{}, false
	}
	return smbMessage(b), true
}

// smbMessage recognises the header of SMB 1 (MS-CIFS section 2.2.3.1), of 2
// and 3 (MS-SMB2 section 2.2.1), or of a message that is encrypted (2.2.41) or
// compressed (2.2.42). Both say in their flags whether it is a response.
func smbMessage(b []byte) match {
	if len(b) < 8 || b[0] != sessionMessage || be24(b[1:]) < 32 || string(b[5:8]) != "SMB" {
		return match{}
	}
	found := match{protocol: SMB, strength: Full}
	switch b[4] {
	case 0xff:
		found.reason = reasonSMB1
		if len(b) > 13 {
			found.sender = client
			if b[13]&0x80 != 0 {
				found.sender = server
			}
		}
	case 0xfe:
		found.reason = reasonSMB2
		if len(b) > 9 && le16(b[8:]) != 64 {
			return match{}
		}
		if len(b) > 20 {
			found.sender = client
			if b[20]&1 != 0 {
				found.sender = server
			}
		}
	case 0xfd, 0xfc:
		found.reason = reasonSMBEncrypted
	default:
		return match{}
	}
	return found
}
