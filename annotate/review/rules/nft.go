package rules

import (
	"fmt"
	"strings"
)

// The JSON of nft is a list of objects, each with one member that says what it
// is: tables, chains, sets, maps, rules. A rule is a list of statements, a match
// among them. The schema is that of libnftables-json(5). Dependencies that nft
// adds by itself are not listed: "tcp dport 22" stands without "meta l4proto
// tcp", so a match on a header asks for its protocol too.

// nftSet is a named set or map.
type nftSet struct {
	name    string
	node    *node
	elems   []*node
	changes bool // rules add elements to it
	verdict bool // it is a verdict map
	parsed  map[string]*elements
}

// nftReader reads one ruleset.
type nftReader struct {
	noter
	data   []byte
	chains map[string]*chain // by family, table and name
	sets   map[string]*nftSet
	asleep map[string]bool // dormant tables, by family and name
	over   map[string]bool // named limits and quotas: whether they match what is over
	nf     *netfilter
}

// noter collects what is read of a file.
type noter struct {
	file  string
	rules []*Rule
	notes []Note
}

// note remembers something that is not interpreted. In a rule, the first reason
// stands for it.
func (n *noter) note(r *Rule, line int, text, reason string) {
	if r != nil && r.NotInterpreted == "" {
		r.NotInterpreted = reason
	}
	n.notes = append(n.notes, Note{File: n.file, Line: line, Text: clip(text), Reason: reason, Rule: r})
}

