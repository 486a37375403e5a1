package review

import (
	"fmt"
	"strings"
)

// Level says how urgent a finding is. The zero value is NoLevel.
type Level uint8

// The levels, with the names that SARIF 2.1.0 section 3.27.10 has for them.
const (
	NoLevel Level = iota
	Note          // for information
	Warning       // to be looked at: the traffic differs from what was agreed
	Error         // to be explained: a service works that the rules deny
	numLevels
)

var levelNames = [numLevels]string{"none", "note", "warning", "error"}

// String gives "note", "warning", "error" or "none".
func (l Level) String() string {
	if l < numLevels {
		return levelNames[l]
	}
	return fmt.Sprintf("level(%d)", uint8(l))
}

// ParseLevel reads "note", "warning" or "error", in any case.
func ParseLevel(s string) (Level, error) {
	for l := Note; l < numLevels; l++ {
		if strings.EqualFold(s, levelNames[l]) {
			return l, nil
		}
	}
	return NoLevel, fmt.Errorf("unknown level %q: want note, warning or error", s)
}

// MarshalText gives the same text as String.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (l *Level) UnmarshalText(b []byte) error {
	v, err := ParseLevel(string(b))
	if err == nil {
		*l = v
	}
	return err
}

// Kind is a kind of finding. Its name is part of findings' identifiers.
type Kind uint8

// The kinds, in the order of reports.
const (
	NotAllowed Kind = iota
	NotInPolicy
	ExpiredException
	ServiceMoved
	Scan
	ObservedContradicts
	NewService
	ChangedService
	GoneService
	NewlyAllowed
	NewlyDenied
	ExposedByRules
	ExposedService
	RuleShadowed
	RuleRedundant
	RuleDated
	AllowedNeverSeen
	BroadRange
	ExpectedNeverSeen
	PortDeassigned
	PortReserved
	PortUnassigned
	PortDynamic
	PortOtherTransport
	UnauthorizedUse
	RegisteredLater
	CommentContradicts
	UnknownSide
	numKinds
)

// KindInfo describes a kind of finding.
type KindInfo struct {
	Kind Kind
	Name string
	// Level is the level of findings of this kind. It is another where About says
	// so, and Note for a finding about a service that never answered.
	Level Level
	Title string // a few words, as a heading
	About string // what the finding says, and what it does not
	// Accept is set if an entry of a policy may accept findings of this kind.
	Accept bool
}

