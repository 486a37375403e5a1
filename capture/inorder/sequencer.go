// Package inorder restores the order of work that several goroutines do at once.
//
// Each piece of work has a number, and pieces are finished in any order. A
// [Sequencer] delivers them in the order of their numbers: packets to be
// counted, lines to be written.
package inorder

import "sync"

// A Sequencer delivers numbered values one at a time, in the order of their
// numbers. No goroutine waits for its turn. The goroutine that puts the next
// value delivers it, and then all following values that were already put. The
// others go on with their work.
type Sequencer[T any] struct {
	deliver    func(T)
	mu         sync.Mutex
	slots      []slot[T] // by number modulo their count
	next       uint64    // number of the value to deliver next
	delivering bool      // a goroutine calls deliver
}

type slot[T any] struct {
	value T
	full  bool
}

// NewSequencer returns a Sequencer that calls deliver for each value, one call
// after another. Numbers start at 0. The number of a value must be less than
// the number of the first undelivered value plus capacity. So at most capacity
// values may be undelivered. A caller must then wait for a delivery before it
// gives out another number.
func NewSequencer[T any](capacity int, deliver func(T)) *Sequencer[T] {
	return &Sequencer[T]{deliver: deliver, slots: make([]slot[T], capacity)}
}

// Put adds the value with this number. Each number is put once. Put may return
// before the value is delivered: a later or a concurrent call of Put then
// delivers it.
func (s *Sequencer[T]) Put(number uint64, value T) {
	s.mu.Lock()
	*s.slot(number) = slot[T]{value, true}
	if s.delivering {
		s.mu.Unlock()
		return
	}
	s.delivering = true
	for first := s.slot(s.next); first.full; first = s.slot(s.next) {
		v := first.value
		*first = slot[T]{}
		s.next++
		s.mu.Unlock()
		s.deliver(v)
		s.mu.Lock()
	}
	s.delivering = false
	s.mu.Unlock()
}

func (s *Sequencer[T]) slot(number uint64) *slot[T] {
	return &s.slots[number%uint64(len(s.slots))]
}
