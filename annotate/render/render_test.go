package render

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/internal/flowtest"
	"github.com/portannot/portannot/capture/flow"
)

func renderAll(t testing.TB, name string, flows []flow.Flow) []byte {
	an := flowtest.Annotator(t)
	format, err := New(name, Meta{Edition: iana.Embedded().Edition()})
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

func TestTextAligns(t *testing.T) {
	out := string(renderAll(t, "text", flowtest.Flows()))
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
		"x11 (destination, high-port, likely) [unauthorized use reported]",
		"after this traffic]",
		"[transport not specified]",
		"vlan 30 vlan 31 in vxlan:42/gre",
		"icmp 3/1",
		"ppid 60 (NGAP) 61 (XnAP)",
		"ntp (both ends, equal-ports, likely)",
		"https (destination, payload, likely) observed tls (consistent) sni www.example.org alpn h2\n",
		"https (destination, high-port, likely) observed ssh (CONTRADICTS) software OpenSSH_9.9\n",
		"http +2 (destination, payload, likely) observed http (consistent) host " + flowtest.HostShown + " upgrade\n",
		"epmap (destination, payload, likely) observed dcerpc (consistent) interface epmapper\n",
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
	flows := flowtest.Flows()
	an := flowtest.Annotator(t)
	render := func(color bool) string {
		f := newText(Meta{Edition: iana.Embedded().Edition(), Color: color})
		out := f.AppendHeader(nil)
		for i := range flows {
			a := an.Flow(&flows[i], new(annotate.Observer))
			out = f.AppendFlow(out, &flows[i], &a)
		}
		return string(out)
	}
	stripped := render(true)
	for _, esc := range []string{ascii.Bold, ascii.Plain, ascii.Red, ascii.Yellow, ascii.Cyan} {
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

// TestHostileNames: what the payload says of names is not obeyed by terminals,
// and reads the same in all formats.
func TestHostileNames(t *testing.T) {
	flows := flowtest.Flows()
	for _, name := range Formats() {
		for _, c := range renderAll(t, name, flows) {
			if c < ' ' && c != '\n' || c >= 0x7f {
				t.Errorf("%s: byte %#x is printed", name, c)
			}
		}
	}
	n := 0
	for line := range bytes.Lines(renderAll(t, "json", flows)) {
		var rec struct {
			Portannot struct {
				Observed struct {
					ServerName string `json:"server_name"`
				}
			}
		}
		if err := json.Unmarshal(line, &rec); err != nil {
			t.Fatal(err)
		}
		if rec.Portannot.Observed.ServerName == flowtest.HostShown {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d records with the host %s", n, flowtest.HostShown)
	}
}

func TestNotLookedAt(t *testing.T) {
	an := flowtest.Annotator(t)
	flows := flowtest.Flows()
	for _, name := range Formats() {
		format, _ := New(name, Meta{Edition: iana.Embedded().Edition()})
		for i := range flows {
			a := an.Flow(&flows[i], nil)
			if out := format.AppendFlow(nil, &flows[i], &a); bytes.Contains(out, []byte("observed")) || bytes.Contains(out, []byte("payload")) {
				t.Errorf("%s tells of the payload: %s", name, out)
			}
		}
	}
}

func TestRenderingDoesNotAllocate(t *testing.T) {
	an := flowtest.Annotator(t)
	flows := flowtest.Flows()
	buf := make([]byte, 0, 1<<20)
	for _, name := range Formats() {
		format, err := New(name, Meta{Edition: iana.Embedded().Edition()})
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
	an := flowtest.Annotator(b)
	flows := flowtest.Flows()
	for _, name := range Formats() {
		b.Run(name, func(b *testing.B) {
			format, err := New(name, Meta{Edition: iana.Embedded().Edition()})
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
