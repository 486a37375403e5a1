package report

import (
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/review"
)

// On a terminal of 80 columns no line is longer, and nothing is left out.
func TestReportWidth(t *testing.T) {
	const words = "words that are many and that tell of what was seen in the traffic and in the rules, so that they do not fit on one line of any terminal"
	r := &review.Report{
		Warning: "A registered port says nothing of what the traffic really is (IANA).",
		Summary: review.Summary{Services: 1},
		Findings: []review.Finding{{Kind: review.NotInPolicy, Level: review.Warning, Subject: "10.0.0.1:443/tcp", Why: words,
			Facts: []review.Fact{{Name: "clients", Value: words}}}},
		Services: []review.Service{{ID: "10.0.0.1:443/tcp", Outcome: "answered", Policy: "unexpected", Flows: 1234567, Rules: &review.Ruled{Verdict: "allow"}, Local: words}},
		Policy:   &review.PolicyRef{},
		Rules: []review.RuleSet{{Kind: "nft", Files: []string{"fw"}, Rules: []review.RuleUse{{ID: "inet filter forward handle 7", File: "fw", Line: 4, Text: words, Action: "allow"}},
			Reasons: []review.RuleReasons{{Rule: "inet filter forward handle 7", File: "fw", Line: 4, Allows: []string{words}, Missing: []string{words}}}}},
	}
	for _, width := range []int{0, 80, 60} {
		var b strings.Builder
		if err := Write(&b, "text", r, Meta{Width: width}); err != nil {
			t.Fatal(err)
		}
		joined := strings.Join(strings.Fields(b.String()), " ")
		if n := strings.Count(joined, words); n != 6 {
			t.Errorf("width %d: the words are there %d times: %s", width, n, b.String())
		}
		for _, want := range []string{"1234567", "10.0.0.1:443/tcp", "unexpected", "handle 7"} {
			if !strings.Contains(strings.ReplaceAll(joined, ",", ""), want) {
				t.Errorf("width %d: no %s", width, want)
			}
		}
		for line := range strings.Lines(b.String()) {
			if n := len(strings.TrimSuffix(line, "\n")); width > 0 && n > max(width, 63) {
				t.Errorf("width %d: %d columns: %s", width, n, line)
			}
		}
	}
}
