package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/flowlog/kafka"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/render"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/sandbox"
	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
	"github.com/portannot/portannot/cmd/portannot/internal/follow"
)

// enrichOptions are the flags, as given.
type enrichOptions struct {
	flowOptions // of these, the selection and the names
	format      string
	fieldMap    string
	formats     string // a file of them
	columns     []string
	list        bool
	listen      []string
	fromCapture bool
	allow       []string
	out         rotationOptions
	strict      bool
	strip       bool
	position    string
	rotateWait  time.Duration
	kafka       kafkaOptions
	view        *logView // nil: records are written
}

func (e *env) enrichCommand() *cli.Command {
	o := new(enrichOptions)
	return &cli.Command{
		Name:  "enrich",
		Short: "annotate flow logs, and change nothing else in them",
		About: `portannot enrich copies flow logs and adds to each record which end is the
service, why, and what the port registry says of its ports. Columns come at the
end of a line, an object "portannot" at the end of a JSON object; every other
byte stays as it was. The format is recognised by the content; gzip and zstd
are decompressed.

A line that cannot be understood is copied as it is, reported on standard error
with its number, and makes the exit status 1. Annotating an annotated log again
replaces the annotation.`,
		Elsewhere: map[string]string{
			"r": "logs are named without a flag; captures: portannot -r FILE",
			"w": "annotated logs go to standard output, or to --output-file FILE",
		},
		Usage: `portannot enrich [flags] [FILE... | -]
portannot enrich --from TOPIC --to TOPIC --group NAME [flags]`,
		Groups: []cli.Group{
			{Heading: "Input:", Flags: cli.Join(
				logFormatFlags(&o.format, &o.fieldMap, &o.formats, &o.columns, append(logFormatNames(), kafka.Protobuf)),
				[]cli.Flag{
					cli.Switch(&o.list, "list-formats", "", false, "list the formats, those of --formats first: what each reads and adds; with --wide or in a pipe, also the document that it follows"),
					cli.Strings(&o.listen, "listen", "", "ADDR",
						"take NetFlow 5, NetFlow 9, IPFIX and sFlow 5 from the network, until Ctrl-C: udp://ADDRESS:PORT, or tcp://ADDRESS:PORT for IPFIX; may be given again"),
					cli.Switch(&o.fromCapture, "from-capture", "", false,
						"FILE is a capture: take the NetFlow, IPFIX and sFlow that exporters sent out of its packets"),
					cli.List(&o.allow, "allow-exporter", "", "NET",
						"take them from this address or network only: 192.0.2.1, 192.0.2.0/24; may be given again or take a list"),
					followFlag(&o.follow),
					cli.String(&o.position, "position", "", "FILE", "",
						"with --follow, file that keeps how far logs are read; the next run goes on from there").Of(cli.Output),
					cli.Duration(&o.rotateWait, "rotate-wait", "", "TIME", defaultRotateWait,
						"with --follow, read a log that was renamed until nothing was written to it for TIME; default 5s"),
					cli.Switch(&o.strict, "strict", "", false,
						"stop at the first line that is not understood; with --listen, exit status 1 if anything was lost"),
				})},
			{Heading: "Topics of Apache Kafka, instead of logs:", Flags: o.kafka.flags()},
			{Heading: selectionHeading, Flags: selectionFlags(&o.flowOptions)},
			{Heading: "Output, on standard output; all messages go to standard error:", Flags: cli.Join([]cli.Flag{
				outputFlag(&o.output, "same", []string{"same", "json", "csv", "text"},
					"same (default: the log's own, JSON Lines for NetFlow and sFlow), json (one object a line), csv, or text, which is for --by and --fields, and their default"),
				cli.Switch(&o.strip, "strip", "", false, "remove the annotation again"),
				recordsFlag(&o.out.records),
			}, o.sums.flags(), []cli.Flag{
				sortFlag(&o.sort),
				fieldsFlag(&o.fields),
				wideFlag(&o.wide),
				colorFlag(&o.color),
				quietFlag(&o.quiet),
			})},
			{Heading: "That file, with --listen, --follow and logs from standard input:", Flags: rotationFlags(&o.out)},
			{Heading: "With --listen or --follow, and for topics of Kafka:", Flags: []cli.Flag{metricsFlag(&o.metrics)}},
			{Heading: rightsHeading, Flags: rightsFlags(&o.rights)},
			{Heading: "Names:", Flags: namesFlags(&o.flowOptions)},
			{Heading: "Which end is the service:", Flags: append(listenersFlags(&o.known), localFlag(&o.here))},
		},
		After: `With a selection, only headers and records of flows that match are written.

Exit status: 0 done; 1 failure, or a line was not understood; 2 usage.`,
		Examples: []string{
			"portannot enrich testdata/flowlogs/zeek/conn.log",
			"portannot enrich --unexpected testdata/flowlogs/eve/suricata-7.json",
			"portannot enrich -o csv testdata/flowlogs/eve/suricata-7.json | head -2",
			"portannot enrich testdata/flowlogs/zeek/conn.log | portannot enrich --strip",
			"portannot enrich --listen udp://127.0.0.1:2055",
			"portannot enrich --from-capture testdata/captures/exporters.pcap",
			"portannot enrich --list-formats",
			"portannot enrich --from kafka://k1/flows --to kafka://k1/ports --group ports",
		},
		Args: cli.File,
		Run:  func(ctx context.Context, fs *pflag.FlagSet) error { return o.run(ctx, e, fs) },
	}
}

