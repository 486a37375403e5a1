package meter

import (
	"iter"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// hook yields the flows of a packet to Options.Packet. It counts each summary just
// before it yields its flow, because the payload that a Flow points to is valid
// only until the table counts the next summary.
type hook struct {
	meter *Meter
	left  []packet.Summary // not counted yet
	flow  flow.Flow
	flows iter.Seq[*flow.Flow] // the method each; made once, as that allocates
}

// callHook decodes packets and calls Options.Packet for each. After an error of the
// hook it calls it no more, and counts the packets that are left to their flows: they
// have been read.
func (m *Meter) callHook(packets []capture.Packet) (err error) {
	for i := range packets {
		p := &packets[i]
		sums, r := m.decoder.Decode(m.sums[:0], p)
		m.noteLink(p, r)
		if m.opt.Summary != nil {
			sums = m.wanted(sums, 0)
		}
		m.sums, m.hook.left = sums, sums
		if err == nil {
			err = m.opt.Packet(p, m.hook.flows)
		}
		for m.hook.count() {
			// The hook need not range over all flows.
		}
	}
	return err
}

// each counts the summaries, and yields their flows.
func (h *hook) each(yield func(*flow.Flow) bool) {
	for h.count() && yield(&h.flow) {
	}
}

// count counts summaries up to the first that has a flow, and fills that in. It
// returns false when there is none left.
func (h *hook) count() bool {
	t := h.meter.table
	for len(h.left) > 0 {
		s := &h.left[0]
		h.left = h.left[1:]
		if ref, ok := t.Track(s); ok {
			t.Peek(ref, &h.flow)
			return true
		}
	}
	return false
}
