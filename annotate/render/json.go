package render

import (
	"net/netip"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// jsonFormat writes JSON Lines. Fields that ECS defines carry ECS's names and
// meanings; all else stands under "portannot". Never written: network.protocol,
// which means the protocol observed in the payload.
type jsonFormat struct {
	meta          Meta
	tail          string // registry and caveat, the same on every line
	registrations fragments
	clock         ascii.Clock // of flows' starts
	lastClock     ascii.Clock // of their ends
}

func newJSON(m Meta) *jsonFormat {
	tail := `,"registry":{"edition":`
	b := iana.AppendJSONString([]byte(tail), m.Edition.Date)
	b = iana.AppendJSONString(append(b, `,"source":`...), m.Edition.Source)
	b = iana.AppendJSONString(append(b, `},"caveat":`...), iana.Caveat)
	b = append(b, "}}\n"...)
	return &jsonFormat{meta: m, tail: string(b), registrations: fragments{write: iana.AppendRegistration}}
}

func (j *jsonFormat) Clone() Format { return newJSON(j.meta) }

func (j *jsonFormat) Measure(*flow.Flow) {}

func (j *jsonFormat) AppendHeader(dst []byte) []byte { return dst }

func (j *jsonFormat) AppendFooter(dst []byte) []byte { return dst }

func (j *jsonFormat) AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	start, last := f.Start(), f.Last()
	c := j.meta.Contexts.Get(f.Context)

	dst = append(j.clock.Append(append(dst, `{"@timestamp":"`...), start), `Z","event":{"start":"`...)
	dst = append(j.clock.Append(dst, start), `Z","end":"`...)
	dst = append(j.lastClock.Append(dst, last), `Z","duration":`...)
	dst = ascii.AppendUint(dst, uint64(last-start))

	dst = append(dst, `},"network":{"transport":"`...)
	dst = append(dst, iana.TransportName(f.Protocol)...)
	if f.Source.Addr().Is4() {
		dst = append(dst, `","type":"ipv4","iana_number":"`...)
	} else {
		dst = append(dst, `","type":"ipv6","iana_number":"`...)
	}
	dst = ascii.AppendUint(dst, uint64(f.Protocol))
	dst = append(dst, `","community_id":"`...)
	dst = flow.AppendCommunityID(dst, f.Protocol, f.Source, f.Destination)
	dst = ascii.AppendUint(append(dst, `","bytes":`...), f.IPBytes())
	dst = ascii.AppendUint(append(dst, `,"packets":`...), f.Packets())
	if c.NumVLANs > 0 {
		dst = ascii.AppendUint(append(dst, `,"vlan":{"id":"`...), uint64(c.VLANs[0]))
		dst = append(dst, `"}`...)
	}
	if c.NumVLANs > 1 {
		dst = ascii.AppendUint(append(dst, `,"inner":{"vlan":{"id":"`...), uint64(c.VLANs[1]))
		dst = append(dst, `"}}`...)
	}

	dst = append(dst, `},"source":`...)
	at := len(dst)
	dst = appendEnd(dst, f.Source, &f.Forward)
	to := len(dst)
	dst = append(dst, `,"destination":`...)
	at2 := len(dst)
	dst = appendEnd(dst, f.Destination, &f.Reverse)
	source, destination := dst[at:to], dst[at2:]
	switch a.Service.Side {
	case annotate.Destination:
		dst = append(append(dst, `,"client":`...), source...)
		dst = append(append(dst, `,"server":`...), destination...)
	case annotate.Source:
		dst = append(append(dst, `,"client":`...), destination...)
		dst = append(append(dst, `,"server":`...), source...)
	}

	dst = append(dst, `,"portannot":{"service":{"side":"`...)
	dst = append(dst, a.Service.Side.String()...)
	dst = append(dst, `","reason":"`...)
	dst = append(dst, a.Service.Reason.String()...)
	dst = append(dst, `","confidence":"`...)
	dst = append(dst, a.Service.Confidence.String()...)
	dst = append(dst, '"')
	if a.Service.Side != annotate.NoSide {
		dst = ascii.AppendUint(append(dst, `,"port":`...), uint64(a.Service.Port))
	}
	dst = append(dst, '}')
	if e, ok := a.Registered(); ok {
		dst = j.registrations.append(append(dst, `,"registered":`...), e)
	}
	dst = j.registrations.append(append(dst, `,"source_registered":`...), a.Source)
	dst = j.registrations.append(append(dst, `,"destination_registered":`...), a.Destination)
	if a.RegisteredLater {
		dst = append(dst, `,"registered_after_traffic":true`...)
	}
	dst = appendName(dst, "local", a.Local())
	dst = appendName(dst, "source_local", a.SourceLocal)
	dst = appendName(dst, "destination_local", a.DestinationLocal)
	if a.Observed.Looked {
		dst = appendObservedJSON(dst, &a.Observed)
	}

	dst = append(append(dst, `,"state":"`...), f.State.String()...)
	dst = append(append(dst, `","end":"`...), f.End.String()...)
	dst = ascii.AppendUint(append(dst, `","first_packet":`...), f.Number)
	dst = ascii.AppendUint(append(dst, `,"frame_bytes":{"source":`...), f.Forward.FrameBytes)
	dst = ascii.AppendUint(append(dst, `,"destination":`...), f.Reverse.FrameBytes)
	dst = append(dst, '}')
	dst = j.appendInterval(dst, `,"source_seen":`, &f.Forward)
	dst = j.appendInterval(dst, `,"destination_seen":`, &f.Reverse)
	if f.Protocol == packet.TCP {
		dst = appendFlags(append(dst, `,"tcp_flags":{"source":"`...), f.Forward.TCPFlags)
		dst = appendFlags(append(dst, `","destination":"`...), f.Reverse.TCPFlags)
		dst = append(dst, `"}`...)
	}
	if f.ICMP.Seen {
		dst = ascii.AppendUint(append(dst, `,"icmp_error":{"type":`...), uint64(f.ICMP.Type))
		dst = ascii.AppendUint(append(dst, `,"code":`...), uint64(f.ICMP.Code))
		dst = ascii.AppendUint(append(dst, `,"count":`...), uint64(f.ICMP.Count))
		dst = append(dst, '}')
	}
	if len(f.PPIDs) > 0 {
		dst = append(dst, `,"sctp":{"ppids":[`...)
		for i, p := range f.PPIDs {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = ascii.AppendUint(dst, uint64(p))
		}
		dst = append(dst, `],"names":[`...)
		for i, p := range f.PPIDs {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = iana.AppendJSONString(dst, iana.PPIDName(p))
		}
		dst = append(dst, "]}"...)
	}
	if c.Depth > 0 {
		dst = appendTunnel(append(dst, `,"tunnel":"`...), c)
		dst = append(dst, '"')
	}
	return append(dst, j.tail...)
}

