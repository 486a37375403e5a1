package review

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// compare compares the services with those of an earlier report. Those of
// which nothing answered are no services here.
func (f *finder) compare(r *Report, services []*service, before *Report) {
	list := &Comparison{Window: before.Window, New: []string{}, Gone: []string{}, Changed: []Change{}}
	r.Baseline = list
	f.oldTexts, f.newTexts = ruleTexts(before), ruleTexts(r)
	old := make(map[string]*Service, len(before.Services))
	for i := range before.Services {
		old[before.Services[i].ID] = &before.Services[i]
	}
	now := make(map[string]*service, len(services))
	var fresh []*service
	for _, s := range services {
		if s.expect.onlyIgnored() {
			continue
		}
		id := s.key.String()
		now[id] = s
		b := old[id]
		switch {
		case b == nil && s.live():
			fresh = append(fresh, s)
			list.New = append(list.New, id)
		case b != nil:
			f.changes(list, s, b)
		}
	}
	var gone []*Service
	unclear := f.endsOfPairs()
	for i := range before.Services {
		b := &before.Services[i]
		if now[b.ID] == nil && !unclear[b.ID] && !unclear[b.Server+"/"+b.Transport] && (b.Outcome == "answered" || b.Outcome == "seen") && b.Policy != "ignored" {
			gone = append(gone, b)
			list.Gone = append(list.Gone, b.ID)
		}
	}
	moved := movedSince(fresh, gone)
	for _, s := range fresh {
		if b := moved[s]; b != nil {
			gone = slices.DeleteFunc(gone, func(g *Service) bool { return g == b })
			if f.moved[s] != nil {
				continue // which says the same
			}
			f.compared(s, ServiceMoved, fmt.Sprintf("The baseline has %s, which was not seen; its clients spoke to %s instead.", b.ID, s.key),
				Fact{"before", oldText(b)})
			continue
		}
		why := "It is not in the baseline."
		if s.isExpected() {
			why = "It is not in the baseline; the policy expects it."
		}
		f.compared(s, NewService, why, Fact{"baseline", before.Window.Text()})
	}
	for _, b := range gone {
		f.add(Finding{
			ID: GoneService.String() + ":" + b.ID, Kind: GoneService, Level: kinds[GoneService].Level, Subject: b.ID,
			Why:   fmt.Sprintf("It is in the baseline, and was not seen%s.", f.inWindow()),
			Facts: []Fact{{"before", oldText(b)}, {"window", f.window.Text()}},
		})
	}
}

// endsOfPairs gives the ends of flows whose service end is not known, as the
// identifiers of the services that they may be: what is spoken to there may be a
// service of the baseline. Of an end with more ports than are kept it gives
// "10.0.0.1/tcp".
func (f *finder) endsOfPairs() map[string]bool {
	ends := map[string]bool{}
	for _, u := range f.c.pairs {
		for i, server := range []netip.Addr{u.pair.a, u.pair.b} {
			for _, port := range u.ports[i] {
				ends[Key{server, u.pair.protocol, port}.String()] = true
			}
			if len(u.ports[i]) == maxPairPorts {
				ends[server.String()+"/"+iana.TransportName(u.pair.protocol)] = true
			}
		}
	}
	return ends
}

// compared adds a finding about a service and the baseline.
func (f *finder) compared(s *service, k Kind, why string, fact Fact) {
	x := s.finding(k)
	if k == NewService && s.isExpected() {
		x.Level = Note
	}
	x.Why, x.Facts = why, []Fact{fact}
	s.finish(&x)
	s.compared = true
	f.findings.add(x.Level, k, claim{service: s, words: &x})
}

// isExpected reports that the policy expects all flows of the service.
func (s *service) isExpected() bool {
	return s.expect.flows[expected] > 0 && s.expect.flows[notExpected] == 0
}

// oldText says what a service of the baseline was.
func oldText(b *Service) string {
	return fmt.Sprintf("%s: %s, %s, last seen %s", b.ID, b.Outcome, plural(b.Flows, "flow"), b.Last.Moment())
}

