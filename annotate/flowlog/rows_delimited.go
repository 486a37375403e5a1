package flowlog

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// Formats of columns, with a header or without, and of text in columns.

// panosExport is what the web interface of PAN-OS and Panorama exports.
var panosExport = format{
	name: "panos", about: "PAN-OS logs exported as CSV",
	doc:     "Palo Alto Networks: syslog field descriptions https://docs.paloaltonetworks.com/pan-os/11-0/pan-os-admin/monitoring/use-syslog-for-monitoring/syslog-field-descriptions/decryption-log-fields",
	grammar: grammarTable, seps: ",", quotes: true,
	know: "Source address, Destination address, Source Port, Destination Port, IP Protocol",
	fields: `kind=Type, state=Threat/Content Type, reason=Application, src=Source address, dst=Destination address, natsrc=NAT Source IP, natdst=NAT Destination IP,
		inzone=Source Zone, outzone=Destination Zone, in=Inbound Interface, out=Outbound Interface, sport=Source Port, dport=Destination Port,
		natsport=NAT Source Port, natdport=NAT Destination Port, proto=IP Protocol, outcome=Action`,
	role: panos.role, outcomes: panos.outcomes,
}

// nfdump's text for people, in its formats line, long and extended:
//
//	2026-09-14 09:00:00.123    12.345 TCP       192.0.2.10:50123 ->    198.51.100.20:443   .AP.SF   0       10     5000     1
//
// line has neither flags nor type of service. The port stands behind a dot where
// the address is of IPv6, which may be shortened in its middle. For ICMP it is
// type.code. Times are of the zone of the machine that printed them.
var nfdumpText = format{
	name: "nfdump", about: "nfdump -o line, long and extended",
	doc:     "nfdump(1), output formats https://manpages.ubuntu.com/manpages/noble/en/man1/nfdump.1.html",
	grammar: grammarSentences, begin: "20|Date first seen|Summary: |Time window: |Total flows processed: |Sys: ", aligned: true,
	oneWay:    true,
	sentences: []sentence{{"", "{}-{}-{} {}:{}:{} {} {proto} {src} -> {dst} {flags*}", ""}},
	adjust: func(_ *Record, v *values) bool {
		for _, x := range [...][2]field{{fieldSource, fieldSourcePort}, {fieldDestination, fieldDestinationPort}} {
			text := v.get(x[0])
			sep := byte('.')
			if bytes.Count(text, []byte{':'}) == 1 {
				sep = ':'
			}
			at := bytes.LastIndexByte(text, sep)
			if at < 0 {
				return true
			}
			v.put(x[0], text[:at])
			if port := text[at+1:]; bytes.IndexByte(port, '.') < 0 {
				v.put(x[1], port)
			}
		}
		rest := v.get(fieldFlags)
		v.put(fieldFlags, nil)
		word := func() (w []byte) { w, rest, _ = bytes.Cut(rest, []byte{' '}); return w }
		w := word()
		if _, number := parseUint(w, 1<<62); !number && len(w) > 5 {
			v.put(fieldFlags, w)
			word()
			w = word()
		}
		v.put(fieldPackets, w)
		return true
	},
}

// nfdumpPipe is nfdump -o pipe: numbers with bars between them. An address is
// four of 32 bits, of which IPv4 uses the last.
var nfdumpPipe = format{
	name: "nfdump", about: "nfdump -o pipe",
	doc:     nfdumpText.doc,
	grammar: grammarBare, seps: "|",
	order:  "family first _ last _ proto _ _ s2 src sport _ _ d2 dst dport _ _ in out flags _ packets bytes",
	holds:  "family=2|10, first=number, last=number, proto=number, sport=number, dport=number, flags=number, packets=number, bytes=number",
	fields: "kind=family, proto=proto, src=src, sport=sport, dst=dst, dport=dport, time=first, in=in, out=out, flags=flags, packets=packets",
	oneWay: true,
	adjust: func(r *Record, v *values) bool {
		from := 0
		for _, f := range [...]field{fieldSource, fieldDestination} {
			n, ok := parseUint(v.get(f), 1<<32-1)
			if !ok || !v.is(fieldKind, "2") {
				v.put(f, nil) // an address of IPv6 is in four columns
				continue
			}
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], uint32(n))
			if f == fieldSource {
				r.scratch = r.scratch[:0]
			}
			r.scratch = netip.AddrFrom4(b).AppendTo(r.scratch)
			v.put(f, r.scratch[from:len(r.scratch):len(r.scratch)])
			from = len(r.scratch)
		}
		return true
	},
}

// nfdumpPipe17 is the same of nfdump 1.7, whose times are milliseconds.
var nfdumpPipe17 = format{
	name: "nfdump", about: "nfdump -o pipe, 1.7",
	doc:     nfdumpText.doc,
	grammar: grammarBare, seps: "|",
	order:  "family first last proto _ _ s2 src sport _ _ d2 dst dport _ _ in out flags _ packets bytes",
	holds:  nfdumpPipe.holds,
	fields: nfdumpPipe.fields,
	oneWay: true,
	adjust: nfdumpPipe.adjust,
}

