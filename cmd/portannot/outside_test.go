package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOutsideProgram: a program of twenty lines, in a module of its own, prints
// what the command prints, VLANs and tunnels included, on any number of cores.
func TestOutsideProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	root := repoRoot(t)
	source, err := os.ReadFile(filepath.Join(root, "testdata", "outside", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "\nfunc main() {\n")
	if n := strings.Count("func main() {\n"+body, "\n"); n > 20 {
		t.Errorf("main has %d lines, want at most 20", n)
	}

	// Its module requires ours, which is the one here, and what ours requires.
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod = regexp.MustCompile(`(?m)^module .*$`).ReplaceAll(mod, []byte("module example.org/outside"))
	mod = append(mod, "\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n"...)
	dir := t.TempDir()
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"go.mod": mod, "go.sum": sums, "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "outside.exe")
	build := exec.Command("go", "build", "-mod=mod", "-o", program, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}

	captures, err := filepath.Glob(filepath.Join(root, "testdata", "captures", "*.pcap*"))
	if err != nil || len(captures) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	records := 0
	for _, capture := range captures {
		var want, problems bytes.Buffer
		run(context.Background(), []string{"-q", "-o", "json", "-r", capture}, strings.NewReader(""), &want, &problems)
		for _, cores := range []string{"1", "2", "8"} {
			command := exec.Command(program, capture)
			command.Env = append(os.Environ(), "GOMAXPROCS="+cores)
			got, err := command.Output()
			if err != nil && problems.Len() == 0 {
				t.Errorf("%s: %v", filepath.Base(capture), err)
			}
			if !bytes.Equal(got, want.Bytes()) {
				t.Errorf("%s on %s cores: not what the command prints", filepath.Base(capture), cores)
			}
		}
		records += bytes.Count(want.Bytes(), []byte("\n"))
	}
	t.Logf("%d captures, %d records", len(captures), records)
	if records < 100 {
		t.Errorf("only %d records compared", records)
	}
}
