package filter

import "golang.org/x/net/bpf"

// A compiled primitive is a tree of tests. The tree is what the language says;
// assemble turns it into blocks and jumps.

type nodeKind uint8

const (
	nodeNo   nodeKind = iota // never true
	nodeYes                  // always true
	nodeDo                   // run code; always true
	nodeTest                 // run code, then compare A
	nodeAnd                  // l, then r if l holds
	nodeOr                   // l, then r if l does not hold
	nodeNot                  // l, negated
)

// node is immutable once made, and may stand in several places of a tree.
type node struct {
	kind nodeKind
	l, r *node             // And, Or, Not
	code []bpf.Instruction // Do, Test: no jumps; starts without knowing A and X
	cond bpf.JumpTest      // Test: how A is compared: Equal, GreaterThan, GreaterOrEqual or BitsSet
	k    uint32            // Test: with what, unless withX
	x    bool              // Test: compare with X
}

var (
	never  = &node{kind: nodeNo}
	always = &node{kind: nodeYes}
)

// and joins its operands, which are evaluated from the left and only as far as
// the outcome needs. Constants fold away.
func and(nodes ...*node) *node {
	out := always
	for _, n := range nodes {
		switch {
		case out.kind == nodeYes:
			out = n
		case out.kind == nodeNo || n.kind == nodeYes:
		default: // "l and never" still runs l, whose loads may end the program
			out = &node{kind: nodeAnd, l: out, r: n}
		}
	}
	return out
}

// or is and's dual.
func or(nodes ...*node) *node {
	out := never
	for _, n := range nodes {
		switch {
		case out.kind == nodeNo:
			out = n
		case out.kind == nodeYes || n.kind == nodeNo:
		default:
			out = &node{kind: nodeOr, l: out, r: n}
		}
	}
	return out
}

func not(n *node) *node {
	switch n.kind {
	case nodeNo:
		return always
	case nodeYes:
		return never
	case nodeNot:
		return n.l
	}
	return &node{kind: nodeNot, l: n}
}

// do runs code and is true.
func do(code ...bpf.Instruction) *node { return &node{kind: nodeDo, code: code} }

// test compares what code leaves in A with k.
func test(code []bpf.Instruction, cond bpf.JumpTest, k uint32) *node {
	return &node{kind: nodeTest, code: code, cond: cond, k: k}
}

// when runs then if cond holds; it is always true.
func when(cond, then *node) *node { return or(not(cond), then) }
