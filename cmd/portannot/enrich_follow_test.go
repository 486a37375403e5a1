package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// growingLog is a log as its writer has it: each record has a number.
type growingLog struct {
	t    *testing.T
	path string
	f    *os.File
	n    int
}

func newGrowingLog(t *testing.T) *growingLog {
	l := &growingLog{t: t, path: filepath.Join(t.TempDir(), "eve.json")}
	l.create()
	return l
}

func (l *growingLog) check(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// create opens the file of the path, as a writer does that was told to.
func (l *growingLog) create() {
	l.t.Helper()
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	l.check(err)
	if l.f != nil {
		l.f.Close()
	}
	l.f = f
}

// write writes records, some of them in two parts.
func (l *growingLog) write(n int) {
	l.t.Helper()
	var b bytes.Buffer
	for range n {
		fmt.Fprintf(&b, `{"ts":1789376400.1,"uid":"C%06d","id.orig_h":"192.0.2.1","id.orig_p":50000,"id.resp_h":"192.0.2.2","id.resp_p":443,"proto":"tcp"}`+"\n", l.n)
		l.n++
	}
	half := b.Len() - 40
	for _, part := range [][]byte{b.Bytes()[:half], b.Bytes()[half:]} {
		_, err := l.f.Write(part)
		l.check(err)
	}
}

func (l *growingLog) rename(from, to string) { l.t.Helper(); l.check(os.Rename(from, to)) }

// compress does what gzip does: a new file takes the place of one.
func (l *growingLog) compress(name string) {
	l.t.Helper()
	b, err := os.ReadFile(name)
	l.check(err)
	st, err := os.Stat(name)
	l.check(err)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(b)
	w.Close()
	l.check(os.WriteFile(name+".gz", z.Bytes(), 0o644))
	l.check(os.Chtimes(name+".gz", st.ModTime(), st.ModTime()))
	l.check(os.Remove(name))
}

// copyTruncate does what logrotate does with copytruncate.
func (l *growingLog) copyTruncate(to string) {
	l.t.Helper()
	b, err := os.ReadFile(l.path)
	l.check(err)
	l.check(os.WriteFile(to, b, 0o644))
	l.check(os.Truncate(l.path, 0))
}

// seen counts how often each record was written, annotated.
func (l *growingLog) seen(out string) map[string]int {
	l.t.Helper()
	count := map[string]int{}
	outputs, err := filepath.Glob(strings.TrimSuffix(out, ".json") + "*.json")
	l.check(err)
	for _, name := range outputs {
		b, err := os.ReadFile(name)
		l.check(err)
		b = b[:bytes.LastIndexByte(b, '\n')+1]
		for line := range bytes.Lines(b) {
			_, rest, ok := bytes.Cut(line, []byte(`"uid":"C`))
			if !ok || len(rest) < 6 || !bytes.Contains(rest, []byte(`"portannot":`)) {
				l.t.Errorf("%s: %q", name, line)
				continue
			}
			count[string(rest[:6])]++
		}
	}
	return count
}

// await waits until all records are there, and checks that each is there once.
func (l *growingLog) await(p *program, out string) {
	l.t.Helper()
	var seen map[string]int
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(500 * time.Millisecond) {
		if seen = l.seen(out); len(seen) >= l.n || time.Now().After(end) {
			break
		}
	}
	lost, twice := 0, 0
	first := ""
	for i := range l.n {
		id := fmt.Sprintf("%06d", i)
		switch n := seen[id]; {
		case n == 0:
			if lost++; first == "" {
				first = id
			}
		case n > 1:
			twice++
		}
	}
	if lost+twice > 0 {
		l.t.Errorf("of %d records %d are lost (the first: %s), and %d there twice: %s", l.n, lost, first, twice, p.stderr.String())
	}
}

// TestFollowRotations: 100,000 records through the rotations there are, with a run that
// is killed and started again in each; none is lost, and none comes twice.
func TestFollowRotations(t *testing.T) {
	long(t)
	if runtime.GOOS == "windows" {
		t.Skip("open files are not renamed")
	}
	const some = 1000
	for _, c := range []struct {
		name string
		// down is done while no run is there.
		rotate, down func(l *growingLog)
	}{
		{"create", func(l *growingLog) {
			l.rename(l.path, l.path+".1")
			l.create()
		}, nil},
		{"nocreate, and a late writer", func(l *growingLog) {
			l.rename(l.path, l.path+".1")
			for range 10 {
				l.write(some / 10)
				time.Sleep(100 * time.Millisecond)
			}
			l.create()
		}, nil},
		{"create, and a late writer", func(l *growingLog) {
			l.rename(l.path, l.path+"-20261201")
			other, err := os.Create(l.path)
			l.check(err)
			other.Close()
			time.Sleep(time.Second)
			l.write(some)
			l.create()
		}, nil},
		{"twice within milliseconds", func(l *growingLog) {
			l.rename(l.path, l.path+".1")
			l.create()
			l.write(some)
			l.rename(l.path+".1", l.path+".2")
			l.rename(l.path, l.path+".1")
			l.create()
		}, nil},
		{"copytruncate", func(l *growingLog) { l.copyTruncate(l.path + ".1") }, nil},
		{"compressed, while it was down", nil, func(l *growingLog) {
			l.rename(l.path, l.path+".1")
			l.create()
			l.write(some)
			l.rename(l.path+".1", l.path+".2")
			l.compress(l.path + ".2")
			l.rename(l.path, l.path+".1")
			l.create()
		}},
		{"twice, while it was down", nil, func(l *growingLog) {
			l.rename(l.path, l.path+".1")
			l.create()
			l.write(some)
			l.rename(l.path+".1", l.path+".2")
			l.rename(l.path, l.path+".1")
			l.create()
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newGrowingLog(t)
			out, position := filepath.Join(t.TempDir(), "out.json"), filepath.Join(t.TempDir(), "position")
			start := func() *program {
				return startProgram(t, "enrich", "--user", "", "--follow", "--rotate-wait", "2s", "--position", position, "--output-file", out, l.path)
			}
			p := start()
			l.write(some)
			l.await(p, out)
			l.write(4 * some)
			if c.rotate != nil {
				c.rotate(l)
			}
			l.write(4 * some)
			l.await(p, out)
			for range 3 {
				l.write(some)
				time.Sleep(400 * time.Millisecond)
			}
			p.cmd.Process.Kill() // with records in hand that are not in the position file
			p.cmd.Wait()
			l.write(some)
			if c.down != nil {
				c.down(l)
			}
			l.write(some)
			p = start()
			l.write(some)
			l.await(p, out)
			if code := p.end(); code != exitDone {
				t.Errorf("exit status %d: %s", code, p.stderr.String())
			}
			l.await(p, out)
		})
	}
}

// TestFollowMany: several logs and a pattern, of which some come later; a log that was
// renamed is not read again under its new name. Each keeps its header.
func TestFollowMany(t *testing.T) {
	dir := t.TempDir()
	log, err := os.ReadFile(filepath.Join(repoRoot(t), "testdata", "flowlogs", "zeek", "conn.log"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), log, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a.log")
	p := startProgram(t, "enrich", "--user", "", "--follow", "-o", "csv", "--rotate-wait", "500ms", filepath.Join(dir, "later.txt"), filepath.Join(dir, "*.log"))
	rows := func(n int) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); strings.Count(p.stdout.String(), "\n") < n+1 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		}
		time.Sleep(300 * time.Millisecond)
		if got := strings.Count(p.stdout.String(), "\n"); got != n+1 {
			t.Errorf("%d lines, want a header and %d: %s", got, n, p.stderr.String())
		}
	}
	rows(7)
	write("later.txt")
	rows(14)
	write("b.log")
	rows(21)
	if runtime.GOOS != "windows" {
		if err := os.Rename(filepath.Join(dir, "a.log"), filepath.Join(dir, "a.2026-12-01.log")); err != nil {
			t.Fatal(err)
		}
		write("a.log")
		rows(28)
	}
	if code := p.end(); code != exitDone || strings.Count(p.stdout.String(), "@timestamp") != 1 {
		t.Errorf("exit status %d: %s", code, p.stderr.String())
	}
	p.find(`(read \d+ lines from 3 logs: (21|28) flows)`)
}

