package rules

import (
	"fmt"
	"net/netip"
	"slices"
)

// What the chains open is found by walking all of them with the set of packets
// that can come to each rule: a box, which has a side for each field that an
// opening has. What a box has no side for makes it partly.

// maxOpenings bounds what is kept, and maxBoxes the rules visited on the way.
const (
	maxOpenings = 20000
	maxBoxes    = 1 << 16
	maxParts    = 2048 // of one rule
)

type protocolSet [4]uint64

func (s *protocolSet) has(n uint8) bool { return s[n/64]>>(n%64)&1 != 0 }

func (s *protocolSet) keep(pred func(uint8) bool) (any bool) {
	for n := range 256 {
		if s.has(uint8(n)) {
			if pred(uint8(n)) {
				any = true
			} else {
				s[n/64] &^= 1 << (n % 64)
			}
		}
	}
	return any
}

type box struct {
	v4, v6           bool
	protos           protocolSet
	ports            []Range
	servers, clients []term // nil for all
	in, out          string
	partly           bool
}

func everything() box {
	return box{v4: true, v6: true, protos: protocolSet{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}, ports: []Range{allPorts}}
}

// narrow gives the parts of a box that a condition lets through.
func (c *condition) narrow(b box) []box {
	if c.known {
		switch c.truth {
		case never:
			return nil
		case maybe:
			b.partly = true
		}
		return []box{b}
	}
	if len(c.exprs) == 1 {
		return c.exprs[0].narrow(b, c.elements.all, c.not)
	}
	if c.not || len(c.elements.all) > 1024 {
		b.partly = true
		return []box{b}
	}
	var all []box
	for i := range c.elements.all {
		all = append(all, c.narrowTo(b, &c.elements.all[i])...)
	}
	return all
}

// narrowAll does so for several boxes. When they become too many, they stay as
// they are, and partly.
func (c *condition) narrowAll(boxes []box) []box {
	var next []box
	for _, b := range boxes {
		if next = append(next, c.narrow(b)...); len(next) > maxParts {
			for i := range boxes {
				boxes[i].partly = true
			}
			return boxes
		}
	}
	return next
}

// narrowTo gives the parts that one element lets through.
func (c *condition) narrowTo(b box, el *element) []box {
	boxes := []box{b}
	for i := range min(len(c.exprs), len(el.terms)) {
		var next []box
		for _, b := range boxes {
			next = append(next, c.exprs[i].narrow(b, []element{{terms: el.terms[i : i+1], unsure: el.unsure}}, false)...)
		}
		boxes = next
	}
	return boxes
}

// narrow does so for one field.
func (x *expr) narrow(b box, all []element, not bool) []box {
	b.v4 = b.v4 && x.family != 6
	b.v6 = b.v6 && x.family != 4
	if x.proto != 0 && !b.protos.keep(func(n uint8) bool { return n == x.proto }) || !b.v4 && !b.v6 {
		return nil
	}
	list := elements{all: all}
	test := func(v value) bool {
		t := list.matches([]value{v})
		if not {
			t = t.not()
		}
		b.partly = b.partly || t == maybe
		return t != never
	}
	if len(x.ops) > 0 {
		b.partly = true
		return []box{b}
	}
	switch x.field {
	case protocolField:
		if !b.protos.keep(func(n uint8) bool { return test(number(uint64(n))) }) {
			return nil
		}
	case familyField, etherField, versionField:
		p := packet{src: netip.IPv4Unspecified()}
		b.v4 = b.v4 && test(x.plain(&p))
		p.src = netip.IPv6Unspecified()
		b.v6 = b.v6 && test(x.plain(&p))
		if !b.v4 && !b.v6 {
			return nil
		}
	case stateField, directionField:
		if !test(x.plain(&packet{})) {
			return nil
		}
	case flagsField:
		if !test(number(flagSYN)) {
			return nil
		}
	case destinationPortField:
		if !b.protos.keep(hasPorts) {
			return nil
		}
		ranges, ok := portRanges(all, not)
		if !ok {
			b.partly = true
			break
		}
		if b.ports = intersectPorts(b.ports, ranges); len(b.ports) == 0 {
			return nil
		}
	case sourceField, destinationField:
		side := &b.clients
		if x.field == destinationField {
			side = &b.servers
		}
		if not || slices.ContainsFunc(all, func(el element) bool { return el.unsure || el.except || !el.terms[0].plain() }) {
			b.partly = true
			break
		}
		var got []term
		for i := range all {
			if *side == nil {
				got = append(got, all[i].terms[0])
				continue
			}
			for _, old := range *side {
				if t, ok := old.intersect(all[i].terms[0]); ok {
					got = append(got, t)
				}
			}
		}
		if got == nil {
			return nil
		}
		*side = got
		if len(got) > 1024 {
			*side, b.partly = nil, true
		}
	case inField, outField, passedField:
		if not || len(all) > 8 {
			b.partly = true
			break
		}
		var boxes []box
		for i := range all {
			t, c := all[i].terms[0], b
			name := t.lo.text
			if t.prefix {
				name += "*"
			}
			device := &c.in
			if x.field == outField {
				device = &c.out
			}
			switch {
			case t.any:
			case *device == "":
				*device = name
			case *device != name:
				c.partly = true
			}
			boxes = append(boxes, c)
		}
		return boxes
	default:
		b.partly = true
	}
	return []box{b}
}

