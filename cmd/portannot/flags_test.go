package main

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

// testProgram is the command line, with no one at the other end.
func testProgram() *cli.Command {
	return (&env{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}).program()
}

var (
	helpFlagLine = regexp.MustCompile(`(?m)^  (?:-(\w), |    )(--[a-z-]+)(?: [A-Z]+)?(?: |$)`)
	flagInText   = regexp.MustCompile(`(?:^|[\s("])(--[a-z][a-z-]*)`)
)

// longFlags lists the flags that a help tells of: "--read".
func longFlags(help string) (names []string) {
	for _, m := range helpFlagLine.FindAllStringSubmatch(help, -1) {
		names = append(names, m[2])
	}
	return names
}

// TestFlagTables: for each command, the flags in the table are those that the
// parser takes, that the help tells of, and that shells complete.
func TestFlagTables(t *testing.T) {
	scripts := map[string]string{}
	for _, shell := range cli.Shells {
		script, ok := cli.Complete(testProgram(), shell)
		if !ok {
			t.Fatalf("no script for %s", shell)
		}
		scripts[shell] = script
	}
	for _, c := range testProgram().All() {
		table, hidden := []string{"--help -h"}, []string(nil)
		for _, f := range c.Flags() {
			if f.Instead == "" {
				table = append(table, strings.TrimSpace("--"+f.Long+" -"+f.Short))
			} else {
				hidden = append(hidden, "--"+f.Long+" -"+f.Short)
			}
		}
		slices.Sort(table)

		var help []string
		for _, m := range helpFlagLine.FindAllStringSubmatch(c.Help(), -1) {
			help = append(help, m[2]+" -"+m[1])
		}
		slices.Sort(help)
		if !slices.Equal(help, table) {
			t.Errorf("%s: help tells of %q, the table has %q", c.Path(), help, table)
		}

		if c.Run != nil {
			fs, err := c.Parse(nil)
			if err != nil {
				t.Errorf("%s: %v", c.Path(), err)
				continue
			}
			parsed := []string{"--help -h"} // the parser's own
			fs.VisitAll(func(f *pflag.Flag) { parsed = append(parsed, "--"+f.Name+" -"+f.Shorthand) })
			slices.Sort(parsed)
			all := append(hidden, table...)
			slices.Sort(all)
			if !slices.Equal(parsed, all) {
				t.Errorf("%s: the parser takes %q, the table has %q", c.Path(), parsed, all)
			}
		}

		path := strings.TrimPrefix(strings.TrimPrefix(c.Path(), "portannot"), " ")
		for shell, script := range scripts {
			if got := completedFlags(shell, script, path); !slices.Equal(got, spelled(table)) {
				t.Errorf("%s: %s completes %q, the table has %q", c.Path(), shell, got, table)
			}
		}
	}
}

