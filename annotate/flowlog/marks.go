package flowlog

import (
	"encoding/binary"
	"math/bits"
)

// A line with columns has a separator every six bytes or so. To look for one
// after another is slow, since a processor cannot guess how far the next one
// is. marks finds all of a stretch without a guess: every byte becomes a bit,
// and the bits are counted.

// markedSize bounds the stretch, in bytes, so that what is found lies in the
// first level cache of a core.
const markedSize = 16 << 10

// marks are the positions of the separators and line ends in a piece of a log.
type marks struct {
	all   int // how many separators there are
	lines int // how many line ends
	size  int // bytes that were looked at
	// separators has a bit for each byte, the lowest of a word for the first.
	// Behind the stretch are zeros.
	separators [markedSize/64 + 2]uint64
	ends       [markedSize + 1]lineEnd
}

// lineEnd is a line end in a stretch.
type lineEnd struct {
	at     uint16
	before uint16 // separators in the stretch before it
}

// find finds the separators, which are not NUL, and line ends of data, which is
// at most markedSize bytes.
func (m *marks) find(data []byte, sep byte) {
	m.all, m.lines, m.size = 0, 0, 0
	whole := len(data) &^ 63
	m.mark(data[:whole], sep)
	if whole < len(data) {
		var last [64]byte
		copy(last[:], data[whole:])
		m.mark(last[:], sep)
	}
	clear(m.separators[m.size/64:][:2])
}

// markWords is mark for any processor.
func (m *marks) markWords(data []byte, sep byte) {
	seps := ones * uint64(sep)
	const ends = ones * '\n'
	for ; len(data) >= 64; data = data[64:] {
		var separators, lines uint64
		for j := range 8 {
			x := binary.LittleEndian.Uint64(data[j*8:])
			separators |= gather(same(x^seps)) << (j * 8)
			lines |= gather(same(x^ends)) << (j * 8)
		}
		for ; lines != 0; lines &= lines - 1 {
			before := bits.OnesCount64(separators & (lines&-lines - 1))
			m.ends[m.lines] = lineEnd{uint16(m.size + bits.TrailingZeros64(lines)), uint16(m.all + before)}
			m.lines++
		}
		m.separators[m.size/64] = separators
		m.all += bits.OnesCount64(separators)
		m.size += 64
	}
}

// same gives the top bit of each byte that is zero.
func same(x uint64) uint64 { return ^((x&^tops + ^uint64(tops)) | x) & tops }

// gather makes one byte of the top bits of eight.
func gather(x uint64) uint64 { return (x >> 7) * 0x0102040810204080 >> 56 }

// from gives the separators among the 64 bytes from a place on, the lowest bit
// for the first.
func (m *marks) from(at int) uint64 {
	w, s := at>>6, at&63
	return m.separators[w]>>s | m.separators[w+1]<<1<<(63-s)
}

// nth gives the place of a separator from a place on, where 0 is the first.
// There must be one.
func (m *marks) nth(at, n int) int {
	for ; ; at += 64 {
		x := m.from(at)
		if c := bits.OnesCount64(x); n >= c {
			n -= c
			continue
		}
		return at + bits.TrailingZeros64(without(x, n))
	}
}

// without takes the lowest n bits away.
func without(x uint64, n int) uint64 {
	for ; n > 0; n-- {
		x &= x - 1
	}
	return x
}
