package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/internal/ascii"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/review"
)

// Widths of text, made for 120 columns where no terminal has fewer. A cell that is
// wider than its column pushes the rest of its line; it is never cut.
const (
	reportWidth = 120
	leastWidth  = 40
	factWidth   = 13
)

// Bounds of what text lists: findings of one kind and level, and what is neither
// a finding nor a service.
const (
	maxTextFindings = 100
	maxTextLines    = 200
)

// reportText writes a report for people at a terminal.
type reportText struct {
	*bufio.Writer
	r      *review.Report
	color  bool
	width  int
	narrow bool // the terminal has no room for the tables

	terminal int // its width; 0 where there is none
}

func writeReportText(w io.Writer, r *review.Report, m Meta) error {
	t := &reportText{bufio.NewWriter(w), r, m.Color, reportWidth, m.Width > 0 && m.Width < reportWidth, m.Width}
	if t.narrow {
		t.width = max(m.Width, leastWidth)
	}
	if m.Title != "" {
		fmt.Fprintf(t, "%s\n\n", t.paint(ascii.Bold, printable(m.Title)))
	}
	t.line(0, r.Warning)
	t.WriteByte('\n')
	for _, f := range about(r) {
		t.fact(2, f.name, f.value)
	}
	for _, s := range r.Remarks {
		t.fact(2, "remark", s)
	}
	t.findings()
	t.services()
	t.unsided()
	t.scanners()
	t.rules()
	t.reasons()
	t.losses()
	t.provenance(&m)
	t.WriteByte('\n')
	t.wrap(2, 2, "# ", r.Warning+" Registry "+r.Registry.Words()+".")
	return t.Flush()
}

func (t *reportText) paint(color, s string) string {
	if !t.color {
		return s
	}
	return color + s + ascii.Plain
}

// painted is paint where there may be no colour.
func (t *reportText) painted(color, s string) string {
	if color == "" {
		return s
	}
	return t.paint(color, s)
}

// printable writes what a terminal would take for a command, or would not show,
// as an escape: comments of rules and names in policies are anybody's.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return !strconv.IsPrint(c) }) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if strconv.IsPrint(c) {
			b.WriteRune(c)
			continue
		}
		q := strconv.QuoteRune(c)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

func (t *reportText) heading(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	t.WriteByte('\n')
	t.bold(0, text)
	t.WriteByte('\n')
}

// bold writes text that has a line of its own; one that is too long is wrapped.
func (t *reportText) bold(indent int, text string) {
	if indent+len(text) > t.width {
		t.line(indent, text)
		return
	}
	fmt.Fprintf(t, "%*s%s\n", indent, "", t.paint(ascii.Bold, printable(text)))
}

// line writes text, wrapped and indented.
func (t *reportText) line(indent int, text string) {
	t.wrap(indent, indent, strings.Repeat(" ", indent), text)
}

// fact writes a name and a value, wrapped behind the name.
func (t *reportText) fact(indent int, name, value string) {
	lead := fmt.Sprintf("%*s%-*s", indent, "", factWidth, name)
	if len(name) >= factWidth {
		lead = strings.Repeat(" ", indent) + printable(name) + "  "
	}
	t.wrap(len(lead), indent+factWidth, lead, value)
}

// wrap writes words behind a lead of width at, later lines indented. A word
// that is longer than the line stays whole.
func (t *reportText) wrap(at, indent int, lead, text string) {
	t.WriteString(lead)
	begin := true
	for _, word := range strings.Fields(printable(text)) {
		n := len([]rune(word))
		switch {
		case begin:
		case at+1+n > t.width:
			t.WriteByte('\n')
			t.WriteString(strings.Repeat(" ", indent))
			at = indent
		default:
			t.WriteByte(' ')
			at++
		}
		t.WriteString(word)
		at += n
		begin = false
	}
	t.WriteByte('\n')
}

func levelColor(l review.Level) string {
	switch l {
	case review.Error:
		return ascii.Red
	case review.Warning:
		return ascii.Yellow
	}
	return ascii.Cyan
}

