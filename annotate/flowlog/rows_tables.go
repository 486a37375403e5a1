package flowlog

import (
	"bytes"

	"github.com/portannot/portannot/capture/flow"
)

// Formats of columns with a header, in the order in which a header is compared
// with them.

// AWS VPC flow logs are cells with a space between them, "-" for those without
// a value. In files (S3) they have a header, in streams (CloudWatch) not; the
// default format has the 14 fields of version 2, and a custom one any of all
// versions' fields in any order, which --columns names. srcaddr and dstaddr may
// be of something on the way (a NAT gateway, a load balancer, a pod's node);
// pkt-srcaddr and pkt-dstaddr are those in the packets. tcp-flags are ORed over
// the interval, but ACK is there only together with SYN: 2 and 3 are the
// client's direction, 18 and 19 the server's. flow-direction says which way
// the packets crossed the interface, which is nothing about client and server.
// NODATA and SKIPDATA lines tell that nothing was recorded: all is "-".
var awsVPC = format{
	name: "aws", about: "AWS VPC flow logs v2 to v8, Transit Gateway flow logs, text and JSON",
	doc:     "AWS: flow log records https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html",
	grammar: grammarTable, seps: " ",
	know: "srcport | dstport",
	fields: `proto=protocol, realsrc=pkt-srcaddr, realdst=pkt-dstaddr, src=srcaddr, dst=dstaddr, sport=srcport, dport=dstport, flags1=tcp-flags,
		epoch=start, outcome=action, packets=packets, bytes=bytes, end=end`,
	oneWay: true,
	adjust: awsOpening,
}

// awsDefault is the default format, without a header.
var awsDefault = format{
	name: "aws", about: awsVPC.about,
	doc:     "AWS: flow log records https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html",
	grammar: grammarBare, seps: " ",
	order:  "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
	holds:  "version=2, log-status=OK|NODATA|SKIPDATA",
	fields: "proto=protocol, src=srcaddr, dst=dstaddr, sport=srcport, dport=dstport, epoch=start, outcome=action, packets=packets, bytes=bytes, end=end",
	oneWay: true,
}

// awsOpening reads tcp-flags, whose ACK stands only beside SYN.
func awsOpening(r *Record, v *values) bool {
	if p, ok := parseProtocol(v.get(fieldProtocol)); !ok || p != 6 {
		return true
	}
	flags := parseFlags(v.get(fieldFirstFlags))
	r.Flow.Opening = openingOfPacket(flags)
	if r.Flow.Opening.Accept && flags&tcpFIN != 0 {
		r.Flow.Opening.Confirmed = true // it went on to an orderly end
	}
	return true
}

// nfdump -o csv. Up to 1.7.4 it has some 48 columns by the names of its format
// letters (sa, da, sp, dp, pr) and ends in a summary; from 1.7.5 on ten of its
// own choice or the user's, with long names. Flows are of one direction. For
// ICMP dp holds type.code. Times are of the zone of the machine that printed
// them, so they are not read.
var nfdumpCSV = format{
	name: "nfdump-csv", about: "nfdump -o csv, 1.6 and 1.7",
	doc:     "nfdump(1), output formats https://github.com/phaag/nfdump",
	grammar: grammarTable, seps: ",",
	know:   "pr, sa, da, sp, dp | proto, srcAddr, dstAddr, srcPort, dstPort",
	fields: "proto=pr|proto, src=sa|srcAddr, dst=da|dstAddr, sport=sp|srcPort, dport=dp|dstPort, flags=flg|flags, packets=packets, srcpackets=ipkt, dstpackets=opkt, bytes=bytes, srcbytes=ibyt, dstbytes=obyt",
	skip:   nfdumpSummary,
	oneWay: true,
}

func nfdumpSummary(line []byte) bool {
	if string(line) == "Summary" || bytes.HasPrefix(line, []byte("flows,bytes,packets,")) || string(line) == "No matched flows" {
		return true
	}
	for _, begin := range [...]string{"Summary:", "Time window:", "Total flows processed:", "Sys:", "No matching flows"} {
		if bytes.HasPrefix(line, []byte(begin)) {
			return true
		}
	}
	// The summary's numbers. Lines of flows begin with a date.
	commas := 0
	for _, c := range line {
		switch {
		case c == ',':
			commas++
		case c-'0' > 9:
			return false
		}
	}
	return commas == 5
}

