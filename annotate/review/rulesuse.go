package review

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/review/rules"
)

// ruled is what the rules say of the flows of a service.
type ruled struct {
	flows   [3]uint64 // by rules.Verdict
	worked  uint64    // flows that the rules deny and that were answered
	open    uint64    // flows that they deny, and of which it is not known whether they were
	by      []ruledBy
	room    [1]ruledBy      // for by, which seldom has more
	gravest *rules.Decision // the first with the gravest verdict
	assumes []*rules.Rule
}

// ruledBy counts the flows that a rule decides.
type ruledBy struct {
	rule    *rules.Rule
	verdict rules.Verdict
	flows   uint64
}

// maxRuledBy bounds the rules that are kept of one service.
const maxRuledBy = 8

// ruleUse is what a rule decides, and what it may decide.
type ruleUse struct {
	decided  uint64 // flows
	possible uint64 // flows of which it is not known whether the rule decides
	bytes    uint64
	outside  uint64 // flows of both that no opening of the rule covers, as they are translated
	services uint64
	first    int64
	last     int64
	// Of flows that the rule lets through: those that entries of the policy in force
	// expect, and how many nothing expects.
	entries  map[*Entry]*uint64
	unwanted uint64
}

// opening is something that the rules allow, with what was seen of it.
type opening struct {
	*rules.Opening
	flows uint64
	ports map[uint16]uint64 // flows by port; of ranges only
	first int64
	last  int64
}

// firewall keeps what traffic shows of rules.
type firewall struct {
	rules    *rules.Firewall
	openings []opening
	use      map[*rules.Rule]*ruleUse
	missing  map[rules.Missing]*uint64 // flows on which the rules do not decide, by what is missing
	assumed  uint64                    // flows whose verdict rests on something that is assumed
	apart    uint64                    // flows that do not come to the firewall
}

func newFirewall(fw *rules.Firewall) *firewall {
	f := &firewall{rules: fw, use: map[*rules.Rule]*ruleUse{}, missing: map[rules.Missing]*uint64{}}
	for _, s := range fw.Sets {
		for i := range s.Openings {
			f.openings = append(f.openings, opening{Opening: &s.Openings[i]})
		}
	}
	return f
}

// add counts a flow of a service. x is what the policy has for it, nil without a policy.
func (fw *firewall) add(s *service, f *Flow, cl *client, d *answer, x *expectation) {
	if d.Apart {
		fw.apart += f.n()
		return
	}
	r := s.ruled
	r.flows[d.Verdict] += f.n()
	if d.missing != nil {
		*d.missing += f.n()
	}
	if len(d.Assumes) > 0 {
		fw.assumed += f.n()
	}
	for _, x := range d.Assumes {
		if len(r.assumes) < maxRuledBy && !slices.Contains(r.assumes, x) {
			r.assumes = append(r.assumes, x)
		}
	}
	// What the rules deny is graver than what they leave open.
	if r.gravest == nil || gravity(d.Verdict) > gravity(r.gravest.Verdict) {
		r.gravest = d.Decision
	}
	if d.Verdict == rules.Deny {
		switch outcomeOf(f) {
		case worked:
			r.worked += f.n()
		case mayBe:
			r.open += f.n()
		}
		if cl != nil {
			count(&cl.denied, f.n())
		}
	}
	r.count(f, d, x)
	for _, o := range d.openings {
		o.flows += f.n()
		o.first, o.last = widen(o.first, o.last, f.Start, f.Last)
		if o.Ports.First != o.Ports.Last {
			if o.ports == nil {
				o.ports = map[uint16]uint64{}
			}
			o.ports[s.key.Port] += f.n()
		}
	}
}

func gravity(v rules.Verdict) int {
	switch v {
	case rules.Deny:
		return 3
	case rules.Unknown:
		return 2
	}
	return 1
}

// count counts the flow for the rules that decide it.
func (r *ruled) count(f *Flow, d *answer, x *expectation) {
	for i := range d.parts {
		p := &d.parts[i]
		u := p.use
		if d.Verdict == rules.Unknown {
			u.possible += f.n()
		} else {
			u.decided += f.n()
			if x != nil && d.Verdict == rules.Allow {
				p.want(x, f.n())
			}
		}
		u.bytes += f.Bytes
		if p.outside {
			u.outside += f.n()
		}
		u.first, u.last = widen(u.first, u.last, f.Start, f.Last)
		i := slices.IndexFunc(r.by, func(b ruledBy) bool { return b.rule == p.rule && b.verdict == d.Verdict })
		switch {
		case i >= 0:
			r.by[i].flows += f.n()
		case len(r.by) < maxRuledBy:
			if r.by == nil {
				r.by = r.room[:0]
			}
			r.by = append(r.by, ruledBy{p.rule, d.Verdict, f.n()})
			u.services++
		}
	}
}

