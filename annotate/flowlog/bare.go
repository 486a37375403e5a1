package flowlog

import (
	"bytes"
	"fmt"
	"strings"
)

// Columns without a header: where they stand is what the row says, and what some
// of them hold shows the format.

// bareLayout is a row of such a format, made ready.
type bareLayout struct {
	table
	shape    *shape
	checks   []bareCheck
	least    int     // columns that a record has
	meanings []field // by column
}

// bareCheck is what a column must hold.
type bareCheck struct {
	column int
	words  []string
}

func newBare(s *shape) (*bareLayout, error) {
	b := &bareLayout{shape: s}
	b.table = table{shape: s, sep: s.seps[0], dialect: dialectOf(s.seps[0]), header: noHeader, added: len(columnNames)}
	columns := map[string]int{}
	for name := range strings.FieldsSeq(s.order) {
		name, optional := strings.CutSuffix(name, "?")
		if name != "_" {
			columns[name] = b.columns
			b.mean(b.columns, s.names[name])
		}
		b.columns++
		if !optional {
			b.least = b.columns
		}
	}
	b.meanings = b.table.meanings
	for item := range items(s.holds, ",") {
		name, words, _ := strings.Cut(item, "=")
		n, ok := columns[name]
		if !ok {
			return nil, fmt.Errorf("holds: no column %q", name)
		}
		b.checks = append(b.checks, bareCheck{n, strings.Split(words, "|")})
	}
	for _, name := range s.listed {
		if _, ok := columns[name]; !ok {
			return nil, fmt.Errorf("fields: no column %q", name)
		}
	}
	return b, nil
}

func (c *bareCheck) holds(cell []byte) bool {
	for _, w := range c.words {
		switch w {
		case "date":
			if isSlashDate(cell) {
				return true
			}
		case "number":
			if _, ok := parseUint(cell, 1<<63); ok {
				return true
			}
		default:
			if string(cell) == w {
				return true
			}
		}
	}
	return false
}

// isSlashDate reports "2026/09/14 …".
func isSlashDate(b []byte) bool {
	return len(b) >= 10 && b[4] == '/' && b[7] == '/' && b[0]-'0' <= 9
}

// bareAt reads columns that begin at a place, and reports whether they are a
// record of a format. Only at depth 0 may an annotation stand behind them.
func (l *records) bareAt(r *Record, line []byte, at, depth int) bool {
	for _, s := range l.bare {
		if s.layout.record(r, line, at, depth, s.tagged(r.header.tag)) {
			return true
		}
	}
	return false
}

// tagged reports whether the program that sent a record is one of the format's.
func (s *shape) tagged(tag []byte) bool {
	return s.tags == "" || hasName(s.tags, tag)
}

func (b *bareLayout) record(r *Record, line []byte, begin, depth int, tagged bool) bool {
	if !tagged {
		return false
	}
	v := &r.values
	v.reset()
	var begins [64]int // of the last cells, more than are ever added
	n, check := 0, 0
	for at := begin; ; n++ {
		end, ok := b.cellEnd(line, at)
		if !ok {
			if check < len(b.checks) {
				return false
			}
			r.of = b.shape.format
			r.bad("a quoted cell does not end", line[at:])
			return true
		}
		begins[n%len(begins)] = at
		var cell []byte
		if n < b.columns {
			cell = b.value(line[at:end:end])
			if n == 0 && len(b.meanings) > 0 && b.meanings[0] != noField && bytes.IndexByte(cell, ' ') >= 0 {
				return false // what stands before the record is in it
			}
		}
		for check < len(b.checks) && b.checks[check].column == n {
			if !b.checks[check].holds(cell) {
				return false
			}
			check++
		}
		if n < len(b.meanings) && b.meanings[n] != noField {
			v.put(b.meanings[n], cell)
		}
		if end == len(line) {
			n++
			break
		}
		at = end + 1
	}
	if check < len(b.checks) {
		return false
	}
	cut, insert := r.cut, r.insert
	if depth == 0 && bytes.HasSuffix(line, b.dialect.last) {
		added := schema1Columns
		if at := begins[(n-2)%len(begins)]; bytes.HasPrefix(line[at:], []byte(schemaText+b.dialect.sep)) {
			added = len(columnNames)
		}
		if n >= b.least+added {
			own := begins[(n-added)%len(begins)] - 1
			r.cut, r.insert = span{own, len(r.Line)}, own
			n -= added
			for i := n; i < len(b.meanings); i++ { // ours, where the record's own may be missing
				v.drop(b.meanings[i])
			}
		}
	}
	if n > b.columns && !b.shape.more {
		r.cut, r.insert = cut, insert
		return false
	}
	r.of, r.by = b.shape.format, &b.table
	if n < b.least {
		r.bad(fmt.Sprintf("%d columns, want %d or more", n, b.least), nil)
		return true
	}
	b.shape.read(r, v)
	return true
}
