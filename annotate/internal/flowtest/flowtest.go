// Package flowtest has flows that touch every field of the record, for tests.
package flowtest

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// Flows gives flows that touch every field of the record.
func Flows() []flow.Flow {
	vlans := &packet.Context{NumVLANs: 2, VLANs: [packet.MaxDepth]uint16{30, 31}, Depth: 2,
		Path: [packet.MaxDepth]packet.Tunnel{packet.VXLAN, packet.GRE}, ID: [packet.MaxDepth]uint32{42}}
	three := &packet.Context{NumVLANs: 3, VLANs: [packet.MaxDepth]uint16{30, 31, 32}}
	both := func(p, q uint64) (a, b flow.Counters) {
		return flow.Counters{Packets: p, IPBytes: p * 52, FrameBytes: p * 66, First: 1e18, Last: 1e18 + 5, TCPFlags: packet.SYN | packet.ACK | packet.FIN},
			flow.Counters{Packets: q, IPBytes: q * 40, FrameBytes: q * 60, First: 1e18 + 1, Last: 1e18 + 7e9, TCPFlags: packet.RST}
	}
	ap := netip.MustParseAddrPort
	var fs []flow.Flow
	add := func(protocol uint8, src, dst string, p, q uint64, more func(*flow.Flow)) {
		f := flow.Flow{Number: uint64(len(fs) + 1), Protocol: protocol, Source: ap(src), Destination: ap(dst), State: flow.Established, End: flow.EndInput}
		f.Forward, f.Reverse = both(p, q)
		if more != nil {
			more(&f)
		}
		fs = append(fs, f)
	}
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:80", 3, 4, func(f *flow.Flow) { f.Opening = flow.Opening{Server: flow.Destination} })
	add(packet.TCP, "10.0.0.1:80", "10.0.0.2:50000", 3, 0, func(f *flow.Flow) { f.Context = vlans })
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:80", 1, 1, func(f *flow.Flow) { f.Context, f.Interface = three, "eth0" })
	add(packet.UDP, "[2001:db8::1]:123", "[2001:db8::2]:123", 1, 1, nil)
	add(packet.UDP, "10.0.0.1:50000", "10.0.0.2:60000", 1, 0, func(f *flow.Flow) {
		f.ICMP = flow.ICMPError{Seen: true, Type: 3, Code: 1, Count: 2}
		f.State = flow.Rejected
	})
	add(packet.SCTP, "10.0.0.1:36412", "10.0.0.2:38412", 9, 9, func(f *flow.Flow) { f.PPIDs = []uint32{60, 61} })
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:2", 1, 1, nil)     // de-assigned
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:6003", 1, 1, nil)  // unauthorized use, in a span
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:11434", 1, 1, nil) // registered later
	add(packet.DCCP, "10.0.0.1:50000", "10.0.0.2:9", 1, 1, nil)    // service code
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:4200", 1, 1, nil)  // no transport
	add(packet.UDPLite, "10.0.0.1:50000", "10.0.0.2:9000", 1, 1, nil)
	add(packet.SCTP, "10.0.0.1:9000", "10.0.0.2:80", 1, 1, nil)
	sent := func(source, destination string) func(*flow.Flow) {
		return func(f *flow.Flow) {
			for i, s := range []string{source, destination} {
				f.Payload[i] = flow.Payload{Data: []byte(s), Len: uint32(len(s))}
			}
		}
	}
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:443", 5, 5, sent(hello, ""))
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:443", 5, 5, sent("SSH-2.0-OpenSSH_9.9\r\n", "SSH-2.0-OpenSSH_9.8\r\n"))
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:80", 5, 5, sent("GET /chat HTTP/1.1\r\nHost: "+Host+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", ""))
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:135", 5, 5, sent(bind, ""))
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:443", 5, 5, sent(strings.Repeat("\xff\x00", 50), ""))
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:443", 5, 5, func(f *flow.Flow) { f.Payload[0] = flow.Payload{Data: []byte{22}, Len: 500} })
	add(packet.TCP, "10.0.0.1:50000", "10.0.0.2:443", 5, 5, func(f *flow.Flow) { f.Payload[1].Lost = true })
	return fs
}

// Host is what nobody should print as it is, and HostShown how it looks
// then.
const (
	Host      = "=a,b=\x1b[31m\"\\\xc3\xa9\x7f"
	HostShown = `\x3da,b=\x1b[31m\x22\x5c\xc3\xa9\x7f`
)

// hello is a TLS ClientHello with a server name and ALPN.
var hello = func() string {
	u16 := func(s string) string { return string([]byte{byte(len(s) >> 8), byte(len(s))}) + s }
	sni := "\x00\x00" + u16(u16("\x00"+u16("www.example.org")))
	alpn := "\x00\x10" + u16(u16("\x02h2\x08http/1.1"))
	body := "\x03\x03" + strings.Repeat("r", 32) + "\x00" + u16("\x13\x01\x13\x02") + "\x01\x00" + u16(sni+alpn)
	return "\x16\x03\x01" + u16("\x01\x00"+u16(body))
}()

// bind is a DCE/RPC bind to the endpoint mapper.
const bind = "\x05\x00\x0b\x03\x10\x00\x00\x00\x48\x00\x00\x00\x01\x00\x00\x00\xb8\x10\xb8\x10\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01\x00" +
	"\x08\x83\xaf\xe1\x1f\x5d\xc9\x11\x91\xa4\x08\x00\x2b\x14\xa0\xfa\x03\x00\x00\x00" +
	"\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\x00\x2b\x10\x48\x60\x02\x00\x00\x00"

// Annotator has names of its own for some of their ports.
func Annotator(t testing.TB) *annotate.Annotator {
	local, err := annotate.ReadLocalNames(strings.NewReader("mine 9000\n\"we,ird\\name\" 60000/udp\n"), "local")
	if err != nil {
		t.Fatal(err)
	}
	return annotate.New(annotate.Options{Local: local})
}
