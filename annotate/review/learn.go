package review

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/portannot/portannot/annotate/iana"
)

// Bounds of what a learned policy lists one by one.
const (
	learnedAddresses = 32 // clients, or servers, of an entry; more become their networks
	learnedNetworks  = 64 // networks of these; more become any
	v4Network        = 24 // prefix lengths of these networks
	v6Network        = 64
	learnedOutside   = 4 // servers on the Internet on one port; more become the Internet
)

// learned is an entry in the making: services with the same clients and the same
// findings to accept.
type learned struct {
	protocol uint8
	ports    []uint16
	entry    iana.Entry // of the first port
	servers  []netip.Addr
	clients  []netip.Addr // nil is any
	accept   []Kind
	outside  bool // the servers are on the Internet, the clients are not

	serverNames, clientNames []string // nil is any
	wide                     int      // addresses that became networks, or any
}

// AppendPolicy appends a policy in YAML that expects what was seen to work. Tries
// that were refused, denied or not answered are not part of it, nor is what the
// rules deny, nor are scanners. So a review of the same traffic with this policy has
// no findings but those about them. AppendPolicy must be called after Report and
// with its result. Not all that was seen may be wanted, so each entry says that it
// was learned and that a person must approve it.
func (c *Collector) AppendPolicy(dst []byte, r *Report) ([]byte, error) {
	entries := c.learnedEntries()
	groups := nameGroups(entries)
	root := mapping()
	root.HeadComment = fmt.Sprintf("Learned by portannot review from traffic of %s.\nIt expects what was seen to work. That something was seen does not make it right:\nlook at each entry, and give it an owner and a reason. %s", r.Window.Text(), iana.Warning)
	put(root, "version", scalar("1"))
	if len(groups.Content) > 0 {
		put(root, "groups", groups)
	}
	expectedList := &yaml.Node{Kind: yaml.SequenceNode}
	for _, g := range entries {
		expectedList.Content = append(expectedList.Content, g.node(c.registry))
	}
	if len(entries) == 0 {
		expectedList.Style = yaml.FlowStyle
	}
	put(root, "expected", expectedList)
	if ignore := c.learnedIgnores(); len(ignore.Content) > 0 {
		put(root, "ignore", ignore)
	}
	text, err := yaml.Dump(root, yaml.WithCompactSeqIndent(false))
	if err != nil {
		return dst, fmt.Errorf("write policy: %w", err)
	}
	return append(dst, text...), nil
}

// learnedEntries makes the entries: services of one port that have the same clients
// are one, then ports of the same servers and clients that are assigned to nothing,
// or stand side by side, are one. Servers on the Internet are one for each port.
func (c *Collector) learnedEntries() []*learned {
	byPort := newGrouping(func(g *learned) string {
		if g.outside {
			return fmt.Sprint(g.protocol, g.ports, g.accept)
		}
		return fmt.Sprint(g.protocol, g.ports, g.clients, g.accept)
	})
	for _, s := range c.sorted(nil) {
		g := s.learn()
		if g == nil {
			continue
		}
		if same := byPort.add(g); same != nil {
			same.servers = addresses(append(same.servers, g.servers...))
			if same.clients != nil && g.clients != nil {
				same.clients = addresses(append(same.clients, g.clients...))
			} else {
				same.clients = nil
			}
		}
	}
	byServers := newGrouping(func(g *learned) string {
		if g.outside {
			return fmt.Sprint(g.protocol, g.ports, g.accept)
		}
		return fmt.Sprint(g.protocol, g.servers, g.clients, g.accept)
	})
	var list []*learned
	slices.SortStableFunc(byPort.list, func(a, b *learned) int {
		return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.ports[0], b.ports[0]))
	})
	for _, g := range byPort.list {
		last := byServers.by[byServers.key(g)]
		if last != nil && !last.joins(g) {
			delete(byServers.by, byServers.key(g)) // a new entry for what is to come
		}
		if same := byServers.add(g); same != nil {
			same.ports = append(same.ports, g.ports...)
		}
	}
	for _, g := range byServers.list {
		g.nameAddresses()
		list = append(list, g)
	}
	return list
}

// joins reports whether ports of g may be in the entry: they go on where its ports
// end, or neither is assigned to anything.
func (l *learned) joins(g *learned) bool {
	if l.ports[len(l.ports)-1]+1 == g.ports[0] {
		return true
	}
	return l.entry.Status == g.entry.Status && (g.entry.Status == iana.Dynamic || g.entry.Status == iana.Unassigned)
}

// grouping makes one of what has the same key.
type grouping struct {
	key  func(*learned) string
	by   map[string]*learned
	list []*learned
}

func newGrouping(key func(*learned) string) *grouping {
	return &grouping{key: key, by: map[string]*learned{}}
}

// add adds g, or returns what has its key already.
func (x *grouping) add(g *learned) (same *learned) {
	key := x.key(g)
	if same = x.by[key]; same == nil {
		x.by[key] = g
		x.list = append(x.list, g)
	}
	return same
}

