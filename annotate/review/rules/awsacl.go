package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// Network access lists of AWS ("aws ec2 describe-network-acls") filter what enters
// and leaves a subnet, in the order of their numbers. They know no connections: what
// answers has to be let through too. Which addresses are in a subnet is printed by
// "aws ec2 describe-subnets", and that of interfaces by "aws ec2
// describe-network-interfaces".

// awsACL is a list, with the subnets that it is for.
type awsACL struct {
	id      string
	subnets []string
	in, out *chain
}

// aclDecider decides by the lists of both ends.
type aclDecider struct {
	acls []*awsACL
	// of gives the subnet of addresses that are known by themselves, and subnets the
	// networks of each.
	of      map[netip.Addr]string
	subnets map[string][]netip.Prefix
}

// readACLs reads the lists among files of AWS; nil if there are none.
func readACLs(files []file) *Set {
	r := noter{}
	d := &aclDecider{of: map[netip.Addr]string{}, subnets: map[string][]netip.Prefix{}}
	s := &Set{Kind: AWSACL, decider: d}
	for _, f := range files {
		r.file = f.name
		list := f.root.get("NetworkAcls").elements()
		for _, n := range list {
			d.acls = append(d.acls, r.acl(n))
		}
		if len(list) > 0 {
			s.Files = append(s.Files, f.name)
		}
		for _, n := range f.root.get("Subnets").elements() {
			id := n.get("SubnetId").str()
			all := []*node{n.get("CidrBlock")}
			for _, v6 := range n.get("Ipv6CidrBlockAssociationSet").elements() {
				all = append(all, v6.get("Ipv6CidrBlock"))
			}
			for _, c := range all {
				if p, ok := prefixOf(c.str()); ok {
					d.subnets[id] = append(d.subnets[id], p)
				}
			}
		}
		for _, n := range f.root.get("NetworkInterfaces").elements() {
			id := n.get("SubnetId").str()
			for _, list := range []struct{ key, value string }{{"PrivateIpAddresses", "PrivateIpAddress"}, {"Ipv6Addresses", "Ipv6Address"}} {
				for _, a := range n.get(list.key).elements() {
					if addr, ok := parseAddr(a.get(list.value).str()); ok && id != "" {
						d.of[addr] = id
					}
				}
			}
			if a, ok := parseAddr(n.get("PrivateIpAddress").str()); ok && id != "" {
				d.of[a] = id
			}
		}
	}
	if len(d.acls) == 0 {
		return nil
	}
	s.Rules, s.Notes = r.rules, r.notes
	for _, a := range d.acls {
		o := openings{seen: map[openingKey]bool{}}
		o.walk(a.in, everything(), a.in, 0)
		for i := range o.all {
			if servers := d.networks(a); len(servers) > 0 {
				o.all[i].Servers = servers
			}
			o.all[i].Hook = AnyHook
		}
		s.Openings, s.Truncated = append(s.Openings, o.all...), s.Truncated || o.truncated
	}
	nf := &netfilter{v4: true, v6: true}
	for _, a := range d.acls {
		nf.bases = append(nf.bases, a.in, a.out)
	}
	s.Covered = nf.covered()
	return s
}

// networks gives those of a list's subnets.
func (d *aclDecider) networks(a *awsACL) (all []netip.Prefix) {
	for _, id := range a.subnets {
		all = append(all, d.subnets[id]...)
	}
	return all
}

