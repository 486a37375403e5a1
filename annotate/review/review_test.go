package review

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/review/rules"
	"github.com/portannot/portannot/capture/flow"
)

var begin = time.Date(2026, 9, 14, 9, 0, 0, 0, time.UTC)

var stateOf = func() map[string]flow.State {
	m := map[string]flow.State{}
	for s := range numStates {
		m[flow.State(s).String()] = flow.State(s)
	}
	return m
}()

// scene is traffic in the making.
type scene struct {
	t testing.TB
	c *Collector
	a *annotate.Annotator
	n int
}

func newScene(t testing.TB, opt Options) *scene {
	t.Helper()
	reg := iana.Embedded()
	opt.Now = begin
	return &scene{t: t, c: NewCollector(reg, opt), a: annotate.New(annotate.Options{Registry: reg})}
}

// flow adds a flow "10.0.0.1:50000 10.0.0.2:80/tcp closed", a second after the
// last one; its source opened it, unless the state says that no opening was
// seen. more changes it.
func (s *scene) flow(text string, more ...func(*Flow)) Ref {
	s.t.Helper()
	fields := strings.Fields(text)
	dst, transport, _ := strings.Cut(fields[1], "/")
	protocol, ok := protocolOf(transport)
	if !ok {
		s.t.Fatalf("%s: transport %q", text, transport)
	}
	st, ok := stateOf[fields[2]]
	if !ok {
		s.t.Fatalf("%s: state %q", text, fields[2])
	}
	at := begin.Add(time.Duration(s.n) * time.Second).UnixNano()
	s.n++
	f := Flow{
		Protocol: protocol, Source: netip.MustParseAddrPort(fields[0]), Destination: netip.MustParseAddrPort(dst),
		Start: at, Last: at + int64(time.Second/2), Packets: 4, Bytes: 400, Counted: true, State: st,
	}
	in := annotate.Input{Protocol: protocol, Source: f.Source, Destination: f.Destination}
	if protocol == 6 && st != flow.Midstream && st != flow.OneWay && st != flow.StateUnknown {
		in.Opening = flow.Opening{Server: flow.Destination, Confirmed: st == flow.Established || st == flow.Closed}
	}
	if st == flow.Attempted || st == flow.OneWay {
		f.Packets = 1
	}
	for _, change := range more {
		change(&f)
	}
	in.Start = f.Start
	a := s.a.Annotate(in)
	return s.c.Add(&f, &a)
}

func (s *scene) report() *Report { return s.c.Report(Context{}) }

// found lists the findings as "level kind subject".
func found(r *Report) []string {
	list := []string{}
	for _, f := range r.Findings {
		list = append(list, fmt.Sprintf("%v %v %s", f.Level, f.Kind, f.Subject))
	}
	return list
}