// CICFlowMeter's source sent the first packet that was seen. Names differ by
// version; the data sets CICIDS2017 and CSE-CIC-IDS2018 have others again. Its
// times are of an unknown zone.
var cicFlowMeter = format{
	name: "cicflowmeter", about: "CICFlowMeter and its data sets, CSV",
	doc:     "CICFlowMeter: FlowFeature.java https://github.com/ahlashkari/CICFlowMeter/blob/master/src/main/java/cic/cs/unb/ca/jnetpcap/FlowFeature.java",
	grammar: grammarTable, seps: ",", quotes: true,
	know: "Src IP, Src Port, Dst IP, Dst Port, Protocol, Flow Duration | Source IP, Source Port, Destination IP, Destination Port, Protocol, Flow Duration | " +
		"src_ip, src_port, dst_ip, dst_port, protocol, flow_duration",
	fields: `proto=Protocol|protocol, src=Src IP|Source IP|src_ip, sport=Src Port|Source Port|src_port, dst=Dst IP|Destination IP|dst_ip, dport=Dst Port|Destination Port|dst_port,
		srcpackets=Tot Fwd Pkts|Total Fwd Packet|Total Fwd Packets|tot_fwd_pkts, dstpackets=Tot Bwd Pkts|Total Bwd packets|Total Backward Packets|tot_bwd_pkts`,
	roles:   "*=destination?",
	outcome: sessionOutcome,
	adjust: func(r *Record, v *values) bool {
		if v.is(fieldProtocol, "0") { // not IP: what stands for addresses and ports is none
			r.other()
			return false
		}
		return true
	},
}

// NFStream's source sent the first packet that was seen, of a flow that it may have met
// in the middle: that names no side.
var nfStream = format{
	name: "nfstream", about: "NFStream to_csv",
	doc:     "NFStream: NFlow attributes https://www.nfstream.org/docs/api",
	grammar: grammarTable, seps: ",", quotes: true,
	know: "src_ip, src_port, dst_ip, dst_port, protocol, bidirectional_first_seen_ms",
	fields: `proto=protocol, src=src_ip, sport=src_port, dst=dst_ip, dport=dst_port, time=bidirectional_first_seen_ms,
		srcpackets=src2dst_packets, dstpackets=dst2src_packets`,
	outcome: sessionOutcome,
}

// unswNB15 is the UNSW-NB15 data set with its names as header. Argus and Zeek made
// it; the source is the end that they took for the client.
var unswNB15 = format{
	name: "unsw-nb15", about: "UNSW-NB15 data set, CSV",
	doc:     "UNSW: the UNSW-NB15 dataset, features https://research.unsw.edu.au/projects/unsw-nb15-dataset",
	grammar: grammarTable, seps: ",", quotes: true,
	know:   "srcip, sport, dstip, dsport, proto",
	fields: "proto=proto, src=srcip, sport=sport, dst=dstip, dport=dsport, epoch=Stime|stime, srcpackets=Spkts|spkts, dstpackets=Dpkts|dpkts",
	roles:  "*=destination?", protocols: "ipnip=ipip rtp=udp",
	outcome: sessionOutcome,
	adjust:  unswProtocol,
}

// unswNB15Bare is the same without a header, as it is published.
var unswNB15Bare = format{
	name: "unsw-nb15", about: unswNB15.about,
	doc:     unswNB15.doc,
	grammar: grammarBare, seps: ",", more: true,
	order:  "srcip sport dstip dsport proto state _ _ _ _ _ _ _ service _ _ spkts dpkts _ _ _ _ _ _ _ _ _ _ stime ltime",
	holds:  "state=ACC|CLO|CON|ECO|ECR|FIN|INT|MAS|PAR|REQ|RST|TST|TXD|URH|URN|no, spkts=number, dpkts=number, stime=number, ltime=number",
	fields: "proto=proto, src=srcip, sport=sport, dst=dstip, dport=dsport, epoch=stime, srcpackets=spkts, dstpackets=dpkts",
	roles:  "*=destination?", protocols: unswNB15.protocols,
	outcome: sessionOutcome,
	adjust:  unswProtocol,
}

// unswProtocol passes over protocols of other names than IANA's, which have no
// ports.
func unswProtocol(r *Record, v *values) bool {
	if _, ok := parseProtocol(v.get(fieldProtocol)); !ok && !v.is(fieldProtocol, "ipnip") && !v.is(fieldProtocol, "rtp") {
		r.other()
		return false
	}
	return true
}

// pmacct's CSV, of its print plugin and its client. Its times are of the zone of
// the machine.
var pmacctCSV = format{
	name: "pmacct", about: "pmacct CSV, of the print plugin and the client",
	doc:     "pmacct: configuration directives, print_output https://github.com/pmacct/pmacct/blob/master/CONFIG-KEYS",
	grammar: grammarTable, seps: ",;\t|", quotes: true,
	know:   "SRC_IP, DST_IP, SRC_PORT, DST_PORT, PROTOCOL",
	fields: "proto=PROTOCOL, src=SRC_IP, sport=SRC_PORT, dst=DST_IP, dport=DST_PORT, flags=TCP_FLAGS, packets=PACKETS, in=IN_IFACE, out=OUT_IFACE",
	oneWay: true,
}
