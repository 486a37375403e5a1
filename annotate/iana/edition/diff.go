package edition

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// ChangeKind is the kind of a difference between two editions.
type ChangeKind uint8

// The kinds of changes of a port on a transport.
const (
	// Added: the port is assigned, and was not.
	Added ChangeKind = iota + 1
	// Removed: the port was assigned, and is not.
	Removed
	// Renamed: the port is still assigned, and its names or their order changed.
	Renamed
	// StatusChanged: the port changed between reserved and unassigned.
	StatusChanged
	// Revised: the port is assigned under the same names; its description, a
	// date, its references, its service code or the report of unauthorized use
	// changed.
	Revised
)

var changeNames = [...]string{"", "added", "removed", "renamed", "status", "revised"}

// String returns "added", "removed", "renamed", "status" or "revised".
func (k ChangeKind) String() string {
	if int(k) < len(changeNames) {
		return changeNames[k]
	}
	return fmt.Sprintf("change(%d)", uint8(k))
}

// MarshalText returns the same text as String.
func (k ChangeKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// A Change is one difference between two editions. It is about a port on a
// transport, or about a name that is registered without a port.
type Change struct {
	Kind      ChangeKind // Added or Removed for a name without a port
	Transport iana.Transport

	HasPort  bool
	Port     uint16     // valid if HasPort
	Old, New iana.Entry // the answers of both editions; valid if HasPort

	Name string // valid if not HasPort
}

// String returns the change in one line, for people: "11434/tcp: added: ollama
// (Ollama)".
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

// Compare returns what changed from the edition old to the edition new: first
// ports, by port, then by transport, then names without a port, by name.
//
// It compares the answers of [iana.Registry.Lookup], not the records. So if a port
// within an unassigned range is assigned, that is one change, although the range
// is now in two records. Ports that only one of the editions covers are left out,
// and so are names without a port unless both editions cover all ports.
//
// Assignees, contacts and notes are not compared, because the embedded edition
// does not have them. Service codes and reports of unauthorized use are not compared
// if one of the editions is partial: see [iana.Edition]. Of ports that are not
// assigned, only the status is compared.
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

// PortChanges returns how the answer for a port on a transport changed since the
// first known edition, that of [iana.FirstKnown], the oldest change first. The Old
// and New of a change tell their editions: see [iana.Entry.Edition]. The edition of
// New is the first known edition that has the change. What is compared is the same
// as in [Compare].
func PortChanges(t iana.Transport, port uint16) []Change { return ChangesOf(iana.PortHistory(t, port)) }

// ChangesOf returns the changes from each answer to the next: see [PortChanges]. The
// answers are for one port on one transport, as [iana.PortHistory] returns them.
func ChangesOf(answers []iana.Entry) []Change {
	var list []Change
	for i := 1; i < len(answers); i++ {
		c := Change{Transport: answers[i].Transport, HasPort: true, Port: answers[i].Port, Old: answers[i-1], New: answers[i]}
		if c.Kind = changeOf(c.Old, c.New); c.Kind != 0 {
			list = append(list, c)
		}
	}
	return list
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
		!slices.Equal(a.References(), b.References()):
		return Revised
	case a.Edition().Partial || b.Edition().Partial:
		return 0
	case a.ServiceCode() != b.ServiceCode(), a.Unauthorized() != b.Unauthorized():
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
