package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/portannot/portannot/annotate/iana"
)

// tmux is a terminal in which a test can press keys, and look.
type tmux struct {
	t      *testing.T
	socket string
	dir    string
}

// newTmux starts portannot top in a terminal of this size. The shell around it notes the
// settings of the terminal before and after, standard error and the exit status.
func newTmux(t *testing.T, width, height int, env string, args ...string) *tmux {
	t.Helper()
	for _, program := range []string{"tmux", "bash"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m := &tmux{t: t, dir: t.TempDir()}
	m.socket = filepath.Join(m.dir, "tmux")
	script := fmt.Sprintf(`cd %q; stty -g > before; (echo $BASHPID > pid; %s exec -a portannot %q top %s) 2> err; echo $? > rc; stty -g > after; echo over; sleep 60`,
		m.dir, env, self, strings.Join(args, " "))
	m.run("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "bash", "-c", script)
	t.Cleanup(func() { m.run("kill-server") })
	return m
}

func (m *tmux) run(args ...string) string {
	m.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", m.socket}, args...)...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// sees waits until the screen has some text, and gives the screen.
func (m *tmux) sees(text string) string {
	m.t.Helper()
	var screen string
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		if screen = m.run("capture-pane", "-p"); strings.Contains(screen, text) {
			return screen
		}
	}
	errs, _ := os.ReadFile(filepath.Join(m.dir, "err"))
	m.t.Fatalf("no %q on the screen:\n%s\nstandard error: %s", text, screen, errs)
	return ""
}

func (m *tmux) file(name string) string {
	b, err := os.ReadFile(filepath.Join(m.dir, name))
	if err != nil {
		m.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// over checks that top has ended as it should, with an account.
func (m *tmux) over(account string) {
	m.t.Helper()
	screen := m.sees("over")
	if strings.Contains(screen, "SERVICE") {
		m.t.Errorf("the screen was not given back:\n%s", screen)
	}
	if rc := m.file("rc"); rc != "0" {
		m.t.Errorf("exit status %s: %s", rc, m.file("err"))
	}
	if before, after := m.file("before"), m.file("after"); before != after {
		m.t.Errorf("the terminal was %s, and is %s", before, after)
	}
	if err := m.file("err"); !strings.Contains(err, account) {
		m.t.Errorf("standard error: %s", err)
	}
}

func TestTopInTmux(t *testing.T) {
	demo := filepath.Join(repoRoot(t), "testdata", "captures", "demo.pcap")
	for _, c := range []struct {
		name          string
		width, height int
		env           string
		args          []string
		keys          [][2]string // with what is seen then
		end           syscall.Signal
	}{
		{"80x24", 80, 24, "", []string{"-r", demo}, [][2]string{
			{"", "contradicts ssh"}, {"Enter", "3 flows of 443/tcp"}, {"Escape", "SERVICE"}, {"/", "filter: _"}, {"d", "filter: d_"}, {"n", "filter: dn_"}, {"s", "2 of 18 services"}, {"Enter", "filter: dns"}}, 0},
		{"200x50", 200, 50, "NO_COLOR=1", []string{"-r", demo, "--follow"}, [][2]string{
			{"", "DESCRIPTION"}, {"s", "by packets/s"}, {"f", "status: assigned"}, {"?", "any key"}}, 0},
		{"TERM", 80, 24, "", []string{"-r", demo, "--follow"}, [][2]string{{"", "contradicts ssh"}}, syscall.SIGTERM},
		{"HUP", 80, 24, "", []string{"-r", demo}, [][2]string{{"", "contradicts ssh"}, {"Space", "PAUSED"}}, syscall.SIGHUP},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newTmux(t, c.width, c.height, c.env, c.args...)
			for _, k := range c.keys {
				if k[0] != "" {
					m.run("send-keys", k[0])
				}
				m.sees(k[1])
			}
			screen := m.sees(iana.Warning)
			for line := range strings.Lines(screen) {
				if got := len(strings.TrimRight(line, " \n")); got > c.width {
					t.Errorf("%d columns: %q", got, line)
				}
			}
			if c.name == "200x50" { // without colour, and when the window shrinks
				if coloured := m.run("capture-pane", "-p", "-e"); strings.Contains(coloured, "\x1b[31") || strings.Contains(coloured, "\x1b[9") {
					t.Errorf("colour in spite of NO_COLOR: %q", coloured)
				}
				m.run("send-keys", "x") // from the help
				m.run("resize-window", "-x", "80", "-y", "24")
				m.sees("PAYLOAD")
			}
			if c.end == 0 {
				if c.name == "80x24" {
					m.run("send-keys", "q")
				} else {
					m.run("send-keys", "C-c")
				}
			} else {
				var pid int
				fmt.Sscan(m.file("pid"), &pid)
				if err := syscall.Kill(pid, c.end); err != nil {
					t.Fatal(err)
				}
			}
			m.over("read 98 packets from 1 file: 98 decoded")
		})
	}
}

// TestTopOfLogs: logs are counted, what is added to one that is followed too.
func TestTopOfLogs(t *testing.T) {
	log := filepath.Join(t.TempDir(), "conn.log")
	b, err := os.ReadFile(filepath.Join(repoRoot(t), "testdata", "flowlogs", "zeek", "conn.log"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, b, 0o600); err != nil {
		t.Fatal(err)
	}
	m := newTmux(t, 80, 24, "", log)
	m.sees("ended conn.log")
	time.Sleep(500 * time.Millisecond) // the account has been made by now
	screen := m.sees("7 flows")
	if !strings.Contains(screen, "q quit") || strings.Contains(screen, "PAYLOAD") {
		t.Errorf("the account stands in the place of the keys, or payload is shown:\n%s", screen)
	}
	for _, want := range []string{"6003/tcp   assigned   x11", "4/tcp      unassigned -", "-          no side    -"} {
		if strings.Count(screen, want) != 1 {
			t.Errorf("not one %q:\n%s", want, screen)
		}
	}
	m.run("send-keys", "q")
	m.over("read 16 lines from 1 log: 7 flows, 9 other, 0 not understood")

	m = newTmux(t, 80, 24, "", "--user ''", "--follow", log)
	m.sees("7 flows")
	f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	for _, line := range lines {
		if strings.Contains(line, "\t443\t") {
			fmt.Fprintln(f, line)
		}
	}
	m.sees("8 flows")
	m.run("send-keys", "q")
	m.over("8 flows, 9 other, 0 not understood")

	for _, args := range [][]string{{"--observed", "ssh", log}, {"-c", "5", log}} {
		master, terminal := openTerminal(t, 80)
		defer master.Close()
		defer terminal.Close()
		var errs bytes.Buffer
		if code := run(t.Context(), append([]string{"top"}, args...), nil, terminal, &errs); code != exitUsage || !strings.Contains(errs.String(), "is for packets, and logs have none") {
			t.Errorf("%q: exit status %d: %s", args, code, &errs)
		}
	}
}

// Without a terminal, or on one that cannot move its cursor, top says what to do.
func TestTopNeedsATerminal(t *testing.T) {
	demo := filepath.Join(repoRoot(t), "testdata", "captures", "demo.pcap")
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"top", "-r", demo}, nil, &out, &errs); code != exitUsage || out.Len() > 0 || !strings.Contains(errs.String(), "--by service --every 10s") {
		t.Errorf("exit status %d: %s%s", code, &out, &errs)
	}
	master, terminal := openTerminal(t, 80)
	defer master.Close()
	defer terminal.Close()
	t.Setenv("TERM", "dumb")
	errs.Reset()
	if code := run(t.Context(), []string{"top", "-r", demo}, nil, terminal, &errs); code != exitUsage || !strings.Contains(errs.String(), "TERM=dumb") {
		t.Errorf("exit status %d: %s", code, &errs)
	}
}
