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
	oldHeader              // the same as until about 2019: with another line above it
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
	case folded == line && strings.HasPrefix(folded, "Service Name Port Number Transport Protocol Description"):
		return flatHeader
	case strings.HasPrefix(folded, "Service Name Port Number Transport"):
		return fixedHeader
	case folded != line && strings.HasPrefix(folded, "Service Name Port Number Protocol Description"):
		return oldHeader
	}
	return noHeader
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

// The labels that stand in the line of a heading by which the columns are found.
// Until about 2019 that was the second line:
//
//	                           Transport                ... Registration
//	Service Name   Port Number Protocol     Description ...     Date
var (
	oldLabels = []string{"Service Name", "Port Number", "Protocol", "Description", "Assignee", "Contact",
		"Date", "Date", "Reference", "Code", "Unauthorized", "Assignment Notes"}
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
	heading := slices.IndexFunc(lines, isFixedHeading)
	if heading < 0 {
		return p, src.errorf(0, "no heading of the table")
	}
	if p.date = textDate(lines[:heading]); p.date == "" {
		return p, src.errorf(0, "no date of the edition (Last Updated)")
	}
	contacts := sectionAfter(lines, heading, contactTitles...)
	foot := footAfter(lines, max(contacts, heading))
	if contacts < 0 || foot < 0 {
		return p, src.errorf(len(lines), "cut short: no contacts and foot of the page (Contact Information, Licensing Terms) after the table")
	}

	t, err := newRegistryTable(src, lines[:contacts], heading)
	if err != nil {
		return p, err
	}
	err = t.rows(t.registryAnchor(), siblingCost(known), func(line int, row []string) error {
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

// contactTitles are those of the contact directory, today's and the one until about
// 2021.
var contactTitles = []string{"Contact Information", "People"}

// isFixedHeading reports whether a line has most labels of a heading of columns.
func isFixedHeading(line string) bool {
	h := isHeading(line)
	return h == fixedHeader || h == oldHeader
}

// newRegistryTable takes the lines up to the end of the registry's table; heading
// is the one with most labels.
func newRegistryTable(src *source, lines []string, heading int) (*fixedTable, error) {
	if isHeading(lines[heading]) == fixedHeader {
		return newFixedTable(src, lines[heading:], heading+1, 0, registryLabels)
	}
	above := 0
	if heading > 0 && isHeadingPart(lines[heading-1]) {
		above = 1
	}
	return newFixedTable(src, lines[heading-above:], heading-above+1, above, oldLabels)
}

// footAfter finds the foot of the page after the line from, or -1 if the page does
// not go up to its end: that is the title "Licensing Terms". Until about 2021 the
// page ended with a footnote, which is the same in all editions. A page of today
// that is cut after its footnote has lost nothing but its licence.
func footAfter(lines []string, from int) int {
	if foot := sectionAfter(lines, from, "Licensing Terms"); foot >= 0 {
		return foot
	}
	foot := sectionAfter(lines, from, "Footnote")
	if foot < 0 || !strings.HasSuffix(iana.FoldSpace(strings.Join(lines[foot:], " ")), " See RFC 3692 for details.") {
		return -1
	}
	return foot
}

// sectionAfter finds the line after from that is one of some titles, standing
// alone.
func sectionAfter(lines []string, from int, titles ...string) int {
	for i := from + 1; i < len(lines); i++ {
		if slices.Contains(titles, strings.TrimSpace(lines[i])) && lines[i-1] == "" && (i+1 == len(lines) || lines[i+1] == "") {
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
	t, err := newFixedTable(src, lines[heading:], first+heading, 0, contactLabels)
	if err != nil {
		return nil, err
	}
	var list []iana.Contact
	isAnchor := func(_ int, row []string) bool { return row[0] != "" }
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
	bytes  bool     // the columns are laid out by bytes, not by characters
	starts []int    // first character, or byte, of each column
	widths []int    // characters of each column's widest cell
}

// headingWords are those that may stand in the lines of a heading above and below
// the one with most of the labels.
var headingWords = map[string]bool{
	"Protocol": true, "Date": true, "Code": true, "Use": true, "Uses": true, "Reported": true, "Updated": true,
	"Transport": true, "Registration": true, "Modification": true, "Service": true, "Known": true,
}

// newFixedTable takes the lines from the heading to the end of a table. above is
// how many lines of the heading stand above the one with the labels.
func newFixedTable(src *source, lines []string, first, above int, labels []string) (*fixedTable, error) {
	n := above + 1
	for n < len(lines) && n < 3 && isHeadingPart(lines[n]) {
		n++
	}
	body := lines[n:]
	for len(body) > 0 && body[len(body)-1] == "" {
		body = body[:len(body)-1]
	}
	t := &fixedTable{src: src, lines: body, first: first + n}
	blank, err := t.split(lines[:n], first, above, labels)
	// Older pages are laid out by bytes, so that a line with letters of two bytes
	// is shorter. In the right unit there is more space between the columns.
	if !isASCII(strings.Join(body, "")) {
		byBytes := &fixedTable{src: src, lines: body, first: t.first, bytes: true}
		if b, e := byBytes.split(lines[:n], first, above, labels); e == nil && (err != nil || b > blank) {
			return byBytes, nil
		}
	}
	return t, err
}

func isHeadingPart(line string) bool {
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
// begin. blank is how many such positions there are between the labels.
func (t *fixedTable) split(heading []string, line, above int, labels []string) (blank int, err error) {
	var filled, begins [maxTextWidth + 1]int
	mark := func(l string) bool {
		pos, space := 0, true
		for i, r := range l {
			if t.bytes {
				pos = i
			}
			if pos >= maxTextWidth {
				return false
			}
			if r != ' ' {
				filled[pos]++
				if space {
					begins[pos]++
				}
			}
			space = r == ' '
			pos++
		}
		return true
	}
	for i, l := range heading {
		if !mark(l) {
			return 0, t.src.errorf(line+i, "longer than %d characters", maxTextWidth)
		}
	}
	clear(begins[:]) // those of the heading are centred
	for i, l := range t.lines {
		if !mark(l) {
			return 0, t.src.errorf(t.first+i, "longer than %d characters", maxTextWidth)
		}
	}

	t.starts = make([]int, len(labels))
	end := 0 // of the label before
	for i, label := range labels {
		at := strings.Index(heading[above][end:], label)
		if at < 0 {
			return 0, t.src.errorf(line+above, "no column %q in the heading", label)
		}
		at += end
		if i > 0 {
			best := -1
			for pos := end + 1; pos <= at; pos++ {
				if filled[pos-1] != 0 {
					continue
				}
				blank++
				if best < 0 || begins[pos] > begins[best] {
					best = pos
				}
			}
			if best < 0 {
				return 0, t.src.errorf(line+above, "no space between the columns before %q", label)
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
	return blank, nil
}

// registryAnchor tells which lines have the name or the port of a row of the
// registry. A line with nothing but a name is a row of its own only behind the last
// port: before, it is a part of a name that was wrapped, which a few had until 2025.
func (t *fixedTable) registryAnchor() func(i int, row []string) bool {
	lastPort := len(t.lines) - 1
	for lastPort >= 0 && t.cell(lastPort, cellPort) == "" {
		lastPort--
	}
	return func(i int, row []string) bool {
		return row[cellPort] != "" || row[cellName] != "" && (row[cellTransport] != "" || i > lastPort)
	}
}

// cell gives the text of one line in one column.
func (t *fixedTable) cell(i, col int) string {
	line := t.lines[i]
	line = line[t.offset(line, t.starts[col]):]
	if col+1 < len(t.starts) {
		line = line[:t.offset(line, t.starts[col+1]-t.starts[col])]
	}
	return strings.Trim(line, " ")
}

// offset gives the offset of a position in a line, at most that of its end.
func (t *fixedTable) offset(s string, n int) int {
	if n >= len(s) {
		// As many bytes as characters or more: never beyond the end.
		n = len(s)
	}
	if t.bytes || isASCII(s[:n]) {
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
