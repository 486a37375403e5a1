package capture

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// pcapng (draft-ietf-opsawg-pcapng) is a sequence of blocks: type, total
// length, body, total length again. A section header block sets the byte order
// for what follows and forgets all interfaces; an interface description block
// adds one, with its link type and the unit of its timestamps.
const (
	ngSection     = 0x0a0d0d0a // reads the same in both byte orders
	ngInterface   = 1
	ngOldPacket   = 2 // obsolete packet block
	ngSimple      = 3
	ngNames       = 4
	ngStats       = 5
	ngEnhanced    = 6
	ngSecrets     = 10
	ngCustom      = 0x00000bad
	ngCustomLocal = 0x40000bad

	ngOrder = 0x1a2b3c4d // the byte-order magic of a section header
)

// minBlock is the least total length of the block types that a damaged file
// is searched for, and that a length must reach to be believed.
func minBlock(typ uint32) int {
	switch typ {
	case ngSection:
		return 28
	case ngInterface:
		return 20
	case ngOldPacket, ngEnhanced:
		return 32
	case ngSimple:
		return 16
	case ngStats:
		return 24
	case ngSecrets:
		return 20
	case ngCustom, ngCustomLocal:
		return 16
	}
	return 12
}

// ngIface is what an interface description block says.
type ngIface struct {
	link LinkType
	snap uint32 // 0: no limit
	unit ngUnit
	name string // at most maxInterfaceName bytes
	lost uint64 // packets that were dropped, by the last statistics
}

type ngParser struct {
	number uint64
	swap   bool // the section is big-endian
	alien  bool // the section is of a version whose blocks are not known
	ifaces []ngIface
	past   uint64 // packets dropped in the sections before

	// While a damaged place is being searched for the next block, lost is set.
	lost    bool
	lostAt  int64  // offset of the damage
	lostWhy string // what was wrong there
}

func ngMagic(b []byte) bool {
	return len(b) >= 4 && binary.LittleEndian.Uint32(b) == ngSection
}

func (p *ngParser) count() uint64 { return p.number }

