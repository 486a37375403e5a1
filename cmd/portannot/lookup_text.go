package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/practice"
)

// answer is what text shows of a port on a transport, but for these two.
// Ports and transports of equal answers share a line.
type answer struct {
	status       iana.Status
	listed       bool
	unspecified  bool
	names        string
	description  string
	span         iana.Span // of the record; zero where there is none
	unauthorized string
	deassigned   iana.Deassignment
	siblings     iana.TransportSet // of a port that is not assigned
	practice     string            // software that is documented to use the port
}

// answerOf gives the answer for a port; practised says whether to tell of software that
// uses it.
func answerOf(en iana.Entry, practised bool) answer {
	a := answer{status: en.Status, listed: en.Listed}
	if practised {
		a.practice = practice.Software(en.Transport, en.Port)
	}
	if en.Status == iana.Dynamic {
		return a
	}
	if en.Status != iana.Assigned {
		a.siblings = en.Siblings()
	}
	if !en.Listed {
		return a
	}
	a.unspecified = en.TransportUnspecified
	a.names = escaped(en.Name())
	if en.NumNames() > 1 {
		a.names = escaped(strings.Join(en.Names(), ", "))
	}
	a.description = escaped(en.Description())
	a.span = en.Span()
	a.unauthorized = escaped(en.Unauthorized())
	a.deassigned, _ = en.Deassigned()
	return a
}

// about describes the answer for the ports shown: the description, and in
// brackets what a reader should not miss.
func (a *answer) about(shown iana.Span) string {
	var parts []string
	switch {
	case a.status == iana.Dynamic:
		parts = append(parts, "never assigned")
	case a.status == iana.Unknown:
		parts = append(parts, "not covered by this registry file")
	case !a.listed:
		parts = append(parts, "no record")
	case a.description != "" && !strings.EqualFold(a.description, a.status.String()):
		parts = append(parts, a.description)
	}
	note := func(format string, args ...any) { parts = append(parts, fmt.Sprintf("["+format+"]", args...)) }
	if a.listed && a.span != shown {
		note("part of %v", a.span)
	}
	if d := deassignedWords(a.deassigned); d != "" {
		note("de-assigned%s", d)
	}
	if a.unauthorized != "" {
		note("unauthorized use reported: %s", a.unauthorized)
	}
	if a.status == iana.Assigned && a.unspecified {
		note("transport not specified")
	}
	if a.siblings != 0 {
		note("assigned on %s", listed(a.siblings))
	}
	if a.practice != "" {
		note("practice: %s", a.practice)
	}
	return strings.Join(parts, " ")
}

// deassignedWords gives " 2025-02-13, was compressnet", or "" for none.
func deassignedWords(d iana.Deassignment) string {
	s := ""
	if d.Date != "" {
		s = " " + d.Date
	}
	if d.FormerName != "" {
		s += ", was " + d.FormerName
	}
	return s
}

// group is a run of ports and a set of transports with one answer.
type group struct {
	span       iana.Span
	transports iana.TransportSet // empty for a record that names none
	answer     answer
}

// groupOf gives the answer with a record that a name has. Of a range of ports, software
// may use some, so nothing is told of it.
func groupOf(en iana.Entry, practised bool) group {
	span := en.Span()
	g := group{span: span, answer: answerOf(en, practised && span.First == span.Last)}
	if en.Transport != iana.NoTransport {
		g.transports = g.transports.With(en.Transport)
	}
	return g
}

// where gives "4739/tcp,udp", "6000-6063/tcp", or "4200-4299" for a record that
// names no transport.
func (g *group) where() string {
	if g.transports == 0 {
		return g.span.String()
	}
	return g.span.String() + "/" + g.transports.String()
}

// groups goes through the ports of a span and puts together those of one
// answer: neighbouring ports whose answers agree on every transport asked for,
// and in them the transports that agree.
func groups(reg *iana.Registry, span iana.Span, transports iana.TransportSet, practised bool, each func(group) error) error {
	var run [iana.NumTransports]answer // by transport, for the ports of run so far
	from := span.First
	flush := func(last uint16) error {
		done := iana.TransportSet(0)
		for t := range transports.All() {
			if done.Has(t) {
				continue
			}
			g := group{span: iana.Span{First: from, Last: last}, answer: run[t]}
			for u := range transports.All() {
				if run[u] == run[t] {
					g.transports = g.transports.With(u)
					done = done.With(u)
				}
			}
			if err := each(g); err != nil {
				return err
			}
		}
		return nil
	}
	for port := int(span.First); port <= int(span.Last); port++ {
		var here [iana.NumTransports]answer
		for t := range transports.All() {
			here[t] = answerOf(reg.Lookup(t, uint16(port)), practised)
		}
		if port > int(span.First) && here != run {
			if err := flush(uint16(port - 1)); err != nil {
				return err
			}
			from = uint16(port)
		}
		run = here
	}
	return flush(span.Last)
}

