package decode

import (
	"github.com/portannot/portannot/capture/packet"
)

// emit appends a summary of the transport header of h, whose ports are the
// first four bytes of o in each of the five transports. The caller fills in
// the rest through the pointer, which the next emit makes invalid.
func (d *Decoder) emit(h *ipHeader, proto uint8, o layerData) *packet.Summary {
	d.out = append(d.out, packet.Summary{
		Time:      d.p.Time,
		Number:    d.p.Number,
		Src:       h.src,
		Dst:       h.dst,
		SrcPort:   be16(o.b),
		DstPort:   be16(o.b[2:]),
		Protocol:  proto,
		IPVersion: h.version,
		Context:   h.context,
		Interface: d.p.InterfaceName,
		ID:        h.ipID,
		FrameLen:  uint32(max(int(d.p.Length), len(d.p.Data))),
		IPLen:     h.length,
	})
	return &d.out[len(d.out)-1]
}

// payload sets what follows a transport header.
func payload(s *packet.Summary, o layerData) {
	s.PayloadLen, s.Payload = uint32(o.n), o.b
}

func (d *Decoder) transportTCP(h *ipHeader, o layerData) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	s := d.emit(h, packet.TCP, o)
	if len(o.b) >= 20 {
		t := d.headers.decodeTCP(o.b)
		s.Sequence, s.Ack, s.Checksum, s.TCPFlags = t.sequence, t.ack, t.checksum, t.flags
		if t.length >= 20 {
			payload(s, o.from(t.length))
		}
	} else {
		if len(o.b) >= 8 {
			s.Sequence = be32(o.b[4:])
		}
		if len(o.b) >= 12 {
			s.Ack = be32(o.b[8:])
		}
		if len(o.b) >= 14 {
			s.TCPFlags = o.b[13]
		}
	}
	d.sawPorts(h, s)
	return Decoded
}

func (d *Decoder) transportUDP(h *ipHeader, o layerData) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	s := d.emit(h, packet.UDP, o)
	if len(o.b) < 8 {
		s.PayloadLen = uint32(max(o.n-8, 0))
		d.sawPorts(h, s)
		return Decoded
	}
	n, checksum := d.headers.decodeUDP(o.b)
	rest := o.from(8)
	// A length of 0 is a jumbogram or a segment for the network card; the
	// datagram's length in a fragment is that of all fragments.
	if n >= 8 {
		rest = rest.upTo(n - 8)
	}
	s.Checksum = checksum
	payload(s, rest)
	src, dst := s.SrcPort, s.DstPort
	at := len(d.out) - 1
	d.sawPorts(h, s)
	d.inUDP(h, at, src, dst, rest)
	return Decoded
}

// UDP-Lite has UDP's header, with a checksum coverage in the place of the
// length (RFC 3828 section 3.1).
func (d *Decoder) transportUDPLite(h *ipHeader, o layerData) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	s := d.emit(h, packet.UDPLite, o)
	if len(o.b) >= 8 {
		s.Checksum = be16(o.b[6:])
	}
	payload(s, o.from(8))
	d.sawPorts(h, s)
	return Decoded
}

func (d *Decoder) transportSCTP(h *ipHeader, o layerData) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	s := d.emit(h, packet.SCTP, o)
	if len(o.b) >= 12 {
		s.Ack, s.Checksum = be32(o.b[4:]), be16(o.b[10:])
		sctpChunks(s, o.from(12))
	}
	d.sawPorts(h, s)
	return Decoded
}

// SCTP chunk types (RFC 9260 section 3.2, RFC 8260 for I-DATA).
const (
	chunkData             = 0
	chunkInit             = 1
	chunkInitAck          = 2
	chunkAbort            = 6
	chunkShutdown         = 7
	chunkShutdownAck      = 8
	chunkCookieEcho       = 10
	chunkCookieAck        = 11
	chunkShutdownComplete = 14
	chunkIData            = 64
)

