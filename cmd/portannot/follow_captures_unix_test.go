//go:build unix

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFollowRing: the files of a ring, of which none is there at first, give the flows
// that the whole capture has. Of each file the last packet is written late, in two parts.
func TestFollowRing(t *testing.T) {
	whole := demo(t)
	dir := t.TempDir()
	pattern := filepath.Join(dir, "ring_*.pcap")
	fields := []string{"-o", "csv", "--fields", "source.ip,source.port,destination.ip,destination.port,network.packets,network.bytes,portannot.service.port,portannot.observed.protocol"}
	p := startProgram(t, append([]string{"-r", pattern, "--follow"}, fields...)...)
	p.find(`(no file matches .*ring_\*\.pcap yet: it is waited for)`)
	head, rest := whole[:24], whole[24:]
	files := 0
	for len(rest) > 0 {
		n, last := 0, 0
		for range 12 {
			if n < len(rest) {
				last = n
				n += 16 + int(binary.LittleEndian.Uint32(rest[n+8:]))
			}
		}
		files++
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("ring_%d.pcap", files)))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range [][]byte{head, rest[:last], rest[last : last+20], rest[last+20 : n]} {
			if _, err := f.Write(part); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		f.Close()
		rest = rest[n:]
	}
	for end := time.Now().Add(20 * time.Second); !strings.Contains(p.stderr.String(), "read 98 packets so far: "); time.Sleep(50 * time.Millisecond) {
		p.cmd.Process.Signal(syscall.SIGUSR1)
		if time.Now().After(end) {
			t.Fatalf("not all is read: %s", p.stderr.String())
		}
	}
	if code := p.end(); code != exitDone {
		t.Errorf("exit status %d: %s", code, p.stderr.String())
	}
	if want := fmt.Sprintf("read 98 packets from %d files: 98 decoded", files); !strings.Contains(p.stderr.String(), want) {
		t.Errorf("no %q in %s", want, p.stderr.String())
	}
	want, err := exec.Command("portannot", append([]string{"-r", filepath.Join("..", "..", "testdata", "captures", "demo.pcap")}, fields...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	a, b := strings.Split(p.stdout.String(), "\n"), strings.Split(string(want), "\n")
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) {
		t.Errorf("flows\n%s\nwant\n%s", p.stdout.String(), want)
	}
}

// TestFollowUsage: what cannot be followed is said.
func TestFollowUsage(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--follow", "-r", "-"}, "--follow takes files, not standard input"},
		{[]string{"--follow", "-r", dir}, "--follow takes files"},
		{[]string{"--follow", "--recursive", "-r", dir}, "--recursive is not for --follow"},
		{[]string{"--follow", "-r", filepath.Join(dir, "ring_*"), "-w", filepath.Join(dir, "ring_out")}, "this file would be an input"},
		{[]string{"--follow", "-r", filepath.Join(dir, "ring_*"), "--output-file", filepath.Join(dir, "ring_out")}, "this file would be an input"},
	} {
		cmd := exec.Command("portannot", c.args...)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != exitUsage || !strings.Contains(string(out), c.says) {
			t.Errorf("%q: exit status %d: %s", c.args, code, out)
		}
	}
	cmd := exec.Command("portannot", "--follow", "-r", filepath.Join(dir, "none", "ring_*"))
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != exitFailure {
		t.Errorf("a folder that is not there: exit status %d: %s", cmd.ProcessState.ExitCode(), out)
	}
}
