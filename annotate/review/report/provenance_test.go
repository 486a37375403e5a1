package report

import (
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/review"
)

func TestProvenance(t *testing.T) {
	at := review.Time(1789376400e9)
	r := &review.Report{
		Registry: review.RegistryRef{Edition: "2026-08-17", Source: "iana.xml"},
		Window:   review.Window{First: at, Last: at + 7200e9},
		Inputs: []review.Input{
			{Name: "a.log", Kind: "log", Format: "zeek", Window: &review.Window{First: at, Last: at + 60e9}},
			{Name: "b.log", Kind: "log", Format: "zeek"},
		},
	}
	m := Meta{Title: "North <office>", Author: "R. Viewer", Program: "portannot v1.2.3", Command: "portannot review 'a  b'", Made: time.Unix(1789380000, 0)}
	for _, name := range []string{"text", "markdown", "html"} {
		var b strings.Builder
		if err := Write(&b, name, r, m); err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#39;", "'").Replace(b.String())
		for _, want := range []string{
			"North <office>", "R. Viewer", "portannot v1.2.3", "portannot review 'a  b'", "2026-09-14 10:00:00 UTC", "edition 2026-08-17, iana.xml",
			"a.log, 2026-09-14 09:00:00 to 09:01:00 UTC",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: does not say %q", name, want)
			}
		}
		// That of the whole is not that of one of two inputs.
		if strings.Contains(text, "b.log, ") {
			t.Errorf("%s: gives a window to an input whose window is not known", name)
		}
		if name == "html" && !strings.Contains(text, "Signature") {
			t.Error("html: has no area to sign")
		}
	}
	m = Meta{}
	if list := provenance(&review.Report{}, &m); len(list) > 0 {
		t.Errorf("of nothing: %v", list)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 10861: "10,861", 123456789: "123,456,789", -1000: "-1,000", -999: "-999"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is written %s, want %s", n, got, want)
		}
	}
}
