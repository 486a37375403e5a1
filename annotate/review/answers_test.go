package review

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/review/rules"
)

// timedPolicy has entries that run out while the flows of a scene come in.
const timedPolicy = `version: 1
groups:
  inside: [10.0.0.0/8, "2001:db8::/32"]
expected:
  - {name: old, ports: [22/tcp], clients: [inside], expires: 2026-01-01}
  - {name: web, ports: [80/tcp, 440-450/tcp]}
  - {name: dns, ports: [53/udp, 53/tcp], servers: [10.20.0.0/16], clients: [inside]}
  - {name: ended, ports: [3306/tcp], servers: [10.20.0.0/16], expires: 2020-01-01}
  - {name: both, ports: [3306/tcp], clients: [10.1.0.0/16], expires: 2026-01-01}
ignore:
  - {clients: [10.1.2.0/24], reason: the scanner}
  - {ports: [22/tcp], clients: [10.1.3.0/24], reason: tests, expires: 2026-01-01}
`

// randomFlow writes a flow of the addresses and the ports that rules and policies of
// tests are about, and of others.
func randomFlow(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	states := []string{"closed", "closed", "established", "attempted", "refused", "one-way"}
	transport, port := pick("tcp", "tcp", "udp", "sctp"), pick("22", "53", "80", "443", "450", "3306", "5432", "8080", "60000", fmt.Sprint(1+r.IntN(65535)))
	if r.IntN(4) == 0 {
		hosts := func() string {
			return pick("2001:db8:1::1", "2001:db8:20::9", "fe80::1%eth0", "fd00::1", "ff02::1", "2a00::1")
		}
		return fmt.Sprintf("[%s]:%d [%s]:%s/%s %s", hosts(), 1024+r.IntN(60000), hosts(), port, transport, pick(states...))
	}
	host := func() string {
		return fmt.Sprintf("%s.%d.%d", pick("10.1", "10.1", "10.20", "10.2", "192.0", "192.168", "224.0", "127.0", "203.0"), pickByte(r), pickByte(r))
	}
	return fmt.Sprintf("%s:%d %s:%s/%s %s", host(), 1024+r.IntN(60000), host(), port, transport, pick(states...))
}

// pickByte picks one of few, so that flows meet.
func pickByte(r *rand.Rand) int { return []int{0, 1, 2, 3, 113, 255}[r.IntN(6)] }

// randomSaved writes a ruleset of iptables.
func randomSaved(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var all []string
	for range 3 + r.IntN(12) {
		match := pick("", "-s 10.1.0.0/16 ", "-d 10.20.0.0/16 ", "! -s 10.1.2.0/24 ", "-d 10.20.1.2/32 ", "-i eth0 ", "-s 10.0.0.3/255.0.0.255 ") +
			pick("", "-p tcp -m tcp --dport 22 ", "-p tcp -m multiport --dports 80,443 ", "-p udp -m udp --dport 53 ", "-p tcp -m tcp --sport 1024:30000 ", "-p sctp ", "-p tcp -m tcp ! --dport 3306 ") +
			pick("", "", "-m conntrack --ctstate NEW ", "-m conntrack --ctstate RELATED,ESTABLISHED ", "-m limit --limit 5/sec ", "-m recent --update --seconds 60 --name x --rsource ", "-m time --timestart 08:00 ", "-m connlimit --connlimit-above 10 ")
		all = append(all, match+pick("-j ACCEPT", "-j ACCEPT", "-j DROP", "-j REJECT", "-j MARK --set-xmark 0x1/0xffffffff"))
	}
	return saved(all...)
}

// TestAnswers compares reviews of which each flow is asked about by itself with others:
// not a byte may differ.
func TestAnswers(t *testing.T) {
	end := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	sets := map[string]*rules.Firewall{}
	for i := range 8 {
		sets[fmt.Sprint("random ", i)] = firewallOf(t, randomSaved(rand.New(rand.NewPCG(uint64(i), 9))))
	}
	lan := rules.Options{Interfaces: []rules.Interface{{Name: "eth1", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, {Name: "eth0", Default: true}}}
	for _, name := range []string{"asa.txt", "constructs.nft.json", "iptables-save.txt", "network-acls.json", "networkpolicies.yaml", "opnsense.xml", "pf.txt", "pfsense.xml", "security-groups.json", "table.csv"} {
		b, err := os.ReadFile(filepath.Join("rules/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for what, opt := range map[string]rules.Options{"": {}, ", interfaces": lan} {
			fw, err := rules.Read([]rules.Source{{Name: name, Reader: bytes.NewReader(b)}}, opt)
			if err != nil {
				t.Fatal(err)
			}
			sets[name+what] = fw
		}
	}
	sets["no rules"] = nil
	kept := 0
	for name, fw := range sets {
		for _, text := range []string{"", timedPolicy} {
			if fw == nil && text == "" {
				continue
			}
			var reports [2][]byte
			for i := range reports {
				opt := Options{Rules: fw}
				if text != "" {
					opt.Policy = policy(t, text)
				}
				s := newScene(t, opt)
				if i == 1 {
					s.c.answers.classes = nil
				}
				r := rand.New(rand.NewPCG(3, 4))
				for range 500 {
					at := end.Add(time.Duration(r.IntN(7200)-3600) * time.Second).UnixNano()
					s.flow(randomFlow(r), func(f *Flow) { f.Start, f.Last = at, at+1 })
				}
				var err error
				if reports[i], err = json.Marshal(s.report()); err != nil {
					t.Fatal(err)
				}
				kept += len(s.c.answers.known)
			}
			if !bytes.Equal(reports[0], reports[1]) {
				t.Errorf("%s, policy %v: reports differ:\n%s\n%s", name, text != "", reports[0], reports[1])
			}
		}
	}
	if kept == 0 {
		t.Error("no answer was kept")
	}
}
