// Package rotate writes output files of runs that go on for months.
//
// A [File] takes whole records. It begins a new file after a time or before a size
// is passed, or when somebody renamed the present one and says so ([File.Reopen]).
// Each file is complete: it begins with the header, ends with the footer, and no
// record is split over two. No file of an earlier run is overwritten: one that has
// the name is renamed first.
//
// A disk that is full does not end a run. What cannot be written is held back, up to
// [MaxHeld] bytes, and tried again at each [File.Tick]; records that find no room
// there are counted as lost. The file has whole records at any time.
package rotate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/portannot/portannot/cmd/internal/outfile"
)

// MaxHeld bounds what is held back while it cannot be written, in bytes; one record
// more may be held.
const MaxHeld = 16 << 20

const (
	flushAt    = 64 << 10
	retryAfter = 10 * time.Second // a rotation that failed
)

// Options say when a file is closed, and what becomes of it.
type Options struct {
	Every    time.Duration // the age at which a file is closed; 0: any
	Size     int64         // the bytes that a file has at most, unless one record has more; 0: any
	Keep     int           // closed files that are kept, those of earlier runs included; 0: all
	Compress string        // of closed files: "gzip", "zstd", or "" for none
	// Tcpdump, if not nil, names files as tcpdump does. Otherwise the present file
	// has the path that was given, and a closed one the time of its opening before
	// the extension.
	Tcpdump *Tcpdump
	// Header, if not nil, appends what a file begins with. It is called when a file
	// is opened, before its first record is made.
	Header func(dst []byte) []byte
	Footer func(dst []byte) []byte // what it ends with
	Unit   string                  // what a record is, for messages: "packet"
}

// Rotates reports whether files are closed before the end.
func (o *Options) Rotates() bool { return o.Every > 0 || o.Size > 0 }

// ErrNotRegular says that there is something at a path that is no regular file.
var ErrNotRegular = errors.New("not a regular file")

// File is an output file, and the ones that come after it. Its methods may be called
// from several goroutines.
type File struct {
	opt    Options
	given  string // symbolic links followed
	closer *closer

	mu      sync.Mutex
	f       file
	path    string // of the present file
	opened  time.Time
	last    time.Time // in the name of the file renamed last
	records uint64    // in the present file
	size    int64     // of the present file, with what is not yet written, and the footer
	partial bool      // the last Append was a part of a record
	buf     []byte    // not yet written
	ends    []end     // of records in buf
	failing bool      // buf could not be written
	retry   time.Time // no rotation before this, after one that failed
	reopen  bool      // asked for, and not yet possible
	done    bool      // tcpdump's -W files are full
	files   int       // opened, for -W
	account Account
	fault   string // the last one
	told    Account
}

// file is what is needed of an os.File.
type file interface {
	io.WriteCloser
	io.ReaderAt
	Stat() (fs.FileInfo, error)
	Sync() error
	Truncate(size int64) error
}

// end is the end of one Append that ends a record.
type end struct {
	offset  int
	records uint64
}

// Account counts what was done.
type Account struct {
	Files   uint64 // opened
	Records uint64 // taken, those lost included
	Lost    uint64 // records that could not be written
	// Failures, by what was tried. A write that fails is tried again.
	Write, Rotate, Compress, Remove uint64
}

func (a *Account) failures() uint64 { return a.Write + a.Rotate + a.Compress + a.Remove }

// Open opens the file at a path, or what its name gives. A file with content that is
// there is renamed: moved says to what, "" for none. The error is ErrNotRegular for
// a device, a named pipe and the like.
func Open(path string, opt Options) (f *File, moved string, err error) {
	given, err := outfile.Target(path)
	if err != nil {
		return nil, "", fmt.Errorf("write %s: %w", path, err)
	}
	f = &File{opt: opt, given: given}
	now := time.Now()
	f.path = f.given
	if opt.Tcpdump != nil {
		f.path = opt.Tcpdump.path(f.given, &f.opt, now)
	}
	if f.f, moved, err = f.create(f.path, nil); err != nil {
		if !errors.Is(err, ErrNotRegular) {
			err = fmt.Errorf("write %s: %w", path, withoutPath(err))
		}
		return nil, "", err
	}
	f.closer = newCloser(f)
	if opt.Rotates() && opt.Tcpdump == nil {
		f.closer.leftovers()
	}
	f.begin(now)
	f.flush()
	return f, moved, nil
}

