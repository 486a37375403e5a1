package observe

import (
	"slices"
	"strconv"
	"strings"
)

// Verdict says whether the observed protocol agrees with the registration. The
// zero value is NoPayload.
type Verdict uint8

// The verdicts.
const (
	NoPayload    Verdict = iota // nothing was sent
	Truncated                   // the capture holds too little of what was sent
	Unrecognised                // what was sent is of no known protocol
	Undecided                   // it is not known whether the registered service may speak the protocol
	Consistent                  // a registered service speaks the protocol
	Contradicts                 // the protocol is certain, and no registered service speaks it
	NumVerdicts                 // number of verdicts
)

var verdictNames = [NumVerdicts]string{"no payload", "truncated", "unrecognised", "undecided", "consistent", "contradicts"}

// String gives "consistent", "contradicts", "unrecognised", "no payload",
// "truncated" or "undecided".
func (v Verdict) String() string {
	if v < NumVerdicts {
		return verdictNames[v]
	}
	return "verdict(" + strconv.Itoa(int(v)) + ")"
}

// ParseVerdict returns the verdict with a name, which may have hyphens in place
// of spaces. It returns false if there is none.
func ParseVerdict(name string) (Verdict, bool) {
	for v, n := range verdictNames {
		if n == strings.ReplaceAll(name, "-", " ") {
			return Verdict(v), true
		}
	}
	return NoPayload, false
}

// VerdictNames lists the names of the verdicts.
func VerdictNames() []string { return slices.Clone(verdictNames[:]) }

// Reasons of verdicts on a protocol that was recognised. The others are those
// of Observation.Reason.
const (
	whyConsistent = "the registered service speaks the observed protocol"
	whyContradict = "the registered service does not speak the observed protocol"
	whyNoName     = "no service is registered"
	whyUnlisted   = "it is not known what a registered service speaks"
	whyLikely     = "another protocol than the registered service's, but not surely"
	whyTolerated  = "another protocol than the registered service's, but one that is spoken beside it"
	whyUpgrade    = "another protocol than the registered service's, but it asks to go on as another"
	whyRelay      = "another protocol than the registered service's, but that may relay any, and the beginning was not seen"
)

// Judge says whether an observation agrees with the service names that are
// registered for the flow's service port. The second result is the reason, one
// of a fixed set of texts. The case of names does not matter.
//
// The verdict is Contradicts only if the match is Full and this package knows the
// protocol of every registered name: a service whose protocol is not known cannot
// be contradicted. midstream says that the opening of the connection was not seen.
// Before the capture began, the client may have asked a proxy to relay what was
// then seen.
func Judge(o Observation, names []string, midstream bool) (Verdict, string) {
	if o.Protocol == Unknown {
		switch o.Seen {
		case Nothing:
			return NoPayload, o.Reason
		case Cut:
			return Truncated, o.Reason
		}
		return Unrecognised, o.Reason
	}
	if len(names) == 0 {
		return Undecided, whyNoName
	}
	unlisted, tolerated, relay := false, false, false
	for _, n := range names {
		s := serviceNamed(n)
		switch {
		case s == nil:
			unlisted = true
		case slices.Contains(s.speaks, o.Protocol):
			return Consistent, whyConsistent
		case slices.Contains(s.beside, o.Protocol):
			tolerated = true
		case s.relays():
			relay = true
		}
	}
	switch {
	case unlisted:
		return Undecided, whyUnlisted
	case tolerated:
		return Undecided, whyTolerated
	case o.Strength != Full:
		return Undecided, whyLikely
	case o.Upgrade:
		return Undecided, whyUpgrade
	case relay && midstream:
		return Undecided, whyRelay
	}
	return Contradicts, whyContradict
}

// service is what is known of a registered name.
type service struct {
	name   string     // in lower case
	speaks []Protocol // what the registration, or the specification that it cites, says that it is
	// beside is what else is met there for good reason and would be wrong to
	// call a contradiction: another protocol on the same port by
	// specification or by long custom.
	beside []Protocol
}

// relays reports whether the service may carry any protocol once it has been
// asked to: SOCKS (RFC 1928 section 6), an HTTP proxy (CONNECT, RFC 9110 section
// 9.3.6), TURN over TCP (RFC 6062 section 4.3).
func (s *service) relays() bool {
	return slices.Contains(s.speaks, SOCKS) || slices.Contains(s.speaks, HTTP) || slices.Contains(s.speaks, STUN)
}

// serviceNamed finds a name in the table, or gives nil.
func serviceNamed(name string) *service {
	i, ok := slices.BinarySearchFunc(services, name, func(s service, name string) int { return compareLower(s.name, name) })
	if !ok {
		return nil
	}
	return &services[i]
}

// compareLower compares a, which is in lower case, with b in lower case.
func compareLower(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if a[i] != c {
			return int(a[i]) - int(c)
		}
	}
	return len(a) - len(b)
}
