// Package cli turns one table a command into the flags that are parsed, the help
// that is printed and what shells complete. Each flag is written once, so the
// three cannot differ.
//
// A table is a [Command]: its words, and its flags in groups, each flag bound to
// the variable that takes its value. [Command.Find] gives the command that a
// command line names, [Command.Parse] its flags and arguments, [Command.Help]
// its help, and [Complete] a script for a shell.
package cli

import (
	"context"
	"strings"

	"github.com/spf13/pflag"
)

// Command is a command, or the program itself.
type Command struct {
	// Name is the word that is typed: "diff". That of the program is its own.
	Name string
	// Short says what the command is for, in lists of commands. It follows the
	// rules of a summary: see Flag.Help.
	Short string

	// The help, from top to bottom: About, Usage, Before, the groups of flags,
	// After, Examples. All but the flags is printed as it is written here, so
	// it has to be at most MaxWidth columns wide.

	About    string
	Usage    string // one line or several, without indentation
	Before   string // sections before the flags
	Groups   []Group
	After    string // sections after the flags, such as the exit status
	Examples []string

	// Args is what the arguments are; with None, there may not be any.
	Args Kind
	// Words are arguments that can be named.
	Words []string
	// Elsewhere has hints for flags of one letter that this command has not, but
	// another, by the letter.
	Elsewhere map[string]string
	// Subs are the commands below this one.
	Subs []*Command
	// Run runs the command with its flags parsed. It is nil where one of Subs
	// has to be named.
	Run func(context.Context, *pflag.FlagSet) error

	parent *Command // set by Find and Parse; see link
}

// Group is a part of a command's flags. Without a heading, a blank line sets it
// apart from the group before.
type Group struct {
	Heading string
	Flags   []Flag
}

// Flags lists the flags of all groups, also hidden ones.
func (c *Command) Flags() []Flag {
	var all []Flag
	for _, g := range c.Groups {
		all = append(all, g.Flags...)
	}
	return all
}

// Path is how the command is called: "portannot registry diff".
func (c *Command) Path() string {
	if c.parent == nil {
		return c.Name
	}
	return c.parent.Path() + " " + c.Name
}

// below is the path without the program: "registry diff"; its own name for
// the program.
func (c *Command) below() string {
	if c.parent == nil || c.parent.parent == nil {
		return c.Name
	}
	return c.parent.below() + " " + c.Name
}

// All lists the command and those below it, each before its own.
func (c *Command) All() []*Command {
	c.link()
	all := []*Command{c}
	for _, s := range c.Subs {
		all = append(all, s.All()...)
	}
	return all
}

// Find gives the command that args begin with, and what follows. It counts as
// the first words only: "portannot -q lookup" is no lookup.
func (c *Command) Find(args []string) (*Command, []string) {
	c.link()
	if len(args) > 0 {
		for _, s := range c.Subs {
			if s.Name == args[0] {
				return s.Find(args[1:])
			}
		}
	}
	return c, args
}

// link tells the commands below c what they are below.
func (c *Command) link() {
	for _, s := range c.Subs {
		s.parent = c
	}
}

// SubNames lists the words of the commands below c.
func (c *Command) SubNames() []string {
	var names []string
	for _, s := range c.Subs {
		names = append(names, s.Name)
	}
	return names
}

// Or lists words for a sentence: "text, json or csv".
func Or(words ...string) string {
	n := len(words)
	if n < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
}
