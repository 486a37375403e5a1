package main

import (
	"os"
	"os/signal"
	"sync"
)

// accountRequests tells of the signals that ask for the account so far.
type accountRequests struct{ c chan os.Signal }

// askedForAccount begins to listen to SIGUSR1, where the system has it.
func (e *env) askedForAccount() *accountRequests {
	a := &accountRequests{make(chan os.Signal, 1)}
	if accountSignal != nil {
		signal.Notify(a.c, accountSignal)
	}
	return a
}

// asked reports that somebody has asked since it was called before.
func (a *accountRequests) asked() bool {
	select {
	case <-a.c:
		return true
	default:
		return false
	}
}

func (a *accountRequests) stop() { signal.Stop(a.c) }

// accountOfReading says how far the reading is whenever somebody asks, until the
// function that it returns is called. The counts of packets and flows belong to
// those who read.
func (e *env) accountOfReading(src progressing) (stop func()) {
	a := e.askedForAccount()
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-a.c:
			}
			read, total := src.Progress()
			if total > 0 {
				e.warnf("so far: read %d of %d bytes", read, total)
			} else {
				e.warnf("so far: read %s", plural(uint64(read), "byte"))
			}
		}
	})
	return func() {
		a.stop()
		close(done)
		wait.Wait()
	}
}
