package netflow

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/flowlog"
)

// mixedFile has messages of all versions, one behind the other: 5 records.
func mixedFile() []byte {
	return join(
		messageV9(0, 0, 2, set(0, true, templateRecord(256, templateA...)), set(256, true, dataA, dataA)),
		messageV9(1, 0, 1, set(256, true, dataA)),
		messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 40000, 25, 6, 2, 1, 1, 0, 0)),
		messageIPFIX(0, 0, set(2, false, templateRecord(256, templateA...))),
		messageIPFIX(0, 0, set(256, false, dataA)),
		messageV9(2, 0, 1), // nothing but a header
	)
}

func decodeFile(t testing.TB, b []byte) (records int, st *Stats) {
	t.Helper()
	d := NewDecoder(Limits{}, func(*Record) { records++ })
	if err := d.File(context.Background(), bytes.NewReader(b), "file", 1, false); err != nil {
		t.Fatal(err)
	}
	return records, d.Stats()
}

func TestFile(t *testing.T) {
	n, st := decodeFile(t, mixedFile())
	if n != 5 || st.Messages != [4]uint64{1, 3, 2, 0} || st.FaultCount != 0 {
		t.Errorf("%d records, %+v", n, st)
	}
}

// TestFileDamage: garbage between messages costs no message but its own.
func TestFileDamage(t *testing.T) {
	good := messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 40000, 25, 6, 2, 1, 1, 0, 0))
	n, st := decodeFile(t, join(good, []byte("not a message, and some more of that"), good, mixedFile(), []byte{0, 1, 2}))
	if n != 7 || st.Skipped != 36 || st.Left[BadMessage] != 2 {
		t.Errorf("%d records, %+v", n, st)
	}
	if got := st.Faults[0].Error(); got != "file: byte 72: no message here; 36 bytes skipped" {
		t.Error(got)
	}
	// Cut anywhere, a file gives what is whole, and says when something is not.
	file := mixedFile()
	last := 0
	for i := range file {
		n, _ := decodeFile(t, file[:i])
		if n < last {
			t.Fatalf("%d bytes give %d records, fewer give %d", i, n, last)
		}
		last = n
	}
	if last != 5 {
		t.Errorf("%d records", last)
	}
}

func TestFileStrict(t *testing.T) {
	for _, c := range []struct {
		name    string
		file    []byte
		want    string
		records uint64
	}{
		{"a bad set", join(messageIPFIX(0, 0, set(2, false), set(4, false, dataA)), mixedFile()), "x: byte 0: set 4: reserved", 0},
		{"no template in the file", join(messageV9(0, 7, 1, set(256, true, dataA)), mixedFile()), "x: byte 0: netflow-v9 domain 7: template 256 not seen", 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			col := NewCollector(new(bytes.Buffer), Options{Annotator: testAnnotator(t), Strict: true})
			err := col.File(context.Background(), bytes.NewReader(c.file), "x")
			if !errors.Is(err, flowlog.ErrStrict) || !strings.Contains(err.Error(), c.want) || col.Stats().Records != c.records {
				t.Errorf("error %v, %+v", err, col.Stats())
			}
		})
	}
}

