package flowlog

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	kgzip "github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func zeekSample(t testing.TB) []byte {
	return mustRead(t, filepath.Join(samplesFolder(t), "zeek", "conn.log"))
}

// tryEnrich is enrich for input that may fail.
func tryEnrich(r io.Reader, opt EnrichOptions) ([]byte, *Stats, error) {
	opt.Annotator = testAnnotator
	var out bytes.Buffer
	e := NewEnricher(&out, opt)
	err := e.Enrich(context.Background(), r, "log")
	return out.Bytes(), e.Stats(), err
}

// Binary garbage comes out as it went in, and is reported once for each line.
func TestGarbagePasses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	garbage := make([]byte, 1<<20)
	for i := range garbage {
		garbage[i] = byte(r.Uint32())
	}
	for _, c := range []struct {
		name string
		data []byte
		opt  Options
	}{
		{"unknown", garbage, Options{}},
		{"as Zeek", append(zeekSample(t), garbage...), Options{}},
		{"as EVE", garbage, Options{Format: "eve"}},
		{"as JSON over lines", append([]byte("[\n"), garbage...), Options{Format: "nfdump-json"}},
		{"NULs", make([]byte, 300<<10), Options{Format: "zeek"}},
		{"NULs in lines", bytes.Repeat([]byte("\x00\x00\n"), 1000), Options{Format: "eve"}},
	} {
		out, st, err := tryEnrich(bytes.NewReader(c.data), EnrichOptions{Options: c.opt})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		stripped, _, err := tryEnrich(bytes.NewReader(out), EnrichOptions{Options: c.opt, Strip: true})
		if err != nil || !bytes.Equal(stripped, c.data) {
			t.Errorf("%s: %d bytes came out as %d, error %v", c.name, len(c.data), len(stripped), err)
		}
		if st.Bad == 0 || st.Faults < st.Bad || len(st.Problems) == 0 || len(st.Problems) > MaxProblems {
			t.Errorf("%s: %d bad, %d faults, %d kept", c.name, st.Bad, st.Faults, len(st.Problems))
		}
	}
}

func TestEmptyLogs(t *testing.T) {
	for _, data := range []string{"", "\n", "\xef\xbb\xbf", "\xef\xbb\xbf\n", "\r\n\r\n", "\x1f", "\x28\xb5"} {
		out, _, err := tryEnrich(strings.NewReader(data), EnrichOptions{})
		if err != nil || string(out) != data {
			t.Errorf("%q came out as %q, error %v", data, out, err)
		}
	}
}

// longLines are a good line, one with n bytes more, and a good line again, with
// what a log needs before them; none of it is kept.
var longLines = map[string]func(n int64) io.Reader{
	"EVE": func(n int64) io.Reader {
		const good = `{"timestamp":"2026-09-14T09:00:01+0000","event_type":"flow","src_ip":"192.0.2.1","src_port":50000,"dest_ip":"192.0.2.2","dest_port":443,"proto":"TCP"}` + "\n"
		return io.MultiReader(strings.NewReader(good+`{"x":"`), io.LimitReader(filler{}, n), strings.NewReader("\"}\n"+good))
	},
	"Zeek": func(n int64) io.Reader {
		const good = "1789376400.1\t50000\t443\ttcp\t-\n"
		return io.MultiReader(strings.NewReader("#fields\tts\tid.orig_p\tid.resp_p\tproto\tx\n"+good+"1789376400.2\t50000\t"),
			io.LimitReader(filler{}, n), strings.NewReader("\n"+good))
	},
}

type filler struct{}

var fill = bytes.Repeat([]byte("a"), 64<<10)

func (filler) Read(p []byte) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], fill)
	}
	return n, nil
}

// compressed gives r compressed.
func compressed(r io.Reader) io.Reader {
	out, in := io.Pipe()
	go func() {
		g := kgzip.NewWriter(in)
		_, err := io.Copy(g, r)
		in.CloseWithError(errors.Join(err, g.Close()))
	}()
	return out
}

// sum is what is compared of data too long to keep.
func sum() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

