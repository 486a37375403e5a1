package flowlog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/unpack"
)

// The samples lie in testdata/flowlogs, in a folder for each format that has
// the format's name. Beside a sample "x" there is "x.golden", what becomes of
// it, and perhaps "x.options", how it is to be read: lines "format NAME" (when
// the content does not tell), "map proto=…,sport=…,dport=…" and "fields …".
// UPDATE_GOLDEN=1 rewrites the goldens.

// sample is one of them.
type sample struct {
	path   string // below testdata/flowlogs
	format string
	data   []byte
	opt    Options
}

func samplesFolder(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs("../../testdata/flowlogs")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func samples(t testing.TB) []sample {
	t.Helper()
	dir := samplesFolder(t)
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var list []sample
	for _, path := range paths {
		if strings.HasSuffix(path, ".golden") || strings.HasSuffix(path, ".options") || filepath.Ext(path) == ".go" {
			continue
		}
		rel, _ := filepath.Rel(dir, path)
		s := sample{path: rel, format: filepath.Base(filepath.Dir(path)), data: mustRead(t, path)}
		if options, err := os.ReadFile(path + ".options"); err == nil {
			for line := range strings.Lines(string(options)) {
				key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
				switch key {
				case "format":
					s.opt.Format = value
				case "map":
					if s.opt.Map, err = ParseMap(value); err != nil {
						t.Fatalf("%s.options: %v", rel, err)
					}
				case "fields":
					s.opt.Fields = strings.Fields(value)
				default:
					t.Fatalf("%s.options: unknown word %q", rel, key)
				}
			}
		}
		list = append(list, s)
	}
	if len(list) == 0 {
		t.Fatal("no samples")
	}
	return list
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var testAnnotator = annotate.New(annotate.Options{})

// enrich copies a log by the options.
func enrich(t testing.TB, r io.Reader, opt EnrichOptions) ([]byte, *Stats) {
	t.Helper()
	opt.Annotator = testAnnotator
	var out bytes.Buffer
	e := NewEnricher(&out, opt)
	if err := e.Enrich(context.Background(), r, "log"); err != nil {
		t.Fatalf("enrich: %v", err)
	}
	return out.Bytes(), e.Stats()
}

// firstDifference shows where two texts part, to keep messages short.
func firstDifference(got, want []byte) string {
	g, w := strings.SplitAfter(string(got), "\n"), strings.SplitAfter(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return "line " + itoa(i+1) + ":\n got " + g[i] + "want " + w[i]
		}
	}
	return "one is longer: " + itoa(len(g)) + " lines, want " + itoa(len(w))
}

func itoa(n int) string { return strconv.Itoa(n) }

// Each sample is recognised, becomes its golden, and has no line that is not
// understood unless its name says so.
func TestSamples(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.path, func(t *testing.T) {
			rd := NewReader(bytes.NewReader(s.data), s.path)
			rd.Options = s.opt
			for rd.Scan() {
			}
			if rd.Err() != nil || rd.Format() != s.format {
				t.Errorf("read as %q, want %q; error %v", rd.Format(), s.format, rd.Err())
			}
			got, st := enrich(t, bytes.NewReader(s.data), EnrichOptions{Options: s.opt})
			if bad := strings.Contains(s.path, "bad"); (st.Faults > 0) != bad {
				t.Errorf("%d faults: %v", st.Faults, st.Problems)
			}
			if st.Flows == 0 && !strings.Contains(s.path, "without") {
				t.Error("no flows")
			}
			if st.Flows+st.Other+st.Bad != st.Lines && !strings.HasPrefix(s.path, "azure") {
				t.Errorf("lines are not accounted for: %+v", st)
			}
			golden := filepath.Join(samplesFolder(t), s.path+".golden")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := mustRead(t, golden); !bytes.Equal(got, want) {
				t.Errorf("not as in %s.golden: %s", s.path, firstDifference(got, want))
			}
		})
	}
}

// What enrich promises of every log, in every format.
func TestSampleProperties(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.path, func(t *testing.T) {
			for _, v := range []struct {
				name string
				data []byte
			}{
				{"as it is", s.data},
				{"CRLF", bytes.ReplaceAll(s.data, []byte("\n"), []byte("\r\n"))},
				{"no newline at the end", bytes.TrimRight(s.data, "\n")},
				{"twice", append(bytes.Clone(s.data), s.data...)},
				{"cut", s.data[:len(s.data)*2/3]},
				{"BOM", append(bytes.Clone(bom), s.data...)},
			} {
				t.Run(v.name, func(t *testing.T) { checkProperties(t, v.data, s.opt) })
			}
		})
	}
}

// checkProperties checks that stripping gives the original back, that a second
// annotation replaces the first, and that neither the number of workers nor
// the way in which the input comes makes a difference.
func checkProperties(t *testing.T, data []byte, opt Options) {
	t.Helper()
	if opt.Format == "" || opt.Format == "auto" {
		// A cut or stripped log may be recognised as something else, or not.
		rd := NewReader(bytes.NewReader(data), "log")
		rd.Options = opt
		rd.Scan()
		if _, err := rowsOf(rd.Format()); err == nil {
			opt.Format = rd.Format()
		}
	}
	out, _ := enrich(t, bytes.NewReader(data), EnrichOptions{Options: opt})
	original := data
	if bytes.Contains(data, []byte("portannot")) {
		original, _ = enrich(t, bytes.NewReader(data), EnrichOptions{Options: opt, Strip: true})
	}
	if back, _ := enrich(t, bytes.NewReader(out), EnrichOptions{Options: opt, Strip: true}); !bytes.Equal(back, original) {
		t.Errorf("stripped, it is not the original: %s", firstDifference(back, original))
	}
	if again, _ := enrich(t, bytes.NewReader(out), EnrichOptions{Options: opt}); !bytes.Equal(again, out) {
		t.Errorf("annotated again, it differs: %s", firstDifference(again, out))
	}
	if slow, _ := enrich(t, iotest.OneByteReader(bytes.NewReader(data)), EnrichOptions{Options: opt, Workers: 3}); !bytes.Equal(slow, out) {
		t.Errorf("read byte by byte, it differs: %s", firstDifference(slow, out))
	}
}

// FuzzEnrich feeds anything to any format.
func FuzzEnrich(f *testing.F) {
	list := append(formats(), mapped...)
	for _, s := range samples(f) {
		for i := range list {
			if list[i].name == s.format {
				f.Add(s.data, uint8(i))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		if bytes.Contains(data, []byte(iana.Caveat)) || bytes.Contains(data, []byte("portannot")) || len(data) > 1<<16 {
			t.Skip("a forged annotation may be taken for one")
		}
		if unpack.Detect(data) != nil {
			t.Skip("compressed")
		}
		opt := Options{Format: list[int(which)%len(list)].name, Map: testMap, Fields: nil}
		var unknown *UnknownName
		if _, _, err := tryEnrich(bytes.NewReader(data), EnrichOptions{Options: opt}); errors.As(err, &unknown) {
			t.Skip("the map names what is not there")
		}
		checkProperties(t, data, opt)
	})
}

// testMap is what generic formats are fuzzed with.
var testMap = Map{Protocol: "proto", SourcePort: "sport", DestinationPort: "dport", Source: "src", Destination: "dst"}
