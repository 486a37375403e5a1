// Package flowlog annotates flow logs and changes nothing else in them.
//
// A flow log has a record for each flow that some other program saw: Zeek's
// conn.log, Suricata's EVE, the flow logs of clouds, the logs of firewalls,
// what NetFlow collectors print. Nearly all are text with a record on each
// line. Each format has its own way to name the protocol, the addresses and the
// ports, to say that a port is not known, and to say which end offers the
// service. The output is the same log with the annotation added as the format
// does it: columns at the end of a line, an object at the end of a JSON line,
// or pairs at the end of a line of pairs. All other bytes stay as they were, so
// removing the added fields restores the original.
//
// Three things are easy to get wrong. If a protocol has no ports, the port
// fields may hold something else (Zeek writes ICMP's type and code there). A
// port of 0 often means "not known": an exporter that saw a later fragment, or
// does not decode SCTP, has no port to report. And one unreadable line must
// neither end the run nor be lost.
//
// # Use
//
// [Reader] gives a program one [Record] after another. [Enricher] copies and
// annotates whole logs on all cores.
//
// # Design: how a log flows
//
// The source (source.go) reads the log in large pieces and cuts them at line ends
// into blocks. It handles header lines, which change how later lines are read,
// itself and in order. So each block has one layout, which does not change while
// workers use it. Workers (pipeline.go, enrich.go) take turns to read a block,
// annotate in parallel, and take turns to write, in order. The output does not
// depend on the number of workers, nor on the sizes of the reads.
//
// Memory does not grow with the log. Each worker has two blocks and their
// output. A block has a few hundred KiB, or more if a line is longer. A line
// longer than [Options.MaxLine] is copied in parts and never held as a whole.
//
// # Design: how a record is recognised
//
// A line is a carrier around a record: a syslog header (carrier.go), a JSON
// envelope (json.go), a cell of a CSV. Each record is recognised by itself, in a
// fixed order (recognise.go), so that a log may mix sources. What a field holds
// never decides: an object is recognised by its keys and only as JSON, a text only
// where it begins. Below a header, lines that do not fit it are recognised in the
// same way. What was found before is remembered only where it cannot change the
// answer.
//
// # Design: how to add a format
//
// A format is a row of data, a [format] in one of the files rows_*.go, and a name
// in the list of formats.go. The code is in the grammars: JSON (json.go,
// jsonscan.go), columns with a header (csv.go) and without (bare.go), pairs
// (pairs.go), sentences (sentences.go). All of them give [values], by meaning, and
// values.go makes a flow of these. Zeek's own header and Azure's tuples have
// layouts of their own.
//
//  1. Write the row: know says by which names a record shows the format, fields
//     where its values stand, roles which end is the service, outcomes what became
//     of the flow. The comments of format say more. doc is the documentation that
//     the row follows.
//  2. Put it into the list in formats.go, before those whose names it has too.
//  3. Put samples into testdata/flowlogs, in a folder with the format's name, and
//     run the tests with UPDATE_GOLDEN=1. Read the goldens. The tests check
//     recognition, alone and in every carrier, stripping, and that no line costs an
//     allocation; the fuzzers begin with the samples.
//
// number.go reads numbers, ports, protocols, addresses and times without
// allocating. Only where data cannot describe a log, adjust does.
package flowlog

import (
	"bytes"
	"fmt"
	"io"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/record"
)

// Kind says what a line is. The zero value is Other.
type Kind uint8

// The kinds.
const (
	Other Kind = iota // a header, a comment, an empty line, an event without ports: copied as it is
	Flow              // a record of a flow: annotated
	Bad               // a line that cannot be understood: copied as it is, and reported
)

