package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// confined checks that a process has given up root, all capabilities and the
// right to gain any, and is under a filter of system calls.
func (p *program) confined() {
	p.t.Helper()
	p.find("sandbox: no new privileges; .*seccomp: [0-9]+ system calls refused")
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Skip(err)
	}
	want := []string{`NoNewPrivs:\s+1`, `Seccomp:\s+2`, `CapEff:\s+0+\n`, `CapPrm:\s+0+\n`}
	if os.Geteuid() == 0 {
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
	p := startProgram(t, "-i", "lo", "-f", "udp port 9", "-v", "--registry", "embedded", "--metrics", ":0", "-o", "json")
	p.find("listening on lo")
	p.confined()
	conn, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte("x"))
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
