package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// timed makes a capture with packets at these times, in microseconds. The data
// tell the file and the position.
func timed(file int, times ...int) []byte {
	f := pcapFile(le, 0xa1b2c3d4, 65535, 1)
	for i, t := range times {
		f.packet(uint32(t/1e6), uint32(t%1e6), fmt.Appendf(nil, "%d.%d", file, i+1))
	}
	return f.b
}

func writeFiles(t testing.TB, contents ...[]byte) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for i, b := range contents {
		path := filepath.Join(dir, fmt.Sprintf("part_%04d.pcap", i))
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func labels(packets []Packet) string {
	var s []string
	for _, p := range packets {
		s = append(s, string(p.Data))
	}
	return strings.Join(s, " ")
}

func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name  string
		files [][]int
		want  string
	}{
		{"parts in order", [][]int{{1, 2, 3}, {4, 5}, {6}}, "0.1 0.2 0.3 1.1 1.2 2.1"},
		{"parts in disorder", [][]int{{6}, {4, 5}, {1, 2, 3}}, "2.1 2.2 2.3 1.1 1.2 0.1"},
		{"overlap", [][]int{{1, 4, 7}, {2, 5, 8}, {3, 6, 9}}, "0.1 1.1 2.1 0.2 1.2 2.2 0.3 1.3 2.3"},
		{"equal times go by the order of the files", [][]int{{5, 5}, {5}, {4, 5}}, "2.1 0.1 0.2 1.1 2.2"},
		{"a clock that went back", [][]int{{10, 3, 20}, {5, 15}}, "1.1 0.1 0.2 1.2 0.3"},
		{"a file without packets", [][]int{{}, {1}, {}}, "1.1"},
		{"none has packets", [][]int{{}, {}}, ""},
		{"one within another", [][]int{{1, 9}, {3, 4}}, "0.1 1.1 1.2 0.2"},
		{"packets without time stay where they are", [][]int{{1, 0, 5}, {2}}, "0.1 0.2 1.1 0.3"},
	} {
		var contents [][]byte
		for i, times := range c.files {
			contents = append(contents, timed(i, times...))
		}
		paths := writeFiles(t, contents...)
		for batch := 1; batch < 6; batch++ {
			m, err := OpenFiles(paths, Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := drain(m, batch)
			if err != io.EOF || labels(got) != c.want {
				t.Errorf("%s: %q, %v; want %q", c.name, labels(got), err, c.want)
			}
			if read, total := m.Progress(); read != total || total == 0 {
				t.Errorf("%s: progress %d of %d", c.name, read, total)
			}
			m.Close()

			var sources []Source
			for _, b := range contents {
				r, err := NewReader(bytes.NewReader(b), "x", Options{})
				if err != nil {
					t.Fatal(err)
				}
				sources = append(sources, r)
			}
			m = Merge(sources...)
			got, err = drain(m, batch)
			if err != io.EOF || labels(got) != c.want {
				t.Errorf("%s, from readers: %q, %v; want %q", c.name, labels(got), err, c.want)
			}
			m.Close()
		}
	}
}

