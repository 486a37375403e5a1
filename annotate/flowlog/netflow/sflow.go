package netflow

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/netsampler/goflow2/v2/decoders/sflow"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// Headers decodes the beginning of a sampled packet, and appends a summary for each
// of its transport headers. link is the LINKTYPE_ value of the first header, length
// the packet's length on the wire in bytes. All summaries but those of the packet
// itself are ignored: quoted ones, and those of fragments.
type Headers func(dst []packet.Summary, link uint16, data []byte, length uint32) []packet.Summary

// Sample is what a Record of sFlow has beside those of NetFlow.
type Sample struct {
	Valid bool // the record is of one packet, and not of a flow
	// In and Out are the indexes of the interfaces by which the packet came in and
	// went out; 0 where there is none or several, or it is not known.
	In, Out uint32
	// Dropped says that the device let the packet go no further. DropReason is a
	// number of sflow_drops.txt.
	Dropped    bool
	DropReason uint32
}

// Kinds of samples of enterprise 0 (sFlow version 5, section 5; sflow_drops.txt).
const (
	flowSample            = 1
	counterSample         = 2
	expandedFlowSample    = 3
	expandedCounterSample = 4
	droppedSample         = 5
)

// What is said of an interface: its index, or why the packet did not reach one.
const (
	interfaceIndex   = 0
	interfaceDropped = 1
	noInterface      = 1<<30 - 1 // the index of the device itself
)

// maxPayload is how many bytes of payload are looked at.
const maxPayload = 4096

// words reads what XDR (RFC 4506) writes: words of 4 bytes.
type words struct {
	b     []byte
	short bool
}

func (w *words) next() uint32 {
	if len(w.b) < 4 {
		w.b, w.short = nil, true
		return 0
	}
	v := binary.BigEndian.Uint32(w.b)
	w.b = w.b[4:]
	return v
}

func (w *words) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(w.b)) {
		w.b, w.short = nil, true
		return nil
	}
	b := w.b[:n]
	w.b = w.b[n:]
	return b
}

// address reads an address with its type before it.
func (w *words) address() (a netip.Addr, ok bool) {
	switch w.next() {
	case 0: // unknown
		return a, !w.short
	case 1:
		a, _ = netip.AddrFromSlice(w.bytes(4))
	case 2:
		a, _ = netip.AddrFromSlice(w.bytes(16))
	default:
		return a, false
	}
	return a.Unmap(), a.IsValid()
}

// sflow decodes a datagram of sFlow version 5. Each of its samples and their records
// says how long it is, so that one that is damaged, or of an unknown kind, is passed
// over.
//
// The decoder's own function for datagrams and samples is not used: it gives up a
// datagram at the first damaged record, and makes room for as many records as an
// expanded sample announces.
func (d *Decoder) sflow(b []byte) {
	w := words{b: b[4:]}
	agent, ok := w.address()
	subAgent, seq := w.next(), w.next()
	w.next() // the agent's uptime in milliseconds
	count := w.next()
	if !ok || w.short {
		d.badMessage("no sFlow header: " + shortOr(w.short, "the agent's address is of an unknown kind"))
		return
	}
	dom := d.sflowDomain(agent, subAgent)
	if dom == nil {
		return
	}
	d.sequence(SFlow, dom, seq, 1)
	d.clock = clock{export: d.source.Time}
	for i := range count {
		kind, body := w.next(), []byte(nil)
		if !w.short {
			body = w.bytes(w.next())
		}
		if w.short {
			d.badMessage(fmt.Sprintf("sFlow: %d samples announced, %d whole ones there", count, i))
			return
		}
		d.sample(dom, kind, body)
	}
}

func shortOr(short bool, other string) string {
	if short {
		return "datagram too short"
	}
	return other
}

// sflowDomain is domain for a datagram of sFlow: a sub-agent of an agent. A relay
// sends for many agents.
func (d *Decoder) sflowDomain(agent netip.Addr, subAgent uint32) *domain {
	key := domainKey{version: SFlow, address: d.source.Address.Addr(), agent: agent, session: d.source.Session, domain: subAgent}
	return d.domainOf(key)
}

