package edition

import (
	"slices"
	"testing"

	"github.com/portannot/portannot/annotate/iana/internal/published"
)

// The plain text of earlier years, which had other headings and another foot,
// agrees with the XML of its day.
func TestOldTextAgreesWithXML(t *testing.T) {
	for _, c := range []struct{ text, xml, date string }{
		{published.Text2016, published.XML2016, "2016-06-28"},
		{published.Text2019, published.XML2019, "2019-08-26"},
	} {
		t.Run(c.date, func(t *testing.T) {
			got, want := openEdition(t, c.text), openEdition(t, c.xml)
			if ed := got.Edition(); ed.Form != "text" || ed.Date != c.date || !got.Coverage().Complete() {
				t.Errorf("%+v covers %v", ed, got.Coverage())
			}
			a, b := slices.Collect(got.Records()), slices.Collect(want.Records())
			if len(a) != len(b) {
				t.Fatalf("%d records, want %d", len(a), len(b))
			}
			bad := 0
			for i := range a {
				if x, y := recordText(a[i]), recordText(b[i]); x != y {
					if bad++; bad <= 10 {
						t.Errorf("line %d:\n got %s\nwant %s", a[i].Line, x, y)
					}
				}
			}
			t.Logf("%d records differ", bad)
			wrong := 0
			for e := range want.Entries() {
				g := got.Lookup(e.Transport, e.Port)
				if g.Status != e.Status || !slices.Equal(g.Names(), e.Names()) || g.Registered() != e.Registered() || g.Span() != e.Span() {
					if wrong++; wrong <= 10 {
						t.Errorf("%d/%s: %v %q, want %v %q", e.Port, e.Transport, g.Status, g.Names(), e.Status, e.Names())
					}
				}
			}
			contacts := contactsOf(t, c.xml)
			other := 0
			for _, p := range contacts {
				if g, ok := got.Contact(p.ID); !ok || g != p {
					if other++; other <= 5 {
						t.Errorf("contact %+v, want %+v", g, p)
					}
				}
			}
			t.Logf("%d of %d contacts differ", other, len(contacts))
		})
	}
}
