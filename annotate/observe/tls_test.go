package observe

// hello gives the body of a ClientHello with the given extensions.
func hello(version int, extensions ...any) string {
	return cat(u16(version), filler(32), vec8(filler(32)), vec16("\x13\x01\x13\x02\xc0\x2f"), vec8(0), vec16(extensions...))
}

func sniExtension(name string) string { return cat(u16(0), vec16(vec16(0, vec16(name)))) }

func alpnExtension(names ...string) string {
	var list string
	for _, n := range names {
		list += vec8(n)
	}
	return cat(u16(16), vec16(vec16(list)))
}

func tlsRecord(kind, version int, body string) string { return cat(kind, u16(version), vec16(body)) }

var (
	tlsHello1 = tlsRecord(22, 0x0301, cat(1, vec24(hello(0x0303, sniExtension("www.example.org"), alpnExtension("h2", "http/1.1")))))
	tlsHello2 = tlsRecord(22, 0x0303, cat(2, vec24(u16(0x0303), filler(32), vec8(filler(32)), "\xc0\x2f", 0, vec16(alpnExtension("h2")))))
)

var tlsSamples = []sample{
	{name: "client and server", transport: tcp, sent: [2]string{tlsHello1, tlsHello2}, of: TLS, want: TLS, strength: Full, server: Destination, text: "www.example.org", alpn: "h2"},
	{name: "server's side first", transport: tcp, sent: [2]string{tlsHello2}, of: TLS, want: TLS, strength: Full, server: Source, alpn: "h2"},
	{name: "no extensions", transport: tcp, sent: [2]string{tlsRecord(22, 0x0300, cat(1, vec24(u16(0x0300), filler(32), 0, vec16("\x00\x05"), vec8(0))))}, of: TLS, want: TLS, strength: Full, server: Destination},
	{name: "old hello", transport: tcp, sent: [2]string{cat(0x80, vec8(1, u16(0x0301), u16(6), u16(0), u16(16), "\x01\x00\x80\x00\x00\x05", filler(16)))}, of: TLS, want: TLS, strength: Full, server: Destination},
	{name: "from the middle", transport: tcp, sent: [2]string{tlsRecord(23, 0x0303, filler(40)) + tlsRecord(23, 0x0303, filler(100))}, of: TLS, want: TLS, strength: Full},
	{name: "one record from the middle", transport: tcp, sent: [2]string{tlsRecord(23, 0x0303, filler(40))}, of: TLS, want: TLS, strength: Likely},
	{name: "alert", transport: tcp, sent: [2]string{"", tlsRecord(21, 0x0301, "\x02\x28")}, of: TLS, want: TLS, strength: Likely},
	{name: "cipher list of odd length", transport: tcp, sent: [2]string{tlsRecord(22, 0x0301, cat(1, vec24(u16(0x0303), filler(32), 0, vec16("\x13\x01\x13"), vec8(0), vec16())))}, of: TLS},
	{name: "version 5", transport: tcp, sent: [2]string{tlsRecord(22, 0x0305, cat(1, vec24(hello(0x0303))))}, of: TLS},
	{name: "over UDP", transport: udp, sent: [2]string{tlsHello1}, of: TLS},
}
