package main

import (
	"fmt"
	"os"
	"regexp"
	"testing"
)

// confined checks that a process has given up root, all capabilities and the
// right to gain any, and is under a filter of system calls.
func (p *program) confined() {
	p.t.Helper()
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
	p.find("sandbox: no new privileges; .*seccomp: [0-9]+ system calls refused")
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
