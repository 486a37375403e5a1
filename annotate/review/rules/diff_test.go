package rules

import (
	"fmt"
	"strings"
	"testing"
)

// TestCompare pins what two rulesets decide differently.
func TestCompare(t *testing.T) {
	const old = "-A FORWARD -s 10.0.0.0/8 -p tcp -m tcp --dport 20:25 -j ACCEPT\n-A FORWARD -d 10.9.0.5/32 -p udp -m udp --dport 53 -j ACCEPT\n"
	for _, c := range []struct{ name, old, now, want string }{
		{"the same", old, old, ""},
		{"in another order", "-A FORWARD -p tcp -m tcp --dport 1 -j ACCEPT\n-A FORWARD -p tcp -m tcp --dport 2 -j ACCEPT\n",
			"-A FORWARD -p tcp -m tcp --dport 2 -j ACCEPT\n-A FORWARD -p tcp -m tcp --dport 1 -j ACCEPT\n", ""},
		{"a rule more", old, old + "-A FORWARD -p tcp -m tcp --dport 443 -j ACCEPT\n", "allow forward 6 443 to any from any by filter FORWARD 3"},
		{"a rule less", old, old[strings.Index(old, "\n")+1:], "deny forward 6 20-25 to any from 10.0.0.0/8 by policy of filter FORWARD"},
		{"one port taken out", old, "-A FORWARD -p tcp -m tcp --dport 23 -j DROP\n" + old, "deny forward 6 23 to any from 10.0.0.0/8 by filter FORWARD 1"},
		{"a wider source", old, strings.Replace(old, "10.0.0.0/8", "10.0.0.0/7", 1), "allow forward 6 20-25 to any from 11.0.0.0/8 by filter FORWARD 1"},
		{"another server", old, strings.Replace(old, "10.9.0.5", "10.9.0.6", 1),
			"allow forward 17 53 to 10.9.0.6/32 from any by filter FORWARD 2; deny forward 17 53 to 10.9.0.5/32 from any by policy of filter FORWARD"},
	} {
		read := func(text string) *Firewall {
			return readText(t, Options{}, "*filter\n:FORWARD DROP [0:0]\n"+text+"COMMIT\n")
		}
		got := Compare(read(c.old), read(c.now))
		var list []string
		for _, x := range got.Differences {
			var ports []string
			for _, p := range x.Ports {
				ports = append(ports, p.String())
			}
			side := func(p any, all bool) string {
				if all {
					return "any"
				}
				return strings.Trim(fmt.Sprint(p), "[]")
			}
			text := fmt.Sprintf("%v %v %d %s to %s from %s", x.Now.Verdict, x.Hook, x.Protocol, strings.Join(ports, ","), side(x.Servers, x.Servers == nil || x.Servers[0] == allV4), side(x.Clients, x.Clients == nil || x.Clients[0] == allV4))
			if x.Examples {
				text += " example"
			}
			if x.Now.Rule != nil {
				text += " by " + x.Now.Rule.ID
			} else {
				text += " by " + x.Now.Why
			}
			list = append(list, text)
		}
		if text := strings.Join(list, "; "); text != c.want || got.Truncated {
			t.Errorf("%s:\n got %s\nwant %s", c.name, text, c.want)
		}
	}
}
