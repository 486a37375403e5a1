package rules

import (
	"slices"
)

// walk is one packet's way.
type walk struct {
	budget  int
	spent   bool // the budget is
	depends []*Rule
	why     string // of the last of these
	missing Missing
	assumes []*Rule // that the packet came to
	base    *chain
	unsure  int // how many of the rules that led here may not apply
	// blind is set if nothing is known of the firewall's addresses and interfaces.
	// That a map of places has no key for a packet is then no evidence against the
	// rule: it counts as one that may apply.
	blind bool
	by    []basis
}

// basis is what the verdicts of one base chain rest on.
type basis struct {
	base         *chain
	accept, drop ground
}

// ground is a rule, or, without one, the policy.
type ground struct {
	rule *Rule
	is   bool // there is such a verdict
	sure bool // it does apply
}

// maxSteps bounds the work for one packet: chains that jump to chains can make
// it grow without end. The largest rulesets in use need a hundredth.
const maxSteps = 1 << 20

const maxJumps = 16 // the kernel allows no deeper nesting either

// decideAt asks the chains of one way.
func (nf *netfilter) decideAt(f *Flow, hook Hook) Decision {
	if why := nf.silent[hook]; why != "" && hook == Output {
		return Decision{Why: why, Missing: MissingReading}
	}
	if nf.once {
		hook = Forward
	}
	p := newPacket(f, hook == Input)
	w := walk{budget: maxSteps, blind: len(nf.places.local) == 0 && len(nf.places.interfaces) == 0}
	var order []stage
	if hook == Output {
		p.hide = ^uint32(0) // a program may have set the mark
		order = []stage{outputStage, postroutingStage}
	} else {
		order = []stage{ingressStage, preroutingStage}
	}
	possible := accepted
	run := func(s stage) {
		if possible&accepted != 0 {
			possible = possible&^accepted | w.stage(nf, s, &p)
		}
	}
	for _, s := range order {
		run(s)
	}
	if hook != Output {
		if p.dstMoved != never && f.Out == nf.places.nameOf(f.Server) {
			p.out = "" // of the translated address
			if p.dstMoved == always && !p.dstUnknown {
				p.out = nf.places.nameOf(p.dst)
			}
		}
		switch nf.after(&p, hook) {
		case Input:
			if why := nf.silent[Input]; why != "" {
				return Decision{Why: why, Missing: MissingReading}
			}
			p.atInput = true
			run(inputStage)
		case Forward:
			p.atInput = false
			run(forwardStage)
			run(postroutingStage)
		default: // translated to an address of which it is not known whose it is
			q := p
			before := possible
			p.atInput = true
			run(inputStage)
			in := possible
			if why := nf.silent[Input]; why != "" {
				in, w.why, w.missing = in|accepted|dropped, why, MissingReading
			}
			p, possible = q, before
			p.atInput = false
			run(forwardStage)
			run(postroutingStage)
			possible |= in
		}
	}
	return w.result(possible, hook)
}

// stage runs the base chains at one stage. p is changed by what they do.
func (w *walk) stage(nf *netfilter, s stage, p *packet) ways {
	p.stage = s
	possible := accepted
	for rest := nf.at(s, p.src.Is4()); len(rest) > 0 && possible&accepted != 0; {
		n := together(rest)
		possible = possible&^accepted | w.runEqual(rest[:n], p)
		rest = rest[n:]
	}
	return possible
}

// after says where a packet goes on once its destination may be translated.
func (nf *netfilter) after(p *packet, hook Hook) Hook {
	switch {
	case p.dstMoved == never:
		return hook
	case p.dstHere && p.dstMoved == always:
		return Input
	case p.dstUnknown:
		return AnyHook
	case p.dst.IsLoopback():
		return Input
	case len(nf.places.local) > 0:
		if within(p.dst, nf.places.local) {
			return Input
		}
		return Forward
	case hook == Forward:
		return Forward
	}
	return AnyHook
}

// onDevice says whether an ingress chain sees the packet.
func (p *packet) onDevice(c *chain) tri {
	switch {
	case len(c.devices) == 0:
		return always
	case p.in == "":
		return maybe
	}
	return truth(slices.Contains(c.devices, p.in))
}

// result makes a decision of what is possible.
func (w *walk) result(possible ways, hook Hook) Decision {
	switch {
	case w.spent:
		return Decision{Why: "the chains jump to each other too often to follow", Missing: MissingReading}
	case possible == accepted:
		return w.decided(Allow, hook)
	case possible == dropped:
		return w.decided(Deny, hook)
	}
	slices.SortFunc(w.depends, func(a, b *Rule) int {
		if a.File != b.File {
			return slices.Compare([]string{a.File}, []string{b.File})
		}
		return a.Line - b.Line
	})
	return Decision{Depends: slices.Compact(w.depends), Why: w.why, Missing: w.missing}
}

