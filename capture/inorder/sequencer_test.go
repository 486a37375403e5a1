package inorder

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func TestSequencer(t *testing.T) {
	const n, workers, waiting = 10_000, 4, 7
	var (
		room   = make(chan struct{}, waiting)
		number atomic.Uint64
		busy   atomic.Bool
		got    []uint64
		wait   sync.WaitGroup
	)
	sequencer := NewSequencer(waiting, func(v uint64) {
		if busy.Swap(true) {
			t.Error("two values are delivered at once")
		}
		got = append(got, v)
		busy.Store(false)
		<-room
	})
	for range workers {
		wait.Go(func() {
			for {
				room <- struct{}{}
				i := number.Add(1) - 1
				if i >= n {
					<-room
					return
				}
				for range i * 7 % 5 {
					runtime.Gosched()
				}
				sequencer.Put(i, i*i)
			}
		})
	}
	wait.Wait()
	if len(got) != n {
		t.Fatalf("%d values, want %d", len(got), n)
	}
	for i, v := range got {
		if v != uint64(i*i) {
			t.Fatalf("value %d is %d", i, v)
		}
	}
}
