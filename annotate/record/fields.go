package record

import (
	"fmt"
	"slices"
	"strings"
)

// Schema is the version of the record. Each record has it as portannot.schema. It
// increases when a field is renamed or removed. Records of version 1 do not have
// the field.
const Schema = 2

// Type is the type of a field's value.
type Type uint8

// The types. In JSON, Text and Time are strings, and Port, Count and Fraction are numbers.
// In CSV, the elements of a List are separated by "|".
const (
	Text     Type = iota
	Port          // from 0 to 65535
	Count         // an unsigned 64-bit number
	Time          // RFC 3339 in UTC: 2026-08-17T09:00:00.000000000Z
	Fraction      // from 0 to 1
	Bool          // true or false
	List          // of texts or counts; in JSON alone, also of objects
)

// String gives "string", "number", "time", "boolean" or "list".
func (t Type) String() string {
	return [...]string{Text: "string", Port: "number", Count: "number", Fraction: "number", Time: "time", Bool: "boolean", List: "list"}[t]
}

// Place says where a field is printed. It is a set of bits.
type Place uint8

// The places. A field with none of them is reserved: it is not printed yet.
const (
	FlowJSON Place = 1 << iota // JSON, for flows of captures
	FlowCSV                    // CSV, for flows of captures
	LogJSON                    // JSON, for records of logs and of flow exporters
	LogCSV                     // CSV, for records of logs and of flow exporters
	Added                      // columns or pairs added to a log in its own format

	flowBoth = FlowJSON | FlowCSV
	logBoth  = LogJSON | LogCSV
	csvBoth  = FlowCSV | LogCSV
	all      = flowBoth | logBoth
	every    = all | Added
)

// Field is a field of the record.
type Field struct {
	// Name is the path of the field in JSON, with dots between the levels. In
	// CSV and in logs it is the name of the column. A name that ends in ".*"
	// stands for all fields of that object.
	Name    string
	Type    Type
	Meaning string
	When    string // when the field is present; "" for always
	In      Place  // where it is printed
}

const (
	ifSide   = "when the service side is known"
	ifListed = "when the registry has it"
	ifAny    = "when there is any"
	ifSeen   = "when payload was looked at and recognised"
	ifTold   = "in logs: when reported"
)

