package flowlog

import (
	"bytes"

	"github.com/portannot/portannot/annotate"
)

// azureFlows reads the flow logs of Azure: those of network security groups,
// version 1 and 2, and those of virtual networks, version 4. They are JSON, an
// hour in one file that is often a single line. Deep inside, each object of a
// rule has an array of flows, and a flow is text:
//
//	"flowTuples":["1789376400,192.0.2.10,198.51.100.20,50123,443,T,O,A,B,,,,", …]
//
// The fields are the time in seconds (in milliseconds in version 4), source,
// destination, their ports, the protocol (T or U, a number in version 4), the
// direction at the interface and then what differs. The direction is not that
// of client and server.
//
// The annotation is an array of its own behind that, with an object for each
// tuple in the same order, or null for one that cannot be understood:
//
//	"flowTuples":["…","…"],"portannot":[{…},{…}]
//
// The rest of the JSON is not looked at, and so it stays as it is however it is
// laid out, and the file need not fit into memory.
var azureFlows = format{
	name: "azure", about: "Azure NSG flow logs v1 and v2, VNet flow logs v4 (JSON)",
	doc:     "Azure: virtual network flow logs https://learn.microsoft.com/en-us/azure/network-watcher/vnet-flow-logs-overview",
	grammar: grammarOwn,
	reads:   "flowTuples: time, addresses, ports, protocol",
	adds:    `"portannot": an array beside "flowTuples", an object for each tuple`,
	detect: func(sample []byte) bool {
		if s := bytes.TrimLeft(sample, " \t\r\n"); len(s) == 0 || s[0] != '{' && s[0] != '[' {
			return false
		}
		at, open := findTuples(sample)
		return at < len(sample) && open > 0
	},
	start: func(*Options, []byte) (layout, error) { return azureLog{}, nil },
}

// azureLog is a spanning layout. A record is an array of tuples, from its key
// to its end or that of our own array behind it.
type azureLog struct{}

var (
	tuplesKey = []byte(`"flowTuples"`)
	ownArray  = []byte(`,"portannot":[`)
)

// findTuples finds the next key of tuples. open is where its array begins; -1
// when data ends before that can be told. at is the length of data when there is
// no such key, nor the beginning of one.
func findTuples(data []byte) (at, open int) {
	for from := 0; ; {
		i := bytes.Index(data[from:], tuplesKey)
		if i < 0 {
			// The key may begin in the last bytes.
			for n := min(len(tuplesKey)-1, len(data)-from); n > 0; n-- {
				if bytes.HasSuffix(data, tuplesKey[:n]) {
					return len(data) - n, -1
				}
			}
			return len(data), -1
		}
		at = from + i
		open = skipSpace(data, at+len(tuplesKey))
		if open < len(data) && data[open] == ':' {
			open = skipSpace(data, open+1)
			if open < len(data) && data[open] == '[' {
				return at, open
			}
		}
		if open == len(data) {
			return at, -1
		}
		from = at + len(tuplesKey)
	}
}

func skipSpace(data []byte, at int) int {
	for at < len(data) && (data[at] == ' ' || data[at] == '\n' || data[at] == '\t' || data[at] == '\r') {
		at++
	}
	return at
}

// arrayEnd gives the end of the array that begins at open; -1 when data ends
// before.
func arrayEnd(data []byte, open int) int {
	depth := 0
	for i := open; i < len(data); i++ {
		switch data[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		}
	}
	return -1
}

func (azureLog) next(data []byte) (from, to int) {
	from, open := findTuples(data)
	if open < 0 {
		return from, -1
	}
	to = arrayEnd(data, open)
	if to < 0 {
		return from, -1
	}
	rest := data[to:]
	if bytes.HasPrefix(rest, ownArray) {
		if to = arrayEnd(data, to+len(ownArray)-1); to < 0 {
			return from, -1
		}
	} else if bytes.HasPrefix(ownArray, rest) {
		return from, -1 // it may yet come
	}
	return from, to
}

// parse finds the extent of both arrays. The record's flow is that of the first
// tuple that is understood.
func (azureLog) parse(r *Record) {
	r.of = &azureFlows
	at, open := findTuples(r.Line)
	if at != 0 || open < 0 {
		return // the file ends in something like the key
	}
	end := arrayEnd(r.Line, open)
	if end < 0 {
		r.bad("the file ends in the middle of flowTuples", nil)
		return
	}
	if bytes.HasPrefix(r.Line[end:], ownArray) {
		r.cut = span{end, len(r.Line)}
	} else if end != len(r.Line) {
		// What the file ends in may have been the beginning of our array.
		r.cut = span{end, end}
	}
	r.insert = end
	if next, ok := nextTuple(r.Line, open+1); ok && next.to < 0 {
		return // there are none
	}
	r.flow()
}

// nextTuple finds the next element of an array in or before at. to is -1 at the
// array's end; ok is false when the element is not text.
func nextTuple(line []byte, at int) (s span, ok bool) {
	at = skipSpace(line, at)
	if at < len(line) && line[at] == ',' {
		at = skipSpace(line, at+1)
	}
	if at == len(line) || line[at] == ']' {
		return span{at, -1}, true
	}
	if line[at] != '"' {
		return span{at, -1}, false
	}
	for i := at + 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return span{at, i + 1}, true
		}
	}
	return span{at, -1}, false
}

