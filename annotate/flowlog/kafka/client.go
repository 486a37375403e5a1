package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// reach gives the options that all clients have.
func (m *Member) reach(brokers []string) []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(brokers...), kgo.ClientID(m.c.ClientID), kgo.SoftwareNameAndVersion("portannot", "1")}
	return append(append(opts, m.security...), m.c.Client...)
}

// writing gives the options of the client that writes.
func (m *Member) writing() []kgo.Opt {
	return []kgo.Opt{
		kgo.RecordPartitioner(newPartitioner(m.c.To.Topic, m.shape.from == m.shape.to)),
		kgo.ProducerBatchCompression(codecs(m.c.Compression)...),
		kgo.ProducerBatchMaxBytesFn(func(topic string) int32 {
			if topic == m.c.DeadLetter && topic != "" {
				return int32(m.shape.limits.letters)
			}
			return int32(m.shape.limits.to)
		}),
		kgo.MaxBufferedRecords(maxBufferedRecs),
		kgo.MaxBufferedBytes(maxBuffered),
	}
}

// reading gives the options of the client that reads.
func (m *Member) reading() []kgo.Opt {
	forget := func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
		m.metrics.update(func(c *Counts) {
			for _, p := range lost[m.c.From.Topic] {
				delete(c.Lag, p)
			}
		})
	}
	opts := []kgo.Opt{
		kgo.ConsumerGroup(m.c.Group),
		kgo.ConsumeTopics(m.c.From.Topic),
		// A group that is new begins with the oldest record: nothing is left out.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(maxFetchBytes),
		kgo.WithDecompressor(m.decompressor),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsRevoked(forget),
		kgo.OnPartitionsLost(forget),
	}
	if m.c.SessionTimeout > 0 {
		opts = append(opts, kgo.SessionTimeout(m.c.SessionTimeout), kgo.HeartbeatInterval(m.c.SessionTimeout/10))
	}
	return opts
}

// open joins the group.
func (m *Member) open() (broker, error) {
	opts := m.reading()
	if m.one {
		opts = append(opts, m.writing()...)
	}
	opts = append(opts, m.reach(m.c.From.Brokers)...)
	if m.delivery == ExactlyOnce {
		opts = append(opts, kgo.TransactionalID(m.c.TransactionalID), kgo.TransactionTimeout(m.c.TransactionTimeout))
		s, err := kgo.NewGroupTransactSession(opts...)
		if err != nil {
			return nil, fmt.Errorf("set up client: %w", err)
		}
		return &transactional{s}, nil
	}
	opts = append(opts, kgo.BlockRebalanceOnPoll())
	reader, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("set up client: %w", err)
	}
	if m.one {
		return &direct{reader, reader}, nil
	}
	writer, err := kgo.NewClient(append(m.writing(), m.reach(m.c.To.Brokers)...)...)
	if err != nil {
		reader.Close()
		return nil, fmt.Errorf("set up client: %w", err)
	}
	return &direct{reader, writer}, nil
}

// transactional is a broker with exactly once. A rebalance during a batch
// aborts it.
type transactional struct{ s *kgo.GroupTransactSession }

func (t *transactional) poll(ctx context.Context, most int) kgo.Fetches {
	return t.s.PollRecords(ctx, most)
}
func (t *transactional) fetched() int64                  { return t.s.Client().BufferedFetchBytes() }
func (t *transactional) begin() error                    { return t.s.Begin() }
func (t *transactional) flush(ctx context.Context) error { return t.s.Client().Flush(ctx) }
func (t *transactional) allow()                          {}

func (t *transactional) close() {
	leave(t.s.Client())
	t.s.Close()
}

func (t *transactional) produce(r *kgo.Record, done func(*kgo.Record, error)) {
	t.s.Produce(context.Background(), r, done)
}

// skip tells the client first where it is. It takes the first offset that it is set to
// in a partition for the committed one, and after an abort it would go on behind what
// was left out, whose dead letter is undone.
func (t *transactional) skip(from, to offsets) {
	t.s.Client().SetOffsets(from)
	t.s.Client().SetOffsets(to)
}

// end goes back by itself to what was committed last.
func (t *transactional) end(ctx context.Context, ok bool, _ offsets) (bool, error) {
	return t.s.End(ctx, kgo.TransactionEndTry(ok))
}

// direct is a broker with at least once: partitions are given away only when
// all that was read of them is written and committed.
type direct struct{ reader, writer *kgo.Client }

func (p *direct) poll(ctx context.Context, most int) kgo.Fetches {
	return p.reader.PollRecords(ctx, most)
}
func (p *direct) fetched() int64                  { return p.reader.BufferedFetchBytes() }
func (p *direct) begin() error                    { return nil }
func (p *direct) flush(ctx context.Context) error { return p.writer.Flush(ctx) }
func (p *direct) skip(_, to offsets)              { p.reader.SetOffsets(to) }
func (p *direct) allow()                          { p.reader.AllowRebalance() }

func (p *direct) produce(r *kgo.Record, done func(*kgo.Record, error)) {
	p.writer.Produce(context.Background(), r, done)
}

// commitTries bounds the attempts to commit, which fail while a group is being
// put together.
const commitTries = 3

func (p *direct) end(ctx context.Context, ok bool, from offsets) (committed bool, err error) {
	if !ok {
		p.reader.SetOffsets(from)
		return false, nil
	}
	for i := range commitTries {
		if i > 0 {
			pause(ctx, 100*time.Millisecond)
		}
		if err = p.reader.CommitUncommittedOffsets(ctx); err == nil {
			return true, nil
		}
	}
	return false, err
}

func (p *direct) close() {
	p.allow()
	leave(p.reader)
	p.reader.CloseAllowingRebalance()
	if p.writer != p.reader {
		p.writer.Close()
	}
}

// leaveTimeout bounds the wait for a coordinator that is away.
const leaveTimeout = 5 * time.Second

// leave leaves the group, so that others take over at once.
func leave(cl *kgo.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	cl.LeaveGroupContext(ctx) // if it fails the group finds out by itself
}

// firstError keeps the first error of records that were written.
type firstError struct {
	mu  sync.Mutex
	err error
}

func (f *firstError) done(_ *kgo.Record, err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

func (f *firstError) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// flush waits until all records are written, and gives the first error.
func flush(ctx context.Context, b broker, failed *firstError) error {
	if err := b.flush(ctx); err != nil {
		return err
	}
	return failed.get()
}