// A line of a gigabyte passes in bounded memory, also out of gzip; the lines
// around it are annotated, and the numbers of lines go on.
func TestLongLine(t *testing.T) {
	size := int64(1e9)
	if testing.Short() {
		size = 64 << 20
	}
	for name, lines := range longLines {
		want := sum()
		original, err := io.Copy(want, lines(size))
		if err != nil {
			t.Fatal(err)
		}
		for _, packed := range []bool{false, true} {
			in := lines(size)
			if packed {
				in = compressed(in)
			}
			pipe, out := io.Pipe()
			got, n := sum(), new(countWriter)
			done := make(chan error)
			go func() {
				e := NewEnricher(io.MultiWriter(got, n), EnrichOptions{Strip: true})
				done <- e.Enrich(context.Background(), pipe, "log")
			}()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			e := NewEnricher(out, EnrichOptions{Annotator: testAnnotator, Workers: 2})
			if err := e.Enrich(context.Background(), in, "log"); err != nil {
				t.Fatal(err)
			}
			out.Close()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if int64(*n) != original || !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
				t.Errorf("%s, gzip %v: stripped, it is not the original: %d bytes, want %d", name, packed, *n, original)
			}
			// Of all that was ever allocated, so also of what was in use.
			if m := (after.TotalAlloc - before.TotalAlloc) >> 20; m > 128 {
				t.Errorf("%s, gzip %v: %d MiB were allocated for a line of %d MiB", name, packed, m, size>>20)
			}
			number := int64(2)
			if name == "Zeek" {
				number = 3 // after #fields
			}
			if st := e.Stats(); st.Flows != 2 || st.Bad != 1 || len(st.Problems) != 1 || st.Problems[0].Line != number || st.Lines != uint64(number)+1 {
				t.Errorf("%s, gzip %v: %+v", name, packed, st)
			}
		}
	}
}

type countWriter int64

func (c *countWriter) Write(b []byte) (int, error) {
	*c += countWriter(len(b))
	return len(b), nil
}

