package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portannot/portannot/annotate/iana"
)

// TestEveryOutputHasTheCaveat: all that says something of ports says, in the form
// that its format can carry, that a registration says nothing of the traffic; line
// formats in each object or row.
func TestEveryOutputHasTheCaveat(t *testing.T) {
	long(t)
	root := repoRoot(t)
	demo, log := filepath.Join(root, "testdata/captures/demo.pcap"), filepath.Join(root, "testdata/flowlogs/eve/suricata-7.json")
	zeek := filepath.Join(root, "testdata/flowlogs/zeek/conn.log")
	for _, command := range []struct {
		args  string
		lines bool // each line has it, but for a header that has its name
	}{
		{"-r " + demo, false},
		{"-r " + demo + " -o json", true},
		{"-r " + demo + " -o csv", true},
		{"-r " + demo + " --by service", false},
		{"-r " + demo + " --by service -o json", true},
		{"-r " + demo + " --by service -o csv", true},
		{"enrich " + log, false}, // records without flows stay as they are
		{"enrich -o csv " + log, true},
		{"enrich -o json " + zeek, true},
		{"review -r " + demo, false},
		{"review -r " + demo + " -o json", false},
		{"review -r " + demo + " -o csv", true},
		{"review -r " + demo + " -o csv-findings", true},
		{"review -r " + demo + " -o html", false},
		{"review -r " + demo + " -o sarif", false},
		{"review -r " + demo + " -o markdown", false},
		{"lookup 80 ollama", false},
		{"lookup --explain 80", false},
		{"lookup --history 2/tcp", false},
		{"lookup -o json 80 ollama", true},
		{"lookup -o json --explain 80", true},
		{"lookup -o json --history 2/tcp", true},
		{"registry info", false},
		{"registry info -o json", false},
		{"registry check", false},
		{"registry check -o json", true},
		{"registry diff 2024-01-01 2024-12-31", false},
		{"registry diff 2024-01-01 2024-12-31 --revised -o json", true},
		{"registry export", true},
		{"registry export -o json", true},
		{"registry export -o services", false},
		{"registry export -o table", true},
		{"registry export -o duckdb", false},
		{"registry export -o clickhouse", false},
		{"registry export -o spark", false},
		{"registry export -o splunk", true},
		{"registry export -o elasticsearch", false},
		{"registry export -o logstash", false},
		{"registry export -o vector", true},
		{"registry export -o zeek", false},
		{"registry export -o wireshark", false},
	} {
		args := strings.Fields(command.args)
		if args[0] == "registry" || args[0] == "lookup" {
			args = append(args, "--registry", "embedded")
			if strings.Contains(command.args, "diff") {
				args = args[:len(args)-2]
			}
		} else {
			args = append(args, "-q")
		}
		_, out, errs := runProgram(t, "", args...)
		if out == "" {
			t.Errorf("portannot %s: no output, %s", command.args, errs)
			continue
		}
		if !strings.Contains(out, iana.Caveat) && !strings.Contains(out, iana.Warning) {
			t.Errorf("portannot %s: no caveat", command.args)
		}
		if !command.lines {
			continue
		}
		for line := range bytes.Lines([]byte(out)) {
			if !bytes.Contains(line, []byte(iana.Caveat)) && !bytes.Contains(bytes.ToLower(line), []byte("caveat")) {
				t.Errorf("portannot %s: no caveat in %.200s", command.args, line)
				break
			}
		}
	}
}
