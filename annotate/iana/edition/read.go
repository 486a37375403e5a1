// Package edition reads the files in which IANA publishes the Service Name and
// Transport Protocol Port Number Registry (RFC 6335): XML, CSV, HTML and plain
// text. It also compares two editions ([Compare]) and finds oddities in one
// ([Check]).
//
// [Open] and [Read] return an [iana.Registry], which is used like the edition that
// is embedded in package iana.
package edition

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/portannot/portannot/annotate/iana"
)

// Limits on what is read. An edition of today has some 15,000 records, 25,000
// lines as plain text and 5 MB as HTML, the longest form.
const (
	maxFileBytes = 64 << 20 // after decompression
	maxRecords   = 60_000   // the index has room for 65,535
)

// Open reads the edition in a file as [Read] does.
func Open(path string) (*iana.Registry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	defer f.Close()
	return Read(f, path)
}

// Read reads an edition of the registry as XML, CSV, HTML, plain text or flattened
// text, compressed with gzip or not. It recognises the form by the content. name
// is the name of the file in errors and in [iana.Edition].
//
// The forms differ in what they contain:
//   - XML, HTML and plain text contain everything, also the contact directory.
//   - CSV has no date of the edition and no contact directory. The newest date of
//     any record is taken as the date of the edition.
//   - Plain text may be of any year since 2015; until about 2021 it began and ended
//     differently. It does not show where a row of the table ends. Read finds that
//     out from the layout and the words; it can be wrong about words at the edge of
//     two neighbouring rows.
//   - Flattened text is the web page copied as text, without its empty cells. It
//     may be an excerpt: then it covers the ports from the first to the last that
//     it lists, and the status of other ports below 49152 is [iana.Unknown].
//
// Read returns a whole edition or an error. The error wraps an [*iana.SyntaxError]
// if the data is of none of these forms, is damaged or is cut short; a failure to
// read from r is another error. Read takes at most 64 MiB of decompressed data and
// 60,000 records.
//
// The closing tags of XML and HTML and the end of the page in plain text show that
// nothing is missing. In flattened text, every contact that a row names must be in
// the directory. CSV has no mark of its end, so Read requires a line feed at the
// end, and records up to port 49151 if the first port is 0. It cannot notice that
// names without a port are missing, because they come last. CSV that begins at
// a higher port is taken as an excerpt.
func Read(r io.Reader, name string) (*iana.Registry, error) {
	data, err := readAll(r, name)
	if err != nil {
		return nil, err
	}
	src := &source{name: name, data: data}
	read, err := src.detect()
	if err != nil {
		return nil, err
	}
	p, err := read(src)
	if err != nil {
		return nil, err
	}
	if len(p.records) == 0 {
		return nil, src.errorf(0, "no record in it")
	}
	sum := sha256.Sum256(data)
	reg, err := iana.NewRegistry(iana.Edition{
		Date:   p.date,
		Source: name,
		SHA256: hex.EncodeToString(sum[:]),
		Form:   p.form,
	}, p.records, p.cover)
	if err != nil {
		return nil, err
	}
	return reg.WithContacts(p.contacts), nil
}

// source is a whole file, decompressed.
type source struct {
	name string
	data []byte
}

// parsed is what the reader of one form made of a source.
type parsed struct {
	form     string // as in Edition.Form
	date     string
	records  []iana.Record
	contacts []iana.Contact
	cover    iana.Coverage
}

// add appends a record, within the limit.
func (p *parsed) add(src *source, rec iana.Record) error {
	if len(p.records) >= maxRecords {
		return src.errorf(rec.Line, "more than %d records", maxRecords)
	}
	p.records = append(p.records, rec)
	return nil
}

func (s *source) errorf(line int, format string, args ...any) error {
	return &iana.SyntaxError{File: s.name, Line: line, Reason: fmt.Sprintf(format, args...)}
}

// lineAt gives the number of the line with the byte at an offset.
func (s *source) lineAt(offset int) int {
	return 1 + bytes.Count(s.data[:min(max(offset, 0), len(s.data))], []byte("\n"))
}

