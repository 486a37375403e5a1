package filter

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/bpf"
)

// The grammar, in the terms of libpcap's:
//
//	expr  = term { ("and" | "or") (term | id) }
//	term  = "!" term | "(" expr ")" | head id | PROTO | other | arith relop arith
//	id    = value | NUM | "!" id | "(" id { ("and" | "or") id } ")"
//	head  = [PROTO] (dir [type] | type | "proto")
//
// An id that stands alone takes the qualifiers of the primitive before it. What
// a "(" begins is known only later: "(5" may be an id, a number, or the begin of
// arithmetic. So the parser reads an operand, says what it turned out to be,
// and whoever asked judges whether that may stand there. It makes the tests as
// it reads, because "vlan" changes what is on its right.

// quals are the qualifiers that an id inherits.
type quals struct {
	proto proto
	dir   dir
	typ   idType
}

// idType is what an id names.
type idType uint8

const (
	typeNone idType = iota // no qualifiers: an id cannot stand here
	typeAny                // a direction only: an id is a host
	typeHost
	typeNet
	typePort
	typePortRange
	typeProto
)

var typeWords = map[string]idType{"host": typeHost, "net": typeNet, "port": typePort, "portrange": typePortRange}

func (t idType) String() string {
	return [...]string{"", "host", "host", "net", "port", "portrange", "proto"}[t]
}

// operand is what the parser read.
type operand struct {
	what   operandKind
	node   *node  // whatTerm, whatID, whatIDs
	arith  *arith // whatNumber, whatArith
	quals  quals  // whatTerm, whatID, whatIDs: for an id on its right
	pos    int
	parens bool // whatNumber, whatArith: in parentheses
}

type operandKind uint8

const (
	whatTerm   operandKind = iota // a test
	whatID                        // an id
	whatIDs                       // ids in parentheses
	whatNumber                    // a number, which is arithmetic or an id
	whatArith                     // other arithmetic
)

// wants is which operands may stand at a place.
type wants uint8

const (
	wantTerm wants = iota // a test, or arithmetic
	wantAny               // those or an id
	wantID                // an id
)

// maxDepth bounds nesting, and with it the parser's stack.
const maxDepth = 250

// maxExpr bounds an expression's octets: far above what maxProgram instructions
// can hold.
const maxExpr = 1 << 16

type parser struct {
	expr     string
	toks     []token
	g        *generator
	services func(name string) []Service
	depth    int
	err      *SyntaxError
}

// parse reads expr and gives its test.
func parse(expr string, g *generator, services func(string) []Service) (*node, error) {
	if len(expr) > maxExpr {
		return nil, &SyntaxError{Expr: expr, Pos: maxExpr, Msg: "the expression is too long"}
	}
	toks, err := scan(expr)
	if err != nil {
		return nil, err
	}
	p := &parser{expr: expr, toks: toks, g: g, services: services}
	if p.peek().kind == tokEnd {
		return always, nil
	}
	out := p.terms(p.operand(quals{}, wantTerm))
	if t := p.peek(); t.kind != tokEnd {
		p.fail(t.pos, "unexpected %v", t)
	}
	if p.err != nil {
		return nil, p.err
	}
	return out.node, nil
}

func (p *parser) peek() token { return p.toks[0] }

// next takes the next token; the last one stays.
func (p *parser) next() token {
	t := p.toks[0]
	if len(p.toks) > 1 {
		p.toks = p.toks[1:]
	}
	return t
}

// accept takes the next token if it is the keyword or operator text.
func (p *parser) accept(text string) bool {
	if p.peek().is(text) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if t := p.peek(); !p.accept(text) {
		p.fail(t.pos, "expected %q, found %v", text, t)
	}
}

// fail notes the first error and moves to the end of the tokens, so that every
// loop over them stops.
func (p *parser) fail(pos int, format string, args ...any) operand {
	if p.err == nil {
		p.err = &SyntaxError{Expr: p.expr, Pos: pos, Msg: fmt.Sprintf(format, args...)}
	}
	p.toks = p.toks[len(p.toks)-1:]
	return operand{node: never, arith: number(0), pos: pos}
}

// made wraps a test that the generator made of what stands at pos.
func (p *parser) made(n *node, pos int) operand {
	p.check(pos)
	return operand{what: whatTerm, node: n, pos: pos}
}

