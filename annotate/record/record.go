// Package record defines the record of an annotated flow: the names and types of
// its fields, and its form in JSON and CSV. Captures, logs and flow exporters'
// records all use these names, so the same fact has the same name everywhere.
//
// Fields that the Elastic Common Schema (ECS) defines have ECS's names and
// meanings. All other fields are below "portannot". The field network.protocol is
// never written: in ECS it means the protocol observed in the payload.
//
// A program that prints a few records calls [AppendJSON]. One that prints many
// uses a [JSON] or a [CSV] for each goroutine. These are faster, since they cache
// the text for each port.
package record

import (
	"sync"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
)

// encoders are those of AppendJSON.
var encoders = sync.Pool{New: func() any { return new(JSON) }}

// AppendJSON appends the record of a flow from a capture as a JSON object and a
// newline. It may be called from several goroutines at once.
func AppendJSON(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	j := encoders.Get().(*JSON)
	dst = j.AppendFlow(dst, f, a)
	encoders.Put(j)
	return dst
}

// edition returns the edition of a registry, the zero Edition for an annotation that was
// not made by an Annotator.
func edition(r *iana.Registry) iana.Edition {
	if r == nil {
		return iana.Edition{}
	}
	return r.Edition()
}
