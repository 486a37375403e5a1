package rules

import (
	"net/netip"
	"slices"
	"strings"
)

// Access lists see the destination behind translation. A static translation of one
// host is followed. Where others may lead is not known, and so is what depends on it.

// asaNAT is a translation of destinations, as packets from one interface meet it.
type asaNAT struct {
	asaLine
	from   string  // the interface; "" for any
	seen   asaSide // the addresses that packets have before
	proto  []uint64
	port   []term
	to     *move
	object bool // of an object: after those that stand for themselves
	late   bool // after-auto
}

// pair reads "(inside,outside)".
func (r *asaReader) pair() (real, mapped string) {
	text := strings.Trim(r.peek(), "()")
	if !strings.HasPrefix(r.peek(), "(") {
		return "any", "any"
	}
	r.at++
	real, mapped, _ = strings.Cut(text, ",")
	return real, mapped
}

func anyInterface(name string) string {
	if name == "any" {
		return ""
	}
	return name
}

// objectNAT reads how an object is translated. Only a static translation lets
// others reach it by another address.
func (r *asaReader) objectNAT(object string) {
	n := asaNAT{asaLine: r.here(), object: true, to: &move{unknown: true}}
	_, mapped := r.pair()
	n.from = anyInterface(mapped)
	if !r.take("static") {
		return
	}
	if w := r.next(); w == "interface" {
		n.seen = r.ownAddresses(mapped)
	} else if s, ok := r.objects[w]; ok {
		n.seen = s
	} else {
		n.seen = r.network(w, "")
	}
	real := r.objects[object]
	single := len(real.terms) == 1 && !real.unsure && real.terms[0].lo == real.terms[0].hi
	if len(real.terms) == 1 && !single && len(n.seen.terms) == 1 { // as many addresses as the object has
		n.seen.terms[0] = grown(n.seen.terms[0], real.terms[0])
	}
	port := uint16(0)
	known := true
	if i := slices.Index(r.words, "service"); i >= 0 && i+3 < len(r.words) {
		n.proto, _ = namedProtocols(r.words[i+1])
		seen, ok := r.port(r.words[i+3], first(n.proto))
		n.port = []term{{lo: number(uint64(seen)), hi: number(uint64(seen))}}
		port, known = r.port(r.words[i+2], first(n.proto))
		if known = known && ok; !known {
			n.port = nil
		}
	}
	if single && known {
		n.to = &move{addr: real.terms[0].lo.addr, port: port}
	}
	r.nats = append(r.nats, n)
}

// grown gives the range that begins with t and has as many addresses as like.
func grown(t, like term) term {
	if t.lo != t.hi || !t.lo.addr.Is4() || !like.lo.addr.Is4() {
		return t
	}
	lo, hi, at := like.lo.addr.As4(), like.hi.addr.As4(), t.lo.addr.As4()
	for i := range at {
		at[i] |= lo[i] ^ hi[i]
	}
	return term{lo: t.lo, hi: address(netip.AddrFrom4(at))}
}

// ownAddresses gives those of an interface; the zero side may have any.
func (r *asaReader) ownAddresses(name string) asaSide {
	var s asaSide
	for i := range r.ports {
		if r.ports[i].name == name || name == "any" && r.ports[i].name != "" {
			for _, n := range r.ports[i].nets {
				s.terms = append(s.terms, single(address(n.Addr())))
			}
		}
	}
	s.unsure = len(s.terms) == 0
	return s
}

