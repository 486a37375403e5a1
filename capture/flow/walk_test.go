package flow

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/portannot/portannot/capture/packet"
)

// Next gives each flow that is held once, as it stands, also if packets are counted
// and other flows end in the middle of the walk.
func TestNext(t *testing.T) {
	table := NewTable(Options{Idle: 1e9, Prompt: true})
	count := func(i int, time int64) {
		src, dst := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), netip.AddrFrom4([4]byte{10, 9, 9, 9})
		version := uint8(4)
		if i%2 == 1 {
			src, dst, version = netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i >> 8), 15: byte(i)}), netip.AddrFrom16([16]byte{0x20, 1, 15: 9}), 6
		}
		s := packet.Summary{Time: time, Protocol: packet.UDP, IPVersion: version, SrcPort: 40000, DstPort: 53}
		copy(s.Src[:], src.AsSlice())
		copy(s.Dst[:], dst.AsSlice())
		table.Add([]packet.Summary{s})
	}
	for i := range 1000 {
		count(i, 1)
	}
	var c Cursor
	var f Flow
	seen := map[string]uint64{}
	for n := 0; table.Next(&c, &f); n++ {
		seen[f.Source.String()]++
		if n == 300 { // all others end
			for i := range 500 {
				count(i, 5e8)
			}
			table.Expire(12e8)
		}
		if f.Packets() == 0 {
			t.Fatal("a flow without packets")
		}
	}
	for i := range 500 {
		var source string
		if i%2 == 0 {
			source = fmt.Sprintf("10.0.%d.%d:40000", i>>8, i&255)
		} else {
			source = netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 14: byte(i >> 8), 15: byte(i)}), 40000).String()
		}
		if seen[source] != 1 {
			t.Errorf("%s: met %d times", source, seen[source])
		}
	}
	for source, n := range seen {
		if n > 1 {
			t.Errorf("%s: met %d times", source, n)
		}
	}
}
