package flowlog

import (
	"bytes"
	"io"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/record"
)

// Flows annotates flows that do not come from lines of text, such as those of
// NetFlow. Like Enricher, it selects and counts flows, and handles unreported
// ports. It is for one goroutine.
type Flows struct{ w *worker }

// NewFlows returns a Flows. It uses only the options Annotator and
// Selector.
func NewFlows(opt EnrichOptions) *Flows { return &Flows{newWorker(&opt)} }

// Annotate annotates and counts a flow, and reports whether it is selected.
func (f *Flows) Annotate(in annotate.Input) bool {
	f.w.record.Flow = in
	f.w.record.settle()
	return f.w.annotate()
}

// Flow returns the flow that was annotated last. NoSourcePort and
// NoDestinationPort mark ports that were not reported.
func (f *Flows) Flow() *annotate.Input { return &f.w.record.Flow }

// Details are what a record of that flow has beside it. They are the caller's to
// set.
func (f *Flows) Details() *record.LogDetails { return &f.w.record.Details }

// Annotation returns the annotation of that flow.
func (f *Flows) Annotation() *annotate.Annotation { return &f.w.notes.annotation }

// AppendObject appends the annotation as the JSON object that all logs share,
// without the closing brace, so that more members can follow.
func (f *Flows) AppendObject(dst []byte) []byte { return f.w.notes.object(dst) }

// AppendJSON appends the flow and its annotation as one line of JSON, as
// Enricher writes it with Output JSON.
func (f *Flows) AppendJSON(dst []byte) []byte { return f.w.notes.appendFlowJSON(dst, &f.w.record) }

// AppendCSV appends the flow and its annotation as a line of CSV, as Enricher
// writes it. AppendCSVHeader appends the header.
func (f *Flows) AppendCSV(dst []byte) []byte { return f.w.notes.appendFlowCSV(dst, &f.w.record) }

// AppendCSVHeader appends the header line of AppendCSV: the names of its
// columns.
func AppendCSVHeader(dst []byte) []byte { return appendFlowHeader(dst) }

// Stats returns the counts of flows so far. The counts of lines are zero.
func (f *Flows) Stats() *Stats { return &f.w.stats }

// Decompress returns a reader of the content of r, which it decompresses if it
// is gzip, zstd, xz, bzip2 or LZ4. stop frees the decompressor. name is the name of r in
// errors.
func Decompress(r io.Reader, name string) (plain io.Reader, stop func(), err error) {
	s, err := newSource(r, name, Options{})
	if err != nil {
		return nil, nil, err
	}
	return io.MultiReader(bytes.NewReader(s.buf[s.from:s.to]), s.r), s.close, nil
}
