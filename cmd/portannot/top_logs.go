package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/cmd/portannot/internal/top"
)

// areLogs reports whether words name logs: files that are no captures. One that is
// followed need not be there yet.
func areLogs(words []string, follow bool) bool {
	for _, w := range words {
		if w == "-" {
			return false
		}
		st, err := os.Stat(w)
		if err != nil {
			if matches, _ := filepath.Glob(w); follow && (os.IsNotExist(err) || len(matches) > 0) {
				continue
			}
			return false
		}
		if !st.Mode().IsRegular() || kindOfFile(w) == captureKind {
			return false
		}
	}
	return len(words) > 0
}

// topOfLogs is portannot top for flow logs.
func (e *env) topOfLogs(ctx context.Context, o *flowOptions, fs *pflag.FlagSet, inner *env, held *heldMessages) error {
	for _, name := range []string{"recursive", "count", "filter", "observed", "verdict", "tunnels", "ignore", "observe", "max-flows", "idle-timeout", "evidence-peers"} {
		if fs.Changed(name) {
			return usagef("", "--%s is for packets, and logs have none", name)
		}
	}
	v := newLogView(useColor(o.color, e.stdout))
	enrich := &enrichOptions{flowOptions: *o, format: "auto", rotateWait: defaultRotateWait, view: v}
	enrich.output = "same"
	return e.show(ctx, v.topView, topTitle(o, fs.Args()), held, o.follow, func(ctx context.Context) error {
		return enrich.run(ctx, inner, fs)
	})
}

// logView is the view of a run that reads logs. Several goroutines read, and the board
// counts for one at a time. All methods of a nil logView do nothing.
type logView struct {
	*topView
	mu      sync.Mutex // guards the board and account
	counted top.Account
	flow    flow.Flow
}

func newLogView(color bool) *logView { return &logView{topView: newView(color)} }

// begin takes the terminal and the records of a run, until the function it returns is
// called.
func (v *logView) begin(opt *flowlog.EnrichOptions) (end func(), err error) {
	if v == nil {
		return func() {}, nil
	}
	v.registry = opt.Annotator.Registry()
	opt.Output, opt.Batch = flowlog.Nothing, v.batch
	if err := v.open(); err != nil {
		return nil, err
	}
	stop := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		t := time.NewTicker(topTick)
		defer t.Stop()
		for {
			select {
			case <-stop:
				return
			case <-t.C:
				v.mu.Lock()
				v.board.Look(time.Now(), noFlows{}, nil, func() top.Account { return v.counted })
				v.mu.Unlock()
			}
		}
	})
	return func() {
		close(stop)
		ticking.Wait()
		v.mu.Lock()
		defer v.mu.Unlock()
		v.board.Finish(time.Now(), v.counted)
		v.finished.Store(true)
	}, nil
}

// atEnd says that all has been read.
func (v *logView) atEnd() {
	if v != nil {
		v.accounting.Store(true)
	}
}

// noFlows holds none: a record of a log is of a flow that was met and has gone.
type noFlows struct{}

func (noFlows) Next(*flow.Cursor, *flow.Flow) bool { return false }

func (v *logView) batch() flowlog.Batch { return &logBatch{view: v} }

// logBatch holds the records of a part of a log, until those before it are counted.
type logBatch struct {
	view    *logView
	records []logRecord
}

type logRecord struct {
	input      annotate.Input
	annotation annotate.Annotation
}

func (b *logBatch) Flow(in *annotate.Input, a *annotate.Annotation) {
	r := logRecord{*in, *a}
	r.input.Observed = nil // which is the reader's, as these are
	r.annotation.Observed.ServerName, r.annotation.Observed.ALPN = nil, nil
	b.records = append(b.records, r)
}

func (b *logBatch) Done() {
	v := b.view
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	for i := range b.records {
		in := &b.records[i].input
		v.flow = flow.Flow{Protocol: in.Protocol, Source: in.Source, Destination: in.Destination}
		v.flow.Forward = flow.Counters{Packets: in.Packets, IPBytes: in.Bytes, First: in.Start, Last: max(in.Start, in.End)}
		v.counted.Packets += in.Packets
		v.counted.Flows++
		v.board.End(now, &v.flow, &b.records[i].annotation)
	}
}
