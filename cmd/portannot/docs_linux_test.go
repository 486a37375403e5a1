package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestDocs runs every "$ " line of the console blocks of the README and of the
// topics of help, on a terminal 100 columns wide and in an environment with
// nothing in it, and compares what it prints with what stands below it. A line
// "..." there stands for any lines. With UPDATE_GOLDEN=1, it writes down what is
// printed.
//
// The commands of one file run in a folder of their own, one after the other.
// Building and testing are shown in the README too; they are what .ci/run does.
func TestDocs(t *testing.T) {
	long(t)
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "portannot"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	examples := 0
	for _, file := range docFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) { examples += runExamples(t, file, bin) })
	}
	if examples < 30 {
		t.Errorf("%d examples found", examples)
	}
}

// console matches a block of commands and what they print.
var console = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

func runExamples(t *testing.T, file, bin string) (examples int) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(repoRoot(t), "testdata"), filepath.Join(dir, "testdata")); err != nil {
		t.Fatal(err)
	}
	changed := console.ReplaceAllStringFunc(string(b), func(block string) string {
		body := console.FindStringSubmatch(block)[1]
		var made strings.Builder
		made.WriteString("```console\n")
		for _, ex := range strings.Split("\n"+body, "\n$ ")[1:] {
			command, want, _ := strings.Cut(ex, "\n")
			want = strings.TrimRight(want, "\n")
			fmt.Fprintf(&made, "$ %s\n", command)
			if runs := examplesRun(t, command); runs {
				examples++
				got := strings.TrimRight(printed(t, dir, bin, command), "\n")
				if !matchLines(strings.Split(want, "\n"), strings.Split(got, "\n")) {
					if os.Getenv("UPDATE_GOLDEN") != "" && !slices.Contains(strings.Split(want, "\n"), "...") {
						want = got
					} else {
						t.Errorf("$ %s\nprints:\n%s\n%s shows:\n%s", command, got, filepath.Base(file), want)
					}
				}
			}
			if want != "" {
				made.WriteString(want + "\n")
			}
		}
		return made.String() + "```"
	})
	if os.Getenv("UPDATE_GOLDEN") != "" && changed != string(b) {
		if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return examples
}

// examplesRun reports whether a command is one to run here.
func examplesRun(t *testing.T, command string) bool {
	program, _, _ := strings.Cut(command, " ")
	if slices.Contains([]string{"go", "git", "sudo"}, program) {
		return false
	}
	for _, other := range []string{"jq", "duckdb"} {
		if strings.Contains(command, "| "+other+" ") {
			if _, err := exec.LookPath(other); err != nil {
				t.Logf("no %s here: $ %s", other, command)
				return false
			}
		}
	}
	return true
}

// printed gives what a command of the shell prints on a terminal, both outputs
// together.
func printed(t *testing.T, dir, bin, command string) string {
	t.Helper()
	master, terminal := openTerminal(t, 100)
	defer master.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + bin + ":/usr/local/bin:/usr/bin:/bin", "HOME=" + dir, "TERM=xterm", "NO_COLOR=1", "PAGER=cat", "LC_ALL=C"}
	cmd.Stdout, cmd.Stderr = terminal, terminal
	err := cmd.Start()
	terminal.Close()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	out.ReadFrom(master) // ends in EIO when the command has ended
	// A command that is shown to fail prints its status.
	if err := cmd.Wait(); err != nil {
		t.Errorf("$ %s: %v\n%s", command, err, out.String())
	}
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

// openTerminal opens a pseudo-terminal of a width, and gives both its ends.
func openTerminal(t *testing.T, width int) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	return master, terminal
}

// matchLines compares lines; "..." matches any number of them.
func matchLines(want, got []string) bool {
	for len(want) > 0 {
		if strings.TrimSpace(want[0]) == "..." {
			for skip := range len(got) + 1 {
				if matchLines(want[1:], got[skip:]) {
					return true
				}
			}
			return false
		}
		if len(got) == 0 || strings.TrimRight(want[0], " ") != strings.TrimRight(got[0], " ") {
			return false
		}
		want, got = want[1:], got[1:]
	}
	return len(got) == 0
}
