package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// meter turns packets into flows: it is the way from a source through the
// decoder to the flow table.
type meter struct {
	decoder *decode.Decoder
	table   *flow.Table
	packets uint64
	files   int
	links   map[capture.LinkType]uint64 // packets of link types that are not decoded
	current atomic.Pointer[capture.Reader]

	batch [256]capture.Packet
	sums  []packet.Summary
}

// read takes all packets of a source. It returns nil at the end of the source.
func (m *meter) read(ctx context.Context, src capture.Source) error {
	for ctx.Err() == nil {
		n, err := src.Next(m.batch[:])
		m.sums = m.sums[:0]
		for i := range m.batch[:n] {
			p := &m.batch[i]
			m.packets++
			p.Number = m.packets
			var r decode.Result
			m.sums, r = m.decoder.Decode(m.sums, p)
			if r == decode.UnknownLink {
				if m.links == nil {
					m.links = map[capture.LinkType]uint64{}
				}
				m.links[p.Link]++
			}
		}
		m.table.Add(m.sums)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unknownLinks names the link types that are not decoded.
func (m *meter) unknownLinks() string {
	var types []capture.LinkType
	for l := range m.links {
		types = append(types, l)
	}
	slices.Sort(types)
	s := ""
	for i, l := range types {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%v: %d", l, m.links[l])
	}
	return " (" + s + ")"
}

// readFile reads one capture; "-" is standard input. The error says all that
// went wrong, recovered damage included.
func (j *job) readFile(ctx context.Context, m *meter, name string) (err error) {
	var r *capture.Reader
	if name == "-" {
		r, err = capture.NewReader(j.env.stdin, "standard input", capture.Options{})
	} else {
		r, err = capture.Open(name, capture.Options{})
	}
	if err != nil {
		return err
	}
	m.files++
	m.current.Store(r)
	defer r.Close()
	err = m.read(ctx, r)
	list, n := r.Problems()
	errs := make([]error, 0, len(list)+2)
	for i := range list {
		errs = append(errs, &list[i])
	}
	if n > len(list) {
		errs = append(errs, fmt.Errorf("%s: %d more places of damage", name, n-len(list)))
	}
	return errors.Join(append(errs, err)...)
}
