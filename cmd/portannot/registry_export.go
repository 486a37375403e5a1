package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// exportOptions are the flags of registry export, as given.
type exportOptions struct {
	format   string
	setup    bool
	output   string
	registry string
}

func (e *env) exportCommand() *cli.Command {
	o := new(exportOptions)
	return &cli.Command{
		Name:  "export",
		Short: "write for other tools and database engines",
		About: "portannot registry export writes an edition of the registry for other tools.",
		Usage: "portannot registry export [flags]",
		Before: `Formats of the registry's records:
  csv            the columns of the official CSV, a row a record (default)
  json           JSON Lines as lookup writes them: an object for each port and
                 transport that is assigned or reserved, then the names without
                 one
  services       /etc/services, with lines for sctp and dccp too; the preferred
                 name first, the others as aliases

Lookups of all ports, transports and statuses, for engines that hold flows; the
README has a query for each that says of flows what enrich says:
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
			cli.String(&o.output, "output", "o", "FILE", "", "file to write, whole or not at all; without it, standard output").Of(cli.File),
			registryFlag(&o.registry),
		}}},
		Examples: []string{
			"portannot registry export --format services -o services",
			"portannot registry export --format json | head -1",
			"portannot registry export -o registry.csv",
			"portannot registry export --format duckdb -o portannot.sql",
			"portannot registry export --format splunk -o portannot.csv",
			"portannot registry export --format splunk --setup",
		},
		Run: func(context.Context, *pflag.FlagSet) error { return o.run(e) },
	}
}

func (o *exportOptions) run(e *env) error {
	f, err := exportFormatNamed(o.format)
	if err != nil {
		return err
	}
	if o.setup {
		return o.writeSetup(e, f)
	}
	reg, err := chooseRegistry(o.registry)
	if err != nil {
		return err
	}
	if o.output == "" || o.output == "-" {
		return buffered(e.stdout, func(w *bufio.Writer) error { return f.write(w, reg.Registry) })
	}
	if sameFile(o.output, reg.path) {
		return usagef("name another file", "--output %s is the registry file that is read", o.output)
	}
	return writeWhole(o.output, func(w io.Writer) error { return f.write(w, reg.Registry) })
}

// sameFile reports whether two names are of one file that exists.
func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// writeWhole writes a file whole or not at all: whoever reads it meanwhile sees
// the old content or the new. A file that is there keeps its permissions; the
// target of a symbolic link is replaced, not the link. What is not a plain
// file, such as /dev/stdout or a named pipe, is written as it is.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	perm := os.FileMode(0o666) // less the umask
	if target, linkErr := filepath.EvalSymlinks(path); linkErr == nil {
		path = target
	}
	if st, statErr := os.Stat(path); statErr == nil {
		if st.IsDir() {
			return fmt.Errorf("write %s: is a directory", path)
		}
		if !st.Mode().IsRegular() {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return fmt.Errorf("write output: %w", err)
			}
			return errors.Join(write(f), f.Close())
		}
		perm = st.Mode().Perm()
	}
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+strconv.FormatUint(rand.Uint64(), 36))
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(part)
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	// Without this, a loss of power could leave the new name with no content.
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(part, path)
}
