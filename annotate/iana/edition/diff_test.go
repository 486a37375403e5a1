package edition

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/internal/published"
)

func countKinds(list []Change) map[ChangeKind]int {
	n := map[ChangeKind]int{}
	for _, c := range list {
		if c.HasPort {
			n[c.Kind]++
		}
	}
	return n
}

func TestCompare2024To2026(t *testing.T) {
	list := Compare(openEdition(t, published.XML2024), openEdition(t, published.XML2026))
	n := countKinds(list)
	if n[Added] != 33 || n[Removed] != 10 || n[Renamed] != 12 {
		t.Errorf("%d added, %d removed, %d renamed: want 33, 10, 12", n[Added], n[Removed], n[Renamed])
	}
	if n[StatusChanged] != 13 {
		t.Errorf("%d changed status, want 13", n[StatusChanged])
	}
	t.Logf("%d revised", n[Revised])
	lines := map[string]bool{}
	names := 0
	for _, c := range list {
		lines[c.String()] = true
		if c.HasPort && c.Port >= 4665 && c.Port <= 4740 {
			t.Errorf("the window 4665-4740 did not change, but: %v", c)
		}
		if !c.HasPort {
			names++
		}
	}
	t.Logf("%d names without port added or removed", names)
	for _, want := range []string{
		"11434/tcp: added: ollama (Ollama)",
		"11434/udp: status: unassigned, now reserved",
		"5914/sctp: added: ipsdtls (Security for Internet Protocol Suite)",
		"7123/udp: added: snif (SNIF End-to-End TLS Relay over QUIC)",
		"2/tcp: removed: compressnet (Management Utility), now reserved",
		"1980/tcp: renamed: pearldoc-xact, now panquest-xact",
		"3283/udp: renamed: Apple Remote Desktop (Net Assistant), now net-assistant",
	} {
		if !lines[want] {
			t.Errorf("no change %q", want)
		}
	}
}

func TestCompareSame(t *testing.T) {
	reg := openEdition(t, published.XML2026)
	for _, other := range []*iana.Registry{reg, iana.Embedded(), openEdition(t, published.Text2026)} {
		if list := Compare(reg, other); len(list) != 0 {
			t.Errorf("%s: %d changes, the first: %v", other.Edition().Form, len(list), list[0])
		}
	}
	// Of an excerpt only its own window is compared.
	if list := Compare(reg, openEdition(t, published.Excerpt24)); len(list) != 0 {
		t.Errorf("excerpt: %d changes, the first: %v", len(list), list[0])
	}
}

// diffAnswer is the answer for one (port, transport) from the records alone,
// by the plainest means.
type diffAnswer struct {
	status iana.Status
	names  string // sorted
}

func diffOracle(reg *iana.Registry) []diffAnswer {
	type found struct {
		step iana.Precedence
		recs []iana.Record
	}
	best := make([]found, 5<<16)
	for r := range reg.Records() {
		if !r.HasPort {
			continue
		}
		step := iana.ExactTransport
		if r.Transport == iana.NoTransport {
			step = iana.ExactAnyTransport
		}
		if r.Ports.First != r.Ports.Last {
			step += 2
		}
		for port := int(r.Ports.First); port <= int(r.Ports.Last); port++ {
			for tr := iana.TCP; tr <= iana.DCCP; tr++ {
				if r.Transport != iana.NoTransport && r.Transport != tr {
					continue
				}
				f := &best[int(tr)<<16|port]
				switch {
				case f.step == 0 || step < f.step:
					*f = found{step, []iana.Record{r}}
				case step == f.step:
					f.recs = append(f.recs, r)
				}
			}
		}
	}
	answers := make([]diffAnswer, 5<<16)
	for tr := iana.TCP; tr <= iana.DCCP; tr++ {
		for port := range iana.FirstDynamic {
			f := best[int(tr)<<16|port]
			a := diffAnswer{status: iana.Unassigned}
			var names []string
			for _, r := range f.recs {
				switch low := strings.ToLower(r.Description); {
				case r.Name != "":
					a.status = iana.Assigned
					names = append(names, r.Name)
				case strings.Contains(low, "reserved") && a.status != iana.Assigned:
					a.status = iana.Reserved
				case strings.Contains(low, "reserved"), strings.Contains(low, "unassigned"), strings.Contains(low, "removed"), strings.Contains(low, "de-registered"),
					strings.Contains(low, "deprecated"), strings.Contains(low, "de-commissioned"), strings.Contains(low, "decommissioned"):
				default:
					a.status = iana.Assigned
				}
			}
			slices.Sort(names)
			a.names = strings.Join(slices.Compact(names), ",")
			answers[int(tr)<<16|port] = a
		}
	}
	return answers
}

func TestCompareOracle(t *testing.T) {
	editions := []*iana.Registry{openEdition(t, published.XML2024), openEdition(t, published.CSV2025), openEdition(t, published.XML2026)}
	var answers [][]diffAnswer
	for _, e := range editions {
		answers = append(answers, diffOracle(e))
	}
	for i := range editions {
		for j := range editions {
			got := map[int]ChangeKind{}
			for _, c := range Compare(editions[i], editions[j]) {
				if c.HasPort && c.Kind != Revised {
					got[int(c.Transport)<<16|int(c.Port)] = c.Kind
				}
			}
			for key, a := range answers[i] {
				b := answers[j][key]
				var want ChangeKind
				switch {
				case a.status != iana.Assigned && b.status == iana.Assigned:
					want = Added
				case a.status == iana.Assigned && b.status != iana.Assigned:
					want = Removed
				case a.status != b.status:
					want = StatusChanged
				case a.names != b.names:
					want = Renamed
				}
				if got[key] != want {
					t.Errorf("edition %d to %d, %d/%v: %v, want %v (%v, %v)", i, j, key&0xffff, iana.Transport(key>>16), got[key], want, a, b)
				}
			}
		}
	}
}

