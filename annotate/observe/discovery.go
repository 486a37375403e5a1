package observe

// WS-Discovery: SOAP envelopes in datagrams (OASIS "SOAP-over-UDP 1.1", "Web
// Services Dynamic Discovery 1.1" and its draft of 2005).
const (
	reasonWSD     = "WS-Discovery message: a SOAP envelope with its name space"
	reasonWSDSOAP = "SOAP envelope in a datagram"
)

// findWSDiscovery recognises an envelope with the name space of either version.
// Probes and resolves are asked for, by a client; matches answer; a device says
// hello and bye to a group.
func findWSDiscovery(m *message) match {
	b := m.b
	if !hasPrefix(b, "<?xml ") && !containsFold(b[:min(len(b), 32)], ":ENVELOPE") || !containsFold(b, ":ENVELOPE") && !containsFold(b, "<ENVELOPE") {
		return match{}
	}
	found := match{protocol: WSDiscovery, strength: Full, reason: reasonWSD}
	if !containsFold(b, "/WS/2005/04/DISCOVERY") && !containsFold(b, "/WS-DD/NS/DISCOVERY/") {
		if !containsFold(b, "/ADDRESSING") && (!containsFold(b, "/SOAP-ENVELOPE") && !containsFold(b, "/SOAP/ENVELOPE/") || m.group == noGroup && !m.cut()) {
			return match{} // the name space may stand behind what there is
		}
		found.strength, found.reason = Likely, reasonWSDSOAP
	}
	switch {
	case containsFold(b, "DISCOVERY/PROBEMATCHES"), containsFold(b, "DISCOVERY/RESOLVEMATCHES"):
		found.sender = server
	case containsFold(b, "DISCOVERY/PROBE<"), containsFold(b, "DISCOVERY/RESOLVE<"), m.group != noGroup && containsFold(b, ":PROBE>"):
		found.sender = client
	}
	return found
}

// NAT-PMP and PCP: requests to a translator of addresses, and its responses, which
// have a bit in the operation (RFC 6886 section 3, RFC 6887 section 7).
const (
	pcpHeader  = 24
	pcpMap     = 36 // bytes of an operation's data
	pcpPeer    = 56
	pcpMax     = 1100
	pmpReply   = 0x80
	pmpResults = 5

	reasonPMP     = "NAT-PMP request: operation and length fit"
	reasonPMPSays = "NAT-PMP response: operation, result and length fit"
	reasonPCP     = "PCP request: operation and lengths fit"
	reasonPCPSays = "PCP response: operation, result and lengths fit"
)

// findNATPMP recognises the three operations and their answers.
func findNATPMP(m *message) match {
	b := m.b
	found := match{protocol: NATPMP, strength: Likely, sender: client, reason: reasonPMP}
	if b[1]&pmpReply != 0 {
		found.sender, found.reason = server, reasonPMPSays
	}
	switch b[1] {
	case 0: // what is the external address?
		if m.n != 2 {
			return match{}
		}
	case 1, 2: // map a port of UDP or TCP
		if m.n != 12 || len(b) < 12 || be16(b[2:]) != 0 || be16(b[4:]) == 0 {
			return match{}
		}
	case pmpReply:
		if m.n != 12 || len(b) < 8 || be16(b[2:]) > pmpResults {
			return match{}
		}
	case pmpReply + 1, pmpReply + 2:
		if m.n != 16 || len(b) < 16 || be16(b[2:]) > pmpResults || be16(b[8:]) == 0 {
			return match{}
		}
	default:
		return match{}
	}
	return found
}

