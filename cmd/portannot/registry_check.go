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

// checkOptions are the flags of registry check, as given.
type checkOptions struct {
	output   string
	registry string
	asOf     string
	color    string
}

func (e *env) checkCommand() *cli.Command {
	o := new(checkOptions)
	return &cli.Command{
		Name:  "check",
		Short: "overlaps, bad names, conflicts",
		About: "portannot registry check reports what is odd about an edition of the registry.",
		Usage: "portannot registry check [flags]",
		Before: `Old oddities, which stay and change no answer:
  overlap          a record for a port hides one for a range with it
  malformed-name   a name that RFC 6335 section 5.1 would not allow today
  several-names    a port with more than one name; the preferred is first

Doubts about the file or about how it is read; with any, the exit status is 1:
  conflict         records of the same precedence disagree on the status
  dynamic-record   a record for ports that are never assigned
  unclassified     a description that fits no known form`,
		Groups: []cli.Group{{Heading: "Flags:", Flags: []cli.Flag{
			outputFlag(&o.output, "text", []string{"text", "json"}, "text (default) or json, one object a line"),
			registryFlag(&o.registry),
			asOfFlag(&o.asOf),
			colorFlag(&o.color),
		}}},
		After: "Exit status: 0 nothing but old oddities; 1 doubts, or failure; 2 usage.",
		Examples: []string{
			"portannot registry check",
			"portannot registry check -o json | head -5",
		},
		Run: func(ctx context.Context, _ *pflag.FlagSet) error { return o.run(ctx, e) },
	}
}

// doubtful reports whether a kind of problem casts doubt on answers. The rest
// are old assignments that the registry keeps as they are.
func doubtful(k edition.ProblemKind) bool {
	return k == edition.Conflict || k == edition.DynamicRecord || k == edition.Unclassified
}

// jsonProblem is a problem as JSON.
type jsonProblem struct {
	Kind      edition.ProblemKind `json:"kind"`
	Doubtful  bool                `json:"doubtful"`
	Ports     string              `json:"ports,omitempty"` // absent for a name without a port
	Transport string              `json:"transport,omitempty"`
	Text      string              `json:"text"`
	Line      int                 `json:"line,omitempty"` // of the file
	Caveat    string              `json:"caveat"`
}

func (o *checkOptions) run(ctx context.Context, e *env) error {
	c, err := chooseRegistryAsOf(ctx, o.registry, o.asOf)
	if err != nil {
		return err
	}
	reg := c.Registry
	problems := edition.Check(reg)
	err = buffered(e.textOutput(o.output), func(w *bufio.Writer) error {
		if o.output == "json" {
			return writeProblemsJSON(w, problems)
		}
		return writeProblems(w, reg, problems, paint(useColor(o.color, e.stdout)))
	})
	if err != nil {
		return err
	}
	doubts := 0
	for _, p := range problems {
		if doubtful(p.Kind) {
			doubts++
		}
	}
	if doubts > 0 {
		return fmt.Errorf("check registry %s: %s", reg.Edition().Source, plural(uint64(doubts), "doubtful record"))
	}
	return nil
}

func writeProblems(w *bufio.Writer, reg *iana.Registry, problems []edition.Problem, paint paint) error {
	widths := [2]int{}
	for _, p := range problems {
		widths[0] = max(widths[0], len(p.Kind.String()))
		widths[1] = max(widths[1], len(where(p.HasPort, p.Ports, p.Transport)))
	}
	counts := map[edition.ProblemKind]int{}
	var kinds []edition.ProblemKind // in the order in which they come
	for _, p := range problems {
		if counts[p.Kind]++; counts[p.Kind] == 1 {
			kinds = append(kinds, p.Kind)
		}
		kind := fmt.Sprintf("%-*s", widths[0], p.Kind)
		if doubtful(p.Kind) {
			kind = paint.alarm(kind)
		}
		fmt.Fprintf(w, "%s  %-*s  %s", kind, widths[1], where(p.HasPort, p.Ports, p.Transport), escaped(p.Text))
		if p.Line > 0 {
			fmt.Fprintf(w, " (line %d)", p.Line)
		}
		w.WriteByte('\n')
	}
	sums := []string{"nothing odd"}
	if len(kinds) > 0 {
		sums = nil
	}
	for _, k := range kinds {
		sums = append(sums, fmt.Sprintf("%d %v", counts[k], k))
	}
	_, err := fmt.Fprintf(w, "# %s; registry %s.\n# %s\n", strings.Join(sums, ", "), editionWords(reg.Edition()), iana.Warning)
	return err
}

func writeProblemsJSON(w *bufio.Writer, problems []edition.Problem) error {
	for _, p := range problems {
		j := jsonProblem{Kind: p.Kind, Doubtful: doubtful(p.Kind), Transport: p.Transport.String(), Text: p.Text, Line: p.Line, Caveat: iana.Caveat}
		if p.HasPort {
			j.Ports = p.Ports.String()
		}
		if _, err := w.Write(append(marshal(&j), '\n')); err != nil {
			return err
		}
	}
	return nil
}
