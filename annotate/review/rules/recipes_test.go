package rules

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const rulesTopic = "../../../cmd/portannot/help/rules.md"

// TestTopicTable reads the table that the topic shows.
func TestTopicTable(t *testing.T) {
	topic, err := os.ReadFile(rulesTopic)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?ms)^```text\n(order,.*?)^```$").FindSubmatch(topic)
	if block == nil {
		t.Fatal("the topic shows no table")
	}
	fw := readText(t, Options{Interfaces: []Interface{{Name: "lan", Networks: prefixes("10.0.0.0/8")}, {Name: "wan", Default: true}}}, string(block[1]))
	if n := len(fw.Sets[0].Notes); n > 0 {
		t.Errorf("%d notes: %v", n, fw.Sets[0].Notes)
	}
	ask(t, fw, []question{
		{"tcp 192.0.2.1 198.51.100.10:443 in=wan out=dmz", "allow", "rule web"},
		{"tcp 10.2.0.1 198.51.100.9:3389", "allow", "rule admin"},
		{"tcp 10.3.0.1 198.51.100.9:3389", "deny", "rule rest"},
	})
}

// TestRecipes runs the lines that the topic has for what vendors export, on samples
// in the vendors' own forms.
func TestRecipes(t *testing.T) {
	topic, err := os.ReadFile(rulesTopic)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^### ([^\n]+)\n.*?^```sh\n(.*?)^```$").FindAllSubmatch(topic, -1)
	scripts := map[string]string{}
	for _, b := range blocks {
		scripts[string(b[1])] = string(b[2])
	}
	lan := []Interface{
		{Name: "lan", Networks: prefixes("10.10.0.0/16", "10.20.0.0/16", "2001:db8:10::/48")}, {Name: "trust", Networks: prefixes("10.12.0.0/16")},
		{Name: "dmz", Networks: prefixes("10.30.0.0/16")}, {Name: "wan1", Default: true},
	}
	zones := []Interface{{Name: "trust", Networks: prefixes("10.10.0.0/16", "10.20.0.0/16")}, {Name: "dmz", Networks: prefixes("10.30.0.0/16")}, {Name: "untrust", Default: true}}
	for _, c := range []struct {
		vendor, table string
		opt           Options
		asked         []question
	}{
		{"FortiGate", "table.csv", Options{Interfaces: lan}, []question{
			{"tcp 10.10.0.1 192.0.2.1:443", "allow", "policy 1"},
			{"tcp 10.20.0.19 192.0.2.1:9443", "allow", "policy 1"},
			{"tcp 10.20.0.20 192.0.2.1:443", "deny", "implicit deny"},
			{"udp 10.10.0.1 192.0.2.1:53", "allow", "policy 1"},
			{"udp 10.10.0.1 192.0.2.1:443", "deny", "implicit deny"},
			{"tcp 2001:db8:10::1 [2001:db8:99::1]:8085", "allow", "policy 1"},
			{"tcp 2001:db8:30::1 [2001:db8:99::1]:8085", "unknown", "same interface"},
			{"tcp 10.30.0.5 192.0.2.1:443", "unknown", "policy 2"},
			{"tcp 10.30.0.6 192.0.2.1:443", "deny", "implicit deny"},
			{"tcp 10.20.0.12 10.30.0.5:443", "deny", "implicit deny"},
			{"tcp 10.10.0.12 10.30.0.5:443", "deny", "policy 4"}, // no action is deny
			{"tcp 192.0.2.1 10.30.0.5:443", "unknown", "policy 3"},
			{"tcp 10.10.0.1 203.0.113.3:443", "unknown", "what it does is not known"},
		}},
		{"PAN-OS", "table.csv", Options{Interfaces: zones}, []question{
			{"tcp 10.10.0.1 192.0.2.1:443", "allow", "office web"},
			{"tcp 10.20.0.10 192.0.2.1:9005", "allow", "office web"},
			{"tcp 10.20.0.10 192.0.2.1:22", "deny", "interzone-default"},
			{"tcp 10.10.0.1 192.0.2.1:8080", "allow", "office web"},
			{"tcp 192.0.2.1 203.0.113.3:443", "unknown", ""},
			{"udp 10.30.0.5 10.10.0.9:514", "unknown", "quarantine"},
		}},
		{"Azure network security groups", "table.json", Options{Local: prefixes("10.0.1.0/24")}, []question{
			{"tcp 192.0.2.1 10.0.1.4:443", "allow", "web"},
			{"tcp 203.0.113.200 10.0.1.4:443", "deny", "block"},
			{"tcp 192.0.2.1 10.0.1.4:22", "deny", "DenyAllInBound"},
			{"tcp 10.0.2.9 10.0.1.4:22", "allow", "AllowVnetInBound"},
			{"tcp 10.9.1.1 10.0.1.4:5432", "unknown", "db"},
			{"tcp 10.0.1.4 192.0.2.1:25", "deny", "no-mail"},
			{"tcp 10.0.1.4 192.0.2.1:80", "allow", "AllowInternetOutBound"},
			{"tcp 168.63.129.16 10.0.1.4:80", "allow", ""},
		}},
		{"Google Cloud", "table.json", Options{Local: prefixes("10.128.0.0/20")}, []question{
			{"tcp 192.0.2.9 10.128.0.2:22", "allow", "allow-office-admin"},
			{"tcp 198.51.100.9 10.128.0.2:22", "deny", "no-admin"}, // deny comes first
			{"tcp 198.51.100.9 10.128.0.2:443", "unknown", "web"},
			{"udp 198.51.100.9 10.128.0.2:443", "deny", "implied deny"},
			{"tcp 10.128.0.3 10.128.0.2:443", "allow", ""}, // out of one, and into the other
			{"sctp 10.128.0.3 10.128.0.2:443", "deny", "implied deny"},
			{"udp 10.128.0.3 10.128.0.2:443", "allow", "default-allow-internal"},
			{"tcp 10.128.0.2 198.51.100.9:443", "deny", "no-way-out"},
			{"tcp 10.128.0.2 192.0.2.9:443", "allow", "implied allow"},
		}},
	} {
		t.Run(c.vendor, func(t *testing.T) {
			script, ok := scripts[c.vendor]
			if !ok {
				t.Fatalf("%s has no such lines", rulesTopic)
			}
			if _, err := exec.LookPath(strings.Fields(script)[0]); err != nil {
				t.Skip(err)
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("testdata/vendor")); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("sh", "-c", script)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Fatalf("%v: %s", err, out)
			}
			b, err := os.ReadFile(filepath.Join(dir, c.table))
			if err != nil {
				t.Fatal(err)
			}
			c.opt.Port = names
			fw, err := Read([]Source{{c.table, bytes.NewReader(b)}}, c.opt)
			if err != nil {
				t.Fatalf("%v\n%s", err, b)
			}
			ask(t, fw, c.asked)
			if t.Failed() {
				t.Logf("%s", b)
			}
		})
	}
	// What PowerShell writes on Windows.
	b, err := os.ReadFile("testdata/vendor/windows.csv")
	if err != nil {
		t.Fatal(err)
	}
	ask(t, readText(t, Options{Local: prefixes("10.1.1.1")}, string(b)), []question{
		{"tcp 10.2.0.1 10.1.1.1:3389", "allow", "RemoteDesktop"},
		{"tcp 192.0.2.9 10.1.1.1:3389", "allow", "RemoteDesktop"},
		{"tcp 192.0.2.10 10.1.1.1:3389", "unknown", "RemoteEventLogSvc"}, // the port may be any
		{"udp 192.0.2.10 10.1.1.1:3389", "deny", "order 3"},
		{"tcp 203.0.113.10 10.1.1.1:5985", "deny", "2A4F6A2E"},
		{"tcp 10.1.1.1 198.51.100.10:25", "deny", "2A4F6A2E"},
		{"tcp 10.1.1.1 198.51.100.10:26", "allow", "order 3"},
	})
}
