package main

import (
	"context"
	"io"
	"strings"

	"github.com/portannot/portannot/annotate/flowlog/kafka"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/review/report"
)

const completionHelp = `portannot completion prints a script with which a shell completes the program's
commands, flags, their values, and file names.

Usage:
  portannot completion bash|zsh|fish|powershell

To load it now, and for good:
  bash        source <(portannot completion bash)
              the same line in ~/.bashrc
  zsh         source <(portannot completion zsh)
              portannot completion zsh > "${fpath[1]}/_portannot"
  fish        portannot completion fish | source
              portannot completion fish > ~/.config/fish/completions/portannot.fish
  powershell  portannot completion powershell | Out-String | Invoke-Expression
              the same line in the file $PROFILE

Flags:
  -h, --help              print this help

Examples:
  portannot completion bash
  portannot completion fish
`

// shells are those with a completion script.
var shells = []string{"bash", "zsh", "fish", "powershell"}

func runCompletion(_ context.Context, e *env, args []string) error {
	fs := e.newFlags("completion", completionHelp)
	if err := parse(fs, args); err != nil {
		return err
	}
	want := "want " + strings.Join(shells, ", ")
	if fs.NArg() != 1 {
		return usagef(want, "name one shell")
	}
	var script string
	switch strings.ToLower(fs.Arg(0)) {
	case "bash":
		script = bashCompletion(completedCommands())
	case "zsh":
		script = zshCompletion(completedCommands())
	case "fish":
		script = fishCompletion(completedCommands())
	case "powershell", "pwsh":
		script = powershellCompletion(completedCommands())
	default:
		return usagef(want, "no completion for shell %q", fs.Arg(0))
	}
	_, err := io.WriteString(e.stdout, script)
	return err
}

// value is what a flag or a command takes, as a shell should complete it.
type value uint8

const (
	noValue value = iota
	textValue
	fileValue
	interfaceValue // name of a network interface
)

// completedFlag is a flag as shells show it. A test compares the flags below
// with those that the commands define.
type completedFlag struct {
	long, short string
	about       string // a few words without quotes, colons and brackets
	takes       value
	choices     []string // values that can be named; beside files, for a fileValue
	again       bool     // may be given again
}

// completedCommand is a command, or the main job.
type completedCommand struct {
	path    string // "registry diff"; empty for the main job
	about   string
	flags   []completedFlag // --help, which all have, is not among them
	args    value
	choices []string // arguments that can be named
}

var (
	helpFlag = completedFlag{long: "help", short: "h", about: "print help"}

	completeRegistry = completedFlag{long: "registry", about: "registry edition", takes: fileValue, choices: []string{embeddedWord}}
	completeColor    = completedFlag{long: "color", about: "colour of text", takes: textValue, choices: []string{"auto", "always", "never"}}
	completeFormat   = completedFlag{long: "output", short: "o", about: "output format", takes: textValue, choices: []string{"text", "json"}}
	completeRevised  = completedFlag{long: "revised", about: "show revised records too"}
)