// fields are all fields of the record, in the order of the columns.
var fields = []Field{
	{"@timestamp", Time, "time of the flow's earliest packet", ifTold, all},
	{"event.start", Time, "the same", ifTold, FlowJSON | LogJSON},
	{"event.end", Time, "time of its latest packet", ifTold, flowBoth | LogJSON},
	{"event.duration", Count, "nanoseconds between them", ifTold, flowBoth | LogJSON},
	{"network.transport", Text, "tcp, udp, udplite, sctp or dccp; of an exporter also icmp and ipv6-icmp", ifTold, all},
	{"network.type", Text, "ipv4 or ipv6", ifTold, flowBoth | LogJSON},
	{"network.iana_number", Text, "IP protocol number", ifTold, all},
	{"network.community_id", Text, "Community ID version 1, seed 0", ifTold, flowBoth | LogJSON},
	{"network.bytes", Count, "bytes of both directions by the IP headers' length fields", ifTold, flowBoth | LogJSON},
	{"network.packets", Count, "packets of both directions", ifTold, flowBoth | LogJSON},
	{"network.vlan.id", Text, "outermost VLAN identifier", ifAny, flowBoth | LogJSON},
	{"network.inner.vlan.id", Text, "second VLAN identifier of stacked tags", ifAny, flowBoth | LogJSON},
	{"observer.ip", Text, "address of the exporter or agent", "for flow exporters' records", LogJSON},
	{"observer.ingress.interface.name", Text, "interface that recorded the flow's first packet, or by which it came in", "where the capture or the log names it", flowBoth | LogJSON},
	{"observer.ingress.interface.id", Text, "index of the interface by which a sampled packet came in", "in sFlow: when reported", LogJSON},
	{"observer.ingress.zone", Text, "zone it came from", "in logs: when reported", LogJSON},
	{"observer.egress.interface.name", Text, "interface by which it went out", "in logs: when reported", LogJSON},
	{"observer.egress.interface.id", Text, "index of the interface by which it went out", "in sFlow: when reported", LogJSON},
	{"observer.egress.zone", Text, "zone it went to", "in logs: when reported", LogJSON},
	{"source.ip", Text, "sender of the flow's first packet", ifTold, all},
	{"source.port", Port, "its port", ifTold, all},
	{"source.nat.ip", Text, "what the sender's address was translated to", "in logs: when it was", LogJSON},
	{"source.nat.port", Port, "and its port", "in logs: when it was", LogJSON},
	{"source.bytes", Count, "bytes it sent, by the IP headers' length fields", ifTold, flowBoth | LogJSON},
	{"source.packets", Count, "packets it sent", ifTold, flowBoth | LogJSON},
	{"destination.ip", Text, "the other end", ifTold, all},
	{"destination.port", Port, "its port", ifTold, all},
	{"destination.nat.ip", Text, "what the other end's address was translated to", "in logs: when it was", LogJSON},
	{"destination.nat.port", Port, "and its port", "in logs: when it was", LogJSON},
	{"destination.bytes", Count, "bytes it sent, likewise", ifTold, flowBoth | LogJSON},
	{"destination.packets", Count, "packets it sent", ifTold, flowBoth | LogJSON},
	{"client.*", Text, "the end that is not the service, with the fields of source", ifSide, FlowJSON | LogJSON},
	{"server.*", Text, "the end that is the service, likewise", ifSide, FlowJSON | LogJSON},
	{"portannot.outcome", Text, "what became of the flow: answered, refused, attempted, denied, passed or one-way", "in logs: when reported", logBoth},

	{"portannot.service.side", Text, "which end is the service: source, destination, both (equal ports) or none", "", every},
	{"portannot.service.port", Port, "its port", ifSide, every},
	{"portannot.service.reason", Text, "the rule that decided", "", every},
	{"portannot.service.confidence", Text, "certain, likely, weak or none", "", every},
	{"portannot.note", Text, "what the log does not report, so that less is known: protocol not reported, port not reported or protocol without ports", ifAny, logBoth | Added},
	{"portannot.registered.status", Text, "status of the service port: assigned, reserved, unassigned, dynamic or unknown", ifSide, every},
	{"portannot.registered.listed", Bool, "whether the registry has a record of it", ifSide, flowBoth | LogJSON},
	{"portannot.registered.transport_unspecified", Bool, "true: the record names no transport", ifListed, FlowJSON | LogJSON},
	{"portannot.registered.name", Text, "preferred registered name", ifListed, every},
	{"portannot.registered.names", List, "all registered names, in order of preference", ifListed, every},
	{"portannot.registered.description", Text, "the record's description", ifListed, flowBoth | LogJSON},
	{"portannot.registered.range", Text, "system, user or dynamic (RFC 6335 section 6)", ifSide, flowBoth | LogJSON},
	{"portannot.registered.span", Text, "the record's own range of ports, where it is more than one", ifListed, flowBoth | LogJSON},
	{"portannot.registered.registration_date", Text, "as published: 2013-11-12 or 2005-04", ifListed, flowBoth | LogJSON},
	{"portannot.registered.modification_date", Text, "likewise", ifListed, flowBoth | LogJSON},
	{"portannot.registered.references", List, "the record's references", ifListed, FlowJSON | LogJSON},
	{"portannot.registered.service_code", Text, "DCCP service code", ifListed, FlowJSON | LogJSON},
	{"portannot.registered.unauthorized_use", Text, "the registry's report of use without an assignment", ifListed, every},
	{"portannot.registered.deassigned.date", Text, "when the port was de-assigned", ifListed, every},
	{"portannot.registered.deassigned.name", Text, "former name of a de-assigned port", ifListed, every},
	{"portannot.registered.siblings", List, "other transports on which the port is assigned", ifAny, every},
	{"portannot.registered_after_traffic", Bool, "true: the registration is younger than the flow; absent where it is not, or where that is not known", ifAny, every},
	{"portannot.registered_later.name", Text, "with --as-of: what the port, not assigned on that day, was registered for later", ifAny, FlowJSON | LogJSON},
	{"portannot.registered_later.description", Text, "that record's description", ifAny, FlowJSON | LogJSON},
	{"portannot.registered_later.registration_date", Text, "its registration date, as published", ifAny, FlowJSON | LogJSON},
	{"portannot.registered_later.edition", Text, "the first known edition with it", "where the history is known", FlowJSON | LogJSON},
	{"portannot.source_registered.status", Text, "the fields of registered, for the source's port", "when the port is reported", every},
	{"portannot.source_registered.name", Text, "likewise", ifListed, every},
	{"portannot.source_registered.*", Text, "likewise", ifListed, FlowJSON | LogJSON},
	{"portannot.destination_registered.status", Text, "the fields of registered, for the destination's port", "when the port is reported", every},
	{"portannot.destination_registered.name", Text, "likewise", ifListed, every},
	{"portannot.destination_registered.*", Text, "likewise", ifListed, FlowJSON | LogJSON},
	{"portannot.local", Text, "your own name of the service port (--names)", ifAny, every},
	{"portannot.local_frequency", Fraction, "the share of hosts on which nmap found the service port open", "when the names are those of nmap-services", FlowJSON | LogJSON},
	{"portannot.source_local", Text, "your own name of the source's port", ifAny, FlowJSON | LogJSON},
	{"portannot.destination_local", Text, "your own name of the destination's port", ifAny, FlowJSON | LogJSON},
	{"portannot.practice", List, "software that by its own documentation uses the service port without being registered for it: objects with software, use, ports (of a range), document, url and read (the day on which it was read)", ifAny, FlowJSON | LogJSON},
	{"portannot.observed.protocol", Text, "what the payload looks like: tls, ssh, dns …; says nothing of the port", ifSeen, flowBoth | LogJSON},
	{"portannot.observed.strength", Text, "full or likely", ifSeen, flowBoth | LogJSON},
	{"portannot.observed.reason", Text, "what matched", ifSeen, flowBoth | LogJSON},
	{"portannot.observed.server_name", Text, `TLS server name, HTTP host, cookie of RDP, or the software that announced itself (SSH, MySQL); as sent, but for \xNN in place of bytes that are no printable ASCII`, ifSeen, flowBoth | LogJSON},
	{"portannot.observed.alpn", Text, "application protocol of TLS: the server's choice, or the client's first; likewise", ifSeen, flowBoth | LogJSON},
	{"portannot.observed.interface", Text, "UUID of the DCE/RPC interface that was asked for", ifSeen, flowBoth | LogJSON},
	{"portannot.observed.interface_name", Text, "its name, if that is known: epmapper, lsarpc …", ifSeen, flowBoth | LogJSON},
	{"portannot.observed.upgrade", Bool, "true: an end asked to go on in TLS or with another protocol", ifSeen, flowBoth | LogJSON},
	{"portannot.observed.verdict", Text, "consistent, contradicts, undecided, unrecognised, truncated or no payload", "unless --observe is off; of sFlow when there was payload", flowBoth | LogJSON},
	{"portannot.observed.verdict_reason", Text, "why", "when there was payload", flowBoth | LogJSON},

	{"portannot.state", Text, "attempted, half-open, refused, rejected, established, closed, reset, midstream or one-way", "", flowBoth},
	{"portannot.end", Text, "why the account ended: input, idle-timeout, active-timeout, reopened, evicted or counter-full", "", flowBoth},
	{"portannot.flow.id", Text, "16 hexadecimal digits that the parts of a flow share, and no other flow of the run", "", flowBoth},
	{"portannot.flow.part", Count, "1, or the number of this part of a flow that a time-out or want of memory has cut", "", flowBoth},
	{"portannot.capture", Text, "file of the flow's first packet", "with several files, or where it is chosen", FlowJSON},
	{"portannot.first_packet", Count, "number of the flow's first packet in the run, from 1", "", FlowJSON},
	{"portannot.frame_bytes.source", Count, "bytes on the wire that the source sent, link header included", "", flowBoth},
	{"portannot.frame_bytes.destination", Count, "bytes on the wire that the destination sent", "", flowBoth},
	{"portannot.source_seen.first", Time, "first packet of the source", ifAny, FlowJSON},
	{"portannot.source_seen.last", Time, "last packet of the source", ifAny, FlowJSON},
	{"portannot.destination_seen.first", Time, "first packet of the destination", ifAny, FlowJSON},
	{"portannot.destination_seen.last", Time, "last packet of the destination", ifAny, FlowJSON},
	{"portannot.tcp_flags.source", Text, "TCP flags that the source sent: letters of FSRPAUEC", "for TCP", flowBoth | LogJSON},
	{"portannot.tcp_flags.destination", Text, "TCP flags that the destination sent", "for TCP", flowBoth | LogJSON},
	{"portannot.icmp_error.type", Count, "type of the first ICMP error that quoted the flow, of the first one that rejects it if any does", ifAny, FlowJSON},
	{"portannot.icmp_error.code", Count, "its code", ifAny, FlowJSON},
	{"portannot.icmp_error.count", Count, "how many quoted it", ifAny, FlowJSON},
	{"portannot.icmp.type", Count, "ICMP type", "for exporters' records of ICMP", LogJSON},
	{"portannot.icmp.code", Count, "ICMP code", "for exporters' records of ICMP", LogJSON},
	{"portannot.sctp.ppids", List, "SCTP payload protocol identifiers seen", ifAny, flowBoth},
	{"portannot.sctp.names", List, "their names in IANA's list, in the same order", ifAny, FlowJSON},
	{"portannot.vlans", List, "all VLAN identifiers, outermost first", "when there are more than two", flowBoth},
	{"portannot.tunnel", Text, "the tunnels around the flow, outermost first, with their network identifiers: vxlan:42/gre", ifAny, flowBoth | LogJSON},
	{"portannot.export.format", Text, "netflow-v5, netflow-v9, ipfix or sflow-v5", "for exporters' records", LogJSON},
	{"portannot.export.domain", Count, "observation domain, source identifier or sub-agent", "for exporters' records", LogJSON},
	{"portannot.export.end", Text, "why the exporter ended the account", ifTold, LogJSON},
	{"portannot.export.direction", Text, "ingress or egress", ifTold, LogJSON},
	{"portannot.export.sampling", Count, "one of so many packets was looked at", ifTold, LogJSON},
	{"portannot.export.sample", Bool, "the record is of one sampled packet, not of a flow", "in sFlow", LogJSON},
	{"portannot.export.dropped", Count, "the device dropped the packet, for the reason of this number in sflow_drops.txt", "in sFlow: if so", LogJSON},
	{"portannot.from", Text, "the field of the envelope that held the record: message, event.original, _source …", "in objects that are an envelope", 0},
	{"portannot.registry.edition", Text, "date of the registry's edition that was asked", "", every},
	{"portannot.registry.as_of", Text, "the day for which the registry was asked", "with --as-of", FlowJSON | LogJSON},
	{"portannot.registry.later", Bool, "true: the edition is later than that day, for none as early is known; of that day only the date of each record is", "with --as-of", FlowJSON | LogJSON},
	{"portannot.registry.source", Text, "where it came from", "", flowBoth | LogJSON},
	{"portannot.schema", Count, "version of the record: " + fmt.Sprint(Schema), "", every},
	{"portannot.caveat", Text, "the registry's warning: registration-does-not-validate-traffic", "", every},
}

