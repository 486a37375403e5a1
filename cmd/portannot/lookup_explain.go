package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/practice"
)

// explanation says why an answer is what it is.
type explanation struct {
	Precedence string            `json:"precedence"`
	Records    []explainedRecord `json:"records,omitempty"`
}

// explainedRecord is a record that concerns a port.
type explainedRecord struct {
	Ports       string `json:"ports"`
	Transport   string `json:"transport,omitempty"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	Precedence  string `json:"precedence"`
	Decides     bool   `json:"decides"`
	Line        int    `json:"line,omitempty"`
}

func explanationOf(en iana.Entry) *explanation {
	x := &explanation{Precedence: en.Precedence.String()}
	for i, rec := range en.Records() {
		x.Records = append(x.Records, explainedRecord{
			Ports:       rec.Ports.String(),
			Transport:   rec.Transport.String(),
			Name:        rec.Name,
			Description: rec.Description,
			Precedence:  precedenceOf(&rec).String(),
			Decides:     i < en.Deciding(),
			Line:        rec.Line,
		})
	}
	return x
}

// precedenceOf says with which precedence a record speaks for its ports.
func precedenceOf(rec *iana.Record) iana.Precedence {
	switch single := rec.Ports.First == rec.Ports.Last; {
	case single && rec.Transport != iana.NoTransport:
		return iana.ExactTransport
	case single:
		return iana.ExactAnyTransport
	case rec.Transport != iana.NoTransport:
		return iana.RangeTransport
	}
	return iana.RangeAnyTransport
}

// explainAnswers writes a paragraph for each answer: what it is, the order of
// precedence with what matched at each step, and the records.
type explainAnswers struct {
	paint     paint
	practised bool

	out   *bufio.Writer
	reg   *iana.Registry
	begun bool
}

func (x *explainAnswers) begin(w *bufio.Writer, reg *iana.Registry) { x.out, x.reg = w, reg }

// ports explains a run of ports with the same answer once, with the records of
// its first port, and each transport by itself, since its records are.
func (x *explainAnswers) ports(span iana.Span, transports iana.TransportSet) error {
	for t := range transports.All() {
		err := groups(x.reg, span, iana.TransportSet(0).With(t), x.practised, func(g group) error {
			return x.entry(g.where(), x.reg.Lookup(t, g.span.First), &g.answer, g.span)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *explainAnswers) record(en iana.Entry) error {
	g := groupOf(en, x.practised)
	return x.entry(g.where(), en, &g.answer, g.span)
}

func (x *explainAnswers) portless(rec iana.Record) error {
	on := ""
	if rec.Transport != iana.NoTransport {
		on = " for " + rec.Transport.String()
	}
	x.head(rec.Name + ": registered without a port" + on)
	x.line("use", "found by DNS, as in SRV records and DNS-SD (RFC 6763)")
	x.line("record", describeRecord(&rec))
	return nil
}

func (x *explainAnswers) entry(where string, en iana.Entry, a *answer, shown iana.Span) error {
	what := en.Status.String()
	if a.names != "" {
		what += ", " + a.names
	}
	x.head(where + ": " + what)
	if about := a.about(shown); about != "" {
		x.line("about", about)
	}
	x.line("range", rangeWords(en.Range()))
	if a.practice != "" {
		for p := range practice.At(en.Transport, en.Port) {
			x.line("practice", fmt.Sprintf("%s: %s, by its own documentation: %s, read %s, %s", p.Software, p.Use, p.Document.Title, p.Document.Read, p.Document.URL))
		}
	}
	switch en.Status {
	case iana.Dynamic:
		x.line("rule", "ports from 49152 up are never assigned, whatever records say (RFC 6335 section 6)")
		return nil
	case iana.Unknown:
		x.line("rule", fmt.Sprintf("the registry file covers only ports %v", x.reg.Coverage().Span))
		return nil
	}
	recs := en.Records()
	x.precedence(en, recs)
	for i := range recs {
		verdict := "hidden"
		if i < en.Deciding() {
			verdict = "decides"
		}
		x.line(verdict, describeRecord(&recs[i]))
	}
	if len(recs) == 0 {
		x.line("rule", "a port below 49152 without a record is unassigned (RFC 6335 section 6)")
	}
	if en.NumNames() > 1 {
		x.line("preference", "not marked historic or alias; well-formed; cites an RFC; registered earlier; by letter")
	}
	return nil
}

// precedence shows the steps in their order, and how many records matched.
func (x *explainAnswers) precedence(en iana.Entry, recs []iana.Record) {
	var counts [iana.RangeAnyTransport + 1]int
	for i := range recs {
		counts[precedenceOf(&recs[i])]++
	}
	label := "precedence"
	for p := iana.ExactTransport; p <= iana.RangeAnyTransport; p++ {
		found := "no record"
		if counts[p] > 0 {
			found = plural(uint64(counts[p]), "record")
		}
		if p == en.Precedence {
			found += ", decides"
		}
		x.line(label, fmt.Sprintf("%d. %s: %s", p, p, found))
		label = ""
	}
}

// describeRecord shows a record as published.
func describeRecord(rec *iana.Record) string {
	var b strings.Builder
	if rec.HasPort {
		b.WriteString(rec.Ports.String())
		if rec.Transport != iana.NoTransport {
			b.WriteString("/" + rec.Transport.String())
		}
		b.WriteByte(' ')
	}
	if rec.Name != "" {
		b.WriteString(rec.Name + " ")
	}
	fmt.Fprintf(&b, "%q", rec.Description)
	add := func(what, value string) {
		if value != "" {
			b.WriteString("; " + what + value)
		}
	}
	add("registered ", rec.Registered)
	add("modified ", rec.Modified)
	add("references ", strings.Join(rec.References, ", "))
	add("service code ", rec.ServiceCode)
	add("unauthorized use: ", rec.Unauthorized)
	add("assignee ", rec.Assignee)
	add("contact ", rec.Contact)
	add("notes: ", rec.Notes)
	if rec.Line > 0 {
		fmt.Fprintf(&b, "; line %d", rec.Line)
	}
	return b.String()
}

func rangeWords(r iana.PortRange) string {
	switch r {
	case iana.SystemPorts:
		return "system ports, 0 to 1023"
	case iana.UserPorts:
		return "user ports, 1024 to 49151"
	}
	return "dynamic ports, 49152 to 65535"
}

// head begins a paragraph.
func (x *explainAnswers) head(text string) {
	if x.begun {
		x.out.WriteByte('\n')
	}
	x.begun = true
	x.out.WriteString(x.paint.heading(text))
	x.out.WriteByte('\n')
}

// line writes a labelled line. Errors of writing stay until the end.
func (x *explainAnswers) line(label, text string) {
	fmt.Fprintf(x.out, "  %-10s  %s\n", label, escaped(text))
}

func (x *explainAnswers) end() error {
	if !x.begun {
		return nil
	}
	x.out.WriteByte('\n')
	return writeWarning(x.out, x.reg)
}
