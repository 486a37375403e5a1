package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/render"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/filter"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/meter"
	"github.com/portannot/portannot/capture/packet"
	"github.com/portannot/portannot/capture/sandbox"
	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/internal/rotate"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
	"github.com/portannot/portannot/cmd/portannot/internal/metrics"
)

// flowOptions are the flags of the main job, as given.
type flowOptions struct {
	read       []string
	output     string
	transports []string
	ports      []string
	statuses   []string
	services   []string
	registry   string
	asOf       string
	practice   string
	local      string
	known      string
	here       []string // addresses with their networks
	peers      int      // of other-flows; 0: no such evidence
	observe    string
	observed   []string
	verdicts   []string
	unexpected bool
	since      string
	until      string
	idle       time.Duration
	maxFlows   int
	dedup      time.Duration
	sort       string
	color      string
	sums       sumOptions
	fields     []string
	wide       bool
	details    bool
	tunnels    string
	ignore     []string
	quiet      bool
	version    bool
	recursive  bool
	follow     bool
	filter     string
	write      string
	files      rotationOptions
	live       liveOptions
	rights     rightsOptions
	names      *annotate.Options // what annotating has read
	activeSet  bool              // --active-timeout was given
	count      uint64
	metrics    string
}

// job is a main job ready to run.
type job struct {
	env       *env
	files     []string
	recursive bool
	follow    bool
	instead   map[fileKind]string // commands for files that are no captures, as for wrongKind
	live      *liveOptions        // nil: files are read
	rights    rightsOptions
	count     uint64      // packets to read at most; 0 for all
	filter    *filter.Set // nil: every packet
	metrics   string      // address to show metrics at; "" for none
	write     string      // file for the packets of the selected flows; "" for none
	carved    io.Writer   // where they go if write is "-"; the flows are not printed then
	records   string      // file for the flows; "" for standard output
	rotation  struct{ flows, packets rotate.Options }
	annotator *annotate.Annotator
	evidence  *annotate.Evidence // nil: none is gathered
	selector  annotate.Selector
	format    render.Format
	table     flow.Options
	decode    decode.Options
	order     *flowOrder // nil: by first packet
	quiet     bool
	workers   int
	wantsFile fileWish
	fileOf    func(packet uint64) string // names the capture of a flow's first packet; nil: nobody asks
	sum       *render.Summary            // format, if it counts flows: they are given to it by one goroutine; else nil
	every     time.Duration              // how often it is written; 0 for once at the end
	view      *topView                   // nil: no screen shows the run while it goes on
}

// run is the main job: annotate the flows of captures or of interfaces.
func (o *flowOptions) run(ctx context.Context, e *env, fs *pflag.FlagSet) error {
	switch {
	case o.version:
		return (&versionOptions{}).run(ctx, e)
	case o.live.list:
		return listInterfaces(e)
	}
	if len(o.live.interfaces) == 0 {
		for _, name := range []string{"duration", "snaplen", "promiscuous", "buffer"} {
			if fs.Changed(name) {
				return usagef("name an interface with -i; -D lists them", "--%s is for live capture", name)
			}
		}
	}
	if o.metrics != "" && len(o.live.interfaces) == 0 && !o.follow {
		return usagef("", "--metrics is for -i and --follow")
	}
	flows, packets, err := o.files.check(fs, o.write)
	if err != nil {
		return err
	}
	if name := o.files.given(fs); name != "" && len(o.live.interfaces) == 0 && !o.follow {
		return usagef("", "--%s is for -i and --follow", name)
	}
	if flows.Rotates() && o.sums.used() && o.files.records != "" {
		return usagef("", "--rotate is not for --by: counts are written at the end")
	}
	o.activeSet = fs.Changed("active-timeout")
	files, err := o.takeWords(ctx, e, fs.Args())
	if err != nil {
		return err
	}
	j, err := o.job(ctx, e, files)
	if err != nil {
		return err
	}
	j.rotation.flows, j.rotation.packets = flows, packets
	if j.live != nil {
		return j.runLive(ctx)
	}
	return j.runFiles(ctx)
}