func expect(t *testing.T, r *Report, want ...string) {
	t.Helper()
	if got := found(r); !slices.Equal(got, want) {
		t.Errorf("findings:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func policy(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := ReadPolicy(strings.NewReader(text), "policy.yaml", iana.Embedded())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func firewallOf(t testing.TB, text string) *rules.Firewall {
	t.Helper()
	fw, err := rules.Read([]rules.Source{{Name: "rules.txt", Reader: strings.NewReader(text)}}, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return fw
}

// service finds a service of a report.
func service1(t *testing.T, r *Report, id string) *Service {
	t.Helper()
	for i := range r.Services {
		if r.Services[i].ID == id {
			return &r.Services[i]
		}
	}
	t.Fatalf("no service %s", id)
	return nil
}

func TestServices(t *testing.T) {
	s := newScene(t, Options{})
	s.flow("10.0.0.1:50000 10.0.0.9:443/tcp closed")
	s.flow("10.0.0.1:50001 10.0.0.9:443/tcp refused")
	s.flow("10.0.0.2:50001 10.0.0.9:443/tcp established")
	s.flow("10.0.0.2:50002 [2001:db8::1]:22/tcp attempted")
	s.flow("10.0.0.3:50002 10.0.0.9:514/udp one-way")
	r := s.report()
	if len(r.Services) != 3 {
		t.Fatalf("%d services", len(r.Services))
	}
	web := service1(t, r, "10.0.0.9:443/tcp")
	if web.Flows != 3 || web.Packets != 12 || web.Bytes != 1200 || web.Outcome != "answered" || web.Clients.Count != 2 || web.Clients.AtLeast {
		t.Errorf("web: %+v", web)
	}
	if got := web.Clients.Most; len(got) != 2 || got[0] != (Client{"10.0.0.1", 2, 1}) || got[1] != (Client{"10.0.0.2", 1, 1}) {
		t.Errorf("clients %v", got)
	}
	if web.First != Time(begin.UnixNano()) || web.Last != Time(begin.Add(2500*time.Millisecond).UnixNano()) {
		t.Errorf("seen %v to %v", web.First, web.Last)
	}
	if got := countsText(web.States); got != "refused 1, established 1, closed 1" {
		t.Errorf("states %s", got)
	}
	if got := service1(t, r, "[2001:db8::1]:22/tcp").Outcome; got != "attempted" {
		t.Errorf("ssh: %s", got)
	}
	if got := service1(t, r, "10.0.0.9:514/udp").Outcome; got != "seen" {
		t.Errorf("syslog: %s", got)
	}
	if r.Window.Duration() != 4500*time.Millisecond {
		t.Errorf("window %v", r.Window.Duration())
	}
	expect(t, r)
}

// Peers that use one port for both ends are one service, whoever began.
func TestSymmetricService(t *testing.T) {
	s := newScene(t, Options{})
	s.flow("10.0.0.1:123 10.0.0.9:123/udp established")
	s.flow("10.0.0.9:123 10.0.0.1:123/udp established")
	r := s.report()
	if len(r.Services) != 1 || r.Services[0].Flows != 2 || r.Services[0].ID != "10.0.0.9:123/udp" {
		t.Errorf("services %+v", r.Services)
	}
}

// Every flow is in a service, in a pair, with a scanner, or in the losses.
func TestEveryFlowIsAccountedFor(t *testing.T) {
	s := newScene(t, Options{MaxServices: 10, MaxClients: 3})
	for i := range 40 {
		s.flow(fmt.Sprintf("10.0.%d.1:50000 10.9.0.%d:443/tcp closed", i, i%20))
		s.flow(fmt.Sprintf("10.0.0.1:60000 10.9.9.%d:%d/udp established", i, 60001+i))
		s.flow(fmt.Sprintf("192.0.2.66:40000 10.9.0.1:%d/tcp attempted", 1000+i))
	}
	none := func(f *Flow) { f.Destination = netip.AddrPort{} }
	s.flow("10.0.0.1:50000 10.9.0.1:443/tcp closed", none)
	noPorts := func(f *Flow) { f.Protocol = 1 }
	s.flow("10.0.0.1:50000 10.9.0.1:443/tcp closed", noPorts)
	r := s.report()
	sum := r.Traffic.Losses.NoAddress + r.Traffic.Losses.NoPorts + r.Traffic.Losses.NotKept + r.Traffic.Losses.PairsNotKept
	for _, x := range r.Services {
		sum += x.Flows
	}
	for _, x := range r.Unsided {
		sum += x.Flows
	}
	for _, x := range r.Scanners {
		sum += x.Flows
	}
	if sum != r.Traffic.Flows || r.Traffic.Flows != 122 {
		t.Errorf("%d flows accounted for, %d seen", sum, r.Traffic.Flows)
	}
	if len(r.Services) > 10 || len(r.Unsided) > 10 {
		t.Errorf("%d services and %d pairs are kept", len(r.Services), len(r.Unsided))
	}
	if r.Traffic.Losses.NotKept == 0 || r.Traffic.Losses.NoAddress != 1 || r.Traffic.Losses.NoPorts != 1 {
		t.Errorf("losses %+v", r.Traffic.Losses)
	}
	if len(r.Remarks) == 0 {
		t.Error("no remark says that something is not kept")
	}
}

func TestManyClients(t *testing.T) {
	s := newScene(t, Options{MaxClients: 20})
	for i := range 30 {
		s.flow(fmt.Sprintf("10.0.1.%d:50000 10.9.0.1:443/tcp closed", i))
		s.flow(fmt.Sprintf("10.0.1.%d:50001 10.9.0.1:443/tcp closed", i))
	}
	r := s.report()
	c := r.Services[0].Clients
	if c.Count != 20 || !c.AtLeast || r.Services[0].Flows != 60 || r.Traffic.Losses.FewClients != 1 {
		t.Errorf("%+v, %+v", c, r.Traffic.Losses)
	}
}

func TestScan(t *testing.T) {
	s := newScene(t, Options{})
	s.flow("10.0.0.1:50000 10.9.0.2:1080/tcp closed") // somebody else's
	for i := range 40 {
		s.flow(fmt.Sprintf("192.0.2.66:40000 10.9.0.%d:%d/tcp attempted", 1+i%2, 1041+i))
	}
	s.flow("192.0.2.66:40000 10.9.0.1:443/tcp reset") // it found one
	ref := s.flow("192.0.2.66:40000 10.9.0.1:2022/udp one-way")
	r := s.report()
	expect(t, r, "warning scan 192.0.2.66")
	if len(r.Services) != 2 || len(r.Scanners) != 1 {
		t.Fatalf("%d services, scanners %+v", len(r.Services), r.Scanners)
	}
	sc := r.Scanners[0]
	// 1080/tcp on 10.9.0.2 stays, for somebody else used it.
	if sc.Targets != 40 || sc.Answered != 1 || sc.Servers != 2 || sc.Ports != 40 || sc.Flows != 40 || sc.AtLeast {
		t.Errorf("%+v", sc)
	}
	if !s.c.Subjects().Has(ref) {
		t.Error("a probe is no evidence of the scan")
	}
	if s.c.Subjects().Has(Ref{service: Key{netip.MustParseAddr("10.9.0.1"), 6, 443}, client: netip.MustParseAddr("192.0.2.66")}) {
		t.Error("a service without a finding is evidence")
	}
}

// A client of which much answered is no scanner, nor is one of few services.
func TestNoScan(t *testing.T) {
	s := newScene(t, Options{})
	for i := range 40 {
		st := "refused"
		if i%5 == 0 {
			st = "closed"
		}
		s.flow(fmt.Sprintf("10.0.0.7:40000 10.9.0.1:%d/tcp %s", 3000+i, st))
	}
	for i := range DefaultScanTargets - 1 {
		s.flow(fmt.Sprintf("192.0.2.66:40000 10.9.0.1:%d/tcp attempted", 4000+i))
	}
	r := s.report()
	if len(r.Scanners) != 0 || len(r.Services) != 40+DefaultScanTargets-1 {
		t.Errorf("%d services, scanners %+v", len(r.Services), r.Scanners)
	}
}

// A scan larger than the memory takes no room from what answers.
func TestScanLargerThanMemory(t *testing.T) {
	s := newScene(t, Options{MaxServices: 100})
	for i := range 5000 {
		s.flow(fmt.Sprintf("192.0.2.66:40000 10.9.%d.%d:443/tcp attempted", i/250, i%250))
	}
	s.flow("10.0.0.1:50000 10.9.99.1:443/tcp closed")
	r := s.report()
	if len(r.Services) != 1 || r.Traffic.Losses.NotKept != 0 {
		t.Errorf("%d services, %+v", len(r.Services), r.Traffic.Losses)
	}
	sc := r.Scanners[0]
	if sc.Flows != 5000 || !sc.AtLeast || sc.Targets < 100 {
		t.Errorf("%+v", sc)
	}
}

func TestRegistrations(t *testing.T) {
	for _, c := range []struct {
		name, flow string
		want       []string
	}{
		{"assigned", "10.0.0.1:50000 10.9.0.1:443/tcp closed", nil},
		{"de-assigned", "10.0.0.1:50000 10.9.0.1:2/tcp closed", []string{"note port-deassigned 10.9.0.1:2/tcp"}},
		{"reserved", "10.0.0.1:50000 10.9.0.1:1023/tcp closed", []string{"note port-reserved 10.9.0.1:1023/tcp"}},
		{"unassigned", "10.0.0.1:50000 10.9.0.1:4/tcp closed", []string{"note port-unassigned 10.9.0.1:4/tcp"}},
		{"dynamic", "10.0.0.1:40000 10.9.0.1:60000/tcp closed", []string{"note port-dynamic 10.9.0.1:60000/tcp"}},
		{"reserved here, assigned on sctp", "10.0.0.1:50000 10.9.0.1:38412/tcp closed", []string{"note port-other-transport 10.9.0.1:38412/tcp"}},
		{"unauthorized use", "10.0.0.1:50000 10.9.0.1:5555/tcp closed", []string{"note unauthorized-use 10.9.0.1:5555/tcp"}},
		{"nothing is there", "10.0.0.1:50000 10.9.0.1:4/tcp refused", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, Options{})
			s.flow(c.flow)
			r := s.report()
			if got := found(r); !slices.Equal(got, append([]string{}, c.want...)) {
				t.Errorf("%q, want %q", got, c.want)
			}
			for _, f := range r.Findings {
				// Nothing concludes from a registration that traffic is good or bad.
				if f.Level != Note {
					t.Errorf("%s is more than a note", f.ID)
				}
			}
		})
	}
}

func TestRegisteredLater(t *testing.T) {
	s := newScene(t, Options{})
	s.flow("10.0.0.1:50000 10.9.0.1:11434/tcp closed", func(f *Flow) {
		f.Start = time.Date(2025, 9, 25, 12, 0, 0, 0, time.UTC).UnixNano()
		f.Last = f.Start
	})
	expect(t, s.report(), "note registered-later 10.9.0.1:11434/tcp")
}

// The recognisers say what the payload looks like beside the registration.
func TestObservedContradicts(t *testing.T) {
	s := newScene(t, Options{})
	ssh := func(f *Flow) { f.Observed = Observed{"ssh", observe.Contradicts, "it begins with an SSH version"} }
	tls := func(f *Flow) { f.Observed = Observed{"tls", observe.Consistent, "a ClientHello"} }
	unknown := func(f *Flow) { f.Observed = Observed{Verdict: observe.Unrecognised} }
	s.flow("10.0.0.1:50000 10.9.0.1:443/tcp closed", tls)
	s.flow("10.0.0.2:50000 10.9.0.1:443/tcp closed", ssh)
	s.flow("10.0.0.3:50000 10.9.0.1:443/tcp closed", unknown)
	s.flow("10.0.0.1:50000 10.9.0.2:443/tcp closed", tls)
	s.flow("10.0.0.1:50000 10.9.0.3:443/tcp closed", unknown)
	r := s.report()
	expect(t, r, "warning observed-contradicts 10.9.0.1:443/tcp")
	if why := r.Findings[0].Why; why != "The payload looks like ssh, and 443/tcp is registered for https." {
		t.Error(why)
	}
	if x := service1(t, r, "10.9.0.1:443/tcp"); x.Observed != "ssh" || x.Verdict != "contradicts" {
		t.Errorf("%s, %s", x.Observed, x.Verdict)
	}
	if x := service1(t, r, "10.9.0.2:443/tcp"); x.Observed != "tls" || x.Verdict != "consistent" {
		t.Errorf("%s, %s", x.Observed, x.Verdict)
	}
}

func TestUnknownSides(t *testing.T) {
	s := newScene(t, Options{})
	s.flow("10.0.0.1:4607 10.9.0.1:5432/tcp midstream") // that only one is assigned tells nothing
	s.flow("10.0.0.1:50001 10.9.0.1:60001/udp established")
	s.flow("10.9.0.1:60002 10.0.0.1:50001/udp established")
	r := s.report()
	expect(t, r, "note unknown-side 10.0.0.1 - 10.9.0.1/tcp", "note unknown-side 10.0.0.1 - 10.9.0.1/udp")
	if len(r.Services) != 0 {
		t.Errorf("services %+v", r.Services)
	}
	if u := r.Unsided[1]; u.Flows != 2 || !slices.Equal(u.PortsA, []uint16{50001}) || !slices.Equal(u.PortsB, []uint16{60001, 60002}) {
		t.Errorf("%+v", u)
	}
	if len(r.Remarks) == 0 || !strings.Contains(r.Remarks[0], "No flow shows which end is the service") {
		t.Errorf("remarks %q", r.Remarks)
	}
}

// Logs need not say what became of connections, nor how much they carried.
func TestLogs(t *testing.T) {
	s := newScene(t, Options{})
	in := annotate.Input{Protocol: 6, Source: netip.MustParseAddrPort("10.0.0.1:50000"), Destination: netip.MustParseAddrPort("10.9.0.1:443"), Start: begin.UnixNano()}
	a := s.a.Annotate(in)
	f := Logged(&in)
	s.c.Add(&f, &a)
	r := s.report()
	x := r.Services[0]
	if x.Outcome != "seen" || x.Uncounted != 1 || len(x.States) != 0 {
		t.Errorf("%+v", x)
	}
	if len(r.Remarks) != 2 || !strings.Contains(r.Remarks[0], "port numbers") || !strings.Contains(r.Remarks[1], "do not say whether") {
		t.Errorf("remarks %q", r.Remarks)
	}
}

func TestNoFlows(t *testing.T) {
	r := newScene(t, Options{Policy: policy(t, "version: 1\nexpected:\n- ports: [22/tcp]\n")}).report()
	expect(t, r, "note expected-never-seen 22/tcp")
	if len(r.Remarks) != 1 || r.Remarks[0] != "There were no flows to review." {
		t.Errorf("remarks %q", r.Remarks)
	}
}

// The same flows in another order give the same report, but for the samples of
// what is bounded.
func TestOrderDoesNotMatter(t *testing.T) {
	var first []string
	for turn := range 3 {
		s := newScene(t, Options{})
		lines := []string{}
		for i := range 60 {
			lines = append(lines, fmt.Sprintf("10.0.0.%d:50000 10.9.0.%d:%d/tcp closed", i%7, i%11, 4000+i%5))
			lines = append(lines, fmt.Sprintf("192.0.2.66:40000 10.9.0.1:%d/tcp attempted", 1000+i))
		}
		if turn == 1 {
			slices.Reverse(lines)
		}
		if turn == 2 {
			slices.Sort(lines)
		}
		for _, l := range lines {
			s.flow(l, func(f *Flow) { f.Start, f.Last = begin.UnixNano(), begin.UnixNano() })
		}
		r := s.report()
		var got []string
		for _, x := range r.Services {
			got = append(got, fmt.Sprintf("%s %d %+v %v", x.ID, x.Flows, x.Clients, x.Findings))
		}
		for _, x := range r.Findings {
			got = append(got, fmt.Sprintf("%+v", x))
		}
		if first == nil {
			first = got
		} else if !slices.Equal(first, got) {
			t.Errorf("turn %d differs", turn)
		}
	}
}

// Very many services are looked at by several goroutines, and the findings are
// in the order of addresses all the same.
func TestManyServices(t *testing.T) {
	s := newScene(t, Options{MaxServices: 20_000})
	const n = 3 * together
	for i := range n {
		s.flow(fmt.Sprintf("10.0.0.1:50000 10.9.%d.%d:4/tcp closed", i*7%n/250, i*7%n%250))
	}
	r := s.c.Report(Context{Listed: 100})
	if len(r.Findings) != n || r.Summary.Services != n || len(r.Services) != 100 || r.Summary.Outcomes[0] != (NameCount{"answered", n}) {
		t.Fatalf("%d findings, %+v", len(r.Findings), r.Summary)
	}
	before := netip.Addr{}
	for _, f := range r.Findings {
		at := netip.MustParseAddrPort(strings.TrimSuffix(f.Service, "/tcp")).Addr()
		if !before.Less(at) {
			t.Fatalf("%s after %s", at, before)
		}
		before = at
	}
	if r.Services[0].ID != "10.9.0.0:4/tcp" || len(r.Services[0].Findings) != 1 {
		t.Errorf("%+v", r.Services[0])
	}
}