// findPCP recognises version 2: a header with the client's address in a request,
// with the epoch in a response, what the operation asks for, and options to the end.
func findPCP(m *message) match {
	b := m.b
	operation := b[1] &^ pmpReply
	found := match{protocol: PCP, strength: Full, sender: client, reason: reasonPCP}
	if b[1]&pmpReply != 0 {
		found.sender, found.reason = server, reasonPCPSays
		if b[2] != 0 || b[3] > 15 || !allZero(b[12:24]) { // reserved, result, reserved
			return match{}
		}
	} else if be16(b[2:]) != 0 || !pcpAddress(b[8:24]) {
		return match{}
	}
	least := 0
	switch operation {
	case 0: // announce: it asks for no time, and an answer has none
		found.strength = Likely
		if be32(b[4:]) != 0 {
			return match{}
		}
	case 1:
		least = pcpMap
	case 2:
		least = pcpPeer
	default:
		return match{}
	}
	if b[0] != 2 || m.n < pcpHeader+least || m.n%4 != 0 || m.n > pcpMax {
		return match{}
	}
	if least > 0 {
		// A nonce, a protocol, three bytes that are reserved, ports, and an address.
		if len(b) < pcpHeader+pcpMap {
			return match{}
		}
		if d := b[pcpHeader:]; d[13]|d[14]|d[15] != 0 || be16(d[16:]) == 0 && d[12] != 0 || !pcpAddress(d[20:36]) {
			return match{}
		}
		if be64(b[8:])|uint64(be16(b[16:])) != 0 && be64(b[pcpHeader+20:]) != 0 {
			found.strength = Likely // addresses of IPv6, which may be anything
		}
	}
	at := pcpHeader + least
	for at+4 <= len(b) { // options: a code, a byte that is reserved, and a length
		if b[at] == 0 || b[at+1] != 0 {
			return match{}
		}
		at += 4 + (be16(b[at+2:])+3)&^3
	}
	if at != m.n && !m.cut() {
		return match{}
	}
	return found
}

// pcpAddress reports an address in 16 bytes: of IPv4, as IPv6 maps it; of IPv6 that
// is global, unique local or link-local; or none (RFC 6887 section 5).
func pcpAddress(b []byte) bool {
	if be64(b) == 0 {
		return be32(b[8:]) == 0xffff || be64(b[8:]) == 0
	}
	return b[0]>>5 == 1 || b[0]&^1 == 0xfc || b[0] == 0xfe && b[1]&0xc0 == 0x80
}

// PTP: a clock's messages have one header, with the version and the whole length
// (IEEE 1588-2019 section 13.3; version 1: IEEE 1588-2002 section 8.2).
const (
	ptpHeader  = 34
	ptpVersion = 2
	ptp1Header = 40

	reasonPTP  = "PTP message: type, version, length and control fit"
	reasonPTP1 = "PTP version 1 message: subdomain and type fit"
)

// ptpSizes gives the length of each type of message, and ptpControls what its
// control field has in version 2.0; in 2.1 it may be 0 (section 13.3.2.13).
const (
	ptpSizes    = "\x2c\x2c\x36\x36\x00\x00\x00\x00\x2c\x36\x36\x40\x2c\x30"
	ptpControls = "\x00\x01\x05\x05\x00\x00\x00\x00\x02\x03\x05\x05\x05\x04"
)

// findPTP recognises a message of either version. Clocks are peers: which one is
// the master is agreed on.
func findPTP(m *message) match {
	b := m.b
	if be16(b) == 1 && be16(b[2:]) == 1 {
		if len(b) < ptp1Header || !hasPrefix(b[4:], "_DFLT\x00") && !hasPrefix(b[4:], "_ALT") || b[20] != 1 && b[20] != 2 || b[32] > 4 {
			return match{}
		}
		return match{protocol: PTP, strength: Full, reason: reasonPTP1}
	}
	kind, size := int(b[0]&0xf), be16(b[2:])
	if b[1]&0xf != ptpVersion || kind >= len(ptpSizes) || ptpSizes[kind] == 0 || size < int(ptpSizes[kind]) || m.n < size {
		return match{}
	}
	// Elements may follow what a type has, and two bytes of padding the whole.
	if m.n > size+2 {
		return match{}
	}
	if at := int(ptpSizes[kind]); size > at && (size < at+4 || len(b) >= at+4 && kind != 13 && at+4+be16(b[at+2:]) > size) {
		return match{}
	}
	if kind < 12 && len(b) >= 44 && be32(b[40:]) >= nsPerSecond {
		return match{}
	}
	if b[32] != ptpControls[kind] && b[32] != 0 || int8(b[33]) < -20 && b[33] != 0x80 || int8(b[33]) > 22 && b[33] != 0x7f {
		return match{}
	}
	if b[0] > 0x3f || b[1] > 0x1f || b[4] > 127 || b[6]&0x18|b[7]&0x80 != 0 || be64(b[20:]) == 0 { // profile, minor version, domain, flags, the clock's identity
		return match{}
	}
	found := match{protocol: PTP, strength: Full, reason: reasonPTP}
	if be32(b[16:]) != 0 { // which a clock may use for itself since version 2.1
		found.strength = Likely
	}
	return found
}
