package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/annotate"
	"github.com/portannot/portannot/annotate/observe"
	"github.com/portannot/portannot/annotate/practice"
	"github.com/portannot/portannot/annotate/record"
	"github.com/portannot/portannot/annotate/review"
	"github.com/portannot/portannot/capture/decode"
	"github.com/portannot/portannot/capture/flow"
	"github.com/portannot/portannot/capture/packet"
	"github.com/portannot/portannot/cmd/portannot/help"
	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// docFiles are the README and the topics of help.
func docFiles(t *testing.T) []string {
	t.Helper()
	files := []string{filepath.Join(repoRoot(t), "README.md")}
	for _, name := range help.Names() {
		files = append(files, filepath.Join(repoRoot(t), "cmd", "portannot", "help", name+".md"))
	}
	return files
}

// madeLists are the lists in topics that are made from the program's own tables.
var madeLists = map[string]func() string{
	"fields": func() string { return string(record.AppendTable(nil)) },
	"formats": func() string {
		var b strings.Builder
		b.WriteString("| format | log | reads | adds |\n|---|---|---|---|\n")
		for _, f := range append(logFormats(), kafkaFormats()...) {
			cell := strings.NewReplacer("|", `\|`, "\n", " ").Replace
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, cell(f.About), cell(f.Reads), cell(f.Adds))
		}
		return b.String()
	},
	"findings": func() string {
		var b strings.Builder
		b.WriteString("| finding | level | says |\n|---|---|---|\n")
		for _, k := range review.Kinds() {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.Name, k.Level, k.About)
		}
		return b.String()
	},
	"accept": func() string {
		var names []string
		for _, k := range review.Kinds() {
			if k.Accept {
				names = append(names, "`"+k.Name+"`")
			}
		}
		return sentence(names)
	},
	"practice": func() string {
		var b strings.Builder
		b.WriteString("| port | software | use | document |\n|---|---|---|---|\n")
		for e := range practice.All() {
			fmt.Fprintf(&b, "| %s/%s | %s | %s | %s |\n", e.Ports, e.Transport, e.Software, e.Use, e.Document.Title)
		}
		return b.String()
	},
	"protocols": func() string {
		names := observe.ProtocolNames()
		slices.Sort(names)
		return sentence(names)
	},
	"tunnels": func() string {
		var names []string
		for t := packet.NoTunnel + 1; !strings.Contains(t.String(), "("); t++ {
			names = append(names, "`"+t.String()+"`")
		}
		return sentence(names)
	},
}

// sentence lists names, in lines that can be read.
func sentence(names []string) string {
	var b strings.Builder
	at := 0
	for i, name := range names {
		if name += ","; i == len(names)-1 {
			name = strings.TrimSuffix(name, ",") + "."
		}
		if at > 0 && at+1+len(name) > 90 {
			b.WriteByte('\n')
			at = 0
		} else if at > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(name)
		at += 1 + len(name)
	}
	return b.String() + "\n"
}

var madeList = regexp.MustCompile(`(?s)<!-- from the program: (\w+) -->\n(.*?)<!-- end -->`)

// TestTopicLists: the lists of the topics are those of the program. With
// UPDATE_GOLDEN=1 they are written anew.
func TestTopicLists(t *testing.T) {
	made := 0
	for _, file := range docFiles(t) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		changed := madeList.ReplaceAllStringFunc(string(b), func(part string) string {
			m := madeList.FindStringSubmatch(part)
			made++
			list, ok := madeLists[m[1]]
			if !ok {
				t.Errorf("%s: no list %q", filepath.Base(file), m[1])
				return part
			}
			return "<!-- from the program: " + m[1] + " -->\n" + list() + "<!-- end -->"
		})
		switch {
		case changed == string(b):
		case os.Getenv("UPDATE_GOLDEN") != "":
			if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s: a list is not that of the program: run the test with UPDATE_GOLDEN=1", filepath.Base(file))
		}
	}
	if made != len(madeLists) {
		t.Errorf("%d lists, want %d", made, len(madeLists))
	}
}

