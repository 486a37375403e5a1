package main

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

const lookupHelp = `usage: portannot lookup [flags] QUERY...
`

func runLookup(_ context.Context, e *env, args []string) error {
	fs := e.newFlags("lookup", lookupHelp)
	registry := registryFlag(fs)
	if err := parse(fs, args); err != nil {
		return err
	}
	reg, err := openRegistry(*registry)
	if err != nil {
		return err
	}
	return buffered(e.stdout, func(w *bufio.Writer) error {
		for _, q := range fs.Args() {
			port, transport, _ := strings.Cut(q, "/")
			n, err := strconv.ParseUint(port, 10, 16)
			if err != nil {
				return usagef("", "bad port %q", port)
			}
			t, err := iana.ParseTransport(transport)
			if err != nil {
				return usagef("", "%v", err)
			}
			entry := reg.Lookup(t, uint16(n))
			fmt.Fprintf(w, "%d/%s %s %s\n", n, t, entry.Status, strings.Join(entry.Names(), ", "))
		}
		return nil
	})
}

