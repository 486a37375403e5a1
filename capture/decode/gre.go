package decode

import "github.com/portannot/portannot/capture/packet"

// GRE protocol types that are no EtherTypes, or not decoded as one.
const (
	greERSPAN  = 0x88be
	greERSPAN3 = 0x22eb
	greWCCP    = 0x883e
	greEoIP    = 0x6400 // MikroTik's, which keeps a length and a tunnel in the key
)

// greTunnel decodes GRE (RFC 2784, RFC 2890) and PPTP's version of it (RFC 2637).
func (d *Decoder) greTunnel(h *ipHeader, o layerData) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 4 {
		return o.short(4)
	}
	flags, version := o.b[0], o.b[1]&7
	if version > 1 {
		return Malformed
	}
	const checksum, routing, key, sequence = 0x80, 0x40, 0x20, 0x10
	n := 4
	if flags&(checksum|routing) != 0 {
		n += 4
	}
	if flags&key != 0 {
		n += 4
	}
	if flags&sequence != 0 {
		n += 4
	}
	if version == 1 && o.b[1]&0x80 != 0 {
		n += 4 // an acknowledgement
	}
	if len(o.b) < n {
		return o.short(n)
	}
	// gopacket's GRE takes an acknowledgement for version 0 too, allocates for
	// source routes, and panics where they are cut.
	proto, keyValue := be16(o.b[2:]), uint32(0)
	if flags&key != 0 {
		at := 4
		if flags&(checksum|routing) != 0 {
			at = 8
		}
		keyValue = be32(o.b[at:])
	}
	o = o.from(n)
	for more := flags&routing != 0; more; {
		// Address family, offset, length (RFC 1701); both 0 at the end.
		if len(o.b) < 4 {
			return o.short(4)
		}
		more = be16(o.b) != 0 || o.b[3] != 0
		o = o.from(4 + int(o.b[3]))
	}
	switch {
	case version == 1:
		// The key holds a length and a call, which differs by direction.
		if !d.pushEnds(packet.GRE, h) {
			return TooDeep
		}
	case proto == greERSPAN || proto == greERSPAN3:
		return d.erspan(h, proto, flags&sequence != 0, o)
	case proto == etherBridged && flags == key:
		// RFC 7637 section 3.2: a virtual subnet, and eight bits of hash.
		if !d.pushTunnel(packet.NVGRE, keyValue>>8) {
			return TooDeep
		}
	case flags&key != 0 && proto != greEoIP && d.ignore&IgnoreKey == 0:
		if !d.pushTunnel(packet.GRE, keyValue) {
			return TooDeep
		}
	default:
		if !d.pushEnds(packet.GRE, h) {
			return TooDeep
		}
	}
	switch {
	case proto == greWCCP:
		// Version 2 of WCCP puts four bytes before the redirected packet.
		if len(o.b) > 0 && o.b[0]>>4 != 4 {
			o = o.from(4)
		}
		return d.ip(o)
	case proto == greEoIP:
		return d.ethernet(o)
	case proto >= 0x8200 && proto < 0x8380: // Aruba's access points tunnel 802.11 frames
		return d.wlan(o, false)
	}
	return d.etherType(proto, o)
}

// erspan decodes Cisco's mirrored frames
// (https://datatracker.ietf.org/doc/html/draft-foschiano-erspan-03).
func (d *Decoder) erspan(h *ipHeader, proto uint16, sequence bool, o layerData) Result {
	if !sequence && proto == greERSPAN { // type I has no header
		if !d.pushEnds(packet.ERSPAN, h) {
			return TooDeep
		}
		return d.ethernet(o)
	}
	n := 8
	if proto == greERSPAN3 {
		n = 12
	}
	if len(o.b) < n {
		return o.short(n)
	}
	// The session is that of the mirror, and often one of each direction.
	if !d.pushEnds(packet.ERSPAN, h) {
		return TooDeep
	}
	ip := false
	if proto == greERSPAN3 {
		ip = o.b[10]>>2&0x1f == 2
		if o.b[11]&1 != 0 {
			n += 8 // a platform's own header
		}
	}
	// A frame without a tag is in the VLAN that the header names.
	if tagged := !ip && len(o.b) >= n+14 && isVLANTag(be16(o.b[n+12:])); !tagged && !d.pushVLAN(be16(o.b)) {
		return TooDeep
	}
	if ip {
		return d.ip(o.from(n))
	}
	return d.ethernet(o.from(n))
}
