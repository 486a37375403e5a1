package record

import (
	"net/netip"
	"strconv"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/internal/portcache"
	"github.com/portannot/portannot/annotate/practice"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// JSON appends records as JSON Lines. The zero value is ready to use. A JSON must
// not be used by several goroutines at once.
type JSON struct {
	editions  portcache.Editions[jsonOfEdition]
	services  []service   // there are about a dozen
	clock     ascii.Clock // of flows' starts
	lastClock ascii.Clock // of their ends
}

// jsonOfEdition is what is kept for one edition of the registry.
type jsonOfEdition struct {
	registry      string // the object, without its closing brace
	closing       string // the brace, schema and caveat
	registrations portcache.Cache
	later         portcache.Cache
	practice      portcache.Cache
}

// service is how an object begins for one way in which services are decided.
type service struct {
	annotate.Service // but for the port
	text             []byte
}

func newJSONOfEdition(r *iana.Registry) *jsonOfEdition {
	ed := edition(r)
	b := iana.AppendJSONString([]byte(`,"registry":{"edition":`), ed.Date)
	b = iana.AppendJSONString(append(b, `,"source":`...), ed.Source)
	c := ascii.AppendUint([]byte(`},"schema":`), Schema)
	c = iana.AppendJSONString(append(c, `,"caveat":`...), iana.Caveat)
	return &jsonOfEdition{
		registry: string(b), closing: string(c),
		registrations: portcache.Cache{Write: iana.AppendRegistration},
		later:         portcache.Cache{Write: appendLater},
		practice:      portcache.Cache{Write: appendPractice},
	}
}

// AppendFlow appends the record of a flow from a capture as a JSON object and a
// newline.
func (j *JSON) AppendFlow(dst []byte, f *flow.Flow, a *annotate.Annotation) []byte {
	start, last := f.Start(), f.Last()
	c := contextOf(f)

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

	if f.Interface != "" {
		dst = iana.AppendJSONString(append(dst, `},"observer":{"ingress":{"interface":{"name":`...), f.Interface)
		dst = append(dst, "}}"...)
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

	dst = j.AppendAnnotation(append(dst, `,"portannot":`...), a)
	dst = append(append(dst, `,"state":"`...), f.State.String()...)
	dst = append(append(dst, `","end":"`...), f.End.String()...)
	dst = appendHex(append(dst, `","flow":{"id":"`...), f.ID)
	dst = ascii.AppendUint(append(dst, `","part":`...), uint64(f.Part))
	dst = ascii.AppendUint(append(dst, `},"first_packet":`...), f.Number)
	if a.Capture != "" {
		dst = iana.AppendJSONString(append(dst, `,"capture":`...), a.Capture)
	}
	dst = ascii.AppendUint(append(dst, `,"frame_bytes":{"source":`...), f.Forward.FrameBytes)
	dst = ascii.AppendUint(append(dst, `,"destination":`...), f.Reverse.FrameBytes)
	dst = append(dst, '}')
	dst = j.appendInterval(dst, `,"source_seen":`, &f.Forward)
	dst = j.appendInterval(dst, `,"destination_seen":`, &f.Reverse)
	if f.Protocol == packet.TCP {
		dst = AppendFlags(append(dst, `,"tcp_flags":{"source":"`...), f.Forward.TCPFlags)
		dst = AppendFlags(append(dst, `","destination":"`...), f.Reverse.TCPFlags)
		dst = append(dst, `"}`...)
	}
	if f.ICMP.Seen {
		dst = ascii.AppendUint(append(dst, `,"icmp_error":{"type":`...), uint64(f.ICMP.Type))
		dst = ascii.AppendUint(append(dst, `,"code":`...), uint64(f.ICMP.Code))
		dst = ascii.AppendUint(append(dst, `,"count":`...), uint64(f.ICMP.Count))
		dst = append(dst, '}')
	}
	if len(f.PPIDs) > 0 {
		dst = appendUints(append(dst, `,"sctp":{"ppids":[`...), f.PPIDs, ',')
		dst = append(dst, `],"names":[`...)
		for i, p := range f.PPIDs {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = iana.AppendJSONString(dst, iana.PPIDName(p))
		}
		dst = append(dst, "]}"...)
	}
	if c.NumVLANs > 2 {
		dst = append(appendUints(append(dst, `,"vlans":[`...), c.VLANs[:c.NumVLANs], ','), ']')
	}
	if c.Depth > 0 {
		dst = AppendTunnel(append(dst, `,"tunnel":"`...), c)
		dst = append(dst, '"')
	}
	return append(dst, "}}\n"...)
}

// LogDetails are what a log says of a flow beside what an annotation needs. The
// zero value says nothing.
type LogDetails struct {
	// NATSource and NATDestination are what the ends were translated to; not
	// valid where they were not. A port of 0 is not known.
	NATSource, NATDestination netip.AddrPort
	// Ingress and Egress are the interfaces by which the flow came in and went
	// out, IngressZone and EgressZone their zones.
	Ingress, Egress, IngressZone, EgressZone []byte
	// SourceFlags and DestinationFlags are the TCP flags that each end sent,
	// ORed.
	SourceFlags, DestinationFlags uint8
}

// AppendLogRecord appends the record of a flow from a log as a JSON object and a
// newline. d may be nil.
func (j *JSON) AppendLogRecord(dst []byte, in *annotate.Input, d *LogDetails, a *annotate.Annotation) []byte {
	if d == nil {
		d = &LogDetails{}
	}
	dst = append(dst, '{')
	if in.Start != 0 {
		dst = j.clock.Append(append(dst, `"@timestamp":"`...), in.Start)
		dst = append(dst, `Z",`...)
	}
	if in.Protocol != 0 {
		dst = append(dst, `"network":{`...)
		if name := iana.TransportName(in.Protocol); name != "" {
			dst = append(append(append(dst, `"transport":"`...), name...), `",`...)
		}
		dst = ascii.AppendUint(append(dst, `"iana_number":"`...), uint64(in.Protocol))
		dst = append(dst, `"},`...)
	}
	in1, out1 := len(d.Ingress)+len(d.IngressZone) > 0, len(d.Egress)+len(d.EgressZone) > 0
	if in1 || out1 {
		dst = append(dst, `"observer":{`...)
		if in1 {
			dst = appendPassage(append(dst, `"ingress":`...), d.Ingress, d.IngressZone)
		}
		if out1 {
			if in1 {
				dst = append(dst, ',')
			}
			dst = appendPassage(append(dst, `"egress":`...), d.Egress, d.EgressZone)
		}
		dst = append(dst, "},"...)
	}
	dst = appendLogEnd(append(dst, `"source":`...), in.Source, in.NoSourcePort, d.NATSource)
	dst = appendLogEnd(append(dst, `,"destination":`...), in.Destination, in.NoDestinationPort, d.NATDestination)
	dst = j.AppendAnnotation(append(dst, `,"portannot":`...), a)
	if in.Outcome != annotate.NoOutcome {
		dst = append(append(append(dst, `,"outcome":"`...), in.Outcome.String()...), '"')
	}
	if d.SourceFlags|d.DestinationFlags != 0 {
		dst = append(dst, `,"tcp_flags":{`...)
		if d.SourceFlags != 0 {
			dst = append(AppendFlags(append(dst, `"source":"`...), d.SourceFlags), '"')
		}
		if d.DestinationFlags != 0 {
			if d.SourceFlags != 0 {
				dst = append(dst, ',')
			}
			dst = append(AppendFlags(append(dst, `"destination":"`...), d.DestinationFlags), '"')
		}
		dst = append(dst, '}')
	}
	return append(dst, "}}\n"...)
}

// appendPassage appends an interface and its zone.
func appendPassage(dst, name, zone []byte) []byte {
	dst = append(dst, '{')
	if len(name) > 0 {
		dst = append(iana.AppendJSONString(append(dst, `"interface":{"name":`...), string(name)), '}')
	}
	if len(zone) > 0 {
		if len(name) > 0 {
			dst = append(dst, ',')
		}
		dst = iana.AppendJSONString(append(dst, `"zone":`...), string(zone))
	}
	return append(dst, '}')
}

// AppendAnnotation appends the object "portannot" without its closing brace. The
// caller may append more members, whose keys must not be those of [IsAnnotation],
// and must append the brace.
func (j *JSON) AppendAnnotation(dst []byte, a *annotate.Annotation) []byte {
	if j.editions.New == nil {
		j.editions.New = newJSONOfEdition
	}
	ed := j.editions.Of(a.Registry)
	dst = append(dst, j.beginning(&a.Service)...)
	e := a.ServiceEntry()
	if e != nil {
		dst = ascii.AppendUint(append(dst, `,"port":`...), uint64(a.Service.Port))
	}
	dst = append(dst, '}')
	if a.Note != annotate.NoNote {
		dst = append(append(append(dst, `,"note":"`...), a.Note.String()...), '"')
	}
	if e != nil {
		dst = ed.registrations.Append(append(dst, `,"registered":`...), e)
	}
	if !a.NoSourcePort {
		dst = ed.registrations.Append(append(dst, `,"source_registered":`...), &a.Source)
	}
	if !a.NoDestinationPort {
		dst = ed.registrations.Append(append(dst, `,"destination_registered":`...), &a.Destination)
	}
	if a.RegisteredLater {
		dst = append(dst, `,"registered_after_traffic":true`...)
	}
	if e, ok := a.LaterRegistration(); ok {
		dst = ed.later.Append(append(dst, `,"registered_later":`...), &e)
	}
	if e != nil && !a.NoPractice {
		dst = ed.practice.Append(dst, e)
	}
	dst = appendName(dst, `,"local":`, a.Local())
	if a.LocalFrequency >= 0 && a.Local() != "" {
		dst = strconv.AppendFloat(append(dst, `,"local_frequency":`...), a.LocalFrequency, 'f', -1, 64)
	}
	dst = appendName(dst, `,"source_local":`, a.SourceLocal)
	dst = appendName(dst, `,"destination_local":`, a.DestinationLocal)
	if a.Observed.Examined {
		dst = appendObservedJSON(dst, &a.Observed)
	}
	dst = append(dst, ed.registry...)
	if a.AsOf != nil {
		dst = append(append(append(dst, `,"as_of":"`...), a.AsOf.Day...), '"')
		if a.AsOf.Later {
			dst = append(dst, `,"later":true`...)
		}
	}
	return append(dst, ed.closing...)
}

// appendPractice appends the member for software that uses a port, if there is any.
func appendPractice(dst []byte, e iana.Entry) []byte {
	if !practice.Has(e.Transport, e.Port) {
		return dst
	}
	return practice.AppendJSON(append(dst, `,"practice":`...), e.Transport, e.Port)
}

// appendLater appends what a port was registered for later.
func appendLater(dst []byte, e iana.Entry) []byte {
	dst = append(dst, '{')
	if e.NumNames() > 0 {
		dst = append(iana.AppendJSONString(append(dst, `"name":`...), e.Name()), ',')
	}
	dst = iana.AppendJSONString(append(dst, `"description":`...), e.Description())
	dst = appendName(dst, `,"registration_date":`, e.Registered())
	if _, by, ok := iana.RegisteredBetween(e); ok {
		dst = appendName(dst, `,"edition":`, by)
	}
	return append(dst, '}')
}

// IsAnnotation reports whether AppendAnnotation writes a member with this key for
// a record of a log. When a record is annotated again, these members are replaced
// and all others kept.
func IsAnnotation(key []byte) bool {
	switch string(key) {
	case "service", "note", "registered", "source_registered", "destination_registered", "registered_after_traffic",
		"registered_later", "practice", "local", "local_frequency", "source_local", "destination_local", "registry", "schema", "caveat", "from":
		return true
	}
	return false
}

// beginning gives the beginning of an object, up to the service's confidence.
func (j *JSON) beginning(s *annotate.Service) []byte {
	for i := range j.services {
		if k := &j.services[i]; k.Side == s.Side && k.Reason == s.Reason && k.Confidence == s.Confidence {
			return k.text
		}
	}
	text := append([]byte(`{"service":{"side":"`), s.Side.String()...)
	text = append(append(text, `","reason":"`...), s.Reason.String()...)
	text = append(append(text, `","confidence":"`...), s.Confidence.String()...)
	text = append(text, '"')
	j.services = append(j.services, service{*s, text})
	return text
}

// appendEnd appends an endpoint with what it sent.
func appendEnd(dst []byte, ap netip.AddrPort, c *flow.Counters) []byte {
	dst = ascii.AppendAddr(append(dst, `{"ip":"`...), ap.Addr())
	dst = ascii.AppendUint(append(dst, `","port":`...), uint64(ap.Port()))
	dst = ascii.AppendUint(append(dst, `,"bytes":`...), c.IPBytes)
	dst = ascii.AppendUint(append(dst, `,"packets":`...), c.Packets)
	return append(dst, '}')
}

// appendLogEnd appends an endpoint as far as it was reported.
func appendLogEnd(dst []byte, ap netip.AddrPort, noPort bool, nat netip.AddrPort) []byte {
	dst = append(dst, '{')
	if ap.Addr().IsValid() {
		dst = ascii.AppendAddr(append(dst, `"ip":"`...), ap.Addr())
		dst = append(dst, '"')
		if !noPort {
			dst = append(dst, ',')
		}
	}
	if !noPort {
		dst = ascii.AppendUint(append(dst, `"port":`...), uint64(ap.Port()))
	}
	if nat.Addr().IsValid() {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(ascii.AppendAddr(append(dst, `"nat":{"ip":"`...), nat.Addr()), '"')
		if nat.Port() != 0 {
			dst = ascii.AppendUint(append(dst, `,"port":`...), uint64(nat.Port()))
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func (j *JSON) appendInterval(dst []byte, key string, c *flow.Counters) []byte {
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
	return iana.AppendJSONString(append(dst, key...), name)
}
