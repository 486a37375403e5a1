//go:build !linux && libpcap

package capture

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/gopacket/pcap"
)

// Live is a Source of packets from a network interface, read through libpcap
// (on Windows: Npcap), one interface at a time.
//
// Next returns 0 and no error when the time-out passes without a packet, so
// that the caller can do its timed work. Only Stop and Stats may be called
// while another goroutine is in Next.
type Live struct {
	handle  *pcap.Handle
	name    string
	index   uint32
	link    LinkType
	timeout time.Duration
	number  uint64
	// buffer holds the bytes of the packets of one Next: libpcap keeps only
	// the last packet that it gave.
	buffer []byte

	stopped atomic.Bool
	mu      sync.Mutex // guards what follows, and handle against Close
	closed  bool
	stats   LiveStats
}

var _ Source = (*Live)(nil)

// OpenLive starts capturing. It takes one interface.
func OpenLive(opt LiveOptions) (*Live, error) {
	opt = opt.withDefaults()
	if len(opt.Interfaces) != 1 {
		return nil, fmt.Errorf("capture on %d interfaces: only one at a time is possible on this system", len(opt.Interfaces))
	}
	l := &Live{name: opt.Interfaces[0], timeout: opt.Timeout, buffer: make([]byte, 0, max(1<<20, opt.SnapLen))}
	if err := l.open(opt); err != nil {
		return nil, fmt.Errorf("capture on %s: %w", l.name, err)
	}
	return l, nil
}

func (l *Live) open(opt LiveOptions) error {
	inactive, err := pcap.NewInactiveHandle(libraryName(l.name))
	if err != nil {
		return err
	}
	defer inactive.CleanUp()
	for _, set := range []error{
		inactive.SetSnapLen(opt.SnapLen),
		inactive.SetPromisc(opt.Promiscuous),
		inactive.SetTimeout(opt.Timeout),
		inactive.SetBufferSize(opt.Buffer),
	} {
		if set != nil {
			return set
		}
	}
	if l.handle, err = inactive.Activate(); err != nil {
		return err
	}
	l.link = linkOfDLT(int(l.handle.LinkType()))
	if opt.Filters != nil {
		filter := opt.Filters[l.link]
		if filter == nil {
			l.handle.Close()
			return fmt.Errorf("no filter for its link type %v", l.link)
		}
		program := make([]pcap.BPFInstruction, len(filter))
		for i, in := range filter {
			program[i] = pcap.BPFInstruction{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
		}
		if err := l.handle.SetBPFInstructionFilter(program); err != nil {
			l.handle.Close()
			return fmt.Errorf("attach filter of %d instructions: %w", len(program), err)
		}
	}
	// Npcap's device names are not those of the system: index 0 then.
	if i, err := net.InterfaceByName(l.name); err == nil {
		l.index = uint32(i.Index)
	}
	return nil
}

// libraryName gives libpcap's name of an interface. It is the system's name,
// but Npcap's are \Device\NPF_{…}, and what the two have in common are the
// addresses. A name that is not found is left to libpcap.
func libraryName(name string) string {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return name
	}
	devices, err := pcap.FindAllDevs()
	if err != nil {
		return name
	}
	addresses, _ := i.Addrs()
	found := name
	for _, d := range devices {
		if d.Name == name {
			return name
		}
		for _, a := range addresses {
			n, ok := a.(*net.IPNet)
			for _, b := range d.Addresses {
				if ok && n.IP.Equal(b.IP) {
					found = d.Name
				}
			}
		}
	}
	return found
}

// linkOfDLT gives the link type of files for the DLT_ value of a live capture.
// They are the same but for raw IP, which is 12 on most systems, 14 on
// OpenBSD and 101 in files.
func linkOfDLT(dlt int) LinkType {
	if dlt == int(LinkRaw12) || dlt == int(LinkRaw14) {
		return LinkRaw
	}
	return LinkType(dlt)
}

// Next implements Source. See Live for what differs from a file.
func (l *Live) Next(dst []Packet) (int, error) {
	l.buffer = l.buffer[:0]
	deadline := time.Now().Add(l.timeout)
	n := 0
	for n < len(dst) {
		if l.stopped.Load() {
			return n, io.EOF
		}
		data, info, err := l.handle.ZeroCopyReadPacketData()
		switch {
		case errors.Is(err, pcap.NextErrorTimeoutExpired):
			return n, nil
		case errors.Is(err, io.EOF):
			return n, io.EOF
		case err != nil:
			return n, fmt.Errorf("capture on %s: %w", l.name, err)
		}
		begin := len(l.buffer)
		l.buffer = append(l.buffer, data...) // a grown buffer leaves the earlier packets in the old one
		l.number++
		dst[n] = Packet{
			Time:      info.Timestamp.UnixNano(),
			Number:    l.number,
			Link:      l.link,
			Length:    uint32(max(info.Length, len(data))),
			Interface: l.index, InterfaceName: l.name,
			Data: l.buffer[begin:len(l.buffer):len(l.buffer)],
		}
		n++
		if time.Now().After(deadline) {
			break
		}
	}
	return n, nil
}

// Stop ends the capture: Next gives io.EOF within about one time-out. It may
// be called at any time and from any goroutine, as with
// context.AfterFunc(ctx, live.Stop).
func (l *Live) Stop() { l.stopped.Store(true) }

// Stats gives the counts since OpenLive. After Close they are the last ones.
func (l *Live) Stats() (LiveStats, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.stats, nil
	}
	err := l.readStats()
	return l.stats, err
}

// Gone gives none: there is one interface, and its end is an error of Next.
func (l *Live) Gone() (names []string, left int) { return nil, 0 }

func (l *Live) readStats() error {
	s, err := l.handle.Stats()
	if err != nil {
		return fmt.Errorf("read packet statistics: %w", err)
	}
	l.stats = LiveStats{Received: uint64(s.PacketsReceived), Dropped: uint64(s.PacketsDropped)}
	return nil
}

// Close ends the capture.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	err := l.readStats()
	l.handle.Close()
	return err
}

// InterfaceName gives the name of the interface.
func (l *Live) InterfaceName(uint32) string { return l.name }
