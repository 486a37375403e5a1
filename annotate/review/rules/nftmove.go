package rules

import (
	"slices"
	"strings"
)

// translate makes the steps of a translation. Where a map says the place, the element
// of the packet decides, and a packet without one goes on behind the rule.
func (r *nftRule) translate(st *node, source bool) (steps []step, last bool) {
	kind, v := st.only()
	var m *node
	for _, key := range []string{"addr", "port"} {
		if k, is := v.get(key).only(); k == "map" {
			m = is
		}
	}
	if c := r.placeMap(m, kind, v, source); c != nil {
		return []step{{byMap: c}}, true
	}
	if m != nil {
		steps = append(steps, step{cond: known(maybe)})
	}
	to := r.translation(st, kind, v)
	to.source = source
	return append(steps, step{verdict: &verdict{kind: acceptVerdict, move: to}}), true
}

// placeMap reads a map from fields of the packet to places; nil if it is none that
// is understood.
func (r *nftRule) placeMap(m *node, kind string, v *node, source bool) *condition {
	exprs := r.left(m.get("key"))
	inAddr, inPort := v.get("addr").get("map") != nil, v.get("port").get("map") != nil
	if m == nil || exprs == nil || inAddr && inPort || slices.ContainsFunc(exprs, func(x expr) bool { return x.field == otherField }) {
		return nil
	}
	list := m.get("data").get("set").elements()
	if name, ok := strings.CutPrefix(m.get("data").str(), "@"); ok {
		s := r.sets[setKey(r.body, name)]
		if s == nil || s.changes || s.elems == nil {
			return nil
		}
		list = s.elems
	}
	e := new(elements)
	for _, n := range list {
		if !n.is(nodeArray) || len(n.list) != 2 {
			return nil
		}
		el := r.element(n.list[0], exprs)
		to := &move{here: kind == "redirect", source: source}
		for _, part := range placeParts(n.list[1]) {
			a, isAddr := parseAddr(part.str())
			port, isPort := part.number()
			switch {
			case isAddr && inAddr:
				to.addr = a
			case isPort && port <= 65535:
				to.port = uint16(port)
			default: // a range, a network
				to.unknown = true
			}
		}
		if a := v.get("addr"); a != nil && !inAddr {
			addr, ok := parseAddr(a.str())
			to.addr, to.unknown = addr, to.unknown || !ok
		}
		if p := v.get("port"); p != nil && !inPort {
			port, ok := p.number()
			to.port, to.unknown = uint16(port), to.unknown || !ok || port > 65535
		}
		if to.unknown {
			r.note(r.rule, lineOf(n), n.source(r.data), "translation to one of several places")
		}
		el.verdict = &verdict{kind: acceptVerdict, move: to}
		e.all = append(e.all, el)
	}
	e.order()
	return &condition{exprs: exprs, elements: e, places: !source}
}

// placeParts gives address and port of a place.
func placeParts(n *node) []*node {
	if c := n.get("concat"); c != nil {
		return c.elements()
	}
	return []*node{n}
}

func (r *nftRule) translation(st *node, kind string, v *node) *move {
	m := &move{here: kind == "redirect"}
	if a := v.get("addr"); a != nil {
		var ok bool
		if m.addr, ok = parseAddr(a.str()); !ok {
			m.unknown = true
		}
	}
	if p := v.get("port"); p != nil {
		n, ok := p.number()
		m.port = uint16(n)
		m.unknown = m.unknown || !ok || n > 65535
	}
	if m.unknown {
		r.note(r.rule, st.line, nftText([]*node{st}, r.data), "translation to one of several places")
	}
	return m
}
