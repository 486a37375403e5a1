package observe

import "slices"

// The samples of the recognisers in table.go, written from the specifications
// that their files cite.

var internetSamples = slices.Concat(tlsSamples, dtlsSamples, sshSamples, httpSamples, quicSamples, dnsSamples, netbiosSamples,
	hostSamples, asn1Samples, syslogSamples, mailSamples, chatSamples, mediaSamples, rdpSamples, aaaSamples, routingSamples)

func dtlsRecord(kind, epoch, sequence int, body string) string {
	return cat(kind, "\xfe\xfd", u16(epoch), u16(0), u32(sequence), vec16(body))
}

func dtlsMessage(kind int, body string) string {
	return cat(kind, u24(len(body)), u16(0), u24(0), u24(len(body)), body)
}

var dtlsClient = dtlsRecord(22, 0, 0, dtlsMessage(1, cat("\xfe\xfd", filler(32), 0, vec8(filler(20)), vec16("\xc0\x2b\xc0\x2f"), vec8(0), vec16(sniExtension("turn.example.org")))))

var dtlsSamples = []sample{
	{name: "client and server", transport: udp, sent: [2]string{dtlsClient, dtlsRecord(22, 0, 0, dtlsMessage(2, filler(70))) + dtlsRecord(22, 0, 1, dtlsMessage(14, ""))}, of: DTLS, want: DTLS, strength: Full, server: Destination, text: "turn.example.org"},
	{name: "cookie", transport: udp, sent: [2]string{"", dtlsRecord(22, 0, 0, dtlsMessage(3, "\xfe\xff"+vec8(filler(20))))}, of: DTLS, want: DTLS, strength: Full, server: Destination},
	{name: "over SCTP", transport: sctp, sent: [2]string{dtlsClient}, of: DTLS, want: DTLS, strength: Full, server: Destination, text: "turn.example.org"},
	{name: "from the middle", transport: udp, sent: [2]string{dtlsRecord(23, 1, 77, filler(60))}, of: DTLS, want: DTLS, strength: Full},
	{name: "bytes after the record", transport: udp, sent: [2]string{dtlsRecord(23, 1, 77, filler(60)) + "more"}, of: DTLS},
	{name: "version of TLS", transport: udp, sent: [2]string{cat(22, "\x03\x03", filler(8), vec16(filler(30)))}, of: DTLS},
}

