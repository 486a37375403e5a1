package observe

func gtp1Packet(flags, kind int, teid int, rest ...any) string {
	body := cat(rest...)
	return cat(flags, kind, u16(len(body)), u32(teid), body)
}

func gtp2Packet(flags, kind int, body string) string {
	return cat(flags, kind, u16(len(body)), body)
}

func ie2(kind int, body string) string { return cat(kind, u16(len(body)), 0, body) }

// aper gives a message with one information element.
func aper(choice, procedure int, value string) string {
	return aperElement(choice, procedure, 60, value)
}

func aperElement(choice, procedure, element int, value string) string {
	body := cat(0, u16(1), u16(element), 0x40, vec8(value))
	return cat(choice, procedure, 0, 0x80|len(body)>>8, len(body)&255, body)
}

func uaMessage(class, kind int, body string) string {
	return cat(1, 0, class, kind, u32(8+len(body)), body)
}

var (
	gtpEchoed  = gtp1Packet(0x32, 1, 0, u16(7), 0, 0)
	gtp2Create = gtp2Packet(0x48, 32, cat(u32(0), u24(7), 0, ie2(1, filler(8)), ie2(71, vec8("internet"))))
)

var mobileSamples = []sample{
	{name: "IPv4", transport: udp, sent: [2]string{gtp1Packet(0x30, 255, 9, innerV4)}, of: GTPU, want: GTPU, strength: Full},
	{name: "IPv6 behind an extension header", transport: udp, sent: [2]string{gtp1Packet(0x34, 255, 9, u16(0), 0, 0x85, 1, u16(9), 0, innerV6)}, of: GTPU, want: GTPU, strength: Full},
	{name: "echo", transport: udp, sent: [2]string{gtpEchoed, gtp1Packet(0x32, 2, 0, u16(7), 0, 0, 14, 0)}, of: GTPU, want: GTPU, strength: Full},
	{name: "error", transport: udp, sent: [2]string{gtp1Packet(0x32, 26, 0, u16(7), 0, 0, 16, u32(9), 133, vec16(filler(4)))}, of: GTPU, want: GTPU, strength: Full},
	{name: "inner packet longer than the tunnel", transport: udp, sent: [2]string{gtp1Packet(0x30, 255, 9, innerV4[:27])}, of: GTPU},
	{name: "another length", transport: udp, sent: [2]string{gtp1Packet(0x30, 255, 9, innerV4) + "\x00"}, of: GTPU},
	{name: "echo of a restarted control node", transport: udp, sent: [2]string{gtpEchoed, gtp1Packet(0x32, 2, 0, u16(7), 0, 0, 14, 37)}, of: GTPC, want: GTPC, start: GTPU, strength: Full},
	{name: "version 1", transport: udp, sent: [2]string{gtp1Packet(0x32, 16, 0, u16(7), 0, 0, 2, filler(8), 14, 1, 15, 0xfc, 128, vec16(filler(2)))}, of: GTPC, want: GTPC, strength: Full},
	{name: "version 2", transport: udp, sent: [2]string{gtp2Create, gtp2Packet(0x48, 33, cat(filler(4), u24(7), 0, ie2(2, "\x10\x00")))}, of: GTPC, want: GTPC, strength: Full},
	{name: "version 2 echo", transport: udp, sent: [2]string{gtp2Packet(0x40, 1, cat(u24(7), 0, ie2(3, "\x05")))}, of: GTPC, want: GTPC, strength: Full},
	{name: "element beyond the message", transport: udp, sent: [2]string{gtp2Packet(0x48, 32, cat(u32(0), u24(7), 0, 1, u16(99), 0, filler(8)))}, of: GTPC},
	{name: "element of no type", transport: udp, sent: [2]string{gtp1Packet(0x32, 16, 0, u16(7), 0, 0, 7, filler(8))}, of: GTPC},
	{name: "charging records", transport: udp, sent: [2]string{cat(0x2e, 240, u16(2+3+20), u16(9), 126, 1, 252, vec16(filler(20)))}, of: GTPPrime, want: GTPPrime, strength: Full},
	{name: "no command", transport: udp, sent: [2]string{cat(0x2e, 240, u16(23), u16(9), 252, vec16(filler(20)))}, of: GTPPrime},

	{name: "heartbeat", transport: udp, sent: [2]string{cat(0x20, 1, u16(12), u24(1), 0, u16(96), vec16(filler(4)))}, of: PFCP, want: PFCP, strength: Full},
	{name: "session", transport: udp, sent: [2]string{cat(0x21, 50, u16(12+9+17), u64(0), u24(2), 0, u16(60), vec16(0, filler(4)), u16(57), vec16(2, filler(12)))}, of: PFCP, want: PFCP, strength: Full},
	{name: "session without its identifier", transport: udp, sent: [2]string{cat(0x20, 50, u16(12), u24(1), 0, u16(96), vec16(filler(4)))}, of: PFCP},
	{name: "element beyond the message", transport: udp, sent: [2]string{cat(0x20, 1, u16(12), u24(1), 0, u16(96), u16(5), filler(4))}, of: PFCP},

	{name: "LAPDm", transport: udp, sent: [2]string{cat(2, 4, 1, 2, u16(871), "\xc4\x00", u32(1234567), 2, 0, 0, 0, filler(23))}, of: GSMTAP, want: GSMTAP, strength: Full, server: Destination},
	{name: "frame number out of range", transport: udp, sent: [2]string{cat(2, 4, 1, 2, u16(871), "\xc4\x00", u32(2715648), 2, 0, 0, 0, filler(23))}, of: GSMTAP},
}

