// Package annotate says of a flow which end is the service, why, and what the
// registry says of the ports.
//
// A flow has a source, which sent the first packet that was seen, and a
// destination. Neither word says which end offers a service: a capture may
// begin in the middle, and a source port is whatever the sender chose. So the
// service end is decided by rules, each weaker than the one before, and the
// decision carries the rule's name and how far to trust it:
//
//  1. the input says so, and saw the connection begin (a log of connections)
//  2. the opening of the connection: TCP SYN and SYN-ACK, SCTP INIT, DCCP Request
//  3. the payload: a message that no other end can ever send (see package
//     observe)
//  4. the user lists it as a service
//  5. the payload: a message that usually only clients send, or usually only
//     servers
//  6. a multicast or broadcast address is never the client, a subnet's if its
//     network is known, see [Options]; it is the service unless its port is dynamic or one that clients have (20, 68, 546)
//  7. other flows show one end to be a service, see [Evidence]
//  8. the input says so, and did not see the beginning: a guess
//  9. exactly one port is 32768 or higher, where systems begin to choose ports
//     for clients: the other is the service
//  10. exactly one port is below 512; or exactly one is a system port, which is
//     assigned for the transport while the other port is not
//  11. otherwise neither is named; equal ports are one label for both ends
//
// Rules 9 to 11 do not apply where the payload is of a protocol that has neither
// client nor server, nor to multicast and broadcast. Neither 9 nor 10 names 20, 68
// or 546, nor an unassigned port from 512 to 1023: clients have these.
// Whoever attacks chooses the source port, so ports come last. No rule stands
// here that is right in less than four of five flows: testdata/sidebench
// measures them.
//
// Registration is looked up for both ends whatever the rules say, and it never
// says what the traffic is: see [iana.Caveat].
package annotate

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
)

// Side says which end of a flow is the service. The zero value is neither.
type Side = packet.Side

// The sides.
const (
	NoSide      = packet.NoSide
	Source      = packet.Source      // the source's port is the service
	Destination = packet.Destination // the destination's port is
	Both        = packet.Both        // the ports are equal: one service, spoken between equals
)

// Reason is the rule that decided the service side.
type Reason uint8

// The reasons, the strongest first.
const (
	NoReason   Reason = iota // no rule applies
	Stated                   // the input names the service end
	Handshake                // an opening was sent to it
	Accepted                 // it accepted an opening that was not seen
	Earlier                  // Handshake or Accepted, but seen in an earlier flow of the same connection
	ByPayload                // what was sent shows who serves
	Multicast                // the other end sent to this multicast or broadcast address
	Listed                   // the user lists it
	OtherFlows               // other flows show it to be a service
	Hinted                   // the input names it, and did not see the beginning
	HighPort                 // only the other port is in 32768-65535
	SystemPort               // only this port is below 512, or an assigned system port
	EqualPorts               // both ports are the same
	numReasons
)

var reasonNames = [numReasons]struct{ name, why string }{
	{"none", "nothing tells which end is the service"},
	{"stated", "the input names the service end"},
	{"handshake", "the connection was opened towards it"},
	{"handshake-answer", "it accepted a connection whose opening was not seen"},
	{"handshake-earlier", "the connection's opening was seen before a time-out split it"},
	{"payload", "the payload has what a client asks this end, or what a server sends from it"},
	{"multicast", "a multicast or broadcast address is not a client"},
	{"listed", "it is on the user's list of services"},
	{"other-flows", "other flows show it to be a service"},
	{"hint", "the input names the service end, and did not see the connection begin"},
	{"high-port", "only the other port is 32768 or higher"},
	{"system-port", "only this port is below 512, or an assigned one below 1024"},
	{"equal-ports", "both ends use the same port"},
}

