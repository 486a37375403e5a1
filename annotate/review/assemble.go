package review

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
)

// Context has what a report needs besides the flows, and limits its length.
type Context struct {
	Inputs   []Input
	Traffic  Traffic // counts of packets and lines; Report adds the counts of flows
	Baseline *Report // an earlier report to compare with; may be nil
	// Listed bounds the services in the report; 0 is no bound. Services with
	// findings are listed first, then those with the most flows.
	Listed int
	// Findings bounds the findings of one kind and level in the report; 0 is no
	// bound. Report.Unlisted counts the others.
	Findings int
	// Grouped counts all findings by kind, level and port in Report.Groups, and gives
	// each port its share of those that Findings leaves room for.
	Grouped bool
	// Deferred leaves Report.Findings and Report.Services empty, to save memory
	// when there are very many. Each is made when Report.FillFinding or
	// Report.FillService is called. Until then the Collector must not be used
	// for anything else.
	Deferred bool
	// NoTraffic says that none was to be read: nothing is concluded then from
	// what was not seen.
	NoTraffic bool
	// AllClients names all clients of each service that are kept, and not only
	// those with the most flows.
	AllClients bool
	// Remarks come before the remarks of the review.
	Remarks []string
}

func registryTransport(protocol uint8) iana.Transport {
	t, _ := iana.TransportOf(protocol)
	return t
}

// Report returns the report on the flows that were added. It may be called again,
// with another Context, but no flow may be added after the first call.
func (c *Collector) Report(ctx Context) *Report {
	c.letAllGo()
	c.sweep()
	if c.compared { // by an earlier call
		c.each(func(s *service) { s.compared = false })
	}
	c.compared = ctx.Baseline != nil
	ed := c.registry.Edition()
	r := &Report{
		Format: Format, Version: Version, Caveat: iana.Caveat, Warning: iana.Warning,
		Registry: RegistryRef{ed.Date, ed.Source, c.opt.AsOf},
		Inputs:   ctx.Inputs,
		Window:   Window{Time(c.first), Time(c.last)},
		Traffic:  c.traffic(ctx.Traffic),
		Findings: []Finding{}, Services: []Service{},
		Remarks: ctx.Remarks,
	}
	if r.Inputs == nil {
		r.Inputs = []Input{}
	}
	f := &finder{c: c, scanners: c.scanners, window: r.Window, noTraffic: ctx.NoTraffic}
	w := &whole{finder: f, compared: map[*service][]*Finding{}, hasPolicy: c.opt.Policy != nil, allClients: ctx.AllClients}
	// Very many services are looked at in the order in which they lie in
	// memory, and only those that may have findings are put in order.
	all := ctx.Listed == 0 || c.services <= ctx.Listed || ctx.Baseline != nil
	services := c.sorted(func(s *service) bool { return all || s.noteworthy() })
	pairs, scanners := c.sortedPairs(), c.sortedScanners()
	f.findMoved(services)
	if c.firewall != nil {
		r.Rules = c.firewall.report()
	}
	if ctx.Baseline != nil {
		f.compare(r, services, ctx.Baseline)
	}
	f.services(services)
	for _, u := range pairs {
		f.pair(u)
	}
	for _, sc := range scanners {
		f.scanner(sc)
	}
	if c.firewall != nil {
		f.allowed()
	}
	if c.opt.Rules != nil && c.opt.RulesBefore != nil {
		f.changedRules(r)
	}
	if c.opt.Policy != nil {
		if !ctx.NoTraffic {
			f.entries()
		}
		r.Policy = c.policy()
	}
	if c.opt.Policy != nil && c.firewall != nil {
		f.reasons(r.Rules)
	}
	r.Unlisted, r.Groups = w.gather(ctx.Findings, ctx.Grouped)
	r.Summary, r.Charts = c.summarise(r, &f.findings)
	r.Summary.Accepted = f.accepted
	w.services = services
	if ctx.Listed > 0 && c.services > ctx.Listed {
		w.services = c.foremost(ctx.Listed)
	}
	r.put(w, ctx.Deferred)
	for _, u := range pairs {
		r.Unsided = append(r.Unsided, u.report())
	}
	for _, sc := range scanners {
		if sc.targets > 0 {
			r.Scanners = append(r.Scanners, sc.report())
		}
	}
	r.Remarks = append(r.Remarks, c.remarks(r, ctx.NoTraffic)...)
	return r
}

