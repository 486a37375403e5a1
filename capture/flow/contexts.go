package flow

import (
	"unsafe"

	"github.com/portannot/portannot/capture/packet"
)

// DefaultMaxContexts is the default of Options.MaxContexts. A context takes about 300
// bytes.
const DefaultMaxContexts = 1 << 20

// maxContexts is a quarter of what the 24 bits of a key can number: there may be as
// many again that no flow has.
const maxContexts = 1 << 22

// contexts numbers the contexts of a table for its keys. A number is used again
// when no flow has its context any more, so they live as long as their flows.
type contexts struct {
	recent  [recentContexts]recentContext
	vlans   [1 << 12]uint32           // numbers of the contexts that are one VLAN tag; 0 for none
	numbers map[packet.Context]uint32 // of the others
	list    []numbered                // that of number n at n-1
	free    []uint32
	alive   int // contexts that flows have
	sweepAt int // number of contexts at which those without flows are looked for
}

// numbered is a context with its number.
type numbered struct {
	context *packet.Context // nil: the number is free
	flows   uint32          // how many flows held have it
}

// recentContext is a context by its pointer, which tells it from others as long as
// somebody holds it: contexts never change.
type recentContext struct {
	context *packet.Context
	number  uint32
}

const (
	recentContexts = 4096
	minSweep       = 1024
)

// number gives the number of a context: 0 for none, else one above zero. It is
// valid until the next sweep, or as long as a flow has it. nil needs no branch of
// its own.
func (cs *contexts) number(c *packet.Context) uint32 {
	r := &cs.recent[uintptr(unsafe.Pointer(c))/32%recentContexts]
	if r.context == c {
		return r.number
	}
	return cs.renumber(c)
}

// renumber is number for a context that is not in recent.
//
//go:noinline
func (cs *contexts) renumber(c *packet.Context) uint32 {
	var n uint32
	switch {
	case c == nil || c.NumVLANs|c.Depth == 0:
	case onlyVLAN(c):
		v := &cs.vlans[c.VLANs[0]%uint16(len(cs.vlans))]
		if *v == 0 {
			*v = cs.add(c)
		}
		n = *v
	default:
		var ok bool
		if n, ok = cs.numbers[*c]; !ok {
			if cs.numbers == nil {
				cs.numbers = make(map[packet.Context]uint32)
			}
			n = cs.add(c)
			cs.numbers[*c] = n
		}
	}
	cs.recent[uintptr(unsafe.Pointer(c))/32%recentContexts] = recentContext{c, n}
	return n
}

// onlyVLAN reports whether a context is one VLAN tag.
func onlyVLAN(c *packet.Context) bool { return c.NumVLANs == 1 && c.Depth == 0 && c.VLANs[0] < 1<<12 }

// add gives a context a number of its own.
func (cs *contexts) add(c *packet.Context) (n uint32) {
	if last := len(cs.free) - 1; last >= 0 {
		n = cs.free[last]
		cs.free = cs.free[:last]
	} else {
		cs.list = append(cs.list, numbered{})
		n = uint32(len(cs.list))
	}
	cs.list[n-1] = numbered{context: c}
	return n
}

// at gives the context of a number that a flow has.
func (cs *contexts) at(n uint32) *packet.Context {
	if n == 0 {
		return nil
	}
	return cs.list[n-1].context
}

// fresh reports whether no flow has the context of a number yet.
func (cs *contexts) fresh(n uint32) bool { return n != 0 && cs.list[n-1].flows == 0 }

// hold counts a flow to the context of its key.
func (cs *contexts) hold(n uint32) {
	if n == 0 {
		return
	}
	if cs.fresh(n) {
		cs.alive++
	}
	cs.list[n-1].flows++
}

// release takes a flow off again.
func (cs *contexts) release(n uint32) {
	if n == 0 {
		return
	}
	cs.list[n-1].flows--
	if cs.fresh(n) {
		cs.alive--
	}
}

// sweep frees the numbers that no flow has, once there are many. No key that is
// not in the table may be in use.
func (cs *contexts) sweep() {
	if len(cs.list)-len(cs.free) < max(cs.sweepAt, minSweep) {
		return
	}
	clear(cs.recent[:])
	for i := range cs.list {
		if x := &cs.list[i]; x.context != nil && x.flows == 0 {
			if c := x.context; onlyVLAN(c) {
				cs.vlans[c.VLANs[0]] = 0
			} else {
				delete(cs.numbers, *c)
			}
			x.context = nil
			cs.free = append(cs.free, uint32(i+1))
		}
	}
	cs.sweepAt = 2 * (len(cs.list) - len(cs.free))
}
