// Command compare sets the recognisers of annotate/observe beside nDPI, flow
// by flow, with tshark as a third voice.
//
//	compare -work DIR [-captures DIR] [-run] [-report table|recent|flows|sides|verdicts|alone] [-list NAME]
//
// With -run it first has ndpiReader (-d: no guesses by port) and tshark read every
// capture, and keeps what they print in the work folder; that takes twenty minutes.
// Without, it uses what is there.
//
// What a flow is, is what two of the three say. tshark tries most of its
// dissectors by port, and so only counts beside another. Flows that ours alone
// names were looked at, and judged.tsv says what their packets are.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/testdata/observe/flows"
)

// flow is one with what the other tools say of it.
type flow struct {
	*flows.Flow
	listed    bool   // nDPI has the flow, whatever it says of it
	ndpi      string // nDPI's name, "" where it gives none
	ndpiParts []string
	tshark    []string // tshark's layers above the transport
}

type options struct {
	captures, work, report, list, judged string
	run, all                             bool
	keep                                 int
}

func main() {
	var opt options
	flag.StringVar(&opt.captures, "captures", "../shared/captures/files", "folder of captures")
	flag.StringVar(&opt.work, "work", "", "folder for what the other tools print")
	flag.StringVar(&opt.report, "report", "table", "what to print: table; flows, each with all voices; sides, payload roles beside handshakes; verdicts against the registration; recent, the protocols that were added last, with tshark's own figures; alone, each packet with payload as a flow")
	flag.StringVar(&opt.list, "list", "", "behind the table, the flows of this protocol that are not agreed on; \"all\" for every protocol")
	flag.StringVar(&opt.judged, "judged", "testdata/observe/compare/judged.tsv", "what flows are that ours alone names")
	flag.BoolVar(&opt.all, "all", false, "count the flows too that nDPI does not reach, for their tunnel or link type")
	flag.BoolVar(&opt.run, "run", false, "run the other tools first")
	flag.IntVar(&opt.keep, "keep", 512, "octets kept of each direction")
	flag.Parse()
	if err := compare(opt); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func compare(opt options) error {
	if opt.work == "" {
		return fmt.Errorf("-work is missing: the folder for what the other tools print")
	}
	judged, err := readJudged(opt.judged)
	if err != nil {
		return err
	}
	files, err := os.ReadDir(opt.captures)
	if err != nil {
		return err
	}
	if opt.report == "alone" {
		return aloneTable(opt, files)
	}
	var all []*flow
	for _, e := range files {
		of, err := opt.read(e.Name())
		if err != nil {
			return err
		}
		all = append(all, of...)
	}
	switch opt.report {
	case "table":
		if !opt.all {
			all = slices.DeleteFunc(all, func(f *flow) bool { return !f.listed })
		}
		table(all, judged, opt.list)
	case "recent":
		recentTable(all, judged)
	case "flows":
		for _, f := range all {
			if f.Payloads > 0 {
				f.print()
			}
		}
	case "sides":
		sideTable(all)
	case "verdicts":
		verdictTable(all)
	default:
		return fmt.Errorf("unknown report %q", opt.report)
	}
	return nil
}

// read gives the flows of a capture with all voices.
func (opt options) read(name string) ([]*flow, error) {
	path, ndpi, tshark := filepath.Join(opt.captures, name), filepath.Join(opt.work, "ndpi", name), filepath.Join(opt.work, "tshark", name)
	of, err := flows.Read(path, opt.keep)
	if err != nil {
		return nil, nil // no capture
	}
	index := map[flows.Key]*flow{}
	all := make([]*flow, len(of))
	for i, f := range of {
		all[i] = &flow{Flow: f}
		index[f.Key] = all[i]
	}
	if opt.run {
		// ndpiReader does not unpack.
		if err := runTool(path, ndpi, `case "$1" in *.gz) gzip -dc "$1";; *.zst) zstd -dc "$1";; *) cat "$1";; esac | ndpiReader -d -v 2 -i /dev/stdin`); err != nil {
			return nil, err
		}
	}
	if err := readNDPI(ndpi, index); err != nil {
		return nil, fmt.Errorf("%w (-run makes it)", err)
	}
	if opt.run {
		// A response of which only the first segment is there is none to
		// tshark while it waits for the rest.
		if err := runTool(path, tshark, `tshark -n -o tcp.desegment_tcp_streams:FALSE -r "$1" -T fields -E separator=/t -E occurrence=l `+
			`-e frame.number -e frame.protocols -e ip.src -e ip.dst -e ipv6.src -e ipv6.dst `+
			`-e tcp.srcport -e tcp.dstport -e udp.srcport -e udp.dstport -e sctp.srcport -e sctp.dstport`); err != nil {
			return nil, err
		}
	}
	if err := readTshark(tshark, index); err != nil {
		return nil, fmt.Errorf("%w (-run makes it)", err)
	}
	return all, nil
}

// runTool has a tool read a capture, unless its output is there.
func runTool(path, out, command string) error {
	if _, err := os.Stat(out); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
		return err
	}
	// What a tool cannot read it says, and exits with an error; what it prints
	// before that is used.
	printed, _ := exec.Command("sh", "-c", command+" 2>/dev/null", "sh", path).Output()
	return os.WriteFile(out, printed, 0o666)
}

// said gives which protocols each of the three names.
func (f *flow) said() (ours string, ndpi, tshark []string) {
	if f.Ours.Protocol != observe.Unknown {
		ours = f.Ours.Protocol.String()
	}
	for _, p := range f.ndpiParts {
		ndpi = append(ndpi, ofNDPI(p)...)
	}
	for _, p := range f.tshark {
		tshark = append(tshark, ofTshark(p)...)
	}
	return
}

func (f *flow) print() {
	fmt.Printf("%s\t%v\t%v\t%v\t%v\tndpi=%s\ttshark=%s\t%s\t%s\n", f.File, f.Key, f.Ours.Protocol, f.Ours.Strength, f.Ours.Server,
		f.ndpi, strings.Join(f.tshark, ":"), f.Ours.Reason, f.start())
}

// start gives the first octets of both directions.
func (f *flow) start() string {
	var s string
	for i := range f.Input.Sent {
		p := &f.Input.Sent[i]
		s += fmt.Sprintf(" %d:%q", p.Len, p.Data[:min(len(p.Data), 24)])
	}
	return s
}
