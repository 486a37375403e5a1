package follow

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/portannot/portannot/capture/tail"
)

// Stream gives the files that have a path one after the other.
type Stream struct {
	set  *Set
	ctx  context.Context
	path string
	wake chan struct{} // something may have changed

	mu      sync.Mutex
	current *Log
	waiting []*Log
	newest  fs.FileInfo // of the last file that had the path
	known   map[key]bool
	copies  map[key]bool // files that have what a log has or had: the rest of one that was cut is read from them
	heads   [][]byte     // of files that were read or wait, to know their compressed forms by
	closed  bool
	missed  int
}

// newStream begins to follow a path. At first, what is there already besides the file
// itself is old, unless a position says otherwise.
func newStream(ctx context.Context, set *Set, path string, first bool) *Stream {
	s := &Stream{set: set, ctx: ctx, path: path, wake: make(chan struct{}, 1), known: map[key]bool{}, copies: map[key]bool{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	pos, resume := set.opt.Positions[path]
	if !resume || !first || !s.resume(&pos) {
		for _, f := range s.family() {
			s.known[keyOf(f.info)] = true
		}
	}
	s.lookLocked()
	return s
}

// Path gives the path that is followed.
func (s *Stream) Path() string { return s.path }

// sibling is a file beside the path with a name that rotations give.
type sibling struct {
	name string
	info fs.FileInfo
}

// family lists them, the longest not written to first. While files are being renamed a
// folder may be listed without one of them, or with a name that it has no more: so it
// is listed until two lists are the same.
func (s *Stream) family() []sibling {
	list := s.list()
	for range 20 {
		again := s.list()
		if slices.EqualFunc(list, again, func(a, b sibling) bool { return a.name == b.name && keyOf(a.info) == keyOf(b.info) }) {
			break
		}
		list = again
	}
	return list
}

func (s *Stream) list() (list []sibling) {
	dir := filepath.Dir(s.path)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if !isOlder(s.path, name) {
			continue
		}
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			list = append(list, sibling{name, info})
		}
	}
	slices.SortStableFunc(list, func(a, b sibling) int {
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), cmp.Compare(b.name, a.name)) // .2 is older than .1
	})
	return list
}

// concerns reports that a change of a name may be one of the file that is followed.
func (s *Stream) concerns(name string) bool {
	return filepath.Base(name) == filepath.Base(s.path) || isOlder(filepath.Base(s.path), filepath.Base(name))
}

