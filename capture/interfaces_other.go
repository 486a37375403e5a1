//go:build !linux

package capture

import (
	"net"
	"runtime"
	"strings"
)

// interfaceLink gives the link type that the system's capture driver uses for
// the interface, by its kind: the driver itself can only be asked by opening
// it. Loopback and point-to-point tunnels begin with an address family on the
// BSDs and macOS, and loopback does with Npcap.
func interfaceLink(i net.Interface) LinkType {
	switch {
	case i.Flags&net.FlagLoopback != 0:
		if runtime.GOOS == "openbsd" {
			return LinkLoop
		}
		return LinkNull
	case runtime.GOOS != "windows" && (strings.HasPrefix(i.Name, "utun") || strings.HasPrefix(i.Name, "tun") || strings.HasPrefix(i.Name, "gif")):
		return LinkNull
	}
	return LinkEthernet
}
