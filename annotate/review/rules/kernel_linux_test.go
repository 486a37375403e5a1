package rules

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The differential test: the kernel is asked too. A firewall in a network
// namespace of its own has an interface by which packets come and one by which
// it sends them on. Random first packets, each with a number in it, are put on
// the wire before the first; those that come out of the second, or that a raw
// socket of the firewall gets, were accepted.

// lab is such a firewall, with the test at the other ends of its wires.
type lab struct {
	t        *testing.T
	firewall chan func() // runs things in the firewall's namespace
	in, out  int         // packet sockets at the far ends
	mac      [2]net.HardwareAddr
	peer     net.HardwareAddr
	raw      []int
	device   [2]string // of the firewall
	buf      []byte
	accepted map[uint32]bool
}

func (l *lab) do(work func()) {
	done := make(chan struct{})
	l.firewall <- func() { defer close(done); work() }
	<-done
}

// run runs a program in the firewall's namespace.
func (l *lab) run(stdin, name string, args ...string) string {
	l.t.Helper()
	var out []byte
	var err error
	l.do(func() {
		cmd := exec.Command(name, args...)
		cmd.Stdin = strings.NewReader(stdin)
		out, err = cmd.Output()
	})
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			l.t.Fatalf("%s %v: %v\n%s", name, args, err, exit.Stderr)
		}
		l.t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}

func (l *lab) ip(arguments string) { l.t.Helper(); l.run("", "ip", strings.Fields(arguments)...) }

// inNamespace starts a goroutine in a new network namespace, and gives a way to
// run things there.
func inNamespace(t *testing.T) (chan func(), int) {
	t.Helper()
	work, started := make(chan func()), make(chan error)
	thread := 0
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		thread = unix.Gettid()
		started <- err
		for f := range work {
			f()
		}
	}()
	t.Cleanup(func() { close(work) })
	if err := <-started; err != nil {
		t.Skipf("a network namespace needs more rights: %v", err)
	}
	return work, thread
}

// ownAddresses are those of the firewall, of the first interface and of the
// second.
var ownAddresses = []string{"192.0.2.1", "2001:db8:aaaa::1", "192.0.2.253", "2001:db8:bbbb::1"}

// newLab makes a firewall. in and out are its interfaces. With local, all
// addresses are its own.
func newLab(t *testing.T, in, out string, local bool) *lab {
	t.Helper()
	if testing.Short() {
		t.Skip("-short")
	}
	for _, tool := range []string{"ip", "nft", "iptables-legacy", "ipset"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	onOneProcessor(t)
	l := &lab{t: t, device: [2]string{in, out}, buf: make([]byte, 1<<16), accepted: map[uint32]bool{}}
	fw, thread := inNamespace(t)
	l.firewall = fw
	l.do(func() {
		for _, s := range []string{
			"net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1", "net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0",
			"net/ipv4/conf/default/accept_local=1", "net/ipv4/conf/all/accept_local=1", "net/ipv6/conf/default/accept_dad=0", "net/ipv6/conf/all/accept_dad=0",
			"net/netfilter/nf_conntrack_max=262144", "net/ipv4/conf/all/log_martians=0",
		} {
			key, v, _ := strings.Cut(s, "=")
			_ = os.WriteFile("/proc/sys/"+key, []byte(v), 0) // of the namespace of the thread that opens it
		}
	})
	l.ip("link set lo up")
	testers, testersThread := inNamespace(t)
	tl := &lab{t: t, firewall: testers}
	for i, name := range []string{in, out} {
		tl.ip(fmt.Sprintf("link add far%d type veth peer name %s netns %d", i, name, thread))
		tl.ip(fmt.Sprintf("link set far%d up", i))
		l.ip("link set " + name + " up")
	}
	_ = testersThread
	l.ip("address add 192.0.2.1/32 dev " + in)
	l.ip("address add 2001:db8:aaaa::1/128 dev " + in + " nodad")
	l.ip("address add 192.0.2.253/32 dev " + out)
	l.ip("address add 2001:db8:bbbb::1/128 dev " + out + " nodad")
	if local {
		l.ip("route add local default dev lo")
		l.ip("-6 route add local default dev lo")
	} else {
		l.ip("neigh add 192.0.2.254 lladdr 02:00:00:00:00:02 dev " + out + " nud permanent")
		l.ip("neigh add 2001:db8:bbbb::2 lladdr 02:00:00:00:00:02 dev " + out + " nud permanent")
		l.ip("route add default via 192.0.2.254 dev " + out + " onlink")
		l.ip("-6 route add default via 2001:db8:bbbb::2 dev " + out + " onlink")
	}
	var err error
	l.do(func() {
		var ifc *net.Interface
		if ifc, err = net.InterfaceByName(in); err != nil {
			return
		}
		l.mac[0] = ifc.HardwareAddr
		for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
			for _, proto := range []int{protoTCP, protoUDP, protoSCTP, protoICMP, protoICMPv6, 47} {
				if proto == protoICMP && family != unix.AF_INET || proto == protoICMPv6 && family != unix.AF_INET6 {
					continue
				}
				var fd int
				if fd, err = unix.Socket(family, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto); err != nil {
					return
				}
				_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20)
				l.raw = append(l.raw, fd)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	tl.do(func() {
		if l.in, l.peer, err = packetSocket("far0"); err == nil {
			l.out, _, err = packetSocket("far1")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, fd := range append(l.raw, l.in, l.out) {
			_ = unix.Close(fd)
		}
	})
	return l
}

func packetSocket(device string) (int, net.HardwareAddr, error) {
	ifc, err := net.InterfaceByName(device)
	if err != nil {
		return 0, nil, err
	}
	all := uint16(unix.ETH_P_ALL)<<8 | uint16(unix.ETH_P_ALL)>>8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		return 0, nil, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 32<<20)
	return fd, ifc.HardwareAddr, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ifc.Index})
}

// onOneProcessor keeps the test, and with it the kernel's part, on one
// processor, so that packets have one order.
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
	set := func(to *unix.CPUSet) {
		for range 2 { // a thread may have been started meanwhile, by one that was not set yet
			threads, _ := os.ReadDir("/proc/self/task")
			for _, thread := range threads {
				id, _ := strconv.Atoi(thread.Name())
				_ = unix.SchedSetaffinity(id, to) // it may have ended
			}
		}
	}
	t.Cleanup(func() { set(&before) })
	set(&one)
}

