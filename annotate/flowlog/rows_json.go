package flowlog

import (
	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// Formats of JSON, in the order in which an object is compared with them: the
// more particular come first.

// portannotJSON is what portannot writes of captures, and of logs with
// -o json. What the object "portannot" says of the packets is kept, and the
// rule that decided the service end stands where it rests on them.
var portannotJSON = format{
	name: "portannot", about: "portannot's own JSON Lines",
	doc:  "portannot help fields",
	know: "portannot.service.side, portannot.first_packet | portannot.service.side, source.port | portannot.service.side, destination.port",
	not:  "ecs.version, agent.type, event.kind", // of others, whose records were annotated
	fields: `proto=network.transport, protonum=network.iana_number, src=source.ip, sport=source.port, dst=destination.ip, dport=destination.port,
		time=@timestamp, server=portannot.service.side, reason=portannot.service.reason, confidence=portannot.service.confidence,
		state=portannot.state, outcome=portannot.outcome, packets=network.packets, bytes=network.bytes, end=event.end,
		kind=portannot.export.format, dstpackets=destination.packets, dstbytes=destination.bytes`,
	oneWayKinds: "netflow-v5 netflow-v9 ipfix sflow-v5",
	outcome: func(_ *Record, v *values) annotate.Outcome {
		if o, ok := annotate.ParseOutcome(string(v.get(fieldOutcome))); ok && o != annotate.NoOutcome {
			return o
		}
		return ownOutcome(v.get(fieldState))
	},
	adjust: func(r *Record, v *values) bool {
		// An export may count both directions, whose sum stands in network.*.
		for _, x := range [...]field{fieldDestinationPackets, fieldDestinationBytes} {
			if n, ok := parseUint(v.get(x), 1<<62); ok && n > 0 {
				v.drop(fieldKind)
			}
			v.drop(x)
		}
		var side flow.Side
		switch string(v.get(fieldServer)) {
		case "source":
			side = flow.Source
		case "destination":
			side = flow.Destination
		}
		// What came of other evidence than the record has is kept, unless something
		// stronger is known now.
		if why, ok := keptReasons[string(v.get(fieldReason))]; ok {
			r.kept = annotate.Service{Side: side, Reason: why, Confidence: confidences[string(v.get(fieldConfidence))]}
		}
		certain := v.is(fieldConfidence, "certain")
		switch string(v.get(fieldReason)) {
		case "stated":
			r.Flow.Stated = side
		case "hint":
			r.Flow.Hint = side
		case "handshake":
			r.Flow.Opening = flow.Opening{Server: side, Confirmed: certain}
		case "handshake-answer":
			r.Flow.Opening = flow.Opening{Server: side, Accept: true, Confirmed: certain}
		case "handshake-earlier":
			r.Flow.Opening = flow.Opening{Server: side, Inherited: true, Accept: !certain, Confirmed: certain}
		}
		return true
	},
}

// keptReasons are reasons that a record of ours does not show again.
var keptReasons = map[string]annotate.Reason{
	annotate.ByPayload.String(): annotate.ByPayload, annotate.Listed.String(): annotate.Listed, annotate.OtherFlows.String(): annotate.OtherFlows,
}

var confidences = map[string]annotate.Confidence{"weak": annotate.Weak, "likely": annotate.Likely, "certain": annotate.Certain}

// eve is Suricata's EVE. Its flow events have the client as source, as those
// with a direction say too; events of single packets (alert, anomaly…) without
// one have the packet's source.
var eve = format{
	name: "eve", about: "Suricata EVE (flow, and all events with ports)",
	doc:  "Suricata: EVE JSON format https://docs.suricata.io/en/latest/output/eve/eve-json-format.html",
	know: "event_type, src_port, dest_port | event_type, timestamp, src_ip | event_type, timestamp, stats",
	fields: `proto=proto, src=src_ip, sport=src_port, dst=dest_ip, dport=dest_port, time=flow.start, time2=timestamp, kind=event_type, direction=direction,
		srcpackets=flow.pkts_toserver, dstpackets=flow.pkts_toclient, packets=netflow.pkts, srcbytes=flow.bytes_toserver,
		dstbytes=flow.bytes_toclient, bytes=netflow.bytes, end=flow.end|netflow.end, outcome=flow.action,
		history=tcp.tcp_flags_ts, dstflags=tcp.tcp_flags_tc`,
	oneWayKinds: "netflow",
	outcome:     eveOutcome,
	adjust:      eveCounts,
	role: func(in *annotate.Input, v *values) {
		eveRoles(in, v.get(fieldKind), v.get(fieldDirection), v.get(fieldHistory), v.get(fieldAnswerFlags))
	},
}

// eveCounts leaves out what other events than those of flows repeat of the counts
// of their flow.
func eveCounts(_ *Record, v *values) bool {
	if kind := string(v.get(fieldKind)); kind != "flow" && kind != "netflow" {
		for _, f := range [...]field{fieldSourcePackets, fieldDestinationPackets, fieldSourceBytes, fieldDestinationBytes, fieldEnd} {
			v.set &^= 1 << f
		}
	}
	return true
}

// gcp is VPC flow logs as Cloud Logging exports them. A record is one
// direction, as the end named by jsonPayload.reporter saw it, and says nothing
// of roles.
var gcp = format{
	name: "gcp", about: "Google Cloud VPC flow logs and firewall rules logs (LogEntry)",
	doc:  "Google Cloud: VPC Flow Logs records https://cloud.google.com/vpc/docs/about-flow-logs-records",
	know: "jsonPayload.connection.protocol, jsonPayload.connection.src_ip, jsonPayload.connection.dest_ip",
	fields: `proto=jsonPayload.connection.protocol, src=jsonPayload.connection.src_ip, sport=jsonPayload.connection.src_port,
		dst=jsonPayload.connection.dest_ip, dport=jsonPayload.connection.dest_port, time=jsonPayload.start_time, time2=timestamp, packets=jsonPayload.packets_sent,
		outcome=jsonPayload.disposition, bytes=jsonPayload.bytes_sent, end=jsonPayload.end_time`,
	oneWay: true,
}

// hubble is Cilium Hubble, `hubble observe -o json` and its exporter. The
// flow's is_reply says whether the source is the service's end. The flags are
// those of one packet.
var hubble = format{
	name: "hubble", about: "Cilium Hubble (hubble observe -o json, exporter)",
	doc: "Cilium: Hubble flow.proto https://docs.cilium.io/en/stable/_api/v1/flow/README/",
	know: `IP.source, IP.destination, verdict | flow.IP.source, flow.IP.destination, flow.verdict |
		IP.source, l4.TCP.source_port | IP.source, l4.UDP.source_port | IP.source, l4.SCTP.source_port |
		flow.IP.source, flow.l4.TCP.source_port | flow.IP.source, flow.l4.UDP.source_port | flow.IP.source, flow.l4.SCTP.source_port`,
	fields: `src=IP.source|flow.IP.source, dst=IP.destination|flow.IP.destination,
		tcpsport=l4.TCP.source_port|flow.l4.TCP.source_port, tcpdport=l4.TCP.destination_port|flow.l4.TCP.destination_port,
		udpsport=l4.UDP.source_port|flow.l4.UDP.source_port, udpdport=l4.UDP.destination_port|flow.l4.UDP.destination_port,
		sctpsport=l4.SCTP.source_port|flow.l4.SCTP.source_port, sctpdport=l4.SCTP.destination_port|flow.l4.SCTP.destination_port,
		syn=l4.TCP.flags.SYN|flow.l4.TCP.flags.SYN, ack=l4.TCP.flags.ACK|flow.l4.TCP.flags.ACK,
		direction=is_reply|flow.is_reply, time=time|flow.time, outcome=verdict|flow.verdict`,
	roles:  "direction: true=source false=destination",
	oneWay: true,
}

// goflow2JSON is what goflow2 prints of NetFlow, IPFIX and sFlow, and what its
// first version did.
var goflow2JSON = format{
	name: "goflow2", about: "goflow2 JSON, versions 1 and 2",
	doc:  "goflow2: protobuf fields https://github.com/netsampler/goflow2/blob/main/docs/protocols.md",
	know: "src_addr, dst_addr, src_port, dst_port | SrcAddr, DstAddr, SrcPort, DstPort",
	fields: `proto=proto|Proto, src=src_addr|SrcAddr, sport=src_port|SrcPort, dst=dst_addr|DstAddr, dport=dst_port|DstPort, flags=tcp_flags|TCPFlags,
		time=time_flow_start_ns|time_flow_start|TimeFlowStart, time2=time_received_ns|TimeReceived,
		packets=packets|Packets, bytes=bytes|Bytes, end=time_flow_end_ns|time_flow_end|TimeFlowEnd`,
	oneWay: true,
}

// nfdumpJSON is nfdump -o json, an array of objects over several lines, and
// -o ndjson.
var nfdumpJSON = format{
	name: "nfdump-json", about: "nfdump -o json and -o ndjson",
	doc:  "nfdump(1), output formats https://github.com/phaag/nfdump",
	know: "proto, src4_addr, dst4_addr | proto, src6_addr, dst6_addr",
	fields: `proto=proto, src=src4_addr|src6_addr, sport=src_port, dst=dst4_addr|dst6_addr, dport=dst_port, flags=tcp_flags,
		time=first|t_first, packets=in_packets, bytes=in_bytes, end=last|t_last`,
	oneWay: true,
}

// ecs is any log with the field names of the Elastic Common Schema, as
// Packetbeat and Filebeat write them. server.* names the service's end. It comes
// last: other formats have its fields too.
var ecs = format{
	name: "ecs", about: "Elastic Common Schema (Packetbeat, Filebeat), keys nested or with dots",
	doc:  "Elastic Common Schema: field reference https://www.elastic.co/docs/reference/ecs/ecs-field-reference",
	know: "@timestamp, source.port | @timestamp, destination.port | network.transport, source.port | network.transport, destination.port",
	fields: `proto=network.transport, protonum=network.iana_number, src=source.ip, sport=source.port, dst=destination.ip, dport=destination.port,
		server=server.ip, serverport=server.port, time=event.start, time2=@timestamp,
		srcpackets=source.packets, dstpackets=destination.packets, srcbytes=source.bytes, dstbytes=destination.bytes, end=event.end,
		kind=event.action`,
	oneWayKinds: "netflow_flow", // Filebeat's netflow input
}
