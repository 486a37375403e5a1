package decode

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

func ports(p uint16) string { return strconv.Itoa(int(p)) }

// TestTCPSummary checks each field.
func TestTCPSummary(t *testing.T) {
	// Four bytes of options, and padding behind the datagram.
	seg := cat(u16(40000), u16(443), u32(0x01020304), u32(9), hx("6018 0400 0000 0000 02040564"), []byte("hello"))
	data := cat(ether(0x0800, ip4(packet.TCP, seg)), make([]byte, 9))
	p := capture.Packet{Time: 17, Number: 3, Link: 1, Length: uint32(len(data)), Data: data}
	s, r := New(Options{}).Decode(nil, &p)
	if r != Decoded || len(s) != 1 {
		t.Fatalf("%v, %d summaries", r, len(s))
	}
	got := s[0]
	if string(got.Payload) != "hello" {
		t.Errorf("payload %q", got.Payload)
	}
	got.Payload = nil
	want := packet.Summary{
		Time: 17, Number: 3, SrcPort: 40000, DstPort: 443, Protocol: packet.TCP, IPVersion: 4,
		TCPFlags: packet.PSH | packet.ACK, Sequence: 0x01020304, FrameLen: uint32(len(data)), IPLen: 49, PayloadLen: 5,
	}
	want.Src, want.Dst = key(hostA), key(hostB)
	if !same(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func key(s string) (k [16]byte) {
	copy(k[:], netip.MustParseAddr(s).AsSlice())
	return k
}

// same compares all but Payload, which does not compare.
func same(a, b packet.Summary) bool {
	a.Payload, b.Payload = nil, nil
	return strings.EqualFold(words(a), words(b))
}

func words(s packet.Summary) string {
	w := flow(s)
	for _, v := range []uint64{uint64(s.Time), s.Number, uint64(s.Kind), uint64(s.TCPFlags), uint64(s.Signal), uint64(s.ICMPType),
		uint64(s.ICMPCode), s.Context.Hash(), uint64(s.Sequence), uint64(s.FrameLen), uint64(s.IPLen), uint64(s.PPID), uint64(s.PayloadLen)} {
		w += " " + strconv.FormatUint(v, 10)
	}
	return w + strconv.FormatBool(s.HasPPID)
}

// TestTCPFlags: the decoder of gopacket has a bool for each.
func TestTCPFlags(t *testing.T) {
	for f := range 256 {
		s, _ := decodeOne(101, ip4(packet.TCP, tcp(1, 2, byte(f), nil)))
		if s[0].TCPFlags != uint8(f) {
			t.Errorf("flags %#x: got %#x", f, s[0].TCPFlags)
		}
	}
}

// TestSnapLength cuts packets anywhere: with the ports they give a flow, and
// before them the reason is the capture's.
func TestSnapLength(t *testing.T) {
	for name, p := range map[string][]byte{
		"tcp":     ether(0x0800, ip4(packet.TCP, cat(u16(1), u16(2), u32(7), u32(0), hx("8002 0400 0000 0000"), make([]byte, 12), []byte("data")))),
		"udp":     ether(0x0800, ip4(packet.UDP, dns)),
		"udplite": ether(0x86dd, ip6(packet.UDPLite, dns)),
		"sctp":    ether(0x86dd, ip6(packet.SCTP, cat(u16(1), u16(2), u32(0), u32(0), hx("00030014 00000001 00000002 00000003 01020304")))),
		"dccp":    ether(0x0800, ip4(packet.DCCP, cat(u16(1), u16(2), hx("04000000 01000000 00000001 00000000")))),
		"options": ether(0x86dd, ip6(0, cat(hx("1100 0104 00000000"), dns))),
	} {
		need := 14 + 20 + 4
		switch {
		case name == "options":
			need = 14 + 40 + 8 + 4
		case p[12] == 0x86:
			need = 14 + 40 + 4
		}
		whole, _ := decodeOne(1, p)
		for n := range len(p) + 1 {
			s, r := New(Options{}).Decode(nil, &capture.Packet{Number: 1, Link: 1, Length: uint32(len(p)), Data: p[:n:n]})
			switch {
			case n < need && (r != Truncated || len(s) != 0):
				t.Errorf("%s cut at %d: %v, %d summaries", name, n, r, len(s))
			case n >= need && (r != Decoded || len(s) != 1):
				t.Errorf("%s cut at %d: %v, %d summaries", name, n, r, len(s))
			case n >= need && (s[0].SrcPort != whole[0].SrcPort || s[0].IPLen != whole[0].IPLen || s[0].FrameLen != whole[0].FrameLen):
				t.Errorf("%s cut at %d: %+v", name, n, s[0])
			case n >= need+16 && s[0].PayloadLen != whole[0].PayloadLen && name != "sctp":
				t.Errorf("%s cut at %d: payload %d, want %d", name, n, s[0].PayloadLen, whole[0].PayloadLen)
			}
		}
	}
}

// TestShort: a packet that is whole and yet too short is malformed, not cut.
func TestShort(t *testing.T) {
	p := ether(0x0800, ip4(packet.UDP, dns))
	for n := range 14 + 20 + 4 {
		b := p[:n]
		if _, r := decodeOne(1, b); r != Malformed && !(n >= 34 && r == Truncated) {
			t.Errorf("%d bytes: %v", n, r)
		}
	}
}

// TestIPv4Lengths: what the total length may be.
func TestIPv4Lengths(t *testing.T) {
	set := func(total int) []byte {
		b := ip4(packet.UDP, dns)
		copy(b[2:], u16(total))
		return b
	}
	for _, c := range []struct {
		name        string
		data        []byte
		want        Result
		ipLen, size uint32
	}{
		{"right", set(33), Decoded, 33, 5},
		{"zero, as before segmentation by the card", set(0), Decoded, 33, 5},
		{"below the header", set(19), Malformed, 0, 0},
		{"only the header", set(20), Malformed, 0, 0},
		{"above what is there", set(1000), Decoded, 1000, 5},
		{"header of four words", cat(hx("44"), ip4(packet.UDP, dns)[1:]), Malformed, 0, 0},
		{"options that claim too much", cat(hx("46000025 00000000 40110000 0a000001 0a000002 44ff0000"), dns), Decoded, 37, 5},
	} {
		s, r := decodeOne(101, c.data)
		if r != c.want || r == Decoded && (s[0].IPLen != c.ipLen || s[0].PayloadLen != c.size) {
			t.Errorf("%s: %v %+v", c.name, r, s)
		}
	}
	big := ip4(packet.TCP, tcp(1, 2, packet.ACK, make([]byte, 70000)))
	copy(big[2:], u16(0))
	if s, _ := decodeOne(101, big); len(s) != 1 || s[0].PayloadLen != 70000 || s[0].IPLen != 70040 || len(s[0].Payload) != 70000 {
		t.Errorf("segment above 64 KiB: %v", s[0].PayloadLen)
	}
}

// TestIPv6Extensions walks each extension header.
func TestIPv6Extensions(t *testing.T) {
	ext := func(next string) []byte { return hx(next + "00 0000 00000000") }
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"hop by hop", ip6(0, cat(ext("11"), dns)), dnsFlow6},
		{"destination", ip6(60, cat(ext("11"), dns)), dnsFlow6},
		{"routing", ip6(43, cat(ext("11"), dns)), dnsFlow6},
		{"mobility", ip6(135, cat(ext("11"), dns)), dnsFlow6},
		{"host identity", ip6(139, cat(ext("11"), dns)), dnsFlow6},
		{"shim6", ip6(140, cat(ext("11"), dns)), dnsFlow6},
		{"atomic fragment", ip6(44, cat(hx("1100 0000 00000007"), dns)), dnsFlow6},
		{"authentication", ip6(51, cat(hx("1101 0000 00000007 00000001"), dns)), "decoded; udp [2001:db8::1]:1000 [2001:db8::2]:53 ah"},
		{"all", ip6(0, cat(ext("3c"), ext("2b"), ext("2c"), hx("3c00 0000 00000007"), ext("11"), dns)), dnsFlow6},
		{"none follows", ip6(59, []byte("whatever")), "IP protocol without ports"},
		{"longer than the datagram", ip6(0, cat(hx("11ff 0000 00000000"), dns)), "malformed"},
		{"unknown", ip6(253, dns), "IP protocol without ports"},
		{"ICMPv6 query", ip6(58, hx("8000 0000 0001 0001")), "IP protocol without ports"},
	} {
		if got := flows(229, c.data); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestJumbogram (RFC 2675) and its later form without the option.
func TestJumbogram(t *testing.T) {
	seg := tcp(1, 2, packet.ACK, make([]byte, 70000))
	hop := cat(hx("0600 c204"), u32(uint32(8+len(seg))))
	b := ip6(0, cat(hop, seg))
	copy(b[4:], u16(0))
	s, r := decodeOne(229, cat(b, make([]byte, 10)))
	if r != Decoded || s[0].PayloadLen != 70000 || s[0].IPLen != uint32(40+8+len(seg)) {
		t.Errorf("with the option: %v %d %d", r, s[0].PayloadLen, s[0].IPLen)
	}
	b = ip6(6, seg)
	copy(b[4:], u16(0))
	if s, r = decodeOne(229, b); r != Decoded || s[0].PayloadLen != 70000 || s[0].IPLen != uint32(40+len(seg)) {
		t.Errorf("without: %v %d %d", r, s[0].PayloadLen, s[0].IPLen)
	}
}

// TestUDPLengths: the length field bounds the payload where it can be right.
func TestUDPLengths(t *testing.T) {
	for _, c := range []struct {
		length, want int
	}{{13, 5}, {10, 2}, {8, 0}, {0, 5}, {7, 5}, {1000, 5}} {
		b := cat(u16(1), u16(2), u16(c.length), u16(0), []byte("12345"))
		s, r := decodeOne(101, ip4(packet.UDP, b))
		if r != Decoded || int(s[0].PayloadLen) != c.want || len(s[0].Payload) != c.want {
			t.Errorf("length %d: %v, payload %d (%q), want %d", c.length, r, s[0].PayloadLen, s[0].Payload, c.want)
		}
	}
}

// TestSCTPChunks walks all chunks of a bundle.
func TestSCTPChunks(t *testing.T) {
	data := func(ppid int, user string) []byte {
		n := 16 + len(user)
		return cat(hx("0003"), u16(n), u32(1), u32(0), u32(uint32(ppid)), []byte(user), make([]byte, -n&3))
	}
	head := cat(u16(36412), u16(38412), u32(7), u32(0))
	for _, c := range []struct {
		name    string
		chunks  []byte
		signal  packet.Signal
		seq     uint32
		ppid    uint32
		has     bool
		size    uint32
		payload string
	}{
		{"INIT", cat(hx("01000014"), u32(0xaabbccdd), make([]byte, 12)), packet.Init, 0xaabbccdd, 0, false, 0, ""},
		{"INIT ACK", cat(hx("02000014"), u32(0x11223344), make([]byte, 12)), packet.InitAck, 0x11223344, 0, false, 0, ""},
		{"COOKIE ECHO and DATA", cat(hx("0a000005 ff000000"), data(60, "abcde")), packet.Confirm | packet.Data, 0, 60, true, 5, "abcde"},
		{"two DATA", cat(data(60, "abcde"), data(18, "fg")), packet.Data, 0, 60, true, 7, "abcde"},
		{"I-DATA, first fragment", cat(hx("40020018"), u32(1), u32(0), u32(0), u32(46), []byte("wxyz")), packet.Data, 0, 46, true, 4, "wxyz"},
		{"I-DATA, later fragment", cat(hx("40000018"), u32(1), u32(0), u32(0), u32(46), []byte("wxyz")), packet.Data, 0, 0, false, 4, "wxyz"},
		{"SHUTDOWN", hx("07000008 00000001"), packet.Shutdown, 0, 0, false, 0, ""},
		{"SHUTDOWN ACK", hx("08000004"), packet.Shutdown, 0, 0, false, 0, ""},
		{"SHUTDOWN COMPLETE", hx("0e000004"), packet.Shutdown, 0, 0, false, 0, ""},
		{"ABORT", hx("06000004"), packet.Abort, 0, 0, false, 0, ""},
		{"HEARTBEAT", hx("04000008 00010004"), 0, 0, 0, false, 0, ""},
		{"a chunk of length 0", hx("00000000 00000000"), 0, 0, 0, false, 0, ""},
		{"a chunk beyond the packet", hx("0003ffff 00000001 00000000 0000003c 4142"), packet.Data, 0, 60, true, 2, "AB"},
	} {
		s, r := decodeOne(101, ip4(packet.SCTP, cat(head, c.chunks)))
		if r != Decoded {
			t.Errorf("%s: %v", c.name, r)
			continue
		}
		g := s[0]
		if g.Signal != c.signal || g.Sequence != c.seq || g.PPID != c.ppid || g.HasPPID != c.has || g.PayloadLen != c.size || string(g.Payload) != c.payload {
			t.Errorf("%s: got %+v", c.name, g)
		}
	}
}

// TestDCCPTypes: each packet type's signal, with both sizes of sequence number.
func TestDCCPTypes(t *testing.T) {
	want := []packet.Signal{packet.Init, packet.InitAck, packet.Data, packet.Confirm, packet.Data, packet.Shutdown, packet.Shutdown, packet.Abort, 0, 0}
	for i, w := range want {
		long := cat(u16(1), u16(2), hx("04000000"), []byte{byte(i<<1 | 1)}, hx("00 0005 01020304"), []byte("data"))
		s, _ := decodeOne(101, ip4(packet.DCCP, long))
		if s[0].Signal != w || s[0].Sequence != 0x01020304 || string(s[0].Payload) != "data" {
			t.Errorf("type %d: %+v", i, s[0])
		}
		short := cat(u16(1), u16(2), hx("03000000"), []byte{byte(i << 1)}, hx("020304"), []byte("data"))
		s, _ = decodeOne(101, ip4(packet.DCCP, short))
		if s[0].Signal != w || s[0].Sequence != 0x020304 || string(s[0].Payload) != "data" {
			t.Errorf("type %d, short: %+v", i, s[0])
		}
	}
}

// TestICMPErrors: a quoted flow is reported as it was sent, and counts as no
// packet of it.
func TestICMPErrors(t *testing.T) {
	lost := ip4frag(hostB, hostA, packet.UDP, 0, 0, udp(1000, 53, nil))
	lost6 := ip6(packet.TCP, tcp(1000, 80, packet.SYN, nil))
	icmp := func(typ, code int, quoted []byte) []byte {
		return ip4(1, cat([]byte{byte(typ), byte(code)}, make([]byte, 6), quoted))
	}
	reply6 := func(payload []byte) []byte {
		b := ip6(58, payload)
		return cat(b[:8], b[24:40], b[8:24], b[40:])
	}
	const q = "ICMP error; udp 10.0.0.2:1000 10.0.0.1:53 - quoted"
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"unreachable", icmp(3, 3, lost), q},
		{"source quench", icmp(4, 0, lost), q},
		{"time exceeded", icmp(11, 0, lost), q},
		{"parameter problem", icmp(12, 0, lost), q},
		{"only eight bytes quoted", icmp(3, 3, lost[:28]), q},
		{"of a datagram that another host sent", icmp(3, 3, ip4frag("10.9.9.9", hostA, packet.UDP, 0, 0, udp(1000, 53, nil))), "ICMP error"},
		{"ICMPv6, of a datagram that another host sent", ip6(58, cat(hx("01040000 00000000"), lost6)), "ICMP error"},
		{"no ports quoted", icmp(3, 3, lost[:22]), "ICMP error"},
		{"a quoted later fragment", icmp(11, 1, ip4frag(hostB, hostA, packet.UDP, 7, 100, udp(1000, 53, nil))), "ICMP error"},
		{"a quoted echo", icmp(3, 1, ip4(1, hx("0800000000010001"))), "ICMP error"},
		{"redirect", icmp(5, 1, lost), "IP protocol without ports"},
		{"echo", icmp(8, 0, lost), "IP protocol without ports"},
		{"ICMPv6 unreachable", reply6(cat(hx("01040000 00000000"), lost6)), "ICMP error; tcp [2001:db8::1]:1000 [2001:db8::2]:80 - quoted"},
		{"ICMPv6 too big", reply6(cat(hx("02000000 00000500"), lost6)), "ICMP error; tcp [2001:db8::1]:1000 [2001:db8::2]:80 - quoted"},
		{"ICMPv6, options quoted", reply6(cat(hx("01040000 00000000"), ip6(60, cat(hx("1100 0104 00000000"), dns)))), "ICMP error; udp [2001:db8::1]:1000 [2001:db8::2]:53 - quoted"},
	} {
		if got := flows(101, c.data); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	s, _ := decodeOne(101, icmp(3, 13, lost))
	if s[0].Kind != packet.Quoted || s[0].ICMPType != 3 || s[0].ICMPCode != 13 {
		t.Errorf("%+v", s[0])
	}
}
