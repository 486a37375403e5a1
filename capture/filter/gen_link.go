package filter

import (
	"golang.org/x/net/bpf"

	"github.com/portannot/portannot/capture"
)

// linkKind is a family of link types whose type field is read in one way.
type linkKind uint8

const (
	linkEther linkKind = iota
	linkNull           // protocol family, byte order of the capturing machine
	linkLoop           // protocol family, big endian
	linkPPP            // PPP protocol numbers
	linkRaw            // IPv4 or IPv6 by the version
	linkIPv4           // always IPv4
	linkIPv6           // always IPv6
	linkSLL            // Linux cooked v1
	linkSLL2           // Linux cooked v2
	linkCHDLC          // Cisco HDLC
	linkWiFi           // 802.11 data frames with LLC and SNAP
)

// Link-layer protocol numbers, as the language has them in one number space:
// EtherTypes, and LLC service access points (at most maxLLC).
const (
	etherIPv4     = 0x0800
	etherARP      = 0x0806
	etherMOPDL    = 0x6001
	etherMOPRC    = 0x6002
	etherDECnet   = 0x6003
	etherLAT      = 0x6004
	etherSCA      = 0x6007
	etherRARP     = 0x8035
	etherATalk    = 0x809b
	etherAARP     = 0x80f3
	etherIPX      = 0x8137
	etherIPv6     = 0x86dd
	etherMPLS     = 0x8847
	etherPPPoED   = 0x8863
	etherPPPoES   = 0x8864
	etherLoopback = 0x9000

	llcIP      = 0x06
	llcSTP     = 0x42
	llcIPX     = 0xe0
	llcNetBEUI = 0xf0
	llcISO     = 0xfe

	// maxLLC is the highest value of an 802.3 length field, below which a
	// number is an LLC one.
	maxLLC = 1500
)

// newGenerator gives the generator at the front of a packet, or ok == false for
// a link type it does not know.
func newGenerator(lt capture.LinkType, live bool) (g *generator, ok bool) {
	g = &generator{lt: lt, live: live}
	set := func(kind linkKind, typ, payload uint32) {
		g.kind, g.typ.off, g.payload.off = kind, typ, payload
	}
	switch lt {
	case capture.LinkEthernet:
		set(linkEther, 12, 14)
		g.networkLLC = 3
	case capture.LinkNull:
		set(linkNull, 0, 4)
	case capture.LinkLoop:
		set(linkLoop, 0, 4)
	case capture.LinkPPP, capture.LinkPPPHDLC, capture.LinkPPPPPPD:
		set(linkPPP, 2, 4)
	case capture.LinkPPPEther:
		set(linkPPP, 6, 8)
	case capture.LinkRaw, capture.LinkRaw12, capture.LinkRaw14:
		set(linkRaw, 0, 0)
	case capture.LinkIPv4:
		set(linkIPv4, 0, 0)
	case capture.LinkIPv6:
		set(linkIPv6, 0, 0)
	case capture.LinkLinuxSLL:
		set(linkSLL, 14, 16)
	case capture.LinkLinuxSLL2:
		set(linkSLL2, 0, 20)
	case capture.LinkCHDLC:
		set(linkCHDLC, 2, 4)
		g.networkLLC = 1
	case capture.LinkIEEE80211, capture.LinkRadiotap:
		set(linkWiFi, 0, 0)
		g.network, g.networkLLC = 8, 3
		g.payload.reg = regPayload
		if lt == capture.LinkRadiotap {
			g.hdr.reg = regHdr
		}
	default:
		return nil, false
	}
	// A packet socket delivers cooked packets without their header.
	if live && (g.kind == linkSLL || g.kind == linkSLL2) {
		return nil, false
	}
	return g, true
}