// withoutPath gives the error of the system alone: messages name the path as given.
func withoutPath(err error) error {
	var named *fs.PathError
	var linked *os.LinkError
	switch {
	case errors.As(err, &named):
		return named.Err
	case errors.As(err, &linked):
		return linked.Err
	}
	return err
}

// create makes a new file, with the permissions of like, or of an older one that has
// the path. An older one with content is renamed, or, in a ring, removed.
func (f *File) create(path string, like fs.FileInfo) (file, string, error) {
	made, moved, err := f.createFile(path, like)
	if err != nil {
		return nil, "", err
	}
	return made, moved, nil
}

func (f *File) createFile(path string, like fs.FileInfo) (made *os.File, moved string, err error) {
	for range 10 { // another program may be making files there too
		old, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, "", err
		case old.IsDir():
			return nil, "", errors.New("is a directory")
		case !old.Mode().IsRegular():
			return nil, "", ErrNotRegular
		case old.Size() == 0:
			made, err = os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
			return made, moved, err
		case f.opt.Tcpdump != nil && f.opt.Tcpdump.ring(&f.opt):
			like = old
			if err := os.Remove(path); err != nil {
				return nil, "", err
			}
		default:
			if like == nil {
				like = old
			}
			if moved, err = moveAside(path, old.ModTime()); err != nil {
				return nil, "", err
			}
		}
		mode := fs.FileMode(0o666) // less the umask
		if like != nil {
			mode = like.Mode().Perm()
		}
		made, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil && like != nil {
			outfile.KeepOwner(made, like)
		}
		return made, moved, err
	}
	return nil, "", fs.ErrExist
}

// begin begins a file that was just opened.
func (f *File) begin(now time.Time) {
	f.opened, f.records, f.size = now, 0, 0
	f.files++
	f.account.Files++
	if f.opt.Footer != nil && f.opt.Size > 0 {
		f.size = int64(len(f.opt.Footer(nil)))
	}
	if f.opt.Header != nil {
		f.put(f.opt.Header(nil), 0)
	}
}

// Path gives the path of the present file.
func (f *File) Path() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.path
}

// Unit gives Options.Unit.
func (f *File) Unit() string { return f.opt.Unit }

// Account gives the counts so far.
func (f *File) Account() Account {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.account
}

// Room makes room for a record of n bytes: it reports whether a new file was begun
// for it. A record that depends on what its file has already must then be made
// again.
func (f *File) Room(n int) (fresh bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opt.Size == 0 || f.records == 0 || f.partial || f.size+int64(n) <= f.opt.Size {
		return false
	}
	return f.rotate(time.Now(), false)
}

// Left gives how many bytes of records the present file takes before another one is
// begun.
func (f *File) Left() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opt.Size == 0 {
		return math.MaxInt64
	}
	return f.opt.Size - f.size
}

// Full reports that records cannot be taken at present; see Lose.
func (f *File) Full() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.full()
}

func (f *File) full() bool { return f.failing && len(f.buf) >= MaxHeld }

// Lose counts records that were not given because the file is full.
func (f *File) Lose(records uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.account.Records += records
	f.account.Lost += records
}

// Append appends whole records. Call Full and Room first.
func (f *File) Append(p []byte, records uint64) { f.append(p, records, true) }

// AppendPart appends a part of a record that is not its end. No file ends there.
func (f *File) AppendPart(p []byte) { f.append(p, 0, false) }

func (f *File) append(p []byte, records uint64, whole bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records += records
	f.account.Records += records
	if f.partial = !whole; whole {
		f.put(p, records)
	} else {
		f.buf = append(f.buf, p...)
		f.size += int64(len(p))
	}
	if len(f.buf) >= flushAt && !f.failing {
		f.flush()
	}
}

