package main

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
)

// IP protocol numbers (IANA, "Assigned Internet Protocol Numbers").
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoIPIP     = 4
	protoTCP      = 6
	protoUDP      = 17
	protoDCCP     = 33
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoAH       = 51
	protoICMPv6   = 58
	protoDestOpts = 60
	protoEtherIP  = 97
	protoSCTP     = 132
	protoUDPLite  = 136
)

// EtherTypes (IEEE Registration Authority).
const (
	etherIPv4      = 0x0800
	etherTEB       = 0x6558 // transparent Ethernet bridging, in GRE and GENEVE
	etherVLAN      = 0x8100
	etherIPv6      = 0x86dd
	etherMPLS      = 0x8847
	etherPPPoE     = 0x8864
	etherQinQ      = 0x88a8
	etherERSPANII  = 0x88be
	etherERSPANIII = 0x22eb
)

// TCP flags (RFC 9293 section 3.1).
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

// be16, be32 and cat put octets in a row, in network order.
func be16(v ...uint16) (b []byte) {
	for _, x := range v {
		b = binary.BigEndian.AppendUint16(b, x)
	}
	return b
}

func be32(v ...uint32) (b []byte) {
	for _, x := range v {
		b = binary.BigEndian.AppendUint32(b, x)
	}
	return b
}

