package rules

import (
	"net/netip"
	"slices"
	"strings"
)

// A network policy selects pods of its namespace. A pod that any policy selects
// for a direction may, in that direction, only do what one of them allows; a pod
// that none selects may do everything. Policies name pods by labels. Which
// addresses these have is known when the pods themselves are among the input, as
// in the output of
//
//	kubectl get networkpolicies,pods,namespaces -A -o yaml
//
// Without pods, it is not known which ends are pods that a policy selects, so
// nothing is denied, and whether a client is a pod that a rule names is not known.
//
// Policies speak of pods. The address of a service is translated to that of a pod,
// and Kubernetes leaves open whether that happens before or after the policies are
// asked. What comes from the node that a pod runs on is always allowed; a node has
// more addresses than pods tell.

// pod is what is needed of one.
type pod struct {
	namespace string
	labels    map[string]string
	ports     []podPort
	node      netip.Addr // on which it runs; not valid when that is not known
}

type podPort struct {
	name     string
	protocol uint8
	port     uint16
}

// mayRunOn reports whether a client that is no pod may be the node that the pod
// at address own runs on. A node speaks to its pods from its own address or from
// one in their network.
func (p *pod) mayRunOn(client, own netip.Addr) bool {
	if !p.node.IsValid() {
		return client.IsPrivate()
	}
	return client.Is4() != p.node.Is4() && client.IsPrivate() || podNetwork(own).Contains(client)
}

// podNetwork gives the network that a node has for its pods, one of which has the
// address.
func podNetwork(a netip.Addr) netip.Prefix {
	bits := 24
	if !a.Is4() {
		bits = 64
	}
	network, _ := a.Prefix(bits) // not valid, and without addresses, where a is not valid
	return network
}

// policy is one network policy.
type policy struct {
	name, namespace string
	selector        selector
	ingress, egress *group // nil when it does not deal with the direction
}

// selector is a label selector.
type selector struct {
	labels map[string]string
	terms  []selectorTerm
	bad    bool // a part of it is not understood
}

type selectorTerm struct {
	key, operator string
	values        []string
}

func (s *selector) empty() bool { return len(s.labels) == 0 && len(s.terms) == 0 && !s.bad }

func (s *selector) matches(labels map[string]string) tri {
	for k, v := range s.labels {
		if have, ok := labels[k]; !ok || have != v {
			return never
		}
	}
	for _, t := range s.terms {
		have, ok := labels[t.key]
		in := ok && slices.Contains(t.values, have)
		if t.operator == "In" && !in || t.operator == "NotIn" && in || t.operator == "Exists" && !ok || t.operator == "DoesNotExist" && ok {
			return never
		}
	}
	if s.bad {
		return maybe
	}
	return always
}

// kubeDecider decides by network policies.
type kubeDecider struct {
	policies   []*policy
	pods       map[netip.Addr]*pod // nil when none are given
	hosts      map[netip.Addr]bool // addresses that pods share with their node
	services   map[netip.Addr]bool // addresses of services
	namespaces map[string]map[string]string
	foreign    []string // kinds of policies that are not interpreted
}

// labelsOf gives the labels of a namespace, of which every one has its name.
func (d *kubeDecider) labelsOf(namespace string) map[string]string {
	labels := map[string]string{}
	for k, v := range d.namespaces[namespace] {
		labels[k] = v
	}
	labels["kubernetes.io/metadata.name"] = namespace
	return labels
}

// selects says whether a policy selects a pod.
func (p *policy) selects(to *pod) tri {
	if p.namespace != to.namespace {
		return never
	}
	return p.selector.matches(to.labels)
}

// selected gives the addresses of the pods that a policy selects; nil when they
// are not known.
func (d *kubeDecider) selected(p *policy) []netip.Prefix {
	if d.pods == nil {
		return nil
	}
	all := []netip.Addr{}
	for a, pod := range d.pods {
		if p.selects(pod) != never {
			all = append(all, a)
		}
	}
	return singles(all)
}