var httpSamples = []sample{
	{name: "request and response", transport: tcp, sent: [2]string{"GET /index.html HTTP/1.1\r\nUser-Agent: x\r\nhost: www.example.org\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, of: HTTP, want: HTTP, strength: Full, server: Destination, text: "www.example.org"},
	{name: "response alone", transport: tcp, sent: [2]string{"HTTP/1.0 404 Not Found\r\n\r\n"}, of: HTTP, want: HTTP, strength: Full, server: Source},
	{name: "WebSocket", transport: tcp, sent: [2]string{"GET /chat HTTP/1.1\r\nHost: example.org:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n"}, of: HTTP, want: HTTP, strength: Full, server: Destination, upgrade: true, text: "example.org:8080"},
	{name: "proxy", transport: tcp, sent: [2]string{"CONNECT example.org:443 HTTP/1.1\r\n\r\n"}, of: HTTP, want: HTTP, strength: Full, server: Destination, upgrade: true},
	{name: "WebDAV", transport: tcp, sent: [2]string{"PROPFIND /dav/ HTTP/1.1\r\nDepth: 1\r\n\r\n"}, of: HTTP, want: HTTP, strength: Full, server: Destination},
	{name: "long target", transport: tcp, sent: [2]string{"POST /a?" + "q=1&q=2&q=3&q=4&q=5&q=6&q=7"}, of: HTTP, want: HTTP, strength: Likely, server: Destination},
	{name: "before versions", transport: tcp, sent: [2]string{"GET /\r\n"}, of: HTTP, want: HTTP, strength: Likely, server: Destination},
	{name: "another protocol's line", transport: tcp, sent: [2]string{"REQMOD icap://example.org/x ICAP/1.0\r\n\r\n"}, of: HTTP},
	{name: "no status", transport: tcp, sent: [2]string{"", "HTTP/1.1 OK then\r\n"}, of: HTTP},
	{name: "words", transport: tcp, sent: [2]string{"GET OFF MY LAWN\r\n"}, of: HTTP},
	{name: "preface and settings", transport: tcp, sent: [2]string{http2Preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00", cat("\x00\x00\x06\x04\x00\x00\x00\x00\x00", u16(3), u32(100))}, of: HTTP2, want: HTTP2, strength: Full, server: Destination},
	{name: "settings alone", transport: tcp, sent: [2]string{"", cat("\x00\x00\x0c\x04\x00\x00\x00\x00\x00", u16(3), u32(100), u16(4), u32(65535))}, of: HTTP2, want: HTTP2, strength: Full},
	{name: "unknown setting", transport: tcp, sent: [2]string{"", cat("\x00\x00\x06\x04\x00\x00\x00\x00\x00", u16(0x300), u32(100))}, of: HTTP2},
	{name: "preface with another version", transport: tcp, sent: [2]string{"PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n"}, of: HTTP2},

	{name: "registration", transport: udp, sent: [2]string{"REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nCSeq: 1 REGISTER\r\n\r\n", "SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\n\r\n"}, of: SIP, want: SIP, strength: Full, server: Destination},
	{name: "call", transport: udp, sent: [2]string{"INVITE sip:bob@192.0.2.9:5062 SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n", "SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n"}, of: SIP, want: SIP, strength: Full},
	{name: "over TCP, response", transport: tcp, sent: [2]string{"SIP/2.0 401 Unauthorized\r\nVia: x\r\nCSeq: 12 REGISTER\r\n"}, of: SIP, want: SIP, strength: Full, server: Source},
	{name: "version 1", transport: udp, sent: [2]string{"INVITE sip:bob@example.org SIP/1.0\r\n\r\n"}, of: SIP},
	{name: "describe", transport: tcp, sent: [2]string{"DESCRIBE rtsp://example.org/a RTSP/1.0\r\nCSeq: 2\r\n\r\n", "RTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n"}, of: RTSP, want: RTSP, strength: Full, server: Destination},
	{name: "get parameter, which servers ask for too", transport: tcp, sent: [2]string{"GET_PARAMETER rtsp://example.org/a RTSP/1.0\r\n\r\n"}, of: RTSP, want: RTSP, strength: Full},
	{name: "announcement, of a client or a server", transport: tcp, sent: [2]string{"ANNOUNCE rtsp://example.org/a RTSP/1.0\r\nCSeq: 7\r\n\r\n", "RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n"}, of: RTSP, want: RTSP, strength: Full},
	{name: "redirection", transport: tcp, sent: [2]string{"REDIRECT rtsp://example.org/a RTSP/1.0\r\nCSeq: 7\r\n\r\n"}, of: RTSP, want: RTSP, strength: Full, server: Source},
	{name: "answer of a server", transport: tcp, sent: [2]string{"RTSP/1.0 200 OK\r\nCSeq: 7\r\nPublic: OPTIONS, PLAY\r\n\r\n"}, of: RTSP, want: RTSP, strength: Full, server: Source},
	{name: "no number", transport: tcp, sent: [2]string{"", "RTSP/1.0 OK\r\n"}, of: RTSP},
	{name: "search", transport: udp, group: otherTestGroup, sent: [2]string{"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\r\n"}, of: SSDP, want: SSDP, strength: Full, server: Destination},
	{name: "answer", transport: udp, sent: [2]string{"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\n\r\n"}, of: SSDP, want: SSDP, strength: Full, server: Source},
	{name: "notify with a space too many", transport: udp, group: otherTestGroup, sent: [2]string{"NOTIFY * HTTP/1.1 \r\nNTS: ssdp:alive\r\n\r\n"}, of: SSDP, want: SSDP, strength: Full},
	{name: "notify", transport: udp, group: otherTestGroup, sent: [2]string{"NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\n\r\n"}, of: SSDP, want: SSDP, strength: Full},
	{name: "over SCTP", transport: sctp, sent: [2]string{"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"}, of: HTTP, want: HTTP, strength: Full, server: Destination, text: "a.example"},
	{name: "HTTP request in a datagram", transport: udp, sent: [2]string{"GET / HTTP/1.1\r\n\r\n"}, of: SSDP},
}

func quicPacket(first int, version int, dcid, scid, middle string, payload int) string {
	n := payload | 0x4000
	return cat(first, u32(version), vec8(dcid), vec8(scid), middle, u16(n), filler(payload))
}

var (
	quicClient = quicPacket(0xc3, 1, filler(8), "", "\x00", 1200-18)
	quicServer = quicPacket(0xc1, 1, "", filler(8), "\x00", 120) + quicPacket(0xe2, 1, "", filler(8), "", 1000)
)

var quicSamples = []sample{
	{name: "version 1", transport: udp, sent: [2]string{quicClient, quicServer}, of: QUIC, want: QUIC, strength: Full, server: Destination},
	{name: "version 1, server's side first", transport: udp, sent: [2]string{quicServer}, of: QUIC, want: QUIC, strength: Full, server: Source},
	{name: "both ends have identifiers", transport: udp, sent: [2]string{quicPacket(0xc3, 1, filler(8), filler(9), "\x00", 1200-27), quicPacket(0xc3, 1, filler(9), filler(10), "\x00", 1200-29)}, of: QUIC, want: QUIC, strength: Full, server: Destination},
	{name: "version 2", transport: udp, sent: [2]string{quicPacket(0xd3, 0x6b3343cf, filler(8), "", "\x00", 1200-18)}, of: QUIC, want: QUIC, strength: Full, server: Destination},
	{name: "token", transport: udp, sent: [2]string{quicPacket(0xc3, 1, filler(18), filler(5), vec8(filler(40)), 1200-18)}, of: QUIC, want: QUIC, strength: Full, server: Destination},
	{name: "retry", transport: udp, sent: [2]string{"", cat(0xf0, u32(1), vec8(filler(5)), vec8(filler(18)), filler(60))}, of: QUIC, want: QUIC, strength: Full, server: Destination},
	{name: "negotiation", transport: udp, sent: [2]string{"", cat(0x95, u32(0), vec8(filler(8)), vec8(filler(4)), u32(0x1a2a3a4a), u32(1))}, of: QUIC, want: QUIC, strength: Full, server: Destination},
	{name: "forced negotiation", transport: udp, sent: [2]string{cat(0xc5, u32(0x1a2a3a4a), vec8(filler(8)), vec8(""), filler(1185))}, of: QUIC, want: QUIC, strength: Likely, server: Destination},
	{name: "Google's", transport: udp, sent: [2]string{cat(0x0d, filler(8), "Q043", 1, filler(1300))}, of: QUIC, want: QUIC, strength: Full, server: Destination},
	{name: "Google's last", transport: udp, sent: [2]string{cat(0xc3, "Q046", 0x50, filler(8), filler(1300))}, of: QUIC, want: QUIC, strength: Full, server: Destination},
	{name: "length beyond the datagram", transport: udp, sent: [2]string{cat(0xc3, u32(1), vec8(filler(8)), vec8(""), 0, u16(0x4fff), filler(1200))}, of: QUIC},
	{name: "long identifier", transport: udp, sent: [2]string{quicPacket(0xc3, 1, filler(21), "", "\x00", 1100)}, of: QUIC},
	{name: "unknown version", transport: udp, sent: [2]string{quicPacket(0xc3, 99, filler(8), "", "\x00", 1182)}, of: QUIC},
	{name: "no fixed bit", transport: udp, sent: [2]string{quicPacket(0x83, 1, filler(8), "", "\x00", 1182)}, of: QUIC},
}

// name gives labels in DNS's form.
func dnsName(labels ...string) string {
	var s string
	for _, l := range labels {
		s += vec8(l)
	}
	return s + "\x00"
}

func dnsHeader(id, flags, qd, an, ns, ar int) string {
	return cat(u16(id), u16(flags), u16(qd), u16(an), u16(ns), u16(ar))
}

var (
	dnsQuestion = dnsName("www", "example", "org") + u16(1) + u16(1)
	dnsQuery    = dnsHeader(0x1234, 0x0100, 1, 0, 0, 0) + dnsQuestion
	dnsResponse = dnsHeader(0x1234, 0x8180, 1, 1, 0, 0) + dnsQuestion + "\xc0\x0c" + u16(1) + u16(1) + u32(300) + vec16("\xc0\x00\x02\x01")
	nbName      = vec8("FHEPFCELEHFCEPFFFACACACACACACAAA") + "\x00" // WORKGROUP, padded with spaces
)

var dnsSamples = []sample{
	{name: "query and response", transport: udp, sent: [2]string{dnsQuery, dnsResponse}, of: DNS, want: DNS, strength: Full, server: Destination},
	{name: "response alone", transport: udp, sent: [2]string{dnsResponse}, of: DNS, want: DNS, strength: Full, server: Source},
	{name: "options", transport: udp, sent: [2]string{dnsHeader(1, 0x0120, 1, 0, 0, 1) + dnsQuestion + "\x00" + u16(41) + u16(4096) + u32(0) + vec16("")}, of: DNS, want: DNS, strength: Full, server: Destination},
	{name: "no such name", transport: udp, sent: [2]string{"", dnsHeader(1, 0x8183, 1, 0, 1, 0) + dnsQuestion + "\xc0\x10" + u16(6) + u16(1) + u32(60) + vec16(dnsName("ns")+dnsName("x")+filler(20))}, of: DNS, want: DNS, strength: Full, server: Destination},
	{name: "refused without question", transport: udp, sent: [2]string{dnsQuery, dnsHeader(0x1234, 0x8105, 0, 0, 0, 0)}, of: DNS, want: DNS, strength: Full, server: Destination},
	{name: "over TCP", transport: tcp, sent: [2]string{vec16(dnsQuery), vec16(dnsResponse)}, of: DNS, want: DNS, strength: Full, server: Destination},
	{name: "transfer", transport: tcp, sent: [2]string{vec16(dnsHeader(9, 0, 1, 0, 0, 0) + dnsName("example", "org") + u16(252) + u16(1))}, of: DNS, want: DNS, strength: Full, server: Destination},
	{name: "cut in the question", transport: udp, cut: 20, sent: [2]string{dnsHeader(0x1234, 0x0100, 1, 0, 0, 0) + "\x03www\x07exa"}, of: DNS, want: DNS, strength: Likely, server: Destination},
	{name: "bytes after the message", transport: udp, sent: [2]string{dnsQuery + "12345"}, of: DNS},
	{name: "class 9", transport: udp, sent: [2]string{dnsHeader(1, 0x100, 1, 0, 0, 0) + dnsName("a", "b") + u16(1) + u16(9)}, of: DNS},
	{name: "label of 64 bytes", transport: udp, sent: [2]string{dnsHeader(1, 0x100, 1, 0, 0, 0) + "\x40" + filler(64) + "\x00" + u16(1) + u16(1)}, of: DNS},
	{name: "counts of nothing", transport: udp, sent: [2]string{dnsHeader(1, 0x100, 0, 0, 0, 0) + filler(20)}, of: DNS},
	{name: "pointer forward", transport: udp, sent: [2]string{dnsHeader(1, 0x100, 1, 0, 0, 0) + "\xc0\x20" + u16(1) + u16(1) + filler(16)}, of: DNS},

	{name: "query", transport: udp, group: otherTestGroup, sent: [2]string{dnsHeader(0, 0, 1, 0, 0, 0) + dnsName("_ipp", "_tcp", "local") + u16(12) + u16(1)}, of: MDNS, want: MDNS, strength: Full, server: Destination},
	{name: "announcement", transport: udp, group: otherTestGroup, sent: [2]string{dnsHeader(0, 0x8400, 0, 1, 0, 0) + dnsName("host", "local") + u16(1) + u16(0x8001) + u32(120) + vec16("\xc0\x00\x02\x07")}, of: MDNS, want: MDNS, strength: Full},
	{name: "reverse", transport: udp, group: otherTestGroup, sent: [2]string{dnsHeader(0, 0, 1, 0, 0, 0) + dnsName("7", "2", "0", "192", "in-addr", "arpa") + u16(12) + u16(0x8001)}, of: MDNS, want: MDNS, strength: Full, server: Destination},
	{name: "recursion desired, to a server", transport: udp, sent: [2]string{dnsHeader(77, 0x0100, 1, 0, 0, 0) + dnsName("host", "local") + u16(1) + u16(1)}, of: MDNS, want: DNS, strength: Full, server: Destination},
	{name: "query", transport: udp, group: otherTestGroup, sent: [2]string{dnsHeader(0x7777, 0, 1, 0, 0, 0) + dnsName("wpad") + u16(1) + u16(1)}, of: LLMNR, want: LLMNR, strength: Full, server: Destination},
	{name: "to all hosts, recursion desired", transport: udp, sent: [2]string{dnsHeader(0x7777, 0x0100, 1, 0, 0, 0) + dnsName("controller") + u16(1) + u16(1)}, of: LLMNR, want: DNS, strength: Full, server: Destination},
	{name: "reverse query", transport: udp, group: llmnrTestGroup, sent: [2]string{dnsHeader(0x7777, 0, 1, 0, 0, 0) + dnsName("7", "2", "0", "192", "in-addr", "arpa") + u16(12) + u16(1)}, of: LLMNR, want: LLMNR, strength: Full, server: Destination},
	{name: "query for a name of mDNS's", transport: udp, group: llmnrTestGroup, sent: [2]string{dnsHeader(0x7777, 0, 1, 0, 0, 0) + dnsName("host", "local") + u16(1) + u16(1)}, of: LLMNR, want: LLMNR, strength: Full, server: Destination},
	{name: "the same to mDNS's group", transport: udp, group: mdnsTestGroup, sent: [2]string{dnsHeader(0x7777, 0, 1, 0, 0, 0) + dnsName("7", "2", "0", "192", "in-addr", "arpa") + u16(12) + u16(1)}, of: LLMNR, want: MDNS, strength: Full, server: Destination},
	{name: "query with the tentative bit", transport: udp, group: otherTestGroup, sent: [2]string{dnsHeader(0x7777, 0x0100, 1, 0, 0, 0) + dnsName("wpad") + u16(1) + u16(1)}, of: LLMNR, want: LLMNR, strength: Full, server: Destination},
	{name: "no answer", transport: udp, sent: [2]string{dnsHeader(0x7777, 0x8000, 1, 0, 1, 0) + dnsName("pc7") + u16(28) + u16(1) + dnsName("pc7") + u16(6) + u16(1) + u32(30) + vec16(dnsName("pc7"), dnsName("pc7"), filler(20))}, of: LLMNR, want: LLMNR, start: DNS, strength: Full, server: Source},
	{name: "referral of a root server", transport: udp, sent: [2]string{dnsHeader(0x7777, 0x8000, 1, 0, 1, 0) + dnsName("org") + u16(28) + u16(1) + dnsName("org") + u16(2) + u16(1) + u32(30) + vec16(dnsName("ns", "org"))}, of: LLMNR, want: DNS, strength: Full, server: Source},
	{name: "answer", transport: udp, sent: [2]string{dnsHeader(0x7777, 0x8000, 1, 1, 0, 0) + dnsName("pc7") + u16(1) + u16(1) + dnsName("pc7") + u16(1) + u16(1) + u32(30) + vec16("\xc0\x00\x02\x07")}, of: LLMNR, want: LLMNR, strength: Full, server: Source},
	{name: "to a server", transport: udp, sent: [2]string{dnsHeader(0x7777, 0, 1, 0, 0, 0) + dnsName("org") + u16(2) + u16(1)}, of: LLMNR, want: DNS, strength: Full, server: Destination},

	{name: "query", transport: udp, group: otherTestGroup, sent: [2]string{dnsHeader(0x8001, 0x0110, 1, 0, 0, 0) + nbName + u16(0x20) + u16(1)}, of: NetBIOSName, want: NetBIOSName, strength: Full, server: Destination},
	{name: "registration", transport: udp, group: otherTestGroup, sent: [2]string{dnsHeader(0x8002, 0x2910, 1, 0, 0, 1) + nbName + u16(0x20) + u16(1) + "\xc0\x0c" + u16(0x20) + u16(1) + u32(300000) + vec16(u16(0), "\xc0\x00\x02\x07")}, of: NetBIOSName, want: NetBIOSName, strength: Full, server: Destination},
	{name: "answer", transport: udp, sent: [2]string{"", dnsHeader(0x8001, 0x8500, 0, 1, 0, 0) + nbName + u16(0x20) + u16(1) + u32(300000) + vec16(u16(0), "\xc0\x00\x02\x07")}, of: NetBIOSName, want: NetBIOSName, strength: Full, server: Destination},
	{name: "a letter that encodes nothing", transport: udp, sent: [2]string{dnsHeader(0x8001, 0x0110, 1, 0, 0, 0) + vec8("ZHEPFCELEHFCEPFFFACACACACACACAAA") + "\x00" + u16(0x20) + u16(1)}, of: NetBIOSName, want: NetBIOSName, start: DNS, strength: Likely, server: Destination},
	{name: "letters that encode nothing", transport: udp, sent: [2]string{dnsHeader(0x8001, 0x0110, 1, 0, 0, 0) + vec8("ZHEPFZELEHFZEPFFZACAZACACZCACAAA") + "\x00" + u16(0x20) + u16(1)}, of: NetBIOSName, want: DNS, strength: Full, server: Destination},
}

var (
	nbRequest = cat("\x81\x00\x00\x44", nbName, nbName)
	smb1      = cat("\x00\x00\x00\x23\xffSMB", 0x72, u32(0), "\x18\x01\x28", filler(30))
	smb2      = cat("\x00\x00\x00\x40\xfeSMB", l16(64), l16(0), u32(0), u16(0), l16(1), l32(1), filler(40))
)

var netbiosSamples = []sample{
	{name: "direct", transport: udp, sent: [2]string{cat(0x11, 0x0a, u16(77), "\xc0\x00\x02\x07", u16(138), u16(100), u16(0), nbName, nbName, filler(32))}, of: NetBIOSDatagram, want: NetBIOSDatagram, strength: Full},
	{name: "damaged name", transport: udp, sent: [2]string{cat(0x11, 0x0a, u16(77), "\xc0\x00\x02\x07", u16(138), u16(100), u16(0), nbName[:9], "z", nbName[10:], nbName, filler(32))}, of: NetBIOSDatagram, want: NetBIOSDatagram, strength: Likely},
	{name: "no name", transport: udp, sent: [2]string{cat(0x11, 0x0a, u16(77), "\xc0\x00\x02\x07", u16(138), u16(100), u16(0), filler(100))}, of: NetBIOSDatagram},
	{name: "request and refusal", transport: tcp, sent: [2]string{nbRequest, "\x83\x00\x00\x01\x82"}, of: NetBIOSSession, want: NetBIOSSession, strength: Full, server: Destination},
	{name: "length that two names do not have", transport: tcp, sent: [2]string{cat("\x81\x00\x00\x45", nbName, nbName, 0)}, of: NetBIOSSession},
	{name: "1", transport: tcp, sent: [2]string{smb1, cat("\x00\x00\x00\x23\xffSMB", 0x72, u32(0), "\x98\x01\x28", filler(30))}, of: SMB, want: SMB, strength: Full, server: Destination},
	{name: "1 behind a session request", transport: tcp, sent: [2]string{nbRequest + smb1, "\x82\x00\x00\x00"}, of: SMB, want: SMB, start: NetBIOSSession, strength: Full, server: Destination},
	{name: "2", transport: tcp, sent: [2]string{"", smb2}, of: SMB, want: SMB, strength: Full, server: Destination},
	{name: "3, encrypted", transport: tcp, sent: [2]string{cat("\x00\x00\x00\x84\xfdSMB", filler(128))}, of: SMB, want: SMB, strength: Full},
	{name: "no session header", transport: tcp, sent: [2]string{"\xfeSMB\x40\x00" + filler(58)}, of: SMB},
	{name: "another size of header", transport: tcp, sent: [2]string{cat("\x00\x00\x00\x40\xfeSMB", l16(65), filler(58))}, of: SMB},
}

func bootp(op int, rest string) string {
	return cat(op, 1, 6, 0, filler(4), u32(0), filler(16), filler(6), zeros(10), zeros(192), rest)
}

func zeros(n int) string { return string(make([]byte, n)) }

func dhcp6Option(code int, body string) string { return cat(u16(code), vec16(body)) }

func ntpTime(seconds uint32) string { return cat(u32(int(seconds)), filler(4)) }

const ntpNow uint32 = 0xe9a00000 // in 2024

var hostSamples = []sample{
	{name: "discover", transport: udp, group: otherTestGroup, sent: [2]string{bootp(1, "\x63\x82\x53\x63\x35\x01\x01\xff")}, of: DHCP, want: DHCP, strength: Full, server: Destination},
	{name: "offer", transport: udp, sent: [2]string{bootp(2, "\x63\x82\x53\x63\x35\x01\x02\xff"+zeros(56))}, of: DHCP, want: DHCP, strength: Full, server: Source},
	{name: "BOOTP", transport: udp, sent: [2]string{bootp(1, zeros(64))}, of: DHCP, want: DHCP, strength: Likely, server: Destination},
	{name: "another cookie", transport: udp, sent: [2]string{bootp(1, "\x63\x82\x53\x64\x35\x01\x01\xff")}, of: DHCP},
	{name: "operation 3", transport: udp, sent: [2]string{bootp(3, "\x63\x82\x53\x63\x35\x01\x01\xff")}, of: DHCP},

	{name: "solicit and advertise", transport: udp, sent: [2]string{cat(1, filler(3), dhcp6Option(1, filler(14)), dhcp6Option(6, "\x00\x17\x00\x18")), cat(2, filler(3), dhcp6Option(1, filler(14)), dhcp6Option(2, filler(14)))}, of: DHCPv6, want: DHCPv6, strength: Full, server: Destination},
	{name: "relayed", transport: udp, sent: [2]string{cat(12, 0, filler(32), dhcp6Option(9, filler(60)), dhcp6Option(18, "eth0"))}, of: DHCPv6, want: DHCPv6, strength: Full, server: Destination},
	{name: "one option", transport: udp, sent: [2]string{cat(11, filler(3), dhcp6Option(6, u16(23)))}, of: DHCPv6, want: DHCPv6, strength: Likely, server: Destination},
	{name: "no identifier", transport: udp, sent: [2]string{cat(1, filler(3), dhcp6Option(8, u16(0)), dhcp6Option(6, u16(23)))}, of: DHCPv6, want: DHCPv6, strength: Likely, server: Destination},
	{name: "option beyond the datagram", transport: udp, sent: [2]string{cat(1, filler(3), dhcp6Option(1, filler(14)), u16(6), u16(9), u16(23))}, of: DHCPv6},

	{name: "client and server", transport: udp, sent: [2]string{cat(0x23, 0, 6, 0xec, zeros(36), ntpTime(ntpNow)), cat(0x24, 2, 6, 0xe9, u32(0x200), u32(0x300), filler(4), ntpTime(ntpNow-60), ntpTime(ntpNow), ntpTime(ntpNow), ntpTime(ntpNow))}, of: NTP, want: NTP, strength: Full, server: Destination},
	{name: "simple client", transport: udp, sent: [2]string{"\x1b" + zeros(47)}, of: NTP, want: NTP, strength: Full, server: Destination},
	{name: "broadcast", transport: udp, group: otherTestGroup, sent: [2]string{cat(0x25, 2, 6, 0xe9, u32(0x200), u32(0x300), filler(4), ntpTime(ntpNow-60), zeros(16), ntpTime(ntpNow))}, of: NTP, want: NTP, strength: Full},
	{name: "active peer that knows no time", transport: udp, sent: [2]string{cat(0xd9, 0, 4, 0xfa, u32(0x10000), u32(0x10400), zeros(28), ntpTime(ntpNow))}, of: NTP, want: NTP, strength: Full},
	{name: "control", transport: udp, sent: [2]string{cat(0x16, 2, u16(1), u16(0), u16(0), u16(0), u16(0)), cat(0x16, 0x82, u16(1), u16(0x618), u16(0), u16(0), vec16("version=\"x\""), 0)}, of: NTP, want: NTP, strength: Full, server: Destination},
	{name: "monitor list", transport: udp, sent: [2]string{"\x17\x00\x03\x2a\x00\x00\x00\x00", cat("\xd7\x00\x03\x2a", u16(6), u16(72), filler(6*72))}, of: NTP, want: NTP, strength: Full, server: Destination},
	{name: "version 7", transport: udp, sent: [2]string{cat(0x3b, zeros(47))}, of: NTP},
	{name: "server that knows nothing", transport: udp, sent: [2]string{cat(0x14, zeros(11), filler(60))}, of: NTP},
	{name: "control response with bytes behind it", transport: udp, sent: [2]string{cat(0x26, 0x84, u16(0), u16(1), u16(0x379c), u16(0), u16(0), filler(8))}, of: NTP},
	{name: "stratum 99", transport: udp, sent: [2]string{cat(0x24, 99, 6, 0xe9, u32(0x200), u32(0x300), filler(4), ntpTime(ntpNow), ntpTime(ntpNow), ntpTime(ntpNow), ntpTime(ntpNow))}, of: NTP},
	{name: "short", transport: udp, sent: [2]string{"\x1b" + zeros(43)}, of: NTP},

	{name: "read", transport: udp, sent: [2]string{"\x00\x01boot/vmlinuz\x00octet\x00blksize\x001428\x00"}, of: TFTP, want: TFTP, strength: Full, server: Destination},
	{name: "transfer", transport: udp, sent: [2]string{"\x00\x03\x00\x01" + filler(512), "\x00\x04\x00\x01"}, of: TFTP, want: TFTP, strength: Full},
	{name: "options", transport: udp, sent: [2]string{"\x00\x06blksize\x001428\x00"}, of: TFTP, want: TFTP, strength: Full, server: Source},
	{name: "error", transport: udp, sent: [2]string{"", "\x00\x05\x00\x01File not found\x00"}, of: TFTP, want: TFTP, strength: Full},
	{name: "short first block that nobody acknowledges", transport: udp, sent: [2]string{"\x00\x03\x00\x01" + filler(12)}, of: TFTP},
	{name: "short first block", transport: udp, sent: [2]string{"\x00\x03\x00\x01" + filler(12), "\x00\x04\x00\x01"}, of: TFTP, want: TFTP, strength: Full},
	{name: "unknown mode", transport: udp, sent: [2]string{"\x00\x01boot/vmlinuz\x00binary\x00"}, of: TFTP},
	{name: "block 2", transport: udp, sent: [2]string{"\x00\x03\x00\x02" + filler(512)}, of: TFTP},
}

func tlv(tag int, parts ...any) string {
	s := cat(parts...)
	if len(s) < 128 {
		return cat(tag, vec8(s))
	}
	return cat(tag, 0x82, vec16(s))
}

var (
	snmpPDU      = cat(tlv(2, "\x01"), tlv(2, "\x00"), tlv(2, "\x00"), tlv(0x30, tlv(0x30, tlv(6, "\x2b\x06\x01"), tlv(5))))
	snmpGet      = tlv(0x30, tlv(2, 1), tlv(4, "public"), tlv(0xa0, snmpPDU))
	krbAsReq     = tlv(0x6a, tlv(0x30, tlv(0xa1, tlv(2, 5)), tlv(0xa2, tlv(2, 10)), tlv(0xa4, tlv(0x30, filler(100)))))
	krbError     = tlv(0x7e, tlv(0x30, tlv(0xa0, tlv(2, 5)), tlv(0xa1, tlv(2, 30)), tlv(0xa4, filler(17))))
	ldapReferral = cat("\x30\x84", u32(3+6+6+42), tlv(2, 2), "\x73\x84", u32(6+42), "\x04\x84", u32(42), "ldap://Forest.example.local/DC=example,DC=l")
	ldapBind     = tlv(0x30, tlv(2, 1), tlv(0x60, tlv(2, 3), tlv(4, "cn=x"), tlv(0x80, "secret")))
)

var asn1Samples = []sample{
	{name: "2c", transport: udp, sent: [2]string{snmpGet, tlv(0x30, tlv(2, 1), tlv(4, "public"), tlv(0xa2, snmpPDU))}, of: SNMP, want: SNMP, strength: Full, server: Destination},
	{name: "trap", transport: udp, sent: [2]string{tlv(0x30, tlv(2, 0), tlv(4, "public"), tlv(0xa4, tlv(6, "\x2b\x06\x01"), tlv(0x40, filler(4))))}, of: SNMP, want: SNMP, strength: Full, server: Destination},
	{name: "3", transport: udp, sent: [2]string{tlv(0x30, tlv(2, 3), tlv(0x30, tlv(2, filler(4)), tlv(2, u24(65507)), tlv(4, 4), tlv(2, 3)), tlv(4, filler(20)), tlv(0x30, filler(20)))}, of: SNMP, want: SNMP, strength: Full, server: Destination},
	{name: "response", transport: udp, sent: [2]string{"", tlv(0x30, tlv(2, 0), tlv(4, "public"), tlv(0xa2, snmpPDU))}, of: SNMP, want: SNMP, strength: Full, server: Destination},
	{name: "bytes after the message", transport: udp, sent: [2]string{snmpGet + "x"}, of: SNMP},
	{name: "version 7", transport: udp, sent: [2]string{tlv(0x30, tlv(2, 7), tlv(4, "public"), tlv(0xa0, snmpPDU))}, of: SNMP},
	{name: "bulk in version 1", transport: udp, sent: [2]string{tlv(0x30, tlv(2, 0), tlv(4, "public"), tlv(0xa5, snmpPDU))}, of: SNMP},

	{name: "bind", transport: tcp, sent: [2]string{ldapBind, tlv(0x30, tlv(2, 1), tlv(0x61, tlv(10, 0), tlv(4), tlv(4)))}, of: LDAP, want: LDAP, strength: Full, server: Destination},
	{name: "long form of the lengths", transport: tcp, sent: [2]string{cat("\x30\x84", u32(23), tlv(2, 1), "\x60\x84", u32(14), tlv(2, 3), tlv(4, "cn=x"), tlv(0x80, 0))}, of: LDAP, want: LDAP, strength: Full, server: Destination},
	{name: "search in a datagram", transport: udp, sent: [2]string{tlv(0x30, tlv(2, 9), tlv(0x63, tlv(4), tlv(10, 0), tlv(10, 0), tlv(2, 0), tlv(2, 0), tlv(1, 0), tlv(0xa0, filler(20)), tlv(0x30)))}, of: LDAP, want: LDAP, strength: Full, server: Destination},
	{name: "StartTLS", transport: tcp, sent: [2]string{tlv(0x30, tlv(2, 1), tlv(0x77, tlv(0x80, ldapStartTLS))), tlv(0x30, tlv(2, 1), tlv(0x78, tlv(10, 0), tlv(4), tlv(4)))}, of: LDAP, want: LDAP, strength: Full, server: Destination, upgrade: true},
	{name: "references in the long form", transport: tcp, sent: [2]string{"", ldapReferral + ldapReferral}, of: LDAP, want: LDAP, strength: Full, server: Destination},
	{name: "references in datagrams", transport: udp, sent: [2]string{ldapReferral}, of: LDAP, want: LDAP, strength: Full, server: Source},
	{name: "intermediate response", transport: tcp, sent: [2]string{"", tlv(0x30, tlv(2, 9), tlv(0x79, tlv(0x80, "1.3.6.1.4.1.4203.1.9.1.4"), tlv(0x81, filler(9))))}, of: LDAP, want: LDAP, strength: Full, server: Destination},
	{name: "end of a connection in the long form", transport: tcp, sent: [2]string{cat("\x30\x84", u32(5), tlv(2, 2), "\x42\x00")}, of: LDAP, want: LDAP, strength: Full, server: Destination},
	{name: "a reference to something else", transport: tcp, sent: [2]string{"", tlv(0x30, tlv(2, 2), tlv(0x73, tlv(4, "gopher://example.org")))}, of: LDAP},
	{name: "an operation that there is not, in the long form", transport: tcp, sent: [2]string{"", cat("\x30\x84", u32(9), tlv(2, 2), "\x7a\x04", filler(4)) + cat("\x30\x84", u32(9), tlv(2, 2), "\x7a\x04", filler(4))}, of: LDAP},
	{name: "version 9", transport: tcp, sent: [2]string{tlv(0x30, tlv(2, 1), tlv(0x60, tlv(2, 9), tlv(4), tlv(0x80)))}, of: LDAP},
	{name: "unknown operation", transport: tcp, sent: [2]string{tlv(0x30, tlv(2, 1), tlv(0x7c, tlv(2, 3), tlv(4), tlv(0x80)))}, of: LDAP},

	{name: "request and error", transport: udp, sent: [2]string{krbAsReq, krbError}, of: Kerberos, want: Kerberos, strength: Full, server: Destination},
	{name: "over TCP", transport: tcp, sent: [2]string{u32(len(krbAsReq)) + krbAsReq, u32(len(krbError)) + krbError}, of: Kerberos, want: Kerberos, strength: Full, server: Destination},
	{name: "type that is not the tag", transport: udp, sent: [2]string{tlv(0x6a, tlv(0x30, tlv(0xa1, tlv(2, 5)), tlv(0xa2, tlv(2, 12)), tlv(0xa4, filler(30))))}, of: Kerberos},
	{name: "version 4", transport: udp, sent: [2]string{tlv(0x6a, tlv(0x30, tlv(0xa1, tlv(2, 4)), tlv(0xa2, tlv(2, 10)), tlv(0xa4, filler(30))))}, of: Kerberos},
}

var syslogSamples = []sample{
	{name: "version 1", transport: udp, sent: [2]string{"<34>1 2024-03-01T22:14:15.003Z host su - ID47 - failed"}, of: Syslog, want: Syslog, strength: Full, server: Destination},
	{name: "no time", transport: udp, sent: [2]string{"<165>1 - - - - - -"}, of: Syslog, want: Syslog, strength: Full, server: Destination},
	{name: "old", transport: udp, sent: [2]string{"<13>Feb  5 17:32:18 host prog: text"}, of: Syslog, want: Syslog, strength: Full, server: Destination},
	{name: "counted", transport: tcp, sent: [2]string{"53 <34>1 2024-03-01T22:14:15.003Z host su - ID47 - failed"}, of: Syslog, want: Syslog, strength: Full, server: Destination},
	{name: "plain", transport: udp, sent: [2]string{"<189>29: %SYS-5-CONFIG_I: configured"}, of: Syslog, want: Syslog, strength: Likely, server: Destination},
	{name: "priority 192", transport: udp, sent: [2]string{"<192>Feb  5 17:32:18 host prog: text"}, of: Syslog},
	{name: "no number", transport: udp, sent: [2]string{"<a>Feb  5 17:32:18 host prog: text"}, of: Syslog},
	{name: "leading zero", transport: udp, sent: [2]string{"<013>Feb  5 17:32:18 host prog: text"}, of: Syslog},
}

var mailSamples = []sample{
	{name: "greeting and hello", transport: tcp, sent: [2]string{"EHLO client.example.org\r\n", "220 mx.example.org ESMTP\r\n"}, of: SMTP, want: SMTP, strength: Full, server: Destination},
	{name: "STARTTLS", transport: tcp, sent: [2]string{"EHLO client\r\nSTARTTLS\r\n", "220 mx.example.org ready\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n"}, of: SMTP, want: SMTP, strength: Full, server: Destination, upgrade: true},
	{name: "offers STARTTLS only", transport: tcp, sent: [2]string{"EHLO client\r\n", "220 mx.example.org ready\r\n250-mx\r\n250 STARTTLS\r\n"}, of: SMTP, want: SMTP, strength: Full, server: Destination},
	{name: "from the middle", transport: tcp, sent: [2]string{"MAIL FROM:<a@example.org>\r\n", "250 2.1.0 Ok\r\n"}, of: SMTP, want: SMTP, strength: Full, server: Destination},
	{name: "greeting alone names nothing", transport: tcp, sent: [2]string{"", "220 example.org ready\r\n"}, of: SMTP},
	{name: "hello without a name", transport: tcp, sent: [2]string{"EHLOx\r\n"}, of: SMTP},

	{name: "greeting and user", transport: tcp, sent: [2]string{"USER anonymous\r\n", "220 example.org ready\r\n"}, of: FTP, want: FTP, strength: Full, server: Destination},
	{name: "greeting of several lines", transport: tcp, sent: [2]string{"", "220-Welcome\r\n220-to the\r\n220 FTP server\r\n"}, of: FTP, want: FTP, strength: Full, server: Destination},
	{name: "AUTH TLS", transport: tcp, sent: [2]string{"AUTH TLS\r\n", "220 ready\r\n234 go\r\n"}, of: FTP, want: FTP, strength: Full, server: Destination, upgrade: true},
	{name: "port", transport: tcp, sent: [2]string{"PORT 192,0,2,1,7,138\r\n"}, of: FTP, want: FTP, strength: Full, server: Destination},
	{name: "user alone is POP3 or FTP", transport: tcp, sent: [2]string{"USER anonymous\r\n"}, of: FTP},
	{name: "greeting of NNTP", transport: tcp, sent: [2]string{"MODE READER\r\n", "200 news.example.org ready\r\n"}, of: FTP, want: NNTP, strength: Full, server: Destination},
	{name: "reply and prose that reads like a command", transport: tcp, sent: [2]string{"230 Login successful.\r\n"}, of: FTP, want: FTP, strength: Likely, server: Source},
	{name: "reply that refuses, as SMTP's do", transport: tcp, sent: [2]string{"530 Login incorrect.\r\n"}, of: FTP},
	{name: "a policy of TLS", transport: tcp, sent: [2]string{"534 Policy requires SSL.\r\n"}, of: FTP},
	{name: "a question of POP3 too", transport: tcp, sent: [2]string{"STAT\r\n"}, of: FTP},
	{name: "and the answer of a server of files", transport: tcp, sent: [2]string{"STAT\r\n", "211-Status of the server:\r\n"}, of: FTP, want: FTP, strength: Full, server: Destination},
	{name: "replies of the middle", transport: tcp, sent: [2]string{"250 List of files\r\n", "CWD /tmp\r\nPWD\r\n"}, of: FTP, want: FTP, strength: Full, server: Source},
	{name: "port with five numbers", transport: tcp, sent: [2]string{"PORT 192,0,2,1,7\r\n"}, of: FTP},

	{name: "greeting and user", transport: tcp, sent: [2]string{"USER bob\r\n", "+OK ready\r\n"}, of: POP3, want: POP3, strength: Full, server: Destination},
	{name: "greeting", transport: tcp, sent: [2]string{"", "+OK POP3 server ready <1896.697170952@example.org>\r\n"}, of: POP3, want: POP3, strength: Full, server: Destination},
	{name: "STLS", transport: tcp, sent: [2]string{"CAPA\r\nSTLS\r\n", "+OK\r\n"}, of: POP3, want: POP3, strength: Full, server: Destination, upgrade: true},
	{name: "OK alone may be another's", transport: tcp, sent: [2]string{"", "+OK\r\n"}, of: POP3},

	{name: "greeting and login", transport: tcp, sent: [2]string{"a001 LOGIN bob secret\r\n", "* OK ready\r\n"}, of: IMAP, want: IMAP, strength: Full, server: Destination},
	{name: "greeting", transport: tcp, sent: [2]string{"", "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"}, of: IMAP, want: IMAP, strength: Full, server: Destination},
	{name: "STARTTLS", transport: tcp, sent: [2]string{"1 CAPABILITY\r\n2 STARTTLS\r\n", "* OK ready\r\n"}, of: IMAP, want: IMAP, strength: Full, server: Destination, upgrade: true},
	{name: "numbers for tags", transport: tcp, sent: [2]string{"7 SELECT \"Sent Items\"\r\n"}, of: IMAP, want: IMAP, strength: Full, server: Destination},
	{name: "literals for arguments", transport: tcp, sent: [2]string{"a001 LOGIN {5}\r\n"}, of: IMAP, want: IMAP, strength: Full, server: Destination},
	{name: "a reply and prose", transport: tcp, sent: [2]string{"331 Login first please\r\n"}, of: IMAP, want: FTP, strength: Likely, server: Source},
	{name: "prose behind a number", transport: tcp, sent: [2]string{"12 login attempts were made\r\n"}, of: IMAP},
	{name: "a reply that says goodbye", transport: tcp, sent: [2]string{"221 LOGOUT\r\n"}, of: IMAP},
	{name: "reply that begins like a command", transport: tcp, sent: [2]string{"200 NOOP command successful\r\n"}, of: IMAP},
	{name: "no tag", transport: tcp, sent: [2]string{"LOGIN bob secret\r\n"}, of: IMAP},
	{name: "by hand", transport: tcp, sent: [2]string{". STARTTLS\r\n", "* OK ready\r\n"}, of: IMAP, want: IMAP, strength: Full, server: Destination, upgrade: true},
	{name: "unknown command", transport: tcp, sent: [2]string{"a001 HELLO bob\r\n"}, of: IMAP},
}

var chatSamples = []sample{
	{name: "both", transport: tcp, sent: [2]string{"\xff\xfb\x18\xff\xfb\x1f", "\xff\xfd\x18\xff\xfd\x1f"}, of: Telnet, want: Telnet, strength: Full, server: Destination},
	{name: "server", transport: tcp, sent: [2]string{"", "\xff\xfb\x01\xff\xfb\x03login: "}, of: Telnet, want: Telnet, strength: Full, server: Destination},
	{name: "one command", transport: tcp, sent: [2]string{"", "\xff\xfb\x03"}, of: Telnet, want: Telnet, strength: Likely},
	{name: "option that none has", transport: tcp, sent: [2]string{"\xff\xfb\x60\xff\xfb\x61"}, of: Telnet},

	{name: "registration", transport: tcp, sent: [2]string{"NICK bob\r\nUSER bob 0 * :Bob B\r\n", ":irc.example.org 001 bob :Welcome\r\n"}, of: IRC, want: IRC, strength: Full, server: Destination},
	{name: "capabilities", transport: tcp, sent: [2]string{"CAP LS 302\r\nNICK bob\r\n"}, of: IRC, want: IRC, strength: Full, server: Destination},
	{name: "notice", transport: tcp, sent: [2]string{"", "NOTICE AUTH :*** Looking up your hostname\r\n"}, of: IRC, want: IRC, strength: Full, server: Destination},
	{name: "nick alone", transport: tcp, sent: [2]string{"NICK bob\r\n"}, of: IRC, want: IRC, strength: Likely, server: Destination},
	{name: "prefix without a command", transport: tcp, sent: [2]string{"", ":irc.example.org hello there\r\n"}, of: IRC},

	{name: "both", transport: tcp, sent: [2]string{"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>", "<?xml version='1.0'?><stream:stream from='example.org' id='x1' version='1.0'>"}, of: XMPP, want: XMPP, strength: Full, server: Destination},
	{name: "STARTTLS", transport: tcp, sent: [2]string{"<stream:stream to='example.org' version='1.0'><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", ""}, of: XMPP, want: XMPP, strength: Full, server: Destination, upgrade: true},
	{name: "another document", transport: tcp, sent: [2]string{"<?xml version='1.0'?><soap:Envelope>"}, of: XMPP},

	{name: "both", transport: tcp, sent: [2]string{"RFB 003.003\n", "RFB 003.008\n"}, of: VNC, want: VNC, strength: Full, server: Destination},
	{name: "server", transport: tcp, sent: [2]string{"", "RFB 003.008\n"}, of: VNC, want: VNC, strength: Full},
	{name: "no version", transport: tcp, sent: [2]string{"", "RFB is not here\n"}, of: VNC},
}

func stun(kind int, attributes string) string {
	return cat(u16(kind), u16(len(attributes)), u32(stunCookie), filler(12), attributes)
}

func stunAttribute(kind int, body string) string { return cat(u16(kind), vec16(body)) }

func rtp(first, kind, sequence, ssrc, payload int) string {
	return cat(first, kind, u16(sequence), filler(4), u32(ssrc), filler(payload))
}

// rtpAt is a header with its number and time.
func rtpAt(kind, sequence, time, ssrc int) string {
	return cat(0x80, kind, u16(sequence), u32(time), u32(ssrc))
}

var rtcpReport = cat(0x80, 200, u16(6), u32(0x11223344), filler(20), 0x81, 202, u16(3), u32(0x11223344), 1, vec8("user"), 0, 0)

var mediaSamples = []sample{
	{name: "binding", transport: udp, sent: [2]string{stun(0x0001, ""), stun(0x0101, stunAttribute(0x20, filler(8)))}, of: STUN, want: STUN, strength: Full, server: Destination},
	{name: "TURN over TCP", transport: tcp, sent: [2]string{stun(0x0003, stunAttribute(0x19, "\x11\x00\x00\x00")), stun(0x0113, "")}, of: STUN, want: STUN, strength: Full, server: Destination},
	{name: "between peers", transport: udp, sent: [2]string{stun(0x0001, stunAttribute(0x06, filler(8))+stunAttribute(0x24, filler(4)))}, of: STUN, want: STUN, strength: Full},
	{name: "before the cookie", transport: udp, sent: [2]string{cat(u16(1), u16(8), filler(16), stunAttribute(3, u32(6)))}, of: STUN, want: STUN, strength: Full, server: Destination},
	{name: "before the cookie, no attributes", transport: udp, sent: [2]string{cat(u16(1), u16(0), filler(16))}, of: STUN, want: STUN, strength: Likely, server: Destination},
	{name: "length beyond the datagram", transport: udp, sent: [2]string{cat(u16(1), u16(8), u32(stunCookie), filler(12))}, of: STUN},
	{name: "method 5 without cookie", transport: udp, sent: [2]string{cat(u16(5), u16(0), filler(16))}, of: STUN},

	{name: "sender report", transport: udp, sent: [2]string{rtcpReport}, of: RTCP, want: RTCP, strength: Full},
	{name: "receiver report alone", transport: udp, sent: [2]string{cat(0x81, 201, u16(7), filler(28))}, of: RTCP, want: RTCP, strength: Full},
	{name: "count that the length does not hold", transport: udp, sent: [2]string{cat(0x82, 201, u16(7), filler(28))}, of: RTCP},
	{name: "bytes after it", transport: udp, sent: [2]string{rtcpReport + "\x00"}, of: RTCP},

	{name: "PCMU both ways", transport: udp, sent: [2]string{rtp(0x80, 0, 7, 0x1111, 160), rtp(0x80, 0, 9, 0x2222, 160)}, of: RTP, want: RTP, strength: Full},
	{name: "dynamic type both ways", transport: udp, sent: [2]string{rtp(0x80, 0xe0, 7, 0x1111, 900), rtp(0x80, 0x60, 9, 0x2222, 77)}, of: RTP, want: RTP, strength: Full},
	{name: "PCMU one way", transport: udp, sent: [2]string{rtp(0x80, 0, 7, 0x1111, 160)}, of: RTP, want: RTP, strength: Likely},
	{name: "DVI4 one way", transport: udp, sent: [2]string{rtp(0x80, 0x85, 7, 0x1111, 84)}, of: RTP, want: RTP, strength: Likely},
	{name: "dynamic type one way", transport: udp, sent: [2]string{rtp(0x80, 0x60, 7, 0x1111, 160)}, of: RTP},
	{name: "one way, by its sequence", transport: udp, sent: [2]string{rtpAt(0x61, 1000, 0, 0x43eee26) + filler(40)}, heads: [2]string{rtpAt(0x61, 1001, 160, 0x43eee26) + rtpAt(0x61, 1002, 320, 0x43eee26)}, of: RTP, want: RTP, strength: Full},
	{name: "behind a datagram that keeps the way open", transport: udp, sent: [2]string{"TEST\x00"}, heads: [2]string{rtpAt(0x61, 65535, 0, 0x43eee26) + rtpAt(0xe1, 0, 160, 0x43eee26) + rtpAt(0x61, 1, 320, 0x43eee26)}, of: RTP, want: RTP, strength: Full},
	{name: "one packet in ten", transport: udp, sent: [2]string{rtpAt(0x60, 1000, 0, 7) + filler(40)}, heads: [2]string{rtpAt(0x60, 1010, 1600, 7) + rtpAt(0x60, 1030, 4800, 7)}, of: RTP, want: RTP, strength: Full},
	{name: "packets of one picture", transport: udp, sent: [2]string{rtpAt(0x60, 7, 90000, 7) + filler(40)}, heads: [2]string{rtpAt(0x60, 8, 90000, 7) + rtpAt(0xe0, 9, 90000, 7)}, of: RTP, want: RTP, strength: Likely},
	{name: "out of order", transport: udp, sent: [2]string{rtpAt(0x61, 8, 160, 7) + filler(40)}, heads: [2]string{rtpAt(0x61, 7, 0, 7) + rtpAt(0x61, 9, 320, 7)}, of: RTP, want: RTP, strength: Full},
	{name: "two sources", transport: udp, sent: [2]string{rtpAt(0x61, 8, 160, 7) + filler(40)}, heads: [2]string{rtpAt(0x61, 9, 320, 8) + rtpAt(0x61, 10, 480, 9)}, of: RTP},
	{name: "numbers that do not go on", transport: udp, sent: [2]string{rtpAt(0x61, 8, 160, 7) + filler(40)}, heads: [2]string{rtpAt(0x61, 20000, 320, 7) + rtpAt(0x61, 100, 480, 7)}, of: RTP},
	{name: "times that jump", transport: udp, sent: [2]string{rtpAt(0x61, 8, 160, 7) + filler(40)}, heads: [2]string{rtpAt(0x61, 9, 1<<30, 7) + rtpAt(0x61, 10, 7, 7)}, of: RTP},
	{name: "PCMU of no frames", transport: udp, sent: [2]string{rtp(0x80, 0, 7, 0x1111, 161)}, of: RTP},
	{name: "two types", transport: udp, sent: [2]string{rtp(0x80, 0x60, 7, 0x1111, 160), rtp(0x80, 0x61, 7, 0x2222, 160)}, of: RTP},
}

func tpkt(body string) string { return cat(3, 0, u16(4+1+len(body)), len(body), body) }

var (
	x224Request = "\xe0\x00\x00\x00\x00\x00"
	x224Confirm = "\xd0\x00\x00\x12\x34\x00"
)

var rdpSamples = []sample{
	{name: "cookie", transport: tcp, sent: [2]string{tpkt(x224Request + "Cookie: mstshash=bob\r\n" + cat(1, 0, l16(8), l32(3))), tpkt(x224Confirm + cat(2, 0, l16(8), l32(2)))}, of: RDP, want: RDP, strength: Full, server: Destination, upgrade: true, text: "mstshash=bob"},
	{name: "negotiation", transport: tcp, sent: [2]string{tpkt(x224Request + cat(1, 0, l16(8), l32(0)))}, of: RDP, want: RDP, strength: Full, server: Destination},
	{name: "old", transport: tcp, sent: [2]string{tpkt(x224Request)}, of: RDP, want: RDP, strength: Likely, server: Destination},
	{name: "transport selectors", transport: tcp, sent: [2]string{tpkt(x224Request + "\xc1\x02\x01\x00\xc2\x02\x01\x02\xc0\x01\x0a")}, of: RDP, want: S7comm, strength: Likely, server: Destination},
	{name: "negotiation of unknown protocols", transport: tcp, sent: [2]string{tpkt(x224Request + cat(1, 0, l16(8), l32(0x10000)))}, of: RDP},
}

func avp(code int, body string) string {
	pad := -len(body) & 3
	return cat(u32(code), 0x40, u24(8+len(body)), body, zeros(pad))
}

func diameter(flags, code, app int, avps string) string {
	return cat(1, u24(20+len(avps)), flags, u24(code), u32(app), filler(8), avps)
}

var aaaSamples = []sample{
	{name: "access", transport: udp, sent: [2]string{cat(1, 7, u16(20+5+6), filler(16), 1, 5, "bob", 4, 6, filler(4)), cat(2, 7, u16(20+6), filler(16), 6, 6, u32(1))}, of: RADIUS, want: RADIUS, strength: Full, server: Destination},
	{name: "accounting answer", transport: udp, sent: [2]string{"", cat(5, 7, u16(20), filler(16))}, of: RADIUS, want: RADIUS, strength: Likely, server: Destination},
	{name: "attribute beyond the packet", transport: udp, sent: [2]string{cat(1, 7, u16(20+5), filler(16), 1, 6, "bob")}, of: RADIUS},
	{name: "one long attribute, cut", transport: udp, cut: 300, sent: [2]string{cat(2, 7, u16(420), filler(16), 79, 255, filler(82))}, of: RADIUS},
	{name: "port of five bytes", transport: udp, sent: [2]string{cat(1, 7, u16(20+7), filler(16), 5, 7, filler(5))}, of: RADIUS},
	{name: "damaged behind three attributes", transport: udp, sent: [2]string{cat(1, 7, u16(20+5+6+6+2), filler(16), 1, 5, "bob", 4, 6, filler(4), 5, 6, filler(4), 0, 0)}, of: RADIUS, want: RADIUS, strength: Likely, server: Destination},
	{name: "another protocol with the same lengths", transport: udp, sent: [2]string{cat(1, 7, u16(20+5+5+5+2), filler(16), 1, 5, "bob", 1, 5, "bob", 1, 5, "bob", 0, 0)}, of: RADIUS},
	{name: "length", transport: udp, sent: [2]string{cat(1, 7, u16(20+6), filler(16), 1, 5, "bob")}, of: RADIUS},
	{name: "code 9", transport: udp, sent: [2]string{cat(9, 7, u16(20+5), filler(16), 1, 5, "bob")}, of: RADIUS},

	{name: "capabilities", transport: tcp, sent: [2]string{diameter(0x80, 257, 0, avp(264, "a.example.org")+avp(296, "example.org")), diameter(0, 257, 0, avp(268, u32(2001)))}, of: Diameter, want: Diameter, strength: Full, server: Destination},
	{name: "credit control over SCTP", transport: sctp, ppid: 46, sent: [2]string{diameter(0xc0, 272, 4, avp(263, "session;1"))}, of: Diameter, want: Diameter, strength: Full},
	{name: "reserved flags", transport: tcp, sent: [2]string{diameter(0x88, 257, 0, avp(264, "a.example.org"))}, of: Diameter},
	{name: "attribute beyond the message", transport: tcp, sent: [2]string{diameter(0x80, 257, 0, cat(u32(264), 0x40, u24(80), filler(12)))}, of: Diameter},
}

var bgpMarker = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"

func bfd(first, flags, detect, length int, rest string) string {
	return cat(first, flags, detect, length, rest)
}

var bfdRest = cat(u32(7), u32(0), u32(1000000), u32(1000000), u32(0))

var routingSamples = []sample{
	{name: "open", transport: tcp, sent: [2]string{cat(bgpMarker, u16(29), 1, 4, u16(64500), u16(180), filler(4), 0)}, of: BGP, want: BGP, strength: Full},
	{name: "keepalive", transport: tcp, sent: [2]string{"", cat(bgpMarker, u16(19), 4)}, of: BGP, want: BGP, strength: Full},
	{name: "version 3", transport: tcp, sent: [2]string{cat(bgpMarker, u16(29), 1, 3, filler(9))}, of: BGP},
	{name: "type 9", transport: tcp, sent: [2]string{cat(bgpMarker, u16(29), 9, filler(10))}, of: BGP},

	{name: "hello", transport: udp, group: otherTestGroup, sent: [2]string{cat(u16(1), u16(30), filler(4), u16(0), u16(0x100), u16(20), u32(1), "\x04\x00", u16(4), u16(15), u16(0), "\x04\x01", u16(4), filler(4))}, of: LDP, want: LDP, strength: Full},
	{name: "initialization", transport: tcp, sent: [2]string{cat(u16(1), u16(32), filler(4), u16(0), u16(0x200), u16(22), u32(1), "\x05\x00", u16(14), filler(14))}, of: LDP, want: LDP, strength: Full},
	{name: "unknown message", transport: tcp, sent: [2]string{cat(u16(1), u16(30), filler(4), u16(0), u16(0x123), u16(20), filler(20))}, of: LDP},
	{name: "length", transport: udp, sent: [2]string{cat(u16(1), u16(31), filler(4), u16(0), u16(0x100), u16(20), filler(20))}, of: LDP},

	{name: "down", transport: udp, sent: [2]string{bfd(0x20, 0x40, 3, 24, bfdRest)}, of: BFD, want: BFD, strength: Full},
	{name: "with password", transport: udp, sent: [2]string{bfd(0x20, 0x44, 3, 24+9, bfdRest+cat(1, 9, 1, "secret"))}, of: BFD, want: BFD, strength: Full},
	{name: "up without a peer", transport: udp, sent: [2]string{bfd(0x20, 0xc0, 3, 24, bfdRest)}, of: BFD},
	{name: "interval of an hour", transport: udp, sent: [2]string{bfd(0x20, 0x40, 3, 24, cat(u32(7), u32(0), u32(3600e6/2), u32(1000000), u32(0)))}, of: BFD},
	{name: "length", transport: udp, sent: [2]string{bfd(0x20, 0x40, 3, 25, bfdRest+"\x00")}, of: BFD},
}