var enrichOutputs = map[string]flowlog.Output{"same": flowlog.Same, "json": flowlog.JSON, "csv": flowlog.CSV}

func (o *enrichOptions) run(ctx context.Context, e *env, fs *pflag.FlagSet) error {
	if o.list {
		return o.listFormats(e)
	}
	o.takeOldFields(e)
	if err := o.kafka.check(fs); err != nil {
		return err
	}
	if o.kafka.used() && (o.sums.used() || o.sort != "" || o.output == "text" || len(o.fields) > 0) {
		return usagef("", "--by, --top, --every, --sort, --fields and -o text are not for topics of Kafka")
	}
	if o.kafka.used() {
		return runEnrichKafka(ctx, e, o)
	}
	if err := o.checkService(fs); err != nil {
		return err
	}
	files, err := o.inputs(e, fs.Args(), "name a log, portannot enrich conn.log, or - for standard input")
	if err == nil {
		err = o.checkCaptures(files)
	}
	if err != nil {
		return err
	}
	if len(o.listen) > 0 && o.asOf == ofTraffic {
		return usagef("", "--as-of %s is for files: what is received is of today", ofTraffic)
	}
	opt, err := o.options(ctx, e)
	if err != nil {
		return err
	}
	rotation, _, err := o.out.check(fs, "")
	if err != nil {
		return err
	}
	stream := len(o.listen) > 0 || o.follow || rotation.Rotates()
	if name := o.out.given(fs); name != "" && len(o.listen) == 0 && !o.follow && !slices.Equal(files, []string{"-"}) {
		return usagef("", "--%s is for --listen, --follow and logs from standard input", name)
	}
	outer := e
	var keep *positions
	if o.position != "" {
		if keep, err = e.readPositions(o.position); err != nil {
			return err
		}
		if err := keep.goBack(o.out.records); err != nil {
			return err
		}
	}
	out := outer.newOutputs()
	defer out.close()
	var whole *outfile.File
	switch {
	case o.out.records == "":
	case stream:
		var closePlain func()
		if e, closePlain, err = out.openLines(o.out.records, rotation); err != nil {
			return err
		}
		defer closePlain()
	default:
		if whole, err = outfile.Create(o.out.records); err != nil {
			return err
		}
		defer whole.Discard()
		e = e.printingTo(whole)
	}
	j := &enrichJob{env: e, files: files, annotator: opt.Annotator, check: o.check("portannot enrich", enrichInstead), view: o.view, follow: o.follow, quiet: o.quiet, selecting: !opt.Selector.Empty()}
	opt.Problem = j.report
	j.read = newReadSoFar(files)
	if err := o.count(j, &opt); err != nil {
		return err
	}
	if err := o.choose(&opt); err != nil {
		return err
	}
	shown, err := o.view.begin(&opt)
	if err != nil {
		return err
	}
	defer shown()
	var following *following
	if o.follow {
		if following, err = j.newFollowing(opt, keep, follow.Options{Wait: o.rotateWait}); err != nil {
			return err
		}
		if keep != nil && len(out.files) > 0 {
			keep.output = out.files[0]
		}
		server, err := e.openMetrics(o.metrics, o.quiet, opt.Annotator.Registry())
		if err != nil {
			return err
		}
		if server != nil {
			defer server.Close()
			server.Add(following.metrics)
			server.Add(out.metrics)
			server.SetHealth(func() error { return nil })
		}
	}
	j.enricher = flowlog.NewEnricher(e.stdout, opt)
	allow, err := parsePrefixes(o.allow)
	if err != nil {
		return err
	}
	j.exports = newExports(j, opt, allow)
	run := j.run
	if o.fromCapture {
		run = j.runCaptures
	}
	if o.follow {
		run = following.run
	}
	if len(o.listen) > 0 {
		run = func(ctx context.Context) error {
			return j.exports.listen(ctx, o.listen, &o.flowOptions, out, opt.Annotator.Registry(), o.strict)
		}
	}
	if j.sums != nil {
		counting := run
		run = func(ctx context.Context) error { return j.runSums(ctx, o.sums.every, counting) }
	}
	stop := out.everySecond()
	if len(o.listen) == 0 {
		confined := sandbox.Options{Read: toRead(files), Accept: o.metrics != "", Rename: toRename(whole), Write: out.folders()}
		if o.follow {
			confined.Read = following.set.Folders()
			confined.Write = append(confined.Write, keep.folder()...)
		}
		if err = e.confine(o.rights, confined); err == nil {
			err = out.check()
		}
	}
	if err == nil {
		err = run(ctx)
	}
	stop()
	if len(o.fields) > 0 && o.output == "text" {
		fmt.Fprintf(e.textOutput("text"), "# %s Registry edition %s.\n", iana.Warning, opt.Annotator.Registry().Edition().Date)
	}
	if whole != nil && (err == nil || errors.Is(err, errPart)) {
		if !outer.mayInstall("--output-file", whole, j.state) {
			return errPart
		}
		return errors.Join(err, whole.Commit())
	}
	if closeErr := out.close(); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	if !o.quiet {
		out.summary()
	}
	return err
}

