package filter

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrLinkType says that packets of this link type cannot be filtered, whatever
// the expression. Compile wraps it.
var ErrLinkType = errors.New("link type not supported by filters")

// SyntaxError is an expression that does not compile: one that breaks the
// grammar, says something that the link type does not have, or is outside the
// subset.
type SyntaxError struct {
	Expr string // the whole expression
	Pos  int    // octet of Expr at which the trouble shows, 0 to len(Expr)
	Msg  string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("compile filter: column %d: %s", e.column()+1, e.Msg)
}

// column is Pos counted in characters.
func (e *SyntaxError) column() int {
	return utf8.RuneCountInString(e.Expr[:min(max(e.Pos, 0), len(e.Expr))])
}

// Caret gives the expression on one line and a caret under the place of the
// error on the next, without a final newline.
func (e *SyntaxError) Caret() string {
	line := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, e.Expr)
	return line + "\n" + strings.Repeat(" ", e.column()) + "^"
}