// check takes over an error of the generator.
func (p *parser) check(pos int) {
	if p.g.err != "" {
		p.fail(pos, "%s", p.g.err)
	}
}

// terms reads the rest of a chain of tests that begins with left.
func (p *parser) terms(left operand) operand {
	left = p.asTerm(left)
	for {
		join := and
		switch {
		case p.accept("and"):
		case p.accept("or"):
			join = or
		default:
			return left
		}
		right := p.operand(left.quals, wantAny)
		switch right.what {
		case whatNumber:
			right = p.asID(right, left.quals)
		case whatArith:
			right = p.asTerm(right)
		}
		left.node, left.quals = join(left.node, right.node), right.quals
	}
}

// asTerm checks that o is a test.
func (p *parser) asTerm(o operand) operand {
	switch o.what {
	case whatID, whatIDs:
		return p.fail(o.pos, `a value needs a qualifier before it, as in "host 10.0.0.1" or "port 80"`)
	case whatNumber, whatArith:
		return p.fail(p.peek().pos, "expected a comparison such as \"= 0\", found %v", p.peek())
	}
	return o
}

// asID makes the test of a number that turned out to be an id.
func (p *parser) asID(o operand, q quals) operand {
	if o.what != whatNumber {
		return o
	}
	out := p.made(p.numberID(o.arith.k, q), o.pos)
	out.what, out.quals = whatID, q
	if o.parens {
		out.what = whatIDs
	}
	return out
}

// operand reads one operand. q are the qualifiers for an id.
func (p *parser) operand(q quals, want wants) operand {
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.peek().pos, "nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()

	t := p.peek()
	switch {
	case t.is("!"):
		return p.negation(q, want)
	case t.is("("):
		o := p.parenthesis(q, want)
		if want != wantID && (o.what == whatNumber || o.what == whatArith) {
			return p.comparison(p.arithmetic(0, &o))
		}
		return o
	case t.kind == tokNum && want == wantID:
		p.next()
		return operand{what: whatNumber, arith: number(t.num), pos: t.pos}
	case t.kind == tokNum:
		return p.comparison(p.arithmetic(0, nil))
	case t.kind == tokName, t.kind == tokIPv4, t.kind == tokIPv6, t.kind == tokMAC:
		return p.value(q, want)
	case want == wantID || t.kind == tokEnd:
		return p.fail(t.pos, "expected a value, found %v", t)
	case t.is("-"), t.is("len"):
		return p.comparison(p.arithmetic(0, nil))
	case t.kind == tokWord:
		return p.primitive()
	}
	return p.fail(t.pos, "unexpected %v", t)
}

// negation reads "!" and what it negates.
func (p *parser) negation(q quals, want wants) operand {
	bang := p.next()
	o := p.operand(q, want)
	switch {
	case o.what == whatNumber && want != wantTerm:
		o = p.asID(o, q)
		o.what = whatID
	case o.what == whatIDs:
		o.what = whatID
	case o.what == whatNumber, o.what == whatArith:
		o = p.asTerm(o)
	}
	o.node, o.pos = not(o.node), bang.pos
	return o
}

// parenthesis reads what stands in parentheses: a chain of tests, one of ids,
// or arithmetic.
func (p *parser) parenthesis(q quals, want wants) operand {
	open := p.next()
	o := p.operand(q, want)
	joined := p.peek().is("and") || p.peek().is("or")
	switch {
	case o.what == whatNumber && joined && want != wantTerm:
		o = p.ids(p.asID(o, q))
	case o.what == whatID:
		o = p.ids(o)
	case o.what == whatIDs:
		return p.fail(o.pos, "a list of values cannot begin with parentheses")
	case o.what == whatTerm:
		o = p.terms(o)
		o.quals = q
	case joined:
		o = p.asTerm(o)
	default:
		o.parens = true
	}
	o.pos = open.pos
	p.expect(")")
	return o
}

// ids reads the rest of a chain of ids that begins with left.
func (p *parser) ids(left operand) operand {
	for {
		join := and
		switch {
		case p.accept("and"):
		case p.accept("or"):
			join = or
		default:
			left.what = whatIDs
			return left
		}
		right := p.asID(p.operand(left.quals, wantID), left.quals)
		left.node = join(left.node, right.node)
	}
}

