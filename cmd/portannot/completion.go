package main

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

func (e *env) completionCommand() *cli.Command {
	return &cli.Command{
		Name:  "completion",
		Short: "print a completion script for a shell",
		About: `portannot completion prints a script with which a shell completes the program's
commands, flags, their values, and file names.`,
		Usage: "portannot completion " + strings.Join(cli.Shells, "|"),
		Before: `To load it now, and for good:
  bash        source <(portannot completion bash)
              the same line in ~/.bashrc
  zsh         source <(portannot completion zsh)
              portannot completion zsh > "${fpath[1]}/_portannot"
  fish        portannot completion fish | source
              the same line in ~/.config/fish/config.fish
  powershell  portannot completion powershell | Out-String | Invoke-Expression
              the same line in the file $PROFILE`,
		Examples: []string{
			"portannot completion bash",
			"portannot completion fish",
		},
		Args:  cli.Text,
		Words: cli.Shells,
		Run:   func(_ context.Context, fs *pflag.FlagSet) error { return writeCompletion(e, fs.Args()) },
	}
}

func writeCompletion(e *env, args []string) error {
	if len(args) != 1 {
		return usagef("want "+cli.Or(cli.Shells...), "name one shell")
	}
	script, ok := cli.Complete(e.program(), args[0])
	if !ok {
		return cli.UnknownWord("shell", args[0], cli.Shells)
	}
	_, err := io.WriteString(e.stdout, script)
	return err
}
