package annotate

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// seen makes a flow whose opening was not seen. answer is how many packets the
// destination sent.
func seen(protocol uint8, src, dst string, answer uint64) *flow.Flow {
	f := &flow.Flow{Protocol: protocol, Source: ap(src), Destination: ap(dst), Forward: flow.Counters{Packets: 1}, Reverse: flow.Counters{Packets: answer}}
	if protocol == packet.TCP {
		f.Forward.TCPFlags, f.Reverse.TCPFlags = packet.ACK|packet.PSH, packet.ACK
	}
	return f
}

func opened(src, dst string, state flow.State, confirmed bool) *flow.Flow {
	f := seen(packet.TCP, src, dst, 1)
	f.State, f.Opening = state, flow.Opening{Server: flow.Destination, Confirmed: confirmed}
	return f
}

// What other flows say. The flow that is asked for has two dynamic ports, of
// which rules about ports say nothing.
func TestEvidence(t *testing.T) {
	const client, server = "10.0.0.1:50000", "10.0.9.9:60000"
	ask := seen(packet.TCP, client, server, 1)
	answered := func(dst string, n int) (list []*flow.Flow) {
		for i := range n {
			list = append(list, seen(packet.TCP, fmt.Sprintf("10.0.1.%d:%d", i, 51000+i), dst, 1))
		}
		return list
	}
	for _, c := range []struct {
		name  string
		flows []*flow.Flow
		want  Side
	}{
		{"none", nil, NoSide},
		{"two other peers make three", answered(server, 2), Destination},
		{"one other peer is too few", answered(server, 1), NoSide},
		{"both ends have peers", append(answered(server, 3), answered(client, 3)...), NoSide},
		{"the source has peers", answered(client, 3), Source},
		{"one address with many ports", []*flow.Flow{
			seen(6, "10.0.1.1:51001", server, 1), seen(6, "10.0.1.1:51002", server, 1), seen(6, "10.0.1.1:51003", server, 1)}, NoSide},
		{"one address with eight ports", sameAddress(server, 7, 1), Destination},
		{"one address with seven ports", sameAddress(server, 6, 1), NoSide},
		{"one address with eight ports, not answered", sameAddress(server, 9, 0), NoSide},
		{"it spoke first, and both sent data", talking(server, "10.0.1.%d:51%03d", 8), Destination},
		{"it spoke first, and both closed", closing(server, 8), Destination},
		{"it spoke first to services", talking(server, "10.0.1.%d:%d", 8), NoSide},
		{"many addresses with one port", []*flow.Flow{
			seen(6, "10.0.1.1:50000", server, 1), seen(6, "10.0.1.2:50000", server, 1), seen(6, "10.0.1.3:50000", server, 1)}, NoSide},
		{"nobody was answered", []*flow.Flow{
			seen(6, "10.0.1.1:51001", client, 0), seen(6, "10.0.1.2:51002", client, 0), seen(6, "10.0.1.3:51003", client, 0)}, NoSide},
		{"another transport", []*flow.Flow{
			seen(17, "10.0.1.1:51001", server, 1), seen(17, "10.0.1.2:51002", server, 1), seen(17, "10.0.1.3:51003", server, 1)}, NoSide},
		{"accepted a connection", []*flow.Flow{opened("10.0.1.1:51001", server, flow.Established, true)}, Destination},
		{"refused a connection", []*flow.Flow{opened("10.0.1.1:51001", server, flow.Refused, false)}, NoSide},
		{"accepted, which nobody confirmed", []*flow.Flow{opened("10.0.1.1:51001", server, flow.HalfOpen, false)}, NoSide},
		{"both accepted", []*flow.Flow{opened("10.0.1.1:51001", server, flow.Closed, true), opened("10.0.1.1:51001", client, flow.Closed, true)}, NoSide},
		{"peers of one that opens connections", append(answered(client, 3), opened(client, "10.0.1.1:443", flow.Attempted, false)), NoSide},
	} {
		e := NewEvidence(EvidenceOptions{})
		e.Add(ask)
		for _, f := range c.flows {
			e.Add(f)
		}
		an := New(Options{Evidence: e})
		a := an.Flow(ask, nil)
		if a.Service.Side != c.want {
			t.Errorf("%s: side %v, want %v", c.name, a.Service.Side, c.want)
		}
		if c.want != NoSide && (a.Service.Reason != OtherFlows || a.Service.Confidence != Likely) {
			t.Errorf("%s: %v, %v", c.name, a.Service.Reason, a.Service.Confidence)
		}
	}
}

