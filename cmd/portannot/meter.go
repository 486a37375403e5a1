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
	payload int     // octets of payload that the table keeps
	packets uint64  // read
	refused uint64  // by the filter
	links   map[capture.LinkType]uint64

	batch [batchSize]capture.Packet
	sums  []packet.Summary // not counted yet
}

// take counts packets, whose numbers become those of the run.
func (m *meter) take(packets []capture.Packet) error {
	var err error
	m.sums, err = m.decode(m.sums[:0], packets)
	m.table.Add(m.sums)
	return err
}

// decode appends the summaries of packets, whose numbers become those of the run.
// With a carver it counts them too, and appends none.
func (m *meter) decode(dst []packet.Summary, packets []capture.Packet) ([]packet.Summary, error) {
	for i := range packets {
		m.packets++
		packets[i].Number = m.packets
	}
	var err error
	if m.filter != nil {
		var refused uint64
		packets, refused, err = m.filter.pass(packets)
		m.refused += refused
	}
	if m.carver == nil {
		return m.decoder.DecodeAll(dst, packets, m.notFast), err
	}
	for i := range packets {
		p := &packets[i]
		sums, r := m.decoder.Decode(dst, p)
		m.notFast(p, r)
		if err := m.carver.take(m.table, p, sums[len(dst):]); err != nil {
			return dst, err
		}
	}
	return dst, err
}

// count counts a load to flows, after it has decoded what was left of it.
func (m *meter) count(l *load) {
	if l.packets == nil {
		// All is decoded and accounted for, and another worker may be decoding
		// what comes next.
		m.table.Add(l.sums)
		return
	}
	m.packets += uint64(len(l.chunk.Packets))
	m.refused += l.refused
	m.decoder.Count(len(l.packets) - len(l.left))
	m.sums = m.sums[:0]
	from := 0
	for _, x := range l.left {
		m.gather(l.sums[from:x.sums])
		from = x.sums
		p := &l.packets[x.packet]
		var r decode.Result
		m.sums, r = m.decoder.Decode(m.sums, p)
		m.notFast(p, r)
	}
	m.gather(l.sums[from:])
	m.table.Add(m.sums)
}

// gather counts summaries behind those of m.sums: at once if they are many, else
// with those, since the table is fastest with many.
func (m *meter) gather(sums []packet.Summary) {
	if len(sums) < batchSize {
		m.sums = append(m.sums, sums...)
		return
	}
	m.table.Add(m.sums)
	m.sums = m.sums[:0]
	m.table.Add(sums)
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
