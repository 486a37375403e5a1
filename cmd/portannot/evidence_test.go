package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/portannot/portannot/capture"
)

// datagram makes an Ethernet frame with a UDP datagram of four bytes.
func datagram(src, dst [4]byte, sport, dport uint16) []byte {
	b := append([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00"), 0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0)
	b = append(append(b, src[:]...), dst[:]...)
	b = binary.BigEndian.AppendUint16(b, sport)
	b = binary.BigEndian.AppendUint16(b, dport)
	return append(b, 0, 12, 0, 0, 0xfe, 0xfe, 0xfe, 0xfe)
}

// evidenceCapture has 40 hosts that ask one on port 60000, all from dynamic
// ports, and a scan from one port through as many.
func evidenceCapture(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "evidence.pcapng")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := capture.NewWriter(f, capture.WriterOptions{})
	n := 0
	write := func(b []byte) {
		n++
		p := capture.Packet{Time: 1e18 + int64(n)*1e6, Link: capture.LinkEthernet, Length: uint32(len(b)), Data: b}
		if err := w.WritePacket(&p, ""); err != nil {
			t.Fatal(err)
		}
	}
	server, scanner := [4]byte{10, 9, 9, 9}, [4]byte{192, 0, 2, 1}
	for i := range 40 {
		client, port := [4]byte{10, 0, 0, byte(i)}, uint16(51000+i)
		write(datagram(client, server, port, 60000))
		write(datagram(server, client, 60000, port))
		write(datagram(scanner, client, 55555, port+10000))
		if i%2 == 0 {
			write(datagram(client, scanner, port+10000, 55555))
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return path
}

// Other flows show a service; how many of its flows know depends on whether
// they are written at the end or as they come, and never on the cores.
func TestEvidenceFromOtherFlows(t *testing.T) {
	path := evidenceCapture(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, c := range []struct {
		args []string
		want int // flows with the reason other-flows
	}{
		{nil, 40},
		{[]string{"--sort", "bytes"}, 40},
		{[]string{"--evidence-peers", "8"}, 40},
		{[]string{"--evidence-peers", "0"}, 0},
		// Written early one after another; the third to the server is the
		// first that three have asked. When the last few are written, all is
		// known.
		{[]string{"--max-flows", "2"}, 38},
	} {
		var first string
		for _, cores := range []int{1, 2, 5} {
			runtime.GOMAXPROCS(cores)
			var stdout, stderr bytes.Buffer
			args := append([]string{"-o", "csv", path}, c.args...)
			if code := run(context.Background(), args, nil, &stdout, &stderr); code != 0 {
				t.Fatalf("%q: exit %d\n%s", args, code, stderr.String())
			}
			out := stdout.String()
			if got := strings.Count(out, ",60000,other-flows,likely,"); got != c.want {
				t.Errorf("%q on %d cores: %d flows of the service are known by others, want %d", c.args, cores, got, c.want)
			}
			if n := strings.Count(out, "other-flows"); n != c.want {
				t.Errorf("%q: %d flows with the reason other-flows, want those %d of the service", c.args, n, c.want)
			}
			if first == "" {
				first = out
			} else if out != first {
				t.Errorf("%q: another output on %d cores", c.args, cores)
			}
		}
	}
}

func TestEvidencePeersUsage(t *testing.T) {
	for _, n := range []string{"-1", "1", "9"} {
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), []string{"-r", "x", "--evidence-peers", n}, nil, &stdout, &stderr)
		want := fmt.Sprintf("portannot: --evidence-peers %s: want 0, or 2 to 8\nportannot: hint: 0 takes no evidence from other flows\n", n)
		if code != 2 || !strings.HasPrefix(stderr.String(), want) {
			t.Errorf("%s: exit %d, %q", n, code, stderr.String())
		}
	}
}
