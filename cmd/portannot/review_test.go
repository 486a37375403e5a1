package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/portannot/portannot/annotate/flowlog"
	"github.com/portannot/portannot/annotate/iana"
	"github.com/portannot/portannot/annotate/review"
	"github.com/portannot/portannot/cmd/portannot/help"
)

// reviewIn runs the program in the repository's testdata folder.
func reviewIn(t *testing.T, want int, args ...string) (stdout, stderr []byte) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(context.Background(), append([]string{"review"}, args...), strings.NewReader(""), &out, &errs); code != want {
		t.Fatalf("portannot review %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, errs.Bytes())
	}
	return out.Bytes(), errs.Bytes()
}

// scenario is the review of the capture that has one of each finding.
var scenario = []string{"-r", "captures/review.pcap", "--policy", "review/policy.yaml", "--rules", "review/ruleset.json"}

// scenarioFindings are all that the scenario has: testdata/gen/review.go says
// where each comes from.
var scenarioFindings = []string{
	"error not-allowed 10.40.1.60:3389/tcp",
	"warning not-in-policy 10.40.1.33:3306/tcp",
	"warning not-in-policy 10.40.1.80:8080/tcp",
	"warning expired-exception 10.40.1.70:21/tcp",
	"warning service-moved 10.40.1.81:8091/tcp",
	"warning scan 198.51.100.66",
	"warning observed-contradicts 10.40.1.25:993/tcp",
	"note not-allowed 10.40.1.60:5985/tcp",
	"note not-in-policy 10.40.1.60:5985/tcp",
	"note allowed-never-seen vnc consoles",
	"note allowed-never-seen marked elsewhere",
	"note broad-range web applications",
	"note expected-never-seen backups",
	"note port-deassigned 10.40.1.61:2/tcp",
	"note port-reserved 10.40.1.62:1023/tcp",
	"note port-unassigned 10.40.1.63:4/tcp",
	"note port-dynamic 10.40.1.64:50051/tcp",
	"note port-other-transport 10.40.1.65:38412/tcp",
	"note unauthorized-use 10.40.1.66:5555/tcp",
	"note registered-later 10.40.1.67:11434/tcp",
	"note comment-contradicts ssh jump host",
	"note unknown-side 10.40.0.11 - 198.51.100.9/udp",
}

// sinceBefore are those that the comparison with the week before adds.
var sinceBefore = []string{
	"warning new-service 10.40.1.80:8080/tcp",
	"note changed-service 10.40.1.23:2222/tcp",
	"note changed-service 10.40.1.25:993/tcp",
	"note changed-service 10.40.1.26:25/tcp",
	"note changed-service 10.40.1.33:3306/tcp",
	"note changed-service 10.40.1.36:5432/tcp",
	"note changed-service 10.40.1.60:3389/tcp",
	"note changed-service 10.40.1.70:21/tcp",
	"note gone-service 10.40.1.91:23/tcp",
}

func readReport(t *testing.T, b []byte) *review.Report {
	t.Helper()
	r, err := review.ReadReport(bytes.NewReader(b), "report")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// findingsOf lists findings as scenarioFindings does; rules go by their
// comments.
func findingsOf(r *review.Report) (list []string) {
	for _, f := range r.Findings {
		subject := f.Subject
		if f.Service == "" && f.Name != "" {
			subject = f.Name
		}
		list = append(list, fmt.Sprintf("%v %v %s", f.Level, f.Kind, subject))
	}
	return list
}

func sameLists(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("%s: found, and not expected: %s", what, g)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s: not found: %s", what, w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d findings, want %d", what, len(got), len(want))
	}
}

