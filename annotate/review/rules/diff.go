package rules

import (
	"cmp"
	"net/netip"
	"slices"
)

// Two firewalls are compared by asking both about the same first packets. Which
// packets these are follows from the rules of both: at each port and each address at
// which some rule begins or ends to match, the answer may change, and nowhere else.

// Difference is what two firewalls decide differently.
type Difference struct {
	Hook     Hook
	Protocol uint8
	Ports    []Range
	// Servers and Clients are nil for all addresses. With Examples set, they are
	// examples: other addresses of the same rule may not differ.
	Servers, Clients []netip.Prefix
	Examples         bool
	In, Out          string // interfaces; "" for any, or none
	// Before and Now are the decisions of both, one of them Allow, the other Deny.
	Before, Now Decision
}

// Comparison is the result of Compare.
type Comparison struct {
	Differences []Difference
	// Asked counts the packets that were asked about, and Undecided those of which
	// one of the firewalls does not decide.
	Asked, Undecided int
	// Truncated is set if there was more to ask than maxAsked.
	Truncated bool
}

// Bounds of what is asked about.
const (
	maxAsked      = 400000
	maxSidePoints = 24 // addresses on one side of one rule
	maxPortPoints = 256
	maxNames      = 4 // of interfaces
)

// region is what one rule is about.
type region struct {
	hook Hook
	box  box
}

// Compare compares two firewalls for the transports with ports.
func Compare(before, now *Firewall) Comparison {
	d := differ{before: before, now: now, found: map[differenceKey]int{}}
	for _, fw := range []*Firewall{before, now} {
		for _, s := range fw.Sets {
			if r, ok := s.decider.(interface{ regions() []region }); ok {
				d.regions = append(d.regions, r.regions()...)
				continue
			}
			for i := range s.Openings {
				d.regions = append(d.regions, s.Openings[i].region())
			}
		}
	}
	d.findCuts()
	for i := range d.regions {
		d.ask(&d.regions[i])
	}
	slices.SortStableFunc(d.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Now.Verdict, b.Now.Verdict), cmp.Compare(a.Hook, b.Hook), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Ports[0].First, b.Ports[0].First))
	})
	for i := range d.Differences {
		x := &d.Differences[i]
		x.Ports, x.Servers, x.Clients = joinNeighbours(x.Ports), withoutContained(x.Servers), withoutContained(x.Clients)
	}
	return d.Comparison
}

// region gives what an opening is about.
func (o *Opening) region() region {
	b := everything()
	if !o.Any {
		b.protos = protocolSet{}
		b.protos[o.Protocol/64] |= 1 << (o.Protocol % 64)
	}
	b.ports = []Range{o.Ports}
	side := func(list []netip.Prefix) (terms []term) {
		for _, p := range list {
			terms = append(terms, prefixTerm(p))
		}
		return terms
	}
	b.servers, b.clients, b.in, b.out = side(o.Servers), side(o.Clients), o.In, o.Out
	return region{o.Hook, b}
}

// regions gives what the rules of all chains are about.
func (nf *netfilter) regions() (list []region) {
	for _, base := range nf.bases {
		if base.nat {
			continue
		}
		hooks := []Hook{base.stage.hook()}
		if hooks[0] == AnyHook {
			hooks = []Hook{Input, Forward}
		}
		seen := map[*chain]bool{}
		var visit func(c *chain)
		visit = func(c *chain) {
			if seen[c] {
				return
			}
			seen[c] = true
			for i := range c.links {
				boxes := []box{nf.all(base)}
				for _, s := range c.links[i].steps {
					switch {
					case s.cond != nil:
						boxes = s.cond.narrowAll(boxes)
					case s.byMap != nil:
						var next []box
						for j := range s.byMap.elements.all {
							el := &s.byMap.elements.all[j]
							for _, b := range boxes {
								next = append(next, s.byMap.narrowTo(b, el)...)
							}
							if el.verdict != nil && el.verdict.chain != nil {
								visit(el.verdict.chain)
							}
						}
						boxes = next
					case s.verdict != nil && s.verdict.chain != nil:
						visit(s.verdict.chain)
					}
				}
				for _, b := range boxes {
					for _, h := range hooks {
						list = append(list, region{h, b})
					}
				}
			}
		}
		visit(base)
		for _, h := range hooks {
			list = append(list, region{h, nf.all(base)}) // of the policy
		}
	}
	return list
}

