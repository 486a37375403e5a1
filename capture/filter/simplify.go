package filter

import (
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
)

// The tests of primitives repeat each other: each of "port 80 or port 443" asks
// for the EtherType and the protocol anew. simplify takes out what is known
// where it is asked. It never takes out the first load of a field on any path,
// so a packet that is cut short is dropped at the same place as before.

// value names what a register holds at a place: the same value means the same
// computation from the same packet. 0 is unknown.
type value int

// numbering gives values to computations.
type numbering struct {
	ids map[string]value
	// changeable marks values that depend on a fixed scratch word.
	changeable []bool
}

func (t *numbering) id(changeable bool, format string, args ...any) value {
	s := fmt.Sprintf(format, args...)
	v, ok := t.ids[s]
	if !ok {
		v = value(len(t.changeable))
		t.ids[s] = v
		t.changeable = append(t.changeable, changeable)
	}
	return v
}

// of combines values; it depends on scratch words if one of them does.
func (t *numbering) of(what string, vs ...value) value {
	changeable := false
	for _, v := range vs {
		changeable = changeable || t.changeable[v]
	}
	return t.id(changeable, "%s%v", what, vs)
}

// registers are the machine's registers at a place.
type registers struct {
	a, x value
	// mem has the words that the block itself stored.
	mem map[int]value
	// sets is whether the block stored into a fixed scratch word.
	sets bool
}

// step follows one instruction.
func (t *numbering) step(r *registers, ins bpf.Instruction) {
	set := func(dst bpf.Register, v value) {
		if dst == bpf.RegX {
			r.x = v
		} else {
			r.a = v
		}
	}
	switch ins := ins.(type) {
	case bpf.LoadAbsolute:
		r.a = t.id(false, "p%d:%d", ins.Off, ins.Size)
	case bpf.LoadIndirect:
		r.a = t.of(fmt.Sprintf("x%d:%d", ins.Off, ins.Size), r.x)
	case bpf.LoadMemShift:
		r.x = t.id(false, "m%d", ins.Off)
	case bpf.LoadExtension:
		r.a = t.id(false, "e%d", ins.Num)
	case bpf.LoadConstant:
		set(ins.Dst, t.id(false, "k%d", ins.Val))
	case bpf.LoadScratch:
		v, ok := r.mem[ins.N]
		if !ok {
			v = t.id(true, "s%d", ins.N)
		}
		set(ins.Dst, v)
	case bpf.StoreScratch:
		v := r.a
		if ins.Src == bpf.RegX {
			v = r.x
		}
		if r.mem == nil {
			r.mem = make(map[int]value)
		}
		r.mem[ins.N] = v
		r.sets = r.sets || ins.N >= maxTemps
	case bpf.ALUOpConstant:
		r.a = t.of(fmt.Sprintf("c%d:%d", ins.Op, ins.Val), r.a)
	case bpf.ALUOpX:
		r.a = t.of(fmt.Sprintf("o%d", ins.Op), r.a, r.x)
	case bpf.NegateA:
		r.a = t.of("n", r.a)
	case bpf.TAX:
		r.x = r.a
	case bpf.TXA:
		r.a = r.x
	}
}

// fact is the outcome of a comparison with a constant.
type fact struct {
	cond bpf.JumpTest
	k    uint32
	true bool
}

// facts are the outcomes known of each value at a place. The lists are short
// and shared; they are copied before they grow.
type facts map[value][]fact

// Bounds on what is remembered: expressions that need more are not simplified
// as far.
const (
	maxFacts  = 16
	maxValues = 64
)

// decide gives the outcome of a comparison, if the facts have it.
func (f facts) decide(v value, cond bpf.JumpTest, k uint32) (outcome, known bool) {
	for _, have := range f[v] {
		switch {
		case have.cond == cond && have.k == k:
			return have.true, true
		case have.cond == bpf.JumpEqual && have.true:
			return compare(cond, have.k, k), true
		}
	}
	return false, false
}

// with gives f and one more fact.
func (f facts) with(v value, n fact) facts {
	old := f[v]
	if len(old) >= maxFacts || len(f) >= maxValues && old == nil {
		return f
	}
	out := make(facts, len(f)+1)
	for v, list := range f {
		out[v] = list
	}
	if n.cond == bpf.JumpEqual && n.true {
		out[v] = []fact{n} // says all
	} else {
		out[v] = append(old[:len(old):len(old)], n)
	}
	return out
}

// meet gives what both f and g know.
func (f facts) meet(g facts) facts {
	out := make(facts)
	for v := range f {
		var both []fact
		keep := func(list []fact, other facts) {
			for _, n := range list {
				if outcome, known := other.decide(v, n.cond, n.k); known && outcome == n.true && !slices.Contains(both, n) {
					both = append(both, n)
				}
			}
		}
		keep(f[v], g)
		keep(g[v], f)
		if len(both) > maxFacts {
			both = both[:maxFacts]
		}
		if both != nil {
			out[v] = both
		}
	}
	return out
}

