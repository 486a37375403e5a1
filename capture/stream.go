package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
)

// Sizes of the reading machinery, in bytes.
const (
	// chunkSize is what one read asks for. With 1 MiB the hand-over from the
	// reading goroutine no longer shows (measured: 47 ms a file of 330 MB with
	// 256 KiB, 37 ms with 1 MiB and with 2 MiB).
	chunkSize = 1 << 20
	// headroom is the free space before each chunk. The bytes of a record
	// that straddles two reads are moved there, so that each record lies in
	// one piece. It is more than nearly every packet needs; a longer record
	// is put together in memory of its own.
	headroom = 64 << 10
	// cacheRead is what one read asks for where there is no reading ahead: it
	// is parsed while it still lies in the second-level cache.
	cacheRead = 512 << 10
	// smallRead is what one read asks for where many captures are open.
	smallRead = 64 << 10
	// chunks is the number of buffers in flight when reading ahead: one
	// that is parsed, one that is full, one that is being filled.
	chunks = 3
)

// chunk is a buffer of headroom and data.
type chunk struct {
	mem [headroom + chunkSize]byte
	n   int   // bytes of data, from mem[headroom]
	err error // what ended the reading after these bytes
}

// chunkPool lets a run over thousands of files use the same few buffers.
var chunkPool = sync.Pool{New: func() any { return new(chunk) }}

// A stream hands the bytes of a capture to a parser as a window: the part of
// the stream that lies in memory and that the parser has not consumed. Records
// are parsed in place. Only the bytes of a record that straddles the end of
// the window are ever moved.
//
// The first chunkSize bytes are read by the caller. If more follow, and if
// there is a second processor, a goroutine reads (and decompresses) ahead.
//
// A window stays where it is until the next call of fill.
type stream struct {
	win []byte // the window
	off int64  // offset in the stream of win[0]
	err error  // why there is nothing beyond the window; io.EOF at a clean end

	src   *input
	cur   *chunk
	spill []byte // holds the window while a record does not fit a chunk

	ahead chan *chunk   // full chunks from the reader goroutine; nil when it does not run
	free  chan *chunk   // chunks to fill again
	quit  chan struct{} // closed to stop the goroutine
	sync  bool          // never read ahead

	closed bool
}

func newStream(src *input, sync bool) *stream {
	s := &stream{src: src, sync: sync || runtime.GOMAXPROCS(0) == 1}
	s.cur = chunkPool.Get().(*chunk)
	return s
}

// consume drops n bytes from the front of the window.
func (s *stream) consume(n int) {
	s.win = s.win[n:]
	s.off += int64(n)
}

// fill makes the window at least need bytes long, or as long as it can get:
// then it returns false and s.err is set. It may move the window, after which
// nothing may refer to bytes that were consumed before.
func (s *stream) fill(need int) bool {
	for len(s.win) < need {
		if s.err != nil {
			return false
		}
		if len(s.win) > headroom {
			s.grow()
		} else {
			s.advance()
		}
	}
	return true
}

// advance moves what is left of the window in front of the next bytes.
func (s *stream) advance() {
	tail := s.win
	s.spill = nil
	if !s.startAhead() {
		// What is read stands right behind the tail, wherever that ends: copying
		// from the system's pages to an address that is a multiple of 64 takes a
		// sixth longer on some processors.
		m := &s.cur.mem
		have := copy(m[:], tail)
		n, err := s.src.read(m[have:])
		s.win, s.err = m[:have+n], err
		return
	}
	c := <-s.ahead
	start := headroom - len(tail)
	copy(c.mem[start:headroom], tail)
	s.recycle(s.cur)
	s.cur = c
	s.win, s.err = c.mem[start:headroom+c.n], c.err
}

// grow appends to a window that is too long for the headroom. Memory grows
// with what was really read, never with what a length field says.
func (s *stream) grow() {
	if cap(s.spill)-len(s.spill) < chunkSize {
		// Twice the window, so that bytes are moved a bounded number of
		// times however slowly they come.
		m := make([]byte, 0, 2*len(s.win)+chunkSize)
		s.spill = append(m, s.win...)
	} // else s.win is the end of s.spill, and there is room behind it
	from := len(s.spill)
	if s.startAhead() {
		c := <-s.ahead
		s.spill = append(s.spill, c.mem[headroom:headroom+c.n]...)
		s.err = c.err
		s.recycle(c)
	} else {
		n, err := s.src.read(s.spill[from : from+chunkSize])
		s.spill = s.spill[:from+n]
		s.err = err
	}
	s.win = s.spill[from-len(s.win):]
}

// startAhead starts the goroutine that reads ahead where that is worth it, and
// says whether there is one.
func (s *stream) startAhead() bool {
	if s.ahead != nil {
		return true
	}
	if s.sync || s.src.delivered < chunkSize {
		return false
	}
	s.ahead = make(chan *chunk, 1)
	s.free = make(chan *chunk, chunks)
	s.quit = make(chan struct{})
	for range chunks - 1 {
		s.free <- chunkPool.Get().(*chunk)
	}
	go readAhead(s.src, s.ahead, s.free, s.quit)
	return true
}

// recycle gives a chunk back to the reader goroutine.
func (s *stream) recycle(c *chunk) {
	select {
	case s.free <- c:
	default:
		chunkPool.Put(c)
	}
}