// job checks the options and opens what they name, the captures excepted.
func (o *flowOptions) job(ctx context.Context, e *env, files []string) (*job, error) {
	j := &job{env: e, files: files, recursive: o.recursive, follow: o.follow, count: o.count, metrics: o.metrics, write: o.write,
		records: o.files.records, quiet: o.quiet, rights: o.rights,
		workers: runtime.GOMAXPROCS(0)}
	if err := o.checkInput(j); err != nil {
		return nil, err
	}
	if o.idle < 0 || o.live.active < 0 {
		return nil, usagef("0 means never", "--idle-timeout %v, --active-timeout %v: below zero", o.idle, o.live.active)
	}
	if o.dedup < 0 {
		return nil, usagef("0 counts all packets", "--dedup %v: below zero", o.dedup)
	}
	if o.maxFlows < 1 {
		return nil, usagef("", "--max-flows %d: want at least 1", o.maxFlows)
	}
	if o.peers < 0 || o.peers == 1 || o.peers > annotate.MaxEvidencePeers {
		return nil, usagef("0 takes no evidence from other flows", "--evidence-peers %d: want 0, or 2 to %d", o.peers, annotate.MaxEvidencePeers)
	}
	j.table = annotate.FlowOptions()
	j.table.Idle, j.table.MaxFlows, j.table.Dedup = o.idle, o.maxFlows, o.dedup
	if j.live != nil || j.follow {
		j.table.Linger, j.table.Prompt = linger, true
	}
	switch {
	case o.sums.every > 0 && !o.activeSet: // each time has what was sent since
		j.table.Active = o.sums.every
	case j.table.Prompt || o.activeSet:
		j.table.Active = o.live.active
	}
	switch {
	case o.observe == "on":
	case len(o.observed)+len(o.verdicts) > 0:
		return nil, usagef("", "--observed and --verdict need --observe on")
	default:
		j.table.Payload, j.table.Note = 0, nil
	}
	for _, name := range o.ignore {
		i, err := decode.ParseIgnore(name)
		if err != nil {
			return nil, usagef(cli.DidYouMean("", name, decode.IgnoreNames()), "unknown --ignore %q: want %s", name, cli.Or(decode.IgnoreNames()...))
		}
		j.decode.Ignore |= i
	}
	j.decode.Tunnels = tunnelChoices[o.tunnels]
	if o.write == "-" {
		if isTerminal(e.stdout) {
			return nil, usagef("-w - is for a pipe, as into wireshark -k -i -", "-w -: standard output is a terminal")
		}
		j.env, j.carved = &env{stdin: e.stdin, stdout: io.Discard, stderr: e.stderr, outputs: e.outputs}, e.stdout
	}
	opt, err := o.annotating(ctx, e)
	if err != nil {
		return nil, err
	}
	if o.peers > 0 {
		j.evidence = annotate.NewEvidence(annotate.EvidenceOptions{Peers: o.peers})
	}
	opt.Evidence = j.evidence
	j.annotator = annotate.New(opt)
	registry := j.annotator.Registry()
	if err := o.fillSelector(&j.selector, j.annotator, opt.Local); err != nil {
		return nil, err
	}
	if o.filter != "" {
		if j.filter, err = newFilter(o.filter, registry); err != nil {
			return nil, err
		}
	}
	shown := e.stdout
	if j.records != "" {
		shown = io.Discard // a file is no terminal
	}
	meta := render.Meta{Edition: registry.Edition(), AsOf: o.asOf, ByDay: opt.ByDay, Color: useColor(o.color, shown), Details: o.details}
	if !o.wide {
		meta.Width = terminalWidth(shown)
	}
	if o.sums.used() {
		if len(o.fields) > 0 {
			return nil, usagef("", "--fields chooses fields of flows, --by counts flows: want one of them")
		}
		j.sum, err = o.sums.format(o.output, meta, o.sort, j.table.Prompt, o.observe == "on")
		j.format, j.every = j.sum, o.sums.every
		return j, err
	}
	if j.order, err = parseFlowOrder(o.sort); err != nil {
		return nil, err
	}
	if len(o.fields) > 0 {
		chosen, form, err := chooseFields(o.fields, o.output, true)
		if err != nil {
			return nil, err
		}
		j.format = render.NewChosen(chosen, form, meta)
		if chosen.Has("portannot.capture") {
			j.wantsFile = always
		}
		return j, nil
	}
	j.format, err = render.New(o.output, meta)
	if err != nil {
		return nil, usagef("", "%v", err)
	}
	if o.output == "json" {
		j.wantsFile = ofSeveral
	}
	return j, nil
}

