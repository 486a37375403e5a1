package decode

import (
	"strings"
	"testing"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

var (
	dns   = udp(1000, 53, []byte("query"))
	inner = ip4frag("192.0.2.1", "192.0.2.2", packet.UDP, 0, 0, udp(2000, 53, []byte("query")))
)

const (
	dnsFlow   = "decoded; udp 10.0.0.1:1000 10.0.0.2:53 -"
	dnsFlow6  = "decoded; udp [2001:db8::1]:1000 [2001:db8::2]:53 -"
	innerFlow = "udp 192.0.2.1:2000 192.0.2.2:53 "
)

// TestLinkTypes has a packet for each link type and each way to begin it.
func TestLinkTypes(t *testing.T) {
	p4, p6 := ip4(packet.UDP, dns), ip6(packet.UDP, dns)
	zeros := make([]byte, 64)
	wlanHead := cat(hx("0801 0000"), zeros[:20])
	for _, c := range []struct {
		name string
		link capture.LinkType
		data []byte
		want string
	}{
		{"ethernet", 1, ether(0x0800, p4), dnsFlow},
		{"ethernet with padding", 1, cat(ether(0x0800, p4), zeros[:20]), dnsFlow},
		{"802.3 with SNAP", 1, ether(8+len(p4), snap(0x0800, p4)), dnsFlow},
		{"802.3 with the IP service access point", 1, ether(3+len(p4), cat(hx("060603"), p4)), dnsFlow},
		{"arp", 1, ether(0x0806, zeros[:28]), "not IP"},
		{"spanning tree", 1, ether(38, cat(hx("424203"), zeros[:35])), "not IP"},
		{"vlan", 1, ether(0x8100, cat(hx("200a 0800"), p4)), "decoded; udp 10.0.0.1:1000 10.0.0.2:53 vlan 10"},
		{"priority tag", 1, ether(0x8100, cat(hx("e000 0800"), p4)), dnsFlow},
		{"stacked tags of all kinds", 1, ether(0x88a8, cat(hx("0001 8100 0002 9100 0003 9200 0004 0800"), p4)),
			"decoded; udp 10.0.0.1:1000 10.0.0.2:53 vlan 1, vlan 2, vlan 3, vlan 4"},
		{"inter-switch link", 1, cat(hx("01000c0000 00 0a0a0a0a0a0a"), u16(60), hx("aaaa03 00000c 0014 0000 0000"), ether(0x0800, p4)),
			"decoded; udp 10.0.0.1:1000 10.0.0.2:53 vlan 10"},
		{"macsec, authenticated only", 1, ether(0x88e5, cat(hx("20 00 00000001 0102030405060001 0800"), p4, zeros[:16])), dnsFlow},
		{"macsec, encrypted", 1, ether(0x88e5, cat(hx("2c 00 00000001 0102030405060001"), zeros)), "encrypted"},
		{"provider backbone", 1, ether(0x88e7, cat(hx("00 00000f"), ether(0x0800, p4))), "decoded; udp 10.0.0.1:1000 10.0.0.2:53 pbb:15"},
		{"E-tag", 1, ether(0x893f, cat(zeros[:6], hx("0800"), p4)), dnsFlow},
		{"VN-tag", 1, ether(0x8926, cat(zeros[:4], hx("0800"), p4)), dnsFlow},
		{"redundancy tag", 1, ether(0xf1c1, cat(zeros[:4], hx("0800"), p4)), dnsFlow},
		{"high-availability ring", 1, ether(0x892f, cat(zeros[:4], hx("0800"), p4)), dnsFlow},
		{"TRILL with options", 1, ether(0x22f3, cat(hx("0040 0001 0002"), zeros[:4], ether(0x0800, p4))), dnsFlow},
		{"service header that is too short", 1, ether(0x894f, cat(hx("0fc1 02 01 00000001"), p4)), "malformed"},
		{"service header of two words", 1, ether(0x894f, cat(hx("0f82 02 01 00000001"), p4)), dnsFlow},
		{"mesh of layer 2", 1, ether(0x4305, cat(hx("40 0f 32 00"), zeros[:6], ether(0x0800, p4))), dnsFlow},
		{"802.2 behind a jumbo type", 1, ether(0x8870, snap(0x0800, p4)), dnsFlow},
		{"null, big endian", 0, cat(hx("00000002"), p4), dnsFlow},
		{"null, little endian", 0, cat(hx("02000000"), p4), dnsFlow},
		{"null, IPv6 of NetBSD", 0, cat(hx("18000000"), p6), dnsFlow6},
		{"null, IPv6 of FreeBSD", 0, cat(hx("1c000000"), p6), dnsFlow6},
		{"null, IPv6 of macOS", 0, cat(hx("1e000000"), p6), dnsFlow6},
		{"null, IPv6 of Linux", 0, cat(hx("0000000a"), p6), dnsFlow6},
		{"null, an EtherType", 0, cat(hx("000086dd"), p6), dnsFlow6},
		{"null, PPP", 0, cat(hx("ff030021"), p4), dnsFlow},
		{"loop", 108, cat(hx("00000018"), p6), dnsFlow6},
		{"token ring", 6, cat(hx("10 40"), zeros[:12], snap(0x0800, p4)), dnsFlow},
		{"token ring, source routed", 6, cat(hx("10 40"), zeros[:6], hx("80"), zeros[:5], hx("0600 0011 0020"), snap(0x0800, p4)), dnsFlow},
		{"ppp", 9, cat(hx("ff03 0021"), p4), dnsFlow},
		{"ppp without address", 9, cat(hx("0057"), p6), dnsFlow6},
		{"ppp, compressed protocol", 9, cat(hx("21"), p4), dnsFlow},
		{"ppp, really Cisco HDLC", 9, cat(hx("0f00 0800"), p4), dnsFlow},
		{"ppp, direction of pppd", 166, cat(hx("0103 0021"), p4), dnsFlow},
		{"ppp, direction in front", 204, cat(hx("01 ff03 0021"), p4), dnsFlow},
		{"ppp, bridged", 50, cat(hx("ff03 0031 00 01"), ether(0x0800, p4)), dnsFlow},
		{"ppp over ethernet", 51, cat(hx("1100 0007"), u16(2+len(p4)), hx("0021"), p4), "decoded; udp 10.0.0.1:1000 10.0.0.2:53 pppoe:7"},
		{"ppp, multilink, whole", 9, cat(hx("ff03 003d c0000001 0021"), p4), dnsFlow},
		{"ppp, multilink, a part", 9, cat(hx("ff03 003d 80000001 0021"), p4), "not IP"},
		{"packet radio", 3, cat(zeros[:13], hx("01 03 cc"), p4), dnsFlow},
		{"fibre channel", 122, cat(zeros[:16], snap(0x0800, p4)), dnsFlow},
		{"atm, classical IP", 106, p4, dnsFlow},
		{"juniper, atm", 137, cat(hx("4d4743 00 00000000"), snap(0x0800, p4)), dnsFlow},
		{"fddi", 10, cat(hx("50"), zeros[:12], snap(0x0800, p4)), dnsFlow},
		{"raw 12", 12, p4, dnsFlow},
		{"raw 14", 14, p6, dnsFlow6},
		{"raw 101", 101, p6, dnsFlow6},
		{"ipv4", 228, p4, dnsFlow},
		{"ipv6", 229, p6, dnsFlow6},
		{"version 5", 101, zeros, "malformed"},
		{"atm", 100, snap(0x0800, p4), dnsFlow},
		{"atm, bridged", 100, cat(hx("aaaa03 0080c2 0007 0000"), ether(0x0800, p4)), dnsFlow},
		{"cisco hdlc", 104, cat(hx("0f00 86dd"), p6), dnsFlow6},
		{"cisco hdlc, keepalive", 104, cat(hx("8f00 8035"), zeros[:18]), "not IP"},
		{"frame relay, NLPID", 107, cat(hx("1841 03 cc"), p4), dnsFlow},
		{"frame relay, SNAP", 107, cat(hx("1841 03 00 80 000000 0800"), p4), dnsFlow},
		{"frame relay, bridged", 107, cat(hx("1841 03 00 80 0080c2 0007"), ether(0x0800, p4)), dnsFlow},
		{"frame relay, Cisco", 107, cat(hx("1841 0800"), p4), dnsFlow},
		{"wireless", 105, cat(wlanHead, snap(0x0800, p4)), dnsFlow},
		{"wireless, quality of service", 105, cat(hx("8801 0000"), zeros[:20], hx("0000"), snap(0x0800, p4)), dnsFlow},
		{"wireless, four addresses", 105, cat(hx("0803 0000"), zeros[:26], snap(0x0800, p4)), dnsFlow},
		{"wireless, HT control", 105, cat(hx("8881 0000"), zeros[:20], hx("0000 00000000"), snap(0x0800, p4)), dnsFlow},
		{"wireless, protected", 105, cat(hx("0841 0000"), zeros[:20], zeros), "encrypted"},
		{"wireless, decrypted by the driver", 105, cat(hx("0841 0000"), zeros[:20], snap(0x0800, p4)), dnsFlow},
		{"wireless, beacon", 105, cat(hx("8000 0000"), zeros), "not IP"},
		{"wireless, without data", 105, cat(hx("4801 0000"), zeros[:20]), "not IP"},
		{"wireless, later fragment", 105, cat(hx("0801 0000"), zeros[:18], hx("0100"), zeros), "fragment without its first"},
		{"wireless, aggregate", 105, cat(hx("8801 0000"), zeros[:20], hx("8000"),
			zeros[:12], u16(8+len(p4)), snap(0x0800, p4), zeros[:(-(14+8+len(p4)))&3], zeros[:12], u16(8+len(p6)), snap(0x86dd, p6)),
			dnsFlow + "; udp [2001:db8::1]:1000 [2001:db8::2]:53 -"},
		{"wireless, mesh", 105, cat(hx("8803 0000"), zeros[:26], hx("0001"), hx("00 1f 01000000"), snap(0x0800, p4)), dnsFlow},
		{"radiotap", 127, cat(hx("0000 0800 00000000"), wlanHead, snap(0x0800, p4)), dnsFlow},
		{"radiotap, padded body", 127, cat(hx("0000 0900 02000000 20"), hx("8801 0000"), zeros[:20], hx("0000 0000"), snap(0x0800, p4)), dnsFlow},
		{"radiotap, padded body behind a time", 127, cat(hx("0000 1900 03000080 00000000 00000000"), zeros[:8], hx("20"), hx("8801 0000"), zeros[:20], hx("0000 0000"), snap(0x0800, p4)), dnsFlow},
		{"prism", 119, cat(hx("44000000 90000000"), zeros, zeros, zeros[:8], wlanHead, snap(0x0800, p4)), dnsFlow},
		{"prism, big endian", 119, cat(hx("00000044 00000090"), zeros, zeros, zeros[:8], wlanHead, snap(0x0800, p4)), dnsFlow},
		{"avs", 163, cat(hx("80211001 00000040"), zeros[:56], wlanHead, snap(0x0800, p4)), dnsFlow},
		{"per-packet information", 192, cat(hx("00 00 0800 69000000"), wlanHead, snap(0x0800, p4)), dnsFlow},
		{"per-packet information in itself", 192, []byte(strings.Repeat("\x00\x00\x08\x00\xc0\x00\x00\x00", 400)), "tunnels too deep"},
		{"cooked", 113, cat(zeros[:14], hx("0800"), p4), dnsFlow},
		{"cooked, 802.2", 113, cat(zeros[:14], hx("0004"), snap(0x0800, p4)), dnsFlow},
		{"cooked, vlan", 113, cat(zeros[:14], hx("8100 000a 0800"), p4), "decoded; udp 10.0.0.1:1000 10.0.0.2:53 vlan 10"},
		{"cooked 2", 276, cat(hx("86dd"), zeros[:18], p6), dnsFlow6},
		{"cooked, wireless", 113, cat(hx("0003 0321"), zeros[:12], wlanHead, snap(0x0800, p4)), dnsFlow},
		{"cooked, prism", 113, cat(hx("0003 0322"), zeros[:12], hx("00000044 00000090"), zeros, zeros, zeros[:8], wlanHead, snap(0x0800, p4)), dnsFlow},
		{"cooked, radiotap", 113, cat(hx("0003 0323"), zeros[:12], hx("0000 0800 00000000"), wlanHead, snap(0x0800, p4)), dnsFlow},
		{"cooked 2, radiotap", 276, cat(zeros[:8], hx("0323"), zeros[:10], hx("0000 0800 00000000"), wlanHead, snap(0x0800, p4)), dnsFlow},
		{"time stamp of Arista, 64 bits", 1, ether(0xd28b, cat(hx("0001 0010"), zeros[:8], hx("0800"), p4)), dnsFlow},
		{"time stamp of Arista, 48 bits, in a VLAN", 1, ether(0xd28b, cat(hx("0001 0120"), zeros[:6], hx("8100 000a 0800"), p4)), "decoded; udp 10.0.0.1:1000 10.0.0.2:53 vlan 10"},
		{"another header of Arista", 1, ether(0xd28b, cat(hx("0003 0010"), zeros[:8], hx("0800"), p4)), "not IP"},
		{"tag 0x8200", 1, ether(0x8200, cat(hx("000a 0800"), p4)), "decoded; udp 10.0.0.1:1000 10.0.0.2:53 vlan 10"},
		{"tag 0x9300 around 0x8100", 1, ether(0x9300, cat(hx("000a 8100 0014 86dd"), p6)), "decoded; udp [2001:db8::1]:1000 [2001:db8::2]:53 vlan 10, vlan 20"},
		{"pflog", 117, cat(hx("3d 02"), zeros[:62], p4), dnsFlow},
		{"pflog of OpenBSD, IPv6", 117, cat(hx("64 18"), zeros, zeros[:34], p6), dnsFlow6},
		{"atm of Sun, LLC", 123, cat(hx("02000064"), snap(0x0800, p4)), dnsFlow},
		{"atm of Sun, LAN emulation", 123, cat(hx("01000064 0001"), ether(0x0800, p4)), dnsFlow},
		{"arcnet, RFC 1201", 129, cat(hx("01020000 d4 00 0001"), p4), dnsFlow},
		{"arcnet, RFC 1051", 129, cat(hx("01020000 f0"), p4), dnsFlow},
		{"firewire", 138, cat(zeros[:16], hx("0800"), p4), dnsFlow},
		{"docsis", 143, cat(hx("00 00 0000 0000"), ether(0x0800, p4)), dnsFlow},
		{"juniper", 178, cat(hx("4d4743 00"), ether(0x0800, p4)), dnsFlow},
		{"juniper with extensions", 178, cat(hx("4d4743 80 0004 00000000"), ether(0x0800, p4)), dnsFlow},
		{"juniper without link header", 178, cat(hx("4d4743 02 00000000"), p4), dnsFlow},
		{"mpls", 219, cat(hx("00010000 00010140"), p4), "decoded; udp 10.0.0.1:1000 10.0.0.2:53 -"},
		{"ipnet", 226, cat(hx("01 02"), zeros[:22], p4), dnsFlow},
		{"ipnet, IPv6", 226, cat(hx("01 1a"), zeros[:22], p6), dnsFlow6},
		{"nflog, little endian", 239, cat(hx("02 00 0000 0800 0100 0800 03 00"), le(4+len(p4)), hx("0900"), p4), dnsFlow},
		{"nflog, big endian", 239, cat(hx("0a 00 0000"), u16(4+len(p6)), hx("0009"), p6), dnsFlow6},
		{"nflog, ARP at a bridge", 239, cat(hx("07 00 0000 0800 0100 0806 03 00"), le(4+len(p4)), hx("0900"), p4), "not IP"},
		{"analyzer", 240, cat(zeros[:4], ether(0x0800, p4)), dnsFlow},
		{"infiniband", 242, cat(zeros[:40], hx("08000000"), p4), dnsFlow},
		{"pktap", 258, cat(hx("0c000000 01000000 01000000"), ether(0x0800, p4)), dnsFlow},
		{"endace", 197, cat(zeros[:8], hx("02 00 0000 0000 0000 0000"), ether(0x0800, p4)), dnsFlow},
		{"switch tag of Broadcom", 281, cat(zeros[:16], hx("0800"), p4), dnsFlow},
		{"switch tag of Marvell", 285, cat(zeros[:20], hx("0800"), p4), dnsFlow},
		{"usb", 189, zeros, "unknown link type"},
	} {
		if got := flows(c.link, c.data); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func le(v int) []byte { return []byte{byte(v), byte(v >> 8)} }

// TestTunnels has a packet in each tunnel, with the context that tells its
// flows from others.
func TestTunnels(t *testing.T) {
	in6 := ip6(packet.UDP, dns)
	const in6Flow = "udp [2001:db8::1]:1000 [2001:db8::2]:53 "
	outer := func(src, dst string) string { return "decoded; udp 10.0.0.1:" + src + " 10.0.0.2:" + dst + " -" }
	zeros := make([]byte, 32)
	for _, c := range []struct {
		name string
		data []byte // an IP datagram
		want string
	}{
		{"ip in ip", ip4(4, inner), "decoded; " + innerFlow + "ipip"},
		{"IPv6 in IPv4", ip4(41, in6), "decoded; " + in6Flow + "ipip"},
		{"IPv4 in IPv6", ip6(4, inner), "decoded; " + innerFlow + "ipip"},
		{"IPv6 in IPv6", ip6(41, in6), "decoded; " + in6Flow + "ipip"},
		{"gre", ip4(47, cat(hx("0000 0800"), inner)), "decoded; " + innerFlow + "gre"},
		{"gre with checksum, key and sequence", ip4(47, cat(hx("b000 0800 00000000 00000005 00000001"), inner)), "decoded; " + innerFlow + "gre:5"},
		{"gre with a route", ip4(47, cat(hx("4000 0800 00000000 0800 00 04 0a000009 0000 00 00"), inner)), "decoded; " + innerFlow + "gre"},
		{"gre with a reserved bit that means an acknowledgement in version 1", ip4(47, cat(hx("0080 0800"), inner)), "decoded; " + innerFlow + "gre"},
		{"gre of PPTP", ip4(47, cat(hx("3081 880b 0020 0007 00000001 00000002 ff03 0021"), inner)), "decoded; " + innerFlow + "gre"},
		{"gre, bridged", ip4(47, cat(hx("0000 6558"), ether(0x0800, inner))), "decoded; " + innerFlow + "gre"},
		{"gre, redirected by a cache, version 1", ip4(47, cat(hx("0000 883e"), inner)), "decoded; " + innerFlow + "gre"},
		{"gre, redirected by a cache, version 2", ip4(47, cat(hx("0000 883e 00000000"), inner)), "decoded; " + innerFlow + "gre"},
		{"gre, version 2", ip4(47, cat(hx("0002 0800"), inner)), "malformed"},
		{"nvgre", ip4(47, cat(hx("2000 6558 00138942"), ether(0x0800, inner))), "decoded; " + innerFlow + "nvgre:5001"},
		{"erspan I", ip4(47, cat(hx("0000 88be"), ether(0x0800, inner))), "decoded; " + innerFlow + "erspan"},
		{"erspan II", ip4(47, cat(hx("1000 88be 00000001 1001 0009 00000000"), ether(0x0800, inner))), "decoded; " + innerFlow + "vlan 1, erspan"},
		{"erspan III", ip4(47, cat(hx("1000 22eb 00000001 2001 0009 00000000 0000 0000"), ether(0x0800, inner))), "decoded; " + innerFlow + "vlan 1, erspan"},
		{"erspan III, platform header", ip4(47, cat(hx("1000 22eb 00000001 2001 0009 00000000 0000 0001 0000000000000000"), ether(0x0800, inner))), "decoded; " + innerFlow + "vlan 1, erspan"},
		{"etherip", ip4(97, cat(hx("3000"), ether(0x0800, inner))), "decoded; " + innerFlow + "etherip"},
		{"mpls in ip", ip4(137, cat(hx("00010140"), inner)), "decoded; " + innerFlow + "mpls"},
		{"pim register", ip4(103, cat(hx("2100 0000 00000000"), inner)), "decoded; " + innerFlow + "pim"},
		{"pim null register", ip4(103, cat(hx("2100 0000 40000000"), inner)), "IP protocol without ports"},
		{"pim hello", ip4(103, hx("2000 0000 0001 0002 0069")), "IP protocol without ports"},
		{"l2tp 3 with a cookie", ip4(115, cat(hx("00000005 01020304"), ether(0x0800, inner))), "decoded; " + innerFlow + "l2tp"},
		{"ah", ip4(51, cat(hx("11 04 0000 00000100 00000001"), zeros[:12], dns)), "decoded; udp 10.0.0.1:1000 10.0.0.2:53 ah"},
		{"esp", ip4(50, zeros), "encrypted"},
		{"vxlan", ip4(17, udp(50000, 4789, cat(hx("08000000 00004d00"), ether(0x0800, inner)))), outer("50000", "4789") + "; " + innerFlow + "vxlan:77"},
		{"vxlan of early Linux", ip4(17, udp(50000, 8472, cat(hx("08000000 00004d00"), ether(0x0800, inner)))), outer("50000", "8472") + "; " + innerFlow + "vxlan:77"},
		{"vxlan without its flag", ip4(17, udp(50000, 4789, cat(hx("00000000 00004d00"), ether(0x0800, inner)))), outer("50000", "4789")},
		{"vxlan-gpe", ip4(17, udp(50000, 4790, cat(hx("0c000001 00004d00"), inner))), outer("50000", "4790") + "; " + innerFlow + "vxlan:77"},
		{"geneve with options", ip4(17, udp(50000, 6081, cat(hx("0100 6558 00004f00 00000000"), ether(0x0800, inner)))), outer("50000", "6081") + "; " + innerFlow + "geneve:79"},
		{"gtp-u", ip4(17, udp(2152, 2152, cat(hx("30 ff 0000 00000001"), inner))), outer("2152", "2152") + "; " + innerFlow + "gtp-u"},
		{"gtp-u with sequence and two extensions", ip4(17, udp(2152, 2152, cat(hx("36 ff 0000 00000001 0001 00 85 01 0000 c0 01 0000 00"), inner))), outer("2152", "2152") + "; " + innerFlow + "gtp-u"},
		{"gtp-u, extension of length 0", ip4(17, udp(2152, 2152, cat(hx("34 ff 0000 00000001 0001 00 85 00 0000 00"), inner))), outer("2152", "2152")},
		{"gtp-u echo", ip4(17, udp(2152, 2152, hx("32 01 0004 00000000 0001 0000"))), outer("2152", "2152")},
		{"teredo with both indications", ip4(17, udp(50000, 3544, cat(hx("0001 0000 0000000000000000 00 0000 efbf f5fffffe"), in6))), outer("50000", "3544") + "; " + in6Flow + "teredo"},
		{"l2tp", ip4(17, udp(1701, 1701, cat(hx("0002 0001 0002 ff03 0021"), inner))), outer("1701", "1701") + "; " + innerFlow + "l2tp"},
		{"l2tp with length, sequence and offset", ip4(17, udp(1701, 1701, cat(hx("4a02 0040 0001 0002 0003 0004 0002 0000 ff03 0021"), inner))), outer("1701", "1701") + "; " + innerFlow + "l2tp"},
		{"l2tp control", ip4(17, udp(1701, 1701, hx("c802 000c 0000 0000 0000 0000"))), outer("1701", "1701")},
		{"sctp over udp", ip4(17, udp(9899, 9899, cat(u16(7), u16(8), zeros[:8], hx("01000014"), zeros[:16]))), outer("9899", "9899") + "; sctp 10.0.0.1:7 10.0.0.2:8 sctp-over-udp"},
		{"mpls in udp", ip4(17, udp(50000, 6635, cat(hx("00010140"), inner))), outer("50000", "6635") + "; " + innerFlow + "mpls"},
		{"gre in udp", ip4(17, udp(50000, 4754, cat(hx("0000 0800"), inner))), outer("50000", "4754") + "; " + innerFlow + "gre"},
		{"lisp", ip4(17, udp(50000, 4341, cat(zeros[:8], inner))), outer("50000", "4341") + "; " + innerFlow + "lisp"},
		{"lisp control", ip4(17, udp(4342, 4342, cat(hx("80000000"), inner))), outer("4342", "4342") + "; " + innerFlow + "lisp"},
		{"ayiya", ip4(17, udp(50000, 5072, cat(hx("4151 11 29 00000000"), zeros[:16], zeros[:20], in6))), outer("50000", "5072") + "; " + in6Flow + "ayiya"},
		{"capwap", ip4(17, udp(50000, 5247, cat(hx("00100000 00000000"), ether(0x0800, inner)))), outer("50000", "5247") + "; " + innerFlow + "capwap"},
		{"capwap, wireless with swapped control", ip4(17, udp(5247, 50000, cat(hx("00100100 00000000 0108 0000"), zeros[:20], snap(0x0800, inner)))), outer("5247", "50000") + "; " + innerFlow + "capwap"},
		{"lwapp", ip4(17, udp(50000, 12222, cat(hx("00 00 0000 0000 0801 0000"), zeros[:20], snap(0x0800, inner)))), outer("50000", "12222") + "; " + innerFlow + "capwap"},
		{"amt", ip4(17, udp(2268, 50000, cat(hx("0600"), inner))), outer("2268", "50000") + "; " + innerFlow + "amt"},
		{"mobile ip", ip4(17, udp(434, 50000, cat(hx("04040000"), inner))), outer("434", "50000") + "; " + innerFlow + "ipip"},
		{"ethernet over ip of MikroTik", ip4(47, cat(hx("2001 6400 0020 0700"), ether(0x0800, inner))), "decoded; " + innerFlow + "gre"},
		{"tzsp", ip4(17, udp(50000, 37008, cat(hx("01 00 0001 0a 01 ff 01"), ether(0x0800, inner)))), outer("50000", "37008") + "; " + innerFlow + "tzsp"},
		{"a DNS query from a tunnel's port", ip4(17, udp(9899, 53, hx("6f2a 0100 0001 0000 0000 0000 00 0001 0001"))), outer("9899", "53")},
		{"a DNS query from another", ip4(17, udp(3544, 53, cat(hx("6f2a 0100 0001 0000 0000 0000 00 0001 0001"), zeros))), outer("3544", "53")},
		{"only the other port is a tunnel's", ip4(17, udp(4789, 50000, cat(hx("08000000 00004d00"), ether(0x0800, inner)))), outer("4789", "50000") + "; " + innerFlow + "vxlan:77"},
	} {
		if got := flows(101, c.data); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestMPLSPayload: nothing names what follows a label stack.
func TestMPLSPayload(t *testing.T) {
	label := hx("00010140")
	// An address of a network card may begin with 4 or 6, as IP does.
	frame4 := cat(hx("4500000000064500000000070800"), inner)
	frame6 := cat(hx("6c00000012066c00000000070800"), inner)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"IPv4", cat(label, inner), "decoded; " + innerFlow + "-"},
		{"a frame with control word", cat(label, hx("00000001"), ether(0x0800, inner)), "decoded; " + innerFlow + "-"},
		{"a frame without control word", cat(label, ether(0x0800, inner)), "decoded; " + innerFlow + "-"},
		{"a frame that begins like IPv4", cat(label, frame4), "decoded; " + innerFlow + "-"},
		{"a frame that begins like IPv6", cat(label, frame6), "decoded; " + innerFlow + "-"},
		{"an associated channel with IP", cat(label, hx("10000021"), inner), "decoded; " + innerFlow + "-"},
		{"no bottom of the stack", hx("00010040 00010040"), "malformed"},
	} {
		if got := flows(capture.LinkMPLS, c.data); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestContextSymmetric: both directions of a tunnelled flow have one context,
// also where their identifiers and outer ports differ.
func TestContextSymmetric(t *testing.T) {
	back := ip4frag("192.0.2.2", "192.0.2.1", packet.UDP, 0, 0, udp(53, 2000, nil))
	swap := func(proto int, payload []byte) []byte { return ip4frag(hostB, hostA, proto, 0, 0, payload) }
	for name, pair := range map[string][2][]byte{
		"gtp-u":                         {ip4(17, udp(2152, 2152, cat(hx("30ff0000 00000001"), inner))), swap(17, udp(2152, 2152, cat(hx("30ff0000 00000099"), back)))},
		"ipip":                          {ip4(4, inner), swap(4, back)},
		"gre":                           {ip4(47, cat(hx("00000800"), inner)), swap(47, cat(hx("00000800"), back))},
		"pptp":                          {ip4(47, cat(hx("2001 880b 0020 0007 0021"), inner)), swap(47, cat(hx("2001 880b 0020 0099 0021"), back))},
		"nvgre":                         {ip4(47, cat(hx("2000 6558 00138942"), ether(0x800, inner))), swap(47, cat(hx("2000 6558 00138943"), ether(0x800, back)))},
		"mpls":                          {ip4(137, cat(hx("00010140"), inner)), swap(137, cat(hx("00999140"), back))},
		"l2tp":                          {ip4(17, udp(1701, 1701, cat(hx("0002 0001 0002 0021"), inner))), swap(17, udp(1701, 1701, cat(hx("0002 0003 0004 0021"), back)))},
		"ah":                            {ip4(51, cat(hx("04040000 00000100 00000001 000000000000000000000000"), inner)), swap(51, cat(hx("04040000 00000999 00000001 000000000000000000000000"), back))},
		"vxlan":                         {ip4(17, udp(50000, 4789, cat(hx("08000000 00004d00"), ether(0x800, inner)))), swap(17, udp(51000, 4789, cat(hx("08000000 00004d00"), ether(0x800, back))))},
		"erspan, tag kept in the frame": {ip4(47, cat(hx("100088be 00000001 1007 0809 00000000"), ether(0x800, inner))), ip4(47, cat(hx("100088be 00000002 1007 180a 00000008"), ether(0x8100, cat(hx("00070800"), back))))},
		"erspan":                        {ip4(47, cat(hx("100088be 00000001 1001 0009 00000000"), ether(0x800, inner))), ip4(47, cat(hx("100088be 00000002 1001 600a 00000008"), ether(0x800, back)))},
	} {
		d := New(Options{})
		a, _ := d.Decode(nil, &capture.Packet{Link: 101, Data: pair[0]})
		b, _ := d.Decode(nil, &capture.Packet{Link: 101, Data: pair[1]})
		if len(a) == 0 || len(b) == 0 {
			t.Errorf("%s: not decoded", name)
			continue
		}
		x, y := a[len(a)-1], b[len(b)-1]
		if x.Context == nil || y.Context == nil || *x.Context != *y.Context {
			t.Errorf("%s: contexts %+v and %+v", name, x.Context, y.Context)
		}
	}
}

// TestContextsDiffer: equal addresses in different networks are told apart.
func TestContextsDiffer(t *testing.T) {
	d := New(Options{})
	seen := map[packet.Context]int{}
	for i, b := range [][]byte{
		ether(0x0800, inner),
		ether(0x8100, cat(hx("00010800"), inner)),
		ether(0x8100, cat(hx("00020800"), inner)),
		ether(0x8100, cat(hx("00018100 00020800"), inner)),
		ether(0x0800, ip4(4, inner)),
		ether(0x0800, ip4frag(hostA, "10.0.0.3", 4, 0, 0, inner)),
		ether(0x0800, ip4(47, cat(hx("00000800"), inner))),
		ether(0x0800, ip4(47, cat(hx("20000800 00000001"), inner))),
		ether(0x0800, ip4(47, cat(hx("20000800 00000002"), inner))),
		ether(0x8100, cat(hx("00010800"), ip4(47, cat(hx("20000800 00000002"), inner)))),
		ether(0x0800, ip4(47, cat(hx("100088be 00000001 1001 0009 00000000"), ether(0x0800, inner)))),
		ether(0x0800, ip4(47, cat(hx("100088be 00000001 1002 0009 00000000"), ether(0x0800, inner)))),
		ether(0x0800, ip4(47, cat(hx("100022eb 00000001 2003 0009 00000000 0000 0000"), ether(0x0800, inner)))),
		ether(0x0800, ip4(47, cat(hx("100022eb 00000001 2004 0009 00000000 0000 0800"), inner))),
	} {
		s, _ := d.Decode(nil, &capture.Packet{Link: 1, Data: b})
		var c packet.Context
		if p := s[len(s)-1].Context; p != nil {
			c = *p
		}
		if j, ok := seen[c]; ok {
			t.Errorf("packets %d and %d have one context", i, j)
		}
		seen[c] = i
	}
}

// TestKernelVLAN: a tag that the system took off is the outermost.
func TestKernelVLAN(t *testing.T) {
	p := capture.Packet{Link: 1, VLAN: 0x88a8<<16 | 0x2000 | 100, Data: ether(0x8100, cat(hx("000a0800"), inner))}
	s, _ := New(Options{}).Decode(nil, &p)
	if got := contextWords(s[0].Context); got != "vlan 100, vlan 10" {
		t.Errorf("context %s", got)
	}
}

// TestTunnelChoice: the option picks which of two headers give summaries.
func TestTunnelChoice(t *testing.T) {
	vx := ip4(17, udp(50000, 4789, cat(hx("08000000 00004d00"), ether(0x0800, inner))))
	for _, c := range []struct {
		opt  Options
		data []byte
		want string
	}{
		{Options{Tunnels: Both}, vx, "50000 2000 decoded"},
		{Options{Tunnels: Outer}, vx, "50000 decoded"},
		{Options{Tunnels: Inner}, vx, "2000 decoded"},
		{Options{Tunnels: Inner}, ip4(17, dns), "1000 decoded"},
		{Options{Tunnels: Inner}, ip4(17, udp(50000, 4789, nil)), "50000 decoded"},
		{Options{Tunnels: Outer}, ip4(4, inner), "IP protocol without ports"},
	} {
		s, r := New(c.opt).Decode(nil, &capture.Packet{Link: 101, Data: c.data})
		got := ""
		for _, s := range s {
			got += ports(s.SrcPort) + " "
		}
		if got += r.String(); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.opt, got, c.want)
		}
	}
}

// TestDepth: tunnels and tags nest to a bounded depth, and the headers found
// until there count.
func TestDepth(t *testing.T) {
	b := inner
	for range packet.MaxDepth {
		b = ip4(4, b)
	}
	if got := flows(101, b); !strings.HasPrefix(got, "decoded; "+innerFlow) {
		t.Errorf("%d tunnels: %s", packet.MaxDepth, got)
	}
	if got := flows(101, ip4(4, b)); got != "tunnels too deep" {
		t.Errorf("%d tunnels: %s", packet.MaxDepth+1, got)
	}
	if _, r := New(Options{MaxDepth: 1}).Decode(nil, &capture.Packet{Link: 101, Data: ip4(4, ip4(4, inner))}); r != TooDeep {
		t.Errorf("MaxDepth 1: %v", r)
	}
	tags := strings.Repeat("\x00\x01\x81\x00", packet.MaxDepth)
	if got := flows(1, ether(0x8100, cat([]byte(tags), hx("0002 0800"), inner))); got != "tunnels too deep" {
		t.Errorf("many tags: %s", got)
	}
	if got := flows(1, ether(0x8100, []byte(strings.Repeat("\x00\x00\x81\x00", 10000)))); got != "tunnels too deep" {
		t.Errorf("very many priority tags: %s", got)
	}
	if got := flows(229, ip6(60, []byte(strings.Repeat("\x3c\x00\x00\x00\x00\x00\x00\x00", 5000)))); got != "tunnels too deep" {
		t.Errorf("very many extension headers: %s", got)
	}
	vx := ip4(17, dns)
	for range packet.MaxDepth + 1 {
		vx = ip4(17, udp(50000, 4789, cat(hx("08000000 00004d00"), ether(0x0800, vx))))
	}
	if s, r := decodeOne(101, vx); r != Decoded || len(s) != packet.MaxDepth+1 {
		t.Errorf("nested vxlan: %v, %d summaries", r, len(s))
	}
}

// TestRecovery: a failure of a decoder is counted and goes no further.
func TestRecovery(t *testing.T) {
	d := New(Options{})
	d.opt.MaxDepth = packet.MaxDepth + 1 // for which a Context has no room
	b := inner
	for range packet.MaxDepth + 1 {
		b = ip4(4, b)
	}
	bad := capture.Packet{Link: 1, Data: ether(0x0800, b)}
	s, r := d.Decode(nil, &bad)
	if r != Panicked || len(s) != 0 {
		t.Errorf("got %v and %d summaries", r, len(s))
	}
	good := capture.Packet{Link: 1, Data: ether(0x0800, inner)}
	if s, r := d.Decode(nil, &good); r != Decoded || len(s) != 1 {
		t.Errorf("the next packet: got %v and %d summaries", r, len(s))
	}
	if c := d.Counts(); c[Panicked] != 1 || c[Decoded] != 1 || c.Read() != 2 {
		t.Errorf("counts %v", c)
	}
}
