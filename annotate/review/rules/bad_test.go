package rules

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// TestBadInput pins what is said of files that cannot be read.
func TestBadInput(t *testing.T) {
	nftText, err := os.ReadFile("testdata/constructs.nft")
	if err != nil {
		t.Fatal(err)
	}
	nftJSON, err := os.ReadFile("testdata/constructs.nft.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "f: the file is empty; rules are the output of nft -j list ruleset, "},
		{"white space", " \n\t\n", "f: the file is empty"},
		{"nft text", string(nftText), "f: rules in the text form of nft; load them and print them with nft -j list ruleset"},
		{"nft commands", "add table inet t\nadd chain inet t c\n", "nft -j list ruleset"},
		{"a capture", "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "f: a packet capture, which is given with -r"},
		{"a capture, pcapng", "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00", "f: a packet capture"},
		{"gzip", "\x1f\x8b\x08\x00", "f: compressed with gzip: unpack it first"},
		{"binary", "\x7fELF\x00\x01", "f: no text"},
		{"iptables -L", "Chain INPUT (policy ACCEPT)\ntarget     prot opt source               destination\n", "f: a list of iptables -L, which leaves out interfaces; print the rules with iptables-save"},
		{"ufw", "Status: active\n\nTo Action From\n", "print the rules with iptables-save"},
		{"prose", "Hello, world.\n", "f: not rules of a known kind; rules are"},
		{"JSON of another kind", "\n{\"a\": 1}", "f:2: JSON of an unknown kind; rules are"},
		{"truncated JSON", string(nftJSON[:5000]), "f:1: column 5001: JSON ends in the middle"},
		{"truncated JSON, lines", "{\"nftables\": [\n  {\"rule\": {\n", "f:3: column 1: JSON ends in the middle"},
		{"malformed JSON", "{\"nftables\": [\n  {\"rule\" 1}]}", "f:2: column "},
		{"two values", "{\"nftables\": []}\n{\"nftables\": []}", "f:2: column 2: more than one JSON value"},
		{"deep JSON", strings.Repeat("[", 10000), "nests deeper than"},
		{"nftables is no list", "{\n\"nftables\": {}}", "f:1: nftables is no list"},
		{"SecurityGroups is no list", "{\"SecurityGroups\": {}}", "f:1: SecurityGroups is no list"},
		{"interfaces alone", "{\"NetworkInterfaces\": []}", "add the output of aws ec2 describe-security-groups"},
		{"malformed YAML", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nspec: {podSelector: {}\n  b: [\n", "f:"},
		{"malformed XML", "<pfsense>\n<filter>\n</pfsense>", "f:3: xml: element <filter> closed by </pfsense>"},
		{"truncated XML", "<opnsense>\n<filter>\n", "f:3: xml: unexpected EOF"},
		{"deep XML", "<pfsense>\n" + strings.Repeat("<a>", 100), "f:2: xml has too many elements, or nests them too deeply"},
		{"two documents", "<pfsense></pfsense>\n<a></a>", "f:2: xml with two documents"},
		{"firewalld", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<zone>\n  <short>Public</short>\n  <service name=\"ssh\"/>\n</zone>", "f: a file of firewalld: print what the kernel has with nft -j list ruleset"},
		{"PAN-OS in XML", "<?xml version=\"1.0\"?>\n<config version=\"10.1.0\" urldb=\"paloaltonetworks\">", "f: a configuration of PAN-OS in XML, which is not read: make a table of its set format"},
		{"other XML", "<a/>", "f: XML of an unknown kind; rules are"},
		{"access lists alone", "access-list a extended permit tcp any any eq www\n", "f: access lists, and no line access-group"},
		{"no policy", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", "f: no network policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read([]Source{{Name: "f", Reader: strings.NewReader(c.text)}}, Options{})
			if err == nil || !strings.HasPrefix(err.Error(), "read rules: f:") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
	failure := errors.New("it broke")
	if _, err := Read([]Source{{Name: "f", Reader: iotest.ErrReader(failure)}}, Options{}); !errors.Is(err, failure) {
		t.Errorf("error %v, want that of the reader", err)
	}
	// All that are bad are named.
	_, err = Read([]Source{{"a", strings.NewReader("")}, {"b", strings.NewReader("*filter\n")}, {"c", strings.NewReader("x")}}, Options{})
	if err == nil || !strings.Contains(err.Error(), "a: ") || !strings.Contains(err.Error(), "c: ") || strings.Contains(err.Error(), "b: ") {
		t.Errorf("error %v, want a and c", err)
	}
}

// TestNotInterpreted pins that lines that are not understood are noted with
// their place, and that what they might do is not passed over.
func TestNotInterpreted(t *testing.T) {
	for _, c := range []struct{ name, text, note, why string }{
		{"iptables line", "*filter\n:INPUT DROP [0:0]\nwhat\nCOMMIT\n", "rules1:3: unknown line: what", ""},
		{"iptables option", "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 80 --odd x -j ACCEPT\nCOMMIT\n", "rules1:3: option that is not interpreted: --odd x", "--odd x"},
		{"iptables module", "*filter\n:INPUT DROP [0:0]\n-A INPUT -m geoip --source-country DE -j ACCEPT\nCOMMIT\n", "rules1:3: match that is not interpreted: -m geoip --source-country DE", "-m geoip"},
		{"iptables target", "*filter\n:INPUT DROP [0:0]\n-A INPUT -j ODD --way 3\nCOMMIT\n", "rules1:3: target that is not interpreted: -j ODD --way 3", "what it does"},
		{"iptables queue", "*filter\n:INPUT DROP [0:0]\n-A INPUT -j NFQUEUE --queue-num 0\nCOMMIT\n", "rules1:3: a program decides: -j NFQUEUE --queue-num 0", "what it does"},
		{"iptables policy", "*filter\n:INPUT ODD [0:0]\nCOMMIT\n", "rules1:2: unknown policy: :INPUT ODD", "what it does"},
		{"ipset missing", "*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set s src -j ACCEPT\nCOMMIT\n", "rules1:3: the set is not given: add the output of ipset save: --match-set s src", "--match-set s src"},
		{"nft statement", `{"nftables":[{"chain":{"family":"ip","table":"t","name":"c","hook":"input","type":"filter","prio":0,"policy":"drop"}},
			{"rule":{"family":"ip","table":"t","chain":"c","handle":3,"expr":[{"odd":{"a":1}}]}}]}`, `rules1:2: unknown statement: {"odd":{"a":1}}`, "what it does"},
		{"nft match", `{"nftables":[{"chain":{"family":"ip","table":"t","name":"c","hook":"input","type":"filter","prio":0,"policy":"drop"}},
			{"rule":{"family":"ip","table":"t","chain":"c","handle":3,"expr":[{"match":{"op":"==","left":{"odd":1},"right":2}},{"accept":null}]}}]}`, `rules1:2: match on something unknown: {"odd":1} 2`, "not interpreted"},
		{"nft set missing", `{"nftables":[{"chain":{"family":"ip","table":"t","name":"c","hook":"input","type":"filter","prio":0,"policy":"drop"}},
			{"rule":{"family":"ip","table":"t","chain":"c","handle":3,"expr":[{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":"@s"}},{"accept":null}]}}]}`, `rules1:2: there is no such set: tcp dport @s`, "not interpreted"},
		{"nft extension", `{"nftables":[{"chain":{"family":"ip","table":"t","name":"c","hook":"input","type":"filter","prio":0,"policy":"drop"}},
			{"rule":{"family":"ip","table":"t","chain":"c","handle":3,"expr":[{"xt":{"type":"match","name":"geoip"}},{"accept":null}]}}]}`, `rules1:2: extension of iptables`, "geoip"},
		{"pf word", "block in all\npass in odd proto tcp from any to any\n", "rules1:2: unknown word of a rule: odd", "odd"},
		{"AWS prefix list", `{"SecurityGroups":[{"GroupId":"g","IpPermissions":[{"IpProtocol":"-1","PrefixListIds":[{"PrefixListId":"pl-1"}]}]}]}`, "rules1:1: the prefix list is not given: add the output of aws ec2 describe-prefix-lists: ingress all from pl-1", "the prefix list is not given"},
		{"Kubernetes selector", "kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nspec:\n  podSelector: {}\n  ingress:\n    - from:\n        - podSelector: {}\n", "rules1:6: which addresses the pods have is not given", "which addresses"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fw := readText(t, Options{}, c.text)
			found := false
			for _, n := range fw.Sets[0].Notes {
				found = found || strings.HasPrefix(n.String(), c.note)
			}
			if !found {
				t.Errorf("notes %v, want %s", fw.Sets[0].Notes, c.note)
			}
			d := fw.Decide(flowOf(t, "tcp 192.0.2.1:1024 192.0.2.2:80 input in=eth0"))
			if c.why != "" && (d.Verdict != Unknown || len(d.Depends) != 1 || d.Depends[0].NotInterpreted == "" || !strings.Contains(d.Why, c.why)) {
				t.Errorf("%+v, want it unknown because of %s", d, c.why)
			}
		})
	}
}

// TestAliases keeps a small file of YAML from becoming a large one.
func TestAliases(t *testing.T) {
	text := "kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nspec:\n  podSelector: {}\n  ingress:\n    - &rule {from: [" +
		strings.Repeat("{ipBlock: {cidr: 10.0.0.0/8}},", 2000) + "]}\n" + strings.Repeat("    - *rule\n", 2000)
	ask(t, readText(t, Options{}, text), []question{{"tcp 192.0.2.1 192.0.2.2:80", "unknown", "so many rules"}})
}

// fuzzFlows are asked of whatever rules come out.
var fuzzFlows = []Flow{
	{Protocol: protoTCP, Client: netip.MustParseAddr("192.0.2.1"), Server: netip.MustParseAddr("192.0.2.2"), ServerPort: 80},
	{Protocol: protoUDP, Client: netip.MustParseAddr("2001:db8::1"), Server: netip.MustParseAddr("2001:db8::2"), ServerPort: 53, ClientPort: 5353, Hook: Forward, In: "eth0", Out: "eth1"},
	{Protocol: 47, Client: netip.MustParseAddr("10.0.0.1"), Server: netip.MustParseAddr("::1"), Hook: Output},
	{Protocol: protoSCTP, Client: netip.MustParseAddr("10.1.2.3"), Server: netip.MustParseAddr("10.244.1.10"), ServerPort: 36412, Hook: Input},
}

// readAndAsk reads a file and asks, and checks what must hold for every file.
func readAndAsk(t *testing.T, texts ...string) {
	lines := 0
	var all []Source
	for _, s := range texts {
		lines = max(lines, strings.Count(s, "\n")+1)
		all = append(all, Source{Name: "f", Reader: strings.NewReader(s)})
	}
	fw, err := Read(all, Options{Local: prefixes("192.0.2.2"), Port: names})
	if err != nil {
		if fw != nil || !strings.HasPrefix(err.Error(), "read rules: f:") {
			t.Fatalf("firewall %v, error %v", fw, err)
		}
		return
	}
	for _, s := range fw.Sets {
		for _, n := range s.Notes {
			if n.Line < 0 || n.Line > lines || n.Reason == "" {
				t.Fatalf("note %+v of %d lines", n, lines)
			}
		}
		for _, r := range s.Rules {
			if r.Line < 1 || r.Line > lines || r.ID == "" {
				t.Fatalf("rule %+v of %d lines", r, lines)
			}
		}
		for _, o := range s.Openings {
			if o.Ports.First > o.Ports.Last {
				t.Fatalf("opening %+v", o)
			}
		}
	}
	checkClasses(t, fw, 1, 30)
	for i := range fuzzFlows {
		d := fw.Decide(&fuzzFlows[i])
		if d.Why == "" || d.Verdict == Unknown && d.Rule != nil || d.Verdict != Unknown && len(d.Depends) > 0 {
			t.Fatalf("%+v: %+v", fuzzFlows[i], d)
		}
	}
}

// seeds gives the lines of a file of testdata, that mutations stay small.
func seeds(f *testing.F, name string) []string { return seedsOf(f, name) }

func seedsOf(f testing.TB, name string) []string {
	f.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		f.Fatal(err)
	}
	return strings.Split(string(b), "\n")
}

// FuzzRead reads files of whatever kind.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m multiport ! --dports 1:2,3 -j ACCEPT\nCOMMIT\n",
		"-P INPUT ACCEPT\n-N a\n-A INPUT -j a\n-A a -g a\n",
		"block in all\n", "create s hash:net family inet\n", "kind: NetworkPolicy\n", `{"nftables":[]}`, `{"SecurityGroups":[]}`,
		"Chain INPUT (policy ACCEPT)\n", "table inet t {\n", "\x0a\x0d\x0d\x0a",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { readAndAsk(t, text) })
}

// FuzzNFT reads the JSON of one rule, or set, in a ruleset.
func FuzzNFT(f *testing.F) {
	b, err := os.ReadFile("testdata/constructs.nft.json")
	if err != nil {
		f.Fatal(err)
	}
	root, err := readJSON(b, "")
	if err != nil {
		f.Fatal(err)
	}
	for _, n := range root.get("nftables").list {
		f.Add(n.source(b))
	}
	f.Add(`{"rule":{"family":"inet","table":"filter","chain":"input","expr":[{"jump":{"target":"input"}},{"jump":{"target":"input"}}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		readAndAsk(t, `{"nftables":[{"chain":{"family":"inet","table":"filter","name":"input","hook":"input","prio":0,"policy":"drop"}},`+
			`{"chain":{"family":"inet","table":"filter","name":"branch"}},`+
			`{"set":{"family":"inet","table":"filter","name":"web_ports","type":"inet_service","elem":[80,443]}},`+text+`]}`)
	})
}

// FuzzIPTables reads one rule, and one set.
// FuzzIPSet reads anything as what ipset save prints, beside a rule that asks for its
// sets.
func FuzzIPSet(f *testing.F) {
	for _, line := range seeds(f, "ipset-save.txt") {
		f.Add("create s hash:ip,port,net\n" + line)
	}
	f.Add("create s hash:net family inet6\nadd s 2001:db8::/129\nadd s ::/0 nomatch")
	f.Add("create s bitmap:port range 0-65535\nadd s 80-70\nadd s tcp:1-65535")
	f.Add("create s list:set size 8\nadd s s")
	f.Fuzz(func(t *testing.T, set string) {
		if len(set) > 1<<14 {
			return
		}
		readAndAsk(t, "*filter\n:INPUT DROP [0:0]\n-A INPUT -m set --match-set s src,dst,dst -j ACCEPT\nCOMMIT\n", set)
	})
}

func FuzzIPTables(f *testing.F) {
	for _, line := range seeds(f, "iptables-save.txt") {
		f.Add(line, "create services hash:ip,port family inet\nadd services 192.0.2.1,tcp:80-90")
	}
	f.Add("-A INPUT -s 0.0.0.0/55 -j ACCEPT", "create s hash:net family inet\nadd s 10.0.0.0/33")
	for _, line := range seeds(f, "ipset-save.txt") {
		name := strings.Fields(line + " x x")[1]
		f.Add("-A INPUT -m set --match-set "+name+" src,dst,dst -j ACCEPT", "create "+name+" hash:ip,port,net\n"+line)
	}
	f.Fuzz(func(t *testing.T, rule, set string) {
		readAndAsk(t, "*filter\n:INPUT DROP [0:0]\n:web - [0:0]\n-A web -j ACCEPT\n"+rule+"\nCOMMIT\n", "create x list:set size 8\n"+set)
	})
}

// FuzzAWS reads one group.
func FuzzAWS(f *testing.F) {
	for _, name := range []string{"security-groups.json", "network-interfaces.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		root, err := readJSON(b, "")
		if err != nil {
			f.Fatal(err)
		}
		for _, n := range root.list[0].list {
			f.Add(n.source(b))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		readAndAsk(t, `{"SecurityGroups":[`+text+`]}`)
		readAndAsk(t, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"-1","UserIdGroupPairs":[{"GroupId":"sg-1"}]}]}],"NetworkInterfaces":[`+text+`]}`)
	})
}

