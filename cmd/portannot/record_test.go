package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/record"
)

// TestSharedColumns prints flows as CSV, and the same flows as a log that is
// enriched to CSV. Each column of either stands in the table of fields; what both
// have under a name is the same value; and of a fact that the table gives to both,
// neither lacks the column.
func TestSharedColumns(t *testing.T) {
	ownData(t)
	captures, err := filepath.Glob(filepath.Join(repoRoot(t), "testdata", "captures", "*.pcap"))
	if err != nil || len(captures) == 0 {
		t.Fatal(err, captures)
	}
	rows := func(args ...string) [][]string {
		t.Helper()
		code, out, errs := runProgram(t, "", args...)
		if code != 0 {
			t.Fatalf("%q: exit code %d: %s", args, code, errs)
		}
		all, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	values := 0
	for _, capture := range captures {
		if filepath.Base(capture) == "link-unknown.pcap" {
			continue // has no flows
		}
		flowArgs := []string{"-q", "--observe", "off", "--evidence-peers", "0", "-r", capture, "-o"}
		flows := rows(append(flowArgs, "csv")...)
		log := filepath.Join(t.TempDir(), "flows.json")
		if _, out, _ := runProgram(t, "", append(flowArgs, "json")...); os.WriteFile(log, []byte(out), 0o600) != nil || out == "" {
			continue
		}
		logs := rows("enrich", "-q", "--format", "portannot", "-o", "csv", log)
		column := map[string]int{}
		for i, name := range flows[0] {
			column[name] = i
			if f, ok := record.Lookup(name); !ok || f.In&record.FlowCSV == 0 {
				t.Errorf("column %s of flows is not in the table of fields", name)
			}
		}
		if len(logs) != len(flows) {
			t.Fatalf("%s: %d rows of flows, %d of the log", capture, len(flows), len(logs))
		}
		for i, name := range logs[0] {
			f, ok := record.Lookup(name)
			if !ok || f.In&record.LogCSV == 0 {
				t.Errorf("column %s of logs is not in the table of fields", name)
			}
			at, both := column[name]
			if both != (f.In&record.FlowCSV != 0) {
				t.Errorf("column %s: also one of flows: %v", name, both)
			}
			if !both {
				continue
			}
			for n := 1; n < len(logs); n++ {
				if logs[n][i] != flows[n][at] {
					t.Errorf("%s, row %d, %s: %q of the flow, %q of the log", capture, n, name, flows[n][at], logs[n][i])
				}
				values++
			}
		}
	}
	if values < 1000 {
		t.Errorf("only %d values were compared", values)
	}
}
