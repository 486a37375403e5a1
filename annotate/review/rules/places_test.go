package rules

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

const ipAddress = `[{"ifindex":1,"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},
{"ifname":"lan","addr_info":[{"family":"inet","local":"10.20.0.1","prefixlen":16,"broadcast":"10.20.255.255"},{"family":"inet6","local":"2001:db8:20::1","prefixlen":64},{"family":"inet6","local":"fe80::1","prefixlen":64}]},
{"ifname":"ppp0","addr_info":[{"family":"inet","local":"192.0.2.1","address":"192.0.2.9","prefixlen":32}]},{}]
[{"dst":"default","gateway":"192.0.2.9","dev":"ppp0"},{"dst":"10.30.0.0/16","gateway":"10.20.0.9","dev":"lan"},{"type":"blackhole","dst":"10.66.0.0/16","dev":"lo"},
{"dst":"198.51.100.7","dev":"lan"},{"dst":"fe80::/64","dev":"lan"},{"dst":"10.40.0.0/16","nexthops":[{"dev":"lan"}]}]
`

func TestReadInterfaces(t *testing.T) {
	for _, c := range []struct{ text, want, fault string }{
		{text: "lan 10.20.0.0/16 2001:db8:20::/64 # ours\n\nwan 203.0.113.5/29 default\nlan 10.20.0.1\n",
			want: "[{lan [10.20.0.1] [10.20.0.0/16 2001:db8:20::/64] false} {wan [203.0.113.5] [203.0.113.0/29] true}]"},
		{text: "wan 0.0.0.0/0", want: "[{wan [] [] true}]"},
		{text: ipAddress, want: "[{lo [127.0.0.1] [127.0.0.0/8] false} " +
			"{lan [10.20.0.1 2001:db8:20::1 fe80::1] [10.20.0.0/16 2001:db8:20::/64 10.30.0.0/16 198.51.100.7/32 10.40.0.0/16] false} {ppp0 [192.0.2.1] [192.0.2.9/32] true}]"},
		{text: "", fault: "no interface is named"},
		{text: "lan 10.20.0/16", fault: `line 1: "10.20.0/16" is no network`},
		{text: "# x\nlan fe80::1%eth0", fault: "line 2: "},
		{text: "[{\n]", fault: "line 2: "},
		{text: `[{"dst":"x","dev":"lan"}]`, fault: `route of lan: "x" is no network`},
		{text: `[{"ifname":"lan","addr_info":[{"local":"10.0.0.1","prefixlen":99}]}]`, fault: "interface lan: 10.0.0.1/99 is no address"},
	} {
		got, err := ReadInterfaces([]Source{{"f", strings.NewReader(c.text)}})
		switch {
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("%q: error %v, want %q", c.text, err, c.fault)
		case c.fault == "" && (err != nil || fmt.Sprint(got) != c.want):
			t.Errorf("%q:\n got %v, %v\nwant %s", c.text, got, err, c.want)
		}
	}
}

func FuzzReadInterfaces(f *testing.F) {
	f.Add("lan 10.20.0.0/16 2001:db8:20::/64\nwan default\n")
	f.Add(ipAddress)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ReadInterfaces([]Source{{"f", strings.NewReader(text)}})
		if err != nil {
			return
		}
		p := newPlaces(Options{Interfaces: list})
		for _, x := range list {
			for _, n := range x.Networks {
				if !n.IsValid() || n != n.Masked() {
					t.Errorf("network %v", n)
				}
				if found, _ := p.of(n.Addr()); found == nil {
					t.Errorf("%v is nowhere", n)
				}
			}
		}
	})
}

const twoSides = `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lan -p tcp -m tcp --dport 22 -j ACCEPT
-A INPUT -i lan -p udp -m udp --dport 67 -j ACCEPT
-A INPUT -i lan -p udp -m udp --dport 137 -j ACCEPT
-A FORWARD -i lan -o wan -p tcp -m tcp --dport 443 -j ACCEPT
-A FORWARD -i wan -o dmz -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
`

