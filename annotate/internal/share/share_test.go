package share

import (
	"slices"
	"testing"
)

func TestOut(t *testing.T) {
	for _, c := range []struct {
		sizes []int
		room  int
		want  []int
	}{
		{nil, 5, []int{}},
		{[]int{3, 1}, 10, []int{3, 1}},
		{[]int{9, 1, 9}, 10, []int{5, 1, 4}},
		{[]int{2000, 2000, 7, 2000}, 2000, []int{665, 664, 7, 664}},
		{[]int{4, 4, 4}, 2, []int{1, 1, 0}},
		{[]int{4}, 0, []int{0}},
	} {
		if got := Out(c.sizes, c.room); !slices.Equal(got, c.want) {
			t.Errorf("of %d, %v have %v, want %v", c.room, c.sizes, got, c.want)
		}
	}
}
