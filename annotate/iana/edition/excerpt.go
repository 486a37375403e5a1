package edition

import (
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// Flattened text is what is left of the page when it is copied as text: one
// line a row, the cells with single spaces between them, and nothing in the
// place of an empty cell:
//
//	trinity-dist 4711 sctp Trinity Trust Network Node Communication [P3KI_GmbH] [Gregor_Jehle] 2017-01-12
//	4693-4699 Unassigned
//
// So a cell must be known by its look. The ends of a row are sure: up to the
// transport on the left, and dates and people in brackets on the right. Where
// the look leaves a choice, the commoner case of the whole registry is taken:
//
//   - one date is that of the registration (4,455 rows), or, in a row without a
//     name, that of the change (77 of 88);
//   - of two people in brackets the first is the assignee; one alone is the
//     assignee (the registry has no row with a contact only);
//   - a bracket is a document, not a person, after a date, or if it starts like
//     one ("RFC", "draft-", an address);
//   - what follows is notes, whatever its column was.

// parseExcerpt reads flattened text. It covers the ports from the first to the
// last in it, as long as it does not cover the whole registry.
func parseExcerpt(src *source) (parsed, error) {
	p := parsed{form: "excerpt"}
	lines, err := src.textLines()
	if err != nil {
		return p, err
	}
	heading := slices.IndexFunc(lines, func(l string) bool { return isHeading(l) == flatHeader })
	if heading < 0 {
		return p, src.errorf(0, "no heading of the table")
	}
	if p.date = textDate(lines[:heading]); p.date == "" {
		return p, src.errorf(0, "no date of the edition (Last Updated)")
	}
	rows := lines[heading+1:]
	if end := slices.Index(rows, ""); end >= 0 {
		rows = rows[:end]
	}
	after := lines[heading+1+len(rows):]
	title := slices.IndexFunc(after, func(l string) bool { return strings.TrimSpace(l) == "Contact Information" })
	if title < 0 {
		return p, src.errorf(len(lines), "cut short: no contacts (Contact Information) after the table")
	}
	p.contacts = flatContacts(after[title+1:])
	// Copied text often lacks the last line feed; then the line must at least
	// end as nearly all lines of the directory do.
	if src.data[len(src.data)-1] != '\n' && (len(p.contacts) == 0 || !isDate10(p.contacts[len(p.contacts)-1].Updated)) {
		return p, src.errorf(len(lines), "cut short: the last line does not end")
	}
	directory := make(map[string]bool, len(p.contacts))
	for _, c := range p.contacts {
		directory[c.ID] = true
	}
	for i, line := range rows {
		rec, reason := flatRecord(line, directory)
		rec.Line = heading + 2 + i
		if reason != "" {
			return p, src.errorf(rec.Line, "%s", reason)
		}
		for _, people := range [2]string{rec.Assignee, rec.Contact} {
			for _, id := range iana.SplitReferences(people) {
				if !directory[id] {
					return p, src.errorf(len(lines), "cut short: no contact [%.60s], of whom line %d speaks", id, rec.Line)
				}
			}
		}
		if err := p.add(src, rec); err != nil {
			return p, err
		}
	}
	cover, ok := coverageOf(p.records)
	if !ok {
		return p, src.errorf(heading+1, "no row with a port number")
	}
	p.cover = cover
	if cover.First == 0 && cover.Last >= iana.FirstDynamic-1 {
		p.cover = iana.AllPorts()
	}
	return p, nil
}

// flatRecord reads a row. directory holds the people that there are. reason
// says why it is no row.
func flatRecord(line string, directory map[string]bool) (rec iana.Record, reason string) {
	var c cells
	words := strings.Fields(line)
	next := func() string {
		if len(words) == 0 {
			return ""
		}
		return words[0]
	}
	if _, err := iana.ParseSpan(next()); err != nil && len(words) > 0 {
		c[cellName], words = words[0], words[1:]
	}
	if _, err := iana.ParseSpan(next()); err != nil {
		return iana.Record{}, "a row without a port number"
	}
	c[cellPort], words = words[0], words[1:]
	if _, err := iana.ParseTransport(next()); err == nil {
		c[cellTransport], words = words[0], words[1:]
	}

	// The description ends before the first date, document or person. Words in
	// brackets can end it too ("File Transfer [Control]"): only the last two of
	// a run are people, and one alone only if there is such a person.
	end := 0
	for end < len(words) && !isDate10(words[end]) && !isPerson(words[end]) && !isDocument(words[end]) {
		end++
	}
	last := end
	for last < len(words) && isPerson(words[last]) && !isDocument(words[last]) {
		last++
	}
	end = max(end, last-2)
	if last-end == 1 && !directory[strings.Trim(words[end], "[]")] {
		end = last
	}
	c[cellDescription] = strings.Join(words[:end], " ")
	people := words[end:last]
	words = words[last:]

	var dates []string
	for len(dates) < 2 && isDate10(next()) {
		dates, words = append(dates, words[0]), words[1:]
	}
	switch len(people) {
	case 2:
		c[cellContact] = people[1]
		fallthrough
	case 1:
		c[cellAssignee] = people[0]
	}
	switch {
	case len(dates) == 2:
		c[cellRegistered], c[cellModified] = dates[0], dates[1]
	case len(dates) == 1 && c[cellName] == "":
		c[cellModified] = dates[0]
	case len(dates) == 1:
		c[cellRegistered] = dates[0]
	}
	rest := strings.Join(words, " ")
	if strings.HasPrefix(rest, "[") {
		if i := strings.LastIndexByte(rest, ']'); i > 0 {
			c[cellReference], rest = rest[:i+1], strings.TrimSpace(rest[i+1:])
		}
	}
	c[cellNotes] = rest

	rec, err := c.record(0)
	if err != nil {
		return iana.Record{}, err.Error()
	}
	if rec.Name == "" && rec.Description == "" {
		return iana.Record{}, "a row with neither a service name nor a description"
	}
	return rec, ""
}

// isDate10 reports whether a word is a date with a month at least: a year alone
// is likelier to be part of a description.
func isDate10(s string) bool { return len(s) > 4 && isDate(s) }

// isPerson reports whether a word is one or more IDs of the contact directory,
// "[IESG]" or "[A_Person][Another]".
func isPerson(s string) bool {
	return len(s) > 2 && s[0] == '[' && s[len(s)-1] == ']' && !strings.Contains(s[1:len(s)-1], " ")
}

// isDocument reports whether a word is a reference that is not a person's, or
// the start of one of several words.
func isDocument(s string) bool {
	if !strings.HasPrefix(s, "[") {
		return false
	}
	s = s[1:]
	return strings.HasPrefix(s, "RFC") || strings.HasPrefix(s, "draft-") || strings.HasPrefix(s, "http")
}

// flatContacts reads the lines of the contact directory. They hold an ID, a
// name or an organization, an address and a date. Which of name and
// organization is given cannot be seen; it is taken as the name.
func flatContacts(lines []string) []iana.Contact {
	var list []iana.Contact
	for _, line := range lines {
		id, rest, _ := strings.Cut(line, " ")
		if !isPerson(id) {
			continue
		}
		c := iana.Contact{ID: strings.Trim(id, "[]")}
		words := strings.Fields(rest)
		if n := len(words); n > 0 && isDate(words[n-1]) {
			c.Updated, words = words[n-1], words[:n-1]
		}
		if n := len(words); n > 0 && strings.HasPrefix(words[n-1], "mailto:") {
			c.URI, words = words[n-1], words[:n-1]
		}
		c.Name = strings.Join(words, " ")
		list = append(list, c)
	}
	return list
}
