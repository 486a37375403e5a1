package main

import (
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/render"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/cmd/internal/rotate"
)

// tally counts what was written.
type tally struct {
	statuses [iana.NumStatuses]uint64    // flows by the status of the service port
	noSide   uint64                      // flows with no service side
	shown    uint64                      // flows that the selector picked
	verdicts [observe.NumVerdicts]uint64 // flows by what their payload says; all 0 if none was looked at
	services *noteworthy                 // nil where nobody is told of them
}

func (t *tally) add(o *tally) {
	for i, n := range o.statuses {
		t.statuses[i] += n
	}
	for i, n := range o.verdicts {
		t.verdicts[i] += n
	}
	if t.services != nil && o.services != nil {
		t.services.merge(o.services)
	}
	t.noSide += o.noSide
	t.shown += o.shown
}

// lane annotates, selects and renders flows for one goroutine. The annotation
// stands here, and not in append, for it is passed through an interface and
// would be allocated for each flow.
type lane struct {
	j          *job
	format     render.Format
	flow       flow.Flow
	annotation annotate.Annotation
	observer   *annotate.Observer // nil with --observe off
	tally      tally
	choose     bool     // note the selected flows, for carving
	picked     []picked // which they are
}

func newLane(j *job, format render.Format) lane {
	l := lane{j: j, format: format}
	if j.table.Payload > 0 {
		l.observer = new(annotate.Observer)
	}
	if !j.quiet && j.selector.Empty() && j.sum == nil {
		l.tally.services = newNoteworthy()
	}
	return l
}

// append appends a flow if it is selected.
func (l *lane) append(dst []byte, f *flow.Flow) []byte {
	l.j.annotator.FlowTo(&l.annotation, f, l.observer)
	e := l.annotation.ServiceEntry()
	if e != nil {
		l.tally.statuses[e.Status]++
	} else {
		l.tally.noSide++
	}
	if l.tally.services != nil {
		l.tally.services.add(e, &l.annotation)
	}
	if l.observer != nil {
		l.tally.verdicts[l.annotation.Observed.Verdict]++
	}
	if !l.j.selector.Empty() && !l.j.selector.Match(f, &l.annotation) {
		return dst
	}
	l.tally.shown++
	if l.j.fileOf != nil {
		l.annotation.Capture = l.j.fileOf(f.Number)
	}
	if l.choose {
		l.picked = append(l.picked, picked{f.Pick(), findingOf(f, &l.annotation)})
	}
	return l.format.AppendFlow(dst, f, &l.annotation)
}

// writer writes flows to standard output, or to a file that may be rotated.
type writer struct {
	lane
	file  *rotate.File // nil: standard output
	begun bool
	shown time.Time // when the groups of --every were written last
	buf   []byte
	err   error // the first error of writing; nothing is written after it
	apart bool  // early flows are written by a goroutine of their own
	aside *aside
}

// aside hands early flows to a goroutine of their own, which writes them in their
// order, while the table goes on.
type aside struct {
	full, free chan *flow.Batch // free has room for all, next included
	next       *flow.Batch      // not handed over yet
	done       chan struct{}    // closed when all are written
}

const (
	asideBatches = 8
	asideFlows   = 256 // of a batch
)

func newAside(write func(*flow.Flow)) *aside {
	a := &aside{make(chan *flow.Batch, asideBatches), make(chan *flow.Batch, asideBatches+1), new(flow.Batch), make(chan struct{})}
	for range asideBatches {
		a.free <- new(flow.Batch)
	}
	go func() {
		defer close(a.done)
		for b := range a.full {
			for i := range b.Len() {
				write(b.At(i))
			}
			b.Reset()
			a.free <- b
		}
	}()
	return a
}

func (a *aside) add(f *flow.Flow) {
	if a.next.Add(f); a.next.Len() == asideFlows {
		a.full <- a.next
		a.next = <-a.free
	}
}

// close waits until all flows are written.
func (a *aside) close() {
	a.full <- a.next
	close(a.full)
	<-a.done
}

