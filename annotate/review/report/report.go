// Package report writes the report of a review as text, JSON, CSV, HTML, SARIF
// (the format of static analysis results) or Markdown.
package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/review"
)

// formats are the forms of a report.
var formats = []struct {
	name string
	// services and findings are how many services, and findings of one kind and
	// level, the form has room for; 0 is any number. People and browsers do not
	// read a million lines.
	services, findings int
	// clients is set for the form that names all clients: it is read again.
	clients bool
	// deferred is set for forms that write all, one after the other.
	deferred bool
	// grouped is set for the form that count findings by port where they cannot list all.
	grouped bool
	write   func(io.Writer, *review.Report, Meta) error
}{
	{"text", 200, maxTextFindings, false, false, false, writeReportText},
	{"json", 0, 0, true, true, false, writeReportJSON},
	{"csv", 0, 0, false, true, false, writeServicesCSV},
	{"csv-findings", 1, 0, false, true, false, writeFindingsCSV},
	{"csv-rules", 1, 1, false, true, false, writeRulesCSV}, // of neither it has any
	{"html", 2000, maxPageFindings, false, false, true, writeReportHTML},
	{"sarif", 1, 0, false, true, false, writeReportSARIF}, // of services it has none
	{"markdown", 200, maxMarkdown, false, false, false, writeReportMarkdown},
}

// Formats returns the names that Write accepts.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// Bounds sets the fields Listed, Findings, AllClients, Deferred and Grouped of ctx as the
// format with this name needs them. Call it before Collector.Report.
func Bounds(name string, ctx *review.Context) {
	for _, f := range formats {
		if f.name == name {
			ctx.Listed, ctx.Findings, ctx.AllClients, ctx.Deferred, ctx.Grouped = f.services, f.findings, f.clients, f.deferred, f.grouped
		}
	}
}

// Write writes a report in the format with this name. It returns an error if
// writing fails or if Formats does not have the name.
func Write(w io.Writer, name string, r *review.Report, m Meta) error {
	for _, f := range formats {
		if f.name == name {
			return f.write(w, r, m)
		}
	}
	return fmt.Errorf("unknown output format %q: want %s", name, strings.Join(Formats(), ", "))
}

// serviceNames writes the names that a service's port goes by: the registered
// ones, the user's own, and what the payload looks like, unless that is what the
// registered ones stand for.
func serviceNames(s *review.Service) string {
	text := "-"
	switch n := len(s.Registered.Names); {
	case n > 1:
		text = fmt.Sprintf("%s +%d", s.Registered.Names[0], n-1)
	case n == 1:
		text = s.Registered.Names[0]
	}
	if s.Local != "" {
		text += " local:" + s.Local
	}
	if s.Observed != "" && s.Verdict != observe.Consistent.String() {
		text += " observed:" + s.Observed
	}
	return text
}

// clientCount writes how many clients there are.
func clientCount(c *review.Clients) string {
	if c.AtLeast {
		return fmt.Sprintf("%d+", c.Count)
	}
	return fmt.Sprint(c.Count)
}

// rulePlace says where a rule stands: its line, with the file if there are several.
func rulePlace(set *review.RuleSet, u *review.RuleUse) string {
	if len(set.Files) > 1 {
		return fmt.Sprintf("%s:%d", u.File, u.Line)
	}
	return fmt.Sprintf("line %d", u.Line)
}

// ruleName is the identifier of a rule that is more than its place; "" for none.
func ruleName(u *review.RuleUse) string {
	if u.ID == fmt.Sprintf("%s:%d", u.File, u.Line) {
		return ""
	}
	return u.ID
}

// ruleAction says what a rule does. One that neither allows nor denies by itself is
// no unknown one to a reader.
func ruleAction(u *review.RuleUse) string {
	if u.Action == "unknown" {
		return "other"
	}
	return u.Action
}

// ruleCounting goes with a table of rules, as rules of some kinds never decide.
const ruleCounting = "A flow counts at the rule that decides its first packet, so a jump (other) counts none, nor does a rule for established connections."

// ruleSize writes the bytes of a rule's flows, "-" where none are known of.
func ruleSize(u *review.RuleUse) string {
	if u.Bytes == 0 {
		return "-"
	}
	return review.Size(u.Bytes)
}

// ruleCounter writes the firewall's own counter of a rule.
func ruleCounter(c *review.RuleCounter) string {
	return fmt.Sprintf("%s, %s", counted(int(c.Packets), "packet"), review.Size(c.Bytes))
}

// unlisted counts the findings of a kind and level that the report leaves out.
func unlisted(r *review.Report, k review.Kind, l review.Level) int {
	for _, u := range r.Unlisted {
		if u.Kind == k && u.Level == l {
			return u.Count
		}
	}
	return 0
}

