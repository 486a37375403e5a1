package rules

import (
	"fmt"
	"net/netip"
	"slices"
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
	// known is set for matches that are what truth says whatever the packet.
	known  bool
	truth  tri
	stated string // as it is written, when it is not interpreted
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
	source  bool // it is the source that is translated, which no later match looks at
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
	priority int64
	policy   verdictKind
	devices  []string // of ingress chains
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
	local []netip.Prefix
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
		switch {
		case a.priority < b.priority:
			return -1
		case a.priority > b.priority:
			return 1
		}
		return 0
	})
}

// has reports whether there is a base chain at a stage.
func (nf *netfilter) has(s stage, v4 bool) bool {
	return slices.ContainsFunc(nf.bases, func(c *chain) bool { return c.stage == s && c.sees(v4) })
}

// at gives the base chains at a stage, in their order.
func (nf *netfilter) at(s stage, v4 bool) []*chain {
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
	hook := f.Hook
	if hook == AnyHook {
		hook = nf.hookOf(f)
	}
	if hook == AnyHook {
		switch input, forward := nf.has(inputStage, v4), nf.has(forwardStage, v4); {
		case input && !forward:
			hook = Input
		case forward && !input:
			hook = Forward
		}
	}
	if hook != AnyHook {
		return nf.decideAt(f, hook), true
	}
	in, through := nf.decideAt(f, Input), nf.decideAt(f, Forward)
	switch {
	case in.Verdict == through.Verdict && in.Verdict != Unknown:
		if through.Rule != nil && in.Rule == nil {
			return through, true
		}
		return in, true
	case in.Verdict == Unknown && through.Verdict == Unknown:
		return in, true
	}
	why := fmt.Sprintf("at input %s (%s), at forward %s (%s); it is not known whether the server is the firewall itself", in.Verdict, in.Why, through.Verdict, through.Why)
	return Decision{Why: why, Depends: slices.Concat(in.Depends, through.Depends)}, true
}

// hookOf decides by the firewall's own addresses.
func (nf *netfilter) hookOf(f *Flow) Hook {
	switch {
	case len(nf.local) == 0:
		return AnyHook
	case within(f.Server, nf.local):
		return Input
	case within(f.Client, nf.local):
		return Output
	}
	return Forward
}
