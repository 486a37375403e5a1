package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/portannot/portannot/cmd/portannot/help"
)

// onTerminal runs portannot with standard output on a terminal of this width,
// and gives what it prints there.
func onTerminal(t *testing.T, width int, env []string, args ...string) string {
	t.Helper()
	master, terminal := openTerminal(t, width)
	defer master.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Args[0] = "portannot"
	c.Env = append(os.Environ(), append([]string{"COLUMNS=", "NO_COLOR=1"}, env...)...)
	var stderr bytes.Buffer
	c.Stdout, c.Stderr = terminal, &stderr
	err = c.Start()
	terminal.Close()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	out.ReadFrom(master) // ends in EIO when the program has ended
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

func widest(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		n = max(n, len(strings.TrimSuffix(line, "\n")))
	}
	return n
}

func TestTextFitsTheTerminal(t *testing.T) {
	capture := filepath.Join(repoRoot(t), "testdata", "captures", "demo.pcap")
	for _, width := range []int{80, 100, 120, 160} {
		for _, flag := range []string{"", "--details"} {
			args := append([]string{"-q", "-r", capture}, strings.Fields(flag)...)
			out := onTerminal(t, width, nil, args...)
			if got := widest(out); got > width || !strings.Contains(out, "198.51.100.66:40000 10.20.0.20:5555") {
				t.Errorf("width %d %s: a line of %d:\n%s", width, flag, got, out)
			}
		}
	}
	head, _, _ := strings.Cut(onTerminal(t, 80, nil, "-q", "--by", "service", "-r", capture), "\n")
	if !strings.HasPrefix(head, "SERVICE") || !strings.HasSuffix(head, "OBSERVED") {
		t.Errorf("the headings of --by at 80 columns: %q", head)
	}
	if got := widest(onTerminal(t, 160, []string{"COLUMNS=90"}, "-q", "-r", capture)); got > 90 {
		t.Errorf("COLUMNS=90: a line of %d", got)
	}
	if out := onTerminal(t, 80, nil, "-q", "--wide", "-r", capture); !strings.HasPrefix(out, "START (UTC)") || widest(out) < 160 {
		t.Errorf("--wide lacks columns:\n%s", out)
	}
}

// TestPager: on a terminal, help is shown by the program that PAGER names.
func TestPager(t *testing.T) {
	for pager, want := range map[string]string{
		"sed s/^/paged:/": "paged:EXIT STATUS\n",
		"":                "EXIT STATUS\n",
		"cat":             "EXIT STATUS\n",
		"no-such-pager":   "EXIT STATUS\n",
	} {
		if out := onTerminal(t, 80, []string{"PAGER=" + pager}, "help", "exit"); !strings.HasPrefix(out, want) {
			t.Errorf("PAGER=%s: %q", pager, out)
		}
	}
}

// TestHelpFitsTheTerminal: only code is wider than the terminal.
func TestHelpFitsTheTerminal(t *testing.T) {
	for _, width := range []int{80, 120} {
		for _, topic := range help.Topics() {
			code := map[string]bool{}
			blocks, err := help.Parse(topic.Markdown)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range blocks {
				for _, line := range b.Lines {
					code[strings.TrimRight("  "+line, " ")] = true
				}
			}
			for line := range strings.Lines(onTerminal(t, width, []string{"PAGER="}, "help", topic.Name)) {
				line = strings.TrimSuffix(line, "\n")
				if utf8.RuneCountInString(line) > width && !code[line] {
					t.Errorf("help %s, width %d: %q", topic.Name, width, line)
				}
			}
		}
	}
}

// TestOtherTextFitsTheTerminal: only a word that is too long by itself makes a line
// that is.
func TestOtherTextFitsTheTerminal(t *testing.T) {
	root := repoRoot(t)
	capture, log := filepath.Join(root, "testdata", "captures", "demo.pcap"), filepath.Join(root, "testdata", "flowlogs", "zeek", "conn.log")
	for _, args := range [][]string{
		{"lookup", "80", "443", "6000-6063/tcp", "796", "2/tcp"},
		{"lookup", "--explain", "7775/udp", "6003/tcp"},
		{"lookup", "--history", "11434/tcp"},
		{"registry", "info", "--registry", "embedded"},
		{"registry", "check", "--registry", "embedded"},
		{"enrich", "--list-formats"},
		{"enrich", "-q", "--by", "service,server", log},
		{"-q", "-r", capture, "--by", "service,client,server"},
		{"review", "-q", "-r", capture},
		{"version"},
		{"-D"},
	} {
		for _, width := range []int{80, 100, 120, 160} {
			out := onTerminal(t, width, nil, args...)
			for line := range strings.Lines(out) {
				line = strings.TrimSuffix(line, "\n")
				if len([]rune(line)) > width && strings.Contains(strings.TrimSpace(line), " ") {
					t.Errorf("%v at %d: a line of %d: %s", args, width, len(line), line)
				}
			}
		}
	}
}

// TestColorOnTerminal: text has colour on a terminal, and none with NO_COLOR, on a
// terminal without it, or where --color says so.
func TestColorOnTerminal(t *testing.T) {
	testdata := filepath.Join(repoRoot(t), "testdata")
	capture := filepath.Join(testdata, "captures", "demo.pcap")
	for _, args := range [][]string{
		{"-q", "-r", capture},
		{"-q", "-r", capture, "--by", "service"},
		{"lookup", "4/tcp"},
		{"review", "-q", "-r", capture},
		{"registry", "info"},
		{"registry", "diff", "2025-01-01", "2025-06-30"},
		{"registry", "history", "2025-01-01", "2025-06-30"},
	} {
		for _, c := range []struct {
			env, flag string
			want      bool
		}{
			{"NO_COLOR=", "", true}, {"NO_COLOR=1", "", false}, {"TERM=dumb", "", false},
			{"NO_COLOR=", "--color=never", false}, {"NO_COLOR=1", "--color=always", true},
		} {
			env := []string{"TERM=xterm", "NO_COLOR=", c.env}
			out := onTerminal(t, 120, env, append(slices.Clone(args), strings.Fields(c.flag)...)...)
			if got := strings.Contains(out, "\x1b["); got != c.want {
				t.Errorf("%s portannot %q %s: colour %v, want %v", c.env, args, c.flag, got, c.want)
			}
			if strings.Contains(out, "\x1b[32m") {
				t.Errorf("portannot %q: green", args)
			}
		}
	}
}