var kinds = [numKinds]KindInfo{
	NotAllowed: {Name: "not-allowed", Level: Error, Title: "Seen and not allowed by the rules",
		About: "The rules deny connections that were seen to work. The traffic takes another way, these are not the rules in force, or it was seen before the firewall. It is a warning where it is not known whether any of them worked, as in a log that does not say so, and a note where none did."},
	NotInPolicy: {Name: "not-in-policy", Level: Warning, Title: "Seen and not in the policy",
		About: "No entry of the policy expects the service, or none does for some of its clients. It is a note where none of these clients got an answer."},
	ExpiredException: {Name: "expired-exception", Level: Warning, Title: "Expired exception still in use",
		About: "The only entry of the policy that expects the service has expired, and traffic went on."},
	ServiceMoved: {Name: "service-moved", Level: Warning, Title: "The same service, moved",
		About: "An expected service was not seen, and its clients used another port of the same server, or the same port of another server, that nothing expects. That it is the same service is a guess."},
	Scan: {Name: "scan", Level: Warning, Title: "One client tried very many services",
		About: "A client tried many services in vain, and few answered. The services that only scanners tried are not listed."},
	ObservedContradicts: {Name: "observed-contradicts", Level: Warning, Title: "Payload contradicts the registration", Accept: true,
		About: "The first bytes look like another protocol than those that the port is registered for."},
	NewService: {Name: "new-service", Level: Warning, Title: "New since the baseline",
		About: "The service is not in the report that this one is compared with. It is a note where the policy expects the service."},
	ChangedService: {Name: "changed-service", Level: Note, Title: "Changed since the baseline",
		About: "The service answers and did not, or the reverse; it has clients that the baseline has not; or its registration, its protocol or what the rules say of it is another."},
	GoneService: {Name: "gone-service", Level: Note, Title: "Gone since the baseline",
		About: "The service answered in the report that this one is compared with, and was not seen."},
	NewlyAllowed: {Name: "newly-allowed", Level: Warning, Title: "Allowed, and denied before",
		About: "The rules allow first packets of connections that the rules that they are compared with deny."},
	NewlyDenied: {Name: "newly-denied", Level: Warning, Title: "Denied, and allowed before",
		About: "The rules deny first packets of connections that the rules that they are compared with allow."},
	ExposedByRules: {Name: "exposed-by-rules", Level: Warning, Title: "Reachable from any address, by the rules",
		About: "The rules let any address reach services of a kind that is seldom meant for everyone: remote administration, unencrypted logins, databases, file sharing, industrial protocols. It is a note where that is not sure."},
	ExposedService: {Name: "exposed-service", Level: Warning, Title: "Answered clients on the Internet", Accept: true,
		About: "A service of such a kind answered a client with a public address."},
	RuleShadowed: {Name: "rule-shadowed", Level: Warning, Title: "A rule that another one overrules",
		About: "One other rule of the same chain deals with everything that the rule is about, and does something else. Rules that several others cover together are not found."},
	RuleRedundant: {Name: "rule-redundant", Level: Note, Title: "A rule that does what another one does",
		About: "One other rule of the same chain does the same with everything that the rule is about, so that it could go."},
	RuleDated: {Name: "rule-dated", Level: Note, Title: "A rule whose comment has a date that has passed",
		About: "The comment of the rule has a date before today. It is a warning where the comment says that something ends then."},
	AllowedNeverSeen: {Name: "allowed-never-seen", Level: Note, Title: "Allowed and never seen",
		About: "A rule allows what was not seen in the window of this review. A longer window, or another place, may show it."},
	BroadRange: {Name: "broad-range", Level: Note, Title: "A very broad rule",
		About: "A rule allows every port from everywhere, or many ports of which few were used in the window of this review."},
	ExpectedNeverSeen: {Name: "expected-never-seen", Level: Note, Title: "Expected and never seen",
		About: "An entry of the policy matched nothing in the window of this review."},
	PortDeassigned: {Name: "port-deassigned", Level: Note, Title: "Service on a de-assigned port", Accept: true,
		About: "The registry took the port's assignment back."},
	PortReserved: {Name: "port-reserved", Level: Note, Title: "Service on a reserved port", Accept: true,
		About: "The port is set aside by IANA, and assigned to nobody."},
	PortUnassigned: {Name: "port-unassigned", Level: Note, Title: "Service on an unassigned port", Accept: true,
		About: "No service is registered for the port."},
	PortDynamic: {Name: "port-dynamic", Level: Note, Title: "Service on a dynamic port", Accept: true,
		About: "Ports from 49152 up are never assigned, and systems hand them out to clients (RFC 6335 section 6)."},
	PortOtherTransport: {Name: "port-other-transport", Level: Note, Title: "Assigned for another transport only", Accept: true,
		About: "The port is assigned, but not for this transport."},
	UnauthorizedUse: {Name: "unauthorized-use", Level: Note, Title: "Unauthorized use reported for this port", Accept: true,
		About: "The registry notes that the port is used by something that it is not assigned to."},
	RegisteredLater: {Name: "registered-later", Level: Note, Title: "Registered after the traffic", Accept: true,
		About: "The traffic is older than the port's registration, which cannot be what it was."},
	CommentContradicts: {Name: "comment-contradicts", Level: Note, Title: "A rule's comment names another service",
		About: "The comment or name of a rule has the name of a service that is registered for other ports than those that the rule is about."},
	UnknownSide: {Name: "unknown-side", Level: Note, Title: "It is not known which end is the service",
		About: "No opening was seen, and neither payload nor ports tell. Somebody who knows the hosts should look."},
}

// Kinds describes all kinds, in the order of reports.
func Kinds() []KindInfo {
	list := make([]KindInfo, numKinds)
	for i := range list {
		list[i] = kinds[i]
		list[i].Kind = Kind(i)
	}
	return list
}

// Info describes the kind.
func (k Kind) Info() KindInfo {
	if k >= numKinds {
		return KindInfo{Kind: k, Name: k.String()}
	}
	info := kinds[k]
	info.Kind = k
	return info
}

// String gives the kind's name: "not-in-policy".
func (k Kind) String() string {
	if k < numKinds {
		return kinds[k].Name
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// ParseKind reads what String writes.
func ParseKind(s string) (Kind, bool) {
	for k := range numKinds {
		if kinds[k].Name == s {
			return k, true
		}
	}
	return 0, false
}

// MarshalText gives the same text as String.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (k *Kind) UnmarshalText(b []byte) error {
	v, ok := ParseKind(string(b))
	if !ok {
		return fmt.Errorf("unknown kind of finding %q", b)
	}
	*k = v
	return nil
}

func (k Kind) acceptable() bool { return k < numKinds && kinds[k].Accept }

// Finding is something that a reviewer should know, with the evidence.
type Finding struct {
	// ID is the kind and the subject, "not-in-policy:10.20.0.40:3389/tcp". It
	// is the same in every report.
	ID    string `json:"id"`
	Kind  Kind   `json:"kind"`
	Level Level  `json:"level"`
	// Subject is what the finding is about: a service, two addresses, a client,
	// a rule or an entry of the policy.
	Subject string `json:"subject"`
	// Name describes the subject: the comment of a rule, or the names of a
	// service's port. It may be empty.
	Name string `json:"name,omitempty"`
	// Service is the identifier of the service that the finding is about; empty
	// if it is about something else.
	Service string `json:"service,omitempty"`
	Why     string `json:"why"` // one sentence
	Facts   []Fact `json:"facts"`
	// File and Line are the place of the rule or the entry that the finding is
	// about.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// Fact is a fact on which a finding is based.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
