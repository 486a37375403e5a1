// Package tail tells a file that grows from one that was written anew.
//
// A reader of a file that another program writes must know whether new bytes
// continue the bytes that it read. If the file became shorter, its size shows that
// they do not. If it was cut and grew beyond the place of reading, its size shows
// nothing. A [Mark] then compares the bytes at the beginning and before that
// place.
package tail

import (
	"bytes"
	"io"
)

// kept is how many bytes a Mark keeps of each end. Two captures differ there: the
// first has times of packets, if not the last.
const kept = 512

// Mark remembers which bytes of a file were read, from its beginning. The zero
// value means that nothing was read.
type Mark struct {
	n    int64 // bytes read
	head []byte
	last []byte
}

// At returns the Mark of a file of which the first n bytes were read.
func At(f io.ReaderAt, n int64) (m Mark, err error) {
	m.head, m.last = make([]byte, min(n, kept)), make([]byte, min(n, kept))
	if _, err := f.ReadAt(m.head, 0); err != nil && (err != io.EOF || len(m.head) > 0) {
		return Mark{}, err
	}
	if _, err := f.ReadAt(m.last, n-int64(len(m.last))); err != nil && (err != io.EOF || len(m.last) > 0) {
		return Mark{}, err
	}
	m.n = n
	return m, nil
}

// Head returns the first bytes that were read, up to 512.
func (m *Mark) Head() []byte { return bytes.Clone(m.head) }

// Offset returns the number of bytes that were read.
func (m *Mark) Offset() int64 { return m.n }

// HalfLine reports whether something was read that did not end in a newline.
func (m *Mark) HalfLine() bool { return len(m.last) > 0 && m.last[len(m.last)-1] != '\n' }

// Read notes the bytes that were read next.
func (m *Mark) Read(p []byte) {
	m.n += int64(len(p))
	if room := kept - len(m.head); room > 0 {
		m.head = append(m.head, p[:min(room, len(p))]...)
	}
	if len(p) >= kept {
		m.last = append(m.last[:0], p[len(p)-kept:]...)
		return
	}
	m.last = append(m.last, p...)
	if extra := len(m.last) - kept; extra > 0 {
		m.last = append(m.last[:0], m.last[extra:]...)
	}
}

// Holds reports whether the file still has the bytes that were read. It returns
// true for a file that cannot be read: the reader of the file reports that.
func (m *Mark) Holds(f io.ReaderAt) bool {
	return m.same(f, m.last, m.n-int64(len(m.last))) && m.same(f, m.head, 0)
}

func (m *Mark) same(f io.ReaderAt, want []byte, at int64) bool {
	var b [kept]byte
	got := b[:len(want)]
	n, err := f.ReadAt(got, at)
	if err != nil && err != io.EOF {
		return true
	}
	if n < len(want) {
		return false // it became shorter
	}
	if at == 0 {
		maskSection(got)
		want = append([]byte(nil), want...)
		maskSection(want)
	}
	return bytes.Equal(got, want)
}

// maskSection blanks the section length of a pcapng file, which a writer may fill
// in when the section is complete.
func maskSection(b []byte) {
	if len(b) >= 24 && string(b[:4]) == "\x0a\x0d\x0d\x0a" {
		clear(b[16:24])
	}
}
