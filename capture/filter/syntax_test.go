package filter

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/portannot/portannot/capture"
)

// goodExprs and badExprs are the grammar's corners: what tcpdump takes and what
// it refuses, in the judgement of tcpdump itself (TestGrammarAgainstTcpdump).
var goodExprs = []string{
	"", " ", "\t tcp\n", "((tcp))", "! ! tcp", "!(tcp)", "not(tcp)", "tcp and(udp)", "not tcp[0]=1", "not(tcp[0]=1)", "!len<5",
	"port 80 or 443", "port (80 or 443)", "port (80)", "port ((80))", "port not 80", "port (80 or (443 or 5))", "port (80 or not 443)", "port (not 80 or 443)",
	"port 1 and ((2) or 3)", "port 1 and (2 or (3 or 4))", "port 1 and (not (2 or 3) or 4)", "port 1 or (2)", "(port 80 or (443))",
	"port 1 or (2 + 3) > 3", "port 1 or (2 > 3)", "port 1 or 2 > 3", "port 1 or (2) > 3", "port 5 and ! 6", "port 1 or not 2 = 3",
	"host (1.2.3.4)", "host (not 1.2.3.4)", "host not (1.2.3.4 or 1.2.3.5)", "host 1.2.3.4 and (port 80 or 443)", "host 1.2.3.4 and (5.6.7.8 or 1.1.1.1)",
	"host 1.2.3.4 and (port 80) and 5.6.7.8", "not host 1.2.3.4 and 5.6.7.8", "host 1.2.3.4 or vlan 5", "host 1.2.3.4 and not (5.6.7.8 or 1.1.1.1)",
	"src 10.0.0.1", "src 80", "src or dst 1.2.3.4", "dst or src port 5", "dst and src net 10", "src host 1.2.3.4 or dst host 5.6.7.8",
	"net 10.1/16", "net 0", "net 10", "net 256", "net 70000", "net 10.0.0.0/0x8", "net 10.0.0.0/010", "net 10.0 mask 255.255", "ip net 1.2.3.4 mask 1.2.3.4",
	"net 0.0.0.0/0", "net ::/0", "net ::1", "host ::1/128", "ip6 src net 2001::/16", "host ::ffff:1.2.3.4", "host 1:2:3:4:5:6:7:8", "host 01.02.03.04", "host 1.2.3",
	"host \\1.2.3.4", "port \\80", "portrange 80", "portrange 90-80", "portrange 010-020", "portrange 1-2 or 3-4", "portrange 1-2 or 3",
	"port 0", "port 010", "port 0x50", "ip proto 300", "ether proto 70000", "proto 5 or 6", "ip proto (1 or 2)", "ether proto \\ip or \\arp", "iso proto \\clnp",
	"ether host aabbccddeeff", "ether host aa-bb-cc-dd-ee-ff", "ether host aa.bb.cc.dd.ee.ff", "ether host aabb.ccdd.eeff", "ether host 1:2:3:4:5:6", "ether src and dst 1:2:3:4:5:6",
	"fddi host 1:2:3:4:5:6", "tr src 1:2:3:4:5:6", "wlan broadcast", "slip[0]=1", "ppp[0]=1",
	"vlan (5)", "vlan 5 and 6 > 3", "mpls (5)", "vlan 5 or tcp", "pppoes 5 or tcp", "vlan ((5))",
	"less 5", "greater 0x10", "length > 5", "len > 5 and len < 6", "tcp[0:1] = 1", "tcp[0:2] = 1", "tcp[0:4] = 1", "tcp[(0)] = 1", "tcp[0] = (1)", "(tcp[0]) = 1", "(tcp[0] = 1)", "((tcp[0]) = 1)",
	"(5) = 5", "(5 + 1) = 6", "((5)) = 5", "- 1 = 5", "-1 = 5", "- - 1 = 1", "5 = -1", "ip[0] - -1 = 5", "-ip[0] % 3 = 5", "tcp[13]&2!=0", "tcp[tcpflags]&tcp-syn!=0", "tcp[tcpflags] == tcp-syn|tcp-ack",
	"ip[0]^1&2=3", "ip[0]%3+1=3", "ip[0]<<1+1=3", "ip[0]==5", "ip[0]=5&&tcp||udp", "es-is or is-is", "icmptype = 0", "ip[0] >= 0xffffffff",
	"ip[ip[ip[0]]] = 1", "tcp[tcp[12]>>2:2]=0",
}

