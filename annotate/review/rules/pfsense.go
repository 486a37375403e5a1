package rules

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The configuration of pfSense and OPNsense (config.xml) is what their rules of pf
// are made of: by default all is blocked that comes in, and what leaves passes;
// rules that the system adds; floating rules; those of groups of interfaces; those
// of interfaces. Rules of interfaces, and those that say so, are quick.

// senseReader reads a configuration.
type senseReader struct {
	noter
	opt      Options
	root     *xmlNode
	opnsense bool
	ports    []sensePort
	groups   map[string][]string
	aliases  map[string]senseAlias
	listed   map[string][]netip.Prefix // tables that stand in files of their own
	d        *pfDecider
	// Of the rule at hand.
	node  *xmlNode
	rule  *Rule
	conds []condition
	count map[string]int // of rules, for their names
}

// sensePort is an interface: wan, lan, opt1, with its device and description.
type sensePort struct {
	key, device, descr string
	own                []netip.Prefix
	// unsure is set for 4 and 6 if it has addresses that the file does not say.
	unsure  [2]bool
	gateway bool
	node    *xmlNode
}

type senseAlias struct {
	kind  string
	items []string
}

// isSense reports whether XML is a configuration of pfSense or OPNsense.
func isSense(data []byte) bool {
	head := data[:min(len(data), 4096)]
	return bytes.Contains(head, []byte("<pfsense>")) || bytes.Contains(head, []byte("<opnsense>"))
}

// readSense reads a configuration, with the tables of aliases whose addresses it does
// not have.
func readSense(f file, tables []file, opt Options) (*Set, error) {
	root, err := readXML(f.data, f.name)
	if err != nil {
		return nil, err
	}
	r := &senseReader{
		noter: noter{file: f.name}, opt: opt, root: root, opnsense: root.name == "opnsense",
		groups: map[string][]string{}, aliases: map[string]senseAlias{}, listed: map[string][]netip.Prefix{}, d: &pfDecider{}, count: map[string]int{},
	}
	names := []string{f.name}
	for _, t := range tables {
		r.listed[tableName(t.name)] = r.tableOf(t)
		names = append(names, t.name)
	}
	r.interfaces()
	r.readAliases()
	r.translations()
	r.system()
	r.filter()
	s := &Set{Kind: Sense, Files: names, Rules: r.rules, Notes: r.notes, decider: r.d}
	s.Openings, s.Truncated = r.d.openings()
	s.Covered = slices.DeleteFunc(r.d.covered(), func(c Cover) bool { return c.Rule.Chain == "system" })
	return s, nil
}

// interfaces reads the interfaces with their addresses, groups, and static routes.
func (r *senseReader) interfaces() {
	var places interfaces
	if list := r.root.get("interfaces"); list != nil {
		for _, n := range list.list {
			if !r.opnsense && n.get("enable") == nil && n.name != "wan" && n.name != "lan" || r.opnsense && n.get("enable") != nil && !n.on("enable") {
				continue
			}
			p := sensePort{key: n.name, device: n.str("if"), descr: n.str("descr"), node: n, gateway: n.str("gateway") != "" && n.str("gateway") != "none"}
			for i, tag := range []string{"", "v6"} {
				addr := n.str("ipaddr" + tag)
				if a, ok := parseAddr(addr); ok {
					bits, err := strconv.Atoi(n.str("subnet" + tag))
					if err != nil || bits > a.BitLen() {
						bits = a.BitLen()
					}
					p.own = append(p.own, netip.PrefixFrom(a, bits))
				} else if addr != "" && addr != "none" {
					p.unsure[i] = true
					p.gateway = p.gateway || i == 0 && (addr == "dhcp" || addr == "pppoe" || addr == "pptp" || addr == "l2tp")
				}
			}
			r.ports = append(r.ports, p)
		}
	}
	for _, v := range r.root.children("virtualip", "vip") {
		if a, ok := parseAddr(v.str("subnet")); ok && v.str("mode") != "proxyarp" && v.str("mode") != "other" {
			bits, err := strconv.Atoi(v.str("subnet_bits"))
			if err != nil || bits > a.BitLen() {
				bits = a.BitLen()
			}
			if p := r.port(v.str("interface")); p != nil {
				p.own = append(p.own, netip.PrefixFrom(a, bits))
			}
		}
	}
	for _, g := range r.root.children("ifgroups", "ifgroupentry") {
		r.groups[g.str("ifname")] = strings.FieldsFunc(g.str("members"), isSpaceOrComma)
	}
	gateways := map[string]string{} // names of gateways, with their interfaces
	for _, path := range [][]string{{"gateways", "gateway_item"}, {"OPNsense", "Gateways", "gateway_item"}} {
		for _, g := range r.root.children(path...) {
			gateways[g.str("name")] = g.str("interface")
		}
	}
	defaults := 0
	for i := range r.ports {
		p := &r.ports[i]
		x := places.named(p.key)
		for _, n := range p.own {
			x.own(n)
		}
		if p.gateway {
			x.Default = true
			defaults++
		}
	}
	for _, path := range [][]string{{"staticroutes", "route"}, {"OPNsense", "staticroutes", "route"}} {
		for _, n := range r.root.children(path...) {
			p, ok := prefixOf(n.str("network"))
			if iface := gateways[n.str("gateway")]; ok && iface != "" && !n.on("disabled") {
				places.named(iface).network(p)
			}
		}
	}
	opt := Options{Local: r.opt.Local, Interfaces: places}
	if defaults > 1 { // which of them is used for what is not known
		for i := range opt.Interfaces {
			opt.Interfaces[i].Default = false
		}
	}
	own := newPlaces(opt)
	if len(r.opt.Interfaces) > 0 { // what the user says counts, by whatever name
		var given []Interface
		for _, x := range r.opt.Interfaces {
			if p := r.port(x.Name); p != nil {
				x.Name = p.key
			}
			given = append(given, x)
		}
		own.interfaces = given
		own.local = newPlaces(Options{Local: own.local, Interfaces: given}).local
	}
	r.d.places = own
	r.d.names = map[string]string{}
	for i := len(r.ports) - 1; i >= 0; i-- {
		for _, name := range []string{r.ports[i].descr, r.ports[i].device} {
			if p := r.port(name); p != nil {
				r.d.names[name] = p.key
			}
		}
	}
}

