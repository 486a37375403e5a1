package main

import (
	"context"
	"io"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// helpCommand explains the other commands.
func (e *env) helpCommand(others []*cli.Command) *cli.Command {
	var names []string
	for _, c := range others {
		names = append(names, c.Name)
	}
	return &cli.Command{
		Name:  "help",
		Short: "explain a command",
		About: "portannot help prints the help of a command, as its flag --help does.",
		Usage: "portannot help [COMMAND]",
		Examples: []string{
			"portannot help lookup",
			"portannot help registry diff",
		},
		Args:  cli.Text,
		Words: names,
		Run:   func(_ context.Context, fs *pflag.FlagSet) error { return e.help(fs.Args()) },
	}
}

// help prints the help of the command that words name.
func (e *env) help(words []string) error {
	c, rest := e.program().Find(words)
	if len(rest) > 0 {
		return c.UnknownCommand(rest[0])
	}
	_, err := io.WriteString(e.stdout, c.Help())
	return err
}
