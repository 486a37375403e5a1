// Package kafka annotates flow logs that pass through Apache Kafka, or a broker
// that speaks its protocol. A [Member] of a consumer group reads the records of one
// topic and writes them, annotated, to another.
//
// A topic consists of partitions. Each is a log with an order of its own; there is
// no order between partitions. A consumer group divides the partitions among its
// members, and again whenever a member joins, leaves or dies. So no more members
// can be busy than there are partitions. The group stores, for each partition, the
// offset up to which it has been read: the committed offset.
//
// A member may die after it has written a result and before it has committed the
// offset. The next member then reads and writes it again: at least once. A
// transaction (KIP-98, KIP-447) makes writing and committing one step: exactly
// once, for readers with the isolation level read_committed. If a transaction
// fails, or partitions move to another member meanwhile, it is aborted and its
// records are read again.
//
// # Order
//
// Records of one partition stay in order. If both topics have the same number of
// partitions, a record keeps its partition number. Otherwise a record with a key
// goes to the partition that Kafka's own clients choose, by the murmur2 hash of the
// key. A record without a key goes to its partition number modulo the number of
// partitions, so records from one partition stay in order.
//
// # What becomes of a record
//
// Key, headers and timestamp stay. The value is annotated as [flowlog.Messages]
// does it, or as a goflow2 message (see [Protobuf]). A record that is not understood
// keeps its value and gets the header [ErrorHeader], or goes to the dead-letter
// topic. A record without a value (a tombstone of a compacted topic) stays as it
// is.
//
// No record stops the others. If the topic does not accept the annotated record,
// because it is too large or for another reason such as its timestamp, the record
// is written unchanged with ErrorHeader. If the topic does not accept that either,
// the record goes to the dead-letter topic, if necessary without its key, value and
// headers. If there is no dead-letter topic, the record is left out and counted as
// [Skipped]. Its offset is committed in each case.
//
// Brokers reject whole batches. After a rejection the same records are read again,
// fewer at a time, until the rejected record is found.
//
// A batch that would decompress to more than 64 MiB is left out in the same way; its
// dead letter says which offsets it had.
package kafka

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/portannot/portannot/annotate/flowlog"
)

// The headers that are added to records.
const (
	ErrorHeader     = "portannot-error"     // why the value is not annotated
	TopicHeader     = "portannot-topic"     // of a dead letter: the topic it was read from
	PartitionHeader = "portannot-partition" // of a dead letter, in decimal
	OffsetHeader    = "portannot-offset"    // of a dead letter, in decimal
)

// Protobuf is the format of goflow2 -format=bin: each record is one FlowMessage,
// preceded by its length. It is recognised by content, too. The annotation is field
// 21000 of the message; see portannot.proto.
const Protobuf = "goflow2-protobuf"

// Address is a topic of a cluster.
type Address struct {
	Brokers []string // host:port, at least one; the other brokers are discovered
	Topic   string
}

// DefaultPort is the port of a broker whose address has none.
const DefaultPort = 9092

// ParseAddress parses "kafka://HOST[:PORT][,HOST[:PORT]…]/TOPIC". Its errors do not
// repeat s, which may contain a secret by mistake.
func ParseAddress(s string) (Address, error) {
	rest, ok := strings.CutPrefix(s, "kafka://")
	if !ok {
		return Address{}, errors.New("address of a topic: want kafka://BROKERS/TOPIC")
	}
	if strings.ContainsAny(rest, "@?#") {
		return Address{}, errors.New("address of a topic: a user, a password or options have no place in it")
	}
	brokers, topic, ok := strings.Cut(rest, "/")
	if !ok || !validTopic(topic) {
		return Address{}, errors.New("address of a topic: want a topic of letters, digits, '.', '_' and '-' behind the brokers, kafka://BROKERS/TOPIC")
	}
	a := Address{Topic: topic}
	for b := range strings.SplitSeq(brokers, ",") {
		host, port := b, strconv.Itoa(DefaultPort)
		if h, p, err := net.SplitHostPort(b); err == nil {
			host, port = h, p
		} else {
			host = strings.TrimSuffix(strings.TrimPrefix(b, "["), "]")
		}
		if n, err := strconv.ParseUint(port, 10, 16); host == "" || err != nil || n == 0 {
			return Address{}, fmt.Errorf("address of a topic: broker %q: want HOST or HOST:PORT", b)
		}
		a.Brokers = append(a.Brokers, net.JoinHostPort(host, port))
	}
	return a, nil
}

// String returns the form that ParseAddress parses.
func (a Address) String() string {
	return "kafka://" + strings.Join(a.Brokers, ",") + "/" + a.Topic
}

// validTopic checks a topic's name as Kafka does.
func validTopic(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= 249 && strings.IndexFunc(s, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-')
	}) < 0
}

// Delivery says how often a record may be written. The zero value means exactly
// once if the cluster allows it.
type Delivery uint8

