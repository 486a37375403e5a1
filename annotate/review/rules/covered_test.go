package rules

import (
	"fmt"
	"strings"
	"testing"
)

// TestCovered pins which rules do nothing because of another.
func TestCovered(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"the same, narrower", "-A FORWARD -p tcp -m tcp --dport 22 -j ACCEPT\n-A FORWARD -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT", "[2 by 1 same]"},
		{"otherwise", "-A FORWARD -p tcp -m multiport --dports 22,23 -j DROP\n-A FORWARD -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT", "[2 by 1]"},
		{"rejected and dropped", "-A FORWARD -s 10.0.0.0/8 -j DROP\n-A FORWARD -s 10.1.0.0/16 -p udp -j REJECT", "[2 by 1 same]"},
		{"wider", "-A FORWARD -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j DROP\n-A FORWARD -p tcp -m tcp --dport 22 -j ACCEPT", "[]"},
		{"another transport", "-A FORWARD -p udp -m udp --dport 53 -j DROP\n-A FORWARD -p tcp -m tcp --dport 53 -j ACCEPT", "[]"},
		{"another interface", "-A FORWARD -i lan -j ACCEPT\n-A FORWARD -i wan -p tcp -j ACCEPT", "[]"},
		{"a limited rule leaves some", "-A FORWARD -p tcp -m limit --limit 5/sec -j ACCEPT\n-A FORWARD -p tcp -m tcp --dport 22 -j ACCEPT", "[]"},
		{"a rule of new connections leaves others", "-A FORWARD -p tcp -m conntrack --ctstate NEW -j DROP\n-A FORWARD -p tcp -m tcp --dport 22 -j ACCEPT", "[]"},
		{"new connections are covered", "-A FORWARD -p tcp -j DROP\n-A FORWARD -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT", "[2 by 1]"},
		{"what is not interpreted covers nothing", "-A FORWARD -m string --string x --algo bm -j DROP\n-A FORWARD -p tcp -j ACCEPT", "[]"},
		{"but is covered", "-A FORWARD -p tcp -j DROP\n-A FORWARD -p tcp -m string --string x --algo bm -j ACCEPT", "[2 by 1]"},
		{"a negation covers nothing", "-A FORWARD ! -s 10.0.0.0/8 -j DROP\n-A FORWARD -s 192.0.2.1 -j ACCEPT", "[]"},
		{"counting is no deciding", "-A FORWARD -p tcp\n-A FORWARD -p tcp -m tcp --dport 22 -j ACCEPT", "[]"},
	} {
		fw := readText(t, Options{}, "*filter\n:FORWARD DROP [0:0]\n"+c.text+"\nCOMMIT\n")
		if got := coverText(fw.Sets[0]); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, c := range []struct{ name, text, want string }{
		{"pf: the last one decides", "block in all\npass in proto tcp from any to any port = 22\nblock in proto tcp all", "[2 by 3]"},
		{"pf: quick before", "block in quick proto tcp all\npass in proto tcp from any to any port = 22", "[2 by 1]"},
		{"pf: both stay", "block in all\npass in proto tcp from any to any port = 22", "[]"},
		{"pf: another direction", "pass in proto tcp all\nblock out all", "[]"},
	} {
		fw := readText(t, Options{}, c.text+"\n")
		if got := coverText(fw.Sets[0]); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func coverText(s *Set) string {
	place := func(r *Rule) int {
		for i := range s.Rules {
			if s.Rules[i] == r {
				return i + 1
			}
		}
		return 0
	}
	var list []string
	for _, c := range s.Covered {
		text := fmt.Sprintf("%d by %d", place(c.Rule), place(c.By))
		if c.Same {
			text += " same"
		}
		list = append(list, text)
	}
	return "[" + strings.Join(list, ", ") + "]"
}
