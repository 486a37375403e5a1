package annotate

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// AppendVisible appends text from outside, such as a file name or the comment of a
// rule, so that a terminal can show it safely. It escapes, as \x1b, \u202e or \U000e0041,
// characters that move the cursor, begin a line, change the direction of writing or
// are invisible.
func AppendVisible[T string | []byte](dst []byte, s T) []byte {
	for i, n := 0, 1; i < len(s); i += n {
		if c := s[i]; c >= ' ' && c < 0x7f || c == '\t' {
			dst, n = append(dst, c), 1
			continue
		}
		var r rune
		r, n = utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
		switch {
		case r == utf8.RuneError && n == 1:
			dst = fmt.Appendf(dst, `\x%02x`, s[i])
		case !hidden(r):
			dst = append(dst, s[i:i+n]...)
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r < 0x80:
			dst = fmt.Appendf(dst, `\x%02x`, r)
		case r <= 0xffff:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = fmt.Appendf(dst, `\U%08x`, r)
		}
	}
	return dst
}

// hidden reports a character that is no text: control characters (Cc), those that
// format (Cf: direction, zero width, tags), line and paragraph separators.
func hidden(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }
