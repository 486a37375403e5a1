package report

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/portannot/portannot/annotate/review"
)

// What the table of business reasons is for. The requirements are told in our own
// words; the standard's are those that count.
const (
	reasonsTitle = "Business reasons of the rules"
	reasonsLead  = "PCI DSS v4.0.1 asks for a list of all services, protocols and ports that are allowed, each approved and with a business need (1.2.5), " +
		"and for a review at least every six months of whether each rule still has one and does what it should (1.2.7). " +
		"This table serves both: the rules that allow something, what the policy says of it, and what is missing. It does not say that a requirement is met."
)

// reasonCounts says how many rules of a set are in order.
func reasonCounts(s *review.RuleSet) string {
	missing, free := 0, 0
	for i := range s.Reasons {
		switch x := &s.Reasons[i]; {
		case len(x.Missing) > 0:
			missing++
		case x.Note != "":
			free++
		}
	}
	n := len(s.Reasons)
	text := fmt.Sprintf("%s allow something", counted(n, "rule"))
	if n == 1 {
		text = "1 rule allows something"
	}
	if free > 0 {
		text += fmt.Sprintf("; %s no reason", oneOrMore(free, "1 needs", thousands(free)+" need"))
	}
	if missing == 0 {
		return text + "; nothing is missing."
	}
	return text + fmt.Sprintf("; of %s something is missing.", thousands(missing))
}

func oneOrMore(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// reasonText says what an entry of the policy says of itself.
func reasonText(x *review.RuleReason) string {
	var parts []string
	for _, f := range []fact{{"reason", x.Reason}, {"owner", x.Owner}, {"ticket", x.Ticket}} {
		if f.value != "" {
			parts = append(parts, f.name+": "+f.value)
		}
	}
	switch {
	case x.Expired:
		parts = append(parts, "ended on "+x.Expires)
	case x.Expires != "":
		parts = append(parts, "until "+x.Expires)
	}
	return strings.Join(parts, "; ")
}

// wantedText says what of a rule's use the policy expects.
func wantedText(x *review.RuleReasons, u *review.RuleUse) string {
	if u == nil {
		return "not counted"
	}
	if u.Decided+u.Possible == 0 {
		return "none seen"
	}
	text := fmt.Sprintf("%s decided", counted(int(u.Decided), "flow"))
	if x.Expected+x.NotExpected > 0 {
		text += fmt.Sprintf(", %s expected", thousands(int(x.Expected)))
	}
	if u.Possible > 0 {
		text += fmt.Sprintf(", %s possible", thousands(int(u.Possible)))
	}
	if u.Last != 0 {
		text += ", last " + u.Last.Moment()
	}
	return text
}

// usesOf finds the use of rules by their places.
func usesOf(s *review.RuleSet) func(x *review.RuleReasons) *review.RuleUse {
	type place struct {
		id, file string
		line     int
	}
	uses := make(map[place]*review.RuleUse, len(s.Rules))
	for i := range s.Rules {
		u := &s.Rules[i]
		uses[place{u.ID, u.File, u.Line}] = u
	}
	return func(x *review.RuleReasons) *review.RuleUse { return uses[place{x.Rule, x.File, x.Line}] }
}

// reasons writes the business reasons of rules.
func (t *reportText) reasons() {
	for i := range t.r.Rules {
		s := &t.r.Rules[i]
		if s.Reasons == nil {
			continue
		}
		t.heading("BUSINESS REASONS of %s (PCI DSS v4.0.1, 1.2.5 and 1.2.7)", strings.Join(s.Files, ", "))
		t.line(2, reasonsLead)
		t.WriteByte('\n')
		t.line(2, reasonCounts(s))
		use := usesOf(s)
		for j := range s.Reasons[:min(len(s.Reasons), maxTextLines)] {
			x := &s.Reasons[j]
			u := use(x)
			name := x.Rule
			if u != nil && u.Comment != "" {
				name += "  " + u.Comment
			}
			t.WriteByte('\n')
			t.bold(2, name)
			if x.Note != "" {
				t.fact(6, "note", x.Note)
			}
			if len(x.Allows) > 0 {
				t.fact(6, "allows", someOf(x.Allows, maxShown))
			}
			for k := range x.Entries[:min(len(x.Entries), maxShown)] {
				e := &x.Entries[k]
				text := e.Label
				if more := reasonText(e); more != "" {
					text += " (" + more + ")"
				}
				t.fact(6, "entry", text)
			}
			if n := len(x.Entries) - maxShown; n > 0 {
				t.fact(6, "entries", fmt.Sprintf("%s more", thousands(n)))
			}
			t.fact(6, "use", wantedText(x, u))
			for _, m := range x.Missing {
				t.fact(6, "missing", m)
			}
		}
		t.more(len(s.Reasons))
	}
}

// maxShown is how many of what a rule allows, and of the entries about it, text and
// Markdown name.
const maxShown = 8

// someOf joins a list, and says how many more there are.
func someOf(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, "; ")
	}
	return fmt.Sprintf("%s and %s more", strings.Join(list[:most], "; "), thousands(len(list)-most))
}

