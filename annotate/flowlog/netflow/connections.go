package netflow

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
)

// connections are those over TCP. One that has sent no message yet makes room
// for a newer one: at the limit of its exporter for one of that, at the limit of
// all for any.
type connections struct {
	limit, each int

	mu    sync.Mutex
	open  map[netip.Addr]int // by exporter
	n     int
	fresh list.List // of *connection that have sent no message, the oldest first
}

type connection struct {
	net.Conn
	exporter netip.Addr
	fresh    *list.Element // nil once a message has come
	outdone  bool          // closed for a newer one
}

func newConnections(l Limits) *connections {
	return &connections{limit: l.Connections, each: l.ExporterConnections, open: make(map[netip.Addr]int)}
}

// admit takes a connection in, and closes another for it if need be. It reports
// whether there was room.
func (cs *connections) admit(c *connection) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.open[c.exporter] >= cs.each && !cs.makeRoom(func(o *connection) bool { return o.exporter == c.exporter }) ||
		cs.n >= cs.limit && !cs.makeRoom(func(*connection) bool { return true }) {
		return false
	}
	cs.open[c.exporter]++
	cs.n++
	c.fresh = cs.fresh.PushBack(c)
	return true
}

// makeRoom closes the oldest connection without a message for which want holds.
func (cs *connections) makeRoom(want func(*connection) bool) bool {
	for e := cs.fresh.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*connection); want(c) {
			c.outdone = true
			cs.drop(c)
			c.Close()
			return true
		}
	}
	return false
}

// drop takes a connection out of the account.
func (cs *connections) drop(c *connection) {
	if c.fresh != nil {
		cs.fresh.Remove(c.fresh)
		c.fresh = nil
	}
	cs.n--
	if cs.open[c.exporter]--; cs.open[c.exporter] == 0 {
		delete(cs.open, c.exporter)
	}
}

// established notes that a message has come.
func (cs *connections) established(c *connection) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c.fresh != nil {
		cs.fresh.Remove(c.fresh)
		c.fresh = nil
	}
}

// ended notes that a connection has ended. It reports whether that was for a
// newer one.
func (cs *connections) ended(c *connection) (outdone bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if !c.outdone {
		cs.drop(c)
	}
	return c.outdone
}

// count gives the number of connections.
func (cs *connections) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.n
}
