package iana

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// column is a column of the table of an edition.
type column uint8

// The columns, in the order of the lines of the embedded table. The embedded
// edition has those up to colDeassigned.
const (
	colPorts     column = iota // "80", "6000-6063", or empty for a name without port
	colTransport               // "tcp", or empty
	colStatus                  // "A", "R" or "U"; "-" for a record that says nothing
	colMark                    // "historic" for a name that the notes demote, else empty
	colName
	colDescription
	colRegistered
	colModified
	colReferences // "[RFC4727][RFC6335]"
	colServiceCode
	colUnauthorized
	colDeassigned // "2025-02-13|compressnet": date and former name, either may be empty; empty if none
	numTableColumns

	colAssignee = iota - 1
	colContact
	colNotes
)

// field gives a column of a record as text, without allocation. Only the
// columns from colName on may be asked of a file edition, and neither
// colReferences nor colDeassigned.
func (r *Registry) field(rec int, c column) string {
	if r.table != "" {
		if c >= numTableColumns || r.edition.Partial && (c == colServiceCode || c == colUnauthorized) {
			return ""
		}
		return tableField(r.tableLine(rec), c)
	}
	w := &r.rows[rec]
	switch c {
	case colName:
		return w.Name
	case colDescription:
		return w.Description
	case colRegistered:
		return w.Registered
	case colModified:
		return w.Modified
	case colServiceCode:
		return w.ServiceCode
	case colUnauthorized:
		return w.Unauthorized
	case colAssignee:
		return w.Assignee
	case colContact:
		return w.Contact
	case colNotes:
		return w.Notes
	}
	return ""
}

// tableLine gives a record's line of the embedded table, without its end.
func (r *Registry) tableLine(rec int) string {
	s := r.table[r.index.line(rec):]
	return s[:strings.IndexByte(s, '\n')]
}

// tableField gives one column of a line. Columns are parted by tabs; those at
// the end may be missing.
func tableField(line string, c column) string {
	for range c {
		i := strings.IndexByte(line, '\t')
		if i < 0 {
			return ""
		}
		line = line[i+1:]
	}
	if i := strings.IndexByte(line, '\t'); i >= 0 {
		return line[:i]
	}
	return line
}

// span gives the ports of a record; ok is false for a name without port.
func (r *Registry) span(rec int) (s Span, ok bool) {
	if r.table == "" {
		w := &r.rows[rec]
		return w.Ports, w.HasPort
	}
	return parseTableSpan(tableField(r.tableLine(rec), colPorts))
}

// parseTableSpan reads "80" or "6000-6063" from the table, which the generator
// has checked.
func parseTableSpan(text string) (Span, bool) {
	first, n := leadingPort(text)
	if n == 0 {
		return Span{}, false
	}
	last := first
	if n < len(text) {
		last, _ = leadingPort(text[n+1:])
	}
	return Span{uint16(first), uint16(last)}, true
}

// transport gives the transport of a record.
func (r *Registry) transport(rec int) Transport {
	if r.table == "" {
		return r.rows[rec].Transport
	}
	return tableTransport(tableField(r.tableLine(rec), colTransport))
}

func tableTransport(text string) Transport {
	for t, name := range transportNames {
		if name == text {
			return Transport(t)
		}
	}
	return NoTransport
}

// references gives the documents that a record cites.
func (r *Registry) references(rec int) []string {
	if r.table == "" {
		return r.rows[rec].References
	}
	return SplitReferences(tableField(r.tableLine(rec), colReferences))
}

// deassigned gives a record's earlier assignment.
func (r *Registry) deassigned(rec int) (Deassignment, bool) {
	if r.table == "" {
		w := &r.rows[rec]
		return w.former, w.freed
	}
	date, name, ok := strings.Cut(tableField(r.tableLine(rec), colDeassigned), "|")
	return Deassignment{date, name}, ok
}

// record gives a record whole.
func (r *Registry) record(i int) Record {
	if r.table == "" {
		return r.rows[i].Record
	}
	rec := parseTableLine(r.tableLine(i)).Record
	if r.edition.Partial {
		rec.ServiceCode, rec.Unauthorized = "", ""
	}
	return rec
}

// The letters of colStatus.
var statusLetters = [NumStatuses]string{Unknown: "-", Assigned: "A", Reserved: "R", Unassigned: "U"}

const historicMark = "historic"

// appendTableLine writes a record as a line of the embedded table.
func appendTableLine(b []byte, w *row) []byte {
	var f [numTableColumns]string
	if w.HasPort {
		f[colPorts] = w.Ports.String()
	}
	f[colTransport] = w.Transport.String()
	f[colStatus] = statusLetters[w.status]
	if w.demoted {
		f[colMark] = historicMark
	}
	f[colName] = w.Name
	f[colDescription] = w.Description
	f[colRegistered] = w.Registered
	f[colModified] = w.Modified
	if len(w.References) > 0 {
		f[colReferences] = "[" + strings.Join(w.References, "][") + "]"
	}
	f[colServiceCode] = w.ServiceCode
	f[colUnauthorized] = w.Unauthorized
	if w.freed {
		f[colDeassigned] = w.former.Date + "|" + w.former.FormerName
	}
	last := 0
	for c := range f {
		if f[c] != "" {
			last = c
		}
	}
	for c, text := range f[:last+1] {
		if c > 0 {
			b = append(b, '\t')
		}
		b = append(b, text...)
	}
	return append(b, '\n')
}

// parseTableLine reads a line that appendTableLine wrote.
func parseTableLine(line string) row {
	var w row
	w.Ports, w.HasPort = parseTableSpan(tableField(line, colPorts))
	w.Transport = tableTransport(tableField(line, colTransport))
	for s, letter := range statusLetters {
		if letter != "" && letter == tableField(line, colStatus) {
			w.status = Status(s)
		}
	}
	w.demoted = tableField(line, colMark) == historicMark
	w.Name = tableField(line, colName)
	w.Description = tableField(line, colDescription)
	w.Registered = tableField(line, colRegistered)
	w.Modified = tableField(line, colModified)
	w.References = SplitReferences(tableField(line, colReferences))
	w.ServiceCode = tableField(line, colServiceCode)
	w.Unauthorized = tableField(line, colUnauthorized)
	var ok bool
	if w.former.Date, w.former.FormerName, ok = strings.Cut(tableField(line, colDeassigned), "|"); ok {
		w.freed = true
	}
	return w
}

// allRows goes through the records of either kind of edition.
func (r *Registry) allRows() iter.Seq2[int, *row] {
	return func(yield func(int, *row) bool) {
		for i := range r.edition.Records {
			var w *row
			if r.table == "" {
				w = &r.rows[i]
			} else {
				parsed := parseTableLine(r.tableLine(i))
				w = &parsed
				if r.edition.Partial {
					w.ServiceCode, w.Unauthorized = "", ""
				}
			}
			if !yield(i, w) {
				return
			}
		}
	}
}

// sortRows puts rows in the order of the table: by port, names without one
// last, those of the same ports as published.
func sortRows(rows []row) {
	slices.SortStableFunc(rows, func(a, b row) int { return compareTableOrder(&a, &b) })
}

func compareTableOrder(a, b *row) int {
	return cmp.Or(
		falseFirst(!a.HasPort, !b.HasPort),
		cmp.Compare(a.Ports.First, b.Ports.First),
		cmp.Compare(a.Ports.Last, b.Ports.Last),
	)
}
