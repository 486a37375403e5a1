package edition

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/portannot/portannot/annotate/iana"
)

// The plain-text form is a web page as a text browser draws it: a table of
// fixed columns, in which a cell that is too wide is wrapped, and the cells of
// a row are centred on each other from top to bottom:
//
//	                            wrapped text that
//	www-http   80   tcp  World  is longer than the
//	                Wide Web    column is wide
//
// Neither the borders between columns nor those between rows are drawn.
// Columns are found as the positions where every line has a space
// (fixedTable.split); rows by weighing all ways to share the lines between two
// anchors (fixedTable.rows), an anchor being the line with the row's name or
// port.

// maxTextLines and maxTextWidth bound the work on a plain-text file, which has
// some 25,000 lines of up to 423 characters.
const (
	maxTextLines = 1 << 18
	maxTextWidth = 4096
)

// textHeader says of which kind a text's heading is.
type textHeader uint8

const (
	noHeader    textHeader = iota
	fixedHeader            // columns with space between them
	flatHeader             // the labels in one line with single spaces
)

// isHeading looks at one line.
func isHeading(line string) textHeader {
	if !strings.Contains(line, columnNames[cellName]) {
		return noHeader
	}
	line = strings.TrimSpace(line)
	folded := iana.FoldSpace(line)
	switch {
	case !strings.HasPrefix(folded, "Service Name Port Number Transport"):
		return noHeader
	case folded == line && strings.HasPrefix(folded, "Service Name Port Number Transport Protocol Description"):
		return flatHeader
	}
	return fixedHeader
}

// findTextHeader says of which kind the first heading is.
func (s *source) findTextHeader() textHeader {
	for line := range strings.Lines(string(s.data)) {
		if h := isHeading(line); h != noHeader {
			return h
		}
	}
	return noHeader
}

// textLines gives the lines without their ends.
func (s *source) textLines() ([]string, error) {
	var lines []string
	for line := range strings.Lines(string(s.data)) {
		if len(lines) == maxTextLines {
			return nil, s.errorf(len(lines), "more than %d lines", maxTextLines)
		}
		lines = append(lines, strings.TrimRight(line, " \t\r\n"))
	}
	return lines, nil
}

// textDate finds the date of the edition in the lines above the table.
func textDate(lines []string) string {
	for i, line := range lines[:max(len(lines)-1, 0)] {
		if strings.TrimSpace(line) == "Last Updated" {
			if d := strings.TrimSpace(lines[i+1]); isDate(d) {
				return d
			}
		}
	}
	return ""
}

// The labels that stand in the first line of a heading.
var (
	registryLabels = []string{"Service Name", "Port Number", "Transport", "Description", "Assignee", "Contact",
		"Registration", "Modification", "Reference", "Service", "Unauthorized", "Assignment Notes"}
	contactLabels = []string{"ID", "Name", "Organization", "Contact URI", "Last"}
)

// parseText reads the plain-text form.
func parseText(src *source) (parsed, error) {
	return parseTextWith(src, sync.OnceValue(func() map[rowKey]bool { return knownRows(iana.Embedded().Records()) }))
}

// rowKey is a row for the question whether another edition has it.
type rowKey struct{ name, port, transport, description string }

// knownRows gives the rows of an edition.
func knownRows(records func(func(iana.Record) bool)) map[rowKey]bool {
	known := make(map[rowKey]bool)
	for rec := range records {
		key := rowKey{name: rec.Name, transport: rec.Transport.String(), description: rec.Description}
		if rec.HasPort {
			key.port = rec.Ports.String()
		}
		known[key] = true
	}
	return known
}

func parseTextWith(src *source, known func() map[rowKey]bool) (parsed, error) {
	p := parsed{form: "text", cover: iana.AllPorts()}
	lines, err := src.textLines()
	if err != nil {
		return p, err
	}
	heading := slices.IndexFunc(lines, func(l string) bool { return isHeading(l) == fixedHeader })
	if heading < 0 {
		return p, src.errorf(0, "no heading of the table")
	}
	if p.date = textDate(lines[:heading]); p.date == "" {
		return p, src.errorf(0, "no date of the edition (Last Updated)")
	}
	contacts := sectionAfter(lines, heading, "Contact Information")
	foot := sectionAfter(lines, max(contacts, heading), "Licensing Terms")
	if contacts < 0 || foot < 0 {
		return p, src.errorf(len(lines), "cut short: no contacts and foot of the page (Contact Information, Licensing Terms) after the table")
	}

	t, err := newFixedTable(src, lines[heading:contacts], heading+1, registryLabels)
	if err != nil {
		return p, err
	}
	isAnchor := func(row []string) bool { return row[cellName] != "" || row[cellPort] != "" }
	err = t.rows(isAnchor, siblingCost(known), func(line int, row []string) error {
		var c cells
		copy(c[:], row)
		if !isDate(c[cellRegistered]) && c[cellRegistered] != "" || !isDate(c[cellModified]) && c[cellModified] != "" {
			return src.errorf(line, "the columns are not those of the heading: no date in a column of dates")
		}
		rec, err := c.record(line)
		if err != nil {
			return src.errorf(line, "%v", err)
		}
		return p.add(src, rec)
	})
	if err != nil {
		return p, err
	}
	p.contacts, err = textContacts(src, lines[contacts:foot], contacts+1)
	return p, err
}

