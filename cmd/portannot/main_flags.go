package main

import (
	"context"
	"time"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

const defaultIdle = annotate.DefaultIdle

// program is the whole command line: the main job and the commands.
func (e *env) program() *cli.Command {
	o := new(flowOptions)
	commands := []*cli.Command{
		e.enrichCommand(),
		e.reviewCommand(),
		e.topCommand(),
		e.lookupCommand(),
		e.registryCommand(),
		e.versionCommand(),
		e.completionCommand(),
		e.manCommand(),
	}
	return &cli.Command{
		Name:  "portannot",
		Short: "annotate the flows of captures",
		About: `portannot annotates the flows of network traffic with what the IANA port
registry says of their ports: registered names, and whether a port is assigned,
reserved, unassigned or dynamic. It says which end is the service, and why.

A registered port says nothing of what the traffic really is.`,
		Usage: `portannot -r FILE... [flags]      annotate the flows of captures
portannot -i IFACE... [flags]     annotate the flows of interfaces
portannot COMMAND [flags]`,
		Groups: []cli.Group{
			{Heading: "Captures:", Flags: []cli.Flag{
				readFlag(&o.read),
				recursiveFlag(&o.recursive),
				followFlag(&o.follow),
				countFlag(&o.count),
			}},
			{Heading: "Interfaces:", Flags: []cli.Flag{
				cli.List(&o.live.interfaces, "interface", "i", "NAME",
					`capture live from an interface; may be given again or take a list, a,b; "any" is every one`).Of(cli.Interface),
				cli.Switch(&o.live.list, "list-interfaces", "D", false, "list the interfaces"),
				cli.Duration(&o.live.duration, "duration", "", "TIME", 0, "stop after a time: 30s, 10m"),
				cli.Int(&o.live.snapLen, "snaplen", "s", "N", capture.DefaultSnapLen,
					"bytes captured of a packet (the snap length); default 262144"),
				cli.Switch(&o.live.promiscuous, "promiscuous", "", false, "promiscuous mode: also frames for other stations"),
				cli.Int(&o.live.buffer, "buffer", "", "MIB", capture.DefaultBuffer>>20,
					"memory that the system fills with packets; default 16"),
				metricsFlag(&o.metrics), // also with --follow
			}},
			{Heading: rightsHeading, Flags: rightsFlags(&o.rights)},
			{Heading: selectionHeading, Flags: cli.Join(
				[]cli.Flag{filterFlag(&o.filter)},
				selectionFlags(o),
				payloadSelectionFlags(o),
				[]cli.Flag{
					tunnelsFlag(&o.tunnels),
					ignoreFlag(&o.ignore),
				})},
			{Heading: "Output, on standard output; all messages go to standard error:", Flags: cli.Join([]cli.Flag{
				outputFlag(&o.output, "text", []string{"text", "json", "csv"}, "text (default), json (one object a line) or csv"),
				cli.String(&o.write, "write", "w", "FILE", "",
					"write the packets of the selected flows too, as pcapng; the first packet of each has the annotation as comment; - is standard output, in place of the flows").Of(cli.Output),
				recordsFlag(&o.files.records),
			}, o.sums.flags(), []cli.Flag{
				sortFlag(&o.sort),
				fieldsFlag(&o.fields),
				wideFlag(&o.wide),
				cli.Switch(&o.details, "details", "", false,
					"on a terminal, text has the reason, payload and tunnel of each flow on a line below it"),
				colorFlag(&o.color),
				cli.Switch(new(bool), "numeric", "n", false,
					"no effect, for the habit of tcpdump -n: addresses and ports are always numbers, with names beside them"),
				quietFlag(&o.quiet),
			})},
			{Heading: "Files of -w and --output-file, with -i and --follow:", Flags: cli.Join(rotationFlags(&o.files), tcpdumpFlags(&o.files))},
			{Heading: "Names:", Flags: namesFlags(o)},
			{Heading: "Which end is the service:", Flags: append(listenersFlags(&o.known), localFlag(&o.here), evidencePeersFlag(&o.peers))},
			{Heading: "Payload:", Flags: []cli.Flag{observeFlag(&o.observe)}},
			{Heading: "Flows:", Flags: cli.Join(boundsFlags(o), []cli.Flag{
				cli.Duration(&o.live.active, "active-timeout", "", "TIME", 30*time.Minute,
					"end a flow that lasts longer; default 30m live and with --follow, else 0, never"),
			})},
			{Flags: []cli.Flag{
				cli.Switch(&o.version, "version", "V", false, "print the version"),
			}},
		},
		After: `portannot help lists topics: which end is the service, fields, limits ...

Exit status: 0 done; 1 failure, or part of the input was unreadable (all that
could be read is written); 2 usage; 3 findings (review).`,
		Examples: []string{
			"portannot -r testdata/captures/demo.pcap",
			"portannot -r testdata/captures/demo.pcap --status unassigned,reserved",
			"portannot -r testdata/captures/demo.pcap -o json | head -1",
			"portannot -r testdata/captures/demo.pcap --verdict contradicts",
			"portannot -r testdata/captures/demo.pcap --by service --top 10",
			"portannot -r testdata/captures/demo.pcap -f 'udp port 53' -w dns.pcapng",
			"portannot -D",
			"portannot lookup 4739/sctp",
		},
		Args: cli.File,
		Subs: append(commands, e.helpCommand(commands)),
		Run:  func(ctx context.Context, fs *pflag.FlagSet) error { return o.run(ctx, e, fs) },
	}
}
