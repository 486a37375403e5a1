package flowlog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// This file reads logs whose lines are cells with one byte between them:
// commas, tabs, bars, spaces. tables.go has the formats that are made on it.
//
// Most of them begin with a header that names the columns; only the columns
// that a format knows are looked at, wherever they stand. Cells may be quoted
// as RFC 4180 section 2 says, where a format does that; a line break inside of
// quotes is not supported, since no flow log writes one: such a line is
// reported and passes. The cells of the log are copied as they are, with their
// quotes and padding.

// Dialects, by separator. They are compared by address.
var (
	semicolonDialect = newDialect(dialect{sep: ";", set: ",", yes: "true", cell: func(dst []byte, s string) []byte {
		if !strings.ContainsAny(s, "\";\r\n") {
			return append(dst, s...)
		}
		return append(append(append(dst, '"'), strings.ReplaceAll(s, `"`, `""`)...), '"')
	}})
	tabDialect   = newDialect(dialect{sep: "\t", set: ",", yes: "true", cell: appendWithout('\t', ' ')})
	barDialect   = newDialect(dialect{sep: "|", set: ",", yes: "true", cell: appendWithout('|', '/')})
	spaceDialect = newDialect(dialect{sep: " ", unset: "-", set: ",", yes: "true", cell: appendWithout(' ', '_')})
)

// appendWithout appends text to cells that cannot be quoted: the separator,
// quotes and control characters are replaced.
func appendWithout(sep, instead byte) func(dst []byte, s string) []byte {
	return func(dst []byte, s string) []byte {
		for i := range len(s) {
			switch c := s[i]; {
			case c == sep:
				dst = append(dst, instead)
			case c < ' ' || c == 0x7f:
				dst = append(dst, '?')
			case c == '"':
				dst = append(dst, '\'')
			default:
				dst = append(dst, c)
			}
		}
		return dst
	}
}

func dialectOf(sep byte) *dialect {
	switch sep {
	case ';':
		return semicolonDialect
	case '\t':
		return tabDialect
	case '|':
		return barDialect
	case ' ':
		return spaceDialect
	}
	return csvDialect
}

// table is the layout of a log with columns.
type table struct {
	shape   *shape
	dialect *dialect
	sep     byte
	// trailing says that a separator ends each line too, as SiLK writes them.
	trailing bool
	columns  int      // of the original log
	added    int      // of ours behind them, in lines that were annotated before
	meanings []field  // of the columns, up to the last one that is read
	names    []string // of the columns
	// header is how a header line begins: with its first two cells. A log that
	// was joined from several has them in the middle too. It is "" while the
	// first one is still to come.
	header string
	// portless says that the header names no ports: the lines pass.
	portless bool
	// rest reads lines with another number of columns; it may be nil.
	rest *records
}

// newTable gives the layout of a log that begins with sample. fields are the
// columns of a log without a header; when there are none, it needs one. rest
// reads lines that are no rows of the table; it may be nil.
func newTable(s *shape, rest *records, fields []string, sample []byte) (layout, error) {
	line := firstLine(sample)
	if len(fields) == 0 || s.readHeader(line) != nil {
		return &tableStart{shape: s, rest: rest}, nil
	}
	return s.withoutHeader(fields, line)
}

// withoutHeader gives the layout of a log that has these columns and begins
// with line.
func (s *shape) withoutHeader(fields []string, line []byte) (*table, error) {
	t := &table{shape: s, columns: len(fields), added: len(columnNames), header: noHeader}
	for i := range len(s.seps) {
		t.sep = s.seps[i]
		n := t.count(line)
		if n == t.columns || t.annotated(n) {
			break
		}
		t.sep = s.seps[0]
	}
	t.trailing = len(line) > 0 && line[len(line)-1] == t.sep && t.sep == '|'
	t.dialect = dialectOf(t.sep)
	for i, name := range fields {
		t.mean(i, s.names[name])
	}
	if !t.hasPorts() {
		return nil, fmt.Errorf("columns: none of %q is a port", fields)
	}
	return t, nil
}

// noHeader is what no line begins with, since it is two.
const noHeader = "\n\n"

// firstLine gives the first line of a sample that is not empty, without its
// end.
func firstLine(sample []byte) []byte {
	for line := range bytes.Lines(sample) {
		if line = trimEnd(line); len(line) > 0 {
			return line
		}
	}
	return nil
}