// count prepares for --by.
func (o *enrichOptions) count(j *enrichJob, opt *flowlog.EnrichOptions) error {
	switch {
	case !o.sums.used() && o.output == "text" && len(o.fields) == 0:
		return usagef("--by service counts the records, --fields source.ip,portannot.registered.name lists them", "-o text is for --by and --fields")
	case !o.sums.used() && o.sort != "":
		return usagef("portannot enrich --by service --sort bytes conn.log", "--sort is for --by: the records of a log stay in their order")
	case !o.sums.used():
		return nil
	case o.strip:
		return usagef("", "--strip does not go with --by")
	case len(o.fields) > 0:
		return usagef("", "--fields chooses fields of flows, --by counts flows: want one of them")
	case o.output == "same":
		o.output = "text"
	}
	meta := render.Meta{Edition: opt.Annotator.Registry().Edition(), Color: useColor(o.color, j.env.stdout)}
	if !o.wide {
		meta.Width = terminalWidth(j.env.stdout)
	}
	sum, err := o.sums.format(o.output, meta, o.sort, o.follow || len(o.listen) > 0, false)
	if err != nil {
		return err
	}
	j.sums = &sums{out: j.env.stdout, sum: sum}
	opt.Output, opt.Batch = flowlog.Nothing, j.sums.batch
	return nil
}

// choose prepares for --fields.
func (o *enrichOptions) choose(opt *flowlog.EnrichOptions) (err error) {
	switch {
	case len(o.fields) == 0:
		return nil
	case o.strip:
		return usagef("", "--strip does not go with --fields")
	case o.output == "same":
		o.output = "text"
	}
	opt.Output = flowlog.Chosen
	opt.Chosen, _, err = chooseFields(o.fields, o.output, false)
	return err
}

