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

// FlowOptions returns options for a flow table whose flows are to be annotated:
// flows end after [DefaultIdle], and enough of their payload is kept for an
// [Observer]. The command uses the same options. Call FlowOptions for each
// table.
func FlowOptions() flow.Options {
	return flow.Options{Idle: DefaultIdle, Payload: payloadBytes, Note: new(Observer).Note}
}