// addresses sorts a list and leaves out what is in it twice.
func addresses(list []netip.Addr) []netip.Addr {
	slices.SortFunc(list, netip.Addr.Compare)
	return slices.Compact(list)
}

// learn makes the entry for a service; nil when nothing of it worked.
func (s *service) learn() *learned {
	if s.expect.onlyIgnored() || !s.live() {
		return nil
	}
	g := &learned{protocol: s.key.Protocol, ports: []uint16{s.key.Port}, entry: s.registered, servers: []netip.Addr{plainAddr(s.key.Server)}}
	g.clients = []netip.Addr{}
	toMany := isToMany(s.key.Server)
	for i := range s.clients.list {
		if cl := &s.clients.list[i]; (cl.worked > 0 || toMany) && cl.denied < cl.flows {
			g.clients = append(g.clients, plainAddr(cl.addr))
		}
	}
	if len(g.clients) == 0 {
		return nil
	}
	g.clients = addresses(g.clients)
	g.outside = isPublic(s.key.Server) && !slices.ContainsFunc(g.clients, isPublic)
	if !s.clients.exact() {
		g.clients = nil
	}
	g.accept = slices.Clone(s.accepted)
	for k := range numKinds {
		if s.kinds>>k&1 != 0 && k.acceptable() {
			g.accept = append(g.accept, k)
		}
	}
	slices.Sort(g.accept)
	g.accept = slices.Compact(g.accept)
	return g
}

