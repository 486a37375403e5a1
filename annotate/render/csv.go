package render

import (
	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// csvFormat writes CSV (RFC 4180, lines end in LF) with a header. Columns are
// the JSON fields flattened; lists are joined by "|". A field that JSON leaves
// out is an empty cell.
type csvFormat struct {
	meta      Meta
	tail      string
	service   fragments   // all columns of portannot.registered
	ends      fragments   // status and name
	clock     ascii.Clock // of flows' starts
	lastClock ascii.Clock // of their ends
}

// csvColumns are the header, in order.
var csvColumns = []string{
	"@timestamp", "event.end", "event.duration",
	"network.transport", "network.type", "network.community_id", "network.bytes", "network.packets", "network.vlan.id",
	"source.ip", "source.port", "source.bytes", "source.packets",
	"destination.ip", "destination.port", "destination.bytes", "destination.packets",
	"portannot.service.side", "portannot.service.port", "portannot.service.reason", "portannot.service.confidence",
	"portannot.registered.status", "portannot.registered.listed", "portannot.registered.name", "portannot.registered.names",
	"portannot.registered.description", "portannot.registered.range", "portannot.registered.span",
	"portannot.registered.registration_date", "portannot.registered.modification_date", "portannot.registered.unauthorized_use",
	"portannot.registered.deassigned", "portannot.registered.siblings",
	"portannot.registered_after_traffic",
	"portannot.source_registered.status", "portannot.source_registered.name",
	"portannot.destination_registered.status", "portannot.destination_registered.name",
	"portannot.local", "portannot.state", "portannot.end",
	"portannot.frame_bytes.source", "portannot.frame_bytes.destination",
	"portannot.tcp_flags.source", "portannot.tcp_flags.destination",
	"portannot.sctp.ppids", "portannot.tunnel",
	"portannot.observed.protocol", "portannot.observed.strength", "portannot.observed.reason",
	"portannot.observed.server_name", "portannot.observed.alpn", "portannot.observed.upgrade",
	"portannot.observed.verdict", "portannot.observed.verdict_reason",
	"portannot.registry.edition", "portannot.registry.source", "portannot.caveat",
}

func newCSV(m Meta) *csvFormat {
	b := annotate.AppendCSV([]byte{','}, m.Edition.Date)
	b = annotate.AppendCSV(append(b, ','), m.Edition.Source)
	b = append(append(b, ','), iana.Caveat+"\n"...)
	return &csvFormat{meta: m, tail: string(b),
		service: fragments{write: appendServiceCells}, ends: fragments{write: appendEndCells}}
}

func (c *csvFormat) Clone() Format { return newCSV(c.meta) }

func (c *csvFormat) Measure(*flow.Flow) {}

func (c *csvFormat) AppendHeader(dst []byte) []byte {
	for i, name := range csvColumns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, name...)
	}
	return append(dst, '\n')
}

func (c *csvFormat) AppendFooter(dst []byte) []byte { return dst }

