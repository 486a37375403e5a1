package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Security groups and network policies only allow. An end of a connection is a
// member of groups, or selected by policies; what any of these allows is
// allowed, and the rest is denied. Which ends are members is not said by the
// rules themselves. When nothing else says it either, the server is taken to be
// a member of at least one, and the answer is known where it is the same for
// each choice.

// group is a security group, or a network policy for one direction.
type group struct {
	name   string
	grants []grant
}

// grant is one rule of a group.
type grant struct {
	rule     *Rule
	any      bool // whatever protocol
	protocol uint8
	ports    Range
	name     string // of the port, when it is named
	unsure   bool   // a part of it is not interpreted
	// Peers are those that it allows: all, or the ones that any of the list
	// names.
	all   bool
	peers []peer
}

// peer is who may be on the other side.
type peer struct {
	cidr   netip.Prefix
	except []netip.Prefix
	member func(a netip.Addr) tri // nil for a cidr
}

func (p *peer) matches(a netip.Addr) tri {
	if p.member != nil {
		return p.member(a)
	}
	return truth(p.cidr.Contains(a) && !within(a, p.except))
}

// matches says whether the grant lets a flow through. other is the address at
// the other side; named says what a named port is.
func (g *grant) matches(f *Flow, other netip.Addr, named func(g *grant, f *Flow) tri) tri {
	t := always
	switch {
	case g.any:
	case g.protocol != f.Protocol:
		return never
	case g.name != "":
		t = named(g, f)
	case hasPorts(f.Protocol) && !g.ports.Contains(f.ServerPort):
		return never
	}
	if !g.all {
		found := never
		for i := range g.peers {
			found = max(found, g.peers[i].matches(other))
		}
		t = min(t, found)
	}
	if g.unsure {
		t = min(t, maybe)
	}
	return t
}

// verdict is what one group says of a flow.
type groupVerdict struct {
	group   *group
	member  tri
	allows  tri
	rule    *Rule // that allows
	depends []*Rule
}

func (g *group) ask(f *Flow, other netip.Addr, member tri, named func(*grant, *Flow) tri) groupVerdict {
	v := groupVerdict{group: g, member: member}
	for i := range g.grants {
		gr := &g.grants[i]
		switch gr.matches(f, other, named) {
		case always:
			return groupVerdict{group: g, member: member, allows: always, rule: gr.rule}
		case maybe:
			v.allows = maybe
			v.depends = append(v.depends, gr.rule)
		}
	}
	return v
}

// union joins what groups say. There is at least one of which the end is, or
// may be, a member.
func union(all []groupVerdict, what string) Decision {
	var depends []*Rule
	var names []string
	every, some := true, false
	var by *groupVerdict
	for i := range all {
		v := &all[i]
		if v.allows == always {
			if v.member == always {
				return Decision{Verdict: Allow, Rule: v.rule, Why: "rule " + v.rule.ID}
			}
			by = v
		}
		every = every && v.allows == always
		some = some || v.allows != never
		depends = append(depends, v.depends...)
		if v.allows == always {
			depends = append(depends, v.rule)
			names = append(names, v.group.name)
		}
	}
	switch {
	case !some:
		for i := range all {
			names = append(names, all[i].group.name)
		}
		return Decision{Verdict: Deny, Why: "no rule of " + what + " " + list(names) + " allows it"}
	case every:
		return Decision{Verdict: Allow, Rule: by.rule, Why: "rule " + by.rule.ID}
	case len(names) > 0:
		return Decision{Depends: depends, Why: fmt.Sprintf("%s %s allows it, and it is not known whether the server belongs to that", what, list(names)), Missing: MissingMembers}
	}
	return Decision{Depends: depends, Why: "it is not known whether rule " + depends[0].ID + " applies: " + depends[0].NotInterpreted, Missing: MissingReading}
}

// list joins names, the first few of them.
func list(names []string) string {
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + fmt.Sprintf(" and %d more", len(names)-3)
	}
	return strings.Join(names, ", ")
}

// openings gives what a group's grants open.
func (g *group) openings(servers []netip.Prefix) []Opening {
	var all []Opening
	for i := range g.grants {
		gr := &g.grants[i]
		o := Opening{Rule: gr.rule, Chain: g.name, Protocol: gr.protocol, Any: gr.any, Ports: gr.ports, Servers: servers, Partly: gr.unsure || gr.name != ""}
		if !gr.all {
			o.Clients = []netip.Prefix{}
			for _, p := range gr.peers {
				if p.member != nil {
					o.Clients, o.Partly = nil, true
					break
				}
				o.Clients = append(o.Clients, p.cidr)
				o.Partly = o.Partly || len(p.except) > 0
			}
			if o.Clients != nil {
				o.Clients = sortPrefixes(o.Clients)
			}
		}
		all = append(all, o)
	}
	return all
}

// singles gives prefixes of single addresses, ordered.
func singles(all []netip.Addr) []netip.Prefix {
	var out []netip.Prefix
	for _, a := range all {
		out = append(out, netip.PrefixFrom(a, a.BitLen()))
	}
	return sortPrefixes(slices.Clip(out))
}
