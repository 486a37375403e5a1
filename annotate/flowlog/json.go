package flowlog

import (
	"bytes"
	"net/netip"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/capture/flow"
)

// jsonField is a field that some JSON format has.
type jsonField uint8

const (
	jsonProtocol       jsonField = iota // number or name
	jsonProtocolNumber                  // where a format has both; counts if the other is absent or unknown
	jsonSource
	jsonSourcePort
	jsonDestination
	jsonDestinationPort
	jsonTime // text, or a number of seconds, milli-, micro- or nanoseconds
	jsonOtherTime
	jsonFlags // TCP flags of source to destination: a number, or letters

	// The remaining ones are what a format's own rules for roles need.
	jsonServer
	jsonServerPort
	jsonKind
	jsonReply
	jsonReason
	jsonConfidence
	jsonForeign
	jsonUDPSourcePort
	jsonUDPDestinationPort
	jsonSCTPSourcePort
	jsonSCTPDestinationPort
	jsonSYN
	jsonACK

	// These tell the outcome.
	jsonOutcome
	jsonHistory
	jsonPackets
	jsonSourcePackets
	jsonDestinationPackets

	numJSONFields
)

// jsonPath says where a field stands.
type jsonPath struct {
	path  string
	field jsonField
}

// jsonShape is a kind of JSON log.
type jsonShape struct {
	paths []jsonPath
	// is reports whether an object is of this kind, for detection.
	is func(v *[numJSONFields]jsonValue) bool
	// roles reads what the log says of the ends; it may be nil.
	roles func(j *jsonScan, r *Record)
	// outcome reads what the log says became of the flow; it may be nil.
	outcome func(j *jsonScan, r *Record) annotate.Outcome
}

// jsonLog reads a log of JSON objects, one a line.
type jsonLog struct {
	shape *jsonShape
	tree  *jsonNode
}

// jsonSpanning is a jsonLog whose objects stand anywhere at the top level or in
// an array there, and may go over several lines.
type jsonSpanning struct{ jsonLog }

// newJSON gives the layout of a log that begins with sample.
func newJSON(shape *jsonShape, sample []byte) layout {
	l := jsonLog{shape, newJSONTree(shape.paths)}
	if spansLines(sample) {
		return jsonSpanning{l}
	}
	return l
}

// spansLines reports whether a JSON log has objects that are not alone on one
// line: it begins with an array, or with a brace alone on its line. Only the
// first line counts, so that it does not matter how much of the log has come.
func spansLines(sample []byte) bool {
	sample = bytes.TrimLeft(sample, " \t\r\n")
	line, _, whole := bytes.Cut(sample, newline)
	return bytes.HasPrefix(line, []byte{'['}) || whole && string(bytes.TrimSpace(line)) == "{"
}