// acl reads a list.
func (r *noter) acl(n *node) *awsACL {
	a := &awsACL{id: n.get("NetworkAclId").str()}
	for _, s := range n.get("Associations").elements() {
		a.subnets = append(a.subnets, s.get("SubnetId").str())
	}
	a.in = &chain{name: a.id + " ingress", stage: inputStage, policy: dropVerdict}
	a.out = &chain{name: a.id + " egress", stage: outputStage, policy: dropVerdict}
	type numbered struct {
		number uint64
		link   link
		out    bool
	}
	var all []numbered
	for _, e := range n.get("Entries").elements() {
		number, _ := e.get("RuleNumber").number()
		out := e.get("Egress").is(nodeBool) && e.get("Egress").text == "true"
		all = append(all, numbered{number, r.aclEntry(a, e, number, out), out})
	}
	slices.SortStableFunc(all, func(a, b numbered) int { return int(min(a.number, 1<<20)) - int(min(b.number, 1<<20)) })
	for _, x := range all {
		c := a.in
		if x.out {
			c = a.out
		}
		c.links = append(c.links, x.link)
	}
	return a
}

// aclEntry reads one entry.
func (r *noter) aclEntry(a *awsACL, e *node, order uint64, out bool) link {
	way, word, f := "ingress", "from", sourceField
	if out {
		way, word, f = "egress", "to", destinationField
	}
	rule := &Rule{File: r.file, Line: e.line, Chain: a.id, ID: fmt.Sprintf("%s %s %d", a.id, way, order)}
	if order == 32767 {
		rule.ID = a.id + " " + way + " default"
	}
	r.rules = append(r.rules, rule)
	l := link{rule: rule}
	when := func(c *condition) {
		if c != nil {
			l.steps = append(l.steps, step{cond: c})
		}
	}
	unclear := func(text, reason string) {
		r.note(rule, e.line, text, reason)
		when(&condition{known: true, truth: maybe, stated: clip(text)})
	}
	cidr := e.get("CidrBlock").str() + e.get("Ipv6CidrBlock").str()
	if p, ok := prefixOf(cidr); ok {
		when(oneOf(f, prefixTerm(p)))
	} else {
		unclear(cidr, "range of addresses")
	}
	text := way
	switch name := e.get("Protocol").str(); {
	case name == "-1" || name == "all":
		text += " all"
	default:
		protos, ok := namedProtocols(name)
		if !ok || protos == nil {
			unclear("protocol "+name, "unknown protocol")
			break
		}
		when(oneOf(protocolField, single(number(protos[0]))))
		text += " " + protocolText(protos[0])
		from, ok1 := e.get("PortRange").get("From").number()
		to, ok2 := e.get("PortRange").get("To").number()
		switch {
		case protos[0] == protoICMP || protos[0] == protoICMPv6:
			if t := e.get("IcmpTypeCode").get("Type"); t != nil && t.text != "-1" {
				unclear("type "+t.text, "no flow tells the type")
			}
		case ok1 && ok2 && from <= to && to <= 65535:
			text += fmt.Sprintf(" %d-%d", from, to)
			if from > 0 || to < 65535 {
				when(oneOf(destinationPortField, term{lo: number(from), hi: number(to)}))
			}
		}
	}
	v := &verdict{kind: otherVerdict}
	switch action := e.get("RuleAction").str(); action {
	case "allow":
		v.kind, rule.Action = acceptVerdict, Allow
	case "deny":
		v.kind, rule.Action = dropVerdict, Deny
	default:
		r.note(rule, e.line, action, "action")
	}
	rule.Text = clip(e.get("RuleAction").str() + " " + text + " " + word + " " + cidr)
	l.steps = append(l.steps, step{verdict: v})
	return l
}

func protocolText(n uint64) string {
	switch n {
	case protoTCP:
		return "tcp"
	case protoUDP:
		return "udp"
	}
	return strconv.FormatUint(n, 10)
}

// subnet finds the subnet of an address; "" if none that is given has it.
func (d *aclDecider) subnet(a netip.Addr) (id string, known bool) {
	if id := d.of[a]; id != "" {
		return id, true
	}
	best := -1
	for name, list := range d.subnets {
		for _, p := range list {
			if p.Contains(a) && p.Bits() > best {
				id, best = name, p.Bits()
			}
		}
	}
	return id, len(d.subnets) > 0 // without subnets, nothing is known of other addresses
}

