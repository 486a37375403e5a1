package main

import (
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// With two and more cores the way of a packet is cut in three: package capture
// reads ahead of the parser, the decoder makes summaries, and a goroutine of
// its own counts them to flows. The pieces stay in order and there is one flow
// table, so the result is that of one core, whatever the number of workers. No
// packet is copied: a summary says all that the table needs.

// aheadSize is how many summaries go over at a time: some thousand, so that the
// hand-over costs nothing beside them, and few enough to stay in the second
// level cache on their way.
const aheadSize = 2048

// tableFeeder counts summaries to flows in a goroutine of its own.
type tableFeeder struct {
	sums []packet.Summary // being filled
	full chan []packet.Summary
	free chan []packet.Summary
	done chan struct{}
}

func feedTable(t *flow.Table) *tableFeeder {
	const buffers = 8
	f := &tableFeeder{full: make(chan []packet.Summary, buffers), free: make(chan []packet.Summary, buffers), done: make(chan struct{})}
	for range buffers {
		f.free <- make([]packet.Summary, 0, aheadSize+2*batchSize)
	}
	f.sums = <-f.free
	go func() {
		defer close(f.done)
		for sums := range f.full {
			t.Add(sums)
			f.free <- sums[:0]
		}
	}()
	return f
}

// next gives the slice to append to, handing it over first when it is full.
func (f *tableFeeder) next() []packet.Summary {
	if len(f.sums) >= aheadSize {
		f.full <- f.sums
		f.sums = <-f.free
	}
	return f.sums
}

// finish waits until all is counted.
func (f *tableFeeder) finish() {
	f.full <- f.sums
	close(f.full)
	<-f.done
}
