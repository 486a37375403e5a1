package render

import (
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/capture/packet"
)

// flagLetters name the TCP flags from bit 0 up, as tcpdump and Zeek users read
// them: FIN, SYN, RST, PSH, ACK, URG, ECE, CWR.
const flagLetters = "FSRPAUEC"

// appendFlags appends the letters of the flags that are set.
func appendFlags(dst []byte, flags uint8) []byte {
	for i := range len(flagLetters) {
		if flags>>i&1 != 0 {
			dst = append(dst, flagLetters[i])
		}
	}
	return dst
}

// appendTunnel appends a context's path, outermost first: "vxlan:42/gre".
func appendTunnel(dst []byte, c *packet.Context) []byte {
	for i := range int(c.Depth) {
		if i > 0 {
			dst = append(dst, '/')
		}
		dst = append(dst, c.Path[i].String()...)
		if c.ID[i] != 0 {
			dst = ascii.AppendUint(append(dst, ':'), uint64(c.ID[i]))
		}
	}
	return dst
}
