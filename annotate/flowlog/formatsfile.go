package flowlog

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// FormatSet has rows of the user's own, which records are compared with before
// those of this package.
type FormatSet struct {
	rows    []*format
	records *records // of these and of all others
}

// Infos lists the formats, for people.
func (f *FormatSet) Infos() []Info {
	var list []Info
	for _, row := range f.rows {
		list = append(list, Info{row.name, row.about, row.reading(), row.addition(), row.doc})
	}
	return list
}

// ReadFormats reads rows from a text, whose name is used in errors. A row begins
// with its name in brackets; then come lines KEY = VALUE, with the keys and
// values that the rows of this package have:
//
//	# our own gateway
//	[gateway]
//	grammar = pairs
//	know    = gw_src, gw_dst, gw_dport
//	fields  = src=gw_src, dst=gw_dst, sport=gw_sport, dport=gw_dport, proto=gw_proto, outcome=gw_act
//	outcomes = FW=passed BLK=denied
//
// Grammars are json, table (columns with a header), columns (without), pairs and
// sentences. A sentence is a line of its own, "sentence = PATTERN", with what it
// says by being there behind "=>".
func ReadFormats(r io.Reader, name string) (*FormatSet, error) {
	f := &FormatSet{}
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	number := 0
	fail := func(text string, args ...any) (*FormatSet, error) {
		return nil, &Problem{name, int64(number), fmt.Sprintf(text, args...)}
	}
	var row *format
	for in.Scan() {
		number++
		line := strings.TrimSpace(in.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if title, ok := strings.CutPrefix(line, "["); ok {
			title, ok = strings.CutSuffix(title, "]")
			if title = strings.TrimSpace(title); !ok || title == "" {
				return fail("want [NAME]")
			}
			row = &format{name: title, about: "of " + name, grammar: grammarOwn}
			f.rows = append(f.rows, row)
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || row == nil {
			return fail("want KEY = VALUE below [NAME]")
		}
		if err := row.set(strings.TrimSpace(key), strings.TrimSpace(value)); err != nil {
			return fail("%v", err)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	for _, row := range f.rows {
		switch {
		case row.grammar == grammarOwn:
			return nil, fmt.Errorf("%s: format %s has no grammar", name, row.name)
		case row.grammar != grammarSentences && row.grammar != grammarBare && row.know == "":
			return nil, fmt.Errorf("%s: format %s: know is missing: by which names is a record recognised?", name, row.name)
		case row.grammar == grammarBare && row.holds == "" && row.tags == "":
			return nil, fmt.Errorf("%s: format %s: holds is missing: what shows that a line is one of these?", name, row.name)
		case row.grammar == grammarSentences && (row.begin == "" || len(row.sentences) == 0):
			return nil, fmt.Errorf("%s: format %s: begin and a sentence are wanted", name, row.name)
		}
		if row.seps == "" {
			row.seps = ",\t;|"
		}
	}
	c, err := newCatalog(append(f.rows[:len(f.rows):len(f.rows)], formats()...))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	f.records = &records{catalog: c}
	return f, nil
}

// set sets what a line of a row says.
func (f *format) set(key, value string) (err error) {
	flag := func(p *bool) {
		if *p = value == "yes"; !*p && value != "no" {
			err = fmt.Errorf("%s: want yes or no", key)
		}
	}
	switch key {
	case "about":
		f.about = value
	case "doc":
		f.doc = value
	case "grammar":
		g, ok := map[string]grammar{"json": grammarJSON, "table": grammarTable, "columns": grammarBare, "pairs": grammarPairs, "sentences": grammarSentences}[value]
		if !ok {
			return fmt.Errorf("no grammar %q: want json, table, columns, pairs or sentences", value)
		}
		f.grammar = g
	case "know":
		f.know = value
	case "not":
		f.not = value
	case "fields":
		f.fields = value
	case "roles":
		f.roles = value
	case "protocols":
		f.protocols = value
	case "outcomes":
		f.outcomes = value
	case "separators":
		if f.seps = strings.NewReplacer(`\t`, "\t", "space", " ").Replace(value); f.seps == "" {
			return fmt.Errorf("separators: want some of , ; | \\t space")
		}
	case "order":
		f.order = value
	case "holds":
		f.holds = value
	case "words":
		f.words = value
	case "tags":
		f.tags = value
	case "begin":
		f.begin = value
	case "prefix":
		f.prefix, err = strconv.Atoi(value)
		if err == nil && (f.prefix < 0 || f.prefix > 1024) {
			err = fmt.Errorf("prefix: want 0 to 1024")
		}
	case "form":
		form, ok := map[string]pairForm{"cef": pairsCEF, "leef": pairsLEEF}[value]
		if !ok {
			return fmt.Errorf("form: want cef or leef")
		}
		f.form = form
	case "quotes":
		flag(&f.quotes)
	case "more":
		flag(&f.more)
	case "one_direction":
		flag(&f.oneWay)
	case "sentence":
		pattern, given, _ := strings.Cut(value, "=>")
		f.sentences = append(f.sentences, sentence{pattern: strings.TrimSpace(pattern), given: strings.TrimSpace(given)})
	default:
		return fmt.Errorf("no key %q", key)
	}
	return err
}
