// Package flow counts packets to bidirectional flows, in bounded memory.
//
// A flow is the packets that two endpoints send each other over one transport in one
// network. An endpoint is an address and a port; the network is told by VLAN tags and
// tunnels, see [packet.Context]. The source of a flow is the endpoint that sent its
// first packet. That does not say which end is the client: a capture may begin in the
// middle. Where an opening message was seen (TCP SYN, SCTP INIT, DCCP Request),
// [Flow.Opening] says which end it was sent to.
//
// A [Table] takes the summaries of packets in the order of the capture. A flow ends
//
//   - when no packet came for longer than the idle time-out, or it lasted longer than
//     the active time-out,
//   - when a new connection opens between the same endpoints: an opening with another
//     sequence number, on a flow that has ended, was never answered, or is answered
//     for the new number (RFC 9293 section 3.10.7.4),
//   - when memory is full: then the flow ends that was idle for longest,
//   - at the end of the input.
//
// A flow that goes on after a time-out, or after it was ended for want of memory, does
// so in another part: see [Flow.Part].
//
// Only the packets, their order, and calls of [Table.Expire] (by live capture)
// decide. So the same input always gives the same flows.
package flow

import (
	"fmt"
	"net/netip"

	"github.com/portannot/portannot/capture/packet"
)

// Side is one end of a flow. The zero value, NoSide, is neither.
type Side = packet.Side

// The sides.
const (
	NoSide      = packet.NoSide
	Source      = packet.Source
	Destination = packet.Destination
)

// State says how far the connection of a flow got. It rests on the flow's packets
// alone. The zero value is StateUnknown.
type State uint8

// The states.
const (
	StateUnknown State = iota
	Attempted          // an opening, and no answer to it
	HalfOpen           // an opening that was accepted; nothing shows that the acceptance arrived
	Refused            // an opening that was answered by TCP RST, SCTP ABORT or DCCP Reset
	Rejected           // an ICMP error quotes the flow, and the other end sent nothing
	Established        // an opening that was accepted and confirmed; of UDP: packets both ways
	Closed             // both ends have closed it (TCP FIN, SCTP SHUTDOWN, DCCP Close)
	Reset              // ended by TCP RST, SCTP ABORT or DCCP Reset
	Midstream          // packets both ways, but no opening
	OneWay             // packets one way, and no opening
	numStates
)

var stateNames = [numStates]string{"unknown", "attempted", "half-open", "refused", "rejected", "established", "closed", "reset", "midstream", "one-way"}

// String returns the state in lower case: "half-open".
func (s State) String() string {
	if s < numStates {
		return stateNames[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// EndReason says why a flow ended.
type EndReason uint8

// The reasons.
const (
	EndNone    EndReason = iota // it has not ended
	EndInput                    // the input ended
	EndIdle                     // no packet for longer than Options.Idle
	EndActive                   // it lasted longer than Options.Active
	EndClosed                   // it was closed or reset, and no packet came for Options.Linger
	EndReopen                   // a new connection opened between the same endpoints
	EndEvicted                  // memory was full, and this flow was idle for longest
	EndCounter                  // a counter was full: 4,294,967,295 packets one way
	numEndReasons
)

var endNames = [numEndReasons]string{"", "input", "idle-timeout", "active-timeout", "closed", "reopened", "evicted", "counter-full"}

// String returns the reason in lower case: "idle-timeout".
func (r EndReason) String() string {
	if r < numEndReasons {
		return endNames[r]
	}
	return fmt.Sprintf("end(%d)", uint8(r))
}

// Opening says which end of a flow is the server, as far as the opening messages
// tell.
type Opening struct {
	// Server is the end to which an opening was sent, or which accepted one. It is
	// NoSide when neither was seen, and when both ends sent an opening.
	Server Side
	// Accept is true when the acceptance was seen (TCP SYN-ACK, SCTP INIT ACK, DCCP
	// Response), but not the opening.
	Accept bool
	// Confirmed is true when an acknowledgment or data followed.
	Confirmed bool
	// Inherited is true when the opening was seen in an earlier part of the flow.
	Inherited bool
}

// Counters are what one direction of a flow carried.
type Counters struct {
	Packets    uint64
	IPBytes    uint64 // by the length field of the IP header, with that header
	FrameBytes uint64 // on the wire, with the link header and all outer headers
	First      int64  // earliest time of a packet, in nanoseconds since the Unix epoch; valid if Packets > 0
	Last       int64  // latest time of a packet, likewise
	TCPFlags   uint8  // the flags of all packets
}

// ICMPError describes the ICMP or ICMPv6 errors that quote packets of a flow.
type ICMPError struct {
	Seen       bool
	Type, Code uint8 // of the first error, or of the first that says "not delivered" if there is one
	Count      uint32
}

// Flow is a flow, or one part of it, with all that is known of it.
type Flow struct {
	Number      uint64         // of its first packet in the run, from 1
	Source      netip.AddrPort // sender of the first packet, of part 1 where there are several
	Destination netip.AddrPort
	Protocol    uint8 // IP protocol number
	// Context is the VLAN tags and tunnels around the flow's packets; nil when
	// there are none. It is shared, and must not be changed.
	Context *packet.Context
	// Interface is the name of the interface that captured the first packet, of part 1
	// where there are several; "" when it is not known.
	Interface string
	Forward   Counters
	Reverse   Counters
	// Part is the number of this part, from 1. A flow has several parts where a
	// time-out or want of memory cut it.
	//
	// ID is the same in all parts of a flow. Other flows have other IDs, as far as 64
	// bits allow. It is a hash of the protocol, the ends, the context and the start of
	// part 1, and so the same in every run over the same packets.
	Part    uint32
	ID      uint64
	State   State
	Opening Opening
	End     EndReason
	ICMP    ICMPError
	// PPIDs are the SCTP payload protocol identifiers in the order in which they were
	// first seen, at most MaxPPIDs. The slice is valid as long as the Flow.
	PPIDs []uint32
	// Payload is the start of what the source sent, and the start of what the
	// destination sent. It is zero unless Options.Payload asks for it, and valid as
	// long as the Flow.
	Payload [2]Payload
	// Note is what Options.Note made of the payload, which is then zero. It is nil
	// where Options.Note was not called, and valid as long as the Flow.
	Note []byte

	pick Pick
}

// MaxPPIDs is the most identifiers that Flow.PPIDs holds.
const MaxPPIDs = 8

// Start returns the time of the earliest packet, in nanoseconds since the Unix epoch.
func (f *Flow) Start() int64 {
	if f.Forward.Packets == 0 || f.Reverse.Packets > 0 && f.Reverse.First < f.Forward.First {
		return f.Reverse.First
	}
	return f.Forward.First
}

// Last returns the time of the latest packet, in nanoseconds since the Unix epoch.
func (f *Flow) Last() int64 {
	if f.Forward.Packets == 0 || f.Reverse.Packets > 0 && f.Reverse.Last > f.Forward.Last {
		return f.Reverse.Last
	}
	return f.Forward.Last
}

// Packets returns the number of packets of both directions.
func (f *Flow) Packets() uint64 { return f.Forward.Packets + f.Reverse.Packets }

// IPBytes returns the sum of IPBytes of both directions.
func (f *Flow) IPBytes() uint64 { return f.Forward.IPBytes + f.Reverse.IPBytes }

// FrameBytes returns the sum of FrameBytes of both directions.
func (f *Flow) FrameBytes() uint64 { return f.Forward.FrameBytes + f.Reverse.FrameBytes }