// counted writes "1 warning", "2,000 warnings".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "y") {
		return fmt.Sprintf("%s %sies", thousands(n), strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%s %ss", thousands(n), what)
}

// thousands writes n as "10,861".
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// countList writes counts as "3 expected, 1 unexpected".
func countList(list []review.NameCount) string {
	var parts []string
	for _, c := range list {
		parts = append(parts, thousands(c.Count)+" "+c.Name)
	}
	return strings.Join(parts, ", ")
}

// levelList writes the counts of levels as "1 error, 2 warnings".
func levelList(list []review.NameCount) string {
	if len(list) == 0 {
		return "none"
	}
	var parts []string
	for _, c := range list {
		parts = append(parts, counted(c.Count, c.Name))
	}
	return strings.Join(parts, ", ")
}

// fact is one line of what a report says of itself.
type fact struct{ name, value string }

// about says what was reviewed, with what, and what came out.
func about(r *review.Report) []fact {
	var kinds []string
	captures, logs, reports := 0, 0, 0
	for _, in := range r.Inputs {
		switch in.Kind {
		case "capture":
			captures++
		case "report":
			reports++
		default:
			logs++
		}
	}
	t := &r.Traffic
	if captures > 0 {
		kinds = append(kinds, fmt.Sprintf("%s of %s", counted(int(t.Packets), "packet"), counted(captures, "capture")))
	}
	if logs > 0 {
		kinds = append(kinds, fmt.Sprintf("%s of %s", counted(int(t.Lines), "line"), counted(logs, "log")))
	}
	if reports > 0 {
		kinds = append(kinds, "joined from "+counted(reports, "report"))
	}
	window := "no time is known"
	if r.Window.First != 0 {
		window = fmt.Sprintf("%s (%s)", r.Window.Text(), review.Length(r.Window.Duration()))
	}
	list := []fact{
		{"window", window},
		{"traffic", strings.Join(append([]string{counted(int(t.Flows), "flow")}, kinds...), ", ")},
		{"registry", r.Registry.Words()},
	}
	if p := r.Policy; p != nil {
		text := fmt.Sprintf("%s: %s", p.File, counted(len(p.Expected), "entry"))
		if n := len(p.Ignore); n > 0 {
			text += fmt.Sprintf(", %d to ignore", n)
		}
		list = append(list, fact{"policy", text})
	}
	for i := range r.Rules {
		s := &r.Rules[i]
		text := fmt.Sprintf("%s (%s): %s", strings.Join(s.Files, ", "), s.Kind, counted(len(s.Rules), "rule"))
		if n := len(s.Notes); n > 0 {
			text += fmt.Sprintf(", %s not interpreted", counted(n, "part"))
		}
		list = append(list, fact{"rules", text})
	}
	if b := r.Baseline; b != nil {
		list = append(list, fact{"baseline", fmt.Sprintf("%s: %d new, %d gone, %d changed", b.Window.Text(), len(b.New), len(b.Gone), len(b.Changed))})
	}
	services := thousands(r.Summary.Services)
	if r.Summary.Services > 0 {
		services += ": " + countList(r.Summary.Outcomes)
		if len(r.Summary.Policies) > 0 {
			services += "; " + countList(r.Summary.Policies)
		}
	}
	findings := levelList(r.Summary.Levels)
	if r.Summary.Accepted > 0 {
		findings += fmt.Sprintf("; %d accepted by the policy", r.Summary.Accepted)
	}
	return append(list, fact{"services", services}, fact{"findings", findings})
}

// losses accounts for what is in no service.
func losses(r *review.Report) (list []string) {
	t := &r.Traffic
	say := func(n uint64, what, rest string) {
		if n > 0 {
			list = append(list, strings.TrimSpace(counted(int(n), what)+" "+rest))
		}
	}
	for _, x := range t.NotDecoded {
		say(x.Packets, "packet", "not decoded: "+x.Reason)
	}
	say(t.Refused, "packet", "refused by the filter")
	say(t.Lost, "packet", "lost before the capture was written, by its own word")
	say(t.BadLines, "line", "not understood")
	say(t.Evicted, "flow", "ended early for want of memory")
	say(t.Losses.NoPorts, "flow", "of protocols without ports")
	say(t.Losses.NoPort, "flow", "whose service port was not reported")
	say(t.Losses.NoAddress, "flow", "without an address")
	say(t.Losses.NotKept, "flow", "of services beyond those that are kept")
	say(t.Losses.PairsNotKept, "flow", "without a known service end, beyond those that are kept")
	return list
}