// Record is one line of a log, parsed. Its slices are valid until the next
// Scan.
type Record struct {
	Line   []byte // as read, without its line end
	Number int64  // of the line, from 1
	Kind   Kind
	// Flow is what is known of the flow; valid when Kind is Flow. Protocol is 0
	// if the log does not give it. An address that is absent, or that is a name
	// or a hash, is the zero netip.Addr.
	Flow annotate.Input

	// Details are what else the log says; valid when Kind is Flow, and until
	// the next Scan.
	Details record.LogDetails

	problem problem
	cut     span             // an earlier annotation, to be left out
	insert  int              // where the new annotation goes; not inside cut
	by      writer           // writes the record; nil for the layout of its log
	of      *format          // what it was recognised as; nil if it was not
	from    string           // the field of a JSON envelope that holds the record
	many    span             // an array of records, each to be read by itself
	kept    annotate.Service // decided before, by what the record does not show; but for the port
	tuples  bool             // what is in many are the tuples of Azure
	header  header
	values  values
	pairs   pairScan
	scratch []byte // values that were made of others
	levels  [maxEnvelopes + 1]*jsonLevel
	// portsOnly says that addresses are wanted only where a rule looks at
	// them. A layout that always states the service end may leave them out.
	portsOnly bool
}

// span is the part of a line from byte from up to, but not including, byte to.
type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

// problem is why a line is bad. It is small, because every line may be bad.
type problem struct {
	reason string
	value  []byte // what was found; nil to say nothing of it
}

// Problem is a line that could not be understood.
type Problem struct {
	File   string
	Line   int64 // from 1; 0 if the problem concerns the whole file
	Reason string
}

// Error gives "file:line: reason".
func (p *Problem) Error() string {
	if p.Line == 0 {
		return p.File + ": " + p.Reason
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Reason)
}

// maxShown is how much of a line an error message repeats, in bytes.
const maxShown = 40

func (p problem) String() string {
	if p.value == nil {
		return p.reason
	}
	v := p.value
	if len(v) > maxShown {
		return fmt.Sprintf("%s: %q...", p.reason, v[:maxShown])
	}
	return fmt.Sprintf("%s: %q", p.reason, v)
}

// Problem says what is wrong with the line; nil unless Kind is Bad.
func (r *Record) Problem() error {
	if r.Kind != Bad {
		return nil
	}
	return fmt.Errorf("%v", r.problem)
}

// reset makes the record ready for a line. The annotation goes to its end
// unless parse says otherwise.
func (r *Record) reset(line []byte) {
	// One by one: a Record that is put together elsewhere is slow to copy.
	r.Line = line
	r.Kind = Other
	r.Flow = annotate.Input{}
	if !r.portsOnly {
		r.Details = record.LogDetails{}
	}
	r.problem = problem{}
	r.cut, r.insert = span{len(line), len(line)}, len(line)
	r.by, r.of, r.from, r.many, r.tuples, r.kept = nil, nil, "", span{}, false, annotate.Service{}
}

// bad says that the line is not understood, so that nothing may be cut from it
// either. value may be nil.
func (r *Record) bad(reason string, value []byte) {
	r.Kind, r.problem = Bad, problem{reason, value}
	r.cut, r.insert = span{len(r.Line), len(r.Line)}, len(r.Line)
}

// flow says that the line is a record of a flow, all of whose fields are still
// to be filled in.
func (r *Record) flow() { r.Kind = Flow }

// appendBefore appends the line up to where the annotation goes, without an
// earlier one.
func (r *Record) appendBefore(dst []byte) []byte {
	if r.cut.from < r.insert {
		dst = append(dst, r.Line[:r.cut.from]...)
		return append(dst, r.Line[r.cut.to:r.insert]...)
	}
	return append(dst, r.Line[:r.insert]...)
}

// appendAfter appends the rest of the line.
func (r *Record) appendAfter(dst []byte) []byte {
	if r.cut.from >= r.insert {
		dst = append(dst, r.Line[r.insert:r.cut.from]...)
		return append(dst, r.Line[r.cut.to:]...)
	}
	return append(dst, r.Line[r.insert:]...)
}

// appendStripped appends the line without an annotation.
func (r *Record) appendStripped(dst []byte) []byte {
	dst = append(dst, r.Line[:r.cut.from]...)
	return append(dst, r.Line[r.cut.to:]...)
}

