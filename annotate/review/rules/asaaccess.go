package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// entry keeps a line of an access list. "show access-list" writes out what objects
// stand for behind an entry, indented; that is left out.
func (r *asaReader) entry() {
	if r.text[0] == ' ' || len(r.words) < 3 {
		return
	}
	name := r.words[1]
	if strings.HasSuffix(name, ";") { // the title that show access-list gives a list
		return
	}
	l := r.lists[name]
	if l == nil {
		l = &asaList{name: name}
		r.lists[name] = l
		r.order = append(r.order, name)
	}
	l.entries = append(l.entries, r.here())
}

// use makes the entry at hand that of another line.
func (r *asaReader) use(l asaLine) {
	r.line, r.text, r.words, r.at = l.line, l.text, l.words, 0
}

func (r *asaReader) when(c *condition) {
	if c != nil {
		r.steps = append(r.steps, step{cond: c})
	}
}

// unclear makes the entry one that may match or not.
func (r *asaReader) unclear(text, reason string) {
	r.note(r.rule, r.line, text, reason)
	r.when(&condition{known: true, truth: maybe, stated: clip(text)})
}

// chainOf reads the entries of a list, once.
func (r *asaReader) chainOf(name string) *chain {
	l := r.lists[name]
	if l == nil || l.chain != nil {
		if l == nil {
			return nil
		}
		return l.chain
	}
	l.chain = &chain{name: name}
	remark := ""
	for i, e := range l.entries {
		r.use(e)
		r.at = 2
		number := i + 1
		if r.take("line") {
			number, _ = strconv.Atoi(r.next())
		}
		if r.take("remark") {
			if remark != "" {
				remark += " "
			}
			remark += strings.Join(r.words[r.at:], " ")
			continue
		}
		if !slices.Contains(r.words, "inactive") {
			if link, ok := r.ace(name, number, remark); ok {
				l.chain.links = append(l.chain.links, link)
			}
		}
		remark = ""
	}
	return l.chain
}

// ace reads an entry. ok is false for lists of other kinds.
func (r *asaReader) ace(list string, number int, remark string) (l link, ok bool) {
	if !r.take("extended") && (r.peek() == "standard" || r.peek() == "ethertype" || r.peek() == "webtype") {
		r.note(nil, r.line, r.text, "access lists of this kind are not interpreted")
		return l, false
	}
	v := &verdict{kind: otherVerdict}
	rule := &Rule{File: r.file, Line: r.line, ID: list + " line " + strconv.Itoa(number), Chain: list, Comment: remark}
	text, hits, counted := strings.Cut(r.text, "(hitcnt=")
	if rule.Text = clip(strings.TrimSpace(text)); counted {
		digits, _, _ := strings.Cut(hits, ")")
		if n, err := strconv.ParseUint(digits, 10, 64); err == nil {
			rule.Counter = &Counter{Packets: n}
		}
		r.words = strings.Fields(text)
	}
	switch r.next() {
	case "permit":
		v.kind, rule.Action = acceptVerdict, Allow
	case "deny":
		v.kind, rule.Action = dropVerdict, Deny
	default:
		r.note(nil, r.line, r.text, "unknown line of an access list")
		return l, false
	}
	r.rule, r.steps = rule, nil
	r.rules = append(r.rules, rule)
	r.match()
	l = link{rule: rule, steps: append(r.steps, step{verdict: v})}
	r.rule, r.steps = nil, nil
	return l, true
}

// match reads what an entry asks for: a protocol, the source, the destination and
// what follows.
func (r *asaReader) match() {
	var services []service // of a group or an object in the place of the protocol
	var protos []uint64
	grouped := false
	switch w := r.next(); w {
	case "object", "object-group":
		services, grouped = r.serviceNamed(r.next()), true
	default:
		var ok bool
		if protos, ok = namedProtocols(w); !ok {
			r.unclear(w, "unknown protocol")
		}
	}
	r.side(sourceField)
	sports := r.portsOf(first(protos))
	r.side(destinationField)
	dports := r.portsOf(first(protos))
	if !grouped {
		services = r.joined(protos, sports, dports)
	} else if sports != nil || dports != nil { // of a group of protocols: tcp and udp
		var all []service
		for _, s := range services {
			if s.any || s.unsure || !s.sport.any || !s.dport.any {
				all = append(all, service{any: true, sport: anyPort, dport: anyPort, unsure: true})
				continue
			}
			all = append(all, r.joined([]uint64{s.proto}, sports, dports)...)
		}
		services = all
	}
	if len(services) == 0 {
		r.unclear(r.text, "no service is left of its groups")
	}
	for _, c := range conditions(services) {
		r.when(c)
	}
	if slices.ContainsFunc(services, func(s service) bool { return s.unsure }) && r.rule.NotInterpreted == "" {
		r.note(r.rule, r.line, r.text, "no flow tells the type of ICMP")
	}
	r.rest(protos)
}

