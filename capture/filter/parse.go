package filter

import (
	"fmt"

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
	list   *list  // whatTerm, whatID, whatIDs: what node tests for, if that is all it does
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

// maxExpr bounds an expression's bytes: far above what maxProgram instructions
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
	return p.settle(out), nil
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
		either := p.peek().is("or")
		switch {
		case p.accept("and"), p.accept("or"):
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
		left = p.join(either, left, right)
	}
}

// join combines two tests with "and" or "or".
func (p *parser) join(either bool, l, r operand) operand {
	if a, b := l.list, r.list; either && a != nil && b != nil && a.quals == b.quals && a.at == b.at && a.quals.dir != dirBoth {
		a.nets, a.ports, a.grown = append(a.nets, b.nets...), append(a.ports, b.ports...), true
		l.quals = r.quals
		return l
	}
	ln, rn := p.settle(l), p.settle(r)
	l.node, l.quals, l.list = and(ln, rn), r.quals, nil
	if either {
		l.node = or(ln, rn)
	}
	return l
}

// settle gives the node of an operand.
func (p *parser) settle(o operand) *node {
	if o.list == nil || !o.list.grown {
		return o.node
	}
	now := p.g.position
	p.g.position = o.list.at
	n := p.among(o.list)
	p.g.position = now
	return n
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
	o.node, o.list, o.pos = not(p.settle(o)), nil, bang.pos
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
		either := p.peek().is("or")
		switch {
		case p.accept("and"), p.accept("or"):
		default:
			left.what = whatIDs
			return left
		}
		right := p.asID(p.operand(left.quals, wantID), left.quals)
		left = p.join(either, left, right)
	}
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
