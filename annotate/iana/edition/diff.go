package edition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// ChangeKind says how the answer for a port on a transport differs between two
// editions.
type ChangeKind uint8

// The kinds. Each (port, transport) has at most one: the first that applies.
const (
	Added         ChangeKind = iota + 1 // is assigned, was not
	Removed                             // was assigned, is not
	Renamed                             // is and was assigned, with other names or another first one
	StatusChanged                       // is and was not assigned, with another status: reserved, unassigned
	Revised                             // is and was assigned under the same names, with another description, date, document, service code or report of unauthorized use
)

var changeNames = [...]string{"", "added", "removed", "renamed", "status", "revised"}

// String gives "added", "removed", "renamed", "status" or "revised".
func (k ChangeKind) String() string {
	if int(k) < len(changeNames) {
		return changeNames[k]
	}
	return fmt.Sprintf("change(%d)", uint8(k))
}

// MarshalText gives the same text as String.
func (k ChangeKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// A Change is one difference between two editions: of a port on a transport,
// or of a name that is registered without a port.
type Change struct {
	Kind      ChangeKind
	Transport iana.Transport

	HasPort  bool
	Port     uint16     // valid when HasPort
	Old, New iana.Entry // the answers, valid when HasPort

	Name string // of a name without port: empty when HasPort
}

// String gives one line for people: "11434/tcp: added: ollama (Ollama)".
func (c Change) String() string {
	where := "no port"
	if c.HasPort {
		where = fmt.Sprint(c.Port)
	}
	if c.Transport != iana.NoTransport {
		where += "/" + c.Transport.String()
	}
	s := where + ": " + c.Kind.String() + ": "
	if !c.HasPort {
		return s + c.Name
	}
	switch c.Kind {
	case Added:
		return s + withDescription(c.New)
	case Removed:
		return s + withDescription(c.Old) + ", now " + c.New.Status.String()
	case Renamed:
		return s + allNames(c.Old) + ", now " + allNames(c.New)
	case StatusChanged:
		return s + c.Old.Status.String() + ", now " + c.New.Status.String()
	}
	if c.Old.Description() != c.New.Description() {
		return fmt.Sprintf("%s%s: %q, now %q", s, allNames(c.New), c.Old.Description(), c.New.Description())
	}
	return s + allNames(c.New)
}

func withDescription(e iana.Entry) string {
	names, d := allNames(e), e.Description()
	if d == "" || names == d {
		return names
	}
	return names + " (" + d + ")"
}

// allNames joins the names. A use without a name is described.
func allNames(e iana.Entry) string {
	if e.NumNames() == 0 {
		return e.Description()
	}
	return strings.Join(e.Names(), ", ")
}

// Compare lists what changed from one edition to another, by port and
// transport; names without a port come last, by name.
//
// What is compared are the answers of [Registry.Lookup], not the records: a
// range of unassigned ports that is cut in two because a port in it was
// assigned is one change. Only ports that both editions cover count. Assignee,
// contact and notes are not compared, since the embedded edition lacks them;
// nor are descriptions and dates of ports that are not assigned.
//
// A name without a port is Added or Removed, for the transport of its record.
func Compare(old, new *iana.Registry) []Change {
	var list []Change
	for e := range old.Entries() {
		c := Change{HasPort: true, Port: e.Port, Transport: e.Transport, Old: e, New: new.Lookup(e.Transport, e.Port)}
		if c.Kind = changeOf(c.Old, c.New); c.Kind != 0 {
			list = append(list, c)
		}
	}
	return append(list, compareNames(old, new)...)
}

// changeOf gives the kind of a change, or 0 for none.
func changeOf(a, b iana.Entry) ChangeKind {
	switch {
	case a.Status == iana.Unknown || b.Status == iana.Unknown:
		return 0
	case a.Status != iana.Assigned && b.Status == iana.Assigned:
		return Added
	case a.Status == iana.Assigned && b.Status != iana.Assigned:
		return Removed
	case a.Status != b.Status:
		return StatusChanged
	case a.Status != iana.Assigned:
		return 0
	case !sameNames(a, b):
		return Renamed
	case a.Description() != b.Description(),
		a.Registered() != b.Registered(),
		a.Modified() != b.Modified(),
		a.ServiceCode() != b.ServiceCode(),
		a.Unauthorized() != b.Unauthorized(),
		!slices.Equal(a.References(), b.References()):
		return Revised
	}
	return 0
}

func sameNames(a, b iana.Entry) bool {
	if a.NumNames() != b.NumNames() {
		return false
	}
	for i := range a.NumNames() {
		if a.NameAt(i) != b.NameAt(i) {
			return false
		}
	}
	return true
}

// compareNames compares the names that are registered without a port. Names
// are worth comparing only between whole editions: an excerpt is one of ports.
func compareNames(old, new *iana.Registry) []Change {
	if !old.Coverage().Complete() || !new.Coverage().Complete() {
		return nil
	}
	type key struct {
		name string
		t    iana.Transport
	}
	names := func(r *iana.Registry) map[key]bool {
		m := make(map[key]bool)
		for rec := range r.Records() {
			if !rec.HasPort {
				m[key{rec.Name, rec.Transport}] = true
			}
		}
		return m
	}
	before, after := names(old), names(new)
	var list []Change
	for k := range before {
		if !after[k] {
			list = append(list, Change{Kind: Removed, Name: k.name, Transport: k.t})
		}
	}
	for k := range after {
		if !before[k] {
			list = append(list, Change{Kind: Added, Name: k.name, Transport: k.t})
		}
	}
	slices.SortFunc(list, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Transport, b.Transport))
	})
	return list
}