// checkInput settles what is read.
func (o *flowOptions) checkInput(j *job) error {
	stdin := slices.Contains(j.files, "-")
	switch {
	case len(o.live.interfaces) > 0 && len(j.files) > 0:
		return usagef("", "both -i and capture files: want one of them")
	case len(o.live.interfaces) > 0 && o.follow:
		return usagef("", "--follow is for files")
	case len(o.live.interfaces) > 0 && o.recursive:
		return usagef("", "--recursive is for files")
	case len(o.live.interfaces) > 0:
		j.live = &o.live
		if o.live.snapLen < 1 {
			return usagef("", "--snaplen %d: want at least 1", o.live.snapLen)
		}
		if o.live.buffer < 1 || o.live.buffer > 4<<10 {
			return usagef("", "--buffer %d: want 1 to 4096 MiB", o.live.buffer)
		}
		o.live.buffer <<= 20
	case len(j.files) == 0:
		return usagef("name a capture file, portannot -r trace.pcap, - for standard input, or an interface, -i eth0", "nothing to read")
	case o.follow && stdin:
		return usagef("", "--follow takes files, not standard input")
	case o.follow && o.recursive:
		return usagef("name a pattern, -r 'ring_*.pcapng'", "--recursive is not for --follow")
	}
	return nil
}

var tunnelChoices = map[string]decode.Tunnels{"both": decode.Both, "inner": decode.Inner, "outer": decode.Outer}

func readLocalNames(ctx context.Context, path string) (*annotate.LocalNames, error) {
	f, err := openSide(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("read local names: %w", err)
	}
	defer f.Close()
	l, err := annotate.ReadLocalNames(f, path)
	if err != nil {
		return nil, fmt.Errorf("read local names: %w", err)
	}
	return l, nil
}

func readKnownServices(ctx context.Context, path string) (*annotate.KnownServices, error) {
	f, err := openSide(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("read known services: %w", err)
	}
	defer f.Close()
	k, err := annotate.ReadKnownServices(f, path)
	if err != nil {
		return nil, fmt.Errorf("read known services: %w", err)
	}
	return k, nil
}

// annotating reads what --registry, --as-of, --names and --listeners name, once:
// they may be pipes.
func (o *flowOptions) annotating(ctx context.Context, e *env) (opt annotate.Options, err error) {
	if o.names != nil {
		return *o.names, nil
	}
	switch {
	case o.asOf == "":
	case o.asOf == ofTraffic && len(o.live.interfaces) > 0:
		return opt, usagef("", "--as-of %s is for files: live traffic is of today", ofTraffic)
	case o.asOf == ofTraffic:
		opt.ByDay = true
		err = noHistoryOf(o.registry)
	default:
		opt.AsOf, err = knownDay(o.registry, o.asOf)
	}
	if err != nil {
		return opt, err
	}
	c, err := chooseRegistry(ctx, o.registry)
	if err != nil {
		return opt, err
	}
	opt.NoPractice = o.practice == "off"
	if opt.Registry = c.Registry; o.asOf == "" && !o.quiet {
		e.mentionAge(o.registry, c)
	}
	if o.local != "" {
		if opt.Local, err = readLocalNames(ctx, o.local); err != nil {
			return opt, err
		}
	}
	if o.known != "" {
		if opt.Known, err = readKnownServices(ctx, o.known); err != nil {
			return opt, err
		}
	}
	if opt.Networks, err = o.networks(); err != nil {
		return opt, err
	}
	o.names = &opt
	return opt, nil
}

