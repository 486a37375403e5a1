package record

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/flowtest"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// flatten gives the leaves of a JSON object under dotted names; lists are
// joined as CSV joins them.
func flatten(dst map[string]string, prefix string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			flatten(dst, strings.TrimPrefix(prefix+"."+k, "."), x)
		}
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, fmt.Sprint(x))
		}
		dst[prefix] = strings.Join(parts, "|")
	default:
		dst[prefix] = fmt.Sprint(v)
	}
}

func jsonRecords(t *testing.T, out []byte) []map[string]string {
	var recs []map[string]string
	for _, line := range bytes.Split(bytes.TrimSuffix(out, []byte("\n")), []byte("\n")) {
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		var v map[string]any
		if err := d.Decode(&v); err != nil {
			t.Fatalf("not JSON: %v\n%s", err, line)
		}
		m := map[string]string{}
		flatten(m, "", v)
		recs = append(recs, m)
	}
	return recs
}

// testJSON gives the records of flowtest.Flows as JSON.
func testJSON(t testing.TB, flows []flow.Flow) (out []byte) {
	an := flowtest.Annotator(t)
	j := JSON{}
	for i := range flows {
		a := an.Flow(&flows[i], new(annotate.Observer))
		if i == 0 {
			a.Capture = "part_1.pcap" // as of one of several files
		}
		out = j.AppendFlow(out, &flows[i], &a)
	}
	return out
}

// testPastJSON gives records of flows to the port of Ollama, each with the registry of
// its day: before the first known edition, before the registration, and later.
func testPastJSON() (out []byte) {
	an := annotate.New(annotate.Options{ByDay: true})
	var j JSON
	for _, day := range []string{"2012-03-01", "2016-07-01", "2026-02-03"} {
		at, _ := time.Parse(time.DateOnly, day)
		f := flow.Flow{Protocol: packet.TCP, Source: netip.MustParseAddrPort("10.0.0.1:50000"), Destination: netip.MustParseAddrPort("10.0.0.2:11434")}
		f.Forward = flow.Counters{Packets: 1, First: at.UnixNano(), Last: at.UnixNano()}
		a := an.Flow(&f, nil)
		out = j.AppendFlow(out, &f, &a)
	}
	return out
}

// testPracticeJSON gives the record of a flow to Tailscale's port, which has a name in
// nmap's file.
func testPracticeJSON(t testing.TB, quiet bool) []byte {
	local, err := annotate.ReadLocalNames(strings.NewReader("tailnet\t41641/udp\t0.000125\n"), "nmap-services")
	if err != nil {
		t.Fatal(err)
	}
	f := flow.Flow{Protocol: packet.UDP, Source: netip.MustParseAddrPort("10.0.0.1:123"), Destination: netip.MustParseAddrPort("10.0.0.2:41641")}
	f.Opening.Server = flow.Destination
	f.Forward = flow.Counters{Packets: 1, First: 1e18, Last: 1e18}
	a := annotate.New(annotate.Options{Local: local, NoPractice: quiet}).Flow(&f, nil)
	return new(JSON).AppendFlow(nil, &f, &a)
}

// Software that uses a port stands apart from the registration and from the user's
// names, with its document.
func TestPractice(t *testing.T) {
	var r struct {
		Portannot struct {
			Registered     struct{ Status, Name string }
			Practice       []struct{ Software, Use, Document, URL, Read string }
			Local          string
			LocalFrequency float64 `json:"local_frequency"`
		}
	}
	if err := json.Unmarshal(testPracticeJSON(t, false), &r); err != nil {
		t.Fatal(err)
	}
	p := r.Portannot
	if p.Registered.Status != "unassigned" || p.Registered.Name != "" || p.Local != "tailnet" || p.LocalFrequency != 0.000125 ||
		len(p.Practice) != 1 || p.Practice[0].Software != "Tailscale" || !strings.HasPrefix(p.Practice[0].URL, "https://") || p.Practice[0].Read == "" {
		t.Errorf("%+v", p)
	}
	if got := testPracticeJSON(t, true); bytes.Contains(got, []byte("practice")) {
		t.Errorf("practice off: %s", got)
	}
}

