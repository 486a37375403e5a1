package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// Option codes of pcapng (draft-ietf-opsawg-pcapng), as far as Writer makes
// them. Above ngOptComment they depend on the block.
const (
	ngOptEnd         = 0
	ngOptComment     = 1
	ngOptHardware    = 2 // in a section header
	ngOptOS          = 3 // in a section header
	ngOptApplication = 4 // in a section header
	ngOptName        = 2 // in an interface description
	ngOptResolution  = 9 // in an interface description
)

const (
	maxNgOption       = 1<<16 - 1 // the length of an option has 16 bits
	maxNgWriterPacket = 1 << 30   // keeps every block length in 32 bits
)

// WriterOptions describe the capture in the file. Empty fields are left out.
type WriterOptions struct {
	Application string // name and version of the program that writes
	Hardware    string // of the machine that captured
	OS          string // of the machine that captured
	Comment     string
}

// Writer writes packets to a pcapng file of one section, in little-endian
// order, with times in nanoseconds. Each packet can have a comment.
type Writer struct {
	out     *bufio.Writer
	opt     WriterOptions
	started bool
	block   []byte            // scratch: a block without its data
	tagged  [sll2Len + 4]byte // scratch of splitAtVLAN

	count      uint32 // interface descriptions written
	described  map[ngDescription]uint32
	interfaces map[ngOrigin]uint32
	// last is where the last packet came from, and lastID its interface, so
	// that a run of packets needs no look-up. lastID is valid when hasLast.
	last    ngOrigin
	lastID  uint32
	hasLast bool
}

// ngDescription is what tells the interfaces of the file apart.
type ngDescription struct {
	link LinkType
	name string
}

// ngOrigin is what a Packet says of its interface.
type ngOrigin struct {
	link  LinkType
	index uint32
	name  string
}

// NewWriter returns a Writer. It writes nothing before the first packet,
// interface or Flush. What it writes is buffered until Flush.
func NewWriter(w io.Writer, opt WriterOptions) *Writer {
	return &Writer{
		out:        bufio.NewWriterSize(w, 256<<10),
		opt:        opt,
		described:  make(map[ngDescription]uint32),
		interfaces: make(map[ngOrigin]uint32),
	}
}

// start writes the section header once.
func (w *Writer) start() error {
	if w.started {
		return nil
	}
	w.started = true
	b := binary.LittleEndian.AppendUint32(w.block[:0], ngOrder)
	b = binary.LittleEndian.AppendUint16(b, 1) // version 1.0
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint64(b, 1<<64-1) // the section's length is not known
	var options []byte
	for _, o := range []struct {
		code uint16
		text string
	}{
		{ngOptComment, w.opt.Comment},
		{ngOptHardware, w.opt.Hardware},
		{ngOptOS, w.opt.OS},
		{ngOptApplication, w.opt.Application},
	} {
		if o.text != "" {
			options = appendNgOption(options, o.code, o.text)
		}
	}
	b = append(b, endNgOptions(options)...)
	return w.writeBlock(ngSection, b)
}

// AddInterface describes the interface of the packets with this link type
// and this Packet.Interface. Interfaces with the same link type and name
// become one in the file. A snapLen of 0 says that packets were not cut.
func (w *Writer) AddInterface(link LinkType, index uint32, name string, snapLen uint32) error {
	if err := w.start(); err != nil {
		return err
	}
	d, o := ngDescription{link, name}, ngOrigin{link, index, name}
	id, ok := w.described[d]
	if !ok {
		b := binary.LittleEndian.AppendUint16(w.block[:0], uint16(link))
		b = binary.LittleEndian.AppendUint16(b, 0)
		b = binary.LittleEndian.AppendUint32(b, snapLen)
		if name != "" {
			b = appendNgOption(b, ngOptName, name)
		}
		b = appendNgOption(b, ngOptResolution, "\x09") // units of 10^-9 s
		if err := w.writeBlock(ngInterface, endNgOptions(b)); err != nil {
			return err
		}
		id = w.count
		w.count++
		w.described[d] = id
	}
	w.interfaces[o] = id
	o.name = "" // packets that do not name it
	w.interfaces[o] = id
	w.hasLast = false
	return nil
}

