package meter

import (
	"io"
	"sync"
	"time"

	"github.com/portannot/portannot/capture"
)

// Stream counts the packets of a source that grows: a live capture, or a file that is
// followed. It returns when the source ends, after Options.MaxPackets, or at an
// error. To stop it, stop the source, with [capture.Live.Stop] or the context of
// [capture.Follow]; packets that were captured before are then still counted.
//
// At intervals of every, Stream calls tick. Before it, but not more than once a second,
// it ends the flows that have timed out by the clock, even if no packet comes. If Options.Flow.Prompt is set, flows are
// given to Options.Flow.Emit as soon as they end. An error of tick ends the reading
// after the next packets.
func (m *Meter) Stream(src capture.Source, every time.Duration, tick func() error) error {
	if err := m.begin(src); err != nil {
		return err
	}
	var mu sync.Mutex // guards m, which src.Next does not touch, and tickErr
	var tickErr error
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		t := time.NewTicker(every)
		defer t.Stop()
		var expired time.Time
		for {
			select {
			case <-done:
				return
			case now := <-t.C:
				mu.Lock()
				if every >= time.Second || now.Sub(expired) >= time.Second {
					m.table.Expire(now.UnixNano()) // which looks at every flow
					expired = now
				}
				if err := tick(); tickErr == nil {
					tickErr = err
				}
				mu.Unlock()
			}
		}
	})
	defer wait.Wait()
	defer close(done)
	for {
		n, err := src.Next(m.buffer[:])
		mu.Lock()
		block := m.buffer[:n]
		last := false
		if limit := m.opt.MaxPackets; limit > 0 && m.packets+uint64(n) >= limit {
			block, last = block[:limit-m.packets], true
		}
		countErr := m.count(block)
		stop := tickErr
		mu.Unlock()
		switch {
		case countErr != nil:
			return countErr
		case stop != nil:
			return stop
		case err == io.EOF || last:
			return nil
		case err != nil:
			return err
		}
	}
}
