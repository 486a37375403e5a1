package flowlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
)

// The output is JSON, and each array of tuples has one of annotations beside
// it, as long as itself, whose objects are of the tuple at their place.
func TestAzureArraysAreParallel(t *testing.T) {
	found := 0
	for _, s := range samples(t) {
		if s.format != "azure" {
			continue
		}
		out, _ := enrich(t, bytes.NewReader(s.data), EnrichOptions{})
		var v any
		if err := json.Unmarshal(out, &v); err != nil {
			t.Fatalf("%s: %v", s.path, err)
		}
		var walk func(v any)
		walk = func(v any) {
			switch v := v.(type) {
			case []any:
				for _, e := range v {
					walk(e)
				}
			case map[string]any:
				for _, e := range v {
					walk(e)
				}
				tuples, _ := v["flowTuples"].([]any)
				own, _ := v["portannot"].([]any)
				if len(tuples) != len(own) {
					t.Errorf("%s: %d tuples, %d annotations", s.path, len(tuples), len(own))
				}
				for i, e := range own {
					o, ok := e.(map[string]any)
					if !ok {
						continue
					}
					found++
					fields := strings.Split(tuples[i].(string), ",")
					if p, ok := o["service"].(map[string]any)["port"]; ok && fmt.Sprint(p) != fields[3] && fmt.Sprint(p) != fields[4] {
						t.Errorf("%s: service port %v of %q", s.path, p, tuples[i])
					}
				}
			}
		}
		walk(v)
	}
	if found < 10 {
		t.Errorf("only %d annotations", found)
	}
}

func TestAzureTuples(t *testing.T) {
	for _, c := range []struct {
		tuple string
		want  annotate.Input
		bad   string
	}{
		{tuple: "1789376402,192.0.2.1,192.0.2.2,50000,443,T,I,A", want: annotate.Input{Protocol: 6, Start: 1789376402e9}},
		{tuple: "1789376402,192.0.2.1,192.0.2.2,50000,443,U,O,D,B,,,,", want: annotate.Input{Protocol: 17, Start: 1789376402e9}},
		{tuple: "1789376402123,192.0.2.1,192.0.2.2,50000,443,132,I,E,NX,1,2,3,4", want: annotate.Input{Protocol: 132, Start: 1789376402123e6}},
		{tuple: "1789376402123,192.0.2.1,192.0.2.2,,,1,I,E,NX,1,2,3,4", want: annotate.Input{Protocol: 1, Start: 1789376402123e6, NoSourcePort: true, NoDestinationPort: true}},
		{tuple: "1789376402123,192.0.2.1,192.0.2.2,3,3,1,I,E,NX", want: annotate.Input{Protocol: 1, Start: 1789376402123e6, NoSourcePort: true, NoDestinationPort: true}},
		{tuple: "1789376402,192.0.2.1,192.0.2.2,50000,443,X,I,A", bad: badProtocol},
		{tuple: "1789376402,192.0.2.1,192.0.2.2,50000,70000,T,I,A", bad: badDestinationPort},
		{tuple: "1789376402,192.0.2.1,192.0.2.2,50000", bad: "flowTuples: fewer than 6 fields"},
		{tuple: "", bad: "flowTuples: fewer than 6 fields"},
	} {
		var r Record
		r.reset([]byte(c.tuple))
		r.readTuple(r.Line)
		if c.bad != "" {
			if r.Kind != Bad || r.problem.reason != c.bad {
				t.Errorf("%q: kind %d, %v", c.tuple, r.Kind, r.problem)
			}
			continue
		}
		if r.Kind != Flow || r.Flow.Protocol != c.want.Protocol || r.Flow.Start != c.want.Start || r.Flow.NoSourcePort != c.want.NoSourcePort || r.Flow.NoDestinationPort != c.want.NoDestinationPort {
			t.Errorf("%q: %+v", c.tuple, r.Flow)
		}
		if !c.want.NoSourcePort && (r.Flow.Source.String() != "192.0.2.1:50000" || r.Flow.Destination.String() != "192.0.2.2:443") {
			t.Errorf("%q: %v > %v", c.tuple, r.Flow.Source, r.Flow.Destination)
		}
	}
}

const azureTwo = `{"records":[{"flows":[{"flowTuples":["1789376402,192.0.2.1,192.0.2.2,50000,443,T,I,A","bad","1789376402,192.0.2.1,192.0.2.2,50000,9999,T,I,A"]},{"flowTuples":["1789376402,192.0.2.1,192.0.2.2,50000,22,T,I,A"]}]}]}`

// Selected tuples come out alone, each array as an object on a line.
func TestAzureSelection(t *testing.T) {
	opt := EnrichOptions{Selector: annotate.Selector{Ports: []iana.Span{{First: 443, Last: 443}, {First: 22, Last: 22}}}}
	out, st := enrich(t, strings.NewReader(azureTwo), opt)
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != 2 || st.Selected != 2 || st.Flows != 3 || st.Bad != 1 || st.Lines != 4 {
		t.Fatalf("%d lines, %+v\n%s", len(lines), st, out)
	}
	for i, want := range []string{
		`{"flowTuples":["1789376402,192.0.2.1,192.0.2.2,50000,443,T,I,A"],"portannot":[{"service":`,
		`{"flowTuples":["1789376402,192.0.2.1,192.0.2.2,50000,22,T,I,A"],"portannot":[{"service":`,
	} {
		if !strings.HasPrefix(lines[i], want) || !json.Valid([]byte(lines[i])) {
			t.Errorf("line %d: %s", i+1, lines[i])
		}
	}
	opt.Output = JSON
	if out, _ = enrich(t, strings.NewReader(azureTwo), opt); bytes.Count(out, newline) != 2 {
		t.Errorf("as JSON: %s", out)
	}
}

// A Reader gives each tuple as a record.
func TestAzureReader(t *testing.T) {
	var ports []uint16
	for _, r := range readAll(t, azureTwo, Options{}) {
		if r.Kind == Flow {
			ports = append(ports, r.Flow.Destination.Port())
		}
	}
	if fmt.Sprint(ports) != "[443 9999 22]" {
		t.Errorf("ports %v", ports)
	}
}

// An hour may be one line of any length, and is not held in memory.
func TestAzureOneLongLine(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"records":[`)
	for i := range 20000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"mac":"x","flowTuples":["1789376402,192.0.2.1,192.0.2.2,50000,%d,T,I,A"]}`, i)
	}
	b.WriteString(`]}`)
	out, st := enrich(t, strings.NewReader(b.String()), EnrichOptions{Options: Options{MaxLine: 64 << 10}})
	if st.Flows != 20000 || st.Faults != 0 || !json.Valid(out) {
		t.Errorf("%+v", st)
	}
}

// What ends too early passes, and is named once.
func TestAzureCutOff(t *testing.T) {
	for cut := range len(azureTwo) {
		data := azureTwo[:cut]
		out, st := enrich(t, strings.NewReader(data), EnrichOptions{Options: Options{Format: "azure"}})
		back, _ := enrich(t, bytes.NewReader(out), EnrichOptions{Options: Options{Format: "azure"}, Strip: true})
		if string(back) != data {
			t.Fatalf("cut at %d: %q comes back as %q", cut, data, back)
		}
		if st.Faults > 2 {
			t.Errorf("cut at %d: %v", cut, st.Problems)
		}
	}
}
