package decode

import "github.com/portannot/portannot/capture/packet"

// EtherType values (https://www.iana.org/assignments/ieee-802-numbers).
const (
	etherIPv4       = 0x0800
	etherTRILL      = 0x22f3
	etherBATMAN     = 0x4305 // a mesh of layer 2
	etherCentrino   = 0x2452 // an 802.11 frame, from a driver that has no link type for it
	etherBridged    = 0x6558
	etherVLAN       = 0x8100 // 802.1Q
	etherIPv6       = 0x86dd
	etherPPP        = 0x880b
	etherMPLS       = 0x8847
	etherMPLSMulti  = 0x8848
	etherPPPoE      = 0x8863 // discovery
	etherPPPoES     = 0x8864 // session
	etherJumbo      = 0x8870 // an 802.2 frame longer than a length field may say
	etherServiceTag = 0x88a8 // 802.1ad
	etherMACsec     = 0x88e5
	etherITag       = 0x88e7 // 802.1ah
	etherFabricPath = 0x8903
	etherCMD        = 0x8909 // Cisco metadata
	etherVNTag      = 0x8926
	etherHSR        = 0x892f
	etherETag       = 0x893f // 802.1BR
	etherNSH        = 0x894f
	etherVLAN9100   = 0x9100 // stacked tags before 802.1ad
	etherVLAN9200   = 0x9200
	etherVLAN9300   = 0x9300
	etherVLAN8200   = 0x8200
	etherArista     = 0xd28b // a time stamp, among others
	etherRTag       = 0xf1c1 // 802.1CB
)

// ethernet decodes a frame with its two addresses.
func (d *Decoder) ethernet(o layerData) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 14 {
		return o.short(14)
	}
	t := be16(o.b[12:])
	if t < 0x600 && isISL(o.b) {
		d.pushVLAN(be16(o.b[20:]) >> 1)
		return d.ethernet(o.from(26))
	}
	return d.typeOrLength(t, o.from(14))
}

// isISL recognises Cisco's Inter-Switch Link by its address, and by the
// 802.2 header that it has of itself. A whole frame follows.
func isISL(b []byte) bool {
	return len(b) >= 26 && (b[0] == 1 || b[0] == 3) && b[1] == 0 && b[2] == 0x0c && b[3] == 0 && b[4] == 0 &&
		b[14] == 0xaa && b[15] == 0xaa && b[16] == 3
}

// typeOrLength decodes what follows a field that is an EtherType or, below
// 1536, the length of an 802.2 frame (IEEE 802.3 section 3.2.6).
func (d *Decoder) typeOrLength(t uint16, o layerData) Result {
	if t < 0x600 {
		return d.logicalLink(o.upTo(int(t)))
	}
	return d.etherType(t, o)
}

// isVLANTag reports whether an EtherType announces a VLAN tag.
func isVLANTag(t uint16) bool {
	switch t {
	case etherVLAN, etherServiceTag, etherVLAN9100, etherVLAN9200, etherVLAN9300, etherVLAN8200:
		return true
	}
	return false
}

// etherType decodes what an EtherType announces.
func (d *Decoder) etherType(t uint16, o layerData) Result {
	switch t {
	case etherIPv4, etherIPv6:
		return d.ip(o)
	case etherVLAN, etherServiceTag, etherVLAN9100, etherVLAN9200, etherVLAN9300, etherVLAN8200:
		return d.vlan(o)
	case etherMPLS, etherMPLSMulti:
		return d.mpls(o)
	case etherPPPoES:
		return d.pppoe(o)
	case etherPPP:
		return d.ppp(o)
	case etherBridged:
		return d.ethernet(o)
	case etherMACsec:
		return d.macsec(o)
	case etherITag:
		return d.iTag(o)
	case etherETag:
		return d.typeAt(o, 6)
	case etherVNTag, etherHSR, etherRTag:
		return d.typeAt(o, 4)
	case etherCMD:
		return d.typeAt(o, 6)
	case etherFabricPath:
		return d.ethernet(o.from(2))
	case etherJumbo:
		return d.logicalLink(o)
	case etherBATMAN:
		return d.batman(o)
	case etherArista:
		return d.arista(o)
	case etherCentrino:
		return d.wlan(o, false)
	case etherTRILL:
		return d.trill(o)
	case etherNSH:
		return d.nsh(o)
	}
	return NotIP
}

// decodable says whether etherType goes anywhere with t: what tells a frame
// from noise where nothing announces it.
func decodable(t uint16) bool {
	switch t {
	case etherIPv4, etherIPv6, 0x0806, etherVLAN, etherServiceTag, etherVLAN9100, etherVLAN9200, etherVLAN9300, etherMPLS, etherMPLSMulti,
		etherPPPoE, etherPPPoES, etherMACsec, etherITag:
		return true
	}
	return false
}

// looksEthernet says whether a frame may begin here: an EtherType that we
// know, or a length that fits with an 802.2 header behind it.
func looksEthernet(o layerData) bool {
	if len(o.b) < 17 {
		return false
	}
	t := be16(o.b[12:])
	if t >= 0x600 {
		return decodable(t)
	}
	return int(t) <= o.n-14 && t >= 3 && (o.b[14] == 0xaa || o.b[14] == 0x42 || o.b[14] == 0xfe)
}

