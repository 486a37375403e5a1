package capture

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/portannot/portannot/capture/unpack"
)

// The fuzz targets check what must hold of any input: reading ends, without a
// panic; packets are as the contract says; and it makes no difference in which
// pieces the bytes come.

func FuzzPcap(f *testing.F) {
	for name, s := range sampleFiles() {
		if name[:5] == "pcap " {
			f.Add(s.b)
		}
	}
	for _, magic := range []uint32{0xa1b23c4d, 0xa1b2cd34, 0x1c0001ac, 0x1c0001ab} {
		s := pcapFile(be, magic, 0, 113)
		s.u32(0)
		s.packet(1, 2, []byte("0123456789"))
		s.record(1, 2, 300000, 4, nil)
		f.Add(s.b)
	}
	for _, version := range [][2]uint16{{2, 2}, {2, 3}, {543, 0}} {
		s := pcapFileVersion(le, 0xa1b2c3d4, version[0], version[1], 65535, 15)
		s.record(1, 2, 9, 2, []byte("ab"))
		f.Add(s.b)
	}
	f.Fuzz(checkAnyInput)
}

func FuzzPcapng(f *testing.F) {
	for name, s := range sampleFiles() {
		if name[:5] == "pcapn" {
			f.Add(s.b)
		}
	}
	for _, bad := range []func(s *fileBuilder){
		func(s *fileBuilder) { s.u32(6, 4) },
		func(s *fileBuilder) { s.u32(6, 1<<20, 1) },
		func(s *fileBuilder) { s.block(2, make([]byte, 24)) },
		func(s *fileBuilder) { s.block(3, []byte{9, 0, 0, 0, 1, 2, 3, 4}) },
		func(s *fileBuilder) { s.iface(1, 3, 9, []byte{0x8a}, 14, -5) },
		func(s *fileBuilder) { s.enhanced(0, 1, []byte("x")); s.b[len(s.b)-4]++ },
	} {
		s := ngFile(le)
		s.iface(1, 0)
		bad(s)
		s.enhanced(0, 5, []byte("good"))
		f.Add(s.b)
	}
	f.Fuzz(checkAnyInput)
}

func FuzzSnoop(f *testing.F) {
	f.Add(sampleFiles()["snoop"].b)
	f.Add(snoopFile(2, 9).b)
	f.Fuzz(checkAnyInput)
}

func FuzzNetmon(f *testing.F) {
	for minor := range byte(4) {
		f.Add(netmonFile(minor, false))
	}
	f.Fuzz(checkAnyInput)
}

func FuzzSniffer(f *testing.F) {
	for _, v := range []string{"001.000", "001.100", "002.001", "002.003"} {
		f.Add(snifferFile(v))
	}
	f.Fuzz(checkAnyInput)
}

// FuzzDetect feeds the way from the first bytes to a format, through the
// decompressors.
func FuzzDetect(f *testing.F) {
	small := sampleFiles()["pcapng little"].b
	f.Add(small)
	for _, pack := range compressors {
		f.Add(pack(small))
		f.Add(append(pack(small[:40]), pack(small[40:])...))
	}
	f.Add([]byte("BZh91AY&SY"))
	f.Add([]byte("RTSS"))
	f.Add([]byte{0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4, 0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(checkAnyInput)
}

func checkAnyInput(t *testing.T, b []byte) {
	whole, problems, err := readCapture(bytes.NewReader(b), Options{})
	if err == nil {
		t.Fatal("no error at the end")
	}
	var damage *DamageError
	if !errors.Is(err, io.EOF) && !errors.Is(err, ErrNotCapture) && !errors.As(err, &damage) {
		t.Fatalf("error %T %v", err, err)
	}
	last := uint64(0)
	for _, p := range whole {
		if p.Number <= last || int64(p.Length) < int64(len(p.Data)) || len(p.Data) > maxPacket {
			t.Fatalf("packet %d after %d: length %d, %d bytes", p.Number, last, p.Length, len(p.Data))
		}
		last = p.Number
	}
	if unpack.Detect(b) != nil {
		return // decompressors stop at an error earlier or later, as they are asked
	}
	pieces, problems2, err2 := readCapture(iotest.OneByteReader(bytes.NewReader(b)), Options{})
	if err.Error() != err2.Error() || len(problems) != len(problems2) {
		t.Fatalf("in one piece %v, %v;\nin bytes %v, %v", problems, err, problems2, err2)
	}
	for i := range problems {
		if problems[i] != problems2[i] {
			t.Fatalf("in one piece %v, in bytes %v", &problems[i], &problems2[i])
		}
	}
	checkPackets(t, pieces, whole)
}