// takeOldFields takes columns of AWS logs, which --fields named once, for
// --columns. No field of the record has the name of such a column.
func (o *enrichOptions) takeOldFields(e *env) {
	ours := func(name string) bool { return strings.ContainsAny(name, ".@") }
	ports := func(name string) bool { return name == "srcport" || name == "dstport" }
	if len(o.columns) == 0 && !slices.ContainsFunc(o.fields, ours) && slices.ContainsFunc(o.fields, ports) {
		e.warnf("--fields now chooses what is written: use --columns for the columns of a log")
		o.columns, o.fields = o.fields, nil
	}
}

// runSums runs what counts flows, and writes what was counted.
func (j *enrichJob) runSums(ctx context.Context, every time.Duration, run func(context.Context) error) error {
	stop, cancel := context.WithCancel(ctx)
	var repeating sync.WaitGroup
	if every > 0 {
		repeating.Go(func() { j.sums.repeat(stop, every, cancel) })
	}
	runErr := run(stop)
	cancel()
	repeating.Wait()
	if err := j.sums.finish(); err != nil {
		return err
	}
	return runErr
}

// checkService finds flags of runs that go on, where the run does not.
func (o *enrichOptions) checkService(fs *pflag.FlagSet) error {
	if len(o.listen) > 0 {
		return nil
	}
	for _, name := range []string{"position", "rotate-wait"} {
		if fs.Changed(name) && !o.follow {
			return usagef("", "--%s is for --follow", name)
		}
	}
	if o.rotateWait < 0 {
		return usagef("", "--rotate-wait %v: below zero", o.rotateWait)
	}
	if fs.Changed("allow-exporter") {
		return usagef("", "--allow-exporter is for --listen")
	}
	if o.metrics != "" && !o.follow {
		return usagef("", "--metrics is for --listen, --follow and Kafka topics")
	}
	return nil
}

// inputs gives the names of the logs; without any, standard input is meant,
// unless someone would have to type it: hint says how to name one.
func (o *enrichOptions) inputs(e *env, names []string, hint string) ([]string, error) {
	switch {
	case len(o.listen) > 0 && (len(names) > 0 || o.follow):
		return nil, usagef("", "both --listen and files: want one of them")
	case len(o.listen) > 0:
		return nil, nil
	case len(names) == 0 && isTerminal(e.stdin):
		return nil, usagef(hint, "nothing to read")
	case len(names) == 0:
		names = []string{"-"}
	}
	if o.follow && slices.Contains(names, "-") {
		return nil, usagef("", "--follow takes files, not standard input")
	}
	return names, nil
}

// options checks the flags and opens what they name, the logs excepted.
func (o *enrichOptions) options(ctx context.Context, e *env) (opt flowlog.EnrichOptions, err error) {
	if o.format == "sflow" && len(o.listen) == 0 {
		return opt, usagef("portannot enrich --listen udp://0.0.0.0:6343, or --from-capture", "--format sflow is for --listen: files of sFlow datagrams are not read")
	}
	opt.Output = enrichOutputs[o.output]
	if opt.Options, err = o.reading(); err != nil {
		return opt, err
	}
	opt.Strict, opt.Strip = o.strict, o.strip
	names, err := o.annotating(ctx, e)
	if err != nil {
		return opt, err
	}
	opt.Annotator = annotate.New(names)
	return opt, o.fillSelector(&opt.Selector, opt.Annotator, names.Local)
}

// reading checks the flags that say how logs are read.
func (o *enrichOptions) reading() (opt flowlog.Options, err error) {
	if o.format == kafka.Protobuf {
		return opt, usagef("", "--format %s is for Kafka topics", o.format)
	}
	opt = flowlog.Options{Format: o.format, Fields: logColumns(o.columns)}
	if o.fieldMap != "" {
		if opt.Map, err = flowlog.ParseMap(o.fieldMap); err != nil {
			return opt, usagef("--map proto=protocol,sport=source_port,dport=dest_port", "--map: %v", err)
		}
	}
	if o.formats != "" {
		if opt.Formats, err = readFormats(o.formats); err != nil {
			return opt, err
		}
	}
	return opt, nil
}

// logColumns takes the columns of --columns apart where they are written as AWS
// writes the format of a log: ${srcaddr} ${dstaddr}.
func logColumns(list []string) (columns []string) {
	for _, item := range list {
		for _, name := range strings.Fields(item) {
			if inner, ok := strings.CutPrefix(name, "${"); ok {
				name = strings.TrimSuffix(inner, "}")
			}
			columns = append(columns, name)
		}
	}
	return columns
}

