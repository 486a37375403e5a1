package review

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/review/rules"
)

// What makes a range broad, and its use little: it has at least broadPorts
// ports, of which at most one in broadRatio was used.
const (
	broadPorts = 32
	broadRatio = 8
)

// allowed goes through what the rules allow.
func (f *finder) allowed() {
	fw := f.c.firewall
	for from := 0; from < len(fw.openings); {
		to := from + 1
		for to < len(fw.openings) && sameOrigin(&fw.openings[from], &fw.openings[to]) {
			to++
		}
		f.origin(fw.openings[from:to])
		f.exposing(fw.openings[from:to])
		from = to
	}
	for _, s := range fw.rules.Sets {
		for _, r := range s.Rules {
			f.comment(s, r)
			f.dated(r)
		}
	}
	f.covered()
}

// sameOrigin reports openings of one rule, or of one policy.
func sameOrigin(a, b *opening) bool {
	return a.Rule == b.Rule && (a.Rule != nil || a.Chain == b.Chain)
}

// origin looks at all openings of one rule.
func (f *finder) origin(list []opening) {
	first := &list[0]
	var unseen, ways []string
	for i := range list {
		o := &list[i]
		// Loopback is not seen on a network, nor are protocols without ports
		// among flows.
		if !o.Any && transportUnknown(o.Protocol) || loopback(o.In) || loopback(o.Out) {
			continue
		}
		text := openingText(o.Opening)
		if slices.Contains(ways, text) {
			continue // the same by another way through the chains
		}
		ways = append(ways, text)
		if o.flows == 0 {
			unseen = append(unseen, text)
			continue
		}
		f.broad(o, text)
	}
	f.anyToAny(list)
	if len(unseen) == 0 || f.noTraffic {
		return
	}
	// What a rule decides, or may decide, is seen, also where translations hide
	// which of its openings it was.
	if u := f.c.firewall.use[first.Rule]; first.Rule != nil && u != nil && (len(unseen) == len(ways) || u.outside > 0) {
		return
	}
	why := fmt.Sprintf("It allows %s, of which nothing was seen%s.", sample(unseen, 3), f.inWindow())
	if len(unseen) < len(ways) {
		was := "was"
		if len(unseen) > 1 {
			was = "were"
		}
		why = fmt.Sprintf("Of what it allows, %s %s not seen%s.", sample(unseen, 3), was, f.inWindow())
	}
	if r := first.Rule; r != nil && r.Counter != nil && r.Counter.Packets > 0 {
		why += fmt.Sprintf(" The firewall itself counted %s for it since the counter was reset.", plural(r.Counter.Packets, "packet"))
	}
	f.add(f.ruleFinding(AllowedNeverSeen, first, why, Fact{"not seen", strings.Join(unseen, "; ")}, Fact{"window", f.window.Text()}))
}

// shortWindow is how long a window must be to show how a network is used on an
// ordinary day.
const shortWindow = 24 * time.Hour

// inWindow says in which window nothing was seen, and how much that proves.
func (f *finder) inWindow() string {
	switch {
	case f.c.flows == 0:
		return ""
	case f.window.First == 0:
		return " in a window of unknown length"
	}
	text := fmt.Sprintf(" in a window of %s (%s)", Length(f.window.Duration()), f.window.Text())
	missing, _ := gaps(f.c.windows)
	if missing > 0 {
		text += fmt.Sprintf(", of which %s were not seen", Length(missing))
	}
	if f.window.Duration()-missing < shortWindow {
		text += ", which is too short to prove much"
	}
	return text
}

// inLength says how long the window is.
func (f *finder) inLength() string {
	if f.window.First == 0 {
		return ""
	}
	return " in " + Length(f.window.Duration())
}

// broad reports a range of which little is used.
func (f *finder) broad(o *opening, text string) {
	n := o.Ports.Len()
	if o.Any || n < broadPorts || len(o.ports)*broadRatio > n {
		return
	}
	var used []string
	ports := make([]uint16, 0, len(o.ports))
	for p := range o.ports {
		ports = append(ports, p)
	}
	slices.Sort(ports)
	for _, p := range ports {
		used = append(used, itoa(int(p)))
	}
	x := f.ruleFinding(BroadRange, o,
		fmt.Sprintf("It allows %d ports, and %s used%s: %s.", n, wasWere(len(ports)), f.inLength(), sample(used, 5)),
		Fact{"allows", text}, Fact{"used", sample(used, 40)}, Fact{"flows", plural(o.flows, "flow")}, Fact{"window", f.window.Text()})
	x.ID += ":" + o.Ports.String()
	f.add(x)
}

// anyToAny reports a rule that lets every port through, from everywhere to
// everywhere. What a machine itself sends is left out: that is usual.
func (f *finder) anyToAny(list []opening) {
	for i := range list {
		o := &list[i]
		if o.Rule == nil || o.Partly || !o.Any && transportUnknown(o.Protocol) || o.Hook == rules.Output || o.In != "" || o.Out != "" || !o.Any && o.Ports.Len() < 65535 ||
			o.Servers != nil && !everywhere(o.Servers) || o.Clients != nil && !everywhere(o.Clients) {
			continue
		}
		x := f.ruleFinding(BroadRange, o, fmt.Sprintf("It allows %s from everywhere to everywhere.", openingText(o.Opening)),
			Fact{"allows", openingText(o.Opening)}, Fact{"window", f.window.Text()})
		x.ID += ":any"
		f.add(x)
		return
	}
}

func wasWere(n int) string {
	if n == 1 {
		return "1 was"
	}
	return fmt.Sprintf("%d were", n)
}

