// Package rules reads firewall rules from the text that the firewall's own
// tools print. It answers for one connection at a time: whether it is allowed,
// denied, or not known, and by which rule.
//
// A firewall decides on the first packet of a connection. Later packets belong
// to a connection that it already knows. So this package always asks about a
// first packet: a lone SYN for TCP, and state "new" for connection tracking.
// Rules that let established connections through do not matter here.
//
// Kinds of firewalls differ in which rule decides. In nftables and iptables
// (netfilter) the first rule with a verdict decides within a chain. A drop is
// final, but an accept ends only its own chain: every base chain of a hook must
// accept the packet. In pf the last rule that matches decides, or the first one
// with the word quick. The security groups of AWS and the network policies of
// Kubernetes can only allow. They deny what none of their rules allows, and
// together they allow what any one of them allows.
//
// # What is not interpreted
//
// Rules can test things that no flow record has, such as a mark, a user, a
// country or the load of the machine. Also, no reader knows all extensions. A
// match that is not interpreted is neither true nor false, so its rule may or
// may not apply. The decision is then made for both cases. If both give the same
// answer, that is the answer. If not, the answer is [Unknown], with the rules on
// which it depends. [Set.Notes] lists all matches that are not interpreted, with
// their lines. So an answer other than Unknown never rests on a guess.
//
// Some assumptions hold for every first packet of a real connection: SYN is the
// only TCP flag, there are no IPv6 extension headers, and an arriving packet has
// no mark. Other assumptions depend on the moment: rates, quotas and numbers of
// connections are not exceeded, and packets arrive at the interface to which
// their source address is routed. [Rule.Assumes] says which of these a rule
// needs.
//
// # Use
//
//	fw, err := rules.Read([]rules.Source{{Name: "ruleset.json", Reader: f}}, rules.Options{})
//	…
//	d := fw.Decide(&rules.Flow{Protocol: 6, Client: c, Server: s, ServerPort: 443})
//	fmt.Println(d.Verdict, d.Why)
//
// # Design
//
// Read recognises the kind of each file by its content (detect.go). A reader for
// each kind turns rules into conditions on the fields of a packet (packet.go). A
// condition is true, false or unknown (value.go). The readers are nft.go,
// nftexpr.go; iptables.go, iptmatch.go, ipset.go; pfread.go, pfhosts.go, pftable.go, pfmove.go; aws.go, awsacl.go;
// kuberead.go; table.go, tablecell.go; asa.go, asaservice.go, asaaccess.go, asanat.go;
// pfsense.go, pfsenserule.go. Three deciders follow a packet: netfilter.go and walk.go
// for nft, iptables, the table and ASA, pf.go for pf and pfSense, and unions.go for the
// kinds that can only allow.
// openings.go walks the same chains with all packets at once.
package rules

import (
	"fmt"
	"net/netip"
)

// Verdict says what a firewall does with a connection. The zero value is
// Unknown.
type Verdict uint8

// The verdicts.
const (
	Unknown Verdict = iota
	Allow
	Deny // dropped or rejected
)

var verdictNames = [...]string{Unknown: "unknown", Allow: "allow", Deny: "deny"}

// String gives "unknown", "allow" or "deny".
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return fmt.Sprintf("verdict %d", uint8(v))
}

// MarshalText gives the same as String.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Hook says which way a packet takes through the firewall. The zero value,
// AnyHook, means that this is not known.
type Hook uint8

// The hooks, as the firewall sees them.
const (
	AnyHook Hook = iota
	Input        // to the firewall itself
	Forward      // through it
	Output       // from it
)

var hookNames = [...]string{AnyHook: "", Input: "input", Forward: "forward", Output: "output"}

// String gives "input", "forward", "output", or "" for AnyHook.
func (h Hook) String() string {
	if int(h) < len(hookNames) {
		return hookNames[h]
	}
	return fmt.Sprintf("hook %d", uint8(h))
}