// simplify changes blocks so that no test is made whose outcome is known, and no
// load whose value is in A. It gives the new first block.
func simplify(blocks []block, entry int) int {
	t := &numbering{ids: make(map[string]value), changeable: []bool{true}}
	exits := make([]registers, len(blocks))
	for i := blockAccept + 1; i < len(blocks); i++ {
		for _, ins := range blocks[i].code {
			t.step(&exits[i], ins)
		}
	}
	for range maxRounds {
		if !threadJumps(t, blocks, exits, entry) {
			break
		}
	}
	entry = skipEmpty(blocks, entry)
	reuseLoads(t, blocks, entry)
	return entry
}

// maxRounds bounds the repetitions of threadJumps: one lets the next see
// farther.
const maxRounds = 8

// threadJumps makes each block go past the tests whose outcome is known behind
// it. It reports whether it changed anything.
func threadJumps(t *numbering, blocks []block, exits []registers, entry int) bool {
	changed := false
	known := make([]facts, len(blocks)) // at the begin of a block
	seen := make([]bool, len(blocks))
	seen[entry] = true
	flow := func(to int, f facts) {
		if !seen[to] {
			known[to], seen[to] = f, true
		} else if len(known[to]) > 0 {
			known[to] = known[to].meet(f)
		}
	}
	for i := entry; i > blockAccept; i-- {
		if !seen[i] {
			continue
		}
		bl, f := &blocks[i], known[i]
		if exits[i].sets {
			f = f.without(t.changeable)
		}
		v := exits[i].a
		if bl.plain {
			bl.yes = thread(blocks, exits, bl.yes, f, &changed)
			bl.no = bl.yes
			flow(bl.yes, f)
			continue
		}
		yes, no := f, f
		if !bl.x && v != 0 {
			yes = f.with(v, fact{bl.cond, bl.k, true})
			no = f.with(v, fact{bl.cond, bl.k, false})
		}
		bl.yes = thread(blocks, exits, bl.yes, yes, &changed)
		bl.no = thread(blocks, exits, bl.no, no, &changed)
		flow(bl.yes, yes)
		flow(bl.no, no)
	}
	known[blockReject], known[blockAccept] = nil, nil
	return changed
}

// without drops the facts of some values.
func (f facts) without(drop []bool) facts {
	out := make(facts, len(f))
	for v, list := range f {
		if !drop[v] {
			out[v] = list
		}
	}
	return out
}

// thread follows to past the tests that f decides. A decided test's loads were
// made before, on the way to the fact, so nothing is lost with them; a block
// that stores for others stays.
func thread(blocks []block, exits []registers, to int, f facts, changed *bool) int {
	for to > blockAccept {
		bl := &blocks[to]
		if bl.plain || bl.x || exits[to].sets {
			break
		}
		outcome, known := f.decide(exits[to].a, bl.cond, bl.k)
		if !known {
			break
		}
		*changed = true
		if outcome {
			to = bl.yes
		} else {
			to = bl.no
		}
	}
	return to
}

// skipEmpty goes past tests whose two ways are one and whose code cannot end
// the program.
func skipEmpty(blocks []block, entry int) int {
	next := make([]int, len(blocks))
	for i := range blocks {
		next[i] = i
		if i <= blockAccept {
			continue
		}
		bl := &blocks[i]
		bl.yes, bl.no = next[bl.yes], next[bl.no]
		if bl.yes == bl.no && !bl.plain {
			bl.plain = true
		}
		if bl.plain && len(bl.code) == 0 {
			next[i] = bl.yes
		}
	}
	return next[entry]
}

// reuseLoads takes out the code of a test where all ways to it have its result
// in A already, and a first load of X where X has that.
func reuseLoads(t *numbering, blocks []block, entry int) {
	type held struct{ a, x value }
	const undefined = -1
	at := make([]held, len(blocks)) // at the begin of a block
	for i := range at {
		at[i] = held{undefined, undefined}
	}
	at[entry] = held{}
	meet := func(have, now value) value {
		if have == undefined || have == now {
			return now
		}
		return 0
	}
	for i := entry; i > blockAccept; i-- {
		in := at[i]
		if in.a == undefined {
			continue
		}
		bl := &blocks[i]
		r := registers{}
		for _, ins := range bl.code {
			t.step(&r, ins)
		}
		switch {
		case !bl.plain && !bl.x && r.a != 0 && r.a == in.a && !r.sets:
			bl.code = nil
			r.a, r.x = in.a, in.x
		case len(bl.code) > 0 && in.x != 0:
			first := registers{}
			t.step(&first, bl.code[0])
			if first.x == in.x { // only the load of X gives X a value
				bl.code = bl.code[1:]
			}
		}
		if r.a == 0 {
			r.a = in.a
		}
		if r.x == 0 {
			r.x = in.x
		}
		if r.sets { // what depends on the words is something else now
			if t.changeable[r.a] {
				r.a = 0
			}
			if t.changeable[r.x] {
				r.x = 0
			}
		}
		for _, to := range []int{bl.yes, bl.no} {
			at[to] = held{meet(at[to].a, r.a), meet(at[to].x, r.x)}
		}
	}
}
