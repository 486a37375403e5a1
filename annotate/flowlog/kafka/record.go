package kafka

import (
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/portannot/portannot/annotate/flowlog"
)

// Result is what became of a record.
type Result uint8

// The results.
const (
	Annotated     Result = iota
	Unchanged            // nothing to annotate: an event without ports, or no value
	Dropped              // not selected
	NotUnderstood        // written unchanged, with ErrorHeader
	DeadLettered         // likewise, to the dead-letter topic
	NumResults    int    = iota
)

// String gives the name in metrics: "annotated", "unchanged", "dropped",
// "not_understood" or "dead_lettered".
func (r Result) String() string {
	return [...]string{"annotated", "unchanged", "dropped", "not_understood", "dead_lettered"}[r]
}

// annotator annotates the values of records. It is for one goroutine.
type annotator struct {
	text   *flowlog.Messages
	proto  *protobuf
	auto   bool // the format is found out
	binary bool // the format is protobuf, or was, of the record before
	rooms  rooms
	in     *room // where the last value lies; nil for memory of its own
}

func newAnnotator(opt flowlog.EnrichOptions) (*annotator, error) {
	a := &annotator{auto: (opt.Format == "" || opt.Format == "auto") && opt.Map.IsZero()}
	if opt.Format == Protobuf {
		a.binary, opt.Format = true, ""
	}
	var err error
	if a.text, err = flowlog.NewMessages(opt); err != nil {
		return nil, err
	}
	a.proto = newProtobuf(opt)
	return a, nil
}

// annotate gives the annotated value of a record. An empty one with Flow or
// Other is not selected. The value stays while the room a.in is held.
func (a *annotator) annotate(value []byte) (out []byte, kind flowlog.Kind, err error) {
	// An annotation is a few times as long as what it belongs to.
	in := a.rooms.need(2<<10 + 2*len(value))
	from := len(in.b)
	out, kind, err = a.appendTo(in.b, value)
	if kind == flowlog.Bad {
		return nil, kind, err
	}
	if cap(out) == cap(in.b) {
		a.in, in.b = in, out
	} else { // it was too long after all, and lies elsewhere
		a.in = nil
	}
	return out[from:len(out):len(out)], kind, nil
}

func (a *annotator) appendTo(dst, value []byte) (out []byte, kind flowlog.Kind, err error) {
	message, framed := delimited(value)
	if a.binary {
		if framed {
			out, kind, err = a.proto.append(dst, message)
		} else {
			out, kind, err = dst, flowlog.Bad, errNoMessage
		}
		if kind != flowlog.Bad || !a.auto {
			return out, kind, err
		}
	}
	was := a.binary
	out, kind, problem := a.text.Append(dst, value)
	if kind != flowlog.Bad {
		a.binary = false
		return out, kind, nil
	}
	err = problem
	if a.auto && framed && !was {
		if o, k, _ := a.proto.append(dst, message); k != flowlog.Bad {
			a.binary = true
			return o, k, nil
		}
	}
	return dst, kind, err
}

// stats adds up what was said of flows.
func (a *annotator) stats() flowlog.Stats {
	s, p := *a.text.Stats(), a.proto.flows.Stats()
	s.Flows += p.Flows
	for i, n := range p.Statuses {
		s.Statuses[i] += n
	}
	s.NoSide += p.NoSide
	s.NoPort += p.NoPort
	s.NoPorts += p.NoPorts
	s.NoProtocol += p.NoProtocol
	s.Selected += p.Selected
	return s
}

// outlet turns records that were read into those that are written.
type outlet struct {
	annotator  *annotator
	topic      string
	deadLetter string
	limit      int // bytes of a record that the topic takes
}

// overhead is what a batch of one record has around its key, value and headers,
// in bytes: 61 of the batch, and numbers of variable length.
const overhead = 128

// turn makes a record that was read the one to be written. why says why it is
// not annotated. The value lies in the room in, unless that is nil.
func (o *outlet) turn(r *kgo.Record) (result Result, in *room, why error) {
	from, partition, offset := r.Topic, r.Partition, r.Offset
	r.Topic = o.topic
	if r.Value == nil {
		return Unchanged, nil, nil
	}
	value, kind, err := o.annotator.annotate(r.Value)
	switch {
	case kind == flowlog.Bad:
	case len(value) == 0 && len(r.Value) > 0:
		return Dropped, nil, nil
	case size(r, value) > o.limit:
		err = fmt.Errorf("annotated record of more than the topic's %d bytes", o.limit)
	case kind == flowlog.Flow:
		r.Value = value
		return Annotated, o.annotator.in, nil
	case len(value) > 0:
		r.Value = value
		return Unchanged, o.annotator.in, nil
	default:
		return Unchanged, nil, nil
	}
	r.Headers = withHeader(r.Headers, ErrorHeader, err.Error())
	if o.deadLetter == "" {
		return NotUnderstood, nil, err
	}
	r.Topic = o.deadLetter
	r.Headers = withHeader(r.Headers, TopicHeader, from)
	r.Headers = withHeader(r.Headers, PartitionHeader, strconv.Itoa(int(partition)))
	r.Headers = withHeader(r.Headers, OffsetHeader, strconv.FormatInt(offset, 10))
	return DeadLettered, nil, err
}

// size bounds what a record takes in a batch of its own, in bytes.
func size(r *kgo.Record, value []byte) int {
	n := overhead + len(r.Key) + len(value)
	for _, h := range r.Headers {
		n += 10 + len(h.Key) + len(h.Value)
	}
	return n
}

// withHeader sets a header, in place of an earlier one of the name.
func withHeader(headers []kgo.RecordHeader, key, value string) []kgo.RecordHeader {
	for i := range headers {
		if headers[i].Key == key {
			headers[i].Value = []byte(value)
			return headers
		}
	}
	return append(headers[:len(headers):len(headers)], kgo.RecordHeader{Key: key, Value: []byte(value)})
}

// partitioner keeps records of one partition in order: see the package comment.
// It reads the number of the partition that a record came from in the record.
type partitioner struct {
	topic string
	same  bool // as many partitions in both topics
	keyed kgo.Partitioner
}

func newPartitioner(topic string, same bool) kgo.Partitioner {
	p := partitioner{topic, same, kgo.StickyKeyPartitioner(nil)}
	return kgo.BasicConsistentPartitioner(p.forTopic)
}

func (p partitioner) forTopic(topic string) func(*kgo.Record, int) int {
	keyed := p.keyed.ForTopic(topic)
	same := p.same && topic == p.topic
	return func(r *kgo.Record, n int) int {
		if len(r.Key) > 0 && !same {
			return keyed.Partition(r, n)
		}
		return int(uint32(r.Partition)) % n
	}
}
