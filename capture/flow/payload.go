package flow

import (
	"encoding/binary"

	"github.com/portannot/portannot/capture/packet"
)

// Payload is the start of what one end of a flow sent.
type Payload struct {
	// Data holds at most Options.Payload bytes.
	//
	// Of TCP, it is the start of the byte stream, as far as the segments came in
	// order. Where the opening was not seen, it begins with the first segment that
	// was. Of UDP, UDP-Lite and DCCP it is the first datagram that had payload, of SCTP
	// the first user message.
	Data []byte
	// Len is the length in bytes, on the wire, of the datagram or of the segments from
	// which Data was taken. It is more than len(Data) where the capture cut the
	// packets, where there was more than Options.Payload, and where segments were out
	// of order.
	Len uint32
	// PPID is the SCTP payload protocol identifier of Data.
	PPID uint32
	// Heads holds the first HeadBytes bytes of datagrams that followed Data, as
	// many as MaxHeads, one after the other. RTP shows only over several packets,
	// so Heads are kept only if they may be RTP (RFC 3550 section 5.1), and Data
	// may be RTP too or is very short. Of TCP and SCTP there are none.
	Heads []byte
	// Lost is true when payload was sent and there was no memory to keep any. The other
	// fields are then zero. See Options.PayloadMemory.
	Lost bool
}

// MaxPayload is the greatest value of Options.Payload.
const MaxPayload = 4096

// Payload.Heads holds HeadBytes bytes of each of at most MaxHeads datagrams.
const (
	HeadBytes = 12
	MaxHeads  = 3
)

// shortDatagram is the length of a datagram that may come before RTP, to find a
// way through address translation or to keep it open (RFC 6263 section 4): that
// of a STUN message without attributes.
const shortDatagram = 20

// mayBeRTP reports a datagram that may be one of a stream of RTP: version 2, no
// contributing sources, and no report of RTCP (RFC 5761 section 4).
func mayBeRTP(b []byte) bool {
	return len(b) > HeadBytes && b[0]&0xcf == 0x80 && (b[1] < 192 || b[1] > 223)
}

// DefaultPayloadMemory is the default of Options.PayloadMemory.
const DefaultPayloadMemory = 1 << 30

// marks are what an entry notes about itself.
type marks uint8

const (
	markUsed marks = 1 << iota
	markKept       // table.payloads holds something
	// By direction, shifted by it: no more payload is wanted, and there was no
	// room for any.
	markDone
	_
	markLost
	_
	markNoted // the first piece is a note, there is no other
	markAside // something was set aside; see aside
)

const bothDone = markDone | markDone<<1

// An arena holds the payloads of a table: pieces of whole units in chunks, which
// have no pointers and never move. A piece that is freed is used again for one of
// its size, of which there are few.
type arena struct {
	chunks [][]byte
	top    int // bytes used of the last chunk
	sizes  [len(pieceUnits)]int
	free   [len(pieceUnits)]handle // the first free piece of each size; the next is in its head
}

// handle names a piece: its place in units, plus one; 0 is none. With 32 bits
// they reach over 64 GiB.
type handle uint32

const (
	unit       = 16
	arenaChunk = 4 << 20 // bytes; pages that are not used yet take no memory
	chunkUnits = arenaChunk / unit
	pieceHead  = 12
	// maxMisfits is how many segments that do not follow the last one are
	// waited through: more than a reordering needs, and few enough that a gap
	// in the capture does not cost a look at each packet behind it.
	maxMisfits = 8
)

// pieceUnits are the sizes of pieces in units, each a third to a half more than
// the one before.
var pieceUnits = [...]int{2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 260}

// setSizes sets the sizes for payloads of that many bytes: none is larger than the
// largest piece wanted.
func (a *arena) setSizes(payload int) {
	largest := (pieceHead + payload + MaxHeads*HeadBytes + unit - 1) / unit * unit
	for i, u := range pieceUnits {
		a.sizes[i] = min(u*unit, largest)
	}
}

// piece is one direction's payload: a head and the bytes.
//
//	0  sequence number expected next (TCP), PPID (SCTP), or the next free piece
//	4  Payload.Len
//	8  bytes held
//	10 number of its size
//	11 segments that did not follow (TCP), or datagrams that did: in the lower half
//	   how many heads are held, in the upper how many others there were
type piece []byte

func (p piece) next() uint32      { return binary.LittleEndian.Uint32(p) }
func (p piece) setNext(n uint32)  { binary.LittleEndian.PutUint32(p, n) }
func (p piece) total() uint32     { return binary.LittleEndian.Uint32(p[4:]) }
func (p piece) setTotal(n uint32) { binary.LittleEndian.PutUint32(p[4:], n) }
func (p piece) held() int         { return int(binary.LittleEndian.Uint16(p[8:])) }
func (p piece) setHeld(n int)     { binary.LittleEndian.PutUint16(p[8:], uint16(n)) }
func (p piece) size() int         { return int(p[10]) }
func (p piece) heads() int        { return int(p[11] & 15) }
func (p piece) others() int       { return int(p[11] >> 4) }

