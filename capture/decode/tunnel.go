package decode

import "github.com/portannot/portannot/capture/packet"

// ipTunnel decodes what an IP header carries that is no transport.
func (d *Decoder) ipTunnel(h *ipHeader, proto uint8, o octets) Result {
	switch proto {
	case protoIPv4, protoIPv6:
		if !d.pushEnds(packet.IPIP, h) {
			return TooDeep
		}
		return d.ip(o)
	}
	return NoPorts
}

// inUDP looks into a UDP datagram for a tunnel, by its ports.
func (d *Decoder) inUDP(h *ipHeader, at int, src, dst uint16, o octets) {}
