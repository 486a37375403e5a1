// Command portannot-parquet writes what portannot prints as CSV to Apache
// Parquet: the registry's table, flows, enriched logs. Files of Parquet, as clouds
// deliver flow logs, it writes as JSON Lines. It is a program of its
// own because the library that writes Parquet adds 13 MB to a binary.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/portannot/portannot/cmd/internal/outfile"
)

const help = `portannot-parquet writes what portannot prints as CSV to Apache Parquet: the
registry's table, flows and enriched logs. Columns get the types that the
table of portannot help fields gives: numbers, times, booleans, lists; others are
text. An empty field is null; in a column of lists it is the empty list.

A file of Parquet it writes as JSON Lines: flow logs that are delivered as such
(AWS VPC) so go to portannot enrich. What is null is left out.

Usage:
  portannot registry export -o table | portannot-parquet -w FILE
  portannot -r FILE... -o csv | portannot-parquet -w FILE
  portannot enrich -o csv LOG | portannot-parquet -w FILE
  portannot-parquet -w FILE CSVFILE
  portannot-parquet PARQUETFILE | portannot enrich

A row that does not fit the header or a type is left out, named on standard
error with its line, and makes the exit status 1.

Flags:
  -w, --write FILE        file to write, whole or not at all; - is standard output,
                          and what JSON Lines go to without it
      --micros            times in microseconds, cut off, for engines that do not
                          read nanoseconds (Spark)
  -h, --help              print this help

Exit status: 0 done; 1 failure, or a row did not fit; 2 usage.
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program. It gives the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	fs := pflag.NewFlagSet("portannot-parquet", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() { io.WriteString(stdout, help) }
	output := fs.StringP("write", "w", "", "")
	fs.StringVarP(output, "output", "o", "", "") // its old name
	micros := fs.Bool("micros", false, "")
	usage := func(format string, args ...any) int {
		fmt.Fprintf(stderr, "portannot-parquet: "+format+"\nportannot-parquet: see `portannot-parquet --help`\n", args...)
		return 2
	}
	switch err := fs.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil:
		return usage("%v", err)
	case fs.NArg() > 1:
		return usage("unexpected argument %q", fs.Arg(1))
	case fs.NArg() == 1 && fileIsParquet(fs.Arg(0)), fs.NArg() == 0 && isParquet(stdin):
		return toLines(fs.Args(), *output, stdin, stdout, stderr)
	case *output == "":
		return usage("no -w: name a file, or - for standard output")
	case *output == "-" && isTerminal(stdout):
		return usage("Parquet is not written to a terminal: name a file")
	case fs.NArg() == 0 && isTerminal(stdin):
		return usage("nothing to read: name a file of CSV, or pipe it in")
	}

	if fs.Changed("output") {
		fmt.Fprintln(stderr, "portannot-parquet: --output is going away: use -w")
	}
	if isInput(*output, stdout, stdin, fs.Args()) {
		return usage("-w %s is the file that is read", *output)
	}
	in, name := stdin, "standard input"
	if fs.NArg() == 1 && fs.Arg(0) != "-" {
		name = fs.Arg(0)
		f, err := os.Open(name)
		if err != nil {
			fmt.Fprintf(stderr, "portannot-parquet: read CSV: %v\n", err)
			return 1
		}
		defer f.Close()
		in = f
	}
	c := converter{name: name, micros: *micros, problem: func(line int, err error) {
		fmt.Fprintf(stderr, "%s:%d: %v\n", name, line, err)
	}}
	var err error
	if *output == "-" {
		err = c.convert(in, stdout)
	} else {
		err = outfile.WriteFile(*output, func(f *outfile.File) error {
			if err := c.convert(in, f); err != nil || c.bad == 0 || !f.Replaces() {
				return err
			}
			return errOlderStays
		})
	}
	if err != nil {
		fmt.Fprintf(stderr, "portannot-parquet: %v\n", err)
		return 1
	}
	if c.bad > 0 {
		fmt.Fprintf(stderr, "portannot-parquet: %d rows did not fit and are left out, %d are written\n", c.bad, c.rows)
		return 1
	}
	return 0
}

func fileIsParquet(name string) bool {
	st, err := os.Stat(name)
	if err != nil || !st.Mode().IsRegular() {
		return false // the reading will say it
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	return isParquet(f)
}

// toLines writes a file of Parquet as JSON Lines. It gives the exit code.
func toLines(args []string, output string, stdin io.Reader, stdout, stderr io.Writer) int {
	fail := func(err error) int {
		if errors.Is(err, syscall.EPIPE) {
			return 0
		}
		fmt.Fprintf(stderr, "portannot-parquet: %v\n", err)
		return 1
	}
	if output != "" && isInput(output, stdout, stdin, args) {
		fmt.Fprintf(stderr, "portannot-parquet: -w %s is the file that is read\n", output)
		return 2
	}
	in, _ := stdin.(*os.File)
	name := "standard input"
	if len(args) == 1 && args[0] != "-" {
		name = args[0]
		f, err := os.Open(name)
		if err != nil {
			return fail(fmt.Errorf("read Parquet: %w", err))
		}
		defer f.Close()
		in = f
	}
	st, err := in.Stat()
	if err != nil {
		return fail(fmt.Errorf("read Parquet: %w", err))
	}
	l := liner{name: name}
	if output == "" || output == "-" {
		err = l.lines(in, st.Size(), stdout)
	} else {
		err = outfile.WriteFile(output, func(f *outfile.File) error { return l.lines(in, st.Size(), f) })
	}
	for _, c := range l.left {
		fmt.Fprintf(stderr, "portannot-parquet: column %s is in a list of records, and left out\n", c)
	}
	if err != nil {
		return fail(err)
	}
	return 0
}

func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// errOlderStays says that a part of the table does not replace a whole one.
var errOlderStays = errors.New("the older file stays, since some rows did not fit")

// isInput reports that the output is one of the inputs, by whatever names.
func isInput(output string, stdout io.Writer, stdin io.Reader, args []string) bool {
	stat := func(name string, std any) os.FileInfo {
		var st os.FileInfo
		if f, ok := std.(*os.File); ok && name == "-" {
			st, _ = f.Stat()
		} else if name != "-" {
			st, _ = os.Stat(name)
		}
		if st == nil || !st.Mode().IsRegular() {
			return nil
		}
		return st
	}
	out := stat(output, stdout)
	if len(args) == 0 {
		args = []string{"-"}
	}
	for _, name := range args {
		if in := stat(name, stdin); in != nil && out != nil && os.SameFile(in, out) {
			return true
		}
	}
	return false
}