// decided names what a verdict rests on. Of what accepts, a rule stands before a
// policy, a policy where the packet is filtered before one elsewhere, and the
// later before the earlier. Of what drops the last is the only one there is.
func (w *walk) decided(v Verdict, hook Hook) Decision {
	d := Decision{Verdict: v, Assumes: w.assumes}
	rank, by := 0, (*chain)(nil)
	for _, b := range w.by {
		g := b.accept
		if v == Deny {
			g = b.drop
		}
		r := 1
		switch {
		case !g.is:
			continue
		case v == Deny:
		case g.rule != nil:
			r = 3
		case b.base.stage.hook() != AnyHook:
			r = 2
		}
		if r < rank {
			continue
		}
		rank, d.Rule, by = r, g.rule, b.base
	}
	switch {
	case d.Rule != nil:
		d.Why = "rule " + d.Rule.ID
	case by != nil:
		d.Why = "policy of " + by.name
	default:
		d.Why = "no chain at " + hook.String()
	}
	for _, b := range w.by {
		if g := b.accept; v == Allow && g.sure && g.rule != nil && g.rule != d.Rule && b.base.stage.hook() != AnyHook {
			d.Also = append(d.Also, g.rule)
		}
	}
	return d
}

// together counts the chains that come first and are called in an order that is
// not told.
func together(rest []*chain) int {
	n, nat := 1, rest[0].nat
	for n < len(rest) && rest[n].called() == rest[0].called() {
		nat = nat && rest[n].nat
		n++
	}
	if !nat { // the core of NAT is called before or after the others
		return n
	}
	for n = 1; n < len(rest) && rest[n].called() == rest[0].called() && rest[n].priority == rest[0].priority; {
		n++
	}
	return n
}

// runEqual runs base chains of one priority. The kernel calls them in an order
// that is not told, so each may find the packet as any of the others left it.
func (w *walk) runEqual(chains []*chain, p *packet) ways {
	if len(chains) == 1 {
		return w.runBase(chains[0], p.onDevice(chains[0]), p)
	}
	before := *p
	for range chains {
		merged := before
		for _, c := range chains {
			q, trial := before, walk{budget: w.budget}
			trial.runBase(c, q.onDevice(c), &q)
			w.spent = w.spent || trial.spent
			merged.merge(&q)
		}
		if merged == before {
			break
		}
		before = merged
	}
	possible, after := accepted, before
	for _, c := range chains {
		q := before
		possible = possible&^accepted | w.runBase(c, q.onDevice(c), &q)
		after.merge(&q)
		if possible&accepted == 0 {
			break
		}
	}
	*p = after
	return possible
}

// runBase runs a base chain. p is changed by what it does.
func (w *walk) runBase(c *chain, sees tri, p *packet) ways {
	if sees == never {
		return accepted
	}
	if c.nat {
		way := 0
		if c.called() > 0 {
			way = 1
		}
		switch p.translated[way] {
		case always: // a connection is translated once
			return accepted
		case maybe:
			q := *p
			q.translated[way] = never
			got := w.runBase(c, sees, &q)
			p.merge(&q)
			return got | accepted
		}
	}
	w.base = c
	w.by = append(w.by, basis{base: c})
	p.beforeTrack = (c.stage == preroutingStage || c.stage == outputStage || c.stage == ingressStage) && c.called() <= -200
	got := w.run(c, p, 0)
	if got&(goesOn|returns) != 0 {
		got &^= goesOn | returns
		switch {
		case c.undecided != "":
			got |= dropped | accepted
			w.why, w.missing = c.undecided, MissingReading
			w.decidedBy(true, nil)
			w.decidedBy(false, nil)
		case c.policy == dropVerdict:
			got |= dropped
			w.decidedBy(false, nil)
		default:
			got |= accepted
			w.decidedBy(true, nil)
		}
	}
	if sees == maybe {
		got |= accepted
		w.why = "chain " + c.name + " sees one interface only, and the interface is not known"
	}
	return got
}

// decidedBy remembers who accepted or dropped in the base chain at hand: the
// last of them, unless it may not apply and another does.
func (w *walk) decidedBy(accept bool, r *Rule) {
	b := &w.by[len(w.by)-1]
	g := &b.drop
	if accept {
		g = &b.accept
	}
	if sure := w.unsure == 0; sure || !g.sure {
		*g = ground{r, true, sure}
	}
}

