package iana

import (
	"iter"
	"strings"
)

// Entry is what the registry says about a port on a transport. It is small, can
// be compared with ==, and never becomes invalid. The zero value is port 0 with
// status [Unknown].
//
// If several records apply to the port, the methods that return a field of a
// record return that of the first record: see [Entry.Records] for the order.
type Entry struct {
	Port      uint16
	Transport Transport
	Status    Status
	// Listed reports whether a record applies to the port. A port below 49152
	// without a record is unassigned (RFC 6335 section 6).
	Listed bool
	// TransportUnspecified reports whether the first record names no transport
	// and so applies to all transports.
	TransportUnspecified bool
	// Precedence is that of the first record.
	Precedence Precedence

	cell uint16 // of the index; 0 when not listed
	reg  *Registry
}

// Precedence tells how closely a record matches a port and transport. If several
// records apply, those with the smallest value decide the answer.
type Precedence uint8

// The precedences, from the closest match to the widest.
const (
	NoRecord          Precedence = iota // no record applies to the port
	ExactTransport                      // a record for this port alone, on this transport
	ExactAnyTransport                   // a record for this port alone, without a transport
	RangeTransport                      // a record for a range of ports, on this transport
	RangeAnyTransport                   // a record for a range of ports, without a transport
)

var precedenceNames = [...]string{
	"no record",
	"the port on this transport",
	"the port, transport not specified",
	"a range on this transport",
	"a range, transport not specified",
}

// String describes the precedence in a few words.
func (p Precedence) String() string {
	if int(p) < len(precedenceNames) {
		return precedenceNames[p]
	}
	return "unknown precedence"
}

// PortRange is one of the three ranges of port numbers (RFC 6335 section 6).
type PortRange uint8

// The ranges.
const (
	SystemPorts  PortRange = iota // 0 to 1023
	UserPorts                     // 1024 to 49151
	DynamicPorts                  // 49152 to 65535
)

// RangeOf returns the range in which a port lies.
func RangeOf(port uint16) PortRange {
	switch {
	case port < FirstUser:
		return SystemPorts
	case port < FirstDynamic:
		return UserPorts
	}
	return DynamicPorts
}

// String returns "system", "user" or "dynamic".
func (p PortRange) String() string {
	switch p {
	case SystemPorts:
		return "system"
	case UserPorts:
		return "user"
	}
	return "dynamic"
}

// MarshalText returns the same text as String.
func (p PortRange) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// TransportSet is a set of the four transports.
type TransportSet uint8

// Has reports whether t is in the set.
func (s TransportSet) Has(t Transport) bool { return s>>t&1 != 0 }

// With returns the set with t added.
func (s TransportSet) With(t Transport) TransportSet { return s | 1<<t }

// All yields the transports of the set in the order of [Transports].
func (s TransportSet) All() iter.Seq[Transport] {
	return func(yield func(Transport) bool) {
		for _, t := range Transports() {
			if s.Has(t) && !yield(t) {
				return
			}
		}
	}
}

// String returns "tcp,sctp", or "" for the empty set.
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

// MarshalText returns the same text as String.
func (s TransportSet) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Deassignment describes an assignment that IANA took back.
type Deassignment struct {
	Date       string // "2025-02-13" or "2004-06"; empty if the registry gives none
	FormerName string // in the registry's words: "compressnet", "NETCONF over BEEP"; may be empty
}

