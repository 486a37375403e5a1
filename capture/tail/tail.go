// Package tail tells a file that grows from one that was written anew.
//
// Who reads a file that another program writes has to know whether new bytes
// continue those that were read. A file that became shorter does not, and that its
// size says. One that was cut and has grown beyond where it was read does not
// either: a [Mark] tells by the bytes at its beginning and before that place.
package tail

import (
	"bytes"
	"io"
)

// kept is how many bytes a Mark keeps of each end. Two captures differ there: the
// first has times of packets, if not the last.
const kept = 512

// Mark remembers what was read of a file, from its beginning. The zero value is for
// a file of which nothing was read.
type Mark struct {
	n    int64 // bytes read
	head []byte
	last []byte
}

// Offset gives how many bytes were read.
func (m *Mark) Offset() int64 { return m.n }

// HalfLine reports that something was read, and that it did not end in a newline.
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

// Holds reports whether the file still has the bytes that were read. A file that
// cannot be read does: its reader will say so.
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
