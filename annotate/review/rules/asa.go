package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// The configuration of a Cisco ASA ("show running-config") has objects, groups of
// them, access lists, and lines that bind these to interfaces. A packet that comes
// in is asked of the list of its interface, then of the global one, and is denied
// if neither permits it. An interface without either permits what goes to one with
// a lower security level. A packet that leaves is asked of the list for that way.
// Lists see the addresses behind translation since version 8.3.

// asaReader reads one configuration.
type asaReader struct {
	noter
	names    map[string]string    // of the command name
	objects  map[string]asaSide   // of networks, and groups of them
	services map[string][]service // objects and groups of services, protocols and ICMP types
	lists    map[string]*asaList
	order    []string // of lists
	binds    []asaBind
	ports    []asaPort
	pools    []asaPool
	nats     []asaNAT
	vpns     []asaLine
	opt      Options
	nf       *netfilter

	mode, modeName   string // the block that the line is in, and what it defines
	groupProto       string
	old              bool // before version 8.3
	v4only           bool // before version 9.0 lists are for one version of IP
	interSame        bool // traffic between interfaces of one level is permitted
	dynamic, bridged bool // routes are learned; interfaces are bridged
	vpnAsked         bool // packets of VPNs are asked of access lists

	line  int
	text  string
	words []string
	at    int
	// Of the entry at hand.
	rule  *Rule
	steps []step
}

// asaLine is a line to be read when all objects are known.
type asaLine struct {
	line  int
	text  string
	words []string
}

// asaPool is a range of addresses that VPN clients get.
type asaPool struct {
	asaLine
	term term
}

// asaPort is an interface with a name.
type asaPort struct {
	name   string
	line   int
	level  int // 0 to 100, -1 if it is not said
	nets   []netip.Prefix
	isBVI  bool
	manage bool // nothing passes it
	asks   bool // its address, and the default route, come from a server
	opened bool // the name is of this block
}

type asaList struct {
	name    string
	entries []asaLine
	chain   *chain
}

// asaBind is an access-group.
type asaBind struct {
	asaLine
	list, iface string
	out, global bool
}

// asaSide is a set of addresses; unsure is set if some of them are not known.
type asaSide struct {
	terms  []term
	unsure bool
}

// isASA reports whether text is a configuration of an ASA, or PIX. Other systems of
// Cisco have no names of interfaces in access-group, and no extended entries.
func isASA(data []byte) bool {
	for sc := newLines(data); sc.Scan(); {
		w := strings.Fields(sc.Text())
		switch {
		case len(w) < 2:
		case (w[0] == "ASA" || w[0] == "PIX") && w[1] == "Version", w[0] == "nameif" && (len(w) == 2 || len(w) == 4 && strings.HasPrefix(w[3], "security")), w[0] == "security-level",
			w[0] == "access-list" && len(w) > 5 && (w[2] == "extended" || w[2] == "line" && w[4] == "extended"),
			w[0] == "access-group" && len(w) == 5 && w[3] == "interface":
			return true
		}
	}
	return false
}

func readASA(f file, opt Options) (*Set, error) {
	r := &asaReader{
		noter: noter{file: f.name}, opt: opt, names: map[string]string{}, objects: map[string]asaSide{}, services: map[string][]service{},
		lists: map[string]*asaList{}, nf: &netfilter{v4: true, v6: true},
	}
	for sc := newLines(f.data); sc.Scan(); {
		r.line++
		r.text = strings.TrimRight(sc.Text(), " \t\r")
		if r.words, r.at = strings.Fields(r.text), 0; len(r.words) > 0 {
			r.read()
		}
	}
	if len(r.binds) == 0 && len(r.ports) == 0 {
		return nil, fmt.Errorf("%s: access lists, and no line access-group that says which interface they are for: give the whole of show running-config", f.name)
	}
	r.places()
	r.chains()
	slices.SortStableFunc(r.rules, func(a, b *Rule) int { return a.Line - b.Line })
	slices.SortStableFunc(r.notes, func(a, b Note) int { return a.Line - b.Line })
	s := &Set{Kind: ASA, Files: []string{f.name}, Rules: r.rules, Notes: r.notes, decider: r.nf}
	s.finish(r.nf)
	return s, nil
}

func (r *asaReader) next() string {
	w := r.peek()
	r.at++
	return w
}

func (r *asaReader) peek() string {
	if r.at < len(r.words) {
		return r.words[r.at]
	}
	return ""
}

func (r *asaReader) take(w string) bool {
	if r.peek() == w {
		r.at++
		return true
	}
	return false
}

func (r *asaReader) here() asaLine { return asaLine{r.line, strings.TrimSpace(r.text), r.words} }

