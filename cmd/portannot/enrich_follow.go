package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/capture/tail"
	"github.com/portannot/portannot/cmd/portannot/internal/metrics"
)

// growPoll is how often a file that is followed is looked at.
const growPoll = 250 * time.Millisecond

// maxWaiting is how many files that took the name of the one that is read are held
// open until they are read. Logs are rotated every hour or so.
const maxWaiting = 64

// copyGrowing copies a log that grows, until ctx is done. When another file
// takes its name, as happens when logs are rotated, or when it is cut or written
// anew, the copying goes on with that as a new log.
func (j *enrichJob) copyGrowing(ctx context.Context, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	s := &successors{name: name, last: f, say: j.warnf}
	watching, stop := context.WithCancel(ctx)
	defer s.close()
	defer stop()
	go s.watch(watching)
	for {
		g := &growing{ctx: ctx, f: f, next: s}
		// The end of ctx is the end of the log: what was read is written.
		err := j.enrich(context.WithoutCancel(ctx), j.read.of(g), name)
		if n := s.lost(); n > 0 {
			j.warnf("%s: %s that had this name for a while not read: more than %d were waiting", name, plural(n, "file"), maxWaiting)
		}
		switch {
		case err != nil || g.then == goEnd:
			f.Close()
			return err
		case g.then == goAgain:
			j.warnf("%s: cut or written anew: read again from its beginning", name)
			if _, err := f.Seek(0, io.SeekStart); err != nil {
				f.Close()
				return err
			}
		case g.then == goNext:
			f.Close()
			f = s.take()
		}
	}
}

// successors opens the files that take a name one after the other, also while the
// reader waits for somebody.
type successors struct {
	name string
	last *os.File // the newest file of that name; closed by its reader
	say  func(format string, args ...any)

	mu      sync.Mutex
	closed  bool
	waiting []*os.File
	missed  uint64      // files that came when too many were waiting
	newest  os.FileInfo // of last, or of the newest that was missed
	barred  os.FileInfo // of a file that could not be opened, which has been said
}

// watch looks for new files until ctx is done.
func (s *successors) watch(ctx context.Context) {
	s.newest, _ = s.last.Stat()
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(growPoll):
			s.look()
		}
	}
}

// look opens the file of the name if it is another one. A name that stands for none
// is waited for: another is about to take it.
func (s *successors) look() {
	now, err := os.Stat(s.name)
	if err != nil || os.SameFile(s.newest, now) {
		return
	}
	f, err := os.Open(s.name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && (s.barred == nil || !os.SameFile(s.barred, now)) {
			s.barred = now
			s.say("%v: waiting until it can be read", err)
		}
		return
	}
	if s.newest, err = f.Stat(); err != nil {
		f.Close()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.waiting) == maxWaiting {
		s.missed++
		f.Close()
		return
	}
	s.waiting = append(s.waiting, f)
}

// any reports that a file is waiting.
func (s *successors) any() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0
}

// take gives the oldest file that is waiting. There must be one.
func (s *successors) take() *os.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.waiting[0]
	s.waiting = s.waiting[1:]
	return f
}

// lost tells of files that were missed since it was called before.
func (s *successors) lost() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.missed
	s.missed = 0
	return n
}

func (s *successors) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, f := range s.waiting {
		f.Close()
	}
	s.waiting = nil
}

// followMetrics show what a run that follows a log is doing.
type followMetrics struct {
	read  *readSoFar
	mu    sync.Mutex
	stats flowlog.Stats
}

// update is told of the counts after each block.
func (f *followMetrics) update(st *flowlog.Stats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats = *st
}

// write gives the metrics.
func (f *followMetrics) write(w *metrics.Writer) {
	f.mu.Lock()
	st := f.stats
	f.mu.Unlock()
	read, _ := f.read.Progress()
	w.Counter("portannot_log_bytes_total", "Bytes read of the log.", uint64(read))
	const lines, help = "portannot_log_lines_total", "Lines of the log, by what they are."
	w.Counter(lines, help, st.Other, "kind", "other")
	w.Counter(lines, help, st.Bad, "kind", "not_understood")
	w.Counter(lines, help, st.Lines-min(st.Lines, st.Other+st.Bad), "kind", "flow")
	flowMetrics(w, &st)
}

// growing reads a file and waits at its end.
type growing struct {
	ctx  context.Context
	f    *os.File
	next *successors
	mark tail.Mark
	rest bool // another file has the name: what this has left is read, but not waited for
	then afterLog
}

// afterLog is what follows the end of a log.
type afterLog uint8

const (
	goEnd   afterLog = iota
	goNext           // the file that took its name
	goAgain          // the same file, which was written anew
)

func (g *growing) Read(p []byte) (int, error) {
	if g.then != goEnd {
		return 0, io.EOF
	}
	for {
		n, err := g.f.Read(p)
		if !g.mark.Holds(g.f) {
			return g.end(p, goAgain)
		}
		if n > 0 {
			g.mark.Read(p[:n])
			return n, nil
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
		switch {
		case g.rest:
			return g.end(p, goNext)
		case g.next.any():
			g.rest = true // what was written meanwhile is still read
			continue
		}
		select {
		case <-g.ctx.Done():
			return 0, io.EOF
		case <-time.After(growPoll):
		}
	}
}

// end ends this log. Half a line at its end is completed, so that it does not spoil
// the first of the next log.
func (g *growing) end(p []byte, then afterLog) (int, error) {
	g.then = then
	if g.mark.HalfLine() && len(p) > 0 {
		p[0] = '\n'
		return 1, nil
	}
	return 0, io.EOF
}
