package review

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
)

// read writes a report and reads it again.
func again(t testing.TB, r *Report) *Report {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	out, err := ReadReport(bytes.NewReader(b), "report")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestMerge: reports of two parts, joined, have the services, the findings and the
// use of rules that a report on all has.
func TestMerge(t *testing.T) {
	first := []string{
		"10.0.0.1:50000 10.9.0.80:443/tcp closed", "10.0.0.2:50000 10.9.0.80:443/tcp attempted", "10.0.0.1:50001 10.9.0.80:22/tcp refused",
		"10.0.0.1:50000 10.9.0.80:4/tcp closed", "10.0.0.1:50001 10.9.0.1:60001/udp established",
	}
	second := []string{
		"10.0.0.3:50000 10.9.0.80:443/tcp closed", "10.0.0.1:50005 10.9.0.80:443/tcp established", "10.0.0.1:50000 10.9.0.81:25/tcp closed",
		"[2001:db8::1]:50000 [2001:db8::80]:443/tcp closed", "10.0.0.1:50001 10.9.0.1:60001/udp established",
	}
	for i := range 15 {
		second = append(second, fmt.Sprintf("10.0.1.%d:50000 10.9.0.80:80/tcp closed", i))
	}
	options := func() Options {
		return Options{
			Policy: policy(t, "version: 1\nexpected:\n- ports: [443/tcp]\n  clients: [10.0.0.1, \"2001:db8::/32\"]\n- ports: [25/tcp]\n"),
			Rules:  firewallOf(t, saved("-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -j ACCEPT", "-p tcp -m tcp --dport 4 -j ACCEPT", "-p tcp -m tcp --dport 9999 -j ACCEPT")),
		}
	}
	one := newScene(t, options())
	for _, f := range append(append([]string{}, first...), second...) {
		one.flow(f)
	}
	want := one.c.Report(Context{AllClients: true})
	joined := NewCollector(iana.Embedded(), options())
	part := newScene(t, Options{})
	for _, f := range first {
		part.flow(f)
	}
	rest := newScene(t, Options{})
	rest.n = part.n
	for _, f := range second {
		rest.flow(f)
	}
	for _, s := range []*scene{part, rest} {
		if _, err := joined.AddReport(again(t, s.c.Report(Context{AllClients: true}))); err != nil {
			t.Fatal(err)
		}
	}
	got := joined.Report(Context{AllClients: true})
	if a, b := found(got), found(want); fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("findings\n%s\nwant\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	for i := range want.Services {
		a, _ := json.Marshal(got.Services[i])
		b, _ := json.Marshal(want.Services[i])
		if string(a) != string(b) {
			t.Errorf("service\n%s\nwant\n%s", a, b)
		}
	}
	for i := range want.Rules[0].Rules {
		want.Rules[0].Rules[i].Bytes = 0 // which a report has of services, not of clients
		a, _ := json.Marshal(got.Rules[0].Rules[i])
		b, _ := json.Marshal(want.Rules[0].Rules[i])
		if string(a) != string(b) {
			t.Errorf("rule\n%s\nwant\n%s", a, b)
		}
	}
	if got.Traffic.Flows != want.Traffic.Flows || got.Window.First != want.Window.First {
		t.Errorf("%d flows, %v; want %d, %v", got.Traffic.Flows, got.Window, want.Traffic.Flows, want.Window)
	}
}

// TestMergeIncomplete: of a report that does not name all clients nobody knows
// whose the flows are.
func TestMergeIncomplete(t *testing.T) {
	s := newScene(t, Options{})
	for i := range 2 * mostClients {
		s.flow(fmt.Sprintf("10.0.1.%d:50000 10.9.0.80:80/tcp closed", i))
	}
	c := NewCollector(iana.Embedded(), Options{})
	if _, err := c.AddReport(s.report()); err == nil || !strings.Contains(err.Error(), "10 of 20 clients are named") {
		t.Errorf("error %v", err)
	}
}

func FuzzAddReport(f *testing.F) {
	s := newScene(f, Options{})
	s.flow("10.0.0.1:50000 10.9.0.80:443/tcp closed")
	s.flow("10.0.0.1:50001 10.9.0.1:60001/udp established")
	b, _ := json.Marshal(s.c.Report(Context{AllClients: true}))
	f.Add(b)
	f.Add([]byte(`{"format":"portannot-review","version":1,"services":[{"server":"10.0.0.1","transport":"tcp","flows":1,"clients":{"count":1,"most":[{"address":"::1","flows":9}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ReadReport(bytes.NewReader(data), "r")
		if err != nil {
			return
		}
		c := NewCollector(iana.Embedded(), Options{MaxServices: 100})
		if _, err := c.AddReport(r); err == nil {
			c.Report(Context{AllClients: true})
		}
	})
}