var badExprs = []string{
	"10.0.0.1", "ip 10.0.0.1", "tcp 80", "80", "(80)", "not 80", "80 or port 443", "ether 1:2:3:4:5:6", "and tcp", "tcp and", "tcp or or udp", "tcp udp", "tcp & udp", "()", "(tcp", "tcp)", ")", "(", "!",
	"not", "or", "tcp and 80", "vlan and 5", "vlan 5 or 6", "pppoes 5 or 6", "less 5 or 6", "(port 80) or 443", "not (host 1.2.3.4) and 5.6.7.8", "host 1.2.3.4 and tcp and 5.6.7.8",
	"(host 1.2.3.4 or port 80) and 5.6.7.8", "host 1.2.3.4 and (5.6.7.8 or port 80)", "port ((80 or 443) or 5)", "port 1 and ((2 or 3) or 4)", "port 1 and (2 or tcp)", "host ((1.2.3.4))",
	"port 80 443", "port", "host", "net", "src", "src or", "src or src 1.2.3.4", "src and src host 1.2.3.4", "src or dst", "proto", "ip proto", "portrange", "src proto 5", "src tcp port 80",
	"ether proto arp", "ip proto tcp", "proto tcp", "ip proto \\foo", "ether proto ipv6", "iso proto \\tcp", "arp proto 5", "tcp proto 5", "icmp proto 1",
	"net 10/8", "net 0/0", "net 10.0.0.0/33", "net 10.0.0.1/8", "net 10.1.1.1 mask 255.0.0.0", "net 10.0.0.0/08", "net 10.0.0.0/", "net 10.0.0.0 mask", "net 10.0.0.0 mask 8", "net fe80::/129", "net fe80::1/10", "host ::/64",
	"host 10.0.0.0/8", "src 10.0.0.0/8", "host 1.2.3.4 mask 255.255.255.255", "host 300.1.1.1", "host 0x0a.1.1.1", "host 1.2.3.4.5", "host 1.2.3.999", "host foo", "host 12ab", "net foo", "host -1", "host \\ip", "host \"a\"",
	"port 70000", "port 80-90", "port -1", "port 08", "port 1.2", "port 1.2.3.4", "port ::1", "proto 1.2.3.4", "proto ::1", "portrange 80 - 90", "portrange 1-70000", "portrange foo-bar", "portrange -2", "portrange 1-",
	"ip port 80", "ip6 port 80", "arp port 80", "icmp port 80", "ether port 80", "ip portrange 1-2", "tcp host 1.2.3.4", "tcp src 1.2.3.4", "udp net 10", "icmp host 1.2.3.4", "arp host ::1", "ip6 host 1.2.3.4", "ip host ::1", "icmp6 host ::1",
	"ether host 1.2.3.4", "ether net 1.2.3.4", "host 1:2:3:4:5:6", "src 1:2:3:4:5:6", "ether net 1:2:3:4:5:6", "ether host 1:2:3:4:5", "ether host 1:2:3:4:5:6:7", "ether host 1:2:3:4:5:677", "ether host aabb.ccdd.eef",
	"host 1::2::3", "host ::1.2.3.400", "host fe80::1%eth0", "ether", "link", "radio", "radio[0] = 1", "ether dst broadcast", "tcp multicast", "arp multicast", "icmp6 multicast",
	"len", "len > 5 and < 6", "tcp[0]", "tcp[0] =", "tcp[] = 1", "tcp[0:] = 1", "tcp[0:0] = 1", "tcp[0:3] = 1", "tcp[0:8] = 1", "tcp[0 = 1", "tcp[0]] = 1", "tcp[0] > 5 > 3", "tcp[0] = 1 = 1", "tcp[tcp] = 1", "5", "5 +", "5 + = 3", "= 5",
	"ah[0] = 1", "esp[0] = 1", "stp[0] = 1", "iso[0] = 1", "ipx[0]=1", "netbeui[0]=1", "aarp[0] = 1", "isis[0] = 1",
	"ip[0] / 0 = 1", "ip[0] % 0 = 1", "ip[0] << 32 = 1", "ip[0] >> 33 = 1", "1/0 = 1", "ip[0] = 0x100000000", "ip[0] = 4294967296", "less -1", "less (5)", "less", "greater ip",
	"vlan 5000", "mpls 2000000", "pppoes 70000", "mpls and vlan", "mpls and arp", "mpls and pppoes", "pppoes and vlan", "pppoes and ether host 1:2:3:4:5:6", "pppoes and multicast", "vlan (tcp)", "vlan (5 + 1)", "vlan (5",
	"TCP", "tcp AND udp", "tcp#5", "tcp;udp", "host 1.2.3.4 # foo", "icmp[0]=icmp-foo", "$5", "tcp_", "type data", "inbound", "on eth0", "gateway 1.2.3.4", "port HTTP", "\\", "\\ tcp", "tcp \\", "tcp ! udp", "tcp[0] ! = 1", "tcp\x00", "pörtt 80",
}

