package rules

import (
	"cmp"
	"net/netip"
	"strings"
)

// readAliases reads the names for addresses and ports.
func (r *senseReader) readAliases() {
	for _, n := range r.root.children("aliases", "alias") {
		r.aliases[n.str("name")] = senseAlias{n.str("type"), strings.FieldsFunc(n.str("address")+" "+n.str("content"), isSpaceOrComma)}
	}
	for _, n := range r.root.children("OPNsense", "Firewall", "Alias", "aliases", "alias") {
		a := senseAlias{n.str("type"), strings.FieldsFunc(n.str("content"), isSpaceOrComma)}
		if n.get("enabled") != nil && !n.on("enabled") {
			a.kind = "disabled"
		}
		r.aliases[n.str("name")] = a
	}
}

// tableOf reads a table that stands in a file of its own.
func (r *senseReader) tableOf(f file) []netip.Prefix {
	p := pfReader{noter: noter{file: f.name}}
	var lines []string
	for sc := newLines(f.data); sc.Scan(); {
		lines = append(lines, sc.Text())
	}
	list := p.addresses(lines)
	r.notes = append(r.notes, p.notes...)
	return list
}

// match reads what a rule of section filter or nat asks for.
func (r *senseReader) match(n *xmlNode) {
	r.protocol(n)
	for _, side := range []struct {
		node       *xmlNode
		host, port field
	}{{n.get("source"), sourceField, sourcePortField}, {n.get("destination"), destinationField, destinationPortField}} {
		s := side.node
		if s == nil {
			continue
		}
		if s.get("any") == nil {
			r.when(r.addresses(side.host, cmp.Or(s.str("network"), s.str("address")), s.on("not"), s.get("network") != nil))
		}
		r.port2(side.port, s.str("port"), n.str("protocol"))
	}
}

// protocol reads the version of IP and the transport.
func (r *senseReader) protocol(n *xmlNode) {
	switch n.str("ipprotocol") {
	case "inet", "":
		r.when(oneOf(versionField, single(number(4))))
	case "inet6":
		r.when(oneOf(versionField, single(number(6))))
	}
	name := strings.ToLower(n.str("protocol"))
	if name == "" || name == "any" {
		return
	}
	var all []term
	for _, p := range strings.Split(name, "/") {
		protos, ok := namedProtocols(p)
		if !ok || len(protos) != 1 {
			r.unclear(name, "unknown protocol")
			return
		}
		all = append(all, single(number(protos[0])))
	}
	r.when(oneOf(protocolField, all...))
	if n.get("tcpflags_any") == nil && n.str("tcpflags2") != "" { // which are set, of which
		has := strings.Contains(n.str("tcpflags1"), "syn")
		if asked := strings.Contains(n.str("tcpflags2"), "syn"); asked && !has || n.str("tcpflags1") != "" && n.str("tcpflags1") != "syn" {
			r.when(&condition{known: true, truth: never}) // no first packet has these
		}
	}
}

// extras notes what else a rule asks for. Limits are assumed not to be exceeded.
func (r *senseReader) extras(n *xmlNode, asks map[string]bool) {
	for _, c := range n.list {
		switch {
		case asks[c.name] && c.text != "" && c.text != "any" && c.text != "none":
			r.unclear(c.name+" "+c.text, "no flow tells")
		case strings.HasPrefix(c.name, "max") && c.text != "" && c.text != "0":
			r.rule.Assumes = "the number of states is not exceeded"
		}
	}
}

// addresses makes a condition on one end. special is set if the word may be the name
// of an interface.
func (r *senseReader) addresses(f field, text string, not, special bool) *condition {
	var s asaSide
	items := strings.FieldsFunc(text, isSpaceOrComma)
	for _, item := range items {
		if item == "any" {
			return nil
		}
		s.add(r.address(item, special, 0))
	}
	if len(items) == 0 {
		return nil
	}
	c := s.condition(f, text)
	c.not = not
	return c
}

// whole gives the networks of an interface, or its own addresses.
func (r *senseReader) whole(p *sensePort, own bool) asaSide {
	s := asaSide{unsure: p.unsure[0] || p.unsure[1]}
	for _, n := range p.own {
		if own {
			s.terms = append(s.terms, single(address(n.Addr())))
		} else {
			s.terms = append(s.terms, prefixTerm(n))
		}
	}
	if s.unsure {
		r.note(r.rule, r.node.line, p.key, "the addresses of an interface are not known")
	}
	return s
}