// put puts the findings and services into words, unless that is for later.
func (r *Report) put(w *whole, deferred bool) {
	if deferred {
		r.whole = w
		return
	}
	r.Findings, r.Services = make([]Finding, len(w.list)), make([]Service, len(w.services))
	inParallel(len(w.list), 256, func(from, to int) {
		for i := from; i < to; i++ {
			w.finding(i, &r.Findings[i])
		}
	})
	inParallel(len(w.services), 256, func(from, to int) {
		for i := from; i < to; i++ {
			w.service(w.services[i], &r.Services[i])
		}
	})
}

func (c *Collector) traffic(t Traffic) Traffic {
	t.Flows, t.NoSide, t.Losses = c.flows, c.noSide, c.losses
	for st := iana.Assigned; int(st) < iana.NumStatuses; st++ {
		if n := c.statuses[st]; n > 0 {
			t.Statuses = append(t.Statuses, StatusCount{st, n})
		}
	}
	if n := c.statuses[iana.Unknown]; n > 0 {
		t.Statuses = append(t.Statuses, StatusCount{iana.Unknown, n})
	}
	return t
}

// remarks are sentences on what the review could not see.
func (c *Collector) remarks(r *Report, noTraffic bool) (list []string) {
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if b := r.RulesBefore; b != nil {
		text := fmt.Sprintf("The rules were compared with those of %s, by %s", join(b.Files), plural(uint64(b.Asked), "packet"))
		if b.Undecided > 0 {
			text += fmt.Sprintf(", of which %d are not decided by one of them", b.Undecided)
		}
		if b.Truncated {
			text += "; there was more to compare than that"
		}
		say("%s.", text)
	}
	switch {
	case c.flows == 0 && noTraffic:
		say("No traffic was read: this is a review of rules alone.")
		return list
	case c.flows == 0:
		say("There were no flows to review.")
		return list
	case c.noSide == c.flows:
		say("No flow shows which end is the service: not by its opening, nor its payload, nor its ports.")
	case c.noSide*2 > c.flows:
		say("Of %d flows, %d do not show which end is the service: not by their opening, nor their payload, nor their ports.", c.flows, c.noSide)
	}
	if c.opened == 0 && c.noSide < c.flows {
		say("No flow shows which end opened it: which end is the service was decided by port numbers.")
	}
	if c.stateless > 0 {
		say("Of %s, %d %s from logs that do not say whether connections were established, refused or only attempted.", plural(c.flows, "flow"), c.stateless, oneOrMore(c.stateless, "comes", "come"))
	}
	if missing, words := gaps(c.windows); missing > 0 {
		say("There is no traffic of %s within the window, in %s: %s.", Length(missing), plural(uint64(len(words)), "gap"), sample(words, 5))
	}
	l := &r.Traffic.Losses
	if l.NotKept > 0 {
		say("There were more services than the %d that are kept: %s went to others, which are not reviewed.", c.opt.MaxServices, plural(l.NotKept, "flow"))
	}
	if l.PairsNotKept > 0 {
		say("%s without a known service end %s not listed.", plural(l.PairsNotKept, "flow"), oneOrMore(l.PairsNotKept, "is", "are"))
	}
	if l.FewClients > 0 {
		say("%s had more clients than are kept; the number of clients is given as the least that there were.", plural(l.FewClients, "service"))
	}
	if n := l.NoPort + l.NoAddress; n > 0 {
		say("%s had no port or no address of the service, and %s in no service.", plural(n, "flow"), oneOrMore(n, "is", "are"))
	}
	if fw := c.firewall; fw != nil && fw.apart > 0 {
		say("%s stayed within one network, and so did not come to the firewall: the rules were not asked about %s.", plural(fw.apart, "flow"), oneOrMore(fw.apart, "it", "them"))
	}
	if fw := c.firewall; fw != nil {
		if names := fw.strangers(); len(names) > 0 {
			say("The rules name interfaces of which it is not said what is behind them: %s. If they have other names there, verdicts are wrong.", sample(names, 5))
		}
		for _, m := range slices.Sorted(maps.Keys(fw.missing)) {
			say("For %s the rules do not decide, because it is not known %s; that is neither allowed nor denied here.", plural(*fw.missing[m], "flow"), m)
		}
		if fw.assumed > 0 {
			say("The verdict for %s rests on assumptions: %s.", plural(fw.assumed, "flow"), fw.assumptions())
		}
	}
	return list
}

