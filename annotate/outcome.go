package annotate

import "github.com/portannot/portannot/capture/flow"

// Outcome says what became of a flow, as far as the input says. Captures show it
// themselves (see [OutcomeOf]); logs have words for it, or codes.
type Outcome uint8

// The outcomes. The zero value is NoOutcome.
const (
	NoOutcome Outcome = iota // the input does not say
	Answered                 // the service answered
	Refused                  // it, or a router for it, said no: a TCP reset, an ICMP error
	Attempted                // nothing answered
	Denied                   // a filter on the way did not let it pass
	Passed                   // a filter let it pass; whether anything answered is not said
	OneWay                   // packets went one way only: no answer had to come, or it took another way
	NumOutcomes
)

var outcomeNames = [NumOutcomes]string{Answered: "answered", Refused: "refused", Attempted: "attempted", Denied: "denied", Passed: "passed", OneWay: "one-way"}

// String gives "answered", "refused", "attempted", "denied", "passed" or
// "one-way", and "" for NoOutcome.
func (o Outcome) String() string {
	if o < NumOutcomes {
		return outcomeNames[o]
	}
	return ""
}

// MarshalText gives the same as String.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// ParseOutcome reads what String writes.
func ParseOutcome(s string) (o Outcome, ok bool) {
	for o = range NumOutcomes {
		if outcomeNames[o] == s {
			return o, true
		}
	}
	return NoOutcome, false
}

// OutcomeOf gives the outcome that the state of a flow shows.
func OutcomeOf(s flow.State) Outcome {
	switch s {
	case flow.Established, flow.Closed, flow.Reset, flow.Midstream, flow.HalfOpen:
		return Answered
	case flow.Refused, flow.Rejected:
		return Refused
	case flow.Attempted:
		return Attempted
	case flow.OneWay:
		return OneWay
	}
	return NoOutcome
}
