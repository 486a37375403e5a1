package flowlog

import (
	"bytes"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
)

// Objects, pairs and headers that no row names are understood by what their keys
// are usually called, if both ports are there and nothing contradicts: two keys
// for one field have the same value, and what should be a port is one.

// synonymWords are what logs call the fields, in lower case and without "_", "-",
// "." and spaces. "%" stands for the words of each end.
var synonymWords = []struct {
	field    field
	words    string
	ends     string
	opposite field // for the words of ends
}{
	// Open Cybersecurity Schema Framework, whose addresses and ports lie in
	// src_endpoint and dst_endpoint.
	{fieldProtocol, "protocolnum connectioninfoprotocolnum", "", noField},
	{fieldSourcePort, "", "%endpointport", fieldDestinationPort},
	{fieldSource, "", "%endpointip", fieldDestination},
	{fieldProtocol, "proto protocol ipproto ipprotocol ipprot transport transportprotocol networktransport networkprotocol protocolidentifier protocolnumber protonum l4proto l4protocol ianaprotocol prot networkiananumber connipproto", "", noField},
	{fieldTime, "timestamp time ts start starttime eventtime flowstart flowstartmilliseconds firstseen rt begin datetime", "", noField},
	{fieldOutcome, "action act event disposition verdict outcome deviceaction policyaction fwaction", "", noField},
	{fieldSourcePort, "spt sport", "%port port% %transportport l4%port %prt %pt tcp%port udp%port %portnumber ip%port conn%port", fieldDestinationPort},
	{fieldSource, "sip saddr", "% %ip ip% %addr %address %ipaddr %ipaddress addr% ipv4%addr ipv6%addr %ipv4address %ipv6address %ipv4 %ipv6 %host %addr4 %addr6 l3%addr %ipv4addr conn%ip", fieldDestination},
}

// synonyms are the meanings of keys.
var synonyms = func() map[string]field {
	m := map[string]field{"dpt": fieldDestinationPort, "dport": fieldDestinationPort, "dip": fieldDestination, "daddr": fieldDestination}
	for _, x := range synonymWords {
		for w := range strings.FieldsSeq(x.words) {
			m[w] = x.field
		}
		for w := range strings.FieldsSeq(x.ends) {
			for _, end := range []string{"src", "source"} {
				m[strings.Replace(w, "%", end, 1)] = x.field
			}
			for _, end := range []string{"dst", "dest", "destination"} {
				m[strings.Replace(w, "%", end, 1)] = x.opposite
			}
		}
	}
	return m
}()

// synonym gives the meaning of a key; noField if it has none.
func synonym(key []byte) field {
	var plain [32]byte
	n := 0
	for _, c := range key {
		switch {
		case c == '(' && n > 0: // H3C: "SrcPort(1004)"
			return synonyms[string(plain[:n])]
		case c == '_' || c == '-' || c == '.' || c == ' ' || c == '@':
			continue
		case n == len(plain):
			return noField
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		}
		plain[n] = c
		n++
	}
	return synonyms[string(plain[:n])]
}

// The formats of what is understood by synonyms, and their shapes.
var (
	objectsBySynonyms = &format{name: "JSON, by synonyms", grammar: grammarJSON}
	pairsBySynonyms   = &format{name: "pairs, by synonyms", grammar: grammarPairs}
	textBySynonyms    = &format{name: "text, by synonyms", grammar: grammarPairs}
	columnsBySynonyms = &format{name: "columns, by synonyms", grammar: grammarTable, seps: ",\t;|", quotes: true}

	objectShape = &shape{format: objectsBySynonyms}
	pairShape   = &shape{format: pairsBySynonyms}
	textShape   = &shape{format: textBySynonyms}
)

// claim keeps what a key says, and reports false if another one says otherwise.
func (v *values) claim(f field, value []byte) bool {
	if absent(value) || string(value) == "null" {
		return true
	}
	switch f {
	case fieldProtocol:
		n, ok := parseProtocol(value)
		if !ok {
			return true // of an application, say
		}
		if v.has(f) {
			m, _ := parseProtocol(v.get(f))
			return n == m
		}
	case fieldSourcePort, fieldDestinationPort:
		if _, ok := portOf(value); !ok {
			return false
		}
	case fieldTime:
		if v.has(f) || parseTime(value) == 0 {
			return true
		}
	case fieldOutcome:
		if v.has(f) || actionOutcome(value) == 0 {
			return true
		}
	case fieldSource, fieldDestination:
		if !parseAddr(value).IsValid() {
			if _, port := splitPort(value); port == nil {
				return true // a name, or a zone
			}
		}
	}
	if v.has(f) {
		return bytes.Equal(v.get(f), value)
	}
	v.put(f, value)
	return true
}

// complete reports whether both ports are known, and splits them from their
// addresses.
func (v *values) complete() bool {
	for _, x := range [...][2]field{{fieldSource, fieldSourcePort}, {fieldDestination, fieldDestinationPort}} {
		addr, port := splitPort(v.get(x[0]))
		if port == nil {
			continue
		}
		v.put(x[0], addr)
		if !v.has(x[1]) {
			v.put(x[1], port)
		}
	}
	return v.has(fieldSourcePort) && v.has(fieldDestinationPort)
}

// objectBySynonyms reads an object whose extent is known, and reports whether it
// is understood.
func (l *records) objectBySynonyms(r *Record, j *jsonScan, from int) bool {
	r.values.reset()
	s := jsonScan{line: j.line}
	if i, ok := s.leaves(from, nil, &r.values, 0); i < 0 || !ok || !r.values.complete() {
		return false
	}
	r.of = objectsBySynonyms
	objectShape.read(r, &r.values)
	return true
}