// outside are expressions that tcpdump has and this package leaves out.
var outside = []string{
	"protochain 6", "ip protochain 6", "ip broadcast", "byte 5 = 6", "llc", "geneve", "geneve 5 and ip", "l1", "iih", "decnet host 1.2", "portrange 1-2-3",
}

func TestGoodExpressions(t *testing.T) {
	for _, expr := range goodExprs {
		if _, err := Compile(expr, capture.LinkEthernet, 0); err != nil {
			t.Errorf("%q: %v", expr, err)
		}
	}
}

func TestBadExpressions(t *testing.T) {
	for _, expr := range append(outside, badExprs...) {
		p, err := Compile(expr, capture.LinkEthernet, 0)
		if err == nil {
			t.Errorf("%q compiled to\n%v", expr, p)
			continue
		}
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: error %T, want *SyntaxError", expr, err)
			continue
		}
		if syntax.Pos < 0 || syntax.Pos > len(expr) || syntax.Expr != expr || syntax.Msg == "" {
			t.Errorf("%q: %+v", expr, syntax)
		}
		if !strings.HasPrefix(err.Error(), "compile filter: column ") || strings.Contains(err.Error(), "%!") {
			t.Errorf("%q: message %q", expr, err)
		}
	}
}

// TestGrammarAgainstTcpdump checks the lists above with tcpdump.
func TestGrammarAgainstTcpdump(t *testing.T) {
	t.Parallel()
	tcpdump := tcpdumpPath(t)
	file := writePcap(t, capture.LinkEthernet, nil)
	for _, expr := range append(goodExprs, outside...) {
		if _, complaint := tcpdumpMatches(t, tcpdump, file, expr); complaint != "" {
			t.Errorf("%q: tcpdump says %s", expr, complaint)
		}
	}
	for _, expr := range badExprs {
		if strings.Contains(expr, "\x00") {
			continue // cannot be passed to a program
		}
		if _, complaint := tcpdumpMatches(t, tcpdump, file, expr); complaint == "" {
			t.Errorf("%q: tcpdump takes it", expr)
		}
	}
}

