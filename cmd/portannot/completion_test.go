package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// flagSets gives the flags that each command really has.
func flagSets() map[string]*pflag.FlagSet {
	e := &env{strings.NewReader(""), io.Discard, io.Discard}
	registry := e.newFlags("registry", "")
	registryFlag(registry)
	return map[string]*pflag.FlagSet{
		"":                new(flowOptions).flags(e),
		"enrich":          new(enrichOptions).flags(e),
		"review":          new(reviewOptions).flags(e),
		"lookup":          new(lookupOptions).flags(e),
		"registry":        registry,
		"registry info":   new(infoOptions).flags(e),
		"registry check":  new(checkOptions).flags(e),
		"registry diff":   new(diffOptions).flags(e),
		"registry export": new(exportOptions).flags(e),
		"registry update": new(updateOptions).flags(e),
		"version":         new(versionOptions).flags(e),
		"completion":      e.newFlags("completion", ""),
	}
}

// helpTexts are the hand-written helps.
func helpTexts() map[string]string {
	texts := map[string]string{"": mainHelp}
	for _, c := range commands() {
		texts[c.name] = c.help
	}
	for _, c := range registryCommands() {
		texts["registry "+c.name] = c.help
	}
	return texts
}

// TestCompletionFlags: what shells complete is what the commands take, and
// each help names every flag.
func TestCompletionFlags(t *testing.T) {
	sets, helps := flagSets(), helpTexts()
	for path := range helps {
		if sets[path] == nil {
			t.Errorf("%q has no flag set in this test", path)
		}
		if !slices.ContainsFunc(completedCommands(), func(c completedCommand) bool { return c.path == path }) {
			t.Errorf("%q is not completed: add it to completedCommands", path)
		}
	}
	for _, c := range completedCommands() {
		set := sets[c.path]
		if set == nil {
			t.Errorf("%q is completed, and is no command", c.path)
			continue
		}
		completed := map[string]bool{}
		for _, f := range c.flags {
			completed[f.long] = true
			if f.long == "help" {
				continue // pflag's own
			}
			real := set.Lookup(f.long)
			switch {
			case real == nil:
				t.Errorf("%q: --%s is completed, and is no flag", c.path, f.long)
			case real.Shorthand != f.short:
				t.Errorf("%q: --%s has the short form %q, completed is %q", c.path, f.long, real.Shorthand, f.short)
			case (real.NoOptDefVal == "") != (f.takes != noValue):
				t.Errorf("%q: --%s: whether it takes a value differs", c.path, f.long)
			case strings.Contains(real.Value.Type(), "Slice") != f.again && strings.Contains(real.Value.Type(), "Array") != f.again:
				t.Errorf("%q: --%s: whether it may be given again differs", c.path, f.long)
			}
		}
		set.VisitAll(func(f *pflag.Flag) {
			if !completed[f.Name] {
				t.Errorf("%q: --%s is not completed: add it to completedCommands", c.path, f.Name)
			}
			want := "--" + f.Name + " "
			if f.Shorthand != "" {
				want = "-" + f.Shorthand + ", " + want
			}
			if !strings.Contains(helps[c.path]+"\n", want) {
				t.Errorf("%q: the help does not tell of %q", c.path, want)
			}
		})
	}
}

// TestCompletionTexts: the texts need no quotes in any shell.
func TestCompletionTexts(t *testing.T) {
	for _, c := range completedCommands() {
		if c.path != "" && c.about == "" {
			t.Errorf("%q has no text", c.path)
		}
		texts := append([]string{c.about}, c.choices...)
		for _, f := range c.flags {
			texts = append(texts, f.about)
			texts = append(texts, f.choices...)
		}
		for _, text := range texts {
			if strings.ContainsAny(text, "'\"`$\\[]():*") {
				t.Errorf("%q: %q has a character that some shell takes for more", c.path, text)
			}
		}
	}
}

// TestHelps: each help is narrow enough for a terminal, has no
// tab, and ends in examples that begin with the program's name.
func TestHelps(t *testing.T) {
	for path, help := range helpTexts() {
		_, examples, ok := strings.Cut(help, "\nExamples:\n")
		if !ok || !strings.HasSuffix(help, "\n") {
			t.Errorf("%q: the help does not end in examples", path)
		}
		for line := range strings.Lines(examples) {
			if !strings.HasPrefix(line, "  portannot ") {
				t.Errorf("%q: example %q", path, line)
			}
		}
		for line := range strings.Lines(help) {
			line = strings.TrimSuffix(line, "\n")
			if strings.Contains(line, "\t") || len(line) > 84 && !strings.Contains(line, "https://") {
				t.Errorf("%q: line %q is wide or has a tab", path, line)
			}
		}
	}
}

