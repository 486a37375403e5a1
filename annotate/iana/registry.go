package iana

import (
	"fmt"
	"iter"
)

// FirstDynamic is the first of the dynamic (private, ephemeral) ports, which
// are never assigned (RFC 6335 section 6).
const FirstDynamic = 49152

// FirstUser is the first of the user (registered) ports; the system (well
// known) ports end below it (RFC 6335 section 6).
const FirstUser = 1024

// Edition says which publication of the registry is loaded.
type Edition struct {
	Date    string `json:"date"`             // the registry's "last updated", as "2026-08-17"; empty when the form has none
	Source  string `json:"source"`           // address or file name
	SHA256  string `json:"sha256,omitempty"` // of the (uncompressed) source, hexadecimal
	Form    string `json:"form"`             // "csv", "xml", "text", "html", "excerpt" or "embedded"
	Records int    `json:"records"`          // number of records
}

// Coverage is the range of ports for which an edition is complete. Outside of
// it, the absence of a record means nothing. The zero value covers port 0 only.
type Coverage struct{ Span }

// AllPorts is the coverage of a whole registry.
func AllPorts() Coverage { return Coverage{Span{0, 65535}} }

// Complete reports whether every port is covered.
func (c Coverage) Complete() bool { return c == AllPorts() }

// Contact is an entry of the registry's contact directory, to which the
// assignee and contact columns refer by ID: "[Jon_Postel]".
type Contact struct {
	ID           string
	Name         string
	Organization string
	URI          string
	Updated      string // "2010-01-04" or "2010-01"
}

// A Registry is one edition, ready for lookups. It never changes, and any
// number of goroutines may use it. The zero value answers [Unknown] to
// everything but dynamic ports; make one with [NewRegistry] or [Embedded].
type Registry struct {
	edition Edition
	cover   Coverage
	// rows holds the records of an edition that was read from a file; table
	// holds those of the embedded edition, one a line. One of them is empty.
	rows     []row
	table    string
	index    index
	contacts map[string]Contact
}

// row is a record with what the registry's free text says of it.
type row struct {
	Record
	class
}

// NewRegistry makes a registry of the records of one edition. It keeps the
// slice. cover says for which ports the records are complete.
//
// The only errors are limits that no real edition comes near: more records, or
// more overlaps between them, than the index has room for.
func NewRegistry(ed Edition, records []Record, cover Coverage) (*Registry, error) {
	rows := make([]row, len(records))
	for i := range records {
		rows[i] = row{records[i], classify(&records[i])}
	}
	blob, err := buildIndex(rows)
	if err != nil {
		return nil, fmt.Errorf("index registry %s: %w", ed.Source, err)
	}
	ix, err := openIndex(blob)
	if err != nil {
		return nil, fmt.Errorf("index registry %s: %w", ed.Source, err)
	}
	ed.Records = len(records)
	return &Registry{edition: ed, cover: cover, rows: rows, index: ix}, nil
}

// Edition says which edition this is.
func (r *Registry) Edition() Edition { return r.edition }

// Coverage says for which ports the edition is complete.
func (r *Registry) Coverage() Coverage { return r.cover }

// Contact finds an entry of the contact directory. The embedded edition and
// the CSV form have none.
func (r *Registry) Contact(id string) (Contact, bool) {
	c, ok := r.contacts[id]
	return c, ok
}

// Contacts finds the entries that the text of an assignee or contact column
// refers to: "[IESG][IETF_Chair]". Those that are not in the directory have
// nothing but the ID.
func (r *Registry) Contacts(text string) []Contact {
	var list []Contact
	for _, id := range SplitReferences(text) {
		c, ok := r.Contact(id)
		if !ok {
			c.ID = id
		}
		list = append(list, c)
	}
	return list
}

// WithContacts gives the same edition with another contact directory.
func (r *Registry) WithContacts(list []Contact) *Registry {
	with := *r
	with.contacts = make(map[string]Contact, len(list))
	for _, c := range list {
		with.contacts[c.ID] = c
	}
	return &with
}

