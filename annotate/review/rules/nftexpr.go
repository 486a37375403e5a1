package rules

import (
	"net/netip"
	"strconv"
	"strings"
)

// Names that nft prints for numbers.
var (
	protocolNames = map[string]uint64{
		"ip": 0, "icmp": 1, "igmp": 2, "ipencap": 4, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33, "ipv6": 41,
		"ipv6-route": 43, "ipv6-frag": 44, "rsvp": 46, "gre": 47, "esp": 50, "ipsec-esp": 50, "ah": 51, "ipsec-ah": 51,
		"ipv6-icmp": 58, "icmpv6": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "eigrp": 88, "ospf": 89, "ospfigp": 89,
		"ipip": 94, "pim": 103, "comp": 108, "ipcomp": 108, "vrrp": 112, "carp": 112, "l2tp": 115, "sctp": 132, "mh": 135, "udplite": 136, "pfsync": 240, "mptcp": 262,
		"icmp6": 58,
	}
	stateNames  = map[string]uint64{"invalid": stateInvalid, "established": stateEstablished, "related": stateRelated, "new": stateNew, "untracked": stateUntracked}
	statusNames = map[string]uint64{"expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": statusSNAT, "dnat": statusDNAT, "dying": 512}
	flagNames   = map[string]uint64{"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "ece": 64, "cwr": 128}
	familyNames = map[string]uint64{"ipv4": 2, "ipv6": 10}
	etherNames  = map[string]uint64{"ip": 0x0800, "arp": 0x0806, "vlan": 0x8100, "8021q": 0x8100, "8021ad": 0x88a8, "ip6": 0x86dd}
	wayNames    = map[string]uint64{"original": 0, "reply": 1}
	typeNames   = map[string]uint64{
		"unspec": 0, "unicast": typeUnicast, "local": typeLocal, "broadcast": typeBroadcast, "anycast": 4, "multicast": typeMulticast,
		"blackhole": 6, "unreachable": 7, "prohibit": 8,
	}
)

// namesOf gives the names that numbers of a field have.
func (f field) names() map[string]uint64 {
	switch f {
	case protocolField:
		return protocolNames
	case stateField:
		return stateNames
	case statusField:
		return statusNames
	case flagsField:
		return flagNames
	case familyField:
		return familyNames
	case etherField:
		return etherNames
	case directionField:
		return wayNames
	case destinationTypeField, sourceTypeField:
		return typeNames
	}
	return nil
}

// bits reports whether the field is a set of bits.
func (f field) bits() bool { return f == stateField || f == statusField || f == flagsField }

// addresses reports whether the field is an address.
func (f field) addresses() bool {
	return f == sourceField || f == destinationField || f == originalSourceField || f == originalDestinationField
}

// headerProtocols are the protocols whose header fields ask for them.
var headerProtocols = map[string]uint8{
	"tcp": protoTCP, "udp": protoUDP, "udplite": protoUDPLite, "sctp": protoSCTP, "dccp": protoDCCP,
	"icmp": protoICMP, "icmpv6": protoICMPv6, "igmp": 2, "esp": 50, "ah": 51, "comp": 108, "gre": 47,
}

// left reads what a match looks at; nil when that is not understood at all.
func (r *nftRule) left(n *node) []expr {
	if c := n.get("concat"); c != nil {
		var all []expr
		for _, part := range c.elements() {
			x := r.left(part)
			if len(x) != 1 {
				return nil
			}
			all = append(all, x[0])
		}
		if len(all) > 8 {
			return nil
		}
		return all
	}
	kind, v := n.only()
	var x expr
	switch kind {
	case "payload":
		x = r.payload(v)
	case "meta":
		x = metaExpr(v.get("key").str())
	case "ct":
		x = ctExpr(v)
	case "fib":
		if v.get("result").str() != "type" {
			break
		}
		for _, f := range v.get("flags").elements() {
			switch f.str() {
			case "daddr":
				x.field = destinationTypeField
			case "saddr":
				x.field = sourceTypeField
			default: // by interface or mark: the type may differ
				return []expr{{}}
			}
		}
	case "exthdr":
		x.family = 6
	case "tcp option":
		x.proto = protoTCP
	case "ip option":
		x.family = 4
	case "sctp chunk":
		x.proto = protoSCTP
	case "dccp option":
		x.proto = protoDCCP
	case "&", "|", "^", "<<", ">>":
		args := v.elements()
		if len(args) != 2 {
			return nil
		}
		in := r.left(args[0])
		if len(in) != 1 {
			return nil
		}
		x = in[0]
		t, ok := r.constant(args[1], x.field)
		if !ok || !t.lo.exact() || t.lo.compare(t.hi) != 0 {
			x.field, x.ops = otherField, nil
			break
		}
		// The fields share what they were read from, not this list.
		x.ops = append(x.ops[:len(x.ops):len(x.ops)], bitOp{op: kind[0], n: t.lo.n, a: t.lo.addr})
	case "numgen", "jhash", "symhash", "osf", "socket", "rt", "ipsec", "tunnel":
	default:
		return nil
	}
	return []expr{x}
}

func (r *nftRule) payload(v *node) expr {
	protocol, name := v.get("protocol").str(), v.get("field").str()
	var x expr
	switch protocol {
	case "ip", "ip6":
		x.family = 4
		if protocol == "ip6" {
			x.family = 6
		}
		switch name {
		case "saddr":
			x.field = sourceField
		case "daddr":
			x.field = destinationField
		case "protocol", "nexthdr":
			x.field = protocolField
		case "version":
			x.field = versionField
		case "frag-off":
			x.field = fragmentField
		}
		return x
	case "th":
	case "ether", "vlan", "arp", "":
		return x
	default:
		p, ok := headerProtocols[protocol]
		if !ok {
			return x
		}
		x.proto = p
		switch protocol {
		case "icmp":
			x.family = 4
		case "icmpv6":
			x.family = 6
		case "tcp":
			if name == "flags" {
				x.field = flagsField
				return x
			}
		}
		if !hasPorts(p) {
			return x
		}
	}
	switch name {
	case "sport":
		x.field = sourcePortField
	case "dport":
		x.field = destinationPortField
	}
	return x
}

func metaExpr(key string) expr {
	switch key {
	case "l4proto":
		return expr{field: protocolField}
	case "nfproto":
		return expr{field: familyField}
	case "protocol":
		return expr{field: etherField}
	case "iif", "iifname":
		return expr{field: inField}
	case "oif", "oifname":
		return expr{field: outField}
	case "mark":
		return expr{field: markField}
	}
	return expr{}
}

func ctExpr(v *node) expr {
	switch v.get("key").str() {
	case "state":
		return expr{field: stateField}
	case "status":
		return expr{field: statusField}
	case "direction":
		return expr{field: directionField}
	}
	if v.get("dir").str() != "original" {
		return expr{}
	}
	switch v.get("key").str() {
	case "saddr":
		return expr{field: originalSourceField}
	case "daddr":
		return expr{field: originalDestinationField}
	case "ip saddr":
		return expr{field: originalSourceField, family: 4}
	case "ip daddr":
		return expr{field: originalDestinationField, family: 4}
	case "ip6 saddr":
		return expr{field: originalSourceField, family: 6}
	case "ip6 daddr":
		return expr{field: originalDestinationField, family: 6}
	case "proto-dst":
		return expr{field: originalDestinationPortField}
	}
	return expr{}
}

// says names what an expression that no flow knows is.
func (r *nftRule) unknownKeys(st *node, exprs []expr) {
	for _, x := range exprs {
		if x.field == otherField {
			r.note(r.rule, st.line, nftText([]*node{st}, r.data), "no flow tells")
			return
		}
	}
}

// match reads a match statement.
func (r *nftRule) match(st, v *node) *condition {
	if t, ok := reversePath(v); ok {
		r.rule.Assumes = trueSource
		return known(t)
	}
	exprs := r.left(v.get("left"))
	if exprs == nil {
		return r.unclear(st, "match on something unknown")
	}
	c := &condition{exprs: exprs}
	right := v.get("right")
	op := v.get("op").str()
	for _, x := range exprs {
		if x.field != otherField {
			continue
		}
		// Whatever it is compared with, it may match or not, unless the packet
		// has no such header.
		text := nftText([]*node{st}, r.data)
		r.note(r.rule, st.line, text, "no flow tells")
		c.stated = clip(text)
		if len(exprs) == 1 {
			c.elements = &elements{all: []element{{terms: []term{{}}}}}
			return c
		}
		break
	}
	if name, ok := strings.CutPrefix(right.str(), "@"); ok {
		s := r.sets[setKey(r.body, name)]
		switch {
		case s == nil:
			return r.unclear(st, "there is no such set")
		case s.changes:
			return r.unclear(st, "rules change the set as packets pass")
		}
		c.elements, c.not = r.named(s, exprs), op == "!="
		return c
	}
	if len(exprs) == 1 {
		if e, not, ok := r.compare(exprs[0], op, right); ok {
			c.elements, c.not = e, not
			return c
		}
	}
	switch op {
	case "==", "!=", "in", "":
		c.not = op == "!="
		list := []*node{right}
		if right.get("set") != nil {
			list = right.get("set").elements()
		}
		c.elements = r.elements(list, exprs, false)
		return c
	}
	return r.unclear(st, "unknown comparison "+op)
}

const trueSource = "the packet comes in where its source is routed to"

// reversePath reads a check of where the source is routed to: whether there is
// a route back by the interface that the packet came by.
func reversePath(v *node) (tri, bool) {
	f := v.get("left").get("fib")
	if f.get("result").str() != "oif" && f.get("result").str() != "oifname" {
		return never, false
	}
	source, device := false, false
	for _, flag := range f.get("flags").elements() {
		source = source || flag.str() == "saddr"
		device = device || flag.str() == "iif"
	}
	right := v.get("right")
	exists := right.is(nodeBool) && right.text == "true" || right.str() == "exists"
	missing := right.is(nodeBool) && right.text == "false" || right.str() == "missing"
	if n, ok := right.number(); ok {
		exists, missing = n == 1, n == 0
	}
	if !source || !device || !exists && !missing {
		return never, false
	}
	return truth(exists == (v.get("op").str() != "!=")), true
}

// compare reads comparisons that are not with a list.
func (r *nftRule) compare(x expr, op string, right *node) (e *elements, not, ok bool) {
	one := func(t term, not bool) (*elements, bool, bool) {
		return &elements{all: []element{{terms: []term{t}}}}, not, true
	}
	switch op {
	case "<", ">", "<=", ">=":
		t, ok := r.constant(right, x.field)
		if !ok || !t.plain() || t.lo.compare(t.hi) != 0 || t.lo.kind == textValue {
			return nil, false, false
		}
		lowest, highest := bounds(t.lo)
		low, high := t, t
		low.lo, high.hi = lowest, highest
		switch op {
		case "<=":
			return one(low, false)
		case ">":
			return one(low, true)
		case ">=":
			return one(high, false)
		}
		return one(high, true)
	case "in":
		if x.field.bits() && right.get("set") == nil {
			if t, ok := r.constant(right, x.field); ok {
				return one(term{mask: t.lo.n}, false)
			}
		}
	case "!":
		if t, ok := r.constant(right, x.field); ok && x.field.bits() {
			return one(term{mask: t.lo.n}, true)
		}
	}
	return nil, false, false
}

// bounds gives the lowest and the highest value of a kind.
func bounds(v value) (lo, hi value) {
	if v.kind == addressValue {
		p := netip.PrefixFrom(v.addr, 0).Masked()
		return address(p.Addr()), address(lastAddr(p))
	}
	return number(0), number(1<<64 - 1)
}

// named gives the elements of a named set, as they are for these fields.
func (r *nftRule) named(s *nftSet, exprs []expr) *elements {
	var key strings.Builder
	for _, x := range exprs {
		key.WriteByte(byte(x.field))
	}
	e := s.parsed[key.String()]
	if e == nil {
		rule := r.rule
		r.rule = nil // what is not understood stands in the set
		e = r.elements(s.elems, exprs, s.verdict)
		r.rule = rule
		s.parsed[key.String()] = e
	}
	if e.unsure() && r.rule.NotInterpreted == "" {
		r.rule.NotInterpreted = "elements of the set " + s.name
	}
	return e
}

// elements reads a list of constants, or, for a verdict map, of pairs.
func (r *nftRule) elements(list []*node, exprs []expr, verdicts bool) *elements {
	e := new(elements)
	for _, n := range list {
		var el element
		if verdicts {
			if !n.is(nodeArray) || len(n.list) != 2 {
				r.note(r.rule, n.line, n.source(r.data), "element of an unknown kind")
				e.all = append(e.all, unclearElement(len(exprs), &verdict{kind: anyVerdict}))
				continue
			}
			key := n.list[0]
			el = r.element(key, exprs)
			el.verdict = r.mapped(n.list[1])
		} else {
			el = r.element(n, exprs)
		}
		e.all = append(e.all, el)
	}
	e.order()
	return e
}

// mapped reads the verdict of an element.
func (r *nftRule) mapped(n *node) *verdict {
	kind, v := n.only()
	if n.is(nodeString) {
		kind = n.text
	}
	switch kind {
	case "accept":
		return &verdict{kind: acceptVerdict}
	case "drop":
		return &verdict{kind: dropVerdict}
	case "return":
		return &verdict{kind: returnVerdict}
	case "continue":
		return &verdict{kind: noVerdict}
	case "jump", "goto":
		return r.jump(n, kind, v)
	case "queue":
		r.note(r.rule, n.line, "queue", "a program decides")
		return &verdict{kind: otherVerdict}
	}
	r.note(r.rule, n.line, n.source(r.data), "unknown verdict")
	return &verdict{kind: anyVerdict}
}

// element reads one element.
func (r *nftRule) element(n *node, exprs []expr) element {
	var el element
	if e := n.get("elem"); e != nil {
		if e.get("expires") != nil || e.get("timeout") != nil {
			r.note(r.rule, n.line, nftConstant(n, r.data), "element with a time-out: it may be gone")
			el.unsure = true
		}
		for _, k := range e.keys {
			switch k {
			case "limit", "quota", "ct count":
				r.note(r.rule, n.line, nftConstant(n, r.data), "element with a "+k)
				el.unsure = true
			}
		}
		n = e.get("val")
	}
	parts := []*node{n}
	if c := n.get("concat"); c != nil {
		parts = c.elements()
	}
	if n.str() == "*" && len(exprs) > 1 {
		return unclearElement(len(exprs), nil).surely()
	}
	if len(parts) != len(exprs) {
		r.note(r.rule, lineOf(n), nftConstant(n, r.data), "element that does not fit the fields")
		return unclearElement(len(exprs), nil)
	}
	for i, p := range parts {
		t, ok := r.constant(p, exprs[i].field)
		if !ok {
			if exprs[i].field != otherField {
				r.note(r.rule, lineOf(p), nftConstant(p, r.data), "value that is not understood")
			}
			t, el.unsure = term{any: true}, true
		}
		el.terms = append(el.terms, t)
	}
	return el
}

func (el element) surely() element {
	el.unsure = false
	return el
}

func lineOf(n *node) int {
	if n == nil {
		return 0
	}
	return n.line
}

// constant reads a value, or a range of values, of a field.
func (r *nftRule) constant(n *node, f field) (term, bool) {
	if f == otherField || n == nil {
		return term{}, false
	}
	switch n.kind {
	case nodeNumber:
		v, ok := n.number()
		return single(number(v)), ok && !f.addresses() && f != inField && f != outField
	case nodeString:
		return textConstant(n.text, f)
	case nodeArray:
		return r.flags(n.list, f)
	case nodeBool:
		return term{}, false
	}
	kind, v := n.only()
	switch kind {
	case "prefix":
		a, ok := parseAddr(v.get("addr").str())
		bits, isNumber := v.get("len").number()
		if !ok || !isNumber || bits > uint64(a.BitLen()) {
			return term{}, false
		}
		return prefixTerm(netip.PrefixFrom(a, int(bits))), f.addresses()
	case "range":
		if !v.is(nodeArray) || len(v.list) != 2 {
			return term{}, false
		}
		lo, ok := r.constant(v.list[0], f)
		hi, ok2 := r.constant(v.list[1], f)
		if !ok || !ok2 || !lo.plain() || !hi.plain() || !lo.lo.sameKind(hi.lo) {
			return term{}, false
		}
		if lo.lo.compare(hi.hi) > 0 { // nft 1.0.6 prints some pairs of comparisons so
			return term{}, false
		}
		return term{lo: lo.lo, hi: hi.hi}, true
	case "|":
		return r.flags(v.elements(), f)
	}
	return term{}, false
}

// flags reads bits that are all meant.
func (r *nftRule) flags(list []*node, f field) (term, bool) {
	var all uint64
	for _, p := range list {
		t, ok := r.constant(p, f)
		if !ok || t.lo.kind != numberValue || t.lo.n != t.hi.n {
			return term{}, false
		}
		all |= t.lo.n
	}
	return single(number(all)), len(list) > 0
}

func textConstant(s string, f field) (term, bool) {
	switch f {
	case inField, outField:
		if p, ok := strings.CutSuffix(s, "*"); ok && !strings.HasSuffix(p, `\`) {
			return term{lo: words(p), prefix: true}, true
		}
		return single(words(strings.ReplaceAll(s, `\*`, "*"))), true
	case sourceField, destinationField, originalSourceField, originalDestinationField:
		if s == "*" {
			return term{any: true}, true
		}
		a, ok := parseAddr(s)
		return single(address(a)), ok
	}
	if s == "*" {
		return term{any: true}, true
	}
	if n, ok := f.names()[s]; ok {
		return single(number(n)), true
	}
	n, err := strconv.ParseUint(s, 0, 64)
	return single(number(n)), err == nil
}

// parseAddr reads an address without a zone.
func parseAddr(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Zone() == ""
}
