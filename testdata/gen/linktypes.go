package main

import "encoding/binary"

// linkCaptures holds one short capture for each link type. All have the same
// three flows: a DNS question and its answer, a refused TCP connection, and a
// DNS question over IPv6. They differ in what stands before the IP header.
func linkCaptures() map[string]*recording {
	ppp := func(datagram []byte) uint16 { // protocol numbers (IANA, "PPP Numbers")
		if datagram[0]>>4 == 6 {
			return 0x0057
		}
		return 0x0021
	}
	// family is AF_INET6 as BSD (24, 28), macOS (30) and Linux (10) know it;
	// AF_INET is 2 everywhere.
	family := func(datagram []byte, six uint32) uint32 {
		if datagram[0]>>4 == 6 {
			return six
		}
		return 2
	}
	le := binary.LittleEndian
	all := map[string]*recording{}
	for name, l := range map[string]struct {
		link   uint16
		header func(d direction, datagram []byte) []byte
	}{
		"raw":       {linkRaw, func(direction, []byte) []byte { return nil }},
		"null-le":   {linkNull, func(_ direction, p []byte) []byte { return le.AppendUint32(nil, family(p, 30)) }},
		"null-be":   {linkNull, func(_ direction, p []byte) []byte { return be32(family(p, 24)) }},
		"loop":      {linkLoop, func(_ direction, p []byte) []byte { return be32(family(p, 24)) }},
		"ppp":       {linkPPP, func(_ direction, p []byte) []byte { return cat([]byte{0xff, 3}, be16(ppp(p))) }},
		"ppp-short": {linkPPP, func(_ direction, p []byte) []byte { return []byte{byte(ppp(p))} }}, // compressed: RFC 1661 section 6
		"ppp-hdlc":  {linkPPPHDLC, func(_ direction, p []byte) []byte { return cat([]byte{0xff, 3}, be16(ppp(p))) }},
		"chdlc":     {linkCHDLC, func(_ direction, p []byte) []byte { return cat([]byte{0x0f, 0}, be16(etherType(p))) }},
		"sll": {linkSLL, func(d direction, p []byte) []byte { // packet type 0 is to us, 4 from us
			return cat(be16(4*uint16(1-d), 1, 6), []byte{2, 0, 0, 0, 0, 1, 0, 0}, be16(etherType(p)))
		}},
		"sll2": {linkSLL2, func(d direction, p []byte) []byte {
			return cat(be16(etherType(p), 0), be32(3), be16(1), []byte{4 * byte(1-d), 6, 2, 0, 0, 0, 0, 1, 0, 0})
		}},
		// 802.11 data to the access point, behind an empty radiotap header.
		"radiotap": {linkRadiotap, func(d direction, p []byte) []byte {
			return cat([]byte{0, 0, 8, 0, 0, 0, 0, 0}, dot11(d), []byte{0xaa, 0xaa, 3, 0, 0, 0}, be16(etherType(p)))
		}},
		// A frame with flags, so that its check sequence stands at the end,
		// and with quality of service.
		"radiotap-fcs": {linkRadiotap, func(d direction, p []byte) []byte {
			h := dot11(d)
			h[0] |= 0x80 // subtype QoS data
			return cat([]byte{0, 0, 9, 0, 2, 0, 0, 0, 0x10}, h, be16(0), []byte{0xaa, 0xaa, 3, 0, 0, 0}, be16(etherType(p)))
		}},
		// pflog's header says its length without the padding to four octets.
		"pflog": {linkPFLog, func(d direction, p []byte) []byte {
			h := cat([]byte{61, byte(family(p, 24)), 0, 0}, []byte("em0"), make([]byte, 13+16), be32(7, 0, 0, 0, 0, 0), []byte{byte(1 + d), 0, 0, 0})
			return pad(h, 4)
		}},
		// netfilter's log: a family, a version, a resource, then fields of a
		// type and a length, of which 9 is the packet and comes last.
		"nflog": {linkNFLOG, func(_ direction, p []byte) []byte {
			field := func(kind uint16, n int) []byte { return le.AppendUint16(le.AppendUint16(nil, uint16(4+n)), kind) }
			return cat([]byte{byte(family(p, 10)), 0}, be16(1),
				field(1, 4), be16(etherType(p)), []byte{3, 0},
				field(10, 5), []byte("drop\x00\x00\x00\x00"),
				field(9, len(p)))
		}},
	} {
		r := newRecording(l.link)
		start := func(proto uint8, src, dst string, w want) *flow {
			f := r.flow(proto, src, dst, w)
			f.wrap = func(d direction, datagram []byte) []byte {
				b := cat(l.header(d, datagram), datagram)
				switch name {
				case "radiotap-fcs":
					b = cat(b, []byte("fcs!"))
				case "nflog":
					b = pad(b, 4)
				}
				return b
			}
			return f
		}
		f := start(protoUDP, "10.0.0.10:50001", "10.0.0.53:53", want{"established", "destination"})
		f.udp(out, dnsQuery(1, "example.com"))
		f.udp(back, dnsAnswer(1, "example.com", [4]byte{192, 0, 2, 80}))
		f = start(protoTCP, "10.0.0.10:50002", "10.0.0.20:22", want{"refused", "destination"})
		f.tcp(out, syn, "")
		f.tcp(back, rst|ack, "")
		f = start(protoUDP, "[2001:db8:1::10]:50003", "[2001:db8:2::53]:53", want{"one-way", "destination"})
		f.udp(out, dnsQuery(2, "example.com"))
		all[name] = r
	}

	// Link types that admit one version of IP only.
	for name, link := range map[string]uint16{"ipv4": linkIPv4, "ipv6": linkIPv6} {
		r := newRecording(link)
		src, dst := "10.0.0.10:50001", "10.0.0.53:53"
		if link == linkIPv6 {
			src, dst = "[2001:db8:1::10]:50001", "[2001:db8:2::53]:53"
		}
		f := r.flow(protoUDP, src, dst, want{"established", "destination"})
		f.udp(out, dnsQuery(1, "example.com"))
		f.udp(back, dnsAnswer(1, "example.com", [4]byte{192, 0, 2, 80}))
		all[name] = r
	}

	// A link type that no decoder knows: USB.
	usb := newRecording(189)
	usb.frame([]byte(filler(48)))
	all["unknown"] = usb
	return all
}

// dot11 is the header of an 802.11 data frame: to the access point, or from
// it (IEEE 802.11 section 9.3.2.1).
func dot11(d direction) []byte {
	return cat([]byte{0x08, 1 + byte(d), 0, 0}, []byte{2, 0, 0, 0, 0, 1}, []byte{2, 0, 0, 0, 0, 2}, []byte{2, 0, 0, 0, 0, 3}, be16(0x1000))
}
