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
)

// Member is a member of a consumer group.
type Member struct {
	c            Config
	security     []kgo.Opt
	decompressor *decompressor
	connected    bool
	delivery     Delivery
	shape        shape
	one          bool // both topics are of one cluster
	outlet       outlet
	metrics      metrics
	tried        int       // attempts to write that failed, since the last commit
	most         int       // records to take at once: fewer while one that a topic refuses is looked for
	said         time.Time // when a failure was reported
	unsaid       int       // failures that were not reported since
}

// New returns a Member. It does not connect to brokers; Connect and Run do. It
// reads the certificate files, and the secret to check it.
func New(c Config) (*Member, error) {
	c.setDefaults()
	if err := c.Check(); err != nil {
		return nil, err
	}
	m := &Member{c: c, most: maxPoll}
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
	if m.decompressor, err = newDecompressor(); err != nil {
		return nil, fmt.Errorf("set up client: %w", err)
	}
	a, err := newAnnotator(c.Enrich)
	if err != nil {
		return nil, err
	}
	m.outlet = outlet{annotator: a, topic: c.To.Topic, deadLetter: c.DeadLetter}
	m.metrics.c.Lag = map[int32]int64{}
	return m, nil
}

// Delivery returns ExactlyOnce or AtLeastOnce, and BestDelivery before Connect.
func (m *Member) Delivery() Delivery { return m.delivery }

// maxTries bounds the attempts to write a batch with one client.
const maxTries = 5

