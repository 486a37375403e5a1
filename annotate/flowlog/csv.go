package flowlog

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
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

// column is what a column of a log means to us.
type column uint8

const (
	otherColumn column = iota
	protocolColumn
	sourceColumn
	destinationColumn
	sourcePortColumn
	destinationPortColumn
	startColumn
	flagsColumn        // TCP flags of source to destination, ORed over the flow
	initialFlagsColumn // those of its first packet
	directionColumn    // as the format has it
	stateColumn        // of the connection, as the format has it
	actionColumn       // what a filter did with it
	packetsColumn      // how many there were
	// realSourceColumn and realDestinationColumn are addresses that count
	// before sourceColumn and destinationColumn, where they have a value.
	realSourceColumn
	realDestinationColumn
	// The remaining ones are tshark's, which has columns of their own for the
	// ports of each transport.
	nextHeaderColumn
	tcpSourceColumn
	tcpDestinationColumn
	udpSourceColumn
	udpDestinationColumn
	sctpSourceColumn
	sctpDestinationColumn
	dccpSourceColumn
	dccpDestinationColumn
	icmpColumn
	synColumn
	ackColumn
	numColumns
)

// cells are the values of a line by their meaning, nil for those that are not
// there. Padding and quotes are taken off.
type cells [numColumns][]byte

// tableKind is a kind of log with columns.
type tableKind struct {
	seps   string // separators that it may have, the likeliest first
	quotes bool   // cells may be quoted
	// column gives the meaning of a name in the header.
	column func(name string) column
	// read reads a line's cells into r, whose flow is begun.
	read func(r *Record, c *cells)
	// pass reports lines that are no records: summaries. It may be nil.
	pass func(line []byte) bool
}

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
	kind    *tableKind
	dialect *dialect
	sep     byte
	// trailing says that a separator ends each line too, as SiLK writes them.
	trailing bool
	columns  int      // of the original log
	added    int      // of ours behind them, in lines that were annotated before
	meanings []column // of the columns, up to the last one that is read
	// header is how a header line begins: with its first two cells. A log that
	// was joined from several has them in the middle too. It is "" while the
	// first one is still to come.
	header string
	// portless says that the header names no ports: the lines pass.
	portless bool
}

// newTable gives the layout of a log that begins with sample. fields are the
// columns of a log without a header; when there are none, it needs one.
func newTable(kind *tableKind, fields []string, sample []byte) (layout, error) {
	line := firstLine(sample)
	if len(fields) == 0 || kind.readHeader(line) != nil {
		return &tableStart{kind}, nil
	}
	return kind.withoutHeader(fields, line)
}

