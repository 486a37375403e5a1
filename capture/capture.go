// Package capture reads packets: from capture files of every common container,
// from standard input, and from live interfaces. It knows containers, link
// types and losses, and nothing of what a packet holds.
//
// A capture is a list of packets as an interface saw them. Of each it has the
// time, the length on the wire, and the octets from the front of the packet, cut
// off at the snap length that the capture was made with. How these octets begin,
// for example with an Ethernet header, is told by a link type. Classic pcap has
// one link type a file; pcapng has interfaces, each with its own.
//
// Open, NewReader, OpenFiles and Follow read files and pipes; what they are is
// told by their content, also when they are compressed. They give packets many
// at a time, in the reader's own memory:
//
//	r, err := capture.Open("x.pcap", capture.Options{})
//	...
//	defer r.Close()
//	var dst [64]capture.Packet
//	for {
//		n, err := r.Next(dst[:])
//		for i := range dst[:n] {
//			use(&dst[i])
//		}
//		if err == io.EOF {
//			break
//		}
//		...
//	}
//
// Next is for one goroutine. A Reader of one capture also has NextChunk, which any
// number of goroutines call to share the work: a piece of the file is read, parsed
// and handed out by one of them, so its octets stay in the cache of one core and
// none is copied; only to find where the next record begins do they take turns.
// Chunks are numbered, so that the order of the capture can be kept where it
// matters.
//
// Captures are hostile input. What a length field says is not believed before
// so much was read, damage is reported with its offset and stepped over where
// that can be done without guessing, and everything that was readable is given.
package capture

import "fmt"

// Packet is one packet as its source recorded it.
type Packet struct {
	Time   int64    // capture time, nanoseconds since the Unix epoch, UTC; 0 when the source has none (pcapng simple packet block)
	Number uint64   // position in its source, from 1
	Link   LinkType // how Data begins
	// Length is the packet's length on the wire in octets, which is more than
	// len(Data) where a snap length cut it. It is never less than len(Data).
	Length uint32
	// VLAN is an 802.1Q tag that the system took off before the packet was
	// delivered (live capture): TPID<<16 | TCI, or 0.
	VLAN      uint32
	Interface uint32 // index of the interface in the source
	Data      []byte // captured octets; valid until the next call of Next
}

// Source gives packets in the order in which it recorded them.
type Source interface {
	// Next fills dst from the front and returns how many packets it filled.
	// Their Data are valid until the next call. At the end it returns io.EOF;
	// n may be above zero beside any error. After damage that cannot be
	// stepped over the error is a *DamageError.
	Next(dst []Packet) (n int, err error)
	Close() error
}

// FileSource is a Source that reads capture files, as Open, OpenFiles and Follow
// return it.
type FileSource interface {
	Source
	// Problems returns the first places of damage that were stepped over so far,
	// and how many there were in all.
	Problems() ([]DamageError, int)
	// Progress returns how many bytes of the files were read, and how many there
	// are; total is 0 when that is not known. It may be called at any time from
	// any goroutine.
	Progress() (read, total int64)
}

// DamageError says where and how a capture is damaged.
type DamageError struct {
	Name   string // file name, or "-" for standard input
	Offset int64  // octets from the start of the (decompressed) stream
	Packet uint64 // number of the packet at which it shows, from 1; 0 when none
	Reason string
}

func (e *DamageError) Error() string {
	if e.Packet != 0 {
		return fmt.Sprintf("%s: byte %d, packet %d: %s", e.Name, e.Offset, e.Packet, e.Reason)
	}
	return fmt.Sprintf("%s: byte %d: %s", e.Name, e.Offset, e.Reason)
}
