package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
	if got := widest(onTerminal(t, 160, []string{"COLUMNS=90"}, "-q", "-r", capture)); got > 90 {
		t.Errorf("COLUMNS=90: a line of %d", got)
	}
	if out := onTerminal(t, 80, nil, "-q", "--wide", "-r", capture); !strings.HasPrefix(out, "START (UTC)") || widest(out) < 160 {
		t.Errorf("--wide lacks columns:\n%s", out)
	}
}
