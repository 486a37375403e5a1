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
	t *Table
	// refs are the flows in their order. It is nil where the entries of one IP version,
	// all in use, are the flows in their order: a scan of 3 million flows is then ready
	// 20 ms earlier, while nothing else can run.
	refs []place
	n    int
}

// place is a Ref in four bytes: a table holds millions.
type place uint32

const inV6 = 1 << 31 // of a place: the entry is in Table.v6

func (p place) ref() Ref { return Ref{uint32(p &^ inV6), p&inV6 != 0} }

func (r *Results) ref(i int) Ref {
	if r.refs == nil {
		return Ref{uint32(i), r.t.v4.n == 0}
	}
	return r.refs[i].ref()
}

// Results ends all flows and returns them in the order of their first packets. The
// table must not be used afterwards.
func (t *Table) Results() *Results {
	// The index is done with, and the flows are still to be rendered.
	t.v4.slots, t.v6.slots, t.oldest = nil, nil, nil
	t.ended = true
	r := &Results{t: t, n: t.Len()}
	if (t.v6.n > 0 || !t.v4.inOrder()) && (t.v4.n > 0 || !t.v6.inOrder()) {
		r.list()
	}
	return r
}

// inOrder reports whether all entries are in use, and lie in the order of their first
// packets.
func (tb *table[K]) inOrder() bool { return !tb.mixed && tb.n == int(tb.top) }

// list makes refs.
func (r *Results) list() {
	t := r.t
	r.refs = make([]place, 0, r.n)
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
	if t.v4.mixed || t.v6.mixed {
		slices.SortFunc(r.refs, func(x, y place) int { return cmp.Compare(t.orderOf(x), t.orderOf(y)) })
	}
}

func (t *Table) orderOf(p place) uint64 {
	if p&inV6 != 0 {
		return t.v6.restOf(uint32(p &^ inV6)).order
	}
	return t.v4.restOf(uint32(p)).order
}

// Len returns the number of flows.
func (r *Results) Len() int { return r.n }

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
	if r.refs == nil {
		r.list()
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