// reasonTable writes the business reasons of rules as a table.
func reasonTable(b *bufio.Writer, s *review.RuleSet) {
	if s.Reasons == nil {
		return
	}
	fmt.Fprintf(b, "\n## %s: %s\n\n%s\n\n%s\n\n| rule | allows | policy | use | missing |\n|---|---|---|---|---|\n",
		reasonsTitle, markdown(strings.Join(s.Files, ", ")), markdown(reasonsLead), reasonCounts(s))
	use := usesOf(s)
	for i := range s.Reasons[:min(len(s.Reasons), maxMarkdown)] {
		x := &s.Reasons[i]
		u := use(x)
		rule, allows := code(x.Rule), markdown(someOf(x.Allows, maxShown))
		if u != nil && u.Comment != "" {
			rule += " " + markdown(u.Comment)
		}
		if x.Note != "" {
			allows = markdown(x.Note)
		}
		var entries, missing []string
		for j := range x.Entries[:min(len(x.Entries), maxShown)] {
			e := &x.Entries[j]
			text := "**" + markdown(e.Label) + "**"
			if more := reasonText(e); more != "" {
				text += ": " + markdown(more)
			}
			entries = append(entries, text)
		}
		if n := len(x.Entries) - maxShown; n > 0 {
			entries = append(entries, thousands(n)+" more")
		}
		for _, m := range x.Missing {
			missing = append(missing, markdown(m))
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", rule, allows, strings.Join(entries, "<br>"), wantedText(x, u), strings.Join(missing, "<br>"))
	}
	ofAll(b, maxMarkdown, len(s.Reasons), "rule")
}

// pageReasons are the business reasons of a set of rules, for the page.
type (
	pageReasons struct {
		Title, Counts, Left string
		Rows                []pageReasonRow
	}
	pageReasonRow struct {
		*review.RuleReasons
		Number               int
		Place, Name, Comment string
		Use                  string
		Flows                uint64
		Entries              []pageReason
		Findings             []pageLink
	}
	pageReason struct{ Label, Text string }
)

func (d *pageData) reasons(links map[string]pageLink) {
	d.ReasonsTitle, d.ReasonsLead = reasonsTitle, reasonsLead
	for i := range d.R.Rules {
		set := &d.R.Rules[i]
		if set.Reasons == nil {
			continue
		}
		s := pageReasons{Title: fmt.Sprintf("%s (%s)", strings.Join(set.Files, ", "), set.Kind), Counts: reasonCounts(set)}
		use := usesOf(set)
		for j := range set.Reasons[:min(len(set.Reasons), maxPageRules)] {
			x := &set.Reasons[j]
			u := use(x)
			row := pageReasonRow{RuleReasons: x, Number: j + 1, Place: x.Rule, Use: wantedText(x, u), Findings: linksOf(links, x.Findings)}
			if u != nil {
				row.Place, row.Name, row.Comment, row.Flows = rulePlace(set, u), ruleName(u), u.Comment, u.Flows
			}
			for k := range x.Entries {
				row.Entries = append(row.Entries, pageReason{x.Entries[k].Label, reasonText(&x.Entries[k])})
			}
			s.Rows = append(s.Rows, row)
		}
		if n := len(set.Reasons); n > maxPageRules {
			s.Left = fmt.Sprintf("%s of %s are listed; -o json has all.", thousands(maxPageRules), counted(n, "rule"))
		}
		d.Reasons = append(d.Reasons, s)
	}
}
