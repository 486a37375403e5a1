package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/review"
)

// What a page leaves out is counted, no kind is left out as a whole, and what is
// said of services does not depend on it.
func TestReportHTMLCut(t *testing.T) {
	c := manyServices()
	var ctx review.Context
	Bounds("html", &ctx)
	r := c.Report(ctx)
	var b strings.Builder
	if err := Write(&b, "html", r, Meta{}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	all := 0
	for _, k := range r.Summary.Kinds {
		all += k.Count
		kind, ok := "", false
		for _, info := range review.Kinds() {
			if info.Name == k.Name {
				kind, ok = info.Title, true
			}
		}
		if !ok || !strings.Contains(text, `<td role="cell">`+kind+`</td>`) {
			t.Errorf("no finding of kind %s (%s) is listed", k.Name, kind)
		}
	}
	if n := strings.Count(text, `<tr id="f`); n != maxPageFindings {
		t.Errorf("%d findings are listed, and there is room for %d", n, maxPageFindings)
	}
	// All about services are counted by port, and each kind has some of the ports.
	type kindOf struct {
		kind  review.Kind
		level review.Level
	}
	byPort, kinds := 0, map[kindOf]int{}
	_, table, _ := strings.Cut(text, "by kind and port")
	table, _, _ = strings.Cut(table, "</details>")
	for _, g := range r.Groups {
		byPort += g.Findings
		if strings.Contains(table, fmt.Sprintf("<td role=\"cell\">%s</td>\n<th scope=\"row\" role=\"rowheader\" data-sort=\"%d\"><span class=\"mono whole\">%d/%s</span></th>\n"+
			`<td role="cell" class="n" data-label="findings" data-sort="%d">`, g.Kind.Info().Title, g.Port, g.Port, g.Transport, g.Findings)) {
			kinds[kindOf{g.Kind, g.Level}]++
		} else {
			kinds[kindOf{g.Kind, g.Level}] += 0
		}
	}
	for k, n := range kinds {
		if n == 0 {
			t.Errorf("%v %v: no port is counted", k.level, k.kind)
		}
	}
	if byPort == 0 || byPort > all || !strings.Contains(text, fmt.Sprintf("%d of %s kinds and ports are listed", maxPageGroups, thousands(len(r.Groups)))) {
		t.Errorf("%d findings by port, of %d", byPort, all)
	}
	for _, want := range []string{
		fmt.Sprintf("2,000 of %s findings are listed", thousands(all)), fmt.Sprintf(`data-for="t-findings" data-all="%d"`, all),
		fmt.Sprintf("2,000 of %s services are listed", thousands(r.Summary.Services)), fmt.Sprintf(`data-for="t-services" data-all="%d"`, r.Summary.Services),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	named := 0
	for i := range r.Services {
		named += len(r.Services[i].Findings)
	}
	if n := len(regexp.MustCompile(`<(a href="#f\d+"|span) class="tag[^>]*>[a-z-]+</(a|span)>`).FindAllString(text[strings.Index(text, `<section id="services"`):], -1)); n != named {
		t.Errorf("beside services %d findings are named, of %d", n, named)
	}
}

// Bounds of lists are said with the number of all.
func TestReportTextCut(t *testing.T) {
	set := review.RuleSet{Kind: "nft", Files: []string{"r"}, Rules: make([]review.RuleUse, 1234)}
	r := &review.Report{
		Rules: []review.RuleSet{set}, Summary: review.Summary{Services: 12345}, Services: []review.Service{{ID: "10.0.0.1:1/tcp"}},
		Findings: []review.Finding{{Kind: review.NotAllowed, Level: review.Error, Subject: "x"}}, Unlisted: []review.Unlisted{{Kind: review.NotAllowed, Level: review.Error, Count: 4000}},
	}
	for name, wants := range map[string][]string{
		"text":     {"1 of 12,345", "200 of 1,234 are listed", "1 of these 4,001 are listed"},
		"markdown": {"1 of 12,345 services", "200 of 1,234 rules are listed", "1 of these 4,001 are listed"},
	} {
		var b strings.Builder
		if err := Write(&b, name, r, Meta{}); err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
	}
}

func TestReportOne(t *testing.T) {
	for flows, want := range map[uint64]string{1: "1 flow, ports", 2: "2 flows, ports"} {
		r := &review.Report{
			Unsided:  []review.Pair{{A: "10.0.0.1", B: "10.0.0.2", Transport: "udp", Flows: flows}},
			Scanners: []review.Scanner{{Address: "10.0.0.9", Targets: flows, Servers: 1, Ports: 1, Flows: flows}},
		}
		var b strings.Builder
		if err := Write(&b, "html", r, Meta{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) || !strings.Contains(b.String(), counted(int(flows), "service")+" in vain on 1 server and 1 port, 0 answered; "+counted(int(flows), "flow")+"<") {
			t.Errorf("of %d: not in words: %s", flows, b.String())
		}
	}
}
