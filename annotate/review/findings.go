package review

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
)

func itoa(n int) string { return strconv.Itoa(n) }

// result says what became of the flows of a service: the outcome that says most
// for it.
func (s *service) result() outcome {
	has := [numOutcomes]bool{}
	for st, n := range s.states {
		has[outcomes[st]] = has[outcomes[st]] || n > 0
	}
	for _, o := range []outcome{worked, mayBe, refused} {
		if has[o] {
			return o
		}
	}
	return failed
}

// outcome is result in a word.
func (s *service) outcome() string { return outcomeNames[s.result()] }

// live reports that something may be there: it answered, or nobody had to.
func (s *service) live() bool { return s.result() == worked || s.result() == mayBe }

// noteworthy reports whether there may be a finding about the service without
// anything to compare it with.
func (s *service) noteworthy() bool {
	return s.odd || s.later || s.role.Confidence <= annotate.Weak || s.seen.Verdict == observe.Contradicts
}

// levelOf is that of the kind, and Note where nothing answered.
func (s *service) levelOf(k Kind) Level {
	if !s.live() {
		return Note
	}
	return kinds[k].Level
}

// noAnswer says so, for the end of a sentence.
func (s *service) noAnswer() string {
	switch s.outcome() {
	case "refused":
		return " Nothing is there: connections were refused."
	case "attempted":
		return " Nothing answered."
	}
	return ""
}

// finding makes a finding about the service, with the facts that all have.
func (s *service) finding(k Kind, why string, facts ...Fact) Finding {
	id := s.key.String()
	s.found = true
	return Finding{
		ID: k.String() + ":" + id, Kind: k, Level: s.levelOf(k), Subject: id, Name: s.names(), Service: id,
		Why: why + s.noAnswer(), Facts: append(facts, s.facts()...),
	}
}

// names are those that the service's port goes by.
func (s *service) names() string {
	names := s.registered.Names()
	if s.local != "" {
		names = append(names, "local:"+s.local)
	}
	return strings.Join(names, ", ")
}

// facts are what is known of the service, for people.
func (s *service) facts() []Fact {
	return []Fact{
		{"clients", s.clientsText()},
		{"flows", s.flowsText()},
		{"seen", Window{Time(s.first), Time(s.last)}.Text()},
		{"role", s.roleText()},
		{"registered", registeredText(s.registered)},
	}
}

// shownClients is how many clients a fact names.
const shownClients = 5

func (s *service) clientsText() string {
	list := s.clients.byFlows()
	names := make([]string, 0, shownClients)
	for _, c := range list[:min(len(list), shownClients)] {
		names = append(names, fmt.Sprintf("%s (%s)", c.addr, plural(uint64(c.flows), "flow")))
	}
	text := strings.Join(names, ", ")
	if more := len(list) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if !s.clients.exact() {
		text += ", and others that are not kept"
	}
	return text
}

func (s *service) flowsText() string {
	text := plural(s.flows, "flow")
	if s.counted > 0 {
		text += fmt.Sprintf(", %s, %s", plural(s.packets, "packet"), Size(s.bytes))
	}
	if counts := countsText(s.states.counts()); counts != "" {
		text += "; " + counts
	} else {
		text += "; the log does not say what became of them"
	}
	return text
}

func (s *service) roleText() string {
	if s.byPolicy {
		return "the policy knows it for a service; nothing else tells"
	}
	return fmt.Sprintf("%s (%v, %v)", s.role.Reason.Why(), s.role.Reason, s.role.Confidence)
}

// registeredText writes what the registry says of a port.
func registeredText(e iana.Entry) string {
	text := e.Status.String()
	switch n := e.NumNames(); {
	case n > 0:
		text += ": " + strings.Join(e.Names(), ", ")
		if d := e.Description(); d != "" && !strings.EqualFold(d, e.Name()) {
			text += fmt.Sprintf(" (%s)", d)
		}
	case e.Status == iana.Assigned:
		text += fmt.Sprintf(": %q", e.Description())
	case e.Status == iana.Unassigned && !e.Listed:
		text += ": no record"
	}
	if span := e.Span(); span.First != span.Last && e.Status == iana.Assigned {
		text += ", part of " + span.String()
	}
	return text
}

