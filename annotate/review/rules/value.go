package rules

import (
	"net/netip"
	"slices"
	"sort"
	"strings"
)

// tri is the truth of a match, which may be unknown. It is ordered, so that min
// is "and", and max is "or".
type tri uint8

const (
	never tri = iota
	maybe
	always
)

func (t tri) not() tri { return always - t }

func truth(b bool) tri {
	if b {
		return always
	}
	return never
}

// valueKind says what a value is.
type valueKind uint8

const (
	unknownValue valueKind = iota
	absentValue            // the packet has no such field: no match on it holds, negated ones neither
	numberValue
	addressValue
	textValue
	interfaceValue // some interface that is not known; n is the tri of being loopback
)

// value is what a field of a packet holds, or what a rule compares it with.
type value struct {
	kind valueKind
	n    uint64
	hide uint64 // bits of n that are not known
	addr netip.Addr
	text string
}

func number(n uint64) value           { return value{kind: numberValue, n: n} }
func address(a netip.Addr) value      { return value{kind: addressValue, addr: a} }
func words(s string) value            { return value{kind: textValue, text: s} }
func (v value) exact() bool           { return v.kind >= numberValue && v.kind <= textValue && v.hide == 0 }
func (v value) sameKind(w value) bool { return v.kind == w.kind && v.addr.Is4() == w.addr.Is4() }

// compare orders two values of the same kind.
func (v value) compare(w value) int {
	switch v.kind {
	case numberValue:
		switch {
		case v.n < w.n:
			return -1
		case v.n > w.n:
			return 1
		}
		return 0
	case addressValue:
		return v.addr.Compare(w.addr)
	}
	return strings.Compare(v.text, w.text)
}

// term is what one value may be: all from lo to hi.
type term struct {
	lo, hi value
	// any matches whatever there is.
	any bool
	// mask, when it is not 0, asks whether any of these bits is set.
	mask uint64
	// prefix, for texts, asks for the beginning only; it is lo.text.
	prefix bool
}

func single(v value) term { return term{lo: v, hi: v} }

func prefixTerm(p netip.Prefix) term {
	p = p.Masked()
	return term{lo: address(p.Addr()), hi: address(lastAddr(p))}
}

// lastAddr gives the highest address of a prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := max(p.Bits(), 0); bit < len(b)*8; bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// matches says whether a value is one of the term's.
func (t term) matches(v value) tri {
	switch {
	case v.kind == absentValue:
		return never
	case t.any:
		return always
	case v.kind == unknownValue:
		return maybe
	case v.kind == interfaceValue:
		loopback := (t.lo.text == "lo" || t.lo.text == "lo0") && !t.prefix
		switch {
		case loopback:
			return tri(v.n)
		case tri(v.n) == always && !(t.prefix && strings.HasPrefix("lo", t.lo.text)):
			return never
		}
		return maybe
	case t.mask != 0:
		switch {
		case v.n&t.mask&^v.hide != 0:
			return always
		case v.hide&t.mask != 0:
			return maybe
		}
		return never
	case v.kind != t.lo.kind:
		return never
	case t.prefix:
		return truth(strings.HasPrefix(v.text, t.lo.text))
	case v.hide != 0:
		if t.lo.n == t.hi.n && (v.n^t.lo.n)&^v.hide != 0 {
			return never
		}
		return maybe
	case !v.sameKind(t.lo):
		return never
	}
	return truth(t.lo.compare(v) <= 0 && v.compare(t.hi) <= 0)
}

// element is one of the combinations that a match accepts: a term for each of
// its fields.
type element struct {
	terms []term
	// unsure is set when it may be gone: elements with a time-out.
	unsure bool
	// except is set when it takes away from the others (ipset's nomatch).
	except bool
	// verdict is what a verdict map does for it.
	verdict *verdict
}

func (el *element) matches(values []value) tri {
	t := always
	if el.unsure {
		t = maybe
	}
	for i := range el.terms {
		if i >= len(values) {
			return never
		}
		t = min(t, el.terms[i].matches(values[i]))
		if t == never {
			break
		}
	}
	return t
}

// elements are what a match accepts.
type elements struct {
	all []element
	// first lets the first element that matches decide, one with except
	// against.
	first bool
	// ordered are the terms by lo, disjoint, when there are many elements and
	// they are plain ranges of one field. Searching them replaces all.
	ordered []term
	at      []int32 // for each of ordered, the element; of several, the first
}

// manyElements is from how many on searching is worth it.
const manyElements = 16

// order prepares a search, where the elements allow one.
func (e *elements) order() {
	if len(e.all) < manyElements {
		return
	}
	at := make([]int32, len(e.all))
	for i := range e.all {
		el := &e.all[i]
		if len(el.terms) != 1 || el.unsure || el.except {
			return
		}
		t, first := el.terms[0], e.all[0].terms[0]
		if t.any || t.mask != 0 || t.prefix || !t.lo.exact() || !t.lo.sameKind(first.lo) || !t.hi.sameKind(first.lo) {
			return
		}
		at[i] = int32(i)
	}
	slices.SortStableFunc(at, func(a, b int32) int { return e.all[a].terms[0].lo.compare(e.all[b].terms[0].lo) })
	ordered := make([]term, len(at))
	for i, k := range at {
		ordered[i] = e.all[k].terms[0]
		if i > 0 && ordered[i].lo.compare(ordered[i-1].hi) <= 0 {
			return // they overlap: the first in the list has to win
		}
	}
	e.ordered, e.at = ordered, at
}

// unsure reports whether an element may be gone.
func (e *elements) unsure() bool {
	return e != nil && slices.ContainsFunc(e.all, func(el element) bool { return el.unsure })
}

// find gives the only element that matches an exact value.
func (e *elements) find(v value) *element {
	i := sort.Search(len(e.ordered), func(i int) bool { return v.compare(e.ordered[i].lo) < 0 })
	if i == 0 || v.compare(e.ordered[i-1].hi) > 0 {
		return nil
	}
	return &e.all[e.at[i-1]]
}

func (e *elements) searchable(values []value) bool {
	return e.ordered != nil && len(values) == 1 && values[0].exact() && values[0].sameKind(e.ordered[0].lo)
}

// matches says whether the values are among the elements.
func (e *elements) matches(values []value) tri {
	if e.searchable(values) {
		return truth(e.find(values[0]) != nil)
	}
	if e.first {
		return e.firstMatch(values)
	}
	in, out := never, never
	for i := range e.all {
		t := e.all[i].matches(values)
		if e.all[i].except {
			out = max(out, t)
		} else {
			in = max(in, t)
		}
	}
	return min(in, out.not())
}

// firstMatch follows all that may be the first to match.
func (e *elements) firstMatch(values []value) tri {
	lo, hi := always, never
	for i := range e.all {
		t := e.all[i].matches(values)
		if t == never {
			continue
		}
		result := truth(!e.all[i].except)
		lo, hi = min(lo, result), max(hi, result)
		if t == always {
			return between(lo, hi)
		}
	}
	return between(never, hi)
}

// between gives the truth of what is at least lo and at most hi.
func between(lo, hi tri) tri {
	if lo == hi {
		return lo
	}
	return maybe
}
