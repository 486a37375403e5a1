package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// kubeReader reads the documents of Kubernetes.
type kubeReader struct {
	noter
	d    *kubeDecider
	work int // peers and ports read; aliases can make them many
}

func readPolicies(files []file) (*Set, error) {
	r := kubeReader{d: &kubeDecider{namespaces: map[string]map[string]string{}}}
	s := &Set{Kind: NetworkPolicy}
	type document struct {
		file string
		node *yaml.Node
	}
	var policies []document
	var walk func(file string, n *yaml.Node, depth int)
	walk = func(file string, n *yaml.Node, depth int) {
		n = plain(n)
		if n == nil || depth > 4 {
			return
		}
		if n.Kind == yaml.SequenceNode {
			for _, item := range n.Content {
				walk(file, item, depth+1)
			}
			return
		}
		kind := text(child(n, "kind"))
		r.file = file
		switch {
		case kind == "NetworkPolicy":
			if !strings.HasPrefix(text(child(n, "apiVersion")), "networking.k8s.io/") {
				r.foreign(n, kind)
				break
			}
			policies = append(policies, document{file, n})
		case strings.HasSuffix(kind, "List"):
			if items := child(n, "items"); items != nil {
				walk(file, items, depth+1)
			}
		case kind == "Pod":
			r.pod(n)
		case kind == "Service":
			r.service(n)
		case kind == "Namespace":
			r.d.namespaces[text(child(n, "metadata", "name"))] = stringMap(child(n, "metadata", "labels"))
		case strings.HasSuffix(kind, "NetworkPolicy"), kind == "NetworkSet", kind == "AuthorizationPolicy":
			r.foreign(n, kind)
		case kind == "" && child(n, "items") != nil:
			walk(file, child(n, "items"), depth+1)
		case kind == "":
			r.note(nil, n.Line, "", "document without a kind")
		}
	}
	for _, f := range files {
		s.Files = append(s.Files, f.name)
		for _, doc := range f.docs {
			walk(f.name, doc, 0)
		}
	}
	for _, p := range policies { // behind the pods, which they need
		r.file = p.file
		r.policy(p.node)
	}
	if len(r.d.policies) == 0 && len(r.d.foreign) == 0 {
		return nil, fmt.Errorf("%s: no network policy", s.Files[0])
	}
	s.Rules, s.Notes, s.decider = r.rules, r.notes, r.d
	for _, p := range r.d.policies {
		if p.ingress != nil {
			s.Openings = append(s.Openings, p.ingress.openings(r.d.selected(p))...)
		}
	}
	return s, nil
}

// foreign remembers a policy of another kind.
func (r *kubeReader) foreign(n *yaml.Node, kind string) {
	if v := text(child(n, "apiVersion")); kind == "NetworkPolicy" {
		kind += " of " + v
	}
	r.note(nil, n.Line, kind+" "+text(child(n, "metadata", "name")), "policies of this kind are not interpreted")
	if !slices.Contains(r.d.foreign, kind) {
		r.d.foreign = append(r.d.foreign, kind)
	}
}

// plain follows documents and aliases to the value.
func plain(n *yaml.Node) *yaml.Node {
	for range 100 {
		switch {
		case n == nil:
			return nil
		case n.Kind == yaml.DocumentNode:
			if len(n.Content) == 0 {
				return nil
			}
			n = n.Content[0]
		case n.Kind == yaml.AliasNode:
			n = n.Alias
		default:
			if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
				return nil
			}
			return n
		}
	}
	return nil
}

// child goes down by keys; nil when there is no such value, or it is null.
func child(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		n = plain(n)
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var found *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				found = n.Content[i+1]
			}
		}
		n = found
	}
	return plain(n)
}

