package flow

// A time-out, or want of memory, cuts an account and not the flow: what follows is
// another part of it, which keeps the flow's source, the side of its server and its
// identifier. Only an opening begins a new flow.

// past is what a part hands on to the next one.
type past struct {
	time     int64     // of the flow's start
	sequence [2]uint32 // as in rest
	part     uint32    // of the part that was cut, from 1; 0 in the zero past, which is none
	repeat   uint32    // as in extra
	events   [2]event  // evKnown alone
	opening  opening
	iface    uint16 // number of the interface
	dir0     uint8
	over     bool // the connection had ended
}

// past gives what entry i hands on.
func (tb *table[K]) past(t *Table, i uint32) past {
	e, r := tb.at(i), tb.restOf(i)
	p := past{time: r.earliest(), sequence: r.sequence, part: 1, opening: e.opening, dir0: e.dir0 & 1, iface: uint16(e.dir0 >> 1), over: e.over()}
	p.events = [2]event{e.events[0] & evKnown, e.events[1] & evKnown}
	if r.extra != 0 {
		x := &t.extras[r.extra-1]
		if x.iface != 0 {
			p.iface = x.iface
		}
		p.repeat = x.repeat
		if x.part != 0 {
			p.time, p.part, p.over = x.time, x.part, p.over || x.over
		}
	}
	return p
}

// resume makes a new entry the next part of a flow.
func resume[K comparable](t *Table, tb *table[K], i uint32, p *past) {
	e, r := tb.at(i), tb.restOf(i)
	e.dir0, e.events, r.sequence = p.dir0, p.events, p.sequence
	if s := p.opening & (openServerA | openServerB); s == openServerA || s == openServerB {
		e.opening = p.opening | openInherited
	}
	x := t.extraOf(&r.extra)
	x.time, x.over, x.repeat = p.time, p.over, p.repeat
	x.part = p.part + min(1, ^p.part)
}

// maxMemory is how many flows of each IP version are remembered for their next
// part once nothing else is held of them.
const maxMemory = 1 << 15

// memory remembers the last flows that have left the index, up to a limit.
type memory[K comparable] struct {
	flows map[K]remembered
	queue []K // a ring, the oldest at next
	ids   []uint64
	next  int
	id    uint64
	limit int
}

type remembered struct {
	past
	id uint64 // tells it from an earlier one of the same key
}

// remember notes what entry i hands on, before it leaves the index.
func (tb *table[K]) remember(t *Table, i uint32) {
	m, key := &tb.memory, tb.at(i).key
	if m.flows == nil {
		m.flows = make(map[K]remembered)
	}
	if len(m.queue) < m.limit {
		m.queue, m.ids = append(m.queue, key), append(m.ids, 0)
		m.next = len(m.queue) - 1
	} else {
		m.next = (m.next + 1) % m.limit
		tb.forget(t, m.next)
	}
	m.id++
	m.queue[m.next], m.ids[m.next] = key, m.id
	if _, ok := m.flows[key]; !ok {
		t.contexts.hold(contextOf(&key))
	}
	m.flows[key] = remembered{tb.past(t, i), m.id}
}

// forget forgets the flow at a place of the queue, and reports whether there was one.
func (tb *table[K]) forget(t *Table, at int) bool {
	key := tb.memory.queue[at]
	f, ok := tb.memory.flows[key]
	if !ok || f.id != tb.memory.ids[at] {
		return false
	}
	delete(tb.memory.flows, key)
	t.contexts.release(contextOf(&key))
	return true
}

// recall gives what an earlier part of a flow has handed on, and forgets it.
func (tb *table[K]) recall(t *Table, key *K) past {
	f, ok := tb.memory.flows[*key]
	if !ok {
		return past{}
	}
	delete(tb.memory.flows, *key)
	t.contexts.release(contextOf(key))
	return f.past
}

// forgetAll gives the memory back, and reports whether there was any.
func (tb *table[K]) forgetAll(t *Table) bool {
	any := len(tb.memory.flows) > 0
	for key := range tb.memory.flows {
		t.contexts.release(contextOf(&key))
	}
	tb.memory = memory[K]{limit: tb.memory.limit}
	return any
}
