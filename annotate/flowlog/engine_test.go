package flowlog

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
)

// BenchmarkEnrich copies a log that is a sample many times over, or the file
// that FLOWLOG names.
func BenchmarkEnrich(b *testing.B) {
	paths := []string{"zeek/conn.log", "zeek-json/conn.json", "eve/suricata-7.json"}
	if own := os.Getenv("FLOWLOG"); own != "" {
		paths = []string{own}
	}
	for _, path := range paths {
		data := benchmarkLog(b, path)
		for _, v := range []struct {
			name string
			opt  EnrichOptions
		}{{"same", EnrichOptions{}}, {"unexpected", EnrichOptions{Selector: annotate.Selector{Unexpected: true}}}} {
			b.Run(path+"/"+v.name, func(b *testing.B) {
				opt := v.opt
				opt.Annotator, opt.Workers = testAnnotator, 1
				e := NewEnricher(io.Discard, opt)
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					if err := e.Enrich(context.Background(), bytes.NewReader(data), "log"); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func benchmarkLog(b *testing.B, path string) []byte {
	if filepath.IsAbs(path) {
		data := mustRead(b, path)
		return data[:min(len(data), 32<<20)]
	}
	data := mustRead(b, filepath.Join(samplesFolder(b), path))
	head, body := []byte{}, data
	if i := bytes.LastIndex(data, []byte("#types")); i >= 0 {
		n := i + bytes.IndexByte(data[i:], '\n') + 1
		head, body = data[:n], data[n:bytes.Index(data, []byte("#close"))]
	}
	return append(bytes.Clone(head), bytes.Repeat(body, 8<<20/len(body))...)
}

// The reader gives every line once, with its number.
func TestReader(t *testing.T) {
	for _, s := range samples(t) {
		rd := NewReader(bytes.NewReader(s.data), s.path)
		rd.Options = s.opt
		var kinds [3]uint64
		last := int64(0)
		for rd.Scan() {
			r := rd.Record()
			kinds[r.Kind]++
			if r.Number < last {
				t.Errorf("%s: line %d after %d", s.path, r.Number, last)
			}
			if last = r.Number; (r.Problem() != nil) != (r.Kind == Bad) {
				t.Errorf("%s:%d: problem %v, kind %v", s.path, r.Number, r.Problem(), r.Kind)
			}
		}
		if rd.Err() != nil {
			t.Errorf("%s: %v", s.path, rd.Err())
		}
		_, st := enrich(t, bytes.NewReader(s.data), EnrichOptions{Options: s.opt})
		if strings.HasPrefix(s.path, "azure") && st.Bad > 0 {
			continue // an array that breaks off is one fault, and has none for a Reader
		}
		if kinds[Flow] != st.Flows || kinds[Bad] != st.Bad {
			t.Errorf("%s: read %d flows and %d bad lines, enriched %d and %d", s.path, kinds[Flow], kinds[Bad], st.Flows, st.Bad)
		}
	}
}

// ExampleReader counts flows by destination port.
func ExampleReader() {
	const log = `{"ts":1789376400.1,"id.orig_h":"192.0.2.1","id.orig_p":50000,"id.resp_h":"192.0.2.2","id.resp_p":443,"proto":"tcp","history":"ShADadFf"}
{"ts":1789376400.2,"id.orig_h":"192.0.2.1","id.orig_p":"?","id.resp_h":"192.0.2.2","id.resp_p":443,"proto":"tcp"}
`
	rd := NewReader(strings.NewReader(log), "conn.json")
	for rd.Scan() {
		r := rd.Record()
		if err := r.Problem(); err != nil {
			fmt.Printf("conn.json:%d: %v\n", r.Number, err)
			continue
		}
		fmt.Println(r.Flow.Protocol, r.Flow.Destination, r.Flow.Stated)
	}
	if err := rd.Err(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 6 192.0.2.2:443 destination
	// conn.json:2: source port is no port: "?"
}

// Selection leaves out what is no flow, headers excepted; every flow is
// counted all the same.
func TestSelection(t *testing.T) {
	log := mustRead(t, filepath.Join(samplesFolder(t), "zeek", "conn.log"))
	for _, c := range []struct {
		name  string
		opt   EnrichOptions
		flows []string // what the lines have
	}{
		{"unexpected", EnrichOptions{Selector: annotate.Selector{Unexpected: true}}, []string{"CsRx2w45OKnoww6xl4"}},
		{"port", EnrichOptions{Selector: annotate.Selector{Ports: []iana.Span{{First: 40000, Last: 40000}}}}, []string{"CsRx2w45OKnoww6xl4", "CPbrpk1qSsw6ESzHV4"}},
		{"service", EnrichOptions{Selector: annotate.Selector{Services: []string{"WWW"}}}, []string{"Cab0vk1qSsw6ESzHV4"}},
		{"status", EnrichOptions{Selector: annotate.Selector{Statuses: []iana.Status{iana.Unassigned}}}, []string{"CsRx2w45OKnoww6xl4"}},
		{"transport", EnrichOptions{Selector: annotate.Selector{Protocols: []uint8{17}}}, []string{"C4J4Th3PJpwUYZZ6gc"}},
	} {
		out, st := enrich(t, bytes.NewReader(log), c.opt)
		var flows []string
		for line := range strings.Lines(string(out)) {
			if line[0] != '#' {
				flows = append(flows, strings.Split(line, "\t")[1])
			}
		}
		if !slices.Equal(flows, c.flows) || st.Selected != uint64(len(c.flows)) || st.Flows != 7 {
			t.Errorf("%s: %v, want %v; %d selected of %d", c.name, flows, c.flows, st.Selected, st.Flows)
		}
		if n := strings.Count(string(out), "#"); n != 9 {
			t.Errorf("%s: %d header lines", c.name, n)
		}
	}
	// Selected objects of an array are JSON Lines, with no commas left over.
	array := mustRead(t, filepath.Join(samplesFolder(t), "nfdump-json", "nfdump-1.7.json"))
	out, _ := enrich(t, bytes.NewReader(array), EnrichOptions{Selector: annotate.Selector{Unexpected: true}})
	if !json.Valid(out) || out[0] != '{' || !bytes.HasSuffix(out, []byte("}\n")) {
		t.Errorf("selected of an array: %s", out)
	}
}

// The number of workers makes no difference, over many blocks and layouts.
func TestWorkers(t *testing.T) {
	one := mustRead(t, filepath.Join(samplesFolder(t), "zeek", "rotated.log"))
	log := bytes.Repeat(one, 3<<20/len(one))
	want, st := enrich(t, bytes.NewReader(log), EnrichOptions{Workers: 1})
	for _, n := range []int{2, 7} {
		got, again := enrich(t, bytes.NewReader(log), EnrichOptions{Workers: n})
		if !bytes.Equal(got, want) {
			t.Errorf("%d workers: %s", n, firstDifference(got, want))
		}
		if again.Flows != st.Flows || again.Lines != st.Lines || again.Statuses != st.Statuses {
			t.Errorf("%d workers counted %+v, one %+v", n, again, st)
		}
	}
}

// No line costs an allocation once the worker has seen its ports.
func TestNoAllocations(t *testing.T) {
	for _, s := range samples(t) {
		if strings.Contains(s.path, "bad") || strings.Contains(s.path, "rotated") {
			continue // errors have texts; each new dialect begins to keep text anew
		}
		src, err := newSource(bytes.NewReader(s.data), s.path, s.opt)
		if err != nil {
			t.Fatal(err)
		}
		var blocks []*block
		for {
			b := new(block)
			if src.next(b) != nil {
				break
			}
			blocks = append(blocks, b)
		}
		for _, o := range []Output{Same, JSON, CSV} {
			w := newWorker(&EnrichOptions{Annotator: testAnnotator, Output: o})
			all := func() {
				for _, b := range blocks {
					w.do(b)
				}
			}
			all()
			if n := testing.AllocsPerRun(10, all); n > 0 {
				t.Errorf("%s, output %d: %v allocations", s.path, o, n)
			}
		}
	}
}

// -o json and -o csv have the same records for every format.
func TestNormalOutput(t *testing.T) {
	for _, s := range samples(t) {
		lines, st := enrich(t, bytes.NewReader(s.data), EnrichOptions{Options: s.opt, Output: JSON})
		n := uint64(0)
		for line := range bytes.Lines(lines) {
			n++
			var v struct {
				Portannot struct{ Caveat string }
			}
			if err := json.Unmarshal(line, &v); err != nil || v.Portannot.Caveat != iana.Caveat {
				t.Fatalf("%s: %v: %s", s.path, err, line)
			}
		}
		if n != st.Flows {
			t.Errorf("%s: %d lines of JSON for %d flows", s.path, n, st.Flows)
		}
		table, _ := enrich(t, bytes.NewReader(s.data), EnrichOptions{Options: s.opt, Output: CSV})
		rows, err := csv.NewReader(bytes.NewReader(table)).ReadAll()
		if err != nil || uint64(len(rows)) != st.Flows+1 || len(rows[0]) != 8+len(columnNames) {
			t.Errorf("%s: %d rows of CSV for %d flows, %v", s.path, len(rows), st.Flows, err)
		}
	}
}

// What -o json writes is a log too, and says again what it said.
func TestOwnOutputIsALog(t *testing.T) {
	for _, s := range samples(t) {
		out, st := enrich(t, bytes.NewReader(s.data), EnrichOptions{Options: s.opt, Output: JSON})
		again, st2 := enrich(t, bytes.NewReader(out), EnrichOptions{})
		if !bytes.Equal(again, out) {
			t.Errorf("%s: %s", s.path, firstDifference(again, out))
		}
		if st.Flows != st2.Flows && st.NoPort+st.NoPorts == 0 {
			t.Errorf("%s: %d flows, then %d", s.path, st.Flows, st2.Flows)
		}
	}
}

// ExampleEnricher annotates a log of one's own fields, in JSON, and keeps what
// is not assigned.
func ExampleEnricher() {
	const log = `{"p":"sctp","from":50000,"to":38412}
{"p":"tcp","from":50000,"to":4}
`
	e := NewEnricher(os.Stdout, EnrichOptions{
		Options:   Options{Map: Map{Protocol: "p", SourcePort: "from", DestinationPort: "to"}},
		Annotator: annotate.New(annotate.Options{}),
		Selector:  annotate.Selector{Unexpected: true},
		Output:    CSV,
	})
	if err := e.Enrich(context.Background(), strings.NewReader(log), "log"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(e.Stats().Flows, "flows,", e.Stats().Selected, "selected")
	// Output:
	// @timestamp,network.transport,network.iana_number,source.ip,source.port,destination.ip,destination.port,portannot.outcome,portannot.service.side,portannot.service.port,portannot.service.reason,portannot.service.confidence,portannot.note,portannot.registered.status,portannot.registered.name,portannot.registered.names,portannot.registered.unauthorized_use,portannot.registered.deassigned.date,portannot.registered.deassigned.name,portannot.registered.siblings,portannot.registered_after_traffic,portannot.source_registered.status,portannot.source_registered.name,portannot.destination_registered.status,portannot.destination_registered.name,portannot.local,portannot.registry.edition,portannot.schema,portannot.caveat
	// ,tcp,6,,50000,,4,,destination,4,high-port,likely,,unassigned,,,,,,,,dynamic,,unassigned,,,2026-08-17,2,registration-does-not-validate-traffic
	// 2 flows, 1 selected
}
