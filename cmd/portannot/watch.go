package main

import (
	"sync"
	"time"
)

const (
	watchEvery = time.Second
	sayEvery   = time.Minute // at most
)

// watch reports losses while they happen: a line at once, and then at most one a
// minute. look gives what is new since a report, "" for nothing, and a function
// that notes that it was reported. It is called about once a second by a
// goroutine of its own, until stop is called.
func (e *env) watch(look func() (text string, reported func())) (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		t := time.NewTicker(watchEvery)
		defer t.Stop()
		var last time.Time
		for {
			select {
			case <-done:
				return
			case now := <-t.C:
				if !last.IsZero() && now.Sub(last) < sayEvery {
					continue
				}
				if text, reported := look(); text != "" {
					e.warnf("%s", text)
					reported()
					last = now
				}
			}
		}
	})
	return func() {
		close(done)
		wait.Wait()
	}
}
