package filter

import (
	"fmt"

	"golang.org/x/net/bpf"

	"github.com/portannot/portannot/capture"
)

// generator makes the tests of primitives for one expression. It keeps where
// the headers begin, which "vlan", "mpls" and "pppoes" move while the
// expression is read from left to right.
type generator struct {
	lt   capture.LinkType
	live bool
	position

	// Registers that withPrologue has to set, once something used them.
	usesHdr, usesPayload bool
	stripped             bool // a live "vlan" was compiled: regVLAN is in use

	temps int // scratch words in use by arithmetic, from 0
	err   string
}

// position is where in the packet the next primitive looks.
type position struct {
	kind linkKind
	// Where headers begin: the link header, its type field, and its payload.
	hdr, typ, payload base
	// network is how far behind the payload's begin the network header is: 8
	// where LLC and SNAP headers stand between, and 4 a label.
	network uint32
	// networkLLC is the same for packets that have LLC without SNAP (ISO).
	networkLLC uint32
	labels     int  // MPLS labels passed
	inner      bool // the link header is not the packet's outermost one
}

// base is a place in the packet: a constant, or a constant behind what a
// scratch word holds.
type base struct {
	off uint32
	reg int // scratch word, or 0 for none: word 0 is never a base
}

// The scratch words with a fixed use. Arithmetic takes the others from 0 up.
const (
	regHdr     = 15 // length of a radiotap header
	regPayload = 14 // begin of an 802.11 frame's payload
	regVLAN    = 13 // bytes by which a tag inside the packet moves the rest: 0 or 4
	maxTemps   = 13
)

// maxOffset is the highest offset of a load: what is above never is in a
// packet, and a kernel would read it as a negative number.
const maxOffset = 1<<31 - 1

// fail notes the first error; the parser adds the place.
func (g *generator) fail(format string, args ...any) *node {
	if g.err == "" {
		g.err = fmt.Sprintf(format, args...)
	}
	return never
}

// load gives the code that loads size bytes into A from off behind b.
func (g *generator) load(b base, off uint32, size int) []bpf.Instruction {
	off = min(b.off+off, maxOffset)
	if b.reg == 0 {
		return []bpf.Instruction{bpf.LoadAbsolute{Off: off, Size: size}}
	}
	g.use(b.reg)
	return []bpf.Instruction{
		bpf.LoadScratch{Dst: bpf.RegX, N: b.reg},
		bpf.LoadIndirect{Off: off, Size: size},
	}
}

// use notes that a fixed scratch word is read.
func (g *generator) use(reg int) {
	switch reg {
	case regHdr:
		g.usesHdr = true
	case regPayload:
		g.usesPayload = true
	}
}

// atNetwork is where the network header begins.
func (g *generator) atNetwork() base {
	return base{off: g.payload.off + g.network, reg: g.payload.reg}
}

// loadBehindIPv4 loads size bytes from off behind the IPv4 header, whose
// length is its first byte's lower half in words.
func (g *generator) loadBehindIPv4(off uint32, size int) []bpf.Instruction {
	return append(g.indexIPv4(), bpf.LoadIndirect{Off: min(g.atNetwork().off+off, maxOffset), Size: size})
}

// indexIPv4 leaves in X how far behind the network header's constant part the
// transport header begins.
func (g *generator) indexIPv4() []bpf.Instruction {
	b := g.atNetwork()
	if b.reg == 0 {
		return []bpf.Instruction{bpf.LoadMemShift{Off: b.off}}
	}
	return append(g.load(b, 0, 1),
		bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf},
		bpf.ALUOpConstant{Op: bpf.ALUOpShiftLeft, Val: 2},
		bpf.ALUOpX{Op: bpf.ALUOpAdd},
		bpf.TAX{},
	)
}

// equal tests that size bytes at off behind b are v.
func (g *generator) equal(b base, off uint32, size int, v uint32) *node {
	return test(g.load(b, off, size), bpf.JumpEqual, v)
}

// masked tests that 4 bytes have the value v under mask. A mask of no bits
// does not look at the packet at all.
func (g *generator) masked(b base, off uint32, size int, mask, v uint32) *node {
	if mask == 0 {
		if v == 0 {
			return always
		}
		return never
	}
	code := g.load(b, off, size)
	if mask != 1<<32-1 {
		code = append(code, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: mask})
	}
	return test(code, bpf.JumpEqual, v)
}

// bits tests that a byte has any of the bits of mask.
func (g *generator) bits(b base, off uint32, mask uint32) *node {
	return test(g.load(b, off, 1), bpf.JumpBitsSet, mask)
}

// mac tests the six bytes of an Ethernet address, the last four first: they
// differ more often.
func (g *generator) mac(b base, off uint32, v [6]byte) *node {
	return and(
		g.equal(b, off+2, 4, uint32(v[2])<<24|uint32(v[3])<<16|uint32(v[4])<<8|uint32(v[5])),
		g.equal(b, off, 2, uint32(v[0])<<8|uint32(v[1])),
	)
}

// length tests the length on the wire.
func (g *generator) length(cond bpf.JumpTest, k uint32) *node {
	return test([]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtLen}}, cond, k)
}

// withPrologue puts before root the code that sets the scratch words which root
// reads.
func (g *generator) withPrologue(root *node) *node {
	var pre []*node
	if g.stripped {
		pre = append(pre, do(
			bpf.LoadConstant{Dst: bpf.RegA, Val: 0},
			bpf.StoreScratch{Src: bpf.RegA, N: regVLAN},
		))
	}
	if g.usesHdr || g.usesPayload {
		pre = append(pre, g.wifiPrologue())
	}
	return and(append(pre, root)...)
}
