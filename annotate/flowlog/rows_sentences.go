package flowlog

import (
	"bytes"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// Formats of sentences, in the order in which a record is compared with them.

// Cisco ASA, FTD, FWSM and PIX tell of connections in sentences:
//
//	%ASA-6-302013: Built inbound TCP connection 27 for outside:203.0.113.5/51234 (203.0.113.5/51234) to inside:192.0.2.10/443 (198.51.100.10/443)
//	%ASA-6-302014: Teardown TCP connection 27 for outside:203.0.113.5/51234 to inside:192.0.2.10/443 duration 0:00:30 bytes 1234 TCP FINs
//
// 302015 and 302016 are the same of UDP, 302305 and 302306 of SCTP. The first
// end is on the interface of lower security, whoever began: "inbound" says that
// it did, "outbound" that the second did, so that the first is the service.
// Teardown does not say it. The addresses in parentheses are what NAT makes of
// them. The first end is our source, the second our destination. A state-bypass
// connection names its initiator, but was not checked for an opening. An access
// to the device itself (710001, 710002) is to the second end; of what it refuses
// it saw one packet, which may be an answer. A translation (305011, 305012) has
// one end only.
var ciscoASA = format{
	name: "asa", about: "Cisco ASA, FTD, FWSM and PIX syslog: connections built, torn down and denied, translations",
	doc:     "Cisco: ASA syslog messages https://www.cisco.com/c/en/us/td/docs/security/asa/syslog/asa-syslog.html",
	grammar: grammarSentences, begin: "%ASA-|%FTD-|%PIX-|%FWSM-",
	roles:    "direction: inbound=destination outbound=source; state: initiator=destination?",
	outcomes: "est-allowed=passed answered=answered attempted=attempted",
	sentences: []sentence{
		{"302013", "Built {direction} [Probe ]TCP connection {} for {in}:{src}/{sport}[ ({natsrc}/{natsport})][({*})] to {out}:{dst}/{dport}[ ({natdst}/{natdport})]", "proto=tcp, outcome=passed"},
		{"302014", "Teardown [Probe ]TCP connection {} for {in}:{src}/{sport}[ ({*})][({*})] to {out}:{dst}/{dport}[ ({*})][({*})] duration {} bytes {} TCP FINs", "proto=tcp, outcome=answered"},
		{"302014", "Teardown [Probe ]TCP connection {} for {in}:{src}/{sport}[ ({*})][({*})] to {out}:{dst}/{dport}[ ({*})][({*})] duration {} bytes {} SYN Timeout", "proto=tcp, outcome=attempted"},
		{"302014", "Teardown [Probe ]TCP connection {} for {in}:{src}/{sport}[ ({*})][({*})] to {out}:{dst}/{dport}", "proto=tcp, outcome=passed"},
		{"302015", "Built {direction} UDP connection {} for {in}:{src}/{sport}[ ({natsrc}/{natsport})][({*})] to {out}:{dst}/{dport}[ ({natdst}/{natdport})]", "proto=udp, outcome=passed"},
		{"302016", "Teardown UDP connection {} for {in}:{src}/{sport}[ ({*})][({*})] to {out}:{dst}/{dport}", "proto=udp, outcome=passed"},
		{"852001", "Received Lightweight to full proxy event from application {*} for {proto} flow {src}/{sport} to {dst}/{dport}", ""},
		{"852002", "Received Full Proxy to Lightweight event from application {*} for {proto} flow {src}/{sport} to {dst}/{dport}", ""},
		{"302305", "Built {direction} SCTP connection {} for {in}:{src}/{sport}[ ({natsrc}/{natsport})][({*})] to {out}:{dst}/{dport}[ ({natdst}/{natdport})]", "proto=sctp, outcome=passed"},
		{"302306", "Teardown SCTP connection {} for {in}:{src}/{sport}[ ({*})][({*})] to {out}:{dst}/{dport}", "proto=sctp, outcome=passed"},
		{"302303", "Built TCP state-bypass connection {} from {in}:{src}/{sport}[ ({natsrc}/{natsport})][({natsrc}/{natsport})] to {out}:{dst}/{dport}[ ({natdst}/{natdport})]", "proto=tcp, outcome=passed, state=initiator"},
		{"302304", "Teardown TCP state-bypass connection {} from {in}:{src}/{sport}[ ({*})][({*})] to {out}:{dst}/{dport}", "proto=tcp, outcome=passed, state=initiator"},
		{"302020", "Built {direction} ICMP connection for faddr {src}/{}[({*})] gaddr {natdst}/{} laddr {dst}/{}", "proto=icmp, outcome=passed"},
		{"302021", "Teardown ICMP connection for faddr {src}/{}[({*})] gaddr {natdst}/{} laddr {dst}/{}", "proto=icmp, outcome=passed"},
		{"305011", "Built {} {proto} translation from {in}:{src}/{sport}[({*})][ ({*})] to {out}:{natsrc}/{natsport}", ""},
		{"305012", "Teardown {} {proto} translation from {in}:{src}/{sport}[({*})][ ({*})] to {out}:{natsrc}/{natsport}", ""},
		{"106001", "Inbound TCP connection denied from {src}/{sport} to {dst}/{dport} flags SYN[ ] on interface {in}", "proto=tcp, outcome=denied, flags1=S"},
		{"106001", "Inbound TCP connection denied from {src}/{sport} to {dst}/{dport} flags SYN ACK[ ] on interface {in}", "proto=tcp, outcome=denied, flags1=SA"},
		{"106001", "Inbound TCP connection denied from {src}/{sport} to {dst}/{dport} flags {*}on interface {in}", "proto=tcp, outcome=denied"},
		{"106006", "Deny inbound UDP from {src}/{sport} to {dst}/{dport} on interface {in}", "proto=udp, outcome=denied"},
		{"106007", "Deny inbound UDP from {src}/{sport} to {dst}/{dport}", "proto=udp, outcome=denied"},
		{"106010", "Deny inbound {proto} src {in}:{src}/{sport}[({*})][ ({*})] dst {out}:{dst}/{dport}", "outcome=denied"},
		{"106010", "Deny inbound {proto} src {in}:{src} dst {out}:{dst}", "outcome=denied"},
		{"106015", "Deny TCP (no connection) from {src}/{sport} to {dst}/{dport} flags SYN ACK[ ] on interface {in}", "proto=tcp, outcome=denied, flags1=SA"},
		{"106015", "Deny TCP (no connection) from {src}/{sport} to {dst}/{dport} flags {*}on interface {in}", "proto=tcp, outcome=denied"},
		{"106023", "Deny {proto} src {in}:{src}/{sport}[({*})][ ({*})] dst {out}:{dst}/{dport}[({*})][ ({*})] by ", "outcome=denied"},
		{"106023", "Deny {proto} src {in}:{src} dst {out}:{dst} ", "outcome=denied"},
		{"106023", "Deny protocol {proto} src {in}:{src} dst {out}:{dst} ", "outcome=denied"},
		{"106100", "access-list {} {outcome} {proto} {in}/{src}({sport})[({*})] -> {out}/{dst}({dport})", ""},
		{"106102", "access-list {} {outcome} {proto} for user {*} {in}/{src} {sport} {out}/{dst} {dport} hit-cnt ", ""},
		{"106103", "access-list {} {outcome} {proto} for user {*} {in}/{src} {sport} {out}/{dst} {dport} hit-cnt ", ""},
		{"305006", "{*} translation creation failed for {proto} src {in}:{src}/{sport}[({*})][ ({*})] dst {out}:{dst}/{dport}", "outcome=denied"},
		{"305013", "{*}Connection [for ]{proto} src {in}:{src}/{sport}[({*})][ ({*})] dst {out}:{dst}/{dport}[({*})][ ({*})] denied", "outcome=denied"},
		{"419002", "Duplicate TCP SYN from {in}:{src}/{sport} to {out}:{dst}/{dport} with ", "proto=tcp, flags1=S"},
		{"710001", "{proto} access requested from {src}/{sport} to {in}:{dst}/{dport}", "direction=inbound"},
		{"710002", "{proto} access permitted from {src}/{sport} to {in}:{dst}/{dport}", "outcome=passed, direction=inbound"},
		{"710003", "{proto} access denied by ACL from {src}/{sport} to {in}:{dst}/{dport}", "outcome=denied"},
		{"710004", "{proto} connection limit exceeded from {src}/{sport} to {in}:{dst}/{dport}", "outcome=denied"},
		{"710005", "{proto} request discarded from {src}/{sport} to {in}:{dst}/{dport}", "outcome=denied"},
	},
}

// Cisco IOS and IOS XE log packets that an access list with "log" meets, and
// sessions of the zone-based firewall, which names the initiator. IOS XE puts the
// part that found it before that: "%FMANFP-6-IPACCESSLOGP: R0/0: fman_fp_image: list
// …", "%IOSXE-6-PLATFORM: … %FW-6-DROP_PKT: …". Arista's EOS has the interface before
// the action, and no count.
var ciscoIOS = format{
	name: "ios", about: "Cisco IOS and IOS XE, Arista EOS syslog: access lists, sessions of the zone-based firewall",
	doc:     "Cisco: IOS system message guide https://www.cisco.com/c/en/us/td/docs/ios/system/messages/guide/consol_smg.html",
	grammar: grammarSentences, begin: "%SEC-|%IPV6_ACL-|%IPV6-|%FW-|%FMANFP-|%IOSXE-|%ACL-",
	roles:    "direction: initiator=destination?",
	outcomes: "Start=passed Stop=passed Dropping=denied",
	sentences: []sentence{
		{"IPACCESSLOGP", "list {} {outcome} {proto} {src}({sport})[ ({in} {})] -> {dst}({dport}), {packets} packet", ""},
		{"IPACCESSLOGP", "{*}list {} {outcome} {proto} {src}({sport})[ ({in} {})] -> {dst}({dport}), {packets} packet", ""},
		{"IPACCESSLOGP", "{*}list {} {outcome} {proto} {} {src}({sport}) {in}-> {dst}({dport}), {packets} packet", ""},
		{"ACCESSLOGP", "list {} {outcome} {proto} {src}({sport})[ ({in} {})] -> {dst}({dport}), {packets} packet", ""},
		{"IPACCESSLOGDP", "list {} {outcome} {proto} {src}[ ({in} {})] -> {dst} ({*}), {packets} packet", ""},
		{"IPACCESSLOGDP", "{*}: fman_fp_image:[ ] list {} {outcome} {proto} {src}[ ({in} {})] -> {dst} ({*}), {packets} packet", ""},
		{"IPACCESS", "list {} {in} {outcome} {proto} {src}({sport}) -> {dst}({dport})", ""},
		{"SESS_AUDIT_TRAIL_START", "{*}Start {proto} session: initiator ({src}:{sport}) -- responder ({dst}:{dport})", "outcome=passed, direction=initiator"},
		{"SESS_AUDIT_TRAIL", "{*}Stop {proto} session: initiator ({src}:{sport}) sent {} bytes -- responder ({dst}:{dport})", "outcome=passed, direction=initiator"},
		{"DROP_PKT", "Dropping {proto} session {src}:{sport} {dst}:{dport} ", "outcome=denied"},
		{"DROP_PKT", "Dropping {proto} pkt from {in} {src}:{sport} => {dst}:{dport}(", "outcome=denied"},
		{"PLATFORM", "{*} %FW-6-DROP_PKT: Dropping {proto} pkt from {in} {src}:{sport} => {dst}:{dport}(", "outcome=denied"},
		{"PLATFORM", "{*} %FW-6-SESS_AUDIT_TRAIL_START: {*}Start {proto} session: initiator ({src}:{sport}) -- responder ({dst}:{dport})", "outcome=passed, direction=initiator"},
		{"PLATFORM", "{*} %FW-6-SESS_AUDIT_TRAIL: {*}Stop {proto} session: initiator ({src}:{sport}) sent {} bytes -- responder ({dst}:{dport})", "outcome=passed, direction=initiator"},
	},
}

// Juniper SRX, as text:
//
//	RT_FLOW_SESSION_CLOSE: session closed TCP FIN: 192.0.2.10/50123->198.51.100.20/443 junos-https 203.0.113.1/1024->198.51.100.20/443 nat1 None 6 web trust untrust 1234 10(900) 8(4000) 12 …
//
// From Junos 15 a connection tag ("0x0") stands behind each pair of ends, and the
// kind of each NAT rule before its name, so the protocol is found as the first
// number behind them. The source is the end whose packet created the session.
var junosFlow = format{
	name: "junos", about: "Juniper SRX session logs (RT_FLOW, AppTrack), as text and structured",
	doc:     "Juniper: information provided in session log entries https://www.juniper.net/documentation/en_US/junos12.2/topics/reference/general/session-log-entry-information-for-srx-series.html",
	grammar: grammarSentences, begin: "RT_FLOW_SESSION_|APPTRACK_SESSION_|WEBFILTER_URL_|IDP_ATTACK_LOG_EVENT",
	roles: "direction: created=destination closed=destination?",
	sentences: []sentence{
		{"", "RT_FLOW_SESSION_CREATE[_LS]: session created {src}/{sport}->{dst}/{dport} [0x{} ]{} {natsrc}/{natsport}->{natdst}/{natdport} {proto*}", "outcome=passed, direction=created"},
		{"", "RT_FLOW_SESSION_CLOSE[_LS]: session closed {reason*}: {src}/{sport}->{dst}/{dport} [0x{} ]{} {natsrc}/{natsport}->{natdst}/{natdport} {proto*}", "outcome=passed, direction=closed"},
		{"", "RT_FLOW_SESSION_DENY[_LS]: session denied {src}/{sport}->{dst}/{dport} [0x{} ]{} {proto}({*}) {} {inzone} {outzone}", "outcome=denied"},
		{"", "APPTRACK_SESSION_CREATE[_LS]: AppTrack session created {src}/{sport}->{dst}/{dport} [0x{} ]{} {} {} {natsrc}/{natsport}->{natdst}/{natdport} {proto*}", "outcome=passed, direction=created"},
		{"", "APPTRACK_SESSION_CLOSE[_LS]: AppTrack session closed {reason*}: {src}/{sport}->{dst}/{dport} [0x{} ]{} {} {} {natsrc}/{natsport}->{natdst}/{natdport} {proto*}", "outcome=passed, direction=closed"},
		{"", "APPTRACK_SESSION_VOL_UPDATE[_LS]: AppTrack volume update: {src}/{sport}->{dst}/{dport} [0x{} ]{} {} {} {natsrc}/{natsport}->{natdst}/{natdport} {proto*}", "outcome=passed, direction=closed"},
		{"", "WEBFILTER_URL_PERMITTED[_LS]: WebFilter: ACTION=\"{*}\" {src}({sport})->{dst}({dport}) ", "outcome=passed"},
		{"", "WEBFILTER_URL_BLOCKED[_LS]: WebFilter: ACTION=\"{*}\" {src}({sport})->{dst}({dport}) ", "outcome=denied"},
		{"", "IDP_ATTACK_LOG_EVENT[_LS]: IDP: {*} <{src}/{sport}->{dst}/{dport}> for {proto} protocol {*} action={outcome},", ""},
	},
	adjust: func(_ *Record, v *values) bool {
		// "nat1 None 6 web trust untrust 1234 10(900) 8(4000) 12 …"
		rest := v.get(fieldProtocol)
		if bytes.IndexByte(rest, ' ') < 0 {
			return true
		}
		for n := 0; len(rest) > 0; n++ {
			var w []byte
			w, rest, _ = bytes.Cut(rest, []byte{' '})
			if _, ok := parseUint(w, 255); !ok || n < 2 {
				continue
			}
			v.put(fieldProtocol, w)
			_, rest, _ = bytes.Cut(rest, []byte{' '}) // of the policy
			for _, f := range [...]field{fieldInputZone, fieldOutputZone, noField, fieldSourcePackets, fieldDestinationPackets} {
				w, rest, _ = bytes.Cut(rest, []byte{' '})
				if f == fieldInputZone || f == fieldOutputZone {
					v.put(f, w)
				} else if count, _, ok := bytes.Cut(w, []byte{'('}); ok && f != noField {
					if _, ok := parseUint(count, 1<<62); ok {
						v.put(f, count)
					}
				}
			}
			break
		}
		return true
	},
	outcome: sessionOutcome,
}

// junosPairs are the same in the structured data of RFC 5424.
var junosPairs = format{
	name: "junos", about: junosFlow.about,
	doc:     junosFlow.doc,
	grammar: grammarPairs,
	know:    "source-address, source-port, destination-address, destination-port, protocol-id",
	fields: `proto=protocol-id, src=source-address, sport=source-port, dst=destination-address, dport=destination-port,
		natsrc=nat-source-address, natsport=nat-source-port, natdst=nat-destination-address, natdport=nat-destination-port,
		in=packet-incoming-interface, inzone=source-zone-name, outzone=destination-zone-name, reason=reason, srcpackets=packets-from-client, dstpackets=packets-from-server, kind=session-id-32, state=elapsed-time`,
	role: func(in *annotate.Input, v *values) {
		// A denial has no session, and is of one packet.
		if v.has(fieldKind) {
			named(in, flow.Destination, !v.has(fieldState))
		}
	},
	outcome: func(r *Record, v *values) annotate.Outcome {
		if !v.has(fieldKind) {
			return annotate.Denied
		}
		if o := sessionOutcome(r, v); o != annotate.NoOutcome {
			return o
		}
		return annotate.Passed
	},
}

// sessionOutcome reads what became of a session of which the packets of both
// ends, and the reason of its end, are known; else it is what the filter did.
func sessionOutcome(r *Record, v *values) annotate.Outcome {
	o := actionOutcome(v.get(fieldOutcome))
	client, ok := parseUint(v.get(fieldSourcePackets), 1<<62)
	server, ok2 := parseUint(v.get(fieldDestinationPackets), 1<<62)
	if o == annotate.Denied || !ok || !ok2 || client == 0 {
		return o
	}
	switch tcp := r.Flow.Protocol == 6; {
	case server == 0 && tcp:
		return annotate.Attempted
	case server == 0:
		return annotate.OneWay
	case !tcp || server > 1 || bytes.HasSuffix(v.get(fieldReason), []byte("FIN")):
		return annotate.Answered
	}
	return o // one packet of a TCP server may be a reset
}

// WatchGuard Fireware writes what its policies and proxies allow and deny as
// words. A packet has its length before the protocol, and the lengths of its IP
// header and its time to live behind it; what a proxy says has neither.
var watchGuard = format{
	name: "watchguard", about: "WatchGuard Fireware traffic log",
	doc:     "WatchGuard: Fireware log catalog, read a log message https://www.watchguard.com/help/docs/help-center/en-US/Content/en-US/Fireware/logging/read_log_msg_wsm.html",
	grammar: grammarSentences, begin: `msg_id="`,
	sentences: []sentence{
		{"", `msg_id="{}" {outcome} {in} {out} tcp {src} {dst} {sport} {dport} `, "proto=tcp"},
		{"", `msg_id="{}" {outcome} {in} {out} udp {src} {dst} {sport} {dport} `, "proto=udp"},
		{"", `msg_id="{}" {outcome} {in} {out} {} {proto} {} {} {src} {dst} {sport} {dport} `, ""},
	},
}
