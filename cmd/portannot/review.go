package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/review"
	"github.com/portannot/portannot/annotate/review/report"
	"github.com/portannot/portannot/annotate/review/rules"
	"github.com/portannot/portannot/capture/sandbox"
	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// reviewOptions are the flags, as given.
type reviewOptions struct {
	flowOptions // of these, what the flags below take
	format      string
	fieldMap    string
	formats     string // a file of them
	columns     []string
	policy      string
	rules       []string
	rulesBefore []string
	merge       bool
	interfaces  []string
	baseline    string
	failOn      string
	writePolicy string
	maxServices int
	scanTargets int
	title       string
	author      string
	policyHelp  bool
}

func (e *env) reviewCommand() *cli.Command {
	o := new(reviewOptions)
	return &cli.Command{
		Name:  "review",
		Short: "find services that nobody expects, and rules that nothing uses",
		About: `portannot review lists the services in traffic, compares them with what is
expected (a policy) and with what the firewall lets through (its rules), and
says what differs, with the evidence.

A registered port says nothing of what the traffic really is, so nothing is
called good or bad for its registration alone.`,
		Usage: `portannot review -r CAPTURE... [flags]
portannot review [flags] [FLOWLOG... | -]
portannot review --merge REPORT.json... [flags]`,
		Groups: []cli.Group{
			{Heading: "Captures:", Flags: []cli.Flag{
				readFlag(&o.read),
				recursiveFlag(&o.recursive),
				countFlag(&o.count),
				filterFlag(&o.filter),
				tunnelsFlag(&o.tunnels),
				ignoreFlag(&o.ignore),
			}},
			{Heading: "Flow logs:", Flags: logFormatFlags(&o.format, &o.fieldMap, &o.formats, &o.columns, logFormatNames())},
			{Flags: []cli.Flag{cli.List(&o.columns, "fields", "", "LIST", "columns of an AWS log").Replaced("--columns")}},
			{Heading: selectionHeading, Flags: cli.Join(selectionFlags(&o.flowOptions), payloadSelectionFlags(&o.flowOptions))},
			{Heading: "Reports:", Flags: []cli.Flag{
				cli.Switch(&o.merge, "merge", "", false, "join earlier reports (-o json) into one, with the policy and rules of today"),
			}},
			{Heading: "Comparing:", Flags: []cli.Flag{
				cli.String(&o.policy, "policy", "", "FILE", "", "expected services, in YAML; --policy-help explains it").Of(cli.File),
				cli.Strings(&o.rules, "rules", "", "FILE",
					"firewall rules; may be given again: nft -j list ruleset, iptables-save, ipset save, AWS describe-security-groups and describe-network-acls, Kubernetes NetworkPolicy, pfctl -sr, Cisco ASA, config.xml of pfSense and OPNsense, or a table of any firewall's rules (see portannot help rules)").Of(cli.File),
				cli.Strings(&o.rulesBefore, "rules-baseline", "", "FILE",
					"earlier firewall rules: what is newly allowed or denied, without traffic too; may be given again").Of(cli.File),
				localFlag(&o.here),
				cli.Strings(&o.interfaces, "interfaces", "", "FILE",
					"what is behind the firewall's interfaces: lines \"lan 10.20.0.1/16\", \"wan default\", or ip -j address and ip -j route; may be given again").Of(cli.File),
				cli.String(&o.baseline, "baseline", "", "FILE", "", "earlier report to compare with (-o json): what is new, gone, changed").Of(cli.File),
			}},
			{Heading: "Output, on standard output; all messages go to standard error:", Flags: []cli.Flag{
				outputFlag(&o.output, "text", report.Formats(), "text (default), json (also the baseline's form), csv (services), csv-findings, csv-rules, html, sarif or markdown"),
				cli.String(&o.title, "title", "", "TEXT", "", "title of the report; for text, html and markdown"),
				cli.String(&o.author, "author", "", "TEXT", "", "who made the report; for text, html and markdown"),
				cli.Choice(&o.failOn, "fail-on", "", "LEVEL", "", []string{"note", "warning", "error"},
					"exit status 3 on findings of a level or above: note, warning or error"),
				cli.String(&o.writePolicy, "write-policy", "", "FILE", "",
					"write a policy that expects what was seen to work (not what was refused, denied or unanswered), from undamaged input. Check each entry.").Of(cli.Output),
				cli.String(&o.write, "write", "w", "FILE", "", "write the packets behind the findings, as pcapng").Of(cli.Output),
				colorFlag(&o.color),
				quietFlag(&o.quiet),
			}},
			{Heading: rightsHeading, Flags: rightsFlags(&o.rights)},
			{Heading: "Names:", Flags: namesFlags(&o.flowOptions)},
			{Heading: "Which end is the service:", Flags: append(listenersFlags(&o.known), evidencePeersFlag(&o.peers))},
			{Heading: "Payload:", Flags: []cli.Flag{observeFlag(&o.observe)}},
			{Heading: "Flows and bounds:", Flags: cli.Join(boundsFlags(&o.flowOptions), []cli.Flag{
				cli.Int(&o.maxServices, "max-services", "", "N", review.DefaultMaxServices, "services held in memory; default 262144"),
				cli.Int(&o.scanTargets, "scan-targets", "", "N", review.DefaultScanTargets,
					"unanswered services that make a client a scanner; default 20"),
			})},
			{Flags: []cli.Flag{
				cli.Switch(&o.policyHelp, "policy-help", "", false, "explain policies, with an example"),
			}},
		},
		After: `Findings have a level: an error is to be explained (the rules deny what works),
a warning is to be looked at (traffic and what was agreed on differ), a note is
to be known.

Exit status: 0 done; 1 failure, or part of the input was unreadable; 2 usage;
3 findings at or above --fail-on.`,
		Examples: []string{
			"portannot review -r testdata/captures/demo.pcap",
			"portannot review -q -r testdata/captures/demo.pcap --write-policy policy.yaml",
			"portannot review -r testdata/captures/demo.pcap --policy policy.yaml -o csv",
			"portannot review -r testdata/captures/demo.pcap -o html > report.html",
			"portannot review testdata/flowlogs/zeek/conn.log -o csv | head -3",
			"portannot review --policy-help",
		},
		Args: cli.File,
		Run:  func(ctx context.Context, fs *pflag.FlagSet) error { return o.run(ctx, e, fs) },
	}
}