// entries finds entries of the policy that matched nothing.
func (f *finder) entries() {
	for _, e := range f.c.opt.Policy.Expected {
		if f.c.used[e] != nil || f.movedOf[e] {
			continue
		}
		why := fmt.Sprintf("It matched nothing%s.", f.inWindow())
		if f.window.Last != 0 && e.expired(int64(f.window.Last)) {
			why = fmt.Sprintf("It ended on %s, and matched nothing%s: it can go.", lastDay(e), f.inWindow())
		}
		id := e.Label()
		x := Finding{
			ID: ExpectedNeverSeen.String() + ":" + id, Kind: ExpectedNeverSeen, Level: kinds[ExpectedNeverSeen].Level,
			Subject: id, Why: why,
			Facts: append(entryFacts(e), Fact{"about", e.Text}, Fact{"window", f.window.Text()}),
		}
		at(e, &x)
		f.add(x)
	}
}

// findMoved looks for services that nothing expects and that have the clients
// of an entry that matched nothing.
func (f *finder) findMoved(services []*service) {
	f.moved, f.movedOf = map[*service]*Entry{}, map[*Entry]bool{}
	if f.c.opt.Policy == nil {
		return
	}
	claims := map[*service][]*Entry{}
	count := map[*Entry]int{}
	for _, e := range f.c.opt.Policy.Expected {
		if f.c.used[e] != nil || !f.oneService(e) {
			continue
		}
		for _, s := range services {
			if f.looksMoved(s, e) {
				claims[s] = append(claims[s], e)
				count[e]++
			}
		}
	}
	for s, list := range claims {
		// Where there are several to choose from, nothing is said.
		if len(list) == 1 && count[list[0]] == 1 {
			f.moved[s], f.movedOf[list[0]] = list[0], true
		}
	}
}

// oneService reports an entry that is about one port of one server, for some
// clients.
func (f *finder) oneService(e *Entry) bool {
	return len(e.Ports) == 1 && e.Ports[0].First == e.Ports[0].Last && len(e.Servers) == 1 && e.Servers[0].IsSingleIP() && len(e.Clients) > 0
}

// looksMoved reports a service that only clients of the entry used, on another
// port of its server or on its port of another server.
func (f *finder) looksMoved(s *service, e *Entry) bool {
	if s.states.sum(worked) == 0 && s.states.sum(mayBe) == 0 || s.expect.flows[notExpected] == 0 || s.expect.flows[expected]+s.expect.flows[ignored] > 0 {
		return false
	}
	sameServer, samePort := in(e.Servers, plainAddr(s.key.Server)), e.Ports[0].Contains(s.key.Protocol, s.key.Port)
	if e.Ports[0].Protocol != s.key.Protocol || sameServer == samePort || !s.clients.exact() {
		return false
	}
	return !slices.ContainsFunc(s.clients.list, func(c client) bool { return !in(e.Clients, plainAddr(c.addr)) })
}

func (c *Collector) policy() *PolicyRef {
	list := func(entries []*Entry) (out []PolicyEntry) {
		for _, e := range entries {
			p := PolicyEntry{Line: e.Line, Label: e.Label(), Text: e.Text, Owner: e.Owner, Reason: e.Reason, Ticket: e.Ticket}
			if !e.Expires.IsZero() {
				p.Expires = lastDay(e)
			}
			if u := c.used[e]; u != nil {
				p.Flows, p.Services = u.flows, u.services
			}
			out = append(out, p)
		}
		return out
	}
	ref := &PolicyRef{File: c.opt.Policy.File, Expected: list(c.opt.Policy.Expected), Ignore: list(c.opt.Policy.Ignore)}
	if ref.Expected == nil {
		ref.Expected = []PolicyEntry{}
	}
	return ref
}

// mostClients is how many clients of a service a report names.
const mostClients = 10

