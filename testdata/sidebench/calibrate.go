package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// A cut takes packets away from a capture. keep gives a function that says of each
// packet in turn whether it stays.
type cut struct {
	name string
	keep func(truths map[key]*truth) func(*packet.Summary) bool
}

var cuts = []cut{
	{"handshake", func(map[key]*truth) func(*packet.Summary) bool { return withoutHandshake() }},
	{"handshake and 5 packets", func(map[key]*truth) func(*packet.Summary) bool { return withoutBeginning(5) }},
	{"to the service only", func(t map[key]*truth) func(*packet.Summary) bool { return oneWay(t, true) }},
	{"from the service only", func(t map[key]*truth) func(*packet.Summary) bool { return oneWay(t, false) }},
	{"1 packet in 10", func(map[key]*truth) func(*packet.Summary) bool { return sampled(10) }},
	{"1 packet in 100", func(map[key]*truth) func(*packet.Summary) bool { return sampled(100) }},
}

// withoutBeginning refuses the handshake of each TCP connection and n packets
// behind it.
func withoutBeginning(n int) func(*packet.Summary) bool {
	inner, left := withoutHandshake(), map[key]int{}
	return func(s *packet.Summary) bool {
		if s.Protocol != packet.TCP {
			return true
		}
		if !inner(s) {
			return false
		}
		k := keyOfPacket(s)
		left[k]++
		return left[k] > n
	}
}

// oneWay keeps the packets to, or from, the service of each connection; those of
// a connection whose service is not known stay.
func oneWay(truths map[key]*truth, towards bool) func(*packet.Summary) bool {
	return func(s *packet.Summary) bool {
		t := truths[keyOfPacket(s)]
		if t == nil || !t.server.IsValid() {
			return true
		}
		return (netip.AddrPortFrom(s.DstAddr(), s.DstPort) == t.server) == towards
	}
}

// sampled keeps each n-th packet, as an exporter that samples does.
func sampled(n int) func(*packet.Summary) bool {
	last, count := uint64(0), 0
	return func(s *packet.Summary) bool {
		if s.Number != last {
			last = s.Number
			count++
		}
		return count%n == 0
	}
}

// grade is a reason with a label.
type grade struct {
	reason     annotate.Reason
	confidence annotate.Confidence
}

// tallies count the answers of one cut by grade, for each capture.
type tallies map[grade][]tallied

type tallied struct {
	capture      int // the capture's number
	right, wrong int
}

// merge adds up by capture, so that each counts once in a mean.
func merge(lists ...[]tallied) (all []tallied) {
	for _, list := range lists {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b tallied) int { return a.capture - b.capture })
	n := 0
	for _, x := range all {
		if n > 0 && all[n-1].capture == x.capture {
			all[n-1].right += x.right
			all[n-1].wrong += x.wrong
			continue
		}
		all[n] = x
		n++
	}
	return all[:n]
}

// calibration is the table of labels, by cut.
type calibration []tallies

func (c calibration) write(w io.Writer) {
	fmt.Fprintln(w, "| cut | label | reason | flows | wrong | share | 95% interval | mean over captures |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	for i, t := range c {
		t.write(w, cuts[i].name)
	}
	c.together().write(w, "all cuts")
}

// together has the answers of all cuts.
func (c calibration) together() tallies {
	all := tallies{}
	for _, t := range c {
		for g, list := range t {
			all[g] = merge(all[g], list)
		}
	}
	return all
}

func (t tallies) write(w io.Writer, name string) {
	for confidence := annotate.Certain; confidence > annotate.NoConfidence; confidence-- {
		together := t.label(confidence)
		var rows []grade
		for g := range t {
			if g.confidence == confidence {
				rows = append(rows, g)
			}
		}
		if len(together) == 0 {
			continue
		}
		writeTallied(w, name, confidence, "all", together)
		slices.SortFunc(rows, func(a, b grade) int { return int(a.reason) - int(b.reason) })
		for _, g := range rows {
			writeTallied(w, name, confidence, "`"+g.reason.String()+"`", t[g])
		}
	}
}

