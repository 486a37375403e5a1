// Package follow reads logs that grow, across the rotations of those who write them.
//
// A [Set] has a [Stream] for each path. A stream gives the files that have the path one
// after the other, each as a [Log]:
//
//   - A file that was renamed is read until it is quiet for a while, since writers may
//     have it open still; then the one that took its name is.
//   - Files that had the name for so short a time that they were not seen are found
//     beside it, by names as those of logrotate: NAME.1, NAME-20261201, NAME.1.gz.
//   - A file that was cut or written anew in its place (copytruncate) is read again from
//     its beginning, after what a copy of it beside it has of the part not yet read.
//   - A half line at the end of a log is completed, and so never glued to the next log.
//
// Changes are noticed at once where the system tells of them (inotify and the like),
// and within a second everywhere.
package follow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	pollOften = 250 * time.Millisecond // where the system does not tell of changes
	pollElse  = time.Second
	// MaxWaiting is how many files of a path are held open until they are read.
	MaxWaiting = 64
	maxHeads   = 256 // beginnings of files that are remembered
)

// Options say how to follow.
type Options struct {
	// Wait is how long a file that has lost its name must be quiet to be done with.
	Wait time.Duration
	// Positions are those to go on from, by path.
	Positions map[string]Position
	// Report is told of what a user should know: files that were written anew, and
	// what was lost. It may be called from several goroutines.
	Report func(format string, args ...any)
}

// Set follows the files of some paths and patterns.
type Set struct {
	opt      Options
	paths    []string // as given
	patterns []string
	notify   *fsnotify.Watcher // nil: the system does not tell of changes
	poll     time.Duration

	mu      sync.Mutex
	streams []*Stream
}

// New begins to look at paths, of which those with *, ? or [ are patterns unless a
// file of that name is there. No file need be there yet, but the folders must.
func New(names []string, opt Options) (*Set, error) {
	s := &Set{opt: opt, poll: pollOften}
	for _, name := range names {
		if _, err := os.Lstat(name); err != nil && strings.ContainsAny(name, `*?[`) {
			if _, err := filepath.Match(name, ""); err != nil {
				return nil, fmt.Errorf("follow %s: %w", name, err)
			}
			s.patterns = append(s.patterns, name)
		} else {
			s.paths = append(s.paths, name)
		}
	}
	for _, dir := range s.Folders() {
		if st, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("follow: %w", err)
		} else if !st.IsDir() {
			return nil, fmt.Errorf("follow: %s is no folder", dir)
		}
	}
	if w, err := fsnotify.NewWatcher(); err == nil {
		s.notify, s.poll = w, pollElse
		for _, dir := range s.Folders() {
			if w.Add(dir) != nil {
				s.poll = pollOften
			}
		}
	}
	return s, nil
}

// Folders lists the folders of the files. Those of patterns may have a pattern
// themselves: of these, the part before it.
func (s *Set) Folders() (list []string) {
	add := func(dir string) {
		for strings.ContainsAny(dir, `*?[`) {
			dir = filepath.Dir(dir)
		}
		if !slices.Contains(list, dir) {
			list = append(list, dir)
		}
		if real, err := filepath.EvalSymlinks(dir); err == nil && real != dir && !slices.Contains(list, real) {
			list = append(list, real)
		}
	}
	for _, name := range slices.Concat(s.paths, s.patterns) {
		add(filepath.Dir(name))
		if real, err := filepath.EvalSymlinks(name); err == nil {
			add(filepath.Dir(real))
		}
	}
	return list
}

// Run calls read in a goroutine of its own for each path that is followed, also for
// those that a pattern finds later. It returns when ctx is done and all calls came
// back, or with the first error of one.
func (s *Set) Run(ctx context.Context, read func(*Stream) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var readers sync.WaitGroup
	begin := func(path string, first bool) {
		st := newStream(ctx, s, path, first)
		s.mu.Lock()
		s.streams = append(s.streams, st)
		s.mu.Unlock()
		readers.Go(func() {
			if err := read(st); err != nil {
				cancel(err)
			}
		})
	}
	for _, path := range s.paths {
		begin(path, true)
	}
	s.expand(true, begin)
	var events chan fsnotify.Event
	var errs chan error
	if s.notify != nil {
		defer s.notify.Close()
		events, errs = s.notify.Events, s.notify.Errors
	}
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case e := <-events:
			s.look(e.Name)
			if e.Has(fsnotify.Create) {
				s.expand(false, begin)
			}
		case <-errs: // more changes than the system remembers: all is looked at
			s.look("")
		case <-tick.C:
			s.look("")
			s.expand(false, begin)
		}
	}
	readers.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// Close closes all files. It is called after Run.
func (s *Set) Close() {
	for _, st := range s.streams {
		st.close()
	}
}

// look has the streams look at what changed: at a name, or at all for "".
func (s *Set) look(name string) {
	s.mu.Lock()
	list := slices.Clone(s.streams)
	s.mu.Unlock()
	for _, st := range list {
		if name == "" || st.concerns(name) {
			st.look()
		}
	}
}

// expand begins to follow files that patterns name, unless one is followed already
// under another name, as a file is that was renamed.
func (s *Set) expand(first bool, begin func(path string, first bool)) {
	for _, pattern := range s.patterns {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			st, err := os.Stat(name)
			if err != nil || !st.Mode().IsRegular() || isCompressedName(name) || s.has(name, st, first) {
				continue
			}
			begin(name, first)
		}
	}
}

// has reports that a file is known to a stream, by its name or as what it is. At first,
// files that look like older ones of another file are known too.
func (s *Set) has(name string, info fs.FileInfo, first bool) bool {
	s.mu.Lock()
	list := slices.Clone(s.streams)
	s.mu.Unlock()
	for _, st := range list {
		if st.path == name || st.knows(info) || isOlder(st.path, name) {
			return true
		}
	}
	return first && isOlderOfAny(name)
}
