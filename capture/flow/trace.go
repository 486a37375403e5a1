package flow

import (
	"cmp"
	"slices"

	"github.com/portannot/portannot/capture/packet"
)

// DefaultTrace is the usual bound of Options.Trace: a trace of 128 MiB.
const DefaultTrace = 32 << 20

// Trace is a note, in the order of the capture, of the flow to which each transport
// header counted. With it the packets of chosen flows are found in a second reading,
// in which nothing is decoded: see Replay.
//
// It takes four bytes for each packet, up to the last one that has a transport header.
type Trace struct {
	limit  int
	last   uint64 // number of the latest packet
	n      int    // steps
	chunks []*[traceChunk]step
	late   []lateStep
	reused []reuse
	aside  map[place][]uint64 // orders of headers that were set aside
	opened []opened
	lost   bool // there were more than the limit, and nothing is noted any longer
}

// step is what a trace notes of a header: the place of the flow's entry, or noFlow.
type step uint32

const (
	moreOf   step = 1 << 30       // the next step is of the same packet
	noFlow   step = moreOf - 1    // the header counted to no flow
	noHeader step = noFlow | inV6 // the packet has no header

	traceChunk = 1 << 16
)

// lateStep is a header of a packet before the latest: of a fragment that came before
// the first of its datagram.
type lateStep struct {
	number uint64 // of the packet
	order  uint64 // of the header
	at     place
}

// lateFound is a lateStep of a picked flow.
type lateFound struct {
	number uint64 // of the packet
	found  Found
}

// reuse says that a place got another flow.
type reuse struct {
	order uint64 // of the flow
	at    place
}

// opened says that a flow began with headers that were set aside before. Until then
// their steps say another place.
type opened struct {
	order   uint64   // of the flow, which is that of the first of headers
	begin   uint64   // of the header by which it is known
	headers []uint64 // their orders
}

// Trace returns the trace of the packets so far, or nil if Options.Trace is 0 or too
// small for them.
func (t *Table) Trace() *Trace {
	if t.trace == nil || t.trace.lost {
		return nil
	}
	return t.trace
}

// add notes a batch of summaries, the first of which is the order-th. Where they count
// stands in v4 and v6.
func (tr *Trace) add(sums []packet.Summary, v4 []located[key4], v6 []located[key6], order uint64) {
	var steps [batchSize]step
	stepsOf(&steps, v4, 0)
	stepsOf(&steps, v6, inV6)
	for i := 0; i < len(sums) && !tr.lost; i++ {
		number, s := sums[i].Number, steps[i%batchSize]
		switch {
		case number > tr.last:
			for tr.last++; tr.last < number && !tr.lost; tr.last++ {
				tr.append(noHeader)
			}
			tr.append(s)
			continue
		case number < tr.last:
			tr.late = append(tr.late, lateStep{number, order + uint64(i), place(s)})
			s = noFlow // of the latest packet, so that the headers can be counted
		}
		if tr.n > 0 {
			*tr.at(tr.n - 1) |= moreOf
		}
		tr.append(s)
	}
}

// setAside notes that a header of the flow in a place was set aside.
func (tr *Trace) setAside(at place, order uint64) {
	if tr.aside == nil {
		tr.aside = map[place][]uint64{}
	}
	tr.aside[at] = append(tr.aside[at], order)
}

// open notes that a flow begins with what was set aside of the flow in a place, from
// the order-th header on.
func (tr *Trace) open(at place, order, begin uint64) {
	headers := tr.aside[at]
	delete(tr.aside, at)
	tr.opened = append(tr.opened, opened{order, begin, headers[slices.Index(headers, order):]})
}

// reuse notes that a place has a new flow, which is not the first one there.
func (tr *Trace) reuse(at place, order uint64) {
	delete(tr.aside, at)
	tr.reused = append(tr.reused, reuse{order, at})
}

func stepsOf[K comparable](dst *[batchSize]step, batch []located[K], v6 step) {
	for i := range batch {
		l := &batch[i]
		s := noFlow
		if l.at < uint32(noFlow) {
			s = step(l.at) | v6
		}
		dst[l.sum%batchSize] = s
	}
}

func (tr *Trace) at(i int) *step { return &tr.chunks[i/traceChunk][i%traceChunk] }

func (tr *Trace) append(s step) {
	if tr.n == tr.limit { // 0 once it is lost
		*tr = Trace{lost: true}
		return
	}
	if tr.n == len(tr.chunks)*traceChunk {
		tr.chunks = append(tr.chunks, new([traceChunk]step))
	}
	*tr.at(tr.n) = s
	tr.n++
}

// Pick is the name of a flow in the Trace of its table.
type Pick struct {
	order uint64
	at    place
}

// Pick returns the name of a flow that comes from a table.
func (f *Flow) Pick() Pick { return f.pick }

// Compare orders picks by the first packets of their flows.
func (p Pick) Compare(o Pick) int { return cmp.Compare(p.order, o.order) }

// Replay finds the packets of picked flows again.
type Replay struct {
	trace  *Trace
	picks  []Pick
	opened []openedPick // in the order of begin
	later  []bool       // by pick: whether it is in opened; nil if none is
	moved  []movedTo    // in the order of the headers
	late   []lateFound  // in the order of the packets
	walk   walk
	step   int    // the next step
	number uint64 // of the latest packet
	found  []Found
}

