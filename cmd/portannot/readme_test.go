package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestREADME runs every "$ " line of the README's console blocks from the
// repository's root and compares what it prints, on both outputs, with what
// stands below it. A line "..." there stands for any lines. Building and
// testing are shown in the README too; they are what .ci/run does.
func TestREADME(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the README's examples are for a POSIX shell")
	}
	root := repoRoot(t)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "portannot"), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	examples := 0
	for _, block := range consoleBlocks(string(readme)) {
		for _, ex := range strings.Split("\n"+block, "\n$ ")[1:] {
			command, want, _ := strings.Cut(ex, "\n")
			if strings.HasPrefix(command, "go ") || strings.HasPrefix(command, "git ") || strings.HasPrefix(command, "sudo ") {
				continue
			}
			examples++
			command = strings.ReplaceAll(command, "./portannot", "portannot")
			cmd := exec.Command("sh", "-c", command)
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "NO_COLOR=1", "XDG_DATA_HOME="+t.TempDir())
			out, err := cmd.CombinedOutput()
			if _, ok := err.(*exec.ExitError); err != nil && !ok {
				t.Fatal(err)
			}
			if !matchLines(strings.Split(strings.TrimSpace(want), "\n"), strings.Split(strings.TrimSpace(string(out)), "\n")) {
				t.Errorf("$ %s\nprints:\n%s\nREADME.md shows:\n%s", command, out, want)
			}
		}
	}
	if examples < 5 {
		t.Errorf("%d examples found in README.md", examples)
	}
}

// consoleBlocks gives the contents of the blocks fenced by ```console.
func consoleBlocks(md string) (blocks []string) {
	for _, part := range strings.Split(md, "\n```console\n")[1:] {
		block, _, _ := strings.Cut(part, "\n```")
		blocks = append(blocks, block)
	}
	return blocks
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
