package rules

import (
	"slices"
)

// A rule is covered if one other rule deals with every packet that it is about,
// before it (in pf, where the last rule decides, behind it). It then does nothing
// itself. Only a rule all of whose matches are interpreted, and are about what a
// box has sides for, covers others: one that asks for the state of a connection
// leaves packets to others that a box does not tell.

// Cover is a rule that another rule covers.
type Cover struct {
	Rule, By *Rule
	// Same is set if both do the same, so that the rule could go; otherwise it
	// does not do what it says.
	Same bool
}

// maxCompared bounds how many pairs of rules of a set are compared.
const maxCompared = 4 << 20

// reach is what a rule is about.
type reach struct {
	rule    *Rule
	boxes   []box
	exact   bool // it is about all of the boxes, for packets of any kind
	verdict verdictKind
}

// plain reports a condition that a box has a side for.
func (c *condition) plain() bool {
	if c.known {
		return c.truth == always
	}
	for i := range c.exprs {
		switch c.exprs[i].field {
		case protocolField, familyField, etherField, versionField, sourceField, destinationField, destinationPortField, inField, outField, passedField:
		default:
			return false
		}
	}
	return len(c.exprs) == 1
}

// reachOf finds what a rule with a verdict that ends its chain is about; ok is false
// for other rules.
func reachOf(l *link, from box) (x reach, ok bool) {
	x = reach{rule: l.rule, boxes: []box{from}, exact: l.rule.NotInterpreted == "" && l.rule.Assumes == ""}
	for i := range l.steps {
		switch s := &l.steps[i]; {
		case s.cond != nil:
			x.exact = x.exact && s.cond.plain()
			if x.boxes = s.cond.narrowAll(x.boxes); len(x.boxes) == 0 {
				return x, false
			}
		case s.verdict != nil:
			x.verdict = s.verdict.kind
			switch x.verdict {
			case acceptVerdict, dropVerdict, returnVerdict:
				return x, s.verdict.move == nil
			}
			return x, false
		default: // it changes the packet too, or looks it up
			return x, false
		}
	}
	return x, false
}

// within reports whether each packet of a is one of b.
func (a *box) within(b *box) bool {
	return !b.partly && (!a.v4 || b.v4) && (!a.v6 || b.v6) && a.protos.within(&b.protos) && (b.in == "" || a.in == b.in) && (b.out == "" || a.out == b.out) &&
		portsWithin(a.ports, b.ports) && termsWithin(a.servers, b.servers) && termsWithin(a.clients, b.clients)
}

func (s *protocolSet) within(t *protocolSet) bool {
	for i := range s {
		if s[i]&^t[i] != 0 {
			return false
		}
	}
	return true
}

func portsWithin(a, b []Range) bool {
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y Range) bool { return y.First <= x.First && x.Last <= y.Last }) {
			return false
		}
	}
	return true
}

// termsWithin compares addresses; nil is all.
func termsWithin(a, b []term) bool {
	switch {
	case b == nil:
		return true
	case a == nil:
		return false
	}
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y term) bool {
			return x.lo.sameKind(y.lo) && y.lo.compare(x.lo) <= 0 && x.hi.compare(y.hi) <= 0
		}) {
			return false
		}
	}
	return true
}

// covers reports whether each packet of the other rule is one of this.
func (x *reach) covers(other *reach) bool {
	if !x.exact {
		return false
	}
	for i := range other.boxes {
		if !slices.ContainsFunc(x.boxes, func(b box) bool { return other.boxes[i].within(&b) }) {
			return false
		}
	}
	return true
}

// coverer looks for covered rules.
type coverer struct {
	list []Cover
	left int // pairs that may be compared
}

// find finds the rules that one of those before them covers; the last one that may
// comes first.
func (c *coverer) find(rule *reach, before []reach) {
	for i := range before {
		if c.left--; c.left < 0 {
			return
		}
		if b := &before[i]; b.covers(rule) {
			c.list = append(c.list, Cover{rule.rule, b.rule, b.verdict == rule.verdict})
			return
		}
	}
}

// covered finds the covered rules of each chain.
func (nf *netfilter) covered() []Cover {
	c := coverer{left: maxCompared}
	seen := map[*chain]bool{}
	var visit func(x *chain)
	visit = func(x *chain) {
		if seen[x] {
			return
		}
		seen[x] = true
		from := everything()
		from.v4, from.v6 = nf.v4 && x.family != 6, nf.v6 && x.family != 4
		var before []reach
		for i := range x.links {
			l := &x.links[i]
			if r, ok := reachOf(l, from); ok {
				c.find(&r, before)
				if r.exact {
					before = append(before, r)
				}
			}
			for _, s := range l.steps {
				if s.verdict != nil && s.verdict.chain != nil {
					visit(s.verdict.chain)
				}
				if s.byMap != nil {
					for j := range s.byMap.elements.all {
						if v := s.byMap.elements.all[j].verdict; v != nil && v.chain != nil {
							visit(v.chain)
						}
					}
				}
			}
		}
	}
	for _, x := range nf.bases {
		if !x.nat {
			visit(x)
		}
	}
	return c.list
}

// covered finds the rules that a quick one before them, or one behind them,
// covers in all directions that they are for.
func (d *pfDecider) covered() []Cover {
	c := coverer{left: maxCompared}
	all := make([]reach, len(d.rules))
	for i := range d.rules {
		r := &d.rules[i]
		x := reach{rule: r.rule, boxes: []box{everything()}, exact: r.rule.NotInterpreted == "" && r.rule.Assumes == ""}
		for j := range r.conds {
			// The flags that rules ask for by themselves, SYN alone, are those of
			// every first packet.
			flags := len(r.conds[j].exprs) == 1 && r.conds[j].exprs[0].field == flagsField
			x.exact = x.exact && (flags || r.conds[j].plain())
			x.boxes = r.conds[j].narrowAll(x.boxes)
		}
		if r.verdict == Unknown || r.anchor || r.movesTo || r.movesFrom || len(x.boxes) == 0 {
			x.boxes = nil
		}
		if x.verdict = acceptVerdict; r.verdict == Deny {
			x.verdict = dropVerdict
		}
		all[i] = x
	}
	for i := range all {
		if all[i].boxes == nil {
			continue
		}
		var by []reach
		for j := range all {
			a, b := &d.rules[j], &d.rules[i]
			if all[j].boxes == nil || b.in && !a.in || b.out && !a.out {
				continue
			}
			if j < i && a.quick || j > i && !b.quick {
				by = append(by, all[j])
			}
		}
		c.find(&all[i], by)
	}
	return c.list
}
