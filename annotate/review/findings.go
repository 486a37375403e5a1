package review

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/practice"
	"github.com/portannot/portannot/annotate/review/rules"
)

func itoa(n int) string { return strconv.Itoa(n) }

// result says what became of the flows of a service: the outcome that says most
// for it.
func (s *service) result() outcome {
	has := [numOutcomes]bool{}
	for st, n := range s.states {
		has[outcomes[st]] = has[outcomes[st]] || n > 0
	}
	for _, o := range []outcome{worked, mayBe, refused, failed} {
		if has[o] {
			return o
		}
	}
	return denied
}

// outcome is result in a word.
func (s *service) outcome() string { return outcomeNames[s.result()] }

// live reports that something may be there: it answered, or nobody had to.
func (s *service) live() bool { return s.result() == worked || s.result() == mayBe }

// noteworthy reports whether there may be a finding about the service, but for one about
// the baseline.
func (s *service) noteworthy() bool {
	return s.exposable() != "" || s.odd || s.later || s.verdict == observe.Contradicts ||
		s.expect.flows[notExpected]+s.expect.flows[expired] > 0 || s.ruled.flows[rules.Deny] > 0
}

// levelOf is that of the kind, and Note where nothing answered. What the rules
// deny is only known to be there where something answered.
func (s *service) levelOf(k Kind) Level {
	switch {
	case !s.live(), k == NotAllowed && s.ruled.worked+s.ruled.open == 0, k == NotInPolicy && s.onlyTried():
		return Note
	case k == NotAllowed && s.ruled.worked == 0:
		return Warning
	}
	return kinds[k].Level
}

// onlyTried reports that none of the clients that the policy does not expect got
// an answer.
func (s *service) onlyTried() bool {
	return s.clients.exact() && !slices.ContainsFunc(s.clients.list, func(cl client) bool { return cl.missing > 0 && cl.worked > 0 })
}

// noAnswer says so, for the end of a sentence.
func (s *service) noAnswer() string {
	switch s.outcome() {
	case "refused":
		return " Nothing is there: connections were refused."
	case "attempted":
		return " Nothing answered."
	case "denied":
		return " A filter did not let it pass."
	}
	return ""
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
	findings
	accepted int
	moved    map[*service]*Entry // services that look like an entry's, moved
	movedOf  map[*Entry]bool
	// noTraffic is set if none was to be read.
	noTraffic bool
	// Texts of rules by their identifiers, in the baseline and now.
	oldTexts, newTexts map[string]string
	window             Window
}

func (f *finder) add(x Finding) { f.findings.add(x.Level, x.Kind, claim{words: &x}) }

// together is how many services are worth a goroutine.
const together = 4096

// services finds what there is to say of services, which do not know of one
// another, in their order.
func (f *finder) services(list []*service) {
	parts := make([]finder, (len(list)+together-1)/together)
	inParallel(len(list), together, func(from, to int) {
		part := &parts[from/together]
		*part = *f
		part.findings, part.accepted = findings{}, 0
		for _, s := range list[from:to] {
			part.look(s)
		}
	})
	f.findings.join(parts)
	for i := range parts {
		f.accepted += parts[i].accepted
	}
}

// look notes the kinds of findings about a service, unless the policy takes
// them as known.
func (f *finder) look(s *service) {
	s.kinds = 0
	if len(s.accepted) > 0 {
		s.accepted = nil
	}
	f.service(s, func(k Kind, _ func(*Finding)) {
		if kinds[k].Accept && s.expect.accepts(k) {
			f.accepted++
			m := s.own()
			m.accepted = append(m.accepted, k)
			return
		}
		s.kinds |= 1 << k
		f.findings.add(s.levelOf(k), k, claim{service: s})
	})
}

// say puts the finding of a kind about a service into words.
func (f *finder) say(s *service, want Kind, x *Finding) {
	f.service(s, func(k Kind, words func(*Finding)) {
		if k != want {
			return
		}
		*x = s.finding(k)
		words(x)
		s.finish(x)
	})
}

// finding makes a finding about the service, without words.
func (s *service) finding(k Kind) Finding {
	id := s.key.String()
	return Finding{ID: k.String() + ":" + id, Kind: k, Level: s.levelOf(k), Subject: id, Name: s.names(), Service: id}
}

// finish adds to a finding about the service what all have.
func (s *service) finish(x *Finding) {
	x.Why += s.noAnswer()
	x.Facts = append(x.Facts, s.facts()...)
}

// tell takes a finding about a service: its kind, and what puts it into words.
// There may be hundreds of thousands, of which a report for people has some, so
// that the words are not always asked for.
type tell func(k Kind, words func(*Finding))

// service finds what there is to say of one service.
func (f *finder) service(s *service, tell tell) {
	if s.expect.onlyIgnored() {
		return
	}
	if f.c.opt.Policy != nil {
		f.policy(s, tell)
	}
	if f.c.firewall != nil {
		f.denied(s, tell)
	}
	if !s.live() {
		return
	}
	f.exposed(s, tell)
	if s.later || s.verdict == observe.Contradicts || s.odd {
		f.registration(s, tell)
	}
}