func (f *File) put(p []byte, records uint64) {
	f.buf = append(f.buf, p...)
	f.size += int64(len(p))
	f.ends = append(f.ends, end{len(f.buf), records})
}

// flush writes what is held back. When that fails the file is cut behind the last
// whole record, and the rest stays to be written again.
func (f *File) flush() bool {
	if len(f.buf) == 0 {
		return true
	}
	n, err := f.f.Write(f.buf)
	if err == nil {
		f.buf, f.ends, f.failing = f.buf[:0], f.ends[:0], false
		if cap(f.buf) > 1<<20 {
			f.buf = nil
		}
		return true
	}
	written, i := 0, 0
	for ; i < len(f.ends) && f.ends[i].offset <= n; i++ {
		written = f.ends[i].offset
	}
	if n > written {
		if st, statErr := f.f.Stat(); statErr != nil || f.f.Truncate(st.Size()-int64(n-written)) != nil {
			written = n // the rest of the record comes behind this part
		}
	}
	f.buf = append(f.buf[:0], f.buf[written:]...)
	f.ends = append(f.ends[:0], f.ends[i:]...)
	for k := range f.ends {
		f.ends[k].offset -= written
	}
	f.failing = true
	f.failed(&f.account.Write, err)
	return false
}

// failed counts a failure.
func (f *File) failed(kind *uint64, err error) {
	*kind++
	f.fault = withoutPath(err).Error()
}

// Tick writes what is held back, and closes the present file if it is old enough. It
// is to be called about once a second. done reports that all of tcpdump's -W files
// were written: the run is to end.
func (f *File) Tick(now time.Time) (done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush()
	if f.reopen {
		f.tryReopen(now)
	}
	if f.opt.Every == 0 || now.Sub(f.opened) < f.opt.Every || f.partial {
		return f.done
	}
	if f.records == 0 { // nothing yet: its time begins now
		f.opened = now
		return f.done
	}
	if n := f.opt.Tcpdump; n != nil && n.Count > 0 && f.opt.Size == 0 && f.files >= n.Count {
		f.done = true
		return true
	}
	f.rotate(now, true)
	return f.done
}

// rotate closes the present file and begins another one. When that fails, the
// present one goes on.
func (f *File) rotate(now time.Time, byTime bool) bool {
	if now.Before(f.retry) {
		return false
	}
	f.retry = now.Add(retryAfter) // unless it succeeds
	if !f.flush() {
		return false
	}
	next, closed := f.given, ""
	back := func() {}
	if n := f.opt.Tcpdump; n != nil {
		before := n.number
		n.next(&f.opt, byTime)
		next, closed = n.path(f.given, &f.opt, now), f.path
		back = func() { n.number = before }
	}
	var err error
	if f.ours() && next == f.path {
		err = f.replace(now)
	} else {
		err = f.swap(next, closed, now)
	}
	if err != nil {
		back()
		f.failed(&f.account.Rotate, err)
		return false
	}
	f.retry = time.Time{}
	return true
}

