package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/portannot/portannot/annotate/iana"
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
}

// command is one subcommand. run returns an error, never exits; a *usageError
// exits with 2, errPart with 1 and no further message, any other error with 1.
type command struct {
	name  string
	short string
	help  string
	run   func(ctx context.Context, e *env, args []string) error
}

// commands are the subcommands; without one, the main job runs.
func commands() []command {
	return []command{
		{"enrich", "annotate flow logs, and change nothing else in them", enrichHelp, runEnrich},
		{"review", "find services that nobody expects, and rules that nothing uses", reviewHelp, runReview},
		{"lookup", "say what the registry says of ports or names", lookupHelp, runLookup},
		{"registry", "inspect, check, compare, export and update the registry", registryHelp, runRegistry},
		{"version", "print the version", versionHelp, runVersion},
		{"completion", "print a completion script for a shell", completionHelp, runCompletion},
	}
}

// commandNames lists the subcommands.
func commandNames() (names []string) {
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

// usageError is a mistake of the user's. The hint says what to do instead.
type usageError struct {
	msg     string
	hint    string
	command string // whose help to see, "registry diff"; empty for that of run
}

func (e *usageError) Error() string { return e.msg }

func usagef(hint, format string, args ...any) error {
	return &usageError{msg: fmt.Sprintf(format, args...), hint: hint}
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
	e := &env{stdin, stdout, stderr}
	name, runIt := "", runMain
	if len(args) == 1 && args[0] == "help" {
		args = []string{"--help"}
	}
	if len(args) > 0 {
		for _, c := range commands() {
			if c.name == args[0] {
				name, runIt, args = c.name, c.run, args[1:]
				break
			}
		}
	}
	err := runIt(ctx, e, args)
	var usage *usageError
	switch {
	case err == nil, errors.Is(err, pflag.ErrHelp), isBrokenPipe(err):
		return exitDone
	case errors.Is(err, errPart):
		return exitFailure
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.As(err, &usage):
		e.warnUsage(usage)
		if usage.command != "" {
			name = usage.command
		}
		e.warnf("see `%s --help`", strings.TrimSpace("portannot "+name))
		return exitUsage
	}
	e.warnf("%v", err)
	var hinted *hintError
	if errors.As(err, &hinted) {
		e.warnf("hint: %s", hinted.hint)
	}
	return exitFailure
}

// warnUsage reports a mistake of the user's, unless it has been.
func (e *env) warnUsage(u *usageError) {
	if u.msg != "" {
		e.warnf("%s", u.msg)
	}
	if u.hint != "" {
		e.warnf("hint: %s", u.hint)
	}
}

// warnf writes a line to standard error, with the program's prefix.
func (e *env) warnf(format string, args ...any) {
	fmt.Fprintf(e.stderr, "portannot: "+format+"\n", args...)
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
		e.warnf("%v", err)
	}
}

// isBrokenPipe reports that the reader of our output went away.
func isBrokenPipe(err error) bool {
	return isClosedPipe(err) || errors.Is(err, io.ErrClosedPipe)
}

// newFlags makes a flag set that prints help on e.stdout and reports mistakes
// as usage errors (see parse).
func (e *env) newFlags(name, help string) *pflag.FlagSet {
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.SetOutput(io.Discard)
	fs.Usage = func() { io.WriteString(e.stdout, help) }
	return fs
}

// parse parses args. Help that was asked for gives pflag.ErrHelp.
func parse(fs *pflag.FlagSet, args []string) error {
	err := fs.Parse(args)
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return err
	}
	return usagef("", "%v", err)
}

// registryFlag adds --registry, which every command has.
func registryFlag(fs *pflag.FlagSet) *string {
	return fs.String("registry", "", "registry file instead of the embedded edition")
}

// openRegistry gives the registry that --registry names: see chooseRegistry.
func openRegistry(name string) (*iana.Registry, error) {
	c, err := chooseRegistry(name)
	return c.Registry, err
}

// isTerminal reports whether f is a terminal.
func isTerminal(f any) bool {
	file, ok := f.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// useColor decides by --color (auto, always, never), NO_COLOR
// (https://no-color.org) and whether the output is a terminal.
func useColor(mode string, out io.Writer) (bool, error) {
	switch mode {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(out), nil
	}
	return false, usagef("", "unknown --color %q: want auto, always or never", mode)
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
