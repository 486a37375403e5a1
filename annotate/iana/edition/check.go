package edition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// ProblemKind is a kind of oddity in the registry.
type ProblemKind uint8

// The kinds, in the order in which [Check] reports them.
const (
	// Overlap: records of different precedence apply to the same port. The
	// registry lists 7775 twice: alone, and in the unassigned range 7748-7776.
	Overlap ProblemKind = iota + 1
	// Conflict: records of the same precedence have different statuses.
	Conflict
	// DynamicRecord: a record for ports from 49152 up, which are never assigned.
	DynamicRecord
	// Unclassified: the record has no name, and its description has no known form.
	Unclassified
	// MalformedName: the name breaks the rules of RFC 6335 section 5.1.
	MalformedName
	// SeveralNames: a port has more than one name. RFC 6335 allows that.
	SeveralNames
)

var problemNames = [...]string{
	"", "overlap", "conflict", "dynamic-record", "unclassified", "malformed-name", "several-names",
}

// String returns a short word for the kind: "overlap", "conflict",
// "dynamic-record", "unclassified", "malformed-name" or "several-names".
func (k ProblemKind) String() string {
	if int(k) < len(problemNames) {
		return problemNames[k]
	}
	return fmt.Sprintf("problem(%d)", uint8(k))
}

// MarshalText returns the same text as String.
func (k ProblemKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Problem is an oddity of an edition. Most of those in the registry are old and
// harmless.
type Problem struct {
	Kind      ProblemKind
	Ports     iana.Span      // valid if HasPort
	HasPort   bool           // false for a name without a port
	Transport iana.Transport // NoTransport if the record names none
	Text      string         // what is odd, for people
	Line      int            // line of the file, from 1; 0 if unknown
}

// String returns the problem in one line: "7775/tcp: overlap: ...".
func (p Problem) String() string {
	where := "no port"
	if p.HasPort {
		where = p.Ports.String()
	}
	if p.Transport != iana.NoTransport {
		where += "/" + p.Transport.String()
	}
	return where + ": " + p.Kind.String() + ": " + p.Text
}

// Check returns the oddities of an edition, ordered by kind, then by port, then by
// transport. Within a kind, names without a port come last.
func Check(r *iana.Registry) []Problem {
	list := checkRecords(r)
	for e := range r.Distinct() {
		list = append(list, checkEntry(e)...)
	}
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.place(), b.place()), cmp.Compare(a.Transport, b.Transport))
	})
	return list
}

// place orders problems by their first port; those without one come last.
func (p *Problem) place() int {
	if !p.HasPort {
		return 1 << 16
	}
	return int(p.Ports.First)
}

// checkRecords looks at each record by itself.
func checkRecords(r *iana.Registry) []Problem {
	var list []Problem
	for w := range r.Records() {
		p := Problem{Ports: w.Ports, HasPort: w.HasPort, Transport: w.Transport, Line: w.Line}
		if _, sure := w.Status(); !sure {
			p.Kind, p.Text = Unclassified, fmt.Sprintf("description %q without a name", w.Description)
			if w.Description == "" {
				p.Text = "neither name nor description"
			}
			list = append(list, p)
		}
		if w.HasPort && w.Ports.Last >= iana.FirstDynamic {
			p.Kind, p.Text = DynamicRecord, "ports from 49152 up are never assigned"
			list = append(list, p)
		}
		if w.Name == "" {
			continue
		}
		if err := iana.ValidName(w.Name); err != nil {
			p.Kind, p.Text = MalformedName, fmt.Sprintf("name %q: %v", w.Name, err)
			list = append(list, p)
		}
	}
	return list
}

// checkEntry looks at the records that concern one port.
func checkEntry(e iana.Entry) []Problem {
	var list []Problem
	recs := e.Records()
	decided, hidden := recs[:e.Deciding()], recs[e.Deciding():]
	p := Problem{Ports: e.Span(), HasPort: true, Transport: e.Transport, Line: decided[0].Line}
	if e.TransportUnspecified {
		p.Transport = iana.NoTransport
	}
	if len(hidden) > 0 {
		texts := make([]string, len(hidden))
		for i := range hidden {
			texts[i] = summary(&hidden[i])
		}
		p.Kind = Overlap
		p.Text = fmt.Sprintf("%s hides %s", summary(&decided[0]), strings.Join(texts, ", "))
		list = append(list, p)
	}
	for i := 1; i < len(decided); i++ {
		if s, _ := decided[i].Status(); s != e.Status {
			p.Kind = Conflict
			p.Text = fmt.Sprintf("%s and %s", summary(&decided[0]), summary(&decided[i]))
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
func summary(rec *iana.Record) string {
	var b strings.Builder
	if rec.HasPort {
		b.WriteString(rec.Ports.String())
	}
	if rec.Transport != iana.NoTransport {
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
