package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// options take the values of the program below.
type options struct {
	format   string
	names    []string
	count    int
	total    uint64
	wait     time.Duration
	quiet    bool
	oldQuiet bool
}

// testProgram has a flag of each type, and a command below.
func testProgram() (*Command, *options) {
	o := new(options)
	sub := &Command{Name: "sub", Short: "a command below", Subs: []*Command{{Name: "one", Short: "the first"}, {Name: "two", Short: "the second"}}}
	return &Command{
		Name: "prog", Short: "a program", About: "prog is a program.", Usage: "prog [flags]\nprog sub COMMAND", After: "The end.",
		Groups: []Group{
			{Heading: "Flags:", Flags: []Flag{
				Choice(&o.format, "output", "o", "FORMAT", "text", []string{"text", "json"}, "format: text (default) or json, which is for programs and has a line that is long"),
				List(&o.names, "name", "", "NAME", "names of things"),
				Int(&o.count, "count", "c", "N", 3, "how many"),
				Uint64(&o.total, "total", "", "N", 0, "how many in all"),
				Duration(&o.wait, "a-flag-with-a-long-name", "", "TIME", time.Minute, "how long"),
			}},
			{Heading: "More:", Flags: []Flag{
				Switch(&o.quiet, "quiet", "q", false, "say nothing"),
				Switch(&o.oldQuiet, "silent", "", false, "say nothing").Replaced("--quiet"),
			}},
		},
		Examples: []string{"prog -q"},
		Args:     Text,
		Subs:     []*Command{sub},
	}, o
}

func TestHelp(t *testing.T) {
	c, _ := testProgram()
	const want = `prog is a program.

Usage:
  prog [flags]
  prog sub COMMAND

Commands:
  sub   a command below

Flags:
  -o, --output FORMAT     format: text (default) or json, which is for programs
                          and has a line that is long
      --name NAME         names of things
  -c, --count N           how many
      --total N           how many in all
      --a-flag-with-a-long-name TIME
                          how long

More:
  -q, --quiet             say nothing

  -h, --help              print this help

The end.

Examples:
  prog -q
`
	if got := c.Help(); got != want {
		t.Errorf("help:\n%s\nwant:\n%s", got, want)
	}
}

func TestParse(t *testing.T) {
	c, o := testProgram()
	c.Run = run
	args := []string{"a", "-qo", "JSON", "--name=x,y", "--name", "z", "-c5", "--total", "7", "--a-flag-with-a-long-name=1h", "b"}
	fs, err := c.Parse(args)
	if err != nil {
		t.Fatal(err)
	}
	if o.format != "json" || !slices.Equal(o.names, []string{"x", "y", "z"}) || o.count != 5 || o.total != 7 || o.wait != time.Hour || !o.quiet {
		t.Errorf("%+v", o)
	}
	if !slices.Equal(fs.Args(), []string{"a", "b"}) || len(c.Notes(fs)) != 0 {
		t.Errorf("arguments %q, notes %q", fs.Args(), c.Notes(fs))
	}
	if fs, err = c.Parse([]string{"--silent"}); err != nil {
		t.Fatal(err)
	}
	if notes := c.Notes(fs); len(notes) != 1 || notes[0] != "--silent is going away: use --quiet" || !o.oldQuiet {
		t.Errorf("notes %q", notes)
	}
	if o.format != "text" || o.count != 3 {
		t.Errorf("defaults: %+v", o)
	}
	if _, err = c.Parse([]string{"-h", "--nonsense"}); !errors.Is(err, pflag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		args string
		want string // message and hint
	}{
		{"--nosuch", `unknown flag --nosuch|`},
		{"--outptu xml", `unknown flag --outptu|did you mean --output?`},
		{"--names xml", `unknown flag --names|did you mean --name?`},
		{"--silen", `unknown flag --silen|`}, // it is going away
		{"--tool", `unknown flag --tool|it is a flag of prog sub one`},
		{"sub one --quiet", `unknown flag --quiet|it is a flag of prog`},
		{"sub one --name=x", `unknown flag --name|it is a flag of prog and prog sub two`},
		{"-x", `unknown flag -x|`},
		{"-qx", `unknown flag -x|`},
		{"-quiet", `unknown flag -u|did you mean --quiet?`},
		{"-name x", `unknown flag -n|did you mean --name?`},
		{"-count x", `--count "ount": want a whole number|did you mean --count?`},
		{"-output=json", `unknown --output "utput=json": want text or json|did you mean --output?`},
		{"-- -quiet -x", ``},
		{"-o", `--output: the value is missing, FORMAT|`},
		{"-c five", `--count "five": want a whole number|`},
		{"--total -1", `--total "-1": want a whole number that is not negative|`},
		{"--a-flag-with-a-long-name 5", `--a-flag-with-a-long-name "5": want a time|a time is 30s, 10m or 1h30m`},
		{"--quiet=perhaps", `--quiet "perhaps": want true or false|`},
		{"-o xml", `unknown --output "xml": want text or json|`},
		{"-o jsno", `unknown --output "jsno": want text or json|did you mean json?`},
		{"sub", `sub needs a command|want one or two`},
		{"sub three", `unknown command "sub three"|want one or two`},
		{"sub onee", `unknown command "sub onee"|did you mean prog sub one?`},
		{"sub -- one", `sub: the command comes before the flags|prog sub one`},
		{"sub one more", `unexpected argument "more"|`},
	} {
		prog, _ := testProgram()
		prog.Run = run
		one, two := prog.Subs[0].Subs[0], prog.Subs[0].Subs[1]
		one.Run = run
		one.Groups = []Group{{Flags: []Flag{Switch(new(bool), "tool", "", false, "a tool")}}}
		two.Groups = []Group{{Flags: []Flag{List(new([]string), "name", "", "NAME", "names of things")}}}
		cmd, args := prog.Find(strings.Fields(c.args))
		_, err := cmd.Parse(args)
		var usage *UsageError
		if c.want == "" && err == nil {
			continue
		}
		if !errors.As(err, &usage) {
			t.Errorf("%s: %v", c.args, err)
		} else if got := usage.Msg + "|" + usage.Hint; got != c.want {
			t.Errorf("%s: %s, want %s", c.args, got, c.want)
		}
	}
}