// detectJSON reports whether a log begins with objects, one of the first of
// which is of the shape.
func detectJSON(shape *jsonShape) func(sample []byte) bool {
	return func(sample []byte) bool {
		if s := bytes.TrimLeft(sample, " \t\r\n"); len(s) == 0 || s[0] != '{' && s[0] != '[' {
			return false
		}
		tree := newJSONTree(shape.paths)
		var j jsonScan
		for range 50 {
			from, to := nextObject(sample)
			if to < 0 {
				return false
			}
			if j.scan(sample[:to], tree, from) == to && shape.is(&j.values) {
				return true
			}
			sample = sample[to:]
		}
		return false
	}
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

func (jsonSpanning) next(data []byte) (from, to int) { return nextObject(data) }

func (l jsonLog) parse(r *Record) {
	if r.scratch == nil {
		r.scratch = new(jsonScan)
	}
	j := r.scratch
	j.line = r.Line
	begin := j.space(0)
	if begin == len(r.Line) {
		return
	}
	if r.Line[begin] != '{' {
		r.bad("no JSON object", r.Line)
		return
	}
	end := j.scan(r.Line, l.tree, begin)
	if end < 0 {
		r.bad(j.fault, nil)
		return
	}
	if rest := j.space(end); rest != len(r.Line) {
		r.bad("something follows the JSON object", r.Line[rest:])
		return
	}
	if j.owns > 0 {
		if j.owns > 1 || r.Line[j.own.from] != '{' {
			r.bad(`has a "portannot" of another origin`, nil)
			return
		}
		r.cut, r.insert = span{int(j.own.from), int(j.own.to)}, int(j.own.from)
	} else {
		r.cut, r.insert = span{j.end, j.end}, j.end
	}
	l.fields(j, r)
}

// fields reads what the values say of the flow.
func (l jsonLog) fields(j *jsonScan, r *Record) {
	f := &r.Flow
	if b := j.get(jsonProtocol); b != nil {
		var ok bool
		if f.Protocol, ok = parseProtocol(b); !ok && j.get(jsonProtocolNumber) == nil {
			r.bad("protocol is not known", b)
			return
		}
	}
	if b := j.get(jsonProtocolNumber); b != nil && f.Protocol == 0 {
		n, ok := parseUint(b, 255)
		if !ok {
			r.bad("protocol is no number", b)
			return
		}
		f.Protocol = uint8(n)
	}
	if l.shape.roles != nil {
		l.shape.roles(j, r)
	}
	sp, hasSP, ok := j.port(jsonSourcePort)
	if !ok {
		r.bad("source port is no port", j.raw(jsonSourcePort))
		return
	}
	dp, hasDP, ok := j.port(jsonDestinationPort)
	if !ok {
		r.bad("destination port is no port", j.raw(jsonDestinationPort))
		return
	}
	src, dst := parseAddr(j.get(jsonSource)), parseAddr(j.get(jsonDestination))
	if !hasSP && !hasDP {
		// A flow whose transport has ports, or some other event.
		_, ports := iana.TransportOf(f.Protocol)
		if !ports || !src.IsValid() || !dst.IsValid() {
			r.Flow = annotate.Input{}
			return
		}
	}
	r.flow()
	f.NoSourcePort, f.NoDestinationPort = !hasSP, !hasDP
	f.Source, f.Destination = netip.AddrPortFrom(src, sp), netip.AddrPortFrom(dst, dp)
	if f.Start = jsonTimeOf(j.get(jsonTime)); f.Start == 0 {
		f.Start = jsonTimeOf(j.get(jsonOtherTime))
	}
	if b := j.get(jsonFlags); len(b) > 0 && f.Protocol == 6 {
		f.Opening = openingOf(parseFlags(b))
	}
	if r.portsOnly || l.shape.outcome == nil {
		return
	}
	f.Outcome = l.shape.outcome(j, r)
	for _, field := range [...]jsonField{jsonPackets, jsonSourcePackets, jsonDestinationPackets} {
		if n, ok := parseUint(j.get(field), 1<<62); ok {
			f.Packets += n
		}
	}
}

// get gives a value without the quotes of a string; nil when it is absent,
// null or empty.
func (j *jsonScan) get(field jsonField) []byte {
	v := j.values[field]
	b := j.line[v.from:v.to]
	switch {
	case len(b) == 0 || string(b) == "null":
		return nil
	case b[0] != '"':
		return b
	}
	if b = b[1 : len(b)-1]; len(b) == 0 {
		return nil
	}
	if j.escape && bytes.IndexByte(b, '\\') >= 0 {
		return unescape(make([]byte, 0, 64), b)
	}
	return b
}

// raw gives a value as it stands.
func (j *jsonScan) raw(field jsonField) []byte {
	return j.line[j.values[field].from:j.values[field].to]
}

// is reports whether a value has this text.
func (j *jsonScan) is(field jsonField, text string) bool { return string(j.get(field)) == text }

// port reads a port, a number or a string; has is false when it is absent, or
// "-" or empty.
func (j *jsonScan) port(field jsonField) (port uint16, has, ok bool) {
	b := j.get(field)
	if b == nil || string(b) == "-" {
		return 0, false, true
	}
	if n := len(b) - 2; n > 0 && b[n] == '.' && b[n+1] == '0' {
		b = b[:n] // BigQuery makes floating point of all numbers
	}
	port, ok = parsePort(b)
	return port, true, ok
}

// jsonTimeOf reads a time, 0 when it is none.
func jsonTimeOf(b []byte) int64 {
	if len(b) == 0 {
		return 0
	}
	if len(b) == 19 { // nanoseconds
		if n, ok := parseUint(b, 1<<63-1); ok {
			return int64(n)
		}
	}
	if t := parseRFC3339(b); t != 0 {
		return t
	}
	if t := parseSeconds(b); t != 0 {
		return t // up to the year 2286
	}
	n, ok := parseUint(b, 1<<63-1)
	if !ok {
		return 0
	}
	// Milliseconds have 13 digits from 2001 to 2286, and so on.
	switch len(b) {
	case 13:
		return int64(n) * 1e6
	case 16:
		return int64(n) * 1e3
	}
	return 0
}

// parseFlags reads TCP flags: a number, or letters and dots as nfdump and
// tcpdump write them ("...AP.SF").
func parseFlags(b []byte) (flags uint64) {
	if n, ok := parseUint(b, 0xffff); ok {
		return n
	}
	for _, c := range b {
		switch c {
		case 'S':
			flags |= tcpSYN
		case 'A':
			flags |= tcpACK
		}
	}
	return flags
}

// appendKept appends those members of an own object that are no annotation,
// with a comma before each. The object was scanned.
func appendKept(dst, object []byte) []byte {
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
		if !record.IsAnnotation(object[from+1 : end-1]) {
			dst = append(append(dst, ','), object[from:i]...)
		}
		i = s.space(i)
		i = s.space(i + 1)
	}
	return dst
}

func (l jsonLog) append(dst []byte, r *Record, n *notes) []byte {
	dst = r.appendBefore(dst)
	if r.cut.len() == 0 {
		dst = append(dst, `,"`+ownKey+`":`...)
	}
	dst = n.object(dst)
	if r.cut.len() > 0 {
		dst = appendKept(dst, r.Line[r.cut.from:r.cut.to])
	}
	return r.appendAfter(append(dst, '}'))
}

// strip takes an earlier annotation away, and the object with it unless there
// is more in it.
func (l jsonLog) strip(dst []byte, r *Record) []byte {
	if r.cut.len() == 0 {
		return append(dst, r.Line...)
	}
	dst = append(dst, r.Line[:r.cut.from]...)
	at := len(dst)
	dst = appendKept(dst, r.Line[r.cut.from:r.cut.to])
	if len(dst) > at {
		dst[at] = '{'
		return append(append(dst, '}'), r.Line[r.cut.to:]...)
	}
	m := r.scratch.whole
	dst = append(dst[:at-(r.cut.from-m.from)], r.Line[m.to:]...)
	return dst
}

// sideIf gives the destination if yes, else the source.
func sideIf(yes bool) flow.Side {
	if yes {
		return flow.Destination
	}
	return flow.Source
}
