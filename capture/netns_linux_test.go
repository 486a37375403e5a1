package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The tests of live capture never touch an interface of the machine: each
// works in network namespaces of its own, which end with it.

// enterNamespace moves the test to a new network namespace with loopback up.
// Its thread stays locked, and so it ends with the test's goroutine. The test
// has one processor, so that its packets have one order.
func enterNamespace(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("ip (iproute2) is not installed")
	}
	if err := unshareNetwork(); err != nil {
		t.Skipf("a network namespace needs more rights: %v", err)
	}
	onOneProcessor(t)
	ip(t, "link set lo up")
}

// onOneProcessor keeps all threads of the test on one processor until its end.
// The kernel delivers a packet on the processor on which it was sent: two that
// are sent on two processors at once can come to one socket in another order
// than to the next.
func onOneProcessor(t *testing.T) {
	t.Helper()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Logf("processors of the test: %v", err)
		return
	}
	for cpu := 0; one.Count() == 0; cpu++ {
		if before.IsSet(cpu) {
			one.Set(cpu)
		}
	}
	set := func(to *unix.CPUSet) error {
		for range 2 { // a thread may have been started meanwhile, by one that was not set yet
			threads, err := os.ReadDir("/proc/self/task")
			if err != nil {
				return err
			}
			for _, thread := range threads {
				id, _ := strconv.Atoi(thread.Name())
				_ = unix.SchedSetaffinity(id, to) // it may have ended
			}
		}
		return nil
	}
	t.Cleanup(func() { _ = set(&before) }) // a sandbox may keep us from it
	if err := set(&one); err != nil {
		t.Fatal(err)
	}
}

func unshareNetwork() error {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	// IPv6 sends packets by itself. New interfaces take the setting over.
	for _, set := range []string{"all", "default"} {
		path := "/proc/sys/net/ipv6/conf/" + set + "/disable_ipv6"
		_ = os.WriteFile(path, []byte("1"), 0)
	}
	return nil
}

// ip runs ip(8) in the namespace of the calling goroutine.
func ip(t testing.TB, arguments string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(arguments)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", arguments, err, out)
	}
}

// far is the other end of a veth pair, in a second namespace.
type far struct{ work chan func() }

// do runs f in the far namespace and waits for it. f must not end the test.
func (f far) do(work func()) {
	done := make(chan struct{})
	f.work <- func() { defer close(done); work() }
	<-done
}

// vethPair makes a pair of connected interfaces: near in the test's namespace,
// with 192.0.2.1, and far in another, with 192.0.2.2.
func vethPair(t *testing.T) far {
	t.Helper()
	enterNamespace(t)
	f := far{make(chan func())}
	started := make(chan error)
	go func() {
		err := unshareNetwork()
		started <- err
		for work := range f.work {
			work()
		}
	}()
	t.Cleanup(func() { close(f.work) })
	if err := <-started; err != nil {
		t.Skipf("a network namespace needs more rights: %v", err)
	}
	var thread int
	f.do(func() { thread = unix.Gettid() })
	ip(t, "link add near type veth peer name far netns "+strconv.Itoa(thread))
	ip(t, "address add 192.0.2.1/24 dev near")
	ip(t, "link set near up")
	f.do(func() {
		for _, a := range []string{"link set lo up", "address add 192.0.2.2/24 dev far", "link set far up"} {
			if out, err := exec.Command("ip", strings.Fields(a)...).CombinedOutput(); err != nil {
				t.Errorf("ip %s: %v\n%s", a, err, out)
			}
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	f.waitForLink(t)
	return f
}

// waitForLink waits until frames pass between the two ends: the kernel brings
// the link up some time after the interfaces.
func (f far) waitForLink(t *testing.T) {
	t.Helper()
	running := func(name string) bool {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return false
		}
		defer unix.Close(fd)
		request, err := unix.NewIfreq(name)
		return err == nil && unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, request) == nil && request.Uint16()&unix.IFF_RUNNING != 0
	}
	up := false
	for range 5000 {
		f.do(func() { up = running("far") })
		if up && running("near") {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if !up {
		t.Fatal("the link between the namespaces does not come up")
	}
	// The flag is set a moment before the link, under a lock that these take.
	ip(t, "link set near up")
	f.do(func() { _ = exec.Command("ip", "link", "set", "far", "up").Run() })
}

// sender sends crafted frames on an interface.
type sender struct {
	fd      int
	address unix.SockaddrLinklayer
}

// newSender must be called in the interface's namespace.
func newSender(name string) (*sender, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, request)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &sender{fd, unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: int(request.Uint32())}}, nil
}

func (s *sender) send(frame []byte) error { return unix.Sendto(s.fd, frame, 0, &s.address) }
func (s *sender) close()                  { unix.Close(s.fd) }

func (f far) sender(t *testing.T) *sender {
	t.Helper()
	var s *sender
	var err error
	f.do(func() { s, err = newSender("far") })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

// ethernetFrame is a frame with the given tags (TPID<<16 | TCI) and an
// EtherType after them.
func ethernetFrame(tags []uint32, etherType uint16, payload []byte) []byte {
	frame := []byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02")
	for _, tag := range tags {
		frame = binary.BigEndian.AppendUint32(frame, tag)
	}
	frame = binary.BigEndian.AppendUint16(frame, etherType)
	return append(frame, payload...)
}

// ipv4 is a datagram from 192.0.2.2 to 192.0.2.1, without a valid checksum.
func ipv4(protocol byte, payload []byte) []byte {
	b := []byte("\x45\x00\x00\x00\x00\x00\x40\x00\x40\x00\x00\x00\xc0\x00\x02\x02\xc0\x00\x02\x01")
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)+len(payload)))
	b[9] = protocol
	return append(b, payload...)
}

