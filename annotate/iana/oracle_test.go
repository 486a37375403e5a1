package iana_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"html"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/internal/published"
)

// The oracle answers for every port and transport from the published files by
// the slowest and plainest means, and shares no code with the package: it reads
// the files with other decoders, tells statuses with its own patterns, and
// looks a port up by going through all records that touch it.

// oracleRow is a record as text.
type oracleRow struct {
	name, ports, proto, desc, reg, mod, refs, code, unauth, notes string

	first, last int         // -1 for a name without port
	state       iana.Status // what status gives, kept for speed
	order       string      // what rank gives, likewise
}

func (o *oracleRow) finish(t testing.TB) {
	o.state, o.order = o.status(), o.rank()
	o.first, o.last = -1, -1
	if o.ports == "" {
		return
	}
	a, b, found := strings.Cut(o.ports, "-")
	if !found {
		b = a
	}
	var err1, err2 error
	o.first, err1 = strconv.Atoi(a)
	o.last, err2 = strconv.Atoi(b)
	if err1 != nil || err2 != nil {
		t.Fatalf("oracle: ports %q", o.ports)
	}
}

var oracleSpace = regexp.MustCompile(`\s+`)

func oracleFold(s string) string {
	return strings.TrimSpace(oracleSpace.ReplaceAllString(s, " "))
}

// oracleCSV reads the CSV form.
func oracleCSV(t testing.TB) []oracleRow {
	t.Helper()
	cr := csv.NewReader(bytes.NewReader(published.Bytes(t, published.CSV2025)))
	all, err := cr.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []oracleRow
	for _, f := range all[1:] {
		for i := range f {
			f[i] = oracleFold(f[i])
		}
		o := oracleRow{name: f[0], ports: f[1], proto: f[2], desc: f[3], reg: f[6], mod: f[7],
			refs: f[8], code: f[9], unauth: f[10], notes: f[11]}
		o.finish(t)
		rows = append(rows, o)
	}
	return rows
}

// oracleXML reads the XML form. What it gives must not be changed.
func oracleXML(t testing.TB, file string) []oracleRow {
	t.Helper()
	if rows, ok := oracleRows.Load(file); ok {
		return rows.([]oracleRow)
	}
	rows := readOracleXML(t, file)
	oracleRows.Store(file, rows)
	return rows
}

// oracleRows keeps what oracleXML read, by file.
var oracleRows sync.Map

func readOracleXML(t testing.TB, file string) []oracleRow {
	t.Helper()
	type xref struct {
		Type string `xml:"type,attr"`
		Data string `xml:"data,attr"`
		Text string `xml:",chardata"`
	}
	type inner struct {
		XML string `xml:",innerxml"`
	}
	var doc struct {
		Records []struct {
			Date         string `xml:"date,attr"`
			Updated      string `xml:"updated,attr"`
			Name         string `xml:"name"`
			Number       string `xml:"number"`
			Protocol     string `xml:"protocol"`
			Description  inner  `xml:"description"`
			Unauthorized inner  `xml:"unauthorized"`
			Note         inner  `xml:"note"`
			Code         string `xml:"sc"`
			Xrefs        []xref `xml:"xref"`
		} `xml:"record"`
	}
	if err := xml.Unmarshal(published.Bytes(t, file), &doc); err != nil {
		t.Fatal(err)
	}
	ref := regexp.MustCompile(`<xref type="[a-z]*" data="([^"]*)"/>`)
	tag := regexp.MustCompile(`<[^>]*>`)
	text := func(in inner) string {
		s := ref.ReplaceAllStringFunc(in.XML, func(m string) string {
			data := ref.FindStringSubmatch(m)[1]
			if strings.HasPrefix(data, "rfc") {
				data = "RFC" + data[3:]
			}
			return "[" + data + "]"
		})
		return oracleFold(html.UnescapeString(tag.ReplaceAllString(s, " ")))
	}
	var rows []oracleRow
	for _, r := range doc.Records {
		o := oracleRow{
			name: oracleFold(r.Name), ports: oracleFold(r.Number), proto: oracleFold(r.Protocol),
			desc: text(r.Description), reg: r.Date, mod: r.Updated,
			code: oracleFold(r.Code), unauth: text(r.Unauthorized), notes: text(r.Note),
		}
		for _, x := range r.Xrefs {
			switch {
			case x.Type == "person":
			case oracleFold(x.Text) != "":
				o.refs += "[" + oracleFold(x.Text) + "]"
			case x.Type == "rfc":
				o.refs += "[RFC" + strings.TrimPrefix(x.Data, "rfc") + "]"
			default:
				o.refs += "[" + x.Data + "]"
			}
		}
		o.finish(t)
		rows = append(rows, o)
	}
	return rows
}

var (
	oracleReserved   = regexp.MustCompile(`(?i)^reserved( - IANA)?$|^IANA reserved$`)
	oracleUnassigned = regexp.MustCompile(`(?i)unassigned|^de-?registered$|^removed$|^deprecated$|^de-?com+issioned|^possibly used by`)
	oracleDemoted    = regexp.MustCompile(`(?i)now historic|is an alias to|duplicate of the`)
	oracleRFC        = regexp.MustCompile(`\[RFC[0-9]+\]`)
	oracleName       = regexp.MustCompile(`^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$`)
	oracleLetter     = regexp.MustCompile(`[A-Za-z]`)
)