// settle decides which ports were reported, once parse is done.
//
// Port 0 of SCTP is "not reported": RFC 9260 section 3.1 forbids it, and
// exporters that do not decode SCTP write it. So are two ports of 0 of any
// transport, which is how flow exporters report fragments without a transport
// header. A single port 0 of another transport is left alone: scanners send
// such packets, and the registry has port 0 as reserved.
func (r *Record) settle() {
	f := &r.Flow
	if f.Protocol != 0 {
		if _, ok := iana.TransportOf(f.Protocol); !ok {
			f.NoSourcePort, f.NoDestinationPort = true, true
			return
		}
	}
	src, dst := f.Source.Port() == 0, f.Destination.Port() == 0
	const sctp = 132
	if src && dst || f.Protocol == sctp {
		f.NoSourcePort = f.NoSourcePort || src
		f.NoDestinationPort = f.NoDestinationPort || dst
	}
}

// Options say how a log is to be read.
type Options struct {
	// Format is the name of a format; "" and "auto" recognise it by the
	// content.
	Format string
	// Map names the fields of CSV, TSV or JSON whose names are not known here.
	// If it is not empty, "auto" is CSV (or TSV) or JSON, as the first byte
	// says.
	Map Map
	// Formats are rows of the user's own; nil for none. They are recognised
	// where Format names none.
	Formats *FormatSet
	// Fields are the columns of a log without a header. Only AWS VPC flow logs
	// of a custom format need them.
	Fields []string
	// MaxLine is the longest line to parse, in bytes; 0 is DefaultMaxLine. A
	// longer line is copied as it is, in parts, and counted as bad. MaxLine
	// also bounds memory: a worker holds two blocks, each of at most twice this
	// length, and their output.
	MaxLine int
}

// DefaultMaxLine is the default of Options.MaxLine, in bytes.
const DefaultMaxLine = 4 << 20

// layout reads the lines of a log and writes them annotated. It is shared by
// workers and never changes.
type layout interface {
	// parse reads r.Line into r; see the package comment. r was reset.
	parse(r *Record)
	writer
}

// writer writes a record in the form of its log.
type writer interface {
	// append appends r.Line, whose Kind is Flow, with the annotation in n.
	append(dst []byte, r *Record, n *notes) []byte
}

// headed is a layout with lines that change how later ones are read.
type headed interface {
	layout
	// mark is how such lines begin. When it is "", the very next line is one.
	mark() string
	// head reads such a line, without its end. It gives the layout of the
	// lines after it, and appends what is to be written in its place: the
	// line with the names of the added fields, or, with strip, without them.
	head(dst, line []byte, strip bool) (out []byte, next layout, err error)
}

// spanning is a layout whose records are not lines, but stand anywhere in the
// text: JSON objects over several lines, or in an array. What lies between them
// is copied.
type spanning interface {
	layout
	// next finds the next record in data. to is -1 when its end does not lie in
	// data, and from is where it begins, or all of data.
	next(data []byte) (from, to int)
}

// manyFlows is a spanning layout whose records hold several flows each.
type manyFlows interface {
	spanning
	// flows annotates the flows of w.record, counts them, and appends the
	// record, or what is selected of it, and end. name is that of the log.
	flows(dst []byte, w *worker, name string, end []byte) []byte
	// each gives the layout by which a Reader goes from flow to flow.
	each() spanning
}

// byBlock is a layout that annotates the lines of a block faster than one by
// one, to the same effect.
type byBlock interface {
	layout
	lines(dst []byte, w *worker, b *block) []byte
}

// stripper is a writer that takes annotations away in its own manner.
type stripper interface {
	strip(dst []byte, r *Record) []byte
}

// Reader reads the records of one log, one after another.
//
//	rd := flowlog.NewReader(f, "conn.log")
//	for rd.Scan() {
//		r := rd.Record()
//		…
//	}
//	if err := rd.Err(); err != nil { … }
type Reader struct {
	// Options may be set before the first Scan.
	Options Options

	r       io.Reader
	name    string
	src     *source
	block   block
	rest    []byte   // lines of block that were not given out
	arrays  [][]byte // what is left of arrays of records, one inside of the other
	format  string   // of the record that was recognised last
	record  Record
	skipped int64 // lines from the record's first one to its last
	err     error
}

// NewReader returns a Reader for a log, which gzip, zstd, xz, bzip2 or LZ4 may
// have compressed.
// name is its name in errors.
func NewReader(r io.Reader, name string) *Reader { return &Reader{r: r, name: name} }

