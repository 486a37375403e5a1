package rules

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// What is behind the interfaces is told, and by which of them a packet comes and
// goes is not: the kernel routes it. Destinations are translated in chains of odd
// priorities, and some packets are broadcasts, or the firewall's own.

// places writes rulesets with interfaces and translations at random.
func (r randomNFT) places() string {
	var b strings.Builder
	match := func(names ...string) string {
		var m []string
		for _, n := range names {
			if r.IntN(3) == 0 {
				m = append(m, n+" "+r.pick(`"lan"`, `"wan"`, `!= "lan"`))
			}
		}
		if r.IntN(4) == 0 {
			m = append(m, r.pick("ip saddr 10.1.0.0/16", "ip daddr 198.51.100.0/25", "ip saddr != 10.2.0.0/16", "ip daddr { 192.0.2.1, 255.255.255.255 }", "ct status dnat"))
		}
		m = append(m, r.pick("tcp", "udp")+" dport "+r.ports())
		return strings.Join(m, " ")
	}
	priority := func() string { return r.pick("-150", "-100", "-50", "0", "50", "200") } // of nat it has to be above -200
	b.WriteString("table ip t {\n")
	for _, c := range []struct {
		hook  string
		names []string
	}{{"input", []string{"iifname"}}, {"forward", []string{"iifname", "oifname"}}, {"output", []string{"oifname"}}} {
		fmt.Fprintf(&b, "chain %s {\n\ttype filter hook %s priority %d; policy %s;\n", c.hook, c.hook, r.IntN(20)-10, r.pick("accept", "drop"))
		for range 3 + r.IntN(5) {
			fmt.Fprintf(&b, "\t%s %s\n", match(c.names...), r.pick("accept", "drop"))
		}
		b.WriteString("}\n")
	}
	fmt.Fprintf(&b, "chain to {\n\ttype nat hook prerouting priority %s; policy accept;\n", priority())
	for range 1 + r.IntN(3) {
		fmt.Fprintf(&b, "\t%s %s\n", match("iifname"), r.pick("dnat to 198.51.100.9:26", "dnat to 198.51.100.200", "redirect to :22", "accept",
			"dnat to th dport map { 22 : 198.51.100.9, 23-25 : 198.51.100.200 }", "dnat ip to ip daddr . th dport map { 198.51.100.9 . 22 : 198.51.100.200 . 26, 203.0.113.7 . 22 : 198.51.100.9 . 25 }",
			"redirect to :th dport map { 22 : 23, 26 : 22 }"))
	}
	b.WriteString("}\n")
	if r.IntN(2) == 0 {
		fmt.Fprintf(&b, "chain early {\n\ttype filter hook prerouting priority %s; policy accept;\n\t%s drop\n}\n", priority(), match("iifname"))
	}
	if r.IntN(2) == 0 {
		fmt.Fprintf(&b, "chain from {\n\ttype nat hook postrouting priority %s; policy accept;\n\t%s snat to 192.0.2.253\n}\n", priority(), match("oifname"))
		fmt.Fprintf(&b, "chain late {\n\ttype filter hook postrouting priority %s; policy accept;\n\tip saddr 192.0.2.253 %s drop\n}\n", priority(), match("oifname"))
	}
	b.WriteString("}\n")
	return b.String()
}

func TestKernelPlaces(t *testing.T) {
	interfaces := []Interface{
		{Name: "lan", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("10.255.0.1")}, Networks: prefixes("10.0.0.0/8")},
		{Name: "wan", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.253")}, Default: true},
	}
	servers := []string{"192.0.2.1", "192.0.2.253", "10.255.0.1", "198.51.100.7", "198.51.100.9", "198.51.100.200", "203.0.113.5", "203.0.113.6", "255.255.255.255", "10.255.255.255"}
	const perSeed = 500
	total, without := map[string]int{}, map[string]int{}
	for seed := range uint64(16) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := randomNFT{rand.New(rand.NewPCG(seed, 4711))}
			text := r.places()
			l := newLab(t, "lan", "wan", false)
			l.ip("address add 10.255.0.1/8 broadcast 10.255.255.255 dev lan")
			l.run(text, "nft", "-f", "-")
			printed := l.run("", "nft", "-j", "list", "ruleset")
			fw, blind := readText(t, Options{Interfaces: interfaces}, printed), readText(t, Options{}, printed)
			var flows []Flow
			var frames [][]byte
			for i := range perSeed {
				f := Flow{
					Protocol: []uint8{protoTCP, protoUDP}[r.IntN(2)], ClientPort: uint16(10000 + i), ServerPort: uint16(19 + r.IntN(14)),
					Client: netip.AddrFrom4([4]byte{10, byte(r.IntN(4)), byte(r.IntN(256)), byte(1 + r.IntN(250))}),
					Server: netip.MustParseAddr(servers[r.IntN(len(servers))]),
				}
				if f.Server == limitedBroadcast || f.Server == netip.MustParseAddr("10.255.255.255") {
					f.Protocol = protoUDP
				}
				flows = append(flows, f)
				frames = append(frames, l.frame(&f, uint32(i)))
			}
			// The firewall's own, before its answers are muted.
			own := len(flows)
			for i := range 60 {
				f := Flow{
					Protocol: protoUDP, Client: netip.MustParseAddr("192.0.2.253"), ClientPort: uint16(20000 + i),
					Server: netip.MustParseAddr([]string{"198.51.100.7", "203.0.113.5"}[r.IntN(2)]), ServerPort: uint16(19 + r.IntN(14)),
				}
				id := uint32(own + i)
				l.do(func() {
					c, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(f.Client, f.ClientPort)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(f.Server, f.ServerPort)))
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = c.Write(binary.BigEndian.AppendUint32(slices.Clone(magic), id)) // it fails where the rules drop it
					c.Close()
				})
				flows = append(flows, f)
			}
			l.run("table inet portannot_test { chain mute { type filter hook output priority -500; policy drop; }; }", "nft", "-f", "-")
			l.send(frames)
			for i := range flows {
				d := fw.Decide(&flows[i])
				var frame []byte // nil for the firewall's own
				if i < len(frames) {
					frame = frames[i]
				}
				got := l.verdict(uint32(i), frame, d.Verdict)
				total[fmt.Sprintf("%s/%s", d.Verdict, got)]++
				b := blind.Decide(&flows[i])
				without[fmt.Sprintf("%s/%s", b.Verdict, got)]++
				if d.Verdict != Unknown && d.Verdict != got {
					t.Errorf("%+v: the kernel says %s, we say %s: %s (%v)", flows[i], got, d.Verdict, d.Why, d.Rule)
				}
				if b.Verdict != Unknown && b.Verdict != got {
					t.Errorf("%+v, without interfaces: the kernel says %s, we say %s: %s (%v)", flows[i], got, b.Verdict, b.Why, b.Rule)
				}
			}
			if t.Failed() {
				t.Log(text)
			}
		})
	}
	if len(total) == 0 && !t.Failed() {
		t.Skip("no kernel was asked: each part says why")
	}
	t.Logf("ours/the kernel's: %v; without interfaces: %v", total, without)
	if total["allow/allow"] < 500 || total["deny/deny"] < 500 {
		t.Errorf("the packets are too much alike to show anything: %v", total)
	}
}