func TestErrorPlace(t *testing.T) {
	for _, c := range []struct {
		expr string
		pos  int
		has  string
	}{
		{"tcp prot 80", 4, "unexpected"},
		{"port 80 or (443", 15, `expected ")", found the end`},
		{"host example.com", 5, "not resolved"},
		{"port https", 5, "write the number"},
		{"tcp and protochain 6", 8, "does not have"},
		{"ip[0:3] = 1", 0, "1, 2 or 4"},
		{"net 10.0.0.1/8", 4, "the net is 10.0.0.0"},
		{"net fe80::1/10", 4, "the net is fe80::"},
		{"host 10.0.0.0/8", 13, `"net"`},
		{"port 80 and 10.0.0.1", 12, `"port" wants no address`},
		{"tcp and 80", 8, `"port 80"`},
		{"vlan 4096", 0, "4095"},
		{"tcp[0] = 09", 9, "octal"},
		{"tcp and § or udp", 8, "character '§'"},
		{"§", 0, "unexpected"},
		{"tcp[0]", 6, "comparison"},
		{"ip broadcast", 0, "netmask"},
	} {
		_, err := Compile(c.expr, capture.LinkEthernet, 0)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: %v", c.expr, err)
			continue
		}
		if syntax.Pos != c.pos || !strings.Contains(syntax.Msg, c.has) {
			t.Errorf("%q: at %d %q, want at %d %q", c.expr, syntax.Pos, syntax.Msg, c.pos, c.has)
		}
	}
}

