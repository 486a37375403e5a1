// Package packet holds the value that decoding makes and flow accounting
// takes: what one transport header, TCP, UDP, UDP-Lite, SCTP or DCCP, and the
// IP header before it say. It is a leaf, so that the users of either side need
// not compile the other.
package packet

import "net/netip"

// IP protocol numbers of the transports that make flows.
const (
	TCP     = 6
	UDP     = 17
	DCCP    = 33
	SCTP    = 132
	UDPLite = 136
)

// TCP flags (RFC 9293 section 3.1), as in byte 13 of the header.
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// Kind says what a Summary stands for.
type Kind uint8

// The kinds.
const (
	Datagram Kind = iota // a whole datagram or the first fragment of one: the ports were in it
	Fragment             // a later fragment, whose ports are known from the first one
	// Quoted is an ICMP or ICMPv6 error: the addresses, ports and protocol are
	// those of the datagram it quotes, in the direction in which that was
	// sent. ICMPType and ICMPCode are valid. It is no packet of the flow.
	Quoted
)

// Signal holds what a transport's control messages say of the association.
// TCP has its flags instead; SCTP (RFC 9260) and DCCP (RFC 4340) use these.
type Signal uint8

// The signals; several may be set where an SCTP packet bundles chunks.
const (
	Init     Signal = 1 << iota // SCTP INIT, DCCP Request
	InitAck                     // SCTP INIT ACK, DCCP Response
	Data                        // SCTP DATA or I-DATA, DCCP Data or DataAck; payload is present
	Confirm                     // SCTP COOKIE ECHO or COOKIE ACK, DCCP Ack
	Shutdown                    // SCTP SHUTDOWN (any of the three), DCCP CloseReq or Close
	Abort                       // SCTP ABORT, DCCP Reset
)

// Summary is one transport header of one packet. A packet inside a tunnel
// gives several: the outer ones first. It is comparable but for Payload.
type Summary struct {
	Time   int64  // nanoseconds since the Unix epoch
	Number uint64 // the packet's number in the run, from 1

	// Src and Dst are the addresses as sent, those of the IP header: while a
	// source route is under way Dst is the next stop. IPv4 stands in the first
	// four bytes, the rest zero.
	Src, Dst         [16]byte
	SrcPort, DstPort uint16
	Protocol         uint8 // IP protocol number: TCP, UDP, DCCP, SCTP or UDPLite
	IPVersion        uint8 // 4 or 6
	Kind             Kind
	TCPFlags         uint8  // TCP only
	Signal           Signal // SCTP and DCCP only
	ICMPType         uint8  // Kind Quoted only
	ICMPCode         uint8  // Kind Quoted only
	HasPPID          bool   // SCTP: there is a DATA chunk, and PPID is its
	// ID is the Identification of the IPv4 header, and Checksum that of the
	// transport header (SCTP: the lower half of the CRC): with the other numbers
	// they tell a packet from most others. 0 where there is none.
	ID, Checksum uint16

	// Context is the VLAN tags and tunnels around this header, which tell flows
	// with equal addresses apart; nil when there are none.
	Context *Context
	// Sequence is the TCP sequence number, the SCTP initiate tag when Signal
	// has Init or InitAck, or the lower 32 bits of DCCP's: what tells a
	// retransmitted opening from a new one. For Kind Fragment it is the
	// fragment's offset in bytes.
	Sequence uint32
	// Ack is the TCP acknowledgment number, valid with the flag ACK, the SCTP
	// verification tag, or the lower 32 bits of DCCP's acknowledgment number.
	Ack      uint32
	FrameLen uint32 // bytes of the whole frame on the wire, outer headers included
	IPLen    uint32 // total length of this header's IP datagram in bytes, its header included
	PPID     uint32 // SCTP: payload protocol identifier of the first DATA chunk; valid when HasPPID
	// PayloadLen is how many bytes of transport payload the datagram
	// carried on the wire, as far as the IP header tells. For SCTP it counts
	// the user data of all DATA and I-DATA chunks. For Kind Quoted it is 0.
	PayloadLen uint32
	// Payload is what was captured of it; valid as long as the packet is. For
	// SCTP it is the user data of the first DATA or I-DATA chunk. It is nil
	// for the kinds Fragment and Quoted.
	Payload []byte
	// Interface is the name of the interface that recorded the packet; "" where it is
	// not known.
	Interface string
	// Bundle has the identifiers of an SCTP packet whose DATA chunks have not all
	// the same; nil for all others.
	Bundle *Bundle
}

// MaxPPIDs bounds the identifiers of a Bundle.
const MaxPPIDs = 8

// Bundle lists payload protocol identifiers of one SCTP packet, each once, in the
// order of its chunks.
type Bundle struct {
	PPIDs    [MaxPPIDs]uint32
	NumPPIDs uint8 // how many of PPIDs are valid
}

// Add appends an identifier, unless it is there or there is no room.
func (b *Bundle) Add(id uint32) {
	for _, have := range b.PPIDs[:b.NumPPIDs] {
		if have == id {
			return
		}
	}
	if b.NumPPIDs < MaxPPIDs {
		b.PPIDs[b.NumPPIDs] = id
		b.NumPPIDs++
	}
}

// SrcAddr gives the source address as a netip.Addr.
func (s *Summary) SrcAddr() netip.Addr { return addr(s.Src, s.IPVersion) }

// DstAddr gives the destination address as a netip.Addr.
func (s *Summary) DstAddr() netip.Addr { return addr(s.Dst, s.IPVersion) }

func addr(a [16]byte, v uint8) netip.Addr {
	if v == 4 {
		return netip.AddrFrom4([4]byte(a[:4]))
	}
	return netip.AddrFrom16(a)
}
