package observe_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/packet"
)

// inCaptures names for each protocol of the second half of the table all the
// shared captures, by the hash that their names begin with, in which a flow is
// a full match. tshark dissects these flows as that protocol, or did not try
// because of their ports and they were looked at: OpenVPN, NATS and others on
// ports of their owners' choice, a discovery of BitTorrent peers that it calls
// lsd, NetFlow to a collector's own port.
var inCaptures = map[observe.Protocol]string{
	observe.MySQL: "11e0988e 2d701585 3cedb8ce 471133b0 53983070 597d06e8 63e23160 660be816 6d8a34ec 7adf66df 8ab5ebe5 b98fbd6c beebf85c c5686abf " +
		"e8da6c5f eeb68075 f4a8ad29",
	observe.PostgreSQL:   "0fa95a65 2d701585 30dba758 368cead6 783b2e35 80d0db9a baf10cbc c5b62b12 d52603c7 dc36e9ca de179506",
	observe.TDS:          "3e3afb76 90fc4596 c14d0da4 fcc0a6e6",
	observe.TNS:          "0bd3e0ff 2d701585 750c969e 7ad9efc2 c65ee5eb",
	observe.Redis:        "0ce82497 0dbaa1f2 43a498e3 568d3d9d 5c4d179e 60c03286 808530bd 8429ab33 a1065b2b dfceb997",
	observe.MongoDB:      "7eaf78d6 b583f440 c086b1cc",
	observe.Memcached:    "11551c8c a93b9301",
	observe.Cassandra:    "41e47a66",
	observe.Kafka:        "394de7e0 6a3c3690 a0d5f3e1 a317bf85 c32d9850 c8794c59 dc0818d1 e0d2e426 e316c883",
	observe.AMQP:         "35d35bc3 c142c632",
	observe.MQTT:         "2d701585 54c5e28a 7d6552eb 905e4111 d174d287",
	observe.NATS:         "3c84deb0 75efeb4a",
	observe.WireGuard:    "079956bc ad1a90c0",
	observe.OpenVPN:      "0835c933 6ab36c2f 985164d5 b59ac03a ea03f0f8",
	observe.IKE:          "04bc65f3 196e8402 289db7ca 2a18e98d 2d701585 687c9258 86505314 b2c006da ba93efc7 c1484c2d c2af5032 e2320e85 fd20ce2f",
	observe.NATTraversal: "687c9258",
	observe.L2TP:         "8af47406 cbd7be68 dc2879b3",
	observe.GTPC:         "800ae698 ab3c158f",
	observe.GTPU: "0dbd3701 181aa89c 29903cab 2d701585 324e7c4e 33989dd2 3d3d1909 629f709c 85b3a545 952f9aa0 9e4fb768 a893f783 ab3c158f b57e8fcc " +
		"bde9b5e8",
	observe.PFCP: "1361a620",
	observe.VXLAN: "04657f13 0f5e9683 0f91b33b 24bd372d 2d6618d6 2d701585 5bbdb30a 8803af0b b06f74e2 b2fb30d0 cc599f5d d03b2768 d45eff30 da45e086 " +
		"db74ea10 dc7c7954 ff99767f",
	observe.GENEVE:     "219f3480 2264f15a 2d701585 5ba6b916 6af59035 74925e25 beecf044 cc040d37 e14309bc",
	observe.S1AP:       "d539b1cb",
	observe.M3UA:       "5ee2a424 810d814a b84d58a6",
	observe.BitTorrent: "00aebc47 34490590 5fc3f668 a8fa7c51 b5ef6199 ceea173e d2f9c556 fd731ae5",
	observe.Modbus:     "2d684331 2d701585 809e2bbd 8cc29809 94942b3d 9e055a2d d20ceba1",
	observe.DNP3: "00a8e2db 017432ee 0af6bfbf 0cc7fca6 0ed61c0f 0f0904fe 0f9a0efe 0f9f206b 137f3e48 13b8638f 14ff337c 16ff07b5 18037e68 18c20574 " +
		"1cb3c213 1e22bdea 1f71b67c 2602eb54 26e2d60f 2b9c0c04 30f0c547 32a86291 38e41e39 44f88845 46de2e38 4787acb6 48ea2464 5081deed " +
		"5a59bbe3 5ec72214 6418927a 657d7ce0 6e541afa 71779cac 7348675b 7926b356 7a87aaee 7f72bc3d 82b1995e 87c0f88f 88cfd1cb 8aa1268a " +
		"8e77c197 9c58c4ab 9cc5c193 9f0e6a09 a4e05d73 a8221f9b af8896d0 b1a99aa5 b8aeabec b92fcf61 b9c7c11d c5924f58 c86d87b1 caa97e13 " +
		"d09f84d8 d38cbf44 dd585937 e617ad60 ea0b33ef ec91234c f0e86311 fd5033e6 fee3f007",
	observe.S7comm: "0998a2c0 0b342c47 0f3b94df 240b47e1 2a13ba6e 2b91f6a8 2d701585 48725bd1 56441a65 5859f9b0 73e4b364 759440ab 7cd20986 8350842c " +
		"97a7824d 9cd63c73 aa85b9b7",
	observe.EtherNetIP: "0a29fc86 0ba6c01f 26cfe3df 2d701585 419ea677 57af0175 66479850 71aec960 fe674ddc",
	observe.BACnet:     "08433f9d 2d701585 3a8d19ce 43eac93d 8f0230f3 97372480 ae0f831e",
	observe.IEC104:     "166ba648 f855a113 f8ede9d4",
	observe.OPCUA:      "2a7bc18f 721087cc 731057c0 a2aaa4a7 c6f663f7",
	observe.NetFlow:    "05cc80f0 0989eaaf 28109fca 2d701585 4180ac2d 6ae06184 71aec960",
	observe.IPFIX:      "019c6ebf 2ac31891 2d701585 52b51330 75ff6729 b2a08a30 c80a40e6 d3e75fe8 e85ea4e0",
	observe.SFlow:      "0bb0071f 0d732162 13b7e22e 2433d1e5 270b183a 2d701585 67fe302a 8ef95cf2 ef425870",
	observe.Gearman:    "8e67f180",
	observe.M2UA:       "b4d130c0 b5e75546",
	observe.H248:       "9f188aa7",
	observe.PPTP:       "fedb7f0d",
	observe.RMCP:       "4a44f76d a1af52cd",
	observe.SOCKS:      "23ecc7fb 2d701585 79bc2bde 861a1dd3 941ce8ce",
	observe.X11:        "a4c82b58 df32f5c1",
	observe.ISCSI:      "9c4a1d97 a8facdc2",
	observe.Git:        "81b56c70",
	observe.ONCRPC:     "10c24032 507f6eb3 60b8eec3 a12f0900 b0304252 de78b0a2",
	observe.NFS:        "37e2d136 60b8eec3 917b7fd2",
	observe.CoAP:       "54c5e28a ff91f7be",
	observe.DCERPC: "167c7966 1e27b3b7 20ad3858 2d701585 48a100b9 4fb5325f 51c5a779 5bde35bc 873c0c6e 8f82fc5e 90fc4596 960b11b8 a81f7490 ba6caec2 " +
		"bda384b5 c14d0da4 cfb2b202 db610cca e3b2c15c e80dbf9f ec93d69e ee88b438 f4f7e4c4",
	observe.RIP:         "988ac122 a898ec2f c1484c2d",
	observe.HSRP:        "276b36cd 750c969e c1484c2d c14d0da4 d1553f2b d6a88a79",
	observe.WSDiscovery: "1a233c38",
	observe.PTP:         "2d701585 80eed7bc",
	observe.Whois:       "c1484c2d",
	observe.NNTP:        "648ddce0",
	observe.ZMTP:        "a5849984",
	observe.TACACS:      "c1484c2d",
}