// magic marks the packets of the test; a number follows it, and they end with
// that.
var magic = []byte("pa\xa7\x05")

// frame builds the first packet of a flow, with its number.
func (l *lab) frame(f *Flow, id uint32) []byte {
	tail := binary.BigEndian.AppendUint32(bytes.Clone(magic), id)
	be16, be32 := binary.BigEndian.AppendUint16, binary.BigEndian.AppendUint32
	var b []byte
	at := -1 // of the checksum
	switch f.Protocol {
	case protoTCP:
		b = be16(be16(b, f.ClientPort), f.ServerPort)
		b = be32(be32(b, id), 0)
		b = append(b, 5<<4, flagSYN, 0x10, 0, 0, 0, 0, 0)
		b, at = append(b, tail...), 16
	case protoUDP:
		b = be16(be16(b, f.ClientPort), f.ServerPort)
		b = be16(be16(b, 8+uint16(len(tail))), 0)
		b, at = append(b, tail...), 6
	case protoSCTP:
		b = be16(be16(b, f.ClientPort), f.ServerPort)
		b = be32(be32(b, 0), 0)
		// INIT, with a parameter of an unknown kind that may be skipped.
		b = be16(append(b, 1, 0), 20+12)
		b = be32(be32(b, id|1), 65536)
		b = be32(be16(be16(b, 1), 1), id)
		b = append(be16(be16(b, 0x8042), 12), tail...)
		binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	case protoICMP, protoICMPv6:
		b = append(b, 8, 0, 0, 0)
		if f.Protocol == protoICMPv6 {
			b[0] = 128
		}
		b = be16(be16(b, uint16(id>>16)+1), uint16(id))
		b, at = append(b, tail...), 2
	default:
		b = append(be32(b, 0), tail...) // GRE, version 0, no protocol
	}
	if at >= 0 {
		sum := uint32(0)
		if f.Protocol != protoICMP {
			sum = checksum(slices.Concat(f.Client.AsSlice(), f.Server.AsSlice(), []byte{0, f.Protocol}), uint32(len(b)))
		}
		binary.BigEndian.PutUint16(b[at:], fold(checksum(b, sum)))
	}
	out := append([]byte(nil), l.mac[0]...)
	out = append(out, l.peer...)
	if f.Client.Is4() {
		out = append(out, 8, 0)
		h := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, f.Protocol, 0, 0}
		binary.BigEndian.PutUint16(h[2:], uint16(20+len(b)))
		h = append(append(h, f.Client.AsSlice()...), f.Server.AsSlice()...)
		binary.BigEndian.PutUint16(h[10:], fold(checksum(h, 0)))
		out = append(out, h...)
	} else {
		h := []byte{0x60, 0, 0, 0, 0, 0, f.Protocol, 64}
		binary.BigEndian.PutUint16(h[4:], uint16(len(b)))
		out = append(append(append(append(out, 0x86, 0xdd), h...), f.Client.AsSlice()...), f.Server.AsSlice()...)
	}
	return append(out, b...)
}