// sample decodes one sample.
func (d *Decoder) sample(dom *domain, kind uint32, b []byte) {
	w := words{b: b}
	var s Sample
	var rate uint32
	switch kind {
	case flowSample:
		w.next() // sequence number
		w.next() // source
		rate = w.next()
		w.next() // pool
		w.next() // drops
		in, out := w.next(), w.next()
		s.In = index(in>>30, in&noInterface)
		s.Out = index(out>>30, out&noInterface)
		s.Dropped, s.DropReason = out>>30 == interfaceDropped, out&noInterface
	case expandedFlowSample:
		w.next()
		w.next() // kind of source
		w.next()
		rate = w.next()
		w.next()
		w.next()
		s.In = index(w.next(), w.next())
		format, value := w.next(), w.next()
		s.Out = index(format, value)
		s.Dropped, s.DropReason = format == interfaceDropped, value
	case droppedSample:
		w.next()
		w.next()
		w.next()
		w.next() // drops that could not be told of
		s.In = index(interfaceIndex, w.next())
		s.Out = index(interfaceIndex, w.next())
		s.Dropped, s.DropReason = true, w.next()
	case counterSample, expandedCounterSample:
		d.stats.Counters++
		d.exporters.establish(dom)
		return
	default:
		d.stats.Unread++
		return
	}
	records := w.next()
	if w.short {
		d.badSample(kind, "shorter than its header")
		return
	}
	if !s.Dropped {
		s.DropReason = 0
	}
	s.Valid = true
	d.exporters.establish(dom)
	d.records(dom, kind, rate, s, records, w)
}

// index gives the index of an interface, 0 where what is told is something else.
func index(format, value uint32) uint32 {
	if format != interfaceIndex || value == noInterface {
		return 0
	}
	return value
}

func (d *Decoder) badSample(kind uint32, reason string) {
	d.fault(BadSample, fmt.Sprintf("sFlow sample of kind %d: %s", kind, reason))
}

// records decodes the records of a sample, each of which tells of the same packet:
// its first bytes, what the agent made of these, and where it went.
func (d *Decoder) records(dom *domain, kind, rate uint32, s Sample, count uint32, w words) {
	var header *sflow.SampledHeader
	var base *sflow.SampledIPBase
	var vlan uint16
	for i := range count {
		format, body := w.next(), []byte(nil)
		if !w.short {
			body = w.bytes(w.next())
		}
		if w.short {
			d.badSample(kind, fmt.Sprintf("%d records announced, %d whole ones there", count, i))
			break
		}
		switch format {
		case sflow.FLOW_TYPE_RAW, sflow.FLOW_TYPE_IPV4, sflow.FLOW_TYPE_IPV6, sflow.FLOW_TYPE_EXT_SWITCH:
		default:
			continue // about the same packet, and not needed
		}
		var r sflow.FlowRecord
		err := d.safely(func() (err error) {
			r, err = sflow.DecodeFlowRecord(&sflow.RecordHeader{DataFormat: format, Length: uint32(len(body))}, bytes.NewBuffer(body))
			return err
		})
		if err != nil {
			d.badSample(kind, err.Error())
			continue
		}
		switch data := r.Data.(type) {
		case sflow.SampledHeader:
			if uint64(data.OriginalLength) > uint64(len(data.HeaderData)) {
				d.badSample(kind, fmt.Sprintf("header of %d bytes announced, %d there", data.OriginalLength, len(data.HeaderData)))
			} else {
				data.HeaderData = data.HeaderData[:data.OriginalLength] // without padding
			}
			header = &data
		case sflow.SampledIPv4:
			base = &data.SampledIPBase
		case sflow.SampledIPv6:
			base = &data.SampledIPBase
		case sflow.ExtendedSwitch:
			if data.SrcVlan < 4096 {
				vlan = uint16(data.SrcVlan)
			}
		}
	}
	begin := func() *reading {
		r := d.begin(SFlow, dom, 0)
		if dom.key.agent.IsValid() && !dom.key.agent.IsUnspecified() {
			r.Exporter = dom.key.agent
		}
		r.Sampling, r.Sample, r.VLAN = rate, s, vlan
		r.forward = times{start: d.source.Time}
		r.Flow.OneDirection = true
		return r
	}
	written := false
	if header != nil && d.headers != nil {
		written = d.header(header, begin)
	}
	if !written && base != nil {
		written = d.sampledIP(base, begin)
	}
	if !written {
		d.stats.Portless++
	}
}

