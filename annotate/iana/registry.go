package iana

import (
	"fmt"
	"iter"
)

// FirstDynamic is the lowest dynamic port (also called private or ephemeral).
// Dynamic ports go up to 65535 and are never assigned (RFC 6335 section 6).
const FirstDynamic = 49152

// FirstUser is the lowest user port (also called registered port). The ports below
// it are the system ports (also called well-known ports): RFC 6335 section 6.
const FirstUser = 1024

// Edition identifies one publication of the registry.
type Edition struct {
	Date    string `json:"date"`             // the registry's "last updated", "2026-08-17"; may be empty
	Source  string `json:"source"`           // address or file name
	SHA256  string `json:"sha256,omitempty"` // of the decompressed source, in hexadecimal; may be empty
	Form    string `json:"form"`             // "csv", "xml", "text", "html", "excerpt", "compact", "embedded" or "history"
	Records int    `json:"records"`          // number of records
	// Partial reports that service codes and reports of unauthorized use are not
	// known. They are empty then. See AsOf.
	Partial bool `json:"partial,omitempty"`
}

// Coverage is the range of ports for which an edition is complete. For a port
// outside of it, a missing record means nothing. The zero value covers port 0
// only.
type Coverage struct{ Span }

// AllPorts returns the coverage of a whole registry: ports 0 to 65535.
func AllPorts() Coverage { return Coverage{Span{0, 65535}} }

// Complete reports whether the coverage is ports 0 to 65535.
func (c Coverage) Complete() bool { return c == AllPorts() }

// Contact is an entry of the registry's contact directory. The assignee and
// contact columns refer to it by its ID in brackets: "[Jon_Postel]".
type Contact struct {
	ID           string // without brackets
	Name         string
	Organization string
	URI          string
	Updated      string // "2010-01-04" or "2010-01"
}

// A Registry is one edition of the registry. It never changes, and any number of
// goroutines may use it at the same time. [Embedded] and [NewRegistry] make one.
// The zero value has no records and covers no port: every answer is [Unknown],
// except for dynamic ports.
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

// NewRegistry makes a registry from the records of one edition. cover says for
// which ports the records are complete. NewRegistry copies the records and sets
// Edition.Records.
//
// It fails if there are more than 65535 records, more than 255 for one port and
// transport, more than 31 of these with the same [Precedence], or more different
// overlaps than fit into the index. No published edition comes near these limits.
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

// Edition returns which edition this is.
func (r *Registry) Edition() Edition { return r.edition }

// Coverage returns the ports for which the edition is complete.
func (r *Registry) Coverage() Coverage { return r.cover }

// Contact returns the entry of the contact directory with an ID, given without
// brackets. ok is false if there is none. The embedded edition and editions read
// from CSV have no directory.
func (r *Registry) Contact(id string) (c Contact, ok bool) {
	c, ok = r.contacts[id]
	return c, ok
}

// Contacts returns the contacts that the text of an assignee or contact column
// names: "[IESG][IETF_Chair]" names two. A contact that is not in the directory is
// returned with its ID alone.
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

// WithContacts returns a registry of the same edition whose contact directory is
// list. It does not change r.
func (r *Registry) WithContacts(list []Contact) *Registry {
	with := *r
	with.contacts = make(map[string]Contact, len(list))
	for _, c := range list {
		with.contacts[c.ID] = c
	}
	return &with
}

// Lookup returns what the registry says about a port on a transport. It has an
// answer for every value of both, takes constant time and does not allocate.
//
// For [NoTransport], only records that name no transport are used. If there is no
// such record for the port, the status is [Unknown].
//
// From 49152 up the status is always [Dynamic]. That is a rule (RFC 6335 section
// 6), so it holds even if the edition has a record for the port or does not cover
// it.
func (r *Registry) Lookup(t Transport, port uint16) (e Entry) {
	r.LookupTo(&e, t, port)
	return e
}

// LookupTo writes what [Registry.Lookup] returns into *e. It saves a copy of the
// Entry, which matters to programs that look up millions of ports a second.
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

// Records yields all records: those of a file in its order, those of the embedded
// edition by port. The embedded edition has no assignees, contacts and notes.
func (r *Registry) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for i := range r.edition.Records {
			if !yield(r.record(i)) {
				return
			}
		}
	}
}

// Entries yields the answers of [Registry.Lookup] for the ports from 0 to 49151
// on the four transports, by port, then by transport.
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

// Distinct yields one entry for each set of records that apply to the same ports:
// the entry for the first of these ports on the first of the transports. Of the
// range 6000-6063/tcp it yields 6000/tcp, and of a record without a transport the
// entry for TCP. The entries come by transport, then by port, from port 0 to
// 49151.
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

// Counts has the numbers of records and ports of an edition.
type Counts struct {
	Records     int                             // all records
	ByTransport [NumTransports]int              // records, by the transport that they name
	WithoutPort int                             // records of names without a port
	MultiName   int                             // ports with several names, counted for each transport; a range counts as one
	Ports       [NumTransports][NumStatuses]int // ports 0 to 65535, by transport and status; 0 for NoTransport
	Unlisted    [NumTransports]int              // unassigned ports without a record
}

// Counts counts the records and ports of the edition. It looks up every port,
// which takes some milliseconds.
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
