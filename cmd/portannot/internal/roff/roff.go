// Package roff writes text for man pages, in the macros of man(7).
package roff

import (
	"fmt"
	"strings"
)

// Escape gives text on one line of which roff takes nothing for a request, and
// in which hyphens stay hyphens and quotes stay straight.
func Escape(text string) string { return guard(EscapeWords(text)) }

// EscapeWords is Escape for words within a line.
func EscapeWords(text string) string {
	text = escape.Replace(text)
	var b strings.Builder
	for _, r := range text {
		if r > '~' {
			fmt.Fprintf(&b, `\[u%04X]`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Fill gives text that is escaped already on lines of at most 79 bytes, as far as
// its words allow. Roff fills lines anew.
func Fill(text string) string {
	var b strings.Builder
	at := 0
	for _, word := range strings.Fields(text) {
		switch {
		case at == 0:
			word = guard(word)
		case at+1+len(word) > 79:
			b.WriteByte('\n')
			word, at = guard(word), 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

// guard keeps a line that begins with a dot from being a request.
func guard(line string) string {
	if strings.HasPrefix(line, ".") {
		return `\&` + line
	}
	return line
}

var escape = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)

// AppendLiteral writes lines that keep their blanks and their ends.
func AppendLiteral(b *strings.Builder, lines []string) {
	b.WriteString(".nf\n")
	for _, line := range lines {
		if strings.TrimSpace(line) == "" {
			b.WriteString(".sp\n") // a blank line is bad style in man pages
			continue
		}
		b.WriteString(Escape(line) + "\n")
	}
	b.WriteString(".fi\n")
}
