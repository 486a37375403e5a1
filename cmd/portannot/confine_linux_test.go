package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/twmb/franz-go/pkg/kfake"
)

// confined checks that a process has given up root, all capabilities but those named,
// and the right to gain any, and is under a filter of system calls. A part of root's
// rights cannot be kept by a program with cgo: that says so and stays root.
func (p *program) confined(kept ...string) {
	p.t.Helper()
	p.find("sandbox: no new privileges; .*seccomp: [0-9]+ system calls refused")
	root := p.cmd.SysProcAttr == nil && os.Geteuid() == 0
	capabilities := "0000000000000000"
	if root && len(kept) > 0 {
		if strings.Contains(p.stderr.String(), "the program is built with cgo") {
			p.find("privileges not dropped: a right of root is needed later .*CGO_ENABLED=0 can have it")
			return
		}
		bits := 0
		for _, k := range kept {
			p.find("privileges kept: " + k + ", to ")
			bits |= 1 << map[string]int{"CAP_DAC_OVERRIDE": unix.CAP_DAC_OVERRIDE, "CAP_DAC_READ_SEARCH": unix.CAP_DAC_READ_SEARCH, "CAP_FOWNER": unix.CAP_FOWNER}[k]
		}
		capabilities = fmt.Sprintf("%016x", bits)
	} else if strings.Contains(p.stderr.String(), "privileges kept") {
		p.t.Errorf("kept: %s", p.stderr.String())
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Skip(err)
	}
	want := []string{`NoNewPrivs:\s+1`, `Seccomp:\s+2`, `CapEff:\s+` + capabilities + `\n`, `CapPrm:\s+` + capabilities + `\n`}
	if root {
		want = append(want, `Uid:\s+65534\s+65534\s+65534\s+65534\n`, `Gid:\s+65534\s+65534\s+65534\s+65534\n`, `Groups:\s*(65534)?\s*\n`)
		p.find("privileges dropped: now user nobody")
	}
	for _, w := range want {
		if !regexp.MustCompile(w).Match(b) {
			p.t.Errorf("no %s in\n%s", w, b)
		}
	}
}

// TestListenConfined: a run that listens gives up its rights, and still takes
// datagrams and connections.
func TestListenConfined(t *testing.T) {
	p := startProgram(t, "enrich", "-v", "--registry", "embedded", "--listen", "udp://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0", "--metrics", ":0")
	udp, tcp := p.dial("udp"), p.dial("tcp")
	p.confined()
	udp.Write(netflow5())
	tcp.Write(ipfixSample())
	p.stdout.await(t, `"server":{"ip":"198.51.100.5","port":443}`)
	p.stdout.await(t, `"source":{"ip":"192.0.2.1","port":49153}`)
	if code, _ := p.get("/metrics"); code != 200 {
		t.Errorf("metrics: %d", code)
	}
	if code := p.end(); code != exitDone {
		t.Errorf("exit code %d: %s", code, p.stderr.String())
	}
}

// TestKafkaConfined: so does a member of a consumer group, which goes on to look
// up names and connect. Its secret stays readable to it.
func TestKafkaConfined(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "flows", "annotated"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "u", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(c.ListenAddrs()[0], ":")
	at := "kafka://localhost:" + port + "/"
	p := startProgram(t, "enrich", "-v", "--registry", "embedded", "--from", at+"flows", "--to", at+"annotated", "--group", "g", "--metrics", ":0",
		"--sasl", "plain", "--sasl-user", "u", "--sasl-password-file", secret)
	p.confined()
	p.find("each record exactly once")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		code, body := p.get("/healthz")
		if code == 200 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("health: %d %s; %s", code, body, p.stderr.String())
		}
	}
	if os.Geteuid() == 0 {
		p.find("open .*: permission denied: it is kept as it was at the start")
	}
	if code := p.end(); code != exitDone {
		t.Errorf("exit code %d: %s", code, p.stderr.String())
	}
}

