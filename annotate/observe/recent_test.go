package observe

import "slices"

// recentSamples are those of remote procedures, discovery, routers, clocks, news,
// queues, hospitals and storage fabrics, written from the specifications that their
// files cite.
var recentSamples = slices.Concat(dceSamples, routerSamples, discoverySamples, newsSamples, queueSamples, medicineSamples, fabricSamples, tacacsSamples)

// The interface identifiers of the endpoint mapper and of PROFINET's devices, in
// little-endian order.
const (
	epmapperUUID = "\x08\x83\xaf\xe1\x1f\x5d\xc9\x11\x91\xa4\x08\x00\x2b\x14\xa0\xfa"
	pnioUUID     = "\x01\x00\xa0\xde\x97\x6c\xd1\x11\x82\x71\x00\xa0\x24\x42\xdf\x7d"
	ndrUUID      = "\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\x00\x2b\x10\x48\x60"
)

func dceUnit(kind int, body string) string {
	return cat(5, 0, kind, 3, 0x10, 0, 0, 0, l16(16+len(body)), l16(0), l32(1), body)
}

func dceCall(kind int, body string) string {
	return cat(4, kind, 0x28, 0, 0x10, 0, 0, 0, filler(16), pnioUUID, filler(16), l32(0), l32(1), l32(0), l16(0), l16(0xffff), l16(0xffff), l16(len(body)), l16(0), 0, 0, body)
}

var (
	dceContexts = cat(l16(4280), l16(4280), l32(0), 1, 0, 0, 0, l16(0), 1, 0, epmapperUUID, l32(3), ndrUUID, l32(2))
	dceAgreed   = cat(l16(4280), l16(4280), l32(0x1234), l16(4), "135\x00", l16(0), 1, 0, 0, 0, l16(0), l16(0), ndrUUID, l32(2))
)

var dceSamples = []sample{
	{name: "bind and answer", transport: tcp, sent: [2]string{dceUnit(11, dceContexts), dceUnit(12, dceAgreed)}, of: DCERPC, want: DCERPC, strength: Full, server: Destination},
	{name: "request from the middle", transport: tcp, sent: [2]string{"", dceUnit(0, cat(l32(100), l16(0), l16(3), filler(100)))}, of: DCERPC, want: DCERPC, strength: Full, server: Source},
	{name: "the other order of bytes", transport: tcp, sent: [2]string{cat(5, 0, 2, 3, 0, 0, 0, 0, u16(40), u16(0), u32(7), filler(24))}, of: DCERPC, want: DCERPC, strength: Full, server: Source},
	{name: "datagram", transport: udp, sent: [2]string{dceCall(0, filler(60)), dceCall(2, filler(40))}, of: DCERPC, want: DCERPC, strength: Full, server: Destination},
	{name: "version 6", transport: tcp, sent: [2]string{"\x06" + dceUnit(11, dceContexts)[1:]}, of: DCERPC},
	{name: "type 4, which connections do not have", transport: tcp, sent: [2]string{dceUnit(4, filler(20))}, of: DCERPC},
	{name: "a bind without contexts", transport: tcp, sent: [2]string{dceUnit(11, cat(l16(4280), l16(4280), l32(0), 0, 0, 0, 0, filler(44)))}, of: DCERPC},
	{name: "authentication longer than the message", transport: tcp, sent: [2]string{cat(5, 0, 0, 3, 0x10, 0, 0, 0, l16(40), l16(200), l32(1), filler(24))}, of: DCERPC},
	{name: "datagram longer than it says", transport: udp, sent: [2]string{dceCall(0, filler(60)) + "more"}, of: DCERPC},
}

func ripRouteOf(address string, metric int) string {
	return cat(u16(2), u16(0), address, "\xff\xff\xff\x00", u32(0), u32(metric))
}

func hsrp2(rest string) string { return cat(1, 40, 2, 0, 6, 4, rest) }

