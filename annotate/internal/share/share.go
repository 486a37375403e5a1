// Package share divides what there is room for.
package share

import (
	"cmp"
	"slices"
)

// Out divides room among groups of these sizes: none has more than it needs, and
// those that have less than they need have the same, or one more or less.
func Out(sizes []int, room int) []int {
	out := make([]int, len(sizes))
	order := make([]int, len(sizes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sizes[a], sizes[b]) })
	for done, i := range order {
		left := len(order) - done
		out[i] = min(sizes[i], (room+left-1)/left)
		room -= out[i]
	}
	return out
}
