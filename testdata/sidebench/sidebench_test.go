package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// The committed captures have openings of each kind; none may be left in what
// is decided blind. Of datagrams, one answer each is not what the port says: the
// DHCP offer to the broadcast address in demo.pcap, and, by its payload, a DNS
// query from port 53 in observed.pcap, where it is the port that misleads.
func TestCommittedCaptures(t *testing.T) {
	var out strings.Builder
	b := bench{out: &out, list: true}
	if err := b.run([]string{filepath.Join("..", "captures")}); err != nil {
		t.Fatal(err)
	}
	for i, v := range variants {
		if v.half {
			continue // most connections here are too short
		}
		ours := b.tables[i].ours
		misled := 0
		if v.udp && v.payload {
			misled = 1
		}
		if ours.flows() < 20 || ours[wrong] != misled {
			t.Errorf("%s: %d flows, %d wrong", v.name, ours.flows(), ours[wrong])
		}
		for _, r := range []annotate.Reason{annotate.Stated, annotate.Handshake, annotate.Accepted, annotate.Earlier} {
			if n := b.tables[i].byRule[r].flows(); n > 0 {
				t.Errorf("%s: %d flows were not blind: %v", v.name, n, r)
			}
		}
		if n := b.tables[i].byRule[annotate.ByPayload].flows(); (n > 0) != v.payload {
			t.Errorf("%s: %d flows decided by payload", v.name, n)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

// On the real captures the rules leave out what they do not know, and so are wrong
// in at most a quarter of the flows that any other tool's rule is wrong in.
func TestSharedCaptures(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "shared", "captures", "files")
	if _, err := os.Stat(folder); err != nil || testing.Short() {
		t.Skip("needs the shared captures, and half a minute")
	}
	var out strings.Builder
	b := bench{out: &out}
	if err := b.run([]string{folder}); err != nil {
		t.Fatal(err)
	}
	for i, v := range variants {
		if !v.payload {
			continue
		}
		ours := &b.tables[i].ours
		if ours.flows() < 2000 || ours.percent(wrong) > 0.5 || ours.percent(abstained) > 10 {
			t.Errorf("%s: %d flows, %.2f%% wrong, %.2f%% abstained", v.name, ours.flows(), ours.percent(wrong), ours.percent(abstained))
		}
		for j, p := range peers {
			if c := &b.tables[i].peers[j]; c[wrong] < 4*ours[wrong] {
				t.Errorf("%s: %d wrong, %s %d", v.name, ours[wrong], p.name, c[wrong])
			}
		}
	}
}

// The labels hold on the real captures with packets cut away, over all flows and
// as a mean over captures.
func TestSharedLabels(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "shared", "captures", "files")
	if _, err := os.Stat(folder); err != nil || testing.Short() {
		t.Skip("needs the shared captures, and half a minute")
	}
	var out strings.Builder
	b := bench{out: &out, list: true}
	c, err := b.calibrate([]string{folder})
	if err != nil {
		t.Fatal(err)
	}
	all := c.together()
	if flows, _, _ := shares(all.label(annotate.Certain)); flows < 10000 {
		t.Errorf("%d certain flows", flows)
	}
	for label, most := range map[annotate.Confidence]float64{annotate.Certain: 0, annotate.Likely: 1. / 30, annotate.Weak: 1. / 5} {
		if flows, wrong, mean := shares(all.label(label)); flows > 0 && max(float64(wrong)/float64(flows), mean) > most {
			t.Errorf("%v: %d of %d wrong, %.3f as a mean over captures", label, wrong, flows, mean)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

// Each tool's rule, on flows that tell it from the others'.
func TestPeers(t *testing.T) {
	const none, src, dst = annotate.NoSide, annotate.Source, annotate.Destination
	for _, c := range []struct {
		sport, dport                                               uint16
		zeek, ndpi, argus, nfdump, elastiflow, wireshark, akvorado annotate.Side
	}{
		{443, 50000, src, src, src, src, src, src, dst},
		{50000, 443, dst, dst, dst, dst, dst, dst, dst},
		{5432, 40000, src, src, src, dst, src, src, dst},             // a service above 1024
		{11434, 40000, dst, src, src, dst, src, src, dst},            // one that Zeek does not know
		{50000, 60000, dst, none, dst, dst, src, src, dst},           // both dynamic
		{45000, 44818, dst, none, dst, dst, dst, dst, dst},           // assigned, in Linux's range
		{20, 1369, dst, src, src, src, src, src, dst},                // FTP's data port; both are assigned
		{1023, 2000, dst, dst, dst, src, dst, src, dst},              // a system port that is reserved
		{33000, 33000, dst, none, dst, dst, dst, annotate.Both, dst}, // equal ports
	} {
		f := &flow.Flow{Protocol: 6, Source: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), c.sport), Destination: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.2"), c.dport)}
		for i, want := range []annotate.Side{c.zeek, c.ndpi, c.argus, c.nfdump, c.elastiflow, c.wireshark, c.akvorado} {
			if got := peers[i].decide(f); got != want {
				t.Errorf("%s, %d to %d: %v, want %v", peers[i].name, c.sport, c.dport, got, want)
			}
		}
	}
}