// errFindings says that there were findings at or above --fail-on, which have
// been written.
var errFindings = errors.New("findings")

// reviewJob is a review ready to run.
type reviewJob struct {
	env        *env
	quiet      bool
	annotating annotate.Options
	annotator  *annotate.Annotator
	collector  *review.Collector
	context    review.Context
	output     string
	meta       report.Meta
	failOn     review.Level
	rights     rightsOptions
	learn      string        // file of --write-policy; "" for none
	learned    *outfile.File // behind it, from begin on
	selector   annotate.Selector
	leftOut    uint64 // flows that it did not pick
}

func (o *reviewOptions) run(ctx context.Context, e *env, fs *pflag.FlagSet) error {
	if o.policyHelp {
		return e.help(ctx, []string{"policy"})
	}
	captures := fs.Changed("read")
	if err := o.check(fs, captures); err != nil {
		return err
	}
	j, err := o.job(ctx, e)
	if err != nil {
		return err
	}
	defer j.end()
	if captures {
		return o.reviewCaptures(ctx, j, append(o.read, fs.Args()...))
	}
	j.annotator = annotate.New(j.annotating)
	if o.merge {
		return o.reviewReports(ctx, j, fs.Args())
	}
	if len(o.rulesBefore) > 0 && fs.NArg() == 0 {
		return o.reviewRules(j)
	}
	return o.reviewLogs(ctx, j, fs.Args())
}

// reviewReports joins reports into one.
func (o *reviewOptions) reviewReports(ctx context.Context, j *reviewJob, names []string) error {
	var reports []*review.Report
	for _, name := range names {
		f, err := openSide(ctx, name)
		if err != nil {
			return fmt.Errorf("read report: %w", err)
		}
		r, err := review.ReadReport(f, name)
		f.Close()
		if err != nil {
			return withHint(err, "a report is what portannot review -o json wrote")
		}
		reports = append(reports, r)
	}
	if err := j.begin(nil, nil); err != nil {
		return err
	}
	for i, r := range reports {
		t, err := j.collector.AddReport(r)
		if err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
		j.context.Traffic.Join(&t)
		in := review.Input{Name: names[i], Kind: "report"}
		if r.Window.First != 0 {
			in.Window = &r.Window
		}
		j.context.Inputs = append(j.context.Inputs, in)
	}
	r, err := j.finish(inputWhole)
	if err != nil {
		return err
	}
	return j.outcome(r, false)
}

