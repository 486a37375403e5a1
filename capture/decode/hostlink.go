package decode

import (
	"encoding/binary"
	"math/bits"

	"github.com/portannot/portannot/capture"
)

// Headers that a system puts before packets of its own interfaces and filters.

// null decodes the BSD loopback header: an address family in four bytes, in
// the byte order of the machine that captured (NULL) or the network's (LOOP).
// Other systems put an EtherType there, or PPP.
func (d *Decoder) null(o layerData) Result {
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
func (d *Decoder) family(f uint32, o layerData) Result {
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
func (d *Decoder) linuxSLL(o layerData) Result {
	if len(o.b) < 16 {
		return o.short(16)
	}
	return d.cooked(be16(o.b[2:]), be16(o.b[14:]), o.from(16))
}

// linuxSLL2 decodes the Linux "cooked" header, version 2.
func (d *Decoder) linuxSLL2(o layerData) Result {
	if len(o.b) < 20 {
		return o.short(20)
	}
	return d.cooked(be16(o.b[8:]), be16(o.b[0:]), o.from(20))
}

// cooked decodes behind a cooked header that names the kind of interface (an
// ARPHRD value of linux/if_arp.h) and a protocol. Interfaces in monitor mode
// have no protocol.
func (d *Decoder) cooked(kind, proto uint16, o layerData) Result {
	switch kind {
	case 801: // ARPHRD_IEEE80211
		return d.wlan(o, false)
	case 802: // ARPHRD_IEEE80211_PRISM
		return d.prism(o)
	case 803: // ARPHRD_IEEE80211_RADIOTAP
		return d.radiotap(o)
	}
	return d.linuxProtocol(proto, o)
}

// linuxProtocol decodes behind a cooked header. Below the EtherTypes Linux has
// values of its own (linux/if_ether.h): 4 is an 802.2 frame, 7 is PPP.
func (d *Decoder) linuxProtocol(proto uint16, o layerData) Result {
	switch {
	case proto == 4:
		return d.logicalLink(o)
	case proto == 7:
		return d.pppHDLC(o)
	case proto < 0x600:
		return NotIP
	}
	return d.etherType(proto, o)
}

// pflog decodes the log header of OpenBSD's packet filter: its length without
// padding to four bytes, and an address family.
func (d *Decoder) pflog(o layerData) Result {
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
func (d *Decoder) encapsulatingInterface(o layerData) Result {
	if len(o.b) < 12 {
		return o.short(12)
	}
	return d.family(be32(o.b), o.from(12))
}

// ipnet decodes Solaris's header for its loopback and shared interfaces.
func (d *Decoder) ipnet(o layerData) Result {
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
// that counts its four bytes of header, a type and a value padded to four
// bytes. payload is the type of the one that holds the packet.
func (d *Decoder) nflog(o layerData, payload uint16) Result {
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
func (d *Decoder) netlink(o layerData) Result {
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

// pktap decodes macOS's header before packets of several interfaces: its
// length, the type of record, and the link type behind it.
func (d *Decoder) pktap(o layerData) Result {
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
