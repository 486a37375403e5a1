package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portannot/portannot/cmd/portannot/help"
)

// TestMan: there is a page for each command and topic, and mandoc finds nothing
// wrong with any.
func TestMan(t *testing.T) {
	dir := t.TempDir()
	if code, _, errs := runProgram(t, "", "man", filepath.Join(dir, "man")); code != exitDone || errs != "" {
		t.Fatalf("portannot man: exit code %d, %s", code, errs)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "man", "man[17]", "portannot*.[17]"))
	if err != nil {
		t.Fatal(err)
	}
	commands := testProgram().All()
	if want := len(commands) + len(help.Names()); len(pages) != want {
		t.Errorf("%d pages, want %d: %q", len(pages), want, pages)
	}
	for _, c := range commands {
		b, err := os.ReadFile(filepath.Join(dir, "man", "man1", strings.ReplaceAll(c.Path(), " ", "-")+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, flag := range longFlags(c.Help()) {
			if !strings.Contains(string(b), strings.ReplaceAll(flag, "-", `\-`)) {
				t.Errorf("%s: the page has no %s", c.Path(), flag)
			}
		}
	}
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("no mandoc here")
	}
	if out, err := exec.Command(mandoc, append([]string{"-Tlint"}, pages...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("mandoc -Tlint: %v\n%s", err, out)
	}
}