// Edition returns the edition that gave this answer.
func (e Entry) Edition() Edition {
	if e.reg == nil {
		return Edition{}
	}
	return e.reg.edition
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

// NumNames returns the number of different service names of the port.
func (e Entry) NumNames() int {
	if e.cell == 0 {
		return 0
	}
	return e.reg.index.header(e.cell).names()
}

// Name returns the preferred service name, the first of [Entry.Names]. It is empty
// if the port is not assigned, or is assigned to a use that has a description
// but no name ("any private mail system").
func (e Entry) Name() string {
	if e.NumNames() == 0 {
		return ""
	}
	return e.NameAt(0)
}

// NameAt returns Names()[i] without allocation. It panics unless
// 0 <= i < NumNames().
func (e Entry) NameAt(i int) string {
	if i < 0 || i >= e.NumNames() {
		panic("iana: name index out of range")
	}
	return e.reg.field(e.reg.index.recordOf(e.cell, i), colName)
}

// Names returns all service names of the port, the preferred one first. To
// choose between two names, the first of these rules that tells them apart is
// used. The preferred name
//   - is not marked as historic, as an alias or as a duplicate in the notes,
//   - is well formed ([ValidName]),
//   - cites an RFC,
//   - was registered earlier (no date counts as earliest),
//   - comes first by letter.
//
// Names allocates if the port has a name.
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

// Description returns the description of the first record.
func (e Entry) Description() string { return e.field(colDescription) }

// Range returns in which of the three ranges the port lies.
func (e Entry) Range() PortRange { return RangeOf(e.Port) }

// Span returns the ports of the first record: 6000-6063 for any of the x11 ports.
// If no record applies to the port, it is the port alone.
func (e Entry) Span() Span {
	if rec, ok := e.first(); ok {
		if s, ok := e.reg.span(rec); ok {
			return s
		}
	}
	return Span{e.Port, e.Port}
}

// Registered returns the registration date as published: "2013-11-12", "2005-04"
// or "".
func (e Entry) Registered() string { return e.field(colRegistered) }

// Modified returns the date of the last change, in the forms of Registered.
func (e Entry) Modified() string { return e.field(colModified) }

// References returns the documents that the record cites: "RFC6335". For the
// embedded edition it allocates, unless there are none.
func (e Entry) References() []string {
	if rec, ok := e.first(); ok {
		return e.reg.references(rec)
	}
	return nil
}

// ServiceCode returns the DCCP service code (RFC 4340 section 8.1.2) as
// published: a decimal number.
func (e Entry) ServiceCode() string { return e.field(colServiceCode) }

// Unauthorized returns the registry's report that this port is used without an
// assignment, or "". A record for a range of ports often names the port that it
// means: of the x11 ports 6000-6063 only 6003, of 788-799 only 796.
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

// Deassigned returns what the registry says about an earlier assignment of a port
// that is now reserved or unassigned. ok is false if it mentions none.
func (e Entry) Deassigned() (d Deassignment, ok bool) {
	if rec, listed := e.first(); listed {
		return e.reg.deassigned(rec)
	}
	return Deassignment{}, false
}

// Siblings returns the other transports on which this port is assigned.
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

// On returns what the same edition says about the port on another transport.
func (e Entry) On(t Transport) Entry {
	if e.reg == nil {
		return Entry{Port: e.Port, Transport: t}
	}
	return e.reg.Lookup(t, e.Port)
}

// Assignee returns the holder of the assignment as published: "[IESG]". It is
// empty for the embedded edition.
func (e Entry) Assignee() string { return e.field(colAssignee) }

// Contact returns the contact person as published: "[IETF_Chair]". It is empty
// for the embedded edition.
func (e Entry) Contact() string { return e.field(colContact) }

// Notes returns the assignment notes. They are empty for the embedded edition.
func (e Entry) Notes() string { return e.field(colNotes) }

// Records returns every record that applies to the port, by [Precedence]. Records
// of the same precedence are ordered by status (assigned, reserved, unassigned),
// then by the preference of their names: see [Entry.Names]. A record that repeats
// the name of another comes after those with a name of their own. The first
// [Entry.Deciding] records decide the answer and hide the others.
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

// Deciding returns the number of records that decide the answer: those of the
// entry's precedence.
func (e Entry) Deciding() int {
	if e.cell == 0 {
		return 0
	}
	return e.reg.index.header(e.cell).deciding()
}