// leaves claims the values of an object and of those inside it. It gives the
// place behind the object, and false if something contradicts.
func (s *jsonScan) leaves(i int, parent []byte, v *values, depth int) (end int, ok bool) {
	i = s.space(i + 1)
	for i < len(s.line) && s.line[i] == '"' {
		from := i + 1
		to := s.text(i) - 1
		if i = s.key(i); i < 0 || i >= len(s.line) {
			return -1, false
		}
		key := s.line[from:to]
		value := i
		if s.line[i] == '{' && depth < 8 && !(depth == 0 && string(key) == ownKey) {
			if i, ok = s.leaves(i, key, v, depth+1); i < 0 || !ok {
				return -1, false
			}
		} else {
			if i = s.skip(i); i < 0 {
				return -1, false
			}
			f := synonym(key)
			if len(parent) > 0 && len(parent)+len(key) < 64 {
				var both [64]byte
				if g := synonym(append(append(both[:0], parent...), key...)); g != noField {
					f = g
				}
			}
			if f != noField {
				b := s.line[value:i]
				if b[0]-'0' > 9 {
					b = s.value(b)
				}
				if b != nil && !v.claim(f, b) {
					return -1, false
				}
			}
		}
		if i = s.space(i); i < len(s.line) && s.line[i] == ',' {
			i = s.space(i + 1)
		}
	}
	return i + 1, true
}

// pairsBySynonyms reads the pairs that were found by synonyms, and reports
// whether they are understood.
func (l *records) pairsBySynonyms(r *Record, style *pairStyle) bool {
	p := &r.pairs
	r.values.reset()
	for _, x := range p.found {
		if !r.values.claim(field(x.number), x.value) {
			return false
		}
	}
	if p.fault != "" || !r.values.complete() {
		return false
	}
	r.of, r.by = pairsBySynonyms, style
	pairShape.read(r, &r.values)
	return true
}

// textBySynonyms reads text with "Key: value" in it, as pairs are read, or with one
// "192.0.2.1:1024 -> 198.51.100.1:443" and no other port, and reports whether it is
// understood.
func (l *records) textBySynonyms(r *Record, text []byte) bool {
	r.values.reset()
	if !r.values.labels(text) {
		r.values.reset()
		if !r.values.arrow(text) {
			return false
		}
	}
	r.of, r.by = textBySynonyms, plainPairs
	textShape.read(r, &r.values)
	return true
}

// labels claims what stands behind words with a colon, and reports whether both
// ends are there.
func (v *values) labels(text []byte) bool {
	var before []byte // the word before
	for i := 0; i < len(text); {
		from := skipBlank(text, i)
		i = wordEnd(text, from)
		word, ok := bytes.CutSuffix(text[from:i], []byte{':'})
		if !ok {
			before = word
			continue
		}
		var both [64]byte
		f := noField
		if len(before)+len(word) < len(both) {
			f = synonym(append(append(both[:0], before...), word...))
		}
		if f == noField {
			f = synonym(word)
		}
		if before = nil; f == noField {
			continue
		}
		from = skipBlank(text, i)
		value := bytes.TrimRight(text[from:wordEnd(text, from)], ";,.")
		if bytes.HasSuffix(value, []byte{':'}) {
			continue // the next key
		}
		if !v.claim(f, value) {
			return false
		}
	}
	return v.complete() && v.has(fieldSource) && v.has(fieldDestination)
}

// arrow takes the ends from the one arrow of a text, and the protocol from the one
// word that names a transport.
func (v *values) arrow(text []byte) bool {
	left, right, ok := bytes.Cut(text, []byte("->"))
	if !ok || bytes.Contains(right, []byte("->")) || bytes.Contains(text, []byte("ransl")) || bytes.Contains(text, []byte("NAT")) {
		return false
	}
	left, right = bytes.TrimRight(left, " "), bytes.TrimLeft(right, " ")
	left = left[bytes.LastIndexAny(left, " (\"'=")+1:]
	if i := bytes.IndexAny(right, " ),;\"'"); i >= 0 {
		right = right[:i]
	}
	ends := 0
	for word := range bytes.FieldsFuncSeq(text, func(c rune) bool { return c < 128 && !wordByte(byte(c)) && c != ':' && c != '[' && c != ']' }) {
		if _, port := splitPort(word); port != nil {
			ends++
		}
		n, ok := parseProtocol(bytes.TrimRight(word, ":"))
		if _, ports := iana.TransportOf(n); !ok || !ports || word[0]-'0' <= 9 {
			continue
		}
		if !v.claim(fieldProtocol, bytes.TrimRight(word, ":")) {
			return false
		}
	}
	v.put(fieldSource, left)
	v.put(fieldDestination, right)
	return ends == 2 && v.complete()
}

// tableBySynonyms gives the layout for a header whose columns have usual names;
// nil if both ports and an address are not among them, or a name comes twice.
func tableBySynonyms(line []byte) *shape {
	for i := range len(columnsBySynonyms.seps) {
		t := &table{shape: &shape{format: columnsBySynonyms}, sep: columnsBySynonyms.seps[i]}
		s := &shape{format: columnsBySynonyms, names: map[string]field{}}
		had, twice := uint64(0), false
		for _, cell := range t.split(line) {
			f := synonym(cell)
			switch {
			case f == noField || bytes.IndexByte(cell, '=') >= 0:
				continue
			case had>>f&1 != 0:
				twice = twice || f != fieldTime && f != fieldOutcome
				continue
			}
			had |= 1 << f
			s.names[string(cell)] = f
			s.listed = append(s.listed, string(cell))
		}
		const ports = 1<<fieldSourcePort | 1<<fieldDestinationPort
		if had&ports == ports && had&(1<<fieldSource|1<<fieldDestination|1<<fieldProtocol) != 0 && !twice {
			return s
		}
	}
	return nil
}