// TestInterfaces pins which chain is asked, by which interfaces.
func TestInterfaces(t *testing.T) {
	const addressed = "lan 10.20.0.1/16\ndmz 10.30.0.1/24 10.40.0.0/24\nwan 203.0.113.5/29 default\n"
	const networks = "lan 10.20.0.0/16\ndmz 10.30.0.0/24\nwan default\n"
	const hairpin = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -d 203.0.113.5/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.20.0.9\nCOMMIT\n"
	for _, c := range []struct {
		name, ifs, more string
		protocol        uint8
		client, server  string
		want            string
	}{
		{"to the firewall", addressed, "", 6, "10.20.0.7", "10.20.0.1:22", "allow"},
		{"to the firewall from outside", addressed, "", 6, "198.51.100.1", "203.0.113.5:22", "deny"},
		{"from the firewall", addressed, "", 6, "203.0.113.5", "198.51.100.1:25", "allow"},
		{"out", addressed, "", 6, "10.20.0.7", "198.51.100.1:443", "allow"},
		{"out, another port", addressed, "", 6, "10.20.0.7", "198.51.100.1:25", "deny"},
		{"in", addressed, "", 6, "198.51.100.1", "10.30.0.8:80", "allow"},
		{"in, to the wrong side", addressed, "", 6, "198.51.100.1", "10.20.0.8:80", "deny"},
		{"from lan to dmz", addressed, "", 6, "10.20.0.7", "10.30.0.8:80", "deny"},
		{"within lan", addressed, "", 6, "10.20.0.7", "10.20.0.8:22", "apart"},
		{"within lan, where a rule turns packets back", addressed, hairpin, 6, "10.20.0.7", "10.20.0.9:443", "unknown"},
		{"two networks of one interface", addressed, "", 6, "10.30.0.7", "10.40.0.8:80", "unknown"},
		{"both outside", addressed, "", 6, "198.51.100.1", "192.0.2.1:80", "unknown"},
		{"limited broadcast", addressed, "", 17, "10.20.0.7", "255.255.255.255:67", "allow"},
		{"broadcast of the network", addressed, "", 17, "10.20.0.7", "10.20.255.255:137", "allow"},
		{"broadcast of another network", addressed, "", 17, "10.30.0.7", "10.20.255.255:137", "deny"},
		{"multicast", addressed, "", 17, "10.20.0.7", "224.0.0.251:5353", "unknown"},
		{"multicast to all hosts", addressed, "", 17, "10.20.0.7", "224.0.0.1:5353", "deny"},
		{"own addresses not known", networks, "", 6, "10.20.0.7", "198.51.100.1:25", "unknown"},
		{"own addresses not known, within", networks, "", 6, "10.20.0.7", "10.20.0.8:25", "unknown"},
		{"nothing known", "", "", 6, "10.20.0.7", "10.20.0.8:25", "unknown"},
	} {
		opt := Options{}
		if c.ifs != "" {
			list, err := ReadInterfaces([]Source{{"f", strings.NewReader(c.ifs)}})
			if err != nil {
				t.Fatal(err)
			}
			opt.Interfaces = list
		}
		fw, err := Read([]Source{{"rules", strings.NewReader(twoSides + c.more)}}, opt)
		if err != nil {
			t.Fatal(err)
		}
		server := netip.MustParseAddrPort(c.server)
		d := fw.Decide(&Flow{Protocol: c.protocol, Client: netip.MustParseAddr(c.client), ClientPort: 50000, Server: server.Addr(), ServerPort: server.Port()})
		got := d.Verdict.String()
		if d.Apart {
			got = "apart"
		}
		if got != c.want {
			t.Errorf("%s: %s (%s), want %s", c.name, got, d.Why, c.want)
		}
	}
}
