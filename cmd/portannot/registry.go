package main

import (
	"context"
	"fmt"
)

const registryHelp = `usage: portannot registry info|check|diff|export|update
`

func runRegistry(_ context.Context, e *env, args []string) error {
	fs := e.newFlags("registry", registryHelp)
	registry := registryFlag(fs)
	if err := parse(fs, args); err != nil {
		return err
	}
	reg, err := openRegistry(*registry)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%+v\n", reg.Edition())
	return err
}
