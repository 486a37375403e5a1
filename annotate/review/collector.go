package review

import (
	"cmp"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/review/rules"
	"github.com/portannot/portannot/capture/flow"
)

// Options say what the traffic is compared with, and how much memory is used.
type Options struct {
	// Policy lists the services that are expected; nil for no policy.
	Policy *Policy
	// Rules say what firewalls let through; nil for no rules.
	Rules *rules.Firewall
	// RulesBefore are earlier rules to compare Rules with; nil for none.
	RulesBefore *rules.Firewall
	// A policy entry has expired or not as of the flow's time; for a flow without a
	// time, Now is used.
	Now time.Time
	// MaxServices bounds the services that are kept, about 500 bytes each. When
	// it is reached, services that only scanners tried are dropped. If there is
	// still no room, flows of new services are counted but not reviewed. 0 is
	// DefaultMaxServices.
	MaxServices int
	// MaxClients bounds the clients that are kept for one service. The flows of
	// further clients are counted. 0 is DefaultMaxClients. For all services
	// together, at most 16 times MaxServices clients are kept.
	MaxClients int
	// ScanTargets is the number of services that a client must have tried in
	// vain to count as a scanner. 0 is DefaultScanTargets.
	ScanTargets int
	// AsOf is the day for which the registry is asked, for the report: see
	// RegistryRef.
	AsOf string
}

// Defaults of Options.
const (
	DefaultMaxServices = 1 << 18
	DefaultMaxClients  = 4096
	DefaultScanTargets = 20
)

// clientsPerService bounds the clients of all services together.
const clientsPerService = 16

// probePackets is how many packets a flow without an answer may have to look
// like a probe; more is traffic whose answers take another way.
const probePackets = 3

// scanRatio is how many services a scanner tried in vain for each that
// answered.
const scanRatio = 10

// service is a service while flows come in. There may be very many, so that
// what most do not have stands elsewhere, and what each flow changes comes
// first: the time goes into waiting for memory.
type service struct {
	place     place
	number    uint32           // of the room that it has
	role      annotate.Service // of the flow with the most confidence
	byPolicy  bool             // no rule names the service end, the policy does
	symmetric bool             // both ends use the port
	later     bool             // registered after the traffic
	compared  bool             // there is a finding about it and the baseline
	verdict   observe.Verdict  // on the payload, the one that says most
	kinds     uint32           // those of the other findings about it, as bits
	flows     uint64
	packets   uint64
	bytes     uint64
	first     int64
	last      int64
	counted   uint64 // flows with counters
	states    states
	clients   clients
	expect    *expectations
	ruled     *ruled
	*more     // to be read; own gives one to be written
	*port     // what is the same for all services on it
	key       Key
}

// port is a port with its registration.
type port struct {
	registered   iana.Entry
	later        iana.Entry // what the port was registered for later; assigned, or the zero Entry
	otherEdition bool       // registered is not of the edition of the report
	noPractice   bool       // software that uses the port is not to be named
	odd          bool       // there is something to say of the registration
	unauthorized bool       // use of it is reported
	exposedAs    string     // class of Exposable
	assignment   Kind       // of finding about its assignment; numKinds is none
	// report is how reports have the registration; it is made when one does.
	report atomic.Pointer[Registration]
}

// more is what is known of some services.
type more struct {
	local       string   // the user's own name
	seen        Observed // the first of service.verdict, where a protocol is known
	contradicts uint64   // flows of that verdict
	accepted    []Kind   // findings that the policy takes as known
}

// nothing is what most services have, and unasked and unruled is what all have without
// a policy and without rules. None is ever written.
var (
	nothing more
	unasked expectations
	unruled ruled
)

func (s *service) own() *more {
	if s.more == &nothing {
		s.more = new(more)
	}
	return s.more
}

// compare orders places by address, port and transport, those in zones by when
// the zones were met.
func (p *place) compare(o *place) int {
	return cmp.Or(cmp.Compare(p.bits, o.bits), cmp.Compare(p.hi, o.hi), cmp.Compare(p.lo, o.lo), cmp.Compare(p.zone, o.zone),
		cmp.Compare(p.port, o.port), cmp.Compare(p.protocol, o.protocol))
}

// pair is two addresses between which there are flows whose service end is not
// known.
type pair struct {
	a, b     netip.Addr // a before b
	protocol uint8
}

// unsided are the flows of a pair.
type unsided struct {
	pair    pair
	flows   uint64
	packets uint64
	bytes   uint64
	counted uint64
	first   int64
	last    int64
	states  states
	ports   [2][]uint16 // the first of either end
	ignored uint64
	found   bool // there is a finding about it
}

