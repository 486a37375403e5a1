package review

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/portannot/portannot/annotate/iana"
)

// Format and Version identify a report in JSON. The version increases when a
// field changes its meaning or is removed, but not when a field is added.
const (
	Format  = "portannot-review"
	Version = 1
)

// Report is the result of a review. It is a plain value, the same in all
// formats. Written as JSON, it can be the baseline of a later review.
type Report struct {
	Format   string      `json:"format"`
	Version  int         `json:"version"`
	Caveat   string      `json:"caveat"`
	Warning  string      `json:"warning"`
	Registry RegistryRef `json:"registry"`
	Inputs   []Input     `json:"inputs"`
	Window   Window      `json:"window"`
	Traffic  Traffic     `json:"traffic"`
	Policy   *PolicyRef  `json:"policy,omitempty"`
	Rules    []RuleSet   `json:"rules,omitempty"`
	Baseline *Comparison `json:"baseline,omitempty"`
	// RulesBefore is set if the rules were compared with earlier ones; what
	// differs are findings.
	RulesBefore *RulesComparison `json:"rules_before,omitempty"`
	Summary     Summary          `json:"summary"`
	Charts      Charts           `json:"charts"`
	Findings    []Finding        `json:"findings"`
	// Unlisted counts the findings that Context.Findings left out.
	Unlisted []Unlisted `json:"unlisted,omitempty"`
	// Groups count all findings about services by kind, level and port; only with
	// Context.Grouped.
	Groups []FindingGroup `json:"groups,omitempty"`
	// Services are all services, or the first Context.Listed of them.
	Services []Service `json:"services"`
	Unsided  []Pair    `json:"unsided,omitempty"`
	Scanners []Scanner `json:"scanners,omitempty"`
	// Remarks are sentences about what the review could not see or do.
	Remarks []string `json:"remarks,omitempty"`

	whole *whole // of a report with Context.Deferred
}

// NumFindings returns the number of findings in the report, also if it is
// deferred.
func (r *Report) NumFindings() int {
	if r.whole != nil {
		return len(r.whole.list)
	}
	return len(r.Findings)
}

// FillFinding writes finding i, from 0, into x. Several goroutines may call it
// at once, each with its own x.
func (r *Report) FillFinding(i int, x *Finding) {
	if r.whole != nil {
		r.whole.finding(i, x)
	} else {
		*x = r.Findings[i]
	}
}

// NumServices returns the number of services in the report, also if it is
// deferred.
func (r *Report) NumServices() int {
	if r.whole != nil {
		return len(r.whole.services)
	}
	return len(r.Services)
}

// FillService writes service i, from 0, into s. It may reuse the slices of s.
// Several goroutines may call it at once, each with its own s.
func (r *Report) FillService(i int, s *Service) {
	if r.whole != nil {
		r.whole.service(r.whole.services[i], s)
	} else {
		*s = r.Services[i]
	}
}

// RegistryRef names the edition of the registry.
type RegistryRef struct {
	Edition string `json:"edition"`
	Source  string `json:"source"`
	// AsOf is the day for which the registry was asked, or "capture" for the day of
	// each service's first flow. It is empty for none in particular.
	AsOf string `json:"as_of,omitempty"`
}

// ByDay is the value of RegistryRef.AsOf for the days of the traffic.
const ByDay = "capture"

// Words names the edition for people.
func (r RegistryRef) Words() string {
	switch r.AsOf {
	case "":
		return "edition " + r.Edition
	case ByDay:
		return "as of the day of each service's first flow"
	}
	return "edition " + r.Edition + ", as of " + r.AsOf
}