// MarshalText gives the same as String.
func (h Hook) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// Flow is a connection to decide on. A rule that tests a field that is not
// known may or may not apply.
type Flow struct {
	Protocol uint8 // IANA's protocol number: 6 is TCP, 17 UDP, 132 SCTP
	Client   netip.Addr
	Server   netip.Addr
	// ClientPort is the port that the client chose; 0 if it is not known, or
	// may be any.
	ClientPort uint16
	ServerPort uint16 // valid if the protocol has ports
	// Hook is the way that the packet takes. If Hook is AnyHook, the hooks that are
	// possible follow from Options.Local, and from addresses that no router
	// forwards. The rules are asked for each hook that is left, and if the answers
	// differ the verdict is Unknown. A set of netfilter rules that has only forward
	// chains is asked for Forward.
	Hook Hook
	// In and Out are names of interfaces; "" if not known. An unknown In is not
	// the loopback interface, unless an address is a loopback address or both
	// addresses are the same.
	In, Out string
}

// Decision is what the rules say about a flow.
type Decision struct {
	Verdict Verdict
	// Rule is the rule that decides. It is nil if a policy or the absence of a
	// rule decides, and if Verdict is Unknown.
	Rule *Rule
	// Also are the other rules that let the packet through, each of which it had to
	// have: of other chains, of the way out, of other sets.
	Also []*Rule
	// Depends are the rules on which an Unknown verdict depends: they may or
	// may not apply. It is empty for other verdicts.
	Depends []*Rule
	// Why is one clause: what decided, or what must be known to decide.
	Why string
	// Assumes are the rules whose Assumes the verdict rests on: see [Rule]. A rate
	// that was exceeded would have had another verdict.
	Assumes []*Rule
	// Missing says what is not known, if the verdict is Unknown.
	Missing Missing
	// Apart is set if the flow does not come to the firewall: both ends are in
	// one network. Verdict is Unknown then, and nothing depends on it.
	Apart bool
}

// Missing is what must be known for a verdict. The zero value is for anything that
// has no value here: Decision.Why says it.
type Missing uint8

// What may be missing, each with the words for it.
const (
	MissingOther       Missing = iota
	MissingEnds                // whether the firewall itself is the client or the server
	MissingInterface           // by which interfaces the packets come and go
	MissingWay                 // whether the packets come to the firewall
	MissingReading             // what is not interpreted in the rules
	MissingMembers             // which groups, or policies, the ends belong to
	MissingTranslation         // where a packet is translated to
	MissingRules               // rules for such packets, as IPv6
	numMissing
)

var missingWords = [numMissing]string{
	MissingOther:       "whether a rule applies that asks for something no flow tells, such as a mark",
	MissingEnds:        "whether the firewall itself is the client or the server (--local or --interfaces says)",
	MissingInterface:   "by which interfaces they come and go (--interfaces says)",
	MissingWay:         "whether they pass the firewall, both ends being on one side of it",
	MissingReading:     "what parts of the rules mean that are not interpreted",
	MissingMembers:     "which groups or policies their ends belong to (the interfaces or pods, as files beside the rules, say)",
	MissingTranslation: "to which address they are translated",
	MissingRules:       "which rules are for such packets, of IPv6 for instance: none are given",
}

// String says what is missing, and what tells it.
func (m Missing) String() string {
	if m < numMissing {
		return missingWords[m]
	}
	return fmt.Sprintf("missing %d", uint8(m))
}

// Range is a range of ports, both ends included.
type Range struct{ First, Last uint16 }

// Contains reports whether port lies in the range.
func (r Range) Contains(port uint16) bool { return r.First <= port && port <= r.Last }

// Len is the number of ports in the range, 1 to 65536.
func (r Range) Len() int { return int(r.Last) - int(r.First) + 1 }