func (t *reportText) findings() {
	if len(t.r.Findings) == 0 {
		return
	}
	t.heading("FINDINGS")
	n := 0 // of this kind and level
	for i := range t.r.Findings {
		f := &t.r.Findings[i]
		if n++; i == 0 || t.r.Findings[i-1].Kind != f.Kind || t.r.Findings[i-1].Level != f.Level {
			if i > 0 {
				t.moreFindings(&t.r.Findings[i-1], n-1)
			}
			if n = 1; i > 0 {
				t.WriteByte('\n')
			}
			fmt.Fprintf(t, "%s  %s  [%v]\n", t.paint(levelColor(f.Level), fmt.Sprintf("%-7v", f.Level)), t.paint(ascii.Bold, f.Kind.Info().Title), f.Kind)
		}
		if n > maxTextFindings {
			continue
		}
		subject := f.Subject
		if f.Name != "" {
			subject += "  " + f.Name
		}
		t.WriteByte('\n')
		t.bold(2, subject)
		t.line(4, f.Why)
		for _, x := range f.Facts {
			t.fact(6, x.Name, x.Value)
		}
	}
	t.moreFindings(&t.r.Findings[len(t.r.Findings)-1], n)
}

// moreFindings says how many findings like f are not shown, of which the report
// lists n.
func (t *reportText) moreFindings(f *review.Finding, n int) {
	if all := n + unlisted(t.r, f.Kind, f.Level); all > maxTextFindings {
		fmt.Fprintf(t, "\n  %s of these %s are listed (-o csv-findings has all)\n", thousands(min(n, maxTextFindings)), thousands(all))
	}
}

// column is a column of a table.
type column struct {
	name  string
	width int
	right bool
}

// row writes cells under columns, each as wide as its column or wider. colors are
// those of cells, "" for none; there may be fewer.
func (t *reportText) row(columns []column, mark string, cells []string, colors ...string) {
	var b strings.Builder
	begin, at := 0, 0 // of the column, and how far the line has come
	space := func(to int) {
		for ; at < to; at++ {
			b.WriteByte(' ')
		}
	}
	for i, c := range cells {
		c = printable(c)
		if i > 0 {
			begin += columns[i-1].width + 1
			space(max(begin, at+1))
		}
		if n := utf8.RuneCountInString(c); columns[i].right && c != "" {
			space(min(at+columns[i].width-n, begin+columns[i].width-n))
		}
		at += utf8.RuneCountInString(c)
		if i < len(colors) {
			c = t.painted(colors[i], c)
		}
		b.WriteString(c)
	}
	fmt.Fprintf(t, "%s%s\n", mark, strings.TrimRight(b.String(), " "))
}

func (t *reportText) header(columns []column, mark string) {
	var cells []string
	for _, c := range columns {
		cells = append(cells, c.name)
	}
	t.row(columns, mark, cells)
}

func (t *reportText) services() {
	if len(t.r.Services) == 0 {
		return
	}
	marked := false
	if all := t.r.Summary.Services; all > len(t.r.Services) {
		t.heading("SERVICES, %s of %s: those with findings, then those of the most flows (-o csv has all)", thousands(len(t.r.Services)), thousands(all))
	} else {
		t.heading("SERVICES")
	}
	columns := []column{{"SERVICE", 0, false}, {"REGISTERED", 0, false}, {"NAME", 14, false}, {"CLIENTS", 0, true}, {"FLOWS", 0, true}, {"SIZE", 0, true}, {"SEEN (UTC)", 0, false}, {"OUTCOME", 0, false}}
	if t.r.Policy != nil {
		columns = append(columns, column{"POLICY", 0, false})
	}
	if t.r.Rules != nil {
		columns = append(columns, column{"RULES", 0, false})
	}
	const name = 2 // the column that gives way
	names := columns[name].width
	rows := make([][]string, len(t.r.Services))
	for i := range t.r.Services {
		rows[i] = t.serviceCells(&t.r.Services[i])
		for c, text := range rows[i] {
			if c == name {
				names = max(names, min(len(text), 30))
			} else {
				columns[c].width = max(columns[c].width, len(columns[c].name), len(text))
			}
		}
	}
	narrow := t.narrow
	if t.terminal > 0 {
		room := t.terminal - widthOf(columns)
		narrow = narrow || room < 0
		names = min(names, columns[name].width+max(room, 0))
	}
	columns[name].width = names
	if !narrow {
		t.header(columns, "  ")
	}
	for i, cells := range rows {
		s := &t.r.Services[i]
		mark := "  "
		if l := s.Highest; l > review.NoLevel {
			marked = true
			mark = t.paint(levelColor(l), strings.ToUpper(l.String()[:1])) + " "
		}
		if narrow {
			lead := mark + printable(s.ID) + "  " + t.painted(serviceColors(s)[1], cells[1])
			if cells[name] = strings.TrimPrefix(cells[name], "-"); cells[name] != "" {
				lead += " "
			}
			t.wrap(len(s.ID)+len(cells[1])+5, 6, lead, cells[name])
			cells[3] = clientCount(&s.Clients) + oneOrMore(s.Clients.Count, " client", " clients")
			cells[4] = counted(int(s.Flows), "flow")
			t.line(6, strings.Join(cells[3:], ", "))
			continue
		}
		t.row(columns, mark, cells, serviceColors(s)...)
	}
	if marked {
		t.WriteString("\n  E, W and N mark services with findings: error, warning, note.\n")
	}
}

