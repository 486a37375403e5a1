package flowlog

import (
	"bytes"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
)

// The grammar of pairs: "key=value" with spaces, commas or tabs between, also
// behind the headers of CEF and LEEF. A record is read once for the keys of all
// formats; which of them are there tells the format.

// pairForm is how pairs stand in a record.
type pairForm uint8

const (
	pairsSpaced     pairForm = iota // key=value key="a value", with spaces, commas, bars or semicolons between
	pairsCEF                        // ArcSight's Common Event Format: values go up to the next key
	pairsLEEF                       // QRadar's Log Event Extended Format: tabs, or what the header says, between
	pairsCheckPoint                 // [key:"value"; key:"value"], as Check Point's log exporter writes them
	pairsFTD                        // "Key: Value, Key: Value" behind the head of Cisco FTD's messages 430001 to 430005
)

// pairCatalog has the keys that formats look for.
type pairCatalog struct {
	shapes []*shape
	keys   map[string]uint16
}

// bareWord marks a name that is a word without "=".
const bareWord = "^"

func (c *pairCatalog) number() {
	c.keys = numberNames(c.shapes)
}

// pairFound is a pair that was looked for.
type pairFound struct {
	number uint16
	value  []byte
}

// pairScan reads the pairs of one record.
type pairScan struct {
	found  []pairFound
	have   nameSet
	pairs  int    // all of them
	odd    int    // words without "="
	fault  string // why it cannot be read
	rest   []byte
	text   []byte // what was read
	before []byte // the user's own text
	// verdict is what the text before the pairs says was done; nil for nothing.
	verdict []byte
	// synonyms says that fields are looked for, by any of their names.
	synonyms bool
}

// pairsAt reads pairs that begin at a place, and reports whether they are a
// record of a format.
func (l *records) pairsAt(r *Record, line []byte, at int, h *header) bool {
	if len(l.pairs.shapes) == 0 {
		return false
	}
	p := &r.pairs
	text := line[at:]
	p.text = text
	form, body := pairsSpaced, text
	switch {
	case bytes.HasPrefix(text, []byte("CEF:")):
		form, body = pairsCEF, behindBars(text, 7)
	case bytes.HasPrefix(text, []byte("LEEF:")):
		form = pairsLEEF
	case isCheckPoint(text):
		form = pairsCheckPoint
	case bytes.HasPrefix(text, []byte("%FTD-")), bytes.HasPrefix(text, []byte("%NGIPS-")):
		if _, body, _ = bytes.Cut(text, []byte("-43000")); len(body) > 3 {
			form, body = pairsFTD, body[len("1: "):]
		}
	}
	var style *pairStyle
	switch form {
	case pairsCEF:
		p.cef(l.pairs.keys, body)
		style = plainPairs
	case pairsLEEF:
		style = p.leef(l.pairs.keys, text)
	case pairsCheckPoint:
		p.checkPoint(l.pairs.keys, text)
		style = plainPairs
	case pairsFTD:
		p.colons(l.pairs.keys, body)
		style = plainPairs
	default:
		if !startsPair(text) {
			return l.prefixed(r, line, at, h)
		}
		style = p.spaced(l.pairs.keys, text, nil)
	}
	for _, s := range l.pairs.shapes {
		if s.form == form && s.prefix == 0 && s.shown(&p.have) {
			return l.readPairs(r, s, style)
		}
	}
	return l.prefixed(r, line, at, h)
}

// usualPairs reads pairs that are of no format by the usual names of their keys,
// and reports whether they are understood.
func (l *records) usualPairs(r *Record, line []byte) bool {
	p := &r.pairs
	for _, at := range r.header.begins[:r.header.n] {
		text := line[min(at, len(line)):]
		form, style := pairsSpaced, plainPairs
		p.synonyms = true
		switch {
		case bytes.HasPrefix(text, []byte("CEF:")):
			form = pairsCEF
			p.cef(nil, behindBars(text, 7))
		case bytes.HasPrefix(text, []byte("LEEF:")):
			form = pairsLEEF
			style = p.leef(nil, text)
		case startsPair(text):
			style = p.spaced(nil, text, nil)
		default:
			p.synonyms = false
			continue
		}
		p.synonyms = false
		if !l.named && l.pairsBySynonyms(r, style) {
			return true
		}
		if p.pairs > 2 && p.odd <= p.pairs || form != pairsSpaced {
			r.of = pairsOf[form] // not a line of which nothing is known
		}
	}
	return false
}

