package iana

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

// edition makes a registry of a few records.
func edition(t testing.TB, records ...Record) *Registry {
	t.Helper()
	reg, err := NewRegistry(Edition{Source: "test"}, records, AllPorts())
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

// rec makes a record for a range of ports.
func rec(t Transport, first, last uint16, name, description string) Record {
	return Record{Name: name, Ports: Span{first, last}, HasPort: true, Transport: t, Description: description}
}

func TestZeroRegistry(t *testing.T) {
	var r Registry
	if e := r.Lookup(TCP, 0); e.Status != Unknown || e.Name() != "" || e.Records() != nil || e.Siblings() != 0 {
		t.Errorf("0/tcp: %+v", e)
	}
	if e := r.Lookup(TCP, 65535); e.Status != Dynamic {
		t.Errorf("65535/tcp: %+v", e)
	}
	if r.ByName("http") != nil || r.Near("http", 3) != nil {
		t.Error("finds names")
	}
	for rec := range r.Records() {
		t.Errorf("record %+v", rec)
	}
}

func TestZeroEntry(t *testing.T) {
	var e Entry
	if e.Status != Unknown || e.Name() != "" || e.Names() != nil || e.Description() != "" || e.Siblings() != 0 ||
		e.References() != nil || e.Unauthorized() != "" || e.Span() != (Span{}) || e.Deciding() != 0 {
		t.Errorf("%+v", e)
	}
	if _, ok := e.Deassigned(); ok {
		t.Error("deassigned")
	}
}

// A transport that is none answers, too.
func TestLookupOtherTransport(t *testing.T) {
	for _, tr := range []Transport{Transport(NumTransports), 255} {
		if e := Embedded().Lookup(tr, 80); e.Status != Unknown || e.Listed {
			t.Errorf("%v: %+v", tr, e)
		}
		if e := Embedded().Lookup(tr, 50000); e.Status != Dynamic {
			t.Errorf("%v: %+v", tr, e)
		}
	}
}

// Without a transport, only the records that name none answer.
func TestLookupNoTransport(t *testing.T) {
	if e := Embedded().Lookup(NoTransport, 80); e.Status != Unknown || e.Listed || e.Siblings().String() != "tcp,udp,sctp" {
		t.Errorf("80: %+v siblings %s", e, e.Siblings())
	}
	if e := Embedded().Lookup(NoTransport, 585); e.Status != Unassigned || !e.Listed || !e.TransportUnspecified {
		t.Errorf("585: %+v", e)
	}
}

// Outside of an excerpt nothing is known; but dynamic ports are a rule.
func TestCoverage(t *testing.T) {
	reg, err := NewRegistry(Edition{}, []Record{rec(TCP, 4739, 4739, "ipfix", "")}, Coverage{Span{4665, 4740}})
	if err != nil {
		t.Fatal(err)
	}
	for port, want := range map[uint16]Status{
		0: Unknown, 4664: Unknown, 4665: Unassigned, 4739: Assigned, 4740: Unassigned, 4741: Unknown,
		49151: Unknown, 49152: Dynamic, 65535: Dynamic,
	} {
		if e := reg.Lookup(TCP, port); e.Status != want {
			t.Errorf("%d: %s: want %s", port, e.Status, want)
		}
	}
	if reg.Coverage().Complete() {
		t.Error("complete")
	}
}

func TestPrecedence(t *testing.T) {
	all := []Record{
		rec(NoTransport, 100, 200, "range-any", ""),
		rec(TCP, 100, 200, "range-tcp", ""),
		rec(NoTransport, 150, 150, "exact-any", ""),
		rec(TCP, 150, 150, "exact-tcp", ""),
	}
	for n, want := range []struct {
		name string
		step Precedence
	}{
		{"exact-tcp", ExactTransport}, {"exact-any", ExactAnyTransport},
		{"range-tcp", RangeTransport}, {"range-any", RangeAnyTransport},
	} {
		e := edition(t, all[:len(all)-n]...).Lookup(TCP, 150)
		if e.Name() != want.name || e.Precedence != want.step || len(e.Records()) != len(all)-n || e.Deciding() != 1 ||
			e.TransportUnspecified != strings.HasSuffix(want.name, "any") {
			t.Errorf("without %d: %s %s", n, e.Name(), e.Precedence)
		}
	}
}

// Where records of one step disagree, an assignment outweighs a reservation,
// and a name that stands twice counts once.
func TestOneStepDisagrees(t *testing.T) {
	e := edition(t,
		rec(TCP, 9, 9, "", "Unassigned"),
		rec(TCP, 9, 9, "", "Reserved"),
		rec(TCP, 9, 9, "b", ""),
		rec(TCP, 9, 9, "a", ""),
		rec(TCP, 9, 9, "b", "again"),
	).Lookup(TCP, 9)
	if e.Status != Assigned || !slices.Equal(e.Names(), []string{"a", "b"}) || e.Deciding() != 5 {
		t.Errorf("%+v %q", e, e.Names())
	}
	if got := e.Records()[4].Description; got != "Unassigned" {
		t.Errorf("last record: %q", got)
	}
}

func TestNamePreference(t *testing.T) {
	name := func(name, notes, registered string, refs ...string) Record {
		r := rec(TCP, 9, 9, name, "x")
		r.Notes, r.Registered, r.References = notes, registered, refs
		return r
	}
	// Each differs from the next by one rule.
	want := []Record{
		name("z-rfc", "", "2010-01-01", "1", "RFC1"),
		name("a-old", "", "", "RFC-ietf-foo-01"),
		name("z-date", "", "2005-04"),
		name("a-date", "", "2005-05-01"),
		name("b-date", "", "2005-05-01"),
		name("a_bad", "", "", "RFC1"),
		name("a-alias", `This entry is an alias to "z-rfc".`, "", "RFC1"),
	}
	records := slices.Clone(want)
	slices.Reverse(records)
	got := edition(t, records...).Lookup(TCP, 9).Names()
	for i, r := range want {
		if got[i] != r.Name {
			t.Errorf("place %d: %s: want %s", i, got[i], r.Name)
		}
	}
}

// Random editions, with ranges that overlap at will, against the plain search.
func TestLookupRandomEditions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	descriptions := []string{"Reserved", "Unassigned", "Removed", "any private use", "some service"}
	for range 20 {
		var records []Record
		for i := range 60 {
			r := rec(Transport(rng.IntN(NumTransports)), 0, 0, "", descriptions[rng.IntN(len(descriptions))])
			r.Ports.First = uint16(rng.IntN(300))
			r.Ports.Last = r.Ports.First
			if rng.IntN(3) == 0 {
				r.Ports.Last += uint16(rng.IntN(200))
			}
			if rng.IntN(2) == 0 {
				r.Name = fmt.Sprintf("n%d", rng.IntN(30))
			}
			r.Line = i + 1
			records = append(records, r)
		}
		reg := edition(t, records...)
		for tr := range Transport(NumTransports) {
			for port := range uint16(600) {
				checkPlain(t, reg, records, tr, port)
			}
		}
	}
}