func (a *arena) at(h handle) piece {
	c, off := a.chunks[(h-1)/chunkUnits], int((h-1)%chunkUnits)*unit
	size := a.sizes[c[off+10]]
	return piece(c[off : off+size : off+size])
}

// take gives a piece with room for n bytes, its head zero but for the size. It
// returns 0 if that needs more memory than left bytes, which it is taken from.
func (a *arena) take(n int, left *int) handle {
	class := 0
	for a.sizes[class] < pieceHead+n {
		class++
	}
	h, size := a.free[class], a.sizes[class]
	if h != 0 {
		a.free[class] = handle(a.at(h).next())
	} else {
		waste := 0
		if len(a.chunks) == 0 {
			a.top = arenaChunk
		}
		if arenaChunk-a.top < size {
			waste = arenaChunk - a.top
		}
		if *left < waste+size || len(a.chunks) >= 1<<32/chunkUnits-1 {
			return 0
		}
		*left -= waste + size
		if waste > 0 || a.top == arenaChunk {
			a.chunks = append(a.chunks, make([]byte, arenaChunk))
			a.top = 0
		}
		h = handle((len(a.chunks)-1)*chunkUnits+a.top/unit) + 1
		a.top += size
	}
	c, off := a.chunks[(h-1)/chunkUnits], int((h-1)%chunkUnits)*unit
	clear(c[off : off+pieceHead])
	c[off+10] = uint8(class)
	return h
}

// give takes a piece back.
func (a *arena) give(h handle) {
	if h == 0 {
		return
	}
	p := a.at(h)
	p.setNext(uint32(a.free[p.size()]))
	a.free[p.size()] = h
}

// payload writes what a piece holds.
func (a *arena) payload(dst *Payload, h handle, protocol uint8) {
	if h == 0 {
		return
	}
	p := a.at(h)
	n := p.held()
	dst.Data, dst.Len = p[pieceHead:pieceHead+n:pieceHead+n], p.total()
	switch {
	case protocol == packet.SCTP:
		dst.PPID = p.next()
	case protocol != packet.TCP && p.heads() > 0:
		from, to := pieceHead+n, pieceHead+n+p.heads()*HeadBytes
		dst.Heads = p[from:to:to]
	}
}

// payloadsOf gives the handles of entry i, by canonical direction. They stand
// apart from the entries, since the flows of a scan have none.
func (tb *table[K]) payloadsOf(i uint32) *[2]handle {
	c := int(i >> chunkBits)
	for len(tb.payloads) <= c {
		tb.payloads = append(tb.payloads, nil)
	}
	if tb.payloads[c] == nil {
		tb.payloads[c] = new([chunkSize][2]handle)
	}
	return &tb.payloads[c][i%chunkSize]
}

// keep takes of a packet's payload what belongs to the start of its direction.
func keep[K comparable](t *Table, tb *table[K], i uint32, dir uint8, s *packet.Summary) {
	if s.Kind != packet.Datagram || s.Protocol == packet.TCP && s.TCPFlags&packet.RST != 0 {
		return // what a reset carries is none of the stream (RFC 9293 section 3.5.3)
	}
	dir &= 1
	keepOf(t, tb, i, dir, s)
	if m := tb.at(i).marks; m&bothDone == bothDone && m&(markLost|markLost<<1) == 0 && t.opt.Note != nil {
		takeNote(t, tb, i)
	}
}

