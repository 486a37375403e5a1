package observe

import "encoding/binary"

func be16(b []byte) int    { return int(binary.BigEndian.Uint16(b)) }
func be24(b []byte) int    { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
func be64(b []byte) uint64 { return binary.BigEndian.Uint64(b) }
func le16(b []byte) int    { return int(binary.LittleEndian.Uint16(b)) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// hasPrefix reports whether b begins with s.
func hasPrefix(b []byte, s string) bool {
	return len(b) >= len(s) && string(b[:len(s)]) == s
}

// hasPrefixFold is hasPrefix for ASCII letters of either case; s is in upper
// case.
func hasPrefixFold(b []byte, s string) bool {
	if len(b) < len(s) {
		return false
	}
	for i := range len(s) {
		c := b[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != s[i] {
			return false
		}
	}
	return true
}

// line gives b up to its first LF, without a CR before that, and the offset of
// what follows; whole is false where b ends before the LF.
func line(b []byte) (l []byte, next int, whole bool) {
	for i, c := range b {
		if c == '\n' {
			if i > 0 && b[i-1] == '\r' {
				return b[:i-1], i + 1, true
			}
			return b[:i], i + 1, true
		}
	}
	return b, len(b), false
}

// printable reports whether b is ASCII text without control characters other
// than tabs.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c > '~' {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func le24(b []byte) int    { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// allZero reports whether all bytes of b are zero.
func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// contains reports whether c is one of the bytes of s.
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

// ends reports whether the payload is n bytes long and no more.
func (m *message) ends(n int) bool { return m.n == n }

// chunk reports whether the user data of the first SCTP DATA chunk are n bytes
// long. Others may be bundled behind it, and are counted in the length.
func (m *message) chunk(n int) bool { return m.n == n || m.n > n && len(m.b) == n }

// follows reports whether the payload ends after n bytes, or goes on with one
// of which the value is known.
func (m *message) follows(n int, next byte) bool {
	return m.n == n || n < len(m.b) && m.b[n] == next
}

// indexByte gives where c first stands in b, -1 if nowhere.
func indexByte(b []byte, c byte) int {
	for i := range b {
		if b[i] == c {
			return i
		}
	}
	return -1
}

// equalFold reports whether a and b, of one length, are the same but for the case
// of ASCII letters.
func equalFold(a, b []byte) bool {
	for i := range a {
		if a[i] != b[i] && (a[i]|0x20 != b[i]|0x20 || !isAlpha(a[i])) {
			return false
		}
	}
	return true
}
