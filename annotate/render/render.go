// Package render writes annotated flows: as aligned text for people, as JSON
// Lines with the field names of the Elastic Common Schema (ECS), as CSV with
// the same names flattened.
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
		return newJSON(m), nil
	case "csv":
		return newCSV(m), nil
	}
	return nil, fmt.Errorf("unknown output format %q: want text, json or csv", name)
}
