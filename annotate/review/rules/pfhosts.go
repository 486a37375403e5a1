package rules

import (
	"net/netip"
	"strconv"
	"strings"
)

// side reads hosts and ports of one end.
func (r *pfReader) side(host, port expr) {
	if r.peek() != "port" {
		r.hosts(host)
	}
	if r.take("port") {
		r.ports(port)
	}
	if r.take("os") {
		r.unclear("os "+strings.Join(r.list(), " "), "no flow tells")
	}
}

// hosts reads addresses: a list of which any may match.
func (r *pfReader) hosts(x expr) {
	braces := r.take("{")
	var all []condition
	for {
		not := r.take("!")
		all = append(all, r.host(x, not))
		if !braces {
			break
		}
		r.take(",")
		if r.take("}") || r.at >= len(r.words) {
			break
		}
	}
	if len(all) == 1 {
		if c := all[0]; !c.known || c.truth != always {
			r.conds = append(r.conds, c)
		}
		return
	}
	joined := condition{exprs: []expr{x}, elements: new(elements)}
	for _, c := range all {
		switch {
		case c.known && c.truth == always:
			return
		case c.known && c.truth == maybe:
			r.conds = append(r.conds, c)
			return
		case c.not:
			r.unclear("a list with an exception", "list of addresses")
			return
		case !c.known:
			joined.elements.all = append(joined.elements.all, c.elements.all...)
		}
	}
	joined.elements.order()
	r.conds = append(r.conds, joined)
}

// host reads one address. What is not understood may match.
func (r *pfReader) host(x expr, not bool) condition {
	one := func(t term) condition {
		return condition{exprs: []expr{x}, elements: &elements{all: []element{{terms: []term{t}}}}, not: not}
	}
	vague := func(text, reason string) condition {
		r.note(r.rule, r.line, text, reason)
		return condition{known: true, truth: maybe, stated: clip(text)}
	}
	switch w := r.next(); w {
	case "any":
		return condition{known: true, truth: truth(!not)}
	case "no-route":
		r.rule.Assumes = trueSource
		return condition{known: true, truth: truth(not)}
	case "urpf-failed":
		r.rule.Assumes = trueSource
		return condition{known: true, truth: truth(not)}
	case "self":
		if c, ok := selfCondition(x, r.d.places.local, not); ok {
			return c
		}
		return vague("self", "the firewall's own addresses are not given")
	case "<":
		name := r.next()
		r.take(">")
		list, ok := r.tables[name]
		if !ok {
			return vague("<"+name+">", "the table is not given")
		}
		c := condition{exprs: []expr{x}, elements: new(elements), not: not}
		for _, p := range list {
			c.elements.all = append(c.elements.all, element{terms: []term{prefixTerm(p)}})
		}
		if r.vague[name] {
			r.note(r.rule, r.line, "<"+name+">", "some addresses of the table are not known")
			c.elements.all = append(c.elements.all, element{terms: []term{{any: true}}, unsure: true})
			c.stated = clip("<" + name + ">")
			return c
		}
		c.elements.order()
		return c
	case "(":
		r.at--
		text := r.parens()
		if c := r.ofInterface(strings.TrimSpace(strings.Trim(text, "()")), x.field, text); c != nil {
			c.not = not
			return *c
		}
		c := vague(text, "the addresses of an interface are not known")
		if own, ok := selfCondition(x, r.d.places.local, not); ok { // it has some of these
			for i := range own.elements.all {
				own.elements.all[i].unsure = true
			}
			own.stated = c.stated
			return own
		}
		return c
	default:
		if r.take("-") {
			t, ok := addressRange(w + "-" + r.next())
			if ok {
				return one(t)
			}
			return vague(w, "range of addresses")
		}
		p, ok := pfPrefix(w)
		if !ok {
			if c := r.ofInterface(w, x.field, w); c != nil {
				c.not = not
				return *c
			}
			return vague(w, "an interface, or a name")
		}
		return one(prefixTerm(p))
	}
}

