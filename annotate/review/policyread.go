package review

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
)

// maxPolicy bounds a policy file, in bytes.
const maxPolicy = 16 << 20

// PolicyError is one mistake in a policy.
type PolicyError struct {
	File   string
	Line   int // from 1
	Reason string
	Hint   string // what to write instead; may be empty
}

// Error gives "file:line: reason".
func (e *PolicyError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason) }

// PolicyErrors are all the mistakes in a policy, at least one.
type PolicyErrors []*PolicyError

// Error gives them, one a line.
func (e PolicyErrors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// ReadPolicy reads a policy, in which service names are those of a registry.
// name is its name in errors. If the policy has mistakes, the error is a
// PolicyErrors, and no policy is returned: a policy that was read in part would
// make expected services unexpected.
func ReadPolicy(r io.Reader, name string, registry *iana.Registry) (*Policy, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxPolicy+1))
	if err != nil {
		return nil, fmt.Errorf("read policy %s: %w", name, err)
	}
	p := &policyReader{policy: &Policy{File: name}, registry: registry, groups: map[string][]netip.Prefix{}, lines: yamlLines(data)}
	if len(data) > maxPolicy {
		p.fault(1, "", "more than %d MiB", maxPolicy>>20)
		return nil, p.faults
	}
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		p.syntax(data, err)
		return nil, p.faults
	}
	p.document(&doc)
	if len(p.faults) > 0 {
		slices.SortStableFunc(p.faults, func(a, b *PolicyError) int { return cmp.Compare(a.Line, b.Line) })
		return nil, p.faults
	}
	return p.policy, nil
}

// IsPolicy reports whether a file that begins with data has the two keys without which
// there is no policy.
func IsPolicy(data []byte) bool {
	version, expected := false, false
	for line := range bytes.Lines(data) {
		version = version || bytes.HasPrefix(line, []byte("version:"))
		expected = expected || bytes.HasPrefix(line, []byte("expected:"))
	}
	return version && expected
}

// policyReader reads the tree that the YAML parser made, so that each mistake
// has its line.
type policyReader struct {
	policy   *Policy
	registry *iana.Registry
	groups   map[string][]netip.Prefix
	faults   PolicyErrors
	lines    int
}

// fault reports a mistake. What is missing at the end of the file, the YAML parser
// misses on the line after it.
func (p *policyReader) fault(line int, hint, format string, args ...any) {
	p.faults = append(p.faults, &PolicyError{p.policy.File, min(max(line, 1), p.lines), fmt.Sprintf(format, args...), hint})
}

// yamlLines counts lines as YAML does (1.1, section 5.4).
func yamlLines(data []byte) int {
	n, last := 1, rune(0)
	for _, r := range string(data) {
		switch r {
		case '\n':
			if last != '\r' {
				n++
			}
		case '\r', '\u0085', '\u2028', '\u2029':
			n++
		}
		last = r
	}
	return n
}

// syntax reports what the YAML parser complains of.
func (p *policyReader) syntax(data []byte, err error) {
	var load *yaml.LoadError
	switch {
	case !strings.ContainsFunc(string(data), func(r rune) bool { return r > ' ' }):
		p.fault(1, "an empty policy expects nothing and is written: {version: 1, expected: []}", "the file is empty")
	case strings.Contains(err.Error(), "found multiple"):
		p.fault(1, "a policy is one YAML document", "there are several documents, parted by ---")
	case errors.As(err, &load):
		hint := ""
		if strings.Contains(load.Message, "cannot start any token") || strings.Contains(load.Message, "tab character") {
			hint = "YAML indents with spaces, not with tabs"
		}
		p.fault(load.Mark.Line, hint, "not YAML: %s", load.Message)
	default:
		p.fault(1, "", "not YAML: %v", err)
	}
}

var (
	policyKeys   = []string{"version", "groups", "expected", "ignore"}
	expectedKeys = []string{"name", "ports", "transport", "servers", "clients", "owner", "reason", "ticket", "expires", "accept"}
)

