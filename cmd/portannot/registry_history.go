package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/edition"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// registryHistoryOptions are the flags of registry history, as given.
type registryHistoryOptions struct {
	output  string
	revised bool
	color   string
}

func (e *env) registryHistoryCommand() *cli.Command {
	o := new(registryHistoryOptions)
	return &cli.Command{
		Name:  "history",
		Short: "what changed, edition by edition",
		About: `portannot registry history says what each edition of the registry changed, for
each port on each transport.`,
		Usage: "portannot registry history [flags] [FROM [TO]]",
		Before: `FROM and TO are days such as 2018-01-31: the changes after the edition of FROM,
up to that of TO. The default is all that is known, since ` + firstKnown + `.

The changes are those of "registry diff". A change that was taken back later is
in both editions, so there may be more of them than between FROM and TO alone.
Changes of service codes and of reports of unauthorized use are known only from
2026-08-17 on.`,
		Groups: []cli.Group{{Heading: "Flags:", Flags: []cli.Flag{
			outputFlag(&o.output, "text", []string{"text", "json"}, "text (default) or json, one object a line"),
			revisedFlag(&o.revised),
			colorFlag(&o.color),
		}}},
		Examples: []string{
			"portannot registry history 2026-01-01",
			"portannot registry history 2024-01-01 2024-12-31 -o json",
		},
		Args: cli.Text,
		Run:  func(ctx context.Context, fs *pflag.FlagSet) error { return o.run(ctx, e, fs.Args()) },
	}
}

func (o *registryHistoryOptions) run(ctx context.Context, e *env, days []string) error {
	if len(days) > 2 {
		return usagef("portannot registry history FROM TO", "want two days at most, have %d", len(days))
	}
	for _, d := range days {
		if _, ok := day(d); !ok {
			return usagef("a date is 2018-01-31", "%q: not a date", d)
		}
	}
	from, to := "", ""
	if len(days) > 0 {
		from = days[0]
	}
	if len(days) > 1 {
		to = days[1]
	}
	switch {
	case to != "" && to < from:
		return usagef("", "%s is before %s: want FROM, then TO", to, from)
	case to != "" && to < firstKnown:
		return withHint(fmt.Errorf("registry history up to %s: %w (%s)", to, iana.ErrNoHistory, firstKnown), noHistoryHint)
	case from != "" && from < firstKnown:
		e.warnf("changes before %s, the first known edition, are not known", firstKnown)
	}
	h := stepsOf{steps: edition.History(from, to), revised: o.revised, paint: paint(useColor(o.color, e.stdout)), from: from, to: to}
	if err := h.addUpdated(ctx, from, to); err != nil {
		return err
	}
	return buffered(e.stdout, func(w *bufio.Writer) error {
		if o.output == "json" {
			return h.writeJSON(w)
		}
		return h.writeText(w)
	})
}

// stepsOf is what is shown of the steps from one edition to the next.
type stepsOf struct {
	steps    []edition.Step
	revised  bool // show these too
	paint    paint
	from, to string
}

// addUpdated adds what the edition that `registry update` installed changed, if it
// is newer than the embedded one. Editions between the two are not known.
func (h *stepsOf) addUpdated(ctx context.Context, from, to string) error {
	c, err := chooseRegistry(ctx, "")
	if err != nil {
		return err
	}
	own, date := iana.Embedded(), c.Edition().Date
	if c.updated && date > own.Edition().Date && date > from && (to == "" || date <= to) {
		h.steps = append(h.steps, edition.Step{Edition: date, Changes: edition.Compare(own, c.Registry)})
	}
	return nil
}

func (h *stepsOf) writeText(w *bufio.Writer) error {
	width := len("WHERE")
	var counts [edition.Revised + 1]int
	d := diff{revised: h.revised}
	h.each(func(_ string, c *edition.Change) error {
		counts[c.Kind]++
		if d.shows(c) {
			width = max(width, len(changed(c)))
		}
		return nil
	})
	fmt.Fprintf(w, "%s\n", h.paint.heading(fmt.Sprintf("%-10s  %-7s  %-*s  WHAT", "EDITION", "CHANGE", width, "WHERE")))
	err := h.each(func(date string, c *edition.Change) error {
		if !d.shows(c) {
			return nil
		}
		_, err := fmt.Fprintf(w, "%-10s  %s  %-*s  %s\n", date, h.paint.change(c.Kind), width, changed(c), changeWords(c))
		return err
	})
	if err != nil {
		return err
	}
	editions := "no edition"
	if n := len(h.steps); n > 0 {
		editions = plural(uint64(n), "edition") + " to " + h.steps[n-1].Edition
	}
	sums := strings.Join(changeCounts(&counts, h.revised), ", ")
	_, err = fmt.Fprintf(w, "# %s after %s: %s.\n# %s\n", editions, orKnown(h.from), sums, iana.Warning)
	return err
}

// orKnown gives a day from which on editions are known.
func orKnown(day string) string { return max(day, firstKnown) }

func (h *stepsOf) writeJSON(w *bufio.Writer) error {
	d := diff{revised: h.revised}
	return h.each(func(date string, c *edition.Change) error {
		if !d.shows(c) {
			return nil
		}
		line := struct {
			Edition string `json:"edition"` // the first known one with the change
			jsonChange
		}{date, jsonOf(c)}
		_, err := w.Write(append(marshal(&line), '\n'))
		return err
	})
}

// each calls f with each change and the date of its edition, until f fails.
func (h *stepsOf) each(f func(date string, c *edition.Change) error) error {
	for _, s := range h.steps {
		for i := range s.Changes {
			if err := f(s.Edition, &s.Changes[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
