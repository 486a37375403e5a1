package rules

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// This is how netfilter decides, for nft and for iptables alike. A packet
// passes the hooks on its way: prerouting, then input or forward, then
// postrouting. At each, base chains see it in the order of their priority. A
// rule ends with a verdict or not; a jump comes back behind itself, a goto
// behind the jump that led to it. Accept ends the base chain, drop everything.
//
// Where a rule may or may not apply, both ways are followed at once: the result
// of a chain is the set of ways in which it may end.

// ways are the ways in which rules can end.
type ways uint8

const (
	goesOn   ways = 1 << iota // to the next rule
	returns                   // to the chain that jumped here
	accepted                  // by the base chain
	dropped
)

// condition is one match of a rule.
type condition struct {
	exprs    []expr
	elements *elements
	not      bool
	// known is set if the match is the same for every packet: then truth is its
	// value.
	known  bool
	truth  tri
	stated string // as it is written, when it is not interpreted
	places bool   // it is a map to places, of a translation
}

func (c *condition) eval(p *packet, room []value) tri {
	if c.known {
		return c.truth
	}
	values := c.values(p, room)
	if values == nil {
		return never
	}
	t := c.elements.matches(values)
	if c.not {
		t = t.not()
	}
	return t
}

// values gives those of the fields, nil when one is absent.
func (c *condition) values(p *packet, room []value) []value {
	values := room[:0]
	for i := range c.exprs {
		v := c.exprs[i].value(p)
		if v.kind == absentValue {
			return nil
		}
		values = append(values, v)
	}
	return values
}

// verdictKind is what a verdict does.
type verdictKind uint8

const (
	noVerdict verdictKind = iota
	acceptVerdict
	dropVerdict
	returnVerdict
	jumpVerdict
	gotoVerdict
	otherVerdict // it ends in a way that is not known: a queue to a program
	anyVerdict   // it may end in any way, or go on
)

type verdict struct {
	kind   verdictKind
	target string
	chain  *chain // of target; nil when there is no such chain
	move   *move
}

// move is a translation of the destination. A zero address or port stays.
type move struct {
	addr    netip.Addr
	port    uint16
	here    bool // to the firewall itself
	unknown bool // to one of several places
	source  bool // it is the source that is translated
}

// step is one part of a rule: a condition, or a change of the packet, or, last,
// a verdict.
type step struct {
	cond    *condition
	verdict *verdict
	byMap   *condition // a verdict map, whose elements have verdicts
	mark    *setMark
	move    *move // a change of the header, not by translation
	untrack bool
}

// setMark changes the mark to mark&and^xor; with unknown to something else.
type setMark struct {
	and, xor uint32
	unknown  bool
}

// link is a rule in a chain.
type link struct {
	rule  *Rule
	steps []step
}

// chain is a list of rules; with a hook, it is a base chain.
type chain struct {
	name     string // with its table, as in "inet filter input"
	family   uint8  // 4, 6, or 0 for both
	links    []link
	stage    stage
	nat      bool
	priority int64 // as it is written; see called
	policy   verdictKind
	// undecided says why it is not known what the policy does; its kind is
	// otherVerdict then.
	undecided string
	devices   []string // of ingress chains
}

// hook gives the hook that rules are known by; AnyHook for the other stages.
func (s stage) hook() Hook {
	switch s {
	case inputStage:
		return Input
	case forwardStage:
		return Forward
	case outputStage:
		return Output
	}
	return AnyHook
}

// netfilter decides by base chains.
type netfilter struct {
	bases []*chain // by stage and priority
	// staged are the base chains at each stage, for IPv6 and for IPv4: made by sort, and
	// nil where that was not called.
	staged *[numStages][2][]*chain
	places places
	// targets are the addresses to which destinations are translated, and
	// anyTarget is set if they are not all known. bridged is set if rules look at
	// what is bridged.
	targets            []netip.Addr
	anyTarget, bridged bool
	// once is set for rules without hooks, which stand at forward and are asked of
	// every packet. hosts is set for rules of machines, each of which is asked of what
	// it sends and what it receives. silent says why nothing is decided at a hook
	// that the rules are not about.
	once, hosts bool
	silent      map[Hook]string
	// families that the rules are about, 4 and 6 each a bit; what is not among
	// them is not covered.
	v4, v6 bool
}

