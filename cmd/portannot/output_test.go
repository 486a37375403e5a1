package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// demo gives the demo capture.
func demo(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("../../testdata/captures/demo.pcap")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOutputOfPartOfTheInput: what was made from a damaged input becomes a new file
// and replaces no older one; from one whose reading was interrupted, nothing does.
// A policy is learned from whole input alone.
func TestOutputOfPartOfTheInput(t *testing.T) {
	whole := demo(t)
	dir := t.TempDir()
	damaged, sound := filepath.Join(dir, "damaged.pcap"), filepath.Join(dir, "sound.pcap")
	for path, b := range map[string][]byte{damaged: whole[:len(whole)-9], sound: whole} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name, input string
		ctx         context.Context
		old, fresh  bool // an older file is replaced, a new one made
	}{
		{"whole", sound, context.Background(), true, true},
		{"damaged", damaged, context.Background(), false, true},
		{"interrupted", sound, stopped, false, false},
	} {
		for _, command := range [][]string{{"-w"}, {"review", "-w"}, {"review", "--write-policy"}} {
			for _, older := range []bool{true, false} {
				path := filepath.Join(dir, "out")
				os.Remove(path)
				if older {
					if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				var stderr bytes.Buffer
				args := append(slices.Clone(command), path, "-r", c.input)
				code := run(c.ctx, args, nil, new(bytes.Buffer), &stderr)
				if want := map[bool]int{true: exitDone, false: exitFailure}[c.input == sound && c.ctx != stopped]; code != want {
					t.Errorf("%s: %q: exit status %d, want %d: %s", c.name, args, code, want, stderr.String())
				}
				b, err := os.ReadFile(path)
				written := err == nil && string(b) != "old"
				want := older && c.old || !older && c.fresh && (c.input == sound || command[len(command)-1] != "--write-policy")
				if written != want {
					t.Errorf("%s: %q, an older file: %v: written %v, want %v: %s", c.name, args, older, written, want, stderr.String())
				}
				if !written && !strings.Contains(stderr.String(), path+": ") {
					t.Errorf("%s: %q: nothing says that it is not written: %s", c.name, args, stderr.String())
				}
				left, err := filepath.Glob(filepath.Join(dir, ".*"))
				if err != nil || len(left) > 0 {
					t.Errorf("%s: %q: left %q, %v", c.name, args, left, err)
				}
			}
		}
	}
}

// TestReaderGone: that nobody reads the flows is no reason to leave out -w.
func TestReaderGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.pcapng")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	var stderr bytes.Buffer
	code := run(context.Background(), []string{"-q", "-r", "../../testdata/captures/demo.pcap", "-w", path}, nil, w, &stderr)
	if st, err := os.Stat(path); code != exitDone || err != nil || st.Size() < 1000 {
		t.Errorf("exit status %d, %v: %s", code, err, stderr.String())
	}
	// The reader of -w is none of standard output's.
	pipe := fmt.Sprintf("/proc/self/fd/%d", w.Fd())
	if _, err := os.Stat(pipe); err != nil {
		t.Skip(err)
	}
	stderr.Reset()
	if code := run(context.Background(), []string{"-q", "-r", "../../testdata/captures/demo.pcap", "-w", pipe}, nil, new(bytes.Buffer), &stderr); code != exitFailure {
		t.Errorf("-w to a pipe that nobody reads: exit status %d: %s", code, stderr.String())
	}
}

// TestRecursiveLeavesTemporaries: what a killed run left behind is not read.
func TestRecursiveLeavesTemporaries(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.pcap", ".portannot-b.pcapng.1x2.part"} {
		if err := os.WriteFile(filepath.Join(dir, name), demo(t), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stderr bytes.Buffer
	if code := run(context.Background(), []string{"--recursive", "-r", dir}, nil, new(bytes.Buffer), &stderr); code != exitDone ||
		!strings.Contains(stderr.String(), "from 1 file:") {
		t.Errorf("exit status %d: %s", code, stderr.String())
	}
}
