package flowlog

import (
	"bytes"
	"math/bits"

	"github.com/portannot/portannot/annotate/record"
)

// The grammar of JSON. An object is scanned once for the paths of all formats;
// which of them are there tells the format. An object that is of none may be an
// envelope: one that a shipper put around a record, which is text or an object
// again.

// jsonCatalog has what the formats and envelopes look for.
type jsonCatalog struct {
	shapes    []*shape
	tree      *jsonNode
	ids       map[string]uint16 // numbers of paths
	envelopes []uint16          // numbers of envelopePaths
	arrays    []uint16          // numbers of arrayPaths
}

// envelopePaths are where shippers put the record: the text as it came, or the
// object. The first one that holds a record that is understood counts.
var envelopePaths = []string{
	"event.original", // Elastic Common Schema, Elastic Agent
	"message",        // Filebeat, Logstash, CloudWatch, Graylog
	"MESSAGE",        // journald
	"log",            // docker's json-file, Fluent Bit
	"_raw",           // Splunk, Cribl
	"result._raw",    // Splunk's export
	"event",          // Splunk's HTTP event collector, AWS Network Firewall
	"_source",        // a hit of Elasticsearch
	"fields",         // the same, asked for with "fields"
	"textPayload",    // Google Cloud Logging
	"jsonPayload",
	"line", // Loki
	"msg",
	"properties.msg", // Azure diagnostics
	"msg_s",
	"body.stringValue", // OpenTelemetry
	"body",
}

// arrayPaths are where an object holds many records, each in an object.
var arrayPaths = []string{
	"logEvents", // CloudWatch subscriptions
	"events",    // CloudWatch filter-log-events
	"hits.hits", // Elasticsearch
	"records",   // Azure
	"Records",
	"resourceLogs", // OpenTelemetry, each in the other
	"scopeLogs",
	"logRecords",
}

// number numbers the paths, once all formats are known.
func (c *jsonCatalog) number() {
	ids := numberNames(c.shapes, append(append([]string{}, envelopePaths...), arrayPaths...)...)
	for _, path := range envelopePaths {
		c.envelopes = append(c.envelopes, ids[path])
	}
	for _, path := range arrayPaths {
		c.arrays = append(c.arrays, ids[path])
	}
	c.tree, c.ids = newJSONTree(ids), ids
}

// shape gives the first format that an object is of; nil if it is of none.
func (c *jsonCatalog) shape(have *nameSet) *shape {
	for _, s := range c.shapes {
		if s.shown(have) {
			return s
		}
	}
	return nil
}

// spansLines reports whether a JSON log has objects that are not alone on one
// line: it begins with an array, or with a brace alone on its line. Only the
// first line counts, so that it does not matter how much of the log has come.
func spansLines(sample []byte) bool {
	sample = bytes.TrimLeft(sample, " \t\r\n")
	line, _, whole := bytes.Cut(sample, newline)
	if bytes.HasPrefix(line, []byte{'['}) {
		// Not "[UFW BLOCK]", "[12345.678901]" or "[NEW]".
		rest := bytes.TrimLeft(line[1:], " \t\r")
		return len(rest) == 0 || rest[0] == '{' || rest[0] == '[' || rest[0] == ']' || rest[0] == '"'
	}
	return whole && string(bytes.TrimSpace(line)) == "{"
}

// nextObject finds the next object in data: its extent by braces alone, or what
// stands in the place of one up to the end of its line. Before it is what may
// stand between objects. to is -1 when data ends before the object does.
func nextObject(data []byte) (from, to int) {
	for from < len(data) && (data[from] == ' ' || data[from] == '\n' || data[from] == '\r' || data[from] == '\t' || data[from] == ',' || data[from] == '[' || data[from] == ']') {
		from++
	}
	if from == len(data) {
		return from, -1
	}
	if data[from] != '{' {
		if i := bytes.IndexByte(data[from:], '\n'); i >= 0 {
			return from, from + i
		}
		return from, -1
	}
	depth, quoted := 0, false
	for i := from; i < len(data); i++ {
		switch c := data[i]; {
		case quoted:
			if c == '\\' {
				i++
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return from, i + 1
			}
		}
	}
	return from, -1
}

// maxEnvelopes is how many envelopes may stand inside each other.
const maxEnvelopes = 3

// jsonLevel is what is needed for one level of envelopes.
type jsonLevel struct {
	scan        jsonScan
	text        []byte // of the record inside, unescaped
	of          *catalog
	last        int     // in seen
	seen        [8]seen // what objects are of, by that catalog
	now, before *shape  // what the last two objects were of
}

// expect gives the format that the last two objects were of, if it was one; the
// next one is likely to be of it too.
func (v *jsonLevel) expect(c *catalog) *shape {
	if v.of != c || v.now != v.before {
		return nil
	}
	return v.now
}

// meaning gives the fields that are read for a record.
func (s *shape) meaning(r *Record) []field {
	if r.portsOnly {
		return s.meansPorts
	}
	return s.means
}