// address reads one item: an address, a network, a range, an alias, or a name of
// the system's own.
func (r *senseReader) address(item string, special bool, depth int) asaSide {
	name := strings.TrimSuffix(strings.TrimPrefix(item, "__"), "_network")
	if special {
		if item == "(self)" || item == "self" {
			var s asaSide
			for i := range r.ports {
				s.add(r.whole(&r.ports[i], true))
			}
			for _, p := range r.opt.Local {
				s.terms = append(s.terms, prefixTerm(p))
			}
			return s
		}
		for i := range r.ports {
			switch p := &r.ports[i]; name {
			case p.key, "(" + p.device + ":network)":
				return r.whole(p, false)
			case p.key + "ip", "(" + p.device + ")":
				return r.whole(p, true)
			}
		}
	}
	if t, ok := addressItem(item); ok {
		return asaSide{terms: []term{t}}
	}
	if list, ok := r.listed[item]; ok {
		var s asaSide
		for _, p := range list {
			s.terms = append(s.terms, prefixTerm(p))
		}
		return s
	}
	a, ok := r.aliases[item]
	switch {
	case !ok || depth >= maxDefined:
		r.note(r.rule, r.node.line, item, "an alias, or a name, that is not given")
		return asaSide{unsure: true}
	case a.kind != "host" && a.kind != "network" && a.kind != "networkgroup" && a.kind != "internal":
		r.note(r.rule, r.node.line, item, "what the alias of type "+a.kind+" holds is not in the file")
		return asaSide{unsure: true}
	}
	var s asaSide
	for _, x := range a.items {
		if strings.HasPrefix(x, "!") {
			r.note(r.rule, r.node.line, item+" "+x, "an alias with exceptions")
			return asaSide{unsure: true}
		}
		s.add(r.address(x, r.opnsense, depth+1))
	}
	return s
}

// port2 reads ports of one end: numbers, ranges, names and aliases.
func (r *senseReader) port2(f field, text, protocol string) {
	if text == "" || text == "any" {
		return
	}
	terms, ok := r.portTerms(text, protocol, 0)
	if !ok {
		r.unclear("port "+text, "the port, or its name, is not known")
		return
	}
	r.when(oneOf(f, terms...))
}

func (r *senseReader) portTerms(text, protocol string, depth int) (all []term, ok bool) {
	t := tableReader{opt: r.opt}
	protos, _ := namedProtocols(strings.ToLower(protocol))
	for _, item := range strings.FieldsFunc(text, isSpaceOrComma) {
		if a, named := r.aliases[item]; named && depth < maxDefined {
			if a.kind != "port" {
				return nil, false
			}
			inner, ok := r.portTerms(strings.Join(a.items, " "), protocol, depth+1)
			if !ok {
				return nil, false
			}
			all = append(all, inner...)
			continue
		}
		p, ok := t.portItem(item, uint8(first(protos)))
		if !ok {
			return nil, false
		}
		all = append(all, p)
	}
	return all, true
}

// translations reads port forwards, translations of one address to one, and which
// interfaces have outgoing translation. They come before all rules.
func (r *senseReader) translations() {
	for _, n := range r.root.children("nat", "rule") {
		if n.on("disabled") {
			continue
		}
		r.forward(n)
	}
	for _, path := range [][]string{{"nat", "onetoone"}, {"OPNsense", "Firewall", "Filter", "onetoone", "rule"}} {
		for _, n := range r.root.children(path...) {
			if !n.on("disabled") && (n.get("enabled") == nil || n.on("enabled")) {
				r.oneToOne(n)
			}
		}
	}
	r.outgoing()
}