// Lookup says what the registry has for a port on a transport. It answers for
// every value of both, in constant time and without allocation.
//
// For [NoTransport] it answers from the records that name no transport and so
// apply to all; where there is none, the registry says nothing of a port
// without its transport, and the status is [Unknown].
//
// From 49152 up the answer is [Dynamic] whatever the records say, even for an
// excerpt that does not cover the port: it is a rule, not data.
func (r *Registry) Lookup(t Transport, port uint16) (e Entry) {
	r.LookupTo(&e, t, port)
	return e
}

// LookupTo is Lookup into an Entry that is at hand. It is for those who look up
// millions of ports a second: an Entry that was just put together field by
// field is slow to copy.
func (r *Registry) LookupTo(e *Entry, t Transport, port uint16) {
	*e = Entry{Port: port, Transport: t, reg: r}
	if port >= FirstDynamic {
		e.Status = Dynamic
		return
	}
	if int(t) >= NumTransports || !r.cover.Contains(port) || r.index.pages == "" {
		return
	}
	e.cell = r.index.find(t, port)
	if e.cell == 0 {
		if t != NoTransport {
			e.Status = Unassigned
		}
		return
	}
	h := r.index.header(e.cell)
	e.Status = h.status()
	e.Listed = true
	e.Precedence = h.precedence()
	e.TransportUnspecified = e.Precedence == ExactAnyTransport || e.Precedence == RangeAnyTransport
}

// Records goes through all records. Those of the embedded edition come without
// assignee, contact and notes, ordered by port.
func (r *Registry) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for i := range r.edition.Records {
			if !yield(r.record(i)) {
				return
			}
		}
	}
}

// Entries goes through the answers of [Registry.Lookup] for the ports from 0 to
// 49151, by port, then by transport in the order of the registry.
func (r *Registry) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for port := range uint16(FirstDynamic) {
			for _, t := range Transports() {
				if !yield(r.Lookup(t, port)) {
					return
				}
			}
		}
	}
}

// Distinct goes through the listed entries from port 0 to 49151, by transport,
// then by port, and leaves out every entry that the same records concern as one
// before it: of a range of ports it gives the first, and of a record for all
// transports the entry for TCP.
func (r *Registry) Distinct() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		seen := make(map[uint16]bool)
		for _, t := range Transports() {
			for port := range uint16(FirstDynamic) {
				e := r.Lookup(t, port)
				if e.cell == 0 || seen[e.cell] {
					continue
				}
				seen[e.cell] = true
				if !yield(e) {
					return
				}
			}
		}
	}
}

// Counts sums up an edition.
type Counts struct {
	Records     int                             // in all
	ByTransport [NumTransports]int              // records, by the transport they name
	WithoutPort int                             // records of names without a port
	MultiName   int                             // ports with several names, per transport; a range counts once
	Ports       [NumTransports][NumStatuses]int // ports 0 to 65535, by transport and status; none for NoTransport
	Unlisted    [NumTransports]int              // those of the unassigned that no record concerns
}

// Counts goes through the whole edition; it takes some milliseconds.
func (r *Registry) Counts() Counts {
	var c Counts
	c.Records = r.edition.Records
	for i := range r.edition.Records {
		c.ByTransport[r.transport(i)]++
		if _, ok := r.span(i); !ok {
			c.WithoutPort++
		}
	}
	for _, t := range Transports() {
		last := uint16(0) // the cell before, so that a range counts once
		for port := range 1 << 16 {
			e := r.Lookup(t, uint16(port))
			c.Ports[t][e.Status]++
			if e.Status == Unassigned && !e.Listed {
				c.Unlisted[t]++
			}
			if e.cell != last && e.NumNames() > 1 {
				c.MultiName++
			}
			last = e.cell
		}
	}
	return c
}