func checksum(b []byte, sum uint32) uint32 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

func fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// drain reads what came out, and reports whether the answer to an ARP request
// was among it: proof that all packets before it were dealt with.
func (l *lab) drain() (answered bool) {
	for _, fd := range append([]int{l.out, l.in}, l.raw...) {
		for {
			n, from, err := unix.Recvfrom(fd, l.buf, 0)
			if err != nil {
				break
			}
			b := l.buf[:n]
			link, isLink := from.(*unix.SockaddrLinklayer)
			if isLink && link.Pkttype == unix.PACKET_OUTGOING {
				continue
			}
			if fd == l.in {
				answered = answered || n >= 22 && b[12] == 8 && b[13] == 6 && b[21] == 2
				continue
			}
			if n < 8 || !bytes.Equal(b[n-8:n-4], magic) {
				continue
			}
			l.accepted[binary.BigEndian.Uint32(b[n-4:])] = true
		}
	}
	return answered
}

// send puts frames on the wire, and waits until the firewall is done with them.
func (l *lab) send(frames [][]byte) {
	l.t.Helper()
	arp := append(bytes.Repeat([]byte{0xff}, 6), l.peer...)
	arp = append(arp, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1)
	arp = append(append(append(arp, l.peer...), 0, 0, 0, 0), 0, 0, 0, 0, 0, 0, 192, 0, 2, 1) // a probe, by nobody
	for batch := range slices.Chunk(frames, 32) {
		for _, b := range append(batch[:len(batch):len(batch)], arp) {
			if _, err := unix.Write(l.in, b); err != nil {
				l.t.Fatalf("send: %v", err)
			}
		}
		sent := 1
		for deadline, again := time.Now().Add(20*time.Second), time.Now().Add(time.Second); !l.drain(); {
			if now := time.Now(); now.After(deadline) {
				l.t.Fatal("the firewall answers no ARP request")
			} else if now.After(again) { // on a busy machine one may be lost
				again = now.Add(time.Second)
				sent++
				if _, err := unix.Write(l.in, arp); err != nil {
					l.t.Fatalf("send: %v", err)
				}
			}
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(l.in), Events: unix.POLLIN}}, 100)
		}
		if sent > 1 { // a late answer must not be taken for that of the next batch
			time.Sleep(time.Second)
			l.drain()
		}
	}
	l.drain()
}

// verdict says what became of a packet. One that should have passed and did not is sent
// once more: on a busy machine it may have been lost, and not denied.
func (l *lab) verdict(id uint32, frame []byte, ours Verdict) Verdict {
	l.t.Helper()
	if ours == Allow && !l.accepted[id] && frame != nil {
		l.send([][]byte{frame})
	}
	if l.accepted[id] {
		return Allow
	}
	return Deny
}

// pool holds what random packets are made of: the numbers and addresses that a
// ruleset names, and their neighbours.
type pool struct {
	ports    []uint16
	v4, v6   []netip.Addr
	protocol []uint8
}

var (
	numbersRE = regexp.MustCompile(`\b\d{1,5}\b`)
	v4RE      = regexp.MustCompile(`\b\d+\.\d+\.\d+\.\d+(/\d+)?\b`)
	v6RE      = regexp.MustCompile(`\b[0-9a-f]+:[0-9a-f:]*:[0-9a-f:]*(/\d+)?`)
)

func newPool(text string) *pool {
	p := &pool{protocol: []uint8{protoTCP, protoTCP, protoTCP, protoUDP, protoUDP, protoSCTP, protoICMP, 47}}
	addresses := func(re *regexp.Regexp, to *[]netip.Addr) {
		for _, s := range re.FindAllString(text, -1) {
			pre, ok := prefixOf(s)
			if !ok {
				continue
			}
			a, last := pre.Addr(), lastAddr(pre)
			if plain, _, _ := strings.Cut(s, "/"); plain != s {
				*to = append(*to, netip.MustParseAddr(plain))
			}
			*to = append(*to, a, a.Next(), a.Prev(), last, last.Prev(), last.Next())
		}
	}
	addresses(v4RE, &p.v4)
	addresses(v6RE, &p.v6)
	for _, s := range numbersRE.FindAllString(v6RE.ReplaceAllString(v4RE.ReplaceAllString(text, " "), " "), -1) {
		n, _ := strconv.Atoi(s)
		for _, n := range []int{n - 1, n, n, n, n + 1} {
			if n > 0 && n < 65536 {
				p.ports = append(p.ports, uint16(n))
			}
		}
	}
	return p
}

