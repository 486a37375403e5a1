package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/portannot/portannot/capture/tail"
)

// FollowFiles reads captures one after the other as they appear, such as those of a ring
// of dumpcap or of tcpdump -G. Names with *, ? or [ are patterns, unless a file of that
// name is there. No file need be there yet, but the folders must.
//
// Of the files that are there the one written last is the last. At its end FollowFiles
// waits for more, and for a file written later, with which it goes on: whoever begins
// that one is done with the one before. A file that is written anew, as in a ring of
// fixed names, is a new file. A file that grows after the next one was begun is a
// problem, for what it has gained is not read.
func FollowFiles(ctx context.Context, names []string, opt Options) (*Follower, error) {
	for _, name := range names {
		if _, err := filepath.Match(name, ""); err != nil {
			return nil, fmt.Errorf("follow %s: %w", name, err)
		}
		dir := filepath.Dir(name)
		for IsPattern(dir) {
			dir = filepath.Dir(dir)
		}
		if st, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("follow captures: %w", err)
		} else if !st.IsDir() {
			return nil, fmt.Errorf("follow captures: %s is no folder", dir)
		}
	}
	w := newFollower(ctx, opt)
	w.ring = &ring{names: names, read: make(map[string]readFile)}
	return w, nil
}

// IsPattern reports a name that may stand for several.
func IsPattern(name string) bool { return strings.ContainsAny(name, `*?[`) }

// ring is what a Follower of several files knows of them.
type ring struct {
	names []string
	read  map[string]readFile // files that were read to their end, by name
	// found are the files to be read next, in their order. A folder of thousands is not
	// listed again for each of them.
	found []foundFile
	// listAgain is when the folders may be listed again: listing takes at most a
	// twentieth of the time, however many files are there.
	listAgain time.Time
}

// foundFile is a file that is there and was not read.
type foundFile struct {
	path string
	info fs.FileInfo
}

// readFile is a file as it was when it was read to its end.
type readFile struct {
	info fs.FileInfo
	mark tail.Mark
	gone time.Time // when the name was not there any more; zero: it is
}

// forgetAfter is how long a file is remembered whose name is gone: a folder may be
// listed just before it is renamed, and looked at just after.
const forgetAfter = time.Minute

// next gives the file to be read after the present one, which is nil at first: of those not
// read yet the one written first. log is told what else became of files that were read.
//
// The present file is left only for one that was written later. Files that were written
// before it and are found only now (moved there, or whole before a late write to the
// present one) are read once it is left.
func (r *ring) next(present *os.File, log *problems) (path string, ok bool) {
	if len(r.found) == 0 {
		began := time.Now()
		if began.Before(r.listAgain) {
			return "", false
		}
		r.list(present, log)
		r.listAgain = began.Add(20 * time.Since(began))
	}
	if len(r.found) == 0 {
		return "", false
	}
	return r.found[0].path, true
}

// list finds the files to be read next.
func (r *ring) list(present *os.File, log *problems) {
	var now fs.FileInfo
	if present != nil {
		now, _ = present.Stat()
	}
	later := now == nil
	there := make(map[string]bool)
	for _, name := range r.names {
		paths := []string{name}
		if _, err := os.Lstat(name); err != nil {
			paths, _ = filepath.Glob(name)
		}
		for _, p := range paths {
			st, err := os.Stat(p)
			if err != nil || !st.Mode().IsRegular() || there[p] {
				continue
			}
			if there[p] = true; now != nil && os.SameFile(st, now) || r.known(p, st, log) {
				continue
			}
			later = later || !st.ModTime().Before(now.ModTime())
			r.found = append(r.found, foundFile{p, st})
		}
	}
	if !later {
		r.found = nil
	}
	slices.SortFunc(r.found, func(a, b foundFile) int {
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), compareNames(a.path, b.path))
	})
	// Two names of one file have one time, and so stand side by side.
	r.found = slices.CompactFunc(r.found, func(a, b foundFile) bool { return os.SameFile(a.info, b.info) })
	for p, old := range r.read {
		switch {
		case there[p]:
			continue
		case old.gone.IsZero():
			old.gone = time.Now()
			r.read[p] = old
		case time.Since(old.gone) > forgetAfter:
			delete(r.read, p)
		}
	}
}

// known reports that a file was read, perhaps under another name.
func (r *ring) known(path string, st fs.FileInfo, log *problems) bool {
	old, ok := r.read[path]
	if !ok || !os.SameFile(old.info, st) {
		if ok = false; len(r.read) > 0 {
			for p, o := range r.read {
				if os.SameFile(o.info, st) {
					old, ok = o, true
					delete(r.read, p) // it was renamed
					break
				}
			}
		}
		if !ok {
			return false
		}
	}
	if old.info.Size() != st.Size() || !old.info.ModTime().Equal(st.ModTime()) {
		f, err := os.Open(path)
		if err != nil {
			return true
		}
		defer f.Close()
		if !old.mark.Holds(f) {
			delete(r.read, path)
			return false // written anew
		}
		if late := st.Size() - old.mark.Offset(); late > 0 {
			log.addTo(path, old.mark.Offset(), "%d bytes were written after the next file was begun, and are not read", late)
		}
		old.mark, _ = tail.At(f, st.Size())
		old.info = st
	}
	old.gone = time.Time{}
	r.read[path] = old
	return true
}

// done notes that a file was read to its end.
func (r *ring) done(path string, t *tailFile) {
	if st, err := t.f.Stat(); err == nil {
		r.read[path] = readFile{info: st, mark: t.mark}
	}
}

// compareNames compares names as people number them: file2 stands before file10.
func compareNames(a, b string) int {
	digits := func(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }
	for len(a) > 0 && len(b) > 0 {
		m, n := digits(a), digits(b)
		if m > 0 && n > 0 {
			x, y := strings.TrimLeft(a[:m], "0"), strings.TrimLeft(b[:n], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[m:], b[n:]
			continue
		}
		if a[0] != b[0] {
			break
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(a, b)
}

// open opens the next file, and waits until there is one.
func (r *ring) open(w *Follower) error {
	for {
		if path, ok := r.next(nil, &w.log); ok {
			found := r.found[0]
			r.found = r.found[1:]
			f, err := os.Open(path)
			if err == nil {
				// It may be read by now, under another name.
				if st, err := f.Stat(); err == nil && r.known(path, st, &w.log) {
					f.Close()
					continue
				}
				w.begin(path, f)
				return nil
			}
			if !errors.Is(err, os.ErrNotExist) {
				w.log.addTo(path, 0, "%v", err)
				r.read[path] = readFile{info: found.info} // others may be readable
			}
			continue
		}
		if !w.wait() {
			return errStopped
		}
	}
}