// TestReviewFindsEveryKind: every kind of finding, and no other than is there.
func TestReviewFindsEveryKind(t *testing.T) {
	t.Chdir(filepath.Join(repoRoot(t), "testdata"))
	out, _ := reviewIn(t, 0, append(scenario, "-q", "-o", "json")...)
	r := readReport(t, out)
	sameLists(t, "scenario", findingsOf(r), scenarioFindings)
	if n := len(r.Services); n != 28 {
		t.Errorf("%d services, want 28", n)
	}

	before, _ := reviewIn(t, 0, "-r", "captures/review-before.pcap", "-q", "-o", "json")
	file := filepath.Join(t.TempDir(), "before.json")
	if err := os.WriteFile(file, before, 0o666); err != nil {
		t.Fatal(err)
	}
	out, _ = reviewIn(t, 0, append(scenario, "-q", "-o", "json", "--baseline", file)...)
	compared := readReport(t, out)
	sameLists(t, "with the week before", findingsOf(compared), append(slices.Clone(scenarioFindings), sinceBefore...))
	have := map[review.Kind]bool{review.ObservedContradicts: true} // which needs recognisers: TestObservedContradicts
	for _, f := range compared.Findings {
		have[f.Kind] = true
	}
	// The company's rules are in order; TestRuleFindings and the transcripts have
	// what may be wrong with rules alone.
	for _, k := range []review.Kind{review.NewlyAllowed, review.NewlyDenied, review.ExposedByRules, review.ExposedService, review.RuleShadowed, review.RuleRedundant, review.RuleDated} {
		have[k] = true
	}
	for _, k := range review.Kinds() {
		if !have[k.Kind] {
			t.Errorf("the scenario has no %s", k.Name)
		}
	}
}

// TestReviewGolden compares the scenario's report in each format with what is
// committed; UPDATE_SCRIPTS=1 writes it anew.
func TestReviewGolden(t *testing.T) {
	t.Chdir(filepath.Join(repoRoot(t), "testdata"))
	t.Setenv("SOURCE_DATE_EPOCH", "1789376400")
	for format, name := range map[string]string{
		"text": "report.txt", "json": "report.json", "csv": "report.csv", "csv-findings": "findings.csv", "csv-rules": "rules.csv", "html": "report.html", "sarif": "report.sarif", "markdown": "report.md",
	} {
		got, _ := reviewIn(t, 0, append(scenario, "-q", "-o", format)...)
		path := filepath.Join("review", name)
		if os.Getenv("UPDATE_SCRIPTS") != "" {
			if err := os.WriteFile(path, got, 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("-o %s differs from testdata/%s; if that is meant, UPDATE_SCRIPTS=1%s", format, path, firstDifference(got, want))
		}
	}
}

// TestReviewCaveat: the registry's warning heads every report, and every
// format says which edition it rests on.
func TestReviewCaveat(t *testing.T) {
	t.Chdir(filepath.Join(repoRoot(t), "testdata"))
	for _, format := range []string{"text", "json", "csv", "csv-findings", "csv-rules", "html", "sarif", "markdown"} {
		for _, capture := range []string{"captures/review.pcap", "captures/link-unknown.pcap"} {
			out, _ := reviewIn(t, 0, "-r", capture, "-q", "-o", format)
			said := bytes.Index(out, []byte(iana.Warning))
			if strings.HasPrefix(format, "csv") {
				said = bytes.Index(out, []byte("caveat"))
			}
			if said < 0 {
				t.Errorf("%s, %s: no warning", capture, format)
			}
			if found := bytes.Index(out, []byte("unauthorized-use:")); found >= 0 && said > found {
				t.Errorf("%s, %s: the warning comes after findings", capture, format)
			}
			if !bytes.Contains(out, []byte(iana.Embedded().Edition().Date)) && !strings.HasPrefix(format, "csv") {
				t.Errorf("%s, %s: no edition", capture, format)
			}
		}
	}
}

// sarifModule holds the schema that OASIS publishes, which is not ours to copy.
const sarifModule = "github.com/owenrumney/go-sarif/v3@v3.3.1"

// sarifSchema gives the schema of SARIF 2.1.0, from the module cache or the
// proxy.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command: the schema cannot be had")
	}
	out, err := exec.Command(goTool, "mod", "download", "-json", sarifModule).Output()
	var module struct{ Dir string }
	if err != nil || json.Unmarshal(out, &module) != nil {
		t.Skipf("%s cannot be had: %v", sarifModule, err)
	}
	source, err := os.ReadFile(filepath.Join(module.Dir, "pkg", "report", "v210", "sarif", "schema.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(source), "`")
	text = text[:strings.LastIndex(text, "`")]
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	const id = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestReviewSARIF validates the report against the published schema.
func TestReviewSARIF(t *testing.T) {
	long(t)
	schema := sarifSchema(t)
	t.Chdir(filepath.Join(repoRoot(t), "testdata"))
	for _, args := range [][]string{scenario, {"-r", "captures/link-unknown.pcap"}, {"flowlogs/zeek/conn.log"}} {
		out, _ := reviewIn(t, 0, append(slices.Clone(args), "-q", "-o", "sarif")...)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%v: %v", args, err)
		}
		// The check checks: a level that there is not is found.
		wrong, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.Replace(out, []byte(`"level": "note"`), []byte(`"level": "remark"`), 1)))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(wrong) == nil {
			t.Errorf("%v: the schema has nothing against a level that there is not", args)
		}
	}
}

