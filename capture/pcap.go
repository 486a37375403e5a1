package capture

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Magic numbers of classic pcap, as they read in the byte order of the writer.
// The file header is 24 bytes (magic, version, time zone, accuracy, snap
// length, link type); each record has a header of seconds, fraction, captured
// and original length. See draft-ietf-opsawg-pcap.
const (
	pcapMicro = 0xa1b2c3d4
	pcapNano  = 0xa1b23c4d
	// pcapPatched marks Alexey Kuznetsov's patched libpcap of 1999, shipped by
	// some Linux distributions: eight bytes follow each record header
	// (interface index, protocol, packet type, padding).
	pcapPatched = 0xa1b2cd34
	// Ixia's lcap has four bytes more of file header (the size of all
	// records). Its hardware captures count nanoseconds, its software
	// captures microseconds.
	pcapIxiaHW = 0x1c0001ac
	pcapIxiaSW = 0x1c0001ab
)

// lengthOrder says in which order a record has its two lengths.
type lengthOrder uint8

const (
	capturedFirst     lengthOrder = iota // since version 2.3
	originalFirst                        // before 2.3
	smallerIsCaptured                    // 2.3 itself: some of its writers kept the old order
)

type pcapParser struct {
	number  uint64
	nanos   int64  // nanoseconds in a unit of the record's fraction field
	limit   uint32 // a longer captured length is damage
	recHdr  int    // bytes of a record header
	pad     int    // bytes before each frame that are no part of it
	link    LinkType
	swap    bool // the writer's byte order is big-endian
	patched bool
	common  bool // parseCommon can read it
	lengths lengthOrder
}

func (p *pcapParser) count() uint64 { return p.number }
func (p *pcapParser) drops() uint64 { return 0 } // the format has no place for it

func (p *pcapParser) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if p.swap {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (p *pcapParser) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if p.swap {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// pcapMagic says whether b begins with a magic number of the pcap family, and
// whether big-endian.
func pcapMagic(b []byte) (magic uint32, swap, ok bool) {
	if len(b) < 4 {
		return 0, false, false
	}
	magic = binary.LittleEndian.Uint32(b)
	for _, swap := range []bool{false, true} {
		switch magic {
		case pcapMicro, pcapNano, pcapPatched, pcapIxiaHW, pcapIxiaSW:
			return magic, swap, true
		}
		magic = bits.ReverseBytes32(magic)
	}
	return 0, false, false
}

func (p *pcapParser) header(b []byte, end bool) (used, need int, err error) {
	magic, swap, _ := pcapMagic(b)
	size := 24
	if magic == pcapIxiaHW || magic == pcapIxiaSW {
		size = 28
	}
	if len(b) < size {
		if end {
			return 0, 0, fmt.Errorf("pcap file header cut short: %d of %d bytes", len(b), size)
		}
		return 0, size, nil
	}
	*p = pcapParser{swap: swap, recHdr: 16, nanos: 1000}
	switch magic {
	case pcapNano, pcapIxiaHW:
		p.nanos = 1
	case pcapPatched:
		p.recHdr, p.patched = 24, true
	}

	major, minor := p.u16(b[4:]), p.u16(b[6:])
	network := p.u32(b[20:])
	switch {
	case major < 2:
		return 0, 0, fmt.Errorf("pcap version %d.%d has another layout and is not read", major, minor)
	case major == 543, // DG/UX
		major == 2 && minor < 3:
		p.lengths = originalFirst
	case major == 2 && minor == 3:
		p.lengths = smallerIsCaptured
		// Any other version is read as 2.4: some writers get the number wrong.
	}
	// The upper half of the field is not part of the link type: it tells of
	// frame check sequences, or is reserved.
	p.link = LinkType(network)
	if magic == pcapMicro && major == 2 && minor == 2 {
		p.aix(network)
	}

	// Writers exceed their own snap length (and write 0 for "none"), so it
	// only raises the limit, never lowers it.
	p.limit = min(max(p.u32(b[16:]), usualPacket), maxPacket)
	p.common = !p.swap && p.recHdr == 16 && p.pad == 0 && p.lengths == capturedFirst
	return size, 0, nil
}

// aix recognises the files of AIX: they say version 2.2, have an SNMP ifType
// (RFC 1573) as their link type, and count nanoseconds.
func (p *pcapParser) aix(network uint32) {
	switch network {
	case 6:
		p.link = LinkEthernet
	case 9:
		p.link = LinkTokenRing
	case 15:
		p.link, p.pad = LinkFDDI, 3
	case 24:
		p.link = LinkNull
	default:
		return
	}
	p.nanos = 1
}

func (p *pcapParser) parse(b []byte, off int64, end bool, dst []Packet, log *problems) (n, used, need int, bad damage) {
	hdr := p.recHdr
	at := 0
	if p.common {
		n, at = p.parseCommon(b, dst)
	}
	for ; n < len(dst); n++ {
		r := b[at:]
		if len(r) < hdr {
			need = hdr
			if end && len(r) > 0 {
				bad = damageAt(off+int64(at), "record header cut short: %d of %d bytes", len(r), hdr)
			}
			break
		}
		captured, length := p.u32(r[8:]), p.u32(r[12:])
		if p.lengths == originalFirst || p.lengths == smallerIsCaptured && captured > length {
			captured, length = length, captured
		}
		if captured > p.limit {
			bad = damageAt(off+int64(at), "captured length %d is above the limit of %d", captured, p.limit)
			break
		}
		size := hdr + int(captured)
		if len(r) < size {
			need = size
			if end {
				bad = damageAt(off+int64(at), "packet cut short: %d of %d bytes", len(r)-hdr, captured)
			}
			break
		}
		p.number++
		d := &dst[n]
		*d = Packet{
			Time:   int64(p.u32(r))*1e9 + int64(p.u32(r[4:]))*p.nanos,
			Number: p.number, Link: p.link, Length: max(length, captured), Data: r[hdr:size:size],
		}
		if p.patched {
			d.Interface = p.u32(r[16:])
		}
		if cut := min(p.pad, len(d.Data)); cut > 0 {
			d.Data = d.Data[cut:]
			d.Length -= uint32(cut)
		}
		at += size
	}
	return n, at, need, bad
}

// parseCommon reads the whole records at the front of b, of a file of the common
// kind: little-endian, 16 bytes of record header, captured length first. It
// stops at anything that is not in order, for parse to see to.
func (p *pcapParser) parseCommon(b []byte, dst []Packet) (n, at int) {
	// In variables, as the compiler must assume that dst overlaps p. The time
	// of this loop is the way from one captured length to the next; slices with
	// a capacity that is known keep it short.
	limit, nanos, link, first := p.limit, p.nanos, p.link, p.number+1
	for n < len(dst) && at <= len(b)-16 {
		h := b[at : at+16 : at+16]
		captured := binary.LittleEndian.Uint32(h[8:])
		next := at + 16 + int(captured)
		if captured > limit || next > len(b) {
			break
		}
		d := &dst[n]
		d.Time = int64(binary.LittleEndian.Uint32(h))*1e9 + int64(binary.LittleEndian.Uint32(h[4:]))*nanos
		d.Number = first + uint64(n)
		d.Link = link
		d.Length = max(binary.LittleEndian.Uint32(h[12:]), captured)
		d.VLAN = 0
		d.Interface, d.InterfaceName = 0, ""
		d.Data = b[at+16 : next : next]
		at = next
		n++
	}
	p.number += uint64(n)
	return n, at
}
