package kafka

import (
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A value that is annotated is three times as long as it was, so that most of
// what a member would allocate is values, and most of that cleared before it is
// written and left to the garbage collector soon after. Values therefore lie
// in rooms that are used again. The client library reads a record no more once
// it has called its promise: it takes the records of a batch away under the
// lock that writing them needs.

// roomSize is the length of a room, in bytes; that of some hundred values.
const roomSize = 256 << 10

// maxFree bounds the rooms that wait to be used again: as many as what may wait
// to be written takes.
const maxFree = maxBuffered / roomSize

// room is memory for values of one batch.
type room struct {
	b      []byte
	from   *rooms
	failed *firstError // of the batch
	// held counts the records that are not written yet, and one for whoever
	// fills the room.
	held atomic.Int32
	// done is the promise of a record whose value lies here.
	done func(*kgo.Record, error)
}

// rooms are those of one member.
type rooms struct {
	now    *room // that is being filled; nil for none
	failed *firstError

	mu   sync.Mutex // promises come from another goroutine
	free []*room
}

// begin begins a batch, whose records report to failed.
func (rs *rooms) begin(failed *firstError) {
	rs.leave()
	rs.failed = failed
}

// leave fills the present room no further.
func (rs *rooms) leave() {
	if rs.now != nil {
		rs.now.release()
		rs.now = nil
	}
}

// need gives a room that has n bytes left.
func (rs *rooms) need(n int) *room {
	if r := rs.now; r != nil && cap(r.b)-len(r.b) >= n {
		return r
	}
	rs.leave()
	rs.now = rs.take(n)
	rs.now.failed = rs.failed
	rs.now.held.Store(1)
	return rs.now
}

// take gives an empty room, the one left last if there is any: it may still lie
// in a cache.
func (rs *rooms) take(n int) *room {
	if n <= roomSize {
		rs.mu.Lock()
		defer rs.mu.Unlock()
		if last := len(rs.free) - 1; last >= 0 {
			r := rs.free[last]
			rs.free[last] = nil
			rs.free = rs.free[:last]
			return r
		}
	}
	r := &room{b: make([]byte, 0, max(n, roomSize)), from: rs}
	r.done = r.written
	return r
}

// written is told that a record was written, or could not be.
func (r *room) written(record *kgo.Record, err error) {
	r.failed.done(record, err)
	r.release()
}

// release lets go of the room; the last to do so makes it free.
func (r *room) release() {
	if r.held.Add(-1) > 0 || cap(r.b) != roomSize {
		return
	}
	r.b, r.failed = r.b[:0], nil
	r.from.mu.Lock()
	defer r.from.mu.Unlock()
	if len(r.from.free) < maxFree {
		r.from.free = append(r.from.free, r)
	}
}
