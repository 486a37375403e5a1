package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

func TestPcapMagics(t *testing.T) {
	for _, c := range []struct {
		name  string
		order binary.AppendByteOrder
		magic uint32
		nanos int64 // of a fraction of 7
	}{
		{"microseconds little-endian", le, 0xa1b2c3d4, 7000},
		{"microseconds big-endian", be, 0xa1b2c3d4, 7000},
		{"nanoseconds little-endian", le, 0xa1b23c4d, 7},
		{"nanoseconds big-endian", be, 0xa1b23c4d, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := pcapFile(c.order, c.magic, 65535, 1)
			f.packet(10, 7, []byte("first"))
			f.record(11, 0, 4, 1500, []byte("snap"))
			f.packet(4294967295, 999999, nil)
			checkPackets(t, mustRead(t, f.b), []Packet{
				{Time: 10e9 + c.nanos, Number: 1, Link: LinkEthernet, Length: 5, Data: []byte("first")},
				{Time: 11e9, Number: 2, Link: LinkEthernet, Length: 1500, Data: []byte("snap")},
				{Time: 4294967295e9 + 999999*c.nanos/7, Number: 3, Link: LinkEthernet},
			})
		})
	}
}

func TestPcapPatchedHeader(t *testing.T) {
	// Eight bytes more: interface index, protocol, packet type, padding.
	for _, order := range []binary.AppendByteOrder{le, be} {
		f := pcapFile(order, 0xa1b2cd34, 65535, 113)
		for i := range uint32(3) {
			f.u32(5, i, 3, 3)
			f.u32(i + 2)
			f.u16(0x0800)
			f.b = append(f.b, 4, 0)
			f.b = append(f.b, 'a', 'b', 'c')
		}
		got := mustRead(t, f.b)
		if len(got) != 3 {
			t.Fatalf("%d packets", len(got))
		}
		want := Packet{Time: 5e9 + 2000, Number: 3, Link: LinkLinuxSLL, Length: 3, Interface: 4, Data: []byte("abc")}
		if !samePacket(got[2], want) {
			t.Errorf("third packet %+v, want %+v", got[2], want)
		}
	}
}

func TestPcapIxia(t *testing.T) {
	// The file header has four bytes more, the size of all records.
	for magic, nanos := range map[uint32]int64{0x1c0001ac: 7, 0x1c0001ab: 7000} {
		for _, order := range []binary.AppendByteOrder{le, be} {
			f := pcapFile(order, magic, 65535, 1)
			f.u32(17)
			f.packet(1, 7, []byte("x"))
			checkPackets(t, mustRead(t, f.b), []Packet{
				{Time: 1e9 + nanos, Number: 1, Link: LinkEthernet, Length: 1, Data: []byte("x")},
			})
		}
	}
}

func TestPcapAIX(t *testing.T) {
	// Version 2.2: original length first. ifType for the link type.
	// Nanoseconds. FDDI frames have three bytes before them.
	for _, c := range []struct {
		ifType uint32
		link   LinkType
		data   string
	}{{6, LinkEthernet, "abcdef"}, {9, LinkTokenRing, "abcdef"}, {15, LinkFDDI, "def"}, {24, LinkNull, "abcdef"}} {
		f := pcapFileVersion(be, 0xa1b2c3d4, 2, 2, 65535, c.ifType)
		f.record(1, 7, 100, 6, []byte("abcdef"))
		checkPackets(t, mustRead(t, f.b), []Packet{
			{Time: 1e9 + 7, Number: 1, Link: c.link, Length: 100 - 6 + uint32(len(c.data)), Data: []byte(c.data)},
		})
	}
}

func TestPcapVersions(t *testing.T) {
	for _, c := range []struct {
		major, minor  uint16
		first, second uint32
		length        uint32
	}{
		{2, 4, 3, 90, 90},
		{2, 2, 90, 3, 90},   // before 2.3 the original length came first
		{2, 0, 90, 3, 90},   //
		{2, 3, 3, 90, 90},   // in 2.3 it depends on the writer
		{2, 3, 90, 3, 90},   //
		{543, 0, 90, 3, 90}, // DG/UX
		{512, 1024, 3, 90, 90},
	} {
		f := pcapFileVersion(le, 0xa1b2c3d4, c.major, c.minor, 65535, 1)
		f.record(1, 0, c.first, c.second, []byte("abc"))
		f.packet(2, 0, []byte("z"))
		got := mustRead(t, f.b)
		if len(got) != 2 || string(got[0].Data) != "abc" || got[0].Length != c.length {
			t.Errorf("version %d.%d: %+v", c.major, c.minor, got)
		}
	}
	f := pcapFileVersion(le, 0xa1b2c3d4, 1, 2, 65535, 1)
	if _, err := NewReader(bytes.NewReader(f.b), "test", Options{}); err == nil || !strings.Contains(err.Error(), "version 1.2") {
		t.Errorf("version 1.2: %v", err)
	}
}

func TestPcapUpperHalfOfLinkTypeIsNoPartOfIt(t *testing.T) {
	f := pcapFile(le, 0xa1b2c3d4, 65535, 0x24000001) // frame check sequence of 4 bytes
	f.packet(1, 0, []byte("x"))
	if got := mustRead(t, f.b); got[0].Link != LinkEthernet {
		t.Errorf("link type %v", got[0].Link)
	}
	f = pcapFile(le, 0xa1b2c3d4, 65535, 276) // more than 8 bits
	f.packet(1, 0, []byte("x"))
	if got := mustRead(t, f.b); got[0].Link != LinkLinuxSLL2 {
		t.Errorf("link type %v", got[0].Link)
	}
}