// report fills out with what a report has of the service, findings excepted. It
// uses the lists again that it finds there.
func (s *service) report(out *Service, hasPolicy, allClients bool) {
	states, most, others, entries := out.States[:0], out.Clients.Most[:0], out.Clients.Others[:0], out.Entries[:0]
	if most == nil {
		most = make([]Client, 0, min(len(s.clients.list), mostClients))
	}
	*out = Service{Transport: iana.TransportName(s.key.Protocol), Port: s.key.Port, Findings: out.Findings}
	out.ID = s.key.String()
	out.Server = serverOf(out.ID)
	out.Registered, out.Local = *s.registration(), s.local
	if s.verdict != observe.NoPayload {
		out.Observed, out.Verdict = s.seen.Protocol, s.verdict.String()
	}
	out.Role = Role{s.role.Reason.String(), s.role.Confidence.String()}
	if s.byPolicy {
		out.Role = Role{"policy", "likely"}
	}
	out.Outcome, out.States = s.outcome(), s.states.appendCounts(states)
	if len(out.States) == 0 {
		out.States = nil
	}
	out.Flows, out.Packets, out.Bytes, out.Uncounted = s.flows, s.packets, s.bytes, s.flows-s.counted
	out.First, out.Last = Time(s.first), Time(s.last)
	out.Rules, out.Accepted = s.ruled.report(), s.accepted
	for _, cl := range s.clients.foremost(mostClients) {
		most = append(most, Client{cl.addr.String(), uint64(cl.flows), uint64(cl.worked)})
	}
	if allClients && len(s.clients.list) > mostClients {
		for _, cl := range s.clients.byFlows()[mostClients:] {
			others = append(others, Client{cl.addr.String(), uint64(cl.flows), uint64(cl.worked)})
		}
	}
	out.Clients = Clients{Count: len(s.clients.list), AtLeast: !s.clients.exact(), Most: most, Others: others}
	if hasPolicy {
		out.Policy = s.policy()
		for _, e := range s.expect.entries {
			entries = append(entries, e.Label())
		}
		if len(entries) > 0 {
			out.Entries = entries
		}
	}
}

// serverOf gives the address in the identifier of a service.
func serverOf(id string) string {
	if id[0] == '[' {
		return id[1:strings.LastIndexByte(id, ']')]
	}
	return id[:strings.IndexByte(id, ':')]
}

// policies are what a policy may say of a service, in the order of summaries.
var policies = []string{"expected", "partly", "unexpected", "expired", "ignored"}

// policy says what the policy has for the service, as one of policies.
func (s *service) policy() string {
	switch x := s.expect; {
	case x.onlyIgnored():
		return "ignored"
	case x.flows[expired] > 0:
		return "expired"
	case x.flows[notExpected] == 0:
		return "expected"
	case x.flows[expected] > 0:
		return "partly"
	}
	return "unexpected"
}

// class gives the place in Classes.
func (s *service) class(hasPolicy bool) int {
	switch {
	case !s.live() || hasPolicy && s.policy() == "ignored":
		return 3
	case !hasPolicy:
		return 2
	case s.policy() == "expected":
		return 0
	}
	return 1
}

// registration gives what a report has of the port's registration; it is not to
// be changed.
func (p *port) registration() *Registration {
	r := p.report.Load()
	if r == nil {
		made := registration(p.registered)
		if p.otherEdition {
			made.Edition = p.registered.Edition().Date
		}
		if p.later.Status == iana.Assigned {
			_, by, _ := iana.RegisteredBetween(p.later)
			made.Later = &LaterRegistration{p.later.Name(), p.later.Description(), p.later.Registered(), by}
		}
		r = &made // by whoever was first, or likewise
		p.report.Store(r)
	}
	return r
}

func registration(e iana.Entry) Registration {
	r := Registration{Status: e.Status, Names: e.Names(), Registered: e.Registered(), Unauthorized: e.Unauthorized()}
	if e.Status == iana.Assigned {
		r.Description = e.Description()
		if span := e.Span(); span.First != span.Last {
			r.Span = span.String()
		}
	}
	if d, ok := e.Deassigned(); ok {
		r.Deassigned = &Deassignment{d.Date, d.FormerName}
	}
	if e.Status != iana.Assigned && e.Status != iana.Dynamic {
		for t := range e.Siblings().All() {
			r.Siblings = append(r.Siblings, t.String())
		}
	}
	return r
}

func (u *unsided) report() Pair {
	slices.Sort(u.ports[0])
	slices.Sort(u.ports[1])
	return Pair{
		A: u.pair.a.String(), B: u.pair.b.String(), Transport: iana.TransportName(u.pair.protocol),
		PortsA: u.ports[0], PortsB: u.ports[1], States: u.states.counts(),
		Flows: u.flows, Packets: u.packets, Bytes: u.bytes, First: Time(u.first), Last: Time(u.last),
	}
}

func (sc *scanner) report() Scanner {
	out := Scanner{
		Address: sc.addr.String(), Targets: sc.targets, AtLeast: sc.more > 0, Answered: sc.answered, Ignored: sc.targets == sc.ignored,
		Servers: max(len(sc.servers), sc.leastServers), Ports: max(len(sc.ports), sc.leastPorts), Flows: sc.flows, States: sc.states.counts(),
		First: Time(sc.first), Last: Time(sc.last), Samples: []string{},
	}
	for _, k := range sc.samples {
		out.Samples = append(out.Samples, k.String())
	}
	return out
}

