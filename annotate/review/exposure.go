package review

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/review/rules"
)

// Exposable are the services that are reported when they can be reached from
// everywhere, by what they are for. The list follows what guides to firewalls
// name: NIST SP 800-41, the Center for Internet Security's benchmarks, and CISA's
// advice on industrial control systems. Ports are those of the registry and of
// the software's own documentation.
var Exposable = []ExposableClass{
	{"remote administration", "22/tcp 623/udp 3389/tcp 3389/udp 5900-5903/tcp 5985-5986/tcp 161/udp 10000/tcp 2375-2376/tcp 6443/tcp 10250/tcp", "ssh rdp vnc snmp"},
	{"unencrypted logins", "21/tcp 23/tcp 110/tcp 143/tcp 389/tcp 512-514/tcp 69/udp", "telnet ftp"},
	{"databases", "1433/tcp 1434/udp 1521/tcp 3306/tcp 5432/tcp 5984/tcp 6379/tcp 9042/tcp 9200/tcp 11211/tcp 11211/udp 27017/tcp 50000/tcp", "mysql postgresql redis mongodb tds"},
	{"file sharing", "111/tcp 111/udp 137-138/udp 139/tcp 445/tcp 548/tcp 873/tcp 2049/tcp 2049/udp", "smb nfs"},
	{"industrial protocols", "102/tcp 502/tcp 1911/tcp 2404/tcp 4840/tcp 4911/tcp 9600/tcp 9600/udp 20000/tcp 20000/udp 44818/tcp 44818/udp 47808/udp", "modbus dnp3"},
}

// ExposableClass is a kind of service that is seldom meant for everyone.
type ExposableClass struct {
	Name      string
	Ports     string // as a policy has them, with spaces between them
	Protocols string // what payload looks like, as package observe names it
}

// exposablePort is a port range of a class.
type exposablePort struct {
	protocol uint8
	ports    rules.Range
	class    string
}

// exposablePorts and exposableProtocols are Exposable, to be looked up.
var exposablePorts, exposableProtocols = func() (list []exposablePort, seen map[string]string) {
	seen = map[string]string{}
	for _, c := range Exposable {
		for _, name := range strings.Fields(c.Protocols) {
			seen[name] = c.Name
		}
		for _, text := range strings.Fields(c.Ports) {
			x := exposablePort{class: c.Name, protocol: 6}
			span, transport, _ := strings.Cut(text, "/")
			if transport == "udp" {
				x.protocol = 17
			}
			if n, _ := fmt.Sscanf(span, "%d-%d", &x.ports.First, &x.ports.Last); n < 2 {
				x.ports.Last = x.ports.First
			}
			list = append(list, x)
		}
	}
	return list, seen
}()

// exposableClass gives the class of a port; "" if it is of none.
func exposableClass(protocol uint8, port uint16) string {
	for _, x := range exposablePorts {
		if x.protocol == protocol && x.ports.Contains(port) {
			return x.class
		}
	}
	return ""
}

// exposable gives the class of a service, by its payload or else by its port.
func (s *service) exposable() string {
	if s.seen.Protocol != "" && exposableProtocols[s.seen.Protocol] != "" {
		return exposableProtocols[s.seen.Protocol]
	}
	return s.exposedAs
}

// exposed finds services of the list that answered clients on the Internet.
func (f *finder) exposed(s *service, tell tell) {
	class := s.exposable()
	if class == "" || s.result() != worked {
		return
	}
	public := func(cl *client) uint32 {
		if isPublic(cl.addr) && cl.worked > 0 {
			return cl.flows
		}
		return 0
	}
	// Servers of others are exposed to us, which is no concern of ours.
	if !slices.ContainsFunc(s.clients.list, func(cl client) bool { return public(&cl) > 0 }) {
		return
	}
	tell(ExposedService, func(x *Finding) {
		var names []string
		for _, cl := range s.clients.byFlows() {
			if public(&cl) > 0 {
				names = append(names, cl.addr.String())
			}
		}
		x.Why = fmt.Sprintf("It is of a kind that is seldom meant for everyone (%s), and answered %s on the Internet: %s.", class, plural(uint64(len(names)), "client"), sample(names, 3))
	})
}

// anyone stands for a client on the Internet, in either version.
var anyone = [2]netip.Addr{netip.MustParseAddr("1.2.3.4"), netip.MustParseAddr("2a00:1:2:3::4")}