func (c *csvFormat) AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	start, last := f.Start(), f.Last()
	ctx := c.meta.Contexts.Get(f.Context)
	dst = append(c.clock.Append(dst, start), 'Z', ',')
	dst = append(c.lastClock.Append(dst, last), 'Z', ',')
	dst = append(ascii.AppendUint(dst, uint64(last-start)), ',')
	dst = append(append(dst, iana.TransportName(f.Protocol)...), ',')
	if f.Source.Addr().Is4() {
		dst = append(dst, "ipv4,"...)
	} else {
		dst = append(dst, "ipv6,"...)
	}
	dst = append(flow.AppendCommunityID(dst, f.Protocol, f.Source, f.Destination), ',')
	dst = append(ascii.AppendUint(dst, f.IPBytes()), ',')
	dst = append(ascii.AppendUint(dst, f.Packets()), ',')
	if ctx.NumVLANs > 0 {
		for i := range int(ctx.NumVLANs) {
			if i > 0 {
				dst = append(dst, '|')
			}
			dst = ascii.AppendUint(dst, uint64(ctx.VLANs[i]))
		}
	}
	dst = ascii.AppendAddr(append(dst, ','), f.Source.Addr())
	dst = ascii.AppendUint(append(dst, ','), uint64(f.Source.Port()))
	dst = ascii.AppendUint(append(dst, ','), f.Forward.IPBytes)
	dst = ascii.AppendUint(append(dst, ','), f.Forward.Packets)
	dst = ascii.AppendAddr(append(dst, ','), f.Destination.Addr())
	dst = ascii.AppendUint(append(dst, ','), uint64(f.Destination.Port()))
	dst = ascii.AppendUint(append(dst, ','), f.Reverse.IPBytes)
	dst = ascii.AppendUint(append(dst, ','), f.Reverse.Packets)

	dst = append(append(dst, ','), a.Service.Side.String()...)
	dst = append(dst, ',')
	if a.Service.Side != annotate.NoSide {
		dst = ascii.AppendUint(dst, uint64(a.Service.Port))
	}
	dst = append(append(dst, ','), a.Service.Reason.String()...)
	dst = append(append(dst, ','), a.Service.Confidence.String()...)
	if e, ok := a.Registered(); ok {
		dst = c.service.append(dst, e)
	} else {
		dst = append(dst, ",,,,,,,,,,,,"...) // as many as appendServiceCells writes
	}
	dst = append(dst, ',')
	if a.RegisteredLater {
		dst = append(dst, "true"...)
	}
	dst = c.appendEnd(dst, &a.Source)
	dst = c.appendEnd(dst, &a.Destination)
	dst = annotate.AppendCSV(append(dst, ','), a.Local())
	dst = append(append(dst, ','), f.State.String()...)
	dst = append(append(dst, ','), f.End.String()...)
	dst = ascii.AppendUint(append(dst, ','), f.Forward.FrameBytes)
	dst = ascii.AppendUint(append(dst, ','), f.Reverse.FrameBytes)
	if f.Protocol == packet.TCP {
		dst = appendFlags(append(dst, ','), f.Forward.TCPFlags)
		dst = appendFlags(append(dst, ','), f.Reverse.TCPFlags)
	} else {
		dst = append(dst, ',', ',')
	}
	dst = append(dst, ',')
	for i, p := range f.PPIDs {
		if i > 0 {
			dst = append(dst, '|')
		}
		dst = ascii.AppendUint(dst, uint64(p))
	}
	dst = appendTunnel(append(dst, ','), ctx)
	dst = appendObservedCells(dst, &a.Observed)
	return append(dst, c.tail...)
}

// appendServiceCells writes the twelve columns of the service port's
// registration, a comma before each.
func appendServiceCells(dst []byte, e iana.Entry) []byte {
	dst = append(append(dst, ','), e.Status.String()...)
	if e.Listed {
		dst = append(dst, ",true,"...)
	} else {
		dst = append(dst, ",false,"...)
	}
	dst = append(annotate.AppendCSV(dst, e.Name()), ',')
	for i := range e.NumNames() {
		if i > 0 {
			dst = append(dst, '|')
		}
		dst = annotate.AppendCSV(dst, e.NameAt(i))
	}
	dst = annotate.AppendCSV(append(dst, ','), e.Description())
	dst = append(append(dst, ','), e.Range().String()...)
	dst = append(dst, ',')
	if s := e.Span(); s.First != s.Last {
		dst = append(dst, s.String()...)
	}
	dst = append(append(dst, ','), e.Registered()...)
	dst = append(append(dst, ','), e.Modified()...)
	dst = annotate.AppendCSV(append(dst, ','), e.Unauthorized())
	dst = append(dst, ',')
	if d, ok := e.Deassigned(); ok {
		dst = annotate.AppendCSV(dst, deassignment(d))
	}
	dst = append(dst, ',')
	first := true
	for t := range e.Siblings().All() {
		if !first {
			dst = append(dst, '|')
		}
		first = false
		dst = append(dst, t.String()...)
	}
	return dst
}

// appendEnd is appendEndCells, from the fragments where there is a name to find.
func (c *csvFormat) appendEnd(dst []byte, e *iana.Entry) []byte {
	if e.Status != iana.Assigned {
		return append(append(append(dst, ','), e.Status.String()...), ',')
	}
	return c.ends.append(dst, *e)
}

// appendEndCells writes two columns, a comma before each.
func appendEndCells(dst []byte, e iana.Entry) []byte {
	dst = append(append(dst, ','), e.Status.String()...)
	return annotate.AppendCSV(append(dst, ','), e.Name())
}

// deassignment says when a port was given back, and by whom.
func deassignment(d iana.Deassignment) string {
	s := d.Date
	if s == "" {
		s = "date not given"
	}
	if d.FormerName != "" {
		s += ", was " + d.FormerName
	}
	return s
}
