package observe

// DNS (RFC 1035 section 4.1) and what was made of its message: multicast DNS
// (RFC 6762 section 18), link-local multicast name resolution (RFC 4795
// section 2.1) and the NetBIOS name service (RFC 1002 section 4.2).

const (
	reasonDNSQuery     = "DNS query: header, counts and question fit"
	reasonDNSResponse  = "DNS response: header, counts and records fit"
	reasonDNSHeader    = "DNS response that has only a header"
	reasonMDNSQuery    = "multicast DNS query"
	reasonMDNSResponse = "multicast DNS response"
	reasonLLMNRQuery   = "LLMNR query: DNS message without flags to a multicast address"
	reasonLLMNRAnswer  = "LLMNR response: DNS message whose only flag is the response"
	reasonNBNSRequest  = "NetBIOS name service request: header and encoded name fit"
	reasonNBNSDamaged  = "NetBIOS name service message: header fits, the name has wrong letters"
	reasonNBNSResponse = "NetBIOS name service response: header and encoded name fit"
)

// dnsMessage is a message's header and the first name in it.
type dnsMessage struct {
	id, flags       int
	qd, an, ns, ar  int
	response        bool
	labels          int  // of the first name
	local           bool // its last label is "local", or "arpa" as in the names of addresses
	netbios         bool // its first label is an encoded NetBIOS name
	damaged         bool // it is one but for a few letters
	class           int  // of the first question or record; 0 if not seen
	kind            int
	answer          int // the type of the first record that is no question
	records, lacked int // how many records were read, and how many were not because the bytes end
}

func findDNS(m *message) match { return dnsIn(m, m.b, m.n) }

// findDNSOverTCP recognises messages with their length before them (RFC 1035
// section 4.2.2).
func findDNSOverTCP(m *message) match {
	size := be16(m.b)
	if size < 12 {
		return match{}
	}
	b := m.b[2:]
	if len(b) > size {
		b = b[:size]
	}
	return dnsIn(m, b, size)
}

// dnsIn recognises a message of n bytes, of which b is there.
func dnsIn(m *message, b []byte, n int) match {
	var d dnsMessage
	if !d.header(b) {
		return match{}
	}
	if n == 12 && d.response && d.qd+d.an+d.ns+d.ar == 0 && d.flags&0xf != 0 {
		return match{protocol: DNS, strength: Likely, sender: server, reason: reasonDNSHeader}
	}
	if !d.body(b, n) {
		return match{}
	}
	if d.records == 0 && (d.lacked == 0 || d.qd != 1 || m.group != noGroup || d.flags == 0x8000 || len(b) < 14 || b[12] == 32) {
		return match{} // cut where it is not yet DNS rather than one of the others
	}
	return d.judge(m)
}

// header reads the fixed part, and refuses what no message has.
func (d *dnsMessage) header(b []byte) bool {
	if len(b) < 12 {
		return false
	}
	d.id, d.flags = be16(b), be16(b[2:])
	d.qd, d.an, d.ns, d.ar = be16(b[4:]), be16(b[6:]), be16(b[8:]), be16(b[10:])
	d.response = d.flags&0x8000 != 0
	switch opcode := d.flags >> 11 & 15; opcode {
	case 0, 4, 5: // query, notify, update; NetBIOS has registration as 5
	case 1, 2: // inverse query, status
		if d.qd > 1 {
			return false
		}
	case 6, 7, 8, 9, 15: // DSO and NetBIOS
	default:
		return false
	}
	if d.qd+d.an+d.ns+d.ar == 0 {
		return d.response
	}
	if !d.response {
		// A query may hold known answers (mDNS), the zone's serial (IXFR),
		// updates, signatures and options, but few of any.
		return d.qd >= 1 && d.qd <= 64 && d.an <= 64 && d.ns <= 64 && d.ar <= 64 && d.flags&0xf == 0
	}
	return d.qd <= 64 && d.an <= 1024 && d.ns <= 256 && d.ar <= 256 && d.flags&0xf <= 11
}

// body reads names, types, classes and lengths until the bytes or the records
// end; false where they do not fit.
func (d *dnsMessage) body(b []byte, n int) bool {
	at, total := 12, d.qd+d.an+d.ns+d.ar
	for i := range total {
		if i == 8 {
			return true // enough to know
		}
		next, ok := d.name(b, at, n, i == 0)
		if !ok {
			return false
		}
		question := i < d.qd
		fixed := 10
		if question {
			fixed = 4
		}
		if next+fixed > n {
			return false
		}
		if next+fixed > len(b) { // a name may end there too
			d.lacked = total - i
			return true
		}
		kind, class := be16(b[next:]), be16(b[next+2:])
		if i == 0 {
			d.kind, d.class = kind, class
		}
		if i == d.qd {
			d.answer = kind
		}
		switch c := class &^ 0x8000; { // mDNS has a flag there
		case !question && (kind == 41 || kind == 250): // OPT: the class is a size; TSIG
		case c >= 1 && c <= 4 || c == 254 || c == 255:
		case c == 0 && kind == 0 && !question: // what DNS64 and updates leave out
			return false
		default:
			return false
		}
		at = next + fixed
		if !question {
			at += be16(b[next+8:])
			if at > n {
				return false
			}
		}
		d.records++
	}
	return at == n || at < n && d.netbios // Windows pads its NetBIOS datagrams
}

