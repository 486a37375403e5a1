package decode

import (
	"encoding/binary"
	"math/bits"

	"github.com/portannot/portannot/capture"
)

// Link types of package capture's numbering that it gives no name
// (https://www.tcpdump.org/linktypes.html).
const (
	linkARCNET       capture.LinkType = 7
	linkSLIP         capture.LinkType = 8
	linkATM11        capture.LinkType = 11 // what BSD writes for 100
	linkSLIPBSDOS    capture.LinkType = 15
	linkRaw13        capture.LinkType = 13 // OpenBSD's loop
	linkATM          capture.LinkType = 100
	linkATMCLIP      capture.LinkType = 106
	linkEnc          capture.LinkType = 109
	linkSunATM       capture.LinkType = 123
	linkTZSP         capture.LinkType = 128
	linkARCNETLinux  capture.LinkType = 129
	linkAppleIP1394  capture.LinkType = 138
	linkDOCSIS       capture.LinkType = 143
	linkUser2        capture.LinkType = 149 // Apple's PKTAP before it had 258
	linkJuniperPPP   capture.LinkType = 179
	linkJuniperFR    capture.LinkType = 180
	linkJuniperCHDLC capture.LinkType = 181
	linkERF          capture.LinkType = 197
	linkPPPDir       capture.LinkType = 204
	linkCHDLCDir     capture.LinkType = 205
	linkFRDir        capture.LinkType = 206
	linkNetAnalyzer  capture.LinkType = 240
	linkNetAnTransp  capture.LinkType = 241
	linkIPoIB        capture.LinkType = 242
	linkNetlink      capture.LinkType = 253
	linkPKTAP        capture.LinkType = 258
	linkEPON         capture.LinkType = 259
	linkMPacket      capture.LinkType = 274
	linkBRCMTag      capture.LinkType = 281
	linkBRCMPrepend  capture.LinkType = 282
	linkDSA          capture.LinkType = 284
	linkEDSA         capture.LinkType = 285
)

// link decodes a packet from its first octet. Some link types wrap another.
func (d *Decoder) link(t capture.LinkType, o octets) Result {
	if !d.enter() {
		return TooDeep
	}
	switch t {
	case capture.LinkEthernet:
		return d.ethernet(o)
	case capture.LinkRaw, capture.LinkRaw12, capture.LinkRaw14, capture.LinkIPv4, capture.LinkIPv6:
		return d.ip(o)
	case capture.LinkNull, capture.LinkLoop:
		return d.null(o)
	case capture.LinkLinuxSLL:
		return d.linuxSLL(o)
	case capture.LinkLinuxSLL2:
		return d.linuxSLL2(o)
	case capture.LinkPPP, capture.LinkPPPHDLC, capture.LinkPPPPPPD:
		return d.pppHDLC(o)
	case linkPPPDir:
		return d.pppHDLC(o.from(1)) // behind an octet for the direction, as the next two
	case linkCHDLCDir:
		return d.ciscoHDLC(o.from(1))
	case linkFRDir:
		return d.frameRelay(o.from(1))
	case capture.LinkPPPEther:
		return d.pppoe(o)
	case capture.LinkCHDLC:
		return d.ciscoHDLC(o)
	case capture.LinkFrameRelay:
		return d.frameRelay(o)
	case capture.LinkMPLS:
		return d.mpls(o)
	case capture.LinkIEEE80211:
		return d.wlan(o, false)
	case capture.LinkRadiotap:
		return d.radiotap(o)
	case capture.LinkPrism, capture.LinkAVS:
		return d.prism(o)
	case capture.LinkPPI:
		return d.ppi(o)
	case capture.LinkTokenRing:
		return d.tokenRing(o)
	case capture.LinkFDDI:
		return d.fddi(o)
	case capture.LinkPFLog:
		return d.pflog(o)
	case capture.LinkNFLOG:
		return d.nflog(o, nflogPayload)
	case linkNetlink:
		return d.netlink(o)
	case capture.LinkIPNET:
		return d.ipnet(o)
	case capture.LinkJuniperEth, linkJuniperPPP, linkJuniperFR, linkJuniperCHDLC:
		return d.juniper(t, o)
	case linkATM, linkATM11, linkATMCLIP:
		return d.logicalLink(o)
	case linkSunATM:
		return d.sunATM(o)
	case linkSLIP:
		return d.ip(o.from(16)) // a direction and what compression left out
	case linkSLIPBSDOS:
		return d.ip(o.from(24))
	case linkEnc:
		return d.encapsulatingInterface(o)
	case linkARCNET:
		return d.arcnet(o, 2)
	case linkARCNETLinux:
		return d.arcnet(o, 4)
	case linkAppleIP1394:
		return d.typeAt(o, 16)
	case linkDOCSIS:
		return d.docsis(o)
	case linkPKTAP, linkUser2:
		return d.pktap(o)
	case linkERF:
		return d.erf(o)
	case linkIPoIB:
		return d.ipoib(o)
	case linkTZSP:
		return d.tzsp(o)
	case linkNetAnalyzer, linkBRCMPrepend:
		return d.ethernet(o.from(4))
	case linkNetAnTransp:
		return d.ethernet(o.from(12)) // four octets, then preamble and start delimiter
	case linkEPON, linkMPacket:
		return d.ethernet(o.from(8)) // preamble
	case linkBRCMTag, linkDSA:
		return d.typeAt(o, 16) // a switch's tag between addresses and type
	case linkEDSA:
		return d.typeAt(o, 20)
	}
	return UnknownLink
}

