package rules

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestPFSense(t *testing.T) {
	ask(t, readFiles(t, Options{Port: names}, "pfsense.xml"), []question{
		{"tcp 8.8.4.4 198.51.100.2:443", "allow", "wan: NAT public web"}, // forwarded to 10.30.0.5:8443
		{"tcp 8.8.4.4 198.51.100.2:444", "deny", ""},
		{"tcp 10.10.0.70 8.8.4.4:443", "unknown", "feed"}, // on its way out
		{"tcp 8.8.4.4 198.51.100.2:8443", "deny", "default deny"},
		{"tcp 8.8.4.4 198.51.100.3:22", "allow", "port forward rule in line 130"}, // passed by the translation itself
		{"tcp 8.8.4.4 198.51.100.2:25", "deny", "default deny"},
		{"udp 8.8.4.4 198.51.100.4:27018", "allow", "wan: game"},
		{"udp 8.8.4.4 198.51.100.4:27021", "deny", ""},
		{"tcp 8.8.4.4 10.30.0.5:8443", "allow", "NAT public web"},
		{"tcp 192.0.2.5 198.51.100.2:443", "unknown", "bogon"},
		{"tcp 172.16.0.5 198.51.100.2:443", "deny", "private networks"},
		{"tcp 10.10.0.50 8.8.4.4:22", "allow", "admins out"},
		{"tcp 10.10.0.69 8.8.4.4:22", "allow", "admins out"},
		{"tcp 10.10.0.70 8.8.4.4:22", "deny", ""},
		{"tcp 10.20.7.1 8.8.4.4:22", "allow", "admins out"},
		{"tcp 10.10.0.50 10.30.0.9:22", "deny", ""},
		{"tcp 10.10.0.70 8.8.4.4:8009", "allow", "web until"},
		{"tcp 10.20.7.1 8.8.4.4:443", "deny", ""}, // not of the network of lan
		{"tcp 10.10.0.70 8.8.4.4:873", "unknown", ""},
		{"tcp 10.10.0.70 8.8.4.4:25", "deny", "inside: no mail"},
		{"udp 10.10.0.70 10.10.0.1:161", "deny", "no SNMP"},
		{"tcp 10.10.0.70 10.10.0.1:8443", "allow", "anti-lockout"},
		{"tcp 10.10.0.70 10.10.0.1:22", "unknown", "SSH"},
		{"tcp 10.30.0.5 8.8.4.4:443", "deny", "default deny"}, // the rule is disabled
		{"udp 10.30.0.5 8.8.4.4:53", "deny", "no DNS out"},    // in, and not out
		{"udp 10.30.0.5 10.10.0.9:53", "allow", "opt1: DNS"},
		{"tcp 2001:db8:10::5 [2600::1]:25", "allow", "LAN IPv6"},
		{"tcp 198.51.100.2 8.8.4.4:80", "allow", "firewall itself"},
		{"udp 10.10.0.70 255.255.255.255:67", "unknown", "DHCP"},
		{"tcp 10.10.0.70 8.8.4.4:22 in=LAN out=em0", "deny", ""},
	})
	// An alias that the file does not have is given as its table.
	config, err := os.ReadFile("testdata/pfsense.xml")
	if err != nil {
		t.Fatal(err)
	}
	fw, err := Read([]Source{{"config.xml", bytes.NewReader(config)}, {"feed.txt", strings.NewReader("8.8.4.0/24\n!8.8.4.4\n")}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, fw, []question{
		{"tcp 8.8.4.4 198.51.100.2:443", "allow", "NAT public web"},
		{"tcp 8.8.4.5 198.51.100.2:443", "allow", "NAT public web"}, // it is forwarded to 8443
		{"tcp 8.8.4.5 198.51.100.2:444", "deny", "feed"},
		{"tcp 10.10.0.70 8.8.4.4:443", "allow", "web until"}, // it leaves with the address of wan
	})
	// What the user says of interfaces counts, by any of their names.
	ask(t, readFiles(t, Options{Interfaces: []Interface{{Name: "em1", Networks: prefixes("10.0.0.0/8")}, {Name: "WAN", Default: true}}}, "pfsense.xml"), []question{
		{"tcp 10.10.0.70 8.8.4.4:80", "allow", "web until"},
	})
	ask(t, readFiles(t, Options{Port: names}, "opnsense.xml"), []question{
		{"tcp 192.168.1.9 8.8.4.4:443", "allow", "LAN to any"},
		{"tcp 192.168.1.9 8.8.4.4:23", "deny", "no telnet"}, // the last match decides
		{"udp 192.168.1.9 8.8.4.4:53", "deny", "no DNS"},
		{"tcp 192.168.2.10 10.1.1.1:9005", "allow", "app"},
		{"tcp 192.168.2.11 10.1.1.1:9005", "deny", "not from 11"},
		{"tcp 192.168.2.11 192.168.1.4:8080", "allow", "app"},
		{"tcp 192.168.2.12 192.168.1.4:8080", "deny", "default deny"},
		{"tcp 8.8.4.4 192.168.2.10:443", "unknown", "countries"},
		{"tcp 8.8.4.4 192.168.2.10:80", "deny", "default deny"},
	})
}

// TestSenseReflection: with reflection, inner clients may reach what is forwarded.
func TestSenseReflection(t *testing.T) {
	const config = `<pfsense><interfaces><wan><if>em0</if><ipaddr>198.51.100.2</ipaddr><subnet>29</subnet><gateway>G</gateway></wan><lan><if>em1</if><ipaddr>10.0.0.1</ipaddr><subnet>24</subnet></lan></interfaces>
<nat><rule><interface>wan</interface><protocol>tcp</protocol><destination><network>wanip</network><port>80</port></destination><target>10.0.0.5</target><local-port>80</local-port>%</rule></nat>
<filter><rule><type>pass</type><interface>lan</interface><source><any/></source><destination><address>10.0.0.5</address></destination></rule></filter></pfsense>`
	flow := "tcp 10.0.0.9 198.51.100.2:80"
	ask(t, readText(t, Options{}, strings.Replace(config, "%", "", 1)), []question{{flow, "unknown", ""}})
	ask(t, readText(t, Options{}, strings.Replace(config, "%", "<natreflection>disable</natreflection>", 1)), []question{{flow, "deny", "default deny"}})
	ask(t, readText(t, Options{}, strings.Replace(config, "%", "<nordr/>", 1)), []question{{"tcp 8.8.4.4 198.51.100.2:80", "deny", "default deny"}})
}

func FuzzSense(f *testing.F) {
	for _, name := range []string{"pfsense.xml", "opnsense.xml"} {
		text := strings.Join(seeds(f, name), "\n")
		for _, mark := range []string{"<rule", "<alias>", "<alias uuid", "<onetoone>", "<vip>"} {
			for _, part := range strings.Split(text, mark)[1:] {
				end := strings.Index(part, strings.Fields(strings.Replace(mark, "<", "</", 1))[0])
				if end > 0 {
					f.Add(mark + part[:end] + strings.TrimSuffix(strings.Fields(strings.Replace(mark, "<", "</", 1))[0], ">") + ">")
				}
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, in := range []string{"filter", "nat", "aliases", "interfaces", "virtualip"} {
			readAndAsk(t, "<pfsense><interfaces><wan><if>em0</if><ipaddr>192.0.2.1</ipaddr><subnet>24</subnet></wan></interfaces><"+in+">\n"+text+"\n</"+in+"></pfsense>")
		}
		readAndAsk(t, "<opnsense><OPNsense><Firewall><Filter><rules>\n"+text+"\n</rules></Filter></Firewall></OPNsense></opnsense>")
	})
}
