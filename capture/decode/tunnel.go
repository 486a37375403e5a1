package decode

import "github.com/portannot/portannot/capture/packet"

// ipTunnel decodes what an IP header carries that is no transport.
func (d *Decoder) ipTunnel(h *ipHeader, proto uint8, o layerData) Result {
	if d.opt.Tunnels == Outer {
		return NoPorts
	}
	switch proto {
	case protoIPv4, protoIPv6:
		return d.ipInIP(h, o)
	case protoGRE:
		return d.greTunnel(h, o)
	case protoEtherIP: // RFC 3378: a version of 3 and twelve bits of 0
		if !d.pushEnds(packet.EtherIP, h) {
			return TooDeep
		}
		return d.ethernet(o.from(2))
	case protoEthernet: // RFC 8986
		if !d.pushEnds(packet.EtherIP, h) {
			return TooDeep
		}
		return d.ethernet(o)
	case protoMPLS: // RFC 4023
		if !d.pushEnds(packet.MPLS, h) {
			return TooDeep
		}
		return d.mpls(o)
	case protoPIM:
		return d.pimRegister(h, o)
	case protoL2TP:
		return d.l2tpv3(h, o)
	}
	return NoPorts
}

// ipInIP enters a tunnel of IP in IP (RFC 2003, 2473, 4213).
func (d *Decoder) ipInIP(h *ipHeader, o layerData) Result {
	ok := false
	if h.version == 4 && is6to4(o.b) {
		// The way back may go by another relay (RFC 3056), and the inner
		// addresses are unique in the world.
		ok = d.pushTunnel(packet.IPIP, 0)
	} else {
		ok = d.pushEnds(packet.IPIP, h)
	}
	if !ok {
		return TooDeep
	}
	return d.ip(o)
}

// is6to4 says whether an IPv6 header has an address of 2002::/16.
func is6to4(b []byte) bool {
	return len(b) >= 40 && b[0]>>4 == 6 && (be16(b[8:]) == 0x2002 || be16(b[24:]) == 0x2002)
}

// pimRegister decodes a multicast packet on its way to the rendezvous point
// (RFC 7761 section 4.9.3). A null register has no payload of its own.
func (d *Decoder) pimRegister(h *ipHeader, o layerData) Result {
	if len(o.b) < 8 {
		return NoPorts
	}
	if o.b[0] != 0x21 || o.b[4]&0x40 != 0 {
		return NoPorts
	}
	if !d.pushEnds(packet.PIM, h) {
		return TooDeep
	}
	return d.ip(o.from(8))
}

// UDP ports of tunnels.
const (
	portMobileIP  = 434
	portAMT       = 2268
	portGTPv0     = 3386
	portLWAPP     = 12222 // and 12223
	portL2TP      = 1701
	portGTPU      = 2152
	portTeredo    = 3544
	portLISP      = 4341
	portLISPCtl   = 4342
	portGREinUDP  = 4754
	portVXLAN     = 4789
	portVXLANGPE  = 4790
	portAYIYA     = 5072
	portCAPWAP    = 5247
	portGENEVE    = 6081
	portMPLSinUDP = 6635
	portVXLANOld  = 8472 // Linux's before there was an assignment; OTV has the same header
	portSCTP      = 9899
	portTZSP      = 37008
)

// inUDP looks into a UDP datagram for a tunnel, by its ports: the destination's
// before the source's, since some tunnels hash flows into their source port.
// d.out[at] is the datagram's own summary.
func (d *Decoder) inUDP(h *ipHeader, at int, src, dst uint16, o layerData) {
	if d.opt.Tunnels == Outer || len(o.b) == 0 {
		return
	}
	port := dst
	if !tunnelPort(dst) {
		if port = src; !tunnelPort(src) {
			return
		}
	}
	before := len(d.out)
	switch port {
	case portVXLAN, portVXLANOld:
		d.vxlan(o)
	case portVXLANGPE:
		d.vxlanGPE(o)
	case portGENEVE:
		d.geneve(o)
	case portGTPU, portGTPv0:
		d.gtpu(h, o)
	case portTeredo:
		d.teredo(o)
	case portL2TP:
		d.l2tp(h, o)
	case portSCTP:
		d.sctpOverUDP(h, o)
	case portMPLSinUDP: // RFC 7510
		if d.pushEnds(packet.MPLS, h) {
			d.mpls(o)
		}
	case portGREinUDP:
		d.greTunnel(h, o)
	case portLISP:
		d.lisp(h, o)
	case portLISPCtl:
		d.lispControl(h, o)
	case portAYIYA:
		d.ayiya(h, o)
	case portCAPWAP:
		d.capwap(h, o)
	case portLWAPP, portLWAPP + 1:
		d.lwapp(h, o)
	case portAMT:
		d.amt(h, o)
	case portMobileIP:
		d.mobileIP(h, o)
	case portTZSP:
		if d.pushTunnel(packet.TZSP, 0) {
			d.tzsp(o)
		}
	}
	if d.opt.Tunnels == Inner && len(d.out) > before {
		d.out = append(d.out[:at], d.out[at+1:]...)
	}
}

// tunnelPort reports whether a datagram from or to port p may be a tunnel's. It is
// asked twice for each datagram of UDP.
func tunnelPort(p uint16) bool { return tunnelPorts[p%uint16(len(tunnelPorts))] == p }

var allTunnelPorts = []uint16{portMobileIP, portL2TP, portGTPU, portAMT, portGTPv0, portTeredo, portLISP, portLISPCtl, portGREinUDP, portVXLAN,
	portVXLANGPE, portAYIYA, portCAPWAP, portGENEVE, portMPLSinUDP, portVXLANOld, portSCTP, portLWAPP, portLWAPP + 1, portTZSP}

// tunnelPorts has each of them at its remainder, which no two share.
var tunnelPorts = func() (t [128]uint16) {
	t[0] = 1 // no port has this remainder: 0, which fills the others, has it
	for _, p := range allTunnelPorts {
		t[p%uint16(len(t))] = p
	}
	return t
}()

// l2tpv3 decodes a data message of L2TP version 3 from its session identifier
// on (RFC 3931 section 4.1). Only the two ends know whether a cookie of four
// or eight bytes and a sublayer of four follow, and what is carried. So the
// place is taken where a frame or a packet looks right.
func (d *Decoder) l2tpv3(h *ipHeader, o layerData) Result {
	if len(o.b) < 4 {
		return o.short(4)
	}
	if be32(o.b) == 0 {
		return NoPorts // control
	}
	for _, k := range [...]int{4, 8, 12, 16} {
		at := o.from(k)
		eth, ip := looksEthernet(at), looksIPv4(at) && headerSum(at.b) == 0xffff || looksIPv6(at)
		if !eth && !ip {
			continue
		}
		if !d.pushEnds(packet.L2TP, h) {
			return TooDeep
		}
		if ip {
			return d.ip(at)
		}
		return d.ethernet(at)
	}
	return NoPorts
}