// maxPairPorts bounds the ports that are kept of a pair's end.
const maxPairPorts = 8

// Losses counts the flows that belong to no service in the report, by reason,
// and the services that exceeded a bound of Options.
type Losses struct {
	NoAddress uint64 `json:"no_address,omitempty"` // an address was not reported or not valid
	NoPort    uint64 `json:"no_port,omitempty"`    // the service's port was not reported
	NoPorts   uint64 `json:"no_ports,omitempty"`   // the protocol has no ports
	NotKept   uint64 `json:"not_kept,omitempty"`   // there was no room for the service: see MaxServices
	// FewClients counts services that had more clients than are kept.
	FewClients uint64 `json:"few_clients,omitempty"`
	// PairsNotKept counts flows without a service end for which there was no
	// room.
	PairsNotKept uint64 `json:"pairs_not_kept,omitempty"`
}

// Collector collects flows into services. It is for one goroutine.
type Collector struct {
	registry   *iana.Registry
	opt        Options
	services   int // how many there are
	index      index
	slabs      [][]service
	laid       int      // how much of the slabs was ever used
	free       []uint32 // room of services that were folded
	warmth     uint64   // of no meaning: see warm
	zones      map[string]uint32
	pairs      map[pair]*unsided
	scanners   map[netip.Addr]*scanner // of services that were folded early
	firewall   *firewall               // nil without rules
	used       map[*Entry]*entryUse
	answers    answers
	clientRoom int
	full       bool
	compared   bool // services are marked that have a finding about the baseline
	losses     Losses
	flows      uint64
	stateless  uint64 // flows whose state is not known
	uncounted  uint64
	untimed    uint64
	opened     uint64 // flows whose service end is known from their opening, or stated
	first      int64
	last       int64
	statuses   [iana.NumStatuses]uint64
	noSide     uint64 // flows whose service end, or its port, is not known
	joiner     joiner
	windows    []Window                    // of reports that were added
	ports      [iana.NumTransports][]*port // by number
}

// NewCollector returns a Collector. Its flows must be annotated with the same
// registry.
func NewCollector(registry *iana.Registry, opt Options) *Collector {
	opt.MaxServices = cmp.Or(opt.MaxServices, DefaultMaxServices)
	opt.MaxClients = cmp.Or(opt.MaxClients, DefaultMaxClients)
	opt.ScanTargets = cmp.Or(opt.ScanTargets, DefaultScanTargets)
	c := &Collector{
		registry:   registry,
		opt:        opt,
		index:      newIndex(),
		zones:      map[string]uint32{},
		pairs:      map[pair]*unsided{},
		scanners:   map[netip.Addr]*scanner{},
		used:       map[*Entry]*entryUse{},
		clientRoom: opt.MaxServices * clientsPerService,
	}
	if opt.Rules != nil {
		c.firewall = newFirewall(opt.Rules)
	}
	if opt.Rules != nil || opt.Policy != nil {
		c.answers = newAnswers(&opt)
	}
	return c
}

// entryUse is the traffic that an entry of the policy covers.
type entryUse struct {
	alone    [1]*Entry // the entry: what most services are covered by
	flows    uint64
	services uint64
}

// ends are the two ends of a flow as client and server.
type ends struct {
	client, server netip.AddrPort
	entry          *iana.Entry // of the server's port
	local          string
}

// Add adds a flow with its annotation. The Ref that it returns can be passed to
// [Subjects.Has].
//
// A flow of one direction is kept for a while. If the other direction comes, the
// two are one flow, and it was answered. The Ref of a flow that is kept is zero.
func (c *Collector) Add(f *Flow, a *annotate.Annotation) Ref {
	if f.OneDirection {
		return c.addDirection(f, a)
	}
	return c.add(f, a)
}

func (c *Collector) add(f *Flow, a *annotate.Annotation) Ref {
	c.count(f, a)
	if _, ports := iana.TransportOf(f.Protocol); !ports {
		c.losses.NoPorts++
		return Ref{}
	}
	if !f.Source.Addr().IsValid() || !f.Destination.Addr().IsValid() {
		c.losses.NoAddress++
		return Ref{}
	}
	e, byPolicy := c.roles(f, a)
	switch {
	case e.entry == nil && (a.NoSourcePort || a.NoDestinationPort):
		c.losses.NoPort++
		return Ref{}
	case e.entry == nil:
		return Ref{pair: c.addPair(f)}
	}
	key := Key{e.server.Addr(), f.Protocol, e.server.Port()}
	at := c.place(key)
	s := c.find(&at)
	if a.Service.Side == annotate.Both && s == nil {
		// One service, spoken between equals, whoever began.
		other := Key{e.client.Addr(), f.Protocol, e.client.Port()}
		otherAt := c.place(other)
		if t := c.find(&otherAt); t != nil && t.symmetric {
			e.client, e.server = e.server, e.client
			key, s = other, t
		}
	}
	if s == nil {
		if s = c.newService(key, at, f, a, &e); s == nil {
			return Ref{service: key, client: e.client.Addr()}
		}
	}
	c.addTo(s, f, a, &e, byPolicy)
	return Ref{service: key, client: e.client.Addr()}
}

