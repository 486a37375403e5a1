package iana

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestClassifyDescriptions(t *testing.T) {
	for _, c := range []struct {
		name, description string
		want              Status
	}{
		{"", "Reserved", Reserved},
		{"", "RESERVED", Reserved},
		{"", "reserved.", Reserved},
		{"", "(Reserved)", Reserved},
		{"", "Reserved - IANA", Reserved},
		{"", "IANA Reserved", Reserved},
		{"", "Unassigned", Unassigned},
		{"", "(unassigned) Possibly assigned", Unassigned},
		{"", "Un-assigned", Unassigned},
		{"", "Unassigned [was netstat]", Unassigned},
		{"", "De-registered", Unassigned},
		{"", "Deregistered", Unassigned},
		{"", "De-Assigned", Unassigned},
		{"", "Removed", Unassigned},
		{"", "Deprecated", Unassigned},
		{"", "Decomissioned Port 04/14/00, ms", Unassigned},
		{"", "De-Commissioned Port", Unassigned},
		{"", "Possibly used by Sun Solaris????", Unassigned},
		{"", "any private mail system", Assigned},
		{"sua", "De-Registered", Unassigned},
		{"remoteware-un", "RemoteWare Unassigned", Assigned},
		{"stun-behaviors", "Reserved for a future enhancement of STUN-BEHAVIOR", Assigned},
		{"removedd", "Removed things daemon", Assigned},
		{"x", "", Assigned},
	} {
		got := classify(&Record{Name: c.name, Description: c.description})
		if got.status != c.want || got.unsure {
			t.Errorf("%q %q: %s, unsure %v", c.name, c.description, got.status, got.unsure)
		}
	}
	for desc, want := range map[string]Status{
		"a service with no name": Assigned,
		"Reservedness":           Assigned,
		"removedly":              Assigned,
		"":                       Unknown,
	} {
		if got := classify(&Record{Description: desc}); got.status != want || !got.unsure {
			t.Errorf("%q: %s, unsure %v", desc, got.status, got.unsure)
		}
	}
}

func TestDemotes(t *testing.T) {
	for notes, want := range map[string]bool{
		`This entry is an alias to "whoispp". This entry is now historic, not usable for use with many common service discovery mechanisms.`: true,
		`This is a duplicate of the "http" service and should not be used for discovery purposes.`:                                           true,
		`Historically, this service has been referred to as "kca_service", but this service name does not meet the registry requirements.`:   false,
		"": false,
	} {
		if got := demotes(notes); got != want {
			t.Errorf("%q: %v", notes, got)
		}
	}
}

func TestFindDate(t *testing.T) {
	for text, want := range map[string]string{
		"de-assigned on 2025-02-13, previously x": "2025-02-13",
		"(removed 2004-2-6)":                      "2004-02-06",
		"de-registered 08 june 2001":              "2001-06-08",
		"deprecated june 2004":                    "2004-06",
		"decomissioned port 04/14/00, ms":         "2000-04-14",
		"released 12/7/98":                        "1998-12-07",
		"removed in may":                          "",
		"may 5":                                   "",
		"june":                                    "",
		"port 6000-6063":                          "",
		"1-2-3":                                   "",
		"13/40/99":                                "",
		"2004-13-45":                              "",
		"rfc6335":                                 "",
		"":                                        "",
	} {
		if got := findDate(text); got != want {
			t.Errorf("%q: %q: want %q", text, got, want)
		}
	}
}

func TestConcernsPort(t *testing.T) {
	for _, c := range []struct {
		text string
		span Span
		want []uint16
	}{
		{"on port 12", Span{10, 14}, []uint16{12}},
		{"ports 11-13", Span{10, 14}, []uint16{11, 12, 13}},
		{"ports 11, 13 & 14.", Span{10, 14}, []uint16{11, 13, 14}},
		{"used since 2004", Span{10, 14}, []uint16{10, 11, 12, 13, 14}},
		{"see [RFC12]", Span{10, 14}, []uint16{10, 11, 12, 13, 14}},
		{"99999999999999999999 13", Span{10, 14}, []uint16{13}},
		{"13-", Span{10, 14}, []uint16{13}},
		{"13-11", Span{10, 14}, []uint16{10, 11, 12, 13, 14}},
		{"yes", Span{10, 11}, []uint16{10, 11}},
		{"on port 99", Span{10, 10}, []uint16{10}},
	} {
		var got []uint16
		for p := uint16(0); p < 100; p++ {
			if concernsPort(c.text, c.span, p) {
				got = append(got, p)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q in %v: %d", c.text, c.span, got)
		}
	}
}

var datePattern = regexp.MustCompile(`^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$`)

// No prose makes it fail, what it finds is of the right form, and the table
// keeps all of it.
func FuzzClassify(f *testing.F) {
	f.Add("", "Unassigned [was netstat]", "Removed 2004-2-6", "port 12-13")
	f.Add("sua", "De-Registered", "(previous contact was[Christopher_Allen])", "")
	f.Add("", "Reserved", "De-assigned on 2025-02-13, previously x by [y]", "Ports 44515 & 44516")
	f.Add("", "[was ", "previously assigned to İ but", "1-")
	f.Fuzz(func(t *testing.T, name, description, notes, unauthorized string) {
		rec := Record{Name: name, Description: description, Notes: notes}
		c := classify(&rec)
		if d := c.former.Date; d != "" && !datePattern.MatchString(d) {
			t.Errorf("date %q", d)
		}
		if c.status == Assigned && c.freed {
			t.Error("assigned and freed")
		}
		if concernsPort(unauthorized, Span{10, 20}, 21) {
			t.Error("concerns a port outside of the range")
		}
		for _, field := range []*string{&rec.Name, &rec.Description, &rec.Notes} {
			*field = FoldSpace(*field) // as readers do
		}
		w := row{rec, classify(&rec)}
		line := string(appendTableLine(nil, &w))
		back := parseTableLine(strings.TrimSuffix(line, "\n"))
		if again := string(appendTableLine(nil, &back)); again != line {
			t.Errorf("%q becomes %q", line, again)
		}
	})
}