// networks gives those of --local, and of the interfaces that packets are
// captured on.
func (o *flowOptions) networks() (list []netip.Prefix, err error) {
	for _, text := range o.here {
		p, err := parsePrefix(text)
		if err != nil {
			return nil, usagef("an address is 10.20.0.1, with its network 10.20.0.1/24", "--local: %v", err)
		}
		list = append(list, p)
	}
	if len(o.live.interfaces) == 0 {
		return list, nil
	}
	system, _ := capture.Interfaces() // which capturing itself does not need
	for _, i := range system {
		if slices.Contains(o.live.interfaces, i.Name) || slices.Contains(o.live.interfaces, capture.AnyInterface) {
			list = append(list, i.Addresses...)
		}
	}
	return list, nil
}

// protocolsOf are the protocol numbers behind the names --transport takes.
var protocolsOf = map[string][]uint8{
	"tcp":      {packet.TCP},
	"udp":      {packet.UDP, packet.UDPLite},
	"udplite":  {packet.UDPLite},
	"udp-lite": {packet.UDPLite},
	"sctp":     {packet.SCTP},
	"dccp":     {packet.DCCP},
}

func (o *flowOptions) fillSelector(s *annotate.Selector, an *annotate.Annotator, local *annotate.LocalNames) error {
	registry := an.Registry()
	for _, t := range o.transports {
		p, ok := protocolsOf[strings.ToLower(t)]
		if !ok {
			return cli.UnknownWord("--transport", t, transportNames)
		}
		s.Protocols = append(s.Protocols, p...)
	}
	for _, p := range o.ports {
		span, err := annotate.ParseSpan(p)
		if err != nil {
			return usagef("a port is 443, a range 4690-4700", "--port: %v", err)
		}
		s.Ports = append(s.Ports, span)
	}
	for _, t := range o.statuses {
		st, err := iana.ParseStatus(t)
		if err != nil {
			return cli.UnknownWord("--status", t, statusNames)
		}
		s.Statuses = append(s.Statuses, st)
	}
	for _, name := range o.observed {
		p, ok := observe.ParseProtocol(strings.ToLower(name))
		if !ok {
			return cli.UnknownWord("--observed", name, observe.ProtocolNames())
		}
		s.Observed = append(s.Observed, p)
	}
	for _, name := range o.verdicts {
		v, ok := observe.ParseVerdict(strings.ToLower(name))
		if !ok {
			return cli.UnknownWord("--verdict", name, verdictWords())
		}
		s.Verdicts = append(s.Verdicts, v)
	}
	s.Unexpected = o.unexpected
	now := time.Now()
	for _, bound := range []struct {
		flag, text string
		at         *int64
	}{{"since", o.since, &s.Since}, {"until", o.until, &s.Until}} {
		if bound.text == "" {
			continue
		}
		var err error
		if *bound.at, err = parseWhen(bound.flag, bound.text, now); err != nil {
			return err
		}
	}
	if s.Since != 0 && s.Until != 0 && s.Since >= s.Until {
		return usagef("", "--until %s is not after --since %s: no flow can be selected", o.until, o.since)
	}
	for _, name := range o.services {
		if len(registry.ByName(name)) == 0 && (local == nil || !local.Known(name)) && !(an.ByDay() && iana.EverRegistered(name)) {
			if len(registry.WithoutPort(name)) > 0 {
				return usagef("", "--service: %q is registered without a port", name)
			}
			return usagef(nearNames(registry, name, 3), "--service: no port is registered for %q", name)
		}
		s.Services = append(s.Services, name)
	}
	return nil
}

// verdictWords are the verdicts as --verdict takes them, the most striking first.
func verdictWords() []string {
	words := observe.VerdictNames()
	for i, w := range words {
		words[i] = strings.ReplaceAll(w, " ", "-")
	}
	slices.Reverse(words)
	return words
}

// meterOptions are those of a meter that gives the flows it ends early to emit.
func (j *job) meterOptions(emit func(*flow.Flow)) meter.Options {
	opt := meter.Options{Filter: j.filter, Decode: j.decode, Flow: j.table, Workers: j.workers, MaxPackets: j.count}
	opt.Flow.Emit = emit
	return opt
}

// collectLater lets the heap grow further between two collections, until the
// function that it returns is called. Nearly all of the heap is flows, which hold
// no pointers and stay to the end: a collection finds nothing there, and looks
// through 5 MiB of the packet library's tables each time. GOGC in the environment
// has the last word.
func collectLater() (restore func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(400)
	return func() { debug.SetGCPercent(before) }
}

