package iana

import (
	"iter"
	"strings"
)

// Entry is what the registry says of one (transport, port). It is small, can
// be compared, and stays valid as long as it is kept. The zero value is an
// unknown port 0.
//
// Where several records concern the port, the fields and methods speak of the
// one that comes first in precedence and preference; see [Entry.Records].
type Entry struct {
	Port      uint16
	Transport Transport
	Status    Status
	// Listed reports whether a record concerns the port. An unlisted port
	// below 49152 is unassigned (RFC 6335 section 6).
	Listed bool
	// TransportUnspecified reports that the record names no transport, so
	// that it applies to all of them.
	TransportUnspecified bool
	// Precedence says which kind of record decided.
	Precedence Precedence

	cell uint16 // of the index; 0 when not listed
	reg  *Registry
}

// Precedence says how closely the deciding record fits the question. A record
// of a smaller value hides those of a greater one.
type Precedence uint8

// The steps, the deciding one first.
const (
	NoRecord          Precedence = iota // none concerns the port
	ExactTransport                      // this port on this transport
	ExactAnyTransport                   // this port, no transport named
	RangeTransport                      // a range with this port, this transport
	RangeAnyTransport                   // a range with this port, no transport named
)

var precedenceNames = [...]string{
	"no record",
	"the port on this transport",
	"the port, transport not specified",
	"a range on this transport",
	"a range, transport not specified",
}

// String describes the step in a few words.
func (p Precedence) String() string {
	if int(p) < len(precedenceNames) {
		return precedenceNames[p]
	}
	return "unknown precedence"
}

// PortRange is one of the three ranges of RFC 6335 section 6.
type PortRange uint8

// The ranges.
const (
	SystemPorts  PortRange = iota // 0 to 1023
	UserPorts                     // 1024 to 49151
	DynamicPorts                  // 49152 to 65535
)

// RangeOf says in which range a port lies.
func RangeOf(port uint16) PortRange {
	switch {
	case port < FirstUser:
		return SystemPorts
	case port < FirstDynamic:
		return UserPorts
	}
	return DynamicPorts
}

// String gives "system", "user" or "dynamic".
func (p PortRange) String() string {
	switch p {
	case SystemPorts:
		return "system"
	case UserPorts:
		return "user"
	}
	return "dynamic"
}

// MarshalText gives the same text as String.
func (p PortRange) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// TransportSet is a set of the four transports.
type TransportSet uint8

// Has reports whether t is in the set.
func (s TransportSet) Has(t Transport) bool { return s>>t&1 != 0 }

// With gives the set with t added.
func (s TransportSet) With(t Transport) TransportSet { return s | 1<<t }

// All goes through the set in the order of the registry.
func (s TransportSet) All() iter.Seq[Transport] {
	return func(yield func(Transport) bool) {
		for _, t := range Transports() {
			if s.Has(t) && !yield(t) {
				return
			}
		}
	}
}

// String gives "tcp,sctp", or "" for the empty set.
func (s TransportSet) String() string {
	var b strings.Builder
	for t := range s.All() {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(t.String())
	}
	return b.String()
}

// MarshalText gives the same text as String.
func (s TransportSet) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Deassignment tells of an assignment that was taken back.
type Deassignment struct {
	Date       string // "2025-02-13", "2004-06", or empty where the registry gives none
	FormerName string // as the registry words it: "compressnet", "NETCONF over BEEP"; may be empty
}

// first is the record that decides. ok is false for an unlisted port.
func (e Entry) first() (rec int, ok bool) {
	if e.cell == 0 {
		return 0, false
	}
	return e.reg.index.recordOf(e.cell, 0), true
}

// field gives a column of the deciding record, without allocation.
func (e Entry) field(c column) string {
	if rec, ok := e.first(); ok {
		return e.reg.field(rec, c)
	}
	return ""
}

// NumNames counts the service names that are assigned to the port.
func (e Entry) NumNames() int {
	if e.cell == 0 {
		return 0
	}
	return e.reg.index.header(e.cell).names()
}

// Name is the preferred name, or "" where the port has none: it is not
// assigned, or assigned to a described use ("any private mail system").
func (e Entry) Name() string {
	if e.NumNames() == 0 {
		return ""
	}
	return e.NameAt(0)
}

