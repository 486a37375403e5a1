package record

import (
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/practice"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// from is what the values of a record come from. flow is nil for logs.
type from struct {
	in   *annotate.Input
	flow *flow.Flow
	a    *annotate.Annotation
}

// value writes the value of a field, if there is one.
type value func(w *cellWriter, r *from)

// endParts are the fields of source, destination, client and server.
var endParts = []string{"ip", "port", "bytes", "packets"}

// registeredParts are the fields of a registration.
var registeredParts = []string{"status", "listed", "transport_unspecified", "name", "names", "description", "range", "span",
	"registration_date", "modification_date", "references", "service_code", "unauthorized_use", "deassigned.date", "deassigned.name", "siblings"}

// valueOf finds how a field is written. A field that only flow exporters have is
// absent elsewhere.
func valueOf(name string) value {
	if v, ok := values[name]; ok {
		return v
	}
	if part, ok := strings.CutPrefix(name, "source."); ok {
		return endValue(part, true)
	}
	if part, ok := strings.CutPrefix(name, "destination."); ok {
		return endValue(part, false)
	}
	for _, role := range []struct {
		of     string
		source annotate.Side // the service side that makes it the source's end
	}{{"client.", annotate.Destination}, {"server.", annotate.Source}} {
		if part, ok := strings.CutPrefix(name, role.of); ok {
			source, destination := endValue(part, true), endValue(part, false)
			return func(w *cellWriter, r *from) {
				switch side := r.a.Service.Side; {
				case side != annotate.Source && side != annotate.Destination:
				case side == role.source:
					source(w, r)
				default:
					destination(w, r)
				}
			}
		}
	}
	for _, registration := range []struct {
		prefix string
		of     func(r *from) *iana.Entry // nil where there is none
	}{
		{"portannot.registered.", func(r *from) *iana.Entry { return r.a.ServiceEntry() }},
		{"portannot.source_registered.", func(r *from) *iana.Entry { return unless(r.a.NoSourcePort, &r.a.Source) }},
		{"portannot.destination_registered.", func(r *from) *iana.Entry { return unless(r.a.NoDestinationPort, &r.a.Destination) }},
	} {
		if part, ok := strings.CutPrefix(name, registration.prefix); ok {
			write := registrationValues[part]
			return func(w *cellWriter, r *from) {
				if e := registration.of(r); e != nil && write != nil {
					write(w, e)
				}
			}
		}
	}
	return func(*cellWriter, *from) {}
}

func unless(not bool, e *iana.Entry) *iana.Entry {
	if not {
		return nil
	}
	return e
}

// endValue writes a field of one end.
func endValue(part string, source bool) value {
	return func(w *cellWriter, r *from) {
		end, none := r.in.Destination, r.in.NoDestinationPort
		if source {
			end, none = r.in.Source, r.in.NoSourcePort
		}
		switch part {
		case "ip":
			w.addr(end.Addr())
		case "port":
			if !none {
				w.number(uint64(end.Port()))
			}
		default:
			if r.flow == nil {
				return
			}
			c := &r.flow.Reverse
			if source {
				c = &r.flow.Forward
			}
			if part == "bytes" {
				w.number(c.IPBytes)
			} else {
				w.number(c.Packets)
			}
		}
	}
}

var registrationValues = map[string]func(w *cellWriter, e *iana.Entry){
	"status":                func(w *cellWriter, e *iana.Entry) { w.text(e.Status.String()) },
	"listed":                func(w *cellWriter, e *iana.Entry) { w.bool(e.Listed) },
	"transport_unspecified": func(w *cellWriter, e *iana.Entry) { ifTrue(w, e.TransportUnspecified) },
	"name":                  func(w *cellWriter, e *iana.Entry) { w.text(e.Name()) },
	"names":                 func(w *cellWriter, e *iana.Entry) { w.list(e.NumNames(), func(i int) { w.text(e.NameAt(i)) }) },
	"description":           func(w *cellWriter, e *iana.Entry) { w.text(e.Description()) },
	"range":                 func(w *cellWriter, e *iana.Entry) { w.text(e.Range().String()) },
	"span": func(w *cellWriter, e *iana.Entry) {
		if s := e.Span(); s.First != s.Last {
			w.text(s.String())
		}
	},
	"registration_date": func(w *cellWriter, e *iana.Entry) { w.text(e.Registered()) },
	"modification_date": func(w *cellWriter, e *iana.Entry) { w.text(e.Modified()) },
	"references": func(w *cellWriter, e *iana.Entry) {
		list := e.References()
		w.list(len(list), func(i int) { w.text(list[i]) })
	},
	"service_code":     func(w *cellWriter, e *iana.Entry) { w.text(e.ServiceCode()) },
	"unauthorized_use": func(w *cellWriter, e *iana.Entry) { w.text(e.Unauthorized()) },
	"deassigned.date": func(w *cellWriter, e *iana.Entry) {
		d, _ := e.Deassigned()
		w.text(d.Date)
	},
	"deassigned.name": func(w *cellWriter, e *iana.Entry) {
		d, _ := e.Deassigned()
		w.text(d.FormerName)
	},
	"siblings": func(w *cellWriter, e *iana.Entry) {
		var names []string
		for t := range e.Siblings().All() {
			names = append(names, t.String())
		}
		w.list(len(names), func(i int) { w.text(names[i]) })
	},
}

func ifTrue(w *cellWriter, b bool) {
	if b {
		w.bool(true)
	}
}

// ofFlow is a value that only flows of captures have.
func ofFlow(write func(w *cellWriter, f *flow.Flow)) value {
	return func(w *cellWriter, r *from) {
		if r.flow != nil {
			write(w, r.flow)
		}
	}
}

// ofPayload is a value that there is where the payload was looked at.
func ofPayload(write func(w *cellWriter, o *annotate.Observed)) value {
	return func(w *cellWriter, r *from) {
		if r.a.Observed.Examined {
			write(w, &r.a.Observed)
		}
	}
}

// ofProtocol is a value that there is where the payload was recognised.
func ofProtocol(write func(w *cellWriter, o *annotate.Observed)) value {
	return ofPayload(func(w *cellWriter, o *annotate.Observed) {
		if o.Protocol != observe.Unknown {
			write(w, o)
		}
	})
}

// ofLater is a value of what the port was registered for later.
func ofLater(write func(w *cellWriter, e *iana.Entry)) value {
	return func(w *cellWriter, r *from) {
		if e, ok := r.a.LaterRegistration(); ok {
			write(w, &e)
		}
	}
}

func startValue(w *cellWriter, r *from) {
	if r.flow != nil || r.in.Start != 0 {
		w.time(r.in.Start)
	}
}

var values = map[string]value{
	"@timestamp":     startValue,
	"event.start":    startValue,
	"event.end":      ofFlow(func(w *cellWriter, f *flow.Flow) { w.time(f.Last()) }),
	"event.duration": ofFlow(func(w *cellWriter, f *flow.Flow) { w.number(uint64(f.Last() - f.Start())) }),

	"network.transport": func(w *cellWriter, r *from) { w.text(iana.TransportName(r.in.Protocol)) },
	"network.type": func(w *cellWriter, r *from) {
		switch a := r.in.Source.Addr(); {
		case a.Is4():
			w.text("ipv4")
		case a.IsValid():
			w.text("ipv6")
		}
	},
	"network.iana_number": func(w *cellWriter, r *from) {
		if r.flow != nil || r.in.Protocol != 0 {
			w.digits(uint64(r.in.Protocol))
		}
	},
	"network.community_id": func(w *cellWriter, r *from) {
		in := r.in
		if r.flow != nil || r.a.Note == annotate.NoNote && in.Source.Addr().IsValid() && in.Destination.Addr().IsValid() && in.Source.Addr().Is4() == in.Destination.Addr().Is4() {
			w.quoted(func(dst []byte) []byte { return flow.AppendCommunityID(dst, in.Protocol, in.Source, in.Destination) })
		}
	},
	"network.bytes":   ofFlow(func(w *cellWriter, f *flow.Flow) { w.number(f.IPBytes()) }),
	"network.packets": ofFlow(func(w *cellWriter, f *flow.Flow) { w.number(f.Packets()) }),
	"network.vlan.id": ofFlow(func(w *cellWriter, f *flow.Flow) {
		if c := contextOf(f); c.NumVLANs > 0 {
			w.digits(uint64(c.VLANs[0]))
		}
	}),
	"network.inner.vlan.id": ofFlow(func(w *cellWriter, f *flow.Flow) {
		if c := contextOf(f); c.NumVLANs > 1 {
			w.digits(uint64(c.VLANs[1]))
		}
	}),
	"observer.ingress.interface.name": ofFlow(func(w *cellWriter, f *flow.Flow) { w.text(f.Interface) }),

	"portannot.service.side": func(w *cellWriter, r *from) { w.text(r.a.Service.Side.String()) },
	"portannot.service.port": func(w *cellWriter, r *from) {
		if r.a.ServiceEntry() != nil {
			w.number(uint64(r.a.Service.Port))
		}
	},
	"portannot.service.reason":     func(w *cellWriter, r *from) { w.text(r.a.Service.Reason.String()) },
	"portannot.service.confidence": func(w *cellWriter, r *from) { w.text(r.a.Service.Confidence.String()) },
	"portannot.note":               func(w *cellWriter, r *from) { w.text(r.a.Note.String()) },
	"portannot.registered_after_traffic": func(w *cellWriter, r *from) {
		ifTrue(w, r.a.RegisteredLater)
	},
	"portannot.registered_later.name": ofLater(func(w *cellWriter, e *iana.Entry) {
		if e.NumNames() > 0 {
			w.text(e.Name())
		}
	}),
	"portannot.registered_later.description": ofLater(func(w *cellWriter, e *iana.Entry) {
		w.always(e.Description())
	}),
	"portannot.registered_later.registration_date": ofLater(func(w *cellWriter, e *iana.Entry) { w.text(e.Registered()) }),
	"portannot.registered_later.edition": ofLater(func(w *cellWriter, e *iana.Entry) {
		if _, by, ok := iana.RegisteredBetween(*e); ok {
			w.text(by)
		}
	}),
	"portannot.outcome": func(w *cellWriter, r *from) {
		if r.flow == nil && r.in.Outcome != annotate.NoOutcome {
			w.text(r.in.Outcome.String())
		}
	},
	"portannot.practice": func(w *cellWriter, r *from) {
		e := r.a.ServiceEntry()
		switch {
		case e == nil || r.a.NoPractice || !practice.Has(e.Transport, e.Port):
		case w.form == JSONForm:
			w.any = true
			w.dst = practice.AppendJSON(w.dst, e.Transport, e.Port)
		default:
			w.text(practice.Software(e.Transport, e.Port))
		}
	},
	"portannot.local_frequency": func(w *cellWriter, r *from) {
		if r.a.LocalFrequency >= 0 && r.a.Local() != "" {
			w.any = true
			w.dst = strconv.AppendFloat(w.dst, r.a.LocalFrequency, 'f', -1, 64)
		}
	},
	"portannot.registry.as_of": func(w *cellWriter, r *from) {
		if r.a.AsOf != nil {
			w.text(r.a.AsOf.Day)
		}
	},
	"portannot.registry.later":    func(w *cellWriter, r *from) { ifTrue(w, r.a.AsOf != nil && r.a.AsOf.Later) },
	"portannot.local":             func(w *cellWriter, r *from) { w.text(r.a.Local()) },
	"portannot.source_local":      func(w *cellWriter, r *from) { w.text(r.a.SourceLocal) },
	"portannot.destination_local": func(w *cellWriter, r *from) { w.text(r.a.DestinationLocal) },

	"portannot.observed.protocol":    ofProtocol(func(w *cellWriter, o *annotate.Observed) { w.text(o.Protocol.String()) }),
	"portannot.observed.strength":    ofProtocol(func(w *cellWriter, o *annotate.Observed) { w.text(o.Strength.String()) }),
	"portannot.observed.reason":      ofProtocol(func(w *cellWriter, o *annotate.Observed) { w.text(o.Reason) }),
	"portannot.observed.server_name": ofProtocol(func(w *cellWriter, o *annotate.Observed) { w.foreign(o.ServerName) }),
	"portannot.observed.alpn":        ofProtocol(func(w *cellWriter, o *annotate.Observed) { w.foreign(o.ALPN) }),
	"portannot.observed.interface": ofProtocol(func(w *cellWriter, o *annotate.Observed) {
		if o.Interface != (observe.UUID{}) {
			w.quoted(o.Interface.AppendTo)
		}
	}),
	"portannot.observed.interface_name": ofProtocol(func(w *cellWriter, o *annotate.Observed) { w.text(observe.InterfaceName(o.Interface)) }),
	"portannot.observed.upgrade":        ofProtocol(func(w *cellWriter, o *annotate.Observed) { ifTrue(w, o.Upgrade) }),
	"portannot.observed.verdict":        ofPayload(func(w *cellWriter, o *annotate.Observed) { w.text(o.Verdict.String()) }),
	"portannot.observed.verdict_reason": ofPayload(func(w *cellWriter, o *annotate.Observed) {
		if o.Verdict != observe.NoPayload {
			w.text(o.Why)
		}
	}),

	"portannot.state":                   ofFlow(func(w *cellWriter, f *flow.Flow) { w.text(f.State.String()) }),
	"portannot.end":                     ofFlow(func(w *cellWriter, f *flow.Flow) { w.text(f.End.String()) }),
	"portannot.flow.id":                 ofFlow(func(w *cellWriter, f *flow.Flow) { w.quoted(func(dst []byte) []byte { return appendHex(dst, f.ID) }) }),
	"portannot.flow.part":               ofFlow(func(w *cellWriter, f *flow.Flow) { w.number(uint64(f.Part)) }),
	"portannot.capture":                 func(w *cellWriter, r *from) { w.text(r.a.Capture) },
	"portannot.first_packet":            ofFlow(func(w *cellWriter, f *flow.Flow) { w.number(f.Number) }),
	"portannot.frame_bytes.source":      ofFlow(func(w *cellWriter, f *flow.Flow) { w.number(f.Forward.FrameBytes) }),
	"portannot.frame_bytes.destination": ofFlow(func(w *cellWriter, f *flow.Flow) { w.number(f.Reverse.FrameBytes) }),
	"portannot.source_seen.first":       ofFlow(func(w *cellWriter, f *flow.Flow) { seen(w, &f.Forward, f.Forward.First) }),
	"portannot.source_seen.last":        ofFlow(func(w *cellWriter, f *flow.Flow) { seen(w, &f.Forward, f.Forward.Last) }),
	"portannot.destination_seen.first":  ofFlow(func(w *cellWriter, f *flow.Flow) { seen(w, &f.Reverse, f.Reverse.First) }),
	"portannot.destination_seen.last":   ofFlow(func(w *cellWriter, f *flow.Flow) { seen(w, &f.Reverse, f.Reverse.Last) }),
	"portannot.tcp_flags.source":        ofFlow(func(w *cellWriter, f *flow.Flow) { tcpFlags(w, f, f.Forward.TCPFlags) }),
	"portannot.tcp_flags.destination":   ofFlow(func(w *cellWriter, f *flow.Flow) { tcpFlags(w, f, f.Reverse.TCPFlags) }),
	"portannot.icmp_error.type":         ofFlow(func(w *cellWriter, f *flow.Flow) { icmpError(w, f, uint64(f.ICMP.Type)) }),
	"portannot.icmp_error.code":         ofFlow(func(w *cellWriter, f *flow.Flow) { icmpError(w, f, uint64(f.ICMP.Code)) }),
	"portannot.icmp_error.count":        ofFlow(func(w *cellWriter, f *flow.Flow) { icmpError(w, f, uint64(f.ICMP.Count)) }),
	"portannot.sctp.ppids": ofFlow(func(w *cellWriter, f *flow.Flow) {
		w.list(len(f.PPIDs), func(i int) { w.number(uint64(f.PPIDs[i])) })
	}),
	"portannot.sctp.names": ofFlow(func(w *cellWriter, f *flow.Flow) {
		w.list(len(f.PPIDs), func(i int) { w.text(iana.PPIDName(f.PPIDs[i])) })
	}),
	"portannot.vlans": ofFlow(func(w *cellWriter, f *flow.Flow) {
		if c := contextOf(f); c.NumVLANs > 2 {
			w.list(int(c.NumVLANs), func(i int) { w.number(uint64(c.VLANs[i])) })
		}
	}),
	"portannot.tunnel": ofFlow(func(w *cellWriter, f *flow.Flow) {
		if c := contextOf(f); c.Depth > 0 {
			w.quoted(func(dst []byte) []byte { return AppendTunnel(dst, c) })
		}
	}),

	"portannot.registry.edition": func(w *cellWriter, r *from) { w.text(edition(r.a.Registry).Date) },
	"portannot.registry.source":  func(w *cellWriter, r *from) { w.text(edition(r.a.Registry).Source) },
	"portannot.schema":           func(w *cellWriter, _ *from) { w.number(Schema) },
	"portannot.caveat":           func(w *cellWriter, _ *from) { w.text(iana.Caveat) },
}

func seen(w *cellWriter, c *flow.Counters, at int64) {
	if c.Packets > 0 {
		w.time(at)
	}
}

func tcpFlags(w *cellWriter, f *flow.Flow, flags uint8) {
	if f.Protocol == packet.TCP {
		w.quoted(func(dst []byte) []byte { return AppendFlags(dst, flags) })
	}
}

func icmpError(w *cellWriter, f *flow.Flow, n uint64) {
	if f.ICMP.Seen {
		w.number(n)
	}
}
