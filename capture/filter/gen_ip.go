package filter

import (
	"net/netip"

	"golang.org/x/net/bpf"
)

// proto is a protocol that a keyword names.
type proto uint8

const (
	protoNone proto = iota // no keyword: every protocol that makes sense
	protoLink
	protoIPv4
	protoIPv6
	protoARP
	protoRARP
	protoAARP
	protoATalk
	protoDECnet
	protoLAT
	protoSCA
	protoMOPRC
	protoMOPDL
	protoISO
	protoSTP
	protoIPX
	protoNetBEUI
	protoCLNP
	protoESIS
	protoISIS
	protoTCP
	protoUDP
	protoSCTP
	protoICMP
	protoICMPv6
	protoIGMP
	protoIGRP
	protoPIM
	protoVRRP
	protoCARP
	protoAH
	protoESP
	protoRadio
)

// Where a protocol's number stands.
type layer uint8

const (
	layerNone layer = iota
	layerLink       // link-layer type
	layerIPv4       // protocol field of IPv4 only
	layerIPv6       // next header of IPv6 only
	layerIP         // either
	layerISO        // first byte of an ISO network header
)

// protocols has what this package knows of each keyword.
var protocols = [...]struct {
	word   string
	layer  layer
	number uint32
	// offset reports whether PROTO[OFFSET] is defined.
	offset bool
}{
	protoNone:    {"", layerNone, 0, false},
	protoLink:    {"link", layerNone, 0, true},
	protoIPv4:    {"ip", layerLink, etherIPv4, true},
	protoIPv6:    {"ip6", layerLink, etherIPv6, true},
	protoARP:     {"arp", layerLink, etherARP, true},
	protoRARP:    {"rarp", layerLink, etherRARP, true},
	protoAARP:    {"aarp", layerLink, etherAARP, false},
	protoATalk:   {"atalk", layerLink, etherATalk, true},
	protoDECnet:  {"decnet", layerLink, etherDECnet, true},
	protoLAT:     {"lat", layerLink, etherLAT, true},
	protoSCA:     {"sca", layerLink, etherSCA, true},
	protoMOPRC:   {"moprc", layerLink, etherMOPRC, true},
	protoMOPDL:   {"mopdl", layerLink, etherMOPDL, true},
	protoISO:     {"iso", layerLink, llcISO, false},
	protoSTP:     {"stp", layerLink, llcSTP, false},
	protoIPX:     {"ipx", layerLink, llcIPX, false},
	protoNetBEUI: {"netbeui", layerLink, llcNetBEUI, false},
	protoCLNP:    {"clnp", layerISO, 0x81, false},
	protoESIS:    {"esis", layerISO, 0x82, false},
	protoISIS:    {"isis", layerISO, 0x83, false},
	protoTCP:     {"tcp", layerIP, 6, true},
	protoUDP:     {"udp", layerIP, 17, true},
	protoSCTP:    {"sctp", layerIP, 132, true},
	protoICMP:    {"icmp", layerIPv4, 1, true},
	protoICMPv6:  {"icmp6", layerIPv6, 58, true},
	protoIGMP:    {"igmp", layerIPv4, 2, true},
	protoIGRP:    {"igrp", layerIPv4, 9, true},
	protoPIM:     {"pim", layerIP, 103, true},
	protoVRRP:    {"vrrp", layerIPv4, 112, true},
	protoCARP:    {"carp", layerIPv4, 112, true}, // CARP uses VRRP's number
	protoAH:      {"ah", layerIP, 51, false},
	protoESP:     {"esp", layerIP, 50, false},
	protoRadio:   {"radio", layerNone, 0, true},
}

func (p proto) String() string { return protocols[p].word }

// protoOf gives the protocol that a keyword names.
func protoOf(word string) (proto, bool) {
	for p, info := range protocols {
		if info.word == word && word != "" {
			return proto(p), true
		}
	}
	return protoNone, false
}

// dir is which end of a packet an address or a port is to be at.
type dir uint8

const (
	dirAny dir = iota // src or dst
	dirSrc
	dirDst
	dirBoth // src and dst
)

// of joins the tests of both ends.
func (d dir) of(src, dst *node) *node {
	switch d {
	case dirSrc:
		return src
	case dirDst:
		return dst
	case dirBoth:
		return and(src, dst)
	}
	return or(src, dst)
}

