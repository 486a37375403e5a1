package main

import (
	"errors"
	"fmt"

	"golang.org/x/net/bpf"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/filter"
)

// packetFilter is the expression of -f. What an offset means depends on the
// link type, so there is a program for each.
type packetFilter struct {
	expr     string
	options  filter.Options
	programs map[capture.LinkType]*filter.Program
	last     *filter.Program
}

// newPacketFilter checks the expression. One that compiles for no link type is
// a mistake of usage.
func newPacketFilter(expr string, registry *iana.Registry) (*packetFilter, error) {
	f := &packetFilter{expr: expr, programs: map[capture.LinkType]*filter.Program{}}
	f.options.Services = func(name string) (list []filter.Service) {
		for _, e := range registry.ByName(name) {
			switch e.Transport {
			case iana.TCP:
				list = append(list, filter.Service{Transport: 6, Port: e.Port})
			case iana.UDP:
				list = append(list, filter.Service{Transport: 17, Port: e.Port})
			case iana.SCTP:
				list = append(list, filter.Service{Transport: 132, Port: e.Port})
			}
		}
		return list
	}
	var first error
	for _, l := range []capture.LinkType{capture.LinkEthernet, capture.LinkRaw, capture.LinkRadiotap, capture.LinkLinuxSLL2, capture.LinkPPP} {
		_, err := f.options.Compile(expr, l, 0)
		if err == nil {
			return f, nil
		}
		if first == nil {
			first = err
		}
	}
	var syntax *filter.SyntaxError
	if errors.As(first, &syntax) {
		return nil, usagef("", "-f: %v\n%s", first, syntax.Caret())
	}
	return nil, usagef("", "-f: %v", first)
}

// match says whether a packet passes.
func (f *packetFilter) match(p *capture.Packet) (bool, error) {
	if f.last == nil || f.last.LinkType() != p.Link {
		prog, ok := f.programs[p.Link]
		if !ok {
			var err error
			if prog, err = f.options.Compile(f.expr, p.Link, 0); err != nil {
				return false, fmt.Errorf("packet %d of link type %v: %w", p.Number, p.Link, err)
			}
			f.programs[p.Link] = prog
		}
		f.last = prog
	}
	return f.last.Match(p), nil
}

// pass moves the packets that pass to the front and gives them, and counts the
// others. It stops at the first that it has no program for.
func (f *packetFilter) pass(packets []capture.Packet) (passed []capture.Packet, refused uint64, err error) {
	n := 0
	for i := range packets {
		ok, err := f.match(&packets[i])
		switch {
		case err != nil:
			return packets[:n], refused, err
		case ok:
			packets[n] = packets[i]
			n++
		default:
			refused++
		}
	}
	return packets[:n], refused, nil
}

// clone gives a filter of the same expression for another goroutine.
func (f *packetFilter) clone() *packetFilter {
	if f == nil {
		return nil
	}
	return &packetFilter{expr: f.expr, options: f.options, programs: map[capture.LinkType]*filter.Program{}}
}

// liveLinks are the link types that a live capture may give and that filters
// know.
var liveLinks = []capture.LinkType{capture.LinkEthernet, capture.LinkRaw, capture.LinkLinuxSLL2, capture.LinkIEEE80211,
	capture.LinkRadiotap, capture.LinkPPP, capture.LinkCHDLC}

// live gives the programs that the system is to run, by link type.
func (f *packetFilter) live(snapLen int) (map[capture.LinkType][]bpf.RawInstruction, error) {
	o := f.options
	o.Live = true
	programs := map[capture.LinkType][]bpf.RawInstruction{}
	for _, l := range liveLinks {
		p, err := o.Compile(f.expr, l, snapLen)
		if err != nil {
			continue // not for this link type; packets of it do not pass
		}
		raw, err := p.Raw()
		if err != nil {
			return nil, err
		}
		programs[l] = raw
	}
	return programs, nil
}