func (t term) plain() bool {
	return !t.any && t.mask == 0 && !t.prefix && t.lo.exact() && t.hi.exact()
}

func (t term) intersect(u term) (term, bool) {
	if !t.lo.sameKind(u.lo) {
		return t, false
	}
	if t.lo.compare(u.lo) < 0 {
		t.lo = u.lo
	}
	if t.hi.compare(u.hi) > 0 {
		t.hi = u.hi
	}
	return t, t.lo.compare(t.hi) <= 0
}

// portRanges gives the ports of elements, in order.
func portRanges(all []element, not bool) ([]Range, bool) {
	var ranges []Range
	for i := range all {
		t := all[i].terms[0]
		if t.any {
			ranges = append(ranges, allPorts)
			continue
		}
		if all[i].unsure || all[i].except || !t.plain() || t.lo.kind != numberValue {
			return nil, false
		}
		if t.lo.n > 65535 {
			continue
		}
		ranges = append(ranges, Range{uint16(t.lo.n), uint16(min(t.hi.n, 65535))})
	}
	if ranges = joinPorts(ranges); not {
		ranges = otherPorts(ranges)
	}
	return ranges, true
}

// joinPorts orders ranges and joins those that overlap. Neighbours stay apart:
// 80 and 81 are two services, and 80-81 is one range.
func joinPorts(ranges []Range) []Range {
	slices.SortFunc(ranges, func(a, b Range) int {
		if a.First != b.First {
			return int(a.First) - int(b.First)
		}
		return int(a.Last) - int(b.Last)
	})
	joined := ranges[:0]
	for _, r := range ranges {
		if n := len(joined); n > 0 && r.First <= joined[n-1].Last {
			joined[n-1].Last = max(joined[n-1].Last, r.Last)
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// otherPorts gives the ports outside ordered ranges.
func otherPorts(ranges []Range) []Range {
	var out []Range
	next := 0
	for _, r := range ranges {
		if int(r.First) > next {
			out = append(out, Range{uint16(next), r.First - 1})
		}
		next = int(r.Last) + 1
	}
	if next <= 65535 {
		out = append(out, Range{uint16(next), 65535})
	}
	return out
}

func intersectPorts(a, b []Range) []Range {
	var out []Range
	for _, x := range a {
		for _, y := range b {
			if r := (Range{max(x.First, y.First), min(x.Last, y.Last)}); r.First <= r.Last {
				out = append(out, r)
			}
		}
	}
	return joinPorts(out)
}

// openingKey tells openings apart.
type openingKey struct {
	same     string // all but the rest
	protocol uint8
	ports    Range
}

// openings collects what the chains open.
type openings struct {
	all       []Opening
	seen      map[openingKey]bool
	visited   int
	truncated bool
}

// openings walks the base chains where packets are filtered.
func (nf *netfilter) openings() ([]Opening, bool) {
	o := openings{seen: map[openingKey]bool{}}
	accepts := map[*chain]bool{} // whose policy lets something through
	for _, c := range nf.bases {
		if c.nat || c.stage.hook() == AnyHook {
			continue
		}
		accepts[c] = o.walk(c, nf.all(c), c, 0) && c.policy != dropVerdict && c.undecided == ""
	}
	for i, c := range nf.bases {
		if !accepts[c] {
			continue
		}
		// One chain stands for all policies of a hook. When another chain drops
		// what comes to its end, there are none.
		stands := true
		for j, other := range nf.bases {
			if other.stage != c.stage || other.nat || other.family != 0 && other.family != c.family {
				continue
			}
			stands = stands && accepts[other] && (i == j || other.family != c.family || nearer(c, other) || !nearer(other, c) && i < j)
		}
		if stands {
			o.emit(nil, nf.all(c), c, c.name)
		}
	}
	return o.all, o.truncated
}

// all is what can come to a base chain.
func (nf *netfilter) all(c *chain) box {
	b := everything()
	b.v4, b.v6 = nf.v4 && c.family != 6, nf.v6 && c.family != 4
	return b
}

// nearer reports whether a chain's priority is nearer to that of filters, 0.
func nearer(a, b *chain) bool { return max(a.priority, -a.priority) < max(b.priority, -b.priority) }

// walk visits a chain's rules. It reports whether packets can come to its end.
func (o *openings) walk(c *chain, b box, base *chain, depth int) bool {
	if depth > maxJumps {
		o.truncated = true
		return true
	}
	for i := range c.links {
		if o.visited++; o.visited > maxBoxes || len(o.all) >= maxOpenings {
			o.truncated = true
			return true
		}
		if !o.link(c, &c.links[i], b, base, depth) {
			return false
		}
	}
	return true
}

// link visits a rule, and reports whether packets can come behind it.
func (o *openings) link(c *chain, l *link, b box, base *chain, depth int) bool {
	boxes := []box{b}
	certain := true
	for i := range l.steps {
		switch s := &l.steps[i]; {
		case s.cond != nil:
			certain = certain && s.cond.known && s.cond.truth == always
			if boxes = s.cond.narrowAll(boxes); len(boxes) == 0 {
				return true
			}
		case s.byMap != nil:
			for j := range s.byMap.elements.all {
				el := &s.byMap.elements.all[j]
				for _, b := range boxes {
					for _, n := range s.byMap.narrowTo(b, el) {
						o.verdict(c, l, el.verdict, n, base, depth)
					}
				}
			}
			return true
		case s.verdict != nil:
			on := true
			for _, b := range boxes {
				on = o.verdict(c, l, s.verdict, b, base, depth)
			}
			return on || !certain
		}
	}
	return true
}

// verdict follows a verdict, and reports whether packets can come behind it.
func (o *openings) verdict(c *chain, l *link, v *verdict, b box, base *chain, depth int) bool {
	switch v.kind {
	case acceptVerdict:
		if v.move != nil {
			return true
		}
		o.emit(l.rule, b, base, c.name)
		return false
	case otherVerdict, anyVerdict:
		b.partly = true
		o.emit(l.rule, b, base, c.name)
		return v.kind == anyVerdict
	case jumpVerdict, gotoVerdict:
		if v.chain == nil {
			return true
		}
		return o.walk(v.chain, b, base, depth+1) && v.kind == jumpVerdict
	case noVerdict:
		return true
	}
	return false
}

// emit keeps what a box opens, once for each protocol and range.
func (o *openings) emit(r *Rule, b box, base *chain, name string) {
	op := Opening{Rule: r, Chain: name, Hook: base.stage.hook(), In: b.in, Out: b.out, Partly: b.partly}
	op.Servers, op.Clients = b.addresses(b.servers), b.addresses(b.clients)
	if op.Servers != nil && len(op.Servers) == 0 || op.Clients != nil && len(op.Clients) == 0 {
		return
	}
	var protos []uint8
	for n := range 256 {
		if b.protos.has(uint8(n)) {
			protos = append(protos, uint8(n))
		}
	}
	if len(protos) > 16 {
		op.Any = true
		op.Partly = op.Partly || len(protos) < 256
		protos = []uint8{0}
	}
	same := fmt.Sprintf("%p %s %s %v %v %v %q %q", r, op.Chain, op.Hook, op.Any, op.Servers, op.Clients, op.In, op.Out)
	for _, n := range protos {
		op.Protocol = n
		ranges := b.ports
		if !op.Any && !hasPorts(n) {
			ranges = []Range{allPorts}
		}
		for _, op.Ports = range ranges {
			if len(o.all) >= maxOpenings {
				o.truncated = true
				return
			}
			key := openingKey{same, op.Protocol, op.Ports}
			if o.seen[key] {
				continue
			}
			o.seen[key] = true
			o.all = append(o.all, op)
		}
	}
}

var (
	allV4 = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	allV6 = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
)

// addresses gives one side of the box; nil for all addresses.
func (b *box) addresses(side []term) []netip.Prefix {
	if side == nil {
		switch {
		case b.v4 && b.v6:
			return nil
		case b.v4:
			return []netip.Prefix{allV4}
		}
		return []netip.Prefix{allV6}
	}
	var all []netip.Prefix
	for _, t := range side {
		if b.v4 && t.lo.addr.Is4() || b.v6 && t.lo.addr.Is6() {
			all = appendPrefixes(all, t.lo.addr, t.hi.addr)
		}
	}
	return sortPrefixes(all)
}

func sortPrefixes(all []netip.Prefix) []netip.Prefix {
	slices.SortFunc(all, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	if all = slices.Compact(all); all == nil {
		all = []netip.Prefix{}
	}
	return all
}

// appendPrefixes appends the fewest prefixes that make up lo to hi.
func appendPrefixes(dst []netip.Prefix, lo, hi netip.Addr) []netip.Prefix {
	for lo.IsValid() && lo.Compare(hi) <= 0 {
		bits := lo.BitLen()
		for bits > 0 {
			p := netip.PrefixFrom(lo, bits-1)
			if p.Masked().Addr() != lo || lastAddr(p).Compare(hi) > 0 {
				break
			}
			bits--
		}
		p := netip.PrefixFrom(lo, bits)
		dst = append(dst, p)
		lo = lastAddr(p).Next()
	}
	return dst
}
