package filter

import "golang.org/x/net/bpf"

// The arithmetic of the grammar:
//
//	relation = arith (">" | ">=" | "=" | "==" | "<" | "<=" | "!=") arith
//	arith    = NUM | "len" | field | "-" arith | "(" arith ")" | arith OPERATOR arith
//	field    = PROTO "[" arith [":" NUM] "]"

// comparison reads the rest of a relation whose left side is o; without one, o
// stays arithmetic.
func (p *parser) comparison(o operand) operand {
	t := p.peek()
	switch t.text {
	case "=", "!=", "<", "<=", ">", ">=":
	default:
		return o
	}
	if t.kind != tokOp {
		return o
	}
	p.next()
	r := p.arithmetic(0, nil)
	if p.err != nil {
		return o
	}
	return p.made(p.g.relation(t.text, o.arith, r.arith), o.pos)
}

// aluOps has the operators with how tightly they bind. The two that libpcap's
// grammar gives no precedence take all that stands on their right, whatever
// stands on their left.
var aluOps = map[string]struct {
	op   bpf.ALUOp
	prec int
}{
	"|": {bpf.ALUOpOr, 1}, "&": {bpf.ALUOpAnd, 2},
	"<<": {bpf.ALUOpShiftLeft, 3}, ">>": {bpf.ALUOpShiftRight, 3},
	"+": {bpf.ALUOpAdd, 4}, "-": {bpf.ALUOpSub, 4},
	"*": {bpf.ALUOpMul, 5}, "/": {bpf.ALUOpDiv, 5},
	"%": {bpf.ALUOpMod, greedy}, "^": {bpf.ALUOpXor, greedy},
}

const (
	precNegate = 6
	greedy     = 7
)

// arithmetic reads an expression of operators that bind at least as tightly as
// prec. left is its first operand if that was read before.
func (p *parser) arithmetic(prec int, left *operand) operand {
	var out operand
	if left != nil {
		out = *left
	} else {
		out = p.arithOperand()
	}
	for {
		t := p.peek()
		op, ok := aluOps[t.text]
		if !ok || t.kind != tokOp || op.prec < prec {
			return out
		}
		p.next()
		rightPrec := op.prec + 1
		if op.prec == greedy {
			rightPrec = 0
		}
		right := p.arithmetic(rightPrec, nil)
		if p.err != nil {
			return out
		}
		out = operand{what: whatArith, arith: p.g.binary(op.op, out.arith, right.arith), pos: out.pos}
		p.check(t.pos)
	}
}

// arithOperand reads a number, len, a field, a negation or parentheses.
func (p *parser) arithOperand() operand {
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.peek().pos, "nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()

	t := p.next()
	switch {
	case t.kind == tokNum:
		return operand{what: whatNumber, arith: number(t.num), pos: t.pos}
	case t.is("len"):
		return operand{what: whatArith, arith: &arith{kind: arithLen, check: always}, pos: t.pos}
	case t.is("-"):
		o := p.arithmetic(precNegate, nil)
		return operand{what: whatArith, arith: negate(o.arith), pos: t.pos}
	case t.is("("):
		o := p.arithmetic(0, nil)
		p.expect(")")
		o.parens = true
		return o
	case t.kind == tokWord:
		if pr, ok := protoOf(t.text); ok && p.peek().is("[") {
			return p.field(pr, t.pos)
		}
	}
	return p.fail(t.pos, "expected a number or a field such as \"ip[0]\", found %v", t)
}

// field reads "[offset]" or "[offset:size]".
func (p *parser) field(pr proto, pos int) operand {
	p.expect("[")
	offset := p.arithmetic(0, nil)
	size := uint32(1)
	if p.accept(":") {
		t := p.next()
		if t.kind != tokNum {
			return p.fail(t.pos, "expected a size of 1, 2 or 4, found %v", t)
		}
		size = t.num
	}
	p.expect("]")
	if p.err != nil {
		return operand{arith: number(0), node: never}
	}
	a := p.g.field(pr, offset.arith, size)
	p.check(pos)
	return operand{what: whatArith, arith: a, pos: pos}
}