// Input is a capture or a log that was read.
type Input struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`             // "capture", "log" or "report"
	Format string `json:"format,omitempty"` // of a log
	// Window is the time of its flows; nil where it is not known apart from that of
	// other inputs.
	Window *Window `json:"window,omitempty"`
}

// Window is the time between the first and the last packet or record.
type Window struct {
	First Time `json:"first,omitzero"`
	Last  Time `json:"last,omitzero"`
}

// Widen makes the window take in a flow from first to last, in nanoseconds since the
// Unix epoch; a first of 0 is not known, and changes nothing.
func (w *Window) Widen(first, last int64) {
	a, b := widen(int64(w.First), int64(w.Last), first, last)
	w.First, w.Last = Time(a), Time(b)
}

// Duration returns the length of the window, or 0 if it is not known.
func (w Window) Duration() time.Duration { return time.Duration(w.Last - w.First) }

// Time is a time in nanoseconds since the Unix epoch; 0 if it is not known.
type Time int64

// String gives the time as RFC 3339 in UTC, to the nanosecond.
func (t Time) String() string {
	if t == 0 {
		return ""
	}
	return time.Unix(0, int64(t)).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// MarshalText gives the same as String.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *Time) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*t = 0
		return nil
	}
	v, err := time.Parse(time.RFC3339Nano, string(b))
	if err == nil {
		*t = Time(v.UnixNano())
	}
	return err
}

// Traffic counts what was read.
type Traffic struct {
	Packets    uint64        `json:"packets,omitempty"` // of captures
	Decoded    uint64        `json:"decoded,omitempty"` // of these
	Refused    uint64        `json:"refused,omitempty"` // by the filter
	NotDecoded []Reason      `json:"not_decoded,omitempty"`
	Lost       uint64        `json:"lost,omitempty"`  // by the capture's own count: packets lost before it was written
	Lines      uint64        `json:"lines,omitempty"` // of logs
	BadLines   uint64        `json:"bad_lines,omitempty"`
	Flows      uint64        `json:"flows"`
	Evicted    uint64        `json:"evicted,omitempty"` // flows that ended early because memory was full
	NoSide     uint64        `json:"no_side,omitempty"` // flows whose service end is not known
	Statuses   []StatusCount `json:"statuses,omitempty"`
	Losses     Losses        `json:"losses,omitzero"`
}

// Reason counts the packets that belong to no flow for one reason.
type Reason struct {
	Reason  string `json:"reason"`
	Packets uint64 `json:"packets"`
}

// StatusCount counts flows by the status of their service port.
type StatusCount struct {
	Status iana.Status `json:"status"`
	Flows  uint64      `json:"flows"`
}

// PolicyRef is the policy, and the use of each entry.
type PolicyRef struct {
	File     string        `json:"file"`
	Expected []PolicyEntry `json:"expected"`
	Ignore   []PolicyEntry `json:"ignore,omitempty"`
}

// PolicyEntry is an entry of the policy with the traffic that it covered.
type PolicyEntry struct {
	Line     int    `json:"line"`
	Label    string `json:"label"`
	Text     string `json:"text"`
	Owner    string `json:"owner,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Ticket   string `json:"ticket,omitempty"`
	Expires  string `json:"expires,omitempty"` // the last day
	Services uint64 `json:"services"`
	Flows    uint64 `json:"flows"`
}

// RuleSet is one firewall's rules with the traffic that they decide.
type RuleSet struct {
	Kind  string     `json:"kind"`
	Files []string   `json:"files"`
	Rules []RuleUse  `json:"rules"`
	Notes []RuleNote `json:"not_interpreted,omitempty"`
	// Reasons are what the policy has for each rule that lets connections through; nil
	// without a policy.
	Reasons []RuleReasons `json:"reasons,omitempty"`
	// Truncated says that the rules have more paths than the review looks at.
	Truncated bool `json:"truncated,omitempty"`
}

