package packet

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"sync/atomic"
)

// Tunnel names an encapsulation in a [Context].
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
	MPLS // over IP or UDP; labels on a link are no tunnel
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

// String gives the tunnel's name in lower case: "vxlan".
func (t Tunnel) String() string {
	if t < numTunnels {
		return tunnelNames[t]
	}
	return "tunnel(" + strconv.Itoa(int(t)) + ")"
}

// MaxDepth bounds how many VLAN tags and how many tunnels a Context holds.
const MaxDepth = 8

// Context says in which network an IP datagram was found: the VLAN tags and the
// tunnels around it. Packets with the same addresses and ports but different
// Contexts belong to different flows, so only what is the same in both
// directions of a flow is in it: a VXLAN network identifier is, a GTP-U tunnel
// endpoint identifier is not. The zero value is a datagram with neither.
//
// A Context is a comparable value. Where a *Context is handed out it may be
// shared, and must not be changed; nil is the zero Context.
type Context struct {
	VLANs    [MaxDepth]uint16 // VLAN identifiers, outermost first; NumVLANs are valid
	NumVLANs uint8
	Depth    uint8 // number of tunnels, how many of Path and ID are valid; 0 outside any tunnel
	Path     [MaxDepth]Tunnel
	ID       [MaxDepth]uint32 // network identifier of each tunnel of Path: VNI, VSID, GRE key; 0 when it has none
	// Outer are the two ends of the innermost tunnel whose identifier does not
	// tell networks apart, the numerically smaller first; zero otherwise. IPv4
	// addresses stand in the first four bytes.
	Outer        [2][16]byte
	OuterVersion uint8 // IP version of Outer: 4, 6, or 0 when not set
}

// Hash gives a number that differs for most Contexts. It is the same in every
// run, and 0 for nil and the zero Context.
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

// String gives the context in words, the outermost first: "vlan 30, vxlan:42/gre
// 192.0.2.1 192.0.2.2". It is "" for nil and the zero Context.
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

// VLAN gives the Context that is one VLAN tag, the same pointer each time. Only
// the lower 12 bits of tci, the tag's control information, count. It gives nil
// for identifier 0: a priority tag is in no VLAN (IEEE 802.1Q table 9-2). It may
// be called from several goroutines at once.
func VLAN(tci uint16) *Context {
	v := &vlans[tci&0xfff]
	if c := v.Load(); c != nil || tci&0xfff == 0 {
		return c
	}
	v.CompareAndSwap(nil, &Context{NumVLANs: 1, VLANs: [MaxDepth]uint16{tci & 0xfff}})
	return v.Load()
}
