package rules

import (
	"strings"
	"testing"
)

// A verdict without the firewall's addresses is given where all ways agree.
func TestWays(t *testing.T) {
	const filter = "*filter\n:INPUT %i [0:0]\n:FORWARD %f [0:0]\n:OUTPUT %o [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A FORWARD -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n"
	chains := func(input, forward, output string) string {
		return strings.NewReplacer("%i", input, "%f", forward, "%o", output).Replace(filter)
	}
	const inputOnly = `{"nftables": [{"chain": {"family": "inet", "table": "f", "name": "in", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}}]}`
	const forwardOnly = `{"nftables": [{"chain": {"family": "inet", "table": "f", "name": "fw", "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}}]}`
	host := chains("DROP", "DROP", "ACCEPT")
	all := chains("DROP", "DROP", "DROP")
	for _, tt := range []struct {
		name, text, local string
		asked             []question
	}{
		{"a host's own connections", host, "", []question{
			{"tcp 10.0.0.1 203.0.113.1:443", "unknown", "--local"},
			{"tcp 10.0.0.1 203.0.113.1:22", "allow", ""},
		}},
		{"with its address", host, "10.0.0.1", []question{
			{"tcp 10.0.0.1 203.0.113.1:443", "allow", "OUTPUT"},
			{"tcp 203.0.113.1 10.0.0.1:443", "deny", "INPUT"},
			{"tcp 10.0.0.2 203.0.113.1:443", "deny", "FORWARD"},
			{"udp 10.0.0.2 224.0.0.251:5353", "unknown", "multicast group"},
			{"udp 10.0.0.2 224.0.0.1:5353", "deny", "INPUT"},
			{"udp 10.0.0.1 224.0.0.251:5353", "allow", "OUTPUT"},
		}},
		{"all drop", all, "", []question{{"tcp 10.0.0.1 203.0.113.1:443", "deny", ""}}},
		{"broadcast is never forwarded", chains("ACCEPT", "DROP", "ACCEPT"), "", []question{
			{"udp 10.0.0.1 255.255.255.255:67", "allow", ""},
			{"udp fe80::1 [fe80::2]:546", "unknown", "no rules"},
			{"udp 10.0.0.1 239.1.1.1:5000", "unknown", "--local"},
		}},
		{"input alone says nothing of what is routed", inputOnly, "", []question{{"tcp 10.0.0.1 203.0.113.1:443", "unknown", "--local"}}},
		{"forward alone is asked of routed traffic", forwardOnly, "", []question{{"tcp 10.0.0.1 203.0.113.1:443", "deny", "policy"}}},
		{"pf of a host", "block drop all\npass out all flags S/SA\n", "", []question{{"tcp 10.0.0.1 203.0.113.1:443", "unknown", "--local"}}},
		{"pf of a host, with its address", "block drop all\npass out all flags S/SA\n", "10.0.0.1", []question{
			{"tcp 10.0.0.1 203.0.113.1:443", "allow", ""}, {"tcp 203.0.113.1 10.0.0.1:443", "deny", ""},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var opt Options
			if tt.local != "" {
				opt.Local = prefixes(tt.local)
			}
			ask(t, readText(t, opt, tt.text), tt.asked)
		})
	}
}

// base writes a base chain of nft and its rules.
func base(table, name, kind, hook, priority, policy string, rules ...string) string {
	text := `{"chain": {"family": "ip", "table": "` + table + `", "name": "` + name + `", "type": "` + kind + `", "hook": "` + hook + `", "prio": ` + priority + `, "policy": "` + policy + `"}}`
	for _, r := range rules {
		text += `,{"rule": {"family": "ip", "table": "` + table + `", "chain": "` + name + `", "expr": [` + r + `]}}`
	}
	return text
}

