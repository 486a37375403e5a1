package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/cmd/internal/outfile"
	"github.com/portannot/portannot/cmd/portannot/help"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

func (e *env) manCommand() *cli.Command {
	return &cli.Command{
		Name:  "man",
		Short: "write man pages",
		About: `portannot man writes a man page for each command, to section 1 of a folder, and
one for each topic of portannot help, to section 7.`,
		Usage: "portannot man DIR",
		After: `The folder is made if it is not there. man finds the pages in the folders of
manpath, and shows a file with man -l.`,
		Examples: []string{
			"portannot man ~/.local/share/man",
			"portannot man . && man -l man7/portannot-sides.7",
		},
		Args: cli.Output,
		Run:  func(_ context.Context, fs *pflag.FlagSet) error { return e.man(fs.Args()) },
	}
}

// man writes all pages below a folder.
func (e *env) man(args []string) error {
	if len(args) != 1 {
		return usagef("portannot man DIR", "name one folder")
	}
	version := thisVersion()
	date := iana.Embedded().Edition().Date
	if version.Time != "" {
		date, _, _ = strings.Cut(version.Time, "T")
	}
	for _, page := range manPages(e.program(), date, version.Version) {
		if err := writePage(filepath.Join(args[0], page.path), page.text); err != nil {
			return err
		}
	}
	return nil
}

// manPage is a page and its place below the folder of man pages.
type manPage struct{ path, text string }

// manPages gives the pages of all commands and topics.
func manPages(program *cli.Command, date, version string) []manPage {
	var also []string
	for _, c := range program.All()[1:] {
		also = append(also, cli.ManName(c)+"(1)")
	}
	for _, name := range help.Names() {
		also = append(also, "portannot-"+name+"(7)")
	}
	var pages []manPage
	for _, c := range program.All() {
		see := []string{"portannot(1)", "portannot-examples(7)"}
		if c == program {
			see = also
		}
		text := c.Man(date, version, see)
		pages = append(pages, manPage{filepath.Join("man1", cli.ManName(c)+".1"), text})
	}
	for _, t := range help.Topics() {
		pages = append(pages, manPage{filepath.Join("man7", "portannot-"+t.Name+".7"), t.Man(date, version)})
	}
	return pages
}

func writePage(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("write man pages: %w", err)
	}
	f, err := outfile.Create(path)
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := io.WriteString(f, text); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Commit()
}
