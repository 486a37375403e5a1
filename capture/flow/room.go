package flow

import (
	"cmp"
	"slices"
)

// aged is a flow in the order of idleness.
type aged struct {
	last  int64
	order uint64
	ref   Ref
	why   EndReason
}

func byOrder(a, b aged) int { return cmp.Compare(a.order, b.order) }

// makeRoom frees at least one place: it writes out the finished flows held
// back, if there are any, else the longest idle flow.
//
// The longest idle one is found without a list to maintain at every packet:
// the flows are sorted by idleness once, and taken in turn. A flow whose time
// has changed since, or that is newer, is younger than all that stand in the
// order, so it is passed over; when the order is used up it is made anew. Each
// flow passed over was paid for by a packet of its own. It is exact as long as
// time does not run backwards from packet to packet; where it does, a flow that
// began since is given the benefit.
func (t *Table) makeRoom(order uint64) {
	if len(t.held) > 0 {
		slices.SortFunc(t.held, byOrder)
		for _, h := range t.held {
			t.stats.Early++
			t.emit(t.tableOf(h.ref), h.ref.index)
		}
		t.held = t.held[:0]
		return
	}
	for {
		for n := len(t.oldest); n > 0; n = len(t.oldest) {
			if n%soon == 0 {
				t.warm += t.touch(t.oldest[n-soon:])
			}
			a := t.oldest[n-1]
			t.oldest = t.oldest[:n-1]
			last, began, ok := t.age(a.ref)
			if !ok || last != a.last || began > t.mark {
				continue
			}
			why := EndEvicted
			if t.opt.Idle > 0 && t.now-last > int64(t.opt.Idle) {
				why = EndIdle
			} else {
				t.stats.Evicted++
			}
			t.stats.Early++
			tb := t.tableOf(a.ref)
			tb.remember(t, a.ref.index)
			tb.unlink(a.ref.index, why)
			t.emit(tb, a.ref.index)
			return
		}
		if t.oldest == nil {
			t.oldest = make([]aged, 0, t.Len())
		}
		t.oldest = t.v6.ages(t.v4.ages(t.oldest[:0]))
		if len(t.oldest) == 0 {
			return // nothing is held
		}
		t.mark = order
		slices.SortFunc(t.oldest, func(a, b aged) int {
			return cmp.Or(cmp.Compare(b.last, a.last), byOrder(b, a))
		})
	}
}

// soon is how many of the oldest flows are touched together. The cache misses of one
// flow wait for each other: its entry, then its place in the index. Those of several
// flows overlap, as in Table.add. A full table takes 9 to 12% less CPU time than with one
// at a time (scan of 9 million flows, two cores).
const soon = 32

// touch loads what ending flows takes.
func (t *Table) touch(list []aged) (sink uint32) {
	var hashes [soon]uint32
	for i, a := range list {
		if a.ref.v6 {
			hashes[i%soon] = t.v6.restOf(a.ref.index).hash
			sink += t.v6.at(a.ref.index).packets[0]
		} else {
			hashes[i%soon] = t.v4.restOf(a.ref.index).hash
			sink += t.v4.at(a.ref.index).packets[0]
		}
	}
	for i, a := range list {
		slots := t.v4.slots
		if a.ref.v6 {
			slots = t.v6.slots
		}
		sink += slots[hashes[i%soon]&uint32(len(slots)-1)].index
	}
	return sink
}

// age gives the latest time and the order of a live entry.
func (t *Table) age(r Ref) (last int64, order uint64, ok bool) {
	if r.v6 {
		e := t.v6.at(r.index)
		return e.latest(), t.v6.restOf(r.index).order, e.marks&markUsed != 0 && e.end == EndNone
	}
	e := t.v4.at(r.index)
	return e.latest(), t.v4.restOf(r.index).order, e.marks&markUsed != 0 && e.end == EndNone
}
