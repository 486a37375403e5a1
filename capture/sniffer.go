package capture

import (
	"encoding/binary"
	"fmt"
)

// snifferMagic begins a capture of NetXRay and of Sniffer for Windows, which
// came of it: a file header of 128 bytes, then records of a timestamp in ticks
// of 64 bits, the original and the captured length in 16 bits each, some bytes
// of state, and the packet. All is little-endian. The format was never
// published; what is known of it was found by looking at captures.
const snifferMagic = "XCP\x00"

const snifferHeader = 128

type snifferParser struct {
	number uint64
	link   LinkType
	record int     // bytes of a record header
	start  int64   // time of tick zero, nanoseconds
	tick   float64 // nanoseconds
	until  int64   // offset of the end of the records
	most   uint64  // number of packets
	hasFCS bool    // what follows a packet that has a tail is its frame check sequence
}

func (p *snifferParser) count() uint64 { return p.number }
func (p *snifferParser) drops() uint64 { return 0 } // the format has no place for it

func (p *snifferParser) header(b []byte, end bool) (used, need int, err error) {
	if len(b) < snifferHeader {
		if end {
			return 0, 0, fmt.Errorf("file header of Sniffer cut short: %d of %d bytes", len(b), snifferHeader)
		}
		return 0, snifferHeader, nil
	}
	le := binary.LittleEndian
	perSecond := 1e6
	switch version := string(b[4:11]); version {
	case "001.000":
		p.record, perSecond = 28, 1e3
	case "001.100":
		p.record = 28
	case "002.000", "002.001", "002.002", "002.003":
		p.record = 40
	default:
		return 0, 0, fmt.Errorf("version %q of Sniffer is not known", version)
	}

	kind, captured := int(b[44]), b[84] // medium, and what it was captured with
	if b[45] == 0 {
		kind++
	}
	switch kind {
	case 1:
		p.link = LinkEthernet
	case 2:
		p.link = LinkTokenRing
	case 3:
		p.link = LinkFDDI
	case 4: // WAN
		switch {
		case p.record == 28:
			p.link = LinkEthernet // as the driver dressed it up
		case captured == 3:
			p.link = LinkPPP
		case captured == 4:
			p.link = LinkFrameRelay
		case captured == 19:
			p.link = LinkCHDLC
		default:
			p.link = LinkUnknown
		}
	case 10:
		p.link = LinkIEEE80211
	default:
		p.link = LinkUnknown
	}

	first := int64(le.Uint32(b[24:]))
	p.until = int64(le.Uint32(b[28:]))
	p.most = uint64(le.Uint32(b[16:]))
	p.hasFCS = b[77] == 0x34 && b[78] == 0x12 // a riddle, but it fits all captures known
	if p.until == 0 {
		p.until = 1<<63 - 1 // other programs leave it out
	}
	if first < snifferHeader || first > maxPacket || p.until < first {
		// The buffer of the capture was a ring that came round.
		return 0, 0, fmt.Errorf("records from offset %d to %d cannot be read in order", first, p.until)
	}
	if p.record == 40 {
		perSecond = snifferTicks(b, kind, captured)
	}
	p.tick = 1e9 / perSecond
	base := le.Uint64(b[52:])
	if captured != 0 && kind == 1 && (b[10] == '2' || b[10] == '3') {
		base = 0 // those devices count from the start of the capture
	}
	p.start = int64(le.Uint32(b[12:]))*1e9 - p.ticks(base)
	if len(b) < int(first) && !end {
		return 0, int(first), nil
	}
	return min(int(first), len(b)), 0, nil
}

// snifferTicks gives the ticks in a second of version 2, which depend on the
// unit that the header gives, and for Ethernet on the capturing device.
func snifferTicks(b []byte, kind int, captured byte) float64 {
	unit := b[48]
	if kind == 1 {
		switch captured {
		case 2: // gigabit pods
			return [3]float64{1e9, 1e9, 31_250_000}[min(unit, 2)]
		case 6:
			return [3]float64{1e9, 1e9, 20_000_000}[min(unit, 2)]
		case 3:
			return [3]float64{1e6, 1e6, 1_250_000}[min(unit, 2)]
		case 0:
			if exact := binary.LittleEndian.Uint32(b[76:]); unit == 2 && exact != 0 {
				return float64(exact)
			}
		}
	}
	return [3]float64{1e6, 1_193_000, 1_193_182}[min(unit, 2)]
}

// ticks turns ticks into nanoseconds. Above about 2^53 of them it rounds.
func (p *snifferParser) ticks(n uint64) int64 {
	return int64(min(float64(n)*p.tick, 1<<61))
}

func (p *snifferParser) parse(b []byte, off int64, end bool, dst []Packet, log *problems) (n, used, need int, bad damage) {
	le := binary.LittleEndian
	at := 0
	for n < len(dst) {
		r := b[at:]
		if off+int64(at) >= p.until || p.number >= p.most {
			return n, len(b), 1, bad // what follows are settings
		}
		if len(r) < p.record {
			if end {
				bad = damageAt(off+int64(at), "record header cut short: %d of %d bytes", len(r), p.record)
			}
			return n, at, p.record, bad
		}
		length, captured := uint32(le.Uint16(r[8:])), uint32(le.Uint16(r[10:]))
		size := p.record + int(captured)
		if len(r) < size {
			if end {
				bad = damageAt(off+int64(at), "packet cut short: %d of %d bytes", len(r)-p.record, captured)
			}
			return n, at, size, bad
		}
		data := r[p.record:size:size]
		if p.record == 40 && !p.hasFCS && r[14] == 0xff && r[15] == 0xff && len(data) >= 4 {
			// Four bytes without a meaning follow.
			data = data[: len(data)-4 : len(data)-4]
			length -= min(length, 4)
		}
		p.number++
		dst[n] = Packet{
			Time: p.start + p.ticks(le.Uint64(r)), Number: p.number, Link: p.link,
			Length: max(length, uint32(len(data))), Data: data,
		}
		n++
		at += size
	}
	return n, at, 0, bad
}
