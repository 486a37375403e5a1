package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Kind is what a flag or a command takes, as shells complete it.
type Kind uint8

const (
	None      Kind = iota // a switch; no arguments
	Text                  // words, numbers: what Words name, if they do
	File                  // the name of a file; also what Words name
	Interface             // the name of a network interface
)

// Flag is a flag: a row of a command's table. The functions below make one; its
// methods say more of it.
type Flag struct {
	Long  string
	Short string // one letter, or empty
	// Value is what the help calls the value, in capitals; empty for a switch.
	Value string
	// Help says what the flag does. It begins with words that can stand alone:
	// shells show what comes before the first colon, semicolon, comma, bracket
	// or full stop (see Summary). The help breaks lines where they are full,
	// and at a newline.
	Help  string
	Takes Kind
	// Words are the values that can be named.
	Words []string
	// Repeats reports that the flag may be given again.
	Repeats bool
	// Default is the value without the flag, as text.
	Default string
	// Instead names what to use in place of a flag that is going away. Such a
	// flag works, and is in neither the help nor the completion.
	Instead string

	define func(*pflag.FlagSet)
}

// newFlag makes a row of a type that pflag knows.
func newFlag[T any](define func(*pflag.FlagSet, *T, string, string, T, string), p *T, long, short, value string, def T, help string) Flag {
	f := Flag{Long: long, Short: short, Value: value, Help: help, Takes: Text, Default: fmt.Sprint(def)}
	f.define = func(fs *pflag.FlagSet) { define(fs, p, long, short, def, "") }
	return f
}

// String is a flag with any text as its value.
func String(p *string, long, short, value, def, help string) Flag {
	return newFlag((*pflag.FlagSet).StringVarP, p, long, short, value, def, help)
}

// Strings is a flag that may be given again, each time with one value.
func Strings(p *[]string, long, short, value, help string) Flag {
	f := newFlag((*pflag.FlagSet).StringArrayVarP, p, long, short, value, nil, help)
	f.Repeats, f.Default = true, ""
	return f
}

// List is a flag that may be given again, and takes several values with commas
// between them.
func List(p *[]string, long, short, value, help string) Flag {
	f := newFlag((*pflag.FlagSet).StringSliceVarP, p, long, short, value, nil, help)
	f.Repeats, f.Default = true, ""
	return f
}

// Switch is a flag without a value. One that is on by default is switched off
// by --long=false.
func Switch(p *bool, long, short string, def bool, help string) Flag {
	f := newFlag((*pflag.FlagSet).BoolVarP, p, long, short, "", def, help)
	f.Takes = None
	return f
}

// Int is a flag with a whole number.
func Int(p *int, long, short, value string, def int, help string) Flag {
	return newFlag((*pflag.FlagSet).IntVarP, p, long, short, value, def, help)
}

// Uint64 is a flag with a whole number that is not negative.
func Uint64(p *uint64, long, short, value string, def uint64, help string) Flag {
	return newFlag((*pflag.FlagSet).Uint64VarP, p, long, short, value, def, help)
}

// Duration is a flag with a time as package time writes it: 30s, 1h30m.
func Duration(p *time.Duration, long, short, value string, def time.Duration, help string) Flag {
	return newFlag((*pflag.FlagSet).DurationVarP, p, long, short, value, def, help)
}

// Choice is a flag that takes one of words, in any case.
func Choice(p *string, long, short, value, def string, words []string, help string) Flag {
	f := Flag{Long: long, Short: short, Value: value, Help: help, Takes: Text, Words: words, Default: def}
	f.define = func(fs *pflag.FlagSet) {
		*p = def
		fs.VarP(&choice{p, words, def}, long, short, "")
	}
	return f
}

// choice is the pflag.Value of a Choice.
type choice struct {
	p     *string
	words []string
	def   string // may be none of them: empty, for no choice
}

func (c *choice) String() string { return *c.p }
func (c *choice) Type() string   { return "choice" }

func (c *choice) Set(s string) error {
	if s == c.def {
		*c.p = s
		return nil
	}
	for _, w := range c.words {
		if strings.EqualFold(w, s) {
			*c.p = w
			return nil
		}
	}
	return errNotAChoice
}

// Named gives the flag with values that can be named beside others.
func (f Flag) Named(words ...string) Flag {
	f.Words = words
	return f
}

// Of gives the flag with another kind of value.
func (f Flag) Of(k Kind) Flag {
	f.Takes = k
	return f
}

// Replaced gives the flag as one that is going away: see Flag.Instead.
func (f Flag) Replaced(instead string) Flag {
	f.Instead = instead
	return f
}

// Summary is the first part of Help, for shells.
func (f *Flag) Summary() string {
	s := f.Help
	if i := strings.IndexAny(s, ":;,(.\n\"'"); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSpace(s)
}

// Spellings gives "--output" and, if there is one, "-o".
func (f *Flag) Spellings() []string {
	s := []string{"--" + f.Long}
	if f.Short != "" {
		s = append(s, "-"+f.Short)
	}
	return s
}

// helpFlag is the flag that every command has. The parser knows it by itself.
var helpFlag = Flag{Long: "help", Short: "h", Help: "print this help", Default: "false"}