// annotated reports whether a line of n columns may be one that was annotated
// before. A log without a header does not say by which version.
func (t *table) annotated(n int) bool {
	n -= t.columns
	return t.added > 0 && (n == t.added || t.header == noHeader && wereAdded(n))
}

// mean sets the meaning of a column.
func (t *table) mean(i int, c field) {
	if c == noField {
		return
	}
	for len(t.meanings) <= i {
		t.meanings = append(t.meanings, noField)
	}
	t.meanings[i] = c
}

// hasName reports whether a column has a name.
func (t *table) hasName(name string) bool { return slices.Contains(t.names, name) }

// hasPorts reports whether a port is among the columns.
func (t *table) hasPorts() bool {
	for _, f := range t.meanings {
		switch {
		case f == fieldSourcePort, f == fieldDestinationPort, t.shape.portless() && (f == fieldSource || f == fieldDestination), f == fieldRecord, fieldTCPSource <= f && f <= fieldDCCPDestination:
			return true
		}
	}
	return false
}

// portless reports whether the ports stand behind the addresses.
func (s *shape) portless() bool {
	for _, f := range s.names {
		if f == fieldSourcePort || f == fieldDestinationPort || f == fieldRecord || f >= fieldTCPSource && f <= fieldDCCPDestination {
			return false
		}
	}
	return true
}

// cellEnd gives where the cell that begins at from ends. ok is false when it is
// quoted and its quotes are not as they should be.
func (t *table) cellEnd(line []byte, from int) (end int, ok bool) {
	if !t.shape.quotes || from == len(line) || line[from] != '"' {
		if i := bytes.IndexByte(line[from:], t.sep); i >= 0 {
			return from + i, true
		}
		return len(line), true
	}
	for at := from + 1; ; at += 2 {
		i := bytes.IndexByte(line[at:], '"')
		if i < 0 {
			return len(line), false
		}
		at += i
		if at+1 == len(line) || line[at+1] == t.sep {
			return at + 1, true
		}
		if line[at+1] != '"' {
			return len(line), false
		}
	}
}

// value takes padding and quotes off a cell. Doubled quotes inside stay: no
// value that is read has any.
func (t *table) value(cell []byte) []byte {
	cell = trimSpaces(cell)
	if t.shape.quotes && len(cell) > 1 && cell[0] == '"' {
		cell = trimSpaces(cell[1 : len(cell)-1])
	}
	return cell
}

