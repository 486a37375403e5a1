package rules

import (
	"os"
	"strings"
	"testing"
)

// TestHints: a known file that is not read is named as what it is, with what to do.
func TestHints(t *testing.T) {
	vendor := func(name string) string {
		b, err := os.ReadFile("testdata/vendor/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	table, linux := "portannot help rules", "nft -j list ruleset"
	for _, c := range []struct{ name, text, is, what string }{
		{"FortiGate", vendor("fortigate.conf"), "a FortiGate", table},
		{"FortiGate, one section", "config firewall policy\n    edit 1\n", "a FortiGate", table},
		{"FortiGate, JSON", `{"http_method":"GET","results":[{"policyid":1,"srcintf":[{"name":"lan","q_origin_key":"lan"}],"action":"accept","srcaddr":[]}]}`, "a FortiGate", table},
		{"PAN-OS", vendor("panos.txt"), "PAN-OS", table},
		{"PAN-OS, JSON", `{"@status":"success","result":{"entry":[{"@name":"web","from":{"member":["any"]},"source":{"member":["any"]},"action":"allow"}]}}`, "PAN-OS", table},
		{"PAN-OS, XML", `<response status="success"><result><rules><entry name="a"/></rules></result></response>`, "PAN-OS", table},
		{"Azure", vendor("nsg.json"), "Azure", table},
		{"Azure, a list", "[" + vendor("nsg.json") + "]", "Azure", table},
		{"Azure, a template", `{"properties":{"securityRules":[]}}`, "Azure", table},
		{"Google Cloud", vendor("gcp.json"), "Google Cloud", table},
		{"Windows, JSON", `[{"Name":"a","DisplayName":"b","Direction":1,"Action":2,"Profile":0}]`, "Windows", table},
		{"Windows, netsh", "\nRule Name:                            Core Networking\n-----\nEnabled:  Yes\n", "Windows", table},
		{"Windows, a list", "\nName                  : CoreNet\nDisplayName           : Core Networking\n", "Windows", table},
		{"IOS", "version 15.2\nhostname r1\n!\ninterface GigabitEthernet0/0\n ip access-group 101 in\n!\naccess-list 101 permit tcp any any eq 22\n", "Cisco IOS", table},
		{"IOS, named", "ip access-list extended outside-in\n permit tcp any host 192.0.2.1 eq www\n", "Cisco IOS", table},
		{"MikroTik", "# 2024-01-02 03:04:05 by RouterOS 7.13\n# software id = X\n/ip firewall filter\nadd action=accept chain=input\n", "MikroTik", table},
		{"MikroTik, JSON", `[{".id":"*1","chain":"input","action":"accept"}]`, "MikroTik", table},
		{"UCI", "config defaults\n\toption input 'REJECT'\n\nconfig rule\n\toption name 'Allow-Ping'\n", "OpenWrt", linux},
		{"UCI, shown", "firewall.@defaults[0]=defaults\n", "OpenWrt", linux},
		{"firewalld", "public (active)\n  target: default\n  icmp-block-inversion: no\n  services: ssh\n", "firewall-cmd", linux},
		{"firewalld, XML", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<zone>\n <short>Public</short>\n</zone>", "firewalld", linux},
		{"VyOS", "set firewall ipv4 name WAN_IN rule 10 action accept\n", "VyOS", linux},
		{"EdgeOS", "firewall {\n    name WAN_IN {\n", "VyOS", linux},
		{"Junos", "set security policies from-zone trust to-zone untrust policy a match source-address any\n", "Junos", table},
		{"Check Point", `{"rulebase":[{"uid":"1"}]}`, "Check Point", table},
	} {
		_, err := Read([]Source{{Name: "f", Reader: strings.NewReader(c.text)}}, Options{})
		if err == nil || !strings.HasPrefix(err.Error(), "read rules: f: ") || !strings.Contains(err.Error(), c.is) || !strings.Contains(err.Error(), c.what) {
			t.Errorf("%s: error %v, want it to say %s and %s", c.name, err, c.is, c.what)
		}
	}
}
