package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/portannot/portannot/capture"
)

// sayings are beginnings of payloads, of up to 200 bytes.
var sayings = []string{
	"GET /index.html HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"SSH-2.0-OpenSSH_9.9\r\n",
	"220 mail.example.com ESMTP\r\n",
	strings.Repeat("\xa5\x01", 100),
}

// manyFlows writes a capture of TCP packets, some with payload, among a few thousand flows of both
// IP versions, some of them in VLANs, in no order.
func manyFlows(t *testing.T, packets, flows int) string {
	path := filepath.Join(t.TempDir(), "many.pcapng")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := capture.NewWriter(f, capture.WriterOptions{})
	r := rand.New(rand.NewSource(1))
	for n := range packets {
		id := uint32(r.Intn(flows))
		var b []byte
		b = append(b, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"...)
		if id%7 == 0 {
			b = append(b, 0x81, 0, 0, byte(1+id%3))
		}
		tcp := make([]byte, 20)
		binary.BigEndian.PutUint16(tcp, uint16(1024+id%50000))
		binary.BigEndian.PutUint16(tcp[2:], []uint16{443, 80, 5555, 4, 60000}[id%5])
		binary.BigEndian.PutUint32(tcp[4:], r.Uint32())
		tcp[12], tcp[13] = 5<<4, []byte{2, 16, 17, 24}[r.Intn(4)]
		if tcp[13] == 24 {
			say := sayings[r.Intn(len(sayings))]
			tcp = append(tcp, say[:r.Intn(len(say)+1)]...)
		}
		if id%3 == 0 {
			b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0, 0, byte(len(tcp)), 6, 64)
			src, dst := make([]byte, 16), make([]byte, 16)
			src[0], dst[0] = 0x20, 0x20
			binary.BigEndian.PutUint32(src[12:], id)
			b = append(append(append(b, src...), dst...), tcp...)
		} else {
			b = append(b, 0x08, 0, 0x45, 0, 0, byte(20+len(tcp)), 0, 0, 0, 0, 64, 6, 0, 0, 10, byte(id>>16), byte(id>>8), byte(id), 11, 0, 0, 1)
			b = append(b, tcp...)
		}
		p := capture.Packet{Time: 1e18 + int64(n)*1e6, Link: capture.LinkEthernet, Length: uint32(len(b)), Data: b}
		if err := w.WritePacket(&p, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	return path
}

// TestSameOutputOnAnyNumberOfCores: the reader, the decoder, the table and the
// renderers split the work as they like; what is printed must not show it, not
// even when flows are evicted or split by time-outs.
func TestSameOutputOnAnyNumberOfCores(t *testing.T) {
	many := manyFlows(t, 40000, 6000)
	tunnels := filepath.Join(repoRoot(t), "testdata", "captures", "tunnels.pcap")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	fragments := filepath.Join(repoRoot(t), "testdata", "captures", "fragments.pcap")
	for _, args := range [][]string{
		{"-o", "csv", many}, {"-o", "json", many}, {"-o", "text", many},
		{"-o", "csv", "--max-flows", "700", many},
		{"-o", "csv", "--max-flows", "700", "-f", "tcp port 443 or vlan 2", many},
		{"-o", "csv", "--idle-timeout", "100ms", many},
		{"-o", "csv", "-c", "20000", many},
		{"-o", "json", "--ignore", "all", many},
		{"-o", "csv", "--dedup", "1ms", many, many},
		{"-o", "csv", "--dedup", "1ms", "--observe", "off", many},
		{"-o", "csv", "--observe", "off", many},
		{"-o", "csv", "--verdict", "contradicts,consistent,truncated,no-payload", many},
		{"-o", "csv", "--sort", "bytes", "--status", "unassigned,reserved", many, tunnels}, // read by one at a time
		{"-o", "csv", tunnels},
		{"-o", "csv", fragments},
	} {
		var want []byte
		var wantErr string
		for _, cores := range []int{1, 2, 3, 8} {
			runtime.GOMAXPROCS(cores)
			var stdout, stderr bytes.Buffer
			if code := run(context.Background(), args, nil, &stdout, &stderr); code != 0 {
				t.Fatalf("%q on %d cores: exit %d\n%s", args, cores, code, stderr.String())
			}
			if cores == 1 {
				want, wantErr = stdout.Bytes(), stderr.String()
				if n := bytes.Count(want, []byte("\n")); n < 1000 && slices.Contains(args, many) || n < 5 {
					t.Errorf("%q: only %d lines", args, n)
				}
				continue
			}
			if !bytes.Equal(stdout.Bytes(), want) || stderr.String() != wantErr {
				t.Errorf("%q: %d cores print otherwise than one: %d and %d bytes%s\n%s%s", args, cores, stdout.Len(), len(want),
					firstDifference(stdout.Bytes(), want), stderr.String(), wantErr)
			}
		}
	}
}

func firstDifference(a, b []byte) string {
	x, y := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("; line %d:\n%s\n%s", i+1, x[i], y[i])
		}
	}
	return ""
}
