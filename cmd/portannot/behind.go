package main

import "io"

// behind hands what is written to a goroutine of its own, which writes it to w: the
// system takes as long for that as the reading does.
type behind struct {
	full chan []byte // to be written
	free chan []byte
	done chan struct{} // closed when all is written
	err  error         // of w; valid when done is closed
}

// behindBuffers are held, each as large as the largest Write.
const behindBuffers = 6

func newBehind(w io.Writer) *behind {
	b := &behind{make(chan []byte, behindBuffers), make(chan []byte, behindBuffers), make(chan struct{}), nil}
	for range behindBuffers {
		b.free <- nil
	}
	go func() {
		defer close(b.done)
		for p := range b.full {
			if _, b.err = w.Write(p); b.err != nil {
				return
			}
			b.free <- p
		}
	}()
	return b
}

// Write copies p. It returns the error of an earlier Write.
func (b *behind) Write(p []byte) (int, error) {
	select {
	case <-b.done:
		return 0, b.err
	case buf := <-b.free:
		b.full <- append(buf[:0], p...)
		return len(p), nil
	}
}

// Close waits until all is written. It does not close w.
func (b *behind) Close() error {
	close(b.full)
	<-b.done
	return b.err
}