// readAll gives the whole content, decompressed and without byte order mark.
// The reader of gzip checks length and checksum at the end, so that a cut file
// is an error.
func readAll(r io.Reader, name string) ([]byte, error) {
	br := bufio.NewReaderSize(r, 1<<16)
	zipped := false
	if magic, err := br.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		zipped = true
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, gzipError(name, err)
		}
		r = zr
	} else {
		r = br
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	switch {
	case err != nil && zipped:
		return nil, gzipError(name, err)
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(data) > maxFileBytes:
		return nil, &iana.SyntaxError{File: name, Reason: fmt.Sprintf("larger than %d MiB", maxFileBytes>>20)}
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), nil
}

// gzipError tells damage, of which the file is to blame, from a failure to
// read it.
func gzipError(name string, err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &iana.SyntaxError{File: name, Reason: "gzip: cut short"}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return &iana.SyntaxError{File: name, Reason: err.Error()}
	}
	return fmt.Errorf("decompress %s: %w", name, err)
}

// detect finds the reader for the content.
func (s *source) detect() (func(*source) (parsed, error), error) {
	head := bytes.TrimLeftFunc(s.data, unicode.IsSpace)
	if len(head) == 0 {
		return nil, s.errorf(0, "empty file")
	}
	if head[0] == '<' {
		switch rootElement(head) {
		case "registry":
			return parseXML, nil
		case "html":
			return parseHTML, nil
		}
		return nil, s.errorf(s.lineAt(len(s.data)-len(head)), "markup, but not the port number registry as XML or HTML")
	}
	first, _, _ := bytes.Cut(head, []byte("\n"))
	if bytes.IndexByte(first, ',') >= 0 && isCSVHeader(string(first)) {
		return parseCSV, nil
	}
	if bytes.IndexByte(head[:min(len(head), 1<<10)], 0) >= 0 {
		return nil, s.errorf(0, "binary data, not the port number registry")
	}
	switch s.findTextHeader() {
	case fixedHeader, oldHeader:
		return parseText, nil
	case flatHeader:
		return parseExcerpt, nil
	}
	return nil, s.errorf(0, "not the port number registry: no heading with %q and %q", columnNames[cellName], columnNames[cellPort])
}

// Recognise reports whether a file that begins with data is an edition of the
// registry, in a form that [Read] reads uncompressed. A few KiB are enough.
func Recognise(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	head := bytes.TrimLeftFunc(data, unicode.IsSpace)
	if len(head) > 0 && head[0] == '<' && !bytes.Contains(head, []byte("Port Number Registry")) {
		return false
	}
	_, err := (&source{data: data}).detect()
	return err == nil
}

