package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/iana/edition"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// diffOptions are the flags of registry diff, as given.
type diffOptions struct {
	output   string
	revised  bool
	color    string
	registry string
}

func (e *env) diffCommand() *cli.Command {
	o := new(diffOptions)
	return &cli.Command{
		Name:  "diff",
		Short: "what changed between two editions",
		About: `portannot registry diff says what changed between two editions of the registry,
for each port on each transport.`,
		Usage: "portannot registry diff [flags] OLD [NEW]",
		Before: `OLD and NEW are files in any form that IANA publishes (XML, CSV, text, HTML,
also gzip), days such as 2018-01-31, or the word "embedded". The default of NEW
is the edition in use, or that of --registry.

Changes:
  added      is assigned, was not
  removed    was assigned, is not
  renamed    was and is assigned, with other names or another preferred one
  status     changed between reserved and unassigned
  revised    the same names, with another description, date, document, service
             code or report of unauthorized use; only counted, unless --revised

Only ports that both editions cover count. Names without a port are added or
removed, and come last.`,
		Groups: []cli.Group{{Heading: "Flags:", Flags: []cli.Flag{
			outputFlag(&o.output, "text", []string{"text", "json"}, "text (default) or json, one object a line"),
			revisedFlag(&o.revised),
			colorFlag(&o.color),
			registryFlag(&o.registry),
		}}},
		Examples: []string{
			"portannot registry diff embedded",
			"portannot registry diff 2024-01-01 2024-12-31",
			"portannot registry export -w mine.csv",
			"portannot registry diff mine.csv embedded --revised",
			"portannot registry diff mine.csv embedded -o json",
		},
		Args:  cli.File,
		Words: []string{embeddedWord},
		Run:   func(ctx context.Context, fs *pflag.FlagSet) error { return o.run(ctx, e, fs.Args()) },
	}
}

// revisedFlag is shared by diff and update, which show changes.
func revisedFlag(p *bool) cli.Flag {
	return cli.Switch(p, "revised", "", false, "show revised records too: see portannot registry diff")
}

func (o *diffOptions) run(ctx context.Context, e *env, editions []string) error {
	newName := o.registry
	switch {
	case len(editions) == 0 || len(editions) > 2:
		return usagef("portannot registry diff OLD NEW; each a file, a day, or the word embedded", "want two editions to compare, have %d", len(editions))
	case len(editions) == 2 && o.registry != "":
		return usagef("", "both NEW and --registry are given: want one of them")
	case len(editions) == 2:
		newName = editions[1]
	}
	old, err := openEdition(ctx, editions[0])
	if err != nil {
		return err
	}
	reg, err := openEdition(ctx, newName)
	if err != nil {
		return err
	}
	d := diff{old: old.Edition(), new: reg.Edition(), changes: edition.Compare(old, reg), revised: o.revised, paint: paint(useColor(o.color, e.stdout))}
	return buffered(e.textOutput(o.output), func(w *bufio.Writer) error { return d.write(w, o.output) })
}

// diff is what is shown of the changes between two editions.
type diff struct {
	old, new iana.Edition
	changes  []edition.Change
	revised  bool // show these too
	paint    paint
}

func (d *diff) write(w *bufio.Writer, format string) error {
	if format == "json" {
		return d.writeJSON(w)
	}
	return d.writeText(w)
}

func (d *diff) shows(c *edition.Change) bool { return c.Kind != edition.Revised || d.revised }

// changed gives the place of a change: "443/tcp", "no port/udp".
func changed(c *edition.Change) string {
	return where(c.HasPort, iana.Span{First: c.Port, Last: c.Port}, c.Transport)
}

func (d *diff) writeText(w *bufio.Writer) error {
	width := 0
	for i := range d.changes {
		if c := &d.changes[i]; d.shows(c) {
			width = max(width, len(changed(c)))
		}
	}
	var counts [edition.Revised + 1]int
	for i := range d.changes {
		c := &d.changes[i]
		counts[c.Kind]++
		if d.shows(c) {
			fmt.Fprintf(w, "%s  %-*s  %s\n", d.paint.change(c.Kind), width, escaped(changed(c)), escaped(changeWords(c)))
		}
	}
	sums := changeCounts(&counts, d.revised)
	_, err := fmt.Fprintf(w, "# %s; from %s to %s.\n# %s\n", strings.Join(sums, ", "), editionWords(d.old), editionWords(d.new), iana.Warning)
	return err
}

