package decode

import (
	"testing"
)

// Each of gopacket's ten decoders has a fuzz target of its own: it must not panic, and
// must find what its specification says, whatever follows the header.

// fuzzHeader fuzzes a decoder of headers that have at least fixed bytes. The decoder is
// used twice, so that nothing stays from the header before.
func fuzzHeader(f *testing.F, fixed int, seeds []string, check func(t *testing.T, h *headers, b []byte)) {
	for _, s := range seeds {
		f.Add(hx(s), []byte{})
		f.Add(hx(s), cat(hx(s), make([]byte, 40)))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var h headers
		for _, b := range [][]byte{first, second} {
			if len(b) >= fixed {
				check(t, &h, b[:len(b):len(b)])
			}
		}
	})
}

func FuzzHeaderVLAN(f *testing.F) {
	fuzzHeader(f, 4, []string{"e00a 0800", "0fff 8100 0001"}, func(t *testing.T, h *headers, b []byte) {
		if id, typ := h.decodeVLAN(b); id != be16(b)&0xfff || typ != be16(b[2:]) {
			t.Errorf("%x: %d %#x", b, id, typ)
		}
	})
}

func FuzzHeaderLLC(f *testing.F) {
	fuzzHeader(f, 3, []string{"aaaa03 000000 0800", "fefe03", "424200 00", "0707 01 02"}, func(t *testing.T, h *headers, b []byte) {
		// IEEE 802.2 section 5.4: an unnumbered format has one byte of control.
		want := 4
		if b[2]&3 == 3 {
			want = 3
		}
		dsap, ssap, length, ok := h.decodeLLC(b)
		if ok != (len(b) >= want) || ok && (dsap != b[0]&^1 || ssap != b[1]&^1 || length != want) {
			t.Errorf("%x: %#x %#x %d %v", b, dsap, ssap, length, ok)
		}
	})
}

func FuzzHeaderSNAP(f *testing.F) {
	fuzzHeader(f, 5, []string{"000000 0800", "0080c2 0007 00"}, func(t *testing.T, h *headers, b []byte) {
		if organisation, typ := h.decodeSNAP(b); organisation != be24(b) || typ != be16(b[3:]) {
			t.Errorf("%x: %#x %#x", b, organisation, typ)
		}
	})
}

func FuzzHeaderIPv4(f *testing.F) {
	fuzzHeader(f, 20, []string{
		"4500 0014 0001 4000 4006 0000 c0000201 c0000202",
		"4600 0018 0001 2005 4011 0000 c0000201 c0000202 94040000",
		"4f00 0000 0001 0000 4011 0000 c0000201 c0000202 8300ff01 44000000 00",
		"4100 ffff 0001 0000 4011 0000 c0000201 c0000202",
	}, func(t *testing.T, h *headers, b []byte) {
		want := ipv4Header{int(b[0]&15) * 4, be16(b[4:]), be16(b[6:]) & 0x1fff, b[6]>>5&1 != 0, b[9], [4]byte(b[12:]), [4]byte(b[16:])}
		if got := h.decodeIPv4(b); got != want {
			t.Errorf("%x: %+v, want %+v", b, got, want)
		}
	})
}

func FuzzHeaderIPv6(f *testing.F) {
	fuzzHeader(f, 40, []string{
		"60000000 0000 11 40 20010db8000000000000000000000001 20010db8000000000000000000000002",
		"60000000 0010 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002 1100 c204 00010000",
		"60000000 ffff 2b ff 20010db8000000000000000000000001 20010db8000000000000000000000002 06",
	}, func(t *testing.T, h *headers, b []byte) {
		want := ipv6Header{be16(b[4:]), b[6], [16]byte(b[8:]), [16]byte(b[24:])}
		if got := h.decodeIPv6(b); got != want {
			t.Errorf("%x: %+v, want %+v", b, got, want)
		}
	})
}

func FuzzHeaderTCP(f *testing.F) {
	fuzzHeader(f, 20, []string{
		"c000 01bb 00000001 00000002 5012 ffff 0000 0000",
		"c000 01bb 00000001 00000002 8002 ffff 0000 0000 020405b4 0402080a 00000001",
		"c000 01bb 00000001 00000002 f1ff ffff 0000 0000 02000000 08ff 1e00",
		"c000 01bb 00000001 00000002 0000 ffff 0000 0000",
	}, func(t *testing.T, h *headers, b []byte) {
		want := tcpHeader{be32(b[4:]), be32(b[8:]), be16(b[16:]), b[13], int(b[12]>>4) * 4}
		if got := h.decodeTCP(b); got != want {
			t.Errorf("%x: %+v, want %+v", b, got, want)
		}
	})
}

func FuzzHeaderUDP(f *testing.F) {
	fuzzHeader(f, 8, []string{"c000 0035 0008 0000", "c000 0035 0000 1234 00", "c000 0035 0007 0000", "c000 0035 ffff 0000"}, func(t *testing.T, h *headers, b []byte) {
		if length, checksum := h.decodeUDP(b); length != int(be16(b[4:])) || checksum != be16(b[6:]) {
			t.Errorf("%x: %d %#x", b, length, checksum)
		}
	})
}

func FuzzHeaderVXLAN(f *testing.F) {
	fuzzHeader(f, 8, []string{"08000000 00004d00", "8848 0001 ffffff 00", "00000000 00000000"}, func(t *testing.T, h *headers, b []byte) {
		if id, ok := h.decodeVXLAN(b); id != be24(b[4:]) || ok != (b[0]&8 != 0) {
			t.Errorf("%x: %d %v", b, id, ok)
		}
	})
}

func FuzzHeaderICMPv4(f *testing.F) {
	fuzzHeader(f, 8, []string{"0303 0000 00000000", "0800 0000 00010001", "ffff 0000 00000000"}, func(t *testing.T, h *headers, b []byte) {
		if typ, code := h.decodeICMPv4(b); typ != b[0] || code != b[1] {
			t.Errorf("%x: %d %d", b, typ, code)
		}
	})
}

func FuzzHeaderICMPv6(f *testing.F) {
	fuzzHeader(f, 8, []string{"0104 0000 00000000", "8700 0000 00000000", "ffff 0000 00000000"}, func(t *testing.T, h *headers, b []byte) {
		if typ, code := h.decodeICMPv6(b); typ != b[0] || code != b[1] {
			t.Errorf("%x: %d %d", b, typ, code)
		}
	})
}
