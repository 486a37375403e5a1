package observe

// exportNow is a time in 2024, in seconds since 1970.
const exportNow = 0x66000000

func nf5Record() string { return cat(filler(36), 0, 0x18, 6, 0, filler(4), 24, 24, u16(0)) }

var (
	nf9Template   = cat(u16(0), vec16sized(u16(256), u16(2), u16(8), u16(4), u16(12), u16(4)))
	nf9Data       = cat(u16(256), vec16sized(filler(16)))
	ipfixTemplate = cat(u16(2), vec16sized(u16(256), u16(2), u16(8), u16(4), u16(12), u16(4)))
)

// vec16sized gives the body of a set, whose length counts the two bytes of
// the identifier and its own.
func vec16sized(parts ...any) string { s := cat(parts...); return cat(u16(4+len(s)), s) }

func ipfixMessage(version int, sets string) string {
	return cat(u16(version), u16(16+len(sets)), u32(exportNow), u32(7), u32(1), sets)
}

var exportSamples = []sample{
	{name: "version 5", transport: udp, sent: [2]string{cat(u16(5), u16(2), u32(1000), u32(exportNow), u32(5), u32(7), filler(4), nf5Record(), nf5Record())}, of: NetFlow, want: NetFlow, strength: Full, server: Destination},
	{name: "version 9", transport: udp, sent: [2]string{cat(u16(9), u16(2), u32(1000), u32(exportNow), u32(7), u32(1), nf9Template, nf9Data)}, of: NetFlow, want: NetFlow, strength: Full, server: Destination},
	{name: "version 9, data only", transport: udp, sent: [2]string{cat(u16(9), u16(1), u32(1000), u32(exportNow), u32(7), u32(1), nf9Data)}, of: NetFlow, want: NetFlow, strength: Likely, server: Destination},
	{name: "version 7", transport: udp, sent: [2]string{cat(u16(7), u16(1), u32(1000), u32(exportNow), u32(5), u32(7), u32(0), filler(52))}, of: NetFlow, want: NetFlow, strength: Likely, server: Destination},
	{name: "one record too few", transport: udp, sent: [2]string{cat(u16(5), u16(2), u32(1000), u32(exportNow), u32(5), u32(7), filler(4), nf5Record())}, of: NetFlow},
	{name: "padding that was not cleared", transport: udp, sent: [2]string{cat(u16(5), u16(1), u32(900000), u32(exportNow), u32(5), u32(7), filler(4), filler(24), u32(880000), u32(890000), filler(4), 9, 0x18, 6, 0, filler(4), 24, 24, filler(2))}, of: NetFlow, want: NetFlow, strength: Full, server: Destination},
	{name: "padding in use, and times that do not fit", transport: udp, sent: [2]string{cat(u16(5), u16(1), u32(1000), u32(exportNow), u32(5), u32(7), filler(4), filler(36), 1, filler(11))}, of: NetFlow, want: NetFlow, strength: Likely, server: Destination},
	{name: "time of the year 1970", transport: udp, sent: [2]string{cat(u16(5), u16(1), u32(1000), u32(400*86400), u32(5), u32(7), filler(4), nf5Record())}, of: NetFlow},
	{name: "set beyond the datagram", transport: udp, sent: [2]string{cat(u16(9), u16(1), u32(1000), u32(exportNow), u32(7), u32(1), u16(256), u16(99), filler(16))}, of: NetFlow},

	{name: "templates and data", transport: udp, sent: [2]string{ipfixMessage(10, ipfixTemplate+nf9Data)}, of: IPFIX, want: IPFIX, strength: Full, server: Destination},
	{name: "over TCP", transport: tcp, sent: [2]string{ipfixMessage(10, ipfixTemplate) + ipfixMessage(10, nf9Data)}, of: IPFIX, want: IPFIX, strength: Full, server: Destination},
	{name: "over SCTP", transport: sctp, sent: [2]string{ipfixMessage(10, nf9Data)}, of: IPFIX, want: IPFIX, strength: Full, server: Destination},
	{name: "version 11", transport: udp, sent: [2]string{ipfixMessage(11, ipfixTemplate+nf9Data)}, of: IPFIX},
	{name: "set of no kind", transport: udp, sent: [2]string{ipfixMessage(10, cat(u16(9), vec16sized(filler(16))))}, of: IPFIX},

	{name: "version 5", transport: udp, sent: [2]string{cat(u32(5), u32(1), filler(4), u32(0), u32(9), u32(1000), u32(1), u32(1), u32(40), filler(40))}, of: SFlow, want: SFlow, strength: Full, server: Destination},
	{name: "agent's IPv6 address", transport: udp, sent: [2]string{cat(u32(5), u32(2), filler(16), u32(0), u32(9), u32(1000), u32(1), u32(2), u32(40), filler(40))}, of: SFlow, want: SFlow, strength: Full, server: Destination},
	{name: "no such address", transport: udp, sent: [2]string{cat(u32(5), u32(3), filler(16), u32(0), u32(9), u32(1000), u32(1), u32(2), u32(40), filler(40))}, of: SFlow},
	{name: "sample beyond the datagram", transport: udp, sent: [2]string{cat(u32(5), u32(1), filler(4), u32(0), u32(9), u32(1000), u32(1), u32(1), u32(44), filler(40))}, of: SFlow},
}

