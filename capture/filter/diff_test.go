package filter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/capture"
)

// commonExprs are expressions that every link type takes.
var commonExprs = []string{
	"", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "igrp", "pim", "vrrp", "carp", "ah", "esp",
	"iso", "clnp", "esis", "isis", "stp", "ipx", "netbeui", "atalk", "aarp", "decnet", "lat", "sca", "moprc", "mopdl",
	"not ip", "not (ip or ip6)", "!tcp", "!!tcp", "tcp or udp and ip6", "tcp && not udp || icmp",
	"port 80", "port 53", "src port 53", "dst port 53", "src and dst port 53", "src or dst port 443", "tcp port 80", "udp port 53",
	"sctp port 2905", "tcp src port 80", "tcp dst port 80", "udp src or dst port 123", "port 80 or 443 or 8080", "port (80 or 443)",
	"not port 53", "port not 53", "tcp port 80 and not src port 80", "port 0x50", "port 0120",
	"portrange 0-1023", "tcp portrange 1024-65535", "udp dst portrange 53-53", "src portrange 100-50", "portrange 80", "portrange 1-2 or 50-60",
	"tcp portrange 20-25 or port 53",
	"host 10.0.0.1", "src host 192.168.1.1", "dst host 192.168.1.1", "src 10.0.0.1", "src or dst 127.0.0.1", "src and dst host 127.0.0.1",
	"ip host 10.0.0.1", "arp host 10.0.0.1", "rarp host 10.0.0.1", "net 10", "net 10.0.0.0/8", "src net 192.168", "dst net 192.168.0.0/16",
	"net 192.168.1", "net 172.16.0.0 mask 255.240.0.0", "ip net 127.0.0.0/8", "net 0.0.0.0/0", "net 0", "host 10", "host 10.0",
	"not host 127.0.0.1", "net 224.0.0.0/4", "host 10.0.0.1 or 10.0.0.2 and not 10.0.0.3", "net 128.0.0.0/1 and not net 192.168.0.0/16",
	"host ::1", "ip6 host ::1", "src host fe80::1", "net fe80::/10", "ip6 src net 2001::/16", "dst net ff00::/8", "net ::/0",
	"net 2001:db8::/33", "host ff02::1 or ff02::2", "src and dst net fe80::/64", "host 255.255.255.255 or host 0.0.0.0",
	"ip proto 6", "ip proto \\tcp", "ip proto 17 or 1", "ip6 proto 6", "ip6 proto 44", "proto 6", "proto \\udp", "proto 41", "proto 47", "proto 50 or 51",
	"proto ospf", "ip6 proto \\ipv6-icmp", "proto 0", "ip6 proto 0", "iso proto 130", "iso proto \\esis",
	"ether proto 0x800", "ether proto \\ip6", "ether proto \\arp", "ether proto 0x88cc", "ether proto 0x42", "ether proto 254", "ether proto 6",
	"ether proto \\stp or \\ipx", "ether proto loopback", "ether proto 1500", "ether proto 1501", "ether proto 0x809b", "ether proto 0x80f3",
	"ip multicast", "ip6 multicast", "ip multicast or ip6 multicast",
	"less 60", "greater 60", "less 100 or greater 1000", "len > 1000", "len >= 64 and len <= 128", "len = 60", "len != 60", "len % 2 = 0", "len - 14 < 50",
	"ip[0] = 0x45", "ip[0] & 0xf != 5", "ip[0] & 0xf > 5", "ip[6:2] & 0x1fff = 0", "ip[6:2] & 0x3fff != 0", "ip[8] < 64", "ip[9] = 17",
	"ip[2:2] > 576", "ip[16] >= 224", "ip[12:4] = 0x7f000001", "ip[2:2] = len - 14", "ip[0] >> 4 = 4", "(ip[0] & 0xf) << 2 = 20",
	"ip6[0] & 0xf0 = 0x60", "ip6[6] = 58", "ip6[7] = 255", "ip6[40] = 135", "ip6[40:2] = 53", "ip6[4:2] > 100", "ip6[8:4] = 0xfe800000",
	"arp[6:2] = 1", "arp[7] = 2", "arp[14:4] = arp[24:4]", "rarp[7] = 3",
	"tcp[13] & 2 != 0", "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "tcp[tcpflags] == tcp-ack",
	"tcp[tcpflags] & (tcp-rst|tcp-ack) == (tcp-rst|tcp-ack)", "tcp[tcpflags] & tcp-push != 0", "tcp[12] >> 4 > 5", "tcp[12] & 0xf0 > 0x50",
	"tcp[0:2] = 80 or tcp[2:2] = 80", "tcp[0:2] < tcp[2:2]", "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420",
	"tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)", "tcp[4:4] > 0x80000000", "tcp[14:2] = 0", "tcp[200] = 0", "tcp[1000] >= 0",
	"not tcp[13] & 2 != 0", "not tcp[100] = 0", "len > 0 or tcp[100] = 0", "tcp[100] = 0 or len > 0",
	"udp[4:2] > 100", "udp[4:2] = 8", "udp[8] & 0x80 = 0", "udp[0:2] = udp[2:2]", "udp[4:2] != ip[2:2] - 20", "udp[6:2] = 0",
	"icmp[icmptype] = icmp-echo", "icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply", "icmp[icmpcode] = 3", "icmp[0] = icmp-unreach",
	"icmp6[icmp6type] = icmp6-echo", "icmp6[icmp6type] = icmp6-neighborsolicit", "icmp6[icmp6code] != 0", "icmp6[0] = icmp6-multicastlistenerreportv2",
	"sctp[12] = 1", "sctp[0:2] = 2905", "igmp[0] = 0x16", "pim[0] = 0x20", "vrrp[0] = 0x21", "carp[1] > 0",
	"link[0] & 1 = 0", "ether[0:2] = 0", "link[len - 1] = 0", "ip[ip[0] & 0xf] = 0", "tcp[tcp[12] >> 2] = 0", "udp[ip[0] - 0x40] = 0",
	"ip[-1] = 0", "tcp[-20] = 0x45", "ip[4294967295] = 8", "ip[1:4] != ip[5:4]", "5 > ip[1]", "5 >= ip[1]", "5 = ip[1]", "5 != ip[1]", "5 < ip[8]", "5 <= ip[8]",
	"1 = 1", "1 = 2", "1 > 2 or tcp", "3 & 1 = 1 and udp", "-1 > 5", "0xffffffff = -1", "- ip[0] = -69", "-(ip[8]) + ip[8] = 0",
	"ip[8] * 2 > 100", "ip[8] / 2 = 32", "ip[8] % 64 = 0", "ip[8] | 1 = 65", "ip[8] ^ 64 = 0", "ip[8] & 3 ^ 1 = 1", "ip[8] + 1 % 3 = 2", "ip[8] - 1 - 1 = 62",
	"ip[4:2] / ip[8] > 10", "ip[4:2] % ip[1] = 0", "ip[0] / ip[1] > 0", "ip[0] << ip[1] = 69", "ip[0] >> ip[8] = 0", "ip[0] << 4 & 0xff = 0x50",
	"ip[0] + tcp[12] > 100", "1 + tcp[13] > 3", "tcp[12] + ip[0] > 100", "(5 + ip[0]) > 3", "ip[2:2] * ip[8] - 1 > ip[4:2] + ip[0]", "ip[0] * 0 = 0",
	"ip[2:2] & 1 = 0 and ip[2:2] & 1 = 1", "ip[8] > 10 and ip[8] > 20 and not ip[8] > 30", "ip[8] = 64 or ip[8] = 128 or ip[8] = 255",
	"ip or ip", "ip and ip", "ip and not ip", "tcp and port 80 or udp and port 53", "(tcp and port 80) or (udp and port 53)",
	"ip and (tcp or udp) and not (port 22 or port 53)", "((tcp)) and (((port 80)))", "host 10.0.0.1 and (port 80 or 443)",
	"tcp and (not port 80 and not port 443)", "udp and not port 53 and not net 10.0.0.0/8 and not ip multicast",
	"icmp or icmp6 or arp", "not arp and not icmp and not icmp6 and not udp", "pppoed",
}