// reviewRules reviews rules without traffic.
func (o *reviewOptions) reviewRules(j *reviewJob) error {
	if o.writePolicy != "" {
		return usagef("name captures or flow logs", "--write-policy learns from traffic")
	}
	if err := j.begin(nil, nil); err != nil {
		return err
	}
	j.context.NoTraffic = true
	r, err := j.finish(inputWhole)
	if err != nil {
		return err
	}
	return j.outcome(r, false)
}

// check refuses what has no meaning with the kind of input.
func (o *reviewOptions) check(fs *pflag.FlagSet, captures bool) error {
	for _, name := range []string{"recursive", "filter", "count", "write", "tunnels", "ignore", "dedup", "observe", "evidence-peers", "idle-timeout", "max-flows"} {
		if !captures && fs.Changed(name) {
			return usagef("name captures with -r", "--%s is for captures", name)
		}
	}
	switch {
	case o.merge && captures:
		return usagef("", "--merge is for reports, and -r for captures")
	case o.merge && fs.NArg() == 0:
		return usagef("name reports that portannot review -o json wrote", "--merge: no report is named")
	case o.merge && o.writePolicy != "":
		return usagef("", "--write-policy learns from captures and flow logs, not from reports")
	}
	for _, name := range []string{"format", "map", "columns"} {
		if o.merge && fs.Changed(name) {
			return usagef("", "--%s is for flow logs", name)
		}
		if captures && fs.Changed(name) {
			return usagef("name flow logs without -r", "--%s is for flow logs", name)
		}
	}
	for _, name := range []string{"observed", "verdict"} {
		if !captures && fs.Changed(name) {
			return usagef("name captures with -r", "--%s is for captures: logs have no payload", name)
		}
	}
	if err := o.checkSelection(fs); err != nil {
		return err
	}
	switch {
	case o.maxServices < 1:
		return usagef("", "--max-services %d: want at least 1", o.maxServices)
	case o.scanTargets < 2:
		return usagef("", "--scan-targets %d: want at least 2", o.scanTargets)
	case (o.title != "" || o.author != "") && slices.Contains([]string{"json", "csv", "csv-findings", "csv-rules", "sarif"}, o.output):
		return usagef("", "--title and --author are for -o text, html and markdown")
	case o.write == "-":
		return usagef("name a file", "-w -: standard output has the report")
	}
	return nil
}

// checkSelection refuses to call unused, gone or complete what was only not
// selected. Times are different: the report says of which time it is.
func (o *reviewOptions) checkSelection(fs *pflag.FlagSet) error {
	for _, f := range selectionFlags(&o.flowOptions) {
		if f.Long == "since" || f.Long == "until" || !fs.Changed(f.Long) {
			continue
		}
		for _, whole := range []string{"rules", "policy", "baseline", "write-policy"} {
			if fs.Changed(whole) {
				return usagef("--since and --until select by time", "--%s does not go with --%s: what is not selected would count as not seen", f.Long, whole)
			}
		}
	}
	return nil
}

// selected reports whether a flow is to be reviewed, and counts those that are not.
func (j *reviewJob) selected(picked bool) bool {
	if !picked {
		j.leftOut++
	}
	return picked
}

// remarkSelection says in the report that it is not about all flows.
func (j *reviewJob) remarkSelection() {
	if !j.selector.Empty() {
		j.context.Remarks = append(j.context.Remarks, fmt.Sprintf("This is a review of the flows that were selected: %s left out.", plural(j.leftOut, "other flow")+wereOrWas(j.leftOut)))
	}
}

func wereOrWas(n uint64) string {
	if n == 1 {
		return " was"
	}
	return " were"
}