// joined makes services of what stands behind the source and the destination.
func (r *asaReader) joined(protos []uint64, sports, dports []service) (all []service) {
	if sports == nil {
		sports = []service{{any: true, dport: anyPort}}
	}
	if dports == nil {
		dports = []service{{any: true, dport: anyPort}}
	}
	if protos == nil {
		return combine(nil, nil, nil, false)
	}
	for _, n := range protos {
		for _, s := range sports {
			for _, d := range dports {
				if !s.any && s.proto != n || !d.any && d.proto != n { // of a group for another transport
					continue
				}
				all = append(all, service{proto: n, sport: s.dport, dport: d.dport, unsure: s.unsure || d.unsure})
			}
		}
	}
	return all
}

// portsOf reads a comparison or a group of services behind an address; nil for none.
func (r *asaReader) portsOf(proto uint64) (all []service) {
	if r.peek() == "object-group" && r.at+1 < len(r.words) {
		name := r.words[r.at+1]
		list, ok := r.services[name]
		if !ok {
			return nil
		}
		r.at += 2
		return append([]service{}, list...)
	}
	ports, ok := r.comparison(proto)
	if !ok {
		return nil
	}
	if ports == nil {
		return []service{{any: true, dport: anyPort, unsure: true}}
	}
	for _, t := range ports {
		all = append(all, service{any: true, dport: t})
	}
	return all
}

// side reads the addresses of one end.
func (r *asaReader) side(f field) {
	for { // who sends is not known
		switch w := r.peek(); w {
		case "user", "user-group", "object-group-user", "object-group-security", "security-group":
			r.at++
			what := w + " " + r.next()
			if w == "security-group" {
				what += " " + r.next()
			}
			r.unclear(what, "no flow tells")
			continue
		}
		break
	}
	var s asaSide
	switch w := r.next(); w {
	case "any":
		return
	case "any4":
		s.terms = []term{prefixTerm(allV4)}
	case "any6":
		s.terms = []term{prefixTerm(allV6)}
	case "object-group", "object":
		name := r.next()
		if s = r.object(name, w); len(s.terms) == 0 && !s.unsure { // an empty group
			s.terms = nil
			r.when(&condition{known: true, truth: never})
			return
		}
	case "interface":
		name := r.next()
		for i := range r.ports {
			if r.ports[i].name == name {
				for _, n := range r.ports[i].nets {
					s.terms = append(s.terms, single(address(n.Addr().Unmap())))
				}
			}
		}
		if len(s.terms) == 0 {
			s = r.unknownSide("interface "+name, "the addresses of the interface are not known")
		}
	case "host":
		s = r.network(r.next(), "")
	case "":
		r.unclear(r.text, "an entry that ends early")
		return
	default:
		mask := ""
		if !strings.Contains(w, "/") {
			mask = r.next()
		}
		s = r.network(w, mask)
	}
	r.when(s.condition(f, r.text))
}

// condition makes a condition on addresses.
func (s *asaSide) condition(f field, text string) *condition {
	c := oneOf(f, s.terms...)
	if s.unsure {
		c.elements.all = append(c.elements.all, element{terms: []term{{any: true}}, unsure: true})
		c.elements.ordered, c.elements.at, c.stated = nil, nil, clip(text)
	}
	return c
}

