package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/meter"
	"github.com/portannot/portannot/capture/sandbox"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
	"github.com/portannot/portannot/cmd/portannot/internal/metrics"
)

// liveOptions are the flags of live capture, as given.
type liveOptions struct {
	interfaces  []string
	list        bool
	snapLen     int
	promiscuous bool
	buffer      int
	duration    time.Duration
	active      time.Duration
}

// tick is how often a live run looks for flows that are due, writes what it
// has, and asks for the system's losses.
const tick = time.Second

// linger is how long a live run waits for stragglers before it gives a closed
// connection out.
const linger = 5 * time.Second

// listInterfaces prints the interfaces of the machine.
func listInterfaces(e *env) error {
	out := e.textOutput("text")
	list, err := capture.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range list {
		state := "down"
		if i.Up {
			state = "up"
		}
		if i.Loopback {
			state += ", loopback"
		}
		fmt.Fprintf(out, "%-3d %-15s %-12v %-14s", i.Index, i.Name, i.Link, state)
		for _, a := range i.Addresses {
			fmt.Fprintf(out, " %v", a)
		}
		fmt.Fprintln(out)
	}
	_, err = fmt.Fprintf(out, "    %-15s every interface, also those that appear later\n", capture.AnyInterface)
	return err
}

// runLive annotates the flows of interfaces as they end.
func (j *job) runLive(ctx context.Context) error {
	o := j.live
	opt := capture.LiveOptions{Interfaces: o.interfaces, SnapLen: o.snapLen, Promiscuous: o.promiscuous, Buffer: o.buffer}
	if j.filter != nil {
		var err error
		if opt.Filters, err = j.filter.Live(o.snapLen); err != nil {
			return err
		}
	}
	live, err := capture.OpenLive(opt)
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			return withHint(err, "live capture needs root, or: sudo setcap cap_net_raw+ep $(command -v portannot)")
		}
		if errors.Is(err, capture.ErrNoInterface) {
			return withHint(err, interfaceHint(o.interfaces))
		}
		return err
	}
	defer live.Close()
	// A reader that is slow must not keep the run from its end.
	stdout := newQueue(j.env.stdout)
	outer := j.env
	j.printTo(stdout)
	if j.carved != nil {
		stdout = newQueue(j.carved)
		j.carved = stdout
	}
	server, shown, err := j.openMetrics()
	if err != nil {
		return err
	}
	if server != nil {
		defer server.Close()
	}
	// Files are opened while we may, and written as packets come: a live capture is
	// never whole.
	files := outer.newOutputs()
	defer files.close()
	out := newWriter(j)
	if j.records != "" {
		closeRecords, err := j.openRecords(files, out)
		if err != nil {
			return err
		}
		defer closeRecords()
		if out.file == nil && j.carved == nil { // it may be as slow as standard output
			stdout.end()
			_ = stdout.close()
			stdout = newQueue(j.env.stdout)
			j.printTo(stdout)
		}
	}
	metering := j.meterOptions(out.early)
	metering.Filter = nil // the system runs it
	var carver *carver
	if j.write != "" {
		if j.carved != nil {
			carver = j.newCarver(j.carved)
		} else {
			var closeCarver func()
			if carver, closeCarver, err = j.openCarver(files); err != nil {
				return err
			}
			defer closeCarver()
		}
		metering.Packet = carver.packet
	}
	if server != nil {
		server.Add(files.metrics)
	}
	m := meter.New(metering)
	if err := j.view.open(); err != nil {
		return err
	}
	j.view.watch(m, live)
	confined := sandbox.Options{Accept: j.metrics != "", Write: files.folders()}
	if err := j.env.confine(j.rights, confined); err != nil {
		return err
	}
	if err := files.check(); err != nil {
		return err
	}
	if j.rights.verbose {
		j.env.warnf("listening on %s", strings.Join(o.interfaces, ", "))
	}

	stop := ctx
	if o.duration > 0 {
		var cancel context.CancelFunc
		stop, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	defer context.AfterFunc(stop, func() { live.Stop(); stdout.end() })()

	unwatch := j.env.watch(lossesOf(live))
	vanished := false
	account := listenTo(accountSignal)
	defer account.stop()
	where := "on " + strings.Join(o.interfaces, ", ")
	err = m.Stream(shown.of(live), j.tick(), func() error {
		j.view.look()
		if s, err := live.Stats(); err == nil {
			shown.show(m, out, &s)
			if account.asked() {
				j.liveSummary(m.Stats(), out, where, &s)
			}
		}
		if gone, left := live.Gone(); len(gone) > 0 {
			vanished = true
			j.env.warnf("interface %s: it has disappeared", strings.Join(gone, ", "))
			if left == 0 {
				live.Stop()
			}
		}
		if files.tick() {
			live.Stop()
		}
		out.tick()
		return out.err
	})
	unwatch()
	j.view.last()
	if err != nil && err == out.err {
		err = nil // finish says it again
	}
	stats, statsErr := live.Stats()
	live.Close()
	err = errors.Join(err, statsErr, j.finish(m, out))
	if carver != nil && carver.file == nil { // else it is closed with the others
		err = errors.Join(err, carver.out.Flush())
	}
	stdout.end()
	if closeErr := stdout.close(); closeErr != nil && !errors.Is(err, closeErr) {
		err = errors.Join(err, fmt.Errorf("write output: %w", closeErr))
	}
	err = errors.Join(err, files.close())
	if !j.quiet {
		files.summary()
		j.liveSummary(m.Stats(), out, where, &stats)
	}
	if err == nil && vanished {
		err = errPart
	}
	return err
}

// liveSummary accounts for packets, flows and what the system dropped.
func (j *job) liveSummary(st meter.Stats, out *writer, where string, stats *capture.LiveStats) {
	j.summary(st, out, where)
	j.env.warnf("the system dropped %s of %d that passed the filter", plural(stats.Dropped, "packet"), stats.Received)
}

// interfaceHint says what may have been meant by a name that is no interface's.
func interfaceHint(names []string) string {
	list, _ := capture.Interfaces()
	known := []string{capture.AnyInterface}
	for _, i := range list {
		known = append(known, i.Name)
	}
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		if near := cli.DidYouMean("-i ", name, known); near != "" {
			return near
		}
	}
	return "portannot -D lists the interfaces"
}

// lossesOf gives what watch asks, of the packets that the system has dropped. It asks
// by itself: the run may be waiting for its output.
func lossesOf(live *capture.Live) func() (string, func()) {
	var before uint64
	return func() (string, func()) {
		stats, err := live.Stats()
		now := stats.Dropped
		if err != nil || now == before {
			return "", nil
		}
		text := fmt.Sprintf("the system dropped %s: the buffer was full (see --buffer)", plural(now-before, "packet"))
		return text, func() { before = now }
	}
}

// openMetrics opens what --metrics asks for; the server is nil for nothing.
func (j *job) openMetrics() (*metrics.Server, *streamMetrics, error) {
	shown := new(streamMetrics)
	server, err := j.env.openMetrics(j.metrics, j.quiet, j.annotator.Registry())
	if server != nil {
		server.Add(shown.write)
		server.SetHealth(func() error { return nil })
	}
	return server, shown, err
}
