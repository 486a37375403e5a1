package flowlog

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/capture/flow"
)

// A format is a row of data: how its records are recognised, where their fields
// stand, and what their words mean. The code is in the grammars, each of which
// serves many formats. The rows are in the files rows_*.go.

// grammar is the way in which the records of a format are written.
type grammar uint8

const (
	grammarJSON      grammar = iota // objects; names are paths, with dots between the levels
	grammarTable                    // columns named by a header
	grammarBare                     // columns without a header; names are those that the row gives them
	grammarPairs                    // key=value, also as CEF and LEEF; names are keys
	grammarSentences                // text with the values at known places; names are those of the patterns
	grammarOwn                      // has code of its own
)

// format is one row. All its texts that list something have the same form as
// --map: FIELD=NAME with commas between, where FIELD is one of fieldNames and
// NAME is what the log calls it. NAME may be several names with "|" between;
// the last that has a value counts in JSON, the first in columns and pairs.
type format struct {
	name    string // as --format takes it
	about   string
	doc     string // the documentation that the row follows: title and address
	grammar grammar
	// know lists the names by which a record, or a header, shows the format:
	// all of them are there. "|" stands between alternatives.
	know string
	// not lists names that no record of this format has.
	not    string
	fields string
	// roles says which end is the service: "FIELD: WORD=source WORD=destination;
	// …". A "?" behind the end makes a hint of it: the log does not show that it
	// saw the beginning. The first field that has one of its words decides. "*" is any word,
	// or none.
	roles string
	// role says the same where that takes more than a word. It may be nil.
	role func(in *annotate.Input, v *values)
	// protocols and outcomes are words of the log, "WORD=tcp WORD=udp" and
	// "WORD=denied …", in any case. Words that most filters have need not be
	// listed: see actions.
	protocols, outcomes string
	// given is the protocol of records that name none; 0 for none.
	given uint8
	// oneWay says that a record is of the packets of one direction.
	oneWay bool
	// oneWayKinds are the kinds of records, in words, that are of one direction where
	// others of the format are of both.
	oneWayKinds string
	// outcome reads what became of the flow where no word says it; it may be
	// nil.
	outcome func(r *Record, v *values) annotate.Outcome

	loose bool // stands for records of no row

	// Of tables and bare columns:
	seps   string // separators, the likeliest first
	quotes bool   // cells may be quoted as in RFC 4180 section 2
	// skip reports lines that are no records: summaries. It may be nil.
	skip func(line []byte) bool

	fieldsLine bool // the header is a line "#Fields: …" (W3C extended log file format)

	// Of bare columns:
	order string // the names of the columns, with spaces between; "_" for one that is not read, "?" behind one that may be missing
	more  bool   // there may be more columns
	// holds lists what columns hold that show the format: "NAME=WORD|WORD",
	// with commas between. The words date and capitals stand for a date with
	// slashes and a word in capitals, number for a number.
	holds string

	// Of pairs:
	style *pairStyle // of the pairs that are added
	form  pairForm
	// prefix is how many bytes of a user's own text may stand before the first
	// key, which is the first of know. words are then the only words without
	// "=" that a record has.
	prefix int
	words  string
	tags   string // programs whose messages are of the format, "" for any

	// lead reports whether the user's own text is as it must be; it may be nil.
	lead func(before []byte) bool
	// reply says that the addresses and ports stand there twice, the second time
	// those of the answers.
	reply bool

	// Of sentences:
	// begin is how records begin, "|" between alternatives. Behind one that
	// begins with "%", as in "%ASA-6-302013: ", comes the message's number, and
	// the patterns are of what stands behind that. Other patterns are of the whole.
	begin     string
	sentences []sentence
	aligned   bool // any number of spaces may stand where a pattern has one

	adds string // how the annotation is added, if it is not as in all of the grammar

	// adjust changes the values of an odd log to what the row says of them,
	// and reports false if it has decided what becomes of the record.
	adjust func(r *Record, v *values) bool

	// Of formats with code of their own:
	reads  string
	detect func(sample []byte) bool
	start  func(o *Options, sample []byte) (layout, error)
}

// field is what a value means to us.
type field uint8

