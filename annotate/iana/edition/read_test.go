package edition

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/internal/published"
)

// opened keeps the editions that tests opened: a registry never changes.
var opened sync.Map

func openEdition(t testing.TB, name string) *iana.Registry {
	t.Helper()
	if reg, ok := opened.Load(name); ok {
		return reg.(*iana.Registry)
	}
	reg, err := Open(published.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	opened.Store(name, reg)
	return reg
}

// recordText writes all fields of a record but the line.
func recordText(r iana.Record) string {
	r.Line = 0
	return fmt.Sprintf("%+v", r)
}

// diffRecords reports records that differ, in order, at most ten.
func diffRecords(t *testing.T, what string, got, want *iana.Registry) {
	t.Helper()
	a, b := slices.Collect(got.Records()), slices.Collect(want.Records())
	if len(a) != len(b) {
		t.Errorf("%s: %d records, want %d", what, len(a), len(b))
	}
	bad := 0
	for i := range min(len(a), len(b)) {
		if x, y := recordText(a[i]), recordText(b[i]); x != y {
			if bad++; bad <= 10 {
				t.Errorf("%s: record %d (line %d):\n got %s\nwant %s", what, i, a[i].Line, x, y)
			}
		}
	}
	if bad > 10 {
		t.Errorf("%s: %d records differ", what, bad)
	}
}

// entryText is everything an entry answers, written out.
func entryText(e iana.Entry) string {
	d, deassigned := e.Deassigned()
	s := fmt.Sprintf("%v %v listed=%v unspecified=%v precedence=%v names=%q %q %v %v registered=%q modified=%q refs=%q code=%q unauthorized=%q deassigned=%v %v siblings=%v assignee=%q contact=%q notes=%q deciding=%d",
		e.Transport, e.Status, e.Listed, e.TransportUnspecified, e.Precedence, e.Names(), e.Description(), e.Range(), e.Span(),
		e.Registered(), e.Modified(), e.References(), e.ServiceCode(), e.Unauthorized(), d, deassigned, e.Siblings(),
		e.Assignee(), e.Contact(), e.Notes(), e.Deciding())
	for _, r := range e.Records() {
		s += "\n" + recordText(r)
	}
	return s
}

// recordLines tells which records concern an entry, by their lines in the file.
func recordLines(e iana.Entry) string {
	lines := fmt.Sprint(e.Precedence)
	for _, r := range e.Records() {
		lines += fmt.Sprint(" ", r.Line)
	}
	return lines
}

// contactsOf reads the contact directory of an edition.
func contactsOf(t testing.TB, name string) []iana.Contact {
	t.Helper()
	src := &source{name: name, data: published.Bytes(t, name)}
	read, err := src.detect()
	if err != nil {
		t.Fatal(err)
	}
	p, err := read(src)
	if err != nil {
		t.Fatal(err)
	}
	return p.contacts
}

func TestFormsOfOneEditionAgree(t *testing.T) {
	want := openEdition(t, published.XML2026)
	for _, form := range []struct{ file, name string }{{published.HTML2026, "html"}, {published.Text2026, "text"}} {
		t.Run(form.name, func(t *testing.T) {
			got := openEdition(t, form.file)
			if ed := got.Edition(); ed.Form != form.name || ed.Date != "2026-08-17" || ed.Records != 14533 || len(ed.SHA256) != 64 {
				t.Errorf("edition: %+v", ed)
			}
			if !got.Coverage().Complete() {
				t.Errorf("coverage: %v", got.Coverage())
			}
			diffRecords(t, form.name, got, want)
			bad := 0
			seen := map[string]bool{}
			for _, tr := range append([]iana.Transport{iana.NoTransport}, slices.Collect(allTransports)...) {
				for port := 0; port < 1<<16; port += published.Every(61) {
					x, y := got.Lookup(tr, uint16(port)), want.Lookup(tr, uint16(port))
					same := x.Status == y.Status && x.Listed == y.Listed && x.Precedence == y.Precedence &&
						x.Name() == y.Name() && x.Unauthorized() == y.Unauthorized() && x.Siblings() == y.Siblings()
					// All the rest is that of the records, which ports share.
					if key := recordLines(x) + "/" + recordLines(y); same && !seen[key] {
						seen[key] = true
						same = entryText(x) == entryText(y)
					}
					if !same {
						if bad++; bad <= 5 {
							t.Errorf("%v/%d:\n got %s\nwant %s", port, tr, entryText(x), entryText(y))
						}
					}
				}
			}
			contacts := contactsOf(t, published.XML2026)
			if n := len(contactsOf(t, form.file)); n != len(contacts) {
				t.Errorf("%d contacts, want %d", n, len(contacts))
			}
			bad = 0
			for _, c := range contacts {
				if g, _ := got.Contact(c.ID); g != c {
					if bad++; bad <= 10 {
						t.Errorf("contact %s:\n got %+v\nwant %+v", c.ID, g, c)
					}
				}
			}
		})
	}
}

func allTransports(yield func(iana.Transport) bool) {
	for _, t := range iana.Transports() {
		if !yield(t) {
			return
		}
	}
}

// Plain text must not owe its answers to the embedded edition being the same:
// with the rows of an edition from two years before, and with none, they are to
// be as good, or nearly.
func TestTextWithoutTheSameEdition(t *testing.T) {
	data := published.Bytes(t, published.Text2026)
	want := slices.Collect(openEdition(t, published.XML2026).Records())
	for _, c := range []struct {
		name  string
		known map[rowKey]bool
		most  int // rows that may be wrong
	}{
		{"rows of 2024 known", knownRows(openEdition(t, published.XML2024).Records()), 0},
		{"no rows known", nil, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := parseTextWith(&source{name: "text", data: data}, func() map[rowKey]bool { return c.known })
			if err != nil {
				t.Fatal(err)
			}
			wrong := 0
			for i := range want {
				if recordText(p.records[i]) != recordText(want[i]) {
					wrong++
					t.Logf("line %d: %s", p.records[i].Line, p.records[i].Name)
				}
			}
			if wrong > c.most {
				t.Errorf("%d rows wrong, want at most %d", wrong, c.most)
			}
		})
	}
}

