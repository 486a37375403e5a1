package render

// Field is one field of a record. Fields with an empty value are left out of
// JSON and are empty cells in CSV.
type Field struct {
	Name    string // as CSV names it; in JSON the dots are levels
	Type    string
	Meaning string
	CSV     bool // whether it is a column of CSV
}

// Fields documents all fields of the JSON and CSV output. Names outside
// "portannot" are those of the Elastic Common Schema.
func Fields() []Field {
	return []Field{
		{"@timestamp", "time", "time of the flow's earliest packet", true},
		{"event.start", "time", "the same", false},
		{"event.end", "time", "time of its latest packet", true},
		{"event.duration", "number", "nanoseconds between them", true},
		{"network.transport", "string", "tcp, udp, udplite, sctp or dccp", true},
		{"network.type", "string", "ipv4 or ipv6", true},
		{"network.iana_number", "string", "IP protocol number", false},
		{"network.community_id", "string", "Community ID version 1, seed 0", true},
		{"network.bytes", "number", "octets of both directions by the IP headers' length fields", true},
		{"network.packets", "number", "packets of both directions", true},
		{"network.vlan.id", "string", "outermost VLAN identifier; CSV: all of them, joined by \"|\"", true},
		{"network.inner.vlan.id", "string", "second VLAN identifier of stacked tags", false},
		{"source.ip", "string", "sender of the flow's first packet", true},
		{"source.port", "number", "its port", true},
		{"source.bytes", "number", "octets it sent, by the IP headers' length fields", true},
		{"source.packets", "number", "packets it sent", true},
		{"destination.ip", "string", "the other end", true},
		{"destination.port", "number", "its port", true},
		{"destination.bytes", "number", "octets it sent, likewise", true},
		{"destination.packets", "number", "packets it sent", true},
		{"client.*", "", "the end that is not the service, with the fields of source; absent when no side is known", false},
		{"server.*", "", "the end that is the service, likewise", false},
		{"portannot.service.side", "string", "which end is the service: source, destination, both (equal ports) or none", true},
		{"portannot.service.port", "number", "its port", true},
		{"portannot.service.reason", "string", "the rule that decided", true},
		{"portannot.service.confidence", "string", "certain, likely, weak or none", true},
		{"portannot.registered.status", "string", "status of the service port: assigned, reserved, unassigned, dynamic or unknown", true},
		{"portannot.registered.listed", "boolean", "whether the registry has a record of it", true},
		{"portannot.registered.transport_unspecified", "boolean", "the record names no transport", false},
		{"portannot.registered.name", "string", "preferred registered name", true},
		{"portannot.registered.names", "list", "all registered names, in order of preference", true},
		{"portannot.registered.description", "string", "the record's description", true},
		{"portannot.registered.range", "string", "system, user or dynamic (RFC 6335 section 6)", true},
		{"portannot.registered.span", "string", "the record's own range of ports, where it is more than one", true},
		{"portannot.registered.registration_date", "string", "as published: 2013-11-12 or 2005-04", true},
		{"portannot.registered.modification_date", "string", "likewise", true},
		{"portannot.registered.references", "list", "the record's references", false},
		{"portannot.registered.service_code", "string", "DCCP service code", false},
		{"portannot.registered.unauthorized_use", "string", "the registry's report of use without an assignment", true},
		{"portannot.registered.deassigned.date", "string", "when the port was de-assigned; CSV: portannot.registered.deassigned, with the former name", true},
		{"portannot.registered.deassigned.name", "string", "former name of a de-assigned port", false},
		{"portannot.registered.siblings", "list", "other transports on which the port is assigned", true},
		{"portannot.registered_after_traffic", "boolean", "the registration is younger than the flow", true},
		{"portannot.source_registered.*", "", "the fields of registered, for the source's port; CSV: status and name", true},
		{"portannot.destination_registered.*", "", "likewise, for the destination's port", true},
		{"portannot.local", "string", "your own name of the service port (--services)", true},
		{"portannot.source_local", "string", "your own name of the source's port", false},
		{"portannot.destination_local", "string", "your own name of the destination's port", false},
		{"portannot.state", "string", "attempted, half-open, refused, rejected, established, closed, reset, midstream or one-way", true},
		{"portannot.end", "string", "why the account ended: input, idle-timeout, active-timeout, reopened, evicted or counter-full", true},
		{"portannot.first_packet", "number", "number of the flow's first packet in the run, from 1", false},
		{"portannot.frame_bytes.source", "number", "octets on the wire that the source sent, link header included", true},
		{"portannot.frame_bytes.destination", "number", "octets on the wire that the destination sent", true},
		{"portannot.source_seen.first", "time", "first packet of the source", false},
		{"portannot.source_seen.last", "time", "last packet of the source", false},
		{"portannot.destination_seen.first", "time", "first packet of the destination", false},
		{"portannot.destination_seen.last", "time", "last packet of the destination", false},
		{"portannot.tcp_flags.source", "string", "TCP flags that the source sent: letters of FSRPAUEC", true},
		{"portannot.tcp_flags.destination", "string", "TCP flags that the destination sent", true},
		{"portannot.icmp_error.type", "number", "type of the first ICMP error that quoted the flow, of the first one that rejects it if any does", false},
		{"portannot.icmp_error.code", "number", "its code", false},
		{"portannot.icmp_error.count", "number", "how many quoted it", false},
		{"portannot.sctp.ppids", "list", "SCTP payload protocol identifiers seen", true},
		{"portannot.sctp.names", "list", "their names in IANA's list, in the same order", false},
		{"portannot.tunnel", "string", "the tunnels around the flow, outermost first, with their network identifiers: vxlan:42/gre", true},
		{"portannot.registry.edition", "string", "date of the registry's edition", true},
		{"portannot.registry.source", "string", "where it came from", true},
		{"portannot.caveat", "string", "the registry's warning: registration-does-not-validate-traffic", true},
	}
}
