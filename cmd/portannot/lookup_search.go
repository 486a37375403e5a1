package main

import (
	"slices"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// byText answers with the ports of all records that have each of the words in
// their name or description, in any case, and with such names without a port. It
// reports whether there are any.
func (l *lookup) byText(q query) (found bool, err error) {
	words := strings.Fields(strings.ToLower(q.name))
	var spans []iana.Span
	on := map[iana.Span]iana.TransportSet{}
	var portless []iana.Record
	for rec := range l.reg.Records() {
		text := strings.ToLower(rec.Name + " " + rec.Description)
		if rec.Name == "" && isStatus(rec.Description) || slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			continue
		}
		transports := allTransports()
		if rec.Transport != iana.NoTransport {
			transports = iana.TransportSet(0).With(rec.Transport)
		}
		if q.transports != 0 {
			transports &= q.transports
		}
		switch {
		case transports == 0:
		case !rec.HasPort:
			portless = append(portless, rec)
		default:
			if on[rec.Ports] == 0 {
				spans = append(spans, rec.Ports)
			}
			on[rec.Ports] |= transports
		}
	}
	for _, span := range spans {
		if err := l.format.ports(span, on[span]); err != nil {
			return true, err
		}
	}
	for _, rec := range portless {
		if err := l.format.portless(rec); err != nil {
			return true, err
		}
	}
	return len(spans)+len(portless) > 0, nil
}

// isStatus reports the description of a record that gives a port to nobody.
func isStatus(description string) bool {
	s, err := iana.ParseStatus(strings.ToLower(description))
	return err == nil && s != iana.Assigned
}

// statusAnswers gives on the answers of some statuses alone.
type statusAnswers struct {
	answerFormat
	reg    *iana.Registry
	wanted []iana.Status
	given  bool // there was one
}

func parseStatuses(names []string) (list []iana.Status, err error) {
	for _, name := range names {
		s, err := iana.ParseStatus(strings.ToLower(name))
		if err != nil {
			return nil, cli.UnknownWord("--status", name, statusNames)
		}
		list = append(list, s)
	}
	return list, nil
}

// ports gives on runs of ports that have a status asked for on the same transports.
func (s *statusAnswers) ports(span iana.Span, transports iana.TransportSet) error {
	var set iana.TransportSet // of the run so far
	first := span.First
	flush := func(last uint16) error {
		if set == 0 {
			return nil
		}
		s.given = true
		return s.answerFormat.ports(iana.Span{First: first, Last: last}, set)
	}
	for port := int(span.First); port <= int(span.Last); port++ {
		var here iana.TransportSet
		for t := range transports.All() {
			if slices.Contains(s.wanted, s.reg.Lookup(t, uint16(port)).Status) {
				here = here.With(t)
			}
		}
		if here == set {
			continue
		}
		if port > int(span.First) {
			if err := flush(uint16(port - 1)); err != nil {
				return err
			}
		}
		set, first = here, uint16(port)
	}
	return flush(span.Last)
}

func (s *statusAnswers) record(en iana.Entry) error {
	if !slices.Contains(s.wanted, en.Status) {
		return nil
	}
	s.given = true
	return s.answerFormat.record(en)
}

// portless drops names without a port: they have no status.
func (s *statusAnswers) portless(iana.Record) error { return nil }
