package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/annotate/review"
	"github.com/portannot/portannot/capture/flow"
)

// What is written by hand is what encoding/json writes, byte for byte.
func TestReportElements(t *testing.T) {
	enc := func(v any) string {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		return strings.TrimSuffix(b.String(), "\n")
	}
	var j jsonReport
	full := fullReport()
	empty := review.Service{States: []review.NameCount{}, Entries: []string{}, Registered: review.Registration{Status: iana.Assigned}}
	past := review.Service{Registered: review.Registration{Status: iana.Unassigned, Edition: "2016-06-28",
		Later: &review.LaterRegistration{Name: "ollama", Description: "Ollama", Registered: "2025-09-26", FirstEdition: "2026-02-02"}}}
	nameless := review.Service{Registered: review.Registration{Later: &review.LaterRegistration{}}}
	for _, s := range append(full.Services, empty, past, nameless, review.Service{Clients: review.Clients{Most: []review.Client{}, Others: []review.Client{{Address: "10.0.0.1", Flows: 3, Answered: 2}, {Address: "2001:db8::1"}}}, Rules: &review.Ruled{}}) {
		if got, want := string(j.appendService(nil, &s)), enc(&s); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	for _, f := range append(full.Findings, review.Finding{Facts: []review.Fact{}, Line: -1}, review.Finding{}) {
		f.Level = max(f.Level, review.Note)
		if got, want := string(j.appendFinding(nil, &f)), enc(&f); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	// A new member has to be written by hand too.
	for _, c := range []struct {
		of   any
		want int
	}{{review.Service{}, 24}, {review.Finding{}, 10}, {review.Registration{}, 10}, {review.Clients{}, 4}, {review.Ruled{}, 7}} {
		if n := reflect.TypeOf(c.of).NumField(); n != c.want {
			t.Errorf("%T has %d members, and %d are known here", c.of, n, c.want)
		}
	}
}

// manyServices collects services of which a part has findings of several kinds.
func manyServices() *review.Collector {
	c := review.NewCollector(iana.Embedded(), review.Options{Policy: new(review.Policy)})
	an := annotate.New(annotate.Options{})
	for i := range 9000 {
		f := review.Flow{
			Protocol: 6, Source: netip.MustParseAddrPort(fmt.Sprintf("10.1.%d.%d:50000", i%3, i%11)),
			Destination: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 9, byte(i * 7 >> 8), byte(i * 7)}), []uint16{443, 4, 5555, 60001, 2}[i%5]),
			Start:       int64(1e18) + int64(i)*1e7, Last: int64(1e18) + int64(i)*1e7 + 5, Packets: 9, Bytes: 900, Counted: true,
			State: []flow.State{flow.Closed, flow.Refused, flow.Established}[i%3],
		}
		if i%4 == 0 {
			f.Destination = netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}), uint16(i))
			f.Source = netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 2, 15: byte(i)}), 50000)
		}
		a := an.Annotate(annotate.Input{Protocol: 6, Source: f.Source, Destination: f.Destination, Start: f.Start,
			Opening: flow.Opening{Server: flow.Destination, Confirmed: true}})
		c.Add(&f, &a)
	}
	return c
}

// A report that is put into words while it is written is the same as one that
// lay there before, in each format and on any number of cores.
func TestReportDeferred(t *testing.T) {
	c := manyServices()
	whole := c.Report(review.Context{})
	if len(whole.Findings) < 9000 || len(whole.Services) < 6000 {
		t.Fatalf("%d findings of %d services", len(whole.Findings), len(whole.Services))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, name := range Formats() {
		var ctx review.Context
		Bounds(name, &ctx)
		want := ""
		for _, cores := range []int{1, 2, 7} {
			runtime.GOMAXPROCS(cores)
			r := c.Report(ctx)
			if ctx.Deferred != (len(r.Findings) == 0) {
				t.Errorf("%s: %d findings are in words", name, len(r.Findings))
			}
			var b strings.Builder
			if err := Write(&b, name, r, Meta{}); err != nil {
				t.Fatal(err)
			}
			if want == "" {
				want = b.String()
			} else if b.String() != want {
				t.Errorf("%s: other on %d cores", name, cores)
			}
		}
		if name == "html" {
			continue // it lists fewer services
		}
		var b strings.Builder
		r := *whole
		if ctx.Listed > 0 {
			r = *c.Report(review.Context{Listed: ctx.Listed})
		}
		if err := Write(&b, name, &r, Meta{}); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("%s: a report with all findings in words is written otherwise", name)
		}
	}
}

// failing takes so many bytes, then no more.
type failing struct{ left int }

var errFull = errors.New("full")

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestReportWriteError(t *testing.T) {
	c := manyServices()
	for _, name := range []string{"json", "csv", "csv-findings", "sarif"} {
		var ctx review.Context
		Bounds(name, &ctx)
		r := c.Report(ctx)
		if err := Write(io.Discard, name, r, Meta{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := Write(&failing{300_000}, name, r, Meta{}); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A column that a flow's record has too is named as there, and only such columns
// have names of that kind.
func TestReportColumns(t *testing.T) {
	shared := 0
	for _, name := range slices.Concat(serviceColumns, findingColumns, ruleColumns) {
		_, known := record.Lookup(name)
		space, _, _ := strings.Cut(name, ".")
		if known != slices.Contains([]string{"portannot", "server", "network"}, space) {
			t.Errorf("column %s: a field of the record: %v", name, known)
		}
		if known {
			shared++
		}
	}
	if shared != 14+3+3 {
		t.Errorf("%d columns have names of the record", shared)
	}
}
