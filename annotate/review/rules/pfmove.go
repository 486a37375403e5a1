package rules

import "fmt"

// Translations of pf in older versions, and interfaces that are not filtered, come
// before all rules.

// skip reads the interfaces that are not filtered.
func (r *pfReader) skip(text string) {
	r.rule = &Rule{File: r.file, Line: r.line, ID: fmt.Sprintf("skip in line %d", r.line), Chain: "pf", Text: clip(text), Action: Allow}
	r.rules = append(r.rules, r.rule)
	r.conds = nil
	fr := pfRule{rule: r.rule, in: true, out: true, quick: true, first: true, verdict: Allow}
	if r.take("on") {
		r.interfaces(&fr)
	}
	fr.conds = r.conds
	r.d.rules = append([]pfRule{fr}, r.d.rules...)
}

// translation reads a rule of older versions, which comes before all others. With no,
// what matches is not translated.
func (r *pfReader) translation(text string, no bool) {
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
	if fr.stays = no; fr.movesTo && fr.move == nil && !no {
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
