package rules

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ipset save prints a create line for each set and an add line for each of its
// elements. What an element's parts are compared with is said by the rule that
// names the set: each part with the source or the destination.

// ipSet is a set as it was printed.
type ipSet struct {
	file    string
	line    int
	kind    string // as in hash:ip,port
	options []string
	adds    []ipSetAdd
}

type ipSetAdd struct {
	line    int
	element string
	options []string
}

// setUse is a way in which rules use a set.
type setUse struct {
	set        *ipSet
	directions string
	family     uint8
}

// setRead is what came of it: a condition, or why there is none.
type setRead struct {
	c      *condition
	reason string
}

// readIPSet reads the output of "ipset save".
func (r *iptReader) readIPSet(data []byte, name string) {
	sc := newLines(data)
	for line := 1; sc.Scan(); line++ {
		words := splitWords(sc.Text())
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case len(words) >= 3 && words[0] == "create":
			r.sets[words[1]] = &ipSet{file: name, line: line, kind: words[2], options: words[3:]}
		case len(words) >= 3 && words[0] == "add" && r.sets[words[1]] != nil:
			s := r.sets[words[1]]
			s.adds = append(s.adds, ipSetAdd{line, words[2], words[3:]})
		default:
			r.notes = append(r.notes, Note{File: name, Line: line, Text: clip(sc.Text()), Reason: "unknown line"})
		}
	}
}

// option gives the argument of an option.
func option(options []string, name string) string {
	if i := slices.Index(options, name); i >= 0 && i+1 < len(options) {
		return options[i+1]
	}
	return ""
}

// matchSet reads a match with a set.
func (r *iptRule) matchSet(not bool, arguments []string, text string) {
	if len(arguments) != 2 {
		r.unclear(text, "match with a set")
		return
	}
	s := r.sets[arguments[0]]
	switch {
	case s == nil:
		r.unclear(text, "the set is not given: add the output of ipset save")
		return
	case r.changed[arguments[0]]:
		r.unclear(text, "rules change the set as packets pass")
		return
	}
	// Sets are large, and many rules may name one.
	key := setUse{s, arguments[1], r.family}
	read, ok := r.conditions[key]
	if !ok {
		read.c, read.reason = r.setCondition(s, strings.Split(arguments[1], ","), 0)
		r.conditions[key] = read
	}
	if read.reason != "" {
		r.unclear(text, read.reason)
		return
	}
	c := new(condition)
	*c = *read.c
	if c.elements.unsure() && r.rule.NotInterpreted == "" {
		r.rule.NotInterpreted = "elements of the set " + arguments[0]
	}
	c.not = not
	r.steps = append(r.steps, step{cond: c})
}

// setCondition makes a condition of a set. The reason is why it cannot.
func (r *iptRule) setCondition(s *ipSet, directions []string, depth int) (c *condition, reason string) {
	method, types, _ := strings.Cut(s.kind, ":")
	if method == "list" {
		return r.listCondition(s, directions, depth)
	}
	parts := strings.Split(types, ",")
	if len(directions) < len(parts) {
		return nil, "fewer directions than the set has parts"
	}
	c = &condition{elements: new(elements)}
	if f := option(s.options, "family"); (f == "inet6") != (r.family == 6) && slices.ContainsFunc(parts, func(p string) bool { return p == "ip" || p == "net" }) {
		return known(never), "" // its addresses are of the other version
	}
	bits, masked := -1, option(s.options, "netmask")
	if masked != "" {
		var err error
		if bits, err = strconv.Atoi(masked); err != nil {
			return nil, "set with an unknown netmask"
		}
	}
	if option(s.options, "bitmask") != "" {
		return nil, "set with a bitmask"
	}
	for i, p := range parts {
		source := directions[i] == "src"
		x := expr{}
		switch p {
		case "ip", "net":
			x.field = destinationField
			if source {
				x.field = sourceField
			}
		case "port":
			c.exprs = append(c.exprs, expr{field: protocolField})
			x.field = destinationPortField
			if source {
				x.field = sourcePortField
			}
		case "iface":
			x.field = outField
			if source {
				x.field = inField
			}
		case "mark":
			x.field = markField
		default:
			return nil, "set of type " + s.kind
		}
		c.exprs = append(c.exprs, x)
	}
	for _, a := range s.adds {
		el, ok := ipSetElement(a, parts, bits)
		if !ok {
			r.notes = append(r.notes, Note{File: s.file, Line: a.line, Text: clip(a.element), Reason: "element that is not understood"})
			el = unclearElement(len(c.exprs), nil)
		}
		if t := option(a.options, "timeout"); t != "" && t != "0" {
			r.notes = append(r.notes, Note{File: s.file, Line: a.line, Text: clip(a.element), Reason: "element with a time-out: it may be gone"})
			el.unsure = true
		}
		if s.kind == "bitmap:port" && len(el.terms) == 2 { // of both protocols
			udp := el
			udp.terms = []term{single(number(protoUDP)), el.terms[1]}
			el.terms[0] = single(number(protoTCP))
			c.elements.all = append(c.elements.all, udp)
		}
		el.except = slices.Contains(a.options, "nomatch")
		c.elements.first = c.elements.first || el.except
		c.elements.all = append(c.elements.all, el)
	}
	if c.elements.first {
		// The narrowest network that holds the address decides.
		if len(c.exprs) != 1 {
			return nil, "set of type " + s.kind + " with nomatch"
		}
		slices.SortStableFunc(c.elements.all, func(a, b element) int {
			return narrowness(b.terms[0]) - narrowness(a.terms[0])
		})
	}
	c.elements.order()
	return c, ""
}

