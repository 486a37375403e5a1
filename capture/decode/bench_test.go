package decode

import (
	"testing"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

// commonPackets are packets of the kinds that fill captures.
func commonPackets() map[string]capture.Packet {
	seg := cat(u16(40000), u16(443), u32(1), u32(2), hx("8010 0400 0000 0000 0101080a 00000001 00000002"), make([]byte, 400))
	long := cat(u16(40000), u16(443), u32(1), u32(2), hx("a002 0400 0000 0000 020405b4 0402080a 00000001 00000000 01 030307"))
	m := map[string]capture.Packet{}
	for name, b := range map[string][]byte{
		"tcp4":      ether(0x0800, ip4(packet.TCP, seg)),
		"tcp4-syn":  ether(0x0800, ip4(packet.TCP, long)),
		"tcp6":      ether(0x86dd, ip6(packet.TCP, seg)),
		"udp4":      ether(0x0800, ip4(packet.UDP, dns)),
		"udp6-vlan": ether(0x8100, cat(hx("000a 86dd"), ip6(packet.UDP, dns))),
		"sctp":      ether(0x0800, ip4(packet.SCTP, cat(u16(1), u16(2), u32(0), u32(0), hx("00030014 00000001 00000002 00000003 01020304")))),
		"dccp":      ether(0x0800, ip4(packet.DCCP, cat(u16(1), u16(2), hx("04000000 01000000 00000001 00000000")))),
		"hop":       ether(0x86dd, ip6(0, cat(hx("1100 0502 00000100"), dns))),
		"vxlan":     ether(0x0800, ip4(17, udp(50000, 4789, cat(hx("08000000 00004d00"), ether(0x0800, ip4(packet.TCP, seg)))))),
		"gtp-u":     ether(0x0800, ip4(17, udp(2152, 2152, cat(hx("34ff0000 00000001 0000 00 85 01 1001 00"), ip4(packet.TCP, seg))))),
		"gre":       ether(0x0800, ip4(47, cat(hx("20000800 00000001"), ip4(packet.TCP, seg)))),
		"mpls":      ether(0x8847, cat(hx("00010140"), ip4(packet.TCP, seg))),
		"icmp":      ether(0x0800, ip4(1, cat(hx("0303 0000 00000000"), ip4(packet.UDP, dns)))),
		"arp":       ether(0x0806, make([]byte, 46)),
		"fragment":  ether(0x0800, ip4frag(hostA, hostB, 17, 7, 3, dns)),
	} {
		m[name] = capture.Packet{Number: 1, Link: capture.LinkEthernet, Length: uint32(len(b)), Data: b}
	}
	return m
}

// TestNoAllocations: decoding costs no allocation for a common packet.
func TestNoAllocations(t *testing.T) {
	for name, p := range commonPackets() {
		d := New(Options{})
		if name == "fragment" {
			b := ether(0x0800, ip4frag(hostA, hostB, 17, 7, more, dns))
			d.Decode(nil, &capture.Packet{Link: capture.LinkEthernet, Data: b})
		}
		s := make([]packet.Summary, 0, 4)
		s, _ = d.Decode(s[:0], &p)
		if n := testing.AllocsPerRun(100, func() { s, _ = d.Decode(s[:0], &p) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"tcp4", "tcp6", "udp4", "udp6-vlan", "sctp", "vxlan", "gtp-u", "arp"} {
		p := commonPackets()[name]
		b.Run(name, func(b *testing.B) {
			d := New(Options{})
			s := make([]packet.Summary, 0, 4)
			b.ReportAllocs()
			for b.Loop() {
				s, _ = d.Decode(s[:0], &p)
			}
		})
	}
}
