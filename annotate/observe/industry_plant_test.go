package observe

func modbusADU(unit int, pdu ...any) string {
	body := cat(pdu...)
	return cat(filler(2), u16(0), u16(1+len(body)), unit, body)
}

func dnp3Frame(control, length int, rest string) string {
	h := cat(0x05, 0x64, length, control, l16(4), l16(1))
	return cat(h, l16(int(dnp3CRC([]byte(h)))), rest)
}

func cotpDT(body string) string { return cat(3, 0, u16(7+len(body)), 2, 0xf0, 0x80, body) }

// cotpCR gives a connection request (0xe0) or confirmation (0xd0).
func cotpCR(kind int, parameters string) string {
	return cat(3, 0, u16(11+len(parameters)), 6+len(parameters), kind, u16(0), u16(1), 0, parameters)
}

func s7Message(kind, data int, parameters string) string {
	extra := ""
	if kind == 2 || kind == 3 {
		extra = "\x00\x00"
	}
	return cotpDT(cat(0x32, kind, u16(0), u16(5), u16(len(parameters)), u16(data), extra, parameters, filler(data)))
}

func enipMessage(command, session int, body string) string {
	return cat(l16(command), l16(len(body)), l32(session), l32(0), filler(8), l32(0), body)
}

func bvlc(function int, body string) string { return cat(0x81, function, u16(4+len(body)), body) }

func iecFrame(body string) string { return cat(0x68, len(body), body) }

func opcMessage(kind string, parts ...any) string {
	body := cat(parts...)
	return cat(kind, l32(8+len(body)), body)
}

func opcString(s string) string { return cat(l32(len(s)), s) }