// withoutHeader gives the layout of a log that has these columns and begins
// with line.
func (k *tableKind) withoutHeader(fields []string, line []byte) (*table, error) {
	t := &table{kind: k, columns: len(fields), added: len(columnNames), header: noHeader}
	for i := range len(k.seps) {
		t.sep = k.seps[i]
		n := t.count(line)
		if n == t.columns || t.annotated(n) {
			break
		}
		t.sep = k.seps[0]
	}
	t.trailing = len(line) > 0 && line[len(line)-1] == t.sep && t.sep == '|'
	t.dialect = dialectOf(t.sep)
	for i, name := range fields {
		t.mean(i, k.column(name))
	}
	if !t.hasPorts() {
		return nil, fmt.Errorf("fields: none of %q is a port", fields)
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
func (t *table) mean(i int, c column) {
	if c == otherColumn {
		return
	}
	for len(t.meanings) <= i {
		t.meanings = append(t.meanings, otherColumn)
	}
	t.meanings[i] = c
}

// hasPorts reports whether a port is among the columns.
func (t *table) hasPorts() bool {
	for _, c := range t.meanings {
		switch c {
		case sourcePortColumn, destinationPortColumn, tcpSourceColumn, tcpDestinationColumn, udpSourceColumn, udpDestinationColumn,
			sctpSourceColumn, sctpDestinationColumn, dccpSourceColumn, dccpDestinationColumn:
			return true
		}
	}
	return false
}

// cellEnd gives where the cell that begins at from ends. ok is false when it is
// quoted and its quotes are not as they should be.
func (t *table) cellEnd(line []byte, from int) (end int, ok bool) {
	if !t.kind.quotes || from == len(line) || line[from] != '"' {
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
	if t.kind.quotes && len(cell) > 1 && cell[0] == '"' {
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
func (k *tableKind) readHeader(line []byte) *table {
	for i := range len(k.seps) {
		if t, err := k.readHeaderWith(line, k.seps[i]); err == nil {
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

func (k *tableKind) readHeaderWith(line []byte, sep byte) (*table, error) {
	t := &table{kind: k, sep: sep, dialect: dialectOf(sep)}
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
			t.mean(n, k.column(string(name)))
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

// tableStart is a log with columns whose header is still to come. When that
// cannot be used, the lines pass as they are.
type tableStart struct{ kind *tableKind }

func (s *tableStart) mark() string { return "" }

func (s *tableStart) head(dst, line []byte, strip bool) ([]byte, layout, error) {
	if len(line) == 0 {
		return dst, s, nil
	}
	if s.kind.pass != nil && s.kind.pass(line) {
		return append(dst, line...), s, nil
	}
	if t := s.kind.readHeader(line); t != nil {
		return t.extend(dst, line, strip), t, nil
	}
	_, err := s.kind.readHeaderWith(line, s.kind.seps[0])
	return append(dst, line...), &table{kind: s.kind, sep: s.kind.seps[0], portless: true, header: noHeader}, err
}

func (s *tableStart) parse(r *Record) { r.bad("line before the header", nil) }

func (s *tableStart) append(dst []byte, r *Record, _ *notes) []byte { return append(dst, r.Line...) }

func (t *table) mark() string { return t.header }

func (t *table) head(dst, line []byte, strip bool) ([]byte, layout, error) {
	next, err := t.kind.readHeaderWith(line, t.sep)
	if err != nil {
		return append(dst, line...), t, err
	}
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
	if t.portless || t.kind.pass != nil && t.kind.pass(r.Line) {
		return
	}
	line := r.Line
	if t.trailing {
		if line[len(line)-1] != t.sep {
			r.bad("no separator at the end of the line", nil)
			return
		}
		line = line[:len(line)-1]
	}
	if r.cells == nil {
		r.cells = new(cells)
	}
	c := r.cells
	*c = cells{}
	n, own := 0, -1 // own is where an earlier annotation would begin
	for at := 0; ; n++ {
		if n == t.columns {
			own = at - 1
		}
		end, ok := t.cellEnd(line, at)
		if !ok {
			r.bad("a quoted cell does not end", line[at:])
			return
		}
		if n < len(t.meanings) && t.meanings[n] != otherColumn && c[t.meanings[n]] == nil {
			c[t.meanings[n]] = t.value(line[at:end:end])
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
			r.bad(fmt.Sprintf("%d columns, want %d", n, t.columns), nil)
			return
		}
		r.cut, r.insert = span{own, len(line)}, own
	}
	r.flow()
	t.kind.read(r, c)
}

func (t *table) append(dst []byte, r *Record, n *notes) []byte {
	return r.appendAfter(n.columns(r.appendBefore(dst), t.dialect))
}

// Reasons that most formats share.
const (
	badProtocol        = "protocol is not known"
	badSourcePort      = "source port is no port"
	badDestinationPort = "destination port is no port"
)

// absent reports a cell without a value.
func absent(cell []byte) bool { return len(cell) == 0 || len(cell) == 1 && cell[0] == '-' }

// readProtocol reads the protocol. It gives false, and what becomes of the
// line is decided, when there is none that is known: with ports the line is not
// understood; without, it is a record of something that has none (ARP, say),
// and passes.
func (r *Record) readProtocol(cell, sourcePort, destinationPort []byte) bool {
	if absent(cell) {
		return true
	}
	var ok bool
	if r.Flow.Protocol, ok = parseProtocol(cell); ok {
		return true
	}
	if absent(sourcePort) && absent(destinationPort) {
		r.Kind = Other
	} else {
		r.bad(badProtocol, cell)
	}
	return false
}

// readEnds reads the addresses and the ports, once the protocol is set: where
// it has no ports, the fields may hold something else, and are not looked at.
func (r *Record) readEnds(source, destination, sourcePort, destinationPort []byte) {
	f := &r.Flow
	var sp, dp uint16
	f.NoSourcePort, f.NoDestinationPort = true, true
	if _, ports := iana.TransportOf(f.Protocol); ports || f.Protocol == 0 {
		ok := true
		if !absent(sourcePort) {
			if sp, ok = parsePort(sourcePort); !ok {
				r.bad(badSourcePort, sourcePort)
				return
			}
			f.NoSourcePort = false
		}
		if !absent(destinationPort) {
			if dp, ok = parsePort(destinationPort); !ok {
				r.bad(badDestinationPort, destinationPort)
				return
			}
			f.NoDestinationPort = false
		}
	}
	f.Source, f.Destination = netip.AddrPortFrom(parseAddr(source), sp), netip.AddrPortFrom(parseAddr(destination), dp)
}

// readPlain reads the columns that most formats have.
func readPlain(r *Record, c *cells) {
	if r.readProtocol(c[protocolColumn], c[sourcePortColumn], c[destinationPortColumn]) {
		r.readEnds(c[sourceColumn], c[destinationColumn], c[sourcePortColumn], c[destinationPortColumn])
	}
}

// openingOfPacket tells what the TCP flags of one packet, source to
// destination, say of the opening.
func openingOfPacket(flags uint64) flow.Opening {
	switch flags & (tcpSYN | tcpACK) {
	case tcpSYN:
		return flow.Opening{Server: flow.Destination}
	case tcpSYN | tcpACK:
		return flow.Opening{Server: flow.Source, Accept: true}
	}
	return flow.Opening{}
}
