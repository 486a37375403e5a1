package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/review"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/meter"
	"github.com/portannot/portannot/cmd/internal/outfile"
)

// reviewing takes the flows of captures to a review. It stands where a writer
// stands in the main job.
type reviewing struct {
	j        *reviewJob
	one      *noted             // flows that come before the end of the input
	observer *annotate.Observer // nil with --observe off
	evidence *annotate.Evidence // nil when none is taken
	carves   bool               // packets are written (-w)
	carved   []carvedFlow       // then all flows
}

// carvedFlow is what is kept of a flow to carve its packets later.
type carvedFlow struct {
	ref review.Ref
	picked
}

// noted are flows with their annotations on the way to the collector.
type noted struct {
	flow        flow.Flow
	flows       []review.Flow
	annotations []annotate.Annotation
	picked      []picked     // for carving
	refs        []review.Ref // likewise; nil when nothing is carved
	n           int
}

// blockSize is how many flows are annotated before they are collected.
const blockSize = 512

func (r *reviewing) newNoted() *noted {
	n := &noted{flows: make([]review.Flow, blockSize), annotations: make([]annotate.Annotation, blockSize)}
	if r.carves {
		n.picked, n.refs = make([]picked, blockSize), make([]review.Ref, blockSize)
	}
	return n
}

// note annotates a flow.
func (r *reviewing) note(n *noted, f *flow.Flow) {
	a := &n.annotations[n.n]
	r.j.annotator.FlowTo(a, f, r.observer)
	if !r.j.selected(r.j.selector.Match(f, a)) {
		return
	}
	n.flows[n.n] = review.Captured(f)
	n.flows[n.n].Observed = review.ObservedOf(a)
	if r.carves {
		n.picked[n.n] = picked{f.Pick(), findingOf(f, a)}
	}
	n.n++
}

func (r *reviewing) collect(n *noted) {
	refs := n.refs
	if refs != nil {
		refs = refs[:n.n]
	}
	r.j.collector.AddAll(n.flows[:n.n], n.annotations[:n.n], refs)
	for i, ref := range refs {
		r.carved = append(r.carved, carvedFlow{ref, n.picked[i]})
	}
	n.n = 0
}

// take takes a flow that the table gives up before the end of the input.
func (r *reviewing) take(f *flow.Flow) {
	if r.evidence != nil {
		r.evidence.Add(f)
	}
	if r.one == nil {
		r.one = r.newNoted()
	}
	r.note(r.one, f)
	if r.one.n == blockSize {
		r.collect(r.one)
	}
}

// results takes all flows that are left. One goroutine annotates while another
// collects, in their order.
func (r *reviewing) results(res *flow.Results) {
	if r.one != nil {
		r.collect(r.one)
	}
	r.j.collector.Expect(res.Len())
	if r.evidence != nil {
		r.evidence.AddAll(res)
	}
	const buffers = 4
	full, free := make(chan *noted, buffers), make(chan *noted, buffers)
	for range buffers {
		free <- r.newNoted()
	}
	go func() {
		defer close(full)
		for from := 0; from < res.Len(); from += blockSize {
			n := <-free
			for i := from; i < min(from+blockSize, res.Len()); i++ {
				res.Fill(i, &n.flow)
				r.note(n, &n.flow)
			}
			full <- n
		}
	}()
	for n := range full {
		r.collect(n)
		free <- n
	}
}

