package flowlog

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/portannot/portannot/capture/flow"
)

// Map names the fields to read in formats that have no names of their own: the
// columns of a CSV or TSV file, the keys of pairs, or keys of JSON objects, with
// dots between the levels. "#3" is the third column. At least one port is
// needed, or an address whose values are ADDRESS:PORT.
type Map struct {
	Protocol, SourcePort, DestinationPort string
	Source, Destination                   string // addresses; may be empty
	// Others names further fields, as in ParseMap: "time=when,outcome=action".
	Others string
	// Prefix is the text before the record in each line.
	Prefix string
	// Service is the end that offers the service in all records, if there is
	// one.
	Service flow.Side
}

// IsZero reports whether the map names nothing.
func (m Map) IsZero() bool { return m == Map{} }

// mapOthers are the fields that Map.Others may name.
var mapOthers = []field{
	fieldTime, fieldFlags, fieldOutcome, fieldServer, fieldServerPort, fieldPackets,
	fieldNATSource, fieldNATSourcePort, fieldNATDestination, fieldNATDestinationPort, fieldInput, fieldOutput, fieldInputZone, fieldOutputZone,
}

// MapKeys lists what ParseMap takes before "=".
func MapKeys() []string {
	keys := []string{"proto", "src", "sport", "dst", "dport"}
	for _, f := range mapOthers {
		keys = append(keys, fieldNames[f])
	}
	return append(keys, "service", "prefix")
}

// ParseMap reads "proto=NAME,sport=NAME,dport=NAME,src=NAME,dst=NAME", and the
// other keys of MapKeys: "service" is source or destination, where that is so in
// all records, and "prefix" the text before each record. A name that has a comma
// cannot be given.
func ParseMap(s string) (Map, error) {
	var m Map
	var others []string
	for pair := range strings.SplitSeq(s, ",") {
		key, name, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return Map{}, fmt.Errorf("map %q: want KEY=NAME", pair)
		}
		switch f, _ := fieldOf(key); {
		case key == "proto":
			m.Protocol = name
		case key == "sport":
			m.SourcePort = name
		case key == "dport":
			m.DestinationPort = name
		case key == "src":
			m.Source = name
		case key == "dst":
			m.Destination = name
		case key == "prefix":
			m.Prefix = name
		case key == "service" && name == "source":
			m.Service = flow.Source
		case key == "service" && name == "destination":
			m.Service = flow.Destination
		case key == "service":
			return Map{}, fmt.Errorf("map %q: want service=source or service=destination", pair)
		case slices.Contains(mapOthers, f):
			others = append(others, pair)
		default:
			return Map{}, fmt.Errorf("map %q: want one of %s", pair, strings.Join(MapKeys(), ", "))
		}
	}
	if m.Others = strings.Join(others, ","); m.SourcePort == "" && m.DestinationPort == "" && m.Source == "" && m.Destination == "" {
		return Map{}, fmt.Errorf("map %q: name at least one of sport and dport", s)
	}
	return m, nil
}

// mapped are the formats that only the user's map reads.
var mapped = []*format{
	{name: "csv", about: "any CSV, TSV, or text with ; | or spaces, that has a header; needs a map",
		reads: "the columns that the map names", grammar: grammarTable, seps: "\t,;| ", quotes: true},
	{name: "jsonl", about: "any JSON objects, with --map", reads: "as --map says", grammar: grammarJSON},
	{name: "pairs", about: "any key=value lines, with --map", reads: "as --map says", grammar: grammarPairs},
}

// formatOf gives the format of a log that is read by the map.
func (m Map) formatOf(sample []byte) *format {
	line := firstRecord(sample)
	if len(line) > 0 && line[0] == '[' && m.Prefix == "" {
		return mapped[1]
	}
	var h header
	h.read(line)
	for _, at := range h.begins[:h.n] {
		text, ok := bytes.CutPrefix(line[min(at, len(line)):], []byte(m.Prefix))
		if text = bytes.TrimLeft(text, " \t"); !ok || len(text) == 0 {
			continue
		}
		if text[0] == '{' {
			return mapped[1]
		}
		if startsPair(text) {
			return mapped[2]
		}
	}
	return mapped[0]
}

// UnknownName is the error for a map that names what a log does not have.
type UnknownName struct {
	Log   string
	Name  string
	Names []string // that the log has
}