// The deliveries.
const (
	BestDelivery Delivery = iota // exactly once, else at least once, with a report of the reason
	ExactlyOnce                  // an error if the cluster does not allow it
	AtLeastOnce
)

// String returns "best", "exactly once" or "at least once".
func (d Delivery) String() string {
	return [...]string{"best", "exactly once", "at least once"}[d]
}

// Config is the configuration of a Member. From, To, Group and Enrich.Annotator
// are required.
type Config struct {
	From, To Address
	Group    string // consumer group
	Delivery Delivery
	// TransactionalID identifies the member in transactions. A member that starts
	// again with the same ID aborts the transaction that it left open. With "",
	// the ID is random, and an open transaction ends by its timeout.
	TransactionalID string
	ClientID        string // name that brokers show; "" is "portannot"
	Compression     string // of written batches, one of Compressions; "" is snappy
	DeadLetter      string // topic, on the brokers of To, for records that are not understood or not accepted; "" for none
	Security        Security
	Enrich          flowlog.EnrichOptions

	// CommitInterval is the time for which records are gathered for one commit;
	// 0 is 500 ms. It bounds the delay of records in transactions, and the work
	// that is repeated after a failure.
	CommitInterval time.Duration
	// SessionTimeout is the time without a heartbeat after which the group removes
	// a member; 0 is the default of the client library, 45 s.
	SessionTimeout time.Duration
	// TransactionTimeout is the time after which brokers abort the transaction of
	// a dead member; 0 is 30 s. Until then it holds up readers with
	// read_committed.
	TransactionTimeout time.Duration

	// Report, if not nil, is called with messages for the user, each one line
	// without a newline. Failures are reported once a minute at most. It is called
	// by one goroutine at a time.
	Report func(string)
	// Client lists further options of the client library. They override others.
	Client []kgo.Opt
}

// maxBatch bounds the records of one commit, and so what is done again after a
// failure.
const maxBatch = 250_000

// Bounds of memory: what was fetched and waits (see maxExpandBytes, too), and what
// waits to be written. When either is full the member reads no more.
const (
	maxFetchBytes   = 16 << 20
	maxBufferedRecs = 2 * maxPoll
	maxBuffered     = 64 << 20 // bytes
	maxPoll         = 10_000   // records taken at once
)

func (c *Config) setDefaults() {
	if c.ClientID == "" {
		c.ClientID = "portannot"
	}
	if c.CommitInterval <= 0 {
		c.CommitInterval = 500 * time.Millisecond
	}
	if c.TransactionTimeout <= 0 {
		c.TransactionTimeout = 30 * time.Second
	}
	if c.Report == nil {
		c.Report = func(string) {}
	}
}

// Check reports errors in a Config that can be found without the cluster.
func (c *Config) Check() error {
	switch {
	case c.Group == "":
		return errors.New("no consumer group")
	case len(c.From.Brokers) == 0 || len(c.To.Brokers) == 0:
		return errors.New("no brokers")
	case c.DeadLetter != "" && !validTopic(c.DeadLetter):
		return fmt.Errorf("dead-letter topic %q: want letters, digits, '.', '_' and '-'", c.DeadLetter)
	case c.sameBrokers() && c.From.Topic == c.To.Topic:
		return fmt.Errorf("topic %q is both read and written: it would never end", c.From.Topic)
	case c.sameBrokers() && c.From.Topic == c.DeadLetter:
		return fmt.Errorf("topic %q is both read and the dead-letter topic: it would never end", c.From.Topic)
	case !slices.Contains(Compressions(), c.Compression) && c.Compression != "":
		return fmt.Errorf("compression %q: want %s", c.Compression, strings.Join(Compressions(), ", "))
	}
	_, err := newAnnotator(c.Enrich)
	return err
}

// sameBrokers reports that both addresses name the same brokers.
func (c *Config) sameBrokers() bool {
	from, to := slices.Sorted(slices.Values(c.From.Brokers)), slices.Sorted(slices.Values(c.To.Brokers))
	return slices.Equal(from, to)
}

// Compressions lists the compression codecs.
func Compressions() []string { return []string{"none", "gzip", "snappy", "lz4", "zstd"} }

// codecs gives a codec, and none where a broker does not know it.
func codecs(name string) []kgo.CompressionCodec {
	switch name {
	case "none":
		return []kgo.CompressionCodec{kgo.NoCompression()}
	case "gzip":
		return []kgo.CompressionCodec{kgo.GzipCompression()}
	case "lz4":
		return []kgo.CompressionCodec{kgo.Lz4Compression(), kgo.NoCompression()}
	case "zstd":
		return []kgo.CompressionCodec{kgo.ZstdCompression(), kgo.NoCompression()}
	}
	return []kgo.CompressionCodec{kgo.SnappyCompression(), kgo.NoCompression()}
}