// TestMergeOracle merges random files, and sorts their packets by the greatest
// time so far within each file.
func TestMergeOracle(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	for range 60 {
		type item struct {
			key, file, at int
		}
		var want []item
		var contents [][]byte
		for file := range 1 + rnd.IntN(20) {
			now := 1 + rnd.IntN(3000)
			var times []int
			for at := range rnd.IntN(700) {
				now += rnd.IntN(5)
				times = append(times, now)
				want = append(want, item{now, file, at + 1})
			}
			contents = append(contents, timed(file, times...))
		}
		slices.SortStableFunc(want, func(a, b item) int {
			if a.key != b.key {
				return a.key - b.key
			}
			if a.file != b.file {
				return a.file - b.file
			}
			return a.at - b.at
		})
		m, err := OpenFiles(writeFiles(t, contents...), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := drain(m, 1+rnd.IntN(300))
		if err != io.EOF || len(got) != len(want) {
			t.Fatalf("%d packets, %v; want %d", len(got), err, len(want))
		}
		for i, w := range want {
			if string(got[i].Data) != fmt.Sprintf("%d.%d", w.file, w.at) || got[i].Number != uint64(w.at) {
				t.Fatalf("packet %d is %s at %d, want %d.%d", i, got[i].Data, got[i].Time, w.file, w.at)
			}
		}
		m.Close()
	}
}

// TestMergeManyParts: thousands of parts that do not overlap are open one or
// two at a time.
func TestMergeManyParts(t *testing.T) {
	var contents [][]byte
	for i := range 2000 {
		contents = append(contents, timed(i, 10*i+1, 10*i+2, 10*i+13)) // the last overlaps the next part
	}
	m, err := OpenFiles(writeFiles(t, contents...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	dst := make([]Packet, 64)
	packets, last, most := 0, int64(0), 0
	for {
		n, err := m.Next(dst)
		for _, p := range dst[:n] {
			if p.Time < last {
				t.Fatalf("time %d after %d", p.Time, last)
			}
			last = p.Time
		}
		packets += n
		most = max(most, len(m.active))
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if packets != 6000 || most > 3 {
		t.Errorf("%d packets; %d files open at a time", packets, most)
	}
	if runtime.GOOS == "linux" {
		if open, err := os.ReadDir("/proc/self/fd"); err == nil && len(open) > 100 {
			t.Errorf("%d descriptors are open", len(open))
		}
	}
}

func TestMergeFailures(t *testing.T) {
	good := timed(0, 1, 5)
	cut := timed(1, 2, 3)
	cut = cut[:len(cut)-1]
	ng := ngFile(le)
	ng.iface(1, 0)
	ng.enhanced(3, 1, []byte("of no interface"))
	ng.enhanced(0, 4, []byte("2.2"))
	paths := writeFiles(t, good, cut, ng.b, []byte("no capture"))
	paths = append(paths, filepath.Join(t.TempDir(), "missing"))
	m, err := OpenFiles(paths, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := drain(m, 10)
	if want := "0.1 1.1 2.2 0.2"; labels(got) != want {
		t.Errorf("%q, want %q", labels(got), want)
	}
	var d *DamageError
	if !errors.As(err, &d) || d.Packet != 2 || !errors.Is(err, ErrNotCapture) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, again := m.Next(make([]Packet, 1)); again == nil {
		t.Error("no error at the second time")
	}
	if list, n := m.Problems(); n != 1 || len(list) != 1 || list[0].Packet != 1 {
		t.Errorf("problems %v", list)
	}
	m.Close()

	if _, err := OpenFiles(paths[3:], Options{}); !errors.Is(err, ErrNotCapture) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("none can be read: %v", err)
	}
}

func TestMergeWithStdin(t *testing.T) {
	paths := append(writeFiles(t, timed(0, 1, 3)), "-")
	m, err := OpenFiles(paths, Options{Stdin: bytes.NewReader(timed(1, 2, 4))})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	got, err := drain(m, 4)
	if err != io.EOF || labels(got) != "0.1 1.1 0.2 1.2" {
		t.Errorf("%q, %v", labels(got), err)
	}
	if _, total := m.Progress(); total != 0 {
		t.Errorf("total %d, want 0 for not known", total)
	}
}

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	capture := timed(0, 1)
	for name, b := range map[string][]byte{
		"b.pcap": capture, "a.pcap": capture, "readme.txt": []byte("no capture"), "[x].pcap": capture,
		"sub/c": capture, "sub/deep/d.pcap.gz": compressors["gzip"](capture), "sub/empty": nil, "sub/cut.pcap": capture[:10],
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(names ...string) (paths []string) {
		for _, n := range names {
			paths = append(paths, filepath.Join(dir, filepath.FromSlash(n)))
		}
		return paths
	}
	for _, c := range []struct {
		args    []string
		want    []string
		skipped int
	}{
		{append(at("b.pcap"), "-"), append(at("b.pcap"), "-"), 0},
		{at("readme.txt"), at("readme.txt"), 0}, // named by the user: it is an error when it is opened
		{at("?.pcap"), at("a.pcap", "b.pcap"), 0},
		{at("[x].pcap"), at("[x].pcap"), 0},
		{at("."), at("[x].pcap", "a.pcap", "b.pcap", "sub/c", "sub/cut.pcap", "sub/deep/d.pcap.gz"), 2},
		{at("su?"), at("sub/c", "sub/cut.pcap", "sub/deep/d.pcap.gz"), 1},
	} {
		got, skipped, err := Expand(c.args, true)
		if err != nil || !slices.Equal(got, c.want) || skipped != c.skipped {
			t.Errorf("%v: %v, %d, %v; want %v, %d", c.args, got, skipped, err, c.want, c.skipped)
		}
	}
	if _, _, err := Expand(at("sub"), false); !errors.Is(err, ErrDirectory) || !strings.Contains(err.Error(), "sub") {
		t.Error(err)
	}
	for _, none := range []string{"none", "none*", "[bad"} {
		if _, _, err := Expand(at(none), true); err == nil {
			t.Errorf("%s: no error", none)
		}
	}
}
