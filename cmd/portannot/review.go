package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/review"
	"github.com/portannot/portannot/annotate/review/report"
	"github.com/portannot/portannot/annotate/review/rules"
	"github.com/portannot/portannot/capture/flow"
)

// reviewOptions are the flags, as given.
type reviewOptions struct {
	flowOptions // of these, what the flags below take
	format      string
	fieldMap    string
	fields      []string
	policy      string
	rules       []string
	localAddrs  []string
	baseline    string
	failOn      string
	writePolicy string
	maxServices int
	scanTargets int
	policyHelp  bool
}

func (o *reviewOptions) flags(e *env) *pflag.FlagSet {
	fs := e.newFlags("review", reviewHelp)
	fs.StringArrayVarP(&o.read, "read", "r", nil, "")
	fs.BoolVar(&o.recursive, "recursive", false, "")
	fs.StringVarP(&o.filter, "filter", "f", "", "")
	fs.Uint64VarP(&o.count, "count", "c", 0, "")
	fs.StringVar(&o.format, "format", "auto", "")
	fs.StringVar(&o.fieldMap, "map", "", "")
	fs.StringSliceVar(&o.fields, "fields", nil, "")
	fs.StringVar(&o.policy, "policy", "", "")
	fs.StringArrayVar(&o.rules, "rules", nil, "")
	fs.StringSliceVar(&o.localAddrs, "local", nil, "")
	fs.StringVar(&o.baseline, "baseline", "", "")
	fs.StringVarP(&o.output, "output", "o", "text", "")
	fs.StringVar(&o.failOn, "fail-on", "", "")
	fs.StringVar(&o.writePolicy, "write-policy", "", "")
	fs.StringVarP(&o.write, "write", "w", "", "")
	fs.StringVar(&o.color, "color", "auto", "")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "")
	fs.StringVar(&o.registry, "registry", "", "")
	fs.StringVar(&o.local, "services", "", "")
	fs.StringVar(&o.tunnels, "tunnels", "both", "")
	fs.StringVar(&o.observe, "observe", "on", "")
	fs.StringVar(&o.known, "known-services", "", "")
	fs.IntVar(&o.peers, "evidence-peers", annotate.DefaultEvidencePeers, "")
	fs.DurationVar(&o.idle, "idle-timeout", 5*time.Minute, "")
	fs.IntVar(&o.maxFlows, "max-flows", flow.DefaultMaxFlows, "")
	fs.IntVar(&o.maxServices, "max-services", review.DefaultMaxServices, "")
	fs.IntVar(&o.scanTargets, "scan-targets", review.DefaultScanTargets, "")
	fs.BoolVar(&o.policyHelp, "policy-help", false, "")
	return fs
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
	learn      string // file of --write-policy; "" for none
}

func runReview(ctx context.Context, e *env, args []string) error {
	var o reviewOptions
	fs := o.flags(e)
	if err := parse(fs, args); err != nil {
		return err
	}
	if o.policyHelp {
		_, err := io.WriteString(e.stdout, policyHelp)
		return err
	}
	captures := fs.Changed("read")
	if err := o.check(fs, captures); err != nil {
		return err
	}
	j, err := o.job(e)
	if err != nil {
		return err
	}
	if captures {
		return o.reviewCaptures(ctx, j, append(o.read, fs.Args()...))
	}
	j.annotator = annotate.New(j.annotating)
	return o.reviewLogs(ctx, j, fs.Args())
}

