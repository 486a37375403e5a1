package filter

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrLinkType means that packets of this link type cannot be filtered, whatever
// the expression. The errors of Compile and of Set wrap it.
var ErrLinkType = errors.New("link type not supported by filters")

// SyntaxError says why an expression does not compile: it breaks the grammar, asks
// for a field that the link type does not have, or is outside the subset.
type SyntaxError struct {
	Expr string // the whole expression
	Pos  int    // index in Expr of the byte at which the error was noticed, 0 to len(Expr)
	Msg  string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("compile filter: column %d: %s", e.column()+1, e.Msg)
}

// column is Pos counted in characters.
func (e *SyntaxError) column() int {
	return utf8.RuneCountInString(e.Expr[:min(max(e.Pos, 0), len(e.Expr))])
}

// Caret returns two lines, without a final newline: the expression, and a caret
// under the character at which the error was noticed.
func (e *SyntaxError) Caret() string {
	line := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, e.Expr)
	return line + "\n" + strings.Repeat(" ", e.column()) + "^"
}
