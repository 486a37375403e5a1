package review

import (
	"net/netip"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
)

// TestJoin pins how the records of both directions become one flow.
func TestJoin(t *testing.T) {
	const second = int64(1e9)
	client, server := netip.MustParseAddrPort("203.0.113.5:40001"), netip.MustParseAddrPort("10.0.0.5:443")
	to := Flow{Protocol: 6, Source: client, Destination: server, Start: 100 * second, Packets: 5, Outcome: annotate.Passed, OneDirection: true}
	from := Flow{Protocol: 6, Source: server, Destination: client, Start: 101 * second, Packets: 4, Outcome: annotate.Passed, OneDirection: true}
	with := func(f Flow, change func(*Flow)) Flow { change(&f); return f }
	for _, c := range []struct {
		name    string
		flows   []Flow
		want    uint64 // flows
		outcome string
	}{
		{"one direction alone", []Flow{to}, 1, "seen"},
		{"both", []Flow{to, from}, 1, "answered"},
		{"the answer first", []Flow{from, to}, 1, "answered"},
		{"a single packet may be a reset", []Flow{to, with(from, func(f *Flow) { f.Packets = 1 })}, 1, "seen"},
		{"of UDP a single packet is an answer", []Flow{with(to, func(f *Flow) { f.Protocol = 17 }), with(from, func(f *Flow) { f.Protocol, f.Packets = 17, 1 })}, 1, "answered"},
		{"too far apart", []Flow{to, with(from, func(f *Flow) { f.Start = 2000 * second })}, 2, "seen"},
		{"twice the same direction", []Flow{to, to}, 2, "seen"},
		{"two intervals", []Flow{to, from, to, from}, 2, "answered"},
		{"the answer was denied", []Flow{to, with(from, func(f *Flow) { f.Outcome = annotate.Denied })}, 2, "seen"},
		{"denied", []Flow{with(to, func(f *Flow) { f.Outcome = annotate.Denied })}, 1, "denied"},
		{"another client", []Flow{to, with(from, func(f *Flow) { f.Destination = netip.MustParseAddrPort("203.0.113.5:40002") })}, 2, "seen"},
	} {
		col := NewCollector(iana.Embedded(), Options{})
		an := annotate.New(annotate.Options{})
		for i := range c.flows {
			f := &c.flows[i]
			var a annotate.Annotation
			an.AnnotateTo(&a, &annotate.Input{Protocol: f.Protocol, Source: f.Source, Destination: f.Destination})
			col.Add(f, &a)
		}
		r := col.Report(Context{})
		if r.Traffic.Flows != c.want {
			t.Errorf("%s: %d flows, want %d", c.name, r.Traffic.Flows, c.want)
		}
		if len(r.Services) != 1 || r.Services[0].Outcome != c.outcome {
			t.Errorf("%s: services %+v, want one that is %s", c.name, r.Services, c.outcome)
		}
	}
}

// TestJoinIsBounded pins that flows without answers do not wait without end.
func TestJoinIsBounded(t *testing.T) {
	col := NewCollector(iana.Embedded(), Options{})
	an := annotate.New(annotate.Options{})
	const n = 3 * maxWaiting
	for i := range n {
		f := Flow{Protocol: 17, Source: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 16), byte(i >> 8)}), 40000+uint16(i&0xff)),
			Destination: netip.MustParseAddrPort("10.9.9.9:53"), OneDirection: true}
		var a annotate.Annotation
		an.AnnotateTo(&a, &annotate.Input{Protocol: f.Protocol, Source: f.Source, Destination: f.Destination})
		col.Add(&f, &a)
		if len(col.joiner.waiting) > maxWaiting || len(col.joiner.queue) > 4*maxWaiting {
			t.Fatalf("after %d flows %d wait, in a queue of %d", i, len(col.joiner.waiting), len(col.joiner.queue))
		}
	}
	if r := col.Report(Context{}); r.Traffic.Flows != n {
		t.Errorf("%d flows, want %d", r.Traffic.Flows, n)
	}
}