// value reads an id that is not a number.
func (p *parser) value(q quals, want wants) operand {
	t := p.peek()
	if want == wantTerm || q.typ == typeNone {
		return p.fail(t.pos, `%v needs a qualifier before it, as in "host %s"`, t, t.text)
	}
	p.next()
	var n *node
	switch t.kind {
	case tokName:
		n = p.nameID(t, q)
	case tokIPv4:
		n = p.ip4ID(t, q)
	case tokIPv6:
		n = p.ip6ID(t, q)
	default:
		if q.proto != protoLink || q.typ != typeAny && q.typ != typeHost {
			return p.fail(t.pos, `an Ethernet address needs "ether host", "ether src" or "ether dst" before it`)
		}
		n = p.g.etherAddr(t.mac, q.dir)
	}
	out := p.made(n, t.pos)
	out.what, out.quals = whatID, q
	return out
}

// numberID makes the test of a number under its qualifiers.
func (p *parser) numberID(v uint32, q quals) *node {
	switch q.typ {
	case typeNone:
		return p.g.fail(`%d needs a qualifier before it, as in "port %d"`, v, v)
	case typePort, typePortRange:
		if v > 65535 {
			return p.g.fail("port %d is above 65535", v)
		}
		return p.g.ports(p.g.portTransports(q.proto), q.dir, v, v)
	case typeProto:
		return p.g.protocolNumber(q.proto, v)
	}
	mask := uint32(0xffffffff)
	if q.typ == typeNet { // "net 10" is 10.0.0.0/8
		for v != 0 && v&0xff000000 == 0 {
			v, mask = v<<8, mask<<8
		}
	}
	return p.g.ip4Net(q.proto, q.dir, v, mask)
}

// ip4ID makes the test of a dotted number, with the mask that may follow.
func (p *parser) ip4ID(t token, q quals) *node {
	if q.typ != typeAny && q.typ != typeHost && q.typ != typeNet {
		return p.g.fail("%q wants no address", q.typ)
	}
	addr, mask, ok := dotted(t.text)
	if !ok {
		return p.g.fail("%q is not an IPv4 address", t.text)
	}
	given := p.peek()
	switch {
	case p.accept("/"):
		n := p.next()
		if n.kind != tokNum {
			p.fail(n.pos, "expected the length of a mask, found %v", n)
			return never
		}
		if n.num > 32 {
			return p.g.fail("a mask of IPv4 has at most 32 bits, not %d", n.num)
		}
		mask = uint32(uint64(0xffffffff) << (32 - n.num))
	case p.accept("mask"):
		m := p.next()
		var ok bool
		if m.kind == tokIPv4 {
			mask, _, ok = dotted(m.text)
		}
		if !ok {
			p.fail(m.pos, "expected a mask such as 255.255.0.0, found %v", m)
			return never
		}
	default:
		return p.g.ip4Net(q.proto, q.dir, addr, mask)
	}
	if q.typ != typeNet {
		p.fail(given.pos, `a mask needs "net" before the address, not "host"`)
		return never
	}
	if addr&^mask != 0 {
		return p.g.fail("%s has bits outside its mask: the net is %s", t.text, undotted(addr&mask))
	}
	return p.g.ip4Net(q.proto, q.dir, addr, mask)
}

// dotted reads the front of an IPv4 address, two to four decimal numbers, and
// gives the mask of as many octets.
func dotted(s string) (addr, mask uint32, ok bool) {
	parts := strings.Split(s, ".")
	for _, f := range parts {
		v, err := strconv.ParseUint(f, 10, 32)
		if err != nil || v > 255 {
			return 0, 0, false
		}
		addr = addr<<8 | uint32(v)
	}
	shift := 32 - 8*len(parts)
	return addr << shift, 0xffffffff << shift, true
}

