package iana

import (
	"cmp"
	"errors"
	"slices"
	"sort"
	"strings"
)

// maxNameLen is the longest service name that RFC 6335 section 5.1 allows.
const maxNameLen = 15

// ValidName checks a service name against RFC 6335 section 5.1: it has 1 to 15
// ASCII letters, digits and hyphens, at least one of them a letter, no hyphen at
// either end, and no two hyphens in a row. The error says which rule is broken.
// Some older names of the registry break these rules.
func ValidName(name string) error {
	letter := false
	for i := range len(name) {
		switch c := name[i]; {
		case isLetter(c):
			letter = true
		case isDigit(c):
		case c == '-':
			if i == 0 || i == len(name)-1 {
				return errors.New("begins or ends with a hyphen")
			}
			if name[i-1] == '-' {
				return errors.New("two hyphens together")
			}
		default:
			return errors.New("a character that is not a letter, digit or hyphen")
		}
	}
	switch {
	case name == "":
		return errors.New("empty")
	case len(name) > maxNameLen:
		return errors.New("longer than 15 characters")
	case !letter:
		return errors.New("no letter")
	}
	return nil
}

// citesRFC reports whether one of the references is a published RFC.
// "RFC-ietf-..." is a draft that waits for its number.
func citesRFC(refs []string) bool {
	return slices.ContainsFunc(refs, func(ref string) bool {
		return len(ref) > 3 && strings.EqualFold(ref[:3], "RFC") && isDigit(ref[3])
	})
}

// byPreference orders the names of one port as [Entry.Names] documents.
func byPreference(a, b *row) int {
	return cmp.Or(
		falseFirst(a.demoted, b.demoted),
		falseFirst(ValidName(a.Name) != nil, ValidName(b.Name) != nil),
		falseFirst(!citesRFC(a.References), !citesRFC(b.References)),
		strings.Compare(a.Registered, b.Registered), // "" is first
		strings.Compare(a.Name, b.Name),
	)
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// compareFold orders names without regard to the case of ASCII letters, as
// service names are compared (RFC 6335 section 5.1).
func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		if c := cmp.Compare(lower(a[i]), lower(b[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// recordsNamed gives the records of a name, in the order of the edition.
func (r *Registry) recordsNamed(name string) []int {
	n := r.index.numNamed()
	first := sort.Search(n, func(i int) bool {
		return compareFold(r.field(r.index.named(i), colName), name) >= 0
	})
	var recs []int
	for i := first; i < n; i++ {
		rec := r.index.named(i)
		if compareFold(r.field(rec, colName), name) != 0 {
			break
		}
		recs = append(recs, rec)
	}
	return recs
}

// ByName returns the entries of a service name, given in any case: one for each
// record with that name, in the order of the edition. If a record covers several
// ports, the entry is for the first port whose answer it decides: for x11, port
// 6000.
//
// An entry's preferred name may be another: "www" gives 80/tcp, whose name is
// http. Names that are registered without a port are not returned: see
// [Registry.WithoutPort].
func (r *Registry) ByName(name string) []Entry {
	var list []Entry
	for _, rec := range r.recordsNamed(name) {
		if span, ok := r.span(rec); ok {
			list = append(list, r.entryOf(rec, span))
		}
	}
	return list
}

// entryOf looks up the first port of a record at which it is among those that
// decide. A record that others hide everywhere gives the entry that hides it.
func (r *Registry) entryOf(rec int, span Span) Entry {
	t := r.transport(rec)
	for port := int(span.First); port <= int(span.Last); port++ {
		e := r.Lookup(t, uint16(port))
		for i := range e.Deciding() {
			if r.index.recordOf(e.cell, i) == rec {
				return e
			}
		}
	}
	return r.Lookup(t, span.First)
}

// WithoutPort returns the records that register a service name, given in any case,
// without a port. Such names are used in DNS-SD and SRV records (RFC 6763).
func (r *Registry) WithoutPort(name string) []Record {
	var list []Record
	for _, rec := range r.recordsNamed(name) {
		if _, ok := r.span(rec); !ok {
			list = append(list, r.record(rec))
		}
	}
	return list
}

// Near returns at most n registered names that resemble name, the closest first.
// It helps with a name that was mistyped.
//
// A registered name resembles name if it is at most len(name)/3 edits away, and
// at least one edit is allowed. An edit inserts, deletes or changes a character,
// or exchanges two neighbours. A registered name that begins with name resembles
// it too, if name has 3 or more characters. Equally close names are ordered by the
// length of the prefix that they share with name, then by letter.
func (r *Registry) Near(name string, n int) []string {
	if len(name) > 4*maxNameLen || name == "" || n <= 0 {
		return nil
	}
	type candidate struct {
		name     string
		distance int
		prefix   int
	}
	limit := max(1, len(name)/3)
	var list []candidate
	before := ""
	for i := range r.index.numNamed() {
		other := r.field(r.index.named(i), colName)
		if compareFold(other, before) == 0 {
			continue // the next record of the same name
		}
		before = other
		d := editDistance(name, other, limit)
		if d > limit && len(name) >= 3 && len(other) > len(name) && compareFold(other[:len(name)], name) == 0 {
			d = limit + 1 // after those that look like a slip
		} else if d > limit {
			continue
		}
		list = append(list, candidate{other, d, commonPrefix(name, other)})
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(b.prefix, a.prefix), compareFold(a.name, b.name))
	})
	var names []string
	for _, c := range list[:min(n, len(list))] {
		names = append(names, c.name)
	}
	return names
}

// commonPrefix counts the letters with which both begin, in any case.
func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && lower(a[n]) == lower(b[n]) {
		n++
	}
	return n
}

// editDistance counts the insertions, deletions, changes and exchanges of
// neighbours that make b of a, in any case; limit+1 stands for more than limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	// Three rows of the table: for the letters of a before the last one,
	// before this one, and up to this one.
	var space [3][6*maxNameLen + 1]int
	if len(b) >= len(space[0]) {
		return limit + 1
	}
	prev2, prev, row := space[0][:], space[1][:], space[2][:]
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		best := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if lower(a[i-1]) == lower(b[j-1]) {
				cost = 0
			}
			d := min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && lower(a[i-1]) == lower(b[j-2]) && lower(a[i-2]) == lower(b[j-1]) {
				d = min(d, prev2[j-2]+1)
			}
			row[j] = d
			best = min(best, d)
		}
		if best > limit {
			return limit + 1
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(b)]
}