func TestPaths(t *testing.T) {
	c, _ := testProgram()
	var paths []string
	for _, s := range c.All() {
		paths = append(paths, s.Path())
	}
	if want := []string{"prog", "prog sub", "prog sub one", "prog sub two"}; !slices.Equal(paths, want) {
		t.Errorf("%q", paths)
	}
	// Only the first words name a command.
	if found, rest := c.Find([]string{"-q", "sub"}); found != c || len(rest) != 2 {
		t.Errorf("found %s, %q", found.Path(), rest)
	}
	if found, rest := c.Find([]string{"sub", "two", "x"}); found.Path() != "prog sub two" || !slices.Equal(rest, []string{"x"}) {
		t.Errorf("found %s, %q", found.Path(), rest)
	}
}

func TestSummary(t *testing.T) {
	for help, want := range map[string]string{
		"format: text or json":        "format",
		"stop after N packets":        "stop after N packets",
		"file (compressed or not)":    "file",
		"a file. May be given again.": "a file",
		"names of\nthings":            "names of",
	} {
		if got := (&Flag{Help: help}).Summary(); got != want {
			t.Errorf("%q: %q, want %q", help, got, want)
		}
	}
}

func TestNear(t *testing.T) {
	statuses := []string{"assigned", "reserved", "unassigned", "dynamic", "unknown"}
	protocols := []string{"http", "ftp", "ntp", "rtp", "sftp", "htsp", "http2"}
	for _, c := range []struct {
		word  string
		words []string
		want  string
	}{
		{"assignd", statuses, "assigned"},
		{"UNASIGNED", statuses, "unassigned"},
		{"dynaimc", statuses, "dynamic"}, // neighbours exchanged
		{"dyn", statuses, "dynamic"},     // begun
		{"open", statuses, ""},
		{"", statuses, ""},
		{"x", statuses, ""},
		{"x", []string{"y"}, ""},
		{"htp", protocols, "http htsp"}, // more than three differ in a letter: two begin with h
		{"tcp", nil, ""},
		{"Assigned", statuses, "assigned"},
		{strings.Repeat("assigned", 10), statuses, ""},
	} {
		if got := strings.Join(Near(c.word, c.words), " "); got != c.want {
			t.Errorf("%q: %q, want %q", c.word, got, c.want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "ab", 2}, {"abc", "acb", 1}, {"abc", "abd", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestOr(t *testing.T) {
	for want, words := range map[string][]string{"": nil, "a": {"a"}, "a or b": {"a", "b"}, "a, b or c": {"a", "b", "c"}} {
		if got := Or(words...); got != want {
			t.Errorf("%q: %q", words, got)
		}
	}
}

func run(context.Context, *pflag.FlagSet) error { return nil }