// checkPlain compares an answer with a search through all records.
func checkPlain(t *testing.T, reg *Registry, records []Record, tr Transport, port uint16) {
	t.Helper()
	var steps [RangeAnyTransport + 1][]int
	all := 0
	for i, r := range records {
		if !r.Ports.Contains(port) || r.Transport != NoTransport && r.Transport != tr {
			continue
		}
		step := ExactTransport
		if r.Ports.First != r.Ports.Last {
			step = RangeTransport
		}
		if r.Transport == NoTransport {
			step++
		}
		steps[step] = append(steps[step], i)
		all++
	}
	e := reg.Lookup(tr, port)
	lines := map[int]bool{}
	for _, r := range e.Records() {
		lines[r.Line] = true
	}
	if len(e.Records()) != all || len(lines) != all {
		t.Fatalf("%d/%s: %d records: want %d", port, tr, len(e.Records()), all)
	}
	for step, found := range steps {
		if len(found) == 0 {
			continue
		}
		names := map[string]bool{}
		for _, i := range found {
			if !lines[records[i].Line] {
				t.Fatalf("%d/%s: record %d is missing", port, tr, i)
			}
			if records[i].Name != "" && classify(&records[i]).status == Assigned {
				names[records[i].Name] = true
			}
		}
		if e.Precedence != Precedence(step) || e.Deciding() != len(found) || e.NumNames() != len(names) {
			t.Fatalf("%d/%s: %s, %d records, names %q: want %s, %d, %v", port, tr, e.Precedence, e.Deciding(), e.Names(), Precedence(step), len(found), names)
		}
		for _, n := range e.Names() {
			if !names[n] {
				t.Fatalf("%d/%s: name %s", port, tr, n)
			}
		}
		return
	}
	if e.Listed || e.Precedence != NoRecord {
		t.Fatalf("%d/%s: listed", port, tr)
	}
}