// row is a line of text, in columns.
type row struct {
	where  string
	status iana.Status
	names  string
	about  string
}

// tableRows is how many lines text holds back to find the widths of columns.
const tableRows = 4096

// Widths that columns have at least and, for the names, at most: a longer cell
// pushes the rest of its line and is never cut.
const (
	whereWidth   = 8
	statusWidth  = 10
	namesWidth   = 12
	maxNameWidth = 40
)

// textAnswers writes aligned lines for people.
type textAnswers struct {
	paint     paint
	practised bool

	out    *bufio.Writer
	reg    *iana.Registry
	rows   []row
	begun  bool // the heading is written
	wheres int  // widths of the columns
	naming int
}

func (t *textAnswers) begin(w *bufio.Writer, reg *iana.Registry) {
	t.out, t.reg = w, reg
	t.wheres, t.naming = whereWidth, namesWidth
}

func (t *textAnswers) ports(span iana.Span, transports iana.TransportSet) error {
	return groups(t.reg, span, transports, t.practised, t.group)
}

func (t *textAnswers) group(g group) error {
	return t.add(row{g.where(), g.answer.status, g.answer.names, g.answer.about(g.span)})
}

// record joins the line before it if only the transport differs, so that a
// name on tcp and udp is one line.
func (t *textAnswers) record(en iana.Entry) error {
	g := groupOf(en, t.practised)
	if n := len(t.rows); n > 0 {
		last := &t.rows[n-1]
		r := row{"", g.answer.status, g.answer.names, g.answer.about(g.span)}
		if ports, on, _ := strings.Cut(last.where, "/"); ports == g.span.String() && on != "" && g.transports != 0 {
			if r.where = last.where; r == *last {
				last.where += "," + g.transports.String()
				t.wheres = max(t.wheres, len(last.where))
				return nil
			}
		}
	}
	return t.group(g)
}

func (t *textAnswers) portless(rec iana.Record) error {
	where := "no port"
	if rec.Transport != iana.NoTransport {
		where += "/" + rec.Transport.String()
	}
	return t.add(row{where, iana.Unknown, rec.Name, rec.Description})
}

func (t *textAnswers) add(r row) error {
	t.rows = append(t.rows, r)
	t.wheres = max(t.wheres, len(r.where))
	t.naming = max(t.naming, min(len(r.names), maxNameWidth))
	if len(t.rows) < tableRows {
		return nil
	}
	return t.flush()
}

// flush writes the lines that are held back.
func (t *textAnswers) flush() error {
	if !t.begun && len(t.rows) > 0 {
		t.begun = true
		t.out.WriteString(t.paint.heading(fmt.Sprintf("%-*s  %-*s  %-*s  %s",
			t.wheres, "PORT", statusWidth, "STATUS", t.naming, "NAMES", "DESCRIPTION")))
		t.out.WriteByte('\n')
	}
	for i := range t.rows {
		r := &t.rows[i]
		names := r.names
		if names == "" {
			names = "-"
		}
		status := t.paint.status(r.status, statusWidth)
		if strings.HasPrefix(r.where, "no port") {
			status = fmt.Sprintf("%-*s", statusWidth, "-")
		}
		line := fmt.Sprintf("%-*s  %s  %-*s  %s", t.wheres, r.where, status, t.naming, names, r.about)
		t.out.WriteString(strings.TrimRight(line, " "))
		if err := t.out.WriteByte('\n'); err != nil {
			return err
		}
	}
	t.rows = t.rows[:0]
	return nil
}

func (t *textAnswers) end() error {
	if err := t.flush(); err != nil || !t.begun {
		return err
	}
	return writeWarning(t.out, t.reg)
}

// writeWarning writes the line that every text ends with.
func writeWarning(w *bufio.Writer, reg *iana.Registry) error {
	ed := reg.Edition()
	words := editionWords(ed)
	if ed.Partial {
		words += ", of which " + notKnownWords
	}
	_, err := fmt.Fprintf(w, "# %s Registry %s.\n", iana.Warning, words)
	return err
}

// paint colours text, or leaves it plain.
type paint bool

var statusColors = [iana.NumStatuses]string{
	iana.Unknown:    "33", // yellow
	iana.Assigned:   "",   // the registry does not say that traffic is good
	iana.Reserved:   "31", // red
	iana.Unassigned: "33",
	iana.Dynamic:    "36", // cyan
}

// status gives a status in its colour, padded to a width.
func (p paint) status(s iana.Status, width int) string {
	return p.as(statusColors[s], fmt.Sprintf("%-*s", width, s))
}

func (p paint) heading(text string) string { return p.as("1", text) }

// alarm and notice are for what deserves a look.
func (p paint) alarm(text string) string  { return p.as("31", text) }
func (p paint) notice(text string) string { return p.as("33", text) }

func (p paint) as(code, text string) string {
	if !p || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