// pairs goes through the keys of a mapping, reporting those that are not known.
func (p *policyReader) pairs(n *yaml.Node, what string, keys []string, each func(key string, k, v *yaml.Node)) bool {
	if n.Kind != yaml.MappingNode {
		p.fault(n.Line, "", "%s: want keys with values, have %s", what, kindOf(n))
		return false
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if line, ok := lines[k.Value]; ok {
			p.fault(k.Line, "", "%q stands in line %d already", k.Value, line)
			continue
		}
		lines[k.Value] = k.Line
		if keys != nil && !slices.Contains(keys, k.Value) {
			hint := "the keys here are " + join(keys)
			if near := nearest(k.Value, keys); near != "" {
				hint = fmt.Sprintf("did you mean %s?", near)
			}
			p.fault(k.Line, hint, "unknown key %q in %s", k.Value, what)
			continue
		}
		if v.Kind == yaml.AliasNode || v.Anchor != "" {
			p.fault(v.Line, "a group under groups gives addresses a name", "anchors and aliases are not read")
			continue
		}
		each(k.Value, k, v)
	}
	return true
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys with values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return fmt.Sprintf("%q", n.Value)
}

func (p *policyReader) document(doc *yaml.Node) {
	root := doc
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		root = doc.Content[0]
	}
	var version, expectedList, ignoreList *yaml.Node
	ok := p.pairs(root, "the policy", policyKeys, func(key string, _, v *yaml.Node) {
		switch key {
		case "version":
			version = v
			if v.Value != "1" {
				p.fault(v.Line, "write version: 1", "version %s is not known here", kindOf(v))
			}
		case "groups":
			p.readGroups(v)
		case "expected":
			expectedList = v
		case "ignore":
			ignoreList = v
		}
	})
	if !ok {
		return
	}
	if version == nil {
		p.fault(root.Line, "write version: 1 at the top", "the policy has no version")
	}
	if expectedList == nil && ignoreList == nil {
		p.fault(root.Line, "write expected: and a list of services below it", "the policy expects nothing and ignores nothing")
	}
	// Groups may stand below the entries that use them.
	p.policy.Expected = p.entries(expectedList, "expected")
	p.policy.Ignore = p.entries(ignoreList, "ignore")
}

func (p *policyReader) readGroups(n *yaml.Node) {
	p.pairs(n, "groups", nil, func(name string, k, v *yaml.Node) {
		if _, err := parsePrefix(name); err == nil || name == "" || name == anyWord {
			p.fault(k.Line, "", "%q cannot be the name of a group", name)
			return
		}
		if v.Kind == yaml.ScalarNode && v.Tag == "!!null" || v.Kind == yaml.SequenceNode && len(v.Content) == 0 {
			p.fault(k.Line, "list its addresses: [10.0.0.0/8]", "group %s is empty", name)
			return
		}
		var list []netip.Prefix
		for _, item := range p.list(v, "group "+name) {
			prefix, err := parsePrefix(item.Value)
			if err != nil {
				p.fault(item.Line, "an address is 10.20.0.20, a prefix 10.20.0.0/24; groups do not hold groups", "group %s: %v", name, err)
				continue
			}
			list = append(list, prefix)
		}
		p.groups[name] = list
	})
}

// list gives the values of a list, or the one value that stands in its place.
func (p *policyReader) list(n *yaml.Node, what string) (items []*yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		return []*yaml.Node{n}
	}
	if n.Kind != yaml.SequenceNode {
		p.fault(n.Line, "", "%s: want a value or a list of values, have %s", what, kindOf(n))
		return nil
	}
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode || item.Tag == "!!null" || item.Anchor != "" {
			p.fault(item.Line, "", "%s: want a value, have %s", what, kindOf(item))
			continue
		}
		items = append(items, item)
	}
	return items
}

func (p *policyReader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		p.fault(n.Line, "", "%s: want text, have %s", what, kindOf(n))
		return ""
	}
	return strings.Join(strings.Fields(n.Value), " ")
}

const anyWord = "any"

func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is no address", s)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no prefix", s)
	}
	if prefix.Masked() != prefix {
		return netip.Prefix{}, fmt.Errorf("%s has bits set beyond its length: that network is %s", s, prefix.Masked())
	}
	return prefix, nil
}

// entries reads the list of expected, or that of ignore.
func (p *policyReader) entries(n *yaml.Node, section string) (list []*Entry) {
	if n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		p.fault(n.Line, "begin each entry with a dash", "%s: want a list, have %s", section, kindOf(n))
		return nil
	}
	for _, item := range n.Content {
		e := &Entry{File: p.policy.File, Line: item.Line, index: len(list), ignore: section == "ignore"}
		if p.entry(e, item, section) {
			list = append(list, e)
		}
	}
	return list
}

