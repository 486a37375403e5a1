// Package capture reads packets from capture files, from standard input and
// from live interfaces. It knows file formats, link types and losses. What is
// in a packet is the business of package decode.
//
// A capture is a list of packets as an interface saw them. Each packet has a
// time, its length on the wire, and its first bytes, up to the snap length with
// which the capture was made. The link type says which header these bytes begin
// with, such as Ethernet. A classic pcap file has one link type. A pcapng file
// has interfaces, each with its own.
//
// [Open], [NewReader], [OpenFiles] and [Follow] read files and pipes. They find
// the format and the compression from the content. [OpenLive] reads interfaces.
// All of them are a [Source], whose Next returns many packets at a time. The
// packets lie in the memory of the source and are valid until the next call.
//
// A [Reader] can also be shared by several goroutines, which call NextChunk in
// place of Next. Each reads and parses a piece of the file, so the bytes stay in
// the cache of one core and are not copied. Chunks are numbered, for callers
// that need the order of the capture.
//
// A capture may come from an attacker. A length field is not trusted until
// that many bytes were read. Damage is reported with its offset. Reading goes on
// behind it where the next packet can be found without guessing.
package capture

import "fmt"

// Packet is one packet of a source.
type Packet struct {
	Time   int64    // nanoseconds since the Unix epoch; 0 if not known (pcapng simple packet block)
	Number uint64   // position in its source, from 1
	Link   LinkType // which header Data begins with
	// Length is the packet's length on the wire in bytes. It is more than
	// len(Data) if the packet was cut to the snap length, and never less.
	Length uint32
	// VLAN is an 802.1Q tag that the system removed from the packet (live
	// capture only), as TPID<<16 | TCI. It is 0 if there was none.
	VLAN      uint32
	Interface uint32 // index of the interface in the source
	// InterfaceName is the interface's name as the source has it, "eth0"; "" where it
	// has none.
	InterfaceName string
	Data          []byte // captured bytes; valid until the next call of Next
}

// Source returns packets in the order in which they were captured.
type Source interface {
	// Next writes packets to the front of dst and returns how many. Their
	// Data is valid until the next call. With any error, n may be above 0. At
	// the end the error is io.EOF. Where damage ends the reading, it is a
	// *DamageError.
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
	Offset int64  // in bytes from the start of the file, after decompression
	Packet uint64 // number of the damaged packet, from 1; 0 if it is not within one
	Reason string
}

func (e *DamageError) Error() string {
	if e.Packet != 0 {
		return fmt.Sprintf("%s: byte %d, packet %d: %s", e.Name, e.Offset, e.Packet, e.Reason)
	}
	return fmt.Sprintf("%s: byte %d: %s", e.Name, e.Offset, e.Reason)
}