// TestFileOther: files that are taken for NetFlow say what they are.
func TestFileOther(t *testing.T) {
	for magic, want := range map[string]string{"\xa5\x0c\x01\x00": "nfdump", "\xd4\xc3\xb2\xa1": "portannot -r", "\x0a\x0d\x0d\x0a": "portannot -r"} {
		d := NewDecoder(Limits{}, nil)
		err := d.File(context.Background(), strings.NewReader(magic+strings.Repeat("\x00", 100)), "x", 1, false)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%x: %v", magic, err)
		}
	}
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		name, want string
		b          []byte
	}{
		{"version 5", "netflow", messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 1, 2, 6, 0, 1, 1, 0, 0))},
		{"version 9", "netflow", mixedFile()},
		{"IPFIX", "ipfix", messageIPFIX(0, 0, set(2, false, templateRecord(256, templateA...)))},
		{"text", "", []byte("#separator \\x09\n#set_separator\t,\n")},
		{"JSON", "", []byte(`{"proto":"tcp","src_port":1}`)},
		{"zeros", "", make([]byte, 64)},
		{"short", "", []byte{0, 9}},
		{"nothing", "", nil},
	} {
		if got := Detect(c.b); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWriteError(t *testing.T) {
	c := NewCollector(brokenWriter{}, Options{Annotator: testAnnotator(t)})
	err := c.File(context.Background(), bytes.NewReader(mixedFile()), "x")
	if !errors.Is(err, flowlog.ErrWrite) || !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
}

// FuzzFile: no panic, no endless loop, and all bytes accounted for in
// messages that are handed on once.
func FuzzFile(f *testing.F) {
	f.Add(mixedFile())
	f.Add(messageIPFIX(0, 0, set(2, false, templateRecord(300, field{82, 65535, 0}, field{4, 1, 0}, field{1, 8, reversePEN})),
		set(300, true, variable([]byte("x"), true), []byte{6}, u64(1)), set(3, true, optionsIPFIX(400, []field{{144, 4, 0}}, []field{{160, 8, 0}}))))
	f.Add(messageV9(0, 0, 4, set(1, true, optionsV9(400, []field{{1, 4, 0}}, []field{{34, 4, 0}, {35, 1, 0}})), set(400, true, u32(0), u32(512), []byte{2})))
	f.Add(messageV9(0, 0, 1, set(0, true, u16(300), u16(65535)), set(300, true, u32(1))))
	f.Add(messageIPFIX(0, 0, set(2, false, templateRecord(300, field{8, 0, 0})), set(300, false, u32(1))))
	f.Fuzz(func(t *testing.T, b []byte) {
		records := 0
		d := NewDecoder(Limits{}, func(r *Record) {
			if records++; records > len(b) {
				t.Fatal("more records than bytes")
			}
		})
		if err := d.File(context.Background(), bytes.NewReader(b), "x", 1, false); err != nil && !strings.Contains(err.Error(), "this is") {
			t.Fatal(err)
		}
		if d.stats.Left[DecoderFailure] != 0 {
			t.Fatal(d.stats.Faults)
		}
		if d.exporters.fields != 0 || d.exporters.domains != 0 || d.exporters.held != 0 {
			t.Fatal("templates outlive the file")
		}
	})
}

// FuzzMessage is the same for datagrams, with what was written checked to be
// JSON.
func FuzzMessage(f *testing.F) {
	f.Add(messageV9(0, 0, 2, set(0, true, templateRecord(256, templateA...)), set(256, true, dataA, dataA)))
	f.Add(messageV5(0, 0, recordV5("192.0.2.1", "192.0.2.2", 40000, 25, 6, 2, 1, 1, 0, 0)))
	f.Add(messageIPFIX(0, 0, set(2, false, templateRecord(256, templateA...)), set(256, false, dataA)))
	a := testAnnotator(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		c := NewCollector(&out, Options{Annotator: a})
		c.decoder.Message(b, Source{Name: "x", Offset: -1})
		c.flush()
		if got := len(lines(t, out.Bytes())); uint64(got) != c.Stats().Records || c.Stats().Left[DecoderFailure] != 0 {
			t.Fatalf("%d lines, %+v", got, c.Stats())
		}
	})
}

func BenchmarkFile(b *testing.B) {
	body := set(256, true, bytes.Repeat(dataA, 30))
	file := join(messageV9(0, 0, 1, set(0, true, templateRecord(256, templateA...))), bytes.Repeat(messageV9(0, 0, 30, body), 300))
	c := NewCollector(discard{}, Options{Annotator: testAnnotator(b)})
	b.ReportAllocs()
	for b.Loop() {
		if err := c.File(context.Background(), bytes.NewReader(file), "x"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(c.Stats().Records)/b.Elapsed().Seconds(), "records/s")
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
