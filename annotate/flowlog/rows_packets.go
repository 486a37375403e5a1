package flowlog

import "bytes"

// Packet filters and proxies that tell of each packet or connection in a sentence.

// Words that rows put in the place of others.
var wordTCP, wordUDP, wordPass, wordBlock = []byte("tcp"), []byte("udp"), []byte("pass"), []byte("block")

// RouterOS tells of packets that a rule with "log" meets. A prefix of the user's own
// stands before the chain. NAT shows what the connection is translated to:
//
//	forward: in:ether2 out:ether1, connection-state:new,snat src-mac 00:00:5e:00:53:01, proto TCP (SYN), 192.0.2.10:50123->198.51.100.20:443, NAT (192.0.2.10:50123->203.0.113.1:50123)->198.51.100.20:443, len 60
var mikroTik = format{
	name: "mikrotik", about: "MikroTik RouterOS firewall log",
	doc:     "MikroTik: RouterOS, log https://manual.mikrotik.com/docs/Diagnostics,%20monitoring%20and%20troubleshooting/log/",
	grammar: grammarSentences, begin: "firewall,|forward: in:|input: in:|output: in:|prerouting: in:|postrouting: in:|srcnat: in:|dstnat: in:",
	sentences: []sentence{
		{"", "{*}in:{in*} out:{out*}, {*}proto {proto} ({flags1*}), {src}->{dst},[ NAT ({src}->{natsrc})->{natdst},] len ", ""},
		{"", "{*}in:{in*} out:{out*}, {*}proto {proto}, {src}->{dst},[ NAT ({src}->{natsrc})->{natdst},] len ", ""},
		{"", "{*}in:{in*} out:{out*}, {*}proto {proto}, NAT {src}->({dst}->{natdst}), len ", ""},
	},
	adjust: func(r *Record, v *values) bool {
		for _, f := range [...]field{fieldInput, fieldOutput} {
			if bytes.HasPrefix(v.get(f), []byte("(unknown")) || v.is(f, "(none)") {
				v.drop(f)
			}
		}
		flagWords(r, v)
		splitNAT(v)
		return true
	},
}

// splitNAT splits the translated addresses from their ports.
func splitNAT(v *values) {
	for _, x := range [...][2]field{{fieldNATSource, fieldNATSourcePort}, {fieldNATDestination, fieldNATDestinationPort}} {
		if addr, port := splitPort(v.get(x[0])); port != nil {
			v.put(x[0], addr)
			v.put(x[1], port)
		}
	}
}

// NSX logs packets (match) and the end of connections (TERM) of its distributed
// and gateway firewalls.
var nsxFirewall = format{
	name: "nsx", about: "VMware NSX distributed and gateway firewall packet log",
	doc:     "Broadcom: NSX CLI guide, get firewall packetlog https://developer.broadcom.com/xapis/nsx-cli-guide/latest/FirewallPacketLogGet.html",
	grammar: grammarSentences, begin: "INET match |INET6 match |INET TERM |INET6 TERM ",
	sentences: []sentence{
		{"", "INET[6] match {outcome} {} {} {} {proto} {src}/{sport}->{dst}/{dport}[ {flags1}]", ""},
		{"", "INET[6] match {outcome} {} {} {} {proto} {src}->{dst}", ""},
		{"", "INET[6] TERM {outcome} {} {} TCP {} {src}/{sport}->{dst}/{dport} ", "proto=tcp"},
		{"", "INET[6] TERM {outcome} {} {} {proto} {src}/{sport}->{dst}/{dport} ", ""},
		{"", "INET[6] TERM {} {} TCP {} {src}/{sport}->{dst}/{dport} ", "proto=tcp"},
		{"", "INET[6] TERM {} {} {proto} {src}/{sport}->{dst}/{dport} ", ""},
	},
}

// ipfw of FreeBSD and macOS logs the packets that a rule with "log" meets, by the
// kernel.
var ipfwLog = format{
	name: "ipfw", about: "ipfw of FreeBSD and macOS",
	doc:     "FreeBSD: sys/netpfil/ipfw/ip_fw_log.c https://github.com/freebsd/freebsd-src/blob/main/sys/netpfil/ipfw/ip_fw_log.c",
	grammar: grammarSentences, begin: "ipfw: ",
	outcomes: "Unreach=denied Reset=denied",
	sentences: []sentence{
		{"", "ipfw: {} {outcome} {proto} {src} {dst} out via {out}", ""},
		{"", "ipfw: {} {outcome} {proto} {src} {dst} in via {in}", ""},
		{"", "ipfw: {} {outcome} {} {proto} {src} {dst} out via {out}", ""},
		{"", "ipfw: {} {outcome} {} {proto} {src} {dst} in via {in}", ""},
	},
}