func TestTranslation(t *testing.T) {
	const (
		port8080   = `{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 8080}}`
		port80     = `{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 80}}`
		fromInside = `{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"prefix": {"addr": "10.9.1.0", "len": 24}}}}`
		toServer   = `{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "10.9.2.5"}}`
		wasPort    = `{"match": {"op": "==", "left": {"ct": {"key": "proto-dst", "dir": "original"}}, "right": 8080}}`
		wasAddress = `{"match": {"op": "==", "left": {"ct": {"key": "ip daddr", "dir": "original"}}, "right": "198.51.100.1"}}`
		translated = `{"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "snat"}}`
		dnat       = `{"dnat": {"addr": "10.9.2.5", "port": 80}}`
		dnatAgain  = `{"dnat": {"addr": "10.9.2.6", "port": 81}}`
		snat       = `{"snat": {"addr": "10.9.2.1"}}`
		masquerade = `{"masquerade": null}`
		byMap      = `{"dnat": {"addr": {"map": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[8080, "10.9.2.5"]]}}}}}`
		maybe      = `{"match": {"op": "==", "left": {"meta": {"key": "skuid"}}, "right": 7}}`
		drop       = `{"drop": null}`
		accept     = `{"accept": null}`
	)
	const flow = "tcp 10.9.1.7 198.51.100.1:8080"
	and := func(parts ...string) string { return strings.Join(parts, ",") }
	for _, tt := range []struct {
		name    string
		chains  []string
		verdict string
	}{
		{"a nat chain behind the filter by its number is before it", []string{
			base("n", "pre", "nat", "prerouting", "50", "accept", and(port8080, dnat)),
			base("f", "pre", "filter", "prerouting", "0", "accept", and(port8080, drop)),
		}, "allow"},
		{"a nat chain before the filter by its number is behind it", []string{
			base("n", "pre", "nat", "prerouting", "-250", "accept", and(port8080, dnat)),
			base("f", "pre", "filter", "prerouting", "-150", "accept", and(port8080, drop)),
		}, "deny"},
		{"a nat chain at the number of another filter", []string{
			base("n", "pre", "nat", "prerouting", "0", "accept", and(port8080, dnat)),
			base("f", "pre", "filter", "prerouting", "-100", "accept", and(port8080, drop)),
		}, "unknown"},
		{"the first dnat wins", []string{
			base("n", "pre", "nat", "prerouting", "-100", "accept", and(port8080, dnat)),
			base("m", "pre", "nat", "prerouting", "-90", "accept", and(port80, dnatAgain)),
			base("f", "fw", "filter", "forward", "0", "drop", and(toServer, port80, accept)),
		}, "allow"},
		{"the order is that of the chains' own numbers", []string{
			base("n", "pre", "nat", "prerouting", "-90", "accept", and(port8080, dnat)),
			base("m", "pre", "nat", "prerouting", "-100", "accept", and(port8080, dnatAgain)),
			base("f", "fw", "filter", "forward", "0", "drop", and(toServer, port80, accept)),
		}, "deny"},
		{"a second dnat behind one that may apply", []string{
			base("n", "pre", "nat", "prerouting", "-100", "accept", and(maybe, port8080, dnat)),
			base("m", "pre", "nat", "prerouting", "-90", "accept", and(port8080, dnatAgain)),
			base("f", "fw", "filter", "forward", "0", "drop", and(toServer, port80, accept)),
		}, "unknown"},
		{"a filter behind snat sees the new source", []string{
			base("n", "post", "nat", "postrouting", "100", "accept", and(fromInside, snat)),
			base("f", "post", "filter", "postrouting", "150", "accept", and(fromInside, drop)),
		}, "allow"},
		{"a filter before snat sees the old one", []string{
			base("n", "post", "nat", "postrouting", "0", "accept", and(fromInside, snat)),
			base("f", "post", "filter", "postrouting", "90", "accept", and(fromInside, drop)),
		}, "deny"},
		{"the address of a masquerade is not known", []string{
			base("n", "post", "nat", "postrouting", "100", "accept", and(fromInside, masquerade)),
			base("f", "post", "filter", "postrouting", "150", "accept", and(fromInside, drop)),
		}, "unknown"},
		{"status snat behind it", []string{
			base("n", "post", "nat", "postrouting", "100", "accept", and(fromInside, snat)),
			base("f", "post", "filter", "postrouting", "150", "accept", and(translated, drop)),
		}, "deny"},
		{"the original port and address", []string{
			base("n", "pre", "nat", "prerouting", "-100", "accept", and(port8080, dnat)),
			base("f", "fw", "filter", "forward", "0", "drop", and(wasAddress, wasPort, accept)),
		}, "allow"},
		{"dnat by a map", []string{
			base("n", "pre", "nat", "prerouting", "-100", "accept", byMap),
			base("f", "fw", "filter", "forward", "0", "drop", and(toServer, accept)),
		}, "allow"},
		{"a key that the map has not", []string{
			base("n", "pre", "nat", "prerouting", "-100", "accept", strings.Replace(byMap, "8080", "8081", 1)),
			base("f", "fw", "filter", "forward", "0", "drop", and(toServer, accept)),
		}, "deny"},
		{"a map to address and port", []string{
			base("n", "pre", "nat", "prerouting", "-100", "accept", strings.Replace(byMap, `"10.9.2.5"`, `{"concat": ["10.9.2.5", 80]}`, 1)),
			base("f", "fw", "filter", "forward", "0", "drop", and(toServer, port80, accept)),
		}, "allow"},
		{"a map to a range", []string{
			base("n", "pre", "nat", "prerouting", "-100", "accept", strings.Replace(byMap, `"10.9.2.5"`, `{"range": ["10.9.2.5", "10.9.2.6"]}`, 1)),
			base("f", "fw", "filter", "forward", "0", "drop", and(toServer, accept)),
		}, "unknown"},
		{"a map of ports", []string{
			base("n", "pre", "nat", "prerouting", "-100", "accept", `{"dnat": {"addr": "10.9.2.5", "port": {"map": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[8080, 80]]}}}}}`),
			base("f", "fw", "filter", "forward", "0", "drop", and(toServer, port80, accept)),
		}, "allow"},
		{"a map by chance", []string{
			base("n", "pre", "nat", "prerouting", "-100", "accept", `{"dnat": {"addr": {"map": {"key": {"numgen": {"mode": "random", "mod": 2, "offset": 0}}, "data": {"set": [[0, "10.9.2.5"], [1, "10.9.2.6"]]}}}}}`),
			base("f", "fw", "filter", "forward", "0", "drop", and(toServer, accept)),
		}, "unknown"},
		{"translation of the other family", []string{
			base("n", "pre", "nat", "prerouting", "-100", "accept", `{"dnat": {"addr": "2001:db8::5"}}`),
			base("f", "fw", "filter", "forward", "0", "drop", and(port8080, accept)),
		}, "allow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fw := readText(t, Options{Local: prefixes("192.0.2.2")}, `{"nftables": [`+strings.Join(tt.chains, ",")+`]}`)
			ask(t, fw, []question{{flow, tt.verdict, ""}})
		})
	}
}