// appendEnd appends an endpoint with what it sent.
func appendEnd(dst []byte, ap netip.AddrPort, c *flow.Counters) []byte {
	dst = ascii.AppendAddr(append(dst, `{"ip":"`...), ap.Addr())
	dst = ascii.AppendUint(append(dst, `","port":`...), uint64(ap.Port()))
	dst = ascii.AppendUint(append(dst, `,"bytes":`...), c.IPBytes)
	dst = ascii.AppendUint(append(dst, `,"packets":`...), c.Packets)
	return append(dst, '}')
}

func (j *jsonFormat) appendInterval(dst []byte, key string, c *flow.Counters) []byte {
	if c.Packets == 0 {
		return dst
	}
	dst = j.clock.Append(append(append(dst, key...), `{"first":"`...), c.First)
	dst = j.lastClock.Append(append(dst, `Z","last":"`...), c.Last)
	return append(dst, `Z"}`...)
}

func appendName(dst []byte, key, name string) []byte {
	if name == "" {
		return dst
	}
	dst = append(append(append(dst, ',', '"'), key...), '"', ':')
	return iana.AppendJSONString(dst, name)
}

// fragments keeps what was written for each registration, since flows share
// few of them.
type fragments struct {
	write func(dst []byte, e iana.Entry) []byte
	at    [iana.NumTransports][]fragment
	text  []byte
}

// fragment is where text holds what was written, both ends plus one, for that
// may be nothing; the zero value is not yet.
type fragment struct{ from, to uint32 }

func (fr *fragments) append(dst []byte, e iana.Entry) []byte {
	if int(e.Transport) >= len(fr.at) {
		return fr.write(dst, e)
	}
	at := fr.at[e.Transport]
	if at == nil {
		at = make([]fragment, 1<<16)
		fr.at[e.Transport] = at
	}
	port := e.Port
	if e.Status == iana.Dynamic {
		port = 1<<16 - 1 // one for all: what the registry says of them is the same
	}
	p := at[port]
	if p.to == 0 {
		p.from = uint32(len(fr.text)) + 1
		fr.text = fr.write(fr.text, e)
		p.to = uint32(len(fr.text)) + 1
		at[port] = p
	}
	return append(dst, fr.text[p.from-1:p.to-1]...)
}
