package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// followPoll is how long Follow waits before it looks again for new bytes.
const followPoll = 100 * time.Millisecond

// Follower reads a capture that is still being written. At the end of the
// file it waits for more. When another file takes the place of this one, as
// in a rotating capture, or when the file becomes shorter, it reads the new
// content from its start, and packet numbers begin at 1 again.
type Follower struct {
	ctx  context.Context
	path string
	opt  Options
	poll time.Duration
	r    atomic.Pointer[Reader] // nil until the file header is there
	tail *tailFile
	log  problems
	err  error
}

// Follow opens a growing capture. When ctx is done, Next returns io.EOF.
func Follow(ctx context.Context, path string, opt Options) (*Follower, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("follow capture: %w", err)
	}
	opt.NoReadAhead = true // so that packets come as soon as they are written
	w := &Follower{ctx: ctx, path: path, opt: opt, poll: followPoll}
	w.log.name = path
	w.tail = &tailFile{f: f, w: w}
	return w, nil
}

// Next fills dst with the next packets. It waits until there is at least
// one.
func (w *Follower) Next(dst []Packet) (int, error) {
	if w.err != nil || len(dst) == 0 {
		return 0, w.err
	}
	for {
		if w.ctx.Err() != nil {
			w.err = io.EOF
			return 0, w.err
		}
		r := w.r.Load()
		if r == nil {
			var err error
			r, err = newReader(w.tail, nil, w.path, 0, w.opt)
			switch {
			case err == nil:
				w.r.Store(r)
			case w.ctx.Err() != nil:
				w.err = io.EOF
				return 0, w.err
			case w.tail.ended == endReplaced:
				// It never became a capture; the new file may.
				if err := w.reopen(); err != nil {
					w.err = err
					return 0, err
				}
				continue
			default:
				w.err = err
				return 0, err
			}
		}
		n, err := r.Next(dst)
		if n > 0 || err == nil {
			return n, nil // an error comes again with the next call
		}
		switch w.tail.ended {
		case endStopped:
			// A packet that is half written is no damage.
			w.err = io.EOF
			return 0, w.err
		case endReplaced:
			var damage *DamageError
			if errors.As(err, &damage) {
				w.log.add(damage.Offset, damage.Packet, "%s", damage.Reason)
			}
			if err := w.reopen(); err != nil {
				w.err = err
				return 0, err
			}
		default:
			w.err = err
			return 0, err
		}
	}
}

// reopen goes on with the file that has the name now.
func (w *Follower) reopen() error {
	if r := w.r.Swap(nil); r != nil {
		w.log.take(&r.log)
		r.Close()
	}
	w.tail.f.Close()
	for {
		f, err := os.Open(w.path)
		if err == nil {
			w.tail = &tailFile{f: f, w: w}
			return nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("follow capture: %w", err)
		}
		if !w.wait() {
			return io.EOF
		}
	}
}

// wait waits for a while, and says whether to go on.
func (w *Follower) wait() bool {
	t := time.NewTimer(w.poll)
	defer t.Stop()
	select {
	case <-w.ctx.Done():
		return false
	case <-t.C:
		return w.ctx.Err() == nil
	}
}

// Progress returns how many bytes of the present file were read; total is
// always 0. It may be called at any time from any goroutine.
func (w *Follower) Progress() (read, total int64) {
	if r := w.r.Load(); r != nil {
		return r.Progress()
	}
	return 0, 0
}

// Problems returns the first places of damage that were stepped over so far,
// and how many there were in all.
func (w *Follower) Problems() ([]DamageError, int) {
	log := problems{list: slices.Clip(w.log.list), n: w.log.n}
	if r := w.r.Load(); r != nil {
		log.take(&r.log)
	}
	return log.list, log.n
}

// Close closes the file.
func (w *Follower) Close() error {
	if w.err == nil {
		w.err = errClosed
	}
	if r := w.r.Swap(nil); r != nil {
		r.Close()
	}
	return w.tail.f.Close()
}

// tailEnd says why a tailFile ended.
type tailEnd uint8

const (
	endNot      tailEnd = iota
	endStopped          // the context is done
	endReplaced         // the name stands for another file, or for a shorter one
)

// tailFile reads a growing file; at its end it waits.
type tailFile struct {
	f     *os.File
	w     *Follower
	n     int64
	last  bool // the file was replaced: what it has left is read, but not waited for
	ended tailEnd
}

func (t *tailFile) Read(p []byte) (int, error) {
	for {
		n, err := t.f.Read(p)
		t.n += int64(n)
		if n > 0 {
			return n, nil
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
		if t.last {
			t.ended = endReplaced
			return 0, io.EOF
		}
		if t.replaced() {
			t.last = true
			continue
		}
		if !t.w.wait() {
			t.ended = endStopped
			return 0, io.EOF
		}
	}
}

// replaced says whether the name now stands for other content. That the name is
// gone does not count: the writer may be between two files.
func (t *tailFile) replaced() bool {
	own, err := t.f.Stat()
	if err != nil {
		return false
	}
	if own.Size() < t.n {
		return true
	}
	now, err := os.Stat(t.w.path)
	return err == nil && !os.SameFile(own, now)
}
