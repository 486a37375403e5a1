package render

import (
	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/internal/portcache"
	"github.com/portannot/portannot/annotate/practice"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture/flow"
)

// textFormat writes a line a flow, aligned for people. Numbers stand beside
// names. A cell that is wider than its column pushes the rest of its line; it
// is never cut.
type textFormat struct {
	meta     Meta
	endWidth int // of the source and destination columns
	clock    ascii.Clock
	editions portcache.Editions[textOfEdition]
}

// textOfEdition is what is kept for one edition of the registry.
type textOfEdition struct{ names, notes, since, later, practice portcache.Cache }

func newTextOfEdition(*iana.Registry) *textOfEdition {
	return &textOfEdition{
		names: portcache.Cache{Write: appendNames},
		notes: portcache.Cache{Write: appendNotes},
		since: portcache.Cache{Write: func(dst []byte, e iana.Entry) []byte { return append(dst, annotate.SinceWords(&e)...) }},
		later: portcache.Cache{Write: appendLater},
		practice: portcache.Cache{Write: func(dst []byte, e iana.Entry) []byte {
			if s := practice.Software(e.Transport, e.Port); s != "" {
				dst = append(append(append(dst, " [practice: "...), s...), ']')
			}
			return dst
		}},
	}
}

// Widths of the other columns.
const (
	timeWidth      = 23
	transportWidth = 7
	countWidth     = 11
	stateWidth     = 11
	portWidth      = 10
	statusWidth    = 10
	minEndWidth    = 21 // any IPv4 endpoint
)

func newText(m Meta) *textFormat {
	return &textFormat{meta: m, endWidth: minEndWidth, editions: portcache.Editions[textOfEdition]{New: newTextOfEdition}}
}

func (t *textFormat) Clone() Format {
	c := newText(t.meta)
	c.endWidth = t.endWidth
	return c
}

func (t *textFormat) Measure(f *flow.Flow) {
	var buf [64]byte
	t.endWidth = max(t.endWidth, len(f.Source.AppendTo(buf[:0])), len(f.Destination.AppendTo(buf[:0])))
}

func (t *textFormat) AppendHeader(dst []byte) []byte {

	if t.meta.Color {
		dst = append(dst, ascii.Bold...)
	}
	start := len(dst)
	at := start
	for _, c := range []struct {
		name  string
		width int
	}{
		{"START (UTC)", timeWidth}, {"PROTO", transportWidth}, {"SOURCE", t.endWidth}, {"DESTINATION", t.endWidth},
		{"PACKETS", countWidth}, {"IP BYTES", countWidth + 4}, {"STATE", stateWidth},
		{"SERVICE", portWidth}, {"STATUS", statusWidth},
	} {
		at += c.width + 1
		dst = pad(append(dst, c.name...), at)
	}
	dst = append(dst, "REGISTERED NAME, WHY THIS SIDE, NOTES"...)
	if t.meta.Color {
		dst = append(dst, ascii.Plain...)
	}

	return append(dst, '\n')
}

func (t *textFormat) AppendFooter(dst []byte) []byte {
	dst = append(dst, "# "...)
	dst = append(dst, iana.Warning...)
	return append(append(append(dst, ' '), t.meta.registry()...), ".\n"...)
}

// registry says which edition the answers are from.
func (m *Meta) registry() string {
	s := "Registry edition " + m.Edition.Date
	switch {
	case m.ByDay:
		return "Registry as of each flow's day"
	case m.AsOf != "":
		s += ", as of " + m.AsOf
	}
	return s
}

