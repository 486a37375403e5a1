package main

import (
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

func (e *env) registryCommand() *cli.Command {
	return &cli.Command{
		Name:  "registry",
		Short: "inspect, check, compare, export and update the registry",
		About: `portannot registry inspects, checks, compares, exports and updates the IANA
Service Name and Transport Protocol Port Number Registry.`,
		Usage: "portannot registry COMMAND [flags]",
		Groups: []cli.Group{{Heading: "Flags of all of them:", Flags: []cli.Flag{
			registryFlag(new(string)),
		}}},
		After: `Each has its own help: portannot registry diff --help.

Without --registry, the edition in use is the one that "registry update"
installed in your data folder, unless the embedded one is newer.

A registered port says nothing of what the traffic really is.`,
		Examples: []string{
			"portannot registry info",
			"portannot registry check",
			"portannot registry export -o services",
		},
		Subs: []*cli.Command{
			e.infoCommand(),
			e.checkCommand(),
			e.diffCommand(),
			e.registryHistoryCommand(),
			e.exportCommand(),
			e.updateCommand(),
		},
	}
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
