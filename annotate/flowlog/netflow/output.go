package netflow

import "io"

// output writes beside the decoder, which so goes on counting what is lost while
// the reader of the output is slow.
type output struct {
	next    chan []byte
	written chan result
	busy    bool
	spare   []byte // a buffer to be used next
}

type result struct {
	buf []byte
	err error
}

func newOutput(w io.Writer) *output {
	o := &output{next: make(chan []byte), written: make(chan result, 1)}
	go func() {
		for b := range o.next {
			_, err := w.Write(b)
			o.written <- result{b, err}
		}
	}()
	return o
}

// write begins to write b, and gives a buffer to be filled meanwhile. It must
// not be called while busy.
func (o *output) write(b []byte) []byte {
	o.busy = true
	o.next <- b
	b, o.spare = o.spare, nil
	return b
}

// maxSpare bounds the buffers that are kept, in bytes. One message can make a
// much longer one.
const maxSpare = 1 << 20

// done takes what came of the last write.
func (o *output) done(r result) error {
	o.busy = false
	if cap(r.buf) <= maxSpare {
		o.spare = r.buf[:0]
	}
	return r.err
}

func (o *output) close() { close(o.next) }