// protocol tests for a protocol by its keyword.
func (g *generator) protocol(p proto) *node {
	info := &protocols[p]
	switch info.layer {
	case layerLink:
		return g.linkProto(info.number)
	case layerIPv4:
		return g.ip4Proto(info.number)
	case layerIPv6:
		return g.ip6Proto(info.number)
	case layerIP:
		return or(g.ip4Proto(info.number), g.ip6Proto(info.number))
	case layerISO:
		return g.isoProto(info.number)
	}
	return g.fail("%q alone does not say what to look for", p)
}

// protocolNumber tests for a protocol number of what p carries.
func (g *generator) protocolNumber(p proto, v uint32) *node {
	switch p {
	case protoNone:
		return or(g.ip4Proto(v), g.ip6Proto(v))
	case protoLink:
		return g.linkProto(v)
	case protoIPv4:
		return g.ip4Proto(v)
	case protoIPv6:
		return g.ip6Proto(v)
	case protoISO:
		return g.isoProto(v)
	}
	return g.fail(`%q carries no protocols with numbers; "ether", "ip", "ip6" and "iso" do`, p)
}

func (g *generator) ip4Proto(v uint32) *node {
	return and(g.linkProto(etherIPv4), g.equal(g.atNetwork(), 9, 1, v))
}

// ip6Proto looks at the next header of the IPv6 header, and behind a fragment
// header that comes first. It does not follow further extension headers.
func (g *generator) ip6Proto(v uint32) *node {
	const fragment = 44
	return and(g.linkProto(etherIPv6), or(
		g.equal(g.atNetwork(), 6, 1, v),
		and(g.equal(g.atNetwork(), 6, 1, fragment), g.equal(g.atNetwork(), 40, 1, v)),
	))
}

func (g *generator) isoProto(v uint32) *node {
	b := base{off: g.payload.off + g.networkLLC, reg: g.payload.reg}
	return and(g.linkProto(llcISO), g.equal(b, 0, 1, v))
}

// unfragmented tests that an IPv4 packet is whole or a first fragment: the
// fragment offset is 0, so there is a transport header.
func (g *generator) unfragmented() *node {
	return not(test(g.load(g.atNetwork(), 6, 2), bpf.JumpBitsSet, 0x1fff))
}

// ip4Net is an IPv4 address under a mask.
type ip4Net struct{ addr, mask uint32 }

// ip4Nets tests that an IPv4 address is of one of some nets. Without a protocol
// the addresses inside ARP and RARP count too; behind an MPLS label there is IP
// only.
func (g *generator) ip4Nets(p proto, d dir, nets ...ip4Net) *node {
	ends := func(src, dst uint32) *node {
		end := func(off uint32) *node {
			out := never
			for _, n := range nets {
				out = or(out, g.masked(g.atNetwork(), off, 4, n.mask, n.addr))
			}
			return out
		}
		return d.of(end(src), end(dst))
	}
	ip := func() *node { return and(g.linkProto(etherIPv4), ends(12, 16)) }
	arp := func(protos ...uint32) *node { // sender and target, for hardware addresses of six bytes
		which := never
		for _, v := range protos {
			which = or(which, g.linkProto(v))
		}
		return and(which, ends(14, 24))
	}
	switch p {
	case protoNone:
		if g.labels > 0 {
			return ip()
		}
		return or(ip(), arp(etherARP, etherRARP))
	case protoIPv4:
		return ip()
	case protoARP:
		return arp(etherARP)
	case protoRARP:
		return arp(etherRARP)
	}
	return g.fail("%q packets have no IPv4 addresses of their own", p)
}

// ip6Net tests an IPv6 address's first bits.
func (g *generator) ip6Net(p proto, d dir, prefix netip.Prefix) *node {
	if p != protoNone && p != protoIPv6 {
		return g.fail("%q packets have no IPv6 addresses of their own", p)
	}
	a := prefix.Addr().As16()
	end := func(off uint32) *node {
		out := g.linkProto(etherIPv6)
		for i := range uint32(4) {
			bits := min(max(prefix.Bits()-32*int(i), 0), 32)
			mask := uint32(uint64(0xffffffff) << (32 - bits))
			word := uint32(a[4*i])<<24 | uint32(a[4*i+1])<<16 | uint32(a[4*i+2])<<8 | uint32(a[4*i+3])
			out = and(out, g.masked(g.atNetwork(), off+4*i, 4, mask, word&mask))
		}
		return out
	}
	return d.of(end(8), end(24))
}

