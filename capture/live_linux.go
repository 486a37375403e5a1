package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Live is a Source of packets from network interfaces. On Linux it reads an
// AF_PACKET socket through a TPACKET_V3 ring
// (Documentation/networking/packet_mmap.rst). The ring is memory shared with the
// kernel, which fills it block by block. Packets are not copied out of it.
//
// One Live may return packets of several link types. The hardware type of an
// interface, which the kernel tells with each packet, decides:
//
//   - Ethernet and loopback have LinkEthernet.
//   - An interface with another link layer that package decode knows (802.11
//     monitor mode, Cisco HDLC, frame relay, …) has that link type.
//   - Any other interface (tun, PPP, IP tunnels, WireGuard, …) has LinkRaw, and
//     its packets begin with the IP header, since drivers differ in what they
//     put before it. Packets that are not IP have LinkLinuxSLL2, with a header
//     made from what the kernel says of the packet.
//
// A VLAN tag that the kernel or the network card removed is in Packet.VLAN, and
// Packet.Length counts its four bytes. A packet on the loopback interface is
// seen when it leaves and when it arrives; only the arrival is returned.
// Packet.Interface is the kernel's interface index.
//
// Next returns 0 and no error when the time-out passes without a packet, so that
// the caller can do work at regular times. While one goroutine is in Next,
// others may only call Stop and Stats. Packet.Data points into the ring and must
// not be used after Close.
type Live struct {
	fd        int
	event     int // eventfd by which Stop wakes Next
	ring      []byte
	blockSize int
	snapLen   int
	timeout   time.Duration

	block  int    // number of the block that is read or waited for
	held   bool   // the block is ours; the next call gives it back once left is 0
	left   uint32 // packets of the block that were not given yet
	offset int    // of the next of them from the start of the block
	number uint64 // packets given so far

	// index and name are those of the interface when there is only one.
	index int
	name  string
	names map[uint32]string
	// several are the interfaces if there are more than one, but for those that Gone
	// has told of.
	several map[uint32]string

	lastIndex uint32 // of the interface of the latest packet
	lastName  string

	ending error // why the capture ends once the ring is empty: io.EOF after Stop
	endAt  time.Time

	stopped atomic.Bool
	mu      sync.Mutex // guards stats and several, and fd and event against Close
	closed  bool
	stats   LiveStats
}

var _ Source = (*Live)(nil)

// OpenLive starts a capture. On Linux it needs the capability CAP_NET_RAW;
// the error without it matches os.ErrPermission.
func OpenLive(opt LiveOptions) (*Live, error) {
	opt = opt.withDefaults()
	l := &Live{fd: -1, event: -1, snapLen: opt.SnapLen, timeout: opt.Timeout, names: make(map[uint32]string)}
	if err := l.open(opt); err != nil {
		_ = l.Close() // the first error says more
		hint := ""
		if errors.Is(err, unix.EPERM) {
			hint = " (capturing needs root or the capability CAP_NET_RAW)"
		}
		return nil, fmt.Errorf("capture on %s: %w%s", strings.Join(opt.Interfaces, ","), err, hint)
	}
	return l, nil
}

func (l *Live) open(opt LiveOptions) error {
	if len(opt.Interfaces) == 0 {
		return errors.New("no interface is named")
	}
	anyInterface := slices.Contains(opt.Interfaces, AnyInterface)
	if anyInterface && len(opt.Interfaces) > 1 {
		return fmt.Errorf("%q stands for all interfaces and cannot be named with others", AnyInterface)
	}
	// A packet socket of protocol 0 receives nothing before it is bound. So
	// the ring and the filter are in place before the first packet, and there
	// are no earlier ones to throw away.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	l.fd = fd

	var devices []device
	if !anyInterface {
		for _, name := range opt.Interfaces {
			d, err := findDevice(fd, name)
			if err != nil {
				return err
			}
			if opt.Filters != nil && opt.Filters[d.link] == nil {
				return fmt.Errorf("interface %s: no filter for its link type %v", name, d.link)
			}
			if !slices.ContainsFunc(devices, func(o device) bool { return o.index == d.index }) {
				devices = append(devices, d)
				l.names[uint32(d.index)] = name
			}
		}
	}
	program, err := filterProgram(devices, opt.Filters, opt.SnapLen)
	if err != nil {
		return err
	}
	if err := attach(fd, program); err != nil {
		return fmt.Errorf("attach filter of %d instructions: %w", len(program), err)
	}
	if err := l.mapRing(opt); err != nil {
		return err
	}
	if l.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("eventfd: %w", err)
	}
	if len(devices) == 1 {
		l.index, l.name = devices[0].index, opt.Interfaces[0]
	}
	if len(devices) > 1 {
		l.several = maps.Clone(l.names)
	}
	// With several interfaces the socket is bound to all of them, index 0, and
	// the filter leaves those that were named.
	address := &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: l.index}
	if err := unix.Bind(fd, address); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if opt.Promiscuous {
		for _, d := range devices {
			m := unix.PacketMreq{Ifindex: int32(d.index), Type: unix.PACKET_MR_PROMISC}
			if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
				return fmt.Errorf("interface %s: promiscuous mode: %w", l.names[uint32(d.index)], err)
			}
		}
	}
	return nil
}