// serviceCells gives the cells of a service.
func (t *reportText) serviceCells(s *review.Service) []string {
	size := "-"
	if s.Uncounted < s.Flows {
		size = review.Size(s.Bytes)
	}
	cells := []string{s.ID, s.Registered.Status.String(), serviceNames(s), clientCount(&s.Clients), fmt.Sprint(s.Flows), size, t.seen(s.First, s.Last), s.Outcome}
	if t.r.Policy != nil {
		cells = append(cells, s.Policy)
	}
	if t.r.Rules != nil {
		verdict := "-"
		if s.Rules != nil {
			verdict = s.Rules.Verdict
		}
		cells = append(cells, verdict)
	}
	return cells
}

// serviceColors gives the colours of the cells of a service: they mark what deserves a
// look. An assigned port is not marked: the registry does not say that its traffic is
// good.
func serviceColors(s *review.Service) []string {
	colors := make([]string, 10)
	answered := s.Outcome == "answered"
	switch s.Registered.Status {
	case iana.Reserved:
		colors[1] = ascii.Red
	case iana.Unassigned, iana.Unknown:
		colors[1] = ascii.Yellow
	}
	if !answered {
		colors[1] = ""
	}
	switch {
	case s.Verdict == observe.Contradicts.String():
		colors[2] = ascii.Red
	case s.Registered.Unauthorized != "":
		colors[2] = ascii.Yellow
	}
	last := 8
	switch s.Policy {
	case "":
		last--
	case "partly", "unexpected", "expired":
		colors[last] = ascii.Yellow
	}
	if s.Rules != nil && s.Rules.Verdict == "deny" && answered {
		colors[last+1] = ascii.Red
	}
	return colors
}

// widthOf gives the width of a table, with its marks.
func widthOf(columns []column) int {
	n := len("  ") + len(columns) - 1
	for _, c := range columns {
		n += c.width
	}
	return n
}

// seen writes when something was seen, as short as the window allows.
func (t *reportText) seen(first, last review.Time) string {
	if first == 0 {
		return "-"
	}
	const day = len("2026-09-14")
	a, b := first.Moment(), last.Moment()
	w := &t.r.Window
	if w.First.Moment()[:day] != w.Last.Moment()[:day] {
		return a[5:len(a)-3] + " " + b[5:day]
	}
	if a, b = a[day+1:], b[day+1:]; a == b {
		return a
	}
	return a + "-" + b
}

func (t *reportText) unsided() {
	if len(t.r.Unsided) == 0 {
		return
	}
	t.heading("BETWEEN WHICH IT IS NOT KNOWN WHICH END IS THE SERVICE")
	for i := range t.r.Unsided[:min(len(t.r.Unsided), maxTextLines)] {
		p := &t.r.Unsided[i]
		t.line(2, fmt.Sprintf("%s - %s/%s  %s, %s, ports %v and %v", p.A, p.B, p.Transport, counted(int(p.Flows), "flow"), countList(p.States), p.PortsA, p.PortsB))
	}
	t.more(len(t.r.Unsided))
}