// regions gives what the rules are about.
func (d *pfDecider) regions() []region {
	list := []region{{Input, everything()}, {Forward, everything()}, {Output, everything()}}
	for i := range d.rules {
		boxes := []box{everything()}
		for j := range d.rules[i].conds {
			boxes = d.rules[i].conds[j].narrowAll(boxes)
		}
		for _, b := range boxes {
			for _, h := range []Hook{Input, Forward, Output} {
				list = append(list, region{h, b})
			}
		}
	}
	return list
}

// differ compares two firewalls.
type differ struct {
	Comparison
	before, now *Firewall
	regions     []region
	// Where rules begin and end to match, in order.
	ports            []uint16
	servers, clients []netip.Addr
	ins, outs        []string
	protocols        []uint8
	found            map[differenceKey]int // places in Differences
}

// findCuts finds where the answers may change.
func (d *differ) findCuts() {
	d.ports = []uint16{0}
	d.servers, d.clients = slices.Clone(elsewhere[:]), slices.Clone(elsewhere[:])
	d.ins, d.outs = []string{otherInterface}, []string{otherInterface}
	d.protocols = []uint8{protoTCP, protoUDP}
	for i := range d.regions {
		b := &d.regions[i].box
		for _, r := range b.ports {
			d.ports = append(d.ports, r.First)
			if r.Last < 65535 {
				d.ports = append(d.ports, r.Last+1)
			}
		}
		for _, side := range []struct {
			terms []term
			to    *[]netip.Addr
		}{{b.servers, &d.servers}, {b.clients, &d.clients}} {
			for _, t := range side.terms {
				*side.to = append(*side.to, t.lo.addr)
				if next := t.hi.addr.Next(); next.IsValid() {
					*side.to = append(*side.to, next)
				}
			}
		}
		if b.in != "" && !slices.Contains(d.ins, b.in) {
			d.ins = append(d.ins, b.in)
		}
		if b.out != "" && !slices.Contains(d.outs, b.out) {
			d.outs = append(d.outs, b.out)
		}
		for _, p := range []uint8{protoSCTP, protoDCCP, protoUDPLite} {
			if b.protos.has(p) && b.protos != everything().protos && !slices.Contains(d.protocols, p) {
				d.protocols = append(d.protocols, p)
			}
		}
	}
	slices.Sort(d.ports)
	d.ports = slices.Compact(d.ports)
	for _, list := range []*[]netip.Addr{&d.servers, &d.clients} {
		slices.SortFunc(*list, netip.Addr.Compare)
		*list = slices.Compact(*list)
	}
}

// elsewhere are addresses that few rules name, in both versions, and
// otherInterface is an interface that none does.
var elsewhere = [2]netip.Addr{netip.MustParseAddr("1.2.3.4"), netip.MustParseAddr("2a00:1:2:3::4")}

const otherInterface = "?other"