func cat(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// pad fills b with zeros to a multiple of n octets.
func pad(b []byte, n int) []byte {
	for len(b)%n != 0 {
		b = append(b, 0)
	}
	return b
}

// sum16 is the Internet checksum (RFC 1071) of the parts, taken as one run of
// octets; every part but the last must have an even length.
func sum16(parts ...[]byte) uint16 {
	var s uint32
	for _, p := range parts {
		for i, x := range p {
			if i%2 == 0 {
				s += uint32(x) << 8
			} else {
				s += uint32(x)
			}
		}
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

// pseudo is the pseudo-header of a transport's checksum: RFC 9293 section
// 3.1 for IPv4, RFC 8200 section 8.1 for IPv6.
func pseudo(src, dst netip.Addr, proto uint8, length int) []byte {
	return cat(src.AsSlice(), dst.AsSlice(), be32(uint32(length)), []byte{0, 0, 0, proto})
}

// ipv4 makes an IPv4 datagram with time to live 64. flagsOffset is the word
// with the fragment flags and offset.
func ipv4(src, dst netip.Addr, proto uint8, id, flagsOffset uint16, payload []byte) []byte {
	h := cat([]byte{0x45, 0}, be16(uint16(20+len(payload)), id, flagsOffset), []byte{64, proto, 0, 0}, src.AsSlice(), dst.AsSlice())
	binary.BigEndian.PutUint16(h[10:], sum16(h))
	return append(h, payload...)
}

// ipv6 makes an IPv6 datagram with hop limit 64; next is the first header of
// the payload, which may be an extension header.
func ipv6(src, dst netip.Addr, next uint8, payload []byte) []byte {
	return cat([]byte{0x60, 0, 0, 0}, be16(uint16(len(payload))), []byte{next, 64}, src.AsSlice(), dst.AsSlice(), payload)
}

// ip makes a datagram of whichever version the addresses have.
func ip(src, dst netip.Addr, proto uint8, id uint16, payload []byte) []byte {
	if src.Is4() {
		return ipv4(src, dst, proto, id, 0x4000, payload) // don't fragment
	}
	return ipv6(src, dst, proto, payload)
}

// tcpOptions are the options of a common SYN: maximum segment size 1460,
// window scale 7, selective acknowledgements permitted.
var tcpOptions = []byte{2, 4, 0x05, 0xb4, 1, 3, 3, 7, 4, 2, 1, 1}

// tcp makes a TCP segment. The options' length must be a multiple of four.
func tcp(src, dst netip.AddrPort, seq, acknowledged uint32, flags uint8, options, payload []byte) []byte {
	b := cat(be16(src.Port(), dst.Port()), be32(seq, acknowledged),
		[]byte{uint8(20+len(options)) / 4 << 4, flags}, be16(64240, 0, 0), options, payload)
	binary.BigEndian.PutUint16(b[16:], sum16(pseudo(src.Addr(), dst.Addr(), protoTCP, len(b)), b))
	return b
}

// udp makes a UDP datagram (RFC 768).
func udp(src, dst netip.AddrPort, payload []byte) []byte {
	b := cat(be16(src.Port(), dst.Port(), uint16(8+len(payload)), 0), payload)
	c := sum16(pseudo(src.Addr(), dst.Addr(), protoUDP, len(b)), b)
	if c == 0 {
		c = 0xffff // zero would say that there is no checksum
	}
	binary.BigEndian.PutUint16(b[6:], c)
	return b
}

// udpLite makes a UDP-Lite datagram whose checksum covers its header only
// (RFC 3828): the length field holds the coverage, 8.
func udpLite(src, dst netip.AddrPort, payload []byte) []byte {
	h := be16(src.Port(), dst.Port(), 8, 0)
	binary.BigEndian.PutUint16(h[6:], sum16(pseudo(src.Addr(), dst.Addr(), protoUDPLite, 8+len(payload)), h))
	return append(h, payload...)
}

// SCTP chunk types (RFC 9260 section 3.2).
const (
	chunkData             = 0
	chunkInit             = 1
	chunkInitAck          = 2
	chunkSack             = 3
	chunkHeartbeat        = 4
	chunkAbort            = 6
	chunkShutdown         = 7
	chunkShutdownAck      = 8
	chunkCookieEcho       = 10
	chunkCookieAck        = 11
	chunkShutdownComplete = 14
)

// SCTP payload protocol identifiers (IANA).
const (
	ppidNone  = 0
	ppidM3UA  = 3
	ppidNGAP  = 60
	ppidIPFIX = 0 // RFC 7011 names none
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sctp makes an SCTP packet of chunks, with its CRC32c (RFC 9260 section 6.8
// and appendix A: the remainder goes out least significant octet first).
func sctp(src, dst netip.AddrPort, tag uint32, chunks ...[]byte) []byte {
	b := cat(be16(src.Port(), dst.Port()), be32(tag, 0), cat(chunks...))
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, castagnoli))
	return b
}

// chunk makes one SCTP chunk; its length leaves the padding out.
func chunk(kind, flags uint8, value []byte) []byte {
	return pad(cat([]byte{kind, flags}, be16(uint16(4+len(value))), value), 4)
}

// dataChunk makes a DATA chunk that holds a whole message on stream 0.
func dataChunk(tsn uint32, streamSeq uint16, ppid uint32, payload []byte) []byte {
	return chunk(chunkData, 3, cat(be32(tsn), be16(0, streamSeq), be32(ppid), payload))
}

// DCCP packet types (RFC 4340 section 5.1).
const (
	dccpRequest  = 0
	dccpResponse = 1
	dccpData     = 2
	dccpAck      = 3
	dccpDataAck  = 4
	dccpClose    = 6
	dccpReset    = 7
)

// dccp makes a DCCP packet with 48-bit sequence numbers. special is what the
// packet type puts behind the acknowledgement: the service code of a Request
// or Response, the reset code of a Reset.
func dccp(src, dst netip.AddrPort, kind uint8, seq, acknowledged uint64, special, payload []byte) []byte {
	b := cat(be16(src.Port(), dst.Port()), []byte{0, 0, 0, 0, kind<<1 | 1, 0}, be16(uint16(seq>>32)), be32(uint32(seq)))
	if kind != dccpRequest && kind != dccpData {
		b = cat(b, be16(0, uint16(acknowledged>>32)), be32(uint32(acknowledged)))
	}
	b = append(b, special...)
	b[4] = uint8(len(b) / 4)
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[6:], sum16(pseudo(src.Addr(), dst.Addr(), protoDCCP, len(b)), b))
	return b
}

// icmpError makes an ICMP (RFC 792) or ICMPv6 (RFC 4443) error from src to
// dst, with quoted the datagram that it is about.
func icmpError(src, dst netip.Addr, kind, code uint8, quoted []byte) []byte {
	b := cat([]byte{kind, code, 0, 0}, be32(0), quoted)
	if src.Is4() {
		binary.BigEndian.PutUint16(b[2:], sum16(b))
		return ipv4(src, dst, protoICMP, 0, 0, b)
	}
	binary.BigEndian.PutUint16(b[2:], sum16(pseudo(src, dst, protoICMPv6, len(b)), b))
	return ipv6(src, dst, protoICMPv6, b)
}

// etherType tells the EtherType of an IP datagram.
func etherType(datagram []byte) uint16 {
	if datagram[0]>>4 == 6 {
		return etherIPv6
	}
	return etherIPv4
}

// mac invents the address of a's interface: a locally administered one, and
// for multicast and broadcast the one that the standards prescribe (RFC 1112
// section 6.4, RFC 2464 section 7).
func mac(a netip.Addr) []byte {
	b := a.AsSlice()
	last := b[len(b)-4:]
	switch {
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	case a.IsMulticast() && a.Is4():
		return []byte{0x01, 0x00, 0x5e, last[1] & 0x7f, last[2], last[3]}
	case a.IsMulticast():
		return cat([]byte{0x33, 0x33}, last)
	}
	return cat([]byte{0x02, 0x00}, last)
}

// ethernet makes a frame without its check sequence, as captures hold it,
// padded to the 60 octets that the medium asks for: the padding is no payload.
// Tags are VLAN tags, the outermost first; of several the outer ones are
// service tags (IEEE 802.1Q, 802.1ad).
func ethernet(dst, src []byte, tags []uint16, kind uint16, payload []byte) []byte {
	b := cat(dst, src)
	for i, t := range tags {
		tpid := uint16(etherVLAN)
		if i < len(tags)-1 {
			tpid = etherQinQ
		}
		b = append(b, be16(tpid, t)...)
	}
	b = cat(b, be16(kind), payload)
	for len(b) < 60 {
		b = append(b, 0)
	}
	return b
}