// readAhead fills chunks until the input ends or quit closes. What one read of a
// pipe gives goes out at once, as the next may block for long. A regular file is
// read on, through its decompressor, until the chunk is full: the system tends to
// wake the parser on the processor of who wakes it, which stops the decompressor
// (measured: with pieces of 128 KiB a third of the whole run).
func readAhead(src *input, out chan<- *chunk, free <-chan *chunk, quit <-chan struct{}) {
	defer src.readerDone()
	for {
		var c *chunk
		select {
		case c = <-free:
		case <-quit:
			return
		}
		c.n, c.err = 0, nil
		for c.err == nil && c.n < chunkSize && (c.n == 0 || src.regular) {
			var n int
			n, c.err = src.read(c.mem[headroom+c.n:])
			c.n += n
			select {
			case <-quit:
				return
			default:
			}
		}
		last := c.err != nil // the chunk is no longer ours when it is out
		select {
		case out <- c:
		case <-quit:
			return
		}
		if last {
			return
		}
	}
}

// close stops the goroutine and closes the input. Windows are dead afterwards.
func (s *stream) close() error {
	if s.err == nil {
		s.err = errClosed
	}
	s.win, s.spill = nil, nil
	if s.closed {
		return nil
	}
	s.closed = true
	if s.cur != nil {
		chunkPool.Put(s.cur)
		s.cur = nil
	}
	if s.quit == nil {
		return s.src.close(false)
	}
	close(s.quit)
	for {
		select {
		case c := <-s.free:
			chunkPool.Put(c)
		case c := <-s.ahead:
			chunkPool.Put(c)
		default:
			return s.src.close(true)
		}
	}
}

var errClosed = errors.New("reader is closed")

// input is where a stream's bytes come from: a file or pipe, through a
// decompressor if it is compressed. Its read is called by one goroutine at a
// time.
type input struct {
	r         io.Reader   // what read reads: raw, or a decompressor of it
	raw       *countingIn // the file or pipe
	closer    io.Closer   // the file, when it is ours to close
	unzip     func()      // releases the decompressor; nil without one
	regular   bool        // raw is a regular file, whose reads do not block for long
	packed    string      // name of the compression: "gzip"; "" without one
	delivered int64       // bytes read so far from r
	mu        sync.Mutex
	released  bool
}

// read reads at least one byte into p, or fails. The decompressor of a regular
// file is asked until 64 KiB are there, as some hand out very small pieces.
func (in *input) read(p []byte) (n int, err error) {
	want := 1
	if in.packed != "" {
		if in.regular {
			want = min(len(p), 64<<10)
		}
		// The decompressors are libraries under hostile input: whatever they
		// do is an error of this one stream.
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("decompressor failed: %v", v)
			}
		}()
	}
	for empty := 0; n < want && err == nil; {
		var k int
		k, err = in.r.Read(p[n:])
		if k < 0 || k > len(p)-n {
			return n, errors.New("reader returned an impossible count")
		}
		n += k
		in.delivered += int64(k)
		if k > 0 {
			empty = 0
		} else if empty++; empty > 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// close closes the file. A goroutine that is still in read (busy) releases the
// decompressor when it comes out of it.
func (in *input) close(busy bool) error {
	var err error
	if in.closer != nil {
		err = in.closer.Close()
	}
	if !busy {
		in.readerDone()
	}
	return err
}

// readerDone releases the decompressor, once.
func (in *input) readerDone() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.released && in.unzip != nil {
		in.unzip()
	}
	in.released = true
}

// countingIn counts what is read from a file, for progress.
type countingIn struct {
	r    io.Reader
	most int // bytes to ask for at a time
	n    atomic.Int64
}

func (c *countingIn) Read(p []byte) (int, error) {
	n, err := c.r.Read(p[:min(len(p), c.most)])
	c.n.Add(int64(n))
	return n, err
}

// stopReader reads from what may block for good, such as a pipe, until a context
// is done. The reads are made by a goroutine into memory of its own, as one that
// blocks when the context is done stays behind, and may still write there.
type stopReader struct {
	ctx     context.Context
	r       io.Reader
	buf     []byte
	left    []byte // of buf, not handed out yet
	err     error
	ask     chan struct{}
	got     chan int // bytes in buf; err is set before
	stopped atomic.Bool
}

func (s *stopReader) Read(p []byte) (int, error) {
	for len(s.left) == 0 {
		if s.stopped.Load() {
			return 0, io.EOF
		}
		if s.err != nil {
			return 0, s.err
		}
		if s.ask == nil {
			// 64 KiB is what a pipe holds.
			s.buf, s.ask, s.got = make([]byte, 64<<10), make(chan struct{}, 1), make(chan int, 1)
			go s.run()
		}
		s.ask <- struct{}{}
		select {
		case n := <-s.got:
			s.left = s.buf[:n]
		case <-s.ctx.Done():
			s.stopped.Store(true)
			close(s.ask)
			return 0, io.EOF
		}
	}
	n := copy(p, s.left)
	s.left = s.left[n:]
	return n, nil
}

// run reads once each time it is asked to.
func (s *stopReader) run() {
	for range s.ask {
		n, err := s.r.Read(s.buf)
		s.err = err
		s.got <- max(0, min(n, len(s.buf)))
	}
}
