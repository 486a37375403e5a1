package flowlog

import (
	"bytes"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
)

// Firewalls of hosts and gateways whose logs are columns, and the table of
// connections that Linux keeps.

// filterlog is what pf logs on pfSense and OPNsense: a packet on each line, whose
// columns from the tenth on depend on the version of IP.
var (
	filterlog4 = format{
		name: "filterlog", about: "pfSense and OPNsense filterlog, IPv4 and IPv6",
		doc:     "Netgate: raw filter log format https://docs.netgate.com/pfsense/en/latest/monitoring/logs/raw-filter-format.html",
		grammar: grammarBare, seps: ",", more: true,
		order:  "rule _ _ _ interface _ action direction version _ _ _ _ _ _ protocol _ _ source destination sport? dport? _? flags?",
		holds:  "action=pass|block|reject|match|scrub|nat|rdr|binat, direction=in|out|in/out, version=4, protocol=number",
		fields: "proto=protocol, src=source, dst=destination, sport=sport, dport=dport, flags1=flags, outcome=action, in=interface, direction=direction",
		adjust: filterlogWay,
	}
	filterlog6 = format{
		name: "filterlog", about: filterlog4.about, doc: filterlog4.doc,
		grammar: grammarBare, seps: ",", more: true,
		order:  "rule _ _ _ interface _ action direction version _ _ _ _ protocol _ source destination sport? dport? _? flags?",
		holds:  "action=pass|block|reject|match|scrub|nat|rdr|binat, direction=in|out|in/out, version=6, protocol=number",
		fields: filterlog4.fields,
		adjust: filterlogWay,
	}
)

// filterlogWay makes the interface the one that the packet went out by, if it
// went out.
func filterlogWay(_ *Record, v *values) bool {
	if v.is(fieldDirection, "out") {
		v.put(fieldOutput, v.get(fieldInput))
		v.put(fieldInput, nil)
	}
	return true
}

// pfirewall is the log of Windows Defender Firewall. Its #Fields line names the
// columns. Times are local. What it lets through is logged when the connection
// begins, what it drops packet by packet.
var pfirewall = format{
	name: "pfirewall", about: "Windows Defender Firewall, pfirewall.log",
	doc:     "Microsoft: configure Windows Firewall logging https://learn.microsoft.com/en-us/windows/security/operating-system-security/network-security/windows-firewall/configure-logging",
	grammar: grammarTable, seps: " ", fieldsLine: true,
	know:     "src-ip, dst-ip, src-port, dst-port",
	fields:   "proto=protocol, src=src-ip, dst=dst-ip, sport=src-port, dport=dst-port, flags1=tcpflags, outcome=action, direction=path",
	outcomes: "OPEN=passed OPEN-INBOUND=passed",
	roles:    "direction: SEND=destination? RECEIVE=destination?",
}

// conntrack is what conntrack -L and -E print, and /proc/net/nf_conntrack:
//
//	tcp      6 431999 ESTABLISHED src=192.0.2.10 dst=198.51.100.20 sport=50123 dport=443 src=198.51.100.20 dst=203.0.113.1 sport=443 dport=50123 [ASSURED] mark=0 use=1
//
// The first addresses and ports are those of the original direction, whose source
// opened the connection; the second ones those of the answers, so that they show
// translations.
var conntrack = format{
	name: "conntrack", about: "conntrack -L and -E, /proc/net/nf_conntrack",
	doc:     "conntrack(8) https://conntrack-tools.netfilter.org/manual.html",
	grammar: grammarPairs, prefix: 128, reply: true,
	lead:   func(before []byte) bool { _, ok := conntrackProtocol(before); return ok },
	know:   "src, dst, sport, dport | src, dst, type, id",
	fields: "src=src, dst=dst, sport=sport, dport=dport, srcpackets=packets, icmp=type",
	roles:  "*=destination",
	adjust: func(r *Record, _ *values) bool {
		r.Flow.Protocol, _ = conntrackProtocol(r.pairs.before)
		return true
	},
	outcome: func(r *Record, _ *values) annotate.Outcome {
		unreplied := bytes.Contains(r.pairs.text, []byte("[UNREPLIED]"))
		_, ports := iana.TransportOf(r.Flow.Protocol)
		switch {
		case !ports:
			return annotate.NoOutcome
		case r.Flow.Protocol != 6 && unreplied:
			return annotate.OneWay
		case r.Flow.Protocol != 6:
			return annotate.Answered
		case unreplied:
			return annotate.Attempted
		}
		for word := range bytes.FieldsSeq(r.pairs.before) {
			switch string(word) {
			case "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT":
				return annotate.Answered
			}
		}
		return annotate.NoOutcome // CLOSE: reset, by the service or later
	},
}

// conntrackProtocol gives the protocol that an entry begins with, by its name and
// its number, perhaps behind those of the network; an entry of a protocol without
// a name has "unknown". ok is false for any other text.
func conntrackProtocol(before []byte) (protocol uint8, ok bool) {
	var last []byte
	for word := range bytes.FieldsSeq(before) {
		if n, number := parseUint(word, 255); number && last != nil {
			if p, known := parseProtocol(last); known && uint64(p) == n && last[0]-'0' > 9 || string(last) == "unknown" {
				return uint8(n), true
			}
		}
		last = word
	}
	return 0, false
}