// want counts flows that the rule lets through, by what the policy has for them.
func (p *part) want(x *expectation, n uint64) {
	switch u := p.use; x.verdict {
	case expected:
		if p.entry != x.entry {
			if u.entries == nil {
				u.entries = map[*Entry]*uint64{}
			}
			if u.entries[x.entry] == nil {
				u.entries[x.entry] = new(uint64)
			}
			p.entry, p.wanted = x.entry, u.entries[x.entry]
		}
		*p.wanted += n
	case notExpected, expired:
		u.unwanted += n
	}
}

// report says what became of each rule.
func (fw *firewall) report() (list []RuleSet) {
	for _, s := range fw.rules.Sets {
		set := RuleSet{Kind: s.Kind.String(), Files: s.Files, Rules: []RuleUse{}, Truncated: s.Truncated}
		for _, r := range s.Rules {
			u := RuleUse{
				ID: ruleID(r), File: r.File, Line: r.Line, Chain: r.Chain, Text: r.Text, Comment: r.Comment,
				Action: r.Action.String(), Partial: r.NotInterpreted, Assumes: r.Assumes,
			}
			if r.Counter != nil {
				u.Counter = &RuleCounter{r.Counter.Packets, r.Counter.Bytes}
			}
			if seen := fw.use[r]; seen != nil {
				u.Flows, u.Decided, u.Possible = seen.decided+seen.possible, seen.decided, seen.possible
				u.Bytes = seen.bytes
				u.Services, u.First, u.Last = seen.services, Time(seen.first), Time(seen.last)
			}
			set.Rules = append(set.Rules, u)
		}
		for _, n := range s.Notes {
			set.Notes = append(set.Notes, RuleNote{n.File, n.Line, n.Text, n.Reason})
		}
		list = append(list, set)
	}
	return list
}

// report says what the rules have for a service; nil when they were not asked.
func (r *ruled) report() *Ruled {
	allow, deny, unknown := r.flows[rules.Allow], r.flows[rules.Deny], r.flows[rules.Unknown]
	if allow+deny+unknown == 0 {
		return nil
	}
	out := &Ruled{Allow: allow, Deny: deny, Unknown: unknown, Why: r.gravest.Why}
	switch {
	case deny+unknown == 0:
		out.Verdict = rules.Allow.String()
	case allow+unknown == 0:
		out.Verdict = rules.Deny.String()
	case allow+deny == 0:
		out.Verdict = rules.Unknown.String()
	default:
		out.Verdict = "mixed"
	}
	by := slices.Clone(r.by)
	slices.SortStableFunc(by, func(a, b ruledBy) int { return cmp.Compare(b.flows, a.flows) })
	for _, b := range by {
		out.By = append(out.By, RuleFlows{ruleID(b.rule), b.verdict.String(), b.flows})
	}
	out.Assumes = r.assumptions()
	return out
}

// strangers lists interfaces that rules name and that the user, who named some, did
// not.
func (fw *firewall) strangers() (names []string) {
	all := fw.rules.Interfaces
	if len(all) == 0 {
		return nil
	}
	for i := range fw.openings {
		o := &fw.openings[i]
		for _, name := range []string{o.In, o.Out} {
			if name == "" || loopback(name) || strings.ContainsAny(name, "*+!") || slices.Contains(names, name) {
				continue
			}
			if !slices.ContainsFunc(all, func(x rules.Interface) bool { return x.Name == name }) {
				names = append(names, name)
			}
		}
	}
	return names
}

// assumptions says what verdicts assume, and for how many rules.
func (fw *firewall) assumptions() string {
	count := map[string]int{}
	for _, s := range fw.rules.Sets {
		for _, r := range s.Rules {
			if r.Assumes != "" {
				count[r.Assumes]++
			}
		}
	}
	var list []string
	for _, text := range slices.Sorted(maps.Keys(count)) {
		list = append(list, fmt.Sprintf("%s (%s)", text, plural(uint64(count[text]), "rule")))
	}
	return join(list)
}

// assumptions says what the verdicts assume.
func (r *ruled) assumptions() (list []string) {
	for _, x := range r.assumes {
		list = append(list, x.Assumes+" (rule "+ruleID(x)+")")
	}
	return list
}

// ruleID names a rule in reports.
func ruleID(r *rules.Rule) string {
	if r.ID != "" {
		return r.ID
	}
	return r.File + ":" + itoa(r.Line)
}