var plantSamples = []sample{
	{name: "registers", transport: tcp, sent: [2]string{modbusADU(1, 3, u16(100), u16(10)), modbusADU(1, 3, vec8(filler(20)))}, of: Modbus, want: Modbus, strength: Full, server: Destination},
	{name: "two requests", transport: tcp, sent: [2]string{modbusADU(1, 3, u16(100), u16(10)) + modbusADU(1, 16, u16(8), u16(2), vec8(filler(4)))}, of: Modbus, want: Modbus, strength: Full, server: Destination},
	{name: "exception", transport: tcp, sent: [2]string{"", modbusADU(1, 0x83, 2)}, of: Modbus, want: Modbus, strength: Full, server: Destination},
	{name: "written bit", transport: tcp, sent: [2]string{modbusADU(1, 5, u16(7), u16(0xff00))}, of: Modbus, want: Modbus, strength: Full},
	{name: "exceptions with a byte too many", transport: tcp, sent: [2]string{"", modbusADU(10, 0x81, 6, 0) + modbusADU(10, 0x81, 6, 0) + modbusADU(10, 0x83, 2, 0)}, of: Modbus, want: Modbus, strength: Full},
	{name: "over UDP", transport: udp, sent: [2]string{modbusADU(1, 4, u16(100), u16(10))}, of: Modbus, want: Modbus, strength: Full, server: Destination},
	{name: "126 registers", transport: tcp, sent: [2]string{modbusADU(1, 3, u16(100), u16(126))}, of: Modbus},
	{name: "protocol 1", transport: tcp, sent: [2]string{cat(u16(9), u16(1), u16(6), 1, 3, u16(100), u16(10))}, of: Modbus},
	{name: "bytes behind the message", transport: tcp, sent: [2]string{modbusADU(1, 3, u16(100), u16(10)) + filler(20)}, of: Modbus},

	{name: "read", transport: tcp, sent: [2]string{dnp3Frame(0xc4, 11, filler(8)), dnp3Frame(0x44, 11, filler(8))}, of: DNP3, want: DNP3, strength: Full},
	{name: "over UDP", transport: udp, sent: [2]string{dnp3Frame(0x44, 5, "")}, of: DNP3, want: DNP3, strength: Full},
	{name: "check sequence off by one", transport: tcp, sent: [2]string{cat("\x05\x64\x05\xc4\x04\x00\x01\x00", l16(int(dnp3CRC([]byte("\x05\x64\x05\xc4\x04\x00\x01\x00")))^1))}, of: DNP3},

	{name: "job and its answer", transport: tcp, sent: [2]string{s7Message(1, 0, filler(14)), s7Message(3, 20, filler(2))}, of: S7comm, want: S7comm, strength: Full, server: Destination},
	{name: "connection", transport: tcp, sent: [2]string{cotpCR(0xe0, "\xc0\x01\x0a\xc1\x02\x01\x00\xc2\x02\x01\x02")}, of: S7comm, want: S7comm, strength: Likely, server: Destination},
	{name: "connection by name", transport: tcp, sent: [2]string{cotpCR(0xe0, "\xc1\x02\x06\x00\xc2\x0fSIMATIC-ROOT-ES\xc0\x01\x0a")}, of: S7comm, want: S7comm, strength: Full, server: Destination},
	{name: "newer protocol", transport: tcp, sent: [2]string{cotpDT(cat("\x72\x01", u16(40), filler(40), "\x72\x01\x00\x00"))}, of: S7comm, want: S7comm, strength: Full},
	{name: "lengths beyond the message", transport: tcp, sent: [2]string{cotpDT(cat(0x32, 1, u16(0), u16(5), u16(14), u16(4), filler(14)))}, of: S7comm},
	{name: "selectors of another kind", transport: tcp, sent: [2]string{cotpCR(0xe0, "\xc1\x02\x00\x01\xc2\x02\x00\x01\xc0\x01\x0a")}, of: S7comm},

	{name: "session", transport: tcp, sent: [2]string{enipMessage(0x65, 0, cat(l16(1), l16(0))), enipMessage(0x65, 7, cat(l16(1), l16(0)))}, of: EtherNetIP, want: EtherNetIP, strength: Full, server: Destination},
	{name: "explicit message", transport: tcp, sent: [2]string{enipMessage(0x6f, 7, cat(l32(0), l16(10), l16(2), l16(0), l16(0), l16(0xb2), l16(6), filler(6)))}, of: EtherNetIP, want: EtherNetIP, strength: Full},
	{name: "identity", transport: udp, sent: [2]string{enipMessage(0x63, 0, ""), enipMessage(0x63, 0, cat(l16(1), l16(12), l16(40), l16(1), filler(38)))}, of: EtherNetIP, want: EtherNetIP, strength: Full, server: Destination},
	{name: "options", transport: tcp, sent: [2]string{cat(l16(0x65), l16(4), l32(0), l32(0), filler(8), l32(1), l16(1), l16(0))}, of: EtherNetIP},
	{name: "no such item", transport: tcp, sent: [2]string{enipMessage(0x6f, 7, cat(l32(0), l16(10), l16(2), l16(9), l16(0), l16(0xb2), l16(6), filler(6)))}, of: EtherNetIP},

	{name: "who is", transport: udp, sent: [2]string{bvlc(0x0b, "\x01\x20\xff\xff\x00\xff\x10\x08")}, of: BACnet, want: BACnet, strength: Full},
	{name: "property", transport: udp, sent: [2]string{bvlc(0x0a, "\x01\x04\x00\x05\x01\x0c\x0c\x02\x00\x00\x01\x19\x4d"), bvlc(0x0a, "\x01\x00\x30\x01\x0c\x0c\x02\x00\x00\x01\x19\x4d\x3e\x75\x03\x00ok\x3f")}, of: BACnet, want: BACnet, strength: Full, server: Destination},
	{name: "forwarded", transport: udp, sent: [2]string{bvlc(4, cat(filler(4), u16(47808), "\x01\x00\x10\x00\xc4\x02\x00\x00\x01\x22\x01\xe0\x91\x00\x21\x0f"))}, of: BACnet, want: BACnet, strength: Full},
	{name: "registration", transport: udp, sent: [2]string{bvlc(5, u16(60))}, of: BACnet, want: BACnet, strength: Likely},
	{name: "another length", transport: udp, sent: [2]string{bvlc(0x0b, "\x01\x20\xff\xff\x00\xff\x10\x08") + "\x00"}, of: BACnet},
	{name: "network version 2", transport: udp, sent: [2]string{bvlc(0x0b, "\x02\x20\xff\xff\x00\xff\x10\x08")}, of: BACnet},

	{name: "start", transport: tcp, sent: [2]string{"\x68\x04\x07\x00\x00\x00", "\x68\x04\x0b\x00\x00\x00"}, of: IEC104, want: IEC104, strength: Full, server: Destination},
	{name: "interrogation", transport: tcp, sent: [2]string{iecFrame("\x00\x00\x00\x00\x64\x01\x06\x00\x01\x00\x00\x00\x00\x14")}, of: IEC104, want: IEC104, strength: Full, server: Destination},
	{name: "measured values", transport: tcp, sent: [2]string{iecFrame(cat("\x02\x00\x02\x00\x0d\x02\x03\x00\x01\x00", filler(16))) + iecFrame(cat("\x04\x00\x02\x00\x0b\x83\x03\x00\x01\x00", filler(12)))}, of: IEC104, want: IEC104, strength: Full, server: Source},
	{name: "more objects than bytes", transport: tcp, sent: [2]string{iecFrame(cat("\x02\x00\x02\x00\x0d\x03\x03\x00\x01\x00", filler(16)))}, of: IEC104, want: IEC104, strength: Likely},
	{name: "more objects than bytes, and more behind", transport: tcp, sent: [2]string{iecFrame(cat("\x02\x00\x02\x00\x0d\x03\x03\x00\x01\x00", filler(16))) + "\x68"}, of: IEC104},
	{name: "no such type", transport: tcp, sent: [2]string{iecFrame(cat("\x02\x00\x02\x00\x2b\x01\x03\x00\x01\x00", filler(8)))}, of: IEC104},
	{name: "two functions at once", transport: tcp, sent: [2]string{"\x68\x04\x0f\x00\x00\x00"}, of: IEC104},

	{name: "hello", transport: tcp, sent: [2]string{opcMessage("HELF", l32(0), l32(65536), l32(65536), l32(0), l32(0), opcString("opc.tcp://plc.example.org:4840")), opcMessage("ACKF", l32(0), l32(65536), l32(65536), l32(0), l32(0))}, of: OPCUA, want: OPCUA, strength: Full, server: Destination},
	{name: "channel", transport: tcp, sent: [2]string{opcMessage("OPNF", l32(0), opcString("http://opcfoundation.org/UA/SecurityPolicy#None"), filler(60))}, of: OPCUA, want: OPCUA, strength: Full, server: Destination},
	{name: "error", transport: tcp, sent: [2]string{"", opcMessage("ERRF", "\x00\x00\x7d\x80", opcString(""))}, of: OPCUA, want: OPCUA, strength: Full, server: Destination},
	{name: "message", transport: tcp, sent: [2]string{opcMessage("MSGF", l32(5), l32(1), filler(50))}, of: OPCUA, want: OPCUA, strength: Full},
	{name: "another policy", transport: tcp, sent: [2]string{opcMessage("OPNF", l32(0), opcString("http://example.org/UA/SecurityPolicy#None12345678"), filler(60))}, of: OPCUA},
	{name: "acknowledgement of another length", transport: tcp, sent: [2]string{"", opcMessage("ACKF", l32(0), l32(65536), l32(65536), l32(0))}, of: OPCUA},
}