// String gives "22" or "8000-8999".
func (r Range) String() string {
	if r.First == r.Last {
		return fmt.Sprint(r.First)
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

var allPorts = Range{0, 65535}

// Rule is one rule as it was written.
type Rule struct {
	File string
	Line int // where the rule begins, from 1
	// ID names the rule within its set: "inet filter input handle 7". It stays
	// the same as long as the rule does, if the kind has such names.
	ID      string
	Chain   string // the chain, group or policy that has the rule
	Text    string // in the notation of its kind, on one line
	Comment string // comment, label or description; "" if there is none
	// Action is what the rule does with packets that match. It is Unknown if
	// that is neither Allow nor Deny: a jump, a count, a mark, or a verdict map
	// with several verdicts.
	Action Verdict
	// Assumes says what decisions assume about the rule, such as that a rate, a
	// quota or a number of connections is not exceeded; "" for nothing.
	Assumes string
	// Counter is what the firewall itself counted; nil if the file does not say.
	Counter *Counter
	// NotInterpreted says which part of the rule is not interpreted; "" if the
	// whole rule is.
	NotInterpreted string
}

// Counter is a firewall's own count of a rule: of all packets that matched, not
// only of first ones, since it was last reset.
type Counter struct{ Packets, Bytes uint64 }

// String gives "file:line: text".
func (r *Rule) String() string { return fmt.Sprintf("%s:%d: %s", r.File, r.Line, r.Text) }

// Opening is what one rule allows, on one path through the chains that lead to
// it. A rule has several openings if it names several ports or several paths
// lead to it.
//
// Openings do not consider what earlier rules deny. So an opening says what a
// rule is meant to allow; [Firewall.Decide] says whether it does.
type Opening struct {
	// Rule is nil if an accept policy or a default allows it.
	Rule *Rule
	// Chain is the chain of the rule or of the policy.
	Chain string
	Hook  Hook // AnyHook for kinds without hooks
	// Protocol is IANA's number. It is 0 if Any is set, which means every
	// protocol.
	Protocol uint8
	Any      bool
	Ports    Range // of the server; all ports if the rule names none
	// Servers and Clients are sorted addresses; nil means all addresses.
	Servers, Clients []netip.Prefix
	In, Out          string // interfaces, with the wildcards of the kind; "" for any
	// Partly is set if the rule allows less than the opening says: it has
	// matches that are not interpreted, or that an Opening cannot express
	// (client ports, a negation).
	Partly bool
}

// Covers reports whether the opening includes a service.
func (o *Opening) Covers(protocol uint8, server netip.Addr, port uint16) bool {
	return (o.Any || o.Protocol == protocol) && o.Ports.Contains(port) && (o.Servers == nil || within(server, o.Servers))
}

func within(a netip.Addr, all []netip.Prefix) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// Note is something in a rules file that is not interpreted.
type Note struct {
	File   string
	Line   int // where the element begins, from 1
	Text   string
	Reason string
	// Rule is the rule that contains it; nil if no rule does.
	Rule *Rule
}

// String gives "file:line: reason: text".
func (n Note) String() string { return fmt.Sprintf("%s:%d: %s: %s", n.File, n.Line, n.Reason, n.Text) }

// Set is the rules of one firewall.
type Set struct {
	Kind  Kind
	Files []string // files that it was read from
	Rules []*Rule  // in the order of the files
	// Notes lists what is not interpreted, in the order of the files.
	Notes []Note
	// Openings are in the order in which packets reach the rules, policies
	// last.
	Openings []Opening
	// Truncated is set if openings were left out at a limit.
	Truncated bool
	// Covered lists rules that do nothing because of one other rule.
	Covered []Cover

	decider decider
}

// decider is how a kind of firewall decides.
type decider interface {
	// decide returns the decision for f. covered is false if the set does not
	// deal with such packets at all.
	decide(f *Flow) (d Decision, covered bool)
	// cut adds the places where answers of decide may change: see Classes.
	cut(c *cuts)
}

// Decide returns what this set alone does with the first packet of a
// connection.
func (s *Set) Decide(f *Flow) Decision {
	d, covered := s.ask(f)
	if !covered {
		d = Decision{Why: "no rules for such packets", Missing: MissingRules}
	}
	return d
}

func (s *Set) ask(f *Flow) (Decision, bool) {
	g := *f
	g.Client, g.Server = g.Client.Unmap(), g.Server.Unmap()
	if s.decider == nil || !g.Client.IsValid() || !g.Server.IsValid() {
		return Decision{Why: "an address is not known"}, true
	}
	return s.decider.decide(&g)
}
