package kafka

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/portannot/portannot/annotate/flowlog"
)

// Counts are the counts of a Member. Work that is repeated after a failure counts
// again.
type Counts struct {
	Records     [NumResults]uint64 // by Result
	Read, Wrote uint64             // bytes of keys and values, not compressed
	Commits     uint64
	Aborts      uint64 // commits that failed or were aborted; their records are read again
	FetchErrors uint64 // errors of reading and of connecting
	WriteErrors uint64 // commits with records that could not be written
	Restarts    uint64 // of the client, after a failure
	Flows       flowlog.Stats

	Delivery   Delivery        // as Member.Delivery
	Lag        map[int32]int64 // records up to the end of each partition, when it was last read
	LastCommit time.Time       // time of the last commit; zero before the first
	Annotate   Histogram       // time to annotate the records that were polled at once
	Commit     Histogram       // time to write out and commit a batch
	Age        Histogram       // age, by its timestamp, of the oldest record that was polled

	lastCycle time.Time
	failing   bool  // the last commit did not succeed
	trouble   error // what there is to wait for
}

// metrics are the counts, for one that writes and those that look.
type metrics struct {
	mu sync.Mutex
	c  Counts
}

func (m *metrics) update(f func(c *Counts)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.c)
}

// Histogram is a distribution of durations in seconds.
type Histogram struct {
	counts [len(bounds) + 1]uint64
	sum    float64
}

// bounds are the buckets' upper bounds, in seconds.
var bounds = [...]float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300}

func (h *Histogram) observe(d time.Duration) {
	s := max(d.Seconds(), 0)
	i, _ := slices.BinarySearch(bounds[:], s)
	h.counts[i]++
	h.sum += s
}

// Sums returns how many durations are at or below each bucket bound, how many in
// all, and their sum.
func (h *Histogram) Sums() (upTo map[float64]uint64, count uint64, sum float64) {
	upTo = make(map[float64]uint64, len(bounds))
	for i, bound := range bounds {
		count += h.counts[i]
		upTo[bound] = count
	}
	return upTo, count + h.counts[len(bounds)], h.sum
}

// Counts returns a copy of the counts. It is safe for concurrent use.
func (m *Member) Counts() (c Counts) {
	m.metrics.update(func(now *Counts) {
		c = *now
		c.Lag = maps.Clone(now.Lag) // it goes on changing
	})
	return c
}

// stalled is how long a member may be at one batch and still count as healthy:
// longer than any wait for brokers that ends well.
const stalled = 2 * time.Minute

// Healthy returns an error if the member does not work, such as while it waits for
// brokers. It is safe for concurrent use.
func (m *Member) Healthy() error {
	c := m.Counts()
	return c.healthy(time.Now())
}

func (c *Counts) healthy(now time.Time) error {
	switch {
	case c.trouble != nil:
		return fmt.Errorf("waiting for brokers: %w", c.trouble)
	case c.lastCycle.IsZero():
		return errors.New("not started")
	case c.failing:
		return errors.New("the last commit failed")
	case now.Sub(c.lastCycle) > stalled:
		return fmt.Errorf("no progress for %v", now.Sub(c.lastCycle).Round(time.Second))
	}
	return nil
}