// uninvited counts the flows of a service that count returns for a client,
// without those of scanners that got no answer, which have a finding of their
// own.
func (f *finder) uninvited(s *service, count func(*client) uint32) (flows uint64) {
	for i := range s.clients.list {
		if cl := &s.clients.list[i]; !f.inVain(cl) {
			flows += uint64(count(cl))
		}
	}
	return flows
}

// inVain reports a scanner that got no answer.
func (f *finder) inVain(cl *client) bool { return cl.worked == 0 && f.scanners[cl.addr] != nil }

// uninvitedNames names the clients whose flows uninvited counts.
func (f *finder) uninvitedNames(s *service, count func(*client) uint32) (names []string) {
	for _, cl := range s.clients.byFlows() {
		if count(&cl) > 0 && !f.inVain(&cl) {
			names = append(names, cl.addr.String())
		}
	}
	return names
}

func (c *client) missingFlows() uint32 { return c.missing }
func (c *client) deniedFlows() uint32  { return c.denied }

// policy compares a service with the policy.
func (f *finder) policy(s *service, tell tell) {
	x := s.expect
	if x.flows[expired] > 0 {
		tell(ExpiredException, func(n *Finding) {
			n.Why = fmt.Sprintf("The exception for it ended on %s, and it is still used.", lastDay(x.over))
			n.Facts = entryFacts(x.over)
			at(x.over, n)
		})
	}
	if x.flows[notExpected] == 0 {
		return
	}
	if e := f.moved[s]; e != nil {
		tell(ServiceMoved, func(n *Finding) {
			n.Why = fmt.Sprintf("The policy expects %q, which was not seen; its clients spoke to %s instead.", e.Label(), s.key)
			n.Facts = entryFacts(e)
			at(e, n)
		})
		return
	}
	flows := f.uninvited(s, (*client).missingFlows)
	if !s.clients.exact() {
		flows = max(flows, 1) // of clients that are not kept
	}
	if flows == 0 {
		return
	}
	tell(NotInPolicy, func(n *Finding) {
		if x.near == nil {
			n.Why = "No entry of the policy expects it."
			return
		}
		who := "some of its clients"
		if names := f.uninvitedNames(s, (*client).missingFlows); len(names) > 0 {
			who = sample(names, 3)
		}
		n.Why = fmt.Sprintf("The policy expects it, but not from %s.", who)
		n.Facts = append([]Fact{{"not expected", fmt.Sprintf("%s of %d", plural(flows, "flow"), s.flows)}}, entryFacts(x.near)...)
		at(x.near, n)
	})
}

// at says where the entry stands that a finding is about.
func at(e *Entry, x *Finding) { x.File, x.Line = e.File, e.Line }

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
func (f *finder) denied(s *service, tell tell) {
	r := s.ruled
	if r.flows[rules.Deny] == 0 {
		return
	}
	flows := f.uninvited(s, (*client).deniedFlows)
	if flows == 0 {
		return
	}
	tell(NotAllowed, func(x *Finding) {
		what := "it"
		if n := r.flows[rules.Deny]; n < s.flows {
			what = fmt.Sprintf("%d of its %d flows", n, s.flows)
		}
		switch {
		case r.worked > 0:
			x.Why = fmt.Sprintf("The rules deny %s, and %s worked.", what, plural(r.worked, "connection"))
		case r.open > 0:
			x.Why = fmt.Sprintf("The rules deny %s; whether that got through is not known.", what)
		default:
			x.Why = fmt.Sprintf("The rules deny %s, and none of that worked.", what)
		}
		names := f.uninvitedNames(s, (*client).deniedFlows)
		x.Facts = []Fact{{"denied", fmt.Sprintf("%s of %d, from %s", plural(flows, "flow"), s.flows, sample(names, 3))}, {"rules", r.gravest.Why}}
		if list := r.assumptions(); len(list) > 0 {
			x.Facts = append(x.Facts, Fact{"assumed", join(list)})
		}
		if rule := r.gravest.Rule; rule != nil {
			x.Facts = append(x.Facts, Fact{"rule", rule.String()})
			x.File, x.Line = rule.File, rule.Line
		}
	})
}