// TestLiveMetrics: a live capture answers from within its sandbox.
func TestLiveMetrics(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to capture")
	}
	// A port of this run alone: others may use the interface at the same time.
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	p := startProgram(t, "-i", "lo", "-f", "udp port "+port, "-v", "--registry", "embedded", "--metrics", ":0", "-o", "json")
	p.find("listening on lo")
	p.confined()
	conn.WriteTo([]byte("x"), conn.LocalAddr())
	want := []string{"portannot_packets_total [1-9]", "portannot_packet_bytes_total [1-9]", "portannot_packets_dropped_total 0", "portannot_flows_held 1"}
	var text string
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		_, text = p.get("/metrics")
		if !slices.ContainsFunc(want, func(w string) bool { return !regexp.MustCompile(w).MatchString(text) }) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s", text)
		}
	}
	if code := p.end(); code != exitDone {
		t.Errorf("exit code %d: %s", code, p.stderr.String())
	}
}

// asOrdinary starts programs as a user that owns nothing but the folder it gives.
func asOrdinary(t *testing.T) (folder, program string, attr *syscall.SysProcAttr) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to become another user")
	}
	folder, err := os.MkdirTemp("", "portannot-ordinary-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	const uid = 54321
	if err := errors.Join(os.Chmod(folder, 0o700), os.Chown(folder, uid, uid)); err != nil {
		t.Fatal(err)
	}
	path, err := exec.LookPath("portannot")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(folder, "portannot")
	if err := errors.Join(os.WriteFile(program, b, 0o700), os.Chown(program, uid, uid)); err != nil {
		t.Fatal(err)
	}
	return folder, program, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}

// inFolder prepares a run in a folder that is closed to all but its user: root, or an
// ordinary one.
func inFolder(t *testing.T, ordinary bool, args string, files map[string][]byte) (cmd *exec.Cmd, folder string) {
	t.Helper()
	folder, name, attr, owner := t.TempDir(), "portannot", (*syscall.SysProcAttr)(nil), os.Geteuid()
	if ordinary {
		folder, name, attr = asOrdinary(t)
		owner = int(attr.Credential.Uid)
	}
	for name, b := range files {
		path := filepath.Join(folder, name)
		if err := errors.Join(os.WriteFile(path, b, 0o640), os.Chmod(path, 0o640), os.Chown(path, owner, -1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(name, strings.Fields(args)...)
	cmd.Dir, cmd.SysProcAttr = folder, attr
	return cmd, folder
}

// TestReadConfined: whatever reads files for long gives up its rights, and can still do
// what it does later: open the next file, read the first one again, name its output.
func TestReadConfined(t *testing.T) {
	root := repoRoot(t)
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(root, "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	capture, log := read("captures/demo.pcap"), read("flowlogs/zeek/conn.log")
	files := map[string][]byte{"a.pcap": capture, "b.pcap": capture, "a.log": log, "old.pcapng": []byte("old"), "old.yaml": []byte("old")}
	const pcapng = "\x0a\x0d\x0d\x0a"
	for _, c := range []struct {
		name   string
		args   string
		input  []byte   // standard input; half of it comes after the look at the process
		kept   []string // of root
		want   string   // in standard output
		writes string   // a file
		begins string   // how that begins then
	}{
		{"one capture", "-r - -o json", capture, nil, `"port":443`, "", ""},
		{"captures", "-r a.pcap b.pcap - -o json", capture, []string{"CAP_DAC_READ_SEARCH"}, `"port":443`, "", ""},
		{"packets of a pipe", "-r - -o json -w new.pcapng", capture, []string{"CAP_DAC_OVERRIDE"}, `"port":443`, "new.pcapng", pcapng},
		{"review of captures", "review -r a.pcap - --write-policy new.yaml", capture, []string{"CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"}, "findings", "new.yaml", "version: 1"},
		{"one log", "enrich -", log, nil, "\thttps\t", "", ""},
		{"logs", "enrich - a.log", log, []string{"CAP_DAC_READ_SEARCH"}, "\thttps\t", "", ""},
		{"review of logs", "review - a.log --write-policy old.yaml", log, []string{"CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"}, "findings", "old.yaml", "version: 1"},
	} {
		for _, ordinary := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/ordinary=%v", c.name, ordinary), func(t *testing.T) {
				cmd, folder := inFolder(t, ordinary, c.args+" -v --registry embedded", files)
				stdin, input := io.Pipe()
				cmd.Stdin = stdin
				p := start(t, cmd)
				half := len(c.input) / 2
				go input.Write(c.input[:half])
				p.confined(c.kept...)
				go func() {
					input.Write(c.input[half:])
					input.Close()
				}()
				stopped := time.AfterFunc(30*time.Second, func() { p.cmd.Process.Kill() })
				defer stopped.Stop()
				if err := p.cmd.Wait(); err != nil {
					t.Errorf("%v: %s", err, p.stderr.String())
				}
				if !strings.Contains(p.stdout.String(), c.want) {
					t.Errorf("no %q in %s", c.want, p.stdout.String())
				}
				checkWritten(t, folder, c.writes, c.begins, files)
			})
		}
	}
}

// checkWritten checks an output: its content, its owner and mode if it replaced a file,
// and that nothing unfinished was left.
func checkWritten(t *testing.T, folder, name, begins string, files map[string][]byte) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(folder, ".portannot-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if name == "" {
		return
	}
	b, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b[:min(len(b), 2000)], []byte(begins)) {
		t.Errorf("%s begins with %.100q", name, b)
	}
	info, err := os.Stat(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	inside, err := os.Stat(filepath.Join(folder, "a.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	if _, replaced := files[name]; replaced && info.Mode() != 0o640 || info.Sys().(*syscall.Stat_t).Uid != inside.Sys().(*syscall.Stat_t).Uid {
		t.Errorf("%s: mode %v, owner %d", name, info.Mode(), info.Sys().(*syscall.Stat_t).Uid)
	}
}

// TestReadTwiceConfined: -w reads captures twice, and names the file that it wrote.
func TestReadTwiceConfined(t *testing.T) {
	capture, err := os.ReadFile(filepath.Join(repoRoot(t), "testdata", "captures", "demo.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"a.pcap": capture, "b.pcap": capture, "old.pcapng": []byte("old")}
	for _, args := range []string{"-r a.pcap b.pcap -w old.pcapng", "-r a.pcap -w old.pcapng", "review -r a.pcap b.pcap -w old.pcapng"} {
		for _, ordinary := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/ordinary=%v", args, ordinary), func(t *testing.T) {
				cmd, folder := inFolder(t, ordinary, args+" --registry embedded -v", files)
				cmd.Env = append(os.Environ(), confinedVariable+"=yes")
				if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("sandbox: no new privileges")) {
					t.Fatalf("%v: %s", err, out)
				}
				checkWritten(t, folder, "old.pcapng", "\x0a\x0d\x0d\x0a", files)
			})
		}
	}
}

