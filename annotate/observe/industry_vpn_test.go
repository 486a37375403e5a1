package observe

// ikeMessage gives a message of the payloads in body, the first of type next.
func ikeMessage(responder string, next, version, exchange, flags int, body string) string {
	return cat(filler(8), responder, next, version, exchange, flags, u32(0), u32(28+len(body)), body)
}

func ikePayload(next int, body string) string { return cat(next, 0, u16(4+len(body)), body) }

func l2tpControl(kind int, rest string) string {
	return cat(0xc8, 2, u16(20+len(rest)), u16(0), u16(0), u16(0), u16(0), u16(0x8008), u16(0), u16(0), u16(kind), rest)
}

var (
	ike1SA = ikeMessage(zeros(8), 1, 0x10, 2, 0, ikePayload(13, filler(52))+ikePayload(0, filler(16)))
	ike2SA = ikeMessage(zeros(8), 33, 0x20, 34, 8, ikePayload(34, filler(40))+ikePayload(40, filler(68))+ikePayload(0, filler(32)))

	wgStart  = cat(1, zeros(3), filler(128), zeros(16))
	wgAnswer = cat(2, zeros(3), filler(72), zeros(16))

	ovpnAuth     = cat(0x38, filler(8), filler(20), u32(1), u32(0x65000000), 0, u32(0))
	ovpnAnswer   = cat(0x40, filler(8), 1, u32(0), filler(8), u32(0))
	ovpnTunnel   = cat(0x38, filler(8), 0, u32(0))
	ovpnCrypt    = cat(0x38, filler(8), u32(1), u32(0x65000000), filler(37))
	ovpnCrypt2   = cat(0x50, filler(8), u32(0x0f000001), u32(0x65000000), filler(37), filler(298), u16(300))
	ovpnControl1 = cat(0x20, filler(8), 0, u32(1), tlsHello1)
)

var vpnSamples = []sample{
	{name: "handshake", transport: udp, sent: [2]string{wgStart, wgAnswer}, of: WireGuard, want: WireGuard, strength: Full},
	{name: "data", transport: udp, sent: [2]string{cat(4, zeros(3), filler(4), l64(7), filler(80))}, of: WireGuard, want: WireGuard, strength: Likely},
	{name: "under load", transport: udp, sent: [2]string{cat(1, zeros(3), filler(144))}, of: WireGuard, want: WireGuard, strength: Likely},
	{name: "another length", transport: udp, sent: [2]string{cat(1, zeros(3), filler(124), zeros(16))}, of: WireGuard},
	{name: "reserved byte", transport: udp, sent: [2]string{cat(1, 0, 0, 1, filler(128), zeros(16))}, of: WireGuard},

	{name: "plain", transport: udp, sent: [2]string{ovpnTunnel, ovpnAnswer}, of: OpenVPN, want: OpenVPN, strength: Full, server: Destination},
	{name: "tls-auth", transport: udp, sent: [2]string{ovpnAuth}, of: OpenVPN, want: OpenVPN, strength: Full, server: Destination},
	{name: "tls-crypt", transport: udp, sent: [2]string{ovpnCrypt}, of: OpenVPN, want: OpenVPN, strength: Full, server: Destination},
	{name: "tls-crypt-v2", transport: udp, sent: [2]string{ovpnCrypt2}, of: OpenVPN, want: OpenVPN, strength: Full, server: Destination},
	{name: "control", transport: udp, sent: [2]string{ovpnControl1}, of: OpenVPN, want: OpenVPN, strength: Full},
	{name: "TCP", transport: tcp, sent: [2]string{vec16(ovpnTunnel), vec16(ovpnAnswer)}, of: OpenVPN, want: OpenVPN, strength: Full, server: Destination},
	{name: "number 9", transport: udp, sent: [2]string{cat(0x38, filler(8), 0, u32(9))}, of: OpenVPN},
	{name: "odd length", transport: udp, sent: [2]string{ovpnAuth + "\x00"}, of: OpenVPN},
	{name: "data", transport: udp, sent: [2]string{cat(0x48, filler(90))}, of: OpenVPN},
	{name: "TCP, another length", transport: tcp, sent: [2]string{cat(u16(19), ovpnTunnel)}, of: OpenVPN},

	{name: "version 1", transport: udp, sent: [2]string{ike1SA}, of: IKE, want: IKE, strength: Full, server: Destination},
	{name: "version 2", transport: udp, sent: [2]string{ike2SA, ikeMessage(filler(8), 33, 0x20, 34, 0x20, ikePayload(34, filler(40))+ikePayload(0, filler(68)))}, of: IKE, want: IKE, strength: Full, server: Destination},
	{name: "encrypted", transport: udp, sent: [2]string{ikeMessage(filler(8), 46, 0x20, 35, 8, ikePayload(39, filler(60)))}, of: IKE, want: IKE, strength: Full, server: Destination},
	{name: "behind a marker", transport: udp, sent: [2]string{cat(u32(0), ike2SA)}, of: NATTraversal, want: NATTraversal, strength: Full, server: Destination},
	{name: "over TCP", transport: tcp, sent: [2]string{cat("IKETCP", u16(6+len(ike2SA)), u32(0), ike2SA)}, of: NATTraversal, want: NATTraversal, strength: Full, server: Destination},
	{name: "ESP", transport: udp, sent: [2]string{cat(filler(4), u32(1), filler(84))}, of: NATTraversal},
	{name: "another length", transport: udp, sent: [2]string{ike2SA + "\x00"}, of: IKE},
	{name: "payload beyond the message", transport: udp, sent: [2]string{ikeMessage(zeros(8), 33, 0x20, 34, 8, cat(34, 0, u16(400), filler(40)))}, of: IKE},
	{name: "version 3", transport: udp, sent: [2]string{ikeMessage(zeros(8), 33, 0x30, 34, 8, ikePayload(0, filler(40)))}, of: IKE},

	{name: "start", transport: udp, sent: [2]string{l2tpControl(1, cat(u16(0x8008), u16(0), u16(2), u16(0x100))), l2tpControl(2, "")}, of: L2TP, want: L2TP, strength: Full, server: Destination},
	{name: "PPP", transport: udp, sent: [2]string{cat(u16(0x4002), u16(18), u16(5), u16(1), "\xff\x03", u16(0xc021), filler(6))}, of: L2TP, want: L2TP, strength: Full},
	{name: "version 3", transport: udp, sent: [2]string{cat(0xc8, 3, u16(20), u32(0), u16(0), u16(0), u16(0x8008), u16(0), u16(0), u16(1))}, of: L2TP, want: L2TP, strength: Full, server: Destination},
	{name: "acknowledgement", transport: udp, sent: [2]string{cat(0xc8, 2, u16(12), u16(5), u16(0), u16(1), u16(2))}, of: L2TP, want: L2TP, strength: Likely},
	{name: "another length", transport: udp, sent: [2]string{l2tpControl(1, "") + "\x00"}, of: L2TP},
	{name: "no message type", transport: udp, sent: [2]string{cat(0xc8, 2, u16(20), u16(0), u16(0), u16(0), u16(0), u16(0x8008), u16(0), u16(2), u16(1))}, of: L2TP},

	{name: "start", transport: tcp, sent: [2]string{cat(u16(156), u16(1), u32(0x1a2b3c4d), u16(1), u16(0), filler(144))}, of: PPTP, want: PPTP, strength: Full, server: Destination},
	{name: "another cookie", transport: tcp, sent: [2]string{cat(u16(156), u16(1), u32(0x1a2b3c4e), u16(1), u16(0), filler(144))}, of: PPTP},
}
