package rules

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// pfReader reads the rules that pfctl -sr prints, one on each line. Lists in
// braces, which pfctl writes out as several rules, are read too, so that simple
// pf.conf files are.
type pfReader struct {
	noter
	opt    Options
	tables map[string][]netip.Prefix
	listed map[string][]netip.Prefix // tables that stand in files of their own
	d      *pfDecider
	line   int
	number int
	// outer are the conditions of anchors whose rules stand in braces.
	outer [][]condition

	words []string
	at    int
	rule  *Rule
	conds []condition
	proto uint8 // 0 for none, or several
}

// readPF reads files of rules (pfctl -sr), of translations (pfctl -sn) and of tables
// (pfctl -t NAME -T show, or what a table is loaded from) as those of one firewall.
func readPF(files []file, opt Options) *Set {
	r := pfReader{opt: opt, tables: map[string][]netip.Prefix{}, listed: map[string][]netip.Prefix{}, d: &pfDecider{places: newPlaces(opt)}}
	s := &Set{Kind: PF, decider: r.d}
	texts := make([][]string, len(files))
	for i, f := range files {
		s.Files = append(s.Files, f.name)
		r.file = f.name
		for lines := newLines(f.data); lines.Scan(); {
			texts[i] = append(texts[i], lines.Text())
		}
		joinLines(texts[i])
		if f.kind == PFTable {
			r.listed[tableName(f.name)] = r.addresses(texts[i])
		}
	}
	for name, list := range r.listed {
		r.tables[name] = list
	}
	for i, f := range files { // rules may name tables that stand behind them
		r.file = f.name
		for n, text := range texts[i] {
			if words := pfWords(text); len(words) > 2 && words[0] == "table" {
				r.line = n + 1
				r.table(words, text)
			}
		}
	}
	for i, f := range files {
		if r.file = f.name; f.kind == PFTable {
			continue
		}
		for n, text := range texts[i] {
			r.line = n + 1
			r.read(strings.TrimSpace(text))
		}
	}
	s.Rules, s.Notes = r.rules, r.notes
	s.Openings, s.Truncated = r.d.openings()
	s.Covered = r.d.covered()
	return s
}

// joinLines joins a line that ends with a backslash with those that follow; these
// become empty, so that numbers of lines stay.
func joinLines(lines []string) {
	for i := range lines {
		for j := i + 1; j < len(lines); j++ {
			text, more := strings.CutSuffix(strings.TrimRight(lines[i], " \t\r"), "\\")
			if !more {
				break
			}
			lines[i], lines[j] = text+" "+strings.TrimSpace(lines[j]), ""
		}
	}
}

// pfWords splits a line. Marks are words of their own; a quoted word keeps its
// first quote.
func pfWords(s string) []string {
	var all []string
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#':
			return all
		case c == '"':
			end := strings.IndexByte(s[i+1:], '"')
			if end < 0 {
				end = len(s) - i - 1
			}
			all = append(all, s[i:i+1+end])
			i += min(end+2, len(s)-i)
		case i+1 < len(s) && (s[i+1] == '=' && (c == '!' || c == '<' || c == '>') || c == '<' && s[i+1] == '>' || c == '>' && s[i+1] == '<'):
			all = append(all, s[i:i+2])
			i += 2
		case strings.IndexByte("{}(),!<>=", c) >= 0:
			all = append(all, s[i:i+1])
			i++
		default:
			from := i
			for i < len(s) && strings.IndexByte(" \t\r{}(),!<>=\"#", s[i]) < 0 {
				i++
			}
			all = append(all, s[from:i])
		}
	}
	return all
}

