package flowlog

import (
	"fmt"
	"strings"
)

// format is one kind of log.
type format struct {
	name  string // as --format takes it
	about string
	reads string // the fields it reads
	adds  string // how it adds the annotation
	// detect reports whether a log that begins with sample is of this kind.
	// The sample ends anywhere, after 64 KiB at the latest. It may be nil for
	// a format that is never chosen by content.
	detect func(sample []byte) bool
	// start gives the layout of the first line of a log that begins with
	// sample.
	start func(o *Options, sample []byte) (layout, error)
}

// formats lists what is read, in the order in which a log's content is tried:
// the more particular come first.
func formats() []*format {
	return []*format{
		&zeekTSV,
		&awsVPC, &nfdumpCSV, &argusCSV, &silk, &tshark, &genericCSV,
		&netfilter, &fortigate, &ciscoASA, &panos,
		&azureFlows,
		&portannotJSON, &zeekJSON, &eve, &gcp, &hubble, &goflow2JSON, &nfdumpJSON, &ecs, // ECS last: others have its fields too
		&jsonLines,
	}
}

// Info describes a format for people.
type Info struct{ Name, About, Reads, Adds string }

// Formats lists the formats that are read.
func Formats() []Info {
	var list []Info
	for _, f := range formats() {
		list = append(list, Info{f.name, f.about, f.reads, f.adds})
	}
	return list
}

// choose gives the layout of a log that begins with sample, and the name of
// its format.
func choose(sample []byte, o *Options) (layout, string, error) {
	if o.Format != "" && o.Format != "auto" {
		f, err := formatOf(o.Format)
		if err != nil {
			return nil, "", err
		}
		l, err := f.start(o, sample)
		return l, f.name, err
	}
	if !o.Map.IsZero() {
		named := *o
		if named.Format = "csv"; len(sample) > 0 && (sample[0] == '{' || sample[0] == '[') {
			named.Format = "jsonl"
		}
		return choose(sample, &named)
	}
	for _, f := range formats() {
		if f.detect != nil && f.detect(sample) {
			l, err := f.start(o, sample)
			return l, f.name, err
		}
	}
	if len(o.Fields) > 0 { // of a log without a header, which has nothing to recognise it by
		l, err := awsVPC.start(o, sample)
		return l, awsVPC.name, err
	}
	return unknown{"format not recognised"}, "", nil
}

func formatOf(name string) (*format, error) {
	var names []string
	for _, f := range formats() {
		if f.name == name {
			return f, nil
		}
		names = append(names, f.name)
	}
	return nil, fmt.Errorf("unknown log format %q: want auto, %s", name, strings.Join(names, ", "))
}

// ParseMap reads "proto=NAME,sport=NAME,dport=NAME,src=NAME,dst=NAME". A name
// that has a comma cannot be given.
func ParseMap(s string) (Map, error) {
	var m Map
	for pair := range strings.SplitSeq(s, ",") {
		key, name, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return Map{}, fmt.Errorf("map %q: want KEY=NAME", pair)
		}
		switch key {
		case "proto":
			m.Protocol = name
		case "sport":
			m.SourcePort = name
		case "dport":
			m.DestinationPort = name
		case "src":
			m.Source = name
		case "dst":
			m.Destination = name
		default:
			return Map{}, fmt.Errorf("map %q: want proto, sport, dport, src or dst", pair)
		}
	}
	if m.SourcePort == "" && m.DestinationPort == "" {
		return Map{}, fmt.Errorf("map %q: name at least one of sport and dport", s)
	}
	return m, nil
}