func (p *policyReader) entry(e *Entry, n *yaml.Node, section string) bool {
	what := "an entry of " + section
	var ports, servers, clients, transport *yaml.Node
	seen := map[string]*yaml.Node{}
	faults := len(p.faults)
	ok := p.pairs(n, what, expectedKeys, func(key string, k, v *yaml.Node) {
		seen[key] = k
		switch key {
		case "name":
			e.Name = p.text(v, key)
		case "owner":
			e.Owner = p.text(v, key)
		case "reason":
			e.Reason = p.text(v, key)
		case "ticket":
			e.Ticket = p.text(v, key)
		case "expires":
			day, err := time.Parse(time.DateOnly, v.Value)
			if err != nil {
				p.fault(v.Line, "write expires: 2026-12-31", "expires: %s is no date", kindOf(v))
				return
			}
			e.Expires = day.AddDate(0, 0, 1)
		case "accept":
			for _, item := range p.list(v, key) {
				p.accept(e, item)
			}
		case "ports":
			ports = v
		case "servers":
			servers = v
		case "clients":
			clients = v
		case "transport":
			transport = v
		}
	})
	if !ok {
		return false
	}
	e.Servers = p.addresses(servers, "servers")
	e.Clients = p.addresses(clients, "clients")
	protocols := p.transports(transport)
	if ports != nil {
		e.Ports = p.ports(ports, protocols)
	} else if transport != nil {
		for _, pr := range protocols {
			e.Ports = append(e.Ports, Ports{pr, 0, 65535})
		}
	}
	e.Text = entryText(ports, transport, servers, clients)
	switch {
	case len(p.faults) > faults:
		return false
	case section == "expected" && ports == nil:
		p.fault(n.Line, "write ports: [443/tcp], a registered name, or ports: any", "%s has no ports", what)
		return false
	case section == "ignore" && e.Reason == "":
		p.fault(n.Line, "write reason: and why it is not looked at", "%s has no reason", what)
		return false
	case section == "ignore" && ports == nil && servers == nil && clients == nil && transport == nil:
		p.fault(n.Line, "name ports, servers or clients", "%s would ignore everything", what)
		return false
	case section == "ignore" && seen["accept"] != nil:
		p.fault(seen["accept"].Line, "leave it out: nothing is found in what is ignored", "accept in %s", what)
		return false
	}
	return true
}

// entryText writes what an entry is about in one line, as it was written.
func entryText(ports, transport, servers, clients *yaml.Node) string {
	var parts []string
	for _, part := range []struct {
		lead string
		n    *yaml.Node
	}{{"", ports}, {"", transport}, {"on ", servers}, {"from ", clients}} {
		if part.n == nil {
			continue
		}
		var values []string
		if part.n.Kind == yaml.ScalarNode {
			values = append(values, part.n.Value)
		}
		for i, item := range part.n.Content {
			if i == 4 && len(part.n.Content) > 5 {
				values = append(values, fmt.Sprintf("%d more", len(part.n.Content)-i))
				break
			}
			values = append(values, item.Value)
		}
		parts = append(parts, part.lead+strings.Join(values, ", "))
	}
	return strings.Join(parts, " ")
}

func (p *policyReader) accept(e *Entry, n *yaml.Node) {
	k, ok := ParseKind(n.Value)
	if !ok || !k.acceptable() {
		var names []string
		for k := range numKinds {
			if k.acceptable() {
				names = append(names, k.String())
			}
		}
		hint := "these can be accepted: " + join(names)
		if near := nearest(n.Value, names); near != "" && !ok {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		p.fault(n.Line, hint, "accept: %q is no finding that an entry can accept", n.Value)
		return
	}
	e.Accept = append(e.Accept, k)
}

// addresses reads servers or clients; nil is any.
func (p *policyReader) addresses(n *yaml.Node, what string) (list []netip.Prefix) {
	if n == nil {
		return nil
	}
	items := p.list(n, what)
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.fault(n.Line, "leave the key out for any", "%s: the list is empty", what)
	}
	for _, item := range items {
		if item.Value == anyWord {
			return nil
		}
		if g, ok := p.groups[item.Value]; ok {
			list = append(list, g...)
			continue
		}
		prefix, err := parsePrefix(item.Value)
		if err != nil {
			hint := "an address is 10.20.0.20, a prefix 10.20.0.0/24, a group stands under groups"
			var names []string
			for name := range p.groups {
				names = append(names, name)
			}
			if near := nearest(item.Value, names); near != "" {
				hint = fmt.Sprintf("did you mean the group %s?", near)
			}
			if strings.Contains(item.Value, "/") {
				hint = ""
			} else {
				err = fmt.Errorf("%q is no address and no group", item.Value)
			}
			p.fault(item.Line, hint, "%s: %v", what, err)
			continue
		}
		list = append(list, prefix)
	}
	if list == nil {
		list = []netip.Prefix{} // nothing, rather than any
	}
	return list
}