// job opens what the flags name, the traffic excepted.
func (o *reviewOptions) job(ctx context.Context, e *env) (*reviewJob, error) {
	j := &reviewJob{env: e, quiet: o.quiet, output: o.output, learn: o.writePolicy, rights: o.rights}
	var err error
	if j.meta, err = o.meta(e); err != nil {
		return nil, err
	}
	if o.failOn != "" {
		if j.failOn, err = review.ParseLevel(o.failOn); err != nil {
			return nil, usagef("", "--fail-on: %v", err)
		}
	}
	if j.annotating, err = o.annotating(ctx, e); err != nil {
		return nil, err
	}
	an := annotate.New(j.annotating)
	registry := an.Registry()
	if err := o.fillSelector(&j.selector, an, j.annotating.Local); err != nil {
		return nil, err
	}
	opt := review.Options{MaxServices: o.maxServices, ScanTargets: o.scanTargets, Now: time.Now(), AsOf: o.asOf}
	if opt.Policy, err = readPolicy(ctx, e, o.policy, registry); err != nil {
		return nil, err
	}
	if opt.Rules, opt.RulesBefore, err = o.readRules(ctx, registry); err != nil {
		return nil, err
	}
	if o.baseline != "" {
		f, err := openSide(ctx, o.baseline)
		if err != nil {
			return nil, fmt.Errorf("read baseline: %w", err)
		}
		defer f.Close()
		if j.context.Baseline, err = review.ReadReport(f, o.baseline); err != nil {
			return nil, withHint(err, "a baseline is what portannot review -o json wrote")
		}
	}
	j.collector = review.NewCollector(registry, opt)
	return j, nil
}

// meta is what the report says of its making.
func (o *reviewOptions) meta(e *env) (m report.Meta, err error) {
	m = report.Meta{
		Color: useColor(o.color, e.stdout), Width: terminalWidth(e.stdout), Title: o.title, Author: o.author,
		Program: "portannot " + thisVersion().Version, Command: commandLine(e.args), Made: time.Now(),
	}
	// What build systems set so that the same input gives the same output:
	// https://reproducible-builds.org/specs/source-date-epoch/
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return m, fmt.Errorf("SOURCE_DATE_EPOCH %q: want seconds since 1970", text)
		}
		m.Made = time.Unix(seconds, 0)
	}
	return m, nil
}