// change gives the kind of a change, padded: what took a name away deserves a look.
func (p paint) change(k edition.ChangeKind) string {
	text := fmt.Sprintf("%-7s", k)
	switch k {
	case edition.Removed:
		return p.alarm(text)
	case edition.Renamed, edition.StatusChanged:
		return p.notice(text)
	}
	return text
}

// changeCounts says how many changes of each kind there are.
func changeCounts(counts *[edition.Revised + 1]int, revised bool) []string {
	var sums []string
	for k := edition.Added; k <= edition.Revised; k++ {
		if counts[k] > 0 {
			sums = append(sums, fmt.Sprintf("%d %v", counts[k], k))
		}
	}
	if sums == nil {
		return []string{"no change"}
	}
	if counts[edition.Revised] > 0 && !revised {
		sums[len(sums)-1] += " (--revised shows them)"
	}
	return sums
}

// changeWords says what a change is, for people.
func changeWords(c *edition.Change) string {
	if !c.HasPort {
		return c.Name
	}
	switch c.Kind {
	case edition.Added:
		return fmt.Sprintf("%s, was %v", named(c.New), c.Old.Status)
	case edition.Removed:
		return fmt.Sprintf("%s, is %v", named(c.Old), c.New.Status)
	case edition.Renamed:
		return fmt.Sprintf("%s, was %s", named(c.New), strings.Join(c.Old.Names(), ", "))
	case edition.StatusChanged:
		return fmt.Sprintf("%v, was %v", c.New.Status, c.Old.Status)
	}
	s := named(c.New)
	for _, f := range revisions(c.Old, c.New) {
		s += fmt.Sprintf("; %s %q, was %q", f.what, f.new, f.old)
	}
	return s
}

// named gives the names of an assigned port with their description.
func named(en iana.Entry) string {
	names := strings.Join(en.Names(), ", ")
	if d := en.Description(); d != "" {
		return strings.TrimSpace(fmt.Sprintf("%s %q", names, d))
	}
	return names
}

// revision is a field that changed under the same names.
type revision struct{ what, old, new string }

func revisions(a, b iana.Entry) []revision {
	var list []revision
	for _, f := range []revision{
		{"description", a.Description(), b.Description()},
		{"registered", a.Registered(), b.Registered()},
		{"modified", a.Modified(), b.Modified()},
		{"references", strings.Join(a.References(), ", "), strings.Join(b.References(), ", ")},
		{"service code", a.ServiceCode(), b.ServiceCode()},
		{"unauthorized use", a.Unauthorized(), b.Unauthorized()},
	} {
		if f.old != f.new {
			list = append(list, f)
		}
	}
	return list
}

// jsonChange is a change as JSON. Old and New are objects as lookup writes
// them; a name without a port has neither.
type jsonChange struct {
	Change    edition.ChangeKind `json:"change"`
	Port      *uint16            `json:"port,omitempty"`
	Transport string             `json:"transport,omitempty"`
	Name      string             `json:"name,omitempty"` // of a name without a port
	Old       json.RawMessage    `json:"old,omitempty"`
	New       json.RawMessage    `json:"new,omitempty"`
	Caveat    string             `json:"caveat"`
}

func jsonOf(c *edition.Change) jsonChange {
	j := jsonChange{Change: c.Kind, Transport: c.Transport.String(), Name: c.Name, Caveat: iana.Caveat}
	if c.HasPort {
		j.Port = &c.Port
		j.Old, j.New = iana.AppendJSON(nil, c.Old), iana.AppendJSON(nil, c.New)
	}
	return j
}

func (d *diff) writeJSON(w *bufio.Writer) error {
	for i := range d.changes {
		c := &d.changes[i]
		if !d.shows(c) {
			continue
		}
		j := jsonOf(c)
		if _, err := w.Write(append(marshal(&j), '\n')); err != nil {
			return err
		}
	}
	return nil
}
