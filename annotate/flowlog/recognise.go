package flowlog

import "bytes"

// records is the layout of a log whose records stand alone: each is recognised
// by itself, in the fixed order of the catalog, so a log may mix them. What is
// valid JSON is only compared with formats of JSON.
type records struct {
	*catalog
	// named says that the user named the format: a line that is of no format
	// and has no ports is another event.
	named bool
	// prefix is a text before each record, that the user names.
	prefix []byte
}

// spanningRecords is records for a log whose JSON objects stand anywhere at the
// top level or in an array there, and may go over several lines.
type spanningRecords struct{ *records }

func (spanningRecords) next(data []byte) (from, to int) { return nextObject(data) }

// Reasons for which a line is of no format.
const (
	notRecognised = "format not recognised"
	notUnderstood = "has two ports, but its form is not known"
)

// mark: header lines, and comments, begin with "#".
func (l *records) mark() string { return "#" }

func (l *records) head(dst, line []byte, strip bool) ([]byte, layout, error) {
	if isZeekHeader(line) && !l.named {
		z := newZeekLog('\t')
		z.rest = l
		return z.head(dst, line, strip)
	}
	if names, ok := bytes.CutPrefix(line, fieldsMark); ok {
		if t := l.fieldsTable(names); t != nil {
			return t.extend(append(dst, fieldsMark...), names, strip), t, nil
		}
	}
	return append(dst, line...), l, nil
}

var fieldsMark = []byte("#Fields:")

// fieldsLog is a table whose header is a line "#Fields: …". Other lines that
// begin with "#" are comments.
type fieldsLog struct{ *table }

// fieldsTable gives the layout below such a line, without its mark; nil if it is
// of no format here.
func (l *records) fieldsTable(names []byte) *fieldsLog {
	for _, s := range l.tables {
		if !s.fieldsLine {
			continue
		}
		t, err := s.readHeaderWith(bytes.TrimLeft(names, " "), s.seps[0])
		if err == nil && s.known(t.hasName) {
			t.rest, t.header = l, noHeader
			return &fieldsLog{t}
		}
	}
	return nil
}

func (f *fieldsLog) mark() string { return "#" }

func (f *fieldsLog) head(dst, line []byte, strip bool) ([]byte, layout, error) {
	if bytes.HasPrefix(line, fieldsMark) {
		return f.rest.head(dst, line, strip)
	}
	return append(dst, line...), f, nil
}

func (l *records) parse(r *Record) {
	line := r.Line
	begin := 0
	for begin < len(line) && (line[begin] == ' ' || line[begin] == '\t') {
		begin++
	}
	switch {
	case begin == len(line):
	case line[begin] == '{':
		l.object(r, line, begin, 0)
	case line[begin] == '#':
		if isZeekHeader(line) {
			r.bad("a header line: the format needs whole logs", nil)
		}
	default:
		if len(l.prefix) == 0 && len(l.shapes) > 0 && len(l.json.shapes) == len(l.shapes) && line[begin] != '<' && stamp(line, begin) == 0 {
			r.bad("no JSON object", line)
			return
		}
		l.text(r, line, 0)
	}
}

// append is not used: each record has a layout of its own in Record.by.
func (l *records) append(dst []byte, r *Record, _ *notes) []byte { return append(dst, r.Line...) }

// text reads a record of text, which may have a header before it, and reports
// whether it is one that is understood.
func (l *records) text(r *Record, text []byte, depth int) bool {
	end := len(text)
	if depth == 0 {
		end = r.findAdded()
	}
	line := text[:end]
	h := &r.header
	h.read(line)
	if len(l.prefix) > 0 {
		for _, at := range h.begins[:h.n] {
			if at < len(line) && bytes.HasPrefix(line[at:], l.prefix) {
				h.begin(skipBlank(line, at+len(l.prefix)))
				break
			}
		}
	}
	known := h.known || l.named
	for _, at := range h.begins[:h.n] {
		if at >= len(line) {
			break
		}
		switch c := line[at]; {
		case c == '{':
			if depth == 0 && end < len(text) { // what looks like ours is a part of it
				r.cut, r.insert = span{len(text), len(text)}, len(text)
			}
			if depth < maxEnvelopes && l.object(r, text, at, depth) {
				return true
			}
			if r.Kind == Bad {
				return false
			}
			return l.nothing(r, line[at:], known)
		case l.bareAt(r, line, at, depth), l.sentenceAt(r, line, at), l.pairsAt(r, line, at, h):
			return true
		case r.of != nil || r.Kind == Bad:
			// Of a format, but not one of its records of flows.
			return l.nothing(r, line[at:], true)
		}
	}
	if len(l.pairs.shapes) > 0 && l.usualPairs(r, line) {
		return true
	}
	return l.nothing(r, line, known || r.of != nil)
}

// nothing decides what becomes of a text that is of no format.
func (l *records) nothing(r *Record, text []byte, known bool) bool {
	if r.Kind == Bad {
		return false
	}
	switch {
	case twoPorts(text):
		if r.of == nil && !l.named && len(l.pairs.shapes) > 0 && l.textBySynonyms(r, text) {
			return true
		}
		r.bad(notUnderstood, nil)
	case !known:
		r.bad(notRecognised, nil)
	}
	return false
}

// findAdded finds what was added to a line of text before, as pairs or as
// columns, sets where the new annotation goes, and gives the end of the line
// without it.
func (r *Record) findAdded() int {
	line := r.Line
	if !bytes.HasSuffix(line, caveatText) && !bytes.HasSuffix(line, caveatQuoted) {
		return len(line)
	}
	last := -1
	for _, begin := range pairBegins {
		last = max(last, bytes.LastIndex(line, begin))
	}
	if last > 0 {
		last-- // what parts it from the pair before
		r.cut, r.insert = span{last, len(line)}, last
		return last
	}
	return len(line)
}
