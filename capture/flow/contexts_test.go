package flow

import (
	"math/rand"
	"testing"
	"time"

	"github.com/portannot/portannot/capture/packet"
)

// TestContextsAreGivenBack: what a table keeps of contexts follows the flows that
// it holds, not all that it ever saw, and flows in different contexts stay apart.
func TestContextsAreGivenBack(t *testing.T) {
	got := map[packet.Context]int{}
	tb := NewTable(Options{Idle: time.Second, Prompt: true, Emit: func(f *Flow) {
		got[*f.Context] += int(f.Packets())
	}})
	tb.v4.memory.limit, tb.v6.memory.limit = 1000, 1000
	want := map[packet.Context]int{}
	r := rand.New(rand.NewSource(3))
	var sums [50]packet.Summary
	largest := 0
	for i := range 4000 {
		now := int64(i) * int64(10*time.Millisecond)
		for j := range sums {
			c := &packet.Context{NumVLANs: 1 + uint8(r.Intn(2)), VLANs: [packet.MaxDepth]uint16{1 + uint16(r.Intn(4094))}}
			if c.NumVLANs == 2 {
				c.VLANs[1] = uint16(i)
			}
			want[*c]++
			sums[j] = packet.Summary{Time: now, Number: uint64(i*len(sums) + j + 1), IPVersion: 4 + 2*uint8(r.Intn(2)), Protocol: packet.UDP,
				SrcPort: 1000, DstPort: 53, Context: c, IPLen: 28, FrameLen: 42}
			sums[j].Src[0], sums[j].Dst[0] = 32, 33
		}
		tb.Add(sums[:])
		tb.Expire(now)
		largest = max(largest, len(tb.contexts.list))
	}
	// About 100 steps of 50 packets are held, 2,000 more are remembered, and there
	// are 4,094 VLANs at most.
	if limit := 2 * (4094 + 100*len(sums) + 2000); largest > limit || len(want) < 4*limit {
		t.Errorf("%d contexts held of %d seen, want at most %d", largest, len(want), limit)
	}
	res := tb.Results()
	var f Flow
	for i := range res.Len() {
		res.Fill(i, &f)
		got[*f.Context] += int(f.Packets())
	}
	for c, n := range want {
		if got[c] != n {
			t.Fatalf("%+v: %d packets, want %d", c, got[c], n)
		}
	}
	if len(got) != len(want) || tb.Stats().Evicted != 0 {
		t.Errorf("%d contexts, want %d; %+v", len(got), len(want), tb.Stats())
	}
}

// TestManyContexts: beyond MaxContexts the longest idle flows end early, and none
// are merged, however the packets are cut into calls of Add.
func TestManyContexts(t *testing.T) {
	const limit, n = 300, 5000
	sums := make([]packet.Summary, n)
	for i := range sums {
		a := [16]byte{1, byte(i >> 8), byte(i)}
		sums[i] = packet.Summary{Time: int64(i), Number: uint64(i + 1), IPVersion: 4, Protocol: packet.UDP, SrcPort: 1000, DstPort: 53,
			Context: &packet.Context{Depth: 1, Path: [packet.MaxDepth]packet.Tunnel{packet.GRE}, Outer: [2][16]byte{a, {9}}, OuterVersion: 4}}
		if i%3 == 0 {
			sums[i].Context = packet.VLAN(7) // goes on all the while
		}
	}
	run := func(size int) (list []string, st Stats) {
		tb := NewTable(Options{MaxContexts: limit, Emit: func(f *Flow) { list = append(list, flowLine(f)) }})
		for rest := sums; len(rest) > 0; {
			k := min(size, len(rest))
			tb.Add(rest[:k])
			rest = rest[k:]
			if tb.Len() > limit {
				t.Fatalf("%d flows are held in as many contexts", tb.Len())
			}
		}
		st = tb.Stats()
		res := tb.Results()
		var f Flow
		for i := range res.Len() {
			res.Fill(i, &f)
			list = append(list, flowLine(&f))
		}
		return list, st
	}
	want, st := run(1)
	others := n - (n+2)/3
	if len(want) != others+1 || st.Crowded != uint64(others+1-limit) || st.Evicted != st.Crowded {
		t.Errorf("%d flows, %+v", len(want), st)
	}
	for _, size := range []int{7, 64, n} {
		got, _ := run(size)
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Fatalf("%d packets at a time: another flow %d", size, i)
			}
		}
	}
}
