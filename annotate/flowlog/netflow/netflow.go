// Package netflow annotates what flow exporters send: NetFlow version 5 and 9
// and IPFIX, from files or from the network, and sFlow version 5 from the network.
//
// An exporter is a router, a firewall or a probe. It counts the packets that it
// sees to flows, and sends records of the flows in messages. The fields of a
// version 5 record are fixed. A message of version 9 (RFC 3954) or IPFIX
// (RFC 7011, version number 10) consists of sets. A template set says which
// information elements a kind of record has, in which order and of which length.
// A data set names a template and holds records. Without its template a data set
// cannot be read, so templates are kept for each exporter and each of its
// observation domains. Options templates describe records about the exporter
// itself: its sampling, its clock.
//
// sFlow counts no flows. A switch takes one packet in N, and sends its first bytes
// as they are (sflow.org, "sFlow Version 5"). Its records are of one packet each. They
// have the time at which the datagram was received, since sFlow tells none, and no
// outcome. What the bytes mean is up to a packet decoder, see [Headers].
//
// Four things are easy to get wrong:
//
//   - Most records count one direction, and a flow is two records. They do not say
//     which end opened the connection. RFC 5103 records count both directions, the
//     other one in elements of enterprise 29305.
//   - TCP flags are those of all packets of a direction, ORed. SYN without ACK is
//     an opening that went no further. SYN with ACK says nothing: both ends send
//     both.
//   - A port of 0 may mean that there is none to report: in fragments, for ICMP
//     (with the type and code in the destination port), for SCTP where the exporter
//     does not decode it.
//   - Times come in a dozen forms. Those relative to the exporter's start need the
//     header of the message (NetFlow) or another element (IPFIX), and wrap after
//     49.7 days.
//
// # Hostile senders
//
// Nothing that is received is trusted. A template of a hundred bytes can make a
// decoder allocate for 65535 fields, or read records of no bytes forever; it is
// refused before the decoder sees it. Records with neither an address nor a port
// are only counted: thousands fit into one message, and they describe no flow.
// Everything that is left out is counted in [Stats], with its reason.
//
// Exporters share the work. An exporter is one source address, and what is kept
// for it is bounded (see [Limits]). When there is no room for a new exporter,
// domain or connection, it replaces one that has sent nothing useful, or nothing
// for half an hour; otherwise it is refused. Each exporter has a queue of its own
// in front of the decoder, and the queues take turns. So a sender can only hurt
// exporters whose address it uses. The source address of a datagram can be forged.
//
// A data set may arrive before its template: after a restart, or when datagrams
// are reordered. It is held for up to a minute, in bounded memory. If the template
// does not arrive, the set is counted as lost.
//
// # Design: how a message is read
//
// The decoders are those of github.com/netsampler/goflow2/v2, called for each set
// and each record. Its decoder of whole messages is not used: it gives up a message
// at the first damaged set, while RFC 7011 section 9.1 asks to account for what is
// skipped. When a template arrives, each field is resolved to what a [Record]
// needs of it, so that data records need no lookups (template.go, element.go).
package netflow

import (
	"fmt"
	"net/netip"

	"github.com/portannot/portannot/annotate"
)

// Version is the version number in the header of a message.
type Version uint16

// The supported versions.
const (
	V5    Version = 5
	V9    Version = 9
	IPFIX Version = 10
	// SFlow stands for version 5 of sFlow, which numbers its versions by itself.
	SFlow Version = 1<<8 | 5
)

// String returns "netflow-v5", "netflow-v9", "ipfix" or "sflow-v5".
func (v Version) String() string {
	switch v {
	case V5:
		return "netflow-v5"
	case V9:
		return "netflow-v9"
	case IPFIX:
		return "ipfix"
	case SFlow:
		return "sflow-v5"
	}
	return fmt.Sprintf("version %d", uint16(v))
}

// Counters count one direction of a flow. Most exporters count the bytes of IP
// packets, some (Cisco's firewalls) those of the payload.
type Counters struct {
	Bytes, Packets       uint64
	HasBytes, HasPackets bool
	// TCPFlags are the flags of all packets, ORed. Valid if HasFlags.
	TCPFlags uint8
	HasFlags bool
}

// Record is a data record that describes a flow.
type Record struct {
	Version  Version
	Exporter netip.Addr // as the record says, else the sender of the message; zero if unknown
	Domain   uint32     // IPFIX observation domain, version 9 source ID, version 5 engine type and ID, sFlow sub-agent
	Template uint16     // ID; 0 for version 5

	// Flow has the protocol, addresses, ports, roles and start time. A port that
	// the template does not have is marked as not reported.
	Flow annotate.Input
	End  int64 // time of the last packet, in nanoseconds since the Unix epoch; 0 if unknown

	// Forward counts what the source sent, Reverse what the destination sent.
	// Reverse is zero unless the record counts both directions.
	Forward, Reverse Counters

	ICMPType, ICMPCode uint8 // valid if HasICMP
	HasICMP            bool
	VLAN, InnerVLAN    uint16    // identifiers; 0 for none
	Direction          Direction // at the observation point
	EndReason          EndReason
	// Sampling is N if the exporter looked at one packet in N, and 0 if it does
	// not say. Counters are as exported, not multiplied.
	Sampling uint32
	Sample   Sample
}

// Direction is the direction of a flow at the observation point (element 61). It
// does not say which end is the service.
type Direction uint8

// The directions.
const (
	NoDirection Direction = iota
	Ingress
	Egress
)

// String returns "ingress", "egress" or "".
func (d Direction) String() string {
	switch d {
	case Ingress:
		return "ingress"
	case Egress:
		return "egress"
	}
	return ""
}

// EndReason is the reason why the exporter ended the flow (element 136).
type EndReason uint8

var endReasons = [...]string{"", "idle-timeout", "active-timeout", "end-of-flow", "forced", "lack-of-resources"}

// String returns the reason as portannot's own records have it, such as
// "idle-timeout", or "" if there is none.
func (r EndReason) String() string {
	if int(r) < len(endReasons) {
		return endReasons[r]
	}
	return fmt.Sprintf("reason-%d", uint8(r))
}
