package flow

import (
	"cmp"
	"slices"
)

// Ref names a flow that a Table holds; see Table.Track.
type Ref struct {
	index uint32
	v6    bool
}

// Results are the flows that a table holds at the end of its input.
type Results struct {
	t    *Table
	refs []place
}

// place is a Ref in four bytes: a table holds millions.
type place uint32

const inV6 = 1 << 31 // of a place: the entry is in Table.v6

func (r *Results) ref(i int) Ref {
	p := r.refs[i]
	return Ref{uint32(p &^ inV6), p&inV6 != 0}
}

// Results ends all flows and returns them in the order of their first packets. The
// table must not be used afterwards.
func (t *Table) Results() *Results {
	// The index is done with, and the flows are still to be rendered.
	t.v4.slots, t.v6.slots, t.oldest = nil, nil, nil
	r := &Results{t: t, refs: make([]place, 0, t.Len())}
	inOrder := t.v4.finishAll()
	inOrder = t.v6.finishAll() && inOrder
	a, b := t.v4.used(0), t.v6.used(0)
	for a < t.v4.top || b < t.v6.top {
		if b == t.v6.top || a < t.v4.top && t.v4.restOf(a).order < t.v6.restOf(b).order {
			r.refs = append(r.refs, place(a))
			a = t.v4.used(a + 1)
		} else {
			r.refs = append(r.refs, place(b)|inV6)
			b = t.v6.used(b + 1)
		}
	}
	if !inOrder {
		slices.SortFunc(r.refs, func(x, y place) int { return cmp.Compare(t.orderOf(x), t.orderOf(y)) })
	}
	return r
}

func (t *Table) orderOf(p place) uint64 {
	if p&inV6 != 0 {
		return t.v6.restOf(uint32(p &^ inV6)).order
	}
	return t.v4.restOf(uint32(p)).order
}

// finishAll ends all flows, and says whether they lie in the order of their first
// packets: entries are laid down in that order, unless places were used again.
func (tb *table[K]) finishAll() (inOrder bool) {
	inOrder, last := true, uint64(0)
	for i := tb.used(0); i < tb.top; i = tb.used(i + 1) {
		if e := tb.at(i); e.end == EndNone {
			e.end = EndInput
		}
		order := tb.restOf(i).order
		inOrder = inOrder && last <= order
		last = order
	}
	return inOrder
}

// Len returns the number of flows.
func (r *Results) Len() int { return len(r.refs) }

// Fill writes flow i, from 0 to Len()-1, into f. Several goroutines may call it at
// once, each with its own f.
func (r *Results) Fill(i int, f *Flow) {
	ref := r.ref(i)
	r.t.tableOf(ref).fill(r.t, ref.index, f)
}

// SortResults sorts flows by a key. Flows whose keys are equal stay in the order of
// their first packets.
func SortResults[K any](r *Results, key func(*Flow) K, compare func(a, b K) int) {
	type item struct {
		key K
		ref place
	}
	items := make([]item, len(r.refs))
	var f Flow
	for i, ref := range r.refs {
		r.Fill(i, &f)
		items[i] = item{key(&f), ref}
	}
	slices.SortStableFunc(items, func(a, b item) int { return compare(a.key, b.key) })
	for i, it := range items {
		r.refs[i] = it.ref
	}
}