// translation reads a line of its own: "nat (a,b) source static A B destination
// static C D", and static of versions before 8.3.
func (r *asaReader) translation(word string) {
	n := asaNAT{asaLine: r.here(), to: &move{unknown: true}}
	a, b := r.pair()
	if word == "static" {
		if r.peek() == "tcp" || r.peek() == "udp" {
			r.at++
		}
		if w := r.next(); w == "interface" {
			n.seen.unsure = true
		} else {
			mask := "255.255.255.255"
			if i := slices.Index(r.words, "netmask"); i >= 0 && i+1 < len(r.words) {
				mask = r.words[i+1]
			}
			n.seen = r.network(w, mask)
		}
		n.from = anyInterface(b)
		r.nats = append(r.nats, n)
		return
	}
	n.late = r.take("after-auto")
	i, j := slices.Index(r.words, "source"), slices.Index(r.words, "destination")
	if slices.Contains(r.words, "inactive") {
		return
	}
	if i > 0 && i+3 < len(r.words) && r.words[i+1] == "static" && r.words[i+2] != r.words[i+3] && !slices.Contains(r.words, "unidirectional") {
		back := n
		back.from, back.seen = anyInterface(b), r.namedSide(r.words[i+3], b)
		r.nats = append(r.nats, back)
	}
	if j > 0 && j+3 < len(r.words) && (r.words[j+2] != r.words[j+3] || slices.Contains(r.words, "service")) {
		there := n
		there.from, there.seen = anyInterface(a), r.namedSide(r.words[j+2], a)
		r.nats = append(r.nats, there)
	}
}

// namedSide gives the addresses of an object, a group, an interface or everything.
func (r *asaReader) namedSide(name, iface string) asaSide {
	switch s, ok := r.objects[name]; {
	case ok:
		return s
	case name == "interface":
		return r.ownAddresses(iface)
	case name == "any":
		return asaSide{unsure: true}
	}
	return r.network(name, "")
}

// translations makes the chain that translates destinations.
func (r *asaReader) translations() {
	if len(r.nats) == 0 {
		return
	}
	rank := func(n *asaNAT) int {
		switch {
		case n.late:
			return 2
		case n.object:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(r.nats, func(a, b asaNAT) int { return rank(&a) - rank(&b) })
	c := &chain{name: "nat", stage: preroutingStage, nat: true, priority: -100}
	for i := range r.nats {
		n := &r.nats[i]
		rule := &Rule{File: r.file, Line: n.line, ID: clip(n.text), Chain: "nat", Text: clip(n.text)}
		r.rules = append(r.rules, rule)
		if n.to.unknown {
			r.note(rule, n.line, n.text, "where it translates destinations to is not followed")
		}
		var steps []step
		if n.from != "" {
			steps = append(steps, step{cond: oneOf(inField, single(words(n.from)))})
		}
		seen := n.seen.condition(destinationField, n.text)
		steps = append(steps, step{cond: seen})
		if n.proto != nil {
			for _, cond := range conditions(combine(n.proto, nil, n.port, false)) {
				steps = append(steps, step{cond: cond})
			}
		}
		c.links = append(c.links, link{rule: rule, steps: append(steps, step{verdict: &verdict{kind: acceptVerdict, move: n.to}})})
	}
	r.nf.bases = append(r.nf.bases, c)
	r.nf.findTargets()
}

// bypass makes rules for what comes out of a VPN, which passes without being asked of
// access lists unless the configuration says so. Whether a packet does is not known.
func (r *asaReader) bypass() (all []link) {
	if r.vpnAsked {
		return nil
	}
	add := func(l asaLine, steps []step) {
		rule := &Rule{File: r.file, Line: l.line, ID: clip(l.text), Chain: "vpn", Text: clip(l.text)}
		maybe := &condition{known: true, truth: maybe, stated: "packets that come out of a VPN pass"}
		all = append(all, link{rule: rule, steps: append(steps, step{cond: maybe}, step{verdict: &verdict{kind: acceptVerdict}})})
	}
	for _, v := range r.vpns {
		l := r.lists[v.words[6]]
		if l == nil {
			continue
		}
		for _, e := range l.entries { // they are written for the way out
			r.use(e)
			r.at = 2
			if r.take("extended"); !r.take("permit") {
				continue
			}
			r.next()
			rule := &Rule{}
			r.rule, r.steps = rule, nil
			r.side(destinationField)
			r.portsOf(protoTCP)
			r.side(sourceField)
			steps := r.steps
			r.rule, r.steps = nil, nil
			add(v, steps)
		}
	}
	for _, p := range r.pools {
		add(p.asaLine, []step{{cond: oneOf(sourceField, p.term)}})
	}
	return all
}
