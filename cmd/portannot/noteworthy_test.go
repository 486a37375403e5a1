package main

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
)

// Those with the most flows are share, the others counted with theirs, and a line for
// flows without a service stands where its count puts it: never behind the others.
func TestMost(t *testing.T) {
	for _, n := range []int{0, 1, maxNoteworthy, maxNoteworthy + 1, 500} {
		flows, sum := map[int]uint64{}, uint64(0)
		for k := range n {
			flows[k] = uint64(1 + k*7%13)
			sum += flows[k]
		}
		list := most(flows, cmp.Compare, func(k int) string { return fmt.Sprint(k) })
		var got uint64
		for _, item := range list {
			got += item.flows
		}
		if got != sum || len(list) != min(n, maxNoteworthy+1) {
			t.Errorf("%d keys: %d items of %d flows, not of %d", n, len(list), got, sum)
		}
		ordered := list[:min(n, maxNoteworthy)]
		if !slices.IsSortedFunc(ordered, func(a, b share) int { return cmp.Compare(b.flows, a.flows) }) {
			t.Errorf("%d keys: not in order: %v", n, ordered)
		}
		for _, extra := range []uint64{1, 5, 13, 1000} {
			i := rank(list, extra)
			if i > len(ordered) || i > 0 && list[i-1].flows < extra || i < len(ordered) && list[i].flows >= extra {
				t.Errorf("%d keys: %d flows stand at %d of %v", n, extra, i, list)
			}
		}
	}
}
