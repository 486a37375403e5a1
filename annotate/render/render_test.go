package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

var testContexts packet.Contexts

// testFlows touch every field of the record.
func testFlows() []flow.Flow {
	vlans := testContexts.Intern(packet.Context{NumVLANs: 2, VLANs: [packet.MaxDepth]uint16{30, 31}, Depth: 2,
		Path: [packet.MaxDepth]packet.Tunnel{packet.VXLAN, packet.GRE}, ID: [packet.MaxDepth]uint32{42}})
	both := func(p, q uint64) (a, b flow.Counters) {
		return flow.Counters{Packets: p, IPBytes: p * 52, FrameBytes: p * 66, First: 1e18, Last: 1e18 + 5, TCPFlags: packet.SYN | packet.ACK | packet.FIN},
			flow.Counters{Packets: q, IPBytes: q * 40, FrameBytes: q * 60, First: 1e18 + 1, Last: 1e18 + 7e9, TCPFlags: packet.RST}
	}
	ap := netip.MustParseAddrPort
	var fs []flow.Flow
	add := func(protocol uint8, src, dst string, p, q uint64, more func(*flow.Flow)) {
		f := flow.Flow{Number: uint64(len(fs) + 1), Protocol: protocol, Source: ap(src), Destination: ap(dst), State: flow.Established, End: flow.EndInput}
		f.Forward, f.Reverse = both(p, q)
		if more != nil {
			more(&f)
		}
		fs = append(fs, f)
	}
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:80", 3, 4, func(f *flow.Flow) { f.Opening = flow.Opening{Server: flow.Destination} })
	add(packet.TCP, "10.0.0.1:80", "10.0.0.2:50000", 3, 0, func(f *flow.Flow) { f.Context = vlans })
	add(packet.UDP, "[2001:db8::1]:123", "[2001:db8::2]:123", 1, 1, nil)
	add(packet.UDP, "10.0.0.1:50000", "10.0.0.2:60000", 1, 0, func(f *flow.Flow) {
		f.ICMP = flow.ICMPError{Seen: true, Type: 3, Code: 1, Count: 2}
		f.State = flow.Rejected
	})
	add(packet.SCTP, "10.0.0.1:36412", "10.0.0.2:38412", 9, 9, func(f *flow.Flow) { f.PPIDs = []uint32{60, 61} })
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:2", 1, 1, nil)     // de-assigned
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:6003", 1, 1, nil)  // unauthorized use, in a span
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:11434", 1, 1, nil) // registered later
	add(packet.DCCP, "10.0.0.1:50000", "10.0.0.2:9", 1, 1, nil)    // service code
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:4200", 1, 1, nil)  // no transport
	add(packet.UDPLite, "10.0.0.1:50000", "10.0.0.2:9000", 1, 1, nil)
	add(packet.SCTP, "10.0.0.1:9000", "10.0.0.2:80", 1, 1, nil)
	sent := func(source, destination string) func(*flow.Flow) {
		return func(f *flow.Flow) {
			for i, s := range []string{source, destination} {
				f.Payload[i] = flow.Payload{Data: []byte(s), Len: uint32(len(s))}
			}
		}
	}
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:443", 5, 5, sent(testHello, ""))
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:443", 5, 5, sent("SSH-2.0-OpenSSH_9.9\r\n", "SSH-2.0-OpenSSH_9.8\r\n"))
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:80", 5, 5, sent("GET /chat HTTP/1.1\r\nHost: "+testHost+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", ""))
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:443", 5, 5, sent(strings.Repeat("\xff\x00", 50), ""))
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:443", 5, 5, func(f *flow.Flow) { f.Payload[0] = flow.Payload{Data: []byte{22}, Len: 500} })
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:443", 5, 5, func(f *flow.Flow) { f.Payload[1].Lost = true })
	return fs
}

// testHost is what nobody should print as it is, and testHostShown how it looks
// then.
const (
	testHost      = "=a,b=\x1b[31m\"\\\xc3\xa9\x7f"
	testHostShown = `\x3da,b=\x1b[31m\x22\x5c\xc3\xa9\x7f`
)

// testHello is a TLS ClientHello with a server name and ALPN.
var testHello = func() string {
	u16 := func(s string) string { return string([]byte{byte(len(s) >> 8), byte(len(s))}) + s }
	sni := "\x00\x00" + u16(u16("\x00"+u16("www.example.org")))
	alpn := "\x00\x10" + u16(u16("\x02h2\x08http/1.1"))
	body := "\x03\x03" + strings.Repeat("r", 32) + "\x00" + u16("\x13\x01\x13\x02") + "\x01\x00" + u16(sni+alpn)
	return "\x16\x03\x01" + u16("\x01\x00"+u16(body))
}()