// run runs the rules of a chain.
func (w *walk) run(c *chain, p *packet, depth int) ways {
	var possible ways
	var left *packet // as it was where it may have left the chain
	for i := range c.links {
		got := w.link(&c.links[i], p, depth)
		possible |= got &^ goesOn
		if got&goesOn == 0 {
			if left != nil {
				p.merge(left)
			}
			return possible
		}
		if got&(returns|accepted) != 0 {
			if left == nil {
				q := *p
				left = &q
			} else {
				left.merge(p)
			}
		}
	}
	if left != nil {
		p.merge(left)
	}
	return possible | goesOn
}

// link runs one rule. goesOn is for the next rule, returns for the end of the
// chain.
func (w *walk) link(l *link, p *packet, depth int) ways {
	if w.budget--; w.budget < 0 {
		w.spent = true
		return accepted | dropped
	}
	var room [8]value
	sure := always
	blame, missing := "", MissingOther
	for i := range l.steps {
		s := &l.steps[i]
		var got ways
		switch {
		case s.cond != nil:
			t := s.cond.eval(p, room[:])
			if t == never {
				if s.cond.known && l.rule.Assumes != "" && l.otherwise(i, p, room[:]) {
					w.assume(l.rule)
				}
				return goesOn
			}
			if t < sure {
				sure = t
				blame, missing = w.reason(s.cond, p, room[:])
			}
			continue
		case s.mark != nil:
			s.mark.apply(p, sure)
			continue
		case s.move != nil:
			s.move.apply(p, sure)
			p.srcUnknown = true
			continue
		case s.untrack:
			p.untracked = max(p.untracked, sure)
			continue
		case s.byMap != nil:
			var found tri
			got, found = w.byMap(s.byMap, l.rule, p, depth, room[:], sure)
			if got == goesOn && w.blind && s.byMap.places && s.byMap.values(p, room[:]) != nil {
				sure, found = maybe, maybe
				got = w.verdict(&verdict{kind: acceptVerdict, move: &move{unknown: true}}, l.rule, p, depth, maybe)
			}
			if found == maybe && blame == "" {
				blame, missing = w.reason(s.byMap, p, room[:])
			}
		case s.verdict != nil:
			got = w.verdict(s.verdict, l.rule, p, depth, sure)
			if (s.verdict.kind == otherVerdict || s.verdict.kind == anyVerdict) && blame == "" {
				blame, missing = "what it does is not known", MissingReading
			}
		}
		if got != goesOn && l.rule.Assumes != "" {
			w.assume(l.rule)
		}
		if sure == maybe {
			got |= goesOn
		}
		if blame != "" && got != goesOn {
			w.depends = append(w.depends, l.rule)
			w.why, w.missing = "it is not known whether rule "+l.rule.ID+" applies: "+blame, missing
		}
		return got
	}
	return goesOn
}

// otherwise reports whether the rest of a rule may apply, behind a condition that is
// assumed not to.
func (l *link) otherwise(i int, p *packet, room []value) bool {
	for _, s := range l.steps[i+1:] {
		if s.cond != nil && s.cond.eval(p, room) == never {
			return false
		}
	}
	return true
}

// assume notes a rule of which something is assumed.
func (w *walk) assume(r *Rule) {
	if !slices.Contains(w.assumes, r) {
		w.assumes = append(w.assumes, r)
	}
}

// reason says why it is not known whether a condition holds, and what is missing.
func (w *walk) reason(c *condition, p *packet, room []value) (string, Missing) {
	if c.stated != "" {
		return "not interpreted: " + c.stated, MissingReading
	}
	for i := range c.exprs {
		switch v := c.exprs[i].value(p); {
		case v.kind == interfaceValue:
			return "the interface is not known", MissingInterface
		case v.kind == unknownValue && c.exprs[i].field == sourcePortField:
			return "the client's port is not known", MissingOther
		case v.kind == unknownValue && c.exprs[i].field == sourceField:
			return "the translated source is not known", MissingTranslation
		case v.kind == unknownValue && (c.exprs[i].field == destinationField || c.exprs[i].field == destinationPortField):
			return "the translated destination is not known", MissingTranslation
		case v.hide != 0:
			return "the mark is not known", MissingOther
		}
	}
	return "what it asks for is not known", MissingOther
}

