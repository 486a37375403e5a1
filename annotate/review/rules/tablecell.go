package rules

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// maxDefined bounds how deep names of a table may refer to names, and maxItems how
// many items a cell may have with all that its names stand for.
const (
	maxDefined = 16
	maxItems   = 1 << 16
)

// isAny reports a cell that stands for everything.
func isAny(s string) bool {
	switch strings.ToLower(s) {
	case "any", "all", "*", "-":
		return true
	}
	return false
}

// resolve replaces names in a cell by what is defined for them. what tells whether
// an item needs none.
func (r *tableReader) resolve(items []string, cell func(*tableRow) []string, plain func(string) bool, depth int) []string {
	var all []string
	for _, item := range items {
		not := strings.HasPrefix(item, "!")
		name := strings.TrimSpace(strings.TrimPrefix(item, "!"))
		var inner []string
		d := r.defined[name]
		if d != nil && len(cell(d)) == 0 { // it is defined as something else
			d = nil
		}
		switch {
		case d != nil && depth < maxDefined && !not:
			inner = r.resolve(cell(d), cell, plain, depth+1)
		case d != nil && depth < maxDefined:
			for _, x := range r.resolve(cell(d), cell, plain, depth+1) {
				inner = append(inner, "!"+x) // of "!!", no address is made
			}
		case !plain(name) && !not && strings.Contains(name, " "):
			if words := strings.Fields(name); slices.ContainsFunc(words, plain) || slices.ContainsFunc(words, func(w string) bool { return r.defined[w] != nil }) {
				inner = r.resolve(words, cell, plain, depth+1)
				break
			}
			fallthrough
		default:
			inner = []string{item}
		}
		if all = append(all, inner...); len(all) > maxItems {
			return append(all[:maxItems], "more than can be read")
		}
	}
	return all
}

// addressItem reads an address, a network or a range.
func addressItem(s string) (term, bool) {
	if p, ok := prefixOf(s); ok {
		return prefixTerm(p), true
	}
	if addr, mask, ok := strings.Cut(s, "/"); ok { // 10.0.0.0/255.0.0.0
		if p, ok := maskedPrefix(addr, mask); ok {
			return prefixTerm(p), true
		}
	}
	t, ok := addressRange(strings.ReplaceAll(s, " ", ""))
	return t, ok && t.lo.addr.Compare(t.hi.addr) <= 0
}

// maskedPrefix reads an IPv4 address with a mask in dots.
func maskedPrefix(addr, mask string) (netip.Prefix, bool) {
	a, ok := parseAddr(addr)
	m, ok2 := parseAddr(mask)
	if !ok || !ok2 || !a.Is4() || !m.Is4() {
		return netip.Prefix{}, false
	}
	bits := 0
	ones := m.As4()
	for bits < 32 && ones[bits/8]>>(7-bits%8)&1 != 0 {
		bits++
	}
	p := netip.PrefixFrom(netip.AddrFrom4(ones), bits)
	return netip.PrefixFrom(a, bits).Masked(), p.Masked().Addr() == m
}

// addresses makes a condition of a cell with addresses; nil if any will do. A name
// that is not defined may stand for any address.
func (r *tableReader) addresses(f field, items []string) *condition {
	items = r.resolve(items, func(d *tableRow) []string { return slices.Concat(d.cells[sourceColumn], d.cells[destinationColumn]) },
		func(s string) bool { _, ok := addressItem(s); return ok || isAny(s) }, 0)
	e := new(elements)
	positive := false
	for _, item := range items {
		text, not := strings.CutPrefix(item, "!")
		text = strings.TrimSpace(text)
		positive = positive || !not
		el := element{except: not}
		t, ok := addressItem(text)
		switch {
		case isAny(text):
			t = term{any: true}
		case !ok:
			r.note(r.rule, r.row.line, text, "a name that is not defined")
			t, el.unsure = term{any: true}, true
		}
		el.terms = []term{t}
		e.all = append(e.all, el)
	}
	if len(e.all) == 0 || len(e.all) == 1 && e.all[0].terms[0].any && !e.all[0].except && !e.all[0].unsure {
		return nil
	}
	c := &condition{exprs: []expr{{field: f}}, elements: e, stated: statedUnsure(e, items)}
	if !positive { // everything but these
		for i := range e.all {
			e.all[i].except = false
		}
		c.not = true
	}
	e.order()
	return c
}

// statedUnsure gives the text of items of which one is not interpreted, "" if all are.
func statedUnsure(e *elements, items []string) string {
	if !e.unsure() {
		return ""
	}
	return clip(strings.Join(items, ", "))
}

// protocolItem reads a transport, or two with a slash.
func protocolItem(s string) (protos []uint64, ok bool) {
	for _, word := range strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return c == '/' || c == '_' || c == '+' }) {
		if word == "icmpv4" {
			word = "icmp"
		}
		n, known := protocolNames[word]
		if !known {
			v, err := strconv.ParseUint(word, 10, 8)
			if err != nil {
				return nil, false
			}
			n = v
		}
		protos = append(protos, n)
	}
	return protos, len(protos) > 0
}