func TestCSVAgreesWithLaterEdition(t *testing.T) {
	reg := openEdition(t, published.CSV2025)
	if ed := reg.Edition(); ed.Form != "csv" || ed.Date != "2025-03-28" || ed.Records != 14474 {
		t.Errorf("edition: %+v", ed)
	}
	// Records with the same text in both editions that frame it are to be there.
	key := func(r iana.Record) string { return recordText(r) }
	in := func(name string) map[string]bool {
		m := map[string]bool{}
		for r := range openEdition(t, name).Records() {
			m[key(r)] = true
		}
		return m
	}
	before, after := in(published.XML2024), in(published.XML2026)
	have := map[string]bool{}
	neither := 0
	for r := range reg.Records() {
		k := key(r)
		have[k] = true
		if !before[k] && !after[k] {
			neither++
		}
	}
	for k := range before {
		if after[k] && !have[k] {
			t.Errorf("missing from the CSV: %s", k)
		}
	}
	// Records that were written after the first and changed before the last.
	t.Logf("%d records are in neither of the editions before and after", neither)
	if neither > 30 {
		t.Errorf("%d records are in neither of the editions before and after", neither)
	}
}

func TestExcerptAgreesWithItsEdition(t *testing.T) {
	got, want := openEdition(t, published.Excerpt24), openEdition(t, published.XML2024)
	if ed := got.Edition(); ed.Form != "excerpt" || ed.Date != "2024-03-18" || ed.Records != 101 {
		t.Errorf("edition: %+v", ed)
	}
	if c := got.Coverage(); c.Span != (iana.Span{First: 4665, Last: 4740}) {
		t.Errorf("coverage: %v", c)
	}
	for tr := range allTransports {
		for port := range 1 << 16 {
			g, w := got.Lookup(tr, uint16(port)), want.Lookup(tr, uint16(port))
			switch {
			case port >= 4665 && port <= 4740:
				if x, y := entryText(g), entryText(w); x != y {
					t.Errorf("%d/%v:\n got %s\nwant %s", port, tr, x, y)
				}
			case port >= iana.FirstDynamic:
				if g.Status != iana.Dynamic {
					t.Fatalf("%d/%v: %v, want dynamic", port, tr, g.Status)
				}
			case g.Status != iana.Unknown:
				t.Fatalf("%d/%v: %v, want unknown", port, tr, g.Status)
			}
		}
	}
	if c, ok := got.Contact("Eric_Day"); !ok || c.Name != "Eric Day" || c.URI != "mailto:eday&oddments.org" || c.Updated != "2009-01-16" {
		t.Errorf("contact: %+v %v", c, ok)
	}
}

// Every form with its end cut off, at many places, is an error, and never one
// with less in it.
func TestCutShort(t *testing.T) {
	for _, name := range []string{published.XML2026, published.HTML2026, published.Text2026, published.CSV2025, published.Excerpt24, published.Text2016, published.Text2019} {
		t.Run(name, func(t *testing.T) {
			data := published.Bytes(t, name)
			whole := openEdition(t, name)
			step := len(data) / 6
			for cut := step; cut < len(data)-2; cut += step * published.Every(4) {
				expectCut(t, name, data[:cut], whole)
			}
			for _, n := range []int{20, 2, 100}[:3/published.Every(3)] {
				expectCut(t, name, data[:len(data)-n], whole)
			}
		})
	}
}

func expectCut(t *testing.T, name string, data []byte, whole *iana.Registry) {
	t.Helper()
	reg, err := Read(bytes.NewReader(data), name)
	var se *iana.SyntaxError
	if err == nil {
		t.Errorf("cut at %d: no error, %d of %d records", len(data), reg.Edition().Records, whole.Edition().Records)
	} else if !errors.As(err, &se) || reg != nil {
		t.Errorf("cut at %d: %v, %v", len(data), reg, err)
	} else if !strings.HasPrefix(err.Error(), name+":") {
		t.Errorf("cut at %d: error without position: %v", len(data), err)
	}
}