// pfLog is what tcpdump -e prints of pflog: the rule, and the packet. Addresses
// have the port behind a dot. The Tcpdump Group's has a colon behind the rule, and
// flags in brackets; OpenBSD's has neither.
var pfLog = format{
	name: "pflog", about: "pf: tcpdump -n -e -r pflog, as text",
	doc:     "The Tcpdump Group: print-pflog.c https://github.com/the-tcpdump-group/tcpdump/blob/master/print-pflog.c",
	grammar: grammarSentences, begin: "rule ",
	sentences: []sentence{
		{"", `rule {}[ \[{*}\]][:] {outcome} in on {in}: [({*}proto {} ({proto}){*}) ]{src} > {dst}: {kind*}`, ""},
		{"", `rule {}[ \[{*}\]][:] {outcome} out on {out}: [({*}proto {} ({proto}){*}) ]{src} > {dst}: {kind*}`, ""},
	},
	adjust: func(r *Record, v *values) bool {
		dotPorts(v)
		rest := v.get(fieldKind)
		word, _, _ := bytes.Cut(rest, []byte{' '})
		switch flags, ok := bytes.CutPrefix(rest, []byte("Flags [")); {
		case ok:
			v.put(fieldProtocol, wordTCP)
			flags, _, _ = bytes.Cut(flags, []byte{']'})
			r.scratch = r.scratch[:0]
			for _, c := range flags {
				if c == '.' { // an acknowledgment
					c = 'A'
				}
				r.scratch = append(r.scratch, c)
			}
			v.put(fieldFirstFlags, r.scratch)
		case len(bytes.Trim(word, "SFRPWE.")) == 0 && len(word) > 0:
			v.put(fieldProtocol, wordTCP)
			r.scratch = append(r.scratch[:0], word...)
			if bytes.Contains(rest, []byte(" ack ")) {
				r.scratch = append(r.scratch, 'A')
			}
			v.put(fieldFirstFlags, r.scratch)
		case equalFold("udp", bytes.TrimRight(word, ",")):
			v.put(fieldProtocol, wordUDP)
		}
		return true
	},
}

// dotPorts splits "192.0.2.1.443", which tcpdump prints.
func dotPorts(v *values) {
	for _, x := range [...][2]field{{fieldSource, fieldSourcePort}, {fieldDestination, fieldDestinationPort}} {
		text := v.get(x[0])
		at := bytes.LastIndexByte(text, '.')
		if at > 0 && isAddr(text[:at]) {
			v.put(x[0], text[:at])
			v.put(x[1], text[at+1:])
		}
	}
}

// Citrix NetScaler tells of connections that it ended, each of which it may have
// opened itself; "Source" and "Destination" are no roles.
var netScaler = format{
	name: "netscaler", about: "Citrix NetScaler syslog: TCP connections, SSL VPN",
	doc:     "Citrix: NetScaler syslog message reference (not public; the row follows what NetScalers send) https://docs.netscaler.com",
	grammar: grammarSentences, begin: "TCP CONN_|default TCP CONN_|SSLVPN TCPCONN|SSLVPN UDPFLOW|default SSLVPN TCPCONN|default SSLVPN UDPFLOW",
	sentences: []sentence{
		{"", "[default ]TCP CONN_{*}Source {src}:{sport} - Vserver {}:{} - NatIP {natsrc}:{natsport} - Destination {dst}:{dport} -", "proto=tcp"},
		{"", "[default ]TCP CONN_{*}Source {src}:{sport} - Destination {dst}:{dport} -", "proto=tcp"},
		{"", "[default ]SSLVPN TCPCONN{*} - Source {src}:{sport} - Destination {dst}:{dport} -", "proto=tcp"},
		{"", "[default ]SSLVPN UDPFLOW{*} - Source {src}:{sport} - Destination {dst}:{dport} -", "proto=udp"},
	},
}

// ScreenOS of Juniper's NetScreen and SSG tells of sessions in pairs, whose keys have
// spaces.
var netScreen = format{
	name: "netscreen", about: "Juniper ScreenOS (NetScreen, SSG, ISG) traffic log",
	doc:     "Elastic: logstash-patterns-core, NETSCREENSESSIONLOG, and its samples https://github.com/logstash-plugins/logstash-patterns-core/blob/main/patterns/ecs-v1/firewalls",
	grammar: grammarSentences, begin: "NetScreen device_id=",
	sentences: []sentence{
		{"", "NetScreen device_id={*}(traffic): {*} proto={proto} src zone={inzone} dst zone={outzone} action={outcome} {*} src={src} dst={dst} src_port={sport} dst_port={dport} src-xlated ip={natsrc} port={natsport} dst-xlated ip={natdst} port={natdport} ", ""},
		{"", "NetScreen device_id={*}(traffic): {*} proto={proto} src zone={inzone} dst zone={outzone} action={outcome} {*} src={src} dst={dst} src_port={sport} dst_port={dport}", ""},
	},
}

// snortFast is Snort's and Suricata's one line for each alert. The source sent the
// packet, which is no role.
var snortFast = format{
	name: "snort-fast", about: "Snort and Suricata alerts, fast.log and syslog",
	doc:     "Suricata: line based alerts log https://docs.suricata.io/en/latest/configuration/suricata-yaml.html#line-based-alerts-log-fast-log",
	grammar: grammarSentences, begin: "[**] [|[1|[Drop] [**] [|[wDrop] [**] [|[Drop] [1|[wDrop] [1",
	outcomes: "wDrop=passed",
	sentences: []sentence{
		{"", `[\[**\] ]\[{}:{}:{}\] {*}\{{proto}} {src}:{sport} -> {dst}:{dport}`, ""},
		{"", `\[{outcome}\] [\[**\] ]\[{}:{}:{}\] {*}\{{proto}} {src}:{sport} -> {dst}:{dport}`, ""},
		{"", `[\[**\] ]\[{}:{}:{}\] {*}\{{proto}} {src} -> {dst}`, ""},
		{"", `\[{outcome}\] [\[**\] ]\[{}:{}:{}\] {*}\{{proto}} {src} -> {dst}`, ""},
	},
}

// flagWords makes letters of the flags that are written as words: "SYN,ACK".
func flagWords(r *Record, v *values) {
	r.scratch = r.scratch[:0]
	for word := range bytes.SplitSeq(v.get(fieldFirstFlags), []byte{','}) {
		if len(word) == 3 {
			r.scratch = append(r.scratch, word[0])
		}
	}
	v.put(fieldFirstFlags, r.scratch)
}