// count counts a flow before anything is known of its service.
func (c *Collector) count(f *Flow, a *annotate.Annotation) {
	c.flows++
	if f.State == flow.StateUnknown && (f.Outcome == annotate.NoOutcome || f.Outcome == annotate.Passed) {
		c.stateless++
	}
	if !f.Counted {
		c.uncounted++
	}
	if f.Start == 0 {
		c.untimed++
	} else {
		c.first, c.last = widen(c.first, c.last, f.Start, f.Last)
	}
	switch a.Service.Reason {
	case annotate.Stated, annotate.Handshake, annotate.Accepted, annotate.Earlier:
		c.opened++
	}
	if e, ok := a.Registered(); ok {
		c.statuses[e.Status]++
	} else {
		c.noSide++
	}
}

// widen extends an interval, in which 0 stands for nothing yet.
func widen(first, last, from, to int64) (int64, int64) {
	if from == 0 {
		return first, last
	}
	if first == 0 || from < first {
		first = from
	}
	return first, max(last, from, to)
}

// roles says which end is the server. Where no rule does, a policy that
// expects a service on one end and not on the other decides.
func (c *Collector) roles(f *Flow, a *annotate.Annotation) (e ends, byPolicy bool) {
	forward := ends{f.Source, f.Destination, &a.Destination, a.DestinationLocal}
	reverse := ends{f.Destination, f.Source, &a.Source, a.SourceLocal}
	switch a.Service.Side {
	case annotate.Destination, annotate.Both:
		if a.NoDestinationPort {
			return ends{}, false
		}
		return forward, false
	case annotate.Source:
		if a.NoSourcePort {
			return ends{}, false
		}
		return reverse, false
	}
	if c.opt.Policy == nil || a.NoSourcePort || a.NoDestinationPort {
		return ends{}, false
	}
	f1 := c.opt.Policy.expects(f.Protocol, forward.client.Addr(), forward.server)
	f2 := c.opt.Policy.expects(f.Protocol, reverse.client.Addr(), reverse.server)
	switch {
	case f1 && !f2:
		return forward, true
	case f2 && !f1:
		return reverse, true
	}
	return ends{}, false
}

// newService makes a service if there is room, or if the flow is not just one
// more probe of a scanner that is known already.
func (c *Collector) newService(key Key, at place, f *Flow, a *annotate.Annotation, e *ends) *service {
	if sc := c.scanners[e.client.Addr()]; sc != nil && isProbe(f, e) {
		sc.add(f)
		return nil
	}
	if c.services >= c.opt.MaxServices && !c.full {
		c.sweep()
	}
	if c.services >= c.opt.MaxServices {
		c.losses.NotKept++
		return nil
	}
	s := c.newRoom()
	s.place = at
	s.key, s.port, s.more = key, c.portOf(e.entry, a), &nothing
	s.clients.list = s.clients.buf[:0]
	if e.local != "" {
		s.own().local = e.local
	}
	c.services++
	c.enter(s, s.number)
	return s
}

// portOf gives what is known of a port, in the edition that the flow was annotated
// with. Of ports in several editions, that of the flow before is kept.
func (c *Collector) portOf(e *iana.Entry, a *annotate.Annotation) *port {
	if c.ports[e.Transport] == nil {
		c.ports[e.Transport] = make([]*port, 1<<16)
	}
	p := c.ports[e.Transport][e.Port]
	if p == nil || p.registered != *e {
		p = &port{registered: *e, assignment: assignmentOf(e), unauthorized: e.Unauthorized() != ""}
		for _, t := range transportNumbers {
			if t.name == e.Transport.String() {
				p.exposedAs = exposableClass(t.protocol, e.Port)
			}
		}
		p.odd = e.Status != iana.Assigned && e.Status != iana.Unknown || p.unauthorized
		p.otherEdition, p.noPractice = a.Registry != c.registry, a.NoPractice
		if l, ok := a.LaterRegistration(); ok {
			p.later = l
		}
		c.ports[e.Transport][e.Port] = p
	}
	return p
}

