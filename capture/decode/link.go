package decode

import (
	"github.com/google/gopacket"
	"github.com/portannot/portannot/capture"
)

// EtherType values (https://www.iana.org/assignments/ieee-802-numbers).
const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
)

// link decodes a packet from its first octet.
func (d *Decoder) link(t capture.LinkType, o octets) Result {
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
	}
	return UnknownLink
}

// ethernet decodes a frame with its two addresses.
func (d *Decoder) ethernet(o octets) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 14 {
		return o.short(14)
	}
	_ = d.eth.DecodeFromBytes(o.b, gopacket.NilDecodeFeedback)
	if n := int(d.eth.Length); n != 0 || be16(o.b[12:]) == 0 {
		return d.logicalLink(o.from(14).upTo(n))
	}
	return d.etherType(uint16(d.eth.EthernetType), o.from(14))
}

// etherType decodes what an EtherType announces.
func (d *Decoder) etherType(t uint16, o octets) Result {
	switch t {
	case etherIPv4, etherIPv6:
		return d.ip(o)
	case 0x8100, 0x88a8, 0x9100, 0x9200:
		return d.vlan(o)
	}
	return NotIP
}

// vlan decodes an 802.1Q or 802.1ad tag.
func (d *Decoder) vlan(o octets) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 4 {
		return o.short(4)
	}
	_ = d.tag.DecodeFromBytes(o.b, gopacket.NilDecodeFeedback)
	if !d.pushVLAN(d.tag.VLANIdentifier) {
		return TooDeep
	}
	return d.typeOrLength(uint16(d.tag.Type), o.from(4))
}

// typeOrLength decodes what follows a field that is an EtherType or, up to
// 1500, the length of an 802.2 frame (IEEE 802.3 section 3.2.6).
func (d *Decoder) typeOrLength(t uint16, o octets) Result {
	if t < 0x600 {
		return d.logicalLink(o.upTo(int(t)))
	}
	return d.etherType(t, o)
}

// logicalLink decodes an 802.2 header (LLC), and SNAP behind it.
func (d *Decoder) logicalLink(o octets) Result {
	if d.llc.DecodeFromBytes(o.b, gopacket.NilDecodeFeedback) != nil {
		return NotIP
	}
	rest := o.from(len(d.llc.Contents))
	switch {
	case d.llc.DSAP == 0xaa && d.llc.SSAP == 0xaa:
		if d.snap.DecodeFromBytes(rest.b, gopacket.NilDecodeFeedback) != nil {
			return NotIP
		}
		oui := be24(d.snap.OrganizationalCode)
		rest = rest.from(5)
		switch oui {
		case 0x000000, 0x0000f8: // RFC 1042, and 802.1H's bridge tunnel encapsulation
			return d.etherType(uint16(d.snap.Type), rest)
		}
	case d.llc.DSAP == 0x06:
		return d.ip(rest)
	}
	return NotIP
}

// null decodes the BSD loopback header: an address family in four octets, in
// the byte order of the machine that captured (NULL) or the network's (LOOP).
func (d *Decoder) null(o octets) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	return d.family(be32(o.b), o.from(4))
}

// family decodes what an address family of any BSD, Linux or Windows
// announces; their values for IPv6 differ.
func (d *Decoder) family(f uint32, o octets) Result {
	if f > 0xffff {
		f = f>>24 | f>>8&0xff00
	}
	switch f {
	case 2, 10, 23, 24, 28, 30:
		return d.ip(o)
	}
	return NotIP
}

// linuxSLL decodes the Linux "cooked" header, version 1.
func (d *Decoder) linuxSLL(o octets) Result {
	if len(o.b) < 16 {
		return o.short(16)
	}
	return d.linuxProtocol(be16(o.b[2:]), be16(o.b[14:]), o.from(16))
}

// linuxSLL2 decodes the Linux "cooked" header, version 2.
func (d *Decoder) linuxSLL2(o octets) Result {
	if len(o.b) < 20 {
		return o.short(20)
	}
	return d.linuxProtocol(be16(o.b[8:]), be16(o.b[0:]), o.from(20))
}

// linuxProtocol decodes behind a cooked header: the protocol is an EtherType
// except for interface types that have protocols of their own.
func (d *Decoder) linuxProtocol(arphrd, proto uint16, o octets) Result {
	return d.typeOrLength(proto, o)
}
