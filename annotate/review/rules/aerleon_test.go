package rules

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAerleon asks rules that another program wrote, from one policy, for an ASA,
// iptables, nftables and pf: the answers must be the same. PYTHON names a Python that
// has aerleon.
func TestAerleon(t *testing.T) {
	python := os.Getenv("PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import aerleon").Run(); err != nil {
		t.Skipf("no aerleon: %v", err)
	}
	dir := t.TempDir()
	if out, err := exec.Command(python, "../../../testdata/aerleon/generate.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"first4", "order4", "open4", "except4", "first6", "order6", "open6", "except6"} {
		t.Run(name, func(t *testing.T) {
			kinds := map[string]*Firewall{}
			for _, kind := range []string{"asa", "iptables", "nft", "pf"} {
				b, err := os.ReadFile(filepath.Join(dir, name+"."+kind))
				if os.IsNotExist(err) && (kind == "asa" && strings.HasSuffix(name, "6") || kind == "pf" && strings.HasPrefix(name, "except")) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				text := string(b)
				switch kind {
				case "asa":
					text += "\naccess-group outside_access_in in interface outside\n"
				case "nft": // what the kernel makes of it
					cmd := exec.Command("unshare", "--net", "sh", "-c", "nft -f - && nft -j list ruleset")
					cmd.Stdin = strings.NewReader(text)
					out, err := cmd.Output()
					if err != nil {
						t.Logf("nftables is left out: %v", err)
						continue
					}
					text = string(out)
				}
				kinds[kind] = readText(t, Options{}, text)
				for _, n := range kinds[kind].Sets[0].Notes {
					if n.Rule != nil {
						t.Errorf("%s: %s", kind, n)
					}
				}
			}
			compareKinds(t, kinds, strings.HasSuffix(name, "4"))
		})
	}
}

// compareKinds asks the same of all kinds.
func compareKinds(t *testing.T, kinds map[string]*Firewall, v4 bool) {
	clients := []string{"10.10.0.0", "10.10.65.255", "10.10.66.0", "10.10.66.255", "10.10.67.0", "10.10.255.255", "10.11.0.0", "198.51.99.255", "198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.66", "203.0.113.127", "203.0.113.128", "8.8.8.8"}
	servers := []string{"10.30.0.0", "10.30.0.4", "10.30.0.5", "10.30.0.6", "10.30.0.7", "10.30.0.255", "10.30.1.0", "10.30.4.0", "10.30.7.255", "10.30.8.0", "9.9.9.9"}
	if !v4 {
		clients = []string{"2001:db8:10::", "2001:db8:10:65:ffff:ffff:ffff:ffff", "2001:db8:10:66::", "2001:db8:10:66:ffff:ffff:ffff:ffff", "2001:db8:10:67::", "2001:db8:11::", "2001:db8:bad::", "2001:db8:bad:ffff::1", "2001:db8:99::7", "2600::1"}
		servers = []string{"2001:db8:30::", "2001:db8:30::4", "2001:db8:30::5", "2001:db8:30::6", "2001:db8:30:ffff:ffff:ffff:ffff:ffff", "2001:db8:31::", "2620:fe::fe"}
	}
	ports := []uint16{1, 21, 22, 23, 52, 53, 54, 79, 80, 81, 442, 443, 444, 513, 514, 515, 1023, 1024, 7999, 8000, 8050, 8099, 8100, 65535}
	counts := map[Verdict]int{}
	asked, differ := 0, 0
	for _, client := range clients {
		for _, server := range servers {
			for _, proto := range []uint8{protoTCP, protoUDP, protoSCTP} {
				for _, from := range []uint16{1023, 1024, 50000} {
					for _, port := range ports {
						f := Flow{Protocol: proto, Client: netip.MustParseAddr(client), ClientPort: from, Server: netip.MustParseAddr(server), ServerPort: port, Hook: Forward, In: "outside", Out: "inside"}
						asked++
						got := map[Verdict][]string{}
						for kind, fw := range kinds {
							v := fw.Decide(&f).Verdict
							got[v] = append(got[v], kind)
						}
						for v := range got {
							counts[v]++
						}
						if len(got) != 1 || len(got[Unknown]) > 0 {
							if differ++; differ < 10 {
								t.Errorf("%d %s:%d > %s:%d: %v", proto, client, from, server, port, got)
							}
						}
					}
				}
			}
		}
	}
	if counts[Allow] < asked/50 || counts[Deny] < asked/50 {
		t.Errorf("the flows are too much alike to show anything: %v", counts)
	}
	t.Logf("%d flows asked of %d kinds: %d allowed, %d denied, %d differ", asked, len(kinds), counts[Allow], counts[Deny], differ)
}
