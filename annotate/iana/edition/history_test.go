package edition

import (
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/iana"
)

func asOf(t *testing.T, day string) *iana.Registry {
	t.Helper()
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	reg, err := iana.AsOf(d)
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

// Each step is what a comparison of the two editions finds.
func TestHistoryIsWhatEditionsSay(t *testing.T) {
	dates := iana.KnownEditions()
	step := 29
	if testing.Short() {
		step = 200
	}
	steps := History("", "")
	byDate := map[string]Step{}
	for i, s := range steps {
		if i > 0 && s.Edition <= steps[i-1].Edition {
			t.Errorf("%s after %s", s.Edition, steps[i-1].Edition)
		}
		byDate[s.Edition] = s
	}
	for n := 1; n < len(dates); n += step {
		if dates[n] == dates[n-1] {
			continue
		}
		got, want := byDate[dates[n]].Changes, Compare(asOf(t, dates[n-1]), asOf(t, dates[n]))
		if len(got) != len(want) {
			t.Errorf("%s: %d changes, want %d: %v, want %v", dates[n], len(got), len(want), got, want)
			continue
		}
		for i := range got {
			if got[i].String() != want[i].String() {
				t.Errorf("%s: %v, want %v", dates[n], got[i], want[i])
			}
		}
	}
}

func TestHistoryOfDays(t *testing.T) {
	steps := History("2026-01-23", "2026-02-02")
	if len(steps) != 1 || steps[0].Edition != "2026-02-02" {
		t.Fatalf("%v", steps)
	}
	found := false
	for _, c := range steps[0].Changes {
		found = found || c.String() == "11434/tcp: added: ollama (Ollama)"
	}
	if !found {
		t.Errorf("%v", steps[0].Changes)
	}
	if steps := History("2026-08-17", ""); len(steps) != 0 {
		t.Errorf("after the last edition: %v", steps)
	}
}

func BenchmarkHistory(b *testing.B) {
	for b.Loop() {
		History("", "")
	}
}