// linkProto tests that the packet is of a link-layer protocol: an EtherType, or
// an LLC number up to maxLLC.
func (g *generator) linkProto(proto uint32) *node {
	if g.labels > 0 {
		return g.mplsProto(proto)
	}
	switch g.kind {
	case linkEther:
		return g.etherProto(proto)
	case linkNull, linkLoop:
		return g.familyProto(proto)
	case linkPPP:
		return g.equal(g.typ, 0, 2, pppProto(proto))
	case linkRaw:
		switch proto {
		case etherIPv4:
			return g.masked(g.payload, 0, 1, 0xf0, 0x40)
		case etherIPv6:
			return g.masked(g.payload, 0, 1, 0xf0, 0x60)
		}
	case linkIPv4:
		if proto == etherIPv4 {
			return always
		}
	case linkIPv6:
		if proto == etherIPv6 {
			return always
		}
	case linkSLL:
		return g.cookedProto(proto)
	case linkSLL2:
		return g.equal(g.typ, 0, 2, proto)
	case linkCHDLC:
		if proto == llcISO {
			proto = llcISO<<8 | llcISO
		}
		return g.equal(g.typ, 0, 2, proto)
	case linkWiFi:
		return g.wifiProto(proto)
	}
	return never
}

// snap tests the LLC and SNAP headers at the payload's begin: both service
// access points 0xaa, control 3, then the organisation and the type.
func (g *generator) snap(org, proto uint32) *node {
	return and(
		g.equal(g.payload, 4, 4, org<<16|proto),
		g.equal(g.payload, 0, 4, 0xaaaa0300|org>>16),
	)
}

// appleOrg is Apple's organisation number, under which AppleTalk goes in SNAP.
const appleOrg = 0x080007

// bothSAPs tests that both service access points of the LLC header are proto.
func (g *generator) bothSAPs(proto uint32) *node {
	return g.equal(g.payload, 0, 2, proto<<8|proto)
}

func (g *generator) etherProto(proto uint32) *node {
	length := not(test(g.load(g.typ, 0, 2), bpf.JumpGreaterThan, maxLLC)) // 802.3: a length, then LLC
	switch proto {
	case llcISO, llcIP, llcNetBEUI:
		return and(length, g.bothSAPs(proto))
	case llcIPX: // four framings: Ethernet II, SNAP, LLC and bare 802.3 with its checksum of ones
		return or(
			g.equal(g.typ, 0, 2, etherIPX),
			and(length, or(
				g.snap(0, etherIPX),
				g.equal(g.payload, 0, 1, llcIPX),
				g.equal(g.payload, 0, 2, 0xffff),
			)),
		)
	case etherATalk, etherAARP:
		org := uint32(0)
		if proto == etherATalk {
			org = appleOrg
		}
		return or(g.equal(g.typ, 0, 2, proto), and(length, g.snap(org, proto)))
	}
	if proto <= maxLLC {
		return and(length, g.equal(g.payload, 0, 1, proto))
	}
	return g.equal(g.typ, 0, 2, proto)
}

// familyProto compares the protocol family of a BSD loopback header. IPv6 has
// three numbers: those of NetBSD, FreeBSD and Darwin.
func (g *generator) familyProto(proto uint32) *node {
	var families []uint32
	switch proto {
	case etherIPv4:
		families = []uint32{2}
	case etherIPv6:
		families = []uint32{30, 24, 28}
	}
	out := never
	for _, f := range families {
		if g.kind == linkNull {
			out = or(out, g.equal(g.typ, 0, 4, f<<24))
		}
		out = or(out, g.equal(g.typ, 0, 4, f))
	}
	return out
}

// pppProto is the PPP protocol number of a link-layer one. What has no number
// of its own in PPP is compared as it is.
func pppProto(proto uint32) uint32 {
	switch proto {
	case etherIPv4:
		return 0x21
	case etherIPv6:
		return 0x57
	case etherDECnet:
		return 0x27
	case etherATalk:
		return 0x29
	case 0x0600: // Xerox NS
		return 0x25
	case llcISO:
		return 0x23
	case llcSTP:
		return 0x31
	case llcIPX:
		return 0x2b
	}
	return proto
}

