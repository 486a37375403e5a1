// Command realcheck compares what portannot says of the flows that a producer
// logged with what it says of the capture that the producer read.
//
//	realcheck CAPTURE.json NAME=LOG.json...
//
// CAPTURE.json is `portannot -r CAPTURE -o json`, each LOG.json is `portannot
// enrich -o json` of a producer's log. Records are joined by protocol,
// addresses and ports, whichever end is called the source. Compared are the
// registration of both ports, and of the service its address (a side says
// little when the record is of one direction), port, status and names.
//
// A log tells less than the packets: flags may be missing, or those of the
// whole connection in one, so that the opening does not show. A record may
// therefore differ in the service where the capture showed what ports do not,
// the opening for one, and the record was judged by a weaker rule. All else
// that differs makes the exit status 1, as does a record of a flow that the
// capture does not have: the producer may have misread the packets, or
// portannot the log.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	list := flag.Int("list", 10, "most differences to list of each log")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: realcheck [-list N] CAPTURE.json NAME=LOG.json...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() < 2 {
		flag.Usage()
		os.Exit(2)
	}
	failed, err := run(os.Stdout, flag.Arg(0), flag.Args()[1:], *list)
	if err != nil {
		fmt.Fprintln(os.Stderr, "realcheck:", err)
		os.Exit(2)
	}
	if failed {
		os.Exit(1)
	}
}

// run prints the table and the lists, and reports whether any record differs
// without a reason. That nothing could be compared is an error.
func run(w io.Writer, capture string, logs []string, list int) (failed bool, err error) {
	flows := map[key][]*record{}
	if err := read(capture, func(r *record) error {
		if k, ok := r.key(); ok {
			flows[k] = append(flows[k], r)
		}
		return nil
	}); err != nil {
		return false, err
	}
	var all []*tally
	for _, arg := range logs {
		name, path, ok := strings.Cut(arg, "=")
		if !ok {
			return false, fmt.Errorf("%s: not NAME=LOG.json", arg)
		}
		t := &tally{name: name, seen: map[key]bool{}, listed: map[string]int{}}
		if err := read(path, func(r *record) error { return t.add(r, flows) }); err != nil {
			return false, err
		}
		all = append(all, t)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "records\tsame\tweaker reason\tlacking\tdifferent\tno such flow\twithout ports\tflows\t  log")
	compared := 0
	for _, t := range all {
		compared += len(t.seen)
		fmt.Fprintf(tw, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d of %d\t  %s\n", t.records,
			t.count[same], t.count[weaker], t.count[lacking], t.count[different], t.count[noFlow], t.count[noPorts], len(t.seen), len(flows), t.name)
		failed = failed || t.count[different] > 0 || t.count[noFlow] > 0
	}
	if err := tw.Flush(); err != nil {
		return false, err
	}
	for _, t := range all {
		t.print(w, list)
	}
	if compared == 0 && !failed {
		return false, errors.New("no record has a flow of the capture: nothing was compared")
	}
	return failed, nil
}

// A verdict is what became of the comparison of a record.
type verdict uint8

const (
	same      verdict = iota // the same service, by a reason as strong
	weaker                   // the same service, by a weaker reason
	lacking                  // another service, for want of what the capture showed
	different                // another service or registration without such a reason
	noFlow                   // the capture has no such flow; Argus takes ports from later fragments
	noPorts                  // a record without protocol or ports: nothing to compare
	numVerdicts
)

type tally struct {
	name    string
	records int
	count   [numVerdicts]int
	seen    map[key]bool   // flows of the capture that were compared
	listed  map[string]int // differences, and how many records show each
}

func (t *tally) add(r *record, flows map[key][]*record) error {
	t.records++
	k, ok := r.key()
	if !ok {
		t.count[noPorts]++
		return nil
	}
	of := flows[k]
	if len(of) > 0 {
		t.seen[k] = true
	}
	v, why, err := compare(r, of)
	if err != nil {
		return err
	}
	t.count[v]++
	if why != "" {
		t.listed[fmt.Sprintf("%s: %s", k, why)]++
	}
	return nil
}

func (t *tally) print(w io.Writer, list int) {
	if len(t.listed) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s:\n", t.name)
	texts := make([]string, 0, len(t.listed))
	for s := range t.listed {
		texts = append(texts, s)
	}
	// What has no reason comes first.
	slices.SortFunc(texts, func(a, b string) int {
		la, lb := strings.Contains(a, lackingMark), strings.Contains(b, lackingMark)
		if la != lb {
			if lb {
				return -1
			}
			return 1
		}
		return cmp.Compare(a, b)
	})
	for i, s := range texts {
		if i == list {
			fmt.Fprintf(w, "  and %d more\n", len(texts)-i)
			break
		}
		fmt.Fprintf(w, "  %s (%d)\n", s, t.listed[s])
	}
}

const lackingMark = " (not shown by the log)"