// enrichJob copies logs, one after another.
type enrichJob struct {
	env       *env
	files     []string
	follow    bool
	annotator *annotate.Annotator
	check     *logCheck
	view      *logView // of top; nil for any other run
	quiet     bool
	selecting bool
	state     inputState
	enricher  *flowlog.Enricher
	exports   *exports // NetFlow, IPFIX and sFlow
	sums      *sums    // of --by; nil for the records
	reported  uint64
	read      *readSoFar
	progress  *progress // shown while logs are copied
}

// report names a line that was not understood. The first ones are enough to
// see what is wrong.
func (j *enrichJob) report(p *flowlog.Problem) {
	if j.reported++; j.reported <= flowlog.MaxProblems {
		j.warnf("%v", p)
	}
}

// run copies all logs. What can be read is written, whatever else happens,
// unless the output fails.
func (j *enrichJob) run(ctx context.Context) error {
	failed := false
	var wrong *wrongInput
	for _, name := range j.files {
		j.progress = j.showProgress()
		answered := j.env.accountOfReading(j.read)
		err := j.copy(ctx, name)
		answered()
		j.progress.done()
		switch {
		case err == nil:
		case errors.Is(err, errReaderGone), errors.Is(err, flowlog.ErrWrite):
			return err
		case errors.Is(err, flowlog.ErrStrict):
			// The line has been named.
			j.env.warnf("%v", flowlog.ErrStrict)
			j.state = inputDamaged
			return errPart
		case isUnknownName(err):
			return unknownName(err)
		case errors.Is(err, flowlog.ErrCapture):
			return wrongKind(name, captureKind, "a log", enrichInstead)
		case errors.As(err, &wrong):
			return wrong
		case ctx.Err() != nil:
			j.env.warnf("interrupted")
			j.state = inputCut
			j.summary()
			return errPart
		default:
			failed = true
			j.state = inputDamaged
			j.env.warnHinted(err)
		}
	}
	j.summary()
	if failed || j.enricher.Stats().Faults > 0 || j.exports.faults() > 0 {
		return errPart
	}
	return nil
}

func isUnknownName(err error) bool {
	var unknown *flowlog.UnknownName
	return errors.As(err, &unknown)
}

// unknownName gives the mistake of usage in a map that names what a log does
// not have.
func unknownName(err error) error {
	var unknown *flowlog.UnknownName
	errors.As(err, &unknown)
	hint := ""
	if near := cli.Near(unknown.Name, unknown.Names); len(near) > 0 {
		hint = "the log has " + cli.Or(near...)
	} else if n := len(unknown.Names); n > 0 {
		hint = "the log has " + strings.Join(unknown.Names[:min(n, 12)], ", ")
	}
	return usagef(hint, "--map: %v", err)
}

// openLog opens a log for a command.
func openLog(ctx context.Context, name, command string) (*os.File, error) {
	if st, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such file", name)
	} else if err == nil && st.IsDir() {
		return nil, withHint(fmt.Errorf("%s is a directory", name), "name the logs in it: "+command+" "+filepath.Join(name, "*"))
	}
	return capture.OpenFile(ctx, name)
}

// copy copies one log.
func (j *enrichJob) copy(ctx context.Context, name string) error {
	if name == "-" {
		return j.enrich(ctx, j.read.of(j.check.input(j.env.stdin)), "standard input")
	}
	f, err := openLog(ctx, name, "portannot enrich")
	if err != nil {
		return err
	}
	defer f.Close()
	return j.enrich(ctx, j.read.of(f), name)
}

// summary accounts for every line and flow, on standard error.
func (j *enrichJob) summary() {
	j.view.atEnd()
	if j.sums != nil {
		j.sums.finish() // which runSums asks for its error
	}
	st := j.enricher.Stats()
	if st.Lines > 0 || !j.exports.used() || j.quiet {
		j.account(st, len(j.files)-j.exports.files)
	}
	if j.quiet {
		return
	}
	j.env.mentionUndated(j.annotator)
	if j.exports.used() {
		j.exports.summary()
	}
}