// pairsOf are what pairs of no format are counted as.
var pairsOf = [...]*format{pairsSpaced: {name: "pairs", loose: true}, pairsCEF: {name: "cef", loose: true}, pairsLEEF: {name: "leef", loose: true}, pairsCheckPoint: {name: "checkpoint", loose: true}, pairsFTD: {name: "ftd", loose: true}}

// prefixed reads a record with a user's own text before it.
func (l *records) prefixed(r *Record, line []byte, at int, h *header) bool {
	if at != h.begins[h.n-1] {
		return false // the text comes behind all of the header
	}
	text := line[at:]
	for _, s := range l.pairs.shapes {
		if s.prefix == 0 {
			continue
		}
		first := s.knows[0][0]
		i := bytes.Index(text[:min(len(text), s.prefix+len(first)+1)], []byte(first+"="))
		if i < 0 || i > 0 && (bytes.ContainsAny(text[:i], "=\"") || h.tag != nil && !s.tagged(h.tag)) {
			continue
		}
		before := line[min(h.free, at) : at+i]
		if s.lead != nil && !s.lead(before) {
			continue
		}
		p := &r.pairs
		p.text = text[i:]
		p.spaced(l.pairs.keys, text[i:], s.allow)
		p.before = before
		if p.odd == 0 && s.shown(&p.have) {
			r.of = nil
			p.verdict = prefixVerdict(before)
			return l.readPairs(r, s, plainPairs)
		}
	}
	return false
}

// hasName reports whether a list of names with spaces between has a name.
func hasName(list string, name []byte) bool {
	for w := range strings.FieldsSeq(list) {
		if w == string(name) {
			return true
		}
	}
	return false
}

func (l *records) readPairs(r *Record, s *shape, style *pairStyle) bool {
	p := &r.pairs
	r.of = s.format
	if r.by = style; s.style != nil && style == plainPairs {
		r.by = s.style
	}
	if p.fault != "" {
		r.bad(p.fault, p.rest)
		return true
	}
	r.values.reset()
	for i := len(p.found) - 1; i >= 0; i-- { // the first one counts
		if x := &p.found[i]; s.means[x.number] != noField && len(x.value) > 0 {
			f := s.means[x.number]
			if s.reply && r.values.has(f) && answered[f] != noField {
				r.values.put(answered[f], r.values.get(f))
			}
			r.values.put(f, x.value)
		}
	}
	if p.verdict != nil && !r.values.has(fieldOutcome) {
		r.values.put(fieldOutcome, p.verdict)
	}
	s.read(r, &r.values)
	return true
}

// answered are the fields that those of the answers say: where they come from is
// what the destination was translated to.
var answered = [numFields]field{
	fieldSource: fieldNATDestination, fieldSourcePort: fieldNATDestinationPort,
	fieldDestination: fieldNATSource, fieldDestinationPort: fieldNATSourcePort,
	fieldSourcePackets: fieldDestinationPackets,
}

func (p *pairScan) reset() {
	p.verdict = nil
	p.found, p.have, p.pairs, p.odd, p.fault, p.rest = p.found[:0], nameSet{}, 0, 0, "", nil
}

// pair keeps a pair that is looked for.
func (p *pairScan) pair(keys map[string]uint16, key, value []byte) {
	p.pairs++
	if p.synonyms {
		if f := synonym(key); f != noField {
			p.found = append(p.found, pairFound{uint16(f), value})
		}
		return
	}
	if n, ok := keys[string(key)]; ok {
		p.found = append(p.found, pairFound{n, value})
		p.have.add(n)
	}
}

