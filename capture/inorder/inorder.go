// Package inorder puts work back in order that several goroutines do out of order.
package inorder

import "sync"

// Line takes numbered values as they are finished, and hands them on one at a time
// in the order of their numbers, from 0. Nobody waits for a turn: the goroutine
// that brings the value that is next hands it on, and those behind it that are
// there, while the others go back to work.
type Line[T any] struct {
	take   func(T)
	mu     sync.Mutex
	places []place[T] // by number modulo their count
	next   uint64     // number of the value to hand on next
	busy   bool       // a goroutine hands values on
}

type place[T any] struct {
	value T
	full  bool
}

// NewLine returns a Line that hands on by calling take, from one goroutine at a
// time. Up to n values wait: a value's number may be less than n above that of the
// first that was not handed on.
func NewLine[T any](n int, take func(T)) *Line[T] {
	return &Line[T]{take: take, places: make([]place[T], n)}
}

// Enter brings a value. If it is next, and no other goroutine is handing on, it
// hands on that value and those behind it; else another call of Enter does.
func (l *Line[T]) Enter(number uint64, value T) {
	l.mu.Lock()
	*l.at(number) = place[T]{value, true}
	if l.busy {
		l.mu.Unlock()
		return
	}
	l.busy = true
	for p := l.at(l.next); p.full; p = l.at(l.next) {
		v := p.value
		*p = place[T]{}
		l.next++
		l.mu.Unlock()
		l.take(v)
		l.mu.Lock()
	}
	l.busy = false
	l.mu.Unlock()
}

func (l *Line[T]) at(number uint64) *place[T] { return &l.places[number%uint64(len(l.places))] }
