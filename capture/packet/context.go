package packet

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"sync/atomic"
)

// Tunnel is an encapsulation of packets in packets.
type Tunnel uint8

// The tunnels.
const (
	NoTunnel Tunnel = iota
	GRE
	IPIP // IPv4 or IPv6 in IPv4 or IPv6, 6in4 and 6to4 among them
	VXLAN
	GENEVE
	GTPU
	Teredo
	L2TP
	ERSPAN
	EtherIP
	NVGRE
	SCTPoverUDP
	MPLS // over IP or UDP; labels on a link are not in a Context
	PPPoE
	AH
	PIM // a register message to the rendezvous point
	PBB // provider backbone bridge, 802.1ah
	LISP
	AYIYA
	CAPWAP
	TZSP
	AMT
	numTunnels
)

var tunnelNames = [numTunnels]string{"", "gre", "ipip", "vxlan", "geneve", "gtp-u", "teredo", "l2tp", "erspan",
	"etherip", "nvgre", "sctp-over-udp", "mpls", "pppoe", "ah",
	"pim", "pbb", "lisp", "ayiya", "capwap", "tzsp", "amt"}

// String returns the name of the tunnel in lower case: "vxlan".
func (t Tunnel) String() string {
	if t < numTunnels {
		return tunnelNames[t]
	}
	return "tunnel(" + strconv.Itoa(int(t)) + ")"
}

// MaxDepth is the most VLAN tags, and the most tunnels, that a Context holds.
const MaxDepth = 8

// Context says in which network an IP datagram was: in which VLANs and tunnels. Packets
// with the same addresses and ports in different Contexts are of different flows. So
// a Context has only what is the same in both directions of a flow. It has the network
// identifier of VXLAN, for example, and not the tunnel endpoint identifier of GTP-U. The
// zero value is a datagram without VLAN tags and tunnels.
//
// Contexts can be compared. A *Context that a function returns is shared, and must not
// be changed. nil means the same as the zero value.
type Context struct {
	VLANs    [MaxDepth]uint16 // VLAN identifiers, the outermost first
	NumVLANs uint8            // number of VLANs that are valid
	Depth    uint8            // number of tunnels: of Path and ID that are valid
	Path     [MaxDepth]Tunnel // tunnels, the outermost first
	ID       [MaxDepth]uint32 // network identifier of each tunnel of Path: VNI, VSID, GRE key; 0 if it has none
	// Outer are the two outer addresses of the innermost tunnel that has no network
	// identifier, the numerically smaller one first. An IPv4 address is in the first
	// four bytes. They are valid if OuterVersion != 0.
	Outer        [2][16]byte
	OuterVersion uint8 // IP version of Outer, 4 or 6; 0 if all tunnels have identifiers
}

// Hash returns a hash of the Context, which is the same in every run. It is 0 for nil
// and the zero value.
func (c *Context) Hash() uint64 {
	if c == nil || c.NumVLANs|c.Depth == 0 {
		return 0
	}
	h := uint64(c.NumVLANs)<<16 | uint64(c.Depth)<<8 | uint64(c.OuterVersion)
	for i := 0; i < int(c.NumVLANs); i++ {
		h = mix(h, uint64(c.VLANs[i]))
	}
	for i := 0; i < int(c.Depth); i++ {
		h = mix(h, uint64(c.Path[i])<<32|uint64(c.ID[i]))
	}
	if c.OuterVersion != 0 {
		for _, a := range &c.Outer {
			h = mix(mix(h, binary.BigEndian.Uint64(a[:8])), binary.BigEndian.Uint64(a[8:]))
		}
	}
	return h
}

// String returns the VLANs, the tunnels with their identifiers, the outermost first,
// and Outer: "vlan 30, vxlan:42/gre 192.0.2.1 192.0.2.2". It returns "" for nil and the
// zero value.
func (c *Context) String() string {
	if c == nil {
		return ""
	}
	var b strings.Builder
	sep := ""
	for i := 0; i < int(c.NumVLANs); i++ {
		fmt.Fprintf(&b, "%svlan %d", sep, c.VLANs[i])
		sep = ", "
	}
	for i := 0; i < int(c.Depth); i++ {
		fmt.Fprintf(&b, "%s%v", sep, c.Path[i])
		if c.ID[i] != 0 {
			fmt.Fprintf(&b, ":%d", c.ID[i])
		}
		sep = "/"
	}
	if c.OuterVersion != 0 {
		fmt.Fprintf(&b, " %v %v", addr(c.Outer[0], c.OuterVersion), addr(c.Outer[1], c.OuterVersion))
	}
	return b.String()
}

// mix uses the fractions of two square roots.
func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^0x9e3779b97f4a7c15, v^0x6a09e667f3bcc909)
	return hi ^ lo
}

// vlans holds the Contexts that VLAN has made.
var vlans [1 << 12]atomic.Pointer[Context]

// VLAN returns the Context of a datagram behind one VLAN tag with the control
// information tci, of which the lower 12 bits count. It returns nil for identifier 0: a
// priority tag is of no VLAN (IEEE 802.1Q table 9-2). For each identifier the pointer
// is always the same. Several goroutines may call VLAN at once.
func VLAN(tci uint16) *Context {
	v := &vlans[tci&0xfff]
	if c := v.Load(); c != nil || tci&0xfff == 0 {
		return c
	}
	v.CompareAndSwap(nil, &Context{NumVLANs: 1, VLANs: [MaxDepth]uint16{tci & 0xfff}})
	return v.Load()
}
