package filter

import (
	"golang.org/x/net/bpf"

	"github.com/portannot/portannot/capture"
)

// The three primitives that move what follows them inward.

// vlan tests for an 802.1Q tag (TPID 0x8100, 0x88a8 or 0x9100) with the
// identifier id, any if any is set, and moves the rest behind it.
func (g *generator) vlan(id uint32, any bool) *node {
	if !any && id > 0xfff {
		return g.fail("VLAN %d is above 4095", id)
	}
	if g.labels > 0 {
		return g.fail("no VLAN tag can follow an MPLS label")
	}
	if g.kind != linkEther && g.kind != linkWiFi {
		return g.fail("there are no VLAN tags on %v", g.lt)
	}
	tpid := or(g.linkProto(0x8100), g.linkProto(0x88a8), g.linkProto(0x9100))
	tci := g.load(g.payload, 0, 2)
	if g.live && !g.stripped && g.kind == linkEther {
		return g.strippedVLAN(tpid, tci, id, any)
	}
	g.typ.off += 4
	g.payload.off += 4
	if any {
		return tpid
	}
	return and(tpid, vlanID(tci, id))
}

// vlanID compares the lower 12 bits of the tag control information that code
// loads.
func vlanID(code []bpf.Instruction, id uint32) *node {
	return test(append(code, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xfff}), bpf.JumpEqual, id)
}

// strippedVLAN is vlan for the first tag of a packet on a packet socket: the
// kernel may have taken it out of the packet. Then the rest stays in its place;
// else it moves by four bytes, which only the running program knows, so the
// move is kept in a scratch word.
func (g *generator) strippedVLAN(tpid *node, tci []bpf.Instruction, id uint32, any bool) *node {
	beside := test([]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTagPresent}}, bpf.JumpEqual, 1)
	move := do(
		bpf.LoadConstant{Dst: bpf.RegA, Val: 4},
		bpf.StoreScratch{Src: bpf.RegA, N: regVLAN},
	)
	g.stripped = true
	g.typ.reg, g.payload.reg = regVLAN, regVLAN
	out := or(beside, and(move, tpid))
	if !any {
		out = and(out, or(
			and(beside, vlanID([]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtVLANTag}}, id)),
			and(not(beside), vlanID(tci, id)),
		))
	}
	return out
}

// mpls tests for an MPLS label: the first by the link layer's type, a further
// one by the bottom-of-stack bit of the one before.
func (g *generator) mpls(label uint32, any bool) *node {
	if !any && label > 1<<20-1 {
		return g.fail("MPLS label %d is above 1048575", label)
	}
	var out *node
	switch {
	case g.labels > 0:
		out = g.bottomOfStack(0)
	case g.kind == linkEther, g.kind == linkCHDLC:
		out = g.linkProto(etherMPLS)
	case g.kind == linkPPP && (g.inner || g.lt == capture.LinkPPP): // as libpcap, in this framing only
		out = g.linkProto(0x0281)
	default:
		return g.fail("there are no MPLS labels on %v", g.lt)
	}
	if !any {
		out = and(out, g.masked(g.atNetwork(), 0, 4, 0xfffff000, label<<12))
	}
	g.labels++
	g.network += 4
	g.networkLLC += 4
	return out
}

// bottomOfStack tests the bit of the label before the network header that says
// that it is the last.
func (g *generator) bottomOfStack(v uint32) *node {
	b := g.atNetwork()
	b.off -= 2
	return g.masked(b, 0, 1, 1, v)
}

// mplsProto tests the protocol behind the labels, of which nothing but the IP
// version tells.
func (g *generator) mplsProto(proto uint32) *node {
	version := uint32(0x40)
	switch proto {
	case etherIPv4:
	case etherIPv6:
		version = 0x60
	default:
		return g.fail("only IPv4 and IPv6 can be told apart behind an MPLS label")
	}
	return and(g.bottomOfStack(1), g.masked(g.atNetwork(), 0, 1, 0xf0, version))
}

// pppoeSession tests for a PPPoE session packet and moves the link layer to the
// PPP header inside: 6 bytes of PPPoE, then the PPP protocol.
func (g *generator) pppoeSession(session uint32, any bool) *node {
	if !any && session > 0xffff {
		return g.fail("PPPoE session %d is above 65535", session)
	}
	if g.kind == linkWiFi {
		return g.fail("PPPoE is not supported on %v", g.lt)
	}
	out := g.linkProto(etherPPPoES)
	if !any {
		out = and(out, g.masked(g.atNetwork(), 0, 4, 0xffff, session))
	}
	g.hdr = base{off: g.payload.off + g.network + 6, reg: g.payload.reg}
	g.typ = g.hdr
	g.payload = base{off: g.hdr.off + 2, reg: g.hdr.reg}
	g.network, g.networkLLC = 0, 0
	g.kind, g.inner = linkPPP, true
	return out
}