// Argus' ra with -c ,. SrcAddr and DstAddr are as the sensor judged, and Dir
// says how sure it is: for TCP "->" or "<-" point from the client, and a "?"
// in it says that the opening was not seen. For other protocols Dir tells who
// sent, which is no role. It is wrong in one case, where the sensor saw a
// SYN-ACK and no SYN: see argusAnswer. Without -n, ports are written as names of
// /etc/services, which cannot be taken back for sure. Only a StartTime in
// seconds since the epoch (-u) is free of a zone.
var argusCSV = format{
	name: "argus", about: "Argus ra -c , (also ; or tab), ports with -n",
	doc:     "ra(1) of Argus https://openargus.org/argus-manpages",
	grammar: grammarTable, seps: ",\t;", quotes: true,
	know:      "Proto, SrcAddr, DstAddr, Sport, Dport",
	fields:    "proto=Proto, src=SrcAddr, dst=DstAddr, sport=Sport, dport=Dport, direction=Dir, state=State, epoch=StartTime, packets=TotPkts, bytes=TotBytes, duration=Dur",
	protocols: "rtp=udp rtcp=udp udt=udp ipnip=ipip", // what ra recognises
	adjust: func(r *Record, v *values) bool {
		protocol, known := uint8(0), false
		switch cell := v.get(fieldProtocol); string(cell) {
		case "man", "stp": // the sensor's own reports; a bridge's
			r.other()
			return false
		case "rtp", "rtcp", "udt", "ipnip":
			known = true
		default:
			protocol, known = parseProtocol(cell)
		}
		if !known && !parseAddr(v.get(fieldSource)).IsValid() {
			r.other() // of the link layer: names or Ethernet types, which may stand with 0 for ports
			return false
		}
		dir := v.get(fieldDirection)
		if protocol != 6 || bytes.IndexByte(dir, '?') >= 0 {
			return true
		}
		from, to := bytes.HasPrefix(dir, []byte("<")), bytes.HasSuffix(dir, []byte(">"))
		switch {
		case argusAnswer(v.get(fieldState)): // the ports decide
		case to && !from:
			r.Flow.Stated = flow.Destination
		case from && !to:
			r.Flow.Stated = flow.Source
		}
		return true
	},
}

// argusAnswer reports a state of a connection of which Argus may have seen the
// SYN-ACK but not the SYN. Argus 3.0.8 lets Dir point from its sender then,
// which is the server. The state is ACC, or with -Z b the flags of both ends,
// "SA_" or "SA_R". But ACC is also the state of a SYN and its SYN-ACK, and of a
// later record of that flow in which the SYN-ACK is repeated, where Dir points
// to the server; nothing in a usual log tells them apart.
func argusAnswer(state []byte) bool {
	if string(state) == "ACC" {
		return true
	}
	src, dst, ok := bytes.Cut(state, []byte("_"))
	return ok && bytes.IndexByte(src, 'S') >= 0 && bytes.IndexByte(src, 'A') >= 0 && bytes.IndexByte(dst, 'S') < 0
}

// SiLK's rwcut, whose cells are padded and end in a bar, and what rwtuc reads.
// Flows are of one direction; initialFlags are those of the first packet. For
// ICMP dPort holds type and code. Times are UTC.
var silk = format{
	name: "silk", about: "SiLK rwcut (also rwtuc input)",
	doc:     "rwcut(1) of SiLK https://tools.netsa.cert.org/silk/rwcut.html",
	grammar: grammarTable, seps: "|",
	know: "sPort, dPort",
	fields: `proto=pro|protocol, src=sIP, dst=dIP, sport=sPort, dport=dPort, flags=flags, flags1=initialF|initialFlags|initialTCPflags,
		time=sTime, packets=packets, bytes=bytes, end=eTime, duration=duration`,
	oneWay: true,
}