func (o *oracleRow) status() iana.Status {
	switch {
	case o.name != "" && strings.EqualFold(o.desc, "De-Registered"):
		return iana.Unassigned
	case o.name != "":
		return iana.Assigned
	case oracleReserved.MatchString(o.desc):
		return iana.Reserved
	case oracleUnassigned.MatchString(o.desc):
		return iana.Unassigned
	}
	return iana.Assigned
}

func (o *oracleRow) wellFormed() bool {
	return len(o.name) <= 15 && oracleName.MatchString(o.name) && oracleLetter.MatchString(o.name)
}

// rank writes the order of preference as a string that sorts.
func (o *oracleRow) rank() string {
	flag := func(b bool) string {
		if b {
			return "0"
		}
		return "1"
	}
	return flag(!oracleDemoted.MatchString(o.notes)) + flag(o.wellFormed()) +
		flag(oracleRFC.MatchString(o.refs)) + fmt.Sprintf("%-10s", o.reg) + o.name
}

// oracleAnswer is what the oracle says of one port.
type oracleAnswer struct {
	status      iana.Status
	listed, any bool
	names       []string
	row         *oracleRow // that decides; nil if not listed
}

// oracle has the records that touch each port.
type oracle [65536][]*oracleRow

func newOracle(rows []oracleRow) *oracle {
	o := new(oracle)
	for i := range rows {
		for p := rows[i].first; p >= 0 && p <= rows[i].last; p++ {
			o[p] = append(o[p], &rows[i])
		}
	}
	return o
}

func (o *oracle) lookup(proto string, port int) oracleAnswer {
	if port >= 49152 {
		return oracleAnswer{status: iana.Dynamic}
	}
	for _, step := range []struct{ exact, any bool }{{true, false}, {true, true}, {false, false}, {false, true}} {
		var found []*oracleRow
		for _, r := range o[port] {
			want := proto
			if step.any {
				want = ""
			}
			if (r.first == r.last) == step.exact && r.proto == want {
				found = append(found, r)
			}
		}
		if len(found) == 0 {
			continue
		}
		sort.SliceStable(found, func(i, j int) bool {
			a, b := found[i], found[j]
			if (a.state == iana.Assigned) != (b.state == iana.Assigned) {
				return a.state == iana.Assigned
			}
			return a.state == iana.Assigned && a.order < b.order
		})
		ans := oracleAnswer{status: found[0].state, listed: true, any: step.any, row: found[0]}
		for _, r := range found {
			if r.state == iana.Assigned && r.name != "" && !slices.Contains(ans.names, r.name) {
				ans.names = append(ans.names, r.name)
			}
		}
		return ans
	}
	return oracleAnswer{status: iana.Unassigned}
}

// checkOracle compares all ports of all transports.
func checkOracle(t *testing.T, reg *iana.Registry, rows []oracleRow) {
	t.Helper()
	o := newOracle(rows)
	bad := 0
	for port := 0; port < 65536; port += published.Every(61) {
		var answers [iana.NumTransports]oracleAnswer
		for _, tr := range iana.Transports() {
			answers[tr] = o.lookup(tr.String(), port)
		}
		for _, tr := range iana.Transports() {
			got, want := reg.Lookup(tr, uint16(port)), answers[tr]
			var siblings iana.TransportSet
			for _, other := range iana.Transports() {
				if other != tr && answers[other].status == iana.Assigned {
					siblings = siblings.With(other)
				}
			}
			row := want.row
			if row == nil {
				row = &oracleRow{first: port, last: port}
			}
			refs := ""
			for _, ref := range got.References() {
				refs += "[" + ref + "]"
			}
			if got.Status == want.status && got.Listed == want.listed && got.TransportUnspecified == want.any &&
				slices.Equal(got.Names(), want.names) &&
				got.Description() == row.desc && got.Registered() == row.reg && got.Modified() == row.mod &&
				refs == row.refs && got.ServiceCode() == row.code &&
				got.Span() == (iana.Span{First: uint16(row.first), Last: uint16(row.last)}) &&
				got.Siblings() == siblings && got.Port == uint16(port) && got.Transport == tr {
				continue
			}
			t.Errorf("%d/%s: got %v listed %v names %q %q %s %s %s siblings %s; oracle %+v %+v siblings %s",
				port, tr, got.Status, got.Listed, got.Names(), got.Description(), got.Registered(),
				got.Modified(), refs, got.Siblings(), want, *row, siblings)
			if bad++; bad > 20 {
				t.Fatal("too many differences")
			}
		}
	}
	if n := reg.Edition().Records; n != len(rows) {
		t.Errorf("%d records: oracle has %d", n, len(rows))
	}
}

func TestOracleCSV2025(t *testing.T) {
	checkOracle(t, openEdition(t, published.CSV2025), oracleCSV(t))
}

func TestOracleXML2026(t *testing.T) {
	checkOracle(t, openEdition(t, published.XML2026), oracleXML(t, published.XML2026))
}

func TestOracleXML2024(t *testing.T) {
	checkOracle(t, openEdition(t, published.XML2024), oracleXML(t, published.XML2024))
}

// The embedded edition must answer as the file that it was made from.
func TestOracleEmbedded(t *testing.T) {
	checkOracle(t, iana.Embedded(), oracleXML(t, published.XML2026))
}
