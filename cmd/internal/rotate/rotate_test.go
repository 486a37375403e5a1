package rotate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestParseLimits(t *testing.T) {
	for _, c := range []struct {
		in    string
		every time.Duration
		size  int64
	}{
		{"1h", time.Hour, 0}, {"90m", 90 * time.Minute, 0}, {"7d", 7 * 24 * time.Hour, 0}, {"1s", time.Second, 0},
		{"100MB", 0, 1e8}, {"1GiB", 0, 1 << 30}, {"1.5kb", 0, 1500}, {"512B", 0, 512},
		{"1h,100MB", time.Hour, 1e8}, {"2MiB, 24h", 24 * time.Hour, 2 << 20},
	} {
		every, size, err := ParseLimits(c.in)
		if err != nil || every != c.every || size != c.size {
			t.Errorf("%q: %v, %d, %v; want %v, %d", c.in, every, size, err, c.every, c.size)
		}
	}
	for _, in := range []string{"", "100", "1h,2h", "1MB,2MB", "0s", "10ms", "-1h", "0MB", "-5MB", "1h,", "1h,1MB,2m", "9999999999TB", "NaNMB", "x"} {
		if every, size, err := ParseLimits(in); err == nil {
			t.Errorf("%q: %v, %d; want an error", in, every, size)
		}
	}
}

