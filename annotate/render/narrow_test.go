package render

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/internal/flowtest"
)

func narrowText(t testing.TB, m Meta) string {
	an, flows := flowtest.Annotator(t), flowtest.Flows()
	m.Edition = iana.Embedded().Edition()
	f, err := New("text", m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range flows {
		f.Measure(&flows[i])
	}
	out := f.AppendHeader(nil)
	for i := range flows {
		a := an.Flow(&flows[i], new(annotate.Observer))
		out = f.Clone().AppendFlow(out, &flows[i], &a)
	}
	return string(f.AppendFooter(out))
}

var escapes = regexp.MustCompile("\x1b\\[[0-9]*m")

// TestNarrowFits: lines fit the terminal, and each end of each flow is whole
// on one of them.
func TestNarrowFits(t *testing.T) {
	flows := flowtest.Flows()
	for _, width := range []int{60, 80, 100, 120, 160, 200} {
		for _, details := range []bool{false, true} {
			t.Run(fmt.Sprint(width, details), func(t *testing.T) {
				out := narrowText(t, Meta{Width: width, Details: details})
				for line := range strings.Lines(out) {
					line = strings.TrimSuffix(line, "\n")
					// A word that is longer than the terminal is not cut.
					if len(line) > width && len(strings.Fields(line)) > 1 {
						t.Errorf("%d columns: %s", len(line), line)
					}
					if strings.HasSuffix(line, " ") {
						t.Errorf("space at the end of %q", line)
					}
				}
				words := map[string]bool{}
				for _, w := range strings.Fields(out) {
					words[w] = true
				}
				for i := range flows {
					for _, end := range [][]byte{ascii.AppendAddrPort(nil, flows[i].Source), ascii.AppendAddrPort(nil, flows[i].Destination)} {
						if !words[string(end)] {
							t.Errorf("%s is not shown whole", end)
						}
					}
				}
				colored := narrowText(t, Meta{Width: width, Details: details, Color: true})
				if got := escapes.ReplaceAllString(colored, ""); got != out {
					t.Errorf("with colour:\n%s\nwithout:\n%s", got, out)
				}
			})
		}
	}
}

func TestNarrowShowsWhatDeservesALook(t *testing.T) {
	out := strings.Join(strings.Fields(narrowText(t, Meta{Width: 80})), " ")
	for _, want := range []string{
		"CONTRADICTS", "[unauthorized use reported]", "[de-assigned 2025-02-13, was compressnet]",
		"after this traffic]", "50000 dynamic - | 60000 dynamic -",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("text lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "observed tls (consistent)") {
		t.Errorf("an ordinary flow has details without --details:\n%s", out)
	}
	details := strings.Join(strings.Fields(narrowText(t, Meta{Width: 80, Details: true})), " ")
	for _, want := range []string{"observed tls (consistent)", "vlan 30 vlan 31 in vxlan:42/gre", "3/4 packets 156/160 IP bytes established"} {
		if !strings.Contains(details, want) {
			t.Errorf("details lack %q:\n%s", want, details)
		}
	}
}

func TestAssignedIsNotColored(t *testing.T) {
	for _, width := range []int{0, 80} {
		out := narrowText(t, Meta{Width: width, Color: true})
		if strings.Contains(out, "massigned") || strings.Contains(out, "\x1b[32m") {
			t.Errorf("width %d: assigned has a colour:\n%q", width, out)
		}
		if !strings.Contains(out, ascii.Red+contradicts) && !strings.Contains(out, ascii.Bold+ascii.Red+contradicts) {
			t.Errorf("width %d: no colour for a contradiction", width)
		}
	}
}

func TestNarrowDoesNotAllocate(t *testing.T) {
	an, flows := flowtest.Annotator(t), flowtest.Flows()
	f := newNarrow(Meta{Width: 100})
	f.AppendHeader(nil)
	a := an.Flow(&flows[0], nil)
	buf := make([]byte, 0, 1<<16)
	if n := testing.AllocsPerRun(50, func() { f.AppendFlow(buf[:0], &flows[0], &a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
