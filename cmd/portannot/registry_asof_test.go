package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An old edition is mentioned once, with the command, unless the user named it.
func TestMentionAge(t *testing.T) {
	ownData(t)
	before := now
	defer func() { now = before }()
	capture := filepath.Join(repoRoot(t), "testdata", "captures", "old-traffic.pcap")
	for _, c := range []struct {
		today string
		args  []string
		want  int
	}{
		{"2027-02-13", []string{"lookup", "80/tcp", "443/tcp"}, 0}, // 180 days
		{"2027-02-14", []string{"lookup", "80/tcp", "443/tcp"}, 1},
		{"2027-02-14", []string{"-r", capture}, 1},
		{"2027-02-14", []string{"-q", "-r", capture}, 0},
		{"2027-02-14", []string{"review", "-r", capture}, 1},
		{"2027-02-14", []string{"lookup", "--registry", "embedded", "80/tcp"}, 0},
		{"2027-02-14", []string{"lookup", "--as-of", "2018-01-01", "80/tcp"}, 0},
		{"2027-02-14", []string{"-r", capture, "--as-of", "capture"}, 0},
	} {
		today, err := time.Parse(time.DateOnly, c.today)
		if err != nil {
			t.Fatal(err)
		}
		now = func() time.Time { return today.Add(time.Hour) }
		code, _, stderr := runProgram(t, "", c.args...)
		if got := strings.Count(stderr, "`portannot registry update` fetches the newest"); code != exitDone || got != c.want {
			t.Errorf("%s, %q: exit code %d, %d times, want %d: %s", c.today, c.args, code, got, c.want, stderr)
		}
	}
}

// An empty day, as of a shell variable that is not set, is not the present.
func TestAsOfEmpty(t *testing.T) {
	ownData(t)
	capture := filepath.Join(repoRoot(t), "testdata", "captures", "old-traffic.pcap")
	for _, args := range [][]string{
		{"lookup", "80/tcp"},
		{"registry", "info"},
		{"registry", "check"},
		{"registry", "export"},
		{"-r", capture},
		{"review", "-r", capture},
		{"enrich", capture},
	} {
		code, stdout, stderr := runProgram(t, "", append(args, "--as-of", "")...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, `--as-of "": want DATE`) {
			t.Errorf("%q with an empty day: exit code %d, %d bytes of output: %s", args, code, len(stdout), stderr)
		}
	}
}