func TestPcapSnapLen(t *testing.T) {
	big := make([]byte, 1<<20)
	for _, c := range []struct {
		snap uint32
		size int
		ok   bool
	}{
		{0, 200 << 10, true},   // 0 is no limit
		{96, 1514, true},       // writers exceed their own
		{96, 256 << 10, true},  //
		{96, 257 << 10, false}, // above what is believed without a reason
		{1 << 20, 1 << 20, true},
		{1<<32 - 1, 1 << 20, true},
	} {
		f := pcapFile(le, 0xa1b2c3d4, c.snap, 1)
		f.packet(1, 0, big[:c.size])
		f.packet(2, 0, []byte("next"))
		packets, _, err := readCapture(bytes.NewReader(f.b), Options{})
		if c.ok != (err == io.EOF && len(packets) == 2 && len(packets[0].Data) == c.size) {
			t.Errorf("snap length %d, packet of %d: %d packets, %v", c.snap, c.size, len(packets), err)
		}
	}
}

func TestPcapLengthBelowCapturedIsRaised(t *testing.T) {
	f := pcapFile(le, 0xa1b2c3d4, 65535, 1)
	f.record(1, 0, 5, 2, []byte("abcde"))
	if got := mustRead(t, f.b); got[0].Length != 5 {
		t.Errorf("length %d, want 5", got[0].Length)
	}
}

func TestPcapImpossibleLength(t *testing.T) {
	f := pcapFile(le, 0xa1b2c3d4, 1<<32-1, 1)
	f.packet(1, 0, []byte("good"))
	at := len(f.b)
	f.record(1, 0, 0xfffffff0, 0xfffffff0, nil)
	packets, _, err := readCapture(bytes.NewReader(f.b), Options{})
	var d *DamageError
	if len(packets) != 1 || !errors.As(err, &d) || d.Offset != int64(at) || d.Packet != 2 {
		t.Errorf("%d packets, %v", len(packets), err)
	}
}

// sampleFiles are small intact captures of each kind.
func sampleFiles() map[string]*fileBuilder {
	files := make(map[string]*fileBuilder)
	for name, order := range map[string]binary.AppendByteOrder{"little": le, "big": be} {
		f := pcapFile(order, 0xa1b2c3d4, 65535, 1)
		for i := range uint32(4) {
			f.packet(i, i, bytes.Repeat([]byte{byte(i)}, int(5*i+1)))
		}
		files["pcap "+name] = f

		f = ngFile(order)
		f.iface(1, 65535, 2, "eth0", 9, []byte{9})
		f.enhanced(0, 1e18, []byte("first packet"), 1, "a comment")
		f.block(5, make([]byte, 12))
		f.enhanced(0, 1e18+1, []byte("second"))
		f.iface(101, 0)
		f.enhanced(1, 1e15, []byte("E"))
		f.section(le)
		f.iface(1, 0)
		f.enhanced(0, 1e15, []byte("last one"))
		files["pcapng "+name] = f
	}
	f := snoopFile(2, 4)
	for i := range uint32(4) {
		f.snoop(i, i, bytes.Repeat([]byte{byte(i)}, int(5*i+1)))
	}
	files["snoop"] = f
	return files
}

// TestTruncated cuts each sample after every byte. All packets that are whole
// come out, and the error tells where the first one that is not begins.
func TestTruncated(t *testing.T) {
	for name, f := range sampleFiles() {
		whole := mustRead(t, f.b)
		if len(whole) != len(f.ends) {
			t.Fatalf("%s: %d packets, want %d", name, len(whole), len(f.ends))
		}
		for cut := range len(f.b) + 1 {
			for how, r := range map[string]io.Reader{
				"whole":   bytes.NewReader(f.b[:cut]),
				"bytes":   iotest.OneByteReader(bytes.NewReader(f.b[:cut])),
				"dataerr": iotest.DataErrReader(bytes.NewReader(f.b[:cut])),
			} {
				packets, _, err := readCapture(r, Options{})
				if e := checkCut(f, whole, cut, packets, err); e != nil {
					t.Fatalf("%s cut at %d of %d (%s): %v", name, cut, len(f.b), how, e)
				}
			}
		}
	}
}

func checkCut(f *fileBuilder, whole []Packet, cut int, packets []Packet, err error) error {
	n := 0
	for n < len(f.ends) && f.ends[n] <= cut {
		n++
	}
	if len(packets) != n {
		return fmt.Errorf("%d packets, want %d (%v)", len(packets), n, err)
	}
	for i := range packets {
		if !samePacket(packets[i], whole[i]) {
			return fmt.Errorf("packet %d differs", i+1)
		}
	}
	start := 0 // of the block that is cut
	for _, end := range f.blocks {
		if end == cut {
			start = cut
			break
		}
		if end < cut {
			start = end
		}
	}
	var d *DamageError
	switch {
	case cut < 4 || bytes.HasPrefix(f.b, []byte("snoop")) && cut < 8:
		if !errors.Is(err, ErrNotCapture) {
			return fmt.Errorf("error %v, want ErrNotCapture", err)
		}
	case start == cut || n > 0 && f.ends[n-1] > start: // the second: only padding is missing
		if err != io.EOF {
			return fmt.Errorf("error %v, want io.EOF", err)
		}
	case !errors.As(err, &d):
		return fmt.Errorf("error %v, want a *DamageError", err)
	case d.Offset != int64(start):
		return fmt.Errorf("error %v, want offset %d", err, start)
	case start > 0 && d.Packet != uint64(n+1):
		return fmt.Errorf("error %v, want packet %d", err, n+1)
	}
	return nil
}