// TestTopicTables: the first columns of tables that people wrote name what the
// program knows, all of it and nothing else.
func TestTopicTables(t *testing.T) {
	// names gives the names of values that are numbered, up to the first that has
	// none.
	names := func(first int, name func(int) string) []string {
		var all []string
		for i := first; !strings.Contains(name(i), "("); i++ {
			all = append(all, name(i))
		}
		return all
	}
	for _, c := range []struct {
		topic, column string
		want          []string
	}{
		{"states", "state", names(1, func(i int) string { return flow.State(i).String() })},
		{"states", "end", names(1, func(i int) string { return flow.EndReason(i).String() })},
		{"sides", "reason", names(0, func(i int) string { return annotate.Reason(i).String() })},
		{"payload", "verdict", observe.VerdictNames()},
		{"registry", "status", statusNames},
		{"engines", "format", exportFormatNames()[3:]}, // behind csv, json and services
		{"captures", "reason", names(1, func(i int) string { return decode.Result(i).String() })},
		{"exit", "status", []string{fmt.Sprint(exitDone), fmt.Sprint(exitFailure), fmt.Sprint(exitUsage), fmt.Sprint(exitFindings)}},
	} {
		got := firstColumn(t, c.topic, c.column)
		slices.Sort(got)
		want := slices.Clone(c.want)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s.md, table of %q: %q, the program has %q", c.topic, c.column, got, want)
		}
	}
}

// firstColumn gives the first cells of the topic's table whose first column has
// a name.
func firstColumn(t *testing.T, topic, column string) []string {
	t.Helper()
	var cells []string
	for _, row := range table(t, topic, column) {
		cells = append(cells, strings.Trim(row[0], "`"))
	}
	return cells
}

func table(t *testing.T, topic, column string) [][]string {
	t.Helper()
	found, ok := help.Find(topic)
	if !ok {
		t.Fatalf("no topic %s", topic)
	}
	blocks, err := help.Parse(found.Markdown)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for _, b := range blocks {
		if b.Kind == help.Table && b.Rows[0][0] == column {
			rows = append(rows, b.Rows[1:]...)
		}
	}
	if rows == nil {
		t.Fatalf("%s.md has no table of %q", topic, column)
	}
	return rows
}

// flagInDocs matches a flag of portannot that stands in code.
var flagInDocs = regexp.MustCompile("`--([a-z][a-z-]+)")

// TestDocsFlags: README and topics name no flag of portannot that there is not,
// and commands that no test can run have flags and values that can be parsed.
func TestDocsFlags(t *testing.T) {
	flags := map[string]bool{"help": true}
	for _, c := range testProgram().All() {
		for _, f := range c.Flags() {
			flags[f.Long] = true
		}
	}
	named, parsed := 0, 0
	for _, file := range docFiles(t) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range flagInDocs.FindAllSubmatch(b, -1) {
			named++
			if !flags[string(m[1])] {
				t.Errorf("%s names --%s, which is no flag", filepath.Base(file), m[1])
			}
		}
		var lines []string
		for _, m := range shellBlock.FindAllSubmatch(b, -1) {
			lines = append(lines, string(m[1]))
		}
		for _, m := range callInText.FindAllSubmatch(b, -1) {
			lines = append(lines, strings.ReplaceAll(string(m[1]), "\n", " "))
		}
		for _, line := range lines {
			for _, words := range programCalls(line) {
				parsed++
				c, rest := testProgram().Find(words)
				if _, err := c.Parse(rest); err != nil && err != pflag.ErrHelp {
					t.Errorf("%s: portannot %s: %v", filepath.Base(file), strings.Join(words, " "), err)
				}
			}
		}
	}
	if named < 40 || parsed < 60 {
		t.Errorf("%d flags named, %d commands parsed: are they written otherwise now?", named, parsed)
	}
}

// shellBlock matches a block of commands that tests do not run.
var shellBlock = regexp.MustCompile("(?ms)^```(?:sh|console)\n(.*?)^```$")

// callInText matches a command that stands in a sentence or a table.
var callInText = regexp.MustCompile("`((?:sudo )?portannot -?[a-z][^`]*)`")

// programCalls gives the words of each call of portannot in lines of a shell.
func programCalls(lines string) [][]string {
	var calls [][]string
	for line := range strings.Lines(lines) {
		line = strings.TrimPrefix(line, "$ ")
		var words []string
		collecting := false
		flush := func() {
			if collecting {
				calls = append(calls, words)
			}
			words, collecting = nil, false
		}
		for _, w := range shellWords(line) {
			switch {
			case w == "|" || w == "&&" || w == "&" || w == ";" || w == ">" || w == ">/dev/null":
				flush()
			case !collecting && (w == "portannot" || w == "<(portannot"):
				collecting = true
			case collecting:
				words = append(words, strings.TrimSuffix(w, ")"))
			}
		}
		flush()
	}
	return calls
}

