package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v4"
)

var pinned40 = regexp.MustCompile(`^[^@]+@[0-9a-f]{40}$`)

// The workflow that writes to the repository runs every week, and no code but that of
// the commits it names.
func TestRegistryWorkflow(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(repoRoot(t), ".github", "workflows", "registry.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var w struct {
		On struct {
			Schedule []struct{ Cron string }
		}
		Jobs map[string]struct {
			Steps []struct{ Uses, Run string }
		}
	}
	if err := yaml.Unmarshal(b, &w); err != nil {
		t.Fatal(err)
	}
	if len(w.On.Schedule) != 1 || !regexp.MustCompile(`^\d+ \d+ \* \* [0-6]$`).MatchString(w.On.Schedule[0].Cron) {
		t.Errorf("schedule %v", w.On.Schedule)
	}
	actions := 0
	for name, job := range w.Jobs {
		for _, s := range job.Steps {
			if s.Uses == "" {
				continue
			}
			if actions++; !pinned40.MatchString(s.Uses) {
				t.Errorf("%s: %s is not pinned by commit", name, s.Uses)
			}
		}
	}
	if actions == 0 {
		t.Error("no actions")
	}
}
