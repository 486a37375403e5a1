package flowlog

import (
	"errors"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// jsonAdds is how all JSON formats are annotated.
const jsonAdds = `one object "portannot" at the end of the record's object`

func jsonFormat(name, about, reads string, shape *jsonShape) format {
	return format{name: name, about: about, reads: reads, adds: jsonAdds,
		detect: detectJSON(shape),
		start:  func(_ *Options, sample []byte) (layout, error) { return newJSON(shape, sample), nil },
	}
}

// has reports whether all fields are there.
func has(v *[numJSONFields]jsonValue, fields ...jsonField) bool {
	for _, f := range fields {
		if v[f] == (jsonValue{}) {
			return false
		}
	}
	return true
}

// portannotJSON is what portannot writes of captures, and of logs with
// -o json. What the object "portannot" says of the packets is kept, and the
// rule that decided the service end stands where it rests on them.
var portannotJSON = jsonFormat("portannot", "portannot's own JSON Lines",
	"network.transport network.iana_number source.ip source.port destination.ip destination.port @timestamp portannot.service",
	&jsonShape{
		paths: []jsonPath{
			{"network.transport", jsonProtocol}, {"network.iana_number", jsonProtocolNumber},
			{"source.ip", jsonSource}, {"source.port", jsonSourcePort},
			{"destination.ip", jsonDestination}, {"destination.port", jsonDestinationPort},
			{"@timestamp", jsonTime},
			{"portannot.service.side", jsonServer}, {"portannot.service.reason", jsonReason}, {"portannot.service.confidence", jsonConfidence},
			{"portannot.first_packet", jsonKind}, {"portannot.state", jsonOutcome}, {"network.packets", jsonPackets},
			// What others write, whose records were annotated.
			{"ecs.version", jsonForeign}, {"agent.type", jsonForeign}, {"event.kind", jsonForeign},
		},
		is: func(v *[numJSONFields]jsonValue) bool {
			return has(v, jsonServer) && (has(v, jsonKind) || has(v, jsonSourcePort) && !has(v, jsonForeign))
		},
		roles: func(j *jsonScan, r *Record) {
			var side flow.Side
			switch string(j.get(jsonServer)) {
			case "source":
				side = flow.Source
			case "destination":
				side = flow.Destination
			}
			certain := j.is(jsonConfidence, "certain")
			switch string(j.get(jsonReason)) {
			case "stated":
				r.Flow.Stated = side
			case "handshake":
				r.Flow.Opening = flow.Opening{Server: side, Confirmed: certain}
			case "handshake-answer":
				r.Flow.Opening = flow.Opening{Server: side, Accept: true, Confirmed: certain}
			case "handshake-earlier":
				r.Flow.Opening = flow.Opening{Server: side, Inherited: true, Accept: !certain, Confirmed: certain}
			}
		},
		outcome: func(j *jsonScan, _ *Record) annotate.Outcome { return ownOutcome(j.get(jsonOutcome)) },
	})

// zeekJSON is Zeek with LogAscii::use_json, all logs with ports.
var zeekJSON = jsonFormat("zeek-json", "Zeek, JSON (conn.log and all logs with id.orig_p and id.resp_p)",
	"id.orig_h id.orig_p id.resp_h id.resp_p proto ts; for the protocol also _path, version",
	&jsonShape{
		paths: []jsonPath{
			{"id.orig_h", jsonSource}, {"id.orig_p", jsonSourcePort}, {"id.resp_h", jsonDestination}, {"id.resp_p", jsonDestinationPort},
			{"proto", jsonProtocol}, {"ts", jsonTime}, {"_path", jsonKind}, {"version", jsonReply},
			{"conn_state", jsonOutcome}, {"history", jsonHistory}, {"orig_pkts", jsonSourcePackets}, {"resp_pkts", jsonDestinationPackets},
		},
		is: func(v *[numJSONFields]jsonValue) bool { return has(v, jsonSourcePort, jsonDestinationPort) },
		roles: func(j *jsonScan, r *Record) {
			r.Flow.Stated = flow.Destination
			if r.Flow.Protocol != 0 || j.get(jsonProtocol) != nil {
				return
			}
			path := j.get(jsonKind)
			r.Flow.Protocol = zeekProtocols[string(path)]
			if v := j.get(jsonReply); string(path) == "ssl" && len(v) > 4 && string(v[:4]) == "DTLS" {
				r.Flow.Protocol = 17
			}
		},
		outcome: func(j *jsonScan, r *Record) annotate.Outcome {
			return zeekOutcome(r.Flow.Protocol, j.get(jsonOutcome), j.get(jsonHistory))
		},
	})

// eve is Suricata's EVE. Its flow events have the client as source, as those
// with a direction say too; events of single packets (alert, anomaly…) without
// one have the packet's source.
var eve = jsonFormat("eve", "Suricata EVE (flow, and all events with ports)",
	"proto src_ip src_port dest_ip dest_port timestamp flow.start event_type direction",
	&jsonShape{
		paths: []jsonPath{
			{"proto", jsonProtocol}, {"src_ip", jsonSource}, {"src_port", jsonSourcePort}, {"dest_ip", jsonDestination}, {"dest_port", jsonDestinationPort},
			{"flow.start", jsonTime}, {"timestamp", jsonOtherTime}, {"event_type", jsonKind}, {"direction", jsonReply},
			{"flow.pkts_toserver", jsonSourcePackets}, {"flow.pkts_toclient", jsonDestinationPackets}, {"flow.action", jsonOutcome},
			{"tcp.tcp_flags_tc", jsonACK},
		},
		is: func(v *[numJSONFields]jsonValue) bool { return has(v, jsonKind, jsonOtherTime) },
		roles: func(j *jsonScan, r *Record) {
			switch string(j.get(jsonReply)) {
			case "to_server":
				r.Flow.Stated = flow.Destination
			case "to_client":
				r.Flow.Stated = flow.Source
			default:
				if j.is(jsonKind, "flow") {
					r.Flow.Stated = flow.Destination
				}
			}
		},
		outcome: eveOutcome,
	})

// gcp is VPC flow logs as Cloud Logging exports them. A record is one
// direction, as the end named by jsonPayload.reporter saw it, and says nothing
// of roles.
var gcp = jsonFormat("gcp", "Google Cloud VPC flow logs (LogEntry)",
	"jsonPayload.connection.{protocol,src_ip,src_port,dest_ip,dest_port} jsonPayload.start_time timestamp",
	&jsonShape{
		paths: []jsonPath{
			{"jsonPayload.connection.protocol", jsonProtocol},
			{"jsonPayload.connection.src_ip", jsonSource}, {"jsonPayload.connection.src_port", jsonSourcePort},
			{"jsonPayload.connection.dest_ip", jsonDestination}, {"jsonPayload.connection.dest_port", jsonDestinationPort},
			{"jsonPayload.start_time", jsonTime}, {"timestamp", jsonOtherTime},
		},
		is: func(v *[numJSONFields]jsonValue) bool { return has(v, jsonProtocol, jsonSource, jsonDestination) },
	})

// hubble is Cilium Hubble, `hubble observe -o json` and its exporter. The
// flow's is_reply says whether the source is the service's end.
var hubble = jsonFormat("hubble", "Cilium Hubble (hubble observe -o json, exporter)",
	"flow.IP.{source,destination} flow.l4.{TCP,UDP,SCTP}.{source_port,destination_port} flow.is_reply flow.l4.TCP.flags flow.time; also without \"flow\"",
	&jsonShape{
		paths: append(hubblePaths(""), hubblePaths("flow.")...),
		is: func(v *[numJSONFields]jsonValue) bool {
			return has(v, jsonSource, jsonDestination) && (has(v, jsonSourcePort) || has(v, jsonUDPSourcePort) || has(v, jsonSCTPSourcePort) || has(v, jsonKind))
		},
		roles: func(j *jsonScan, r *Record) {
			for _, p := range [...]struct {
				src, dst jsonField
				protocol uint8
			}{
				{jsonSourcePort, jsonDestinationPort, 6},
				{jsonUDPSourcePort, jsonUDPDestinationPort, 17},
				{jsonSCTPSourcePort, jsonSCTPDestinationPort, 132},
			} {
				if j.get(p.src) != nil || j.get(p.dst) != nil {
					r.Flow.Protocol = p.protocol
					j.values[jsonSourcePort], j.values[jsonDestinationPort] = j.values[p.src], j.values[p.dst]
					break
				}
			}
			switch string(j.get(jsonReply)) {
			case "true":
				r.Flow.Stated = flow.Source
			case "false":
				r.Flow.Stated = flow.Destination
			}
			if j.is(jsonSYN, "true") {
				r.Flow.Opening = flow.Opening{Server: flow.Destination}
				if j.is(jsonACK, "true") { // the flags are those of one packet
					r.Flow.Opening = flow.Opening{Server: flow.Source, Accept: true}
				}
			}
		},
		outcome: func(j *jsonScan, r *Record) annotate.Outcome {
			r.Flow.OneDirection = true
			o := actionOutcome(j.get(jsonKind))
			if o == annotate.Passed && r.Flow.Opening.Accept {
				return annotate.Answered
			}
			return o
		},
	})

func hubblePaths(prefix string) []jsonPath {
	paths := []jsonPath{
		{"IP.source", jsonSource}, {"IP.destination", jsonDestination},
		{"l4.TCP.source_port", jsonSourcePort}, {"l4.TCP.destination_port", jsonDestinationPort},
		{"l4.UDP.source_port", jsonUDPSourcePort}, {"l4.UDP.destination_port", jsonUDPDestinationPort},
		{"l4.SCTP.source_port", jsonSCTPSourcePort}, {"l4.SCTP.destination_port", jsonSCTPDestinationPort},
		{"l4.TCP.flags.SYN", jsonSYN}, {"l4.TCP.flags.ACK", jsonACK},
		{"is_reply", jsonReply}, {"time", jsonTime}, {"verdict", jsonKind},
	}
	for i := range paths {
		paths[i].path = prefix + paths[i].path
	}
	return paths
}

// goflow2JSON is what goflow2 prints of NetFlow, IPFIX and sFlow, and what its
// first version did.
var goflow2JSON = jsonFormat("goflow2", "goflow2 JSON, versions 1 and 2",
	"proto src_addr src_port dst_addr dst_port tcp_flags time_flow_start_ns time_received_ns; Proto SrcAddr SrcPort DstAddr DstPort TCPFlags TimeFlowStart",
	&jsonShape{
		paths: []jsonPath{
			{"proto", jsonProtocol}, {"src_addr", jsonSource}, {"src_port", jsonSourcePort}, {"dst_addr", jsonDestination}, {"dst_port", jsonDestinationPort},
			{"tcp_flags", jsonFlags}, {"time_flow_start_ns", jsonTime}, {"time_flow_start", jsonTime}, {"time_received_ns", jsonOtherTime},
			{"Proto", jsonProtocol}, {"SrcAddr", jsonSource}, {"SrcPort", jsonSourcePort}, {"DstAddr", jsonDestination}, {"DstPort", jsonDestinationPort},
			{"TCPFlags", jsonFlags}, {"TimeFlowStart", jsonTime}, {"TimeReceived", jsonOtherTime},
		},
		is: func(v *[numJSONFields]jsonValue) bool {
			return has(v, jsonSource, jsonDestination, jsonSourcePort, jsonDestinationPort)
		},
	})

// nfdumpJSON is nfdump -o json, an array of objects over several lines, and
// -o ndjson.
var nfdumpJSON = jsonFormat("nfdump-json", "nfdump -o json and -o ndjson",
	"proto src4_addr src6_addr src_port dst4_addr dst6_addr dst_port tcp_flags first t_first",
	&jsonShape{
		paths: []jsonPath{
			{"proto", jsonProtocol}, {"src4_addr", jsonSource}, {"src6_addr", jsonSource}, {"dst4_addr", jsonDestination}, {"dst6_addr", jsonDestination},
			{"src_port", jsonSourcePort}, {"dst_port", jsonDestinationPort}, {"tcp_flags", jsonFlags}, {"first", jsonTime}, {"t_first", jsonTime},
		},
		is: func(v *[numJSONFields]jsonValue) bool { return has(v, jsonProtocol, jsonSource, jsonDestination) },
	})

// ecs is any log with the field names of the Elastic Common Schema, as
// Packetbeat and Filebeat write them. server.* names the service's end.
var ecs = jsonFormat("ecs", "Elastic Common Schema (Packetbeat, Filebeat), keys nested or with dots",
	"network.transport network.iana_number source.ip source.port destination.ip destination.port server.ip server.port event.start @timestamp",
	&jsonShape{
		paths: []jsonPath{
			{"network.transport", jsonProtocol}, {"network.iana_number", jsonProtocolNumber},
			{"source.ip", jsonSource}, {"source.port", jsonSourcePort},
			{"destination.ip", jsonDestination}, {"destination.port", jsonDestinationPort},
			{"server.ip", jsonServer}, {"server.port", jsonServerPort},
			{"event.start", jsonTime}, {"@timestamp", jsonOtherTime},
		},
		is: func(v *[numJSONFields]jsonValue) bool {
			return (has(v, jsonOtherTime) || has(v, jsonProtocol)) && (has(v, jsonSourcePort) || has(v, jsonDestinationPort))
		},
		roles: func(j *jsonScan, r *Record) {
			port := j.get(jsonServerPort)
			if port == nil {
				return
			}
			// Equal as text is enough: both were written by one program.
			same := func(ip, p jsonField) bool {
				return string(j.get(p)) == string(port) && (j.get(jsonServer) == nil || string(j.get(ip)) == string(j.get(jsonServer)))
			}
			src, dst := same(jsonSource, jsonSourcePort), same(jsonDestination, jsonDestinationPort)
			if src != dst {
				r.Flow.Stated = sideIf(dst)
			}
		},
	})

// jsonLines is any other JSON, by the user's map.
var jsonLines = format{
	name: "jsonl", about: "any JSON objects, with --map", reads: "as --map says", adds: jsonAdds,
	start: func(o *Options, sample []byte) (layout, error) {
		if o.Map.IsZero() {
			return nil, errors.New("format jsonl needs a map of its fields")
		}
		shape := &jsonShape{}
		for _, p := range []jsonPath{
			{o.Map.Protocol, jsonProtocol}, {o.Map.Source, jsonSource}, {o.Map.SourcePort, jsonSourcePort},
			{o.Map.Destination, jsonDestination}, {o.Map.DestinationPort, jsonDestinationPort},
		} {
			if p.path != "" {
				shape.paths = append(shape.paths, p)
			}
		}
		return newJSON(shape, sample), nil
	},
}