// A record names the edition that was asked, the day, and what came later.
func TestPastRecords(t *testing.T) {
	for i, want := range []map[string]string{
		{"edition": "2015-05-04", "as_of": "2012-03-01", "later": "true", "status": "unassigned", "name": "ollama"},
		{"edition": "2016-06-28", "as_of": "2016-07-01", "status": "unassigned", "name": "ollama"},
		{"edition": "2026-02-02", "as_of": "2026-02-03", "status": "assigned"},
	} {
		rec := jsonRecords(t, testPastJSON())[i]
		got := map[string]string{}
		for key, field := range map[string]string{"edition": "registry.edition", "as_of": "registry.as_of", "later": "registry.later", "status": "registered.status", "name": "registered_later.name"} {
			if v, ok := rec["portannot."+field]; ok {
				got[key] = v
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

// testInputs are what logs report, with what they may leave out.
func testInputs() []annotate.Input {
	ap := netip.MustParseAddrPort
	return []annotate.Input{
		{Protocol: packet.TCP, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:443"), Start: 1e18},
		{Protocol: packet.TCP, Source: ap("10.0.0.1:443"), Destination: ap("10.0.0.2:50000")},
		{Protocol: packet.TCP, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:2")},
		{Protocol: packet.TCP, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:11434"), Start: 1e18},
		{Protocol: packet.SCTP, Source: ap("10.0.0.1:9000"), Destination: ap("10.0.0.2:80"), NoSourcePort: true},
		{Protocol: packet.UDPLite, Source: ap("[2001:db8::1]:9000"), Destination: ap("[2001:db8::2]:53"), NoDestinationPort: true},
		{Protocol: 1, NoSourcePort: true, NoDestinationPort: true},
		{Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:6003")},
	}
}

// within finds the field that documents a name in a place.
func within(name string, in Place) bool {
	for _, f := range Fields() {
		if whole, ok := strings.CutSuffix(f.Name, "*"); f.In&in != 0 && (f.Name == name || ok && strings.HasPrefix(name, whole)) {
			_, found := Lookup(name)
			return found
		}
	}
	return false
}

// checkFixed checks what every record has and what none has.
func checkFixed(t *testing.T, rec map[string]string) {
	t.Helper()
	if rec["portannot.caveat"] != iana.Caveat || rec["portannot.schema"] != fmt.Sprint(Schema) {
		t.Errorf("caveat and schema are not in %v", rec)
	}
	for _, never := range []string{"network.protocol", "service.name"} {
		if _, ok := rec[never]; ok {
			t.Errorf("%s is written, which means the observed protocol", never)
		}
	}
}

func TestJSONAgreesWithTheTableOfFields(t *testing.T) {
	printed := map[string]bool{}
	for _, rec := range jsonRecords(t, slices.Concat(testJSON(t, flowtest.Flows()), testPastJSON(), testPracticeJSON(t, false))) {
		for name := range rec {
			if !within(name, FlowJSON) {
				t.Errorf("field %s is printed, and not documented", name)
			}
			printed[name] = true
		}
		checkFixed(t, rec)
	}
	for _, f := range Fields() {
		was := printed[f.Name]
		if whole, ok := strings.CutSuffix(f.Name, "*"); ok {
			for name := range printed {
				was = was || strings.HasPrefix(name, whole)
			}
		}
		if was != (f.In&FlowJSON != 0) {
			t.Errorf("field %s: printed %v, documented %v", f.Name, was, !was)
		}
	}
}

func TestLogRecordsAgreeWithTheTableOfFields(t *testing.T) {
	an := flowtest.Annotator(t)
	var j JSON
	var out []byte
	for _, in := range testInputs() {
		a := an.Annotate(in)
		out = j.AppendLogRecord(out, &in, nil, &a)
	}
	in := testInputs()[0]
	in.Outcome = annotate.Denied
	a := an.Annotate(in)
	nat := netip.MustParseAddrPort("198.51.100.1:1024")
	out = j.AppendLogRecord(out, &in, &LogDetails{NATSource: nat, NATDestination: netip.AddrPortFrom(nat.Addr(), 0), Ingress: []byte("a"), EgressZone: []byte("b\"c"), Egress: []byte("d"), IngressZone: []byte("e"), SourceFlags: 2, DestinationFlags: 18}, &a)
	notes := map[string]int{}
	for _, rec := range jsonRecords(t, out) {
		for name := range rec {
			if !within(name, LogJSON) {
				t.Errorf("field %s is printed, and not documented", name)
			}
		}
		checkFixed(t, rec)
		notes[rec["portannot.note"]]++
	}
	want := map[string]int{"": 5, "port not reported": 2, "protocol without ports": 1, "protocol not reported": 1}
	if fmt.Sprint(notes) != fmt.Sprint(want) {
		t.Errorf("notes %v, want %v", notes, want)
	}
}

// Members that an annotation has are replaced when a record is annotated again,
// so all of them must be known, and no others.
func TestIsAnnotation(t *testing.T) {
	for _, f := range Fields() {
		rest, ok := strings.CutPrefix(f.Name, "portannot.")
		if !ok || f.In == 0 {
			continue
		}
		member, _, _ := strings.Cut(rest, ".")
		// What is neither in a log's record nor replaced is a capture's alone;
		// these a record has beside its annotation.
		want := f.In&LogJSON != 0 && !slices.Contains([]string{"tcp_flags", "icmp", "export", "outcome", "observed", "tunnel"}, member)
		if IsAnnotation([]byte(member)) != want {
			t.Errorf("%s: replaced %v, want %v", f.Name, !want, want)
		}
	}
}

func TestAppendJSON(t *testing.T) {
	flows := flowtest.Flows()
	an := flowtest.Annotator(t)
	var j JSON
	for i := range flows {
		a := an.Flow(&flows[i], new(annotate.Observer))
		want := j.AppendFlow([]byte("x"), &flows[i], &a)
		if got := AppendJSON([]byte("x"), &flows[i], &a); !bytes.Equal(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestCSVAgreesWithJSON(t *testing.T) {
	flows := flowtest.Flows()
	recs := jsonRecords(t, testJSON(t, flows))
	an := flowtest.Annotator(t)
	c := CSV{}
	out := c.AppendHeader(nil)
	for i := range flows {
		a := an.Flow(&flows[i], new(annotate.Observer))
		out = c.AppendFlow(out, &flows[i], &a)
	}
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(flows)+1 {
		t.Fatalf("%d rows for %d flows", len(rows), len(flows))
	}
	filled := map[string]bool{}
	for i, row := range rows[1:] {
		for c, cell := range row {
			name := rows[0][c]
			if want := recs[i][name]; cell != want {
				t.Errorf("flow %d, %s: CSV %q, JSON %q", i, name, cell, want)
			}
			filled[name] = filled[name] || cell != ""
		}
	}
	for _, name := range rows[0] {
		if !filled[name] {
			t.Errorf("column %s is never filled", name)
		}
	}
	if want := Columns(FlowCSV); !slices.Equal(rows[0], want) {
		t.Errorf("columns %q, want %q", rows[0], want)
	}
}

func TestFields(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Fields() {
		if seen[f.Name] {
			t.Errorf("%s is there twice", f.Name)
		}
		seen[f.Name] = true
		if f.Meaning == "" || f.In&(FlowCSV|LogCSV|Added) != 0 && strings.HasSuffix(f.Name, "*") || f.In&LogCSV == 0 && f.In&Added != 0 {
			t.Errorf("%+v is not as fields are", f)
		}
	}
	for _, c := range []struct {
		name string
		want Type
		ok   bool
	}{
		{"source.port", Port, true}, {"client.port", Port, true}, {"server.bytes", Count, true},
		{"portannot.source_registered.names", List, true}, {"portannot.destination_registered.deassigned.date", Text, true},
		{"portannot.side", 0, false}, {"client.side", 0, false}, {"", 0, false},
	} {
		f, ok := Lookup(c.name)
		if ok != c.ok || f.Type != c.want || ok && f.Name != c.name {
			t.Errorf("%s: %+v, %v", c.name, f, ok)
		}
	}
}

// Two registries in turn: what was kept of one is not written for the other.
func TestRegistriesInTurn(t *testing.T) {
	f := flow.Flow{Protocol: packet.TCP, Source: netip.MustParseAddrPort("10.0.0.1:50000"), Destination: netip.MustParseAddrPort("10.0.0.2:443")}
	f.Forward = flow.Counters{Packets: 1, First: 1e18, Last: 1e18}
	full, none := annotate.New(annotate.Options{}), annotate.New(annotate.Options{Registry: new(iana.Registry)})
	var j JSON
	var c CSV
	for range 2 {
		for _, an := range []*annotate.Annotator{full, none} {
			a := an.Flow(&f, nil)
			want := an == full
			if got := bytes.Contains(j.AppendFlow(nil, &f, &a), []byte(`"https"`)); got != want {
				t.Errorf("JSON names https: %v, want %v", got, want)
			}
			if got := bytes.Contains(c.AppendFlow(nil, &f, &a), []byte(`,https,`)); got != want {
				t.Errorf("CSV names https: %v, want %v", got, want)
			}
		}
	}
}

func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"", "plain", "=1+2", "-5", "quo\"te\\", "\x00\x1f\x7f", "\xff\xfe", "é\u2028", "a,b\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(iana.AppendJSONString(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); got != want && strings.ReplaceAll(got, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Errorf("%q came back as %q", s, got)
		}
		rec, err := csv.NewReader(strings.NewReader(string(annotate.AppendCSV([]byte("x,"), s)) + "\n")).Read()
		if err != nil || len(rec) != 2 {
			t.Fatalf("%q as a cell: %q, %v", s, rec, err)
		}
		// What is text comes back. What is none, or would be a formula, is escaped.
		cell := rec[1]
		odd := strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\t' && unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) })
		switch {
		case strings.ContainsFunc(cell, func(r rune) bool {
			return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
		}):
			t.Errorf("%q: the cell %q has what a terminal obeys", s, cell)
		case cell != "" && strings.ContainsRune("=@", rune(cell[0])):
			t.Errorf("%q: the cell %q is a formula", s, cell)
		case utf8.ValidString(s) && !odd && (s == "" || !strings.ContainsRune("=+-@\t", rune(s[0]))) && cell != s:
			t.Errorf("%q came back as the cell %q", s, cell)
		}
	})
}
