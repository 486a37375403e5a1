package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/render"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/meter"
	"github.com/portannot/portannot/capture/packet"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
	"github.com/portannot/portannot/cmd/portannot/internal/top"
)

// topCommand shows a run while it goes on.
func (e *env) topCommand() *cli.Command {
	o := new(flowOptions)
	return &cli.Command{
		Name:  "top",
		Short: "show the services of traffic on the terminal, as it goes on",
		About: `portannot top shows the services of live traffic, of captures or of flow
logs, by rate: what the registry says of the port, clients, packets and bytes,
and what the payload looks like. Enter shows the flows of a service and the
registry's word on its port. ? lists the keys.

A registered port says nothing of what the traffic really is.`,
		Usage: `portannot top -i IFACE... [flags] [FILTER]
portannot top -r FILE [--follow] [flags] [FILTER]
portannot top [--follow] [flags] LOG...`,
		Groups: []cli.Group{
			{Heading: "Interfaces:", Flags: []cli.Flag{
				cli.List(&o.live.interfaces, "interface", "i", "NAME",
					`capture live from an interface; may be given again or take a list, a,b; "any" is every one`).Of(cli.Interface),
				cli.Duration(&o.live.duration, "duration", "", "TIME", 0, "stop after a time: 30s, 10m"),
				cli.Int(&o.live.snapLen, "snaplen", "s", "N", capture.DefaultSnapLen,
					"bytes captured of a packet (the snap length); default 262144"),
				cli.Int(&o.live.buffer, "buffer", "", "MIB", capture.DefaultBuffer>>20,
					"memory that the system fills with packets; default 16"),
			}},
			{Heading: "Captures:", Flags: []cli.Flag{
				readFlag(&o.read),
				recursiveFlag(&o.recursive),
				followFlag(&o.follow),
				countFlag(&o.count),
			}},
			{Heading: rightsHeading, Flags: rightsFlags(&o.rights)},
			{Heading: selectionHeading, Flags: cli.Join(
				[]cli.Flag{filterFlag(&o.filter)},
				selectionFlags(o),
				payloadSelectionFlags(o),
				[]cli.Flag{tunnelsFlag(&o.tunnels), ignoreFlag(&o.ignore)})},
			{Heading: "Screen:", Flags: []cli.Flag{
				colorFlag(&o.color),
				quietFlag(&o.quiet),
			}},
			{Heading: "Names:", Flags: namesFlags(o)},
			{Heading: "Which end is the service:", Flags: append(listenersFlags(&o.known), localFlag(&o.here), evidencePeersFlag(&o.peers))},
			{Heading: "Payload:", Flags: []cli.Flag{observeFlag(&o.observe)}},
			{Heading: "Flows:", Flags: boundsFlags(o)},
		},
		After: `Where there is no terminal, portannot --by service counts the same.

Exit status: 0 done; 1 failure, or part of the input was unreadable; 2 usage,
also where standard output is no terminal.`,
		Examples: []string{
			"portannot top -i eth0",
			"portannot top -i any udp port 53",
			"portannot top -r testdata/captures/demo.pcap",
			"portannot top --follow conn.log",
		},
		Args: cli.File,
		Run:  func(ctx context.Context, fs *pflag.FlagSet) error { return e.runTop(ctx, o, fs) },
	}
}

