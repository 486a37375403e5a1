package capture

import (
	"io"
	"path/filepath"
	"testing"
)

// TestFileOf: of each packet of several files, the file is known.
func TestFileOf(t *testing.T) {
	paths := writeFiles(t, timed(0, 10, 20, 30), timed(1, 15, 40), timed(2, 50, 60), timed(3, 55))
	for _, batch := range []int{1, 2, 100} {
		m, err := OpenFiles(paths, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for dst := make([]Packet, batch); ; {
			n, err := m.Next(dst)
			for _, p := range dst[:n] {
				got = append(got, string(p.Data[:1]))
			}
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		for i, file := range got {
			if is := filepath.Base(m.FileOf(uint64(i + 1))); is != "part_000"+file+".pcap" {
				t.Errorf("batches of %d, packet %d of %s: %s", batch, i+1, file, is)
			}
		}
		if len(got) != 8 || m.FileOf(0) != "" || m.FileOf(9) != "" {
			t.Errorf("%d packets; 0: %q, 9: %q", len(got), m.FileOf(0), m.FileOf(9))
		}
		m.Close()
	}
}

// TestOriginsBound: behind the bound nothing is said, rather than something wrong.
func TestOriginsBound(t *testing.T) {
	var o origins
	for i := range maxOrigins + 10 {
		o.add([]string{"a", "b"}[i%2], 1)
	}
	for n, want := range map[uint64]string{1: "a", 2: "b", maxOrigins: "b", maxOrigins + 1: "", maxOrigins + 9: "", maxOrigins + 11: ""} {
		if got := o.of(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