// outgoing reads how sources are translated, which rules for the way out see.
// Automatically, networks behind other interfaces get the address of the one with a
// gateway.
func (r *senseReader) outgoing() {
	mode := r.root.str("nat", "outbound", "mode")
	if mode == "disabled" {
		return
	}
	var inner []term
	for _, x := range r.d.places.interfaces {
		if p := r.port(x.Name); p != nil && !p.gateway {
			for _, n := range x.Networks {
				inner = append(inner, prefixTerm(n))
			}
		}
	}
	for i := range r.ports {
		p := &r.ports[i]
		if !p.gateway {
			continue
		}
		r.begin(p.node, "nat", "outgoing translation on "+p.key)
		r.rule.Text = r.rule.ID
		fr := pfRule{out: true, first: true, movesFrom: true}
		r.on([]string{p.key}, false, &fr)
		r.when(oneOf(versionField, single(number(4))))
		if mode == "automatic" || mode == "" {
			r.when(oneOf(sourceField, inner...))
			if len(p.own) > 0 && !p.unsure[0] {
				fr.from = p.own[0].Addr()
			}
		}
		r.add(fr, false)
	}
}

// forward reads a port forward.
func (r *senseReader) forward(n *xmlNode) {
	descr := n.str("descr")
	r.begin(n, "nat", r.name(n, "port forward", descr))
	r.rule.Comment = descr
	r.rule.Text = clip(strings.Join(strings.Fields("rdr on "+n.str("interface")+" "+n.str("protocol")+" from "+sideText(n.get("source"))+" to "+sideText(n.get("destination"))+" -> "+n.str("target")+" "+n.str("local-port")), " "))
	fr := pfRule{in: true, first: true, movesTo: true}
	if n.str("associated-rule-id") == "pass" {
		fr.quick, fr.verdict = true, Allow
	}
	if n.on("nordr") { // what matches stays as it is
		fr.stays = true
	} else {
		fr.move = r.target(n)
	}
	r.match(n)
	matched := r.conds
	r.on(strings.FieldsFunc(n.str("interface"), isSpaceOrComma), false, &fr)
	r.add(fr, true)
	if n.str("natreflection") == "disable" || r.root.str("system", "disablenatreflection") == "yes" || n.on("nordr") {
		return
	}
	// Other interfaces may have the same, so that inner clients reach it.
	fr.move = nil
	r.conds = append(matched[:len(matched):len(matched)], condition{known: true, truth: maybe, stated: "reflection of translations"})
	r.add(fr, false)
}

// target gives where a port forward leads to, nil if that is not one place.
func (r *senseReader) target(n *xmlNode) *move {
	s := r.address(n.str("target"), true, 0)
	if s.unsure || len(s.terms) != 1 || s.terms[0].lo != s.terms[0].hi {
		r.note(r.rule, n.line, n.str("target"), "translation to several, or unknown, addresses")
		return nil
	}
	m := &move{addr: s.terms[0].lo.addr}
	port := n.str("local-port")
	if port == "" || port == n.str("destination", "port") {
		return m
	}
	terms, ok := r.portTerms(port, n.str("protocol"), 0)
	from, ok2 := r.portTerms(n.str("destination", "port"), n.str("protocol"), 0)
	if !ok || !ok2 || len(terms) != 1 || len(from) != 1 || from[0].lo != from[0].hi {
		r.note(r.rule, n.line, port, "translation of several ports")
		return nil
	}
	m.port = uint16(terms[0].lo.n)
	return m
}

// oneToOne reads a translation of an address from outside.
func (r *senseReader) oneToOne(n *xmlNode) {
	descr := cmp.Or(n.str("descr"), n.str("description"))
	r.begin(n, "nat", r.name(n, "1:1", descr))
	r.rule.Comment = descr
	outside, inside := n.str("external"), cmp.Or(n.str("source", "address"), n.str("source", "network"), n.str("source_net"), n.str("internal"))
	r.rule.Text = clip("binat on " + n.str("interface") + " " + inside + " -> " + outside)
	fr := pfRule{in: true, first: true, movesTo: true}
	o, i := r.address(outside, true, 0), r.address(inside, true, 0)
	if len(o.terms) == 1 && len(i.terms) == 1 && !o.unsure && !i.unsure && i.terms[0].lo == i.terms[0].hi {
		fr.move = &move{addr: i.terms[0].lo.addr}
	} else {
		r.note(r.rule, n.line, r.rule.Text, "translation to several, or unknown, addresses")
		for k := range o.terms { // the mask is that of the inner network
			if len(i.terms) == 1 {
				o.terms[k] = grown(o.terms[k], i.terms[0])
			}
		}
	}
	r.when(o.condition(destinationField, outside))
	r.on(strings.FieldsFunc(n.str("interface"), isSpaceOrComma), false, &fr)
	r.add(fr, true)
}
