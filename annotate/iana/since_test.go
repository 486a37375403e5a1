package iana

import "testing"

// The table that is embedded says what the history says, for all ports.
func TestSinceTable(t *testing.T) {
	reg, n := Embedded(), 0
	for port := range FirstDynamic {
		for _, transport := range Transports() {
			e := reg.Lookup(transport, uint16(port))
			after, by, ok := RegisteredBetween(e)
			if ok != (e.Status == Assigned) {
				t.Fatalf("%d/%s: %s, between editions: %v", port, transport, e.Status, ok)
			}
			want := ""
			if ok {
				want = EarliestDay(e.Registered(), after, by)
			}
			if got := RegisteredFrom(e); got != want {
				t.Errorf("%d/%s: from %q, want %q (after %q, by %q, %q): run go generate", port, transport, got, want, after, by, e.Registered())
			}
			if ok && want != firstDay(e.Registered()) {
				n++
			}
		}
	}
	if n != len(embeddedSince) || n == 0 {
		t.Errorf("%d ports in the table, want %d", len(embeddedSince), n)
	}
}

func TestRegisteredBetween(t *testing.T) {
	for _, c := range []struct {
		edition   string
		transport Transport
		port      uint16
		after, by string
	}{
		{"2026-08-17", TCP, 443, "", "2015-05-04"},
		{"2026-08-17", TCP, 11434, "2026-01-23", "2026-02-02"},
		{"2026-08-17", SCTP, 38412, "2017-05-17", "2017-05-18"},
		{"2026-08-17", TCP, 465, "2017-11-29", "2017-12-12"}, // urd alone before
		{"2016-06-28", TCP, 465, "", "2015-05-04"},
		{"2026-08-17", TCP, 44322, "", "2015-05-04"}, // renamed
		{"2020-01-01", TCP, 2, "", "2015-05-04"},     // given back in 2025
	} {
		reg, err := AsOf(day(t, c.edition))
		if err != nil {
			t.Fatal(err)
		}
		after, by, ok := RegisteredBetween(reg.Lookup(c.transport, c.port))
		if !ok || after != c.after || by != c.by {
			t.Errorf("%d/%s in %s: after %q, by %q, %v; want %q, %q", c.port, c.transport, c.edition, after, by, ok, c.after, c.by)
		}
	}
	if _, _, ok := RegisteredBetween(Embedded().Lookup(TCP, 2)); ok {
		t.Error("2/tcp is not assigned")
	}
	file, err := NewRegistry(Edition{Date: "2024-01-01", Form: "csv"}, []Record{{HasPort: true, Ports: Span{443, 443}, Transport: TCP, Name: "https"}}, AllPorts())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := RegisteredBetween(file.Lookup(TCP, 443)); ok {
		t.Error("the history of a file is known")
	}
}

// An edition that was installed later than the embedded one was made has the history
// of that, and changes of its own.
func TestRegisteredFromOfUpdated(t *testing.T) {
	records := []Record{
		{HasPort: true, Ports: Span{11434, 11434}, Transport: TCP, Name: "ollama", Registered: "2025-09-26"},
		{HasPort: true, Ports: Span{4, 4}, Transport: TCP, Name: "brand-new"},
	}
	reg, err := NewRegistry(Edition{Date: "2027-01-01", Form: "compact"}, records, AllPorts())
	if err != nil {
		t.Fatal(err)
	}
	for port, want := range map[uint16]string{11434: RegisteredFrom(Embedded().Lookup(TCP, 11434)), 4: "2026-08-18"} {
		if e := reg.Lookup(TCP, port); RegisteredFrom(e) != want || want == "" {
			t.Errorf("%d/%s: %q, want %q", port, e.Transport, RegisteredFrom(e), want)
		}
	}
}

func TestEarliestDay(t *testing.T) {
	for _, c := range []struct{ registered, after, by, want string }{
		{"2013-11-12", "", "2015-05-04", "2013-11-12"},
		{"2005-12", "", "2015-05-04", "2005-12-01"},
		{"", "", "2015-05-04", ""},
		{"2017-01-01", "", "2015-05-04", ""},                     // it was there before
		{"2016-05-12", "2016-05-10", "2016-05-20", "2016-05-12"}, // agrees
		{"2016-05", "2016-05-10", "2016-05-20", "2016-05-11"},    // a month is narrowed
		{"2016-05", "2016-04-20", "2016-05-20", "2016-05-01"},
		{"2014-01-01", "2016-05-10", "2016-05-20", "2014-01-01"}, // published later
		{"2016-03", "2016-05-10", "2016-05-20", "2016-03-01"},    // likewise
		{"2018-01-01", "2016-05-31", "2016-06-20", "2016-06-01"}, // published before
		{"", "2016-12-31", "2017-01-20", "2017-01-01"},
		{"soon", "2016-12-31", "2017-01-20", "2017-01-01"},
	} {
		if got := EarliestDay(c.registered, c.after, c.by); got != c.want {
			t.Errorf("%q between %q and %q: %q, want %q", c.registered, c.after, c.by, got, c.want)
		}
	}
}
