package main

import (
	"context"
	"os"
	"os/signal"
	"time"

	"github.com/portannot/portannot/cmd/internal/outfile"
)

// sameRequest is how long after the first signal another one is the same request:
// timeout(1) sends two, one to the program and one to its process group.
const sameRequest = time.Second

// untilSignalled gives a context that ends with the first signal that asks the
// program to end: what is held is then written. A later one, a second or more
// after the first, ends the program at once.
func untilSignalled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	c := make(chan os.Signal, 1)
	signal.Notify(c, endSignals()...)
	for _, sig := range []os.Signal{accountSignal, reopenSignal} {
		if sig != nil {
			// Who has nothing to say or to open again is not to die of it.
			signal.Notify(make(chan os.Signal, 1), sig)
		}
	}
	go func() {
		<-c
		cancel()
		first := time.Now()
		for sig := range c {
			if time.Since(first) >= sameRequest {
				outfile.RemoveUnfinished()
				dieOf(sig)
			}
		}
	}()
	return ctx
}
