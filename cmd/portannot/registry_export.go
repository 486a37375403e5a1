package main

import (
	"bufio"
	"context"
	"strings"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// exportOptions are the flags of registry export, as given.
type exportOptions struct {
	format    string
	file      string
	oldFormat string
	setup     bool
	query     string
	registry  string
	asOf      string
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

Lookups of all ports, transports and statuses, for engines that hold flows;
--query prints the query that annotates these as enrich does:
  table          CSV, a row for each port, for portannot-parquet and any other
  duckdb         SQL script that makes the table portannot
  postgres       the same for psql
  sqlite         the same for sqlite3
  clickhouse     the same for clickhouse-client --multiquery
  spark          CSV, a row for each span of ports; --setup: views of it
  splunk         CSV, a row for each port; --setup: transforms.conf
  elasticsearch  NDJSON for _bulk; --setup: index, enrich policy, pipeline
  logstash       JSON dictionary for translate; --setup: the filter
  vector         CSV, a row for each port; --setup: table and transform
  zeek           table for the input framework; --setup: script
  wireshark      Lua post-dissector: fields portannot.status, .name, .service

The embedded edition is without assignees, contacts and notes.`,
		Groups: []cli.Group{{Heading: "Flags:", Flags: []cli.Flag{
			cli.String(&o.format, "output", "o", "FORMAT", "csv", "output format: one of these; default csv").Named(exportFormatNames()...),
			cli.String(&o.file, "write", "w", "FILE", "", "write this file, whole or not at all, in place of standard output").Of(cli.Output),
			cli.Switch(&o.setup, "setup", "", false, "write what the engine needs beside the table: its configuration or statements"),
			cli.String(&o.query, "query", "", "ENGINE", "", "write the query that annotates flows: "+cli.Or(queryNames...)).Named(queryNames...),
			cli.String(&o.oldFormat, "format", "", "FORMAT", "", "the old name of -o").Replaced("-o FORMAT, and -w for the file"),
			registryFlag(&o.registry),
			asOfFlag(&o.asOf),
		}}},
		Examples: []string{
			"portannot registry export -o services -w services",
			"portannot registry export -o json | head -1",
			"portannot registry export -w registry.csv",
			"portannot registry export -o duckdb -w portannot.sql",
			"portannot registry export --query duckdb",
			"portannot registry export -o splunk -w portannot.csv",
			"portannot registry export -o splunk --setup",
			"portannot registry export -o wireshark -w portannot.lua",
		},
		Run: func(ctx context.Context, fs *pflag.FlagSet) error { return o.run(ctx, e, fs.Changed("output")) },
	}
}

func (o *exportOptions) run(ctx context.Context, e *env, outputSet bool) error {
	// Until now -o was the file, and --format the format.
	if name := o.format; outputSet && o.file == "" && (o.oldFormat != "" || strings.ContainsAny(name, "./-")) {
		e.warnf("-o is the format now: use -w for the file")
		if p, ok := placeOf(cli.NamedFile{Flag: "-o", Path: name, Output: true}); ok {
			e.outputs = append(e.outputs, p)
		}
		if err := e.refuse([]cli.NamedFile{{Flag: "--registry", Path: o.registry}}); err != nil {
			return err
		}
		o.format, o.file = "csv", name
	}
	if o.oldFormat != "" {
		o.format = o.oldFormat
	}
	if o.query != "" {
		if outputSet || o.setup {
			return usagef("", "--query does not go with -o or --setup")
		}
		text, err := queryOf(o.query)
		if err != nil {
			return err
		}
		return o.writeText(e, []byte(text))
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
	if o.file == "" || o.file == "-" {
		return buffered(e.stdout, func(w *bufio.Writer) error { return f.write(w, reg.Registry) })
	}
	return outfile.WriteFile(o.file, func(w *outfile.File) error { return f.write(w, reg.Registry) })
}
