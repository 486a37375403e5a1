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