// narrowness is the length of the prefix that a term is.
func narrowness(t term) int {
	if !t.plain() {
		return -1
	}
	a, b := t.lo.addr.AsSlice(), t.hi.addr.AsSlice()
	n := 0
	for i := range a {
		for bit := 7; bit >= 0; bit-- {
			if (a[i]^b[i])>>bit&1 != 0 {
				return n
			}
			n++
		}
	}
	return n
}

// listCondition joins the sets of a list.
func (r *iptRule) listCondition(s *ipSet, directions []string, depth int) (*condition, string) {
	var all *condition
	for _, a := range s.adds {
		of := r.sets[a.element]
		if of == nil || depth > 0 || len(a.options) > 0 && option(a.options, "timeout") != "0" {
			return nil, "list of sets"
		}
		c, reason := r.setCondition(of, directions, depth+1)
		switch {
		case reason != "":
			return nil, reason
		case c.known: // of the other family
			continue
		case c.elements.first:
			return nil, "list of sets with nomatch"
		case all == nil:
			all = c
		case !slices.EqualFunc(all.exprs, c.exprs, func(a, b expr) bool { return a.field == b.field }):
			return nil, "list of sets of several types"
		default:
			all.elements = &elements{all: slices.Concat(all.elements.all, c.elements.all)}
			all.elements.order()
		}
	}
	if all == nil {
		return known(never), ""
	}
	return all, ""
}

// ipSetElement reads an element, as in 192.0.2.1,tcp:80.
func ipSetElement(a ipSetAdd, parts []string, bits int) (element, bool) {
	var el element
	texts := strings.Split(a.element, ",")
	if len(texts) != len(parts) {
		return el, false
	}
	for i, p := range parts {
		s := texts[i]
		switch p {
		case "ip", "net":
			t, op, ok := addressMask(s)
			if !ok && strings.Contains(s, "-") {
				t, ok = addressRange(s)
			}
			if !ok || op.op != 0 {
				return el, false
			}
			if bits >= 0 && t.lo.addr == t.hi.addr {
				p, err := t.lo.addr.Prefix(bits)
				if err != nil {
					return el, false
				}
				t = prefixTerm(p)
			}
			el.terms = append(el.terms, t)
		case "port":
			proto, port, ok := strings.Cut(s, ":")
			protocols := single(number(protoTCP))
			switch {
			case ok:
				n, known := protocolNames[strings.ToLower(proto)]
				if !known || !hasPorts(uint8(n)) {
					return el, false
				}
				protocols = single(number(n))
			default:
				port = s
			}
			ranges, ok := ports(strings.Replace(port, "-", ":", 1))
			if !ok || len(ranges) != 1 {
				return el, false
			}
			el.terms = append(el.terms, protocols, ranges[0])
		case "iface":
			if strings.Contains(s, ":") {
				return el, false
			}
			t := single(words(s))
			if prefix, ok := strings.CutSuffix(s, "+"); ok {
				t = term{lo: words(prefix), prefix: true}
			}
			el.terms = append(el.terms, t)
		case "mark":
			n, err := strconv.ParseUint(s, 0, 32)
			if err != nil {
				return el, false
			}
			el.terms = append(el.terms, single(number(n)))
		default:
			return el, false
		}
	}
	return el, true
}

// prefixOf reads an address or a prefix.
func prefixOf(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, ok := parseAddr(s)
	return netip.PrefixFrom(a, a.BitLen()), ok
}