func makeRegistry(t testing.TB, records ...iana.Record) *iana.Registry {
	t.Helper()
	reg, err := iana.NewRegistry(iana.Edition{Date: "2026-01-01", Source: "test", Form: "xml"}, records, iana.AllPorts())
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

func TestCompareKinds(t *testing.T) {
	at := func(port uint16, name, description string) iana.Record {
		return iana.Record{Name: name, HasPort: true, Ports: iana.Span{First: port, Last: port}, Transport: iana.TCP, Description: description}
	}
	redated := at(4, "d", "d")
	redated.Modified = "2026-01-01"
	old := makeRegistry(t,
		at(1, "a", "a"), at(2, "b", "b"), at(3, "c", "c"), at(4, "d", "d"), at(5, "", "Reserved"), at(6, "", "any private use"),
		iana.Record{Name: "gone", Transport: iana.TCP, Description: "x"}, iana.Record{Name: "stays", Description: "x"})
	new := makeRegistry(t,
		at(2, "bb", "b"), at(3, "c", "C"), redated, at(5, "", "Unassigned"), at(6, "", "any private mail"), at(7, "e", ""),
		iana.Record{Name: "stays", Description: "y"}, iana.Record{Name: "stays", Transport: iana.UDP})
	var got []string
	for _, c := range Compare(old, new) {
		got = append(got, c.String())
	}
	want := []string{
		"1/tcp: removed: a, now unassigned",
		"2/tcp: renamed: b, now bb",
		`3/tcp: revised: c: "c", now "C"`,
		"4/tcp: revised: d",
		"5/tcp: status: reserved, now unassigned",
		`6/tcp: revised: any private mail: "any private use", now "any private mail"`,
		"7/tcp: added: e",
		"no port/tcp: removed: gone",
		"no port/udp: added: stays",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// What became of some ports, read by hand from the changes of the records.
func TestPortChanges(t *testing.T) {
	for _, c := range []struct {
		transport iana.Transport
		port      uint16
		want      []string
	}{
		{iana.TCP, 2, []string{"2025-02-13 2/tcp: removed: compressnet (Management Utility), now reserved"}},
		{iana.TCP, 11434, []string{"2026-02-02 11434/tcp: added: ollama (Ollama)"}},
		{iana.UDP, 11434, []string{"2026-02-02 11434/udp: status: unassigned, now reserved"}},
		{iana.UDP, 853, []string{
			"2015-10-08 853/udp: added: domain-s (DNS query-response protocol run over TLS/DTLS)",
			"2016-03-29 853/udp: revised: domain-s", // RFC 7858 is approved, then published
			"2016-05-18 853/udp: revised: domain-s",
			"2017-01-23 853/udp: revised: domain-s", // RFC 8094 likewise
			"2017-03-03 853/udp: revised: domain-s",
			`2022-04-01 853/udp: revised: domain-s: "DNS query-response protocol run over TLS/DTLS", now "DNS query-response protocol run over DTLS or QUIC"`,
			"2022-05-13 853/udp: revised: domain-s", // RFC 9250
		}},
		{iana.TCP, 8443, nil},
		{iana.SCTP, 4711, []string{"2017-01-12 4711/sctp: added: trinity-dist (Trinity Trust Network Node Communication)"}},
		{iana.SCTP, 38412, []string{
			"2017-05-18 38412/sctp: added: ng-control (3GPP NG application Protocol)",
			`2017-05-19 38412/sctp: revised: ng-control: "3GPP NG application Protocol", now "NG Control Plane (3GPP)"`,
		}},
		{iana.TCP, 3283, []string{"2025-01-23 3283/tcp: renamed: Apple Remote Desktop (Net Assistant), now net-assistant"}},
		{iana.TCP, 80, []string{"2021-10-04 80/tcp: revised: http, www, www-http", "2022-06-08 80/tcp: revised: http, www, www-http"}},
		{iana.SCTP, 9, []string{"2022-02-07 9/sctp: revised: discard", "2022-06-07 9/sctp: revised: discard"}},
		{iana.UDP, 50000, nil},
	} {
		var got []string
		for _, change := range PortChanges(c.transport, c.port) {
			got = append(got, change.New.Edition().Date+" "+change.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d/%s: got\n%s", c.port, c.transport, strings.Join(got, "\n"))
		}
	}
}

// What the history does not know is not taken for a change.
func TestCompareWithPartial(t *testing.T) {
	before, err := iana.AsOf(time.Date(2026, 8, 16, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	after := openEdition(t, published.XML2026)
	if !before.Edition().Partial || after.Edition().Partial {
		t.Fatalf("%+v, %+v", before.Edition(), after.Edition())
	}
	var got []string
	for _, c := range Compare(before, after) {
		got = append(got, c.String())
	}
	if want := []string{"no port/tcp: added: ok-connect", "no port/tcp: added: ok-control"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