func undotted(v uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// ip6ID makes the test of an IPv6 address, with the prefix length that may
// follow.
func (p *parser) ip6ID(t token, q quals) *node {
	if q.typ != typeAny && q.typ != typeHost && q.typ != typeNet {
		return p.g.fail("%q wants no address", q.typ)
	}
	addr, err := netip.ParseAddr(t.text)
	if err != nil {
		return p.g.fail("%q is not an IPv6 address", t.text)
	}
	addr = netip.AddrFrom16(addr.As16())
	bits := 128
	if slash := p.peek(); p.accept("/") {
		n := p.next()
		if n.kind != tokNum {
			p.fail(n.pos, "expected the length of a prefix, found %v", n)
			return never
		}
		if n.num > 128 {
			return p.g.fail("a prefix of IPv6 has at most 128 bits, not %d", n.num)
		}
		bits = int(n.num)
		if bits != 128 && q.typ != typeNet {
			p.fail(slash.pos, `a prefix length needs "net" before the address, not "host"`)
			return never
		}
	}
	prefix := netip.PrefixFrom(addr, bits)
	if masked := prefix.Masked(); masked.Addr() != addr {
		return p.g.fail("%s has bits outside its prefix: the net is %v", t.text, masked.Addr())
	}
	return p.g.ip6Net(q.proto, q.dir, prefix)
}

// nameID makes the test of a name: a service, a range of ports, or a protocol.
func (p *parser) nameID(t token, q quals) *node {
	switch q.typ {
	case typePort:
		transports, port, ok := p.portName(t.text, q.proto)
		if !ok {
			return never
		}
		out := never
		for _, pt := range port {
			out = or(out, p.g.ports(transports[pt], q.dir, uint32(pt), uint32(pt)))
		}
		return out
	case typePortRange:
		return p.rangeName(t.text, q)
	case typeProto:
		if v, ok := protocolName(q.proto, t.text); ok {
			return p.g.protocolNumber(q.proto, v)
		}
		return p.g.fail("%q is no protocol that this program knows here; its number works", t.text)
	}
	if addr, err := netip.ParseAddr(t.text); err == nil && addr.Zone() == "" { // "\10.0.0.1"
		if addr.Is4() {
			b := addr.As4()
			return p.g.ip4Net(q.proto, q.dir, uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3]), 0xffffffff)
		}
		return p.g.ip6Net(q.proto, q.dir, netip.PrefixFrom(addr, 128))
	}
	return p.g.fail("%q is a name; names of hosts and nets are not resolved, write the address", t.text)
}

// portName gives the ports of a service's name in the order of Options.Services,
// and the transports of each.
func (p *parser) portName(name string, q proto) (transports map[uint16][]uint32, ports []uint16, ok bool) {
	allowed := p.g.portTransports(q)
	if allowed == nil {
		return nil, nil, false
	}
	if v, err := strconv.ParseUint(name, 10, 16); err == nil { // "\80"
		return map[uint16][]uint32{uint16(v): allowed}, []uint16{uint16(v)}, true
	}
	if p.services == nil {
		p.g.fail("%q is a name; names of ports are not known here, write the number", name)
		return nil, nil, false
	}
	found := p.services(name)
	if len(found) == 0 {
		p.g.fail("%q is no service that is known; write the port's number", name)
		return nil, nil, false
	}
	has := make(map[Service]bool)
	for _, s := range found {
		has[s] = true
	}
	transports = make(map[uint16][]uint32)
	for _, s := range found {
		if _, done := transports[s.Port]; done {
			continue
		}
		both := has[Service{6, s.Port}] && has[Service{17, s.Port}]
		for _, t := range allowed {
			if both || has[Service{uint8(t), s.Port}] {
				transports[s.Port] = append(transports[s.Port], t)
			}
		}
		if transports[s.Port] != nil {
			ports = append(ports, s.Port)
		}
	}
	if ports == nil {
		p.g.fail("service %q is not registered for %q", name, q)
		return nil, nil, false
	}
	return transports, ports, true
}

// rangeName makes the test of a range of ports, whose ends may be services'
// names. A name may have hyphens itself, so each hyphen is tried as the middle.
func (p *parser) rangeName(s string, q quals) *node {
	for i := range len(s) {
		if s[i] != '-' {
			continue
		}
		first, of, ok := p.rangeEnd(s[:i], q.proto)
		last, of2, ok2 := p.rangeEnd(s[i+1:], q.proto)
		if !ok || !ok2 {
			continue
		}
		// Each end's name may narrow the transports; ends that have none in
		// common do not, as in libpcap.
		var common []uint32
		for _, t := range of {
			if slices.Contains(of2, t) {
				common = append(common, t)
			}
		}
		if common == nil {
			common = p.g.portTransports(q.proto)
		}
		return p.g.ports(common, q.dir, uint32(min(first, last)), uint32(max(first, last)))
	}
	return p.g.fail("%q is not a range of ports such as 6000-6063", s)
}