// runTop is portannot top.
func (e *env) runTop(ctx context.Context, o *flowOptions, fs *pflag.FlagSet) error {
	if len(o.live.interfaces) == 0 {
		for _, name := range []string{"duration", "snaplen", "buffer"} {
			if fs.Changed(name) {
				return usagef("name an interface with -i; -D lists them", "--%s is for live capture", name)
			}
		}
	}
	instead := "portannot --by service --every 10s counts the same without a screen"
	switch {
	case !isTerminal(e.stdout):
		return usagef(instead, "top draws on a terminal, and standard output is none")
	case os.Getenv("TERM") == "" || os.Getenv("TERM") == "dumb":
		return usagef(instead, "top draws on a terminal, and TERM=%s says that this one cannot move its cursor", os.Getenv("TERM"))
	}
	// All messages wait until the terminal is as it was.
	held := &heldMessages{out: e.stderr}
	inner := &env{stdin: e.stdin, stdout: io.Discard, stderr: held, outputs: e.outputs}
	if len(o.live.interfaces) == 0 && len(o.read) == 0 && areLogs(fs.Args(), o.follow) {
		return e.topOfLogs(ctx, o, fs, inner, held)
	}
	o.output, o.live.active = "text", 30*time.Minute
	files, err := o.takeWords(ctx, e, fs.Args())
	if err != nil {
		return err
	}
	j, err := o.job(ctx, inner, files)
	if err != nil {
		return err
	}
	j.workers = 1 // one goroutine counts
	j.instead = map[fileKind]string{logKind: "portannot top FILE"}
	v := newTopView(j, useColor(o.color, e.stdout))
	j.view, j.format = v, v
	return e.show(ctx, v, topTitle(o, files), held, j.live != nil || j.follow, func(ctx context.Context) error {
		if j.live != nil {
			return j.runLive(ctx)
		}
		return j.runFiles(ctx)
	})
}

// show runs what v shows until it ends, or the user quits. goesOn says that it has no end
// of its own.
func (e *env) show(ctx context.Context, v *topView, title string, held *heldMessages, goesOn bool, show func(context.Context) error) error {
	model := &top.Model{What: title, Explain: v.explain}
	defer held.release()
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		defer v.restore()
		done <- show(run)
		close(v.ended)
	}()
	select {
	case <-v.opened:
	case <-v.ended:
	}
	select {
	case <-v.opened:
	default: // it ended before there was a screen
		return <-done
	}
	shown, hide := context.WithCancel(ctx)
	defer hide()
	go func() {
		<-v.ended
		if v.finished.Load() && !goesOn {
			return // what was read can be looked at until the user quits
		}
		hide()
	}()
	v.screen.Run(shown, model, v.board, func() string {
		if v.finished.Load() || v.accounting.Load() {
			return "" // the account, which comes when the screen has gone
		}
		return held.news()
	})
	cancel()
	return <-done
}

// topTitle names what is looked at.
func topTitle(o *flowOptions, files []string) string {
	if len(o.live.interfaces) > 0 {
		return strings.Join(o.live.interfaces, ",")
	}
	name := files[0]
	if i := strings.LastIndexByte(name, os.PathSeparator); i >= 0 {
		name = name[i+1:]
	}
	if len(files) > 1 {
		name += ", ..."
	}
	return name
}

// topTick is how often a run looks at its flows, a little at a time.
const topTick = 50 * time.Millisecond

// tick is how often the run calls back.
func (j *job) tick() time.Duration {
	if j.view != nil {
		return topTick
	}
	return tick
}

// topView joins a run with the screen that shows it. It is the run's Format: it counts
// the flows that end, and writes nothing. All methods of a nil topView do nothing.
type topView struct {
	board    *top.Board
	registry *iana.Registry
	color    bool
	screen   *top.Screen
	opened   chan struct{} // closed when there is a screen
	ended    chan struct{} // closed when the run is over

	j *job // nil: logs are read

	meter      *meter.Meter
	live       *capture.Live // nil: files are read
	observer   *annotate.Observer
	annotation annotate.Annotation
	headers    int
	looked     time.Time
	final      top.Account
	finished   atomic.Bool // the board has all flows
	accounting atomic.Bool // the input has been read, and messages are the account
}

func newTopView(j *job, color bool) *topView {
	v := newView(color)
	v.j, v.registry = j, j.annotator.Registry()
	if j.table.Payload > 0 {
		v.observer = new(annotate.Observer)
	}
	return v
}

func newView(color bool) *topView {
	return &topView{board: top.NewBoard(time.Now()), color: color, opened: make(chan struct{}), ended: make(chan struct{})}
}

// open takes the terminal, while the program still may.
func (v *topView) open() (err error) {
	if v == nil {
		return nil
	}
	if v.screen, err = top.Open(v.color); err != nil {
		return err
	}
	close(v.opened)
	return nil
}

