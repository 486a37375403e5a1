package iana

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The index answers (transport, port) with the records that concern it, in
// constant time. It is one string without pointers, so that the embedded one is
// used where it lies in the program: nothing is read at start-up. In order, all
// numbers little-endian:
//
//	header  version, number of blocks, words of cells, names, lines (uint32 each)
//	pages   for each transport, for each 64 ports below 49152: the block (uint16)
//	blocks  64 cell numbers (uint16); pages that are alike share a block
//	cells   see below (uint16 words)
//	names   the records that have a name, ordered by it (uint16)
//	lines   for each record, where its line begins in the table (uint32);
//	        only in the embedded index
//
// A cell is a header word, the number of records n, and n record numbers, those
// that decide first. The cell's number is the place of its header word; cell 0
// is for a port that no record concerns. Ports with the same records share a
// cell.
type index struct {
	pages, blocks, cells, names, lines string
}

const (
	indexVersion  = 1
	pageBits      = 6
	pagePorts     = 1 << pageBits
	pagesPerT     = FirstDynamic / pagePorts
	indexHeader   = 5 * 4
	maxIndex      = 1<<16 - 1 // records, blocks, words of cells
	maxDeciding   = 31        // records of one precedence for one port and transport
	maxConcerning = 255       // all records for one port and transport
)

// cellHeader packs, from the lowest bit: status (3), precedence (3), number of
// distinct names (5), number of records that decide (5).
type cellHeader uint16

func (h cellHeader) status() Status         { return Status(h & 7) }
func (h cellHeader) precedence() Precedence { return Precedence(h >> 3 & 7) }
func (h cellHeader) names() int             { return int(h >> 6 & 31) }
func (h cellHeader) deciding() int          { return int(h >> 11) }

func makeCellHeader(s Status, p Precedence, names, deciding int) cellHeader {
	return cellHeader(s) | cellHeader(p)<<3 | cellHeader(names)<<6 | cellHeader(deciding)<<11
}

// word reads the i'th uint16 of a section.
func word(s string, i int) uint16 {
	s = s[2*i : 2*i+2]
	return uint16(s[0]) | uint16(s[1])<<8
}

// find gives the cell of a port below 49152, for t < NumTransports.
func (ix *index) find(t Transport, port uint16) uint16 {
	block := int(word(ix.pages, int(t)*pagesPerT+int(port>>pageBits)))
	return word(ix.blocks, block<<pageBits|int(port&(pagePorts-1)))
}

func (ix *index) header(cell uint16) cellHeader   { return cellHeader(word(ix.cells, int(cell))) }
func (ix *index) count(cell uint16) int           { return int(word(ix.cells, int(cell)+1)) }
func (ix *index) recordOf(cell uint16, i int) int { return int(word(ix.cells, int(cell)+2+i)) }
func (ix *index) numNamed() int                   { return len(ix.names) / 2 }
func (ix *index) named(i int) int                 { return int(word(ix.names, i)) }

// line gives the place of a record's line in the table.
func (ix *index) line(rec int) int {
	s := ix.lines[4*rec : 4*rec+4]
	return int(s[0]) | int(s[1])<<8 | int(s[2])<<16 | int(s[3])<<24
}

// openIndex finds the sections of an index that buildIndex made.
func openIndex(blob string) (index, error) {
	var ix index
	if len(blob) < indexHeader {
		return ix, errors.New("index is cut short")
	}
	var head [5]int
	for i := range head {
		head[i] = int(binary.LittleEndian.Uint32([]byte(blob[4*i : 4*i+4])))
	}
	if head[0] != indexVersion {
		return ix, fmt.Errorf("index has version %d: want %d", head[0], indexVersion)
	}
	rest := blob[indexHeader:]
	for _, section := range []struct {
		to   *string
		size int
	}{
		{&ix.pages, 2 * NumTransports * pagesPerT},
		{&ix.blocks, 2 * pagePorts * head[1]},
		{&ix.cells, 2 * head[2]},
		{&ix.names, 2 * head[3]},
		{&ix.lines, 4 * head[4]},
	} {
		if section.size > len(rest) {
			return index{}, errors.New("index is cut short")
		}
		*section.to, rest = rest[:section.size], rest[section.size:]
	}
	if rest != "" {
		return index{}, errors.New("index is too long")
	}
	return ix, nil
}

// indexBuilder gathers the sections.
type indexBuilder struct {
	rows   []row
	pages  []uint16
	blocks []uint16
	cells  []uint16
	// The numbers of blocks and cells by their content, so that equals are
	// shared.
	blockOf map[[pagePorts]uint16]uint16
	cellOf  map[string]uint16
}

