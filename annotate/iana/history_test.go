package iana

import (
	"compress/flate"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func day(t testing.TB, text string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What is embedded is what is reviewed, and ends with the embedded edition.
func TestHistoryFollowsFromText(t *testing.T) {
	text, err := os.ReadFile("history.txt")
	if err != nil {
		t.Fatal(err)
	}
	packed, err := io.ReadAll(flate.NewReader(strings.NewReader(historyBin)))
	if err != nil {
		t.Fatal(err)
	}
	table := embeddedHistory()
	got, _, _ := strings.Cut(string(packed), "\n")
	got += "\n"
	for _, r := range table.revisions[1:] {
		got += r.date + "\n"
		for _, line := range slices.Backward(r.removed) {
			got += "-" + table.line(int(line)) + "\n"
		}
		for _, line := range slices.Backward(r.added) {
			got += "+" + table.line(int(line)) + "\n"
		}
	}
	if got != string(text) {
		t.Error("history.bin is not made of history.txt: run go generate")
	}
	h := embeddedHistory()
	if last := h.revisions[len(h.revisions)-1].date; last != embeddedDate {
		t.Errorf("the last edition is %s: want %s", last, embeddedDate)
	}
	if n := len(historyBin); n > 60_000 {
		t.Errorf("%d bytes embedded", n)
	}
}

func TestKnownEditions(t *testing.T) {
	dates := KnownEditions()
	if len(dates) < 619 || dates[0] != "2015-05-04" || dates[0] != FirstKnown() || !slices.IsSorted(dates) || !slices.Contains(dates, "2026-08-17") {
		t.Errorf("%d editions from %s", len(dates), dates[0])
	}
	for _, d := range dates {
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			t.Error(err)
		}
	}
}

func TestAsOf(t *testing.T) {
	for _, c := range []struct {
		day, edition string
	}{
		{"2015-05-04", "2015-05-04"},
		{"2016-06-28", "2016-06-28"},
		{"2016-06-29", "2016-06-28"}, // no edition of that day is known
		{"2026-08-16", "2026-08-11"},
		{embeddedDate, embeddedDate},
		{"9999-12-31", embeddedDate},
	} {
		reg, err := AsOf(day(t, c.day).Add(23 * time.Hour))
		if err != nil {
			t.Errorf("%s: %v", c.day, err)
		} else if got := reg.Edition().Date; got != c.edition {
			t.Errorf("%s: edition %s, want %s", c.day, got, c.edition)
		}
	}
	for _, d := range []string{"2015-05-03", "1970-01-01"} {
		if reg, err := AsOf(day(t, d)); !errors.Is(err, ErrNoHistory) || reg != nil {
			t.Errorf("%s: %v", d, err)
		}
	}
	// A zone east of Greenwich is a day ahead.
	east := time.FixedZone("", 14*3600)
	if _, err := AsOf(time.Date(2015, 5, 4, 6, 0, 0, 0, east)); !errors.Is(err, ErrNoHistory) {
		t.Errorf("2015-05-03 16:00 UTC: %v", err)
	}
}

// The same day gives the same registry, as long as one is in use.
func TestAsOfIsShared(t *testing.T) {
	a, err1 := AsOf(day(t, "2018-01-01"))
	b, err2 := AsOf(day(t, "2018-01-02"))
	if err1 != nil || err2 != nil || a != b {
		t.Errorf("%p %v, %p %v", a, err1, b, err2)
	}
	if a.Lookup(TCP, 80) != b.Lookup(TCP, 80) {
		t.Error("the same question has two answers")
	}
}

// What is known of ports that changed, by hand from IANA's notes and dates.
func TestAsOfFacts(t *testing.T) {
	for _, c := range []struct {
		day       string
		transport Transport
		port      uint16
		status    Status
		name      string
	}{
		{"2025-09-25", TCP, 11434, Unassigned, ""},
		{"2026-02-01", TCP, 11434, Unassigned, ""}, // its registration is dated 2025-09-26, but it was not published
		{"2026-02-02", TCP, 11434, Assigned, "ollama"},
		{"2025-02-12", TCP, 2, Assigned, "compressnet"},
		{"2025-03-01", TCP, 2, Reserved, ""},
		{"2015-06-01", TCP, 853, Unassigned, ""}, // DNS over TLS: RFC 7858, May 2016
		{"2016-06-28", TCP, 853, Assigned, "domain-s"},
		{"2017-01-01", SCTP, 38412, Unassigned, ""},
		{"2018-01-01", SCTP, 38412, Assigned, "ng-control"},
		{"2016-12-31", SCTP, 4711, Unassigned, ""},
		{"2017-06-01", SCTP, 4711, Assigned, "trinity-dist"},
		{"2016-06-28", TCP, 50000, Dynamic, ""},
	} {
		reg, err := AsOf(day(t, c.day))
		if err != nil {
			t.Fatal(err)
		}
		if e := reg.Lookup(c.transport, c.port); e.Status != c.status || e.Name() != c.name {
			t.Errorf("%s: %d/%s: %s %q, want %s %q", c.day, c.port, c.transport, e.Status, e.Name(), c.status, c.name)
		}
	}
}

// Every edition can be made, and its records are those that its changes leave.
func TestEveryEdition(t *testing.T) {
	h := embeddedHistory()
	step := 23
	if testing.Short() {
		step = 211
	}
	records := h.embedded
	for n := len(h.revisions) - 1; n >= 0; n-- {
		if n%step == 0 {
			reg, err := h.build(n)
			if err != nil {
				t.Fatalf("%s: %v", h.revisions[n].date, err)
			}
			if got := reg.Edition().Records; got != records {
				t.Errorf("%s: %d records, want %d", h.revisions[n].date, got, records)
			}
			if err := reg.index.check(reg.table, records); err != nil {
				t.Errorf("%s: %v", h.revisions[n].date, err)
			}
		}
		records += len(h.revisions[n].removed) - len(h.revisions[n].added)
	}
}

func TestAsOfDoesNotAllocate(t *testing.T) {
	reg, err := AsOf(day(t, "2019-08-26"))
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	if n := testing.AllocsPerRun(10, func() {
		for port := 0; port < 1<<16; port += 997 {
			for tr := range Transport(NumTransports) {
				e := reg.Lookup(tr, uint16(port))
				d, _ := e.Deassigned()
				sum += len(e.Name()) + len(e.Description()) + len(e.Registered()) + len(e.Unauthorized()) + len(e.ServiceCode()) + len(d.Date) + int(e.Siblings())
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// What the source of the history does not have is not taken from today.
func TestHistoryIsPartial(t *testing.T) {
	now := Embedded()
	then, err := AsOf(day(t, "2024-01-01"))
	if err != nil {
		t.Fatal(err)
	}
	if now.Lookup(DCCP, 9).ServiceCode() == "" || now.Lookup(TCP, 6003).Unauthorized() == "" {
		t.Fatal("today's edition does not have them")
	}
	if e := then.Lookup(DCCP, 9); e.Name() != "discard" || e.ServiceCode() != "" || e.Records()[0].ServiceCode != "" {
		t.Errorf("9/dccp: %q %q", e.Name(), e.ServiceCode())
	}
	if e := then.Lookup(TCP, 6003); e.Name() != "x11" || e.Unauthorized() != "" || e.Records()[0].Unauthorized != "" {
		t.Errorf("6003/tcp: %q %q", e.Name(), e.Unauthorized())
	}
	for rec := range then.Records() {
		if rec.ServiceCode != "" || rec.Unauthorized != "" {
			t.Errorf("%+v", rec)
		}
	}
}

const smallHistory = historyMagic + "\t2020-01-01\t2020-03-01\n" +
	"2020-02-01\n" +
	"-80\ttcp\tA\t\twww\n" +
	"+0\n" +
	"2020-03-01\n" +
	"+2\n" +
	"2020-03-01\n" + // a second edition of the same day
	"-81\ttcp\tA\t\tx\t\t\t\t\t7\n" +
	"2020-04-01\n" +
	"+1\n"

const smallTable = "80\ttcp\tA\t\thttp\n81\ttcp\tA\t\tx\t\t\t\t\t7\n"

func TestParseHistory(t *testing.T) {
	h, err := parseHistory(smallHistory, smallTable)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ date, names, code string }{
		{"2020-01-01", "www", ""}, {"2020-02-01", "http", ""}, {"2020-03-01", "http x", "7"}, {"2020-03-01", "http", ""}, {"2020-04-01", "http x", "7"},
	} {
		reg := h.registry(i)
		var names []string
		for rec := range reg.Records() {
			names = append(names, rec.Name)
		}
		if reg.Edition().Date != want.date || strings.Join(names, " ") != want.names || reg.Lookup(TCP, 81).ServiceCode() != want.code {
			t.Errorf("%d: %s %q %q, want %v", i, reg.Edition().Date, names, reg.Lookup(TCP, 81).ServiceCode(), want)
		}
	}
}

func TestParseHistoryFails(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"other version": strings.Replace(smallHistory, "1\t", "2\t", 1),
		"unknown line":  smallHistory + "2020-05-01\n+2\n",
		"order":         strings.Replace(smallHistory, "2020-02-01", "2020-12-01", 1),
		"no date":       strings.Replace(smallHistory, "2020-02-01\n", "", 1),
		"bad date":      strings.Replace(smallHistory, "2020-02-01\n", "x\n", 1),
		"empty line":    smallHistory + "\n",
	} {
		if _, err := parseHistory(text, smallTable); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkAsOf(b *testing.B) {
	h := embeddedHistory()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.build(0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadHistory(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		text, err := io.ReadAll(flate.NewReader(strings.NewReader(historyBin)))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := parseHistory(string(text), embeddedTable); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookupAsOf(b *testing.B) {
	reg, err := AsOf(day(b, "2016-06-28"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	port, sum := uint16(1), 0
	for b.Loop() {
		port = port*25173 + 13849
		sum += int(reg.Lookup(TCP, port).Status)
	}
	_ = sum
}

// The history of a port is what its editions answer, one by one.
func TestPortHistory(t *testing.T) {
	h := embeddedHistory()
	step := 17
	if testing.Short() {
		step = 200
	}
	type question struct {
		transport Transport
		port      uint16
	}
	questions := []question{
		{TCP, 2}, {TCP, 11434}, {SCTP, 11434}, {TCP, 853}, {UDP, 853}, {TCP, 8443}, {SCTP, 4711}, {SCTP, 38412},
		{TCP, 38412}, {UDP, 14001}, {TCP, 6003}, {DCCP, 9}, {TCP, 80}, {NoTransport, 585}, {TCP, 50000}, {UDP, 43200},
	}
	histories := make([][]Entry, len(questions))
	for i, q := range questions {
		histories[i] = PortHistory(q.transport, q.port)
	}
	for n := 0; n < len(h.revisions); n += step {
		reg, err := h.build(n)
		if err != nil {
			t.Fatal(err)
		}
		for i, q := range questions {
			want := reg.Lookup(q.transport, q.port)
			var got Entry
			for _, e := range histories[i] {
				if e.Edition().Date <= h.revisions[n].date || e.Status == Dynamic {
					got = e
				}
			}
			if got.Status != want.Status || !slices.Equal(got.Names(), want.Names()) || got.Description() != want.Description() ||
				got.Span() != want.Span() || got.Siblings() != want.Siblings() || got.Registered() != want.Registered() ||
				got.Modified() != want.Modified() || !slices.Equal(got.References(), want.References()) || got.Unauthorized() != want.Unauthorized() {
				t.Errorf("%d/%s as of %s: %v %q, want %v %q", q.port, q.transport, h.revisions[n].date, got.Status, got.Names(), want.Status, want.Names())
			}
		}
	}
	for i, q := range questions {
		if q.port >= FirstDynamic && len(histories[i]) != 1 {
			t.Errorf("%d: %d answers", q.port, len(histories[i]))
		}
	}
}

func BenchmarkPortHistory(b *testing.B) {
	embeddedHistory()
	for b.Loop() {
		PortHistory(TCP, 853)
	}
}
