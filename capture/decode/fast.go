package decode

import (
	"encoding/binary"
	"slices"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/packet"
)

// front is what the hand-written path needs.
type front struct {
	cache  contextCache
	ctx    packet.Context // where the walk stands
	ignore Ignore
}

// Front decodes the common kinds of packets, each without regard to any other. So
// several goroutines, with a Front each, can decode packets of one capture in any order.
// All other packets, fragments and tunnels among them, must go to one Decoder in the
// order of the capture. The result is the same as if the Decoder did it all.
type Front struct{ front }

// Front returns a Front with the same options as d. Packets that the Front does not
// decode must go to d.
func (d *Decoder) Front() *Front { return &Front{front{ignore: d.ignore}} }

// Decode appends a Summary for each of the first n packets to dst, up to the first packet
// that is for the Decoder. The caller passes n to Decoder.Count.
func (f *Front) Decode(dst []packet.Summary, packets []capture.Packet) (out []packet.Summary, n int) {
	return f.run(dst, packets)
}

// run calls fast for packets until it reports false; n are decoded. To guard each
// packet against a panic would cost a tenth of the time. If fast panics, which would be
// a fault of this package, the packet is left to decodeLayers, whose panics are counted.
func (f *front) run(dst []packet.Summary, packets []capture.Packet) (out []packet.Summary, n int) {
	out = dst
	defer func() {
		_ = recover()
		out = out[:len(dst)+n]
	}()
	out = slices.Grow(dst, len(packets))[:len(dst)+len(packets)]
	room := out[len(dst):]
	for n < len(packets) && f.fast(&room[n], &packets[n]) {
		n++
	}
	return out, n
}

// fast decodes by hand what nearly all packets are: Ethernet or raw IP, VLAN
// tags, IPv4 or IPv6 with plain extension headers, whole headers of TCP, UDP or
// SCTP. It says no to everything else, fragments, tunnels and damage among it,
// and then s means nothing: decodeLayers decodes the packet instead. What it says
// yes to it must decode as decodeLayers would; a test compares the two on every
// capture at hand and on mutations of them.
func (f *front) fast(s *packet.Summary, p *capture.Packet) bool {
	b := p.Data
	var context *packet.Context
	switch p.Link {
	case capture.LinkEthernet:
		if len(b) < 14+20 || p.VLAN != 0 {
			return false
		}
		t := be16(b[12:])
		b = b[14:]
		if t != etherIPv4 && t != etherIPv6 {
			if t == etherVLAN && f.ignore&IgnoreVLAN == 0 { // most often the only tag
				context, t = packet.VLAN(be16(b)), be16(b[2:])
			}
			if context != nil && (t == etherIPv4 || t == etherIPv6) && len(b) >= 4+20 {
				b = b[4:]
			} else {
				var ok bool
				if b, context, t, ok = f.fastVLANs(b, be16(p.Data[12:])); !ok {
					return false
				}
			}
		}
		if t == etherIPv4 != (b[0]>>4 == 4) {
			return false
		}
	case capture.LinkRaw, capture.LinkRaw12, capture.LinkRaw14, capture.LinkIPv4, capture.LinkIPv6:
		if p.VLAN != 0 {
			return false
		}
	default:
		return false
	}
	if len(b) < 20 {
		return false
	}

	var proto uint8
	var total, head int // of the datagram and of its headers, in bytes
	switch b[0] >> 4 {
	case 4:
		head, total, proto = int(b[0]&15)*4, int(be16(b[2:])), b[9]
		if head < 20 || total < head || be16(b[6:])&0x3fff != 0 || len(b) < head {
			return false // bad, to be cut by the network card, or a fragment
		}
		*s = packet.Summary{}
		*(*[4]byte)(s.Src[:4]) = [4]byte(b[12:16])
		*(*[4]byte)(s.Dst[:4]) = [4]byte(b[16:20])
		s.IPVersion, s.ID = 4, be16(b[4:])
	case 6:
		if len(b) < 40 {
			return false
		}
		head, total, proto = 40, 40+int(be16(b[4:])), b[6]
		if total == 40 {
			return false // a jumbogram, or to be cut by the network card
		}
		for extensions := 0; proto == protoHopByHop || proto == protoRouting || proto == protoDestOpts; extensions++ {
			if len(b) < head+8 || extensions > 8 {
				return false
			}
			proto, head = b[head], head+int(b[head+1])*8+8
			if total < head {
				return false
			}
		}
		*s = packet.Summary{}
		s.Src, s.Dst = [16]byte(b[8:24]), [16]byte(b[24:40])
		s.IPVersion = 6
	default:
		return false
	}
	// Field by field: a composite literal is built elsewhere and copied, and the
	// copy waits for the stores of its parts (a sixth of this function).
	s.Time, s.Number, s.Protocol, s.Context = p.Time, p.Number, proto, context
	s.Interface = p.InterfaceName
	s.FrameLen, s.IPLen = max(p.Length, uint32(len(p.Data))), uint32(total)

	b = b[:min(len(b), total)]
	if len(b) < head+8 {
		return false
	}
	// In what follows min and max stand where a branch would be a guess: whether
	// there is payload, and whether all of it was captured.
	h := b[head:]
	ports := binary.BigEndian.Uint32(h)
	s.SrcPort, s.DstPort = uint16(ports>>16), uint16(ports)
	switch proto {
	case packet.TCP:
		if len(h) < 20 || h[12]>>4 < 5 {
			return false
		}
		s.Sequence, s.Ack, s.TCPFlags, s.Checksum = be32(h[4:]), be32(h[8:]), h[13], be16(h[16:])
		size := int(h[12]>>4) * 4
		s.PayloadLen = uint32(max(total-head-size, 0))
		s.Payload = h[min(size, len(h)):]
	case packet.UDP:
		if tunnelPort(s.SrcPort) || tunnelPort(s.DstPort) {
			return false
		}
		n := total - head - 8
		if length := int(be16(h[4:])); length >= 8 {
			n = min(n, length-8)
		}
		s.PayloadLen, s.Checksum = uint32(n), be16(h[6:])
		s.Payload = h[8:][:min(n, len(h)-8)]
	case packet.SCTP:
		if len(h) < 12 {
			return false
		}
		s.Ack, s.Checksum = be32(h[4:]), be16(h[10:])
		sctpChunks(s, layerData{h, total - head}.from(12))
	default:
		return false
	}
	return true
}

// fastVLANs steps over VLAN tags. What it returns of b has 20 bytes at least.
func (f *front) fastVLANs(b []byte, t uint16) (rest []byte, context *packet.Context, typ uint16, ok bool) {
	f.ctx = packet.Context{}
	for tags := 0; t == etherVLAN || t == etherServiceTag || t == etherVLAN9100 || t == etherVLAN9200; {
		if tags++; len(b) < 4+20 || tags > packet.MaxDepth || !f.pushVLAN(be16(b)) {
			return nil, nil, 0, false
		}
		t, b = be16(b[2:]), b[4:]
	}
	if t != etherIPv4 && t != etherIPv6 {
		return nil, nil, 0, false
	}
	return b, f.context(), t, true
}
