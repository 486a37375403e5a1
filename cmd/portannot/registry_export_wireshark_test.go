package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// wiresharkFlow is what -o json says of a flow, as far as the post-dissector says
// it too.
type wiresharkFlow struct {
	Network struct {
		Transport string
	}
	Source, Destination struct {
		IP   string
		Port int
	}
	Portannot struct {
		Service struct {
			Side, Reason string
			Port         int
		}
		Registered            struct{ Status, Name string }
		SourceRegistered      struct{ Status, Name string } `json:"source_registered"`
		DestinationRegistered struct{ Status, Name string } `json:"destination_registered"`
		FirstPacket           int                           `json:"first_packet"`
		Tunnel                string
	}
}

// flowKey has the ends in an order of its own, since a packet has either direction.
func flowKey(transport, source, sourcePort, destination, destinationPort string) string {
	a, b := source+" "+sourcePort, destination+" "+destinationPort
	return transport + " " + min(a, b) + " " + max(a, b)
}

// packetFields are what tshark prints of each packet.
var packetFields = []string{
	"frame.number", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport",
	"sctp.srcport", "sctp.dstport", "portannot.service", "portannot.status", "portannot.name", "portannot.service.side",
	"portannot.service.reason", "portannot.source_registered.status", "portannot.source_registered.name",
	"portannot.destination_registered.status", "portannot.destination_registered.name", "portannot.caveat",
}

// postDissected runs tshark with the exported script, and gives the fields of each
// packet. It skips the test where there is no tshark.
func postDissected(t *testing.T, capture string, args ...string) (packets []map[string]string) {
	t.Helper()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark here: the post-dissector is not run")
	}
	script := filepath.Join(t.TempDir(), "portannot.lua")
	expect(t, 0, nil, "registry", "export", "--registry", "embedded", "-o", "wireshark", "-w", script)
	args = append(args, "-X", "lua_script:"+script, "-r", capture, "-T", "fields", "-E", "occurrence=l")
	for _, f := range packetFields {
		args = append(args, "-e", f)
	}
	out := runEngine(t, nil, tshark, args...)
	for line := range strings.Lines(out) {
		values := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(values) != len(packetFields) {
			t.Fatalf("tshark: %d fields in %q, want %d", len(values), line, len(packetFields))
		}
		p := map[string]string{}
		for i, f := range packetFields {
			p[f] = values[i]
		}
		packets = append(packets, p)
	}
	return packets
}

// flowsOf gives the flows of a capture, as -o json has them, by flowKey.
func flowsOf(t *testing.T, capture string) map[string][]wiresharkFlow {
	t.Helper()
	out, _ := expect(t, 0, nil, "-q", "--registry", "embedded", "-r", capture, "-o", "json")
	flows := map[string][]wiresharkFlow{}
	for line := range strings.Lines(out) {
		var f wiresharkFlow
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		switch f.Network.Transport {
		case "tcp", "udp", "sctp":
			k := flowKey(f.Network.Transport, f.Source.IP, fmt.Sprint(f.Source.Port), f.Destination.IP, fmt.Sprint(f.Destination.Port))
			flows[k] = append(flows[k], f)
		}
	}
	return flows
}

// byPayload are the reasons for which a packet's addresses, ports and handshake
// are not enough.
var byPayload = map[string]bool{"payload": true, "other-flows": true}

// compareDissected compares the fields of packets with the flows that these belong
// to: status and name of both ports always, the service where both name one, and
// that a packet names none where nothing but payload could.
func compareDissected(t *testing.T, packets []map[string]string, flows map[string][]wiresharkFlow) (named int) {
	t.Helper()
	met := map[string]bool{}
	carried := map[string]bool{} // by frame number: the fields are those of a flow in a tunnel
	last := map[string]map[string]string{}
	for _, p := range packets {
		if p["portannot.caveat"] == "" {
			continue
		}
		var key, transport, source string
		for _, tr := range []string{"tcp", "udp", "sctp"} {
			for _, ip := range []string{"ip", "ipv6"} {
				k := flowKey(tr, p[ip+".src"], p[tr+".srcport"], p[ip+".dst"], p[tr+".dstport"])
				if _, ok := flows[k]; ok {
					key, transport, source = k, tr, p[ip+".src"]
				}
			}
		}
		if key == "" {
			t.Errorf("a packet of no flow: %v", p)
			continue
		}
		met[key] = true
		carried[p["frame.number"]] = flows[key][0].Portannot.Tunnel != ""
		last[key] = p
		for _, f := range flows[key] {
			src, dst := f.Portannot.SourceRegistered, f.Portannot.DestinationRegistered
			if source != f.Source.IP || p[transport+".srcport"] != fmt.Sprint(f.Source.Port) {
				src, dst = dst, src
			}
			if p["portannot.source_registered.status"] != src.Status || p["portannot.source_registered.name"] != src.Name ||
				p["portannot.destination_registered.status"] != dst.Status || p["portannot.destination_registered.name"] != dst.Name {
				t.Errorf("ports are %v and %v in the flow, and in the packet %v", src, dst, p)
			}
			s := f.Portannot.Service
			if p["portannot.service"] == "" {
				if p["portannot.status"] != "" || p["portannot.name"] != "" {
					t.Errorf("status or name without a service: %v", p)
				}
				continue
			}
			if s.Side == "none" && p["portannot.service.reason"] == "handshake" {
				continue // openings of both ends: the first packets of them cannot tell
			}
			if s.Side == "none" {
				t.Errorf("%s: the flow has no side, the packet %v", key, p)
				continue
			}
			named++
			if byPayload[s.Reason] && p["portannot.service"] != fmt.Sprintf("%d/%s", s.Port, transport) {
				t.Logf("%s: service %d by payload, and by %s %s", key, s.Port, p["portannot.service.reason"], p["portannot.service"])
				continue
			}
			if want := fmt.Sprintf("%d/%s", s.Port, transport); p["portannot.service"] != want ||
				p["portannot.status"] != f.Portannot.Registered.Status || p["portannot.name"] != f.Portannot.Registered.Name {
				t.Errorf("%s: service %s %v (%s) in the flow, and in the packet %v", key, want, f.Portannot.Registered, s.Reason, p)
			}
		}
	}
	for k, parts := range flows {
		f := parts[0].Portannot
		switch {
		case !met[k] && !carried[fmt.Sprint(f.FirstPacket)]:
			t.Errorf("no packet of the flow %s has fields", k)
		case met[k] && len(parts) == 1 && f.Service.Side == "none" && last[k]["portannot.service"] != "":
			t.Errorf("%s: the flow has no side, its last packet %v", k, last[k])
		}
	}
	return named
}