// addr draws an address that may be the source, or the destination, of packets
// that are routed.
func (p *pool) addr(r *rand.Rand, v4 bool) netip.Addr {
	for {
		var a netip.Addr
		from := p.v6
		if v4 {
			from = p.v4
		}
		switch {
		case len(from) > 0 && r.IntN(4) > 0:
			a = from[r.IntN(len(from))]
		case v4:
			a = netip.AddrFrom4([4]byte{byte(r.IntN(223)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))})
		default:
			b := netip.MustParseAddr("2001:db8::").As16()
			b[5], b[15] = byte(r.IntN(3)), byte(1+r.IntN(200))
			a = netip.AddrFrom16(b)
		}
		if !a.IsValid() || a.IsLoopback() || a.IsMulticast() || a.IsUnspecified() || a.IsLinkLocalUnicast() || a.Is4() != v4 {
			continue
		}
		if b := a.AsSlice()[0]; v4 && (b == 0 || b >= 240) {
			continue
		}
		return a
	}
}

func (p *pool) port(r *rand.Rand) uint16 {
	if len(p.ports) > 0 && r.IntN(8) > 0 {
		return p.ports[r.IntN(len(p.ports))]
	}
	return uint16(1 + r.IntN(65535))
}

func (p *pool) flow(r *rand.Rand, id uint32, families []bool) Flow {
	v4 := families[r.IntN(len(families))]
	f := Flow{Protocol: p.protocol[r.IntN(len(p.protocol))], Client: p.addr(r, v4), Server: p.addr(r, v4)}
	if f.Protocol == protoICMP && !v4 {
		f.Protocol = protoICMPv6
	}
	if hasPorts(f.Protocol) {
		f.ServerPort = p.port(r)
		f.ClientPort = uint16(1024 + r.IntN(64000))
		if r.IntN(4) == 0 {
			f.ClientPort = p.port(r)
		}
	}
	return f
}

// compare sends random packets and compares what becomes of them with what the
// rules are read to say.
func (l *lab) compare(fw *Firewall, text string, hook Hook, families []bool, count int) {
	l.t.Helper()
	counts := l.count(fw, text, hook, families, count)
	if counts["allow/allow"] < count/20 || counts["deny/deny"] < count/20 || counts["unknown/allow"]+counts["unknown/deny"] > count/4 {
		l.t.Errorf("the packets are too much alike to show anything: %v", counts)
	}
}

// count does so, and gives how often which answers came together.
func (l *lab) count(fw *Firewall, text string, hook Hook, families []bool, count int) map[string]int {
	t := l.t
	t.Helper()
	seed := uint64(20260817)
	r := rand.New(rand.NewPCG(seed, uint64(hook)))
	p := newPool(text)
	flows := make([]Flow, count)
	frames := make([][]byte, count)
	seen := map[Flow]bool{}
	var own []netip.Addr // what comes from these comes from no wire
	for _, s := range ownAddresses {
		own = append(own, netip.MustParseAddr(s))
	}
	for i := range flows {
		for {
			flows[i] = p.flow(r, uint32(i), families)
			back := Flow{Protocol: flows[i].Protocol, Client: flows[i].Server, Server: flows[i].Client, ClientPort: flows[i].ServerPort, ServerPort: flows[i].ClientPort}
			if flows[i].Client != flows[i].Server && !slices.Contains(own, flows[i].Client) && !seen[flows[i]] && !seen[back] {
				break // a second one, or an answer, would not be the first packet
			}
		}
		seen[flows[i]] = true
		flows[i].In, flows[i].Out = l.device[0], l.device[1] // the hook is found by the addresses
		frames[i] = l.frame(&flows[i], uint32(i))
	}
	// Answers would meet rules too, and make packets of their own.
	l.run("table inet portannot_test { chain mute { type filter hook output priority -500; policy drop; }; }", "nft", "-f", "-")
	l.send(frames)
	counts := map[string]int{}
	wrong := 0
	for i := range flows {
		d := fw.Decide(&flows[i])
		got := l.verdict(uint32(i), frames[i], d.Verdict)
		counts[fmt.Sprintf("%s/%s", d.Verdict, got)]++
		switch d.Verdict {
		case Unknown:
			ok := slices.ContainsFunc(d.Depends, func(r *Rule) bool { return r.NotInterpreted != "" }) ||
				len(d.Depends) > 0 && !hasPorts(flows[i].Protocol) // what stands where others have ports, no flow tells
			if !ok {
				t.Errorf("%+v: not known, and no rule that is not interpreted: %s", flows[i], d.Why)
				wrong++
			}
		case got:
		default:
			t.Errorf("%+v: the kernel says %s, we say %s: %s (%v)", flows[i], got, d.Verdict, d.Why, d.Rule)
			wrong++
		}
		if wrong > 10 {
			t.Fatal("and more")
		}
	}
	t.Logf("ours/the kernel's: %v", counts)
	return counts
}