// present reports whether a key is there, null or not.
func present(n *yaml.Node, key string) bool {
	n = plain(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func text(n *yaml.Node) string {
	if n = plain(n); n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

func items(n *yaml.Node) []*yaml.Node {
	if n = plain(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

func stringMap(n *yaml.Node) map[string]string {
	n = plain(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	m := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		m[n.Content[i].Value] = text(n.Content[i+1])
	}
	return m
}

func (r *kubeReader) pod(n *yaml.Node) {
	if r.d.pods == nil {
		r.d.pods, r.d.hosts = map[netip.Addr]*pod{}, map[netip.Addr]bool{}
	}
	p := &pod{namespace: orDefault(text(child(n, "metadata", "namespace"))), labels: stringMap(child(n, "metadata", "labels"))}
	for _, c := range items(child(n, "spec", "containers")) {
		for _, port := range items(child(c, "ports")) {
			number, ok := onePort(text(child(port, "containerPort")))
			protocol, known := kubeProtocol(text(child(port, "protocol")))
			if ok && known {
				p.ports = append(p.ports, podPort{text(child(port, "name")), protocol, number})
			}
		}
	}
	p.node, _ = parseAddr(text(child(n, "status", "hostIP")))
	addresses := []string{text(child(n, "status", "podIP"))}
	for _, ip := range items(child(n, "status", "podIPs")) {
		addresses = append(addresses, text(child(ip, "ip")))
	}
	for _, s := range addresses {
		if a, ok := parseAddr(s); ok {
			if text(child(n, "spec", "hostNetwork")) == "true" {
				r.d.hosts[a] = true
			} else if phase := text(child(n, "status", "phase")); phase != "Succeeded" && phase != "Failed" {
				r.d.pods[a] = p
			}
		}
	}
}

// service reads the addresses of a service.
func (r *kubeReader) service(n *yaml.Node) {
	if r.d.services == nil {
		r.d.services = map[netip.Addr]bool{}
	}
	spec := child(n, "spec")
	addresses := []string{text(child(spec, "clusterIP"))}
	for _, key := range []string{"clusterIPs", "externalIPs"} {
		for _, ip := range items(child(spec, key)) {
			addresses = append(addresses, text(ip))
		}
	}
	for _, ip := range items(child(n, "status", "loadBalancer", "ingress")) {
		addresses = append(addresses, text(child(ip, "ip")))
	}
	for _, s := range addresses { // or "None"
		if a, ok := parseAddr(s); ok {
			r.d.services[a] = true
		}
	}
}

func orDefault(namespace string) string {
	if namespace == "" {
		return "default"
	}
	return namespace
}

func kubeProtocol(s string) (uint8, bool) {
	switch s {
	case "TCP", "":
		return protoTCP, true
	case "UDP":
		return protoUDP, true
	case "SCTP":
		return protoSCTP, true
	}
	return 0, false
}

// unknownKeys notes keys that are not understood: one that is misspelt makes
// a policy wider than it looks.
func (r *kubeReader) unknownKeys(n *yaml.Node, where string, known ...string) {
	n = plain(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; !slices.Contains(known, k.Value) {
			r.note(nil, k.Line, where+": "+k.Value, "unknown key")
		}
	}
}

func (r *kubeReader) policy(n *yaml.Node) {
	p := &policy{name: text(child(n, "metadata", "name")), namespace: orDefault(text(child(n, "metadata", "namespace")))}
	spec := child(n, "spec")
	full := p.namespace + "/" + p.name
	r.unknownKeys(spec, full, "podSelector", "policyTypes", "ingress", "egress")
	p.selector = r.selector(child(spec, "podSelector"), full)
	in, out := true, present(spec, "egress")
	if types := items(child(spec, "policyTypes")); len(types) > 0 {
		in, out = false, false
		for _, t := range types {
			in, out = in || text(t) == "Ingress", out || text(t) == "Egress"
		}
	}
	if in {
		p.ingress = r.direction(p, child(spec, "ingress"), full, "ingress", "from")
	}
	if out {
		p.egress = r.direction(p, child(spec, "egress"), full, "egress", "to")
		if r.d.pods == nil {
			r.note(nil, n.Line, full, "egress: which clients are selected is not given: add pods to the input")
		}
	}
	r.d.policies = append(r.d.policies, p)
}

func (r *kubeReader) selector(n *yaml.Node, where string) selector {
	s := selector{labels: stringMap(child(n, "matchLabels"))}
	r.unknownKeys(n, where+" selector", "matchLabels", "matchExpressions")
	for _, e := range items(child(n, "matchExpressions")) {
		t := selectorTerm{key: text(child(e, "key")), operator: text(child(e, "operator"))}
		for _, v := range items(child(e, "values")) {
			t.values = append(t.values, text(v))
		}
		switch t.operator {
		case "In", "NotIn", "Exists", "DoesNotExist":
			s.terms = append(s.terms, t)
		default:
			s.bad = true
			r.note(nil, e.Line, where+": "+t.operator, "unknown operator of a selector")
		}
	}
	return s
}

// direction reads the rules of one direction. Each port of a rule is a grant.
func (r *kubeReader) direction(p *policy, list *yaml.Node, full, way, side string) *group {
	g := &group{name: full}
	for i, n := range items(list) {
		if r.tooMuch(len(items(child(n, side))) + len(items(child(n, "ports")))) {
			break
		}
		line := n.Line
		n = plain(n)
		where := fmt.Sprintf("%s %s %d", full, way, i+1)
		r.unknownKeys(n, where, side, "ports")
		comment := yamlComment(n)
		peers, who, vague := r.peers(p, items(child(n, side)), where)
		all := len(items(child(n, side))) == 0
		if all {
			who = "all"
		}
		add := func(line int, gr grant, ports, comment string, reasons ...string) {
			gr.all, gr.peers = all, peers
			gr.rule = &Rule{File: r.file, Line: line, Chain: full, Action: Allow, Comment: comment, Text: fmt.Sprintf("%s %s %s, ports %s", way, side, who, ports)}
			gr.rule.ID = fmt.Sprintf("%s, ports %s", where, ports)
			r.rules = append(r.rules, gr.rule)
			for _, why := range reasons {
				if why != "" {
					r.note(gr.rule, line, gr.rule.Text, why)
				}
			}
			g.grants = append(g.grants, gr)
		}
		list := items(child(n, "ports"))
		if len(list) == 0 {
			add(line, grant{any: true, ports: allPorts}, "all", comment, vague)
		}
		for _, port := range list {
			r.unknownKeys(port, where+" port", "protocol", "port", "endPort")
			gr, words, reason := r.port(plain(port))
			c := comment
			if own := yamlComment(plain(port)); own != "" {
				c = own
			}
			add(port.Line, gr, words, c, vague, reason)
		}
	}
	return g
}

// maxKubeWork bounds the peers and ports of all policies.
const maxKubeWork = 1 << 20

// tooMuch reports whether there is more than is read. Then nothing is answered.
func (r *kubeReader) tooMuch(more int) bool {
	r.work += 1 + more
	if r.work <= maxKubeWork {
		return false
	}
	if len(r.d.foreign) == 0 {
		r.d.foreign = append(r.d.foreign, "NetworkPolicy with so many rules")
	}
	return true
}

// yamlComment gives the comment that stands with a node, without its marks.
func yamlComment(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.MappingNode {
		nodes = append(nodes, n.Content...)
	}
	for _, n := range nodes {
		for _, c := range []string{n.LineComment, n.HeadComment} {
			if c = strings.TrimSpace(strings.TrimLeft(c, "# ")); c != "" {
				c, _, _ = strings.Cut(c, "\n")
				return c
			}
		}
	}
	return ""
}

// port reads one entry of a rule's ports.
func (r *kubeReader) port(n *yaml.Node) (gr grant, words, reason string) {
	protocol := text(child(n, "protocol"))
	var ok bool
	if gr.protocol, ok = kubeProtocol(protocol); !ok {
		gr.unsure, gr.any = true, true
		gr.ports = allPorts
		return gr, protocol, "unknown protocol"
	}
	if protocol == "" {
		protocol = "TCP"
	}
	gr.ports = allPorts
	value := text(child(n, "port"))
	if value == "" {
		return gr, protocol, ""
	}
	first, err := strconv.ParseUint(value, 10, 16)
	if err != nil {
		gr.name = value
		if r.d.pods == nil {
			reason = "which port the pods call so is not given: add pods to the input"
		}
		return gr, protocol + " " + value, reason
	}
	gr.ports = Range{uint16(first), uint16(first)}
	if end := text(child(n, "endPort")); end != "" {
		last, err := strconv.ParseUint(end, 10, 16)
		if err != nil || last < first {
			gr.unsure, gr.ports = true, allPorts
			return gr, protocol + " " + value + "-" + end, "range of ports"
		}
		gr.ports.Last = uint16(last)
	}
	return gr, protocol + " " + gr.ports.String(), ""
}

// peers reads who is on the other side. vague says why it is not known who all
// are.
func (r *kubeReader) peers(p *policy, list []*yaml.Node, where string) (peers []peer, who, vague string) {
	var names []string
	for _, n := range list {
		line := n.Line
		n = plain(n)
		r.unknownKeys(n, where, "ipBlock", "podSelector", "namespaceSelector")
		block := child(n, "ipBlock")
		if block != nil {
			pe := peer{}
			var ok bool
			if pe.cidr, ok = prefixOf(text(child(block, "cidr"))); !ok {
				pe.member = func(netip.Addr) tri { return maybe }
				vague = "range of addresses"
			}
			names = append(names, text(child(block, "cidr")))
			for _, e := range items(child(block, "except")) {
				x, ok := prefixOf(text(e))
				if !ok {
					pe.member = func(netip.Addr) tri { return maybe }
					vague = "range of addresses"
				}
				pe.except = append(pe.except, x)
				names[len(names)-1] += " except " + text(e)
			}
			peers = append(peers, pe)
			continue
		}
		hasPods, hasSpaces := present(n, "podSelector"), present(n, "namespaceSelector")
		if !hasPods && !hasSpaces {
			r.note(nil, line, where, "a peer that names nobody")
			continue
		}
		pods := r.selector(child(n, "podSelector"), where)
		spaces := r.selector(child(n, "namespaceSelector"), where)
		name := "pods"
		if !pods.empty() {
			name = "some pods"
		}
		switch {
		case !hasSpaces:
			name += " of " + p.namespace
		case spaces.empty():
			name += " of all namespaces"
		default:
			name += " of some namespaces"
		}
		names = append(names, name)
		if r.d.pods == nil {
			vague = "which addresses the pods have is not given: add pods to the input"
		}
		d, own := r.d, p.namespace
		peers = append(peers, peer{member: func(a netip.Addr) tri {
			if d.pods == nil {
				return maybe
			}
			if d.hosts[a] {
				return maybe // a pod on the network of its node: it is left to the plug-in
			}
			pod := d.pods[a]
			if pod == nil {
				return never
			}
			t := pods.matches(pod.labels)
			if !hasSpaces {
				return min(t, truth(pod.namespace == own))
			}
			return min(t, spaces.matches(d.labelsOf(pod.namespace)))
		}})
	}
	return peers, strings.Join(names, " or "), vague
}
