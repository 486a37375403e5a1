// Package review compares what traffic shows with what was agreed on.
//
// A firewall reviewer has three lists that never quite agree: the services
// that are meant to be there (a policy), those that the firewall lets through
// (its rules), and those that are really used (traffic). Tools that see traffic
// do not know the rules, tools that know the rules do not see traffic. This
// package lays them beside each other. Its unit is the [Service]: an address,
// a transport and a port to which clients speak. What it finds are [Finding]s,
// each with an identifier that stays the same from run to run, a level, one
// sentence that says why, and the facts on which that rests.
//
// # What is no finding
//
// The registry says what a port was registered for, not what is spoken on it.
// So no finding concludes from a registration that traffic is good or bad: a
// service on an unassigned port is something to look at and has the lowest
// level, and one on a registered port may be anything. See [iana.Warning].
//
// Absence has a window: what was not seen between two points of time at one
// place in the network may be there all the same. Findings that rest on absence
// say which window it was.
//
// # Scanners
//
// One client that tries thousands of ports makes thousands of services, of
// which none exists. A client that got no answer from very many services, and
// an answer from few, is a [Scanner]; the services that only scanners tried are
// folded into one finding for each, and those that answered stay.
//
// # Memory
//
// [Collector] keeps a bounded number of services, and of clients of each. What
// goes beyond is counted, and the report says so: see [Options].
package review

import (
	"net/netip"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/capture/flow"
)

// Key names a service.
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

// Observed is what the first octets of a flow look like.
type Observed struct {
	Protocol string // as the recogniser names it: "ssh"; "" when not recognised
	Verdict  observe.Verdict
	Why      string // what in the octets says so, in a few words
}

// ObservedOf gives what an annotation says of the payload; the zero value where
// none was looked at.
func ObservedOf(a *annotate.Annotation) Observed {
	o := &a.Observed
	if !o.Looked || o.Protocol == observe.Unknown {
		return Observed{Verdict: o.Verdict, Why: o.Why}
	}
	return Observed{Protocol: o.Protocol.String(), Verdict: o.Verdict, Why: o.Reason}
}

// Flow is what is known of a flow beside its annotation.
type Flow struct {
	Protocol            uint8 // IP protocol number
	Source, Destination netip.AddrPort
	// Start and Last are the times of the first and the last packet, in
	// nanoseconds since the Unix epoch; 0 when not known.
	Start, Last int64
	// Packets and Bytes are those of both directions, Bytes by the IP headers'
	// length fields; valid when Counted.
	Packets, Bytes uint64
	Counted        bool
	State          flow.State // flow.StateUnknown when the input does not say
	Observed       Observed
}

// Captured gives what is known of a flow of a capture.
func Captured(f *flow.Flow) Flow {
	return Flow{
		Protocol: f.Protocol, Source: f.Source, Destination: f.Destination,
		Start: f.Start(), Last: f.Last(),
		Packets: f.Packets(), Bytes: f.IPBytes(), Counted: true,
		State: f.State,
	}
}

// Logged gives what is known of a flow of a log: logs are read for their
// addresses, ports and times, so there are no counters and no state.
func Logged(in *annotate.Input) Flow {
	return Flow{Protocol: in.Protocol, Source: in.Source, Destination: in.Destination, Start: in.Start, Last: in.Start}
}

// outcome sorts the states of flows by what they say of a service.
type outcome uint8

const (
	mayBe   outcome = iota // the input does not say, or nobody had to answer
	failed                 // nothing answered, or the answer was no
	refused                // likewise, by an answer
	worked                 // the service answered
	numOutcomes
)

// outcomeNames are for services: what became of their flows in one word.
var outcomeNames = [numOutcomes]string{mayBe: "seen", failed: "attempted", refused: "refused", worked: "answered"}

var outcomes = [numStates]outcome{
	flow.Established: worked, flow.Closed: worked, flow.Reset: worked, flow.Midstream: worked, flow.HalfOpen: worked,
	flow.Attempted: failed, flow.Refused: refused, flow.Rejected: refused,
}

func outcomeOf(s flow.State) outcome {
	if int(s) < numStates {
		return outcomes[s]
	}
	return mayBe
}

// numStates is how many states package flow has.
const numStates = int(flow.OneWay) + 1

// states count flows by their state.
type states [numStates]uint32

func (s *states) add(st flow.State) {
	if int(st) < len(s) {
		count(&s[st])
	}
}

// sum counts the flows of an outcome.
func (s *states) sum(o outcome) (n uint64) {
	for st, c := range s {
		if outcomes[st] == o {
			n += uint64(c)
		}
	}
	return n
}
