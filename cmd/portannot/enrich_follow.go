package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/cmd/portannot/internal/follow"
	"github.com/portannot/portannot/cmd/portannot/internal/metrics"
)

// defaultRotateWait is how long writers of a log that was renamed may take to write to
// the one that took its name.
const defaultRotateWait = 5 * time.Second

// following annotates logs that grow.
type following struct {
	j    *enrichJob
	opt  flowlog.EnrichOptions
	set  *follow.Set
	out  *sharedOutput
	keep *positions // nil: no position file

	failed atomic.Bool

	mu   sync.Mutex
	jobs []*enrichJob // one a stream
	now  []flowlog.Stats
}

// newFollowing begins to look at the files.
func (j *enrichJob) newFollowing(opt flowlog.EnrichOptions, keep *positions, fo follow.Options) (f *following, err error) {
	fo.Report = j.env.warnf
	if keep != nil {
		fo.Positions = keep.before.Files
	}
	f = &following{j: j, opt: opt, out: &sharedOutput{w: j.env.stdout}, keep: keep}
	if len(j.files) > 1 || strings.ContainsAny(j.files[0], "*?[") {
		f.opt.Workers = 1 // a stream
	}
	f.set, err = follow.New(j.files, fo)
	return f, err
}

// run follows until ctx is done.
func (f *following) run(ctx context.Context) error {
	answered := f.j.env.accountOfReading(f.j.read)
	stop := f.keep.everySecond(f.out)
	err := f.set.Run(ctx, func(s *follow.Stream) error { return f.stream(ctx, s) })
	stop()
	f.set.Close()
	answered()
	if err != nil && !errors.Is(err, errPart) {
		return err
	}
	f.summary()
	st := f.stats()
	if err != nil || f.failed.Load() || st.Faults > 0 || f.exportFaults() > 0 {
		return errPart
	}
	return nil
}

// stream annotates the files of one path, one after the other.
func (f *following) stream(ctx context.Context, s *follow.Stream) error {
	j := *f.j
	out := &streamOutput{shared: f.out, csv: f.opt.Output == flowlog.CSV, again: f.keep != nil}
	f.out.add(out, s.Path())
	defer out.end()
	f.mu.Lock()
	n := len(f.jobs)
	opt := f.opt
	opt.Progress = func(st *flowlog.Stats) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.now[n] = flowlog.Stats{}
		f.now[n].Add(st) // a copy of all
	}
	opt.Problem = func(p *flowlog.Problem) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.j.report(p)
	}
	j.env = j.env.printingTo(out)
	j.enricher = flowlog.NewEnricher(out, opt)
	j.exports = newExports(&j, opt, nil)
	f.jobs, f.now = append(f.jobs, &j), append(f.now, flowlog.Stats{})
	f.mu.Unlock()
	for {
		log, err := s.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			if err = out.begin(log); err != nil {
				return err
			}
			// The end of ctx is the end of the log: what was read is written.
			err = j.enrich(context.WithoutCancel(ctx), j.read.of(log), log.Name())
		}
		switch {
		case err == nil:
		case errors.Is(err, errReaderGone), errors.Is(err, flowlog.ErrWrite):
			return err
		case errors.Is(err, flowlog.ErrStrict):
			j.env.warnf("%v", flowlog.ErrStrict)
			return errPart
		default:
			f.failed.Store(true)
			j.env.warnf("%v", err)
		}
	}
}

// stats adds up the counts of all streams.
func (f *following) stats() (sum flowlog.Stats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.now {
		sum.Add(&f.now[i])
	}
	return sum
}

func (f *following) exportFaults() (n uint64) {
	for _, j := range f.jobs {
		n += j.exports.faults()
	}
	return n
}

// summary accounts for all streams, on standard error.
func (f *following) summary() {
	st := f.stats()
	f.j.account(&st, max(len(f.jobs), len(f.j.files)))
	if f.j.quiet {
		return
	}
	f.j.env.mentionUndated(f.j.annotator)
	for _, j := range f.jobs {
		if j.exports.used() {
			j.exports.summary()
		}
	}
}

// metrics shows what the run is doing.
func (f *following) metrics(w *metrics.Writer) {
	st := f.stats()
	read, _ := f.j.read.Progress()
	w.Counter("portannot_log_bytes_total", "Bytes read of the log.", uint64(read))
	const lines, help = "portannot_log_lines_total", "Lines of the log, by what they are."
	w.Counter(lines, help, st.Other, "kind", "other")
	w.Counter(lines, help, st.Bad, "kind", "not_understood")
	w.Counter(lines, help, st.Lines-min(st.Lines, st.Other+st.Bad), "kind", "flow")
	flowMetrics(w, &st)
}

