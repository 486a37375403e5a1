package review

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/portannot/portannot/annotate/review/rules"
)

// RuleReasons is what the policy has for a rule, or a default, that lets connections
// through: who needs it, for what, until when, and what is missing to say so.
type RuleReasons struct {
	Rule string `json:"rule"` // RuleUse.ID, or "default of input"
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Allows is what the rule is meant to let through, in words; empty where Note says
	// why it is not said.
	Allows []string `json:"allows,omitempty"`
	// Entries are those of the policy that are about it, or that expect flows of it.
	Entries []RuleReason `json:"entries,omitempty"`
	// Expected and NotExpected count flows that the rule decides: those that an entry
	// expects, and those that none does or that only an expired one did.
	Expected    uint64 `json:"expected"`
	NotExpected uint64 `json:"not_expected"`
	// Note says why the rule needs no reason, or why it is not known what it allows.
	Note     string   `json:"note,omitempty"`
	Missing  []string `json:"missing,omitempty"`
	Findings []string `json:"findings,omitempty"` // about the rule: their identifiers
}

// RuleReason is an entry of the policy that is about what a rule allows.
type RuleReason struct {
	Line    int    `json:"line"`
	Label   string `json:"label"`
	Owner   string `json:"owner,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Ticket  string `json:"ticket,omitempty"`
	Expires string `json:"expires,omitempty"` // the last day
	Expired bool   `json:"expired,omitempty"`
	Flows   uint64 `json:"flows"` // that the rule decides and that the entry covers
}

// reasons finds what the policy has for each rule that allows something.
func (f *finder) reasons(sets []RuleSet) {
	found := f.ruleFindings()
	from := 0
	for i, s := range f.c.firewall.rules.Sets {
		openings := f.c.firewall.openings[from : from+len(s.Openings)]
		from += len(s.Openings)
		byRule, chains := map[*rules.Rule][]*opening{}, map[string][]*opening{}
		var defaults []string
		for j := range openings {
			o := &openings[j]
			if o.Rule != nil {
				byRule[o.Rule] = append(byRule[o.Rule], o)
				continue
			}
			if chains[o.Chain] == nil {
				defaults = append(defaults, o.Chain)
			}
			chains[o.Chain] = append(chains[o.Chain], o)
		}
		list := []RuleReasons{}
		for _, r := range s.Rules {
			if r.Action != rules.Allow && byRule[r] == nil {
				continue
			}
			x := RuleReasons{Rule: ruleID(r), File: r.File, Line: r.Line, Findings: found[rulePlace{ruleID(r), r.File, r.Line}]}
			f.reasonsFor(&x, r, byRule[r], s.Truncated)
			list = append(list, x)
		}
		for _, chain := range defaults {
			x := RuleReasons{Rule: "default of " + chain}
			x.Findings = found[rulePlace{subject: x.Rule}]
			f.reasonsFor(&x, nil, chains[chain], s.Truncated)
			list = append(list, x)
		}
		sets[i].Reasons = list
	}
}

// rulePlace tells rules apart that have the same name in several files.
type rulePlace struct {
	subject, file string
	line          int
}

// ruleFindings lists the findings about rules and defaults.
func (f *finder) ruleFindings() map[rulePlace][]string {
	found := map[rulePlace][]string{}
	f.findings.inOrder(func(_ Level, k Kind, list []claim) {
		switch k {
		case ExposedByRules, RuleShadowed, RuleRedundant, RuleDated, AllowedNeverSeen, BroadRange, CommentContradicts:
		default:
			return
		}
		for _, x := range list {
			if x.words != nil {
				at := rulePlace{x.words.Subject, x.words.File, x.words.Line}
				found[at] = append(found[at], x.words.ID)
			}
		}
	})
	return found
}

// reasonsFor fills x with what the policy has for the openings of a rule; r is nil for
// a default.
func (f *finder) reasonsFor(x *RuleReasons, r *rules.Rule, list []*opening, truncated bool) {
	say := func(format string, args ...any) { x.Missing = append(x.Missing, fmt.Sprintf(format, args...)) }
	switch {
	case len(list) == 0 && r.NotInterpreted == "" && !truncated:
		x.Note = "opens no connection of its own"
		return
	case len(list) == 0:
		x.Note = "what it allows is not known"
		say("what it allows: %s", cmp.Or(r.NotInterpreted, "the rules have more paths than are followed"))
		return
	case !slices.ContainsFunc(list, func(o *opening) bool { return !loopback(o.In) && !loopback(o.Out) }):
		x.Note = "of the machine with itself"
		return
	}
	var use *ruleUse
	if r != nil {
		use = f.c.firewall.use[r]
	} else {
		say("a rule of its own: a default allows it")
	}
	about := map[*Entry]bool{}
	var open, part, unsure []string
	why := ""
	for _, o := range list {
		if loopback(o.In) || loopback(o.Out) {
			continue
		}
		text := openingText(o.Opening)
		if o.In != "" {
			text += " in by " + o.In
		}
		if o.Out != "" {
			text += " out by " + o.Out
		}
		if slices.Contains(x.Allows, text) {
			continue
		}
		x.Allows = append(x.Allows, text)
		c := f.cover(o, about)
		if narrowed := f.narrowed(o, use); narrowed != "" && !c.whole && (c.some || use != nil && use.outside > 0) {
			unsure, why = append(unsure, text), narrowed
			continue
		}
		switch {
		case c.unfinished:
			unsure, why = append(unsure, text), "there are too many addresses"
		case c.whole:
		case c.some:
			part = append(part, text)
		default:
			open = append(open, text)
		}
	}
	if len(open) > 0 {
		say("an entry of the policy about %s", sample(open, 3))
	}
	if len(part) > 0 {
		say("an entry about the rest of %s, of which entries cover a part", sample(part, 3))
	}
	if len(unsure) > 0 {
		say("whether entries cover all of %s: not known, because %s", sample(unsure, 3), why)
	}
	if use != nil {
		x.Expected, x.NotExpected = use.wanted()
		for e := range use.entries {
			about[e] = true
		}
	}
	f.entriesFor(x, about, use)
	if x.NotExpected > 0 {
		say("an entry for %s of %d that the rule decided", plural(x.NotExpected, "flow"), use.decided)
	}
	if r != nil && use == nil && !f.noTraffic {
		say("any use: nothing was seen of it%s", f.inWindow())
	}
	if r != nil && r.NotInterpreted != "" {
		say("what a part of the rule means: %s", r.NotInterpreted)
	}
}

// entriesFor lists the entries that are about a rule, and what they do not say.
func (f *finder) entriesFor(x *RuleReasons, about map[*Entry]bool, use *ruleUse) {
	lacking := map[string][]string{}
	for _, e := range f.c.opt.Policy.Expected {
		if !about[e] {
			continue
		}
		y := RuleReason{Line: e.Line, Label: e.Label(), Owner: e.Owner, Reason: e.Reason, Ticket: e.Ticket}
		if use != nil {
			if n := use.entries[e]; n != nil {
				y.Flows = *n
			}
		}
		if !e.Expires.IsZero() {
			y.Expires, y.Expired = lastDay(e), f.over(e)
		}
		x.Entries = append(x.Entries, y)
		if y.Expired {
			x.Missing = append(x.Missing, fmt.Sprintf("an entry in force: %q ended on %s", y.Label, y.Expires))
			continue
		}
		for _, part := range []Fact{{"business reason", e.Reason}, {"owner", e.Owner}, {"ticket", e.Ticket}} {
			if part.Value == "" {
				lacking[part.Name] = append(lacking[part.Name], fmt.Sprintf("%q", e.Label()))
			}
		}
	}
	for _, name := range []string{"business reason", "owner", "ticket"} {
		if list := lacking[name]; len(list) > 0 {
			x.Missing = append(x.Missing, fmt.Sprintf("the %s of %s", name, sample(list, 3)))
		}
	}
}

// over reports whether an entry has expired today, or at the end of the window where
// today is not known.
func (f *finder) over(e *Entry) bool { return e.expired(f.today().UnixNano()) }

// today is the day of the review.
func (f *finder) today() time.Time {
	if f.c.opt.Now.IsZero() && f.window.Last != 0 {
		return time.Unix(0, int64(f.window.Last))
	}
	return f.c.opt.Now
}

// narrowed says why a rule may allow less than its opening, or something else, so
// that an entry may cover all of it though it does not cover the opening; "" if not.
func (f *finder) narrowed(o *opening, use *ruleUse) string {
	switch {
	case use != nil && use.outside > 0:
		return "addresses or ports are translated on the way"
	case o.Partly:
		return "the rule has matches that are not interpreted, or not shown here"
	case o.In != "" && f.behind(o.In) == nil, o.Out != "" && f.behind(o.Out) == nil:
		return "the rule names an interface, and it is not known what is behind it (--interfaces)"
	}
	return ""
}

// behind gives the networks behind an interface; nil where they are not known, or are
// all the rest.
func (f *finder) behind(name string) []netip.Prefix {
	for _, x := range f.c.firewall.rules.Interfaces {
		if x.Name == name && !x.Default {
			return x.Networks
		}
	}
	return nil
}

// wanted counts the flows that a rule decides and lets through: those that entries in
// force expected, and those that nothing did.
func (u *ruleUse) wanted() (expected, others uint64) {
	for _, n := range u.entries {
		expected += *n
	}
	return expected, u.unwanted
}

// coverage says how much of an opening the policy is about.
type coverage struct{ whole, some, unfinished bool }

// maxCoverSteps bounds the work for one opening.
const maxCoverSteps = 10_000

// cover compares an opening with the entries of the policy that are in force, and
// notes those that are about it, and expired ones.
func (f *finder) cover(o *opening, about map[*Entry]bool) (c coverage) {
	areas := areasOf(o, f.behind(o.In), f.behind(o.Out))
	if areas == nil {
		c.unfinished = true
		return c
	}
	var entries []*Entry
	for _, e := range f.c.opt.Policy.Expected {
		if !slices.ContainsFunc(areas, func(a area) bool { _, ok := a.meet(e); return ok }) {
			continue
		}
		about[e] = true
		if !f.over(e) {
			entries = append(entries, e)
			c.some = true
		}
	}
	for steps := 0; len(areas) > 0; steps++ {
		if steps == maxCoverSteps {
			c.unfinished = true
			return c
		}
		a := areas[len(areas)-1]
		areas = areas[:len(areas)-1]
		met := false
		for _, e := range entries {
			b, ok := a.meet(e)
			if ok && (!a.any || b.any) {
				areas = a.without(areas, b)
				met = true
				break
			}
		}
		if !met {
			return c // something is left
		}
	}
	c.whole = true
	return c
}

// area is ports of servers for clients.
type area struct {
	protocol       uint8
	any            bool // every protocol
	first, last    uint16
	server, client netip.Prefix
}

// maxAreas bounds the pairs of servers and clients of one opening.
const maxAreas = 4096

// anywhere are all addresses, of both families.
var anywhere = []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}

// areasOf gives what an opening is about, with what is behind its interfaces; nil if
// that is too much.
func areasOf(o *opening, behindIn, behindOut []netip.Prefix) []area {
	side := func(list, behind []netip.Prefix) []netip.Prefix {
		if list == nil {
			list = anywhere
		}
		if behind == nil {
			return list
		}
		var both []netip.Prefix
		for _, p := range list {
			for _, q := range behind {
				if p.Overlaps(q) {
					both = append(both, narrower(p, q))
				}
			}
		}
		return both
	}
	servers, clients := side(o.Servers, behindOut), side(o.Clients, behindIn)
	if len(servers)*len(clients) > maxAreas {
		return nil
	}
	areas := []area{}
	for _, s := range servers {
		for _, c := range clients {
			if s.Addr().Is4() == c.Addr().Is4() {
				areas = append(areas, area{o.Protocol, o.Any, max(o.Ports.First, min(1, o.Ports.Last)), o.Ports.Last, s, c})
			}
		}
	}
	return areas
}

func narrower(p, q netip.Prefix) netip.Prefix {
	if p.Bits() > q.Bits() {
		return p
	}
	return q
}

// meet gives a part of the area that the entry is about.
func (a area) meet(e *Entry) (b area, ok bool) {
	if b, ok = a.meetPorts(e); !ok {
		return b, false
	}
	if b.server, ok = meetSide(a.server, e.Servers); !ok {
		return b, false
	}
	b.client, ok = meetSide(a.client, e.Clients)
	return b, ok
}

func (a area) meetPorts(e *Entry) (b area, ok bool) {
	if e.Ports == nil {
		return a, true
	}
	hasPorts := a.any || !transportUnknown(a.protocol)
	for _, p := range e.Ports {
		if !hasPorts || p.Protocol != 0 && !a.any && p.Protocol != a.protocol || p.First > a.last || a.first > p.Last {
			continue
		}
		b = a
		b.first, b.last = max(p.First, a.first), min(p.Last, a.last)
		b.any = false // ports are not every protocol
		return b, true
	}
	return b, false
}

func meetSide(p netip.Prefix, list []netip.Prefix) (netip.Prefix, bool) {
	if list == nil {
		return p, true
	}
	for _, q := range list {
		if p.Overlaps(q) {
			return narrower(p, q), true
		}
	}
	return p, false
}

// without appends what is left of the area when a part of it is taken out.
func (a area) without(list []area, part area) []area {
	if part.first > a.first {
		left := a
		left.last = part.first - 1
		list = append(list, left)
	}
	if part.last < a.last {
		right := a
		right.first = part.last + 1
		list = append(list, right)
	}
	a.first, a.last = part.first, part.last
	for _, p := range around(a.server, part.server) {
		rest := a
		rest.server = p
		list = append(list, rest)
	}
	a.server = part.server
	for _, p := range around(a.client, part.client) {
		rest := a
		rest.client = p
		list = append(list, rest)
	}
	return list
}

// around gives the prefixes that, with part, make up whole.
func around(whole, part netip.Prefix) (list []netip.Prefix) {
	for bits := whole.Bits() + 1; bits <= part.Bits(); bits++ {
		b := part.Addr().AsSlice()
		b[(bits-1)/8] ^= 1 << (7 - (bits-1)%8)
		sibling, _ := netip.AddrFromSlice(b)
		list = append(list, netip.PrefixFrom(sibling, bits).Masked())
	}
	return list
}
