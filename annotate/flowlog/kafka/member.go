package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"crypto/rand"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/portannot/portannot/annotate/flowlog"
)

// Member is one member of a consumer group.
type Member struct {
	c        Config
	security []kgo.Opt
	delivery Delivery
	shape    shape
	one      bool // both topics are of one cluster
	outlet   outlet
	metrics  metrics
	reported int
}

// New asks the cluster what it allows and has, and makes a Member, which joins
// the group once it runs. The first message to Report says how often records
// may arrive.
func New(ctx context.Context, c Config) (*Member, error) {
	c.setDefaults()
	if err := c.Check(); err != nil {
		return nil, err
	}
	m := &Member{c: c}
	var err error
	if m.security, err = c.Security.options(); err != nil {
		return nil, err
	}
	if c.Security.clear() {
		c.Report(fmt.Sprintf("SASL %s without TLS: the secret crosses the network as it is", c.Security.Mechanism))
	}
	if m.c.TransactionalID == "" {
		host, _ := os.Hostname()
		m.c.TransactionalID = strings.Join([]string{"portannot", c.Group, host, rand.Text()[:12]}, "-")
	}
	if err := m.explore(ctx); err != nil {
		return nil, err
	}
	a, err := newAnnotator(c.Enrich)
	if err != nil {
		return nil, err
	}
	m.outlet = outlet{annotator: a, topic: c.To.Topic, deadLetter: c.DeadLetter, limit: m.shape.limit}
	m.metrics.update(func(c *Counts) { c.delivery, c.lag = m.delivery, map[int32]int64{} })
	return m, nil
}

// Delivery says how often records may arrive: ExactlyOnce or AtLeastOnce.
func (m *Member) Delivery() Delivery { return m.delivery }

// Counts account for what was done so far.
func (m *Member) Counts() (c Counts) {
	m.metrics.update(func(now *Counts) { c = *now })
	c.lag = nil // it goes on changing
	return c
}

// maxRestarts bounds the attempts with a new client, without a commit between
// them.
const maxRestarts = 5

// Run reads, annotates and writes until ctx ends: then what has been read is
// written and committed, the group is left, and the error is nil. Failures that
// pass (a broker that is away, a rebalance) are no errors either, unless one falls
// together with the end: then the error says that what was read last is not
// committed, and will be read again.
func (m *Member) Run(ctx context.Context) error {
	for failures := 0; ; {
		before := m.Counts().Commits
		err := m.session(ctx)
		if err == nil || ctx.Err() != nil && !errors.Is(err, errUnfinished) {
			return nil
		}
		if m.Counts().Commits > before {
			failures = 0
		}
		if failures++; failures > maxRestarts || ctx.Err() != nil || permanent(err) {
			return err
		}
		m.metrics.update(func(c *Counts) { c.Restarts++; c.failing = true })
		m.c.Report(fmt.Sprintf("%v; starting again", err))
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(failures) * time.Second / 2):
		}
	}
}

// errUnfinished is the error of an end that could not be made in good order.
var errUnfinished = errors.New("what was read last is not committed, and will be read again")

// finishTimeout is how long the last batch may take once ctx has ended.
const finishTimeout = 30 * time.Second

// broker is one client, or two, with the delivery in use.
type broker interface {
	poll(ctx context.Context) kgo.Fetches
	begin() error
	flush(ctx context.Context) error // waits until all is written, or has failed
	produce(r *kgo.Record, done func(*kgo.Record, error))
	// end commits if ok says that all was written, or undoes. committed is
	// false when what was read is to be read again, from.
	end(ctx context.Context, ok bool, from offsets) (committed bool, err error)
	// allow lets partitions go to other members.
	allow()
	close()
}

type offsets map[string]map[int32]kgo.EpochOffset