// read reads a line. What filters nothing is stepped over.
func (r *asaReader) read() {
	if r.inner() {
		return
	}
	switch w := r.next(); w {
	case "ASA", "PIX", "FWSM":
		if r.take("Version") {
			r.version(r.next())
		}
	case "name":
		if len(r.words) > 2 {
			r.names[r.words[2]] = r.words[1]
		}
	case "interface":
		r.mode, r.modeName = "interface", r.next()
		r.ports = append(r.ports, asaPort{line: r.line, level: -1, isBVI: strings.HasPrefix(strings.ToUpper(r.modeName), "BVI")})
	case "object":
		r.mode, r.modeName = "object "+r.next(), r.next()
	case "object-group":
		kind, name := r.next(), r.next()
		r.mode, r.modeName, r.groupProto = "group "+kind, name, r.next()
		switch kind {
		case "network":
			r.objects[name] = asaSide{}
		case "service", "protocol", "icmp-type":
			r.services[name] = nil
		default:
			r.note(nil, r.line, r.text, "groups of this kind are not interpreted")
		}
	case "access-list":
		r.mode = ""
		r.entry()
	case "access-group":
		r.mode = ""
		b := asaBind{asaLine: r.here(), list: r.next()}
		switch way := r.next(); {
		case way == "global":
			b.global = true
		case way == "in" || way == "out":
			r.take("interface")
			b.out, b.iface = way == "out", r.next()
		default:
			r.note(nil, r.line, r.text, "access-group")
			return
		}
		if !slices.Contains(r.words, "control-plane") { // that is for the firewall itself
			r.binds = append(r.binds, b)
		}
	case "same-security-traffic":
		r.interSame = r.interSame || r.words[len(r.words)-1] == "inter-interface"
	case "nat", "static":
		r.mode = ""
		r.translation(w)
	case "route", "ipv6":
		if w == "route" || r.take("route") {
			r.route()
		} else if r.peek() == "access-list" {
			r.note(nil, r.line, r.text, "access lists for IPv6 alone are not interpreted")
		}
	case "router":
		r.dynamic = true
	case "firewall":
		r.bridged = r.bridged || r.peek() == "transparent"
	case "nameif": // of PIX: nameif ethernet0 outside security0
		if len(r.words) == 4 {
			level, _ := strconv.Atoi(strings.TrimPrefix(r.words[3], "security"))
			r.ports = append(r.ports, asaPort{name: r.words[2], line: r.line, level: level, opened: true})
		}
	case "crypto":
		if len(r.words) == 7 && r.words[1] == "map" && r.words[4] == "match" {
			r.vpns = append(r.vpns, r.here())
		}
	case "ip":
		r.ip()
	case "no":
		r.vpnAsked = r.vpnAsked || strings.Join(r.words[1:], " ") == "sysopt connection permit-vpn" || strings.Join(r.words[1:], " ") == "sysopt connection permit-ipsec"
		if r.peek() != "sysopt" {
			r.mode = keepMode(r.mode, r.text)
		}
	default:
		r.mode = keepMode(r.mode, r.text)
	}
}

// keepMode ends a block at a line that is not indented.
func keepMode(mode, text string) string {
	if text[0] == ' ' || text[0] == '\t' {
		return mode
	}
	return ""
}

// version tells what lists of the version are about.
func (r *asaReader) version(s string) {
	var major, minor int
	fmt.Sscanf(s, "%d.%d", &major, &minor)
	r.old = major > 0 && (major < 8 || major == 8 && minor < 3)
	if r.v4only = major > 0 && major < 9; r.v4only {
		r.nf.v6 = false
	}
}

// ip reads pools of addresses for VPN clients, and addresses of interfaces of PIX.
func (r *asaReader) ip() {
	switch {
	case r.take("local") && r.take("pool"):
		r.next()
		if t, ok := addressRange(r.next()); ok {
			r.pools = append(r.pools, asaPool{r.here(), t})
		}
	case r.take("address") && len(r.words) >= 5:
		for i := range r.ports {
			if p := &r.ports[i]; p.name == r.words[2] && p.opened {
				p.asks = slices.Contains(r.words, "setroute")
				r.address(p, r.words[3], r.words[4])
			}
		}
	}
}

func (r *asaReader) address(p *asaPort, addr, mask string) {
	m, ok := maskedPrefix(addr, mask)
	if a, ok2 := parseAddr(r.named(addr)); ok && ok2 {
		p.nets = append(p.nets, netip.PrefixFrom(a, m.Bits()))
	}
}

// named gives what a name stands for.
func (r *asaReader) named(s string) string {
	if a, ok := r.names[s]; ok {
		return a
	}
	return s
}