// finder makes the findings of a report.
type finder struct {
	c        *Collector
	scanners map[netip.Addr]*scanner
	list     []Finding
	accepted int
	moved    map[*service]*Entry // services that look like an entry's, moved
	movedOf  map[*Entry]bool
	window   Window
}

func (f *finder) add(x Finding) { f.list = append(f.list, x) }

// addTo adds a finding about a service, unless the policy takes it as known.
func (f *finder) addTo(s *service, k Kind, why string, facts ...Fact) {
	if s.expect.accepts(k) {
		f.accepted++
		m := s.own()
		m.accepted = append(m.accepted, k)
		return
	}
	f.add(s.finding(k, why, facts...))
}

// together is how many services are worth a goroutine.
const together = 4096

// services finds what there is to say of services, which do not know of one
// another, in their order.
func (f *finder) services(list []*service) {
	parts := make([]finder, (len(list)+together-1)/together)
	var wait sync.WaitGroup
	for i := range parts {
		part := &parts[i]
		*part = *f
		part.list, part.accepted = nil, 0
		some := list[i*together : min((i+1)*together, len(list))]
		wait.Go(func() {
			for _, s := range some {
				part.service(s)
			}
		})
	}
	wait.Wait()
	for i := range parts {
		f.list = append(f.list, parts[i].list...)
		f.accepted += parts[i].accepted
	}
}

// service finds what there is to say of one service.
func (f *finder) service(s *service) {
	if s.expect.onlyIgnored() {
		return
	}
	if f.c.opt.Policy != nil {
		f.policy(s)
	}
	if f.c.firewall != nil {
		f.denied(s)
	}
	if !s.live() {
		return
	}
	if s.later || s.seen.Verdict == observe.Contradicts || s.odd {
		f.registration(s)
	}
	if s.role.Confidence <= annotate.Weak && !s.byPolicy {
		f.addTo(s, WeakRole, fmt.Sprintf("That this end is the service is a guess: %s.", s.role.Reason.Why()))
	}
}

// uninvited counts the flows of a service that count returns for a client,
// without those of scanners that got no answer, which have a finding of their
// own. It names the clients.
func (f *finder) uninvited(s *service, count func(*client) uint32) (flows uint64, names []string) {
	for _, cl := range s.clients.byFlows() {
		n := count(&cl)
		if n == 0 || cl.worked == 0 && f.scanners[cl.addr] != nil {
			continue
		}
		flows += uint64(n)
		names = append(names, cl.addr.String())
	}
	return flows, names
}

// policy compares a service with the policy.
func (f *finder) policy(s *service) {
	x := &s.expect
	if x.flows[expired] > 0 {
		e := x.over
		f.add(at(e, s.finding(ExpiredException,
			fmt.Sprintf("The exception for it ended on %s, and it is still used.", lastDay(e)), entryFacts(e)...)))
	}
	if x.flows[notExpected] == 0 {
		return
	}
	if e := f.moved[s]; e != nil {
		x := s.finding(ServiceMoved,
			fmt.Sprintf("The policy expects %q, which was not seen; its clients spoke to %s instead.", e.Label(), s.key), entryFacts(e)...)
		f.add(at(e, x))
		return
	}
	flows, names := f.uninvited(s, func(c *client) uint32 { return c.missing })
	if !s.clients.exact() {
		flows = max(flows, 1) // of clients that are not kept
	}
	if flows == 0 {
		return
	}
	if x.near == nil {
		f.add(s.finding(NotInPolicy, "No entry of the policy expects it."))
		return
	}
	who := "some of its clients"
	if len(names) > 0 {
		who = sample(names, 3)
	}
	n := s.finding(NotInPolicy, fmt.Sprintf("The policy expects it, but not from %s.", who),
		append([]Fact{{"not expected", fmt.Sprintf("%s of %d", plural(flows, "flow"), s.flows)}}, entryFacts(x.near)...)...)
	f.add(at(x.near, n))
}

