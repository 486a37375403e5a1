package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strings"
	"testing"
)

func TestNgInterfacesAndSections(t *testing.T) {
	f := ngFile(be)
	f.iface(1, 0)                                    // microseconds
	f.iface(276, 0, 2, "eth0", 9, []byte{9}, 14, 10) // nanoseconds, 10 s more
	f.enhanced(1, 5, []byte("b"), 1, "comment")
	f.enhanced(0, 5, []byte("a"))
	f.section(le) // forgets both interfaces
	f.iface(101, 0, 9, []byte{0x80 | 10})
	f.enhanced(0, 3<<10|512, []byte("c"))
	checkPackets(t, mustRead(t, f.b), []Packet{
		{Time: 10e9 + 5, Number: 1, Link: LinkLinuxSLL2, Length: 1, Interface: 1, InterfaceName: "eth0", Data: []byte("b")},
		{Time: 5000, Number: 2, Link: LinkEthernet, Length: 1, Data: []byte("a")},
		{Time: 35e8, Number: 3, Link: LinkRaw, Length: 1, Data: []byte("c")},
	})
}

func TestNgOtherBlocks(t *testing.T) {
	f := ngFile(le)
	f.block(4, []byte("names"))
	f.iface(1, 4) // snap length 4
	f.block(10, []byte("KLSTsecrets"))
	f.block(0x80000001, []byte("of somebody else"))
	f.block(0x00000bad, []byte("custom"))

	simple := le.AppendUint32(nil, 9) // 4 bytes of 9
	f.block(3, append(simple, "abcd"...))

	old := le.AppendUint16(nil, 0) // obsolete packet block
	old = le.AppendUint16(old, 77) // drops
	old = le.AppendUint32(old, 0)
	old = le.AppendUint32(old, 6) // microseconds
	old = le.AppendUint32(old, 3)
	old = le.AppendUint32(old, 60)
	f.block(2, append(old, "xyz"...))

	f.block(5, make([]byte, 12))
	checkPackets(t, mustRead(t, f.b), []Packet{
		{Time: 0, Number: 1, Link: LinkEthernet, Length: 9, Data: []byte("abcd")},
		{Time: 6000, Number: 2, Link: LinkEthernet, Length: 60, Data: []byte("xyz")},
	})
}

func TestNgSimpleBlockWithTimeOffsetHasNoTime(t *testing.T) {
	f := ngFile(le)
	f.iface(1, 0, 14, 1000)
	f.block(3, append(le.AppendUint32(nil, 1), 'a'))
	if got := mustRead(t, f.b); got[0].Time != 0 {
		t.Errorf("time %d", got[0].Time)
	}
}

// TestUnit compares the conversion of timestamps with exact arithmetic, for all
// units.
func TestUnit(t *testing.T) {
	stamps := []uint64{0, 1, 999, 1e6, 1e9 + 1, 1700000000e6 + 123456, 1700000000e9 + 123456789, math.MaxInt64, math.MaxUint64}
	for i := range uint(64) {
		stamps = append(stamps, 1<<i-1, 1<<i+12345)
	}
	for resol := range 256 {
		for _, offset := range []int64{0, 1, -1, 1700000000, -9223372036, 9223372036, math.MaxInt64, math.MinInt64} {
			u := newUnit(byte(resol), offset)
			per := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(resol)), nil)
			if resol >= 128 {
				per.Lsh(big.NewInt(1), uint(resol-128))
			}
			for _, stamp := range stamps {
				got := u.nanos(stamp)
				ns := new(big.Int).SetUint64(stamp)
				ns.Mul(ns, big.NewInt(1e9)).Quo(ns, per)
				fits := ns.IsInt64()
				off := new(big.Int).Mul(big.NewInt(offset), big.NewInt(1e9))
				ns.Add(ns, off)
				want := int64(0)
				if fits && ns.IsInt64() && off.IsInt64() {
					want = ns.Int64()
				}
				if got != want {
					t.Fatalf("unit %#x, offset %d: %d is %d ns, want %d", resol, offset, stamp, got, want)
				}
			}
		}
	}
}

// damaged is a capture with a damaged block in the middle of good ones.
func damaged(order binary.AppendByteOrder, bad func(f *fileBuilder)) (f *fileBuilder, at int) {
	f = ngFile(order)
	f.iface(1, 0)
	for i := range uint64(3) {
		f.enhanced(0, i, []byte("before"))
	}
	at = len(f.b)
	bad(f)
	for i := range uint64(50) {
		f.enhanced(0, i, []byte("after, and a bit longer"))
	}
	return f, at
}

