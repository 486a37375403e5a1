package follow

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// world is a folder with a log, its writer and one who follows it. The writer numbers
// its lines, so that what was read shows whether each came once, in their order.
type world struct {
	t    *testing.T
	path string
	f    *os.File
	n    int  // lines written
	old  int  // rotated files that are there: NAME.1 and so on
	copy bool // the last of them is a copy

	mu   sync.Mutex
	read bytes.Buffer
	at   Position
	had  bool // at is set

	stop func()
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, path: filepath.Join(t.TempDir(), "app.log")}
	w.create()
	w.start()
	return w
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) create() {
	f, err := os.OpenFile(w.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	w.check(err)
	if w.f != nil {
		w.f.Close()
	}
	w.f = f
}

// write writes lines, the last of them in two parts.
func (w *world) write(lines int) {
	var b []byte
	for range lines {
		b = fmt.Appendf(b, "line %d %s\n", w.n, strings.Repeat("x", w.n%7))
		w.n++
	}
	half := max(len(b)-5, 0)
	for _, part := range [][]byte{b[:half], b[half:]} {
		_, err := w.f.Write(part)
		w.check(err)
	}
}

// start follows the log, from the position that the run before had.
func (w *world) start() {
	opt := Options{Wait: 30 * time.Millisecond, Report: func(string, ...any) {}}
	if w.had {
		opt.Positions = map[string]Position{w.path: w.at}
	}
	set, err := New([]string{w.path}, opt)
	w.check(err)
	ctx, cancel := context.WithCancel(context.Background())
	done, begun := make(chan error, 1), make(chan bool)
	go func() {
		done <- set.Run(ctx, func(s *Stream) error {
			close(begun) // what is there before is old
			for {
				l, err := s.Next()
				if err == io.EOF {
					return nil
				} else if err != nil {
					return err
				}
				n, err := io.Copy(writerFunc(func(b []byte) (int, error) {
					w.mu.Lock()
					defer w.mu.Unlock()
					return w.read.Write(b)
				}), l)
				w.mu.Lock()
				w.at, w.had = l.At(n, 0), true
				w.mu.Unlock()
				if err != nil {
					return err
				}
			}
		})
	}()
	<-begun
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
		set.Close()
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// settle waits until all that was written is read.
func (w *world) settle() {
	w.t.Helper()
	want := fmt.Sprintf("line %d ", w.n-1)
	for until := time.Now().Add(5 * time.Second); w.n > 0; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		ok := bytes.Contains(w.read.Bytes(), []byte(want)) && bytes.HasSuffix(w.read.Bytes(), []byte{'\n'})
		w.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(until) {
			w.t.Fatalf("%q was not read; read: %s", want, w.read.Bytes())
		}
	}
}

// shift renames the rotated files, so that .1 is free.
func (w *world) shift() {
	for i := w.old; i > 0; i-- {
		for _, ending := range append([]string{""}, compressedSuffixes...) {
			from := fmt.Sprintf("%s.%d%s", w.path, i, ending)
			if _, err := os.Lstat(from); err == nil {
				w.check(os.Rename(from, fmt.Sprintf("%s.%d%s", w.path, i+1, ending)))
			}
		}
	}
	w.old++
	w.copy = false
}

func (w *world) rename() {
	w.shift()
	w.check(os.Rename(w.path, w.path+".1"))
	w.write(1) // of a writer that has it open still
	w.create()
}

// copyTruncate rotates as logrotate does with copytruncate.
func (w *world) copyTruncate() {
	if w.settle(); w.size() == 0 {
		return
	}
	w.write(2)
	w.shift()
	b, err := os.ReadFile(w.path)
	w.check(err)
	w.check(os.WriteFile(w.path+".1", b, 0o644))
	w.check(os.Truncate(w.path, 0))
	w.copy = true
}

func (w *world) size() int64 {
	st, err := w.f.Stat()
	w.check(err)
	return st.Size()
}

// truncate cuts the file when all of it is read.
func (w *world) truncate() {
	w.settle()
	w.check(os.Truncate(w.path, 0))
}

// compress compresses the last rotated file. Of a copy the rest is only found as it is.
func (w *world) compress(with int) {
	if w.copy {
		w.settle()
	}
	from := w.path + ".1"
	b, err := os.ReadFile(from)
	if err != nil {
		return
	}
	var out bytes.Buffer
	var z io.WriteCloser
	ending := ""
	switch with % 3 {
	case 0:
		z, ending = gzip.NewWriter(&out), ".gz"
	case 1:
		z, err = zstd.NewWriter(&out)
		w.check(err)
		ending = ".zst"
	default:
		z, ending = lz4.NewWriter(&out), ".lz4"
	}
	_, err = z.Write(b)
	w.check(err)
	w.check(z.Close())
	w.check(os.WriteFile(from+".tmp", out.Bytes(), 0o644))
	st, err := os.Stat(from)
	w.check(err)
	w.check(os.Chtimes(from+".tmp", st.ModTime(), st.ModTime()))
	w.check(os.Rename(from+".tmp", from+ending))
	w.check(os.Remove(from))
}

// restart ends the run and begins another one, between which lines are written.
func (w *world) restart() {
	w.settle()
	w.stop()
	if w.write(1); w.n%2 == 0 {
		w.rename()
	}
	w.start()
}

// play does what the bytes say, and compares.
func (w *world) play(deeds []byte) {
	for _, d := range deeds {
		switch d % 8 {
		case 0, 1:
			w.write(int(d/8) % 20)
		case 2:
			w.rename()
		case 3:
			w.copyTruncate()
		case 4:
			w.truncate()
		case 5:
			w.compress(int(d / 8))
		case 6:
			w.restart()
		case 7:
			w.settle()
		}
	}
	w.write(1)
	w.settle()
	w.stop()
	var want []byte
	for i := range w.n {
		want = fmt.Appendf(want, "line %d %s\n", i, strings.Repeat("x", i%7))
	}
	if got := w.read.Bytes(); !bytes.Equal(got, want) {
		w.t.Errorf("deeds %q: read\n%s", deeds, got)
	}
}

// TestFollow: whatever is done to a log, each of its lines is read once.
func TestFollow(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("open files are not renamed")
	}
	for name, deeds := range map[string]string{
		"written":              "\x08\x10\x18\x07\x20",
		"renamed":              "\x08\x02\x10\x02\x02\x18\x07\x02\x08",
		"copied and truncated": "\x08\x03\x10\x03\x07\x03",
		"truncated":            "\x50\x04\x08\x04\x50",
		"compressed":           "\x08\x02\x05\x10\x02\x0d\x02\x15\x18\x07\x02\x05",
		"begun again":          "\x08\x06\x06\x02\x06\x03\x06\x10\x06",
		"mixed":                "\x08\x02\x03\x05\x06\x02\x04\x10\x02\x0d\x06\x03\x15\x08",
	} {
		t.Run(name, func(t *testing.T) { newWorld(t).play([]byte(deeds)) })
	}
}

