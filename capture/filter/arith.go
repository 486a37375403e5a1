package filter

import (
	"golang.org/x/net/bpf"

	"github.com/portannot/portannot/capture"
)

// arith is an arithmetic expression: a constant, or something that the packet
// decides. All of it is of 32 bits without sign, and wraps.
type arith struct {
	kind  arithKind
	k     uint32            // arithConst
	op    bpf.ALUOp         // arithOp
	l, r  *arith            // arithOp; arithNeg: l; arithLoad: l is the offset
	at    base              // arithLoad: where the protocol's header begins, less what is known at run time
	size  int               // arithLoad: 1, 2 or 4
	check *node             // what must hold for the loads to mean anything
	index []bpf.Instruction // arithLoad behind an IPv4 header: leaves its length in X
}

type arithKind uint8

const (
	arithConst arithKind = iota
	arithLen
	arithLoad
	arithOp
	arithNeg
)

func number(v uint32) *arith { return &arith{k: v, check: always} }

// field makes PROTO[offset:size].
func (g *generator) field(p proto, offset *arith, size uint32) *arith {
	if size != 1 && size != 2 && size != 4 {
		g.fail("the size of a field is 1, 2 or 4 bytes, not %d", size)
		return number(0)
	}
	a := &arith{kind: arithLoad, l: offset, size: int(size), at: g.atNetwork(), check: always}
	info := &protocols[p]
	switch {
	case !info.offset:
		g.fail("%q has no fields to load", p)
		return number(0)
	case p == protoLink:
		a.at = g.hdr
	case p == protoRadio:
		if g.lt != capture.LinkRadiotap {
			g.fail("there is no radio header on %v", g.lt)
		}
		a.at = base{}
	case info.layer == layerLink:
		a.check = g.linkProto(info.number)
	case p == protoICMPv6: // as it follows the IPv6 header at once, and nowhere else
		a.check = and(g.linkProto(etherIPv6), g.equal(g.atNetwork(), 6, 1, info.number))
		a.at.off += 40
	default: // behind an IPv4 header
		a.check = and(g.ip4Proto(info.number), g.unfragmented())
		a.index = g.indexIPv4()
	}
	g.use(a.at.reg)
	a.check = and(offset.check, a.check)
	return a
}

// binary makes l op r. As in libpcap, the test that the right operand's
// protocol is there is lost: "tcp[12] + ip[0]" asks for TCP, "1 + tcp[12]" for
// nothing. Both sides of a relation are tested.
func (g *generator) binary(op bpf.ALUOp, l, r *arith) *arith {
	if r.kind == arithConst {
		switch {
		case op == bpf.ALUOpDiv && r.k == 0, op == bpf.ALUOpMod && r.k == 0:
			g.fail("division by zero")
			return number(0)
		case (op == bpf.ALUOpShiftLeft || op == bpf.ALUOpShiftRight) && r.k > 31:
			g.fail("a shift of a 32-bit number is by at most 31")
			return number(0)
		case l.kind == arithConst:
			return number(fold(op, l.k, r.k))
		}
	}
	return &arith{kind: arithOp, op: op, l: l, r: r, check: l.check}
}

// negate makes -l.
func negate(l *arith) *arith {
	if l.kind == arithConst {
		return number(-l.k)
	}
	return &arith{kind: arithNeg, l: l, check: l.check}
}

// fold computes an operation whose right side is neither a zero divisor nor a
// shift out of range.
func fold(op bpf.ALUOp, l, r uint32) uint32 {
	switch op {
	case bpf.ALUOpAdd:
		return l + r
	case bpf.ALUOpSub:
		return l - r
	case bpf.ALUOpMul:
		return l * r
	case bpf.ALUOpDiv:
		return l / r
	case bpf.ALUOpMod:
		return l % r
	case bpf.ALUOpAnd:
		return l & r
	case bpf.ALUOpOr:
		return l | r
	case bpf.ALUOpXor:
		return l ^ r
	case bpf.ALUOpShiftLeft:
		return l << r
	}
	return l >> r
}

// eval gives the code that leaves a in A. It may change X and the scratch words
// from g.temps on.
func (g *generator) eval(a *arith) []bpf.Instruction {
	switch a.kind {
	case arithLen:
		return []bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtLen}}
	case arithLoad:
		return g.evalLoad(a)
	case arithNeg:
		return append(g.eval(a.l), bpf.NegateA{})
	case arithOp:
		if a.r.kind == arithConst {
			return append(g.eval(a.l), bpf.ALUOpConstant{Op: a.op, Val: a.r.k})
		}
		return append(g.pair(a.l, a.r), bpf.ALUOpX{Op: a.op})
	}
	return []bpf.Instruction{bpf.LoadConstant{Dst: bpf.RegA, Val: a.k}}
}