func rpcCallOf(program int) string {
	return cat(filler(4), u32(0), u32(2), u32(program), u32(3), u32(0), u32(0), u32(0), u32(0), u32(0))
}

// rpcReplyTo answers a call, whose number it repeats.
func rpcReplyTo(call string) string {
	return cat(call[:4], u32(1), u32(0), u32(0), u32(0), u32(0), filler(8))
}

func rpcRecord(s string) string { return cat(0x80, u24(len(s)), s) }

func ipmiMessage(netFn int, rest string) string {
	head := cat(0x20, netFn<<2)
	return cat(6, 0, 0xff, 7, 0, u32(0), u32(0), vec8(head, 256-(0x20+netFn<<2)&255, rest))
}

var (
	x11Setup  = cat("l\x00", l16(11), l16(0), l16(18), l16(16), l16(0), "MIT-MAGIC-COOKIE-1", zeros(2), filler(16))
	x11Accept = cat(1, 0, l16(11), l16(0), l16(100), l32(12101004), filler(12), l16(20), l16(0xffff), 1, 7, 0, 0, 32, 32, 8, 255, filler(60))

	dhtQuery = "d1:ad2:id20:" + filler(20) + "e1:q4:ping1:t2:aa1:y1:qe"
	utpOpen  = cat(0x41, 0, u16(7), u32(123456), u32(0), u32(1<<20), u16(1), u16(0))

	nfsCall = rpcCallOf(100003)
	mapCall = rpcCallOf(100000)

	coapAsk = cat(0x42, 1, u16(7), filler(2), "\xbb.well-known\x04core")
)