func (t *reportText) more(n int) {
	if n > maxTextLines {
		fmt.Fprintf(t, "  %s of %s are listed (-o json has all)\n", thousands(maxTextLines), thousands(n))
	}
}

func (t *reportText) scanners() {
	if len(t.r.Scanners) == 0 {
		return
	}
	t.heading("SCANNERS, whose targets are not among the services")
	for i := range t.r.Scanners[:min(len(t.r.Scanners), maxTextLines)] {
		s := &t.r.Scanners[i]
		ignored := ""
		if s.Ignored {
			ignored = ", ignored by the policy"
		}
		t.line(2, fmt.Sprintf("%s  %s tried in vain on %s, %d answered, %s%s", s.Address, counted(int(s.Targets), "service"), counted(s.Servers, "server"), s.Answered, counted(int(s.Flows), "flow"), ignored))
	}
	t.more(len(t.r.Scanners))
}

func (t *reportText) rules() {
	for i := range t.r.Rules {
		s := &t.r.Rules[i]
		t.heading("RULES of %s (%s)", strings.Join(s.Files, ", "), s.Kind)
		columns := []column{{"LINE", 6, true}, {"ACTION", 7, false}, {"DECIDED", 7, true}, {"POSSIBLE", 8, true}, {"SIZE", 9, true}, {"LAST SEEN (UTC)", 19, false}, {"RULE", 40, false}}
		if t.narrow {
			columns = columns[:6]
		}
		t.header(columns, "  ")
		for i := range s.Rules[:min(len(s.Rules), maxTextLines)] {
			u := &s.Rules[i]
			last := "-"
			if u.Last != 0 {
				last = u.Last.Moment()
			}
			text := u.Text
			if name := ruleName(u); name != "" {
				text = name + ": " + text
			}
			if u.Comment != "" && !strings.Contains(u.Text, u.Comment) {
				text += "  # " + u.Comment
			}
			if u.Partial != "" {
				text += "  (not interpreted: " + u.Partial + ")"
			}
			if u.Assumes != "" {
				text += "  (assumed: " + u.Assumes + ")"
			}
			if u.Counter != nil {
				text += fmt.Sprintf("  (the firewall's counter: %s)", ruleCounter(u.Counter))
			}
			line := fmt.Sprint(u.Line)
			if len(s.Files) > 1 {
				line = fmt.Sprintf("%s:%d", u.File, u.Line)
			}
			cells := []string{line, ruleAction(u), fmt.Sprint(u.Decided), fmt.Sprint(u.Possible), ruleSize(u), last, text}
			if t.narrow {
				t.row(columns, "  ", cells[:6])
				t.line(6, text)
				continue
			}
			t.row(columns, "  ", cells)
		}
		t.more(len(s.Rules))
		t.line(2, ruleCounting)
		if len(s.Notes) == 0 {
			continue
		}
		t.heading("NOT INTERPRETED in %s, and so neither allowed nor denied", strings.Join(s.Files, ", "))
		for _, n := range s.Notes[:min(len(s.Notes), maxTextLines)] {
			t.line(2, fmt.Sprintf("%s:%d: %s: %s", n.File, n.Line, n.Reason, n.Text))
		}
		t.more(len(s.Notes))
	}
}

func (t *reportText) provenance(m *Meta) {
	list := provenance(t.r, m)
	if len(list) == 0 {
		return
	}
	t.heading("HOW THIS REPORT WAS MADE")
	for _, f := range list {
		if f.name == "command" { // which is to be copied, spaces and all
			fmt.Fprintf(t, "  %-*s%s\n", factWidth, f.name, printable(f.value))
			continue
		}
		t.fact(2, f.name, f.value)
	}
}

func (t *reportText) losses() {
	list := losses(t.r)
	if len(list) == 0 {
		return
	}
	t.heading("NOT IN THE SERVICES")
	for _, s := range list {
		t.line(2, s)
	}
}
