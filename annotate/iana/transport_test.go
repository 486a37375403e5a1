package iana

import "testing"

// TestTransportName: the five protocols with ports have a name, no other has.
func TestTransportName(t *testing.T) {
	want := map[uint8]string{6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}
	for p := range 256 {
		if got := TransportName(uint8(p)); got != want[uint8(p)] {
			t.Errorf("protocol %d: %q, want %q", p, got, want[uint8(p)])
		}
	}
}
