package flowlog

import (
	"bytes"
	"io"

	"github.com/portannot/portannot/annotate"
)

// Flows annotates flows that do not come from lines of text, NetFlow's for
// one, by the same judgement of ports that were not reported, the same
// selection and the same counts. It is for one goroutine.
type Flows struct{ w *worker }

// NewFlows makes a Flows. Of the options, Annotator, Selector and Unexpected
// are used.
func NewFlows(opt EnrichOptions) *Flows { return &Flows{newWorker(&opt)} }

// Annotate annotates and counts a flow, and reports whether it is selected.
func (f *Flows) Annotate(in annotate.Input) bool {
	f.w.record.Flow = in
	f.w.record.settle()
	return f.w.annotate()
}

// Flow gives the flow that was annotated last, as it was judged: ports that
// were not reported are marked.
func (f *Flows) Flow() *annotate.Input { return &f.w.record.Flow }

// Annotation gives what was said of it.
func (f *Flows) Annotation() *annotate.Annotation { return &f.w.notes.annotation }

// AppendObject appends that as the JSON object that all logs share, but for its
// closing brace, so that more can follow.
func (f *Flows) AppendObject(dst []byte) []byte { return f.w.notes.object(dst) }

// AppendJSON appends the flow and that as one line of JSON, as Enricher writes
// it with Output JSON.
func (f *Flows) AppendJSON(dst []byte) []byte { return f.w.notes.appendFlowJSON(dst, &f.w.record) }

// AppendCSV appends the flow and that as a line of CSV, as Enricher writes it;
// its header is AppendCSVHeader's.
func (f *Flows) AppendCSV(dst []byte) []byte { return f.w.notes.appendFlowCSV(dst, &f.w.record) }

// AppendCSVHeader appends the line with the names of AppendCSV's columns.
func AppendCSVHeader(dst []byte) []byte { return appendFlowHeader(dst) }

// Stats gives the counts of flows so far; those of lines are zero.
func (f *Flows) Stats() *Stats { return &f.w.stats }

// Decompress gives what r has, decompressed when its content is gzip or zstd.
// stop frees what that needs. name is what errors call it.
func Decompress(r io.Reader, name string) (plain io.Reader, stop func(), err error) {
	s, err := newSource(r, name, Options{})
	if err != nil {
		return nil, nil, err
	}
	return io.MultiReader(bytes.NewReader(s.buf[s.from:s.to]), s.r), s.close, nil
}