// sharedOutput is the output of all streams. Each gives it whole lines.
type sharedOutput struct {
	mu      sync.Mutex
	w       io.Writer
	last    *streamOutput // who wrote last
	open    bool          // the last line written has no end yet
	begun   bool          // the header of CSV is written
	streams map[string]*streamOutput
}

func (o *sharedOutput) add(s *streamOutput, path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.streams == nil {
		o.streams = map[string]*streamOutput{}
	}
	o.streams[path] = s
}

func (o *sharedOutput) write(p []byte, b flowlog.Block) error {
	if len(p) > 0 {
		o.open = p[len(p)-1] != '\n'
	}
	if w, ok := o.w.(flowlog.BlockWriter); ok {
		return w.WriteBlock(p, b)
	}
	if len(p) == 0 {
		return nil
	}
	_, err := o.w.Write(p)
	return err
}

// streamOutput is the output of one stream. Where another stream has written since, it
// writes the header of its log again.
type streamOutput struct {
	shared *sharedOutput
	csv    bool   // records are written as CSV, with a header of its own
	again  bool   // what is not complete at the end is read again by the next run
	part   bool   // a part of a line was written, and nobody else may write
	held   []byte // the incomplete line at the end of the log; with again

	// Guarded by the lock of shared.
	log      *follow.Log
	done     int64 // bytes of it that were written
	head     int64 // of these, the header
	header   []byte
	inHeader bool
}

// begin begins a log. An incomplete line at the end of the one before, of whichever
// stream, ends here, so that the first record of this log is a line of its own.
func (s *streamOutput) begin(log *follow.Log) error {
	s.end()
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	if len(s.held) > 0 { // the log before is complete: nobody reads it again
		if err := s.shared.write(append(s.held, '\n'), flowlog.Block{Kind: flowlog.Lines}); err != nil {
			return err
		}
		s.held = nil
	}
	s.log, s.done, s.head, s.header, s.inHeader = log, 0, 0, nil, false
	if !s.shared.open {
		return nil
	}
	return s.shared.write([]byte{'\n'}, flowlog.Block{Kind: flowlog.Lines})
}

// end lets others write, whatever the log ended with.
func (s *streamOutput) end() {
	if s.part {
		s.part = false
		s.shared.mu.Unlock()
	}
}

// Write takes whole lines.
func (s *streamOutput) Write(p []byte) (int, error) {
	return len(p), s.WriteBlock(p, flowlog.Block{Kind: flowlog.Lines})
}

// WriteBlock takes a block of the Enricher.
func (s *streamOutput) WriteBlock(p []byte, b flowlog.Block) error {
	if !s.part {
		s.shared.mu.Lock()
	}
	if s.part = b.Kind == flowlog.Part; !s.part {
		defer s.shared.mu.Unlock()
	}
	if s.again && b.Kind == flowlog.Lines && len(p) > 0 && p[len(p)-1] != '\n' {
		return s.withhold(p, b)
	}
	return s.take(p, b)
}

// withhold leaves the last line out, which is not complete.
func (s *streamOutput) withhold(p []byte, b flowlog.Block) error {
	whole := bytes.LastIndexByte(p, '\n') + 1
	s.held = append([]byte(nil), p[whole:]...)
	b.Offset = 0
	return s.take(p[:whole], b)
}

func (s *streamOutput) take(p []byte, b flowlog.Block) error {
	if b.Offset == 0 && b.Kind == flowlog.Header { // of CSV
		if s.shared.begun {
			return nil
		}
		s.shared.begun = true
	} else if b.Kind == flowlog.Header {
		if !s.inHeader || bytes.HasPrefix(p, zeekBegin) {
			s.header = nil
		}
		if !bytes.HasPrefix(p, zeekEnd) {
			s.header = append(s.header, p...)
		}
		if s.head == s.done {
			s.head = b.Offset
		}
	} else if last := s.shared.last; last != nil && last != s && len(s.header) > 0 && len(p) > 0 {
		if err := s.shared.write(s.header, flowlog.Block{Kind: flowlog.Header}); err != nil {
			return err
		}
	}
	s.inHeader = b.Kind == flowlog.Header
	if len(p) > 0 {
		s.shared.last = s
	}
	err := s.shared.write(p, b)
	if err == nil && b.Offset > 0 {
		s.done = b.Offset
	}
	return err
}
