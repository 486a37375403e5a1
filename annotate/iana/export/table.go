package export

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// Ports are neighbouring ports of one transport with the same answer. They are
// a row of the tables for database engines. The fields are those of [iana.Entry];
// a text that the entry does not have is "".
type Ports struct {
	Transport   iana.Transport
	Span        iana.Span // these ports
	Status      iana.Status
	Listed      bool
	Name        string   // the preferred name
	Names       []string // all names, the preferred one first
	Description string
	Range       iana.PortRange
	Record      iana.Span // the ports of the record; valid if Listed
	Registered  string
	Modified    string
	ServiceCode string
	// Unauthorized is the registry's report of use without an assignment.
	Unauthorized string
	Deassigned   iana.Deassignment // zero if the registry mentions no earlier assignment
	Siblings     iana.TransportSet
}

// Table yields all 65,536 ports of each of the four transports, by transport, then
// by port. Neighbouring ports with the same answer are one value: the dynamic
// ports, for instance, and ranges such as 6000-6002 of X11. The value is only valid
// until the next one is yielded.
func Table(r *iana.Registry) iter.Seq[*Ports] {
	return func(yield func(*Ports) bool) {
		for _, t := range iana.Transports() {
			run := portsOf(r.Lookup(t, 0))
			for port := 1; port < 1<<16; port++ {
				next := portsOf(r.Lookup(t, uint16(port)))
				if run.continues(&next) {
					run.Span.Last = uint16(port)
					continue
				}
				if !yield(&run) {
					return
				}
				run = next
			}
			if !yield(&run) {
				return
			}
		}
	}
}

func portsOf(e iana.Entry) Ports {
	p := Ports{
		Transport: e.Transport, Span: iana.Span{First: e.Port, Last: e.Port}, Status: e.Status, Listed: e.Listed,
		Name: e.Name(), Names: e.Names(), Description: e.Description(), Range: e.Range(), Record: e.Span(),
		Registered: e.Registered(), Modified: e.Modified(), ServiceCode: e.ServiceCode(),
		Unauthorized: e.Unauthorized(), Siblings: e.Siblings(),
	}
	p.Deassigned, _ = e.Deassigned()
	return p
}

// continues reports whether next, one port further, says what p says.
func (p *Ports) continues(next *Ports) bool {
	return p.Status == next.Status && p.Listed == next.Listed &&
		(p.Record == next.Record || !p.Listed) &&
		p.Name == next.Name && slices.Equal(p.Names, next.Names) &&
		p.Description == next.Description && p.Range == next.Range &&
		p.Registered == next.Registered && p.Modified == next.Modified && p.ServiceCode == next.ServiceCode &&
		p.Unauthorized == next.Unauthorized && p.Deassigned == next.Deassigned && p.Siblings == next.Siblings
}

// RecordSpan returns the ports of the record if it is for several, "6000-6063",
// else "".
func (p *Ports) RecordSpan() string {
	if !p.Listed || p.Record.First == p.Record.Last {
		return ""
	}
	return p.Record.String()
}

func (p *Ports) siblingNames() (names []string) {
	for t := range p.Siblings.All() {
		names = append(names, t.String())
	}
	return names
}

// tableColumns are those of the tables behind the transport and the port or
// ports. They are the members of [iana.AppendJSON] made flat.
var tableColumns = [...]string{
	"status", "listed", "name", "names", "description", "range", "span",
	"registration_date", "modification_date", "service_code", "unauthorized_use",
	"deassigned_date", "deassigned_name", "siblings", "edition", "caveat",
}

// numSaid is how many of tableColumns say something of the port; the last two
// are the same in every row.
const numSaid = len(tableColumns) - 2

// listSeparator stands between the values of a list in one field of text.
const listSeparator = "|"

// columns gives the values of tableColumns as text.
func (p *Ports) columns(edition string) [len(tableColumns)]string {
	return [...]string{
		p.Status.String(), strconv.FormatBool(p.Listed), p.Name, strings.Join(p.Names, listSeparator),
		p.Description, p.Range.String(), p.RecordSpan(),
		p.Registered, p.Modified, p.ServiceCode, p.Unauthorized,
		p.Deassigned.Date, p.Deassigned.FormerName,
		strings.Join(p.siblingNames(), listSeparator), edition, iana.Caveat,
	}
}
