package flow

// A table is an arena of entries, in chunks that never move, and an index of
// slots over it: open addressing with linear probing. The slot repeats the
// hash, so a probe touches an entry only when it is very likely the right one,
// and growing the index touches no entry at all.
type table[K comparable] struct {
	v6     bool   // which of the two tables this is
	slots  []slot // a power of two
	live   int    // entries in the index
	full   int    // entries at which the index grows
	n      int    // entries in use: live ones and finished ones held back
	chunks []*chunk[K]
	slab   []chunk[K] // what is left of the last one
	top    uint32     // entries ever used
	empty  []uint32   // entries freed, below top
	mixed  bool       // entries do not lie in the order of their first packets
	batch  [batchSize]located[K]

	memory memory[K] // of flows that have left the index

	payloads []*[chunkSize][2]handle // by chunk; nil where no flow has any
	arena    arena
}

type chunk[K comparable] struct {
	entries [chunkSize]entry[K]
	rests   [chunkSize]rest
}

type slot struct {
	hash  uint32
	index uint32 // of the entry, plus one; 0 is a free slot
}

const (
	chunkBits = 14
	chunkSize = 1 << chunkBits
	firstBits = 12 // slots of the first index: 1 << firstBits
	// smallChunks is how many chunks a table has before huge pages are worth
	// their memory.
	smallChunks = 1
	slabChunks  = 8
	// roomySlots is up to how many slots an index, here 8 MiB, is kept half
	// empty: probes are shorter. Beyond, the memory is worth more.
	roomySlots = 1 << 20
	none       = ^uint32(0)
)

func (tb *table[K]) at(i uint32) *entry[K] {
	return &tb.chunks[i>>chunkBits].entries[i%chunkSize]
}

func (tb *table[K]) restOf(i uint32) *rest {
	return &tb.chunks[i>>chunkBits].rests[i%chunkSize]
}

// extraAt gives where entry i keeps the place of its extra.
func (tb *table[K]) extraAt(i uint32) *uint32 { return &tb.restOf(i).extra }

// find gives the live entry of a key, or none.
func (tb *table[K]) find(k *K, h uint32) uint32 {
	mask := uint32(len(tb.slots) - 1)
	for j := h & mask; ; j = (j + 1) & mask {
		s := tb.slots[j]
		if s.index == 0 {
			return none
		}
		if s.hash == h && tb.at(s.index-1).key == *k {
			return s.index - 1
		}
	}
}

// insert gives a place to a key of hash h that is not in the index. The entry
// there is zero and the caller's to set.
func (tb *table[K]) insert(h uint32) uint32 {
	if tb.live >= tb.full {
		tb.resize(2 * len(tb.slots))
	}
	var i uint32
	if n := len(tb.empty); n > 0 {
		i = tb.empty[n-1]
		tb.empty = tb.empty[:n-1]
		tb.mixed = true
	} else {
		i = tb.top
		tb.top++
		if int(i>>chunkBits) == len(tb.chunks) {
			tb.chunks = append(tb.chunks, tb.newChunk())
		}
	}
	mask := uint32(len(tb.slots) - 1)
	j := h & mask
	for tb.slots[j].index != 0 {
		j = (j + 1) & mask
	}
	tb.slots[j] = slot{h, i + 1}
	tb.live++
	tb.n++
	return i
}

// newChunk gives an empty chunk. A large table takes its chunks from slabs, so
// that huge pages, which are 2 MiB and aligned, find room: a chunk of its own
// would share both its ends with other memory.
func (tb *table[K]) newChunk() *chunk[K] {
	if len(tb.chunks) < smallChunks {
		return new(chunk[K])
	}
	if len(tb.slab) == 0 {
		tb.slab = make([]chunk[K], slabChunks)
		hugePages(tb.slab)
	}
	c := &tb.slab[0]
	tb.slab = tb.slab[1:]
	return c
}

// resize makes an index of another size, a power of two.
func (tb *table[K]) resize(size int) {
	slots := make([]slot, size)
	if size > smallChunks*chunkSize {
		hugePages(slots)
	}
	mask := uint32(size - 1)
	for _, s := range tb.slots {
		if s.index == 0 {
			continue
		}
		j := s.hash & mask
		for slots[j].index != 0 {
			j = (j + 1) & mask
		}
		slots[j] = s
	}
	tb.slots, tb.full = slots, size/2
	if size > roomySlots {
		tb.full = size / 4 * 3
	}
}

