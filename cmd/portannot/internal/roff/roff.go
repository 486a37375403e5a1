// Package roff writes text for man pages, in the macros of man(7).
package roff

import "strings"

// Escape gives text of which roff takes nothing for a request, and in which
// hyphens stay hyphens and quotes stay straight. It is for text on one line.
func Escape(text string) string { return Guard(EscapeWords(text)) }

// EscapeWords is Escape for words within a line.
func EscapeWords(text string) string { return escape.Replace(text) }

// Guard keeps a line that begins with a dot from being a request. It is for
// lines that are escaped word by word.
func Guard(line string) string {
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