var serviceSamples = []sample{
	{name: "handshake", transport: tcp, sent: [2]string{cat(0x13, "BitTorrent protocol", zeros(8), filler(40))}, of: BitTorrent, want: BitTorrent, strength: Full},
	{name: "DHT", transport: udp, sent: [2]string{dhtQuery, "d1:rd2:id20:" + filler(20) + "e1:t2:aa1:y1:re"}, of: BitTorrent, want: BitTorrent, strength: Full, server: Destination},
	{name: "tracker", transport: udp, sent: [2]string{cat(u32(0x417), u32(0x27101980), u32(0), filler(4))}, of: BitTorrent, want: BitTorrent, strength: Full, server: Destination},
	{name: "uTP", transport: udp, sent: [2]string{utpOpen}, of: BitTorrent, want: BitTorrent, strength: Full, server: Destination},
	{name: "local discovery", transport: udp, group: otherTestGroup, sent: [2]string{"BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\n\r\n"}, of: BitTorrent, want: BitTorrent, strength: Full},
	{name: "another protocol", transport: tcp, sent: [2]string{cat(0x13, "BitTorrent protocoL", zeros(8), filler(40))}, of: BitTorrent},
	{name: "uTP in the middle", transport: udp, sent: [2]string{cat(0x01, 0, u16(7), u32(123456), filler(8), u16(9), u16(8), filler(90))}, of: BitTorrent},
	{name: "dictionary of another kind", transport: udp, sent: [2]string{"d3:cow3:moo4:spam4:eggse"}, of: BitTorrent},

	{name: "job", transport: tcp, sent: [2]string{cat("\x00REQ", u32(7), vec32("resize\x00id7\x00", filler(20))), cat("\x00RES", u32(8), vec32("H:example:7"))}, of: Gearman, want: Gearman, strength: Full, server: Destination},
	{name: "type 99", transport: tcp, sent: [2]string{cat("\x00REQ", u32(99), vec32("resize"))}, of: Gearman},

	{name: "session", transport: tcp, sent: [2]string{vec32(u32(0), u64(0), u32(30000), u64(0), vec32(zeros(16)), 0), vec32(u32(0), u32(30000), filler(8), vec32(filler(16)), 0)}, of: ZooKeeper, want: ZooKeeper, strength: Full, server: Destination},
	{name: "password of another length", transport: tcp, sent: [2]string{vec32(u32(0), u64(0), u32(30000), u64(0), u32(15), zeros(16))}, of: ZooKeeper},

	{name: "between nodes", transport: tcp, sent: [2]string{cat("ES", u32(100), u64(7), 0, u32(7170099), filler(87))}, of: Elasticsearch, want: Elasticsearch, strength: Full, server: Destination},
	{name: "no version", transport: tcp, sent: [2]string{cat("ES", u32(100), u64(7), 0, u32(9), filler(87))}, of: Elasticsearch},

	{name: "port mapper", transport: udp, sent: [2]string{mapCall, rpcReplyTo(mapCall)}, of: ONCRPC, want: ONCRPC, strength: Full, server: Destination},
	{name: "NFS over TCP", transport: tcp, sent: [2]string{rpcRecord(nfsCall), rpcRecord(rpcReplyTo(nfsCall))}, of: NFS, want: NFS, start: ONCRPC, strength: Full, server: Destination},
	{name: "reply alone", transport: udp, sent: [2]string{"", rpcReplyTo(mapCall)}, of: ONCRPC, want: ONCRPC, strength: Likely, server: Destination},
	{name: "callback", transport: tcp, sent: [2]string{rpcRecord(rpcCallOf(0x40000000)), rpcRecord(rpcReplyTo(rpcCallOf(0x40000000)))}, of: ONCRPC, want: ONCRPC, strength: Full},
	{name: "RPC version 3", transport: udp, sent: [2]string{mapCall[:11] + "\x03" + mapCall[12:]}, of: ONCRPC},
	{name: "not the last fragment", transport: tcp, sent: [2]string{"\x00" + rpcRecord(nfsCall)[1:]}, of: NFS},

	{name: "login", transport: tcp, sent: [2]string{cat("\x43\x87\x00\x00\x00", u24(42), filler(6), u16(0), filler(4), u16(1), zeros(2), filler(8), zeros(16), "InitiatorName=iqn.2004-01.example.org:host\x00")}, of: ISCSI, want: ISCSI, strength: Full, server: Destination},
	{name: "reserved bytes", transport: tcp, sent: [2]string{cat("\x43\x87\x00\x00\x00", u24(42), filler(6), u16(0), filler(4), u16(1), zeros(2), filler(8), filler(16), "InitiatorName=iqn.2004-01.example.org:host\x00")}, of: ISCSI},

	{name: "session", transport: tcp, sent: [2]string{cat(0, 4, u16(1), u32(0), u32(6), u32(0), 1, vec8(u32(1<<20))), cat(1, 4, u16(1), u32(0), u32(6), u32(0), 0, vec8(u32(1<<20)))}, of: AFP, want: AFP, strength: Full, server: Destination},
	{name: "option of another length", transport: tcp, sent: [2]string{cat(0, 4, u16(1), u32(0), u32(6), u32(0), 1, 5, u32(1<<20))}, of: AFP},

	{name: "greeting", transport: tcp, sent: [2]string{"@RSYNCD: 31.0\n", "@RSYNCD: 31.0 sha512 sha256 md5\n"}, of: Rsync, want: Rsync, strength: Full},
	{name: "no version", transport: tcp, sent: [2]string{"@RSYNCD: EXIT\n"}, of: Rsync},

	{name: "clone", transport: tcp, sent: [2]string{"0032git-upload-pack /project.git\x00host=example.org\x00", "003c95dcfa3633004da0049d3d0fa03f80589cbcaf31 refs/heads/main\n"}, of: Git, want: Git, strength: Full, server: Destination},
	{name: "another service", transport: tcp, sent: [2]string{"0032git-something-pack /project.git\x00host=example.org\x00"}, of: Git},
	{name: "name of 39 digits", transport: tcp, sent: [2]string{"", "003b95dcfa3633004da0049d3d0fa03f80589cbcaf3 refs/heads/main\n"}, of: Git},

	{name: "ping and pong", transport: udp, sent: [2]string{cat(6, 0, 0xff, 6, u32(4542), 0x80, 1, 0, 0), cat(6, 0, 0xff, 6, u32(4542), 0x40, 1, 0, 16, filler(16))}, of: RMCP, want: RMCP, strength: Full, server: Destination},
	{name: "IPMI", transport: udp, sent: [2]string{ipmiMessage(6, "\x81\x00\x38\x0e\x04\x31"), ipmiMessage(7, "\x81\x00\x38\x00\x01\x02\x03\x04")}, of: RMCP, want: RMCP, strength: Full, server: Destination},
	{name: "RMCP+", transport: udp, sent: [2]string{cat(6, 0, 0xff, 7, 6, 0x10, u32(0), u32(0), l16(32), filler(32))}, of: RMCP, want: RMCP, strength: Full, server: Destination},
	{name: "check sum off by one", transport: udp, sent: [2]string{cat(6, 0, 0xff, 7, 0, u32(0), u32(0), vec8("\x20\x18\xc9", "\x81\x00\x38\x0e\x04\x31"))}, of: RMCP},

	{name: "version 5", transport: tcp, sent: [2]string{"\x05\x02\x00\x02", "\x05\x00"}, of: SOCKS, want: SOCKS, strength: Full, server: Destination},
	{name: "version 5, with the request", transport: tcp, sent: [2]string{cat("\x05\x01\x00\x05\x01\x00\x03", vec8("www.example.org"), u16(443))}, of: SOCKS, want: SOCKS, strength: Full, server: Destination},
	{name: "version 4", transport: tcp, sent: [2]string{cat(4, 1, u16(80), "\xc0\x00\x02\x07user\x00"), cat(0, 90, zeros(6))}, of: SOCKS, want: SOCKS, strength: Full, server: Destination},
	{name: "version 4A", transport: tcp, sent: [2]string{cat(4, 1, u16(80), zeros(3), 1, "\x00www.example.org\x00")}, of: SOCKS, want: SOCKS, strength: Full, server: Destination},
	{name: "command 9", transport: tcp, sent: [2]string{cat("\x05\x01\x00\x05\x09\x00\x03", vec8("www.example.org"), u16(443))}, of: SOCKS},
	{name: "method 50", transport: tcp, sent: [2]string{"\x05\x02\x00\x32"}, of: SOCKS},

	{name: "setup", transport: tcp, sent: [2]string{x11Setup, x11Accept}, of: X11, want: X11, strength: Full, server: Destination},
	{name: "version 10", transport: tcp, sent: [2]string{"l\x00\x0a" + x11Setup[3:]}, of: X11},

	{name: "discovery and answer", transport: udp, sent: [2]string{coapAsk, cat(0x62, 0x45, u16(7), filler(2), "\xc1\x28\xff</sensors/temp>;rt=temperature")}, of: CoAP, want: CoAP, strength: Full, server: Destination},
	{name: "long path", transport: udp, sent: [2]string{cat(0x41, 2, u16(7), 9, "\x39", "coap.test", "\x88", "actuator", "\x05", "valve", "\xff", "on")}, of: CoAP, want: CoAP, strength: Full, server: Destination},
	{name: "no such option", transport: udp, sent: [2]string{cat(0x42, 1, u16(7), filler(2), "\xab.well-known\x04core")}, of: CoAP},
	{name: "marker without a payload", transport: udp, sent: [2]string{coapAsk + "\xff"}, of: CoAP},
}
