package flowlog

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
)

const addsColumns = "columns at the end; the header extended"

// tableFormat makes a format of logs with a header. need are the columns by
// which the header is recognised.
func tableFormat(name, about, reads string, kind *tableKind, need ...column) format {
	return format{
		name: name, about: about, reads: reads, adds: addsColumns,
		detect: func(sample []byte) bool {
			t := kind.readHeader(firstLine(sample))
			if t == nil {
				return false
			}
			for _, c := range need {
				if !t.has(c) {
					return false
				}
			}
			return true
		},
		start: func(o *Options, sample []byte) (layout, error) { return newTable(kind, o.Fields, sample) },
	}
}

func (t *table) has(c column) bool { return slices.Contains(t.meanings, c) }

// AWS VPC flow logs are cells with a space between them, "-" for those without
// a value. In files (S3) they have a header, in streams (CloudWatch) not; the
// default format has the 14 fields of version 2, and a custom one any of all
// versions' fields in any order, which --fields names. srcaddr and dstaddr may
// be of something on the way (a NAT gateway, a load balancer, a pod's node);
// pkt-srcaddr and pkt-dstaddr are those in the packets. tcp-flags are ORed over
// the interval, but ACK is there only together with SYN: 2 and 3 are the
// client's direction, 18 and 19 the server's. flow-direction says which way
// the packets crossed the interface, which is nothing about client and server.
// NODATA and SKIPDATA lines tell that nothing was recorded: all is "-".
var awsVPC = format{
	name:  "aws",
	about: "AWS VPC flow logs v2 to v8, Transit Gateway flow logs (text)",
	reads: "protocol pkt-srcaddr pkt-dstaddr srcaddr dstaddr srcport dstport tcp-flags start action packets",
	adds:  addsColumns + `; "_" for spaces`,
	detect: func(sample []byte) bool {
		line := firstLine(sample)
		return awsKind.readHeader(line) != nil || isAWSDefault(line)
	},
	start: func(o *Options, sample []byte) (layout, error) {
		fields := o.Fields
		if len(fields) == 0 && isAWSDefault(firstLine(sample)) {
			fields = awsDefault
		}
		return newTable(&awsKind, fields, sample)
	},
}

// isAWSDefault reports a line of the default format.
func isAWSDefault(line []byte) bool {
	cells := bytes.Split(line, []byte{' '})
	n := len(cells)
	if n != len(awsDefault) && (!wereAdded(n-len(awsDefault)) || !bytes.HasSuffix(line, spaceDialect.last)) {
		return false
	}
	switch string(cells[13]) {
	case "OK", "NODATA", "SKIPDATA":
		return string(cells[0]) == "2"
	}
	return false
}

// awsDefault are the fields of the default format.
var awsDefault = strings.Fields("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status")

var awsKind = tableKind{
	seps: " ",
	column: func(name string) column {
		switch name {
		case "protocol":
			return protocolColumn
		case "srcaddr":
			return sourceColumn
		case "dstaddr":
			return destinationColumn
		case "pkt-srcaddr":
			return realSourceColumn
		case "pkt-dstaddr":
			return realDestinationColumn
		case "srcport":
			return sourcePortColumn
		case "dstport":
			return destinationPortColumn
		case "tcp-flags":
			return flagsColumn
		case "start":
			return startColumn
		case "action":
			return actionColumn
		case "packets":
			return packetsColumn
		}
		return otherColumn
	},
	read: func(r *Record, c *cells) {
		if !absent(c[realSourceColumn]) {
			c[sourceColumn] = c[realSourceColumn]
		}
		if !absent(c[realDestinationColumn]) {
			c[destinationColumn] = c[realDestinationColumn]
		}
		readPlain(r, c)
		r.Flow.Start = parseSeconds(c[startColumn])
		if flags, ok := parseUint(c[flagsColumn], 255); ok && r.Flow.Protocol == 6 {
			r.Flow.Opening = openingOfPacket(flags)
			if r.Flow.Opening.Accept && flags&tcpFIN != 0 {
				r.Flow.Opening.Confirmed = true // it went on to an orderly end
			}
		}
		f := &r.Flow
		f.OneDirection = true
		f.Packets, _ = parseUint(c[packetsColumn], 1<<62)
		if f.Outcome = actionOutcome(c[actionColumn]); f.Outcome == annotate.Passed && f.Opening.Accept {
			f.Outcome = annotate.Answered
		}
	},
}

