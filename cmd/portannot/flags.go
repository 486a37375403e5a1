package main

import (
	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// The flags below are those of several commands, and mean the same in all of
// them. What only one command has stands in its own table.

func registryFlag(p *string) cli.Flag {
	return cli.String(p, "registry", "", "FILE", "",
		`registry edition in any form that IANA publishes (XML, CSV, text, HTML, also gzip), or "embedded"`).
		Of(cli.File).Named(embeddedWord)
}

func practiceFlag(p *string) cli.Flag {
	return cli.Choice(p, "practice", "", "WHICH", "on", []string{"on", "off"},
		"software that uses a port: on (default) names, apart from the registration, what by its own documentation uses a port that is not registered for it; or off")
}

// namesFlags say what ports are called.
func namesFlags(o *flowOptions) []cli.Flag {
	const value = "FILE"
	return []cli.Flag{
		registryFlag(&o.registry),
		trafficAsOfFlag(&o.asOf),
		cli.String(&o.local, "names", "", value, "",
			"file with your own names of ports: in the form of /etc/services, nmap-services or Wireshark's services; shown as local, never mixed with registered names").Of(cli.File),
		cli.String(&o.local, "services", "", value, "", "the old name of --names").Of(cli.File).Replaced("--names"),
		practiceFlag(&o.practice),
	}
}

// listenersFlags name services that the user knows of.
func listenersFlags(p *string) []cli.Flag {
	const value = "FILE"
	return []cli.Flag{
		cli.String(p, "listeners", "", value, "",
			"file with addresses and ports that you know to be services, one ADDRESS:PORT/TRANSPORT a line: 10.0.0.5:8443/tcp, 10.0.0.0/8:9000-9010, [2001:db8::/32]:53/udp, *:5060").Of(cli.File),
		cli.String(p, "known-services", "", value, "", "the old name of --listeners").Of(cli.File).Replaced("--listeners"),
	}
}

func localFlag(p *[]string) cli.Flag {
	return cli.List(p, "local", "", "LIST",
		"addresses of the machine that recorded, or of the firewall that --rules are of; of 10.20.0.1/24 the broadcast address is known too")
}

// evidencePeersFlag is how much evidence of other flows decides which end is
// the service.
func evidencePeersFlag(p *int) cli.Flag {
	return cli.Int(p, "evidence-peers", "", "N", annotate.DefaultEvidencePeers,
		"look at other flows too: an end to which N addresses, with N ports, have spoken is the service; 2 to 8, default 3; 0 does not look")
}

// reportFormatFlag is the format of a command that prints text or JSON.
func reportFormatFlag(p *string) cli.Flag {
	return outputFlag(p, "text", []string{"text", "json"}, "text (default) or json")
}

// outputFlag is the format of the output: text says which formats there are.
func outputFlag(p *string, def string, formats []string, text string) cli.Flag {
	return cli.Choice(p, "output", "o", "FORMAT", def, formats, "output format: "+text)
}

func colorFlag(p *string) cli.Flag {
	return cli.Choice(p, "color", "", "WHEN", "auto", []string{"auto", "always", "never"},
		"colour in text: auto (default), always or never; auto means on a terminal, unless NO_COLOR is set")
}

func wideFlag(p *bool) cli.Flag {
	return cli.Switch(p, "wide", "", false,
		"text with every column, as in a pipe; otherwise text fits the width of the terminal (or COLUMNS, if set)")
}

func quietFlag(p *bool) cli.Flag { return cli.Switch(p, "quiet", "q", false, "no summary") }

// metricsFlag is for runs that go on until they are told to end.
func metricsFlag(p *string) cli.Flag {
	return cli.String(p, "metrics", "", "ADDR", "",
		"address of Prometheus metrics and health: [HOST]:PORT; without HOST, only this machine can ask")
}

const rightsHeading = "Rights, given up before the input is read:"

func rightsFlags(o *rightsOptions) []cli.Flag {
	return []cli.Flag{
		cli.String(&o.user, "user", "", "NAME", "nobody",
			"user to change to when run as root, once everything is open; default nobody, '' stays root"),
		cli.Switch(&o.verbose, "verbose", "v", false, "report dropped privileges and the sandbox"),
	}
}

func readFlag(p *[]string) cli.Flag {
	return cli.Strings(p, "read", "r", "FILE",
		"capture file: pcap, pcapng, snoop and others, also compressed; a pattern; - for standard input. May be given again; names without a flag are captures too. Several are one stream, ordered by time.").Of(cli.File)
}

func recursiveFlag(p *bool) cli.Flag {
	return cli.Switch(p, "recursive", "", false, "read the captures in folders and below")
}

func followFlag(p *bool) cli.Flag {
	return cli.Switch(p, "follow", "", false, "go on reading files that grow, and those that are written after them, until Ctrl-C")
}

func countFlag(p *uint64) cli.Flag {
	return cli.Uint64(p, "count", "c", "N", 0, "stop after N packets")
}

func filterFlag(p *string) cli.Flag {
	return cli.String(p, "filter", "f", "EXPR", "",
		"packets that match a pcap-filter expression, as in tcpdump: 'tcp port 443 and not net 10.0.0.0/8'; portannot -r FILE takes it also as words at the end")
}

func tunnelsFlag(p *string) cli.Flag {
	return cli.Choice(p, "tunnels", "", "WHICH", "both", []string{"both", "inner", "outer"},
		"flows of tunnels: both (default), inner or outer")
}

func ignoreFlag(p *[]string) cli.Flag {
	return cli.List(p, "ignore", "", "LIST",
		"identifiers not to tell networks apart by, for mirrors that write other ones for each direction: "+cli.Or(decode.IgnoreNames()...)).Named(decode.IgnoreNames()...)
}

func observeFlag(p *string) cli.Flag {
	return cli.Choice(p, "observe", "", "WHICH", "on", []string{"on", "off"},
		"look at the first bytes of each flow: on (default) says which protocol they look like, and whether the registered service speaks it; or off")
}

// boundsFlags say when flows end.
func boundsFlags(o *flowOptions) []cli.Flag {
	return []cli.Flag{
		cli.Duration(&o.idle, "idle-timeout", "", "TIME", defaultIdle, "end a flow when no packet came for TIME; default 5m, 0 is never"),
		cli.Int(&o.maxFlows, "max-flows", "", "N", flow.DefaultMaxFlows,
			"flows held in memory; default 4194304, about 220 bytes each. When full, the longest idle flow is written early."),
		cli.Duration(&o.dedup, "dedup", "", "TIME", 0,
			"count copies of a packet once: those that a mirror or another interface captures within TIME, such as 1ms; default 0, count all"),
	}
}

// transportNames and statusNames are what --transport and --status take.
var (
	transportNames = []string{"tcp", "udp", "udplite", "sctp", "dccp"}
	statusNames    = []string{iana.Assigned.String(), iana.Reserved.String(), iana.Unassigned.String(), iana.Dynamic.String(), iana.Unknown.String()}
)

// selectionHeading is that of the flags by which flows are selected.
const selectionHeading = "Selection; a flag may be given again or take a list, a,b:"

// selectionFlags select flows. They are those of all commands that have flows.
func selectionFlags(o *flowOptions) []cli.Flag {
	return []cli.Flag{
		cli.List(&o.transports, "transport", "", "NAME", "flows of a transport: "+cli.Or(transportNames...)).Named(transportNames...),
		cli.List(&o.ports, "port", "", "PORT", "flows with a port at either end: 443 or 4690-4700"),
		cli.List(&o.statuses, "status", "", "STATUS",
			"flows by status of the service port: "+cli.Or(statusNames...)+"; of either port if no side is known").Named(statusNames...),
		cli.Switch(&o.unexpected, "unexpected", "", false,
			"flows whose service port is not assigned for the transport; if no side is known, neither port is"),
		cli.List(&o.services, "service", "", "NAME", "flows by name of the service: a registered name, or one of --names"),
		cli.String(&o.since, "since", "", "TIME", "",
			"flows that began at TIME or later: 2026-09-14, '2026-09-14 09:00' (UTC unless it says otherwise), or 90m, which is before now"),
		cli.String(&o.until, "until", "", "TIME", "", "flows that began before TIME"),
	}
}

// payloadSelectionFlags select flows by their payload, which logs have not.
func payloadSelectionFlags(o *flowOptions) []cli.Flag {
	return []cli.Flag{
		cli.List(&o.observed, "observed", "", "NAME",
			"flows by protocol that the payload looks like: tls, ssh, dns ...").Named(observe.ProtocolNames()...),
		cli.List(&o.verdicts, "verdict", "", "VERDICT",
			"flows by verdict on the payload and the registration: "+cli.Or(verdictWords()...)).Named(verdictWords()...),
	}
}

// logFormatFlags say how flow logs are read.
func logFormatFlags(format, fieldMap, formatsFile *string, columns *[]string, formats []string) []cli.Flag {
	return []cli.Flag{
		cli.Choice(format, "format", "", "NAME", "auto", formats,
			"format of the flow logs; default auto; portannot enrich --list-formats lists them"),
		cli.String(fieldMap, "map", "", "LIST", "",
			"names of the fields in other CSV, TSV, JSON or key=value lines: proto=NAME,sport=NAME,dport=NAME,src=NAME,dst=NAME, also time, flags, outcome, server, service, prefix; in JSON, dots stand between levels; #3 is the third column"),
		cli.String(formatsFile, "formats", "", "FILE", "", "formats of your own, tried first: portannot help formats says how they are written").Of(cli.File),
		cli.List(columns, "columns", "", "LIST", "columns of an AWS log of a custom format without header: srcaddr,srcport, or as AWS writes them, '${srcaddr} ${srcport}'"),
	}
}
