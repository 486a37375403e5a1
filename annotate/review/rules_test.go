package review

import (
	"fmt"
	"strings"
	"testing"
)

// saved writes iptables-save text of a chain FORWARD that drops by policy.
func saved(rules ...string) string {
	return "*filter\n:FORWARD DROP [0:0]\n-A FORWARD " + strings.Join(rules, "\n-A FORWARD ") + "\nCOMMIT\n"
}

func TestRuleFindings(t *testing.T) {
	web := "-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -j ACCEPT"
	seen := "10.0.0.1:50000 10.9.0.80:443/tcp closed"
	for _, c := range []struct {
		name  string
		rules []string
		flows []string
		want  string
	}{
		{"allowed and seen", []string{web}, []string{seen}, "[]"},
		{"denied, and it worked", []string{web}, []string{seen, "10.0.0.1:50001 10.9.0.80:22/tcp closed"}, "[error not-allowed 10.9.0.80:22/tcp]"},
		{"denied, and refused", []string{web}, []string{seen, "10.0.0.1:50001 10.9.0.80:22/tcp refused"}, "[note not-allowed 10.9.0.80:22/tcp]"},
		{"denied, and nobody had to answer", []string{web}, []string{seen, "10.0.0.1:50001 10.9.0.80:514/udp one-way"}, "[warning not-allowed 10.9.0.80:514/udp]"},
		{"allowed and never seen", []string{web, "-d 10.9.0.81/32 -p tcp -m tcp --dport 22 -j ACCEPT"}, []string{seen}, "[warning exposed-by-rules 2 note allowed-never-seen 2]"},
		{"partly seen", []string{"-d 10.9.0.80/32 -p tcp -m multiport --dports 443,22 -j ACCEPT"}, []string{seen}, "[warning exposed-by-rules 1 note allowed-never-seen 1]"},
		{"attempts are seen too", []string{web}, []string{"10.0.0.1:50000 10.9.0.80:443/tcp attempted"}, "[]"},
		{"a broad range", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 400:499 -j ACCEPT"}, []string{seen}, "[warning exposed-by-rules 1 note broad-range 1]"},
		{"a range in use", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 450:469 -j ACCEPT"}, []string{strings.Replace(seen, ":443/", ":460/", 1)}, "[]"},
		{"a rule that is not about seen hosts", []string{"-s 10.5.0.0/16 -d 10.9.0.80/32 -p tcp -m tcp --dport 443 -j ACCEPT", web}, []string{seen}, "[note allowed-never-seen 1]"},
		{"loopback and protocols without ports", []string{"-i lo -j ACCEPT", "-p icmp -j ACCEPT", web}, []string{seen}, "[]"},
		{"everything from everywhere", []string{web, "-j ACCEPT"}, []string{seen}, "[warning exposed-by-rules 2 note broad-range 2]"},
		{"everything from one network", []string{web, "-s 10.7.0.0/16 -j ACCEPT"}, []string{seen}, "[note allowed-never-seen 2]"},
		{"not known whether it is used", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m time --timestart 08:00 -j ACCEPT", "-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -j ACCEPT"}, []string{seen}, "[]"},
		{"a comment that fits", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m comment --comment \"https for all\" -j ACCEPT"}, []string{seen}, "[]"},
		{"a comment that does not", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m comment --comment \"mysql for all\" -j ACCEPT"}, []string{seen}, "[note comment-contradicts 1]"},
		{"a spoken name", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m comment --comment \"RDP\" -j ACCEPT"}, []string{seen}, "[note comment-contradicts 1]"},
		{"ordinary words", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m comment --comment \"name and time of the last login, see the audit\" -j ACCEPT"}, []string{seen}, "[]"},
		{"one name of two fits", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m comment --comment \"https, later ssh\" -j ACCEPT"}, []string{seen}, "[]"},
		{"exposed, but denied before", []string{"-p tcp -m multiport --dports 22,23 -j DROP", "-p tcp -m tcp --dport 23 -j ACCEPT", web}, []string{seen}, "[warning rule-shadowed 2 note allowed-never-seen 2]"},
		{"exposed, in traffic", []string{"-p tcp -m tcp --dport 443 -j ACCEPT", "-s 203.0.113.0/24 -p tcp -m tcp --dport 5432 -j ACCEPT"}, []string{seen, "203.0.113.9:50000 10.9.0.80:5432/tcp closed"}, "[warning exposed-service 10.9.0.80:5432/tcp]"},
		{"tried from outside", []string{"-p tcp -m tcp --dport 443 -j ACCEPT", "-s 203.0.113.0/24 -p tcp -m tcp --dport 5432 -j ACCEPT"}, []string{seen, "203.0.113.9:50000 10.9.0.80:5432/tcp attempted"}, "[]"},
		{"from inside", []string{"-s 10.0.0.0/8 -p tcp -m tcp --dport 23 -j ACCEPT", web}, []string{seen}, "[note allowed-never-seen 1]"},
		{"by an interface", []string{"-i eth1 -p tcp -m tcp --dport 23 -j ACCEPT", web}, []string{seen}, "[note exposed-by-rules 1 note allowed-never-seen 1]"},
		{"redundant", []string{web, web}, []string{seen}, "[note rule-redundant 2]"},
		{"a date that has passed", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m comment --comment \"until 2020-12-31\" -j ACCEPT"}, []string{seen}, "[warning rule-dated 1]"},
		{"a date to come", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m comment --comment \"until 31.12.2099\" -j ACCEPT"}, []string{seen}, "[]"},
		{"the date of the beginning", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m comment --comment \"added 2020-12-31\" -j ACCEPT"}, []string{seen}, "[]"},
		{"a date of something", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m comment --comment \"shop 2020/12/31\" -j ACCEPT"}, []string{seen}, "[note rule-dated 1]"},
		{"no date", []string{"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m comment --comment \"10.0.2020 and 2020-13-45\" -j ACCEPT"}, []string{seen}, "[]"},
		{"a scan that is denied", []string{web}, append(probes(30), seen), "[warning scan 192.0.2.66]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, Options{Rules: firewallOf(t, saved(c.rules...))})
			for _, f := range c.flows {
				s.flow(f)
			}
			r := s.report()
			var got []string
			for _, f := range r.Findings {
				subject := f.Subject
				if f.Service == "" && f.File == "rules.txt" {
					subject = fmt.Sprint(f.Line - 2) // of the rules given
				}
				got = append(got, fmt.Sprintf("%v %v %s", f.Level, f.Kind, subject))
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("%v\nwant %s", got, c.want)
			}
		})
	}
}

