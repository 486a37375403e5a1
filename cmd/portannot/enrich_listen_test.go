package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// program is the program at work. What it gives up, such as the right to open
// files, cannot be had back, so it is a process of its own.
type program struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr lines
}

func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	return start(t, exec.Command("portannot", args...))
}

// start starts a program that was prepared.
func start(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, cmd: cmd}
	p.cmd.Env = append(p.cmd.Environ(), "GOCOVERDIR="+t.TempDir(), confinedVariable+"=yes")
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

// find waits until standard error matches, and gives the first group.
func (p *program) find(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if m := re.FindStringSubmatch(p.stderr.String()); m != nil {
			return m[len(m)-1]
		}
	}
	p.t.Fatalf("no %q in %q", pattern, p.stderr.String())
	return ""
}

// end asks the program to end, and gives its exit code.
func (p *program) end() int {
	p.t.Helper()
	if runtime.GOOS == "windows" {
		p.t.Skip("no way to interrupt a process")
	}
	p.cmd.Process.Signal(os.Interrupt)
	time.AfterFunc(20*time.Second, func() { p.cmd.Process.Kill() })
	var exit *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// dial connects to an address that the program has printed.
func (p *program) dial(network string) net.Conn {
	p.t.Helper()
	conn, err := net.Dial(network, p.find("listening on "+network+` (127\.0\.0\.1:\d+)`))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	return conn
}

// get gives what /metrics or /healthz answers.
func (p *program) get(path string) (int, string) {
	p.t.Helper()
	resp, err := http.Get(p.find(`metrics at (http://127\.0\.0\.1:\d+)/metrics`) + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// ipfixSample is a message of IPFIX with a template and two records of UDP.
func ipfixSample() []byte {
	var b bytes.Buffer
	for _, v := range []uint16{10, 16 + 28 + 4 + 2*13, 0x6A00, 0, 0, 0, 0, 7, 2, 28, 256, 5, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 256, 4 + 2*13} {
		b.Write([]byte{byte(v >> 8), byte(v)})
	}
	for i := range byte(2) {
		b.Write([]byte{192, 0, 2, i, 198, 51, 100, 1, 0xc0, i, 0, 53, 17})
	}
	return b.Bytes()
}

// TestEnrichListen: the end of the run is asked for, and is success; what came is
// written, and the metrics say so.
func TestEnrichListen(t *testing.T) {
	p := startProgram(t, "enrich", "--registry", "embedded", "--listen", "udp://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0", "--metrics", ":0")
	udp, tcp := p.dial("udp"), p.dial("tcp")
	udp.Write(netflow5())
	p.stdout.await(t, `"server":{"ip":"198.51.100.5","port":443}`)
	tcp.Write(ipfixSample())
	p.stdout.await(t, `"source":{"ip":"192.0.2.1","port":49153}`)
	udp.Write(sflowSample())
	p.stdout.await(t, `"sampling":256,"sample":true`)
	time.Sleep(1200 * time.Millisecond) // what the metrics show is a second old at most
	if accountSignal != nil {
		p.cmd.Process.Signal(accountSignal)
		p.find(`so far: .*(3) records of flows`)
	}
	if code, body := p.get("/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("health: %d %q", code, body)
	}
	_, text := p.get("/metrics")
	for _, want := range []string{
		`portannot_netflow_messages_total{version="netflow 5"} 1`, `portannot_netflow_messages_total{version="ipfix"} 1`,
		`portannot_netflow_messages_total{version="sflow 5"} 1`, `portannot_netflow_records_total{of="flows"} 3`, `portannot_netflow_records_total{of="samples"} 1`, `portannot_netflow_left_out_total{kind="no_template"} 0`,
		`portannot_netflow_templates 1`, `portannot_netflow_exporters 1`, `portannot_netflow_connections 1`,
		`portannot_flows_total{status="assigned"} 4`, `registry_edition="2026-08-17"`, "portannot_registry_age_seconds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if code := p.end(); code != exitDone || strings.Count(p.stdout.String(), "\n") != 4 {
		t.Errorf("exit code %d, output\n%s", code, p.stdout.String())
	}
	for _, want := range []string{"read 3 messages (1 NetFlow 5, 1 IPFIX, 1 sFlow 5): 3 records of flows, 0 of options, 1 of sampled packets", "4 flows: service port 4 assigned"} {
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("no %q in\n%s", want, p.stderr.String())
		}
	}
}

// sflowSample is a datagram with one sample: a SYN to port 22 of which the Ethernet
// header was sent along, and nothing behind TCP's.
func sflowSample() []byte {
	frame := slices.Concat(make([]byte, 12), []byte{8, 0},
		[]byte{0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2},
		[]byte{0x9c, 0x40, 0, 22, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 4, 0, 0, 0, 0, 0}, make([]byte, 2))
	words := []uint32{5, 1, 0xcb007109, 0, 1, 1000, 1, // agent 203.0.113.9, sub-agent 0, sequence number 1, a sample
		1, 32 + 24 + 56, 1, 3, 256, 256, 0, 3, 4, 1, // flow sample, one in 256, a record
		1, 16 + 56, 1, 60, 4, 54} // raw header of Ethernet
	var b []byte
	for _, w := range words {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return append(b, frame...)
}

// TestEnrichListenLosses: a loss is said while the run goes on, in one line a
// minute, with the name of what came; it makes the exit code 1 with --strict only.
func TestEnrichListenLosses(t *testing.T) {
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("strict=%v", strict), func(t *testing.T) {
			p := startProgram(t, "enrich", "--registry", "embedded", "--listen", "udp://127.0.0.1:0", "--strict="+fmt.Sprint(strict))
			udp := p.dial("udp")
			sflow := append([]byte{0, 0, 0, 4, 0, 0, 0, 1}, make([]byte, 20)...)
			udp.Write(sflow)
			p.find(`(?m)^portannot: left out: 1 message of unknown versions \(last: 127\.0\.0\.1: .*sFlow 4\)$`)
			for range 3 {
				udp.Write(sflow)
				time.Sleep(1100 * time.Millisecond)
			}
			want := exitDone
			if strict {
				want = exitFailure
			}
			if code := p.end(); code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
			said := p.stderr.String()
			if strings.Count(said, "left out:") != 2 || !strings.Contains(said, "left out: 4 messages of unknown versions") {
				t.Errorf("a line for the first, and one in the summary:\n%s", said)
			}
		})
	}
}

// TestEnrichListenAllow: other senders are counted, and are no loss.
func TestEnrichListenAllow(t *testing.T) {
	p := startProgram(t, "enrich", "--registry", "embedded", "--listen", "udp://127.0.0.1:0", "--strict", "--allow-exporter", "192.0.2.1,2001:db8::/32")
	p.dial("udp").Write(netflow5())
	p.find(`left out: 1 message or connections from senders not allowed \(last: 127\.0\.0\.1: `)
	if code := p.end(); code != exitDone || p.stdout.String() != "" {
		t.Errorf("exit code %d, output %q", code, p.stdout.String())
	}
}

// TestEnrichListenUsage: what has no meaning is refused before anything is open.
func TestEnrichListenUsage(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"--listen 127.0.0.1:0 --allow-exporter 192.0.2.0/33", `"192.0.2.0/33": want an address or a network`},
		{"--listen 127.0.0.1:0 --allow-exporter router", `"router": want an address or a network`},
		{"--format sflow -", "--format sflow is for --listen"},
		{"--metrics :0 -", "--metrics is for --listen, --follow and Kafka topics"},
		{"--allow-exporter ::1 -", "--allow-exporter is for --listen"},
		{"--from kafka://h/a --to kafka://h/b --group g --allow-exporter ::1", "--allow-exporter is not for Kafka topics"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append([]string{"enrich"}, strings.Fields(c.args)...), strings.NewReader(""), &stdout, &stderr)
		if code != exitUsage || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s: code %d: %s", c.args, code, stderr.Bytes())
		}
	}
}

