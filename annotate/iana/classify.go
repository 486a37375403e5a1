package iana

import (
	"fmt"
	"strings"
)

// The registry has no status column: whether a record assigns, reserves or
// frees a port is said in its description, in many spellings, and what became
// of an earlier assignment in its notes. This file is the only one that reads
// that prose.

// class is what the prose of a record says.
type class struct {
	status Status
	// unsure is set where the description of a record without a name fits no
	// known form. The record then counts as assigned: it describes something.
	unsure bool
	// demoted is set where the notes call the name an alias, historic or a
	// duplicate; it then comes after the other names of its port.
	demoted bool
	former  Deassignment
	freed   bool // former is valid
}

// Descriptions of records without a name, in lower case, without punctuation
// at either end. A description of one of the groups begins with the word.
var (
	reservedWords   = [...]string{"reserved", "iana reserved"}
	unassignedWords = [...]string{"unassigned", "un-assigned", "not assigned"}
	// "decomissioned" is the registry's own spelling (1783).
	freedWords = [...]string{
		"de-registered", "deregistered",
		"de-assigned", "deassigned",
		"de-commissioned", "decommissioned", "decomissioned",
		"deprecated", "removed",
	}
	// 1008/udp, "Possibly used by Sun Solaris????", is a guess about use. No
	// one holds the port, so it counts as unassigned; the guess is kept as the
	// description.
	guessWords = [...]string{"possibly used by"}
	// Ports such as 57, "any private terminal access", are assigned to a kind
	// of use rather than to a service.
	assignedWords = [...]string{"any private"}
)

// classify reads the prose of a record.
func classify(rec *Record) class {
	var c class
	desc := strings.ToLower(strings.Trim(rec.Description, " ()[]-.*"))
	switch {
	case rec.Name != "":
		// A name decides, whatever else the description mentions: 2999
		// "RemoteWare Unassigned", 5349/udp "Reserved for a future
		// enhancement of STUN-BEHAVIOR". The exception is a description that
		// is nothing but the word: 14001/udp, sua, "De-Registered".
		c.status = Assigned
		for _, w := range freedWords {
			if desc == w {
				c.status = Unassigned
				c.former.FormerName = rec.Name
				c.freed = true
			}
		}
	case beginsWith(desc, reservedWords[:]):
		c.status = Reserved
	case beginsWith(desc, unassignedWords[:]), beginsWith(desc, guessWords[:]):
		c.status = Unassigned
	case beginsWith(desc, freedWords[:]):
		c.status = Unassigned
		c.freed = true
	default:
		c.status = Assigned
		c.unsure = !beginsWith(desc, assignedWords[:])
		if desc == "" {
			c.status = Unknown // it says nothing at all
		}
	}
	if c.status == Assigned {
		c.demoted = demotes(rec.Notes)
		return c
	}
	c.readFormer(rec)
	return c
}

// Status returns what this record alone says about its ports: [Assigned],
// [Reserved] or [Unassigned]. Other records may apply to the same ports: see
// [Registry.Lookup].
//
// sure is false if the record has no name and its description has no known form.
// The status is then Assigned, or [Unknown] if the description is empty.
func (rec *Record) Status() (s Status, sure bool) {
	c := classify(rec)
	return c.status, !c.unsure
}

