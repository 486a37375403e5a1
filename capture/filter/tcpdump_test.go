package filter

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/portannot/portannot/capture"
)

// tcpdump is the oracle of these tests: what it accepts we accept, what it
// prints we match. Where it is not installed the tests that need it are
// skipped.

func tcpdumpPath(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed")
	}
	return path
}

// corpusFiles gives the captures beside the repository that match the link type, by the
// corpus's manifest.
func corpusFiles(t testing.TB, lt capture.LinkType) []string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	root := filepath.Join(dir, "..", "shared", "captures")
	manifest, err := os.Open(filepath.Join(root, "MANIFEST.tsv"))
	if err != nil {
		t.Skip("the corpus of captures is not here: ", err)
	}
	defer manifest.Close()
	var files []string
	lines := bufio.NewScanner(manifest)
	for lines.Scan() {
		f := strings.Split(lines.Text(), "\t")
		if len(f) > 12 && f[12] == fmt.Sprint(uint16(lt)) {
			files = append(files, filepath.Join(root, "files", f[0]))
		}
	}
	return files
}

// corpus reads packets of a link type from captures, at most perFile from each
// and limit in all.
func corpus(t testing.TB, lt capture.LinkType, perFile, limit int) []capture.Packet {
	t.Helper()
	var out []capture.Packet
	for _, path := range corpusFiles(t, lt) {
		r, err := capture.Open(path, capture.Options{NoReadAhead: true})
		if err != nil {
			continue // the corpus has broken files too
		}
		batch := make([]capture.Packet, 64)
		for got := 0; got < perFile && len(out) < limit; {
			n, err := r.Next(batch)
			for _, p := range batch[:n] {
				if p.Link == lt && len(p.Data) <= maxSnap && p.Length < 1<<31 && got < perFile && len(out) < limit {
					p.Data = bytes.Clone(p.Data)
					out = append(out, p)
					got++
				}
			}
			if err != nil {
				break
			}
		}
		r.Close()
	}
	return out
}

// writePcap writes packets as a little-endian pcap file. The time of a packet is
// its index in microseconds, which is how output is told apart.
func writePcap(t testing.TB, lt capture.LinkType, packets []capture.Packet) string {
	t.Helper()
	var b bytes.Buffer
	le := binary.LittleEndian
	head := le.AppendUint32(nil, 0xa1b2c3d4)
	head = le.AppendUint16(head, 2)
	head = le.AppendUint16(head, 4)
	head = append(head, make([]byte, 8)...)
	head = le.AppendUint32(head, maxSnap)
	head = le.AppendUint32(head, uint32(lt))
	b.Write(head)
	for i, p := range packets {
		rec := le.AppendUint32(nil, uint32(i/1e6))
		rec = le.AppendUint32(rec, uint32(i%1e6))
		rec = le.AppendUint32(rec, uint32(len(p.Data)))
		rec = le.AppendUint32(rec, p.Length)
		b.Write(rec)
		b.Write(p.Data)
	}
	path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.pcap", lt))
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tcpdumpMatches gives the indexes of the packets of a file of writePcap that
// tcpdump keeps, or its complaint about the expression.
func tcpdumpMatches(t testing.TB, tcpdump, file, expr string, flags ...string) (map[int]bool, string) {
	t.Helper()
	cmd := exec.Command(tcpdump, append(flags, "-r", file, "-w", "-", "--", expr)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		msg := stderr.String()
		if strings.Contains(msg, "expression rejects all packets") {
			return map[int]bool{}, ""
		}
		return nil, msg[strings.LastIndex(strings.TrimSpace(msg), "\n")+1:]
	}
	got := make(map[int]bool)
	for out = out[24:]; len(out) >= 16; {
		le := binary.LittleEndian
		got[int(le.Uint32(out))*1e6+int(le.Uint32(out[4:]))] = true
		out = out[16+le.Uint32(out[8:]):]
	}
	return got, ""
}

// parseDecimal runs a tcpdump -ddd and gives the program, or its complaint.
func parseDecimal(t testing.TB, cmd *exec.Cmd) ([]bpf.RawInstruction, string) {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		msg := strings.TrimSpace(stderr.String())
		return nil, msg[strings.LastIndex(msg, "\n")+1:]
	}
	r := bytes.NewReader(out)
	var n int
	if _, err := fmt.Fscan(r, &n); err != nil {
		t.Fatalf("tcpdump -ddd: %v", err)
	}
	prog := make([]bpf.RawInstruction, n)
	for i := range prog {
		if _, err := fmt.Fscan(r, &prog[i].Op, &prog[i].Jt, &prog[i].Jf, &prog[i].K); err != nil && err != io.EOF {
			t.Fatalf("tcpdump -ddd: %v", err)
		}
	}
	return prog, ""
}

// difference lists the first packets on which p agrees with neither answer.
func difference(p *Program, packets []capture.Packet, want, orElse map[int]bool) string {
	var b strings.Builder
	n := 0
	for i := range packets {
		if got := p.Match(&packets[i]); got != want[i] && got != orElse[i] {
			if n++; n <= 3 {
				d := packets[i].Data
				fmt.Fprintf(&b, "packet %d of %d bytes (%d on the wire): we say %v: %x\n", i, len(d), packets[i].Length, got, d[:min(len(d), 80)])
			}
		}
	}
	if n > 0 {
		fmt.Fprintf(&b, "%d differences", n)
	}
	return b.String()
}
