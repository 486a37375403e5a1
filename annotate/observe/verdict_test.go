package observe

import (
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
)

func TestJudge(t *testing.T) {
	full := func(p Protocol) Observation { return Observation{Protocol: p, Strength: Full, Seen: Enough} }
	likely := func(p Protocol) Observation { return Observation{Protocol: p, Strength: Likely, Seen: Enough} }
	upgrade := full(HTTP)
	upgrade.Upgrade = true
	for _, c := range []struct {
		name  string
		o     Observation
		names string
		want  Verdict
		why   string
	}{
		{"TLS under https", full(TLS), "https", Consistent, whyConsistent},
		{"QUIC under https", full(QUIC), "https", Consistent, whyConsistent},
		{"TLS under imaps, likely", likely(TLS), "imaps", Consistent, whyConsistent},
		{"TLS and DTLS under ipfixs", full(DTLS), "ipfixs", Consistent, whyConsistent},
		{"case", full(TLS), "HTTPS", Consistent, whyConsistent},
		{"HTTP under ipp beside ipps", full(HTTP), "ipp ipps", Consistent, whyConsistent},
		{"TLS under ipps beside ipp", full(TLS), "ipp ipps", Consistent, whyConsistent},
		{"gRPC under http-alt", full(HTTP2), "http-alt", Consistent, whyConsistent},
		{"from after STARTTLS", full(TLS), "smtp", Consistent, whyConsistent},
		{"DNS over TLS", full(TLS), "domain-s", Consistent, whyConsistent},
		{"SSH under https", full(SSH), "https", Contradicts, whyContradict},
		{"TLS under http", full(TLS), "http www www-http", Contradicts, whyContradict},
		{"HTTP under https", full(HTTP), "https", Contradicts, whyContradict},
		{"HTTP proxy under https", upgrade, "https", Undecided, whyUpgrade},
		{"SSH under https, likely", likely(SSH), "https", Undecided, whyLikely},
		{"DTLS beside https", full(DTLS), "https", Undecided, whyTolerated},
		{"multicast DNS in the form of DNS", full(DNS), "mdns", Undecided, whyTolerated},
		{"a name that is not in the table", full(SSH), "postal-pigeon", Undecided, whyUnlisted},
		{"a name that is, beside one that is not", full(SSH), "https postal-pigeon", Undecided, whyUnlisted},
		{"one that is not, beside the right one", full(TLS), "urd submissions", Consistent, whyConsistent},
		{"no name", full(SSH), "", Undecided, whyNoName},
		{"nothing", Observation{Reason: reasonNothing}, "https", NoPayload, reasonNothing},
		{"cut", Observation{Seen: Cut, Reason: reasonCut}, "https", Truncated, reasonCut},
		{"unknown", Observation{Seen: Enough, Reason: reasonNone}, "https", Unrecognised, reasonNone},
	} {
		v, why := Judge(c.o, strings.Fields(c.names), false)
		if v != c.want || why != c.why {
			t.Errorf("%s: %v (%s), want %v (%s)", c.name, v, why, c.want, c.why)
		}
	}
	for _, c := range []struct {
		name  string
		o     Observation
		names string
		want  Verdict
		why   string
	}{
		{"SSH through SOCKS", full(SSH), "socks", Undecided, whyRelay},
		{"SSH through a proxy", full(SSH), "http-alt", Undecided, whyRelay},
		{"TLS through a proxy", full(TLS), "http www www-http", Undecided, whyRelay},
		{"SMTP through TURN", full(SMTP), "turn stun", Undecided, whyRelay},
		{"SSH under https, which relays what nobody sees", full(SSH), "https", Contradicts, whyContradict},
		{"SSH under smtp", full(SSH), "smtp", Contradicts, whyContradict},
		{"HTTP under http", full(HTTP), "http", Consistent, whyConsistent},
	} {
		if v, why := Judge(c.o, strings.Fields(c.names), true); v != c.want || why != c.why {
			t.Errorf("midstream, %s: %v (%s), want %v (%s)", c.name, v, why, c.want, c.why)
		}
	}
	names := []string{"https"}
	if n := testing.AllocsPerRun(100, func() { Judge(full(SSH), names, true) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestServices checks that the table is in order, and that each name in it is
// registered with a port, so that none is a slip of the pen.
func TestServices(t *testing.T) {
	if !slices.IsSortedFunc(services, func(a, b service) int { return strings.Compare(a.name, b.name) }) {
		t.Error("the table is not sorted")
	}
	for i, s := range services {
		if i > 0 && services[i-1].name == s.name {
			t.Errorf("%s stands twice", s.name)
		}
		if s.name != strings.ToLower(s.name) {
			t.Errorf("%s is not in lower case", s.name)
		}
		if serviceNamed(strings.ToUpper(s.name)) != &services[i] {
			t.Errorf("%s is not found", s.name)
		}
		if len(s.speaks) == 0 {
			t.Errorf("%s speaks nothing", s.name)
		}
		for _, p := range s.beside {
			if slices.Contains(s.speaks, p) {
				t.Errorf("%s: %v stands on both sides", s.name, p)
			}
		}
		if len(iana.Embedded().ByName(s.name)) == 0 {
			t.Errorf("%s is not registered with a port", s.name)
		}
	}
}
