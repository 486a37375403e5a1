package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// infoOptions are the flags of registry info, as given.
type infoOptions struct {
	output   string
	registry string
	asOf     string
	color    string
}

func (e *env) infoCommand() *cli.Command {
	o := new(infoOptions)
	return &cli.Command{
		Name:  "info",
		Short: "edition, source and counts",
		About: `portannot registry info says which edition of the registry is in use, where it
came from, and what is in it.`,
		Usage: "portannot registry info [flags]",
		Groups: []cli.Group{{Heading: "Flags:", Flags: []cli.Flag{
			reportFormatFlag(&o.output),
			registryFlag(&o.registry),
			asOfFlag(&o.asOf),
			colorFlag(&o.color),
		}}},
		Examples: []string{
			"portannot registry info",
			"portannot registry info -o json",
		},
		Run: func(ctx context.Context, _ *pflag.FlagSet) error { return o.run(ctx, e) },
	}
}

// registryInfo is what registry info prints, as JSON.
type registryInfo struct {
	Edition     iana.Edition              `json:"edition"`
	File        string                    `json:"file,omitempty"`    // absent for the embedded edition
	Updated     bool                      `json:"updated,omitempty"` // by `registry update`
	Embedded    string                    `json:"embedded_edition"`
	Covers      string                    `json:"covers"`
	Records     map[string]int            `json:"records"` // by transport; "none" for those that name none
	WithoutPort int                       `json:"names_without_port"`
	SeveralName int                       `json:"ports_with_several_names"`
	Ports       map[string]map[string]int `json:"ports"`    // by transport and status
	Unlisted    map[string]int            `json:"unlisted"` // of the unassigned ports, by transport
	Caveat      string                    `json:"caveat"`
}

func (o *infoOptions) run(ctx context.Context, e *env) error {
	reg, err := chooseRegistryAsOf(ctx, o.registry, o.asOf)
	if err != nil {
		return err
	}
	return buffered(e.textOutput(o.output), func(w *bufio.Writer) error {
		if o.output == "json" {
			_, err := w.Write(append(marshal(reg.info()), '\n'))
			return err
		}
		reg.writeInfo(w, paint(useColor(o.color, e.stdout)))
		return writeWarning(w, reg.Registry)
	})
}

func (c chosen) info() *registryInfo {
	counts := c.Counts()
	info := &registryInfo{
		Edition:     c.Edition(),
		File:        c.path,
		Updated:     c.updated,
		Embedded:    iana.Embedded().Edition().Date,
		Covers:      c.Coverage().String(),
		Records:     map[string]int{"none": counts.ByTransport[iana.NoTransport]},
		WithoutPort: counts.WithoutPort,
		SeveralName: counts.MultiName,
		Ports:       map[string]map[string]int{},
		Unlisted:    map[string]int{},
		Caveat:      iana.Caveat,
	}
	for _, t := range iana.Transports() {
		name := t.String()
		info.Records[name] = counts.ByTransport[t]
		info.Unlisted[name] = counts.Unlisted[t]
		info.Ports[name] = map[string]int{}
		for s, n := range counts.Ports[t] {
			info.Ports[name][iana.Status(s).String()] = n
		}
	}
	return info
}

// writeInfo writes the text. Errors of writing stay in w.
func (c chosen) writeInfo(w *bufio.Writer, p paint) {
	ed, counts := c.Edition(), c.Counts()
	line := func(label, format string, args ...any) {
		fmt.Fprintf(w, "%-8s  %s\n", label, escaped(fmt.Sprintf(format, args...)))
	}
	line("edition", "%s", orNone(ed.Date))
	switch own := iana.Embedded().Edition().Date; {
	case c.updated:
		line("in use", "updated edition, in %s; --registry embedded goes back to %s", c.path, own)
	case c.path != "":
		line("in use", "%s, read as %s; the embedded edition is %s", c.path, ed.Form, own)
	default:
		words := "the embedded edition"
		if ed.Form == "history" {
			words = "an older edition, from the embedded history"
		}
		line("in use", "%s", words)
	}
	line("source", "%s", ed.Source)
	line("sha256", "%s", orNone(ed.SHA256))
	if !c.Coverage().Complete() {
		fmt.Fprintf(w, "%-8s  %s\n", "covers", p.notice(fmt.Sprintf("ports %v only", c.Coverage().Span)))
	}
	by := &counts.ByTransport
	line("records", "%d: tcp %d, udp %d, sctp %d, dccp %d, without transport %d",
		counts.Records, by[iana.TCP], by[iana.UDP], by[iana.SCTP], by[iana.DCCP], by[iana.NoTransport])
	line("names", "%d without a port; %d times several for one port and transport", counts.WithoutPort, counts.MultiName)

	heading := fmt.Sprintf("%-12s", "PORTS")
	for _, t := range iana.Transports() {
		heading += fmt.Sprintf("%8s", t)
	}
	fmt.Fprintf(w, "\n%s\n", p.heading(heading))
	numbers := func(label string, of func(t iana.Transport) int) {
		fmt.Fprintf(w, "%-12s", label)
		for _, t := range iana.Transports() {
			fmt.Fprintf(w, "%8d", of(t))
		}
		w.WriteByte('\n')
	}
	for s := iana.Assigned; s <= iana.Dynamic; s++ {
		numbers(s.String(), func(t iana.Transport) int { return counts.Ports[t][s] })
		if s == iana.Unassigned {
			numbers("  no record", func(t iana.Transport) int { return counts.Unlisted[t] })
		}
	}
	if !c.Coverage().Complete() {
		numbers(iana.Unknown.String(), func(t iana.Transport) int { return counts.Ports[t][iana.Unknown] })
	}
	w.WriteByte('\n')
}
