package rules

import (
	"cmp"
	"net/netip"
	"slices"
)

// pf sees a packet once where it comes in and once where it goes out. Each time
// it goes through all rules for that direction; the last one that matches
// decides, or the first that says quick. What no rule matches passes.

type pfRule struct {
	rule    *Rule
	in, out bool
	quick   bool
	verdict Verdict // Unknown for match, and for an anchor whose rules are not known
	anchor  bool
	// movesTo and movesFrom are set for translations of the destination and of
	// the source. Where to is move, if that is one place; else it is not known.
	movesTo, movesFrom bool
	move               *move
	from               netip.Addr // what the source is translated to, if that is known
	first              bool       // it comes before all rules: nat and rdr
	stays              bool       // what matches is not translated, by no other rule either
	conds              []condition
}

type pfDecider struct {
	rules  []pfRule
	places places
	// names gives the name that rules have for an interface that has others too.
	names map[string]string
}

func (d *pfDecider) decide(f *Flow) (Decision, bool) {
	if f.Client.Is4() != f.Server.Is4() {
		return Decision{Why: "client and server have addresses of different versions"}, true
	}
	if len(d.names) > 0 {
		g := *f
		g.In, g.Out = cmp.Or(d.names[f.In], f.In), cmp.Or(d.names[f.Out], f.Out)
		f = &g
	}
	turned := func() bool { return len(d.moves()) > 0 }
	return d.places.each(f, false, turned, func() bool { return d.translates(f) }, d.decideAt), true
}

// translates reports whether a rule surely translates the destination of what comes
// from outside.
func (d *pfDecider) translates(f *Flow) bool {
	g := *f
	if g.In == "" {
		g.In = d.places.nameOf(f.Client)
	}
	p := newPacket(&g, false)
	p.stage = forwardStage
	d.pass(&p, false)
	return p.dstMoved == always
}

// decideAt asks the rules where packets of one way pass them.
func (d *pfDecider) decideAt(f *Flow, hook Hook) Decision {
	p := newPacket(f, hook == Input)
	if hook == Output {
		p.stage = outputStage
		return d.pass(&p, true)
	}
	switch hook {
	case Input:
		p.stage = inputStage
	case Forward:
		p.stage = forwardStage
	}
	in := d.pass(&p, false)
	sure := p.dstMoved == always && !p.dstUnknown // it goes to where it is translated
	if sure {
		if hook = Forward; len(d.places.local) == 0 {
			hook = Input // or not: that is not known
		} else if within(p.dst, d.places.local) {
			return in
		}
		if f.Out == d.places.nameOf(f.Server) {
			p.out = d.places.nameOf(p.dst)
		}
	}
	if in.Verdict == Deny || hook == Input && !p.dstUnknown && !sure {
		return in
	}
	// What goes on has to leave too. What is for the firewall has not, but it
	// may have been sent on.
	p.stage = forwardStage
	out := d.pass(&p, true)
	switch {
	case in.Verdict == Unknown:
		if hook == Forward && out.Verdict == Deny {
			return out
		}
		return in
	case out.Verdict == Allow:
		if in.Rule == nil {
			return out
		}
		if out.Rule != nil && out.Rule != in.Rule {
			in.Also = []*Rule{out.Rule}
		}
		in.Assumes = append(in.Assumes, out.Assumes...)
		return in
	case hook == Input: // it may be sent on, or may not
		return Decision{Why: "in: " + in.Why + "; out: " + out.Why + "; it is not known where the packet is sent", Depends: append(out.Depends, d.moves()...), Missing: MissingTranslation}
	}
	return out
}

// moves gives the rules that translate destinations.
func (d *pfDecider) moves() []*Rule {
	var all []*Rule
	for i := range d.rules {
		if d.rules[i].movesTo {
			all = append(all, d.rules[i].rule)
		}
	}
	return all
}

// pfWay is what may be the outcome: of a verdict, the rule that gave it last.
type pfWay struct {
	possible bool
	rule     *Rule
}

