package main

import (
	"fmt"
	"slices"

	"github.com/portannot/portannot/capture"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// batchSize is how many packets go the way together: few enough for the first
// level cache to hold them and their summaries.
const batchSize = 64

// meter turns packets into flows: it is the way from a source through filter
// and decoder to the flow table.
type meter struct {
	filter  *packetFilter // nil: every packet
	decoder *decode.Decoder
	table   *flow.Table
	carver  *carver // nil: no packets are written; see take
	packets uint64  // read
	refused uint64  // by the filter
	links   map[capture.LinkType]uint64
	feeder  *tableFeeder // counts the summaries; nil: take does

	batch [batchSize]capture.Packet
	sums  []packet.Summary
}

// take counts packets, whose numbers become those of the run.
func (m *meter) take(packets []capture.Packet) error {
	m.sums = m.sums[:0]
	if m.feeder != nil {
		m.sums = m.feeder.next()
	}
	for i := range packets {
		m.packets++
		packets[i].Number = m.packets
	}
	if m.filter == nil && m.carver == nil {
		m.sums = m.decoder.DecodeAll(m.sums, packets, m.notFast)
	} else if err := m.takeEach(packets); err != nil {
		return err
	}
	if m.feeder != nil {
		m.feeder.sums = m.sums
	} else {
		m.table.Add(m.sums)
	}
	return nil
}

// takeEach is for packets that are filtered or carved.
func (m *meter) takeEach(packets []capture.Packet) error {
	for i := range packets {
		p := &packets[i]
		if m.filter != nil {
			ok, err := m.filter.match(p)
			if err != nil {
				return err
			}
			if !ok {
				m.refused++
				continue
			}
		}
		from := len(m.sums)
		var r decode.Result
		m.sums, r = m.decoder.Decode(m.sums, p)
		m.notFast(p, r)
		if m.carver != nil {
			if err := m.carver.take(m.table, p, m.sums[from:]); err != nil {
				return err
			}
			m.sums = m.sums[:from] // counted already
		}
	}
	return nil
}

// notFast notes the link types that are not decoded.
func (m *meter) notFast(p *capture.Packet, r decode.Result) {
	if r != decode.UnknownLink {
		return
	}
	if m.links == nil {
		m.links = map[capture.LinkType]uint64{}
	}
	m.links[p.Link]++
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
