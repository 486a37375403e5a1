// Package packet defines what decoding a packet yields and counting flows needs: a
// [Summary] of one transport header (TCP, UDP, UDP-Lite, SCTP or DCCP) and of the IP
// header before it, with the [Context] that says in which network the datagram was. It
// imports none of the packages that use it, so a program can have one without the
// others.
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

// Kind says what a Summary describes.
type Kind uint8

// The kinds.
const (
	Datagram Kind = iota // a datagram, or the first fragment of one, with its ports
	Fragment             // a later fragment; the ports are those of the first
	// Quoted is an ICMP or ICMPv6 error. Addresses, ports and protocol are those of
	// the datagram that it quotes, in the direction in which that was sent. It counts
	// as no packet of that flow.
	Quoted
)

// Signal is the set of control messages in a packet of SCTP (RFC 9260) or DCCP (RFC
// 4340). TCP has flags in their place.
type Signal uint8

// The signals. A packet of SCTP may have several, one for each chunk.
const (
	Init     Signal = 1 << iota // SCTP INIT, DCCP Request
	InitAck                     // SCTP INIT ACK, DCCP Response
	Data                        // SCTP DATA or I-DATA, DCCP Data or DataAck; payload is present
	Confirm                     // SCTP COOKIE ECHO or COOKIE ACK, DCCP Ack
	Shutdown                    // SCTP SHUTDOWN (any of the three), DCCP CloseReq or Close
	Abort                       // SCTP ABORT, DCCP Reset
)

// Summary describes one transport header of one packet. A packet in a tunnel has
// several: that of the carrier and that of the packet inside.
type Summary struct {
	Time   int64  // nanoseconds since the Unix epoch
	Number uint64 // the packet's number in the run, from 1

	// Src and Dst are the addresses in the IP header. With a source route, Dst is
	// the next hop. An IPv4 address is in the first four bytes, and the others are
	// zero.
	Src, Dst         [16]byte
	SrcPort, DstPort uint16
	Protocol         uint8 // IP protocol number: TCP, UDP, DCCP, SCTP or UDPLite
	IPVersion        uint8 // 4 or 6
	Kind             Kind
	TCPFlags         uint8  // TCP only
	Signal           Signal // SCTP and DCCP only
	ICMPType         uint8  // of the error; valid if Kind == Quoted
	ICMPCode         uint8  // likewise
	HasPPID          bool   // PPID is valid
	ID               uint16 // Identification of the IPv4 header; 0 for IPv6
	Checksum         uint16 // of the transport header (SCTP: the lower half of the CRC); 0 where it was not captured

	// Context is the VLAN tags and tunnels around the datagram; nil when there are
	// none. Datagrams with the same addresses in different Contexts are of different
	// flows.
	Context *Context
	// Sequence is the sequence number of TCP, the lower 32 bits of that of DCCP, or the
	// initiate tag of SCTP, which only INIT and INIT ACK have. It tells a repeated
	// opening from a new one. If Kind is Fragment, it is the offset of the fragment in
	// bytes.
	Sequence uint32
	// Ack is the acknowledgment number of TCP, valid if TCPFlags has ACK, the lower 32
	// bits of that of DCCP, or the verification tag of SCTP.
	Ack      uint32
	FrameLen uint32 // length of the whole frame on the wire in bytes, with all outer headers
	IPLen    uint32 // length of the IP datagram in bytes, with its header
	PPID     uint32 // SCTP payload protocol identifier of the first DATA chunk; valid if HasPPID
	// PayloadLen is the length in bytes of the transport payload as it was sent,
	// calculated from the length in the IP header. Of SCTP it is the user data of
	// all DATA and I-DATA chunks. It is 0 if Kind is Quoted.
	PayloadLen uint32
	// Payload is the captured part of the payload; for SCTP, of the first DATA or
	// I-DATA chunk's user data. It is nil unless Kind is Datagram, and valid as
	// long as the packet that was decoded.
	Payload []byte
	// Interface is the name of the interface that captured the packet; "" if it is not
	// known.
	Interface string
	// Bundle has all payload protocol identifiers of a packet of SCTP that has
	// different ones, and is nil otherwise.
	Bundle *Bundle
}

// MaxPPIDs is the most identifiers that a Bundle holds.
const MaxPPIDs = 8

// Bundle is the payload protocol identifiers of one SCTP packet, each once, in the
// order of its chunks.
type Bundle struct {
	PPIDs    [MaxPPIDs]uint32
	NumPPIDs uint8 // number of PPIDs that are valid
}

// Add appends an identifier, unless it is there already or there is no room for it.
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

// SrcAddr returns the source address.
func (s *Summary) SrcAddr() netip.Addr { return addr(s.Src, s.IPVersion) }

// DstAddr returns the destination address.
func (s *Summary) DstAddr() netip.Addr { return addr(s.Dst, s.IPVersion) }

func addr(a [16]byte, v uint8) netip.Addr {
	if v == 4 {
		return netip.AddrFrom4([4]byte(a[:4]))
	}
	return netip.AddrFrom16(a)
}