// cookedProto reads Linux cooked v1: the type field has an EtherType, or 1 for
// bare 802.3 (IPX), or 4 for LLC.
func (g *generator) cookedProto(proto uint32) *node {
	llc := g.equal(g.typ, 0, 2, 4)
	switch proto {
	case llcISO, llcIP, llcNetBEUI:
		return and(llc, g.bothSAPs(proto))
	case llcIPX:
		return or(
			g.equal(g.typ, 0, 2, etherIPX),
			g.equal(g.typ, 0, 2, 1),
			and(llc, or(g.equal(g.payload, 0, 1, llcIPX), g.snap(0, etherIPX))),
		)
	case etherATalk:
		return or(g.equal(g.typ, 0, 2, proto), and(llc, g.snap(appleOrg, proto)))
	case etherAARP:
		return or(g.equal(g.typ, 0, 2, proto), and(llc, g.snap(0, proto)))
	}
	if proto <= maxLLC {
		return and(llc, g.equal(g.payload, 0, 1, proto))
	}
	return g.equal(g.typ, 0, 2, proto)
}

// The frame control field of 802.11: byte 0 has the type (bits 2 and 3) and
// the subtype, byte 1 whether the frame goes to and comes from the
// distribution system, which says which address is which.
const (
	wifiNotData = 0x04 // in byte 0: control and extension frames
	wifiData    = 0x08 // in byte 0: with wifiNotData clear, data frames
	wifiQoS     = 0x80 // in byte 0 of data frames: two bytes of QoS follow
	wifiToDS    = 0x01 // in byte 1
	wifiFromDS  = 0x02 // in byte 1
)

func (g *generator) wifiProto(proto uint32) *node {
	data := and(not(g.bits(g.hdr, 0, wifiNotData)), g.bits(g.hdr, 0, wifiData))
	switch proto {
	case llcISO, llcIP, llcNetBEUI:
		return and(data, g.bothSAPs(proto))
	case etherATalk:
		return and(data, g.snap(appleOrg, proto))
	}
	if proto <= maxLLC {
		return and(data, g.equal(g.payload, 0, 1, proto))
	}
	return and(data, g.equal(g.payload, 6, 2, proto)) // SNAP's type; libpcap does not look at the organisation
}

// wifiPrologue sets the words for where an 802.11 header and its payload begin:
// behind the radiotap header, whose length is little endian, and behind 24
// bytes of header, 2 of QoS, and padding where radiotap says so.
func (g *generator) wifiPrologue() *node {
	var hdr *node = always
	var pad *node = never
	if g.lt == capture.LinkRadiotap {
		hdr = do(
			bpf.LoadAbsolute{Off: 3, Size: 1},
			bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 8},
			bpf.TAX{},
			bpf.LoadAbsolute{Off: 2, Size: 1},
			bpf.ALUOpX{Op: bpf.ALUOpOr},
			bpf.StoreScratch{Src: bpf.RegA, N: regHdr},
		)
		present := func(bit uint32) *node { // the first word of the present bits
			return test([]bpf.Instruction{bpf.LoadAbsolute{Off: 4, Size: 4}}, bpf.JumpBitsSet, bit)
		}
		const (
			flagsPresent = 0x02000000
			tsftPresent  = 0x01000000 // eight bytes before the flags
			morePresent  = 0x00000080 // another word of present bits follows: where the flags are is not known
			flagDataPad  = 0x20
		)
		flagsAt := func(off uint32) *node {
			return test([]bpf.Instruction{bpf.LoadAbsolute{Off: off, Size: 1}}, bpf.JumpBitsSet, flagDataPad)
		}
		pad = and(present(flagsPresent), not(present(morePresent)),
			or(and(present(tsftPresent), flagsAt(16)), and(not(present(tsftPresent)), flagsAt(8))))
	}
	if !g.usesPayload {
		return hdr
	}
	setPayload := []bpf.Instruction{bpf.LoadConstant{Dst: bpf.RegA, Val: 24}}
	if g.hdr.reg != 0 {
		setPayload = []bpf.Instruction{
			bpf.LoadScratch{Dst: bpf.RegA, N: regHdr},
			bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 24},
		}
	}
	grow := func(ops ...bpf.Instruction) *node {
		code := append([]bpf.Instruction{bpf.LoadScratch{Dst: bpf.RegA, N: regPayload}}, ops...)
		return do(append(code, bpf.StoreScratch{Src: bpf.RegA, N: regPayload})...)
	}
	return and(hdr,
		do(append(setPayload, bpf.StoreScratch{Src: bpf.RegA, N: regPayload})...),
		when(and(g.bits(g.hdr, 0, wifiData), not(g.bits(g.hdr, 0, wifiNotData))), and(
			when(g.bits(g.hdr, 0, wifiQoS), grow(bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 2})),
			when(pad, grow(
				bpf.ALUOpConstant{Op: bpf.ALUOpAdd, Val: 3},
				bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfffffffc},
			)),
		)),
	)
}

