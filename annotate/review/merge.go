package review

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/observe"
)

// Reports of several weeks are joined by taking their services as flows again: so
// many from each client. Then a policy and rules may be other ones than they were.
// What a report does not name is not known: the ports of clients, and how many bytes
// a rule let through.

// AddReport adds the services, the pairs and the scanners of a report. It returns
// what the report says of its traffic, for Context.Traffic, or an error if the
// report does not name all clients that it counts: see Context.AllClients.
func (c *Collector) AddReport(r *Report) (Traffic, error) {
	for i := range r.Services {
		if err := c.addService(&r.Services[i]); err != nil {
			return Traffic{}, err
		}
	}
	for i := range r.Unsided {
		if err := c.addUnsided(&r.Unsided[i]); err != nil {
			return Traffic{}, err
		}
	}
	for i := range r.Scanners {
		if err := c.addScanner(&r.Scanners[i]); err != nil {
			return Traffic{}, err
		}
	}
	c.first, c.last = widen(c.first, c.last, int64(r.Window.First), int64(r.Window.Last))
	t := r.Traffic
	// These are counted anew.
	c.losses.NoAddress += t.Losses.NoAddress
	c.losses.NoPort += t.Losses.NoPort
	c.losses.NoPorts += t.Losses.NoPorts
	c.losses.NotKept += t.Losses.NotKept
	c.losses.PairsNotKept += t.Losses.PairsNotKept
	c.flows += t.Flows
	c.noSide += t.NoSide
	for _, s := range t.Statuses {
		if int(s.Status) < len(c.statuses) {
			c.statuses[s.Status] += s.Flows
		}
	}
	c.windows = append(c.windows, r.Window)
	return t, nil
}

// Join adds the counts of packets and lines of more traffic.
func (t *Traffic) Join(more *Traffic) {
	t.Packets += more.Packets
	t.Decoded += more.Decoded
	t.Refused += more.Refused
	t.Lost += more.Lost
	t.Lines += more.Lines
	t.BadLines += more.BadLines
	t.Evicted += more.Evicted
	for _, x := range more.NotDecoded {
		i := slices.IndexFunc(t.NotDecoded, func(y Reason) bool { return y.Reason == x.Reason })
		if i < 0 {
			t.NotDecoded = append(t.NotDecoded, x)
		} else {
			t.NotDecoded[i].Packets += x.Packets
		}
	}
}

// slotsByName finds the places of states by their names.
var slotsByName = func() map[string]int {
	m := map[string]int{}
	for slot := numSlots - 1; slot >= 0; slot-- { // captures come last, and count
		if name := stateName(slot); name != "" {
			m[name] = slot
		}
	}
	return m
}()

// addCounts adds counts by the names of states, and gives what is left of all flows
// as those of which nothing is known.
func (s *states) addCounts(list []NameCount, all uint64) {
	for _, x := range list {
		slot, n := slotsByName[x.Name], uint64(max(x.Count, 0))
		count(&s[slot], n)
		all -= min(all, n)
	}
	count(&s[0], all)
}

func (c *Collector) addService(b *Service) error {
	server, err := netip.ParseAddr(b.Server)
	protocol := numberOf(b.Transport)
	if err != nil || protocol == 0 {
		return fmt.Errorf("service %q: its address or its transport is not known", b.ID)
	}
	clients := slices.Concat(b.Clients.Most, b.Clients.Others)
	if !b.Clients.AtLeast && len(clients) != b.Clients.Count {
		return fmt.Errorf("service %s: %d of %d clients are named: it was written by an older version", b.ID, len(clients), b.Clients.Count)
	}
	entry := c.registry.Lookup(registryTransport(protocol), b.Port)
	e := ends{server: netip.AddrPortFrom(server, b.Port), entry: &entry, local: b.Local}
	key := Key{server, protocol, b.Port}
	at := c.place(key)
	s := c.find(&at)
	a := annotate.Annotation{Registry: c.registry}
	a.Service = annotate.Service{Side: annotate.Destination, Port: b.Port, Reason: reasonOf(b.Role.Reason), Confidence: confidenceOf(b.Role.Confidence)}
	switch r := a.Service.Reason; {
	case r == annotate.Stated || r == annotate.Handshake || r == annotate.Accepted || r == annotate.Earlier:
		c.opened += b.Flows
	}
	a.RegisteredLater = slices.ContainsFunc(b.Findings, func(id string) bool { return strings.HasPrefix(id, RegisteredLater.String()+":") })
	f := Flow{Protocol: protocol, Start: int64(b.First), Last: int64(b.Last), Destination: e.server}
	if s == nil {
		if s = c.newService(key, at, &f, &a, &e); s == nil {
			return nil // it is counted
		}
	}
	kept := s.states
	named := uint64(0)
	for _, cl := range clients {
		addr, err := netip.ParseAddr(cl.Address)
		if err != nil {
			return fmt.Errorf("service %s: client %q is no address", b.ID, cl.Address)
		}
		e.client = netip.AddrPortFrom(addr, 0)
		f.Source = e.client
		named += cl.Flows
		c.addClient(s, &f, &a, &e, b, cl)
	}
	if more := b.Flows - min(b.Flows, named); more > 0 && b.Clients.AtLeast {
		s.flows += more
		s.clients.other += more
	}
	s.states = kept
	s.states.addCounts(b.States, b.Flows)
	s.counted += b.Flows - min(b.Uncounted, b.Flows)
	s.packets += b.Packets
	s.bytes += b.Bytes
	if b.Observed != "" || b.Verdict != "" {
		s.observe(&Observed{Protocol: b.Observed, Verdict: verdictOf(b.Verdict)})
	}
	return nil
}

