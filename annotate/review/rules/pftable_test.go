package rules

import (
	"net/netip"
	"strings"
	"testing"
)

// TestPFTables pins where the addresses of tables come from, and that the longest
// prefix counts.
func TestPFTables(t *testing.T) {
	const rules = "block in all\npass in proto tcp from <good> to any port = 22\n"
	for _, c := range []struct{ name, table, file, list, in, out string }{
		{"in braces", "table <good> { 10.0.0.0/8, !10.1.0.0/16, 10.1.2.0/24 }\n", "", "", "10.2.0.1 10.1.2.9", "10.1.0.1 192.0.2.1"},
		{"taken out of two", "table <good> const { 10.0.0.0/8 10.1.0.0/16 !10.1.2.3 }\n", "", "", "10.1.2.2 10.1.2.4 10.9.9.9", "10.1.2.3"},
		{"of pfctl -T show", "table <good> persist\n", "dir/good.txt", "   10.0.0.0/8\n  !10.1.0.0/16\n# none\n", "10.2.0.1", "10.1.0.1"},
		{"of its file", "table <good> persist file \"/etc/admins.conf\"\n", "admins.conf", "192.0.2.7\n", "192.0.2.7", "192.0.2.8"},
		{"of a file that is not given", "table <good> persist file \"/etc/admins.conf\"\n", "", "", "", ""},
	} {
		sources := []Source{{"pf", strings.NewReader(c.table + rules)}}
		if c.file != "" {
			sources = append(sources, Source{c.file, strings.NewReader(c.list)})
		}
		fw, err := Read(sources, Options{})
		if err != nil || len(fw.Sets) != 1 {
			t.Fatalf("%s: %v, %v", c.name, fw, err)
		}
		ask := func(client string, want Verdict) {
			d := fw.Decide(&Flow{Protocol: 6, Client: netip.MustParseAddr(client), Server: netip.MustParseAddr("203.0.113.1"), ServerPort: 22, Hook: Input})
			if d.Verdict != want {
				t.Errorf("%s: %s: %s (%s), want %s", c.name, client, d.Verdict, d.Why, want)
			}
		}
		for _, a := range strings.Fields(c.in) {
			ask(a, Allow)
		}
		for _, a := range strings.Fields(c.out) {
			ask(a, Deny)
		}
		if c.in == "" {
			ask("192.0.2.7", Unknown)
		}
	}
}

// TestPFTranslationsApart: what pfctl -sn prints belongs to the rules of pfctl -sr.
func TestPFTranslationsApart(t *testing.T) {
	fw, err := Read([]Source{
		{"sr", strings.NewReader("block in all\npass in proto tcp from any to 10.0.0.5 port = 80\n")},
		{"sn", strings.NewReader("rdr on em0 inet proto tcp from any to 203.0.113.1 port = 8080 -> 10.0.0.5 port 80\n")},
	}, Options{})
	if err != nil || len(fw.Sets) != 1 || len(fw.Sets[0].Files) != 2 {
		t.Fatalf("%+v, %v", fw, err)
	}
	d := fw.Decide(&Flow{Protocol: 6, Client: netip.MustParseAddr("192.0.2.1"), Server: netip.MustParseAddr("203.0.113.1"), ServerPort: 8080, Hook: Input})
	if d.Verdict != Unknown {
		t.Errorf("%s (%s): it may be translated to what passes", d.Verdict, d.Why)
	}
}

// TestPFInterfaces: addresses and groups of interfaces are those that are given.
func TestPFInterfaces(t *testing.T) {
	const text = "block all\npass in on egress proto tcp from any to (egress) port = 22\npass in on em1 proto tcp from em1:network to any\npass out all\npass in on em1 proto udp from any to (em1:0) port = 53\n"
	given := []Interface{
		{Name: "em0", Addrs: []netip.Addr{netip.MustParseAddr("198.51.100.2")}, Networks: prefixes("198.51.100.0/29"), Default: true},
		{Name: "em1", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Networks: prefixes("10.0.0.0/24", "10.5.0.0/16")},
	}
	ask(t, readText(t, Options{Interfaces: given}, text), []question{
		{"tcp 8.8.8.8 198.51.100.2:22", "allow", "@1"},
		{"tcp 8.8.8.8 198.51.100.2:23", "deny", "@0"},
		{"tcp 8.8.8.8 10.0.0.1:22", "deny", "@0"},
		{"tcp 10.0.0.7 8.8.8.8:80", "allow", "@2"},
		{"tcp 10.5.0.7 8.8.8.8:80", "deny", "@0"}, // behind a router
		{"udp 10.5.0.7 10.0.0.1:53", "allow", "@4"},
		{"tcp 2600::1 [2600::2]:22 input in=em0", "unknown", "( egress )"}, // it may have addresses of IPv6
	})
	ask(t, readText(t, Options{}, text), []question{{"tcp 8.8.8.8 198.51.100.2:22 input in=em0", "unknown", "egress"}})
}