func isSpaceOrComma(c rune) bool { return c == ' ' || c == ',' || c == '\n' || c == '\r' || c == '\t' }

// port finds an interface by its name, else its device, else its description.
func (r *senseReader) port(name string) *sensePort {
	for _, is := range []func(*sensePort) bool{
		func(p *sensePort) bool { return p.key == name },
		func(p *sensePort) bool { return p.device == name },
		func(p *sensePort) bool { return strings.EqualFold(p.descr, name) },
	} {
		if i := slices.IndexFunc(r.ports, func(p sensePort) bool { return is(&p) }); i >= 0 && name != "" {
			return &r.ports[i]
		}
	}
	return nil
}

// begin makes a rule of a node.
func (r *senseReader) begin(n *xmlNode, chain, id string) {
	if r.count[id]++; r.count[id] > 1 {
		id += " (" + strconv.Itoa(r.count[id]) + ")"
	}
	r.node, r.conds = n, nil
	r.rule = &Rule{File: r.file, Line: n.line, ID: id, Chain: chain}
}

func (r *senseReader) when(c *condition) {
	if c != nil {
		r.conds = append(r.conds, *c)
	}
}

// unclear makes the rule one that may match or not.
func (r *senseReader) unclear(text, reason string) {
	r.note(r.rule, r.node.line, text, reason)
	r.when(&condition{known: true, truth: maybe, stated: clip(text)})
}

// add adds a rule of pf.
func (r *senseReader) add(fr pfRule, listed bool) {
	fr.rule, fr.conds = r.rule, r.conds
	if listed {
		r.rules = append(r.rules, r.rule)
	}
	r.d.rules = append(r.d.rules, fr)
}

// on adds the condition on interfaces, in the directions of the rule. A name may be
// that of a group.
func (r *senseReader) on(names []string, not bool, fr *pfRule) {
	var terms []term
	for _, name := range names {
		if name == "any" || name == "" {
			return
		}
		members, ok := r.groups[name]
		if !ok {
			members = []string{name}
		}
		for _, m := range members {
			if p := r.port(m); p != nil {
				terms = append(terms, single(words(p.key)))
				continue
			}
			terms = append(terms, single(words(m)))
		}
	}
	if len(terms) == 0 {
		return
	}
	f := passedField
	switch {
	case !fr.out:
		f = inField
	case !fr.in:
		f = outField
	}
	c := oneOf(f, terms...)
	c.not = not
	r.when(c)
}

