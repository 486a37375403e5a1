// Package netflow annotates what flow exporters send: NetFlow version 5 and 9
// and IPFIX, from files or straight from the network.
//
// An exporter (a router, a firewall, a probe) watches packets at an observation
// point, accounts them to flows and sends records of flows in messages. A
// version 5 record has fixed fields. In version 9 (RFC 3954) and IPFIX
// (RFC 7011, which carries the version number 10) a message has sets:
// template sets say which information elements a kind of record has, in which
// order and how long each is, and data sets name a template and hold records.
// A data set is a row of bytes without meaning to whoever has not seen its
// template, so templates must be kept, for each exporter and each of its
// observation domains, as long as these go on. Options templates are the same
// for records that are about the exporter itself: its sampling, its clock.
//
// Four things are easily got wrong:
//
//   - Most records are of one direction only, and a flow of two directions is
//     two records. Which end opened the connection is not said. RFC 5103
//     records have both directions, the other one in elements of enterprise
//     29305.
//   - TCP flags are those of all packets ORed. SYN without ACK shows an opening
//     that its sender never went on with; SYN with ACK shows nothing, for a
//     client sends both as well.
//   - Ports of 0 may mean "none to report": fragments, ICMP (whose type and
//     code come in the destination port), SCTP on exporters that do not decode
//     it.
//   - Times come in a dozen ways. Those relative to the exporter's start need
//     the message's header (NetFlow) or a further element (IPFIX), and wrap
//     after 49.7 days.
//
// # What is trusted
//
// Nothing that comes in. A template of a hundred bytes can make a decoder
// allocate for 65535 fields, or read records of no bytes for ever; such are
// refused before the decoder sees them. A record that has neither an address nor
// a port says nothing of a flow, however many of them fit in a message, and is
// only counted. Whatever is left out is counted in [Stats] with its reason.
//
// The work is shared among exporters, which are told apart by the address that
// messages come from. What is kept of each is bounded (see [Limits]), and a new
// exporter, domain or connection takes the place of another only if that has
// never sent anything of use, or nothing for half an hour. Messages wait for the
// decoder in a queue for each exporter, and the queues take turns. So the only
// exporter that a sender can hurt is one whose address it uses: the sender of a
// datagram may be forged.
//
// A data set may come before its template, after a restart or when datagrams
// overtake each other. It is held for a minute, in bounded memory, and counted
// as lost when no template comes.
//
// # Design: how a message is read
//
// The decoders are those of github.com/netsampler/goflow2/v2, used set by set
// and record by record. Its decoder of whole messages is not used: that gives a
// message up at the first set that is damaged, while RFC 7011 section 9.1
// asks to account for what is skipped. When a template comes, each of its
// fields is resolved to what a [Record] wants of it, if anything, so that no
// data record needs to look elements up (template.go, element.go).
package netflow

import (
	"fmt"
	"net/netip"

	"github.com/portannot/portannot/annotate"
)

// Version is that of a message. IPFIX messages carry 10.
type Version uint16

// The versions that are read.
const (
	V5    Version = 5
	V9    Version = 9
	IPFIX Version = 10
)

// String gives "netflow-v5", "netflow-v9" or "ipfix".
func (v Version) String() string {
	switch v {
	case V5:
		return "netflow-v5"
	case V9:
		return "netflow-v9"
	case IPFIX:
		return "ipfix"
	}
	return fmt.Sprintf("version %d", uint16(v))
}

// Counters are what one direction of a record carried. Exporters differ in
// what they count as bytes: most count those of IP packets, some (Cisco's
// firewalls) those of the payload.
type Counters struct {
	Bytes, Packets       uint64
	HasBytes, HasPackets bool
	// TCPFlags are all flags seen, ORed; valid when HasFlags.
	TCPFlags uint8
	HasFlags bool
}

// Record is one data record that is about a flow.
type Record struct {
	Version  Version
	Exporter netip.Addr // by its own word or by the message's sender; zero when read from a file that does not say
	Domain   uint32     // IPFIX observation domain, version 9 source ID, version 5 engine type and ID
	Template uint16     // ID; 0 for version 5

	// Flow has the protocol, the addresses, the ports, the roles and the
	// start. A port is marked as absent when the template has none.
	Flow annotate.Input
	End  int64 // of the last packet, nanoseconds since the Unix epoch; 0 when not known

	// Forward is what the source sent. Reverse is what came back; it has
	// something for records of both directions only.
	Forward, Reverse Counters

	ICMPType, ICMPCode uint8 // valid when HasICMP
	HasICMP            bool
	VLAN, InnerVLAN    uint16    // identifiers; 0 for none
	Direction          Direction // at the observation point
	EndReason          EndReason
	// Sampling is n where the exporter looked at one packet in n; 0 when it
	// does not say. Counters are as exported, not multiplied.
	Sampling uint32
}

// Direction is which way a flow passed the observation point (element 61). It
// says nothing of roles.
type Direction uint8

// The directions.
const (
	NoDirection Direction = iota
	Ingress
	Egress
)

// String gives "ingress", "egress" or "".
func (d Direction) String() string {
	switch d {
	case Ingress:
		return "ingress"
	case Egress:
		return "egress"
	}
	return ""
}

// EndReason is why the exporter ended the flow (element 136).
type EndReason uint8

var endReasons = [...]string{"", "idle-timeout", "active-timeout", "end-of-flow", "forced", "lack-of-resources"}

// String gives the IPFIX registry's meaning of the value in the words of
// portannot's own records, "" for none.
func (r EndReason) String() string {
	if int(r) < len(endReasons) {
		return endReasons[r]
	}
	return fmt.Sprintf("reason-%d", uint8(r))
}