func (p *ngParser) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if p.swap {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (p *ngParser) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if p.swap {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// header only checks that the first section header can be one. parse reads it.
func (p *ngParser) header(b []byte, end bool) (used, need int, err error) {
	if len(b) < 12 {
		if end {
			return 0, 0, fmt.Errorf("section header block cut short: %d bytes", len(b))
		}
		return 0, 12, nil
	}
	if _, ok := sectionOrder(b[8:]); !ok {
		return 0, 0, fmt.Errorf("section header block has no byte-order magic but %x", b[8:12])
	}
	return 0, 0, nil
}

// sectionOrder reads the byte-order magic.
func sectionOrder(b []byte) (swap, ok bool) {
	switch binary.LittleEndian.Uint32(b) {
	case ngOrder:
		return false, true
	case bits.ReverseBytes32(ngOrder):
		return true, true
	}
	return false, false
}

func (p *ngParser) parse(b []byte, off int64, end bool, dst []Packet, log *problems) (n, used, need int, bad damage) {
	at := 0
	for n < len(dst) {
		r := b[at:]
		if p.lost {
			skip, want, found := p.resync(r, end)
			at += skip
			if found {
				log.add(p.lostAt, p.number+1, "%s; %d bytes skipped", p.lostWhy, off+int64(at)-p.lostAt)
				p.lost = false
				continue
			}
			if end {
				bad = damageAt(p.lostAt, "%s; nothing after it can be read", p.lostWhy)
			}
			return n, at, want, bad
		}
		if len(r) < 12 {
			if end && len(r) > 0 {
				bad = damageAt(off+int64(at), "block header cut short: %d of 12 bytes", len(r))
			}
			return n, at, 12, bad
		}

		if k, passed := p.parseCommon(r, dst[n:]); passed > 0 {
			n += k
			at += passed
			continue
		}
		typ, size := p.u32(r), uint64(p.u32(r[4:]))
		size, want, why := p.frame(r, typ, size, end, off+int64(at), log)
		switch {
		case want > 0:
			return n, at, want, bad
		case want < 0 && !p.salvage(r[1:]):
			return n, at, 0, damage{off + int64(at), why}
		case why != "":
			p.lost, p.lostAt, p.lostWhy = true, off+int64(at), why
			at++
			continue
		}
		p.block(typ, r[:size], off+int64(at), dst, &n, log)
		at += int(size)
	}
	return n, at, 0, bad
}

// parseCommon reads the enhanced packet blocks at the front of b that are in good
// order, and stops at anything else, for parse to see to.
func (p *ngParser) parseCommon(b []byte, dst []Packet) (n, at int) {
	if p.alien {
		return 0, 0
	}
	// In variables, as the compiler must assume that dst overlaps p. Slices
	// with a capacity that is known keep the way to the next block short.
	ifaces, number, swap := p.ifaces, p.number, p.swap
	u32 := func(b []byte) uint32 {
		v := binary.LittleEndian.Uint32(b)
		if swap {
			v = bits.ReverseBytes32(v)
		}
		return v
	}
	for n < len(dst) && at <= len(b)-32 {
		h := b[at : at+32 : at+32]
		size := u32(h[4:])
		next := at + int(size)
		if u32(h) != ngEnhanced || size < 32 || size > maxPacket || size&3 != 0 || next > len(b) ||
			u32(b[next-4:next:next]) != size {
			break
		}
		id, captured := u32(h[8:]), u32(h[20:])
		if uint64(id) >= uint64(len(ifaces)) || captured > size-32 {
			break
		}
		number++
		f := &ifaces[id]
		d := &dst[n]
		d.Time = f.unit.nanos(uint64(u32(h[12:]))<<32 | uint64(u32(h[16:])))
		d.Number = number
		d.Link = f.link
		d.Length = max(u32(h[24:]), captured)
		d.VLAN = 0
		d.Interface, d.InterfaceName = id, f.name
		end := at + 28 + int(captured)
		d.Data = b[at+28 : end : end]
		at = next
		n++
	}
	p.number = number
	return n, at
}

// frame finds where the block at the front of r ends. want is how long r must
// be to tell, or -1 when the block runs over the end of the stream; why says that
// the block is damaged.
func (p *ngParser) frame(r []byte, typ uint32, size uint64, end bool, off int64, log *problems) (whole uint64, want int, why string) {
	if typ == ngSection {
		swap, ok := sectionOrder(r[8:])
		if !ok {
			return 0, 0, fmt.Sprintf("section header block has no byte-order magic but %x", r[8:12])
		}
		if swap != p.swap {
			size = uint64(bits.ReverseBytes32(uint32(size)))
			p.forget()
			p.swap = swap
		}
	}
	if size < uint64(minBlock(typ)) {
		return 0, 0, fmt.Sprintf("block of type %d has the impossible length %d", typ, size)
	}
	if size > maxPacket {
		return 0, 0, fmt.Sprintf("block of type %d has a length of %d, above the limit of %d", typ, size, maxPacket)
	}
	padded := (size + 3) &^ 3
	if uint64(len(r)) < padded {
		if !end {
			return 0, int(padded), ""
		}
		return 0, -1, fmt.Sprintf("block cut short: %d of %d bytes", len(r), padded)
	}
	after := p.u32(r[padded-4:])
	if uint64(after) == size {
		if size != padded {
			log.add(off, p.number+1, "block length %d is not a multiple of 4", size)
		}
		return padded, 0, ""
	}
	if size != padded && uint64(p.u32(r[size-4:])) == size {
		log.add(off, p.number+1, "block length %d is not a multiple of 4", size)
		return size, 0, ""
	}
	// The lengths differ. The one before the block is right if another block
	// follows where it says, or the end.
	next := r[padded:]
	if !end && len(next) < 12 {
		return 0, int(padded) + 12, ""
	}
	if _, ok := p.plausible(next); ok || end && len(next) == 0 {
		log.add(off, p.number+1, "block lengths differ: %d before the block, %d after it", size, after)
		return padded, 0, ""
	}
	return 0, 0, fmt.Sprintf("block lengths differ: %d before the block, %d after it", size, after)
}

// plausible says whether b begins with the header of a known block, and the
// length that it gives. The length may be more than b has.
func (p *ngParser) plausible(b []byte) (size int, ok bool) {
	if len(b) < 12 {
		return 0, false
	}
	typ, n := p.u32(b), p.u32(b[4:])
	switch typ {
	case ngSection:
		swap, ok := sectionOrder(b[8:])
		if !ok {
			return 0, false
		}
		if swap != p.swap {
			n = bits.ReverseBytes32(n)
		}
	case ngInterface, ngOldPacket, ngSimple, ngNames, ngStats, ngEnhanced, ngSecrets, ngCustom, ngCustomLocal:
	default:
		return 0, false
	}
	if n&3 != 0 || n < uint32(minBlock(typ)) || n > maxPacket {
		return 0, false
	}
	return int(n), true
}

// whole says whether a plausible block of size bytes at the front of b also
// has its length at its end.
func (p *ngParser) whole(b []byte, size int) bool {
	last := binary.LittleEndian.Uint32(b[size-4:])
	return int64(last) == int64(size) || int64(bits.ReverseBytes32(last)) == int64(size)
}

// resync looks in b for the next intact block that is followed by another or by
// the end of the stream. skip is how many bytes of b are certainly not part of
// one; want is how many it must see after them.
func (p *ngParser) resync(b []byte, end bool) (skip, want int, found bool) {
	for at := 0; at < len(b); at++ {
		r := b[at:]
		if len(r) < 12 {
			if end {
				return len(b), 0, false
			}
			return at, 12, false
		}
		size, ok := p.plausible(r)
		if !ok {
			continue
		}
		if len(r) < size {
			if end {
				continue
			}
			return at, size, false
		}
		if !p.whole(r, size) {
			continue
		}
		if len(r) < size+12 {
			if !end {
				return at, size + 12, false
			}
			return at, 0, true
		}
		if _, ok := p.plausible(r[size:]); ok {
			return at, 0, true
		}
	}
	return len(b), 12, false
}

// salvage says whether b, the last bytes of a stream behind a block that seems
// to run over its end, hold blocks that lead exactly to the end. Then it was
// the length that was wrong. Else the file was cut, and whatever looks like a
// block in there is the payload of the last packet.
func (p *ngParser) salvage(b []byte) bool {
	steps := 1 << 20 // hostile input must not make this quadratic
	for at := range b {
		r := b[at:]
		for len(r) > 0 && steps > 0 {
			size, ok := p.plausible(r)
			if !ok || size > len(r) || !p.whole(r, size) {
				break
			}
			r = r[size:]
			steps--
		}
		if len(r) == 0 {
			return true
		}
	}
	return false
}

// block reads a whole block. Packets go to dst[*n]. Name resolution, statistics,
// secrets, custom and unknown blocks hold none that are defined.
func (p *ngParser) block(typ uint32, r []byte, off int64, dst []Packet, n *int, log *problems) {
	if p.alien && typ != ngSection {
		return
	}
	switch typ {
	case ngSection:
		p.forget()
		major, minor := p.u16(r[12:]), p.u16(r[14:])
		if p.alien = major != 1; p.alien {
			log.add(off, 0, "section of pcapng version %d.%d, which is not known; section skipped", major, minor)
		}
	case ngInterface:
		if len(p.ifaces) == maxInterfaces {
			log.add(off, 0, "more than %d interfaces in a section", maxInterfaces)
			return
		}
		f := ngIface{link: LinkType(p.u16(r[8:])), snap: p.u32(r[12:]), unit: microseconds}
		p.options(r[16:len(r)-4], &f)
		p.ifaces = append(p.ifaces, f)
	case ngStats:
		if id := p.u32(r[8:]); uint64(id) < uint64(len(p.ifaces)) {
			p.statistics(r[20:len(r)-4], &p.ifaces[id])
		}
	case ngEnhanced:
		stamp := uint64(p.u32(r[12:]))<<32 | uint64(p.u32(r[16:]))
		p.packet(r[28:len(r)-4], p.u32(r[8:]), stamp, p.u32(r[20:]), p.u32(r[24:]), off, dst, n, log)
	case ngOldPacket:
		stamp := uint64(p.u32(r[12:]))<<32 | uint64(p.u32(r[16:]))
		p.packet(r[28:len(r)-4], uint32(p.u16(r[8:])), stamp, p.u32(r[20:]), p.u32(r[24:]), off, dst, n, log)
	case ngSimple:
		// It belongs to the first interface and has no time. How much of the
		// packet is there follows from the snap length.
		length := p.u32(r[8:])
		captured := min(length, uint32(len(r)-16))
		if len(p.ifaces) > 0 && p.ifaces[0].snap != 0 {
			captured = min(captured, p.ifaces[0].snap)
		}
		before := *n
		p.packet(r[12:len(r)-4], 0, 0, captured, length, off, dst, n, log)
		if *n > before {
			dst[before].Time = 0
		}
	}
}

// packet gives the packet at the front of data, the rest of its block.
func (p *ngParser) packet(data []byte, id uint32, stamp uint64, captured, length uint32, off int64, dst []Packet, n *int, log *problems) {
	p.number++
	if uint64(id) >= uint64(len(p.ifaces)) || uint64(captured) > uint64(len(data)) {
		p.badPacket(off, id, captured, uint64(len(data)), log)
		return
	}
	f := &p.ifaces[id]
	dst[*n] = Packet{
		Time: f.unit.nanos(stamp), Number: p.number, Link: f.link, Length: max(length, captured),
		Interface: id, InterfaceName: f.name, Data: data[:captured:captured],
	}
	*n++
}

// badPacket notes a packet that cannot be given although its block is intact.
func (p *ngParser) badPacket(off int64, id, captured uint32, room uint64, log *problems) {
	if uint64(id) >= uint64(len(p.ifaces)) {
		log.add(off, p.number, "packet of interface %d, but %d are described; packet skipped", id, len(p.ifaces))
		return
	}
	log.add(off, p.number, "captured length %d, but the block has room for %d; packet skipped", captured, room)
}

// maxInterfaces is what a 16-bit interface number can tell apart. More of them
// is an attack on memory.
const maxInterfaces = 1 << 16

// forget drops the interfaces of a section that is over.
func (p *ngParser) forget() {
	p.past = p.drops()
	p.ifaces = p.ifaces[:0]
}

// drops is the number of packets that the capturing system says it lost.
func (p *ngParser) drops() uint64 {
	sum := p.past
	for i := range p.ifaces {
		sum += p.ifaces[i].lost
	}
	return sum
}

// option takes the first option of a list off. One that runs over the end of
// its block ends the list, as does its end mark.
func (p *ngParser) option(b []byte) (code uint16, value, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, nil, nil, false
	}
	code, n := p.u16(b), int(p.u16(b[2:]))
	b = b[4:]
	if code == 0 || n > len(b) {
		return 0, nil, nil, false
	}
	return code, b[:n], b[min((n+3)&^3, len(b)):], true
}

func (p *ngParser) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if p.swap {
		v = bits.ReverseBytes64(v)
	}
	return v
}

