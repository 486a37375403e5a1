package render

import (
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/portannot/portannot/capture/inorder"
)

// AppendElement appends the text of element i, counted from 0.
type AppendElement func(dst []byte, i int) []byte

// laneSize is how many elements a goroutine renders at a time: few enough that
// their text lies in the second-level cache until it is written.
const laneSize = 128

// lanesWaiting is how many runs of elements wait, for each lane, while one that
// is slow is rendered or written.
const lanesWaiting = 4

// InLanes writes n elements in order. It renders them in up to GOMAXPROCS goroutines.
// Each goroutine has its own AppendElement, which lane returns. It returns the first
// error of writing, and writes nothing after it.
func InLanes(w io.Writer, n int, lane func() AppendElement) (err error) {
	lanes := max(min(runtime.GOMAXPROCS(0), n/laneSize), 1)
	free := make(chan []byte, lanes*lanesWaiting)
	for range cap(free) {
		free <- nil
	}
	write := func(b []byte) {
		if err == nil && len(b) > 0 {
			_, err = w.Write(b)
		}
		free <- b
	}
	sequencer := inorder.NewSequencer(cap(free), write)
	var next atomic.Uint64
	work := func(element AppendElement) {
		for {
			// First the room and then the number, so that what is next in line
			// never waits for room.
			b := (<-free)[:0]
			number := next.Add(1) - 1
			from := int(number) * laneSize
			if from >= n {
				free <- b
				return
			}
			for i := from; i < min(from+laneSize, n); i++ {
				b = element(b, i)
			}
			sequencer.Put(number, b)
		}
	}
	var wait sync.WaitGroup
	for range lanes - 1 {
		element := lane()
		wait.Go(func() { work(element) })
	}
	work(lane())
	wait.Wait()
	return err
}