func TestParseFileSize(t *testing.T) {
	for in, want := range map[string]int64{"1": 1e6, "100": 1e8, "4k": 4096, "4K": 4096, "2m": 2 << 20, "1G": 1 << 30, "": -1, "0": -1, "k": -1, "-1": -1, "1.5": -1, "9223372036854775807": -1} {
		got, err := ParseFileSize(in)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
}

// TestTcpdumpNames: the names are those of MakeFilename in tcpdump 4.99: the number
// of digits is that of N-1, and none stands behind the first name without -W.
func TestTcpdumpNames(t *testing.T) {
	now := time.Date(2026, 12, 1, 9, 8, 7, 0, time.Local)
	for _, c := range []struct {
		count int
		opt   Options
		times []bool // of each closing: by time, not size
		want  string
	}{
		{0, Options{Size: 1}, []bool{false, false}, "x x1 x2"},
		{3, Options{Size: 1}, []bool{false, false, false}, "x0 x1 x2 x0"},
		{11, Options{Size: 1}, []bool{false}, "x00 x01"},
		{1, Options{Size: 1}, []bool{false}, "x x"},
		{5, Options{Every: 1}, []bool{true}, "x x"},
		{0, Options{Every: 1, Size: 1}, []bool{false, true, false}, "x x1 x x1"},
		{20, Options{Every: 1, Size: 1}, []bool{false, true}, "x00 x01 x00"},
	} {
		n := &Tcpdump{Count: c.count}
		got := []string{n.path("x", &c.opt, now)}
		for _, byTime := range c.times {
			n.next(&c.opt, byTime)
			got = append(got, n.path("x", &c.opt, now))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("-W %d, %v, %d: %q, want %q", c.count, c.opt.Every, c.opt.Size, s, c.want)
		}
	}
	if got := new(Tcpdump).path("d-%Y%m%d_%H%M%S.pcap", &Options{Every: 1}, now); got != "d-20261201_090807.pcap" {
		t.Errorf("with a time: %q", got)
	}
	if got := new(Tcpdump).path("100%d", &Options{Size: 1}, now); got != "100%d" {
		t.Errorf("without -G, a name is no pattern: %q", got)
	}
}

// open opens a file of lines with a header and a footer.
func open(t *testing.T, path string, opt Options) *File {
	t.Helper()
	opt.Unit = "line"
	opt.Header = func(dst []byte) []byte { return append(dst, "head\n"...) }
	opt.Footer = func(dst []byte) []byte { return append(dst, "foot\n"...) }
	f, _, err := Open(path, opt)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func add(f *File, lines ...string) {
	for _, l := range lines {
		if f.Full() {
			f.Lose(1)
			continue
		}
		f.Room(len(l) + 1)
		f.Append([]byte(l+"\n"), 1)
	}
}

// contents gives the files of a folder by name, decompressed.
func contents(t *testing.T, dir string) (names []string, all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		switch filepath.Ext(e.Name()) {
		case ".gz":
			z, err := gzip.NewReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			b, _ = io.ReadAll(z)
		case ".zst":
			z, err := zstd.NewReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			b, _ = io.ReadAll(z)
			z.Close()
		}
		names, all = append(names, e.Name()), append(all, string(b))
	}
	return names, all
}

// checkLines checks that each file is complete, and that all lines are there in the
// order of the names.
func checkLines(t *testing.T, files []string, want ...string) {
	t.Helper()
	var got []string
	for _, s := range files {
		body, ok := strings.CutPrefix(s, "head\n")
		body, end := strings.CutSuffix(body, "foot\n")
		if !ok || !end {
			t.Errorf("a file is not complete: %q", s)
		}
		got = append(got, strings.Fields(body)...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
}

func TestSize(t *testing.T) {
	for _, compress := range []string{"", "gzip", "zstd"} {
		dir := t.TempDir()
		f := open(t, filepath.Join(dir, "x.log"), Options{Size: 20, Compress: compress})
		var want []string
		for i := range 40 { // many within a millisecond
			want = append(want, fmt.Sprintf("line-%02d", i))
		}
		want = append(want, "longer-than-a-whole-file-may-be")
		add(f, want...)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		names, files := contents(t, dir)
		if len(names) != 41 || names[40] != "x.log" {
			t.Errorf("%s: files %q", compress, names)
		}
		for _, n := range names[:40] {
			if !strings.HasSuffix(n, "Z.log"+suffixes[compress]) {
				t.Errorf("%s: name %q", compress, n)
			}
		}
		checkLines(t, files, want...)
		if a := f.Account(); a.Files != 41 || a.Records != 41 || a.Lost != 0 || a.failures() != 0 {
			t.Errorf("account %+v", a)
		}
	}
}

func TestTime(t *testing.T) {
	dir := t.TempDir()
	f := open(t, filepath.Join(dir, "x"), Options{Every: time.Hour})
	now := f.opened
	f.Tick(now.Add(2 * time.Hour)) // nothing was written: nothing is closed
	add(f, "a")
	f.Tick(now.Add(2*time.Hour + time.Minute))
	add(f, "b")
	f.AppendPart([]byte("c-"))
	f.Tick(now.Add(4 * time.Hour)) // within a record
	f.Append([]byte("c\n"), 1)
	f.Tick(now.Add(4 * time.Hour))
	add(f, "d")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	names, files := contents(t, dir)
	if len(names) != 2 {
		t.Errorf("files %q", names)
	}
	slices.Reverse(files) // x sorts before x-2026
	checkLines(t, []string{files[0], files[1]}, "a", "b", "c-c", "d")
}

// TestOlder: no run overwrites the file of an earlier one, and its mode is kept.
func TestOlder(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.log")
	for i := range 3 {
		f := open(t, path, Options{})
		if i == 0 && runtime.GOOS != "windows" {
			if err := os.Chmod(path, 0o640); err != nil {
				t.Fatal(err)
			}
		}
		add(f, fmt.Sprint(i))
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if st, _ := os.Stat(path); runtime.GOOS != "windows" && st.Mode() != 0o640 {
			t.Errorf("run %d: mode %v", i, st.Mode())
		}
	}
	_, files := contents(t, dir)
	checkLines(t, files, "0", "1", "2")
}

func TestKeep(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "x-20261201T000000.000Z.log.bak")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for run := range 2 {
		f := open(t, filepath.Join(dir, "x.log"), Options{Size: 12, Keep: 3, Compress: []string{"gzip", ""}[run]})
		add(f, "a", "b", "c", "d", "e", fmt.Sprint(run))
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	names, files := contents(t, dir)
	if i := slices.Index(names, filepath.Base(other)); i < 0 {
		t.Errorf("a file that is not ours was removed: %q", names)
	} else {
		files = slices.Delete(files, i, i+1)
	}
	checkLines(t, files, "c", "d", "e", "1")
}

// TestLeftOver: what a killed run closed and did not compress, the next one does.
func TestLeftOver(t *testing.T) {
	dir := t.TempDir()
	old := stamped(filepath.Join(dir, "x.log"), time.Now().Add(-time.Hour))
	if err := os.WriteFile(old, []byte("head\nold\nfoot\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := open(t, filepath.Join(dir, "x.log"), Options{Every: time.Hour, Compress: "zstd"})
	add(f, "new")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	names, files := contents(t, dir)
	if want := []string{filepath.Base(old) + ".zst", "x.log"}; !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
	checkLines(t, files, "old", "new")
}

// TestManyClosed: files that are closed faster than they are compressed are compressed
// later, and this is no failure.
func TestManyClosed(t *testing.T) {
	dir := t.TempDir()
	f := open(t, filepath.Join(dir, "x"), Options{Size: 12, Compress: "gzip"})
	for i := range 3 * maxWaiting {
		add(f, string(rune('a'+i%26)))
	}
	f.Tick(time.Now())
	plain := func() (n int) {
		groups, _ := closedFiles(f.given)
		for _, names := range groups {
			if !strings.HasSuffix(names[0], ".gz") {
				n++
			}
		}
		return n
	}
	for end := time.Now().Add(time.Minute); plain() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	names, files := contents(t, dir)
	if len(files) != 3*maxWaiting {
		t.Errorf("%d files", len(files))
	}
	for _, n := range names[1:] {
		if !strings.HasSuffix(n, ".gz") {
			t.Errorf("%s is not compressed", n)
		}
	}
}

// TestReopen: renamed files are complete, twice in a row too; a file that was not
// renamed goes on.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	f := open(t, path, Options{})
	for i := range 3 {
		add(f, fmt.Sprint(i))
		f.Reopen() // not renamed
		add(f, fmt.Sprint(i, "b"))
		if err := os.Rename(path, fmt.Sprint(filepath.Join(dir, "old"), i)); err != nil {
			t.Skip(err) // systems that do not rename open files
		}
		f.Reopen()
	}
	add(f, "end")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, files := contents(t, dir)
	checkLines(t, files, "0", "0b", "1", "1b", "2", "2b", "end")
}

func TestRing(t *testing.T) {
	dir := t.TempDir()
	f := open(t, filepath.Join(dir, "r"), Options{Size: 12, Compress: "gzip", Tcpdump: &Tcpdump{Count: 3}})
	add(f, "a", "b", "c", "d", "e")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	names, files := contents(t, dir)
	if want := []string{"r0.gz", "r1", "r2.gz"}; !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
	checkLines(t, files, "d", "e", "c")
}

func TestFilesOfTcpdump(t *testing.T) {
	dir := t.TempDir()
	f := open(t, filepath.Join(dir, "x"), Options{Every: time.Second, Tcpdump: &Tcpdump{Count: 2}})
	add(f, "a")
	if f.Tick(f.opened.Add(time.Second)) {
		t.Error("done after one file of two")
	}
	add(f, "b")
	if !f.Tick(f.opened.Add(time.Second)) {
		t.Error("not done after two files")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, files := contents(t, dir) // the same name again: the first one was renamed
	slices.Reverse(files)
	checkLines(t, files, "a", "b")
}

// smallDisk is a file on a disk that has room for so many bytes.
type smallDisk struct {
	file
	room int
}

var errNoSpace = errors.New("no space left on device")

func (s *smallDisk) Write(p []byte) (int, error) {
	n := min(len(p), s.room)
	n, err := s.file.Write(p[:n])
	if s.room -= n; n < len(p) && err == nil {
		err = errNoSpace
	}
	return n, err
}

func (s *smallDisk) Truncate(size int64) error {
	st, err := s.Stat()
	if err == nil {
		s.room += int(st.Size() - size)
		err = s.file.Truncate(size)
	}
	return err
}

// TestFullDisk: the file has whole records at any time, nothing is lost while there
// is room in memory, and what is lost is counted.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	f := open(t, path, Options{Every: time.Hour})
	disk := &smallDisk{f.f, 10}
	f.f = disk
	add(f, "one", "two", "three")
	f.Tick(f.opened.Add(2 * time.Hour)) // and no rotation while it is full
	if b, _ := os.ReadFile(path); string(b) != "head\none\ntwo\n" {
		t.Errorf("on the full disk: %q", b)
	}
	text, told := f.Report()
	if !strings.Contains(text, "no space left on device: 6 bytes wait") {
		t.Errorf("report %q", text)
	}
	if told(); f.account.Lost != 0 {
		t.Errorf("account %+v", f.account)
	}
	disk.room = math.MaxInt
	f.Tick(f.opened)
	if text, _ := f.Report(); text != "" {
		t.Errorf("report %q", text)
	}
	disk.room = 0
	big := strings.Repeat("x", MaxHeld/4)
	add(f, "a", big, big, big, big, big, "b", "c")
	if a := f.Account(); a.Records != 11 || a.Lost != 3 {
		t.Errorf("account %+v", a)
	}
	disk.room = math.MaxInt
	f.Tick(f.opened)
	add(f, "d")
	if err := f.Close(); err == nil || !strings.Contains(err.Error(), "3 lines not written: no space left on device") {
		t.Errorf("error %v", err)
	}
	_, files := contents(t, dir)
	checkLines(t, files, "one", "two", "three", "a", big, big, big, big, "d")

	// Full until the end: what is held is lost, and said.
	f = open(t, path+"2", Options{})
	f.f = &smallDisk{f.f, 0}
	add(f, "a", "b")
	if err := f.Close(); err == nil || !strings.Contains(err.Error(), "2 lines not written") || f.Account().Lost != 2 {
		t.Errorf("error %v, %+v", err, f.Account())
	}
}

func TestNotRegular(t *testing.T) {
	if _, err := os.Stat("/dev/null"); err != nil {
		t.Skip(err)
	}
	if _, _, err := Open("/dev/null", Options{}); !errors.Is(err, ErrNotRegular) {
		t.Errorf("/dev/null: %v", err)
	}
	if _, _, err := Open(t.TempDir(), Options{}); err == nil || errors.Is(err, ErrNotRegular) {
		t.Errorf("a folder: %v", err)
	}
}