// inner reads a line of a block; false if the line is none.
func (r *asaReader) inner() bool {
	w := r.peek()
	switch r.mode {
	case "interface":
		p := &r.ports[len(r.ports)-1]
		switch {
		case w == "nameif" && len(r.words) == 2:
			p.name = r.words[1]
		case w == "security-level" && len(r.words) == 2:
			p.level, _ = strconv.Atoi(r.words[1])
		case w == "ip" && len(r.words) >= 4 && r.words[1] == "address" && r.words[2] != "dhcp":
			r.address(p, r.words[2], r.words[3])
		case w == "ip" && len(r.words) >= 3 && r.words[1] == "address":
			p.asks = slices.Contains(r.words, "setroute")
		case w == "ipv6" && len(r.words) >= 3 && r.words[1] == "address":
			if n, err := netip.ParsePrefix(r.words[2]); err == nil {
				p.nets = append(p.nets, n)
			}
		case w == "management-only":
			p.manage = true
		case w == "bridge-group":
			r.bridged = true
		default:
			return false
		}
		return true
	case "object network":
		return r.networkObject(w)
	case "group network":
		side := r.objects[r.modeName]
		switch w {
		case "network-object":
			r.at++
			side.add(r.networkItem())
		case "group-object":
			r.at++
			side.add(r.object(r.peek(), "group"))
		default:
			return w == "description"
		}
		r.objects[r.modeName] = side
		return true
	case "object service", "group service", "group protocol", "group icmp-type":
		return r.serviceLine(w)
	case "":
		return false
	}
	return w == "description"
}

// networkObject reads a line of an object: what it stands for, or how it is translated.
func (r *asaReader) networkObject(w string) bool {
	switch w {
	case "host", "subnet", "range", "fqdn":
		r.objects[r.modeName] = r.networkItem()
	case "nat":
		if slices.Contains(r.words, "source") { // that of a line of its own
			return false
		}
		r.at++
		r.objectNAT(r.modeName)
	default:
		return w == "description"
	}
	return true
}

func (s *asaSide) add(t asaSide) {
	s.unsure = s.unsure || t.unsure
	s.terms = append(s.terms, t.terms...)
}

// unknownSide notes what is not known of addresses.
func (r *asaReader) unknownSide(text, reason string) asaSide {
	r.note(r.rule, r.line, text, reason)
	return asaSide{unsure: true}
}

// object gives what an object or a group stands for.
func (r *asaReader) object(name, what string) asaSide {
	if s, ok := r.objects[name]; ok {
		return s
	}
	return r.unknownSide(what+" "+name, "it is not defined")
}

// networkItem reads addresses as objects and groups write them.
func (r *asaReader) networkItem() asaSide {
	switch w := r.next(); w {
	case "host":
		return r.network(r.next(), "")
	case "object":
		return r.object(r.next(), "object")
	case "range":
		if t, ok := addressRange(r.named(r.next()) + "-" + r.named(r.next())); ok {
			return asaSide{terms: []term{t}}
		}
		return r.unknownSide(r.text, "range of addresses")
	case "fqdn":
		return r.unknownSide(r.text, "names of hosts are not known")
	case "subnet":
		return r.network(r.next(), r.next())
	default:
		return r.network(w, r.next())
	}
}

// network reads an address with a mask in dots, or a prefix.
func (r *asaReader) network(addr, mask string) asaSide {
	addr = r.named(addr)
	p, ok := prefixOf(addr)
	if mask != "" && !strings.Contains(addr, "/") {
		p, ok = maskedPrefix(addr, mask)
	}
	if !ok {
		return r.unknownSide(addr+" "+mask, "addresses")
	}
	return asaSide{terms: []term{prefixTerm(p)}}
}

// route reads a static route.
func (r *asaReader) route() {
	name, addr, mask := r.next(), r.named(r.next()), r.next()
	if addr == "0" {
		addr = "0.0.0.0"
	}
	if mask == "0" {
		mask = "0.0.0.0"
	}
	p, ok := maskedPrefix(addr, mask)
	if strings.Contains(addr, "/") {
		p, ok = prefixOf(addr)
	}
	if ok {
		r.routes(name, p)
	}
}

func (r *asaReader) routes(name string, p netip.Prefix) {
	x := (*interfaces)(&r.nf.places.interfaces)
	x.named(name).network(p)
}

// places says what is behind the interfaces, by their addresses and static routes,
// unless the user says it.
func (r *asaReader) places() {
	x := (*interfaces)(&r.nf.places.interfaces)
	ports := r.ports[:0]
	for _, p := range r.ports {
		if p.name == "" && !p.isBVI {
			continue
		}
		for _, n := range p.nets {
			x.named(p.name).own(n)
		}
		if p.asks && p.name != "" {
			x.named(p.name).Default = true
		}
		if p.level < 0 { // the default
			if p.level = 0; p.name == "inside" {
				p.level = 100
			}
		}
		if p.name != "" {
			ports = append(ports, p)
		}
	}
	r.ports = ports
	own := newPlaces(Options{Local: r.opt.Local, Interfaces: r.nf.places.interfaces})
	switch {
	case len(r.opt.Interfaces) > 0:
		own.interfaces = r.opt.Interfaces
	case r.bridged: // which of the interfaces an address is behind is not known
		own.interfaces = nil
	case r.dynamic: // routes that are learned may lead elsewhere
		for i := range own.interfaces {
			own.interfaces[i].Default = false
		}
	}
	own.local = newPlaces(Options{Local: own.local, Interfaces: r.opt.Interfaces}).local
	r.nf.places, r.nf.bridged = own, r.bridged
}