// reviewCaptures reviews captures. What can be read is reviewed, whatever else
// happens.
func (o *reviewOptions) reviewCaptures(ctx context.Context, rj *reviewJob, files []string) error {
	main := o.flowOptions
	main.output = "text" // there are no flows to write
	if main.write != "" {
		if err := readTwice(files); err != nil {
			return err
		}
	}
	j, err := main.job(ctx, rj.env, files)
	if err != nil {
		return err
	}
	j.instead = reviewInstead
	rj.annotating.Evidence = j.evidence
	rj.annotator = annotate.New(rj.annotating)
	j.annotator = rj.annotator
	paths, skipped, partial, err := j.expand()
	if err != nil {
		return err
	}
	if err := j.env.refusePaths(paths); err != nil {
		return err
	}
	src, err := j.open(ctx, paths)
	if err != nil {
		return j.notOpened(err, paths, "flow logs are named without -r: portannot review FILE")
	}
	defer src.Close()
	r := &reviewing{j: rj, evidence: j.evidence}
	if j.table.Payload > 0 {
		r.observer = new(annotate.Observer)
	}
	var file *outfile.File
	if j.write != "" {
		if file, err = outfile.Create(j.write); err != nil {
			return err
		}
		defer file.Discard() // without effect once it has its name
		r.carves = true
	}
	if err := rj.begin(j.openedAgain(paths), file); err != nil {
		return err
	}
	opt := j.meterOptions(r.take)
	if r.carves {
		opt.Flow.Trace = traceLimit
	}
	m := meter.New(opt)
	stop := j.showProgress(src)
	answered := j.env.accountOfReading(src)
	err = m.Read(ctx, src)
	answered()
	stop.done()
	stats := m.Stats()
	if err != nil {
		partial = true
		j.env.warnEach(err)
	}
	r.results(m.Results())

	for _, p := range paths {
		rj.context.Inputs = append(rj.context.Inputs, review.Input{Name: p, Kind: "capture"})
	}
	rj.context.Traffic = trafficOf(stats)
	if c, ok := src.(interface{ Drops() uint64 }); ok {
		rj.context.Traffic.Lost = c.Drops()
	}
	state := inputWhole
	if errors.Is(err, context.Canceled) {
		partial, state = true, inputCut
		rj.context.Remarks = append(rj.context.Remarks, fmt.Sprintf("The reading was interrupted: this is a review of the first %s.", plural(stats.Packets, "packet")))
	} else if partial {
		state = inputDamaged
		rj.context.Remarks = append(rj.context.Remarks, "Part of the input was unreadable: this is a review of the rest.")
	}
	rep, err := rj.finish(state)
	if err != nil {
		return err
	}
	if file != nil {
		if err := r.carve(ctx, j, m, file, paths, state); err != nil {
			return err
		}
	}
	if !j.quiet {
		j.packetSummary(stats, "from "+plural(uint64(len(paths)), "file"))
		if skipped > 0 {
			j.env.warnf("skipped %s in the folders: not captures", plural(uint64(skipped), "file"))
		}
	}
	if state == inputCut {
		j.env.warnf("interrupted: this is a review of the first %s", plural(stats.Packets, "packet"))
	}
	return rj.outcome(rep, partial)
}

// readTwice refuses input that can only be read once: what is evidence is known
// at its end.
func readTwice(files []string) error {
	for _, name := range files {
		if st, err := os.Stat(name); name == "-" || err == nil && !st.Mode().IsRegular() && !st.IsDir() {
			return usagef("save it to a file first", "-w: %s can be read only once, and -w reads its input twice", name)
		}
	}
	return nil
}

// trafficOf accounts for the packets.
func trafficOf(st meter.Stats) review.Traffic {
	counts := &st.Decoded
	t := review.Traffic{Packets: st.Packets, Refused: st.Refused, Decoded: counts[decode.Decoded], Evicted: st.Flows.Evicted}
	for r := decode.Decoded + 1; r < decode.NumResults; r++ {
		if counts[r] > 0 {
			t.NotDecoded = append(t.NotDecoded, review.Reason{Reason: r.String(), Packets: counts[r]})
		}
	}
	return t
}

// carve reads the captures again and writes the packets of the flows that
// findings are about. m has read them the first time.
func (r *reviewing) carve(ctx context.Context, j *job, m *meter.Meter, file *outfile.File, paths []string, in inputState) error {
	c := &carving{j: j, out: file, file: file, carver: j.newCarver(file)}
	subjects := r.j.collector.Subjects()
	var list []picked
	for _, f := range r.carved {
		if subjects.Has(f.ref) {
			list = append(list, f.picked)
		}
	}
	c.carver.known = true
	c.carver.choose(list)
	return c.finish(ctx, m, paths, in)
}
