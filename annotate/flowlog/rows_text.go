package flowlog

import (
	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// Formats of pairs, of sentences, and of columns without a header, in the order
// in which a record is compared with them.

// Netfilter's LOG target (iptables, nftables) writes, after a prefix of the
// user's own:
//
//	IN=eth0 OUT= MAC=… SRC=192.0.2.1 DST=192.0.2.2 LEN=60 … PROTO=TCP SPT=50123 DPT=22 WINDOW=64240 RES=0x00 SYN URGP=0
//
// Each line is one packet, so SYN and ACK are those of that packet. ICMP
// errors have the packet they quote in brackets, with the same keys. Later
// fragments and truncated packets ("INCOMPLETE") have no ports.
var netfilter = format{
	name: "netfilter", about: "netfilter LOG lines (iptables, nftables, ufw)",
	doc:     "Linux: net/ipv4/netfilter/nf_log_syslog.c https://git.kernel.org",
	grammar: grammarPairs, prefix: 128, tags: "kernel ulogd",
	words:  "SYN ACK FIN RST PSH URG CWR ECE DF MF CE INCOMPLETE OPT TRUNCATED",
	know:   "IN, OUT, SRC, DST, PROTO",
	fields: "proto=PROTO, src=SRC, dst=DST, sport=SPT, dport=DPT, syn=^SYN, ack=^ACK, in=IN, out=OUT",
}

// FortiGate writes pairs, text in quotes:
//
//	date=2026-09-14 time=09:00:00 devname="fw" logid="0000000013" type="traffic" subtype="forward" eventtime=1789376400123456789
//	srcip=192.0.2.10 srcport=50123 dstip=198.51.100.20 dstport=443 proto=6 …
//
// In traffic logs srcip is the end that opened the session. In others, of an
// attack or a virus, it is the end that sent it, which is no role.
var fortigate = format{
	name: "fortigate", about: "FortiGate logs, key=value, with spaces or commas between",
	doc:     "Fortinet: FortiOS log message reference https://docs.fortinet.com/product/fortigate",
	grammar: grammarPairs, style: quotedPairs,
	know: "srcip, dstip, logid | srcip, dstip, devname | srcip, dstip, devid",
	fields: `proto=proto, src=srcip, sport=srcport, dst=dstip, dport=dstport, kind=type, time=eventtime, outcome=action, in=srcintf, out=dstintf, natsrc=transip, natsport=transport,
		srcpackets=sentpkt, dstpackets=rcvdpkt, srcbytes=sentbyte, dstbytes=rcvdbyte, duration=duration`,
	// ip-conn is a connection that was let through and not answered.
	outcomes: "close=answered timeout=passed client-rst=passed server-rst=passed start=passed ip-conn=attempted",
	role: func(in *annotate.Input, v *values) {
		if v.is(fieldKind, "traffic") { // of what it denies it has seen one packet, which may be an answer
			named(in, flow.Destination, !v.is(fieldOutcome, "deny"))
		}
	},
}

// PAN-OS sends its logs as CSV without a header, behind a syslog header that
// becomes part of the first column. What the columns are depends on the type in
// the fourth. New versions add columns at the end, so their number is not
// fixed. Of a TRAFFIC log, which is of a session, the source is the end that
// opened it. Times have no zone and are not read.
var panos = format{
	name: "panos", about: "PAN-OS TRAFFIC, THREAT and DECRYPTION logs, CSV over syslog",
	doc:     "Palo Alto Networks: syslog field descriptions https://docs.paloaltonetworks.com/pan-os/11-1/pan-os-admin/monitoring/use-syslog-for-monitoring/syslog-field-descriptions",
	grammar: grammarBare, seps: ",", quotes: true, more: true,
	order: "_ received _ type subtype _ _ source destination natsource natdestination _ _ _ app _ from to ingress egress _ _ _ _ sport dport natsport natdport _ proto action?",
	holds: "received=date, type=TRAFFIC|THREAT|DECRYPTION",
	fields: `kind=type, src=source, dst=destination, natsrc=natsource, natdst=natdestination, inzone=from, outzone=to, in=ingress, out=egress, sport=sport, dport=dport,
		natsport=natsport, natdport=natdport, proto=proto, outcome=action, state=subtype, reason=app`,
	outcomes: "alert=passed continue=passed drop-icmp=denied reset-client=denied reset-server=denied reset-both=denied block-url=denied block-ip=denied sinkhole=denied",
	role: func(in *annotate.Input, v *values) {
		// Of what it drops it has seen one packet, which may be an answer; non-syn-tcp
		// is a session that it did not see begin.
		if v.is(fieldKind, "TRAFFIC") {
			named(in, flow.Destination, !v.is(fieldState, "drop") && !v.is(fieldReason, "non-syn-tcp"))
		}
	},
}