// name passes over a name (RFC 1035 section 4.1.4) and gives where it ends.
func (d *dnsMessage) name(b []byte, at, n int, first bool) (next int, ok bool) {
	last := 0 // where the last label that is not empty begins
	for labels := 0; labels < 128; labels++ {
		if at >= n {
			return 0, false
		}
		if at >= len(b) {
			return at, true
		}
		size := int(b[at])
		switch {
		case size == 0:
			if first {
				d.labels = labels
				d.local = labels > 0 && (b[last] == 5 && hasPrefixFold(b[last+1:], "LOCAL") || b[last] == 4 && hasPrefixFold(b[last+1:], "ARPA"))
			}
			return at + 1, true
		case size >= 0xc0:
			if at+2 > n || at+1 < len(b) && be16(b[at:])&0x3fff >= at {
				return 0, false
			}
			if first {
				d.labels = labels
			}
			return at + 2, true
		case size > 63:
			return 0, false
		}
		if first && labels == 0 {
			d.netbios = netbiosName(b[at:])
			d.damaged = size == 32 && len(b) >= at+33 && netbiosLetters(b[at+1:at+33]) >= 28
		}
		last = at
		at += 1 + size
	}
	return 0, false
}

// netbiosName reports whether b begins with a label that holds a NetBIOS name
// of 16 bytes, two letters from A to P each (RFC 1001 section 14.1).
func netbiosName(b []byte) bool {
	return len(b) >= 33 && b[0] == 32 && netbiosLetters(b[1:33]) == 32
}

// netbiosLetters counts the letters that encode half a byte.
func netbiosLetters(b []byte) (n int) {
	for _, c := range b {
		if c >= 'A' && c <= 'P' {
			n++
		}
	}
	return n
}

// judge tells the protocols apart that share the message.
func (d *dnsMessage) judge(m *message) match {
	found := match{protocol: DNS, strength: Full, sender: client, reason: reasonDNSQuery}
	if d.response {
		found.sender, found.reason = server, reasonDNSResponse
	}
	opcode := d.flags >> 11 & 15
	if d.damaged && (!d.netbios && (d.kind == 0x20 || d.kind == 0x21) || d.flags&0x0010 != 0 && d.labels == 1 && d.kind > 0x21) { // the bit says that it was broadcast
		found.protocol, found.strength, found.reason = NetBIOSName, Likely, reasonNBNSDamaged
		return found
	}
	if d.netbios && (d.kind == 0x20 || d.kind == 0x21 || d.kind == 0x0a || d.class == 0) {
		found.protocol, found.reason = NetBIOSName, reasonNBNSRequest
		if d.response {
			found.reason = reasonNBNSResponse
		}
		return found
	}
	if opcode == 15 || opcode > 6 || d.flags&0x0040 != 0 {
		return match{}
	}
	// Flags as mDNS has them: nothing but response, authoritative and truncated.
	plain := opcode == 0 && d.flags&0x79ff == 0
	switch {
	case m.stream:
	case m.group == llmnrGroup && !d.response, m.group == otherGroup && !d.response && !(plain && d.local) && d.flags&^0x0100 == 0 && d.qd == 1: // DNS's recursion desired is LLMNR's tentative
		found.protocol, found.sender, found.reason = LLMNR, onlyClient, reasonLLMNRQuery
		return found
	case plain && (d.id == 0 || m.group != noGroup) && d.local, plain && d.id == 0 && d.class&0x8000 != 0, plain && m.group == mdnsGroup:
		found.protocol, found.sender, found.reason = MDNS, onlyClient, reasonMDNSQuery
		if d.response {
			found.sender, found.reason = either, reasonMDNSResponse
		}
		return found
	case d.flags == 0x8000 && d.qd == 1 && d.labels == 1 && (d.an > 0 || d.answer == 6): // an answer, or that there is none
		found.protocol, found.sender, found.reason = LLMNR, onlyServer, reasonLLMNRAnswer
		return found
	}
	// In the other operations either end may ask: NOTIFY (RFC 1996), UPDATE (RFC
	// 2136), DSO (RFC 8490) and what is pushed with it (RFC 8765).
	if opcode == 0 {
		found.sender = onlyClient
		if d.response {
			found.sender = onlyServer
		}
	}
	if d.class&0x8000 != 0 {
		return match{} // only multicast DNS has a flag in the class
	}
	if d.records == 0 { // the capture ends in the question
		found.strength = Likely
	}
	return found
}