// changes finds what is not as it was.
func (f *finder) changes(list *Comparison, s *service, b *Service) {
	var whys []string
	change := func(what, was, is, why string) {
		if was == is {
			return
		}
		list.Changed = append(list.Changed, Change{b.ID, what, was, is})
		whys = append(whys, why)
	}
	add := func(what, was, is string) {
		change(what, was, is, fmt.Sprintf("Its %s was %s and is %s.", what, was, is))
	}
	// "answered" and "seen" tell more of the input than of the service.
	is := func(outcome string) string {
		if outcome == "answered" || outcome == "seen" {
			return "there"
		}
		return "not there (" + outcome + ")"
	}
	add("server", is(b.Outcome), is(s.outcome()))
	reg := registration(s.registered)
	add("registration", regText(&b.Registered), regText(&reg))
	if b.Observed != "" && s.seen.Protocol != "" {
		add("payload", b.Observed, s.seen.Protocol)
	}
	if fresh := s.newClients(b); len(fresh) > 0 {
		change("clients", plural(uint64(b.Clients.Count), "client"), "also "+sample(fresh, shownClients),
			fmt.Sprintf("It has clients that the baseline has not: %s.", sample(fresh, shownClients)))
	}
	if now := s.ruled.report(); b.Rules != nil && now != nil {
		add("verdict by the rules", ruledText(f.oldTexts, b.Rules), ruledText(f.newTexts, now))
	}
	if len(whys) > 0 {
		f.compared(s, ChangedService, strings.Join(whys, " "), Fact{"before", oldText(b)})
	}
}

// newClients names the clients that the service of the baseline has not. Where the
// baseline does not name all of its clients, nobody knows which are new. Those that
// got no answer are left out where others did.
func (s *service) newClients(b *Service) (names []string) {
	if !b.Clients.whole() {
		return nil
	}
	known := make(map[string]bool, b.Clients.Count)
	for _, c := range b.Clients.Most {
		known[c.Address] = true
	}
	for _, c := range b.Clients.Others {
		known[c.Address] = true
	}
	for _, cl := range s.clients.byFlows() {
		if name := cl.addr.String(); !known[name] && (cl.worked > 0 || !s.live()) {
			names = append(names, name)
		}
	}
	return names
}

// ruleTexts gives the texts of a report's rules by their identifiers.
func ruleTexts(r *Report) map[string]string {
	texts := map[string]string{}
	for _, set := range r.Rules {
		for i := range set.Rules {
			texts[set.Rules[i].ID] = set.Rules[i].Text
		}
	}
	return texts
}

// ruledText writes a verdict with the texts of the rules behind it, which stay the
// same when rules before them come and go.
func ruledText(texts map[string]string, v *Ruled) string {
	var by []string
	for _, b := range v.By {
		if text := cmp.Or(texts[b.Rule], b.Rule); !slices.Contains(by, text) {
			by = append(by, text)
		}
	}
	slices.Sort(by)
	if len(by) == 0 {
		return v.Verdict
	}
	return v.Verdict + " by " + sample(by, 3)
}

func regText(r *Registration) string {
	return strings.TrimSpace(r.Status.String() + " " + strings.Join(r.Names, ", "))
}

// movedSince finds new services that have the clients of one that is gone, on
// another port of the same server or on the same port of another. Where there
// are several to choose from, nothing is said.
func movedSince(fresh []*service, gone []*Service) map[*service]*Service {
	claims := map[*service][]*Service{}
	count := map[*Service]int{}
	for _, b := range gone {
		for _, s := range fresh {
			sameServer, samePort := b.Server == s.key.Server.String(), b.Port == s.key.Port
			if b.Transport != iana.TransportName(s.key.Protocol) || sameServer == samePort || !sharesClients(s, b) {
				continue
			}
			claims[s] = append(claims[s], b)
			count[b]++
		}
	}
	moved := map[*service]*Service{}
	for s, list := range claims {
		if len(list) == 1 && count[list[0]] == 1 {
			moved[s] = list[0]
		}
	}
	return moved
}

// sharesClients reports that at least half of the clients that are named of the
// gone service are clients of the new one.
func sharesClients(s *service, b *Service) bool {
	n := 0
	for _, c := range b.Clients.Most {
		if slices.ContainsFunc(s.clients.list, func(cl client) bool { return cl.addr.String() == c.Address }) {
			n++
		}
	}
	return n > 0 && n*2 >= len(b.Clients.Most)
}