// exposing finds what of the list a rule lets everyone reach.
func (f *finder) exposing(list []opening) {
	byClass := map[string][]string{}
	unsure := false
	ifname := ""
	for i := range list {
		o := &list[i]
		if o.Hook == rules.Output || loopback(o.In) || o.Clients != nil && !everywhere(o.Clients) || !f.mayFaceInternet(o.In) {
			continue
		}
		for _, x := range exposablePorts {
			if !o.Any && o.Protocol != x.protocol || x.ports.Last < o.Ports.First || o.Ports.Last < x.ports.First {
				continue
			}
			port := max(x.ports.First, o.Ports.First)
			verdict, asked := f.askAnyone(o, x.protocol, port)
			if !asked || verdict == rules.Deny {
				continue
			}
			unsure = unsure || verdict == rules.Unknown || o.Partly
			if o.In != "" {
				ifname = o.In
			}
			text := rules.Range{First: port, Last: min(x.ports.Last, o.Ports.Last)}.String() + "/" + iana.TransportName(x.protocol)
			if o.Servers != nil && !everywhere(o.Servers) {
				text += " on " + prefixesText(o.Servers)
			}
			if !slices.Contains(byClass[x.class], text) {
				byClass[x.class] = append(byClass[x.class], text)
			}
		}
	}
	var parts []string
	for _, c := range Exposable {
		if names := byClass[c.Name]; len(names) > 0 {
			parts = append(parts, fmt.Sprintf("%s (%s)", c.Name, sample(names, 3)))
		}
	}
	if len(parts) == 0 {
		return
	}
	can := "lets"
	if unsure {
		can = "may let"
	}
	why := fmt.Sprintf("It %s any address reach services that are seldom meant for everyone: %s.", can, join(parts))
	if ifname != "" {
		why += fmt.Sprintf(" They have to come by interface %s.", ifname)
	}
	x := f.ruleFinding(ExposedByRules, &list[0], why)
	if unsure || ifname != "" && len(f.c.firewall.rules.Interfaces) == 0 {
		x.Level = Note // it may be an interface of the inside
	}
	f.add(x)
}

// mayFaceInternet reports whether the Internet may be behind an interface.
func (f *finder) mayFaceInternet(name string) bool {
	all := f.c.firewall.rules.Interfaces
	if name == "" || len(all) == 0 {
		return true
	}
	return slices.ContainsFunc(all, func(x rules.Interface) bool { return x.Default && x.Name == name })
}

// askAnyone asks the rules about a client on the Internet; earlier rules may deny
// what this one would let in.
func (f *finder) askAnyone(o *opening, protocol uint8, port uint16) (v rules.Verdict, asked bool) {
	q := rules.Flow{Protocol: protocol, ServerPort: port, Hook: o.Hook}
	if !strings.ContainsAny(o.In, "*+") {
		q.In = o.In
	}
	q.Server = netip.AddrFrom4([4]byte{10, 255, 255, 254})
	if len(o.Servers) > 0 && !everywhere(o.Servers) {
		q.Server = o.Servers[0].Addr()
	} else if len(o.Servers) > 0 && o.Servers[0].Addr().Is6() {
		q.Server = netip.MustParseAddr("2001:db8::1")
	}
	q.Client = anyone[0]
	if q.Server.Is6() {
		q.Client = anyone[1]
	}
	if o.Clients != nil && !in(o.Clients, q.Client) {
		return v, false
	}
	return f.c.firewall.rules.Decide(&q).Verdict, true
}

// covered reports the rules that do nothing because of others.
func (f *finder) covered() {
	for _, set := range f.c.firewall.rules.Sets {
		for _, c := range set.Covered {
			o := &opening{Opening: &rules.Opening{Rule: c.Rule, Chain: c.Rule.Chain}}
			k, why := RuleShadowed, "It never decides: rule %s deals with all that it is about, otherwise than it says."
			if c.Same {
				k, why = RuleRedundant, "It never decides: rule %s does the same with all that it is about."
			}
			f.add(f.ruleFinding(k, o, fmt.Sprintf(why, ruleID(c.By)), Fact{"covered by", c.By.String()}))
		}
	}
}

// dateRE finds dates in comments; those with the month in words are not read.
var (
	dateRE  = regexp.MustCompile(`\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b|\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b`)
	sinceRE = regexp.MustCompile(`(?i)\b(since|added|created|from|requested|opened|changed|updated|approved|reviewed|seit|vom|erstellt|am|on)\b[\s:(]*$`)
	untilRE = regexp.MustCompile(`(?i)\b(until|till|expires?|expiry|expired|ends?|valid|remove|temp|temporary|bis|befristet|delete|review)\b`)
)

// dated reports a rule whose comment has a date that has passed, and that is not
// the date of its beginning.
func (f *finder) dated(r *rules.Rule) {
	now := f.c.opt.Now
	if now.IsZero() && f.window.Last != 0 {
		now = time.Unix(0, int64(f.window.Last))
	}
	if now.IsZero() {
		return
	}
	for _, m := range dateRE.FindAllStringSubmatchIndex(r.Comment, -1) {
		part := func(i int) (n int) {
			if m[2*i] >= 0 {
				fmt.Sscan(r.Comment[m[2*i]:m[2*i+1]], &n)
			}
			return n
		}
		year, month, day := part(1), part(2), part(3)
		if year == 0 {
			day, month, year = part(4), part(5), part(6)
		}
		date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
		if year < 1990 || date.Day() != day || int(date.Month()) != month || !now.After(date.AddDate(0, 0, 1)) || sinceRE.MatchString(r.Comment[:m[0]]) {
			continue
		}
		o := &opening{Opening: &rules.Opening{Rule: r, Chain: r.Chain}}
		x := f.ruleFinding(RuleDated, o, fmt.Sprintf("Its comment has the date %s, which has passed.", date.Format(time.DateOnly)), Fact{"comment", r.Comment})
		if untilRE.MatchString(r.Comment) {
			x.Level = Warning
		}
		f.add(x)
		return
	}
}
