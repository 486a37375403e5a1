// Command portannot-parquet writes what portannot prints as CSV to Apache
// Parquet: the registry's table, flows, enriched logs. It is a program of its
// own because the library that writes Parquet adds 13 MB to a binary.
package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/pflag"
	"golang.org/x/term"
)

const help = `portannot-parquet writes what portannot prints as CSV to Apache Parquet: the
registry's table, flows and enriched logs. Columns get the types that the
README's table of fields gives: numbers, times, booleans, lists; others are
text. An empty field is null, of a list the empty list.

Usage:
  portannot registry export --format table | portannot-parquet -o FILE
  portannot -r FILE... -o csv | portannot-parquet -o FILE
  portannot enrich -o csv LOG | portannot-parquet -o FILE
  portannot-parquet -o FILE CSVFILE

A row that does not fit the header or a type is left out, named on standard
error with its line, and makes the exit status 1.

Flags:
  -o, --output FILE       file to write, whole or not at all; - is standard output
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
	output := fs.StringP("output", "o", "", "")
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
	case *output == "":
		return usage("no --output: name a file, or - for standard output")
	case *output == "-" && isTerminal(stdout):
		return usage("Parquet is not written to a terminal: name a file")
	case fs.NArg() == 0 && isTerminal(stdin):
		return usage("nothing to read: name a file of CSV, or pipe it in")
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
		if sameFile(name, *output) {
			return usage("--output %s is the file that is read", *output)
		}
		in = f
	}
	c := converter{name: name, micros: *micros, problem: func(line int, err error) {
		fmt.Fprintf(stderr, "%s:%d: %v\n", name, line, err)
	}}
	err := writeWhole(*output, stdout, func(w io.Writer) error { return c.convert(in, w) })
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

func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
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

// writeWhole writes a file under another name and gives it its own when all is
// written. What is no plain file, a pipe or /dev/null, is written as it is.
func writeWhole(path string, stdout io.Writer, write func(io.Writer) error) (err error) {
	if path == "-" {
		return write(stdout)
	}
	if target, linkErr := filepath.EvalSymlinks(path); linkErr == nil {
		path = target // replace what a link names, not the link
	}
	perm := os.FileMode(0o666) // less the umask
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
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(part, path)
}
