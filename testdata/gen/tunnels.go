package main

import "net/netip"

// tunnels has one of each encapsulation, with the same conversation in each:
// a DNS question from 10.0.0.10 to 10.0.0.53 and its answer. The outer flow is
// one of its own where it has ports. Only the tunnel tells the inner flows
// apart.
func tunnels() *recording {
	r := newRecording(linkEthernet)
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")

	// inner starts the conversation in the tunnel of that name; wrap makes a
	// frame for one of its datagrams.
	inner := func(tunnel string, wrap func(d direction, datagram []byte) []byte) *flow {
		f := r.flow(protoUDP, "10.0.0.10:50001", "10.0.0.53:53", want{"established", "destination"})
		f.tunnel, f.wrap = tunnel, wrap
		return f
	}
	talk := func(f *flow) {
		f.udp(out, dnsQuery(1, "example.com"))
		f.udp(back, dnsAnswer(1, "example.com", [4]byte{192, 0, 2, 80}))
	}
	// overIP runs it in datagrams between the ends a and b.
	overIP := func(tunnel string, from, to netip.Addr, proto uint8, encapsulate func(d direction, datagram []byte) []byte) {
		talk(inner(tunnel, func(d direction, datagram []byte) []byte {
			src, dst := from, to
			if d == back {
				src, dst = to, from
			}
			o := ip(src, dst, proto, 0, encapsulate(d, datagram))
			return ethernet(mac(dst), mac(src), nil, etherType(o), o)
		}))
	}
	// overUDP runs it in a UDP flow both ways, or in two that each go one way.
	overUDP := func(tunnel string, outer [2]*flow, encapsulate func(d direction, datagram []byte) []byte) {
		talk(inner(tunnel, func(d direction, datagram []byte) []byte {
			o, od := outer[d], d
			if o != outer[0] {
				od = out // a flow of its own for the way back
			}
			src, dst := o.from(od)
			frame := o.plainFrame(od, o.datagram(od, udp(src, dst, encapsulate(d, datagram))))
			o.count(od, len(frame))
			return frame
		}))
	}
	oneWay := func(srcOut, srcBack, port string) [2]*flow {
		w := want{"one-way", "destination"}
		return [2]*flow{
			r.flow(protoUDP, "192.0.2.1:"+srcOut, "198.51.100.1:"+port, w),
			r.flow(protoUDP, "198.51.100.1:"+srcBack, "192.0.2.1:"+port, w),
		}
	}
	bothWays := func(src, dst string, w want) [2]*flow {
		f := r.flow(protoUDP, "192.0.2.1:"+src, "198.51.100.1:"+dst, w)
		return [2]*flow{f, f}
	}
	bridged := func(d direction, datagram []byte) []byte {
		src, dst := netip.MustParseAddr("10.0.0.10"), netip.MustParseAddr("10.0.0.53")
		if d == back {
			src, dst = dst, src
		}
		return ethernet(mac(dst), mac(src), nil, etherType(datagram), datagram)
	}
	bare := func(_ direction, datagram []byte) []byte { return datagram }

	// VXLAN (RFC 7348) in two networks; the source port differs by direction.
	vxlan := func(vni uint32) func(direction, []byte) []byte {
		return func(d direction, p []byte) []byte { return cat([]byte{8, 0, 0, 0}, be32(vni<<8), bridged(d, p)) }
	}
	overUDP("vxlan:77", oneWay("50077", "51077", "4789"), vxlan(77))
	overUDP("vxlan:78", oneWay("50078", "51078", "4789"), vxlan(78))

	// GENEVE (RFC 8926) with one option, of 4 octets.
	overUDP("geneve:79", oneWay("50079", "51079", "6081"), func(d direction, p []byte) []byte {
		return cat([]byte{2, 0}, be16(etherTEB), be32(79<<8), be16(0x0102), []byte{1, 1}, be32(0xdecade), bridged(d, p))
	})
	// GTP-U (3GPP TS 29.281): a tunnel identifier for each direction, and on
	// the way back a PDU session container (3GPP TS 38.415) before the datagram.
	overUDP("gtp-u", bothWays("2152", "2152", want{"established", "both"}), func(d direction, p []byte) []byte {
		if d == out {
			return cat([]byte{0x30, 255}, be16(uint16(len(p))), be32(0xa1), p)
		}
		return cat([]byte{0x34, 255}, be16(uint16(8+len(p))), be32(0xb2), []byte{0, 0, 0, 0x85, 1, 0, 9, 0}, p)
	})
	// L2TP version 2 (RFC 2661): data with a length, then PPP.
	overUDP("l2tp", bothWays("1701", "1701", want{"established", "both"}), func(d direction, p []byte) []byte {
		return cat(be16(0x4002, uint16(12+len(p)), uint16(7+d), uint16(9+d)), []byte{0xff, 3}, be16(0x0021), p)
	})

	overIP("gre", a, b, protoGRE, func(_ direction, p []byte) []byte { return cat(be16(0, etherIPv4), p) })
	// GRE with a key and a sequence number (RFC 2890).
	overIP("gre:5", a, b, protoGRE, func(_ direction, p []byte) []byte { return cat(be16(0x3000, etherIPv4), be32(5, 1), p) })
	// NVGRE (RFC 7637): the key holds the virtual subnet and a flow identifier.
	overIP("nvgre:5001", a, b, protoGRE, func(d direction, p []byte) []byte {
		return cat(be16(0x2000, etherTEB), be32(5001<<8|0x5a), bridged(d, p))
	})
	// ERSPAN (draft-foschiano-erspan) mirrors both directions one way, here each
	// in a session of its own: type II from one switch, type III from another.
	for _, m := range []struct {
		from   netip.Addr
		kind   uint16
		header func(session uint16) []byte
	}{
		{a, etherERSPANII, func(session uint16) []byte { return be16(0x1000, session, 0, 0) }},
		{netip.MustParseAddr("192.0.2.3"), etherERSPANIII, func(session uint16) []byte { return be16(0x2000, session, 0, 0, 0, 0) }},
	} {
		talk(inner("erspan", func(d direction, p []byte) []byte {
			o := ipv4(m.from, b, protoGRE, 0, 0x4000, cat(be16(0x1000, m.kind), be32(1), m.header(9+uint16(d)), bridged(d, p)))
			return ethernet(mac(b), mac(m.from), nil, etherIPv4, o)
		}))
	}
	// EtherIP (RFC 3378).
	overIP("etherip", a, b, protoEtherIP, func(d direction, p []byte) []byte { return cat(be16(0x3000), bridged(d, p)) })

	// IP in IP (RFC 2003), between two pairs of ends: two networks; and in
	// IPv6 (RFC 2473).
	overIP("ipip", a, b, protoIPIP, bare)
	overIP("ipip", a, netip.MustParseAddr("198.51.100.2"), protoIPIP, bare)
	overIP("ipip", netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), protoIPIP, bare)

	// MPLS (RFC 3032), two labels; on the way back the last router but one has
	// taken them off. PPPoE (RFC 2516). Neither is over IP.
	talk(inner("", func(d direction, p []byte) []byte {
		if d == back {
			return ethernet(mac(a), mac(b), nil, etherIPv4, p)
		}
		labels := be32(16000<<12|64, 17000<<12|1<<8|64) // the last has the bottom bit
		return ethernet(mac(b), mac(a), nil, etherMPLS, cat(labels, p))
	}))
	talk(inner("pppoe:2", func(_ direction, p []byte) []byte {
		return ethernet(mac(b), mac(a), nil, etherPPPoE, cat([]byte{0x11, 0}, be16(2, uint16(2+len(p)), 0x0021), p))
	}))

	// IPv6 in IPv4 (RFC 4213), and Teredo (RFC 4380), the answer behind an
	// origin indication.
	six := func(tunnel string, wrap func(direction, []byte) []byte) *flow {
		f := r.flow(protoUDP, "[2001:db8:1::10]:50001", "[2001:db8:2::53]:53", want{"established", "destination"})
		f.tunnel, f.wrap = tunnel, wrap
		return f
	}
	talk(six("ipip", func(d direction, p []byte) []byte {
		src, dst := a, b
		if d == back {
			src, dst = b, a
		}
		return ethernet(mac(dst), mac(src), nil, etherIPv4, ipv4(src, dst, protoIPv6, 0, 0, p))
	}))
	teredo := bothWays("50111", "3544", want{"established", "destination"})[0]
	talk(six("teredo", func(d direction, p []byte) []byte {
		if d == back {
			p = cat(be16(0, ^uint16(50111)), be32(^uint32(0xc0000201)), p)
		}
		src, dst := teredo.from(d)
		frame := teredo.plainFrame(d, teredo.datagram(d, udp(src, dst, p)))
		teredo.count(d, len(frame))
		return frame
	}))

	// SCTP in UDP (RFC 6951): the addresses are those outside.
	outer := bothWays("9899", "9899", want{"established", "both"})[0]
	s := r.flow(protoSCTP, "192.0.2.1:36412", "198.51.100.1:2905", want{"established", "destination"})
	s.tunnel = "sctp-over-udp"
	s.datagram = func(d direction, transport []byte) []byte {
		src, dst := outer.from(d)
		return outer.plain(d, udp(src, dst, transport))
	}
	s.wrap = func(d direction, datagram []byte) []byte {
		frame := s.plainFrame(d, datagram)
		outer.count(d, len(frame))
		return frame
	}
	s.associate()
	s.message(out, ppidM3UA, "\x01\x00\x03\x01\x00\x00\x00\x08")

	// Three deep: VLAN 40, GRE, IP in IP.
	deep := inner("gre/ipip", func(d direction, p []byte) []byte {
		src, dst := a, b
		if d == back {
			src, dst = b, a
		}
		in := ipv4(netip.MustParseAddr("10.255.0.1"), netip.MustParseAddr("10.255.0.2"), protoIPIP, 0, 0, p)
		return ethernet(mac(dst), mac(src), []uint16{40}, etherIPv4, ipv4(src, dst, protoGRE, 0, 0, cat(be16(0, etherIPv4), in)))
	})
	deep.tags = []uint16{40}
	talk(deep)

	// Not a tunnel though its port says so: text sent to VXLAN's port.
	f := r.flow(protoUDP, "192.0.2.9:50200", "198.51.100.1:4789", want{"one-way", "destination"})
	f.udp(out, "this is no VXLAN header")
	// Tunnels without a flow in them: GTP-U echo request, GRE keepalive.
	f = r.flow(protoUDP, "192.0.2.9:2152", "198.51.100.1:2152", want{"one-way", "both"})
	f.udp(out, string(cat([]byte{0x32, 1}, be16(4), be32(0), be16(1, 0))))
	r.frame(ethernet(mac(b), mac(a), nil, etherIPv4, ipv4(a, b, protoGRE, 0, 0, be16(0, 0))))
	return r
}
