package netflow

import (
	"net/netip"
	"sync"
)

// message is one on its way from a socket to the decoder, or an event.
type message struct {
	buf  *[]byte // from buffers; nil for events
	n    int
	from Source
	// An event is the end of a connection. With a reason it is a fault too.
	event  bool
	kind   Kind
	reason string
}

// size is what a message takes while it waits, in bytes.
func (m *message) size() int {
	n := 160
	if m.buf != nil {
		n += cap(*m.buf)
	}
	return n
}

const (
	inboxSize = 64 << 20 // bytes of messages that wait
	queueSize = 16 << 20 // of one exporter
	turnSize  = 64 << 10 // bytes of one exporter's messages that are decoded before it is another's turn
	turnCount = 32       // messages likewise
)

// inbox holds messages between the sockets and the decoder: a queue for each
// exporter that has any, so that one which sends more than can be decoded delays
// and loses its own messages only. A queue may be as long as what is left of the
// inbox, so that it takes many exporters to leave no place for another.
type inbox struct {
	mu     sync.Mutex
	space  sync.Cond
	queues map[netip.Addr]*queue
	turns  []*queue // those that have messages, in turn
	bytes  int
	// wake has an element when a message has come since it was emptied.
	wake chan struct{}
}

type queue struct {
	exporter netip.Addr
	messages []message
	next     int // of messages
	bytes    int
	// What is left of its turn.
	turnBytes, turnCount int
}

func newInbox() *inbox {
	in := &inbox{queues: make(map[netip.Addr]*queue), wake: make(chan struct{}, 1)}
	in.space.L = &in.mu
	return in
}

// put adds a message. Without room for it, it waits, or reports false. An event
// always has room.
func (in *inbox) put(m message, wait bool) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	key, n := m.from.Address.Addr(), m.size()
	q := in.queues[key]
	for !m.event && !in.room(q, n) {
		if !wait {
			return false
		}
		in.space.Wait()
		q = in.queues[key]
	}
	if q == nil {
		q = &queue{exporter: key, turnBytes: turnSize, turnCount: turnCount}
		in.queues[key] = q
		in.turns = append(in.turns, q)
	}
	q.messages = append(q.messages, m)
	q.bytes += n
	in.bytes += n
	select {
	case in.wake <- struct{}{}:
	default:
	}
	return true
}

// room reports whether a queue, nil for an empty one, can take n bytes more.
func (in *inbox) room(q *queue, n int) bool {
	if q != nil {
		n += q.bytes
	}
	return n <= min(queueSize, inboxSize-in.bytes)
}

// take gives the next message; ok is false when there is none.
func (in *inbox) take() (m message, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.turns) == 0 {
		return m, false
	}
	q := in.turns[0]
	m = q.messages[q.next]
	q.messages[q.next] = message{}
	q.next++
	n := m.size()
	q.bytes -= n
	in.bytes -= n
	q.turnBytes -= n
	q.turnCount--
	switch {
	case q.next == len(q.messages):
		in.turns = append(in.turns[:0], in.turns[1:]...)
		delete(in.queues, q.exporter)
	case q.turnBytes <= 0 || q.turnCount <= 0:
		q.turnBytes, q.turnCount = turnSize, turnCount
		in.turns = append(append(in.turns[:0], in.turns[1:]...), q)
	case q.next >= 1024 && q.next*2 >= len(q.messages):
		q.messages = q.messages[:copy(q.messages, q.messages[q.next:])]
		q.next = 0
	}
	in.space.Broadcast()
	return m, true
}

// waiting gives the bytes of messages that wait.
func (in *inbox) waiting() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.bytes
}

// shortMessage is the length of buffers for most datagrams, in bytes: what goes
// into a frame of Ethernet.
const shortMessage = 1536

// buffers are memory for messages, used again.
type buffers struct{ short, long sync.Pool } // of *[]byte

func (b *buffers) get(n int) *[]byte {
	pool, size := &b.short, shortMessage
	if n > shortMessage {
		pool, size = &b.long, longest
	}
	if p, ok := pool.Get().(*[]byte); ok {
		return p
	}
	p := make([]byte, size)
	return &p
}

func (b *buffers) put(p *[]byte) {
	if len(*p) == shortMessage {
		b.short.Put(p)
	} else {
		b.long.Put(p)
	}
}