// TestWireshark runs the post-dissector on captures, and compares every packet
// with its flow. Names of hosts must change nothing.
func TestWireshark(t *testing.T) {
	long(t)
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("224.0.0.251 mdns.example\n10.20.0.20 server.example\n255.255.255.255 all.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"demo", "handshakes", "statuses", "tunnels", "vlan", "ipv6-ext", "fragments", "observed", "review"} {
		t.Run(name, func(t *testing.T) {
			capture := filepath.Join(repoRoot(t), "testdata", "captures", name+".pcap")
			packets := postDissected(t, capture, "-N", "n", "-H", hosts)
			if n := compareDissected(t, packets, flowsOf(t, capture)); n == 0 {
				t.Error("no packet has a service")
			}
		})
	}
}

// TestWiresharkPorts compares packets without payload or handshake: all pairs of
// the ports at which a rule begins or ends, and others by chance, with and
// without multicast addresses. The post-dissector must then say what -o json
// says, the reason and its absence included.
func TestWiresharkPorts(t *testing.T) {
	long(t)
	edges := []int{1, 20, 53, 68, 80, 111, 511, 512, 513, 546, 600, 1023, 1024, 3306, 6001, 32767, 32768, 38412, 49151, 49152, 65535}
	rng := rand.New(rand.NewPCG(1, 2))
	pcap := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	pcap = append(pcap, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0) // LINKTYPE_RAW
	n := 0
	add := func(protocol byte, source, destination int) {
		n++
		src, dst := []byte{10, byte(n >> 16), byte(n >> 8), byte(n)}, []byte{10, 200, byte(n >> 8), byte(n)}
		switch n % 7 {
		case 0:
			dst = []byte{239, 1, byte(n >> 8), byte(n)}
		case 1:
			src = []byte{224, 1, byte(n >> 8), byte(n)}
		case 2:
			dst = []byte{255, 255, 255, 255}
		}
		var b []byte
		b = binary.BigEndian.AppendUint16(b, uint16(source))
		b = binary.BigEndian.AppendUint16(b, uint16(destination))
		switch protocol {
		case 6:
			b = append(b, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0)
		case 17:
			b = append(b, 0, 8, 0, 0)
		case 132:
			b = append(b, 0, 0, 0, 1, 0, 0, 0, 0, 4, 0, 0, 8, 0, 1, 0, 4) // HEARTBEAT
		}
		ip := append([]byte{0x45, 0, 0, byte(20 + len(b)), 0, 0, 0, 0, 64, protocol, 0, 0}, append(src, dst...)...)
		pcap = binary.LittleEndian.AppendUint32(pcap, uint32(1_800_000_000+n))
		pcap = append(pcap, 0, 0, 0, 0, byte(len(ip)+len(b)), 0, 0, 0, byte(len(ip)+len(b)), 0, 0, 0)
		pcap = append(append(pcap, ip...), b...)
	}
	for _, protocol := range []byte{6, 17, 132} {
		for _, s := range edges {
			for _, d := range edges {
				add(protocol, s, d)
				add(protocol, 1+rng.IntN(1100), 1+rng.IntN(65535))
				add(protocol, 1+rng.IntN(65535), 1+rng.IntN(65535))
			}
		}
	}
	capture := filepath.Join(t.TempDir(), "ports.pcap")
	if err := os.WriteFile(capture, pcap, 0o600); err != nil {
		t.Fatal(err)
	}
	packets := postDissected(t, capture)
	flows := flowsOf(t, capture)
	compareDissected(t, packets, flows)
	if len(packets) != n {
		t.Fatalf("%d packets, want %d", len(packets), n)
	}
	compared := 0
	for _, p := range packets {
		for _, tr := range []string{"tcp", "udp", "sctp"} {
			for _, f := range flows[flowKey(tr, p["ip.src"], p[tr+".srcport"], p["ip.dst"], p[tr+".dstport"])] {
				s := f.Portannot.Service
				if s.Reason == "other-flows" {
					continue
				}
				compared++
				if p["portannot.service.reason"] != s.Reason || p["portannot.service.side"] != s.Side {
					t.Errorf("%s %s (%s) in the flow, and in the packet %v", s.Side, s.Reason, f.Portannot.Registered.Status, p)
				}
			}
		}
	}
	t.Logf("%d packets: %d flows compared", n, compared)
	if compared < n*9/10 {
		t.Errorf("only %d of %d packets compared", compared, n)
	}
}