// rangeEnd gives one end of a range of ports, and its transports.
func (p *parser) rangeEnd(name string, q proto) (port uint16, transports []uint32, ok bool) {
	v, err := strconv.ParseUint(name, 10, 16)
	if err == nil {
		return uint16(v), p.g.portTransports(q), true
	}
	if p.services == nil || name == "" || isDigit(name[0]) && !strings.ContainsFunc(name, unicode.IsLetter) {
		return 0, nil, false
	}
	byPort, ports, ok := p.portName(name, q)
	p.g.err = "" // the name as a whole is judged, not this part
	if !ok || len(ports) != 1 {
		return 0, nil, false
	}
	return ports[0], byPort[ports[0]], true
}

// primitive reads a test that begins with a keyword.
func (p *parser) primitive() operand {
	t := p.peek()
	switch t.text {
	case "less", "greater":
		p.next()
		n := p.next()
		if n.kind != tokNum {
			return p.fail(n.pos, "expected a length, found %v", n)
		}
		if t.text == "less" {
			return p.made(not(p.g.length(bpf.JumpGreaterThan, n.num)), t.pos)
		}
		return p.made(p.g.length(bpf.JumpGreaterOrEqual, n.num), t.pos)
	case "inbound":
		p.next()
		return p.made(not(p.g.outbound()), t.pos)
	case "outbound":
		p.next()
		return p.made(p.g.outbound(), t.pos)
	case "vlan":
		p.next()
		id, any := p.optionalNumber()
		return p.made(p.g.vlan(id, any), t.pos)
	case "mpls":
		p.next()
		label, any := p.optionalNumber()
		return p.made(p.g.mpls(label, any), t.pos)
	case "pppoed":
		p.next()
		return p.made(p.g.linkProto(etherPPPoED), t.pos)
	case "pppoes":
		p.next()
		session, any := p.optionalNumber()
		return p.made(p.g.pppoeSession(session, any), t.pos)
	}

	pr, named := protoOf(t.text)
	if named {
		p.next()
	}
	u := p.peek()
	switch {
	case named && u.is("["):
		o := p.field(pr, t.pos)
		return p.comparison(p.arithmetic(0, &o))
	case u.is("broadcast"):
		p.next()
		switch pr {
		case protoNone, protoLink:
			return p.made(p.g.broadcast(), t.pos)
		}
		return p.fail(t.pos, `"%v broadcast" is not supported: it needs the netmask; "ether broadcast" does not`, pr)
	case u.is("multicast"):
		p.next()
		switch pr {
		case protoNone, protoLink:
			return p.made(p.g.multicast(), t.pos)
		case protoIPv4:
			return p.made(p.g.ip4Multicast(), t.pos)
		case protoIPv6:
			return p.made(p.g.ip6Multicast(), t.pos)
		}
		return p.fail(t.pos, `"multicast" follows "ether", "ip" or "ip6"`)
	}

	q := quals{proto: pr}
	if u.is("proto") {
		p.next()
		q.typ = typeProto
		return p.qualified(q)
	}
	if d, ok := p.direction(); ok {
		q.dir, q.typ = d, typeAny
	}
	if typ, ok := typeWords[p.peek().text]; ok && p.peek().kind == tokWord {
		p.next()
		q.typ = typ
	}
	if q.typ != typeNone {
		return p.qualified(q)
	}
	if !named {
		return p.fail(t.pos, "unexpected %v", t)
	}
	return p.made(p.g.protocol(pr), t.pos)
}

// direction reads "src", "dst", "src or dst" or "src and dst".
func (p *parser) direction() (dir, bool) {
	var first dir
	switch {
	case p.accept("src"):
		first = dirSrc
	case p.accept("dst"):
		first = dirDst
	default:
		return dirAny, false
	}
	joined := dirAny
	switch {
	case p.accept("or"):
	case p.accept("and"):
		joined = dirBoth
	default:
		return first, true
	}
	other, otherDir := "dst", "src"
	if first == dirDst {
		other, otherDir = otherDir, other
	}
	if t := p.peek(); !p.accept(other) {
		p.fail(t.pos, "expected %q, found %v", other, t)
	}
	return joined, true
}

// qualified reads the id behind its qualifiers.
func (p *parser) qualified(q quals) operand {
	o := p.asID(p.operand(q, wantID), q)
	o.what, o.quals = whatTerm, q
	return o
}

