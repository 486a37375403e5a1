package capture

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// FuzzUnpack reads anything as what each kind of compression unpacks.
func FuzzUnpack(f *testing.F) {
	plain := timed(0, 1, 2)
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	w.Write(plain)
	w.Close()
	f.Add(gz.Bytes())
	for _, magic := range []string{"\x1f\x8b\x08\x00", "\x28\xb5\x2f\xfd", "\x04\x22\x4d\x18", "\xfd7zXZ\x00", "BZh9"} {
		f.Add(append([]byte(magic), plain...))
	}
	for _, name := range []string{"format-us.pcap.gz", "format-us.pcap.lz4", "format-us.pcap.zst", "format-members.pcap.gz"} {
		b, err := os.ReadFile(filepath.Join("..", "testdata", "captures", name))
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 64<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := NewReader(bytes.NewReader(data), "x", Options{NoReadAhead: true})
		if err != nil {
			return
		}
		defer r.Close()
		var dst [64]Packet
		for range 1000 { // what is small may unpack to much
			n, err := r.Next(dst[:])
			for i := range dst[:n] {
				if int(dst[i].Length) < len(dst[i].Data) && dst[i].Length != 0 {
					t.Fatalf("packet %d: %d bytes of %d", dst[i].Number, len(dst[i].Data), dst[i].Length)
				}
			}
			if err != nil {
				return
			}
		}
	})
}

// FuzzWriter writes packets of any content, and reads the same again.
func FuzzWriter(f *testing.F) {
	f.Add([]byte("data"), uint16(1), uint16(0), int64(1e18), "a comment", "eth0")
	f.Add([]byte{}, uint16(113), uint16(7), int64(-1), "\xff\x00", "")
	f.Fuzz(func(t *testing.T, data []byte, link, vlan uint16, at int64, comment, name string) {
		p := Packet{Time: at, Link: LinkType(link), Data: data, Length: uint32(len(data)), Interface: 3}
		var b bytes.Buffer
		w := NewWriter(&b, WriterOptions{Application: name, Comment: comment})
		if err := w.AddInterface(p.Link, p.Interface, name, 0); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := w.WritePacket(&p, comment); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(&b, "x", Options{NoReadAhead: true})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var dst [4]Packet
		n := 0
		for {
			k, err := r.Next(dst[:])
			for _, q := range dst[:k] {
				n++
				if q.Link != p.Link || !bytes.Equal(q.Data, p.Data) || q.Length != p.Length {
					t.Fatalf("%+v came back as %+v", p, q)
				}
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, damage := r.Problems(); n != 2 || damage != 0 {
			t.Fatalf("%d packets, %d problems", n, damage)
		}
	})
}

// FuzzMerge merges files of any content: each packet comes once.
func FuzzMerge(f *testing.F) {
	f.Add(timed(0, 1, 3), timed(1, 2, 4))
	f.Add(timed(0, 5, 1), []byte("no capture"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		dir := t.TempDir()
		var paths []string
		want := 0
		for i, data := range [][]byte{a, b} {
			path := filepath.Join(dir, string(rune('a'+i)))
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			n, ok := countPackets(path)
			if !ok {
				continue
			}
			paths, want = append(paths, path), want+n
		}
		if len(paths) == 0 {
			return
		}
		m, err := OpenFiles(paths, Options{NoReadAhead: true})
		if err != nil {
			if want > 0 { // else each file had its own reason
				t.Fatal(err)
			}
			return
		}
		defer m.Close()
		var dst [16]Packet
		got := 0
		for {
			n, err := m.Next(dst[:])
			got += n
			if err != nil {
				break
			}
		}
		if got != want {
			t.Fatalf("%d packets of %d", got, want)
		}
	})
}

// countPackets counts the packets of a file; ok is false for no capture, and for one
// that is long.
func countPackets(path string) (n int, ok bool) {
	r, err := Open(path, Options{NoReadAhead: true})
	if err != nil {
		return 0, false
	}
	defer r.Close()
	var dst [16]Packet
	for n < 10000 {
		k, err := r.Next(dst[:])
		n += k
		if err != nil {
			return n, true
		}
	}
	return 0, false
}

// FuzzFollow follows a file that is written in two pieces, in place or after the name
// was given to another: it ends, without a panic.
func FuzzFollow(f *testing.F) {
	b := timed(0, 1, 2, 3)
	f.Add(b[:40], b[40:], uint8(0))
	f.Add(b, timed(1, 4), uint8(1))
	f.Add(b, timed(1, 4, 5, 6, 7), uint8(2))
	f.Fuzz(func(t *testing.T, first, second []byte, how uint8) {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, first, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Millisecond)
		defer cancel()
		w, err := Follow(ctx, path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		w.poll = 100 * time.Microsecond
		var dst [16]Packet
		_, err = w.Next(dst[:])
		switch {
		case err != nil:
		case how%3 == 0:
			err = os.WriteFile(path, slices.Concat(first, second), 0o600)
		case how%3 == 1:
			os.Rename(path, path+".1")
			err = os.WriteFile(path, second, 0o600)
		default:
			err = os.WriteFile(path, second, 0o600)
		}
		for err == nil {
			_, err = w.Next(dst[:])
		}
		w.Problems()
	})
}
