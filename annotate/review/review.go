// Package review compares the traffic in a network with a policy and with the
// rules of firewalls.
//
// The policy lists the services that are meant to be there, the rules let services
// through, and the traffic shows which services are used. These three seldom agree.
// This package puts them side by side. Its unit is the [Service]: an address, a
// transport and a port that clients speak to. Its results are [Finding]s. Each has
// an identifier that is the same in every run, a level, one sentence that says why,
// and the facts it is based on.
//
// # What findings do not say
//
// The registry says for what a port was registered, not what its traffic is. So no
// finding concludes from a registration that traffic is good or bad. A service on
// an unassigned port has the lowest level, and a service on a registered port may
// be anything. See [iana.Warning].
//
// Traffic covers a window of time at one place in the network. A service that was
// not seen may exist all the same. A finding that something was not seen names the
// window.
//
// # Scanners
//
// A client that tries thousands of ports would make thousands of services that do
// not exist. So a client that tried very many services, of which few answered, is
// reported as a [Scanner], in one finding. A service that only scanners tried is
// listed only if it answered.
//
// # Memory
//
// A [Collector] keeps a bounded number of services and of clients of each service;
// see [Options]. The report counts what it did not keep.
package review

import (
	"net/netip"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
)

// Key identifies a service.
type Key struct {
	Server   netip.Addr
	Protocol uint8 // IP protocol number
	Port     uint16
}

// String gives "10.20.0.20:22/tcp" or "[2001:db8::1]:443/tcp".
func (k Key) String() string {
	return netip.AddrPortFrom(k.Server, k.Port).String() + "/" + iana.TransportName(k.Protocol)
}

// transportNumbers are the IP protocol numbers behind the names, in the order
// of the numbers.
var transportNumbers = []struct {
	name     string
	protocol uint8
}{{"tcp", 6}, {"udp", 17}, {"dccp", 33}, {"sctp", 132}, {"udplite", 136}}

// Observed is the protocol that the first bytes of a flow look like.
type Observed struct {
	Protocol string          // "ssh", as package observe names it; "" when not recognised
	Verdict  observe.Verdict // whether the protocol agrees with the registration
	Why      string          // the evidence for the protocol, in a few words
}

// ObservedOf returns what an annotation says about the payload. It is the zero
// Observed if the payload was not looked at.
func ObservedOf(a *annotate.Annotation) Observed {
	o := &a.Observed
	if !o.Examined || o.Protocol == observe.Unknown {
		return Observed{Verdict: o.Verdict, Why: o.Why}
	}
	return Observed{Protocol: o.Protocol.String(), Verdict: o.Verdict, Why: o.Reason}
}

// Flow is what a Collector needs to know of a flow besides its annotation.
type Flow struct {
	Protocol            uint8 // IP protocol number
	Source, Destination netip.AddrPort
	// Start and Last are the times of the first and the last packet, in
	// nanoseconds since the Unix epoch; 0 when not known.
	Start, Last int64
	// Packets and Bytes count both directions. Bytes are those of the length
	// fields in the IP headers. Both are valid only if Counted is set, but for
	// Packets of a log, which may be there alone.
	Packets, Bytes uint64
	Counted        bool
	State          flow.State       // of a capture; flow.StateUnknown when it is not known
	Outcome        annotate.Outcome // of a log: what it says became of the flow
	// OneDirection says that the flow is the packets from Source to Destination
	// alone, and that their answers may come as another flow: see Collector.Add.
	OneDirection bool
	Observed     Observed

	times uint64 // how many flows it stands for; 0 is 1
}

// Captured returns the Flow for a flow from a capture.
func Captured(f *flow.Flow) Flow {
	return Flow{
		Protocol: f.Protocol, Source: f.Source, Destination: f.Destination,
		Start: f.Start(), Last: f.Last(),
		Packets: f.Packets(), Bytes: f.IPBytes(), Counted: true,
		State: f.State,
	}
}

// Logged returns the Flow for a flow from a log. It has no bytes, because they are
// not read from logs.
func Logged(in *annotate.Input) Flow {
	return Flow{
		Protocol: in.Protocol, Source: in.Source, Destination: in.Destination, Start: in.Start, Last: in.Start,
		Packets: in.Packets, Outcome: in.Outcome, OneDirection: in.OneDirection,
	}
}

// outcome sorts flows by what became of them, in the order of what that says of
// a service: the last ones say least.
type outcome uint8

const (
	mayBe   outcome = iota // the input does not say, or nobody had to answer
	worked                 // the service answered
	refused                // the answer was no
	failed                 // nothing answered
	denied                 // a filter on the way did not let it pass
	numOutcomes
)

// outcomeNames are for services: what became of their flows in one word.
var outcomeNames = [numOutcomes]string{mayBe: "seen", worked: "answered", refused: "refused", failed: "attempted", denied: "denied"}

// kindOfOutcome sorts the outcomes of package annotate.
var kindOfOutcome = [annotate.NumOutcomes]outcome{
	annotate.Answered: worked, annotate.Refused: refused, annotate.Attempted: failed, annotate.Denied: denied,
}

// n gives how many flows the flow stands for.
func (f *Flow) n() uint64 { return max(f.times, 1) }

func outcomeOf(f *Flow) outcome { return outcomes[f.slot()] }

// numStates is how many states package flow has.
const numStates = int(flow.OneWay) + 1

// numSlots is how many states flows may have: those of captures, then the
// outcomes of logs.
const numSlots = numStates + int(annotate.NumOutcomes)

// slot gives the flow's place among the states.
func (f *Flow) slot() int {
	switch {
	case f.State != flow.StateUnknown && int(f.State) < numStates:
		return int(f.State)
	case f.Outcome != annotate.NoOutcome && f.Outcome < annotate.NumOutcomes:
		return numStates + int(f.Outcome)
	}
	return 0
}

var outcomes = func() (list [numSlots]outcome) {
	for i := range list {
		if i < numStates {
			list[i] = kindOfOutcome[annotate.OutcomeOf(flow.State(i))]
		} else {
			list[i] = kindOfOutcome[i-numStates]
		}
	}
	return list
}()

// stateName gives the name of a state; "" for that of a flow of which nothing is
// known.
func stateName(slot int) string {
	switch {
	case slot == 0:
		return ""
	case slot < numStates:
		return flow.State(slot).String()
	}
	return annotate.Outcome(slot - numStates).String()
}

// states count flows by their state.
type states [numSlots]uint32

func (s *states) add(f *Flow) { count(&s[f.slot()], f.n()) }

// sum counts the flows of an outcome.
func (s *states) sum(o outcome) (n uint64) {
	for st, c := range s {
		if outcomes[st] == o {
			n += uint64(c)
		}
	}
	return n
}