// table reads the definition of a table, as pf.conf has them.
func (r *pfReader) table(words []string, text string) {
	if len(words) < 4 || words[1] != "<" || words[3] != ">" {
		r.note(nil, r.line, text, "table")
		return
	}
	name := words[2]
	if _, ok := r.listed[name]; ok {
		return // what it holds now counts
	}
	all, but := []netip.Prefix{}, []netip.Prefix(nil)
	open, not, file := false, false, false
	for _, w := range words[4:] {
		switch {
		case w == "{":
			open = true
		case w == "}":
			open = false
		case file:
			list, ok := r.listed[tableName(strings.Trim(w, `"`))]
			if !ok {
				r.note(nil, r.line, text, "the file of a table is not given")
				return // the table stays unknown
			}
			all, file = append(all, list...), false
		case w == "file":
			file = true
		case w == "persist", w == "const", w == "counters":
		case w == "!":
			not = true
		case w == ",", !open:
		default:
			p, ok := prefixOf(w)
			if !ok {
				r.note(nil, r.line, text, "table with a name")
				return // the table stays unknown
			}
			if not {
				but, not = append(but, p), false
			} else {
				all = append(all, p)
			}
		}
	}
	r.tables[name] = without(all, but)
}

// tableName gives the name of the table that a file lists: that of the file, without
// what is behind the first dot.
func tableName(path string) string {
	if i := strings.LastIndexAny(path, `/\`); i >= 0 {
		path = path[i+1:]
	}
	name, _, _ := strings.Cut(path, ".")
	return name
}

// addresses reads a list of addresses, one on a line, with "!" before those that
// are not in the table.
func (r *pfReader) addresses(lines []string) []netip.Prefix {
	all, but := []netip.Prefix{}, []netip.Prefix(nil)
	for i, text := range lines {
		text, _, _ = strings.Cut(text, "#")
		text, not := strings.CutPrefix(strings.TrimSpace(text), "!")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, ok := prefixOf(text)
		switch {
		case !ok:
			r.note(nil, i+1, text, "no address")
		case not:
			but = append(but, p)
		default:
			all = append(all, p)
		}
	}
	return without(all, but)
}

// without takes networks out of a table. The longest prefix counts: what is in the
// table with a longer one than that which is taken out stays.
func without(all, but []netip.Prefix) []netip.Prefix {
	for _, b := range but {
		var left []netip.Prefix
		for _, p := range all {
			switch {
			case p.Bits() > b.Bits() || !p.Contains(b.Addr()) || p.Addr().Is4() != b.Addr().Is4():
				left = append(left, p)
			case p.Bits() < b.Bits():
				left = append(left, halves(p, b)...)
			}
		}
		all = left
	}
	if all == nil {
		all = []netip.Prefix{}
	}
	return all
}

// halves gives what is left of p without b, which lies in it.
func halves(p, b netip.Prefix) (left []netip.Prefix) {
	for bits := b.Bits(); bits > p.Bits(); bits-- {
		raw := netip.PrefixFrom(b.Addr(), bits).Masked().Addr().AsSlice()
		raw[(bits-1)/8] ^= 0x80 >> ((bits - 1) % 8)
		if a, ok := netip.AddrFromSlice(raw); ok {
			left = append(left, netip.PrefixFrom(a, bits))
		}
	}
	return left
}

// next gives the word at hand, "" at the end, and steps over it.
func (r *pfReader) next() string {
	w := r.peek()
	r.at++
	return w
}

func (r *pfReader) peek() string {
	if r.at < len(r.words) {
		return r.words[r.at]
	}
	return ""
}

func (r *pfReader) take(w string) bool {
	if r.peek() == w {
		r.at++
		return true
	}
	return false
}

// unclear makes the rule one that may or may not apply.
func (r *pfReader) unclear(text, reason string) {
	r.note(r.rule, r.line, text, reason)
	r.conds = append(r.conds, condition{known: true, truth: maybe, stated: clip(text)})
}

func (r *pfReader) read(text string) {
	if strings.HasPrefix(text, "[") { // counters of pfctl -vsr
		return
	}
	r.words, r.at = pfWords(text), 0
	if strings.HasPrefix(r.peek(), "@") { // its number, of pfctl -vvsr
		r.at++
		if r.at < len(r.words) && isDigits(r.peek()) {
			r.at++ // and the line of the rule, in some versions
		}
	}
	switch r.peek() {
	case "":
	case "}":
		if len(r.outer) > 0 {
			r.outer = r.outer[:len(r.outer)-1]
			return
		}
		r.note(nil, r.line, text, "unknown line")
	case "pass", "block", "match", "anchor":
		r.filter(text)
	case "scrub", "table", "set", "nat-anchor", "rdr-anchor", "binat-anchor", "load", "no", "queue", "altq", "antispoof", "state", "include", "dummynet-anchor":
		if w := r.peek(); w == "antispoof" || w == "include" || w == "no" {
			r.note(nil, r.line, text, "print the rules with pfctl -sr")
		}
	case "nat", "rdr", "binat":
		r.translation(text)
	default:
		if r.at+1 < len(r.words) && r.words[r.at+1] == "=" {
			r.note(nil, r.line, text, "macros are not read: print the rules with pfctl -sr")
			return
		}
		r.note(nil, r.line, text, "unknown line")
	}
}

// translation reads a rule of older versions, which comes before all others.
func (r *pfReader) translation(text string) {
	r.rule = &Rule{File: r.file, Line: r.line, ID: fmt.Sprintf("translation in line %d", r.line), Chain: "pf", Text: clip(text)}
	r.rules = append(r.rules, r.rule)
	r.conds, r.proto = nil, 0
	fr := pfRule{rule: r.rule, first: true}
	switch r.next() {
	case "nat":
		fr.out, fr.movesFrom = true, true
	case "rdr":
		fr.in, fr.movesTo = true, true
	default:
		fr.in, fr.out, fr.movesTo, fr.movesFrom = true, true, true, true
	}
	for i, w := range r.words { // behind the arrow stands where it is sent
		if w == "-" && i+1 < len(r.words) && r.words[i+1] == ">" {
			if fr.move = r.arrow(r.words[i+2:]); fr.out {
				fr.move = nil // of binat, which has two ways
			}
			r.words = r.words[:i]
			break
		}
	}
	if r.take("pass") { // then no other rule is asked
		fr.verdict, fr.quick = Allow, true
	}
	for r.at < len(r.words) {
		r.option(&fr, text)
	}
	if fr.movesTo && fr.move == nil {
		r.note(r.rule, r.line, text, "translation is not followed: rules see the new address")
	}
	fr.conds = r.conds
	i := 0
	for i < len(r.d.rules) && r.d.rules[i].first {
		i++
	}
	r.d.rules = append(r.d.rules[:i], append([]pfRule{fr}, r.d.rules[i:]...)...)
}

// arrow reads where a translation leads to, if that is one address, and one port or
// the same as before.
func (r *pfReader) arrow(words []string) *move {
	if len(words) == 0 {
		return nil
	}
	a, ok := parseAddr(words[0])
	m := &move{addr: a}
	rest := words[1:]
	if len(rest) >= 2 && rest[0] == "port" {
		port, known := r.portNumber(rest[1])
		m.port, ok, rest = uint16(port), ok && known, rest[2:]
	}
	for _, w := range rest {
		switch w {
		case "round-robin", "sticky-address", "random", "bitmask", "static-port":
		default:
			ok = false
		}
	}
	if !ok {
		return nil
	}
	return m
}

func isDigits(s string) bool {
	_, err := strconv.Atoi(s)
	return err == nil
}

// filter reads a rule.
func (r *pfReader) filter(text string) {
	r.rule = &Rule{File: r.file, Line: r.line, ID: fmt.Sprintf("@%d", r.number), Chain: "pf", Text: clip(text)}
	r.number++
	r.rules = append(r.rules, r.rule)
	r.conds, r.proto = nil, 0
	for _, c := range r.outer {
		r.conds = append(r.conds, c...)
	}
	fr := pfRule{rule: r.rule, in: true, out: true}
	switch r.next() {
	case "pass":
		fr.verdict, r.rule.Action = Allow, Allow
	case "block":
		fr.verdict, r.rule.Action = Deny, Deny
		switch w := r.peek(); {
		case w == "drop":
			r.at++
		case strings.HasPrefix(w, "return"):
			r.at++
			if r.peek() == "(" {
				r.parens()
			}
		}
	case "anchor":
		fr.anchor = true
		if strings.HasPrefix(r.peek(), `"`) {
			r.rule.Comment = r.next()[1:]
		}
	}
	if r.take("in") {
		fr.out = false
	} else if r.take("out") {
		fr.in = false
	}
	if r.take("log") && r.peek() == "(" {
		r.parens()
	}
	fr.quick = r.take("quick")
	block := false
	for r.at < len(r.words) {
		if r.peek() == "{" && fr.anchor && r.at == len(r.words)-1 {
			block = true
			break
		}
		r.option(&fr, text)
	}
	fr.conds = r.conds
	switch {
	case block: // its rules follow, and stand for it
		r.outer = append(r.outer, r.conds[countConds(r.outer):])
		return
	case fr.anchor:
		r.note(r.rule, r.line, text, "the rules of the anchor are not given: print them with pfctl -a '*' -sr")
	}
	r.d.rules = append(r.d.rules, fr)
}

