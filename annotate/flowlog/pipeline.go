package flowlog

import (
	"context"
	"io"
	"sync"

	"github.com/portannot/portannot/capture/inorder"
)

// pipeline copies one log on several workers. Each reads a block, annotates it
// and puts it to be written: what a worker reads lies in the cache of its core
// when it is annotated, and so do the buffers, which it keeps. One worker at a
// time reads, and one at a time writes, in the order of reading. A worker whose
// block is not yet to be written goes on with its other block: to wake a
// goroutine on another core takes as long as to annotate a hundred lines.
type pipeline struct {
	e         *Enricher
	r         io.Reader
	name      string
	annotated *inorder.Sequencer[*block] // to be written

	reading sync.Mutex // guards src, and keeps the numbers in the order of reading
	src     *source

	mu       sync.Mutex // guards what follows
	read     uint64     // blocks read
	written  uint64     // blocks written, or dropped after a failure
	err      error      // why the reading ended
	failed   error      // why the writing ended
	finished chan struct{}
	working  int // workers that have not ended
}

// blocksEach is how many blocks a worker has.
const blocksEach = 2

// copyLog copies a log with the workers. It gives io.EOF at the log's end. When
// ctx ends, all that was read is written, but a worker may go on waiting for
// input; it ends by itself once there is some.
func (e *Enricher) copyLog(ctx context.Context, r io.Reader, name string) error {
	p := &pipeline{e: e, r: r, name: name, finished: make(chan struct{}), working: len(e.workers)}
	p.annotated = inorder.NewSequencer(blocksEach*len(e.workers), p.write)
	for _, w := range e.workers {
		go p.work(ctx, w)
	}
	stop := context.AfterFunc(ctx, func() { p.end(context.Cause(ctx)) })
	defer stop()
	<-p.finished
	if p.failed != nil {
		return p.failed
	}
	return p.err
}

// work reads and annotates blocks until the end.
func (p *pipeline) work(ctx context.Context, w *worker) {
	defer p.leave()
	free := make(chan *block, blocksEach)
	for range blocksEach {
		free <- &block{free: free}
	}
	for {
		b := <-free
		if !p.next(ctx, b) {
			return
		}
		w.do(b)
		p.annotated.Put(b.number, b)
	}
}

// next reads a block, and reports whether there was one.
func (p *pipeline) next(ctx context.Context, b *block) bool {
	p.reading.Lock()
	defer p.reading.Unlock()
	if p.ended() {
		return false
	}
	if err := p.readInto(ctx, b); err != nil {
		p.end(err)
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return false
	}
	b.number = p.read
	p.read++
	return true
}

func (p *pipeline) readInto(ctx context.Context, b *block) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if p.src == nil {
		if p.src, err = newSource(p.r, p.name, p.e.opt.Options); err != nil {
			return err
		}
		p.src.strip = p.e.opt.Strip
	}
	return p.src.next(b)
}

// write writes the block that is next, unless writing failed before.
func (p *pipeline) write(b *block) {
	failed := p.failed // which nobody else sets
	if failed == nil {
		failed = p.e.finish(b)
	}
	p.mu.Lock()
	p.written++
	p.failed = failed
	if p.err == nil {
		p.err = failed
	}
	p.checkFinished()
	p.mu.Unlock()
	b.free <- b
}

func (p *pipeline) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err != nil
}

// end says why nothing more is read, if it is not yet known.
func (p *pipeline) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
		p.checkFinished()
	}
}

// checkFinished tells copyLog, once, when all that was read is written and no
// more is to come.
func (p *pipeline) checkFinished() {
	if p.err == nil || p.written < p.read {
		return
	}
	select {
	case <-p.finished:
	default:
		close(p.finished)
	}
}

// leave is the end of a worker. The last one gives back what the reading needed.
func (p *pipeline) leave() {
	p.mu.Lock()
	p.working--
	last := p.working == 0
	p.mu.Unlock()
	if last && p.src != nil {
		p.src.close()
	}
}
