// Package render writes annotated flows: as aligned text for people, and as
// JSON Lines and CSV, whose records are those of package record.
//
// A Format appends to a byte slice. What it writes for a flow depends on the
// flow, on New and on Measure alone, so flows may be rendered by several
// goroutines at once, each with its own Clone, and their pieces written in
// order.
package render

import (
	"fmt"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// Meta is what every output of a run shares.
type Meta struct {
	Edition  iana.Edition
	Contexts *packet.Contexts
	Color    bool // text only
}

// Format writes flows in one form.
type Format interface {
	// Measure is shown some flows, the first of the run, before the header is
	// written; text takes its column widths from them.
	Measure(f *flow.Flow)
	AppendHeader(dst []byte) []byte
	AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte
	AppendFooter(dst []byte) []byte
	// Clone gives a Format of the same settings for another goroutine.
	Clone() Format
}

// Formats lists the names that New takes.
func Formats() []string { return []string{"text", "json", "csv"} }

// New gives the format of a name.
func New(name string, m Meta) (Format, error) {
	if m.Contexts == nil {
		m.Contexts = new(packet.Contexts)
	}
	switch name {
	case "text":
		return newText(m), nil
	case "json":
		return &jsonFormat{record.JSON{Contexts: m.Contexts}}, nil
	case "csv":
		return &csvFormat{record.CSV{Contexts: m.Contexts}}, nil
	}
	return nil, fmt.Errorf("unknown output format %q: want text, json or csv", name)
}

// jsonFormat writes JSON Lines.
type jsonFormat struct{ record.JSON }

func (j *jsonFormat) Clone() Format { return &jsonFormat{record.JSON{Contexts: j.Contexts}} }

func (j *jsonFormat) Measure(*flow.Flow) {}

func (j *jsonFormat) AppendHeader(dst []byte) []byte { return dst }

func (j *jsonFormat) AppendFooter(dst []byte) []byte { return dst }

// csvFormat writes CSV with a header.
type csvFormat struct{ record.CSV }

func (c *csvFormat) Clone() Format { return &csvFormat{record.CSV{Contexts: c.Contexts}} }

func (c *csvFormat) Measure(*flow.Flow) {}

func (c *csvFormat) AppendFooter(dst []byte) []byte { return dst }
