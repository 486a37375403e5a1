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

// Follower reads a capture that is still being written, or several one after the other.
// At the end of the file it waits for more. When another file takes the place of this one, as
// in a rotating capture, or when the file is cut or written anew, it reads the
// new content from its start, and packet numbers begin at 1 again.
type Follower struct {
	ctx  context.Context
	path string
	ring *ring // nil for one file, which is followed by its name
	opt  Options
	poll time.Duration
	r    atomic.Pointer[Reader] // nil until the file header is there
	file *tailFile              // nil until there is one
	log  problems
	err  error

	restarts atomic.Uint64
	files    atomic.Uint64
	origins  origins
}

// errStopped says that the context is done.
var errStopped = errors.New("stopped")

func newFollower(ctx context.Context, opt Options) *Follower {
	opt.NoReadAhead = true // so that packets come as soon as they are written
	opt.Context = nil      // tailFile looks at ctx; a second goroutine would race with it
	return &Follower{ctx: ctx, opt: opt, poll: followPoll}
}

// Follow opens a growing capture. When ctx is done, Next returns io.EOF.
func Follow(ctx context.Context, path string, opt Options) (*Follower, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("follow capture: %w", err)
	}
	w := newFollower(ctx, opt)
	w.begin(path, f)
	return w, nil
}

// begin begins to read a file.
func (w *Follower) begin(path string, f *os.File) {
	w.path, w.log.name, w.file = path, path, &tailFile{f: f, w: w}
	w.files.Add(1)
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
		if w.file == nil {
			if err := w.ring.open(w); err != nil {
				return w.fail(err)
			}
		}
		r := w.r.Load()
		if r == nil {
			var err error
			r, err = newReader(w.file, nil, w.path, 0, w.opt)
			switch {
			case err == nil:
				w.r.Store(r)
			case w.ctx.Err() != nil:
				return w.fail(errStopped)
			case w.file.ended == endReplaced:
				// It never became a capture; the new file may.
				if err := w.reopen(); err != nil {
					return w.fail(err)
				}
				continue
			case w.passOver(err):
				continue
			default:
				return w.fail(err)
			}
		}
		n, err := r.Next(dst)
		if n > 0 || err == nil {
			w.origins.add(w.path, n)
			return n, nil // an error comes again with the next call
		}
		switch w.file.ended {
		case endStopped:
			// A packet that is half written is no damage.
			return w.fail(errStopped)
		case endReplaced:
			var damage *DamageError
			if errors.As(err, &damage) {
				w.log.add(damage.Offset, damage.Packet, "%s", damage.Reason)
			}
			if err := w.reopen(); err != nil {
				return w.fail(err)
			}
		default:
			if !w.passOver(err) {
				return w.fail(err)
			}
		}
	}
}

// fail ends the reading.
func (w *Follower) fail(err error) (int, error) {
	if w.err = err; err == errStopped {
		w.err = io.EOF
	}
	return 0, w.err
}

// passOver goes on with the next of several files after one that is no capture, or is
// damaged for good.
func (w *Follower) passOver(err error) bool {
	var damage *DamageError
	switch {
	case w.ring == nil:
		return false
	case errors.As(err, &damage):
		w.log.add(damage.Offset, damage.Packet, "%s", damage.Reason)
	case errors.Is(err, ErrNotCapture):
		w.log.add(0, 0, "no capture")
	default:
		return false
	}
	return w.reopen() == nil
}

// reopen goes on with the file that has the name now.
func (w *Follower) reopen() error {
	if r := w.r.Swap(nil); r != nil {
		w.log.take(&r.log)
		r.Close()
	}
	if w.ring != nil && !w.file.rewritten {
		w.ring.done(w.path, w.file)
	}
	w.file.f.Close()
	w.file = nil
	if w.ring != nil {
		return nil // the next one is waited for
	}
	for {
		f, err := os.Open(w.path)
		if err == nil {
			w.begin(w.path, f)
			return nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("follow capture: %w", err)
		}
		if !w.wait() {
			return errStopped
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

// Files returns how many files were begun. It may be called at any time from any
// goroutine.
func (w *Follower) Files() uint64 { return w.files.Load() }

// FileOf returns the file that a packet is of, by its number in the order in which Next
// gave them, from 1. It may be called at any time from any goroutine.
func (w *Follower) FileOf(number uint64) string { return w.origins.of(number) }

// Close closes the file.
func (w *Follower) Close() error {
	if w.err == nil {
		w.err = errClosed
	}
	if r := w.r.Swap(nil); r != nil {
		r.Close()
	}
	if w.file == nil {
		return nil
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
	last  bool // another file has the name, or is next: what this has left is read, but not waited for
	ended tailEnd
	// rewritten says that the file is not what was read of it.
	rewritten bool
}

func (t *tailFile) Read(p []byte) (int, error) {
	for {
		n, err := t.f.Read(p)
		// After the reading: what was read of a file that is still what it was
		// is its content.
		if !t.mark.Holds(t.f) {
			t.w.restarts.Add(1)
			t.ended, t.rewritten = endReplaced, true
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

// replaced says whether the name now stands for another file, or whether there is a next
// one of several. That the name is gone does not count: the writer may be between two
// files.
func (t *tailFile) replaced() bool {
	if t.w.ring != nil {
		_, ok := t.w.ring.next(t.f, &t.w.log)
		return ok
	}
	own, err := t.f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(t.w.path)
	return err == nil && !os.SameFile(own, now)
}