// Run connects, if Connect was not called, and then reads, annotates and writes
// records until ctx is done. Then it writes and commits the records that it has
// read, leaves the group and returns nil. Temporary failures, such as a broker that
// is down or a rebalance, are reported and retried. If one prevents the last commit,
// the error says that the records read last will be read again.
func (m *Member) Run(ctx context.Context) error {
	if !m.connected {
		if err := m.Connect(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	for wait := firstPause; ; {
		before := m.Counts().Commits
		err := m.session(ctx)
		switch {
		case err == nil || ctx.Err() != nil && !errors.Is(err, errUnfinished):
			return nil
		case errors.Is(err, errReopen):
			continue
		case ctx.Err() != nil || permanent(err):
			return err
		}
		if m.Counts().Commits > before {
			wait = firstPause
		}
		m.metrics.update(func(c *Counts) { c.Restarts++; c.failing = true })
		m.say("%v; starting again", err)
		pause(ctx, wait)
		wait = min(2*wait, maxPause)
	}
}

// errReopen says that a new client is needed: with other limits, or as this one has
// stopped reading a partition.
var errReopen = errors.New("a new client is needed")

// errUnfinished is the error of an end that could not be made in good order.
var errUnfinished = errors.New("what was read last is not committed, and will be read again")

// finishTimeout is how long the last batch may take once ctx has ended.
const finishTimeout = 30 * time.Second

// broker is one client, or two, with the delivery in use.
type broker interface {
	poll(ctx context.Context, most int) kgo.Fetches // up to so many records
	fetched() int64                                 // bytes of records that wait to be polled
	begin() error
	flush(ctx context.Context) error // waits until all is written, or has failed
	produce(r *kgo.Record, done func(*kgo.Record, error))
	// end commits if ok says that all was written, or undoes. committed is
	// false when what was read is to be read again, from.
	end(ctx context.Context, ok bool, from offsets) (committed bool, err error)
	// skip goes on reading behind what lies between offsets. The next commit commits that.
	skip(from, to offsets)
	// allow lets partitions go to other members.
	allow()
	close()
}

type offsets map[string]map[int32]kgo.EpochOffset

// session works with one client.
func (m *Member) session(ctx context.Context) error {
	m.decompressor.restart()
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
	if m.decompressor.forgotten() {
		return errReopen
	}
	patience := maxWait
	if !m.decompressor.untold.IsZero() {
		patience = forgottenAfter
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	fetches, unread, err := m.poll(wait, b)
	cancel()
	if err != nil {
		return err
	}
	if fetches.NumRecords() == 0 && len(unread) == 0 {
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
		n += m.take(b, fetches, from, failed) + m.skip(b, unread, from, failed)
		if m.most < maxPoll || n >= maxBatch || failed.get() != nil || gather.Err() != nil {
			break
		}
		if fetches, unread, err = m.poll(gather, b); err != nil {
			failed.done(nil, err)
		}
	}
	return m.end(ctx, b, failed, from, n)
}

// poll takes what was fetched. unread are batches that are too large to be read.
// The error is one that does not pass.
func (m *Member) poll(ctx context.Context, b broker) (fetches kgo.Fetches, unread []*kgo.ErrDecompressTooLarge, err error) {
	m.decompressor.taken(b.fetched()) // what was polled before is written by now, or on its way
	fetches = b.poll(ctx, m.most)
	unread, err = m.fetchErrors(fetches)
	if m.most == 1 && len(unread) > 0 {
		// A record that is refused is looked for, alone. What is left out here is
		// forgotten, and met by the next client.
		unread = unread[:1-min(fetches.NumRecords(), 1)]
	}
	m.decompressor.told += int64(len(unread))
	return fetches, unread, err
}

// maxWait is how long nothing may come before the loop goes round, for its
// health to be seen.
const maxWait = 10 * time.Second

// end writes out a batch of n records and commits it.
func (m *Member) end(ctx context.Context, b broker, failed *firstError, from offsets, n int) error {
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
		c.Commit.observe(time.Since(began))
		if committed {
			c.Commits++
			c.LastCommit = time.Now()
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
		m.tried = 0
		m.most = min(maxPoll, 4*m.most)
		clear(m.outlet.refused)
		return nil
	case refused(err) && endErr == nil:
		return m.narrow(ctx, n, err)
	case permanentErr:
		return fmt.Errorf("write records: %w", err)
	case endErr != nil && ctx.Err() != nil:
		return fmt.Errorf("%w: %w", errUnfinished, endErr)
	case endErr != nil:
		return fmt.Errorf("commit: %w", endErr)
	case err != nil:
		m.say("write records, which is tried again: %v", err)
		if m.tried++; m.tried > maxTries {
			return fmt.Errorf("write records: %w", err)
		}
		pause(ctx, time.Duration(m.tried)*100*time.Millisecond)
	}
	return nil
}

// narrow goes on after a batch of n records of which a topic has refused one, or
// all together. The same records are read again, fewer at once, until it is known
// which one it is; that is then written in another form.
func (m *Member) narrow(ctx context.Context, n int, why error) error {
	if m.most == 1 {
		o := &m.outlet
		m.say("record %d of partition %d is refused: %v", o.last.offset, o.last.partition, why)
		o.refuse(why)
		return nil
	}
	m.most = max(1, min(n, m.most)/8)
	if errors.Is(why, kerr.MessageTooLarge) && m.lowerLimits(ctx) {
		m.say("topic %s takes no more than %d bytes at once", m.c.To.Topic, m.shape.limits.to)
		return errReopen
	}
	return nil
}

// refused reports that a topic does not take a record, whatever the number of
// attempts.
func refused(err error) bool {
	for _, e := range []error{kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidTimestamp, kerr.InvalidRecord, kerr.PolicyViolation} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// sayEvery is how often failures are reported at most.
const sayEvery = time.Minute

// say reports a failure, unless one was reported just before.
func (m *Member) say(format string, args ...any) {
	if time.Since(m.said) < sayEvery {
		m.unsaid++
		return
	}
	text := fmt.Sprintf(format, args...)
	if m.unsaid > 0 {
		text += fmt.Sprintf(" (and %d failures before that)", m.unsaid)
	}
	m.said, m.unsaid = time.Now(), 0
	m.c.Report(text)
}

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
			partition, offset := r.Partition, r.Offset
			result, in, why := m.outlet.turn(r)
			c.Records[result]++
			if result == Skipped {
				m.say("record %d of partition %d is left out: %v", offset, partition, why)
			}
			if result == Dropped || result == Skipped {
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
		m.metrics.update(func(c *Counts) { c.Lag[p.Partition] = max(p.HighWatermark-last-1, 0) })
	})
	now := time.Now()
	m.metrics.update(func(sum *Counts) {
		for i, n := range c.Records {
			sum.Records[i] += n
		}
		sum.Read += c.Read
		sum.Wrote += c.Wrote
		sum.Flows = m.outlet.annotator.stats()
		sum.Annotate.observe(now.Sub(began))
		sum.Age.observe(now.Sub(oldest))
		sum.lastCycle = now
	})
	return n
}

// skip leaves out batches that are too large to be read. The group goes on behind
// them, and dead letters say where they are.
func (m *Member) skip(b broker, unread []*kgo.ErrDecompressTooLarge, from offsets, failed *firstError) int {
	for _, u := range unread {
		records := u.NextOffset - u.Offset
		why := fmt.Errorf("a batch of %d records takes more than %d bytes when it is decompressed", records, maxBatchBytes)
		m.say("records %d to %d of partition %d are left out: %v", u.Offset, u.NextOffset-1, u.Partition, why)
		at := kgo.EpochOffset{Epoch: u.Epoch, Offset: u.Offset}
		if from[u.Topic] == nil {
			from[u.Topic] = map[int32]kgo.EpochOffset{}
		}
		if _, ok := from[u.Topic][u.Partition]; !ok {
			from[u.Topic][u.Partition] = at
		}
		result := Skipped
		if r, ok := m.outlet.unread(u.Topic, position{u.Partition, u.Offset}, why); ok {
			result = DeadLettered
			b.produce(r, failed.done)
		}
		m.metrics.update(func(c *Counts) { c.Records[result] += uint64(max(records, 1)) })
		b.skip(offsets{u.Topic: {u.Partition: at}}, offsets{u.Topic: {u.Partition: {Epoch: u.Epoch, Offset: u.NextOffset}}})
	}
	return len(unread)
}

// fetchErrors counts and reports what went wrong with reading. unread are batches
// that are too large to be read; the error is one that does not pass.
func (m *Member) fetchErrors(fetches kgo.Fetches) (unread []*kgo.ErrDecompressTooLarge, lasting error) {
	fetches.EachError(func(topic string, partition int32, err error) {
		var tooLarge *kgo.ErrDecompressTooLarge
		switch {
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, errExpanded):
			return
		case errors.As(err, &tooLarge):
			unread = append(unread, tooLarge)
		case errors.Is(err, kgo.ErrClientClosed), permanent(err):
			lasting = fmt.Errorf("read %s: %w", topic, err)
			if topic == "" {
				lasting = fmt.Errorf("read: %w", err)
			}
		case topic == "":
			m.say("%v", err)
		default:
			m.say("read %s, partition %d: %v", topic, partition, err)
		}
		m.metrics.update(func(c *Counts) { c.FetchErrors++ })
	})
	return unread, lasting
}

// permanent reports errors that trying again does not mend.
func permanent(err error) bool {
	for _, e := range []error{
		kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.TransactionalIDAuthorizationFailed, kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism,
		kerr.InvalidGroupID, kerr.InvalidTopicException, kerr.InvalidTransactionTimeout, kerr.InvalidSessionTimeout, kerr.UnsupportedCompressionType,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
