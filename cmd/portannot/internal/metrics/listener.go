package metrics

import (
	"container/list"
	"net"
	"sync"
)

// listener keeps up to limit connections open. One more closes the oldest, so
// that clients which hold connections keep no other out.
type listener struct {
	net.Listener
	limit int

	mu   sync.Mutex
	open list.List // of net.Conn, the oldest first
}

func newestFirst(l net.Listener, limit int) net.Listener { return &listener{Listener: l, limit: limit} }

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open.Len() >= l.limit {
		oldest := l.open.Front()
		l.open.Remove(oldest)
		oldest.Value.(net.Conn).Close()
	}
	return &conn{Conn: c, from: l, element: l.open.PushBack(c)}, nil
}

// conn is a connection of a listener.
type conn struct {
	net.Conn
	from    *listener
	element *list.Element
}

func (c *conn) Close() error {
	c.from.mu.Lock()
	c.from.open.Remove(c.element) // nothing, if it was closed for another
	c.from.mu.Unlock()
	return c.Conn.Close()
}
