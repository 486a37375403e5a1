package review

import (
	"net/netip"
	"slices"

	"github.com/portannot/portannot/annotate/review/rules"
)

// What the policy and the rules say of a flow takes much longer to find out than to
// count. Very many flows are alike to both, so it is found out once for each class of
// flows.

// answer is what the policy and the rules say of the flows of a class.
type answer struct {
	// expectation is what the policy has for them, and use is where what its entry
	// covers is counted; nil where nothing expects them. Where the expectation
	// depends on the time of the flow, it is not to be used.
	expectation
	use *entryUse
	// Decision is that of the rules, apart from the answer because services keep it;
	// missing is where flows are counted that are not decided.
	*rules.Decision
	missing *uint64
	parts   []part
	// openings are those that cover the service and let the client in.
	openings []*opening
}

// part is a rule that decides, or may decide.
type part struct {
	rule    *rules.Rule
	use     *ruleUse
	outside bool // no opening of the rule covers the service
	// wanted is the count of the flows that the rule lets through and that the entry
	// expects.
	entry  *Entry
	wanted *uint64
}

// maxAnswers bounds the answers that are kept, a few hundred bytes each. Rules that tell
// more apart tell nearly all flows apart.
const maxAnswers = 1 << 15

// answers keep answers by class.
type answers struct {
	classes *rules.Classes // nil where there are none: see rules.Firewall.Classes
	known   map[rules.Class]*answer
}

func newAnswers(opt *Options) answers {
	var fw rules.Firewall
	if opt.Rules != nil {
		fw = *opt.Rules
	}
	var addrs []netip.Prefix
	var ports []rules.Range
	if p := opt.Policy; p != nil {
		for _, e := range slices.Concat(p.Expected, p.Ignore) {
			addrs = append(append(addrs, e.Servers...), e.Clients...)
			for _, r := range e.Ports {
				ports = append(ports, rules.Range{First: r.First, Last: r.Last})
			}
		}
	}
	return answers{fw.Classes(addrs, ports), map[rules.Class]*answer{}}
}

// answer gives what the policy and the rules say of a flow.
func (c *Collector) answer(f *Flow, client, server netip.AddrPort) *answer {
	asked := rules.Flow{Protocol: f.Protocol, Client: client.Addr(), Server: server.Addr(), ClientPort: client.Port(), ServerPort: server.Port()}
	var class rules.Class
	known := false
	if c.answers.classes != nil {
		if class, known = c.answers.classes.Of(&asked); known {
			if a := c.answers.known[class]; a != nil {
				return a
			}
		}
	}
	a := new(answer)
	if c.opt.Policy != nil {
		a.expectation = c.opt.Policy.match(f, c.opt.Now.UnixNano(), client.Addr(), server)
		if !a.timed && a.verdict != notExpected {
			a.use = c.use(a.entry)
		}
	}
	if c.firewall != nil {
		c.firewall.answer(a, &asked)
	}
	if known {
		if len(c.answers.known) >= maxAnswers {
			clear(c.answers.known)
		}
		c.answers.known[class] = a
	}
	return a
}

// answer asks the rules.
func (fw *firewall) answer(a *answer, f *rules.Flow) {
	d := fw.rules.Decide(f)
	a.Decision = &d
	if a.Apart {
		return
	}
	if a.Verdict == rules.Unknown {
		if fw.missing[a.Missing] == nil {
			fw.missing[a.Missing] = new(uint64)
		}
		a.missing = fw.missing[a.Missing]
	}
	covering := fw.cover(Key{f.Server, f.Protocol, f.ServerPort})
	deciding := a.Depends
	if a.Rule != nil {
		deciding = append([]*rules.Rule{a.Rule}, a.Also...)
	}
	for _, rule := range deciding {
		u := fw.use[rule]
		if u == nil {
			u = new(ruleUse)
			fw.use[rule] = u
		}
		outside := !slices.ContainsFunc(covering, func(o *opening) bool { return o.Rule == rule })
		a.parts = append(a.parts, part{rule: rule, use: u, outside: outside})
	}
	if a.Verdict == rules.Deny {
		return
	}
	client := plainAddr(f.Client)
	for _, o := range covering {
		if in(o.Clients, client) {
			a.openings = append(a.openings, o)
		}
	}
}

// cover finds the openings that a service lies in.
func (fw *firewall) cover(k Key) (list []*opening) {
	server := plainAddr(k.Server)
	for i := range fw.openings {
		if o := &fw.openings[i]; o.Covers(k.Protocol, server, k.Port) {
			list = append(list, o)
		}
	}
	return list
}