// etherExprs are for Ethernet.
var etherExprs = []string{
	"ether host ff:ff:ff:ff:ff:ff", "ether src 00:00:00:00:00:00", "ether dst 01-00-5e-00-00-01", "ether src and dst 0:0:0:0:0:0",
	"ether host 0180.c200.0000", "ether dst host 3333.0000.0001 or 333300000002", "not ether broadcast and not ether multicast",
	"broadcast", "ether broadcast", "multicast", "ether multicast", "ether[0] & 1 = 0 and ip[16] >= 224", "ether[12:2] = 0x800", "ether[12:2] <= 1500",
	"ether[20:2] = 0x809b", "len - 14 != ip[2:2]",
	"vlan", "not vlan", "vlan 100", "vlan and ip", "vlan and tcp port 80", "vlan and host 10.0.0.1", "vlan and vlan", "vlan and vlan and ip",
	"vlan and vlan and vlan", "vlan 1 or vlan 2", "ip or vlan", "vlan or ip", "vlan and (ip or ip6)", "vlan and ip[0] = 0x45", "vlan and ether[14:2] & 0xfff = 1",
	"vlan and ether proto 0x800", "vlan and stp", "vlan and arp", "vlan and icmp6[0] = 135", "vlan and not ip", "(vlan and ip) or ip",
	"vlan and ether host ff:ff:ff:ff:ff:ff", "vlan and multicast", "vlan > 5 or tcp",
	"mpls", "mpls 16", "mpls and ip", "mpls and ip6", "mpls and mpls", "mpls and mpls and ip", "mpls and tcp", "mpls and host 10.0.0.1", "mpls and icmp",
	"mpls and mpls 3 and ip[0] = 0x45", "vlan and mpls", "vlan and mpls and ip", "mpls or ip", "mpls and port 80", "mpls and ip6 host ::1", "mpls and arp", "mpls and vlan",
	"pppoes", "pppoes 1", "pppoes and ip", "pppoes and ip6", "pppoes and tcp port 80", "pppoes and host 10.0.0.1", "vlan and pppoes", "vlan and pppoes and ip",
	"pppoes and ip[0] = 0x45", "pppoes and ether[0:2] = 0x21", "pppoes and arp", "pppoes and mpls", "pppoes and icmp6[0] = 133", "pppoed or pppoes", "pppoes 17 and udp",
	"pppoes and ether host 1:2:3:4:5:6", "pppoes and vlan", "pppoes and multicast",
	"inbound", "outbound",
}

