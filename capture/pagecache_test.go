package capture

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
)

// TestFile: however the system reads a file, in memory or from a device, a file's
// octets and its end are those of os.File.
func TestFile(t *testing.T) {
	dirs := []string{t.TempDir()}
	if d, err := os.MkdirTemp("/dev/shm", "portannot"); err == nil {
		t.Cleanup(func() { os.RemoveAll(d) })
		dirs = append(dirs, d)
	}
	want := make([]byte, 3<<20+17)
	rand.New(rand.NewSource(1)).Read(want)
	for _, dir := range dirs {
		path := filepath.Join(dir, "octets")
		if err := os.WriteFile(path, want, 0o600); err != nil {
			t.Fatal(err)
		}
		plain, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		f := newFile(plain)
		var got []byte
		buf := make([]byte, 100_000)
		for err == nil {
			var n int
			n, err = f.Read(buf)
			got = append(got, buf[:n]...)
		}
		if err != io.EOF || !bytes.Equal(got, want) {
			t.Errorf("%s: Read: %d octets, %v", dir, len(got), err)
		}
		got, err = got[:0], nil
		for err == nil {
			var n int
			n, err = f.ReadAt(buf, int64(len(got)))
			got = append(got, buf[:n]...)
		}
		if err != io.EOF || !bytes.Equal(got, want) {
			t.Errorf("%s: ReadAt: %d octets, %v", dir, len(got), err)
		}
		if at, err := f.Seek(0, io.SeekCurrent); at != int64(len(want)) || err != nil {
			t.Errorf("%s: the position is %d, %v", dir, at, err)
		}
		if n := testing.AllocsPerRun(100, func() { f.ReadAt(buf, 5) }); n != 0 {
			t.Errorf("%s: %v allocations for a read", dir, n)
		}
		plain.Close()
		if _, err := f.ReadAt(buf, 0); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: a closed file: %v", dir, err)
		}
	}
}
