package help

import (
	"strings"
	"unicode/utf8"
)

// The widths of text, in columns.
const (
	DefaultWidth = 79  // where there is no terminal
	minWidth     = 40  // below that, lines are longer than the terminal
	maxProse     = 100 // longer lines are hard to read
	minColumn    = 16  // of a table; narrower ones become lists
	indent       = 2
)

// Terminal prints Markdown as plain text for a terminal of a width; 0 is
// DefaultWidth. Code is never broken.
func Terminal(md string, width int) string {
	if width <= 0 {
		width = DefaultWidth
	}
	width = max(width, minWidth)
	prose := min(width, maxProse)
	blocks, _ := Parse(md)
	var b strings.Builder
	for i, block := range blocks {
		if i > 0 && (block.Kind != Item || blocks[i-1].Kind != Item) {
			b.WriteByte('\n')
		}
		switch block.Kind {
		case Heading:
			text := plain(block.Text)
			if block.Level <= 2 {
				text = strings.ToUpper(text)
			}
			b.WriteString(text + "\n")
		case Paragraph:
			writeWrapped(&b, plain(block.Text), prose, "", "")
		case Quote:
			writeWrapped(&b, plain(block.Text), prose, "    ", "    ")
		case Item:
			writeWrapped(&b, plain(block.Text), prose, "  - ", "    ")
		case Code:
			for _, line := range block.Lines {
				b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
			}
		case Table:
			writeTable(&b, block.Rows, width)
		}
	}
	return b.String()
}

// plain is text without marks. Code keeps quotes where it is more than a word.
func plain(text string) string {
	var b strings.Builder
	for _, s := range Spans(text) {
		if s.Style == Literal && strings.Contains(s.Text, " ") {
			b.WriteString("`" + s.Text + "`")
		} else {
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

// writeWrapped writes text in lines of at most width columns.
func writeWrapped(b *strings.Builder, text string, width int, first, next string) {
	for i, line := range wrap(text, width-utf8.RuneCountInString(next)) {
		if i == 0 {
			b.WriteString(first)
		} else {
			b.WriteString(next)
		}
		b.WriteString(line + "\n")
	}
}

// wrap breaks text at blanks. A word that is longer than width has a line of its
// own.
func wrap(text string, width int) []string {
	var lines []string
	line, columns := "", 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if columns > 0 && columns+1+n > width {
			lines = append(lines, line)
			line, columns = "", 0
		}
		if columns > 0 {
			line += " "
			columns++
		}
		line += word
		columns += n
	}
	return append(lines, line)
}

// writeTable writes a table in columns if they have room, and otherwise each row
// as a list of its cells.
func writeTable(b *strings.Builder, rows [][]string, width int) {
	columns := len(rows[0])
	cells := make([][]string, len(rows))
	natural, longest := make([]int, columns), make([]int, columns) // of cells, and of words
	for r, row := range rows {
		cells[r] = make([]string, columns)
		for c := range min(columns, len(row)) {
			cells[r][c] = plain(row[c])
			natural[c] = max(natural[c], utf8.RuneCountInString(cells[r][c]))
			for _, word := range strings.Fields(cells[r][c]) {
				longest[c] = max(longest[c], utf8.RuneCountInString(word))
			}
		}
	}
	widths, ok := columnWidths(natural, longest, width-indent-2*(columns-1))
	if !ok {
		writeRows(b, cells, min(width, maxProse))
		return
	}
	for r, row := range cells {
		if r == 1 {
			b.WriteString(strings.Repeat(" ", indent))
			for c, w := range widths {
				if c > 0 {
					b.WriteString("  ")
				}
				b.WriteString(strings.Repeat("-", w))
			}
			b.WriteByte('\n')
		}
		parts := make([][]string, columns)
		height := 0
		for c := range row {
			parts[c] = wrap(row[c], widths[c])
			height = max(height, len(parts[c]))
		}
		for h := range height {
			line := strings.Repeat(" ", indent)
			for c := range parts {
				part := ""
				if h < len(parts[c]) {
					part = parts[c][h]
				}
				line += part + strings.Repeat(" ", max(widths[c]-utf8.RuneCountInString(part), 0)+2)
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
}

// columnWidths shares room among columns: those that are narrow get what they
// need, the others an equal part of the rest. It gives false if that is less
// than their longest word, or too little to read.
func columnWidths(natural, longest []int, room int) ([]int, bool) {
	widths := make([]int, len(natural))
	open := len(natural)
	for again := true; again && open > 0; {
		again = false
		for c, n := range natural {
			if widths[c] == 0 && max(n, 1) <= room/open {
				widths[c] = max(n, 1)
				room -= widths[c]
				open--
				again = true
				break
			}
		}
	}
	for c := range widths {
		if widths[c] == 0 {
			widths[c] = room / open
			if widths[c] < longest[c] || widths[c] < minColumn {
				return nil, false
			}
		}
	}
	return widths, true
}

// writeRows writes each row as its first cell, and below it the others with the
// names of their columns.
func writeRows(b *strings.Builder, cells [][]string, width int) {
	names := cells[0]
	longest := 0
	for _, n := range names[1:] {
		longest = max(longest, utf8.RuneCountInString(n))
	}
	for _, row := range cells[1:] {
		b.WriteString("  " + row[0] + "\n")
		for c, cell := range row[1:] {
			if cell == "" {
				continue
			}
			name := names[1+c]
			pad := strings.Repeat(" ", longest-utf8.RuneCountInString(name)+2)
			writeWrapped(b, cell, width, "      "+name+pad, strings.Repeat(" ", 6+longest+2))
		}
	}
}