// ip4Multicast and ip6Multicast test the destination for a group address.
func (g *generator) ip4Multicast() *node {
	return and(g.linkProto(etherIPv4), test(g.load(g.atNetwork(), 16, 1), bpf.JumpGreaterOrEqual, 224))
}

func (g *generator) ip6Multicast() *node {
	return and(g.linkProto(etherIPv6), g.equal(g.atNetwork(), 24, 1, 0xff))
}

// portTransports are the transports of p, in libpcap's order.
func (g *generator) portTransports(p proto) []uint32 {
	switch p {
	case protoNone:
		return []uint32{132, 6, 17}
	case protoTCP, protoUDP, protoSCTP:
		return []uint32{protocols[p].number}
	}
	g.fail(`%q packets have no ports; "tcp", "udp" and "sctp" do`, p)
	return nil
}

// portRange is the ports from first to last.
type portRange struct{ first, last uint32 }

// ports tests that a port at an end of the packets of some transports is in one
// of some ranges. Only an IPv4 packet's first fragment has ports. In IPv6 they
// must follow the IPv6 header at once.
func (g *generator) ports(transports []uint32, d dir, ranges ...portRange) *node {
	match := func(load func(off uint32) []bpf.Instruction) *node {
		end := func(off uint32) *node {
			out := never
			for _, r := range ranges {
				if r.first == r.last {
					out = or(out, test(load(off), bpf.JumpEqual, r.first))
					continue
				}
				out = or(out, and(
					test(load(off), bpf.JumpGreaterOrEqual, r.first),
					not(test(load(off), bpf.JumpGreaterThan, r.last)),
				))
			}
			return out
		}
		return d.of(end(0), end(2))
	}
	oneOf := func(off uint32) *node { // of the transports, at the field at off
		out := never
		for _, t := range transports {
			out = or(out, g.equal(g.atNetwork(), off, 1, t))
		}
		return out
	}
	return or(
		and(g.linkProto(etherIPv6), oneOf(6),
			match(func(off uint32) []bpf.Instruction { return g.load(g.atNetwork(), 40+off, 2) })),
		and(g.linkProto(etherIPv4), oneOf(9), g.unfragmented(),
			match(func(off uint32) []bpf.Instruction { return g.loadBehindIPv4(off, 2) })),
	)
}

// ipProtocols are the protocol keywords of the IANA registry "Assigned Internet
// Protocol Numbers" that one may meet on a network, in lower case, and the
// names that differ in the protocol files of systems.
var ipProtocols = map[string]uint32{
	"hopopt": 0, "ip": 0, "icmp": 1, "igmp": 2, "ggp": 3, "ipv4": 4, "ipencap": 4, "st": 5, "tcp": 6, "egp": 8, "igp": 9,
	"pup": 12, "udp": 17, "hmp": 20, "xns-idp": 22, "rdp": 27, "iso-tp4": 29, "dccp": 33, "xtp": 36, "ddp": 37,
	"idpr-cmtp": 38, "ipv6": 41, "ipv6-route": 43, "ipv6-frag": 44, "idrp": 45, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51,
	"skip": 57, "icmp6": 58, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "rspf": 73, "vmtp": 81, "eigrp": 88, "ospf": 89,
	"ospfigp": 89, "ax.25": 93, "ipip": 94, "etherip": 97, "encap": 98, "pim": 103, "ipcomp": 108, "vrrp": 112, "carp": 112,
	"pgm": 113, "l2tp": 115, "isis": 124, "sctp": 132, "fc": 133, "mobility-header": 135, "udplite": 136,
	"mpls-in-ip": 137, "manet": 138, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142, "ethernet": 143,
}

// protocolName gives the number of a protocol's name, among those that p
// carries.
func protocolName(p proto, name string) (uint32, bool) {
	switch p {
	case protoNone, protoIPv4, protoIPv6:
		v, ok := ipProtocols[name]
		return v, ok
	case protoLink:
		if name == "loopback" {
			return etherLoopback, true
		}
		if q, ok := protoOf(name); ok && protocols[q].layer == layerLink {
			return protocols[q].number, true
		}
	case protoISO:
		if q, ok := protoOf(name); ok && protocols[q].layer == layerISO {
			return protocols[q].number, true
		}
	}
	return 0, false
}