// Truncated and damaged compression gives all that could be read, and an error.
func TestTruncatedCompression(t *testing.T) {
	log := append(zeekSample(t), bytes.Repeat([]byte("1789376400.1\tC1\t192.0.2.1\t50000\t192.0.2.2\t443\ttcp\t-\t1\t1\t1\tSF\tT\tT\t0\tS\t1\t1\t1\t1\t-\n"), 5000)...)
	whole, _, err := tryEnrich(bytes.NewReader(log), EnrichOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var gz, zs bytes.Buffer
	g := gzip.NewWriter(&gz)
	g.Write(log)
	g.Close()
	z, _ := zstd.NewWriter(&zs)
	z.Write(log)
	z.Close()
	for name, data := range map[string][]byte{"gzip": gz.Bytes(), "zstd": zs.Bytes(), "two gzip members": append(bytes.Clone(gz.Bytes()), gz.Bytes()...)} {
		out, _, err := tryEnrich(bytes.NewReader(data), EnrichOptions{})
		if err != nil || !bytes.HasPrefix(out, whole) {
			t.Errorf("%s: %d bytes, error %v", name, len(out), err)
		}
		out, _, err = tryEnrich(bytes.NewReader(data[:len(data)*3/4]), EnrichOptions{})
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(fmt.Sprint(err), "read log: ") {
			t.Errorf("%s, truncated: error %v", name, err)
		}
		if name != "two gzip members" && !bytes.HasPrefix(whole, cutLastLine(out)) {
			t.Errorf("%s, truncated: the output is not the beginning of the whole", name)
		}
	}
	if out, _, _ := tryEnrich(bytes.NewReader(gz.Bytes()[:gz.Len()-8]), EnrichOptions{}); !bytes.Equal(out, whole) {
		t.Errorf("without its checksum, a gzip file lost data: %d bytes, want %d", len(out), len(whole))
	}
	if _, _, err := tryEnrich(bytes.NewReader(gz.Bytes()[:5]), EnrichOptions{}); err == nil {
		t.Error("a cut gzip header is no error")
	}
}

func cutLastLine(b []byte) []byte { return b[:bytes.LastIndexByte(b, '\n')+1] }

// Strict ends the run at the first bad line: what comes before it is written,
// and it is named.
func TestStrict(t *testing.T) {
	log := mustRead(t, filepath.Join(samplesFolder(t), "eve", "bad.json"))
	out, st, err := tryEnrich(bytes.NewReader(log), EnrichOptions{Strict: true})
	if !errors.Is(err, ErrStrict) || !strings.HasPrefix(err.Error(), "log:2: JSON ends in the middle") {
		t.Errorf("error %v", err)
	}
	if n := bytes.Count(out, newline); n != 2 || st.Flows != 1 || st.Bad != 1 {
		t.Errorf("%d lines, %d flows, %d bad", n, st.Flows, st.Bad)
	}
}

// A failing output ends the run; a blocked input does not keep it from ending.
func TestFailures(t *testing.T) {
	broken := errors.New("pipe")
	e := NewEnricher(failing{broken}, EnrichOptions{Annotator: testAnnotator})
	log := bytes.Repeat([]byte("#fields\tid.orig_p\tid.resp_p\n50000\t443\n"), 100000)
	if err := e.Enrich(context.Background(), bytes.NewReader(log), "log"); !errors.Is(err, broken) || !errors.Is(err, ErrWrite) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	sample := zeekSample(t)
	go w.Write(sample) // and then the input goes quiet
	late := time.AfterFunc(20*time.Second, cancel)
	defer late.Stop()
	out := &whenLines{n: bytes.Count(sample, newline), then: cancel}
	e = NewEnricher(out, EnrichOptions{Annotator: testAnnotator})
	if err := e.Enrich(ctx, r, "log"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if e.Stats().Flows != 7 {
		t.Errorf("%d flows were written before the end", e.Stats().Flows)
	}
	w.Close()
	boom := errors.New("boom")
	rest, _, err := tryEnrich(io.MultiReader(bytes.NewReader(zeekSample(t)[:700]), broke{boom}), EnrichOptions{})
	if !errors.Is(err, boom) || !strings.HasPrefix(err.Error(), "read log: ") || len(rest) < 700 {
		t.Errorf("error %v after %d bytes", err, len(rest))
	}
}

// whenLines calls then once it was given n lines.
type whenLines struct {
	n    int
	then func()
}

func (w *whenLines) Write(b []byte) (int, error) {
	if w.n -= bytes.Count(b, newline); w.n <= 0 {
		w.then()
	}
	return len(b), nil
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

type broke struct{ err error }

func (b broke) Read([]byte) (int, error) { return 0, b.err }

// What the first ten problems are called, with their positions.
func TestProblemPositions(t *testing.T) {
	_, st := enrich(t, bytes.NewReader(mustRead(t, filepath.Join(samplesFolder(t), "zeek", "bad.log"))), EnrichOptions{})
	want := []string{
		"log:4: line before #fields",
		"log:8: 5 columns, want 6",
		`log:9: id.orig_p is no port: "70000"`,
		`log:10: id.resp_p is no port: "https"`,
		`log:11: proto is not known: "tpc"`,
		"log:13: 7 columns, want 6",
		"log:15: #fields: no id.orig_p and id.resp_p: the lines pass as they are",
	}
	for i, p := range st.Problems {
		if i >= len(want) || p.Error() != want[i] {
			t.Errorf("problem %q", p)
		}
	}
	if len(st.Problems) != len(want) {
		t.Errorf("%d problems, want %d", len(st.Problems), len(want))
	}
	_, st = enrich(t, strings.NewReader("[\n{\"proto\":6,\"src4_addr\":1,\n\"dst4_addr\":2,\"src_port\":1},\n\n{\n\"proto\":6,\"src_port\":\"x\"}\n,{\"proto\":"), EnrichOptions{Options: Options{Format: "nfdump-json"}})
	if len(st.Problems) != 2 || st.Problems[0].Error() != `log:5: source port is no port: "x"` || st.Problems[1].Line != 7 {
		t.Errorf("over lines: %v", st.Problems)
	}
}