func (d *kubeDecider) decide(f *Flow) (Decision, bool) {
	if len(d.foreign) > 0 {
		return Decision{Why: "policies of kind " + strings.Join(d.foreign, ", ") + " are not interpreted", Missing: MissingReading}, true
	}
	if d.pods == nil {
		return d.withoutPods(f), true
	}
	server, client := d.pods[f.Server], d.pods[f.Client]
	if server == nil && client == nil {
		return Decision{}, false
	}
	in := Decision{Verdict: Allow, Why: "the server is no pod"}
	if server != nil {
		if client == nil && server.node == f.Client {
			return Decision{Verdict: Allow, Why: "the client is the pod's node, whose traffic is always allowed"}, true
		}
		in = d.ask(f, server, f.Client, func(p *policy) *group { return p.ingress })
		if in.Verdict == Deny && client == nil && server.mayRunOn(f.Client, f.Server) {
			return Decision{Why: "it is not known whether the client is the pod's node, whose traffic is always allowed; otherwise " + in.Why, Missing: MissingMembers}, true
		}
	}
	if client == nil || in.Verdict == Deny {
		return in, true
	}
	out := d.ask(f, client, f.Server, func(p *policy) *group { return p.egress })
	if out.Verdict == Allow || in.Verdict == Unknown && out.Verdict == Unknown {
		return in, true
	}
	out.Why = "egress of the client: " + out.Why
	if out.Verdict == Deny && server == nil && (d.services[f.Server] || f.Server.IsPrivate() && !d.hosts[f.Server]) {
		return Decision{Depends: out.Depends, Why: "the server may be the address of a service, which is translated to a pod before or after the policies are asked; otherwise " + out.Why, Missing: MissingTranslation}, true
	}
	return out, true
}

// ask asks the policies that select a pod.
func (d *kubeDecider) ask(f *Flow, of *pod, other netip.Addr, side func(*policy) *group) Decision {
	var all []groupVerdict
	isolated := never
	for _, p := range d.policies {
		g := side(p)
		if g == nil {
			continue
		}
		if t := p.selects(of); t != never {
			isolated = max(isolated, t)
			all = append(all, g.ask(f, other, t, d.named))
		}
	}
	if isolated == never {
		return Decision{Verdict: Allow, Why: "no policy selects the pod"}
	}
	decision := union(all, "policy")
	if isolated == maybe && decision.Verdict != Allow {
		return Decision{Depends: decision.Depends, Why: "it is not known whether policy " + all[0].group.name + " selects the pod", Missing: MissingMembers}
	}
	return decision
}

// named says whether a named port of the server's pod is the flow's.
func (d *kubeDecider) named(g *grant, f *Flow) tri {
	if d.pods == nil {
		return maybe
	}
	server := d.pods[f.Server]
	if server == nil {
		return never
	}
	for _, p := range server.ports {
		if p.name == g.name && p.protocol == f.Protocol && p.port == f.ServerPort {
			return always
		}
	}
	return never
}

// withoutPods decides when it is not known which policies select the ends. What
// every policy allows in both directions is allowed whichever these are; nothing
// is denied, since a pod that no policy selects may do everything.
func (d *kubeDecider) withoutPods(f *Flow) Decision {
	var in, out []groupVerdict
	for _, p := range d.policies {
		if p.ingress != nil {
			in = append(in, p.ingress.ask(f, f.Client, maybe, d.named))
		}
		if p.egress != nil {
			out = append(out, p.egress.ask(f, f.Server, maybe, d.named))
		}
	}
	const hint = "; add the pods: kubectl get networkpolicies,pods,namespaces,services -A -o yaml"
	allowed := Decision{Why: "no policy deals with ingress"}
	for i, side := range [][]groupVerdict{in, out} {
		if len(side) == 0 {
			continue
		}
		decision := union(side, "policy")
		if decision.Verdict != Allow {
			why := "ingress: "
			if i == 1 {
				why = "egress: "
			}
			return Decision{Depends: decision.Depends, Why: why + decision.Why + ", and it is not known which pods the policies select" + hint, Missing: MissingMembers}
		}
		if i == 0 {
			allowed = decision
		}
	}
	return allowed
}
