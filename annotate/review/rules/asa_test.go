package rules

import (
	"os"
	"strings"
	"testing"
)

func TestASA(t *testing.T) {
	// The interfaces are those of the configuration.
	ask(t, readFiles(t, Options{Port: names}, "asa.txt"), []question{
		{"tcp 192.0.2.1 10.30.0.5:443", "allow", "dmz_out line 1"},
		{"tcp 192.0.2.1 10.10.0.5:8444", "deny", ""},
		{"tcp 192.0.2.1 10.30.0.5:22", "deny", "policy of access lists"},
		{"udp 192.0.2.1 10.30.0.5:443", "deny", ""},
		{"tcp 198.51.100.10 10.30.0.9:22", "allow", "dmz_out line 2"},
		{"tcp 198.51.100.10 10.30.0.9:8085", "deny", "dmz_out out interface dmz"}, // permitted in, and not out
		{"tcp 198.51.100.10 10.10.0.9:8085", "allow", "line 3"},
		{"udp 198.51.100.10 10.10.0.9:50001", "allow", "line 3"},
		{"udp 198.51.100.10 10.10.0.9:50000", "deny", ""},
		{"udp 198.51.100.19 10.10.0.9:53", "allow", "line 3"},
		{"icmp 198.51.100.10 10.10.0.9:0", "unknown", "not known"},
		{"tcp 198.51.100.20 10.10.0.9:22", "deny", ""},
		{"tcp 198.51.100.10 10.30.0.9:25", "deny", "dmz_out"},
		{"tcp 192.0.2.1 10.30.0.7:23", "deny", ""}, // the entry is inactive
		{"udp 192.0.2.1:123 10.10.0.7:99", "deny", ""},
		{"tcp 192.0.2.1 10.30.0.8:5000", "deny", "dmz_out"},
		{"tcp 192.0.2.1 10.10.0.8:5000", "deny", "access lists"},
		{"tcp 2001:db8:10::1 [2001:db8:10:5::1]:443", "unknown", "same interface"},
		{"tcp 10.20.0.1 10.30.0.5:22", "allow", "dmz_out line 2"}, // a branch behind a route
		{"tcp 10.10.0.51 10.30.0.5:22", "deny", ""},
		{"tcp 10.10.0.51 10.30.0.5:3389", "deny", ""}, // not permitted out to dmz
		{"tcp 10.10.0.50 192.0.2.1:25", "deny", "inside_access_in line 1"},
		{"tcp 10.10.0.50 192.0.2.1:80", "allow", "inside_access_in line 2"},
		{"tcp 10.30.0.5 192.0.2.1:80", "allow", "security level of dmz"},
		{"tcp 10.30.0.5 10.40.0.9:80", "deny", ""}, // of one level
		{"tcp 10.30.0.5 10.10.0.50:80", "deny", ""},
		{"tcp 192.168.1.9 192.0.2.1:80", "deny", ""},                  // nothing passes the management interface
		{"tcp 192.0.2.1 203.0.113.3:8443", "allow", "dmz_out line 1"}, // translated to web, port 443
		{"tcp 192.0.2.1 203.0.113.3:443", "unknown", "same interface"},
		{"tcp 192.0.2.1 203.0.113.2:8080", "deny", ""}, // translated to web2
		{"tcp 192.0.2.1 203.0.113.2:22", "unknown", "management access"},
		{"tcp 203.0.113.2 192.0.2.1:22", "unknown", "itself sends"},
		{"tcp 192.0.2.1 10.30.0.6:22", "unknown", ""}, // what admins are translated to
		{"tcp 10.77.0.1 10.10.0.9:445", "unknown", "VPN"},
		{"tcp 10.99.0.1 10.10.0.9:445", "unknown", "VPN"},
	})
	b, err := os.ReadFile("testdata/asa.txt")
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, now string) string {
		t.Helper()
		if !strings.Contains(string(b), old) {
			t.Fatalf("no %q", old)
		}
		return strings.ReplaceAll(string(b), old, now)
	}
	for _, c := range []struct{ name, text, flow, verdict, why string }{
		{"one level", change("names\n", "same-security-traffic permit inter-interface\n"), "tcp 10.30.0.5 10.40.0.9:80", "allow", "security level of dmz"},
		{"a global list", change("access-group dmz_out out interface dmz", "access-group dmz_out global"), "tcp 10.30.0.5 192.0.2.1:80", "allow", "dmz_out line 1"},
		{"a global list, denied", change("access-group dmz_out out interface dmz", "access-group dmz_out global"), "tcp 10.30.0.5 192.0.2.1:23", "deny", ""},
		{"a global list behind that of the interface", change("access-group dmz_out out interface dmz", "access-group dmz_out global"), "tcp 192.0.2.1 10.10.0.9:22", "allow", "dmz_out line 2"},
		{"learned routes", change("names\n", "router ospf 1\n"), "tcp 192.0.2.1 10.30.0.5:80", "unknown", "interface is not known"},
		{"VPN packets are asked", change("names\n", "no sysopt connection permit-vpn\n"), "tcp 10.77.0.1 10.10.0.9:445", "deny", ""},
		{"version 8.2", change("ASA Version 9.16(4)", "ASA Version 8.2(5)"), "tcp 2001:db8:10::1 [2001:db8:30::1]:443", "unknown", "no rules for such packets"},
		{"without a mark of indentation", strings.ReplaceAll(string(b), "\n ", "\n"), "tcp 198.51.100.10 10.10.0.9:8085", "allow", "line 3"},
		{"show access-list", "access-list a; 2 elements; name hash: 0x1\naccess-list a line 1 extended permit tcp any object web eq www (hitcnt=7) 0xabc\n  access-list a line 1 extended permit tcp any host 10.0.0.1 eq www (hitcnt=7) 0xabc\naccess-list a line 2 extended permit ip any host 10.0.0.2 (hitcnt=0) 0xabd\naccess-group a in interface outside\nobject network web\n host 10.0.0.1\n", "tcp 192.0.2.1 10.0.0.2:80 in=outside out=inside", "allow", "a line 2"},
		{"an address from a server", "interface e0\n nameif outside\n security-level 0\n ip address dhcp setroute\ninterface e1\n nameif inside\n security-level 100\n ip address 10.0.0.1 255.255.255.0\n", "tcp 10.0.0.5 192.0.2.1:80", "allow", "security level of inside"},
		{"PIX", "PIX Version 6.3(5)\nnameif ethernet0 outside security0\nnameif ethernet1 inside security100\nip address outside 203.0.113.2 255.255.255.0\nip address inside 10.0.0.1 255.255.255.0\naccess-list a permit tcp any host 203.0.113.9 eq www\naccess-group a in interface outside\nroute outside 0 0 203.0.113.1\n", "tcp 10.0.0.5 192.0.2.1:80", "allow", "security level of inside"},
	} {
		t.Run(c.name, func(t *testing.T) { ask(t, readText(t, Options{}, c.text), []question{{c.flow, c.verdict, c.why}}) })
	}
	fw := readText(t, Options{}, "access-list a line 1 extended permit ip any any (hitcnt=7) 0xabc\naccess-group a in interface outside\n")
	if c := fw.Sets[0].Rules[len(fw.Sets[0].Rules)-1].Counter; c == nil || c.Packets != 7 {
		for _, r := range fw.Sets[0].Rules {
			if r.Counter != nil && r.Counter.Packets == 7 {
				return
			}
		}
		t.Errorf("no rule counted 7")
	}
}

func FuzzASA(f *testing.F) {
	for _, line := range seeds(f, "asa.txt") {
		f.Add(line)
	}
	f.Add("object-group service a tcp\n group-object a\n port-object range 5 1")
	f.Add("nat (any,any) source static a b destination static c d service e f")
	f.Add("object network w\n host 10.0.0.1\n nat (a,b) static 10.0.0.0 service tcp 1 2")
	f.Fuzz(func(t *testing.T, text string) {
		readAndAsk(t, "ASA Version 9.1(1)\ninterface a\n nameif outside\n security-level 0\n ip address 192.0.2.1 255.255.255.0\nobject network web\n host 10.0.0.1\n"+text+"\naccess-list a extended permit tcp any object web eq 80\n"+text+"\naccess-group a in interface outside\n")
	})
}