// RuleUse is a rule with the flows that it decides.
type RuleUse struct {
	ID       string `json:"id"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Chain    string `json:"chain,omitempty"`
	Text     string `json:"text"`
	Comment  string `json:"comment,omitempty"`
	Action   string `json:"action"` // allow, deny or unknown
	Partial  string `json:"not_interpreted,omitempty"`
	Flows    uint64 `json:"flows"`    // the sum of Decided and Possible
	Decided  uint64 `json:"decided"`  // flows that the rule decides
	Possible uint64 `json:"possible"` // flows that the rule may decide
	Services uint64 `json:"services"` // services that have any of these flows
	// Bytes of these flows, where they are known: see Service.Bytes.
	Bytes uint64 `json:"bytes,omitempty"`
	// Assumes is what verdicts that rest on the rule assume; "" for nothing.
	Assumes string `json:"assumes,omitempty"`
	// Counter is the firewall's own, where its rules tell.
	Counter *RuleCounter `json:"counter,omitempty"`
	First   Time         `json:"first,omitzero"`
	Last    Time         `json:"last,omitzero"`
}

// RuleCounter is how many packets and bytes a firewall counted for a rule since the
// counter was last reset.
type RuleCounter struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// RuleNote is something in a rules file that is not interpreted.
type RuleNote struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Text   string `json:"text"`
	Reason string `json:"reason"`
}

// Summary counts the services and findings of the report.
type Summary struct {
	Services int         `json:"services"`
	Outcomes []NameCount `json:"outcomes,omitempty"` // of services
	Statuses []NameCount `json:"statuses,omitempty"` // of services, by registration
	Policies []NameCount `json:"policy,omitempty"`   // of services
	Levels   []NameCount `json:"levels,omitempty"`   // of findings
	Kinds    []NameCount `json:"kinds,omitempty"`    // likewise
	Accepted int         `json:"accepted,omitempty"` // findings that the policy takes as known
	Highest  Level       `json:"highest,omitzero"`   // level of the gravest finding
}

// Classes are the groups of services in the charts of a report. With a policy, a
// service is expected, or unexpected: the entry has expired, some clients are not
// expected, or there is no entry. Without a policy, a service that answered, or may
// have answered, is seen. Any other service, such as one that never answered or
// that the policy ignores, is other.
var Classes = [NumClasses]string{"expected", "unexpected", "seen", "other"}

// NumClasses is the number of classes.
const NumClasses = 4

// Charts has the numbers of a report's charts, for all services.
type Charts struct {
	// Statuses count services by registration, in classes.
	Statuses []StatusClasses `json:"statuses,omitempty"`
	// FirstSeen divides the window into equal parts, and counts the services
	// that were first seen in each part. It is empty if there is no window.
	FirstSeen [][NumClasses]int `json:"first_seen,omitempty"`
}

// StatusClasses count services of one status.
type StatusClasses struct {
	Status iana.Status     `json:"status"`
	Counts [NumClasses]int `json:"counts"`
}

// NameCount is a name with a number.
type NameCount struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Registration is what the registry says of a service's port. Its members have the
// names of the fields of a flow's record, below portannot.registered.
type Registration struct {
	Status       iana.Status   `json:"status"`
	Names        []string      `json:"names,omitempty"`
	Description  string        `json:"description,omitempty"`
	Span         string        `json:"span,omitempty"`
	Registered   string        `json:"registration_date,omitempty"`
	Unauthorized string        `json:"unauthorized_use,omitempty"`
	Deassigned   *Deassignment `json:"deassigned,omitempty"`
	Siblings     []string      `json:"siblings,omitempty"`
	// Edition is that of this registration, where it is not that of the report.
	Edition string `json:"edition,omitempty"`
	// Later is what the port, not assigned then, was registered for after the day for
	// which the registry was asked.
	Later *LaterRegistration `json:"registered_later,omitempty"`
}

// LaterRegistration is a registration that is younger than the traffic.
type LaterRegistration struct {
	Name         string `json:"name,omitempty"`
	Description  string `json:"description,omitempty"`
	Registered   string `json:"registration_date,omitempty"`
	FirstEdition string `json:"edition,omitempty"` // the first known one with it
}

// Name gives the preferred name, or "".
func (r *Registration) Name() string {
	if len(r.Names) == 0 {
		return ""
	}
	return r.Names[0]
}

// Deassignment says when a port was de-assigned, and its name before.
type Deassignment struct {
	Date string `json:"date,omitempty"`
	Name string `json:"name,omitempty"`
}

// Service is a service that was seen in the traffic.
type Service struct {
	ID         string       `json:"id"`
	Server     string       `json:"server"`
	Transport  string       `json:"transport"`
	Port       uint16       `json:"port"`
	Registered Registration `json:"registered"`
	Local      string       `json:"local,omitempty"`    // the user's own name
	Observed   string       `json:"observed,omitempty"` // protocol that the payload looks like
	Verdict    string       `json:"verdict,omitempty"`  // whether it agrees with the registration
	Role       Role         `json:"role"`
	// Outcome is "answered", "refused", or "attempted" if nothing answered. It
	// is "seen" if that is not known, or if no answer was to be expected.
	Outcome string      `json:"outcome"`
	States  []NameCount `json:"states,omitempty"` // of flows
	Flows   uint64      `json:"flows"`
	Packets uint64      `json:"packets,omitempty"`
	// Bytes of both directions, by the length fields of the IP headers.
	Bytes uint64 `json:"bytes,omitempty"`
	// Uncounted is how many of the flows came without counters.
	Uncounted uint64   `json:"uncounted,omitempty"`
	First     Time     `json:"first,omitzero"`
	Last      Time     `json:"last,omitzero"`
	Clients   Clients  `json:"clients"`
	Policy    string   `json:"policy,omitempty"` // expected, partly, unexpected, expired or ignored; "" without a policy
	Entries   []string `json:"entries,omitempty"`
	Rules     *Ruled   `json:"rules,omitempty"`
	Findings  []string `json:"findings,omitempty"` // identifiers
	Accepted  []Kind   `json:"accepted,omitempty"` // kinds that the policy takes as known
	// Highest is the highest level of the findings.
	Highest Level `json:"-"`
}

// Role says why this end of the flows is taken for the service: see
// [annotate.Service].
type Role struct {
	Reason     string `json:"reason"`
	Confidence string `json:"confidence"`
}

// Clients counts the clients of a service.
type Clients struct {
	Count int `json:"count"`
	// AtLeast is set if there were more clients than the Collector keeps. Count
	// is then a lower bound.
	AtLeast bool     `json:"at_least,omitempty"`
	Most    []Client `json:"most"` // those with the most flows
	// Others are the other clients that are kept, for comparisons; only with
	// Context.AllClients.
	Others []Client `json:"others,omitempty"`
}

// whole reports whether the list names all clients.
func (c *Clients) whole() bool { return !c.AtLeast && len(c.Most)+len(c.Others) == c.Count }

// Client is a client of a service.
type Client struct {
	Address string `json:"address"`
	Flows   uint64 `json:"flows"`
	// Answered counts those of the flows that were more than tries: they were
	// answered, or may have been.
	Answered uint64 `json:"answered,omitempty"`
}

// Ruled says what the rules decide for the flows of a service.
type Ruled struct {
	Verdict string      `json:"verdict"` // allow, deny, unknown, or mixed
	Allow   uint64      `json:"allow,omitempty"`
	Deny    uint64      `json:"deny,omitempty"`
	Unknown uint64      `json:"unknown,omitempty"`
	By      []RuleFlows `json:"by,omitempty"`
	Why     string      `json:"why,omitempty"`
	// Assumes is what the verdicts assume, with the rules.
	Assumes []string `json:"assumes,omitempty"`
}

// RuleFlows counts the flows of a service that a rule decides.
type RuleFlows struct {
	Rule    string `json:"rule"` // its identifier
	Verdict string `json:"verdict"`
	Flows   uint64 `json:"flows"`
}

// Pair is two addresses with flows between them for which it is not known which
// end is the service.
type Pair struct {
	A         string      `json:"a"`
	B         string      `json:"b"`
	Transport string      `json:"transport"`
	PortsA    []uint16    `json:"ports_a"`
	PortsB    []uint16    `json:"ports_b"`
	States    []NameCount `json:"states,omitempty"`
	Flows     uint64      `json:"flows"`
	Packets   uint64      `json:"packets,omitempty"`
	Bytes     uint64      `json:"bytes,omitempty"`
	First     Time        `json:"first,omitzero"`
	Last      Time        `json:"last,omitzero"`
}

// Scanner is a client that tried very many services in vain. Services that only
// scanners tried, and that did not answer, are not in Report.Services.
type Scanner struct {
	Address  string      `json:"address"`
	Targets  uint64      `json:"targets"`
	AtLeast  bool        `json:"at_least,omitempty"` // some targets are counted as flows only
	Answered uint64      `json:"answered"`
	Ignored  bool        `json:"ignored,omitempty"` // by the policy
	Servers  int         `json:"servers"`
	Ports    int         `json:"ports"`
	Flows    uint64      `json:"flows"`
	States   []NameCount `json:"states,omitempty"`
	First    Time        `json:"first,omitzero"`
	Last     Time        `json:"last,omitzero"`
	Samples  []string    `json:"samples"`
}

// Comparison lists the differences from an earlier report.
type Comparison struct {
	Window  Window   `json:"window"` // of the earlier report
	New     []string `json:"new"`    // services
	Gone    []string `json:"gone"`
	Changed []Change `json:"changed"`
}

// RulesComparison says how rules were compared with earlier ones: both were asked
// about the same first packets.
type RulesComparison struct {
	Files     []string `json:"files"`
	Asked     int      `json:"asked"`               // packets
	Undecided int      `json:"undecided,omitempty"` // of these, those of which one side does not decide
	Truncated bool     `json:"truncated,omitempty"` // there was more to ask
}

// Change is one difference of a service from an earlier report.
type Change struct {
	Service string `json:"service"`
	What    string `json:"what"`
	Before  string `json:"before"`
	Now     string `json:"now"`
}

// IsReport reports whether a file that begins with data is a report that was
// written as JSON.
func IsReport(data []byte) bool {
	head := strings.Join(strings.Fields(string(data[:min(len(data), 256)])), "")
	return strings.HasPrefix(head, `{"format":"`+Format+`"`)
}

// maxReport bounds a report that is read, in bytes.
const maxReport = 1 << 30

// ReadReport reads a report that was written as JSON. name is its name in
// errors.
func ReadReport(r io.Reader, name string) (*Report, error) {
	dec := json.NewDecoder(io.LimitReader(r, maxReport))
	var rep Report
	if err := dec.Decode(&rep); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			err = fmt.Errorf("byte %d: %w", syntax.Offset, err)
		}
		return nil, fmt.Errorf("read report %s: not the JSON of portannot review: %w", name, err)
	}
	switch {
	case rep.Format != Format:
		return nil, fmt.Errorf("read report %s: not written by portannot review -o json (its format is %q)", name, rep.Format)
	case rep.Version != Version:
		return nil, fmt.Errorf("read report %s: version %d is not known here, only %d", name, rep.Version, Version)
	}
	return &rep, nil
}