// Editions that no one would publish are refused in little time and memory.
func TestIndexLimits(t *testing.T) {
	many := make([]Record, 1<<16)
	for i := range many {
		many[i] = Record{Name: "n"}
	}
	var nested, same, staggered []Record
	for i := range uint16(300) {
		nested = append(nested, rec(NoTransport, i, 49151-i, "", "Reserved"))
		same = append(same, rec(TCP, 80, 80, fmt.Sprintf("n%d", i), ""))
	}
	for i := range uint16(20000) {
		staggered = append(staggered, rec(NoTransport, 2*i, 2*i+50, "", "Reserved"))
	}
	for _, c := range []struct {
		name    string
		records []Record
		want    string
	}{
		{"records", many, "index registry s: 65536 records: at most 65535 fit"},
		{"nested", nested, "index registry s: port 31/: more than 31 records of the same kind"},
		{"same", same, "index registry s: port 80/tcp: more than 255 records concern it"},
		{"same step", same[:40], "index registry s: port 80/tcp: more than 31 records of the same kind"},
		{"staggered", staggered, "index registry s: port 2419/: too many different answers: the records overlap too much"},
	} {
		_, err := NewRegistry(Edition{Source: "s"}, c.records, AllPorts())
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
}

// A record for dynamic ports changes nothing, and one that reaches into them
// counts below.
func TestRecordsForDynamicPorts(t *testing.T) {
	reg := edition(t, rec(TCP, 50000, 50000, "x", ""), rec(TCP, 49000, 65535, "y", ""))
	if e := reg.Lookup(TCP, 50000); e.Status != Dynamic || e.Listed {
		t.Errorf("%+v", e)
	}
	if e := reg.Lookup(TCP, 49151); e.Name() != "y" {
		t.Errorf("%+v", e)
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	file := edition(t, rec(TCP, 80, 80, "http", "World Wide Web HTTP"), rec(NoTransport, 81, 90, "", "Unassigned"))
	for name, reg := range map[string]*Registry{"embedded": Embedded(), "file": file} {
		var sink int
		n := testing.AllocsPerRun(10, func() {
			for _, port := range []uint16{0, 2, 22, 80, 85, 796, 6003, 27018, 38412, 60000} {
				for tr := range Transport(NumTransports) {
					e := reg.Lookup(tr, port)
					sink += int(e.Status) + len(e.Name()) + len(e.Description()) + len(e.Registered()) + len(e.Modified()) +
						len(e.ServiceCode()) + len(e.Unauthorized()) + int(e.Siblings()) + int(e.Span().First) + len(e.Range().String())
					for i := range e.NumNames() {
						sink += len(e.NameAt(i))
					}
					d, _ := e.Deassigned()
					sink += len(d.FormerName)
				}
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A registry may be asked by many at a time: for the race detector.
func TestConcurrentUse(t *testing.T) {
	file := edition(t, slices.Collect(Embedded().Records())...)
	for _, reg := range []func() *Registry{Embedded, func() *Registry { return file }} {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				reg := reg() // the embedded edition is opened by who comes first
				for port := range 1 << 16 {
					if port >= 100 && port%97 > 0 {
						continue
					}
					e := reg.Lookup(Transport(port%NumTransports), uint16(port))
					if len(e.Names()) > 0 && len(reg.ByName(e.Name())) == 0 {
						t.Errorf("%d: the name %s is not found", port, e.Name())
					}
					AppendJSON(nil, e)
				}
			})
		}
		wg.Wait()
	}
}

func TestEntriesCompare(t *testing.T) {
	tcp, again, udp := Embedded().Lookup(TCP, 80), Embedded().Lookup(TCP, 80), Embedded().Lookup(UDP, 80)
	if tcp != again {
		t.Error("the same question has two answers")
	}
	if tcp == udp {
		t.Error("two questions have the same answer")
	}
}

func TestNameAtOutOfRange(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Embedded().Lookup(TCP, 80).NameAt(3)
}

func TestTransportSet(t *testing.T) {
	var s TransportSet
	if s.String() != "" {
		t.Errorf("%q", s)
	}
	s = s.With(SCTP).With(TCP)
	if !s.Has(TCP) || s.Has(UDP) || s.String() != "tcp,sctp" {
		t.Errorf("%q", s)
	}
}

func TestRangeOf(t *testing.T) {
	for port, want := range map[uint16]string{0: "system", 1023: "system", 1024: "user", 49151: "user", 49152: "dynamic", 65535: "dynamic"} {
		if got := RangeOf(port).String(); got != want {
			t.Errorf("%d: %s", port, got)
		}
	}
}

func TestContacts(t *testing.T) {
	without := edition(t, rec(TCP, 1, 1, "a", ""))
	reg := without.WithContacts([]Contact{{ID: "A", Name: "Ann"}})
	if _, ok := without.Contact("A"); ok {
		t.Error("the registry without contacts has changed")
	}
	if reg.Lookup(TCP, 1).Name() != "a" {
		t.Error("the registry with contacts is another")
	}
	if got := reg.Contacts("[A][B]"); !slices.Equal(got, []Contact{{ID: "A", Name: "Ann"}, {ID: "B"}}) {
		t.Errorf("%+v", got)
	}
}

func BenchmarkLookup(b *testing.B) {
	reg := Embedded()
	b.ReportAllocs()
	port, sum := uint16(1), 0
	for b.Loop() {
		port = port*25173 + 13849 // every port in turn, far from the last
		sum += int(reg.Lookup(TCP, port).Status)
	}
	_ = sum
}

func BenchmarkLookupName(b *testing.B) {
	reg := Embedded()
	b.ReportAllocs()
	port, sum := uint16(1), 0
	for b.Loop() {
		port = port*25173 + 13849
		sum += len(reg.Lookup(TCP, port).Name())
	}
	_ = sum
}

// Of two ranges of one precedence and status, the narrower one answers, wherever
// it stands: in 2016, 43192-43209 stood before 43124-44320, both unassigned.
func TestNarrowerRange(t *testing.T) {
	wide, narrow := rec(NoTransport, 100, 300, "", "Unassigned"), rec(NoTransport, 150, 160, "", "Unassigned (1)")
	for _, records := range [][]Record{{wide, narrow}, {narrow, wide}} {
		e := edition(t, records...).Lookup(TCP, 155)
		if e.Span() != narrow.Ports || e.Description() != narrow.Description || e.Deciding() != 2 {
			t.Errorf("%v %q, %d records decide", e.Span(), e.Description(), e.Deciding())
		}
	}
}