const tcpFIN = 1

// nfdump -o csv. Up to 1.7.4 it has some 48 columns by the names of its format
// letters (sa, da, sp, dp, pr) and ends in a summary; from 1.7.5 on ten of its
// own choice or the user's, with long names. Flows are of one direction. For
// ICMP dp holds type.code. Times are of the zone of the machine that printed
// them, so they are not read.
var nfdumpCSV = tableFormat("nfdump-csv", "nfdump -o csv, 1.6 and 1.7",
	"pr sa da sp dp flg, or proto srcAddr dstAddr srcPort dstPort flags",
	&nfdumpKind, protocolColumn, sourceColumn, destinationColumn, sourcePortColumn, destinationPortColumn)

var nfdumpKind = tableKind{
	seps: ",",
	column: func(name string) column {
		switch name {
		case "pr", "proto":
			return protocolColumn
		case "sa", "srcAddr":
			return sourceColumn
		case "da", "dstAddr":
			return destinationColumn
		case "sp", "srcPort":
			return sourcePortColumn
		case "dp", "dstPort":
			return destinationPortColumn
		case "flg", "flags":
			return flagsColumn
		}
		return otherColumn
	},
	read: func(r *Record, c *cells) {
		readPlain(r, c)
		if r.Flow.Protocol == 6 {
			r.Flow.Opening = openingOf(letterFlags(c[flagsColumn]))
		}
	},
	pass: func(line []byte) bool {
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
	},
}

// letterFlags reads TCP flags from letters, "...AP.SF" or "FS PA", or from a
// number, "0x12" or "18".
func letterFlags(b []byte) (flags uint64) {
	if len(b) > 0 && b[0]-'0' <= 9 {
		n, err := strconv.ParseUint(string(b), 0, 16)
		if err != nil {
			return 0
		}
		return n
	}
	for _, c := range b {
		switch c {
		case 'S':
			flags |= tcpSYN
		case 'A':
			flags |= tcpACK
		case 'F':
			flags |= tcpFIN
		}
	}
	return flags
}

// Argus' ra with -c ,. SrcAddr and DstAddr are as the sensor judged, and Dir
// says how sure it is: for TCP "->" or "<-" point from the client, and a "?"
// in it says that the opening was not seen. For other protocols Dir tells who
// sent, which is no role. It is wrong in one case, where the sensor saw a
// SYN-ACK and no SYN: see argusAnswer. Without -n, ports are written as names of
// /etc/services, which cannot be taken back for sure. Only a StartTime in
// seconds since the epoch (-u) is free of a zone.
var argusCSV = tableFormat("argus", "Argus ra -c , (also ; or tab), ports with -n",
	"Proto SrcAddr DstAddr Sport Dport Dir State StartTime", &argusKind,
	protocolColumn, sourceColumn, destinationColumn, sourcePortColumn, destinationPortColumn)

