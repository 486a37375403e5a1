package flow

import (
	"runtime"
	"unsafe"
)

// spare is memory of a growing table that another goroutine makes before it is
// wanted. The system gives memory when it is first written to, and clears it
// then: of a capture with a new flow in each packet that was a third of the whole
// run.
type spare[T any] struct{ made chan []T }

// prepare starts to make n elements, unless that was started already. Without a
// second core it does nothing.
func (s *spare[T]) prepare(n int) {
	if s.made != nil || runtime.GOMAXPROCS(0) == 1 {
		return
	}
	made := make(chan []T, 1)
	s.made = made
	go func() {
		m := inHugePages[T](n)
		writePages(m)
		made <- m
	}()
}

// take gives n elements, all zero, in huge pages: those prepared if they are as
// many.
func (s *spare[T]) take(n int) []T {
	if s.made != nil {
		m := <-s.made
		s.made = nil
		if len(m) == n {
			return m
		}
	}
	return inHugePages[T](n)
}

func inHugePages[T any](n int) []T {
	m := make([]T, n)
	hugePages(m)
	return m
}

// writePages writes to each page of memory that is all zero.
func writePages[T any](m []T) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(m))), len(m)*int(unsafe.Sizeof(m[0])))
	for i := 0; i < len(b); i += 4096 {
		b[i] = 0
	}
}