// label gives the answers with a label, whatever their reason.
func (t tallies) label(c annotate.Confidence) (all []tallied) {
	for g, list := range t {
		if g.confidence == c {
			all = merge(all, list)
		}
	}
	return all
}

func writeTallied(w io.Writer, name string, c annotate.Confidence, reason string, list []tallied) {
	flows, wrong, mean := shares(list)
	low, high := bootstrap(list)
	fmt.Fprintf(w, "| %s | %v | %s | %d | %d | %.2f%% | %.2f%% to %.2f%% | %.2f%% of %d |\n", name, c, reason, flows, wrong,
		100*float64(wrong)/float64(flows), 100*low, 100*high, 100*mean, len(list))
}

// shares counts answers; mean is the mean share of wrong ones over captures.
func shares(list []tallied) (flows, wrong int, mean float64) {
	for _, x := range list {
		flows += x.right + x.wrong
		wrong += x.wrong
		mean += float64(x.wrong) / float64(x.right+x.wrong)
	}
	return flows, wrong, mean / float64(len(list))
}

// bootstrap gives the middle 95% of the shares of wrong answers in 1,000 draws of as
// many captures, with replacement. It is the same in every run.
func bootstrap(list []tallied) (low, high float64) {
	const draws = 1000
	r := rand.New(rand.NewPCG(1, 2))
	shares := make([]float64, draws)
	for i := range shares {
		flows, wrong := 0, 0
		for range list {
			x := list[r.IntN(len(list))]
			flows, wrong = flows+x.right+x.wrong, wrong+x.wrong
		}
		shares[i] = float64(wrong) / float64(flows)
	}
	slices.Sort(shares)
	return shares[draws*25/1000], shares[draws*975/1000-1]
}

// label prints how often each label is wrong in captures that packets are missing
// of.
func (b *bench) label(paths []string) error {
	c, err := b.calibrate(paths)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%d captures\n\n", b.files)
	c.write(b.out)
	return nil
}

func (b *bench) calibrate(paths []string) (calibration, error) {
	c := make(calibration, len(cuts))
	for i := range c {
		c[i] = tallies{}
	}
	return c, b.walk(paths, func(path string, _ *flow.Results, truths map[key]*truth) error {
		for i, cut := range cuts {
			res, err := flows(path, payloadBytes, cut.keep(truths))
			if err != nil {
				return err
			}
			for g, x := range b.grades(filepath.Base(path), cut.name, res, truths) {
				x.capture = b.files
				c[i][g] = append(c[i][g], *x)
			}
		}
		return nil
	})
}

// grades annotates flows as the program does, and counts the answers whose truth is
// known.
func (b *bench) grades(file, cut string, res *flow.Results, truths map[key]*truth) map[grade]*tallied {
	e := annotate.NewEvidence(annotate.EvidenceOptions{Peers: b.peers, Endpoints: 1 << 14})
	e.AddAll(res)
	an := annotate.New(annotate.Options{Evidence: e})
	var o annotate.Observer
	var f flow.Flow
	counts := map[grade]*tallied{}
	for i := range res.Len() {
		res.Fill(i, &f)
		known := truths[keyOfFlow(&f)]
		if known == nil || !known.server.IsValid() {
			continue
		}
		a := an.Flow(&f, &o)
		if a.Service.Side != annotate.Source && a.Service.Side != annotate.Destination {
			continue
		}
		g := grade{a.Service.Reason, a.Service.Confidence}
		if counts[g] == nil {
			counts[g] = &tallied{}
		}
		if end(&f, a.Service.Side) == known.server {
			counts[g].right++
			continue
		}
		counts[g].wrong++
		if b.list {
			fmt.Fprintf(b.out, "wrong\t%s\t%s\t%v %v\t%v -> %v\tthe service is %v\n", cut, file, g.confidence, g.reason, f.Source, f.Destination, known.server)
		}
	}
	return counts
}
