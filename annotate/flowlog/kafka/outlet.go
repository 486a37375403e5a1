package kafka

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/portannot/portannot/annotate/flowlog"
)

// outlet turns records that were read into those that are written. It is for one
// goroutine.
type outlet struct {
	annotator  *annotator
	topic      string
	deadLetter string
	limits     limits
	refused    map[position]refusal
	// last is the record that was turned last, and the form it got.
	last     position
	lastForm form
}

// form is what a record is written as. When one is refused, or is larger than the
// topic takes, the next is tried.
type form uint8

const (
	annotatedForm form = iota
	asRead             // unchanged, with ErrorHeader
	letter             // to the dead-letter topic
	emptyLetter        // likewise, with headers that say where it was read, and nothing else
	nowhere
)

// position is where a record was read.
type position struct {
	partition int32
	offset    int64
}

// refusal is what comes next for a record that a topic has refused, and why.
type refusal struct {
	next form
	why  error
}

// refuse notes that the record which was turned last was refused.
func (o *outlet) refuse(why error) {
	if o.refused == nil {
		o.refused = make(map[position]refusal)
	}
	o.refused[o.last] = refusal{min(o.lastForm+1, nowhere), why}
}

// turn makes a record that was read the one to be written, unless the result is
// Dropped or Skipped. why says why it is not annotated. The value lies in the room
// in, unless that is nil.
func (o *outlet) turn(r *kgo.Record) (result Result, in *room, why error) {
	from, at := r.Topic, position{r.Partition, r.Offset}
	r.Topic = o.topic
	f := annotatedForm
	result = Refused
	if x, ok := o.refused[at]; ok {
		f, why = x.next, x.why
	}
	if f == annotatedForm {
		if result, in, why = o.annotate(r); why == nil {
			o.last, o.lastForm = at, f
			return result, in, nil
		}
		if f = asRead; result == NotUnderstood && o.deadLetter != "" {
			f = letter
		}
	}
	f, result = o.unchanged(r, f, result, from, at, why)
	o.last, o.lastForm = at, f
	return result, nil, why
}

// annotate annotates a record. With an error it stays as it is, and the result is
// NotUnderstood or, if it would be too large, Refused.
func (o *outlet) annotate(r *kgo.Record) (result Result, in *room, err error) {
	if r.Value == nil {
		return Unchanged, nil, nil
	}
	value, kind, err := o.annotator.annotate(r.Value)
	switch {
	case kind == flowlog.Bad:
		return NotUnderstood, nil, err
	case len(value) == 0 && len(r.Value) > 0:
		return Dropped, nil, nil
	case size(r, value) > o.limits.to:
		return Refused, nil, fmt.Errorf("annotated record of more than the topic's %d bytes", o.limits.to)
	case kind == flowlog.Flow:
		r.Value = value
		return Annotated, o.annotator.in, nil
	case len(value) > 0:
		r.Value = value
		return Unchanged, o.annotator.in, nil
	}
	return Unchanged, nil, nil
}

// unchanged gives a record the first form, from f on, that fits its topic.
func (o *outlet) unchanged(r *kgo.Record, f form, result Result, from string, at position, why error) (form, Result) {
	if f == asRead {
		headers := withHeader(r.Headers, ErrorHeader, why.Error())
		if sizeWith(r, headers) <= o.limits.to {
			r.Headers = headers
			return asRead, result
		}
		f = letter
	}
	if o.deadLetter == "" || f == nowhere {
		return nowhere, Skipped
	}
	r.Topic = o.deadLetter
	if errors.Is(why, kerr.InvalidTimestamp) {
		r.Timestamp = time.Time{} // it becomes the time of writing
	}
	if f == letter {
		headers := letterHeaders(r.Headers, why.Error(), from, at)
		if sizeWith(r, headers) <= o.limits.letters {
			r.Headers = headers
			return letter, DeadLettered
		}
	}
	text := fmt.Sprintf("%v; key, value and headers, %d bytes, left out", why, sizeWith(r, r.Headers)-overhead)
	r.Key, r.Value, r.Headers = nil, []byte{}, letterHeaders(nil, text, from, at)
	return emptyLetter, DeadLettered
}

// letterHeaders adds the headers of a dead letter.
func letterHeaders(headers []kgo.RecordHeader, why, topic string, at position) []kgo.RecordHeader {
	headers = withHeader(headers, ErrorHeader, why)
	headers = withHeader(headers, TopicHeader, topic)
	headers = withHeader(headers, PartitionHeader, strconv.Itoa(int(at.partition)))
	return withHeader(headers, OffsetHeader, strconv.FormatInt(at.offset, 10))
}

// unread makes the dead letter of a batch that could not be read. ok is false when
// there is to be none.
func (o *outlet) unread(topic string, at position, why error) (r *kgo.Record, ok bool) {
	o.last, o.lastForm = at, emptyLetter
	if o.deadLetter == "" || o.refused[at].next == nowhere {
		o.lastForm = nowhere
		return nil, false
	}
	return &kgo.Record{Topic: o.deadLetter, Partition: at.partition, Value: []byte{}, Headers: letterHeaders(nil, why.Error(), topic, at)}, true
}

// overhead is what a batch of one record has around its key, value and headers,
// in bytes: 61 of the batch, and numbers of variable length.
const overhead = 128

// size bounds what a record takes in a batch of its own, in bytes.
func size(r *kgo.Record, value []byte) int {
	n := overhead + len(r.Key) + len(value)
	for _, h := range r.Headers {
		n += 10 + len(h.Key) + len(h.Value)
	}
	return n
}

// sizeWith is size with other headers.
func sizeWith(r *kgo.Record, headers []kgo.RecordHeader) int {
	return size(&kgo.Record{Key: r.Key, Headers: headers}, r.Value)
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
