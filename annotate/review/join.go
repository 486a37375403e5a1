package review

import (
	"net/netip"
	"time"

	"github.com/portannot/portannot/annotate"
)

// Routers and clouds write a record for each direction of a connection. The two
// are one flow: the second shows that the first was answered. So the first waits
// for it.

// Bounds of what waits: how many flows, and how far apart the beginnings of the
// two directions may be. Exporters write at least every ten minutes.
const (
	maxWaiting = 1 << 16
	apart      = 10 * time.Minute
)

const tcp = 6 // IP protocol number

// ends2 are the two ends of a connection, the lesser one first.
type ends2 struct {
	a, b     netip.AddrPort
	protocol uint8
}

// waiting is a flow of one direction that waits for its answers.
type waiting struct {
	flow       Flow
	annotation annotate.Annotation
	joined     bool // it was added
}

// joiner joins the two directions of connections.
type joiner struct {
	waiting map[ends2]*waiting
	queue   []*waiting // in the order in which they came, from first on
	first   int
}

func endsOf(f *Flow) ends2 {
	if f.Destination.Compare(f.Source) < 0 {
		return ends2{f.Destination, f.Source, f.Protocol}
	}
	return ends2{f.Source, f.Destination, f.Protocol}
}

// addDirection adds a flow of one direction, or keeps it until its answers come.
func (c *Collector) addDirection(f *Flow, a *annotate.Annotation) Ref {
	j := &c.joiner
	if f.Source == f.Destination || a.NoSourcePort || a.NoDestinationPort || outcomeOf(f) == denied {
		return c.add(f, a)
	}
	if j.waiting == nil {
		j.waiting = map[ends2]*waiting{}
	}
	key := endsOf(f)
	w := j.waiting[key]
	if w != nil && w.flow.Source == f.Destination && near(w.flow.Start, f.Start) {
		delete(j.waiting, key)
		w.joined = true
		both, annotation := joinFlows(w, f, a)
		return c.add(&both, annotation)
	}
	if w != nil { // the same direction again, or too long ago
		w.joined = true
		c.add(&w.flow, &w.annotation)
	}
	w = &waiting{flow: *f, annotation: *a}
	j.waiting[key] = w
	j.queue = append(j.queue, w)
	for len(j.waiting) > maxWaiting || len(j.queue)-j.first > 2*maxWaiting {
		c.letGo()
	}
	return Ref{}
}

func near(a, b int64) bool { return a == 0 || b == 0 || time.Duration(max(a, b)-min(a, b)) <= apart }

// letGo adds the flow that waits for longest.
func (c *Collector) letGo() {
	j := &c.joiner
	w := j.queue[j.first]
	j.queue[j.first] = nil
	if j.first++; j.first >= maxWaiting {
		j.queue = append(j.queue[:0], j.queue[j.first:]...)
		j.first = 0
	}
	if !w.joined {
		delete(j.waiting, endsOf(&w.flow))
		c.add(&w.flow, &w.annotation)
	}
}

// letAllGo adds all flows that wait.
func (c *Collector) letAllGo() {
	for c.joiner.first < len(c.joiner.queue) {
		c.letGo()
	}
	c.joiner = joiner{}
}

// joinFlows makes one flow of both directions, with the ends of the one that says
// more of which end is the service.
func joinFlows(w *waiting, f *Flow, a *annotate.Annotation) (Flow, *annotate.Annotation) {
	chosen, other, annotation := &w.flow, f, &w.annotation
	if a.Service.Confidence > annotation.Service.Confidence {
		chosen, other, annotation = f, &w.flow, a
	}
	answer := other
	if annotation.Service.Side == annotate.Source {
		answer = chosen
	}
	both := *chosen
	both.OneDirection = false
	both.Outcome = joinedOutcome(&w.flow, f, answer)
	both.Start, both.Last = widen(both.Start, both.Last, other.Start, other.Last)
	both.Packets += other.Packets
	both.Bytes += other.Bytes
	both.Counted = both.Counted && other.Counted
	return both, annotation
}

// joinedOutcome says what became of a connection whose two directions were seen.
// Of TCP a single packet of the server may have been a reset; where packets are not
// counted, there may have been just one.
func joinedOutcome(first, second, answer *Flow) annotate.Outcome {
	for _, o := range [...]annotate.Outcome{annotate.Answered, annotate.Refused, annotate.Denied} {
		if first.Outcome == o || second.Outcome == o {
			return o
		}
	}
	if answer.Protocol == tcp && answer.Packets < 2 {
		return annotate.NoOutcome
	}
	return annotate.Answered
}
