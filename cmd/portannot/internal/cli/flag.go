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
	File                  // the name of a file that is read; also what Words name
	Output                // the name of a file that is written
	Interface             // the name of a network interface
)

// isFile reports that names of files are taken.
func (k Kind) isFile() bool { return k == File || k == Output }

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

// row makes a flag with a value; define adds it to pflag's set. There is no type
// parameter here on purpose: the linker keeps every method of a type that is an
// argument of one, here 0.4 MB of pflag that nothing calls.
func row(long, short, value string, def any, help string, define func(*pflag.FlagSet)) Flag {
	return Flag{Long: long, Short: short, Value: value, Help: help, Takes: Text, Default: fmt.Sprint(def), define: define}
}

// String is a flag with any text as its value.
func String(p *string, long, short, value, def, help string) Flag {
	return row(long, short, value, def, help, func(fs *pflag.FlagSet) { fs.StringVarP(p, long, short, def, "") })
}

// NonEmpty is a flag with a text as its value, where an empty one, as of a shell
// variable that is not set, must not pass for the default.
func NonEmpty(p *string, long, short, value, help string) Flag {
	return row(long, short, value, "", help, func(fs *pflag.FlagSet) { fs.VarP((*nonEmpty)(p), long, short, "") })
}

// nonEmpty is the pflag.Value of a NonEmpty.
type nonEmpty string

func (n *nonEmpty) String() string { return string(*n) }
func (n *nonEmpty) Type() string   { return "nonEmpty" }

func (n *nonEmpty) Set(s string) error {
	if s == "" {
		return errEmpty
	}
	*n = nonEmpty(s)
	return nil
}

// Strings is a flag that may be given again, each time with one value.
func Strings(p *[]string, long, short, value, help string) Flag {
	f := row(long, short, value, "", help, func(fs *pflag.FlagSet) { fs.StringArrayVarP(p, long, short, nil, "") })
	f.Repeats = true
	return f
}

// List is a flag that may be given again, and takes several values with commas
// between them.
func List(p *[]string, long, short, value, help string) Flag {
	f := row(long, short, value, "", help, func(fs *pflag.FlagSet) { fs.StringSliceVarP(p, long, short, nil, "") })
	f.Repeats = true
	return f
}

// Switch is a flag without a value. One that is on by default is switched off
// by --long=false.
func Switch(p *bool, long, short string, def bool, help string) Flag {
	f := row(long, short, "", def, help, func(fs *pflag.FlagSet) { fs.BoolVarP(p, long, short, def, "") })
	f.Takes = None
	return f
}

// Int is a flag with a whole number.
func Int(p *int, long, short, value string, def int, help string) Flag {
	return row(long, short, value, def, help, func(fs *pflag.FlagSet) { fs.IntVarP(p, long, short, def, "") })
}

// Uint64 is a flag with a whole number that is not negative.
func Uint64(p *uint64, long, short, value string, def uint64, help string) Flag {
	return row(long, short, value, def, help, func(fs *pflag.FlagSet) { fs.Uint64VarP(p, long, short, def, "") })
}

// Duration is a flag with a time as package time writes it: 30s, 1h30m.
func Duration(p *time.Duration, long, short, value string, def time.Duration, help string) Flag {
	return row(long, short, value, def, help, func(fs *pflag.FlagSet) { fs.DurationVarP(p, long, short, def, "") })
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

// Join gives the flags of several lists as one. It is not slices.Concat for the
// reason that row gives.
func Join(lists ...[]Flag) []Flag {
	var all []Flag
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
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
