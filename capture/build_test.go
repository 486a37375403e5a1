package capture

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
)

// fileBuilder makes small captures in memory. ends has the offset behind each
// packet's record, starts that of its first byte, blocks every offset at which
// the file may end intact.
type fileBuilder struct {
	b      []byte
	order  binary.AppendByteOrder
	starts []int
	ends   []int
	blocks []int
}

func (f *fileBuilder) u16(v uint16) { f.b = f.order.AppendUint16(f.b, v) }
func (f *fileBuilder) u32(v ...uint32) {
	for _, v := range v {
		f.b = f.order.AppendUint32(f.b, v)
	}
}

// pcapFile begins a classic pcap file of version 2.4.
func pcapFile(order binary.AppendByteOrder, magic, snapLen, network uint32) *fileBuilder {
	return pcapFileVersion(order, magic, 2, 4, snapLen, network)
}

func pcapFileVersion(order binary.AppendByteOrder, magic uint32, major, minor uint16, snapLen, network uint32) *fileBuilder {
	f := &fileBuilder{order: order}
	f.u32(magic)
	f.u16(major)
	f.u16(minor)
	f.u32(0, 0, snapLen, network)
	f.blocks = append(f.blocks, len(f.b))
	return f
}

// record appends a packet whose header has the four words given.
func (f *fileBuilder) record(sec, frac, first, second uint32, data []byte) {
	f.starts = append(f.starts, len(f.b))
	f.u32(sec, frac, first, second)
	f.b = append(f.b, data...)
	f.ends = append(f.ends, len(f.b))
	f.blocks = append(f.blocks, len(f.b))
}

func (f *fileBuilder) packet(sec, frac uint32, data []byte) {
	f.record(sec, frac, uint32(len(data)), uint32(len(data)), data)
}

// ngFile begins a pcapng file with a section header.
func ngFile(order binary.AppendByteOrder) *fileBuilder {
	f := &fileBuilder{order: order}
	f.section(order)
	return f
}

func (f *fileBuilder) section(order binary.AppendByteOrder) {
	f.order = order
	body := order.AppendUint32(nil, 0x1a2b3c4d)
	body = order.AppendUint16(body, 1)
	body = order.AppendUint16(body, 0)
	body = order.AppendUint64(body, 1<<64-1)
	f.block(0x0a0d0d0a, body)
}

// block appends a block, its body padded to 4 bytes.
func (f *fileBuilder) block(typ uint32, body []byte) {
	size := (len(body)+3)&^3 + 12
	f.u32(typ, uint32(size))
	f.b = append(f.b, body...)
	f.b = append(f.b, make([]byte, size-12-len(body))...)
	f.u32(uint32(size))
	f.blocks = append(f.blocks, len(f.b))
}

// iface appends an interface description; options are code and value in turn.
func (f *fileBuilder) iface(link uint16, snapLen uint32, options ...any) {
	body := f.order.AppendUint16(nil, link)
	body = f.order.AppendUint16(body, 0)
	body = f.order.AppendUint32(body, snapLen)
	f.block(1, append(body, f.options(options)...))
}

func (f *fileBuilder) options(list []any) (b []byte) {
	if len(list) == 0 {
		return nil
	}
	for i := 0; i < len(list); i += 2 {
		var value []byte
		switch v := list[i+1].(type) {
		case []byte:
			value = v
		case string:
			value = []byte(v)
		case int: // if_tsoffset
			value = f.order.AppendUint64(nil, uint64(v))
		}
		b = f.order.AppendUint16(b, uint16(list[i].(int)))
		b = f.order.AppendUint16(b, uint16(len(value)))
		b = append(b, value...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	return f.order.AppendUint32(b, 0)
}

// enhanced appends an enhanced packet block.
func (f *fileBuilder) enhanced(iface uint32, stamp uint64, data []byte, options ...any) {
	f.starts = append(f.starts, len(f.b))
	f.block(6, append(f.enhancedBody(iface, stamp, uint32(len(data)), uint32(len(data)), data), f.options(options)...))
	f.ends = append(f.ends, len(f.b))
}

func (f *fileBuilder) enhancedBody(iface uint32, stamp uint64, captured, length uint32, data []byte) []byte {
	body := f.order.AppendUint32(nil, iface)
	body = f.order.AppendUint32(body, uint32(stamp>>32))
	body = f.order.AppendUint32(body, uint32(stamp))
	body = f.order.AppendUint32(body, captured)
	body = f.order.AppendUint32(body, length)
	body = append(body, data...)
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	return body
}

// snoopFile begins a snoop file.
func snoopFile(version, link uint32) *fileBuilder {
	f := &fileBuilder{order: binary.BigEndian, b: []byte("snoop\x00\x00\x00")}
	f.u32(version, link)
	f.blocks = append(f.blocks, len(f.b))
	return f
}

func (f *fileBuilder) snoop(sec, micro uint32, data []byte) {
	f.starts = append(f.starts, len(f.b))
	pad := -len(data) & 3
	f.u32(uint32(len(data)), uint32(len(data)), uint32(24+len(data)+pad), 0, sec, micro)
	f.b = append(f.b, data...)
	f.ends = append(f.ends, len(f.b)) // the padding may be missing
	f.b = append(f.b, make([]byte, pad)...)
	f.blocks = append(f.blocks, len(f.b))
}

// keep makes a packet outlive the next call of Next.
func keep(p Packet) Packet {
	p.Data = bytes.Clone(p.Data)
	return p
}

// drain reads a source to its end, batch packets at a time.
func drain(s Source, batch int) (packets []Packet, err error) {
	dst := make([]Packet, batch)
	for {
		n, err := s.Next(dst)
		for _, p := range dst[:n] {
			packets = append(packets, keep(p))
		}
		if err != nil {
			return packets, err
		}
	}
}

// readCapture reads a capture that lies in memory.
func readCapture(r io.Reader, opt Options) ([]Packet, []DamageError, error) {
	c, err := NewReader(r, "test", opt)
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	packets, err := drain(c, 3)
	list, _ := c.Problems()
	return packets, list, err
}

// mustRead reads a capture that has nothing wrong.
func mustRead(t *testing.T, file []byte) []Packet {
	t.Helper()
	packets, problems, err := readCapture(bytes.NewReader(file), Options{})
	if err != io.EOF || len(problems) > 0 {
		t.Fatalf("error %v, problems %v", err, problems)
	}
	return packets
}

func samePacket(a, b Packet) bool {
	return a.Time == b.Time && a.Number == b.Number && a.Link == b.Link && a.Length == b.Length &&
		a.VLAN == b.VLAN && a.Interface == b.Interface && a.InterfaceName == b.InterfaceName && bytes.Equal(a.Data, b.Data)
}

func checkPackets(t *testing.T, got, want []Packet) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range got {
		if !samePacket(got[i], want[i]) {
			t.Fatalf("packet %d is\n%+v, want\n%+v", i+1, got[i], want[i])
		}
	}
}