func TestNgRecovers(t *testing.T) {
	for _, c := range []struct {
		name    string
		packets int
		bad     func(f *fileBuilder)
	}{
		{"length 4", 53, func(f *fileBuilder) { f.u32(0x99, 4) }},
		{"length 0", 53, func(f *fileBuilder) { f.u32(6, 0) }},
		{"length below the least", 53, func(f *fileBuilder) { f.u32(6, 16, 0, 16) }},
		{"length 4 GiB", 53, func(f *fileBuilder) { f.u32(6, 0xfffffffc, 1, 2, 3) }},
		{"length beyond the end", 53, func(f *fileBuilder) { f.u32(6, 1<<20, 1, 2, 3) }},
		{"garbage", 53, func(f *fileBuilder) { f.b = append(f.b, "here the disk was full for a while"...) }},
		{"zeros", 53, func(f *fileBuilder) { f.b = append(f.b, make([]byte, 4099)...) }},
		{"wrong length behind", 54, func(f *fileBuilder) {
			f.enhanced(0, 1, []byte("its length is right"))
			f.b[len(f.b)-4] ^= 0xff
			f.b[len(f.b)-1] ^= 0xff
		}},
		{"wrong length before", 53, func(f *fileBuilder) {
			at := len(f.b)
			f.enhanced(0, 1, []byte("its length is wrong"))
			f.b[at+4] ^= 0x40
			f.b[at+7] ^= 0x40
		}},
		{"length not padded", 54, func(f *fileBuilder) { // as an early writer did
			body := f.enhancedBody(0, 1, 5, 5, []byte("hello"))
			size := uint32(len(body) - 3 + 12)
			f.u32(6, size)
			f.b = append(f.b, body...)
			f.u32(size)
		}},
		{"captured length above the block", 53, func(f *fileBuilder) {
			f.block(6, f.enhancedBody(0, 1, 0xfffffff0, 0xfffffff0, nil))
		}},
		{"interface that is not described", 53, func(f *fileBuilder) { f.enhanced(7, 1, []byte("x")) }},
		{"section header without magic", 53, func(f *fileBuilder) { f.block(0x0a0d0d0a, make([]byte, 16)) }},
	} {
		for _, order := range []binary.AppendByteOrder{le, be} {
			f, at := damaged(order, c.bad)
			packets, problems, err := readCapture(bytes.NewReader(f.b), Options{})
			if err != io.EOF || len(packets) != c.packets {
				t.Errorf("%s, %v: %d packets, %v; want %d", c.name, order, len(packets), err, c.packets)
				continue
			}
			if len(problems) != 1 || problems[0].Offset != int64(at) || problems[0].Packet != 4 {
				t.Errorf("%s, %v: problems %v; want one at %d, packet 4", c.name, order, problems, at)
			}
			last := packets[len(packets)-1]
			if string(last.Data) != "after, and a bit longer" || last.Time != 49000 {
				t.Errorf("%s, %v: last packet %+v", c.name, order, last)
			}
		}
	}
}

func TestNgUnknownVersionIsSkipped(t *testing.T) {
	f := ngFile(le)
	f.iface(1, 0)
	f.enhanced(0, 1, []byte("a"))
	at := len(f.b)
	f.section(le)
	le.PutUint16(f.b[at+12:], 2)
	f.iface(1, 0)
	f.enhanced(0, 1, []byte("of version 2"))
	f.section(be)
	f.iface(1, 0)
	f.enhanced(0, 1, []byte("b"))
	packets, problems, err := readCapture(bytes.NewReader(f.b), Options{})
	if err != io.EOF || len(packets) != 2 || string(packets[1].Data) != "b" {
		t.Errorf("%d packets, %v", len(packets), err)
	}
	if len(problems) != 1 || problems[0].Offset != int64(at) {
		t.Errorf("problems %v", problems)
	}
}

