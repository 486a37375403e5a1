package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// UsageError is a mistake on the command line.
type UsageError struct {
	Msg  string
	Hint string // what to do instead; may be empty
}

func (e *UsageError) Error() string { return e.Msg }

func usagef(hint, format string, args ...any) error {
	return &UsageError{Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// errNotAChoice is given by a Choice; Parse says it in words.
var errNotAChoice = errors.New("not one of the choices")

// Parse sets the variables behind the flags and gives the flag set, to ask for
// the arguments and for what was given. The error is pflag.ErrHelp where help
// was asked for, else a *UsageError.
func (c *Command) Parse(args []string) (*pflag.FlagSet, error) {
	c.link()
	fs := pflag.NewFlagSet(c.Name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.Usage = func() {}
	for _, f := range c.Flags() {
		f.define(fs)
	}
	if err := fs.Parse(args); err != nil {
		return nil, c.explain(err)
	}
	switch {
	case c.Run == nil && fs.NArg() == 0:
		return nil, usagef("want "+Or(c.SubNames()...), "%s needs a command", c.below())
	case c.Run == nil && slices.Contains(c.SubNames(), fs.Arg(0)):
		return nil, usagef(c.Path()+" "+fs.Arg(0), "%s: the command comes before the flags", c.below())
	case c.Run == nil:
		return nil, usagef("want "+Or(c.SubNames()...), "unknown command %q", c.below()+" "+fs.Arg(0))
	case c.Args == None && fs.NArg() > 0:
		return nil, usagef("", "unexpected argument %q", fs.Arg(0))
	}
	return fs, nil
}

// Notes says what to use in place of flags that are going away and were given.
func (c *Command) Notes(fs *pflag.FlagSet) []string {
	var notes []string
	for _, f := range c.Flags() {
		if f.Instead != "" && fs.Changed(f.Long) {
			notes = append(notes, fmt.Sprintf("--%s is going away: use %s", f.Long, f.Instead))
		}
	}
	return notes
}

// explain says an error of the parser in plain words.
func (c *Command) explain(err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &unknown):
		if unknown.GetSpecifiedShortnames() != "" {
			return usagef("", "unknown flag -%s", unknown.GetSpecifiedName())
		}
		return usagef("", "unknown flag --%s", unknown.GetSpecifiedName())
	case errors.As(err, &missing):
		f := c.flag(missing.GetFlag().Name)
		return usagef("", "--%s: the value is missing, %s", f.Long, f.Value)
	case errors.As(err, &invalid):
		return c.invalid(c.flag(invalid.GetFlag().Name), invalid)
	}
	return usagef("", "%v", err)
}

// invalid says what is wrong with a value.
func (c *Command) invalid(f *Flag, err *pflag.InvalidValueError) error {
	value := err.GetValue()
	switch kind := err.GetFlag().Value.Type(); {
	case errors.Is(err, errNotAChoice):
		return UnknownWord("--"+f.Long, value, f.Words)
	case kind == "int":
		return usagef("", "--%s %q: want a whole number", f.Long, value)
	case kind == "uint64":
		return usagef("", "--%s %q: want a whole number that is not negative", f.Long, value)
	case kind == "duration":
		return usagef("a time is 30s, 10m or 1h30m", "--%s %q: want a time", f.Long, value)
	case kind == "bool":
		return usagef("", "--%s %q: want true or false", f.Long, value)
	}
	return usagef("", "--%s %q: %v", f.Long, value, errors.Unwrap(err))
}

// flag gives the row of a flag that pflag knows.
func (c *Command) flag(long string) *Flag {
	for _, f := range c.Flags() {
		if f.Long == long {
			return &f
		}
	}
	return &Flag{Long: long}
}

// maxListed is how many words a message lists.
const maxListed = 16

// UnknownWord says that a word is none of those that a flag takes.
func UnknownWord(flag, word string, words []string) error {
	if len(words) > maxListed {
		return usagef("want one of "+strings.Join(words, ", "), "unknown %s %q", flag, word)
	}
	return usagef("", "unknown %s %q: want %s", flag, word, Or(words...))
}
