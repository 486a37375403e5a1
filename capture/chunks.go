package capture

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// Chunk holds packets and the memory in which they lie. The zero value is
// ready for use. A goroutine that uses one Chunk again and again allocates
// no more memory.
type Chunk struct {
	// Packets are valid until the Chunk is filled again.
	Packets []Packet
	// Index is the Chunk's number in its capture, from 0.
	Index uint64

	mem *chunk
}

// pieceSize is what NextChunk reads of a plain file at a time: small enough to
// lie in the second-level cache, with its packets and what is made of them,
// until they are done with, and large enough that taking turns costs nothing.
const pieceSize = 256 << 10

// sharing is the state of a Reader that several goroutines read.
//
// Where a record begins is known only when the one before was seen, so parsing
// takes turns; but it touches only a few bytes of each record. The bytes come
// from the system before the turn, and whoever read them also parses and, after
// the turn, decodes them, while they lie in the cache of one core. From one turn
// to the next goes what was left of the bytes: the first part of a record.
type sharing struct {
	once   sync.Once
	ticket atomic.Uint64 // the next one to hand out
	turn   atomic.Uint64 // the ticket whose turn it is
	mu     sync.Mutex
	passed sync.Cond // turn has changed

	// file is read at offsets, from base on, when the bytes are simply those
	// of a file; else they come through the stream, in turn.
	file  *os.File
	base  int64
	carry []byte // bytes before the next piece
}

// share makes what the stream has read so far the first piece.
func (r *Reader) share() {
	h := &r.shared
	h.passed.L = &h.mu
	f := r.plainFile()
	if f == nil || r.s.ahead != nil {
		return
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return
	}
	h.file, h.base = f, at
}

// plainFile gives the regular file whose bytes are those of the capture; nil for
// pipes and compressed files.
func (r *Reader) plainFile() *os.File {
	f, ok := r.s.src.raw.r.(*os.File)
	if !ok || !r.s.src.regular || r.s.src.packed != "" {
		return nil
	}
	return f
}

// OwnReader reports whether the Reader runs a goroutine that reads a pipe or
// decompresses. Callers of NextChunk should then leave it a processor.
func (r *Reader) OwnReader() bool { return r.plainFile() == nil && !r.s.sync }

// NextChunk fills c with the packets that follow those of the chunks before.
// A chunk may have none. It returns false at the end, and where the capture
// becomes unreadable; Err tells which. Several goroutines may call it at
// once, each with its own Chunk. A Reader is read with Next or with
// NextChunk, never with both.
func (r *Reader) NextChunk(c *Chunk) bool {
	h := &r.shared
	h.once.Do(r.share)
	c.Packets = c.Packets[:0]
	c.Index = h.ticket.Add(1) - 1
	var n int
	var err error
	if h.file != nil && c.Index > 0 {
		n, err = r.readPiece(c)
	}
	h.await(c.Index)
	defer h.pass()
	if r.err != nil {
		return false
	}
	r.parsePiece(c, n, err)
	return true
}

// Err returns why NextChunk returned false. It is nil at the end of an
// intact capture.
func (r *Reader) Err() error {
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// readPiece reads a piece of a plain file into the memory of c.
func (r *Reader) readPiece(c *Chunk) (n int, err error) {
	if c.mem == nil {
		c.mem = chunkPool.Get().(*chunk)
	}
	h := &r.shared
	at := h.base + int64(c.Index-1)*pieceSize
	n, err = h.file.ReadAt(c.mem.mem[headroom:headroom+pieceSize], at)
	r.s.src.raw.n.Add(int64(n))
	return n, err
}

// parsePiece parses what was left and the piece behind it: n bytes in the
// memory of c, after which err was met, or those that the stream gives.
func (r *Reader) parsePiece(c *Chunk, n int, err error) {
	h, s := &r.shared, r.s
	var win []byte
	own := true // win lies in the memory of c
	switch {
	case c.Index == 0:
		c.mem, win, err = s.cur, s.win, s.err
		s.cur = nil
	default:
		if h.file == nil {
			s.nextPiece(c)
			n, err = c.mem.n, c.mem.err
		}
		if own = len(h.carry) <= headroom; own {
			start := headroom - copy(c.mem.mem[headroom-len(h.carry):], h.carry)
			win = c.mem.mem[start : headroom+n]
		} else {
			// A record that is longer than a piece: it is put together in
			// memory of its own, which grows with what was read.
			h.carry = append(h.carry, c.mem.mem[headroom:headroom+n]...)
			win = h.carry
		}
	}
	s.err = err
	for {
		if len(c.Packets) == cap(c.Packets) {
			more := make([]Packet, len(c.Packets), max(1<<10, 2*cap(c.Packets)))
			copy(more, c.Packets)
			c.Packets = more
		}
		free := c.Packets[len(c.Packets):cap(c.Packets)]
		n, used, _, bad := r.p.parse(win, s.off, err != nil, free, &r.log)
		c.Packets = c.Packets[:len(c.Packets)+n]
		s.off += int64(used)
		win = win[used:]
		if bad.why == "" && n == len(free) {
			continue
		}
		r.err = r.ending(bad, true)
		break
	}
	if own || len(c.Packets) > 0 { // else the packets to come lie in h.carry as it is
		if !own {
			h.carry = nil // the memory of these packets
		}
		h.carry = append(h.carry[:0], win...)
	} else {
		h.carry = win
	}
}

// nextPiece gives c the next chunk of the stream for its old one, or for a new
// one: the goroutine that reads ahead must not wait for chunks that lie idle.
func (s *stream) nextPiece(c *Chunk) {
	if c.mem == nil {
		c.mem = chunkPool.Get().(*chunk)
	}
	if s.startAhead() {
		s.recycle(c.mem)
		c.mem = <-s.ahead
		return
	}
	c.mem.n, c.mem.err = s.src.read(c.mem.mem[headroom:])
}

// await waits for a ticket's turn.
func (h *sharing) await(ticket uint64) {
	if h.turn.Load() == ticket {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.turn.Load() != ticket {
		h.passed.Wait()
	}
}

// pass gives the turn to the next ticket.
func (h *sharing) pass() {
	h.mu.Lock()
	h.turn.Add(1)
	h.mu.Unlock()
	h.passed.Broadcast()
}
