package outfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// names gives the names in a folder.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestCommitAndDiscard(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	o, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(o, "half")
	if got := read(t, path); got != "old" {
		t.Errorf("before Commit: %q", got)
	}
	if list := names(t, dir); len(list) != 2 || !IsTemporary(list[0]) || IsTemporary(list[1]) {
		t.Errorf("files while writing: %q", list)
	}
	o.Discard()
	if list := names(t, dir); len(list) != 1 || read(t, path) != "old" {
		t.Errorf("after Discard: %q", list)
	}
	if err := WriteFile(path, func(o *File) error { _, err := io.WriteString(o, "new"); return err }); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); got != "new" {
		t.Errorf("after Commit: %q", got)
	}
	broken := errors.New("broken")
	if err := WriteFile(path, func(o *File) error { io.WriteString(o, "half"); return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if list := names(t, dir); len(list) != 1 || read(t, path) != "new" {
		t.Errorf("after an error: %q", list)
	}
}

// TestMode: a file that is replaced keeps its permissions, a new one has those
// that the umask leaves.
func TestMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	dir := t.TempDir()
	control := filepath.Join(dir, "control")
	if err := os.WriteFile(control, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(control)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		old, want os.FileMode
	}{{"new", 0, st.Mode().Perm()}, {"private", 0o600, 0o600}, {"shared", 0o664, 0o664}, {"read-only", 0o444, 0o444}} {
		path := filepath.Join(dir, c.name)
		if c.old != 0 {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.old); err != nil {
				t.Fatal(err)
			}
		}
		if err := WriteFile(path, func(*File) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != c.want {
			t.Errorf("%s: mode %v, want %v (%v)", c.name, st.Mode().Perm(), c.want, err)
		}
	}
}

// TestLinks: the file behind a link is written, and the link stays.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	target, link, second := filepath.Join(dir, "target"), filepath.Join(dir, "link"), filepath.Join(dir, "second")
	if err := os.Symlink("target", link); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(link, second); err != nil {
		t.Fatal(err)
	}
	for range 2 { // dangling at first
		if err := WriteFile(second, func(o *File) error { _, err := io.WriteString(o, "x"); return err }); err != nil {
			t.Fatal(err)
		}
		if got := read(t, target); got != "x" {
			t.Errorf("target has %q", got)
		}
		if st, err := os.Lstat(link); err != nil || st.Mode()&os.ModeSymlink == 0 {
			t.Error("the link was replaced")
		}
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(loop); err == nil {
		t.Error("a loop of links was followed")
	}
}

func TestNoRegularFile(t *testing.T) {
	if _, err := Create(t.TempDir()); err == nil {
		t.Error("a directory was opened")
	}
	if err := WriteFile(os.DevNull, func(o *File) error { _, err := io.WriteString(o, "x"); return err }); err != nil {
		t.Error(err)
	}
	if st, err := os.Stat(os.DevNull); err != nil || st.Mode().IsRegular() {
		t.Error("the null device was replaced")
	}
}
