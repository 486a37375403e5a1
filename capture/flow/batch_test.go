package flow

import (
	"math/rand"
	"slices"
	"testing"
	"time"
)

// TestBatch: the copies are those that Emit was called with, after the table has used
// the memory for others.
func TestBatch(t *testing.T) {
	sums := randomPackets(rand.New(rand.NewSource(5)), 5000, 6, false)
	var want, got []string
	var b Batch
	take := func() {
		for i := range b.Len() {
			got = append(got, flowLine(b.At(i))+string(b.At(i).Note))
		}
		b.Reset()
	}
	note := func(dst []byte, f *Flow) []byte {
		if f.Source.Port() == 1 {
			return append(dst, "noted"...)
		}
		return dst
	}
	tb := NewTable(Options{MaxFlows: 20, Idle: time.Second, Payload: 40, Note: note, Emit: func(f *Flow) {
		want = append(want, flowLine(f)+string(f.Note))
		if b.Add(f); b.Len() == 100 {
			take()
		}
	}})
	tb.Add(sums)
	take()
	if !slices.Equal(got, want) || len(got) < 500 {
		t.Errorf("%d copies of %d flows, not equal", len(got), len(want))
	}
}