// maxInterfaceName bounds the name of an interface, in bytes. Names of systems are
// much shorter, and each of many interfaces keeps one.
const maxInterfaceName = 255

// options reads the name of an interface, and those of its options that change how
// its packets are read.
func (p *ngParser) options(b []byte, f *ngIface) {
	const (
		name     = 2
		tsResol  = 9
		tsOffset = 14
	)
	resol, offset := byte(6), int64(0)
	for {
		code, value, rest, ok := p.option(b)
		if !ok {
			break
		}
		switch {
		case code == name:
			f.name = string(value[:min(len(value), maxInterfaceName)])
		case code == tsResol && len(value) >= 1:
			resol = value[0]
		case code == tsOffset && len(value) >= 8:
			offset = int64(p.u64(value))
		}
		b = rest
	}
	f.unit = newUnit(resol, offset)
}

// statistics reads how many packets an interface and the system behind it have
// lost so far.
func (p *ngParser) statistics(b []byte, f *ngIface) {
	const (
		ifDrop = 5
		osDrop = 7
	)
	lost := uint64(0)
	for {
		code, value, rest, ok := p.option(b)
		if !ok {
			break
		}
		if (code == ifDrop || code == osDrop) && len(value) >= 8 {
			lost += p.u64(value)
		}
		b = rest
	}
	f.lost = lost
}
