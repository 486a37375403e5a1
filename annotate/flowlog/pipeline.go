package flowlog

import (
	"context"
	"io"
	"sync"
)

// pipeline copies one log on several workers. Each reads a block, annotates it
// and writes it: what a worker reads lies in the cache of its core when it is
// annotated, and so do the buffers, which it keeps. Reading takes turns, and so
// does writing, in the order of reading. A worker whose block is not yet to be
// written leaves it to the one that writes, and goes on with its other block:
// to wake a goroutine on another core takes as long as to annotate a hundred
// lines, so none waits for another if it can help it.
type pipeline struct {
	e    *Enricher
	r    io.Reader
	name string

	reading sync.Mutex // guards src
	src     *source

	mu       sync.Mutex // guards what follows
	freed    sync.Cond  // blocks became free, or the end came
	blocks   []*block   // that were read and not yet written, in order
	writing  bool       // a worker writes
	err      error      // why the reading ended
	failed   error      // why the writing ended
	finished chan struct{}
	working  int // workers that have not ended
}

// blocksEach is how many blocks a worker has.
const blocksEach = 2

// blockState says what a block in a pipeline is good for.
type blockState uint8

const (
	blockFree blockState = iota
	blockBusy            // being read or annotated
	blockDone            // to be written
)

// copyLog copies a log with the workers. It gives io.EOF at the log's end. When
// ctx ends, all that was read is written, but a worker may go on waiting for
// input; it ends by itself once there is some.
func (e *Enricher) copyLog(ctx context.Context, r io.Reader, name string) error {
	p := &pipeline{e: e, r: r, name: name, finished: make(chan struct{}), working: len(e.workers)}
	p.freed.L = &p.mu
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

// work reads, annotates and writes blocks until the end.
func (p *pipeline) work(ctx context.Context, w *worker) {
	defer p.leave()
	own := make([]block, blocksEach)
	for {
		b := p.take(own)
		if b == nil || !p.read(ctx, b) {
			return
		}
		w.do(b)
		p.write(b)
	}
}

// take gives a free block, nil when no more is to be read.
func (p *pipeline) take(own []block) *block {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.err == nil {
		for i := range own {
			// The first of them if possible, since it is in the cache.
			if own[i].state == blockFree {
				own[i].state = blockBusy
				return &own[i]
			}
		}
		p.freed.Wait()
	}
	return nil
}

// read reads a block, and reports whether there was one.
func (p *pipeline) read(ctx context.Context, b *block) bool {
	p.reading.Lock()
	defer p.reading.Unlock()
	if err := p.readNext(ctx, b); err != nil {
		p.end(err)
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return false
	}
	p.blocks = append(p.blocks, b)
	return true
}

func (p *pipeline) readNext(ctx context.Context, b *block) (err error) {
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

// write writes a block once it is its turn, and others behind it that are done.
func (p *pipeline) write(b *block) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.state = blockDone
	if p.writing {
		return // that worker will see it
	}
	p.writing = true
	for p.failed == nil && len(p.blocks) > 0 && p.blocks[0].state == blockDone {
		first := p.blocks[0]
		p.mu.Unlock()
		err := p.e.finish(first)
		p.mu.Lock()
		p.failed = err
		p.blocks = p.blocks[:copy(p.blocks, p.blocks[1:])]
		first.state = blockFree
		if first != b {
			p.freed.Broadcast()
		}
	}
	p.writing = false
	if p.failed != nil && p.err == nil {
		p.err = p.failed
		p.freed.Broadcast()
	}
	p.checkFinished()
}

// end says why nothing more is read, if it is not yet known.
func (p *pipeline) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
		p.freed.Broadcast()
		p.checkFinished()
	}
}

// checkFinished tells copyLog, once, when nothing more will be written.
func (p *pipeline) checkFinished() {
	if p.writing || p.failed == nil && (p.err == nil || len(p.blocks) > 0) {
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