// seen is what objects with some names are of; nil for none that is kept.
type seen struct {
	have nameSet
	is   *shape
}

// shape gives the format of an object with some names; nil if it is of none.
func (v *jsonLevel) shape(c *catalog, have *nameSet) *shape {
	if v.of != c {
		v.of, v.seen, v.now, v.before = c, [8]seen{}, nil, nil
	}
	if x := &v.seen[v.last]; x.is != nil && x.have == *have {
		return x.is
	}
	sum := uint64(0)
	for i, x := range have {
		sum ^= bits.RotateLeft64(x, 7*i)
	}
	v.last = int(sum * 0x9e3779b97f4a7c15 >> 61)
	x := &v.seen[v.last]
	if x.is == nil || x.have != *have {
		x.have, x.is = *have, c.json.shape(have)
	}
	return x.is
}

// level gives what is needed at a depth.
func (r *Record) level(depth int) *jsonLevel {
	if r.levels[depth] == nil {
		r.levels[depth] = new(jsonLevel)
	}
	return r.levels[depth]
}

const notUnderstoodJSON = "JSON with two ports in fields that are not known"

// object reads the JSON object that begins in text at from, and reports whether
// it is one that is understood. text is r.Line if depth is 0.
func (l *records) object(r *Record, text []byte, from, depth int) bool {
	v := r.level(depth)
	j := &v.scan
	expected := v.expect(l.catalog)
	if j.means, j.out = nil, nil; expected != nil {
		r.values.reset()
		j.means, j.out = expected.meaning(r), &r.values
	}
	end := j.scan(text, l.json.tree, from)
	if end < 0 {
		r.bad(j.fault, nil)
		return false
	}
	if rest := j.space(end); rest != len(text) {
		r.bad("something follows the JSON object", text[rest:])
		return false
	}
	if depth == 0 {
		if j.owns > 0 {
			if j.owns > 1 || text[j.own.from] != '{' {
				r.bad(`has a "portannot" of another origin`, nil)
				return false
			}
			r.cut, r.insert = span{int(j.own.from), int(j.own.to)}, int(j.own.from)
		} else {
			r.cut, r.insert = span{j.end, j.end}, j.end
		}
		r.by = jsonLog{}
	}
	s := v.shape(l.catalog, &j.have)
	if expected != nil && s != expected { // it is of another format: once more
		j.means = nil
		j.scan(text, l.json.tree, from)
	}
	if v.before, v.now = v.now, s; s != nil {
		if s != expected {
			return l.known(r, j, s)
		}
		r.of = s.format
		s.read(r, &r.values)
		return true
	}
	if l.inside(r, text, depth) {
		return true
	}
	if l.named && len(l.json.shapes) > 0 && depth == 0 {
		return l.known(r, j, l.json.shapes[len(l.json.shapes)-1]) // the user says so
	}
	if !l.named && r.Kind != Bad && l.objectBySynonyms(r, j, from) {
		return true
	}
	if r.Kind != Bad && twoPortKeys(text[from:end]) {
		r.bad(notUnderstoodJSON, nil)
	}
	return false
}

// known reads an object whose format is known.
func (l *records) known(r *Record, j *jsonScan, s *shape) bool {
	r.of = s.format
	r.values.reset()
	means := s.meaning(r)
	for i := range j.found {
		x := &j.found[i]
		f := means[x.number]
		if f == noField {
			continue
		}
		b := j.line[x.at.from:x.at.to]
		if b[0]-'0' > 9 {
			if b = j.value(b); b == nil {
				continue
			}
		}
		r.values.put(f, b)
	}
	s.read(r, &r.values)
	return true
}

// inside reads the records that an object of no format holds, as an envelope.
func (l *records) inside(r *Record, text []byte, depth int) bool {
	v := r.level(depth)
	j := &v.scan
	if depth == 0 && l.azure && bytes.Contains(text, tuplesKey) {
		if _, open := findTuples(text); open > 0 {
			r.many, r.tuples = span{0, len(text)}, true
			return true
		}
	}
	for _, n := range l.json.arrays {
		if at, ok := j.lookup(n); ok && text[at.from] == '[' && depth == 0 {
			if open := j.space(int(at.from) + 1); open < len(text) && text[open] == '{' {
				r.many = span{int(at.from), int(at.to)}
				return true
			}
		}
	}
	if depth == maxEnvelopes {
		return false
	}
	cut, insert := r.cut, r.insert
	var fault problem
	for i, n := range l.json.envelopes {
		at, ok := j.lookup(n)
		if !ok {
			continue
		}
		inner := text[at.from:at.to]
		found := false
		switch inner[0] {
		case '{':
			found = l.object(r, inner, 0, depth+1)
		case '"':
			if inner = inner[1 : len(inner)-1]; bytes.IndexByte(inner, '\\') >= 0 {
				if cap(v.text) < len(inner) {
					v.text = make([]byte, 0, len(inner)+len(inner)/2)
				}
				v.text = unescape(v.text[:0], inner)
				inner = v.text
			}
			if inner = bytes.TrimSpace(inner); len(inner) > 0 {
				found = l.text(r, inner, depth+1)
			}
		default:
			continue
		}
		if depth == 0 {
			r.cut, r.insert, r.by = cut, insert, jsonLog{}
			if found {
				r.from = envelopePaths[i]
			}
		}
		if found {
			return true
		}
		if r.Kind == Bad && (r.problem.reason == notUnderstoodJSON || r.problem.reason == notUnderstood) {
			fault = r.problem
		}
		r.Kind, r.problem = Other, problem{}
	}
	if fault.reason != "" {
		r.bad(fault.reason, nil)
	}
	return false
}

