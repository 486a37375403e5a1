package decode

import (
	"testing"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

// allLinks are the link types that Decode knows.
var allLinks = func() (all []capture.LinkType) {
	for t := range capture.LinkType(300) {
		if _, r := decodeOne(t, make([]byte, 64)); r != UnknownLink {
			all = append(all, t)
		}
	}
	return all
}()

// checkSummaries checks what must hold of any packet.
func checkSummaries(t *testing.T, p *capture.Packet, s []packet.Summary, r Result, released bool) {
	t.Helper()
	if r == 0 || r >= NumResults || r == Panicked {
		t.Fatalf("result %v for %v %x", r, p.Link, p.Data)
	}
	flows := 0
	for i := range s {
		g := &s[i]
		if g.Kind != packet.Quoted && g.Number == p.Number {
			flows++
		}
		if g.Number != p.Number && (!released || g.Kind != packet.Fragment) {
			t.Fatalf("a summary of packet %d in %d", g.Number, p.Number)
		}
		if !hasPorts(g.Protocol) || g.IPVersion != 4 && g.IPVersion != 6 {
			t.Fatalf("protocol %d, IP version %d", g.Protocol, g.IPVersion)
		}
		if len(g.Payload) > len(p.Data) || len(g.Payload) > int(g.PayloadLen) {
			t.Fatalf("payload of %d bytes, %d on the wire, %d captured: %+v", len(g.Payload), g.PayloadLen, len(p.Data), g)
		}
		if g.Number == p.Number && int(g.FrameLen) != max(int(p.Length), len(p.Data)) {
			t.Fatalf("frame length %d", g.FrameLen)
		}
		if g.Kind == packet.Fragment && g.Payload != nil {
			t.Fatal("a fragment with payload")
		}
	}
	if (r == Decoded) != (flows > 0) {
		t.Fatalf("%v with %d headers", r, flows)
	}
}

// FuzzDecode decodes any bytes behind each link type, whole and cut.
func FuzzDecode(f *testing.F) {
	p4, p6 := ip4(packet.UDP, dns), ip6(packet.UDP, dns)
	zeros := make([]byte, 32)
	for _, b := range [][]byte{
		ether(0x0800, p4),
		ether(0x86dd, ip6(0, cat(hx("2b00 0104 00000000 3c00 0104 00000000 1100 0104 00000000"), dns))),
		ether(0x8100, cat(hx("000a 88a8 0014 8847 00010140"), p4)),
		ether(0x8864, cat(hx("1100 0007 0030 0021"), p4)),
		ether(0x0800, ip4(47, cat(hx("b000 88be 00000000 00000005 00000001 1001 0009 00000000"), ether(0x0800, inner)))),
		ether(0x0800, ip4(47, cat(hx("4000 0800 00000000 0800 00 04 0a000009 0000 00 00"), inner))),
		ether(0x0800, ip4(17, udp(50000, 4789, cat(hx("08000000 00004d00"), ether(0x0800, inner))))),
		ether(0x0800, ip4(17, udp(50000, 6081, cat(hx("0100 6558 00004f00 00000000"), ether(0x0800, inner))))),
		ether(0x0800, ip4(17, udp(2152, 2152, cat(hx("36 ff 0000 00000001 0001 00 85 01 0000 c0 01 0000 00"), inner)))),
		ether(0x0800, ip4(17, udp(50000, 3544, cat(hx("0001 0000 0000000000000000 00 0000 efbf f5fffffe"), p6)))),
		ether(0x0800, ip4(17, udp(1701, 1701, cat(hx("4a02 0040 0001 0002 0003 0004 0002 0000 ff03 0021"), inner)))),
		ether(0x0800, ip4(17, udp(50000, 5247, cat(hx("00100000 00000000"), ether(0x0800, inner))))),
		ether(0x0800, ip4(17, udp(50000, 37008, cat(hx("01 00 0001 0a 01 ff 01"), ether(0x0800, inner))))),
		ether(0x0800, ip4(1, cat(hx("0303 0000 00000000"), p4))),
		ether(0x0800, ip4frag(hostA, hostB, 17, 7, more, dns)),
		ether(0x0800, ip4frag(hostA, hostB, 17, 7, 3, dns)),
		ether(0x0800, ip4(packet.SCTP, cat(u16(1), u16(2), u32(0), u32(0), hx("01000014 00000001 00000002 00030004 00000001 00030014 00000001 00000002 00000003 01020304")))),
		ether(0x0800, ip4(packet.DCCP, cat(u16(1), u16(2), hx("04000000 01000000 00000001 00000000")))),
		ether(0x88e5, cat(hx("20 00 00000001 0102030405060001 0800"), p4)),
		cat(hx("8801 0000"), zeros[:20], hx("8000"), zeros[:12], u16(8+len(p4)), snap(0x0800, p4)),
		cat(hx("0000 0900 02000000 20 8801 0000"), zeros[:20], hx("0000 0000"), snap(0x0800, p4)),
		cat(hx("00 00 0800 69000000 0801 0000"), zeros[:20], snap(0x0800, p4)),
		cat(hx("ff03 0031 00 01"), ether(0x0800, p4)),
		cat(hx("1841 03 00 80 0080c2 0007"), ether(0x0800, p4)),
		cat(hx("02 00 0000 0800 0100 0800 03 00"), le(4+len(p4)), hx("0900"), p4),
		cat(hx("4d4743 80 0004 00000000"), ether(0x0800, p4)),
		p4, p6, zeros, {},
	} {
		f.Add(b, uint16(0))
		f.Add(b, uint16(1000))
	}
	f.Fuzz(func(t *testing.T, b []byte, missing uint16) {
		d := New(Options{MaxFragments: 8})
		var s []packet.Summary
		var r Result
		var n uint64
		for _, link := range allLinks {
			for _, opt := range []Tunnels{Both, Inner} {
				d.opt.Tunnels = opt
				n++
				p := capture.Packet{Time: int64(n), Number: n, Link: link, Length: uint32(len(b) + int(missing)), Data: b}
				s, r = d.Decode(s[:0], &p)
				checkSummaries(t, &p, s, r, true)
			}
		}
		if c := d.Counts(); c.Read() != n || c[NoFirst] < uint64(0) || d.Pending() > 8 {
			t.Fatalf("counts %v of %d, pending %d", c, n, d.Pending())
		}
	})
}

// FuzzFragments feeds a decoder a stream of fragments of few datagrams, so
// that they meet in every order.
func FuzzFragments(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 16, 17, 32, 33, 64, 128, 255})
	f.Fuzz(func(t *testing.T, ops []byte) {
		d := New(Options{MaxFragments: 4})
		seen := map[uint64]bool{}
		for i, op := range ops {
			id, offset, flags, v6 := int(op&7), int(op>>3&3), int(op>>5&1), op>>6&1 != 0
			payload := udp(1000+id, 53, nil)
			b := ip4frag(hostA, hostB, 17, id, flags<<13|offset, payload)
			if v6 {
				b = ip6frag(17+int(op>>7)*41, id, offset, flags != 0, payload)
			}
			p := capture.Packet{Time: int64(i) * 1e9, Number: uint64(i + 1), Link: 101, Data: b}
			s, r := d.Decode(nil, &p)
			checkSummaries(t, &p, s, r, true)
			for _, g := range s {
				if seen[g.Number] {
					t.Fatalf("packet %d counted twice", g.Number)
				}
				seen[g.Number] = true
			}
			c := d.Counts()
			if c.Read() != uint64(i+1) || c[Decoded] != uint64(len(seen)) || uint64(d.Pending()) > c[NoFirst] {
				t.Fatalf("after %d: counts %v, %d seen, %d pending", i+1, c, len(seen), d.Pending())
			}
		}
	})
}
