package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// netflow5 is a message with one record: a SYN from 192.0.2.10:50000 to
// 198.51.100.5:443.
func netflow5() []byte {
	b := make([]byte, 24+48)
	be := binary.BigEndian
	be.PutUint16(b, 5)
	be.PutUint16(b[2:], 1)
	be.PutUint32(b[4:], 100_000)
	be.PutUint32(b[8:], 1789376400)
	r := b[24:]
	copy(r, []byte{192, 0, 2, 10})
	copy(r[4:], []byte{198, 51, 100, 5})
	be.PutUint32(r[16:], 1)
	be.PutUint32(r[20:], 60)
	be.PutUint32(r[24:], 90_000)
	be.PutUint32(r[28:], 91_000)
	be.PutUint16(r[32:], 50000)
	be.PutUint16(r[34:], 443)
	r[37], r[38] = 2, 6
	return b
}

// TestEnrichNetFlow: files of messages are known by their content, compressed
// ones too, and go beside logs of text.
func TestEnrichNetFlow(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var z bytes.Buffer
	zw := gzip.NewWriter(&z)
	zw.Write(netflow5())
	zw.Close()
	plain, packed := write("flows", netflow5()), write("flows.gz", z.Bytes())
	damaged := write("damaged", append(netflow5(), "and something else, longer than a header"...))
	log := write("log.json", []byte(`{"timestamp":"2026-09-14T09:00:00.000000+0000","flow_id":1,"event_type":"flow","src_ip":"192.0.2.10","src_port":50000,"dest_ip":"198.51.100.5","dest_port":443,"proto":"TCP"}`+"\n"))

	const flow = `"server":{"ip":"198.51.100.5","port":443}`
	for _, c := range []struct {
		name   string
		args   []string
		stdin  []byte
		code   int
		lines  int
		stdout string
		stderr string
	}{
		{"by content", []string{plain}, nil, 0, 1, flow, "read 1 message (1 NetFlow 5): 1 record of flows"},
		{"compressed", []string{packed}, nil, 0, 1, flow, "1 flow: service port 1 assigned"},
		{"by name, from standard input", []string{"--format", "netflow"}, netflow5(), 0, 1, flow, "1 message"},
		{"beside a log of text", []string{plain, log, packed}, nil, 0, 3, flow, "read 1 line from 1 log: 1 flow"},
		{"damaged", []string{damaged}, nil, 1, 1, flow, "damaged: byte 72: no message here; 40 bytes skipped"},
		{"strict", []string{"--strict", damaged}, nil, 1, 1, flow, "stopped at the first"},
		{"nothing unexpected", []string{"--unexpected", plain}, nil, 0, 0, "", "0 selected"},
		{"as CSV", []string{"-o", "csv", plain}, nil, 0, 2, ",tcp,6,192.0.2.10,50000,198.51.100.5,443,,destination,", "1 record of flows"},
		{"as CSV, beside a log of text", []string{"-o", "csv", packed, log, plain}, nil, 0, 4, "@timestamp,network.transport,", "2 records of flows"},
		{"strip messages", []string{"--strip", plain}, nil, 1, 0, "", "hold no annotation"},
		{"text by the name of messages", []string{"--format", "ipfix", log}, nil, 1, 0, "", "bytes skipped"},
		{"listen and a file", []string{"--listen", ":0", plain}, nil, 2, 0, "", "want one of them"},
		{"listen to text", []string{"--listen", ":0", "--format", "eve"}, nil, 2, 0, "", "NetFlow, IPFIX and sFlow only"},
		{"listen nowhere", []string{"--listen", "http://127.0.0.1"}, nil, 1, 0, "", "udp:// or tcp://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(context.Background(), append([]string{"enrich", "--registry", "embedded"}, c.args...), bytes.NewReader(c.stdin), &stdout, &stderr)
			if code != c.code || strings.Count(stdout.String(), "\n") != c.lines || strings.Count(stdout.String(), "@timestamp,") > 1 || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
				t.Errorf("code %d\n%s%s", code, stdout.Bytes(), stderr.Bytes())
			}
		})
	}
}

// TestEnrichSilence: an input that says nothing, or nothing more, does not keep
// the run from ending.
func TestEnrichSilence(t *testing.T) {
	for name, first := range map[string][]byte{"nothing": nil, "one message": netflow5()} {
		t.Run(name, func(t *testing.T) {
			r, w := io.Pipe()
			defer w.Close()
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				w.Write(first)
				cancel()
			}()
			var stdout, stderr bytes.Buffer
			if code := run(ctx, []string{"enrich", "-"}, r, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "interrupted") {
				t.Errorf("code %d: %s", code, stderr.Bytes())
			}
		})
	}
}