// openedPick is a picked flow that is in Trace.opened.
type openedPick struct {
	begin uint64
	pick  int
}

// movedTo says that a header which was set aside counts to a picked flow.
type movedTo struct {
	order uint64
	pick  int
}

// walk is how far a Replay has come.
type walk struct {
	order  uint64      // of the next header
	now    [2][]uint32 // by place, IPv4 and IPv6: the pick whose flow is there, plus one
	begun  int         // picks that were looked at
	opened int         // likewise of Replay.opened
	reused int         // likewise of Trace.reused
	moved  int         // likewise of Replay.moved
}

// Found says that a packet counts to a picked flow.
type Found struct {
	Pick  int  // index of the flow among the picks
	First bool // the packet is the flow's first
}

// Replay begins at the first packet. picks must be in the order of Pick.Compare, and
// must not be changed while the Replay is used.
func (tr *Trace) Replay(picks []Pick) *Replay {
	r := &Replay{trace: tr, picks: picks}
	for _, o := range tr.opened {
		i, ok := slices.BinarySearchFunc(picks, Pick{order: o.order}, Pick.Compare)
		if !ok {
			i = -1 // its headers do not count to the flow they were set aside of, either
		} else {
			if r.later == nil {
				r.later = make([]bool, len(picks))
			}
			r.later[i] = true
			r.opened = append(r.opened, openedPick{o.begin, i})
		}
		for _, order := range o.headers {
			r.moved = append(r.moved, movedTo{order, i})
		}
	}
	// IPv4 and IPv6 are counted in turn, some packets at a time.
	slices.SortFunc(tr.reused, func(a, b reuse) int { return cmp.Compare(a.order, b.order) })
	slices.SortFunc(r.opened, func(a, b openedPick) int { return cmp.Compare(a.begin, b.begin) })
	slices.SortFunc(r.moved, func(a, b movedTo) int { return cmp.Compare(a.order, b.order) })
	if r.reset(); len(tr.late) == 0 {
		return r
	}
	for _, l := range tr.late {
		r.walk.order = l.order
		if i := r.count(step(l.at)); i >= 0 {
			r.late = append(r.late, lateFound{l.number, Found{i, picks[i].order == l.order}})
		}
	}
	slices.SortStableFunc(r.late, func(a, b lateFound) int { return cmp.Compare(a.number, b.number) })
	r.reset()
	return r
}

// reset goes back to the first header.
func (r *Replay) reset() {
	var n [2]int
	for _, p := range r.picks {
		n[p.at>>31] = max(n[p.at>>31], int(p.at&^inV6)+1)
	}
	r.walk = walk{now: [2][]uint32{make([]uint32, n[0]), make([]uint32, n[1])}}
}

// count goes on to the next header, whose step is s, and returns the pick it counts
// to, -1 if that is none.
func (r *Replay) count(s step) int {
	w := &r.walk
	order := w.order
	w.order++
	for r.nextBegin(order) {
	}
	for ; w.moved < len(r.moved) && r.moved[w.moved].order <= order; w.moved++ {
		if r.moved[w.moved].order == order {
			w.moved++
			return r.moved[w.moved-1].pick
		}
	}
	at := place(s)
	if list := w.now[at>>31]; int(at&^inV6) < len(list) {
		return int(list[at&^inV6]) - 1
	}
	return -1
}

// nextBegin lets the next flow begin, or another flow take its place, up to the header
// of an order. It returns false when there is none.
func (r *Replay) nextBegin(order uint64) bool {
	w := &r.walk
	reused, begun, opened := r.trace.reused[w.reused:], r.picks[w.begun:], r.opened[w.opened:]
	first := order + 1
	if len(reused) > 0 {
		first = min(first, reused[0].order)
	}
	if len(begun) > 0 {
		first = min(first, begun[0].order)
	}
	if len(opened) > 0 {
		first = min(first, opened[0].begin)
	}
	switch {
	case first > order:
		return false
	case len(reused) > 0 && reused[0].order == first:
		at := reused[0].at
		if list := w.now[at>>31]; int(at&^inV6) < len(list) {
			list[at&^inV6] = 0
		}
		w.reused++
	case len(opened) > 0 && opened[0].begin == first:
		r.begin(opened[0].pick)
		w.opened++
	default:
		if r.later == nil || !r.later[w.begun] {
			r.begin(w.begun)
		}
		w.begun++
	}
	return true
}

func (r *Replay) begin(pick int) {
	at := r.picks[pick].at
	r.walk.now[at>>31][at&^inV6] = uint32(pick + 1)
}

// Packet returns the picked flows to which a packet counts, once for each of its
// headers. It must be called with rising numbers. The slice is valid until the next
// call.
func (r *Replay) Packet(number uint64) []Found {
	r.found = r.found[:0]
	tr := r.trace
	for r.number < number {
		r.number++
		for more := true; more && r.step < tr.n; r.step++ {
			s := *tr.at(r.step)
			more = s&moreOf != 0
			if s &^= moreOf; s == noHeader {
				continue
			}
			order := r.walk.order
			if i := r.count(s); i >= 0 && r.number == number {
				r.found = append(r.found, Found{i, r.picks[i].order == order})
			}
		}
	}
	for len(r.late) > 0 && r.late[0].number <= number {
		if r.late[0].number == number {
			r.found = append(r.found, r.late[0].found)
		}
		r.late = r.late[1:]
	}
	return r.found
}
