package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this test binary as portannot.
func TestMain(m *testing.M) {
	now = func() time.Time { return time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC) } // when no edition is old
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") != "portannot" {
		// The edition that the user may have installed is none of a test's, nor is
		// what a test of another process leaves.
		os.Setenv("XDG_DATA_HOME", filepath.Join(os.TempDir(), "portannot-test-no-such-folder-"+strconv.Itoa(os.Getpid())))
	}
	testscript.Main(m, map[string]func(){"portannot": testedProgram, "portannot-replay": replay})
}

// confinedVariable asks the tested program to give up its rights in any case.
const confinedVariable = "PORTANNOT_TEST_CONFINED"

// testedProgram is main, but for a run that measures coverage: what was covered is
// written to a file at the end, which a sandbox refuses.
func testedProgram() {
	if testing.CoverMode() == "" || os.Getenv(confinedVariable) != "" {
		main()
	}
	os.Exit(run(untilSignalled(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// TestScript runs the transcripts in testdata/script: each is a session of
// commands and what they print, named after what it pins.
//
// They may use, beyond what testscript has:
//
//	$TESTDATA              the repository's testdata folder
//	$SHARED, [shared]      published editions and real captures, where present
//	$DATA                  the user's data folder: empty, and the script's own
//	exits CODE prog args   run a program, which must end with this exit code
//	head N prog args       read N lines of a program's output, and close it
//
// With UPDATE_SCRIPTS=1, what cmp compares with is rewritten.
func TestScript(t *testing.T) {
	root := repoRoot(t)
	shared := sharedFolder(root)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join(root, "testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("TESTDATA", filepath.Join(root, "testdata"))
			e.Setenv("SHARED", shared)
			// Nothing of the machine's user or terminal may leak in.
			data := filepath.Join(e.WorkDir, ".data")
			e.Setenv("DATA", data)
			e.Setenv("XDG_DATA_HOME", data)
			e.Setenv("LOCALAPPDATA", data)
			e.Setenv("NO_COLOR", "")
			e.Setenv("TZ", "UTC")
			e.Setenv("SOURCE_DATE_EPOCH", "1789376400")
			e.Setenv("GORACE", os.Getenv("GORACE"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "shared" {
				return shared != "", nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits,
			"head":  scriptHead,
		},
	})
}

// scriptExits runs a program that must end with a given exit code. "exec" can
// only tell 0 from the rest.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE prog args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// scriptHead reads the first lines of what a program prints, closes its
// standard output as `| head` does, and shows them. The program must end with
// exit code 0 and say nothing.
func scriptHead(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: head N prog args...")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := exec.LookPath(filepath.Join(filepath.SplitList(ts.Getenv("PATH"))[0], args[1]))
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+ts.Getenv("XDG_DATA_HOME"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewReader(pipe)
	for range n {
		line, err := lines.ReadString('\n')
		fmt.Fprint(ts.Stdout(), line)
		ts.Check(err)
	}
	pipe.Close()
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
		ts.Fatalf("after its output was closed: %v; standard error %q", err, stderr.String())
	}
}

// long skips a test with -short, which is how the race detector's run goes: it
// takes many seconds under it, and starts no goroutine that could be watched.
func long(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("long: not with -short")
	}
}

// repoRoot finds the folder with go.mod, above that of the package.
func repoRoot(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the package")
		}
		dir = up
	}
}

// sharedFolder finds the published editions and captures that lie beside the
// repository and are not part of it; "" if they are not there.
func sharedFolder(root string) string {
	dir := filepath.Join(filepath.Dir(root), "shared")
	if _, err := os.Stat(filepath.Join(dir, "registry")); err != nil {
		return ""
	}
	return dir
}

// TestHelpExamples runs the examples that each help ends in, in a folder with
// the repository's testdata. Those of one help run one after the other, and may
// use what the ones before left.
func TestHelpExamples(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	for _, c := range testProgram().All() {
		t.Run(c.Path(), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Symlink(filepath.Join(repoRoot(t), "testdata"), filepath.Join(dir, "testdata")); err != nil {
				t.Skip(err)
			}
			// The name under which the help installs an edition from a file.
			if err := os.WriteFile(filepath.Join(dir, "service-names-port-numbers.xml"), newerEdition(t), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, line := range c.Examples {
				if line == "portannot registry update" || strings.Contains(line, "(as root)") || strings.Contains(line, "--listen") || strings.Contains(line, "kafka://") || strings.HasPrefix(line, "portannot top") {
					continue // asks IANA; needs an interface, and leave to capture; waits for exporters; needs brokers; needs a terminal
				}
				cmd := exec.Command(shell, "-c", line)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+filepath.Join(dir, "data"))
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				if err := cmd.Run(); err != nil || strings.Contains(stderr.String(), "hint:") {
					t.Errorf("%s: %v: %s", line, err, stderr.Bytes())
				}
			}
		})
	}
}
