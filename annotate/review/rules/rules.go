// Package rules reads what a firewall allows, from the text that its own tools
// print, and answers for one connection at a time: allowed, denied, or not
// known, and by which rule.
//
// A firewall decides on the first packet of a connection; what comes after
// belongs to a connection that it already knows. So the question here is always
// about a first packet: for TCP a lone SYN, and for connection tracking a packet
// in state "new". Rules that let established connections through take no part.
//
// The kinds of firewall differ in which rule has the last word. In nftables and
// iptables (netfilter) the first rule with a verdict decides within a chain, a
// drop is final, and an accept ends only the chain it stands in: a packet must
// be accepted by every base chain of its hook. In pf the last rule that matches
// decides, unless one says quick. The security groups of AWS and the network
// policies of Kubernetes only allow: what no rule names is denied, and several
// of them allow what any of them does.
//
// # What is not interpreted
//
// Rules can ask for things that no flow record knows: a mark, a user, a country,
// the load of the machine; and no reader knows all extensions. A match that is
// not interpreted is neither true nor false. A rule that has one may or may not
// apply, and what is decided then follows both ways: when they come to the same
// end, that is the answer, and when not, the answer is [Unknown] and names the
// rules that it depends on. All of these are in [Set.Notes], with their lines.
// So an answer other than Unknown never rests on a guess.
//
// Some things are taken for granted, since every first packet of a true
// connection has them: TCP's flags are SYN alone, there are no IPv6 extension
// headers, and the packet carries no mark when it comes in. Others depend on the
// moment, and the rule that asks for them says so in [Rule.Assumes]: rates,
// quotas and numbers of connections are not exceeded, and packets come in by the
// interface to which their source is routed.
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
// Read finds the kind of each file by its content (detect.go). A reader for each
// kind turns rules into conditions on the fields of a packet (packet.go), whose
// truth has three values (value.go): nft.go, nftexpr.go; iptables.go,
// iptmatch.go, ipset.go; pfread.go, pfhosts.go; aws.go; kuberead.go. Three
// deciders follow a packet: netfilter.go and walk.go for nft and iptables, pf.go,
// and unions.go for what only allows. openings.go walks the same chains with all
// packets at once.
package rules

import (
	"fmt"
	"net/netip"
)

// Verdict is what becomes of a connection. The zero value is that this is not
// known.
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

// Hook says on which way through the firewall a packet is. The zero value is
// that this is not known.
type Hook uint8

// The hooks, named from where the firewall stands.
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

// Flow is a connection that is asked for. What is not known of it makes the
// rules that ask for it uncertain.
type Flow struct {
	Protocol uint8 // IANA's protocol number: 6 is TCP, 17 UDP, 132 SCTP
	Client   netip.Addr
	Server   netip.Addr
	// ClientPort is the port that the client chose; 0 when it is not known, or
	// when the question is for any.
	ClientPort uint16
	ServerPort uint16 // in protocols that have ports
	// Hook is the way that the packet takes. AnyHook leaves this to
	// Options.Local and to addresses that no router sends on; of the ways that
	// are left, all are asked, and where they differ the verdict is Unknown.
	// Rules of netfilter that only routed packets come to are asked of these.
	Hook Hook
	// In and Out are names of interfaces, "" when not known. Not known, In
	// still is not the loopback interface, unless an address is a loopback
	// address or the two addresses are the same.
	In, Out string
}

// Decision is what the rules say of a flow.
type Decision struct {
	Verdict Verdict
	// Rule is the one that decides. It is nil when a policy, or the absence of
	// a rule, does, and when Verdict is Unknown.
	Rule *Rule
	// Depends are rules that might change the verdict, and of which it is not
	// known whether they apply; for Unknown only.
	Depends []*Rule
	// Why is one clause: what decided, or what there is to know before it can
	// be decided.
	Why string
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
	Line int // where it begins, from 1
	// ID names the rule within its set and stays the same while the rule does,
	// as far as the kind has names that do: "inet filter input handle 7".
	ID      string
	Chain   string // or the group, the policy; what it stands in
	Text    string // in the notation of its kind, on one line
	Comment string // or the label, the description; "" when there is none
	// Action is what the rule does with what it matches. Unknown stands for
	// all that is neither: a jump, a count, a mark, a verdict map with several.
	Action Verdict
	// Assumes says what is taken for granted of the rule: that a rate, a quota or
	// a number of connections is not exceeded. "" when nothing is.
	Assumes string
	// NotInterpreted says which part of the rule is not interpreted; "" when
	// all of it is.
	NotInterpreted string
}

// String gives "file:line: text".
func (r *Rule) String() string { return fmt.Sprintf("%s:%d: %s", r.File, r.Line, r.Text) }

// Opening is something that is allowed: by one rule, on one way through the
// chains that lead to it. A rule has several when it names several ports, or is
// come to by several ways.
//
// Openings do not take into account what earlier rules deny, so an opening says
// what a rule is for, and [Firewall.Decide] whether it works.
type Opening struct {
	// Rule is nil for a policy, or a default, of accept.
	Rule *Rule
	// Chain is that of the rule or the policy.
	Chain string
	Hook  Hook // AnyHook for the kinds that have none
	// Protocol is IANA's number; 0 when Any is set, which stands for every
	// protocol.
	Protocol uint8
	Any      bool
	Ports    Range // of the server; all of them when the rule names none
	// Servers and Clients hold the addresses, ordered; nil stands for all.
	Servers, Clients []netip.Prefix
	In, Out          string // interfaces, with the wildcards of the kind; "" for any
	// Partly is set when matches that are not interpreted, or that an opening
	// has no room for (client ports, a negation), narrow it.
	Partly bool
}

// Covers reports whether a service lies in the opening.
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
	// Rule is the rule in which it stands; nil when it is none.
	Rule *Rule
}

// String gives "file:line: reason: text".
func (n Note) String() string { return fmt.Sprintf("%s:%d: %s: %s", n.File, n.Line, n.Reason, n.Text) }

// Set is what is read of one firewall's rules.
type Set struct {
	Kind  Kind
	Files []string // it was read from
	Rules []*Rule  // in the order of the files
	// Notes are what is not interpreted, in the order of the files.
	Notes []Note
	// Openings are what is allowed, in the order in which packets come to the
	// rules, policies last.
	Openings []Opening
	// Truncated is set when there were more openings than are kept.
	Truncated bool

	decider decider
}

// decider is how a kind of firewall decides.
type decider interface {
	// decide says what becomes of f. covered is false when the set does not
	// deal with such packets at all.
	decide(f *Flow) (d Decision, covered bool)
}

// Decide says what the set alone does with the first packet of a connection.
func (s *Set) Decide(f *Flow) Decision {
	d, covered := s.ask(f)
	if !covered {
		d = Decision{Why: "no rules for such packets"}
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
