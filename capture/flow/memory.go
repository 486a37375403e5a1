package flow

// maxMemory is how many flows of each IP version are remembered for their next
// part once nothing else is held of them. It is a power of two.
const maxMemory = 1 << 15

// memory remembers the last flows that have left the index, up to a limit. With a full
// table, each new flow adds one and looks for itself: a map in place of these chains
// takes 15% more time for the whole run (scan of 9 million flows, two cores).
type memory[K comparable] struct {
	flows []remembered[K] // a ring once it is full
	chain *chains         // nil until there is one to remember
	next  int             // the oldest, where flows is full
	n     int             // of flows that are not forgotten
	limit int
}

// chains gives, by hash, the place of the newest flow in memory.flows plus one; 0 for
// none.
type chains [2 * maxMemory]uint32

func (c *chains) first(hash uint32) *uint32 { return &c[hash%uint32(len(c))] }

type remembered[K comparable] struct {
	past // zero once it is forgotten
	key  K
	hash uint32
	next uint32 // of its chain, as in chains
}

// remember notes what entry i hands on, before it leaves the index.
func (tb *table[K]) remember(t *Table, i uint32) {
	m := &tb.memory
	if m.chain == nil {
		m.chain = new(chains)
	}
	at := m.next
	if len(m.flows) < m.limit {
		at = len(m.flows)
		m.flows = append(m.flows, remembered[K]{})
	} else {
		m.next = (at + 1) % m.limit
		tb.forget(t, &m.flows[at])
	}
	key, hash := tb.at(i).key, tb.restOf(i).hash
	first := m.chain.first(hash)
	m.flows[at] = remembered[K]{tb.past(t, i), key, hash, *first}
	*first = uint32(at + 1)
	m.n++
	t.contexts.hold(contextOf(&key))
}

// forget forgets a flow, unless that is done.
func (tb *table[K]) forget(t *Table, f *remembered[K]) {
	if f.part == 0 {
		return
	}
	m := &tb.memory
	at := m.chain.first(f.hash)
	for &m.flows[*at-1] != f {
		at = &m.flows[*at-1].next
	}
	*at = f.next
	m.n--
	t.contexts.release(contextOf(&f.key))
	f.past = past{}
}

// recall gives what an earlier part of a flow has handed on, and forgets it.
func (tb *table[K]) recall(t *Table, key *K, hash uint32) past {
	m := &tb.memory
	if m.n == 0 {
		return past{}
	}
	for at := *m.chain.first(hash); at != 0; at = m.flows[at-1].next {
		if f := &m.flows[at-1]; f.key == *key {
			p := f.past
			tb.forget(t, f)
			return p
		}
	}
	return past{}
}

// forgetAll gives the memory back, and reports whether there was any.
func (tb *table[K]) forgetAll(t *Table) bool {
	some := tb.memory.n > 0
	for i := range tb.memory.flows {
		tb.forget(t, &tb.memory.flows[i])
	}
	tb.memory = memory[K]{limit: tb.memory.limit}
	return some
}