// system adds the rules that the system makes itself, before all others.
func (r *senseReader) system() {
	sys := r.root.get("system")
	if sys == nil {
		sys = &xmlNode{line: r.root.line}
	}
	rule := func(n *xmlNode, id string, fr pfRule, conds ...*condition) *Rule {
		r.begin(n, "system", id)
		r.rule.Text, r.rule.Action = id, fr.verdict
		for _, c := range conds {
			r.when(c)
		}
		r.add(fr, false)
		return r.rule
	}
	rule(r.root, "default deny", pfRule{in: true, out: true, verdict: Deny})
	rule(r.root, "what the firewall itself sends, and what passes it, may leave", pfRule{out: true, verdict: Allow})
	if sys.get("ipv6allow") == nil && len(sys.list) > 0 || sys.get("ipv6allow") != nil && !sys.on("ipv6allow") {
		rule(sys, "IPv6 is switched off", pfRule{in: true, out: true, quick: true, verdict: Deny}, oneOf(versionField, single(number(6))))
	}
	for i := range r.ports {
		p := &r.ports[i]
		in := oneOf(inField, single(words(p.key)))
		if p.node.on("blockpriv") {
			rule(p.node, "block private networks on "+p.key, pfRule{in: true, quick: true, verdict: Deny}, in, addressesIn(sourceField, privateNetworks, false))
		}
		if p.node.on("blockbogons") { // the list is not in the file: reserved networks may be in it
			rule(p.node, "block bogon networks on "+p.key, pfRule{in: true, quick: true, verdict: Deny}, in, addressesIn(sourceField, reservedNetworks, true)).NotInterpreted = "the list of bogon networks is not given"
		}
	}
	if gui := sys.get("webgui"); gui == nil || gui.get("noantilockout") == nil {
		lan := r.port("lan")
		if lan == nil && len(r.ports) == 1 {
			lan = &r.ports[0]
		}
		if lan != nil {
			port := uint64(443)
			if sys.str("webgui", "protocol") == "http" {
				port = 80
			}
			if n, ok := onePort(sys.str("webgui", "port")); ok && n > 0 {
				port = uint64(n)
			}
			e := &elements{all: []element{{terms: []term{single(number(port))}}, {terms: []term{single(number(80))}, unsure: true}, {terms: []term{single(number(22))}, unsure: true}}}
			own := asaSide{unsure: lan.unsure[0] || lan.unsure[1]}
			for _, n := range lan.own {
				own.terms = append(own.terms, single(address(n.Addr())))
			}
			rule(lan.node, "anti-lockout", pfRule{in: true, quick: true, verdict: Allow}, oneOf(inField, single(words(lan.key))),
				oneOf(protocolField, single(number(protoTCP))), own.condition(destinationField, "the address of lan"),
				&condition{exprs: []expr{{field: destinationPortField}}, elements: e, stated: "redirection from port 80, and SSH"})
		}
	}
	rule(r.root, "DHCP", pfRule{in: true, quick: true, verdict: Allow}, oneOf(protocolField, single(number(protoUDP))),
		oneOf(destinationPortField, term{lo: number(67), hi: number(68)}, term{lo: number(546), hi: number(547)}),
		&condition{known: true, truth: maybe, stated: "which interfaces have DHCP"}).NotInterpreted = "which interfaces have DHCP"
}

// addressesIn makes a condition on addresses; unsure ones may be among them.
func addressesIn(f field, list []netip.Prefix, unsure bool) *condition {
	e := new(elements)
	for _, p := range list {
		e.all = append(e.all, element{terms: []term{prefixTerm(p)}, unsure: unsure})
	}
	return &condition{exprs: []expr{{field: f}}, elements: e}
}

