package main

import (
	"os"
	"os/signal"
	"sync"
)

// requests tells of signals that ask for something while the run goes on.
type requests struct{ c chan os.Signal }

// listenTo begins to listen to a signal; nil is one that the system does not have.
func listenTo(sig os.Signal) *requests {
	a := &requests{make(chan os.Signal, 1)}
	if sig != nil {
		signal.Notify(a.c, sig)
	}
	return a
}

// asked reports that somebody has asked since it was called before.
func (a *requests) asked() bool {
	select {
	case <-a.c:
		return true
	default:
		return false
	}
}

func (a *requests) stop() { signal.Stop(a.c) }

// onRequest calls say whenever somebody asks for the account so far, until the
// function that it returns is called.
func (e *env) onRequest(say func()) (stop func()) {
	a := listenTo(accountSignal)
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-a.c:
				say()
			}
		}
	})
	return func() {
		a.stop()
		close(done)
		wait.Wait()
	}
}

// accountOfReading says how far the reading is whenever somebody asks, until the
// function that it returns is called. The counts of packets and flows belong to
// those who read.
func (e *env) accountOfReading(src progressing) (stop func()) {
	return e.onRequest(func() {
		read, total := src.Progress()
		if total > 0 {
			e.warnf("so far: read %d of %d bytes", read, total)
		} else {
			e.warnf("so far: read %s", plural(uint64(read), "byte"))
		}
	})
}