// check refuses what has no meaning with the kind of input.
func (o *reviewOptions) check(fs *pflag.FlagSet, captures bool) error {
	for _, name := range []string{"recursive", "filter", "count", "write", "tunnels", "observe", "evidence-peers", "idle-timeout", "max-flows"} {
		if !captures && fs.Changed(name) {
			return usagef("name captures with -r", "--%s is for captures", name)
		}
	}
	for _, name := range []string{"format", "map", "fields"} {
		if captures && fs.Changed(name) {
			return usagef("name flow logs without -r", "--%s is for flow logs", name)
		}
	}
	switch {
	case !slices.Contains(report.Formats(), o.output):
		return usagef("", "unknown output format %q: want %s", o.output, strings.Join(report.Formats(), ", "))
	case o.maxServices < 1:
		return usagef("", "--max-services %d: want at least 1", o.maxServices)
	case o.scanTargets < 2:
		return usagef("", "--scan-targets %d: want at least 2", o.scanTargets)
	case o.write == "-":
		return usagef("name a file", "-w -: standard output has the report")
	}
	return nil
}

// job opens what the flags name, the traffic excepted.
func (o *reviewOptions) job(e *env) (*reviewJob, error) {
	j := &reviewJob{env: e, quiet: o.quiet, output: o.output, learn: o.writePolicy}
	var err error
	if j.meta.Color, err = useColor(o.color, e.stdout); err != nil {
		return nil, err
	}
	if o.failOn != "" {
		if j.failOn, err = review.ParseLevel(o.failOn); err != nil {
			return nil, usagef("", "--fail-on: %v", err)
		}
	}
	if j.annotating, err = o.annotating(); err != nil {
		return nil, err
	}
	registry := j.annotating.Registry
	opt := review.Options{MaxServices: o.maxServices, ScanTargets: o.scanTargets, Now: time.Now()}
	if opt.Policy, err = readPolicy(e, o.policy, registry); err != nil {
		return nil, err
	}
	if opt.Rules, err = o.readRules(); err != nil {
		return nil, err
	}
	if o.baseline != "" {
		f, err := os.Open(o.baseline)
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

// readPolicy reads the policy of a file, nil for none. Its mistakes are
// reported one by one, each with its hint.
func readPolicy(e *env, path string, registry *iana.Registry) (*review.Policy, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
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
		e.warnf("%d more mistakes", len(faults)-most)
	}
	return nil, withHint(fmt.Errorf("the policy was not read, so nothing was reviewed"), "portannot review --policy-help explains policies")
}

// readRules reads the rules files, nil for none.
func (o *reviewOptions) readRules() (*rules.Firewall, error) {
	var opt rules.Options
	for _, text := range o.localAddrs {
		p, err := parsePrefix(text)
		if err != nil {
			return nil, usagef("an address is 10.20.0.1, a prefix 10.20.0.0/24", "--local: %v", err)
		}
		opt.Local = append(opt.Local, p)
	}
	if len(o.rules) == 0 {
		if len(opt.Local) > 0 {
			return nil, usagef("", "--local is for --rules")
		}
		return nil, nil
	}
	var sources []rules.Source
	for _, path := range o.rules {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read rules: %w", err)
		}
		defer f.Close()
		sources = append(sources, rules.Source{Name: path, Reader: f})
	}
	return rules.Read(sources, opt)
}

func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}

// finish writes the report, and the policy that was learned. The error is
// errFindings when there are some at or above --fail-on.
func (j *reviewJob) finish() (*review.Report, error) {
	report.Bounds(j.output, &j.context)
	r := j.collector.Report(j.context)
	err := buffered(j.env.stdout, func(w *bufio.Writer) error { return report.Write(w, j.output, r, j.meta) })
	if err != nil {
		return r, fmt.Errorf("write report: %w", err)
	}
	if j.learn != "" {
		text, err := j.collector.AppendPolicy(nil, r)
		if err != nil {
			return r, err
		}
		write := func(w io.Writer) error { _, err := w.Write(text); return err }
		if err := writeWhole(j.learn, write); err != nil {
			return r, err
		}
		if !j.quiet {
			j.env.warnf("wrote a policy to %s: look at each entry of it", j.learn)
		}
	}
	return r, nil
}

// outcome gives the error that says what there was.
func (j *reviewJob) outcome(r *review.Report, partial bool) error {
	if !j.quiet {
		j.env.warnf("%s", reviewSummary(r))
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