// TestFollowHalfLine: a line that was never finished is not glued to the next file.
func TestFollowHalfLine(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("open files are not renamed")
	}
	l := newGrowingLog(t)
	l.write(1)
	p := startProgram(t, "enrich", "--user", "", "--follow", "--rotate-wait", "300ms", l.path)
	p.stdout.await(t, `C000000`)
	io.WriteString(l.f, `{"ts":17893764`)
	l.rename(l.path, l.path+".1")
	l.create()
	l.write(1)
	p.stdout.await(t, `C000001`)
	if code := p.end(); code != exitFailure || !strings.Contains(p.stdout.String(), "{\"ts\":17893764\n{") {
		t.Errorf("exit status %d: %q", code, p.stdout.String())
	}
}

// TestFollowHalfLineAtEnd: nor is it where the run ends before the wait for late writers.
func TestFollowHalfLineAtEnd(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("open files are not renamed")
	}
	for _, position := range []bool{false, true} {
		l := newGrowingLog(t)
		l.write(1)
		args := []string{"enrich", "--user", "", "--follow", "--rotate-wait", "1h", l.path}
		if position {
			args = append(args, "--position", filepath.Join(t.TempDir(), "position"))
		}
		p := startProgram(t, args...)
		p.stdout.await(t, `C000000`)
		io.WriteString(l.f, `{"ts":17893764`)
		l.rename(l.path, l.path+".1")
		l.create()
		l.write(1)
		time.Sleep(300 * time.Millisecond) // for the program to see it; the test holds if it does not
		if code := p.end(); code != exitFailure || !strings.Contains(p.stdout.String(), "{\"ts\":17893764\n{") {
			t.Errorf("position %v: exit status %d: %q %s", position, code, p.stdout.String(), p.stderr.String())
		}
	}
}
