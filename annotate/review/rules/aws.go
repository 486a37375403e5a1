package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Security groups are printed by "aws ec2 describe-security-groups". Which
// addresses are in a group is printed by "aws ec2 describe-network-interfaces";
// with it, the groups of the server decide on what comes in, those of the
// client, where it has some, on what goes out, and rules that name a group are
// understood.

// awsDecider decides by security groups.
type awsDecider struct {
	ingress, egress map[string]*group
	order           []string // names of ingress
	members         map[netip.Addr][]string
	private         map[netip.Addr][]string // likewise, without public addresses
}

// awsReader reads the files of security groups.
type awsReader struct {
	noter
	data      []byte
	d         *awsDecider
	addresses map[string][]netip.Addr // of groups, when interfaces are given
	lists     map[string][]peer       // of prefix lists that are given
}

// prefixLists reads what "aws ec2 describe-prefix-lists" prints, or, in a file with the
// name of the list, "aws ec2 get-managed-prefix-list-entries".
func (r *awsReader) prefixLists(f *file) {
	if r.lists == nil {
		r.lists = map[string][]peer{}
	}
	for _, l := range f.root.get("PrefixLists").elements() {
		for _, c := range l.get("Cidrs").elements() {
			if p, ok := prefixOf(c.str()); ok {
				id := l.get("PrefixListId").str()
				r.lists[id] = append(r.lists[id], peer{cidr: p})
			}
		}
	}
	for _, e := range f.root.get("Entries").elements() {
		if p, ok := prefixOf(e.get("Cidr").str()); ok {
			r.lists[tableName(f.name)] = append(r.lists[tableName(f.name)], peer{cidr: p})
		}
	}
}

// readAWS reads files of security groups, and of interfaces, together.
func readAWS(files []file) (*Set, error) {
	r := awsReader{d: &awsDecider{ingress: map[string]*group{}, egress: map[string]*group{}}}
	s := &Set{Kind: AWS}
	for i := range files {
		s.Files = append(s.Files, files[i].name)
		if list := files[i].root.get("NetworkInterfaces"); list != nil {
			r.interfaces(files[i].name, list)
		}
		r.prefixLists(&files[i])
	}
	for i := range files {
		root := files[i].root
		if root.is(nodeObject) && root.get("SecurityGroups") == nil {
			continue
		}
		list := root
		if g := root.get("SecurityGroups"); g != nil {
			list = g
		}
		if !list.is(nodeArray) {
			return nil, fmt.Errorf("%s:%d: SecurityGroups is no list", files[i].name, list.line)
		}
		r.file, r.data = files[i].name, files[i].data
		for _, g := range list.list {
			r.group(g)
		}
	}
	if len(r.d.order) == 0 {
		return nil, fmt.Errorf("%s: what belongs to security groups, and none of these: add the output of aws ec2 describe-security-groups", files[0].name)
	}
	for _, id := range r.d.order {
		for _, gr := range r.d.egress[id].grants {
			if r.d.members == nil && !(gr.any && gr.peers[0].cidr.IsValid() && gr.peers[0].cidr.Bits() == 0) {
				r.file = gr.rule.File
				r.note(gr.rule, gr.rule.Line, gr.rule.ID, "which clients it is for is not given: add the output of aws ec2 describe-network-interfaces")
			}
		}
	}
	s.Rules, s.Notes, s.decider = r.rules, r.notes, r.d
	for _, id := range r.d.order {
		var servers []netip.Prefix
		if r.d.members != nil {
			servers = singles(r.addresses[id])
		}
		s.Openings = append(s.Openings, r.d.ingress[id].openings(servers)...)
	}
	return s, nil
}