func (t *textFormat) AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	start := len(dst)
	dst = t.clock.Append(dst, f.Start())
	dst[start+len("2026-08-17")] = ' '
	dst = dst[:len(dst)-6] // milliseconds
	at := start + timeWidth + 1
	dst = pad(dst, at)
	cell := func(width int) {
		at = max(at+width+1, len(dst)+1)
		dst = pad(dst, at)
	}
	dst = append(dst, iana.TransportName(f.Protocol)...)
	cell(transportWidth)
	dst = ascii.AppendAddrPort(dst, f.Source)
	cell(t.endWidth)
	dst = ascii.AppendAddrPort(dst, f.Destination)
	cell(t.endWidth)
	dst = ascii.AppendUint(append(ascii.AppendUint(dst, f.Forward.Packets), '/'), f.Reverse.Packets)
	cell(countWidth)
	dst = ascii.AppendUint(append(ascii.AppendUint(dst, f.Forward.IPBytes), '/'), f.Reverse.IPBytes)
	cell(countWidth + 4)
	dst = append(dst, f.State.String()...)
	cell(stateWidth)

	e := a.ServiceEntry()
	var side, status, name string // colours
	if t.meta.Color && e != nil {
		side, status, name = sideColor(a), statusColor(e.Status, answered(f)), nameColor(e)
	} else if t.meta.Color {
		status = ascii.Yellow
	}
	end := func(color string) { // escapes take no room on the screen
		if color != "" {
			dst = append(dst, ascii.Plain...)
			at += len(color) + len(ascii.Plain)
		}
	}
	dst = append(dst, side...)
	if e != nil {
		dst = ascii.AppendUint(dst, uint64(a.Service.Port))
		dst = append(append(dst, '/'), e.Transport.String()...)
	} else {
		dst = append(dst, '?')
	}
	end(side)
	cell(portWidth)
	dst = append(dst, status...)
	if e != nil {
		dst = append(dst, e.Status.String()...)
	} else {
		dst = append(dst, "no side"...)
	}
	end(status)
	cell(statusWidth)
	if e != nil {
		dst = append(dst, name...)
		dst = appendLocal(t.editions.Of(a.Registry).names.Append(dst, e), a.Local())
		end(name)
		dst = append(dst, ' ')
	}
	return append(t.appendDetails(dst, f, a), '\n')
}

// appendDetails appends why this end is the service, what should not be missed,
// and what is known of the flow beyond its columns.
func (t *textFormat) appendDetails(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	ed := t.editions.Of(a.Registry)
	if e := a.ServiceEntry(); e != nil {
		dst = append(append(dst, "("...), t.end(a.Service.Side)...)
		dst = append(append(dst, ", "...), a.Service.Reason.String()...)
		if a.Service.Confidence < annotate.Certain {
			dst = append(append(dst, ", "...), a.Service.Confidence.String()...)
		}
		dst = ed.notes.Append(append(dst, ')'), e)
		if a.RegisteredLater {
			dst = append(dst, " ["...)
			if annotate.DatedAfter(e, f.Start()) {
				dst = append(append(dst, "registered "...), e.Registered()...)
			} else {
				dst = ed.since.Append(dst, e)
			}
			dst = append(dst, ", after this traffic]"...)
		}
		if l, ok := a.LaterRegistration(); ok {
			dst = ed.later.Append(dst, &l)
		}
		if !a.NoPractice {
			dst = ed.practice.Append(dst, e)
		}
	} else {
		dst = ed.appendPort(dst, &a.Source, a.SourceLocal)
		dst = append(dst, " | "...)
		dst = ed.appendPort(dst, &a.Destination, a.DestinationLocal)
	}
	if t.meta.ByDay && a.Registry != nil {
		dst = append(append(dst, " edition "...), a.Registry.Edition().Date...)
		switch {
		case a.AsOf == nil:
			dst = append(dst, " (the flow has no time)"...)
		case a.AsOf.Later:
			dst = append(dst, " (the first one known, later than the flow)"...)
		}
	}
	dst = t.appendObserved(dst, &a.Observed)
	if c := f.Context; c != nil {
		for i := range int(c.NumVLANs) {
			dst = ascii.AppendUint(append(dst, " vlan "...), uint64(c.VLANs[i]))
		}
		if c.Depth > 0 {
			dst = record.AppendTunnel(append(dst, " in "...), c)
		}
	}
	if f.ICMP.Seen {
		dst = ascii.AppendUint(append(dst, " icmp "...), uint64(f.ICMP.Type))
		dst = ascii.AppendUint(append(dst, '/'), uint64(f.ICMP.Code))
	}
	for i, p := range f.PPIDs {
		if i == 0 {
			dst = append(dst, " ppid"...)
		}
		dst = ascii.AppendUint(append(dst, ' '), uint64(p))
		if name := iana.PPIDName(p); name != "" {
			dst = append(append(append(dst, " ("...), name...), ')')
		}
	}
	return dst
}

