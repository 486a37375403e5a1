package iana

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// A SyntaxError says where and why a file cannot be read as an edition of the
// registry: it is something else, damaged, or cut short.
type SyntaxError struct {
	File   string
	Line   int // from 1; 0 if the reason concerns the whole file
	Reason string
}

// Error gives "file:line: reason", or "file: reason" where Line is 0.
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Reason
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
}

// headings are those of the registry's table.
var headings = [...]string{
	"Service Name",
	"Port Number",
	"Transport Protocol",
	"Description",
	"Assignee",
	"Contact",
	"Registration Date",
	"Modification Date",
	"Reference",
	"Service Code",
	"Unauthorized Use Reported",
	"Assignment Notes",
}

// Headings gives the column headings of the registry's table in the order of
// the official CSV: "Service Name", "Port Number" and so on.
func Headings() [len(headings)]string { return headings }

// ParseSpan reads what [Span.String] writes: "80", or "6000-6063". It takes
// decimal digits only, without a sign, and no range whose end is before its
// beginning.
func ParseSpan(s string) (Span, error) {
	first, last, isRange := strings.Cut(s, "-")
	lo, ok := parsePort(first)
	hi := lo
	if ok && isRange {
		hi, ok = parsePort(last)
	}
	if !ok || hi < lo {
		return Span{}, fmt.Errorf("bad port number %.40q", s)
	}
	return Span{lo, hi}, nil
}

// parsePort reads a number of digits only; strconv would take "+80" too.
func parsePort(s string) (uint16, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil
}

// SplitReferences gives the parts of a column of references or people:
// "[RFC4340][RFC6335]" gives "RFC4340" and "RFC6335". Text that is not in
// brackets is one part, and empty text is none.
func SplitReferences(s string) []string {
	if s == "" {
		return nil
	}
	if s[0] != '[' || s[len(s)-1] != ']' {
		return []string{s}
	}
	return strings.Split(strings.ReplaceAll(s[1:len(s)-1], "] [", "]["), "][")
}

// FoldSpace replaces every run of white space and control characters with one
// space, and removes those at both ends. Bytes that are not UTF-8 become
// U+FFFD. The fields of every [Record] that was read are folded.
func FoldSpace(s string) string {
	if isFolded(s) {
		return s
	}
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}

// isFolded reports whether FoldSpace has nothing to do, for ASCII text.
func isFolded(s string) bool {
	space := true
	for i := range len(s) {
		switch b := s[i]; {
		case b == ' ' && space, b < ' ', b > '~':
			return false
		default:
			space = b == ' '
		}
	}
	return !space || s == ""
}
