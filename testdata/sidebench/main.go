// Sidebench measures how well the rules of package annotate, and the rules of
// other tools, tell which end of a flow is the service when nobody saw its
// opening.
//
//	go run ./testdata/sidebench [-peers N] [-list] [-labels] CAPTURE...
//
// A TCP connection whose handshake is in the capture has a known service end.
// It is counted to flows once more without the handshake, or without the first
// half of its packets, and decided from what is left. Of datagrams those are
// taken whose payload is DNS, NTP, SNMP, DHCP or QUIC and of whose ports only
// one is the protocol's own; that end is the service. Folders are read whole.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/meter"
	"github.com/portannot/portannot/capture/packet"
)

// payloadBytes of each direction are kept, as the program does.
const payloadBytes = 512

// variant is a way to take the opening away, or to decide without something.
type variant struct {
	name    string
	udp     bool // datagrams, of which nothing is taken away
	half    bool // the first half of the packets is missing; else the handshake
	payload bool
	blind   bool // no evidence from other flows
}

var variants = []variant{
	{name: "TCP, handshake removed, ports only", blind: true},
	{name: "TCP, handshake removed, without payload"},
	{name: "TCP, handshake removed, with payload", payload: true},
	{name: "TCP, first half removed, without payload", half: true},
	{name: "TCP, first half removed, with payload", half: true, payload: true},
	{name: "UDP with known roles, without payload", udp: true},
	{name: "UDP with known roles, with payload", udp: true, payload: true},
}

// wellKnown are the ports whose end is the service where a datagram protocol has
// no handshake and only one end has the port.
var wellKnown = map[observe.Protocol]uint16{observe.DNS: 53, observe.NTP: 123, observe.SNMP: 161, observe.DHCP: 67, observe.DHCPv6: 547, observe.QUIC: 443}

// key is a connection in one file; its ends stand in numeric order.
type key struct {
	protocol uint8
	context  packet.Context
	a, b     netip.AddrPort
}

func keyOf(protocol uint8, context *packet.Context, src, dst netip.AddrPort) key {
	if dst.Compare(src) < 0 {
		src, dst = dst, src
	}
	k := key{protocol: protocol, a: src, b: dst}
	if context != nil {
		k.context = *context
	}
	return k
}

func keyOfFlow(f *flow.Flow) key { return keyOf(f.Protocol, f.Context, f.Source, f.Destination) }

func keyOfPacket(s *packet.Summary) key {
	return keyOf(s.Protocol, s.Context, netip.AddrPortFrom(s.SrcAddr(), s.SrcPort), netip.AddrPortFrom(s.DstAddr(), s.DstPort))
}

// truth is what the whole capture says of a connection.
type truth struct {
	server  netip.AddrPort // not valid: not known
	packets uint64
}

// bench is one run over captures.
type bench struct {
	peers  int // of evidence
	list   bool
	out    io.Writer
	tables []*table // one a variant
	files  int
}