// wifiExprs are for 802.11.
var wifiExprs = []string{
	"ether host ff:ff:ff:ff:ff:ff", "ether dst ff:ff:ff:ff:ff:ff", "wlan src 00:0d:93:82:36:3a", "ether src or dst 00:01:e3:41:bd:6e", "broadcast", "multicast",
	"not multicast", "vlan", "vlan and ip", "vlan 5 and udp", "ether src and dst 0:0:0:0:0:0", "radio[0] = 0", "radio[2] > 20", "broadcast and arp",
}

var diffLinks = []struct {
	lt      capture.LinkType
	exprs   []string
	perFile int
	limit   int
}{
	{capture.LinkEthernet, etherExprs, 40, 15000},
	{capture.LinkNull, []string{"inbound", "broadcast", "vlan", "ether host 1:2:3:4:5:6", "pppoes"}, 100, 4000},
	{capture.LinkPPP, []string{"mpls", "mpls and ip", "vlan", "multicast"}, 200, 2000},
	{capture.LinkPPPHDLC, []string{"mpls"}, 200, 2000},
	{capture.LinkRaw, []string{"broadcast", "mpls", "vlan", "pppoes"}, 100, 4000},
	{capture.LinkIPv4, []string{"inbound"}, 100, 4000},
	{capture.LinkIPv6, []string{"outbound"}, 100, 4000},
	{capture.LinkLinuxSLL, []string{"inbound", "outbound", "outbound and tcp", "vlan", "broadcast"}, 200, 8000},
	{capture.LinkLinuxSLL2, []string{"inbound", "outbound", "not inbound or ip", "vlan"}, 500, 4000},
	{capture.LinkCHDLC, []string{"mpls", "mpls and ip", "vlan"}, 200, 2000},
	{capture.LinkIEEE80211, wifiExprs, 200, 2000},
	{capture.LinkRadiotap, wifiExprs, 200, 4000},
}

