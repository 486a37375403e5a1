package rules

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// randomNFT writes rulesets of nft at random, of what is interpreted.
type randomNFT struct{ *rand.Rand }

func (r randomNFT) pick(all ...string) string { return all[r.IntN(len(all))] }

func (r randomNFT) port() string { return fmt.Sprint(20 + r.IntN(12)) }

func (r randomNFT) ports() string {
	switch r.IntN(6) {
	case 0:
		return fmt.Sprintf("%d-%d", 20+r.IntN(6), 26+r.IntN(6))
	case 1:
		return "!= " + r.port()
	case 2:
		return fmt.Sprintf("{ %d, %d-%d }", 20+r.IntN(4), 25+r.IntN(2), 27+r.IntN(4))
	case 3:
		return fmt.Sprintf("!= { %d, %d }", 20+r.IntN(6), 26+r.IntN(6))
	case 4:
		return r.pick("<", "<=", ">", ">=") + " " + r.port()
	}
	return r.port()
}

func (r randomNFT) v4() string {
	return r.pick("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "192.0.2.7", "192.0.2.0/24", "10.1.2.3-10.1.9.9", "{ 10.2.0.0/16, 192.0.2.9 }", "!= 10.1.0.0/16", "@nets", "!= @nets", "& 255.0.255.0 == 10.0.2.0")
}

func (r randomNFT) v6() string {
	return r.pick("2001:db8::/32", "2001:db8:1::/48", "!= 2001:db8:1::/48", "2001:db8::1-2001:db8::80")
}

// rule writes one rule of a chain that may jump to any of the named.
func (r randomNFT) rule(jumps []string, early bool) string {
	var m []string
	family := r.IntN(4) // 1 and 2 are IPv4, 3 is IPv6
	proto := r.pick("tcp", "udp", "sctp", "th", "")
	for range r.IntN(3) {
		switch n := r.IntN(10); {
		case n < 2 && (family == 1 || family == 2):
			m = append(m, r.pick("ip saddr ", "ip daddr ")+r.v4())
		case n < 2 && family == 3:
			m = append(m, r.pick("ip6 saddr ", "ip6 daddr ")+r.v6())
		case n == 2:
			m = append(m, "iifname "+r.pick("\"eth0\"", "\"eth1\"", "\"et*\"", "!= \"eth1\"", "{ \"eth0\", \"wlan0\" }"))
		case n == 3:
			m = append(m, "ct state "+r.pick("new", "established,related", "{ new, untracked }", "invalid", "!= established"))
		case n == 4:
			m = append(m, fmt.Sprintf("meta mark & 0x%x == 0x%x", 1+r.IntN(3), r.IntN(4)))
		case n == 5 && proto == "":
			proto = "several" // nft allows no header of one of them behind it
			m = append(m, "meta l4proto "+r.pick("{ tcp, udp }", "!= sctp", "6-17", "!= { udp, icmp }"))
		case n == 6 && family == 0:
			family = 4
			m = append(m, "meta nfproto "+r.pick("ipv4", "ipv6"))
		}
	}
	switch {
	case proto == "th":
		m = append(m, "meta l4proto { tcp, udp, sctp } th dport "+r.ports())
	case proto == "several":
	case proto != "" && r.IntN(6) == 0:
		m = append(m, proto+" dport @services")
	case proto != "" && r.IntN(6) == 0 && family == 1:
		m = append(m, "ip saddr . "+proto+" dport "+r.pick("@pairs", "{ 10.1.0.0/16 . 22-26, 192.0.2.0/24 . 30 }"))
	case proto != "":
		m = append(m, proto+" "+r.pick("dport ", "dport ", "dport ", "sport ")+r.ports())
	}
	if len(m) == 0 {
		proto = "udp"
		m = append(m, "udp dport "+r.ports())
	}
	switch r.IntN(12) {
	case 0:
		m = append(m, fmt.Sprintf("meta mark set %d", r.IntN(4)))
	case 1:
		m = append(m, fmt.Sprintf("meta mark set meta mark %s %d", r.pick("|", "&", "^"), 1+r.IntN(3)))
	case 2:
		if early {
			m = append(m, "notrack")
		}
	case 3:
		m = append(m, "counter")
	}
	verdicts := []string{"accept", "accept", "drop", "return", "continue", ""}
	for _, j := range jumps {
		verdicts = append(verdicts, "jump "+j, "goto "+j)
	}
	v := r.pick(verdicts...)
	if r.IntN(8) == 0 {
		to := func() string { return r.pick(append(verdicts[:4:4], verdicts[6:]...)...) }
		v = r.pick(
			fmt.Sprintf("tcp dport vmap { 20 : %s, 21-25 : %s, 30 : %s }", to(), to(), to()),
			fmt.Sprintf("meta l4proto . th dport vmap { tcp . 22 : %s, udp . 23 : %s }", to(), to()),
			fmt.Sprintf("ip daddr vmap { 10.0.0.0/9 : %s, 192.0.2.7 : %s }", to(), to()))
		if proto != "" && proto != "tcp" && strings.HasPrefix(v, "tcp") || family >= 3 && strings.HasPrefix(v, "ip ") {
			v = "accept"
		}
	}
	rule := strings.TrimSpace(strings.Join(append(m, v), " "))
	if rule == "" {
		rule = "counter"
	}
	return rule
}

func (r randomNFT) ruleset(hook string) string {
	var b strings.Builder
	for i := range 1 + r.IntN(2) {
		fmt.Fprintf(&b, "table inet t%d {\n", i)
		b.WriteString("set nets { type ipv4_addr; flags interval; elements = { 10.3.0.0/16, 192.0.2.64/26 }; }\n")
		b.WriteString("set services { type inet_service; flags interval; elements = { 22, 25-27 }; }\n")
		b.WriteString("set pairs { type ipv4_addr . inet_service; flags interval; elements = { 10.1.2.0/24 . 22-24, 192.0.2.9 . 31 }; }\n")
		names := []string{"c1", "c2", "c3"}
		for n := len(names) - 1; n >= 0; n-- {
			fmt.Fprintf(&b, "chain %s {\n", names[n])
			for range 1 + r.IntN(4) {
				fmt.Fprintf(&b, "\t%s\n", r.rule(names[n+1:], false))
			}
			b.WriteString("}\n")
		}
		for _, base := range []struct {
			hook     string
			priority int
		}{{"prerouting", -310 + i}, {hook, 10*i + r.IntN(10)}} {
			if base.hook == "prerouting" && r.IntN(2) == 0 {
				continue
			}
			fmt.Fprintf(&b, "chain base_%s {\n\ttype filter hook %s priority %d; policy %s;\n", base.hook, base.hook, base.priority, map[bool]string{true: "accept", false: r.pick("accept", "drop")}[base.hook == "prerouting"])
			for range 4 + r.IntN(8) {
				fmt.Fprintf(&b, "\t%s\n", r.rule(names, base.hook == "prerouting"))
			}
			b.WriteString("}\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// TestKernelRandom compares with the kernel for rulesets that are made at
// random. All of them is interpreted, so all is known, but for protocols that
// have something else where others have ports.
func TestKernelRandom(t *testing.T) {
	total := map[string]int{}
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			hook, local := Input, []netip.Prefix{allV4, allV6}
			if seed%2 == 1 {
				hook, local = Forward, prefixes(ownAddresses...)
			}
			text := randomNFT{rand.New(rand.NewPCG(seed, 77))}.ruleset(hook.String())
			l := newLab(t, "eth0", "eth1", hook == Input)
			l.run(text, "nft", "-f", "-")
			fw := readText(t, Options{Local: local}, l.run("", "nft", "-j", "list", "ruleset"))
			for _, n := range fw.Sets[0].Notes {
				t.Errorf("not interpreted: %s", n)
			}
			for what, n := range l.count(fw, text, hook, []bool{true, true, false}, 500) {
				total[what] += n
			}
			if t.Failed() {
				t.Log(text)
			}
		})
	}
	t.Logf("ours/the kernel's: %v", total)
}
