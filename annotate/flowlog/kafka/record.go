package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/portannot/portannot/annotate/flowlog"
)

// Result says what became of a record.
type Result uint8

// The results.
const (
	Annotated     Result = iota
	Unchanged            // nothing to annotate: an event without ports, or no value
	Dropped              // not selected
	NotUnderstood        // not understood; written unchanged, with ErrorHeader
	DeadLettered         // written to the dead-letter topic
	Refused              // not accepted when annotated; written unchanged, with ErrorHeader
	Skipped              // not written: no topic accepts it
	NumResults    int    = iota
)

// String returns the name in metrics: "annotated", "unchanged", "dropped",
// "not_understood", "dead_lettered", "refused" or "skipped".
func (r Result) String() string {
	return [...]string{"annotated", "unchanged", "dropped", "not_understood", "dead_lettered", "refused", "skipped"}[r]
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
