package decode

import (
	"fmt"
	"strings"

	"github.com/portannot/portannot/capture/packet"
)

// Ignore is a set of identifiers to leave out of packet.Summary.Context. Some mirrors
// write another VLAN, VXLAN network or GRE key for each direction. Then both directions
// of a flow, their ICMP errors and their fragments belong together only if that is
// ignored. But networks that use the same addresses are then merged. The zero value
// ignores nothing.
type Ignore uint8

// The identifiers that can be ignored.
const (
	IgnoreVLAN  Ignore = 1 << iota // VLAN tags
	IgnoreVNI                      // network identifiers of VXLAN, GENEVE, NVGRE and 802.1ah
	IgnoreKey                      // GRE keys; the outer addresses count in their place
	IgnorePPPoE                    // PPPoE sessions
	IgnoreEnds                     // the two outer addresses of a tunnel without an identifier
	IgnoreAll   Ignore = 1<<iota - 1
)

var ignoreNames = []string{"vlan", "vni", "gre-key", "pppoe", "ends"}

// IgnoreNames returns the names that ParseIgnore accepts.
func IgnoreNames() []string { return append(ignoreNames[:len(ignoreNames):len(ignoreNames)], "all") }

// String returns the names of the set, separated by commas, and "" for the zero
// value.
func (i Ignore) String() string {
	var names []string
	for bit, name := range ignoreNames {
		if i>>bit&1 != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// ParseIgnore returns the set with one name: "vlan", "vni", "gre-key", "pppoe", "ends"
// or "all".
func ParseIgnore(name string) (Ignore, error) {
	if name == "all" {
		return IgnoreAll, nil
	}
	for bit, n := range ignoreNames {
		if n == name {
			return 1 << bit, nil
		}
	}
	return 0, fmt.Errorf("nothing that can be ignored has the name %q", name)
}

// ignoreID gives what is to be ignored for a tunnel's identifier to be left out.
func ignoreID(t packet.Tunnel) Ignore {
	switch t {
	case packet.VXLAN, packet.GENEVE, packet.NVGRE, packet.PBB:
		return IgnoreVNI
	case packet.PPPoE:
		return IgnorePPPoE
	}
	return 0
}
