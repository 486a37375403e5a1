package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/cmd/portannot/help"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// helpCommand explains the other commands, and the topics.
func (e *env) helpCommand(others []*cli.Command) *cli.Command {
	var words []string
	for _, c := range others {
		words = append(words, c.Name)
	}
	for _, name := range help.Names() {
		if !slices.Contains(words, name) { // registry is both
			words = append(words, name)
		}
	}
	return &cli.Command{
		Name:  "help",
		Short: "explain a command or a topic",
		About: `portannot help lists the commands and the topics. With the name of one, it
explains that. On a terminal, long texts are shown page by page by the program
that PAGER names, or by less.`,
		Usage: "portannot help [COMMAND | TOPIC]",
		Examples: []string{
			"portannot help",
			"portannot help sides",
			"portannot help registry diff",
		},
		Args:  cli.Text,
		Words: words,
		Run:   func(ctx context.Context, fs *pflag.FlagSet) error { return e.help(ctx, fs.Args()) },
	}
}

// help prints the help of the command, or the topic, that words name.
func (e *env) help(ctx context.Context, words []string) error {
	program := e.program()
	if len(words) == 0 {
		_, err := io.WriteString(e.stdout, listHelp(program))
		return err
	}
	var parts []string
	c, rest := program.Find(words)
	if c != program {
		if len(rest) > 0 {
			return c.UnknownCommand(rest[0])
		}
		parts = append(parts, c.Help())
	}
	if topic, ok := help.Find(words[0]); ok && len(words) == 1 {
		parts = append(parts, help.Terminal(topic.Markdown, terminalWidth(e.stdout)))
	}
	if len(parts) == 0 {
		if _, ok := help.Find(words[0]); ok {
			return usagef("portannot help takes one topic", "unexpected argument %q", words[1])
		}
		return unknownTopic(program, words[0])
	}
	return e.page(ctx, strings.Join(parts, "\n"))
}

// unknownTopic says that a word is neither a command nor a topic, and what is
// near it.
func unknownTopic(program *cli.Command, word string) error {
	hint := cli.DidYouMean("portannot help ", word, append(program.SubNames(), help.Names()...))
	if hint == "" {
		hint = "portannot help lists the commands and topics"
	}
	return usagef(hint, "unknown command or topic %q", word)
}

// listHelp lists what can be explained.
func listHelp(program *cli.Command) string {
	var b strings.Builder
	b.WriteString("Usage:\n  portannot help [COMMAND | TOPIC]\n")
	list := func(heading string, rows [][2]string) {
		fmt.Fprintf(&b, "\n%s:\n", heading)
		for _, r := range rows {
			fmt.Fprintf(&b, "  %-13s%s\n", r[0], r[1])
		}
	}
	var commands, topics [][2]string
	for _, c := range program.Subs {
		commands = append(commands, [2]string{c.Name, c.Short})
	}
	for _, t := range help.Topics() {
		topics = append(topics, [2]string{t.Name, t.Title})
	}
	list("Commands", commands)
	list("Topics", topics)
	b.WriteString("\nportannot --help lists the flags for captures and interfaces.\n")
	return b.String()
}
