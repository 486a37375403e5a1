package decode

import (
	"encoding/binary"

	"github.com/portannot/portannot/capture"
)

// wlan decodes an IEEE 802.11 frame (section 9.2). padded says that the
// driver aligned the body to four bytes. gopacket's Dot11 allocates, and
// wants the check sequence that most captures have not.
func (d *Decoder) wlan(o layerData, padded bool) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 10 {
		return o.short(10)
	}
	return d.wlanFrame(o.b[0], o.b[1], o, padded)
}

// wlanEither decodes a frame whose two bytes of frame control may be in
// either order: Cisco's access points send them swapped through their tunnels.
func (d *Decoder) wlanEither(o layerData) Result {
	if !d.enter() {
		return TooDeep
	}
	if len(o.b) < 10 {
		return o.short(10)
	}
	if o.b[0]&0x0f != 0x08 && o.b[1]&0x0f == 0x08 { // version 0, data
		return d.wlanFrame(o.b[1], o.b[0], o, false)
	}
	return d.wlanFrame(o.b[0], o.b[1], o, false)
}

// wlanFrame decodes a frame whose frame control is kind and flags.
func (d *Decoder) wlanFrame(kind, flags uint8, o layerData, padded bool) Result {
	switch {
	case kind&0x0c != 0x08: // not a data frame
		return NotIP
	case kind&0x40 != 0: // one without data
		return NotIP
	}
	k := 24 // control, duration, three addresses, sequence
	if flags&3 == 3 {
		k += 6 // from one access point to another
	}
	qos := kind&0x80 != 0
	aggregate, mesh := false, false
	if qos {
		if len(o.b) < k+2 {
			return o.short(k + 2)
		}
		aggregate, mesh = o.b[k]&0x80 != 0, o.b[k+1]&1 != 0
		k += 2
		if flags&0x80 != 0 {
			k += 4 // HT control
		}
	}
	if padded {
		k = (k + 3) &^ 3
	}
	if len(o.b) < k {
		return o.short(k)
	}
	if o.b[22]&0xf != 0 {
		return NoFirst // a later fragment of an 802.11 frame
	}
	o = o.from(k)
	if flags&0x40 != 0 {
		// Some drivers decrypt, and leave the bit that says protected, and
		// some also the initialisation vector of WEP or its successors.
		switch {
		case isSNAP(o.b):
		case isSNAP(o.from(4).b):
			o = o.from(4)
		case isSNAP(o.from(8).b):
			o = o.from(8)
		default:
			return Encrypted
		}
	}
	if mesh && len(o.b) >= 6 && o.b[0]&^3 == 0 {
		// Mesh control: flags, lifetime, sequence, up to two addresses. The
		// bit has other meanings outside a mesh, so look what follows.
		if m := o.from(6 + int(o.b[0]&3)*6); aggregate || isSNAP(m.b) {
			o = m
		}
	}
	if aggregate {
		return d.aggregate(o)
	}
	return d.logicalLink(o)
}

// isSNAP recognises the 802.2 header of RFC 1042 and 802.1H.
func isSNAP(b []byte) bool {
	return len(b) >= 8 && b[0] == 0xaa && b[1] == 0xaa && b[2] == 3 && b[3] == 0 && b[4] == 0 && (b[5] == 0 || b[5] == 0xf8)
}

// aggregate decodes the frames in an A-MSDU: each two addresses, a length,
// and an 802.2 header, padded to four bytes. Several may give flows.
func (d *Decoder) aggregate(o layerData) Result {
	r, outer := NotIP, d.ctx
	for len(o.b) >= 14 {
		n := int(be16(o.b[12:]))
		d.ctx = outer
		if one := d.logicalLink(o.from(14).upTo(n)); r != Decoded {
			r = one
		}
		o = o.from((14 + n + 3) &^ 3)
	}
	if r == NotIP && len(o.b) > 0 && len(o.b) < o.n {
		return Truncated
	}
	return r
}

// radiotap decodes the header of https://www.radiotap.org: a version, a
// length, and a bit for each field present.
func (d *Decoder) radiotap(o layerData) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	n := int(binary.LittleEndian.Uint16(o.b[2:]))
	if n < 8 {
		return Malformed
	}
	if len(o.b) < n {
		return o.short(n)
	}
	present := binary.LittleEndian.Uint32(o.b[4:])
	at := 8
	for w := present; w&(1<<31) != 0 && at+4 <= n; at += 4 {
		w = binary.LittleEndian.Uint32(o.b[at:])
	}
	if present&1 != 0 { // a time, aligned to its size
		at = (at+7)&^7 + 8
	}
	padded := present&2 != 0 && at < n && o.b[at]&0x20 != 0
	return d.wlan(o.from(n), padded)
}

// prism decodes the header of Prism cards, in the byte order of the machine that
// captured, or AVS, which drivers put in its place under the same link type.
func (d *Decoder) prism(o layerData) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	n := int(binary.LittleEndian.Uint32(o.b[4:]))
	switch code := be32(o.b); {
	case code&0xfffff000 == 0x80211000, code == 0x41, code == 0x44: // AVS; a sniffed frame
		n = int(be32(o.b[4:]))
	}
	if n < 8 || n > o.n {
		return Malformed
	}
	return d.wlan(o.from(n), false)
}

// ppi decodes the per-packet information header: version, flags, length, and
// the link type behind it.
func (d *Decoder) ppi(o layerData) Result {
	if len(o.b) < 8 {
		return o.short(8)
	}
	n := int(binary.LittleEndian.Uint16(o.b[2:]))
	if n < 8 || n > o.n {
		return Malformed
	}
	return d.link(capture.LinkType(binary.LittleEndian.Uint32(o.b[4:])), o.from(n))
}