func mustPrefixes(all ...string) (out []netip.Prefix) {
	for _, s := range all {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// privateNetworks are those of RFC 1918, RFC 4193 and loopback, as the systems block
// them; reservedNetworks are others of IANA's special-purpose registries.
var (
	privateNetworks  = mustPrefixes("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
	reservedNetworks = mustPrefixes("0.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/3", "2001:db8::/32", "3fff::/20")
)

// filter reads the rules of the user, in the order in which pf has them.
func (r *senseReader) filter() {
	type ordered struct {
		node    *xmlNode
		class   int // floating, of a group, of an interface
		order   int
		old     bool
		another string // of the interface
	}
	var all []ordered
	for _, n := range r.root.children("filter", "rule") {
		o := ordered{node: n, class: 2, old: true, another: n.str("interface")}
		if n.on("floating") {
			o.class = 0
		} else if _, ok := r.groups[o.another]; ok || o.another == "openvpn" || o.another == "wireguard" || o.another == "WireGuard" || o.another == "enc0" {
			o.class = 1
		}
		all = append(all, o)
	}
	for _, n := range r.root.children("OPNsense", "Firewall", "Filter", "rules", "rule") {
		list := strings.FieldsFunc(n.str("interface"), isSpaceOrComma)
		o := ordered{node: n, class: 2, another: n.str("interface")}
		if len(list) != 1 || n.on("interfacenot") {
			o.class = 0
		} else if _, ok := r.groups[list[0]]; ok {
			o.class = 1
		}
		o.order, _ = strconv.Atoi(n.str("sequence"))
		all = append(all, o)
	}
	slices.SortStableFunc(all, func(a, b ordered) int {
		if c := cmp.Compare(a.class, b.class); c != 0 || a.old || b.old {
			return c
		}
		return cmp.Compare(a.order, b.order)
	})
	for _, o := range all {
		if o.old {
			r.oldRule(o.node, o.class == 0)
		} else {
			r.newRule(o.node)
		}
	}
}

// name gives what a rule is called: by its description, else by its number.
func (r *senseReader) name(n *xmlNode, chain, descr string) string {
	if descr != "" {
		return chain + ": " + clip(descr)
	}
	return fmt.Sprintf("%s rule in line %d", chain, n.line)
}

var senseActions = map[string]Verdict{"pass": Allow, "block": Deny, "reject": Deny}

// start begins a rule that passes or blocks.
func (r *senseReader) start(n *xmlNode, chain, action, descr, direction string, quick bool) pfRule {
	r.begin(n, chain, r.name(n, chain, descr))
	r.rule.Comment = descr
	fr := pfRule{in: direction != "out", out: direction == "out" || direction == "any", quick: quick, verdict: senseActions[action]}
	r.rule.Action = fr.verdict
	if fr.verdict == Unknown && action != "match" {
		r.unclear(action, "action")
		fr.anchor = true
	}
	return fr
}

// oldRule reads a rule of section filter.
func (r *senseReader) oldRule(n *xmlNode, floating bool) {
	if n.on("disabled") {
		return
	}
	chain, direction, quick := n.str("interface"), n.str("direction"), true
	if floating {
		chain, quick = "floating", n.on("quick")
		if direction == "" {
			direction = "any"
		}
	} else if r.opnsense && n.get("quick") != nil {
		quick = n.on("quick")
	}
	fr := r.start(n, chain, cmp.Or(n.str("type"), "pass"), n.str("descr"), cmp.Or(direction, "in"), quick)
	r.on(strings.FieldsFunc(n.str("interface"), isSpaceOrComma), n.on("interfacenot"), &fr)
	r.match(n)
	r.extras(n, map[string]bool{"os": true, "sched": true, "tagged": true, "dscp": true, "icmptype": true, "icmp6-type": true, "set-prio": false, "prio": true, "tos": true, "received-on": true, "srcmac": true, "dstmac": true})
	r.rule.Text = clip(strings.Join(strings.Fields(fmt.Sprint(cmp.Or(n.str("type"), "pass"), " ", direction, " on ", n.str("interface"), " ", n.str("ipprotocol"), " ", n.str("protocol"),
		" from ", sideText(n.get("source")), " to ", sideText(n.get("destination")))), " "))
	r.add(fr, true)
}

func sideText(n *xmlNode) string {
	if n == nil {
		return "any"
	}
	s := cmp.Or(n.str("network"), n.str("address"), "any")
	if n.on("not") {
		s = "! " + s
	}
	if p := n.str("port"); p != "" {
		s += " port " + p
	}
	return s
}

// newRule reads a rule of OPNsense's newer section.
func (r *senseReader) newRule(n *xmlNode) {
	if n.get("enabled") != nil && !n.on("enabled") {
		return
	}
	names := strings.FieldsFunc(n.str("interface"), isSpaceOrComma)
	chain := "floating"
	if len(names) == 1 {
		chain = names[0]
	}
	direction, action := cmp.Or(n.str("direction"), "in"), cmp.Or(n.str("action"), "pass")
	fr := r.start(n, chain, action, n.str("description"), direction, n.get("quick") == nil || n.on("quick"))
	r.on(names, n.on("interfacenot"), &fr)
	r.protocol(n)
	r.when(r.addresses(sourceField, n.str("source_net"), n.on("source_not"), true))
	r.when(r.addresses(destinationField, n.str("destination_net"), n.on("destination_not"), true))
	r.port2(sourcePortField, n.str("source_port"), n.str("protocol"))
	r.port2(destinationPortField, n.str("destination_port"), n.str("protocol"))
	r.extras(n, map[string]bool{"icmptype": true, "icmp6type": true, "sched": true, "tagged": true, "tos": true, "prio": true, "received-on": true, "srcmac": true})
	r.rule.Text = clip(strings.Join(strings.Fields(fmt.Sprint(action, " ", direction, " on ", n.str("interface"), " ", n.str("ipprotocol"), " ", n.str("protocol"),
		" from ", n.str("source_net"), " ", n.str("source_port"), " to ", n.str("destination_net"), " ", n.str("destination_port"))), " "))
	r.add(fr, true)
}