// optionalNumber reads a number, in parentheses or bare, if one follows.
func (p *parser) optionalNumber() (v uint32, none bool) {
	open := 0
	for p.accept("(") {
		open++
	}
	t := p.peek()
	if t.kind != tokNum {
		if open > 0 {
			p.fail(t.pos, "expected a number, found %v", t)
		}
		return 0, true
	}
	p.next()
	for ; open > 0; open-- {
		p.expect(")")
	}
	return t.num, false
}

// comparison reads the rest of a relation whose left side is o; without one, o
// stays arithmetic.
func (p *parser) comparison(o operand) operand {
	t := p.peek()
	switch t.text {
	case "=", "!=", "<", "<=", ">", ">=":
	default:
		return o
	}
	if t.kind != tokOp {
		return o
	}
	p.next()
	r := p.arithmetic(0, nil)
	if p.err != nil {
		return o
	}
	return p.made(p.g.relation(t.text, o.arith, r.arith), o.pos)
}

// aluOps has the operators with how tightly they bind. The two that libpcap's
// grammar gives no precedence take all that stands on their right, whatever
// stands on their left.
var aluOps = map[string]struct {
	op   bpf.ALUOp
	prec int
}{
	"|": {bpf.ALUOpOr, 1}, "&": {bpf.ALUOpAnd, 2},
	"<<": {bpf.ALUOpShiftLeft, 3}, ">>": {bpf.ALUOpShiftRight, 3},
	"+": {bpf.ALUOpAdd, 4}, "-": {bpf.ALUOpSub, 4},
	"*": {bpf.ALUOpMul, 5}, "/": {bpf.ALUOpDiv, 5},
	"%": {bpf.ALUOpMod, greedy}, "^": {bpf.ALUOpXor, greedy},
}

const (
	precNegate = 6
	greedy     = 7
)

// arithmetic reads an expression of operators that bind at least as tightly as
// prec. left is its first operand if that was read before.
func (p *parser) arithmetic(prec int, left *operand) operand {
	var out operand
	if left != nil {
		out = *left
	} else {
		out = p.arithOperand()
	}
	for {
		t := p.peek()
		op, ok := aluOps[t.text]
		if !ok || t.kind != tokOp || op.prec < prec {
			return out
		}
		p.next()
		rightPrec := op.prec + 1
		if op.prec == greedy {
			rightPrec = 0
		}
		right := p.arithmetic(rightPrec, nil)
		if p.err != nil {
			return out
		}
		out = operand{what: whatArith, arith: p.g.binary(op.op, out.arith, right.arith), pos: out.pos}
		p.check(t.pos)
	}
}

// arithOperand reads a number, len, a field, a negation or parentheses.
func (p *parser) arithOperand() operand {
	if p.depth++; p.depth > maxDepth {
		return p.fail(p.peek().pos, "nested more than %d deep", maxDepth)
	}
	defer func() { p.depth-- }()

	t := p.next()
	switch {
	case t.kind == tokNum:
		return operand{what: whatNumber, arith: number(t.num), pos: t.pos}
	case t.is("len"):
		return operand{what: whatArith, arith: &arith{kind: arithLen, check: always}, pos: t.pos}
	case t.is("-"):
		o := p.arithmetic(precNegate, nil)
		return operand{what: whatArith, arith: negate(o.arith), pos: t.pos}
	case t.is("("):
		o := p.arithmetic(0, nil)
		p.expect(")")
		o.parens = true
		return o
	case t.kind == tokWord:
		if pr, ok := protoOf(t.text); ok && p.peek().is("[") {
			return p.field(pr, t.pos)
		}
	}
	return p.fail(t.pos, "expected a number or a field such as \"ip[0]\", found %v", t)
}

// field reads "[offset]" or "[offset:size]".
func (p *parser) field(pr proto, pos int) operand {
	p.expect("[")
	offset := p.arithmetic(0, nil)
	size := uint32(1)
	if p.accept(":") {
		t := p.next()
		if t.kind != tokNum {
			return p.fail(t.pos, "expected a size of 1, 2 or 4, found %v", t)
		}
		size = t.num
	}
	p.expect("]")
	if p.err != nil {
		return operand{arith: number(0), node: never}
	}
	a := p.g.field(pr, offset.arith, size)
	p.check(pos)
	return operand{what: whatArith, arith: a, pos: pos}
}
