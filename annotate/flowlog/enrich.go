package flowlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/record"
)

// Output is the form in which records are written.
type Output uint8

// The outputs.
const (
	Same    Output = iota // the log's own format, the annotation added
	JSON                  // JSON Lines with the fields that all logs share
	CSV                   // the same fields as columns
	Nothing               // the flows go to EnrichOptions.Batch alone
	Chosen                // the fields of EnrichOptions.Chosen
)

// EnrichOptions say what to read and what to write.
type EnrichOptions struct {
	Options
	Annotator *annotate.Annotator
	// Selector picks flows. If it is not empty, other lines are left out, except
	// headers.
	Selector annotate.Selector
	Output   Output
	// Batch makes what takes the flows of a part of a log, if Output is Nothing.
	// Workers call it, and methods of different Batches, at the same time.
	Batch func() Batch
	// Chosen are the fields to write, if Output is Chosen.
	Chosen *record.Chosen
	// Strip removes annotations and adds none. The options Selector and
	// Output then have no effect.
	Strip bool
	// Strict ends the run at the first line that cannot be understood.
	Strict bool
	// Workers is the number of goroutines that annotate; 0 is GOMAXPROCS.
	Workers int
	// Problem, if not nil, is called for the first lines of each block that
	// cannot be understood, in order. Calls do not overlap, and there are none
	// after Enrich returns.
	Problem func(*Problem)
	// Progress, if not nil, is called in the same way after each block, with
	// the counts of all logs so far.
	Progress func(*Stats)
}

// Stats are the counts of an Enricher. Every line read is in Lines.
type Stats struct {
	Lines    uint64 // all lines read, with headers and lines that are too long
	Flows    uint64
	Other    uint64 // headers, comments, empty lines, events without ports
	Bad      uint64 // lines that could not be understood
	Selected uint64 // flows that were written

	Statuses   [iana.NumStatuses]uint64 // flows by status of the service port
	NoSide     uint64                   // flows whose service end is not known
	NoPort     uint64                   // flows without a reported service port
	NoPorts    uint64                   // flows of protocols without ports
	NoProtocol uint64                   // flows whose protocol was not reported; these are counted above too

	// Shapes are the formats that were met, by their names.
	Shapes []ShapeCount
	// Reasons are why lines are bad, by their texts, at most maxReasons of them.
	Reasons []ReasonCount
	// Problems are the first MaxProblems faults: bad lines, and faults of
	// headers.
	Problems []*Problem
	Faults   uint64 // the number of all faults
}

// ShapeCount counts what was met of a format.
type ShapeCount struct {
	Format            string // "" for lines of no known format
	Flows, Other, Bad uint64
}

// ReasonCount counts lines that are bad for one reason.
type ReasonCount struct {
	Reason string // "destination port is no port"
	Lines  uint64
}

// maxReasons bounds Stats.Reasons. The last one stands for all others.
const maxReasons = 20

// reason counts bad lines.
func (s *Stats) reason(reason string, n uint64) {
	if len(reason) > 0 && reason[0]-'0' <= 9 {
		reason = "another number of columns than the header has"
	}
	i, found := slices.BinarySearchFunc(s.Reasons, reason, func(x ReasonCount, r string) int { return strings.Compare(x.Reason, r) })
	if found {
		s.Reasons[i].Lines += n
		return
	}
	if len(s.Reasons) >= maxReasons {
		s.Reasons[maxReasons-1].Reason = "other reasons"
		s.Reasons[maxReasons-1].Lines += n
		return
	}
	s.Reasons = slices.Insert(s.Reasons, i, ReasonCount{reason, n})
}

// shape gives the count of a format.
func (s *Stats) shape(name string) *ShapeCount {
	for i := range s.Shapes {
		if s.Shapes[i].Format == name {
			return &s.Shapes[i]
		}
	}
	i := 0
	for i < len(s.Shapes) && s.Shapes[i].Format < name {
		i++
	}
	s.Shapes = slices.Insert(s.Shapes, i, ShapeCount{Format: name})
	return &s.Shapes[i]
}

// count counts records of a format, which is nil if it is not known.
func (w *worker) count(of *format, kind Kind, n uint64) {
	name := ""
	if of != nil {
		name = of.name
	}
	c := w.stats.shape(name)
	switch kind {
	case Flow:
		c.Flows += n
	case Bad:
		c.Bad += n
	default:
		c.Other += n
	}
}

// MaxProblems bounds Stats.Problems.
const MaxProblems = 10