// Scan goes to the next line, of any kind. It returns false at the end of the
// log, and after a failure to read: see Err.
//
// The record of a line longer than Options.MaxLine has only its first part.
func (rd *Reader) Scan() bool {
	if rd.src == nil && rd.err == nil {
		rd.src, rd.err = newSource(rd.r, rd.name, rd.Options)
	}
	for len(rd.arrays) > 0 {
		next := nextObject
		if rd.record.tuples {
			next = azureTuples{}.next
		}
		last := &rd.arrays[len(rd.arrays)-1]
		from, to := next(*last)
		if to < 0 {
			rd.arrays = rd.arrays[:len(rd.arrays)-1]
			rd.record.tuples = false
			continue
		}
		tuples := rd.record.tuples
		rd.record.reset((*last)[from:to])
		*last = (*last)[to:]
		if rd.record.tuples = tuples; tuples {
			azureTuples{}.parse(&rd.record)
			rd.record.settle()
		} else {
			rd.parse(rd.block.layout)
		}
		return true
	}
	for rd.err == nil && len(rd.rest) == 0 {
		if rd.err = rd.src.next(&rd.block); rd.err != nil {
			break
		}
		rd.rest = rd.block.in
		if rd.block.raw {
			line := rd.rest
			rd.rest = nil
			if rd.block.continued {
				continue
			}
			rd.record.Number = rd.block.line
			rd.record.reset(trimEnd(line))
			if p := rd.block.problem; p != nil {
				rd.record.bad(p.Reason, nil)
			}
			return true
		}
		rd.record.Number = rd.block.line - 1
		rd.skipped = 1
	}
	if rd.err != nil {
		return false
	}
	if l, ok := rd.block.layout.(spanning); ok {
		if many, ok := l.(manyFlows); ok {
			l = many.each()
		}
		return rd.scanSpanning(l)
	}
	line := rd.rest
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line, rd.rest = line[:i+1], line[i+1:]
	} else {
		rd.rest = nil
	}
	rd.record.Number++
	rd.record.reset(trimEnd(line))
	rd.parse(rd.block.layout)
	return true
}

// parse reads the record, and remembers its format and the records in it.
func (rd *Reader) parse(l layout) {
	r := &rd.record
	parse(l, r)
	if r.of != nil && !r.of.loose {
		rd.format = r.of.name
	}
	if r.many != (span{}) {
		rd.arrays = append(rd.arrays, r.Line[r.many.from:r.many.to])
	}
}

// scanSpanning goes to the next record of a layout whose records are not lines.
func (rd *Reader) scanSpanning(l spanning) bool {
	r := &rd.record
	from, to := l.next(rd.rest)
	if to < 0 { // what is left in the block holds none
		r.Number += rd.skipped + int64(bytes.Count(rd.rest[:from], newline))
		rd.skipped = int64(bytes.Count(rd.rest[from:], newline))
		line := rd.rest
		rd.rest = nil
		r.reset(line)
		if from < len(line) {
			r.reset(line[from:])
			r.bad(jsonCut, nil)
		}
		return true
	}
	r.Number += rd.skipped + int64(bytes.Count(rd.rest[:from], newline))
	r.reset(rd.rest[from:to])
	rd.skipped = int64(bytes.Count(rd.rest[from:to], newline))
	rd.parse(l)
	rd.rest = rd.rest[to:]
	return true
}

// parse reads a line by its layout.
func parse(l layout, r *Record) {
	if len(r.Line) == 0 {
		return
	}
	l.parse(r)
	if r.Kind == Flow {
		r.settle()
	}
}

// trimEnd gives a line without its end, LF or CRLF.
func trimEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
		if n > 1 && line[n-2] == '\r' {
			line = line[:n-2]
		}
	}
	return line
}

// Record returns the line that Scan went to. It is valid until the next Scan.
func (rd *Reader) Record() *Record { return &rd.record }

// Format returns the name of the format of the last record that was recognised;
// "" if none was yet.
func (rd *Reader) Format() string { return rd.format }

// Err returns the failure to read that ended Scan, or nil at the end of the
// log.
func (rd *Reader) Err() error {
	if rd.err == io.EOF {
		return nil
	}
	return rd.err
}