func probes(n int) (flows []string) {
	for i := range n {
		flows = append(flows, fmt.Sprintf("192.0.2.66:40000 10.9.0.80:%d/tcp attempted", 1000+i))
	}
	return flows
}

// Rules of IPv4 say nothing of IPv6, and the remark says that.
func TestNoRulesForFamily(t *testing.T) {
	s := newScene(t, Options{Rules: firewallOf(t, saved("-p tcp -m tcp --dport 443 -j ACCEPT"))})
	s.flow("[2001:db8::1]:50000 [2001:db8::80]:443/tcp closed")
	r := s.report()
	if len(r.Remarks) != 1 || !strings.Contains(r.Remarks[0], "of IPv6 for instance: none are given") {
		t.Errorf("remarks %q", r.Remarks)
	}
}

// What the rules do not decide is neither allowed nor denied, and is said.
func TestUndecided(t *testing.T) {
	s := newScene(t, Options{Rules: firewallOf(t, saved("-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -m time --timestart 08:00 -j ACCEPT"))})
	s.flow("10.0.0.1:50000 10.9.0.80:443/tcp closed")
	r := s.report()
	expect(t, r)
	x := service1(t, r, "10.9.0.80:443/tcp")
	if x.Rules == nil || x.Rules.Verdict != "unknown" || x.Rules.Unknown != 1 || len(x.Rules.By) != 1 {
		t.Errorf("%+v", x.Rules)
	}
	if len(r.Remarks) != 1 || !strings.Contains(r.Remarks[0], "neither allowed nor denied") {
		t.Errorf("remarks %q", r.Remarks)
	}
	if u := r.Rules[0].Rules[0]; u.Decided != 0 || u.Possible != 1 {
		t.Errorf("%+v", u)
	}
	if len(r.Rules[0].Notes) == 0 {
		t.Error("what is not interpreted is not listed")
	}
}

func TestRuleUse(t *testing.T) {
	s := newScene(t, Options{Rules: firewallOf(t, saved(
		"-d 10.9.0.80/32 -p tcp -m tcp --dport 443 -j ACCEPT",
		"-d 10.9.0.0/24 -p tcp -m tcp --dport 22 -j ACCEPT",
		"-d 10.9.0.0/24 -p tcp -m tcp --dport 23 -j DROP"))})
	for i := range 3 {
		s.flow(fmt.Sprintf("10.0.0.%d:50000 10.9.0.80:443/tcp closed", i))
		s.flow(fmt.Sprintf("10.0.0.1:50000 10.9.0.%d:22/tcp closed", i))
	}
	s.flow("10.0.0.1:50000 10.9.0.80:23/tcp closed")
	s.flow("10.0.0.1:50000 10.9.0.80:25/tcp closed")
	r := s.report()
	var got []string
	for _, u := range r.Rules[0].Rules {
		got = append(got, fmt.Sprintf("%s %d flows %d services", u.Action, u.Flows, u.Services))
	}
	if r.Rules[0].Rules[0].Decided != 3 || r.Rules[0].Rules[0].Possible != 0 {
		t.Errorf("%+v", r.Rules[0].Rules[0])
	}
	if want := "[allow 3 flows 1 services allow 3 flows 3 services deny 1 flows 1 services]"; fmt.Sprint(got) != want {
		t.Errorf("%v\nwant %s", got, want)
	}
	if x := service1(t, r, "10.9.0.80:23/tcp"); x.Rules.Verdict != "deny" || x.Rules.By[0].Rule != r.Rules[0].Rules[2].ID {
		t.Errorf("%+v", x.Rules)
	}
	if x := service1(t, r, "10.9.0.80:25/tcp"); x.Rules.Verdict != "deny" || len(x.Rules.By) != 0 || x.Rules.Why == "" {
		t.Errorf("%+v", x.Rules)
	}
}