// mutations gives copies of packets that are cut short or have bytes changed,
// so that loads at the edge and odd headers are met.
func mutations(packets []capture.Packet, rnd *rand.Rand) []capture.Packet {
	var out []capture.Packet
	for _, p := range packets {
		p.Data = bytes.Clone(p.Data)
		if rnd.IntN(2) == 0 && len(p.Data) > 0 {
			p.Data = p.Data[:rnd.IntN(min(len(p.Data), 120))]
		}
		for range rnd.IntN(4) {
			if n := min(len(p.Data), 80); n > 0 {
				p.Data[rnd.IntN(n)] = byte(rnd.Uint32())
			}
		}
		out = append(out, p)
	}
	return out
}

// full makes the comparisons run every expression on every link type: a
// minute and a half. Without it each runs on Ethernet and on some others.
var full = os.Getenv("PORTANNOT_TEST_FULL") != ""

// chosen reports whether a run makes the i-th of a test's comparisons with
// tcpdump, of which one in n is made. With -short it is one in 8n: these wait
// for tcpdump more than for us, and what they compare starts no goroutine for
// the race detector to watch.
func chosen(i, n int) bool {
	if full {
		return true
	}
	return i%(n*shorter(8)) == 0
}

// shorter is n with -short, and 1 without.
func shorter(n int) int {
	if testing.Short() {
		return n
	}
	return 1
}

// libpcapFaults are expressions for which libpcap 1.10.3 makes a program that does
// not mean what they say.
var libpcapFaults = map[capture.LinkType]map[string]string{
	capture.LinkRadiotap: {
		"3 & 1 = 1 and udp": "the arithmetic overwrites the scratch word with the header's length",
	},
}

// TestAgainstTcpdump compares, for each link type, packet by packet, what the
// expressions match.
func TestAgainstTcpdump(t *testing.T) {
	t.Parallel()
	tcpdump := tcpdumpPath(t)
	for n, l := range diffLinks {
		t.Run(l.lt.String(), func(t *testing.T) {
			t.Parallel()
			packets := corpus(t, l.lt, l.perFile, l.limit/shorter(4))
			if len(packets) == 0 {
				t.Skip("no packets")
			}
			if l.lt == capture.LinkNull { // a big-endian family means nothing to libpcap in a little-endian file
				packets = slices.DeleteFunc(packets, func(p capture.Packet) bool {
					return len(p.Data) >= 4 && (p.Data[3] != 0 || p.Data[0] == 0)
				})
			}
			file := writePcap(t, l.lt, packets)
			every := 3
			if l.lt == capture.LinkEthernet {
				every = 1
			}
			compared, matched := 0, 0
			for i, expr := range slices.Concat(commonExprs, l.exprs) {
				if !chosen(i+n, every) || libpcapFaults[l.lt][expr] != "" {
					continue
				}
				want, complaint := tcpdumpMatches(t, tcpdump, file, expr)
				p, err := Compile(expr, l.lt, 0)
				switch {
				case (err != nil) != (complaint != ""):
					t.Errorf("%q: we say %v, tcpdump says %q", expr, err, complaint)
				case err == nil:
					compared++
					if len(want) > 0 && len(want) < len(packets) {
						matched++
					}
					if d := difference(p, packets, want, want); d != "" {
						t.Errorf("%q:\n%s\n%v", expr, d, p)
					}
				}
			}
			t.Logf("%d packets, %d expressions, %d of them match some packets and not others", len(packets), compared, matched)
		})
	}
}

