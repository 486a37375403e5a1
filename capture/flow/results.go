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
	type item struct {
		number uint64
		ref    Ref
	}
	items := make([]item, 0, t.Len())
	t.v4.each(func(i uint32, e *entry[key4]) {
		if e.end == EndNone {
			e.end = EndInput
		}
		items = append(items, item{e.number, Ref{i, false}})
	})
	n4 := len(items)
	t.v6.each(func(i uint32, e *entry[key6]) {
		if e.end == EndNone {
			e.end = EndInput
		}
		items = append(items, item{e.number, Ref{i, true}})
	})
	// Entries are laid down in order, so unless places were used again each
	// part is sorted already, and one merge is all there is to do.
	less := func(a, b item) int {
		return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.ref.index, b.ref.index))
	}
	r := &Results{t: t, refs: make([]Ref, 0, len(items))}
	a, b := items[:n4], items[n4:]
	for _, part := range [][]item{a, b} {
		if !slices.IsSortedFunc(part, less) {
			slices.SortFunc(part, less)
		}
	}
	for len(a) > 0 && len(b) > 0 {
		if less(a[0], b[0]) <= 0 {
			r.refs, a = append(r.refs, a[0].ref), a[1:]
		} else {
			r.refs, b = append(r.refs, b[0].ref), b[1:]
		}
	}
	for _, part := range [][]item{a, b} {
		for _, it := range part {
			r.refs = append(r.refs, it.ref)
		}
	}
	return r
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