var routerSamples = []sample{
	{name: "routes of version 2", transport: udp, group: otherTestGroup, sent: [2]string{cat(2, 2, 0, 0, ripRouteOf("\x0a\x01\x00\x00", 1), ripRouteOf("\x0a\x02\x00\x00", 16))}, of: RIP, want: RIP, strength: Full},
	{name: "with a password", transport: udp, sent: [2]string{cat(2, 2, 0, 0, u16(0xffff), u16(2), "secret", zeros(10), ripRouteOf("\x0a\x01\x00\x00", 1))}, of: RIP, want: RIP, strength: Full},
	{name: "routes of version 1", transport: udp, sent: [2]string{cat(2, 1, 0, 0, u16(2), u16(0), "\x0a\x01\x00\x00", zeros(8), u32(3))}, of: RIP, want: RIP, strength: Full},
	{name: "request for all, which RIPng's is like", transport: udp, sent: [2]string{cat(1, 1, 0, 0, zeros(16), u32(16))}, of: RIP, want: RIP, strength: Likely},
	{name: "metric of 17", transport: udp, sent: [2]string{cat(2, 2, 0, 0, ripRouteOf("\x0a\x01\x00\x00", 17))}, of: RIP},
	{name: "a mask in version 1", transport: udp, sent: [2]string{cat(2, 1, 0, 0, ripRouteOf("\x0a\x01\x00\x00", 1))}, of: RIP},
	{name: "half a route", transport: udp, sent: [2]string{cat(2, 2, 0, 0, ripRouteOf("\x0a\x01\x00\x00", 1), zeros(10))}, of: RIP},
	{name: "RIPng", transport: udp, sent: [2]string{cat(2, 1, 0, 0, "\x20\x01\x0d\xb8", zeros(12), u16(0), 32, 1)}, of: RIP},

	{name: "hello", transport: udp, group: otherTestGroup, sent: [2]string{cat(0, 0, 16, 3, 10, 120, 1, 0, "cisco\x00\x00\x00", "\x0a\x07\x00\x01")}, of: HSRP, want: HSRP, strength: Full},
	{name: "with a digest", transport: udp, sent: [2]string{cat(0, 0, 8, 3, 10, 100, 1, 0, zeros(8), "\x0a\x07\x00\x01", 4, 28, filler(28))}, of: HSRP, want: HSRP, strength: Full},
	{name: "version 2", transport: udp, sent: [2]string{hsrp2(cat(u16(10), filler(6), u32(110), u32(3000), u32(10000), "\x0a\x07\x00\x01", zeros(12)))}, of: HSRP, want: HSRP, strength: Full},
	{name: "advertisement", transport: udp, sent: [2]string{cat(0, 3, u16(1), u16(14), 2, 0, u16(0), u16(1), filler(4))}, of: HSRP, want: HSRP, strength: Full},
	{name: "state that there is not", transport: udp, sent: [2]string{cat(0, 0, 3, 3, 10, 120, 1, 0, "cisco\x00\x00\x00", "\x0a\x07\x00\x01")}, of: HSRP},
	{name: "hold time of less than the hello time", transport: udp, sent: [2]string{cat(0, 0, 16, 10, 3, 120, 1, 0, "cisco\x00\x00\x00", "\x0a\x07\x00\x01")}, of: HSRP},
}

const wsdEnvelope = `<?xml version="1.0"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:wsd="http://schemas.xmlsoap.org/ws/2005/04/discovery">`

func pcpAsk(operation int, data string) string {
	return cat(2, operation, 0, 0, u32(7200), zeros(10), "\xff\xff", "\x0a\x01\x00\x0a", data)
}

func ptpMessage(kind, size, control int, body string) string {
	return cat(kind, 2, u16(size), 0, 0, u16(0), zeros(8), zeros(4), "\x00\x1d\xc1\xff\xfe\x12\x34\x56", u16(1), u16(77), control, 0, body)
}