// sctpChunks walks the chunks of an SCTP packet: it sets the signals, the
// initiate tag, and the payload, which is the user data of the first DATA
// chunk; PayloadLen counts that of all.
func sctpChunks(s *packet.Summary, o layerData) {
	for len(o.b) >= 4 {
		n := int(be16(o.b[2:])) // without the padding behind it
		if n < 4 {
			return
		}
		c := o.upTo(n)
		switch typ := o.b[0]; typ {
		case chunkData, chunkIData:
			// type, flags, length, TSN, stream; then DATA has stream sequence
			// and PPID, I-DATA has reserved, message identifier, and PPID or,
			// when its B flag (2) is off, a fragment sequence number.
			head := 16
			if typ == chunkIData {
				head = 20
			}
			s.Signal |= packet.Data
			switch {
			case typ == chunkData && len(c.b) >= 16:
				notePPID(s, be32(c.b[12:]))
			case typ == chunkIData && c.b[1]&2 != 0 && len(c.b) >= 20:
				notePPID(s, be32(c.b[16:]))
			}
			user := c.from(head)
			if s.PayloadLen == 0 {
				s.Payload = user.b
			}
			s.PayloadLen += uint32(user.n)
		case chunkInit, chunkInitAck:
			if typ == chunkInit {
				s.Signal |= packet.Init
			} else {
				s.Signal |= packet.InitAck
			}
			if len(c.b) >= 8 {
				s.Sequence = be32(c.b[4:])
			}
		case chunkAbort:
			s.Signal |= packet.Abort
		case chunkShutdown, chunkShutdownAck, chunkShutdownComplete:
			s.Signal |= packet.Shutdown
		case chunkCookieEcho, chunkCookieAck:
			s.Signal |= packet.Confirm
		}
		o = o.from((n + 3) &^ 3)
	}
}

// notePPID notes the identifier of a DATA chunk.
func notePPID(s *packet.Summary, id uint32) {
	switch {
	case !s.HasPPID:
		s.PPID, s.HasPPID = id, true
		return
	case s.Bundle != nil:
	case s.PPID == id:
		return
	default:
		s.Bundle = new(packet.Bundle)
		s.Bundle.Add(s.PPID)
	}
	s.Bundle.Add(id)
}

// dccpSignals gives the signals of each DCCP packet type (RFC 4340 section 5.1).
var dccpSignals = [16]packet.Signal{
	0: packet.Init,     // Request
	1: packet.InitAck,  // Response
	2: packet.Data,     // Data
	3: packet.Confirm,  // Ack
	4: packet.Data,     // DataAck
	5: packet.Shutdown, // CloseReq
	6: packet.Shutdown, // Close
	7: packet.Abort,    // Reset
	8: 0, 9: 0,         // Sync, SyncAck
}

// gopacket has no DCCP.
func (d *Decoder) transportDCCP(h *ipHeader, o layerData) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	s := d.emit(h, packet.DCCP, o)
	// ports, data offset in words, CCVal and coverage, checksum, then
	// reserved, type and the X bit, which makes the sequence number 48 bits.
	if len(o.b) >= 9 {
		s.Checksum = be16(o.b[6:])
		s.Signal = dccpSignals[o.b[8]>>1&0xf]
		if x := o.b[8]&1 != 0; x && len(o.b) >= 16 {
			s.Sequence = be32(o.b[12:]) // the lower 32 of 48 bits
			if typ := o.b[8] >> 1 & 0xf; typ != 0 && typ != 2 && len(o.b) >= 24 {
				s.Ack = be32(o.b[20:]) // all but Request and Data acknowledge (section 5.3)
			}
		} else if !x && len(o.b) >= 12 {
			s.Sequence = be24(o.b[9:])
		}
		payload(s, o.from(int(o.b[4])*4))
	}
	d.sawPorts(h, s)
	return Decoded
}

// sawPorts lets later fragments of the datagram know its ports.
func (d *Decoder) sawPorts(h *ipHeader, s *packet.Summary) {
	if h.more {
		d.firstFragment(h, s)
	}
}