// pass runs the rules for one direction.
func (d *pfDecider) pass(p *packet, out bool) Decision {
	var final [3]pfWay // that end at a quick rule, by verdict
	current := [3]pfWay{Allow: {possible: true}}
	var depends, quick []*Rule // that may apply
	why, missing := "", MissingOther
	var assumes []*Rule
	var room [8]value
	w := walk{}
	p.leaves = out
	done, moved, sent := false, never, never // whether the destination, and the source, are translated
	for i := range d.rules {
		r := &d.rules[i]
		if out && !r.out || !out && !r.in {
			continue
		}
		t := always
		var vague *condition
		for j := range r.conds {
			c := &r.conds[j]
			got := c.eval(p, room[:])
			if got == maybe && t == always {
				vague = c
			}
			if t = min(t, got); t == never {
				break
			}
		}
		if t == never {
			continue
		}
		if r.movesTo {
			if r.first && moved == always { // the first translation decides
				continue
			}
			if r.stays {
				moved = max(moved, t)
				continue
			}
			to := r.move
			if to == nil || !r.first || t != always || moved != never || to.addr.Is4() != p.src.Is4() {
				to = &move{unknown: true}
			}
			to.apply(p, t)
			moved = max(moved, t)
		}
		if r.movesFrom && r.first {
			if sent == always {
				continue
			}
			sure := sent == never // no rule before may have translated it
			if sent = max(sent, t); r.stays {
				continue
			}
			if !sure {
				p.srcUnknown = true
			}
		}
		if r.movesFrom {
			if p.anySource = true; t == always && r.from.IsValid() && r.from.Is4() == p.src.Is4() && !p.srcUnknown {
				p.src = r.from
			} else {
				p.srcUnknown = true
			}
		}
		if r.verdict == Unknown && !r.anchor {
			continue
		}
		if t == maybe {
			blame, what := w.reason(vague, p, room[:])
			why, missing = "it is not known whether rule "+r.rule.ID+" applies: "+blame, what
		}
		if t == maybe || r.anchor {
			if r.quick || r.anchor {
				quick = append(quick, r.rule)
			} else {
				depends = append(depends, r.rule)
			}
		}
		if r.anchor { // its rules may pass or block, at once or for the time being
			why, missing = "the rules of anchor "+r.rule.ID+" are not known", MissingReading
			for _, v := range []Verdict{Allow, Deny} {
				final[v], current[v] = pfWay{true, r.rule}, pfWay{true, r.rule}
			}
			continue
		}
		way := pfWay{true, r.rule}
		switch {
		case t == always && r.quick:
			final[r.verdict] = way
			done = true
		case r.quick:
			if !final[r.verdict].possible {
				final[r.verdict] = way
			}
		case t == always:
			current = [3]pfWay{}
			current[r.verdict] = way
			depends = nil // what matched before is overruled
		case !current[r.verdict].possible:
			current[r.verdict] = way
		}
		if done {
			break
		}
	}
	if !done {
		for v := range final {
			if current[v].possible {
				final[v] = current[v]
			}
		}
	}
	if final[Allow].possible == final[Deny].possible {
		return Decision{Depends: slices.Concat(quick, depends), Why: why, Missing: missing}
	}
	v := Allow
	if final[Deny].possible {
		v = Deny
	}
	decision := Decision{Verdict: v, Rule: final[v].rule, Why: "no rule matches, and pf passes that"}
	if decision.Rule != nil {
		decision.Why = "rule " + decision.Rule.ID
		if decision.Rule.Assumes != "" {
			assumes = append(assumes, decision.Rule)
		}
	}
	decision.Assumes = assumes
	return decision
}

// openings gives what rules pass. A final block of everything is taken to be
// there when any rule blocks without a condition.
func (d *pfDecider) openings() ([]Opening, bool) {
	o := openings{seen: map[openingKey]bool{}}
	blocked := false
	for i := range d.rules {
		r := &d.rules[i]
		if r.verdict == Deny && r.in && len(r.conds) == 0 {
			blocked = true
		}
		if r.verdict != Allow {
			continue
		}
		boxes := []box{everything()}
		for j := range r.conds {
			boxes = r.conds[j].narrowAll(boxes)
		}
		base := chain{stage: noStage}
		if !r.in {
			base.stage = outputStage
		}
		for _, b := range boxes {
			o.emit(r.rule, b, &base, r.rule.Chain)
		}
	}
	if !blocked {
		o.emit(nil, everything(), &chain{}, "default")
	}
	return o.all, o.truncated
}

// selfCondition is a match with the firewall's own addresses.
func selfCondition(x expr, local []netip.Prefix, not bool) (condition, bool) {
	if len(local) == 0 {
		return condition{}, false
	}
	e := new(elements)
	for _, p := range local {
		e.all = append(e.all, element{terms: []term{prefixTerm(p)}})
	}
	return condition{exprs: []expr{x}, elements: e, not: not}, true
}
