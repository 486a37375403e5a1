package iana

import (
	"fmt"
	"slices"
	"strings"
)

// ProblemKind says what is odd about a part of the registry.
type ProblemKind uint8

// The kinds, in the order in which Check reports them.
const (
	// Overlap: records of different precedence concern the same port. The
	// registry lists 7775 twice: alone, and in the unassigned 7748-7776.
	Overlap ProblemKind = iota + 1
	// Conflict: records of the same precedence disagree on the status.
	Conflict
	// DynamicRecord: a record for ports that are never assigned.
	DynamicRecord
	// Unclassified: the description fits no known form.
	Unclassified
	// MalformedName: the name breaks RFC 6335 section 5.1.
	MalformedName
	// SeveralNames: a port has more than one name. That is allowed, and worth
	// knowing where one name is shown.
	SeveralNames
)

var problemNames = [...]string{
	"", "overlap", "conflict", "dynamic-record", "unclassified", "malformed-name", "several-names",
}

// String gives a short word for the kind, such as "overlap".
func (k ProblemKind) String() string {
	if int(k) < len(problemNames) {
		return problemNames[k]
	}
	return fmt.Sprintf("problem(%d)", uint8(k))
}

// MarshalText gives the same text as String.
func (k ProblemKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Problem is an oddity of an edition. Most of them are old and will stay.
type Problem struct {
	Kind      ProblemKind
	Ports     Span      // valid when HasPort
	HasPort   bool      // false for a name without port
	Transport Transport // NoTransport where the records name none
	Text      string    // what is odd, for people
	Line      int       // of the source; 0 when unknown
}

// String gives "7775/tcp: overlap: ...".
func (p Problem) String() string {
	where := "no port"
	if p.HasPort {
		where = p.Ports.String()
	}
	if p.Transport != NoTransport {
		where += "/" + p.Transport.String()
	}
	return where + ": " + p.Kind.String() + ": " + p.Text
}

// Check goes through an edition and reports what is odd, by kind, then by port.
func (r *Registry) Check() []Problem {
	list := r.checkRecords()
	// The same records may concern a port on all four transports, or a range
	// of ports; they then share a cell, and are reported once.
	seen := map[uint16]bool{}
	for _, t := range Transports() {
		for port := range uint16(FirstDynamic) {
			e := r.Lookup(t, port)
			if e.cell == 0 || seen[e.cell] {
				continue
			}
			seen[e.cell] = true
			list = append(list, r.checkCell(e)...)
		}
	}
	slices.SortStableFunc(list, func(a, b Problem) int {
		if a.Kind != b.Kind {
			return int(a.Kind) - int(b.Kind)
		}
		if c := falseFirst(!a.HasPort, !b.HasPort); c != 0 {
			return c
		}
		if a.Ports.First != b.Ports.First {
			return int(a.Ports.First) - int(b.Ports.First)
		}
		return int(a.Transport) - int(b.Transport)
	})
	return list
}

// checkRecords looks at each record by itself.
func (r *Registry) checkRecords() []Problem {
	var list []Problem
	for _, w := range r.allRows() {
		p := Problem{Ports: w.Ports, HasPort: w.HasPort, Transport: w.Transport, Line: w.Line}
		if w.unsure {
			p.Kind, p.Text = Unclassified, fmt.Sprintf("description %q without a name", w.Description)
			if w.Description == "" {
				p.Text = "neither name nor description"
			}
			list = append(list, p)
		}
		if w.HasPort && w.Ports.Last >= FirstDynamic {
			p.Kind, p.Text = DynamicRecord, "ports from 49152 up are never assigned"
			list = append(list, p)
		}
		if w.Name == "" {
			continue
		}
		if err := ValidName(w.Name); err != nil {
			p.Kind, p.Text = MalformedName, fmt.Sprintf("name %q: %v", w.Name, err)
			list = append(list, p)
		}
	}
	return list
}

// checkCell looks at the records that concern one port.
func (r *Registry) checkCell(e Entry) []Problem {
	var list []Problem
	recs := e.Records()
	decided, hidden := recs[:e.Deciding()], recs[e.Deciding():]
	p := Problem{Ports: e.Span(), HasPort: true, Transport: e.Transport, Line: decided[0].Line}
	if e.TransportUnspecified {
		p.Transport = NoTransport
	}
	if len(hidden) > 0 {
		texts := make([]string, len(hidden))
		for i := range hidden {
			texts[i] = hidden[i].summary()
		}
		p.Kind = Overlap
		p.Text = fmt.Sprintf("%s hides %s", decided[0].summary(), strings.Join(texts, ", "))
		list = append(list, p)
	}
	for i := 1; i < len(decided); i++ {
		if classify(&decided[i]).status != e.Status {
			p.Kind = Conflict
			p.Text = fmt.Sprintf("%s and %s", decided[0].summary(), decided[i].summary())
			list = append(list, p)
			break
		}
	}
	if e.NumNames() > 1 {
		p.Kind = SeveralNames
		p.Text = strings.Join(e.Names(), ", ")
		list = append(list, p)
	}
	return list
}

// summary names a record in a few words: "7748-7776 Unassigned".
func (rec *Record) summary() string {
	var b strings.Builder
	if rec.HasPort {
		b.WriteString(rec.Ports.String())
	}
	if rec.Transport != NoTransport {
		b.WriteString("/" + rec.Transport.String())
	}
	b.WriteByte(' ')
	if rec.Name != "" {
		b.WriteString(rec.Name)
	} else {
		b.WriteString(rec.Description)
	}
	return strings.TrimSpace(b.String())
}
