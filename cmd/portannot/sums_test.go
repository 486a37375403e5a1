package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/render"
	"github.com/portannot/portannot/annotate/summary"
	"github.com/portannot/portannot/capture/flow"
)

// TestEveryBeginsAnew: each time has the flows since the last time, with the time
// in the record.
func TestEveryBeginsAnew(t *testing.T) {
	sum, err := render.NewSummary("csv", render.Meta{}, summary.New([]summary.Key{summary.Service}))
	if err != nil {
		t.Fatal(err)
	}
	sum.Every = true
	var out bytes.Buffer
	j := &job{env: &env{stdout: &out}, format: sum, sum: sum, every: time.Minute, quiet: true, annotator: annotate.New(annotate.Options{})}
	w := newWriter(j)
	w.tick() // the first one sets the clock
	f := flow.Flow{Protocol: 6, Forward: flow.Counters{Packets: 2, First: 1, Last: 2}}
	w.early(&f)
	w.tick()
	if out.Len() > 0 {
		t.Errorf("written before a minute is over: %s", out.String())
	}
	for range 2 {
		w.shown = time.Now().Add(-2 * time.Minute)
		w.tick()
		w.early(&f)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], ",at,caveat") {
		t.Fatalf("%d lines, want a header and two groups:\n%s", len(lines), out.String())
	}
	for _, line := range lines[1:] {
		if !strings.HasPrefix(line, "0/tcp,,1,2,") || !strings.HasSuffix(line, "Z,registration-does-not-validate-traffic") {
			t.Errorf("want a flow with 2 packets, when, and the caveat: %s", line)
		}
	}
}

// TestNoteworthy: the most frequent come first, and what is more than ten is said.
func TestNoteworthy(t *testing.T) {
	var stderr bytes.Buffer
	e := &env{stderr: &stderr}
	an := annotate.New(annotate.Options{})
	all, other := newNoteworthy(), newNoteworthy()
	count := func(n *noteworthy, port uint16, flows int) {
		entry := an.Registry().Lookup(1, port)
		for range flows {
			n.add(&entry, &annotate.Annotation{})
		}
	}
	count(all, 443, 5)
	for port := range uint16(12) {
		count(all, 50000+port, 1)
	}
	count(other, 4, 3)
	count(other, 443, 1)
	all.merge(other)
	all.say(e, an.Registry())
	want := "portannot: 14 services: 1 assigned, 1 unassigned, 12 dynamic\n" +
		"portannot: unexpected (flows): 4/tcp unassigned (3), 50000/tcp dynamic (1),\n" +
		"portannot:                     50001/tcp dynamic (1), "
	if got := stderr.String(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " 3 more (3); --unexpected shows them\n") {
		t.Errorf("%s", got)
	}
	for line := range strings.Lines(stderr.String()) {
		if len(line) > 81 {
			t.Errorf("a line of %d columns: %s", len(line)-1, line)
		}
	}
}

// TestNoteworthyNoSide: the list has every flow that --unexpected shows.
func TestNoteworthyNoSide(t *testing.T) {
	var stderr bytes.Buffer
	an := annotate.New(annotate.Options{})
	entry := func(port uint16) iana.Entry { return an.Registry().Lookup(iana.TCP, port) }
	none := annotate.Service{Side: annotate.NoSide}
	all, other := newNoteworthy(), newNoteworthy()
	all.add(nil, &annotate.Annotation{Service: none, Source: entry(50000), Destination: entry(60000)})
	other.add(nil, &annotate.Annotation{Service: none, Source: entry(4), Destination: entry(60000)})
	other.add(nil, &annotate.Annotation{Service: none, Source: entry(443), Destination: entry(60000)})
	other.add(nil, &annotate.Annotation{Service: none, NoSourcePort: true, NoDestinationPort: true})
	all.merge(other)
	all.say(&env{stderr: &stderr}, an.Registry())
	if got, want := stderr.String(), "portannot: unexpected (flows): neither port assigned (2);\nportannot:                     --unexpected shows them\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
