package capture

import (
	"errors"
	"time"

	"golang.org/x/net/bpf"
)

// AnyInterface is a name for all interfaces of the machine, and for those
// that appear during the capture.
const AnyInterface = "any"

// ErrNoInterface is wrapped by the error of OpenLive when there is no
// interface of that name.
var ErrNoInterface = errors.New("no such interface")

// Defaults of LiveOptions.
const (
	// DefaultSnapLen is in bytes. It is enough for every packet on Linux: before
	// segmentation offload, one has up to 64 KiB, or 184 KiB and more with BIG TCP.
	DefaultSnapLen = 262144
	DefaultBuffer  = 16 << 20 // bytes
	DefaultTimeout = 100 * time.Millisecond
)

// LiveOptions say what OpenLive captures. Interfaces is needed; the zero
// value of every other field is usable.
type LiveOptions struct {
	// Interfaces are the names of interfaces, or AnyInterface alone. The
	// packets of several interfaces come in the order in which the system saw
	// them, because all share one buffer.
	Interfaces []string
	// SnapLen is how many bytes of a packet are captured at most; 0 is
	// DefaultSnapLen.
	SnapLen int
	// Promiscuous asks for frames that are addressed to other stations. It has
	// no effect with AnyInterface.
	Promiscuous bool
	// Buffer is the size of the system's buffer in bytes; 0 is DefaultBuffer.
	// The system may round it.
	Buffer int
	// Filters are classic BPF programs, one for each link type, that the system
	// runs on a packet before it copies it. Their offsets are those of
	// Packet.Data. If Filters is nil, every packet passes. Otherwise packets of
	// a link type without a program do not pass, and it is an error to name an
	// interface of such a link type.
	Filters map[LinkType][]bpf.RawInstruction
	// Timeout is how long a captured packet waits at most until Next returns
	// it, and how long Next waits at most for a packet; 0 is DefaultTimeout.
	// Packets wait so that one system call returns many.
	Timeout time.Duration
}

// LiveStats are the system's counts of packets since a Live was opened.
type LiveStats struct {
	// Received is how many packets passed the filter, the dropped ones
	// included (tcpdump's "packets received by filter").
	Received uint64
	// Dropped is how many of them were lost because the buffer was full.
	Dropped uint64
	// Freezes is how often the buffer became full. Linux only.
	Freezes uint64
}