// tshark -T fields -E header=y: a packet on each line, columns by the names of
// the fields. A field that a packet has several times, since it holds another
// (ICMP errors, tunnels), has several values with a comma between them; the
// first is of the outer one. The transport is that of the ports that are there,
// unless ip.proto says it.
var tshark = format{
	name: "tshark", about: "tshark -T fields -E header=y",
	doc:     "tshark(1) https://www.wireshark.org/docs/man-pages/tshark.html",
	grammar: grammarTable, seps: "\t,;| ", quotes: true,
	know: "tcp.srcport | tcp.dstport | udp.srcport | udp.dstport | sctp.srcport | sctp.dstport | dccp.srcport | dccp.dstport",
	fields: `proto=ip.proto, nexthdr=ipv6.nxt, src=ip.src, dst=ip.dst, realsrc=ipv6.src, realdst=ipv6.dst,
		tcpsport=tcp.srcport, tcpdport=tcp.dstport, udpsport=udp.srcport, udpdport=udp.dstport,
		sctpsport=sctp.srcport, sctpdport=sctp.dstport, dccpsport=dccp.srcport, dccpdport=dccp.dstport,
		icmp=icmp.type|icmpv6.type, flags1=tcp.flags, syn=tcp.flags.syn, ack=tcp.flags.ack, epoch=frame.time_epoch`,
	adjust: func(r *Record, v *values) bool {
		tsharkTunnel(v)
		for f := range v.text {
			if v.has(field(f)) {
				if at := bytes.IndexByte(v.text[f], ','); at >= 0 {
					v.text[f] = v.text[f][:at]
				}
			}
		}
		if absent(v.get(fieldSource)) && absent(v.get(fieldDestination)) {
			if absent(v.get(fieldProtocol)) {
				v.put(fieldProtocol, v.get(fieldNextHeader))
			}
		} else {
			v.put(fieldRealSource, nil)
			v.put(fieldRealDestination, nil)
		}
		if b := v.get(fieldProtocol); !absent(b) {
			if _, ok := parseProtocol(b); !ok {
				r.bad(badProtocol, b)
				return false
			}
		}
		v.transportPorts(&r.Flow)
		if absent(v.get(fieldProtocol)) && absent(v.get(fieldSourcePort)) && absent(v.get(fieldDestinationPort)) && r.Flow.Protocol == 0 {
			r.other() // ARP, LLDP and the like
			return false
		}
		return true
	},
}

// tsharkTunnel goes to the packet inside of a tunnel without ports of its own,
// whose transport is the first that has them: the addresses are those of that
// packet.
func tsharkTunnel(v *values) {
	protocols := v.get(fieldProtocol)
	inner := 0
	for {
		first, rest, more := bytes.Cut(protocols, comma)
		p, ok := parseProtocol(first)
		if !ok || p != protocolIPv4 && p != protocolIPv6 && p != protocolGRE {
			break
		}
		if !more {
			if p == protocolIPv6 && !absent(v.get(fieldNextHeader)) { // its header has fields of its own
				v.put(fieldProtocol, v.get(fieldNextHeader))
				v.put(fieldSource, v.get(fieldRealSource))
				v.put(fieldDestination, v.get(fieldRealDestination))
			}
			return
		}
		protocols = rest
		inner++
	}
	v.put(fieldProtocol, protocols)
	for _, f := range [...]field{fieldSource, fieldDestination} {
		for range inner {
			if _, rest, more := bytes.Cut(v.get(f), comma); more {
				v.put(f, rest)
			}
		}
	}
}

// Protocols that are tunnels.
const (
	protocolIPv4 = 4
	protocolIPv6 = 41
	protocolGRE  = 47
)

var comma = []byte{','}

// exported is a table one of whose columns holds the line that was logged.
var exported = format{
	name: "export", about: "CSV with a column _raw or message that holds a record of any format",
	doc:     "Splunk: export search results https://help.splunk.com",
	grammar: grammarTable, seps: ",\t;", quotes: true,
	know:   "_raw | message | @message | event.original | Message",
	fields: "record=_raw|message|@message|event.original|Message",
}
