package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// Exit codes, as the help says them.
const (
	exitDone     = 0
	exitFailure  = 1 // failure, or part of the input was unreadable
	exitUsage    = 2
	exitFindings = 3 // review --fail-on
)

// env is what a command works with.
type env struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	args []string // of the program

	outputs []place // that the command line names, standard output included

	aged bool // the age of the registry has been mentioned

	notifier *notifier // nil: there is no service manager to tell
}

// printingTo gives an env with another standard output.
func (e *env) printingTo(w io.Writer) *env {
	return &env{stdin: e.stdin, stdout: w, stderr: e.stderr, args: e.args, outputs: e.outputs, notifier: e.notifier}
}

// usageError is a mistake on the command line: exit status 2.
type usageError = cli.UsageError

func usagef(hint, format string, args ...any) error {
	return &usageError{Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// hintError is a failure with advice on what to do.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

// withHint gives advice with an error, unless there is none.
func withHint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hintError{err, hint}
}

// errPart says that part of the input was unreadable and has been reported.
var errPart = errors.New("part of the input was unreadable")

// run is the program. It gives the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ignoreSIGPIPE() // so that `| head` is a quiet success
	e := &env{stdin: stdin, stdout: &standardOutput{stdout}, stderr: stderr, args: args}
	if ownProcess {
		e.notifier = newNotifier(ctx)
	}
	c, err := e.execute(ctx, args)
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, errReaderGone):
		return exitDone
	case errors.Is(err, errPart):
		return exitFailure
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.As(err, &usage):
		e.warnUsage(usage)
		e.warnf("see `%s --help`", c.Path())
		return exitUsage
	}
	if errors.Is(err, context.Canceled) {
		e.warnf("interrupted")
	}
	e.warnEach(err)
	return exitFailure
}

// execute runs the command that args name, and says which it was.
func (e *env) execute(ctx context.Context, args []string) (*cli.Command, error) {
	c, args := e.program().Find(args)
	fs, err := c.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		_, err := io.WriteString(e.stdout, c.Help())
		return c, err
	}
	if err != nil {
		return c, err
	}
	for _, note := range c.Notes(fs) {
		e.warnf("%s", note)
	}
	if err := e.takeFiles(c, fs); err != nil {
		return c, err
	}
	return c, c.Run(ctx, fs)
}

// warnUsage reports a mistake of the user's, unless it has been.
func (e *env) warnUsage(u *usageError) {
	if u.Msg != "" {
		e.warnf("%s", u.Msg)
	}
	for _, line := range u.Below {
		io.WriteString(e.stderr, escaped(line)+"\n")
	}
	if u.Hint != "" {
		e.warnf("hint: %s", u.Hint)
	}
}

// warnf writes a line to standard error, with the program's prefix. Messages hold
// names from outside, so they are escaped.
func (e *env) warnf(format string, args ...any) {
	line := []byte("portannot: " + escaped(fmt.Sprintf(format, args...)))
	if width := terminalWidth(e.stderr); width > 0 && !strings.HasPrefix(format, "hint: ") { // hints are copied
		line = (&fitting{width: width}).fit(nil, line)
	}
	e.stderr.Write(append(line, '\n'))
}

// warnEach writes each error of a joined one on a line of its own. An interruption
// it leaves out: who was interrupted says what that means for the output.
func (e *env) warnEach(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			e.warnEach(err)
		}
		return
	}
	if !errors.Is(err, context.Canceled) {
		e.warnHinted(err)
	}
}

// warnHinted reports an error, and its hint if it has one.
func (e *env) warnHinted(err error) {
	e.warnf("%v", err)
	var hinted *hintError
	if errors.As(err, &hinted) {
		e.warnf("hint: %s", hinted.hint)
	}
}

// errReaderGone says that the reader of standard output went away, which is no
// failure. The same of any other output is one.
var errReaderGone = errors.New("the reader of standard output went away")

// standardOutput tells its broken pipe from others.
type standardOutput struct{ w io.Writer }

func (s *standardOutput) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil && isBrokenPipe(err) {
		err = errReaderGone
	}
	return n, err
}

// asFile gives the file behind a stream, if it is one.
func asFile(stream any) (*os.File, bool) {
	if s, ok := stream.(*standardOutput); ok {
		stream = s.w
	}
	f, ok := stream.(*os.File)
	return f, ok
}

// isBrokenPipe reports that the other end of a pipe or connection went away.
func isBrokenPipe(err error) bool {
	return isClosedPipe(err) || errors.Is(err, io.ErrClosedPipe)
}

// openRegistry gives the registry that --registry names: see chooseRegistry.
func openRegistry(ctx context.Context, name string) (*iana.Registry, error) {
	c, err := chooseRegistry(ctx, name)
	return c.Registry, err
}

// isTerminal reports whether f is a terminal.
func isTerminal(f any) bool {
	file, ok := asFile(f)
	return ok && term.IsTerminal(int(file.Fd()))
}

// terminalWidth gives the columns of the terminal that out is, or 0 if it is
// none. COLUMNS in the environment has the first word.
func terminalWidth(out any) int {
	if !isTerminal(out) {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	file, _ := asFile(out)
	if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
		return width
	}
	return 80
}

// useColor decides by --color, NO_COLOR (https://no-color.org) and whether the
// output is a terminal.
func useColor(mode string, out io.Writer) bool {
	if mode == "auto" {
		return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(out)
	}
	return mode == "always"
}

// buffered calls f with a buffered writer on w and flushes it.
func buffered(w io.Writer, f func(*bufio.Writer) error) error {
	bw := bufio.NewWriterSize(w, 64<<10)
	err := f(bw)
	if flushErr := bw.Flush(); err == nil {
		err = flushErr
	}
	return err
}
