package main

import (
	"context"
	"errors"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

const registryHelp = `portannot registry inspects, checks, compares, exports and updates the IANA
Service Name and Transport Protocol Port Number Registry.

Usage:
  portannot registry info                 edition, source and counts
  portannot registry check                overlaps, bad names, conflicts
  portannot registry diff OLD [NEW]       what changed between two editions
  portannot registry export               write for other tools and database engines
  portannot registry update               fetch the newest edition and use it

Each has its own help: portannot registry diff --help.

Flags of all of them:
      --registry FILE     registry edition in any form that IANA publishes
                          (XML, CSV, text, HTML, also gzip), or "embedded"
  -h, --help              print this help

Without --registry, the edition in use is the one that "registry update"
installed in your data folder, unless the embedded one is newer.

A registered port says nothing of what the traffic really is.

Examples:
  portannot registry info
  portannot registry check
  portannot registry export --format services
`

// registryCommands are the subcommands of registry.
func registryCommands() []command {
	return []command{
		{"info", "edition, source and counts", infoHelp, runInfo},
		{"check", "oddities of an edition", checkHelp, runCheck},
		{"diff", "what changed between two editions", diffHelp, runDiff},
		{"export", "write for other tools and database engines", exportHelp, runExport},
		{"update", "fetch the newest edition and use it", updateHelp, runUpdate},
	}
}

func runRegistry(ctx context.Context, e *env, args []string) error {
	var names []string
	for _, c := range registryCommands() {
		if len(args) > 0 && args[0] == c.name {
			err := c.run(ctx, e, args[1:])
			var usage *usageError
			if errors.As(err, &usage) {
				usage.command = "registry " + c.name
			}
			return err
		}
		names = append(names, c.name)
	}
	want := "want " + strings.Join(names, ", ")
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return usagef(want, "unknown subcommand %q of registry", args[0])
	}
	fs := e.newFlags("registry", registryHelp)
	registryFlag(fs)
	if err := parse(fs, args); err != nil {
		return err
	}
	return usagef(want, "no subcommand of registry")
}

// where gives "443/tcp", "443" for a record without a transport, and "no port"
// for a name without one.
func where(hasPort bool, ports iana.Span, t iana.Transport) string {
	s := "no port"
	if hasPort {
		s = ports.String()
	}
	if t != iana.NoTransport {
		s += "/" + t.String()
	}
	return s
}
