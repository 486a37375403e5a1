package review

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/review/rules"
)

// changedRules finds what the rules decide otherwise than those before.
func (f *finder) changedRules(r *Report) {
	c := rules.Compare(f.c.opt.RulesBefore, f.c.opt.Rules)
	r.RulesBefore = &RulesComparison{Asked: c.Asked, Undecided: c.Undecided, Truncated: c.Truncated}
	for _, s := range f.c.opt.RulesBefore.Sets {
		r.RulesBefore.Files = append(r.RulesBefore.Files, s.Files...)
	}
	for i := range c.Differences {
		f.changedRule(&c.Differences[i])
	}
}

// changedRule reports one difference.
func (f *finder) changedRule(d *rules.Difference) {
	k, verb, was := NewlyAllowed, "allow", "denied"
	if d.Now.Verdict == rules.Deny {
		k, verb, was = NewlyDenied, "deny", "allowed"
	}
	transport := iana.TransportName(d.Protocol)
	var ports []string
	for _, p := range d.Ports {
		if p.Len() == 65536 {
			ports = append(ports, "all ports of "+transport)
			continue
		}
		ports = append(ports, p.String()+"/"+transport)
	}
	who := fmt.Sprintf("to %s from %s", sideText(d.Servers), sideText(d.Clients))
	if d.Examples {
		who = "for example " + who
	}
	if d.Hook != rules.AnyHook {
		who += fmt.Sprintf(" (%s)", d.Hook)
	}
	subject := sample(ports, 3) + " " + who
	x := Finding{
		Kind: k, Level: kinds[k].Level, Subject: subject, ID: k.String() + ":" + strings.Join(ports, ",") + " " + who,
		Why: fmt.Sprintf("The rules %s %s %s, which those before %s.", verb, sample(ports, 5), who, was),
	}
	for _, side := range []struct {
		name string
		rules.Decision
	}{{"now", d.Now}, {"before", d.Before}} {
		text := side.Why
		if side.Rule != nil {
			text = side.Rule.String()
		}
		x.Facts = append(x.Facts, Fact{side.name, text})
	}
	if r := d.Now.Rule; r != nil {
		x.File, x.Line, x.Name = r.File, r.Line, r.Comment
	}
	if d.In != "" || d.Out != "" {
		x.Facts = append(x.Facts, Fact{"interfaces", strings.TrimSpace("in " + orAny(d.In) + ", out " + orAny(d.Out))})
	}
	t := registryTransport(d.Protocol)
	for i, p := range d.Ports {
		if i == shownClients || p.Len() == 65536 {
			break
		}
		text := registeredText(f.c.registry.Lookup(t, p.First))
		if p.First != p.Last {
			text += fmt.Sprintf(" (%d), and %d more", p.First, p.Len()-1)
		}
		if class := exposableClass(d.Protocol, p.First); class != "" {
			text += "; " + class
		}
		x.Facts = append(x.Facts, Fact{p.String() + "/" + transport, text})
	}
	f.add(x)
}

func orAny(name string) string {
	if name == "" {
		return "any"
	}
	return name
}

// sideText writes the addresses of one side.
func sideText(list []netip.Prefix) string {
	if list == nil || everywhere(list) {
		return "any address"
	}
	return prefixesText(list)
}
