package annotate

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

func ap(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// One case for each rule, and for each pair of rules that could be confused.
func TestServiceSide(t *testing.T) {
	const client, server = "10.0.0.1:50000", "10.0.0.2:80"
	for _, c := range []struct {
		name string
		in   Input
		want Service
	}{
		{"the input outranks the handshake", Input{Protocol: 6, Source: ap(client), Destination: ap(server), Stated: flow.Source, Opening: flow.Opening{Server: flow.Destination}},
			Service{Source, 50000, Stated, Certain}},
		{"a handshake towards a dynamic port", Input{Protocol: 6, Source: ap("10.0.0.1:80"), Destination: ap("10.0.0.2:50000"), Opening: flow.Opening{Server: flow.Destination, Confirmed: true}},
			Service{Destination, 50000, Handshake, Certain}},
		{"a lone SYN-ACK is provisional", Input{Protocol: 6, Source: ap(server), Destination: ap(client), Opening: flow.Opening{Server: flow.Source, Accept: true}},
			Service{Source, 80, Accepted, Likely}},
		{"a confirmed SYN-ACK is not", Input{Protocol: 6, Source: ap(server), Destination: ap(client), Opening: flow.Opening{Server: flow.Source, Accept: true, Confirmed: true}},
			Service{Source, 80, Accepted, Certain}},
		{"seen before a time-out", Input{Protocol: 6, Source: ap(server), Destination: ap(client), Opening: flow.Opening{Server: flow.Destination, Confirmed: true, Inherited: true}},
			Service{Destination, 50000, Earlier, Certain}},
		{"multicast group", Input{Protocol: 17, Source: ap("10.0.0.1:500"), Destination: ap("224.0.0.251:40000")},
			Service{Destination, 40000, Multicast, Likely}},
		{"multicast group, dynamic port", Input{Protocol: 17, Source: ap("10.0.0.1:500"), Destination: ap("224.0.0.251:60000")}, Service{}},
		{"multicast group, equal dynamic ports", Input{Protocol: 17, Source: ap("10.0.0.1:60000"), Destination: ap("224.0.0.251:60000")}, Service{}},
		{"an answer to all of the network", Input{Protocol: 17, Source: ap("10.0.0.1:44818"), Destination: ap("255.255.255.255:49152")}, Service{}},
		{"DHCP answers all of the network", Input{Protocol: 17, Source: ap("10.0.0.1:67"), Destination: ap("255.255.255.255:68")}, Service{}},
		{"DHCP asks all of the network", Input{Protocol: 17, Source: ap("0.0.0.0:68"), Destination: ap("255.255.255.255:67")},
			Service{Destination, 67, Multicast, Likely}},
		{"DHCPv6 to a group's client port", Input{Protocol: 17, Source: ap("[fe80::1]:547"), Destination: ap("[ff02::1:2]:546")}, Service{}},
		{"a hint beside a group that cannot serve", Input{Protocol: 17, Source: ap("10.0.0.1:44818"), Destination: ap("255.255.255.255:49152"), Hint: flow.Source},
			Service{Source, 44818, Hinted, Likely}},
		{"IPv6 multicast group, equal ports", Input{Protocol: 17, Source: ap("[fe80::1]:5353"), Destination: ap("[ff02::fb]:5353")},
			Service{Destination, 5353, Multicast, Likely}},
		{"broadcast as the source", Input{Protocol: 17, Source: ap("255.255.255.255:9"), Destination: ap("10.0.0.1:7")},
			Service{Source, 9, Multicast, Likely}},
		{"two groups decide nothing", Input{Protocol: 17, Source: ap("224.0.0.1:60000"), Destination: ap("224.0.0.2:80")},
			Service{Destination, 80, HighPort, Likely}},
		{"a hint outranks ports", Input{Protocol: 6, Source: ap(client), Destination: ap(server), Hint: flow.Source},
			Service{Source, 50000, Hinted, Likely}},
		{"a handshake outranks a hint", Input{Protocol: 6, Source: ap(client), Destination: ap(server), Hint: flow.Source, Opening: flow.Opening{Server: flow.Destination}},
			Service{Destination, 80, Handshake, Certain}},
		{"multicast outranks a hint", Input{Protocol: 17, Source: ap("10.0.0.1:500"), Destination: ap("224.0.0.251:5353"), Hint: flow.Source},
			Service{Destination, 5353, Multicast, Likely}},
		{"high source", Input{Protocol: 6, Source: ap(client), Destination: ap(server)},
			Service{Destination, 80, HighPort, Likely}},
		{"high destination", Input{Protocol: 6, Source: ap(server), Destination: ap(client)},
			Service{Source, 80, HighPort, Likely}},
		{"both in Linux's range, one dynamic", Input{Protocol: 6, Source: ap("10.0.0.1:44818"), Destination: ap("10.0.0.2:50000")}, Service{}},
		{"Linux's range", Input{Protocol: 6, Source: ap("10.0.0.1:33060"), Destination: ap("10.0.0.2:3306")},
			Service{Destination, 3306, HighPort, Likely}},
		{"below it", Input{Protocol: 6, Source: ap("10.0.0.1:32767"), Destination: ap("10.0.0.2:3306")}, Service{}},
		{"low port", Input{Protocol: 6, Source: ap("10.0.0.1:22"), Destination: ap("10.0.0.2:1024")},
			Service{Source, 22, SystemPort, Likely}},
		{"FTP opens a data connection", Input{Protocol: 6, Source: ap("10.0.0.1:20"), Destination: ap("10.0.0.2:1369")}, Service{}},
		{"FTP opens a data connection to a high port", Input{Protocol: 6, Source: ap("10.0.0.1:20"), Destination: ap("10.0.0.2:43439")}, Service{}},
		{"a DHCP message against its ports", Input{Protocol: 17, Source: ap("10.0.0.1:67"), Destination: ap("10.0.0.2:68"),
			Observed: &Observed{Observation: observe.Observation{Protocol: observe.DHCP, Server: observe.Destination, ServerStrength: observe.Full}}}, Service{}},
		{"a DHCP client's port", Input{Protocol: 17, Source: ap("10.0.0.1:40000"), Destination: ap("10.0.0.2:68")}, Service{}},
		{"low port, and a client on a reserved one", Input{Protocol: 6, Source: ap("10.0.0.1:1023"), Destination: ap("10.0.0.2:22")},
			Service{Destination, 22, SystemPort, Likely}},
		{"a client with privileges, service assigned", Input{Protocol: 6, Source: ap("10.0.0.1:800"), Destination: ap("10.0.0.2:2049")}, Service{}},
		{"a client with privileges, service not assigned", Input{Protocol: 6, Source: ap("10.0.0.1:799"), Destination: ap("10.0.0.2:4607")}, Service{}},
		{"a client with privileges, service on a high port", Input{Protocol: 6, Source: ap("10.0.0.1:799"), Destination: ap("10.0.0.2:41000")}, Service{}},
		{"an assigned reserved port, and a high one", Input{Protocol: 6, Source: ap("10.0.0.1:41000"), Destination: ap("10.0.0.2:993")},
			Service{Destination, 993, HighPort, Likely}},
		{"an assigned reserved port, and one that is not", Input{Protocol: 6, Source: ap("10.0.0.1:4607"), Destination: ap("10.0.0.2:993")},
			Service{Destination, 993, SystemPort, Likely}},
		{"only one assigned", Input{Protocol: 6, Source: ap("10.0.0.1:4607"), Destination: ap("10.0.0.2:5432")}, Service{}},
		{"equal ports", Input{Protocol: 17, Source: ap("10.0.0.1:123"), Destination: ap("10.0.0.2:123")},
			Service{Both, 123, EqualPorts, Likely}},
		{"equal ports after a handshake", Input{Protocol: 6, Source: ap("10.0.0.1:179"), Destination: ap("10.0.0.2:179"), Opening: flow.Opening{Server: flow.Source}},
			Service{Source, 179, Handshake, Certain}},
		{"both assigned", Input{Protocol: 6, Source: ap("10.0.0.1:3306"), Destination: ap("10.0.0.2:5432")}, Service{}},
		{"both dynamic", Input{Protocol: 17, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:60000")}, Service{}},
		{"both system ports", Input{Protocol: 6, Source: ap("10.0.0.1:22"), Destination: ap("10.0.0.2:80")}, Service{}},
	} {
		a := New(Options{}).Annotate(c.in)
		if a.Service != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, a.Service, c.want)
		}
		if (a.Service.Reason.Why() == "") || a.Service.Reason.String() == "" {
			t.Errorf("%s: no words for reason %d", c.name, a.Service.Reason)
		}
	}
}

func TestBothEndsAreLookedUp(t *testing.T) {
	a := New(Options{}).Annotate(Input{Protocol: packet.UDPLite, Source: ap("10.0.0.1:53"), Destination: ap("10.0.0.2:123")})
	if a.Source.Name() != "domain" || a.Destination.Name() != "ntp" {
		t.Errorf("UDP-Lite: %q and %q, want udp's domain and ntp", a.Source.Name(), a.Destination.Name())
	}
	if e, ok := a.Registered(); ok {
		t.Errorf("no side is known, but %v is given as the service", e)
	}
}

func TestRegisteredLater(t *testing.T) {
	day := func(s string) int64 {
		d, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return d.UnixNano()
	}
	// A file has no history: the date of each record is all that is known.
	var records []iana.Record
	dates := []string{"2013-11-12", "2005-04", "", "soon", "2005-13-01"}
	for i, date := range dates {
		ports := iana.Span{First: uint16(1000 + i), Last: uint16(1000 + i)}
		records = append(records, iana.Record{HasPort: true, Ports: ports, Transport: iana.TCP, Name: "some", Registered: date})
	}
	file, err := iana.NewRegistry(iana.Edition{Date: "2024-01-01", Form: "csv"}, records, iana.AllPorts())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		date string
		at   string
		want bool
	}{
		{"2013-11-12", "2013-11-11T23:59:59Z", true},
		{"2013-11-12", "2013-11-12T00:00:00Z", false},
		{"2005-04", "2005-03-31T23:59:59Z", true},
		{"2005-04", "2005-04-01T00:00:00Z", false}, // some day of April: nobody knows whether before this
		{"2005-04", "2005-04-20T00:00:00Z", false},
		{"", "1990-01-01T00:00:00Z", false},
		{"soon", "1990-01-01T00:00:00Z", false},
		{"2005-13-01", "1990-01-01T00:00:00Z", false},
	} {
		port := uint16(1000 + slices.Index(dates, c.date))
		in := Input{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.2"), port), Start: day(c.at)}
		if a := New(Options{Registry: file}).Annotate(in); a.RegisteredLater != c.want {
			t.Errorf("%q after %s: %v", c.date, c.at, a.RegisteredLater)
		}
	}
	// Of the embedded edition, the history knows more.
	for _, c := range []struct {
		to   string
		at   string
		want bool
	}{
		{"10.0.0.2:11434", "2020-01-01T00:00:00Z", true},
		{"10.0.0.2:11434", "2025-09-25T23:59:59Z", true},
		{"10.0.0.2:11434", "2025-09-26T00:00:00Z", false}, // its date, though it was published on 2026-02-02
		{"10.0.0.2:7687", "2016-09-20T00:00:00Z", true},   // bolt
		{"10.0.0.2:443", "1990-01-01T00:00:00Z", false},
		{"10.0.0.2:1", "1980-01-01T00:00:00Z", false}, // no date
	} {
		in := Input{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap(c.to), Start: day(c.at)}
		if a := New(Options{}).Annotate(in); a.RegisteredLater != c.want {
			t.Errorf("%s at %s: %v", c.to, c.at, a.RegisteredLater)
		}
	}
}

// A port that was not reported is not port 0, which is registered as reserved.
func TestPortNotReported(t *testing.T) {
	an := New(Options{})
	in := Input{Protocol: packet.SCTP, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:0"), NoDestinationPort: true}
	a := an.Annotate(in)
	if a.Service != (Service{}) || a.Destination != (iana.Entry{}) || a.Source.Status != iana.Dynamic {
		t.Errorf("no rule may use a port that was not reported: %+v", a)
	}
	in.Stated = flow.Destination
	a = an.Annotate(in)
	if e, ok := a.Registered(); ok || a.Service.Side != Destination {
		t.Errorf("the side is known, its port is not: %v %v", a.Service, e)
	}
	in.Stated, in.Destination = flow.NoSide, ap("224.0.0.1:0")
	if a = an.Annotate(in); a.Service.Reason != Multicast {
		t.Errorf("rules without ports still apply: %v", a.Service)
	}
}

func TestAnnotateDoesNotAllocate(t *testing.T) {
	an := New(Options{})
	in := Input{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:80"), Start: 1}
	var a Annotation
	if n := testing.AllocsPerRun(100, func() { a = an.Annotate(in) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if a.Destination.Name() != "http" {
		t.Error(a.Destination.Name())
	}
}

const localFile = `# our own
billing   9000/tcp   bill # the ledger
range     9100-9102/udp
any       9200
billing2  9000/tcp
`

func TestLocalNames(t *testing.T) {
	l, err := ReadLocalNames(strings.NewReader(localFile), "ours")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		t    iana.Transport
		port uint16
		want string
	}{
		{iana.TCP, 9000, "billing"}, {iana.UDP, 9000, ""}, {iana.UDP, 9101, "range"}, {iana.UDP, 9103, ""},
		{iana.SCTP, 9200, "any"}, {iana.DCCP, 9200, "any"}, {iana.NoTransport, 9000, ""},
	} {
		if got := l.Name(c.t, c.port); got != c.want {
			t.Errorf("%v/%v: %q, want %q", c.port, c.t, got, c.want)
		}
	}
	if !l.Known("Billing") || l.Known("bill") {
		t.Error("names are known in any case, aliases are not")
	}
	a := New(Options{Local: l}).Annotate(Input{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:9000")})
	if a.Local() != "billing" || a.SourceLocal != "" {
		t.Errorf("local %q, source's %q", a.Local(), a.SourceLocal)
	}
}

// The files that are at hand on most machines: those of the system, of nmap and of
// Wireshark. Their lines are as these programs write them.
func TestLocalNamesOfOthers(t *testing.T) {
	const (
		etc       = "\ufeff# Network services, Internet style\nhttp\t\t80/tcp\t\twww\t\t# WorldWideWeb HTTP\nrtmp\t\t1/ddp\t\t\t# Routing Table Maintenance Protocol\r\nnatd\t\t8668/divert # Network Address Translation\n"
		nmap      = "# Fields in this file are: Service name, portnum/protocol, open-frequency, optional comments\ntcpmux\t1/tcp\t0.001995\t# TCP Port Service Multiplexer\nunknown\t4/tcp\t0.000477\nhttp\t80/tcp\t0.484143\t# World Wide Web HTTP\nhttp\t80/sctp\t0.000000\n"
		wireshark = "discard\t\t9/tcp/udp/sctp/dccp\t# Discard\nx11\t\t6000-6063/tcp/udp\t# X Window System\n"
	)
	for _, c := range []struct {
		file      string
		t         iana.Transport
		port      uint16
		want      string
		frequency float64
	}{
		{etc, iana.TCP, 80, "http", -1}, {etc, iana.TCP, 1, "", -1}, {etc, iana.TCP, 8668, "", -1},
		{nmap, iana.TCP, 1, "tcpmux", 0.001995}, {nmap, iana.TCP, 80, "http", 0.484143}, {nmap, iana.SCTP, 80, "http", 0},
		{nmap, iana.TCP, 4, "", -1}, {nmap, iana.UDP, 80, "", -1},
		{wireshark, iana.TCP, 9, "discard", -1}, {wireshark, iana.DCCP, 9, "discard", -1}, {wireshark, iana.UDP, 6063, "x11", -1},
		{wireshark, iana.SCTP, 6000, "", -1},
		{etc + nmap + wireshark, iana.SCTP, 9, "discard", -1},
	} {
		l, err := ReadLocalNames(strings.NewReader(c.file), "f")
		if err != nil {
			t.Fatal(err)
		}
		f, ok := l.Frequency(c.t, c.port)
		if !ok {
			f = -1
		}
		if got := l.Name(c.t, c.port); got != c.want || f != c.frequency {
			t.Errorf("%d/%v: %q %v, want %q %v", c.port, c.t, got, f, c.want, c.frequency)
		}
	}
	l, err := ReadLocalNames(strings.NewReader(nmap), "f")
	if err != nil {
		t.Fatal(err)
	}
	a := New(Options{Local: l}).Annotate(Input{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:80")})
	if a.Local() != "http" || a.LocalFrequency != 0.484143 {
		t.Errorf("local %q, frequency %v", a.Local(), a.LocalFrequency)
	}
	for _, path := range []string{"/etc/services", "/usr/share/wireshark/services", "/usr/share/nmap/nmap-services"} {
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		defer file.Close()
		if l, err := ReadLocalNames(file, path); err != nil || l.Name(iana.TCP, 80) == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestLocalNamesErrors(t *testing.T) {
	for in, want := range map[string]string{
		"a 1/tcp\nb\n":              "f:2: \"b\" has no port",
		"a 70000/tcp":               "f:1: port \"70000\"",
		"a +1/tcp":                  "f:1: port \"+1\"",
		"a 9-1/tcp":                 "f:1: range \"9-1\" ends before it begins",
		"a 1/foo":                   "f:1: unknown transport \"foo\"",
		strings.Repeat("x", 1<<17):  "f:1: ",
		"a /tcp":                    "f:1: port \"\"",
		"a x/ddp":                   "f:1: port \"x\"",
		"a 1/tcp/foo":               "f:1: unknown transport \"foo\"",
		"ok 1/tcp\n\n# c\nbad 1-/u": "f:4: ",
	} {
		if _, err := ReadLocalNames(strings.NewReader(in), "f"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20q: error %v, want %s…", in, err, want)
		}
	}
}

func FuzzReadLocalNames(f *testing.F) {
	f.Add(localFile)
	f.Add("a 0-65535\nb 1/udp-lite")
	f.Add("http\t80/tcp\t0.484143\t# HTTP\nunknown\t4/tcp\t0.000477\n")
	f.Add("x11\t\t6000-6063/tcp/udp\t# X\nrtmp 1/ddp\n")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ReadLocalNames(strings.NewReader(s), "f")
		if (l == nil) == (err == nil) {
			t.Fatalf("names %v beside error %v", l, err)
		}
		if l == nil {
			return
		}
		for _, transport := range iana.Transports() {
			for port := range l.names[transport] {
				share, ok := l.Frequency(transport, port)
				if l.Name(transport, port) == "" || share < 0 || share > 1 || !ok && share != 0 {
					t.Errorf("%d/%s: %q, %v", port, transport, l.Name(transport, port), share)
				}
			}
		}
	})
}

func TestSelector(t *testing.T) {
	an := New(Options{})
	f := &flow.Flow{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:80")}
	unsided := &flow.Flow{Protocol: 6, Source: ap("10.0.0.1:3306"), Destination: ap("10.0.0.2:5432")}
	for _, c := range []struct {
		name string
		f    *flow.Flow
		s    Selector
		want bool
	}{
		{"empty", f, Selector{}, true},
		{"protocol", f, Selector{Protocols: []uint8{17, 6}}, true},
		{"other protocol", f, Selector{Protocols: []uint8{17}}, false},
		{"port of the source", f, Selector{Ports: []iana.Span{{First: 50000, Last: 50001}}}, true},
		{"no such port", f, Selector{Ports: []iana.Span{{First: 81, Last: 90}}}, false},
		{"status of the service", f, Selector{Statuses: []iana.Status{iana.Assigned}}, true},
		{"status of the client's port", f, Selector{Statuses: []iana.Status{iana.Dynamic}}, false},
		{"second name", f, Selector{Services: []string{"WWW-http"}}, true},
		{"other name", f, Selector{Services: []string{"https"}}, false},
		{"either port without a side", unsided, Selector{Services: []string{"postgresql"}}, true},
		{"both conditions on one end", unsided, Selector{Services: []string{"mysql"}, Statuses: []iana.Status{iana.Reserved}}, false},
	} {
		a := an.Flow(c.f, nil)
		if got := c.s.Match(c.f, &a); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func BenchmarkAnnotate(b *testing.B) {
	an := New(Options{})
	f := &flow.Flow{Protocol: 6, Source: ap("10.0.0.1:50000"), Destination: ap("10.0.0.2:443"), Forward: flow.Counters{Packets: 1, First: 1e18}}
	b.ReportAllocs()
	for b.Loop() {
		an.Flow(f, nil)
	}
}

// A subnet's broadcast address is none of a client, where the network is known.
func TestKnownNetworks(t *testing.T) {
	ap := netip.MustParseAddrPort
	var networks []netip.Prefix
	for _, p := range []string{"10.20.0.1/24", "172.16.0.0/12", "192.0.2.0/31", "192.0.2.7/32", "2001:db8::/64", "0.0.0.0/0"} {
		networks = append(networks, netip.MustParsePrefix(p))
	}
	a := New(Options{Networks: networks})
	for _, c := range []struct {
		src, dst string
		want     Service
	}{
		{"10.20.0.5:50000", "10.20.0.255:45000", Service{Destination, 45000, Multicast, Likely}},
		{"10.20.0.5:138", "10.20.0.255:138", Service{Destination, 138, Multicast, Likely}},
		{"10.20.0.255:22", "10.20.0.5:23", Service{Source, 22, Multicast, Likely}},
		{"10.20.0.5:67", "10.20.0.255:68", Service{}},
		{"10.20.0.5:44818", "10.20.0.255:54412", Service{}}, // an answer to all
		{"172.16.0.9:9", "172.31.255.255:7", Service{Destination, 7, Multicast, Likely}},
		{"10.20.0.5:9", "10.20.1.255:7", Service{}},               // of no known network
		{"192.0.2.0:9", "192.0.2.1:7", Service{}},                 // two hosts (RFC 3021)
		{"192.0.2.6:9", "192.0.2.7:7", Service{}},                 // a host
		{"[2001:db8::1]:9", "[2001:db8::ffff:ffff]:7", Service{}}, // IPv6 has no broadcast
		{"10.20.0.5:9", "[::ffff:10.20.0.255]:7", Service{Destination, 7, Multicast, Likely}},
	} {
		in := Input{Protocol: 17, Source: ap(c.src), Destination: ap(c.dst)}
		if got := a.Annotate(in).Service; got != c.want {
			t.Errorf("%s > %s: %+v, want %+v", c.src, c.dst, got, c.want)
		}
	}
	if in := (Input{Protocol: 17, Source: ap("10.20.0.5:9"), Destination: ap("10.20.0.255:7")}); New(Options{}).Annotate(in).Service != (Service{}) {
		t.Error("a network was known that nobody named")
	}
}
