package record

import (
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// flagLetters name the TCP flags from bit 0 up, as tcpdump and Zeek users read
// them: FIN, SYN, RST, PSH, ACK, URG, ECE, CWR.
const flagLetters = "FSRPAUEC"

// AppendFlags appends a letter for each TCP flag that is set: "SA" for SYN and
// ACK.
func AppendFlags(dst []byte, flags uint8) []byte {
	for i := range len(flagLetters) {
		if flags>>i&1 != 0 {
			dst = append(dst, flagLetters[i])
		}
	}
	return dst
}

// AppendTunnel appends the tunnels around a flow, outermost first, each with its
// network identifier if it has one: "vxlan:42/gre".
func AppendTunnel(dst []byte, c *packet.Context) []byte {
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

// noContext is that of a flow outside VLANs and tunnels.
var noContext packet.Context

// contextOf gives the VLANs and tunnels of a flow, never nil.
func contextOf(f *flow.Flow) *packet.Context {
	if f.Context == nil {
		return &noContext
	}
	return f.Context
}

// appendHex appends 16 hexadecimal digits.
func appendHex(dst []byte, n uint64) []byte {
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = digits[n&15]
		n >>= 4
	}
	return append(dst, b[:]...)
}

// appendUints appends numbers with a separator between them.
func appendUints[T uint16 | uint32](dst []byte, list []T, sep byte) []byte {
	for i, n := range list {
		if i > 0 {
			dst = append(dst, sep)
		}
		dst = ascii.AppendUint(dst, uint64(n))
	}
	return dst
}