// typeAt decodes a header of k octets that ends in an EtherType behind it.
func (d *Decoder) typeAt(o octets, k int) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < k+2 {
		return o.short(k + 2)
	}
	return d.typeOrLength(be16(o.b[k:]), o.from(k+2))
}

// null decodes the BSD loopback header: an address family in four octets, in
// the byte order of the machine that captured (NULL) or the network's (LOOP).
// Other systems put an EtherType there, or PPP.
func (d *Decoder) null(o octets) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	if o.b[0] == 0xff && o.b[1] == 0x03 {
		return d.ppp(o.from(2))
	}
	return d.family(be32(o.b), o.from(4))
}

// family decodes what an address family of any BSD, Linux or Windows
// announces, in either byte order; their values for IPv6 differ.
func (d *Decoder) family(f uint32, o octets) Result {
	if r := bits.ReverseBytes32(f); f > 0xffff {
		switch { // the other byte order, or an EtherType beside an unset half
		case r <= 0xffff:
			f = r
		case f&0xffff == etherIPv4 || f&0xffff == etherIPv6:
			f &= 0xffff
		default:
			f = r & 0xffff
		}
	}
	switch f {
	case 2, // AF_INET everywhere
		10,         // Linux
		23,         // Windows
		24, 28, 30, // NetBSD and OpenBSD, FreeBSD, macOS
		26: // Solaris
		return d.ip(o)
	}
	if f > 1500 {
		return d.etherType(uint16(f), o)
	}
	return NotIP
}

// linuxSLL decodes the Linux "cooked" header, version 1.
func (d *Decoder) linuxSLL(o octets) Result {
	if len(o.b) < 16 {
		return o.short(16)
	}
	return d.linuxProtocol(be16(o.b[14:]), o.from(16))
}

// linuxSLL2 decodes the Linux "cooked" header, version 2.
func (d *Decoder) linuxSLL2(o octets) Result {
	if len(o.b) < 20 {
		return o.short(20)
	}
	return d.linuxProtocol(be16(o.b[0:]), o.from(20))
}

// linuxProtocol decodes behind a cooked header. Below the EtherTypes Linux has
// values of its own (linux/if_ether.h): 4 is an 802.2 frame.
func (d *Decoder) linuxProtocol(proto uint16, o octets) Result {
	switch {
	case proto == 4:
		return d.logicalLink(o)
	case proto < 0x600:
		return NotIP
	}
	return d.etherType(proto, o)
}

// tokenRing decodes IEEE 802.5: access and frame control, two addresses, and
// a routing field where the source address has the group bit.
func (d *Decoder) tokenRing(o octets) Result {
	if len(o.b) < 16 {
		return o.short(16)
	}
	if o.b[1]>>6 != 1 {
		return NotIP // a MAC frame
	}
	k := 14
	if o.b[8]&0x80 != 0 {
		k += int(o.b[14] & 0x1f)
	}
	return d.logicalLink(o.from(k))
}

// fddi decodes a frame control octet and two addresses.
func (d *Decoder) fddi(o octets) Result {
	if len(o.b) < 13 {
		return o.short(13)
	}
	if o.b[0]&0xf0 != 0x50 {
		return NotIP // not an asynchronous LLC frame
	}
	return d.logicalLink(o.from(13))
}