// clip shortens a text for a report.
func clip(s string) string {
	const most = 400
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// readNFT reads what "nft -j list ruleset" prints. Tables that are in twice are
// left out: they are read from the output of iptables-save.
func readNFT(root *node, data []byte, name string, opt Options, twice map[string]bool) (*Set, error) {
	list := root.get("nftables")
	if !list.is(nodeArray) {
		return nil, fmt.Errorf("%s:%d: nftables is no list", name, root.line)
	}
	r := nftReader{
		noter: noter{file: name}, data: data,
		chains: map[string]*chain{}, sets: map[string]*nftSet{}, over: map[string]bool{}, asleep: map[string]bool{},
		nf: &netfilter{places: newPlaces(opt), v4: true, v6: true},
	}
	var rules []*node
	for _, item := range list.list {
		kind, body := item.only()
		if kind == "add" || kind == "create" || kind == "insert" { // a ruleset written to be loaded
			kind, body = body.only()
		}
		if table := body.get("family").str() + " " + body.get("table").str(); kind != "table" && twice[table] {
			continue
		}
		switch kind {
		case "metainfo", "counter", "ct helper", "ct timeout", "ct expectation", "secmark", "synproxy":
		case "table":
			if twice[body.get("family").str()+" "+body.get("name").str()] {
				break
			}
			r.table(item, body)
		case "chain":
			r.chain(item, body)
		case "set", "map":
			r.set(body, body.get("map").str() == "verdict")
		case "element":
			if s := r.sets[nftKey(body, "name")]; s != nil {
				s.elems = append(s.elems, body.get("elem").elements()...)
			}
		case "limit", "quota":
			r.over[kind+"\x00"+nftKey(body, "name")] = body.get("inv").is(nodeBool) && body.get("inv").text == "true"
		case "rule":
			rules = append(rules, item)
		case "flowtable": // known connections only
		default:
			r.note(nil, item.line, item.source(data), "object of an unknown kind")
		}
	}
	for _, item := range rules {
		_, body := item.only()
		if body.get("expr") == nil {
			_, body = body.only()
		}
		r.markChanged(body)
	}
	r.markTerse()
	for _, item := range rules {
		_, body := item.only()
		if body.get("expr") == nil {
			_, body = body.only()
		}
		r.rule(item, body)
	}
	r.nf.sort()
	r.nf.findTargets()
	s := &Set{Kind: NFT, Files: []string{name}, Rules: r.rules, Notes: r.notes, decider: r.nf}
	s.finish(r.nf)
	return s, nil
}

// nftKey names something in a table.
func nftKey(body *node, key string) string {
	return body.get("family").str() + " " + body.get("table").str() + " " + body.get(key).str()
}

func (r *nftReader) table(item, body *node) {
	switch family := body.get("family").str(); family {
	case "inet", "ip", "ip6", "netdev", "arp":
	case "bridge":
		r.note(nil, item.line, "table bridge "+body.get("name").str(), "packets of a bridge are not followed")
		r.nf.bridged = true
	default:
		r.note(nil, item.line, item.source(r.data), "unknown family "+family)
	}
	for _, f := range body.get("flags").elements() {
		if f.str() == "dormant" {
			r.asleep[body.get("family").str()+" "+body.get("name").str()] = true
			r.note(nil, item.line, "table "+body.get("family").str()+" "+body.get("name").str(), "dormant: its chains see no packet")
		}
	}
}

var nftStages = map[string]stage{
	"ingress": ingressStage, "prerouting": preroutingStage, "input": inputStage,
	"forward": forwardStage, "output": outputStage, "postrouting": postroutingStage,
}

func (r *nftReader) chain(item, body *node) {
	c := &chain{name: nftKey(body, "name"), policy: acceptVerdict}
	r.chains[c.name] = c
	switch body.get("family").str() {
	case "ip":
		c.family = 4
	case "ip6":
		c.family = 6
	case "inet", "netdev":
	default: // arp and bridge see no packet on the way through IP
		return
	}
	hook := body.get("hook").str()
	if hook == "" || r.asleep[body.get("family").str()+" "+body.get("table").str()] {
		return
	}
	if hook == "egress" {
		r.note(nil, item.line, "chain "+c.name, "egress chains are not followed")
		return
	}
	c.stage = nftStages[hook]
	if c.stage == noStage {
		r.note(nil, item.line, "chain "+c.name, "unknown hook "+hook)
		return
	}
	c.nat = body.get("type").str() == "nat"
	if p := body.get("prio"); p.is(nodeNumber) {
		if _, err := fmt.Sscan(p.text, &c.priority); err != nil {
			r.note(nil, item.line, "chain "+c.name, "priority "+p.text)
		}
	}
	if body.get("policy").str() == "drop" {
		c.policy = dropVerdict
	}
	for _, d := range body.get("dev").elements() {
		c.devices = append(c.devices, d.str())
	}
	r.nf.bases = append(r.nf.bases, c)
}

func (r *nftReader) set(body *node, verdict bool) {
	s := &nftSet{name: body.get("name").str(), node: body, verdict: verdict, parsed: map[string]*elements{}}
	s.elems = append(s.elems, body.get("elem").elements()...)
	for _, f := range body.get("flags").elements() {
		s.changes = s.changes || f.str() == "dynamic"
	}
	r.sets[nftKey(body, "name")] = s
}

// markTerse finds sets whose elements may have been left out: nft --terse prints
// none of any set. Where one set has elements, the others are as they are shown.
func (r *nftReader) markTerse() {
	for _, s := range r.sets {
		if len(s.elems) > 0 {
			return
		}
	}
	for _, s := range r.sets {
		s.changes = true
		r.note(nil, s.node.line, "@"+s.name, "no elements are listed: it may be empty, or nft was called with --terse")
	}
}

// markChanged finds the sets that a rule changes. nft does not list the flag
// for that in all its versions.
func (r *nftReader) markChanged(body *node) {
	for _, st := range body.get("expr").elements() {
		kind, v := st.only()
		if kind != "set" && kind != "map" {
			continue
		}
		name := strings.TrimPrefix(v.get(kind).str(), "@")
		if s := r.sets[setKey(body, name)]; s != nil {
			s.changes = true
		}
	}
}

func setKey(rule *node, name string) string {
	return rule.get("family").str() + " " + rule.get("table").str() + " " + name
}

// rule reads one rule, whose statements become steps up to the first that ends
// it.
func (r *nftReader) rule(item, body *node) {
	name := nftKey(body, "chain")
	c := r.chains[name]
	rule := &Rule{File: r.file, Line: item.line, Chain: name, Comment: body.get("comment").str()}
	rule.ID = fmt.Sprintf("%s index %d", name, len(r.rules))
	if h, ok := body.get("handle").number(); ok {
		rule.ID = fmt.Sprintf("%s handle %d", name, h)
	}
	r.rules = append(r.rules, rule)
	statements := body.get("expr").elements()
	rule.Text = clip(nftText(statements, r.data))
	if c == nil {
		r.note(rule, item.line, rule.Text, "there is no chain "+name)
		return
	}
	l := link{rule: rule}
	in := nftRule{nftReader: r, body: body, rule: rule, line: item.line, family: c.family}
	for _, st := range statements {
		steps, last := in.statement(st)
		l.steps = append(l.steps, steps...)
		if last {
			break
		}
	}
	if n := len(l.steps); n > 0 && l.steps[n-1].verdict != nil {
		switch v := l.steps[n-1].verdict; {
		case v.move != nil:
		case v.kind == acceptVerdict:
			rule.Action = Allow
		case v.kind == dropVerdict:
			rule.Action = Deny
		}
	}
	c.links = append(c.links, l)
}

// nftRule is a rule that is being read.
type nftRule struct {
	*nftReader
	body   *node
	rule   *Rule
	line   int
	family uint8 // of the table: 4, 6, or 0
}

// unclear makes a condition that may or may not hold, and notes why.
func (r *nftRule) unclear(n *node, reason string) *condition {
	text := nftText([]*node{n}, r.data)
	r.note(r.rule, n.line, text, reason)
	return &condition{known: true, truth: maybe, stated: clip(text)}
}

func known(t tri) *condition { return &condition{known: true, truth: t} }

// statement reads a statement. last is set when nothing behind it matters.
func (r *nftRule) statement(st *node) (steps []step, last bool) {
	kind, v := st.only()
	if st.is(nodeString) { // older versions print statements without arguments so
		kind = st.text
	}
	end := func(k verdictKind) ([]step, bool) { return []step{{verdict: &verdict{kind: k}}}, true }
	cond := func(c *condition) ([]step, bool) { return []step{{cond: c}}, c.known && c.truth == never }
	switch kind {
	case "match":
		return cond(r.match(st, v))
	case "accept":
		return end(acceptVerdict)
	case "drop", "reject":
		return end(dropVerdict)
	case "return":
		return end(returnVerdict)
	case "continue":
		return end(noVerdict)
	case "jump", "goto":
		return []step{{verdict: r.jump(st, kind, v)}}, true
	case "vmap":
		return []step{{byMap: r.verdictMap(st, v)}}, true
	case "counter":
		r.rule.Counter = nftCounter(v)
		return nil, false
	case "log", "last", "ct helper", "ct timeout", "ct expectation", "secmark", "dup", "flow":
		return nil, false
	case "limit", "quota", "ct count":
		return cond(r.limit(st, kind, v))
	case "set", "map":
		for _, s := range v.get("stmt").elements() {
			if k, w := s.only(); k == "limit" || k == "quota" || k == "ct count" {
				c := r.limit(s, k, w)
				steps = append(steps, step{cond: c})
			}
		}
		return steps, false
	case "meter":
		if k, w := v.get("stmt").only(); k == "limit" || k == "quota" || k == "ct count" {
			return cond(r.limit(v.get("stmt"), k, w))
		}
		return cond(r.unclear(st, "meter of an unknown kind"))
	case "notrack":
		return []step{{untrack: true}}, false
	case "mangle":
		return r.mangle(v), false
	case "dnat", "redirect":
		return r.translate(st, false)
	case "snat":
		return r.translate(st, true)
	case "masquerade":
		return []step{{verdict: &verdict{kind: acceptVerdict, move: &move{source: true, unknown: true}}}}, true
	case "queue":
		r.note(r.rule, st.line, "queue", "a program decides")
		return end(otherVerdict)
	case "fwd", "synproxy":
		r.note(r.rule, st.line, nftText([]*node{st}, r.data), "the packet takes another way")
		return end(otherVerdict)
	case "xt":
		return r.extension(st, v)
	}
	r.note(r.rule, st.line, nftText([]*node{st}, r.data), "unknown statement")
	return end(anyVerdict)
}

// extension reads what iptables put into nftables in its own form. nft prints
// the name of it, but not its arguments.
func (r *nftRule) extension(st, v *node) (steps []step, last bool) {
	const hint = "extension of iptables: nft does not print it whole, iptables-save does"
	name := v.get("name").str()
	if v.get("type").str() == "match" {
		if name == "comment" {
			return nil, false
		}
		return []step{{cond: r.unclear(st, hint)}}, false
	}
	switch name {
	case "REJECT":
		return []step{{verdict: &verdict{kind: dropVerdict}}}, true
	case "SNAT", "MASQUERADE":
		return []step{{verdict: &verdict{kind: acceptVerdict, move: &move{source: true, unknown: true}}}}, true
	case "MARK", "CONNMARK", "HMARK":
		return []step{{mark: &setMark{unknown: true}}}, false
	}
	if name != "" && passing[name] {
		return nil, false
	}
	r.note(r.rule, st.line, nftText([]*node{st}, r.data), hint)
	switch name {
	case "DNAT", "REDIRECT", "NETMAP":
		return []step{{verdict: &verdict{kind: acceptVerdict, move: &move{unknown: true}}}}, true
	case "CT":
		return []step{{cond: known(maybe)}, {untrack: true}}, true
	}
	return []step{{verdict: &verdict{kind: anyVerdict}}}, true
}

// limit reads a condition on a rate, an amount or a number of connections. They
// are taken as not exceeded.
func (r *nftRule) limit(st *node, kind string, v *node) *condition {
	over := v.get("inv").is(nodeBool) && v.get("inv").text == "true"
	if v.is(nodeString) {
		var ok bool
		if over, ok = r.over[kind+"\x00"+setKey(r.body, v.text)]; !ok {
			return r.unclear(st, "there is no "+kind+" of this name")
		}
	} else if !v.is(nodeObject) || v.get("map") != nil {
		return r.unclear(st, kind+" by a map")
	}
	what := map[string]string{"limit": "the rate is not exceeded", "quota": "the quota is not used up", "ct count": "the number of connections is not exceeded"}[kind]
	r.rule.Assumes = what
	return known(truth(!over))
}

// nftCounter reads what a counter of a rule has; nil for one that stands elsewhere.
func nftCounter(v *node) *Counter {
	packets, ok1 := v.get("packets").number()
	size, ok2 := v.get("bytes").number()
	if !ok1 || !ok2 {
		return nil
	}
	return &Counter{packets, size}
}

// jump reads a jump or goto.
func (r *nftRule) jump(st *node, kind string, v *node) *verdict {
	out := &verdict{kind: jumpVerdict, target: v.get("target").str()}
	if kind == "goto" {
		out.kind = gotoVerdict
	}
	if out.chain = r.chains[setKey(r.body, out.target)]; out.chain == nil {
		r.note(r.rule, st.line, nftText([]*node{st}, r.data), "there is no such chain")
		out.kind = anyVerdict
	}
	return out
}

// verdictMap reads a verdict map, which may be a named one.
func (r *nftRule) verdictMap(st, v *node) *condition {
	c := &condition{exprs: r.left(v.get("key"))}
	if c.exprs == nil {
		r.note(r.rule, st.line, nftText([]*node{st}, r.data), "verdict map by an unknown key")
		c.exprs = []expr{{}}
	}
	if name, ok := strings.CutPrefix(v.get("data").str(), "@"); ok {
		s := r.sets[setKey(r.body, name)]
		if s == nil {
			r.note(r.rule, st.line, "@"+name, "there is no such map")
			c.elements = &elements{all: []element{unclearElement(len(c.exprs), &verdict{kind: anyVerdict})}}
			return c
		}
		if s.changes {
			r.note(r.rule, st.line, "@"+name, "rules change the map as packets pass")
			c.elements = &elements{all: []element{unclearElement(len(c.exprs), &verdict{kind: anyVerdict})}}
			return c
		}
		c.elements = r.named(s, c.exprs)
	} else {
		c.elements = r.elements(v.get("data").get("set").elements(), c.exprs, true)
	}
	r.unknownKeys(st, c.exprs)
	return c
}

// unclearElement is one that may match anything.
func unclearElement(fields int, v *verdict) element {
	el := element{unsure: true, verdict: v}
	for range fields {
		el.terms = append(el.terms, term{any: true})
	}
	return el
}

// mangle reads a change of the packet. Only the mark matters to later matches.
func (r *nftRule) mangle(v *node) []step {
	kind, key := v.get("key").only()
	if kind == "meta" && key.get("key").str() == "nftrace" || kind == "ct" {
		return nil
	}
	if kind == "payload" {
		if f := key.get("field").str(); f == "daddr" || f == "dport" || f == "saddr" || f == "sport" {
			r.note(r.rule, v.line, nftText([]*node{{kind: nodeObject, keys: []string{"mangle"}, list: []*node{v}}}, r.data), "change of an address or a port")
			return []step{{move: &move{unknown: true}}}
		}
		return nil // no match that is interpreted looks at other fields
	}
	if kind != "meta" || key.get("key").str() != "mark" {
		return nil
	}
	to := v.get("value")
	if n, ok := to.number(); ok && n <= 1<<32-1 {
		return []step{{mark: &setMark{and: 0, xor: uint32(n)}}}
	}
	if op, args := to.only(); args.is(nodeArray) && len(args.list) == 2 {
		k, left := args.list[0].only()
		n, ok := args.list[1].number()
		if k == "meta" && left.get("key").str() == "mark" && ok && n <= 1<<32-1 {
			switch m := uint32(n); op {
			case "|":
				return []step{{mark: &setMark{and: ^m, xor: m}}}
			case "&":
				return []step{{mark: &setMark{and: m}}}
			case "^":
				return []step{{mark: &setMark{and: ^uint32(0), xor: m}}}
			}
		}
	}
	return []step{{mark: &setMark{unknown: true}}}
}