// points gives the addresses of a side at which the answer may change.
func points(terms []term, cuts []netip.Addr, v4 bool) (list []netip.Addr, whole bool) {
	inside := func(a netip.Addr) bool {
		return terms == nil || slices.ContainsFunc(terms, func(t term) bool { return t.lo.addr.Compare(a) <= 0 && a.Compare(t.hi.addr) <= 0 })
	}
	for _, t := range terms { // they come first, whatever the bound
		if t.lo.addr.Is4() == v4 {
			list = append(list, t.lo.addr)
		}
	}
	if terms == nil {
		list = append(list, elsewhere[map[bool]int{true: 0, false: 1}[v4]])
	}
	for _, a := range cuts {
		if a.Is4() == v4 && inside(a) && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	if len(list) > maxSidePoints {
		return list[:maxSidePoints], false
	}
	return list, true
}

// namesOf gives the interfaces to ask about.
func namesOf(one string, all []string) []string {
	if one != "" {
		return []string{one}
	}
	return all[:min(len(all), maxNames)]
}

// ask asks about the packets of a region.
func (d *differ) ask(r *region) {
	b := &r.box
	ins, outs := namesOf(b.in, d.ins), namesOf(b.out, d.outs)
	switch r.hook {
	case Input:
		outs = []string{""}
	case Output:
		ins = []string{""}
	case AnyHook:
		ins, outs = []string{""}, []string{""}
	}
	for _, v4 := range []bool{true, false} {
		if v4 && !b.v4 || !v4 && !b.v6 {
			continue
		}
		servers, all1 := points(b.servers, d.servers, v4)
		clients, all2 := points(b.clients, d.clients, v4)
		if !all1 || !all2 {
			d.Truncated = true
		}
		for _, p := range d.protocols {
			if !b.protos.has(p) {
				continue
			}
			for _, ports := range d.portsOf(b) {
				for _, in := range ins {
					for _, out := range outs {
						d.askAt(r, Flow{Protocol: p, ServerPort: ports.First, Hook: r.hook, In: in, Out: out}, ports, servers, clients)
						if d.Truncated && d.Asked > maxAsked {
							return
						}
					}
				}
			}
		}
	}
}

// portsOf gives the ranges of ports between which the answer may change.
func (d *differ) portsOf(b *box) (list []Range) {
	for _, r := range b.ports {
		from, _ := slices.BinarySearch(d.ports, r.First)
		for i := from; i < len(d.ports) && d.ports[i] <= r.Last; i++ {
			last := r.Last
			if i+1 < len(d.ports) && d.ports[i+1]-1 < last {
				last = d.ports[i+1] - 1
			}
			if len(list) == maxPortPoints {
				d.Truncated = true
				return list
			}
			list = append(list, Range{d.ports[i], last})
		}
	}
	return list
}

// differenceKey is what packets share that are one difference: the rules, or the
// policies, that decide.
type differenceKey struct {
	hook        Hook
	protocol    uint8
	before, now *Rule
	allowed     bool
	why         string
}

// askAt asks about packets to some ports between some addresses.
func (d *differ) askAt(r *region, f Flow, ports Range, servers, clients []netip.Addr) {
	type found struct {
		before, now      Decision
		servers, clients []netip.Addr
		count            int
	}
	var all []*found
	for _, s := range servers {
		for _, c := range clients {
			if d.Asked++; d.Asked > maxAsked {
				d.Truncated = true
				return
			}
			f.Server, f.Client = s, c
			before, now := d.before.Decide(&f), d.now.Decide(&f)
			switch {
			case before.Verdict == Unknown || now.Verdict == Unknown:
				d.Undecided++
				continue
			case before.Verdict == now.Verdict:
				continue
			}
			i := slices.IndexFunc(all, func(x *found) bool {
				return x.before.Rule == before.Rule && x.now.Rule == now.Rule && x.now.Verdict == now.Verdict
			})
			if i < 0 {
				i = len(all)
				all = append(all, &found{before: before, now: now})
			}
			x := all[i]
			x.count++
			if !slices.Contains(x.servers, s) {
				x.servers = append(x.servers, s)
			}
			if !slices.Contains(x.clients, c) {
				x.clients = append(x.clients, c)
			}
		}
	}
	for _, x := range all {
		n := Difference{Hook: f.Hook, Protocol: f.Protocol, In: f.In, Out: f.Out, Before: x.before, Now: x.now}
		if n.In == otherInterface {
			n.In = ""
		}
		if n.Out == otherInterface {
			n.Out = ""
		}
		n.Examples = x.count < len(x.servers)*len(x.clients)
		var ok1, ok2 bool
		n.Servers, ok1 = sideOf(x.servers, servers, &r.box, r.box.servers, d.servers)
		n.Clients, ok2 = sideOf(x.clients, clients, &r.box, r.box.clients, d.clients)
		n.Examples = n.Examples || !ok1 || !ok2
		d.keep(n, ports)
	}
}

// sideOf gives the addresses of one side that some points stand for: all of the
// rule's if they are all, else what is between each and the next cut. whole is false
// if one stands for more than it says.
func sideOf(some, all []netip.Addr, b *box, terms []term, cuts []netip.Addr) (list []netip.Prefix, whole bool) {
	if len(some) == len(all) {
		return b.addresses(terms), true
	}
	whole = true
	for _, a := range some {
		last := a
		if !slices.Contains(elsewhere[:], a) {
			last = lastBefore(a, terms, cuts)
		}
		part := appendPrefixes(nil, a, last)
		if len(part) > 16 || last == a && slices.Contains(elsewhere[:], a) {
			part, whole = []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, false
		}
		list = append(list, part...)
	}
	return sortPrefixes(list), whole
}

// lastBefore gives the last address that is like a: no rule begins or ends to match
// between them.
func lastBefore(a netip.Addr, terms []term, cuts []netip.Addr) netip.Addr {
	last := lastAddr(netip.PrefixFrom(a, 0))
	for _, t := range terms {
		if t.lo.addr.Compare(a) <= 0 && a.Compare(t.hi.addr) <= 0 && t.hi.addr.Less(last) {
			last = t.hi.addr
		}
	}
	if i, found := slices.BinarySearchFunc(cuts, a, netip.Addr.Compare); found && i+1 < len(cuts) && cuts[i+1].Is4() == a.Is4() && cuts[i+1].Prev().Less(last) {
		last = cuts[i+1].Prev()
	}
	return last
}

// keep adds a difference, or makes one that has the same rules greater.
func (d *differ) keep(n Difference, ports Range) {
	key := differenceKey{n.Hook, n.Protocol, n.Before.Rule, n.Now.Rule, n.Now.Verdict == Allow, n.Before.Why + n.Now.Why}
	i, ok := d.found[key]
	if !ok {
		n.Ports = []Range{ports}
		d.found[key] = len(d.Differences)
		d.Differences = append(d.Differences, n)
		return
	}
	x := &d.Differences[i]
	if !slices.Contains(x.Ports, ports) {
		x.Ports = append(x.Ports, ports)
	}
	if x.In != n.In {
		x.In = ""
	}
	if x.Out != n.Out {
		x.Out = ""
	}
	switch {
	case x.Examples && !n.Examples: // all of a rule is better than examples of it
		x.Servers, x.Clients, x.Examples = n.Servers, n.Clients, false
	case x.Examples == n.Examples:
		x.Servers, x.Clients = joinSides(x.Servers, n.Servers), joinSides(x.Clients, n.Clients)
	}
}

// joinSides joins two lists of addresses, of which nil is all.
func joinSides(a, b []netip.Prefix) []netip.Prefix {
	if a == nil || b == nil {
		return nil
	}
	return sortPrefixes(slices.Concat(a, b))
}

// withoutContained leaves out what lies in another prefix of an ordered list.
func withoutContained(list []netip.Prefix) (out []netip.Prefix) {
	for _, p := range list {
		if n := len(out); n == 0 || !out[n-1].Overlaps(p) {
			out = append(out, p)
		}
	}
	return out
}

// joinNeighbours orders ranges and joins those that overlap or follow each other.
func joinNeighbours(ranges []Range) []Range {
	ranges = joinPorts(ranges)
	joined := ranges[:0]
	for _, r := range ranges {
		if n := len(joined); n > 0 && int(joined[n-1].Last)+1 == int(r.First) {
			joined[n-1].Last = r.Last
			continue
		}
		joined = append(joined, r)
	}
	return joined
}
