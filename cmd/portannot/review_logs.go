package main

import (
	"context"
	"errors"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/review"
)

// logReview reviews flow logs.
type logReview struct {
	*reviewJob
	options    flowlog.Options
	annotation annotate.Annotation
	facts      review.Flow
	other      uint64 // lines that are no records
	read       *readSoFar
	progress   *progress
	check      *logCheck
}

// reviewLogs reviews flow logs; what can be read, whatever else happens.
func (o *reviewOptions) reviewLogs(ctx context.Context, rj *reviewJob, names []string) error {
	logs := enrichOptions{format: o.format, fieldMap: o.fieldMap, formats: o.formats, columns: o.columns}
	names, err := logs.inputs(rj.env, names, "name a capture, portannot review -r trace.pcap, a log, portannot review conn.log, or - for standard input")
	if err != nil {
		return err
	}
	l := &logReview{reviewJob: rj, read: newReadSoFar(names)}
	if l.options, err = logs.reading(); err != nil {
		return err
	}
	l.check = logs.check("portannot review", reviewInstead)
	if err := l.check.files(names); err != nil {
		return err
	}
	if err := rj.begin(names, nil); err != nil {
		return err
	}
	partial := false
	var wrong *wrongInput
	for _, name := range names {
		l.progress = (&job{env: rj.env, quiet: rj.quiet}).showProgress(l.read)
		err := l.log(ctx, name)
		l.progress.done()
		if errors.As(err, &wrong) {
			return wrong
		}
		if err != nil && ctx.Err() == nil {
			partial = true
			l.env.warnHinted(err)
		}
	}
	if len(l.context.Inputs) == 0 {
		return errPart // each log has said why
	}
	t := &l.context.Traffic
	partial = partial || t.BadLines > 0
	state := inputWhole
	if ctx.Err() != nil {
		partial, state = true, inputCut
		l.context.Remarks = append(l.context.Remarks, "The reading was interrupted: this is a review of what was read until then.")
	} else if partial {
		state = inputDamaged
		l.context.Remarks = append(l.context.Remarks, "Part of the input was unreadable: this is a review of the rest.")
	}
	rep, err := l.finish(state)
	if err != nil {
		return err
	}
	if more := t.BadLines - min(t.BadLines, flowlog.MaxProblems); more > 0 {
		l.env.warnf("%s not understood", plural(more, "more line")+wereOrWas(more))
	}
	if !l.quiet {
		l.env.warnf("read %s from %s: %s, %d other, %d not understood", plural(t.Lines, "line"), plural(uint64(len(names)), "log"),
			plural(rep.Traffic.Flows, "flow"), l.other, t.BadLines)
	}
	if ctx.Err() != nil {
		l.env.warnf("interrupted")
	}
	return l.outcome(rep, partial)
}

// log reads one log.
func (l *logReview) log(ctx context.Context, name string) error {
	in := l.check.input(l.env.stdin)
	if name == "-" {
		name = "standard input"
	} else {
		f, err := openLog(ctx, name, "portannot review")
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	rd := flowlog.NewReader(&interruptible{ctx: ctx, r: l.read.of(in)}, name)
	rd.Options = l.options
	t := &l.context.Traffic
	var window review.Window
	for rd.Scan() {
		rec := rd.Record()
		t.Lines++
		switch rec.Kind {
		case flowlog.Flow:
			l.annotator.AnnotateTo(&l.annotation, &rec.Flow)
			if !l.selected(l.selector.MatchInput(&rec.Flow, &l.annotation)) {
				continue
			}
			l.facts = review.Logged(&rec.Flow)
			window.Widen(l.facts.Start, l.facts.Last)
			l.collector.Add(&l.facts, &l.annotation)
		case flowlog.Bad:
			if t.BadLines++; t.BadLines <= flowlog.MaxProblems {
				l.progress.clear()
				l.env.warnf("%s:%d: %v", name, rec.Number, rec.Problem())
			}
		default:
			l.other++
		}
	}
	input := review.Input{Name: name, Kind: "log", Format: rd.Format()}
	if window.First != 0 {
		input.Window = &window
	}
	l.context.Inputs = append(l.context.Inputs, input)
	if err := rd.Err(); isUnknownName(err) {
		return unknownName(err)
	}
	return rd.Err()
}

// reviewInstead has what review reads by a flag.
var reviewInstead = map[fileKind]string{
	captureKind: "portannot review -r FILE",
	logKind:     "portannot review FILE",
}
