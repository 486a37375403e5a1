package main

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"time"
)

// pcapng block types (draft-ietf-opsawg-pcapng section 11.1).
const (
	blockSection        = 0x0a0d0d0a
	blockInterface      = 1
	blockPacket         = 2 // obsolete
	blockSimplePacket   = 3
	blockNames          = 4
	blockStatistics     = 5
	blockEnhancedPacket = 6
	blockCustom         = 0x00000bad
	blockUnknown        = 0x00f00f00 // nobody's
)

// A section writes the blocks of one pcapng section, in one byte order.
type section struct {
	order binary.AppendByteOrder
	b     []byte
}

// option is one option of a block; its value is padded to four octets.
type option struct {
	code  uint16
	value []byte
}

func (s *section) options(all ...option) (b []byte) {
	if len(all) == 0 {
		return nil
	}
	for _, o := range append(all, option{}) {
		b = s.order.AppendUint16(b, o.code)
		b = s.order.AppendUint16(b, uint16(len(o.value)))
		b = pad(append(b, o.value...), 4)
	}
	return b
}

// u32 writes numbers in the section's byte order.
func (s *section) u32(all ...uint32) (b []byte) {
	for _, v := range all {
		b = s.order.AppendUint32(b, v)
	}
	return b
}

func (s *section) block(kind uint32, parts ...[]byte) {
	body := pad(cat(parts...), 4)
	length := s.u32(uint32(12 + len(body)))
	s.b = cat(s.b, s.u32(kind), length, body, length)
}

// header begins the section; its length is not given (-1).
func (s *section) header(options ...option) {
	version := s.order.AppendUint16(s.order.AppendUint16(nil, 1), 0)
	s.block(blockSection, s.u32(0x1a2b3c4d), version, s.u32(0xffffffff, 0xffffffff), s.options(options...))
}

func (s *section) iface(link uint16, snap uint32, options ...option) {
	s.block(blockInterface, s.order.AppendUint16(nil, link), []byte{0, 0}, s.u32(snap), s.options(options...))
}

// enhanced writes a packet, with its time counted in units.
func (s *section) enhanced(iface uint32, f frame, unit time.Duration, options ...option) {
	t := uint64(f.at.UnixNano() / int64(unit))
	s.block(blockEnhancedPacket, s.u32(iface, uint32(t>>32), uint32(t), uint32(len(f.data)), uint32(f.wire)), pad(f.data, 4), s.options(options...))
}

// five is the recording of the format files: a DNS question and its answer,
// and three packets of a TCP connection.
func five() *recording {
	r := newRecording(linkEthernet)
	r.now = r.now.Add(123_456_789 * time.Nanosecond) // so that a lost digit shows
	f := r.flow(protoUDP, "192.0.2.10:50001", "198.51.100.53:53", want{"established", "destination"})
	f.udp(out, dnsQuery(1, "example.com"))
	f.udp(back, dnsAnswer(1, "example.com", [4]byte{192, 0, 2, 80}))
	g := r.flow(protoTCP, "192.0.2.10:50002", "198.51.100.20:443", want{"established", "destination"})
	g.open()
	return r
}

// formats writes the same five packets in every container, all with the truth
// of formats.flows.tsv, save the one in which a packet has no link header.
func formats() []output {
	r := five()
	whole := r.file()
	bare := five()
	bare.flows[1].octets[out] -= 14
	return []output{
		{"captures/format-sections.flows.tsv", bare.truth()},
		{"captures/formats.flows.tsv", r.truth()},
		{"captures/format-le-us.pcap", whole},
		{"captures/format-be-us.pcap", r.pcap(binary.BigEndian, false)},
		{"captures/format-le-ns.pcap", r.pcap(binary.LittleEndian, true)},
		{"captures/format-be-ns.pcap", r.pcap(binary.BigEndian, true)},
		{"captures/format-modified.pcap", r.modified()},
		{"captures/format-link-bits.pcap", r.linkBits()},
		{"captures/format-le.pcapng", r.plainNG(binary.LittleEndian)},
		{"captures/format-be.pcapng", r.plainNG(binary.BigEndian)},
		{"captures/format-blocks.pcapng", r.blocks()},
		{"captures/format-sections.pcapng", r.sections()},
		{"captures/format-resolutions.pcapng", r.resolutions()},
		{"captures/format-us.pcap.gz", gzipStored(whole)},
		{"captures/format-members.pcap.gz", cat(gzipStored(whole[:100]), gzipStored(nil), gzipStored(whole[100:]))},
		{"captures/format-us.pcap.zst", zstdRaw(whole)},
		{"captures/format-us.pcap.lz4", lz4Raw(whole)},
	}
}

