// Package render writes annotated flows as aligned text for people, or as JSON
// Lines or CSV with the records of package record.
//
// A Format appends to a byte slice. What it appends for a flow depends only on the
// flow and on the arguments of New and Measure. Several goroutines may therefore
// render flows at once, each with a Clone of one Format, if their output is put in
// order again.
package render

import (
	"fmt"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture/flow"
)

// Meta is what New needs to know of a run.
type Meta struct {
	Edition iana.Edition // of the registry; for the last line of text
	AsOf    string       // day for which the registry is asked, "2016-03-01"; likewise
	ByDay   bool         // each flow has the registry of its day
	Color   bool         // with escape sequences for colours; for text only
	Width   int          // of the terminal that text must fit, in columns; 0: every column, however long the line
	Details bool         // if Width is set, text has each flow's details, below the flow if needed
}

// Format writes flows as text, JSON or CSV. It must not be used by several
// goroutines at once.
type Format interface {
	// Measure takes the width of a flow's addresses into account, for the
	// columns of text. It is called for some flows of the run before
	// AppendHeader. Wider addresses shift the rest of their line to the right.
	Measure(f *flow.Flow)
	AppendHeader(dst []byte) []byte
	AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte
	AppendFooter(dst []byte) []byte
	// Clone returns a Format with the same settings, for another goroutine.
	Clone() Format
}

// Formats returns the names that New accepts.
func Formats() []string { return []string{"text", "json", "csv"} }

// New returns the format with this name: "text", "json" or "csv".
func New(name string, m Meta) (Format, error) {
	switch name {
	case "text":
		if m.Width > 0 {
			return newNarrow(m), nil
		}
		return newText(m), nil
	case "json":
		return &jsonFormat{record.JSON{}}, nil
	case "csv":
		return &csvFormat{record.CSV{}}, nil
	}
	return nil, fmt.Errorf("unknown output format %q: want text, json or csv", name)
}

// jsonFormat writes JSON Lines.
type jsonFormat struct{ record.JSON }

func (j *jsonFormat) Clone() Format { return &jsonFormat{record.JSON{}} }

func (j *jsonFormat) Measure(*flow.Flow) {}

func (j *jsonFormat) AppendHeader(dst []byte) []byte { return dst }

func (j *jsonFormat) AppendFooter(dst []byte) []byte { return dst }

// csvFormat writes CSV with a header.
type csvFormat struct{ record.CSV }

func (c *csvFormat) Clone() Format { return &csvFormat{record.CSV{}} }

func (c *csvFormat) Measure(*flow.Flow) {}

func (c *csvFormat) AppendFooter(dst []byte) []byte { return dst }
