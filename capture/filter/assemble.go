package filter

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
)

// maxBlocks bounds the tests of an expression before they are simplified, and
// with that the time of compiling.
const maxBlocks = 1 << 14

// block is a straight run of code that ends in a test or goes on to yes.
type block struct {
	code    []bpf.Instruction
	cond    bpf.JumpTest
	k       uint32
	x       bool // compare with X
	plain   bool // no test
	yes, no int  // blocks that follow; a block follows only blocks of higher numbers
}

// The two blocks at which every program ends.
const (
	blockReject = 0
	blockAccept = 1
)

// assemble makes a program of a test: it returns snaplen where root holds, and
// 0 where it does not.
func assemble(root *node, snaplen uint32) ([]bpf.Instruction, error) {
	b := &builder{blocks: make([]block, 2)}
	entry := b.build(root, blockAccept, blockReject)
	if len(b.blocks) >= maxBlocks {
		return nil, errTooComplex
	}
	entry = simplify(b.blocks, entry)
	return layout(b.blocks, entry, snaplen)
}

var errTooComplex = fmt.Errorf("the expression is too complex: its program would have more than %d instructions", maxProgram)

// builder makes the blocks of a tree from its end to its begin, so that what a
// block jumps to is known when it is made.
type builder struct {
	blocks []block
}

// build adds the blocks of n, which go on to yes or no, and gives the first.
func (b *builder) build(n *node, yes, no int) int {
	// A chain of "and" and "or" leans to the left and may be thousands long, so
	// the left side is a turn of this loop and not a call.
	for {
		switch n.kind {
		case nodeNo:
			return no
		case nodeYes:
			return yes
		case nodeNot:
			n, yes, no = n.l, no, yes
			continue
		case nodeAnd:
			yes = b.build(n.r, yes, no)
			n = n.l
			continue
		case nodeOr:
			no = b.build(n.r, yes, no)
			n = n.l
			continue
		case nodeDo:
			return b.add(block{code: n.code, plain: true, yes: yes, no: yes})
		}
		return b.add(block{code: n.code, cond: n.cond, k: n.k, x: n.x, yes: yes, no: no})
	}
}

func (b *builder) add(bl block) int {
	if len(b.blocks) >= maxBlocks {
		return blockReject
	}
	b.blocks = append(b.blocks, bl)
	return len(b.blocks) - 1
}

// layout puts the blocks that entry reaches in a row. It goes from the end to
// the begin, where a block's distance to what follows it is known. A test jumps
// at most 255 instructions; a longer way goes over a jump behind the test.
func layout(blocks []block, entry int, snaplen uint32) ([]bpf.Instruction, error) {
	reached := reach(blocks, entry)
	at := make([]int, len(blocks)) // where a block begins, in instructions from the program's end
	var rev []bpf.Instruction      // the program, last instruction first
	// near gives a place from which the program goes to a block, within reach of
	// a test that comes next: the block, a jump to it that another test made, or
	// a new one.
	jumps := make(map[int]int) // where the last jump to a block is
	near := func(to, reach int) int {
		if len(rev)-at[to] <= reach {
			return at[to]
		}
		if j, ok := jumps[to]; ok && len(rev)-j <= reach {
			return j
		}
		rev = append(rev, bpf.Jump{Skip: uint32(len(rev) - at[to])})
		jumps[to] = len(rev)
		return len(rev)
	}
	for i := range entry + 1 {
		if !reached[i] {
			continue
		}
		bl := &blocks[i]
		switch {
		case i == blockReject:
			rev = append(rev, bpf.RetConstant{Val: 0})
		case i == blockAccept:
			rev = append(rev, bpf.RetConstant{Val: snaplen})
		case bl.plain:
			if skip := len(rev) - at[bl.yes]; skip > 0 {
				rev = append(rev, bpf.Jump{Skip: uint32(skip)})
			}
		default:
			// 254 first, as a jump for yes may come between.
			no := near(bl.no, 254)
			yes := near(bl.yes, 255)
			skipTrue, skipFalse := uint8(len(rev)-yes), uint8(len(rev)-no)
			if bl.x {
				rev = append(rev, bpf.JumpIfX{Cond: bl.cond, SkipTrue: skipTrue, SkipFalse: skipFalse})
			} else {
				rev = append(rev, bpf.JumpIf{Cond: bl.cond, Val: bl.k, SkipTrue: skipTrue, SkipFalse: skipFalse})
			}
		}
		for j := len(bl.code) - 1; j >= 0; j-- {
			rev = append(rev, bl.code[j])
		}
		at[i] = len(rev)
		if len(rev) > maxProgram {
			return nil, errTooComplex
		}
	}
	slices.Reverse(rev)
	return rev, nil
}

// reach marks the blocks that entry leads to.
func reach(blocks []block, entry int) []bool {
	reached := make([]bool, len(blocks))
	reached[entry] = true
	for i := entry; i > blockAccept; i-- {
		if reached[i] {
			reached[blocks[i].yes], reached[blocks[i].no] = true, true
		}
	}
	return reached
}