// at says where the entry stands that a finding is about.
func at(e *Entry, x Finding) Finding {
	x.File, x.Line = e.File, e.Line
	return x
}

func lastDay(e *Entry) string { return e.Expires.AddDate(0, 0, -1).Format(time.DateOnly) }

// entryFacts says who wrote an entry, and why.
func entryFacts(e *Entry) []Fact {
	facts := []Fact{{"entry", fmt.Sprintf("%s (%s:%d)", e.Label(), e.File, e.Line)}}
	for _, f := range []Fact{{"owner", e.Owner}, {"reason", e.Reason}, {"ticket", e.Ticket}} {
		if f.Value != "" {
			facts = append(facts, f)
		}
	}
	if !e.Expires.IsZero() {
		facts = append(facts, Fact{"expires", lastDay(e)})
	}
	return facts
}

// denied compares a service with the rules.
func (f *finder) denied(s *service) {
	r := &s.ruled
	flows, names := f.uninvited(s, func(c *client) uint32 { return c.denied })
	if flows == 0 {
		return
	}
	facts := []Fact{{"denied", fmt.Sprintf("%s of %d, from %s", plural(flows, "flow"), s.flows, sample(names, 3))}, {"rules", r.why}}
	if r.rule != nil {
		facts = append(facts, Fact{"rule", r.rule.String()})
	}
	var x Finding
	switch {
	case r.worked > 0:
		x = s.finding(NotAllowed, fmt.Sprintf("The rules deny it, and %s worked.", plural(r.worked, "connection")), facts...)
	case s.live():
		x = s.finding(NotAllowed, "The rules deny it, and it was seen; whether it got through is not known.", facts...)
		x.Level = Warning
	default:
		x = s.finding(NotAllowed, "The rules deny it, as they should.", facts...)
	}
	if r.rule != nil {
		x.File, x.Line = r.rule.File, r.rule.Line
	}
	f.add(x)
}

// registration says what the registry has for the port of a service, as far as
// it is something that a reviewer may not expect.
func (f *finder) registration(s *service) {
	e := &s.registered
	port := fmt.Sprintf("%d/%s", e.Port, e.Transport)
	if d, ok := e.Deassigned(); ok {
		when, name := "", ""
		if d.Date != "" {
			when = " on " + d.Date
		}
		if d.FormerName != "" {
			name = " from " + d.FormerName
		}
		f.addTo(s, PortDeassigned, fmt.Sprintf("IANA took %s back%s%s.", port, name, when))
	} else if siblings := e.Siblings(); siblings != 0 && (e.Status == iana.Reserved || e.Status == iana.Unassigned) {
		var names []string
		for t := range siblings.All() {
			names = append(names, t.String())
		}
		other := f.c.registry.Lookup(firstOf(siblings), e.Port)
		f.addTo(s, PortOtherTransport, fmt.Sprintf("Port %d is assigned on %s, and %v on %s.", e.Port, join(names), e.Status, e.Transport),
			Fact{"on " + other.Transport.String(), registeredText(other)})
	} else {
		switch e.Status {
		case iana.Reserved:
			f.addTo(s, PortReserved, fmt.Sprintf("IANA has %s reserved, and assigned to nobody.", port))
		case iana.Unassigned:
			f.addTo(s, PortUnassigned, fmt.Sprintf("Nothing is registered for %s.", port))
		case iana.Dynamic:
			f.addTo(s, PortDynamic, fmt.Sprintf("%s is a dynamic port, which systems hand out to clients.", port))
		}
	}
	if u := e.Unauthorized(); u != "" {
		f.addTo(s, UnauthorizedUse, fmt.Sprintf("The registry reports unauthorized use of %s, so %s may be something else.", port, nameOr(e)), Fact{"report", u})
	}
	if s.later {
		f.addTo(s, RegisteredLater, fmt.Sprintf("%s was registered for %s on %s, after this traffic.", port, nameOr(e), e.Registered()))
	}
	if s.seen.Verdict == observe.Contradicts {
		facts := []Fact{{"payload", fmt.Sprintf("looks like %s in %s of %d", s.seen.Protocol, plural(s.observed[observe.Contradicts], "flow"), s.flows)}}
		if s.seen.Why != "" {
			facts = append(facts, Fact{"because", s.seen.Why})
		}
		f.addTo(s, ObservedContradicts, fmt.Sprintf("The payload looks like %s, and %s is registered for %s.", s.seen.Protocol, port, nameOr(e)), facts...)
	}
}

