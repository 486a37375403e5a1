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
	vague  map[string]bool           // tables of which some addresses are not known
	listed map[string][]netip.Prefix // tables that stand in files of their own
	d      *pfDecider
	line   int
	number int
	macros map[string]string
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
	r := pfReader{opt: opt, tables: map[string][]netip.Prefix{}, vague: map[string]bool{}, macros: map[string]string{}, listed: map[string][]netip.Prefix{}, d: &pfDecider{places: newPlaces(opt)}}
	s := &Set{Kind: PF, decider: r.d}
	texts := make([][]string, len(files))
	for i, f := range files {
		s.Files = append(s.Files, f.name)
		r.file = f.name
		for lines := newLines(f.data); lines.Scan(); {
			texts[i] = append(texts[i], lines.Text())
		}
		joinLines(texts[i])
		r.expand(texts[i])
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
		switch w := r.next(); {
		case w == "set" && r.take("skip"):
			r.skip(text)
		case w == "no" && (r.peek() == "nat" || r.peek() == "rdr" || r.peek() == "binat"):
			r.translation(text, true)
		case w == "antispoof" || w == "include":
			r.note(nil, r.line, text, "print the rules with pfctl -sr")
		}
	case "nat", "rdr", "binat":
		r.translation(text, false)
	default:
		r.note(nil, r.line, text, "unknown line")
	}
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
	case "allow-opts", "once", "fastroute", "static-port", "round-robin", "sticky-address", "random", "bitmask", "source-hash", "endpoint-independent":
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