// addClient adds the flows of a client: those that were answered, and the others.
func (c *Collector) addClient(s *service, f *Flow, a *annotate.Annotation, e *ends, b *Service, cl Client) {
	answered := min(cl.Answered, cl.Flows)
	if answered > 0 {
		f.times, f.Outcome = answered, annotate.Passed
		if b.Outcome == outcomeNames[worked] {
			f.Outcome = annotate.Answered
		}
		c.addTo(s, f, a, e, b.Role.Reason == "policy")
	}
	if answered < cl.Flows {
		f.times, f.Outcome = cl.Flows-answered, annotate.Attempted
		c.addTo(s, f, a, e, b.Role.Reason == "policy")
	}
}

func (c *Collector) addUnsided(p *Pair) error {
	a, err1 := netip.ParseAddr(p.A)
	b, err2 := netip.ParseAddr(p.B)
	protocol := numberOf(p.Transport)
	if err := cmp.Or(err1, err2); err != nil || protocol == 0 {
		return fmt.Errorf("pair %q, %q: an address or the transport is not known", p.A, p.B)
	}
	key := pair{a, b, protocol}
	u := c.pairs[key]
	if u == nil {
		if len(c.pairs) >= c.opt.MaxServices {
			c.losses.PairsNotKept += p.Flows
			return nil
		}
		u = &unsided{pair: key}
		c.pairs[key] = u
	}
	u.flows += p.Flows
	u.packets += p.Packets
	u.bytes += p.Bytes
	if p.Packets > 0 {
		u.counted += p.Flows
	}
	u.states.addCounts(p.States, p.Flows)
	u.first, u.last = widen(u.first, u.last, int64(p.First), int64(p.Last))
	for i, ports := range [][]uint16{p.PortsA, p.PortsB} {
		for _, port := range ports {
			if len(u.ports[i]) < maxPairPorts && !slices.Contains(u.ports[i], port) {
				u.ports[i] = append(u.ports[i], port)
			}
		}
	}
	return nil
}

func (c *Collector) addScanner(x *Scanner) error {
	addr, err := netip.ParseAddr(x.Address)
	if err != nil {
		return fmt.Errorf("scanner %q is no address", x.Address)
	}
	sc := c.scanners[addr]
	if sc == nil {
		sc = &scanner{addr: addr, servers: map[netip.Addr]struct{}{}, ports: map[portKey]struct{}{}}
		c.scanners[addr] = sc
	}
	// The same targets may have been tried in each window.
	sc.targets = max(sc.targets, x.Targets)
	sc.leastServers, sc.leastPorts = max(sc.leastServers, x.Servers), max(sc.leastPorts, x.Ports)
	sc.answered = max(sc.answered, x.Answered)
	sc.flows += x.Flows
	sc.states.addCounts(x.States, x.Flows)
	sc.first, sc.last = widen(sc.first, sc.last, int64(x.First), int64(x.Last))
	for _, text := range x.Samples {
		if k, ok := parseKey(text); ok && len(sc.samples) < maxSamples && !slices.Contains(sc.samples, k) {
			sc.samples = append(sc.samples, k)
		}
	}
	if x.Ignored {
		sc.ignored = sc.targets
	}
	return nil
}

// parseKey reads what Key.String writes.
func parseKey(text string) (k Key, ok bool) {
	i := strings.LastIndexByte(text, '/')
	if i < 0 {
		return k, false
	}
	at, err := netip.ParseAddrPort(text[:i])
	k = Key{at.Addr(), numberOf(text[i+1:]), at.Port()}
	return k, err == nil && k.Protocol != 0
}

// numberOf gives the IP protocol number of a transport; 0 if it is not known.
func numberOf(transport string) uint8 {
	n, _ := protocolOf(transport)
	return n
}

// Names of roles and verdicts are read again; what is not known is the zero value.
func reasonOf(name string) (r annotate.Reason) {
	for r = annotate.Reason(1); r < 64; r++ {
		if r.String() == name {
			return r
		}
	}
	return 0
}

func confidenceOf(name string) annotate.Confidence {
	for _, c := range []annotate.Confidence{annotate.Certain, annotate.Likely, annotate.Weak} {
		if c.String() == name {
			return c
		}
	}
	return annotate.NoConfidence
}

func verdictOf(name string) observe.Verdict {
	for v := observe.Verdict(0); v < observe.NumVerdicts; v++ {
		if v.String() == name {
			return v
		}
	}
	return observe.NoPayload
}

// gaps gives the time between the windows of reports that none of them covers, with
// the longest gaps in words.
func gaps(windows []Window) (missing time.Duration, words []string) {
	windows = slices.Clone(windows)
	slices.SortFunc(windows, func(a, b Window) int { return cmp.Compare(a.First, b.First) })
	var end Time
	for _, w := range windows {
		if w.First == 0 {
			continue
		}
		if end != 0 && w.First > end {
			gap := Window{end, w.First}
			missing += gap.Duration()
			words = append(words, fmt.Sprintf("%s (%s)", gap.Text(), Length(gap.Duration())))
		}
		end = max(end, w.Last)
	}
	return missing, words
}