// wifiDest and wifiSource test the final addresses of an 802.11 frame with a
// test of six bytes at an offset. Management frames have them at 4 and 10; in
// data frames it depends on the way through the distribution system.
func (g *generator) wifiDest(at func(off uint32) *node) *node {
	toDS := g.bits(g.hdr, 1, wifiToDS)
	return g.wifiAddr(at(4), or(and(not(toDS), at(4)), and(toDS, at(16))))
}

func (g *generator) wifiSource(at func(off uint32) *node) *node {
	toDS, fromDS := g.bits(g.hdr, 1, wifiToDS), g.bits(g.hdr, 1, wifiFromDS)
	return g.wifiAddr(at(10), or(
		and(not(fromDS), at(10)),
		and(fromDS, or(and(not(toDS), at(16)), and(toDS, at(24)))),
	))
}

func (g *generator) wifiAddr(management, data *node) *node {
	isData := g.bits(g.hdr, 0, wifiData)
	return and(not(g.bits(g.hdr, 0, wifiNotData)), or(and(not(isData), management), and(isData, data)))
}

// etherAddr tests an Ethernet address in a direction.
func (g *generator) etherAddr(v [6]byte, d dir) *node {
	var src, dst *node
	switch {
	case g.kind == linkEther:
		src, dst = g.mac(g.hdr, 6, v), g.mac(g.hdr, 0, v)
	case g.kind == linkWiFi:
		at := func(off uint32) *node { return g.mac(g.hdr, off, v) }
		src, dst = g.wifiSource(at), g.wifiDest(at)
	default:
		return g.fail("Ethernet addresses are on Ethernet and 802.11 only, not on %v", g.lt)
	}
	return d.of(src, dst)
}

// broadcast tests for the Ethernet broadcast address.
func (g *generator) broadcast() *node {
	if g.kind != linkEther && g.kind != linkWiFi {
		return g.fail("there is no link-layer broadcast on %v", g.lt)
	}
	return g.etherAddr([6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, dirDst)
}

// multicast tests the group bit of the link-layer destination.
func (g *generator) multicast() *node {
	switch g.kind {
	case linkEther:
		return g.bits(g.hdr, 0, 1)
	case linkWiFi:
		return g.wifiDest(func(off uint32) *node { return g.bits(g.hdr, off, 1) })
	}
	return g.fail("there is no link-layer multicast on %v", g.lt)
}

// outbound tests that the packet left the capturing machine.
func (g *generator) outbound() *node {
	const packetOutgoing = 4 // of Linux packet sockets
	switch {
	case g.live && !g.inner:
		return test([]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtType}}, bpf.JumpEqual, packetOutgoing)
	case g.lt == capture.LinkLinuxSLL && !g.inner:
		return g.equal(g.hdr, 0, 2, packetOutgoing)
	case g.lt == capture.LinkLinuxSLL2 && !g.inner:
		return g.equal(g.hdr, 10, 1, packetOutgoing)
	}
	return g.fail("%v packets do not record whether they came in or went out", g.lt)
}
