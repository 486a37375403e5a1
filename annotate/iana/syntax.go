package iana

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// A SyntaxError tells where and why a file cannot be read as an edition of the
// registry: it is of another kind, damaged, or cut short.
type SyntaxError struct {
	File   string
	Line   int // from 1; 0 if the reason concerns the whole file
	Reason string
}

// Error returns "file:line: reason", or "file: reason" if Line is 0.
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

// Headings returns the headings of the registry's columns in the order of the
// official CSV: "Service Name", "Port Number" and so on.
func Headings() [len(headings)]string { return headings }

// ParseSpan reads what [Span.String] returns: "80" or "6000-6063". Numbers are
// decimal digits without a sign, from 0 to 65535. A range whose last port is below
// its first is an error.
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

// SplitReferences splits the text of a reference, assignee or contact column:
// "[RFC4340][RFC6335]" gives "RFC4340" and "RFC6335". Text without brackets is
// returned whole, and empty text gives nil.
func SplitReferences(s string) []string {
	if s == "" {
		return nil
	}
	if s[0] != '[' || s[len(s)-1] != ']' {
		return []string{s}
	}
	return strings.Split(strings.ReplaceAll(s[1:len(s)-1], "] [", "]["), "][")
}

// FoldSpace replaces every run of white space and control characters in s with
// one space, and removes such runs at both ends. Bytes that are not UTF-8 become
// U+FFFD. Readers of the registry fold every field of a [Record].
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