// TestIndustryCaptures checks that these protocols are recognised in the
// captures that have them, and in no other.
func TestIndustryCaptures(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "captures", "files")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Skip("no captures beside the repository")
	}
	want := map[string][]observe.Protocol{}
	for p, names := range inCaptures {
		for _, n := range strings.Fields(names) {
			want[n] = append(want[n], p)
		}
	}
	for _, f := range files {
		hash, _, _ := strings.Cut(f.Name(), "_")
		var got []observe.Protocol
		for _, in := range payloads(filepath.Join(dir, f.Name())) {
			if o := observe.Recognise(in); o.Strength == observe.Full && inCaptures[o.Protocol] != "" && !slices.Contains(got, o.Protocol) {
				got = append(got, o.Protocol)
			}
		}
		slices.Sort(got)
		slices.Sort(want[hash])
		if !slices.Equal(got, want[hash]) {
			t.Errorf("%s: %v, want %v", f.Name(), got, want[hash])
		}
		delete(want, hash)
	}
	for hash := range want {
		t.Errorf("no capture %s", hash)
	}
}

// payloads gives the start of what the ends of each connection or flow in a
// capture sent: of a stream as far as its segments came in order.
func payloads(path string) []*observe.Input {
	const keep = 512
	type direction struct {
		next  uint32
		known bool
	}
	type conversation struct {
		src  netip.AddrPort
		in   *observe.Input
		dirs [2]direction
		syn  uint32
	}
	type key struct {
		a, b     netip.AddrPort
		protocol uint8
		context  packet.Context
	}
	r, err := capture.Open(path, capture.Options{})
	if err != nil {
		return nil
	}
	defer r.Close()
	d := decode.New(decode.Options{})
	conversations := map[key]*conversation{}
	var all []*observe.Input
	packets := make([]capture.Packet, 64)
	var sums []packet.Summary
	for {
		n, err := r.Next(packets)
		for i := range packets[:n] {
			sums, _ = d.Decode(sums[:0], &packets[i])
			for j := range sums {
				s := &sums[j]
				if s.Kind != packet.Datagram {
					continue
				}
				src, dst := netip.AddrPortFrom(s.SrcAddr(), s.SrcPort), netip.AddrPortFrom(s.DstAddr(), s.DstPort)
				k := key{a: src, b: dst, protocol: s.Protocol}
				if s.Context != nil {
					k.context = *s.Context
				}
				if src.Compare(dst) > 0 {
					k.a, k.b = dst, src
				}
				c := conversations[k]
				opening := s.Protocol == packet.TCP && s.TCPFlags&(packet.SYN|packet.ACK) == packet.SYN
				if c == nil || opening && c.syn != s.Sequence {
					c = &conversation{src: src, in: &observe.Input{Transport: s.Protocol}}
					if dst.Addr().IsMulticast() {
						c.in.Group = dst.Addr()
					}
					if opening {
						c.syn = s.Sequence
					}
					conversations[k] = c
					all = append(all, c.in)
				}
				dir := 0
				if src != c.src {
					dir = 1
				}
				p, st := &c.in.Sent[dir], &c.dirs[dir]
				if s.Protocol == packet.TCP {
					if s.TCPFlags&packet.SYN != 0 {
						st.next, st.known = s.Sequence+1, true
						continue
					}
					if s.PayloadLen == 0 || st.known && s.Sequence != st.next || p.Len > len(p.Data) {
						continue
					}
					st.next, st.known = s.Sequence+s.PayloadLen, true
				} else if p.Len > 0 {
					continue
				}
				p.Data = append(p.Data, s.Payload[:min(len(s.Payload), keep-len(p.Data))]...)
				p.Len += int(s.PayloadLen)
				p.PPID = s.PPID
			}
		}
		if n == 0 || err != nil {
			return all
		}
	}
}