func (e *UnknownName) Error() string { return fmt.Sprintf("%s has no field %q", e.Log, e.Name) }

// chooseMapped gives the layout for the fields that the user names.
func chooseMapped(f *format, sample []byte, o *Options) (layout, error) {
	if o.Map.IsZero() {
		if f.grammar == grammarTable {
			return nil, errors.New("format csv needs a map: proto=NAME,sport=NAME,dport=NAME,src=NAME,dst=NAME")
		}
		return nil, fmt.Errorf("format %s needs a map of its fields", f.name)
	}
	s := o.Map.shape(f)
	if f.grammar == grammarTable {
		if o.Map.Prefix != "" {
			return nil, errors.New("map: a prefix is for JSON and pairs")
		}
		return s.mappedTable(o, sample)
	}
	c := &catalog{shapes: []*shape{s}}
	if f.grammar == grammarJSON {
		c.json.shapes = c.shapes
	} else {
		c.pairs.shapes = c.shapes
	}
	c.json.number()
	c.pairs.number()
	l := &records{catalog: c, named: true, prefix: []byte(o.Map.Prefix)}
	if err := l.checkNames(s, sample); err != nil {
		return nil, err
	}
	if f.grammar == grammarJSON && spansLines(sample) {
		return spanningRecords{l}, nil
	}
	return l, nil
}

// shape gives the shape of a format whose fields the map names.
func (m Map) shape(f *format) *shape {
	own := *f
	switch m.Service {
	case flow.Source, flow.Destination:
		own.roles = "*=" + m.Service.String()
	}
	s, err := newShape(&own)
	if err != nil {
		panic(err)
	}
	s.format = f
	name := func(name string, is field) {
		if name != "" {
			s.names[name] = is
			s.listed = append(s.listed, name)
		}
	}
	name(m.Protocol, fieldProtocol)
	name(m.Source, fieldSource)
	name(m.SourcePort, fieldSourcePort)
	name(m.Destination, fieldDestination)
	name(m.DestinationPort, fieldDestinationPort)
	for item := range items(m.Others, ",") {
		key, text, _ := strings.Cut(item, "=")
		is, _ := fieldOf(key)
		name(text, is)
	}
	for _, port := range []string{m.SourcePort, m.DestinationPort} {
		if port != "" {
			s.knows = append(s.knows, []string{port})
		}
	}
	if s.knows == nil { // the ports stand behind the addresses
		for _, addr := range []string{m.Source, m.Destination} {
			if addr != "" {
				s.knows = append(s.knows, []string{addr})
			}
		}
	}
	return s
}

// checkNames compares the names of a map with those of a log's first records.
// A record that has none of them is another event.
func (l *records) checkNames(s *shape, sample []byte) error {
	seen, all := map[string]bool{}, map[string]bool{}
	found := false
	note := func(has func(name string) bool) {
		for _, name := range s.listed {
			if has(name) {
				seen[name], found = true, true
			}
		}
	}
	r := new(Record)
	for range 1000 {
		from, to := nextObject(sample)
		if s.grammar == grammarPairs || len(l.prefix) > 0 {
			from, to = 0, bytes.IndexByte(sample, '\n')+1
			if to == 0 {
				to = len(sample)
			}
		}
		if to < 0 || len(sample) == 0 {
			break
		}
		r.reset(trimEnd(sample[from:to]))
		sample = sample[to:]
		parse(l, r)
		if s.grammar == grammarPairs {
			note(func(name string) bool { n, ok := l.pairs.keys[name]; return ok && r.pairs.have.has(n) })
			r.pairs.keys(all)
		} else if v := r.level(0); v.scan.line != nil {
			ids := l.json.ids
			note(func(name string) bool { return v.scan.have.has(ids[name]) })
			keysOf(all, v.scan.line)
		}
	}
	if !found && len(all) == 0 {
		return nil
	}
	for _, name := range s.listed {
		if f := s.names[name]; !seen[name] && (f <= fieldDestinationPort) {
			return &UnknownName{Name: name, Names: slices.Sorted(maps.Keys(all))}
		}
	}
	return nil
}