// runFiles reads all captures and writes their flows. What can be read is
// written, whatever else happens.
func (j *job) runFiles(ctx context.Context) error {
	paths, skipped, partial, err := j.files, 0, false, error(nil)
	if j.follow {
		err = refusePatterns(paths, j.records, j.write)
	} else {
		paths, skipped, partial, err = j.expand()
	}
	if err == nil {
		err = j.env.refusePaths(paths)
	}
	if err != nil {
		return err
	}
	src, err := j.open(ctx, paths)
	if err != nil {
		return j.notOpened(err, paths, "flow logs: portannot enrich FILE")
	}
	defer src.Close()
	j.nameFiles(src, paths)
	defer collectLater()()
	files := j.env.newOutputs()
	defer files.close()
	var records *outfile.File // nil: standard output, or one of files
	if j.records != "" && !j.follow {
		if records, err = outfile.Create(j.records); err != nil {
			return err
		}
		defer records.Discard()
		j.printTo(records)
	}
	out := newWriter(j)
	if j.records != "" && j.follow {
		closeRecords, err := j.openRecords(files, out)
		if err != nil {
			return err
		}
		defer closeRecords()
	}
	out.apart = j.workers > 1 && !j.follow
	opt := j.meterOptions(out.early)
	var carving *carving
	if j.write != "" {
		if carving, err = j.startCarving(&opt, out, files, paths); err != nil {
			return err
		}
		defer carving.discard()
	}

	var shown *streamMetrics
	if j.follow {
		var server *metrics.Server
		if server, shown, err = j.openMetrics(); err != nil {
			return err
		}
		if server != nil {
			defer server.Close()
			server.Add(files.metrics)
		}
	}
	confined := sandbox.Options{Accept: j.follow && j.metrics != "", Read: toRead(j.openedAgain(paths))}
	if j.follow {
		confined.Read = toFollow(paths)
	}
	confined.Rename = toRename(records)
	if carving != nil {
		confined.Rename = toRename(records, carving.file)
	}
	confined.Write = files.folders()
	if err := j.view.open(); err != nil {
		return err
	}
	if err := j.env.confine(j.rights, confined); err != nil {
		return err
	}
	if err := files.check(); err != nil {
		return err
	}
	j.view.hook(&opt, j.follow)
	m := meter.New(opt)
	j.view.watch(m, nil)
	if j.follow {
		told := j.tellRestarts(src)
		account := listenTo(accountSignal)
		defer account.stop()
		err = m.Stream(shown.of(src), j.tick(), func() error {
			told()
			j.view.look()
			if account.asked() {
				j.summary(m.Stats(), out, "so far")
			}
			shown.show(m, out, nil)
			out.tick()
			if files.tick() {
				return errFilesFull
			}
			return out.err
		})
		if errors.Is(err, errFilesFull) {
			err = nil
		}
		told()
		if list, more := src.Problems(); more > 0 {
			partial = true
			for i := range list {
				j.env.warnf("%v", &list[i])
			}
		}
	} else {
		stop := j.showProgress(src)
		answered := j.env.accountOfReading(src)
		err = m.Read(ctx, src)
		answered()
		stop.done()
	}
	j.view.last()
	stats := m.Stats()
	state := inputWhole
	if err != nil && !errors.Is(err, errReaderGone) {
		state = inputDamaged
		if errors.Is(err, context.Canceled) && !j.follow { // Ctrl-C is how --follow ends
			state = inputCut
		}
		j.env.warnEach(err)
	}
	// A reader of the flows that went away is no reason to leave out -w.
	gone := j.finish(m, out)
	if gone != nil && (carving == nil || !errors.Is(gone, errReaderGone)) {
		return gone
	}
	if partial && state == inputWhole {
		state = inputDamaged // an argument named nothing
	}
	if records != nil {
		if !j.env.mayInstall("--output-file", records, state) {
			partial = true
		} else if err := records.Commit(); err != nil {
			return err
		}
	}
	if carving != nil {
		carving.carver.choose(out.picked)
		err = carving.finish(ctx, m, paths, state)
		if err != nil && !errors.Is(err, errPart) {
			return err
		}
		partial = partial || err != nil
	}
	if err := files.close(); err != nil {
		j.env.warnEach(err)
		partial = true
	}
	if !j.quiet {
		files.summary()
		files := uint64(len(paths))
		if f, ok := src.(*capture.Follower); ok {
			files = f.Files()
		}
		j.summary(stats, out, "from "+plural(files, "file"))
		j.env.mentionUndated(j.annotator)
		if c, ok := src.(interface{ Drops() uint64 }); ok && c.Drops() > 0 {
			j.env.warnf("the capture reports %s lost while it was made", plural(c.Drops(), "packet"))
		}
		if skipped > 0 {
			j.env.warnf("skipped %s in the folders: not captures", plural(uint64(skipped), "file"))
		}
	}
	if state == inputCut {
		j.env.warnf("interrupted: the flows are those of the first %s", plural(stats.Packets, "packet"))
	}
	if partial || state == inputDamaged || state == inputCut && j.view == nil {
		return errPart
	}
	return gone
}

