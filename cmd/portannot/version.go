package main

import (
	"context"
	"fmt"
)

const versionHelp = `usage: portannot version
`

func runVersion(_ context.Context, e *env, args []string) error {
	fs := e.newFlags("version", versionHelp)
	if err := parse(fs, args); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.stdout, "portannot (devel)")
	return err
}