// sectionAfter finds the line after from that is a title, standing alone.
func sectionAfter(lines []string, from int, title string) int {
	for i := from + 1; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) == title && lines[i-1] == "" && (i+1 == len(lines) || lines[i+1] == "") {
			return i
		}
	}
	return -1
}

// textContacts reads the contact directory between its title and the foot.
func textContacts(src *source, lines []string, first int) ([]iana.Contact, error) {
	heading := slices.IndexFunc(lines, func(l string) bool {
		return strings.HasPrefix(iana.FoldSpace(l), "ID Name Organization")
	})
	if heading < 0 {
		return nil, nil
	}
	if end := sectionAfter(lines, heading, "Footnote"); end >= 0 {
		lines = lines[:end]
	}
	t, err := newFixedTable(src, lines[heading:], first+heading, contactLabels)
	if err != nil {
		return nil, err
	}
	var list []iana.Contact
	isAnchor := func(row []string) bool { return row[0] != "" }
	err = t.rows(isAnchor, contactCost, func(line int, row []string) error {
		list = append(list, iana.Contact{
			ID: strings.Trim(row[0], "[]"), Name: row[1], Organization: row[2], URI: row[3], Updated: row[4],
		})
		return nil
	})
	return list, err
}

// A fixedTable is a table without borders.
type fixedTable struct {
	src    *source
	lines  []string // without the heading
	first  int      // number of the first of them in the file
	starts []int    // first character of each column
	widths []int    // characters of each column's widest cell
}

// headingWords are those that may stand in the second and third line of a
// heading.
var headingWords = map[string]bool{
	"Protocol": true, "Date": true, "Code": true, "Use": true, "Uses": true, "Reported": true, "Updated": true,
}

// newFixedTable takes the lines from the heading to the end of a table.
func newFixedTable(src *source, lines []string, first int, labels []string) (*fixedTable, error) {
	n := 1
	for n < len(lines) && n < 3 && isHeadingRest(lines[n]) {
		n++
	}
	body := lines[n:]
	for len(body) > 0 && body[len(body)-1] == "" {
		body = body[:len(body)-1]
	}
	t := &fixedTable{src: src, lines: body, first: first + n}
	return t, t.split(lines[:n], first, labels)
}

func isHeadingRest(line string) bool {
	words := strings.Fields(line)
	for _, w := range words {
		if !headingWords[w] {
			return false
		}
	}
	return len(words) > 0
}

// split finds the columns. Between two labels of the heading there must be a
// position at which every line has a space. Where there are several runs of
// such positions, as in a short table, the one counts after which most cells
// begin.
func (t *fixedTable) split(heading []string, line int, labels []string) error {
	var filled, begins [maxTextWidth + 1]int
	mark := func(l string) bool {
		pos, blank := 0, true
		for _, r := range l {
			if pos == maxTextWidth {
				return false
			}
			if r != ' ' {
				filled[pos]++
				if blank {
					begins[pos]++
				}
			}
			blank = r == ' '
			pos++
		}
		return true
	}
	for i, l := range heading {
		if !mark(l) {
			return t.src.errorf(line+i, "longer than %d characters", maxTextWidth)
		}
	}
	clear(begins[:]) // those of the heading are centred
	for i, l := range t.lines {
		if !mark(l) {
			return t.src.errorf(t.first+i, "longer than %d characters", maxTextWidth)
		}
	}

	t.starts = make([]int, len(labels))
	end := 0 // of the label before
	for i, label := range labels {
		at := strings.Index(heading[0][end:], label)
		if at < 0 {
			return t.src.errorf(line, "no column %q in the heading", label)
		}
		at += end
		if i > 0 {
			best := -1
			for pos := end + 1; pos <= at; pos++ {
				if filled[pos-1] == 0 && (best < 0 || begins[pos] > begins[best]) {
					best = pos
				}
			}
			if best < 0 {
				return t.src.errorf(line, "no space between the columns before %q", label)
			}
			t.starts[i] = best
		}
		end = at + len(label)
	}

	t.widths = make([]int, len(labels))
	for i := range t.lines {
		for col := range t.widths {
			t.widths[col] = max(t.widths[col], utf8.RuneCountInString(t.cell(i, col)))
		}
	}
	return nil
}

// cell gives the text of one line in one column.
func (t *fixedTable) cell(i, col int) string {
	line := t.lines[i]
	from := charOffset(line, t.starts[col])
	line = line[from:]
	if col+1 < len(t.starts) {
		line = line[:charOffset(line, t.starts[col+1]-t.starts[col])]
	}
	return strings.Trim(line, " ")
}

// charOffset gives the offset of the n'th character, at most that of the end.
func charOffset(s string, n int) int {
	if n >= len(s) {
		// As many bytes as characters or more: never beyond the end.
		n = len(s)
	}
	if isASCII(s[:n]) {
		return n
	}
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