// pflog decodes the log header of OpenBSD's packet filter: its length without
// padding to four octets, and an address family.
func (d *Decoder) pflog(o octets) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	n := (int(o.b[0]) + 3) &^ 3
	if n < 4 {
		return Malformed
	}
	if len(o.b) < n {
		return o.short(n)
	}
	return d.family(uint32(o.b[1]), o.from(n))
}

// encapsulatingInterface decodes the header of OpenBSD's enc interface: an
// address family, an SPI and flags.
func (d *Decoder) encapsulatingInterface(o octets) Result {
	if len(o.b) < 12 {
		return o.short(12)
	}
	return d.family(be32(o.b), o.from(12))
}

// ipnet decodes Solaris's header for its loopback and shared interfaces.
func (d *Decoder) ipnet(o octets) Result {
	if len(o.b) < 24 {
		return o.short(24)
	}
	return d.family(uint32(o.b[1]), o.from(24))
}

// Types of the attributes that hold a packet.
const (
	nflogPayload   = 9  // NFULA_PAYLOAD
	nfqueuePayload = 10 // NFQA_PAYLOAD
)

// nflog decodes Linux's netfilter log: a family, a version, a resource, then
// attributes in the byte order of the machine that captured, each a length
// that counts its four octets of header, a type and a value padded to four
// octets. payload is the type of the one that holds the packet.
func (d *Decoder) nflog(o octets, payload uint16) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	// Lengths are small: the byte order in which the first is, is the one.
	var order binary.ByteOrder = binary.LittleEndian
	if order.Uint16(o.b[4:]) > binary.BigEndian.Uint16(o.b[4:]) {
		order = binary.BigEndian
	}
	family, proto := o.b[0], uint16(0)
	for o = o.from(4); len(o.b) >= 4; {
		n, t := int(order.Uint16(o.b)), order.Uint16(o.b[2:])&0x3fff
		if n < 4 {
			return Malformed
		}
		v := o.upTo(n).from(4)
		switch {
		case t == 1 && len(v.b) >= 2: // NFULA_PACKET_HDR, NFQA_PACKET_HDR
			if proto = be16(v.b); payload == nfqueuePayload && len(v.b) >= 6 {
				proto = be16(v.b[4:]) // behind a packet identifier
			}
		case t == payload:
			if family == 7 && proto != 0 { // AF_BRIDGE
				return d.etherType(proto, v)
			}
			return d.family(uint32(family), v)
		}
		o = o.from((n + 3) &^ 3)
	}
	if len(o.b) < o.n {
		return Truncated
	}
	return NotIP
}

// netlink decodes what a Linux nlmon interface sees, behind a cooked header:
// messages to and from netfilter that hold packets.
func (d *Decoder) netlink(o octets) Result {
	if len(o.b) < 36 {
		return o.short(36)
	}
	if be16(o.b[14:]) != 12 { // NETLINK_NETFILTER
		return NotIP
	}
	r := NotIP
	for o = o.from(16); len(o.b) >= 20; {
		// Length, type, flags, sequence, port.
		n := int(binary.LittleEndian.Uint32(o.b))
		if n < 16 || n > o.n {
			return r
		}
		switch binary.LittleEndian.Uint16(o.b[4:]) {
		case 4 << 8: // NFNL_SUBSYS_ULOG, NFULNL_MSG_PACKET
			r = d.nflog(o.upTo(n).from(16), nflogPayload)
		case 3 << 8: // NFNL_SUBSYS_QUEUE, NFQNL_MSG_PACKET
			r = d.nflog(o.upTo(n).from(16), nfqueuePayload)
		}
		o = o.from((n + 3) &^ 3)
	}
	return r
}

// juniper decodes Juniper's header: "MGC", flags, and extensions when flag
// 0x80 is set. Flag 2 says that there is no link header behind it, but four
// octets and then IP.
func (d *Decoder) juniper(t capture.LinkType, o octets) Result {
	if len(o.b) < 6 {
		return o.short(6)
	}
	if o.b[0] != 'M' || o.b[1] != 'G' || o.b[2] != 'C' {
		return Malformed
	}
	flags, k := o.b[3], 4
	if flags&0x80 != 0 {
		k += 2 + int(be16(o.b[4:]))
	}
	o = o.from(k)
	if flags&2 != 0 {
		return d.ip(o.from(4))
	}
	switch t {
	case linkJuniperPPP:
		return d.pppHDLC(o)
	case linkJuniperFR:
		return d.frameRelay(o)
	case linkJuniperCHDLC:
		return d.ciscoHDLC(o)
	}
	return d.ethernet(o)
}

