package capture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

const endMark = "the last packet of the test"

func isEnd(c collected) bool { return bytes.Contains(c.frame, []byte(endMark)) }

// startTcpdump records beside the test. The function that it returns ends the
// recording once the end mark is in it, and gives its packets.
func startTcpdump(t *testing.T, arguments ...string) func() []Packet {
	t.Helper()
	path, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("tcpdump is not installed")
	}
	name := filepath.Join(t.TempDir(), "tcpdump.pcap")
	// -Z root: it would give up root and then could not write the file.
	command := exec.Command(path, append([]string{"-Z", "root", "-U", "--immediate-mode", "-w", name}, arguments...)...)
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	said := make([]byte, 0, 4096)
	for !bytes.Contains(said, []byte("listening on")) {
		n, err := stderr.Read(said[len(said):cap(said)])
		said = said[:len(said)+n]
		if err != nil {
			t.Fatalf("tcpdump: %v\n%s", err, said)
		}
	}
	go io.Copy(io.Discard, stderr)
	return func() []Packet {
		t.Helper()
		for range 3000 {
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(file, []byte(endMark)) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		command.Process.Signal(os.Interrupt)
		command.Wait()
		r, err := Open(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var all []Packet
		packets := make([]Packet, 64)
		for {
			n, err := r.Next(packets)
			for _, p := range packets[:n] {
				p.Data = bytes.Clone(p.Data)
				all = append(all, p)
			}
			if err == io.EOF {
				return all
			}
			if err != nil {
				t.Fatalf("what tcpdump wrote: %v", err)
			}
		}
	}
}

// exchange has a TCP conversation and a UDP datagram each way between the
// namespaces.
func exchange(t *testing.T, f far) {
	t.Helper()
	listener, err := net.Listen("tcp4", "192.0.2.1:7000")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	echoed := make(chan error, 1)
	go func() {
		c, err := listener.Accept()
		if err == nil {
			_, err = io.Copy(c, c)
			c.Close()
		}
		echoed <- err
	}()
	server, err := net.ListenPacket("udp4", "192.0.2.1:7001")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	message := bytes.Repeat([]byte("to and fro "), 1000)
	f.do(func() {
		c, err := net.DialTimeout("tcp4", "192.0.2.1:7000", 30*time.Second)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := c.Write(message); err != nil {
			t.Error(err)
		}
		c.(*net.TCPConn).CloseWrite()
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, message) {
			t.Errorf("echo of %d bytes, %v", len(got), err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	if err := <-echoed; err != nil {
		t.Fatal(err)
	}
	f.do(func() {
		c, err := net.Dial("udp4", "192.0.2.1:7001")
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if _, err := c.Write([]byte("datagram")); err != nil {
			t.Error(err)
		}
	})
	buffer := make([]byte, 100)
	server.SetDeadline(time.Now().Add(30 * time.Second))
	n, client, err := server.ReadFrom(buffer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.WriteTo(buffer[:n], client); err != nil {
		t.Fatal(err)
	}
}

// Beside tcpdump on the same interface: the same packets, in the same order,
// with the same bytes, VLAN tags and lengths.
func TestLiveSeesWhatTcpdumpSees(t *testing.T) {
	f := vethPair(t)
	recorded := startTcpdump(t, "-i", "near")
	l := open(t, LiveOptions{Interfaces: []string{"near"}})
	before := time.Now()
	exchange(t, f)
	s := f.sender(t)
	frames := [][]byte{
		ethernetFrame(nil, unix.ETH_P_IP, ipv4(unix.IPPROTO_SCTP, sctpInit(36412, 36412))),
		ethernetFrame([]uint32{0x8100_0064}, unix.ETH_P_IP, ipv4(unix.IPPROTO_UDP, udp(1, 53, "in VLAN 100"))),
		ethernetFrame([]uint32{0x8100_e065}, unix.ETH_P_IP, ipv4(unix.IPPROTO_SCTP, sctpInit(5000, 3868))),
		ethernetFrame([]uint32{0x8100_6000}, unix.ETH_P_IP, ipv4(unix.IPPROTO_UDP, udp(1, 53, "priority tag"))),
		ethernetFrame([]uint32{0x88a8_0007, 0x8100_0008}, unix.ETH_P_IP, ipv4(unix.IPPROTO_UDP, udp(2, 53, "two tags"))),
		ethernetFrame(nil, 0x88b5, []byte("an EtherType for experiments")),
		ethernetFrame(nil, unix.ETH_P_IP, ipv4(unix.IPPROTO_UDP, udp(3, 53, endMark))),
	}
	for _, frame := range frames {
		if err := s.send(frame); err != nil {
			t.Fatal(err)
		}
	}
	got := collect(t, l, isEnd)
	after := time.Now()
	want := recorded()
	if len(got) != len(want) {
		t.Errorf("%d packets, tcpdump has %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(got[i].frame, want[i].Data) {
			t.Errorf("packet %d differs:\n% x\ntcpdump has\n% x", i+1, got[i].frame, want[i].Data)
		}
		if got[i].Length != want[i].Length {
			t.Errorf("packet %d: length %d, tcpdump has %d", i+1, got[i].Length, want[i].Length)
		}
	}
	sent := 0
	for i, p := range got {
		if p.Link != LinkEthernet || l.InterfaceName(p.Interface) != "near" || p.Number != uint64(i+1) {
			t.Errorf("packet %d: link %v, interface %s, number %d", i+1, p.Link, l.InterfaceName(p.Interface), p.Number)
		}
		if p.Time < before.UnixNano() || p.Time > after.UnixNano() {
			t.Errorf("packet %d: time %v, not between %v and %v", i+1, time.Unix(0, p.Time), before, after)
		}
		if sent < len(frames) && bytes.Equal(p.frame, frames[sent]) {
			sent++
		}
	}
	if sent != len(frames) {
		t.Errorf("crafted frame %d did not come as it was sent", sent+1)
	}
	for i, want := range []uint32{0, 0x8100_0064, 0x8100_e065, 0x8100_6000, 0x88a8_0007} {
		if p := got[len(got)-len(frames)+i]; p.VLAN != want {
			t.Errorf("crafted frame %d: VLAN %08x, want %08x", i+1, p.VLAN, want)
		}
	}
	stats, err := l.Stats()
	if err != nil || stats.Received != uint64(len(got)) || stats.Dropped != 0 {
		t.Errorf("stats %+v, %v; %d packets were read", stats, err, len(got))
	}
}

// Every packet of a burst that overruns the ring is either read or counted.
func TestLiveCountsWhatABurstDrops(t *testing.T) {
	const packets = 200_000
	f := vethPair(t)
	s := f.sender(t)
	l := open(t, LiveOptions{Interfaces: []string{"near"}, Buffer: 1 << 20, SnapLen: 256})
	frame := ethernetFrame(nil, unix.ETH_P_IP, ipv4(unix.IPPROTO_UDP, udp(1, 2, strings.Repeat("x", 400))))
	before, _, err := counters("near")
	if err != nil {
		t.Fatal(err)
	}
	burst := func(n int) {
		for range n {
			// Where the kernel has no room the counters do not count it either.
			_ = s.send(frame)
		}
	}
	burst(packets / 2) // nobody reads
	finished := make(chan struct{})
	go func() { burst(packets / 2); close(finished) }()

	read, damaged := 0, 0
	buffer := make([]Packet, 256)
	for stopped := false; ; {
		n, err := l.Next(buffer)
		for _, p := range buffer[:n] {
			if read++; len(p.Data) != 256 || p.Length != uint32(len(frame)) || !bytes.Equal(p.Data, frame[:256]) {
				damaged++
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-finished:
			if !stopped {
				stopped = true
				sent, _, err := counters("near")
				if err != nil {
					t.Fatal(err)
				}
				arrived(t, l, sent-before)
				l.Stop()
			}
		default:
		}
	}
	after, _, err := counters("near")
	if err != nil {
		t.Fatal(err)
	}
	stats, err := l.Stats()
	if err != nil {
		t.Fatal(err)
	}
	arrived := after - before
	t.Logf("sent %d, arrived %d, read %d, dropped %d, freezes %d", packets, arrived, read, stats.Dropped, stats.Freezes)
	if damaged != 0 {
		t.Errorf("%d packets are not what was sent", damaged)
	}
	if uint64(read)+stats.Dropped != arrived || stats.Received != arrived {
		t.Errorf("read %d + dropped %d, received %d; %d arrived", read, stats.Dropped, stats.Received, arrived)
	}
	if stats.Dropped == 0 || stats.Freezes == 0 {
		t.Errorf("dropped %d, freezes %d: the ring was not overrun", stats.Dropped, stats.Freezes)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if last, err := l.Stats(); err != nil || last != stats {
		t.Errorf("after Close: %+v, %v; before: %+v", last, err, stats)
	}
}

// loopbackMessage sends a datagram over loopback of the calling goroutine's
// namespace, to a port where nobody listens.
func loopbackMessage(t *testing.T, port int, text string) {
	t.Helper()
	c, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestLiveLoopbackShowsEachPacketOnce(t *testing.T) {
	enterNamespace(t)
	l := open(t, LiveOptions{Interfaces: []string{"lo"}})
	// Somebody listens, so that there are no ICMP errors.
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	port := server.LocalAddr().(*net.UDPAddr).Port
	for i := range 10 {
		loopbackMessage(t, port, fmt.Sprint("message ", i))
	}
	loopbackMessage(t, port, endMark)
	got := append(collect(t, l, isEnd), finish(t, l)...)
	if len(got) != 11 {
		t.Fatalf("%d packets, want 11", len(got))
	}
	for i, p := range got[:10] {
		if p.Link != LinkEthernet || !bytes.HasSuffix(p.Data, []byte(fmt.Sprint("message ", i))) {
			t.Errorf("packet %d: %v % x", i+1, p.Link, p.Data)
		}
	}
}

// tun makes a tun interface whose packets are written to the file, each after
// four bytes: flags and EtherType.
func tun(t *testing.T, name string) *os.File {
	t.Helper()
	file, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no tun device: %v", err)
	}
	t.Cleanup(func() { file.Close() })
	request, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_TUN)
	if err := unix.IoctlIfreq(int(file.Fd()), unix.TUNSETIFF, request); err != nil {
		t.Skipf("no tun interface: %v", err)
	}
	ip(t, "link set "+name+" up")
	return file
}

// tap makes an interface that says that it is of a hardware type, and whose
// packets have an Ethernet header nonetheless.
func tap(t *testing.T, name string, hardware int) *os.File {
	t.Helper()
	file, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no tun device: %v", err)
	}
	t.Cleanup(func() { file.Close() })
	request, err := unix.NewIfreq(name)
	if err != nil {
		t.Fatal(err)
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(int(file.Fd()), unix.TUNSETIFF, request); err != nil {
		t.Skipf("no tap interface: %v", err)
	}
	if err := unix.IoctlSetInt(int(file.Fd()), unix.TUNSETLINK, hardware); err != nil {
		t.Skipf("no tap interface of another type: %v", err)
	}
	ip(t, "link set "+name+" up")
	return file
}

// Of an interface whose link layer is not known, packets begin at the network
// layer, and so do the offsets of filters.
func TestLiveUnknownLinkLayer(t *testing.T) {
	enterNamespace(t)
	odd := tap(t, "odd", unix.ARPHRD_IPGRE)
	frames := [][]byte{
		ethernetFrame(nil, unix.ETH_P_IP, ipv4(unix.IPPROTO_UDP, udp(1, 52, "first"))),
		ethernetFrame(nil, 0x88b5, []byte("not an IP packet")),
		ethernetFrame(nil, unix.ETH_P_IP, ipv4(unix.IPPROTO_UDP, udp(1, 53, endMark))),
	}
	for _, test := range []struct {
		filters map[LinkType][]bpf.RawInstruction
		want    []LinkType
	}{
		{nil, []LinkType{LinkRaw, LinkLinuxSLL2, LinkRaw}},
		{map[LinkType][]bpf.RawInstruction{LinkRaw: udpTo(t, 0, 53)}, []LinkType{LinkRaw}},
	} {
		l := open(t, LiveOptions{Interfaces: []string{"odd"}, Filters: test.filters})
		for _, frame := range frames {
			if _, err := odd.Write(frame); err != nil {
				t.Fatal(err)
			}
		}
		got := collect(t, l, isEnd)
		if len(got) != len(test.want) {
			t.Fatalf("%d packets, want %v", len(got), test.want)
		}
		for i, p := range got {
			want := frames[len(frames)-len(got)+i][14:]
			if p.Link != test.want[i] {
				t.Errorf("packet %d: %v, want %v", i+1, p.Link, test.want[i])
			}
			if p.Link == LinkLinuxSLL2 {
				// Ethernet's source address, as the kernel gave it.
				if header := p.Data[:12]; !bytes.Equal(header[:4], []byte{0x88, 0xb5, 0, 0}) || !bytes.Equal(header[8:10], []byte{0x03, 0x0a}) {
					t.Errorf("LINUX_SLL2: % x", header)
				}
				want = append(bytes.Clone(p.Data[:sll2Len]), want...)
			}
			if !bytes.Equal(p.Data, want) || int(p.Length) != len(want) {
				t.Errorf("packet %d: length %d, % x, want % x", i+1, p.Length, p.Data, want)
			}
		}
		l.Close()
	}
}

// A filter that computes how much to capture cannot exceed the snap length.
func TestLiveSnapLengthBoundsFilters(t *testing.T) {
	enterNamespace(t)
	whole, err := bpf.Assemble([]bpf.Instruction{bpf.LoadExtension{Num: bpf.ExtLen}, bpf.RetA{}})
	if err != nil {
		t.Fatal(err)
	}
	l := open(t, LiveOptions{Interfaces: []string{"lo"}, SnapLen: 60, Filters: map[LinkType][]bpf.RawInstruction{LinkEthernet: whole}})
	loopbackMessage(t, 9, endMark+strings.Repeat("x", 1000))
	p := collect(t, l, func(c collected) bool { return true })[0]
	if len(p.Data) != 60 || int(p.Length) != 14+20+8+len(endMark)+1000 {
		t.Errorf("%d bytes of %d", len(p.Data), p.Length)
	}
	// One that says a number is bounded already in the kernel.
	moved, err := moveFilter(LinkEthernet, []bpf.RawInstruction{{Op: unix.BPF_RET | unix.BPF_K, K: 1 << 20}}, 60)
	if last := moved[len(moved)-1]; err != nil || last.K != 60 {
		t.Errorf("%+v, %v", last, err)
	}
}

// What arrives after the end began is not given.
func TestLiveStopLetsNothingIn(t *testing.T) {
	enterNamespace(t)
	l := open(t, LiveOptions{Interfaces: []string{"lo"}, Timeout: 200 * time.Millisecond})
	loopbackMessage(t, 9, "before the end")
	arrived(t, l, 1)
	l.Stop()
	packets := make([]Packet, 8)
	if n, err := l.Next(packets); n == 0 {
		t.Fatalf("the packet before the end: %v", err)
	}
	loopbackMessage(t, 9, endMark)
	for _, p := range finish(t, l) {
		if isEnd(p) {
			t.Error("a packet after the end was given")
		}
	}
}

// "any" carries several link types in one capture, in the order of arrival.
func TestLiveAnyInterface(t *testing.T) {
	f := vethPair(t)
	tunnel := tun(t, "tunnel")
	s := f.sender(t)
	l := open(t, LiveOptions{Interfaces: []string{AnyInterface}})
	datagram := ipv4(unix.IPPROTO_UDP, udp(1, 2, "by veth"))
	if err := s.send(ethernetFrame([]uint32{0x8100_0005}, unix.ETH_P_IP, datagram)); err != nil {
		t.Fatal(err)
	}
	if _, err := tunnel.Write(append([]byte{0, 0, 0x08, 0x00}, datagram...)); err != nil {
		t.Fatal(err)
	}
	lldp := []byte("not an IP packet")
	if _, err := tunnel.Write(append([]byte{0, 0, 0x88, 0xcc}, lldp...)); err != nil {
		t.Fatal(err)
	}
	loopbackMessage(t, 9, endMark)
	var got []collected
	for _, p := range collect(t, l, isEnd) {
		if !bytes.Contains(p.Data, []byte{192, 0, 2, 1}) || bytes.Contains(p.Data, []byte("by veth")) {
			got = append(got, p) // all but ARP and ICMP that the arrival of the datagrams caused
		}
	}
	if len(got) < 4 {
		t.Fatalf("%d packets, want 4", len(got))
	}
	for i, want := range []struct {
		link   LinkType
		name   string
		vlan   uint32
		length int
	}{
		{LinkEthernet, "near", 0x8100_0005, 14 + 4 + len(datagram)},
		{LinkRaw, "tunnel", 0, len(datagram)},
		{LinkLinuxSLL2, "tunnel", 0, sll2Len + len(lldp)},
		{LinkEthernet, "lo", 0, 14 + 20 + 8 + len(endMark)},
	} {
		p := got[i]
		if p.Link != want.link || l.InterfaceName(p.Interface) != want.name || p.VLAN != want.vlan || int(p.Length) != want.length || len(p.frame) != want.length {
			t.Errorf("packet %d: %v on %s, VLAN %08x, length %d, %d bytes; want %v", i+1,
				p.Link, l.InterfaceName(p.Interface), p.VLAN, p.Length, len(p.frame), want)
		}
	}
	if !bytes.Equal(got[1].Data, datagram) {
		t.Errorf("raw IP: % x", got[1].Data)
	}
	index, _ := net.InterfaceByName("tunnel")
	header := []byte{0x88, 0xcc, 0, 0, 0, 0, 0, byte(index.Index), 0xff, 0xfe, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	if !bytes.Equal(got[2].Data, append(header, lldp...)) {
		t.Errorf("LINUX_SLL2: % x", got[2].Data)
	}
}

// Of several interfaces only those that were named are read.
func TestLiveSeveralInterfaces(t *testing.T) {
	f := vethPair(t)
	tunnel := tun(t, "tunnel")
	s := f.sender(t)
	l := open(t, LiveOptions{Interfaces: []string{"near", "lo", "near"}, Promiscuous: true})
	datagram := ipv4(unix.IPPROTO_UDP, udp(1, 2, "in the tunnel"))
	if _, err := tunnel.Write(append([]byte{0, 0, 0x08, 0x00}, datagram...)); err != nil {
		t.Fatal(err)
	}
	loopbackMessage(t, 9, "on loopback")
	if err := s.send(ethernetFrame(nil, 0x88b5, []byte("on veth"))); err != nil {
		t.Fatal(err)
	}
	loopbackMessage(t, 9, endMark)
	var order []string
	for _, p := range collect(t, l, isEnd) {
		name := l.InterfaceName(p.Interface)
		if name != "near" && name != "lo" {
			t.Errorf("a packet of %s", name)
		}
		for _, text := range []string{"on loopback", "on veth", "in the tunnel"} {
			if bytes.HasSuffix(p.Data, []byte(text)) {
				order = append(order, text)
			}
		}
	}
	// Nobody listens on loopback: an ICMP error quotes the datagram there.
	if got := strings.Join(order, ", "); !strings.HasPrefix(got, "on loopback, ") || !strings.HasSuffix(got, "on veth") {
		t.Errorf("packets: %s", got)
	}
	out, err := exec.Command("ip", "-d", "link", "show", "near").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("promiscuity 1")) {
		t.Errorf("near is not promiscuous once: %v\n%s", err, out)
	}
}

// udpTo is a filter for UDP in IPv4 to a port, of packets whose IP header
// begins at an offset.
func udpTo(t *testing.T, offset uint32, port uint32) []bpf.RawInstruction {
	t.Helper()
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: offset + 9, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.IPPROTO_UDP, SkipTrue: 4},
		bpf.LoadMemShift{Off: offset},
		bpf.LoadIndirect{Off: offset + 2, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: port, SkipTrue: 1},
		bpf.RetConstant{Val: 1 << 20},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// Each link type has its filter, at offsets of Packet.Data, and one without a
// filter does not pass. The filter does not undo the snap length.
func TestLiveFilters(t *testing.T) {
	f := vethPair(t)
	tunnel := tun(t, "tunnel")
	s := f.sender(t)
	for _, test := range []struct {
		name    string
		filters map[LinkType][]bpf.RawInstruction
		want    []string
	}{
		{"both", map[LinkType][]bpf.RawInstruction{LinkEthernet: udpTo(t, 14, 53), LinkRaw: udpTo(t, 0, 53)}, []string{"near 53", "tunnel 53", "near end"}},
		{"Ethernet only", map[LinkType][]bpf.RawInstruction{LinkEthernet: udpTo(t, 14, 53)}, []string{"near 53", "near end"}},
		{"two ports", map[LinkType][]bpf.RawInstruction{LinkEthernet: udpTo(t, 14, 53), LinkRaw: udpTo(t, 0, 54)}, []string{"near 53", "tunnel 54", "near end"}},
	} {
		l := open(t, LiveOptions{Interfaces: []string{AnyInterface}, Filters: test.filters, SnapLen: 40})
		for _, port := range []uint16{52, 53, 54} {
			payload := strings.Repeat("x", 100)
			if err := s.send(ethernetFrame(nil, unix.ETH_P_IP, ipv4(unix.IPPROTO_UDP, udp(1, port, payload)))); err != nil {
				t.Fatal(err)
			}
			if _, err := tunnel.Write(append([]byte{0, 0, 0x08, 0x00}, ipv4(unix.IPPROTO_UDP, udp(1, port, payload))...)); err != nil {
				t.Fatal(err)
			}
		}
		end := ethernetFrame(nil, unix.ETH_P_IP, ipv4(unix.IPPROTO_UDP, udp(7, 53, "")))
		if err := s.send(end); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range collect(t, l, func(c collected) bool { return c.Data[35] == 7 && c.Link == LinkEthernet }) {
			offset := 0
			if p.Link == LinkEthernet {
				offset = 14
			}
			what := fmt.Sprint(p.Data[offset+23])
			if p.Data[offset+21] == 7 {
				what = "end"
			}
			got = append(got, l.InterfaceName(p.Interface)+" "+what)
			if len(p.Data) != 40 {
				t.Errorf("%s: %d bytes captured, want 40", test.name, len(p.Data))
			}
			if what != "end" && int(p.Length) != offset+20+8+100 {
				t.Errorf("%s: length %d", test.name, p.Length)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
		l.Close()
	}
}

// The program stays within the reach of its jumps, and within what the kernel
// takes, with many interfaces and a filter for each link type.
func TestFilterProgramOfManyInterfaces(t *testing.T) {
	enterNamespace(t)
	devices := make([]device, 1000)
	for i := range devices {
		devices[i] = device{index: i + 10, link: LinkEthernet}
	}
	devices[500].index = 1 // loopback
	filters := map[LinkType][]bpf.RawInstruction{}
	for _, link := range liveLinks {
		for range 200 {
			filters[link] = append(filters[link], bpf.RawInstruction{Op: unix.BPF_LD | unix.BPF_IMM})
		}
		filters[link] = append(filters[link], bpf.RawInstruction{Op: unix.BPF_RET | unix.BPF_K, K: 65535})
	}
	delete(filters, LinkFDDI)
	delete(filters, LinkTokenRing)
	for _, filters := range []map[LinkType][]bpf.RawInstruction{nil, filters} {
		program, err := filterProgram(devices, filters, 1500)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d instructions", len(program))
		l := open(t, LiveOptions{Interfaces: []string{AnyInterface}})
		if err := attach(l.fd, program); err != nil {
			t.Fatalf("%d instructions: %v", len(program), err)
		}
		loopbackMessage(t, 9, endMark)
		collect(t, l, isEnd)
		l.Close()
	}
}

func TestLiveStopWakesNext(t *testing.T) {
	enterNamespace(t)
	l := open(t, LiveOptions{Interfaces: []string{"lo"}, Timeout: 50 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	defer context.AfterFunc(ctx, l.Stop)()
	loopbackMessage(t, 9, endMark)
	arrived(t, l, 1) // in the kernel's open block, when Stop comes
	cancel()
	packets := make([]Packet, 8)
	seen := 0
	for {
		n, err := l.Next(packets)
		seen += n
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen == 0 {
		t.Error("a packet that came before Stop was lost")
	}
	if n, err := l.Next(packets); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
	l.Stop()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	l.Stop()
	if err := l.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// Next comes back without a packet, so that timed work can be done.
func TestLiveNextReturnsWithoutPackets(t *testing.T) {
	enterNamespace(t)
	l := open(t, LiveOptions{Interfaces: []string{"lo"}, Timeout: time.Millisecond})
	if n, err := l.Next(make([]Packet, 8)); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := l.Next(nil); n != 0 || err != nil {
		t.Errorf("without room: %d, %v", n, err)
	}
}

func TestLiveInterfaceGoesAndComes(t *testing.T) {
	f := vethPair(t)
	l := open(t, LiveOptions{Interfaces: []string{"near"}, Timeout: 10 * time.Millisecond})
	packets := make([]Packet, 8)
	ip(t, "link set near down")
	for range 5 {
		if _, err := l.Next(packets); err != nil {
			t.Fatalf("while the interface is down: %v", err)
		}
	}
	ip(t, "link set near up")
	f.waitForLink(t)
	if err := f.sender(t).send(ethernetFrame(nil, 0x88b5, []byte(endMark))); err != nil {
		t.Fatal(err)
	}
	collect(t, l, isEnd)
	ip(t, "link delete near")
	var err error
	for range 1000 {
		if _, err = l.Next(packets); err != nil {
			break
		}
	}
	if err == nil || !strings.Contains(err.Error(), "near: the interface is gone") {
		t.Errorf("after the interface was deleted: %v", err)
	}
}

func TestOpenLiveErrors(t *testing.T) {
	enterNamespace(t)
	ip(t, "link add resting type veth peer name other")
	for _, test := range []struct {
		name string
		opt  LiveOptions
		is   error
		says string
	}{
		{"no interface", LiveOptions{}, nil, "no interface is named"},
		{"unknown interface", LiveOptions{Interfaces: []string{"lo", "nosuch"}}, ErrNoInterface, "capture on lo,nosuch: interface nosuch: no such interface"},
		{"name too long", LiveOptions{Interfaces: []string{strings.Repeat("x", 16)}}, ErrNoInterface, "no such interface"},
		{"interface is down", LiveOptions{Interfaces: []string{"resting"}}, unix.ENETDOWN, "interface resting: network is down"},
		{"any and others", LiveOptions{Interfaces: []string{"lo", "any"}}, nil, `"any" stands for all interfaces`},
		{"no filter for the link type", LiveOptions{Interfaces: []string{"lo"}, Filters: map[LinkType][]bpf.RawInstruction{LinkRaw: nothingProgram}},
			nil, "interface lo: no filter for its link type ETHERNET"},
		{"empty filter", LiveOptions{Interfaces: []string{"lo"}, Filters: map[LinkType][]bpf.RawInstruction{LinkEthernet: {}}}, nil, "no instructions"},
		{"filter without end", LiveOptions{Interfaces: []string{"lo"}, Filters: map[LinkType][]bpf.RawInstruction{LinkEthernet: {{Op: 0xffff}}}}, unix.EINVAL, "attach filter"},
		{"filter too long", LiveOptions{Interfaces: []string{"lo"}, Filters: map[LinkType][]bpf.RawInstruction{LinkEthernet: make([]bpf.RawInstruction, 5000)}}, nil, "the kernel takes 4096"},
		{"buffer too large", LiveOptions{Interfaces: []string{"lo"}, Buffer: 1<<31 - 1}, nil, "at most"},
		{"snap length too large", LiveOptions{Interfaces: []string{"lo"}, SnapLen: 1<<31 - 1}, nil, "at most"},
	} {
		l, err := OpenLive(test.opt)
		if err == nil {
			l.Close()
			t.Errorf("%s: no error", test.name)
			continue
		}
		if test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestOpenLiveWithoutRight(t *testing.T) {
	enterNamespace(t)
	// Only this thread gives up its rights, and it ends with the test.
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534); errno != 0 {
		t.Skipf("give up root: %v", errno)
	}
	_, err := OpenLive(LiveOptions{Interfaces: []string{"lo"}})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "CAP_NET_RAW") {
		t.Errorf("without root: %v", err)
	}
}

func TestRingRequestIsConsistent(t *testing.T) {
	for _, buffer := range []int{1, 4096, 1 << 20, 3 << 20, 16 << 20, 1 << 30} {
		for _, snap := range []int{1, 64, 1500, 65535, 262144, 1 << 20} {
			r, err := ringRequest(LiveOptions{Buffer: buffer, SnapLen: snap}.withDefaults())
			if err != nil {
				t.Errorf("buffer %d, snap length %d: %v", buffer, snap, err)
				continue
			}
			if int(r.Block_size) < snap+ringOverhead || r.Block_size&(r.Block_size-1) != 0 || r.Block_nr < 2 {
				t.Errorf("buffer %d, snap length %d: %d blocks of %d", buffer, snap, r.Block_nr, r.Block_size)
			}
			if r.Frame_nr != r.Block_size/r.Frame_size*r.Block_nr {
				t.Errorf("buffer %d, snap length %d: %d frames of %d", buffer, snap, r.Frame_nr, r.Frame_size)
			}
		}
	}
}

func TestInterfacesOfNamespace(t *testing.T) {
	vethPair(t)
	tun(t, "tunnel")
	list, err := Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Interface{}
	for _, i := range list {
		found[i.Name] = i
	}
	lo, near, tunnel := found["lo"], found["near"], found["tunnel"]
	if !lo.Loopback || !lo.Up || lo.Index != 1 || lo.Link != LinkEthernet || fmt.Sprint(lo.Addresses) != "[127.0.0.1/8]" {
		t.Errorf("lo: %+v", lo)
	}
	if near.Loopback || !near.Up || near.Link != LinkEthernet || fmt.Sprint(near.Addresses) != "[192.0.2.1/24]" {
		t.Errorf("near: %+v", near)
	}
	if !tunnel.Up || tunnel.Link != LinkRaw || len(tunnel.Addresses) != 0 {
		t.Errorf("tunnel: %+v", tunnel)
	}
}
