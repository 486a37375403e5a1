package review

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
)

// client is one client of a service.
type client struct {
	addr    netip.Addr
	flows   uint32
	worked  uint32 // flows that the service answered
	missing uint32 // flows that the policy does not expect
	denied  uint32 // flows that the rules do not allow
}

// count adds, as far as there is room.
func count(n *uint32, more uint64) { *n = uint32(min(uint64(*n)+more, math.MaxUint32)) }

// clients are those of one service: exactly, up to a bound, then the first ones
// and the flows of the others.
type clients struct {
	list  []client // in buf while there is one
	buf   [1]client
	at    map[netip.Addr]int32 // place in list; nil while that is short
	other uint64               // flows of clients that are not in the list
}

// searched is how long a list of clients is looked through before it gets an
// index.
const searched = 8

// get gives the entry of an address, or makes one if there is room; else it
// gives nil.
func (c *clients) get(a netip.Addr, room bool) (cl *client, made bool) {
	if c.at == nil {
		for i := range c.list {
			if c.list[i].addr == a {
				return &c.list[i], false
			}
		}
	} else if i, ok := c.at[a]; ok {
		return &c.list[i], false
	}
	if !room {
		return nil, false
	}
	c.list = append(c.list, client{addr: a})
	if c.at == nil && len(c.list) > searched {
		c.at = make(map[netip.Addr]int32, 2*len(c.list))
		for i := range c.list {
			c.at[c.list[i].addr] = int32(i)
		}
	} else if c.at != nil {
		c.at[a] = int32(len(c.list) - 1)
	}
	return &c.list[len(c.list)-1], true
}

// exact reports whether all clients are in the list.
func (c *clients) exact() bool { return c.other == 0 }

// byFlows lists the clients, those of the most flows first.
func (c *clients) byFlows() []client {
	list := slices.Clone(c.list)
	slices.SortFunc(list, func(a, b client) int {
		return cmp.Or(cmp.Compare(b.flows, a.flows), a.addr.Compare(b.addr))
	})
	return list
}

// foremost is byFlows for the first n; the list is not to be changed.
func (c *clients) foremost(n int) []client {
	list := c.list
	if len(list) > 1 {
		list = c.byFlows()
	}
	return list[:min(len(list), n)]
}