// keepOf is keep for a packet that may have such payload.
func keepOf[K comparable](t *Table, tb *table[K], i uint32, dir uint8, s *packet.Summary) {
	tcp := s.Protocol == packet.TCP
	e, r := tb.at(i), tb.restOf(i)
	first := s.Sequence
	if s.TCPFlags&packet.SYN != 0 {
		first++ // the SYN takes a number
	}
	h := &tb.payloadsOf(i)[dir]
	if *h == 0 {
		if *h = tb.arena.take(min(len(s.Payload), t.opt.Payload), &t.payloadLeft); *h == 0 {
			t.stats.PayloadLost++
			e.marks |= (markDone | markLost) << dir
			return
		}
		e.marks |= markKept
		p := tb.arena.at(*h)
		switch {
		case !tcp:
			p.setNext(s.PPID)
		case s.TCPFlags&packet.SYN == 0 && e.events[dir]&(evOpen|evAccept) != 0:
			p.setNext(r.sequence[dir] + 1)
		default:
			p.setNext(first)
		}
	}
	p := tb.arena.at(*h)
	wire := max(s.PayloadLen, uint32(len(s.Payload)))
	if !tcp && p.total() > 0 {
		if keepHead(t, tb, h, s.Payload) {
			e.marks |= markDone << dir
		}
		return
	}
	if tcp && first != p.next() {
		if p.held() == 0 {
			p.setTotal(max(p.total(), wire)) // something was sent
		}
		if p[11]++; p[11] == maxMisfits {
			e.marks |= markDone << dir
		}
		return
	}
	held := p.held()
	if held == 0 {
		p.setTotal(0)
	}
	n := min(len(s.Payload), t.opt.Payload-held)
	if pieceHead+held+n > len(p) {
		if q := tb.arena.grow(h, held, min(max(held+n, 2*held), t.opt.Payload), &t.payloadLeft); q != nil {
			p = q
		} else {
			t.stats.PayloadLost++
			n = len(p) - pieceHead - held
			e.marks |= markDone << dir
		}
	}
	copy(p[pieceHead+held:], s.Payload[:n])
	p.setHeld(held + n)
	if total := p.total() + wire; total >= wire {
		p.setTotal(total)
	}
	if !tcp {
		if s.Protocol == packet.SCTP || wire > shortDatagram && !mayBeRTP(s.Payload) {
			e.marks |= markDone << dir
		}
		return
	}
	if held+n >= t.opt.Payload || uint32(len(s.Payload)) < wire {
		e.marks |= markDone << dir
	}
	p.setNext(first + wire)
}

// keepHead takes the head of a datagram behind the first. It reports whether
// there were enough, or there is no room.
func keepHead[K comparable](t *Table, tb *table[K], h *handle, b []byte) (done bool) {
	p := tb.arena.at(*h)
	if !mayBeRTP(b) {
		p[11] += 1 << 4
		return p.others() == maxMisfits
	}
	used := p.held() + p.heads()*HeadBytes
	if pieceHead+used+HeadBytes > len(p) {
		if p = tb.arena.grow(h, used, p.held()+MaxHeads*HeadBytes, &t.payloadLeft); p == nil {
			return true
		}
	}
	copy(p[pieceHead+used:], b[:HeadBytes])
	p[11]++
	return p.heads() == MaxHeads
}

// grow puts a piece, of which used bytes behind its head hold something, in the
// place of one with room for n. It gives nil, and leaves the old one, where there
// is no room.
func (a *arena) grow(h *handle, used, n int, left *int) piece {
	larger := a.take(n, left)
	if larger == 0 {
		return nil
	}
	p, q := a.at(*h), a.at(larger)
	size := q[10]
	copy(q, p[:pieceHead+used])
	q[10] = size
	a.give(*h)
	*h = larger
	return q
}

// takeNote puts what Options.Note makes of entry i in the place of its payload.
func takeNote[K comparable](t *Table, tb *table[K], i uint32) {
	e := tb.at(i)
	if e.marks&markKept == 0 {
		return
	}
	tb.fill(t, i, &t.out)
	t.note = t.opt.Note(t.note[:0], &t.out)
	if len(t.note) == 0 || len(t.note) > t.opt.Payload {
		return
	}
	h := tb.arena.take(len(t.note), &t.payloadLeft)
	if h == 0 {
		return
	}
	p := tb.arena.at(h)
	p.setHeld(copy(p[pieceHead:], t.note))
	at := tb.payloadsOf(i)
	tb.release(*at)
	*at = [2]handle{h}
	e.marks |= markNoted
}

// fillPayload writes the payloads of entry i, or its note.
func (tb *table[K]) fillPayload(f *Flow, i uint32, e *entry[K]) {
	d := e.dir0 & 1
	if e.marks&markNoted != 0 {
		p := tb.arena.at(tb.payloadsOf(i)[0])
		n := p.held()
		f.Note = p[pieceHead : pieceHead+n : pieceHead+n]
	} else if e.marks&markKept != 0 {
		h := tb.payloadsOf(i)
		tb.arena.payload(&f.Payload[0], h[d], f.Protocol)
		tb.arena.payload(&f.Payload[1], h[d^1], f.Protocol)
	}
	f.Payload[0].Lost = e.marks>>d&markLost != 0
	f.Payload[1].Lost = e.marks>>(d^1)&markLost != 0
}

// crowded reports whether a batch of n packets may need more memory for payload
// than there is.
func (t *Table) crowded(n int) bool {
	return t.opt.Payload > 0 && t.payloadLeft < n*3*(pieceHead+t.opt.Payload+MaxHeads*HeadBytes+unit)
}
