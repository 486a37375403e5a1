package main

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/cmd/portannot/internal/metrics"
)

// growPoll is how often a file that is followed is looked at.
const growPoll = 250 * time.Millisecond

// copyGrowing copies a log that grows, until ctx is done. When another file
// takes its name, as happens when logs are rotated, or when it becomes shorter,
// the copying goes on with that as a new log.
func (j *enrichJob) copyGrowing(ctx context.Context, name string) error {
	for {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		g := &growing{ctx: ctx, f: f, name: name}
		// The end of ctx is the end of the log: what was read is written.
		err = j.enrich(context.WithoutCancel(ctx), j.read.of(g), name)
		f.Close()
		if err != nil || !g.replaced {
			return err
		}
	}
}

// followMetrics show what a run that follows a log is doing.
type followMetrics struct {
	read  *readSoFar
	mu    sync.Mutex
	stats flowlog.Stats
}

// update is told of the counts after each block.
func (f *followMetrics) update(st *flowlog.Stats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats = *st
}

// write gives the metrics.
func (f *followMetrics) write(w *metrics.Writer) {
	f.mu.Lock()
	st := f.stats
	f.mu.Unlock()
	read, _ := f.read.Progress()
	w.Counter("portannot_log_bytes_total", "Bytes read of the log.", uint64(read))
	const lines, help = "portannot_log_lines_total", "Lines of the log, by what they are."
	w.Counter(lines, help, st.Other, "kind", "other")
	w.Counter(lines, help, st.Bad, "kind", "not_understood")
	w.Counter(lines, help, st.Lines-min(st.Lines, st.Other+st.Bad), "kind", "flow")
	flowMetrics(w, &st)
}

// growing reads a file and waits at its end.
type growing struct {
	ctx      context.Context
	f        *os.File
	name     string
	read     int64
	replaced bool
}

func (g *growing) Read(p []byte) (int, error) {
	for {
		n, err := g.f.Read(p)
		g.read += int64(n)
		if n > 0 || err != nil && err != io.EOF || g.replaced {
			return n, err
		}
		if g.gone() {
			g.replaced = true // what was written meanwhile is still read
			continue
		}
		select {
		case <-g.ctx.Done():
			return 0, io.EOF
		case <-time.After(growPoll):
		}
	}
}

// gone reports that the name stands for another file, or that the file was cut.
// A name that stands for none is waited for: another is about to take it.
func (g *growing) gone() bool {
	mine, err := g.f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(g.name)
	if err != nil {
		return false
	}
	return !os.SameFile(mine, now) || now.Size() < g.read
}
