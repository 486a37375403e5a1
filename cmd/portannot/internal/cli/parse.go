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
	// Below are lines that show the place of the mistake.
	Below []string
}

func (e *UsageError) Error() string { return e.Msg }

func usagef(hint, format string, args ...any) error {
	return &UsageError{Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// errNotAChoice is given by a Choice; Parse says it in words.
var errNotAChoice = errors.New("not one of the choices")

// errEmpty is given by a NonEmpty; Parse says it in words.
var errEmpty = errors.New("empty")

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
		return nil, c.explain(err, args)
	}
	switch {
	case c.Run == nil && fs.NArg() == 0:
		return nil, usagef("want "+Or(c.SubNames()...), "%s needs a command", c.below())
	case c.Run == nil && slices.Contains(c.SubNames(), fs.Arg(0)):
		return nil, usagef(c.Path()+" "+fs.Arg(0), "%s: the command comes before the flags", c.below())
	case c.Run == nil:
		return nil, c.UnknownCommand(fs.Arg(0))
	case c.Args == None && fs.NArg() > 0:
		return nil, usagef("", "unexpected argument %q", fs.Arg(0))
	}
	return fs, nil
}

// UnknownCommand says that a word is no command below c, and which are near.
func (c *Command) UnknownCommand(word string) error {
	if len(c.Subs) == 0 {
		return usagef("", "%s has no commands", c.Path())
	}
	hint := DidYouMean(c.Path()+" ", word, c.SubNames())
	if hint == "" {
		hint = "want " + Or(c.SubNames()...)
	}
	if c.parent != nil {
		word = c.below() + " " + word
	}
	return usagef(hint, "unknown command %q", word)
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

// explain says an error of the parser in plain words, and what may have been
// meant.
func (c *Command) explain(err error, args []string) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			hint := c.oneDash(args)
			if hint == "" {
				hint = c.Elsewhere[name]
			}
			return usagef(hint, "unknown flag -%s", name)
		}
		return usagef(c.nearFlag(name), "unknown flag --%s", name)
	case errors.As(err, &missing):
		f := c.flag(missing.GetFlag().Name)
		return usagef("", "--%s: the value is missing, %s", f.Long, f.Value)
	case errors.As(err, &invalid):
		return c.invalid(c.flag(invalid.GetFlag().Name), invalid, c.oneDash(args))
	}
	return usagef("", "%v", err)
}

// nearFlag proposes what a long flag may have meant: one of this command, or the
// same one of another command.
func (c *Command) nearFlag(name string) string {
	var own []string
	for _, g := range c.shown() {
		for _, f := range g.Flags {
			own = append(own, f.Long)
		}
	}
	var others []string
	for _, other := range c.root().All() {
		for _, f := range other.Flags() {
			if f.Long == name && f.Instead == "" {
				others = append(others, other.Path())
			}
		}
	}
	switch {
	case len(others) == 1:
		return "it is a flag of " + others[0]
	case len(others) > 1:
		return "it is a flag of " + strings.Join(others[:len(others)-1], ", ") + " and " + others[len(others)-1]
	}
	return DidYouMean("--", name, own)
}

func (c *Command) root() *Command {
	for c.parent != nil {
		c = c.parent
	}
	return c
}

// oneDash proposes --quiet for -quiet, which is read as -q -u -i -e -t.
func (c *Command) oneDash(args []string) string {
	for _, a := range args {
		if a == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(a, "-"), "=")
		if len(name) < 3 || !strings.HasPrefix(a, "-") || strings.HasPrefix(a, "--") {
			continue
		}
		for _, g := range c.shown() {
			for _, f := range g.Flags {
				if f.Long == name {
					return "did you mean --" + name + "?"
				}
			}
		}
	}
	return ""
}

// invalid says what is wrong with a value. The hint is for a flag that may not
// have been meant at all.
func (c *Command) invalid(f *Flag, err *pflag.InvalidValueError, hint string) error {
	value := err.GetValue()
	switch kind := err.GetFlag().Value.Type(); {
	case errors.Is(err, errNotAChoice) && hint == "":
		return UnknownWord("--"+f.Long, value, f.Words)
	case errors.Is(err, errNotAChoice):
		return usagef(hint, "unknown --%s %q: want %s", f.Long, value, Or(f.Words...))
	case errors.Is(err, errEmpty):
		return usagef(hint, "--%s %q: want %s", f.Long, value, f.Value)
	case kind == "int":
		return usagef(hint, "--%s %q: want a whole number", f.Long, value)
	case kind == "uint64":
		return usagef(hint, "--%s %q: want a whole number that is not negative", f.Long, value)
	case kind == "duration":
		if hint == "" {
			hint = "a time is 30s, 10m or 1h30m"
		}
		return usagef(hint, "--%s %q: want a time", f.Long, value)
	case kind == "bool":
		return usagef(hint, "--%s %q: want true or false", f.Long, value)
	}
	return usagef(hint, "--%s %q: %v", f.Long, value, errors.Unwrap(err))
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

// UnknownWord says that a word is none of those that a flag takes, and which of
// them are near.
func UnknownWord(flag, word string, words []string) error {
	hint := DidYouMean("", word, words)
	if len(words) <= maxListed {
		return usagef(hint, "unknown %s %q: want %s", flag, word, Or(words...))
	}
	if hint == "" {
		hint = "want one of " + strings.Join(words, ", ")
	}
	return usagef(hint, "unknown %s %q", flag, word)
}
