package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// shape is what was found out of the topics.
type shape struct {
	from, to int // partitions
	limit    int // bytes of a batch that the topics written to take
}

// exploreTimeout is how long a cluster may take to answer at the start.
const exploreTimeout = 30 * time.Second

// defaultLimit is Kafka's own max.message.bytes, for those who may not ask for
// the topic's.
const defaultLimit = 1_048_588

// explore finds out what the cluster has and allows.
func (m *Member) explore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, exploreTimeout)
	defer cancel()
	// A wrong password or address should be told soon; later, brokers that are
	// away are waited for.
	few := kgo.RequestRetries(3)
	from, err := kgo.NewClient(append(m.reach(m.c.From.Brokers), few)...)
	if err != nil {
		return fmt.Errorf("set up client: %w", err)
	}
	defer from.Close()
	var cluster, toCluster string
	if m.shape.from, cluster, err = partitions(ctx, from, m.c.From, m.c.From.Topic); err != nil {
		return err
	}
	to := from
	if !m.c.sameBrokers() {
		if to, err = kgo.NewClient(append(m.reach(m.c.To.Brokers), few)...); err != nil {
			return fmt.Errorf("set up client: %w", err)
		}
		defer to.Close()
	}
	if m.shape.to, toCluster, err = partitions(ctx, to, m.c.To, m.c.To.Topic); err != nil {
		return err
	}
	m.one = m.c.sameBrokers() || cluster != "" && cluster == toCluster
	if m.one && slices.Contains([]string{m.c.To.Topic, m.c.DeadLetter}, m.c.From.Topic) {
		return fmt.Errorf("topic %q of one cluster is both read and written: it would never end", m.c.From.Topic)
	}
	written := []string{m.c.To.Topic}
	if m.c.DeadLetter != "" {
		if _, _, err = partitions(ctx, to, m.c.To, m.c.DeadLetter); err != nil {
			return err
		}
		written = append(written, m.c.DeadLetter)
	}
	m.shape.limit = maxMessage(ctx, to, written)
	return m.chooseDelivery(ctx, from)
}

// chooseDelivery decides how often records may arrive, and says it.
func (m *Member) chooseDelivery(ctx context.Context, cl *kgo.Client) error {
	m.delivery = AtLeastOnce
	why := "as asked for"
	if m.c.Delivery != AtLeastOnce {
		err := m.transactions(ctx, cl)
		switch {
		case err == nil:
			m.delivery, why = ExactlyOnce, "in transactions, for readers with read_committed"
		case m.c.Delivery == ExactlyOnce || ctx.Err() != nil:
			return fmt.Errorf("exactly once: %w", err)
		default:
			why = err.Error()
		}
	}
	m.c.Report(fmt.Sprintf("%s to %s, group %s: each record %v: %s", m.c.From, m.c.To, m.c.Group, m.delivery, why))
	return nil
}

// transactions gives nil if transactions can be used.
func (m *Member) transactions(ctx context.Context, cl *kgo.Client) error {
	if !m.one {
		return errors.New("the topics are of two clusters, and no transaction spans them")
	}
	versions, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("ask for versions: %w", err)
	}
	// A group's generation in TxnOffsetCommit, version 3, keeps a member that
	// was taken for dead from committing (KIP-447, Kafka 2.5).
	allowed := slices.ContainsFunc(versions.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool {
		return k.ApiKey == int16(kmsg.TxnOffsetCommit) && k.MaxVersion >= 3
	})
	if !allowed {
		return errors.New("the brokers are older than Kafka 2.5 (KIP-447)")
	}
	opts := append(m.reach(m.c.From.Brokers), kgo.TransactionalID(m.c.TransactionalID), kgo.TransactionTimeout(m.c.TransactionTimeout))
	probe, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("set up client: %w", err)
	}
	defer probe.Close()
	if _, _, err := probe.ProducerID(ctx); err != nil {
		return fmt.Errorf("begin as transactional ID %q: %w", m.c.TransactionalID, err)
	}
	return nil
}

// partitions gives how many partitions a topic has, and the cluster's ID.
func partitions(ctx context.Context, cl *kgo.Client, a Address, topic string) (n int, cluster string, err error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, t)
	where := Address{a.Brokers, topic}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return 0, "", fmt.Errorf("look up %s: %w", where, err)
	}
	if resp.ClusterID != nil {
		cluster = *resp.ClusterID
	}
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if err == nil && len(t.Partitions) > 0 {
			return len(t.Partitions), cluster, nil
		}
		if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
			return 0, "", fmt.Errorf("look up %s: %w", where, err)
		}
	}
	return 0, "", fmt.Errorf("look up %s: there is no such topic", where)
}

// maxMessage gives the smallest max.message.bytes of topics, as far as one may
// ask.
func maxMessage(ctx context.Context, cl *kgo.Client, topics []string) int {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, topic := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, []string{"max.message.bytes"}
		req.Resources = append(req.Resources, r)
	}
	limit := 0
	if resp, err := req.RequestWith(ctx, cl); err == nil {
		for _, r := range resp.Resources {
			for _, c := range r.Configs {
				if c.Value == nil || c.Name != "max.message.bytes" {
					continue
				}
				if n, err := strconv.ParseInt(*c.Value, 10, 31); err == nil && n > 0 && (limit == 0 || int(n) < limit) {
					limit = int(n)
				}
			}
		}
	}
	if limit == 0 {
		return defaultLimit
	}
	return limit
}

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
		kgo.ProducerBatchMaxBytes(int32(m.shape.limit)),
		kgo.MaxBufferedRecords(maxBufferedRecs),
		kgo.MaxBufferedBytes(maxBuffered),
	}
}

// reading gives the options of the client that reads.
func (m *Member) reading() []kgo.Opt {
	forget := func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
		m.metrics.update(func(c *Counts) {
			for _, p := range lost[m.c.From.Topic] {
				delete(c.lag, p)
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

func (t *transactional) poll(ctx context.Context) kgo.Fetches { return t.s.PollRecords(ctx, maxPoll) }
func (t *transactional) begin() error                         { return t.s.Begin() }
func (t *transactional) flush(ctx context.Context) error      { return t.s.Client().Flush(ctx) }
func (t *transactional) allow()                               {}

func (t *transactional) close() {
	leave(t.s.Client())
	t.s.Close()
}

func (t *transactional) produce(r *kgo.Record, done func(*kgo.Record, error)) {
	t.s.Produce(context.Background(), r, done)
}

// end goes back by itself to what was committed last.
func (t *transactional) end(ctx context.Context, ok bool, _ offsets) (bool, error) {
	return t.s.End(ctx, kgo.TransactionEndTry(ok))
}

// direct is a broker with at least once: partitions are given away only when
// all that was read of them is written and committed.
type direct struct{ reader, writer *kgo.Client }

func (p *direct) poll(ctx context.Context) kgo.Fetches { return p.reader.PollRecords(ctx, maxPoll) }
func (p *direct) begin() error                         { return nil }
func (p *direct) flush(ctx context.Context) error      { return p.writer.Flush(ctx) }
func (p *direct) allow()                               { p.reader.AllowRebalance() }

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
