package iana

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"strings"
)

// The compact form of an edition on disk is what the embedded edition is in the
// program: a table and its index, used as they are. Reading it takes a
// hundredth of the time that the published forms take. In order:
//
//	portannot-registry 2          a line, with the version of the form
//	date, source, sha256, records, length of the table, of the index, and
//	checksum of both (CRC-32C)    a line, parted by tabs
//	table, index
//
// A change to the table, to the index or to what records are taken to say needs
// another version: older files are then refused, and made again from what was
// published.
const (
	compactMagic  = "portannot-registry "
	compactHeader = compactMagic + "2\n"
	compactFields = 7
	maxCompact    = 64 << 20
)

// ErrCompactVersion is the error for a compact file that another version of this
// package wrote.
var ErrCompactVersion = errors.New("compact form of another version")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WriteCompact writes the edition in compact form, which [OpenCompact] reads. Like
// the embedded edition, the compact form has no assignees, contacts and notes.
//
// It fails if the edition does not cover all ports, or if the status of a record
// is not sure: see [Record.Status].
func (r *Registry) WriteCompact(w io.Writer) error {
	if !r.cover.Complete() {
		return fmt.Errorf("write compact registry: the edition covers ports %v only", r.cover.Span)
	}
	c, err := r.Compact()
	if err != nil {
		return fmt.Errorf("write compact registry: %w", err)
	}
	sum := crc32.Update(crc32.Checksum(c.Table, castagnoli), castagnoli, c.Index)
	bw := bufio.NewWriter(w)
	bw.WriteString(compactHeader)
	fmt.Fprintf(bw, "%s\t%s\t%s\t%d\t%d\t%d\t%08x\n", FoldSpace(r.edition.Date), FoldSpace(r.edition.Source),
		FoldSpace(r.edition.SHA256), r.edition.Records, len(c.Table), len(c.Index), sum)
	bw.Write(c.Table)
	bw.Write(c.Index)
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("write compact registry: %w", err)
	}
	return nil
}

// OpenCompact reads an edition that [Registry.WriteCompact] wrote. The error wraps
// a [*SyntaxError] if the file is damaged, and [ErrCompactVersion] if another
// version of this package wrote it.
func OpenCompact(path string) (*Registry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	defer f.Close()
	size := int64(bytes.MinRead)
	if st, err := f.Stat(); err == nil && st.Size() < maxCompact {
		size += st.Size()
	}
	b := bytes.NewBuffer(make([]byte, 0, size))
	if _, err := b.ReadFrom(io.LimitReader(f, maxCompact)); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return parseCompact(b.Bytes(), path)
}

func parseCompact(data []byte, name string) (*Registry, error) {
	damaged := func(format string, args ...any) (*Registry, error) {
		return nil, &SyntaxError{File: name, Reason: "compact registry: " + fmt.Sprintf(format, args...)}
	}
	s := string(data) // of which the table and the index stay in use
	rest, ok := strings.CutPrefix(s, compactHeader)
	if !ok {
		if strings.HasPrefix(s, compactMagic) {
			return nil, fmt.Errorf("open %s: %w", name, ErrCompactVersion)
		}
		return damaged("no such file")
	}
	line, body, ok := strings.Cut(rest, "\n")
	fields := strings.Split(line, "\t")
	if !ok || len(fields) != compactFields {
		return damaged("bad heading")
	}
	var lengths [3]int // records, table, index
	for i := range lengths {
		n, err := strconv.ParseUint(fields[3+i], 10, 31)
		if err != nil {
			return damaged("bad length in the heading")
		}
		lengths[i] = int(n)
	}
	if lengths[1]+lengths[2] != len(body) {
		return damaged("cut short or too long")
	}
	if sum := crc32.Checksum(data[len(data)-len(body):], castagnoli); fmt.Sprintf("%08x", sum) != fields[6] {
		return damaged("checksum does not match")
	}
	table := body[:lengths[1]]
	ix, err := openIndex(body[lengths[1]:])
	if err == nil {
		err = ix.check(table, lengths[0])
	}
	if err != nil {
		return damaged("%v", err)
	}
	return &Registry{
		edition: Edition{Date: fields[0], Source: fields[1], SHA256: fields[2], Form: "compact", Records: lengths[0]},
		cover:   AllPorts(),
		table:   table,
		index:   ix,
	}, nil
}

// check makes sure that no lookup can leave the index or the table. The index
// that is part of the program needs no check.
func (ix *index) check(table string, records int) error {
	if len(ix.lines) != 4*records || records == 0 || records > maxIndex {
		return errors.New("the index is not for as many records")
	}
	if !strings.HasSuffix(table, "\n") {
		return errors.New("the table does not end with a line")
	}
	for i := range records {
		if ix.line(i) >= len(table) {
			return errors.New("a record is outside of the table")
		}
	}
	for i := range ix.numNamed() {
		if ix.named(i) >= records {
			return errors.New("a name is of no record")
		}
	}
	blocks, cells := len(ix.blocks)/2/pagePorts, len(ix.cells)/2
	for i := range len(ix.pages) / 2 {
		if int(word(ix.pages, i)) >= blocks {
			return errors.New("a page has no block")
		}
	}
	checked := make([]bool, cells)
	for i := range len(ix.blocks) / 2 {
		cell := word(ix.blocks, i)
		if cell == 0 {
			continue
		}
		if int(cell)+1 >= cells {
			return errors.New("a port has no cell")
		}
		if checked[cell] {
			continue
		}
		checked[cell] = true
		h, n := ix.header(cell), ix.count(cell)
		if int(cell)+2+n > cells || h.deciding() < 1 || h.deciding() > n || h.names() > h.deciding() ||
			h.status() < Assigned || h.status() > Unassigned || h.precedence() < ExactTransport || h.precedence() > RangeAnyTransport {
			return errors.New("a cell is inconsistent")
		}
		for i := range n {
			if ix.recordOf(cell, i) >= records {
				return errors.New("a cell is of no record")
			}
		}
	}
	return nil
}