// TestPFConf: what stands in a pf.conf, and pfctl does not print.
func TestPFConf(t *testing.T) {
	const text = `ext_if = "em0"
admins = "{ 192.0.2.7, 192.0.2.8 }"   # who may log in
web = "{ 80 443 }"
both = "proto tcp from" $admins
table <private> const { 10/8, 172.16/12, 192.168/16 }
table <mixed> { 203.0.113.0/24, updates.example.com }
set skip on lo0
no rdr on $ext_if proto tcp from 192.0.2.66 to any port 8080
rdr on $ext_if proto tcp from any to 198.51.100.2 port 8080 -> 10.0.0.5 port 80
block in all
block in quick on $ext_if from <private> to any
pass in on $ext_if $both to any port 22
pass in on $ext_if proto tcp from any to any port $web
pass in on $ext_if proto udp from <mixed> to any port 53
pass in on $ext_if proto tcp from any to $unknown port 25
pass out all
`
	ask(t, readText(t, Options{Local: prefixes("198.51.100.2")}, text), []question{
		{"tcp 192.0.2.8 198.51.100.2:22 in=em0", "allow", ""},
		{"tcp 192.0.2.9 198.51.100.2:22 in=em0", "deny", ""},
		{"tcp 192.0.2.9 198.51.100.2:443 in=em0", "allow", ""},
		{"tcp 172.31.2.9 198.51.100.2:443 in=em0", "deny", ""},
		{"tcp 192.0.2.9 198.51.100.2:8080 in=em0", "allow", ""}, // as 10.0.0.5:80
		{"tcp 192.0.2.66 198.51.100.2:8080 in=em0", "deny", ""}, // that is not translated
		{"udp 203.0.113.9 198.51.100.2:53 in=em0", "allow", ""},
		{"udp 192.0.2.9 198.51.100.2:53 in=em0", "unknown", "<mixed>"},
		{"tcp 192.0.2.9 198.51.100.2:25 in=em0", "unknown", "$unknown"},
		{"tcp 192.0.2.9 198.51.100.2:24 in=lo0", "allow", "skip"},
	})
}

// TestOldNegation: versions before 1.4.3 print "!" behind the option.
func TestOldNegation(t *testing.T) {
	const text = "*filter\n:INPUT DROP [0:0]\n-A INPUT -s ! 10.0.0.0/8 -i ! eth1 -p tcp -m tcp --dport ! 22 -j ACCEPT\n-A INPUT -s 10.9.0.0/16 ! -i eth1 -p udp -j ACCEPT\nCOMMIT\n"
	ask(t, readText(t, Options{}, text), []question{
		{"tcp 192.0.2.1 198.51.100.1:80 input in=eth0", "allow", ""},
		{"tcp 192.0.2.1 198.51.100.1:22 input in=eth0", "deny", ""},
		{"tcp 192.0.2.1 198.51.100.1:80 input in=eth1", "deny", ""},
		{"tcp 10.0.0.1 198.51.100.1:80 input in=eth0", "deny", ""},
		{"udp 10.9.0.1 198.51.100.1:80 input in=eth0", "allow", ""},
	})
}

// TestRecent: a client that comes for the first time has not come too often.
func TestRecent(t *testing.T) {
	fw := readText(t, Options{}, `*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 22 -m recent --set --name SSH --mask 255.255.255.255 --rsource
-A INPUT -p tcp -m tcp --dport 22 -m recent --update --seconds 60 --hitcount 4 --name SSH --mask 255.255.255.255 --rsource -j DROP
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 23 -m recent --rcheck --seconds 10 --name knocked --mask 255.255.255.255 --rsource -j ACCEPT
COMMIT
`)
	ask := func(port uint16) Decision {
		return fw.Decide(&Flow{Protocol: 6, Client: netip.MustParseAddr("192.0.2.1"), Server: netip.MustParseAddr("203.0.113.1"), ServerPort: port, Hook: Input})
	}
	if d := ask(22); d.Verdict != Allow || len(d.Assumes) != 1 || d.Assumes[0].ID != "filter INPUT 2" {
		t.Errorf("22: %+v", d)
	}
	if d := ask(23); d.Verdict != Unknown || d.Missing != MissingReading {
		t.Errorf("23: %+v", d)
	}
	if d := ask(25); d.Verdict != Deny || len(d.Assumes) != 0 {
		t.Errorf("25: %+v", d)
	}
}

func FuzzPFTable(f *testing.F) {
	f.Add("10.0.0.0/8\n!10.1.0.0/16\n", "10.0.0.0/8, !10.1.2.3")
	f.Add("2001:db8::/32\n! 2001:db8::1", "::/0")
	f.Fuzz(func(t *testing.T, list, braces string) {
		fw, err := Read([]Source{
			{"pf", strings.NewReader("pass in from <t> to any\nblock in from <u> to any\ntable <u> { " + braces + " }\n")}, {"t", strings.NewReader(list)},
		}, Options{})
		if err != nil {
			return
		}
		fw.Decide(&Flow{Protocol: 6, Client: netip.MustParseAddr("10.1.2.3"), Server: netip.MustParseAddr("10.1.2.4"), Hook: Input})
	})
}
