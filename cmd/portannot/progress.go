package main

import (
	"fmt"
	"sync"
	"time"
)

// progressing tells how far it read, in bytes; total is 0 when it is not known.
type progressing interface {
	Progress() (read, total int64)
}

// progress shows on a terminal how far the reading got.
type progress struct {
	j    *job
	src  progressing
	quit chan struct{}
	wait sync.WaitGroup
	mu   sync.Mutex
	on   bool // a line stands on the terminal
}

// progressEvery is how often the line is renewed, and how long a job runs
// before there is one.
const progressEvery = 500 * time.Millisecond

// showProgress starts it; without a terminal it does nothing.
func (j *job) showProgress(src progressing) *progress {
	p := &progress{j: j, src: src, quit: make(chan struct{})}
	if j.quiet || !isTerminal(j.env.stderr) {
		return p
	}
	p.wait.Add(1)
	go func() {
		defer p.wait.Done()
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-p.quit:
				return
			case <-tick.C:
				p.show()
			}
		}
	}()
	return p
}

func (p *progress) show() {
	read, total := p.src.Progress()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on = true
	if total > 0 {
		fmt.Fprintf(p.j.env.stderr, "\r\x1b[Kportannot: %d%% of %d MB read", read*100/total, total>>20)
		return
	}
	fmt.Fprintf(p.j.env.stderr, "\r\x1b[Kportannot: %d MB read", read>>20)
}

// clear takes the line off the terminal, so that a message can be written.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on {
		fmt.Fprint(p.j.env.stderr, "\r\x1b[K")
		p.on = false
	}
}

// done ends it.
func (p *progress) done() {
	close(p.quit)
	p.wait.Wait()
	p.clear()
}
