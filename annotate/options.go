package annotate

import (
	"time"

	"github.com/portannot/portannot/capture/flow"
)

// DefaultIdle is how long the command waits for another packet before it ends a
// flow.
const DefaultIdle = 5 * time.Minute

// payloadBytes is how much of what each end of a flow sends is kept to be
// recognised. Of 20,531 flows of real captures, 8 look like something else, or less
// surely, than with 512 bytes, and one in 15 names of servers is not reached;
// in return half the memory is written and read.
const payloadBytes = 256

// FlowOptions gives the options of a flow table whose flows an Annotator is to
// annotate: flows end after [DefaultIdle], and enough of their payload is kept
// for an [Observer]. The command uses the same. Each table needs options of its
// own.
func FlowOptions() flow.Options {
	return flow.Options{Idle: DefaultIdle, Payload: payloadBytes, Note: new(Observer).Note}
}
