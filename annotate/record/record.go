// Package record defines the record that portannot prints of a flow: its fields
// with their names and types, the JSON object, and the columns of CSV. Captures,
// logs and whatever else is annotated print the same fact under the same name.
//
// Names that the Elastic Common Schema (ECS) defines have ECS's meaning; all
// others stand under "portannot". Never written: network.protocol, which means
// the protocol observed in the payload.
//
// [AppendJSON] is all that a program needs which prints a few records. One that
// prints many has a [JSON] or a [CSV] for each goroutine, which keep what they
// wrote of each port.
package record

import (
	"sync"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
)

// encoders are those of AppendJSON.
var encoders = sync.Pool{New: func() any { return new(JSON) }}

// AppendJSON appends the record of a capture's flow as one line of JSON. It may
// be called by several goroutines at once.
func AppendJSON(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	j := encoders.Get().(*JSON)
	dst = j.AppendFlow(dst, f, a)
	encoders.Put(j)
	return dst
}

// edition gives the edition that an annotation rests on, the zero Edition for an
// annotation that no Annotator made.
func edition(a *annotate.Annotation) iana.Edition {
	if a.Registry == nil {
		return iana.Edition{}
	}
	return a.Registry.Edition()
}
