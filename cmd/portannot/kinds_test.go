package main

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// A log that is refused as another kind of file is lost to its user, so every sample
// is tried, damaged ones too.
func TestLogsAreNotOtherKinds(t *testing.T) {
	n := 0
	err := filepath.WalkDir(filepath.Join(repoRoot(t), "testdata", "flowlogs"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(filepath.Base(path), "README") {
			return err
		}
		switch filepath.Ext(path) {
		case ".golden", ".options", ".sh", ".go", ".py":
			return nil
		}
		n++
		if kind := notLog(beginning(path)); kind != unknownKind {
			t.Errorf("%s: taken for %s", path, fileKinds[kind].is)
		}
		return nil
	})
	if err != nil || n < 100 {
		t.Errorf("%d samples, %v", n, err)
	}
}

func TestKinds(t *testing.T) {
	testdata := filepath.Join(repoRoot(t), "testdata")
	rulesDir := filepath.Join("..", "..", "annotate", "review", "rules", "testdata")
	for pattern, want := range map[string]fileKind{
		filepath.Join(testdata, "captures", "*.pcap*"):            captureKind,
		filepath.Join(testdata, "flowlogs", "zeek", "conn.log"):   logKind,
		filepath.Join(testdata, "flowlogs", "eve", "suric*json"):  logKind,
		filepath.Join(testdata, "flowlogs", "aws", "default.log"): logKind,
		filepath.Join(testdata, "review", "report.json"):          reportKind,
		filepath.Join(testdata, "review", "policy.yaml"):          policyKind,
		filepath.Join(testdata, "review", "ruleset.*"):            rulesKind,
		filepath.Join(rulesDir, "[acino]*.*"):                     rulesKind,
		filepath.Join(rulesDir, "*.json"):                         rulesKind,
		filepath.Join(rulesDir, "vendor", "*.*"):                  rulesKind,
	} {
		paths, _ := filepath.Glob(pattern)
		if len(paths) == 0 {
			t.Errorf("%s: no file", pattern)
		}
		for _, path := range paths {
			if got := kindOfFile(path); got != want {
				t.Errorf("%s: kind %d, want %d", path, got, want)
			}
		}
	}
}

func FuzzKindOf(f *testing.F) {
	for _, seed := range []string{"#fields\tts", `{"nftables":[`, `[{"GroupId":1}]`, "<registry", "version: 1\nexpected:", "\x1f\x8b\x08", "\xd4\xc3\xb2\xa1"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if kind, no := kindOf(b), notLog(b); no != unknownKind && no != kind {
			t.Errorf("kind %d, and no log as it is %d", kind, no)
		}
	})
}
