package review

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// A report comes back from JSON as it was.
func TestReportRoundTrip(t *testing.T) {
	r := everything(t)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ReadReport(bytes.NewReader(b), "r.json")
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, again) {
		t.Errorf("%s\nis not\n%s", again, b)
	}
	for i := range r.Services {
		r.Services[i].Highest = NoLevel // is not in JSON
	}
	if !reflect.DeepEqual(r.Services, back.Services) || !reflect.DeepEqual(r.Findings, back.Findings) {
		t.Error("services or findings differ")
	}
}

// everything is a report with something in each of its parts.
func everything(t *testing.T) *Report {
	s := newScene(t, Options{Policy: policy(t, onePolicy), Rules: firewallOf(t, saved("-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -j ACCEPT"))})
	s.flow("10.0.0.1:50000 10.9.0.80:443/tcp closed")
	s.flow("10.0.0.1:50000 10.9.0.80:5555/tcp closed")
	s.flow("10.0.0.1:50000 10.9.0.81:2/tcp closed")
	s.flow("10.0.0.1:50001 10.9.0.1:60001/udp established")
	for _, p := range probes(30) {
		s.flow(p)
	}
	return s.c.Report(Context{Inputs: []Input{{Name: "a.pcap", Kind: "capture"}}, Traffic: Traffic{Packets: 100, Decoded: 99, NotDecoded: []Reason{{"x", 1}}}})
}

// Each finding has an identifier of its own, and facts.
func TestFindingsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range everything(t).Findings {
		if seen[f.ID] || !strings.HasPrefix(f.ID, f.Kind.String()+":") {
			t.Errorf("identifier %q", f.ID)
		}
		seen[f.ID] = true
		if f.Level == NoLevel || f.Subject == "" || len(f.Facts) == 0 || !strings.HasSuffix(f.Why, ".") {
			t.Errorf("%+v", f)
		}
		for _, x := range f.Facts {
			if x.Name == "" || x.Value == "" {
				t.Errorf("%s: fact %+v", f.ID, x)
			}
		}
	}
}

func TestKinds(t *testing.T) {
	names := map[string]bool{}
	for _, k := range Kinds() {
		if k.Name == "" || k.Title == "" || k.About == "" || k.Level == NoLevel || names[k.Name] {
			t.Errorf("%+v", k)
		}
		names[k.Name] = true
		back, ok := ParseKind(k.Name)
		if !ok || back != k.Kind {
			t.Errorf("%s comes back as %v", k.Name, back)
		}
	}
	if _, ok := ParseKind("nonsense"); ok {
		t.Error("nonsense is a kind")
	}
	for l := Note; l < numLevels; l++ {
		if back, err := ParseLevel(strings.ToUpper(l.String())); err != nil || back != l {
			t.Errorf("%v comes back as %v, %v", l, back, err)
		}
	}
	if _, err := ParseLevel("none"); err == nil {
		t.Error("none can be asked for")
	}
}

func TestReadReportErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "it is empty"},
		{"# markdown", "not the JSON of portannot review: byte 1"},
		{`{"format":"portannot-review","version":1`, "unexpected EOF"},
		{`{"version":1}`, `its format is ""`},
		{`{"format":"portannot-review","version":2}`, "version 2 is not known here, only 1"},
		{`{"format":"portannot-review","version":1,"services":[{"port":70000}]}`, "port"},
		{`{"format":"portannot-review","version":1,"findings":[{"kind":"x"}]}`, `unknown kind of finding "x"`},
	} {
		_, err := ReadReport(strings.NewReader(c.text), "r.json")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "read report r.json: ") {
			t.Errorf("%q: %v, want …%s…", c.text, err, c.want)
		}
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add(`{"format":"portannot-review","version":1}`)
	f.Add(`{"format":"portannot-review","version":1,"window":{"first":"2026-09-14T09:00:00Z"},"services":[{"id":"10.9.0.1:443/tcp","server":"10.9.0.1","transport":"tcp","port":443,"outcome":"answered","clients":{"count":1,"most":[{"address":"10.0.0.1","flows":1}]}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ReadReport(strings.NewReader(text), "r")
		if err != nil {
			return
		}
		s := newScene(t, Options{})
		s.flow("10.0.0.1:50000 10.9.0.2:443/tcp closed")
		s.c.Report(Context{Baseline: r})
	})
}

func baseline(t *testing.T, flows ...string) *Report {
	s := newScene(t, Options{})
	for _, f := range flows {
		s.flow(f)
	}
	b, err := json.Marshal(s.report())
	if err != nil {
		t.Fatal(err)
	}
	r, err := ReadReport(bytes.NewReader(b), "before.json")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBaseline(t *testing.T) {
	before := []string{"10.0.0.1:50000 10.9.0.1:443/tcp closed", "10.0.0.2:50000 10.9.0.1:22/tcp closed"}
	for _, c := range []struct {
		name string
		now  []string
		want string
	}{
		{"the same", before, "[]"},
		{"new", append([]string{"10.0.0.3:50000 10.9.0.5:25/tcp closed"}, before...), "[warning new-service 10.9.0.5:25/tcp]"},
		{"new, and nothing answered", append([]string{"10.0.0.3:50000 10.9.0.5:25/tcp attempted"}, before...), "[]"},
		{"gone", before[:1], "[note gone-service 10.9.0.1:22/tcp]"},
		{"perhaps there", append([]string{"10.0.0.2:23 10.9.0.1:22/tcp midstream"}, before[0]), "[note unknown-side 10.0.0.2 - 10.9.0.1/tcp]"},
		{"no longer there", append([]string{"10.0.0.2:50000 10.9.0.1:22/tcp refused"}, before[0]), "[note changed-service 10.9.0.1:22/tcp]"},
		{"moved to another port", append([]string{"10.0.0.2:50000 10.9.0.1:2222/tcp closed"}, before[0]), "[warning service-moved 10.9.0.1:2222/tcp]"},
		{"moved to another server", append([]string{"10.0.0.2:50000 10.9.0.7:22/tcp closed"}, before[0]), "[warning service-moved 10.9.0.7:22/tcp]"},
		{"a new client", append([]string{"10.0.0.7:50000 10.9.0.1:22/tcp closed"}, before...), "[note changed-service 10.9.0.1:22/tcp]"},
		{"a new client that got no answer", append([]string{"10.0.0.7:50000 10.9.0.1:22/tcp attempted"}, before...), "[]"},
		{"other clients", append([]string{"10.0.0.9:50000 10.9.0.1:2222/tcp closed"}, before[0]), "[warning new-service 10.9.0.1:2222/tcp note gone-service 10.9.0.1:22/tcp]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, Options{})
			for _, f := range c.now {
				s.flow(f)
			}
			r := s.c.Report(Context{Baseline: baseline(t, before...)})
			if got := fmt.Sprint(found(r)); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// Without the names of all clients of the baseline nobody knows which are new.
func TestBaselineOfManyClients(t *testing.T) {
	var flows []string
	for i := range 2 * mostClients {
		flows = append(flows, fmt.Sprintf("10.0.0.%d:50000 10.9.0.1:22/tcp closed", i+1))
	}
	for _, all := range []bool{false, true} {
		s := newScene(t, Options{})
		for _, f := range flows {
			s.flow(f)
		}
		before := s.c.Report(Context{AllClients: all})
		s = newScene(t, Options{})
		for _, f := range append(flows, "10.0.0.77:50000 10.9.0.1:22/tcp closed") {
			s.flow(f)
		}
		got := s.c.Report(Context{Baseline: before})
		if all {
			expect(t, got, "note changed-service 10.9.0.1:22/tcp")
			if why := got.Findings[0].Why; why != "It has clients that the baseline has not: 10.0.0.77." {
				t.Error(why)
			}
		} else {
			expect(t, got)
		}
	}
}

// A service that the policy expects is new all the same, and that is a note.
func TestExpectedAndNew(t *testing.T) {
	s := newScene(t, Options{Policy: policy(t, "version: 1\nexpected:\n- ports: [443/tcp]\n")})
	s.flow("10.0.0.1:50000 10.9.0.1:443/tcp closed")
	expect(t, s.c.Report(Context{Baseline: baseline(t)}), "note new-service 10.9.0.1:443/tcp")
}

// Moved from what the policy expects and from the baseline is one finding.
func TestMovedOnce(t *testing.T) {
	s := newScene(t, Options{Policy: policy(t, wiki)})
	s.flow("10.0.0.1:50000 10.9.0.81:8091/tcp closed")
	r := s.c.Report(Context{Baseline: baseline(t, "10.0.0.1:50000 10.9.0.81:8090/tcp closed")})
	expect(t, r, "warning service-moved 10.9.0.81:8091/tcp")
	if len(r.Baseline.New) != 1 || len(r.Baseline.Gone) != 1 {
		t.Errorf("%+v", r.Baseline)
	}
}

// A learned policy finds nothing in the traffic that it was learned from but what
// did not work, and does find what is new.
func TestLearnedPolicy(t *testing.T) {
	flows := []string{
		"10.0.0.1:50000 10.9.0.80:443/tcp closed", "10.0.0.1:50000 10.9.0.80:2/tcp closed", "10.0.0.1:50000 10.9.0.80:5555/tcp closed",
		"10.0.0.1:4607 10.9.0.1:5432/tcp midstream", "10.0.0.1:50001 10.9.0.1:60001/udp established",
		"[2001:db8::1]:50000 [2001:db8::80]:443/tcp closed", "[::ffff:10.0.0.1]:50000 [::ffff:10.9.0.80]:80/tcp closed",
		"[fe80::1%eth0]:50000 [fe80::2%eth0]:22/tcp closed", "10.0.0.1:123 10.9.0.1:123/udp established", "10.0.0.1:50000 10.9.0.80:4/tcp refused",
	}
	flows = append(flows, probes(30)...)
	for i := range 100 {
		flows = append(flows, fmt.Sprintf("10.0.%d.%d:50000 10.9.0.80:25/tcp closed", i/10, i))
		flows = append(flows, fmt.Sprintf("10.%d.0.1:50000 10.9.0.80:110/tcp closed", i))
	}
	left := []string{"warning scan 192.0.2.66", "note not-in-policy 10.9.0.80:4/tcp"}
	for _, maxClients := range []int{0, 5} {
		s := newScene(t, Options{MaxClients: maxClients})
		for _, f := range flows {
			s.flow(f)
		}
		r := s.report()
		if len(r.Findings) == 0 {
			t.Fatal("nothing to learn")
		}
		text, err := s.c.AppendPolicy(nil, r)
		if err != nil {
			t.Fatal(err)
		}
		again := newScene(t, Options{MaxClients: maxClients, Policy: policy(t, string(text))})
		for _, f := range flows {
			again.flow(f)
		}
		clean := again.report()
		expect(t, clean, left...)
		// What a policy learned with a policy says is the same again.
		more, err := again.c.AppendPolicy(nil, clean)
		if err != nil {
			t.Fatal(err)
		}
		third := newScene(t, Options{MaxClients: maxClients, Policy: policy(t, string(more))})
		for _, f := range flows {
			third.flow(f)
		}
		expect(t, third.report(), left...)
		third.flow("10.66.0.1:50000 10.9.0.80:443/tcp closed")
		expect(t, third.report(), append([]string{"warning not-in-policy 10.9.0.80:443/tcp"}, left...)...)
	}
}
