package annotate

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// TestServiceByPayload: a message that no other end can send decides for certain;
// one that usually tells stands behind the user's list; of peers no port is a
// service, and what one was sent to a group is.
func TestServiceByPayload(t *testing.T) {
	const (
		high = "10.0.0.1:40005"
		low  = "10.0.0.2:2049"
	)
	known, err := ReadKnownServices(strings.NewReader("10.0.0.2:2049/tcp\n"), "known")
	if err != nil {
		t.Fatal(err)
	}
	source := func(strength observe.Strength) observe.Observation {
		return observe.Observation{Protocol: observe.NFS, Strength: observe.Full, Server: observe.Source, ServerStrength: strength, Seen: observe.Enough}
	}
	peers := observe.Observation{Protocol: observe.RTP, Strength: observe.Full, Peers: true, Seen: observe.Enough}
	for _, c := range []struct {
		name     string
		a, b     string
		protocol uint8
		o        observe.Observation
		known    *KnownServices
		want     Service
	}{
		{"only the server sends it", high, low, packet.TCP, source(observe.Full), nil, Service{Source, 40005, ByPayload, Certain}},
		{"the server sends it, as a rule", high, low, packet.TCP, source(observe.Likely), nil, Service{Source, 40005, ByPayload, Likely}},
		{"and the list says otherwise", high, low, packet.TCP, source(observe.Likely), known, Service{Destination, 2049, Listed, Certain}},
		{"only the server sends it, whatever the list says", high, low, packet.TCP, source(observe.Full), known, Service{Source, 40005, ByPayload, Certain}},
		{"either end sends it", high, low, packet.TCP, observe.Observation{Protocol: observe.NFS, Strength: observe.Full}, nil, Service{Destination, 2049, HighPort, Likely}},
		{"peers", high, "10.0.0.2:16400", packet.UDP, peers, nil, Service{}},
		{"peers in a group", high, "239.1.2.3:5004", packet.UDP, peers, nil, Service{Destination, 5004, Multicast, Likely}},
	} {
		in := Input{Protocol: c.protocol, Source: netip.MustParseAddrPort(c.a), Destination: netip.MustParseAddrPort(c.b), Observed: &Observed{Examined: true, Observation: c.o}}
		if got := New(Options{Known: c.known}).Annotate(in); got.Service != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got.Service, c.want)
		}
	}
}

// TestMidstreamRelay: what a proxy relays contradicts it only where the beginning
// of the connection was seen.
func TestMidstreamRelay(t *testing.T) {
	ssh := []byte("SSH-2.0-OpenSSH_9.9\r\n")
	for _, c := range []struct {
		name    string
		port    uint16
		opening flow.Opening
		want    observe.Verdict
	}{
		{"SOCKS, midstream", 1080, flow.Opening{}, observe.Undecided},
		{"a proxy, midstream", 8080, flow.Opening{}, observe.Undecided},
		{"a proxy, from the beginning", 8080, flow.Opening{Server: flow.Destination, Confirmed: true}, observe.Contradicts},
		{"a proxy, after a time-out", 8080, flow.Opening{Server: flow.Destination, Confirmed: true, Inherited: true}, observe.Undecided},
		{"no proxy, midstream", 389, flow.Opening{}, observe.Contradicts},
	} {
		f := flow.Flow{Protocol: packet.TCP, Source: netip.MustParseAddrPort("10.0.0.1:50000"), Destination: netip.AddrPortFrom(netip.MustParseAddr("10.0.0.2"), c.port), Opening: c.opening}
		f.Payload[0] = flow.Payload{Data: ssh, Len: uint32(len(ssh))}
		a := New(Options{}).Flow(&f, new(Observer))
		if a.Observed.Verdict != c.want {
			t.Errorf("%s: %v (%s), want %v", c.name, a.Observed.Verdict, a.Observed.Why, c.want)
		}
	}
}
