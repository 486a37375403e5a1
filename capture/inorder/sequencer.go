// Package inorder restores the order of work that several goroutines do at once.
//
// Each piece of work has a number, and pieces are finished in any order. A
// [Sequencer] delivers them in the order of their numbers: packets to be
// counted, lines to be written.
package inorder

import "sync"

// A Sequencer delivers numbered values one at a time, in the order of their
// numbers. No goroutine waits for its turn: whoever puts the value that is next
// delivers it, and all that follow it and are there. The others go on with
// their work.
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

// NewSequencer returns a Sequencer that delivers by calling deliver, never from
// two goroutines at once. Numbers start at 0. Up to capacity values can wait: the
// number of a value must be less than capacity above that of the first value that
// is not delivered. A caller keeps to that by allowing no more than capacity
// values from before they get their number until they are delivered.
func NewSequencer[T any](capacity int, deliver func(T)) *Sequencer[T] {
	return &Sequencer[T]{deliver: deliver, slots: make([]slot[T], capacity)}
}

// Put hands over the value of a number, each number once. When Put returns, the
// value is delivered, or another call of Put is about to deliver it, or a value
// with a lower number is missing.
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