func FuzzFollow(f *testing.F) {
	if runtime.GOOS == "windows" {
		f.Skip("open files are not renamed")
	}
	f.Add([]byte("\x08\x02\x03\x05\x06\x02\x04\x10\x02\x0d\x06\x03\x15\x08"))
	f.Fuzz(func(t *testing.T, deeds []byte) { newWorld(t).play(deeds[:min(len(deeds), 12)]) })
}

// TestNames: what rotations and compressors make of a name.
func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"app.log.1": true, "app.log.1.gz": true, "app.log-20261201.xz": true, "app.log.2.bz2": true, "app.log.3.lz4": true, "app.log.4.zst": true,
		"app-2026-12-01.log": true, "app.2026-12-01.log.gz": true,
		"app.log": false, "app.log.gz": false, "app.log.old": false, "other.log.1": false, "app.log.1.rar": false,
	} {
		if got := isOlder("/var/log/app.log", "/var/log/"+name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestCopied: a file beside a log is a copy of it only where more than a header that
// all files have, or the beginning of a line, says so.
func TestCopied(t *testing.T) {
	const header, lines = "#fields ts port\n", "1 80\n2 443\n3 22\n"
	file := func(text string) *os.File {
		name := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	for name, c := range map[string]struct {
		read   int    // bytes read of the log
		now    string // what it has now
		beside string
		want   bool
	}{
		"all of it":                        {len(header + lines), header + lines, header + lines, true},
		"all, not yet read":                {0, header + lines, header + lines, true},
		"being copied":                     {len(header), header + lines, header + lines[:7], true},
		"before it grew":                   {len(header), header + lines + "4 53\n", header + lines, true},
		"the same header, that was read":   {len(header), header + lines, header + "9 25\n", false},
		"the same header, nothing read":    {0, header + lines, header + "9 25\n", false},
		"the same letters, that were read": {3, header + lines, "#fiend\n", false},
		"cut":                              {len(header) + 5, "", header + lines, true},
		"cut and written anew":             {len(header) + 5, header + "7 110\n", header + lines, true},
		"cut, and another file":            {len(header) + 5, "", header + "9 25\n", false},
		"cut, part of a line read":         {3, "", header + lines, false},
		"cut, nothing read":                {0, "", header + lines, false},
	} {
		l := &Log{f: file(c.now)}
		l.mark.Read([]byte((header + lines)[:c.read]))
		if got := l.copiedTo(&Log{f: file(c.beside)}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
