// Package flow accounts packets to bidirectional flows, in bounded memory.
//
// A flow is what two endpoints, an address and a port each, exchange over one
// transport within one context (VLAN and tunnel). Its source is the endpoint
// that sent the first packet seen; that is an observation about the capture,
// not a claim about who is the client. Where an opening message was seen (TCP
// SYN, SCTP INIT, DCCP Request), [Flow.Opening] says whose it was.
//
// A flow ends when it was idle for longer than the idle time-out, when it
// lasted longer than the active time-out, when its connection was closed and a
// new one opens between the same endpoints, when room is needed, or with the
// input. The packets decide, never the clock of the machine, so the same input
// always gives the same flows.
package flow

import (
	"fmt"
	"net/netip"

	"github.com/portannot/portannot/capture/packet"
)

// Side is one end of a flow. The zero value is neither.
type Side = packet.Side

// The sides.
const (
	NoSide      = packet.NoSide
	Source      = packet.Source
	Destination = packet.Destination
)

// State says how far a flow got, as its packets show it. The zero value is
// unknown.
type State uint8

// The states.
const (
	StateUnknown State = iota
	Attempted          // an opening without an answer
	HalfOpen           // an opening that was accepted, the acceptance not confirmed
	Refused            // an opening answered by TCP RST, SCTP ABORT or DCCP Reset
	Rejected           // an ICMP error quotes the flow, and the other end sent nothing
	Established        // a confirmed opening; UDP: packets both ways
	Closed             // ended by both ends
	Reset              // ended by TCP RST, SCTP ABORT or DCCP Reset
	Midstream          // packets both ways, the opening was not seen
	OneWay             // packets one way only, no opening among them
	numStates
)

var stateNames = [numStates]string{"unknown", "attempted", "half-open", "refused", "rejected", "established", "closed", "reset", "midstream", "one-way"}

// String gives the state in lower case: "half-open".
func (s State) String() string {
	if s < numStates {
		return stateNames[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// EndReason says why a flow's account was closed.
type EndReason uint8

// The reasons.
const (
	EndNone    EndReason = iota // the flow goes on
	EndInput                    // the input ended
	EndIdle                     // no packet for longer than the idle time-out
	EndActive                   // the flow lasted longer than the active time-out
	EndClosed                   // closed or reset, and quiet since
	EndReopen                   // closed, and a new opening followed between the same endpoints
	EndEvicted                  // the longest idle flow, when the table was full
	EndCounter                  // a packet counter was full (4,294,967,295 packets one way)
	numEndReasons
)

var endNames = [numEndReasons]string{"", "input", "idle-timeout", "active-timeout", "closed", "reopened", "evicted", "counter-full"}

// String gives the reason in lower case: "idle-timeout".
func (r EndReason) String() string {
	if r < numEndReasons {
		return endNames[r]
	}
	return fmt.Sprintf("end(%d)", uint8(r))
}

// Opening is what the opening messages say of a flow's roles.
type Opening struct {
	// Server is the side that an opening was sent to, or that accepted one;
	// NoSide when no opening was seen or both sides sent one.
	Server Side
	// Accept is true when only the acceptance was seen (TCP SYN-ACK, SCTP
	// INIT ACK, DCCP Response), not the opening itself.
	Accept bool
	// Confirmed is true when an acknowledgement or data followed.
	Confirmed bool
	// Inherited is true when the opening was seen in an earlier flow of the
	// same connection, which a time-out ended.
	Inherited bool
}

// Counters are what one direction of a flow carried.
type Counters struct {
	Packets    uint64
	IPBytes    uint64 // bytes by the IP header's length field, that header included
	FrameBytes uint64 // bytes on the wire, link header and outer headers included
	First      int64  // time of the first packet, nanoseconds since the Unix epoch; valid when Packets > 0
	Last       int64  // latest time of a packet; valid when Packets > 0
	TCPFlags   uint8  // all TCP flags seen, ORed
}

// ICMPError is an ICMP or ICMPv6 error that quoted a flow.
type ICMPError struct {
	Seen       bool
	Type, Code uint8 // of the first one
	Count      uint32
}

// Flow is one finished account.
type Flow struct {
	Number      uint64         // number of its first packet in the run, from 1
	Source      netip.AddrPort // sender of the first packet, of part 1 where there are several
	Destination netip.AddrPort
	Protocol    uint8 // IP protocol number
	// Context is the VLAN tags and tunnels around the flow's packets; nil when
	// there are none. It must not be changed.
	Context *packet.Context
	// Interface is the name of the interface that recorded the flow's first packet,
	// of part 1 where there are several; "" where it is not known.
	Interface string
	Forward   Counters
	Reverse   Counters
	// Part is 1, or the number of this part of a flow that a time-out, or want of
	// memory, has cut. ID is the same in all parts of a flow, and, as far as 64 bits
	// go, differs between flows. It is a hash of the flow's protocol, ends, context
	// and the start of part 1, and so the same in every run over the same packets.
	Part    uint32
	ID      uint64
	State   State
	Opening Opening
	End     EndReason
	ICMP    ICMPError
	// PPIDs are the SCTP payload protocol identifiers seen, in order of first
	// appearance, MaxPPIDs at most. The slice is valid as long as the Flow.
	PPIDs []uint32
	// Payload is the start of what the source sent, and of what the
	// destination did. It is valid as long as the Flow; zero unless
	// Options.Payload asks for it.
	Payload [2]Payload
	repeat  uint32 // how many flows with the same ends that started at the same time came before
	// Note is what Options.Note made of the payload, which is zero then; nil
	// where it was not called. It is valid as long as the Flow.
	Note []byte
}

// MaxPPIDs bounds Flow.PPIDs.
const MaxPPIDs = 8

// Start gives the time of the flow's earliest packet, in nanoseconds since the
// Unix epoch.
func (f *Flow) Start() int64 {
	if f.Forward.Packets == 0 || f.Reverse.Packets > 0 && f.Reverse.First < f.Forward.First {
		return f.Reverse.First
	}
	return f.Forward.First
}

// Last gives the time of the flow's latest packet, likewise.
func (f *Flow) Last() int64 {
	if f.Forward.Packets == 0 || f.Reverse.Packets > 0 && f.Reverse.Last > f.Forward.Last {
		return f.Reverse.Last
	}
	return f.Forward.Last
}

// Packets gives the packets of both directions.
func (f *Flow) Packets() uint64 { return f.Forward.Packets + f.Reverse.Packets }

// IPBytes gives the IP bytes of both directions.
func (f *Flow) IPBytes() uint64 { return f.Forward.IPBytes + f.Reverse.IPBytes }

// FrameBytes gives the bytes on the wire of both directions.
func (f *Flow) FrameBytes() uint64 { return f.Forward.FrameBytes + f.Reverse.FrameBytes }
