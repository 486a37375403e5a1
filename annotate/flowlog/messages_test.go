package flowlog

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
)

// TestMessages: each line of the samples of a JSON format, as a message of its
// own, gets what it gets in a log; so does a whole log as one message.
func TestMessages(t *testing.T) {
	annotator := annotate.New(annotate.Options{})
	samples, err := filepath.Glob("../../testdata/flowlogs/*/*.json")
	if err != nil || len(samples) == 0 {
		t.Fatal(err, len(samples))
	}
	for _, name := range samples {
		t.Run(filepath.Base(filepath.Dir(name))+"/"+filepath.Base(name), func(t *testing.T) {
			log, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, output := range []Output{Same, JSON} {
				opt := EnrichOptions{Annotator: annotator, Output: output, Workers: 1}
				var want bytes.Buffer
				e := NewEnricher(&want, opt)
				if err := e.Enrich(context.Background(), bytes.NewReader(log), name); err != nil {
					t.Fatal(err)
				}
				if e.Stats().Bad > 0 {
					t.Skip("has lines that are not understood")
				}
				whole, err := NewMessages(opt)
				if err != nil {
					t.Fatal(err)
				}
				if got, kind, problem := whole.Append(nil, log); problem != nil || !bytes.Equal(bytes.TrimSuffix(got, newline), bytes.TrimSuffix(want.Bytes(), newline)) {
					t.Errorf("as one message: kind %d, %v\n%s\nwant\n%s", kind, problem, got, want.Bytes())
				}
				if whole.Stats().Flows != e.Stats().Flows {
					t.Errorf("%d flows, want %d", whole.Stats().Flows, e.Stats().Flows)
				}
				if first, _, _ := bytes.Cut(log, newline); !json.Valid(first) {
					continue // objects over several lines
				}
				each, err := NewMessages(opt)
				if err != nil {
					t.Fatal(err)
				}
				var got []byte
				for line := range bytes.Lines(log) {
					var problem *Problem
					if got, _, problem = each.Append(got, line); problem != nil {
						t.Fatalf("%v: %s", problem, line)
					}
				}
				if !bytes.Equal(bytes.TrimSuffix(got, newline), bytes.TrimSuffix(want.Bytes(), newline)) {
					t.Errorf("line by line:\n%s\nwant\n%s", got, want.Bytes())
				}
			}
		})
	}
}

// TestMessagesBad: a message with a line that is not understood is bad as a
// whole, and counts none of its flows.
func TestMessagesBad(t *testing.T) {
	const flow = `{"id.orig_h":"192.0.2.1","id.orig_p":50000,"id.resp_h":"192.0.2.2","id.resp_p":22,"proto":"tcp"}`
	m, err := NewMessages(EnrichOptions{Annotator: annotate.New(annotate.Options{}), Options: Options{MaxLine: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ in, want string }{
		{"nothing known", "format not recognised"},
		{flow + "\nno flow\n" + flow, "message:2: format not recognised"},
		{flow[:50], "message:1: "},
		{flow + strings.Repeat(" ", 1000), "more than 1000 bytes"},
		{"#fields\tts\tid.orig_h\n", "message:1: "},
	} {
		out, kind, problem := m.Append([]byte("x"), []byte(c.in))
		if kind != Bad || string(out) != "x" || problem == nil || !strings.Contains(problem.Error(), c.want) {
			t.Errorf("%q: kind %d, %q, problem %v, want %q", c.in, kind, out, problem, c.want)
		}
	}
	for _, in := range []string{"", " \n"} {
		if out, kind, problem := m.Append(nil, []byte(in)); kind != Other || problem != nil || string(out) != in {
			t.Errorf("%q: kind %d, %q, problem %v", in, kind, out, problem)
		}
	}
	if st := m.Stats(); st.Flows != 0 || st.Bad != 5 || st.Faults != 5 {
		t.Errorf("stats %+v", st)
	}
	for format, want := range map[string]string{"zeek": "header lines", "nonsense": "unknown log format", "jsonl": "needs a map"} {
		if _, err := NewMessages(EnrichOptions{Annotator: m.opt.Annotator, Options: Options{Format: format}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("format %s: error %v, want %q", format, err, want)
		}
	}
	if _, err := NewMessages(EnrichOptions{Annotator: m.opt.Annotator, Output: CSV}); err == nil {
		t.Error("CSV was allowed")
	}
}
