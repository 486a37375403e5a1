package annotate

import (
	"strings"
	"testing"

	"github.com/portannot/portannot/capture/flow"
)

func known(t *testing.T, text string) *KnownServices {
	t.Helper()
	k, err := ReadKnownServices(strings.NewReader(text), "known")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKnownServices(t *testing.T) {
	k := known(t, `# ours
10.0.0.5:8443/tcp   # the portal
10.0.0.0/8:9000-9010
10.0.0.0/8:9005-9020/tcp
10.1.0.0/16:9050/tcp

[2001:db8::1]:53/udp
[2001:db8:1::/48]:60000/sctp
*:50505/udp
`)
	for _, c := range []struct {
		name string
		in   Input
		want Service
	}{
		{"an address", Input{Protocol: 6, Source: ap("10.0.0.5:8443"), Destination: ap("192.0.2.1:443")}, Service{Source, 8443, Listed, Certain}},
		{"another address", Input{Protocol: 6, Source: ap("10.0.0.6:8443"), Destination: ap("192.0.2.1:40000")}, Service{Source, 8443, HighPort, Likely}},
		{"another transport", Input{Protocol: 17, Source: ap("10.0.0.5:8443"), Destination: ap("192.0.2.1:443")}, Service{Destination, 443, SystemPort, Likely}},
		{"a network, joined ranges", Input{Protocol: 6, Source: ap("10.7.7.7:9020"), Destination: ap("192.0.2.1:22")}, Service{Source, 9020, Listed, Likely}},
		{"all four transports", Input{Protocol: 33, Source: ap("10.7.7.7:9010"), Destination: ap("192.0.2.1:22")}, Service{Source, 9010, Listed, Likely}},
		{"a range's end", Input{Protocol: 6, Source: ap("10.7.7.7:9021"), Destination: ap("192.0.2.1:22")}, Service{Destination, 22, SystemPort, Likely}},
		{"both ends listed alike", Input{Protocol: 6, Source: ap("10.7.7.7:9020"), Destination: ap("10.7.7.8:9001")}, Service{}},
		{"the longer prefix", Input{Protocol: 6, Source: ap("10.7.7.7:9020"), Destination: ap("10.1.7.8:9050")}, Service{Destination, 9050, Listed, Likely}},
		{"an address and a network", Input{Protocol: 6, Source: ap("10.0.0.5:8443"), Destination: ap("10.1.7.8:9050")}, Service{Source, 8443, Listed, Likely}},
		{"IPv6", Input{Protocol: 17, Source: ap("[2001:db8::1]:53"), Destination: ap("[2001:db8::2]:53")}, Service{Source, 53, Listed, Certain}},
		{"IPv6 network", Input{Protocol: 132, Source: ap("[2001:db8:1::1]:60000"), Destination: ap("[2001:db8::2]:80")}, Service{Source, 60000, Listed, Likely}},
		{"a zone", Input{Protocol: 17, Source: ap("[2001:db8::1%eth0]:53"), Destination: ap("[2001:db8::2]:53")}, Service{Source, 53, Listed, Certain}},
		{"IPv4 within IPv6", Input{Protocol: 6, Source: ap("[::ffff:10.0.0.5]:8443"), Destination: ap("192.0.2.1:443")}, Service{Source, 8443, Listed, Certain}},
		{"every address", Input{Protocol: 17, Source: ap("192.0.2.9:50505"), Destination: ap("192.0.2.1:53")}, Service{Source, 50505, Listed, Likely}},
		{"every address of IPv6", Input{Protocol: 136, Source: ap("[2001:db8::9]:50505"), Destination: ap("[2001:db8::8]:54")}, Service{Source, 50505, Listed, Likely}},
		{"a handshake is stronger", Input{Protocol: 6, Source: ap("10.0.0.5:8443"), Destination: ap("192.0.2.1:443"), Opening: flow.Opening{Server: flow.Destination}},
			Service{Destination, 443, Handshake, Certain}},
		{"a port that was not reported", Input{Protocol: 6, Source: ap("10.0.0.5:8443"), Destination: ap("10.1.0.1:9050"), NoDestinationPort: true}, Service{Source, 8443, Listed, Certain}},
		{"nor is the listed one", Input{Protocol: 6, Source: ap("10.0.0.5:8443"), Destination: ap("192.0.2.1:443"), NoSourcePort: true}, Service{}},
	} {
		an := New(Options{Known: k})
		if a := an.Annotate(c.in); a.Service != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, a.Service, c.want)
		}
	}
}

func TestKnownServicesErrors(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"10.0.0.1", `"10.0.0.1" has no port: want ADDRESS:PORT/TRANSPORT`},
		{"[2001:db8::1]", `"[2001:db8::1]" has no port: want ADDRESS:PORT/TRANSPORT`},
		{"2001:db8::1:53/udp", `address "2001:db8::1": want an IPv6 address in brackets, [2001:db8::1]`},
		{"[2001:db8::1:53/udp", `address "[2001:db8::1": a bracket is missing`},
		{"10.0.0.1/8:53/udp", `network "10.0.0.1/8" has bits beyond its mask: want 10.0.0.0/8`},
		{"10.0.0.0/33:53", `address "10.0.0.0/33": want a network like 10.0.0.0/8`},
		{"host:53", `address "host": want an IP address, a network like 10.0.0.0/8, or *`},
		{"[fe80::1%eth0]:53", `address "[fe80::1%eth0]": want an IP address, a network like 10.0.0.0/8, or *`},
		{"10.0.0.1:dns", `port "dns": want a number from 0 to 65535`},
		{"10.0.0.1:9-8", `range "9-8" ends before it begins`},
		{"10.0.0.1:53/icmp", `unknown transport "icmp": want tcp, udp, sctp or dccp`},
	} {
		_, err := ReadKnownServices(strings.NewReader("# one\n"+c.line+"\n"), "f")
		if err == nil || err.Error() != "f:2: "+c.want {
			t.Errorf("%q: %v, want f:2: %s", c.line, err, c.want)
		}
	}
}

func FuzzReadKnownServices(f *testing.F) {
	for _, s := range []string{"10.0.0.5:8443/tcp", "[2001:db8::/32]:1-65535 # all", "*:53/udp\n*:53-60/udp", "[:1", "::1", "1/2:3/4", ":", "*:0-65535/tcp\n1.2.3.4:5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := ReadKnownServices(strings.NewReader(s), "f")
		if err != nil {
			return
		}
		an := New(Options{Known: k})
		in := Input{Protocol: 6, Source: ap("10.0.0.5:8443"), Destination: ap("1.2.3.4:5")}
		a := an.Annotate(in)
		in.Source, in.Destination = in.Destination, in.Source
		b := an.Annotate(in)
		if a.Service.Reason == Listed && (b.Service.Port != a.Service.Port || b.Service.Side == a.Service.Side) {
			t.Errorf("%+v one way, %+v the other", a.Service, b.Service)
		}
	})
}

// TestLongLine: a line beyond the bound is named, with the bound.
func TestLongLine(t *testing.T) {
	text := "a 1/tcp\n" + strings.Repeat("x", maxLocalLine+1)
	if _, err := ReadLocalNames(strings.NewReader(text), "names"); err == nil || err.Error() != "names:2: a line of more than 64 KiB" {
		t.Errorf("local names: %v", err)
	}
	text = "*:1/tcp\n" + strings.Repeat("x", maxLocalLine+1)
	if _, err := ReadKnownServices(strings.NewReader(text), "known"); err == nil || err.Error() != "known:2: a line of more than 64 KiB" {
		t.Errorf("known services: %v", err)
	}
}
