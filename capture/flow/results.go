package flow

import (
	"cmp"
	"slices"
)

// Ref names a flow that a Table holds.
type Ref struct {
	index uint32
	v6    bool
}

// Results are the flows of a table whose input has ended.
type Results struct {
	t    *Table
	refs []Ref
}

// Results ends all flows and gives them in the order of their first packets.
// The table must not be used afterwards.
func (t *Table) Results() *Results {
	// The index is done with, and the flows are still to be rendered.
	t.v4.slots, t.v6.slots, t.oldest = nil, nil, nil
	r := &Results{t: t, refs: make([]Ref, 0, t.Len())}
	a, b := t.v4.inOrder(), t.v6.inOrder()
	for len(a) > 0 && len(b) > 0 {
		if t.v4.restOf(a[0]).order < t.v6.restOf(b[0]).order {
			r.refs, a = append(r.refs, t.v4.ref(a[0])), a[1:]
		} else {
			r.refs, b = append(r.refs, t.v6.ref(b[0])), b[1:]
		}
	}
	for _, i := range a {
		r.refs = append(r.refs, t.v4.ref(i))
	}
	for _, i := range b {
		r.refs = append(r.refs, t.v6.ref(i))
	}
	return r
}

// inOrder ends all flows and gives their places in the order of their first
// packets. Places are laid down in that order, unless some were used again.
func (tb *table[K]) inOrder() []uint32 {
	list := make([]uint32, 0, tb.n)
	sorted, last := true, uint64(0)
	tb.each(func(i uint32, e *entry[K]) {
		if e.end == EndNone {
			e.end = EndInput
		}
		order := tb.restOf(i).order
		sorted = sorted && last < order
		last = order
		list = append(list, i)
	})
	if !sorted {
		slices.SortFunc(list, func(x, y uint32) int {
			return cmp.Compare(tb.restOf(x).order, tb.restOf(y).order)
		})
	}
	return list
}

// Len gives the number of flows.
func (r *Results) Len() int { return len(r.refs) }

// Fill writes flow i, from 0, into f. It may be called from several
// goroutines at once, each with its own f.
func (r *Results) Fill(i int, f *Flow) {
	ref := r.refs[i]
	r.t.tableOf(ref).fill(ref.index, f, r.t.extras)
}

// SortBy orders the flows by a number, the greatest first; flows of the same
// number stay in the order of their first packets.
func (r *Results) SortBy(key func(*Flow) int64) {
	type item struct {
		key int64
		ref Ref
	}
	items := make([]item, len(r.refs))
	var f Flow
	for i, ref := range r.refs {
		r.Fill(i, &f)
		items[i] = item{key(&f), ref}
	}
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(b.key, a.key) })
	for i, it := range items {
		r.refs[i] = it.ref
	}
}