// FuzzPolicies reads documents of Kubernetes.
func FuzzPolicies(f *testing.F) {
	for _, doc := range strings.Split(strings.Join(seeds(f, "networkpolicies.yaml"), "\n"), "\n---\n") {
		f.Add(doc)
	}
	f.Add("kind: NetworkPolicy\napiVersion: networking.k8s.io/v1\nspec: &a\n  podSelector: {}\n  ingress: [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		readAndAsk(t, "kind: Pod\nstatus: {podIP: 10.244.1.10}\n---\n"+text)
		readAndAsk(t, "kind: List\n---\n"+text)
	})
}

// FuzzPF reads one rule of pf.
func FuzzPF(f *testing.F) {
	for _, line := range seeds(f, "pf.txt") {
		f.Add(line)
	}
	f.Add("pass in on { em0, em1 } proto { tcp, udp } from { 10/8, ! 10.1/16 } to any port { 22, 80:90 }")
	f.Add("rdr pass on em0 inet proto tcp from any to any port 80 -> { 10.0.0.1, 10.0.0.2 } port 80")
	f.Add("anchor \"a\" in on em0 {\nblock all\n}\n")
	f.Add("table <bruteforce> { 10.0.0.1 }\n")
	f.Add("a = \"{ 1, $a }\"\nb = $a $a\nset skip on { lo, em0 }\nno nat on em0\npass from $b")
	f.Fuzz(func(t *testing.T, text string) {
		readAndAsk(t, "block in all\n"+text+"\npass in quick from <bruteforce> to any\n")
	})
}
