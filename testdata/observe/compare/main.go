// Command compare sets the recognisers of annotate/observe beside nDPI, flow
// by flow, with tshark as a third voice.
//
//	compare -captures DIR -work DIR [-run] [-list NAME] [-flows]
//
// With -run it first has ndpiReader (-d: no guesses by port) and tshark read
// every capture, and keeps what they print in the work folder; that takes a
// while. Without, it uses what is there.
//
// What a flow is, is what two of the three say. tshark tries most of its
// dissectors by port, and so only counts beside another. A flow that only one
// of them names is printed with -list, to be looked at.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
)

func main() {
	captures := flag.String("captures", "../shared/captures/files", "folder of captures")
	work := flag.String("work", "", "folder with what the other tools printed: ndpi/NAME and tshark/NAME")
	run := flag.Bool("run", false, "run the other tools first")
	list := flag.String("list", "", "print the flows of this protocol that are not agreed on; \"all\" for every protocol")
	sides := flag.Bool("sides", false, "print how often the payload's server is the end that a handshake was sent to")
	verdicts := flag.Bool("verdicts", false, "count the verdicts against the registration of the service port, and print the contradictions")
	all := flag.Bool("flows", false, "print every flow with payload instead of the table")
	flag.IntVar(&keep, "keep", keep, "octets kept of each direction")
	flag.Parse()
	if err := compare(*captures, *work, *list, *run, *all, *sides, *verdicts); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func compare(captures, work, list string, run, all, sides, verdicts bool) error {
	files, err := os.ReadDir(captures)
	if err != nil {
		return err
	}
	var flows []*flow
	for _, e := range files {
		path := filepath.Join(captures, e.Name())
		ndpi, tshark := filepath.Join(work, "ndpi", e.Name()), filepath.Join(work, "tshark", e.Name())
		if run {
			if err := runTools(path, ndpi, tshark); err != nil {
				return err
			}
		}
		if _, err := os.Stat(ndpi); err != nil {
			continue // not compared yet
		}
		of, err := readFlows(path)
		if err != nil {
			continue // not a capture
		}
		index := map[key]*flow{}
		for _, f := range of {
			index[f.key] = f
		}
		if err := readNDPI(ndpi, index); err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := readTshark(tshark, index); err != nil && !os.IsNotExist(err) {
			return err
		}
		flows = append(flows, of...)
	}
	if list == "files" {
		files := map[string]bool{}
		for _, f := range flows {
			ours, ndpi, _ := f.said()
			if f.payloads > 0 && (len(ours) > 0 || len(ndpi) > 0) && (len(ours) == 0 || !slices.Contains(ndpi, ours[0])) && !files[f.file] {
				files[f.file] = true
				fmt.Println(f.file)
			}
		}
		return nil
	}
	if verdicts {
		verdictTable(flows)
		return nil
	}
	if sides {
		sideTable(flows)
		return nil
	}
	if all {
		for _, f := range flows {
			if f.payloads > 0 {
				f.print()
			}
		}
		return nil
	}
	table(flows, list)
	return nil
}

// runTools has the other tools read a capture, unless their output is there.
func runTools(path, ndpi, tshark string) error {
	for _, c := range []struct{ out, command string }{
		{ndpi, `ndpiReader -d -v 2 -i "$1"`},
		{tshark, `tshark -n -r "$1" -T fields -E separator=/t -E occurrence=l -e frame.number -e frame.protocols ` +
			`-e ip.src -e ip.dst -e ipv6.src -e ipv6.dst -e tcp.srcport -e tcp.dstport -e udp.srcport -e udp.dstport -e sctp.srcport -e sctp.dstport`},
	} {
		if _, err := os.Stat(c.out); err == nil {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(c.out), 0o777); err != nil {
			return err
		}
		// What they cannot read they say, and exit with an error; what they
		// print before that is used.
		out, err := exec.Command("sh", "-c", c.command+" 2>/dev/null", "sh", path).Output()
		if err != nil && len(out) == 0 && os.Getenv("VERBOSE") != "" {
			fmt.Fprintln(os.Stderr, "compare:", path, err)
		}
		if err := os.WriteFile(c.out, out, 0o666); err != nil {
			return err
		}
	}
	return nil
}

func (f *flow) print() {
	fmt.Printf("%s\t%v\t%v\t%v\t%v\tndpi=%s\ttshark=%s\t%s\t%s\n", f.file, f.key, f.ours.Protocol, f.ours.Strength, f.ours.Server,
		f.ndpi, strings.Join(f.tshark, ":"), f.ours.Reason, f.start())
}

// start gives the first octets of both directions.
func (f *flow) start() string {
	var s string
	for i := range f.in.Sent {
		p := &f.in.Sent[i]
		s += fmt.Sprintf(" %d:%q", p.Len, p.Data[:min(len(p.Data), 24)])
	}
	return s
}

// said reports which protocols each of the three names.
func (f *flow) said() (ours, ndpi, tshark []string) {
	if f.ours.Protocol != observe.Unknown {
		ours = append(ours, f.ours.Protocol.String())
	}
	if f.ours.Upgrade {
		ours = append(ours, "tls?") // said of a flow that others see through to its end
	}
	for _, p := range f.ndpiParts {
		ndpi = append(ndpi, ofNDPI(p)...)
	}
	for _, p := range f.tshark {
		tshark = append(tshark, ofTshark(p)...)
	}
	return
}

type score struct {
	truth                        int // flows that are the protocol, by two voices
	ours, oursRight, oursAlone   int
	ndpi, ndpiRight, ndpiAlone   int
	full, fullRight              int
	oursOnly, ndpiOnly, neighbor []*flow
}

func table(flows []*flow, list string) {
	scores := map[string]*score{}
	for i := range names {
		scores[names[i].ours] = &score{}
	}
	for _, f := range flows {
		if f.payloads == 0 {
			continue
		}
		ours, ndpi, tshark := f.said()
		for i := range names {
			name := names[i].ours
			s := scores[name]
			o, n, t := slices.Contains(ours, name), slices.Contains(ndpi, name), slices.Contains(tshark, name)
			// nDPI has one name for several of ours: it means the one that
			// another voice names, or else all.
			if n && !o && !t && names[i].ndpi != "" && slices.ContainsFunc(append(ours[:len(ours):len(ours)], tshark...), func(p string) bool { return p != name && slices.Contains(ndpi, p) }) {
				n = false
			}
			if name == "smb" && f.key.protocol != 6 {
				continue // browser announcements, which are NetBIOS datagrams here
			}
			if name == "tls" && !o && slices.Contains(ours, "tls?") {
				continue
			}
			truth := (o && (n || t)) || n && t
			if truth {
				s.truth++
			}
			if o {
				s.ours++
				if f.ours.Strength == observe.Full {
					s.full++
				}
				if truth {
					s.oursRight++
					if f.ours.Strength == observe.Full {
						s.fullRight++
					}
				} else {
					s.oursOnly = append(s.oursOnly, f)
				}
			}
			if n {
				s.ndpi++
				if truth {
					s.ndpiRight++
				} else {
					s.ndpiOnly = append(s.ndpiOnly, f)
				}
			}
			if truth && !o {
				s.neighbor = append(s.neighbor, f)
			}
		}
	}
	fmt.Println("| protocol | flows | ours | right | full | right | precision | recall | nDPI | right | precision | recall |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
	for i := range names {
		s := scores[names[i].ours]
		if s.truth == 0 && s.ours == 0 && s.ndpi == 0 {
			continue
		}
		fmt.Printf("| %s | %d | %d | %d | %d | %d | %s | %s | %d | %d | %s | %s |\n", names[i].ours, s.truth, s.ours, s.oursRight, s.full, s.fullRight,
			ratio(s.oursRight, s.ours), ratio(s.oursRight, s.truth), s.ndpi, s.ndpiRight, ratio(s.ndpiRight, s.ndpi), ratio(s.ndpiRight, s.truth))
	}
	for i := range names {
		if list != "all" && list != names[i].ours {
			continue
		}
		s := scores[names[i].ours]
		for _, part := range []struct {
			title string
			flows []*flow
		}{{"only ours says", s.oursOnly}, {"ours misses", s.neighbor}, {"only nDPI says", s.ndpiOnly}} {
			if len(part.flows) == 0 {
				continue
			}
			fmt.Printf("\n## %s %s: %d\n", part.title, names[i].ours, len(part.flows))
			for _, f := range part.flows {
				f.print()
			}
		}
	}
}

// wellKnown are the ports whose end is the server where a datagram protocol
// has no handshake and only one end has the port.
var wellKnown = map[observe.Protocol]uint16{observe.DNS: 53, observe.NTP: 123, observe.SNMP: 161, observe.DHCP: 67, observe.DHCPv6: 547,
	observe.QUIC: 443, observe.STUN: 3478, observe.RADIUS: 1812, observe.Kerberos: 88, observe.TFTP: 69, observe.Syslog: 514, observe.LLMNR: 5355,
	observe.MDNS: 5353, observe.SSDP: 1900, observe.NetBIOSName: 137, observe.LDAP: 389}

// opener gives the end that opened the flow, by its handshake or, in
// datagrams, by the other end's port.
func (f *flow) opener() observe.Side {
	if f.key.protocol != 17 {
		return f.openedFrom
	}
	port := wellKnown[f.ours.Protocol]
	switch {
	case port == 0 || f.src.port == f.dst.port:
	case f.src.port == port:
		return observe.Destination
	case f.dst.port == port:
		return observe.Source
	}
	return observe.NoSide
}

// sideTable sets the roles that payloads prove beside the handshakes.
func sideTable(flows []*flow) {
	counts := map[string]*[3]int{}
	var wrong []*flow
	for _, f := range flows {
		opener := f.opener()
		if opener == observe.NoSide || f.ours.Protocol == observe.Unknown {
			continue
		}
		name := f.ours.Protocol.String()
		if f.key.protocol == 17 {
			name += " (udp)"
		}
		c := counts[name]
		if c == nil {
			c = new([3]int)
			counts[name] = c
		}
		switch f.ours.Server {
		case observe.NoSide:
			c[2]++
		case opener:
			c[1]++
			wrong = append(wrong, f)
		default:
			c[0]++
		}
	}
	fmt.Println("| protocol | right | wrong | no side |\n|---|---|---|---|")
	for _, p := range slices.Sorted(maps.Keys(counts)) {
		c := counts[p]
		fmt.Printf("| %s | %d | %d | %d |\n", p, c[0], c[1], c[2])
	}
	for _, f := range wrong {
		f.print()
	}
}

// verdictTable judges each flow by the names registered for its service port:
// that of the end which the payload proves, or else the handshake, or else the
// destination.
func verdictTable(flows []*flow) {
	counts := map[observe.Verdict]int{}
	withPayload := 0
	var contradict []string
	for _, f := range flows {
		server := f.ours.Server
		if server == observe.NoSide && f.openedFrom != observe.NoSide {
			server = observe.Source + observe.Destination - f.openedFrom
		}
		port := f.dst.port
		if server == observe.Source {
			port = f.src.port
		}
		t, ok := map[uint8]iana.Transport{6: iana.TCP, 17: iana.UDP, 33: iana.DCCP, 132: iana.SCTP}[f.key.protocol]
		if !ok {
			continue
		}
		names := iana.Embedded().Lookup(t, port).Names()
		v, why := observe.Judge(f.ours, names)
		counts[v]++
		if f.payloads > 0 {
			withPayload++
		}
		if v == observe.Contradicts {
			contradict = append(contradict, fmt.Sprintf("%s\t%v\tport %d %v\t%v: %s\t%s\t%s\tndpi=%s\ttshark=%s\t%s", f.file, f.key, port, names,
				f.ours.Protocol, f.ours.Reason, f.ours.Server, why, f.ndpi, strings.Join(f.tshark, ":"), f.start()))
		}
	}
	fmt.Printf("%d flows, %d with payload\n", len(flows), withPayload)
	for v := range observe.Contradicts + 1 {
		fmt.Printf("%s\t%d\n", v, counts[v])
	}
	for _, c := range contradict {
		fmt.Println(c)
	}
}

func ratio(a, b int) string {
	if b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.4f", float64(a)/float64(b))
}