func testAnnotator(t testing.TB) *annotate.Annotator {
	local, err := annotate.ReadLocalNames(strings.NewReader("mine 9000\n\"we,ird\\name\" 60000/udp\n"), "local")
	if err != nil {
		t.Fatal(err)
	}
	return annotate.New(annotate.Options{Local: local})
}

func renderAll(t testing.TB, name string, flows []flow.Flow) []byte {
	an := testAnnotator(t)
	format, err := New(name, Meta{Edition: iana.Embedded().Edition(), Contexts: &testContexts})
	if err != nil {
		t.Fatal(err)
	}
	for i := range flows {
		format.Measure(&flows[i])
	}
	out := format.AppendHeader(nil)
	for i := range flows {
		a := an.Flow(&flows[i], new(annotate.Observer))
		out = format.AppendFlow(out, &flows[i], &a)
	}
	return format.AppendFooter(out)
}

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

func TestJSONAgreesWithTheTableOfFields(t *testing.T) {
	fields := map[string]bool{} // whether it was printed
	for _, f := range Fields() {
		fields[f.Name] = false
	}
	for _, rec := range jsonRecords(t, renderAll(t, "json", testFlows())) {
		for name := range rec {
			known := name
			if _, ok := fields[known]; !ok {
				for f := range fields {
					if p, ok := strings.CutSuffix(f, "*"); ok && strings.HasPrefix(name, p) {
						known = f
					}
				}
			}
			if _, ok := fields[known]; !ok {
				t.Errorf("field %s is printed, and not documented", name)
			}
			fields[known] = true
		}
		if rec["portannot.caveat"] != iana.Caveat {
			t.Errorf("a record without the caveat: %v", rec)
		}
		for _, never := range []string{"network.protocol", "service.name"} {
			if _, ok := rec[never]; ok {
				t.Errorf("%s is written, which means the observed protocol", never)
			}
		}
	}
	for name, printed := range fields {
		if !printed {
			t.Errorf("field %s is documented, and was never printed", name)
		}
	}
}

func TestCSVAgreesWithJSON(t *testing.T) {
	flows := testFlows()
	recs := jsonRecords(t, renderAll(t, "json", flows))
	rows, err := csv.NewReader(bytes.NewReader(renderAll(t, "csv", flows))).ReadAll()
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
			want := recs[i][name]
			switch name {
			case "network.vlan.id":
				if inner := recs[i]["network.inner.vlan.id"]; inner != "" {
					want += "|" + inner
				}
			case "portannot.registered.deassigned":
				if n := recs[i]["portannot.registered.deassigned.name"]; n != "" {
					want = recs[i]["portannot.registered.deassigned.date"] + ", was " + n
				}
			}
			if cell != want {
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
	documented := map[string]bool{}
	for _, f := range Fields() {
		documented[f.Name] = f.CSV
	}
	for _, name := range rows[0] {
		ok := documented[name] || name == "portannot.registered.deassigned" ||
			strings.HasPrefix(name, "portannot.source_registered.") || strings.HasPrefix(name, "portannot.destination_registered.")
		if !ok {
			t.Errorf("column %s is not documented as one", name)
		}
	}
}

// TestREADMEHasTheTableOfFields keeps the README's table equal to Fields.
func TestREADMEHasTheTableOfFields(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("| field | type | CSV | meaning |\n|---|---|---|---|\n")
	for _, f := range Fields() {
		mark := ""
		if f.CSV {
			mark = "yes"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", f.Name, f.Type, mark, strings.ReplaceAll(f.Meaning, "|", "\\|"))
	}
	if !strings.Contains(string(readme), want.String()) {
		t.Errorf("README.md lacks this table:\n%s", want.String())
	}
}

func TestTextAligns(t *testing.T) {
	out := string(renderAll(t, "text", testFlows()))
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	for _, head := range []string{"PROTO", "SOURCE", "DESTINATION", "STATE", "SERVICE", "STATUS"} {
		at := strings.Index(lines[0], head)
		for _, line := range lines[1 : len(lines)-1] {
			if line[at-1] != ' ' || line[at] == ' ' {
				t.Errorf("column %s does not begin at %d:\n%s\n%s", head, at, lines[0], line)
			}
		}
	}
	for _, want := range []string{
		"http +2 (destination, handshake)",
		"50000 dynamic - | 60000 dynamic - local:\"we,ird\\name\"",
		"[de-assigned 2025-02-13, was compressnet]",
		"x11 (destination, dynamic-port, likely) [unauthorized use reported]",
		"after this traffic]",
		"[transport not specified]",
		"vlan 30 vlan 31 in vxlan:42/gre",
		"icmp 3/1",
		"ppid 60 (NGAP) 61 (XnAP)",
		"ntp (both ends, equal-ports, likely)",
		"https (destination, payload) observed tls (consistent) sni www.example.org alpn h2\n",
		"https (destination, dynamic-port, likely) observed ssh (CONTRADICTS) software OpenSSH_9.9\n",
		"http +2 (destination, payload) observed http (consistent) host " + testHostShown + " upgrade\n",
		"observed ? (unrecognised)\n",
		"observed ? (truncated)\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("text lacks %q:\n%s", want, out)
		}
	}
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "# "+iana.Warning) {
		t.Errorf("the last line is %q, not the warning", last)
	}
}