var discoverySamples = []sample{
	{name: "probe", transport: udp, group: otherTestGroup, sent: [2]string{wsdEnvelope + `<soap:Body><wsd:Probe></wsd:Probe></soap:Body></soap:Envelope>`}, of: WSDiscovery, want: WSDiscovery, strength: Full, server: Destination},
	{name: "matches", transport: udp, sent: [2]string{wsdEnvelope + `<soap:Header><wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action>`}, of: WSDiscovery, want: WSDiscovery, strength: Full, server: Source},
	{name: "name space beyond what is held", transport: udp, cut: 900, sent: [2]string{`<?xml version="1.0"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`}, of: WSDiscovery, want: WSDiscovery, strength: Likely},
	{name: "another envelope", transport: udp, sent: [2]string{`<?xml version="1.0"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body>hello</soap:Body></soap:Envelope>`}, of: WSDiscovery},
	{name: "another document", transport: udp, sent: [2]string{`<?xml version="1.0"?><note xmlns="http://schemas.xmlsoap.org/ws/2005/04/discovery">nothing to see</note>`}, of: WSDiscovery},

	{name: "map and answer", transport: udp, sent: [2]string{cat(0, 1, u16(0), u16(8080), u16(8080), u32(3600)), cat(0, 129, u16(0), u32(1), u16(8080), u16(8080), u32(3600))}, of: NATPMP, want: NATPMP, strength: Full, server: Destination},
	{name: "external address", transport: udp, sent: [2]string{"\x00\x00", cat(0, 128, u16(0), u32(9), "\xc0\x00\x02\x07")}, of: NATPMP, want: NATPMP, strength: Full, server: Destination},
	{name: "request alone", transport: udp, sent: [2]string{cat(0, 2, u16(0), u16(8080), u16(0), u32(3600))}, of: NATPMP, want: NATPMP, strength: Likely, server: Destination},
	{name: "result of 9", transport: udp, sent: [2]string{cat(0, 129, u16(9), u32(1), u16(8080), u16(8080), u32(3600))}, of: NATPMP},
	{name: "no port", transport: udp, sent: [2]string{cat(0, 1, u16(0), u16(0), u16(8080), u32(3600))}, of: NATPMP},

	{name: "map", transport: udp, sent: [2]string{pcpAsk(1, cat(filler(12), 6, zeros(3), u16(8080), u16(0), zeros(10), "\xff\xff\x00\x00\x00\x00")), cat(2, 129, 0, 0, u32(7200), u32(99), zeros(12), filler(12), 6, zeros(3), u16(8080), u16(8080), zeros(10), "\xff\xff\xc0\x00\x02\x07")}, of: PCP, want: PCP, strength: Full, server: Destination},
	{name: "version 1", transport: udp, sent: [2]string{"\x01" + pcpAsk(1, cat(filler(12), 6, zeros(3), filler(20)))[1:]}, of: PCP},
	{name: "half the data", transport: udp, sent: [2]string{pcpAsk(1, cat(filler(12), 6, zeros(3)))}, of: PCP},

	{name: "sync", transport: udp, group: otherTestGroup, sent: [2]string{ptpMessage(0, 44, 0, cat(u16(0), u32(exportNow), u32(5)))}, of: PTP, want: PTP, strength: Full},
	{name: "announce", transport: udp, sent: [2]string{ptpMessage(11, 64, 5, cat(u16(0), u32(exportNow), u32(5), filler(20)))}, of: PTP, want: PTP, strength: Full},
	{name: "signalling with an element", transport: udp, sent: [2]string{ptpMessage(12, 54, 5, cat(filler(10), u16(4), vec16(filler(6))))}, of: PTP, want: PTP, strength: Full},
	{name: "version 1", transport: udp, sent: [2]string{cat(u16(1), u16(1), "_DFLT", zeros(11), 1, 1, filler(10), 0, zeros(8), filler(83))}, of: PTP, want: PTP, strength: Full},
	{name: "version 3", transport: udp, sent: [2]string{"\x00\x03" + ptpMessage(0, 44, 0, zeros(10))[2:]}, of: PTP},
	{name: "length of another type", transport: udp, sent: [2]string{ptpMessage(11, 44, 5, zeros(10))}, of: PTP},
	{name: "no clock", transport: udp, sent: [2]string{cat(0, 2, u16(44), zeros(24), u16(1), u16(77), 0, 0, zeros(8))}, of: PTP},
}