// keysOf adds the keys of an object, with dots between the levels.
func keysOf(all map[string]bool, object []byte) {
	var path []string
	depth := 0
	for i := 0; i < len(object); i++ {
		switch object[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; len(path) > depth && depth >= 0 {
				path = path[:depth]
			}
		case '"':
			from := i + 1
			for i++; i < len(object) && object[i] != '"'; i++ {
				if object[i] == '\\' {
					i++
				}
			}
			if i >= len(object) {
				return
			}
			key := string(object[from:i])
			at := skipSpace(object, i+1)
			if at >= len(object) || object[at] != ':' || depth < 1 || len(all) > 1000 {
				continue
			}
			for len(path) < depth {
				path = append(path, "")
			}
			path = append(path[:depth-1], key)
			all[strings.Trim(strings.Join(path, "."), ".")] = true
		}
	}
}

// keys adds the keys of the pairs that were read.
func (p *pairScan) keys(all map[string]bool) {
	for at := 0; at < len(p.text); at++ {
		if p.text[at] == '=' && len(all) < 1000 {
			from := at
			for from > 0 && p.text[from-1] != ' ' && p.text[from-1] != '\t' && p.text[from-1] != ',' {
				from--
			}
			if from < at {
				all[string(p.text[from:at])] = true
			}
		}
	}
}

// mappedTable gives the layout of a table that is read by a map. Where the map
// has numbers of columns, there may be a header or none.
func (s *shape) mappedTable(o *Options, sample []byte) (layout, error) {
	line := firstRecord(sample)
	if line == nil {
		line = firstLine(sample)
	}
	numbers := map[int]field{}
	last := 0
	for name, f := range s.names {
		if number, ok := strings.CutPrefix(name, "#"); ok {
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 || n > 10000 {
				return nil, fmt.Errorf("map: no number of a column: %q", name)
			}
			numbers[n-1] = f
			last = max(last, n)
		}
	}
	if len(numbers) == 0 {
		if len(o.Fields) > 0 {
			return newTable(s, nil, o.Fields, sample)
		}
		if t := s.readHeader(line); t != nil {
			for _, name := range s.listed {
				if !t.hasName(name) {
					return nil, &UnknownName{Name: name, Names: t.names}
				}
			}
		} else if t, err := s.readHeaderWith(line, s.seps[0]); err == errNoPorts && t == nil {
			return nil, s.noSuchColumn(line)
		}
		return newTable(s, nil, nil, sample)
	}
	if len(numbers) != len(s.names) {
		return nil, errors.New("map: give names of columns, or numbers, not both")
	}
	t := &table{shape: s, added: len(columnNames), header: noHeader}
	for i := range len(s.seps) {
		if t.sep = s.seps[i]; t.count(line) >= last {
			break
		}
	}
	if t.columns = t.count(line); t.columns < last {
		return nil, &UnknownName{Name: fmt.Sprintf("#%d", last)}
	}
	t.dialect = dialectOf(t.sep)
	if n := t.columns - t.added; n >= last && bytes.HasSuffix(line, t.dialect.last) {
		t.columns = n
	}
	cells := t.split(line)
	for n, f := range numbers {
		t.mean(n, f)
	}
	header := false
	for n, f := range numbers {
		if f == fieldSourcePort || f == fieldDestinationPort {
			_, ok := portOf(cells[n])
			header = header || !ok && !absent(cells[n])
		}
	}
	if !header {
		return t, nil
	}
	named := *s
	named.names, named.listed = map[string]field{}, nil
	for n, f := range numbers {
		named.names[string(cells[n])] = f
	}
	return newTable(&named, nil, nil, sample)
}

// noSuchColumn names the first name of the map that a header does not have.
func (s *shape) noSuchColumn(line []byte) error {
	var names []string
	for i := range len(s.seps) {
		t := &table{shape: s, sep: s.seps[i]}
		if cells := t.split(line); len(cells) > len(names) {
			names = nil
			for _, cell := range cells {
				names = append(names, string(cell))
			}
		}
	}
	for _, name := range s.listed {
		if !slices.Contains(names, name) {
			return &UnknownName{Name: name, Names: names}
		}
	}
	return errNoPorts
}

// split gives the cells of a line; nil if it cannot be read.
func (t *table) split(line []byte) (cells [][]byte) {
	for at := 0; ; {
		end, ok := t.cellEnd(line, at)
		if !ok {
			return nil
		}
		cells = append(cells, t.value(line[at:end:end]))
		if end == len(line) {
			return cells
		}
		at = end + 1
	}
}