// shellWords splits a line at blanks that are not in quotes, and at semicolons
// behind a word.
func shellWords(line string) []string {
	var words []string
	var quote rune
	word, open := "", false
	end := func() {
		if open {
			words = append(words, word)
		}
		word, open = "", false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '\'' || r == '"':
			quote, open = r, true
		case r == ' ' || r == '\n':
			end()
		case r == ';':
			end()
			words = append(words, ";")
		default:
			word += string(r)
			open = true
		}
	}
	end()
	return words
}

// TestDocsLinks: what README and topics link to is there, and pictures are small.
func TestDocsLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	others, err := filepath.Glob(filepath.Join(repoRoot(t), ".github", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(docFiles(t), others...) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			if strings.HasPrefix(m[1], "https://") {
				continue
			}
			info, err := os.Stat(filepath.Join(filepath.Dir(file), m[1]))
			switch {
			case err != nil:
				t.Errorf("%s links to %s, which is not there", filepath.Base(file), m[1])
			case strings.HasSuffix(m[1], ".png") && info.Size() > 60<<10:
				t.Errorf("%s has %d bytes", m[1], info.Size())
			}
		}
	}
}

// TestREADMEFits: the README is short, and what it shows fits 100 columns.
func TestREADMEFits(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(repoRoot(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(b), "\n"); n > 250 {
		t.Errorf("README.md has %d lines, want at most 250", n)
	}
	for _, m := range regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```$").FindAllStringSubmatch(string(b), -1) {
		for line := range strings.Lines(m[1]) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 100 && !strings.HasPrefix(line, "$ ") {
				t.Errorf("README.md: a line of %d columns: %s", n, line)
			}
		}
	}
}

// TestLimitsTopic: numbers of the topic limits are those of the code. Each row
// here is a row of the topic, by the beginning of its first cell, with the
// constant that its number is.
func TestLimitsTopic(t *testing.T) {
	rows := table(t, "limits", "what")
	for _, c := range []struct {
		what, dir, name string
		unit            int64
		text            string // how the number is written, with # for it; empty for only that
	}{
		{"flows held", "capture/flow", "DefaultMaxFlows", 1, ""},
		{"VLANs and tunnels that held", "capture/flow", "DefaultMaxContexts", 1, ""},
		{"payload kept of each end", "annotate", "payloadBytes", 1, "# bytes"},
		{"payload of all flows", "capture/flow", "DefaultPayloadMemory", 1 << 30, "# GiB"},
		{"datagrams kept", "capture/flow", "MaxHeads", 1, "# of each end"},
		{"ends known from", "annotate", "defaultEndpoints", 1, ""},
		{"flows remembered", "capture/flow", "maxMemory", 1, ""},
		{"VLAN tags of a packet", "capture/packet", "MaxDepth", 1, "# each"},
		{"headers of a packet", "capture/decode", "maxLayers", 1, ""},
		{"time that fragments wait", "capture/decode", "fragmentTTL", 1e9, "# s"},
		{"SCTP payload protocol", "capture/flow", "MaxPPIDs", 1, ""},
		{"packets remembered by", "capture/flow", "maxRecent", 1, ""},
		{"bytes of a packet", "capture", "maxPacket", 1 << 20, "# MiB"},
		{"bytes of a packet", "capture", "usualPacket", 1 << 10, "# KiB"},
		{"block of a pcapng file", "capture", "maxPacket", 1 << 20, "# MiB"},
		{"names of interfaces", "capture/flow", "maxInterfaces", 1, ""},
		{"window of zstd, dictionary", "capture/unpack", "zstdWindow", 1 << 20, "# MiB"},
		{"window of zstd, dictionary", "capture/unpack", "xzDictionary", 1 << 20, "# MiB"},
		{"messages about damage", "capture", "maxProblems", 1, ""},
		{"packets noted", "capture/flow", "DefaultTrace", 1, ""},
		{"groups of", "annotate/summary", "MaxGroups", 1, ""},
		{"addresses counted by", "annotate/summary", "MaxAddresses", 1, ""},
		{"bytes of an expression", "capture/filter", "maxExpr", 1, ""},
		{"nesting", "capture/filter", "maxDepth", 1, ""},
		{"instructions of a compiled", "capture/filter", "maxProgram", 1, ""},
		{"ring shared", "capture", "DefaultBuffer", 1 << 20, "# MiB"},
		{"bytes captured of a packet", "capture", "DefaultSnapLen", 1, ""},
		{"connections to `--metrics`", "cmd/portannot/internal/metrics", "maxConnections", 1, ""},
		{"request to `--metrics`", "cmd/portannot/internal/metrics", "maxHeader", 1 << 10, "# KiB"},
		{"bytes of a line", "annotate/flowlog", "DefaultMaxLine", 1 << 20, "# MiB"},
		{"nesting of JSON", "annotate/flowlog", "maxDepth", 1, ""},
		{"lines that are not understood", "annotate/flowlog", "MaxProblems", 1, ""},
		{"bytes by which a format", "annotate/flowlog", "sampleSize", 1 << 10, "# KiB"},
		{"rotated files", "cmd/portannot/internal/follow", "MaxWaiting", 1, ""},
		{"bytes that wait for an output", "cmd/internal/rotate", "MaxHeld", 1 << 20, "# MiB"},
		{"closed files held open", "cmd/internal/rotate", "maxWaiting", 1, ""},
		{"data sets of all exporters", "annotate/flowlog/netflow", "heldInAll", 1 << 20, "# MiB"},
		{"messages that wait", "annotate/flowlog/netflow", "inboxSize", 1 << 20, "# MiB"},
		{"messages that wait", "annotate/flowlog/netflow", "queueSize", 1 << 20, "of one exporter # MiB"},
		{"bytes of a message", "annotate/flowlog/netflow", "longest", 1, ""},
		{"bytes fetched ahead", "annotate/flowlog/kafka", "maxFetchBytes", 1 << 20, "# MiB"},
		{"bytes that these may", "annotate/flowlog/kafka", "maxExpandBytes", 1 << 20, "# MiB"},
		{"bytes of one batch", "annotate/flowlog/kafka", "maxBatchBytes", 1 << 20, "# MiB"},
		{"bytes that wait to be written", "annotate/flowlog/kafka", "maxBuffered", 1 << 20, "# MiB"},
		{"records of one commit", "annotate/flowlog/kafka", "maxBatch", 1, ""},
		{"bytes of a file with a secret", "annotate/flowlog/kafka", "maxSecret", 1 << 10, "# KiB"},
		{"services", "annotate/review", "DefaultMaxServices", 1, ""},
		{"clients of a service", "annotate/review", "DefaultMaxClients", 1, ""},
		{"policy entries", "annotate/review", "maxEntries", 1, ""},
		{"unanswered services", "annotate/review", "DefaultScanTargets", 1, ""},
		{"servers and ports of a scanner", "annotate/review", "maxScanned", 1, ""},
		{"bytes of a policy", "annotate/review", "maxPolicy", 1 << 20, "# MiB"},
		{"bytes of a file of rules", "annotate/review/rules", "maxFile", 1 << 20, "# MiB"},
		{"nesting of JSON in rules", "annotate/review/rules", "maxNesting", 1, ""},
		{"rules visited", "annotate/review/rules", "maxSteps", 1, ""},
		{"jumps in jumps", "annotate/review/rules", "maxJumps", 1, ""},
		{"openings of a ruleset", "annotate/review/rules", "maxOpenings", 1, ""},
		{"peers and ports of network", "annotate/review/rules", "maxKubeWork", 1, ""},
		{"bytes of a file of `--interfaces`", "annotate/review/rules", "maxInterfaces", 1 << 20, "# MiB"},
		{"records of a log that wait", "annotate/review", "maxWaiting", 1, ""},
		{"addresses of a learned", "annotate/review", "learnedAddresses", 1, ""},
		{"bytes of a `--baseline`", "annotate/review", "maxReport", 1 << 30, "# GiB"},
		{"findings listed", "annotate/review/report", "maxTextFindings", 1, "# in text"},
		{"findings listed", "annotate/review/report", "maxMarkdown", 1, "# in Markdown"},
		{"findings listed", "annotate/review/report", "maxPageFindings", 1, "# in HTML"},
		{"bytes of an edition", "annotate/iana/edition", "maxFileBytes", 1 << 20, "# MiB"},
		{"records of an edition", "annotate/iana/edition", "maxRecords", 1, ""},
		{"nesting of XML", "annotate/iana/edition", "maxXMLDepth", 1, ""},
		{"transfer of", "annotate/iana/edition/update", "maxBytes", 1 << 20, "# MiB"},
		{"transfer of", "annotate/iana/edition/update", "maxRedirects", 1, "# redirects"},
		{"line of a file of", "annotate", "maxLocalLine", 1 << 10, "# KiB"},
		{"line of queries", "cmd/portannot", "maxQueryLine", 1, ""},
		{"editions kept for", "annotate", "maxEditions", 1, ""},
	} {
		value := constantOf(t, filepath.Join(repoRoot(t), c.dir), c.name)
		if value%c.unit != 0 {
			t.Errorf("%s.%s is %d, no multiple of %d", c.dir, c.name, value, c.unit)
		}
		text := c.text
		if text == "" {
			text = "#"
		}
		want := strings.ReplaceAll(text, "#", thousands(value/c.unit))
		found := false
		for _, row := range rows {
			found = found || strings.HasPrefix(row[0], c.what) && wordsIn(row[1], want)
		}
		if !found {
			t.Errorf("limits.md: no row %q with %q, which is %s in %s", c.what, want, c.name, c.dir)
		}
	}
}

// wordsIn reports whether text has want as whole words.
func wordsIn(text, want string) bool {
	return regexp.MustCompile(`(^|[ (])` + regexp.QuoteMeta(want) + `($|[ ,;)])`).MatchString(text)
}

// thousands writes a number with commas.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

var checkedPackages = map[string]*types.Package{}

// constantOf gives the value of a constant of the package in a folder, which
// need not be exported.
func constantOf(t *testing.T, dir, name string) int64 {
	t.Helper()
	pkg := checkedPackages[dir]
	if pkg == nil {
		fset := token.NewFileSet()
		paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		var files []*ast.File
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		// Nothing is imported, so that errors abound; constants made of numbers
		// have their values all the same.
		conf := types.Config{Error: func(error) {}, IgnoreFuncBodies: true}
		pkg, _ = conf.Check(dir, fset, files, nil)
		checkedPackages[dir] = pkg
	}
	c, ok := pkg.Scope().Lookup(name).(*types.Const)
	if !ok {
		t.Fatalf("%s has no constant %s", dir, name)
	}
	n, ok := constant.Int64Val(constant.ToInt(c.Val()))
	if !ok {
		t.Fatalf("%s.%s is no number", dir, name)
	}
	return n
}

// TestTopics: each topic uses only what is printed rightly, has a title, and is
// in the program; and what is printed fits.
func TestTopics(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(repoRoot(t), "cmd", "portannot", "help", "*.md"))
	if err != nil || len(paths) != len(help.Names()) {
		t.Errorf("%d files for %d topics, %v", len(paths), len(help.Names()), err)
	}
	for _, topic := range help.Topics() {
		if _, err := help.Parse(topic.Markdown); err != nil {
			t.Errorf("%s.md: %v", topic.Name, err)
		}
		if topic.Title == "" || len(topic.Title) > 79-15 {
			t.Errorf("%s: title %q", topic.Name, topic.Title)
		}
	}
	if got := listHelp(testProgram()); strings.Contains(got, "\t") {
		t.Errorf("tabs in %q", got)
	} else {
		for line := range strings.Lines(got) {
			if len(line)-1 > cli.MaxWidth {
				t.Errorf("wide: %s", line)
			}
		}
	}
}

// TestSidesTopic: the list of services that the topic shows is one.
func TestSidesTopic(t *testing.T) {
	topic, _ := help.Find("sides")
	list := topic.Code("")
	if strings.Count(list, "\n") < 4 {
		t.Fatalf("the topic shows %q", list)
	}
	if _, err := annotate.ReadKnownServices(strings.NewReader(list), "help"); err != nil {
		t.Error(err)
	}
}

// TestEnvironmentTopic: the topic names each variable that the program reads.
func TestEnvironmentTopic(t *testing.T) {
	named := map[string]bool{}
	for _, cell := range firstColumn(t, "environment", "variable") {
		for _, name := range strings.Split(cell, ", ") {
			named[strings.Trim(name, "`")] = true
		}
	}
	want := []string{kafkaUserEnv, kafkaPasswordEnv, kafkaTokenEnv}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`os\.(?:Getenv|LookupEnv)\("(\w+)"\)`).FindAllSubmatch(b, -1) {
			want = append(want, string(m[1]))
		}
	}
	if len(want) < 8 {
		t.Errorf("only %q are read", want)
	}
	for _, name := range want {
		if !named[name] {
			t.Errorf("environment.md does not name %s", name)
		}
	}
}
