package iana_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/internal/published"
)

func asOf(t testing.TB, day string) *iana.Registry {
	t.Helper()
	date, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	reg, err := iana.AsOf(date)
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

// An edition of the history answers for every port and transport as the XML that
// IANA published on that day, read by the oracle. What the source of the history
// does not have is left out of the comparison.
func TestAsOfOracle(t *testing.T) {
	for _, c := range []struct{ day, file string }{
		{"2016-06-28", published.XML2016}, {"2019-08-26", published.XML2019}, {"2022-07-01", published.XML2022},
	} {
		t.Run(c.day, func(t *testing.T) {
			rows := oracleXML(t, c.file)
			o, reg := newOracle(rows), asOf(t, c.day)
			if ed := reg.Edition(); ed.Date != c.day || ed.Records != len(rows) || ed.Form != "history" {
				t.Errorf("%+v: oracle has %d records", ed, len(rows))
			}
			bad, references := 0, 0
			for port := range 1 << 16 {
				for _, tr := range iana.Transports() {
					got, want := reg.Lookup(tr, uint16(port)), o.lookup(tr.String(), port)
					row := want.row
					if row == nil {
						row = &oracleRow{first: port, last: port}
					}
					refs := ""
					for _, ref := range got.References() {
						refs += "[" + ref + "]"
					}
					if refs != row.refs {
						references++
					}
					if got.Status == want.status && got.Listed == want.listed && got.TransportUnspecified == want.any &&
						slices.Equal(got.Names(), want.names) && got.Registered() == row.reg && got.Modified() == row.mod &&
						got.Span() == (iana.Span{First: uint16(row.first), Last: uint16(row.last)}) &&
						(got.Description() == row.desc || strings.Contains(row.desc, "[")) &&
						got.ServiceCode() == "" && got.Unauthorized() == "" {
						continue
					}
					t.Errorf("%d/%s: got %v listed %v names %q %q %s %s %v; oracle %+v %+v", port, tr, got.Status, got.Listed,
						got.Names(), got.Description(), got.Registered(), got.Modified(), got.Span(), want, *row)
					if bad++; bad > 20 {
						t.Fatal("too many differences")
					}
				}
			}
			t.Logf("%d answers have other references", references)
		})
	}
}
