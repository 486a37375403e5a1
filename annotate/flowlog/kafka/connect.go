package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// shape is what was found out of the topics.
type shape struct {
	from, to int // partitions
	limits   limits
}

// limits are the bytes of a batch that the topics written to take.
type limits struct {
	to, letters int
	known       bool // the cluster has said so
}

// exploreTimeout is how long a cluster may take to answer at the start.
const exploreTimeout = 30 * time.Second

// defaultLimit is Kafka's own max.message.bytes, for those who may not ask for
// the topic's.
const defaultLimit = 1_048_588

// Bounds of the pauses before brokers are asked again.
const (
	firstPause = 250 * time.Millisecond
	maxPause   = 15 * time.Second
)

// awayError is one that passes when brokers are there again.
type awayError struct{ error }

func (e *awayError) Unwrap() error { return e.error }

// asked gives the error of a request, as an awayError unless trying again does
// not mend it.
func asked(err error) error {
	var certificate *tls.CertificateVerificationError
	if err == nil || permanent(err) || errors.As(err, &certificate) {
		return err
	}
	return &awayError{err}
}

// Connect asks the cluster for the topics and for what it allows. It waits for
// brokers that are not there yet, until ctx is done. The error is that of ctx, or
// one that retrying does not fix. On success it reports the delivery.
func (m *Member) Connect(ctx context.Context) error {
	for wait := firstPause; ; wait = min(2*wait, maxPause) {
		err := m.explore(ctx)
		var away *awayError
		switch {
		case err == nil:
			m.outlet.limits = m.shape.limits
			m.metrics.update(func(c *Counts) { c.Delivery, c.trouble = m.delivery, nil })
			m.connected = true
			return nil
		case ctx.Err() != nil || !errors.As(err, &away):
			return err
		}
		m.metrics.update(func(c *Counts) { c.FetchErrors++; c.trouble = err })
		m.say("waiting for brokers: %v", err)
		if pause(ctx, wait); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// explore finds out what the cluster has and allows.
func (m *Member) explore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, exploreTimeout)
	defer cancel()
	// A wrong password or address should be told soon.
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
	if m.c.DeadLetter != "" {
		if _, _, err = partitions(ctx, to, m.c.To, m.c.DeadLetter); err != nil {
			return err
		}
	}
	m.shape.limits = maxMessages(ctx, to, m.written())
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
		case m.c.Delivery == ExactlyOnce || errors.As(err, new(*awayError)):
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
		return fmt.Errorf("ask for versions: %w", asked(err))
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
		var refused *kerr.Error
		if !errors.As(err, &refused) || refused.Retriable {
			err = asked(err)
		}
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
		return 0, "", fmt.Errorf("look up %s: %w", where, asked(err))
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
			if kerr.IsRetriable(err) {
				err = asked(err)
			}
			return 0, "", fmt.Errorf("look up %s: %w", where, err)
		}
	}
	return 0, "", fmt.Errorf("look up %s: there is no such topic", where)
}

// maxMessages gives the max.message.bytes of the topics that are written, the
// dead letters' behind the other, as far as one may ask.
func maxMessages(ctx context.Context, cl *kgo.Client, topics []string) limits {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, topic := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, []string{"max.message.bytes"}
		req.Resources = append(req.Resources, r)
	}
	said := map[string]int{}
	if resp, err := req.RequestWith(ctx, cl); err == nil {
		for _, r := range resp.Resources {
			for _, c := range r.Configs {
				if c.Value == nil || c.Name != "max.message.bytes" {
					continue
				}
				if n, err := strconv.ParseInt(*c.Value, 10, 31); err == nil && n > 0 {
					said[r.ResourceName] = int(n)
				}
			}
		}
	}
	limit := func(topic string) int {
		n, ok := said[topic]
		if !ok {
			n = defaultLimit
		}
		return min(max(n, minLimit), maxLimit)
	}
	l := limits{to: limit(topics[0]), known: said[topics[0]] != 0}
	if len(topics) > 1 {
		l.letters = limit(topics[1])
	}
	return l
}

// Bounds of limits: the client library's, and what memory allows.
const (
	minLimit = 1 << 10
	maxLimit = maxBuffered - 1<<10
)

// lowest is the limit below which a topic's own is not guessed any more.
const lowest = 32 << 10

// lowerLimits is called when a topic takes less than was thought, and reports
// whether there are lower limits to go by. Where the cluster does not say, half is
// tried.
func (m *Member) lowerLimits(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, exploreTimeout)
	defer cancel()
	cl, err := kgo.NewClient(append(m.reach(m.c.To.Brokers), kgo.RequestRetries(3))...)
	if err != nil {
		return false
	}
	defer cl.Close()
	before := m.shape.limits
	now := maxMessages(ctx, cl, m.written())
	if !now.known {
		now.to = min(now.to, before.to)
		if now.to >= 2*lowest {
			now.to /= 2
		}
	}
	m.shape.limits, m.outlet.limits = now, now
	return now.to < before.to || now.letters < before.letters
}

// written lists the topics that are written.
func (m *Member) written() []string {
	topics := []string{m.c.To.Topic}
	if m.c.DeadLetter != "" {
		topics = append(topics, m.c.DeadLetter)
	}
	return topics
}