// startsPair reports whether a text begins with a key and "=".
func startsPair(text []byte) bool {
	for i, c := range text {
		switch {
		case c == '=':
			return i > 0
		case c|0x20-'a' > 25 && c-'0' > 9 && c != '_' && c != '.' && c != '-' && c != '(' && c != ')':
			return false
		}
	}
	return false
}

// spaced reads pairs with spaces, commas, bars or semicolons between them. A value in quotes goes
// up to a quote without a backslash before it. allow are the words without "="
// that may stand between them; others are counted as odd.
func (p *pairScan) spaced(keys map[string]uint16, line []byte, allow map[string]bool) *pairStyle {
	p.reset()
	style, sep := plainPairs, byte(' ')
	for at := 0; at < len(line); {
		switch line[at] {
		case ' ', '\t', ',', sep:
			at++
			continue
		case '[': // what is quoted of another packet, or a remark
			if i := bytes.IndexByte(line[at:], ']'); i >= 0 {
				at += i + 1
			} else {
				at = len(line)
			}
			continue
		}
		from := at
		for at < len(line) && line[at] != '=' && (line[at] != ' ' && line[at] != '\t' || sep == '|' || sep == ';') && line[at] != sep {
			at++
		}
		word := line[from:at]
		if at == len(line) || line[at] != '=' {
			var marked [32]byte
			if n, ok := keys[string(append(append(marked[:0], bareWord...), word[:min(len(word), 31)]...))]; ok {
				p.found = append(p.found, pairFound{n, word})
				p.have.add(n)
			}
			if !allow[string(word)] && !(allow != nil && (word[0] == '(' || bytes.HasPrefix(word, []byte("FRAG:")))) {
				p.odd++
			}
			continue
		}
		if at+1 < len(line) && line[at+1] == '"' {
			value, next, ok := quotedValue(line, at+1)
			if !ok {
				p.fault, p.rest = "a quoted value does not end", line[from:]
				return style
			}
			p.pair(keys, word, value)
			if at = next; at < len(line) && p.pairs == 1 {
				if s := separated[line[at]]; s != nil {
					style, sep = s, line[at]
				}
			}
			continue
		}
		end := at + 1
		for end < len(line) {
			c := line[end]
			if (c == ' ' || c == '\t') && (p.pairs == 0 || sep == ' ' || sep == ',') {
				if c == '\t' && p.pairs == 0 {
					style = tabPairs
				}
				break
			}
			if c == sep && startsPair(behindBlank(line, end+1)) || (sep == '|' || sep == ';') && c == sep {
				break
			}
			if s := separated[c]; s != nil && p.pairs == 0 && startsPair(behindBlank(line, end+1)) {
				style, sep = s, c
				break
			}
			end++
		}
		p.pair(keys, word, line[at+1:end:end])
		at = end
	}
	return style
}

// behindBlank gives what stands behind a place, and behind a space there.
func behindBlank(line []byte, i int) []byte {
	if i < len(line) && line[i] == ' ' {
		i++
	}
	return line[i:]
}

// behindBars gives what stands behind the nth bar of a text.
func behindBars(text []byte, n int) []byte {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '|':
			if n--; n == 0 {
				return text[i+1:]
			}
		}
	}
	return nil
}

// cef reads the extension of a CEF record (ArcSight Common Event Format,
// Implementation Standard, version 25): values go up to the next key, and have
// a backslash before "=".
func (p *pairScan) cef(keys map[string]uint16, text []byte) {
	p.reset()
	text = bytes.TrimLeft(text, " ")
	for len(text) > 0 {
		key, rest, ok := bytes.Cut(text, []byte{'='})
		if !ok {
			return
		}
		// The value ends before the word that is the next key.
		end, next := len(rest), len(rest)
		space := -1
	value:
		for i := 0; i < len(rest); i++ {
			switch rest[i] {
			case '\\':
				i++
			case ' ':
				space = i
			case '=':
				if space >= 0 {
					end, next = space, space+1
					break value
				}
			}
		}
		p.pair(keys, key, bytes.TrimRight(rest[:end], " "))
		text = rest[next:]
	}
}

