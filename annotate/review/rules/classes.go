package rules

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// Very many flows are alike to a firewall: they differ in addresses and ports that no
// rule tells apart. So the address space and the ports are cut at all places where the
// answer to anything that the rules may ask changes. What lies between two cuts is
// decided alike.

// Classes sort flows: rules decide alike on all flows of one [Class].
type Classes struct {
	v4             []uint32  // where the intervals of addresses begin, from 0 on
	v6             []bits128 // likewise
	client, server []uint16  // for each port, which interval of ports it is in
}

// Class stands for all flows on which rules decide alike. It can be compared, with
// classes of the same Classes.
type Class struct {
	ends uint64 // intervals of the client's and the server's address
	rest uint64 // intervals of the ports, protocol, hook, and whether the ends are one
}

// bits128 is an address of IPv6 as a number.
type bits128 struct{ hi, lo uint64 }

func wide(a netip.Addr) bits128 {
	b := a.As16()
	return bits128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (b bits128) compare(c bits128) int {
	return cmp.Or(cmp.Compare(b.hi, c.hi), cmp.Compare(b.lo, c.lo))
}

// Classes gives the classes of flows that Decide and the openings of the sets tell
// apart, and also the addresses and the ports of servers that are given. It is nil if
// there are rules on bits of addresses or ports that no intervals describe.
func (fw *Firewall) Classes(addrs []netip.Prefix, ports []Range) *Classes {
	c := newCuts()
	c.prefixes(addrs)
	for _, r := range ports {
		c.server.cut(uint64(r.First), uint64(r.Last))
	}
	for _, s := range fw.Sets {
		if s.decider != nil {
			s.decider.cut(c)
		}
		for i := range s.Openings {
			o := &s.Openings[i]
			c.prefixes(o.Servers)
			c.prefixes(o.Clients)
			c.server.cut(uint64(o.Ports.First), uint64(o.Ports.Last))
		}
	}
	return c.classes()
}

// Of gives the class of a flow. ok is false for a flow that has none, because one of
// its addresses is not valid or in a zone, or because it names interfaces.
func (c *Classes) Of(f *Flow) (class Class, ok bool) {
	client, server := f.Client.Unmap(), f.Server.Unmap()
	if !client.IsValid() || !server.IsValid() || client.Zone() != "" || server.Zone() != "" || f.In != "" || f.Out != "" {
		return class, false
	}
	class.ends = uint64(c.interval(client))<<32 | uint64(c.interval(server))
	class.rest = uint64(c.client[f.ClientPort])<<48 | uint64(c.server[f.ServerPort])<<32 | uint64(f.Protocol)<<16 | uint64(f.Hook)<<8
	if client == server {
		class.rest |= 1
	}
	return class, true
}

// interval numbers the intervals of addresses, those of IPv4 first.
func (c *Classes) interval(a netip.Addr) int {
	if a.Is4() {
		b := a.As4()
		return last(c.v4, binary.BigEndian.Uint32(b[:]), cmp.Compare)
	}
	return len(c.v4) + last(c.v6, wide(a), bits128.compare)
}

// last finds the last of the ordered beginnings that is not above x.
func last[T any](begins []T, x T, compare func(a, b T) int) int {
	i, n := 0, len(begins)
	for n > 1 {
		half := n / 2
		if compare(begins[i+half], x) <= 0 {
			i += half
		}
		n -= half
	}
	return i
}

// cuts are the places where what rules may ask of a flow changes.
type cuts struct {
	v4             []uint32
	v6             []bits128
	client, server portCuts
	opaque         bool // something else than intervals is asked for
}

// portCuts has the ports at which an interval begins.
type portCuts [1 << 16]bool

// special are the networks that deciders know without rules: multicast with its
// scopes, loopback, link-local, private, and single addresses.
var special = []string{
	"0.0.0.0/32", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
	"224.0.0.0/4", "224.0.0.0/24", "224.0.0.1/32", "255.255.255.255/32",
	"::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8", "ff01::1/128", "ff02::1/128",
}

func newCuts() *cuts {
	c := &cuts{v4: []uint32{0}, v6: []bits128{{}}}
	for _, text := range special {
		c.prefix(netip.MustParsePrefix(text))
	}
	for flags := range uint64(16) { // ff01::/16, ff11::/16 and so on: scopes of interface and link
		for scope := uint64(1); scope <= 3; scope++ {
			c.v6 = append(c.v6, bits128{hi: (0xff00 | flags<<4 | scope) << 48})
		}
	}
	c.client.cut(0, 0) // port 0 is one that is not known
	c.server.cut(0, 0)
	return c
}

func (c *cuts) classes() *Classes {
	if c.opaque {
		return nil
	}
	slices.Sort(c.v4)
	slices.SortFunc(c.v6, bits128.compare)
	return &Classes{
		v4: slices.Clip(slices.Compact(c.v4)), v6: slices.Clip(slices.Compact(c.v6)),
		client: c.client.intervals(), server: c.server.intervals(),
	}
}

// addrs cuts around the addresses from lo to hi, which are of one version.
func (c *cuts) addrs(lo, hi netip.Addr) {
	if lo.Is4() != hi.Is4() {
		c.opaque = true
		return
	}
	after := hi.Next() // not valid behind the last one
	if lo.Is4() {
		a := lo.As4()
		c.v4 = append(c.v4, binary.BigEndian.Uint32(a[:]))
		if after.IsValid() {
			a = after.As4()
			c.v4 = append(c.v4, binary.BigEndian.Uint32(a[:]))
		}
		return
	}
	c.v6 = append(c.v6, wide(lo))
	if after.IsValid() {
		c.v6 = append(c.v6, wide(after))
	}
}

func (c *cuts) addr(a netip.Addr) {
	if a.IsValid() {
		c.addrs(a, a)
	}
}

func (c *cuts) prefix(p netip.Prefix) {
	if p.IsValid() {
		c.addrs(p.Masked().Addr(), lastAddr(p))
	}
}

func (c *cuts) prefixes(all []netip.Prefix) {
	for _, p := range all {
		c.prefix(p)
	}
}

// cut cuts around the ports from first to last.
func (p *portCuts) cut(first, last uint64) {
	if first < uint64(len(p)) {
		p[first] = true
	}
	if last+1 < uint64(len(p)) {
		p[last+1] = true
	}
}

func (p *portCuts) intervals() []uint16 {
	list, n := make([]uint16, len(p)), uint16(0)
	for port := range p {
		if port > 0 && p[port] {
			n++
		}
		list[port] = n
	}
	return list
}

// condition cuts where the truth of a match changes.
func (c *cuts) condition(x *condition) {
	if x == nil || x.known || x.elements == nil {
		return
	}
	for i := range x.exprs {
		e := &x.exprs[i]
		var ports *portCuts
		switch e.field {
		case sourceField, destinationField, originalSourceField, originalDestinationField:
		case sourcePortField:
			ports = &c.client
		case destinationPortField, originalDestinationPortField:
			ports = &c.server
		default:
			continue
		}
		c.opaque = c.opaque || len(e.ops) > 0
		for j := range x.elements.all {
			if terms := x.elements.all[j].terms; i < len(terms) {
				c.term(&terms[i], ports)
			}
		}
	}
}

// term cuts around a term for a port, or, without ports, for an address.
func (c *cuts) term(t *term, ports *portCuts) {
	switch {
	case t.any:
	case ports != nil && t.mask != 0:
		c.opaque = true
	case ports != nil && t.lo.kind == numberValue:
		ports.cut(t.lo.n, t.hi.n)
	case ports == nil && t.lo.kind == addressValue:
		c.addrs(t.lo.addr, t.hi.addr)
	}
}

func (c *cuts) conditions(all []condition) {
	for i := range all {
		c.condition(&all[i])
	}
}

func (c *cuts) move(m *move) {
	if m == nil {
		return
	}
	c.addr(m.addr)
	c.server.cut(uint64(m.port), uint64(m.port))
}

// chain cuts for a chain and those to which it jumps.
func (c *cuts) chain(ch *chain, seen map[*chain]bool) {
	if ch == nil || seen[ch] {
		return
	}
	seen[ch] = true
	verdict := func(v *verdict) {
		if v != nil {
			c.move(v.move)
			c.chain(v.chain, seen)
		}
	}
	for i := range ch.links {
		for _, s := range ch.links[i].steps {
			c.condition(s.cond)
			c.condition(s.byMap)
			c.move(s.move)
			verdict(s.verdict)
			if s.byMap == nil {
				continue
			}
			for j := range s.byMap.elements.all {
				verdict(s.byMap.elements.all[j].verdict)
			}
		}
	}
}

func (c *cuts) places(p *places) {
	c.prefixes(p.local)
	for i := range p.interfaces {
		x := &p.interfaces[i]
		for _, a := range x.Addrs {
			c.addr(a)
		}
		c.prefixes(x.Networks)
		for _, n := range x.Networks {
			c.addr(lastAddr(n)) // the broadcast address
		}
	}
}

func (nf *netfilter) cut(c *cuts) {
	c.places(&nf.places)
	seen := map[*chain]bool{}
	for _, base := range nf.bases {
		c.chain(base, seen)
	}
	for _, a := range nf.targets {
		c.addr(a)
	}
}

func (d *pfDecider) cut(c *cuts) {
	c.places(&d.places)
	for i := range d.rules {
		r := &d.rules[i]
		c.conditions(r.conds)
		c.move(r.move)
		c.addr(r.from)
	}
}

func (d *aclDecider) cut(c *cuts) {
	seen := map[*chain]bool{}
	for _, a := range d.acls {
		c.chain(a.in, seen)
		c.chain(a.out, seen)
	}
	for a := range d.of {
		c.addr(a)
	}
	for _, list := range d.subnets {
		c.prefixes(list)
	}
	// Lists are asked about the answers too, whose ports are the other way round.
	for port := range c.client {
		both := c.client[port] || c.server[port]
		c.client[port], c.server[port] = both, both
	}
}

// group cuts for what a group grants. Who is a member of what is cut for elsewhere.
func (c *cuts) group(g *group) {
	if g == nil {
		return
	}
	for i := range g.grants {
		gr := &g.grants[i]
		c.server.cut(uint64(gr.ports.First), uint64(gr.ports.Last))
		for j := range gr.peers {
			c.prefix(gr.peers[j].cidr)
			c.prefixes(gr.peers[j].except)
		}
	}
}

func (d *awsDecider) cut(c *cuts) {
	for _, groups := range []map[string]*group{d.ingress, d.egress} {
		for _, g := range groups {
			c.group(g)
		}
	}
	for _, members := range []map[netip.Addr][]string{d.members, d.private} {
		for a := range members {
			c.addr(a)
		}
	}
	for a := range awsUnfiltered {
		c.addr(a)
	}
}

func (d *kubeDecider) cut(c *cuts) {
	for _, p := range d.policies {
		c.group(p.ingress)
		c.group(p.egress)
	}
	for a, pod := range d.pods {
		c.addr(a)
		c.addr(pod.node)
		c.prefix(podNetwork(a))
		for _, p := range pod.ports {
			c.server.cut(uint64(p.port), uint64(p.port))
		}
	}
	for _, all := range []map[netip.Addr]bool{d.hosts, d.services} {
		for a := range all {
			c.addr(a)
		}
	}
}