// rest reads what follows the destination.
func (r *asaReader) rest(protos []uint64) {
	for r.at < len(r.words) {
		switch w := r.next(); w {
		case "log":
			for !slices.Contains([]string{"", "time-range", "inactive"}, r.peek()) {
				r.at++
			}
		case "time-range":
			r.unclear("time-range "+r.next(), "no flow tells")
		case "inactive":
		default:
			if len(protos) == 1 && (protos[0] == protoICMP || protos[0] == protoICMPv6) {
				r.unclear(w, "no flow tells the type of ICMP")
				for r.at < len(r.words) && !slices.Contains([]string{"log", "time-range", "inactive"}, r.peek()) {
					r.at++ // its code, or the name of a group
				}
				continue
			}
			r.unclear(w, "unknown word of an entry")
		}
	}
}

// bind makes the rule of an access-group, which the packets of an interface go to.
func (r *asaReader) bind(b *asaBind) link {
	c := r.chainOf(b.list)
	rule := &Rule{File: r.file, Line: b.line, ID: clip(b.text), Chain: "access-group", Text: clip(b.text)}
	r.rules = append(r.rules, rule)
	l := link{rule: rule}
	f := inField
	if b.out {
		f = outField
	}
	if !b.global {
		l.steps = append(l.steps, step{cond: oneOf(f, single(words(b.iface)))})
	}
	v := &verdict{kind: jumpVerdict, target: b.list, chain: c}
	if c == nil {
		r.note(rule, b.line, b.text, "the access list is not given")
		v.kind = otherVerdict
	}
	l.steps = append(l.steps, step{verdict: v})
	return l
}

// chains makes one list for what comes in, which denies by default, and one for what
// leaves.
func (r *asaReader) chains() {
	in := &chain{name: "access lists", stage: forwardStage, policy: dropVerdict}
	out := &chain{name: "outgoing access lists", stage: forwardStage, priority: 1}
	r.translations()
	vpn := r.bypass()
	in.links = append(in.links, vpn...)
	asked := map[string]bool{}
	var global *asaBind
	for i := range r.binds {
		b := &r.binds[i]
		switch {
		case b.global:
			global = b
		case b.out:
			l := r.bind(b)
			deny := l
			deny.steps = []step{l.steps[0], {verdict: &verdict{kind: dropVerdict}}}
			if l.steps[len(l.steps)-1].verdict.chain != nil {
				out.links = append(out.links, l, deny)
			} else {
				out.links = append(out.links, l)
			}
		default:
			asked[b.iface] = true
			in.links = append(in.links, r.bind(b))
		}
	}
	if global != nil {
		in.links = append(in.links, r.bind(global))
	} else {
		in.links = append(in.links, r.levels(asked)...)
	}
	r.nf.bases = append(r.nf.bases, in)
	if len(out.links) > 0 {
		out.links = append(vpn, out.links...)
		r.nf.bases = append(r.nf.bases, out)
	}
	r.nf.sort()
	r.nf.silent = map[Hook]string{
		Input:  "what is for the firewall itself is decided by its management access, which is not read",
		Output: "access lists are not about what the firewall itself sends",
	}
}

// levels makes the rules that stand where no access list does: what goes from an
// interface to one with a lower security level is permitted.
func (r *asaReader) levels(asked map[string]bool) (all []link) {
	for i := range r.ports {
		p := &r.ports[i]
		if asked[p.name] || p.manage {
			continue
		}
		var names []string
		var terms []term
		for j := range r.ports {
			if q := &r.ports[j]; q.name != p.name && !q.manage && (q.level < p.level || q.level == p.level && r.interSame) {
				names = append(names, fmt.Sprintf("%s (%d)", q.name, q.level))
				terms = append(terms, single(words(q.name)))
			}
		}
		if len(terms) == 0 {
			continue
		}
		text := fmt.Sprintf("security level %d permits %s to %s", p.level, p.name, strings.Join(names, ", "))
		rule := &Rule{File: r.file, Line: p.line, ID: "security level of " + p.name, Chain: "security levels", Text: clip(text), Action: Allow}
		r.rules = append(r.rules, rule)
		all = append(all, link{rule: rule, steps: []step{
			{cond: oneOf(inField, single(words(p.name)))}, {cond: oneOf(outField, terms...)}, {verdict: &verdict{kind: acceptVerdict}},
		}})
	}
	return all
}
