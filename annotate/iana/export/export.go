// Package export writes an edition of the port number registry in forms that other
// tools load: CSV, JSON Lines and /etc/services for its records, and tables of all
// ports for database engines and log shippers.
package export

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/portannot/portannot/annotate/iana"
)

// WriteCSV writes the records as CSV (RFC 4180) with the columns of the official
// file and one more, Caveat, which has the registry's warning; one row a record, in
// the order of the edition. Package edition reads it, and so does other software
// that finds the columns of the official file by their headings.
//
// The form has no field for the date of the edition or for what an excerpt covers.
// Columns that the embedded edition does not have are empty.
func WriteCSV(w io.Writer, r *iana.Registry) error {
	cw := csv.NewWriter(w)
	headings := iana.Headings()
	cw.Write(append(headings[:], "Caveat")) // errors stay until Error
	for rec := range r.Records() {
		ports, references := "", ""
		if rec.HasPort {
			ports = rec.Ports.String()
		}
		if len(rec.References) > 0 {
			references = "[" + strings.Join(rec.References, "][") + "]"
		}
		cw.Write([]string{
			rec.Name, ports, rec.Transport.String(), rec.Description, rec.Assignee, rec.Contact,
			rec.Registered, rec.Modified, references, rec.ServiceCode, rec.Unauthorized, rec.Notes, iana.Caveat,
		})
	}
	cw.Flush()
	if err := cw.Error(); err != nil {
		return fmt.Errorf("write registry as CSV: %w", err)
	}
	return nil
}

// WriteJSON writes the edition as JSON Lines. First come the ports, by port and
// transport, as objects of [iana.AppendJSON]: each port of a range has an object of
// its own. Ports that are dynamic are left out, and so are unassigned ports about
// which the registry says nothing else. Then come the names without a port; their
// objects have no status and nothing about ports. Each object has the registry's
// warning as its caveat.
func WriteJSON(w io.Writer, r *iana.Registry) error {
	bw := bufio.NewWriterSize(w, 1<<16)
	var line []byte
	for e := range r.Entries() {
		if !tellsMore(e) {
			continue
		}
		line = appendCaveat(iana.AppendJSON(line[:0], e))
		bw.Write(line) // errors stay until Flush
	}
	for rec := range r.Records() {
		if !rec.HasPort {
			line = appendCaveat(appendName(line[:0], &rec, r.Edition().Date))
			bw.Write(line)
		}
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("write registry as JSON: %w", err)
	}
	return nil
}

// appendCaveat adds the registry's warning to an object, and ends the line.
func appendCaveat(object []byte) []byte {
	return append(object[:len(object)-1], `,"caveat":"`+iana.Caveat+"\"}\n"...)
}

// tellsMore reports whether an entry is worth a line of an export.
func tellsMore(e iana.Entry) bool {
	switch e.Status {
	case iana.Assigned, iana.Reserved:
		return true
	case iana.Unassigned:
		_, was := e.Deassigned()
		return was || e.Unauthorized() != ""
	}
	return false
}

// WriteServices writes the edition in the form of /etc/services, services(5):
//
//	http	80/tcp	www www-http	# World Wide Web HTTP
//
// There is a line for every port and transport that has a name, by port: one for
// each port of a range, and one for each transport if a record names none. So
// getservbyport(3) finds all of them, and getservbyname(3) finds the first. The
// preferred name comes first, and the others follow as aliases.
//
// Names with white space or "#" are left out, because the form cannot hold them.
// The edition of 2026-08-17 has no such name.
func WriteServices(w io.Writer, r *iana.Registry) error {
	bw := bufio.NewWriterSize(w, 1<<16)
	ed := r.Edition()
	fmt.Fprintf(bw, "# Services by port, of the IANA Service Name and Transport Protocol Port Number\n# Registry (RFC 6335), edition %s.\n# Source: %s\n",
		orUnknown(ed.Date), orUnknown(ed.Source))
	fmt.Fprintf(bw, "# %s\n# %s\n", iana.Caveat, iana.Warning)
	if c := r.Coverage(); !c.Complete() {
		fmt.Fprintf(bw, "# Only ports %v are covered.\n", c.Span)
	}
	bw.WriteByte('\n')
	var line []byte
	for e := range r.Entries() {
		line = appendService(line[:0], e)
		bw.Write(line) // errors stay until Flush
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("write registry as services: %w", err)
	}
	return nil
}

func orUnknown(s string) string {
	if s = iana.FoldSpace(s); s == "" {
		return "unknown"
	}
	return s
}

// appendService appends the line of an entry, or nothing if it has no name.
func appendService(dst []byte, e iana.Entry) []byte {
	n := 0
	for i := range e.NumNames() {
		name := e.NameAt(i)
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r == '#' || unicode.IsSpace(r) || unicode.IsControl(r) }) {
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
	if d := iana.FoldSpace(e.Description()); d != "" {
		dst = append(dst, "\t# "...)
		dst = append(dst, d...)
	}
	return append(dst, '\n')
}

// appendName appends the record of a name without a port. It has no status:
// that is one of ports.
func appendName(dst []byte, rec *iana.Record, edition string) []byte {
	dst = append(dst, `{"name":`...)
	dst = iana.AppendJSONString(dst, rec.Name)
	dst = iana.AppendJSONMember(dst, "transport", rec.Transport.String())
	dst = iana.AppendJSONMember(dst, "description", rec.Description)
	dst = iana.AppendJSONMember(dst, "registration_date", rec.Registered)
	dst = iana.AppendJSONMember(dst, "modification_date", rec.Modified)
	dst = iana.AppendJSONList(dst, "references", rec.References)
	dst = iana.AppendJSONMember(dst, "service_code", rec.ServiceCode)
	dst = iana.AppendJSONMember(dst, "unauthorized_use", rec.Unauthorized)
	dst = iana.AppendJSONMember(dst, "edition", edition)
	return append(dst, '}')
}