// byMap looks the packet up in a verdict map. found is maybe when it is not
// known which element it is.
func (w *walk) byMap(c *condition, r *Rule, p *packet, depth int, room []value, sure tri) (got ways, found tri) {
	values := c.values(p, room)
	if values == nil {
		return goesOn, never
	}
	values = slices.Clone(values) // jumps use the room too
	if c.elements.searchable(values) {
		el := c.elements.find(values[0])
		if el == nil {
			return goesOn, never
		}
		return w.verdict(el.verdict, r, p, depth, sure), always
	}
	for i := range c.elements.all {
		el := &c.elements.all[i]
		switch t := el.matches(values); {
		case t == always && got == 0:
			return w.verdict(el.verdict, r, p, depth, sure), always
		case t != never:
			got |= w.verdict(el.verdict, r, p, depth, maybe)
			found = maybe
			if t == always {
				return got, found
			}
		}
	}
	return got | goesOn, found
}

// verdict carries a verdict out.
func (w *walk) verdict(v *verdict, r *Rule, p *packet, depth int, sure tri) ways {
	if sure != always {
		w.unsure++
		defer func() { w.unsure-- }()
	}
	switch v.kind {
	case acceptVerdict:
		if v.move != nil {
			if a := v.move.addr; a.IsValid() && a.Is4() != p.src.Is4() {
				return goesOn // it is for the other family
			}
			v.move.apply(p, sure)
			if !w.base.nat {
				return goesOn
			}
			way := 0
			if v.move.source {
				way = 1
			}
			p.translated[way] = max(p.translated[way], sure)
			w.decidedBy(true, nil) // a translation lets nothing through by itself
			return accepted
		}
		w.decidedBy(true, r)
		return accepted
	case dropVerdict:
		w.decidedBy(false, r)
		return dropped
	case returnVerdict:
		return returns
	case otherVerdict, anyVerdict:
		w.decidedBy(true, r)
		w.decidedBy(false, r)
		if v.kind == anyVerdict {
			return accepted | dropped | goesOn
		}
		return accepted | dropped
	case jumpVerdict, gotoVerdict:
		if v.chain == nil || depth >= maxJumps {
			w.spent = w.spent || depth >= maxJumps
			return accepted | dropped | goesOn
		}
		// What the chain changes of the packet is uncertain when it is
		// uncertain whether the packet gets there.
		q := *p
		got := w.run(v.chain, &q, depth+1)
		if sure == always {
			*p = q
		} else {
			p.merge(&q)
		}
		if got&(goesOn|returns) != 0 {
			got &^= goesOn | returns
			if v.kind == jumpVerdict {
				got |= goesOn
			} else {
				got |= returns
			}
		}
		return got
	}
	return goesOn
}

func (m *move) apply(p *packet, sure tri) {
	switch {
	case m.source:
		p.anySource = true // the port may change with the address
		switch {
		case sure != always || m.unknown || p.srcUnknown && !m.addr.IsValid():
			p.srcUnknown = true
		case m.addr.IsValid():
			p.src, p.srcUnknown = m.addr, false
		}
		return
	case sure != always, m.unknown:
		p.dstUnknown, p.portUnknown = true, true
	default:
		if m.addr.IsValid() {
			p.dst, p.dstUnknown = m.addr, false
		}
		if m.here { // to an address of the interface, whichever that is
			p.dstUnknown, p.dstHere = true, true
		}
		if m.port != 0 {
			p.dport, p.portUnknown = m.port, false
		}
	}
	p.dstMoved = max(p.dstMoved, sure)
}

func (m *setMark) apply(p *packet, sure tri) {
	after := p.mark&m.and ^ m.xor
	hide := p.hide & m.and
	if m.unknown {
		hide = ^uint32(0)
	}
	if sure != always {
		hide |= p.hide | p.mark ^ after
	}
	p.mark, p.hide = after, hide
}

// merge makes uncertain what differs between two ways to the same place.
func (p *packet) merge(q *packet) {
	p.hide |= q.hide | p.mark ^ q.mark
	if p.untracked != q.untracked {
		p.untracked = maybe
	}
	for i := range p.translated {
		if p.translated[i] != q.translated[i] {
			p.translated[i] = maybe
		}
	}
	p.anySource = p.anySource || q.anySource
	if p.src != q.src {
		p.srcUnknown = true
	}
	if q.dstMoved != p.dstMoved || q.dst != p.dst || q.dport != p.dport {
		p.dstMoved, p.dstUnknown, p.portUnknown = maybe, true, true
	}
	p.srcUnknown = p.srcUnknown || q.srcUnknown
	p.dstHere = p.dstHere && q.dstHere
	p.dstUnknown = p.dstUnknown || q.dstUnknown
	p.portUnknown = p.portUnknown || q.portUnknown
}
