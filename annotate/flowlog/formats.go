package flowlog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// formats lists the rows. Within a grammar, records are compared with them in
// this order.
func formats() []*format {
	return []*format{
		&zeekTSV, &azureFlows, &nmapXML, &nmapGrepable,
		&awsVPC, &nfdumpCSV, &argusCSV, &silk, &tshark, &pfirewall, &panosExport, &cicFlowMeter, &nfStream, &unswNB15, &pmacctCSV, &exported,
		&netfilter, &conntrack, &fortigate, &junosPairs, &ciscoFTD, &cef, &leef, &checkPoint, &checkPointBars, &sonicWall, &sophos, &meraki, &zyxel,
		&ciscoASA, &ciscoIOS, &junosFlow, &watchGuard, &merakiFlows, &nfdumpText, &azureFirewallText, &netScreen, &mikroTik, &nsxFirewall, &ipfwLog, &pfLog, &netScaler, &snortFast, &envoyText, &ssListening, &masscanJSON, &masscanList,
		&awsDefault, &panos, &filterlog4, &filterlog6, &nfdumpPipe, &nfdumpPipe17, &unswNB15Bare, &snortCSV, &zscalerCSV, &umbrella,
		&portannotJSON, &zeekServices, &zeekOverTCP, &zeekOverUDP, &zeekJSON, &eve, &gcp, &hubble, &netObserv, &goflow2JSON, &nfdumpJSON,
		&awsJSON, &azureFirewall, &ocsf, &pmacctJSON, &nProbe, &yaf, &logstashNetFlow, &cortex, &envoyJSON, &zscaler, &cloudflareSessions, &untangle, &openTelemetry, &ecs,
	}
}

// Info describes a format for people.
type Info struct {
	Name, About, Reads, Adds string
	Doc                      string // the documentation of the format: title and address
}

const addsColumns = "columns at the end; the header extended"

// addition says how a format is annotated.
func (f *format) addition() string {
	if f.adds != "" {
		return f.adds
	}
	switch f.grammar {
	case grammarJSON:
		return `one object "portannot" at the end of the record's object`
	case grammarTable, grammarBare:
		if f.seps == " " {
			return addsColumns + `; "_" for spaces`
		}
		return addsColumns
	}
	if f.style != nil && f.style.quoted {
		return `key="value" pairs at the end`
	}
	return "key=value pairs at the end"
}

// reading names what a format reads.
func (f *format) reading() string {
	if f.reads != "" {
		return f.reads
	}
	var names []string
	if f.grammar == grammarSentences {
		for _, s := range f.sentences {
			if s.id != "" && !slices.Contains(names, s.id) {
				names = append(names, s.id)
			}
		}
		return "messages " + strings.Join(names, " ")
	}
	s, err := newShape(f)
	if err != nil {
		return err.Error()
	}
	for _, name := range s.listed {
		names = append(names, strings.TrimPrefix(name, bareWord))
	}
	return strings.Join(names, " ")
}

// Formats lists the formats that are read.
func Formats() []Info {
	var list []Info
	for _, f := range append(formats(), mapped...) {
		if slices.ContainsFunc(list, func(i Info) bool { return i.Name == f.name }) {
			continue // another row of the format
		}
		list = append(list, Info{f.name, f.about, f.reading(), f.addition(), f.doc})
	}
	return list
}

// everyRecord is the layout for records of any format that stand alone.
var everyRecord = sync.OnceValue(func() *records { return &records{catalog: everything()} })

// records gives the layout for records of any format that stand alone, the user's
// own formats among them.
func (o *Options) records() *records {
	if o.Formats != nil {
		return o.Formats.records
	}
	return everyRecord()
}

