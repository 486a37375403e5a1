package flow

import (
	"math/rand"
	"testing"
)

// TestMemory compares the memory with a list of keys: it gives back the last flows up
// to its limit, each once, whatever chains their hashes share.
func TestMemory(t *testing.T) {
	const limit, keys = 50, 120
	tb := NewTable(Options{})
	m := &tb.v4.memory
	m.limit = limit
	i := tb.v4.insert(0)
	e, r := tb.v4.at(i), tb.v4.restOf(i)
	type known struct {
		key  uint64 // 0: recalled
		time int64
	}
	var list []known
	rnd := rand.New(rand.NewSource(1))
	for step := range 20_000 {
		key := 1 + uint64(rnd.Intn(keys))
		want := int64(0)
		for at := range list {
			if list[at].key == key {
				want, list[at].key = list[at].time, 0
			}
		}
		hash := uint32(key % 7)
		if got := tb.v4.recall(tb, &key4{lo: key}, hash); got.time != want || (got.part != 0) != (want != 0) {
			t.Fatalf("step %d: key %d: recalled %+v, want time %d", step, key, got, want)
		}
		if rnd.Intn(3) == 0 {
			continue
		}
		if list = append(list, known{key, int64(step + 1)}); len(list) > limit {
			list = list[1:]
		}
		e.key, r.hash, r.first = key4{lo: key}, hash, [2]int64{int64(step + 1), maxTime}
		tb.v4.remember(tb, i)
		n := 0
		for _, k := range list {
			if k.key != 0 {
				n++
			}
		}
		if m.n != n || len(m.flows) > limit {
			t.Fatalf("step %d: %d flows in %d places, want %d", step, m.n, len(m.flows), n)
		}
	}
	if !tb.v4.forgetAll(tb) || m.n != 0 || tb.v4.forgetAll(tb) {
		t.Error("flows are left after all were forgotten")
	}
}