// String gives the reason's name in the records: "handshake".
func (r Reason) String() string {
	if r < numReasons {
		return reasonNames[r].name
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// Why gives the reason as words that follow "because".
func (r Reason) Why() string {
	if r < numReasons {
		return reasonNames[r].why
	}
	return ""
}

// Confidence says how far to trust a service side.
type Confidence uint8

// The confidences.
const (
	NoConfidence Confidence = iota
	Weak                    // no rule is this weak at present
	Likely
	Certain
	numConfidences
)

var confidenceNames = [numConfidences]string{"none", "weak", "likely", "certain"}

// String gives "certain", "likely", "weak" or "none".
func (c Confidence) String() string {
	if c < numConfidences {
		return confidenceNames[c]
	}
	return fmt.Sprintf("confidence(%d)", uint8(c))
}

// Service is a decided service side.
type Service struct {
	Side       Side
	Port       uint16 // valid unless Side is NoSide; 0 when that side's port was not reported
	Reason     Reason
	Confidence Confidence
}

// Input is what is known of a flow before it is annotated.
type Input struct {
	Protocol            uint8 // IP protocol number
	Source, Destination netip.AddrPort
	// NoSourcePort and NoDestinationPort say that the port was not reported,
	// which differs from port 0: nothing is looked up for that end, and no rule
	// that compares ports applies.
	NoSourcePort, NoDestinationPort bool
	// Stated is the service end when the input names one and saw the connection
	// begin, or knows it otherwise for certain.
	Stated flow.Side
	// Hint is the service end when the input names one without having seen the
	// beginning, or without a word of whether it has. Where what the input says
	// of the packets contradicts it, it is left out.
	Hint    flow.Side
	Opening flow.Opening
	// Observed is what the payload looks like; nil when it was not looked at.
	Observed *Observed
	// Start is the time of the flow's first packet in nanoseconds since the
	// Unix epoch; 0 when not known.
	Start int64
	// Outcome is what became of the flow, when the input says so.
	Outcome Outcome
	// Packets counts those of the flow; 0 when the input does not say, or the
	// number is not read.
	Packets uint64
	// Bytes counts those of its IP packets, or what the input counts in their
	// place; 0 likewise.
	Bytes uint64
	// End is the time of the last packet in nanoseconds since the Unix epoch; 0
	// likewise.
	End int64
	// OneDirection says that the input has a record for each direction, as
	// routers and clouds do: this one is of the packets from Source to
	// Destination, and there may be another one of the answers.
	OneDirection bool
	// Context says in which VLANs and tunnels the flow was, because networks
	// may use the same addresses: see [flow.Flow]. It may be nil.
	Context *packet.Context
}

// Note says what is not known of a flow, and so limits its annotation.
type Note uint8

// The notes.
const (
	NoNote               Note = iota
	ProtocolNotReported       // so the ports cannot be looked up for a transport
	ProtocolWithoutPorts      // ICMP, for example
	PortNotReported           // of one end or of both
)

// String gives the note in words, "port not reported", and "" for NoNote.
func (n Note) String() string {
	switch n {
	case ProtocolNotReported:
		return "protocol not reported"
	case ProtocolWithoutPorts:
		return "protocol without ports"
	case PortNotReported:
		return "port not reported"
	}
	return ""
}

// Note says what is not known of the flow.
func (in *Input) Note() Note {
	if in.Protocol == 0 {
		return ProtocolNotReported
	}
	if _, ok := iana.TransportOf(in.Protocol); !ok {
		return ProtocolWithoutPorts
	}
	if in.NoSourcePort || in.NoDestinationPort {
		return PortNotReported
	}
	return NoNote
}

// Annotation is what portannot says about a flow. It is a value; making one
// does not allocate.
type Annotation struct {
	Service Service
	// Registry is where the ports were looked up.
	Registry *iana.Registry
	// AsOf is the day for which the registry was asked, nil for none in particular.
	AsOf *AsOf
	// Source and Destination are the registrations of both ports, for the
	// flow's transport; the zero Entry where the port was not reported.
	Source, Destination iana.Entry
	// NoSourcePort and NoDestinationPort are copied from the Input.
	NoSourcePort, NoDestinationPort bool
	// Note is the result of Input.Note.
	Note Note
	// SourceLocal and DestinationLocal are the user's own names, "" for none.
	SourceLocal, DestinationLocal string
	// LocalFrequency is the share of hosts on which nmap found the service port open, if
	// the user's names are those of nmap: see [LocalNames.Frequency]. It is below 0 where
	// that is not known, and valid if Local is not "".
	LocalFrequency float64
	// RegisteredLater is true when the service port's registration is dated
	// after the flow began.
	RegisteredLater bool
	// NoPractice says that software which uses the port without being registered for
	// it is not to be named: see package practice.
	NoPractice bool
	// Observed is what the payload looks like, with the verdict on it.
	Observed Observed
	// Capture is the file of the flow's first packet, "" where there is only one, or it
	// is not known.
	Capture string
}

// Registered gives the registration of the service port. ok is false when no
// side is known, or the port of that side was not reported.
func (a *Annotation) Registered() (e iana.Entry, ok bool) {
	if e := a.ServiceEntry(); e != nil {
		return *e, true
	}
	return iana.Entry{}, false
}

// ServiceEntry returns what Registered does, without copying it, or nil instead
// of false. It points to Source or Destination; do not change the entry.
func (a *Annotation) ServiceEntry() *iana.Entry {
	switch a.Service.Side {
	case Source:
		if !a.NoSourcePort {
			return &a.Source
		}
	case Destination, Both:
		if !a.NoDestinationPort {
			return &a.Destination
		}
	}
	return nil
}

// Local gives the user's own name of the service port, "" for none.
func (a *Annotation) Local() string {
	switch a.Service.Side {
	case Source:
		return a.SourceLocal
	case Destination, Both:
		return a.DestinationLocal
	}
	return ""
}

// Annotator annotates flows. It is safe for concurrent use.
type Annotator struct {
	registry *iana.Registry
	quiet    bool         // about practice
	asOf     *AsOf        // nil: the registry is asked for no day
	days     *dayEditions // nil unless each flow has the registry of its day
	local    *LocalNames
	known    *KnownServices // nil: none
	evidence *Evidence      // nil: none
	dates    dates
	// broadcasts are the broadcast addresses of the networks that are known.
	broadcasts map[netip.Addr]struct{}
}

// Options configure an Annotator. The zero value is ready to use.
type Options struct {
	// Registry is where ports are looked up; nil is the embedded edition.
	Registry *iana.Registry
	// AsOf, if not zero, is a day, and ports are looked up in the edition of that
	// day: see [iana.AsOf]. If Registry is not later than the day, it is used. Registry
	// must be the newest edition that is known, not a file that has no history.
	AsOf time.Time
	// ByDay has the ports of each flow looked up in the edition of its own day. For a
	// flow without a time, Registry is used.
	ByDay bool
	// NoPractice is copied to the annotations.
	NoPractice bool
	// Local has the user's own names of ports; nil is none.
	Local *LocalNames
	// Known has the services that the user knows of; nil is none.
	Known *KnownServices
	// Evidence of other flows; nil is none. Flows may be added to it between
	// annotations: each annotation uses the flows added before it.
	Evidence *Evidence
	// Networks are those whose broadcast addresses are to be known as such.
	Networks []netip.Prefix
}

// New makes an Annotator.
func New(opt Options) *Annotator {
	if opt.Registry == nil {
		opt.Registry = iana.Embedded()
	}
	a := &Annotator{registry: opt.Registry, quiet: opt.NoPractice, local: opt.Local, known: opt.Known, evidence: opt.Evidence, broadcasts: broadcasts(opt.Networks)}
	switch {
	case opt.ByDay:
		a.days = &dayEditions{newest: opt.Registry}
	case !opt.AsOf.IsZero():
		day := opt.AsOf.UTC()
		a.asOf = &AsOf{Day: day.Format(time.DateOnly), newest: opt.Registry}
		a.asOf.Registry, a.asOf.Later = editionOf(day, opt.Registry)
		a.registry = a.asOf.Registry
	}
	return a
}

// ByDay reports whether each flow has the registry of its own day.
func (a *Annotator) ByDay() bool { return a.days != nil }

// Registry gives the registry that the Annotator looks ports up in; with ByDay, the one
// for flows without a time.
func (a *Annotator) Registry() *iana.Registry { return a.registry }

// KnowsAddresses reports whether addresses decide which end is the service other
// than by being multicast or broadcast for everybody.
func (a *Annotator) KnowsAddresses() bool {
	return a.known != nil || a.evidence != nil || len(a.broadcasts) > 0
}

// Flow annotates a flow of a capture. The payload is looked at unless o is nil.
func (a *Annotator) Flow(f *flow.Flow, o *Observer) Annotation {
	var r Annotation
	a.FlowTo(&r, f, o)
	return r
}

// FlowTo writes what Flow returns into *r, without a copy.
func (a *Annotator) FlowTo(r *Annotation, f *flow.Flow, o *Observer) {
	in := Input{Protocol: f.Protocol, Source: f.Source, Destination: f.Destination, Opening: f.Opening, Start: f.Start(), Context: f.Context}
	if o != nil {
		in.Observed = o.Observe(f)
	}
	a.AnnotateTo(r, &in)
}

// Annotate applies the rules and looks up both ports.
func (a *Annotator) Annotate(in Input) Annotation {
	var r Annotation
	a.AnnotateTo(&r, &in)
	return r
}

// AnnotateTo writes what Annotate returns into *r. It copies neither value,
// which matters to programs that annotate millions of flows a second.
func (a *Annotator) AnnotateTo(r *Annotation, in *Input) {
	t, _ := iana.TransportOf(in.Protocol)
	*r = Annotation{}
	r.Registry, r.AsOf, r.Note = a.registry, a.asOf, in.Note()
	if a.days != nil {
		if in.Start != 0 {
			r.AsOf = a.days.of(in.Start)
			r.Registry = r.AsOf.Registry
		} else {
			a.days.noDay.Store(true)
		}
	}
	r.NoSourcePort, r.NoDestinationPort, r.NoPractice = in.NoSourcePort, in.NoDestinationPort, a.quiet
	if !in.NoSourcePort {
		r.Registry.LookupTo(&r.Source, t, in.Source.Port())
	}
	if !in.NoDestinationPort {
		r.Registry.LookupTo(&r.Destination, t, in.Destination.Port())
	}
	if a.local != nil {
		if !in.NoSourcePort {
			r.SourceLocal = a.local.Name(t, in.Source.Port())
		}
		if !in.NoDestinationPort {
			r.DestinationLocal = a.local.Name(t, in.Destination.Port())
		}
	}
	r.Service = a.decide(in, r.Source.Status == iana.Assigned, r.Destination.Status == iana.Assigned)
	if r.Local() != "" {
		r.LocalFrequency = a.local.frequency(t, r.Service.Port)
	}
	// Of its own day, an edition has nothing that is registered later.
	if e := r.ServiceEntry(); e != nil && in.Start != 0 && (a.days == nil || r.AsOf != nil && r.AsOf.Later) {
		r.RegisteredLater = a.dates.begin(e) > in.Start
	}
	if in.Observed != nil {
		r.Observed = *in.Observed
		r.judge(in)
	}
}