// sunATM decodes the header of SunATM: flags with the kind of traffic in the
// lower half, and the virtual path and channel.
func (d *Decoder) sunATM(o octets) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	switch kind := o.b[0] & 0xf; kind {
	case 1: // LAN emulation: a client identifier before the frame
		return d.ethernet(o.from(6))
	case 2:
		return d.logicalLink(o.from(4))
	}
	return NotIP
}

// arcnet decodes ARCNET behind k octets of addresses: RFC 1051's IP follows
// its type at once, RFC 1201's behind a split flag and a sequence number.
func (d *Decoder) arcnet(o octets, k int) Result {
	if len(o.b) < k+4 {
		return o.short(k + 4)
	}
	switch t := o.b[k]; t {
	case 0xf0:
		return d.ip(o.from(k + 1))
	case 0xd4, 0xc4: // IPv4, IPv6 (RFC 2497)
		o = o.from(k + 1)
		if o.b[0] == 0xff { // an exception frame has the same header once more
			if len(o.b) < 5 {
				return o.short(5)
			}
			o = o.from(4)
		}
		return d.ip(o.from(3))
	}
	return NotIP
}

// docsis decodes a packet PDU of a cable modem network: frame control, a
// parameter or the length of an extended header, a length, a checksum.
func (d *Decoder) docsis(o octets) Result {
	if len(o.b) < 6 {
		return o.short(6)
	}
	if o.b[0]>>6 != 0 {
		return NotIP
	}
	k := 6
	if o.b[0]&1 != 0 {
		k += int(o.b[1])
	}
	return d.ethernet(o.from(k))
}

// pktap decodes macOS's header before packets of several interfaces: its
// length, the type of record, and the link type behind it.
func (d *Decoder) pktap(o octets) Result {
	if len(o.b) < 12 {
		return o.short(12)
	}
	n := int(binary.LittleEndian.Uint32(o.b))
	if n < 12 || n > o.n {
		return Malformed
	}
	if binary.LittleEndian.Uint32(o.b[4:]) != 1 {
		return NotIP
	}
	return d.link(capture.LinkType(binary.LittleEndian.Uint32(o.b[8:])), o.from(n))
}

// erf decodes Endace's record header: 16 octets, extensions of eight while
// the highest bit of the type says so, and for Ethernet two of padding.
func (d *Decoder) erf(o octets) Result {
	if len(o.b) < 16 {
		return o.short(16)
	}
	t := o.b[8]
	o = o.from(16)
	for more := t&0x80 != 0; more; {
		if len(o.b) < 8 {
			return o.short(8)
		}
		more = o.b[0]&0x80 != 0
		o = o.from(8)
	}
	switch t & 0x7f {
	case 1: // packet over SONET
		return d.pppHDLC(o)
	case 2, 11, 16, 20: // Ethernet, with colours
		return d.ethernet(o.from(2))
	case 21:
		return d.infiniband(o)
	case 22, 23:
		return d.ip(o)
	}
	return NotIP
}

// infiniband decodes a local route header, which says whether a global one
// follows, the base transport header, and for unreliable datagrams, which
// carry IP (RFC 4391), another of eight octets and an EtherType in four.
func (d *Decoder) infiniband(o octets) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	k := 8
	switch o.b[1] & 3 {
	case 2:
	case 3:
		k += 40
	default:
		return NotIP
	}
	if len(o.b) < k+24 {
		return o.short(k + 24)
	}
	if o.b[k] != 0x64 { // unreliable datagram, send only
		return NotIP
	}
	return d.etherType(be16(o.b[k+20:]), o.from(k+24))
}

// ipoib decodes IP over InfiniBand: a route header, then an EtherType in four
// octets (RFC 4391).
func (d *Decoder) ipoib(o octets) Result {
	if len(o.b) < 44 {
		return o.short(44)
	}
	return d.etherType(be16(o.b[40:]), o.from(44))
}