// compare judges a record by the flows of the capture with its ports. There may
// be several: ports used again, the same addresses in two tunnels.
func compare(r *record, flows []*record) (verdict, string, error) {
	if len(flows) == 0 {
		return noFlow, "the capture has no such flow", nil
	}
	for _, port := range r.ends() {
		for _, p := range flows[0].ends() {
			if p.at == port.at && !p.entry.equal(port.entry) {
				return different, fmt.Sprintf("port %d is %v, the capture gives %v", p.at.Port(), port.entry, p.entry), nil
			}
		}
	}
	got := r.service()
	strength, err := reasonStrength(r.Portannot.Service.Reason)
	if err != nil {
		return 0, "", err
	}
	agree, excused := false, false
	for _, f := range flows {
		s, err := reasonStrength(f.Portannot.Service.Reason)
		if err != nil {
			return 0, "", err
		}
		if f.service() == got {
			if strength >= s {
				return same, "", nil
			}
			agree = true
		}
		excused = excused || s > portRules && strength <= portRules
	}
	if agree {
		return weaker, "", nil
	}
	why := fmt.Sprintf("%v by %s, the capture gives %v by %s", got, r.Portannot.Service.Reason,
		flows[0].service(), flows[0].Portannot.Service.Reason)
	if excused {
		return lacking, why + lackingMark, nil
	}
	return different, why, nil
}

// portRules is the strength of the best rule that needs nothing but ports.
const portRules = 5

// strengths orders the reasons of package annotate.
var strengths = map[string]int{
	"none": 0, "equal-ports": 1, "assigned-port": 2, "system-port": 3, "high-port": 4, "dynamic-port": portRules,
	"multicast": 6, "other-flows": 6, "hint": 6, "payload": 7, "listed": 7, "handshake-earlier": 8, "handshake-answer": 9, "handshake": 10, "stated": 11,
}

func reasonStrength(name string) (int, error) {
	s, ok := strengths[name]
	if !ok {
		return 0, fmt.Errorf("reason %q: this program does not know it", name)
	}
	return s, nil
}

// record is what is compared of a line of portannot's JSON, of captures and of
// logs.
type record struct {
	Network struct {
		Protocol string `json:"iana_number"`
	} `json:"network"`
	Source      end `json:"source"`
	Destination end `json:"destination"`
	Portannot   struct {
		Service struct {
			Side   string  `json:"side"`
			Reason string  `json:"reason"`
			Port   *uint16 `json:"port"`
		} `json:"service"`
		Registered            *entry `json:"registered"`
		SourceRegistered      *entry `json:"source_registered"`
		DestinationRegistered *entry `json:"destination_registered"`
	} `json:"portannot"`
}

type end struct {
	IP   netip.Addr `json:"ip"`
	Port *uint16    `json:"port"` // nil when not reported, or the protocol has none
}

// entry is a port's registration.
type entry struct {
	Status string   `json:"status"`
	Name   string   `json:"name"`
	Names  []string `json:"names"`
}

func (e *entry) equal(o *entry) bool { return e.String() == o.String() }

func (e *entry) String() string {
	if e == nil {
		return "without registration"
	}
	return strings.TrimSpace(e.Status + " " + e.Name + " " + strings.Join(e.Names, ","))
}

// key is a flow without a direction: the ends in their order.
type key struct {
	protocol string
	a, b     netip.AddrPort
}

func (k key) String() string { return fmt.Sprintf("protocol %s, %v and %v", k.protocol, k.a, k.b) }

// key gives false when the protocol or a port was not reported.
func (r *record) key() (key, bool) {
	s, d := r.Source, r.Destination
	if r.Network.Protocol == "" || !s.IP.IsValid() || !d.IP.IsValid() || s.Port == nil || d.Port == nil {
		return key{}, false
	}
	a, b := netip.AddrPortFrom(s.IP, *s.Port), netip.AddrPortFrom(d.IP, *d.Port)
	if a.Compare(b) > 0 {
		a, b = b, a
	}
	return key{r.Network.Protocol, a, b}, true
}

type port struct {
	at    netip.AddrPort
	entry *entry
}

// ends gives both ends of a record that has a key.
func (r *record) ends() [2]port {
	return [2]port{
		{netip.AddrPortFrom(r.Source.IP, *r.Source.Port), r.Portannot.SourceRegistered},
		{netip.AddrPortFrom(r.Destination.IP, *r.Destination.Port), r.Portannot.DestinationRegistered},
	}
}

// service is what a record says of the service. The zero value is no side.
type service struct {
	at    netip.Addr // not valid when both ends are the service, and when neither is
	both  bool
	port  int // -1 when not given
	entry string
}

func (s service) String() string {
	switch {
	case s.both:
		return fmt.Sprintf("both ends at port %d (%s)", s.port, s.entry)
	case s.at.IsValid():
		return fmt.Sprintf("%v at port %d (%s)", s.at, s.port, s.entry)
	}
	return "no side"
}

func (r *record) service() service {
	s := service{port: -1, entry: r.Portannot.Registered.String()}
	if p := r.Portannot.Service.Port; p != nil {
		s.port = int(*p)
	}
	switch r.Portannot.Service.Side {
	case "source":
		s.at = r.Source.IP
	case "destination":
		s.at = r.Destination.IP
	case "both":
		s.both = true
	}
	return s
}

func read(path string, each func(*record) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReaderSize(f, 1<<20))
	for n := 1; ; n++ {
		r := new(record)
		if err := d.Decode(r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read %s: record %d: %w", path, n, err)
		}
		if err := each(r); err != nil {
			return fmt.Errorf("compare %s: record %d: %w", path, n, err)
		}
	}
}