func firstOf(s iana.TransportSet) iana.Transport {
	for t := range s.All() {
		return t
	}
	return iana.NoTransport
}

// nameOr gives the preferred name of a port, or what else there is.
func nameOr(e *iana.Entry) string {
	if n := e.Name(); n != "" {
		return n
	}
	if e.Status == iana.Assigned {
		return fmt.Sprintf("%q", e.Description())
	}
	return "nothing"
}

// pair finds that the service end of flows between two addresses is not known.
func (f *finder) pair(u *unsided) {
	if u.ignored == u.flows {
		return
	}
	id := u.String()
	f.add(Finding{
		ID: WeakRole.String() + ":" + id, Kind: WeakRole, Level: Note, Subject: id,
		Why: "Nothing tells which end is the service: no opening was seen, and the ports are alike.",
		Facts: []Fact{
			{"ports of " + u.pair.a.String(), portsText(u.ports[0])},
			{"ports of " + u.pair.b.String(), portsText(u.ports[1])},
			{"flows", u.flowsText()},
			{"seen", Window{Time(u.first), Time(u.last)}.Text()},
		},
	})
}

// String gives "10.20.0.11 - 198.51.100.9/udp".
func (u *unsided) String() string {
	return fmt.Sprintf("%s - %s/%s", u.pair.a, u.pair.b, TransportName(u.pair.protocol))
}

func (u *unsided) flowsText() string {
	s := service{flows: u.flows, counted: u.counted, packets: u.packets, bytes: u.bytes, states: u.states, more: &nothing}
	return s.flowsText()
}

func portsText(ports []uint16) string {
	names := make([]string, 0, len(ports)+1)
	for _, p := range slices.Sorted(slices.Values(ports)) {
		names = append(names, itoa(int(p)))
	}
	text := strings.Join(names, ", ")
	if len(ports) == maxPairPorts {
		text += " and perhaps more"
	}
	return text
}

// scanner reports a scanner.
func (f *finder) scanner(sc *scanner) {
	if sc.targets == sc.ignored {
		return
	}
	id := sc.addr.String()
	answered := "none answered"
	if sc.answered > 0 {
		answered = fmt.Sprintf("%d answered", sc.answered)
	}
	var samples []string
	for _, k := range sc.samples {
		samples = append(samples, k.String())
	}
	x := Finding{
		ID: Scan.String() + ":" + id, Kind: Scan, Level: kinds[Scan].Level, Subject: id,
		Why: fmt.Sprintf("It tried %s on %s in vain, and %s.", plural(sc.targets, "service"), plural(uint64(len(sc.servers)), "server"), answered),
		Facts: []Fact{
			{"targets", strings.Join(samples, ", ") + moreThan(sc.targets, len(samples))},
			{"ports", plural(uint64(len(sc.ports)), "different port")},
			{"flows", plural(sc.flows, "flow") + "; " + countsText(sc.states.counts())},
			{"seen", Window{Time(sc.first), Time(sc.last)}.Text()},
		},
	}
	if sc.more > 0 {
		x.Facts = append(x.Facts, Fact{"not counted", fmt.Sprintf("the targets of the last %s", plural(sc.more, "flow"))})
	}
	f.add(x)
}

func moreThan(all uint64, shown int) string {
	if uint64(shown) < all {
		return fmt.Sprintf(" and %d more", all-uint64(shown))
	}
	return ""
}
