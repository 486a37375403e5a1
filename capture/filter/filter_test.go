package filter

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/portannot/portannot/capture"
)

// Packets of these tests, as hexadecimal bytes.
const (
	macs  = "00005e005301" + "00005e005302"
	ip4   = "4500 0028 0001 0000 4006 0000 0a000001 c0a80102" // 10.0.0.1 to 192.168.1.2, TCP
	tcp80 = "c350 0050 00000001 00000000 5002 2000 0000 0000" // 50000 to 80, SYN
	udp53 = "c350 0035 0010 0000"
	ip6   = "60000000 0014 0640 20010db8000000000000000000000001 20010db8000000000000000000000002"
)

func packet(t testing.TB, parts ...string) *capture.Packet {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(parts, ""), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return &capture.Packet{Data: b, Length: uint32(len(b)), Link: capture.LinkEthernet}
}

func match(t testing.TB, expr string, lt capture.LinkType, p *capture.Packet) bool {
	t.Helper()
	prog, err := Compile(expr, lt, 0)
	if err != nil {
		t.Fatalf("%q: %v", expr, err)
	}
	return prog.Match(p)
}

// TestMeaning has one line for each fact of the language.
func TestMeaning(t *testing.T) {
	tcp4 := packet(t, macs, "0800", ip4, tcp80)
	tcp6 := packet(t, macs, "86dd", ip6, tcp80)
	fragment6 := packet(t, macs, "86dd", strings.Replace(ip6, "0640", "2c40", 1), "06000001 00000001", tcp80)
	fragment4 := packet(t, macs, "0800", strings.Replace(ip4, "0001 0000", "0001 0010", 1), tcp80)
	options4 := packet(t, macs, "0800", strings.Replace(ip4, "4500", "4600", 1), "00000000", tcp80)
	udp4 := packet(t, macs, "0800", strings.Replace(ip4, "4006", "4011", 1), udp53)
	arp := packet(t, macs, "0806", "0001 0800 06 04 0001 00005e005302 0a000001 000000000000 c0a80102")
	tagged := packet(t, macs, "8100 0064", "0800", ip4, tcp80)
	twice := packet(t, macs, "88a8 0064 8100 00c8", "0800", ip4, tcp80)
	label := packet(t, macs, "8847", "00064140", ip4, tcp80)
	labels := packet(t, macs, "8847", "000640 40", "000c81 40", ip4, tcp80)
	session := packet(t, macs, "8864", "1100 002a 0017 0021", ip4, tcp80)
	cut := packet(t, macs, "0800", ip4, tcp80[:9])
	cut.Length = 54

	for _, c := range []struct {
		expr string
		p    *capture.Packet
		want bool
	}{
		{"", tcp4, true},
		{"tcp", tcp4, true},
		{"tcp", tcp6, true},
		{"tcp", fragment6, true},          // behind a fragment header too
		{"tcp port 80", fragment6, false}, // but ports only right behind the IPv6 header
		{"port 80", tcp4, true},
		{"port 80", tcp6, true},
		{"port 80", options4, true}, // behind IP options
		{"port 80", fragment4, false},
		{"tcp", fragment4, true},
		{"tcp[0] >= 0", fragment4, false},
		{"tcp[0:2] = 50000", tcp4, true},
		{"tcp[0:2] = 50000", options4, true},
		{"tcp[0:2] = 50000", tcp6, false}, // fields of transports are IPv4's only
		{"ip6[40:2] = 50000", tcp6, true},
		{"src port 80", tcp4, false},
		{"dst port 80", tcp4, true},
		{"src and dst port 80", tcp4, false},
		{"udp port 53", udp4, true},
		{"tcp port 53", udp4, false},
		{"port 53", udp4, true},
		{"portrange 50-60", udp4, true},
		{"portrange 54-60", udp4, false},
		{"host 10.0.0.1", tcp4, true},
		{"host 10.0.0.1", arp, true}, // ARP's addresses count
		{"ip host 10.0.0.1", arp, false},
		{"arp host 192.168.1.2", arp, true},
		{"src host 192.168.1.2", tcp4, false},
		{"net 192.168.0.0/16", tcp4, true},
		{"net 192.168", tcp4, true},
		{"dst net 192.168.1.0 mask 255.255.255.0", tcp4, true},
		{"net 11.0.0.0/8", tcp4, false},
		{"host 2001:db8::1", tcp6, true},
		{"dst net 2001:db8::/32", tcp6, true},
		{"src net 2001:db9::/32", tcp6, false},
		{"net 0.0.0.0/0", tcp6, false},
		{"ether host 00:00:5e:00:53:02", tcp4, true},
		{"ether dst 00:00:5e:00:53:02", tcp4, false},
		{"ether proto \\arp", arp, true},
		{"ether[12:2] = 0x806", arp, true},
		{"tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", tcp4, true},
		{"tcp[13] & 2 != 0", tcp4, true},
		{"tcp[13] & 16 != 0", tcp4, false},
		{"ip[0] & 0xf != 5", tcp4, false},
		{"ip[0] & 0xf != 5", options4, true},
		{"len = 54", tcp4, true},
		{"less 53", tcp4, false},
		{"greater 54", tcp4, true},
		{"greater 54", cut, true}, // the length on the wire
		{"less 50", cut, false},
		{"tcp", cut, true},
		{"tcp[13] & 2 != 0", cut, false},     // outside what was captured: no match
		{"not tcp[13] & 2 != 0", cut, false}, // and none of its opposite
		{"tcp[13] & 2 != 0 or tcp", cut, false},
		{"tcp or tcp[13] & 2 != 0", cut, true},
		{"tcp or udp and udp", tcp4, false}, // (tcp or udp) and udp
		{"tcp or (udp and udp)", tcp4, true},
		{"not udp and tcp", tcp4, true}, // (not udp) and tcp
		{"port 53 or 80", tcp4, true},
		{"port 53 and not 80", tcp4, false},
		{"vlan", tagged, true},
		{"vlan 100", tagged, true},
		{"vlan 101", tagged, false},
		{"ip", tagged, false},
		{"vlan and ip", tagged, true},
		{"vlan and tcp port 80", tagged, true},
		{"vlan or ip", tcp4, false}, // ip looks four bytes on, in any case
		{"ip or vlan", tcp4, true},
		{"vlan 100 and vlan 200 and tcp", twice, true},
		{"vlan and vlan 100", twice, false},
		{"mpls", label, true},
		{"mpls 100", label, true},
		{"mpls and tcp port 80", label, true},
		{"mpls 100 and mpls 200 and host 10.0.0.1", labels, true},
		{"mpls 100 and ip", labels, false}, // not the bottom of the stack
		{"pppoes", session, true},
		{"pppoes 42 and tcp port 80", session, true},
		{"pppoes 43", session, false},
		{"10 > 5", tcp4, true},
		{"5 > ip[0]", tcp4, false},
		{"0 - 1 = 0xffffffff", tcp4, true},
		{"ip[0] / ip[1] = 0", tcp4, false}, // division by zero: no match
		{"not ip[0] / ip[1] = 0", tcp4, false},
		{"1 + tcp[7] > 0", udp4, true}, // as in libpcap, only the left operand's protocol is tested
		{"tcp[7] + 1 > 0", udp4, false},
	} {
		if got := match(t, c.expr, capture.LinkEthernet, c.p); got != c.want {
			t.Errorf("%q on %x: %v, want %v", c.expr, c.p.Data, got, c.want)
		}
	}
}

