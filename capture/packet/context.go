package packet

import (
	"strconv"
	"sync"
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
	MPLS
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

// Context is where in the layers below it an IP datagram was found. Only what
// is the same in both directions of a flow belongs in it: a VXLAN network
// identifier does, a GTP-U tunnel endpoint identifier does not. It is a
// comparable value, used as a map key.
type Context struct {
	VLANs    [MaxDepth]uint16 // VLAN identifiers, outermost first; NumVLANs are valid
	NumVLANs uint8
	Depth    uint8 // how many of Path are valid; 0 outside any tunnel
	Path     [MaxDepth]Tunnel
	ID       [MaxDepth]uint32 // network identifier of each tunnel of Path: VNI, VSID, GRE key; 0 when it has none
	// Outer are the two ends of the innermost tunnel whose identifier does not
	// tell networks apart, the numerically smaller first; zero otherwise.
	Outer        [2][16]byte
	OuterVersion uint8 // IP version of Outer: 4, 6, or 0 when not set
}

// Contexts numbers the contexts of a run. The zero value is ready to use, and
// safe for use by several goroutines.
type Contexts struct {
	vlans [1 << 12]atomic.Uint32 // numbers of the contexts that are one VLAN tag; 0 for none yet
	mu    sync.RWMutex
	ids   map[Context]uint32 // of the others
	list  []Context
}

// MaxContexts bounds a Contexts, so that forged tunnels cannot fill the
// memory: beyond it a context is entered without its Outer and ID.
const MaxContexts = 1 << 16

// VLAN gives the number of the context that is one VLAN tag, 0 if Intern gave it
// none. Only the lower 12 bits of tci count: a tag's control information will do.
// It waits for nobody.
func (cs *Contexts) VLAN(tci uint16) uint32 { return cs.vlans[tci&0xfff].Load() }

// asVLAN gives the identifier of a context that is one VLAN tag.
func (c *Context) asVLAN() (id uint16, ok bool) {
	id = c.VLANs[0]
	return id, c.NumVLANs == 1 && id < 1<<12 && *c == Context{NumVLANs: 1, VLANs: [MaxDepth]uint16{id}}
}

// Intern gives the number of c: 0 for the zero Context, else one above zero.
func (cs *Contexts) Intern(c Context) uint32 {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if id, ok := cs.find(&c); ok {
		return id
	}
	if len(cs.list) >= MaxContexts {
		c.Outer, c.OuterVersion, c.ID = [2][16]byte{}, 0, [MaxDepth]uint32{}
		if id, ok := cs.find(&c); ok {
			return id
		}
		if len(cs.list) >= 2*MaxContexts {
			return 0
		}
	}
	cs.list = append(cs.list, c)
	id := uint32(len(cs.list))
	if v, ok := c.asVLAN(); ok {
		cs.vlans[v].Store(id)
		return id
	}
	if cs.ids == nil {
		cs.ids = make(map[Context]uint32)
	}
	cs.ids[c] = id
	return id
}

// Find gives the number of c if Intern gave it one. It waits for nobody where c is
// one VLAN tag.
func (cs *Contexts) Find(c Context) (id uint32, ok bool) {
	if _, ok := c.asVLAN(); !ok {
		cs.mu.RLock()
		defer cs.mu.RUnlock()
	}
	return cs.find(&c)
}

// find is Find for those who hold the lock, or need not.
func (cs *Contexts) find(c *Context) (id uint32, ok bool) {
	if v, ok := c.asVLAN(); ok {
		id = cs.VLAN(v)
		return id, id != 0
	}
	if *c == (Context{}) {
		return 0, true
	}
	id, ok = cs.ids[*c]
	return id, ok
}

// Get gives the context numbered id, and the zero Context for 0 and for numbers
// that Intern did not give. It must not be changed.
func (cs *Contexts) Get(id uint32) *Context {
	if id == 0 {
		return &noContext
	}
	cs.mu.RLock()
	defer cs.mu.RUnlock()
	if int(id) > len(cs.list) {
		return &noContext
	}
	return &cs.list[id-1]
}

var noContext Context