const (
	noField             field = iota
	fieldProtocol             // number or name
	fieldProtocolNumber       // counts if fieldProtocol is absent or unknown
	fieldSource
	fieldDestination
	fieldSourcePort
	fieldDestinationPort
	fieldRealSource // counts before fieldSource if it has a value
	fieldRealDestination
	fieldNATSource
	fieldNATDestination
	fieldNATSourcePort
	fieldNATDestinationPort
	fieldTime       // seconds, milli-, micro- or nanoseconds since the epoch, or a date; without a zone it is UTC
	fieldOtherTime  // counts if fieldTime is absent
	fieldEpoch      // fieldTime for logs whose dates are of an unknown zone: only numbers are read
	fieldFlags      // TCP flags of source to destination, ORed over the flow: a number, or letters
	fieldFirstFlags // those of one packet, which is the flow's first
	fieldSYN
	fieldACK
	fieldServer // address of the service's end
	fieldServerPort
	fieldDirection // what the log says of the direction
	fieldKind      // of the record
	fieldState     // of the connection
	fieldReason
	fieldOutcome // what a filter did with it
	fieldHistory // of the connection
	fieldPackets // of both directions, or of one where a record has one
	fieldSourcePackets
	fieldDestinationPackets
	fieldBytes // as fieldPackets
	fieldSourceBytes
	fieldDestinationBytes
	fieldEnd         // time of the last packet, in the forms of fieldTime
	fieldDuration    // seconds
	fieldAnswerFlags // TCP flags of the destination, ORed over the flow
	fieldInput       // interface
	fieldOutput      // interface
	fieldInputZone
	fieldOutputZone
	fieldVersion
	fieldConfidence
	fieldForeign // shows that it is another format
	fieldRecord  // holds a record of any format
	// Ports by transport, for logs with names of their own for each.
	fieldTCPSource
	fieldTCPDestination
	fieldUDPSource
	fieldUDPDestination
	fieldSCTPSource
	fieldSCTPDestination
	fieldDCCPSource
	fieldDCCPDestination
	fieldNextHeader // of IPv6
	fieldICMP       // its type
	numFields
)

// fieldNames are the names of the fields in rows and in --map.
var fieldNames = [numFields]string{
	fieldProtocol: "proto", fieldProtocolNumber: "protonum",
	fieldSource: "src", fieldDestination: "dst", fieldSourcePort: "sport", fieldDestinationPort: "dport",
	fieldRealSource: "realsrc", fieldRealDestination: "realdst",
	fieldNATSource: "natsrc", fieldNATDestination: "natdst", fieldNATSourcePort: "natsport", fieldNATDestinationPort: "natdport",
	fieldTime: "time", fieldOtherTime: "time2", fieldEpoch: "epoch",
	fieldFlags: "flags", fieldFirstFlags: "flags1", fieldSYN: "syn", fieldACK: "ack",
	fieldServer: "server", fieldServerPort: "serverport", fieldDirection: "direction", fieldKind: "kind", fieldState: "state",
	fieldReason: "reason", fieldOutcome: "outcome", fieldHistory: "history", fieldPackets: "packets", fieldSourcePackets: "srcpackets", fieldDestinationPackets: "dstpackets", fieldAnswerFlags: "dstflags",
	fieldBytes: "bytes", fieldSourceBytes: "srcbytes", fieldDestinationBytes: "dstbytes", fieldEnd: "end", fieldDuration: "duration", fieldInput: "in", fieldOutput: "out", fieldInputZone: "inzone", fieldOutputZone: "outzone", fieldVersion: "version",
	fieldConfidence: "confidence", fieldForeign: "foreign", fieldRecord: "record",
	fieldTCPSource: "tcpsport", fieldTCPDestination: "tcpdport", fieldUDPSource: "udpsport", fieldUDPDestination: "udpdport",
	fieldSCTPSource: "sctpsport", fieldSCTPDestination: "sctpdport", fieldDCCPSource: "dccpsport", fieldDCCPDestination: "dccpdport",
	fieldNextHeader: "nexthdr", fieldICMP: "icmp",
}

func fieldOf(name string) (field, bool) {
	for f := noField + 1; f < numFields; f++ {
		if fieldNames[f] == name {
			return f, true
		}
	}
	return noField, false
}