func main() {
	b := bench{out: os.Stdout}
	flag.IntVar(&b.peers, "peers", 0, "peers that evidence from other flows asks for; 0 is the program's default")
	flag.BoolVar(&b.list, "list", false, "list the flows that were decided wrong")
	labels := flag.Bool("labels", false, "how often each label is wrong in captures with packets cut away, and nothing else")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "sidebench: name captures, or folders of them")
		os.Exit(2)
	}
	run := b.run
	if *labels {
		run = b.label
	}
	if err := run(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sidebench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(paths []string) error {
	for range variants {
		b.tables = append(b.tables, newTable())
	}
	if err := b.walk(paths, b.file); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%d captures\n", b.files)
	for i, v := range variants {
		fmt.Fprintf(b.out, "\n## %s\n\n", v.name)
		b.tables[i].write(b.out)
	}
	return nil
}

// walk gives each capture at paths to file, with all its flows and what they show
// of the service ends. What is no capture, or has no flows, is passed over.
func (b *bench) walk(paths []string, file func(path string, whole *flow.Results, truths map[key]*truth) error) error {
	for _, p := range paths {
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			truths := map[key]*truth{}
			whole, err := flows(path, payloadBytes, func(s *packet.Summary) bool {
				k := keyOfPacket(s)
				if truths[k] == nil {
					truths[k] = &truth{}
				}
				truths[k].packets++
				return true
			})
			if err != nil || whole.Len() == 0 {
				return nil
			}
			b.files++
			learn(whole, truths)
			return file(path, whole, truths)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// file decides one capture in each variant.
func (b *bench) file(path string, whole *flow.Results, truths map[key]*truth) error {
	stripped, err := flows(path, payloadBytes, withoutHandshake())
	var halved *flow.Results
	if err == nil {
		halved, err = flows(path, payloadBytes, withoutHalf(truths))
	}
	if err != nil {
		return err
	}
	for i, v := range variants {
		res := stripped
		switch {
		case v.udp:
			res = whole
		case v.half:
			res = halved
		}
		b.decide(filepath.Base(path), v, b.tables[i], res, truths)
	}
	return nil
}

// flows counts the packets of a capture to flows, those that keep refuses
// excepted.
func flows(path string, payload int, keep func(*packet.Summary) bool) (*flow.Results, error) {
	r, err := capture.Open(path, capture.Options{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m := meter.New(meter.Options{
		Flow:    flow.Options{Payload: payload},
		Summary: func(s *packet.Summary) bool { return s.Kind != packet.Datagram || keep(s) },
	})
	m.Read(context.Background(), r) // a damaged capture gives what could be read
	return m.Results(), nil
}

// learn notes which end of each connection is the service.
func learn(res *flow.Results, truths map[key]*truth) {
	var f flow.Flow
	var o annotate.Observer
	for i := range res.Len() {
		res.Fill(i, &f)
		t := truths[keyOfFlow(&f)]
		if t == nil {
			continue // fragments only
		}
		server := netip.AddrPort{}
		switch f.Protocol {
		case packet.TCP:
			if f.Opening.Confirmed && !f.Opening.Accept && f.State != flow.Refused {
				server = end(&f, f.Opening.Server)
			}
		case packet.UDP:
			port := wellKnown[o.Observe(&f).Protocol]
			if src, dst := f.Source.Port() == port, f.Destination.Port() == port; port != 0 && src != dst {
				server = f.Destination
				if src {
					server = f.Source
				}
			}
		}
		if t.server.IsValid() && t.server != server {
			server = netip.AddrPort{} // two connections that disagree
		}
		t.server = server
	}
}

func end(f *flow.Flow, s flow.Side) netip.AddrPort {
	switch s {
	case flow.Source:
		return f.Source
	case flow.Destination:
		return f.Destination
	}
	return netip.AddrPort{}
}

// withoutHandshake refuses SYN, SYN-ACK, and the acknowledgement that follows
// them without payload.
func withoutHandshake() func(*packet.Summary) bool {
	open := map[key]bool{}
	return func(s *packet.Summary) bool {
		if s.Protocol != packet.TCP {
			return true
		}
		k := keyOfPacket(s)
		if s.TCPFlags&packet.SYN != 0 {
			open[k] = true
			return false
		}
		if open[k] && s.PayloadLen == 0 && s.TCPFlags == packet.ACK {
			open[k] = false
			return false
		}
		open[k] = false
		return true
	}
}

// withoutHalf refuses the first half of each TCP connection's packets, and all
// openings.
func withoutHalf(truths map[key]*truth) func(*packet.Summary) bool {
	seen := map[key]uint64{}
	return func(s *packet.Summary) bool {
		if s.Protocol != packet.TCP {
			return true
		}
		k := keyOfPacket(s)
		seen[k]++
		return s.TCPFlags&packet.SYN == 0 && seen[k] > (truths[k].packets+1)/2
	}
}

// decide sets ours and the other tools' answers beside the truth.
func (b *bench) decide(file string, v variant, t *table, res *flow.Results, truths map[key]*truth) {
	var opt annotate.Options
	if !v.blind {
		e := annotate.NewEvidence(annotate.EvidenceOptions{Peers: b.peers, Endpoints: 1 << 14})
		e.AddAll(res)
		opt.Evidence = e
	}
	an := annotate.New(opt)
	var o *annotate.Observer
	if v.payload {
		o = new(annotate.Observer)
	}
	var f flow.Flow
	for i := range res.Len() {
		res.Fill(i, &f)
		if f.Protocol != packet.TCP && !v.udp || f.Protocol != packet.UDP && v.udp {
			continue
		}
		known := truths[keyOfFlow(&f)]
		if known == nil || !known.server.IsValid() || f.Opening.Server != flow.NoSide {
			continue
		}
		want := annotate.Source
		if known.server == f.Destination {
			want = annotate.Destination
		}
		a := an.Flow(&f, o)
		r := score(a.Service.Side, want)
		t.ours.add(r)
		t.byRule[a.Service.Reason].add(r)
		if r == wrong && b.list {
			fmt.Fprintf(b.out, "wrong\t%s\t%s\t%v\t%v -> %v\tthe service is %v\n", v.name, file, a.Service.Reason, f.Source, f.Destination, known.server)
		}
		for i, p := range peers {
			t.peers[i].add(score(p.decide(&f), want))
		}
	}
}