func TestLinkTypes(t *testing.T) {
	for _, c := range []struct {
		lt     capture.LinkType
		header string
	}{
		{capture.LinkEthernet, macs + "0800"},
		{capture.LinkNull, "02000000"},
		{capture.LinkNull, "00000002"}, // captured on a big-endian machine
		{capture.LinkLoop, "00000002"},
		{capture.LinkPPP, "ff030021"},
		{capture.LinkPPPHDLC, "ff030021"},
		{capture.LinkPPPPPPD, "00030021"},
		{capture.LinkPPPEther, "110000010000" + "0021"},
		{capture.LinkRaw, ""},
		{capture.LinkRaw12, ""},
		{capture.LinkRaw14, ""},
		{capture.LinkIPv4, ""},
		{capture.LinkLinuxSLL, "0000 0001 0006 000000000000 0000 0800"},
		{capture.LinkLinuxSLL2, "0800 0000 00000001 0001 00 06 0000000000000000"},
		{capture.LinkCHDLC, "0f000800"},
		{capture.LinkIEEE80211, "0800 0000 000000000000 000000000000 000000000000 0000 aaaa03000000 0800"},
		{capture.LinkIEEE80211, "8800 0000 000000000000 000000000000 000000000000 0000 0000 aaaa03000000 0800"}, // QoS
		{capture.LinkRadiotap, "0000 0900 02000000 00" + "0800 0000 000000000000 000000000000 000000000000 0000 aaaa03000000 0800"},
		{capture.LinkRadiotap, "0000 0c00 02000000 20000000" + "8800 0000 000000000000 000000000000 000000000000 0000 0000" + "0000" + "aaaa03000000 0800"},
	} {
		p := packet(t, c.header, ip4, tcp80)
		for expr, want := range map[string]bool{
			"ip": true, "ip6": false, "arp": false, "tcp port 80": true, "udp": false, "host 10.0.0.1 and port 80": true,
			"tcp[13] = 2": true, "tcp[(ip[0] & 0xf) + 8] = 2": true, "ip[8] + ip[9] = 70": true, "ip[ip[8] / 4] = 192": true,
		} {
			if got := match(t, expr, c.lt, p); got != want {
				t.Errorf("%v, %q on %x: %v, want %v", c.lt, expr, p.Data, got, want)
			}
		}
	}
	for _, lt := range []capture.LinkType{capture.LinkNFLOG, capture.LinkPPI, 147, 65535} {
		if _, err := Compile("tcp", lt, 0); !errors.Is(err, ErrLinkType) {
			t.Errorf("%v: error %v, want ErrLinkType", lt, err)
		}
	}
}

