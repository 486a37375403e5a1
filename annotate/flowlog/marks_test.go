package flowlog

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// All marks are found, however dense, by the fast way and by the one for any
// processor.
func TestMarks(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	m := new(marks)
	for range 2000 {
		data := make([]byte, r.IntN(markedSize+1))
		if r.IntN(2) == 0 {
			data = data[:min(len(data), r.IntN(200))]
		}
		// Bytes near the two are among them, which cheap tricks take for them.
		few := []byte("\t\n\x08\x0b\x00\x89\x8aabcdefghijklmnopqrstuvwxyz")[:2+r.IntN(31)]
		for i := range data {
			data[i] = few[r.IntN(len(few))]
		}
		var at []int
		var ends []lineEnd
		for i, c := range data {
			switch c {
			case '\n':
				ends = append(ends, lineEnd{uint16(i), uint16(len(at))})
			case '\t':
				at = append(at, i)
			}
		}
		check := func(name string) {
			if m.all != len(at) || !slices.Equal(m.ends[:m.lines], ends) {
				t.Fatalf("%s: %d separators and %d line ends of %q, want %d and %d", name, m.all, m.lines, data, len(at), len(ends))
			}
			for i := range at {
				if got := m.nth(0, i); got != at[i] {
					t.Fatalf("%s: separator %d at %d of %q, want %d", name, i, got, data, at[i])
				}
			}
			if i := r.IntN(len(at) + 1); i < len(at) {
				if j := i + r.IntN(len(at)-i); m.nth(at[i], j-i) != at[j] || j+1 < len(at) && m.nth(at[i]+1, j-i) != at[j+1] {
					t.Fatalf("%s: separator %d from %d on", name, j-i, at[i])
				}
			}
		}
		m.find(data, '\t')
		check("here")
		m.all, m.lines, m.size = 0, 0, 0
		m.markWords(append(data, make([]byte, 64-len(data)%64)...), '\t')
		check("any processor")
	}
}
