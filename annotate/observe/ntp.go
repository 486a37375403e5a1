package observe

const (
	reasonNTPClient    = "NTP client request: header and empty timestamps fit"
	reasonNTPServer    = "NTP server reply: receive and transmit times agree"
	reasonNTPHeader    = "NTP header: version, stratum, poll and precision fit"
	reasonNTPSymmetric = "NTP between peers or by broadcast: header and times fit"
	reasonNTPControl   = "NTP control message: lengths fit"
	reasonNTPPrivate   = "NTP private message: items and lengths fit"
)

// NTP modes (RFC 5905 section 7.3).
const (
	ntpActive = 1 + iota
	ntpPassive
	ntpClient
	ntpServer
	ntpBroadcast
	ntpControl
	ntpPrivate
)

// findNTP recognises time messages of 48 bytes with or without extension
// fields and authenticator (RFC 5905 section 7.3), control messages (RFC 9327
// section 2) and ntpdc's private ones.
func findNTP(m *message) match {
	b := m.b
	version, mode := b[0]>>3&7, b[0]&7
	if mode == ntpPrivate {
		return ntpPrivateMessage(m)
	}
	if version < 1 || version > 4 {
		return match{}
	}
	if mode == ntpControl {
		return ntpControlMessage(m)
	}
	if mode == 0 || m.n < 48 || m.n%4 != 0 || len(b) < 16 {
		return match{}
	}
	if b[1] > 16 || int8(b[2]) < -6 || int8(b[2]) > 17 { // stratum, poll
		return match{}
	}
	if p := int8(b[3]); p > 0 && p != 6 || p < -34 { // precision: -6 is written 6 by some
		return match{}
	}
	if b[4] != 0 && b[4] != 0xff || b[8] != 0 { // root delay may be negative, dispersion not: under 256 s
		return match{}
	}
	found := match{protocol: NTP, strength: Likely, reason: reasonNTPHeader}
	switch mode {
	case ntpClient:
		found.sender = onlyClient
	case ntpServer:
		found.sender = onlyServer
	}
	if int8(b[3]) >= 0 && b[1] != 0 {
		found.strength = None // a clock that is set knows its precision
	}
	if len(b) < 48 {
		if b[1] == 0 && mode != ntpClient {
			return match{}
		}
		return found.orNone()
	}
	reference, origin, receive, transmit := be64(b[16:]), be64(b[24:]), be64(b[32:]), be64(b[40:])
	switch mode {
	case ntpClient:
		switch {
		case origin|receive == 0 && (b[1] == 0 || reference == 0 || near(reference, transmit, 1<<20)),
			near(origin, receive, 1<<17) && near(receive, transmit, 1<<17):
			found.strength, found.reason = Full, reasonNTPClient
		}
	case ntpServer:
		if receive != 0 && near(receive, transmit, 60) || receive == transmit && b[1] == 0 {
			found.strength, found.reason = Full, reasonNTPServer
		}
	default:
		if origin|receive == 0 && (b[1] == 0 && reference == 0 || near(reference, transmit, 1<<20)) ||
			near(receive, transmit, 1<<17) && near(reference, transmit, 1<<20) {
			found.strength, found.reason = Full, reasonNTPSymmetric
		}
	}
	if found.strength == Likely && b[1] == 0 {
		return match{} // with nothing set and no times that agree, it may be anything
	}
	return found.orNone()
}

// near reports whether two NTP timestamps are within that many seconds.
func near(a, b uint64, seconds uint64) bool {
	if a == 0 || b == 0 {
		return false
	}
	d := a - b
	if a < b {
		d = b - a
	}
	return d>>32 < seconds
}

func ntpControlMessage(m *message) match {
	b := m.b
	if b[0]&0xc0 != 0 || m.n < 12 || len(b) < 12 {
		return match{}
	}
	response, opcode := b[1]&0x80 != 0, b[1]&0x1f
	count := be16(b[10:])
	data := (count + 3) &^ 3
	if opcode > 12 && opcode != 31 || m.n-12 < count || count > 468 {
		return match{}
	}
	switch m.n - 12 - data {
	case 0, count - data, 20, 24: // nothing behind it, not padded, or a key's number and a digest
	default:
		return match{}
	}
	if !response && (b[1]&0xe0 != 0 || be16(b[4:]) != 0 || be16(b[8:]) != 0) {
		return match{} // a request has no status and starts at its beginning
	}
	found := match{protocol: NTP, strength: Likely, sender: client, reason: reasonNTPControl}
	if response {
		found.sender = server
	} else {
		found.strength = Full
	}
	if count > 0 && response && (m.n-12 == data || m.n-12 == count) && printableLines(b[12:min(len(b), 12+count)]) {
		found.strength = Full
	}
	return found
}

// printableLines is printable with line ends allowed.
func printableLines(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\r' && c != '\n' || c > '~' {
			return false
		}
	}
	return true
}

// ntpPrivateMessage follows ntp_request.h of the reference implementation:
// flags, sequence, implementation, request code, then four bits of error with
// the number of items, and their size.
func ntpPrivateMessage(m *message) match {
	b := m.b
	if len(b) < 8 || m.n < 8 || b[2] > 3 || b[3] > 46 {
		return match{}
	}
	items, size := be16(b[4:])&0xfff, be16(b[6:])
	if size > 500 {
		return match{}
	}
	if b[0]&0x80 == 0 {
		if be16(b[4:])>>12 != 0 || b[1]&0x7f != 0 || items*size > m.n-8 || b[2] == 0 || b[3] == 0 {
			return match{}
		}
		found := match{protocol: NTP, strength: Likely, sender: client, reason: reasonNTPPrivate}
		if m.n == 8 || m.n == 48 || m.n == 192 || m.n == 8+items*size {
			found.strength = Full
		}
		return found
	}
	if items*size != m.n-8 {
		return match{}
	}
	found := match{protocol: NTP, strength: Likely, sender: server, reason: reasonNTPPrivate}
	if items > 0 {
		found.strength = Full
	}
	return found
}
