package flowlog

import "github.com/portannot/portannot/annotate"

// Batch takes the flows of a part of a log. A worker calls Flow for each flow that
// is selected, in their order. Done is called when the parts before it are done.
type Batch interface {
	Flow(in *annotate.Input, a *annotate.Annotation)
	Done()
}
