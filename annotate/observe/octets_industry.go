package observe

import "encoding/binary"

func le24(b []byte) int    { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// allZero reports whether all octets of b are zero.
func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// contains reports whether c is one of the octets of s.
func contains(s string, c byte) bool {
	for i := range len(s) {
		if s[i] == c {
			return true
		}
	}
	return false
}

// decimal reads digits at the start of b, nine at most, without a leading zero.
// digits is how many there are, 0 for none.
func decimal(b []byte) (n, digits int) {
	for digits < len(b) && digits < 10 && isDigit(b[digits]) {
		n = n*10 + int(b[digits]-'0')
		digits++
	}
	if digits == 10 || digits > 1 && b[0] == '0' {
		return 0, 0
	}
	return n, digits
}

// ends reports whether the payload is n octets long and no more.
func (m *message) ends(n int) bool { return m.n == n }

// chunk reports whether the user data of the first SCTP DATA chunk are n octets
// long. Others may be bundled behind it, and are counted in the length.
func (m *message) chunk(n int) bool { return m.n == n || m.n > n && len(m.b) == n }

// follows reports whether the payload ends after n octets, or goes on with one
// of which the value is known.
func (m *message) follows(n int, next byte) bool {
	return m.n == n || n < len(m.b) && m.b[n] == next
}
