package flow

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"github.com/portannot/portannot/capture/packet"
)

// TestReplay: a trace finds the packets to which Track says that they count, with
// flows that make room, packets that have several headers or none, and fragments that
// count late.
func TestReplay(t *testing.T) {
	for name, opt := range map[string]Options{
		"plain":    {},
		"timeouts": {Idle: 2 * time.Second, Active: 10 * time.Second},
		"full":     {Idle: 2 * time.Second, MaxFlows: 30, Payload: 20},
		"contexts": {MaxContexts: 3},
		"prompt":   {Idle: time.Second, Prompt: true},
		"copies":   {Dedup: time.Millisecond},
	} {
		for seed := range int64(8) {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				r := rand.New(rand.NewSource(seed))
				sums := randomPackets(r, 6000, 6, false)
				number := uint64(0)
				for i := range sums {
					switch r.Intn(8) {
					case 0: // another header of the same packet
					case 1:
						number += uint64(r.Intn(200))
					default:
						number++
					}
					number = max(number, 1)
					sums[i].Number = number
					if r.Intn(50) == 0 {
						sums[i].Number = 1 + uint64(r.Int63n(int64(number)))
					}
				}

				// By packet: the flows, as the order of their first header, and
				// whether an ICMP error quotes it.
				type at struct {
					order  uint64
					quoted bool
				}
				want := map[uint64][]at{}
				tracked := NewTable(opt)
				var f Flow
				for i := range sums {
					s := &sums[i]
					if ref, ok := tracked.Track(s); ok {
						tracked.Peek(ref, &f)
						want[s.Number] = append(want[s.Number], at{f.Pick().order, s.Kind == packet.Quoted})
					}
				}

				type flowAt struct{ number, packets uint64 }
				var picks []Pick
				picked := map[uint64]flowAt{}
				take := func(f *Flow) {
					if r.Intn(3) == 0 {
						picks = append(picks, f.Pick())
						picked[f.Pick().order] = flowAt{number: f.Number, packets: f.Packets()}
					}
				}
				opt := opt
				opt.Emit, opt.Trace = take, DefaultTrace
				tb := NewTable(opt)
				for left := sums; len(left) > 0; {
					n := min(1+r.Intn(300), len(left))
					tb.Add(left[:n])
					left = left[n:]
				}
				res := tb.Results()
				for i := range res.Len() {
					res.Fill(i, &f)
					take(&f)
				}
				slices.SortFunc(picks, Pick.Compare)
				if len(picks) < 10 {
					t.Fatalf("only %d flows picked", len(picks))
				}

				replay := tb.Trace().Replay(picks)
				moved := 0
				packets, firsts := make([]uint64, len(picks)), make([]int, len(picks))
				for n := uint64(1); n <= number+3; n++ {
					var got, wanted []uint64
					for _, f := range replay.Packet(n) {
						got = append(got, picks[f.Pick].order)
						packets[f.Pick]++
						if f.First && picked[picks[f.Pick].order].number != n {
							t.Fatalf("packet %d is not the first of its flow", n)
						}
						if f.First {
							firsts[f.Pick]++
						}
					}
					for _, w := range want[n] {
						flow, ok := picked[w.order]
						if ok {
							wanted = append(wanted, w.order)
						}
						if ok && w.quoted { // not among the packets of the flow
							flow.packets++
							picked[w.order] = flow
						}
					}
					slices.Sort(got) // those that count late come last
					slices.Sort(wanted)
					if !slices.Equal(got, wanted) {
						moved++
					}
				}
				// A header that was set aside counts to the flow that begins with
				// it, which Track cannot know.
				if most := len(replay.moved); moved > most || name == "plain" && most == 0 {
					t.Errorf("%d packets differ from what Track says, %d were set aside", moved, most)
				}
				for i, p := range picks {
					if f := picked[p.order]; packets[i] != f.packets {
						t.Errorf("flow %d: %d packets, want %d", p.order, packets[i], f.packets)
					}
					if firsts[i] != 1 {
						t.Errorf("flow %d: %d first packets", p.order, firsts[i])
					}
				}
			})
		}
	}
}

// TestTraceLimit: beyond its limit there is no trace, and nothing else changes.
func TestTraceLimit(t *testing.T) {
	sums := randomPackets(rand.New(rand.NewSource(1)), 3000, 6, true)
	for _, limit := range []int{1, 2999, 3000, 70000} {
		tb, plain := NewTable(Options{Trace: limit, MaxFlows: 50}), NewTable(Options{MaxFlows: 50})
		tb.Add(sums)
		plain.Add(sums)
		if got := tb.Trace() != nil; got != (limit >= len(sums)) {
			t.Errorf("limit %d: a trace: %v", limit, got)
		}
		if tb.Stats() != plain.Stats() {
			t.Errorf("limit %d: %+v, without %+v", limit, tb.Stats(), plain.Stats())
		}
	}
}