// fileWish says when the capture of a flow's first packet is asked for.
type fileWish uint8

const (
	never fileWish = iota
	ofSeveral
	always
)

// nameFiles has flows say which capture they are of, where that is asked for.
func (j *job) nameFiles(src capture.FileSource, paths []string) {
	several := len(paths) > 1 || j.follow && capture.IsPattern(paths[0])
	if j.wantsFile == never || j.wantsFile == ofSeveral && !several {
		return
	}
	j.fileOf = func(uint64) string { return paths[0] }
	if s, ok := src.(interface{ FileOf(uint64) string }); ok {
		j.fileOf = s.FileOf
	}
}

// openedAgain lists the captures that will be opened again: those of a merge when their
// time has come, and all regular ones for -w.
func (j *job) openedAgain(paths []string) []string {
	if len(paths) == 1 && j.write == "" {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool {
		st, err := os.Stat(path)
		return err != nil || !st.Mode().IsRegular()
	})
}

// tellRestarts gives a function that says that a capture which is followed was
// written anew since it was called before.
func (j *job) tellRestarts(src capture.FileSource) func() {
	f, ok := src.(interface{ Restarts() uint64 })
	before := uint64(0)
	return func() {
		if ok && f.Restarts() > before {
			before = f.Restarts()
			j.env.warnf("%s: cut or written anew: read again from its beginning", strings.Join(j.files, ", "))
		}
	}
}

// errFilesFull ends a run when all of tcpdump's -W files are written.
var errFilesFull = errors.New("all files of -W are written")

// printTo has the flows printed to w.
func (j *job) printTo(w io.Writer) { j.env = j.env.printingTo(w) }

// openRecords opens the file that a run that goes on writes its flows to.
func (j *job) openRecords(files *outputs, out *writer) (closePlain func(), err error) {
	opt := j.rotation.flows
	opt.Unit, opt.Header, opt.Footer = "flow", out.format.AppendHeader, out.format.AppendFooter
	file, plain, err := files.open("--output-file", j.records, opt)
	if err != nil {
		return nil, err
	}
	if out.file = file; plain == nil {
		return func() {}, nil
	}
	j.printTo(plain)
	return func() { plain.Close() }, nil
}

