package review

import (
	"cmp"
	"net/netip"
	"slices"
)

// scanner is a client that tried very many services in vain.
type scanner struct {
	addr     netip.Addr
	targets  uint64 // services tried in vain
	answered uint64 // services that answered
	ignored  uint64 // of targets, those that the policy ignores
	flows    uint64 // to services that are folded
	more     uint64 // of these, flows that came when the services were folded already
	first    int64
	last     int64
	states   states
	servers  map[netip.Addr]struct{}
	ports    map[portKey]struct{}
	samples  []Key
	found    bool // there is a finding about it
	// Of merged reports, the greatest numbers of servers and ports.
	leastServers, leastPorts int
}

// maxSamples bounds the targets that are kept of a scanner, and maxScanned its
// servers and ports, beyond which they are "more than".
const (
	maxSamples = 5
	maxScanned = 1 << 16
)

// add counts one more probe of a client whose targets are folded already.
func (sc *scanner) add(f *Flow) {
	sc.flows++
	sc.more++
	sc.states.add(f)
	sc.first, sc.last = widen(sc.first, sc.last, f.Start, f.Last)
}

// fold takes a service in that the scanner tried in vain.
func (sc *scanner) fold(s *service, flows uint64) {
	sc.targets++
	if s.expect.onlyIgnored() {
		sc.ignored++
	}
	sc.flows += flows
	sc.first, sc.last = widen(sc.first, sc.last, s.first, s.last)
	if len(sc.servers) < maxScanned {
		sc.servers[s.key.Server] = struct{}{}
	}
	if len(sc.ports) < maxScanned {
		sc.ports[portKey{s.key.Protocol, s.key.Port}] = struct{}{}
	}
	if len(sc.samples) < maxSamples {
		sc.samples = append(sc.samples, s.key)
	}
	if len(s.clients.list) == 1 {
		for st, n := range s.states {
			sc.states[st] += n
		}
	}
}

// probed counts, for one client, the services that it tried in vain and those
// that answered it.
type probed struct{ vain, answered uint64 }

// findScanners gives the clients that tried very many services in vain.
func (c *Collector) findScanners() map[netip.Addr]probed {
	all := map[netip.Addr]probed{}
	for addr, sc := range c.scanners {
		all[addr] = probed{vain: sc.targets}
	}
	c.each(func(s *service) {
		for i := range s.clients.list {
			if cl := &s.clients.list[i]; cl.worked == 0 {
				p := all[cl.addr]
				p.vain++
				all[cl.addr] = p
			}
		}
	})
	for addr, p := range all {
		if p.vain < uint64(c.opt.ScanTargets) {
			delete(all, addr)
		}
	}
	if len(all) == 0 {
		return all
	}
	c.each(func(s *service) {
		for i := range s.clients.list {
			if cl := &s.clients.list[i]; cl.worked > 0 {
				if p, ok := all[cl.addr]; ok {
					p.answered++
					all[cl.addr] = p
				}
			}
		}
	})
	for addr, p := range all {
		if p.answered*scanRatio > p.vain {
			delete(all, addr)
		}
	}
	return all
}

// sweep folds the services that only scanners tried, and says for all of them
// who their scanners are. It is called when there is no more room, and at the
// end.
func (c *Collector) sweep() {
	found := c.findScanners()
	for addr, p := range found {
		sc := c.scanners[addr]
		if sc == nil {
			sc = &scanner{addr: addr, servers: map[netip.Addr]struct{}{}, ports: map[portKey]struct{}{}}
			c.scanners[addr] = sc
		}
		sc.answered = p.answered
	}
	if len(c.scanners) == 0 {
		c.full = true
		return
	}
	before := c.services
	// In their order, so that the samples do not depend on that of the map.
	for _, s := range c.sorted(c.onlyScanned) {
		for i := range s.clients.list {
			cl := &s.clients.list[i]
			c.scanners[cl.addr].fold(s, uint64(cl.flows))
		}
		c.clientRoom += len(s.clients.list)
		c.free = append(c.free, s.number)
		s.place = place{}
		c.services--
	}
	c.reindex(len(c.index.slots))
	// When little was gained there is no use in trying again soon.
	c.full = before-c.services < c.opt.MaxServices/8
}

// onlyScanned reports a service that nobody but scanners tried, in vain, and
// that nothing expects.
func (c *Collector) onlyScanned(s *service) bool {
	if !s.clients.exact() || s.states.sum(worked) > 0 || s.expect.flows[expected]+s.expect.flows[expired] > 0 {
		return false
	}
	return !slices.ContainsFunc(s.clients.list, func(cl client) bool {
		return cl.worked > 0 || c.scanners[cl.addr] == nil
	})
}

// sortedScanners lists the scanners, those of the most targets first.
func (c *Collector) sortedScanners() []*scanner {
	var list []*scanner
	for _, sc := range c.scanners {
		list = append(list, sc)
	}
	slices.SortFunc(list, func(a, b *scanner) int {
		return cmp.Or(cmp.Compare(b.targets, a.targets), a.addr.Compare(b.addr))
	})
	return list
}