var overlaySamples = []sample{
	{name: "Ethernet", transport: udp, sent: [2]string{cat(8, zeros(3), u24(42), 0, innerFrame)}, of: VXLAN, want: VXLAN, strength: Full},
	{name: "ARP in a VLAN", transport: udp, sent: [2]string{cat(8, zeros(3), u24(42), 0, innerARP)}, of: VXLAN, want: VXLAN, strength: Full},
	{name: "spanning tree", transport: udp, sent: [2]string{cat(8, zeros(3), u24(42), 0, innerSpanning)}, of: VXLAN, want: VXLAN, strength: Full},
	{name: "group policy", transport: udp, sent: [2]string{cat(0x88, 0, u16(7), u24(42), 0, innerFrame)}, of: VXLAN, want: VXLAN, strength: Full},
	{name: "protocol extension", transport: udp, sent: [2]string{cat(0x0c, 0, 0, 2, u24(42), 0, innerV6)}, of: VXLAN, want: VXLAN, strength: Full},
	{name: "service chain", transport: udp, sent: [2]string{cat(0x0c, 0, 0, 4, u24(42), 0, 0, 2, 2, 1, u24(1), 255, innerV4)}, of: VXLAN, want: VXLAN, strength: Full},
	{name: "a frame not known", transport: udp, sent: [2]string{cat(8, zeros(3), u24(42), 0, innerUnknown)}, of: VXLAN, want: VXLAN, strength: Likely},
	{name: "reserved byte", transport: udp, sent: [2]string{cat(8, zeros(3), u24(42), 1, innerFrame)}, of: VXLAN},
	{name: "inner packet longer than the tunnel", transport: udp, sent: [2]string{cat(8, 0, 0, 1, u24(42), 0, innerFrame[:41])}, of: VXLAN},

	{name: "Ethernet", transport: udp, sent: [2]string{cat(0, 0, u16(0x6558), u24(42), 0, innerFrame)}, of: GENEVE, want: GENEVE, strength: Full},
	{name: "IP behind options", transport: udp, sent: [2]string{cat(3, 0x40, u16(0x86dd), u24(42), 0, u16(0x0102), 0x80, 2, filler(8), innerV6)}, of: GENEVE, want: GENEVE, strength: Full},
	{name: "a frame not known", transport: udp, sent: [2]string{cat(0, 0, u16(0x6558), u24(42), 0, innerUnknown)}, of: GENEVE, want: GENEVE, strength: Likely},
	{name: "option longer than all", transport: udp, sent: [2]string{cat(2, 0, u16(0x86dd), u24(42), 0, u16(0x0102), 0x80, 2, filler(8), innerV6)}, of: GENEVE},
	{name: "version 1", transport: udp, sent: [2]string{cat(0x40, 0, u16(0x6558), u24(42), 0, innerFrame)}, of: GENEVE},
}

