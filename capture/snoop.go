package capture

import (
	"encoding/binary"
	"fmt"
)

// snoopMagic begins a Snoop capture (RFC 1761), the format of Solaris: a file
// header of 16 bytes, then records whose header of 24 bytes has the original
// length, the captured length, the length of the whole record, the packets
// dropped so far, seconds and microseconds; all big-endian.
const snoopMagic = "snoop\x00\x00\x00"

const (
	snoopHeader = 16
	snoopRecord = 24
	// snoopPadding bounds what may follow a packet within its record. The RFC
	// pads to 4 bytes; there are writers that append data of their own.
	snoopPadding = 64 << 10
)

// snoopLinks are the data-link types of RFC 1761 and RFC 3827 that have a
// LINKTYPE_ value.
var snoopLinks = map[uint32]LinkType{
	0:  LinkEthernet, // IEEE 802.3
	2:  LinkTokenRing,
	4:  LinkEthernet,
	5:  LinkCHDLC,
	8:  LinkFDDI,
	10: LinkFrameRelay,
}

type snoopParser struct {
	number uint64
	link   LinkType
	lost   uint32 // packets dropped so far, by the last record
}

func (p *snoopParser) count() uint64 { return p.number }
func (p *snoopParser) drops() uint64 { return uint64(p.lost) }

func (p *snoopParser) header(b []byte, end bool) (used, need int, err error) {
	if len(b) < snoopHeader {
		if end {
			return 0, 0, fmt.Errorf("snoop file header cut short: %d of %d bytes", len(b), snoopHeader)
		}
		return 0, snoopHeader, nil
	}
	if v := binary.BigEndian.Uint32(b[8:]); v != 2 {
		return 0, 0, fmt.Errorf("snoop version %d is not known", v)
	}
	p.link = LinkUnknown
	if l, ok := snoopLinks[binary.BigEndian.Uint32(b[12:])]; ok {
		p.link = l
	}
	return snoopHeader, 0, nil
}

func (p *snoopParser) parse(b []byte, off int64, end bool, dst []Packet, log *problems) (n, used, need int, bad damage) {
	at := 0
	for ; n < len(dst); n++ {
		r := b[at:]
		if len(r) < snoopRecord {
			need = snoopRecord
			if end && len(r) > 0 {
				bad = damageAt(off+int64(at), "record header cut short: %d of %d bytes", len(r), snoopRecord)
			}
			break
		}
		length, captured := binary.BigEndian.Uint32(r), binary.BigEndian.Uint32(r[4:])
		size := int64(binary.BigEndian.Uint32(r[8:]))
		if captured > usualPacket {
			bad = damageAt(off+int64(at), "captured length %d is above the limit of %d", captured, usualPacket)
			break
		}
		whole := snoopRecord + int64(captured)
		if size < whole || size > whole+snoopPadding {
			bad = damageAt(off+int64(at), "record length %d does not fit a captured length of %d", size, captured)
			break
		}
		if int64(len(r)) < size && !(end && int64(len(r)) >= whole) { // the padding of the last packet may be missing
			need = int(size)
			if end {
				bad = damageAt(off+int64(at), "packet cut short: %d of %d bytes", len(r)-snoopRecord, captured)
			}
			break
		}
		p.number++
		p.lost = binary.BigEndian.Uint32(r[12:])
		dst[n] = Packet{
			Time:   int64(binary.BigEndian.Uint32(r[16:]))*1e9 + int64(binary.BigEndian.Uint32(r[20:]))*1e3,
			Number: p.number, Link: p.link, Length: max(length, captured), Data: r[snoopRecord:whole:whole],
		}
		at += int(min(size, int64(len(r))))
	}
	return n, at, need, bad
}