func TestColorOnlyAddsEscapes(t *testing.T) {
	flows := testFlows()
	an := testAnnotator(t)
	render := func(color bool) string {
		f := newText(Meta{Edition: iana.Embedded().Edition(), Contexts: &testContexts, Color: color})
		out := f.AppendHeader(nil)
		for i := range flows {
			a := an.Flow(&flows[i], new(annotate.Observer))
			out = f.AppendFlow(out, &flows[i], &a)
		}
		return string(out)
	}
	stripped := render(true)
	for _, esc := range []string{ascii.Bold, ascii.Plain, ascii.Red, ascii.Yellow, ascii.Green, ascii.Cyan} {
		stripped = strings.ReplaceAll(stripped, esc, "")
	}
	if plainText := render(false); stripped != plainText {
		t.Errorf("with color:\n%s\nwithout:\n%s", stripped, plainText)
	}
}

func TestUnknownFormat(t *testing.T) {
	if _, err := New("yaml", Meta{}); err == nil || !strings.Contains(err.Error(), `"yaml"`) {
		t.Errorf("error %v", err)
	}
}

func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"", "plain", "quo\"te\\", "\x00\x1f\x7f", "\xff\xfe", "é\u2028", "a,b\r\n"} {
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
		if want := strings.ReplaceAll(s, "\r\n", "\n"); rec[1] != want { // the reader's doing
			t.Errorf("%q came back as the cell %q", s, rec[1])
		}
	})
}

// TestHostileNames: what the payload says of names is not obeyed by terminals,
// and reads the same in all formats.
func TestHostileNames(t *testing.T) {
	flows := testFlows()
	for _, name := range Formats() {
		for _, c := range renderAll(t, name, flows) {
			if c < ' ' && c != '\n' || c >= 0x7f {
				t.Errorf("%s: octet %#x is printed", name, c)
			}
		}
	}
	n := 0
	for _, rec := range jsonRecords(t, renderAll(t, "json", flows)) {
		if rec["portannot.observed.server_name"] == testHostShown {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d records with the host %s", n, testHostShown)
	}
}

func TestNotLookedAt(t *testing.T) {
	an := testAnnotator(t)
	flows := testFlows()
	for _, name := range Formats() {
		format, _ := New(name, Meta{Edition: iana.Embedded().Edition(), Contexts: &testContexts})
		for i := range flows {
			a := an.Flow(&flows[i], nil)
			if out := format.AppendFlow(nil, &flows[i], &a); bytes.Contains(out, []byte("observed")) || bytes.Contains(out, []byte("payload")) {
				t.Errorf("%s tells of the payload: %s", name, out)
			}
		}
	}
}

func TestRenderingDoesNotAllocate(t *testing.T) {
	an := testAnnotator(t)
	flows := testFlows()
	buf := make([]byte, 0, 1<<20)
	for _, name := range Formats() {
		format, err := New(name, Meta{Edition: iana.Embedded().Edition(), Contexts: &testContexts})
		if err != nil {
			t.Fatal(err)
		}
		anns := make([]annotate.Annotation, len(flows))
		for i := range flows {
			anns[i] = an.Flow(&flows[i], nil)
		}
		// The last flows have deassignments and spans, which only JSON and CSV
		// keep as text; the common flow is the first.
		n := testing.AllocsPerRun(50, func() { format.AppendFlow(buf[:0], &flows[0], &anns[0]) })
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		var o annotate.Observer
		var a annotate.Annotation
		n = testing.AllocsPerRun(50, func() {
			for i := range flows {
				if flows[i].Payload[0].Len > 0 {
					an.FlowTo(&a, &flows[i], &o)
					format.AppendFlow(buf[:0], &flows[i], &a)
				}
			}
		})
		if n != 0 {
			t.Errorf("%s, with payload: %v allocations", name, n)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	an := testAnnotator(b)
	flows := testFlows()
	for _, name := range Formats() {
		b.Run(name, func(b *testing.B) {
			format, err := New(name, Meta{Edition: iana.Embedded().Edition(), Contexts: &testContexts})
			if err != nil {
				b.Fatal(err)
			}
			a := an.Flow(&flows[0], nil)
			buf := make([]byte, 0, 1<<16)
			b.ReportAllocs()
			for b.Loop() {
				buf = format.AppendFlow(buf[:0], &flows[0], &a)
			}
			b.SetBytes(int64(len(buf)))
		})
	}
}