// TestFollowMetrics: a log that is followed, and a capture, show what was read.
func TestFollowMetrics(t *testing.T) {
	root := repoRoot(t)
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"log", []string{"enrich", "--follow", filepath.Join(root, "testdata/flowlogs/zeek/conn.log")},
			[]string{`portannot_log_lines_total{kind="flow"} [1-9]`, `portannot_log_bytes_total [1-9]`, `portannot_flows_selected_total [1-9]`}},
		{"capture", []string{"--follow", "-r", filepath.Join(root, "testdata/captures/demo.pcap")},
			[]string{"portannot_packets_total 98\n", "portannot_packet_bytes_total [1-9]", `portannot_packets_decoded_total{result="decoded"} 98`, "portannot_flows_held 0", "portannot_flows_total.* [1-9]", "portannot_flows_evicted_total 0\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startProgram(t, append(c.args, "--registry", "embedded", "--metrics", ":0")...)
			var text string
			for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
				_, text = p.get("/metrics")
				if !slices.ContainsFunc(c.want, func(w string) bool { return !regexp.MustCompile(w).MatchString(text) }) {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("%s", text)
				}
			}
			if code, _ := p.get("/healthz"); code != 200 {
				t.Errorf("health: %d", code)
			}
			if code := p.end(); code != exitDone {
				t.Errorf("exit code %d: %s", code, p.stderr.String())
			}
		})
	}
}
