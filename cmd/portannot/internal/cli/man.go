package cli

import (
	"fmt"
	"strings"

	"github.com/portannot/portannot/cmd/portannot/internal/roff"
)

// ManName is the name of a command's man page: "portannot-registry-diff".
func ManName(c *Command) string { return strings.ReplaceAll(c.Path(), " ", "-") }

// Man prints the help as a man page of section 1, in the macros of man(7). The
// date is that of the page, as 2026-08-17; see lists other pages.
func (c *Command) Man(date, version string, see []string) string {
	var b strings.Builder
	name := ManName(c)
	fmt.Fprintf(&b, ".TH %s 1 %s \"portannot %s\" \"portannot\"\n", strings.ToUpper(roff.Escape(name)), date, roff.Escape(version))
	fmt.Fprintf(&b, ".SH NAME\n%s\n.SH SYNOPSIS\n", roff.Fill(roff.EscapeWords(name)+` \- `+roff.EscapeWords(c.Short)))
	literal := func(text string) {
		roff.AppendLiteral(&b, strings.Split(strings.Trim(text, "\n"), "\n"))
	}
	literal(c.Usage)
	b.WriteString(".SH DESCRIPTION\n")
	for i, paragraph := range strings.Split(strings.TrimSpace(c.About), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		b.WriteString(roff.Fill(roff.EscapeWords(paragraph)) + "\n")
	}
	block := func(text string) {
		if text != "" {
			b.WriteString(".PP\n")
			literal(text)
		}
	}
	if len(c.Subs) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, s := range c.Subs {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff.Escape(s.Name), roff.Escape(s.Short))
		}
	}
	block(c.Before)
	b.WriteString(".SH OPTIONS\n")
	for i, g := range c.shown() {
		switch heading := strings.TrimSuffix(g.Heading, ":"); {
		case heading == "Flags":
		case heading != "":
			fmt.Fprintf(&b, ".SS %s\n", roff.Escape(heading))
		case i > 0:
			b.WriteString(".SS Other flags\n")
		}
		for _, f := range g.Flags {
			var spelled []string
			for _, s := range f.Spellings() { // the short one first, as in the help
				spelled = append([]string{`\fB` + roff.Escape(s) + `\fR`}, spelled...)
			}
			value := ""
			if f.Value != "" {
				value = ` \fI` + roff.Escape(f.Value) + `\fR`
			}
			fmt.Fprintf(&b, ".TP\n%s%s\n%s\n", strings.Join(spelled, ", "), value, roff.Fill(roff.EscapeWords(f.Help)))
		}
	}
	if c.After != "" {
		b.WriteString(".SH NOTES\n")
		literal(c.After)
	}
	b.WriteString(".SH EXAMPLES\n")
	literal(strings.Join(c.Examples, "\n"))
	b.WriteString(".SH SEE ALSO\n")
	for i, s := range see {
		page, section, _ := strings.Cut(s, "(")
		comma := ","
		if i == len(see)-1 {
			comma = ""
		}
		fmt.Fprintf(&b, ".BR %s (%s%s\n", roff.Escape(page), section, comma)
	}
	return b.String()
}