var newsSamples = []sample{
	{name: "reader", transport: tcp, sent: [2]string{"MODE READER\r\n", "200 news.example.org NNRP service ready (posting ok)\r\n"}, of: NNTP, want: NNTP, strength: Full, server: Destination},
	{name: "greeting alone", transport: tcp, sent: [2]string{"", "201 news.example.org NNTP server, no posting\r\n"}, of: NNTP, want: NNTP, strength: Full, server: Destination},
	{name: "group and its reply", transport: tcp, sent: [2]string{"GROUP misc.test\r\n", "211 1234 3000234 3002322 misc.test\r\n"}, of: NNTP, want: NNTP, strength: Full, server: Destination},
	{name: "article by its identifier", transport: tcp, sent: [2]string{"ARTICLE <i.am.here@example.org>\r\n"}, of: NNTP, want: NNTP, strength: Full, server: Destination},
	{name: "reply that FTP has too", transport: tcp, sent: [2]string{"", "200 Type set to I.\r\n"}, of: NNTP},
	{name: "prose", transport: tcp, sent: [2]string{"GROUP hug!\r\n"}, of: NNTP},

	{name: "name", transport: tcp, sent: [2]string{"example.org\r\n", "% A server of names\r\n%\r\n\r\ndomain:       example.org\r\nstatus:       taken\r\n"}, of: Whois, want: Whois, strength: Full, server: Destination},
	{name: "network", transport: tcp, sent: [2]string{"-T inetnum 192.0.2.7\r\n", "% A database of networks\n\ninetnum:        192.0.2.0 - 192.0.2.255\nnetname:        TEST-NET\n"}, of: Whois, want: Whois, strength: Full, server: Destination},
	{name: "registrar", transport: tcp, sent: [2]string{"domain EXAMPLE.ORG\r\n", "   Domain Name: Example.org\r\n   Registry Domain ID: 7\r\n"}, of: Whois, want: Whois, strength: Full, server: Destination},
	{name: "routes in columns", transport: tcp, sent: [2]string{"192.0.2.7\r\n", "route:      192.0.2.0/24\ndescr:      Test\norigin:     AS64496\n"}, of: Whois, want: Whois, strength: Full, server: Destination},
	{name: "options", transport: tcp, sent: [2]string{"-V Md5.2 -q types \r\n", "% This is a database.\n% It has terms.\n\ninetnum\n"}, of: Whois, want: Whois, strength: Full, server: Destination},
	{name: "exactly this", transport: tcp, sent: [2]string{"=example.net\r\n", "   Domain Name: EXAMPLE.NET\r\n   Registrar: Example\r\n"}, of: Whois, want: Whois, strength: Full, server: Destination},
	{name: "no match", transport: tcp, sent: [2]string{"example.net\r\n", "No match for domain \"EXAMPLE.NET\".\r\n>>> Last update of the database: today <<<\r\n"}, of: Whois, want: Whois, strength: Full, server: Destination},
	{name: "keys in brackets", transport: tcp, sent: [2]string{"example.jp/e\r\n", "[ A registry of names. ]\n\n[Domain Name]  EXAMPLE.JP/e\n"}, of: Whois, want: Whois, strength: Full, server: Destination},
	{name: "a file of Gopher's", transport: tcp, sent: [2]string{"/paper.ps\r\n", "%!PS-Adobe-3.0\n%%Title: paper.ps\n"}, of: Whois},
	{name: "another", transport: tcp, sent: [2]string{"README.md\r\n", "# A title\n\nIt says: nothing.\n"}, of: Whois},
	{name: "answer alone", transport: tcp, sent: [2]string{"", "% IANA WHOIS server\n% for more information on IANA, visit http://www.iana.org\n"}, of: Whois, want: Whois, strength: Likely, server: Destination},
	{name: "a user, and what finger says", transport: tcp, sent: [2]string{"alice\r\n", "Login: alice\r\nName: Alice Example\r\n"}, of: Whois},
	{name: "question alone", transport: tcp, sent: [2]string{"example.org\r\n"}, of: Whois},
	{name: "ports, and what ident says", transport: tcp, sent: [2]string{"6191, 23\r\n", "6191, 23 : USERID : UNIX : alice\r\n"}, of: Whois},
	{name: "an answer about something else", transport: tcp, sent: [2]string{"example.org\r\n", "Welcome: stranger\r\nto this server of menus\r\n"}, of: Whois},
}

