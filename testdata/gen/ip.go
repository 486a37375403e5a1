package main

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// extension is one IPv6 extension header: its number, and its octets for a
// given next header.
type extension struct {
	number uint8
	header func(next uint8) []byte
}

// Extension headers (RFC 8200 section 4). Options are one PadN.
var (
	hopByHop    = extension{protoHopByHop, func(next uint8) []byte { return []byte{next, 0, 1, 4, 0, 0, 0, 0} }}
	destOptions = extension{protoDestOpts, func(next uint8) []byte {
		return []byte{next, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	}}
	// Segment routing (RFC 8754) at its last segment, so that the destination
	// is the final one.
	segmentRouting = extension{protoRouting, func(next uint8) []byte {
		return cat([]byte{next, 2, 4, 0, 0, 0, 0, 0}, netip.MustParseAddr("2001:db8:2::20").AsSlice())
	}}
	// A fragment header on a datagram that is whole (RFC 6946).
	atomic = extension{protoFragment, func(next uint8) []byte { return cat([]byte{next, 0, 0, 0}, be32(0xa70111c)) }}
	// AH counts its length in units of 4 octets, less 2 (RFC 4302 section 2.2).
	authentication = extension{protoAH, func(next uint8) []byte {
		return cat([]byte{next, 4, 0, 0}, be32(0x100, 1), []byte("twelve bytes"))
	}}
)

// chain puts extension headers before a payload of protocol proto; it gives
// the number of the first.
func chain(proto uint8, payload []byte, headers ...extension) (first uint8, b []byte) {
	for _, h := range slices.Backward(headers) {
		payload = cat(h.header(proto), payload)
		proto = h.number
	}
	return proto, payload
}

// ipv6Extensions has flows behind each extension header, alone and in a row,
// and datagrams behind which there is no flow.
func ipv6Extensions() *recording {
	r := newRecording(linkEthernet)
	const server = "[2001:db8:2::20]"
	port := uint16(50000)
	start := func(proto uint8, to string, w want, headers ...extension) *flow {
		port++
		src := netip.AddrPortFrom(netip.MustParseAddr("2001:db8:1::10"), port)
		f := r.flow(proto, src.String(), server+":"+to, w)
		f.datagram = func(d direction, transport []byte) []byte {
			s, t := f.from(d)
			next, b := chain(proto, transport, headers...)
			return ipv6(s.Addr(), t.Addr(), next, b)
		}
		return f
	}
	question := func(headers ...extension) *flow {
		f := start(protoUDP, "53", want{"established", "destination"}, headers...)
		f.udp(out, dnsQuery(port, "example.com"))
		f.udp(back, dnsAnswer(port, "example.com", [4]byte{192, 0, 2, 80}))
		return f
	}
	question(hopByHop)
	question(destOptions)
	question(segmentRouting)
	question(atomic)
	question(authentication).tunnel = "ah"

	f := start(protoTCP, "443", want{"closed", "destination"}, hopByHop, destOptions, segmentRouting, destOptions)
	f.open()
	f.say(out, clientHello("example.com"))
	f.close(out)
	f = start(protoSCTP, "38412", want{"established", "destination"}, hopByHop, atomic)
	f.associate()
	f.message(out, ppidNGAP, ngSetupRequest())
	start(protoDCCP, "5004", want{"attempted", "destination"}, destOptions).dccp(out, dccpRequest, be32(0x52545041), "")
	start(protoUDPLite, "53", want{"one-way", "destination"}, hopByHop).udp(out, dnsQuery(1, "example.com"))

	// AH behind an IPv4 header.
	f = r.flow(protoTCP, "192.0.2.10:50100", "198.51.100.20:179", want{"established", "destination"})
	f.tunnel = "ah"
	f.datagram = func(d direction, transport []byte) []byte {
		s, t := f.from(d)
		_, b := chain(protoTCP, transport, authentication)
		return ipv4(s.Addr(), t.Addr(), protoAH, 1, 0x4000, b)
	}
	f.open()

	// No flow: ESP, an echo request, "no next header", an extension header
	// that claims more than the datagram has, and one that is cut by it.
	src, dst := netip.MustParseAddr("2001:db8:1::10"), netip.MustParseAddr("2001:db8:2::20")
	for _, b := range [][]byte{
		ipv6(src, dst, 50, cat(be32(0x200, 1), []byte(filler(32)))),
		icmpError(src, dst, 128, 0, nil),
		ipv6(src, dst, 59, nil),
		ipv6(src, dst, protoHopByHop, []byte{protoTCP, 200, 1, 4, 0, 0, 0, 0}),
		ipv6(src, dst, protoDestOpts, []byte{protoTCP, 0, 1}),
	} {
		r.frame(ethernet(mac(dst), mac(src), nil, etherIPv6, b))
	}
	return r
}

// vlans has the ways in which frames are tagged. The first flows have equal
// endpoints, and only the tags tell them apart.
func vlans() *recording {
	r := newRecording(linkEthernet)
	question := func(tags ...uint16) *flow {
		f := r.flow(protoUDP, "10.0.0.10:50001", "10.0.0.53:53", want{"established", "destination"}, tags...)
		f.udp(out, dnsQuery(1, "example.com"))
		f.udp(back, dnsAnswer(1, "example.com", [4]byte{192, 0, 2, 80}))
		return f
	}
	question()
	question(10)
	question(20)
	question(100, 10)       // a customer's VLAN 10 in a provider's 100 (802.1ad)
	question(100, 20, 10)   // three tags
	question(0xa000 | 4094) // priority 5: not a part of the identifier

	// Identifier 0 says the priority only; the frame is in no VLAN. A service
	// tag with the EtherType that came before the standard's.
	f := r.flow(protoUDP, "10.0.0.11:50002", "10.0.0.53:53", want{"one-way", "destination"}, 0xe000)
	f.udp(out, dnsQuery(2, "example.com"))
	f = r.flow(protoUDP, "10.0.0.12:50003", "10.0.0.53:53", want{"one-way", "destination"}, 100, 10)
	f.wrap = func(d direction, datagram []byte) []byte {
		b := f.plainFrame(d, datagram)
		binary.BigEndian.PutUint16(b[12:], 0x9100)
		return b
	}
	f.udp(out, dnsQuery(3, "example.com"))

	// An IEEE 802.3 frame, which has a length where others have an EtherType,
	// with IP behind LLC and SNAP (RFC 1042), tagged and not.
	for i, tags := range [][]uint16{nil, {30}} {
		f := r.flow(protoUDP, "10.0.0.13:50004", "10.0.0.53:53", want{"one-way", "destination"}, tags...)
		f.wrap = func(d direction, datagram []byte) []byte {
			src, dst := f.from(d)
			snap := cat([]byte{0xaa, 0xaa, 3, 0, 0, 0}, be16(etherIPv4), datagram)
			return ethernet(mac(dst.Addr()), mac(src.Addr()), tags, uint16(len(snap)), snap)
		}
		f.udp(out, dnsQuery(uint16(4+i), "example.com"))
	}

	// Not IP: an ARP request in VLAN 10, and a spanning tree frame.
	host := mac(netip.MustParseAddr("10.0.0.10"))
	r.frame(ethernet([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, host, []uint16{10}, 0x0806,
		cat(be16(1, 0x0800), []byte{6, 4, 0, 1}, host, []byte{10, 0, 0, 10}, make([]byte, 6), []byte{10, 0, 0, 53})))
	r.frame(ethernet([]byte{0x01, 0x80, 0xc2, 0, 0, 0}, host, nil, 38, cat([]byte{0x42, 0x42, 3}, make([]byte, 35))))
	return r
}

// fragments4 and fragments6 cut a transport's octets, in pieces of size octets
// and a rest, into the fragments of one datagram.
func fragments4(src, dst netip.Addr, proto uint8, id uint16, transport []byte, size int) (all [][]byte) {
	for at := 0; at < len(transport); at += size {
		end, more := min(at+size, len(transport)), uint16(0)
		if end < len(transport) {
			more = 0x2000
		}
		all = append(all, ipv4(src, dst, proto, id, more|uint16(at/8), transport[at:end]))
	}
	return all
}

func fragments6(src, dst netip.Addr, proto uint8, id uint32, transport []byte, size int) (all [][]byte) {
	for at := 0; at < len(transport); at += size {
		end, more := min(at+size, len(transport)), uint16(0)
		if end < len(transport) {
			more = 1
		}
		all = append(all, ipv6(src, dst, protoFragment, cat([]byte{proto, 0}, be16(uint16(at)|more), be32(id), transport[at:end])))
	}
	return all
}

// fragmented has datagrams in fragments: in order, out of order, with the
// first missing, and so small that the first has ports and little more. Every
// fragment counts to the flow, as long as the first was captured.
func fragmented() *recording {
	r := newRecording(linkEthernet)
	const server = "198.51.100.53"
	start := func(src string) (*flow, netip.Addr, netip.Addr, []byte) {
		f := r.flow(protoUDP, src, server+":53", want{"one-way", "destination"})
		return f, f.ends[0].Addr(), f.ends[1].Addr(), udp(f.ends[0], f.ends[1], []byte(dnsQuery(1, "example.com")+filler(60)))
	}

	f, src, dst, u := start("192.0.2.10:50001") // in order
	for _, b := range fragments4(src, dst, protoUDP, 1, u, 32) {
		f.carry(out, b)
	}
	f, src, dst, u = start("192.0.2.10:50002") // the last first
	for _, b := range slices.Backward(fragments4(src, dst, protoUDP, 2, u, 32)) {
		f.carry(out, b)
	}
	f, src, dst, u = start("192.0.2.10:50003") // the first in the middle
	pieces := fragments4(src, dst, protoUDP, 3, u, 32)
	for _, i := range []int{1, 0, 2, 3} {
		f.carry(out, pieces[i])
	}
	f, src, dst, u = start("192.0.2.10:50004") // the first has the UDP header alone
	for _, b := range fragments4(src, dst, protoUDP, 4, u, 8) {
		f.carry(out, b)
	}

	// Two datagrams of one flow, woven into one another.
	f, src, dst, u = start("192.0.2.10:50005")
	one, two := fragments4(src, dst, protoUDP, 5, u, 56), fragments4(src, dst, protoUDP, 6, u, 56)
	for i := range one {
		f.carry(out, one[i])
		f.carry(out, two[i])
	}

	// The same identification from another host is another datagram; so is it
	// with another transport (RFC 791 section 2.3).
	f, src, dst, u = start("192.0.2.11:50006")
	g := r.flow(protoTCP, "192.0.2.11:50006", server+":53", want{"one-way", "destination"})
	segment := tcp(g.ends[0], g.ends[1], 1, 1, psh|ack, nil, []byte(filler(80)))
	mine, other := fragments4(src, dst, protoUDP, 1, u, 56), fragments4(src, dst, protoTCP, 1, segment, 56)
	for i := range other {
		f.carry(out, mine[i])
		g.carry(out, other[i])
	}

	// IPv6: in order, and out of order, with an identification above 16 bits.
	f = r.flow(protoUDP, "[2001:db8:1::10]:50007", "[2001:db8:2::53]:53", want{"one-way", "destination"})
	src, dst = f.ends[0].Addr(), f.ends[1].Addr()
	u = udp(f.ends[0], f.ends[1], []byte(dnsQuery(1, "example.com")+filler(60)))
	for _, b := range fragments6(src, dst, protoUDP, 0x12345678, u, 40) {
		f.carry(out, b)
	}
	for _, b := range slices.Backward(fragments6(src, dst, protoUDP, 0x12345679, u, 40)) {
		f.carry(out, b)
	}

	// In no flow: the first fragment is missing, of an IPv4 datagram and of an
	// IPv6 one; and an echo request in fragments, which has no ports.
	a, b := netip.MustParseAddrPort("192.0.2.10:50008"), netip.MustParseAddrPort(server+":53")
	for _, p := range fragments4(a.Addr(), b.Addr(), protoUDP, 77, udp(a, b, []byte(filler(88))), 32)[1:] {
		r.frame(ethernet(mac(b.Addr()), mac(a.Addr()), nil, etherIPv4, p))
	}
	for _, p := range fragments6(src, dst, protoUDP, 78, u, 40)[1:] {
		r.frame(ethernet(mac(dst), mac(src), nil, etherIPv6, p))
	}
	echo := cat([]byte{8, 0, 0, 0}, be16(1, 1), []byte(filler(56)))
	binary.BigEndian.PutUint16(echo[2:], sum16(echo))
	for _, p := range fragments4(a.Addr(), b.Addr(), protoICMP, 79, echo, 32) {
		r.frame(ethernet(mac(b.Addr()), mac(a.Addr()), nil, etherIPv4, p))
	}
	return r
}