// links gives the link types of the kinds of header that sFlow samples have (its
// enumeration header_protocol), the Ethernet's first.
var links = map[uint32]uint16{
	1: 1, 3: 6, 4: 10, 5: 107, 7: 9, 11: 228, 12: 229, 13: 219, 14: 50, 15: 105,
}

// header gives out a record for each transport header in a sampled header. It
// reports whether there was any.
func (d *Decoder) header(h *sflow.SampledHeader, begin func() *reading) (any bool) {
	link, ok := links[h.Protocol]
	if !ok {
		return false
	}
	err := d.safely(func() error {
		// The bytes that were stripped, a checksum most often, were at the end.
		length := max(h.FrameLength-min(h.Stripped, h.FrameLength), uint32(len(h.HeaderData)))
		d.summaries = d.headers(d.summaries[:0], link, h.HeaderData, length)
		return nil
	})
	if err != nil {
		d.fault(DecoderFailure, "sFlow: "+err.Error())
		return false
	}
	for i := range d.summaries {
		s := &d.summaries[i]
		if s.Kind != packet.Datagram {
			continue
		}
		any = true
		r := begin()
		r.Flow.Protocol = s.Protocol
		r.source.set(s.SrcAddr())
		r.dest.set(s.DstAddr())
		r.sport, r.dport, r.hasSport, r.hasDport = s.SrcPort, s.DstPort, true, true
		r.Forward = Counters{Bytes: uint64(s.IPLen), Packets: 1, HasBytes: true, HasPackets: true}
		if s.Protocol == packet.TCP {
			r.Forward.TCPFlags, r.Forward.HasFlags, r.first[0] = s.TCPFlags, true, s.TCPFlags
		}
		r.Flow.Context = s.Context
		if s.PayloadLen > 0 {
			r.Flow.Observed = d.look(s)
		}
		if c := s.Context; c != nil && c.NumVLANs > 0 {
			r.VLAN = c.VLANs[0]
			if c.NumVLANs > 1 {
				r.InnerVLAN = c.VLANs[1]
			}
		}
		switch {
		case s.Signal&packet.Init != 0:
			r.Flow.Opening = flow.Opening{Server: flow.Destination}
		case s.Signal&packet.InitAck != 0:
			r.Flow.Opening = flow.Opening{Server: flow.Source, Accept: true}
		}
		d.finish(r)
	}
	return any
}

// look looks at the payload of a sampled packet.
func (d *Decoder) look(s *packet.Summary) *annotate.Observed {
	f := &d.sampled
	f.Protocol = s.Protocol
	f.Source, f.Destination = netip.AddrPortFrom(s.SrcAddr(), s.SrcPort), netip.AddrPortFrom(s.DstAddr(), s.DstPort)
	f.Payload[0] = flow.Payload{Data: s.Payload[:min(len(s.Payload), maxPayload)], Len: s.PayloadLen}
	return d.looks.Observe(f)
}

// set takes an address of either version.
func (e *ends) set(a netip.Addr) {
	if a.Is4() {
		e.v4 = a
	} else {
		e.v6 = a
	}
}

// sampledIP gives out the record of a packet whose headers the agent decoded. It
// reports whether that has ports.
func (d *Decoder) sampledIP(p *sflow.SampledIPBase, begin func() *reading) bool {
	if _, ok := iana.TransportOf(uint8(p.Protocol)); !ok || p.Protocol > 255 {
		return false
	}
	r := begin()
	r.Flow.Protocol = uint8(p.Protocol)
	src, _ := netip.AddrFromSlice(p.SrcIP)
	dst, _ := netip.AddrFromSlice(p.DstIP)
	r.source.set(src)
	r.dest.set(dst)
	r.sport, r.dport, r.hasSport, r.hasDport = uint16(p.SrcPort), uint16(p.DstPort), true, true
	r.Forward = Counters{Bytes: uint64(p.Length), Packets: 1, HasBytes: true, HasPackets: true}
	if r.Flow.Protocol == packet.TCP {
		r.Forward.TCPFlags, r.Forward.HasFlags, r.first[0] = uint8(p.TcpFlags), true, uint8(p.TcpFlags)
	}
	d.finish(r)
	return true
}