// sort puts the base chains in the order in which packets pass them.
func (nf *netfilter) sort() {
	slices.SortStableFunc(nf.bases, func(a, b *chain) int {
		if a.stage != b.stage {
			return int(a.stage) - int(b.stage)
		}
		return cmp.Or(cmp.Compare(a.called(), b.called()), cmp.Compare(a.priority, b.priority))
	})
	nf.staged = new([numStages][2][]*chain)
	for _, c := range nf.bases {
		for version, v4 := range [...]bool{false, true} {
			if c.sees(v4) {
				nf.staged[c.stage][version] = append(nf.staged[c.stage][version], c)
			}
		}
	}
}

// moves reports whether rules surely translate the destination of what comes from
// outside the firewall.
func (nf *netfilter) moves(f *Flow) bool {
	g := *f
	if g.In == "" {
		g.In = nf.places.nameOf(f.Client)
	}
	p, w := newPacket(&g, false), walk{budget: maxSteps}
	for _, s := range []stage{ingressStage, preroutingStage} {
		w.stage(nf, s, &p)
	}
	return p.dstMoved == always && !w.spent
}

// turns reports whether rules may bring packets to a server from its own network.
func (nf *netfilter) turns(server netip.Addr) bool {
	return nf.bridged || nf.anyTarget || slices.Contains(nf.targets, server)
}

// findTargets finds where destinations are translated to.
func (nf *netfilter) findTargets() {
	seen := map[*chain]bool{}
	var visit func(c *chain)
	target := func(m *move) {
		switch {
		case m == nil || m.source || m.here:
		case m.unknown:
			nf.anyTarget = true
		case m.addr.IsValid():
			nf.targets = append(nf.targets, m.addr)
		}
	}
	verdict := func(v *verdict) {
		if v == nil {
			return
		}
		target(v.move)
		if v.chain != nil {
			visit(v.chain)
		}
	}
	visit = func(c *chain) {
		if seen[c] {
			return
		}
		seen[c] = true
		for i := range c.links {
			for _, s := range c.links[i].steps {
				target(s.move)
				verdict(s.verdict)
				if s.byMap == nil {
					continue
				}
				for j := range s.byMap.elements.all {
					verdict(s.byMap.elements.all[j].verdict)
				}
			}
		}
	}
	for _, c := range nf.bases {
		visit(c)
	}
}

// called gives the priority at which the kernel calls the chain. Chains of type
// nat are not called themselves: the core of NAT is, at a priority of its own,
// and it asks them in the order of theirs.
func (c *chain) called() int64 {
	switch {
	case !c.nat:
		return c.priority
	case c.stage == preroutingStage || c.stage == outputStage:
		return -100 // NF_IP_PRI_NAT_DST
	}
	return 100 // NF_IP_PRI_NAT_SRC
}

// has reports whether there is a base chain at a stage.
func (nf *netfilter) has(s stage, v4 bool) bool {
	return slices.ContainsFunc(nf.bases, func(c *chain) bool { return c.stage == s && c.sees(v4) })
}

// at gives the base chains at a stage, in their order.
func (nf *netfilter) at(s stage, v4 bool) []*chain {
	switch {
	case nf.staged != nil && v4:
		return nf.staged[s][1]
	case nf.staged != nil:
		return nf.staged[s][0]
	}
	var all []*chain
	for _, c := range nf.bases {
		if c.stage == s && c.sees(v4) {
			all = append(all, c)
		}
	}
	return all
}

func (c *chain) sees(v4 bool) bool { return c.family == 0 || (c.family == 4) == v4 }

func (nf *netfilter) decide(f *Flow) (Decision, bool) {
	v4 := f.Server.Is4()
	if v4 && !nf.v4 || !v4 && !nf.v6 {
		return Decision{}, false
	}
	if f.Client.Is4() != v4 {
		return Decision{Why: "client and server have addresses of different versions"}, true
	}
	g := *f
	if nf.hosts && f.Hook == AnyHook && f.Client != f.Server && within(f.Client, nf.places.local) && within(f.Server, nf.places.local) {
		g.Hook = Forward // out of one of them, and into the other
	}
	// Rules for routed traffic alone are asked of that.
	routed := nf.has(forwardStage, v4) && (nf.silent != nil || !nf.has(inputStage, v4) && !nf.has(outputStage, v4))
	return nf.places.each(&g, routed, func() bool { return nf.turns(f.Server) }, func() bool { return nf.moves(f) }, nf.decideAt), true
}

