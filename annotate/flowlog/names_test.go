package flowlog

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/record"
)

// namedInputs have something for each column that is added.
func namedInputs() []annotate.Input {
	ap := netip.MustParseAddrPort
	return []annotate.Input{
		{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:80")},
		{Protocol: 6, Source: ap("10.0.0.1:443"), Destination: ap("10.0.0.2:50000")},
		{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:2")},                  // de-assigned
		{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:11434"), Start: 1e18}, // registered later
		{Protocol: 6, Source: ap("10.0.0.1:11434"), Destination: ap("10.0.0.2:50000"), Start: 1e18},
		{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:6003")}, // unauthorized use
		{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:60000")},
		{Protocol: 132, Source: ap("10.0.0.1:9000"), Destination: ap("10.0.0.2:80"), NoSourcePort: true},
		{Protocol: 6, Source: ap("10.0.0.1:1"), Destination: ap("10.0.0.2:9000")},
		{Protocol: 6, Source: ap("10.0.0.1:9000"), Destination: ap("10.0.0.2:60000")},
		{Protocol: 17, Source: ap("10.0.0.1:9000"), Destination: ap("10.0.0.2:53"), NoDestinationPort: true},
		{Protocol: 1, NoSourcePort: true, NoDestinationPort: true},
		{Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:38412")},
	}
}

// flatten gives the leaves of a JSON object by their paths.
func flatten(dst map[string][]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			flatten(dst, path+"."+k, x)
		}
	case []any:
		for _, x := range v {
			dst[path] = append(dst[path], fmt.Sprint(x))
		}
	default:
		dst[path] = []string{fmt.Sprint(v)}
	}
}

// facts gives what the JSON of an annotation says, by the names of the fields.
func facts(t *testing.T, n *notes) map[string][]string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(append(n.object(nil), '}')))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	m := map[string][]string{}
	flatten(m, "portannot", v)
	return m
}

// Columns and pairs have the names of the JSON, and say the same.
func TestColumnsAgreeWithJSON(t *testing.T) {
	local, err := annotate.ReadLocalNames(strings.NewReader("mine 9000\n"), "local")
	if err != nil {
		t.Fatal(err)
	}
	an := annotate.New(annotate.Options{Local: local})
	var n notes
	filled := map[string]bool{}
	for _, in := range namedInputs() {
		n.annotation = an.Annotate(in)
		want := facts(t, &n)
		value := func(name, separator string) string { return strings.Join(want[name], separator) }
		for _, d := range []*dialect{csvDialect, tabDialect, barDialect, zeekDefault} {
			for range 2 { // written, and copied
				line := string(n.columns(nil, d))
				cells := strings.Split(line, d.sep)[1:]
				if d == csvDialect {
					rows, err := csv.NewReader(strings.NewReader(line)).ReadAll()
					if err != nil {
						t.Fatal(err)
					}
					cells = rows[0][1:]
				}
				if len(cells) != len(columnNames) {
					t.Fatalf("%d columns, want %d: %s", len(cells), len(columnNames), line)
				}
				for i, name := range columnNames {
					w := value(name, d.set)
					if w == "true" {
						w = d.yes
					}
					if w == "" {
						w = d.unset
					}
					if cells[i] != w {
						t.Errorf("%v %s: column %q, JSON %q", in, name, cells[i], w)
					}
					filled[name] = filled[name] || cells[i] != d.unset
				}
			}
		}
		pairs := map[string]string{}
		line := string(quotedPairs.pairs(nil, &n))
		for _, pair := range strings.Split(line, " portannot.")[1:] {
			key, v, _ := strings.Cut(pair, "=")
			pairs["portannot."+key] = strings.Trim(v, `"`)
		}
		for name, v := range pairs {
			if !slices.Contains(columnNames, name) || v != value(name, ",") {
				t.Errorf("%v %s: pair %q, JSON %q", in, name, v, value(name, ","))
			}
		}
		for _, name := range columnNames {
			if name != "portannot.registered.names" && (pairs[name] != "") != (want[name] != nil) {
				t.Errorf("%v %s: pair %q, JSON %q", in, name, pairs[name], want[name])
			}
		}
	}
	for _, name := range columnNames {
		if !filled[name] {
			t.Errorf("column %s is never filled", name)
		}
	}
}

// A capture's CSV and a log's have the same name for the same fact: each name is
// in the table of fields, and a fact that both know has the name that the table
// has for both.
func TestColumnNames(t *testing.T) {
	flows, logs := record.Columns(record.FlowCSV), strings.Split(strings.TrimSpace(string(AppendCSVHeader(nil))), ",")
	for _, name := range logs {
		f, ok := record.Lookup(name)
		if !ok || f.In&record.LogCSV == 0 {
			t.Errorf("column %s is not in the table of fields", name)
		}
		// Only a log leaves out what it does not know, and captures have a state.
		if !slices.Contains(flows, name) && name != "portannot.note" && name != "portannot.outcome" {
			t.Errorf("column %s of logs has another name in captures", name)
		}
	}
}

// The first version of the record had other names. What it added to a log is
// taken off, byte for byte, and replaced by a new annotation. The files are what
// that version made of the samples.
func TestSchema1(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.path, func(t *testing.T) {
			old, err := os.ReadFile(filepath.Join("testdata", "schema1", s.path))
			if err != nil {
				t.Skip(err) // a sample that is younger
			}
			if s.opt.Format == "" {
				s.opt.Format = s.format
			}
			original := s.data
			if s.format == "portannot" { // a record of ours has facts that came later
				again, _ := enrich(t, bytes.NewReader(old), EnrichOptions{Options: s.opt})
				original, _ = enrich(t, bytes.NewReader(again), EnrichOptions{Options: s.opt, Strip: true})
			}
			for _, end := range []string{"\n", "\r\n"} {
				old, original := bytes.ReplaceAll(old, []byte("\n"), []byte(end)), bytes.ReplaceAll(original, []byte("\n"), []byte(end))
				if got, _ := enrich(t, bytes.NewReader(old), EnrichOptions{Options: s.opt, Strip: true}); !bytes.Equal(got, original) {
					t.Errorf("stripped, it is not the original: %s", firstDifference(got, original))
				}
				got, _ := enrich(t, bytes.NewReader(old), EnrichOptions{Options: s.opt})
				if want, _ := enrich(t, bytes.NewReader(original), EnrichOptions{Options: s.opt}); !bytes.Equal(got, want) && s.format != "portannot" {
					t.Errorf("annotated again, it is not what the original becomes: %s", firstDifference(got, want))
				}
			}
		})
	}
}