func isAnyProtocol(s string) bool {
	return isAny(s) || strings.EqualFold(s, "ip") || s == "-1"
}

// serviceItem reads what a cell with ports has: 443, 8000-8999, https, tcp/443,
// 443/tcp or icmp. protos is nil for those of the row.
func (r *tableReader) serviceItem(s string, transport uint8) (protos []uint64, ports term, ok bool) {
	a, b, slash := strings.Cut(s, "/")
	switch {
	case isAny(s), slash && isAny(b) && isAnyProtocol(a):
		return nil, anyPort, true
	case slash && isAny(b):
		protos, ok = protocolItem(a)
		return protos, anyPort, ok
	case slash:
		for _, try := range [][2]string{{a, b}, {b, a}} {
			if _, isNumber := onePort(try[0]); isNumber {
				continue
			}
			if protos, ok = protocolItem(try[0]); ok {
				ports, ok = r.portItem(try[1], uint8(protos[0]))
				return protos, ports, ok
			}
		}
		return nil, term{}, false
	}
	if ports, ok = r.portItem(s, transport); ok {
		return nil, ports, true
	}
	protos, ok = protocolItem(s)
	return protos, anyPort, ok
}

func (r *tableReader) portItem(s string, transport uint8) (term, bool) {
	lo, hi, isRange := strings.Cut(strings.ReplaceAll(s, ":", "-"), "-")
	if !isRange {
		hi = lo
	}
	a, ok := onePort(strings.TrimSpace(lo))
	b, ok2 := onePort(strings.TrimSpace(hi))
	if ok && ok2 && a <= b {
		return term{lo: number(uint64(a)), hi: number(uint64(b))}, true
	}
	if r.opt.Port != nil {
		if transport == 0 {
			transport = protoTCP
		}
		if n, ok := r.opt.Port(strings.ToLower(s), transport); ok {
			return single(number(uint64(n))), true
		}
	}
	return term{}, false
}

// services adds the conditions for transports and ports of the row at hand.
func (r *tableReader) services() {
	row := r.row
	var protos []uint64 // of the row; nil for any
	for _, item := range row.cells[transportColumn] {
		if isAnyProtocol(item) {
			protos = nil
			break
		}
		p, ok := protocolItem(item)
		if !ok {
			r.unclear(item, "unknown transport")
			protos = nil
			break
		}
		protos = append(protos, p...)
	}
	transport := uint8(0)
	if len(protos) == 1 {
		transport = uint8(protos[0])
	}
	items := r.resolve(row.cells[portsColumn], (*tableRow).services, func(s string) bool { _, _, ok := r.serviceItem(s, transport); return ok }, 0)
	r.ports(sourcePortField, row.cells[sourcePortsColumn], transport)
	var all []service
	for _, item := range items {
		list, port, ok := r.serviceItem(item, transport)
		switch {
		case !ok:
			r.unclear(item, "a service that is not defined")
			items = nil
		case list == nil && protos != nil:
			list = protos
		case list == nil && port.any:
			all = append(all, service{any: true, sport: anyPort, dport: anyPort})
		case list == nil:
			list = portProtocols
		case protos != nil: // what both the row and the service say
			list = slices.DeleteFunc(slices.Clone(list), func(n uint64) bool { return !slices.Contains(protos, n) })
		}
		for _, n := range list {
			all = append(all, service{proto: n, sport: anyPort, dport: port})
		}
	}
	if len(items) == 0 {
		all = nil
		for _, n := range protos {
			all = append(all, service{proto: n, sport: anyPort, dport: anyPort})
		}
	} else if len(all) == 0 { // of no transport that the row has
		r.when(&condition{known: true, truth: never})
	}
	for _, c := range conditions(all) {
		r.when(c)
	}
}

// services gives what a definition says of services.
func (d *tableRow) services() []string {
	if len(d.cells[transportColumn]) == 0 {
		return d.cells[portsColumn]
	}
	var all []string
	ports := d.cells[portsColumn]
	if len(ports) == 0 {
		ports = []string{"any"}
	}
	for _, t := range d.cells[transportColumn] {
		for _, p := range ports {
			if !strings.Contains(p, "/") {
				p = t + "/" + p
			}
			all = append(all, p)
		}
	}
	return all
}

// ports adds a condition on one port without a transport.
func (r *tableReader) ports(f field, items []string, transport uint8) {
	var all []term
	for _, item := range items {
		t, ok := anyPort, true
		if !isAny(item) {
			t, ok = r.portItem(item, transport)
		}
		if !ok {
			r.unclear(item, "port")
			return
		}
		all = append(all, t)
	}
	if len(all) > 0 {
		r.when(oneOf(f, all...))
	}
}

// devices makes a condition on an interface; nil for any.
func devices(f field, names []string) *condition {
	var all []term
	for _, n := range names {
		t := single(words(n))
		if isAny(n) {
			t = term{any: true}
		}
		all = append(all, t)
	}
	if len(all) == 0 {
		return nil
	}
	return oneOf(f, all...)
}
