package capture

import (
	"encoding/binary"
	"fmt"
	"time"
)

// netmonMagic begins a capture of Microsoft Network Monitor 2 and 3. After a
// file header of 128 bytes come frames, each with a header of 16 bytes
// (microseconds since the start, original and captured length) and a trailer
// that grew with the versions; then a table with the offset of each frame. All
// is little-endian.
const netmonMagic = "GMBU"

const (
	netmonHeader = 128
	netmonFrame  = 16
	// netmonMost bounds the files that are read: the table is at the end, so
	// a whole file is in memory.
	netmonMost = 256 << 20
)

type netmonParser struct {
	number  uint64
	minor   byte
	media   uint16 // link type of the file
	start   int64  // capture's start, nanoseconds
	table   int64  // offset of the frame table
	entries int64  // in the table

	ready bool  // the file is in the window
	cut   bool  // it ends before the end of its table, which is not used then
	next  int64 // entry of the table that is next; without it, offset of the next frame
	done  bool
}

func (p *netmonParser) count() uint64 { return p.number }
func (p *netmonParser) drops() uint64 { return 0 } // the format has no place for it

func (p *netmonParser) header(b []byte, end bool) (used, need int, err error) {
	if len(b) < netmonHeader {
		if end {
			return 0, 0, fmt.Errorf("file header of Network Monitor cut short: %d of %d bytes", len(b), netmonHeader)
		}
		return 0, netmonHeader, nil
	}
	le := binary.LittleEndian
	p.minor = b[4]
	if b[5] != 2 {
		return 0, 0, fmt.Errorf("version %d.%d of Network Monitor is not known", b[5], b[4])
	}
	p.media = le.Uint16(b[6:])
	// Year, month, weekday, day, hour, minute, second, millisecond. It is the
	// local time of the capturing machine, whose zone the file does not tell
	// before version 2.3: it is taken as UTC.
	f := func(i int) int { return int(le.Uint16(b[8+2*i:])) }
	p.start = time.Date(f(0), time.Month(f(1)), f(3), f(4), f(5), f(6), f(7)*1e6, time.UTC).UnixNano()
	p.table = int64(le.Uint32(b[24:]))
	p.entries = int64(le.Uint32(b[28:])) / 4
	if size := p.table + 4*p.entries; size > netmonMost {
		return 0, 0, fmt.Errorf("frame table ends at offset %d, above the limit of %d", size, netmonMost)
	}
	return 0, 0, nil // offsets count from the start, so the window begins there
}

// trailer is the size of what follows each frame.
func (p *netmonParser) trailer() int {
	switch p.minor {
	case 0:
		return 0
	case 1:
		return 2 // link type
	case 2:
		return 6 // and process
	}
	return 15 // and time and zone
}

func (p *netmonParser) parse(b []byte, off int64, end bool, dst []Packet, log *problems) (n, used, need int, bad damage) {
	le := binary.LittleEndian
	if p.done {
		return 0, len(b), 1, bad
	}
	if !p.ready {
		whole := p.table + 4*p.entries
		if int64(len(b)) < whole && !end {
			return 0, 0, int(whole), bad
		}
		p.ready = true
		if p.cut = int64(len(b)) < whole; p.cut {
			p.next = netmonHeader // where nearly every file has its first frame
		}
	}
	frames := b[:min(p.table, int64(len(b)))]
	for n < len(dst) {
		at := p.next
		if p.cut {
			if at >= int64(len(frames)) {
				return n, len(b), 0, damage{int64(len(b)), "frame table cut short"}
			}
		} else {
			if p.next >= p.entries {
				p.done = true
				break
			}
			at = int64(le.Uint32(b[p.table+4*p.next:]))
			p.next++
		}
		d, size, isPacket, why := p.frame(frames[min(at, int64(len(frames))):])
		if why != "" {
			if p.cut {
				return n, int(at), 0, damage{at, why}
			}
			log.add(at, p.number+1, "%s; frame skipped", why)
			continue
		}
		if p.cut {
			p.next += int64(size)
		}
		if isPacket {
			p.number++
			d.Number = p.number
			dst[n] = d
			n++
		}
	}
	return n, 0, 0, bad
}

// frame reads the frame at the front of r. A record of Network Monitor's own is
// a frame but no packet.
func (p *netmonParser) frame(r []byte) (d Packet, size int, isPacket bool, why string) {
	le := binary.LittleEndian
	if len(r) < netmonFrame {
		return d, 0, false, fmt.Sprintf("frame header cut short: %d of %d bytes", len(r), netmonFrame)
	}
	length, captured := le.Uint32(r[8:]), le.Uint32(r[12:])
	if captured > usualPacket {
		return d, 0, false, fmt.Sprintf("captured length %d is above the limit of %d", captured, usualPacket)
	}
	body := netmonFrame + int(captured)
	size = body + p.trailer()
	if len(r) < size {
		return d, 0, false, fmt.Sprintf("frame cut short: %d of %d bytes", len(r), size)
	}
	data, tail := r[netmonFrame:body:body], r[body:size]
	media := p.media
	if len(tail) >= 2 {
		media = le.Uint16(tail)
	}
	link, ok := netmonLink(media)
	if !ok {
		return d, size, false, ""
	}
	if media == 6 && len(data) >= 3 {
		// A radio header that gives its own length.
		cut := min(max(int(le.Uint16(data[1:])), 3), len(data))
		data, length = data[cut:], length-min(uint32(cut), length)
	}
	d = Packet{
		Time: p.start + int64(min(le.Uint64(r), 1<<53))*1000,
		Link: link, Length: max(length, uint32(len(data))), Data: data,
	}
	if len(tail) == 15 {
		d.Time = fileTime(le.Uint64(tail[6:]))
	}
	return d, size, true, ""
}

// netmonLink gives the link type of a media number. It is false for records
// that are no packets: comments, events, process and network information.
func netmonLink(media uint16) (LinkType, bool) {
	switch {
	case media >= 0xfff0:
		return 0, false
	case media&0xf000 == 0xe000: // a LINKTYPE_ value of a converted capture
		return LinkType(media & 0x0fff), true
	}
	switch media {
	case 1:
		return LinkEthernet, true
	case 2:
		return LinkTokenRing, true
	case 3:
		return LinkFDDI, true
	case 6:
		return LinkIEEE80211, true
	case 7, 8, 9: // tunnel, wireless broadband, raw
		return LinkRaw, true
	}
	return LinkUnknown, true
}

// fileTime turns a Windows time, units of 100 ns since 1601, into nanoseconds
// since 1970; 0 where that does not fit.
func fileTime(t uint64) int64 {
	const epoch = 116444736000000000 // 1970 in that unit
	if t < epoch || t-epoch > (1<<63-1)/100 {
		return 0
	}
	return int64(t-epoch) * 100
}