// TestFollowConfined: who follows a file gives up its rights, and opens the next file of
// that name, whoever may read that.
func TestFollowConfined(t *testing.T) {
	root := repoRoot(t)
	capture, err := os.ReadFile(filepath.Join(root, "testdata", "captures", "demo.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	line := func(port int) []byte {
		return fmt.Appendf(nil, `{"ts":1789376400.1,"id.orig_h":"192.0.2.1","id.orig_p":50000,"id.resp_h":"192.0.2.2","id.resp_p":%d,"proto":"tcp"}`+"\n", port)
	}
	for _, c := range []struct {
		name, args    string
		first, second []byte
		wants         [2]string
	}{
		{"log", "enrich --follow f --metrics :0", line(22), line(443), [2]string{`"port":22`, `"port":443`}},
		{"capture", "-r f --follow -o json --metrics :0", capture[:24], capture, [2]string{"", `"port":443`}},
	} {
		for _, ordinary := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/ordinary=%v", c.name, ordinary), func(t *testing.T) {
				cmd, folder := inFolder(t, ordinary, c.args+" -v --registry embedded", map[string][]byte{"f": c.first})
				p := start(t, cmd)
				p.confined("CAP_DAC_READ_SEARCH")
				p.stdout.await(t, c.wants[0])
				path := filepath.Join(folder, "f")
				old, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				owner := int(old.Sys().(*syscall.Stat_t).Uid)
				err = errors.Join(os.WriteFile(path+".new", c.second, 0o600), os.Chown(path+".new", owner, owner), os.Rename(path+".new", path))
				if err != nil {
					t.Fatal(err)
				}
				p.stdout.await(t, c.wants[1])
				if code, _ := p.get("/metrics"); code != 200 {
					t.Errorf("metrics: %d", code)
				}
				if code := p.end(); code != exitDone {
					t.Errorf("exit code %d: %s", code, p.stderr.String())
				}
			})
		}
	}
}