// ringOverhead is more than what the kernel puts into a block besides the
// bytes of one packet: the headers of block and packet, a socket address and
// alignment.
const ringOverhead = 512

// blocksWanted is into how many blocks a ring is cut when packets are small
// enough for it. The kernel hands over whole blocks, so that few large blocks
// mean few wake-ups, and many small ones that less of the ring is in the
// reader's hands. 64 of 256 KiB is the default ring with a usual snap length.
const blocksWanted = 64

func ringRequest(opt LiveOptions) (unix.TpacketReq3, error) {
	ceil2 := func(n int) int { return 1 << bits.Len(uint(n-1)) }
	const maxBuffer = 1 << 30 // fits an int on every machine, doubled too
	if opt.SnapLen > maxBuffer/4 {
		return unix.TpacketReq3{}, fmt.Errorf("snap length of %d bytes: at most %d are possible", opt.SnapLen, maxBuffer/4)
	}
	if opt.Buffer > maxBuffer {
		return unix.TpacketReq3{}, fmt.Errorf("buffer of %d bytes: at most %d are possible", opt.Buffer, maxBuffer)
	}
	block := max(unix.Getpagesize(), ceil2(opt.SnapLen+ringOverhead), ceil2(opt.Buffer)/blocksWanted)
	blocks := max(2, opt.Buffer/block)
	// The frame size means nothing to TPACKET_V3 but must be consistent.
	const frame = 2048
	milliseconds := max(1, opt.Timeout.Milliseconds())
	return unix.TpacketReq3{
		Block_size: uint32(block), Block_nr: uint32(blocks),
		Frame_size: frame, Frame_nr: uint32(block / frame * blocks),
		Retire_blk_tov: uint32(milliseconds),
	}, nil
}

func (l *Live) mapRing(opt LiveOptions) error {
	request, err := ringRequest(opt)
	if err != nil {
		return err
	}
	if err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("set TPACKET_V3 (Linux 3.2 and later have it): %w", err)
	}
	size := int(request.Block_size) * int(request.Block_nr)
	if err := unix.SetsockoptTpacketReq3(l.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &request); err != nil {
		return fmt.Errorf("allocate ring of %d bytes: %w", size, err)
	}
	// MAP_POPULATE: page faults come now, and not with the first packets.
	if l.ring, err = unix.Mmap(l.fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE); err != nil {
		return fmt.Errorf("map ring of %d bytes: %w", size, err)
	}
	l.blockSize = int(request.Block_size)
	return nil
}

// Next implements Source. The documentation of Live says how it differs from
// the Next of a file.
func (l *Live) Next(dst []Packet) (int, error) {
	if len(dst) == 0 {
		return 0, nil
	}
	if l.left == 0 {
		l.release()
		if ready, err := l.wait(); !ready {
			return 0, err
		}
		l.take()
	}
	block := l.ring[l.block*l.blockSize:][:l.blockSize]
	n := 0
	for n < len(dst) && l.left > 0 {
		if l.offset < 0 || l.offset > len(block)-unix.SizeofTpacket3Hdr-unix.SizeofSockaddrLinklayer {
			return n, l.broken("a packet begins outside its block")
		}
		header := (*unix.Tpacket3Hdr)(unsafe.Pointer(&block[l.offset]))
		// The header is overwritten by fill where it makes a link header.
		next := l.offset + int(header.Next_offset)
		if !l.fill(&dst[n], block[l.offset:], header) {
			return n, l.broken("a packet ends outside its block")
		}
		n++
		l.left--
		l.offset = next
	}
	return n, nil
}

// broken ends the capture on a ring that makes no sense, which is an error of
// the kernel or of this package.
func (l *Live) broken(reason string) error {
	l.left = 0
	return fmt.Errorf("capture ring, block %d: %s", l.block, reason)
}

// status is the word through which the block changes hands.
func (l *Live) status() *uint32 {
	const offset = int(unsafe.Offsetof(unix.TpacketBlockDesc{}.Hdr) + unsafe.Offsetof(unix.TpacketHdrV1{}.Block_status))
	return (*uint32)(unsafe.Pointer(&l.ring[l.block*l.blockSize+offset]))
}

func (l *Live) ready() bool { return atomic.LoadUint32(l.status())&unix.TP_STATUS_USER != 0 }

// release gives a block that was read back to the kernel.
func (l *Live) release() {
	if !l.held {
		return
	}
	atomic.StoreUint32(l.status(), unix.TP_STATUS_KERNEL)
	l.held = false
	if l.block++; l.block*l.blockSize == len(l.ring) {
		l.block = 0
	}
}

// take begins to read a block that is ready.
func (l *Live) take() {
	const offset = unsafe.Offsetof(unix.TpacketBlockDesc{}.Hdr)
	h := (*unix.TpacketHdrV1)(unsafe.Pointer(&l.ring[l.block*l.blockSize+int(offset)]))
	l.held, l.left, l.offset = true, h.Num_pkts, int(h.Offset_to_first_pkt)
}

