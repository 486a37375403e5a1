package rules

import (
	"net/netip"
	"os"
	"strings"
)

// Tables and macros of pf.

// expand puts the values of macros, which pfctl does not print, into the lines of a
// pf.conf. A macro stands before its use.
func (r *pfReader) expand(lines []string) {
	for i, text := range lines {
		if strings.IndexByte(text, '$') >= 0 {
			lines[i] = os.Expand(strings.ReplaceAll(text, "$$", "$"), func(name string) string {
				if value, ok := r.macros[name]; ok {
					return value
				}
				return "$" + name
			})
		}
		words := pfWords(lines[i])
		if len(words) < 3 || words[1] != "=" || pfKeywords[words[0]] {
			continue
		}
		var value []string
		for _, w := range words[2:] {
			value = append(value, strings.TrimPrefix(w, `"`))
		}
		if r.macros[words[0]] = strings.Join(value, " "); len(r.macros[words[0]]) > maxMacro {
			r.macros[words[0]] = "$" + words[0]
		}
		lines[i] = ""
	}
}

// maxMacro bounds the value of a macro, which may name others.
const maxMacro = 1 << 14

var pfKeywords = map[string]bool{"pass": true, "block": true, "match": true, "set": true, "table": true, "nat": true, "rdr": true, "binat": true, "no": true, "anchor": true, "scrub": true}

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
			p, ok := pfPrefix(w)
			if !ok && w == "self" && len(r.d.places.local) > 0 && !not {
				all = append(all, r.d.places.local...)
				continue
			}
			if !ok {
				r.note(nil, r.line, w, "table with a name")
				r.vague[name], not = true, false
				continue
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