func udp(source, destination uint16, payload string) []byte {
	b := binary.BigEndian.AppendUint16(nil, source)
	b = binary.BigEndian.AppendUint16(b, destination)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	b = binary.BigEndian.AppendUint16(b, 0)
	return append(b, payload...)
}

// sctpInit is an SCTP packet with an INIT chunk (RFC 9260 section 3.3.2),
// without a valid checksum.
func sctpInit(source, destination uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, source)
	b = binary.BigEndian.AppendUint16(b, destination)
	b = append(b, make([]byte, 8)...) // verification tag 0, checksum
	return append(b, "\x01\x00\x00\x14\xde\xad\xbe\xef\x00\x01\x00\x00\x00\x0a\x00\x0a\x00\x00\x00\x01"...)
}

// frameOf is a packet as it was on the wire, with its VLAN tag.
func frameOf(p *Packet) []byte {
	var w Writer
	before, tag, after := w.splitAtVLAN(p)
	return append(append(append([]byte(nil), before...), tag...), after...)
}

// collected is a packet whose bytes outlive Next.
type collected struct {
	Packet
	frame []byte
}

// arrived waits until the kernel has counted n packets for the capture. A busy
// kernel may hand on what was sent some time after the call that sent it.
func arrived(t *testing.T, l *Live, n uint64) {
	t.Helper()
	var stats LiveStats
	for range 10_000 {
		var err error
		if stats, err = l.Stats(); err != nil {
			t.Fatal(err)
		}
		if stats.Received >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d packets arrived, want %d", stats.Received, n)
}

// collect reads until done says that a packet was the last, or for about thirty
// seconds.
func collect(t *testing.T, l *Live, done func(collected) bool) []collected {
	t.Helper()
	var all []collected
	packets := make([]Packet, 64)
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); {
		n, err := l.Next(packets)
		last := false
		for _, p := range packets[:n] {
			c := collected{p, frameOf(&p)}
			c.Data = append([]byte(nil), p.Data...)
			all = append(all, c)
			last = last || done(c)
		}
		if last {
			return all
		}
		if err != nil {
			t.Fatalf("after %d packets: %v", len(all), err)
		}
	}
	t.Fatalf("the last packet did not come; %d did", len(all))
	return nil
}

// finish stops the capture and gives what was left in it.
func finish(t *testing.T, l *Live) []collected {
	t.Helper()
	l.Stop()
	var all []collected
	packets := make([]Packet, 64)
	for {
		n, err := l.Next(packets)
		for _, p := range packets[:n] {
			c := collected{p, frameOf(&p)}
			c.Data = append([]byte(nil), p.Data...)
			all = append(all, c)
		}
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, opt LiveOptions) *Live {
	t.Helper()
	l, err := OpenLive(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return l
}

// counters gives the packets that an interface of the calling goroutine's
// namespace has received and sent.
func counters(name string) (received, sent uint64, err error) {
	text, err := os.ReadFile("/proc/thread-self/net/dev")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		if n, values, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(n) == name {
			f := strings.Fields(values)
			received, err = strconv.ParseUint(f[1], 10, 64)
			if err == nil {
				sent, err = strconv.ParseUint(f[9], 10, 64)
			}
			return received, sent, err
		}
	}
	return 0, 0, fmt.Errorf("no interface %s", name)
}
