package render

import (
	"io"
	"runtime"
)

// AppendElement appends element i, from 0, of very many.
type AppendElement func(dst []byte, i int) []byte

// laneSize is how many elements a goroutine renders at a time.
const laneSize = 512

// InLanes writes n elements in their order, rendered by several goroutines, each
// with what lane makes for it, so that the output does not depend on their number.
// It gives the first error of writing, after which nothing is written.
func InLanes(w io.Writer, n int, lane func() AppendElement) error {
	type part struct {
		from, to int
		buf      []byte
		done     chan struct{}
	}
	lanes := max(min(runtime.GOMAXPROCS(0), n/laneSize), 1)
	todo, order := make(chan *part), make(chan *part, 4*lanes)
	free := make(chan *part, 4*lanes)
	for range cap(free) {
		free <- &part{done: make(chan struct{}, 1)}
	}
	for range lanes {
		element := lane()
		go func() {
			for p := range todo {
				p.buf = p.buf[:0]
				for i := p.from; i < p.to; i++ {
					p.buf = element(p.buf, i)
				}
				p.done <- struct{}{}
			}
		}()
	}
	go func() {
		for from := 0; from < n; from += laneSize {
			p := <-free
			p.from, p.to = from, min(from+laneSize, n)
			order <- p
			todo <- p
		}
		close(todo)
		close(order)
	}()
	var err error
	for p := range order {
		<-p.done
		if err == nil && len(p.buf) > 0 {
			_, err = w.Write(p.buf)
		}
		free <- p
	}
	return err
}