func countConds(all [][]condition) int {
	n := 0
	for _, c := range all {
		n += len(c)
	}
	return n
}

// parens steps over what stands in parentheses, and gives it.
func (r *pfReader) parens() string {
	var all []string
	depth := 0
	for r.at < len(r.words) {
		w := r.next()
		all = append(all, w)
		if w == "(" {
			depth++
		} else if w == ")" {
			if depth--; depth == 0 {
				break
			}
		}
	}
	return strings.Join(all, " ")
}

// list reads one item, or several in braces.
func (r *pfReader) list() []string {
	if !r.take("{") {
		return []string{r.next()}
	}
	var all []string
	for r.at < len(r.words) && !r.take("}") {
		if w := r.next(); w != "," {
			all = append(all, w)
		}
	}
	return all
}

func (r *pfReader) add(x expr, not bool, terms ...term) {
	e := new(elements)
	for _, t := range terms {
		e.all = append(e.all, element{terms: []term{t}})
	}
	e.order()
	r.conds = append(r.conds, condition{exprs: []expr{x}, elements: e, not: not})
}

// option reads one part of a rule.
func (r *pfReader) option(fr *pfRule, text string) {
	switch w := r.next(); w {
	case "on":
		r.interfaces(fr)
	case "inet":
		r.add(expr{field: versionField}, false, single(number(4)))
	case "inet6":
		r.add(expr{field: versionField}, false, single(number(6)))
	case "proto":
		r.protocols()
	case "all":
	case "from":
		r.side(expr{field: sourceField}, expr{field: sourcePortField})
	case "to":
		r.side(expr{field: destinationField}, expr{field: destinationPortField})
	case "flags":
		r.flags(r.next())
	case "keep", "modulate", "synproxy", "no":
		r.take("state")
		if r.peek() == "(" {
			if s := r.parens(); strings.Contains(s, "max") {
				r.rule.Assumes = "the number of states is not exceeded"
			}
		}
	case "label":
		r.rule.Comment = strings.TrimPrefix(r.next(), `"`)
	case "code", "tag", "queue", "rtable", "ridentifier", "dnqueue", "dnpipe", "prio":
		if r.peek() == "(" {
			r.parens()
		} else {
			r.next()
		}
	case "set", "scrub":
		if r.peek() == "(" {
			r.parens()
		}
	case "allow-opts", "once", "static-port", "round-robin", "sticky-address", "random", "bitmask", "source-hash", "endpoint-independent":
	case "max-pkt-rate":
		r.rule.Assumes = "the rate is not exceeded"
		r.next()
	case "route-to", "reply-to", "dup-to":
		r.target()
	case "nat-to":
		fr.movesFrom = true
		r.target()
	case "rdr-to", "af-to", "binat-to", "divert-to", "divert-packet":
		fr.movesTo, fr.movesFrom = true, w != "rdr-to"
		r.target()
		r.note(r.rule, r.line, text, "translation is not followed: rules for the way out see the new address")
	case "icmp-type", "icmp6-type":
		r.list()
		r.unclear(w, "no flow tells")
	case "user", "group", "tagged", "os", "tos", "probability", "received-on", "!":
		what := w
		if w == "!" {
			what += " " + r.next()
		}
		for r.at < len(r.words) && strings.Contains("= != < > <= >= >< <>", r.peek()) {
			what += " " + r.next()
		}
		what += " " + strings.Join(r.list(), " ")
		r.unclear(what, "no flow tells")
	case "-": // of an arrow, in versions that print one
		r.take(">")
		r.target()
	case "fragment": // a first packet has ports, so it is none
		r.conds = append(r.conds, condition{known: true, truth: never})
	default:
		r.unclear(w, "unknown word of a rule")
		if r.peek() == "(" {
			r.parens()
		}
	}
}