var argusKind = tableKind{
	seps: ",\t;", quotes: true,
	column: func(name string) column {
		switch name {
		case "Proto":
			return protocolColumn
		case "SrcAddr":
			return sourceColumn
		case "DstAddr":
			return destinationColumn
		case "Sport":
			return sourcePortColumn
		case "Dport":
			return destinationPortColumn
		case "Dir":
			return directionColumn
		case "State":
			return stateColumn
		case "StartTime":
			return startColumn
		}
		return otherColumn
	},
	read: func(r *Record, c *cells) {
		switch string(c[protocolColumn]) {
		case "rtp", "rtcp", "udt": // what ra recognises in UDP
			c[protocolColumn] = udpName
		case "ipnip":
			c[protocolColumn] = ipipName
		case "man", "stp": // the sensor's own reports; a bridge's
			r.Kind = Other
			return
		}
		if _, ok := parseProtocol(c[protocolColumn]); !ok && !parseAddr(c[sourceColumn]).IsValid() {
			r.Kind = Other // of the link layer: names or Ethernet types, which may stand with 0 for ports
			return
		}
		readPlain(r, c)
		r.Flow.Start = parseSeconds(c[startColumn])
		dir := c[directionColumn]
		if r.Flow.Protocol != 6 || bytes.IndexByte(dir, '?') >= 0 {
			return
		}
		from, to := bytes.HasPrefix(dir, []byte("<")), bytes.HasSuffix(dir, []byte(">"))
		switch {
		case argusAnswer(c[stateColumn]): // the ports decide
		case to && !from:
			r.Flow.Stated = flow.Destination
		case from && !to:
			r.Flow.Stated = flow.Source
		}
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

var udpName, ipipName = []byte("udp"), []byte("ipip")

// SiLK's rwcut, whose cells are padded and end in a bar, and what rwtuc reads.
// Flows are of one direction; initialFlags are those of the first packet. For
// ICMP dPort holds type and code. Times are UTC.
var silk = tableFormat("silk", "SiLK rwcut (also rwtuc input)",
	"pro (protocol) sIP dIP sPort dPort flags initialF sTime", &silkKind, sourcePortColumn, destinationPortColumn)

var silkKind = tableKind{
	seps: "|",
	column: func(name string) column {
		switch name {
		case "pro", "protocol":
			return protocolColumn
		case "sIP":
			return sourceColumn
		case "dIP":
			return destinationColumn
		case "sPort":
			return sourcePortColumn
		case "dPort":
			return destinationPortColumn
		case "flags":
			return flagsColumn
		case "initialF", "initialFlags", "initialTCPflags":
			return initialFlagsColumn
		case "sTime":
			return startColumn
		}
		return otherColumn
	},
	read: func(r *Record, c *cells) {
		readPlain(r, c)
		r.Flow.Start = parseSlashTime(c[startColumn])
		if r.Flow.Protocol != 6 {
			return
		}
		if initial := letterFlags(c[initialFlagsColumn]); initial != 0 {
			r.Flow.Opening = openingOfPacket(initial)
		} else {
			r.Flow.Opening = openingOf(letterFlags(c[flagsColumn]))
		}
	},
}

// parseSlashTime reads "2026/09/14T09:00:00.123", or with hyphens, in UTC, or
// seconds since the epoch; 0 for anything else.
func parseSlashTime(b []byte) int64 {
	var t [40]byte
	if len(b) > len(t) || len(b) < 10 || b[4] != '/' || b[7] != '/' {
		if ns := parseRFC3339(b); ns != 0 {
			return ns
		}
		return parseSeconds(b)
	}
	n := copy(t[:], b)
	t[4], t[7] = '-', '-'
	return parseRFC3339(t[:n])
}

// tshark -T fields -E header=y: a packet on each line, columns by the names of
// the fields. A field that a packet has several times, since it holds another
// (ICMP errors, tunnels), has several values with a comma between them; the
// first is of the outer one. The transport is that of the ports that are there,
// unless ip.proto says it.
var tshark = tableFormat("tshark", "tshark -T fields -E header=y",
	"ip.proto ipv6.nxt ip.src ip.dst ipv6.src ipv6.dst {tcp,udp,sctp,dccp}.{srcport,dstport} icmp.type icmpv6.type tcp.flags tcp.flags.syn tcp.flags.ack frame.time_epoch",
	&tsharkKind)

var tsharkKind = tableKind{
	seps: "\t,;| ", quotes: true,
	column: func(name string) column {
		switch name {
		case "ip.proto":
			return protocolColumn
		case "ipv6.nxt":
			return nextHeaderColumn
		case "ip.src":
			return sourceColumn
		case "ip.dst":
			return destinationColumn
		case "ipv6.src":
			return realSourceColumn
		case "ipv6.dst":
			return realDestinationColumn
		case "tcp.srcport":
			return tcpSourceColumn
		case "tcp.dstport":
			return tcpDestinationColumn
		case "udp.srcport":
			return udpSourceColumn
		case "udp.dstport":
			return udpDestinationColumn
		case "sctp.srcport":
			return sctpSourceColumn
		case "sctp.dstport":
			return sctpDestinationColumn
		case "dccp.srcport":
			return dccpSourceColumn
		case "dccp.dstport":
			return dccpDestinationColumn
		case "icmp.type", "icmpv6.type":
			return icmpColumn
		case "tcp.flags":
			return flagsColumn
		case "tcp.flags.syn":
			return synColumn
		case "tcp.flags.ack":
			return ackColumn
		case "frame.time_epoch":
			return startColumn
		}
		return otherColumn
	},
	read: readTshark,
}

func readTshark(r *Record, c *cells) {
	for i, cell := range c {
		if at := bytes.IndexByte(cell, ','); at >= 0 {
			c[i] = cell[:at]
		}
	}
	src, dst := c[sourceColumn], c[destinationColumn]
	protocol := c[protocolColumn]
	if absent(src) && absent(dst) {
		src, dst = c[realSourceColumn], c[realDestinationColumn]
		if absent(protocol) {
			protocol = c[nextHeaderColumn]
		}
	}
	f := &r.Flow
	var ok bool
	if f.Protocol, ok = parseProtocol(protocol); !ok && !absent(protocol) {
		r.bad(badProtocol, protocol)
		return
	}
	_, ports := iana.TransportOf(f.Protocol)
	var sp, dp []byte
	switch {
	case ports || f.Protocol == 0 || isExtension(f.Protocol):
		for _, t := range [...]struct {
			protocol            uint8
			source, destination column
		}{
			{6, tcpSourceColumn, tcpDestinationColumn},
			{17, udpSourceColumn, udpDestinationColumn},
			{132, sctpSourceColumn, sctpDestinationColumn},
			{33, dccpSourceColumn, dccpDestinationColumn},
		} {
			// Wireshark has UDP-Lite's ports under UDP's names.
			if ports && f.Protocol != t.protocol && !(f.Protocol == 136 && t.protocol == 17) {
				continue
			}
			if absent(c[t.source]) && absent(c[t.destination]) {
				continue
			}
			if !ports {
				f.Protocol = t.protocol
			}
			sp, dp = c[t.source], c[t.destination]
			break
		}
		if !ports && !absent(c[icmpColumn]) {
			f.Protocol, sp, dp = 1, nil, nil
		}
	}
	if f.Protocol == 0 && sp == nil && dp == nil {
		r.Kind = Other // ARP, LLDP and the like
		return
	}
	r.readEnds(src, dst, sp, dp)
	f.Start = parseSeconds(c[startColumn])
	if f.Protocol == 6 && r.Kind == Flow {
		flags := letterFlags(c[flagsColumn])
		if isTrue(c[synColumn]) {
			flags |= tcpSYN
		}
		if isTrue(c[ackColumn]) {
			flags |= tcpACK
		}
		// Without ACK's column a SYN-ACK looks like a SYN.
		if c[flagsColumn] != nil || c[ackColumn] != nil {
			f.Opening = openingOfPacket(flags)
		}
	}
}

// isExtension reports an IPv6 extension header (RFC 8200 section 4), which
// ipv6.nxt names in the place of the transport.
func isExtension(protocol uint8) bool {
	switch protocol {
	case 43, 44, 51, 60, 135:
		return true
	}
	return false
}

func isTrue(cell []byte) bool { return string(cell) == "1" || string(cell) == "True" }

// genericCSV reads any text with a header, by the user's map.
var genericCSV = format{
	name:  "csv",
	about: "any CSV, TSV, or text with ; | or spaces, that has a header; needs a map",
	reads: "the columns that the map names",
	adds:  addsColumns,
	start: func(o *Options, sample []byte) (layout, error) {
		if o.Map.IsZero() {
			return nil, errors.New("format csv needs a map: proto=NAME,sport=NAME,dport=NAME,src=NAME,dst=NAME")
		}
		return newTable(genericKind(o.Map), o.Fields, sample)
	},
}

func genericKind(m Map) *tableKind {
	return &tableKind{
		seps: "\t,;| ", quotes: true,
		column: func(name string) column {
			switch name {
			case "":
			case m.Protocol:
				return protocolColumn
			case m.SourcePort:
				return sourcePortColumn
			case m.DestinationPort:
				return destinationPortColumn
			case m.Source:
				return sourceColumn
			case m.Destination:
				return destinationColumn
			}
			return otherColumn
		},
		read: readPlain,
	}
}