// spelled gives "--read" and "-r" for "--read -r", each once and in order.
func spelled(table []string) (all []string) {
	for _, f := range table {
		for _, w := range strings.Fields(f) {
			if w != "-" {
				all = append(all, w)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// completedFlags reads from a script what a command's flags are.
func completedFlags(shell, script, path string) []string {
	path = regexp.QuoteMeta(path)
	var text string
	cut := func(begin, end string) {
		m := regexp.MustCompile(`(?s)` + begin + `(.*?)` + end).FindStringSubmatch(script)
		if m != nil {
			text = m[1]
		}
	}
	flag := regexp.MustCompile(`(?:^|[\s'{,(*])(--?[a-z-]+|-[A-Z])`)
	switch shell {
	case "bash":
		cut(`'`+path+`'\)\n +if \[\[ \$cur == -\* \]\]; then\n +words='`, `'`)
	case "zsh":
		cut(`'`+path+`'\)\n +_arguments -s -S`, `\n        ;;`)
		text = regexp.MustCompile(`\[.*`).ReplaceAllString(strings.ReplaceAll(text, `\`+"\n", "\n"), "")
	case "powershell":
		cut(`\$flags = @\{.*?'`+path+`' = \[ordered\]@\{`, `\n        \}`)
		text = regexp.MustCompile(`= .*`).ReplaceAllString(text, "")
	case "fish":
		line := regexp.MustCompile(`(?m)^complete -c portannot -n '__portannot_at "` + path + `"' -l ([a-z-]+)(?: -s (\w))?`)
		for _, m := range line.FindAllStringSubmatch(script, -1) {
			text += " --" + m[1]
			if m[2] != "" {
				text += " -" + m[2]
			}
		}
	}
	var all []string
	for _, m := range flag.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sample gives a value that the flag takes and that is not its default.
func sample(f *cli.Flag) []string {
	if f.Takes == cli.None {
		return []string{"true", "false"}
	}
	return append(slices.Clone(f.Words), "7", "7s")
}

// TestFlagValues: each flag takes a value in every spelling, and it arrives.
func TestFlagValues(t *testing.T) {
	for _, c := range testProgram().All() {
		if c.Run == nil {
			continue
		}
		for _, f := range c.Flags() {
			var ways [][]string
			taken := ""
			for _, v := range sample(&f) {
				if fs, err := c.Parse([]string{"--" + f.Long + "=" + v}); err == nil && fs.Lookup(f.Long).Value.String() != f.Default {
					taken = v
					break
				}
			}
			if taken == "" {
				t.Errorf("%s: --%s takes none of %q", c.Path(), f.Long, sample(&f))
				continue
			}
			switch {
			case f.Takes != cli.None:
				ways = append(ways, []string{"--" + f.Long, taken})
				if f.Short != "" {
					ways = append(ways, []string{"-" + f.Short, taken}, []string{"-" + f.Short + taken})
				}
			case f.Short != "":
				ways = append(ways, []string{"-" + f.Short})
			}
			for _, args := range ways {
				fs, err := c.Parse(args)
				if err != nil {
					t.Errorf("%s %q: %v", c.Path(), args, err)
				} else if got := fs.Lookup(f.Long).Value.String(); !fs.Changed(f.Long) || !strings.Contains(got, taken) {
					t.Errorf("%s %q: the value is %q", c.Path(), args, got)
				}
			}
		}
	}
}

// TestFlagTexts: the help of each flag says its default and the values that it
// takes, and begins with a few words that need no quotes in any shell.
func TestFlagTexts(t *testing.T) {
	for _, c := range testProgram().All() {
		shown := append([]string{c.Short}, c.Words...)
		for _, f := range c.Flags() {
			shown = append(shown, f.Summary())
			shown = append(shown, f.Words...)
			if s := f.Summary(); len(s) < 5 || len(s) > 70 {
				t.Errorf("%s: --%s begins with %q: want a few words", c.Path(), f.Long, s)
			}
			def := strings.TrimSuffix(f.Default, "0s")
			switch def {
			case "", "0", "false", "[]":
			case "true":
				if !strings.Contains(f.Help, "=false") {
					t.Errorf("%s: --%s is on, and its help does not say how to switch it off", c.Path(), f.Long)
				}
			default:
				address := strings.HasPrefix(def, "https://") && strings.Contains(f.Help, "default")
				if !address && !strings.Contains(f.Help, "default "+def) && !strings.Contains(f.Help, def+" (default") {
					t.Errorf("%s: the help of --%s does not say that %s is the default: %q", c.Path(), f.Long, def, f.Help)
				}
			}
			if f.Takes != cli.Text || len(f.Words) == 0 || len(f.Words) > 8 {
				continue
			}
			for _, w := range f.Words {
				if !strings.Contains(f.Help, w) {
					t.Errorf("%s: the help of --%s does not name %s", c.Path(), f.Long, w)
				}
			}
		}
		for _, text := range shown {
			if strings.ContainsAny(text, "'\"`$\\[]():*") {
				t.Errorf("%s: %q has a character that some shell takes for more", c.Path(), text)
			}
		}
		if c.Short == "" {
			t.Errorf("%s: nothing says what it is for", c.Path())
		}
	}
}

// differ are the flags whose meaning is a command's own.
var differ = map[string]string{
	"output": "each command has its own formats; registry export takes a file",
	"write":  "review writes the packets behind findings",
	"format": "registry export writes formats of its own, and enrich alone reads protobuf",
	"as-of":  "what has no traffic has no day of it",
	"status": "of flows, or in lookup of ports",
	"quiet":  "no summary, or in lookup, which has none, no hints",
	"fields": "in review, the old name of --columns",
	"from":   "a topic of enrich, an edition of registry update",
}

// TestFlagsMeanTheSame: a flag of several commands is the same row in all.
func TestFlagsMeanTheSame(t *testing.T) {
	type known struct {
		flag cli.Flag
		in   string
	}
	first := map[string]known{}
	letters := map[string]known{}
	for _, c := range testProgram().All() {
		for _, f := range c.Flags() {
			if k, ok := letters[f.Short]; ok && f.Short != "" && k.flag.Long != f.Long {
				t.Errorf("-%s is --%s in %s, --%s in %s", f.Short, k.flag.Long, k.in, f.Long, c.Path())
			}
			letters[f.Short] = known{f, c.Path()}
			k, ok := first[f.Long]
			if !ok {
				first[f.Long] = known{f, c.Path()}
				continue
			}
			if differ[f.Long] != "" {
				continue
			}
			a, b := k.flag, f
			if a.Short != b.Short || a.Value != b.Value || a.Help != b.Help || a.Takes != b.Takes || a.Repeats != b.Repeats ||
				a.Default != b.Default || a.Instead != b.Instead || !slices.Equal(a.Words, b.Words) {
				t.Errorf("--%s is not the same in %s and %s", f.Long, k.in, c.Path())
			}
		}
	}
}

// TestHelps: each help is narrow enough for a terminal, ends in examples, and
// names no flag that there is not.
func TestHelps(t *testing.T) {
	flags := map[string]bool{"--help": true}
	for _, c := range testProgram().All() {
		for _, f := range c.Flags() {
			flags["--"+f.Long] = true
		}
	}
	// Of other programs.
	flags["--multiquery"] = true
	for _, c := range testProgram().All() {
		help := c.Help()
		if len(c.Examples) == 0 || !strings.HasSuffix(help, "\nExamples:\n  "+strings.Join(c.Examples, "\n  ")+"\n") {
			t.Errorf("%s: the help does not end in examples", c.Path())
		}
		for _, e := range c.Examples {
			if !strings.HasPrefix(e, "portannot ") {
				t.Errorf("%s: example %q", c.Path(), e)
			}
		}
		for line := range strings.Lines(help) {
			line = strings.TrimSuffix(line, "\n")
			if strings.Contains(line, "\t") || len(line) > cli.MaxWidth || strings.TrimRight(line, " ") != line {
				t.Errorf("%s: line %q is wide, has a tab or ends in blanks", c.Path(), line)
			}
		}
		for _, m := range flagInText.FindAllStringSubmatch(help, -1) {
			if name := strings.TrimRight(m[1], "-"); !flags[name] {
				t.Errorf("%s: the help names %s, which is no flag", c.Path(), name)
			}
		}
	}
}

// TestInterfaceList: one -i takes several interfaces; quotes are for a name with
// a comma.
func TestInterfaceList(t *testing.T) {
	fs, err := testProgram().Parse([]string{"-i", "eth0,eth1", "-i", "lo", `--interface="a,b"`})
	if err != nil {
		t.Fatal(err)
	}
	got, err := fs.GetStringSlice("interface")
	if want := []string{"eth0", "eth1", "lo", "a,b"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}