// modified writes Alexey Kuznetzov's form, as some old Linux systems did: its
// record header has eight octets more.
func (r *recording) modified() []byte {
	le := binary.LittleEndian
	b := r.file()[:24]
	le.PutUint32(b, 0xa1b2cd34)
	for _, f := range r.frames {
		for _, v := range []uint32{uint32(f.at.Unix()), uint32(f.at.Nanosecond() / 1000), uint32(len(f.data)), uint32(f.wire), 2} {
			b = le.AppendUint32(b, v)
		}
		b = append(b, 0, 8, 0, 0) // protocol, packet type, padding
		b = append(b, f.data...)
	}
	return b
}

// linkBits sets bits in the upper half of the header's link type field: the
// length of the frames' check sequence is given, and is zero. The link type is
// the lower half.
func (r *recording) linkBits() []byte {
	b := r.file()
	binary.LittleEndian.PutUint32(b[20:], 1<<26|uint32(r.link))
	return b
}

// plainNG is what a common capture program writes.
func (r *recording) plainNG(order binary.AppendByteOrder) []byte {
	s := &section{order: order}
	s.header(option{2, []byte("x86-64")}, option{3, []byte("Linux 6.12")}, option{4, []byte("a capture program")})
	s.iface(linkEthernet, snapLength, option{2, []byte("eth0")}, option{9, []byte{9}}, option{12, []byte("Linux 6.12")})
	for _, f := range r.frames {
		s.enhanced(0, f, time.Nanosecond)
	}
	s.block(blockStatistics, s.u32(0, 0, 0), s.options(option{5, make([]byte, 8)}))
	return s.b
}

// blocks has every kind of block and many options. The third packet is a
// simple one, which has no time, and the fifth an obsolete one.
func (r *recording) blocks() []byte {
	s := &section{order: binary.LittleEndian}
	s.header(option{1, []byte("a comment")}, option{1, []byte("and another")})
	s.iface(linkEthernet, snapLength)
	s.block(blockUnknown, []byte("nobody knows"))
	s.enhanced(0, r.frames[0], time.Microsecond, option{1, []byte("the question")}, option{2, s.u32(2)}, option{0x4bad, []byte("own")})
	s.block(blockNames, s.u32(0)) // the end of its records
	s.block(blockCustom, s.u32(32473), []byte("a custom block of the number for examples"))
	s.enhanced(0, r.frames[1], time.Microsecond)
	s.block(blockSimplePacket, s.u32(uint32(r.frames[2].wire)), r.frames[2].data)
	s.enhanced(0, r.frames[3], time.Microsecond)
	t, f := uint64(r.frames[4].at.UnixMicro()), r.frames[4]
	s.block(blockPacket, s.order.AppendUint16(s.order.AppendUint16(nil, 0), 0xffff), // interface, drops unknown
		s.u32(uint32(t>>32), uint32(t), uint32(len(f.data)), uint32(f.wire)), pad(f.data, 4), s.options(option{2, s.u32(1)}))
	s.block(blockStatistics, s.u32(0, uint32(t>>32), uint32(t)))
	return s.b
}

// sections has two sections, of either byte order, and the interfaces of the
// second are numbered anew: its first has no link header.
func (r *recording) sections() []byte {
	a, b := &section{order: binary.BigEndian}, &section{order: binary.LittleEndian}
	a.header()
	a.iface(linkEthernet, snapLength)
	a.enhanced(0, r.frames[0], time.Microsecond)
	a.enhanced(0, r.frames[1], time.Microsecond)
	b.header()
	b.iface(linkRaw, snapLength, option{9, []byte{9}})
	b.iface(linkEthernet, snapLength)
	bare := r.frames[2]
	bare.data = bare.data[14:]
	bare.wire = len(bare.data)
	b.enhanced(0, bare, time.Nanosecond)
	b.enhanced(1, r.frames[3], time.Microsecond)
	b.enhanced(1, r.frames[4], time.Microsecond)
	return cat(a.b, b.b)
}