// NameAt gives the i'th name in order of preference, without allocation. It
// panics unless 0 <= i < NumNames().
func (e Entry) NameAt(i int) string {
	if i < 0 || i >= e.NumNames() {
		panic("iana: name index out of range")
	}
	return e.reg.field(e.reg.index.recordOf(e.cell, i), colName)
}

// Names gives all names in order of preference: those not marked historic,
// alias or duplicate first, then the well-formed ([ValidName]), then those that
// cite an RFC, then those registered earlier (a record without a date is older
// than any with one), then by letter. It allocates unless there is none.
func (e Entry) Names() []string {
	n := e.NumNames()
	if n == 0 {
		return nil
	}
	names := make([]string, n)
	for i := range names {
		names[i] = e.NameAt(i)
	}
	return names
}

// Description is that of the preferred record.
func (e Entry) Description() string { return e.field(colDescription) }

// Range says in which of the three ranges the port lies.
func (e Entry) Range() PortRange { return RangeOf(e.Port) }

// Span is the record's own range of ports (6000-6063 for any of the x11
// ports), or the port alone where no record concerns it.
func (e Entry) Span() Span {
	if rec, ok := e.first(); ok {
		if s, ok := e.reg.span(rec); ok {
			return s
		}
	}
	return Span{e.Port, e.Port}
}

// Registered is the registration date as published, "2013-11-12" or "2005-04",
// or "". Dates of both forms compare as strings.
func (e Entry) Registered() string { return e.field(colRegistered) }

// Modified is the date of the last change, likewise.
func (e Entry) Modified() string { return e.field(colModified) }

// References are the documents cited: "RFC6335". It allocates for the embedded
// edition unless there is none.
func (e Entry) References() []string {
	if rec, ok := e.first(); ok {
		return e.reg.references(rec)
	}
	return nil
}

// ServiceCode is the DCCP service code (RFC 4340 section 8.1.2) as published.
func (e Entry) ServiceCode() string { return e.field(colServiceCode) }

// Unauthorized is the registry's report that this very port is used without an
// assignment. A record for a range names the port it means: 6003 alone of the
// x11 ports, 796 alone of 788-799.
func (e Entry) Unauthorized() string {
	if e.cell == 0 {
		return ""
	}
	for i := range e.reg.index.header(e.cell).deciding() {
		rec := e.reg.index.recordOf(e.cell, i)
		text := e.reg.field(rec, colUnauthorized)
		if text == "" {
			continue
		}
		if span, ok := e.reg.span(rec); ok && concernsPort(text, span, e.Port) {
			return text
		}
	}
	return ""
}

// Deassigned tells what became of an earlier assignment of a port that is now
// reserved or unassigned. ok is false where the registry tells of none.
func (e Entry) Deassigned() (d Deassignment, ok bool) {
	if rec, listed := e.first(); listed {
		return e.reg.deassigned(rec)
	}
	return Deassignment{}, false
}

// Siblings are the other transports on which this port is assigned.
func (e Entry) Siblings() TransportSet {
	var s TransportSet
	if e.reg == nil {
		return s
	}
	for _, t := range Transports() {
		if t != e.Transport && e.reg.Lookup(t, e.Port).Status == Assigned {
			s = s.With(t)
		}
	}
	return s
}

// Assignee is the holder, as published: "[IESG]". The embedded edition leaves
// it out.
func (e Entry) Assignee() string { return e.field(colAssignee) }

// Contact is whom to ask, as published: "[IETF_Chair]". The embedded edition
// leaves it out.
func (e Entry) Contact() string { return e.field(colContact) }

// Notes are the assignment notes. The embedded edition leaves them out.
func (e Entry) Notes() string { return e.field(colNotes) }

// Records gives every record that concerns the port, in order of precedence,
// those of one step in order of preference. The first n = [Entry.Deciding]
// decided; the rest they hide.
func (e Entry) Records() []Record {
	if e.cell == 0 {
		return nil
	}
	list := make([]Record, e.reg.index.count(e.cell))
	for i := range list {
		list[i] = e.reg.record(e.reg.index.recordOf(e.cell, i))
	}
	return list
}

// Deciding counts the records of the step that decided.
func (e Entry) Deciding() int {
	if e.cell == 0 {
		return 0
	}
	return e.reg.index.header(e.cell).deciding()
}