// buildIndex makes the index of an edition, without the section of lines.
func buildIndex(rows []row) (string, error) {
	return buildIndexLines(rows, nil)
}

// buildIndexLines makes the index of an edition; lines has the place of each
// record in the table.
func buildIndexLines(rows []row, lines []uint32) (string, error) {
	if len(rows) > maxIndex {
		return "", fmt.Errorf("%d records: at most %d fit", len(rows), maxIndex)
	}
	b := indexBuilder{
		rows:    rows,
		cells:   []uint16{0}, // cell 0: not listed
		blockOf: map[[pagePorts]uint16]uint16{},
		cellOf:  map[string]uint16{},
	}
	for t := range NumTransports {
		if err := b.addTransport(Transport(t)); err != nil {
			return "", err
		}
	}
	return b.blob(b.namedRecords(), lines), nil
}

// buildPortIndex makes an index that answers for one port below 49152, or for none
// where no records are given: for the other ports it has no records.
func buildPortIndex(rows []row, port uint16) (string, error) {
	b := indexBuilder{
		rows:   rows,
		pages:  make([]uint16, NumTransports*pagesPerT),
		blocks: make([]uint16, pagePorts), // of pages without a record
		cells:  []uint16{0},
		cellOf: map[string]uint16{},
	}
	for t := range Transport(NumTransports) {
		var concerned []int32
		for i := range rows {
			r := &rows[i]
			if r.HasPort && r.Ports.Contains(port) && r.status != Unknown && (r.Transport == t || r.Transport == NoTransport) {
				concerned = append(concerned, int32(i))
			}
		}
		cell, err := b.cell(concerned)
		if err != nil {
			return "", fmt.Errorf("port %d/%s: %w", port, t, err)
		}
		if cell != 0 {
			var block [pagePorts]uint16
			block[port%pagePorts] = cell
			b.pages[int(t)*pagesPerT+int(port>>pageBits)] = uint16(len(b.blocks) / pagePorts)
			b.blocks = append(b.blocks, block[:]...)
		}
	}
	return b.blob(nil, nil), nil
}

// blob puts the sections together.
func (b *indexBuilder) blob(names []uint16, lines []uint32) string {
	blob := make([]byte, 0, indexHeader+2*(len(b.pages)+len(b.blocks)+len(b.cells)+len(names))+4*len(lines))
	for _, n := range []int{indexVersion, len(b.blocks) / pagePorts, len(b.cells), len(names), len(lines)} {
		blob = binary.LittleEndian.AppendUint32(blob, uint32(n))
	}
	for _, section := range [][]uint16{b.pages, b.blocks, b.cells, names} {
		for _, w := range section {
			blob = binary.LittleEndian.AppendUint16(blob, w)
		}
	}
	for _, n := range lines {
		blob = binary.LittleEndian.AppendUint32(blob, n)
	}
	return string(blob)
}

// namedRecords gives the records that have a name, ordered by it, and in the
// order of the edition where it is the same.
func (b *indexBuilder) namedRecords() []uint16 {
	var names []uint16
	for i := range b.rows {
		if b.rows[i].Name != "" {
			names = append(names, uint16(i))
		}
	}
	slices.SortStableFunc(names, func(i, j uint16) int {
		return compareFold(b.rows[i].Name, b.rows[j].Name)
	})
	return names
}

// addTransport adds the pages of one transport. It goes through the ports in
// order and keeps, for ranges, those that have begun and not ended.
func (b *indexBuilder) addTransport(t Transport) error {
	// exact[p] heads a chain through next of the records for p alone; ranges
	// likewise of those that begin at p. Both end in -1.
	exact, ranges, next := newChains(), newChains(), make([]int32, len(b.rows))
	for i := len(b.rows) - 1; i >= 0; i-- { // from the end, so that chains are in order
		r := &b.rows[i]
		if !r.HasPort || r.status == Unknown || r.Transport != t && r.Transport != NoTransport {
			continue
		}
		chains := ranges
		if r.Ports.First == r.Ports.Last {
			chains = exact
		}
		if r.Ports.First < FirstDynamic {
			next[i], chains[r.Ports.First] = chains[r.Ports.First], int32(i)
		}
	}
	var open []int32   // ranges that hold the port
	openCell := -1     // their cell, -1 if it is not known
	var single []int32 // open with the records for the port alone
	var block [pagePorts]uint16
	for port := range FirstDynamic {
		before := len(open)
		open = slices.DeleteFunc(open, func(i int32) bool { return int(b.rows[i].Ports.Last) < port })
		if len(open) < before || ranges[port] >= 0 {
			openCell = -1
		}
		for i := ranges[port]; i >= 0; i = next[i] {
			open = append(open, i)
		}
		concerned, alone := open, exact[port] < 0
		if !alone {
			single = append(single[:0], open...)
			for i := exact[port]; i >= 0 && len(single) <= maxConcerning; i = next[i] {
				single = append(single, i)
			}
			concerned = single
		}
		cell := uint16(openCell)
		if !alone || openCell < 0 {
			var err error
			if cell, err = b.cell(concerned); err != nil {
				return fmt.Errorf("port %d/%s: %w", port, t, err)
			}
		}
		if alone {
			openCell = int(cell)
		}
		block[port%pagePorts] = cell
		if port%pagePorts == pagePorts-1 {
			n, ok := b.blockOf[block]
			if !ok {
				n = uint16(len(b.blocks) / pagePorts)
				b.blocks = append(b.blocks, block[:]...)
				b.blockOf[block] = n
			}
			b.pages = append(b.pages, n)
		}
	}
	return nil
}