// beginsWith reports whether s begins with one of the words.
func beginsWith(s string, words []string) bool {
	for _, w := range words {
		if rest, ok := strings.CutPrefix(s, w); ok && (rest == "" || !isLetter(rest[0])) {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// demotes reports whether notes call the name an alias, historic, or a
// duplicate. Notes that merely tell history ("Historically, this service has
// been referred to as ...", 9878/udp) do not.
func demotes(notes string) bool {
	notes = strings.ToLower(notes)
	return strings.Contains(notes, "is now historic") ||
		strings.Contains(notes, "entry is an alias") ||
		strings.Contains(notes, "is a duplicate of")
}

// readFormer looks in the description and the notes of a record that is not
// assigned for an earlier assignment.
func (c *class) readFormer(rec *Record) {
	for _, text := range [...]string{rec.Description, rec.Notes} {
		low := strings.ToLower(text)
		name := formerName(text, low)
		if name == "" && !tellsOfRemoval(low) {
			continue
		}
		c.freed = true
		if c.former.FormerName == "" {
			c.former.FormerName = name
		}
		if c.former.Date == "" {
			c.former.Date = findDate(low)
		}
	}
	if !c.freed || c.former.Date != "" {
		return
	}
	// The text has no date, so that the record was changed to say so on the
	// day of its last change. Only where the whole record is the removal can
	// the registration date stand for it: 9006, "De-Commissioned Port".
	switch desc := strings.ToLower(rec.Description); {
	case rec.Modified != "":
		c.former.Date = rec.Modified
	case beginsWith(desc, freedWords[:]):
		c.former.Date = rec.Registered
	}
}

// tellsOfRemoval reports whether a text in lower case says that an assignment
// was taken back. "(previous contact was ...)" (994) and "previously updated"
// (3766/udp) do not say so.
func tellsOfRemoval(low string) bool {
	for _, w := range freedWords {
		if strings.Contains(low, w) {
			return true
		}
	}
	return strings.Contains(low, "previously assigned") ||
		strings.Contains(low, "withdrawn") ||
		strings.Contains(low, "released by")
}

// formerName finds the name of an earlier assignment. low is text in lower
// case, of the same length.
func formerName(text, low string) string {
	if len(low) != len(text) {
		return "" // letters whose cases differ in length: not the registry's prose
	}
	for _, form := range [...]struct{ before, after string }{
		{"[was ", "]"},                      // 15, "Unassigned [was netstat]"
		{"previously assigned to ", " but"}, // 831, "Previously assigned to NETCONF over BEEP but released by ..."
		{", previously ", " by"},            // 2, "De-assigned on 2025-02-13, previously compressnet by ..."
		{"historic usage was ", "."},        // 3980, "Historic usage was acms. De-Assigned on ..."
		{"\"", "\" assignment withdrawn"},   // 44323/udp, "\"pcp\" assignment withdrawn, ..."
		{"(", "-released "},                 // 2925, "Unassigned (FRP-Released 12/7/00)"
	} {
		_, rest, ok := strings.Cut(low, form.before)
		if !ok {
			continue
		}
		start := len(low) - len(rest)
		if n := strings.Index(rest, form.after); n > 0 {
			return strings.TrimSpace(text[start : start+n])
		}
	}
	return ""
}

// The months, for dates such as "08 June 2001".
var months = [...]string{
	"january", "february", "march", "april", "may", "june", "july",
	"august", "september", "october", "november", "december",
}

// findDate finds the first date in a text in lower case and gives it in the
// form of the registry's columns, "2001-06-08", or "2004-06" where the text has
// no day; "" where there is none.
//
// The texts have: 2025-02-13, 2004-2-6, 04/14/00 and 12/7/00 (month first, as
// 04/14 shows), 08 June 2001, June 2004.
func findDate(low string) string {
	words := strings.FieldsFunc(low, func(r rune) bool {
		return r != '-' && r != '/' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
	for i, w := range words {
		var a, b, c int
		if n, _ := fmt.Sscanf(w, "%d-%d-%d", &a, &b, &c); n == 3 && a >= 1970 {
			return dateText(a, b, c)
		}
		if n, _ := fmt.Sscanf(w, "%d/%d/%d", &a, &b, &c); n == 3 {
			if c < 70 {
				c += 2000
			} else if c < 100 {
				c += 1900
			}
			return dateText(c, a, b)
		}
		for m, name := range months {
			if w != name || i+1 == len(words) {
				continue
			}
			if n, _ := fmt.Sscanf(words[i+1], "%d", &a); n != 1 || a < 1970 {
				continue
			}
			if i > 0 {
				if n, _ := fmt.Sscanf(words[i-1], "%d", &b); n == 1 {
					return dateText(a, m+1, b)
				}
			}
			return dateText(a, m+1, 0)
		}
	}
	return ""
}

// dateText writes a date; day 0 means that it is not known.
func dateText(year, month, day int) string {
	if year > 9999 || month < 1 || month > 12 || day < 0 || day > 31 {
		return ""
	}
	if day == 0 {
		return fmt.Sprintf("%04d-%02d", year, month)
	}
	return fmt.Sprintf("%04d-%02d-%02d", year, month, day)
}

// concernsPort reports whether a report of unauthorized use, made in a record
// for span, is about port. A record for one port is about that port, whatever
// its text ("Known Unauthorized Use on 7011" stands at 7012). In a record for
// a range, the ports of the range that the text names are meant, or all of
// them if it names none.
//
// The texts have "port 796", "ports 8616 and 8617", "ports 2194-2196",
// "Ports 44515 & 44516".
func concernsPort(text string, span Span, port uint16) bool {
	if span.First == span.Last {
		return span.First == port
	}
	named := false
	for i := 0; i < len(text); {
		if !isDigit(text[i]) || i > 0 && isLetter(text[i-1]) { // not the 4146 of RFC4146
			i++
			continue
		}
		first, n := leadingPort(text[i:])
		i += n
		last := first
		if i+1 < len(text) && text[i] == '-' && isDigit(text[i+1]) {
			last, n = leadingPort(text[i+1:])
			i += 1 + n
		}
		if first < int(span.First) || last > int(span.Last) || first > last {
			continue
		}
		named = true
		if first <= int(port) && int(port) <= last {
			return true
		}
	}
	return !named && span.Contains(port)
}

// leadingPort reads the digits that s begins with; -1 for a number that is no
// port.
func leadingPort(s string) (port, n int) {
	for n < len(s) && isDigit(s[n]) {
		if port >= 0 {
			port = port*10 + int(s[n]-'0')
		}
		if port > 65535 {
			port = -1
		}
		n++
	}
	return port, n
}