func TestCaret(t *testing.T) {
	e := &SyntaxError{Expr: "port\t§ 80x", Pos: 8, Msg: "m"}
	if got, want := e.Caret(), "port § 80x\n       ^"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := e.Error(), "compile filter: column 8: m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNesting: what is nested too deep or too long is an error, not a crash.
func TestNesting(t *testing.T) {
	for _, expr := range []string{
		strings.Repeat("(", 100000), strings.Repeat("(", 60000) + "tcp", strings.Repeat("not ", 10000) + "tcp",
		"ip[0] = " + strings.Repeat("-", 30000) + "1", strings.Repeat("ip[", 10000), strings.Repeat("1^", 30000) + "1 = 1",
		"port " + strings.Repeat("(", 1000) + "80" + strings.Repeat(")", 1000),
		"tcp" + strings.Repeat(" or port 1", 5000), "host 1.2.3.4" + strings.Repeat(" or 1.2.3.4", 4000),
		"ip[" + strings.Repeat("ip[0]+(", 100) + "1" + strings.Repeat(")", 100) + "] = 1",
	} {
		if _, err := Compile(expr, capture.LinkEthernet, 0); err == nil {
			t.Logf("%.30q… of %d bytes compiles", expr, len(expr))
		}
	}
	long := "host 10.0.0.0"
	for i := range 400 {
		long += fmt.Sprintf(" or 10.%d.%d.1", i>>8, i&255)
	}
	p, err := Compile(long, capture.LinkEthernet, 0)
	if err != nil {
		t.Fatalf("400 hosts: %v", err)
	}
	t.Logf("400 hosts make %d instructions", p.Len())
}

// TestRandomAgainstTcpdump compares expressions made from the grammar by chance.
func TestRandomAgainstTcpdump(t *testing.T) {
	t.Parallel()
	tcpdump := tcpdumpPath(t)
	packets := corpus(t, capture.LinkEthernet, 20, 8000/shorter(4))
	file := writePcap(t, capture.LinkEthernet, packets)
	r := randomExpr{rand.New(rand.NewPCG(3, 5))}
	took, some := 0, 0
	for range 300 / shorter(8) {
		expr := r.expr(3)
		want, complaint := tcpdumpMatches(t, tcpdump, file, expr)
		p, err := Compile(expr, capture.LinkEthernet, 0)
		if err == nil && (strings.Contains(complaint, "by zero") || strings.Contains(complaint, "more than 31")) {
			continue // libpcap takes the 0 of "1 / tcp[0]" for the divisor
		}
		if (err != nil) != (complaint != "") {
			t.Errorf("%q: we say %v, tcpdump says %q", expr, err, complaint)
			continue
		}
		if err != nil {
			continue
		}
		took++
		if len(want) > 0 && len(want) < len(packets) {
			some++
		}
		if d := difference(p, packets, want, want); d != "" {
			plain, _ := tcpdumpMatches(t, tcpdump, file, expr, "-O")
			if d = difference(p, packets, want, plain); d != "" {
				t.Errorf("%q:\n%s", expr, d)
			}
		}
	}
	t.Logf("%d packets, %d expressions compile, %d of them match some packets and not others", len(packets), took, some)
}

// randomExpr makes expressions, most of which are right.
type randomExpr struct{ *rand.Rand }

func (r randomExpr) pick(s ...string) string { return s[r.IntN(len(s))] }

func (r randomExpr) expr(depth int) string {
	out := r.term(depth)
	for range r.IntN(4) {
		out += r.pick(" and ", " or ", " && ", " || ", " and not ") + r.term(depth)
	}
	return out
}

func (r randomExpr) term(depth int) string {
	switch n := r.IntN(12); {
	case depth > 0 && n < 3:
		return r.pick("", "not ", "! ") + "(" + r.expr(depth-1) + ")"
	case n < 5:
		return r.arith(2) + r.pick(" = ", " != ", " < ", " > ", " <= ", " >= ", "==") + r.arith(2)
	case n == 5:
		return r.pick("tcp", "udp", "ip", "ip6", "arp", "icmp", "icmp6", "sctp", "igmp", "stp", "ip multicast", "ip6 multicast", "broadcast", "multicast", "not ip")
	case n == 6:
		return r.pick("vlan", "vlan 1", "mpls", "pppoes", "less 100", "greater 200", "len > 64", "ip proto 17", "proto 6", "ether proto \\arp", "ip6 proto 58")
	case n == 7:
		return r.pick("", "src ", "dst ", "ip ", "arp ") + "net " + r.pick("10", "192.168", "10.0.0.0/8", "172.16.0.0/12", "0.0.0.0/1", "192.168.1.0/24", "127.0.0.0/8", "224.0.0.0/3")
	case n == 8:
		return r.pick("host ", "src ", "dst host ", "src and dst host ", "ip host ") + r.ids("10.0.0.1", "192.168.1.1", "127.0.0.1", "255.255.255.255", "10.0", "1.2.3.4")
	case n == 9:
		return r.pick("net fe80::/10", "ip6 net 2001::/16", "host ff02::1", "src net ::/8", "dst net ff00::/8", "ip6 host ::1")
	}
	return r.pick("", "tcp ", "udp ", "sctp ") + r.pick("", "src ", "dst ", "src and dst ") + r.pick("port ", "port ", "portrange ") + r.ids("80", "53", "443", "22", "0", "1024", "65535", "68")
}

func (r randomExpr) ids(list ...string) string {
	switch r.IntN(6) {
	case 0:
		return r.pick(list...) + r.pick(" or ", " and ") + r.pick("", "not ") + r.pick(list...)
	case 1:
		return "(" + r.pick(list...) + " or " + r.pick(list...) + ")"
	}
	return r.pick(list...)
}

func (r randomExpr) arith(depth int) string {
	switch n := r.IntN(8); {
	case depth > 0 && n < 3:
		return r.arith(depth-1) + r.pick("+", " - ", "*", "&", "|", "^", "%", "<<", ">>", "/") + r.pick(r.arith(depth-1), r.pick("1", "3", "8"))
	case depth > 0 && n == 3:
		return "(" + r.arith(depth-1) + ")"
	case n == 4:
		return r.pick("len", "0", "1", "6", "20", "0x45", "64", "80", "255", "- 1")
	}
	return r.pick("ip", "tcp", "udp", "icmp", "ip6", "ether", "arp", "icmp6", "sctp") + "[" + r.pick("0", "2", "4", "6", "8", "9", "13", "ip[0]&15", "len-60") + r.pick("", ":1", ":2", ":4") + "]"
}
