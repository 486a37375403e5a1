package record

import (
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/internal/portcache"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// CSV appends records of flows from captures as CSV (RFC 4180, but lines end in
// LF). The columns are those of Columns(FlowCSV). A field that JSON leaves out is
// an empty cell. The zero value is ready to use. A CSV must not be used by several
// goroutines at once.
type CSV struct {
	editions  portcache.Editions[csvOfEdition]
	clock     ascii.Clock // of flows' starts
	lastClock ascii.Clock // of their ends
}

// csvOfEdition is what is kept for one edition of the registry.
type csvOfEdition struct {
	closing string // registry, schema and caveat
	service portcache.Cache
	ends    portcache.Cache // status and name
}

func newCSVOfEdition(r *iana.Registry) *csvOfEdition {
	ed := edition(r)
	b := annotate.AppendCSV([]byte{','}, ed.Date)
	b = annotate.AppendCSV(append(b, ','), ed.Source)
	b = ascii.AppendUint(append(b, ','), Schema)
	b = append(append(b, ','), iana.Caveat+"\n"...)
	return &csvOfEdition{closing: string(b), service: portcache.Cache{Write: appendServiceCells}, ends: portcache.Cache{Write: appendEndCells}}
}

// AppendHeader appends the header, a line with the names of the columns.
func (c *CSV) AppendHeader(dst []byte) []byte {
	return append(append(dst, strings.Join(Columns(FlowCSV), ",")...), '\n')
}

// AppendFlow appends the record of a flow as one line.
func (c *CSV) AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	if c.editions.New == nil {
		c.editions.New = newCSVOfEdition
	}
	ed := c.editions.Of(a.Registry)
	start, last := f.Start(), f.Last()
	ctx := contextOf(f)
	dst = append(c.clock.Append(dst, start), 'Z', ',')
	dst = append(c.lastClock.Append(dst, last), 'Z', ',')
	dst = append(ascii.AppendUint(dst, uint64(last-start)), ',')
	dst = append(append(dst, iana.TransportName(f.Protocol)...), ',')
	if f.Source.Addr().Is4() {
		dst = append(dst, "ipv4,"...)
	} else {
		dst = append(dst, "ipv6,"...)
	}
	dst = append(ascii.AppendUint(dst, uint64(f.Protocol)), ',')
	dst = append(flow.AppendCommunityID(dst, f.Protocol, f.Source, f.Destination), ',')
	dst = append(ascii.AppendUint(dst, f.IPBytes()), ',')
	dst = append(ascii.AppendUint(dst, f.Packets()), ',')
	if ctx.NumVLANs > 0 {
		dst = ascii.AppendUint(dst, uint64(ctx.VLANs[0]))
	}
	if dst = append(dst, ','); ctx.NumVLANs > 1 {
		dst = ascii.AppendUint(dst, uint64(ctx.VLANs[1]))
	}
	dst = annotate.AppendCSV(append(dst, ','), f.Interface)
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
	e := a.ServiceEntry()
	if e != nil {
		dst = ascii.AppendUint(dst, uint64(a.Service.Port))
	}
	dst = append(append(dst, ','), a.Service.Reason.String()...)
	dst = append(append(dst, ','), a.Service.Confidence.String()...)
	if e != nil {
		dst = ed.service.Append(dst, e)
	} else {
		dst = append(dst, noServiceCells...)
	}
	dst = append(dst, ',')
	if a.RegisteredLater {
		dst = append(dst, "true"...)
	}
	dst = ed.appendEnd(dst, &a.Source)
	dst = ed.appendEnd(dst, &a.Destination)
	dst = annotate.AppendCSV(append(dst, ','), a.Local())
	dst = appendObservedCells(dst, &a.Observed)
	dst = append(append(dst, ','), f.State.String()...)
	dst = append(append(dst, ','), f.End.String()...)
	dst = appendHex(append(dst, ','), f.ID)
	dst = ascii.AppendUint(append(dst, ','), uint64(f.Part))
	dst = ascii.AppendUint(append(dst, ','), f.Forward.FrameBytes)
	dst = ascii.AppendUint(append(dst, ','), f.Reverse.FrameBytes)
	if f.Protocol == packet.TCP {
		dst = AppendFlags(append(dst, ','), f.Forward.TCPFlags)
		dst = AppendFlags(append(dst, ','), f.Reverse.TCPFlags)
	} else {
		dst = append(dst, ',', ',')
	}
	dst = appendUints(append(dst, ','), f.PPIDs, '|')
	if dst = append(dst, ','); ctx.NumVLANs > 2 {
		dst = appendUints(dst, ctx.VLANs[:ctx.NumVLANs], '|')
	}
	dst = AppendTunnel(append(dst, ','), ctx)
	return append(dst, ed.closing...)
}

// noServiceCells are as many columns as appendServiceCells writes.
const noServiceCells = ",,,,,,,,,,,,,"

// appendServiceCells writes the columns of the service port's registration, a
// comma before each.
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
	d, _ := e.Deassigned()
	dst = annotate.AppendCSV(append(dst, ','), d.Date)
	dst = annotate.AppendCSV(append(dst, ','), d.FormerName)
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

// appendEnd is appendEndCells, from what is kept where there is a name to find.
func (c *csvOfEdition) appendEnd(dst []byte, e *iana.Entry) []byte {
	if e.Status != iana.Assigned {
		return append(append(append(dst, ','), e.Status.String()...), ',')
	}
	return c.ends.Append(dst, e)
}

// appendEndCells writes the columns of an end's registration, a comma before
// each.
func appendEndCells(dst []byte, e iana.Entry) []byte {
	dst = append(append(dst, ','), e.Status.String()...)
	return annotate.AppendCSV(append(dst, ','), e.Name())
}
