package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/cmd/portannot/internal/cli"
)

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
	{"portannot registry export --se", []string{"--setup"}, []string{"--format", "--sort"}},
	{"portannot registry export -o ", []string{"json", "splunk"}, []string{"a.pcap"}},
	{"portannot registry export -w ", []string{"a.pcap"}, []string{"json"}},
	{"portannot registry info -o ", []string{"text", "json"}, []string{"a.pcap", "csv"}},
	{"portannot lookup --registry ", []string{"embedded", "a.pcap"}, nil},
	{"portannot lookup --ex", []string{"--explain"}, nil},
	{"portannot help ", []string{"lookup", "registry", "sides", "limits"}, []string{"a.pcap", "info"}},
	{"portannot completion ", []string{"bash", "zsh", "fish", "powershell"}, []string{"a.pcap"}},
}

// checkCompletions checks the cases above, and that each command is offered its
// flags, as --help names them, and no others.
func checkCompletions(t *testing.T, offered func(line string) []string) {
	t.Helper()
	for _, c := range testProgram().All() {
		got := offered(c.Path() + " --")
		slices.Sort(got)
		got = slices.Compact(got)
		want := longFlags(c.Help())
		slices.Sort(want)
		if c.Run != nil && !slices.Equal(got, want) {
			t.Errorf("%s --: offered %q, the help names %q", c.Path(), got, want)
		}
	}
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
func completionFolder(t *testing.T, shell string) (path, dir, scriptFile string) {
	t.Helper()
	script, ok := cli.Complete(testProgram(), shell)
	if !ok {
		t.Fatalf("no script for %s", shell)
	}
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
	path, dir, script := completionFolder(t, "bash")
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
	path, dir, script := completionFolder(t, "fish")
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
	path, dir, script := completionFolder(t, "zsh")
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