// session works with one client.
func (m *Member) session(ctx context.Context) error {
	b, err := m.open()
	if err != nil {
		return err
	}
	defer b.close()
	for ctx.Err() == nil {
		if err := m.batch(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// batch gathers records, writes and commits them.
func (m *Member) batch(ctx context.Context, b broker) error {
	defer b.allow()
	m.metrics.update(func(c *Counts) { c.lastCycle = time.Now() })
	wait, cancel := context.WithTimeout(ctx, maxWait)
	fetches := b.poll(wait)
	cancel()
	if err := m.fetchErrors(fetches); err != nil {
		return err
	}
	if fetches.NumRecords() == 0 {
		return nil
	}
	if err := b.begin(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	failed := new(firstError)
	m.outlet.annotator.rooms.begin(failed)
	from := offsets{}
	n := 0
	until := time.Now().Add(m.c.CommitInterval)
	gather, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	for {
		n += m.take(b, fetches, from, failed)
		if n >= maxBatch || failed.get() != nil || gather.Err() != nil {
			break
		}
		fetches = b.poll(gather)
		if err := m.fetchErrors(fetches); err != nil {
			failed.done(nil, err)
		}
	}
	return m.end(ctx, b, failed, from)
}

// maxWait is how long nothing may come before the loop goes round, for its
// health to be seen.
const maxWait = 10 * time.Second

// end writes out a batch and commits it.
func (m *Member) end(ctx context.Context, b broker, failed *firstError, from offsets) error {
	finish := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		finish, cancel = context.WithTimeout(finish, finishTimeout)
		defer cancel()
	}
	began := time.Now()
	finish, cancel := context.WithCancel(finish)
	defer cancel()
	// Whoever waits for a broker that is away still ends after a while.
	defer context.AfterFunc(ctx, func() { time.AfterFunc(finishTimeout, cancel) })()
	err := flush(finish, b, failed)
	permanentErr := err != nil && permanent(err)
	committed, endErr := b.end(finish, err == nil, from)
	m.metrics.update(func(c *Counts) {
		c.commit.observe(time.Since(began))
		if committed {
			c.Commits++
			c.lastCommit = time.Now()
		} else {
			c.Aborts++
		}
		if err != nil {
			c.WriteErrors++
		}
		c.failing = !committed && (err != nil || endErr != nil)
	})
	switch {
	case committed:
		m.reported = 0
		return nil
	case permanentErr:
		return fmt.Errorf("write records: %w", err)
	case endErr != nil && ctx.Err() != nil:
		return fmt.Errorf("%w: %w", errUnfinished, endErr)
	case endErr != nil:
		return fmt.Errorf("commit: %w", endErr)
	case err != nil:
		m.report(fmt.Errorf("write records, which is tried again: %w", err))
		if m.reported++; m.reported > maxRestarts {
			return fmt.Errorf("write records: %w", err)
		}
		pause(ctx, time.Duration(m.reported)*100*time.Millisecond)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (m *Member) report(err error) { m.c.Report(err.Error()) }

// take annotates and hands over what was fetched.
func (m *Member) take(b broker, fetches kgo.Fetches, from offsets, failed *firstError) int {
	if fetches.NumRecords() == 0 {
		return 0
	}
	began := time.Now()
	done := failed.done // once, for a method value is allocated
	var c Counts
	var oldest time.Time
	n := 0
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) == 0 {
			return
		}
		first := p.Records[0]
		if from[p.Topic] == nil {
			from[p.Topic] = map[int32]kgo.EpochOffset{}
		}
		if _, ok := from[p.Topic][p.Partition]; !ok {
			from[p.Topic][p.Partition] = kgo.EpochOffset{Epoch: first.LeaderEpoch, Offset: first.Offset}
		}
		if oldest.IsZero() || first.Timestamp.Before(oldest) {
			oldest = first.Timestamp
		}
		last := p.Records[len(p.Records)-1].Offset
		for _, r := range p.Records {
			n++
			c.Read += uint64(len(r.Key) + len(r.Value))
			result, in, _ := m.outlet.turn(r)
			c.Records[result]++
			if result == Dropped {
				continue
			}
			c.Wrote += uint64(len(r.Key) + len(r.Value))
			if in != nil {
				in.held.Add(1)
				b.produce(r, in.done)
			} else {
				b.produce(r, done)
			}
		}
		m.metrics.update(func(c *Counts) { c.lag[p.Partition] = max(p.HighWatermark-last-1, 0) })
	})
	now := time.Now()
	m.metrics.update(func(sum *Counts) {
		for i, n := range c.Records {
			sum.Records[i] += n
		}
		sum.Read += c.Read
		sum.Wrote += c.Wrote
		sum.Flows = m.outlet.annotator.stats()
		sum.annotate.observe(now.Sub(began))
		sum.age.observe(now.Sub(oldest))
		sum.lastCycle = now
	})
	return n
}

// fetchErrors counts and reports what went wrong with reading. The error is one
// that does not pass.
func (m *Member) fetchErrors(fetches kgo.Fetches) error {
	var lasting error
	fetches.EachError(func(topic string, partition int32, err error) {
		switch {
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			return
		case errors.Is(err, kgo.ErrClientClosed), permanent(err):
			lasting = fmt.Errorf("read %s: %w", topic, err)
			if topic == "" {
				lasting = fmt.Errorf("read: %w", err)
			}
		case topic == "":
			m.report(err)
		default:
			m.report(fmt.Errorf("read %s, partition %d: %w", topic, partition, err))
		}
		m.metrics.update(func(c *Counts) { c.FetchErrors++ })
	})
	return lasting
}

// permanent reports errors that trying again does not mend.
func permanent(err error) bool {
	for _, e := range []error{
		kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.TransactionalIDAuthorizationFailed, kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism,
		kerr.InvalidGroupID, kerr.InvalidTopicException, kerr.MessageTooLarge, kerr.InvalidTimestamp,
		kerr.InvalidTransactionTimeout, kerr.InvalidSessionTimeout, kerr.UnsupportedCompressionType,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Stats says what was found of flows.
func (c *Counts) Stats() *flowlog.Stats { return &c.Flows }
