// Package kafka annotates the flow logs that pass through Apache Kafka, or
// anything that speaks its protocol: it reads the records of one topic as a
// member of a consumer group and writes them, annotated, to another.
//
// A topic is a set of partitions, each a log of records in an order of its own;
// between partitions there is none. A consumer group deals the partitions out
// among its members, and again whenever one joins, leaves or dies: that is how
// work is spread, so there can be no more busy members than partitions. How far
// a partition has been read is its committed offset, kept by the group.
//
// What may go wrong lies between writing the result and committing the offset.
// A member that dies in between leaves records written that count as unread,
// and the next member writes them again: at least once. Transactions (KIP-98,
// KIP-447) put both into one step, which happens or does not: exactly once, for
// readers whose isolation level is read_committed. A transaction that fails, or
// during which partitions go to another member, is aborted, and what it read is
// read again.
//
// # Order
//
// Records of one partition stay in order. Where both topics have as many
// partitions, a record keeps its partition's number. Otherwise one with a key
// goes where Kafka's own clients put it, by the murmur2 hash of the key, and
// one without to the number of its partition modulo the number of partitions,
// so that what came in order from one partition is still in order.
//
// # What becomes of a record
//
// Key, headers and timestamp stay. The value is annotated as
// [flowlog.Messages] does it, or as a goflow2 message (see [Protobuf]). A
// record that cannot be understood keeps its value too and gets the header
// [ErrorHeader], or goes to the dead-letter topic. A record without a value (a
// tombstone of a compacted topic) stays as it is.
//
// No record stops the others. One that is larger, once annotated, than the topic
// takes is written unchanged with ErrorHeader. So is one that the topic refuses,
// say for its timestamp; if it is refused unchanged too, or is too large as it
// is, it goes to the dead-letter topic, without its value if need be, and is left
// out and counted if there is none. A refusal is of a whole batch, so the records
// of that are read again, fewer at once, to find the one it is about. Likewise,
// batches that would decompress to more than memory allows are left out, with a
// dead letter that says where they are.
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

// Headers that records may get.
const (
	ErrorHeader     = "portannot-error"     // why the value is not annotated
	TopicHeader     = "portannot-topic"     // of a dead letter: where it was read
	PartitionHeader = "portannot-partition" // likewise, in decimal
	OffsetHeader    = "portannot-offset"    // likewise
)

// Protobuf is the name of the format of goflow2's -format=bin: one FlowMessage
// a record, with its length in front. It is found out from the content too. The
// annotation is the field 21000 of the message, see portannot.proto.
const Protobuf = "goflow2-protobuf"

// Address is a topic of a cluster.
type Address struct {
	Brokers []string // host:port, at least one; the others are found through it
	Topic   string
}

// DefaultPort is a broker's, where an address names none.
const DefaultPort = 9092

// ParseAddress reads "kafka://HOST[:PORT][,HOST[:PORT]…]/TOPIC". Errors do not
// repeat the text, which may hold a secret that does not belong there.
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

// String gives the form that ParseAddress reads.
func (a Address) String() string {
	return "kafka://" + strings.Join(a.Brokers, ",") + "/" + a.Topic
}

// validTopic checks a topic's name as Kafka does.
func validTopic(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= 249 && strings.IndexFunc(s, func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-')
	}) < 0
}

// Delivery says how often a record may arrive. The zero value is exactly once
// where the cluster allows it.
type Delivery uint8

// The deliveries.
const (
	BestDelivery Delivery = iota // exactly once, or at least once and a message why
	ExactlyOnce                  // or an error
	AtLeastOnce
)

// String gives "best", "exactly once" or "at least once".
func (d Delivery) String() string {
	return [...]string{"best", "exactly once", "at least once"}[d]
}

// Config says what a member does. From, To, Group and Enrich's Annotator are
// needed.
type Config struct {
	From, To Address
	Group    string // consumer group
	Delivery Delivery
	// TransactionalID tells members apart, and a member from the one that it
	// was before a restart, whose open transaction is aborted then; without
	// that it is when it times out. "" makes one that is never used again.
	TransactionalID string
	ClientID        string // shown by brokers; "" is "portannot"
	Compression     string // of batches: see Compressions; "" is snappy
	DeadLetter      string // topic, at To, for what is not understood; "" for none
	Security        Security
	Enrich          flowlog.EnrichOptions

	// CommitInterval is how long records are gathered for one commit; 0 is
	// 500 ms. It is a bound on how much later a record arrives with
	// transactions, and on what is done again after a failure.
	CommitInterval time.Duration
	// SessionTimeout is after what silence the group takes a member for dead;
	// 0 is the client library's, 45 s.
	SessionTimeout time.Duration
	// TransactionTimeout is when a dead member's transaction is aborted by the
	// broker. Until then, readers with read_committed wait behind it. 0 is
	// 30 s.
	TransactionTimeout time.Duration

	// Report, if not nil, is told in one line, without a line end, what a
	// person should know. It is called by one goroutine at a time.
	Report func(string)
	// Client are further options of the client library, behind ours.
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

// Check finds what is wrong with a Config without asking the cluster.
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

// Compressions lists the codecs of batches.
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
