package report

import (
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/review"
)

// Each form for people says of a rule what is known of it: its use over all services,
// what its verdicts assume, and what the firewall itself counted.
func TestRuleTables(t *testing.T) {
	last := review.Time(1789376400e9)
	r := &review.Report{
		Window: review.Window{First: last - 86400e9*3, Last: last},
		Rules: []review.RuleSet{{Kind: "iptables", Files: []string{"fw.rules"}, Rules: []review.RuleUse{
			{ID: "fw.rules:4", File: "fw.rules", Line: 4, Text: "-A FORWARD -j ACCEPT", Action: "allow", Comment: "web", Flows: 5, Decided: 3, Possible: 2,
				Services: 2, Bytes: 81_500, Last: last, Assumes: "rate not exceeded", Partial: "-m weird", Counter: &review.RuleCounter{Packets: 1, Bytes: 60}},
			{ID: "inet/filter/forward#7", File: "fw.rules", Line: 5, Text: "-A FORWARD -j DROP", Action: "deny", Flows: 1, Decided: 1, Services: 1, Last: last,
				Counter: &review.RuleCounter{Packets: 12, Bytes: 7200}},
		}}},
	}
	for _, name := range []string{"text", "markdown", "html"} {
		var b strings.Builder
		if err := Write(&b, name, r, Meta{}); err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(b.String(), "-A FORWARD -j ACCEPT")
		first, second, ok := strings.Cut(table, "-A FORWARD -j DROP")
		if !ok {
			t.Fatalf("%s: the rules are not there: %s", name, b.String())
		}
		if name != "html" { // what has columns stands before the rule
			before, _, _ := strings.Cut(b.String(), "-A FORWARD -j ACCEPT")
			first = before + first
		}
		strip := strings.NewReplacer("<span class=\"nowrap\">", "", "</span>", "", "&#39;", "'")
		for _, want := range []string{"web", "not interpreted: -m weird", "assumed: rate not exceeded", "1 packet, 60 B", "81.5 kB", last.Moment()} {
			if !strings.Contains(strip.Replace(first), want) {
				t.Errorf("%s: %q is not said of the first rule: %s", name, want, first)
			}
		}
		if want := "12 packets, 7.2 kB"; !strings.Contains(strip.Replace(second), want) {
			t.Errorf("%s: %q is not said of the second rule: %s", name, want, second)
		}
		if !strings.Contains(b.String(), "inet/filter/forward#7") && !strings.Contains(b.String(), `inet/filter/forward\#7`) {
			t.Errorf("%s: the second rule has no name", name)
		}
		if strings.Contains(second, "0 B") {
			t.Errorf("%s: bytes that are not known are called 0", name)
		}
	}
}
