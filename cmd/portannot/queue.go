package main

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	queueSize = 16 << 20        // bytes that wait for a slow reader
	queueWait = 5 * time.Second // after the end, for a reader that takes nothing
)

// queue is an output that may be blocked. A goroutine writes, so that the run
// goes on while less than queueSize waits; then Write blocks, as the output does.
// Once the run is to end, an output that takes nothing for queueWait is given up, and
// what it did not take is lost: to wait for ever would be no end.
type queue struct {
	w       io.Writer
	mu      sync.Mutex
	changed sync.Cond
	waiting [][]byte
	size    int
	taken   uint64 // writes that came back
	closed  bool
	err     error
	done    chan struct{} // closed by close
}

func newQueue(w io.Writer) *queue {
	q := &queue{w: w, done: make(chan struct{})}
	q.changed.L = &q.mu
	go q.run()
	return q
}

func (q *queue) run() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		for len(q.waiting) == 0 && !q.closed && q.err == nil {
			q.changed.Wait()
		}
		if q.err != nil || len(q.waiting) == 0 {
			return
		}
		b := q.waiting[0]
		q.waiting = q.waiting[1:]
		q.mu.Unlock()
		_, err := q.w.Write(b)
		q.mu.Lock()
		q.size -= len(b)
		q.taken++
		if q.err == nil {
			q.err = err
		}
		q.changed.Broadcast()
	}
}

// Write takes a copy of p. Its error is that of an earlier one.
func (q *queue) Write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.size > 0 && q.size+len(p) > queueSize && q.err == nil {
		q.changed.Wait()
	}
	if q.err != nil {
		return 0, q.err
	}
	q.waiting = append(q.waiting, append([]byte(nil), p...))
	q.size += len(p)
	q.changed.Broadcast()
	return len(p), nil
}

// errBlocked says that an output took nothing.
var errBlocked = errors.New("nobody reads it")

// end begins the time in which the output has to take something.
func (q *queue) end() {
	q.mu.Lock()
	before := q.taken
	q.mu.Unlock()
	go func() {
		for {
			select {
			case <-q.done:
				return
			case <-time.After(queueWait):
			}
			q.mu.Lock()
			if q.err == nil && q.size > 0 && q.taken == before {
				q.err = fmt.Errorf("%w: at least %d bytes are lost", errBlocked, q.size)
				q.changed.Broadcast()
			}
			stop := q.err != nil
			before = q.taken
			q.mu.Unlock()
			if stop {
				return
			}
		}
	}()
}

// close waits until all is written. end must have been called.
func (q *queue) close() error {
	q.mu.Lock()
	q.closed = true
	q.changed.Broadcast()
	for q.size > 0 && q.err == nil {
		q.changed.Wait()
	}
	defer q.mu.Unlock()
	close(q.done)
	return q.err
}