// TestNgCutPacketHoldsACapture: the last packet of a cut file carries a pcapng
// file, as an HTTP download may. Its packets are not this capture's.
func TestNgCutPacketHoldsACapture(t *testing.T) {
	inner := ngFile(le)
	inner.iface(1, 0)
	inner.enhanced(0, 1, []byte("not captured here"))
	f := ngFile(le)
	f.iface(1, 0)
	f.enhanced(0, 1, []byte("a"))
	at := len(f.b)
	f.enhanced(0, 2, append(inner.b, "and more of the payload"...))
	packets, problems, err := readCapture(bytes.NewReader(f.b[:len(f.b)-8]), Options{})
	var d *DamageError
	if len(packets) != 1 || len(problems) != 0 || !errors.As(err, &d) || d.Offset != int64(at) {
		t.Errorf("%d packets, %v, %v", len(packets), problems, err)
	}
}

func TestNgOptionsOutOfBounds(t *testing.T) {
	f := ngFile(le)
	body := le.AppendUint32(le.AppendUint32(nil, 1), 0)
	body = append(body, 9, 0, 1, 0, 9, 0, 0, 0)          // nanoseconds
	body = append(body, 2, 0, 0xff, 0xff, 'e', 't', 'h') // a name of 65535 bytes
	f.block(1, body)
	f.enhanced(0, 7, []byte("x"))
	if got := mustRead(t, f.b); got[0].Time != 7 {
		t.Errorf("time %d, want 7", got[0].Time)
	}
	// A value shorter than its kind is left alone.
	f = ngFile(le)
	f.iface(1, 0, 9, []byte{}, 14, []byte{1, 2, 3})
	f.enhanced(0, 7, []byte("x"))
	if got := mustRead(t, f.b); got[0].Time != 7000 {
		t.Errorf("time %d, want 7000", got[0].Time)
	}
}

func TestNgManyInterfaces(t *testing.T) {
	f := ngFile(le)
	for range maxInterfaces + 10 {
		f.iface(1, 0)
	}
	f.enhanced(maxInterfaces-1, 7, []byte("x"))
	f.enhanced(maxInterfaces, 7, []byte("x"))
	packets, problems, err := readCapture(bytes.NewReader(f.b), Options{})
	if err != io.EOF || len(packets) != 1 || len(problems) != 11 {
		t.Errorf("%d packets, %d problems, %v", len(packets), len(problems), err)
	}
}

func TestNgProblemsAreBounded(t *testing.T) {
	f := ngFile(le)
	f.iface(1, 0)
	for range 10 * maxProblems {
		f.enhanced(3, 1, []byte("x"))
	}
	f.enhanced(0, 1, []byte("good"))
	r, err := NewReader(bytes.NewReader(f.b), "name.pcapng", Options{})
	if err != nil {
		t.Fatal(err)
	}
	packets, err := drain(r, 8)
	list, n := r.Problems()
	if err != io.EOF || len(packets) != 1 || packets[0].Number != 10*maxProblems+1 {
		t.Errorf("%v, %v", packets, err)
	}
	if len(list) != maxProblems || n != 10*maxProblems {
		t.Errorf("%d problems listed of %d", len(list), n)
	}
	want := fmt.Sprintf("name.pcapng: byte %d, packet 1: packet of interface 3, but 1 are described; packet skipped", f.starts[0])
	if got := list[0].Error(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestNgFirstBlockIsNoSection(t *testing.T) {
	f := ngFile(le)
	copy(f.b[8:], "????")
	_, err := NewReader(bytes.NewReader(f.b), "x", Options{})
	if err == nil || !strings.Contains(err.Error(), "byte-order magic") {
		t.Error(err)
	}
}

func TestNgDrops(t *testing.T) {
	f := ngFile(be)
	f.iface(1, 0)
	f.iface(1, 0)
	stats := func(iface uint32, options ...any) {
		body := f.order.AppendUint32(nil, iface)
		f.block(5, append(append(body, make([]byte, 8)...), f.options(options)...))
	}
	stats(0, 4, 100, 5, 3, 7, 2) // received 100, dropped 3 by the interface and 2 by the system
	stats(1, 5, 1)
	stats(0, 5, 10, 7, 2) // counts go on from the start of the capture
	stats(9, 5, 1000)     // of no interface
	f.section(le)
	f.iface(1, 0)
	stats(0, 7, 7)
	f.enhanced(0, 1, []byte("x"))
	r, err := NewReader(bytes.NewReader(f.b), "x", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := drain(r, 1); err != io.EOF || r.Drops() != 10+2+1+7 {
		t.Errorf("%d dropped, %v", r.Drops(), err)
	}
	r.Close()
}