const (
	writeSize   = 256 << 10
	enoughFlows = 1024 // more are worth several lanes
	measured    = 1000 // flows that text takes its column widths from
)

func newWriter(j *job) *writer {
	return &writer{lane: newLane(j, j.format), buf: make([]byte, 0, writeSize+16<<10)}
}

func (w *writer) write(b []byte) {
	if w.err == nil && len(b) > 0 {
		_, w.err = w.j.env.stdout.Write(b)
	}
}

func (w *writer) begin() {
	w.begun = true
	w.buf = w.format.AppendHeader(w.buf)
}

// early takes a flow that the table gives up before the end of the input.
func (w *writer) early(f *flow.Flow) {
	if !w.apart {
		w.earlyOne(f)
		return
	}
	if w.aside == nil {
		w.aside = newAside(w.earlyOne)
	}
	w.aside.add(f)
}

// settle waits until all early flows are written.
func (w *writer) settle() {
	if w.aside != nil {
		w.aside.close()
		w.aside = nil
	}
}

func (w *writer) earlyOne(f *flow.Flow) {
	if w.j.evidence != nil {
		w.j.evidence.Add(f) // what was seen so far, this flow included
	}
	w.one(f)
}

// one writes a flow.
func (w *writer) one(f *flow.Flow) {
	if w.file != nil {
		w.toFile(f)
		return
	}
	if !w.begun {
		w.format.Measure(f)
		w.begin()
	}
	w.buf = w.append(w.buf, f)
	if len(w.buf) >= writeSize {
		w.flush()
	}
}

// toFile gives a flow to the file. A file that is full loses flows, which it counts,
// and is no reason to end the run.
func (w *writer) toFile(f *flow.Flow) {
	w.buf = w.append(w.buf[:0], f)
	switch {
	case len(w.buf) == 0:
	case w.file.Full():
		w.file.Lose(1)
	default:
		w.file.Room(len(w.buf))
		w.file.Append(w.buf, 1)
	}
	w.buf = w.buf[:0]
}

// flush writes what is held back.
func (w *writer) flush() {
	w.write(w.buf)
	w.buf = w.buf[:0]
}

// tick writes what is due in a run that goes on.
func (w *writer) tick() {
	if now := time.Now(); w.j.every > 0 {
		if w.shown.IsZero() {
			w.shown = now
		}
		if now.Sub(w.shown) >= w.j.every {
			w.shown = now
			w.buf = w.j.sum.AppendSoFar(w.buf, now)
		}
	}
	w.flush()
}

// finish writes all results.
func (w *writer) finish(res *flow.Results) error {
	if w.file != nil { // which has its header, and gets its footer
		for i := range res.Len() {
			res.Fill(i, &w.flow)
			w.one(&w.flow)
		}
		return nil
	}
	if !w.begun {
		for i := range min(res.Len(), measured) {
			res.Fill(i, &w.flow)
			w.format.Measure(&w.flow)
		}
		w.begin()
	}
	if w.j.workers > 1 && w.j.sum == nil && res.Len() > enoughFlows {
		w.parallel(res)
	} else {
		for i := range res.Len() {
			res.Fill(i, &w.flow)
			w.one(&w.flow)
		}
	}
	w.buf = w.format.AppendFooter(w.buf)
	w.write(w.buf)
	w.buf = nil
	return w.err
}

// parallel writes all results, rendered by several lanes.
func (w *writer) parallel(res *flow.Results) {
	if w.flush(); w.err != nil {
		return
	}
	var lanes []*lane
	w.err = render.InLanes(w.j.env.stdout, res.Len(), func() render.AppendElement {
		l := newLane(w.j, w.format.Clone())
		l.choose = w.choose
		lanes = append(lanes, &l)
		return func(dst []byte, i int) []byte {
			res.Fill(i, &l.flow)
			return l.append(dst, &l.flow)
		}
	})
	for _, l := range lanes {
		w.tally.add(&l.tally)
		w.picked = append(w.picked, l.picked...)
	}
}