// end names the service side in the flow's own terms.
func (t *textFormat) end(s annotate.Side) string {
	switch s {
	case annotate.Source:
		return "source"
	case annotate.Both:
		return "both ends"
	}
	return "destination"
}

// appendNames appends the preferred name and how many more there are, what the
// record describes when it has no name, or "-".
func appendNames(dst []byte, e iana.Entry) []byte {
	switch n := e.NumNames(); {
	case n > 1:
		dst = annotate.AppendVisible(dst, e.Name())
		dst = ascii.AppendUint(append(dst, " +"...), uint64(n-1))
	case n == 1:
		dst = annotate.AppendVisible(dst, e.Name())
	case e.Status == iana.Assigned:
		dst = append(annotate.AppendVisible(append(dst, '"'), e.Description()), '"')
	default:
		dst = append(dst, '-')
	}
	return dst
}

// appendLocal appends the user's own name, if there is one.
func appendLocal(dst []byte, local string) []byte {
	if local != "" {
		dst = annotate.AppendVisible(append(dst, " local:"...), local)
	}
	return dst
}

// appendPort appends a port that may or may not be the service: its number and
// registration.
func (t *textOfEdition) appendPort(dst []byte, e *iana.Entry, local string) []byte {
	dst = ascii.AppendUint(dst, uint64(e.Port))
	dst = append(append(append(dst, ' '), e.Status.String()...), ' ')
	dst = appendLocal(t.names.Append(dst, e), local)
	return t.notes.Append(dst, e)
}

// appendNotes appends what a reviewer should not miss.
func appendNotes(dst []byte, e iana.Entry) []byte {
	if d, ok := e.Deassigned(); ok {
		dst = append(append(append(dst, " [de-assigned "...), deassignment(d)...), ']')
	}
	if u := e.Unauthorized(); u != "" {
		dst = append(dst, " [unauthorized use reported]"...)
	}
	if e.Status == iana.Assigned && e.TransportUnspecified {
		dst = append(dst, " [transport not specified]"...)
	}
	if s := e.Siblings(); e.Status != iana.Assigned && e.Status != iana.Dynamic && s != 0 {
		dst = append(dst, " [assigned on"...)
		for t := range s.All() {
			dst = append(append(dst, ' '), t.String()...)
		}
		dst = append(dst, ']')
	}
	return dst
}

// appendLater appends what a port was registered for after the day for which the
// registry was asked.
func appendLater(dst []byte, e iana.Entry) []byte {
	dst = appendNames(append(dst, " [later: "...), e)
	return append(append(append(dst, ", "...), annotate.PublishedWords(&e)...), ']')
}

// pad appends spaces up to length n.
func pad(dst []byte, n int) []byte {
	const spaces = "                                                                "
	for n > len(dst) {
		dst = append(dst, spaces[:min(n-len(dst), len(spaces))]...)
	}
	return dst
}

// deassignment says when a port was given back, and by whom.
func deassignment(d iana.Deassignment) string {
	s := d.Date
	if s == "" {
		s = "date not given"
	}
	if d.FormerName != "" {
		s += ", was " + string(annotate.AppendVisible(nil, d.FormerName))
	}
	return s
}