// commandLine writes the program's command line so that a POSIX shell reads it.
func commandLine(args []string) string {
	words := []string{"portannot"}
	for _, arg := range args {
		if arg == "" || strings.ContainsFunc(arg, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./:,=@%+", c))
		}) {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

// readPolicy reads the policy of a file, nil for none. Its mistakes are
// reported one by one, each with its hint.
func readPolicy(ctx context.Context, e *env, path string, registry *iana.Registry) (*review.Policy, error) {
	if path == "" {
		return nil, nil
	}
	f, err := openSide(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	defer f.Close()
	p, err := review.ReadPolicy(f, path, registry)
	var faults review.PolicyErrors
	if !errors.As(err, &faults) {
		return p, err
	}
	const most = 10
	for _, fault := range faults[:min(len(faults), most)] {
		e.warnf("%v", fault)
		if fault.Hint != "" {
			e.warnf("hint: %s", fault.Hint)
		}
	}
	if len(faults) > most {
		e.warnf("%s", plural(uint64(len(faults)-most), "more mistake"))
	}
	return nil, withHint(fmt.Errorf("the policy was not read, so nothing was reviewed"), "portannot review --policy-help explains policies")
}

// readRules reads the rules files, and those of --rules-baseline; nil for none.
func (o *reviewOptions) readRules(ctx context.Context, registry *iana.Registry) (now, before *rules.Firewall, err error) {
	opt := rules.Options{Port: portOf(registry)}
	if opt.Local, err = o.networks(); err != nil {
		return nil, nil, err
	}
	if len(o.rules) == 0 {
		for name, given := range map[string]int{"local": len(opt.Local), "interfaces": len(o.interfaces), "rules-baseline": len(o.rulesBefore)} {
			if given > 0 {
				return nil, nil, usagef("", "--%s is for --rules", name)
			}
		}
		return nil, nil, nil
	}
	if len(o.interfaces) > 0 {
		sources, done, err := openSources(ctx, o.interfaces, "interfaces")
		defer done()
		if err != nil {
			return nil, nil, err
		}
		if opt.Interfaces, err = rules.ReadInterfaces(sources); err != nil {
			return nil, nil, withHint(err, `a line is "lan 10.20.0.0/16", with the firewall's own address "lan 10.20.0.1/16", or "wan default"`)
		}
	}
	if now, err = readRuleFiles(ctx, o.rules, opt); err != nil || len(o.rulesBefore) == 0 {
		return now, nil, err
	}
	before, err = readRuleFiles(ctx, o.rulesBefore, opt)
	return now, before, err
}

func readRuleFiles(ctx context.Context, paths []string, opt rules.Options) (*rules.Firewall, error) {
	sources, done, err := openSources(ctx, paths, "rules")
	defer done()
	if err != nil {
		return nil, err
	}
	return rules.Read(sources, opt)
}

// openSources opens files of rules, or of what; done closes them.
func openSources(ctx context.Context, paths []string, what string) (list []rules.Source, done func(), err error) {
	var files []*sideFile
	done = func() {
		for _, f := range files {
			f.Close()
		}
	}
	for _, path := range paths {
		f, err := openSide(ctx, path)
		if err != nil {
			return nil, done, fmt.Errorf("read %s: %w", what, err)
		}
		files = append(files, f)
		list = append(list, rules.Source{Name: path, Reader: f})
	}
	return list, done, nil
}

// portOf finds ports by the names that pfctl prints for them. These are of
// /etc/services, which has them from the registry. A name with several ports
// stands for none.
func portOf(registry *iana.Registry) func(name string, protocol uint8) (uint16, bool) {
	return func(name string, protocol uint8) (port uint16, ok bool) {
		transport := iana.TransportName(protocol)
		for _, e := range registry.ByName(name) {
			span := e.Span()
			if e.Transport.String() != transport {
				continue
			}
			if span.First != span.Last || ok && span.First != port {
				return 0, false
			}
			port, ok = span.First, true
		}
		return port, ok
	}
}

func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

// begin opens the file of --write-policy, and gives up the rights that are not needed
// from now on: again lists the inputs that will be opened, and evidence is the file of
// -w, or nil.
func (j *reviewJob) begin(again []string, evidence *outfile.File) error {
	if j.learn != "" {
		var err error
		if j.learned, err = outfile.Create(j.learn); err != nil {
			return err
		}
	}
	return j.env.confine(j.rights, sandbox.Options{Read: toRead(again), Rename: toRename(j.learned, evidence)})
}

// end takes an unfinished file of --write-policy away.
func (j *reviewJob) end() {
	if j.learned != nil {
		j.learned.Discard() // without effect once it has its name
	}
}

// finish writes the report, and the policy that was learned from input in such a
// state. The error is
// errFindings when there are some at or above --fail-on.
func (j *reviewJob) finish(in inputState) (*review.Report, error) {
	j.remarkSelection()
	report.Bounds(j.output, &j.context)
	r := j.collector.Report(j.context)
	err := buffered(j.env.textOutput(j.output), func(w *bufio.Writer) error { return report.Write(w, j.output, r, j.meta) })
	if err != nil {
		return r, fmt.Errorf("write report: %w", err)
	}
	if j.learned != nil && in == inputDamaged {
		j.env.warnf("--write-policy %s: not written, since part of the input was unreadable", j.learn)
	} else if j.learned != nil {
		if err := j.writePolicy(r, in); err != nil {
			return r, err
		}
	}
	return r, nil
}

// writePolicy writes a policy that expects what was seen, unless the input was not whole.
func (j *reviewJob) writePolicy(r *review.Report, in inputState) error {
	text, err := j.collector.AppendPolicy(nil, r)
	if err != nil || !j.env.mayInstall("--write-policy", j.learned, in) {
		return err
	}
	if _, err := j.learned.Write(text); err != nil {
		return err
	}
	if err := j.learned.Commit(); err != nil {
		return err
	}
	if !j.quiet {
		j.env.warnf("wrote a policy to %s: check each entry", j.learn)
	}
	return nil
}

// outcome gives the error that says what there was.
func (j *reviewJob) outcome(r *review.Report, partial bool) error {
	if !j.quiet {
		j.env.warnf("%s", reviewSummary(r))
		j.env.mentionUndated(j.annotator)
	}
	switch {
	case partial:
		return errPart
	case j.failOn > review.NoLevel && r.Summary.Highest >= j.failOn:
		return errFindings
	}
	return nil
}

// reviewSummary says in one line what there was.
func reviewSummary(r *review.Report) string {
	s := plural(r.Traffic.Flows, "flow") + ", " + plural(uint64(r.Summary.Services), "service") + ": "
	if len(r.Summary.Levels) == 0 {
		return s + "no findings"
	}
	for i, c := range r.Summary.Levels {
		if i > 0 {
			s += ", "
		}
		s += plural(uint64(c.Count), c.Name)
	}
	return s
}