func (tb *table[K]) ref(i uint32) Ref { return Ref{i, tb.v6} }

func (tb *table[K]) place(i uint32) place {
	if tb.v6 {
		return place(i) | inV6
	}
	return place(i)
}

// unlink takes entry i out of the index and notes why it ended. The slots
// behind it move up where their probe passed over it.
func (tb *table[K]) unlink(i uint32, why EndReason) (order uint64) {
	tb.at(i).end = why
	r := tb.restOf(i)
	mask := uint32(len(tb.slots) - 1)
	j := r.hash & mask
	for tb.slots[j].index != i+1 {
		j = (j + 1) & mask
	}
	for next := (j + 1) & mask; tb.slots[next].index != 0; next = (next + 1) & mask {
		home := tb.slots[next].hash & mask
		if (next-home)&mask >= (next-j)&mask {
			tb.slots[j] = tb.slots[next]
			j = next
		}
	}
	tb.slots[j] = slot{}
	tb.live--
	return r.order
}

// contextOf gives the number of an entry's context.
func (tb *table[K]) contextOf(i uint32) uint32 { return contextOf(&tb.at(i).key) }

// free gives the place of an unlinked entry back, and the extra and payload it
// held.
func (tb *table[K]) free(i uint32) (extra uint32, payload [2]handle) {
	e, r := tb.at(i), tb.restOf(i)
	extra = r.extra
	if e.marks&markKept != 0 {
		h := tb.payloadsOf(i)
		payload, *h = *h, payload
	}
	*e, *r = entry[K]{}, rest{}
	tb.empty = append(tb.empty, i)
	tb.n--
	return extra, payload
}

// release takes payload back that an entry held.
func (tb *table[K]) release(payload [2]handle) {
	tb.arena.give(payload[0])
	tb.arena.give(payload[1])
}

func (tb *table[K]) fill(t *Table, i uint32, f *Flow) {
	e, r := tb.at(i), tb.restOf(i)
	var x *extra
	if r.extra != 0 {
		x = &t.extras[r.extra-1]
	}
	switch k := any(&e.key).(type) {
	case *key4:
		a, b, p, c := k.ends()
		e.fill(t, f, a, b, p, t.contexts.at(c), r, x)
	case *key6:
		a, b, p, c := k.ends()
		e.fill(t, f, a, b, p, t.contexts.at(c), r, x)
	}
	f.pick = Pick{r.order, tb.place(i)}
	if e.marks&(markKept|markLost|markLost<<1) != 0 {
		tb.fillPayload(f, i, e)
	}
}

// used gives the first entry in use, live or finished, from i on; top if there is
// none.
func (tb *table[K]) used(i uint32) uint32 {
	for i < tb.top && tb.at(i).marks&markUsed == 0 {
		i++
	}
	return i
}

// each calls f for every entry in use.
func (tb *table[K]) each(f func(i uint32, e *entry[K])) {
	for i := tb.used(0); i < tb.top; i = tb.used(i + 1) {
		f(i, tb.at(i))
	}
}

// ages appends the live entries.
func (tb *table[K]) ages(dst []aged) []aged {
	tb.each(func(i uint32, e *entry[K]) {
		if e.end == EndNone {
			dst = append(dst, aged{last: e.latest(), order: tb.restOf(i).order, ref: tb.ref(i)})
		}
	})
	return dst
}

// due appends the live entries that a time-out ends at time now.
func (tb *table[K]) due(dst []aged, opt Options, now int64) []aged {
	tb.each(func(i uint32, e *entry[K]) {
		if e.end != EndNone {
			return
		}
		why := EndNone
		switch {
		case opt.Idle > 0 && now-e.latest() > int64(opt.Idle):
			why = EndIdle
		case opt.Active > 0 && now-tb.restOf(i).earliest() >= int64(opt.Active):
			why = EndActive
		case opt.Linger > 0 && e.over() && now-e.latest() > int64(opt.Linger):
			why = EndClosed
		}
		if why != EndNone {
			dst = append(dst, aged{order: tb.restOf(i).order, ref: tb.ref(i), why: why})
		}
	})
	return dst
}