// pair leaves l in A and r in X, computing l first.
func (g *generator) pair(l, r *arith) []bpf.Instruction {
	if l.kind == arithConst {
		return append(g.eval(r), bpf.TAX{}, bpf.LoadConstant{Dst: bpf.RegA, Val: l.k})
	}
	code := g.eval(l)
	t := g.temp()
	code = append(code, bpf.StoreScratch{Src: bpf.RegA, N: t})
	code = append(code, g.eval(r)...)
	g.temps--
	return append(code, bpf.TAX{}, bpf.LoadScratch{Dst: bpf.RegA, N: t})
}

// temp takes a scratch word; decrementing g.temps gives it back.
func (g *generator) temp() int {
	if g.temps >= maxTemps {
		g.fail("the arithmetic needs more than the machine's %d words of memory", maxTemps)
		g.temps++
		return 0
	}
	g.temps++
	return g.temps - 1
}

func (g *generator) evalLoad(a *arith) []bpf.Instruction {
	// A constant offset goes into the instruction, and wraps: "ip[-1]" is the
	// byte before the IP header. Behind a scratch word the machine wraps.
	sum := uint64(a.at.off) + uint64(a.l.k)
	if a.l.kind == arithConst && (a.at.reg == 0 || sum <= maxOffset) {
		off := min(uint32(sum), maxOffset)
		switch {
		case a.index != nil:
			return append(a.index[:len(a.index):len(a.index)], bpf.LoadIndirect{Off: off, Size: a.size})
		case a.at.reg == 0:
			return []bpf.Instruction{bpf.LoadAbsolute{Off: off, Size: a.size}}
		}
		return []bpf.Instruction{
			bpf.LoadScratch{Dst: bpf.RegX, N: a.at.reg},
			bpf.LoadIndirect{Off: off, Size: a.size},
		}
	}
	code := g.eval(a.l)
	switch {
	case a.index != nil && a.at.reg != 0: // index uses A
		t := g.temp()
		code = append(code, bpf.StoreScratch{Src: bpf.RegA, N: t})
		code = append(code, a.index...)
		code = append(code, bpf.LoadScratch{Dst: bpf.RegA, N: t}, bpf.ALUOpX{Op: bpf.ALUOpAdd})
		g.temps--
	case a.index != nil:
		code = append(code, a.index...)
		code = append(code, bpf.ALUOpX{Op: bpf.ALUOpAdd})
	case a.at.reg != 0:
		code = append(code, bpf.LoadScratch{Dst: bpf.RegX, N: a.at.reg}, bpf.ALUOpX{Op: bpf.ALUOpAdd})
	}
	return append(code, bpf.TAX{}, bpf.LoadIndirect{Off: min(a.at.off, maxOffset), Size: a.size})
}

// relation makes the test l op r, of =, !=, <, <=, > and >=.
func (g *generator) relation(op string, l, r *arith) *node {
	cond, negated := bpf.JumpEqual, false
	switch op {
	case "!=":
		negated = true
	case ">":
		cond = bpf.JumpGreaterThan
	case "<=":
		cond, negated = bpf.JumpGreaterThan, true
	case ">=":
		cond = bpf.JumpGreaterOrEqual
	case "<":
		cond, negated = bpf.JumpGreaterOrEqual, true
	}
	var t *node
	switch {
	case l.kind == arithConst && r.kind == arithConst:
		t = never
		if compare(cond, l.k, r.k) {
			t = always
		}
	case r.kind == arithConst && r.k == 0 && cond == bpf.JumpEqual &&
		l.kind == arithOp && l.op == bpf.ALUOpAnd && l.r.kind == arithConst:
		t = not(test(g.eval(l.l), bpf.JumpBitsSet, l.r.k))
	case r.kind == arithConst:
		t = test(g.eval(l), cond, r.k)
	case l.kind == arithConst && cond == bpf.JumpEqual:
		t = test(g.eval(r), cond, l.k)
	case l.kind == arithConst: // l > r is not r >= l
		turned := bpf.JumpGreaterOrEqual
		if cond == turned {
			turned = bpf.JumpGreaterThan
		}
		t = not(test(g.eval(r), turned, l.k))
	default:
		t = &node{kind: nodeTest, code: g.pair(l, r), cond: cond, x: true}
	}
	if negated {
		t = not(t)
	}
	return and(l.check, r.check, t)
}

// compare does what a jump with a constant does.
func compare(cond bpf.JumpTest, a, k uint32) bool {
	switch cond {
	case bpf.JumpEqual:
		return a == k
	case bpf.JumpGreaterThan:
		return a > k
	case bpf.JumpGreaterOrEqual:
		return a >= k
	}
	return a&k != 0
}
