//go:build !amd64

package flowlog

// mark marks data, the length of which is a multiple of 64.
func (m *marks) mark(data []byte, sep byte) { m.markWords(data, sep) }