// TestDamagedAgainstTcpdump is the same over packets that are cut short or
// changed. Where a packet is cut, an answer depends on which field is asked
// first, and libpcap's optimiser changes that: so each answer has to be
// tcpdump's with the optimiser or without.
func TestDamagedAgainstTcpdump(t *testing.T) {
	t.Parallel()
	tcpdump := tcpdumpPath(t)
	for n, l := range diffLinks {
		t.Run(l.lt.String(), func(t *testing.T) {
			t.Parallel()
			packets := mutations(corpus(t, l.lt, 20, 2000), rand.New(rand.NewPCG(1, 2)))
			if len(packets) == 0 {
				t.Skip("no packets")
			}
			if l.lt == capture.LinkNull {
				packets = slices.DeleteFunc(packets, func(p capture.Packet) bool {
					return len(p.Data) >= 4 && (p.Data[3] != 0 || p.Data[0] == 0)
				})
			}
			file := writePcap(t, l.lt, packets)
			for i, expr := range slices.Concat(commonExprs, l.exprs) {
				if !chosen(i+n, 6) || libpcapFaults[l.lt][expr] != "" {
					continue
				}
				p, err := Compile(expr, l.lt, 0)
				if err != nil {
					continue
				}
				want, _ := tcpdumpMatches(t, tcpdump, file, expr)
				plain, _ := tcpdumpMatches(t, tcpdump, file, expr, "-O")
				if d := difference(p, packets, want, plain); d != "" {
					t.Errorf("%q:\n%s\n%v", expr, d, p)
				}
			}
			t.Logf("%d packets", len(packets))
		})
	}
}

// TestLiveAgainstTcpdump runs the programs that libpcap makes for a live
// Ethernet interface beside ours, over packets of which some have had their tag
// taken out.
func TestLiveAgainstTcpdump(t *testing.T) {
	t.Parallel()
	tcpdump := tcpdumpPath(t)
	if _, complaint := parseDecimal(t, exec.Command(tcpdump, "-i", "lo", "-ddd", "ip")); complaint != "" {
		t.Skip("tcpdump cannot capture here: ", complaint)
	}
	packets := corpus(t, capture.LinkEthernet, 30, 12000/shorter(4))
	tags := 0
	for i := range packets {
		p := &packets[i]
		if d := p.Data; len(d) >= 18 && (d[12] == 0x81 && d[13] == 0 || d[12] == 0x88 && d[13] == 0xa8) && i%3 > 0 {
			p.VLAN = binary.BigEndian.Uint32(d[12:])
			p.Data = append(bytes.Clone(d[:12]), d[16:]...)
			p.Length -= 4
			tags++
		}
	}
	compared := 0
	for i, expr := range slices.Concat(etherExprs, commonExprs) {
		every := 1
		if i >= len(etherExprs) {
			every = 4
		}
		if !chosen(i, every) || expr == "inbound" || expr == "outbound" {
			continue
		}
		if strings.Contains(expr, "vlan and pppoes and") {
			continue // libpcap 1.10.3 leaves a scratch word unset
		}
		raw, complaint := parseDecimal(t, exec.Command(tcpdump, "-i", "lo", "-ddd", "--", expr))
		if strings.Contains(complaint, "rejects all packets") {
			continue
		}
		p, err := CompileLive(expr, capture.LinkEthernet, 0)
		if (err != nil) != (complaint != "") {
			t.Errorf("%q: we say %v, tcpdump says %q", expr, err, complaint)
		}
		if err != nil || complaint != "" {
			continue
		}
		compared++
		theirs := decode(raw)
		for i := range theirs {
			if c := theirs[i].code; (c == opLdAbsB || c == opLdAbsH) && theirs[i].k >= extBase { // a kernel does not look at the size of such a load
				theirs[i].code = opLdAbsW
			}
		}
		want := make(map[int]bool)
		for i := range packets {
			want[i] = execute(theirs, &packets[i]) != 0
		}
		if d := difference(p, packets, want, want); d != "" {
			t.Errorf("%q:\n%s\n%v", expr, d, p)
		}
	}
	t.Logf("%d packets, %d without their tag, %d expressions", len(packets), tags, compared)
}

