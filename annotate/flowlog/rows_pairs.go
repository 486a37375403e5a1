package flowlog

import (
	"bytes"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// Formats of pairs, in the order in which a record is compared with them: the
// more particular come first.

// Cisco FTD sends security events as "Key: Value, Key: Value", behind the head
// of its messages 430001 to 430005. Those of connections name the initiator as
// source; that of an intrusion (430001, which has a GID) the sender of the
// packet, which is no role. Of what is blocked one packet was seen.
var ciscoFTD = format{
	name: "ftd", about: "Cisco FTD security events (430001 to 430005)",
	doc:     "Cisco: Secure Firewall Threat Defense syslog messages, security events https://www.cisco.com/c/en/us/td/docs/security/firepower/Syslogs/b_fptd_syslog_guide/security-event-syslog-messages.html",
	grammar: grammarPairs, form: pairsFTD,
	know: "SrcIP, DstIP",
	fields: `proto=Protocol, src=SrcIP, sport=SrcPort, dst=DstIP, dport=DstPort, time=FirstPacketSecond, outcome=AccessControlRuleAction|InlineResult, kind=GID,
		in=IngressInterface, out=EgressInterface, inzone=IngressZone, outzone=EgressZone, natsrc=NAT_InitiatorIP, natsport=NAT_InitiatorPort, natdst=NAT_ResponderIP, natdport=NAT_ResponderPort,
		srcpackets=InitiatorPackets, dstpackets=ResponderPackets`,
	outcomes: "trust=passed fastpath=passed",
	adjust: func(_ *Record, v *values) bool {
		// "Block with reset", "Interactive Block": the first of a connection, whose
		// request is not let through until the user confirms it.
		if action := v.get(fieldOutcome); bytes.Contains(action, []byte("Block")) {
			v.put(fieldOutcome, wordBlock)
		} else if string(action) == "Would have dropped" {
			v.put(fieldOutcome, wordPass)
		}
		return true
	},
	role: func(in *annotate.Input, v *values) {
		if !v.has(fieldKind) && !v.is(fieldOutcome, "block") {
			in.Hint = flow.Destination
		}
	},
}

// CEF is ArcSight's Common Event Format, of any vendor. Its keys say which end
// is the source, which is no role. Addresses of IPv6 may stand in custom fields.
// Times are milliseconds since the epoch, or dates of an unknown zone.
var cef = format{
	name: "cef", about: "CEF of any vendor (ArcSight Common Event Format)",
	doc:     "OpenText: ArcSight Common Event Format, implementation standard https://www.microfocus.com/documentation/arcsight/arcsight-smartconnectors-8.4/cef-implementation-standard/",
	grammar: grammarPairs, form: pairsCEF,
	know: "src, dst, spt | src, dst, dpt | spt, dpt",
	fields: `proto=proto, src=src|c6a2, sport=spt, dst=dst|c6a3, dport=dpt, outcome=act, time=rt, time2=start, in=deviceInboundInterface, out=deviceOutboundInterface,
		natsrc=sourceTranslatedAddress, natsport=sourceTranslatedPort, natdst=destinationTranslatedAddress, natdport=destinationTranslatedPort`,
	adjust: transportOnly,
}

// transportOnly leaves out a protocol that is one of applications: "DNS".
func transportOnly(_ *Record, v *values) bool {
	if _, ok := parseProtocol(v.get(fieldProtocol)); !ok {
		v.drop(fieldProtocol)
	}
	return true
}

// LEEF is QRadar's Log Event Extended Format, of any vendor. It has no attribute for
// what was done; most vendors call theirs action or act.
var leef = format{
	name: "leef", about: "LEEF of any vendor (IBM QRadar)",
	doc:     "IBM: QRadar LEEF predefined event attributes https://www.ibm.com/docs/en/dsm?topic=overview-predefined-leef-event-attributes",
	grammar: grammarPairs, form: pairsLEEF,
	know: "src, dst, srcPort | src, dst, dstPort | srcPort, dstPort",
	fields: `proto=proto, src=src, sport=srcPort, dst=dst, dport=dstPort, outcome=action|act, time=devTime,
		natsrc=srcPostNAT, natsport=srcPostNATPort, natdst=dstPostNAT, natdport=dstPostNATPort`,
	adjust: transportOnly,
}

// Check Point's log exporter writes pairs in its syslog format as
// [action:"Accept"; src:"192.0.2.10"; …], and with bars between them for Splunk.
// The destination's port is called service. Of an accepted connection the source
// is the end that opened it; of a dropped packet it is the one that sent it.
var checkPoint = format{
	name: "checkpoint", about: "Check Point log exporter, syslog",
	doc:     "Check Point: log exporter, log fields https://sc1.checkpoint.com/documents/R81/WebAdminGuides/EN/CP_R81_LoggingAndMonitoring_AdminGuide/Topics-LMG/Log-Exporter.htm",
	grammar: grammarPairs, form: pairsCheckPoint,
	know:   "src, dst, s_port, service",
	fields: "proto=proto, src=src, sport=s_port, dst=dst, dport=service, outcome=action, time=time, in=ifname, natsrc=xlatesrc, natsport=xlatesport, natdst=xlatedst, natdport=xlatedport",
	roles:  "outcome: accept=destination? allow=destination?",
}

// checkPointBars is the same for Splunk.
var checkPointBars = format{
	name: "checkpoint", about: checkPoint.about,
	doc:     checkPoint.doc,
	grammar: grammarPairs,
	know:    "src, dst, s_port, service", fields: checkPoint.fields, roles: checkPoint.roles,
}

// SonicWall's srcV6 and dstV6 hold addresses of IPv6. Its src and dst are
// "ADDRESS:PORT:INTERFACE:NAME", its proto "tcp/https". Messages of ICMP may have no
// proto, and the type or the identifier in the place of a port.
var sonicWall = format{
	name: "sonicwall", about: "SonicWall syslog",
	doc:     "SonicWall: SonicOS log events reference guide, syslog tags https://www.sonicwall.com/techdocs/pdf/sonicos-6-5-4-log-events-reference-guide.pdf",
	grammar: grammarPairs,
	know:    "sn, fw, pri, src, dst | sn, fw, pri, srcV6, dstV6",
	fields:  "proto=proto, src=src, dst=dst, realsrc=srcV6, realdst=dstV6, outcome=fw_action, natsrc=natSrc, natdst=natDst, icmp=type, kind=msg",
	adjust: func(r *Record, v *values) bool {
		if !v.has(fieldProtocol) && (v.has(fieldICMP) || bytes.Contains(v.get(fieldKind), []byte("ICMP"))) {
			r.other()
			return false
		}
		if protocol, _, ok := bytes.Cut(v.get(fieldProtocol), []byte{'/'}); ok {
			v.put(fieldProtocol, protocol)
		}
		for _, x := range [...]struct{ addr, addr6, port, in, nat, natPort field }{
			{fieldSource, fieldRealSource, fieldSourcePort, fieldInput, fieldNATSource, fieldNATSourcePort},
			{fieldDestination, fieldRealDestination, fieldDestinationPort, fieldOutput, fieldNATDestination, fieldNATDestinationPort},
		} {
			if addr, port := splitPort(v.get(x.nat)); port != nil {
				v.put(x.nat, addr)
				v.put(x.natPort, port)
			}
			text := v.get(x.addr)
			if rest, ok := bytes.CutPrefix(text, []byte{':'}); ok { // an address of IPv6 stands in srcV6
				port, in, _ := bytes.Cut(rest, []byte{':'})
				in, _, _ = bytes.Cut(in, []byte{':'})
				v.put(x.addr, v.get(x.addr6))
				v.put(x.port, port)
				v.put(x.in, in)
			} else if addr, port := splitPort(text); port != nil {
				v.put(x.addr, addr)
				v.put(x.port, port)
				rest := text[bytes.LastIndex(text, port)+len(port):]
				if len(rest) > 1 {
					in, _, _ := bytes.Cut(rest[1:], []byte{':'})
					v.put(x.in, in)
				}
			}
		}
		return true
	},
}

// Sophos Firewall and its ancestor Cyberoam.
var sophos = format{
	name: "sophos", about: "Sophos Firewall syslog, standard and device format",
	doc:     "Sophos: Firewall log viewer and syslog guide https://docs.sophos.com/nsg/sophos-firewall/22.0/PDF/SF-syslog-guide-22.0.pdf",
	grammar: grammarPairs, style: quotedPairs,
	know: "log_type, log_component, src_ip, dst_ip | device_name, log_id, src_ip, dst_ip",
	fields: `proto=protocol, src=src_ip, sport=src_port, dst=dst_ip, dport=dst_port, outcome=log_subtype|status, in=in_interface, out=out_interface,
		natsrc=src_trans_ip|tran_src_ip, natsport=src_trans_port|tran_src_port, natdst=dst_trans_ip|tran_dst_ip, natdport=dst_trans_port|tran_dst_port,
		srcpackets=packets_sent|sent_pkts, dstpackets=packets_received|recv_pkts, kind=log_component`,
	role: func(in *annotate.Input, v *values) {
		if v.is(fieldKind, "Firewall Rule") && !v.is(fieldOutcome, "Denied") { // of what it denies it has seen one packet
			in.Hint = flow.Destination
		}
	},
}

// Meraki MX: flows are of the firewall's rules, ip_flow_start and ip_flow_end of
// sessions.
var meraki = format{
	name: "meraki", about: "Cisco Meraki MX flows, firewall, ip_flow_start and ip_flow_end",
	doc:     "Cisco Meraki: syslog event types and log samples https://documentation.meraki.com/Platform_Management/Dashboard_Administration/Operate_and_Maintain/Monitoring_and_Reporting/Syslog_Event_Types_and_Log_Samples",
	grammar: grammarPairs,
	know:    "src, dst, mac, protocol, sport, dport | src, dst, protocol, sport, dport, translated_port | src, dst, protocol, sport, dport, translated_src_ip",
	fields: `proto=protocol, src=src, sport=sport, dst=dst, dport=dport, natsrc=translated_src_ip, natsport=translated_port, natdst=translated_dst_ip,
		outcome=^allow|^deny`,
}

// merakiFlows are flows of firmware that has the action before the pairs.
var merakiFlows = format{
	name: "meraki", about: meraki.about,
	doc:     meraki.doc,
	grammar: grammarSentences, begin: "allow src=|deny src=",
	sentences: []sentence{{"", "{outcome} src={src} dst={dst} [mac={} ]protocol={proto} sport={sport} dport={dport}", ""}},
}

// Zyxel's USG and ATP. proto is the application's protocol; protoID is there in
// traffic logs only.
var zyxel = format{
	name: "zyxel", about: "Zyxel USG FLEX and ATP syslog",
	doc:     "Exabeam: Content Library, Zyxel USG FLEX parsers https://github.com/ExabeamLabs/Content-Library-CIM2/tree/master/DS/Zyxel%20Networks",
	grammar: grammarPairs, style: quotedPairs,
	know: "src, dst, msg, note, cat, devID",
	fields: `protonum=protoID, src=src, dst=dst, outcome=action, natsrc=sourceTranslatedAddress, natsport=sourceTranslatedPort,
		srcbytes=sent, dstbytes=rcvd`,
}