func TestCutGzip(t *testing.T) {
	data, err := os.ReadFile(published.Path(t, published.XML2026))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{len(data) / 2, len(data) - 8, len(data) - 1, 10, 5} {
		_, err := Read(bytes.NewReader(data[:n]), "f.gz")
		var se *iana.SyntaxError
		if !errors.As(err, &se) || err.Error() != "f.gz: gzip: cut short" {
			t.Errorf("%d of %d bytes: %v", n, len(data), err)
		}
	}
	data[len(data)-6] ^= 1 // the checksum
	if _, err := Read(bytes.NewReader(data), "f.gz"); err == nil || err.Error() != "f.gz: gzip: invalid checksum" {
		t.Errorf("wrong checksum: %v", err)
	}
}

func TestNotTheRegistry(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"empty", "", "f: empty file"},
		{"blank", "\n \n", "f: empty file"},
		{"services", "http 80/tcp\n", `f: not the port number registry: no heading with "Service Name" and "Port Number"`},
		{"capture", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "f: binary data, not the port number registry"},
		{"other markup", "\n<?xml version='1.0'?>\n<svg/>", "f:2: markup, but not the port number registry as XML or HTML"},
		{"other CSV", "a,b\n1,2\n", `f: not the port number registry: no heading with "Service Name" and "Port Number"`},
		{"other HTML", "<html><table><tr><th>a</th></tr></table></html>", "f:1: no table with the headings of the port number registry"},
		{"CSV of few columns", "Service Name,Port Number,Transport Protocol\n", `f:1: no column "Description"`},
		{"CSV without rows", "Service Name,Port Number,Transport Protocol,Description\n", "f: no record has a port number"},
		{"bad port", csvHead + "a,70000,tcp,d\n", `f:2: bad port number "70000"`},
		{"signed port", csvHead + "a,+80,tcp,d\n", `f:2: bad port number "+80"`},
		{"bad range", csvHead + "a,90-80,tcp,d\n", `f:2: bad port number "90-80"`},
		{"bad transport", csvHead + "a,80,quic,d\n", `f:2: unknown transport "quic"`},
		{"nothing", csvHead + ",,tcp,d\n", "f:2: a row with neither a service name nor a port number"},
		{"short row", csvHead + "a,80,tcp,d\nb,81,tcp\n", "f:3: the row has not as many fields as the heading"},
		{"open quote", csvHead + "a,80,tcp,d\nb,81,tcp,\"d\n", `f:3: extraneous or missing " in quoted-field`},
		{"no line feed", csvHead + "a,80,tcp,d\nb,81,tcp,d", "f:3: cut short: the last row does not end"},
		{"stops early", csvHead + "a,0,tcp,d\nb,81,tcp,d\n", "f:3: cut short: the last port is 81, but the registry goes up to 49151"},
	} {
		t.Run(c.name, func(t *testing.T) {
			reg, err := Read(strings.NewReader(c.data), "f")
			if reg != nil || err == nil || err.Error() != c.want {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

const csvHead = "Service Name,Port Number,Transport Protocol,Description\n"

func TestCSVHeadings(t *testing.T) {
	const row = ",x,,,,,,,Known Unauthorized Use on port 8888,note\r\n"
	for _, heading := range []string{"Unauthorized Use Reported", "Known Unauthorized Uses"} {
		data := "\ufeffService Name,Port Number,Transport Protocol,Description,Assignee,Contact,Registration Date,Modification Date,Reference,Service Code," +
			heading + ",Assignment Notes\r\n" + "a,8888,tcp" + row
		reg, err := Read(strings.NewReader(data), "f.csv")
		if err != nil {
			t.Fatalf("%s: %v", heading, err)
		}
		e := reg.Lookup(iana.TCP, 8888)
		if e.Unauthorized() != "Known Unauthorized Use on port 8888" || e.Notes() != "note" || e.Records()[0].Line != 2 {
			t.Errorf("%s: %s", heading, entryText(e))
		}
		// A table from a higher port is an excerpt.
		if c := reg.Coverage().Span; c != (iana.Span{First: 8888, Last: 8888}) {
			t.Errorf("coverage: %v", c)
		}
	}
}

func TestReadGzip(t *testing.T) {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	io.WriteString(zw, csvHead+"ipfix,4739,sctp,IP Flow Info Export\n")
	zw.Close()
	reg, err := Read(&b, "f")
	if err != nil {
		t.Fatal(err)
	}
	if e := reg.Lookup(iana.SCTP, 4739); e.Name() != "ipfix" {
		t.Error(entryText(e))
	}
}

// A file that decompresses to more than is allowed is refused when the limit
// is reached, not after.
func TestReadTooLarge(t *testing.T) {
	_, err := Read(io.MultiReader(strings.NewReader(csvHead), zeros{}), "f")
	if err == nil || err.Error() != "f: larger than 64 MiB" {
		t.Error(err)
	}
}

// zeros is an endless source.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, os.ErrPermission }

func TestReadFailure(t *testing.T) {
	_, err := Read(brokenReader{}, "f")
	var se *iana.SyntaxError
	if !errors.Is(err, os.ErrPermission) || errors.As(err, &se) {
		t.Errorf("a failure to read is not the file's fault: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
