package main

import (
	"bufio"
	"context"
	"slices"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// exportOptions are the flags of registry export, as given.
type exportOptions struct {
	format   string
	setup    bool
	output   string
	registry string
	asOf     string
}

func (e *env) exportCommand() *cli.Command {
	o := new(exportOptions)
	return &cli.Command{
		Name:  "export",
		Short: "write for other tools and database engines",
		About: "portannot registry export writes an edition of the registry for other tools.",
		Usage: "portannot registry export [flags]",
		Before: `Formats of the registry's records:
  csv            the columns of the official CSV and Caveat, a row a record
                 (default)
  json           JSON Lines as lookup writes them: an object for each port and
                 transport that is assigned or reserved, then the names without
                 one
  services       /etc/services, with lines for sctp and dccp too; the preferred
                 name first, the others as aliases

Lookups of all ports, transports and statuses, for engines that hold flows; the
topic engines has a query for each, which annotates flows as enrich does:
  table          CSV, a row for each port, for portannot-parquet and any other
  duckdb         SQL script that makes the table portannot
  clickhouse     the same for clickhouse-client --multiquery
  spark          CSV, a row for each span of ports; --setup: views of it
  splunk         CSV, a row for each port; --setup: transforms.conf
  elasticsearch  NDJSON for _bulk; --setup: index, enrich policy, pipeline
  logstash       JSON dictionary for translate; --setup: the filter
  vector         CSV, a row for each port; --setup: table and transform
  zeek           table for the input framework; --setup: script

The embedded edition is without assignees, contacts and notes.`,
		Groups: []cli.Group{{Heading: "Flags:", Flags: []cli.Flag{
			cli.String(&o.format, "format", "", "FORMAT", "csv", "format to write, one of these; default csv").Named(exportFormatNames()...),
			cli.Switch(&o.setup, "setup", "", false, "write what the engine needs beside the table: its configuration or statements"),
			cli.String(&o.output, "output", "o", "FILE", "", "file to write, whole or not at all; without it, standard output. The name of a format is taken as --format; ./json is a file.").Of(cli.Output),
			registryFlag(&o.registry),
			asOfFlag(&o.asOf),
		}}},
		Examples: []string{
			"portannot registry export --format services -o services",
			"portannot registry export --format json | head -1",
			"portannot registry export -o registry.csv",
			"portannot registry export --format duckdb -o portannot.sql",
			"portannot registry export --format splunk -o portannot.csv",
			"portannot registry export --format splunk --setup",
		},
		Run: func(ctx context.Context, fs *pflag.FlagSet) error { return o.run(ctx, e, fs.Changed("format")) },
	}
}

func (o *exportOptions) run(ctx context.Context, e *env, formatSet bool) error {
	// In all other commands -o is the format.
	if !formatSet && slices.Contains(exportFormatNames(), o.output) {
		o.format, o.output = o.output, ""
	}
	f, err := exportFormatNamed(o.format)
	if err != nil {
		return err
	}
	if o.setup {
		return o.writeSetup(e, f)
	}
	reg, err := chooseRegistryAsOf(ctx, o.registry, o.asOf)
	if err != nil {
		return err
	}
	if o.output == "" || o.output == "-" {
		return buffered(e.stdout, func(w *bufio.Writer) error { return f.write(w, reg.Registry) })
	}
	return outfile.WriteFile(o.output, func(w *outfile.File) error { return f.write(w, reg.Registry) })
}
