package rules

import (
	"bytes"
	"strings"
)

// Files of other firewalls are named as what they are, with what makes a table of
// them, or prints what is read.

const (
	byHand    = ", which is not read: write its rules as a table (see portannot help rules)"
	asksLinux = ": print what the kernel has with nft -j list ruleset, or iptables-save and ip6tables-save"
)

func byRecipe(of string) string {
	return ", which is not read: make a table of " + of + " (portannot help rules has the line)"
}

// xmlHint says what XML is that is not read.
func xmlHint(data []byte) string {
	head := data[:min(len(data), 1<<14)]
	has := func(s string) bool { return bytes.Contains(head, []byte(s)) }
	switch {
	case has("<zone") && (has("<service ") || has("<port ") || has("<short>")), has("<direct>") && has("<rule "), has("<policy") && has("<ingress-zone"):
		return "a file of firewalld" + asksLinux
	case has("urldb="), has("<config version="), has("<devices>") && has("<entry name="), has("<response status=") && has("<rules>"):
		return "a configuration of PAN-OS in XML" + byRecipe("its set format")
	}
	return "XML of an unknown kind; " + kinds
}

// jsonHint says what JSON is that is not read; "" if that is not known.
func jsonHint(root *node) string {
	first := root
	for _, key := range []string{"results", "value", "result", "items", "rules"} {
		if list := first.get(key); list != nil {
			first = list
			break
		}
	}
	if entry := first.get("entry"); entry != nil { // of PAN-OS
		first = entry
	}
	if first.is(nodeArray) && len(first.list) > 0 {
		first = first.list[0]
	}
	has := func(keys ...string) bool {
		for _, k := range keys {
			if first.get(k) == nil {
				return false
			}
		}
		return true
	}
	switch {
	case has("securityRules"), has("defaultSecurityRules"), first.get("properties").get("securityRules") != nil, has("sourcePortRange", "direction"):
		return "network security groups of Azure" + byRecipe("it")
	case first.get("kind").str() == "compute#firewall", has("sourceRanges"), has("allowed", "direction"), has("denied", "direction"):
		return "firewall rules of Google Cloud" + byRecipe("it")
	case has("policyid"), has("srcintf"), has("q_origin_key"):
		return "objects of a FortiGate" + byRecipe("its backup")
	case has("@name", "action"), has("@name", "from"):
		return "rules of PAN-OS" + byRecipe("its set format")
	case has("DisplayName", "Direction"), has("InstanceID", "Profile"):
		return "rules of Windows" + byRecipe("it")
	case has(".id", "chain"):
		return "rules of MikroTik" + byHand
	case has("rulebase"), has("uid", "install-on"):
		return "rules of Check Point" + byHand
	}
	return ""
}

// textHint says what text is that is of no known kind.
func textHint(data []byte) string {
	sc := newLines(data)
	for range 5000 {
		if !sc.Scan() {
			break
		}
		line := strings.TrimSpace(sc.Text())
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if hint := lineHint(line, words); hint != "" {
			return hint
		}
	}
	return "not rules of a known kind; " + kinds
}

// lineHint tells a kind by one line.
func lineHint(line string, w []string) string {
	begins := func(all ...string) bool {
		for _, s := range all {
			if strings.HasPrefix(line, s) {
				return true
			}
		}
		return false
	}
	switch {
	case begins("#config-version=FG", "config firewall policy", "config system global", "config firewall address"):
		return "the configuration of a FortiGate" + byRecipe("it")
	case strings.HasPrefix(line, "#") && strings.Contains(line, "by RouterOS"), begins("/ip firewall", "/ipv6 firewall"):
		return "an export of MikroTik" + byHand
	case line[0] == '#' && w[0] != "#!/usr/sbin/nft", line[0] == '!':
	case w[0] == "table" && strings.HasSuffix(line, "{"), w[0] == "#!/usr/sbin/nft", w[0] == "flush" && len(w) > 1 && w[1] == "ruleset", len(w) > 3 && w[0] == "add" && (w[1] == "table" || w[1] == "rule" || w[1] == "chain"):
		return "rules in the text form of nft; load them and print them with nft -j list ruleset"
	case w[0] == "Chain" && len(w) > 2 && (w[2] == "(policy" || strings.HasSuffix(w[2], "references)") || len(w) > 3 && strings.HasPrefix(w[3], "references")):
		return "a list of iptables -L, which leaves out interfaces; print the rules with iptables-save"
	case w[0] == "Status:" && len(w) == 2 && strings.HasSuffix(w[1], "active"):
		return "the status of ufw; print the rules with iptables-save and ip6tables-save"
	case begins("set rulebase ", "set deviceconfig ", "set shared ", "set vsys ", "set device-group "):
		return "the configuration of PAN-OS" + byRecipe("it")
	case begins("ip access-list ", "ipv6 access-list ", "ip access-group "), w[0] == "access-list" && len(w) > 3 && isDigits(w[1]) && (w[2] == "permit" || w[2] == "deny" || w[2] == "remark"),
		begins("zone-pair security ", "policy-map type inspect", "class-map type inspect"):
		return "the configuration of Cisco IOS" + byHand
	case begins("config defaults", "config zone", "config rule", "config forwarding", "config redirect") && len(w) <= 3, begins("firewall.@", "package firewall"):
		return "a configuration of OpenWrt (UCI)" + asksLinux
	case begins("set firewall ", "firewall {"):
		return "the configuration of VyOS or EdgeOS" + asksLinux
	case w[0] == "target:" && len(w) == 2, w[0] == "icmp-block-inversion:":
		return "what firewall-cmd prints" + asksLinux
	case begins("Rule Name: "), w[0] == "DisplayName" && len(w) > 2 && w[1] == ":":
		return "rules of Windows" + byRecipe("it")
	case begins("set security policies ", "set security zones ", "security {", "set firewall family "):
		return "the configuration of Junos" + byHand
	}
	return ""
}
