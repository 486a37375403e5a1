package capture

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startFollowingFiles follows names in a folder.
func startFollowingFiles(t *testing.T, dir string, names ...string) *following {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	for i := range names {
		names[i] = filepath.Join(dir, names[i])
	}
	w, err := FollowFiles(ctx, names, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return newFollowing(t, "", cancel, w)
}

// TestFollowFiles: files that appear one after the other, as those of a ring, are read in
// the order in which they were written, with the bytes of each up to its end.
func TestFollowFiles(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Written before: the names say nothing of the order.
	put("ring_b.pcap", timed(1, 1))
	put("ring_a.pcap", timed(2, 1))
	old := time.Now().Add(-time.Hour)
	os.Chtimes(filepath.Join(dir, "ring_b.pcap"), old, old)
	put("other.pcap", timed(9, 1))
	f := startFollowingFiles(t, dir, "ring_*")
	f.want("1.1", 1)
	f.want("2.1", 1)
	b := timed(3, 1, 2)
	put("ring_9.pcap", b[:30]) // half a packet
	f.path = filepath.Join(dir, "ring_9.pcap")
	f.append(b[30:])
	f.want("3.1", 1)
	f.want("3.2", 2)
	put("ring_10.pcap", nil) // the file before is whole by now
	f.path = filepath.Join(dir, "ring_10.pcap")
	f.append(timed(4, 1))
	f.want("4.1", 1)
	// A file that is no capture is passed over, and said.
	put("ring_11.idx", []byte(strings.Repeat("index\n", 100)))
	put("ring_12.pcap", timed(5, 1))
	f.want("5.1", 1)
	// A ring of fixed names writes its first file anew.
	put("ring_b.pcap", timed(6, 1, 2))
	f.want("6.1", 1)
	f.want("6.2", 2)
	// A file that was read is renamed: it is none of the next.
	if err := os.Rename(filepath.Join(dir, "ring_12.pcap"), filepath.Join(dir, "ring_13.pcap")); err != nil {
		t.Fatal(err)
	}
	put("ring_14.pcap", timed(7, 1))
	f.want("7.1", 1)
	// Someone writes to a file that was done with.
	f.path = filepath.Join(dir, "ring_13.pcap")
	f.append(timed(8, 1)[24:])
	put("ring_15.pcap", timed(9, 1))
	f.want("9.1", 1)
	f.stop()
	list, n := f.w.Problems()
	if n != 2 || !strings.Contains(list[0].Error(), "ring_11.idx") || !strings.Contains(list[1].Error(), "ring_13.pcap") || !strings.Contains(list[1].Error(), "written after the next file") {
		t.Errorf("problems %v", list)
	}
	if got := f.w.Files(); got != 9 {
		t.Errorf("%d files", got)
	}
}

// TestFollowFilesLater: files that are not there yet are waited for.
func TestFollowFilesLater(t *testing.T) {
	dir := t.TempDir()
	f := startFollowingFiles(t, dir, "one.pcap", "two*.pcap")
	f.path = filepath.Join(dir, "two1.pcap")
	f.append(timed(1, 1))
	f.want("1.1", 1)
	f.path = filepath.Join(dir, "one.pcap")
	f.append(timed(2, 1))
	f.want("2.1", 1)
	f.stop()
	if _, err := FollowFiles(t.Context(), []string{filepath.Join(dir, "none", "x*.pcap")}, Options{}); err == nil {
		t.Error("a folder that is not there is waited for")
	}
}

// TestFollowFilesMovedIn: a file that is moved there with a time before that of the file
// being read is read once that one is left.
func TestFollowFilesMovedIn(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, age time.Duration, b []byte) {
		t.Helper()
		tmp := filepath.Join(dir, "tmp")
		if err := os.WriteFile(tmp, b, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(tmp, at, at); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	put("ring_1.pcap", time.Minute, timed(1, 1))
	if err := os.Link(filepath.Join(dir, "ring_1.pcap"), filepath.Join(dir, "ring_1_again.pcap")); err != nil {
		t.Fatal(err)
	}
	f := startFollowingFiles(t, dir, "ring_*") // a file of two names is one
	f.want("1.1", 1)
	put("ring_2.pcap", time.Hour, timed(2, 1))
	f.path = filepath.Join(dir, "ring_1.pcap")
	f.append(timed(3, 1)[24:]) // the present one is not left for it
	f.want("3.1", 2)
	put("ring_3.pcap", -time.Minute, timed(4, 1))
	f.want("2.1", 1)
	f.want("4.1", 1)
	f.stop()
	if list, n := f.w.Problems(); n != 0 || f.w.Files() != 3 {
		t.Errorf("%d files, problems %v", f.w.Files(), list)
	}
}

// TestFollowFilesUnreadable: a file that cannot be opened does not keep others from being
// read.
func TestFollowFilesUnreadable(t *testing.T) {
	paths := writeFiles(t, timed(0, 1), timed(1, 1))
	st, err := os.Stat(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	w, err := FollowFiles(t.Context(), paths[1:], Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	w.ring.found = []foundFile{{"not\x00a name", st}}
	n, err := w.Next(make([]Packet, 5))
	if list, problems := w.Problems(); n != 1 || err != nil || problems != 1 || !strings.Contains(list[0].Error(), "invalid argument") {
		t.Errorf("%d packets, %v; problems %v", n, err, list)
	}
}

func TestCompareNames(t *testing.T) {
	list := []string{"", "a", "a1", "a2", "a10", "a010b", "b", "x9y10", "x10y9", "x10y10"}
	for i, a := range list {
		for j, b := range list {
			if got := compareNames(a, b); got != cmp.Compare(i, j) {
				t.Errorf("%q and %q: %d", a, b, got)
			}
		}
	}
}