// completedCommands lists what is completed: everything that shells know of
// the program comes from here.
func completedCommands() []completedCommand {
	transports := []string{"tcp", "udp", "udplite", "sctp", "dccp"}
	statuses := []string{"assigned", "reserved", "unassigned", "dynamic", "unknown"}
	list := []completedCommand{
		{path: "", about: "annotate the flows of captures", args: fileValue, flags: []completedFlag{
			{long: "read", short: "r", about: "capture file", takes: fileValue, again: true},
			{long: "recursive", about: "read the captures in folders"},
			{long: "follow", about: "go on reading a file that grows"},
			{long: "interface", short: "i", about: "capture live", takes: interfaceValue, again: true},
			{long: "list-interfaces", short: "D", about: "list the interfaces"},
			{long: "count", short: "c", about: "stop after so many packets", takes: textValue},
			{long: "duration", about: "stop after a time", takes: textValue},
			{long: "snaplen", short: "s", about: "octets captured of a packet", takes: textValue},
			{long: "promiscuous", short: "p", about: "also frames for other stations"},
			{long: "buffer", about: "MiB of memory that the system fills", takes: textValue},
			{long: "active-timeout", about: "give out a flow that lasts longer", takes: textValue},
			{long: "user", about: "user to become when root", takes: textValue},
			{long: "verbose", short: "v", about: "say what was given up for the sandbox"},
			{long: "filter", short: "f", about: "pcap-filter expression", takes: textValue},
			{long: "write", short: "w", about: "write the packets of the selected flows", takes: fileValue},
			{long: "tunnels", about: "flows of tunnels", takes: textValue, choices: []string{"both", "inner", "outer"}},
			{long: "output", short: "o", about: "output format", takes: textValue, choices: []string{"text", "json", "csv"}},
			{long: "sort", about: "order of flows", takes: textValue, choices: sortNames()},
			completeColor,
			{long: "quiet", short: "q", about: "no summary"},
			{long: "transport", about: "select by transport", takes: textValue, choices: transports, again: true},
			{long: "port", about: "select by port or range of either end", takes: textValue, again: true},
			{long: "status", about: "select by status of the service port", takes: textValue, choices: statuses, again: true},
			{long: "service", about: "select by name of the service", takes: textValue, again: true},
			{long: "observed", about: "select by protocol that the payload looks like", takes: textValue, choices: observe.ProtocolNames(), again: true},
			{long: "verdict", about: "select by verdict on the payload", takes: textValue, choices: verdictWords(), again: true},
			{long: "observe", about: "look at the payload", takes: textValue, choices: []string{"on", "off"}},
			completeRegistry,
			{long: "services", about: "file with your own names", takes: fileValue},
			{long: "known-services", about: "file with services that you know", takes: fileValue},
			{long: "evidence-peers", about: "peers in other flows that make a service", takes: textValue},
			{long: "idle-timeout", about: "end a flow after so long without a packet", takes: textValue},
			{long: "max-flows", about: "flows held in memory", takes: textValue},
			{long: "version", about: "print the version"},
		}},
		{path: "enrich", args: fileValue, flags: []completedFlag{
			{long: "format", about: "format of the log", takes: textValue, choices: append(logFormatNames(), kafka.Protobuf)},
			{long: "list-formats", about: "list the formats"},
			{long: "map", about: "names of the fields", takes: textValue},
			{long: "fields", about: "columns of a log without header", takes: textValue, again: true},
			{long: "follow", about: "go on reading a file that grows"},
			{long: "listen", about: "take NetFlow and IPFIX from the network", takes: textValue, again: true},
			{long: "strict", about: "stop at the first line that is not understood"},
			{long: "unexpected", about: "only flows whose service port is not assigned"},
			{long: "transport", about: "select by transport", takes: textValue, choices: transports, again: true},
			{long: "port", about: "select by port or range of either end", takes: textValue, again: true},
			{long: "status", about: "select by status of the service port", takes: textValue, choices: statuses, again: true},
			{long: "service", about: "select by name of the service", takes: textValue, again: true},
			{long: "output", short: "o", about: "output format", takes: textValue, choices: []string{"same", "json", "csv"}},
			{long: "strip", about: "take the annotation away"},
			{long: "quiet", short: "q", about: "no summary"},
			completeRegistry,
			{long: "services", about: "file with your own names", takes: fileValue},
			{long: "known-services", about: "file with services that you know", takes: fileValue},
			{long: "from", about: "topic of Kafka to read", takes: textValue},
			{long: "to", about: "topic of Kafka to write", takes: textValue},
			{long: "group", about: "consumer group", takes: textValue},
			{long: "exactly-once", about: "in transactions, or not at all"},
			{long: "transactional-id", about: "name of this member for transactions", takes: textValue},
			{long: "dead-letter", about: "topic for what is not understood", takes: textValue},
			{long: "compression", about: "of what is written", takes: textValue, choices: kafka.Compressions()},
			{long: "client-id", about: "name that brokers show", takes: textValue},
			{long: "metrics", about: "address for metrics and health", takes: textValue},
			{long: "tls", about: "encrypted connections to brokers"},
			{long: "tls-ca", about: "certificates to trust", takes: fileValue},
			{long: "tls-cert", about: "certificate of this client", takes: fileValue},
			{long: "tls-key", about: "key of that certificate", takes: fileValue},
			{long: "tls-server-name", about: "name that certificates must be for", takes: textValue},
			{long: "sasl", about: "mechanism of authentication", takes: textValue, choices: kafka.Mechanisms()},
			{long: "sasl-user", about: "user to authenticate as", takes: textValue},
			{long: "sasl-password-file", about: "file with the password", takes: fileValue},
			{long: "sasl-token-file", about: "file with the token", takes: fileValue},
		}},
		{path: "review", args: fileValue, flags: []completedFlag{
			{long: "read", short: "r", about: "capture file", takes: fileValue, again: true},
			{long: "recursive", about: "read the captures in folders"},
			{long: "filter", short: "f", about: "pcap-filter expression", takes: textValue},
			{long: "count", short: "c", about: "stop after so many packets", takes: textValue},
			{long: "format", about: "format of the flow logs", takes: textValue, choices: logFormatNames()},
			{long: "map", about: "names of the fields", takes: textValue},
			{long: "fields", about: "columns of a log without header", takes: textValue, again: true},
			{long: "policy", about: "expected services", takes: fileValue},
			{long: "rules", about: "firewall rules", takes: fileValue, again: true},
			{long: "local", about: "addresses of the firewall itself", takes: textValue, again: true},
			{long: "baseline", about: "earlier report to compare with", takes: fileValue},
			{long: "output", short: "o", about: "output format", takes: textValue, choices: report.Formats()},
			{long: "fail-on", about: "exit status 3 on findings of a level or above", takes: textValue, choices: []string{"note", "warning", "error"}},
			{long: "write-policy", about: "write a policy that expects what was seen", takes: fileValue},
			{long: "write", short: "w", about: "write the packets behind the findings", takes: fileValue},
			completeColor,
			{long: "quiet", short: "q", about: "no summary"},
			completeRegistry,
			{long: "services", about: "file with your own names", takes: fileValue},
			{long: "known-services", about: "file with services that you know", takes: fileValue},
			{long: "evidence-peers", about: "peers in other flows that make a service", takes: textValue},
			{long: "observe", about: "look at the first octets of flows", takes: textValue, choices: []string{"on", "off"}},
			{long: "tunnels", about: "flows of tunnels", takes: textValue, choices: []string{"both", "inner", "outer"}},
			{long: "idle-timeout", about: "end a flow after so long without a packet", takes: textValue},
			{long: "max-flows", about: "flows held in memory", takes: textValue},
			{long: "max-services", about: "services held in memory", takes: textValue},
			{long: "scan-targets", about: "services tried in vain that make a scanner", takes: textValue},
			{long: "policy-help", about: "explain policies"},
		}},
		{path: "lookup", args: textValue, flags: []completedFlag{
			completeFormat,
			{long: "explain", about: "show what matched and why"},
			completeRegistry,
			completeColor,
		}},
		{path: "registry", flags: []completedFlag{completeRegistry}},
		{path: "registry info", flags: []completedFlag{completeFormat, completeRegistry}},
		{path: "registry check", flags: []completedFlag{completeFormat, completeRegistry}},
		{path: "registry diff", args: fileValue, choices: []string{embeddedWord}, flags: []completedFlag{
			completeFormat, completeRevised, completeRegistry,
		}},
		{path: "registry export", flags: []completedFlag{
			{long: "format", about: "form to write", takes: textValue, choices: exportFormatNames()},
			{long: "setup", about: "what the engine needs beside the table"},
			{long: "output", short: "o", about: "file to write", takes: fileValue},
			completeRegistry,
		}},
		{path: "registry update", flags: []completedFlag{
			{long: "from", about: "address or file", takes: fileValue},
			completeFormat, completeRevised, completeRegistry,
		}},
		{path: "version", flags: []completedFlag{completeFormat, completeRegistry}},
		{path: "completion", args: textValue, choices: shells},
	}
	// What a command is for is said once, where commands are listed.
	abouts := map[string]string{}
	for _, c := range commands() {
		abouts[c.name] = c.short
	}
	for _, c := range registryCommands() {
		abouts["registry "+c.name] = c.short
	}
	for i := range list {
		c := &list[i]
		if about, ok := abouts[c.path]; ok {
			c.about = about
		}
		c.flags = append(c.flags, helpFlag)
	}
	return list
}

// below lists the words that may follow a command's own: "info", "check" ...
// behind "registry", and all commands behind "".
func below(list []completedCommand, path string) []completedCommand {
	var subs []completedCommand
	for _, c := range list {
		if c.path != "" && parentOf(c.path) == path {
			subs = append(subs, c)
		}
	}
	return subs
}

// parentOf gives "registry" for "registry diff", and "" for "registry".
func parentOf(path string) string {
	i := strings.LastIndexByte(path, ' ')
	return path[:max(i, 0)]
}

// word gives the last word of a command: "diff".
func (c *completedCommand) word() string { return c.path[strings.LastIndexByte(c.path, ' ')+1:] }

// spellings gives "--output" and "-o".
func (f *completedFlag) spellings() []string {
	s := []string{"--" + f.long}
	if f.short != "" {
		s = append(s, "-"+f.short)
	}
	return s
}