// restore gives the terminal back before a panic ends the program.
func (v *topView) restore() {
	if r := recover(); r != nil {
		if v.screen != nil {
			v.screen.Close()
		}
		panic(r)
	}
}

// watch says of what run the flows are.
func (v *topView) watch(m *meter.Meter, live *capture.Live) {
	if v != nil {
		v.meter, v.live = m, live
	}
}

// hook has a reading of files look at the flows now and then. A run that goes on has
// ticks for that, which would end the flows of an old capture by the clock.
func (v *topView) hook(opt *meter.Options, follow bool) {
	if v == nil || follow {
		return
	}
	opt.Summary = func(*packet.Summary) bool {
		if v.headers++; v.headers%256 == 0 && time.Since(v.looked) >= topTick {
			v.looked = time.Now()
			v.look()
		}
		return true
	}
}

// look looks at the flows that are under way. It is called by a tick.
func (v *topView) look() {
	if v == nil {
		return
	}
	defer v.restore()
	v.board.Look(time.Now(), v.meter, v.annotate, v.account)
}

// last takes the account at the end of the reading.
func (v *topView) last() {
	if v != nil {
		v.final = v.account()
	}
}

func (v *topView) annotate(f *flow.Flow) (*annotate.Annotation, bool) {
	v.j.annotator.FlowTo(&v.annotation, f, v.observer)
	return &v.annotation, v.j.selector.Empty() || v.j.selector.Match(f, &v.annotation)
}

func (v *topView) account() top.Account {
	st := v.meter.Stats()
	a := top.Account{Packets: st.Packets, Flows: st.Flows.Flows, Evicted: st.Flows.Evicted}
	for r := decode.Decoded + 1; r < decode.NumResults; r++ {
		a.Undecoded += st.Decoded[r]
	}
	if v.live != nil {
		if s, err := v.live.Stats(); err == nil {
			a.Live, a.Dropped, a.Received = true, s.Dropped, s.Received
		}
	}
	return a
}

// The methods of render.Format.

func (v *topView) Measure(*flow.Flow)             {}
func (v *topView) AppendHeader(dst []byte) []byte { return dst }
func (v *topView) Clone() render.Format           { return v }

func (v *topView) AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	v.board.End(time.Now(), f, a)
	return dst
}

// AppendFooter comes after the last flow.
func (v *topView) AppendFooter(dst []byte) []byte {
	v.board.Finish(time.Now(), v.final)
	v.finished.Store(true)
	return dst
}

// explain gives the registry's word on a port.
func (v *topView) explain(s top.Service) []string {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	x := new(explainAnswers)
	x.begin(w, v.registry)
	if err := x.ports(iana.Span{First: s.Port, Last: s.Port}, iana.TransportSet(0).With(s.Transport)); err != nil {
		return []string{err.Error()}
	}
	w.Flush()
	return strings.Split(strings.TrimSpace(b.String()), "\n")
}

// heldMessages keeps standard error's lines back while there is a screen.
type heldMessages struct {
	out   io.Writer
	mu    sync.Mutex
	lines []string
	lost  int
	fresh string // the latest, if news has not given it
}

const maxHeld = 1000 // lines; the others are counted

func (h *heldMessages) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := string(p)
	if len(h.lines) >= maxHeld {
		h.lines = h.lines[1:]
		h.lost++
	}
	h.lines = append(h.lines, line)
	h.fresh = strings.TrimSpace(strings.TrimPrefix(line, "portannot: "))
	return len(p), nil
}

// news gives the latest message once.
func (h *heldMessages) news() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := h.fresh
	h.fresh = ""
	return text
}

// release writes what was held back.
func (h *heldMessages) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lost > 0 {
		(&env{stderr: h.out}).warnf("%s left out, older than these", plural(uint64(h.lost), "message"))
	}
	for _, line := range h.lines {
		io.WriteString(h.out, line)
	}
	h.lines = nil
}