// completionCases are lines as typed, up to the cursor, and what must be and
// must not be offered.
var completionCases = []struct {
	line string
	want []string
	not  []string
}{
	{"portannot ", []string{"lookup", "registry", "version", "completion", "a.pcap", "b c.pcap"}, []string{"info"}},
	{"portannot reg", []string{"registry"}, []string{"lookup", "a.pcap"}},
	{"portannot --sta", []string{"--status"}, []string{"--sort"}},
	{"portannot --status ", []string{"assigned", "unassigned"}, []string{"a.pcap", "lookup"}},
	{"portannot -r ", []string{"a.pcap"}, []string{"lookup"}},
	{"portannot -r x lookup --ex", nil, []string{"--explain"}},
	{"portannot registry ", []string{"info", "check", "diff", "export", "update"}, []string{"a.pcap", "lookup"}},
	{"portannot registry diff ", []string{"embedded", "a.pcap"}, []string{"info"}},
	{"portannot registry export --fo", []string{"--format"}, []string{"--from"}},
	{"portannot registry export -o ", []string{"a.pcap"}, []string{"json"}},
	{"portannot registry info -o ", []string{"text", "json"}, []string{"a.pcap", "csv"}},
	{"portannot lookup --registry ", []string{"embedded", "a.pcap"}, nil},
	{"portannot lookup --ex", []string{"--explain"}, nil},
	{"portannot completion ", []string{"bash", "zsh", "fish", "powershell"}, []string{"a.pcap"}},
}

func checkCompletions(t *testing.T, offered func(line string) []string) {
	t.Helper()
	for _, c := range completionCases {
		got := offered(c.line)
		for _, w := range c.want {
			if !slices.Contains(got, w) {
				t.Errorf("%q: %q is not offered: %q", c.line, w, got)
			}
		}
		for _, w := range c.not {
			if slices.Contains(got, w) {
				t.Errorf("%q: %q is offered", c.line, w)
			}
		}
	}
}

// completionFolder has two captures, and the script of a shell beside it.
func completionFolder(t *testing.T, shell, script string) (path, dir, scriptFile string) {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Skip("no " + shell + " here")
	}
	dir = t.TempDir()
	for _, name := range []string{"a.pcap", "b c.pcap"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	scriptFile = filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(scriptFile, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, dir, scriptFile
}

func shellLines(t *testing.T, dir, path string, args ...string) []string {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func TestBashCompletion(t *testing.T) {
	long(t)
	t.Parallel() // shells are slow to start
	path, dir, script := completionFolder(t, "bash", bashCompletion(completedCommands()))
	const driver = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _portannot; printf '%s\n' "${COMPREPLY[@]}"`
	complete := func(words ...string) []string {
		return shellLines(t, dir, path, append([]string{"--norc", "-c", driver, "bash", script}, words...)...)
	}
	checkCompletions(t, func(line string) []string { return complete(strings.Split(line, " ")...) })
	// Bash parts at the equals sign.
	if got := complete("portannot", "--output", "=", "js"); !slices.Equal(got, []string{"json"}) {
		t.Errorf("--output=js: %q", got)
	}
	if got := complete("portannot", "--output", "="); !slices.Equal(got, []string{"text", "json", "csv"}) {
		t.Errorf("--output=: %q", got)
	}
}

func TestFishCompletion(t *testing.T) {
	long(t)
	t.Parallel() // shells are slow to start
	path, dir, script := completionFolder(t, "fish", fishCompletion(completedCommands()))
	checkCompletions(t, func(line string) []string {
		lines := shellLines(t, dir, path, "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", script, line)
		for i := range lines {
			lines[i], _, _ = strings.Cut(lines[i], "\t")
		}
		return lines
	})
}

// TestZshCompletion completes in an interactive zsh on a pseudo-terminal, since
// zsh has no other way.
func TestZshCompletion(t *testing.T) {
	long(t)
	t.Parallel() // shells are slow to start
	path, dir, script := completionFolder(t, "zsh", zshCompletion(completedCommands()))
	const driver = `
zmodload zsh/zpty || exit
zpty shell zsh -f -i
zpty -w shell "PS1=; PROMPT_EOL_MARK=; TERM=dumb; LISTMAX=1000; autoload -U compinit; compinit -u -D; source ${(q)1}"
# Where the list of matches would be shown, they are printed instead.
zpty -w shell 'show() { local -a shown; compadd() { builtin compadd -O shown "$@"; builtin compadd "$@"; print; print -rl -- OFFER:$^shown }; _main_complete; unfunction compadd; print DONE }'
zpty -w shell 'zle -C show complete-word show; bindkey "^T" show; print REA""DY'
zpty -r -m shell out '*READY*'
zpty -w -n shell "$2"$'\C-t'
zpty -r -m shell out '*DONE*'
print -r -- $out
`
	checkCompletions(t, func(line string) []string {
		var offers []string
		for _, l := range shellLines(t, dir, path, "-f", "-c", driver, "zsh", script, line) {
			if offer, ok := strings.CutPrefix(strings.TrimRight(l, "\r"), "OFFER:"); ok {
				offers = append(offers, strings.ReplaceAll(offer, "\\ ", " "))
			}
		}
		return offers
	})
}