// ofInterface makes a condition on the addresses of an interface, or its networks if
// its name ends with ":network", as --interfaces has them; nil if it does not. Of a
// version of IP that it names no address of, there may be some.
func (r *pfReader) ofInterface(name string, f field, text string) *condition {
	name, part, _ := strings.Cut(name, ":")
	if part != "" && part != "network" && part != "0" {
		return nil
	}
	var s asaSide
	versions := map[bool]bool{}
	for _, i := range r.d.places.interfaces {
		if i.Name != name && !(name == "egress" && i.Default) {
			continue
		}
		for _, a := range i.Addrs {
			versions[a.Is4()] = true
			if part != "network" {
				s.terms = append(s.terms, single(address(a)))
				continue
			}
			for _, n := range i.Networks { // the one that it is in, not those behind a router
				if n.Contains(a) {
					s.terms = append(s.terms, prefixTerm(n))
				}
			}
		}
	}
	if len(s.terms) == 0 {
		return nil
	}
	c := s.condition(f, text)
	if len(versions) == 1 {
		other := allV4
		if versions[true] {
			other = allV6
		}
		c.elements.all = append(c.elements.all, element{terms: []term{prefixTerm(other)}, unsure: true})
		c.elements.ordered, c.elements.at, c.stated = nil, nil, clip(text)
	}
	return c
}

// pfPrefix reads an address with a mask; IPv4 prefixes may be shortened, as in
// 10/8.
func pfPrefix(s string) (netip.Prefix, bool) {
	if p, ok := prefixOf(s); ok {
		return p, true
	}
	addr, bits, ok := strings.Cut(s, "/")
	if !ok || strings.Contains(addr, ":") {
		return netip.Prefix{}, false
	}
	for strings.Count(addr, ".") < 3 {
		addr += ".0"
	}
	return prefixOf(addr + "/" + bits)
}

// ports reads one port, a comparison, or a list of them.
func (r *pfReader) ports(x expr) {
	from := r.at
	braces := r.take("{")
	var terms []term
	not := false
	for {
		t, neg, ok := r.port()
		if !ok || neg && braces {
			if braces {
				for r.at < len(r.words) && !r.take("}") {
					r.at++
				}
			}
			text := "port " + strings.Join(r.words[min(from, len(r.words)):min(r.at, len(r.words))], " ")
			r.unclear(text, "the port, or its name, is not known; pfctl -P prints numbers")
			return
		}
		not = neg
		terms = append(terms, t)
		if !braces {
			break
		}
		r.take(",")
		if r.take("}") || r.at >= len(r.words) {
			break
		}
	}
	r.add(x, not, terms...)
}

// port reads a comparison. ok is false when a port is not known by name.
func (r *pfReader) port() (t term, not, ok bool) {
	op := ""
	switch r.peek() {
	case "=", "!=", "<", "<=", ">", ">=":
		op = r.next()
	}
	word := r.next()
	if lo, hi, isRange := strings.Cut(word, ":"); isRange {
		a, ok1 := r.portNumber(lo)
		b, ok2 := r.portNumber(hi)
		return term{lo: number(a), hi: number(b)}, op == "!=", ok1 && ok2 && a <= b
	}
	n, ok := r.portNumber(word)
	switch r.peek() {
	case "><", "<>": // between, and outside, without the ends
		inside := r.next() == "><"
		m, ok2 := r.portNumber(r.next())
		if inside {
			return term{lo: number(n + 1), hi: number(max(m, 1) - 1)}, false, ok && ok2
		}
		return term{lo: number(n), hi: number(m)}, true, ok && ok2
	}
	switch op {
	case "<":
		return term{lo: number(n), hi: number(65535)}, true, ok
	case "<=":
		return term{lo: number(0), hi: number(n)}, false, ok
	case ">":
		return term{lo: number(0), hi: number(n)}, true, ok
	case ">=":
		return term{lo: number(n), hi: number(65535)}, false, ok
	}
	return single(number(n)), op == "!=", ok
}

func (r *pfReader) portNumber(s string) (uint64, bool) {
	if n, err := strconv.ParseUint(s, 10, 16); err == nil {
		return n, true
	}
	if r.opt.Port != nil {
		protocol := r.proto
		if protocol == 0 {
			protocol = protoTCP
		}
		if n, ok := r.opt.Port(s, protocol); ok {
			return uint64(n), true
		}
	}
	return 0, false
}