// Fields returns all fields of the record. The columns of CSV are in this order.
func Fields() []Field { return slices.Clone(fields) }

// Columns returns the names of the fields that are printed in a place, which is
// FlowCSV, LogCSV or Added, in the order of the columns.
func Columns(in Place) []string {
	var names []string
	for i := range fields {
		if fields[i].In&in != 0 {
			names = append(names, fields[i].Name)
		}
	}
	return names
}

// Lookup finds a field by its name. It also finds the fields that a name with
// ".*" stands for: client.port, for example, which has the type of source.port.
func Lookup(name string) (f Field, ok bool) {
	for i := range fields {
		if fields[i].Name == name {
			return fields[i], true
		}
	}
	for _, whole := range []struct{ of, as string }{
		{"client.", "source."}, {"server.", "source."},
		{"portannot.source_registered.", "portannot.registered."}, {"portannot.destination_registered.", "portannot.registered."},
	} {
		if rest, found := strings.CutPrefix(name, whole.of); found {
			if f, ok = Lookup(whole.as + rest); ok {
				f.Name, f.In = name, FlowJSON|LogJSON
			}
			return f, ok
		}
	}
	return Field{}, false
}

// AppendTable appends a table of all fields, in Markdown.
func AppendTable(dst []byte) []byte {
	dst = append(dst, "| field | type | captures | logs | meaning |\n|---|---|---|---|---|\n"...)
	for i := range fields {
		f := &fields[i]
		captures, logs := placeNames(f.In, FlowJSON, FlowCSV, 0), placeNames(f.In, LogJSON, LogCSV, Added)
		meaning := f.Meaning
		if f.When != "" {
			meaning += " (" + f.When + ")"
		}
		if f.In == 0 {
			meaning = "reserved: " + meaning
		}
		dst = fmt.Appendf(dst, "| `%s` | %s | %s | %s | %s |\n", f.Name, f.Type, captures, logs, strings.ReplaceAll(meaning, "|", "\\|"))
	}
	return dst
}

func placeNames(in, json, csv, added Place) string {
	var names []string
	for _, p := range []struct {
		place Place
		name  string
	}{{json, "JSON"}, {csv, "CSV"}, {added, "added"}} {
		if in&p.place != 0 {
			names = append(names, p.name)
		}
	}
	return strings.Join(names, ", ")
}