var (
	lumberBatch = cat("2W", u32(10), "2C", u32(400), "\x78\x9c", filler(398))
	lumberJSON  = cat("2W", u32(1), "2J", u32(1), vec32(`{"message":"hello"}`))
)

var queueSamples = []sample{
	{name: "connection", transport: tcp, sent: [2]string{"CONNECT\naccept-version:1.2\nhost:x\n\n\x00", "CONNECTED\nversion:1.2\n\n\x00"}, of: STOMP, want: STOMP, strength: Full, server: Destination},
	{name: "message behind a line that keeps alive", transport: tcp, sent: [2]string{"", "\nMESSAGE\r\nsubscription:0\r\nmessage-id:7\r\ndestination:/queue/a\r\n\r\nhello\x00"}, of: STOMP, want: STOMP, strength: Full, server: Destination},
	{name: "version 1.0 without headers", transport: tcp, sent: [2]string{"CONNECT\n\n\x00"}, of: STOMP, want: STOMP, strength: Likely, server: Destination},
	{name: "CONNECT of HTTP", transport: tcp, sent: [2]string{"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n"}, of: STOMP, want: HTTP, strength: Full, server: Destination, upgrade: true, text: "example.org"},
	{name: "line without a colon", transport: tcp, sent: [2]string{"SEND\nmoney\n\nnow\x00"}, of: STOMP},

	{name: "both greet", transport: tcp, sent: [2]string{cat("\xff", zeros(8), "\x7f\x03\x00NULL", zeros(16), 0, zeros(31)), cat("\xff", zeros(7), 1, "\x7f\x03\x01CURVE", zeros(15), 1, zeros(31))}, of: ZMTP, want: ZMTP, strength: Full},
	{name: "the signature, sent alone", transport: tcp, sent: [2]string{cat("\xff", zeros(7), 1, "\x7f")}, of: ZMTP, want: ZMTP, strength: Full},
	{name: "version 2", transport: tcp, sent: [2]string{cat("\xff", zeros(7), 1, "\x7f\x01\x05\x00\x00")}, of: ZMTP, want: ZMTP, strength: Full},
	{name: "no mechanism", transport: tcp, sent: [2]string{cat("\xff", zeros(8), "\x7f\x03\x00", zeros(20), 0, zeros(31))}, of: ZMTP},
	{name: "version 9", transport: tcp, sent: [2]string{cat("\xff", zeros(8), "\x7f\x09\x00NULL", zeros(48))}, of: ZMTP},

	{name: "batch and acknowledgement", transport: tcp, sent: [2]string{lumberBatch, cat("2A", u32(10))}, of: Lumberjack, want: Lumberjack, strength: Full, server: Destination},
	{name: "events as JSON", transport: tcp, sent: [2]string{lumberJSON}, of: Lumberjack, want: Lumberjack, strength: Full, server: Destination},
	{name: "version 1", transport: tcp, sent: [2]string{cat("1D", u32(1), u32(2), vec32("line"), vec32("hello"), vec32("host"), vec32("x"))}, of: Lumberjack, want: Lumberjack, strength: Full, server: Destination},
	{name: "acknowledgement alone", transport: tcp, sent: [2]string{"", cat("2A", u32(10))}, of: Lumberjack, want: Lumberjack, strength: Likely, server: Destination},
	{name: "window of nothing", transport: tcp, sent: [2]string{cat("2W", u32(0))}, of: Lumberjack},
	{name: "what follows is not compressed", transport: tcp, sent: [2]string{cat("2W", u32(10), "2C", u32(400), filler(400))}, of: Lumberjack},
}

func dicomAssociation(kind int) string {
	body := cat(u16(1), u16(0), "STORE           ", "MODALITY        ", zeros(32), "\x10\x00", vec16("1.2.840.10008.3.1.1.1"), "\x20\x00", vec16("\x01\x00\x00\x00"))
	return cat(kind, 0, vec32(body))
}

