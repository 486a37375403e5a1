package review

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/iana"
)

const onePolicy = `version: 1
groups:
  offices: [10.0.0.0/24]
  dns: 10.9.0.53
expected:
  - name: resolver
    ports: [domain]
    servers: [dns]
    clients: [offices]
  - name: web
    ports: [80, https, 8000-8008]
    transport: tcp
    servers: [10.9.0.80, 2001:db8::80]
  - name: old
    ports: [21/tcp]
    servers: [10.9.0.21]
    expires: 2026-09-13
    ticket: CHG-1
  - name: odd
    ports: [4/tcp]
    servers: [10.9.0.4]
    accept: [port-unassigned]
  - name: any port of it
    ports: any
    servers: [10.9.0.99]
    clients: [10.0.0.99]
ignore:
  - clients: [10.0.0.250]
    reason: scanner
  - transport: udp
    servers: [10.9.0.7]
    reason: telephones
`

func TestPolicy(t *testing.T) {
	for _, c := range []struct {
		name, flow string
		want       []string
	}{
		{"expected by name", "10.0.0.1:50000 10.9.0.53:53/udp established", nil},
		{"on the name's other transport", "10.0.0.1:50000 10.9.0.53:53/tcp closed", nil},
		{"not from this client", "10.1.0.1:50000 10.9.0.53:53/udp established", []string{"warning not-in-policy 10.9.0.53:53/udp"}},
		{"not on this server", "10.0.0.1:50000 10.9.0.54:53/udp established", []string{"warning not-in-policy 10.9.0.54:53/udp"}},
		{"a bare number with a transport", "10.1.0.1:50000 10.9.0.80:80/tcp closed", nil},
		{"a name restricted to a transport", "10.1.0.1:50000 10.9.0.80:443/udp established", []string{"warning not-in-policy 10.9.0.80:443/udp"}},
		{"within a range", "10.1.0.1:50000 10.9.0.80:8008/tcp closed", nil},
		{"beyond a range", "10.1.0.1:50000 10.9.0.80:8080/tcp closed", []string{"warning not-in-policy 10.9.0.80:8080/tcp"}},
		{"IPv6", "[2001:db8::1]:50000 [2001:db8::80]:443/tcp closed", nil},
		{"IPv4 in IPv6", "[::ffff:10.1.0.1]:50000 [::ffff:10.9.0.80]:443/tcp closed", nil},
		{"expired", "10.1.0.1:50000 10.9.0.21:21/tcp closed", []string{"warning expired-exception 10.9.0.21:21/tcp"}},
		{"accepted", "10.1.0.1:50000 10.9.0.4:4/tcp closed", nil},
		{"any port", "10.0.0.99:50000 10.9.0.99:8443/tcp closed", nil},
		{"any port, another client", "10.0.0.98:50000 10.9.0.99:8443/tcp closed", []string{"warning not-in-policy 10.9.0.99:8443/tcp"}},
		{"ignored client", "10.0.0.250:50000 10.9.0.1:4/tcp closed", nil},
		{"ignored transport", "10.0.0.9:50000 10.9.0.7:4/udp established", nil},
		{"not ignored on another transport", "10.0.0.9:50000 10.9.0.7:25/tcp closed", []string{"warning not-in-policy 10.9.0.7:25/tcp"}},
		{"nothing answered", "10.1.0.1:50000 10.9.0.54:25/tcp attempted", []string{"note not-in-policy 10.9.0.54:25/tcp"}},
		{"refused", "10.1.0.1:50000 10.9.0.54:25/tcp refused", []string{"note not-in-policy 10.9.0.54:25/tcp"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, Options{Policy: policy(t, onePolicy)})
			s.flow(c.flow)
			r := s.report()
			var got []string
			for _, f := range found(r) {
				if !strings.Contains(f, ExpectedNeverSeen.String()) {
					got = append(got, f)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// An exception holds to the end of its last day.
func TestExpiry(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2026, 9, 13, 23, 59, 59, 0, time.UTC), "expected"},
		{time.Date(2026, 9, 14, 0, 0, 0, 0, time.UTC), "expired"},
		{time.Time{}, "expired"}, // no time in the input: the day of the review
	} {
		s := newScene(t, Options{Policy: policy(t, onePolicy)})
		s.flow("10.1.0.1:50000 10.9.0.21:21/tcp closed", func(f *Flow) {
			f.Start, f.Last = 0, 0
			if !c.at.IsZero() {
				f.Start, f.Last = c.at.UnixNano(), c.at.UnixNano()
			}
		})
		if got := s.report().Services[0].Policy; got != c.want {
			t.Errorf("at %v: %s, want %s", c.at, got, c.want)
		}
	}
}

// Where no rule tells which end is the service, who wrote the policy knew.
func TestSideByPolicy(t *testing.T) {
	s := newScene(t, Options{Policy: policy(t, "version: 1\nexpected:\n- ports: [60001/udp]\n  servers: [10.9.0.1]\n  accept: [port-dynamic]\n")})
	s.flow("10.9.0.1:60001 10.0.0.1:50001/udp established")
	r := s.report()
	expect(t, r)
	if x := service1(t, r, "10.9.0.1:60001/udp"); x.Role != (Role{"policy", "likely"}) || x.Clients.Most[0].Address != "10.0.0.1" {
		t.Errorf("%+v", x)
	}
}

func TestPartlyExpected(t *testing.T) {
	s := newScene(t, Options{Policy: policy(t, onePolicy)})
	for i := range 3 {
		s.flow(fmt.Sprintf("10.0.0.%d:50000 10.9.0.53:53/udp established", i+1))
	}
	s.flow("10.7.0.1:50000 10.9.0.53:53/udp established")
	r := s.report()
	x := service1(t, r, "10.9.0.53:53/udp")
	if x.Policy != "partly" || len(x.Findings) != 1 {
		t.Fatalf("%+v", x)
	}
	f := r.Findings[0]
	if f.Why != "The policy expects it, but not from 10.7.0.1." || f.File != "policy.yaml" || f.Line != 6 {
		t.Errorf("%s (%s:%d)", f.Why, f.File, f.Line)
	}
	if f.Facts[0] != (Fact{"not expected", "1 flow of 4"}) {
		t.Errorf("%v", f.Facts[0])
	}
}

// What a scanner probed of an expected service is the scan's finding alone.
func TestScanOfExpectedServices(t *testing.T) {
	s := newScene(t, Options{Policy: policy(t, onePolicy)})
	s.flow("10.0.0.1:50000 10.9.0.53:53/tcp closed")
	s.flow("192.0.2.66:40000 10.9.0.53:53/tcp attempted")
	for i := range 40 {
		s.flow(fmt.Sprintf("192.0.2.66:40000 10.9.0.53:%d/tcp attempted", 1000+i))
	}
	var got []string
	for _, f := range found(s.report()) {
		if !strings.Contains(f, "never-seen") {
			got = append(got, f)
		}
	}
	if fmt.Sprint(got) != "[warning scan 192.0.2.66]" {
		t.Errorf("%q", got)
	}
}

func TestIgnoredScanner(t *testing.T) {
	s := newScene(t, Options{Policy: policy(t, "version: 1\nignore:\n- clients: [192.0.2.66]\n  reason: ours\n")})
	for i := range 40 {
		s.flow(fmt.Sprintf("192.0.2.66:40000 10.9.0.53:%d/tcp attempted", 1000+i))
	}
	r := s.report()
	expect(t, r)
	if len(r.Services) != 0 || len(r.Scanners) != 1 || !r.Scanners[0].Ignored {
		t.Errorf("%d services, %+v", len(r.Services), r.Scanners)
	}
	if e := r.Policy.Ignore[0]; e.Flows != 40 || e.Services != 40 {
		t.Errorf("%+v", e)
	}
}

const wiki = `version: 1
expected:
- name: wiki
  ports: [8090/tcp]
  servers: [10.9.0.81]
  clients: [10.0.0.0/24]
`

func TestMovedFromPolicy(t *testing.T) {
	for _, c := range []struct {
		name  string
		flows []string
		want  string
	}{
		{"to another port", []string{"10.0.0.1:50000 10.9.0.81:8091/tcp closed"}, "[warning service-moved 10.9.0.81:8091/tcp]"},
		{"to another server", []string{"10.0.0.1:50000 10.9.0.82:8090/tcp closed"}, "[warning service-moved 10.9.0.82:8090/tcp]"},
		{"still there", []string{"10.0.0.1:50000 10.9.0.81:8091/tcp closed", "10.0.0.1:50001 10.9.0.81:8090/tcp closed"}, "[warning not-in-policy 10.9.0.81:8091/tcp]"},
		{"to both", []string{"10.0.0.1:50000 10.9.0.82:8090/tcp closed", "10.0.0.1:50000 10.9.0.81:8091/tcp closed"},
			"[warning not-in-policy 10.9.0.81:8091/tcp warning not-in-policy 10.9.0.82:8090/tcp note expected-never-seen wiki]"},
		{"other clients", []string{"10.7.0.1:50000 10.9.0.81:8091/tcp closed"}, "[warning not-in-policy 10.9.0.81:8091/tcp note expected-never-seen wiki]"},
		{"another transport", []string{"10.0.0.1:50000 10.9.0.81:8091/udp established"}, "[warning not-in-policy 10.9.0.81:8091/udp note expected-never-seen wiki note port-other-transport 10.9.0.81:8091/udp]"},
		{"nothing answered", []string{"10.0.0.1:50000 10.9.0.81:8091/tcp refused"}, "[note not-in-policy 10.9.0.81:8091/tcp note expected-never-seen wiki]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, Options{Policy: policy(t, wiki)})
			for _, f := range c.flows {
				s.flow(f)
			}
			if got := fmt.Sprint(found(s.report())); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

func TestPolicyErrors(t *testing.T) {
	head := "version: 1\nexpected:\n"
	for _, c := range []struct {
		name, text string
		line       int
		reason     string // how it begins
		hint       string // part of it
	}{
		{"empty", "", 1, "the file is empty", "version: 1"},
		{"only a comment", "# nothing\n", 1, "not YAML", ""},
		{"not YAML", "version: 1\nexpected: [\n", 3, "not YAML", ""},
		{"tabs", "version: 1\n\texpected: 1\n", 2, "not YAML", "not with tabs"},
		{"two documents", "version: 1\nexpected: []\n---\nversion: 1\n", 1, "there are several documents", "one YAML document"},
		{"a list", "- a\n", 1, "the policy: want keys with values, have a list", ""},
		{"no version", "expected: []\n", 1, "the policy has no version", "version: 1"},
		{"another version", "version: 2\nexpected: []\n", 1, `version "2" is not known here`, "version: 1"},
		{"nothing in it", "version: 1\n", 1, "the policy expects nothing", "expected:"},
		{"unknown key", "version: 1\nexpect: []\nignore: []\n", 2, `unknown key "expect" in the policy`, "did you mean expected?"},
		{"unknown key of an entry", head + "- ports: [22/tcp]\n  server: [10.0.0.1]\n", 4, `unknown key "server" in an entry of expected`, "did you mean servers?"},
		{"quite unknown key", head + "- ports: [22/tcp]\n  colour: red\n", 4, `unknown key "colour"`, "the keys here are name, ports"},
		{"the same key twice", head + "- ports: [22/tcp]\n  ports: [23/tcp]\n", 4, `"ports" stands in line 3 already`, ""},
		{"no ports", head + "- servers: [10.0.0.1]\n", 3, "an entry of expected has no ports", "ports: any"},
		{"a bare number", head + "- ports: [443]\n", 3, "ports: 443 has no transport", "write 443/tcp"},
		{"a port too high", head + "- ports: [70000/tcp]\n", 3, `ports: port "70000"`, "443/tcp"},
		{"a range backwards", head + "- ports: [90-80/tcp]\n", 3, `ports: range "90-80" ends before it begins`, ""},
		{"unknown transport", head + "- ports: [443/tpc]\n", 3, `ports: "443/tpc": transport "tpc" is not known`, "want tcp"},
		{"unknown transport key", head + "- ports: [443]\n  transport: icmp\n", 4, `transport: "icmp" is not known`, "want tcp"},
		{"unknown name", head + "- ports: [htps]\n", 3, `ports: no port is registered for the name "htps"`, "https"},
		{"a name not on that transport", head + "- ports: [ng-control/tcp]\n", 3, `ports: "ng-control" is not registered on that transport`, "portannot lookup"},
		{"unknown group", "version: 1\ngroups: {offices: [10.0.0.0/24]}\nexpected:\n- ports: [22/tcp]\n  clients: [office]\n", 5, `clients: "office" is no address and no group`, "did you mean the group offices?"},
		{"a bad address", head + "- ports: [22/tcp]\n  servers: [10.0.0.300]\n", 4, `servers: "10.0.0.300" is no address`, ""},
		{"a bad prefix", head + "- ports: [22/tcp]\n  servers: [10.0.0.0/33]\n", 4, `servers: "10.0.0.0/33" is no prefix`, ""},
		{"bits beyond the prefix", head + "- ports: [22/tcp]\n  servers: [10.0.0.1/24]\n", 4, "servers: 10.0.0.1/24 has bits set beyond its length: that network is 10.0.0.0/24", ""},
		{"an empty list", head + "- ports: [22/tcp]\n  clients: []\n", 4, "clients: the list is empty", "leave the key out"},
		{"an empty group", "version: 1\ngroups:\n  offices: []\nexpected: []\n", 3, "group offices is empty", ""},
		{"a group of groups", "version: 1\ngroups:\n  a: [10.0.0.1]\n  b: [a]\nexpected: []\n", 4, `group b: "a" is no address`, "groups do not hold groups"},
		{"a group named like an address", "version: 1\ngroups:\n  10.0.0.1: [10.0.0.1]\nexpected: []\n", 3, `"10.0.0.1" cannot be the name of a group`, ""},
		{"no date", head + "- ports: [22/tcp]\n  expires: tomorrow\n", 4, `expires: "tomorrow" is no date`, "2026-12-31"},
		{"an impossible date", head + "- ports: [22/tcp]\n  expires: 2026-02-30\n", 4, `expires: "2026-02-30" is no date`, ""},
		{"accept what cannot be", head + "- ports: [22/tcp]\n  accept: [not-in-policy]\n", 4, `accept: "not-in-policy" is no finding that an entry can accept`, "registered-later"},
		{"accept a slip", head + "- ports: [22/tcp]\n  accept: [port-reservd]\n", 4, `accept: "port-reservd"`, "did you mean port-reserved?"},
		{"ignore without a reason", "version: 1\nignore:\n- clients: [10.0.0.1]\n", 3, "an entry of ignore has no reason", "reason:"},
		{"ignore everything", "version: 1\nignore:\n- reason: peace\n", 3, "an entry of ignore would ignore everything", ""},
		{"accept in ignore", "version: 1\nignore:\n- clients: [10.0.0.1]\n  reason: x\n  accept: [port-reserved]\n", 5, "accept in an entry of ignore", "leave it out"},
		{"an alias", "version: 1\ngroups: {a: &a [10.0.0.1]}\nexpected: []\n", 2, "anchors and aliases are not read", "group"},
		{"an entry that is no mapping", head + "- 22/tcp\n", 3, `an entry of expected: want keys with values, have "22/tcp"`, ""},
		{"expected is no list", "version: 1\nexpected: {ports: 1}\n", 2, "expected: want a list", "dash"},
		{"a mapping for a value", head + "- ports: [22/tcp]\n  owner: {a: b}\n", 4, "owner: want text", ""},
		{"nothing for a value", head + "- ports: [22/tcp]\n  owner:\n", 4, "owner: want text, have nothing", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadPolicy(strings.NewReader(c.text), "p.yaml", iana.Embedded())
			var faults PolicyErrors
			if !errors.As(err, &faults) {
				t.Fatalf("error %v", err)
			}
			f := faults[0]
			if f.Line != c.line || !strings.HasPrefix(f.Reason, c.reason) || !strings.Contains(f.Hint, c.hint) {
				t.Errorf("%v (hint: %s)\nwant line %d, %s (hint: …%s…)", f, f.Hint, c.line, c.reason, c.hint)
			}
		})
	}
}

// All mistakes are told at once, in the order of the file.
func TestAllPolicyErrors(t *testing.T) {
	_, err := ReadPolicy(strings.NewReader("version: 1\nexpected:\n- ports: [1]\n  servers: [x]\n- port: [22/tcp]\n"), "p.yaml", iana.Embedded())
	want := `p.yaml:3: ports: 1 has no transport
p.yaml:4: servers: "x" is no address and no group
p.yaml:5: unknown key "port" in an entry of expected`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant\n%s", err, want)
	}
}

// FuzzReadPolicy patches a policy, or reads a short one of any text. A long text as the
// input would be all that the fuzzer is busy with: to make one that is of interest
// small takes it runs by the square of the length.
func FuzzReadPolicy(f *testing.F) {
	bases := []string{"", onePolicy, wiki}
	f.Add(uint8(0), uint16(0), uint16(0), "version: 1\nexpected: [{ports: [443]}]\n")
	f.Add(uint8(0), uint16(0), uint16(0), "a: &a [*a]\n")
	f.Add(uint8(0), uint16(0), uint16(0), "version: 1\n\"expected\": !!binary aGVsbG8=\n")
	f.Add(uint8(0), uint16(0), uint16(0), "- &0\r? \"\"\r  0: \"\"")
	f.Add(uint8(1), uint16(0), uint16(0), "")
	f.Add(uint8(1), uint16(strings.Index(onePolicy, "https")), uint16(5), "*x, &x 1-")
	f.Add(uint8(2), uint16(len(wiki)/2), uint16(len(wiki)), "\n\t- ")
	registry := iana.Embedded()
	f.Fuzz(func(t *testing.T, base uint8, at, cut uint16, patch string) {
		if len(patch) > 256 {
			return
		}
		text := bases[int(base)%len(bases)]
		from := min(int(at), len(text))
		text = text[:from] + patch + text[min(from+int(cut), len(text)):]
		p, err := ReadPolicy(strings.NewReader(text), "p", registry)
		if (p == nil) == (err == nil) {
			t.Fatalf("policy %v, error %v", p, err)
		}
		var faults PolicyErrors
		if errors.As(err, &faults) {
			lines := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + 1
			for _, x := range faults {
				if x.Line < 1 || x.Line > lines || x.Reason == "" {
					t.Errorf("%v of %d lines", x, lines)
				}
			}
			return
		}
		if err == nil {
			s := Flow{Protocol: 6}
			p.match(&s, 0, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddrPort("10.0.0.2:443"))
		}
	})
}