// look looks for other files, and has the reader look for more.
func (s *Stream) look() {
	s.mu.Lock()
	s.lookLocked()
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// lookLocked opens the file of the path if it is another one, after those that had the
// path before it. A path that stands for none is waited for.
func (s *Stream) lookLocked() {
	now, err := os.Stat(s.path)
	if s.closed || err != nil || now.IsDir() || s.newest != nil && os.SameFile(s.newest, now) {
		return
	}
	var f *os.File
	var info fs.FileInfo
	for try := range 20 {
		if s.newest != nil {
			s.takeMissed()
		}
		if f, err = os.Open(s.path); err != nil {
			return // perhaps it is made readable yet
		}
		if info, err = f.Stat(); err != nil {
			f.Close()
			return
		}
		if os.SameFile(info, now) || try == 19 {
			break // no file between those that were taken and this one
		}
		f.Close()
		now = info
	}
	s.newest = info
	s.add(&Log{stream: s, name: s.path, f: f, info: info})
}

// add has a file wait to be read.
func (s *Stream) add(l *Log) {
	s.known[keyOf(l.info)] = true
	if len(s.waiting) >= MaxWaiting {
		s.missed++
		l.f.Close()
		return
	}
	now := time.Now()
	for _, before := range append(s.waiting, s.current) {
		if before != nil && before.superseded.IsZero() {
			before.superseded = now
		}
	}
	s.waiting = append(s.waiting, l)
}

// takeMissed has the files wait that had the path without being seen.
func (s *Stream) takeMissed() {
	var there map[key]bool
	for range 20 {
		there = map[key]bool{}
		if s.takeFamily(there) {
			break
		}
	}
	// A number of a file that is gone may be given to another one.
	for _, l := range append(s.waiting, s.current) {
		if l != nil {
			there[keyOf(l.info)] = true
		}
	}
	for _, set := range []map[key]bool{s.known, s.copies} {
		for k := range set {
			if !there[k] {
				delete(set, k)
			}
		}
	}
}

// takeFamily has the files beside the path wait that are not known, and notes which are
// there. It reports false where one was renamed meanwhile: then the names are to be
// looked at again, before a later file is taken.
func (s *Stream) takeFamily(there map[key]bool) bool {
	for _, b := range s.family() {
		k := keyOf(b.info)
		if there[k] = true; !s.known[k] && !s.copies[k] && b.info.Size() > 0 && !s.takeSibling(b, nil) {
			return false
		}
	}
	return true
}

// takeSibling has a file wait if it is no copy of one that was read or waits, and no
// compressed form of it. It reports false where the name is not the file's any more.
func (s *Stream) takeSibling(b sibling, pos *Position) bool {
	f, err := os.Open(b.name)
	if err != nil {
		return !os.IsNotExist(err)
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(now, b.info) {
		f.Close()
		return false
	}
	l := &Log{stream: s, name: b.name, f: f, info: b.info, static: isCompressedName(b.name)}
	head := l.head()
	if len(head) == 0 || pos == nil && s.isCopy(l, head) {
		s.copies[keyOf(b.info)] = true
		f.Close()
		return true
	}
	if pos != nil {
		l.start, l.header = pos.Offset, pos.Header
	}
	s.add(l)
	return true
}

// isCopy reports that a file is a copy of one that is known. head is its beginning.
func (s *Stream) isCopy(l *Log, head []byte) bool {
	begins := func(known []byte) bool { return bytes.HasPrefix(known, head) }
	for _, k := range append(s.waiting, s.current) {
		switch {
		case k == nil:
		case l.static && (begins(k.head()) || begins(k.wasHead())), !l.static && k.copiedTo(l):
			return true
		}
	}
	return l.static && slices.ContainsFunc(s.heads, begins)
}

// resume begins at a position: in the file that it is of, wherever that is now, and
// then in those that came after it. It reports that there is such a file.
func (s *Stream) resume(pos *Position) bool {
	var at *sibling
	family := s.family()
	if info, err := os.Stat(s.path); err == nil && info.Mode().IsRegular() {
		family = append(family, sibling{s.path, info})
	}
	find := func(ok func(*sibling) bool) {
		for i := range family {
			if b := &family[i]; at == nil && ok(b) && s.fits(b, pos) {
				at = b
			}
		}
	}
	// Compression and copies have other numbers, and a number may be of another file.
	find(func(b *sibling) bool { return keyOf(b.info) == key{pos.Device, pos.Inode} })
	if pos.HeadSize > 0 {
		find(func(b *sibling) bool { return isCompressedName(b.name) })
		find(func(b *sibling) bool { return true })
	}
	if at == nil && pos.HeadSize > 0 {
		s.set.opt.Report("%s: the file of the saved position is gone: what it had after that is lost", s.path)
	}
	after := pos.Modified
	if at != nil {
		after = at.info.ModTime()
	}
	found := false
	for i := range family {
		b := &family[i]
		switch {
		case at != nil && b.name == at.name:
			s.takeSibling(*b, pos)
			found = true
			if b.name == s.path {
				s.newest = b.info
			}
		case b.name == s.path:
			// looked at next
		case at != nil && at.name != s.path && found && !b.info.ModTime().Before(after), at == nil && b.info.ModTime().After(after):
			s.takeSibling(*b, nil)
		}
		s.known[keyOf(b.info)] = true
	}
	return true
}

// fits reports that a file is the one of a position.
func (s *Stream) fits(b *sibling, pos *Position) bool {
	f, err := os.Open(b.name)
	if err != nil {
		return false
	}
	defer f.Close()
	if !isCompressedName(b.name) {
		return b.info.Size() >= pos.Offset && pos.isAt(f)
	}
	z, err := decompress(f)
	if err != nil {
		return false
	}
	defer z.Close()
	return pos.isAt(z)
}

// knows reports that a file is one of this stream.
func (s *Stream) knows(info fs.FileInfo) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[keyOf(info)] || s.newest != nil && os.SameFile(s.newest, info)
}

// Next gives the next log, when there is one; the one before must have been read to its
// end. After the context of Run it gives io.EOF.
func (s *Stream) Next() (*Log, error) {
	for {
		s.mu.Lock()
		if l := s.current; l != nil {
			s.current = nil
			s.remember(l)
			if l.again {
				s.current = &Log{stream: s, name: l.name, f: l.f, info: l.info, superseded: l.superseded}
			} else {
				l.f.Close()
			}
		}
		if s.current == nil && len(s.waiting) > 0 {
			s.current, s.waiting = s.waiting[0], s.waiting[1:]
		}
		l, missed := s.current, s.missed
		s.missed = 0
		s.mu.Unlock()
		if missed > 0 {
			s.set.opt.Report("%s: %d files that had this name for a while not read: more than %d were waiting", s.path, missed, MaxWaiting)
		}
		if l != nil {
			return l, l.begin()
		}
		if !s.pause(s.set.poll) {
			return nil, io.EOF
		}
	}
}

// remember keeps the beginning of a log, to know its compressed form by.
func (s *Stream) remember(l *Log) {
	head := l.head()
	if l.again {
		head = l.wasHead()
	}
	if len(head) > 0 {
		s.heads = append(s.heads, head)
		s.heads = s.heads[max(0, len(s.heads)-maxHeads):]
	}
}

// pause waits until something may have changed. It reports false when it is time to end.
func (s *Stream) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-s.ctx.Done():
		return false
	case <-s.wake:
	case <-t.C:
	}
	return s.ctx.Err() == nil
}

func (s *Stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, l := range append(s.waiting, s.current) {
		if l != nil {
			l.f.Close()
		}
	}
	s.waiting, s.current = nil, nil
}

// findCopy finds the copy of a file that was cut, in which there is more than was
// read of the file.
func (s *Stream) findCopy(mark *tail.Mark) (f *os.File, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if mark.Offset() == 0 {
		return nil, ""
	}
	for moved, try := true, 0; moved && try < 20; try++ {
		moved = false
		for _, b := range s.family() {
			if s.known[keyOf(b.info)] || isCompressedName(b.name) || b.info.Size() < mark.Offset() {
				continue
			}
			f, err := os.Open(b.name)
			if err != nil {
				moved = moved || os.IsNotExist(err)
				continue
			}
			info, err := f.Stat()
			switch {
			case err != nil || !os.SameFile(info, b.info):
				moved = true // renamed meanwhile
			case mark.Holds(f):
				s.known[keyOf(info)] = true
				return f, b.name
			}
			f.Close()
		}
	}
	return nil, ""
}
