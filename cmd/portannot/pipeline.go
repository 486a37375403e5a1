package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/inorder"
	"github.com/portannot/portannot/capture/packet"
)

// A pipeline is the way of the packets of files to the flow table, on any number
// of cores. The packets go in loads of about a thousand. A worker takes a load
// from the source and decodes what can be decoded out of order, while the octets
// lie in the cache of its core. Then it puts the load in line; and if nobody is
// counting, it counts the loads that are next in line, its own or another's, to
// the one flow table. No packet is copied. What must be seen in the order of the
// capture is seen in that order, whatever the number of workers, so the result
// does not depend on it. A worker that is alone needs no loads.
type pipeline struct {
	meter *meter
	src   fileSource
	many  *capture.Reader // src, when several workers can read it; else nil, and takeSerial is used
	limit uint64          // packets to take at most; 0 for all
	free  chan *load
	stop  atomic.Bool // no more loads are to be taken

	line *inorder.Line[*load] // loads to be counted
	err  error                // what ended the counting early

	serial sync.Mutex // see takeSerial
	taken  uint64
}

// load is a run of packets on its way.
type load struct {
	index   uint64
	chunk   capture.Chunk
	packets []capture.Packet // those of chunk that the filter let pass; nil for takeSerial
	refused uint64           // the others
	sums    []packet.Summary // of the packets decoded out of order
	left    []leftover       // the others
	payload []byte           // what takeSerial keeps of the packets
	err     error            // what ended the reading behind these packets
}

// leftover is a packet that must be decoded in order.
type leftover struct {
	packet int // its place in load.packets
	sums   int // how many of load.sums come before its own
}

// spareLoads wait in line while one worker counts.
const spareLoads = 6

// serialLoad is how many summaries are enough for a load of takeSerial: some
// thousand, so that handing it over costs nothing beside it.
const serialLoad = 2048

// read takes the packets of a source, all of them or, if limit is not 0, the
// first ones. The error says all that went wrong, damage that was stepped over
// included.
func read(ctx context.Context, m *meter, src fileSource, limit uint64, workers int) error {
	p := &pipeline{meter: m, src: src, limit: limit}
	switch {
	case m.carver != nil:
		workers = 1 // it follows each packet through the table
	case limit == 0: // else what lies behind the last packet wanted is not to be reported
		p.many, _ = src.(*capture.Reader)
	}
	if p.many != nil && p.many.OwnReader() && workers > 1 {
		workers-- // the slowest of all steps may be the reading
	}
	if workers == 1 {
		p.err = p.alone(ctx)
	} else {
		p.together(ctx, workers)
	}

	list, total := src.Problems()
	errs := make([]error, 0, len(list)+2)
	for i := range list {
		errs = append(errs, &list[i])
	}
	if total > len(list) {
		errs = append(errs, fmt.Errorf("%d more places of damage", total-len(list)))
	}
	return errors.Join(append(errs, p.err)...)
}

// alone is the whole way with one worker: some packets at a time, which stay in
// the first-level cache from their record headers to their flows.
func (p *pipeline) alone(ctx context.Context) error {
	for ctx.Err() == nil {
		batch := p.batch()
		if len(batch) == 0 {
			break
		}
		n, err := p.src.Next(batch)
		if filterErr := p.meter.take(batch[:n]); filterErr != nil {
			return filterErr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// batch gives room for the packets to take next: none when there are enough.
func (p *pipeline) batch() []capture.Packet {
	batch := p.meter.batch[:]
	if p.limit > 0 {
		batch = batch[:min(uint64(len(batch)), p.limit-p.meter.packets)]
	}
	return batch
}

// together starts the workers, and returns when they have ended.
func (p *pipeline) together(ctx context.Context, workers int) {
	n := workers + spareLoads
	p.free, p.line = make(chan *load, n), inorder.NewLine(n, p.count)
	for range n {
		p.free <- new(load)
	}
	var wait sync.WaitGroup
	for range workers - 1 {
		wait.Go(func() { p.work(ctx) })
	}
	p.work(ctx)
	wait.Wait()
	if p.many != nil && p.err == nil {
		p.err = p.many.Err()
	}
}

// work is one worker.
func (p *pipeline) work(ctx context.Context) {
	take := p.takeSerial
	if p.many != nil {
		w := worker{p.many, p.meter.decoder.Front(), p.meter.filter.clone()}
		take = w.take
	}
	for ctx.Err() == nil && !p.stop.Load() {
		l := <-p.free
		if !take(l) {
			p.free <- l
			return
		}
		p.line.Enter(l.index, l)
	}
}

// worker takes loads from a capture that several goroutines can read.
type worker struct {
	src    *capture.Reader
	front  *decode.Front
	filter *packetFilter
}

// take fills a load. It returns false when the capture has ended.
func (w *worker) take(l *load) bool {
	l.sums, l.left, l.err = l.sums[:0], l.left[:0], nil
	if !w.src.NextChunk(&l.chunk) {
		return false
	}
	l.index, l.packets = l.chunk.Index, l.chunk.Packets
	if w.filter != nil {
		l.packets, l.refused, l.err = w.filter.pass(l.packets)
	}
	for i := 0; i < len(l.packets); i++ {
		var n int
		l.sums, n = w.front.Decode(l.sums, l.packets[i:])
		if i += n; i < len(l.packets) {
			l.left = append(l.left, leftover{i, len(l.sums)})
		}
	}
	return true
}

// takeSerial fills a load from any source, which one worker at a time can read.
// All is decoded here, where the packets come in order.
func (p *pipeline) takeSerial(l *load) bool {
	p.serial.Lock()
	defer p.serial.Unlock()
	if p.stop.Load() {
		return false
	}
	m := p.meter
	l.index = p.taken
	p.taken++
	l.sums, l.payload, l.err = l.sums[:0], l.payload[:0], nil
	for l.err == nil && len(l.sums) < serialLoad {
		batch := p.batch()
		var n int
		if len(batch) > 0 {
			n, l.err = p.src.Next(batch)
		} else {
			l.err = io.EOF
		}
		var err error
		from := len(l.sums)
		if l.sums, err = m.decode(l.sums, batch[:n]); err != nil {
			l.err = err
		}
		l.keep(from, m.payload)
	}
	if l.err != nil {
		p.stop.Store(true)
	}
	return true
}

// keep copies the payloads of summaries, up to so many octets of each, since the
// next packets of the source may overwrite them.
func (l *load) keep(from, octets int) {
	for i := range l.sums[from:] {
		s := &l.sums[from+i]
		if octets == 0 || len(s.Payload) == 0 {
			s.Payload = nil
			continue
		}
		s.PayloadLen = max(s.PayloadLen, uint32(len(s.Payload)))
		at := len(l.payload)
		// Where this needs a larger array, the summaries before go on pointing
		// into the old one.
		l.payload = append(l.payload, s.Payload[:min(len(s.Payload), octets)]...)
		s.Payload = l.payload[at:len(l.payload):len(l.payload)]
	}
}

// count counts the load that is next.
func (p *pipeline) count(l *load) {
	if p.err == nil {
		p.meter.count(l)
		if l.err != nil && l.err != io.EOF {
			p.err = l.err
			p.stop.Store(true)
		}
	}
	p.free <- l
}