// isToMany reports an address that nobody answers from.
func isToMany(a netip.Addr) bool {
	return a.IsMulticast() || a.Unmap() == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// notPublic are the networks that are not part of the Internet: of RFC 6890 those
// that are not globally reachable, without those for documentation.
var notPublic = func() (list []netip.Prefix) {
	for _, p := range []string{"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3"} {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}()

// publicV6 is what is assigned of the Internet of IPv6 (RFC 4291 section 2.4).
var publicV6 = netip.MustParsePrefix("2000::/3")

// isPublic reports an address of the Internet.
func isPublic(a netip.Addr) bool {
	if a = plainAddr(a); a.Is6() {
		return publicV6.Contains(a)
	}
	return !slices.ContainsFunc(notPublic, func(p netip.Prefix) bool { return p.Contains(a) })
}

// internet is the name of the group of all public addresses.
const internet = "internet"

// publicPrefixes lists all public addresses.
func publicPrefixes() (list []string) {
	var rest func(p netip.Prefix)
	rest = func(p netip.Prefix) {
		if slices.ContainsFunc(notPublic, func(n netip.Prefix) bool { return n.Bits() <= p.Bits() && n.Contains(p.Addr()) }) {
			return
		}
		if !slices.ContainsFunc(notPublic, p.Overlaps) {
			list = append(list, p.String())
			return
		}
		half := netip.PrefixFrom(p.Addr(), p.Bits()+1)
		upper := p.Addr().As4()
		upper[p.Bits()/8] |= 0x80 >> (p.Bits() % 8)
		rest(half)
		rest(netip.PrefixFrom(netip.AddrFrom4(upper), p.Bits()+1))
	}
	rest(netip.MustParsePrefix("0.0.0.0/0"))
	return append(list, publicV6.String())
}

// nameAddresses says how the entry lists its servers and clients.
func (l *learned) nameAddresses() {
	if l.clients != nil {
		l.clientNames = l.listed(l.clients)
	}
	if l.outside && len(l.servers) > learnedOutside {
		l.serverNames, l.wide = []string{internet}, l.wide+len(l.servers)
		return
	}
	l.serverNames = l.listed(l.servers)
}

// listed lists addresses, or their networks if they are many; nil is any.
func (l *learned) listed(addrs []netip.Addr) (list []string) {
	if len(addrs) <= learnedAddresses {
		for _, a := range addrs {
			list = append(list, a.String())
		}
		return list
	}
	l.wide += len(addrs)
	for _, a := range addrs {
		bits := v4Network
		if a.Is6() {
			bits = v6Network
		}
		p, err := a.Prefix(bits)
		if err != nil { // not for these lengths
			return nil
		}
		if text := p.String(); !slices.Contains(list, text) {
			list = append(list, text)
		}
		if len(list) > learnedNetworks {
			return nil
		}
	}
	return list
}

// nameGroups gives names to the lists of addresses that several entries have, and
// returns the groups.
func nameGroups(entries []*learned) *yaml.Node {
	groups := mapping()
	uses := map[string]int{}
	each := func(do func(g *learned, list *[]string, what string)) {
		for _, g := range entries {
			do(g, &g.serverNames, "servers")
			do(g, &g.clientNames, "clients")
		}
	}
	each(func(_ *learned, list *[]string, _ string) { uses[strings.Join(*list, " ")]++ })
	names, taken := map[string]string{}, map[string]bool{}
	each(func(g *learned, list *[]string, what string) {
		text := strings.Join(*list, " ")
		if text == internet && !taken[internet] {
			taken[internet] = true
			put(groups, internet, flowList(publicPrefixes()...))
		}
		if len(*list) < 2 || uses[text] < 2 {
			return
		}
		name, ok := names[text]
		if !ok {
			base := g.entry.Name()
			if base == "" {
				base = fmt.Sprintf("port-%d-%s", g.ports[0], iana.TransportName(g.protocol))
			}
			name = base + "-" + what
			for n := 2; taken[name]; n++ {
				name = fmt.Sprintf("%s-%s-%d", base, what, n)
			}
			names[text], taken[name] = name, true
			put(groups, name, flowList(*list...))
		}
		*list = []string{name}
	})
	return groups
}

// about says what the registry has for the entry's ports.
func (l *learned) about(registry *iana.Registry) string {
	text := registeredText(l.entry)
	if len(l.ports) > 1 {
		var names []string
		for _, p := range l.ports {
			e := registry.Lookup(l.entry.Transport, p)
			if n := nameOr(&e); !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
		text = plural(uint64(len(l.ports)), "port") + ", registered for " + sample(names, 5)
	}
	if l.wide > 0 {
		text += fmt.Sprintf("\n%s, widened", plural(uint64(l.wide), "address"))
	}
	return text
}

// portNames writes the ports, those that follow each other as a range.
func (l *learned) portNames() (list []string) {
	for i := 0; i < len(l.ports); {
		j := i
		for j+1 < len(l.ports) && l.ports[j+1] == l.ports[j]+1 {
			j++
		}
		text := itoa(int(l.ports[i]))
		if j > i {
			text += "-" + itoa(int(l.ports[j]))
		}
		list = append(list, text+"/"+iana.TransportName(l.protocol))
		i = j + 1
	}
	return list
}

func (l *learned) node(registry *iana.Registry) *yaml.Node {
	n := mapping()
	n.HeadComment = l.about(registry)
	put(n, "ports", flowList(l.portNames()...))
	for _, part := range []struct {
		key   string
		names []string
	}{{"servers", l.serverNames}, {"clients", l.clientNames}} {
		if part.names != nil {
			put(n, part.key, flowList(part.names...))
		}
	}
	put(n, "reason", scalar("learned from traffic, not looked at"))
	if len(l.accept) > 0 {
		var names []string
		for _, k := range l.accept {
			names = append(names, k.String())
		}
		put(n, "accept", flowList(names...))
	}
	return n
}

// learnedIgnores lists addresses between which it is not known which end is the
// service. What the policy ignored already stays so.
func (c *Collector) learnedIgnores() *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	if c.opt.Policy != nil {
		for _, e := range c.opt.Policy.Ignore {
			list.Content = append(list.Content, e.node())
		}
	}
	for _, u := range c.sortedPairs() {
		if u.ignored == u.flows || u.states.sum(worked)+u.states.sum(mayBe) == 0 {
			continue
		}
		n := mapping()
		server, client, ports := u.pair.b, u.pair.a, u.ports[1]
		if len(u.ports[0]) < len(ports) {
			server, client, ports = client, server, u.ports[0]
		}
		transport := iana.TransportName(u.pair.protocol)
		if len(ports) == maxPairPorts { // and perhaps there were more
			put(n, "transport", scalar(transport))
		} else {
			var names []string
			for _, p := range slices.Sorted(slices.Values(ports)) {
				names = append(names, itoa(int(p))+"/"+transport)
			}
			put(n, "ports", flowList(names...))
		}
		put(n, "servers", flowList(plainAddr(server).String()))
		put(n, "clients", flowList(plainAddr(client).String()))
		put(n, "reason", scalar("learned from traffic, not looked at: it is not known which end is the service"))
		list.Content = append(list.Content, n)
	}
	return list
}

// node writes an entry of ignore again.
func (e *Entry) node() *yaml.Node {
	n := mapping()
	if e.Name != "" {
		put(n, "name", scalar(e.Name))
	}
	if e.Ports != nil {
		var ports []string
		for _, p := range e.Ports {
			text := itoa(int(p.First))
			if p.Last != p.First {
				text += "-" + itoa(int(p.Last))
			}
			ports = append(ports, text+"/"+iana.TransportName(p.Protocol))
		}
		put(n, "ports", flowList(ports...))
	}
	for _, part := range []struct {
		key  string
		list []netip.Prefix
	}{{"servers", e.Servers}, {"clients", e.Clients}} {
		if part.list == nil {
			continue
		}
		var names []string
		for _, p := range part.list {
			names = append(names, prefixText(p))
		}
		put(n, part.key, flowList(names...))
	}
	for _, f := range []Fact{{"owner", e.Owner}, {"reason", e.Reason}, {"ticket", e.Ticket}} {
		if f.Value != "" {
			put(n, f.Name, scalar(f.Value))
		}
	}
	if !e.Expires.IsZero() {
		put(n, "expires", &yaml.Node{Kind: yaml.ScalarNode, Value: lastDay(e)})
	}
	return n
}

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

func put(m *yaml.Node, key string, value *yaml.Node) {
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}

// scalar makes text. What would be read as something else is quoted, but for
// numbers, which the reader takes as they are written.
func scalar(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	if strings.TrimSpace(text) != text || text == "" {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func flowList(items ...string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, item := range items {
		n.Content = append(n.Content, scalar(item))
	}
	return n
}