// hookDecision is what is decided if the packet takes one way.
type hookDecision struct {
	Decision
	hook Hook
}

// agree joins the decisions of all ways that the packet may take: where they
// differ, nothing is decided.
func agree(all []hookDecision) Decision {
	first := all[0].Decision
	same := true
	for i := range all {
		same = same && all[i].Verdict == first.Verdict
	}
	if same {
		var assumes []*Rule
		for _, d := range all {
			if first.Rule == nil && d.Rule != nil {
				first = d.Decision
			}
			for _, r := range d.Assumes {
				if !slices.Contains(assumes, r) {
					assumes = append(assumes, r)
				}
			}
		}
		first.Assumes = assumes
		if first.Verdict != Unknown {
			return first
		}
	}
	// Each rule that decides on one of the ways may be the one.
	var depends []*Rule
	for _, d := range all {
		for _, r := range append([]*Rule{d.Rule}, d.Depends...) {
			if r != nil && !slices.Contains(depends, r) {
				depends = append(depends, r)
			}
		}
	}
	if same {
		return Decision{Why: first.Why, Depends: depends, Missing: first.Missing}
	}
	// Where one way alone is not decided, that is what is missing, if the others
	// agree with one another.
	missing, why := MissingEnds, "; it is not known whether the client or the server is the firewall itself: --local or --interfaces says"
	if !slices.ContainsFunc(all, func(d hookDecision) bool { return d.hook == Input || d.hook == Output }) {
		missing, why = MissingWay, ""
	}
	whys := make([]string, len(all)) // in words only here: there is one decision a flow
	for i := range all {
		whys[i] = "at " + all[i].hook.String() + " " + all[i].Verdict.String() + " (" + all[i].Why + ")"
	}
	return Decision{Why: strings.Join(whys, ", ") + why, Depends: depends, Missing: missing}
}

// hooksOf gives the ways that a packet may take: what is known of the flow, of
// the firewall's own addresses, and of addresses that no router sends on. routed
// is set for rules that only routed packets come to.
func hooksOf(f *Flow, local []netip.Prefix, routed bool) []Hook {
	if f.Hook != AnyHook {
		return []Hook{f.Hook}
	}
	if hook := hookOf(f, local); hook != AnyHook {
		return []Hook{hook}
	}
	switch {
	case !forwardable(f):
		if len(local) > 0 {
			return []Hook{Input}
		}
		return []Hook{Input, Output}
	case len(local) > 0: // multicast, of which the firewall may be a member
		return []Hook{Forward, Input}
	case routed:
		return []Hook{Forward}
	}
	return []Hook{Forward, Input, Output}
}

// forwardable reports whether a router may send the packet on. It does not with
// the limited broadcast address (RFC 1812 section 5.3.5.1), with multicast to
// the link (RFC 1812 section 5.2.1.2 and RFC 4291 section 2.7), with link-local
// addresses of IPv6 (RFC 4291 section 2.5.6) and with loopback addresses.
func forwardable(f *Flow) bool {
	s, c := f.Server, f.Client
	switch {
	case s == limitedBroadcast, s.IsLinkLocalMulticast(), s.IsInterfaceLocalMulticast(), s.IsLoopback(), c.IsLoopback():
		return false
	case !s.Is4() && (s.IsLinkLocalUnicast() || c.IsLinkLocalUnicast()):
		return false
	}
	return true
}

var limitedBroadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// hookOf decides by the firewall's own addresses; AnyHook when they do not tell.
func hookOf(f *Flow, local []netip.Prefix) Hook {
	switch {
	case len(local) == 0:
		return AnyHook
	case within(f.Server, local):
		return Input
	case within(f.Client, local):
		return Output
	case f.Server.IsMulticast() || !forwardable(f):
		return AnyHook
	}
	return Forward
}