// isCheckPoint reports text that begins with [key:"
func isCheckPoint(text []byte) bool {
	i := bytes.IndexByte(text[:min(len(text), 64)], ':')
	return i > 1 && text[0] == '[' && i+1 < len(text) && text[i+1] == '"' && isName(text[1:i])
}

// checkPoint reads [key:"value"; key:"value"].
func (p *pairScan) checkPoint(keys map[string]uint16, text []byte) {
	p.reset()
	for text = text[1:]; ; {
		i := bytes.IndexByte(text, ':')
		if i < 0 {
			return
		}
		key := bytes.TrimLeft(text[:i], "; ")
		value, next, ok := quotedValue(text, i+1)
		if !ok || text[min(i+1, len(text)-1)] != '"' {
			p.fault, p.rest = "a quoted value does not end", text
			return
		}
		p.pair(keys, key, value)
		if text = text[next:]; len(text) == 0 || text[0] == ']' {
			return
		}
	}
}

// colons reads "Key: Value, Key: Value". A value may have commas, and colons.
func (p *pairScan) colons(keys map[string]uint16, text []byte) {
	p.reset()
	for len(text) > 0 {
		key, rest, ok := bytes.Cut(text, []byte(": "))
		if !ok {
			return
		}
		end, next := len(rest), len(rest)
		for at := 0; at < len(rest); {
			i := bytes.Index(rest[at:], []byte(", "))
			if i < 0 {
				break
			}
			at += i + 2
			if colon := bytes.Index(rest[at:], []byte(": ")); colon > 0 && isName(rest[at:at+colon]) {
				end, next = at-2, at
				break
			}
		}
		p.pair(keys, key, rest[:end:end])
		text = rest[next:]
	}
}

// isName reports letters, digits and "_".
func isName(text []byte) bool {
	for _, c := range text {
		if c|0x20-'a' > 25 && c-'0' > 9 && c != '_' {
			return false
		}
	}
	return true
}

// leef reads a LEEF record: five bars and tabs in version 1.0; in 2.0 a sixth
// bar, before which the byte that parts the pairs may stand, as itself or as
// "x09" or "0x09".
func (p *pairScan) leef(keys map[string]uint16, text []byte) *pairStyle {
	p.reset()
	body, sep := behindBars(text, 5), byte('\t')
	if bytes.HasPrefix(text, []byte("LEEF:2")) {
		if mark, rest, ok := bytes.Cut(body, []byte{'|'}); ok && len(mark) < 6 && bytes.IndexByte(mark, '=') < 0 {
			body = rest
			switch hex := bytes.TrimPrefix(bytes.TrimPrefix(mark, []byte{'0'}), []byte{'x'}); {
			case len(mark) == 1:
				sep = mark[0]
			case len(hex) == 2:
				sep = byte(hexDigit(hex[0])<<4 | hexDigit(hex[1]))
			}
		}
	}
	if bytes.IndexByte(body, sep) < 0 && bytes.Count(body, []byte{'='}) > 1 && sep == '\t' {
		// A relay made spaces of the tabs.
		p.cef(keys, body)
		return plainPairs
	}
	for pair := range bytes.SplitSeq(body, []byte{sep}) {
		if key, value, ok := bytes.Cut(pair, []byte{'='}); ok {
			p.pair(keys, bytes.TrimSpace(key), bytes.TrimSpace(value))
		}
	}
	if sep == '\t' {
		return tabPairs
	}
	return leefStyles[sep]
}

// quotedValue reads a value that goes up to a space, or in quotes up to a
// quote without a backslash before it. next is where the next pair begins.
func quotedValue(line []byte, from int) (value []byte, next int, ok bool) {
	if from == len(line) || line[from] != '"' {
		end := len(line)
		if i := bytes.IndexByte(line[from:], ' '); i >= 0 {
			end = from + i
		}
		return line[from:end:end], min(end+1, len(line)), true
	}
	for i := from + 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return line[from+1 : i : i], i + 1, true
		}
	}
	return nil, len(line), false
}