// sameAddress makes flows of n ports of one address to an endpoint.
func sameAddress(dst string, n int, answer uint64) (list []*flow.Flow) {
	for i := range n {
		list = append(list, seen(packet.TCP, fmt.Sprintf("10.0.0.1:%d", 51000+i), dst, answer))
	}
	return list
}

// talking makes TCP flows with data both ways that an endpoint spoke first in.
func talking(src, format string, n int) (list []*flow.Flow) {
	for i := range n {
		f := seen(packet.TCP, src, fmt.Sprintf(format, i, 20+i), 1)
		f.Reverse.TCPFlags |= packet.PSH
		list = append(list, f)
	}
	return list
}

// closing makes those that both ends close.
func closing(src string, n int) []*flow.Flow {
	list := talking(src, "10.0.1.%d:51%03d", n)
	for _, f := range list {
		f.Forward.TCPFlags, f.Reverse.TCPFlags = packet.ACK|packet.FIN, packet.ACK|packet.FIN
	}
	return list
}

// refusal makes a flow that the destination answered with resets only.
func refusal(src, dst string) *flow.Flow {
	f := seen(packet.TCP, src, dst, 1)
	f.Reverse.TCPFlags = packet.RST | packet.ACK
	return f
}

// Whoever scans from one port, in ways that show no opening, speaks to many; the
// scanned may answer, and late answers may look like flows of their own.
func TestScannerIsNoService(t *testing.T) {
	const scanner = "192.0.2.1:40000"
	for _, protocol := range []uint8{packet.TCP, packet.UDP} {
		e := NewEvidence(EvidenceOptions{})
		for host := range 200 {
			for port := range 20 {
				target := fmt.Sprintf("10.0.0.%d:%d", host, 1+port*3000)
				answer := uint64(port % 2)
				e.Add(seen(protocol, scanner, target, answer))
				if port == 0 && host%10 == 0 {
					e.Add(seen(protocol, target, scanner, answer)) // late, behind a time-out
				}
			}
		}
		for i := range 5 { // thrown at the scanner, and at an open client port
			e.Add(refusal(fmt.Sprintf("10.0.5.%d:%d", i, 1000+i), scanner))
		}
		for _, target := range []string{"10.0.0.7:1", "10.0.0.8:3001", "10.0.0.10:1"} {
			if s, ok := e.service(&Input{Protocol: protocol, Source: ap(scanner), Destination: ap(target)}); ok && s.Side == Source {
				t.Errorf("protocol %d: the scanner is the service for %s", protocol, target)
			}
		}
	}
}

// A table that is far too small forgets, and does not invent.
func TestEvidenceIsBounded(t *testing.T) {
	e := NewEvidence(EvidenceOptions{Endpoints: 64})
	rnd := rand.New(rand.NewPCG(1, 2))
	server := ap("10.9.9.9:55555")
	right := 0
	for i := range 20000 {
		f := seen(packet.UDP, "10.0.0.1:1", "10.0.0.1:1", 1)
		f.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 14), byte(i >> 7), byte(i)}), uint16(49152+rnd.IntN(16384)))
		f.Destination = server
		if i%2 == 0 {
			f.Destination = netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, byte(i >> 14), byte(i >> 7), byte(i)}), uint16(49152+rnd.IntN(16384)))
		}
		e.Add(f)
		s, ok := e.service(&Input{Protocol: packet.UDP, Source: f.Source, Destination: f.Destination})
		switch {
		case f.Destination != server && ok, ok && s.Side != Destination:
			t.Fatalf("flow %d: %+v for %v to %v", i, s, f.Source, f.Destination)
		case ok:
			right++
		}
	}
	if len(e.ways) != 64 || e.endpoints > 64 {
		t.Errorf("%d ways, %d in use, want 64 at most", len(e.ways), e.endpoints)
	}
	if right < 9900 {
		t.Errorf("the server was known for %d of 10000 flows", right)
	}
}

func TestEvidenceDoesNotAllocate(t *testing.T) {
	e := NewEvidence(EvidenceOptions{Endpoints: 1 << 10})
	f := seen(packet.UDP, "10.0.0.1:50000", "[2001:db8::1]:60000", 1)
	e.Add(f)
	in := Input{Protocol: packet.UDP, Source: f.Source, Destination: f.Destination}
	n := testing.AllocsPerRun(1000, func() {
		f.Source = netip.AddrPortFrom(f.Source.Addr(), f.Source.Port()+1)
		e.Add(f)
		e.service(&in)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