// vlan decodes an 802.1Q or 802.1ad tag.
func (d *Decoder) vlan(o layerData) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 4 {
		return o.short(4)
	}
	id, t := d.headers.decodeVLAN(o.b)
	if !d.pushVLAN(id) {
		return TooDeep
	}
	return d.typeOrLength(t, o.from(4))
}

// arista decodes a time stamp of Arista's switches: a subtype, a version, which
// says how long the stamp is, the stamp, and an EtherType
// (https://www.arista.com/en/um-eos/eos-timestamping).
func (d *Decoder) arista(o layerData) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	if be16(o.b) != 1 {
		return NotIP
	}
	switch be16(o.b[2:]) {
	case 0x10, 0x110: // 64 bits, TAI or UTC
		return d.typeAt(o, 12)
	case 0x20, 0x120: // 48 bits
		return d.typeAt(o, 10)
	}
	return NotIP
}

// logicalLink decodes an 802.2 header (LLC), and SNAP behind it.
func (d *Decoder) logicalLink(o layerData) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 3 {
		return o.short(3)
	}
	dsap, ssap, length, ok := d.headers.decodeLLC(o.b)
	if !ok {
		return NotIP // an information frame of which only three bytes are there
	}
	rest := o.from(length)
	switch {
	case dsap == 0xaa && ssap == 0xaa:
		return d.subnetwork(rest)
	case o.b[0] == 0x06 && ssap == 0x06 && o.b[2] == 3: // the Internet Protocol's
		return d.ip(rest)
	case o.b[0] == 0xfe && o.b[1] == 0xfe && o.b[2] == 3:
		return d.nlpid(rest)
	}
	return NotIP
}

// subnetwork decodes SNAP: an organisation, and a type of its choosing.
func (d *Decoder) subnetwork(o layerData) Result {
	if len(o.b) < 5 {
		return o.short(5)
	}
	organisation, t := d.headers.decodeSNAP(o.b)
	rest := o.from(5)
	switch organisation {
	case 0x000000, 0x0000f8: // EtherTypes: RFC 1042, and 802.1H's bridge tunnel encapsulation
		return d.typeOrLength(t, rest)
	case 0x0080c2: // bridged frames (RFC 2684 section 5.2, RFC 2427 section 4.2)
		switch t {
		case 1, 7: // Ethernet with and without its check sequence
			if looksEthernet(rest.from(2)) && !looksEthernet(rest) {
				rest = rest.from(2) // padding, which ATM has and frame relay has not
			}
			return d.ethernet(rest)
		}
	}
	return NotIP
}

// macsec decodes an 802.1AE tag. A frame that is only authenticated can be
// read: the E and C bits say whether it was changed.
func (d *Decoder) macsec(o layerData) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 6 {
		return o.short(6)
	}
	control, short := o.b[0], int(o.b[1]&0x3f)
	if control&0x0c != 0 {
		return Encrypted
	}
	k := 6
	if control&0x20 != 0 {
		k += 8 // the channel identifier
	}
	o = o.from(k)
	if short != 0 {
		o = o.upTo(short) // and then padding
	}
	return d.typeAt(o, 0)
}

// iTag decodes a backbone service tag, which carries the customer's frame.
func (d *Decoder) iTag(o layerData) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	if !d.pushTunnel(packet.PBB, be24(o.b[1:])) {
		return TooDeep
	}
	return d.ethernet(o.from(4))
}

// trill decodes RFC 6325 section 3: two bytes with the length of options in
// words, two nicknames, and a frame.
func (d *Decoder) trill(o layerData) Result {
	if len(o.b) < 6 {
		return o.short(6)
	}
	return d.ethernet(o.from(6 + int(be16(o.b)>>6&0x1f)*4))
}

// batman decodes the frames that a B.A.T.M.A.N. advanced mesh carries: unicast
// and broadcast of compatibility versions 14 and 15.
func (d *Decoder) batman(o layerData) Result {
	if len(o.b) < 2 {
		return o.short(2)
	}
	switch version, kind := o.b[1], o.b[0]; {
	case version == 15 && kind == 0x40, version == 14 && kind == 3: // unicast
		return d.ethernet(o.from(10))
	case version == 15 && kind == 0x42: // with four addresses
		return d.ethernet(o.from(18))
	case version == 15 && kind == 1, version == 14 && kind == 4: // broadcast
		return d.ethernet(o.from(14))
	}
	return NotIP
}

// nsh decodes a network service header (RFC 8300 section 2.2).
func (d *Decoder) nsh(o layerData) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 8 {
		return o.short(8)
	}
	n := int(be16(o.b)&0x3f) * 4
	if n < 8 {
		return Malformed
	}
	return d.nextProtocol(o.b[3], o.from(n))
}

// nextProtocol decodes behind a field that NSH (RFC 8300 section 2.2) and
// VXLAN-GPE number alike.
func (d *Decoder) nextProtocol(t uint8, o layerData) Result {
	switch t {
	case 1, 2:
		return d.ip(o)
	case 3:
		return d.ethernet(o)
	case 4:
		return d.nsh(o)
	case 5:
		return d.mpls(o)
	}
	return NotIP
}
