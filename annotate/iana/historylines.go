package iana

import (
	"math"
	"slices"
	"strings"
)

// historyLines are the lines of all editions, read. A line is in the editions from
// first to end, without end, which are places in the revisions of the history.
type historyLines struct {
	rows       []row
	order      []uint32 // of the lines in a table
	first, end []int32
	single     map[uint16][]uint32 // lines with one port
	wide       []uint32            // lines with several
}

// noEnd is the end of the lines of the embedded edition.
const noEnd = math.MaxInt32

// lines reads the lines of all editions, once.
func (h *history) lines() *historyLines {
	h.once.Do(func() {
		l := &h.all
		n := len(h.starts)
		l.rows, l.order = make([]row, n), make([]uint32, n)
		l.first, l.end = make([]int32, n), make([]int32, n)
		l.single = make(map[uint16][]uint32, n/2)
		for i := range l.rows {
			w := parseTableLine(h.line(i))
			l.rows[i], l.order[i], l.end[i] = w, uint32(i), noEnd
			switch {
			case !w.HasPort:
			case w.Ports.First == w.Ports.Last:
				l.single[w.Ports.First] = append(l.single[w.Ports.First], uint32(i))
			default:
				l.wide = append(l.wide, uint32(i))
			}
		}
		for n, r := range h.revisions {
			for _, line := range r.added {
				l.first[line] = int32(n)
			}
			for _, line := range r.removed {
				l.end[line] = int32(n)
			}
		}
		slices.SortStableFunc(l.order, func(i, j uint32) int { return compareTableOrder(&l.rows[i], &l.rows[j]) })
	})
	return &h.all
}

// in reports whether an edition has a line.
func (l *historyLines) in(line uint32, edition int) bool {
	return int(l.first[line]) <= edition && edition < int(l.end[line])
}

// concern returns the lines of a port in all editions, in the order of a table.
func (l *historyLines) concern(port uint16) []uint32 {
	list := slices.Clone(l.single[port])
	for _, line := range l.wide {
		if l.rows[line].Ports.Contains(port) {
			list = append(list, line)
		}
	}
	slices.Sort(list)
	slices.SortStableFunc(list, func(i, j uint32) int { return compareTableOrder(&l.rows[i], &l.rows[j]) })
	return list
}

// row returns a line, without the columns that a partial edition lacks.
func (l *historyLines) row(line uint32, partial bool) row {
	w := l.rows[line]
	if partial {
		w.ServiceCode, w.Unauthorized = "", ""
	}
	return w
}

// A Revision is what an edition of the history changed in the one before.
type Revision struct {
	Edition string // its date
	// Ports are those with a record that is in only one of the two editions. The
	// answers for most of them may be the same in both.
	Ports []uint16
	// Added and Removed are names without a port that only one of them has.
	Added, Removed []PortlessName
}

// PortlessName is a name that is registered without a port.
type PortlessName struct {
	Name      string
	Transport Transport
}

// Revisions returns what each known edition changed, from the second one on. Two
// editions of one day are two revisions.
func Revisions() []Revision {
	h := embeddedHistory()
	l := h.lines()
	counts := map[PortlessName]int{} // of records in the edition
	for i := range l.rows {
		if w := &l.rows[i]; !w.HasPort && l.in(uint32(i), 0) {
			counts[PortlessName{w.Name, w.Transport}]++
		}
	}
	list := make([]Revision, 0, len(h.revisions))
	for _, r := range h.revisions[1:] {
		v := Revision{Edition: r.date}
		touched := map[PortlessName]int{} // the count before
		for i, lines := range [][]uint32{r.removed, r.added} {
			for _, line := range lines {
				w := &l.rows[line]
				if w.HasPort {
					for port := int(w.Ports.First); port <= int(w.Ports.Last) && port < FirstDynamic; port++ {
						v.Ports = append(v.Ports, uint16(port))
					}
					continue
				}
				name := PortlessName{w.Name, w.Transport}
				if _, ok := touched[name]; !ok {
					touched[name] = counts[name]
				}
				counts[name] += 2*i - 1
			}
		}
		for name, before := range touched {
			switch after := counts[name]; {
			case before == 0 && after > 0:
				v.Added = append(v.Added, name)
			case before > 0 && after == 0:
				v.Removed = append(v.Removed, name)
			}
		}
		slices.Sort(v.Ports)
		v.Ports = slices.Compact(v.Ports)
		for _, names := range [][]PortlessName{v.Added, v.Removed} {
			slices.SortFunc(names, func(a, b PortlessName) int {
				if c := strings.Compare(a.Name, b.Name); c != 0 {
					return c
				}
				return int(a.Transport) - int(b.Transport)
			})
		}
		list = append(list, v)
	}
	return list
}

// RegisteredBetween returns between which known editions the registration that an
// entry has was made: by is the first edition from which on the port has been
// assigned so, and after is the one before it, or "" if by is the first known
// edition. The date of the registration, [Entry.Registered], may be another: it may
// be absent, have no day, or lie months before the registration was published.
//
// A port had the same registration before if its preferred name was one of its names;
// and under other names too, unless the date of the record lies between the two
// editions. ok is false for a port that is not assigned, and for an edition whose place
// in the history is not known: one of a file.
func RegisteredBetween(e Entry) (after, by string, ok bool) {
	if e.Status != Assigned || e.reg == nil {
		return "", "", false
	}
	h := embeddedHistory()
	last := len(h.revisions) - 1
	switch ed := e.reg.edition; {
	case ed.Form == "embedded":
	case ed.Form == "history":
		for last >= 0 && h.revisions[last].date > ed.Date {
			last--
		}
	case ed.Form == "compact" && ed.Date >= embeddedDate:
		before := Embedded().Lookup(e.Transport, e.Port)
		if _, ok := sameRegistration(before, e.Name(), e.Registered(), embeddedDate, ed.Date); !ok {
			return embeddedDate, ed.Date, true
		}
		e = before
	default:
		return "", "", false
	}
	answers, name := h.port(e.Transport, e.Port), e.Name()
	for i := len(answers) - 1; i > 0; i-- {
		by = answers[i].reg.edition.Date
		if by > h.revisions[last].date {
			continue
		}
		after = h.before(by)
		if name, ok = sameRegistration(answers[i-1], name, e.Registered(), after, by); !ok {
			return after, by, true
		}
	}
	return "", h.revisions[0].date, true
}

// before returns the date of the edition before those of a date.
func (h *history) before(date string) string {
	n := slices.IndexFunc(h.revisions, func(r revision) bool { return r.date == date })
	return h.revisions[n-1].date
}

// sameRegistration reports whether an answer of the edition "after" is of the
// registration with a name and a date that the next edition has, and gives the name
// that it has there.
func sameRegistration(before Entry, name, registered, after, by string) (nameBefore string, ok bool) {
	if before.Status != Assigned {
		return "", false
	}
	for i := range before.NumNames() {
		if before.NameAt(i) == name {
			return name, true
		}
	}
	renamed := len(registered) != len(by) || registered <= after || registered > by
	return before.Name(), renamed
}

// EverRegistered reports whether some known edition has a name, in any case, for a
// port.
func EverRegistered(name string) bool {
	for i := range embeddedHistory().lines().rows {
		if w := &ofEmbedded.all.rows[i]; w.HasPort && w.status == Assigned && strings.EqualFold(w.Name, name) {
			return true
		}
	}
	return false
}
