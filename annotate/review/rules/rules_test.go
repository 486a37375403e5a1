package rules

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the goldens anew")

// names stands for the registry of service names.
func names(name string, _ uint8) (uint16, bool) {
	n, ok := map[string]uint16{"ssh": 22, "http": 80, "https": 443, "domain": 53}[name]
	return n, ok
}

func readFiles(t testing.TB, opt Options, files ...string) *Firewall {
	t.Helper()
	var all []Source
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Source{Name: name, Reader: bytes.NewReader(b)})
	}
	fw, err := Read(all, opt)
	if err != nil {
		t.Fatal(err)
	}
	checkClasses(t, fw, 1, 2000)
	return fw
}

// readText reads rules that stand in the test.
func readText(t *testing.T, opt Options, texts ...string) *Firewall {
	t.Helper()
	var all []Source
	for i, s := range texts {
		all = append(all, Source{fmt.Sprintf("rules%d", i+1), strings.NewReader(s)})
	}
	fw, err := Read(all, opt)
	if err != nil {
		t.Fatal(err)
	}
	checkClasses(t, fw, 1, 2000)
	return fw
}

func prefixes(all ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range all {
		p, ok := prefixOf(s)
		if !ok {
			panic(s)
		}
		out = append(out, p)
	}
	return out
}

