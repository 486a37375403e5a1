package filter

import (
	"fmt"

	"golang.org/x/net/bpf"

	"github.com/portannot/portannot/capture"
)

// Set is a filter for packets of any link type. It has a Program for each link
// type, which it compiles when the first packet of that type comes: a capture may
// hold several types, and does not say in advance which.
//
// A Set is not safe for concurrent use; see [Set.Clone].
type Set struct {
	expr     string
	options  Options
	programs map[capture.LinkType]*Program
	last     *Program // of the latest packet
}

// commonLinks has one link type of each family. An expression that compiles for
// none of them is wrong, whatever the capture holds.
var commonLinks = []capture.LinkType{capture.LinkEthernet, capture.LinkRaw, capture.LinkRadiotap, capture.LinkLinuxSLL2, capture.LinkPPP}

// liveLinks are the link types that a live capture may give and that filters
// know.
var liveLinks = []capture.LinkType{capture.LinkEthernet, capture.LinkRaw, capture.LinkLinuxSLL2, capture.LinkIEEE80211,
	capture.LinkRadiotap, capture.LinkPPP, capture.LinkCHDLC}

// NewSet returns the Set for expr. It fails if expr does not compile for any common
// link type; the error is then the one for Ethernet, a *SyntaxError.
func NewSet(expr string, opt Options) (*Set, error) {
	var first error
	for _, l := range commonLinks {
		_, err := opt.Compile(expr, l, 0)
		if err == nil {
			return &Set{expr: expr, options: opt, programs: map[capture.LinkType]*Program{}}, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// Clone returns a Set for the same expression, for use by another goroutine. The
// clone of nil is nil.
func (s *Set) Clone() *Set {
	if s == nil {
		return nil
	}
	return &Set{expr: s.expr, options: s.options, programs: map[capture.LinkType]*Program{}}
}

// Match reports whether the filter accepts the packet. It fails if the expression
// does not compile for the packet's link type.
func (s *Set) Match(p *capture.Packet) (bool, error) {
	if s.last == nil || s.last.LinkType() != p.Link {
		prog, ok := s.programs[p.Link]
		if !ok {
			var err error
			if prog, err = s.options.Compile(s.expr, p.Link, 0); err != nil {
				return false, fmt.Errorf("packet %d of link type %v: %w", p.Number, p.Link, err)
			}
			s.programs[p.Link] = prog
		}
		s.last = prog
	}
	return s.last.Match(p), nil
}

// Select moves the accepted packets to the front of the slice, without changing
// their order, and returns them and the number of refused ones. At the first
// packet for which [Set.Match] fails it stops and returns that error, with the
// result for the packets before.
func (s *Set) Select(packets []capture.Packet) (accepted []capture.Packet, refused uint64, err error) {
	n := 0
	for i := range packets {
		ok, err := s.Match(&packets[i])
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

// Live returns the programs for capture.LiveOptions.Filters, which the system runs
// during a live capture. They cut accepted packets to snaplen bytes. A link type
// for which the expression does not compile has no program, so the system lets none
// of its packets pass.
func (s *Set) Live(snaplen int) (map[capture.LinkType][]bpf.RawInstruction, error) {
	o := s.options
	o.Live = true
	programs := map[capture.LinkType][]bpf.RawInstruction{}
	for _, l := range liveLinks {
		p, err := o.Compile(s.expr, l, snaplen)
		if err != nil {
			continue
		}
		raw, err := p.Raw()
		if err != nil {
			return nil, err
		}
		programs[l] = raw
	}
	return programs, nil
}