func (s *Stats) add(o *Stats) {
	s.Lines += o.Lines
	s.Flows += o.Flows
	s.Other += o.Other
	s.Bad += o.Bad
	s.Selected += o.Selected
	for i, n := range o.Statuses {
		s.Statuses[i] += n
	}
	s.NoSide += o.NoSide
	s.NoPort += o.NoPort
	s.NoPorts += o.NoPorts
	s.NoProtocol += o.NoProtocol
	s.Faults += o.Faults
	for _, x := range o.Reasons {
		s.reason(x.Reason, x.Lines)
	}
	for i := range o.Shapes {
		c, x := s.shape(o.Shapes[i].Format), &o.Shapes[i]
		c.Flows += x.Flows
		c.Other += x.Other
		c.Bad += x.Bad
	}
	for _, p := range o.Problems {
		if len(s.Problems) < MaxProblems {
			s.Problems = append(s.Problems, p)
		}
	}
}

// fault counts a problem and keeps it, if it is one of the first.
func (s *Stats) fault(p *Problem) {
	s.Faults++
	if len(s.Problems) < MaxProblems {
		s.Problems = append(s.Problems, p)
	}
}

// ErrWrite is wrapped by the error of Enrich when writing fails.
var ErrWrite = errors.New("write output")

// ErrStrict is wrapped by the error of Enrich when Strict ends the run.
var ErrStrict = errors.New("stopped at the first line that cannot be understood")

// work is what a worker makes of a block.
type work struct {
	out   []byte
	stats Stats
	batch Batch // if Output is Nothing
}

// Enricher copies logs and annotates their flows.
type Enricher struct {
	w     io.Writer
	opt   EnrichOptions
	stats Stats
	begun bool
	// workers stay from one log to the next, with what they know of ports.
	workers []*worker
}

// NewEnricher returns an Enricher that writes to w.
func NewEnricher(w io.Writer, opt EnrichOptions) *Enricher {
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	return &Enricher{w: w, opt: opt}
}

// Stats returns the counts of the logs so far.
func (e *Enricher) Stats() *Stats { return &e.stats }

// Enrich copies one log and annotates its flows. The log may be compressed, as
// for [NewReader]; the output is not compressed. If reading fails, everything that
// could be read is written. Lines that cannot be understood are counted in
// Stats, and are an error only if Strict is set. When ctx ends, Enrich writes
// the whole lines that it has read and returns the error of ctx.
func (e *Enricher) Enrich(ctx context.Context, r io.Reader, name string) error {
	if err := e.WriteHeader(); err != nil {
		return err
	}
	for len(e.workers) < e.opt.Workers {
		e.workers = append(e.workers, newWorker(&e.opt))
	}
	err := e.copyLog(ctx, r, name)
	if err == io.EOF {
		return nil
	}
	e.workers = nil // one may still be at work
	return err
}

// finish writes a block and adds up its counts.
func (e *Enricher) finish(b *block) error {
	if e.opt.Problem != nil {
		for _, p := range b.stats.Problems {
			e.opt.Problem(p)
		}
	}
	e.stats.add(&b.stats)
	if b.batch != nil {
		b.batch.Done()
		b.batch = nil
	}
	if e.opt.Progress != nil {
		e.opt.Progress(&e.stats)
	}
	if err := e.write(b); err != nil {
		return fmt.Errorf("%w: %w", ErrWrite, err)
	}
	if e.opt.Strict && b.stats.Faults > 0 {
		return fmt.Errorf("%w: %w", b.stats.Problems[0], ErrStrict)
	}
	return nil
}

// WriteHeader writes the header of CSV and of chosen fields, once. Enrich calls it. A program that
// writes lines of its own before the first Enrich calls it too.
func (e *Enricher) WriteHeader() error {
	if e.begun || e.opt.Strip {
		return nil
	}
	e.begun = true
	var header []byte
	switch e.opt.Output {
	case CSV:
		header = appendFlowHeader(nil)
	case Chosen:
		header = e.opt.Chosen.AppendHeader(nil)
	}
	if len(header) == 0 {
		return nil
	}
	if err := e.writeBlock(header, Block{Kind: Header}); err != nil {
		return fmt.Errorf("%w: %w", ErrWrite, err)
	}
	return nil
}

// worker annotates blocks, one after another. It holds what is passed to
// layouts, so that nothing is allocated for each line.
type worker struct {
	opt        *EnrichOptions
	everything bool // no selection
	record     Record
	notes      notes
	stats      Stats
	// For layouts of many flows: what was selected of a record, and what is
	// said of it.
	chosen, own []byte
	whole       []byte         // a record of which fields are chosen
	zeek        *zeekKnown     // for its logs
	batch       Batch          // of the block, if Output is Nothing
	fields      *record.Chosen // to write, if Output is Chosen
}