// choose gives the layout of the first line of a log that begins with sample.
func choose(sample []byte, o *Options) (layout, error) {
	if o.Format != "" && o.Format != "auto" {
		return chooseNamed(sample, o)
	}
	if !o.Map.IsZero() {
		return chooseMapped(o.Map.formatOf(sample), sample, o)
	}
	l := o.records()
	line := firstRecord(sample)
	if len(line) > 0 && (line[0] == '{' || line[0] == '[') {
		if azureFlows.detect(sample) && !l.startsKnown(sample) {
			return azureLog{}, nil
		}
		if spansLines(sample) {
			return spanningRecords{l}, nil
		}
		return l, nil
	}
	if grepable, is := isNmap(sample); is {
		return newNmapLog(grepable), nil
	}
	if isZeekHeader(line) {
		z := newZeekLog('\t')
		z.rest = l
		return z, nil
	}
	for _, s := range l.tables {
		if t := s.readHeader(line); t != nil && s.known(t.hasName) {
			return newTable(s, l, o.Fields, line)
		}
	}
	if s := tableBySynonyms(line); s != nil && len(o.Fields) == 0 {
		return newTable(s, l, nil, line)
	}
	if len(o.Fields) > 0 { // of a log without a header, which has nothing to recognise it by
		if r := new(Record); true {
			r.reset(line)
			if parse(l, r); r.by == nil {
				return newTable(tableOf(&awsVPC), nil, o.Fields, sample)
			}
		}
	}
	return l, nil
}

// firstRecord gives the first line of a sample that is neither blank nor a
// comment, without its end; headers of Zeek and of W3C begin like comments.
func firstRecord(sample []byte) []byte {
	for line := range bytes.Lines(sample) {
		line = bytes.TrimLeft(trimEnd(line), " \t")
		if len(line) > 0 && (line[0] != '#' || isZeekHeader(line)) {
			return line
		}
	}
	return nil
}

// undecided reports whether a log may look different once more of it has come:
// its first record is not whole.
func undecided(sample []byte) bool {
	line := firstRecord(sample)
	if line == nil {
		return true
	}
	if bytes.HasPrefix(line, []byte("<?xml")) && len(sample) < 4096 {
		return !bytes.Contains(sample, []byte("<nmaprun"))
	}
	if line[0] == '{' || spansLines(line) {
		_, to := nextObject(sample[bytes.Index(sample, line):])
		return to < 0
	}
	at := bytes.Index(sample, line) + len(line)
	return at == len(sample) || len(sample)-at == 1 && sample[at] == '\r'
}

// startsKnown reports whether the first object of a sample is a record of some
// format.
func (l *records) startsKnown(sample []byte) bool {
	from, to := nextObject(sample)
	if to < 0 {
		return false
	}
	var r Record
	r.reset(sample[from:to])
	l.object(&r, r.Line, 0, 0)
	return r.of != nil
}

// rowsOf gives the rows with a name.
func rowsOf(name string) (rows []*format, err error) {
	var names []string
	for _, f := range append(formats(), mapped...) {
		if f.name == name {
			rows = append(rows, f)
		}
		if !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	if rows == nil {
		err = fmt.Errorf("unknown log format %q: want auto, %s", name, strings.Join(names, ", "))
	}
	return rows, err
}

func tableOf(f *format) *shape {
	for _, s := range everything().tables {
		if s.format == f {
			return s
		}
	}
	return nil
}

// chooseNamed gives the layout for the format that the user names.
func chooseNamed(sample []byte, o *Options) (layout, error) {
	rows, err := rowsOf(o.Format)
	if err != nil {
		return nil, err
	}
	f := rows[0]
	if slices.Contains(mapped, f) {
		return chooseMapped(f, sample, o)
	}
	if f.grammar == grammarOwn {
		return f.start(o, sample)
	}
	l, err := recordsOf(rows)
	if err != nil {
		return nil, err
	}
	switch {
	case f.grammar == grammarTable:
		line := firstRecord(sample)
		if t := l.tables[0].readHeader(line); t == nil && len(l.bare) > 0 && len(o.Fields) == 0 {
			r := new(Record)
			r.reset(line)
			if parse(l, r); r.of != nil {
				return l, nil
			}
		}
		return newTable(l.tables[0], nil, o.Fields, sample)
	case f.grammar == grammarJSON && spansLines(sample):
		return spanningRecords{l}, nil
	}
	return l, nil
}

// recordsOf gives the layout for some formats only.
func recordsOf(rows []*format) (*records, error) {
	c, err := newCatalog(rows)
	if err != nil {
		return nil, err
	}
	return &records{catalog: c, named: true}, nil
}