// TestFixture shows that the fixture of constructs is what the real nft prints.
// Another version may print it otherwise; it must be read to the same rules.
func TestFixture(t *testing.T) {
	l := newLab(t, "eth0", "eth1", false)
	source, err := os.ReadFile("testdata/constructs.nft")
	if err != nil {
		t.Fatal(err)
	}
	l.run(string(source), "nft", "-f", "-")
	printed := l.run("", "nft", "-j", "list", "ruleset")
	fw, want := readText(t, Options{}, printed), readFiles(t, Options{}, "constructs.nft.json")
	got, fixture := fw.Sets[0].Rules, want.Sets[0].Rules
	if len(fixture) < 40 {
		t.Errorf("the fixture has %d rules", len(fixture))
	}
	if len(got) != len(fixture) {
		t.Fatalf("%d rules, want %d", len(got), len(fixture))
	}
	for i := range got {
		if got[i].ID != fixture[i].ID || got[i].Text != fixture[i].Text || got[i].Action != fixture[i].Action || got[i].NotInterpreted != fixture[i].NotInterpreted {
			t.Errorf("%s: %s, want %s: %s", got[i].ID, got[i].Text, fixture[i].ID, fixture[i].Text)
		}
	}
}

const differentialPackets = 10000

// TestKernelNFT compares with the kernel for the ruleset of constructs.
func TestKernelNFT(t *testing.T) {
	source, err := os.ReadFile("testdata/constructs.nft")
	if err != nil {
		t.Fatal(err)
	}
	// Rates are taken as not exceeded, so here they are not.
	text := regexp.MustCompile(`\d+/(second|minute)`).ReplaceAllString(string(source), "1000000/second burst 1000000 packets")
	text = strings.ReplaceAll(text, "ct count over 20", "ct count over 1000000")
	// So is that sources are true; those of random packets are not.
	text = strings.ReplaceAll(text, "fib saddr . iif oif missing drop", "")
	for _, hook := range []Hook{Input, Forward} {
		t.Run(hook.String(), func(t *testing.T) {
			local := []netip.Prefix{allV4, allV6}
			in, out := "eth0", "eth1"
			if hook == Forward {
				in, out = "wan", "lan"
				local = prefixes(ownAddresses...)
			}
			l := newLab(t, in, out, hook == Input)
			l.run(text, "nft", "-f", "-")
			fw := readText(t, Options{Local: local}, l.run("", "nft", "-j", "list", "ruleset"))
			l.compare(fw, text, hook, []bool{true, true, false}, differentialPackets)
		})
	}
}

// TestKernelIPTables compares with the kernel for rules of iptables, of the old
// kind and of the one that is made of nftables.
func TestKernelIPTables(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile(`-limit \d+/\w+`).ReplaceAllString(string(b), "-limit 10000/sec --limit-burst 10000")
		text = regexp.MustCompile(`\d+/sec --hashlimit-burst \d+`).ReplaceAllString(text, "10000/sec --hashlimit-burst 10000")
		return strings.ReplaceAll(text, "--connlimit-above 50", "--connlimit-above 1000000")
	}
	v4, v6, sets := read("iptables-save.txt"), read("ip6tables-save.txt"), read("ipset-save.txt")
	for _, backend := range []string{"legacy", "nft"} {
		for _, hook := range []Hook{Input, Forward} {
			t.Run(backend+"/"+hook.String(), func(t *testing.T) {
				local := []netip.Prefix{allV4, allV6}
				if hook == Forward {
					local = prefixes(ownAddresses...)
				}
				l := newLab(t, "wan", "lan", hook == Input)
				l.run(sets, "ipset", "restore")
				l.run(v4, "iptables-"+backend+"-restore")
				l.run(v6, "ip6tables-"+backend+"-restore")
				// What nft prints of these rules is less; the rest is ignored.
				listed := l.run("", "nft", "-j", "list", "ruleset")
				fw := readText(t, Options{Local: local}, listed, l.run("", "iptables-"+backend+"-save"), l.run("", "ip6tables-"+backend+"-save"), l.run("", "ipset", "save"))
				l.compare(fw, v4+v6+sets, hook, []bool{true, true, false}, differentialPackets)
			})
		}
	}
}
