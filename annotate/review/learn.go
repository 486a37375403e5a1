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
	learnedClients  = 32 // clients of a service; more become their networks
	learnedNetworks = 64 // networks of clients; more become any
	v4Network       = 24 // prefix lengths of these networks
	v6Network       = 64
)

// learned is an entry in the making: services on one port with the same
// clients and the same findings to accept.
type learned struct {
	protocol uint8
	port     uint16
	entry    iana.Entry
	servers  []netip.Addr
	clients  []string
	accept   []Kind
	outcome  string
	wide     int // clients that became networks, or any
}

// AppendPolicy appends a policy in YAML that expects everything that was seen. A
// review of the same traffic with this policy has no findings. AppendPolicy must be
// called after Report and with its result. Not all that was seen may be wanted, so
// each entry says that it was learned and that a person must approve it.
func (c *Collector) AppendPolicy(dst []byte, r *Report) ([]byte, error) {
	var groups []*learned
	byText := map[string]*learned{}
	for _, s := range c.sorted(nil) {
		if s.expect.onlyIgnored() {
			continue
		}
		accept := slices.Clone(s.accepted)
		for k := range numKinds {
			if s.kinds>>k&1 != 0 && k.acceptable() {
				accept = append(accept, k)
			}
		}
		slices.Sort(accept)
		clients, wide := s.learnedClients()
		key := fmt.Sprint(s.key.Protocol, s.key.Port, clients, accept, s.live())
		g := byText[key]
		if g == nil {
			g = &learned{protocol: s.key.Protocol, port: s.key.Port, entry: s.registered, clients: clients, accept: slices.Compact(accept), outcome: s.outcome()}
			byText[key] = g
			groups = append(groups, g)
		}
		g.servers = append(g.servers, s.key.Server)
		g.wide = max(g.wide, wide)
	}
	slices.SortStableFunc(groups, func(a, b *learned) int {
		return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.port, b.port))
	})
	root := mapping()
	root.HeadComment = fmt.Sprintf("Learned by portannot review from traffic of %s.\nThat something was seen does not make it right: look at each entry, and give it\nan owner and a reason. %s", r.Window.Text(), iana.Warning)
	put(root, "version", scalar("1"))
	expectedList := &yaml.Node{Kind: yaml.SequenceNode}
	for _, g := range groups {
		expectedList.Content = append(expectedList.Content, g.node())
	}
	if len(groups) == 0 {
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

// learnedClients gives the clients of a service as a policy lists them, and how
// many were widened to networks.
func (s *service) learnedClients() (list []string, wide int) {
	addrs := s.clients.addresses()
	if !s.clients.exact() {
		return []string{anyWord}, len(addrs)
	}
	if len(addrs) <= learnedClients {
		for _, a := range addrs {
			list = append(list, plainAddr(a).String())
		}
		return slices.Compact(list), 0
	}
	for _, a := range addrs {
		a = plainAddr(a)
		bits := v4Network
		if a.Is6() {
			bits = v6Network
		}
		p, err := a.Prefix(bits)
		if err != nil { // not for these lengths
			return []string{anyWord}, len(addrs)
		}
		if text := p.String(); !slices.Contains(list, text) {
			list = append(list, text)
		}
		if len(list) > learnedNetworks {
			return []string{anyWord}, len(addrs)
		}
	}
	return list, len(addrs)
}

// unanswered says so, for there may be nothing to expect.
func (g *learned) unanswered() string {
	switch g.outcome {
	case "attempted":
		return "nothing answered"
	case "refused":
		return "nothing is there: connections were refused"
	}
	return ""
}

func (g *learned) node() *yaml.Node {
	n := mapping()
	about := registeredText(g.entry)
	if text := g.unanswered(); text != "" {
		about += "\n" + text
	}
	if g.wide > 0 {
		about += fmt.Sprintf("\n%s, widened", plural(uint64(g.wide), "client"))
	}
	n.HeadComment = about
	put(n, "ports", flowList(fmt.Sprintf("%d/%s", g.port, iana.TransportName(g.protocol))))
	servers := make([]string, len(g.servers))
	for i, a := range g.servers {
		servers[i] = plainAddr(a).String()
	}
	put(n, "servers", flowList(slices.Compact(servers)...))
	if !slices.Contains(g.clients, anyWord) {
		put(n, "clients", flowList(g.clients...))
	}
	put(n, "reason", scalar("learned from traffic, not looked at"))
	if len(g.accept) > 0 {
		var names []string
		for _, k := range g.accept {
			names = append(names, k.String())
		}
		put(n, "accept", flowList(names...))
	}
	return n
}

// learnedIgnores lists what is no service: scanners, and addresses between
// which it is not known which end is the service. What the policy ignored
// already stays so.
func (c *Collector) learnedIgnores() *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	if c.opt.Policy != nil {
		for _, e := range c.opt.Policy.Ignore {
			list.Content = append(list.Content, e.node())
		}
	}
	for _, sc := range c.sortedScanners() {
		if sc.targets == sc.ignored {
			continue
		}
		n := mapping()
		n.HeadComment = fmt.Sprintf("tried %s in vain", plural(sc.targets, "service"))
		put(n, "clients", flowList(plainAddr(sc.addr).String()))
		put(n, "reason", scalar("learned from traffic, not looked at: it scans"))
		list.Content = append(list.Content, n)
	}
	for _, u := range c.sortedPairs() {
		if u.ignored == u.flows {
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