// shape is a format made ready.
type shape struct {
	*format
	id        int
	names     map[string]field // what a name means
	listed    []string         // the names in the row's order
	knows     [][]string       // alternatives
	nots      []string
	sides     []sideRule
	protos    []word[uint8]
	ends      []word[annotate.Outcome]
	transport bool // has ports by transport

	// Of JSON and pairs, whose names have numbers in the catalog:
	means []field // by number
	// meansPorts is the same without what became of the flow.
	meansPorts []field
	needs      [][]uint16
	absent     []uint16

	layout *bareLayout // of bare columns
	text   *sentenceTable
	allow  map[string]bool

	kinds []string // of oneWayKinds
}

// sideRule says how a field names the service's end.
type sideRule struct {
	field field // noField for one that always holds
	words []word[role]
}

// role is the service's end, as a record names it.
type role struct {
	side flow.Side
	hint bool // the record does not show that the beginning was seen
}

// word is a word of a log and what it means.
type word[T any] struct {
	text string
	is   T
}

// find gives the meaning of a word, which is compared in any case.
func find[T any](list []word[T], text []byte) (is T, ok bool) {
	for i := range list {
		if w := &list[i]; len(w.text) == len(text) && equalFold(w.text, text) {
			return w.is, true
		}
	}
	return is, false
}

func equalFold(s string, b []byte) bool {
	for i := range len(s) {
		x, y := s[i], b[i]
		if x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}

// newShape reads a row.
func newShape(f *format) (*shape, error) {
	s := &shape{format: f, names: map[string]field{}, kinds: strings.Fields(f.oneWayKinds)}
	fail := func(what, text string) (*shape, error) {
		return nil, fmt.Errorf("format %s: %s: %q", f.name, what, text)
	}
	for item := range items(f.fields, ",") {
		key, names, ok := strings.Cut(item, "=")
		to, known := fieldOf(strings.TrimSpace(key))
		if !ok || !known {
			return fail("fields: want FIELD=NAME", item)
		}
		s.transport = s.transport || to >= fieldTCPSource && to <= fieldDCCPDestination
		for name := range items(names, "|") {
			s.names[name] = to
			s.listed = append(s.listed, name)
		}
	}
	for alternative := range items(f.know, "|") {
		s.knows = append(s.knows, slices.Collect(items(alternative, ",")))
	}
	s.nots = slices.Collect(items(f.not, ","))
	for item := range items(f.roles, ";") {
		rule := sideRule{}
		key, words, ok := strings.Cut(item, ":")
		if !ok {
			words = item
		} else if rule.field, ok = fieldOf(strings.TrimSpace(key)); !ok {
			return fail("roles: no such field", item)
		}
		for w := range strings.FieldsSeq(words) {
			text, end, _ := strings.Cut(w, "=")
			end, hint := strings.CutSuffix(end, "?")
			is := role{hint: hint}
			switch end {
			case "source":
				is.side = flow.Source
			case "destination":
				is.side = flow.Destination
			case "none":
			default:
				return fail("roles: want WORD=source, WORD=destination or WORD=none", w)
			}
			rule.words = append(rule.words, word[role]{text, is})
		}
		s.sides = append(s.sides, rule)
	}
	for w := range strings.FieldsSeq(f.protocols) {
		text, name, _ := strings.Cut(w, "=")
		n, ok := parseProtocol([]byte(name))
		if !ok {
			return fail("protocols: no such protocol", w)
		}
		s.protos = append(s.protos, word[uint8]{text, n})
	}
	for w := range strings.FieldsSeq(f.outcomes) {
		text, name, _ := strings.Cut(w, "=")
		o, ok := annotate.ParseOutcome(name)
		if !ok {
			return fail("outcomes: no such outcome", w)
		}
		s.ends = append(s.ends, word[annotate.Outcome]{text, o})
	}
	if f.words != "" {
		s.allow = map[string]bool{}
		for w := range strings.FieldsSeq(f.words) {
			s.allow[w] = true
		}
	}
	var err error
	switch f.grammar {
	case grammarBare:
		s.layout, err = newBare(s)
	case grammarSentences:
		s.text, err = newSentences(s)
	}
	if err != nil {
		return nil, fmt.Errorf("format %s: %w", f.name, err)
	}
	return s, nil
}

// items gives the parts of a list, without the spaces around them.
func items(list, sep string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for item := range strings.SplitSeq(list, sep) {
			if item = strings.TrimSpace(item); item != "" && !yield(item) {
				return
			}
		}
	}
}