const hl7Header = "MSH|^~\\&|LAB|HOSPITAL|EHR|HOSPITAL|20260101||"

var medicineSamples = []sample{
	{name: "association", transport: tcp, sent: [2]string{dicomAssociation(1), dicomAssociation(2)}, of: DICOM, want: DICOM, strength: Full, server: Destination},
	{name: "command", transport: tcp, sent: [2]string{cat(4, 0, vec32(vec32(3, 3, zeros(4), l32(4), l32(56), filler(56))))}, of: DICOM, want: DICOM, strength: Full},
	{name: "release", transport: tcp, sent: [2]string{cat(5, 0, vec32(zeros(4))), cat(6, 0, vec32(zeros(4)))}, of: DICOM, want: DICOM, strength: Full, server: Destination},
	{name: "version 0", transport: tcp, sent: [2]string{dicomAssociation(1)[:7] + "\x00" + dicomAssociation(1)[8:]}, of: DICOM},
	{name: "another context", transport: tcp, sent: [2]string{cat(1, 0, vec32(u16(1), u16(0), "STORE           ", "MODALITY        ", zeros(32), "\x10\x00", vec16("1.3.6.1.4.1")))}, of: DICOM},
	{name: "an even context", transport: tcp, sent: [2]string{cat(4, 0, vec32(vec32(2, 3, zeros(4), l32(4), l32(56), filler(56))))}, of: DICOM},

	{name: "message and acknowledgement", transport: tcp, sent: [2]string{"\x0b" + hl7Header + "ADT^A01|1|P|2.5\rPID|1\r\x1c\r", "\x0b" + hl7Header + "ACK|1|P|2.5\rMSA|AA|1\r\x1c\r"}, of: HL7, want: HL7, strength: Full, server: Destination},
	{name: "message alone", transport: tcp, sent: [2]string{"\x0b" + hl7Header + "ORU^R01|1|P|2.5\rOBX|1\r\x1c\r"}, of: HL7, want: HL7, strength: Full, server: Destination},
	{name: "batch", transport: tcp, sent: [2]string{"\x0bFHS|^~\\&|LAB|HOSPITAL\rBHS|^~\\&\r"}, of: HL7, want: HL7, strength: Full, server: Destination},
	{name: "acknowledgement of a byte", transport: tcp, sent: [2]string{"", "\x0b\x06\x1c\r"}, of: HL7, want: HL7, strength: Likely, server: Destination},
	{name: "no start", transport: tcp, sent: [2]string{hl7Header + "ORU^R01|1|P|2.5\rOBX|1\r\x1c\r"}, of: HL7},
	{name: "a letter to separate", transport: tcp, sent: [2]string{"\x0bMSHXXXXXXLAB"}, of: HL7},
}

func tacacsPacket(kind, number int, body string) string {
	return cat(0xc0, kind, number, 0, filler(4), vec32(body))
}

var tacacsSamples = []sample{
	{name: "start and reply", transport: tcp, sent: [2]string{tacacsPacket(1, 1, filler(33)), tacacsPacket(1, 2, filler(16))}, of: TACACS, want: TACACS, strength: Full, server: Destination},
	{name: "accounting", transport: tcp, sent: [2]string{"", tacacsPacket(3, 2, filler(5))}, of: TACACS, want: TACACS, strength: Full, server: Destination},
	{name: "type 7", transport: tcp, sent: [2]string{tacacsPacket(7, 1, filler(33))}, of: TACACS},
	{name: "authorization in three packets", transport: tcp, sent: [2]string{tacacsPacket(2, 3, filler(33))}, of: TACACS},
}

func nvmeUnitOf(kind, header, data int, body string) string {
	return cat(kind, 0, header, data, l32(8+len(body)), body)
}

func bth(operation, key int, rest string) string {
	return cat(operation, 0x40, u16(key), 0, u24(0x12), 0, u24(0xa1b2), rest)
}

func iscsiHeaderOf(first, flags, size int, rest string) string {
	return cat(first, flags, u16(0), 0, u24(size), rest)
}

