package annotate

import (
	"net/netip"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// Observed is what a flow's payload looks like, and whether that agrees with the
// registration of the service port. The zero value means that the payload was
// not looked at.
type Observed struct {
	Examined bool // whether the payload was looked at; if not, the rest is zero
	observe.Observation
	// ServerName and ALPN are the bytes of Observation.Name and
	// Observation.ALPN. The sender may have put anything there. They are valid
	// as long as the flow's payload.
	ServerName, ALPN []byte
	// Interface is the interface that a DCE/RPC message asks for; zero if there is
	// none.
	Interface observe.UUID
	// Verdict compares the protocol with the registered names of the service
	// port. Why gives the reason.
	Verdict observe.Verdict
	Why     string
}

// Observer looks at the payload of flows, one after the other. It is not safe
// for concurrent use. The zero value is ready.
type Observer struct {
	in   observe.Input
	last Observed
}

// Observe says what a flow's payload looks like, without a verdict. The result
// is valid until the next call.
func (o *Observer) Observe(f *flow.Flow) *Observed {
	if len(f.Note) > 0 {
		o.last = observedOf(f.Note)
		return &o.last
	}
	if f.Payload[0].Len|f.Payload[1].Len == 0 && !f.Payload[0].Lost && !f.Payload[1].Lost {
		// Half of all flows, and each of a scan.
		o.in.Sent = [2]observe.Payload{}
		if o.last.Seen != observe.Nothing || !o.last.Examined {
			o.last = Observed{Examined: true, Observation: observe.Recognise(&o.in)}
		}
		return &o.last
	}
	o.in.Transport, o.in.Group = f.Protocol, netip.Addr{}
	if a := f.Destination.Addr(); a.IsMulticast() {
		o.in.Group = a.Unmap()
	}
	for i := range f.Payload {
		p := &f.Payload[i]
		n := int(p.Len)
		if p.Lost {
			n = 1 // more than there is
		}
		o.in.Sent[i] = observe.Payload{Data: p.Data, Len: n, PPID: p.PPID, Heads: p.Heads}
	}
	o.last = Observed{Examined: true, Observation: observe.Recognise(&o.in)}
	o.last.ServerName, o.last.ALPN = o.in.Text(o.last.Name), o.in.Text(o.last.Observation.ALPN)
	o.last.Interface = o.in.Interface(o.last.Observation)
	return &o.last
}

const whyNoSide = "nothing tells which end is the service"

// judge gives the verdict on what was observed.
func (r *Annotation) judge(in *Input) {
	o, e := &r.Observed, r.ServiceEntry()
	if o.Protocol != observe.Unknown && e == nil {
		o.Verdict, o.Why = observe.Undecided, whyNoSide
		return
	}
	var few [16]string // as many as any port has, and more
	names := few[:0]
	if o.Protocol != observe.Unknown && e.Status == iana.Assigned {
		for i := range e.NumNames() {
			names = append(names, e.NameAt(i))
		}
	}
	midstream := in.Protocol == packet.TCP && (in.Opening.Server == flow.NoSide || in.Opening.Inherited)
	o.Verdict, o.Why = observe.Judge(o.Observation, names, midstream)
}