func newWorker(opt *EnrichOptions) *worker {
	w := &worker{
		opt:        opt,
		everything: opt.Selector.Empty(),
		record:     Record{portsOnly: opt.Output == Same},
	}
	if opt.Chosen != nil {
		w.fields = opt.Chosen.Clone()
	}
	return w
}

// do annotates a block.
func (w *worker) do(b *block) {
	b.out, w.stats = b.out[:0], Stats{Shapes: b.stats.Shapes[:0], Reasons: b.stats.Reasons[:0]}
	if w.opt.Output == Nothing {
		w.batch = w.opt.Batch()
		b.batch = w.batch
	}
	if b.raw {
		w.pass(b)
	} else {
		b.out = w.lines(b.out, b)
	}
	b.stats = w.stats
}

// pass copies a block that has no records.
func (w *worker) pass(b *block) {
	if !b.continued {
		w.stats.Lines++
		if b.problem == nil {
			w.stats.Other++
		}
	}
	if b.problem != nil {
		w.stats.Bad++
		w.count(nil, Bad, 1)
		w.stats.reason(b.problem.Reason, 1)
		w.stats.fault(b.problem)
	}
	if w.opt.Strip || w.opt.Output == Same && (w.everything || !b.overlong) {
		b.out = append(b.out, b.in...)
	}
}

// lines annotates lines.
func (w *worker) lines(dst []byte, b *block) []byte {
	if l, ok := b.layout.(spanning); ok {
		return w.spans(dst, b, l)
	}
	if l, ok := b.layout.(byBlock); ok {
		return l.lines(dst, w, b)
	}
	return w.lineByLine(dst, b, b.in, b.line)
}

// lineByLine annotates lines of a block, the first of which has a number.
func (w *worker) lineByLine(dst []byte, b *block, in []byte, number int64) []byte {
	r := &w.record
	r.Number = number
	for ; len(in) > 0; r.Number++ {
		end := bytes.IndexByte(in, '\n') + 1
		if end == 0 {
			end = len(in)
		}
		line := trimEnd(in[:end])
		r.reset(line)
		parse(b.layout, r)
		w.stats.Lines++
		dst = w.line(dst, b, in[len(line):end])
		if r.Kind == Bad && w.opt.Strict {
			break
		}
		in = in[end:]
	}
	return dst
}

// spans annotates records that are no lines. What lies between them is left out
// where only some are written, and each ends in a newline then.
func (w *worker) spans(dst []byte, b *block, l spanning) []byte {
	r := &w.record
	r.Number = b.line
	whole := w.opt.Strip || w.everything && w.opt.Output == Same
	var end []byte
	if !whole && w.opt.Output == Same {
		end = newline
	}
	for in := b.in; len(in) > 0; {
		from, to := l.next(in)
		r.Number += int64(bytes.Count(in[:from], newline))
		if whole {
			dst = append(dst, in[:from]...)
		}
		if from == len(in) {
			break
		}
		if to < 0 {
			to = len(in)
		}
		r.reset(in[from:to])
		parse(l, r)
		w.stats.Lines++
		dst = w.line(dst, b, end)
		if r.Kind == Bad && w.opt.Strict {
			break
		}
		r.Number += int64(bytes.Count(in[from:to], newline))
		in = in[to:]
	}
	return dst
}

// line writes the record w.record, and the line end behind it.
func (w *worker) line(dst []byte, b *block, end []byte) []byte {
	r := &w.record
	if r.many != (span{}) {
		return w.elements(dst, b, end)
	}
	if _, ok := b.layout.(manyFlows); !ok || r.Kind != Flow {
		w.count(r.of, r.Kind, 1)
	}
	switch r.Kind {
	case Bad:
		w.stats.Bad++
		w.stats.Faults++
		w.stats.reason(r.problem.reason, 1)
		if len(w.stats.Problems) < MaxProblems {
			w.stats.Problems = append(w.stats.Problems, &Problem{b.name, r.Number, r.problem.String()})
		}
	case Other:
		w.stats.Other++
	case Flow:
		if !w.opt.Strip {
			if l, ok := b.layout.(manyFlows); ok {
				return l.flows(dst, w, b.name, end)
			}
			return w.flow(dst, r.writer(b), end)
		}
		w.stats.Flows++
	}
	switch {
	case w.opt.Strip && r.Kind == Flow:
		if l, ok := r.writer(b).(stripper); ok {
			return append(l.strip(dst, r), end...)
		}
		return append(r.appendStripped(dst), end...)
	case w.opt.Strip:
		return append(append(dst, r.Line...), end...)
	case w.opt.Output == Same && w.everything:
		return append(append(dst, r.Line...), end...)
	}
	return dst
}