// pairStyle is how pairs are written.
type pairStyle struct {
	sep    string // before each pair
	quoted bool   // all values but numbers; otherwise those with a space
}

var (
	plainPairs  = &pairStyle{sep: " "}
	quotedPairs = &pairStyle{sep: " ", quoted: true}
	commaPairs  = &pairStyle{sep: ",", quoted: true}
	tabPairs    = &pairStyle{sep: "\t"}
)

// leefStyles are those of LEEF, by the byte between its pairs.
var leefStyles = func() (styles [256]*pairStyle) {
	for i := range styles {
		styles[i] = &pairStyle{sep: string([]byte{byte(i)})}
	}
	return styles
}()

// separated are the styles of pairs with more than a space between them. Between
// bars and semicolons values may have spaces.
var separated = [256]*pairStyle{',': commaPairs, '|': {sep: "|"}, ';': {sep: ";"}}

// How our pairs begin, in each version of the record, and end.
var (
	pairBegins   = [][]byte{[]byte("portannot.service.side="), []byte("portannot.side=")}
	caveatText   = []byte(iana.Caveat)
	caveatQuoted = []byte(iana.Caveat + `"`)
)

// pair appends a pair, unless it has no value, which it does not keep.
func (s *pairStyle) pair(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(append(append(dst, s.sep...), "portannot."...), key...), '=')
	if !s.quoted && !strings.ContainsAny(value, " \"") {
		return append(dst, value...)
	}
	dst = append(dst, '"')
	for i := range len(value) {
		c := value[i]
		if c == '"' || c == '\\' {
			c = '\''
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// pairs appends the annotation as pairs, a separator before each, by the names of
// the columns and in their order. Those without a value are left out.
func (s *pairStyle) pairs(dst []byte, n *notes) []byte {
	a := &n.annotation
	e := a.ServiceEntry()
	dst = s.pair(dst, "service.side", a.Service.Side.String())
	if e != nil {
		dst = ascii.AppendUint(append(append(dst, s.sep...), "portannot.service.port="...), uint64(e.Port))
	}
	dst = s.pair(dst, "service.reason", a.Service.Reason.String())
	dst = s.pair(dst, "service.confidence", a.Service.Confidence.String())
	dst = s.pair(dst, "note", a.Note.String())
	if e != nil {
		dst = s.pair(dst, "registered.status", e.Status.String())
		dst = s.pair(dst, "registered.name", e.Name())
		if e.NumNames() > 1 {
			dst = s.pair(dst, "registered.names", n.names(e))
		}
		dst = s.pair(dst, "registered.unauthorized_use", e.Unauthorized())
		gone, _ := e.Deassigned()
		dst = s.pair(dst, "registered.deassigned.date", gone.Date)
		dst = s.pair(dst, "registered.deassigned.name", gone.FormerName)
		dst = s.pair(dst, "registered.siblings", n.siblings(e))
	}
	if a.RegisteredLater {
		dst = s.pair(dst, "registered_after_traffic", "true")
	}
	if !a.NoSourcePort {
		dst = s.pair(dst, "source_registered.status", a.Source.Status.String())
		dst = s.pair(dst, "source_registered.name", a.Source.Name())
	}
	if !a.NoDestinationPort {
		dst = s.pair(dst, "destination_registered.status", a.Destination.Status.String())
		dst = s.pair(dst, "destination_registered.name", a.Destination.Name())
	}
	dst = s.pair(dst, "local", a.Local())
	dst = s.pair(dst, "registry.edition", n.edition())
	dst = append(append(dst, s.sep...), "portannot.schema="+schemaText...)
	return s.pair(dst, "caveat", iana.Caveat)
}

// append appends the record with the annotation as pairs.
func (s *pairStyle) append(dst []byte, r *Record, n *notes) []byte {
	return r.appendAfter(s.pairs(r.appendBefore(dst), n))
}