// TestReviewRealRuleset loads the scenario's rules into a kernel, in a network
// namespace of its own, and reviews with what nft prints of them.
func TestReviewRealRuleset(t *testing.T) {
	for _, tool := range []string{"nft", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here", tool)
		}
	}
	t.Chdir(filepath.Join(repoRoot(t), "testdata"))
	out, err := exec.Command("unshare", "--net", "sh", "-c", "nft -f review/ruleset.nft && nft -j list ruleset").Output()
	if err != nil {
		t.Skipf("no ruleset can be loaded here: %v", err)
	}
	file := filepath.Join(t.TempDir(), "ruleset.json")
	if err := os.WriteFile(file, out, 0o666); err != nil {
		t.Fatal(err)
	}
	got, _ := reviewIn(t, 0, "-r", "captures/review.pcap", "--policy", "review/policy.yaml", "--rules", file, "-q", "-o", "json")
	sameLists(t, "with the kernel's ruleset", findingsOf(readReport(t, got)), scenarioFindings)
}

// TestReviewLearnedPolicy: with a policy that was learned from traffic, the
// same traffic has no findings but about what did not work. All captures and all
// samples of logs have to agree.
func TestReviewLearnedPolicy(t *testing.T) {
	t.Chdir(filepath.Join(repoRoot(t), "testdata"))
	var inputs [][]string
	captures, err := filepath.Glob("captures/*.pcap*")
	if err != nil || len(captures) < 30 {
		t.Fatalf("%d captures, %v", len(captures), err)
	}
	for _, c := range captures {
		inputs = append(inputs, []string{"-r", c})
	}
	for _, format := range flowlog.Formats() {
		logs, err := filepath.Glob("flowlogs/" + format.Name + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range logs {
			if !strings.HasSuffix(l, ".golden") && !strings.HasSuffix(l, ".options") && !strings.Contains(l, "/bad") {
				inputs = append(inputs, []string{l})
			}
		}
	}
	file := filepath.Join(t.TempDir(), "policy.yaml")
	services := 0
	for _, in := range inputs {
		os.Remove(file)
		var out, errs bytes.Buffer
		args := append([]string{"review", "-q", "-o", "json"}, in...)
		if run(context.Background(), append(args, "--write-policy", file), strings.NewReader(""), &out, &errs) != 0 {
			continue // logs that need options, and captures that are damaged
		}
		services += len(readReport(t, out.Bytes()).Services)
		got, _ := reviewIn(t, 0, append([]string{"-q", "-o", "json", "--policy", file}, in...)...)
		r := readReport(t, got)
		vain := map[string]bool{} // services of which nothing worked, or that few packets went to
		for _, s := range r.Services {
			vain[s.ID] = s.Outcome != "answered" && (s.Outcome != "seen" || s.Flows == uint64(oneWay(s.States)))
		}
		for _, f := range r.Findings {
			if f.Kind != review.Scan && !vain[f.Service] && !(f.Kind == review.NotInPolicy && f.Level == review.Note) && f.Kind != review.UnknownSide {
				t.Errorf("%v: %v %s", in, f.Level, f.ID)
			}
		}
	}
	if services < 200 {
		t.Errorf("only %d services were learned", services)
	}
}

// oneWay counts the flows that went one way.
func oneWay(states []review.NameCount) int {
	for _, c := range states {
		if c.Name == "one-way" {
			return c.Count
		}
	}
	return 0
}

// TestReviewEvidence: -w writes the packets of the findings and no others, so
// that a review of them has the same findings about services.
func TestReviewEvidence(t *testing.T) {
	t.Chdir(filepath.Join(repoRoot(t), "testdata"))
	file := filepath.Join(t.TempDir(), "evidence.pcapng")
	out, _ := reviewIn(t, 0, append(scenario, "-q", "-o", "json", "-w", file)...)
	all := readReport(t, out)
	out, _ = reviewIn(t, 0, "-r", file, "--policy", "review/policy.yaml", "--rules", "review/ruleset.json", "-q", "-o", "json")
	part := readReport(t, out)
	about := func(r *review.Report) (list []string) {
		for _, f := range r.Findings {
			if f.Service != "" || f.Kind == review.Scan || f.Kind == review.UnknownSide {
				list = append(list, fmt.Sprintf("%v %s", f.Level, f.ID))
			}
		}
		return list
	}
	sameLists(t, "evidence", about(part), about(all))
	for _, s := range part.Services {
		if len(s.Findings) == 0 {
			t.Errorf("packets of %s, about which there is no finding", s.ID)
		}
	}
}

// TestPolicyHelp: the policy that the topic shows is one.
func TestPolicyHelp(t *testing.T) {
	topic, _ := help.Find("policy")
	p, err := review.ReadPolicy(strings.NewReader(topic.Code("yaml")), "help", iana.Embedded())
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Expected) != 3 || len(p.Ignore) != 1 {
		t.Errorf("%d and %d entries", len(p.Expected), len(p.Ignore))
	}
}