// resolutions gives each packet an interface with another unit of time:
// microseconds unsaid, nanoseconds, seconds, milliseconds before an offset of
// an hour, and 2^-20 seconds (section 4.2, options if_tsresol, if_tsoffset).
func (r *recording) resolutions() []byte {
	s := &section{order: binary.LittleEndian}
	s.header()
	s.iface(linkEthernet, 0) // no limit
	s.iface(linkEthernet, snapLength, option{9, []byte{9}})
	s.iface(linkEthernet, snapLength, option{9, []byte{0}})
	s.iface(linkEthernet, snapLength, option{9, []byte{3}}, option{14, binary.LittleEndian.AppendUint64(nil, 3600)})
	s.iface(linkEthernet, snapLength, option{9, []byte{0x80 | 20}})
	s.enhanced(0, r.frames[0], time.Microsecond)
	s.enhanced(1, r.frames[1], time.Nanosecond)
	s.enhanced(2, r.frames[2], time.Second)
	early := r.frames[3]
	early.at = early.at.Add(-time.Hour)
	s.enhanced(3, early, time.Millisecond)
	binaryUnits := r.frames[4]
	ns := uint64(binaryUnits.at.Nanosecond())
	binaryUnits.at = time.Unix(0, binaryUnits.at.Unix()<<20|int64(ns<<20/1e9))
	s.enhanced(4, binaryUnits, time.Nanosecond)
	return s.b
}

// gzipStored is a gzip member (RFC 1952) of one stored block. Compressed ones
// would depend on the version of the compressor.
func gzipStored(b []byte) []byte {
	le := binary.LittleEndian
	z := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1}
	z = le.AppendUint16(z, uint16(len(b)))
	z = le.AppendUint16(z, ^uint16(len(b)))
	z = append(z, b...)
	z = le.AppendUint32(z, crc32.ChecksumIEEE(b))
	return le.AppendUint32(z, uint32(len(b)))
}

// zstdRaw is a Zstandard frame (RFC 8878 section 3.1.1) of one raw block, its
// size given in two octets less 256, without checksum.
func zstdRaw(b []byte) []byte {
	le := binary.LittleEndian
	z := le.AppendUint32(nil, 0xfd2fb528)
	z = append(z, 1<<6|1<<5) // two octets of content size, single segment
	z = le.AppendUint16(z, uint16(len(b)-256))
	head := uint32(len(b))<<3 | 1 // the last block, raw
	return append(append(z, byte(head), byte(head>>8), byte(head>>16)), b...)
}

// lz4Raw is an LZ4 frame of one uncompressed block. The header's last octet is
// its checksum: of these two octets it is always the same.
func lz4Raw(b []byte) []byte {
	le := binary.LittleEndian
	z := append(le.AppendUint32(nil, 0x184d2204), 0x60, 0x40, 0x82)
	z = le.AppendUint32(z, 1<<31|uint32(len(b)))
	return le.AppendUint32(append(z, b...), 0)
}

// badNG makes damaged forms of plainNG and of compressed files.
func badNG() []output {
	r := five()
	good := r.plainNG(binary.LittleEndian)
	// starts are where the blocks begin: section, interface, five packets,
	// statistics.
	var starts []int
	for at := 0; at < len(good); at += int(binary.LittleEndian.Uint32(good[at+4:])) {
		starts = append(starts, at)
	}
	change := func(at int, v uint32) []byte {
		b := slices.Clone(good)
		binary.LittleEndian.PutUint32(b[at:], v)
		return b
	}
	fourth := starts[5]
	zipped := gzipStored(r.file())
	corrupt := slices.Clone(zipped)
	corrupt[len(corrupt)-30] ^= 0xff
	return []output{
		{"bad/ng-short-block.pcapng", good[:fourth+40]},
		{"bad/ng-short-header.pcapng", good[:starts[1]-10]},
		{"bad/ng-length-4.pcapng", change(fourth+4, 4)},
		{"bad/ng-length-odd.pcapng", change(fourth+4, binary.LittleEndian.Uint32(good[fourth+4:])+1)},
		{"bad/ng-length-huge.pcapng", change(fourth+4, 0xffff_fff0)},
		{"bad/ng-trailer.pcapng", change(starts[6]-4, 12)},
		{"bad/ng-caplen.pcapng", change(fourth+20, 0xffff_fff0)},
		{"bad/ng-no-interface.pcapng", change(fourth+8, 7)},
		{"bad/ng-no-section.pcapng", good[starts[1]:]},
		{"bad/short.pcap.gz", zipped[:len(zipped)-60]},
		{"bad/corrupt.pcap.gz", corrupt},
	}
}