// account accounts for the lines of so many logs.
func (j *enrichJob) account(st *flowlog.Stats, logs int) {
	if more := st.Faults - min(st.Faults, flowlog.MaxProblems); more > 0 {
		j.env.warnf("%d more lines that were not understood", more)
	}
	if j.quiet {
		return
	}
	j.env.warnf("read %s from %s: %s, %d other, %d not understood", plural(st.Lines, "line"), plural(uint64(logs), "log"),
		plural(st.Flows, "flow"), st.Other, st.Bad)
	j.formatSummary(st)
	j.flowSummary(st)
}

// formatSummary says what formats were met, and why lines were not understood.
func (j *enrichJob) formatSummary(st *flowlog.Stats) {
	var parts []string
	for _, c := range st.Shapes {
		if c.Format == "" {
			continue
		}
		part := c.Format + " " + plural(c.Flows, "flow")
		if c.Other > 0 {
			part += fmt.Sprintf(", %d without ports", c.Other)
		}
		if c.Bad > 0 {
			part += fmt.Sprintf(", %d not understood", c.Bad)
		}
		parts = append(parts, part)
	}
	met := len(parts) > 0
	if met {
		j.env.warnf("formats: %s", strings.Join(parts, "; "))
	}
	parts = nil
	for _, r := range st.Reasons {
		parts = append(parts, fmt.Sprintf("%d: %s", r.Lines, r.Reason))
	}
	if len(parts) > 0 {
		j.env.warnf("not understood: %s", strings.Join(parts, "; "))
	}
	if !met && st.Bad > 0 {
		j.env.warnf("hint: portannot enrich --list-formats lists what is read; --map names the fields of other logs, --columns those of an AWS log without header")
	}
}

// flowSummary says what was found of flows, on standard error.
func (j *enrichJob) flowSummary(st *flowlog.Stats) {
	if st.Flows == 0 {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s", plural(st.Flows, "flow"))
	sep := ": "
	say := func(n uint64, format string, args ...any) {
		if n > 0 {
			b.WriteString(sep)
			fmt.Fprintf(&b, "%d ", n)
			fmt.Fprintf(&b, format, args...)
			sep = ", "
		}
	}
	for s := iana.Assigned; int(s) < iana.NumStatuses; s++ {
		if st.Statuses[s] > 0 && sep == ": " {
			b.WriteString(": service port")
			sep = " "
		}
		say(st.Statuses[s], "%v", s)
	}
	say(st.Statuses[iana.Unknown], "with status unknown")
	say(st.NoSide, "with no side known")
	say(st.NoPort, "whose port was not reported")
	say(st.NoPorts, "of protocols without ports")
	if j.selecting {
		fmt.Fprintf(&b, "; %d selected", st.Selected)
	}
	j.env.warnf("%s", b.String())
}

// listFormats describes the formats, the user's own first, as they are tried. The
// documents that they follow are left out on a terminal, unless all is asked for.
func (o *enrichOptions) listFormats(e *env) error {
	list := append(logFormats(), kafkaFormats()...)
	if o.formats != "" {
		own, err := readFormats(o.formats)
		if err != nil {
			return err
		}
		list = append(own.Infos(), list...)
	}
	documents := o.wide || terminalWidth(e.stdout) == 0
	var b strings.Builder
	for i, f := range list {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s\n    log    %s\n    reads  %s\n    adds   %s\n", f.Name, f.About, f.Reads, f.Adds)
		if documents && f.Doc != "" {
			fmt.Fprintf(&b, "    doc    %s\n", f.Doc)
		}
	}
	out := e.textOutput("text")
	if o.wide {
		out = e.stdout
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// readFormats reads a file of the user's own formats.
func readFormats(name string) (*flowlog.FormatSet, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--formats: %w", err)
	}
	defer f.Close()
	set, err := flowlog.ReadFormats(f, name)
	if err != nil {
		return nil, usagef("portannot help formats says how formats are written", "--formats: %v", err)
	}
	return set, nil
}

// logFormatNames lists what --format takes.
func logFormatNames() []string {
	names := []string{"auto"}
	for _, f := range logFormats() {
		names = append(names, f.Name)
	}
	return names
}