func TestConntrackOptions(t *testing.T) {
	for options, want := range map[string]string{
		"--ctstatus NONE":          "deny", // an empty mask matches nothing
		"! --ctstatus NONE":        "allow",
		"--ctorigdst 198.51.100.1": "allow",
		"--ctorigdst 10.9.2.5":     "deny",
		"--ctorigdstport 8080":     "allow",
		"--ctorigsrc 10.9.1.0/24":  "allow",
		"--ctstatus DNAT":          "allow",
	} {
		text := "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.9.2.5:80\nCOMMIT\n" +
			"*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n-A FORWARD -m conntrack " + options + " -j ACCEPT\nCOMMIT\n"
		fw := readText(t, Options{Local: prefixes("192.0.2.2")}, text)
		t.Run(options, func(t *testing.T) {
			ask(t, fw, []question{{"tcp 10.9.1.7 198.51.100.1:8080", want, ""}})
		})
	}
}

// nft --terse leaves the elements of all sets out.
func TestTerseSets(t *testing.T) {
	chain := base("f", "fw", "filter", "forward", "0", "drop",
		`{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@a"}}, {"accept": null}`)
	const set = `{"set": {"family": "ip", "table": "f", "name": "a", "type": "ipv4_addr"}},`
	const other = `{"set": {"family": "ip", "table": "f", "name": "b", "type": "ipv4_addr", "elem": ["10.0.0.9"]}},`
	for text, want := range map[string]string{set + chain: "unknown", set + other + chain: "deny"} {
		fw := readText(t, Options{Local: prefixes("192.0.2.2")}, `{"nftables": [`+text+`]}`)
		ask(t, fw, []question{{"tcp 10.0.0.1 203.0.113.1:443", want, ""}})
		if notes := len(fw.Sets[0].Notes); (notes > 0) != (want == "unknown") {
			t.Errorf("%s: %d notes", want, notes)
		}
	}
}

// The platform's own addresses are not filtered, and a rule that names a group
// is matched with private addresses only.
func TestSecurityGroupAddresses(t *testing.T) {
	const group = `{"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": "sg-1"}]}],
		"IpPermissionsEgress": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-1"}]}]}]}`
	const interfaces = `{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.1", "Association": {"PublicIp": "198.51.100.1"}, "Groups": [{"GroupId": "sg-1"}]},
		{"NetworkInterfaceId": "eni-2", "PrivateIpAddress": "10.0.0.2", "Groups": [{"GroupId": "sg-1"}]}]}`
	ask(t, readText(t, Options{}, group, interfaces), []question{
		{"tcp 10.0.0.1 10.0.0.2:22", "allow", ""},
		{"tcp 198.51.100.1 10.0.0.2:22", "deny", ""},
		{"tcp 10.0.0.1 169.254.169.254:80", "allow", "do not filter"},
		{"tcp 10.0.0.1 203.0.113.1:80", "deny", "egress"},
	})
	ask(t, readText(t, Options{}, group), []question{
		{"tcp 10.0.0.1 [fd00:ec2::254]:80", "allow", "do not filter"},
		{"tcp 10.0.0.1 203.0.113.1:80", "unknown", "describe-network-interfaces"},
	})
}

// A pod's own node is always let in, and the address of a service is no pod's.
func TestPodsAndTheirNodes(t *testing.T) {
	const text = `kind: NetworkPolicy
apiVersion: networking.k8s.io/v1
metadata: {name: closed}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
kind: Pod
metadata: {name: a}
status: {podIP: 10.244.1.11, hostIP: 192.168.1.11, phase: Running}
---
kind: Service
metadata: {name: s}
spec: {clusterIP: 10.96.0.10, externalIPs: [198.51.100.9]}
`
	ask(t, readText(t, Options{}, text), []question{
		{"tcp 192.168.1.11 10.244.1.11:80", "allow", "node"},
		{"tcp 10.244.1.1 10.244.1.11:80", "unknown", "node"}, // an address in the network of the node's pods
		{"tcp 192.168.1.12 10.244.1.11:80", "deny", ""},      // another node
		{"tcp 203.0.113.1 10.244.1.11:80", "deny", ""},
		{"tcp 10.244.1.11 10.96.0.10:53", "unknown", "service"},
		{"tcp 10.244.1.11 198.51.100.9:53", "unknown", "service"},
		{"tcp 10.244.1.11 203.0.113.1:53", "deny", "egress"},
	})
}
