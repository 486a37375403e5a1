package flow

// Cursor is a place in a walk over the flows of a Table. The zero value is the
// beginning.
type Cursor struct {
	next uint32
	v6   bool
}

// Next writes the flow at the cursor into f, as it stands now, and moves on. It
// returns false at the end. Packets may be counted between two calls: a flow that is
// held all the time is met once, one that begins or ends meanwhile at most once.
func (t *Table) Next(c *Cursor, f *Flow) bool {
	if !c.v6 {
		if t.v4.next(t, c, f) {
			return true
		}
		*c = Cursor{v6: true}
	}
	return t.v6.next(t, c, f)
}

func (tb *table[K]) next(t *Table, c *Cursor, f *Flow) bool {
	i := tb.used(c.next)
	if i >= tb.top {
		return false
	}
	tb.fill(t, i, f)
	c.next = i + 1
	return true
}
