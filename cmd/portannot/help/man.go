package help

import (
	"fmt"
	"strings"

	"github.com/portannot/portannot/cmd/portannot/internal/roff"
)

// Man prints Markdown as a man page of section 7, in the macros of man(7). The
// date is that of the page, as 2026-08-17, and version the program's.
func (t Topic) Man(date, version string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH PORTANNOT-%s 7 %s \"portannot %s\" \"portannot\"\n", strings.ToUpper(roff.Escape(t.Name)), date, roff.Escape(version))
	b.WriteString(".SH NAME\n" + roff.Fill(roff.EscapeWords("portannot-"+t.Name)+` \- `+roff.EscapeWords(t.Title)) + "\n")
	blocks, _ := Parse(t.Markdown)
	if len(blocks) > 1 && blocks[1].Kind != Heading {
		b.WriteString(".SH DESCRIPTION\n")
	}
	afterHeading := true
	for _, block := range blocks[1:] {
		writeMan(&b, block, afterHeading)
		afterHeading = block.Kind == Heading
	}
	return b.String()
}

func writeMan(b *strings.Builder, block Block, afterHeading bool) {
	switch block.Kind {
	case Heading:
		macro := ".SS"
		if block.Level == 2 {
			macro = ".SH"
		}
		fmt.Fprintf(b, "%s %s\n", macro, roff.Escape(plain(block.Text)))
	case Paragraph:
		if !afterHeading {
			b.WriteString(".PP\n")
		}
		b.WriteString(roffSpans(block.Text) + "\n")
	case Quote:
		fmt.Fprintf(b, ".RS\n%s\n.RE\n", roffSpans(block.Text))
	case Item:
		fmt.Fprintf(b, ".IP \\(bu 2\n%s\n", roffSpans(block.Text))
	case Code:
		if !afterHeading {
			b.WriteString(".PP\n")
		}
		b.WriteString(".RS 2\n")
		roff.AppendLiteral(b, block.Lines)
		b.WriteString(".RE\n")
	case Table:
		names := block.Rows[0]
		for _, row := range block.Rows[1:] {
			fmt.Fprintf(b, ".TP\n%s\n", roffSpans(row[0]))
			var cells []string
			for c, cell := range row[1:] {
				switch {
				case cell == "":
				case len(names) == 2:
					cells = append(cells, roffSpans(cell))
				default:
					cells = append(cells, roffSpans(names[1+c]+": "+cell))
				}
			}
			b.WriteString(strings.Join(cells, "\n.br\n") + "\n")
		}
	}
}

// roffSpans writes the text of a block with its styles.
func roffSpans(text string) string {
	var b strings.Builder
	for _, s := range Spans(text) {
		if s.Style == Plain {
			b.WriteString(roff.EscapeWords(s.Text))
		} else {
			b.WriteString(`\fB` + roff.EscapeWords(s.Text) + `\fR`)
		}
	}
	return roff.Fill(b.String())
}
