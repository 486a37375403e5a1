package meter

import (
	"context"
	"errors"
	"io"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/flow"
)

// Traced reports whether Again can find the packets of flows: Options.Flow.Trace was
// set, and there were not more packets than that.
func (m *Meter) Traced() bool { return m.table.Trace() != nil }

// Again reads what Read has read once more, and calls packet for each packet that
// counts to a picked flow, in the order of the source. Nothing is filtered and nothing
// decoded, so it takes little longer than the reading alone. It returns how many
// packets it read. Call it if Traced, after Results.
//
// src must give the same packets as the source of Read. picks must be in the order of
// [flow.Pick.Compare]; packet is told which of them. p and flows are valid during the
// call. An error of packet ends the reading.
func (m *Meter) Again(ctx context.Context, src capture.Source, picks []flow.Pick, packet func(p *capture.Packet, flows []flow.Found) error) (read uint64, err error) {
	replay := m.table.Trace().Replay(picks)
	for ctx.Err() == nil {
		block := m.nextBlock(read)
		if len(block) == 0 {
			break
		}
		n, err := src.Next(block)
		for i := range block[:n] {
			p := &block[i]
			if read++; !m.numbered {
				p.Number = read
			}
			if flows := replay.Packet(p.Number); len(flows) > 0 {
				if err := packet(p, flows); err != nil {
					return read, err
				}
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return read, err
		}
	}
	return read, errors.Join(append(problems(src), ctx.Err())...)
}