// target steps over where packets are sent, with its port and way of choosing.
func (r *pfReader) target() {
	switch r.peek() {
	case "(":
		r.parens()
	case "{":
		r.list()
	case "<":
		r.at += 3
	default:
		r.next()
	}
	if r.take("port") {
		r.next()
	}
	if strings.HasPrefix(r.peek(), "@") { // the interface, of newer versions
		r.next()
	}
}

func (r *pfReader) interfaces(fr *pfRule) {
	not := r.take("!")
	var terms []term
	for _, name := range r.list() {
		switch {
		case name == "any":
			terms = append(terms, term{any: true})
		case name == "egress" && len(r.d.places.interfaces) > 0: // those with a default route
			for _, x := range r.d.places.interfaces {
				if x.Default {
					terms = append(terms, single(words(x.Name)))
				}
			}
		case name == "lo" || strings.TrimRight(name, "0123456789") == name: // a group, which may have any members
			if name == "lo" {
				terms = append(terms, single(words("lo")), single(words("lo0")))
				continue
			}
			r.unclear("on "+name, "which interfaces are in the group is not known")
			return
		default:
			terms = append(terms, single(words(name)))
		}
	}
	in, out := expr{field: inField}, expr{field: outField}
	switch {
	case !fr.out:
		r.add(in, not, terms...)
	case !fr.in:
		r.add(out, not, terms...)
	default: // the one that it passes, in its direction
		e := new(elements)
		for _, t := range terms {
			e.all = append(e.all, element{terms: []term{t}})
		}
		r.conds = append(r.conds, condition{exprs: []expr{{field: passedField}}, elements: e, not: not})
	}
}

