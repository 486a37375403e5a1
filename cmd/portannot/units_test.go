package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestUnits: the command lines of the systemd units are right, with the flags that they
// have by default.
func TestUnits(t *testing.T) {
	units, err := filepath.Glob(filepath.Join(repoRoot(t), ".packaging", "*.service"))
	if err != nil || len(units) < 2 {
		t.Fatalf("%d units: %v", len(units), err)
	}
	variable := regexp.MustCompile(`(?m)^Environment=(\w+)="(.*)"$`)
	command := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/portannot (.*)$`)
	for _, unit := range units {
		b, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		// What systemd puts in: its folder, the interface, and the variables.
		values := []string{"${STATE_DIRECTORY}", t.TempDir(), "%I", "eth0", "%i", "eth0"}
		for _, m := range variable.FindAllStringSubmatch(string(b), -1) {
			values = append(values, "$"+m[1], m[2])
		}
		m := command.FindStringSubmatch(string(b))
		if m == nil {
			t.Fatalf("%s starts no portannot", unit)
		}
		line := strings.NewReplacer(values...).Replace(m[1])
		if strings.ContainsAny(line, "$%") {
			t.Errorf("%s: %s: something is not put in", filepath.Base(unit), line)
		}
		c, rest := testProgram().Find(strings.Fields(line))
		if _, err := c.Parse(rest); err != nil {
			t.Errorf("%s: portannot %s: %v", filepath.Base(unit), line, err)
		}
	}
}
