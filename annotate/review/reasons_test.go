package review

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/review/rules"
)

// Of each rule it is said what of its reason the policy lacks, and nothing that is not
// known to be lacking.
func TestReasons(t *testing.T) {
	full := "owner: web team\n    reason: shop\n    ticket: CHG-1"
	entry := func(ports, rest string) string {
		return "\n  - name: " + strings.Fields(ports)[0] + "\n    ports: [" + ports + "]\n    " + full + rest
	}
	web := "-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -j ACCEPT"
	seen := "10.0.0.1:50000 10.9.0.80:443/tcp closed"
	for _, c := range []struct {
		name, rule, policy string
		flows              []string
		want               string // of what is missing
	}{
		{"all there", web, entry("443/tcp", ""), []string{seen}, ""},
		{"no entry", web, entry("80/tcp", ""), []string{seen}, "an entry of the policy about 443/tcp to 10.9.0.80; an entry for 1 flow of 1 that the rule decided"},
		{"entry of another server", web, entry("443/tcp", "\n    servers: [10.9.0.81]"), []string{seen}, "an entry of the policy about 443/tcp to 10.9.0.80; an entry for 1 flow of 1 that the rule decided"},
		{"a part of the clients", web, entry("443/tcp", "\n    clients: [10.0.0.0/24]"), []string{seen}, "an entry about the rest of 443/tcp to 10.9.0.80, of which entries cover a part"},
		{"clients of two entries together", "-s 10.0.0.0/23 " + web, entry("443/tcp", "\n    clients: [10.0.0.0/24]") + entry("443/tcp", "\n    clients: [10.0.1.0/24]"), []string{seen}, ""},
		{"ports of two entries together", "-d 10.9.0.80/32 -p tcp -m tcp --dport 443:444 -j ACCEPT", entry("443/tcp", "") + entry("444/tcp", ""), []string{seen}, ""},
		{"a part of the ports", "-d 10.9.0.80/32 -p tcp -m tcp --dport 443:445 -j ACCEPT", entry("443/tcp, 445/tcp", ""), []string{seen}, "an entry about the rest of 443-445/tcp to 10.9.0.80, of which entries cover a part"},
		{"expired", web, entry("443/tcp", "\n    expires: 2020-01-01"), []string{seen}, `an entry of the policy about 443/tcp to 10.9.0.80; an entry in force: "443/tcp" ended on 2020-01-01; an entry for 1 flow of 1 that the rule decided`},
		{"expired after the traffic", web, entry("443/tcp", "\n    expires: 2026-11-01"), []string{seen}, `an entry of the policy about 443/tcp to 10.9.0.80; an entry in force: "443/tcp" ended on 2026-11-01`},
		{"nobody answers for it", web, "\n  - name: shop\n    ports: [443/tcp]", []string{seen}, `the business reason of "shop"; the owner of "shop"; the ticket of "shop"`},
		{"never seen", web, entry("443/tcp", ""), []string{"10.0.0.1:50000 10.9.0.80:80/tcp attempted"}, "any use: nothing was seen of it in a window of 500ms (2026-09-14 09:00:00 UTC), which is too short to prove much"},
		{"not interpreted, and perhaps covered", "-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m time --timestart 08:00 -j ACCEPT", entry("443/tcp", "\n    clients: [10.0.0.0/24]"), []string{seen},
			"whether entries cover all of 443/tcp to 10.9.0.80: not known, because the rule has matches that are not interpreted, or not shown here; what a part of the rule means: match that is not interpreted"},
		{"not interpreted, and surely not covered", "-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m time --timestart 08:00 -j ACCEPT", entry("80/tcp", ""), []string{seen},
			"an entry of the policy about 443/tcp to 10.9.0.80; what a part of the rule means: match that is not interpreted"},
		{"an interface of which nothing is known", "-i lan -p tcp -m tcp --dport 443 -j ACCEPT", entry("443/tcp", "\n    clients: [10.0.0.0/24]"), []string{seen},
			"whether entries cover all of 443/tcp in by lan: not known, because the rule names an interface, and it is not known what is behind it (--interfaces)"},
		{"every protocol", "-s 10.0.0.1/32 -j ACCEPT", entry("1-65535/tcp, 1-65535/udp", ""), []string{seen}, "an entry about the rest of every protocol from 10.0.0.1, of which entries cover a part"},
		{"every protocol, any port", "-s 10.0.0.1/32 -j ACCEPT", entry("any", ""), []string{seen}, ""},
		{"without ports", "-p icmp -j ACCEPT", entry("80/tcp", ""), []string{seen}, "an entry of the policy about icmp; any use: nothing was seen of it in a window of 500ms (2026-09-14 09:00:00 UTC), which is too short to prove much"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := Options{Rules: firewallOf(t, saved(c.rule)), Policy: policy(t, "version: 1\nexpected:"+c.policy+"\n"), Now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
			s := newScene(t, opt)
			s.c.opt.Now = opt.Now
			for _, f := range c.flows {
				s.flow(f)
			}
			list := s.report().Rules[0].Reasons
			if len(list) != 1 {
				t.Fatalf("%d rules: %+v", len(list), list)
			}
			if got := strings.Join(list[0].Missing, "; "); got != c.want {
				t.Errorf("missing %s\nwant    %s", got, c.want)
			}
		})
	}
}