// WritePacket writes a packet, with a comment unless that is empty. An
// interface that was not added is added with the name that the packet has. A VLAN tag that the
// system took off (Packet.VLAN) is put back where the link type has a place
// for it. A time before 1970 is written as 0, which means that the time is
// not known.
func (w *Writer) WritePacket(p *Packet, comment string) error {
	if len(p.Data) > maxNgWriterPacket {
		return fmt.Errorf("write packet of %d bytes: at most %d fit a block", len(p.Data), maxNgWriterPacket)
	}
	o := ngOrigin{p.Link, p.Interface, p.InterfaceName}
	if !w.hasLast || o != w.last {
		if _, ok := w.interfaces[o]; !ok {
			if err := w.AddInterface(p.Link, p.Interface, p.InterfaceName, 0); err != nil {
				return err
			}
		}
		w.last, w.lastID, w.hasLast = o, w.interfaces[o], true
	}

	before, tag, after := w.splitAtVLAN(p)
	captured := len(before) + len(tag) + len(after)
	padding := -captured & 3
	options := 0
	if comment != "" {
		comment = cutNgText(comment)
		options = 4 + len(comment) + -len(comment)&3 + 4
	}
	const fixed = 28 // type, length, interface, time, two lengths
	total := fixed + captured + padding + options + 4

	time := uint64(max(p.Time, 0))
	b := binary.LittleEndian.AppendUint32(w.block[:0], ngEnhanced)
	b = binary.LittleEndian.AppendUint32(b, uint32(total))
	b = binary.LittleEndian.AppendUint32(b, w.lastID)
	b = binary.LittleEndian.AppendUint32(b, uint32(time>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(time))
	b = binary.LittleEndian.AppendUint32(b, uint32(captured))
	b = binary.LittleEndian.AppendUint32(b, max(p.Length, uint32(captured)))
	// A bufio.Writer keeps its first error and returns it again, so that the
	// last write tells of all.
	w.out.Write(b)
	w.out.Write(before)
	w.out.Write(tag)
	w.out.Write(after)
	b = append(b[:0], "\x00\x00\x00"[:padding]...)
	if comment != "" {
		b = endNgOptions(appendNgOption(b, ngOptComment, comment))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(total))
	w.block = b[:0]
	_, err := w.out.Write(b)
	return errWriteCapture(err)
}

// Flush writes what is buffered. A Writer without packets and interfaces
// then writes an empty capture.
func (w *Writer) Flush() error {
	if err := w.start(); err != nil {
		return err
	}
	return errWriteCapture(w.out.Flush())
}

func (w *Writer) writeBlock(kind uint32, body []byte) error {
	w.block = body[:0]
	var head, tail [8]byte
	total := uint32(len(body) + 12)
	binary.LittleEndian.PutUint32(head[:], kind)
	binary.LittleEndian.PutUint32(head[4:], total)
	binary.LittleEndian.PutUint32(tail[:], total)
	w.out.Write(head[:])
	w.out.Write(body)
	_, err := w.out.Write(tail[:4])
	return errWriteCapture(err)
}

func errWriteCapture(err error) error {
	if err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	return nil
}

// splitAtVLAN gives the bytes of a packet with its VLAN tag where it was: in
// Ethernet after the two addresses (IEEE 802.1Q clause 9). In LINUX_SLL2 the
// protocol comes first, so that the tag's goes there, and the tag's TCI and
// the inner protocol after the header, as libpcap does it. What it makes is
// valid until its next call.
func (w *Writer) splitAtVLAN(p *Packet) (before, tag, after []byte) {
	switch {
	case p.VLAN == 0:
	case p.Link == LinkEthernet && len(p.Data) >= 12:
		return p.Data[:12], binary.BigEndian.AppendUint32(w.tagged[:0], p.VLAN), p.Data[12:]
	case p.Link == LinkLinuxSLL2 && len(p.Data) >= sll2Len:
		before = binary.BigEndian.AppendUint16(w.tagged[:0], uint16(p.VLAN>>16))
		before = append(before, p.Data[2:sll2Len]...)
		tag = binary.BigEndian.AppendUint16(w.tagged[sll2Len:sll2Len], uint16(p.VLAN))
		return before, append(tag, p.Data[:2]...), p.Data[sll2Len:]
	}
	return p.Data, nil, nil
}

// sll2Len is the length of the header of LINKTYPE_LINUX_SLL2.
const sll2Len = 20

// appendNgOption appends an option, cut to what it can hold and padded to 32
// bits.
func appendNgOption(b []byte, code uint16, value string) []byte {
	value = cutNgText(value)
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	return append(b, "\x00\x00\x00"[:-len(value)&3]...)
}

// endNgOptions closes a list of options, and leaves an empty one away.
func endNgOptions(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	return binary.LittleEndian.AppendUint32(b, ngOptEnd)
}

// cutNgText cuts text to what an option holds, between two characters.
func cutNgText(s string) string {
	if len(s) <= maxNgOption {
		return s
	}
	end := maxNgOption
	for end > maxNgOption-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