var signallingSamples = []sample{
	{name: "setup", transport: sctp, ppid: 18, sent: [2]string{aper(0, 17, filler(60)), aper(0x20, 17, filler(30))}, of: S1AP, want: S1AP, strength: Full, server: Destination},
	{name: "identifier in the other order", transport: sctp, ppid: 18 << 24, sent: [2]string{aper(0, 12, filler(60))}, of: S1AP, want: S1AP, strength: Full},
	{name: "setup without an identifier", transport: sctp, sent: [2]string{aperElement(0, 17, 59, filler(60)), aperElement(0x20, 17, 61, filler(30))}, of: S1AP, want: S1AP, strength: Full, server: Destination},
	{name: "setup without an identifier", transport: sctp, sent: [2]string{aperElement(0, 21, 27, filler(60)), aperElement(0x20, 21, 1, filler(30))}, of: NGAP, want: NGAP, strength: Full, server: Destination},
	{name: "setup without an identifier", transport: sctp, sent: [2]string{aperElement(0, 6, 21, filler(60))}, of: X2AP, want: X2AP, strength: Full},
	{name: "setup", transport: sctp, ppid: 60, sent: [2]string{aper(0, 21, filler(60))}, of: NGAP, want: NGAP, strength: Full, server: Destination},
	{name: "setup", transport: sctp, ppid: 27, sent: [2]string{aper(0, 6, filler(60))}, of: X2AP, want: X2AP, strength: Full},
	{name: "setup", transport: sctp, ppid: 61, sent: [2]string{aper(0, 17, filler(60))}, of: XnAP, want: XnAP, strength: Full},
	{name: "setup", transport: sctp, ppid: 62, sent: [2]string{aper(0, 1, filler(60))}, of: F1AP, want: F1AP, strength: Full, server: Destination},
	{name: "setup", transport: sctp, ppid: 64, sent: [2]string{aper(0, 3, filler(60))}, of: E1AP, want: E1AP, strength: Full},
	{name: "warning", transport: sctp, ppid: 24, sent: [2]string{aper(0, 0, filler(60))}, of: SBcAP, want: SBcAP, strength: Full},
	{name: "another length", transport: sctp, ppid: 18, sent: [2]string{aper(0, 17, filler(60)) + "\x00"}, of: S1AP},
	{name: "no such choice", transport: sctp, ppid: 60, sent: [2]string{aper(0x60, 21, filler(60))}, of: NGAP},
	{name: "no identifier", transport: sctp, sent: [2]string{aper(0, 17, filler(60))}, of: S1AP},

	{name: "data", transport: sctp, ppid: 3, sent: [2]string{uaMessage(1, 1, cat(u16(0x210), u16(32), filler(28)))}, of: M3UA, want: M3UA, strength: Full},
	{name: "data without an identifier", transport: sctp, sent: [2]string{uaMessage(1, 1, cat(u16(0x210), u16(32), filler(28)))}, of: M3UA, want: M3UA, strength: Full},
	{name: "up", transport: sctp, ppid: 3, sent: [2]string{uaMessage(3, 1, "")}, of: M3UA, want: M3UA, strength: Full},
	{name: "up", transport: sctp, ppid: 2, sent: [2]string{uaMessage(3, 1, ""), uaMessage(6, 1, cat(u16(1), u16(8), filler(4)))}, of: M2UA, want: M2UA, strength: Full},
	{name: "data", transport: sctp, ppid: 4, sent: [2]string{uaMessage(7, 1, cat(u16(6), u16(8), filler(4)))}, of: SUA, want: SUA, strength: Full},
	{name: "data", transport: sctp, ppid: 1, sent: [2]string{uaMessage(5, 1, cat(u16(1), u16(8), filler(4)))}, of: IUA, want: IUA, strength: Full},
	{name: "link status", transport: sctp, ppid: 5, sent: [2]string{uaMessage(11, 2, cat(u32(0xffffff), u32(0xffffff), u32(1)))}, of: M2PA, want: M2PA, strength: Full},
	{name: "class of another layer", transport: sctp, ppid: 3, sent: [2]string{uaMessage(6, 1, cat(u16(1), u16(8), filler(4)))}, of: M3UA},
	{name: "parameter beyond the message", transport: sctp, ppid: 3, sent: [2]string{uaMessage(1, 1, cat(u16(0x210), u16(99), filler(28)))}, of: M3UA},

	{name: "location update", transport: sctp, sent: [2]string{cat(9, 1, vec8(filler(8)), 9, vec8(filler(20)), 10, vec8(1))}, of: SGsAP, want: SGsAP, strength: Likely},
	{name: "location update and answer", transport: sctp, sent: [2]string{cat(9, 1, vec8(filler(8)), 9, vec8(filler(20))), cat(10, 1, vec8(filler(8)), 4, vec8(filler(5)))}, of: SGsAP, want: SGsAP, strength: Full},
	{name: "no subscriber", transport: sctp, sent: [2]string{cat(9, 4, vec8(filler(8)), 9, vec8(filler(20)))}, of: SGsAP},

	{name: "text", transport: udp, sent: [2]string{"MEGACO/1 [192.0.2.1]:2944\nTransaction = 1 {\n"}, of: H248, want: H248, strength: Full},
	{name: "short text", transport: sctp, ppid: 7, sent: [2]string{"!/1 <mg.example.org> T=1{C=-{SC=ROOT{SV{MT=RS}}}}"}, of: H248, want: H248, strength: Full},
	{name: "another word", transport: udp, sent: [2]string{"MEGACORP/1 [192.0.2.1]"}, of: H248},
}
