package iana

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteCSV writes an edition with the columns of the official CSV, one row a
// record, in the order of the edition. [Read] reads it, as does other software
// made for the official file.
//
// The form has no place for the date of the edition. Of an excerpt, nothing
// but the ports says what it covers. The columns that the embedded edition
// leaves out are empty.
func (r *Registry) WriteCSV(w io.Writer) error {
	cw := csv.NewWriter(w)
	cw.Write(columnNames[:]) // errors stay until Error
	for rec := range r.Records() {
		var row cells
		row[cellName] = rec.Name
		if rec.HasPort {
			row[cellPort] = rec.Ports.String()
		}
		row[cellTransport] = rec.Transport.String()
		row[cellDescription] = rec.Description
		row[cellAssignee] = rec.Assignee
		row[cellContact] = rec.Contact
		row[cellRegistered] = rec.Registered
		row[cellModified] = rec.Modified
		if len(rec.References) > 0 {
			row[cellReference] = "[" + strings.Join(rec.References, "][") + "]"
		}
		row[cellServiceCode] = rec.ServiceCode
		row[cellUnauthorized] = rec.Unauthorized
		row[cellNotes] = rec.Notes
		cw.Write(row[:])
	}
	cw.Flush()
	if err := cw.Error(); err != nil {
		return fmt.Errorf("write registry as CSV: %w", err)
	}
	return nil
}

// WriteJSON writes an edition as JSON Lines: an object for every port and
// transport of which the registry says more than that it is free or dynamic, in
// the form of [AppendJSON], by port; then one for each name without a port. A
// range gives an object for each of its ports, so that a join on port and
// transport finds all.
func (r *Registry) WriteJSON(w io.Writer) error {
	bw := bufio.NewWriterSize(w, 1<<16)
	var line []byte
	for port := range uint16(FirstDynamic) {
		for _, t := range Transports() {
			e := r.Lookup(t, port)
			if !tellsMore(e) {
				continue
			}
			line = append(AppendJSON(line[:0], e), '\n')
			bw.Write(line) // errors stay until Flush
		}
	}
	for rec := range r.Records() {
		if !rec.HasPort {
			line = append(appendNameJSON(line[:0], &rec, r.edition.Date), '\n')
			bw.Write(line)
		}
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("write registry as JSON: %w", err)
	}
	return nil
}

// tellsMore reports whether an entry is worth a line of an export.
func tellsMore(e Entry) bool {
	switch e.Status {
	case Assigned, Reserved:
		return true
	case Unassigned:
		_, was := e.Deassigned()
		return was || e.Unauthorized() != ""
	}
	return false
}

// WriteServices writes an edition in the form of /etc/services, services(5):
//
//	http	80/tcp	www www-http	# World Wide Web HTTP
//
// There is a line for every port and transport that is assigned under a name,
// on each of tcp, udp, sctp and dccp: a range gives a line for each of its
// ports, and a record without transport one for each transport, so that
// getservbyport(3) answers for all of them. A search by name finds the first.
// The preferred name comes first, the others are aliases.
//
// Names that the format cannot hold, with white space or "#", are left out: of
// the edition of 2026-08-17, none is.
func (r *Registry) WriteServices(w io.Writer) error {
	bw := bufio.NewWriterSize(w, 1<<16)
	ed := r.Edition()
	fmt.Fprintf(bw, "# Services by port, of the IANA Service Name and Transport Protocol Port Number\n# Registry (RFC 6335), edition %s.\n# Source: %s\n",
		orUnknown(ed.Date), orUnknown(ed.Source))
	fmt.Fprintf(bw, "# %s\n# %s\n", Caveat, Warning)
	if c := r.Coverage(); !c.Complete() {
		fmt.Fprintf(bw, "# Only ports %v are covered.\n", c.Span)
	}
	bw.WriteByte('\n')
	var line []byte
	for port := range uint16(FirstDynamic) {
		for _, t := range Transports() {
			line = appendService(line[:0], r.Lookup(t, port))
			bw.Write(line) // errors stay until Flush
		}
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("write registry as services: %w", err)
	}
	return nil
}

func orUnknown(s string) string {
	if s = foldSpace(s); s == "" {
		return "unknown"
	}
	return s
}

// appendService appends the line of an entry, or nothing if it has no name.
func appendService(dst []byte, e Entry) []byte {
	n := 0
	for i := range e.NumNames() {
		name := e.NameAt(i)
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r == '#' || isSpaceOrControl(r) }) {
			continue
		}
		switch n {
		case 0:
			dst = append(dst, name...)
			dst = append(dst, '\t')
			dst = strconv.AppendUint(dst, uint64(e.Port), 10)
			dst = append(dst, '/')
			dst = append(dst, e.Transport.String()...)
		case 1:
			dst = append(dst, '\t')
			dst = append(dst, name...)
		default:
			dst = append(dst, ' ')
			dst = append(dst, name...)
		}
		n++
	}
	if n == 0 {
		return dst
	}
	if d := foldSpace(e.Description()); d != "" {
		dst = append(dst, "\t# "...)
		dst = append(dst, d...)
	}
	return append(dst, '\n')
}