// list finds the list that a subnet has.
func (d *aclDecider) list(subnet string) *awsACL {
	for _, a := range d.acls {
		if slices.Contains(a.subnets, subnet) {
			return a
		}
	}
	return nil
}

// aclAsked is a question to one list: whether it lets a packet through.
type aclAsked struct {
	what  string
	chain *chain
	f     Flow
}

func (d *aclDecider) decide(f *Flow) (Decision, bool) {
	if f.Client.Is4() != f.Server.Is4() {
		return Decision{Why: "client and server have addresses of different versions"}, true
	}
	back := Flow{Protocol: f.Protocol, Client: f.Server, ClientPort: f.ServerPort, Server: f.Client, ServerPort: f.ClientPort}
	client, ok1 := d.subnet(f.Client)
	server, ok2 := d.subnet(f.Server)
	if ok1 && ok2 && client == server && client != "" {
		return Decision{Why: "client and server are in one subnet, which network access lists do not filter"}, false
	}
	var all []aclAsked
	ask := func(subnet string, enters bool) string {
		a := d.list(subnet)
		if a == nil {
			return "the network access list of " + subnet + " is not given"
		}
		if enters { // it enters the subnet of the server, and answers leave it
			all = append(all, aclAsked{"", a.in, *f}, aclAsked{"answers: ", a.out, back})
		} else {
			all = append(all, aclAsked{"", a.out, *f}, aclAsked{"answers: ", a.in, back})
		}
		return ""
	}
	missing := ""
	if client != "" {
		missing = ask(client, false)
	}
	if server != "" && missing == "" {
		missing = ask(server, true)
	}
	switch {
	case missing != "":
		return Decision{Why: missing, Missing: MissingMembers}, true
	case !ok1 || !ok2 || client == "" && server == "" && len(d.subnets) == 0:
		return d.anyList(f, back), true
	case len(all) == 0:
		return Decision{}, false
	}
	return joinAsked(all), true
}

// anyList decides where it is not known which subnets the ends are in: what all lists
// let through, or deny, both ways.
func (d *aclDecider) anyList(f *Flow, back Flow) Decision {
	var allow, deny int
	var depends []*Rule
	first := Decision{}
	for _, a := range d.acls {
		for _, end := range [][]aclAsked{
			{{"", a.in, *f}, {"answers: ", a.out, back}},
			{{"", a.out, *f}, {"answers: ", a.in, back}},
		} {
			got := joinAsked(end)
			switch got.Verdict {
			case Allow:
				allow++
			case Deny:
				deny++
			}
			if allow+deny == 1 && first.Why == "" {
				first = got
			}
			for _, r := range got.rules() {
				if !slices.Contains(depends, r) {
					depends = append(depends, r)
				}
			}
		}
	}
	ways := 2 * len(d.acls)
	if allow == ways || deny == ways {
		return first
	}
	return Decision{Depends: depends, Missing: MissingMembers, Why: "it is not known which subnets the ends are in: add the output of aws ec2 describe-subnets"}
}

// joinAsked asks lists, all of which a connection has to pass, with its answers.
func joinAsked(all []aclAsked) Decision {
	var last, unknown *Decision
	var also []*Rule
	for _, q := range all {
		p := newPacket(&q.f, q.chain.stage == inputStage)
		p.stage = q.chain.stage
		p.portUnknown = q.f.ServerPort == 0 && hasPorts(q.f.Protocol)
		w := walk{budget: maxSteps}
		got := w.runBase(q.chain, always, &p)
		d := w.result(got, q.chain.stage.hook())
		d.Why = q.what + d.Why
		switch d.Verdict {
		case Deny:
			return d
		case Unknown:
			if unknown == nil {
				unknown = &d
			}
		default:
			if last != nil && last.Rule != nil {
				also = append(also, d.Rule)
				continue
			}
			last = &d
		}
	}
	if unknown != nil {
		return *unknown
	}
	last.Also = slices.DeleteFunc(also, func(r *Rule) bool { return r == nil || r == last.Rule })
	return *last
}