// finish writes the flows that are still held.
func (j *job) finish(m *meter.Meter, out *writer) error {
	out.settle()
	res := m.Results()
	if j.evidence != nil {
		j.evidence.AddAll(res)
	}
	if j.order != nil {
		j.order.sort(res, j.annotating())
	}
	if err := out.finish(res); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// packetSummary accounts for every packet, on standard error.
func (j *job) packetSummary(st meter.Stats, where string) {
	counts := &st.Decoded
	var b strings.Builder
	fmt.Fprintf(&b, "read %s %s: ", plural(st.Packets, "packet"), where)
	if j.filter != nil && j.live == nil { // live, the system runs it and does not tell
		fmt.Fprintf(&b, "%d refused by the filter, ", st.Refused)
	}
	fmt.Fprintf(&b, "%d decoded", counts[decode.Decoded])
	sep := ", not decoded: "
	for r := decode.Decoded + 1; r < decode.NumResults; r++ {
		if counts[r] == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s%d %v", sep, counts[r], r)
		if r == decode.UnknownLink {
			b.WriteString(unknownLinks(st.UnknownLinks))
		}
		sep = ", "
	}
	j.env.warnf("%s", b.String())
	switch fs := &st.Flows; {
	case j.table.Dedup > 0:
		j.env.warnf("%s seen again within %v and not counted to a flow", plural(fs.Duplicates, "transport header"), j.table.Dedup)
		if fs.DedupLost > 0 {
			j.env.warnf("%s forgotten in less than %v, for want of memory: copies of them are counted", plural(fs.DedupLost, "packet"), j.table.Dedup)
		}
	case fs.SeenTwice():
		j.env.warnf("packets are probably counted twice: of %s that can be told apart, %d came again within %v", plural(fs.Sampled, "packet"), fs.Twins, flow.TwinTime)
		j.env.warnf("hint: that is so where a capture has two points of observation; --dedup 1ms counts each packet once")
	}
}

// unknownLinks names the link types that are not decoded.
func unknownLinks(packets map[capture.LinkType]uint64) string {
	var list []string
	for _, l := range slices.Sorted(maps.Keys(packets)) {
		list = append(list, fmt.Sprintf("%v: %d", l, packets[l]))
	}
	return " (" + strings.Join(list, ", ") + ")"
}

// summary accounts for every packet and flow, on standard error.
func (j *job) summary(stats meter.Stats, out *writer, where string) {
	j.packetSummary(stats, where)
	var b strings.Builder
	st := &stats.Flows
	fmt.Fprintf(&b, "%s", plural(st.Flows, "flow"))
	sep := ": service port "
	for s := iana.Assigned; int(s) < iana.NumStatuses; s++ {
		if n := out.tally.statuses[s]; n > 0 {
			fmt.Fprintf(&b, "%s%d %v", sep, n, s)
			sep = ", "
		}
	}
	if n := out.tally.statuses[iana.Unknown]; n > 0 {
		fmt.Fprintf(&b, "%s%d not covered by the registry file", sep, n)
		sep = ", "
	}
	if n := out.tally.noSide; n > 0 {
		fmt.Fprintf(&b, "%s%d with no side known", sep, n)
	}
	if !j.selector.Empty() {
		fmt.Fprintf(&b, "; %d selected and shown", out.tally.shown)
	}
	j.env.warnf("%s", b.String())
	if j.table.Payload > 0 && st.Flows > 0 {
		b.Reset()
		sep := "payload: "
		for v := observe.NumVerdicts; v > 0; v-- {
			if n := out.tally.verdicts[v-1]; n > 0 {
				fmt.Fprintf(&b, "%s%d %v", sep, n, v-1)
				sep = ", "
			}
		}
		if b.Len() > 0 { // else no flow has ended yet
			j.env.warnf("%s", b.String())
		}
	}
	if out.tally.services != nil {
		out.tally.services.say(j.env, j.annotator.Registry())
	}
	if st.PayloadLost > 0 {
		j.env.warnf("payload of %s of flows cut short: the %d MiB for payloads were full", plural(st.PayloadLost, "direction"), flow.DefaultPayloadMemory>>20)
	}
	if n := st.Evicted - st.Crowded; n > 0 {
		j.env.warnf("%s ended early because --max-flows %d was reached", plural(n, "flow"), j.table.MaxFlows)
	}
	if st.Crowded > 0 {
		j.env.warnf("%s ended early because flows of %d VLANs and tunnels were held at a time", plural(st.Crowded, "flow"), flow.DefaultMaxContexts)
	}
	if st.Early > 0 && !j.table.Prompt {
		j.env.warnf("%s written before the end of the input, and so not in the order of --sort", plural(st.Early, "flow"))
	}
}

// plural gives "1 flow", "2 flows".
func plural(n uint64, what string) string {
	s := strconv.FormatUint(n, 10) + " " + what
	if n != 1 {
		s += "s"
	}
	return s
}