func (r *pfReader) protocols() {
	var terms []term
	for _, s := range r.list() {
		n, ok := protocolNames[s]
		if !ok {
			v, err := strconv.ParseUint(s, 10, 8)
			if err != nil {
				r.unclear("proto "+s, "unknown protocol")
				return
			}
			n = v
		}
		terms = append(terms, single(number(n)))
		r.proto = uint8(n)
	}
	if len(terms) != 1 {
		r.proto = 0
	}
	r.add(expr{field: protocolField}, false, terms...)
}

// flags reads a match on TCP flags, as in S/SA. It means nothing for other
// protocols.
func (r *pfReader) flags(s string) {
	if s == "any" {
		return
	}
	want, mask, ok := strings.Cut(s, "/")
	bits := func(s string) (n uint64, ok bool) {
		for _, c := range s {
			i := strings.IndexRune("FSRPAUEW", c)
			if i < 0 {
				return 0, false
			}
			n |= 1 << i
		}
		return n, true
	}
	w, ok1 := bits(want)
	m, ok2 := bits(mask)
	switch {
	case !ok || !ok1 || !ok2:
		r.unclear("flags "+s, "flags")
	case flagSYN&m != w:
		r.add(expr{field: protocolField}, true, single(number(protoTCP)))
	}
}