// wait waits until the block is ready. Without one it gives false, and a
// reason when the capture is over.
func (l *Live) wait() (ready bool, err error) {
	deadline := time.Now().Add(l.timeout)
	for {
		if l.stopped.Load() && l.ending == nil {
			l.end(io.EOF)
		}
		if l.ready() {
			return true, nil
		}
		if l.ending != nil {
			deadline = l.endAt
		}
		left := time.Until(deadline)
		if left <= 0 {
			return false, l.ending
		}
		fds := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN}, {Fd: int32(l.event), Events: unix.POLLIN}}
		if l.ending != nil {
			fds = fds[:1]
		}
		milliseconds := (left + time.Millisecond - 1) / time.Millisecond
		_, err := unix.Poll(fds, int(milliseconds))
		if err != nil && err != unix.EINTR {
			return false, fmt.Errorf("poll: %w", err)
		}
		if err == nil && fds[0].Revents&^unix.POLLIN != 0 {
			l.socketError()
		}
	}
}

// end lets no more packets into the ring and sets the time by which the
// kernel has handed over the last block: its timer gives a block at the
// second tick at the latest.
func (l *Live) end(reason error) {
	l.ending = reason
	l.endAt = time.Now().Add(2*l.timeout + 10*time.Millisecond)
	// Without the filter packets that come after the end are given as well,
	// until the time is over: no reason to fail.
	_ = attach(l.fd, nothingProgram)
}

// socketError looks at why poll reported the socket. An interface that goes
// down may come up again, and the capture goes on; one that is gone ends it.
func (l *Live) socketError() {
	code, err := unix.GetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if l.ending != nil {
		return
	}
	reason := error(unix.Errno(code))
	if err != nil {
		reason = err
	} else if code == 0 {
		return
	}
	if reason == unix.ENETDOWN && l.index != 0 {
		if _, err := deviceName(l.fd, uint32(l.index)); err == nil {
			return
		}
		l.end(fmt.Errorf("capture on %s: the interface is gone", l.name))
		return
	}
	l.end(fmt.Errorf("capture: %w", reason))
}

// Stop ends the capture. Next still returns the packets that arrived before,
// and then io.EOF, within about two time-outs. Stop may be called at any
// time from any goroutine, for example by context.AfterFunc(ctx, live.Stop).
func (l *Live) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.stopped.Store(true)
	one := binary.NativeEndian.AppendUint64(nil, 1)
	// The write fails only when 2^64-2 stops are pending, and then Next is
	// awake.
	_, _ = unix.Write(l.event, one)
}

// Stats returns what was counted since OpenLive. After Close it returns the
// last counts.
func (l *Live) Stats() (LiveStats, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.stats, nil
	}
	err := l.readStats()
	return l.stats, err
}

// Gone tells which of several interfaces have disappeared since it was called before,
// and how many are left. The capture goes on without them. If there was only one,
// Next returns an error instead. It may be called while another goroutine is in
// Next.
func (l *Live) Gone() (names []string, left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, len(l.several)
	}
	for index, name := range l.several {
		if isGone(l.fd, index) {
			names = append(names, name)
			delete(l.several, index)
		}
	}
	slices.Sort(names)
	return names, len(l.several)
}

// isGone asks the kernel for the name of an index. One that comes back under its old
// name has another index.
func isGone(fd int, index uint32) bool {
	request, err := unix.NewIfreq("x")
	if err != nil {
		return false
	}
	request.SetUint32(index)
	return errors.Is(unix.IoctlIfreq(fd, unix.SIOCGIFNAME, request), unix.ENODEV)
}

// readStats adds what the kernel counted since the last call, for it begins
// anew after each.
func (l *Live) readStats() error {
	s, err := unix.GetsockoptTpacketStatsV3(l.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return fmt.Errorf("read packet statistics: %w", err)
	}
	l.stats.Received += uint64(s.Packets)
	l.stats.Dropped += uint64(s.Drops)
	l.stats.Freezes += uint64(s.Freeze_q_cnt)
	return nil
}

// Close ends the capture at once. The data of packets from Next must not be
// used afterwards.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	var errs []error
	if l.ring != nil {
		errs = append(errs, l.readStats(), unix.Munmap(l.ring))
		l.ring = nil
	}
	if l.fd >= 0 {
		errs = append(errs, unix.Close(l.fd))
	}
	if l.event >= 0 {
		errs = append(errs, unix.Close(l.event))
	}
	return errors.Join(errs...)
}

// InterfaceName returns the name of the interface with this index, which is
// Packet.Interface. It is "if7", say, when the interface is gone.
func (l *Live) InterfaceName(index uint32) string {
	if name, ok := l.names[index]; ok {
		return name
	}
	name, err := deviceName(l.fd, index)
	if err != nil {
		name = fmt.Sprintf("if%d", index)
	}
	l.names[index] = name
	return name
}

func networkOrder(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
}