// foremost gives n services, those with findings first, then those of the most
// flows, then by address.
func (c *Collector) foremost(n int) []*service {
	before := func(a, b *service) int {
		if found := a.isFound(); found != b.isFound() {
			if found {
				return -1
			}
			return 1
		}
		if a.flows != b.flows {
			return cmp.Compare(b.flows, a.flows)
		}
		return a.place.compare(&b.place)
	}
	list := make([]*service, 0, n+1)
	c.each(func(s *service) {
		if len(list) == n && before(s, list[n-1]) >= 0 {
			return
		}
		at, _ := slices.BinarySearchFunc(list, s, before)
		list = slices.Insert(list, at, s)[:min(len(list)+1, n)]
	})
	return list
}

// bins is in how many parts charts have the window.
const bins = 60

// summarise counts what a report has, and the services whose clients are not all
// kept: each way through the services is a wait for memory.
func (c *Collector) summarise(r *Report, all *findings) (Summary, Charts) {
	s := Summary{Services: c.services}
	hasPolicy := c.opt.Policy != nil
	statuses, said, levels, kindCounts := counter{}, counter{}, counter{}, counter{}
	var byOutcome [numOutcomes]int
	var byStatus [iana.NumStatuses][NumClasses]int
	var firstSeen [][NumClasses]int
	if r.Window.Duration() > 0 {
		firstSeen = make([][NumClasses]int, bins)
	}
	part := max(int64(r.Window.Duration())/bins+1, 1)
	c.each(func(x *service) {
		if !x.clients.exact() {
			r.Traffic.Losses.FewClients++
		}
		class := x.class(hasPolicy)
		byOutcome[x.result()]++
		if hasPolicy {
			said[x.policy()]++
		}
		byStatus[x.registered.Status][class]++
		if firstSeen != nil && x.first != 0 {
			firstSeen[min((x.first-int64(r.Window.First))/part, bins-1)][class]++
		}
	})
	charts := Charts{FirstSeen: firstSeen}
	for _, st := range []iana.Status{iana.Assigned, iana.Reserved, iana.Unassigned, iana.Dynamic, iana.Unknown} {
		n := 0
		for _, c := range byStatus[st] {
			n += c
		}
		if n > 0 {
			statuses[st.String()] = n
			charts.Statuses = append(charts.Statuses, StatusClasses{st, byStatus[st]})
		}
	}
	all.inOrder(func(l Level, k Kind, list []claim) {
		levels[l.String()] += len(list)
		kindCounts[k.String()] += len(list)
		s.Highest = max(s.Highest, l)
	})
	for _, o := range []outcome{worked, mayBe, refused, failed, denied} {
		if byOutcome[o] > 0 {
			s.Outcomes = append(s.Outcomes, NameCount{outcomeNames[o], byOutcome[o]})
		}
	}
	s.Statuses = statuses.in("assigned", "reserved", "unassigned", "dynamic", "unknown")
	s.Policies = said.in(policies...)
	s.Levels = levels.in("error", "warning", "note")
	var names []string
	for _, k := range Kinds() {
		names = append(names, k.Name)
	}
	s.Kinds = kindCounts.in(names...)
	return s, charts
}

type counter map[string]int

// in lists the counts that are not zero in the order of names.
func (c counter) in(names ...string) (list []NameCount) {
	for _, n := range names {
		if c[n] > 0 {
			list = append(list, NameCount{n, c[n]})
		}
	}
	return list
}

// Ref refers to the service or the pair of addresses that a flow was counted for.
// Refs are comparable. The zero Ref refers to nothing.
type Ref struct {
	service Key
	client  netip.Addr
	pair    pair
}

// Subjects tells which flows are evidence for findings.
type Subjects struct {
	services map[Key]bool // of those that are reported, whether there is a finding
	pairs    map[pair]bool
	scanners map[netip.Addr]bool
}

// Subjects returns the Subjects of the findings of the last report. It must be
// called after Report.
func (c *Collector) Subjects() *Subjects {
	s := &Subjects{map[Key]bool{}, map[pair]bool{}, map[netip.Addr]bool{}}
	c.each(func(x *service) { s.services[x.key] = x.isFound() })
	for k, u := range c.pairs {
		s.pairs[k] = u.found
	}
	for a, sc := range c.scanners {
		s.scanners[a] = sc.found
	}
	return s
}

// Has reports whether a flow is evidence for a finding: one about its service, or
// about a scan of which it is part.
func (s *Subjects) Has(r Ref) bool {
	found, kept := s.services[r.service]
	return found || s.pairs[r.pair] || !kept && s.scanners[r.client]
}
