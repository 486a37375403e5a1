package decode

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

// Builders of headers for the tests. Checksums are left 0: nothing checks them.

func hx(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func cat(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func u16(v int) []byte    { return binary.BigEndian.AppendUint16(nil, uint16(v)) }
func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

const (
	hostA = "10.0.0.1"
	hostB = "10.0.0.2"
	hostC = "2001:db8::1"
	hostD = "2001:db8::2"
)

// ip4 builds an IPv4 datagram; fragment is the flags and offset field.
func ip4frag(src, dst string, proto, id, fragment int, payload []byte) []byte {
	a, b := netip.MustParseAddr(src).As4(), netip.MustParseAddr(dst).As4()
	return cat(hx("4500"), u16(20+len(payload)), u16(id), u16(fragment), []byte{64, byte(proto), 0, 0}, a[:], b[:], payload)
}

func ip4(proto int, payload []byte) []byte { return ip4frag(hostA, hostB, proto, 0, 0, payload) }

func ip6(next int, payload []byte) []byte {
	a, b := netip.MustParseAddr(hostC).As16(), netip.MustParseAddr(hostD).As16()
	return cat(hx("60000000"), u16(len(payload)), []byte{byte(next), 64}, a[:], b[:], payload)
}

func udp(src, dst int, payload []byte) []byte {
	return cat(u16(src), u16(dst), u16(8+len(payload)), u16(0), payload)
}

func tcp(src, dst int, flags byte, payload []byte) []byte {
	return cat(u16(src), u16(dst), u32(0x01020304), u32(0), []byte{0x50, flags}, u16(1024), u16(0), u16(0), payload)
}

func ether(t int, payload []byte) []byte {
	return cat(hx("02000000000b 02000000000a"), u16(t), payload)
}

// snap is the 802.2 header of RFC 1042.
func snap(t int, payload []byte) []byte { return cat(hx("aaaa03 000000"), u16(t), payload) }

// flow says in words what a summary is: "udp 10.0.0.1:1000 10.0.0.2:53 -".
func flow(s packet.Summary) string {
	w := protoNames[s.Protocol] + " " + netip.AddrPortFrom(s.SrcAddr(), s.SrcPort).String() + " " +
		netip.AddrPortFrom(s.DstAddr(), s.DstPort).String() + " " + contextWords(s.Context)
	switch s.Kind {
	case packet.Fragment:
		w += " fragment"
	case packet.Quoted:
		w += " quoted"
	}
	return w
}

// decodeOne decodes a packet that was captured whole.
func decodeOne(link capture.LinkType, b []byte) ([]packet.Summary, Result) {
	s, r := New(Options{}).Decode(nil, &capture.Packet{Number: 1, Link: link, Length: uint32(len(b)), Data: b})
	return s, r
}

// flows decodes a packet and gives its result and flows in words, by "; ".
func flows(link capture.LinkType, b []byte) string {
	s, r := decodeOne(link, b)
	parts := []string{r.String()}
	for _, s := range s {
		parts = append(parts, flow(s))
	}
	return strings.Join(parts, "; ")
}