// isProbe reports a flow that got no answer, and that was too short to be
// anything else than a try. What the server sent is none.
func isProbe(f *Flow, e *ends) bool {
	switch outcomeOf(f) {
	case failed, refused, denied:
		return true
	case mayBe:
		return (f.State == flow.OneWay || f.Outcome == annotate.OneWay) && f.Packets <= probePackets && f.Source != e.server
	}
	return false
}

func (c *Collector) addTo(s *service, f *Flow, a *annotate.Annotation, e *ends, byPolicy bool) {
	if s.flows == 0 || a.Service.Confidence > s.role.Confidence {
		s.role, s.byPolicy = a.Service, byPolicy
	}
	s.symmetric = s.symmetric || a.Service.Side == annotate.Both
	s.later = s.later || a.RegisteredLater
	s.flows += f.n()
	s.states.add(f)
	if f.Counted {
		s.counted += f.n()
		s.packets += f.Packets
		s.bytes += f.Bytes
	}
	s.first, s.last = widen(s.first, s.last, f.Start, f.Last)
	s.observe(&f.Observed)
	room := min(c.opt.MaxClients-len(s.clients.list), c.clientRoom)
	cl, made := s.clients.get(e.client.Addr(), room > 0)
	if made {
		c.clientRoom--
	}
	if cl == nil {
		s.clients.other += f.n()
	} else {
		count(&cl.flows, f.n())
		if !isProbe(f, e) {
			count(&cl.worked, f.n())
		}
	}
	if c.opt.Policy == nil && c.firewall == nil {
		return
	}
	answer := c.answer(f, e.client, e.server)
	var wanted *expectation
	if p := c.opt.Policy; p != nil {
		x, use := &answer.expectation, answer.use
		if x.timed {
			now := p.match(f, c.opt.Now.UnixNano(), e.client.Addr(), e.server)
			if x, use = &now, nil; x.verdict != notExpected {
				use = c.use(x.entry)
			}
		}
		if s.expect.add(x, use, f.n()) {
			use.services++
		}
		if use != nil {
			use.flows += f.n()
		} else if cl != nil {
			count(&cl.missing, f.n())
		}
		wanted = x
	}
	if c.firewall != nil {
		c.firewall.add(s, f, cl, answer, wanted)
	}
}

// observe takes in what the payload of a flow looks like.
func (s *service) observe(o *Observed) {
	if o.Verdict >= observe.NumVerdicts {
		return
	}
	if o.Verdict == observe.Contradicts {
		s.own().contradicts++
	}
	if o.Verdict > s.verdict {
		s.verdict = o.Verdict
		// Of most services nothing is recognised.
		if o.Protocol != "" || s.more != &nothing {
			s.own().seen = *o
		}
	}
}

func (c *Collector) use(e *Entry) *entryUse {
	u := c.used[e]
	if u == nil {
		u = &entryUse{alone: [1]*Entry{e}}
		c.used[e] = u
	}
	return u
}

// addPair counts a flow whose service end is not known.
func (c *Collector) addPair(f *Flow) pair {
	src, dst := f.Source, f.Destination
	if dst.Addr().Less(src.Addr()) {
		src, dst = dst, src
	}
	key := pair{src.Addr(), dst.Addr(), f.Protocol}
	u := c.pairs[key]
	if u == nil {
		if len(c.pairs) >= c.opt.MaxServices {
			c.losses.PairsNotKept++
			return pair{}
		}
		u = &unsided{pair: key}
		c.pairs[key] = u
	}
	if p := c.opt.Policy; p != nil {
		if e := p.ignores(f, c.opt.Now.UnixNano()); e != nil {
			u.ignored++
			if c.use(e).flows++; u.flows == 0 {
				c.use(e).services++
			}
		}
	}
	u.flows++
	u.states.add(f)
	if f.Counted {
		u.counted++
		u.packets += f.Packets
		u.bytes += f.Bytes
	}
	u.first, u.last = widen(u.first, u.last, f.Start, f.Last)
	for i, port := range []uint16{src.Port(), dst.Port()} {
		if len(u.ports[i]) < maxPairPorts && !slices.Contains(u.ports[i], port) {
			u.ports[i] = append(u.ports[i], port)
		}
	}
	return key
}

// sortedPairs lists the pairs by their addresses.
func (c *Collector) sortedPairs() []*unsided {
	list := make([]*unsided, 0, len(c.pairs))
	for _, u := range c.pairs {
		list = append(list, u)
	}
	slices.SortFunc(list, func(a, b *unsided) int {
		return cmp.Or(a.pair.a.Compare(b.pair.a), a.pair.b.Compare(b.pair.b), cmp.Compare(a.pair.protocol, b.pair.protocol))
	})
	return list
}