// TestLive: the first tag is beside the packet or in it, and what stands behind
// "vlan" is where it is then.
func TestLive(t *testing.T) {
	stripped := packet(t, macs, "0800", ip4, tcp80)
	stripped.VLAN = 0x8100<<16 | 0x6064 // priority 3, identifier 100
	tagged := packet(t, macs, "8100 6064 0800", ip4, tcp80)
	inner := packet(t, macs, "8100 00c8 0800", ip4, tcp80)
	inner.VLAN = 0x88a8<<16 | 100
	both := packet(t, macs, "88a8 0064 8100 00c8 0800", ip4, tcp80)
	bare := packet(t, macs, "0800", ip4, tcp80)
	for _, c := range []struct {
		expr string
		p    *capture.Packet
		want bool
	}{
		{"vlan", stripped, true}, {"vlan", tagged, true}, {"vlan", bare, false},
		{"not vlan", stripped, false}, {"not vlan", bare, true},
		{"vlan 100", stripped, true}, {"vlan 100", tagged, true}, {"vlan 100", bare, false},
		{"vlan 101", stripped, false}, {"vlan 101", tagged, false},
		{"vlan and ip", stripped, true}, {"vlan and ip", tagged, true}, {"vlan and ip", bare, false},
		{"vlan and tcp port 80", stripped, true}, {"vlan and tcp port 80", tagged, true},
		{"vlan and tcp[13] = 2", stripped, true}, {"vlan and tcp[13] = 2", tagged, true},
		{"vlan and tcp[(ip[0] & 15) + 8] = 2", stripped, true}, {"vlan and tcp[(ip[0] & 15) + 8] = 2", tagged, true},
		{"vlan 100 and vlan 200 and host 10.0.0.1", inner, true}, {"vlan 100 and vlan 200 and host 10.0.0.1", both, true},
		{"vlan 100 and vlan 200", stripped, false}, {"vlan 100 and vlan 200", tagged, false},
		{"vlan or ip", bare, false}, {"ip or vlan", bare, true},
		{"tcp", stripped, true}, {"ether[12:2] = 0x800", stripped, true},
	} {
		p, err := CompileLive(c.expr, capture.LinkEthernet, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Match(c.p); got != c.want {
			t.Errorf("%q with tag %#x on %x: %v, want %v\n%v", c.expr, c.p.VLAN, c.p.Data, got, c.want, p)
		}
		// The prologue must set what a kernel would refuse to see read unset.
		validate(t, p)
	}
	p, err := CompileLive("outbound", capture.LinkEthernet, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(p.code, bpf.Instruction(bpf.LoadExtension{Num: bpf.ExtType})) {
		t.Errorf("outbound does not ask the kernel:\n%v", p)
	}
	if p.Match(bare) {
		t.Error("outbound matches a packet whose direction is not known")
	}
	if _, err := CompileLive("tcp", capture.LinkLinuxSLL, 0); !errors.Is(err, ErrLinkType) {
		t.Errorf("cooked packets live: %v", err)
	}
}

func TestServices(t *testing.T) {
	o := Options{Services: func(name string) []Service {
		return map[string][]Service{
			"http":     {{6, 80}, {17, 80}},
			"ssh":      {{6, 22}},
			"ftp-data": {{6, 20}},
			"syslog":   {{17, 514}},
			"odd":      {{6, 1000}, {17, 53}},
		}[name]
	}}
	tcp4 := packet(t, macs, "0800", ip4, tcp80)
	udp4 := packet(t, macs, "0800", strings.Replace(ip4, "4006", "4011", 1), udp53)
	for _, c := range []struct {
		expr     string
		tcp, udp bool
	}{
		{"port http", true, false}, {"tcp port http", true, false}, {"udp port http", false, false},
		{"port ssh or http", true, false}, {"port odd", false, true}, {"not port odd", true, false},
		{"portrange ftp-data-http", true, false}, {"portrange ssh-80", true, false}, {"portrange 20-http", true, true},
		{"portrange syslog-1", false, true}, {"portrange ssh-syslog", true, true}, {"port \\http", true, false},
	} {
		p, err := o.Compile(c.expr, capture.LinkEthernet, 0)
		if err != nil {
			t.Errorf("%q: %v", c.expr, err)
			continue
		}
		if got := p.Match(tcp4); got != c.tcp {
			t.Errorf("%q on TCP: %v", c.expr, got)
		}
		if got := p.Match(udp4); got != c.udp {
			t.Errorf("%q on UDP: %v", c.expr, got)
		}
	}
	for _, expr := range []string{"port nothing", "udp port ssh", "portrange ssh", "portrange ssh-nothing", "portrange -", "portrange odd-odd", "ip port ssh", "host ssh"} {
		if _, err := o.Compile(expr, capture.LinkEthernet, 0); err == nil {
			t.Errorf("%q compiles", expr)
		}
	}
}

func TestSnapLength(t *testing.T) {
	for snap, want := range map[int]uint32{0: maxSnap, -1: maxSnap, 96: 96, 1 << 30: maxSnap} {
		p, err := Compile("tcp", capture.LinkEthernet, snap)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(p.code, bpf.Instruction(bpf.RetConstant{Val: want})) {
			t.Errorf("snap length %d:\n%v", snap, p)
		}
	}
}

func TestString(t *testing.T) {
	p, err := Compile("ip", capture.LinkEthernet, 96)
	if err != nil {
		t.Fatal(err)
	}
	const want = "(000) ldh [12]\n(001) jneq #2048,1\n(002) ret #96\n(003) ret #0\n"
	if p.String() != want || p.Len() != 4 || p.LinkType() != capture.LinkEthernet {
		t.Errorf("got\n%s%d %v", p, p.Len(), p.LinkType())
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	p, err := Compile("tcp port 80 and host 10.0.0.1 and tcp[tcpflags] & tcp-syn != 0", capture.LinkEthernet, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkt := packet(t, macs, "0800", ip4, tcp80)
	if n := testing.AllocsPerRun(100, func() {
		if !p.Match(pkt) {
			t.Fatal("no match")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestProtocolTable: each protocol has its row, and its word leads back to it.
func TestProtocolTable(t *testing.T) {
	for p, info := range protocols {
		if p > 0 && info.word == "" {
			t.Errorf("protocol %d has no row", p)
		}
		if q, ok := protoOf(info.word); p > 0 && (!ok || q != proto(p)) {
			t.Errorf("%q leads to %v", info.word, q)
		}
		if w := keywords[info.word]; w != info.word {
			t.Errorf("%q is the keyword %q", info.word, w)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	pkt := packet(b, macs, "0800", ip4, tcp80)
	for _, expr := range []string{"ip", "tcp port 80", "port 53", "host 1.2.3.4 and not port 22", "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn"} {
		p, err := Compile(expr, capture.LinkEthernet, 0)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(expr, func(b *testing.B) {
			for b.Loop() {
				p.Match(pkt)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := Compile("tcp port 80 and host 10.0.0.1 and not port 22", capture.LinkEthernet, 0); err != nil {
			b.Fatal(err)
		}
	}
}
