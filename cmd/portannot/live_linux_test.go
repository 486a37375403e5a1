package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/portannot/portannot/capture"
)

// replay sends the Ethernet frames of captures out of an interface. The tests
// run it as a program of its own inside a network namespace.
func replay() {
	args := os.Args[1:]
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	check(err)
	ifreq, err := unix.NewIfreq(args[0])
	check(err)
	check(unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifreq))
	to := &unix.SockaddrLinklayer{Ifindex: int(ifreq.Uint32())}
	for _, name := range args[1:] {
		r, err := capture.Open(name, capture.Options{})
		check(err)
		var batch [64]capture.Packet
		for err == nil {
			var n int
			n, err = r.Next(batch[:])
			for _, p := range batch[:n] {
				check(unix.Sendto(fd, p.Data, 0, to))
			}
		}
		if err != io.EOF {
			check(err)
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// netns makes a network namespace with a veth pair, a0 and a1, both up and
// without addresses, and gives the words that run a program in it.
func netns(t *testing.T) (in []string) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for a network namespace")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs ip, of iproute2")
	}
	name := fmt.Sprintf("portannot-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("cannot make a network namespace: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "delete", name).Run() })
	in = []string{"ip", "netns", "exec", name}
	for _, c := range []string{
		"sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1",
		"ip link add a0 type veth peer name a1",
		"ip link set a0 up", "ip link set a1 up",
	} {
		args := append(slices.Clone(in), strings.Fields(c)...)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("%s: %v: %s", c, err, out)
		}
	}
	return in
}

// withoutTimes gives the rows of a CSV of flows, sorted, without the columns
// that depend on when the packets were seen and when the flow was given out.
func withoutTimes(t *testing.T, out []byte) []string {
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("not CSV: %v\n%s", err, out)
	}
	var keep []int
	for i, name := range rows[0] {
		switch name {
		case "@timestamp", "event.end", "event.duration", "portannot.end", "portannot.registered_after_traffic":
		default:
			keep = append(keep, i)
		}
	}
	var lines []string
	for _, row := range rows[1:] {
		var cells []string
		for _, i := range keep {
			cells = append(cells, row[i])
		}
		lines = append(lines, strings.Join(cells, ","))
	}
	slices.Sort(lines)
	return lines
}

// TestLiveEqualsFile sends the frames of captures over a veth pair: TCP, UDP,
// SCTP, DCCP, VLANs, IPv6, fragments and tunnels. What the program sees live
// must be the flows of what tcpdump wrote beside it.
func TestLiveEqualsFile(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("needs tcpdump")
	}
	in := netns(t)
	// Nothing here takes as long, unless a frame was lost.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	root := repoRoot(t)
	var files []string
	frames := 0
	for _, name := range []string{"demo", "handshakes", "vlan", "ipv6-ext", "fragments", "tunnels"} {
		files = append(files, filepath.Join(root, "testdata", "captures", name+".pcap"))
		r, err := capture.Open(files[len(files)-1], capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var batch [64]capture.Packet
		for err == nil {
			var n int
			n, err = r.Next(batch[:])
			frames += n
		}
		r.Close()
	}
	command := func(args ...string) *exec.Cmd {
		args = append(slices.Clone(in), args...)
		return exec.CommandContext(ctx, args[0], args[1:]...)
	}
	pcap := filepath.Join(t.TempDir(), "beside.pcap")
	beside := command(tcpdump, "-i", "a1", "-s", "0", "-U", "-Z", "root", "-w", pcap, "-c", fmt.Sprint(frames))
	ready, err := beside.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := beside.Start(); err != nil {
		t.Fatal(err)
	}
	defer beside.Process.Kill()
	waitFor(t, ready, "listening on")
	go io.Copy(io.Discard, ready)

	// The program runs as this test binary does under the name of portannot.
	live := command("portannot", "-i", "a1", "-c", fmt.Sprint(frames), "--duration", "90s", "-o", "csv", "-v")
	var stdout bytes.Buffer
	live.Stdout = &stdout
	liveErr, err := live.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := live.Start(); err != nil {
		t.Fatal(err)
	}
	defer live.Process.Kill()
	waitFor(t, liveErr, "listening on")
	messages := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(liveErr)
		messages <- string(b)
	}()

	if out, err := command(append([]string{"portannot-replay", "a0"}, files...)...).CombinedOutput(); err != nil {
		t.Fatalf("replay: %v\n%s", err, out)
	}
	said := <-messages
	if err := live.Wait(); err != nil {
		t.Fatalf("live: %v\n%s", err, said)
	}
	if err := beside.Wait(); err != nil {
		t.Fatalf("tcpdump: %v", err)
	}
	if want := fmt.Sprintf("read %d packets on a1", frames); !strings.Contains(said, want) || !strings.Contains(said, "the system dropped 0 packets") {
		t.Errorf("the summary lacks %q:\n%s", want, said)
	}

	fromFile, err := command("portannot", "-q", "-r", pcap, "-o", "csv").Output()
	if err != nil {
		t.Fatal(err)
	}
	got, want := withoutTimes(t, stdout.Bytes()), withoutTimes(t, fromFile)
	if len(want) < 80 {
		t.Errorf("only %d flows in what tcpdump wrote", len(want))
	}
	if !slices.Equal(got, want) {
		t.Errorf("live: %d flows, from the file: %d", len(got), len(want))
		for _, l := range got {
			if !slices.Contains(want, l) {
				t.Logf("only live: %s", l)
			}
		}
		for _, l := range want {
			if !slices.Contains(got, l) {
				t.Logf("only in the file: %s", l)
			}
		}
	}
}

// waitFor reads until a text appears, for thirty seconds at most.
func waitFor(t *testing.T, r io.Reader, text string) {
	t.Helper()
	found := make(chan bool, 1)
	var seen []byte
	go func() {
		b := make([]byte, 1)
		for !bytes.Contains(seen, []byte(text)) {
			if _, err := r.Read(b); err != nil {
				found <- false
				return
			}
			seen = append(seen, b[0])
		}
		found <- true
	}()
	select {
	case ok := <-found:
		if !ok {
			t.Fatalf("no %q in %q", text, seen)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("no %q in thirty seconds", text)
	}
}

// TestReopen: SIGUSR2 goes on in a file of the name of -w, from within the sandbox.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "live.pcapng")
	p := startProgram(t, "-i", "lo", "-v", "-w", path)
	if !waitsForPackets(p) {
		t.Skip("no right to capture")
	}
	p.confined("CAP_DAC_OVERRIDE")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	p.cmd.Process.Signal(unix.SIGUSR2)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			break
		}
	}
	p.end()
	for _, name := range []string{path, path + ".1"} {
		r, err := capture.Open(name, capture.Options{})
		if err != nil {
			t.Errorf("%v: %s", err, p.stderr.String())
			continue
		}
		r.Close()
	}
}

// waitsForPackets reports that the program has begun to capture.
func waitsForPackets(p *program) bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		switch s := p.stderr.String(); {
		case strings.Contains(s, "listening on lo"):
			return true
		case strings.Contains(s, "live capture needs root"):
			return false
		}
	}
	return false
}