// transports reads transport; nil is what the ports say.
func (p *policyReader) transports(n *yaml.Node) (list []uint8) {
	if n == nil {
		return nil
	}
	list = []uint8{}
	for _, item := range p.list(n, "transport") {
		protocol, ok := protocolOf(item.Value)
		if !ok {
			p.fault(item.Line, "want tcp, udp, udplite, sctp or dccp", "transport: %q is not known", item.Value)
			continue
		}
		list = append(list, protocol)
	}
	return list
}

func protocolOf(name string) (uint8, bool) {
	for _, t := range transportNumbers {
		if strings.EqualFold(t.name, name) {
			return t.protocol, true
		}
	}
	return 0, false
}

// ports reads ports: numbers and ranges with their transport, or service names.
func (p *policyReader) ports(n *yaml.Node, protocols []uint8) (list []Ports) {
	for _, item := range p.list(n, "ports") {
		value := item.Value
		if value == anyWord {
			if protocols == nil {
				return nil
			}
			for _, pr := range protocols {
				list = append(list, Ports{pr, 0, 65535})
			}
			continue
		}
		word, transport, hasTransport := strings.Cut(value, "/")
		on := protocols
		if hasTransport {
			pr, ok := protocolOf(transport)
			if !ok {
				p.fault(item.Line, "want tcp, udp, udplite, sctp or dccp", "ports: %q: transport %q is not known", value, transport)
				continue
			}
			on = []uint8{pr}
		}
		if word != "" && '0' <= word[0] && word[0] <= '9' && strings.Trim(word, "0123456789-") == "" {
			span, err := annotate.ParseSpan(word)
			switch {
			case err != nil:
				p.fault(item.Line, "a port is 443/tcp, a range 9000-9010/tcp", "ports: %v", err)
			case len(on) == 0 && protocols != nil: // which are not known, and have been reported
			case len(on) == 0:
				p.fault(item.Line, fmt.Sprintf("write %s/tcp, or transport: tcp", word), "ports: %s has no transport", word)
			default:
				for _, pr := range on {
					list = append(list, Ports{pr, span.First, span.Last})
				}
			}
			continue
		}
		list = append(list, p.named(item, word, on)...)
	}
	if list == nil {
		list = []Ports{}
	}
	return list
}

// named gives the ports that are registered for a service name.
func (p *policyReader) named(item *yaml.Node, name string, on []uint8) (list []Ports) {
	entries := p.registry.ByName(name)
	for _, e := range entries {
		span := e.Span()
		for _, t := range transportNumbers {
			reg, _ := iana.TransportOf(t.protocol)
			if reg != e.Transport && e.Transport != iana.NoTransport {
				continue
			}
			// Without a transport, a name is for those of the registry, and
			// UDP-Lite shares UDP's.
			if len(on) == 0 && t.name != "udplite" || slices.Contains(on, t.protocol) {
				list = append(list, Ports{t.protocol, span.First, span.Last})
			}
		}
	}
	switch {
	case len(entries) == 0:
		hint := "a port is 443/tcp, a range 9000-9010/tcp, a name one that portannot lookup knows"
		if near := p.registry.Near(name, 3); len(near) > 0 {
			hint = "names like it: " + strings.Join(near, ", ")
		}
		p.fault(item.Line, hint, "ports: no port is registered for the name %q", name)
	case len(list) == 0:
		p.fault(item.Line, "portannot lookup "+name+" says on which it is", "ports: %q is not registered on that transport", name)
	}
	return list
}

// nearest gives the word that was probably meant, or "".
func nearest(word string, words []string) string {
	best, at := "", 3
	for _, w := range words {
		if d := distance(strings.ToLower(word), w); d < at && d < len(w) {
			best, at = w, d
		}
	}
	return best
}

// distance counts the letters to change, insert or leave out between two short
// words (Levenshtein).
func distance(a, b string) int {
	if len(a) > 40 || len(b) > 40 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