// Rules that need no reason are said to, a default that allows is there, and a deny is
// not.
func TestReasonsOfOthers(t *testing.T) {
	text := "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -i lo -j ACCEPT\n-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n-A FORWARD -p tcp -m tcp --dport 23 -j DROP\nCOMMIT\n"
	s := newScene(t, Options{Rules: firewallOf(t, text), Policy: policy(t, "version: 1\nexpected: []\n")})
	s.flow("10.0.0.1:50000 10.9.0.80:443/tcp closed")
	r := s.report()
	var got []string
	for _, x := range r.Rules[0].Reasons {
		got = append(got, fmt.Sprintf("%d %s|%s|%s", x.Line, x.Note, x.Allows, x.Missing))
	}
	want := []string{
		"3 of the machine with itself|[]|[]", "4 opens no connection of its own|[]|[]",
		"0 |[every protocol]|[a rule of its own: a default allows it an entry of the policy about every protocol]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	s = newScene(t, Options{Rules: firewallOf(t, text)})
	if r := s.report(); r.Rules[0].Reasons != nil {
		t.Error("there are reasons without a policy")
	}
}

// An opening is covered by entries together if and only if each of its points is.
func TestCover(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	prefix := func() netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(rnd.IntN(8))}), 29+rnd.IntN(4)).Masked()
	}
	side := func() []netip.Prefix {
		if rnd.IntN(4) == 0 {
			return []netip.Prefix{netip.MustParsePrefix("10.0.0.0/29")}
		}
		return []netip.Prefix{prefix(), prefix()}
	}
	whole := 0
	for range 3000 {
		p := &Policy{}
		for range 1 + rnd.IntN(5) {
			first := uint16(1 + rnd.IntN(4))
			p.Expected = append(p.Expected, &Entry{Ports: []Ports{{6, first, first + uint16(rnd.IntN(3))}}, Servers: side(), Clients: side()})
		}
		first := uint16(1 + rnd.IntN(4))
		o := opening{Opening: &rules.Opening{Protocol: 6, Ports: rules.Range{First: first, Last: first + uint16(rnd.IntN(3))}, Servers: side(), Clients: side()}}
		f := &finder{c: &Collector{opt: Options{Policy: p}, firewall: &firewall{rules: &rules.Firewall{}}}}
		c := f.cover(&o, map[*Entry]bool{})
		all, some := true, false
		for port := o.Ports.First; port <= o.Ports.Last; port++ {
			for s := range 8 {
				for cl := range 8 {
					server, client := netip.AddrFrom4([4]byte{10, 0, 0, byte(s)}), netip.AddrFrom4([4]byte{10, 0, 0, byte(cl)})
					if !in(o.Servers, server) || !in(o.Clients, client) {
						continue
					}
					covered := slices.ContainsFunc(p.Expected, func(e *Entry) bool {
						return e.port(6, port) && in(e.Servers, server) && in(e.Clients, client)
					})
					all, some = all && covered, some || covered
				}
			}
		}
		if c.unfinished || c.whole != all || c.some != some {
			t.Fatalf("%+v of %+v: whole %v, some %v, want %v, %v", o.Opening, p.Expected, c.whole, c.some, all, some)
		}
		if all {
			whole++
		}
	}
	if whole < 50 {
		t.Errorf("only %d were covered as a whole", whole)
	}
}