// ruleFinding makes a finding about a rule, or about a policy.
func (f *finder) ruleFinding(k Kind, o *opening, why string, facts ...Fact) Finding {
	x := Finding{Kind: k, Level: kinds[k].Level, Why: why}
	if o.Rule != nil {
		x.Subject, x.File, x.Line = ruleID(o.Rule), o.Rule.File, o.Rule.Line
		x.Facts = append([]Fact{{"rule", o.Rule.String()}}, facts...)
		x.Name = o.Rule.Comment
	} else {
		x.Subject = "default of " + o.Chain
		x.Facts = facts
	}
	if o.Partly {
		x.Facts = append(x.Facts, Fact{"narrowed", "by matches that are not interpreted or not shown"})
	}
	x.ID = k.String() + ":" + x.Subject
	return x
}

func loopback(ifname string) bool { return ifname == "lo" || ifname == "lo0" }

func transportUnknown(protocol uint8) bool {
	return !slices.ContainsFunc(transportNumbers, func(t struct {
		name     string
		protocol uint8
	}) bool {
		return t.protocol == protocol
	})
}

// openingText writes an opening for people: "22/tcp to 10.20.0.20 from
// 10.20.0.0/24".
func openingText(o *rules.Opening) string {
	text := "every protocol"
	if !o.Any {
		text = protocolText(o.Protocol)
		switch {
		case transportUnknown(o.Protocol):
		case o.Ports.First == 0 && o.Ports.Last == 65535:
			text = "all ports of " + text
		default:
			text = o.Ports.String() + "/" + text
		}
	}
	if o.Servers != nil && !everywhere(o.Servers) {
		text += " to " + prefixesText(o.Servers)
	}
	if o.Clients != nil && !everywhere(o.Clients) {
		text += " from " + prefixesText(o.Clients)
	}
	return text
}

// portless are the names of protocols without ports that rules are often about.
var portless = map[uint8]string{1: "icmp", 2: "igmp", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 89: "ospf", 112: "vrrp"}

func protocolText(protocol uint8) string {
	text := iana.TransportName(protocol)
	if transportUnknown(protocol) {
		text = portless[protocol]
	}
	if text == "" {
		text = fmt.Sprintf("protocol %d", protocol)
	}
	return text
}

// everywhere reports a list that names one whole family of addresses.
func everywhere(list []netip.Prefix) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Bits() == 0 })
}

func prefixesText(list []netip.Prefix) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = prefixText(p)
	}
	return sample(names, 2)
}

// prefixText writes a prefix, a single address without its length.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// maxNamedPorts is how many ports a rule may have for its comment to be about
// a service.
const maxNamedPorts = 64

// spoken are names that people use for services whose registered name is
// another.
var spoken = map[string]string{
	"dns": "domain", "rdp": "ms-wbt-server", "smb": "microsoft-ds", "mssql": "ms-sql-s", "postgres": "postgresql",
}

// ordinary are words with a meaning of their own that are also registered
// names, and names that most people give to something else.
var ordinary = func() map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(`about ads affiliate alarm alias audit base blocks business cap car cifs
		classic commerce conference connect connected connection copy courier device direct discard display domain
		down echo exec find finger found gap grid hello identify ill influence inspect item light link login mailbox matter
		meter monitor name nas news notify oracle parallel personnel pipes presence press printer privilege profile
		radio registrar rise router search send set sftp shell signal snap submit sum surf talk tell time track trap
		trip tunnel turn upgrade ups warehouse who`) {
		all[w] = true
	}
	return all
}()

// comment looks for the name of a service in a rule's comment that is
// registered for other ports than the rule's.
func (f *finder) comment(set *rules.Set, r *rules.Rule) {
	texts := []string{r.Comment}
	if set.Kind == rules.AWS || set.Kind == rules.NetworkPolicy {
		texts = append(texts, r.Chain) // which people name after what it is for
	}
	var ports []rules.Range
	n := 0
	var opened *opening
	for i := range f.c.firewall.openings {
		o := &f.c.firewall.openings[i]
		if o.Rule == r {
			opened = o
			if !slices.Contains(ports, o.Ports) {
				ports = append(ports, o.Ports)
				n += o.Ports.Len()
			}
		}
	}
	if opened == nil || opened.Any || n > maxNamedPorts {
		return
	}
	said := ""
	for _, word := range strings.FieldsFunc(strings.ToLower(strings.Join(texts, " ")), func(c rune) bool {
		return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-')
	}) {
		name := word
		if s, ok := spoken[word]; ok {
			name = s
		} else if len(word) < 3 || ordinary[word] {
			continue
		}
		entries := f.c.registry.ByName(name)
		if len(entries) == 0 {
			continue
		}
		for _, e := range entries {
			span := e.Span()
			for _, p := range ports {
				if p.First <= span.Last && span.First <= p.Last {
					return // one name that fits is enough
				}
			}
		}
		if said == "" {
			said = word
			if name != word {
				said += " (" + name + ")"
			}
			said += fmt.Sprintf(", which is registered for %d/%s", entries[0].Port, entries[0].Transport)
		}
	}
	if said == "" {
		return
	}
	var names []string
	for i := range ports {
		names = append(names, ports[i].String()+"/"+iana.TransportName(opened.Protocol))
	}
	f.add(f.ruleFinding(CommentContradicts, opened,
		fmt.Sprintf("Its comment says %s, and the rule is about %s.", said, sample(names, 3)), f.portFacts(opened, ports)...))
}

// portFacts says what the ports of a rule are registered for.
func (f *finder) portFacts(o *opening, ports []rules.Range) (facts []Fact) {
	t := registryTransport(o.Protocol)
	for _, p := range ports[:min(len(ports), 3)] {
		e := f.c.registry.Lookup(t, p.First)
		facts = append(facts, Fact{fmt.Sprintf("%d/%v", p.First, t), registeredText(e)})
	}
	return facts
}
