package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/render"
	"github.com/portannot/portannot/annotate/summary"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// sumOptions are the flags that count flows in place of showing them, as given.
type sumOptions struct {
	by    []string
	top   int
	every time.Duration
}

func (o *sumOptions) flags() []cli.Flag {
	return []cli.Flag{
		cli.List(&o.by, "by", "", "KEY",
			"count flows instead, by what they have in common: "+cli.Or(summary.KeyNames()...)+"; several make a group of each combination").Named(summary.KeyNames()...),
		cli.Int(&o.top, "top", "", "N", 0, "only the first N groups; default all; without --by, groups by service"),
		cli.Duration(&o.every, "every", "", "TIME", 0, "with --by, write the groups again and again, each time of the flows since the last time"),
	}
}

// sortFlag is the order of flows, or of the groups of --by.
func sortFlag(p *string) cli.Flag {
	return cli.String(p, "sort", "", "KEY", "",
		"order of the flows: start (default), end, duration, packets, bytes, service, status, name, source, client, state or any other column or field, counts with the greatest first; with --by, of the groups: flows (default) or any other column; -KEY is the other way round").Named(sortNames()...)
}

// used reports whether flows are to be counted.
func (o *sumOptions) used() bool { return len(o.by) > 0 || o.top != 0 || o.every != 0 }

// format gives what counts flows. goesOn says that the run has no end of its own,
// and sort is the column that is ordered by, "" for the default.
func (o *sumOptions) format(output string, meta render.Meta, sort string, goesOn, payload bool) (*render.Summary, error) {
	if len(o.by) == 0 {
		o.by = []string{summary.Service.String()}
	}
	var keys []summary.Key
	for _, name := range o.by {
		k, ok := summary.ParseKey(strings.ToLower(name))
		if !ok {
			return nil, cli.UnknownWord("--by", name, summary.KeyNames())
		}
		if slices.Contains(keys, k) {
			return nil, usagef("", "--by: %v is named twice", k)
		}
		if !payload && (k == summary.Protocol || k == summary.Verdict) {
			return nil, usagef("", "--by %v needs payload: captures or interfaces, and --observe on", k)
		}
		keys = append(keys, k)
	}
	switch {
	case o.top < 0:
		return nil, usagef("0 shows all", "--top %d: below zero", o.top)
	case o.every < 0:
		return nil, usagef("", "--every %v: below zero", o.every)
	case o.every > 0 && o.every < tick:
		return nil, usagef("", "--every %v: want at least %v", o.every, tick)
	case o.every > 0 && !goesOn:
		return nil, usagef("", "--every is for runs that go on: interfaces, --follow, --listen")
	}
	var order summary.Order
	if sort != "" {
		var ok bool
		if order, ok = summary.ParseOrder(strings.ToLower(sort), keys); !ok {
			return nil, unknownColumn(sort, summary.Columns(keys))
		}
	}
	s, err := render.NewSummary(output, meta, summary.New(keys))
	if err != nil {
		return nil, err
	}
	s.Top, s.Order, s.Every = o.top, order, o.every > 0
	return s, nil
}

// unknownColumn says that --sort names none of the columns.
func unknownColumn(sort string, columns []string) error {
	name := strings.TrimPrefix(sort, "-")
	hint := cli.DidYouMean("", name, columns)
	return usagef(hint, "unknown --sort %q: want %s", sort, cli.Or(columns...))
}

// sums counts the flows of logs and writes what was counted.
type sums struct {
	out io.Writer

	mu  sync.Mutex
	sum *render.Summary
	end bool  // the last groups were written
	err error // of writing
}

// batch gives a flowlog.Batch.
func (s *sums) batch() flowlog.Batch {
	b, _ := sumBatches.Get().(*sumBatch)
	if b == nil {
		b = new(sumBatch)
	}
	b.sums, b.flows = s, b.flows[:0]
	return b
}

var sumBatches sync.Pool

// sumBatch holds the flows of a part of a log until those before it are counted,
// so that it does not depend on the workers which groups are told apart.
type sumBatch struct {
	sums  *sums
	flows []summary.Flow
}

func (b *sumBatch) Flow(in *annotate.Input, a *annotate.Annotation) {
	b.flows = append(b.flows, summary.OfLog(in, a))
}

func (b *sumBatch) Done() {
	b.sums.mu.Lock()
	for i := range b.flows {
		b.sums.sum.Table.Add(&b.flows[i])
	}
	b.sums.mu.Unlock()
	sumBatches.Put(b)
}

// add counts one flow.
func (s *sums) add(in *annotate.Input, a *annotate.Annotation) {
	f := summary.OfLog(in, a)
	s.mu.Lock()
	s.sum.Table.Add(&f)
	s.mu.Unlock()
}

// write writes what was counted so far, and begins anew.
func (s *sums) write() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		if _, err := s.out.Write(s.sum.AppendSoFar(nil, time.Now())); err != nil {
			s.err = fmt.Errorf("%w: %w", flowlog.ErrWrite, err)
		}
	}
	return s.err
}

// finish writes what was counted, once.
func (s *sums) finish() error {
	s.mu.Lock()
	end := s.end
	s.end = true
	s.mu.Unlock()
	if end {
		return s.err
	}
	return s.write()
}

// repeat writes at intervals until ctx is done, and calls failed if it cannot.
func (s *sums) repeat(ctx context.Context, every time.Duration, failed func()) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if s.write() != nil {
				failed()
				return
			}
		}
	}
}