// lookup gives the last value of a path.
func (s *jsonScan) lookup(number uint16) (at jsonValue, ok bool) {
	if !s.have.has(number) {
		return at, false
	}
	for i := len(s.found) - 1; i >= 0; i-- {
		if s.found[i].number == number {
			return s.found[i].at, true
		}
	}
	return at, false
}

// value gives a value without the quotes of a string, and of a list that has
// one element that element; nil when it is null or empty, or neither text nor a
// number.
func (s *jsonScan) value(b []byte) []byte {
	if b[0] == '[' {
		if b = bytes.TrimSpace(b[1 : len(b)-1]); len(b) == 0 || b[0] == '"' && bytes.IndexByte(b[1:], '"') != len(b)-2 {
			return nil // it has none, or several
		}
	}
	switch b[0] {
	case 'n', '{', '[':
		return nil
	case '"':
	default:
		if bytes.IndexByte(b, ',') >= 0 {
			return nil
		}
		return b
	}
	if b = b[1 : len(b)-1]; len(b) == 0 {
		return nil
	}
	if s.escape && bytes.IndexByte(b, '\\') >= 0 {
		return unescape(make([]byte, 0, 64), b)
	}
	return b
}

// twoPortKeys reports whether an object has two keys that end like those of
// ports, with numbers.
func twoPortKeys(object []byte) bool {
	n := 0
	for rest := object; ; {
		i := bytes.IndexByte(rest, ':')
		if i < 0 {
			return false
		}
		key := bytes.TrimRight(rest[:i], " \t\r\n")
		rest = rest[i+1:]
		if !bytes.HasSuffix(key, []byte{'"'}) {
			continue
		}
		key = key[:len(key)-1]
		if len(key) < 4 || !equalFold("port", key[len(key)-4:]) && !equalFold("prt", key[len(key)-3:]) && !equalFold("_p", key[len(key)-2:]) {
			continue
		}
		value := bytes.TrimLeft(rest, " \t\r\n[\"")
		end := 0
		for end < len(value) && value[end]-'0' <= 9 {
			end++
		}
		if _, ok := parsePort(value[:end]); !ok {
			continue
		}
		if n++; n == 2 {
			return true
		}
	}
}

// appendKept appends those members of an own object that are no annotation,
// with a comma before each; with local, the user's own names of ports are none
// either. The object was scanned.
func appendKept(dst, object []byte, local bool) []byte {
	s := jsonScan{line: object}
	i := s.space(1)
	for i < len(object) && object[i] == '"' {
		from := i
		end := s.text(i)
		value := s.key(i)
		i = s.skip(value)
		if i < 0 {
			return dst
		}
		if key := object[from+1 : end-1]; !record.IsAnnotation(key) || local && bytes.HasSuffix(key, []byte("local")) {
			dst = append(append(dst, ','), object[from:i]...)
		}
		i = s.space(i)
		i = s.space(i + 1)
	}
	return dst
}

// jsonLog writes objects.
type jsonLog struct{}

func (jsonLog) append(dst []byte, r *Record, n *notes) []byte {
	dst = r.appendBefore(dst)
	if r.cut.len() == 0 {
		dst = append(dst, `,"`+ownKey+`":`...)
	}
	dst = n.object(dst)
	if r.from != "" {
		dst = append(append(append(dst, `,"from":"`...), r.from...), '"')
	}
	if r.cut.len() > 0 {
		a := &n.annotation
		local := r.of == &portannotJSON && a.SourceLocal == "" && a.DestinationLocal == ""
		dst = appendKept(dst, r.Line[r.cut.from:r.cut.to], local)
	}
	return r.appendAfter(append(dst, '}'))
}

// strip takes an earlier annotation away, and the object with it unless there
// is more in it.
func (jsonLog) strip(dst []byte, r *Record) []byte {
	if r.cut.len() == 0 {
		return append(dst, r.Line...)
	}
	dst = append(dst, r.Line[:r.cut.from]...)
	at := len(dst)
	dst = appendKept(dst, r.Line[r.cut.from:r.cut.to], false)
	if len(dst) > at {
		dst[at] = '{'
		return append(append(dst, '}'), r.Line[r.cut.to:]...)
	}
	m := r.level(0).scan.whole
	dst = append(dst[:at-(r.cut.from-m.from)], r.Line[m.to:]...)
	return dst
}
