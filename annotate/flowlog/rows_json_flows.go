package flowlog

import (
	"bytes"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// Formats of JSON of flow meters, clouds and firewalls.

// awsJSON is VPC flow logs as objects, as Athena, Firehose and Splunk's add-on
// give them. The names of the fields have "-" or "_".
var awsJSON = format{
	name: "aws", about: awsVPC.about,
	doc:  awsVPC.doc,
	know: "srcaddr, dstaddr, srcport, dstport",
	fields: `proto=protocol, src=srcaddr, dst=dstaddr, sport=srcport, dport=dstport, realsrc=pkt_srcaddr|pkt-srcaddr, realdst=pkt_dstaddr|pkt-dstaddr,
		flags1=tcp_flags|tcp-flags, epoch=start, outcome=action, packets=packets, bytes=bytes`,
	oneWay: true,
	adjust: awsOpening,
}

// Azure Firewall's structured logs, as diagnostics deliver them and as Log
// Analytics exports them. A rule is compared with a connection as it begins; of
// what it denies one packet is seen. An application rule has a name instead of the
// destination's address.
var azureFirewall = format{
	name: "azure-firewall", about: "Azure Firewall structured logs (AZFWNetworkRule, AZFWNatRule, AZFWApplicationRule), also as a message",
	doc:  "Azure: AZFWNetworkRule https://learn.microsoft.com/en-us/azure/azure-monitor/reference/tables/azfwnetworkrule",
	know: "properties.SourceIp, properties.SourcePort, properties.DestinationPort | SourceIp, SourcePort, DestinationPort, Protocol",
	fields: `proto=Protocol|properties.Protocol, src=SourceIp|properties.SourceIp, sport=SourcePort|properties.SourcePort,
		dst=DestinationIp|properties.DestinationIp, dport=DestinationPort|properties.DestinationPort, outcome=Action|properties.Action,
		natdst=TranslatedIp|properties.TranslatedIp, natdport=TranslatedPort|properties.TranslatedPort, time=TimeGenerated, time2=time`,
	protocols: "HTTPS=tcp HTTP=tcp MSSQL=tcp",
	roles:     "outcome: allow=destination?",
}

// azureFirewallText is the message of the older diagnostics.
var azureFirewallText = format{
	name: "azure-firewall", about: azureFirewall.about,
	doc:     "Azure: Azure Firewall logs and metrics https://learn.microsoft.com/en-us/azure/firewall/logs-and-metrics",
	grammar: grammarSentences, begin: "TCP request from |UDP request from |HTTPS request from |HTTP request from |MSSQL request from ",
	protocols: "HTTPS=tcp HTTP=tcp MSSQL=tcp",
	roles:     "outcome: allow=destination?",
	sentences: []sentence{
		{"", "{proto} request from {src}:{sport} to {dst}:{dport} was DNAT'ed to {natdst}:{natdport}", "outcome=allow"},
		{"", "{proto} request from {src}:{sport} to {dst}:{dport}. {*}Action: {outcome}[.]", ""},
	},
}

// OCSF is the Open Cybersecurity Schema Framework, class 4001 and others with
// two endpoints. Where a connection is opened, closed, failed or refused the
// source is its initiator; a report of traffic (6) has no roles.
var ocsf = format{
	name: "ocsf", about: "OCSF network activity and others with two endpoints",
	doc:  "OCSF: network activity https://docs.tenzir.com/reference/ocsf/1-1-0/classes/network_activity",
	know: "class_uid, src_endpoint.port | class_uid, dst_endpoint.port | class_uid, src_endpoint.ip, dst_endpoint.ip",
	fields: `proto=connection_info.protocol_name, protonum=connection_info.protocol_num, src=src_endpoint.ip, sport=src_endpoint.port,
		dst=dst_endpoint.ip, dport=dst_endpoint.port, time=start_time, time2=time, outcome=action|disposition, state=activity_id,
		flags=connection_info.tcp_flags, packets=traffic.packets, bytes=traffic.bytes`,
	roles: "state: 1=destination? 2=destination? 4=destination? 5=destination?",
	adjust: func(_ *Record, v *values) bool {
		if v.is(fieldProtocolNumber, "-1") { // not known
			v.drop(fieldProtocolNumber)
		}
		if _, ok := parseProtocol(v.get(fieldProtocol)); !ok { // of an application, say
			v.drop(fieldProtocol)
		}
		return true
	},
	outcome: func(_ *Record, v *values) annotate.Outcome {
		switch {
		case v.is(fieldState, "4"):
			return annotate.Attempted
		case v.is(fieldState, "5"):
			return annotate.Refused
		}
		return actionOutcome(v.get(fieldOutcome))
	},
}

// netObserv is OpenShift's network observability, and the flows of its eBPF
// agent. A record is of one direction.
var netObserv = format{
	name: "netobserv", about: "Network Observability flows (netobserv)",
	doc:    "OKD: network flows format reference https://docs.okd.io/4.11/network_observability/json-flows-format-reference.html",
	know:   "SrcAddr, DstAddr, TimeFlowStartMs | SrcAddr, DstAddr, TimeFlowEndMs",
	fields: `proto=Proto, src=SrcAddr, sport=SrcPort, dst=DstAddr, dport=DstPort, time=TimeFlowStartMs, end=TimeFlowEndMs, flags=Flags, packets=Packets, bytes=Bytes, in=Interface`,
	oneWay: true,
}

// openTelemetry is any object with the attributes of OpenTelemetry's semantic
// conventions, where those of the Elastic Common Schema are not; also as an array
// of attributes, as in OTLP.
var openTelemetry = format{
	name: "opentelemetry", about: "OpenTelemetry attributes source.address, destination.address, also in OTLP's JSON",
	doc:    "OpenTelemetry: semantic conventions, source, destination and network https://opentelemetry.io/docs/specs/semconv/registry/attributes/network/",
	know:   "source.address, source.port, destination.address, destination.port",
	not:    "source.ip, destination.ip",
	fields: "proto=network.transport, src=source.address, sport=source.port, dst=destination.address, dport=destination.port, time=timeUnixNano, time2=@timestamp|timestamp",
}

// pmacct's JSON, of its print, Kafka and AMQP plugins. Dates are of the zone of
// the machine; with timestamps_since_epoch they are numbers.
var pmacctJSON = format{
	name: "pmacct", about: "pmacct JSON",
	doc:  pmacctCSV.doc,
	know: "ip_src, ip_dst, port_src, port_dst",
	fields: `proto=ip_proto, src=ip_src, sport=port_src, dst=ip_dst, dport=port_dst, flags=tcp_flags, epoch=timestamp_start, packets=packets, bytes=bytes,
		in=iface_in, out=iface_out, natsrc=post_nat_ip_src, natdst=post_nat_ip_dst, natsport=post_nat_port_src, natdport=post_nat_port_dst`,
	oneWay: true,
}

// nProbe names fields as NetFlow 9 does. Where it counts both directions, the
// source sent the first packet that it saw. TCP_FLAGS is of both.
var nProbe = format{
	name: "nprobe", about: "nProbe JSON, names of NetFlow 9",
	doc:  "ntop: nProbe flow information elements https://www.ntop.org/guides/nprobe/flow_information_elements.html",
	know: "L4_SRC_PORT, L4_DST_PORT, IPV4_SRC_ADDR | L4_SRC_PORT, L4_DST_PORT, IPV6_SRC_ADDR",
	fields: `proto=PROTOCOL, src=IPV6_SRC_ADDR|IPV4_SRC_ADDR, sport=L4_SRC_PORT, dst=IPV6_DST_ADDR|IPV4_DST_ADDR, dport=L4_DST_PORT,
		flags=CLIENT_TCP_FLAGS, time=FLOW_START_MILLISECONDS, time2=FIRST_SWITCHED, srcpackets=IN_PKTS, dstpackets=OUT_PKTS, srcbytes=IN_BYTES, dstbytes=OUT_BYTES`,
	role: func(in *annotate.Input, v *values) {
		if v.has(fieldDestinationPackets) {
			in.Hint = flow.Destination
		}
	},
	outcome: sessionOutcome,
}

// yaf is what super_mediator writes of YAF's flows: names of IPFIX elements, in an
// object "flows" or at the top. The source sent the first packet that was seen,
// whose flags initialTCPFlags has, as letters.
var yaf = format{
	name: "yaf", about: "YAF and super_mediator JSON",
	doc:  "CERT NetSA: super_mediator, JSON exporter https://tools.netsa.cert.org/super_mediator/super_mediator.conf.html",
	know: "flows.sourceTransportPort, flows.destinationTransportPort | sourceTransportPort, destinationTransportPort, flowStartMilliseconds",
	fields: `proto=protocolIdentifier|flows.protocolIdentifier, src=sourceIPv4Address|sourceIPv6Address|flows.sourceIPv4Address|flows.sourceIPv6Address,
		sport=sourceTransportPort|flows.sourceTransportPort, dst=destinationIPv4Address|destinationIPv6Address|flows.destinationIPv4Address|flows.destinationIPv6Address,
		dport=destinationTransportPort|flows.destinationTransportPort, time=flowStartMilliseconds|flows.flowStartMilliseconds, end=flowEndMilliseconds|flows.flowEndMilliseconds,
		flags1=initialTCPFlags|flows.initialTCPFlags, srcpackets=packetTotalCount|flows.packetTotalCount, dstpackets=reversePacketTotalCount|flows.reversePacketTotalCount`,
	role: func(in *annotate.Input, v *values) {
		if v.has(fieldDestinationPackets) {
			in.Hint = flow.Destination
		}
	},
	adjust: func(_ *Record, v *values) bool {
		if b := v.get(fieldFirstFlags); bytes.ContainsAny(b, "PRU") { // letters that words have too
			v.put(fieldFirstFlags, nil)
		}
		return true
	},
	outcome: sessionOutcome,
}

// logstashNetFlow is what Logstash's netflow codec makes of NetFlow and IPFIX.
var logstashNetFlow = format{
	name: "logstash-netflow", about: "Logstash netflow codec",
	doc:  "Logstash: netflow codec https://github.com/logstash-plugins/logstash-codec-netflow/blob/master/lib/logstash/codecs/netflow/netflow.yaml",
	know: "netflow.l4_src_port, netflow.l4_dst_port | netflow.sourceTransportPort, netflow.destinationTransportPort",
	fields: `proto=netflow.protocol|netflow.protocolIdentifier, src=netflow.ipv4_src_addr|netflow.ipv6_src_addr|netflow.sourceIPv4Address|netflow.sourceIPv6Address,
		sport=netflow.l4_src_port|netflow.sourceTransportPort, dst=netflow.ipv4_dst_addr|netflow.ipv6_dst_addr|netflow.destinationIPv4Address|netflow.destinationIPv6Address,
		dport=netflow.l4_dst_port|netflow.destinationTransportPort, flags=netflow.tcp_flags|netflow.tcpControlBits, time=netflow.first_switched|netflow.flowStartMilliseconds,
		time2=@timestamp, packets=netflow.in_pkts|netflow.packetDeltaCount, bytes=netflow.in_bytes|netflow.octetDeltaCount`,
	oneWay: true,
}

// cortex is PAN-OS's logs as Strata Logging Service (Cortex Data Lake) forwards
// them.
var cortex = format{
	name: "cortex", about: "Palo Alto Strata Logging Service (Cortex Data Lake), JSON",
	doc:  "Palo Alto Networks: traffic HTTPS fields https://docs.paloaltonetworks.com/strata-logging-service/log-reference/network-logs/network-traffic-log/network-traffic-https-fields",
	know: "SourceAddress, DestinationAddress, SourcePort, DestinationPort | source_ip.value, dest_ip.value, source_port, dest_port",
	fields: `kind=LogType|log_type.value, state=Subtype|sub_type.value, reason=Application|app, proto=Protocol|protocol.value, src=SourceAddress|source_ip.value,
		sport=SourcePort|source_port, dst=DestinationAddress|dest_ip.value, dport=DestinationPort|dest_port, outcome=Action|action.value,
		inzone=FromZone|from_zone, outzone=ToZone|to_zone, in=InboundInterface, out=OutboundInterface, natsrc=NATSource, natdst=NATDestination,
		natsport=NATSourcePort, natdport=NATDestinationPort, time=TimeGenerated|time_generated`,
	role: panos.role, outcomes: panos.outcomes,
}