func newChains() []int32 {
	chains := make([]int32, FirstDynamic)
	for i := range chains {
		chains[i] = -1
	}
	return chains
}

// precedence tells how closely the record matches each of its ports.
func (r *row) precedence() Precedence {
	switch single := r.Ports.First == r.Ports.Last; {
	case single && r.Transport != NoTransport:
		return ExactTransport
	case single:
		return ExactAnyTransport
	case r.Transport != NoTransport:
		return RangeTransport
	}
	return RangeAnyTransport
}

// statusOrder ranks the statuses where records of one precedence disagree: an
// assignment outweighs a reservation, and that an absence.
var statusOrder = [NumStatuses]int{Assigned: 0, Reserved: 1, Unassigned: 2, Dynamic: 3, Unknown: 4}

// cell gives the number of the cell for the records that concern a port,
// making it if it is new.
func (b *indexBuilder) cell(concerned []int32) (uint16, error) {
	if len(concerned) == 0 {
		return 0, nil
	}
	if len(concerned) > maxConcerning {
		return 0, fmt.Errorf("more than %d records concern it", maxConcerning)
	}
	recs := slices.Clone(concerned)
	slices.SortFunc(recs, func(i, j int32) int { return compareRows(&b.rows[i], &b.rows[j], i, j) })

	first := &b.rows[recs[0]]
	deciding, names := 0, 0
	for _, i := range recs {
		if b.rows[i].precedence() != first.precedence() {
			break
		}
		deciding++
	}
	if deciding > maxDeciding {
		return 0, fmt.Errorf("more than %d records of the same kind", maxDeciding)
	}
	// A name that several records give counts once: the repeats go behind.
	if first.status == Assigned {
		names = b.namesFirst(recs[:deciding])
	}

	words := []uint16{uint16(makeCellHeader(first.status, first.precedence(), names, deciding)), uint16(len(recs))}
	for _, i := range recs {
		words = append(words, uint16(i))
	}
	key := make([]byte, 0, 2*len(words))
	for _, w := range words {
		key = binary.LittleEndian.AppendUint16(key, w)
	}
	if cell, ok := b.cellOf[string(key)]; ok {
		return cell, nil
	}
	cell := len(b.cells)
	if cell+len(words) > maxIndex {
		return 0, errors.New("too many different answers: the records overlap too much")
	}
	b.cells = append(b.cells, words...)
	b.cellOf[string(key)] = uint16(cell)
	return uint16(cell), nil
}

// compareRows orders the records of a cell: by precedence, then by status, then
// those with a name by preference and before those without, then the narrower
// range first, then by place.
func compareRows(a, b *row, i, j int32) int {
	if a.precedence() != b.precedence() {
		return int(a.precedence()) - int(b.precedence())
	}
	if a.status != b.status {
		return statusOrder[a.status] - statusOrder[b.status]
	}
	if a.status == Assigned {
		if c := falseFirst(a.Name == "", b.Name == ""); c != 0 {
			return c
		}
		if c := byPreference(a, b); c != 0 {
			return c
		}
	}
	return cmp.Or(
		cmp.Compare(a.Ports.Last-a.Ports.First, b.Ports.Last-b.Ports.First),
		cmp.Compare(i, j),
	)
}

// namesFirst moves records that repeat a name, are not assigned, or have none
// behind the others, and counts the names.
func (b *indexBuilder) namesFirst(recs []int32) int {
	seen := map[string]bool{}
	var names, rest []int32
	for _, i := range recs {
		r := &b.rows[i]
		if r.status != Assigned || r.Name == "" || seen[r.Name] {
			rest = append(rest, i)
			continue
		}
		seen[r.Name] = true
		names = append(names, i)
	}
	copy(recs, names)
	copy(recs[len(names):], rest)
	return len(names)
}
