package iana

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:generate go run ./gen

// The embedded edition: its records, one a line, and the index that finds
// them. Both are text of the program that is used where it lies, so that a
// program that never asks pays nothing, and one that asks reads nothing first.
// A refresh is reviewed in table.txt; index.bin follows from it, as a test
// checks.
var (
	//go:embed table.txt
	embeddedTable string
	//go:embed index.bin
	embeddedIndex string
)

// Embedded returns the edition of the registry that is part of the program.
// Nothing is read or parsed for it, at start-up or later.
//
// Its records have no assignees, contacts and notes. What the notes say about
// former assignments ([Entry.Deassigned]) and historic names ([Entry.Names]) is
// kept.
func Embedded() *Registry { return embedded() }

var embedded = sync.OnceValue(func() *Registry {
	ix, err := openIndex(embeddedIndex)
	if err != nil {
		// Generated together with this package and checked by its tests: it
		// cannot be wrong in a program that passed them.
		panic("iana: embedded edition: " + err.Error())
	}
	return &Registry{
		edition: Edition{
			Date:    embeddedDate,
			Source:  embeddedSource,
			SHA256:  embeddedSHA256,
			Form:    "embedded",
			Records: embeddedRecords,
		},
		cover: AllPorts(),
		table: embeddedTable,
		index: ix,
	}
})

// Compact is an edition in the form of the embedded one.
type Compact struct {
	Table []byte // one record a line
	Index []byte // where to find the records of a port and of a name
}

// Compact returns the edition in the form of the embedded one. It fails if the
// status of a record is not sure: see [Record.Status].
func (r *Registry) Compact() (Compact, error) {
	var c Compact
	rows := make([]row, 0, r.edition.Records)
	for _, w := range r.allRows() {
		if w.unsure || w.status == Unknown {
			return c, fmt.Errorf("line %d: description %q fits no known form", w.Line, w.Description)
		}
		rows = append(rows, *w)
	}
	sortRows(rows)
	lines := make([]uint32, len(rows))
	for i := range rows {
		start := len(c.Table)
		lines[i] = uint32(start)
		c.Table = appendTableLine(c.Table, &rows[i])
		line := string(c.Table[start:])
		if w := parseTableLine(strings.TrimSuffix(line, "\n")); string(appendTableLine(nil, &w)) != line {
			return c, fmt.Errorf("line %d: the table cannot hold %q", rows[i].Line, line)
		}
	}
	blob, err := buildIndexLines(rows, lines)
	c.Index = []byte(blob)
	return c, err
}

// Used returns how full the index is, from 0 to 1. It has limits on records, cells
// and blocks; the one nearest its limit counts. It is 1 for an index that is
// damaged.
func (c Compact) Used() float64 {
	ix, err := openIndex(string(c.Index))
	if err != nil {
		return 1
	}
	used := max(len(ix.cells)/2, len(ix.blocks)/2/pagePorts, len(ix.lines)/4)
	return float64(used) / maxIndex
}