// TestReviewBrowser opens the report in Chromium: see testdata/browser.
func TestReviewBrowser(t *testing.T) {
	long(t)
	dir := filepath.Join(repoRoot(t), "testdata", "browser")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node here")
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "playwright-core")); err != nil {
		t.Skip("run npm ci in testdata/browser")
	}
	browser := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if browser == "" {
			browser, _ = exec.LookPath(name)
		}
	}
	if browser == "" {
		t.Skip("no Chromium here")
	}
	t.Chdir(filepath.Join(repoRoot(t), "testdata"))
	for name, args := range map[string][]string{"scenario": scenario, "empty": {"-r", "captures/link-unknown.pcap"}, "log": {"flowlogs/zeek/conn.log"}} {
		t.Run(name, func(t *testing.T) {
			out, _ := reviewIn(t, 0, append(slices.Clone(args), "-q", "-o", "html")...)
			file := filepath.Join(t.TempDir(), "report.html")
			if err := os.WriteFile(file, out, 0o666); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(node, filepath.Join(dir, "check.mjs"), file)
			cmd.Env = append(os.Environ(), "CHROMIUM="+browser)
			if b, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, b)
			}
		})
	}
}

// The command line that a report gives is one that a shell splits as it was.
func TestReviewCommandLine(t *testing.T) {
	args := []string{"review", "-r", "my capture.pcap", "--filter", "port 53 and  not host 10.0.0.1", "--title", "it's $HOME", "", "a=b,c:d"}
	line := commandLine(args)
	if want := `portannot review -r 'my capture.pcap' --filter 'port 53 and  not host 10.0.0.1' --title 'it'\''s $HOME' '' a=b,c:d`; line != want {
		t.Errorf("got %s, want %s", line, want)
	}
	t.Chdir(filepath.Join(repoRoot(t), "testdata"))
	for _, format := range []string{"json", "csv", "csv-findings", "csv-rules", "sarif"} {
		reviewIn(t, 2, "-r", "captures/demo.pcap", "-o", format, "--title", "x")
	}
	out, _ := reviewIn(t, 0, "-r", "captures/demo.pcap", "-q", "--title", "it's", "--author", "me")
	if !bytes.Contains(out, []byte(`portannot review -r captures/demo.pcap -q --title 'it'\''s' --author me`)) {
		t.Errorf("the command line is not there: %s", out)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	reviewIn(t, 1, "-r", "captures/demo.pcap")
}