// otherPackets are captures of which libpcap hands its filters something else
// than package capture does.
var otherPackets = map[string]string{
	"8cfb2d94": "records longer than their length on the wire; package capture raises that length",
	"550981f6": "a packet longer than the file's snap length, at which libpcap cuts it",
	"c2cafe3e": "NULL with the family in the other byte order than the file; we match both",
}

// TestFilesAgainstTcpdump counts on captures as they are: byte orders, damage,
// odd lengths. Files of which tcpdump reads other packets than package capture
// does are left out; that is not for this test.
func TestFilesAgainstTcpdump(t *testing.T) {
	t.Parallel()
	tcpdump := tcpdumpPath(t)
	exprs := []string{
		"ip", "tcp", "udp port 53", "not ip and not ip6", "host 192.168.1.1 or 10.0.0.1", "net 10.0.0.0/8", "len > 100", "tcp[tcpflags] & tcp-syn != 0",
		"ip[6:2] & 0x1fff != 0", "ip6 and not icmp6", "portrange 1024-65535", "less 64", "icmp or icmp6", "ip6[6] = 0", "src port 80 or 443", "arp or rarp",
	}
	count := func(file, expr string) string {
		out, err := exec.Command(tcpdump, "-r", file, "--count", "--", expr).CombinedOutput()
		if strings.Contains(string(out), "rejects all packets") {
			return "0"
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if f := strings.Fields(lines[len(lines)-1]); err == nil && len(f) > 0 {
			return f[0]
		}
		return "?"
	}
	for n, l := range diffLinks {
		t.Run(l.lt.String(), func(t *testing.T) {
			t.Parallel()
			compared, files := 0, 0
			for i, file := range corpusFiles(t, l.lt) {
				if !chosen(i+n, 12) || otherPackets[filepath.Base(file)[:8]] != "" {
					continue
				}
				packets, err := readAll(file, l.lt)
				if err != nil || count(file, "") != fmt.Sprint(len(packets)) {
					continue
				}
				files++
				for j, expr := range exprs {
					if !full && (i+j)%4 > 0 {
						continue
					}
					p, err := Compile(expr, l.lt, 0)
					if err != nil {
						t.Fatalf("%v, %q: %v", l.lt, expr, err)
					}
					ours := 0
					for i := range packets {
						if p.Match(&packets[i]) {
							ours++
						}
					}
					if want := count(file, expr); want != fmt.Sprint(ours) {
						t.Errorf("%s, %q: we count %d, tcpdump %s", filepath.Base(file), expr, ours, want)
					}
					compared++
				}
			}
			t.Logf("%d files, %d counts", files, compared)
		})
	}
}

// readAll reads a capture of one link type.
func readAll(file string, lt capture.LinkType) ([]capture.Packet, error) {
	r, err := capture.Open(file, capture.Options{NoReadAhead: true})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []capture.Packet
	batch := make([]capture.Packet, 64)
	for {
		n, err := r.Next(batch)
		for _, p := range batch[:n] {
			if p.Link != lt {
				return nil, fmt.Errorf("link type %v", p.Link)
			}
			p.Data = bytes.Clone(p.Data)
			out = append(out, p)
		}
		switch {
		case err == io.EOF:
			return out, nil
		case err != nil:
			return nil, err
		}
	}
}
