package cli

import (
	"fmt"
	"strings"
)

// MaxWidth is how wide a help is at most, in columns.
const MaxWidth = 79

// textColumn is where the text of flags begins.
const textColumn = 26

// Help is the text of --help.
func (c *Command) Help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nUsage:\n", strings.TrimSpace(c.About))
	for line := range strings.Lines(strings.TrimSpace(c.Usage)) {
		b.WriteString("  " + strings.TrimSpace(line) + "\n")
	}
	if len(c.Subs) > 0 {
		b.WriteString("\nCommands:\n")
		width := 0
		for _, s := range c.Subs {
			width = max(width, len(s.Name))
		}
		for _, s := range c.Subs {
			fmt.Fprintf(&b, "  %-*s   %s\n", width, s.Name, s.Short)
		}
	}
	section(&b, c.Before)
	for _, g := range c.shown() {
		b.WriteByte('\n')
		if g.Heading != "" {
			b.WriteString(g.Heading + "\n")
		}
		for _, f := range g.Flags {
			f.help(&b)
		}
	}
	section(&b, c.After)
	b.WriteString("\nExamples:\n")
	for _, e := range c.Examples {
		b.WriteString("  " + e + "\n")
	}
	return b.String()
}

// section writes text that stands apart.
func section(b *strings.Builder, text string) {
	if text != "" {
		b.WriteString("\n" + strings.Trim(text, "\n") + "\n")
	}
}

// shown are the groups as help and completion show them: without flags that are
// going away, and with --help as the last one.
func (c *Command) shown() []Group {
	var groups []Group
	for _, g := range c.Groups {
		shown := Group{Heading: g.Heading}
		for _, f := range g.Flags {
			if f.Instead == "" {
				shown.Flags = append(shown.Flags, f)
			}
		}
		if len(shown.Flags) > 0 {
			groups = append(groups, shown)
		}
	}
	switch n := len(groups); {
	case n == 0:
		groups = []Group{{Heading: "Flags:"}}
	case n > 1 && groups[n-1].Heading != "":
		groups = append(groups, Group{})
	}
	last := &groups[len(groups)-1]
	last.Flags = append(last.Flags, helpFlag)
	return groups
}

// help writes the flag and, in the column for it, its text.
func (f *Flag) help(b *strings.Builder) {
	left := "      --" + f.Long
	if f.Short != "" {
		left = "  -" + f.Short + ", --" + f.Long
	}
	if f.Value != "" {
		left += " " + f.Value
	}
	b.WriteString(left)
	at := len(left)
	if at >= textColumn {
		b.WriteByte('\n')
		at = 0
	}
	for _, line := range wrap(f.Help, MaxWidth-textColumn) {
		fmt.Fprintf(b, "%*s%s\n", textColumn-at, "", line)
		at = 0
	}
}

// wrap breaks text into lines of at most width bytes, and at each newline. A
// word that is longer has a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	for part := range strings.SplitSeq(text, "\n") {
		line := ""
		for _, word := range strings.Fields(part) {
			if line != "" && len(line)+1+len(word) > width {
				lines = append(lines, line)
				line = ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		lines = append(lines, line)
	}
	return lines
}