// replace puts a new file in the place of the present one, which gets a name of its
// own. Where the system can exchange names, the path stands for one of them at any
// time: somebody may be about to rename it.
func (f *File) replace(now time.Time) error {
	like, err := f.f.Stat()
	if err != nil {
		return err
	}
	made, when, err := claim(f.given, later(f.opened, f.last), like.Mode().Perm())
	if err != nil {
		return err
	}
	closed := made.Name()
	if err := exchange(closed, f.path); err == nil {
		outfile.KeepOwner(made, like)
		f.goOn(made, f.path, closed, now)
	} else {
		made.Close()
		if err := os.Rename(f.path, closed); err != nil {
			os.Remove(closed)
			return err
		}
		if err := f.swap(f.path, closed, now); err != nil {
			os.Rename(closed, f.path)
			return err
		}
	}
	f.last = when.Add(time.Millisecond)
	return nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// ours reports that the present file has still the path that it was opened with.
func (f *File) ours() bool {
	own, err := f.f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(f.path)
	return err == nil && os.SameFile(own, now)
}

// swap begins the file at a path, and gives the present one, which has been given
// the name closed, to be closed. All of it must have been written.
func (f *File) swap(next, closed string, now time.Time) error {
	like, err := f.f.Stat()
	if err != nil {
		return err
	}
	made, _, err := f.create(next, like)
	if err != nil {
		return err
	}
	if f.opt.Tcpdump != nil && f.opt.Compress != "" && f.opt.Tcpdump.ring(&f.opt) {
		os.Remove(next + suffixes[f.opt.Compress]) // of the ring's turn before
	}
	f.goOn(made, next, closed, now)
	return nil
}

// goOn begins a file that was made, and gives the present one to be closed.
func (f *File) goOn(made file, path, closed string, now time.Time) {
	if f.opt.Footer != nil {
		if _, err := f.f.Write(f.opt.Footer(nil)); err != nil {
			f.failed(&f.account.Write, err)
		}
	}
	f.closer.take(f.f, closed)
	f.f, f.path = made, path
	f.begin(now)
	f.flush()
}

// Reopen goes on in a new file of the path, if the present one was renamed or
// removed.
func (f *File) Reopen() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reopen = true
	f.tryReopen(time.Now())
}

func (f *File) tryReopen(now time.Time) {
	if f.partial || !f.flush() {
		return // at a later tick
	}
	f.reopen = false
	if f.ours() {
		return
	}
	if err := f.swap(f.path, "", now); err != nil {
		f.failed(&f.account.Rotate, err)
	}
}

// Report gives what failed since it was told before, "" for nothing, and a function
// that notes that it was told.
func (f *File) Report() (text string, told func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.account
	if now.failures() == f.told.failures() && now.Lost == f.told.Lost {
		return "", func() {}
	}
	text = fmt.Sprintf("write %s: %s", f.path, f.fault)
	if f.failing {
		text += fmt.Sprintf(": %d bytes wait", len(f.buf))
	}
	if now.Lost > 0 {
		text += fmt.Sprintf("; %s lost so far", count(now.Lost, f.opt.Unit))
	}
	return text, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.told = now
	}
}

func count(n uint64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// CheckFolder reports why no file can be made where the next ones are to be. It is
// for a program that has given up root.
func (f *File) CheckFolder() error {
	o, err := outfile.Create(f.Path() + ".check")
	if err != nil {
		return fmt.Errorf("files are rotated: %w", err)
	}
	o.Discard()
	return nil
}

// Folder gives the folder of the files.
func (f *File) Folder() string { return filepath.Dir(f.given) }

// Close ends the present file. Its error says what was lost, and whether anything
// failed before.
func (f *File) Close() error {
	f.mu.Lock()
	if f.f == nil {
		f.mu.Unlock()
		return nil
	}
	if f.opt.Footer != nil {
		f.put(f.opt.Footer(nil), 0)
	}
	ok := f.flush()
	if !ok {
		for _, e := range f.ends {
			f.account.Lost += e.records
		}
	}
	err := f.f.Sync()
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	if closeErr := f.f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		f.failed(&f.account.Write, err)
	}
	f.f = nil
	f.mu.Unlock()
	f.closer.end()

	f.mu.Lock()
	defer f.mu.Unlock()
	switch a := &f.account; {
	case a.Lost > 0:
		return fmt.Errorf("write %s: %s not written: %s", f.path, count(a.Lost, f.opt.Unit), f.fault)
	case err != nil || !ok:
		return fmt.Errorf("write %s: %s", f.path, f.fault)
	case a.Rotate+a.Compress+a.Remove > 0:
		return fmt.Errorf("write %s: of rotations %d failed, of compressions %d, of removals %d: last, %s", f.path, a.Rotate, a.Compress, a.Remove, f.fault)
	}
	return nil
}
