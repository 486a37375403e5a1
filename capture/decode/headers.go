package decode

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// headers decodes single headers with package layers of gopacket. This file is the seam
// to it: no other file of this package knows of gopacket, and another decoder of these
// ten headers would be put here. A test of the command sees to that.
//
// Each method takes the captured bytes from the header on, at least as many as the fixed
// part of the header has. Errors of gopacket are about what follows the fields that are
// used, unless a method says so: bad options, or a length that the caller checks better.
// A decoder is kept for each, for gopacket allocates new ones.
type headers struct {
	dot1q layers.Dot1Q
	llc   layers.LLC
	snap  layers.SNAP
	ip4   layers.IPv4
	ip6   layers.IPv6
	tcp   layers.TCP
	udp   layers.UDP
	vx    layers.VXLAN
	ic4   layers.ICMPv4
	ic6   layers.ICMPv6
}

// decodeVLAN reads an IEEE 802.1Q tag of 4 bytes.
func (h *headers) decodeVLAN(b []byte) (id, etherType uint16) {
	_ = h.dot1q.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	return h.dot1q.VLANIdentifier, uint16(h.dot1q.Type)
}

// decodeLLC reads an IEEE 802.2 header of 3 or 4 bytes. The lowest bits, of a group and of a response,
// are not in the service access points. ok is false if the fourth byte is not there.
func (h *headers) decodeLLC(b []byte) (dsap, ssap uint8, length int, ok bool) {
	err := h.llc.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	return h.llc.DSAP, h.llc.SSAP, len(h.llc.Contents), err == nil
}

// decodeSNAP reads the 5 bytes of SNAP: an organisation, and its type.
func (h *headers) decodeSNAP(b []byte) (organisation uint32, typ uint16) {
	_ = h.snap.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	return be24(h.snap.OrganizationalCode), uint16(h.snap.Type)
}

// ipv4Header are the fields of RFC 791 that are used. The total length is not: gopacket
// gives the captured length modulo 65536 where the header has 0.
type ipv4Header struct {
	length   int // of the header, in bytes; below 20 if it is malformed
	id       uint16
	offset   uint16 // of the fragment, in units of 8 bytes
	more     bool   // fragments follow
	protocol uint8
	src, dst [4]byte
}

// decodeIPv4 reads an IPv4 header of at least 20 bytes.
func (h *headers) decodeIPv4(b []byte) (v ipv4Header) {
	_ = h.ip4.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	v.length = int(h.ip4.IHL) * 4
	v.id, v.offset, v.more = h.ip4.Id, h.ip4.FragOffset, h.ip4.Flags&layers.IPv4MoreFragments != 0
	v.protocol = uint8(h.ip4.Protocol)
	copy(v.src[:], h.ip4.SrcIP)
	copy(v.dst[:], h.ip4.DstIP)
	return v
}

// ipv6Header are the fields of RFC 8200 section 3 that are used.
type ipv6Header struct {
	payload  uint16 // length of what follows; 0 also for a jumbogram
	next     uint8
	src, dst [16]byte
}

// decodeIPv6 reads an IPv6 header of 40 bytes. gopacket reads hop-by-hop options with
// it, and allocates for each, so that it is not asked where these follow.
func (h *headers) decodeIPv6(b []byte) (v ipv6Header) {
	if b[6] == protoHopByHop {
		v.payload, v.next = be16(b[4:]), b[6]
		copy(v.src[:], b[8:])
		copy(v.dst[:], b[24:])
		return v
	}
	_ = h.ip6.DecodeFromBytes(b, gopacket.NilDecodeFeedback) // its error is a length of 0
	v.payload, v.next = h.ip6.Length, uint8(h.ip6.NextHeader)
	copy(v.src[:], h.ip6.SrcIP)
	copy(v.dst[:], h.ip6.DstIP)
	return v
}

// tcpHeader are the fields of RFC 9293 that are used.
type tcpHeader struct {
	sequence, ack uint32
	checksum      uint16
	flags         uint8
	length        int // of the header, in bytes; below 20 if it is malformed
}

// decodeTCP reads a TCP header of at least 20 bytes.
func (h *headers) decodeTCP(b []byte) tcpHeader {
	t := &h.tcp
	_ = t.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	return tcpHeader{t.Seq, t.Ack, t.Checksum, tcpFlags(t.FIN, t.SYN, t.RST, t.PSH, t.ACK, t.URG, t.ECE, t.CWR), int(t.DataOffset) * 4}
}

// tcpFlags puts flags together, the lowest bit first.
func tcpFlags(flags ...bool) (v uint8) {
	for i, f := range flags {
		if f {
			v |= 1 << i
		}
	}
	return v
}

// decodeUDP reads a UDP header of 8 bytes. length is that of the datagram, and may be
// below 8, or 0.
func (h *headers) decodeUDP(b []byte) (length int, checksum uint16) {
	_ = h.udp.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	return int(h.udp.Length), h.udp.Checksum
}

// decodeVXLAN reads a VXLAN header of 8 bytes. ok is false if the identifier is not
// valid.
func (h *headers) decodeVXLAN(b []byte) (identifier uint32, ok bool) {
	_ = h.vx.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	return h.vx.VNI, h.vx.ValidIDFlag
}

// decodeICMPv4 reads an ICMP header of 8 bytes.
func (h *headers) decodeICMPv4(b []byte) (typ, code uint8) {
	_ = h.ic4.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	return h.ic4.TypeCode.Type(), h.ic4.TypeCode.Code()
}

// decodeICMPv6 reads an ICMPv6 header of 8 bytes.
func (h *headers) decodeICMPv6(b []byte) (typ, code uint8) {
	_ = h.ic6.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
	return h.ic6.TypeCode.Type(), h.ic6.TypeCode.Code()
}