// rootElement gives the local name, in lower case, of the first element of
// some markup. HTML as XHTML starts with an XML declaration too, so only the
// element tells. A document type counts as the element it announces.
func rootElement(b []byte) string {
	for {
		b = bytes.TrimLeftFunc(b, unicode.IsSpace)
		var end string
		switch {
		case bytes.HasPrefix(b, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(b, []byte("<!--")):
			end = "-->"
		case len(b) > 0 && b[0] == '<':
			b = b[1:]
			if len(b) > 8 && bytes.EqualFold(b[:8], []byte("!doctype")) {
				b = bytes.TrimLeftFunc(b[8:], unicode.IsSpace)
			}
			n := bytes.IndexFunc(b, func(r rune) bool { return unicode.IsSpace(r) || r == '>' || r == '/' })
			if n < 0 || n > 100 {
				return ""
			}
			local := b[:n]
			if colon := bytes.LastIndexByte(local, ':'); colon >= 0 {
				local = local[colon+1:]
			}
			return strings.ToLower(string(local))
		default:
			return ""
		}
		i := bytes.Index(b, []byte(end))
		if i < 0 {
			return ""
		}
		b = b[i+len(end):]
	}
}

// The columns of the table as it is published in CSV, HTML and plain text.
const (
	cellName = iota
	cellPort
	cellTransport
	cellDescription
	cellAssignee
	cellContact
	cellRegistered
	cellModified
	cellReference
	cellServiceCode
	cellUnauthorized
	cellNotes
	numCells
)

// columnNames are the headings of the columns.
var columnNames [numCells]string = iana.Headings()

// columnOf finds the column of a heading. Editions before 2013 or so wrote
// "Known Unauthorized Uses" over the one that is now "Unauthorized Use
// Reported". ok is false for a heading of no column.
func columnOf(heading string) (col int, ok bool) {
	h := strings.ToLower(iana.FoldSpace(heading))
	for i, n := range columnNames {
		if h == strings.ToLower(n) {
			return i, true
		}
	}
	if strings.Contains(h, "unauthorized use") {
		return cellUnauthorized, true
	}
	return 0, false
}

// cells is one row of the table.
type cells [numCells]string

// record makes a row into a record. The error is a reason without position.
func (c *cells) record(line int) (iana.Record, error) {
	rec := iana.Record{
		Name:         iana.FoldSpace(c[cellName]),
		Description:  iana.FoldSpace(c[cellDescription]),
		Assignee:     iana.FoldSpace(c[cellAssignee]),
		Contact:      iana.FoldSpace(c[cellContact]),
		Registered:   iana.FoldSpace(c[cellRegistered]),
		Modified:     iana.FoldSpace(c[cellModified]),
		References:   iana.SplitReferences(iana.FoldSpace(c[cellReference])),
		ServiceCode:  iana.FoldSpace(c[cellServiceCode]),
		Unauthorized: iana.FoldSpace(c[cellUnauthorized]),
		Notes:        iana.FoldSpace(c[cellNotes]),
		Line:         line,
	}
	if ports := iana.FoldSpace(c[cellPort]); ports != "" {
		span, err := iana.ParseSpan(ports)
		if err != nil {
			return iana.Record{}, err
		}
		rec.Ports, rec.HasPort = span, true
	}
	if name := iana.FoldSpace(c[cellTransport]); name != "" {
		t, err := iana.ParseTransport(name)
		if err != nil {
			return iana.Record{}, fmt.Errorf("unknown transport %.40q", name)
		}
		rec.Transport = t
	}
	if rec.Name == "" && !rec.HasPort {
		return iana.Record{}, errors.New("a row with neither a service name nor a port number")
	}
	return rec, nil
}

// isDate reports whether s is a date as the registry writes it: "2013",
// "2013-11" or "2013-11-12".
func isDate(s string) bool {
	if len(s) != 4 && len(s) != 7 && len(s) != 10 {
		return false
	}
	for i := range len(s) {
		if dash := i == 4 || i == 7; dash != (s[i] == '-') || !dash && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

// coverageOf gives the ports from the first to the last that are listed.
func coverageOf(records []iana.Record) (iana.Coverage, bool) {
	var c iana.Coverage
	found := false
	for i := range records {
		if r := &records[i]; r.HasPort {
			if !found {
				c.Span, found = r.Ports, true
			}
			c.First, c.Last = min(c.First, r.Ports.First), max(c.Last, r.Ports.Last)
		}
	}
	return c, found
}

// wholeOrExcerpt decides what a table covers that bears no sign of its end. A table
// from port 0 is meant to be the whole registry, which lists each user port up
// to 49151; one that stops before is cut short. A table from a higher port is
// an excerpt.
func (s *source) wholeOrExcerpt(records []iana.Record) (iana.Coverage, error) {
	c, ok := coverageOf(records)
	switch {
	case !ok:
		return c, s.errorf(0, "no record has a port number")
	case c.First > 0:
		return c, nil
	case c.Last < iana.FirstDynamic-1:
		return c, s.errorf(records[len(records)-1].Line, "cut short: the last port is %d, but the registry goes up to %d", c.Last, iana.FirstDynamic-1)
	}
	return iana.AllPorts(), nil
}

// newestDate gives the latest date of any record.
func newestDate(records []iana.Record) string {
	newest := ""
	for i := range records {
		for _, d := range [2]string{records[i].Registered, records[i].Modified} {
			if isDate(d) && d > newest {
				newest = d
			}
		}
	}
	return newest
}