// dump writes all that was read.
func dump(fw *Firewall) string {
	var b strings.Builder
	for _, s := range fw.Sets {
		fmt.Fprintf(&b, "%s %s: %d rules\n", s.Kind, strings.Join(s.Files, " "), len(s.Rules))
		for _, r := range s.Rules {
			fmt.Fprintf(&b, "%s:%d: [%s] %s: %s\n", r.File, r.Line, r.ID, r.Action, r.Text)
			for _, x := range []struct{ name, text string }{{"comment", r.Comment}, {"assumes", r.Assumes}, {"not interpreted", r.NotInterpreted}} {
				if x.text != "" {
					fmt.Fprintf(&b, "\t%s: %s\n", x.name, x.text)
				}
			}
		}
		b.WriteString("\nnot interpreted\n")
		for _, n := range s.Notes {
			fmt.Fprintln(&b, n)
		}
		b.WriteString("\nopenings\n")
		for _, o := range s.Openings {
			id := "policy"
			if o.Rule != nil {
				id = o.Rule.ID
			}
			proto := fmt.Sprint(o.Protocol)
			if o.Any {
				proto = "any"
			}
			fmt.Fprintf(&b, "[%s] %s %s ports %s", id, o.Hook, proto, o.Ports)
			for _, side := range []struct {
				name string
				all  []netip.Prefix
			}{{"from", o.Clients}, {"to", o.Servers}} {
				if side.all != nil {
					fmt.Fprintf(&b, " %s %v", side.name, side.all)
				}
			}
			if o.In != "" || o.Out != "" {
				fmt.Fprintf(&b, " in %q out %q", o.In, o.Out)
			}
			if o.Partly {
				b.WriteString(" partly")
			}
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestGolden pins what is read of each kind.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
	}{
		{"nft", []string{"constructs.nft.json"}},
		{"iptables", []string{"iptables-save.txt", "ip6tables-save.txt", "ipset-save.txt"}},
		{"iptables-without-sets", []string{"iptables-save.txt"}},
		{"aws", []string{"security-groups.json"}},
		{"aws-interfaces", []string{"security-groups.json", "network-interfaces.json"}},
		{"kubernetes", []string{"networkpolicies.yaml"}},
		{"kubernetes-pods", []string{"networkpolicies.yaml", "pods.json"}},
		{"pf", []string{"pf.txt"}},
		{"table", []string{"table.csv", "table.json"}},
		{"asa", []string{"asa.txt"}},
		{"aws-acls", []string{"network-acls.json", "subnets.json"}},
		{"pfsense", []string{"pfsense.xml"}},
		{"opnsense", []string{"opnsense.xml"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := dump(readFiles(t, Options{Port: names}, c.files...))
			golden := filepath.Join("testdata", "golden", c.name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("differs from %s (-update writes it):\n%s", golden, got)
			}
		})
	}
}

func flowOf(t *testing.T, text string) *Flow {
	t.Helper()
	f := new(Flow)
	var proto, server string
	words := strings.Fields(text) // protocol client server [hook] [in=] [out=]
	if len(words) < 3 {
		t.Fatalf("flow %q", text)
	}
	proto, server = words[0], words[2]
	f.Protocol = uint8(protocolNames[proto])
	end := func(s string) (netip.Addr, uint16) {
		if a, err := netip.ParseAddr(s); err == nil {
			return a, 0
		}
		ap, err := netip.ParseAddrPort(s)
		if err != nil {
			t.Fatal(err)
		}
		return ap.Addr(), ap.Port()
	}
	f.Client, f.ClientPort = end(words[1])
	f.Server, f.ServerPort = end(server)
	for _, w := range words[3:] {
		switch {
		case strings.HasPrefix(w, "in="):
			f.In = w[3:]
		case strings.HasPrefix(w, "out="):
			f.Out = w[4:]
		default:
			for _, h := range []Hook{Input, Forward, Output} {
				if h.String() == w {
					f.Hook = h
				}
			}
		}
	}
	return f
}

type question struct{ flow, verdict, why string } // why is a part of the reason

func ask(t *testing.T, fw *Firewall, all []question) {
	t.Helper()
	for _, q := range all {
		d := fw.Decide(flowOf(t, q.flow))
		if d.Verdict.String() != q.verdict || !strings.Contains(d.Why, q.why) {
			t.Errorf("%s: %s (%s), want %s (%s)", q.flow, d.Verdict, d.Why, q.verdict, q.why)
		}
		if d.Rule != nil && d.Verdict == Unknown || len(d.Depends) > 0 && d.Verdict != Unknown {
			t.Errorf("%s: %s with rule %v and depending on %v", q.flow, d.Verdict, d.Rule, d.Depends)
		}
		for _, r := range d.Depends {
			if r == nil {
				t.Errorf("%s depends on no rule", q.flow)
			}
		}
	}
}

// TestEqualPriority holds for chains whose order the kernel does not tell: a
// mark that one sets, and the other asks for, is not known.
func TestEqualPriority(t *testing.T) {
	for _, c := range []struct {
		priority int
		verdict  string
	}{{0, "unknown"}, {1, "allow"}, {-1, "deny"}} {
		text := fmt.Sprintf(`{"nftables":[
			{"chain":{"family":"ip","table":"a","name":"in","hook":"input","type":"filter","prio":%d,"policy":"drop"}},
			{"chain":{"family":"ip","table":"b","name":"in","hook":"input","type":"filter","prio":0,"policy":"accept"}},
			{"rule":{"family":"ip","table":"a","chain":"in","handle":1,"expr":[{"match":{"op":"==","left":{"meta":{"key":"mark"}},"right":1}},{"accept":null}]}},
			{"rule":{"family":"ip","table":"b","chain":"in","handle":1,"expr":[{"mangle":{"key":{"meta":{"key":"mark"}},"value":1}}]}}]}`, c.priority)
		ask(t, readText(t, Options{}, text), []question{{"tcp 192.0.2.1 192.0.2.2:80 input", c.verdict, ""}})
	}
}

// TestSecurityGroups asks security groups with and without interfaces.
func TestSecurityGroups(t *testing.T) {
	const web, db = "sg-0a1b2c3d4e5f60001", "sg-0a1b2c3d4e5f60002"
	ask(t, readFiles(t, Options{}, "security-groups.json"), []question{
		{"tcp 203.0.113.9 10.1.1.10:22", "unknown", "group " + web + " allows it"},
		{"tcp 203.0.113.9 10.1.1.10:23", "unknown", "describe-network-interfaces"}, // the client may be in web, whose egress allows it,
		{"tcp 203.0.113.9 10.1.1.10:8100", "unknown", "prefix list"},
		{"tcp 10.1.9.9 10.1.1.10:443", "allow", ""}, // by both groups
		{"udp 10.1.1.9 10.1.1.10:3389", "unknown", db},
		{"udp 10.2.1.9 10.1.1.10:3389", "unknown", "if the server is in the groups deny"},
	})
	ask(t, readFiles(t, Options{}, "security-groups.json", "network-interfaces.json"), []question{
		{"tcp 203.0.113.9 10.1.1.11:22", "allow", web + " ingress tcp 22 from 203.0.113.0/24"},
		{"tcp 203.0.113.9 198.51.100.200:22", "allow", web},
		{"tcp 2001:db8::1 [2001:db8:1::10]:443", "allow", web},
		{"tcp 203.0.114.9 10.1.1.11:22", "deny", web},
		{"tcp 10.1.1.10 10.1.2.20:5432", "allow", "from " + web}, // the client is in the group that the rule names
		{"tcp 10.1.1.99 10.1.2.20:5432", "deny", db},
		{"sctp 10.1.2.99 10.1.2.20:3868", "allow", db},
		{"tcp 10.1.2.20 10.1.1.10:443", "allow", web},                        // allowed out, too
		{"tcp 10.1.2.20 192.0.2.1:443", "deny", "egress of the client"},      // the client's group
		{"tcp 10.1.2.20 10.9.9.9:443", "allow", "the server is in no group"}, //
		{"tcp 203.0.113.9 10.1.3.30:22", "unknown", "sg-0ffffffffffffffff"},  // a group that is not given
		{"tcp 203.0.113.9 192.0.2.7:22", "unknown", "no rules for such packets"},
	})
}

// TestNetworkPolicies asks network policies with and without pods.
func TestNetworkPolicies(t *testing.T) {
	ask(t, readFiles(t, Options{}, "networkpolicies.yaml"), []question{
		{"tcp 10.1.1.1 10.244.1.10:443", "unknown", "shop/web allows it"}, // if the server is a web pod
		{"tcp 192.0.2.1 10.244.1.10:443", "unknown", "metrics"},           // a named port, which may be any
		{"udp 192.0.2.1 10.244.1.10:53", "unknown", "which pods the policies select"},
		{"udp 192.0.2.1 10.244.1.10:514", "unknown", "shop/db allows it"},
	})
	ask(t, readFiles(t, Options{}, "networkpolicies.yaml", "pods.json"), []question{
		{"tcp 10.1.1.1 10.244.1.10:443", "allow", "shop/web ingress 1"},
		{"tcp 10.66.1.1 10.244.1.10:443", "unknown", "the pod's node"}, // an exception, unless it is the node, which is not given
		{"tcp 2001:db8:1::1 [2001:db8:244::10]:30099", "allow", "30000-30099"},
		{"tcp 2001:db8:1::1 [2001:db8:244::10]:30100", "deny", ""},
		{"tcp 192.0.2.1 10.244.1.10:9113", "allow", "metrics"},
		{"udp 192.0.2.1 10.244.1.10:9113", "deny", ""},
		{"tcp 10.244.1.10 10.244.2.20:5432", "allow", "shop/db ingress 1"},
		{"tcp 10.244.1.10 10.244.2.20:5433", "deny", ""},
		{"tcp 10.244.3.30 10.244.2.20:5432", "allow", ""}, // of a namespace of team ops
		{"tcp 10.0.0.4 10.244.2.20:5432", "unknown", ""},  // a pod with its node's address
		{"tcp 10.1.1.1 10.244.2.20:5432", "unknown", "shop/default-deny, shop/db"},
		{"sctp 10.244.1.10 10.244.2.20:3868", "deny", "egress of the client"}, // let in, but not out
		{"sctp 10.244.3.30 10.244.2.20:3868", "allow", "ingress 2"},
		{"tcp 10.244.1.10 10.244.2.19:5432", "deny", ""}, // only default-deny selects it
		{"tcp 10.1.1.1 10.244.3.30:22", "allow", "no policy selects the pod"},
		{"udp 10.244.1.10 192.0.2.53:53", "allow", "the server is no pod"},
		{"udp 10.244.1.10 192.0.2.53:54", "deny", "egress of the client"},
		{"tcp 192.0.2.1 192.0.2.53:53", "unknown", "no rules for such packets"},
	})
	text := "kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nmetadata: {name: a}\nspec: {podSelector: {}}\n"
	ask(t, readText(t, Options{}, text), []question{{"tcp 192.0.2.1 192.0.2.53:53", "unknown", "default/a"}})
	text += "---\nkind: CiliumNetworkPolicy\napiVersion: cilium.io/v2\nmetadata: {name: b}\n"
	ask(t, readText(t, Options{}, text), []question{{"tcp 192.0.2.1 192.0.2.53:53", "unknown", "CiliumNetworkPolicy"}})
}

// TestPF asks rules of pf, whose last match decides.
func TestPF(t *testing.T) {
	local := prefixes("198.51.100.1")
	ask(t, readFiles(t, Options{Port: names, Local: local}, "pf.txt"), []question{
		{"tcp 203.0.113.1 198.51.100.1:80 input in=em0", "unknown", "<bruteforce>"}, // the table is not given
	})
	b, err := os.ReadFile("testdata/pf.txt")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), `anchor "ftp-proxy/*" out all`, "", 1) + "table <bruteforce> { 203.0.113.66, 203.0.113.128/25 }\ntable <martians> { 10.0.0.0/8 192.168/16 127.0.0.0/8 }\n"
	text = strings.Replace(text, "192.168/16", "192.168.0.0/16", 1)
	ask(t, readText(t, Options{Port: names, Local: local}, text), []question{
		{"tcp 203.0.113.1 198.51.100.1:80 input in=em0", "allow", "@6"},
		{"tcp 203.0.113.66 198.51.100.1:80 input in=em0", "deny", "@4"},
		{"tcp 203.0.113.129 198.51.100.1:80 input", "deny", "@4"},
		{"tcp 203.0.113.1 198.51.100.1:81 input in=em0", "deny", "@0"},
		{"tcp 203.0.113.1 198.51.100.1:80 input", "unknown", "interface is not known"},
		{"tcp 203.0.113.1 198.51.100.1:81 input in=em1", "allow", "@13"},
		{"tcp 203.0.113.1 198.51.100.1:113 input in=em1", "allow", "@13"},
		{"tcp 192.0.2.7 198.51.100.1:22 input in=em0", "unknown", "( em0 )"},
		{"tcp 192.0.3.7 198.51.100.1:22 input in=em0", "deny", "@0"},
		{"tcp 192.0.2.7 198.51.100.2:22 forward in=em0 out=em2", "deny", ""},
		{"udp 203.0.113.1:53 198.51.100.10:53 forward in=em0 out=em2", "deny", ""},
		{"udp 203.0.113.1:5353 198.51.100.10:53 forward in=em0 out=em2", "allow", "@8"},
		{"udp 203.0.113.1 198.51.100.10:53 forward in=em0 out=em2", "unknown", "client's port"},
		{"tcp 203.0.113.1 198.51.100.20:6000 forward in=em0 out=em2", "deny", ""},
		{"tcp 203.0.113.1 198.51.100.20:6001 forward in=em0 out=em2", "allow", ""},
		{"tcp 203.0.113.1 198.51.100.20:6064 forward in=em0 out=em2", "deny", ""},
		{"tcp 203.0.113.1 198.51.100.21:1022 forward in=em0 out=em2", "allow", ""},
		{"tcp 203.0.113.1 198.51.100.21:1023 forward in=em0 out=em2", "deny", ""},
		{"tcp 203.0.113.1 198.51.100.21:60000 forward in=em0 out=em2", "deny", ""},
		{"tcp 203.0.113.1 198.51.100.21:60001 forward in=em0 out=em2", "allow", ""},
		{"tcp 203.0.113.1 198.51.100.22:49151 forward in=em0 out=em2", "deny", ""},
		{"tcp 203.0.113.1 198.51.100.22:49152 forward in=em0 out=em2", "allow", ""},
		{"tcp 10.5.0.1 198.51.100.22:49152 forward in=em0 out=em2", "deny", ""},
		{"tcp 10.0.0.9 198.51.100.99:4000 forward in=em0 out=em2", "allow", "@12"},
		{"tcp 10.0.0.9 198.51.100.99:25 forward in=em0 out=em2", "deny", ""},
		{"tcp 203.0.113.1 10.1.1.1:4000 forward in=em1 out=em0", "deny", "@1"}, // on the way out
		{"tcp 203.0.113.1 10.1.1.1:4000 forward in=em1 out=em2", "allow", "@13"},
		{"udp 203.0.113.1 198.51.100.1:33440 input in=em0", "unknown", "user"},
		{"tcp 127.0.0.1 198.51.100.1:80 input in=em0", "deny", "@3"},
		// Rules that ask for another protocol's ports take no part; of a
		// service whose name is not known the port may be any.
		{"tcp 203.0.113.1 198.51.100.1:4567 input in=em2", "unknown", "@17"},
		{"sctp 203.0.113.1 198.51.100.1:4567 input in=em2", "deny", "@0"},
		// Where a packet is sent on to, rules for the way out may see.
		{"tcp 203.0.113.1 198.51.100.30:8080 forward in=em0 out=em0", "unknown", "translated destination"},
		{"tcp 203.0.113.1 198.51.100.30:8080 forward in=em0 out=em2", "allow", "@18"},
	})
	nested := "block all\nanchor \"a\" in on em0 {\n  pass in quick proto tcp from any to any port = 22\n  block in proto tcp from any to any port 20:30\n}\npass in proto tcp from any to any port = 25\n"
	ask(t, readText(t, Options{}, nested), []question{
		{"tcp 192.0.2.1 192.0.2.2:22 input in=em0", "allow", ""},
		{"tcp 192.0.2.1 192.0.2.2:22 input in=em1", "deny", ""},
		{"tcp 192.0.2.1 192.0.2.2:25 input in=em0", "allow", ""},
		{"tcp 192.0.2.1 192.0.2.2:24 input in=em0", "deny", ""},
	})
	old := "rdr on em0 inet proto tcp from any to 192.0.2.2 port = 80 -> 10.0.0.1 port 8080\nnat on em1 inet from 10.0.0.0/8 to any -> (em1)\nblock in all\npass in proto tcp from any to any port = 8080\npass in proto tcp from any to any port = 443\npass out all\n"
	ask(t, readText(t, Options{}, old), []question{
		{"tcp 192.0.2.1 192.0.2.2:80 input in=em0", "allow", ""}, // as 10.0.0.1:8080
		{"tcp 192.0.2.1 192.0.2.2:443 input in=em0", "allow", ""},
		{"tcp 192.0.2.1 192.0.2.2:80 input in=em1", "deny", ""},
	})
	ask(t, readText(t, Options{}, "pass in proto tcp from any to any port = 22\n"), []question{
		{"udp 192.0.2.1 192.0.2.2:53 input", "allow", "no rule matches"},
	})
}

// BenchmarkDecide asks the ruleset of constructs.
func BenchmarkDecide(b *testing.B) {
	fw := readFiles(b, Options{}, "constructs.nft.json")
	f := Flow{Protocol: protoTCP, Client: netip.MustParseAddr("192.0.2.1"), Server: netip.MustParseAddr("198.51.100.2"), ClientPort: 40000, ServerPort: 8443, Hook: Input, In: "eth0"}
	b.ReportAllocs()
	for b.Loop() {
		fw.Decide(&f)
	}
}