// known reports whether names that a record or a header has show the format.
func (s *shape) known(has func(name string) bool) bool {
	for _, name := range s.nots {
		if has(name) {
			return false
		}
	}
	for _, all := range s.knows {
		if !slices.ContainsFunc(all, func(name string) bool { return !has(name) }) {
			return true
		}
	}
	return false
}

// catalog is what is tried on a record: formats, in their fixed order.
type catalog struct {
	shapes    []*shape // all, in the order in which they are tried
	tables    []*shape
	bare      []*shape
	sentences []*shape
	json      jsonCatalog
	pairs     pairCatalog
	azure     bool // Azure's tuples are among the formats
}

func newCatalog(list []*format) (*catalog, error) {
	c := &catalog{}
	for _, f := range list {
		if f.grammar == grammarOwn {
			c.azure = c.azure || f == &azureFlows
			continue
		}
		s, err := newShape(f)
		if err != nil {
			return nil, err
		}
		s.id = len(c.shapes)
		c.shapes = append(c.shapes, s)
		switch f.grammar {
		case grammarTable:
			c.tables = append(c.tables, s)
		case grammarBare:
			c.bare = append(c.bare, s)
		case grammarSentences:
			c.sentences = append(c.sentences, s)
		case grammarJSON:
			c.json.shapes = append(c.json.shapes, s)
		case grammarPairs:
			c.pairs.shapes = append(c.pairs.shapes, s)
		}
	}
	c.json.number()
	c.pairs.number()
	return c, nil
}

// everything is the catalog of all formats.
var everything = sync.OnceValue(func() *catalog {
	c, err := newCatalog(formats())
	if err != nil {
		panic(err) // a row of ours is wrong; TestRows says so
	}
	return c
})

// nameSet is a set of numbers of names.
type nameSet [8]uint64

func (b *nameSet) add(n uint16)      { b[n>>6%8] |= 1 << (n & 63) }
func (b *nameSet) has(n uint16) bool { return b[n>>6%8]>>(n&63)&1 != 0 }

// maxNames bounds the different names of all formats of a grammar.
const maxNames = len(nameSet{}) * 64

// shown reports whether a set of names shows the format.
func (s *shape) shown(b *nameSet) bool {
	for _, n := range s.absent {
		if b.has(n) {
			return false
		}
	}
next:
	for _, all := range s.needs {
		for _, n := range all {
			if !b.has(n) {
				continue next
			}
		}
		return true
	}
	return false
}

// numberNames gives numbers to the names of shapes, and tells the shapes.
func numberNames(shapes []*shape, also ...string) map[string]uint16 {
	ids := map[string]uint16{}
	id := func(name string) uint16 {
		n, ok := ids[name]
		if !ok {
			if n = uint16(len(ids)); int(n) == maxNames {
				panic("flowlog: more names than maxNames")
			}
			ids[name] = n
		}
		return n
	}
	for _, name := range also {
		id(name)
	}
	for _, s := range shapes {
		for _, name := range s.listed {
			id(name)
		}
		for _, name := range s.nots {
			s.absent = append(s.absent, id(name))
		}
		for _, all := range s.knows {
			var list []uint16
			for _, name := range all {
				list = append(list, id(name))
			}
			s.needs = append(s.needs, list)
		}
	}
	for _, s := range shapes {
		s.means, s.meansPorts = make([]field, len(ids)), make([]field, len(ids))
		for name, f := range s.names {
			s.means[ids[name]] = f
			switch f {
			case fieldNATSource, fieldNATDestination, fieldNATSourcePort, fieldNATDestinationPort,
				fieldInput, fieldOutput, fieldInputZone, fieldOutputZone, fieldPackets, fieldSourcePackets, fieldDestinationPackets,
				fieldBytes, fieldSourceBytes, fieldDestinationBytes, fieldEnd, fieldDuration:
			case fieldOutcome, fieldState, fieldHistory, fieldAnswerFlags:
				if s.role != nil {
					s.meansPorts[ids[name]] = f
				}
			default:
				s.meansPorts[ids[name]] = f
			}
		}
	}
	return ids
}