// interfaces reads which addresses are in which groups.
func (r *awsReader) interfaces(file string, list *node) {
	if r.d.members == nil {
		r.d.members, r.d.private, r.addresses = map[netip.Addr][]string{}, map[netip.Addr][]string{}, map[string][]netip.Addr{}
	}
	for _, n := range list.elements() {
		var all []netip.Addr
		public := map[netip.Addr]bool{}
		add := func(v *node) {
			if a, ok := parseAddr(v.str()); ok && !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
		addPublic := func(v *node) {
			if a, ok := parseAddr(v.str()); ok {
				public[a] = true
			}
			add(v)
		}
		add(n.get("PrivateIpAddress"))
		addPublic(n.get("Association").get("PublicIp"))
		for _, p := range n.get("PrivateIpAddresses").elements() {
			add(p.get("PrivateIpAddress"))
			addPublic(p.get("Association").get("PublicIp"))
		}
		for _, p := range n.get("Ipv6Addresses").elements() {
			add(p.get("Ipv6Address"))
		}
		if len(all) == 0 {
			r.notes = append(r.notes, Note{File: file, Line: n.line, Text: n.get("NetworkInterfaceId").str(), Reason: "interface without an address"})
		}
		for _, a := range all {
			r.d.members[a] = nonNil(r.d.members[a])
		}
		for _, g := range n.get("Groups").elements() {
			id := g.get("GroupId").str()
			for _, a := range all {
				r.d.members[a] = append(r.d.members[a], id)
				if !public[a] {
					r.d.private[a] = append(r.d.private[a], id)
				}
				r.addresses[id] = append(r.addresses[id], a)
			}
		}
	}
}

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func (r *awsReader) group(n *node) {
	id := n.get("GroupId").str()
	if id == "" {
		r.note(nil, n.line, clip(n.source(r.data)), "group without an identifier")
		return
	}
	if r.d.ingress[id] == nil {
		r.d.order = append(r.d.order, id)
	}
	in, out := &group{name: id}, &group{name: id}
	r.d.ingress[id], r.d.egress[id] = in, out
	for _, p := range n.get("IpPermissions").elements() {
		r.permission(in, p, "ingress")
	}
	for _, p := range n.get("IpPermissionsEgress").elements() {
		r.permission(out, p, "egress")
	}
}

// permission reads one entry, which holds as many rules as it has ranges.
func (r *awsReader) permission(g *group, p *node, way string) {
	base := grant{ports: allPorts}
	text := way
	from, hasFrom := p.get("FromPort").number()
	to, hasTo := p.get("ToPort").number()
	bad := ""
	icmp := false
	switch name := p.get("IpProtocol").str(); name {
	case "-1", "all":
		base.any = true
		text += " all"
	default:
		n, ok := protocolNames[name]
		if !ok {
			var port uint16
			port, ok = onePort(name)
			n = uint64(port)
		}
		if !ok || n > 255 {
			bad = "unknown protocol " + name
		}
		base.protocol = uint8(n)
		text += " " + name
		icmp = base.protocol == protoICMP || base.protocol == protoICMPv6
		switch {
		case icmp:
			if hasFrom { // the type; it is -1 for all
				bad = "no flow tells the type"
				text += fmt.Sprintf(" type %d", from)
			}
		case (base.protocol == protoTCP || base.protocol == protoUDP) && hasFrom && hasTo:
			if from > to || to > 65535 {
				bad = "range of ports"
				break
			}
			base.ports = Range{uint16(from), uint16(to)}
			text += " " + base.ports.String()
		}
	}
	ranges := 0
	add := func(n *node, who, reason string, peers ...peer) {
		ranges++
		gr := base
		gr.peers = peers
		gr.rule = &Rule{
			File: r.file, Line: n.line, Chain: g.name, Action: Allow, Comment: n.get("Description").str(),
			Text: text + " " + map[string]string{"ingress": "from", "egress": "to"}[way] + " " + who,
		}
		gr.rule.ID = g.name + " " + gr.rule.Text
		r.rules = append(r.rules, gr.rule)
		for _, why := range []string{bad, reason} {
			if why != "" {
				r.note(gr.rule, n.line, gr.rule.Text, why)
				gr.unsure = true
			}
		}
		g.grants = append(g.grants, gr)
	}
	for _, list := range []struct{ key, value string }{{"IpRanges", "CidrIp"}, {"Ipv6Ranges", "CidrIpv6"}} {
		for _, n := range p.get(list.key).elements() {
			cidr, ok := prefixOf(n.get(list.value).str())
			reason := ""
			if !ok {
				reason = "range of addresses"
				cidr = netip.Prefix{}
			}
			pe := peer{cidr: cidr}
			if !ok {
				pe.member = func(netip.Addr) tri { return maybe }
			}
			add(n, n.get(list.value).str(), reason, pe)
		}
	}
	for _, n := range p.get("UserIdGroupPairs").elements() {
		id := n.get("GroupId").str()
		reason := ""
		if r.d.members == nil {
			reason = "the addresses of the group are not given: add the output of aws ec2 describe-network-interfaces"
		}
		add(n, id, reason, peer{member: r.d.memberOf(id)})
	}
	for _, n := range p.get("PrefixListIds").elements() {
		id := n.get("PrefixListId").str()
		if list := r.lists[id]; list != nil {
			add(n, id, "", list...)
			continue
		}
		add(n, id, "the prefix list is not given: add the output of aws ec2 describe-prefix-lists",
			peer{member: func(netip.Addr) tri { return maybe }})
	}
	if ranges == 0 {
		r.note(nil, p.line, g.name+" "+text, "a permission for nobody")
	}
}

// memberOf says whether addresses are in a group, for a rule that names the
// group: it is matched with private addresses only.
func (d *awsDecider) memberOf(id string) func(netip.Addr) tri {
	return func(a netip.Addr) tri {
		if d.members == nil {
			return maybe
		}
		return truth(slices.Contains(d.private[a], id))
	}
}

func (d *awsDecider) decide(f *Flow) (Decision, bool) {
	named := func(*grant, *Flow) tri { return maybe } // ports have no names here
	if awsUnfiltered[f.Server] {
		return Decision{Verdict: Allow, Why: "security groups do not filter traffic to " + f.Server.String()}, true
	}
	if d.members == nil {
		return d.withoutInterfaces(f, named), true
	}
	servers, isMember := d.members[f.Server]
	clients, sends := d.members[f.Client]
	if !isMember && !sends {
		return Decision{}, false
	}
	in := Decision{Verdict: Allow, Why: "the server is in no group"}
	if isMember {
		in = d.askAll(f, f.Client, servers, d.ingress, named)
	}
	if !sends || in.Verdict == Deny {
		return in, true
	}
	out := d.askAll(f, f.Server, clients, d.egress, named)
	if out.Verdict == Allow || in.Verdict == Unknown && out.Verdict == Unknown {
		return in, true
	}
	out.Why = "egress of the client: " + out.Why
	return out, true
}

// awsUnfiltered are the addresses of services of the platform that security
// groups never filter: names, instance and task metadata, and time.
// https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
var awsUnfiltered = map[netip.Addr]bool{
	netip.MustParseAddr("169.254.169.253"): true,
	netip.MustParseAddr("fd00:ec2::253"):   true,
	netip.MustParseAddr("169.254.169.254"): true,
	netip.MustParseAddr("fd00:ec2::254"):   true,
	netip.MustParseAddr("169.254.170.2"):   true,
	netip.MustParseAddr("169.254.169.123"): true,
	netip.MustParseAddr("fd00:ec2::123"):   true,
}

// withoutInterfaces decides when it is not known which addresses are in which
// groups. The server may be in some, and the client, whose egress rules decide
// then; what both ways come to is the answer.
func (d *awsDecider) withoutInterfaces(f *Flow, named func(*grant, *Flow) tri) Decision {
	var in, out []groupVerdict
	member := maybe
	if len(d.order) == 1 {
		member = always
	}
	for _, id := range d.order {
		in = append(in, d.ingress[id].ask(f, f.Client, member, named))
		out = append(out, d.egress[id].ask(f, f.Server, member, named))
	}
	ingress, egress := union(in, "group"), union(out, "group")
	if ingress.Verdict == egress.Verdict && ingress.Verdict != Unknown {
		return ingress
	}
	var depends []*Rule
	for _, r := range slices.Concat([]*Rule{ingress.Rule, egress.Rule}, ingress.Depends, egress.Depends) {
		if r != nil && !slices.Contains(depends, r) {
			depends = append(depends, r)
		}
	}
	return Decision{Depends: depends, Missing: MissingMembers, Why: fmt.Sprintf(
		"if the server is in the groups %s (%s), if the client is %s (%s); add the output of aws ec2 describe-network-interfaces",
		ingress.Verdict, ingress.Why, egress.Verdict, egress.Why)}
}

// askAll asks the groups of one end.
func (d *awsDecider) askAll(f *Flow, other netip.Addr, ids []string, from map[string]*group, named func(*grant, *Flow) tri) Decision {
	var all []groupVerdict
	var missing []string
	for _, id := range ids {
		if g := from[id]; g != nil {
			all = append(all, g.ask(f, other, always, named))
		} else {
			missing = append(missing, id)
		}
	}
	if len(all) == 0 && len(missing) == 0 {
		return Decision{Verdict: Deny, Why: "the interface is in no group"}
	}
	decision := Decision{Verdict: Deny}
	if len(all) > 0 {
		decision = union(all, "group")
	}
	if decision.Verdict == Deny && len(missing) > 0 {
		return Decision{Why: "the rules of group " + strings.Join(missing, ", ") + " are not given", Missing: MissingMembers}
	}
	return decision
}