// registration says what the registry has for the port of a service, as far as
// it is something that a reviewer may not expect.
func (f *finder) registration(s *service, tell tell) {
	e := &s.registered
	if s.assignment < numKinds {
		tell(s.assignment, func(x *Finding) {
			f.assignment(e, s.assignment, x)
			if l := &s.port.later; l.Status == iana.Assigned {
				x.Facts = append(x.Facts, Fact{"later", nameOr(l) + ", " + annotate.PublishedWords(l)})
			}
			if !s.noPractice {
				for p := range practice.At(e.Transport, e.Port) {
					x.Facts = append(x.Facts, Fact{"practice", fmt.Sprintf("%s uses it (%s) by its own documentation, read %s: %s", p.Software, p.Use, p.Document.Read, p.Document.URL)})
				}
			}
		})
	}
	if s.unauthorized {
		tell(UnauthorizedUse, func(x *Finding) {
			x.Why = fmt.Sprintf("The registry reports unauthorized use of %s, so %s may be something else.", portText(e), nameOr(e))
			x.Facts = []Fact{{"report", e.Unauthorized()}}
		})
	}
	if s.later {
		tell(RegisteredLater, func(x *Finding) {
			date, published := annotate.Since(e)
			if !published || annotate.DatedAfter(e, s.first) {
				x.Why = fmt.Sprintf("%s was registered for %s on %s, after this traffic.", portText(e), nameOr(e), e.Registered())
			} else {
				x.Why = fmt.Sprintf("%s has been in the registry for %s since %s, after this traffic.", portText(e), nameOr(e), date)
			}
		})
	}
	if s.verdict == observe.Contradicts {
		tell(ObservedContradicts, func(x *Finding) {
			x.Why = fmt.Sprintf("The payload looks like %s, and %s is registered for %s.", s.seen.Protocol, portText(e), nameOr(e))
			x.Facts = []Fact{{"payload", fmt.Sprintf("looks like %s in %s of %d", s.seen.Protocol, plural(s.contradicts, "flow"), s.flows)}}
			if s.seen.Why != "" {
				x.Facts = append(x.Facts, Fact{"because", s.seen.Why})
			}
		})
	}
}

// assignmentOf gives the kind of finding that a port is worth for what it is
// assigned to; numKinds is none.
func assignmentOf(e *iana.Entry) Kind {
	if _, ok := e.Deassigned(); ok {
		return PortDeassigned
	}
	if (e.Status == iana.Reserved || e.Status == iana.Unassigned) && e.Siblings() != 0 {
		return PortOtherTransport
	}
	switch e.Status {
	case iana.Reserved:
		return PortReserved
	case iana.Unassigned:
		return PortUnassigned
	case iana.Dynamic:
		return PortDynamic
	}
	return numKinds
}

// assignment says what a port is assigned to, for a kind of assignmentOf.
func (f *finder) assignment(e *iana.Entry, k Kind, x *Finding) {
	switch k {
	case PortDeassigned:
		d, _ := e.Deassigned()
		when, name := "", ""
		if d.Date != "" {
			when = " on " + d.Date
		}
		if d.FormerName != "" {
			name = " from " + d.FormerName
		}
		x.Why = fmt.Sprintf("IANA took %s back%s%s.", portText(e), name, when)
	case PortOtherTransport:
		var names []string
		siblings := e.Siblings()
		for t := range siblings.All() {
			names = append(names, t.String())
		}
		other := e.On(firstOf(siblings))
		x.Why = fmt.Sprintf("Port %d is assigned on %s, and %v on %s.", e.Port, join(names), e.Status, e.Transport)
		x.Facts = []Fact{{"on " + other.Transport.String(), registeredText(other)}}
	case PortReserved:
		x.Why = fmt.Sprintf("IANA has %s reserved, and assigned to nobody.", portText(e))
	case PortUnassigned:
		x.Why = fmt.Sprintf("Nothing is registered for %s.", portText(e))
	case PortDynamic:
		x.Why = fmt.Sprintf("%s is a dynamic port, which systems hand out to clients.", portText(e))
	}
}

func portText(e *iana.Entry) string { return fmt.Sprintf("%d/%s", e.Port, e.Transport) }

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
	if u.found = u.ignored < u.flows; u.found {
		f.findings.add(Note, UnknownSide, claim{pair: u})
	}
}

// say puts the finding about the pair into words.
func (u *unsided) say(x *Finding) {
	id := u.String()
	*x = Finding{
		ID: UnknownSide.String() + ":" + id, Kind: UnknownSide, Level: Note, Subject: id,
		Why: "Nothing tells which end is the service: no opening was seen, and neither payload nor ports tell.",
		Facts: []Fact{
			{"ports of " + u.pair.a.String(), portsText(u.ports[0])},
			{"ports of " + u.pair.b.String(), portsText(u.ports[1])},
			{"flows", u.flowsText()},
			{"seen", Window{Time(u.first), Time(u.last)}.Text()},
		},
	}
}

// String gives "10.20.0.11 - 198.51.100.9/udp".
func (u *unsided) String() string {
	return fmt.Sprintf("%s - %s/%s", u.pair.a, u.pair.b, iana.TransportName(u.pair.protocol))
}

func (u *unsided) flowsText() string {
	s := service{flows: u.flows, counted: u.counted, packets: u.packets, bytes: u.bytes, states: u.states, more: &nothing, expect: &unasked, ruled: &unruled}
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
	if sc.found = sc.targets > sc.ignored; !sc.found {
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
		Why: fmt.Sprintf("It tried %s on %s in vain, and %s.", plural(sc.targets, "service"), plural(uint64(max(len(sc.servers), sc.leastServers)), "server"), answered),
		Facts: []Fact{
			{"targets", strings.Join(samples, ", ") + moreThan(sc.targets, len(samples))},
			{"ports", plural(uint64(max(len(sc.ports), sc.leastPorts)), "different port")},
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