// writer gives what writes the record.
func (r *Record) writer(b *block) writer {
	if r.by != nil {
		return r.by
	}
	return b.layout
}

// elements annotates the records of an array in w.record, each by itself. What
// lies between them is left out where only some are written.
func (w *worker) elements(dst []byte, b *block, end []byte) []byte {
	r := &w.record
	line, many, number := r.Line, r.many, r.Number
	if r.tuples {
		w.stats.Lines--
		inner := *b
		inner.in, inner.line, inner.layout = line, number, azureLog{}
		dst = w.spans(dst, &inner, azureLog{})
		if r.reset(line); w.opt.Strip || w.everything && w.opt.Output == Same {
			dst = append(dst, end...)
		}
		r.Number = number
		return dst
	}
	whole := w.opt.Strip || w.everything && w.opt.Output == Same
	inner := newline
	if whole {
		inner = nil
		dst = append(dst, line[:many.from]...)
	} else if w.opt.Output != Same {
		inner = nil
	}
	w.stats.Lines--
	in := line[many.from:many.to]
	for len(in) > 0 {
		from, to := nextObject(in)
		if to < 0 {
			break
		}
		if whole {
			dst = append(dst, in[:from]...)
		}
		r.Number += int64(bytes.Count(in[:from], newline))
		r.reset(in[from:to])
		parse(b.layout, r)
		w.stats.Lines++
		dst = w.line(dst, b, inner)
		r.Number += int64(bytes.Count(in[from:to], newline))
		in = in[to:]
	}
	r.reset(line)
	r.Number = number
	if whole {
		dst = append(append(append(dst, in...), line[many.to:]...), end...)
	}
	return dst
}

// flow writes a record that is a flow, if it is selected.
func (w *worker) flow(dst []byte, l writer, end []byte) []byte {
	r := &w.record
	if !w.annotate() {
		return dst
	}
	switch w.opt.Output {
	case Nothing:
		w.batch.Flow(&r.Flow, &w.notes.annotation)
		return dst
	case Chosen:
		return w.appendChosen(dst, r)
	case JSON:
		return w.notes.appendFlowJSON(dst, r)
	case CSV:
		return w.notes.appendFlowCSV(dst, r)
	}
	return append(l.append(dst, r, &w.notes), end...)
}

// appendChosen appends the chosen fields. Those of which only the record knows are
// taken from the whole.
func (w *worker) appendChosen(dst []byte, r *Record) []byte {
	if !w.fields.Has("observer.") && !w.fields.Has("source.nat.") && !w.fields.Has("destination.nat.") && !w.fields.Has("portannot.tcp_flags.") && !w.fields.Has("network.") {
		return w.fields.AppendInput(dst, &r.Flow, &w.notes.annotation)
	}
	w.whole = w.notes.appendFlowJSON(w.whole[:0], r)
	out, err := w.fields.AppendRecord(dst, w.whole)
	if err != nil {
		return dst // it is JSON
	}
	return out
}

// annotate annotates w.record into w.notes, and counts it. It reports whether
// the flow is selected.
func (w *worker) annotate() bool {
	f, a := &w.record.Flow, &w.notes.annotation
	w.opt.Annotator.AnnotateTo(a, f)
	if a.Note == annotate.ProtocolWithoutPorts {
		a.Service = annotate.Service{}
	}
	if k := w.record.kept; k.Side != annotate.NoSide && (a.Service.Reason == annotate.NoReason || k.Reason < a.Service.Reason) {
		if k.Port = f.Destination.Port(); k.Side == annotate.Source {
			k.Port = f.Source.Port()
		}
		a.Service = k
	}
	s := &w.stats
	s.Flows++
	if f.Protocol == 0 {
		s.NoProtocol++
	}
	e := a.ServiceEntry()
	switch {
	case e != nil:
		s.Statuses[e.Status]++
	case a.Note == annotate.ProtocolWithoutPorts:
		s.NoPorts++
	case f.NoSourcePort || f.NoDestinationPort:
		s.NoPort++
	default:
		s.NoSide++
	}
	if !w.everything && !w.opt.Selector.MatchInput(f, a) {
		return false
	}
	s.Selected++
	return true
}
