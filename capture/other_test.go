package capture

import (
	"bytes"
	"io"
	"testing"
	"time"
)

func TestSnoop(t *testing.T) {
	for link, want := range map[uint32]LinkType{0: LinkEthernet, 2: LinkTokenRing, 4: LinkEthernet, 8: LinkFDDI, 9: LinkUnknown, 18: LinkUnknown} {
		f := snoopFile(2, link)
		f.snoop(7, 8, []byte("padded"))
		f.snoop(9, 10, []byte("four"))
		checkPackets(t, mustRead(t, f.b), []Packet{
			{Time: 7e9 + 8000, Number: 1, Link: want, Length: 6, Data: []byte("padded")},
			{Time: 9e9 + 10000, Number: 2, Link: want, Length: 4, Data: []byte("four")},
		})
	}
	if _, err := NewReader(bytes.NewReader(snoopFile(1, 4).b), "x", Options{}); err == nil {
		t.Error("version 1 was accepted")
	}
	for _, record := range [][3]uint32{
		{4, 4, 27},      // the record is shorter than its packet
		{4, 4, 1 << 31}, // or far longer
		{1 << 31, 1 << 31, 1<<31 + 24},
	} {
		f := snoopFile(2, 4)
		f.snoop(1, 1, []byte("good"))
		f.u32(record[:]...)
		f.b = append(f.b, make([]byte, 100)...)
		packets, _, err := readCapture(bytes.NewReader(f.b), Options{})
		if d, ok := err.(*DamageError); len(packets) != 1 || !ok || d.Offset != int64(f.blocks[1]) {
			t.Errorf("%v: %d packets, %v", record, len(packets), err)
		}
	}
}

// netmonFile makes a Network Monitor capture of version 2.minor: three frames,
// the second no packet where the version can say so.
func netmonFile(minor byte, reversed bool) []byte {
	f := &fileBuilder{order: le, b: append([]byte(netmonMagic), minor, 2)}
	f.u16(1) // Ethernet
	for _, v := range []uint16{2005, 7, 0, 3, 8, 22, 19, 905} {
		f.u16(v)
	}
	f.u32(0, 0)
	f.b = append(f.b, make([]byte, 128-len(f.b))...)
	var table []uint32
	for i := range uint32(3) {
		table = append(table, uint32(len(f.b)))
		f.u32(5*i, 0, 60, 4)
		f.b = append(f.b, 'a'+byte(i), 'b', 'c', 'd')
		tail := make([]byte, 15)
		le.PutUint16(tail, 1)
		if i == 1 && minor > 0 {
			le.PutUint16(tail, 0xffff)
		}
		le.PutUint64(tail[6:], 116444736000000000+uint64(i))
		f.b = append(f.b, tail[:[]int{0, 2, 6, 15}[minor]]...)
	}
	le.PutUint32(f.b[24:], uint32(len(f.b)))
	le.PutUint32(f.b[28:], 12)
	if reversed {
		table[0], table[2] = table[2], table[0]
	}
	f.u32(table...)
	return append(f.b, "and what else there is"...)
}

func TestNetmon(t *testing.T) {
	start := time.Date(2005, 7, 3, 8, 22, 19, 905e6, time.UTC).UnixNano()
	for minor := range byte(4) {
		b := netmonFile(minor, false)
		want := []Packet{
			{Time: start, Number: 1, Link: LinkEthernet, Length: 60, Data: []byte("abcd")},
			{Time: start + 5000, Number: 2, Link: LinkEthernet, Length: 60, Data: []byte("bbcd")},
			{Time: start + 10000, Number: 3, Link: LinkEthernet, Length: 60, Data: []byte("cbcd")},
		}
		if minor > 0 { // the second is a record of its own
			want = []Packet{want[0], want[2]}
			want[1].Number = 2
		}
		if minor == 3 { // and each frame has its time
			want[0].Time, want[1].Time = 0, 200
		}
		checkPackets(t, mustRead(t, b), want)

		// Without the table the frames are read in order.
		packets, _, err := readCapture(bytes.NewReader(b[:len(b)-30]), Options{})
		checkPackets(t, packets, want)
		if _, ok := err.(*DamageError); !ok {
			t.Errorf("version 2.%d without its table: %v", minor, err)
		}
	}
	got := mustRead(t, netmonFile(0, true)) // the table has the order
	if labels(got) != "cbcd bbcd abcd" {
		t.Errorf("%q", labels(got))
	}
	b := netmonFile(0, false)
	le.PutUint32(b[128+3*20:], 0xfffffff0) // the first entry of the table
	packets, problems, err := readCapture(bytes.NewReader(b), Options{})
	if err != io.EOF || len(packets) != 2 || len(problems) != 1 {
		t.Errorf("%d packets, %v, %v", len(packets), problems, err)
	}
}

// snifferFile makes a Sniffer capture of two packets.
func snifferFile(version string) []byte {
	f := &fileBuilder{order: le, b: append([]byte(snifferMagic), version...)}
	f.b = append(f.b, make([]byte, 128-len(f.b))...)
	le.PutUint32(f.b[12:], 1000) // start, seconds
	le.PutUint32(f.b[16:], 2)
	le.PutUint32(f.b[24:], 128)
	header := 28
	if version[2] == '2' {
		header = 40
	}
	for i := range uint32(2) {
		f.u32(i*5, 0)
		f.u16(60)
		f.u16(4)
		f.b = append(f.b, make([]byte, header-12)...)
		f.b = append(f.b, 'a'+byte(i), 'b', 'c', 'd')
	}
	le.PutUint32(f.b[28:], uint32(len(f.b)))
	return append(f.b, "settings of the program"...)
}

func TestSniffer(t *testing.T) {
	for version, tick := range map[string]int64{"001.000": 1e6, "001.100": 1e3, "002.000": 1e3, "002.002": 1e3} {
		checkPackets(t, mustRead(t, snifferFile(version)), []Packet{
			{Time: 1000e9, Number: 1, Link: LinkEthernet, Length: 60, Data: []byte("abcd")},
			{Time: 1000e9 + 5*tick, Number: 2, Link: LinkEthernet, Length: 60, Data: []byte("bbcd")},
		})
	}
	b := snifferFile("002.001")
	packets, _, err := readCapture(bytes.NewReader(b[:len(b)-30]), Options{})
	if d, ok := err.(*DamageError); len(packets) != 1 || !ok || d.Packet != 2 {
		t.Errorf("%d packets, %v", len(packets), err)
	}
	if _, err := NewReader(bytes.NewReader(snifferFile("009.000")), "x", Options{}); err == nil {
		t.Error("an unknown version was accepted")
	}
}
