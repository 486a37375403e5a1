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

	"github.com/portannot/portannot/capture/tail"
)

// followPoll is how long Follow waits before it looks again for new bytes.
const followPoll = 100 * time.Millisecond

// Follower reads a capture that is still being written. At the end of the
// file it waits for more. When another file takes the place of this one, as
// in a rotating capture, or when the file is cut or written anew, it reads the
// new content from its start, and packet numbers begin at 1 again.
type Follower struct {
	ctx  context.Context
	path string
	opt  Options
	poll time.Duration
	r    atomic.Pointer[Reader] // nil until the file header is there
	file *tailFile
	log  problems
	err  error

	restarts atomic.Uint64
}

// Follow opens a growing capture. When ctx is done, Next returns io.EOF.
func Follow(ctx context.Context, path string, opt Options) (*Follower, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("follow capture: %w", err)
	}
	opt.NoReadAhead = true // so that packets come as soon as they are written
	opt.Context = nil      // tailFile looks at ctx; a second goroutine would race with it
	w := &Follower{ctx: ctx, path: path, opt: opt, poll: followPoll}
	w.log.name = path
	w.file = &tailFile{f: f, w: w}
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
			r, err = newReader(w.file, nil, w.path, 0, w.opt)
			switch {
			case err == nil:
				w.r.Store(r)
			case w.ctx.Err() != nil:
				w.err = io.EOF
				return 0, w.err
			case w.file.ended == endReplaced:
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
		switch w.file.ended {
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
	w.file.f.Close()
	for {
		f, err := os.Open(w.path)
		if err == nil {
			w.file = &tailFile{f: f, w: w}
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

// Restarts returns how often the file was cut or written anew in its place, and so
// read from its beginning. Old content that was not yet read is lost. It may be
// called at any time from any goroutine.
func (w *Follower) Restarts() uint64 { return w.restarts.Load() }

// Close closes the file.
func (w *Follower) Close() error {
	if w.err == nil {
		w.err = errClosed
	}
	if r := w.r.Swap(nil); r != nil {
		r.Close()
	}
	return w.file.f.Close()
}

// tailEnd says why a tailFile ended.
type tailEnd uint8

const (
	endNot      tailEnd = iota
	endStopped          // the context is done
	endReplaced         // the name stands for another file, or the file was written anew
)

// tailFile reads a growing file; at its end it waits.
type tailFile struct {
	f     *os.File
	w     *Follower
	mark  tail.Mark
	last  bool // another file has the name: what this has left is read, but not waited for
	ended tailEnd
}

func (t *tailFile) Read(p []byte) (int, error) {
	for {
		n, err := t.f.Read(p)
		// After the reading: what was read of a file that is still what it was
		// is its content.
		if !t.mark.Holds(t.f) {
			t.w.restarts.Add(1)
			t.ended = endReplaced
			return 0, io.EOF
		}
		if n > 0 {
			t.mark.Read(p[:n])
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

// replaced says whether the name now stands for another file. That the name is
// gone does not count: the writer may be between two files.
func (t *tailFile) replaced() bool {
	own, err := t.f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(t.w.path)
	return err == nil && !os.SameFile(own, now)
}