func trimSpaces(b []byte) []byte {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// count counts the cells of a line; 0 when it cannot be read.
func (t *table) count(line []byte) int {
	for n, at := 1, 0; ; n++ {
		end, ok := t.cellEnd(line, at)
		if !ok {
			return 0
		}
		if end == len(line) {
			return n
		}
		at = end + 1
	}
}

// readHeader reads the names of the columns; nil when it finds no port, with
// none of the separators.
func (s *shape) readHeader(line []byte) *table {
	for i := range len(s.seps) {
		if t, err := s.readHeaderWith(line, s.seps[i]); err == nil {
			return t
		}
	}
	return nil
}

var (
	errQuotes  = errors.New("header: a quoted cell does not end")
	errNoPorts = errors.New("header: no column of a port")
	errBehind  = errors.New("header: columns behind those of an earlier annotation")
)

func (s *shape) readHeaderWith(line []byte, sep byte) (*table, error) {
	t := &table{shape: s, sep: sep, dialect: dialectOf(sep)}
	end := len(line)
	if sep == '|' && end > 0 && line[end-1] == sep {
		t.trailing = true
		end--
	}
	line = line[:end]
	for n, at := 0, 0; ; n++ {
		to, ok := t.cellEnd(line, at)
		if !ok {
			return nil, errQuotes
		}
		name := t.value(line[at:to])
		switch {
		case n > 0 && bytes.HasPrefix(name, []byte("portannot.")):
			t.added++
		case t.added > 0:
			return nil, errBehind
		default:
			t.columns++
			t.names = append(t.names, string(name))
			t.mean(n, s.names[string(name)])
			if n < 2 {
				t.header = string(line[:to])
			}
		}
		if to == len(line) {
			break
		}
		at = to + 1
	}
	if !t.hasPorts() {
		return nil, errNoPorts
	}
	return t, nil
}

// tableStart is a log with columns whose header is still to come. Empty lines,
// comments and summaries may stand before it. When it cannot be used, the lines
// pass as they are.
type tableStart struct {
	shape *shape
	rest  *records
}

func (s *tableStart) mark() string { return "" }

func (s *tableStart) head(dst, line []byte, strip bool) ([]byte, layout, error) {
	if len(bytes.TrimSpace(line)) == 0 || s.shape.skip != nil && s.shape.skip(line) {
		return append(dst, line...), s, nil
	}
	if t := s.shape.readHeader(line); t != nil {
		t.rest = s.rest
		return t.extend(dst, line, strip), t, nil
	}
	if line[0] == '#' {
		return append(dst, line...), s, nil
	}
	_, err := s.shape.readHeaderWith(line, s.shape.seps[0])
	return append(dst, line...), &table{shape: s.shape, sep: s.shape.seps[0], portless: true, header: noHeader}, err
}

func (s *tableStart) parse(r *Record) { r.bad("line before the header", nil) }

func (s *tableStart) append(dst []byte, r *Record, _ *notes) []byte { return append(dst, r.Line...) }

func (t *table) mark() string { return t.header }

func (t *table) head(dst, line []byte, strip bool) ([]byte, layout, error) {
	next, err := t.shape.readHeaderWith(line, t.sep)
	if err != nil {
		return append(dst, line...), t, err
	}
	next.rest = t.rest
	return next.extend(dst, line, strip), next, nil
}

// extend appends a header with the added columns behind it.
func (t *table) extend(dst, line []byte, strip bool) []byte {
	end := len(line)
	if t.trailing {
		end--
	}
	tail := line[end:]
	line = cutColumns(line[:end], t.sep, t.added)
	dst = append(dst, line...)
	if !strip {
		for _, name := range columnNames {
			dst = append(append(dst, t.sep), name...)
		}
	}
	return append(dst, tail...)
}

func (t *table) parse(r *Record) {
	if t.portless || t.shape.skip != nil && t.shape.skip(r.Line) {
		return
	}
	if r.Line[0] == '#' {
		return // a comment
	}
	line := r.Line
	if t.trailing {
		if line[len(line)-1] != t.sep {
			t.otherwise(r, "no separator at the end of the line", nil)
			return
		}
		line = line[:len(line)-1]
	}
	v := &r.values
	v.reset()
	n, own := 0, -1 // own is where an earlier annotation would begin
	for at := 0; ; n++ {
		if n == t.columns {
			own = at - 1
		}
		end, ok := t.cellEnd(line, at)
		if !ok {
			t.otherwise(r, "a quoted cell does not end", line[at:])
			return
		}
		if n < len(t.meanings) && t.meanings[n] != noField && !v.has(t.meanings[n]) {
			v.put(t.meanings[n], t.value(line[at:end:end]))
		}
		if end == len(line) {
			n++
			break
		}
		at = end + 1
	}
	r.insert = len(line)
	if n != t.columns {
		if !t.annotated(n) || !bytes.HasSuffix(line, t.dialect.last) {
			t.otherwise(r, fmt.Sprintf("%d columns, want %d", n, t.columns), nil)
			return
		}
		r.cut, r.insert = span{own, len(line)}, own
	}
	r.of, r.by = t.shape.format, t
	if v.has(fieldRecord) {
		t.inside(r)
		return
	}
	t.shape.read(r, v)
}

// otherwise reads a line that is no row of the table as a record that stands
// alone; if it is none, it is bad.
func (t *table) otherwise(r *Record, reason string, value []byte) {
	if t.rest != nil {
		if t.rest.parse(r); r.by != nil && r.Kind != Other {
			return
		}
		r.reset(r.Line)
	}
	r.of = t.shape.format
	r.bad(reason, value)
}

// inside reads the record in a cell.
func (t *table) inside(r *Record) {
	text := r.values.get(fieldRecord)
	if bytes.Contains(text, []byte(`""`)) {
		text = bytes.ReplaceAll(text, []byte(`""`), []byte{'"'})
	}
	cut, insert, of := r.cut, r.insert, r.of
	r.of = nil
	if text = bytes.TrimSpace(text); len(text) > 0 {
		inner := t.rest
		if inner == nil {
			inner = everyRecord()
		}
		inner.text(r, text, 1)
	}
	r.cut, r.insert, r.by = cut, insert, t
	if r.of == nil {
		r.of = of
	}
}

func (t *table) append(dst []byte, r *Record, n *notes) []byte {
	return r.appendAfter(n.columns(r.appendBefore(dst), t.dialect))
}