var fabricSamples = []sample{
	{name: "connection", transport: tcp, sent: [2]string{nvmeUnitOf(0, 128, 0, cat(l16(0), 0, 0, l32(0), zeros(112))), nvmeUnitOf(1, 128, 0, cat(l16(0), 3, 0, l32(131072), zeros(112)))}, of: NVMe, want: NVMe, strength: Full, server: Destination},
	{name: "command", transport: tcp, sent: [2]string{nvmeUnitOf(4, 72, 0, cat(2, 0x40, l16(7), l32(1), filler(56)))}, of: NVMe, want: NVMe, strength: Full, server: Destination},
	{name: "data", transport: tcp, sent: [2]string{"", nvmeUnitOf(7, 24, 24, cat(l16(7), l16(0), l32(0), l32(40), l32(0), filler(40)))}, of: NVMe, want: NVMe, strength: Full, server: Destination},
	{name: "header of another length", transport: tcp, sent: [2]string{nvmeUnitOf(0, 64, 0, cat(l16(0), 0, 0, l32(0), zeros(112)))}, of: NVMe},
	{name: "reserved bytes in use", transport: tcp, sent: [2]string{nvmeUnitOf(0, 128, 0, cat(l16(0), 0, 0, l32(0), filler(112)))}, of: NVMe},

	{name: "write", transport: udp, sent: [2]string{bth(0x0a, 0xffff, cat(u32(0), u32(4096), u32(7), u32(32), filler(32), filler(4)))}, of: RoCE, want: RoCE, strength: Full},
	{name: "acknowledgement", transport: udp, sent: [2]string{bth(0x11, 0xffff, cat(u32(7), filler(4)))}, of: RoCE, want: RoCE, strength: Full},
	{name: "congestion", transport: udp, sent: [2]string{cat(0x81, 0, u16(0xffff), 0x40, u24(0x12), 0, u24(0), zeros(16), filler(4))}, of: RoCE, want: RoCE, strength: Full},
	{name: "write of another length", transport: udp, sent: [2]string{bth(0x0a, 0xffff, cat(u32(0), u32(4096), u32(7), u32(99), filler(32), filler(4)))}, of: RoCE},
	{name: "operation that there is not", transport: udp, sent: [2]string{bth(0x3f, 0xffff, filler(24))}, of: RoCE},
	{name: "another partition", transport: udp, sent: [2]string{bth(0x11, 0x1234, cat(u32(7), filler(4)))}, of: RoCE},

	{name: "read of blocks", transport: tcp, sent: [2]string{iscsiHeaderOf(0x01, 0xc1, 0, cat(zeros(8), filler(4), u32(4096), u32(7), u32(9), "\x28\x00\x00\x00\x01\x00\x00\x00\x08\x00", zeros(6)))}, of: ISCSI, want: ISCSI, strength: Full, server: Destination},
	{name: "response", transport: tcp, sent: [2]string{"", iscsiHeaderOf(0x21, 0x80, 0, cat(zeros(8), filler(24), zeros(8)))}, of: ISCSI, want: ISCSI, strength: Full, server: Destination},
	{name: "data that go on", transport: tcp, sent: [2]string{"", iscsiHeaderOf(0x25, 0x81, 8192, cat(zeros(8), filler(4), u32(7), filler(20), u32(0), filler(300)))}, of: ISCSI, want: ISCSI, strength: Likely, server: Destination},
	{name: "ping of the target, and answer", transport: tcp, sent: [2]string{iscsiHeaderOf(0x40, 0x80, 0, cat(zeros(8), filler(16), zeros(16))), iscsiHeaderOf(0x20, 0x80, 0, cat(zeros(8), filler(20), zeros(12)))}, of: ISCSI, want: ISCSI, strength: Full, server: Destination},
	{name: "bytes behind the command", transport: tcp, sent: [2]string{iscsiHeaderOf(0x01, 0xc1, 0, cat(zeros(8), filler(4), u32(4096), u32(7), u32(9), "\x28\x00\x00\x00\x01\x00\x00\x00\x08\x00", filler(6)))}, of: ISCSI},
}
