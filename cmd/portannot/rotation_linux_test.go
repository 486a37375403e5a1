package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/portannot/portannot/capture"
)

// packetsIn counts the packets of captures, each of which must be complete.
func packetsIn(t *testing.T, files ...string) (n int) {
	t.Helper()
	for _, name := range files {
		r, err := capture.Open(name, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var batch [64]capture.Packet
		for err == nil {
			var k int
			k, err = r.Next(batch[:])
			n += k
		}
		if problems, _ := r.Problems(); err != io.EOF || len(problems) > 0 {
			t.Errorf("%s: %v, %v", name, err, problems)
		}
		r.Close()
	}
	return n
}

// speak sends datagrams on the loopback interface.
func speak(t *testing.T, n int) {
	t.Helper()
	from, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(from)
	for range n {
		_ = unix.Sendto(from, make([]byte, 1000), 0, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}})
		time.Sleep(100 * time.Microsecond)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// number gives a number that the program has said.
func (p *program) number(pattern string) int {
	p.t.Helper()
	m := regexp.MustCompile(pattern).FindAllStringSubmatch(p.stderr.String(), -1)
	if m == nil {
		p.t.Fatalf("no %q in %q", pattern, p.stderr.String())
	}
	n, _ := strconv.Atoi(m[len(m)-1][1])
	return n
}

// TestRotateLive: files of both kinds are rotated from within the sandbox, as
// another user, while SIGUSR2 comes twice; an older capture is not overwritten.
func TestRotateLive(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for up := filepath.Dir(dir); len(up) > len(os.TempDir()); up = filepath.Dir(up) {
		_ = os.Chmod(up, 0o755) // for nobody
	}
	path := filepath.Join(dir, "live.pcapng")
	if err := os.WriteFile(path, demo(t), 0o644); err != nil {
		t.Fatal(err)
	}
	p := startProgram(t, "-i", "lo", "-v", "-w", path, "-o", "csv", "--output-file", filepath.Join(dir, "flows.csv"), "--idle-timeout", "1s",
		"--rotate", "1h,100KB", "--compress", "gzip", "-f", "udp port 9 or icmp")
	if !waitsForPackets(p) {
		t.Skip("no right to capture")
	}
	speak(t, 400)
	time.Sleep(1500 * time.Millisecond)
	renamed := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	for _, to := range renamed {
		if os.Rename(path, to) == nil {
			p.cmd.Process.Signal(unix.SIGUSR2)
		}
		time.Sleep(100 * time.Millisecond)
	}
	speak(t, 100)
	time.Sleep(1500 * time.Millisecond)
	if code := p.end(); code != exitDone {
		t.Errorf("exit status %d: %s", code, p.stderr.String())
	}
	p.find(`-w .*: the older file is now (.*)\n`)
	files := glob(t, filepath.Join(dir, "live*.pcapng*"))
	if _, err := os.Stat(renamed[1]); err == nil {
		files = append(files, renamed[1])
	}
	files = append(files, renamed[0])
	if len(files) < 7 {
		t.Errorf("files %q", files)
	}
	// The older capture is one of them: it has 98 packets.
	read := p.number(`read (\d+) packets on lo`)
	if n := packetsIn(t, files...); n != read+98 {
		t.Errorf("%d packets in %d files, %d read and 98: %s", n, len(files), read, p.stderr.String())
	}
	if b, err := os.ReadFile(filepath.Join(dir, "flows.csv")); err != nil || !bytes.HasPrefix(b, []byte("@timestamp,")) || bytes.Count(b, []byte("\n")) < 2 {
		t.Errorf("flows: %v, %q", err, b)
	}
}

// TestFullDiskLive: a full disk ends no run, and packets that could not be written
// are counted.
func TestFullDiskLive(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=256k", "portannot", dir).CombinedOutput(); err != nil {
		t.Skipf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", dir).Run() })
	path := filepath.Join(dir, "live.pcapng")
	p := startProgram(t, "-i", "lo", "-v", "--user", "", "-w", path, "-f", "udp port 9 or icmp", "--metrics", "127.0.0.1:0")
	if !waitsForPackets(p) {
		t.Skip("no right to capture")
	}
	if err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 128<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	speak(t, 600) // more than twice what there is room for
	p.find(`(write .*live.pcapng: no space left on device: \d+ bytes wait)`)
	packetsIn(t, path) // whole, however full
	if err := os.Remove(filepath.Join(dir, "filler")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	if code := p.end(); code != exitFailure {
		t.Errorf("exit status %d", code)
	}
	said := p.stderr.String()
	read, lost, wrote := p.number(`read (\d+) packets on lo`), p.number(`live.pcapng: (\d+) packets not written`), p.number(`wrote (\d+) packets`)
	if icmp := p.number(`decoded: (\d+) ICMP error`); read != lost+wrote || read != p.number(`on lo: (\d+) decoded`)+icmp {
		t.Errorf("%d read, %d lost, %d written: %s", read, lost, wrote, said)
	}
	if n := packetsIn(t, path); n != wrote {
		t.Errorf("%d packets in the file, %d written", n, wrote)
	}
}
