package meter

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/filter"
	"github.com/portannot/portannot/capture/inorder"
	"github.com/portannot/portannot/capture/packet"
)

// parallel reads a source with several workers, in batches of about a thousand
// packets. A worker reads a batch and decodes what can be decoded out of order, while
// the bytes lie in the cache of its core. Then it queues the batch. If no other worker
// is counting, it counts the batches that are next, its own or another's, to the one
// flow table. No packet is copied. Whatever depends on the order of the packets is
// done in the order of the source, so the result does not depend on the number of
// workers.
type parallel struct {
	meter  *Meter
	src    capture.Source
	shared *capture.Reader // src, when several workers can read it; else nil, and they take turns
	free   chan *batch
	stop   atomic.Bool // no more batches are to be read

	queue *inorder.Sequencer[*batch] // batches to be counted
	err   error                      // what ended the counting early

	turn  sync.Mutex // guards src, the decoder and begun where workers take turns
	begun uint64     // batches so far
}

// batch is a run of packets that stay together.
type batch struct {
	index uint64 // among the batches of the source, from 0
	sums  []packet.Summary
	err   error // what ended the reading behind these packets

	// Where several workers read the source at once:
	chunk    capture.Chunk
	accepted []capture.Packet // those of chunk that the filter accepts; nil where workers take turns
	refused  uint64           // the others
	deferred []deferred       // packets whose summaries are not in sums yet

	// Where they take turns:
	payload []byte // what the payloads of sums point to
}

// deferred is a packet that must be decoded in the order of the source.
type deferred struct {
	packet int // its index in batch.accepted
	before int // how many of batch.sums come before its own
}

// spareBatches wait in the queue while one worker counts.
const spareBatches = 6

// enoughSums is how many summaries are enough for a batch where workers take
// turns: some thousand, so that handing it over costs nothing beside it.
const enoughSums = 2048

// readParallel reads with several workers.
func (m *Meter) readParallel(ctx context.Context, src capture.Source, shared *capture.Reader, workers int) error {
	n := workers + spareBatches
	p := &parallel{meter: m, src: src, shared: shared, free: make(chan *batch, n)}
	p.queue = inorder.NewSequencer(n, p.count)
	for range n {
		p.free <- new(batch)
	}
	var wait sync.WaitGroup
	for range workers - 1 {
		wait.Go(func() { p.work(ctx) })
	}
	p.work(ctx)
	wait.Wait()
	if shared != nil && p.err == nil {
		return shared.Err()
	}
	return p.err
}

// work is one worker.
func (p *parallel) work(ctx context.Context) {
	fill := p.fillInTurn
	if p.shared != nil {
		w := worker{p.shared, p.meter.decoder.Front(), p.meter.opt.Filter.Clone()}
		fill = w.fill
	}
	for ctx.Err() == nil && !p.stop.Load() {
		b := <-p.free
		if !fill(b) {
			p.free <- b
			return
		}
		p.queue.Put(b.index, b)
	}
}

// worker fills batches from a capture that several workers can read at once.
type worker struct {
	src    *capture.Reader
	front  *decode.Front
	filter *filter.Set
}

// fill reads a batch. It returns false when the capture has ended.
func (w *worker) fill(b *batch) bool {
	b.sums, b.deferred, b.err = b.sums[:0], b.deferred[:0], nil
	if !w.src.NextChunk(&b.chunk) {
		return false
	}
	b.index, b.accepted = b.chunk.Index, b.chunk.Packets
	if w.filter != nil {
		b.accepted, b.refused, b.err = w.filter.Select(b.accepted)
	}
	for i := 0; i < len(b.accepted); i++ {
		var n int
		b.sums, n = w.front.Decode(b.sums, b.accepted[i:])
		if i += n; i < len(b.accepted) {
			b.deferred = append(b.deferred, deferred{i, len(b.sums)})
		}
	}
	return true
}

// fillInTurn reads a batch from any source, which one worker at a time can read.
// All is decoded here, where the packets come in order.
func (p *parallel) fillInTurn(b *batch) bool {
	p.turn.Lock()
	defer p.turn.Unlock()
	if p.stop.Load() {
		return false
	}
	m := p.meter
	b.index = p.begun
	p.begun++
	b.sums, b.payload, b.err = b.sums[:0], b.payload[:0], nil
	for b.err == nil && len(b.sums) < enoughSums {
		block := m.nextBlock(m.packets)
		var n int
		if len(block) > 0 {
			n, b.err = p.src.Next(block)
		} else {
			b.err = io.EOF
		}
		accepted, err := m.accept(block[:n])
		if err != nil {
			b.err = err
		}
		from := len(b.sums)
		b.sums = m.decodeAll(b.sums, accepted)
		b.copyPayloads(from, m.opt.Flow.Payload)
	}
	if b.err != nil {
		p.stop.Store(true)
	}
	return true
}

// copyPayloads copies the payloads of the summaries from an index on, up to most
// bytes of each, since the next packets of the source may overwrite them.
func (b *batch) copyPayloads(from, most int) {
	for i := range b.sums[from:] {
		s := &b.sums[from+i]
		if most <= 0 || len(s.Payload) == 0 {
			s.Payload = nil
			continue
		}
		s.PayloadLen = max(s.PayloadLen, uint32(len(s.Payload)))
		at := len(b.payload)
		// Where this needs a larger array, the summaries before go on pointing
		// into the old one.
		b.payload = append(b.payload, s.Payload[:min(len(s.Payload), most)]...)
		s.Payload = b.payload[at:len(b.payload):len(b.payload)]
	}
}

// count counts the batch that is next, and frees it.
func (p *parallel) count(b *batch) {
	if p.err == nil {
		p.meter.countBatch(b)
		if b.err != nil && b.err != io.EOF {
			p.err = b.err
			p.stop.Store(true)
		}
	}
	p.free <- b
}

// countBatch counts a batch to flows, after it has decoded what was deferred.
func (m *Meter) countBatch(b *batch) {
	if b.accepted == nil {
		// All is decoded and accounted for, and another worker may be decoding
		// what comes next.
		m.table.Add(b.sums)
		return
	}
	m.packets += uint64(len(b.chunk.Packets))
	m.refused += b.refused
	m.decoder.Count(len(b.accepted) - len(b.deferred))
	m.sums = m.sums[:0]
	from := 0
	for _, d := range b.deferred {
		m.add(b.sums[from:d.before])
		from = d.before
		p := &b.accepted[d.packet]
		var r decode.Result
		m.sums, r = m.decoder.Decode(m.sums, p)
		m.noteLink(p, r)
	}
	m.add(b.sums[from:])
	m.table.Add(m.sums)
}

// add counts summaries behind those of m.sums: at once if they are many, else with
// those, since the table is fastest with many.
func (m *Meter) add(sums []packet.Summary) {
	if len(sums) < blockSize {
		m.sums = append(m.sums, sums...)
		return
	}
	m.table.Add(m.sums)
	m.sums = m.sums[:0]
	m.table.Add(sums)
}