// Fields of a tuple.
const (
	tupleTime = iota
	tupleSource
	tupleDestination
	tupleSourcePort
	tupleDestinationPort
	tupleProtocol
	tupleDirection
	// tupleDecision is A for allowed or D for denied; in version 4 the state of
	// the flow: B for begun, C for going on, E for ended, D for denied.
	tupleDecision
	tupleFields // those that are read
)

// readTuple reads a tuple, without its quotes, into r.
func (r *Record) readTuple(tuple []byte) {
	r.Flow = annotate.Input{}
	r.flow()
	var fields [tupleFields][]byte
	rest := tuple
	for i := range fields {
		var ok bool
		if fields[i], rest, ok = bytes.Cut(rest, []byte{','}); !ok {
			if i < tupleProtocol {
				r.bad("flowTuples: fewer than 6 fields", tuple)
				return
			}
			break
		}
	}
	switch protocol := fields[tupleProtocol]; string(protocol) {
	case "T":
		r.Flow.Protocol = 6
	case "U":
		r.Flow.Protocol = 17
	case "", "-":
	default:
		var ok bool
		if r.Flow.Protocol, ok = parseProtocol(protocol); !ok {
			r.bad(badProtocol, protocol)
			return
		}
	}
	if r.ends(parseAddr(fields[tupleSource]), parseAddr(fields[tupleDestination]), fields[tupleSourcePort], fields[tupleDestinationPort]) {
		r.Flow.Start = parseTime(fields[tupleTime])
		switch string(fields[tupleDecision]) {
		case "D":
			r.Flow.Outcome = annotate.Denied
		case "A", "B", "C", "E":
			r.Flow.Outcome = annotate.Passed
		}
	}
}

// append is not used: flows writes these records.
func (azureLog) append(dst []byte, r *Record, _ *notes) []byte { return append(dst, r.Line...) }

// each gives one tuple after another.
func (azureLog) each() spanning { return azureTuples{} }

// flows annotates the tuples of w.record and writes them: the array with an
// array of annotations behind it, or, where only some are selected, an object
// with these. Each tuple counts as a line.
func (azureLog) flows(dst []byte, w *worker, name string, end []byte) []byte {
	r := &w.record
	record := *r
	line := record.Line
	beside := w.everything && w.opt.Output == Same
	if beside {
		dst = append(r.appendBefore(dst), ownArray...)
	}
	chosen, own := w.chosen[:0], w.own[:0] // elements of both arrays when only some are selected
	_, open := findTuples(line)
	count := 0
	for at, ok := open+1, true; ok; count++ {
		var s span
		if s, ok = nextTuple(line, at); !ok {
			// What follows cannot be told apart.
			r.bad("flowTuples: an element is not text", line[s.from:record.insert])
		} else if s.to < 0 {
			break
		} else {
			r.readTuple(line[s.from+1 : s.to-1])
			at = s.to
		}
		w.count(&azureFlows, r.Kind, 1)
		if r.Kind != Flow {
			record.Kind = Bad // for Strict
			w.stats.reason(r.problem.reason, 1)
			w.stats.Bad++
			w.stats.fault(&Problem{name, record.Number + int64(bytes.Count(line[:s.from], newline)), r.problem.String()})
			if beside {
				dst = append(dst, "null,"...)
			}
			continue
		}
		r.settle()
		switch selected := w.annotate(); {
		case !selected:
		case w.opt.Output == Nothing:
			w.batch.Flow(&r.Flow, &w.notes.annotation)
		case w.opt.Output == Chosen:
			dst = w.appendChosen(dst, r)
		case w.opt.Output == JSON:
			dst = w.notes.appendFlowJSON(dst, r)
		case w.opt.Output == CSV:
			dst = w.notes.appendFlowCSV(dst, r)
		case beside:
			dst = append(w.notes.object(dst), "},"...)
		default:
			chosen = append(append(chosen, line[s.from:s.to]...), ',')
			own = append(w.notes.object(own), "},"...)
		}
	}
	w.stats.Lines += uint64(count) - 1
	w.chosen, w.own = chosen, own
	*r = record
	if beside {
		dst[len(dst)-1] = ']' // there is at least one, with a comma
		return append(r.appendAfter(dst), end...)
	}
	if len(chosen) == 0 {
		return dst
	}
	dst = append(append(dst, `{"flowTuples":[`...), chosen[:len(chosen)-1]...)
	dst = append(append(append(dst, ']'), ownArray...), own[:len(own)-1]...)
	return append(append(dst, "]}"...), end...)
}

// azureTuples is the layout of the same log for [Reader], whose records are of
// one flow each: texts that begin with a time and a comma.
type azureTuples struct{ azureLog }

func (azureTuples) next(data []byte) (from, to int) {
	for from < len(data) {
		i := bytes.IndexByte(data[from:], '"')
		if i < 0 {
			break
		}
		from += i
		s, _ := nextTuple(data, from)
		if s.to < 0 {
			return from, -1
		}
		if text, _, ok := bytes.Cut(data[from+1:s.to-1], []byte{','}); ok && parseTime(text) != 0 {
			return from, s.to
		}
		from = s.to
	}
	return len(data), -1
}

func (azureTuples) parse(r *Record) {
	r.of = &azureFlows
	r.flow()
	r.readTuple(r.Line[1 : len(r.Line)-1])
}
