package capture

import (
	"errors"
	"time"

	"golang.org/x/net/bpf"
)

// AnyInterface is the name that stands for every interface of the machine,
// also those that appear during the capture.
const AnyInterface = "any"

// ErrNoInterface is what OpenLive's error wraps when an interface of the given
// name does not exist.
var ErrNoInterface = errors.New("no such interface")

// Defaults of LiveOptions.
const (
	// DefaultSnapLen holds every packet that Linux makes: the largest are
	// those that segmentation offload has not cut yet, 64 KiB, or 184 KiB and
	// more with BIG TCP.
	DefaultSnapLen = 262144
	DefaultBuffer  = 16 << 20
	DefaultTimeout = 100 * time.Millisecond
)

// LiveOptions say what OpenLive listens to. The zero value of each field but
// Interfaces is usable.
type LiveOptions struct {
	// Interfaces are names of interfaces, or the one name AnyInterface. All
	// are read through one buffer, so that the packets of several interfaces
	// come in the order in which the system saw them.
	Interfaces []string
	// SnapLen is the most octets captured of a packet; 0 is DefaultSnapLen.
	SnapLen int
	// Promiscuous asks the named interfaces for frames that are addressed to
	// other stations. It means nothing for AnyInterface.
	Promiscuous bool
	// Buffer is the size in octets of the buffer that the system fills; 0 is
	// DefaultBuffer. It is rounded to what the system can use.
	Buffer int
	// Filters are classic BPF programs that the system runs before it copies
	// a packet, one for each link type. With nil every packet passes.
	// Otherwise packets of a link type that has no program do not pass, and a
	// named interface of such a link type is an error. Offsets are those of
	// Packet.Data.
	Filters map[LinkType][]bpf.RawInstruction
	// Timeout bounds how long a captured packet waits before Next gives it,
	// and how long Next waits for a packet; 0 is DefaultTimeout. Packets
	// wait so that one system call brings many.
	Timeout time.Duration
}

// LiveStats count what the system did with the packets of a Live since it was
// opened.
type LiveStats struct {
	// Received are the packets that passed the filter, with those of Dropped
	// ("packets received by filter" in tcpdump's words).
	Received uint64
	// Dropped are the packets that found the buffer full.
	Dropped uint64
	// Freezes is how often the buffer became full; Linux only.
	Freezes uint64
}
