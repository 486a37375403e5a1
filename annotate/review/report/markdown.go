package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/review"
)

// maxMarkdown bounds the rows of a table in Markdown, which is read in tickets
// and merge requests.
const maxMarkdown = 200

// writeReportMarkdown writes a report in GitHub Flavored Markdown.
func writeReportMarkdown(w io.Writer, r *review.Report, m Meta) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# %s\n\n> %s\n\n", markdown(m.title()), markdown(r.Warning))
	for _, f := range about(r) {
		fmt.Fprintf(b, "- **%s**: %s\n", f.name, markdown(f.value))
	}
	for _, s := range r.Remarks {
		fmt.Fprintf(b, "- **remark**: %s\n", markdown(s))
	}
	fmt.Fprintf(b, "\n## Findings\n\n")
	if len(r.Findings) == 0 {
		b.WriteString("None.\n")
	}
	n := 0 // of this kind and level
	for i := range r.Findings {
		f := &r.Findings[i]
		if n++; i == 0 || r.Findings[i-1].Kind != f.Kind || r.Findings[i-1].Level != f.Level {
			n = 1
			fmt.Fprintf(b, "### %s: %s\n\n", f.Level, markdown(f.Kind.Info().Title))
		}
		last := i+1 == len(r.Findings) || r.Findings[i+1].Kind != f.Kind || r.Findings[i+1].Level != f.Level
		all := 0 // of these, where some are left out
		if last {
			if all = n + unlisted(r, f.Kind, f.Level); all <= maxMarkdown {
				all = 0
			}
		}
		if n > maxMarkdown {
			ofThese(b, maxMarkdown, all)
			continue
		}
		name := ""
		if f.Name != "" {
			name = " " + markdown(f.Name) + "."
		}
		fmt.Fprintf(b, "- **%s**%s %s", code(f.Subject), name, markdown(f.Why))
		if f.File != "" {
			fmt.Fprintf(b, " (%s)", code(fmt.Sprintf("%s:%d", f.File, f.Line)))
		}
		b.WriteString("\n")
		for _, x := range f.Facts {
			fmt.Fprintf(b, "  - %s: %s\n", markdown(x.Name), markdown(x.Value))
		}
		switch {
		case all > 0:
			ofThese(b, n, all)
		case last:
			b.WriteString("\n")
		}
	}
	if len(r.Services) > 0 {
		services(b, r)
	}
	for i := range r.Rules {
		ruleTable(b, &r.Rules[i])
	}
	for i := range r.Rules {
		reasonTable(b, &r.Rules[i])
	}
	if list := losses(r); len(list) > 0 {
		b.WriteString("\n## Not in the services\n\n")
		for _, s := range list {
			fmt.Fprintf(b, "- %s\n", markdown(s))
		}
	}
	if list := provenance(r, &m); len(list) > 0 {
		b.WriteString("\n## How this report was made\n\n")
		for _, f := range list {
			text := markdown(f.value)
			if f.name == "command" {
				text = code(f.value)
			}
			fmt.Fprintf(b, "- **%s**: %s\n", markdown(f.name), text)
		}
	}
	fmt.Fprintf(b, "\n%s IANA registry %s.\n", markdown(r.Warning), markdown(r.Registry.Words()))
	return b.Flush()
}

// ofThese says how many findings of one kind and level are listed; all is 0 before
// their end.
func ofThese(b *bufio.Writer, listed, all int) {
	if all > 0 {
		fmt.Fprintf(b, "- %s of these %s are listed; -o csv-findings has all\n\n", thousands(listed), thousands(all))
	}
}

// ofAll says how many rows are listed, unless it is all.
func ofAll(b *bufio.Writer, listed, all int, what string) {
	if listed < all {
		fmt.Fprintf(b, "\n%s of %s are listed; -o json has all.\n", thousands(listed), counted(all, what))
	}
}

func services(b *bufio.Writer, r *review.Report) {
	b.WriteString("\n## Services\n\n| service | registered | clients | flows | size | first seen | last seen | outcome | policy | rules |\n|---|---|--:|--:|--:|---|---|---|---|---|\n")
	for i := range r.Services {
		s := &r.Services[i]
		size, verdict := "-", "-"
		if s.Uncounted < s.Flows {
			size = review.Size(s.Bytes)
		}
		if s.Rules != nil {
			verdict = s.Rules.Verdict
		}
		policy := s.Policy
		if policy == "" {
			policy = "-"
		}
		fmt.Fprintf(b, "| %s | %s %s | %s | %d | %s | %s | %s | %s | %s | %s |\n", code(s.ID), s.Registered.Status, markdown(serviceNames(s)),
			clientCount(&s.Clients), s.Flows, size, s.First.Moment(), s.Last.Moment(), markdown(s.Outcome), markdown(policy), markdown(verdict))
	}
	ofAll(b, len(r.Services), r.Summary.Services, "service")
}

func ruleTable(b *bufio.Writer, s *review.RuleSet) {
	fmt.Fprintf(b, "\n## Rules of %s (%s)\n\n| line | rule | action | flows decided | flows possible | services | size | last seen | text |\n|--:|---|---|--:|--:|--:|--:|---|---|\n", markdown(strings.Join(s.Files, ", ")), markdown(s.Kind))
	for i := range s.Rules[:min(len(s.Rules), maxMarkdown)] {
		u := &s.Rules[i]
		text := code(u.Text)
		if u.Comment != "" {
			text += " " + markdown(u.Comment)
		}
		if u.Partial != "" {
			text += markdown(" (not interpreted: " + u.Partial + ")")
		}
		if u.Assumes != "" {
			text += markdown(" (assumed: " + u.Assumes + ")")
		}
		if u.Counter != nil {
			text += " (the firewall's counter: " + ruleCounter(u.Counter) + ")"
		}
		last := "-"
		if u.Last != 0 {
			last = u.Last.Moment()
		}
		fmt.Fprintf(b, "| %d | %s | %s | %d | %d | %d | %s | %s | %s |\n", u.Line, code(u.ID), markdown(ruleAction(u)), u.Decided, u.Possible, u.Services, ruleSize(u), last, text)
	}
	ofAll(b, maxMarkdown, len(s.Rules), "rule")
	fmt.Fprintf(b, "\n%s\n", ruleCounting)
	if len(s.Notes) == 0 {
		return
	}
	b.WriteString("\nNot interpreted, and so neither allowed nor denied:\n\n")
	for _, n := range s.Notes[:min(len(s.Notes), maxMarkdown)] {
		fmt.Fprintf(b, "- %s %s: %s\n", code(fmt.Sprintf("%s:%d", n.File, n.Line)), markdown(n.Reason), code(n.Text))
	}
	ofAll(b, maxMarkdown, len(s.Notes), "part")
}

// markdown escapes what Markdown, or HTML in it, would take for its own.
var markdownEscapes = strings.NewReplacer(
	"\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"|", "\\|", "#", "\\#", "~", "\\~", "@", "&#64;")

func markdown(s string) string { return markdownEscapes.Replace(oneLine(s)) }

// oneLine gives text from outside on one line, and as it can be shown.
func oneLine(s string) string {
	return string(annotate.AppendVisible(nil, strings.NewReplacer("\n", " ", "\r", " ").Replace(s)))
}

// code writes s as a code span, also when it has backticks or bars.
func code(s string) string {
	s = strings.ReplaceAll(oneLine(s), "|", "\\|")
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + s + " " + fence
	}
	return fence + s + fence
}