// AppendJSON appends an entry as a JSON object:
//
//	port               number
//	transport          "tcp", "udp", "sctp" or "dccp"
//	transport_unspecified  true where the record is for no transport in particular
//	status             "assigned", "reserved", "unassigned", "dynamic" or "unknown"
//	listed             whether a record concerns the port
//	name               the preferred name
//	names              all names, the preferred one first
//	description
//	range              "system", "user" or "dynamic"
//	span               of a record for several ports, "6000-6063"
//	registration_date  "2013-11-12" or "2013-11"
//	modification_date
//	references         ["RFC6335"]
//	service_code       of DCCP
//	unauthorized_use   the registry's report of it
//	deassigned         {"date", "name"}: an assignment that was taken back
//	siblings           other transports on which the port is assigned
//	edition            date of the registry
//
// A member without a value is absent; port, status, listed and range are always
// there.
func AppendJSON(dst []byte, e Entry) []byte {
	dst = append(dst, `{"port":`...)
	dst = strconv.AppendUint(dst, uint64(e.Port), 10)
	dst = appendMember(dst, "transport", e.Transport.String())
	dst = appendFacts(append(dst, ','), e)
	if e.reg != nil {
		dst = appendMember(dst, "edition", e.reg.edition.Date)
	}
	return append(dst, '}')
}

// AppendRegistration appends the same object without port, transport and
// edition, for records that carry these elsewhere.
func AppendRegistration(dst []byte, e Entry) []byte {
	return append(appendFacts(append(dst, '{'), e), '}')
}

// appendFacts appends the members from status to siblings.
func appendFacts(dst []byte, e Entry) []byte {
	dst = append(dst, `"status":`...)
	dst = AppendJSONString(dst, e.Status.String())
	if e.TransportUnspecified {
		dst = append(dst, `,"transport_unspecified":true`...)
	}
	dst = append(dst, `,"listed":`...)
	dst = strconv.AppendBool(dst, e.Listed)
	if n := e.NumNames(); n > 0 {
		dst = appendMember(dst, "name", e.NameAt(0))
		dst = append(dst, `,"names":[`...)
		for i := range n {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = AppendJSONString(dst, e.NameAt(i))
		}
		dst = append(dst, ']')
	}
	dst = appendMember(dst, "description", e.Description())
	dst = appendMember(dst, "range", e.Range().String())
	if span := e.Span(); span.First != span.Last {
		dst = appendMember(dst, "span", span.String())
	}
	dst = appendMember(dst, "registration_date", e.Registered())
	dst = appendMember(dst, "modification_date", e.Modified())
	dst = appendList(dst, "references", e.References())
	dst = appendMember(dst, "service_code", e.ServiceCode())
	dst = appendMember(dst, "unauthorized_use", e.Unauthorized())
	if d, ok := e.Deassigned(); ok {
		dst = append(dst, `,"deassigned":{`...)
		if d.Date != "" {
			dst = append(dst, `"date":`...)
			dst = AppendJSONString(dst, d.Date)
		}
		if d.FormerName != "" {
			if d.Date != "" {
				dst = append(dst, ',')
			}
			dst = append(dst, `"name":`...)
			dst = AppendJSONString(dst, d.FormerName)
		}
		dst = append(dst, '}')
	}
	if s := e.Siblings(); s != 0 {
		dst = append(dst, `,"siblings":[`...)
		first := true
		for t := range s.All() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = AppendJSONString(dst, t.String())
		}
		dst = append(dst, ']')
	}
	return dst
}

// appendNameJSON appends the record of a name without a port. It has no status:
// that is one of ports.
func appendNameJSON(dst []byte, rec *Record, edition string) []byte {
	dst = append(dst, `{"name":`...)
	dst = AppendJSONString(dst, rec.Name)
	dst = appendMember(dst, "transport", rec.Transport.String())
	dst = appendMember(dst, "description", rec.Description)
	dst = appendMember(dst, "registration_date", rec.Registered)
	dst = appendMember(dst, "modification_date", rec.Modified)
	dst = appendList(dst, "references", rec.References)
	dst = appendMember(dst, "service_code", rec.ServiceCode)
	dst = appendMember(dst, "unauthorized_use", rec.Unauthorized)
	dst = appendMember(dst, "edition", edition)
	return append(dst, '}')
}

// appendMember appends a comma and a member, or nothing for an empty value.
func appendMember(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return AppendJSONString(dst, value)
}

// appendList appends a comma and a member that is a list, or nothing.
func appendList(dst []byte, name string, values []string) []byte {
	if len(values) == 0 {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, `":[`...)
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(dst, v)
	}
	return append(dst, ']')
}

// AppendJSONString appends a string of JSON (RFC 8259 section 7). Bytes that
// are not UTF-8 become U+FFFD. The line separators U+2028 and U+2029 are
// escaped for the sake of readers that split lines at them.
func AppendJSONString(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	plain := 0 // start of what needs no escape
	for i := 0; i < len(s); {
		b := s[i]
		if b < utf8.RuneSelf {
			if b >= ' ' && b != '"' && b != '\\' && b != 0x7f {
				i++
				continue
			}
			dst = append(dst, s[plain:i]...)
			switch b {
			case '"', '\\':
				dst = append(dst, '\\', b)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
			}
			i++
			plain = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[plain:i]...)
			dst = append(dst, `\ufffd`...)
			i++
			plain = i
			continue
		}
		if r == '\u2028' || r == '\u2029' {
			dst = append(dst, s[plain:i]...)
			dst = append(dst, `\u202`...)
			dst = append(dst, hexDigits[r&15])
			plain = i + size
		}
		i += size
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}
